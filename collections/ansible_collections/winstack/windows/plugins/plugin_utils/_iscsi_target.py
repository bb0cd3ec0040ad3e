# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the iSCSI resources read of a Windows host alike. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.resources.initiator_ids import read_initiator
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import path_key
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import Have, rows
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError, WantError

SERVICE: t.Final = "WinTarget"
FEATURE: t.Final = "FS-iSCSITarget-Server"
ADVICE: t.Final = f"Install the feature {FEATURE} and start the service {SERVICE}, as the role winstack.windows.iscsi_target_server does."

# Of a server and of a target: https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
MAX_TARGETS: t.Final = 256
MAX_DISKS: t.Final = 512
MAX_LUNS: t.Final = 256

Row = dict[str, t.Any]


def require_service(facts: Facts) -> None:
    """Raise HostError unless the target server runs: what a stopped one answers must not read as "there is nothing"."""
    states = {str(row["Name"]).lower(): str(row["State"]) for row in rows(facts, "services")}
    state = states.get(SERVICE.lower())
    if state is None:
        raise HostError(f"There is no service {SERVICE}: iSCSI Target Server is not installed. {ADVICE}")
    if state != "Running":
        raise HostError(f"The service {SERVICE} is {state}, so the host cannot tell what it has. {ADVICE}")


def read_disks(facts: Facts) -> list[Row]:
    """Give the registered virtual disks, by path. ``enabled`` is null where WMI did not say."""
    require_service(facts)
    wmi = {
        path_key(str(row["DevicePath"])): row
        for row in rows(facts, "wt_disks", otherwise=ADVICE)
        if row.get("DevicePath")
    }
    found = rows(facts, "iscsi_virtual_disks", otherwise=ADVICE)
    disks = [_disk(row, wmi.get(path_key(str(row["Path"])), {})) for row in found if row.get("Path")]
    return sorted(disks, key=lambda disk: path_key(disk["path"]))


def _disk(row: Mapping[str, t.Any], wmi: Mapping[str, t.Any]) -> Row:
    return {
        "path": row["Path"],
        "size": row.get("Size"),
        "type": str(row.get("DiskType") or "").lower() or None,
        "parent_path": row.get("ParentPath") or None,
        "description": row.get("Description") or wmi.get("Description") or "",
        "enabled": wmi.get("Enabled"),
        "status": row.get("Status"),
        "serial_number": row.get("SerialNumber"),
        "snapshots": list(row.get("SnapshotIds") or []),
    }


def read_targets(facts: Facts) -> list[Row]:
    """Give the targets, by name. ``enabled`` is null where WMI did not say."""
    require_service(facts)
    wmi = {
        str(row["HostName"]).lower(): row
        for row in rows(facts, "wt_hosts", otherwise=ADVICE)
        if row.get("HostName")
    }
    found = rows(facts, "iscsi_server_targets", otherwise=ADVICE)
    targets = [_target(row, wmi.get(str(row["TargetName"]).lower(), {})) for row in found]
    return sorted(targets, key=lambda target: str(target["name"]).lower())


def _target(row: Mapping[str, t.Any], wmi: Mapping[str, t.Any]) -> Row:
    luns = [{"lun": item["Lun"], "path": item["Path"]} for item in row.get("LunMappings") or []]
    return {
        "name": row["TargetName"],
        "iqn": row.get("TargetIqn") or "",
        "description": row.get("Description") or "",
        "enabled": wmi.get("Enabled"),
        "initiator_ids": sorted({read_initiator(item).shown for item in row.get("InitiatorIds") or []}),
        "chap": _chap(row.get("EnableChap"), row.get("ChapUserName")),
        "reverse_chap": _chap(row.get("EnableReverseChap"), row.get("ReverseChapUserName")),
        "luns": sorted(luns, key=lambda item: int(item["lun"])),
        "status": row.get("Status"),
        "sessions": [item.get("") for item in row.get("Sessions") or []],
    }


def _chap(enabled: t.Any, username: t.Any) -> Row:
    return {"enabled": bool(enabled), "username": username or None}


def things(have: Have, name: str, key: str) -> list[Mapping[str, t.Any]]:
    """Give the objects under ``name`` of a have, which may be an operator's. Raise WantError if they have another shape."""
    found = have.get(name) or []
    if not isinstance(found, list) or not all(_keyed(item, key) for item in found):
        raise WantError(
            f"have.{name} has to be a list of dictionaries with {key}, as state gathered returns it."
        )
    return found


def _keyed(item: t.Any, key: str) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get(key), str)


def answered(facts: Facts, name: str, key: str, wanted: str) -> t.Any:
    """Give Enabled from a WMI section that was asked once more, of the row whose ``key`` is ``wanted``; None if unknown."""
    section = facts.get(name)
    found = list(section.data) if section is not None and section.ok else []
    return next(
        (row.get("Enabled") for row in found if path_key(str(row.get(key))) == path_key(wanted)), None
    )

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshot as playbooks read it: fact ``winstack_host``. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import release_of
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError

Rows = list[Mapping[str, t.Any]]

# Win32_OperatingSystem.ProductType and Win32_LogicalDisk.DriveType:
# https://learn.microsoft.com/windows/win32/cimwin32prov/
_PRODUCT_TYPES: t.Final = {1: "workstation", 2: "domain_controller", 3: "server"}
_DRIVE_TYPES: t.Final = {2: "removable", 3: "local", 4: "network", 5: "optical", 6: "ram"}


def host_view(sections: Facts) -> dict[str, t.Any]:
    """Give what is known of the host by topic; a topic that the host did not answer is absent, and told in ``errors``."""
    view = {
        name: make(list(sections[name].data))
        for name, make in _TOPICS.items()
        if name in sections and sections[name].ok
    }
    view["paths"] = {
        name.removeprefix("path:"): _path(section) for name, section in sections.items() if _is_path(name)
    }
    view["reparse_points"] = [
        name.removeprefix("path:")
        for name, section in sections.items()
        if _is_path(name) and _is_reparse_point(section)
    ]
    view["errors"] = {
        name: section.error.message
        for name, section in sections.items()
        if section.error and not _is_path(name)
    }
    return view


def _os(rows: Rows) -> dict[str, t.Any]:
    row = rows[0]
    build = int(row["BuildNumber"])
    return {
        "release": _release(build),
        "build": build,
        "version": row["Version"],
        "caption": row["Caption"],
        "product_type": _PRODUCT_TYPES.get(int(row["ProductType"]), "unknown"),
        "last_boot": row["LastBootUpTime"],
    }


def _release(build: int) -> str:
    """Give the release; ``unsupported`` for a Windows that is too old, which preflight tells and every module refuses."""
    try:
        return release_of(build)
    except CallError:
        return "unsupported"


def _computer(rows: Rows) -> dict[str, t.Any]:
    return {
        "name": rows[0]["Name"],
        "domain_joined": bool(rows[0]["PartOfDomain"]),
        "domain": rows[0]["Domain"],
    }


def _services(rows: Rows) -> dict[str, t.Any]:
    return {
        row["Name"]: {
            "state": row["State"].lower(),
            "start_mode": row["StartMode"].lower(),
            "account": row["StartName"],
        }
        for row in rows
    }


def _volumes(rows: Rows) -> dict[str, t.Any]:
    return {
        row["DeviceID"].upper(): {
            "size": row["Size"],
            "free": row["FreeSpace"],
            "file_system": row["FileSystem"],
            "kind": _DRIVE_TYPES.get(row["DriveType"], "unknown"),
        }
        for row in rows
    }


def _addresses(rows: Rows) -> list[dict[str, t.Any]]:
    return [
        {
            "interface": row["InterfaceAlias"],
            "address": row["IPAddress"].split("%")[0],
            "prefix": row["PrefixLength"],
        }
        for row in rows
    ]


def _firewall_rules(rows: Rows) -> dict[str, t.Any]:
    values = [text for row in rows for text in row["*"].values()]
    rules = [firewall_rule(text) for text in values]
    return {rule["Name"]: rule for rule in rules if "Name" in rule}


def firewall_rule(text: str) -> dict[str, t.Any]:
    """Read a rule as the registry holds it ([MS-GPFAS] 2.2.2.19): ``v2.30|Action=Allow|...|``; repeated keys join with a comma."""
    rule: dict[str, t.Any] = {}
    for part in text.split("|")[1:]:
        key, equals, value = part.partition("=")
        if equals:
            rule[key] = f"{rule[key]},{value}" if key in rule else value
    return rule


def _is_path(name: str) -> bool:
    return name.startswith("path:")


def _path(section: Section) -> str:
    """Say what stands at a path: directory, file, absent, or unknown where Windows did not say."""
    if section.ok and section.data:
        return "directory" if section.data[0]["PSIsContainer"] else "file"
    return "absent" if section.error is None or section.error.missing_item else "unknown"


def _is_reparse_point(section: Section) -> bool:
    """Say whether the path is a mount point, junction or link, which leads to another place or volume."""
    return any("ReparsePoint" in str(row.get("Attributes")) for row in section.data)


_TOPICS: t.Final[dict[str, Callable[[Rows], t.Any]]] = {
    "os": _os,
    "computer": _computer,
    "features": lambda rows: {row["Name"]: row["InstallState"] for row in rows},
    "services": _services,
    "volumes": _volumes,
    "addresses": _addresses,
    "firewall_rules": _firewall_rules,
}

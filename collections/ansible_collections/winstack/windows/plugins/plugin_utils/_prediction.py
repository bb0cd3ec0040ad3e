# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode may take for granted. PRIVATE to the winstack collections.

In check mode no feature gets installed, so the cmdlets of later tasks would be missing, and a first run could not be
previewed. A feature that an earlier task would have installed is taken as present, and its server as new: running and empty.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Section


def predicted(sections: Facts, features: Iterable[str]) -> dict[str, Section]:
    """Give the sections that would read differently once the features were installed. Unknown features change nothing."""
    changed = {"features": _with_feature_states(sections, set(features))}
    for feature in features:
        if feature in _NEW_SERVERS:
            changed |= _NEW_SERVERS[feature](sections)
    return changed


def _with_feature_states(sections: Facts, features: set[str]) -> Section:
    kept = [row for row in sections["features"].data if row["Name"] not in features]
    return Section(data=[*kept, *({"Name": name, "InstallState": "Installed"} for name in sorted(features))])


def _iscsi_target(sections: Facts) -> dict[str, Section]:
    service = {
        "Name": "WinTarget",
        "State": "Running",
        "StartMode": "Auto",
        "StartName": "NT AUTHORITY\\NETWORK SERVICE",
    }
    others = [row for row in sections["services"].data if row["Name"] != "WinTarget"]
    portals = [
        {"": f"+{end}", "Enabled": True, "IPEndpoint": end} for end in _endpoints(sections["addresses"])
    ]
    empty = ("iscsi_virtual_disks", "iscsi_server_targets", "wt_disks", "wt_hosts", "wt_portals")
    return {
        "services": Section(data=[*others, service]),
        "iscsi_target_server_setting": Section(
            data=[{"ComputerName": "", "Version": "", "Portals": portals}]
        ),
        **{name: Section() for name in empty},
    }


def _endpoints(addresses: Section) -> list[str]:
    found = [ipaddress.ip_address(row["IPAddress"].split("%")[0]) for row in addresses.data]
    return [f"[{ip}]:3260" if ip.version == 6 else f"{ip}:3260" for ip in found if not ip.is_loopback]


_NEW_SERVERS: Mapping[str, Callable[[Facts], dict[str, Section]]] = {"FS-iSCSITarget-Server": _iscsi_target}

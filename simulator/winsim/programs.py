# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Console programs of Windows that read the host model: ipconfig, reg query, tzutil."""

from __future__ import annotations

import ipaddress
import ntpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from winsim.errors import RegistryError, Unmodelled
from winsim.registry import KINDS, RegValue

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.network import Adapter

Result = tuple[int, str, str]


def ipconfig(host: Host, arguments: list[str]) -> Result:
    """``ipconfig`` without options."""
    if arguments:
        raise Unmodelled(f"ipconfig {' '.join(arguments)}")
    lines = ["", "Windows IP Configuration", ""]
    for adapter in host.network.adapters:
        lines += ["", f"Ethernet adapter {adapter.name}:", "", *_adapter(host, adapter)]
    return 0, "".join(f"{line}\r\n" for line in lines), ""


_SUFFIX = "   Connection-specific DNS Suffix  . : "
_ADDRESS = {
    "IPv4": "   IPv4 Address. . . . . . . . . . . : ",
    "IPv6": "   IPv6 Address. . . . . . . . . . . : ",
}
_MASK = "   Subnet Mask . . . . . . . . . . . : "
_GATEWAY = "   Default Gateway . . . . . . . . . : "


def _adapter(host: Host, adapter: Adapter) -> list[str]:
    lines = [_SUFFIX + (host.domain or "")]
    for address in (a for a in host.network.addresses if a.interface_index == adapter.index):
        lines.append(_ADDRESS[address.family] + address.address)
        if address.family == "IPv4":
            lines.append(_MASK + str(ipaddress.ip_network(f"0.0.0.0/{address.prefix_length}").netmask))
    return [*lines, _GATEWAY + (adapter.gateway or "")]


def _value_line(value: RegValue) -> str:
    data = value.data
    if isinstance(data, int):
        shown = f"0x{data:x}"
    elif isinstance(data, bytes):
        shown = data.hex().upper()
    else:
        shown = "\\0".join(data) if isinstance(data, list) else data
    return f"    {value.name or '(Default)'}    {KINDS[value.type][1]}    {shown}"


def reg(host: Host, arguments: list[str]) -> Result:
    """``reg query <key> [/v <name>]``."""
    words = [word.lower() for word in arguments]
    if words[:1] != ["query"] or len(words) not in (2, 4) or (len(words) == 4 and words[2] != "/v"):
        raise Unmodelled(f"reg {' '.join(arguments)}")
    missing = (1, "", "ERROR: The system was unable to find the specified registry key or value.\r\n")
    try:
        if not host.registry.exists(arguments[1], arguments[3] if len(words) == 4 else None):
            return missing
    except RegistryError:
        return 1, "", 'ERROR: Invalid key name.\r\nType "REG QUERY /?" for usage.\r\n'
    key = host.registry.full_name(arguments[1])
    values = host.registry.values(key)
    if len(words) == 4:
        values = [value for value in values if value.name.lower() == words[3]]
    lines = ["", key, *(_value_line(value) for value in values), ""]
    if len(words) == 2:
        lines += [f"{key}\\{name}" for name in host.registry.subkeys(key)]
    return 0, "".join(f"{line}\r\n" for line in lines), ""


_ATTRIBUTES = {"R": "ReadOnly", "A": "Archive", "S": "System", "H": "Hidden"}


def attrib(host: Host, arguments: list[str]) -> Result:
    """``attrib +R -A <absolute path>``: set or clear attributes of one file or directory."""
    switches = [word for word in arguments if re.fullmatch(r"[+-][RASHrash]", word)]
    paths = [word for word in arguments if word not in switches]
    if len(paths) != 1 or not switches or not ntpath.isabs(paths[0]) or re.search(r"[*?]", paths[0]):
        raise Unmodelled(f"attrib {' '.join(arguments)}")
    node = host.files.get(paths[0])
    if node is None:
        return 0, f"File not found - {paths[0]}\r\n", ""
    for switch in switches:
        name = _ATTRIBUTES[switch[1].upper()]
        (node.attributes.add if switch[0] == "+" else node.attributes.discard)(name)
    return 0, "", ""


def tzutil(host: Host, arguments: list[str]) -> Result:
    """``tzutil /g``; the hosts of the simulator live in UTC."""
    if [word.lower() for word in arguments] != ["/g"]:
        raise Unmodelled(f"tzutil {' '.join(arguments)}")
    return 0, "UTC", ""


PROGRAMS: dict[str, Callable[[Host, list[str]], Result]] = {
    "attrib": attrib,
    "ipconfig": ipconfig,
    "reg": reg,
    "tzutil": tzutil,
}

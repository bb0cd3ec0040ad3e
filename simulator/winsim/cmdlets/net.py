# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and adapters: the CDXML modules NetTCPIP and NetAdapter, whose cmdlets are functions."""

from __future__ import annotations

import fnmatch
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from winsim.cmdlets import CmdletError, Enum, P, Params, PSObject, cmdlet
from winsim.cmdlets.objects import to_text
from winsim.errors import Unmodelled

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.network import Adapter, Address

_SESSION = {
    "AsJob": P("SwitchParameter"),
    "CimSession": P("CimSession[]", aliases=("Session",)),
    "ThrottleLimit": P("Int32"),
}
_INFINITE = timedelta(days=10675199, hours=2, minutes=48, seconds=5)  # TimeSpan.MaxValue, whole seconds


def _not_found(cmdlet_name: str, class_name: str, name: str, value: str) -> NoReturn:
    raise CmdletError(
        "Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
        f"CmdletizationQuery_NotFound_{name},{cmdlet_name}",
        f"No {class_name} objects found with property '{name}' equal to '{value}'.  Verify the value of the property "
        "and retry.",
        0x80131500,
    )


def _filtered(
    cmdlet_name: str, class_name: str, objects: list[PSObject], params: Params, names: tuple[str, ...]
) -> list[Any]:
    """Objects that match every given property; a value without wildcard that matches nothing is an error."""
    for name in names:
        if name not in params:
            continue
        patterns = [to_text(value) for value in params[name]]
        kept = [item for item in objects if any(_like(to_text(item.get(name)), text) for text in patterns)]
        for text in patterns:
            if not kept and not any(char in text for char in "*?["):
                _not_found(cmdlet_name, class_name, name, text)
        objects = kept
    return list(objects)


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())


def _address_object(address: Address) -> PSObject:
    loopback = address.interface_index == 1
    properties = {
        "IPAddress": address.address,
        "InterfaceIndex": address.interface_index,
        "InterfaceAlias": address.interface_alias,
        "AddressFamily": Enum(address.family),
        "Type": Enum("Unicast"),
        "PrefixLength": address.prefix_length,
        "PrefixOrigin": Enum("WellKnown" if loopback else "Manual"),
        "SuffixOrigin": Enum("WellKnown" if loopback else "Manual"),
        "AddressState": Enum(address.state),
        "ValidLifetime": _INFINITE,
        "PreferredLifetime": _INFINITE,
        "SkipAsSource": False,
        "PolicyStore": "ActiveStore",
    }
    return PSObject(
        "Microsoft.Management.Infrastructure.CimInstance#root/standardcimv2/MSFT_NetIPAddress",
        properties,
        address.address,
        source=address,
    )


_ADDRESS_FILTERS = (
    "IPAddress",
    "InterfaceIndex",
    "InterfaceAlias",
    "AddressFamily",
    "AddressState",
    "PrefixLength",
    "PrefixOrigin",
    "SuffixOrigin",
    "Type",
    "SkipAsSource",
)


@cmdlet(
    "Get-NetIPAddress",
    module="NetTCPIP",
    is_function=True,
    parameters={
        "IPAddress": P("String[]", aliases=("LocalAddress",)),
        "InterfaceIndex": P("UInt32[]", aliases=("ifIndex",)),
        "InterfaceAlias": P("String[]", aliases=("ifAlias",)),
        "AddressFamily": P("AddressFamily[]", values=("IPv4", "IPv6")),
        "Type": P("Type[]", values=("Unicast", "Anycast")),
        "PrefixLength": P("Byte[]"),
        "PrefixOrigin": P(
            "PrefixOrigin[]", values=("Other", "Manual", "WellKnown", "Dhcp", "RouterAdvertisement")
        ),
        "SuffixOrigin": P(
            "SuffixOrigin[]", values=("Other", "Manual", "WellKnown", "Dhcp", "Link", "Random")
        ),
        "AddressState": P(
            "AddressState[]", values=("Invalid", "Tentative", "Duplicate", "Deprecated", "Preferred")
        ),
        "ValidLifetime": P("TimeSpan[]"),
        "PreferredLifetime": P("TimeSpan[]"),
        "SkipAsSource": P("Boolean[]"),
        "PolicyStore": P(),
        "AssociatedIPInterface": P("CimInstance"),
        "IncludeAllCompartments": P("SwitchParameter"),
        **_SESSION,
    },
)
def get_net_ip_address(host: Host, params: Params) -> list[Any]:
    """All addresses, loopback included."""
    for name in ("ValidLifetime", "PreferredLifetime", "PolicyStore", "AsJob"):
        if params.get(name):
            raise Unmodelled(f"Get-NetIPAddress -{name}")
    objects = [_address_object(item) for item in host.network.addresses]
    return _filtered("Get-NetIPAddress", "MSFT_NetIPAddress", objects, params, _ADDRESS_FILTERS)


def _adapter_object(adapter: Adapter) -> PSObject:
    connected = adapter.connected
    properties = {
        "Name": adapter.name,
        "InterfaceAlias": adapter.name,
        "InterfaceDescription": adapter.description,
        "InterfaceIndex": adapter.index,
        "ifIndex": adapter.index,
        "InterfaceGuid": f"{{{adapter.index:08X}-0000-4000-8000-{adapter.mac.replace('-', '')}}}",
        "Status": "Up" if connected else "Disconnected",
        "MediaConnectionState": Enum("Connected" if connected else "Disconnected"),
        "MacAddress": adapter.mac,
        "LinkSpeed": f"{adapter.speed // 10**9} Gbps"
        if adapter.speed >= 10**9
        else f"{adapter.speed // 10**6} Mbps",
        "Speed": adapter.speed,
        "MtuSize": adapter.mtu,
        "Virtual": False,
        "HardwareInterface": True,
    }
    return PSObject(
        "Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/MSFT_NetAdapter",
        properties,
        f"MSFT_NetAdapter (DeviceID = {properties['InterfaceGuid']!r})",
        source=adapter,
    )


@cmdlet(
    "Get-NetAdapter",
    module="NetAdapter",
    is_function=True,
    default_set="ByName",
    parameters={
        "Name": P("String[]", aliases=("ifAlias", "InterfaceAlias"), sets=("ByName",)),
        "InterfaceDescription": P("String[]", mandatory=True, aliases=("ifDesc",), sets=("ByInstanceID",)),
        "InterfaceIndex": P("UInt32[]", mandatory=True, aliases=("ifIndex",), sets=("ByIfIndex",)),
        "Physical": P("SwitchParameter"),
        "IncludeHidden": P("SwitchParameter"),
        **_SESSION,
    },
)
def get_net_adapter(host: Host, params: Params) -> list[Any]:
    """The adapters; all of the model are physical and none is hidden."""
    objects = [_adapter_object(item) for item in host.network.adapters]
    names = ("Name", "InterfaceDescription", "InterfaceIndex")
    return _filtered("Get-NetAdapter", "MSFT_NetAdapter", objects, params, names)

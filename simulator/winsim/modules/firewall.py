# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""community.windows.win_firewall_rule."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from winsim.errors import ModuleFailure
from winsim.firewall import POLICY_KEY, FirewallRule
from winsim.modules import expand, module

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

# The properties of INetFwRule3 in the module's order, with the option that sets each.
PROPERTIES = (
    ("Description", "description"), ("Direction", "direction"), ("Action", "action"),
    ("ApplicationName", "program"), ("Grouping", "group"), ("ServiceName", "service"), ("Enabled", "enabled"),
    ("Profiles", "profiles"), ("LocalAddresses", "localip"), ("RemoteAddresses", "remoteip"),
    ("LocalPorts", "localport"), ("RemotePorts", "remoteport"), ("Protocol", "protocol"),
    ("InterfaceTypes", "interfacetypes"), ("EdgeTraversalOptions", "edge"), ("SecureFlags", "security"),
    ("IcmpTypesAndCodes", "icmp_type_code"),
)  # fmt: skip
ANY_PROTOCOL = 256
ALL_PROFILES = 0x7FFFFFFF
_PROFILES = {"domain": 1, "private": 2, "public": 4}
_INTERFACES = {"wireless": "Wireless", "lan": "Lan", "ras": "RemoteAccess"}
_EDGE = {"no": 0, "yes": 1, "deferapp": 2, "deferuser": 3}
_SECURITY = {"notrequired": 0, "authnoencap": 1, "authenticate": 2, "authdynenc": 3, "authenc": 4}
_PORT_WORDS = {"rpc", "rpc-epmap", "iphttps", "teredo", "playtodiscovery", "mdns", "coremessaging"}
_OUT_OF_RANGE = "Value does not fall within the expected range."

View = dict[str, Any]


def _default() -> View:
    """A new HNetCfg.FWRule."""
    return {
        "Name": None, "Description": None, "Direction": 1, "Action": 1, "ApplicationName": None, "Grouping": None,
        "ServiceName": None, "Enabled": True, "Profiles": ALL_PROFILES, "LocalAddresses": "*",
        "RemoteAddresses": "*", "LocalPorts": None, "RemotePorts": None, "Protocol": ANY_PROTOCOL,
        "InterfaceTypes": "All", "EdgeTraversalOptions": 0, "SecureFlags": 0, "IcmpTypesAndCodes": None,
    }  # fmt: skip


def view(rule: FirewallRule) -> View:
    """The COM view of a stored rule."""
    ports = rule.protocol in (6, 17)
    icmp = rule.protocol in (1, 58)
    profiles = sum(_PROFILES[name.lower()] for name in rule.profiles) or ALL_PROFILES
    return {
        "Name": rule.name,
        "Description": rule.description,
        "Direction": 1 if rule.direction == "In" else 2,
        "Action": 1 if rule.action == "Allow" else 0,
        "ApplicationName": rule.program,
        "Grouping": rule.group,
        "ServiceName": rule.service,
        "Enabled": rule.enabled,
        "Profiles": ALL_PROFILES if profiles == 7 else profiles,
        "LocalAddresses": ",".join(_com_address(a) for a in rule.local_addresses) or "*",
        "RemoteAddresses": ",".join(_com_address(a) for a in rule.remote_addresses) or "*",
        "LocalPorts": (",".join(rule.local_ports) or "*") if ports else None,
        "RemotePorts": (",".join(rule.remote_ports) or "*") if ports else None,
        "Protocol": ANY_PROTOCOL if rule.protocol is None else rule.protocol,
        "InterfaceTypes": ",".join(rule.interface_types) or "All",
        "EdgeTraversalOptions": rule.edge,
        "SecureFlags": rule.security,
        "IcmpTypesAndCodes": (",".join(rule.icmp) or "*") if icmp else None,
    }


def _com_address(text: str) -> str:
    """An address as the COM object reads it back: a mask, or a range for IPv6 and single hosts."""
    if re.fullmatch(r"[A-Za-z]\w*", text) or "-" in text or text == "*":
        return text
    network = ipaddress.ip_network(text, strict=False)
    if network.version == 4:
        return f"{network.network_address}/{network.netmask}"
    if network.prefixlen == 128:
        return f"{network.network_address}-{network.network_address}"
    return f"{network.network_address}/{network.prefixlen}"


def _addresses(text: str) -> str:
    """Setting LocalAddresses or RemoteAddresses: checked and normalised by the COM object."""
    if text.lower() in ("any", "*"):
        return "*"
    out = []
    for part in text.split(","):
        word = part.strip()
        try:
            if "-" in word:
                low, _, high = word.partition("-")
                out.append(f"{ipaddress.ip_address(low)}-{ipaddress.ip_address(high)}")
            elif re.fullmatch(r"(?i)LocalSubnet[46]?|DNS|DHCP|WINS|DefaultGateway|Intranet|Internet", word):
                out.append(word)
            else:
                out.append(_com_address(word))
        except ValueError:
            raise ModuleFailure(_OUT_OF_RANGE) from None
    return ",".join(out)


def _ports(text: str, protocol: int) -> str:
    if protocol not in (6, 17):
        raise ModuleFailure(_OUT_OF_RANGE)
    for part in text.split(","):
        word = part.strip()
        numbers = [int(n) for n in word.split("-")] if re.fullmatch(r"\d+(-\d+)?", word) else []
        if not numbers and word.lower() not in _PORT_WORDS and word != "*":
            raise ModuleFailure(_OUT_OF_RANGE)
        if any(number > 65535 for number in numbers):
            raise ModuleFailure(_OUT_OF_RANGE)
    return ",".join(part.strip() for part in text.split(","))


def _protocol(text: str) -> int:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    lowered = text.lower()
    known = {"tcp": 6, "udp": 17}
    if lowered in known:
        return known[lowered]
    if lowered.startswith(("icmpv4", "icmpv6")):
        return 1 if lowered.startswith("icmpv4") else 58
    raise ModuleFailure(f"Unknown protocol '{text}'.")


def _profiles(names: list[str]) -> int:
    total = 0
    for name in dict.fromkeys(item.lower() for item in names):
        if name not in _PROFILES:
            raise ModuleFailure(f"Unknown profile '{name}'.")
        total += _PROFILES[name]
    return ALL_PROFILES if total == 7 else total


def _interfaces(names: list[str]) -> str:
    if [name.lower() for name in names] == ["any"]:
        return "All"
    unknown = [name for name in names if name.lower() not in _INTERFACES]
    if unknown:
        raise ModuleFailure(f"Unknown interface type '{unknown[0]}'.")
    return ",".join(dict.fromkeys(_INTERFACES[name.lower()] for name in names))


def wanted_rule(ctx: ModuleContext) -> View:
    """The new rule as the module builds it from the options."""
    params, new = ctx.params, _default()
    new["Name"] = params["name"] or None
    new["Enabled"] = True if params["enabled"] is None else params["enabled"]
    for key, option in (("Description", "description"), ("Grouping", "group")):
        new[key] = params[option]
    if _set(params["program"]):
        new["ApplicationName"] = expand(ctx, params["program"])
    if _set(params["service"]):
        new["ServiceName"] = params["service"]
    if _set(params["protocol"]):
        new["Protocol"] = _protocol(params["protocol"])
        if new["Protocol"] in (6, 17):
            new |= {"LocalPorts": "*", "RemotePorts": "*"}
        elif new["Protocol"] in (1, 58):
            new["IcmpTypesAndCodes"] = "*"
    for key, option in (("LocalPorts", "localport"), ("RemotePorts", "remoteport")):
        if _set(params[option]):
            new[key] = _ports(params[option], new["Protocol"])
    for key, option in (("LocalAddresses", "localip"), ("RemoteAddresses", "remoteip")):
        if _set(params[option]):
            new[key] = _addresses(params[option])
    _rest(params, new)
    return new


def _set(value: str | None) -> bool:
    return value is not None and value.lower() != "any"


def _rest(params: dict[str, Any], new: View) -> None:
    codes = params["icmp_type_code"]
    if codes is not None and ",".join(str(code) for code in codes) != "any":
        if new["Protocol"] not in (1, 58):
            raise ModuleFailure(_OUT_OF_RANGE)
        new["IcmpTypesAndCodes"] = ",".join(str(code) for code in codes)
    if params["direction"] is not None:
        new["Direction"] = 1 if params["direction"].lower() == "in" else 2
    if params["action"] is not None:
        new["Action"] = 1 if params["action"].lower() == "allow" else 0
    if params["profiles"] is not None:
        new["Profiles"] = _profiles(params["profiles"])
    if params["interfacetypes"] is not None:
        new["InterfaceTypes"] = _interfaces(params["interfacetypes"])
    new["EdgeTraversalOptions"] = _EDGE[(params["edge"] or "no").lower()]
    security = (params["security"] or "notrequired").lower()
    if security not in _SECURITY:
        allowed = ",".join(_SECURITY)
        raise ModuleFailure(
            f"Get-AnsibleParam: Argument security needs to be one of {allowed} but was {params['security']}."
        )
    new["SecureFlags"] = _SECURITY[security]


def to_rule(data: View, rule: FirewallRule | None = None) -> FirewallRule:
    """The stored form of a COM view."""
    rule = rule or FirewallRule("")
    rule.name = data["Name"] or ""
    rule.description, rule.group = data["Description"], data["Grouping"]
    rule.program, rule.service = data["ApplicationName"], data["ServiceName"]
    rule.direction = "In" if data["Direction"] == 1 else "Out"
    rule.action = "Allow" if data["Action"] == 1 else "Block"
    rule.enabled = bool(data["Enabled"])
    rule.protocol = None if data["Protocol"] == ANY_PROTOCOL else data["Protocol"]
    everywhere = data["Profiles"] == ALL_PROFILES
    rule.profiles = (
        [] if everywhere else [n.capitalize() for n, bit in _PROFILES.items() if data["Profiles"] & bit]
    )
    rule.local_ports, rule.remote_ports = _split(data["LocalPorts"]), _split(data["RemotePorts"])
    rule.local_addresses = [_stored(a) for a in _split(data["LocalAddresses"])]
    rule.remote_addresses = [_stored(a) for a in _split(data["RemoteAddresses"])]
    rule.icmp = _split(data["IcmpTypesAndCodes"])
    rule.interface_types = [] if data["InterfaceTypes"] == "All" else data["InterfaceTypes"].split(",")
    rule.edge, rule.security = data["EdgeTraversalOptions"], data["SecureFlags"]
    return rule


def _split(text: str | None) -> list[str]:
    return text.split(",") if text and text != "*" else []


def _stored(text: str) -> str:
    """An address as the registry holds it: single hosts without their mask."""
    if text.endswith("/255.255.255.255"):
        return text.partition("/")[0]
    low, sign, high = text.partition("-")
    return low if sign and low == high else text


def _lines(sign: str, data: View) -> str:
    return "".join(f"{sign}{key}='{_shown(data[key])}'\n" for key, _ in PROPERTIES)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


@module("community.windows.win_firewall_rule")
def win_firewall_rule(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Create, change or remove rules by name or by group."""
    params = ctx.params
    if not params["name"] and not params["group"]:
        raise ModuleFailure("Either name or group must be specified", changed=False)
    params["name"] = None if params["name"] is None else str(params["name"])
    found = host.firewall.named(params["name"]) if params["name"] else host.firewall.in_group(params["group"])
    result: dict[str, Any] = {"changed": False}
    if ctx.diff_mode:
        result["diff"] = {"prepared": ""}
    new = wanted_rule(ctx)
    if params["state"].lower() == "absent":
        _remove(host, ctx, found, result)
    elif found:
        _change(host, ctx, found, new, result)
    elif params["name"]:
        _note(result, f"+[{new['Name']}]\n" + _lines("+", new))
        if not ctx.check_mode:
            host.firewall.add(to_rule(new))
        result |= {"changed": True, "msg": f"Firewall rule '{params['name']}' created."}
    return result


def _note(result: dict[str, Any], text: str) -> None:
    if "diff" in result:
        result["diff"]["prepared"] += text


def _remove(host: Host, ctx: ModuleContext, found: list[FirewallRule], result: dict[str, Any]) -> None:
    name, group = ctx.params["name"], ctx.params["group"]
    if not found:
        result["msg"] = (
            f"Firewall rule '{name}' does not exist."
            if name
            else f"No firewall rules in group '{group}' exist."
        )
        return
    for rule in found:
        _note(result, f"-[{rule.name}]\n" + _lines("-", view(rule)))
        if not ctx.check_mode:
            host.firewall.remove(rule)
    names = "', '".join(rule.name for rule in found)
    result |= {"changed": True, "msg": f"Firewall rule(s) '{names}' removed."}


def _change(
    host: Host, ctx: ModuleContext, found: list[FirewallRule], new: View, result: dict[str, Any]
) -> None:
    changed: list[str] = []
    unchanged: list[str] = []
    for rule in found:
        have = view(rule)
        _note(result, f"[{rule.name}]\n")
        differs = [
            key for key, option in PROPERTIES if ctx.params[option] is not None and _differ(key, have, new)
        ]
        for key in differs:
            _note(result, f"-{key}='{_shown(have[key])}'\n+{key}='{_shown(new[key])}'\n")
        (changed if differs else unchanged).append(rule.name)
        if differs and not ctx.check_mode:
            host.firewall.update(to_rule({**have, **{key: new[key] for key in differs}}, rule))
    result["changed"] = bool(changed)
    joined, rest = "', '".join(changed), "', '".join(unchanged)
    result["msg"] = f"Firewall rule(s) changed '{joined}' - unchanged '{rest}'"


def _differ(key: str, have: View, new: View) -> bool:
    """PowerShell's -ne: texts case-insensitively; addresses as sets."""
    one, other = have[key], new[key]
    if key.endswith("Addresses"):
        return set(one.lower().split(",")) != set(other.lower().split(","))
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() != other.lower()
    return bool(one != other)


# Profiles -----------------------------------------------------------------------------------------------------

_PROFILE_KEYS = {"Domain": "DomainProfile", "Private": "StandardProfile", "Public": "PublicProfile"}
# The default actions of a profile in the registry ([MS-GPFAS] 2.2.3): 0 allows, 1 blocks, no value is not configured.
_ACTIONS = {"allow": 0, "block": 1, "not_configured": None}


@module("ansible.windows.win_firewall", "community.windows.win_firewall")
def win_firewall(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Switch the firewall of profiles on or off, and their default actions."""
    params = ctx.params
    wanted = [name.lower() for name in params["profiles"]]
    enable = params["state"].lower() == "enabled"
    result: dict[str, Any] = {"changed": False, "restart_required": False}
    result |= {"profiles": params["profiles"], "state": params["state"]}
    for name, short in _PROFILE_KEYS.items():
        key = f"{POLICY_KEY}\\{short}"
        enabled = host.registry.data(key, "EnableFirewall") in (None, 1)
        considered = name.lower() in wanted
        result[name] = {"enabled": enabled, "considered": considered, "currentstate": int(enabled)}
        if not considered:
            continue
        result[name]["enabled"] = enable
        if enabled != enable:
            result["changed"] = True
            _put(host, ctx, key, "EnableFirewall", int(enable))
        if enable and _default_actions(host, ctx, key):
            result["changed"] = True
    return result


def _default_actions(host: Host, ctx: ModuleContext, key: str) -> bool:
    changed = False
    for option, name in (
        ("inbound_action", "DefaultInboundAction"),
        ("outbound_action", "DefaultOutboundAction"),
    ):
        action = ctx.params[option]
        if action is not None and host.registry.data(key, name) != _ACTIONS[action.lower()]:
            changed = True
            _put(host, ctx, key, name, _ACTIONS[action.lower()])
    return changed


def _put(host: Host, ctx: ModuleContext, key: str, name: str, data: int | None) -> None:
    if ctx.check_mode:
        return
    if data is None:
        host.registry.delete_value(key, name)
    else:
        host.registry.set(key, name, data, "dword")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall cmdlets (CDXML module NetSecurity, whose cmdlets are functions) over the rules of winsim.firewall.

https://learn.microsoft.com/powershell/module/netsecurity. ``-Name`` is the rule's id, which is the name of its
registry value; ``-DisplayName`` is what people see. A rule is stored whatever policy says of local rules.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from winsim.cmdlets import CmdletError, Enum, P, Params, PSObject, cmdlet
from winsim.cmdlets.binding import unwrap
from winsim.errors import Unmodelled
from winsim.firewall import PROTOCOLS, FirewallRule, stored_address, stored_port

if TYPE_CHECKING:
    from winsim.host import Host

_CIM_EXCEPTION = "Microsoft.Management.Infrastructure.CimException"
_CLASS = "Microsoft.Management.Infrastructure.CimInstance#root/standardcimv2/MSFT_NetFirewallRule"
_ACTIONS = ("NotConfigured", "Allow", "Block")
_DIRECTIONS = {"Inbound": "In", "Outbound": "Out"}
_EDGES = ("Block", "Allow", "DeferToApp", "DeferToUser")  # in the order of NET_FW_EDGE_TRAVERSAL_TYPE
_INTERFACES = {"Wired": "Lan", "Wireless": "Wireless", "RemoteAccess": "RemoteAccess"}
# (Authentication, Encryption) in the order of NET_FW_AUTHENTICATE_TYPE
_SECURITY = (
    ("NotRequired", "NotRequired"),
    ("NoEncap", "NotRequired"),
    ("Required", "NotRequired"),
    ("Required", "Dynamic"),
    ("Required", "Required"),
)
_PROTOCOL_NAMES = {6: "TCP", 17: "UDP", 1: "ICMPv4", 58: "ICMPv6"}
_TRANSPORTS = (
    "Any",
    "ProximityApps",
    "ProximitySharing",
    "WifiDirectPrinting",
    "WifiDirectDisplay",
    "WifiDirectDevices",
)
_SINCE_2022 = ("2022", "2025")
_UNTIL_2019 = ("2012r2", "2016", "2019")

_SWITCH = P("SwitchParameter")
_SESSION = {
    "AsJob": _SWITCH,
    "CimSession": P("CimSession[]", aliases=("Session",)),
    "ThrottleLimit": P("Int32"),
}
_CONDITIONS = {
    "Description": P(),
    "Enabled": P("Enabled", values=("True", "False")),
    "Profile": P("Profile[]", values=("Any", "Domain", "Private", "Public", "NotApplicable"), flags=True),
    "Platform": P("String[]"),
    "Direction": P("Direction", values=("Inbound", "Outbound")),
    "Action": P("Action", values=_ACTIONS),
    "EdgeTraversalPolicy": P("EdgeTraversal", values=("Block", "Allow", "DeferToUser", "DeferToApp")),
    "LooseSourceMapping": P("Boolean", aliases=("LSM",)),
    "LocalOnlyMapping": P("Boolean"),
    "Owner": P(),
    "LocalAddress": P("String[]"),
    "RemoteAddress": P("String[]"),
    "Protocol": P(),
    "LocalPort": P("String[]"),
    "RemotePort": P("String[]"),
    "IcmpType": P("String[]"),
    "DynamicTarget": P("DynamicTransport", aliases=("DynamicTransport",), values=_TRANSPORTS),
    "Program": P(),
    "Package": P(),
    "Service": P(),
    "InterfaceAlias": P("WildcardPattern[]"),
    "InterfaceType": P("InterfaceType[]", values=("Any", *_INTERFACES), flags=True),
    "LocalUser": P(),
    "RemoteUser": P(),
    "RemoteMachine": P(),
    "Authentication": P("Authentication", values=("NotRequired", "Required", "NoEncap")),
    "Encryption": P("Encryption", values=("NotRequired", "Required", "Dynamic")),
    "OverrideBlockRules": P("Boolean"),
    "RemoteDynamicKeywordAddresses": P("String[]", releases=_SINCE_2022),
}
_UNMODELLED = (
    "AsJob", "CimSession", "GPOSession", "TracePolicyStore", "Platform", "LooseSourceMapping", "LocalOnlyMapping",
    "Owner", "Package", "InterfaceAlias", "LocalUser", "RemoteUser", "RemoteMachine", "OverrideBlockRules",
    "RemoteDynamicKeywordAddresses", "PolicyStoreSource", "PolicyStoreSourceType", "PrimaryStatus", "Status",
)  # fmt: skip


def _check_modelled(command: str, params: Params) -> None:
    for name in _UNMODELLED:
        if params.get(name):
            raise Unmodelled(f"{command} -{name}")
    if str(params.get("PolicyStore") or "PersistentStore").lower() != "persistentstore":
        raise Unmodelled(f"{command} -PolicyStore {params['PolicyStore']}")
    if str(params.get("DynamicTarget", "Any")) != "Any":
        raise Unmodelled(f"{command} -DynamicTarget {params['DynamicTarget']}")


def _refuse(command: str, message: str, status: str = "HRESULT 0x80070057") -> NoReturn:
    raise CmdletError(_CIM_EXCEPTION, f"{status},{command}", message, 0x80131500)


# Objects ------------------------------------------------------------------------------------------------------


def rule_object(rule: FirewallRule) -> PSObject:
    """MSFT_NetFirewallRule: ports, addresses, programs and services are in filter objects, not in the rule."""
    properties = {
        "Name": rule.id,
        "ID": rule.id,
        "InstanceID": rule.id,
        "DisplayName": rule.name,
        "Description": rule.description,
        "Group": rule.group,
        "DisplayGroup": rule.group,
        "Enabled": Enum(str(rule.enabled)),
        "Profile": Enum(", ".join(rule.profiles) or "Any"),
        "Direction": Enum("Inbound" if rule.direction == "In" else "Outbound"),
        "Action": Enum(rule.action),
        "EdgeTraversalPolicy": Enum(_EDGES[rule.edge]),
        "LooseSourceMapping": False,
        "LocalOnlyMapping": False,
        "Owner": None,
        "PrimaryStatus": Enum("OK"),
        "PolicyStoreSource": "PersistentStore",
        "PolicyStoreSourceType": Enum("Local"),
    }
    return PSObject(_CLASS, properties, f'MSFT_NetFirewallRule (InstanceID = "{rule.id}")', source=rule)


# Conditions ---------------------------------------------------------------------------------------------------


def _any(values: Iterable[str]) -> list[str]:
    """A list of which the word Any empties."""
    kept = [str(value) for value in values]
    return [] if any(value.lower() == "any" for value in kept) else kept


def _text_or_any(value: str) -> str | None:
    return None if value.lower() == "any" else value


def _protocol(command: str, text: str) -> int | None:
    lower = text.lower()
    if lower == "any":
        return None
    if lower in PROTOCOLS:
        return PROTOCOLS[lower]
    if text.isdigit() and int(text) < 256:
        return int(text)
    _refuse(command, "The protocol is invalid.")


def _addresses(command: str, values: Iterable[str]) -> list[str]:
    try:
        return [stored_address(value) for value in _any(values)]
    except ValueError:
        _refuse(
            command,
            "The address is invalid. Addresses may be specified as IP addresses, ranges, or subnets. Also, the "
            "following address keywords are allowed in certain places: LocalSubnet, DNS, DHCP, WINS, DefaultGateway, "
            "Internet, Intranet.",
        )


def _ports(command: str, values: Iterable[str]) -> list[str]:
    try:
        return [stored_port(value) for value in _any(values)]
    except ValueError:
        _refuse(command, "The port is invalid.")


def _profiles(command: str, values: Iterable[str]) -> list[str]:
    kept = _any(values)
    if "NotApplicable" in kept:
        raise Unmodelled(f"{command} -Profile NotApplicable")
    return [] if len(set(kept)) == 3 else kept


def _action(command: str, value: Enum) -> str:
    if value.name == "NotConfigured":
        raise Unmodelled(f"{command} -Action NotConfigured")
    return value.name


_FIELDS: Mapping[str, tuple[str, Callable[[str, Any], Any]]] = {
    "DisplayName": ("name", lambda command, value: value),
    "NewDisplayName": ("name", lambda command, value: value),
    "Group": ("group", lambda command, value: value or None),
    "Description": ("description", lambda command, value: value or None),
    "Enabled": ("enabled", lambda command, value: value.name == "True"),
    "Profile": ("profiles", _profiles),
    "Direction": ("direction", lambda command, value: _DIRECTIONS[value.name]),
    "Action": ("action", _action),
    "EdgeTraversalPolicy": ("edge", lambda command, value: _EDGES.index(value.name)),
    "Protocol": ("protocol", _protocol),
    "LocalAddress": ("local_addresses", _addresses),
    "RemoteAddress": ("remote_addresses", _addresses),
    "LocalPort": ("local_ports", _ports),
    "RemotePort": ("remote_ports", _ports),
    "IcmpType": ("icmp", lambda command, value: _any(value)),
    "Program": ("program", lambda command, value: _text_or_any(value)),
    "Service": ("service", lambda command, value: _text_or_any(value)),
    "InterfaceType": ("interface_types", lambda command, value: [_INTERFACES[n] for n in _any(value)]),
}


def _changes(command: str, params: Params) -> dict[str, Any]:
    """Fields of FirewallRule with what the parameters say of them."""
    _check_modelled(command, params)
    changes = {
        field: make(command, params[name]) for name, (field, make) in _FIELDS.items() if name in params
    }
    if "Authentication" in params or "Encryption" in params:
        pair = (
            str(params.get("Authentication", "NotRequired")),
            str(params.get("Encryption", "NotRequired")),
        )
        if pair not in _SECURITY:
            _refuse(command, "The authentication and encryption settings do not fit together.")
        changes["security"] = _SECURITY.index(pair)
    return changes


def _check_whole(command: str, rule: FirewallRule) -> None:
    """Ports belong to TCP and UDP, types to ICMP, edge traversal to inbound rules."""
    if (rule.local_ports or rule.remote_ports) and rule.protocol not in (PROTOCOLS["tcp"], PROTOCOLS["udp"]):
        _refuse(command, "A port was specified but the protocol is neither TCP nor UDP.")
    if rule.icmp and rule.protocol not in (PROTOCOLS["icmpv4"], PROTOCOLS["icmpv6"]):
        _refuse(command, "An ICMP type was specified but the protocol is not ICMP.")
    if rule.edge and rule.direction == "Out":
        _refuse(command, "Edge traversal can only be set for inbound rules.")


# Choosing -----------------------------------------------------------------------------------------------------

# Parameter -> (property that the error names, the rule's text).
_CHOICES: Mapping[str, tuple[str, Callable[[FirewallRule], str]]] = {
    "Name": ("InstanceID", lambda rule: rule.id),
    "DisplayName": ("DisplayName", lambda rule: rule.name),
    "DisplayGroup": ("DisplayGroup", lambda rule: rule.group or ""),
    "Group": ("RuleGroup", lambda rule: rule.group or ""),
    "Description": ("Description", lambda rule: rule.description or ""),
    "Enabled": ("Enabled", lambda rule: str(rule.enabled)),
    "Direction": ("Direction", lambda rule: "Inbound" if rule.direction == "In" else "Outbound"),
    "Action": ("Action", lambda rule: rule.action),
    "EdgeTraversalPolicy": ("EdgeTraversalPolicy", lambda rule: _EDGES[rule.edge]),
}
_QUERY = {
    "Description": P("String[]"),
    "Enabled": P("Enabled[]", values=("True", "False")),
    "DisplayGroup": P("String[]"),
    "Group": P("String[]"),
    "Direction": P("Direction[]", values=("Inbound", "Outbound")),
    "Action": P("Action[]", values=_ACTIONS),
    "EdgeTraversalPolicy": P("EdgeTraversal[]", values=("Block", "Allow", "DeferToUser", "DeferToApp")),
    "LooseSourceMapping": P("Boolean[]", aliases=("LSM",)),
    "LocalOnlyMapping": P("Boolean[]"),
    "Owner": P("String[]"),
    "PolicyStoreSource": P("String[]"),
    "PrimaryStatus": P("PrimaryStatus[]", values=("Unknown", "OK", "Inactive", "Error")),
    "Status": P("String[]"),
    "PolicyStoreSourceType": P(
        "PolicyStoreType[]", values=("None", "Local", "GroupPolicy", "Dynamic", "Generated", "Hardcoded")
    ),
}


def _chosen(command: str, host: Host, params: Params, names: Iterable[str]) -> list[FirewallRule]:
    """The rules that fit every given choice; a name without wildcard that fits none is an error."""
    if "InputObject" in params:
        return [unwrap(item) for item in params["InputObject"]]
    rules = host.firewall.rules
    for name in names:
        if name in params:
            rules = _fitting(command, rules, name, [str(value) for value in params[name]])
    return rules


def _fitting(command: str, rules: list[FirewallRule], name: str, patterns: list[str]) -> list[FirewallRule]:
    shown, text = _CHOICES[name]
    found: dict[str, FirewallRule] = {}
    for pattern in patterns:
        hits = [rule for rule in rules if fnmatch.fnmatchcase(text(rule).lower(), pattern.lower())]
        if not hits and not any(char in pattern for char in "*?["):
            _not_found(command, shown, pattern)
        found.update({rule.id: rule for rule in hits})
    return list(found.values())


def _not_found(command: str, name: str, value: str) -> NoReturn:
    raise CmdletError(
        "Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
        f"CmdletizationQuery_NotFound_{name},{command}",
        f"No MSFT_NetFirewallRule objects found with property '{name}' equal to '{value}'.  Verify the value of the "
        "property and retry.",
        0x80131500,
    )


def _passed(params: Params, rules: list[FirewallRule]) -> list[Any]:
    return [rule_object(rule) for rule in rules] if params.switch("PassThru") else []


# Cmdlets ------------------------------------------------------------------------------------------------------


@cmdlet(
    "New-NetFirewallRule",
    module="NetSecurity",
    is_function=True,
    changes=True,
    should_process=True,
    parameters={
        "PolicyStore": P(),
        "GPOSession": P(),
        "Name": P(aliases=("ID",)),
        "DisplayName": P(mandatory=True),
        "Group": P(),
        **_CONDITIONS,
        **_SESSION,
    },
)
def new_net_firewall_rule(host: Host, params: Params) -> list[Any]:
    """Make a rule; an id that is taken is an error, a display name may be taken."""
    command = "New-NetFirewallRule"
    rule = FirewallRule("", str(params.get("Name") or ""))
    for name, value in _changes(command, params).items():
        setattr(rule, name, value)
    _check_whole(command, rule)
    if any(item.id.lower() == rule.id.lower() for item in host.firewall):
        _refuse(command, "Cannot create a file when that file already exists.", "Windows System Error 183")
    return [rule_object(host.firewall.add(rule))]


def _by(name: str, set_name: str, aliases: tuple[str, ...] = ()) -> dict[str, P]:
    return {name: P("String[]", mandatory=True, aliases=aliases, sets=(set_name,))}


_NAMED = ("ByName", "ByDisplayName")
_SET_SETS = (*_NAMED, "ByDisplayGroup", "ByGroup")


@cmdlet(
    "Set-NetFirewallRule",
    module="NetSecurity",
    is_function=True,
    changes=True,
    should_process=True,
    parameters={
        **_by("Name", "ByName", ("ID",)),
        **_by("DisplayName", "ByDisplayName"),
        **_by("DisplayGroup", "ByDisplayGroup"),
        **_by("Group", "ByGroup"),
        "InputObject": P("CimInstance[]", mandatory=True, sets=("InputObject (cdxml)",)),
        "PolicyStore": P(sets=_SET_SETS),
        "GPOSession": P(sets=_SET_SETS, releases=_UNTIL_2019),
        "NewDisplayName": P(),
        **_CONDITIONS,
        "PassThru": _SWITCH,
        **_SESSION,
    },
)
def set_net_firewall_rule(host: Host, params: Params) -> list[Any]:
    """Change the chosen rules; what is not given stays."""
    command = "Set-NetFirewallRule"
    choices = ("Name", "DisplayName", "DisplayGroup", "Group")
    given = {name: value for name, value in params.items() if name not in choices}
    changes = _changes(command, Params(given))
    rules = _chosen(command, host, params, choices)
    for rule in rules:
        for name, value in changes.items():
            setattr(rule, name, value)
        _check_whole(command, rule)
    for rule in rules:
        host.firewall.update(rule)
    return _passed(params, rules)


def _declare(verb: str, act: Callable[[Host, FirewallRule], None], text: str) -> None:
    """Remove-, Enable- and Disable-NetFirewallRule choose alike; without any choice they take every rule."""
    command = f"{verb}-NetFirewallRule"
    stores = (*_NAMED, "ByQuery", "GetAll")

    def run(host: Host, params: Params) -> list[Any]:
        _check_modelled(command, params)
        rules = _chosen(command, host, params, _CHOICES)
        for rule in rules:
            act(host, rule)
        return _passed(params, rules)

    run.__doc__ = text
    cmdlet(
        command,
        module="NetSecurity",
        is_function=True,
        changes=True,
        should_process=True,
        default_set="GetAll",
        parameters={
            "All": P("SwitchParameter", sets=("GetAll",)),
            **_by("Name", "ByName", ("ID",)),
            **_by("DisplayName", "ByDisplayName"),
            **{name: _in_query(parameter) for name, parameter in _QUERY.items()},
            "InputObject": P("CimInstance[]", mandatory=True, sets=("InputObject (cdxml)",)),
            "PolicyStore": P(sets=stores),
            "GPOSession": P(sets=stores, releases=_UNTIL_2019),
            "TracePolicyStore": P("SwitchParameter", sets=stores),
            "PassThru": _SWITCH,
            **_SESSION,
        },
    )(run)


def _in_query(parameter: P) -> P:
    return P(parameter.type, aliases=parameter.aliases, values=parameter.values, sets=("ByQuery",))


def _switch(enabled: bool) -> Callable[[Host, FirewallRule], None]:
    def act(host: Host, rule: FirewallRule) -> None:
        rule.enabled = enabled
        host.firewall.update(rule)

    return act


_declare("Remove", lambda host, rule: host.firewall.remove(rule), "Remove the chosen rules.")
_declare("Enable", _switch(True), "Enable the chosen rules.")
_declare("Disable", _switch(False), "Disable the chosen rules.")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Defender Firewall of a simulated host.

The rules live where Windows keeps them: as strings in the registry ([MS-GPFAS] 2.2.2.19), one value per rule, so
that a reader of the registry and a reader of the firewall cannot see different rules.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winsim.language import text

if TYPE_CHECKING:
    from winsim.registry import Registry

POLICY_KEY = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"
RULES_KEY = POLICY_KEY + "\\FirewallRules"
PROFILES = ("Domain", "Private", "Public")
# Where group policy says what counts, and the keys of a profile there ([MS-GPFAS] 2.2.2); StandardProfile is older.
GROUP_POLICY_KEY = "HKLM:\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"
_POLICY_PROFILES = {
    "Domain": ("DomainProfile",),
    "Private": ("PrivateProfile", "StandardProfile"),
    "Public": ("PublicProfile",),
}
# Words that stand for addresses; with 4 or 6 behind them for those of one family.
KEYWORDS = ("LocalSubnet", "DNS", "DHCP", "WINS", "DefaultGateway", "Internet", "Intranet")
_KEYWORD = re.compile(rf"({'|'.join(KEYWORDS)})[46]?", re.IGNORECASE)
# Names that stand for ports which programs register, https://learn.microsoft.com/windows/win32/api/netfw
PORT_WORDS = ("RPC", "RPCEPMap", "IPHTTPSIn", "IPHTTPSOut", "Teredo", "PlayToDiscovery", "mDNS")
# IANA protocol numbers under the names that Windows' tools print.
PROTOCOLS = {"icmpv4": 1, "tcp": 6, "udp": 17, "icmpv6": 58}


@dataclass
class FirewallRule:
    """One rule. ``id`` is the registry value's name; empty lists mean "any"; ``protocol`` None means any.

    ``edge`` is NET_FW_EDGE_TRAVERSAL_TYPE (0 deny, 1 allow, 2 defer to app, 3 to user), ``security``
    NET_FW_AUTHENTICATE_TYPE (0 none to 4 authenticate and encrypt).
    """

    name: str
    id: str = ""
    direction: str = "In"
    action: str = "Allow"
    enabled: bool = True
    protocol: int | None = None
    local_ports: list[str] = field(default_factory=list)
    remote_ports: list[str] = field(default_factory=list)
    local_addresses: list[str] = field(default_factory=list)
    remote_addresses: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    program: str | None = None
    service: str | None = None
    description: str | None = None
    group: str | None = None
    interface_types: list[str] = field(default_factory=list)
    edge: int = 0
    icmp: list[str] = field(default_factory=list)
    security: int = 0
    other: list[tuple[str, str]] = field(default_factory=list)

    def to_text(self) -> str:
        """The rule as the registry holds it."""
        parts = ["v2.31", f"Action={self.action}", f"Active={'TRUE' if self.enabled else 'FALSE'}"]
        parts.append(f"Dir={self.direction}")
        if self.protocol is not None:
            parts.append(f"Protocol={self.protocol}")
        parts += [f"Profile={name}" for name in self.profiles]
        parts += _many("LPort", self.local_ports) + _many("RPort", self.remote_ports)
        icmp6 = self.protocol == PROTOCOLS["icmpv6"]
        parts += [f"{'ICMP6' if icmp6 else 'ICMP4'}={text}" for text in self.icmp]
        parts += _addresses("L", self.local_addresses) + _addresses("R", self.remote_addresses)
        parts += [f"IFType={name}" for name in self.interface_types]
        parts += _optional(self)
        parts += [f"{key}={value}" for key, value in self.other]
        return "|".join(parts) + "|"


def stored_address(text: str) -> str:
    """An address, subnet, range or keyword as the registry holds it: IPv4 subnets with a mask.

    ValueError for anything else.
    """
    word = text.strip()
    if _KEYWORD.fullmatch(word):
        return next(
            known + word[len(known) :] for known in KEYWORDS if word.lower().startswith(known.lower())
        )
    low, dash, high = word.partition("-")
    if dash:
        return f"{ipaddress.ip_address(low)}-{ipaddress.ip_address(high)}"
    network = ipaddress.ip_network(word, strict=False)
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    shown = network.netmask if network.version == 4 else network.prefixlen
    return f"{network.network_address}/{shown}"


def stored_port(text: str) -> str:
    """A port, a range of ports or a word as the registry holds it; ValueError for anything else."""
    word = text.strip()
    if word.lower() in (known.lower() for known in PORT_WORDS):
        return word
    low, dash, high = word.partition("-")
    numbers = [int(low), int(high)] if dash else [int(low)]
    if numbers != sorted(numbers) or not all(0 <= number <= 65535 for number in numbers):
        raise ValueError(f"not a port: {text!r}")
    return "-".join(str(number) for number in numbers)


def _many(key: str, values: list[str]) -> list[str]:
    """Ports: ranges have their own key (LPort2_10), since schema 2.10."""
    return [f"{key}2_10={value}" if "-" in value else f"{key}={value}" for value in values]


def _addresses(side: str, values: list[str]) -> list[str]:
    return [f"{side}A{6 if ':' in value else 4}={value}" for value in values]


def _optional(rule: FirewallRule) -> list[str]:
    pairs = [("App", rule.program), ("Svc", rule.service), ("Name", rule.name), ("Desc", rule.description)]
    pairs.append(("EmbedCtxt", rule.group))
    parts = [f"{key}={value}" for key, value in pairs if value]
    parts += _EDGES[rule.edge]
    if rule.security:
        parts.append(_SECURITIES[rule.security])
    return parts


_EDGES: tuple[list[str], ...] = ([], ["Edge=TRUE"], ["Edge=TRUE", "Defer=App"], ["Edge=TRUE", "Defer=User"])
_SECURITIES = (
    "",
    "Security2_9=An-NoEncap",
    "Security=Authenticate",
    "Security2=AnE-Nego",
    "Security=AuthenticateEncrypt",
)
_LISTS = {
    "LPort": "local_ports",
    "LPort2_10": "local_ports",
    "RPort": "remote_ports",
    "RPort2_10": "remote_ports",
    "LA4": "local_addresses",
    "LA6": "local_addresses",
    "RA4": "remote_addresses",
    "RA6": "remote_addresses",
    "Profile": "profiles",
    "IFType": "interface_types",
    "ICMP4": "icmp",
    "ICMP6": "icmp",
}
_TEXTS = {
    "Action": "action",
    "Dir": "direction",
    "App": "program",
    "Svc": "service",
    "Name": "name",
    "Desc": "description",
    "EmbedCtxt": "group",
}


def parse_rule(rule_id: str, text: str) -> FirewallRule:
    """The rule of a registry string; keys that the model does not know are kept in ``other``."""
    rule = FirewallRule("", rule_id)
    for part in text.split("|"):
        key, sign, value = part.partition("=")
        if not sign:
            continue
        if key in _LISTS:
            getattr(rule, _LISTS[key]).append(value)
        elif key in _TEXTS:
            setattr(rule, _TEXTS[key], value)
        else:
            _parse_other(rule, key, value)
    return rule


def _parse_other(rule: FirewallRule, key: str, value: str) -> None:
    if key == "Active":
        rule.enabled = value.upper() == "TRUE"
    elif key == "Protocol":
        rule.protocol = int(value)
    elif key == "Edge":
        rule.edge = max(rule.edge, int(value.upper() == "TRUE"))
    elif key == "Defer":
        rule.edge = 2 if value == "App" else 3
    elif f"{key}={value}" in _SECURITIES:
        rule.security = _SECURITIES.index(f"{key}={value}")
    else:
        rule.other.append((key, value))


class Firewall:
    """The rules and the profiles' switches, stored in the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        registry.create(RULES_KEY)
        for profile in ("DomainProfile", "StandardProfile", "PublicProfile"):
            registry.set(f"{POLICY_KEY}\\{profile}", "EnableFirewall", 1)

    def __iter__(self) -> Iterator[FirewallRule]:
        for value in self._registry.values(RULES_KEY):
            if isinstance(value.data, str):
                yield parse_rule(value.name, value.data)

    @property
    def rules(self) -> list[FirewallRule]:
        """All rules in the order in which they were made."""
        return list(self)

    def named(self, name: str) -> list[FirewallRule]:
        """Rules with that display name (case-insensitive); names need not be unique."""
        return [rule for rule in self if rule.name.lower() == name.lower()]

    def in_group(self, group: str) -> list[FirewallRule]:
        """Rules of a group (case-insensitive)."""
        return [rule for rule in self if (rule.group or "").lower() == group.lower()]

    def local_rules_count(self, profile: str) -> bool:
        """Whether policy lets rules of the host count in a profile (AllowLocalPolicyMerge is not 0)."""
        keys = [f"{GROUP_POLICY_KEY}\\{key}" for key in _POLICY_PROFILES[profile]]
        return not any(self._registry.data(key, "AllowLocalPolicyMerge") == 0 for key in keys)

    def in_force(self, profile: str) -> list[FirewallRule]:
        """The host's rules that count in a profile: enabled, meant for it, and not passed over by policy."""
        if not self.local_rules_count(profile):
            return []
        return [rule for rule in self if rule.enabled and (not rule.profiles or profile in rule.profiles)]

    def add(self, rule: FirewallRule) -> FirewallRule:
        """Store a new rule; without an ``id`` it gets a GUID, as rules made by hand do."""
        if not rule.id:
            rule.id = "{" + str(uuid.uuid4()).upper() + "}"
        return self.update(rule)

    def update(self, rule: FirewallRule) -> FirewallRule:
        """Write a rule back under its id."""
        self._registry.set(RULES_KEY, rule.id, rule.to_text(), "string")
        return rule

    def remove(self, rule: FirewallRule) -> None:
        """Delete a rule."""
        self._registry.delete_value(RULES_KEY, rule.id)

    def load_base(self) -> None:
        """The predefined rules that matter for remote management."""
        for rule in _PREDEFINED:
            self.add(parse_rule(rule[0], rule[1]))


def target_rule(language: str) -> FirewallRule:
    """The rule that the feature FS-iSCSITarget-Server brings: enabled, from any address, in every profile."""
    return FirewallRule(
        text(language, "target_rule"),
        "iSCSITarget-Service-iSCSI-In-TCP",
        protocol=PROTOCOLS["tcp"],
        local_ports=["3260"],
        program="%SystemRoot%\\system32\\svchost.exe",
        service="WinTarget",
        description=text(language, "target_description"),
        group=text(language, "target_group"),
    )


_PREDEFINED = [
    (
        "WINRM-HTTP-In-TCP",
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=5985|App=System|"
        "Name=Windows Remote Management (HTTP-In)|Desc=Inbound rule for Windows Remote Management via "
        "WS-Management. [TCP 5985]|EmbedCtxt=Windows Remote Management|",
    ),
    (
        "RemoteDesktop-UserMode-In-TCP",
        "v2.31|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=3389|App=%SystemRoot%\\system32\\svchost.exe|"
        "Svc=termservice|Name=Remote Desktop - User Mode (TCP-In)|EmbedCtxt=Remote Desktop|",
    ),
    (
        "FPS-ICMP4-ERQ-In",
        "v2.31|Action=Allow|Active=FALSE|Dir=In|Protocol=1|ICMP4=8:*|Name=File and Printer Sharing (Echo Request - "
        "ICMPv4-In)|EmbedCtxt=File and Printer Sharing|",
    ),
    (
        "FPS-SMB-In-TCP",
        "v2.31|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=445|App=System|Name=File and Printer Sharing "
        "(SMB-In)|EmbedCtxt=File and Printer Sharing|",
    ),
    (
        "MsiScsi-In-TCP",
        "v2.31|Action=Allow|Active=FALSE|Dir=In|Protocol=6|App=%SystemRoot%\\system32\\svchost.exe|Svc=Msiscsi|"
        "Name=iSCSI Service (TCP-In)|EmbedCtxt=iSCSI Service|",
    ),
    (
        "CoreNet-DHCP-In",
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=68|RPort=67|"
        "App=%SystemRoot%\\system32\\svchost.exe|Svc=dhcp|Name=Core Networking - Dynamic Host Configuration "
        "Protocol (DHCP-In)|EmbedCtxt=Core Networking|",
    ),
]

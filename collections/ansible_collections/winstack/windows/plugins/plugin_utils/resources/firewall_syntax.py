# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules as the registry holds them, and the types of their options. PRIVATE to the winstack collections.

One text holds a whole rule, as in ``v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3260|Name=Storage|``:
[MS-GPFAS] 2.2.2.19, https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/2efe0b76-7b4a-41ff-9050-1023f8196d16
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    Json,
    Spec,
    Text,
    Type,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

ANY: t.Final = "any"

# Reading ------------------------------------------------------------------------------------------------------------------

_TEXTS: t.Final = frozenset(
    {"Action", "Active", "Dir", "Protocol", "App", "Svc", "Name", "Desc", "EmbedCtxt"}
)
# Address families, and the keys that came with later schemas, beside each other: LA4, RA62, LPort2_10.
_LISTS: t.Final = {"Profile": "Profile", "IFType": "IFType"} | {
    key: name
    for name, keys in {
        "LPort": ("LPort", "LPort2_10"),
        "RPort": ("RPort", "RPort2_10"),
        "LA": ("LA4", "LA6", "LA42", "LA62"),
        "RA": ("RA4", "RA6", "RA42", "RA62"),
    }.items()
    for key in keys
}
# Beginnings of further keys that narrow a rule, or widen it (Edge, Defer).
_CONDITIONS: t.Final = (
    *(
        "IF",
        "Security",
        "RMauth",
        "RUAuth",
        "LUAuth",
        "LUOwn",
        "AppPkgId",
        "Platform",
        "TTK",
        "ICMP4",
        "ICMP6",
    ),
    *("Edge", "Defer", "LSM"),
)


def read_rule(text: str) -> dict[str, t.Any]:
    """Return a rule by the keys of the registry: LPort, RPort, LA, RA, Profile, IFType and Conditions are lists, others text.

    What the rule does not say is not in it. Keys that say nothing of what the rule lets through are left out.
    """
    rule: dict[str, t.Any] = {}
    for part in text.split("|")[1:]:
        key, sign, value = part.partition("=")
        if not sign:
            continue
        if key in _TEXTS:
            rule[key] = value
        elif key in _LISTS:
            rule.setdefault(_LISTS[key], []).append(value)
        elif key.startswith(_CONDITIONS) and value.upper() != "FALSE":
            rule.setdefault("Conditions", []).append(part)
    return rule


# Types --------------------------------------------------------------------------------------------------------------------


class RuleText(Text):
    """A text of a rule, whose parts are separated by a bar."""

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that the text holds a bar."""
        return f"{want!r} contains |, which a rule cannot hold." if "|" in str(want) else None


class Enabled(Flag):
    """A truth that the registry writes as TRUE, and the cmdlets take as the text True."""

    def read(self, raw: t.Any) -> Json:
        """Return the truth."""
        return str(raw).upper() == "TRUE"

    def send(self, value: Json) -> ParamValue:
        """Return True or False as text: -Enabled is an enumeration."""
        return "True" if value else "False"


@dataclass(frozen=True)
class Known(Choice):
    """One of few, or what a rule has that was not made here, such as the action bypass."""

    def send(self, value: Json) -> ParamValue:
        """Return the word of the cmdlets, or the value as it is."""
        return self.choices.get(str(value), str(value))


@dataclass(frozen=True)
class Protocol(Known):
    """A protocol; the registry has its IANA number, and nothing for any."""

    _NUMBERS: t.ClassVar = {"1": "icmpv4", "6": "tcp", "17": "udp", "58": "icmpv6"}

    def read(self, raw: t.Any) -> Json:
        """Return the option for a number; the number itself where there is none."""
        return ANY if raw is None else self._NUMBERS.get(str(raw), str(raw))


@dataclass(frozen=True)
class AnyText(Type):
    """A text without case that narrows a rule; any where it does not."""

    def parse(self, given: t.Any) -> Json:
        """Return the text, the word any in lower case."""
        return ANY if str(given).lower() == ANY else str(given)

    def read(self, raw: t.Any) -> Json:
        """Return the text; nothing reads as any."""
        return str(raw) if raw else ANY

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the texts are equal without case."""
        return str(have).lower() == str(want).lower()

    def send(self, value: Json) -> ParamValue:
        """Return the text as the cmdlets take it."""
        return "Any" if value == ANY else str(value)

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that the text holds a bar."""
        return RuleText().fault(want, have)


@dataclass(frozen=True)
class AnyOf(Type):
    """A list that narrows a rule; ``[any]`` where it does not. Order, doubles and case do not matter.

    ``one`` returns the canonical spelling of an element and raises ValueError for what is none; ``wanted`` says what one is.
    ``all``: elements that together mean any. ``names``: canonical spelling and what the cmdlets take, where that differs.
    """

    one: Callable[[str], str]
    wanted: str
    all: frozenset[str] = frozenset()
    names: tuple[tuple[str, str], ...] = ()

    def spec(self) -> Spec:
        """Return the spec of a list of texts."""
        return {"type": "list", "elements": "str"}

    def parse(self, given: t.Any) -> Json:
        """Return the canonical list. An empty one is refused: it would read as nothing at all."""
        if not given:
            raise WantError("the list is empty. Give any, or leave the option out.")
        return self._canonical(self._parsed(str(item).strip()) for item in given)

    def read(self, raw: t.Any) -> Json:
        """Return the canonical list; what has an unknown form is kept as it is."""
        return self._canonical(self._known(str(item)) for item in raw or ())

    def send(self, value: Json) -> ParamValue:
        """Return the list as the cmdlets take it."""
        names = {ANY: "Any", **dict(self.names)}
        return [names.get(item, item) for item in t.cast(Sequence[str], value)]

    def words(self, value: Json) -> str:
        """Return the list with commas."""
        return ", ".join(t.cast(Sequence[str], value or ())) or "nothing"

    def _canonical(self, items: Iterable[str]) -> list[str]:
        found = sorted(set(items))
        return [ANY] if not found or ANY in found or (self.all and self.all <= set(found)) else found

    def _parsed(self, text: str) -> str:
        try:
            return ANY if text.lower() == ANY else self.one(text)
        except ValueError:
            raise WantError(f"{text!r} is not {self.wanted}, nor any.") from None

    def _known(self, text: str) -> str:
        try:
            return self.one(text)
        except ValueError:
            return text


@dataclass(frozen=True)
class Conditions(Type):
    """Conditions as the registry writes them. They can be taken off a rule, all at once, and not be made."""

    def spec(self) -> Spec:
        """Return the spec of a list of texts."""
        return {"type": "list", "elements": "str"}

    def parse(self, given: t.Any) -> Json:
        """Return the sorted list."""
        return sorted(str(item) for item in given)

    def read(self, raw: t.Any) -> Json:
        """Return the sorted list."""
        return sorted(raw or ())

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that such conditions cannot be made."""
        return "such conditions can be kept, or taken off with []; none can be added." if want else None


# Elements -----------------------------------------------------------------------------------------------------------------

# https://learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule, -RemoteAddress; 4 or 6 may follow.
_KEYWORDS: t.Final = ("LocalSubnet", "DNS", "DHCP", "WINS", "DefaultGateway", "Internet", "Intranet")
# https://learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule, -LocalPort
_PORT_WORDS: t.Final = ("RPC", "RPCEPMap", "Teredo", "IPHTTPSIn", "IPHTTPSOut", "PlayToDiscovery", "mDNS")
_PROFILES: t.Final = ("domain", "private", "public")
_INTERFACES: t.Final = {"wired": "Lan", "wireless": "Wireless", "remote_access": "RemoteAccess"}
_MAX_PORT: t.Final = 65535


def _address(text: str) -> str:
    """Return an address, subnet, range or keyword in its shortest spelling: ``10.0.0.5/255.255.255.255`` is ``10.0.0.5``."""
    words = {f"{word}{family}".lower(): f"{word}{family}" for word in _KEYWORDS for family in ("", "4", "6")}
    if text.lower() in words:
        return words[text.lower()]
    low, dash, high = text.partition("-")
    if not dash:
        return _network(ipaddress.ip_network(text, strict=False))
    first, last = ipaddress.ip_address(low), ipaddress.ip_address(high)
    found = list(_between(first, last))
    return _network(found[0]) if len(found) == 1 else f"{first}-{last}"


def _between(first: t.Any, last: t.Any) -> Iterable[t.Any]:
    """Return the networks that a range consists of. Raise ValueError where it is none."""
    if first.version != last.version:
        raise ValueError("one family is wanted")
    return ipaddress.summarize_address_range(first, last)


def _network(network: t.Any) -> str:
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _port(text: str) -> str:
    words = {word.lower(): word for word in _PORT_WORDS}
    if text.lower() in words:
        return words[text.lower()]
    low, dash, high = text.partition("-")
    numbers = [int(low), int(high)] if dash else [int(low)]
    if numbers != sorted(numbers) or not 0 <= numbers[0] <= numbers[-1] <= _MAX_PORT:
        raise ValueError("out of range")
    return "-".join(map(str, dict.fromkeys(numbers)))


def _word(known: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """Return the function that knows options by their own name and by that of the registry, in any case."""
    names = {name.lower(): option for option, name in known} | {option: option for option, _name in known}

    def find(text: str) -> str:
        if text.lower() not in names:
            raise ValueError("unknown")
        return names[text.lower()]

    return find


ADDRESSES: t.Final = AnyOf(
    _address,
    f"an address, subnet (10.0.0.0/24), range (10.0.0.5-10.0.0.9) or one of {', '.join(_KEYWORDS)}",
)
PORTS: t.Final = AnyOf(
    _port, f"a port (0 to {_MAX_PORT}), a range of ports (5000-5010) or one of {', '.join(_PORT_WORDS)}"
)
PROFILES: t.Final = AnyOf(
    _word([(name, name) for name in _PROFILES]),
    f"one of {', '.join(_PROFILES)}",
    frozenset(_PROFILES),
    tuple((name, name.capitalize()) for name in _PROFILES),
)
INTERFACE_TYPES: t.Final = AnyOf(
    _word(list(_INTERFACES.items())),
    f"one of {', '.join(_INTERFACES)}",
    frozenset(_INTERFACES),
    (("wired", "Wired"), ("wireless", "Wireless"), ("remote_access", "RemoteAccess")),
)
PROTOCOL: t.Final = Protocol({"tcp": "TCP", "udp": "UDP", "icmpv4": "ICMPv4", "icmpv6": "ICMPv6", ANY: "Any"})

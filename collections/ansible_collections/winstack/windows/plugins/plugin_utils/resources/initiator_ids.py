# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may log in to a target: initiator identifiers and iSCSI names. PRIVATE to the winstack collections.

https://learn.microsoft.com/powershell/module/iscsitarget/new-iscsiservertarget
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass

KINDS: t.Final = {kind.lower(): kind for kind in ("IQN", "IPAddress", "IPv6Address", "DNSName", "MACAddress")}

MAX_ISCSI_NAME: t.Final = 223
# RFC 7143 4.2.7 and RFC 3722: iqn., year and month, reversed domain, and what its owner likes after a colon. Underscores are
# not in the RFC, but initiators have them.
_IQN: t.Final = re.compile(
    r"iqn\.[0-9]{4}-(?:0[1-9]|1[0-2])(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+(?::[a-z0-9.:_-]+)?"
)
_EUI: t.Final = re.compile(r"eui\.[0-9a-f]{16}")
_MAC: t.Final = re.compile(r"[0-9A-F]{2}(?:-[0-9A-F]{2}){5}|[0-9A-F]{2}(?::[0-9A-F]{2}){5}|[0-9A-F]{12}")
_DNS: t.Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE
)
_ALL_NUMERIC: t.Final = re.compile(r"[0-9.]+")


@dataclass(frozen=True, order=True)
class InitiatorId:
    """One initiator: ``kind`` as Microsoft documents it, ``value`` in the spelling that is sent."""

    kind: str
    value: str

    def __str__(self) -> str:
        """Return it as the cmdlets take it."""
        return f"{self.kind}:{self.value}" if self.kind else self.value

    @property
    def shown(self) -> str:
        """Return what diffs and reports show: equal for all good spellings of the same initiator."""
        return f"{self.kind}:{self.value.lower()}" if self.kind == "DNSName" else str(self)

    @property
    def key(self) -> str:
        """Return what is equal for all spellings of the same initiator."""
        return str(self).lower()


def iscsi_name(text: str) -> str | None:
    """Return an IQN or EUI name in lower case, as RFC 3722 compares it; None if it is neither."""
    name = text.lower()
    return name if len(name) <= MAX_ISCSI_NAME and (_IQN.fullmatch(name) or _EUI.fullmatch(name)) else None


def initiator_of(text: str) -> InitiatorId:
    """Return an initiator as somebody or Windows wrote it: normal where its form is known, else as it stands."""
    kind, value = _split(text)
    normal = _NORMAL[kind.lower()](value) if kind.lower() in KINDS else None
    return InitiatorId(KINDS.get(kind.lower(), kind), value if normal is None else normal)


def initiator_fault(text: str) -> str | None:
    """Return what is wrong with the form of an initiator, as a sentence; None if nothing is."""
    kind, value = _split(text)
    if kind.lower() not in KINDS:
        return (
            f"{text!r} begins with no kind of identifier that Windows knows. Give one of "
            f"{', '.join(f'{name}:' for name in KINDS.values())}, as in IQN:iqn.1993-08.org.debian:01:abc."
        )
    if _NORMAL[kind.lower()](value) is None:
        return f"{text!r}: {value!r} is not {_WANTED[kind.lower()]}."
    return None


def _split(text: str) -> tuple[str, str]:
    """Return kind and value; a prefix that stands there twice counts once."""
    kind, colon, value = text.strip().partition(":")
    if not colon:
        return "", kind
    while kind and value.lower().startswith(f"{kind.lower()}:"):
        value = value[len(kind) + 1 :]
    return kind, value


def read_initiator(row: Mapping[str, t.Any]) -> InitiatorId:
    """Return what Windows printed: ``Iqn:iqn.x`` as text, or Method and Value, where Value may carry the prefix again."""
    text = str(row.get("") or "")
    if text.partition(":")[0].lower() in KINDS:
        return initiator_of(text)
    return (
        initiator_of(f"{row.get('Method') or ''}:{row.get('Value') or ''}")
        if row.get("Method")
        else initiator_of(text)
    )


def _iqn(value: str) -> str | None:
    return value if value == "*" else iscsi_name(value)


def _address(version: int, value: str) -> str | None:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    unusable = address.version != version or address.is_unspecified or address.is_multicast or "%" in value
    return None if unusable else str(address)


def _mac(value: str) -> str | None:
    if not _MAC.fullmatch(value.upper()):
        return None
    digits = re.sub("[-:]", "", value.upper())
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))


def _dns(value: str) -> str | None:
    return value if _DNS.fullmatch(value) and not _ALL_NUMERIC.fullmatch(value) else None


_NORMAL: t.Final[dict[str, Callable[[str], str | None]]] = {
    "iqn": _iqn,
    "ipaddress": lambda value: _address(4, value),
    "ipv6address": lambda value: _address(6, value),
    "dnsname": _dns,
    "macaddress": _mac,
}
_WANTED: t.Final = {
    "iqn": "an iSCSI name (iqn.yyyy-mm.reversed.domain:name or eui. with 16 hexadecimal digits), nor * for everyone",
    "ipaddress": "an IPv4 address of one initiator",
    "ipv6address": "an IPv6 address of one initiator",
    "dnsname": "a DNS name",
    "macaddress": "a MAC address, as in 00-15-5D-01-02-03",
}

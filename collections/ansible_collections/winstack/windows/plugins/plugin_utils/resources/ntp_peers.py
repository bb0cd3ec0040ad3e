# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time servers, as users write them and as value NtpServer holds them. PRIVATE to the winstack collections.

https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, Spec, Type
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

Peer = Mapping[str, t.Any]
"""``address``, and ``flags``: names in the order of FLAGS, then a number for bits without a name, then what is no number."""

FLAGS: t.Final = {
    "special_interval": 0x1,
    "use_as_fallback_only": 0x2,
    "symmetric_active": 0x4,
    "client": 0x8,
}
MAX_PEERS: t.Final = 16

_DEFAULT_FLAGS: t.Final = ("client",)
_OPTIONS: t.Final = ("address", "flags")
_FORM: t.Final = (
    "a host, as in ntp1.example.com or ntp1.example.com,0x9, or a dictionary with address and flags"
)
_LABEL: t.Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)


class Peers(Type):
    """A list of peers, in the order in which Windows asks them."""

    def spec(self) -> Spec:
        """Return the spec of a list of texts and dictionaries, or of one text: Ansible would split that at its commas."""
        return {"type": "raw"}

    def parse(self, given: t.Any) -> Json:
        """Return the peers that a task gives. Raise WantError for an entry that is none."""
        if isinstance(given, Mapping) or not isinstance(given, (str, Sequence)):
            raise WantError(f"a list was expected. Give {_FORM}, for each peer.")
        entries = given.split() if isinstance(given, str) else given
        return [peer for number, entry in enumerate(entries) for peer in _given(entry, number)]

    def read(self, raw: t.Any) -> Json:
        """Return the peers of value NtpServer, which separates them by blanks."""
        return [] if raw is None else [_peer(*entry.partition(",")[::2]) for entry in str(raw).split()]

    def same(self, have: Json, want: Json) -> bool:
        """Return whether two lists have the same peers in the same order, however they are spelled."""
        return [*map(_key, _peers(have))] == [*map(_key, _peers(want))]

    def fault(self, want: Json, have: Json) -> str | None:
        """Return what is wrong with peers that the host does not have yet."""
        known = {_key(peer) for peer in _peers(have)}
        new = [peer for peer in _peers(want) if _key(peer) not in known]
        faults = [*(fault for peer in new for fault in _faults(peer)), *_list_faults(_peers(want), new)]
        return " ".join(faults) or None

    def send(self, value: Json) -> ParamValue:
        """Return the text of value NtpServer."""
        return " ".join(f"{peer['address']},{hex(_bits(peer['flags']))}" for peer in _peers(value))

    def words(self, value: Json) -> str:
        """Return the peers as w32tm writes them."""
        return str(self.send(value)) or "nothing"


def has_flag(peers: Json, flag: str) -> bool:
    """Return whether any of the peers has the flag."""
    return any(flag in peer["flags"] for peer in _peers(peers))


def _peers(value: Json) -> Sequence[Peer]:
    return t.cast("Sequence[Peer]", value or ())


# Reading ------------------------------------------------------------------------------------------------------------------


def _given(entry: t.Any, number: int) -> Iterator[dict[str, Json]]:
    """Return the peers of an entry; a text can hold several, separated by blanks as in value NtpServer."""
    if isinstance(entry, str):
        yield from (_given_text(text) for text in entry.split())
        return
    if not isinstance(entry, Mapping):
        raise WantError(f"entry {number + 1} is not a peer. Give {_FORM}.")
    if unknown := [str(name) for name in entry if name not in _OPTIONS]:
        near = difflib.get_close_matches(unknown[0], _OPTIONS, 1)
        raise WantError(
            f"entry {number + 1}: there is no option {unknown[0]}. Did you mean {(near or _OPTIONS)[0]}?"
        )
    if entry.get("address") is None:
        raise WantError(f"entry {number + 1} has no address. Give {_FORM}.")
    flags = entry.get("flags")
    yield {
        "address": str(entry["address"]),
        "flags": _named_flags(_DEFAULT_FLAGS if flags is None else flags),
    }


def _given_text(text: str) -> dict[str, Json]:
    address, comma, flags = text.partition(",")
    if comma and not flags:
        raise WantError(
            f"{text!r} ends in a comma. Separate peers by blanks, and flags by a comma, as in {address},0x8."
        )
    return _peer(address, flags) if comma else {"address": address, "flags": [*_DEFAULT_FLAGS]}


def _peer(address: str, flags: str) -> dict[str, Json]:
    return {"address": address, "flags": _named_flags([flags] if flags else [])}


def _named_flags(flags: t.Any) -> list[Json]:
    """Return flags by name where they have one, each once."""
    given = flags.split() if isinstance(flags, str) else flags if isinstance(flags, Sequence) else [flags]
    bits = _bits(given)
    rest = bits & ~sum(FLAGS.values())
    named = [name for name, bit in FLAGS.items() if bits & bit]
    return [*named, *([hex(rest)] if rest else []), *(str(flag) for flag in given if _bit(flag) is None)]


def _bits(flags: Iterable[t.Any]) -> int:
    total = 0
    for flag in flags:
        total |= _bit(flag) or 0
    return total


def _bit(flag: t.Any) -> int | None:
    """Return the bits of a flag given by name or as a number; None for anything else."""
    try:
        bits = FLAGS.get(str(flag)) or int(str(flag), 0)
    except ValueError:
        return None
    return bits if bits >= 0 else None


def _key(peer: Peer) -> tuple[str, frozenset[str]]:
    return _address_key(peer["address"]), frozenset(peer["flags"])


def _address_key(address: str) -> str:
    """Return the form in which addresses compare: names by lower case, IP addresses by value."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower().removesuffix(".")


# Rules of form, for new peers ---------------------------------------------------------------------------------------------


def _faults(peer: Peer) -> Iterator[str]:
    if fault := _address_fault(peer["address"]):
        yield fault
    if {"symmetric_active", "client"} <= set(peer["flags"]):
        yield f"{peer['address']}: symmetric_active and client are two modes of NTP. Choose one."
    for flag in peer["flags"]:
        if _bit(flag) is None:
            near = difflib.get_close_matches(flag, FLAGS, 1)
            hint = (
                f"Did you mean {near[0]}?"
                if near
                else f"Give {', '.join(FLAGS)}, or a number as in 0x9; peers are separated by blanks."
            )
            yield f"{peer['address']}: there is no flag {flag!r}. {hint}"


def _list_faults(peers: Sequence[Peer], new: Sequence[Peer]) -> Iterator[str]:
    """Return what is wrong with the list as a whole, if it has anything new."""
    counted = Counter(_address_key(peer["address"]) for peer in peers)
    for key in dict.fromkeys(_address_key(peer["address"]) for peer in new):
        if counted[key] > 1:
            yield f"{key} is given twice."
    if new and len(peers) > MAX_PEERS:
        yield f"{len(peers)} peers are given. Give {MAX_PEERS} at most."


def _address_fault(address: str) -> str | None:
    """Return why no server can answer at an address; None if one can."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return _name_fault(address)
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast or str(ip) == "255.255.255.255":
        return f"no time server answers at {address}."
    return f"give the address {address} without a zone." if "%" in address else None


def _name_fault(address: str) -> str | None:
    labels = address.removesuffix(".").split(".")
    good = len(address) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    if good and not labels[-1].isdigit():
        return None
    return f"{address!r} is neither a host name nor an IPv4 or IPv6 address. Give {_FORM}."

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time servers as people write them and as Windows stores them."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.ntp_peers import (
    FLAGS,
    Peers,
    has_flag,
)

PEERS = Peers()


def peer(address: str, *flags: str) -> dict[str, t.Any]:
    """Return a peer with flags."""
    return {"address": address, "flags": list(flags)}


GIVEN: dict[str, tuple[t.Any, str]] = {
    "dictionaries": ([{"address": "a", "flags": ["client"]}, {"address": "b"}], "a,0x8 b,0x8"),
    "texts": (["0.pool.example", "1.pool.example"], "0.pool.example,0x8 1.pool.example,0x8"),
    "texts with flags as w32tm takes them": (["a,0x9", "b,1", "c,0x0"], "a,0x9 b,0x1 c,0x0"),
    "one text of several": ("0.pool.example,0x8 1.pool.example,0x8", "0.pool.example,0x8 1.pool.example,0x8"),
    "a text of several among others": (["10.60.1.123 0.us.example", {"address": "b"}], "10.60.1.123,0x8 0.us.example,0x8 b,0x8"),
    "one text": ("a", "a,0x8"),
    "no peers": ([], ""),
    "all flags": ([{"address": "a", "flags": ["symmetric_active", "special_interval"]}], "a,0x5"),
    "no flags": ([{"address": "2001:db8::1", "flags": []}], "2001:db8::1,0x0"),
    "flags as numbers": ([{"address": "a", "flags": [9]}, {"address": "b", "flags": "0x18"}], "a,0x9 b,0x18"),
    "one flag as text": ([{"address": "a", "flags": "special_interval"}], "a,0x1"),
    "a flag twice": ([{"address": "a", "flags": ["client", 8]}], "a,0x8"),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "text"), GIVEN.values(), ids=GIVEN.keys())
def test_what_people_write_is_one_list(given_: t.Any, text: str) -> None:
    peers = PEERS.parse(given_)
    assert PEERS.send(peers) == text
    assert PEERS.words(peers) == (text or "nothing")
    assert PEERS.parse(PEERS.show(peers)) == peers


UNREADABLE: dict[str, tuple[t.Any, str]] = {
    "a number": (5, "a list was expected. Give a host, as in ntp1.example.com or ntp1.example.com,0x9, or a"),
    "one dictionary": ({"address": "a"}, "a list was expected."),
    "a list in a list": ([["a"]], "entry 1 is not a peer. Give a host, as in"),
    "no address": (["a", {"flags": []}], "entry 2 has no address. Give a host, as in"),
    "a typo": ([{"adress": "a"}], "entry 1: there is no option adress. Did you mean address?"),
    "commas between peers": ("a, b", "'a,' ends in a comma. Separate peers by blanks, and flags by a comma, as in a,0x8."),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "told"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_peer_is_one_sentence(given_: t.Any, told: str) -> None:
    with pytest.raises(WantError) as caught:
        PEERS.parse(given_)
    assert str(caught.value).startswith(told)


STORED: dict[str, list[dict[str, t.Any]]] = {
    "": [],
    "time.windows.com,0x9": [peer("time.windows.com", "special_interval", "client")],
    "a": [peer("a")],
    "a,": [peer("a")],
    "a,0x01  b,8": [peer("a", "special_interval"), peer("b", "client")],
    "a,0x18": [peer("a", "client", "0x10")],
    "a,zz": [peer("a", "zz")],
    '"a,0x8': [peer('"a', "client")],
    "a,b,c": [peer("a", "b,c")],
    "fd00::7,0x8": [peer("fd00::7", "client")],
}


@pytest.mark.parametrize(("text", "peers"), STORED.items())
def test_whatever_the_host_has_is_shown(text: str, peers: list[dict[str, t.Any]]) -> None:
    found = PEERS.read(text)
    assert found == peers
    assert PEERS.same(found, PEERS.parse(PEERS.show(found)))


def test_no_value_is_no_peer() -> None:
    assert PEERS.read(None) == []


@pytest.mark.parametrize(
    ("have", "want", "same"),
    [
        ("NTP1.Example,0x08 ntp2.example.,8", "ntp1.example,0x8 ntp2.example,0x8", True),
        ("2001:DB8:0::1,0x8", "2001:db8::1,0x8", True),
        ("a,0x8 b,0x8", "b,0x8 a,0x8", False),
        ("a,0x18", "a,0x8", False),
        ("a", "a,0x8", False),
        ("", "a", False),
    ],
)
def test_spellings_do_not_matter_order_and_flags_do(have: str, want: str, same: bool) -> None:
    assert PEERS.same(PEERS.read(have), PEERS.parse(want)) is same


FAULTS: dict[str, tuple[t.Any, str]] = {
    "two modes": ([peer("a", "client", "symmetric_active")], "a: symmetric_active and client are two modes of NTP. Choose one."),
    "no such flag": ([peer("a", "clinet")], "a: there is no flag 'clinet'. Did you mean client?"),
    "a list with commas": (
        "a,b,c",
        "a: there is no flag 'b,c'. Give special_interval, use_as_fallback_only, symmetric_active, client, or a number as "
        "in 0x9; peers are separated by blanks.",
    ),
    "twice": (["a.example", "A.Example."], "a.example is given twice."),
    "twice in two forms": (["2001:db8::1", "2001:DB8:0::1"], "2001:db8::1 is given twice."),
    "too many": ([f"h{number}" for number in range(17)], "17 peers are given. Give 16 at most."),
    "a zone": (["fe80::1%3"], "give the address fe80::1%3 without a zone."),
    "two at once": (["127.0.0.1", "0.0.0.0"], "no time server answers at 127.0.0.1. no time server answers at 0.0.0.0."),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_new_peers_have_a_form(given_: t.Any, told: str) -> None:
    assert PEERS.fault(PEERS.parse(given_), []) == told


@pytest.mark.parametrize(
    "address",
    [
        *('a"b', "a;b", "10.0.0.300", "10.0.0", "[2001:db8::1]", "2001:db8:::1", "-a", "a-"),
        *("a..b", ".", "a" * 64, ".".join(["a" * 60] * 5), "zeit.bücher.example", "http://a"),
        *("a b", "a\n"),
    ],
)
def test_what_is_no_address(address: str) -> None:
    fault = PEERS.fault(PEERS.parse([{"address": address}]), None)
    assert fault is not None
    assert "is neither a host name nor an IPv4 or IPv6 address. Give a host, as in" in fault


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "127.0.0.1", "::1", "224.0.1.1", "ff02::101", "255.255.255.255"]
)
def test_addresses_without_a_server(address: str) -> None:
    assert PEERS.fault(PEERS.parse([address]), []) == f"no time server answers at {address}."


@pytest.mark.parametrize(
    "address",
    ["a", "a.example.", "ntp_1.example", "3.pool.ntp.org", "10.0.0.5", "2001:db8::7", "169.254.169.123"],
)
def test_names_and_addresses(address: str) -> None:
    assert PEERS.fault(PEERS.parse([address]), []) is None


def test_what_the_host_has_is_never_refused() -> None:
    have = PEERS.read('"a,0x8 b,zz 127.0.0.1 b,zz')
    assert PEERS.fault([*t.cast("list[t.Any]", have), peer("new", "client")], have) is None
    assert PEERS.fault([*t.cast("list[t.Any]", have), peer("-", "client")], have) is not None


def test_flags_are_asked_for_by_name() -> None:
    assert has_flag(PEERS.parse("a,0x8 b,0x9"), "special_interval")
    assert not has_flag(PEERS.parse("a,0x8"), "special_interval")
    assert not has_flag(None, "special_interval")


def test_every_flag_has_a_bit_of_its_own() -> None:
    assert sum(FLAGS.values()) == 0xF


addresses = st.sampled_from(["a", "B.example", "10.0.0.5", "2001:db8::1"])


@given(st.lists(st.tuples(addresses, st.integers(0, 0xFFFF)), max_size=4))
def test_what_is_sent_reads_back(peers: list[tuple[str, int]]) -> None:
    want = PEERS.parse([{"address": address, "flags": [bits]} for address, bits in peers])
    assert PEERS.read(PEERS.send(want)) == want


@given(st.text(alphabet='ab,0x89 "%.:-\t', max_size=30))
def test_no_text_in_the_registry_is_an_error(text: str) -> None:
    found = PEERS.read(text)
    assert PEERS.same(found, PEERS.parse(PEERS.show(found)))
    assert isinstance(PEERS.words(found), str)

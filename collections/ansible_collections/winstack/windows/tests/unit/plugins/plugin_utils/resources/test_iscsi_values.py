# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of the options of virtual disks and targets: read, compared, sent, shown."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Credential
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_values import (
    BlockSize,
    Chap,
    DiskPath,
    DiskSize,
    Enabled,
    Initiators,
    Iqn,
    Luns,
    numbered,
    numbers,
)

A, B, C = (rf"D:\iSCSI\{name}.vhdx" for name in "abc")
MB = 1024**2
CHAP = Chap(switch="EnableChap", credential="Chap")


def luns(*items: tuple[str, int | None]) -> Json:
    return [{"path": path, "lun": number} for path, number in items]


# Disks ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("have", "want", "same"),
    [(None, True, True), (None, False, True), (True, True, True), (False, True, False), (True, False, False)],
)
def test_what_is_not_known_to_be_enabled_is_not_known_to_differ(have: Json, want: Json, same: bool) -> None:
    assert Enabled().same(have, want) == same


def test_paths_of_parents() -> None:
    kind = DiskPath()
    assert [kind.read(raw) for raw in (None, "", A)] == [None, None, A]
    assert kind.same(A, "d:/iscsi/A.VHDX")
    assert not kind.same(None, A)
    assert kind.fault(r"\\server\a.vhdx", None)


@pytest.mark.parametrize(
    ("size", "fits"), [(MB, True), (MB + 1, False), (0, True), (10 * MB, True), (512, False)]
)
def test_disks_are_counted_in_mib(size: int, fits: bool) -> None:
    assert (DiskSize().fault(size, None) is None) == fits


@pytest.mark.parametrize(
    ("size", "fits"), [(MB, True), (256 * MB, True), (512 * MB, False), (3 * MB, False), (MB // 2, False)]
)
def test_blocks_are_powers_of_two(size: int, fits: bool) -> None:
    assert (BlockSize().fault(size, None) is None) == fits


# Targets -------------------------------------------------------------------------------------------------------------------


def test_iqns_are_compared_in_lower_case() -> None:
    kind = Iqn()
    assert kind.same(kind.read("IQN.2020-01.org.Example:X"), kind.parse(" iqn.2020-01.org.example:x "))
    assert kind.read(None) == ""
    assert kind.fault("iqn.2020-01.org.example:x", None) is None
    assert "iqn.yyyy-mm" in str(kind.fault("iqn.2020-01.org.example:a b", None))


def read(*texts: str) -> Json:
    return Initiators().read([{"": text} for text in texts])


@pytest.mark.parametrize(
    ("have", "want", "same"),
    [
        (["Iqn:*"], ["IQN:*"], True),
        (["DnsName:A.example"], ["dnsname:a.EXAMPLE"], True),
        (["Iqn:iqn.x", "IPAddress:10.0.0.5"], ["IPADDRESS:10.0.0.5", "iqn:IQN.X", "IQN:iqn.x"], True),
        (["Iqn:iqn.x"], [], False),
        ([], ["IQN:*"], False),
        ([], [], True),
        (["MacAddress:00155d010203"], ["MACAddress:00-15-5D-01-02-03"], True),
    ],
)
def test_initiators(have: list[str], want: list[str], same: bool) -> None:
    kind = Initiators()
    assert kind.same(read(*have), kind.parse(want)) == same


def test_initiators_are_sent_as_they_are_written_and_shown_in_one_order() -> None:
    kind = Initiators()
    value = kind.parse(["dnsname:Node1", "iqn:*", "DNSName:node1"])
    assert kind.send(value) == ["DNSName:node1", "IQN:*"]
    assert kind.show(kind.parse(["iqn:*", "dnsname:Node1"])) == ["DNSName:node1", "IQN:*"]
    assert kind.words([]) == "nothing"
    assert kind.show(None) is None


@pytest.mark.parametrize("raw", ["IQN:*", 5, {"": "IQN:*"}, ["IQN:*"]])
def test_initiators_of_an_odd_form(raw: t.Any) -> None:
    with pytest.raises(ValueError, match="was expected"):
        Initiators().read(raw)


def test_chap_never_shows_its_secret() -> None:
    value = CHAP.parse({"enabled": True, "username": "u", "secret": "s" * 12})
    assert "s" * 12 not in repr(value)
    assert CHAP.show(value) == {"enabled": True, "username": "u"}
    assert CHAP.words(value) == "on for u"
    assert CHAP.parameters(value) == {"EnableChap": True, "Chap": Credential("u", "s" * 12)}
    assert CHAP.parameters(CHAP.parse({"enabled": True, "username": "u"})) == {"EnableChap": True}
    assert CHAP.parameters(CHAP.parse({"enabled": False, "username": "u", "secret": "s" * 12})) == {
        "EnableChap": False
    }
    assert CHAP.spec()["options"]["secret"]["no_log"] is True


@pytest.mark.parametrize(
    ("have", "want", "same"),
    [
        ({"enabled": False, "username": "u"}, {"enabled": False}, True),
        ({"enabled": False, "username": "u"}, {"enabled": True}, False),
        ({"enabled": True, "username": "u"}, {"enabled": True}, True),
        ({"enabled": True, "username": "u"}, {"enabled": True, "username": "u"}, True),
        ({"enabled": True, "username": "u"}, {"enabled": True, "username": "U"}, False),
        ({"enabled": True, "username": None}, {"enabled": False, "username": "u"}, False),
        (None, {"enabled": False}, True),
    ],
)
def test_chap_is_compared_by_switch_and_user(have: Json, want: t.Any, same: bool) -> None:
    assert CHAP.same(have, CHAP.parse(want)) == same


@pytest.mark.parametrize(
    ("have", "want", "same"),
    [
        (luns((A, 0)), luns((A.upper(), None)), True),
        (luns((A, 0)), luns((A, 1)), False),
        (luns((A, 0), (B, 1)), luns((B, None), (A, 0)), True),
        (luns((A, 0)), luns((A, 0), (B, None)), False),
        ([], [], True),
        (luns((A, None)), luns((A, 3)), False),
    ],
)
def test_luns(have: Json, want: Json, same: bool) -> None:
    assert Luns().same(have, want) == same


@pytest.mark.parametrize(
    "raw", ["LUN:0", ["LUN:0"], [{"Path": A}], [{"Path": A, "Lun": "0"}], [{"Path": A, "Lun": True}]]
)
def test_luns_of_an_odd_form(raw: t.Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        Luns().read(raw)


def test_luns_are_read_and_shown_by_number() -> None:
    found = Luns().read([{"Path": A, "Lun": 3}, {"Path": B, "Lun": 0}])
    assert Luns().show(found) == [{"lun": 0, "path": B}, {"lun": 3, "path": A}]
    assert Luns().words(found) == f"{B} as 0 and {A} as 3"
    assert Luns().read(None) == []


def test_only_new_mappings_have_to_be_in_form() -> None:
    odd = "ramdisk:x.vhdx"
    kind = Luns()
    assert kind.fault(luns((odd, 0)), luns((odd, 0))) is None
    assert "RAM disk" in str(kind.fault(luns((odd, 0)), []))
    assert kind.fault(luns((A, 300)), luns((A, 300))) is None
    assert "0 to 255" in str(kind.fault(luns((A, 300)), luns((A, 1))))
    with pytest.raises(WantError, match="the number 1 is given twice"):
        kind.parse([{"path": A, "lun": 1}, {"path": B, "lun": 1}])


PATHS = st.lists(
    st.sampled_from([A, B, C, A.upper(), "D:/iSCSI/b.vhdx"]),
    unique_by=lambda path: [*numbers(luns((path, 0)))][0],
)
NUMBERS = st.lists(st.none() | st.integers(0, 255), min_size=3, max_size=3)


@given(
    want=st.tuples(PATHS, NUMBERS),
    have=st.tuples(PATHS, st.lists(st.integers(0, 255), min_size=3, max_size=3, unique=True)),
)
def test_every_disk_gets_a_number_of_its_own_and_keeps_what_it_has(
    want: tuple[list[str], list[int | None]], have: tuple[list[str], list[int]]
) -> None:
    asked = [number for number in want[1][: len(want[0])] if number is not None]
    if len(asked) != len(set(asked)):
        return  # parse refuses it
    wanted, now = luns(*zip(*want, strict=False)), luns(*zip(*have, strict=False))
    found, before, wished = numbers(numbered(wanted, now)), numbers(now), numbers(wanted)
    assert found.keys() == wished.keys()
    assert len(set(found.values())) == len(found)
    assert None not in found.values()
    for key, number in wished.items():
        assert number in (None, found[key])
        if number is None and key in before and before[key] not in asked:
            assert found[key] == before[key]
    assert Luns().same(numbered(wanted, now), wanted)

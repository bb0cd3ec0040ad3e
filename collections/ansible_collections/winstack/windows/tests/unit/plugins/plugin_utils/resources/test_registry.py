# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths and data of the registry."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError, WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.registry import (
    TYPES,
    Stored,
    key_path,
    levels,
    read_data,
    same_data,
    sent_data,
    shown_data,
    stored_values,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"HKLM:\SOFTWARE\X", r"HKLM:\SOFTWARE\X"),
        (r"HKLM\SOFTWARE\X", r"HKLM:\SOFTWARE\X"),
        (r"hkey_local_machine\SOFTWARE\X" + "\\", r"HKLM:\SOFTWARE\X"),
        (r"Registry::HKEY_LOCAL_MACHINE\SOFTWARE\X", r"HKLM:\SOFTWARE\X"),
        (r"HKCU:\Console", r"HKCU:\Console"),
        (r"HKU\.DEFAULT\Console", r"Registry::HKEY_USERS\.DEFAULT\Console"),
        (r"HKCR:\.txt", r"Registry::HKEY_CLASSES_ROOT\.txt"),
    ],
)
def test_hives_are_spelled_as_powershell_reaches_them(text: str, path: str) -> None:
    assert key_path(text) == path
    assert key_path(path) == path


@pytest.mark.parametrize(
    "text",
    ["", "HKLM:", "HKLM:\\", "SOFTWARE\\X", "C:\\X", r"HKLM:\A\\B", r"HKLM:\A\..\B", r"HKXX:\A", "HKLM:/SOFTWARE"],
)  # fmt: skip
def test_what_is_no_key_is_one_sentence(text: str) -> None:
    with pytest.raises(WantError, match=r"is not the path of a key\. Give it as in HKLM"):
        key_path(text)


def test_a_slash_is_told_since_powershell_would_make_other_keys() -> None:
    with pytest.raises(WantError, match="has a slash"):
        key_path(r"HKLM:\SYSTEM\SCHANNEL\Ciphers\AES 128/128")


def test_levels_go_from_the_hive_down() -> None:
    assert levels(r"HKLM:\A\B\C") == [r"HKLM:\A", r"HKLM:\A\B", r"HKLM:\A\B\C"]


READ: list[tuple[str, t.Any, t.Any]] = [
    ("string", "x", "x"),
    ("string", 5, "5"),
    ("expand_string", r"%SystemRoot%\x", r"%SystemRoot%\x"),
    ("multi_string", ["a", "b"], ["a", "b"]),
    ("multi_string", "a", ["a"]),
    ("multi_string", [], []),
    ("dword", 10800, 10800),
    ("dword", "10800", 10800),
    ("dword", "0x2a30", 10800),
    ("dword", True, 1),
    ("dword", -1, 0xFFFFFFFF),
    ("dword", 0xFFFFFFFF, 0xFFFFFFFF),
    ("qword", 2**63, 2**63),
    ("binary", "0a,FF", [10, 255]),
    ("binary", "hex:0a ff", [10, 255]),
    ("binary", "0aff", [10, 255]),
    ("binary", "", []),
    ("binary", [0, 255], [0, 255]),
]


@pytest.mark.parametrize(("kind", "given_", "want"), READ)
def test_data_has_one_spelling(kind: str, given_: t.Any, want: t.Any) -> None:
    assert read_data(kind, given_) == want
    assert read_data(kind, want) == want


@pytest.mark.parametrize(
    ("kind", "given_", "told"),
    [
        ("string", True, "True is not text, as type string takes it. Put it between quotes."),
        ("string", ["a"], "a list is not text, as type string takes it. Put it between quotes."),
        ("multi_string", [{}], "a dictionary is not text, as type multi_string takes it."),
        ("dword", "ten", "'ten' is not a whole number, as type dword takes it."),
        ("dword", "010", "'010' is not a whole number, as type dword takes it."),
        ("dword", 1.5, "1.5 is not a whole number, as type dword takes it."),
        ("dword", [], "a list is not a whole number, as type dword takes it."),
        ("dword", 2**32, "4294967296 does not fit into the 32 bits of type dword."),
        ("qword", -(2**63) - 1, "-9223372036854775809 does not fit into the 64 bits of type qword."),
        ("binary", "0a,f", "'0a,f' is not binary data."),
        ("binary", [256], "a list is not binary data."),
        ("binary", 5, "5 is not binary data."),
    ],
)
def test_data_that_cannot_be_of_its_type_is_told(kind: str, given_: t.Any, told: str) -> None:
    with pytest.raises(WantError) as caught:
        read_data(kind, given_)
    assert str(caught.value).startswith(told)


SAME: list[tuple[str | None, t.Any, str, t.Any, bool]] = [
    ("DWord", 10800, "dword", 10800, True),
    ("String", "10800", "dword", 10800, False),
    ("QWord", 10800, "dword", 10800, False),
    ("String", "x", "expand_string", "x", False),
    ("String", "x", "string", "X", False),
    ("MultiString", ["a"], "multi_string", ["a"], True),
    ("MultiString", ["a", "b"], "multi_string", ["b", "a"], False),
    ("Binary", [1], "binary", [1], True),
    ("None", [1], "binary", [1], False),
    # The constrained language mode tells no type, gives numbers a sign and expands variables.
    (None, 10800, "dword", 10800, True),
    (None, -1, "dword", 0xFFFFFFFF, True),
    (None, -1, "qword", 2**64 - 1, True),
    (None, "10800", "dword", 10800, False),
    (None, 5, "string", "5", False),
    (None, True, "dword", 1, False),
    (None, [], "multi_string", [], True),
    (None, ["a"], "binary", [1], False),
    (None, r"C:\Windows\x", "expand_string", r"%SystemRoot%\x", True),
    (None, r"C:\Windows\y", "expand_string", r"%SystemRoot%\x", False),
    (None, None, "string", "", False),
]


@pytest.mark.parametrize(("kind", "data", "wanted", "want", "same"), SAME)
def test_a_value_is_as_wished_with_its_type(
    kind: str | None, data: t.Any, wanted: str, want: t.Any, same: bool
) -> None:
    assert same_data(Stored("x", kind, data), wanted, want) is same


def test_rows_are_values_by_name_in_any_case() -> None:
    rows: list[dict[str, t.Any]] = [
        {"Name": "Enabled", "Kind": "DWord", "Data": -1},
        {"Name": "", "Kind": None, "Data": "x"},
    ]
    found = stored_values(rows)
    assert found == {"enabled": Stored("Enabled", "DWord", 0xFFFFFFFF), "": Stored("", None, "x")}
    assert [value.type for value in found.values()] == ["dword", None]


@pytest.mark.parametrize(
    "row", [{}, {"Name": None, "Kind": "DWord", "Data": 1}, {"Name": "x", "Kind": 4, "Data": 1}]
)
def test_rows_of_another_form_are_told(row: dict[str, t.Any]) -> None:
    with pytest.raises(HostError, match="Name, Kind and Data were expected"):
        stored_values([row])


@given(st.sampled_from(["dword", "qword"]), st.data())
def test_numbers_are_sent_with_a_sign_and_come_back(kind: str, data: st.DataObject) -> None:
    bits = {"dword": 32, "qword": 64}[kind]
    number = data.draw(st.integers(0, 2**bits - 1))
    sent = sent_data(kind, number)
    assert isinstance(sent, int)
    assert -(2 ** (bits - 1)) <= sent < 2 ** (bits - 1)
    assert same_data(Stored("x", None, sent), kind, number)


def test_bytes_are_shown_as_hexadecimal_digits() -> None:
    assert shown_data([10, 255]) == "0a,ff"
    assert [shown_data(data) for data in (["a"], "a", 5, [])] == [["a"], "a", 5, []]


def test_types_are_those_of_the_registry_provider() -> None:
    assert set(TYPES.values()) == {"String", "ExpandString", "MultiString", "DWord", "QWord", "Binary"}

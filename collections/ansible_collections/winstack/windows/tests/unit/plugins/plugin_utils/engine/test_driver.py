# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire between controller and host."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import driver as _driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import (
    MAX_SECRETS,
    Failure,
    Section,
    decode,
    module_args,
    secrets_of,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError

SECRET = "wholly ünguessable"


def batch(calls: dict[str, Call]) -> list[dict[str, t.Any]]:
    """Give the calls as they are sent."""
    return t.cast("list[dict[str, t.Any]]", json.loads(module_args(calls)["parameters"]["Batch"])["calls"])


ENCODED: dict[str, tuple[t.Any, t.Any]] = {
    "text": ("C:\\a", "=C:\\a"),
    "a text that looks like a date": ("2026-01-02T03:04:05Z", "=2026-01-02T03:04:05Z"),
    "no text": ("", "="),
    "a text that starts like one of ours": ("=x", "==x"),
    "a number": (2**64 - 1, 2**64 - 1),
    "a truth": (True, True),
    "nothing": (None, None),
    "a list": (("a", 1, False), ["=a", 1, False]),
    "an empty list": ([], []),
    "a secret": (Credential("u", SECRET), {"secret": "Secret1"}),
}


@pytest.mark.parametrize(("value", "encoded"), ENCODED.values(), ids=ENCODED.keys())
def test_a_parameter_on_the_wire(value: t.Any, encoded: t.Any) -> None:
    [call] = batch({"one": Call("Set-Thing", {"Value": value})})
    assert call["params"] == {"Value": encoded}
    assert type(call["params"]["Value"]) is type(encoded)


def test_a_call_on_the_wire() -> None:
    call = Call("Get-Thing", {}, ("Name", "", ("Parts", "Size"), ("*", "*x*")), change=True)
    assert batch({"things": call, "more": Call("Get-More")}) == [
        {
            "id": "things",
            "cmdlet": "Get-Thing",
            "params": {},
            "select": ["Name", "", ["Parts", "Size"], ["*", "*x*"]],
            "change": True,
        },
        {"id": "more", "cmdlet": "Get-More", "params": {}, "select": [], "change": False},
    ]


def test_secrets_travel_as_sensitive_parameters_only() -> None:
    calls = {
        f"step {number}": change("Set-Thing", Chap=Credential(f"user{number}", f"{SECRET}{number}"))
        for number in range(1, MAX_SECRETS + 1)
    }
    arguments = module_args(calls)
    assert arguments["sensitive_parameters"] == [
        {"name": f"Secret{number}", "username": f"user{number}", "password": f"{SECRET}{number}"}
        for number in range(1, MAX_SECRETS + 1)
    ]
    rest = {name: value for name, value in arguments.items() if name != "sensitive_parameters"}
    assert SECRET not in json.dumps(rest, ensure_ascii=False)
    assert secrets_of(calls) == [f"{SECRET}{number}" for number in range(1, MAX_SECRETS + 1)]


def test_too_many_secrets_are_no_batch() -> None:
    calls = {str(number): change("Set-Thing", Chap=Credential("u", "p")) for number in range(MAX_SECRETS + 1)}
    with pytest.raises(HostError, match=f"at most {MAX_SECRETS} secrets") as caught:
        module_args(calls)
    assert SECRET not in str(caught.value)


def test_the_script_has_a_parameter_for_each_secret_and_stops_at_errors() -> None:
    arguments = module_args({})
    assert arguments["error_action"] == "stop"
    assert arguments["script"] == _driver.script()
    for number in range(1, MAX_SECRETS + 1):
        assert f"[object]$Secret{number}" in arguments["script"]
    assert f"$Secret{MAX_SECRETS + 1}" not in arguments["script"]


def test_the_script_is_plain_ascii() -> None:
    # Windows PowerShell reads a file without a byte order mark in the code page of the host (under WDAC it is a file).
    assert _driver.script().isascii()


ANSWERED = {
    "id": "a",
    "ok": False,
    "skipped": False,
    "error": {
        "type": "System.Management.Automation.ItemNotFoundException",
        "id": "PathNotFound",
        "message": "No.",
        "hresult": "0x80131501",
    },
    "data": [],
}


def test_decode() -> None:
    rows = [{"Name": "ü", "Size": 2**64 - 1, "Parts": [{"": "x"}], "None": None}]
    answer = [ANSWERED, {"id": "b", "ok": True, "skipped": True, "error": None, "data": rows}]
    sections = decode([json.dumps(answer)])
    assert list(sections) == ["a", "b"]
    assert sections["a"].error == Failure(**t.cast("dict[str, str]", ANSWERED["error"]))
    assert (sections["a"].ok, sections["a"].skipped, sections["a"].data) == (False, False, [])
    assert (sections["b"].ok, sections["b"].skipped, sections["b"].error) == (True, True, None)
    assert sections["b"].data == rows


def test_decode_takes_the_last_text() -> None:
    assert decode([{"a": 1}, "noise", "[]", 7]) == {}


@pytest.mark.parametrize(
    "output", [[], [7], ["noise"], ["{}1"], ["7"], ['["a"]'], ['[{"id": "a"}]'], ["null"]]
)
def test_decode_of_something_else(output: list[t.Any]) -> None:
    with pytest.raises(HostError, match="not the driver's"):
        decode(output)


@pytest.mark.parametrize(
    ("kind", "cmdlet", "item"),
    [
        ("System.Management.Automation.CommandNotFoundException", True, False),
        ("System.Management.Automation.ItemNotFoundException", False, True),
        ("System.UnauthorizedAccessException", False, False),
    ],
)
def test_what_is_missing(kind: str, cmdlet: bool, item: bool) -> None:
    failure = Failure(kind, "x", "y", "0x0")
    assert (failure.missing_cmdlet, failure.missing_item) == (cmdlet, item)


def test_an_error_without_all_its_parts() -> None:
    section = Section.from_dict({"ok": False, "error": {"type": None, "message": "x"}, "data": None})
    assert section.error == Failure("", "", "x", "")
    assert section.data == []


texts = st.text(max_size=5)
failures = st.builds(Failure, texts, texts, texts, texts)
scalars = st.none() | st.booleans() | st.integers(0, 2**64 - 1) | texts
sections_ = st.builds(
    Section,
    ok=st.booleans(),
    error=st.none() | failures,
    data=st.lists(st.dictionaries(texts, scalars | st.lists(scalars, max_size=2), max_size=3), max_size=3),
)


@given(sections_)
def test_a_section_survives_the_facts(section: Section) -> None:
    assert Section.from_dict(json.loads(json.dumps(section.as_dict()))) == section

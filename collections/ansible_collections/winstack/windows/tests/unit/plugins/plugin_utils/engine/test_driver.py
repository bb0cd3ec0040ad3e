# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol of the driver, its controller's side."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import driver as _driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import (
    MAX_SECRETS,
    Answer,
    Clock,
    Failure,
    Section,
    check_sendable,
    encode,
    module_args,
    needs_desktop,
    read,
    secrets_of,
    split,
    without_secrets,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError

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


def chap(number: int, username: str = "user") -> Call:
    """Return a change with a secret of its own."""
    return change("Set-Thing", Chap=Credential(f"{username}{number}", f"{SECRET}{number}"))


def test_secrets_travel_as_sensitive_parameters_only() -> None:
    calls = {f"step {number}": chap(number) for number in range(1, MAX_SECRETS + 1)}
    arguments = module_args(calls)
    assert arguments["sensitive_parameters"] == [
        {"name": f"Secret{number}", "username": f"user{number}", "password": f"{SECRET}{number}"}
        for number in range(1, MAX_SECRETS + 1)
    ]
    rest = {name: value for name, value in arguments.items() if name != "sensitive_parameters"}
    assert SECRET not in json.dumps(rest, ensure_ascii=False)
    assert [secret.password for secret in secrets_of(calls)] == [
        f"{SECRET}{number}" for number in range(1, MAX_SECRETS + 1)
    ]
    assert SECRET not in repr(encode(calls))


def test_one_secret_travels_once() -> None:
    arguments = module_args({"a": chap(1), "b": chap(1), "c": chap(2)})
    assert [secret["name"] for secret in arguments["sensitive_parameters"]] == ["Secret1", "Secret2"]
    calls = json.loads(arguments["parameters"]["Batch"])["calls"]
    assert [call["params"]["Chap"]["secret"] for call in calls] == ["Secret1", "Secret1", "Secret2"]


def test_a_secret_without_a_user_becomes_a_secure_string() -> None:
    arguments = module_args({"a": change("Set-Thing", Password=Credential("", SECRET))})
    assert arguments["sensitive_parameters"] == [{"name": "Secret1", "value": SECRET}]


def test_too_many_secrets_are_no_batch() -> None:
    calls = {str(number): chap(number) for number in range(MAX_SECRETS + 1)}
    with pytest.raises(CallError, match=f"takes {MAX_SECRETS} at most") as caught:
        module_args(calls)
    assert SECRET not in str(caught.value)


def test_more_secrets_than_one_batch_takes_are_divided_between_calls() -> None:
    calls = {f"step {number}": chap(number) for number in range(2 * MAX_SECRETS + 1)} | {"end": Call("Get-A")}
    parts = split(calls)
    assert [len(secrets_of(part)) for part in parts] == [MAX_SECRETS, MAX_SECRETS, 1]
    assert [name for part in parts for name in part] == list(calls)


def test_a_secret_that_is_used_often_counts_once() -> None:
    assert len(split({str(number): chap(1) for number in range(3 * MAX_SECRETS)})) == 1


def test_a_large_batch_is_divided() -> None:
    calls = {str(number): Call("Get-Thing", {"Name": "x" * 100_000}) for number in range(40)}
    parts = split(calls)
    assert len(parts) == 3
    assert [name for part in parts for name in part] == list(calls)
    # What Windows PowerShell 5.1 reads at most.
    assert all(len(encode(part).text) < 2_097_152 for part in parts)


def test_no_call_is_a_batch_too() -> None:
    assert split({}) == [{}]


@pytest.mark.parametrize(
    ("cmdlets", "desktop"),
    [
        ((), False),
        (("Get-Service",), False),
        (("Get-Service", "Get-IscsiVirtualDisk"), True),
        (("Start-Program",), False),
    ],
)
def test_which_batch_needs_windows_powershell(cmdlets: tuple[str, ...], desktop: bool) -> None:
    calls = {cmdlet: Call(cmdlet) for cmdlet in cmdlets}
    assert needs_desktop(calls) is desktop
    assert json.loads(encode(calls).text)["desktop"] is desktop
    assert json.loads(encode(calls, desktop=True).text)["desktop"] is True


UNSENDABLE: dict[str, tuple[Call, str]] = {
    "a long secret": (
        change("Set-Thing", Chap=Credential("u", "x" * 65_537)),
        "The secret for Set-Thing has 65,537 characters. Windows takes 65,536 at most.",
    ),
    "a long secret of wide characters": (
        change("Set-Thing", Chap=Credential("u", "\U0001f600" * 32_769)),
        "has 65,538 characters",
    ),
    "a NUL": (
        change("Set-Thing", Chap=Credential("u", "topsecret\0x")),
        "has a NUL character, where Windows would end it. Remove the character.",
    ),
    "a long parameter": (Call("Get-Thing", {"Name": "x" * 1_500_001}), "Parameters of Get-Thing are longer"),
    "a program without extension": (
        Call("Start-Program", {"FilePath": "sc"}),
        "Program sc has no .exe at its end.",
    ),
    "an argument with quotes": (
        Call("Start-Program", {"FilePath": "sc.exe", "ArgumentList": ("query", 'a "b"')}),
        "would not reach it unchanged",
    ),
    "an empty argument": (
        Call("Start-Program", {"FilePath": "sc.exe", "ArgumentList": ("",)}),
        "Argument '' of sc.exe",
    ),
    "a backslash behind blanks": (
        Call("Start-Program", {"FilePath": "x.exe", "ArgumentList": ("C:\\Program Files\\",)}),
        "would not reach it unchanged",
    ),
    "a mark of PowerShell": (
        Call("Start-Program", {"FilePath": "x.exe", "ArgumentList": "--%"}),
        "would not reach it unchanged",
    ),
}


@pytest.mark.parametrize(("call", "message"), UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_what_would_not_arrive_is_refused(call: Call, message: str) -> None:
    with pytest.raises(CallError, match=re.escape(message)) as caught:
        check_sendable({"one": Call("Get-Service"), "two": call})
    assert "topsecret" not in str(caught.value)


SENDABLE: dict[str, Call] = {
    "a secret of the greatest length": change("Set-Thing", Chap=Credential("u", "x" * 65_536)),
    "no arguments": Call("Start-Program", {"FilePath": "WHOAMI.EXE"}),
    "arguments": Call(
        "Start-Program",
        {"FilePath": "C:\\Windows\\System32\\sc.exe", "ArgumentList": ("a b", "C:\\", "--", "it's", "%x%")},
    ),
    "one argument": Call("Start-Program", {"FilePath": "sc.exe", "ArgumentList": "query"}),
}


@pytest.mark.parametrize("call", SENDABLE.values(), ids=SENDABLE.keys())
def test_what_arrives_is_taken(call: Call) -> None:
    check_sendable({"one": call})


def test_masking_takes_the_longer_secret_first() -> None:
    secrets = [Credential("a", "horse"), Credential("b", "horse battery"), Credential("c", "")]
    assert without_secrets("my horse battery, your horse", secrets) == "my ********, your ********"


def test_the_script_has_a_parameter_for_each_secret_and_stops_at_errors() -> None:
    arguments = module_args({})
    assert arguments["error_action"] == "stop"
    assert arguments["script"] == _driver.script()
    head = arguments["script"].partition("\n)\n")[0]
    assert re.findall(r"\$Secret(\d+)\b", head) == [str(number) for number in range(1, MAX_SECRETS + 1)]


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


ASKED = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)


def told(*sections: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """Return what the driver answers."""
    times = {"began": "2026-01-02T03:04:01.1234567Z", "ended": "2026-01-02T03:04:02.0000000Z"}
    return {**times, "edition": "Desktop", "sections": list(sections)} | more


def test_an_answer() -> None:
    rows = [{"Name": "ü", "Size": 2**64 - 1, "Parts": [{"": "x"}], "None": None}]
    more = {"id": "b", "ok": True, "skipped": True, "error": None, "data": rows}
    answer = read(told(ANSWERED, more), ASKED, ASKED + timedelta(seconds=3))
    assert list(answer.sections) == ["a", "b"]
    first, second = answer.sections.values()
    assert first.error == Failure(**t.cast("dict[str, str]", ANSWERED["error"]))
    assert (first.ok, first.skipped, first.data) == (False, False, [])
    assert (second.ok, second.skipped, second.error) == (True, True, None)
    assert second.data == rows
    assert answer.edition == "Desktop"
    assert (answer.began, answer.ended) == (
        datetime(2026, 1, 2, 3, 4, 1, 123456, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 2, tzinfo=UTC),
    )
    assert (answer.asked, answer.answered) == (ASKED, ASKED + timedelta(seconds=3))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        [],
        "noise",
        {},
        told("a"),  # type: ignore[arg-type]
        told({"id": "a"}),
        told(began="yesterday"),
        told(ended=None),
    ],
)
def test_an_answer_of_something_else(answer: t.Any) -> None:
    with pytest.raises(ValueError, match="began, ended, edition and sections was expected"):
        read(answer, ASKED, ASKED)


def at(asked: float, began: float, ended: float, answered: float) -> Clock:
    """Return the clock of an answer; all times are seconds."""
    times = [ASKED + timedelta(seconds=seconds) for seconds in (began, ended, asked, answered)]
    return Answer({}, "Desktop", *times).clock


@pytest.mark.parametrize(
    ("times", "offset", "uncertainty"),
    [
        ((0, 0, 0, 0), 0, 0),
        ((0, 1, 2, 3), 0, 1),
        ((0, 31, 32, 3), 30, 1),
        ((0, -59, -58, 3), -60, 1),
        # Two seconds to begin, none to come back.
        ((0, 2, 3, 3), 1, 1),
        # The host's clock was set by five seconds in between: the end alone counts.
        ((0, 1, 7, 3), 5.5, 1.5),
        ((0, 1, -3, 3), -4.5, 1.5),
    ],
)
def test_the_clock(times: tuple[float, float, float, float], offset: float, uncertainty: float) -> None:
    assert at(*times) == Clock(offset, uncertainty)


@given(
    offset=st.integers(-100_000, 100_000),
    there=st.floats(0, 60),
    work=st.floats(0, 600),
    back=st.floats(0, 60),
)
def test_the_clock_is_off_by_no_more_than_is_told(
    offset: int, there: float, work: float, back: float
) -> None:
    clock = at(0, offset + there, offset + there + work, there + work + back)
    assert abs(clock.offset_seconds - offset) <= clock.uncertainty_seconds + 0.001


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

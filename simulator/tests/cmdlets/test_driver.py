# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of the driver script."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from winsim.cmdlets import CmdletError, Credential, Enum, PSObject
from winsim.cmdlets.objects import to_text
from winsim.driver import REVIEWED, digest, is_driver, row, run_batch, scalar
from winsim.host import Host


@pytest.fixture
def host() -> Host:
    return Host.standard(features={"installed": ["FS-iSCSITarget-Server"]})


class Runner:
    """Runs batches and keeps what was noted."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.notes: list[dict[str, Any]] = []
        self.told: dict[str, Any] = {}

    def __call__(
        self, *calls: dict[str, Any], check_mode: bool = False, desktop: bool = False, **secrets: Any
    ) -> tuple[list[dict[str, Any]], bool]:
        batch = {
            "desktop": desktop,
            "calls": [{"id": str(index), **item} for index, item in enumerate(calls)],
        }
        output, changed = run_batch(
            self.host,
            {"BATCH": json.dumps(batch)},
            secrets,
            check_mode=check_mode,
            note=self.notes.append,
        )
        (text,) = output
        self.told = json.loads(text)
        return self.told["sections"], changed


@pytest.fixture
def run(host: Host) -> Runner:
    return Runner(host)


def new_disk(path: str) -> dict[str, Any]:
    return {
        "cmdlet": "New-IscsiVirtualDisk",
        "params": {"Path": f"={path}", "SizeBytes": 2**30},
        "change": True,
    }


TARGETS = {
    "cmdlet": "Get-IscsiServerTarget",
    "params": {},
    "select": ["TargetName", ["InitiatorIds", "", "Method"]],
}


def test_known_text() -> None:
    assert REVIEWED
    assert not is_driver("Get-Date")
    assert all(len(key) == 64 for key in REVIEWED)
    assert digest("a\r\nb \r\n") == digest("\na\nb")


def test_reading(run: Runner) -> None:
    (first, second), changed = run(
        {
            "cmdlet": "Get-CimInstance",
            "params": {"ClassName": "=Win32_OperatingSystem"},
            "select": ["Version", "No"],
        },
        {"cmdlet": "Get-Item", "params": {"LiteralPath": "=C:\\none"}, "select": ["FullName"]},
    )
    assert not changed
    assert first == {
        "id": "0",
        "ok": True,
        "skipped": False,
        "error": None,
        "data": [{"Version": "10.0.20348", "No": None}],
    }
    assert (second["ok"], second["data"]) == (False, [])
    assert second["error"] == {
        "type": "System.Management.Automation.ItemNotFoundException",
        "id": "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
        "message": "Cannot find path 'C:\\none' because it does not exist.",
        "hresult": "0x80131501",
    }


def test_changing(run: Runner) -> None:
    sections, changed = run(
        {
            "cmdlet": "New-IscsiServerTarget",
            "params": {"TargetName": "=t1", "InitiatorIds": ["=IQN:*"]},
            "select": [],
            "change": True,
        },
        TARGETS,
        {"cmdlet": "Remove-IscsiServerTarget", "params": {"TargetName": "=t2"}, "change": True},
        {"cmdlet": "Remove-IscsiServerTarget", "params": {"TargetName": "=t1"}, "change": True},
        TARGETS,
    )
    assert changed
    assert [(s["ok"], s["skipped"]) for s in sections] == [
        (True, False),
        (True, False),
        (False, False),
        (True, True),
        (True, False),
    ]
    assert sections[0]["data"] == []
    assert sections[4]["data"] == [{"TargetName": "t1", "InitiatorIds": [{"": "Iqn:*", "Method": "Iqn"}]}]
    assert [(note["cmdlet"], note["change"], note["ok"]) for note in run.notes] == [
        ("New-IscsiServerTarget", True, True),
        ("Get-IscsiServerTarget", False, True),
        ("Remove-IscsiServerTarget", True, False),
        ("Get-IscsiServerTarget", False, True),
    ]


def test_check_mode(run: Runner) -> None:
    sections, changed = run(new_disk("D:\\a.vhdx"), TARGETS, check_mode=True)
    assert not changed
    assert [s["skipped"] for s in sections] == [True, False]
    assert not run.host.files.exists("D:\\a.vhdx")


def test_secrets(run: Runner) -> None:
    run({"cmdlet": "New-IscsiServerTarget", "params": {"TargetName": "=t"}, "change": True})
    call = {
        "cmdlet": "Set-IscsiServerTarget",
        "params": {"TargetName": "=t", "EnableChap": True, "Chap": {"secret": "Secret1"}},
        "change": True,
    }
    (section,), _ = run(call, secret1=Credential("user", "secretsecret"))
    assert section["ok"]
    assert run.host.iscsi.target("t").chap.username == "user"
    assert run.notes[-1]["params"] == {"TargetName": "t", "EnableChap": True, "Chap": "********"}
    (section,), _ = run(call, Secret1="only text")
    assert "SecureString" in section["error"]["message"]
    assert run(call)[0][0]["ok"]  # a missing secret is $null, and a null credential changes nothing


def test_empty_text(run: Runner) -> None:
    (section,), changed = run({"cmdlet": "Remove-Item", "params": {"LiteralPath": ""}, "change": True})
    assert section["error"]["id"] == "ArgumentOutOfRangeException"
    assert not changed  # the cmdlet was never reached


def test_select_of_nothing(run: Runner) -> None:
    sections, _ = run(
        {"cmdlet": "Get-Date", "params": {}},
        {"cmdlet": "Get-Date", "params": {}, "select": []},
        {"cmdlet": "Test-Path", "params": {"LiteralPath": "=C:\\"}, "select": [""]},
    )
    assert [section["data"] for section in sections] == [[{}], [], [{"": True}]]


def test_no_calls(run: Runner) -> None:
    assert run() == ([], False)


def test_times_and_edition(run: Runner) -> None:
    run.host.clock.offset = 3600
    run({"cmdlet": "Get-Date", "params": {}})
    began, ended = (datetime.fromisoformat(run.told[name][:26] + "+00:00") for name in ("began", "ended"))
    assert timedelta(minutes=59) < began - datetime.now(UTC) < timedelta(minutes=61)
    assert began <= ended
    assert run.told["edition"] == "Desktop"


@pytest.mark.parametrize(("edition", "count"), [("Desktop", 1), ("Core", 0)])
def test_a_batch_that_needs_windows_powershell(run: Runner, edition: str, count: int) -> None:
    run.host.ps_edition = edition
    sections, changed = run(new_disk("D:\\a.vhdx"), desktop=True)
    assert (len(sections), changed, run.told["edition"]) == (count, bool(count), edition)
    assert len(run(TARGETS)[0]) == 1


def test_faults(run: Runner) -> None:
    class Faults:
        def cmdlet_error(self, name: str) -> Exception | None:
            return CmdletError("A.B", "C", "no", -2147024891) if name == "Get-IscsiServerTarget" else None

    run.host.faults = Faults()  # type: ignore[assignment]
    (section, other), _ = run(TARGETS, {"cmdlet": "Get-IscsiVirtualDisk"})
    assert section["error"] == {"type": "A.B", "id": "C", "message": "no", "hresult": "0x80070005"}
    assert other["ok"]


def test_pattern(run: Runner) -> None:
    run.host.registry.set("HKLM:\\SOFTWARE\\T", "one", "a|Group=X|b")
    run.host.registry.set("HKLM:\\SOFTWARE\\T", "two", "a|Group=Y|b")
    (section,), _ = run(
        {
            "cmdlet": "Get-ItemProperty",
            "params": {"LiteralPath": "=HKLM:\\SOFTWARE\\T"},
            "select": [["*", "*|group=x|*"]],
        }
    )
    assert section["data"] == [{"*": {"one": "a|Group=X|b"}}]


WHEN = datetime(2024, 3, 1, 12, 30, 0, 500, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (2**63, 2**63),
        ("x", "x"),
        (Enum("Fixed"), "Fixed"),
        (WHEN, "2024-03-01T12:30:00.0005000Z"),
        (WHEN.astimezone(timezone(timedelta(hours=2))), "2024-03-01T12:30:00.0005000Z"),
        (timedelta(minutes=1), 60.0),
        (PSObject("A.B", {}), "A.B"),
        (PSObject("A.B", {}, "text"), "text"),
    ],
)
def test_scalar(value: Any, wanted: Any) -> None:
    assert scalar(value) == wanted


THING = PSObject(
    "A.B", {"One": 1, "List": [Enum("X"), 2], "None": None, "Inner": PSObject("C", {"Name": "n"}, "c")}
)


@pytest.mark.parametrize(
    ("thing", "select", "wanted"),
    [
        (THING, ["one", "List", "None"], {"one": 1, "List": ["X", 2], "None": None}),
        (THING, ["", "Inner"], {"": "A.B", "Inner": "c"}),
        (THING, [["Inner", "Name", ""]], {"Inner": [{"Name": "n", "": "c"}]}),
        (THING, [["None", "Name"], ["Bogus", "Name"]], {"None": [], "Bogus": []}),
        (THING, [["List", ""]], {"List": [{"": "X"}, {"": 2}]}),
        (True, [""], {"": True}),
        ("text", ["", "Length"], {"": "text", "Length": 4}),
        (THING, ["Length", "Count"], {"Length": None, "Count": None}),
        ("text", [["*", "*"]], {"*": {}}),
    ],
)
def test_row(thing: Any, select: list[Any], wanted: dict[str, Any]) -> None:
    assert row(thing, select) == wanted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (WHEN, "03/01/2024 12:30:00"),
        (timedelta(days=1, seconds=61), "1.00:01:01"),
        (timedelta(0), "00:00:00"),
        (["a", 1, None], "a 1 "),
        ({"a": 1}, "System.Collections.Hashtable"),
        (5, "5"),
    ],
)
def test_to_text(value: Any, text: str) -> None:
    assert to_text(value) == text

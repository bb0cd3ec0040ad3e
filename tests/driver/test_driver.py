# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver in a real PowerShell, where there is one, and the cases themselves everywhere."""

from __future__ import annotations

import copy
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("driver_harness", Path(__file__).with_name("run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HARNESS: Any = _load()
CASES: list[dict[str, Any]] = HARNESS.load()
PWSH = shutil.which("pwsh")


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Give what a real PowerShell answered to all cases."""
    assert PWSH is not None
    ran: dict[str, Any] = HARNESS.run(CASES, PWSH)
    return ran


@pytest.mark.skipif(PWSH is None, reason=HARNESS.SKIPPED)
@pytest.mark.parametrize("case", CASES if PWSH else [{"name": "all cases"}], ids=lambda case: case["name"])
def test_driver_in_powershell(case: dict[str, Any], answers: dict[str, Any]) -> None:
    assert HARNESS.faults(case, answers[case["name"]]) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case_is_whole(case: dict[str, Any]) -> None:
    assert set(case) == {"name", "calls", "sections", "secrets", "check_mode", "changed", "seen"}
    assert [call["id"] for call in case["calls"]] == [section["id"] for section in case["sections"]]
    for call in case["calls"]:
        assert set(call) <= {"id", "cmdlet", "params", "select", "change"}
        assert all(
            value.startswith("=") for value in call.get("params", {}).values() if isinstance(value, str)
        )
    for section in HARNESS.sections(case):
        assert set(section) == {"id", "ok", "skipped", "error", "data"}
        assert (section["error"] is None) == section["ok"]
    assert len(json.loads(HARNESS.batch(case))["calls"]) == len(case["calls"])


def test_names_of_cases_are_their_own() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)


def test_every_fake_cmdlet_is_used() -> None:
    module = Path(__file__).with_name("FakeCmdlets.psm1").read_text(encoding="ascii")
    defined = {line.split()[1] for line in module.splitlines() if line.startswith("function ")}
    assert defined <= {call["cmdlet"] for case in CASES for call in case["calls"]}


def answered(case: dict[str, Any]) -> dict[str, Any]:
    """Give the answer of a driver that does all as wanted."""
    text = json.dumps({"sections": HARNESS.sections(case)}, ensure_ascii=False)
    return {
        "failure": None,
        "output": [text],
        "types": ["System.String"],
        "changed": case["changed"],
        "seen": case["seen"],
    }


CASE: dict[str, Any] = {
    "name": "x",
    "calls": [{"id": "a", "cmdlet": "Get-A"}],
    "sections": [{"id": "a", "data": [{"Size": 90, "On": True, "List": ["a"], "Text": None}]}],
    "secrets": [{"name": "Secret1", "password": 'pass "word"'}],
    "check_mode": False,
    "changed": False,
    "seen": [],
}


def test_the_harness_finds_no_fault_where_there_is_none() -> None:
    answer = answered(CASE)
    assert HARNESS.faults(CASE, answer) == []
    answer["output"] = [answer["output"][0].replace("90", "90.0")]
    assert HARNESS.faults(CASE, answer) == []


def _data(**change: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(answer: dict[str, Any]) -> None:
        told = json.loads(answer["output"][0])
        told["sections"][0]["data"][0].update(change)
        answer["output"] = [json.dumps(told)]

    return spoil


SPOILED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "failure": lambda answer: answer.update(failure="It broke."),
    "nothing": lambda answer: answer.update(output=[], types=[]),
    "two strings": lambda answer: answer.update(output=["[]", "[]"], types=["System.String"] * 2),
    "an object": lambda answer: answer.update(types=["System.Int32"]),
    "changed": lambda answer: answer.update(changed=True),
    "seen": lambda answer: answer.update(seen=["Get-A"]),
    "a value": _data(Size=91),
    "a number for a truth": _data(On=1),
    "a scalar for a list": _data(List="a"),
    "a longer list": _data(List=["a", "b"]),
    "a text for null": _data(Text=""),
    "a property more": _data(More=None),
    "a secret": _data(Text='the pass "word" is this'),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_the_harness_finds_the_fault(spoil: Callable[[dict[str, Any]], Any]) -> None:
    answer = copy.deepcopy(answered(CASE))
    spoil(answer)
    assert HARNESS.faults(CASE, answer) != []


@pytest.mark.parametrize(("got", "faults"), [("System.Int64", 0), ("System.String", 1), (None, 1)])
def test_a_pattern(got: Any, faults: int) -> None:
    assert len(list(HARNESS._differences("x", {"regex": "^System.Int(32|64)$"}, got))) == faults


def test_without_powershell_the_runner_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert HARNESS.main([]) == 0
    assert capsys.readouterr().out == f"skipped: {HARNESS.SKIPPED}\n"


def test_the_runner_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(cases: list[dict[str, Any]], pwsh: str) -> dict[str, Any]:
        return {
            case["name"]: answered(case) | {"failure": None if pwsh == "good" else "no"} for case in cases
        }

    monkeypatch.setattr(HARNESS, "load", lambda: [CASE])
    monkeypatch.setattr(HARNESS, "run", run)
    assert HARNESS.main(["--pwsh", "good"]) == 0
    assert HARNESS.main(["--pwsh", "bad"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "passed  x",
        "1 passed, 0 failed",
        "FAILED  x",
        "        the driver failed: no",
        "0 passed, 1 failed",
    ]


FAKE_PWSH = """#!{python}
import json, sys
given = dict(zip(sys.argv[-8::2], sys.argv[-7::2], strict=True))
cases = json.load(open(given["-CasesPath"]))["cases"]
answers = [{{"name": case["name"], "batch": case["batch"]}} for case in cases]
{end}
"""


@pytest.mark.parametrize(
    ("end", "works"),
    [
        ('json.dump(answers, open(given["-AnswersPath"], "w"))', True),
        ("print('no such file'); sys.exit(3)", False),
        ("pass", False),
    ],
)
def test_the_harness_hands_cases_over_and_takes_answers(tmp_path: Path, end: str, works: bool) -> None:
    pwsh = tmp_path / "pwsh"
    pwsh.write_text(FAKE_PWSH.format(python=sys.executable, end=end), encoding="utf-8")
    pwsh.chmod(0o755)
    if works:
        assert HARNESS.run([CASE], str(pwsh)) == {"x": {"name": "x", "batch": HARNESS.batch(CASE)}}
    else:
        with pytest.raises(RuntimeError, match="ended with"):
            HARNESS.run([CASE], str(pwsh))

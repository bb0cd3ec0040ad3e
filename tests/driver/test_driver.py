# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases of the driver themselves, and the harness that judges the answers. test_powershell.py runs the cases."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import driver_cases
import driver_ways
import pytest
import run as runner
from driver_cases import batch, differences, faults, load, sections

CASES: list[dict[str, Any]] = load()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case_is_whole(case: dict[str, Any]) -> None:
    keys = {"name", "calls", "sections", "secrets", "check_mode", "changed", "seen", "constrained"}
    assert set(case) == keys
    for wanted in filter(None, (case["sections"], case["constrained"])):
        assert [call["id"] for call in case["calls"]] == [section["id"] for section in wanted]
    for call in case["calls"]:
        assert set(call) <= {"id", "cmdlet", "params", "select", "change"}
        assert all(
            value.startswith("=") for value in call.get("params", {}).values() if isinstance(value, str)
        )
    for section in sections(case):
        assert set(section) == {"id", "ok", "skipped", "error", "data"}
        assert (section["error"] is None) == section["ok"]
    assert len(json.loads(batch(case))["calls"]) == len(case["calls"])


def test_names_of_cases_are_their_own() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)


def test_every_fake_cmdlet_is_used() -> None:
    module = Path(__file__).with_name("FakeCmdlets.psm1").read_text(encoding="ascii")
    defined = {
        line.split()[1] for line in module.splitlines() if line.startswith("function ") and "(" not in line
    }
    exported = Path(__file__).with_name("FakeCmdlets.psd1").read_text(encoding="ascii")
    assert defined == set(re.findall(r"'(\w+-\w+)'", exported))
    used = {call["cmdlet"] for case in CASES for call in case["calls"]}
    tests = Path(__file__).with_name("test_powershell.py").read_text(encoding="utf-8")
    behind = {"Get-FakeCall", "Get-ItemProperty"}
    assert {name for name in defined - used - behind if f'"{name}"' not in tests} == set()


def answered(case: dict[str, Any]) -> dict[str, Any]:
    """Give the answer of a driver that does all as wanted."""
    text = json.dumps({"sections": sections(case)}, ensure_ascii=False)
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
    "constrained": None,
}


def test_the_harness_finds_no_fault_where_there_is_none() -> None:
    answer = answered(CASE)
    assert faults(CASE, answer) == []
    answer["output"] = [answer["output"][0].replace("90", "90.0")]
    assert faults(CASE, answer) == []


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
    assert faults(CASE, answer) != []


@pytest.mark.parametrize(("got", "count"), [("System.Int64", 0), ("System.String", 1), (None, 1)])
def test_a_pattern(got: Any, count: int) -> None:
    assert len(list(differences("x", {"regex": "^System.Int(32|64)$"}, got))) == count


def test_constrained_language_may_want_something_else() -> None:
    case = CASE | {"constrained": [{"id": "a", "data": []}]}
    answer = answered(CASE)
    assert faults(case, answer) == []
    assert faults(case, answer, constrained=True) != []


def test_without_powershell_the_runner_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "find_pwsh", lambda: None)
    assert runner.main([]) == 0
    assert capsys.readouterr().out == f"skipped: {driver_ways.SKIPPED}\n"


@pytest.mark.parametrize("place", ["PATH", "WINSTACK_PWSH", "program", "beside"])
def test_where_powershell_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "shared/tools/pwsh"
    folder.mkdir(parents=True)
    monkeypatch.setattr(driver_ways, "ROOT", tmp_path / "checkout")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WINSTACK_PWSH", raising=False)
    assert driver_ways.find_pwsh() is None
    (folder / "pwsh").touch(mode=0o755)
    if place != "beside":
        monkeypatch.setattr(driver_ways, "ROOT", Path("/nowhere/checkout"))
        variable = "PATH" if place == "PATH" else "WINSTACK_PWSH"
        monkeypatch.setenv(variable, str(folder / "pwsh" if place == "program" else folder))
    assert driver_ways.find_pwsh() == str(folder / "pwsh")


def test_the_runner_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def way(stage: driver_ways.Stage, cases: list[dict[str, Any]]) -> dict[str, Any]:
        failure = None if stage.pwsh == "good" else "no"
        return {case["name"]: answered(case) | {"failure": failure} for case in cases}

    monkeypatch.setattr(runner, "load", lambda: [CASE])
    monkeypatch.setattr(runner, "WAYS", {"one": way, "two": way})
    assert runner.main(["--pwsh", "good"]) == 0
    assert runner.main(["--pwsh", "bad", "--way", "two"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "one: 1 passed, 0 failed",
        "two: 1 passed, 0 failed",
        "FAILED  two: x",
        "        the driver failed: no",
        "two: 0 passed, 1 failed",
    ]


FAKE_PWSH = """#!{python}
import json, sys
given = dict(zip(sys.argv[8::2], sys.argv[9::2], strict=True))
cases = json.load(open(given["-AskedPath"]))["cases"]
answers = [{{"name": case["name"], "batch": case["batch"]}} for case in cases]
{end}
"""


@pytest.mark.parametrize(
    ("end", "works"),
    [
        ('json.dump(answers, open(given["-AnsweredPath"], "w"))', True),
        ("print('no such file'); sys.exit(3)", False),
        ("pass", False),
    ],
)
def test_the_harness_hands_cases_over_and_takes_answers(tmp_path: Path, end: str, works: bool) -> None:
    pwsh = tmp_path / "pwsh"
    pwsh.write_text(FAKE_PWSH.format(python=sys.executable, end=end), encoding="utf-8")
    pwsh.chmod(0o755)
    stage = driver_ways.Stage(str(pwsh), tmp_path)
    if works:
        assert driver_ways.by_script(stage, [CASE]) == {"x": {"name": "x", "batch": batch(CASE)}}
    else:
        with pytest.raises(RuntimeError, match="ended with"):
            driver_ways.by_script(stage, [CASE])


def test_an_answer_without_a_line_is_a_failure() -> None:
    answer = driver_ways.as_answer(CASE, "Access is denied.")
    assert driver_cases.faults(CASE, answer) == ["the driver failed: no answer in 'Access is denied.'"]

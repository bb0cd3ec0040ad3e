# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver and its way to a host in a real PowerShell.

All cases run by the ways that need one process for all of them. By the ways that need a process a case a choice of them
runs here, and all of them in the tests marked ``full``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import driver_logs
import pytest
from driver_cases import Case, faults, load, sections
from driver_ways import (
    ENGINE,
    NONCE,
    SKIPPED,
    WAYS,
    Stage,
    as_answer,
    bootstrap,
    by_ansible,
    by_runspace,
    direct,
    find_pwsh,
    in_runspaces,
    is_constrained,
    lines_of,
    no_module_way,
    standard_input,
)

CASES = load()
CASE = {case["name"]: case for case in CASES}
# One of each kind of thing, for the ways that cost a process a case.
CHOICE = (
    "values: what has a text of its own",
    "arguments: characters of all lands",
    "changes: after a change that failed none is made, and questions are answered",
    "changes: check mode makes no change and answers questions",
    "secrets: secrets go where they belong",
    "secrets: a secret in an error is masked",
    "programs: a program that fails is no error, and what it says to its error output is text",
    "registry: values as they are stored",
)
pytestmark = pytest.mark.skipif(find_pwsh() is None, reason=SKIPPED)


def case(*calls: dict[str, Any], **more: Any) -> Case:
    """Return a case of a test's own; what it wants back is the test's business."""
    named = [{"id": str(number), **call} for number, call in enumerate(calls)]
    return {"name": "x", "secrets": [], "check_mode": False, "seen": [], "calls": named, **more}


def answers(stage: Stage, *cases: Case, **options: Any) -> list[dict[str, Any]]:
    """Return the driver's answers, of cases with names of their own."""
    named = [one | {"name": str(number)} for number, one in enumerate(cases)]
    found = by_runspace(stage, named, **options)
    assert [answer["failure"] for answer in found.values()] == [None] * len(cases)
    return [json.loads(answer["output"][0]) for answer in found.values()]


# The cases ----------------------------------------------------------------------------------------------------

AT_ONCE = ("script", "runspace", "constrained-runspace")
ONE_BY_ONE = ("direct", "constrained", "noise")
_ANSWERS: dict[str, dict[str, Any]] = {}


@pytest.mark.parametrize("name", CASE)
@pytest.mark.parametrize("way", AT_ONCE)
def test_case(stage: Stage, way: str, name: str) -> None:
    if way not in _ANSWERS:
        _ANSWERS[way] = WAYS[way](stage, CASES)
    assert faults(CASE[name], _ANSWERS[way][name], constrained=is_constrained(way)) == []


def run_cases(stage: Stage, way: str, cases: Sequence[Case]) -> None:
    found = WAYS[way](stage, cases)
    wrong = {one["name"]: faults(one, found[one["name"]], constrained=is_constrained(way)) for one in cases}
    assert {name: told for name, told in wrong.items() if told} == {}


@pytest.mark.parametrize("way", ONE_BY_ONE)
def test_some_cases_one_by_one(stage: Stage, way: str) -> None:
    run_cases(stage, way, [CASE[name] for name in CHOICE])


@pytest.mark.full
@pytest.mark.parametrize("way", ONE_BY_ONE)
def test_all_cases_one_by_one(stage: Stage, way: str) -> None:
    run_cases(stage, way, CASES)


def run_ansible(stage: Stage, way: str, names: Sequence[str]) -> None:
    if not Path(sys.executable).with_name("ansible-playbook").exists():
        pytest.skip("ansible-playbook is not beside this Python")
    if way == "module" and (reason := no_module_way()):
        pytest.skip(reason)
    only = "|".join(f"^{re.escape(name)}$" for name in names)
    done = by_ansible(stage, way, only=only)
    assert f"{len(names)} passed, 0 failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("way", "count"), [("direct", 8), ("module", 3)])
def test_some_cases_by_ansible(stage: Stage, way: str, count: int) -> None:
    run_ansible(stage, way, CHOICE[-count:])


@pytest.mark.full
@pytest.mark.timeout(1600)
@pytest.mark.parametrize("way", ["direct", "module"])
def test_all_cases_by_ansible(stage: Stage, way: str) -> None:
    run_ansible(stage, way, list(CASE))


# The answer ---------------------------------------------------------------------------------------------------


def test_times_and_edition(stage: Stage) -> None:
    before = datetime.now(UTC)
    [told] = answers(stage, case({"cmdlet": "Get-FakeState"}))
    began, ended = (datetime.fromisoformat(told[name][:26] + "+00:00") for name in ("began", "ended"))
    assert before - timedelta(seconds=0.1) <= began <= ended <= datetime.now(UTC)
    assert told["edition"] in ("Core", "Desktop")


def test_a_batch_for_windows_powershell_is_refused_as_a_whole_in_powershell_7(stage: Stage) -> None:
    change = {"cmdlet": "Set-FakeState", "params": {"State": "=a"}, "change": True}
    lines = lines_of(standard_input(case(change, {"cmdlet": "Get-FakeState"})))
    lines[-2] = lines[-2].replace('"desktop":false', '"desktop":true')
    lines[0] = head(lines)
    [output] = in_runspaces(stage, [lines])
    reply = direct.reply(NONCE, output[0])
    core = reply.answer["edition"] == "Core"
    assert (reply.changed, reply.fault) == (not core, None)
    # The last one tells what the fake cmdlets were asked for.
    assert len(reply.answer["sections"]) == (0 if core else 3)


def head(lines: Sequence[str]) -> str:
    """Return the first line of an input with the right length."""
    return " ".join([*lines[0].split(" ")[:4], str(sum(map(len, lines[1:])))])


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1203])
def test_rows_are_all_there_and_in_order(stage: Stage, count: int) -> None:
    call = {"cmdlet": "Get-FakeRow", "params": {"Count": count}, "select": ["Number"]}
    [told] = answers(stage, case(call))
    assert [row["Number"] for row in told["sections"][0]["data"]] == list(range(count))


def test_a_large_answer(stage: Stage) -> None:
    call = {"cmdlet": "Get-FakeRow", "params": {"Count": 1000, "Width": 3000}, "select": ["Number", "Text"]}
    [told] = answers(stage, case(call, {"cmdlet": "Get-FakeState", "select": ["State"]}))
    assert len(told["sections"][0]["data"]) == 1000
    assert {len(row["Text"]) for row in told["sections"][0]["data"]} == {3000}
    assert told["sections"][1]["data"] == [{"State": "untouched"}]


def test_warnings_are_told_without_secrets(stage: Stage) -> None:
    leak = CASE["secrets: a secret in an error is masked"]
    for constrained in (False, True):
        [answer] = by_runspace(stage, [leak], constrained=constrained).values()
        assert answer["warnings"] == ["Odd: ********.", "Odd: ********."]


# What was set before, as far as a script of the session can: the driver's answers are the same.
SETTINGS = """
Set-StrictMode -Version Latest
$global:WhatIfPreference = $WhatIfPreference = $true
$global:ConfirmPreference = $ConfirmPreference = 'Low'
$global:ErrorActionPreference = 'SilentlyContinue'
$WarningPreference = $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
$global:OFS = $OFS = '-'
$global:PSDefaultParameterValues = @{ '*:ErrorAction' = 'Ignore'; 'ConvertTo-Json:Depth' = 1 }
$PSNativeCommandUseErrorActionPreference = $true
$OutputEncoding = [System.Text.Encoding]::Unicode
$Batch = $Secret1 = $Hidden = $Ansible = $changed = $stopped = $sections = 'set before'
"""


def test_settings_of_the_session_do_not_matter(stage: Stage) -> None:
    found = by_runspace(stage, CASES, before=SETTINGS.lstrip())
    wrong = {one["name"]: faults(one, found[one["name"]]) for one in CASES}
    assert {name: told for name, told in wrong.items() if told} == {}


@pytest.mark.parametrize("locale", ["C", "de_DE.ISO-8859-1", "ja_JP.SJIS"])
def test_the_answer_is_ascii_in_every_locale(stage: Stage, locale: str) -> None:
    one = CASE["arguments: characters of all lands"]
    done = stage.run(standard_input(one), env=stage.environment | {"LC_ALL": locale, "LANG": locale})
    assert (done.returncode, done.stdout.isascii(), done.stderr) == (0, True, b"")
    assert faults(one, as_answer(one, done.stdout.decode())) == []


def test_nothing_is_left_on_the_disk(stage: Stage, tmp_path: Path) -> None:
    # PowerShell itself keeps caches in the home folder.
    homes = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    environment = stage.environment | homes
    assert stage.run(standard_input(case()), env=environment).returncode == 0
    before = sorted(tmp_path.rglob("*"))
    one = CASE["secrets: a credential arrives and is not given back"]
    assert stage.run(standard_input(one), env=environment).returncode == 0
    assert sorted(tmp_path.rglob("*")) == before
    assert list((tmp_path / "tmp").iterdir()) == []


# The environment, programs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("constrained", [False, True])
def test_the_environment_is_set(stage: Stage, constrained: bool) -> None:
    names = ("WINSTACK_ONE", "WINSTACK_TWO", "WINSTACK_NO")
    calls = [{"cmdlet": "Get-FakePlace", "params": {"Name": f"={name}"}, "select": [""]} for name in names]
    sent = standard_input(case(*calls), WINSTACK_ONE="a 'b' \"c\" $d", WINSTACK_TWO="Größe 日")
    [output] = in_runspaces(stage, [lines_of(sent)], constrained=constrained)
    told = direct.reply(NONCE, output[0]).answer["sections"]
    values = [[row[""] for row in section["data"]] for section in told[:-1]]
    assert values[:2] == [["a 'b' \"c\" $d"], ["Größe 日"]]
    assert values[2] in ([], [None])


ARGUMENTS = ("a b", "C:\\Program Files\\x", "C:\\", "it's", "%x%", "$x", "a;b", "&", "-Name:", "--", "ä")


@pytest.mark.skipif(sys.platform == "win32", reason="the program of this test is a script")
@pytest.mark.parametrize("constrained", [False, True])
def test_arguments_reach_a_program_unchanged(stage: Stage, constrained: bool) -> None:
    program = stage.folder / "bin/arguments.exe"
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)
    params = {"FilePath": "=arguments.exe", "ArgumentList": [f"={text}" for text in ARGUMENTS]}
    call = {"cmdlet": "Start-Program", "params": params, "select": ["Output"]}
    [told] = answers(stage, case(call), constrained=constrained)
    assert json.loads(told["sections"][0]["data"][0]["Output"][0]) == list(ARGUMENTS)


# Input that is cut or doubled ---------------------------------------------------------------------------------

WHOLE = standard_input(CASE["changes: changes and a question after them"])
MIDDLE = len(WHOLE) // 2
CUT_OR_DOUBLED: dict[str, tuple[bytes, bool]] = {
    "nothing": (b"", False),
    "the first byte": (WHOLE[:1], False),
    "the nonce alone": (WHOLE[:16], False),
    "the first line alone": (WHOLE.partition(b"\n")[0] + b"\n", False),
    "cut in the frame": (WHOLE[:1500], False),
    "cut in the middle": (WHOLE[:MIDDLE], False),
    "cut in the batch": (WHOLE[:-40], False),
    "all but the nonce": (WHOLE[: WHOLE.rindex(b"\n", 0, -1) + 1], False),
    "a cut nonce": (WHOLE[:-3], False),
    "all but the last end of line": (WHOLE[:-1], True),
    "all twice": (WHOLE * 2, True),
    "the tail twice": (WHOLE + WHOLE[MIDDLE:], True),
    "the head twice": (WHOLE[:MIDDLE] + WHOLE, False),
    "the middle twice": (WHOLE[: MIDDLE + 500] + WHOLE[MIDDLE - 500 :], False),
    "a piece within the batch twice": (WHOLE[:-40] + WHOLE[-50:], False),
    "a digit more in the first line": (WHOLE.replace(b"\n", b"1\n", 1), False),
    "no numbers in the first line": (re.sub(rb"\d+\n", b"x\n", WHOLE, count=1), False),
    "ends of lines of Windows": (WHOLE.replace(b"\n", b"\r\n"), True),
}


@pytest.fixture(scope="module")
def refused(stage: Stage) -> dict[str, list[str]]:
    """Return what the bootstrap writes for each of these inputs."""
    inputs = [data.decode("ascii").split("\n") for data, _whole in CUT_OR_DOUBLED.values()]
    return dict(zip(CUT_OR_DOUBLED, in_runspaces(stage, inputs), strict=True))


@pytest.mark.parametrize("name", CUT_OR_DOUBLED)
def test_input_that_is_cut_or_doubled(refused: dict[str, list[str]], name: str) -> None:
    if CUT_OR_DOUBLED[name][1]:
        one = CASE["changes: changes and a question after them"]
        assert faults(one, as_answer(one, "\n".join(refused[name]))) == []
    else:
        assert refused[name] == [direct.NOT_WHOLE]


@pytest.mark.parametrize("name", ["nothing", "cut in the batch", "the head twice"])
def test_a_process_that_got_no_whole_input_ends_with_3(stage: Stage, name: str) -> None:
    done = stage.run(CUT_OR_DOUBLED[name][0])
    assert (done.returncode, done.stdout.strip().decode()) == (3, direct.NOT_WHOLE)


# A driver that fails ------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[str, str]] = {
    "does not parse": ("param($Batch, $WhatIf, $Confirm)\n$x = {", "Missing closing '}'"),
    "throws": ("param($Batch, $WhatIf, $Confirm)\nthrow 'no good'", "no good"),
    "says nothing": ("param($Batch, $WhatIf, $Confirm)", "The driver gave no answer."),
    "says something else": ("param($Batch, $WhatIf, $Confirm)\n7", "The driver gave no answer."),
    "has no such parameter": ("[CmdletBinding()]param()", "parameter"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_driver_that_fails_is_a_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, told = FAULTS[name]
    monkeypatch.setattr(direct, "_lines", lambda file: lines_for(file, text))
    [output] = in_runspaces(stage, [lines_of(standard_input(case()))])
    reply = direct.reply(NONCE, output[0])
    assert told in (reply.fault or "")
    assert reply.answer is None


def lines_for(file: str, driver: str) -> list[str]:
    """Return the lines of a text, with another driver."""
    text = driver if file == "driver.ps1" else (ENGINE / file).read_text(encoding="ascii")
    return direct.lean(text).split("\n")


@pytest.mark.parametrize(
    ("text", "code"), [("exit 5", 5), ("[Environment]::Exit(7)", 7), ("Stop-Process -Id $PID -Force", -9)]
)
def test_a_driver_that_ends_the_process_gives_no_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    monkeypatch.setattr(
        direct, "_lines", lambda file: lines_for(file, f"param($Batch, $WhatIf, $Confirm)\n{text}")
    )
    done = stage.run(standard_input(case()))
    assert done.returncode == code
    with pytest.raises(direct.NoAnswer):
        direct.reply(NONCE, done.stdout.decode())


# What is written down -----------------------------------------------------------------------------------------

SECRET = "correct horse"
PLAIN = CASE["secrets: a credential arrives and is not given back"]


@pytest.fixture
def logged(stage: Stage) -> Callable[[bool], str]:
    """Return what PowerShell logs of a batch with secrets: everything, or what it logs without any policy."""
    if reason := driver_logs.no_logs():
        pytest.skip(reason)

    def run(everything: bool) -> str:
        stdin = standard_input(PLAIN, PROXY=f"http://{SECRET}@proxy")
        done, text = driver_logs.logged(stage.command(), stdin, stage.environment, everything=everything)
        assert faults(PLAIN, as_answer(PLAIN, done.stdout.decode())) == []
        return text

    return run


def test_the_log_is_caught_and_holds_no_secret(logged: Callable[[bool], str]) -> None:
    text = logged(True)
    # Events 4104 and 4103 of the frame, of the driver and of a cmdlet.
    assert "Creating Scriptblock text" in text
    assert "${function:winstackdriver} = $driver" in text
    assert "CommandInvocation(ConvertFrom-Json)" in text
    assert "CommandInvocation(Get-FakeHash)" in text
    numbers = direct.units(SECRET)
    assert [word for word in (SECRET, numbers, numbers.replace(",", " ")) if word in text] == []


def test_without_a_policy_nothing_of_ours_is_logged(logged: Callable[[bool], str]) -> None:
    # The fake cmdlets have words of the list, so that there is something to catch.
    blocks = logged(False).split("Creating Scriptblock text")[1:]
    assert ["# Cmdlets for the harness of the driver" in block for block in blocks] == [True]


def test_no_text_holds_a_word_that_powershell_logs(stage: Stage) -> None:
    texts = [(ENGINE / f"{name}.ps1").read_text() for name in ("bootstrap", "frame", "driver")]
    words = stage.file("Find-SuspiciousWord.ps1", [*texts, "$x.Properties", *map(direct.lean, texts)])
    assert words == [None, None, None, "Properties", None, None, None]


def test_lean_texts_are_the_same_code(stage: Stage) -> None:
    assert bootstrap().startswith("param()\n")
    for name in ("bootstrap", "frame", "driver"):
        text = (ENGINE / f"{name}.ps1").read_text(encoding="ascii")
        # What a string of several lines or a comment of several lines would spoil.
        assert "@'" not in text
        assert '@"' not in text
        assert "<#" not in text


@pytest.mark.parametrize("setting", [{}, {"ANSIBLE_DEBUG": "1"}])
def test_ansible_shows_no_secret_however_much_it_tells(stage: Stage, setting: dict[str, str]) -> None:
    if not Path(sys.executable).with_name("ansible-playbook").exists():
        pytest.skip("ansible-playbook is not beside this Python")
    only = "^secrets: (a secret in an error|a credential arrives)"
    done = by_ansible(stage, "direct", "-vvvvv", only=only, environment=setting)
    told = done.stdout + done.stderr
    assert "2 passed, 0 failed" in told
    # It was loud: the command line, the answer, and in the second run the connection's steps.
    assert direct.command_line().rpartition(" ")[2] in told
    assert '{"winstack":"' in told
    assert ("_low_level_execute_command" in told) == bool(setting)
    assert [word for word in (SECRET, direct.units(SECRET)) if word in told] == []


# Much ---------------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_twenty_at_once(stage: Stage) -> None:
    one = CASE["secrets: secrets go where they belong"]
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(lambda _number: stage.run(standard_input(one)), range(20)))
    assert [faults(one, as_answer(one, ended.stdout.decode())) for ended in done] == [[]] * 20


@pytest.mark.full
def test_ten_thousand_calls(stage: Stage) -> None:
    call = {"cmdlet": "Get-FakeState", "select": ["State"]}
    one = case(*[call] * 10_000)
    told = as_answer(one, stage.run(standard_input(one)).stdout.decode())
    assert told["failure"] is None
    assert len(told["seen"]) == 10_000
    got = json.loads(told["output"][0])["sections"]
    assert [section["id"] for section in got] == [str(number) for number in range(10_000)]
    assert all(section["data"] == [{"State": "untouched"}] for section in got)


@pytest.mark.full
def test_characters_of_all_kinds_in_a_large_answer(stage: Stage) -> None:
    text = "".join(map(chr, range(0x4E00, 0x9000))) * 10
    call = {"cmdlet": "Get-FakeArgument", "params": {"Any": f"={text}"}, "select": ["Any"]}
    one = case(call)
    told = as_answer(one, stage.run(standard_input(one)).stdout.decode())
    assert json.loads(told["output"][0])["sections"][0]["data"] == [{"Any": text}]


def test_the_choice_is_of_cases() -> None:
    assert set(CHOICE) <= set(CASE)
    assert sections(CASE[CHOICE[0]])

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that may fail, on a made-up bell that rings when it is set."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import runner
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    Identity,
    Kind,
    Property,
    Question,
    Set,
    Step,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import ordinary
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Whole

BELLS = Question("bells", Call("Get-Bell", {}, ("Name", "Hour")))
RING = Call("Start-Program", {"FilePath": "ring.exe"}, ("ExitCode",), change=True)
PATIENT = Step(RING, otherwise="It rings at the full hour.", attempts=3)


def _kind(ring: Step) -> Kind:
    def plan(case: Case) -> Change:
        made = ordinary(case)
        return replace(made, steps=(*made.steps, ring)) if made.steps else made

    hour = Property("hour", Whole(0, 23), BELLS["Hour"], Set("Set-Bell", "Hour"))
    name = Identity("name", column=BELLS["Name"])
    return Kind("bell", "bell", name, (hour,), gathers=(BELLS,), plan=plan)


@dataclass
class Tower:
    """A host with one bell; ``codes`` are the exit codes of ring.exe, in order, the last one for good."""

    codes: list[int]
    hour: int = 0
    batches: list[list[str]] = field(default_factory=list)

    def execute(self, calls: Mapping[str, Call]) -> Answer:
        """Run the calls."""
        self.batches.append([call.cmdlet for call in calls.values()])
        sections = {name: Section(data=self._run(call)) for name, call in calls.items()}
        now = datetime.now(UTC)
        return Answer(sections, "Desktop", now, now, now, now)

    def reboot(self, timeout: int) -> None:
        """Not wanted here."""
        raise AssertionError

    def _run(self, call: Call) -> list[dict[str, t.Any]]:
        if call.cmdlet == "Start-Program":
            return [{"ExitCode": self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]}]
        if call.cmdlet == "Set-Bell":
            self.hour = t.cast("int", call.params["Hour"])
        if call.cmdlet == "Get-CimInstance":
            return [{"BuildNumber": "20348", "Name": "TOWER", "Domain": "", "PartOfDomain": False}]
        return [{"Name": "big", "Hour": self.hour}] if call.cmdlet == "Get-Bell" else []

    def converge(self, ring: Step) -> dict[str, t.Any]:
        """Return the result of wishing for seven o'clock."""
        kinds = {"bell": _kind(ring)}
        wishes = read_document([{"bell": {"name": "big", "hour": 7}}], kinds)
        return Run(kinds, wishes, self, Snapshot(), Options()).converge()


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "check", lambda call, release=None: None)


@pytest.mark.parametrize(
    ("codes", "runs", "warnings"),
    [
        ([0], 1, []),
        ([5, 0], 2, []),
        ([5, 5, 0], 3, []),
        (
            [-2147023838],
            3,
            ["bell big: Start-Program ring.exe: exit code 0x80070422. It rings at the full hour."],
        ),
    ],
)
def test_a_program_that_may_fail_is_started_again_and_then_told(
    codes: list[int], runs: int, warnings: list[str]
) -> None:
    tower = Tower(codes)
    result = tower.converge(PATIENT)
    assert (result["changed"], result["warnings"]) == (True, warnings)
    assert (tower.hour, sum(batch.count("Start-Program") for batch in tower.batches)) == (7, runs)
    assert tower.batches[2:] == [["Start-Program"]] * (runs - 1)


def test_any_other_program_that_fails_is_a_failure() -> None:
    tower = Tower([5])
    with pytest.raises(Failed, match=r"^bell big: Windows refused Start-Program ring.exe: exit code 5\.$"):
        tower.converge(change_step())
    assert sum(batch.count("Start-Program") for batch in tower.batches) == 1


def change_step() -> Step:
    """Return a step whose failure counts."""
    return Step(replace(change("Start-Program", FilePath="ring.exe"), select=("ExitCode",)))

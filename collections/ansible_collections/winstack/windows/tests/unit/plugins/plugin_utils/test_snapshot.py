# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshot: what is known of a host within one run."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import (
    SECTIONS_FACT,
    VIEW_FACT,
    Snapshot,
    clock_facts,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Clock, Failure, Section

FULL = Section(data=[{"Name": "WIN1", "PartOfDomain": False, "Domain": "WORKGROUP"}])
NO_KEY = Section(
    ok=False, error=Failure("System.Management.Automation.ItemNotFoundException", "x", "No key.", "0x1")
)
DENIED = Section(ok=False, error=Failure("System.UnauthorizedAccessException", "x", "Denied.", "0x5"))


def shared(**sections: Section) -> Snapshot:
    """Give a snapshot as the module of that name leaves it."""
    snapshot = Snapshot("run 1", shared=True)
    snapshot.update(sections)
    return snapshot


def facts_of(snapshot: Snapshot) -> dict[str, t.Any]:
    """Give the facts as they come back: through JSON."""
    return t.cast("dict[str, t.Any]", json.loads(json.dumps(snapshot.as_facts())))


def test_a_later_task_of_the_run_takes_it_up() -> None:
    snapshot = shared(computer=FULL, policy=NO_KEY)
    snapshot.clock = {"offset_seconds": 1.5, "uncertainty_seconds": 0.1}
    later = Snapshot.from_facts(facts_of(snapshot), "run 1")
    assert later.shared
    assert later.sections == snapshot.sections
    assert later.clock == snapshot.clock
    assert not later.changed


@pytest.mark.parametrize(
    "facts",
    [{}, {SECTIONS_FACT: None}, {SECTIONS_FACT: {}}, facts_of(shared(computer=FULL))],
    ids=["nothing", "null", "empty", "of another run"],
)
def test_another_runs_snapshot_is_not_todays(facts: dict[str, t.Any]) -> None:
    later = Snapshot.from_facts(facts, "run 2")
    assert (later.run, later.shared, later.sections, later.changed) == ("run 2", False, {}, False)


def test_missing_are_the_unknown_and_the_failed() -> None:
    snapshot = shared(computer=FULL, policy=NO_KEY, disks=DENIED, odd=Section(ok=False))
    assert snapshot.missing(["policy", "disks", "computer", "new", "odd"]) == ["disks", "new", "odd"]


def test_forgotten_sections_are_asked_for_again() -> None:
    snapshot = Snapshot.from_facts(facts_of(shared(computer=FULL, policy=NO_KEY)), "run 1")
    snapshot.forget(["nothing"])
    assert snapshot.as_facts() == {}
    snapshot.forget(["computer", "nothing"])
    assert snapshot.missing(["computer"]) == ["computer"]
    assert list(snapshot.as_facts()[SECTIONS_FACT]["sections"]) == ["policy"]


def test_facts_only_when_shared_and_changed() -> None:
    unshared = Snapshot("run 1")
    unshared.update({"computer": FULL})
    assert unshared.as_facts() == {}
    unchanged = Snapshot("run 1", {"computer": FULL}, shared=True)
    unchanged.update({})
    assert unchanged.as_facts() == {}


def test_facts_hold_the_sections_and_the_view_of_them() -> None:
    snapshot = shared(computer=FULL)
    snapshot.clock = {"offset_seconds": 0.0}
    facts = facts_of(snapshot)
    assert facts[SECTIONS_FACT]["run"] == "run 1"
    assert facts[VIEW_FACT]["computer"]["name"] == "WIN1"
    assert facts[VIEW_FACT]["clock"] == {"offset_seconds": 0.0}


def test_the_clock_is_told_in_milliseconds() -> None:
    assert clock_facts(Clock(-1.23456, 0.5)) == {"offset_seconds": -1.235, "uncertainty_seconds": 0.5}

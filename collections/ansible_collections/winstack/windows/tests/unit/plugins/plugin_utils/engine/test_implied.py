# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wishes that another wish implies."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import runner
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Case, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run

from .lamps import LAMP, SWITCHES, House, lamp


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "check", lambda call, release=None: None)


def _twin(case: Case) -> Iterator[Wish]:
    """Each lamp implies a second one, for which the switches have to be known."""
    case.state.rows(SWITCHES)
    if not case.wish.name.endswith("2"):
        yield replace(case.wish, key=f"{case.wish.key} 2", name=f"{case.wish.name} 2")


def run(house: House, **options: t.Any) -> Run:
    kinds = {"lamp": replace(LAMP, implies=_twin)}
    wishes = read_document([{"lamp": {"name": "hall", "color": "red"}}], kinds)
    return Run(kinds, wishes, house, house.snapshot, Options(**options))


def test_what_is_implied_is_made_and_told_as_an_object_of_its_own() -> None:
    house = House()
    result = run(house).converge()
    assert [entry["key"] for entry in result["objects"]] == list(house.lamps) == ["hall", "hall 2"]
    assert run(house).verify()["changed"] is False


def test_what_cannot_be_known_of_the_implied_is_not_passed_over() -> None:
    house = House({"hall": lamp()}, fails={"Get-Switch": "no current"})
    kinds = {"lamp": replace(LAMP, implies=_twin, properties=LAMP.properties[:1])}
    wishes = read_document([{"lamp": {"name": "hall", "color": "red"}}], kinds)
    with pytest.raises(Failed) as caught:
        Run(kinds, wishes, house, house.snapshot, Options()).verify()
    assert str(caught.value).startswith("lamp hall: The host did not list switches: no current")

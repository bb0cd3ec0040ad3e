# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is stored as wished and yet not in effect: a warning while a host is brought about, a failure where it is verified."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import runner
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Case
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run

from .lamps import LAMP, House, lamp

DARK = "lamp hall: it is on and gives no light. Change the bulb."


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "check", lambda call, release=None: None)


def _dark(case: Case) -> Iterator[str]:
    if case.has("on") and case.has("note") == "broken":
        yield "it is on and gives no light. Change the bulb."


def run(house: House, **options: t.Any) -> Run:
    kinds = {"lamp": replace(LAMP, ineffective=(_dark,))}
    wishes = read_document([{"lamp": {"name": "hall", "on": True}}], kinds)
    return Run(kinds, wishes, house, house.snapshot, Options(**options))


@pytest.mark.parametrize("check", [False, True])
def test_it_warns_while_a_host_is_brought_about(check: bool) -> None:
    result = run(House({"hall": lamp(On=True, Note="broken")}), check=check).converge()
    assert (result["changed"], result["warnings"]) == (False, [DARK])


def test_it_warns_after_a_change_that_has_no_effect() -> None:
    result = run(House({"hall": lamp(Note="broken")})).converge()
    assert (result["changed"], result["warnings"]) == (True, [DARK])


def test_it_fails_a_verification() -> None:
    with pytest.raises(Failed) as caught:
        run(House({"hall": lamp(On=True, Note="broken")})).verify()
    assert (str(caught.value), caught.value.result["warnings"]) == (DARK, [])


def test_what_is_in_effect_is_not_spoken_of() -> None:
    assert run(House({"hall": lamp(On=True)})).verify()["warnings"] == []

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From wishes to a converged host, on the made-up lamps."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import runner
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed

from .lamps import House, lamp


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "check", lambda call, release=None: None)


def outcomes(result: dict[str, t.Any]) -> dict[str, str]:
    return {entry["key"]: entry["outcome"] for entry in result["objects"]}


def commands(result: dict[str, t.Any]) -> list[str]:
    return [command["cmdlet"] for entry in result["objects"] for command in entry["commands"]]


def changes(house: House) -> list[str]:
    return [cmdlet for batch in house.batches for cmdlet in batch if not cmdlet.startswith("Get-")]


def test_one_command_to_look_and_one_to_change() -> None:
    house = House({"a": lamp()})
    result = house.converge(
        {"name": "a", "level": 7, "note": "x", "on": True}, {"name": "b", "color": "blue"}
    )
    assert [len(batch) for batch in house.batches] == [4, 5]
    assert changes(house) == ["Set-Lamp", "Set-Switch", "New-Lamp"]
    assert house.lamps == {"a": lamp(Level=7, Note="x", On=True), "b": lamp(Color="Blau")}
    assert outcomes(result) == {"a": "changed", "b": "changed"}
    assert result["changed"] is True


def test_a_second_run_asks_nothing_and_changes_nothing() -> None:
    house = House({"a": lamp()})
    wish = {"name": "A", "level": 7, "on": True}
    house.converge(wish)
    asked = len(house.batches)
    result = house.converge(wish)
    assert (result["changed"], outcomes(result), len(house.batches)) == (False, {"A": "unchanged"}, asked)


def test_what_is_said_of_a_change_is_said_when_it_was_made() -> None:
    house = House({"a": lamp()})
    wish = {"name": "a", "level": 10}
    assert house.converge(wish, check=True)["warnings"] == ["lamp a: it gets hot."]
    assert house.converge(wish)["warnings"] == ["lamp a: it gets hot."]
    assert house.converge(wish)["warnings"] == []


def test_verify_always_asks() -> None:
    house = House({"a": lamp()})
    house.converge({"name": "a"})
    house.lamps["a"]["Level"] = 9
    with pytest.raises(Failed, match=r"^lamp a: level is 9 and 5 was wanted\.$"):
        house.run({"name": "a", "level": 5}).verify()
    house.lamps["a"]["Level"] = 5
    assert house.run({"name": "a", "level": 5}).verify()["changed"] is False


@pytest.mark.parametrize(
    ("wish", "told"),
    [({"name": "b"}, "lamp b is not there."), ({"name": "a", "state": "absent"}, "lamp a is still there.")],
)
def test_verify_tells_what_is_missing_and_what_is_left(wish: dict[str, t.Any], told: str) -> None:
    with pytest.raises(Failed) as caught:
        House({"a": lamp()}).run(wish).verify()
    assert str(caught.value) == told


def test_check_mode_plans_and_changes_nothing() -> None:
    house = House({"a": lamp()})
    result = house.converge({"name": "a", "level": 7}, {"name": "b"}, check=True)
    assert (changes(house), outcomes(result)) == ([], {"a": "planned", "b": "planned"})
    assert commands(result) == ["Set-Lamp", "New-Lamp"]
    header = {"before_header": "lamp a", "after_header": "lamp a"}
    assert result["diff"][0] == header | {
        "before": {"name": "a", "color": "red", "level": 5, "note": "", "on": False},
        "after": {"name": "a", "color": "red", "level": 7, "note": "", "on": False},
    }


def test_what_goes_is_done_last_and_in_reverse() -> None:
    house = House({"a": lamp(), "b": lamp()})
    house.converge({"name": "a", "state": "absent"}, {"name": "b", "state": "absent"}, {"name": "c"})
    assert changes(house) == ["New-Lamp", "Remove-Lamp", "Remove-Lamp"]
    assert list(house.lamps) == ["c"]


def test_all_refusals_are_told_and_nothing_is_touched() -> None:
    house = House({"a": lamp(), "b": lamp(Note="heirloom")})
    result = house.converge({"name": "a", "color": "blue"}, {"name": "b", "level": 99}, {"name": "c"})
    assert result["msg"].splitlines() == [
        "lamp a: color is red and blue was wanted. Buy another.",
        "lamp b: level: 99 is not between 0 and 10.",
        "lamp b: it is an heirloom.",
    ]
    assert (changes(house), outcomes(result)) == (
        [],
        dict.fromkeys("abc", "not_reached"),
    )
    assert len(result["refusals"]) == 3


def test_what_equals_what_is_there_is_never_refused() -> None:
    house = House({"b": lamp(Note="heirloom", Level=99)})
    assert house.converge({"name": "b", "level": 99})["changed"] is False


def test_a_failing_step_stops_the_later_ones() -> None:
    house = House({"a": lamp(), "b": lamp(), "c": lamp()}, fails={"Set-Switch": "No current."})
    result = house.converge({"name": "a", "level": 1}, {"name": "b", "on": True}, {"name": "c", "level": 1})
    assert result["msg"] == "lamp b: Windows refused Set-Switch: No current (LampException, 0x80004005)."
    assert outcomes(result) == {"a": "changed", "b": "failed", "c": "not_reached"}
    assert [entry["after"]["level"] for entry in result["objects"]] == [1, 5, 5]
    assert house.lamps["c"]["Level"] == 5


def test_after_a_failure_the_next_run_goes_on_where_it_stopped() -> None:
    house = House({"a": lamp(), "b": lamp()}, fails={"Set-Switch": "No current."})
    house.converge({"name": "a", "level": 1}, {"name": "b", "on": True})
    house.fails.clear()
    result = house.converge({"name": "a", "level": 1}, {"name": "b", "on": True})
    assert outcomes(result) == {"a": "unchanged", "b": "changed"}


def test_a_change_that_does_not_read_back_is_a_failure() -> None:
    house = House({"a": lamp()}, deaf={"Set-Lamp"})
    result = house.converge({"name": "a", "level": 7})
    assert result["failed"]
    assert result["msg"] == (
        "lamp a: level is 5 and 7 was wanted. The change was made without an error, and does not read back."
    )
    assert changes(house) == ["Set-Lamp"]


def test_something_is_destroyed_only_on_a_fresh_answer() -> None:
    house = House({"a": lamp()})
    house.converge({"name": "a"})
    house.snapshot.fresh.clear()  # as in a later task of the run
    house.lamps["a"]["Note"] = "heirloom"
    result = house.converge({"name": "a", "state": "absent"})
    assert result["msg"] == "lamp a: it is an heirloom."
    assert (list(house.lamps), changes(house)) == (["a"], [])


def test_what_cannot_be_read_back_is_done_once_and_shows_nothing() -> None:
    house = House({"a": lamp()})
    result = house.converge({"name": "a", "key": "hunter2hunter2"}, {"name": "b", "key": "hunter2hunter2"})
    assert house.secrets == ["hunter2hunter2"]
    assert "hunter2" not in json.dumps(result)


def test_what_the_host_does_not_answer_is_told() -> None:
    result = House(fails={"Get-Lamp": "Dark."}).converge({"name": "a"})
    assert result["msg"] == (
        "lamp a: The host did not list lamps: Dark (LampException, 0x80004005). Plug it in."
    )


def test_a_column_of_another_form_is_told() -> None:
    result = House({"a": lamp(Level="seven")}).converge({"name": "a"})
    assert (
        "lamp a: Level has an unexpected form: a number was expected, and 'seven' was found" in result["msg"]
    )


def test_a_change_that_reads_back_late_is_no_failure() -> None:
    class Late(House):
        """A host whose first answer after a change is an old one."""

        old: t.Any = None

        def _run(self, call: t.Any) -> list[dict[str, t.Any]]:
            rows = super()._run(call)
            if call.cmdlet == "Get-Lamp" and changes(self) and self.old is not None:
                rows, self.old = self.old, None
            elif call.cmdlet == "Get-Lamp" and self.old is None and not changes(self):
                self.old = rows
            return rows

    house = Late({"a": lamp()})
    result = house.converge({"name": "a", "level": 7})
    assert not result.get("failed"), result
    assert (changes(house), result["objects"][0]["after"]["level"]) == (["Set-Lamp"], 7)

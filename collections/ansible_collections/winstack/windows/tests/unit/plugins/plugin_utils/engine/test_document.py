# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading documents: what is wrong is told at once, by object, with what to do."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import (
    DocumentError,
    read_document,
    read_wish,
    written,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

from .lamps import KINDS, LAMP


def test_the_wishes_come_in_order_with_their_places() -> None:
    wishes = read_document(
        [{"lamp": [{"name": "A", "level": 3}, {"name": "b"}]}, {"lamp": {"name": "c"}}], KINDS
    )
    assert [(wish.key, wish.name, wish.place) for wish in wishes] == [
        ("a", "A", "resources[0].lamp[0]"),
        ("b", "b", "resources[0].lamp[1]"),
        ("c", "c", "resources[1].lamp"),
    ]
    assert wishes[0].values == {"level": 3}


def test_what_is_given_as_nothing_is_left_open() -> None:
    (wish,) = read_document([{"lamp": {"name": "a", "level": None}}, {"lamp": []}], KINDS)
    assert wish.values == {}


WRONG: dict[str, tuple[t.Any, list[str]]] = {
    "no list": ({"lamp": {}}, ["resources is a dictionary with lamp. Give a list of one-key maps"]),
    "text": ("lamp", ["resources is text. Give a list"]),
    "two kinds in one entry": ([{"lamp": {}, "x": {}}], ["resources[0] is a dictionary with lamp, x. Give one kind"]),
    "unknown kind": ([{"lamb": {}}], ["resources[0]: there is no kind 'lamb'. Did you mean lamp?"]),
    "no options": ([{"lamp": "secret"}], ["lamp (resources[0].lamp) is text. Give a dictionary of options, as in {name: ...}."]),
    "typo": ([{"lamp": {"name": "a", "levle": 1}}], ["lamp a (resources[0].lamp): there is no option levle. Did you mean level?"]),
    "nested typo": (
        [{"lamp": {"name": "a", "parts": [{"screw": 1}, {"srew": 1}]}}],
        ["lamp a (resources[0].lamp): there is no option parts[1].srew. Did you mean screw?"],
    ),
    "text for a list of dictionaries": (
        [{"lamp": {"name": "a", "parts": "M6 M8"}}],
        ["lamp a (resources[0].lamp): parts is text. Give a dictionary with screw."],
    ),
    "wrong type": ([{"lamp": {"name": "a", "level": "high"}}], ["lamp a (resources[0].lamp): ", "level"]),
    "wrong choice": ([{"lamp": {"name": "a", "color": "green"}}], ["red, blue"]),
    "no identity": ([{"lamp": {"level": 1}}], ["lamp (resources[0].lamp): missing required arguments: name."]),
    "twice": (
        [{"lamp": [{"name": "a"}, {"name": "a"}]}],
        ["lamp a is given twice, at resources[0].lamp[0] and at resources[0].lamp[1]. Leave one of them."],
    ),
    "twice in two spellings": ([{"lamp": {"name": "a"}}, {"lamp": {"name": "A"}}], ["lamp A (resources[1].lamp) and a (resources[0].lamp) are one object."]),
    "all at once": (
        [{"lamp": {"name": "a", "levle": 1}}, {"lamp": {"name": "b", "colour": "red"}}],
        ["lamp a (resources[0].lamp): there is no option levle", "lamp b (resources[1].lamp): there is no option colour"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("resources", "told"), WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_told(resources: t.Any, told: list[str]) -> None:
    with pytest.raises(WantError) as caught:
        read_document(resources, KINDS)
    for text in told:
        assert text in str(caught.value)


def test_what_stands_in_the_wrong_place_is_not_shown() -> None:
    with pytest.raises(WantError) as caught:
        read_document(
            [{"lamp": "hunter2hunter2"}, {"lamp": {"name": "a", "parts": ["hunter2hunter2"]}}], KINDS
        )
    assert "hunter2" not in str(caught.value)


def test_what_is_clear_can_be_planned_although_other_values_are_wrong() -> None:
    twice = [{"lamp": [{"name": "a"}, {"name": "A"}, {"name": "b"}]}]
    with pytest.raises(DocumentError) as caught:
        read_document(twice, KINDS)
    assert [wish.name for wish in caught.value.wishes] == ["a", "b"]


def test_nothing_is_planned_where_an_option_is_unknown() -> None:
    with pytest.raises(DocumentError) as caught:
        read_document([{"lamp": [{"name": "a", "levle": 1}, {"name": "b"}]}], KINDS)
    assert caught.value.wishes == []


def test_a_module_has_no_place() -> None:
    with pytest.raises(WantError, match="^lamp a: there is no option x"):
        read_wish(LAMP, {"name": "a", "x": 1})


def test_absent() -> None:
    assert read_wish(LAMP, {"name": "a", "state": "absent"}).absent


def test_written_is_a_document() -> None:
    assert written([("a", {"n": 1}), ("b", {"n": 2}), ("a", {"n": 3})]) == [
        {"a": [{"n": 1}, {"n": 3}]},
        {"b": [{"n": 2}]},
    ]

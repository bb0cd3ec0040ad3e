# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a task is refused before or while it is merged."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

from ._oslo import FileInMemory, ensure, merged

REFUSED: dict[str, tuple[dict[str, t.Any], str]] = {
    "no dictionary": ({"config": {"a": "hunter2"}}, r"Section \[a\] has to be a dictionary.*'remove'"),
    "null section": ({"config": {"a": None}}, r"Section \[a\] has to be a dictionary"),
    "section twice": ({"config": {"Lvm": {}, "lvm": {}}}, r"Section \[lvm\] is there twice"),
    "section removed and there": (
        {"config": {"lvm": {}}, "remove": [{"section": "LVM"}]},
        r"Section \[lvm\] is to be removed and yet to be there",
    ),
    "option removed and set": (
        {"config": {"a": {"x": "hunter2"}}, "remove": [{"section": "a", "option": "x"}]},
        r"\[a\] x is to be set and removed at once",
    ),
    "entry of a plain list": (
        {"config": {"a": {"x": ["y"]}}, "remove": [{"section": "a", "option": "x", "entries": ["z"]}]},
        "set and removed at once",
    ),
    "entry merged and removed": (
        {
            "config": {"a": {"x": ["y"]}},
            "merge_lists": ["x"],
            "remove": [{"section": "a", "option": "x", "entries": ["y"]}],
        },
        "set and removed at once",
    ),
    "dictionary as value": ({"config": {"a": {"password": {"b": "hunter2"}}}}, "has to be text.*not dict"),
    "date as value": ({"config": {"a": {"x": datetime.date(2026, 1, 2)}}}, "has to be text.*not date"),
    "list in a list": ({"config": {"a": {"x": [["hunter2"]]}}}, "has to be text.*not list"),
    "null in a list": ({"config": {"a": {"x": [None]}}}, "has to be text.*not NoneType"),
    "comma in a list": ({"config": {"a": {"x": ["hunter2,b"]}}}, "may not be empty or hold a comma"),
    "empty entry": ({"config": {"a": {"x": [" "]}}}, "may not be empty or hold a comma"),
    "final newline": (
        {"config": {"a": {"password": "hunter2\n"}}},
        r"cannot be written: a further line.*\|-",
    ),
    "backslash and dollar": (
        {"config": {"a": {"password": r"hunter2\$"}}},
        "no way to write a backslash before",
    ),
    "the same in a URL": (
        {"config": {"a": {"x": r"amqp://u:hunter2\$@h"}}},
        "no way to write a backslash before",
    ),
    "scalar to merge": ({"config": {"a": {"x": "hunter2"}}, "merge_lists": ["a.x"]}, "has to be a list"),
    "empty section name": ({"config": {"": {}}}, "name of the section ''"),
    "bracket in a section name": ({"config": {"a]": {}}}, r"any of \[ \]\."),
    "blank around a section name": ({"remove": [{"section": " a"}]}, "name of the section ' a'"),
    "mark in an option name": ({"config": {"a": {"b=c": 1}}}, r"option 'b=c' in section \[a\].*any of = :"),
    "comment as option name": ({"config": {"a": {"#b": 1}}}, r"start with one of \[ # ;"),
    "line break in an option name": ({"config": {"a": {"b\nc": 1}}}, "control characters"),
    "blank around a removed name": ({"remove": [{"section": "a", "option": "b "}]}, "option 'b '"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_no_file_could_be_so(options: dict[str, t.Any], message: str) -> None:
    """The task is refused before the file is read, and no value is shown."""
    file = FileInMemory(b"[a]\nx = 1\n")
    with pytest.raises(WantError, match=message) as caught:
        ensure(file, **options)
    assert "hunter2" not in str(caught.value)
    assert file.reads == 0


def test_bounded_list_is_not_merged() -> None:
    """A list in brackets is not taken for a plain one."""
    file = FileInMemory(b"[a]\nx = [1,2]\n")
    with pytest.raises(RefusedError, match=r"\[a\] x in the file is no plain list"):
        ensure(file, config={"a": {"x": ["3"]}}, merge_lists=["x"])
    assert file.writes == 0


CASES: dict[str, tuple[str, dict[str, t.Any], str]] = {
    "any word for true": ("[a]\nx = On\n", {"config": {"a": {"x": True}}}, "[a]\nx = On\n"),
    "other word": ("[a]\nx = On\n", {"config": {"a": {"x": False}}}, "[a]\nx = False\n"),
    "text is compared as text": ("[a]\nx = On\n", {"config": {"a": {"x": "true"}}}, "[a]\nx = true\n"),
    "repeated boolean": ("[a]\nx = 1\nx = on\n", {"config": {"a": {"x": True}}}, "[a]\nx = True\n"),
    "list already there": (
        "[a]\nx = b, a\n",
        {"config": {"a": {"x": ["a"]}}, "merge_lists": ["x"]},
        "[a]\nx = b, a\n",
    ),
    "list of another section": (
        "[a]\nx = b\n",
        {"config": {"a": {"x": ["a"]}}, "merge_lists": ["c.x"]},
        "[a]\nx = a\n",
    ),
    "merged twice the same": (
        "[a]\nx = b\n",
        {"config": {"a": {"x": ["c", "c", "b"]}}, "merge_lists": ["A.x"]},
        "[a]\nx = b,c\n",
    ),
    "nothing to merge": ("", {"config": {"a": {"x": []}}, "merge_lists": ["x"]}, ""),
    "merge and remove": (
        "[a]\nx = b,c\n",
        {
            "config": {"a": {"x": ["d"]}},
            "merge_lists": ["x"],
            "remove": [{"section": "a", "option": "x", "entries": ["b"]}],
        },
        "[a]\nx = c,d\n",
    ),
    "value with commas as an entry": (
        '[a]\nx = {"b": 1, "c": 2}\nx = d\n',
        {"remove": [{"section": "a", "option": "x", "entries": ['{"b": 1, "c": 2}']}]},
        "[a]\nx = d\n",
    ),
    "empty section removed": ("[a]\n[b]\n", {"remove": [{"section": "a"}]}, "[b]\n"),
    "empty list": ("[a]\nx = b\n", {"config": {"a": {"x": []}}}, "[a]\nx =\n"),
    "quote": ("[a]\n", {"config": {"a": {"x": '"'}}}, '[a]\nx = """\n'),
    "number for a name": ("[a]\n", {"config": {"a": {1: 2.5}}}, "[a]\n1 = 2.5\n"),
}


@pytest.mark.parametrize(("text", "options", "expected"), CASES.values(), ids=CASES)
def test_small_merges(text: str, options: dict[str, t.Any], expected: str) -> None:
    """One rule each; the golden files show them together."""
    assert merged(text, **options) == expected
    assert merged(expected, **options) == expected


def test_removed_header_is_a_change() -> None:
    """A section without options is a change, too."""
    file = FileInMemory(b"[a]\n")
    assert ensure(file, remove=[{"section": "a"}])["changes"] == [
        {"section": "a", "option": "", "before": None, "after": None}
    ]

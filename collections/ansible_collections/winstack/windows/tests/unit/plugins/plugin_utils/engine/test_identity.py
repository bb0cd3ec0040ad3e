# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that two options name, on made-up books of a shelf."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import options_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Identity,
    Kind,
    Property,
    Thing,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import shown
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Text, Whole
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

BOOK = Kind(
    name="book",
    noun="book",
    identity=Identity(
        "shelf", second=Word("title", Text(), default=""), joined=lambda shelf, title: f"{shelf}/{title or 'untitled'}"
    ),
    properties=(Property("pages", Whole(1, 1000)),),
)  # fmt: skip
KINDS = {"book": BOOK}


def test_both_options_name_the_object() -> None:
    (first, second) = read_document([{"book": [{"shelf": "A", "title": "B"}, {"shelf": "A"}]}], KINDS)
    assert (first.key, first.name, first.words) == ("a\0b", "A/B", {"shelf": "A", "title": "B"})
    assert (second.key, second.label) == ("a\0", "book A/untitled")
    assert BOOK.spec() == {
        "shelf": {"type": "str", "required": True},
        "title": {"type": "str", "default": ""},
        "pages": {"type": "int"},
    }


def test_one_object_twice_is_one_sentence() -> None:
    with pytest.raises(WantError, match=r"^book a/b \(resources\[1\].book\) and A/B \(.*\) are one object"):
        read_document([{"book": {"shelf": "A", "title": "B"}}, {"book": {"shelf": "a", "title": "b"}}], KINDS)


def test_diffs_and_gathered_documents_name_it_by_both() -> None:
    (wish,) = read_document([{"book": {"shelf": "A", "title": "B", "pages": 9}}], KINDS)
    thing = Thing(wish.key, wish.name, {"pages": 9}, {"shelf": "A", "title": "B", "worn": True})
    assert shown(thing, wish) == options_of(BOOK, thing) == {"shelf": "A", "title": "B", "pages": 9}

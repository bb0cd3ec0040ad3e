# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is true of every kind."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import HOST
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Kind, Question
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS

QUESTIONS: list[Question] = [
    *HOST,
    *(question for kind in KINDS.values() for question in (*kind.gathers, *kind.touches)),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_question_fits_the_published_signature_on_every_release(question: Question) -> None:
    check(completed(question.call))
    assert not question.call.change


def test_a_name_stands_for_one_question() -> None:
    calls = {question.name: question.call for question in QUESTIONS}
    assert [question.name for question in QUESTIONS if calls[question.name] != question.call] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_an_option_is_said_once(kind: Kind) -> None:
    names = [row.option for row in kind.rows]
    assert len(set(names)) == len(names)
    assert kind.name in KINDS
    assert all(other in KINDS for other in kind.consults)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders on local drives. They are made, with those above them; nothing here removes one, since it may hold data."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import path_question
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    Identity,
    Kind,
    Question,
    Step,
    Thing,
    Wish,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import settled
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Flag, Size, TextList
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import folder_fault, path_key
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.volumes import (
    VOLUMES,
    lack_of_space,
    links_above,
    missing_drive,
    questions_about,
    unfit_drive,
)


def _asks(wish: Wish) -> Iterator[Question]:
    if wish.words.get("allow_links"):
        yield path_question(wish.name)
    else:
        yield from questions_about(wish.name)


def _plan(case: Case) -> Change:
    path = case.wish.name
    if fault := folder_fault(path):
        return settled(case, Change(case.wish, None, None), [fault])
    stands = case.state.path(path)
    thing = Thing(case.wish.key, path, {}, {"path": path, "stands": "directory"})
    if stands == "directory" or case.have is not None:
        return settled(case, Change(case.wish, thing, thing), [])
    step = Step(change("New-Item", ItemType="Directory", Path=path, Force=True))
    file = "a file stands there, where a folder is wanted. Choose another path, or remove the file."
    return settled(case, Change(case.wish, None, thing, (step,)), [file if stands == "file" else None])


def _on_a_link(case: Case) -> Iterator[str]:
    links = [] if case.word("allow_links") else links_above(case.state, case.wish.name)
    if links:
        yield (
            f"{', '.join(links)} is a mount point or link, which leads to another volume than its drive letter says. Choose a "
            "folder on the drive itself, or set allow_links: true."
        )


def _no_place(case: Case) -> Iterator[str]:
    if folder_fault(case.wish.name):
        return
    path, systems = case.wish.name, t.cast(Sequence[str], case.word("file_systems") or ())
    yield from missing_drive(case.state, path)
    if systems:
        yield from unfit_drive(case.state, path, systems)
    free = case.word("free")
    if isinstance(free, int) and case.have is None and case.state.path(path) != "directory":
        yield from lack_of_space(case.state, path, free)


KIND: t.Final = Kind(
    name="directory",
    noun="folder",
    identity=Identity("path", key=path_key),
    properties=(),
    options=(
        # Links lead to another volume than the letter says: programs that ask the letter for free space are misled.
        Word("allow_links", Flag(), default=True),
        Word("file_systems", TextList()),
        Word("free", Size()),
    ),
    gathers=(VOLUMES,),
    asks=_asks,
    plan=_plan,
    refuses=(_on_a_link,),
    needs=(_no_place,),
    enumerates=False,
)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders on local drives. They are made, with those above them; nothing here removes one, since it may hold data."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import cim, path_question
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    Identity,
    Kind,
    Question,
    State,
    Step,
    Thing,
    Wish,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import settled
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import (
    drive,
    folder_fault,
    path_key,
)

VOLUMES: t.Final = Question(
    "volumes", cim("Win32_LogicalDisk", "DeviceID", "DriveType", "FileSystem", "Size", "FreeSpace")
)


def drives(state: State) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the rows of Win32_LogicalDisk by drive letter, as in ``D:``."""
    return {str(row["DeviceID"]).upper(): row for row in state.rows(VOLUMES)}


def _asks(wish: Wish) -> Iterator[Question]:
    yield path_question(wish.name)


def _plan(case: Case) -> Change:
    path = case.wish.name
    stands = case.state.path(path)
    thing = Thing(case.wish.key, path, {}, {"path": path, "stands": "directory"})
    if stands == "directory" or case.have is not None:
        return Change(case.wish, thing, thing)
    step = Step(change("New-Item", ItemType="Directory", Path=path, Force=True))
    wrong = [
        folder_fault(path),
        *(["a file stands there, where a folder is wanted."] if stands == "file" else []),
    ]
    return settled(case, Change(case.wish, None, thing, (step,)), wrong)


def _no_drive(case: Case) -> Iterator[str]:
    letter = drive(case.wish.name)
    known = drives(case.state)
    if letter and known and letter not in known:
        yield f"the host has no drive {letter} (it has {', '.join(sorted(known))}). Correct the path."


KIND: t.Final = Kind(
    name="directory",
    noun="folder",
    identity=Identity("path", key=path_key),
    properties=(),
    gathers=(VOLUMES,),
    asks=_asks,
    plan=_plan,
    needs=(_no_drive,),
    enumerates=False,
)

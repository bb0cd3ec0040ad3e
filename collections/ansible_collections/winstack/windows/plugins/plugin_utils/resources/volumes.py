# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drive letters of a host, and what stands between a drive and a path on it."""

from __future__ import annotations

import ntpath
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import cim, path_question
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question, State
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import show_size
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import drive

VOLUMES: t.Final = Question(
    "volumes", cim("Win32_LogicalDisk", "DeviceID", "DriveType", "FileSystem", "Size", "FreeSpace")
)

# Win32_LogicalDisk.DriveType: https://learn.microsoft.com/windows/win32/cimwin32prov/win32-logicaldisk
DRIVE_TYPES: t.Final = {2: "removable", 3: "local", 4: "network", 5: "optical", 6: "ram"}


def drives(state: State) -> dict[str, Mapping[str, t.Any]]:
    """Return the rows of Win32_LogicalDisk by drive letter, as in ``D:``."""
    return {str(row["DeviceID"]).upper(): row for row in state.rows(VOLUMES)}


def missing_drive(state: State, path: str) -> Iterator[str]:
    """Return a sentence if the host has no drive of that letter; none where drives were not asked for."""
    letter, known = drive(path), drives(state)
    if letter.endswith(":") and known and letter not in known:
        yield f"drive {letter} is not on this host (it has {', '.join(sorted(known))}). Correct the path."


def unfit_drive(state: State, path: str, file_systems: Iterable[str]) -> Iterator[str]:
    """Return a sentence if the drive of a path is not local, or not formatted with one of the file systems."""
    row = drives(state).get(drive(path))
    if row is None:
        return
    kind = DRIVE_TYPES.get(int(row["DriveType"]), "unknown")
    if kind != "local":
        yield f"drive {drive(path)} is a {kind} drive. Choose a local one."
        return
    wanted, found = list(file_systems), str(row.get("FileSystem") or "nothing")
    if wanted and found.lower() not in {name.lower() for name in wanted}:
        yield f"drive {drive(path)} is formatted with {found}. Format it with {' or '.join(wanted)}, or choose another."


def lack_of_space(state: State, path: str, needed: int) -> Iterator[str]:
    """Return a sentence if the drive of a path has less free space than ``needed`` bytes."""
    row = drives(state).get(drive(path))
    free = None if row is None else row.get("FreeSpace")
    if free is not None and int(free) < needed:
        yield f"drive {drive(path)} has {int(free) / 2**30:.1f} GB free, and {show_size(needed)} are needed. Make room."


def folders_above(path: str) -> list[str]:
    r"""Return the path and every folder above it below the drive, outermost first, as in D:\a and D:\a\b for D:\a\b."""
    found: list[str] = []
    while len(ntpath.splitdrive(path)[1].strip("\\/")):
        found.insert(0, path)
        path = ntpath.dirname(path.rstrip("\\/"))
    return found


def questions_about(path: str) -> Iterator[Question]:
    """Return the questions that ``links_above`` needs answers to."""
    return (path_question(folder) for folder in folders_above(path))


def links_above(state: State, path: str) -> list[str]:
    """Return the path and folders above it that are links, junctions or mount points, which lead to another place."""
    return [folder for folder in folders_above(path) if "ReparsePoint" in state.attributes(folder)]

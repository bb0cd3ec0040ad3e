# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a virtual disk: what stands at its path, and what that allows.

A file that is there is imported, never overwritten. https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import ntpath
import typing as t
from collections.abc import Iterator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import path_question
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Case, Question, State, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import show_size
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, listed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import (
    drive,
    file_fault,
    is_on_drive,
    is_vhd,
    path_key,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.volumes import (
    lack_of_space,
    links_above,
    missing_drive,
    questions_about,
    unfit_drive,
)

# https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
FILE_SYSTEMS: t.Final = ("NTFS", "ReFS")
# Names of System.IO.FileAttributes: https://learn.microsoft.com/powershell/module/iscsitarget/new-iscsivirtualdisk
UNUSABLE: t.Final = ("Compressed", "SparseFile")


# What a wish comes to -----------------------------------------------------------------------------------------------------


def is_new(case: Case) -> bool:
    """Return whether the wish is for a disk that is not registered."""
    return case.have is None and not case.wish.absent


def is_import(case: Case) -> bool:
    """Return whether the disk comes to be by registering a file. A .vhd can in no other way."""
    found = stands(case.state, case.wish.name) if is_new(case) else ""
    return found == "file" or (found == "unknown" and is_vhd(case.wish.name))


def is_made(case: Case) -> bool:
    """Return whether the disk comes to be with a file of its own."""
    return is_new(case) and not is_import(case)


def type_of(case: Case) -> Json:
    """Return the type of the disk afterwards."""
    implied = "differencing" if case.wanted("parent_path") else "dynamic"
    return case.has("type") or case.wanted("type") or implied


def deletes(case: Case) -> bool:
    """Return whether the file is to go, too."""
    return bool(case.wish.absent and case.word("remove_file"))


def has_file(case: Case, path: str) -> bool:
    """Return whether there is a file to delete. Raise RefusedError where the path hides which one that is."""
    if drive(path) and (fault := file_fault(path)):
        raise RefusedError(f"remove_file: {fault}")
    unasked = case.have is not None and not case.state.told(path_question(path))
    return stands(case.state, path) in (("file", "unknown") if unasked and drive(path) else ("file",))


# What stands where --------------------------------------------------------------------------------------------------------


def asks(wish: Wish) -> Iterator[Question]:
    """Return the questions for the files that would be made, read or deleted, and for the folders that lead to them."""
    for path in (wish.name, str(wish.values.get("parent_path") or "")):
        if is_on_drive(path) and (not wish.absent or wish.words.get("remove_file")):
            yield path_question(ntpath.dirname(path))
            yield from questions_about(path)


def stands(state: State, path: str) -> str:
    """Return what stands at a path: directory, file, absent, or unknown. What cannot be on a drive is not asked for."""
    return state.path(path) if is_on_drive(path) else "unknown"


def is_silent(state: State, path: str) -> bool:
    """Return whether Windows was asked what stands at a path, and did not say."""
    return is_on_drive(path) and state.told(path_question(path)) and state.path(path) == "unknown"


def length_of(state: State, path: str) -> int | None:
    """Return the bytes of a file, None where there is none or nobody asked."""
    rows = state.rows(path_question(path)) if state.told(path_question(path)) else []
    found = rows[0].get("Length") if rows else None
    return found if isinstance(found, int) else None


# Rules --------------------------------------------------------------------------------------------------------------------


def no_drive(case: Case) -> Iterator[str]:
    """Return that the host does not have the drive. A cluster may have moved it to another host."""
    if is_new(case):
        yield from missing_drive(case.state, case.wish.name)


def wrong_drive(case: Case) -> Iterator[str]:
    """Return that the drive cannot hold virtual disks."""
    if is_new(case):
        yield from unfit_drive(case.state, case.wish.name, FILE_SYSTEMS)


def no_place(case: Case) -> Iterator[str]:
    """Return why no file can be made or read: a folder is in the way, or there is none to hold it."""
    path, folder = case.wish.name, ntpath.dirname(case.wish.name)
    if not is_new(case) or next(missing_drive(case.state, path), None):
        return
    if stands(case.state, path) == "directory":
        yield f"{path} is a folder. Give another path."
    elif silent := next((one for one in (path, folder) if is_silent(case.state, one)), None):
        yield f"Windows does not say what stands at {silent}. Look at the permissions of the account."
    elif stands(case.state, folder) in ("absent", "file"):
        yield f"there is no folder {folder}. Put directory with that path before it."


def no_parent(case: Case) -> Iterator[str]:
    """Return that there is no file to build on."""
    parent, state = str(case.wanted("parent_path") or ""), case.state
    if not is_made(case) or not parent or state.find(case.kind.name, path_key(parent)):
        return
    if stands(state, parent) in ("absent", "directory") or is_silent(state, parent):
        yield f"there is no file {parent} to build on. Put {case.kind.name} with that path before it."


def links(case: Case) -> Iterator[str]:
    """Return what leads to another place: the file would not be where its path says, and may be a protected one."""
    own = [case.wish.name] if is_new(case) or deletes(case) else []
    parent = [str(case.wanted("parent_path"))] if is_made(case) and case.wanted("parent_path") else []
    for path in filter(is_on_drive, [*own, *parent]):
        for place in links_above(case.state, path):
            yield (
                f"{place} is a link, a junction, a mount point or a cluster shared volume, and leads to another place. Give a "
                "path that goes through none."
            )


def unusable(case: Case) -> Iterator[str]:
    """Return that Windows would not open the file; a new one takes over the compression of its folder."""
    path = case.wish.name
    for place in (path, ntpath.dirname(path)) if is_new(case) and is_on_drive(path) else ():
        if wrong := [name for name in UNUSABLE if name in case.state.attributes(place)]:
            yield (
                f"{place} has the attribute {listed(wrong)}, and virtual disks cannot be compressed or sparse. Take the "
                "attribute away, or give another folder."
            )


def not_whole(case: Case) -> Iterator[str]:
    """Return that a file is too short to be the wished fixed disk: its making may have been interrupted."""
    size = case.wanted("size")
    fixed = case.wanted("type") == "fixed" and is_import(case)
    length = length_of(case.state, case.wish.name) if fixed else None
    if length is not None and isinstance(size, int) and length < size:
        yield (
            f"a file of {show_size(length)} stands there, too short for a fixed disk of {show_size(size)}. Perhaps its making "
            "was interrupted: delete it (state absent, remove_file: true) to have it made, or leave out type and size to "
            "import it as it is."
        )


def imported_as_it_is(case: Case) -> Iterator[str]:
    """Return what cannot be chosen, or known, of a file that is imported."""
    if not is_import(case):
        return
    if given := [
        row.option for row in case.kind.properties if not row.shown and row.option in case.wish.values
    ]:
        yield f"the file exists and is imported: {listed(given)} stay as they are in the file."
    if case.wanted("type") == "fixed":
        # "Intact but not zeroed": https://learn.microsoft.com/powershell/module/iscsitarget/stop-iscsivirtualdiskoperation
        yield (
            "the file exists and is imported. Should its making have been interrupted, initiators can read in it what the "
            "drive held before: then delete it (state absent, remove_file: true), and have it made again."
        )


# Space --------------------------------------------------------------------------------------------------------------------


def takes(case: Case) -> int:
    """Return how many bytes of its drive the disk takes at once: a fixed one all that it grows by, others next to nothing."""
    size, now = case.wanted("size"), case.has("size")
    fixed = type_of(case) == "fixed" and not case.wish.absent and not is_import(case)
    return max(0, size - (now if isinstance(now, int) else 0)) if fixed and isinstance(size, int) else 0


def no_space(case: Case) -> Iterator[str]:
    """Return that a fixed disk does not fit on its drive, with those that the document puts there before it."""
    more, letter = takes(case), drive(case.wish.name)
    disks = case.state.table(case.kind.name).values() if more else ()
    before = [t.cast("int", disk.facts.get("takes") or 0) for disk in disks if drive(disk.name) == letter]
    for fault in lack_of_space(case.state, case.wish.name, more + sum(before)) if more else ():
        yield (
            f"it takes {show_size(more)} at once. With what comes before it, {fault}"
            if any(before)
            else fault
        )

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual disks of iSCSI Target Server: .vhdx files that targets show to initiators.

What only making a disk again could change is refused, since its data would be lost.
https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Change,
    Difference,
    Identity,
    Kind,
    New,
    Property,
    Row,
    Set,
    State,
    Step,
    Thing,
    Values,
    Wish,
    Word,
    certain,
    never,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import (
    alteration,
    creation,
    removal,
    settled,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import MIB, TIB, show_size
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    Json,
    Text,
    listed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import disk_files as file
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import (
    DISKS,
    MAX_DISKS,
    TARGET,
    WT_DISKS,
    WT_DISKS_AGAIN,
    by_name,
    clustered,
    disk_guard,
    enabled_unknown,
    on_a_node,
    read_as,
    showing,
    target_server,
    text_of,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_values import (
    BlockSize,
    DiskPath,
    DiskSize,
    Enabled,
    SectorSize,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import (
    file_fault,
    is_vhd,
    path_key,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.volumes import VOLUMES

# https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
SIZES_VHDX: t.Final = (3 * MIB, 64 * TIB)
SIZES_VHD_FIXED: t.Final = (8 * MIB, 16 * TIB)
SIZES_VHD: t.Final = (8 * MIB, 2 * TIB)
TYPES: t.Final = {"dynamic": "Dynamic", "fixed": "Fixed", "differencing": "Differencing"}


# Reading ------------------------------------------------------------------------------------------------------------------


def _read(state: State) -> Iterator[Thing]:
    wmi = by_name(state, WT_DISKS, path_key)
    for row in state.rows(DISKS):
        path = text_of(row, DISKS, "Path")
        key = path_key(path)
        more: Row = wmi.get(key, {})
        values = state.row_values(KIND, key, {DISKS.name: row, WT_DISKS.name: more})
        values["description"] = values["description"] or str(more.get("Description") or "")
        if values["enabled"] is None:
            values["enabled"] = _asked_again(state, key)
        yield Thing(key, path, values, _facts(row))


def _asked_again(state: State, key: str) -> Json:
    """Return what WMI says of Enabled at the second time of asking; None where nobody wants to know."""
    wish = state.wish_for(KIND.name, key)
    if wish is None or "enabled" not in wish.values:
        return None
    row = by_name(state, WT_DISKS_AGAIN, path_key).get(key, {})
    return read_as(Flag(), row, WT_DISKS_AGAIN, "Enabled")


def _facts(row: Row) -> Values:
    """Return what is no option. SnapshotIds is one string, or null."""
    ids = row.get("SnapshotIds") or ""
    return {
        "status": row.get("Status"),
        "serial_number": row.get("SerialNumber"),
        "snapshots": re.findall(r"[^,;\s]+", ids if isinstance(ids, str) else " ".join(map(str, ids))),
        "cluster_group": row.get("ClusterGroupName") or None,
    }


# The way ------------------------------------------------------------------------------------------------------------------


def _plan(case: Case) -> Change:
    if case.wish.absent:
        return removal(case)
    if file.is_import(case):
        return _imported(case)
    found = _created(case) if case.have is None else alteration(case, case.have)
    # What a disk takes of its drive at once is missing there for later ones.
    more = file.takes(case) if found.steps else 0
    after = found.after and replace(found.after, facts={**found.after.facts, "takes": more})
    return replace(found, after=after) if more else found


def _created(case: Case) -> Change:
    found = creation(case)
    new, *rest = found.steps
    # A new disk has no description, and is dynamic unless another parameter set says otherwise.
    params = {name: value for name, value in new.call.params.items() if value != ""}
    params |= {"UseFixed": True} if file.type_of(case) == "fixed" else {}
    steps = (replace(new, call=replace(new.call, params=params)), *rest)
    return replace(found, steps=steps, after=_with_file(found.after))


def _made(case: Case) -> Values:
    """Return what a new disk has beside what was wished: a differencing one has the size of its parent."""
    parent = case.state.find(KIND.name, path_key(str(case.wanted("parent_path") or "")))
    return {"type": file.type_of(case)} | ({"size": parent.values.get("size")} if parent else {})


def _imported(case: Case) -> Change:
    """Return the change that registers a file. What it holds is known only afterwards, and compared then."""
    wish = case.wish
    params: dict[str, ParamValue] = {"Path": wish.name}
    params |= {"Description": str(wish.values["description"])} if wish.values.get("description") else {}
    steps = [Step(Call("Import-IscsiVirtualDisk", params, change=True))]
    if wish.values.get("enabled") is False:
        steps.append(Step(change("Set-IscsiVirtualDisk", Path=wish.name, Enable=False)))
    shown = {option: want for option, want in wish.values.items() if KIND.row(option).shown}
    fresh: Values = {"description": "", "enabled": True}
    after = _with_file(Thing(wish.key, wish.name, {**fresh, **shown}))
    differences = tuple(Difference(option, None, want) for option, want in shown.items())
    return settled(case, Change(wish, None, after, tuple(steps), differences), [file_fault(wish.name)])


def _with_file(disk: Thing | None) -> Thing | None:
    """Return a disk with the file that state.path is to find from now on."""
    return disk and replace(disk, facts={**disk.facts, "path": disk.name, "stands": "file"})


def _resize(case: Case, want: Json) -> Iterator[Step]:
    """Return the call that resizes. The parameter is -Size on every release, as an alias since 2016."""
    size = t.cast("int", want)
    yield Step(
        change("Resize-IscsiVirtualDisk", Path=certain(case.have).name, Size=size), destructive=_shrinks(case)
    )


def _shrinks(case: Case) -> bool:
    return t.cast("int", case.wanted("size")) < t.cast("int", case.has("size") or 0)


def _removes(case: Case) -> Iterator[Step]:
    path = case.wish.name if case.have is None else case.have.name
    if case.have is not None:
        yield Step(change("Remove-IscsiVirtualDisk", Path=path), destructive=True)
    if file.deletes(case) and file.has_file(case, path):
        yield Step(change("Remove-Item", LiteralPath=path), destructive=True)


# What is refused, missing, or worth a word --------------------------------------------------------------------------------


def _protected(case: Case) -> Iterator[str]:
    path = case.wish.name if case.have is None else case.have.name
    wanted = {} if case.wish.absent else case.wish.values
    if guard := disk_guard(case.state, path, str(wanted.get("description") or "")):
        yield guard.sentence(case.wish.name)
    parent = wanted.get("parent_path")
    if parent and (guard := disk_guard(case.state, str(parent))):
        yield guard.sentence(f"the parent {parent}")


def _impossible(case: Case) -> Iterator[str]:
    """Return what does not go together in a disk that is made."""
    if not file.is_made(case):
        return
    size, parent, sectors = (case.wanted(name) for name in ("size", "parent_path", "logical_sector_size"))
    if is_vhd(case.wish.name):
        yield "there is no such file, and Windows makes .vhdx only. Put a .vhd there to have it imported, or name it .vhdx."
    if size is None and parent is None:
        yield "it does not exist yet, and there is no size to make it with. Give size."
    if case.wanted("type") == "differencing" and parent is None:
        yield "type differencing needs the disk that it builds on. Give parent_path."
    if parent is not None and is_vhd(str(parent)):
        yield f"the parent {parent} is a .vhd, and this would be a .vhdx. Give a .vhdx parent."
    if parent is not None and sectors is not None:
        yield "a differencing disk has the logical sectors of its parent. Leave logical_sector_size out."
    if sectors == 4096 and case.wanted("physical_sector_size") == 512:
        yield "logical_sector_size is larger than physical_sector_size. Give 4096 for both, or leave them out."


def _out_of_range(case: Case) -> Iterator[str]:
    """Return that no disk can have the size that a new or resized one is to have."""
    size = case.wanted("size")
    low, high = _sizes(case)
    if case.wish.absent or file.is_import(case) or not isinstance(size, int) or size == case.has("size"):
        return
    if not low <= size <= high:
        yield f"size {show_size(size)} is not possible. Such a disk has {show_size(low)} to {show_size(high)}."
    least = _made(case).get("size") if file.is_made(case) else None
    if isinstance(least, int) and size < least:
        yield f"size {show_size(size)} is smaller than that of its parent, {show_size(least)}. Give at least that."


def _sizes(case: Case) -> tuple[int, int]:
    if not is_vhd(case.wish.name):
        return SIZES_VHDX
    return SIZES_VHD_FIXED if file.type_of(case) == "fixed" else SIZES_VHD


def _may_resize(case: Case, have: Json, want: Json) -> str | None:
    if children := _children(case):
        return f"It is the parent of {listed(children)}, which would be lost. Leave its size as it is."
    if _shrinks(case) and is_vhd(case.wish.name):
        return "Windows cannot shrink the .vhd format. Leave its size as it is."
    if _shrinks(case) and not case.word("allow_shrink"):
        return "What is stored at its end would be cut off. Set allow_shrink: true if no partition uses it."
    return None


def _children(case: Case) -> list[str]:
    """Return the disks that build on this one."""
    parents = ((disk.name, disk.values.get("parent_path")) for disk in case.state.table(KIND.name).values())
    return [name for name, parent in parents if parent and path_key(str(parent)) == case.wish.key]


def _snapshots(case: Case) -> Iterator[str]:
    ids = t.cast("list[str]", case.have.facts.get("snapshots") or []) if case.have else []
    if case.wish.absent and ids:
        yield (
            f"it has {_count(ids, 'snapshot')}, which would be lost. Remove them first, with "
            "Remove-IscsiVirtualDiskSnapshot."
        )


def _in_use(case: Case) -> Iterator[str]:
    """Return who still needs a disk that is to go. Another task, or an earlier object, may take that away."""
    names = [target.name for target in showing(case.state, case.wish.name)] if case.wish.absent else []
    if case.have is not None and names:
        yield f"it is shown by {_count(names, 'target')}. Take it out of luns of iscsi_server_target first."
    if file.deletes(case) and (children := _children(case)):
        yield f"it is the parent of {listed(children)}, which would lose their data. Remove those first."


def _count(names: list[str], noun: str) -> str:
    return f"the {noun}{'' if len(names) == 1 else 's'} {listed(names)}"


def _many(case: Case) -> Iterator[str]:
    count = len(case.state.table(KIND.name)) if file.is_new(case) else 0
    if count >= MAX_DISKS:
        yield f"the host has {count} virtual disks. Microsoft recommends {MAX_DISKS} at most."


def _contradiction(wish: Wish) -> Iterator[str]:
    """Return what no disk can be."""
    parent, kind = wish.values.get("parent_path"), wish.values.get("type")
    if parent and path_key(str(parent)) == wish.key:
        yield "parent_path: a disk cannot be its own parent. Correct one of the two paths."
    if parent and kind in ("dynamic", "fixed"):
        yield f"type: a disk of type {kind} has no parent. Leave parent_path out, or give type differencing."


def _pattern(disk: Thing, state: State) -> str | None:
    guard = disk_guard(state, disk.name)
    return guard.pattern if guard else None


_SET: t.Final = "Set-IscsiVirtualDisk"
_AGAIN: t.Final = never(
    "Only making the disk again could change that, and its data would be lost. Give the new disk another path, or remove this "
    "one first (state absent, remove_file: true)."
)

KIND: t.Final = Kind(
    name="iscsi_virtual_disk",
    noun="virtual disk",
    identity=Identity("path", DiskPath(), DISKS["Path"], parameter="Path", key=path_key, fault=file_fault),
    properties=(
        Property("size", DiskSize(), DISKS["Size"], By(_resize), _may_resize, new="SizeBytes"),
        Property("type", Choice(TYPES), DISKS["DiskType"], change=_AGAIN, fresh="dynamic"),
        Property("parent_path", DiskPath(), DISKS["ParentPath"], change=_AGAIN, new="ParentPath"),
        Property("description", Text(), DISKS["Description"], Set(_SET, "Description"), new="Description", fresh=""),
        Property("enabled", Enabled(), WT_DISKS["Enabled"], Set(_SET, "Enable"), fresh=True),
        # Of a disk that is there Windows shows none of these.
        Property("logical_sector_size", SectorSize(), new="LogicalSectorSizeBytes", shown=False),
        Property("physical_sector_size", SectorSize(), new="PhysicalSectorSizeBytes", shown=False),
        Property("block_size", BlockSize(), new="BlockSizeBytes", shown=False),
    ),
    options=(Word("allow_shrink", Flag(), default=False), Word("remove_file", Flag(), default=False)),
    gathers=(DISKS, WT_DISKS, VOLUMES),
    consults=("windows_service", TARGET),
    creates=New("New-IscsiVirtualDisk", "Path"),
    removes=_removes,
    asks=file.asks,
    read=_read,
    available=target_server,
    checks=_contradiction,
    plan=_plan,
    made=_made,
    refuses=(
        *(_protected, clustered, _impossible, _out_of_range, _snapshots),
        *(file.links, file.unusable, file.wrong_drive, file.not_whole, file.no_space),
    ),
    needs=(file.no_drive, file.no_place, file.no_parent, _in_use),
    warns=(file.imported_as_it_is, _many, enabled_unknown, on_a_node),
    protects=_pattern,
)  # fmt: skip

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A virtual disk of iSCSI Target Server: a .vhdx file that targets show to initiators.

https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import ntpath
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils._foreign import CINDER_OPTION, Cinder, refuse
from ansible_collections.winstack.windows.plugins.plugin_utils._host_view import host_view
from ansible_collections.winstack.windows.plugins.plugin_utils._iscsi_target import (
    MAX_DISKS,
    answered,
    read_disks,
    read_targets,
    things,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import (
    disk_path,
    drive,
    is_vhd,
    path_key,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    STATE_OPTIONS,
    Have,
    Plan,
    Resource,
    Thing,
    release,
    rows,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS, path_section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import (
    GIB,
    MIB,
    TIB,
    parse_size,
    show_size,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

# https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
SIZES_VHDX: t.Final = (3 * MIB, 64 * TIB)
SIZES_VHD_FIXED: t.Final = (8 * MIB, 16 * TIB)
SIZES_VHD: t.Final = (8 * MIB, 2 * TIB)
# [MS-VHDX] 2.2.3.2: a block is a power of two from 1 MB to 256 MB.
BLOCKS: t.Final = tuple(MIB << bit for bit in range(9))

FILE_SYSTEMS: t.Final = ("NTFS", "ReFS")

_FIXED_AT_CREATION: t.Final = ("logical_sector_size", "physical_sector_size", "block_size")
_SHOWN: t.Final = ("size", "type", "parent_path", "description", "enabled")


@dataclass(frozen=True)
class Want:
    """The options of the module, read: sizes in bytes, paths in plain spelling; None is what the task leaves open."""

    path: str
    size: int | None
    type: str | None
    parent_path: str | None
    geometry: Mapping[str, int]

    @property
    def key(self) -> str:
        """What is equal for all spellings of the path."""
        return path_key(self.path)


class IscsiVirtualDisk(Resource):
    """One virtual disk, known by its path.

    A thing has: path, size (bytes), type (dynamic, fixed, differencing), parent_path, description, enabled. A have holds
    release, disks (things with status, serial_number, snapshots and the names of the targets that show them) and volumes.
    """

    argument_spec: t.ClassVar[dict[str, t.Any]] = {
        "path": {"type": "str"},
        "size": {"type": "str"},
        "type": {"type": "str", "choices": ["dynamic", "fixed", "differencing"]},
        "parent_path": {"type": "str"},
        "description": {"type": "str"},
        "enabled": {"type": "bool"},
        "logical_sector_size": {"type": "int", "choices": [512, 4096]},
        "physical_sector_size": {"type": "int", "choices": [512, 4096]},
        "block_size": {"type": "str"},
        "allow_shrink": {"type": "bool", "default": False},
        "remove_file": {"type": "bool", "default": False},
        "cinder": CINDER_OPTION,
        **STATE_OPTIONS,
    }
    constraints: t.ClassVar[dict[str, t.Any]] = {
        "required_if": [("state", state, ("path",)) for state in ("present", "absent", "rendered")],
    }
    sections: t.ClassVar[tuple[str, ...]] = (
        *("services", "volumes", "iscsi_virtual_disks", "wt_disks"),
        *("iscsi_server_targets", "wt_hosts"),
    )
    touches: t.ClassVar[tuple[str, ...]] = ("iscsi_virtual_disks", "wt_disks", "volumes")

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        """Take the options of the module. Raise WantError for what no host could be given."""
        super().__init__(params)
        self.cinder = Cinder.from_option(params.get("cinder"))
        self.want = _want(params)
        self._refuse_foreign_names()

    # What is there ----------------------------------------------------------------------------------------------------

    @staticmethod
    def read(facts: Facts) -> Have:
        """Give all registered virtual disks and the volumes. Raise HostError if the host did not say."""
        targets = read_targets(facts)
        rows(facts, "volumes")
        return {
            "release": release(facts),
            "disks": [disk | {"targets": _showing(disk["path"], targets)} for disk in read_disks(facts)],
            "volumes": host_view({"volumes": facts["volumes"]})["volumes"],
        }

    @classmethod
    def shown(cls, have: Have, params: Mapping[str, t.Any]) -> Have:
        """Add to each disk who owns it: cinder, or nobody that is known."""
        cinder = Cinder.from_option(params.get("cinder"))
        return have | {
            "disks": [
                disk | {"owner": "cinder" if _foreign(cinder, disk) else None} for disk in have["disks"]
            ]
        }

    def current(self, have: Have) -> Thing:
        """Give the wanted disk as it is registered now."""
        disk = self._registered(have)
        return {} if disk is None else _thing(disk, self.want)

    def probes(self, have: Have) -> Mapping[str, Call]:
        """Ask for files where something has to be made or removed, and again for what WMI had not known."""
        disk = self._registered(have)
        if self.params["state"] == "absent":
            return dict([path_section(self.want.path)] if self.params["remove_file"] else [])
        if disk is None:
            return dict(self._files_to_know(have))
        unknown = self.params.get("enabled") is not None and disk.get("enabled") is None
        return {"wt_disks": SECTIONS["wt_disks"]} if unknown else {}

    def _files_to_know(self, have: Have) -> Iterator[tuple[str, Call]]:
        yield path_section(self.want.path)
        yield path_section(ntpath.dirname(self.want.path))
        if self.want.parent_path and self._disk_at(have, self.want.parent_path) is None:
            yield path_section(self.want.parent_path)

    def _registered(self, have: Have) -> Mapping[str, t.Any] | None:
        return self._disk_at(have, self.want.path)

    def _disk_at(self, have: Have, path: str) -> Mapping[str, t.Any] | None:
        key = path_key(path)
        return next((disk for disk in things(have, "disks", "path") if path_key(disk["path"]) == key), None)

    def _children(self, have: Have) -> list[str]:
        disks = things(have, "disks", "path")
        return [disk["path"] for disk in disks if path_key(disk.get("parent_path") or "") == self.want.key]

    # What belongs to cinder-volume ------------------------------------------------------------------------------------

    def _refuse_foreign_names(self) -> None:
        description = self.params.get("description") or ""
        for path, text in ((self.want.path, description), (self.want.parent_path, "")):
            reason = self.cinder.disk(path, text) if path else None
            if reason:
                raise refuse(str(path), reason)

    def _refuse_foreign(self, have: Have) -> None:
        for path in (self.want.path, self.want.parent_path):
            disk = self._disk_at(have, path) if path else None
            reason = _foreign(self.cinder, disk) if disk else None
            if reason:
                raise refuse(str(path), reason)

    # The way ----------------------------------------------------------------------------------------------------------

    def plan(self, have: Have, probed: Facts) -> Plan:
        """Give the calls for the wanted state. Raise RefusedError for what would destroy, or is somebody else's."""
        self._refuse_foreign(have)
        disk = self._registered(have)
        if self.params["state"] == "absent":
            return self._absent(have, disk, probed)
        if disk is not None:
            return self._changed(have, disk, probed)
        file = _file(probed, self.want.path)
        self._refuse_place(have)
        self._refuse_attributes(probed)
        if file == "file" or (file is None and is_vhd(self.want.path)):
            return self._imported(probed)
        if is_vhd(self.want.path):
            return Plan({}, {}, unmet=(_NO_VHD.format(path=self.want.path),))
        return self._created(have, probed)

    def _changed(self, have: Have, disk: Mapping[str, t.Any], probed: Facts) -> Plan:
        before = _thing(disk, self.want)
        if before["enabled"] is None:
            before["enabled"] = answered(probed, "wt_disks", "DevicePath", disk["path"])
        self._refuse_recreation(disk)
        calls = tuple(self._changes(have, disk, before))
        return Plan(before, _known(before | self._wanted()), calls)

    def _changes(self, have: Have, disk: Mapping[str, t.Any], before: Thing) -> Iterator[Call]:
        if self.want.size is not None and self.want.size != before["size"]:
            self._refuse_resize(have, disk, self.want.size)
            yield change("Resize-IscsiVirtualDisk", Path=disk["path"], Size=self.want.size)
        settings: dict[str, ParamValue] = {}
        if self.params.get("description") not in (None, before["description"]):
            settings["Description"] = self.params["description"]
        if self.params.get("enabled") not in (None, before["enabled"]):
            settings["Enable"] = self.params["enabled"]
        if settings:
            yield change("Set-IscsiVirtualDisk", Path=disk["path"], **settings)

    def _created(self, have: Have, probed: Facts) -> Plan:
        want, description = self.want, self.params.get("description")
        kind = want.type or "dynamic"
        if want.size is None and kind != "differencing":
            raise WantError(f"{want.path} does not exist yet, and the task gives no size to make it with.")
        self._refuse_size(have, kind)
        params: dict[str, ParamValue] = {"Path": want.path}
        params |= {} if want.size is None else {"SizeBytes": want.size}
        params |= {"ParentPath": want.parent_path} if want.parent_path else {}
        params |= {"UseFixed": True} if kind == "fixed" else {}
        params |= {"Description": description} if description else {}
        params |= {_PARAMETERS[name]: value for name, value in want.geometry.items()}
        calls = (change("New-IscsiVirtualDisk", **params), *self._disabling())
        after = {"path": want.path, "type": kind} | self._wanted()
        return Plan({}, after, calls, tuple(_limit_warning(have)), tuple(self._missing(have, probed)))

    def _imported(self, probed: Facts) -> Plan:
        description = self.params.get("description")
        params: dict[str, ParamValue] = {"Path": self.want.path}
        params |= {"Description": description} if description else {}
        after = {"path": self.want.path} | {
            name: self.params[name]
            for name in ("description", "enabled")
            if self.params.get(name) is not None
        }
        calls = (change("Import-IscsiVirtualDisk", **params), *self._disabling())
        before = {"path": self.want.path, "registered": False}
        return Plan(before, after, calls, tuple(self._import_warnings()), partial=True)

    def _import_warnings(self) -> Iterator[str]:
        if self.want.geometry:
            yield (
                f"The file {self.want.path} exists and is imported: {', '.join(self.want.geometry)} stay as they are in "
                "the file."
            )

    def _disabling(self) -> Iterator[Call]:
        """A new disk is enabled: cinder-volume shows its own without enabling them."""
        if self.params.get("enabled") is False:
            yield change("Set-IscsiVirtualDisk", Path=self.want.path, Enable=False)

    def _wanted(self) -> Thing:
        given = {
            "size": self.want.size,
            "type": self.want.type,
            "parent_path": self.want.parent_path,
            "description": self.params.get("description"),
            "enabled": self.params.get("enabled"),
        }
        return {name: value for name, value in given.items() if value is not None}

    def _absent(self, have: Have, disk: Mapping[str, t.Any] | None, probed: Facts) -> Plan:
        """What still shows the disk, or builds on its file, may be what an earlier task of the run removes."""
        file = self._file_to_remove(disk, probed)
        unmet = tuple(self._in_use(have, disk, removes_file=bool(file)))
        if disk is None:
            before = {"path": self.want.path, "registered": False} if file else {}
            return Plan(before, {}, file, unmet=unmet)
        self._refuse_lost_snapshots(disk)
        remove = change("Remove-IscsiVirtualDisk", Path=disk["path"])
        return Plan(_thing(disk, self.want), {}, (remove, *file), unmet=unmet)

    def _file_to_remove(self, disk: Mapping[str, t.Any] | None, probed: Facts) -> tuple[Call, ...]:
        stands = _file(probed, self.want.path)
        there = stands == "file" or (stands is None and disk is not None)
        if not self.params["remove_file"] or not there:
            return ()
        return (change("Remove-Item", LiteralPath=self.want.path),)

    def _in_use(self, have: Have, disk: Mapping[str, t.Any] | None, *, removes_file: bool) -> Iterator[str]:
        if disk is not None and disk.get("targets"):
            yield (
                f"{disk['path']} was not removed: it is shown by {_count(disk['targets'], 'target')}. Take it out of the "
                "luns of winstack.windows.iscsi_server_target first."
            )
        if removes_file and (children := self._children(have)):
            yield (
                f"{self.want.path} was not removed: it is the parent of {', '.join(children)}, which would lose their data. "
                "Remove these first."
            )

    # What is refused --------------------------------------------------------------------------------------------------

    def _refuse_lost_snapshots(self, disk: Mapping[str, t.Any]) -> None:
        if disk.get("snapshots"):
            raise RefusedError(
                f"{disk['path']} was not removed: it has {_count(disk['snapshots'], 'snapshot')}, which would be lost. "
                "Remove them first, with Remove-IscsiVirtualDiskSnapshot."
            )

    def _refuse_recreation(self, disk: Mapping[str, t.Any]) -> None:
        wanted = {"type": self.want.type, "parent_path": self.want.parent_path} | dict(self.want.geometry)
        told = [
            f"{name} is {disk[name]} and {value} was wanted"
            for name, value in wanted.items()
            if value is not None and disk.get(name) is not None and not _same(name, disk[name], value)
        ]
        if told:
            raise RefusedError(
                f"{disk['path']} was not changed: {'; '.join(told)}. Only making the disk again could change that, and its "
                "data would be lost. Give the new disk another path, or remove this one first with state absent and "
                "remove_file."
            )

    def _refuse_resize(self, have: Have, disk: Mapping[str, t.Any], size: int) -> None:
        now = int(disk.get("size") or 0)
        where = f"{disk['path']} was not resized from {show_size(now)} to {show_size(size)}: "
        if children := self._children(have):
            raise RefusedError(f"{where}it is the parent of {', '.join(children)}, which would be lost.")
        if size < now and is_vhd(disk["path"]):
            raise RefusedError(f"{where}Windows cannot shrink the .vhd format.")
        if size < now and not self.params["allow_shrink"]:
            raise RefusedError(
                f"{where}what is stored at its end would be cut off. Say allow_shrink if that space is not allocated."
            )
        low, high = _sizes(disk["path"], disk.get("type"))
        if not low <= size <= high:
            raise RefusedError(
                f"{where}such a disk has at least {show_size(low)} and at most {show_size(high)}."
            )
        if disk.get("type") == "fixed":
            self._refuse_lack_of_space(have, size - now)

    def _refuse_size(self, have: Have, kind: str) -> None:
        """Refuse a new disk that does not fit: a fixed one its volume, a differencing one its parent."""
        if kind == "fixed" and self.want.size is not None:
            self._refuse_lack_of_space(have, self.want.size)
        parent = self._disk_at(have, self.want.parent_path) if self.want.parent_path else None
        if parent and self.want.size is not None and self.want.size < int(parent.get("size") or 0):
            raise RefusedError(
                f"{self.want.path} was not made: its size {show_size(self.want.size)} is smaller than that of its parent, "
                f"{show_size(parent['size'])}."
            )

    def _refuse_lack_of_space(self, have: Have, more: int) -> None:
        volume = (have.get("volumes") or {}).get(drive(self.want.path)) or {}
        free = volume.get("free")
        if free is not None and more > int(free):
            raise RefusedError(
                f"{self.want.path} of type fixed needs {show_size(more)} more on {drive(self.want.path)}, which has "
                f"{int(free) / GIB:.1f} GB free."
            )

    def _refuse_place(self, have: Have) -> None:
        """Refuse a drive that is not there, or cannot hold virtual disks. An operator's have may leave the volumes out."""
        volumes = have.get("volumes")
        if not volumes:
            return
        letter = drive(self.want.path)
        volume = volumes.get(letter)
        if volume is None:
            raise RefusedError(
                f"{self.want.path} was not made: the host has no drive {letter}. It has {', '.join(sorted(volumes))}."
            )
        system = volume.get("file_system")
        if volume.get("kind") != "local" or str(system).upper() not in map(str.upper, FILE_SYSTEMS):
            raise RefusedError(
                f"{self.want.path} was not made: {letter} is a {volume.get('kind')} drive with file system {system}. Virtual "
                f"disks need a local drive with {' or '.join(FILE_SYSTEMS)}."
            )

    def _refuse_attributes(self, probed: Facts) -> None:
        """Refuse a file that Windows would not open; a new one takes over the compression of its folder."""
        for path in (self.want.path, ntpath.dirname(self.want.path)):
            section = probed.get(path_section(path)[0])
            found = [str(row.get("Attributes")) for row in section.data] if section and section.ok else []
            wrong = [name for name in _UNUSABLE if any(name in text.split(", ") for text in found)]
            if wrong:
                raise RefusedError(
                    f"{self.want.path} was not made: {path} has the attribute {' and '.join(wrong)}, and virtual disks cannot "
                    "be compressed or sparse. Take the attribute away, or choose another folder."
                )

    def _missing(self, have: Have, probed: Facts) -> Iterator[str]:
        folder = ntpath.dirname(self.want.path)
        stands = _file(probed, folder)
        if stands not in (None, "directory"):
            yield (
                f"There is no folder {folder} that could be read. Make it first, with ansible.windows.win_file and state "
                "directory."
            )
        if _file(probed, self.want.path) == "directory":
            yield f"{self.want.path} is a folder."
        parent = self.want.parent_path
        if parent and self._disk_at(have, parent) is None and _file(probed, parent) not in (None, "file"):
            yield f"There is no parent disk {parent} that could be read. Make it first."


_PARAMETERS: t.Final = {
    "logical_sector_size": "LogicalSectorSizeBytes",
    "physical_sector_size": "PhysicalSectorSizeBytes",
    "block_size": "BlockSizeBytes",
}

# https://learn.microsoft.com/powershell/module/iscsitarget/new-iscsivirtualdisk; names of System.IO.FileAttributes.
_UNUSABLE: t.Final = ("Compressed", "SparseFile")

_NO_VHD: t.Final = (
    "There is no file {path}, and Windows makes virtual disks as .vhdx only. Put the .vhd file there to have it imported, or "
    "name the disk .vhdx."
)


def _want(params: Mapping[str, t.Any]) -> Want:
    """Read the options. Raise WantError for what cannot be."""
    path = disk_path(str(params["path"]), "path")
    parent = params.get("parent_path")
    parent_path = disk_path(str(parent), "parent_path") if parent else None
    kind = params.get("type") or ("differencing" if parent_path else None)
    size = _wanted_size(params.get("size"), path, kind)
    _check_kind(kind, path, parent_path)
    return Want(path, size, kind, parent_path, _geometry(params, kind))


def _check_kind(kind: str | None, path: str, parent_path: str | None) -> None:
    if (kind == "differencing") != (parent_path is not None):
        raise WantError(
            f"{path}: a disk of type differencing needs parent_path, and only such a disk has a parent."
        )
    if parent_path is None:
        return
    if path_key(parent_path) == path_key(path):
        raise WantError(f"parent_path: {path} cannot be its own parent.")
    if is_vhd(parent_path) != is_vhd(path):
        raise WantError(f"parent_path: {parent_path} and {path} have to be of one format, .vhdx.")


def _wanted_size(text: str | None, path: str, kind: str | None) -> int | None:
    if text is None:
        return None
    size = parse_size(str(text), "size")
    low, high = _sizes(path, kind)
    if not low <= size <= high:
        raise WantError(
            f"size: {text} is not possible for {path}: such a disk has at least {show_size(low)} and at most "
            f"{show_size(high)}."
        )
    if size % MIB:
        raise WantError(
            f"size: {text} is {size} bytes, which is no whole number of MiB; Windows counts disks in MiB."
        )
    return size


def _sizes(path: str, kind: str | None) -> tuple[int, int]:
    """Give the smallest and the largest size; the widest range where the type is not known."""
    if not is_vhd(path):
        return SIZES_VHDX
    return SIZES_VHD_FIXED if kind in (None, "fixed") else SIZES_VHD


def _geometry(params: Mapping[str, t.Any], kind: str | None) -> dict[str, int]:
    """Give the properties that only creation can choose, in bytes."""
    given = {name: params[name] for name in _FIXED_AT_CREATION if params.get(name) is not None}
    if "block_size" in given:
        given["block_size"] = parse_size(str(given["block_size"]), "block_size")
        if given["block_size"] not in BLOCKS:
            raise WantError(
                f"block_size: {params['block_size']} is not a power of two from {show_size(BLOCKS[0])} to "
                f"{show_size(BLOCKS[-1])}."
            )
    if kind == "differencing" and "logical_sector_size" in given:
        raise WantError("logical_sector_size: a disk of type differencing has that of its parent.")
    if given.get("logical_sector_size", 512) > given.get("physical_sector_size", 4096):
        raise WantError("logical_sector_size cannot be larger than physical_sector_size.")
    return given


def _thing(disk: Mapping[str, t.Any], want: Want) -> Thing:
    """Give what is compared. A path that differs only in case reads as the task spells it."""
    thing: Thing = {"path": want.path} | {name: disk.get(name) for name in _SHOWN}
    parent = thing["parent_path"]
    if parent and want.parent_path and path_key(parent) == path_key(want.parent_path):
        thing["parent_path"] = want.parent_path
    return thing | {"description": thing["description"] or ""}


def _known(thing: Thing) -> Thing:
    return {name: value for name, value in thing.items() if value is not None or name != "enabled"}


def _same(name: str, have: t.Any, want: t.Any) -> bool:
    return path_key(str(have)) == path_key(str(want)) if name == "parent_path" else bool(have == want)


def _showing(path: str, targets: list[dict[str, t.Any]]) -> list[str]:
    key = path_key(path)
    return [
        target["name"]
        for target in targets
        if any(path_key(str(item["path"])) == key for item in target["luns"])
    ]


def _foreign(cinder: Cinder, disk: Mapping[str, t.Any]) -> str | None:
    return cinder.disk(disk["path"], disk.get("description") or "", disk.get("targets") or ())


def _file(probed: Facts, path: str) -> str | None:
    """Say what stands at a path: file, directory, absent or unknown; None if nobody asked."""
    section: Section | None = probed.get(path_section(path)[0])
    if section is None:
        return None
    return str(next(iter(host_view({path_section(path)[0]: section})["paths"].values())))


def _limit_warning(have: Have) -> Iterator[str]:
    count = len(things(have, "disks", "path"))
    if count >= MAX_DISKS:
        yield f"The host has {count} virtual disks; Microsoft recommends at most {MAX_DISKS} a server."


def _count(names: t.Any, noun: str) -> str:
    listed = [str(name) for name in names]
    return f"{noun}{'' if len(listed) == 1 else 's'} {', '.join(listed)}"

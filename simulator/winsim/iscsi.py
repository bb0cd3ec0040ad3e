# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Microsoft iSCSI Target Server of a simulated host: virtual disks, snapshots, targets, portals.

What is refused follows the published pages of the IscsiTarget module and of the limits of the target server
(https://learn.microsoft.com/powershell/module/iscsitarget,
https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits). Marks in comments:
[D] deduced from those pages, [?] not published, the strict reading was taken. The text of every message is [?].
"""

from __future__ import annotations

import ipaddress
import ntpath
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from winsim.checks import check_keys
from winsim.errors import FileError, WinError
from winsim.files import GIB, MIB, Node, parse_size

if TYPE_CHECKING:
    from winsim.host import Host

TIB = 1024 * GIB
SERVICE = "WinTarget"
FEATURE = "FS-iSCSITarget-Server"
DEFAULT_PORT = 3260
MAX_LUNS = 256
VHDX_MIN, VHDX_MAX = 3 * MIB, 64 * TIB
VHD_MIN, VHD_FIXED_MAX, VHD_DYNAMIC_MAX = 8 * MIB, 16 * TIB, 2 * TIB
# What an empty dynamic .vhdx takes on disk; a fixed one takes its size besides [D from Get-VHD transcripts].
VHDX_OVERHEAD = 4 * MIB
VHD_FOOTER = 512

FIXED, DYNAMIC, DIFFERENCING = "Fixed", "Dynamic", "Differencing"
# WT_Disk.Type, https://learn.microsoft.com/previous-versions/windows/desktop/iscsitarg/wt-disk
WMI_DISK_TYPES = {FIXED: 2, DYNAMIC: 3, DIFFERENCING: 4}

ERROR_FILE_NOT_FOUND = 2
ERROR_PATH_NOT_FOUND = 3
ERROR_ACCESS_DENIED = 5
ERROR_NOT_SUPPORTED = 50
ERROR_FILE_EXISTS = 80
ERROR_INVALID_PARAMETER = 87
ERROR_GEN_FAILURE = 31
ERROR_OPERATION_ABORTED = 995
ERROR_DISK_FULL = 112
ERROR_INVALID_NAME = 123
ERROR_BUSY = 170
ERROR_SERVICE_NOT_ACTIVE = 1062
ERROR_NOT_FOUND = 1168
ERROR_FILE_CORRUPT = 1392

# The names that Get-IscsiServerTarget prints: "Iqn" and "DnsName" are seen in transcripts, the spelling of the
# other three is [D] from .NET naming. Numbers: WT_IDMethod.Method.
INITIATOR_KINDS = {
    "dnsname": ("DnsName", 1),
    "ipaddress": ("IPAddress", 2),
    "macaddress": ("MacAddress", 3),
    "iqn": ("Iqn", 4),
    "ipv6address": ("IPv6Address", 5),
}
# RFC 3720 3.2.6.3: type "iqn.", date, reversed domain, optional colon and string; 223 bytes at most.
_IQN = re.compile(r"iqn\.\d{4}-(0[1-9]|1[0-2])\.[a-z0-9-]+(\.[a-z0-9-]+)*(:[^\s/]+)?", re.IGNORECASE)
_EUI = re.compile(r"eui\.[0-9a-f]{16}", re.IGNORECASE)
_MAC = re.compile(r"[0-9a-f]{2}([-:]?[0-9a-f]{2}){5}", re.IGNORECASE)
_DNS = re.compile(r"(?=.{1,255}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
# RFC 3722: the characters of an iSCSI name; the target's name becomes part of its IQN, so it cannot hold others [?].
_NAME = re.compile(r"[A-Za-z0-9.:\-]+")
_NAMESPACE = uuid.UUID("5f1e3c9a-6a53-4d0c-9c51-7f2f6f0f6a11")


class IscsiError(WinError):
    """An error of the IscsiTarget cmdlets: they all throw this one class."""

    default_code = ERROR_GEN_FAILURE
    default_dotnet = "Microsoft.Iscsi.Target.Commands.IscsiCmdException"


class LinkLocalPortal(IscsiError):
    """A portal of a link-local address cannot listen: 0xEFFF0003, an HRESULT of the target server's own."""

    @property
    def hresult(self) -> int:
        """0xEFFF0003."""
        return 0xEFFF0003


def is_iscsi_name(text: str) -> bool:
    """Whether ``text`` is an iqn. or eui. name of at most 223 characters."""
    return len(text) <= 223 and bool(_IQN.fullmatch(text) or _EUI.fullmatch(text))


@dataclass(frozen=True)
class InitiatorId:
    """Who may log in: ``method`` as printed (``Iqn``, ``DnsName``, ...), ``value`` without prefix."""

    method: str
    value: str

    @classmethod
    def parse(cls, text: str) -> InitiatorId:
        """``IdType:Value`` in any case; ValueError for an unknown kind or a malformed value."""
        kind, colon, value = text.partition(":")
        if not colon or kind.lower() not in INITIATOR_KINDS:
            raise ValueError(
                f"'{text}' is not IdType:Value with one of DNSName, IPAddress, IPv6Address, IQN, MACAddress."
            )
        if not _VALID[kind.lower()](value):
            raise ValueError(f"'{value}' is not a valid value for an initiator identifier of type {kind}.")
        return cls(INITIATOR_KINDS[kind.lower()][0], value)

    @property
    def number(self) -> int:
        """WT_IDMethod.Method."""
        return INITIATOR_KINDS[self.method.lower()][1]

    @property
    def key(self) -> tuple[str, str]:
        """What makes two identifiers the same."""
        return self.method.lower(), self.value.lower()

    def __str__(self) -> str:
        return f"{self.method}:{self.value}"


def _is_ip(version: int, text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


_VALID: dict[str, Callable[[str], bool]] = {
    "dnsname": lambda text: bool(_DNS.fullmatch(text)),
    "ipaddress": lambda text: _is_ip(4, text),
    "ipv6address": lambda text: _is_ip(6, text),
    "macaddress": lambda text: bool(_MAC.fullmatch(text)),
    # "IQN:*" admits every initiator.
    "iqn": lambda text: text == "*" or is_iscsi_name(text),
}


@dataclass
class Vhd:
    """What is inside a virtual hard disk file. Sizes in bytes.

    ``minimum`` is the end of the last partition, None while no initiator has partitioned the disk: only then can
    the tail be cut off.
    """

    size: int
    kind: str = DYNAMIC
    parent: str | None = None
    logical_sector: int = 512
    physical_sector: int = 4096
    block: int = 2 * MIB
    minimum: int | None = None


@dataclass
class Disk:
    """A registered virtual disk; ``index`` is WT_Disk.WTD. ``snapshot`` is set for an exported snapshot.

    ``cluster_group`` is the clustered role that owns it, None on a host of its own.
    """

    index: int
    path: str
    vhd: Vhd
    serial: str
    description: str = ""
    enabled: bool = True
    snapshot: str | None = None
    cluster_group: str | None = None

    @property
    def in_memory(self) -> bool:
        """Whether it is a RAM disk, which has no file and is gone after a restart."""
        return is_ramdisk(self.path)


@dataclass
class Snapshot:
    """A snapshot of a registered disk."""

    id: str
    disk: int
    created: datetime
    size: int
    description: str = ""
    mounted: bool = False
    persistent: bool = True


@dataclass
class Chap:
    """One direction of CHAP. The secret can be written and never read."""

    enabled: bool = False
    username: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass
class Session:
    """An initiator that is logged in."""

    initiator: str
    address: str = ""


@dataclass
class Target:
    """A target; ``mappings`` maps the LUN to the index of the disk."""

    name: str
    iqn: str
    description: str = ""
    enabled: bool = True
    initiators: list[InitiatorId] = field(default_factory=list)
    chap: Chap = field(default_factory=Chap)
    reverse_chap: Chap = field(default_factory=Chap)
    mappings: dict[int, int] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    last_login: datetime | None = None
    enforce_idle_timeout: bool = True
    first_burst: int = 65536
    max_burst: int = 262144
    max_segment: int = 65536
    receive_buffers: int = 10
    cluster_group: str | None = None


@dataclass
class Portal:
    """Where the target listens: one for every address of the host; those of link-local ones never listen."""

    address: str
    port: int = DEFAULT_PORT
    enabled: bool = True

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'+' if self.enabled else '-'}{shown}:{self.port}"


class IscsiTarget:
    """State and rules of the iSCSI Target Server. Methods raise IscsiError for what Windows refuses."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.disks: dict[int, Disk] = {}
        self.targets: dict[str, Target] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.remote_management_disabled = False
        self._portals: dict[str, Portal] = {}
        self._files: dict[str, tuple[Node, Vhd]] = {}
        self._next = 0

    # Availability -------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the service answers."""
        service = self._host.services.find(SERVICE)
        return service is not None and service.running

    def ensure_available(self, *, network_logon: bool = True) -> None:
        """Raise IscsiError if the service is stopped or refuses this logon.

        A WinRM logon carries the SID S-1-5-2 (NETWORK), which DisableRemoteManagement locks out.
        """
        if not self.running:
            raise IscsiError(
                "Unable to connect to the Microsoft iSCSI Software Target service (WinTarget) on the local "
                "computer. Verify that the service is running.",
                ERROR_SERVICE_NOT_ACTIVE,
            )
        if network_logon and self.remote_management_disabled:
            raise IscsiError("Access is denied. Remote management is disabled.", ERROR_ACCESS_DENIED)

    # Files --------------------------------------------------------------------------------------------------

    def vhd_at(self, path: str) -> Vhd | None:
        """What the file at ``path`` holds, None if there is no file or it is no virtual hard disk."""
        node = self._host.files.get(path)
        if node is None or node.directory or not is_vhd_name(path):
            return None
        known = self._files.get(_key(path))
        if known is not None and known[0] is node and node.data is None:
            return known[1]
        if node.data is None and node.size >= VHDX_MIN:
            return Vhd(size=node.size - node.size % MIB, kind=FIXED)
        return None

    def place_file(self, path: str, vhd: Vhd, *, used: int | None = None) -> None:
        """Write the file of a virtual hard disk (sparse in the simulator)."""
        node = self._host.files.write(path, None, size=_file_size(path, vhd) if used is None else used)
        self._files[_key(path)] = (node, vhd)

    def refresh_locks(self) -> None:
        """Mark the files that WinTarget keeps open: those of enabled disks, while the service runs.

        [D] Cinder's driver disables a disk before it replaces the file, so an enabled one is held open.
        """
        service = self._host.services.find(SERVICE)
        if service is not None and self.refresh_locks not in service.on_start:
            service.on_start.append(self.refresh_locks)
            service.on_stop.append(self.refresh_locks)
        running = self.running
        for disk in self.disks.values():
            node = self._host.files.get(disk.path)
            if node is not None:
                node.in_use_by = SERVICE if running and disk.enabled else None

    def boot(self) -> None:
        """A restart: RAM disks are gone, and their mappings with them."""
        gone = [disk.index for disk in self.disks.values() if disk.in_memory]
        for target in self.targets.values():
            target.mappings = {lun: index for lun, index in target.mappings.items() if index not in gone}
        for index in gone:
            del self.disks[index]

    def _release(self, disk: Disk) -> None:
        node = self._host.files.get(disk.path)
        if node is not None:
            node.in_use_by = None

    # Disks --------------------------------------------------------------------------------------------------

    def find_disk(self, path: str) -> Disk | None:
        """The disk registered for ``path`` (in any case), or None."""
        wanted = _key(path)
        return next((disk for disk in self.disks.values() if _key(disk.path) == wanted), None)

    def disk(self, path: str) -> Disk:
        """The disk registered for ``path``; IscsiError if there is none."""
        disk = self.find_disk(path)
        if disk is None:
            raise IscsiError(f"The virtual disk {path} does not exist.", ERROR_NOT_FOUND)
        return disk

    def create_disk(self, path: str, vhd: Vhd, description: str = "") -> Disk:
        """New-IscsiVirtualDisk: make the file and register it. ``vhd.size`` 0 means the parent's (differencing)."""
        if is_ramdisk(path):
            return self._create_ramdisk(path, vhd, description)
        self._check_new_path(path)
        if vhd.kind == DIFFERENCING:
            self._inherit(vhd)
        _check_geometry(vhd)
        vhd.size = _round_up(vhd.size, max(vhd.logical_sector, vhd.physical_sector))
        if not VHDX_MIN <= vhd.size <= VHDX_MAX:
            raise IscsiError(
                f"The size {vhd.size} is not valid. A virtual disk has at least 3 MB and at most 64 TB.",
                ERROR_INVALID_PARAMETER,
            )
        self._check_space(path, _file_size(path, vhd))
        self.place_file(path, vhd)
        if vhd.kind == FIXED and self._interrupted():
            raise IscsiError(
                f"The creation of {path} was stopped. The file is intact but not zeroed.",
                ERROR_OPERATION_ABORTED,
            )
        return self._register(path, vhd, description)

    def _interrupted(self) -> bool:
        """Whether a test wants the clearing of a fixed disk stopped (fault ``interrupted_disk``)."""
        faults = self._host.faults
        return faults is not None and faults.interrupts_disk()

    def _create_ramdisk(self, path: str, vhd: Vhd, description: str) -> Disk:
        if vhd.kind != DYNAMIC or not path.lower().endswith(".vhdx"):
            raise IscsiError(f"The RAM disk {path} is not valid.", ERROR_INVALID_PARAMETER)
        if self.find_disk(path) is not None:
            raise IscsiError(f"The virtual disk {path} already exists.", ERROR_FILE_EXISTS)
        return self._register(path, vhd, description)

    def _register(self, path: str, vhd: Vhd, description: str, *, snapshot: str | None = None) -> Disk:
        index = self._next
        self._next += 1
        serial = str(uuid.uuid5(_NAMESPACE, f"{self._host.name}/{index}")).upper()
        shown = path if is_ramdisk(path) else ntpath.normpath(path)
        disk = Disk(index, shown, vhd, serial, description, snapshot=snapshot)
        self.disks[index] = disk
        self.refresh_locks()
        return disk

    def _check_path(self, path: str) -> None:
        if path.startswith(("\\\\", "//")):
            raise IscsiError(
                f"The path {path} is on a network share. A local path is required.", ERROR_NOT_SUPPORTED
            )
        if not re.match(r"[A-Za-z]:[\\/]", path):
            raise IscsiError(f"The path {path} is not an absolute path.", ERROR_INVALID_PARAMETER)
        try:
            self._host.files.normalise(path)
        except FileError as error:
            raise IscsiError(f"The path {path} is not valid.", ERROR_INVALID_NAME) from error
        volume = self._host.files.volume(path)
        if volume is None:
            raise IscsiError(f"The drive {path[:2]} of the path {path} does not exist.", ERROR_PATH_NOT_FOUND)
        # https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits: NTFS and ReFS only.
        if volume.drive_type != 3 or volume.filesystem.upper() not in ("NTFS", "REFS"):
            raise IscsiError(
                f"The volume {path[:2]} cannot hold virtual disks: a local NTFS or ReFS volume is required.",
                ERROR_NOT_SUPPORTED,
            )

    def _check_new_path(self, path: str) -> None:
        self._check_path(path)
        if not path.lower().endswith(".vhdx") or ntpath.basename(path).startswith("."):
            raise IscsiError(
                f"The file name {path} is not valid: the extension .vhdx is required.",
                ERROR_INVALID_PARAMETER,
            )
        folder = self._host.files.get(ntpath.dirname(path))
        # Whether WinTarget makes the folder is not documented [?]; refusing makes callers make it.
        if folder is None or not folder.directory:
            raise IscsiError(
                f"The system cannot find the path specified: {ntpath.dirname(path)}.", ERROR_PATH_NOT_FOUND
            )
        link = self._host.files.reparse_point(ntpath.dirname(path))
        if link is not None:  # cluster shared volumes, too, are reparse points
            raise IscsiError(
                f"The path {path} is not supported: {link} is a reparse point.", ERROR_NOT_SUPPORTED
            )
        if folder.attributes & {"Compressed", "SparseFile"}:
            raise IscsiError(
                f"The folder {ntpath.dirname(path)} is compressed or sparse.", ERROR_NOT_SUPPORTED
            )
        if self._host.files.exists(path) or self.find_disk(path) is not None:
            raise IscsiError(
                f"The file {path} already exists. Use Import-IscsiVirtualDisk to import an existing file.",
                ERROR_FILE_EXISTS,
            )

    def _inherit(self, vhd: Vhd) -> None:
        parent_path = vhd.parent or ""
        self._check_path(parent_path)
        parent = self.vhd_at(parent_path)
        if parent is None:
            raise IscsiError(f"The parent virtual disk {parent_path} cannot be opened.", ERROR_FILE_NOT_FOUND)
        # A .vhdx child of a .vhd parent is refused by the VHDX format (one chain, one format).
        if not parent_path.lower().endswith(".vhdx"):
            raise IscsiError(f"The parent {parent_path} is not a .vhdx file.", ERROR_INVALID_PARAMETER)
        vhd.size = vhd.size or parent.size
        if vhd.size < parent.size:
            raise IscsiError(
                "A differencing disk cannot be smaller than its parent.", ERROR_INVALID_PARAMETER
            )
        vhd.logical_sector = parent.logical_sector
        vhd.block = vhd.block or parent.block

    def _check_space(self, path: str, more: int) -> None:
        volume = self._host.files.volume(path)
        if volume is not None and more > volume.free:
            raise IscsiError("There is not enough space on the disk.", ERROR_DISK_FULL)

    def import_disk(self, path: str, description: str = "") -> Disk:
        """Import-IscsiVirtualDisk: register an existing .vhd or .vhdx file."""
        self._check_path(path)
        if not is_vhd_name(path):
            raise IscsiError(f"The file name {path} is not a .vhd or .vhdx file.", ERROR_INVALID_PARAMETER)
        if not self._host.files.is_file(path):
            raise IscsiError(f"The system cannot find the file specified: {path}.", ERROR_FILE_NOT_FOUND)
        if self.find_disk(path) is not None:
            raise IscsiError(f"A virtual disk with the path {path} already exists.", ERROR_FILE_EXISTS)
        vhd = self.vhd_at(path)
        if vhd is None:
            raise IscsiError(f"The file {path} is corrupted or is no virtual hard disk.", ERROR_FILE_CORRUPT)
        if vhd.kind == DIFFERENCING and self.vhd_at(vhd.parent or "") is None:
            raise IscsiError(f"The parent of {path} cannot be opened: {vhd.parent}.", ERROR_FILE_NOT_FOUND)
        self._files[_key(path)] = (self._host.files._need(path), vhd)
        return self._register(path, vhd, description)

    def set_disk(self, path: str, *, description: str | None = None, enabled: bool | None = None) -> Disk:
        """Set-IscsiVirtualDisk. Enabling fails while the file is missing [D]."""
        disk = self.disk(path)
        if enabled and not disk.in_memory and not self._host.files.is_file(disk.path):
            raise IscsiError(f"The system cannot find the file specified: {disk.path}.", ERROR_FILE_NOT_FOUND)
        if description is not None:
            disk.description = description
        if enabled is not None:
            disk.enabled = enabled
            self.refresh_locks()
        return disk

    def resize_disk(self, path: str, size: int) -> Disk:
        """Resize-IscsiVirtualDisk: grow, or cut off an unallocated tail of a .vhdx."""
        disk = self.disk(path)
        vhd = disk.vhd
        if disk.in_memory:
            raise IscsiError(f"The RAM disk {disk.path} cannot be resized.", ERROR_NOT_SUPPORTED)
        size = _round_up(size, max(vhd.logical_sector, vhd.physical_sector))
        if size < vhd.size:
            _check_shrink(disk, size)
        low, high = _limits(disk.path, vhd.kind)
        if not low <= size <= high:
            raise IscsiError(
                f"The size {size} is not valid for {disk.path}: {low} to {high} bytes.",
                ERROR_INVALID_PARAMETER,
            )
        node = self._host.files.get(disk.path)
        if node is None:
            raise IscsiError(f"The system cannot find the file specified: {disk.path}.", ERROR_FILE_NOT_FOUND)
        if vhd.kind == FIXED:
            self._check_space(disk.path, size - vhd.size)
            self._grow_file(disk.path, node, size - vhd.size)
        vhd.size = size
        return disk

    def _grow_file(self, path: str, node: Node, more: int) -> None:
        volume = self._host.files.volume(path)
        if volume is not None:
            volume.free -= more
        node.size += more

    def remove_disk(self, path: str) -> None:
        """Remove-IscsiVirtualDisk: the registration goes, the file stays.

        Refused while the disk is mapped [D]: the published order is to remove the mapping first. Refused while it
        has snapshots [?]: they would be lost silently.
        """
        disk = self.disk(path)
        if any(disk.index in target.mappings.values() for target in self.targets.values()):
            raise IscsiError(
                f"The virtual disk {disk.path} is assigned to a target and cannot be removed.", ERROR_BUSY
            )
        if self.snapshots_of(disk):
            raise IscsiError(f"The virtual disk {disk.path} has snapshots.", ERROR_BUSY)
        self._release(disk)
        del self.disks[disk.index]

    def is_connected(self, disk: Disk) -> bool:
        """Whether an initiator is logged in to a target that shows the disk."""
        return any(
            target.sessions and disk.index in target.mappings.values() for target in self.targets.values()
        )

    # Snapshots ----------------------------------------------------------------------------------------------

    def snapshots_of(self, disk: Disk) -> list[Snapshot]:
        """Snapshots of one disk, oldest first."""
        return [snapshot for snapshot in self.snapshots.values() if snapshot.disk == disk.index]

    def snapshot(self, id: str) -> Snapshot:
        """The snapshot with this id (a GUID in braces, any case); IscsiError if there is none."""
        for known, snapshot in self.snapshots.items():
            if known.lower() == id.lower():
                return snapshot
        raise IscsiError(f"The snapshot {id} does not exist.", ERROR_NOT_FOUND)

    def take_snapshot(self, path: str, description: str = "") -> Snapshot:
        """Checkpoint-IscsiVirtualDisk; differencing disks have no snapshots (limits page)."""
        disk = self.disk(path)
        if disk.vhd.kind == DIFFERENCING:
            raise IscsiError(
                f"Snapshots of the differencing disk {path} are not supported.", ERROR_NOT_SUPPORTED
            )
        number = len(self.snapshots) + self._next
        id = "{" + str(uuid.uuid5(_NAMESPACE, f"{self._host.name}/snapshot/{number}")).upper() + "}"
        made = Snapshot(id, disk.index, self._host.clock.now(), disk.vhd.size, description)
        self._next += 1
        self.snapshots[id] = made
        return made

    def remove_snapshot(self, id: str) -> None:
        """Remove-IscsiVirtualDiskSnapshot; refused while it is exported as a disk [?]."""
        snapshot = self.snapshot(id)
        if any(disk.snapshot == snapshot.id for disk in self.disks.values()):
            raise IscsiError(f"The snapshot {id} is exported as a virtual disk.", ERROR_BUSY)
        del self.snapshots[snapshot.id]

    def export_snapshot(self, id: str) -> Disk:
        """Export-IscsiVirtualDiskSnapshot: a read-only virtual disk whose path lies in the shadow copy [?]."""
        snapshot = self.snapshot(id)
        origin = self.disks[snapshot.disk]
        path = f"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy{self._next}{origin.path[2:]}"
        if any(disk.snapshot == snapshot.id for disk in self.disks.values()):
            raise IscsiError(f"The snapshot {id} is exported already.", ERROR_FILE_EXISTS)
        return self._register(path, Vhd(snapshot.size, origin.vhd.kind), "", snapshot=snapshot.id)

    def restore_snapshot(self, id: str) -> None:
        """Restore-IscsiVirtualDisk: the disk gets the snapshot's content and size."""
        snapshot = self.snapshot(id)
        self.disks[snapshot.disk].vhd.size = snapshot.size

    # Targets ------------------------------------------------------------------------------------------------

    def find_target(self, name: str) -> Target | None:
        """The target called ``name`` (in any case), or None."""
        return self.targets.get(name.lower())

    def target(self, name: str) -> Target:
        """The target called ``name``; IscsiError if there is none."""
        target = self.find_target(name)
        if target is None:
            raise IscsiError(f"The target {name} does not exist.", ERROR_NOT_FOUND)
        return target

    def create_target(self, name: str, initiators: Iterable[InitiatorId] = ()) -> Target:
        """New-IscsiServerTarget: a new target is enabled. The IQN is Windows' own choice, always in lower case."""
        iqn = self._natural_iqn(name)
        if "_" in name:  # targets of older servers may have it
            raise IscsiError("Unable to create the iSCSI target.", ERROR_GEN_FAILURE)
        if not _NAME.fullmatch(name) or len(iqn) > 223:
            raise IscsiError(f"The target name {name} is not valid.", ERROR_INVALID_PARAMETER)
        if self.find_target(name) is not None:
            raise IscsiError(f"A target with the name {name} already exists.", ERROR_FILE_EXISTS)
        self._check_iqn_free(iqn)
        return self._add_target(Target(name, iqn, initiators=_unique(initiators)))

    def _natural_iqn(self, name: str) -> str:
        return f"iqn.1991-05.com.microsoft:{self._host.name}-{name}-target".lower()

    def _add_target(self, target: Target) -> Target:
        self.targets[target.name.lower()] = target
        return target

    def _check_iqn_free(self, iqn: str, target: Target | None = None) -> None:
        for other in self.targets.values():
            if other is not target and other.iqn.lower() == iqn.lower():
                raise IscsiError(f"The IQN {iqn} is used by the target {other.name}.", ERROR_FILE_EXISTS)

    def set_target(self, name: str, changes: Mapping[str, Any]) -> Target:
        """Set-IscsiServerTarget: ``changes`` maps names of Target's fields to values, checked before any is set.

        ``initiators`` replaces the whole list. ``chap`` and ``reverse_chap`` map Chap's fields to values. To enable a
        target without mapped disks is passed over without an error.
        """
        target = self.target(name)
        for key in ("chap", "reverse_chap"):
            if key in changes:
                _check_chap(getattr(target, key), changes[key])
        if "iqn" in changes:
            self._check_iqn_free(changes["iqn"], target)
        _check_lengths(changes)
        for key, value in changes.items():
            if key == "enabled" and value and not target.mappings:
                continue
            if key in ("chap", "reverse_chap"):
                for part, new in value.items():
                    setattr(getattr(target, key), part, new)
            else:
                setattr(target, key, _unique(value) if key == "initiators" else value)
        return target

    def remove_target(self, name: str) -> None:
        """Remove-IscsiServerTarget: mappings go with it, initiators are cut off."""
        del self.targets[self.target(name).name.lower()]

    def map_disk(self, name: str, path: str, lun: int | None = None) -> int:
        """Add-IscsiVirtualDiskTargetMapping: returns the LUN, by default the lowest free one."""
        target, disk = self.target(name), self.disk(path)
        if disk.index in target.mappings.values():
            raise IscsiError(
                f"The virtual disk {disk.path} is already assigned to the target {target.name}.",
                ERROR_FILE_EXISTS,
            )
        if len(target.mappings) >= MAX_LUNS:
            raise IscsiError(
                f"The target {target.name} has {MAX_LUNS} virtual disks already.", ERROR_NOT_SUPPORTED
            )
        if lun is None:
            lun = next(free for free in range(MAX_LUNS) if free not in target.mappings)
        # The highest number follows from the 256 logical units that a target can have [D].
        if not 0 <= lun < MAX_LUNS:
            raise IscsiError(f"The LUN {lun} is not valid.", ERROR_INVALID_PARAMETER)
        if lun in target.mappings:
            raise IscsiError(f"The LUN {lun} is in use in the target {target.name}.", ERROR_FILE_EXISTS)
        target.mappings[lun] = disk.index
        return lun

    def unmap_disk(self, name: str, path: str) -> None:
        """Remove-IscsiVirtualDiskTargetMapping; refused if there is no such mapping."""
        target, disk = self.target(name), self.disk(path)
        for lun, index in target.mappings.items():
            if index == disk.index:
                del target.mappings[lun]
                return
        raise IscsiError(
            f"The virtual disk {disk.path} is not assigned to the target {target.name}.", ERROR_NOT_FOUND
        )

    # Portals ------------------------------------------------------------------------------------------------

    @property
    def portals(self) -> list[Portal]:
        """One portal for every address that the host has now, except loopback; all but link-local ones listen."""
        shown = []
        for entry in self._host.network.addresses:
            address = ipaddress.ip_address(entry.address.partition("%")[0])
            if not address.is_loopback:
                portal = Portal(str(address), enabled=not address.is_link_local)
                shown.append(self._portals.setdefault(str(address), portal))
        return shown

    def set_portal(self, address: str, *, port: int | None = None, enabled: bool | None = None) -> Portal:
        """Set-IscsiTargetServerSetting -IP. 0.0.0.0, loopback and (to enable) link-local addresses are refused.

        Whether -IP takes the zone index of an IPv6 address is [?]; here it makes no difference.
        """
        try:
            wanted = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            raise IscsiError(f"'{address}' is not an IP address.", ERROR_INVALID_PARAMETER) from None
        portal = next((item for item in self.portals if item.address == str(wanted)), None)
        if portal is None or wanted.is_unspecified or wanted.is_loopback:
            raise IscsiError(
                f"The portal with the IP address {address} does not exist on this computer.", ERROR_NOT_FOUND
            )
        if enabled and wanted.is_link_local:
            raise LinkLocalPortal(f"The portal {address} is not supported: it is a link-local address.")
        if port is not None and not 1 <= port <= 65535:
            raise IscsiError(f"The port {port} is not valid.", ERROR_INVALID_PARAMETER)
        portal.port = portal.port if port is None else port
        portal.enabled = portal.enabled if enabled is None else enabled
        return portal

    # Initial state ------------------------------------------------------------------------------------------

    def load(self, data: Mapping[str, Any]) -> None:
        """Objects that exist from the start, from a host's ``iscsi:`` mapping.

        ``disks``: path (``ramdisk:x.vhdx`` is a RAM disk), size, type, description, enabled, parent, minimum_size (end
        of the last partition), used (size of the file), registered (false: the file only), interrupted (a fixed disk
        whose making was stopped: its file stays), file_missing, cluster_group. ``snapshots``: disk, description.
        ``targets``: name (older servers made some with ``_``), iqn, description, enabled, initiators, chap and
        reverse_chap {username, secret}, mappings {LUN: path}, sessions [initiator], cluster_group. ``portals``:
        address, port, enabled. ``disable_remote_management``.
        Raises ValueError for unknown keys and for what the target server would refuse.
        """
        check_keys("iscsi", data, _LOAD_KEYS)
        for section, known in _LOAD_KEYS.items():
            for item in data.get(section) or () if known else ():
                check_keys(f"iscsi: {section}", item, known)
        try:
            self._load(data)
        except WinError as error:
            raise ValueError(f"iscsi: {error.message}") from error

    def _load(self, data: Mapping[str, Any]) -> None:
        for item in data.get("disks") or ():
            self._load_disk(item)
        for item in data.get("snapshots") or ():
            self.take_snapshot(item["disk"], item.get("description", ""))
        for item in data.get("targets") or ():
            self._load_target(item)
        for item in data.get("portals") or ():
            self.set_portal(item["address"], port=item.get("port"), enabled=item.get("enabled"))
        self.remote_management_disabled = bool(data.get("disable_remote_management", False))

    def _load_disk(self, item: Mapping[str, Any]) -> None:
        path = str(item["path"])
        vhd = Vhd(
            size=parse_size(item["size"]),
            kind=str(item.get("type", DYNAMIC)).capitalize(),
            parent=item.get("parent"),
            minimum=parse_size(item["minimum_size"]) if "minimum_size" in item else None,
        )
        if item.get("interrupted") and vhd.kind != FIXED:
            raise ValueError(f"iscsi: disk {path}: only a fixed disk can be interrupted")
        if not item.get("file_missing") and not is_ramdisk(path):
            self._host.files.mkdir(ntpath.dirname(path))
            self.place_file(path, vhd, used=parse_size(item["used"]) if "used" in item else None)
        if item.get("registered", not item.get("interrupted")):
            disk = self._register(path, vhd, str(item.get("description", "")))
            disk.enabled = bool(item.get("enabled", True))
            disk.cluster_group = self._group(item)
            self.refresh_locks()

    def _group(self, item: Mapping[str, Any]) -> str | None:
        """The clustered role that owns an object; ValueError unless the host's cluster has it."""
        if "cluster_group" not in item:
            return None
        if self._host.cluster is None:
            raise ValueError(f"iscsi: cluster_group {item['cluster_group']}: the host has no cluster")
        return self._host.cluster.group(str(item["cluster_group"]))

    def _load_target(self, item: Mapping[str, Any]) -> None:
        name = str(item["name"])
        initiators = [InitiatorId.parse(text) for text in item.get("initiators") or ()]
        iqn = str(item.get("iqn") or self._natural_iqn(name))
        self._check_iqn_free(iqn)
        if self.find_target(name) is not None or not _NAME.fullmatch(name.replace("_", "-")):
            raise ValueError(f"iscsi: the target name {name} is taken or not valid")
        target = self._add_target(Target(name, iqn, initiators=_unique(initiators)))
        target.description = str(item.get("description", ""))
        target.enabled = bool(item.get("enabled", True))
        target.cluster_group = self._group(item)
        for key in ("chap", "reverse_chap"):
            if key in item:
                setattr(target, key, Chap(True, item[key]["username"], item[key]["secret"]))
        for lun, path in (item.get("mappings") or {}).items():
            self.map_disk(name, path, int(lun))
        target.sessions = [Session(str(text)) for text in item.get("sessions") or ()]

    def dump(self) -> dict[str, Any]:
        """The state as plain data, without secrets, for the control endpoint."""
        paths = {disk.index: disk.path for disk in self.disks.values()}
        return {
            "disks": [
                {
                    "path": disk.path,
                    "size": disk.vhd.size,
                    "type": disk.vhd.kind,
                    "parent": disk.vhd.parent,
                    "description": disk.description,
                    "enabled": disk.enabled,
                    "cluster_group": disk.cluster_group,
                }
                for disk in self.disks.values()
            ],
            "snapshots": [
                {"id": item.id, "disk": paths[item.disk], "description": item.description}
                for item in self.snapshots.values()
            ],
            "targets": [_dump_target(target, paths) for target in self.targets.values()],
            "portals": [
                {"address": item.address, "port": item.port, "enabled": item.enabled} for item in self.portals
            ],
            "disable_remote_management": self.remote_management_disabled,
        }


_LOAD_KEYS: dict[str, tuple[str, ...]] = {
    "disks": (
        "path", "size", "type", "description", "enabled", "parent", "minimum_size", "used", "registered",
        "interrupted", "file_missing", "cluster_group",
    ),
    "snapshots": ("disk", "description"),
    "targets": (
        "name", "iqn", "description", "enabled", "initiators", "chap", "reverse_chap", "mappings", "sessions",
        "cluster_group",
    ),
    "portals": ("address", "port", "enabled"),
    "disable_remote_management": (),
}  # fmt: skip


def _dump_target(target: Target, paths: Mapping[int, str]) -> dict[str, Any]:
    return {
        "name": target.name,
        "iqn": target.iqn,
        "description": target.description,
        "enabled": target.enabled,
        "cluster_group": target.cluster_group,
        "initiators": [str(item) for item in target.initiators],
        "chap": {"enabled": target.chap.enabled, "username": target.chap.username},
        "reverse_chap": {"enabled": target.reverse_chap.enabled, "username": target.reverse_chap.username},
        "mappings": {lun: paths[index] for lun, index in sorted(target.mappings.items())},
        "sessions": [session.initiator for session in target.sessions],
    }


def is_ramdisk(path: str) -> bool:
    """Whether the path is one of ``ramdisk:<name>``."""
    return path.lower().startswith("ramdisk:")


def is_vhd_name(path: str) -> bool:
    """Whether the file's extension is .vhd or .vhdx."""
    return ntpath.splitext(path)[1].lower() in (".vhd", ".vhdx")


def _key(path: str) -> str:
    return ntpath.normcase(ntpath.normpath(path))


def _round_up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _file_size(path: str, vhd: Vhd) -> int:
    is_vhdx = path.lower().endswith("x")
    overhead = VHDX_OVERHEAD if is_vhdx else VHD_FOOTER
    return overhead + (vhd.size if vhd.kind == FIXED else 0)


def _limits(path: str, kind: str) -> tuple[int, int]:
    if path.lower().endswith("x"):
        return VHDX_MIN, VHDX_MAX
    return VHD_MIN, VHD_FIXED_MAX if kind == FIXED else VHD_DYNAMIC_MAX


def _check_shrink(disk: Disk, size: int) -> None:
    """Only a .vhdx that an initiator has partitioned can shrink, down to the end of the last partition."""
    if not disk.path.lower().endswith(".vhdx"):
        raise IscsiError(f"The .vhd file {disk.path} cannot be made smaller.", ERROR_NOT_SUPPORTED)
    if disk.vhd.minimum is None or size < disk.vhd.minimum:
        raise IscsiError(
            f"The virtual disk {disk.path} cannot be made smaller: the space at its end is in use.",
            ERROR_INVALID_PARAMETER,
        )


def _check_geometry(vhd: Vhd) -> None:
    for name, value in (("logical", vhd.logical_sector), ("physical", vhd.physical_sector)):
        if value not in (512, 4096):
            raise IscsiError(
                f"The {name} sector size {value} is neither 512 nor 4096.", ERROR_INVALID_PARAMETER
            )
    # [MS-VHDX] 2.6.2: blocks are a power of two from 1 MB to 256 MB; a physical sector holds whole logical ones.
    if vhd.logical_sector > vhd.physical_sector:
        raise IscsiError(
            "The logical sector size is larger than the physical sector size.", ERROR_INVALID_PARAMETER
        )
    if not MIB <= vhd.block <= 256 * MIB or vhd.block & (vhd.block - 1):
        raise IscsiError(f"The block size {vhd.block} is not valid.", ERROR_INVALID_PARAMETER)


def _check_chap(now: Chap, changes: Mapping[str, Any]) -> None:
    """CHAP secrets have 12 to 16 characters; enabling without any credential is refused [?]."""
    if "secret" in changes:
        if not 12 <= len(changes["secret"]) <= 16:
            raise IscsiError("The CHAP secret must have 12 to 16 characters.", ERROR_INVALID_PARAMETER)
        if not changes.get("username"):
            raise IscsiError("A CHAP user name is required.", ERROR_INVALID_PARAMETER)
    if changes.get("enabled") and not (changes.get("secret") or now.secret):
        raise IscsiError("CHAP cannot be enabled without a user name and a secret.", ERROR_INVALID_PARAMETER)


def _check_lengths(changes: Mapping[str, Any]) -> None:
    """RFC 7143 13.13, 13.14: burst and segment lengths are 512 to 2**24-1."""
    for key in ("first_burst", "max_burst", "max_segment"):
        if key in changes and not 512 <= changes[key] < 2**24:
            raise IscsiError(f"The value {changes[key]} is out of range.", ERROR_INVALID_PARAMETER)
    if changes.get("receive_buffers", 1) < 1:
        raise IscsiError("The receive buffer count must be positive.", ERROR_INVALID_PARAMETER)


def _unique(initiators: Iterable[InitiatorId]) -> list[InitiatorId]:
    """WT_IDMethod's key is (HostName, Method, Value): the same identifier is kept once [?]."""
    kept: dict[tuple[str, str], InitiatorId] = {}
    for item in initiators:
        kept.setdefault(item.key, item)
    return list(kept.values())

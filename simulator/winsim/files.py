# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file systems of a simulated host: drives, directories and files.

Paths are case-insensitive and case-preserving, ``/`` equals ``\\``, and a drive that does not exist is an error, as
on NTFS. Large files are kept as a size only (``sparse``): an iSCSI virtual disk of 500 GB costs no memory.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from winsim.errors import FileError

MIB = 1024 * 1024
GIB = 1024 * MIB
_SIZE = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*(B|[KMGT]i?B?)?\s*$", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "K": 1024, "M": MIB, "G": GIB, "T": 1024 * GIB}
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED = re.compile(r'[<>:"|?*\x00-\x1f]')


def parse_size(text: str | int) -> int:
    """Bytes of ``64GiB``, ``500 MB`` (binary units, as Windows counts) or a plain number."""
    if isinstance(text, int):
        return text
    match = _SIZE.match(text)
    if match is None:
        raise ValueError(f"not a size: {text!r}")
    unit = (match[2] or "").upper()[:1]
    return int(float(match[1]) * _UNITS[unit])


# Names of System.IO.FileAttributes by value, which is the order in which .NET prints them.
ATTRIBUTES = (
    "ReadOnly", "Hidden", "System", "Directory", "Archive", "Temporary", "SparseFile", "ReparsePoint", "Compressed",
    "Offline", "NotContentIndexed", "Encrypted",
)  # fmt: skip


_MAX_LINKS = 63  # reparse points that Windows follows in one path


@dataclass
class Volume:
    """A mounted volume. ``drive_type`` as Win32_LogicalDisk.DriveType: 2 removable, 3 fixed, 4 network, 5 CD."""

    letter: str
    size: int = 64 * GIB
    free: int = 40 * GIB
    filesystem: str = "NTFS"
    drive_type: int = 3
    label: str = ""


@dataclass
class Node:
    """A file or a directory. ``data`` is None for directories and for files known by ``size`` only."""

    name: str
    directory: bool
    created: datetime
    modified: datetime
    accessed: datetime
    data: bytes | None = None
    size: int = 0
    attributes: set[str] = field(default_factory=set)
    owner: str = "BUILTIN\\Administrators"
    link_target: str | None = None
    link_type: str | None = None
    in_use_by: str | None = None
    children: dict[str, Node] = field(default_factory=dict)
    acl: list[dict[str, object]] | None = None

    def attribute_names(self) -> list[str]:
        """Names of System.IO.FileAttributes in the order .NET prints them."""
        return [name for name in ATTRIBUTES if name in self.attributes] or ["Normal"]


_DIRECTORY: ContextVar[str | None] = ContextVar("current directory", default=None)


@contextmanager
def working_directory(path: str | None) -> Iterator[None]:
    """While this lasts relative paths are below ``path`` (None: below the profile of the host's usual user)."""
    token = _DIRECTORY.set(path)
    try:
        yield
    finally:
        _DIRECTORY.reset(token)


class FileSystem:
    """All volumes of a host."""

    def __init__(self, now: Callable[[], datetime], env: Callable[[], dict[str, str]] = dict) -> None:
        self._now = now
        self._env = env
        self.volumes: dict[str, Volume] = {}
        self._roots: dict[str, Node] = {}

    # Volumes ------------------------------------------------------------------------------------------------

    def add_volume(self, volume: Volume) -> Volume:
        """Mount ``volume`` under its letter with an empty root directory."""
        letter = volume.letter.upper().rstrip(":")
        volume.letter = letter
        self.volumes[letter] = volume
        root = self._node(f"{letter}:\\", directory=True)
        root.attributes = {"Hidden", "System", "Directory"}
        self._roots[letter] = root
        return volume

    def volume(self, path: str) -> Volume | None:
        """The volume that holds ``path``, None if its drive does not exist (or the path is UNC)."""
        drive = ntpath.splitdrive(self._absolute(path.replace("/", "\\")))[0]
        return self.volumes.get(drive[:1].upper()) if len(drive) == 2 else None

    # Paths --------------------------------------------------------------------------------------------------

    def _absolute(self, text: str) -> str:
        """A relative path below the current directory; a colon is one of another provider of PowerShell (``HKLM:``)."""
        if not text or ":" in text or text.startswith("\\\\"):
            return text
        return ntpath.join(_DIRECTORY.get() or self._env().get("USERPROFILE") or "C:\\", text)

    def expand(self, path: str) -> str:
        """``%NAME%`` replaced from the host's environment, case-insensitively; unknown names stay."""
        env = {key.upper(): value for key, value in self._env().items()}
        return re.sub(r"%([^%]+)%", lambda m: env.get(m[1].upper(), m[0]), path)

    def normalise(self, path: str) -> str:
        """The absolute path with ``.`` and ``..`` resolved and an upper-case drive letter.

        A relative path is one of the current directory (``working_directory``). Raises FileError for what Windows cannot
        open: bad characters, reserved forms, a path of another provider of PowerShell.
        """
        text = path.replace("/", "\\")
        for prefix in ("\\\\?\\", "\\\\.\\"):
            text = text.removeprefix(prefix)
        if text.startswith("Microsoft.PowerShell.Core\\FileSystem::"):
            text = text.split("::", 1)[1]
        if text.startswith("\\\\"):
            raise FileError(f"The network path was not found: '{path}'.", 53)
        drive, rest = ntpath.splitdrive(self._absolute(text))
        if not re.fullmatch(r"[A-Za-z]:", drive):
            raise FileError(f"The given path's format is not supported: '{path}'.", 123)
        if _RESERVED.search(rest):
            raise FileError("Illegal characters in path.", 123, "System.ArgumentException")
        rest = ntpath.normpath("\\" + rest.lstrip("\\"))
        return drive.upper() + rest

    def get(self, path: str) -> Node | None:
        """The file or directory at ``path``, None if there is none or the path cannot be one.

        Links on the way are followed, one that ends the path is not: the answer is the link itself.
        """
        return self._walk(path, _MAX_LINKS)

    def _walk(self, path: str, hops: int) -> Node | None:
        try:
            parts = self._parts(path)
        except FileError:
            return None
        node = self._roots.get(parts[0])
        for part in parts[1:]:
            node = self._followed(node, hops)
            if node is None:
                return None
            node = node.children.get(part.rstrip(". ").lower() or part.lower())
        return node

    def _followed(self, node: Node | None, hops: int = _MAX_LINKS) -> Node | None:
        """What a link leads to; None where it leads nowhere or in a circle."""
        while node is not None and node.link_target is not None:
            hops -= 1
            node = self._walk(node.link_target, hops) if hops else None
        return node

    def reparse_point(self, path: str) -> str | None:
        """The first part of ``path`` that is a junction, a link or a mounted folder, or None."""
        full = self.normalise(path)
        drive, rest = full[:3], full[3:].split("\\")
        for count in range(1, len(rest) + 1):
            place = drive + "\\".join(rest[:count])
            node = self.get(place)
            if node is not None and "ReparsePoint" in node.attributes:
                return self.real_path(place)
        return None

    def _parts(self, path: str) -> list[str]:
        drive, rest = ntpath.splitdrive(self.normalise(path))
        return [drive[0], *(part for part in rest.split("\\") if part)]

    def real_path(self, path: str) -> str:
        """``path`` in the case in which its existing parts were made."""
        parts = self._parts(path)
        node: Node | None = self._roots.get(parts[0])
        shown: list[str] = []
        for part in parts[1:]:
            node = node.children.get(part.lower()) if node else None
            shown.append(node.name if node else part)
        return f"{parts[0]}:\\" + "\\".join(shown)

    def exists(self, path: str) -> bool:
        """Whether a file or directory is there."""
        return self.get(path) is not None

    def is_dir(self, path: str) -> bool:
        """Whether a directory is there."""
        node = self.get(path)
        return node is not None and node.directory

    def is_file(self, path: str) -> bool:
        """Whether a file is there."""
        node = self.get(path)
        return node is not None and not node.directory

    # Reading ------------------------------------------------------------------------------------------------

    def _need(self, path: str) -> Node:
        node = self.get(path)
        if node is None:
            self.normalise(path)
            if self.volume(path) is None:
                raise FileError(
                    f"Could not find a part of the path '{path}'.", 3, "System.IO.DirectoryNotFoundException"
                )
            raise FileError(f"Could not find file '{path}'.", 2, "System.IO.FileNotFoundException")
        return node

    def read(self, path: str) -> bytes:
        """The bytes of a file; a file that is known by size only reads as zeros (at most 64 MiB)."""
        node = self._need(path)
        if node.directory:
            raise FileError(
                f"Access to the path '{path}' is denied.", 5, "System.UnauthorizedAccessException"
            )
        if node.data is not None:
            return node.data
        if node.size > 64 * MIB:
            raise FileError(f"The file '{path}' is too large to be read in the simulator.", 1450)
        return bytes(node.size)

    def list(self, path: str) -> list[Node]:
        """Children of a directory, sorted by name."""
        node = self._followed(self._need(path))
        if node is None or not node.directory:
            raise FileError(f"The directory name is invalid: '{path}'.", 267)
        return [node.children[key] for key in sorted(node.children)]

    def walk(self, path: str) -> Iterator[tuple[str, Node]]:
        """(path, node) of everything below a directory, parents before children."""
        for node in self.list(path):
            full = ntpath.join(path, node.name)
            yield full, node
            if node.directory:
                yield from self.walk(full)

    # Writing ------------------------------------------------------------------------------------------------

    def _node(self, name: str, *, directory: bool) -> Node:
        now = self._now()
        attributes = {"Directory"} if directory else {"Archive"}
        return Node(name, directory, now, now, now, attributes=attributes)

    def _parent(self, path: str) -> tuple[Node, str]:
        full = self.normalise(path)
        parent = self._followed(self.get(ntpath.dirname(full)))
        if parent is None or not parent.directory or not ntpath.basename(full):
            raise FileError(
                f"Could not find a part of the path '{full}'.", 3, "System.IO.DirectoryNotFoundException"
            )
        return parent, ntpath.basename(full)

    def mkdir(self, path: str, *, parents: bool = True) -> Node:
        """Make a directory (with its parents) and return it; an existing one is returned as it is."""
        full = self.normalise(path)
        node = self.get(full)
        if node is not None:
            if not node.directory:
                raise FileError(f"An item with the specified name {full} already exists.", 183)
            return node
        if self.volume(full) is None:
            raise FileError(
                f"Could not find a part of the path '{full}'.", 3, "System.IO.DirectoryNotFoundException"
            )
        if parents:
            self.mkdir(ntpath.dirname(full))
        parent, name = self._parent(full)
        made = self._node(name, directory=True)
        parent.children[name.lower()] = made
        return made

    def write(self, path: str, data: bytes | None, *, size: int | None = None) -> Node:
        """Write a file: ``data``, or None and ``size`` for one whose content does not matter.

        The parent directory must exist. Space is taken from the volume's ``free``.
        """
        parent, name = self._parent(path)
        node = parent.children.get(name.lower())
        if node is not None:
            self._writable(node, path)
        length = len(data) if data is not None else (size or 0)
        self._account(path, length - (node.size if node else 0))
        if node is None:
            node = self._node(name, directory=False)
            parent.children[name.lower()] = node
        node.data, node.size = data, length
        node.modified = self._now()
        node.attributes.add("Archive")
        return node

    def _writable(self, node: Node, path: str) -> None:
        if node.directory or "ReadOnly" in node.attributes:
            raise FileError(
                f"Access to the path '{path}' is denied.", 5, "System.UnauthorizedAccessException"
            )
        self._not_in_use(node, path)

    def _not_in_use(self, node: Node, path: str) -> None:
        if node.in_use_by:
            raise FileError(
                f"The process cannot access the file '{path}' because it is being used by another process.",
                32,
            )

    def _account(self, path: str, more: int) -> None:
        volume = self.volume(path)
        if volume is None:
            return
        if more > volume.free:
            raise FileError("There is not enough space on the disk.", 112)
        volume.free -= more

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file or directory; a directory that is not empty needs ``recursive``."""
        full = self.normalise(path)
        node = self._need(full)
        parent, name = self._parent(full)
        if node.directory and node.children and not recursive:
            raise FileError("The directory is not empty.", 145)
        for inner_path, inner in [(full, node), *(self.walk(full) if node.directory else ())]:
            self._not_in_use(inner, inner_path)
        freed = node.size + sum(n.size for _, n in (self.walk(full) if node.directory else ()))
        self._account(full, -freed)
        del parent.children[name.lower()]

    def rename(self, source: str, target: str) -> None:
        """Move a file or directory; the target must not exist."""
        node = self._need(source)
        self._not_in_use(node, source)
        if self.exists(target):
            raise FileError("Cannot create a file when that file already exists.", 183)
        new_parent, new_name = self._parent(target)
        old_parent, old_name = self._parent(source)
        del old_parent.children[old_name.lower()]
        node.name = new_name
        new_parent.children[new_name.lower()] = node

    def copy(self, source: str, target: str) -> None:
        """Copy one file, overwriting the target."""
        node = self._need(source)
        copied = self.write(target, node.data, size=node.size)
        copied.modified = node.modified

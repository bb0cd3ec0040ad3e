# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_copy in the four modes in which its action plugin calls it (win_template uses the same module)."""

from __future__ import annotations

import base64
import io
import ntpath
import zipfile
from typing import TYPE_CHECKING, Any

from winsim.errors import FileError, ModuleFailure
from winsim.modules import module
from winsim.modules.files import checksum

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext


@module("ansible.windows.win_copy")
def win_copy(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Dispatch on ``_copy_mode``: query, single, explode or remote."""
    mode = ctx.params["_copy_mode"].lower()
    if mode in ("explode", "single") and ctx.params["src"] is None:
        raise ModuleFailure("Get-AnsibleParam: Missing required argument: src")
    copy = _Copy(host, ctx)
    modes = {"query": copy.query, "single": copy.single, "explode": copy.explode, "remote": copy.remote}
    modes[mode]()
    return copy.result


def _slashed(path: str) -> bool:
    return path.endswith(("/", "\\"))


class _Copy:
    """One call; ``result`` grows as the module's does."""

    def __init__(self, host: Host, ctx: ModuleContext) -> None:
        self.host, self.files = host, host.files
        self.params, self.check = ctx.params, ctx.check_mode
        self.diff_mode = ctx.diff_mode
        self.src, self.dest = ctx.params["src"], ctx.params["dest"]
        self.result: dict[str, Any] = {"changed": False}
        if ctx.diff_mode:
            self.result["diff"] = {}

    def fail(self, text: str) -> ModuleFailure:
        return ModuleFailure(text, **self.result)

    # query: which of the controller's files differ

    def query(self) -> None:
        self.result["files"] = [f for f in self.params["files"] or [] if self._file_differs(f)]
        self.result["directories"] = [
            d for d in self.params["directories"] or [] if self._directory_missing(d)
        ]
        self.result["symlinks"] = []

    def _file_differs(self, entry: dict[str, Any]) -> bool:
        path = ntpath.join(self.dest, entry["dest"].replace("/", "\\"))
        if self.files.is_dir(path):
            path = ntpath.join(path, entry["src"].replace("\\", "/").rpartition("/")[2])
        if self.files.is_dir(path):
            raise self.fail(f"cannot copy file to dest '{path}': object at path is already a directory")
        if not self.files.exists(path):
            return True
        return bool(self.params["force"]) and checksum(self.host, path) != entry["checksum"]

    def _directory_missing(self, entry: dict[str, Any]) -> bool:
        path = ntpath.join(self.dest, entry["dest"].replace("/", "\\"))
        start = f"cannot copy folder to dest '{path}': object at "
        if self.files.is_file(ntpath.dirname(path)):
            raise self.fail(f"{start}parent directory path is already a file")
        if self.files.is_file(path):
            raise self.fail(f"{start}path is already a file")
        return not self.files.is_dir(path)

    # single: one file was put into a temporary directory

    def single(self) -> None:
        if not self.files.is_file(self.src):
            raise self.fail(f"Cannot copy src file: '{self.src}' as it does not exist")
        target = self.dest
        if _slashed(self.dest) or self.files.is_dir(self.dest):
            target = ntpath.join(self.dest, self.params["_original_basename"] or "")
        self._need_parent(target)
        if self.params["backup"]:
            self.result["backup_file"] = self.backup(target)
        self._overwrite(self.src, target)
        self.result["changed"] = True

    def _overwrite(self, source: str, target: str) -> None:
        node = self.files.get(target)
        if node is not None:
            node.attributes -= {"ReadOnly", "Hidden"}  # Copy-Item -Force
        self.files.copy(source, target)

    def _need_parent(self, target: str) -> None:
        parent = ntpath.dirname(target.replace("/", "\\"))
        if self.files.is_file(parent):
            raise self.fail(f"object at destination parent dir '{parent}' is currently a file")
        if not self.files.is_dir(parent):
            if self.dest == target:
                raise self.fail(f"Destination directory '{parent}' does not exist")
            self.files.mkdir(parent)

    def backup(self, path: str) -> str | None:
        """Backup-File: a copy beside the file, named with pid and time; None if there is no file."""
        if not self.files.is_file(path):
            return None
        stamp = self.host.clock.now().strftime("%Y%m%d-%H%M%S")
        name = f"{path}.4242.{stamp}.bak"
        if not self.check:
            self.files.copy(path, name)
        return name

    # explode: a zip with base64 names

    def explode(self) -> None:
        if not self.files.is_file(self.src):
            raise self.fail(f"Cannot expand src zip file: '{self.src}' as it does not exist")
        with zipfile.ZipFile(io.BytesIO(self.files.read(self.src))) as archive:
            for name in archive.namelist():
                self._extract(archive, name)
        self.result["changed"] = True

    def _extract(self, archive: zipfile.ZipFile, name: str) -> None:
        directory = len(name) % 4 == 1
        encoded = name[:-1] if directory else name
        if len(encoded) % 4:
            raise FileError(f"invalid base64 length '{name}'", 13)
        path = ntpath.join(self.dest, base64.b64decode(encoded).decode("utf-8").replace("/", "\\"))
        if self.check:
            return
        self.files.mkdir(path if directory else ntpath.dirname(path))
        if not directory:
            self.files.write(path, archive.read(name))

    # remote: everything happens on the host

    def remote(self) -> None:
        self.result |= {"src": self.src, "dest": self.dest}
        if self.src is None or not self.files.exists(self.src):
            raise self.fail(f"Cannot copy src file: '{self.src or ''}' as it does not exist")
        if self.files.is_dir(self.src):
            self.result["operation"] = "folder_copy"
            target, diff = self._remote_folder()
        else:
            self.result["operation"] = "file_copy"
            target, diff = self._remote_file()
        known = not self.check or self.files.is_file(target)
        self.result["size"] = self._size(target) if known else None
        if self.diff_mode:
            self.result["diff"]["prepared"] = diff

    def _size(self, path: str) -> int:
        node = self.files.get(path)
        if node is not None and node.directory:
            return sum(inner.size for _, inner in self.files.walk(path))
        return node.size if node else 0

    def _remote_folder(self) -> tuple[str, str]:
        if _slashed(self.src):
            return self.dest, "".join(
                self._child(ntpath.join(self.src, node.name), ntpath.join(self.dest, node.name))
                for node in self.files.list(self.src)
            )
        name = self.files.real_path(self.src).rpartition("\\")[2]
        target = ntpath.join(self.dest, name)
        self.result["dest"] = target
        return target, self._folder(self.src, target)

    def _child(self, source: str, target: str) -> str:
        if self.files.is_dir(source):
            return self._folder(source, target)
        return self._file(source, target)[0]

    def _folder(self, source: str, target: str) -> str:
        diff = ""
        if not self.files.is_dir(target):
            if self.files.is_file(ntpath.dirname(target)):
                text = "object at dest parent dir is not a folder"
                raise self.fail(f"cannot copy file from '{source}' to '{target}': {text}")
            if self.files.is_file(target):
                raise self.fail(f"cannot copy folder from '{source}' to '{target}': dest is already a file")
            if not self.check:
                self.files.mkdir(target)
            diff = f"+{target}\\\n"
            self.result["changed"] = True
        for node in self.files.list(source):
            diff += self._child(ntpath.join(source, node.name), ntpath.join(target, node.name))
        return diff

    def _remote_file(self) -> tuple[str, str]:
        name = self.files.real_path(self.src).rpartition("\\")[2]
        self.result["original_basename"] = name
        target = self.dest
        if _slashed(self.dest) or self.files.is_dir(self.dest):
            target = ntpath.join(self.dest, name)
        self.result["dest"] = target
        self._need_parent(target)
        diff, self.result["checksum"] = self._file(self.src, target)
        return target, diff

    def _file(self, source: str, target: str) -> tuple[str, str | None]:
        """Copy-File: (diff, checksum of the source if ``force``)."""
        hash_ = checksum(self.host, source) if self.params["force"] else None
        if self.files.is_dir(target):
            raise self.fail(f"cannot copy file from '{source}' to '{target}': dest is already a folder")
        there = self.files.is_file(target)
        if there and (not self.params["force"] or hash_ == checksum(self.host, target)):
            return "", hash_
        diff = self._parent_of(source, target)
        if self.params["backup"]:
            self.result["backup_file"] = self.backup(target)
        if there:
            diff += f"-{target}\n"
        if not self.check:
            self._overwrite(source, target)
        self.result["changed"] = True
        return f"{diff}+{target}\n", hash_

    def _parent_of(self, source: str, target: str) -> str:
        parent = ntpath.dirname(target.replace("/", "\\"))
        if self.files.is_file(parent):
            text = "object at dest parent dir is not a folder"
            raise self.fail(f"cannot copy file from '{source}' to '{target}': {text}")
        if self.files.is_dir(parent):
            return ""
        if not self.check:
            self.files.mkdir(parent)
        return f"+{parent}\\\n"

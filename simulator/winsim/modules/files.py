# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_file, win_stat, slurp and win_find."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import ntpath
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from winsim.errors import FileError, ModuleFailure, Unmodelled
from winsim.files import Node
from winsim.host import seconds_since_epoch
from winsim.modules import module
from winsim.psspec import read_spec

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

# .NET custom date formats -> strptime, for the formats that access_time_format usually has.
_FORMAT = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))


def checksum(host: Host, path: str, algorithm: str = "sha1") -> str:
    """The hash of a file's content in lower-case hex."""
    return hashlib.new(algorithm, host.files.read(path)).hexdigest()


def _time(text: str, form: str) -> datetime | None:
    for dotnet, python in _FORMAT:
        form = form.replace(dotnet, python)
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


class _Times:
    """The timestamps that win_file (3.4.0 and later) is to set; None keeps one."""

    def __init__(self, host: Host, params: dict[str, Any], state: str | None) -> None:
        default = "now" if state == "touch" else "preserve"
        self.access = self._one(host, params, "access_time", default)
        self.modification = self._one(host, params, "modification_time", default)

    def _one(self, host: Host, params: dict[str, Any], name: str, default: str) -> datetime | None:
        text = params.get(name) or default
        if text in ("now", "preserve"):
            return host.clock.now() if text == "now" else None
        when = _time(text, params[f"{name}_format"])
        if when is None:
            raise ModuleFailure(f"Invalid {name} '{text}'")
        return when

    def apply(self, node: Node | None, *, check: bool) -> bool:
        """Set what differs; whether something did."""
        changed = False
        for attribute, when in (("modified", self.modification), ("accessed", self.access)):
            if when is not None and (node is None or getattr(node, attribute) != when):
                changed = True
                if node is not None and not check:
                    setattr(node, attribute, when)
        return changed


@module("ansible.windows.win_file")
def win_file(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Create, touch or remove a file or directory."""
    params = ctx.params
    path, state = params["path"], (params["state"] or "").lower() or None
    if params.get("_original_basename") is not None and host.files.is_dir(path):
        path = ntpath.join(path, params["_original_basename"])
    times = _Times(host, params, state) if "access_time" in read_spec(ctx.source).options else None
    if params.get("_diff_peek") is not None:
        return _diff_peek(host, path)
    if state == "touch":
        return {"changed": _touch(host, ctx, path, times)}
    node = host.files.get(path)
    if node is not None:
        return {"changed": _existing(host, ctx, path, node, state)}
    if state == "absent":
        return {"changed": False}
    if state == "directory" or (state is None and not ntpath.basename(path.replace("/", "\\"))):
        _make_directory(host, ctx, path, times)
        return {"changed": True}
    raise ModuleFailure(f"path {path} will not be created")


def _diff_peek(host: Host, path: str) -> dict[str, Any]:
    binary = host.files.is_file(path) and b"\0" in host.files.read(path)[:8192]
    state = "file" if host.files.exists(path) else "absent"
    return {"path": path, "change": False, "appears_binary": binary, "state": state}


def _touch(host: Host, ctx: ModuleContext, path: str, times: _Times | None) -> bool:
    node = host.files.get(path)
    if node is None:
        if not ctx.check_mode:
            node = host.files.write(path, b"")
    elif times is None:
        if not ctx.check_mode:
            node.modified = host.clock.now()
        return True
    else:
        return times.apply(node, check=ctx.check_mode)
    if times is not None:
        times.apply(node, check=ctx.check_mode)
    return True


def _existing(host: Host, ctx: ModuleContext, path: str, node: Node, state: str | None) -> bool:
    if state == "directory" and not node.directory:
        raise ModuleFailure(f"path {path} is not a directory")
    if state == "file" and node.directory:
        raise ModuleFailure(f"path {path} is not a file")
    if state == "absent" and not ctx.check_mode:
        _delete(host, path)
    return state == "absent"


def _delete(host: Host, path: str) -> None:
    full = host.files.real_path(path)
    try:
        host.files.remove(path, recursive=True)
    except FileError as error:
        raise ModuleFailure(f"Failed to delete {full}: {error.message}") from None


def _make_directory(host: Host, ctx: ModuleContext, path: str, times: _Times | None) -> None:
    full = host.files.normalise(path)
    if host.files.volume(full) is None:
        drive = full[0]
        raise ModuleFailure(f"Cannot find drive. A drive with the name '{drive}' does not exist.")
    parent = ntpath.dirname(full)
    while parent != ntpath.dirname(parent):
        if host.files.is_file(parent):
            raise ModuleFailure(f"Could not find a part of the path '{full}'.")
        parent = ntpath.dirname(parent)
    if not ctx.check_mode:
        node = host.files.mkdir(full)
        if times is not None:
            times.apply(node, check=False)


# win_stat -----------------------------------------------------------------------------------------------------


def _tree_size(host: Host, path: str) -> int:
    return sum(node.size for _, node in host.files.walk(path))


@module("ansible.windows.win_stat")
def win_stat(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """What a path is."""
    path = ctx.params["path"]
    node = host.files.get(path)
    if node is None:
        return {"stat": {"exists": False}}
    stat = stat_of(host, path, node)
    if node.directory:
        if ctx.params["get_size"]:
            stat["size"] = _tree_size(host, path)
        return {"stat": stat}
    stat["extension"] = ntpath.splitext(node.name)[1]
    if ctx.params["get_checksum"]:
        stat["checksum"] = _stat_checksum(host, path, node, ctx.params["checksum_algorithm"].lower())
    if ctx.params["get_size"]:
        stat["size"] = node.size
    return {"stat": stat}


def _stat_checksum(host: Host, path: str, node: Node, algorithm: str) -> str:
    text = "Failed to get hash of file, set get_checksum to False to ignore this error: "
    if node.in_use_by:
        raise ModuleFailure(
            f'{text}Exception calling "Open" with "4" argument(s): "The process cannot access the file '
            f"'{host.files.real_path(path)}' because it is being used by another process.\""
        )
    try:
        return checksum(host, path, algorithm)
    except FileError as error:
        raise Unmodelled(f"win_stat: checksum of a large file without content: {error.message}") from None


def stat_of(host: Host, path: str, node: Node) -> dict[str, Any]:
    """The keys of win_stat that files and directories share."""
    full = host.files.real_path(path)
    attributes = node.attribute_names()
    return {
        "exists": True,
        "attributes": ", ".join(attributes),
        "isarchive": "Archive" in attributes,
        "isdir": node.directory,
        "ishidden": "Hidden" in attributes,
        "isjunction": False,
        "islnk": False,
        "isreadonly": "ReadOnly" in attributes,
        "isreg": not node.directory,
        "isshared": False,
        "nlink": 1,
        "hlnk_targets": [],
        "creationtime": seconds_since_epoch(node.created),
        "lastaccesstime": seconds_since_epoch(node.accessed),
        "lastwritetime": seconds_since_epoch(node.modified),
        "path": full,
        "filename": node.name,
        "owner": node.owner,
    }


@module("ansible.windows.slurp")
def slurp(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """The content of a file in base64."""
    path = ctx.params["src"]
    if host.files.is_dir(path):
        raise ModuleFailure(f"Path {path} is a directory")
    if not host.files.is_file(path):
        raise ModuleFailure(f"Path {path} is not found")
    content = base64.b64encode(host.files.read(path)).decode()
    return {"changed": False, "content": content, "encoding": "base64"}


# win_find -----------------------------------------------------------------------------------------------------

_AGE = re.compile(r"^(-?\d+)(s|m|h|d|w)?$", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"^(-?\d+)(b|k|m|g|t)?$", re.IGNORECASE)
_BYTES = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@module("ansible.windows.win_find")
def win_find(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Files or directories below some paths."""
    params = ctx.params
    found, examined = [], 0
    warnings: list[str] = []
    for root in params["paths"]:
        if not host.files.exists(root):
            raise ModuleFailure(f"Argument path '{root}' does not exist, cannot get information on")
        if not host.files.is_dir(root):
            raise ModuleFailure(f"Argument path '{root}' is a file not a directory")
        for path, node in _below(host, root, recurse=params["recurse"]):
            examined += 1
            if _matches(host, params, node):
                found.append(_found(host, params, path, node))
    result = {"changed": False, "examined": examined, "files": found, "matched": len(found)}
    return {**result, "warnings": warnings}


def _below(host: Host, root: str, *, recurse: bool) -> Iterator[tuple[str, Node]]:
    for node in host.files.list(root):
        path = ntpath.join(host.files.real_path(root), node.name)
        yield path, node
        if node.directory and recurse:
            yield from _below(host, path, recurse=True)


def _matches(host: Host, params: dict[str, Any], node: Node) -> bool:
    kind = params["file_type"].lower()
    if node.directory != (kind == "directory"):
        return False
    if "Hidden" in node.attributes and not params["hidden"]:
        return False
    return _name_matches(params, node) and _age_matches(host, params, node) and _size_matches(params, node)


def _name_matches(params: dict[str, Any], node: Node) -> bool:
    patterns = params["patterns"]
    if not patterns:
        return True
    if params["use_regex"]:
        return any(re.search(pattern, node.name, re.IGNORECASE) for pattern in patterns)
    return any(fnmatch.fnmatchcase(node.name.lower(), pattern.lower()) for pattern in patterns)


def _age_matches(host: Host, params: dict[str, Any], node: Node) -> bool:
    if params["age"] is None:
        return True
    match = _AGE.match(params["age"])
    if match is None:
        raise ModuleFailure("failed to process age: value is not in the correct format")
    seconds = int(match[1]) * _SECONDS[(match[2] or "s").lower()]
    stamp = {"atime": node.accessed, "ctime": node.created, "mtime": node.modified}[
        params["age_stamp"].lower()
    ]
    age = (host.clock.now() - stamp).total_seconds()
    return age >= seconds if seconds >= 0 else age <= -seconds


def _size_matches(params: dict[str, Any], node: Node) -> bool:
    if params["size"] is None:
        return True
    match = _SIZE.match(params["size"])
    if match is None:
        raise ModuleFailure("failed to process size: value is not in the correct format")
    wanted = int(match[1]) * _BYTES[(match[2] or "b").lower()]
    return node.size >= wanted if wanted >= 0 else node.size <= -wanted


def _found(host: Host, params: dict[str, Any], path: str, node: Node) -> dict[str, Any]:
    stat = stat_of(host, path, node)
    keys = ("attributes", "isarchive", "isdir", "ishidden", "islnk", "isreadonly", "isreg", "isshared")
    entry = {
        key: stat[key] for key in (*keys, "creationtime", "lastaccesstime", "lastwritetime", "owner", "path")
    }
    entry["filename"] = node.name
    if not node.directory:
        entry["extension"] = ntpath.splitext(node.name)[1]
        entry["size"] = node.size
        if params["get_checksum"]:
            entry["checksum"] = checksum(host, path, params["checksum_algorithm"].lower())
    else:
        entry["size"] = _tree_size(host, path)
    return entry

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file on the target: read once, written at most once. PRIVATE to the winstack collections.

The seam between merging, which runs on the controller, and the two kinds of target. Linux has a module of ours for it;
Windows will get a class with the same two methods over ansible.windows modules.
"""

from __future__ import annotations

import base64
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible.plugins.action import ActionBase

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError

SECRET_MODE: t.Final = 0o640
"""The widest mode of a file with secrets: the service reads it through its group."""


@dataclass(frozen=True)
class Attributes:
    """Owner and group by name or number, and mode; None: as it is."""

    owner: str | None = None
    group: str | None = None
    mode: int | None = None


@dataclass(frozen=True)
class FileState:
    """A file as it was read; ``data`` is None where there is none. ``ids`` are the numbers of owner and group."""

    data: bytes | None
    sha256: str
    attributes: Attributes
    ids: tuple[str, str] = ("", "")


class TargetFile(t.Protocol):
    """A way to one file."""

    def read(self) -> FileState:
        """Give the file. Raise HostError if it cannot be read."""

    def write(self, data: bytes, *, was: FileState, attributes: Attributes, backup: bool) -> str | None:
        """Put the whole file in place at once, unless it is no longer as ``was``; give the path of the backup.

        Attributes that are None stay as they are. Raise HostError if it cannot be written.
        """


class LinuxFile:
    """A file behind the module oslo_config_file, run on the task's own connection."""

    def __init__(self, action: ActionBase, task_vars: dict[str, t.Any], path: str) -> None:
        """Take the action plugin whose connection and become are used."""
        self._action = action
        self._task_vars = task_vars
        self._path = path
        # Connection plugins print what a command answered at -vvv, except for tasks with no_log.
        action._play_context.no_log = True

    def read(self) -> FileState:
        """Give the file."""
        found = self._run({})
        if not found["exists"]:
            return FileState(None, "", Attributes())
        attributes = Attributes(found["owner"], found["group"], int(found["mode"], 8))
        ids = (str(found["uid"]), str(found["gid"]))
        return FileState(base64.b64decode(found["content"]), found["sha256"], attributes, ids)

    def write(self, data: bytes, *, was: FileState, attributes: Attributes, backup: bool) -> str | None:
        """Put the whole file in place at once."""
        written = self._run(
            {
                "content": base64.b64encode(data).decode("ascii"),
                "expected_sha256": was.sha256,
                "backup": backup,
                "owner": attributes.owner,
                "group": attributes.group,
                "mode": None if attributes.mode is None else f"{attributes.mode:04o}",
            }
        )
        return t.cast("str | None", written.get("backup_file"))

    def _run(self, options: Mapping[str, t.Any]) -> dict[str, t.Any]:
        given = {name: value for name, value in options.items() if value is not None}
        result: dict[str, t.Any] = self._action._execute_module(
            module_name="winstack.openstack.oslo_config_file",
            module_args={"path": self._path, **given},
            task_vars=self._task_vars,
        )
        if result.get("failed"):
            raise HostError(str(result.get("msg") or "The module gave no reason."))
        return result

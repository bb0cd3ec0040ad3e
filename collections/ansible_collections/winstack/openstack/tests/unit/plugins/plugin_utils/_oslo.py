# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of oslo_config share: validated options, a file in memory, and the real oslo.config."""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from oslo_config import cfg

from ansible_collections.winstack.openstack.plugins.plugin_utils._target_file import Attributes, FileState
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_config import ARGUMENT_SPEC, OsloConfig


class FileInMemory:
    """A target file that counts how often it is read and written."""

    def __init__(
        self,
        data: bytes | None = None,
        attributes: Attributes | None = None,
        ids: tuple[str, str] = ("0", "0"),
    ) -> None:
        """Take what is there; no bytes: nothing."""
        self.data = data
        self.attributes = attributes or Attributes("root", "root", 0o640)
        self.ids = ids
        self.reads = 0
        self.writes = 0

    def read(self) -> FileState:
        """Give the file."""
        self.reads += 1
        if self.data is None:
            return FileState(None, "", Attributes())
        return FileState(self.data, hashlib.sha256(self.data).hexdigest(), self.attributes, self.ids)

    def write(self, data: bytes, *, was: FileState, attributes: Attributes, backup: bool) -> str | None:
        """Take the file."""
        assert was.data == self.data
        self.writes += 1
        self.data = data
        kept = self.attributes
        self.attributes = Attributes(
            attributes.owner or kept.owner,
            attributes.group or kept.group,
            kept.mode if attributes.mode is None else attributes.mode,
        )
        return "/etc/x.conf.1~" if backup else None


def params(**options: t.Any) -> dict[str, t.Any]:
    """Give options as the action plugin hands them on."""
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"path": "/etc/x.conf", **options})
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


def ensure(
    file: FileInMemory, *, check_mode: bool = False, diff: bool = True, **options: t.Any
) -> dict[str, t.Any]:
    """Do what a task with these options does."""
    return OsloConfig(params(**options)).ensure(file, check_mode=check_mode, diff=diff)


def merged(text: str, **options: t.Any) -> str:
    """Give a text after a task with these options."""
    file = FileInMemory(text.encode())
    ensure(file, **options)
    assert file.data is not None
    return file.data.decode()


def parsed(path: Path, data: bytes) -> dict[str, dict[str, list[str]]]:
    """Give what the real oslo.config finds in a file: sections, options, all their values."""
    path.write_bytes(data)
    sections: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(str(path), sections).parse()
    return sections


def loaded(path: Path, data: bytes, options: Mapping[str, t.Sequence[cfg.Opt]]) -> cfg.ConfigOpts:
    """Give the configuration that a service with these options (section -> options) would have."""
    path.write_bytes(data)
    conf = cfg.ConfigOpts()
    for section, opts in options.items():
        conf.register_opts(opts, group=None if section == "DEFAULT" else section)
    conf([], default_config_files=[str(path)])
    return conf

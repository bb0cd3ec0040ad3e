# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of oslo_config to a result, over any target file. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.winstack.openstack.plugins.plugin_utils._secrets import Secrets
from ansible_collections.winstack.openstack.plugins.plugin_utils._target_file import (
    SECRET_MODE,
    Attributes,
    FileState,
    TargetFile,
)
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import Document, decode, encode
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_merge import Removal, Want
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "path": {"type": "str", "required": True},
    "config": {"type": "dict", "default": {}},
    "remove": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "section": {"type": "str", "required": True},
            "option": {"type": "str"},
            "entries": {"type": "list", "elements": "str"},
        },
        "required_by": {"entries": "option"},
    },
    "multi_valued": {"type": "list", "elements": "str", "default": []},
    "merge_lists": {"type": "list", "elements": "str", "default": []},
    "escape_dollar": {"type": "str", "choices": ["secrets", "always", "never"], "default": "secrets"},
    "secrets": {"type": "list", "elements": "str", "default": []},
    "create": {"type": "bool", "default": True},
    "backup": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
}


class OsloConfig:
    """What a file should be like. Raise WantError for what no file could be."""

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        """Take the validated options of the task."""
        self._path = str(params["path"])
        self._create = bool(params["create"])
        self._backup = bool(params["backup"])
        self._secrets = Secrets(params["secrets"])
        self._attributes = Attributes(params["owner"], params["group"], octal(params["mode"]))
        self._want = Want(
            params["config"],
            removals=[_removal(item) for item in params["remove"]],
            multi_valued=params["multi_valued"],
            merge_lists=params["merge_lists"],
            secrets=self._secrets,
            escape_dollar=params["escape_dollar"],
        )

    def ensure(self, file: TargetFile, *, check_mode: bool, diff: bool) -> dict[str, t.Any]:
        """Read the file, and write it if it is to be another; give the result without secrets."""
        was = file.read()
        if was.data is None and not self._create:
            raise RefusedError(f"{self._path} is not there, and 'create' is false.")
        text, warnings = decode(was.data or b"")
        before, after = Document(text), Document(text)
        changes = self._want.apply(after)
        data = encode(after.text)
        attributes, remarks = self._new_attributes(was, after)
        warnings += self._want.warnings
        is_there = was.data is not None
        result: dict[str, t.Any] = {
            "changed": data != (was.data or b"") or (is_there and attributes != Attributes()),
            "path": self._path,
            "changes": [change.shown(self._secrets) for change in changes],
        }
        if warnings or remarks:
            result["warnings"] = [f"{self._path}: {warning}" for warning in [*warnings, *remarks]]
        if diff:
            result["diff"] = [self._diff(before, after), *self._attribute_diff(was, attributes)]
        if check_mode or not result["changed"]:
            return result
        kept = file.write(data, was=was, attributes=attributes, backup=self._backup)
        return result | ({"backup_file": kept} if kept else {})

    def _new_attributes(self, was: FileState, after: Document) -> tuple[Attributes, list[str]]:
        """Give the attributes to be changed, and what to say of them. Raise WantError for too wide a mode."""
        have, want = was.attributes, self._attributes
        new = Attributes(
            want.owner if want.owner not in (have.owner, was.ids[0]) else None,
            want.group if want.group not in (have.group, was.ids[1]) else None,
            want.mode if want.mode != have.mode else None,
        )
        if not self._secrets.any_in(after):
            return new, []
        if new.mode is not None and new.mode & ~SECRET_MODE:
            raise WantError(
                f"{self._path} holds secrets: its mode may not be {new.mode:04o}. Use {SECRET_MODE:04o} or less."
            )
        mode = have.mode if new.mode is None else new.mode
        if mode is None or not mode & ~SECRET_MODE:
            return new, []
        return new, [
            f"it holds secrets, and its mode is {mode:04o}. Set 'mode' to {SECRET_MODE:04o} or less."
        ]

    def _attribute_diff(self, was: FileState, new: Attributes) -> list[dict[str, t.Any]]:
        """Give owner, group and mode before and after, of a file that is there and is to have others."""
        if was.data is None or new == Attributes():
            return []
        changed = [name for name, value in _shown(new).items() if value]
        sides = {
            side: {name: _shown(attributes)[name] for name in changed}
            for side, attributes in (("before", was.attributes), ("after", new))
        }
        return [{"before_header": self._path, "after_header": self._path, **sides}]

    def _diff(self, before: Document, after: Document) -> dict[str, str]:
        return {
            "before_header": self._path,
            "after_header": self._path,
            "before": self._secrets.text(before),
            "after": self._secrets.text(after, new_to=before),
        }


def _shown(attributes: Attributes) -> dict[str, str | None]:
    mode = None if attributes.mode is None else f"{attributes.mode:04o}"
    return {"owner": attributes.owner, "group": attributes.group, "mode": mode}


def octal(mode: t.Any) -> int | None:
    """Give a mode as a number. Raise WantError for what is none, as 640 without quotes."""
    if mode is None:
        return None
    try:
        # YAML turns an unquoted 0640 into the number 416, and an unquoted 640 into one that no file has.
        number = mode if isinstance(mode, int) and not isinstance(mode, bool) else int(str(mode), 8)
    except ValueError:
        number = -1
    if not 0 <= number <= 0o777 or mode in (400, 440, 444):
        raise WantError(f"The mode {mode!r} is none. Write it in octal and in quotes, as '0640'.")
    return number


def _removal(item: Mapping[str, t.Any]) -> Removal:
    return Removal(item["section"], item.get("option") or "", tuple(item.get("entries") or ()))

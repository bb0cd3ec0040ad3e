# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.windows.adopt: writes what a host is as the variables of the roles."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.adoption import KINDS as ADOPTED
from ansible_collections.winstack.windows.plugins.plugin_utils.adoption import (
    Adopted,
    Part,
    Secret,
    adopt,
    file_text,
    is_edited,
    is_written_by_adopt,
    sentences,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.action import (
    PROTECTED,
    Result,
    Spec,
    TaskHost,
    TaskVars,
    WinstackActionBase,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.report import Found
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import protected
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS


class ActionModule(WinstackActionBase):
    """Gathers a host, and writes a file of variables with which the roles find nothing to do on it."""

    _winstack_spec: t.ClassVar[Spec] = {
        "dest": {"type": "path"},
        "force": {"type": "bool", "default": False},
        "protected": PROTECTED,
    }
    _winstack_kinds: t.ClassVar = KINDS
    _winstack_protected: t.ClassVar = protected.DEFAULT
    _winstack_variables: TaskVars

    def run(self, tmp: str | None = None, task_vars: TaskVars | None = None) -> Result:
        """Return the result of the task."""
        self._winstack_variables = task_vars or {}
        return super().run(tmp, task_vars)

    def _winstack_run(self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot) -> Result:
        file = self._winstack_file(params["dest"])
        before = _read(file)
        if not params["force"]:
            _refuse_what_a_person_wrote(file, before)
        adopted, tried = self._winstack_adopted(params, host, snapshot)
        variables = {name: value for one in tried for name, value in one.variables.items()}
        text = file_text(self._winstack_host, variables)
        if text != before and not self._task.check_mode:
            _write(file, text)
        left = [*adopted.left, *(sentence for one in tried for sentence in one.left)]
        return self._winstack_result(file, variables, adopted.secrets, left) | {
            "changed": text != before,
            "diff": [_diff(file, before, text)],
        }

    def _winstack_adopted(
        self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot
    ) -> tuple[Adopted, list[_Tried]]:
        """Return what the host is, and of each part the best way to say it."""
        objects, told = self._winstack_gather(ADOPTED, params, host, snapshot)
        adopted = adopt(self._winstack_host, t.cast(list[Found], objects), told["silent"], told["host"])
        options = Options(check=True, protected=self._winstack_options(params, lenient=False).protected)

        def plan(wishes: list[Wish]) -> Run:
            return Run(KINDS, wishes, host, snapshot, options)

        return adopted, [_best(part, plan) for part in adopted.parts]

    # The file -------------------------------------------------------------------------------------------------------------

    def _winstack_file(self, dest: str | None) -> Path:
        """Return the file to write. Raise WantError where there is no good place for it."""
        if dest is not None:
            return Path(str(t.cast(t.Any, self._loader).path_dwim(dest)))
        folder = self._winstack_variables.get("inventory_dir")
        if not folder:
            raise WantError(
                "dest: the inventory of this run is no file, so that there is no folder to write to. Give dest."
            )
        file = Path(folder, "host_vars", self._winstack_host, "winstack.yml")
        _refuse_to_hide(file.parent)
        return file

    def _winstack_result(
        self, file: Path, variables: Mapping[str, t.Any], secrets: Iterable[Secret], left: Sequence[str]
    ) -> Result:
        vault = file.with_name("vault.yml")
        told = [
            {**asdict(secret), "file": str(vault), "defined": secret.variable in self._winstack_variables}
            for secret in secrets
        ]
        missing = [
            f"{one['option']} of target {one['target']} has a secret, which Windows does not show. Define {one['variable']} in "
            f"{vault}, and encrypt that file with ansible-vault."
            for one in told
            if not one["defined"]
        ]
        return {
            "dest": str(file),
            # As plain data: what is a template in the file is none in a result.
            "variables": json.loads(json.dumps(variables)),
            "vault": told,
            "left": list(left),
            "warnings": [f"{self._winstack_host}: {text}" for text in (*missing, *left)],
        }


class _Tried(t.NamedTuple):
    """A way to say what the host is: whether the role would refuse it, and what it would change or refuse."""

    refused: bool
    left: list[str]
    variables: dict[str, t.Any]


def _best(part: Part, plan: Callable[[list[Wish]], Run]) -> _Tried:
    """Return the way that leaves most as it is, the first of several."""
    tried = [_try(plan(read_document(part.document(way), KINDS)), way) for way in part.ways]
    return min(tried, key=lambda one: (one.refused, len(one.left)))


def _try(run: Run, variables: dict[str, t.Any]) -> _Tried:
    try:
        result = run.converge()
    except Failed as error:
        return _Tried(True, str(error).split("\n"), variables)
    return _Tried(False, [*sentences(result["objects"])], variables)


def _refuse_what_a_person_wrote(file: Path, text: str) -> None:
    """Raise RefusedError for a file that must not be lost."""
    if not text:
        return
    if not is_written_by_adopt(text):
        raise RefusedError(
            f"{file} was not written by adopt, and would be lost. Move it away, give another dest, or set force: true."
        )
    if is_edited(text):
        raise RefusedError(
            f"{file} was edited since adopt wrote it, and the edits would be lost. Keep it as it is, or set force: true."
        )


def _refuse_to_hide(folder: Path) -> None:
    """Raise RefusedError where a new folder would hide a file: of the two, Ansible reads the folder alone."""
    if folder.is_dir():
        return
    files = (folder.with_name(folder.name + extension) for extension in ("", ".yml", ".yaml", ".json"))
    for file in files:
        if file.is_file():
            raise RefusedError(
                f"{file} is there, and Ansible would no longer read it beside a folder {folder.name}. Move it to "
                f"{folder / 'main.yml'}, then adopt the host again."
            )


def _read(file: Path) -> str:
    """Return the text of a file; nothing where there is none. Raise WantError where it cannot be read."""
    try:
        return file.read_bytes().decode() if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise WantError(f"{file} cannot be read: {error}. Give another dest.") from error


def _write(file: Path, text: str) -> None:
    """Write the file in one step, for everybody to read. Raise WantError where that cannot be."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as written:
                written.write(text.encode())
            os.chmod(name, 0o644)
            os.replace(name, file)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise WantError(
            f"{file} cannot be written: {error.strerror}. Give another dest, or the rights to write it."
        ) from error


def _diff(file: Path, before: str, after: str) -> Result:
    return {"before_header": str(file), "after_header": str(file), "before": before, "after": after}

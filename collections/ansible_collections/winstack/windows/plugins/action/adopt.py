# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.windows.adopt: writes what a host is as the variables of the roles."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.adoption import KINDS as ADOPTED
from ansible_collections.winstack.windows.plugins.plugin_utils.adoption import (
    Adopted,
    adopt,
    document,
    file_text,
    is_edited,
    is_written_by_adopt,
    left,
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
        adopted, problems = self._winstack_adopted(params, host, snapshot)
        text = file_text(self._winstack_host, adopted.variables)
        if text != before and not self._task.check_mode:
            _write(file, text)
        return self._winstack_result(adopted, problems, file) | {
            "changed": text != before,
            "diff": [_diff(file, before, text)],
        }

    # The host -------------------------------------------------------------------------------------------------------------

    def _winstack_adopted(
        self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot
    ) -> tuple[Adopted, list[str]]:
        """Return what the host is, and what the roles would change all the same."""
        objects, told = self._winstack_gather(ADOPTED, params, host, snapshot)
        found = t.cast("list[Found]", objects)
        adopted = adopt(self._winstack_host, found, told["silent"], told["host"])
        if params["protected"] is not None:
            adopted.variables["iscsi_target_server_protected"] = params["protected"]
        options = Options(check=True, protected=self._winstack_options(params, lenient=False).protected)
        tries = []
        for firewall in (True, False):
            tried = adopted.with_firewall(firewall)
            run = Run(KINDS, read_document(document(tried.variables), KINDS), host, snapshot, options)
            tries.append((tried, _problems(run)))
        return min(tries, key=lambda pair: len(pair[1]))

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

    def _winstack_result(self, adopted: Adopted, problems: Sequence[str], file: Path) -> Result:
        vault = file.with_name("vault.yml")
        secrets = [
            {**asdict(secret), "file": str(vault), "defined": secret.variable in self._winstack_variables}
            for secret in adopted.secrets
        ]
        missing = [
            f"{self._winstack_host}: {one['option']} of target {one['target']} has a secret, which Windows does not show. "
            f"Define {one['variable']} in {vault}, and encrypt that file with ansible-vault."
            for one in secrets
            if not one["defined"]
        ]
        return {
            "dest": str(file),
            # As plain data: what is a template in the file is none in a result.
            "variables": json.loads(json.dumps(adopted.variables)),
            "vault": secrets,
            "left": list(problems),
            "warnings": [*missing, *(f"{self._winstack_host}: {text}" for text in problems)],
        }


def _problems(run: Run) -> list[str]:
    """Return a sentence for everything that the roles would change, refuse or miss."""
    try:
        result = run.converge()
    except Failed as error:
        return str(error).split("\n")
    return [*left(result["objects"])]


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

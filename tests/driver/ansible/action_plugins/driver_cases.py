# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs cases of the driver through the product's own way to a host, each one remote command."""

from __future__ import annotations

import re
import sys
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from driver_cases import Case, differences, load, sections

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.transport import RemoteHost

# The fake cmdlets tell what they were asked for.
SEEN = "seen"


class ActionModule(ActionBase):
    """Options: ``only``, a pattern of the names of cases, and ``constrained``, for hosts in constrained language."""

    _VALID_ARGS = frozenset(("only", "constrained"))

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the count of passed cases, and the faults of the failed ones by name."""
        self._supports_check_mode = True
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        cases = [case for case in load() if re.search(self._task.args.get("only", ""), case["name"])]
        faults = {case["name"]: self._faults(case, task_vars or {}) for case in cases}
        failed = {name: found for name, found in faults.items() if found}
        return result | {"passed": len(cases) - len(failed), "failures": failed, "failed": bool(failed)}

    def _faults(self, case: Case, task_vars: Mapping[str, t.Any]) -> list[str]:
        self._task.check_mode = case["check_mode"]
        calls = {**calls_of(case), SEEN: Call("Get-FakeCall", {}, ("",))}
        host = RemoteHost(self, task_vars)
        told = dict(host.execute(calls).sections)
        seen = [row[""] for row in told.pop(SEEN).data]
        constrained = bool(self._task.args.get("constrained"))
        wanted = {section["id"]: section for section in sections(case, constrained=constrained)}
        found = [*differences("sections", wanted, {name: _wire(name, told[name]) for name in told})]
        found += differences("seen", case["seen"], seen)
        leaked = [secret for secret in case["secrets"] if secret["password"] in f"{told} {host.warnings}"]
        return found + [f"{secret['name']} is in the output" for secret in leaked]


def _wire(name: str, section: Section) -> dict[str, t.Any]:
    """Return a section as it is on the wire."""
    error = vars(section.error) if section.error else None
    return {"id": name, **vars(section), "error": error, "data": list(section.data)}


def calls_of(case: Case) -> dict[str, Call]:
    """Return the calls of a case as the engine makes them, of what is on the wire."""
    secrets = {
        secret["name"]: Credential(secret.get("username") or "", secret["password"])
        for secret in case["secrets"]
    }
    return {call["id"]: _call(call, secrets) for call in case["calls"]}


def _call(call: Mapping[str, t.Any], secrets: Mapping[str, Credential]) -> Call:
    params = {name: _value(value, secrets) for name, value in call.get("params", {}).items()}
    select = tuple(tuple(item) if isinstance(item, list) else item for item in call.get("select", ()))
    return Call(call["cmdlet"], params, select, bool(call.get("change")))


def _value(value: t.Any, secrets: Mapping[str, Credential]) -> t.Any:
    if isinstance(value, str):
        return value.removeprefix("=")
    if isinstance(value, list):
        return [_value(item, secrets) for item in value]
    return secrets[value["secret"]] if isinstance(value, dict) else value

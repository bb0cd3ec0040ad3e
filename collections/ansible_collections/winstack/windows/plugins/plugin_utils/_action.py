# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins share: options in, a Windows host behind the task's own connection, a result out.

PRIVATE to the winstack collections. A concrete action plugin only names its resource.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.winstack.windows.plugins.plugin_utils import _runner
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import Resource
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine import transport
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WinstackError

TaskVars = dict[str, t.Any]


def run_mark() -> str:
    """Mark this run of ansible-playbook: its local temporary directory is made anew for each, and shared by its workers."""
    return str(vars(constants)["DEFAULT_LOCAL_TMP"]).rsplit("/", maxsplit=1)[-1]


class RemoteHost:
    """The Windows host of a task, whose answers are sections alone; ``answer`` is the last one, whole."""

    def __init__(self, action: ActionBase, task_vars: TaskVars) -> None:
        """Take the action plugin whose connection, become and check mode are used."""
        self._host = transport.RemoteHost(action, task_vars)
        self.warnings = self._host.warnings
        self.answer: Answer | None = None

    def execute(self, calls: Mapping[str, Call]) -> Facts:
        """Return a section for each call. Raise HostError when the driver could not run."""
        self.answer = self._host.execute(calls)
        return self.answer.sections


class WinstackActionBase(ActionBase):
    """Validates options, turns errors into failed results and carries the snapshot on. Hook: ``_winstack_run``."""

    _winstack_spec: t.ClassVar[dict[str, t.Any]]
    _winstack_constraints: t.ClassVar[dict[str, t.Any]] = {}

    def run(self, tmp: str | None = None, task_vars: TaskVars | None = None) -> dict[str, t.Any]:
        """Give the result of the task; an error is a failed result with one sentence for the operator."""
        self._supports_check_mode = True
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validated, params = t.cast(t.Any, self).validate_argument_spec(
            self._winstack_spec, **self._winstack_constraints
        )
        host = RemoteHost(self, variables)
        snapshot = Snapshot.from_facts(variables.get("ansible_facts") or {}, run_mark())
        try:
            result |= self._winstack_run(params, host, snapshot)
        except WinstackError as error:
            result |= {"failed": True, "changed": False, "msg": str(error)}
        return result | _leftovers(result, host, snapshot)

    def _winstack_run(
        self, params: Mapping[str, t.Any], host: RemoteHost, snapshot: Snapshot
    ) -> dict[str, t.Any]:
        """Do the work. Called with validated options; may raise WinstackError."""
        raise NotImplementedError


def _leftovers(result: Mapping[str, t.Any], host: RemoteHost, snapshot: Snapshot) -> dict[str, t.Any]:
    """Give what rides on every result: the facts of the snapshot and the warnings of Windows."""
    rest: dict[str, t.Any] = {}
    if facts := snapshot.as_facts():
        rest["ansible_facts"] = facts
    if warnings := [*result.get("warnings", ()), *host.warnings]:
        rest["warnings"] = warnings
    return rest


class ResourceActionBase(WinstackActionBase):
    """An action plugin over one resource: states present, absent, gathered and rendered."""

    _winstack_resource: t.ClassVar[type[Resource]]

    def __init_subclass__(cls) -> None:
        """Take the options from the resource."""
        super().__init_subclass__()
        cls._winstack_spec = cls._winstack_resource.argument_spec
        cls._winstack_constraints = cls._winstack_resource.constraints

    def _winstack_run(
        self, params: Mapping[str, t.Any], host: RemoteHost, snapshot: Snapshot
    ) -> dict[str, t.Any]:
        """Gather, render or ensure, by state."""
        if params["state"] == "gathered":
            return _runner.gathered(self._winstack_resource, host, snapshot, params)
        resource = self._winstack_resource(params)
        if params["state"] == "rendered":
            have = params["have"] or {}
            return _runner.rendered(resource, have, have.get("release"))
        return _runner.ensure(resource, host, snapshot, check_mode=bool(self._task.check_mode))

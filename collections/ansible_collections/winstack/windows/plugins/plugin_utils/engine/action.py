# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins share: options in, a Windows host behind the task's own connection, a result out.

PRIVATE to the winstack collections. A concrete plugin names its kinds and nothing else.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import (
    DocumentError,
    read_document,
    read_wish,
    unknown_options,
    written,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import (
    ToldState,
    host_of,
    objects_of,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Kind, Settings, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.reaching import unreachable_sentence
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import (
    RELEASES,
    check,
    completed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import (
    Namesakes,
    Snapshot,
    SnapshotFile,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.state import Kinds
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.transport import RemoteHost
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError, WinstackError

TaskVars = dict[str, t.Any]
Result = dict[str, t.Any]
Spec = dict[str, t.Any]

PROTECTED: t.Final[Spec] = {"type": "list", "elements": "str"}
REBOOT: t.Final[Spec] = {
    "reboot": {"type": "bool", "default": False},
    "reboot_timeout": {"type": "int", "default": 1800},
}


class TaskHost(RemoteHost):
    """The Windows host of a task, which can also be restarted, by the action plugin of ansible.windows."""

    def reboot(self, timeout: int) -> None:
        """Restart the host and wait for it. Raise HostError if it does not come back within ``timeout`` seconds."""
        task = self._action._task.copy()
        task.args = {"reboot_timeout": timeout, "msg": "Restart by Winstack"}
        action = self._action._shared_loader_obj.action_loader.get(
            "ansible.windows.win_reboot",
            task=task,
            connection=self._action._connection,
            play_context=self._action._play_context,
            loader=self._action._loader,
            templar=self._action._templar,
            shared_loader_obj=self._action._shared_loader_obj,
        )
        result = action.run(task_vars=self._task_vars)
        if result.get("failed"):
            raise HostError(f"The host was to restart: {result.get('msg') or 'it did not come back'}.")


class WinstackActionBase(ActionBase):
    """Validates options, turns errors into failed results and keeps the snapshot. Hook: ``_winstack_run``."""

    _winstack_spec: t.ClassVar[Spec]
    _winstack_constraints: t.ClassVar[Spec] = {}
    _winstack_kinds: t.ClassVar[Kinds]
    _winstack_protected: t.ClassVar[Sequence[str]] = ()

    def run(self, tmp: str | None = None, task_vars: TaskVars | None = None) -> Result:
        """Return the result of the task; an error is a failed result with one sentence for each problem."""
        self._supports_check_mode = True
        result: Result = super().run(tmp, task_vars)
        variables = task_vars or {}
        if faults := self._winstack_misspelt():
            return result | {"failed": True, "changed": False, "msg": "\n".join(faults)}
        _validated, params = t.cast(t.Any, self).validate_argument_spec(
            self._winstack_spec, **self._winstack_constraints
        )
        host = TaskHost(self, variables)
        self._winstack_host = variables.get("inventory_hostname", "the host")
        self._winstack_variables = variables
        file = SnapshotFile(vars(constants)["DEFAULT_LOCAL_TMP"], self._winstack_identity(variables))
        snapshot = Snapshot() if params.get("refresh") else file.load()
        try:
            result |= self._winstack_run(params, host, snapshot)
        except Failed as error:
            told = [_brief(entry) for entry in error.result["objects"]]
            result |= error.result | {"failed": True, "msg": str(error), "objects": told}
        except WinstackError as error:
            result |= {"failed": True, "changed": False, "msg": str(error)}
        except AnsibleConnectionFailure as error:
            snapshot.forget()
            result |= {"unreachable": True, "changed": False, "msg": self._winstack_unreachable(str(error))}
        finally:
            file.save(snapshot)
        return self._winstack_told(result, host)

    def _winstack_run(self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot) -> Result:
        """Do the work. Called with validated options; may raise WinstackError."""
        raise NotImplementedError

    def _winstack_misspelt(self) -> list[str]:
        """Return a sentence for every option, nested ones too, that the module does not have."""
        given = {name: value for name, value in self._task.args.items() if value is not None}
        return [f"{self._winstack_label()}: {text}" for text in unknown_options(given, self._winstack_spec)]

    def _winstack_label(self) -> str:
        """Return what sentences about the task's options begin with."""
        return str(self._task.action.rpartition(".")[2])

    def _winstack_identity(self, variables: TaskVars) -> dict[str, t.Any]:
        """Return what tells the answers of one host, as one account is given them, from all others."""
        task, play = self._task, self._play_context
        return {
            "host": variables.get("inventory_hostname"),
            "delegate_to": task.delegate_to,
            "connection": self._connection.transport,
            "address": play.remote_addr,
            "user": play.remote_user,
            "become": (task.become, task.become_user, task.become_method),
        }

    def _winstack_unreachable(self, reason: str) -> str:
        """Return what an operator is told when the connection cannot be made."""
        port = self._play_context.port
        address = f"{self._play_context.remote_addr}{f' port {port}' if port else ''}"
        host = self._task.delegate_to or self._winstack_host
        return unreachable_sentence(str(host), f"{address} ({self._connection.transport})", reason)

    def _winstack_told(self, result: Result, host: TaskHost) -> Result:
        """Return a result with what rides on every one: the cost, the warnings of Windows, and a diff only where it was asked for."""
        told = result | {"remote_commands": host.commands}
        if not self._task.diff:
            told.pop("diff", None)
        warnings = [*dict.fromkeys([*result.get("warnings", ()), *host.warnings])]
        return (
            told | {"warnings": warnings} if warnings else {k: v for k, v in told.items() if k != "warnings"}
        )

    def _winstack_options(self, params: Mapping[str, t.Any], *, lenient: bool) -> Options:
        given = params.get("protected")
        return Options(
            check=bool(self._task.check_mode),
            converged=params.get("expect") == "converged",
            reboot=bool(params.get("reboot")),
            reboot_timeout=int(params.get("reboot_timeout") or 1800),
            protected=tuple(self._winstack_protected if given is None else given),
            lenient=lenient,
        )

    def _winstack_gather(
        self, names: Sequence[str], params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot
    ) -> tuple[list[dict[str, t.Any]], Result]:
        """Return the objects of the named kinds, and what a gathered result says beside them."""
        kinds = {name: self._winstack_kinds[name] for name in names}
        run = Run(
            self._winstack_kinds,
            [],
            host,
            snapshot,
            self._winstack_options(params, lenient=False),
            gather=kinds,
        )
        state, silent = run.gathered()
        objects = [found for name in names if name not in silent for found in objects_of(kinds[name], state)]
        told = {"changed": False, "objects": objects, "silent": silent, "host": host_of(state)}
        return objects, told


def _brief(entry: Result) -> Result:
    """Return the entry of an object in a failed result: what was not touched is named alone, so that the reason is seen."""
    return (
        entry if entry["commands"] else {name: entry[name] for name in ("kind", "key", "changed", "outcome")}
    )


class KindActionBase(WinstackActionBase):
    """The action plugin of one kind: states present, absent, gathered and rendered."""

    _winstack_kind: t.ClassVar[Kind]

    def __init_subclass__(cls) -> None:
        """Take the options from the kind."""
        super().__init_subclass__()
        if not hasattr(cls, "_winstack_kind"):
            return
        kind = cls._winstack_kind
        cls._winstack_spec = module_spec(kind)
        needs = [] if kind.identity is None else [kind.identity.option]
        states = [state for state in cls._winstack_spec["state"]["choices"] if state != "gathered"]
        cls._winstack_constraints = {"required_if": [("state", state, needs) for state in states if needs]}

    def _winstack_run(self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot) -> Result:
        kind = self._winstack_kind
        if params["state"] == "gathered":
            objects, told = self._winstack_gather([kind.name], params, host, snapshot)
            if why := told["silent"].get(kind.name):
                raise HostError(why)
            return told | {"gathered": [found["options"] for found in objects]}
        wish = read_wish(kind, own_options(kind, params))
        options = self._winstack_options(params, lenient=kind.changes)
        if params["state"] == "rendered":
            return self._winstack_rendered(wish, params, options)
        return Run(self._winstack_kinds, [wish], host, snapshot, options).converge()

    def _winstack_label(self) -> str:
        identity = self._winstack_kind.identity
        name = self._task.args.get(identity.option) if identity else None
        return f"{self._winstack_kind.name} {name or ''}".rstrip()

    def _winstack_rendered(self, wish: Wish, params: Mapping[str, t.Any], options: Options) -> Result:
        """Return the calls that would lead from ``have`` to what is wished; no host is asked."""
        have = [{wish.kind.name: item} for item in params.get("have") or []]
        told = read_document(have, self._winstack_kinds, "have")
        plan = make_plan(ToldState(self._winstack_kinds, [wish], told, Settings(options.protected)))
        if problems := [*plan.refusals, *plan.unmet]:
            raise WinstackError("\n".join(problems))
        for step in plan.steps:
            check(completed(step.call), params.get("release"))
        return {
            "changed": bool(plan.steps),
            "rendered": [step.call.masked() for step in plan.steps],
            "warnings": list(plan.warnings),
        }


def module_spec(kind: Kind) -> Spec:
    """Return the options of the module of a kind: those of its objects, its states, and what reading needs."""
    own = {name: {k: v for k, v in option.items() if k != "required"} for name, option in kind.spec().items()}
    return own | {
        "state": {"type": "str", "choices": _states(kind), "default": "present"},
        "have": {"type": "list", "elements": "dict"},
        "release": {"type": "str", "choices": list(RELEASES)},
        "protected": PROTECTED,
        **(REBOOT if kind.may_restart else {}),
    }


def _states(kind: Kind) -> list[str]:
    """Return the states of a kind's module; those that its objects have in a document, as started, are among them."""
    own = [state for state in kind.spec().get("state", {}).get("choices", ()) if state != "present"]
    return ["present", *own, *(["gathered"] if kind.enumerates else []), "rendered"]


def own_options(kind: Kind, params: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of the object among those of the module."""
    own = {name: params[name] for name in kind.spec() if name != "state"}
    given = params["state"] in kind.spec().get("state", {}).get("choices", ())
    return own | ({"state": params["state"]} if given and params["state"] != "present" else {})


class DesiredStateActionBase(WinstackActionBase):
    """The action plugin of a whole document."""

    _winstack_spec: t.ClassVar[Spec] = {
        "resources": {"type": "raw"},
        "state": {"type": "str", "choices": ["present", "gathered"], "default": "present"},
        "kinds": {"type": "list", "elements": "str"},
        "expect": {"type": "str", "choices": ["converged"]},
        "protected": PROTECTED,
        "refresh": {"type": "bool", "default": False},
        **REBOOT,
    }
    _winstack_constraints: t.ClassVar[Spec] = {"required_if": [("state", "present", ["resources"])]}

    def _winstack_run(self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot) -> Result:
        if params["state"] == "gathered":
            return self._winstack_gathered(params, host, snapshot)
        options = self._winstack_options(params, lenient=False)
        try:
            wishes = read_document(params["resources"], self._winstack_kinds)
        except DocumentError as error:
            if not error.wishes:
                raise
            wishes, options = error.wishes, replace(options, faults=str(error))
        if not self._task.delegate_to:
            folder = vars(constants)["DEFAULT_LOCAL_TMP"]
            options = replace(options, namesakes=Namesakes(folder, str(self._winstack_host)).of)
        options = replace(options, beside=self._winstack_beside)
        run = Run(self._winstack_kinds, wishes, host, snapshot, options)
        return run.verify() if options.converged else run.converge()

    def _winstack_beside(self) -> list[Wish]:
        """Return what later documents of the play wish, which a play may say in the variable ``winstack_documents``.

        What cannot be read is told by the task whose document it is.
        """
        told = self._winstack_variables.get("winstack_documents")
        try:
            return read_document(self._templar.template(told), self._winstack_kinds) if told else []
        except DocumentError as error:
            return error.wishes
        except AnsibleError:
            return []

    def _winstack_gathered(self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot) -> Result:
        known = [kind.name for kind in self._winstack_kinds.values() if kind.enumerates]
        names = params["kinds"] or known
        if unknown := [name for name in names if name not in known]:
            raise WinstackError(
                f"kinds: {', '.join(unknown)} cannot be gathered. These can: {', '.join(known)}."
            )
        objects, told = self._winstack_gather(names, params, host, snapshot)
        own = [found for found in objects if not found["protected"]]
        return told | {"gathered": written((found["kind"], found["options"]) for found in own)}

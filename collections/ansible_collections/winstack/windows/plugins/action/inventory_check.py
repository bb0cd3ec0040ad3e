# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.windows.inventory_check: reads the inventory of the run, and asks no host."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from ansible import constants
from ansible.errors import AnsibleError
from ansible.inventory import manager
from ansible.plugins.action import ActionBase

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.inventory import (
    Endpoint,
    Groups,
    Missing,
    VaultReader,
    endpoint_of,
    endpoint_problems,
    group_problems,
    is_of_controller,
    limit_problems,
    name_problems,
    pattern_problems,
    tag_problems,
    value_problems,
    vault_file,
    vault_problems,
)

TaskVars = Mapping[str, t.Any]
Result = dict[str, t.Any]
# ansible-core leaves these without annotations.
_MANAGER: t.Any = manager
_SETTINGS: t.Final[Mapping[str, t.Any]] = vars(constants)
# What Ansible itself puts beside the variables of a host.
_NO_VARIABLES: t.Final = frozenset({"groups", "hostvars", "vars", "ansible_facts", "ansible_local"})


class ActionModule(ActionBase):
    """Tells everything that is wrong with the inventory and with the words of the run, in one failure."""

    _requires_connection = False
    _supports_check_mode = True
    _winstack_spec: t.ClassVar[Result] = {
        "groups": {"type": "list", "elements": "str", "required": True},
        "limited": {"type": "list", "elements": "str"},
        "tags": {"type": "list", "elements": "str"},
    }
    _winstack_constraints: t.ClassVar[Result] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Return the result of the task: ``problems``, a list of sentences; a failure if there is one."""
        result: Result = super().run(tmp, task_vars)
        _validated, params = t.cast(t.Any, self).validate_argument_spec(self._winstack_spec)
        problems = list(dict.fromkeys(self._problems(params, task_vars or {})))
        result |= {"changed": False, "problems": problems}
        return result | {"failed": True, "msg": "\n".join(problems)} if problems else result

    def _problems(self, params: TaskVars, task_vars: TaskVars) -> Iterator[str]:
        groups: Groups = task_vars["groups"]
        limit = task_vars.get("ansible_limit")
        left, unmatched = self._limited(groups, limit)
        limited = params["groups"] if params["limited"] is None else params["limited"]
        yield from group_problems(params["groups"], groups)
        yield from pattern_problems(unmatched, groups)
        if limit and not unmatched:
            yield from limit_problems(limit, limited, groups, left)
        if params["tags"] is not None:
            for option, variable in (("--tags", "ansible_run_tags"), ("--skip-tags", "ansible_skip_tags")):
                yield from tag_problems(option, task_vars.get(variable) or (), params["tags"])
        hosts = list(dict.fromkeys(host for name in params["groups"] for host in groups.get(name, ())))
        yield from name_problems(hosts)
        yield from _Variables(self._templar, task_vars, params["groups"][0]).problems(hosts, left)

    def _limited(self, groups: Groups, limit: str | None) -> tuple[Collection[str], Sequence[str]]:
        """Return the hosts that ``--limit`` leaves, and those of its parts that match nothing."""
        inventory = _MANAGER.InventoryManager(loader=self._loader, sources=[], parse=False)
        for name, hosts in groups.items():
            inventory.add_group(name)
            for host in hosts:
                inventory.add_host(host, name)
        parts = _MANAGER.split_host_pattern(limit) if limit else []
        unmatched = [part for part in parts if not _names(inventory, part.lstrip("!&"))]
        return _matching(inventory, limit or None), unmatched


def _names(inventory: t.Any, part: str) -> bool:
    """Return whether a part of a limit names anything; the controller is there without being in an inventory."""
    return part in _SETTINGS["LOCALHOST"] or bool(_matching(inventory, part))


def _matching(inventory: t.Any, limit: str | None) -> set[str]:
    """Return the hosts that a limit leaves; ``@file`` in it names a file of patterns, one a line."""
    try:
        inventory.subset(limit)
        return {host.name for host in inventory.get_hosts()}
    except AnsibleError:
        # With host_pattern_mismatch = error, Ansible makes one of a pattern that matches nothing.
        return set()


class _Variables:
    """The variables of hosts, untemplated but for those that say where a host is reached."""

    def __init__(self, templar: t.Any, task_vars: TaskVars, group: str) -> None:
        self._templar, self._hostvars, self._group = templar, task_vars["hostvars"], group
        self._shared: dict[str, object] = {}
        # What the play defines, it defines for every host.
        own = self._hostvars.raw_get(task_vars["inventory_hostname"])
        self._of_play = frozenset(name for name in task_vars if name not in own)

    def problems(self, hosts: Sequence[str], left: Collection[str]) -> Iterator[str]:
        """Return what is wrong with the variables of hosts; what concerns none that ``--limit`` has left is left aside."""
        reader, default = VaultReader(), str(_SETTINGS["config"].get_config_value("DEFAULT_TRANSPORT"))
        endpoints: dict[str, Endpoint] = {}
        faults: dict[str, str] = {}
        missing: dict[str, list[Missing]] = {}
        for host in hosts:
            raw = self._hostvars.raw_get(host)
            own = {name: value for name, value in raw.items() if name not in _NO_VARIABLES}
            missing[host] = [*reader.missing(own, self._of_play, self._vault_file)] if host in left else []
            try:
                if endpoint := endpoint_of(host, partial(self._value, raw), default):
                    endpoints[host] = endpoint
            except WantError as error:
                if host in left and not missing[host]:  # Which may be why a value cannot be read.
                    faults[host] = str(error)
        yield from value_problems(faults)
        yield from endpoint_problems(endpoints, left)
        yield from vault_problems(missing)

    def _value(self, raw: TaskVars, name: str) -> object:
        value = raw.get(name)
        if isinstance(value, str) and is_of_controller(str(value)):
            if value not in self._shared:
                self._shared[value] = self._templated(raw, name, value)
            return self._shared[value]
        return self._templated(raw, name, value)

    def _templated(self, raw: TaskVars, name: str, value: object) -> object:
        try:
            if not self._templar.is_template(value):
                return value
            templar = self._templar.copy_with_new_env(available_variables={**raw, "hostvars": self._hostvars})
            return t.cast(object, templar.template(value))
        except AnsibleError as error:
            raise WantError(f"{name} cannot be read. {' '.join(str(error).split())}") from error

    def _vault_file(self, value: object) -> str:
        return vault_file(_origin(value), self._group)


def _origin(value: object) -> str | None:
    """Return the file that a value was read from, as far as this release of Ansible tells."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return None
    for part in _leaves(value):
        tag = Origin.get_tag(part)
        if tag is not None and tag.path:
            return str(tag.path)
    return None


def _leaves(value: object) -> Iterator[object]:
    yield value
    if isinstance(value, (Mapping, list)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(part)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a resource to a changed host: gather, plan, apply, gather again and compare. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils._call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils._driver import Facts, Section
from ansible_collections.winstack.windows.plugins.plugin_utils._errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    Plan,
    Resource,
    Thing,
    reason,
    release,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS
from ansible_collections.winstack.windows.plugins.plugin_utils._signatures import check
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import Snapshot

Result = dict[str, t.Any]


class Host(t.Protocol):
    """A way to a Windows host."""

    def execute(self, calls: Mapping[str, Call]) -> Facts:
        """Run the calls in one remote command and give one section for each. Raise HostError if that cannot be."""


def gather(host: Host, snapshot: Snapshot, names: Sequence[str]) -> Facts:
    """Give the named sections, asking the host in one batch for those that are not known."""
    missing = snapshot.missing(names)
    if missing:
        calls = {name: SECTIONS[name] for name in missing}
        for call in calls.values():
            check(call)
        snapshot.update(host.execute(calls))
    return {name: snapshot.sections[name] for name in names}


def gathered(resource: type[Resource], host: Host, snapshot: Snapshot) -> Result:
    """Give everything of this kind that the host has."""
    return {"changed": False, "gathered": resource.read(gather(host, snapshot, ("os", *resource.sections)))}


def rendered(resource: Resource, have: Thing, wanted_release: str | None) -> Result:
    """Give the calls that would lead from ``have`` to what is wanted; no host is touched."""
    plan = resource.plan(have, {})
    _check_all(plan, wanted_release)
    return _result(plan, changed=False) | {"rendered": [call.masked() for call in plan.calls]}


def ensure(resource: Resource, host: Host, snapshot: Snapshot, *, check_mode: bool) -> Result:
    """Bring the host to what is wanted, and make sure that it reads back."""
    facts = gather(host, snapshot, ("os", *resource.sections))
    plan = _plan(resource, host, facts)
    _check_all(plan, release(facts))
    if plan.calls and not check_mode:
        _apply(plan, resource, host, snapshot)
        _compare(resource, plan, gather(host, snapshot, ("os", *resource.sections)))
    return _result(plan, changed=bool(plan.calls))


def _plan(resource: Resource, host: Host, facts: Facts) -> Plan:
    have = resource.read(facts)
    probes = resource.probes(have)
    return resource.plan(have, host.execute(probes) if probes else {})


def _check_all(plan: Plan, wanted_release: str | None) -> None:
    for call in plan.calls:
        check(call, wanted_release)


def _apply(plan: Plan, resource: Resource, host: Host, snapshot: Snapshot) -> None:
    """Run the calls and gather what they touched, in one batch: one remote command a change."""
    steps = {f"step {number}": call for number, call in enumerate(plan.calls, 1)}
    answers = host.execute(steps | {name: SECTIONS[name] for name in resource.touches})
    snapshot.update({name: answers[name] for name in resource.touches})
    done: list[str] = []
    for name, call in steps.items():
        if not answers[name].ok:
            raise HostError(_refusal(call, answers[name], done))
        done.append(call.cmdlet)


def _refusal(call: Call, section: Section, done: Sequence[str]) -> str:
    before = f" Done before it: {', '.join(done)}." if done else " Nothing was changed before it."
    return f"Windows refused {call.cmdlet}: {reason(section.error)}{before}"


def _compare(resource: Resource, plan: Plan, facts: Facts) -> None:
    now = resource.current(resource.read(facts))
    wrong = [name for name, value in plan.after.items() if now.get(name) != value]
    if not plan.after and now:
        raise HostError(
            "The change was made without an error, and yet the object that had to go is still there."
        )
    if wrong:
        told = "; ".join(
            f"{name}: wanted {plan.after[name]!r}, the host has {now.get(name)!r}" for name in wrong
        )
        raise HostError(f"The change was made without an error, and yet it does not read back. {told}.")


def _result(plan: Plan, *, changed: bool) -> Result:
    result: Result = {
        "changed": changed,
        "before": plan.before,
        "after": plan.after,
        "diff": {"before": plan.before, "after": plan.after},
        "commands": [call.masked() for call in plan.calls],
    }
    return result | ({"warnings": list(plan.warnings)} if plan.warnings else {})

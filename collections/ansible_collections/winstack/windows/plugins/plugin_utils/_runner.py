# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a resource to a changed host: gather, plan, apply, gather again and compare. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    Have,
    Plan,
    Resource,
    Thing,
    reason,
    release,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WinstackError,
)

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


def gathered(
    resource: type[Resource], host: Host, snapshot: Snapshot, params: Mapping[str, t.Any] | None = None
) -> Result:
    """Give everything of this kind that the host has."""
    have = _read(resource, host, snapshot)[1]
    return {"changed": False, "gathered": resource.shown(have, params or {})}


def rendered(resource: Resource, have: Thing, wanted_release: str | None) -> Result:
    """Give the calls that would lead from ``have`` to what is wanted; no host is touched."""
    plan = resource.plan(have, {})
    _check_all(plan, wanted_release)
    return _preview(plan, changed=False) | {"rendered": [call.masked() for call in plan.calls]}


def ensure(resource: Resource, host: Host, snapshot: Snapshot, *, check_mode: bool) -> Result:
    """Bring the host to what is wanted, and make sure that it reads back."""
    facts, have = _read(type(resource), host, snapshot)
    probes = resource.probes(have)
    plan = resource.plan(have, host.execute(probes) if probes else {})
    _check_all(plan, release(facts))
    if check_mode:
        return _preview(plan, changed=bool(plan.calls))
    if plan.unmet:
        raise RefusedError(" ".join(plan.unmet))
    if plan.calls:
        _apply(plan, resource, host, snapshot)
        _settle(plan, resource, host, snapshot)
    result = _result(plan, changed=bool(plan.calls))
    return _finish(result, resource, host, snapshot) if plan.partial else result


def _read(resource: type[Resource], host: Host, snapshot: Snapshot) -> tuple[Facts, Have]:
    """Gather and read. What stops the reading (a service that is stopped) may have been mended since the snapshot was taken."""
    names = ("os", *resource.sections)
    known = [name for name in names if name not in snapshot.missing(names)]
    facts = gather(host, snapshot, names)
    try:
        return facts, resource.read(facts)
    except HostError:
        if not known:
            raise
    snapshot.forget(names)
    facts = gather(host, snapshot, names)
    return facts, resource.read(facts)


def _finish(first: Result, resource: Resource, host: Host, snapshot: Snapshot) -> Result:
    """Plan and do what could be known only after the first step; one result tells both."""
    try:
        rest = ensure(resource, host, snapshot, check_mode=False)
    except WinstackError as error:
        done = ", ".join(command["cmdlet"] for command in first["commands"])
        raise type(error)(f"{error} Done before this was known: {done}.") from error
    told = {
        "after": rest["after"],
        "diff": {"before": first["before"], "after": rest["after"]},
        "commands": first["commands"] + rest["commands"],
    }
    warnings = [*first.get("warnings", ()), *rest.get("warnings", ())]
    return first | told | ({"warnings": warnings} if warnings else {})


def _check_all(plan: Plan, wanted_release: str | None) -> None:
    for call in plan.calls:
        check(call, wanted_release)


def _apply(plan: Plan, resource: Resource, host: Host, snapshot: Snapshot) -> None:
    """Run the calls and gather what they touched, in one batch: one remote command a change."""
    snapshot.forget(resource.touches)  # Should the host not answer, nobody knows what was done.
    steps = {f"step {number}": call for number, call in enumerate(plan.calls, 1)}
    answers = host.execute(steps | {name: SECTIONS[name] for name in resource.touches})
    snapshot.update({name: answers[name] for name in resource.touches})
    done: list[str] = []
    for name, call in steps.items():
        if fault := _fault(answers[name]):
            raise HostError(_refusal(call, fault, done))
        done.append(call.cmdlet)


def _fault(answer: Section) -> str:
    """Say what went wrong with a step, if anything did. A program tells it by its exit code alone."""
    if not answer.ok:
        return reason(answer.error)
    codes = [row["ExitCode"] for row in answer.data if row.get("ExitCode")]
    return f"exit code {codes[0]}." if codes else ""


def _refusal(call: Call, fault: str, done: Sequence[str]) -> str:
    before = f" Done before it: {', '.join(done)}." if done else " Nothing was changed before it."
    what = f"{call.cmdlet} {call.params.get('FilePath', '')}".rstrip()
    return f"Windows refused {what}: {fault}{before}"


def _settle(plan: Plan, resource: Resource, host: Host, snapshot: Snapshot) -> None:
    """Compare with what the host has now, and look once more before calling it wrong: a property of the WMI classes of the
    iSCSI target can be null for a moment (https://learn.microsoft.com/previous-versions/windows/desktop/iscsitarg/wt-disk).
    """
    names = ("os", *resource.sections)
    try:
        _compare(resource, plan, gather(host, snapshot, names))
    except HostError:
        snapshot.forget(resource.touches)
        _compare(resource, plan, gather(host, snapshot, names))


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


def _preview(plan: Plan, *, changed: bool) -> Result:
    result = _result(plan, changed=changed)
    return result | ({"warnings": [*plan.unmet, *plan.warnings]} if plan.unmet else {})


def _result(plan: Plan, *, changed: bool) -> Result:
    result: Result = {
        "changed": changed,
        "before": plan.before,
        "after": plan.after,
        "diff": {"before": plan.before, "after": plan.after},
        "commands": [call.masked() for call in plan.calls],
    }
    return result | ({"warnings": list(plan.warnings)} if plan.warnings else {})

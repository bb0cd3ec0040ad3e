# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets of iSCSI Target Server: what initiators log in to, and which virtual disks they then see.

https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Change,
    Identity,
    Kind,
    New,
    Property,
    Row,
    Set,
    State,
    Step,
    Thing,
    Values,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import ordinary, settled
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    Json,
    Text,
    listed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.initiator_ids import MAX_ISCSI_NAME
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import (
    DISK,
    DISKS,
    MAX_TARGETS,
    TARGETS,
    WT_HOSTS,
    by_name,
    clustered,
    disk_guard,
    enabled_unknown,
    on_a_node,
    read_as,
    showing,
    target_guard,
    target_server,
    text_of,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_values import (
    Chap,
    Enabled,
    Initiators,
    Iqn,
    Luns,
    Printed,
    chap,
    numbered,
    numbers,
)

# Windows makes the IQN of a new target of its name, as iqn.1991-05.com.microsoft:<computer>-<name>-target, and a NetBIOS name
# has at most 15 characters.
_IQN_OF_WINDOWS: t.Final = "iqn.1991-05.com.microsoft:"
MAX_NAME: t.Final = MAX_ISCSI_NAME - len(_IQN_OF_WINDOWS) - 15 - len("--target")
# The characters of an iSCSI name (RFC 3722), of which the target's name becomes a part. Older servers took others, as "_".
_NAME: t.Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")
# What Get-IscsiServerTarget says where WMI is silent on Enabled.
_STATUS: t.Final = {"connected": True, "notconnected": True, "disabled": False}
CHAPS: t.Final = {
    "chap": Chap(switch="EnableChap", credential="Chap"),
    "reverse_chap": Chap(switch="EnableReverseChap", credential="ReverseChap"),
}


def _name_fault(name: str) -> str | None:
    if _NAME.fullmatch(name) and len(name) <= MAX_NAME:
        return None
    return (
        f"{name!r} cannot be the name of a target. Use letters, digits, hyphens, dots and colons, {MAX_NAME} at most: Windows "
        "makes the IQN of it."
    )


# Reading ------------------------------------------------------------------------------------------------------------------


def _read(state: State) -> Iterator[Thing]:
    wmi = by_name(state, WT_HOSTS, str.lower)
    for row in state.rows(TARGETS):
        name = text_of(row, TARGETS, "TargetName")
        lines = {TARGETS.name: row, WT_HOSTS.name: wmi.get(name.lower(), {})}
        values = state.row_values(KIND, name.lower(), lines)
        values["chap"] = _chap(row, "EnableChap", "ChapUserName")
        values["reverse_chap"] = _chap(row, "EnableReverseChap", "ReverseChapUserName")
        if values["enabled"] is None:
            values["enabled"] = _STATUS.get(str(row.get("Status")).lower())
        yield Thing(name.lower(), name, values, _facts(row))


def _chap(row: Row, switch: str, username: str) -> Json:
    enabled = bool(read_as(Flag(), row, TARGETS, switch))
    return {"enabled": enabled, "username": read_as(Text(), row, TARGETS, username) or None}


def _facts(row: Row) -> Values:
    return {
        "status": row.get("Status"),
        "sessions": read_as(Printed(), row, TARGETS, "Sessions"),
        "cluster_group": row.get("ClusterGroupName") or None,
    }


# The way ------------------------------------------------------------------------------------------------------------------


def _plan(case: Case) -> Change:
    case = case if case.wish.absent else _resolved(case)
    change = ordinary(case)
    if secrets := _sent_always(case):
        change = _with_secrets(case, change, secrets)
    if not change.steps:
        return change
    steps = (*_making_way(case), *_in_order(case, change.steps))
    return replace(change, steps=steps, before=_as_found(change.before))


def _made(case: Case) -> Values:
    """Return what a new target has beside what was wished: the IQN that Windows makes, which no other can then have."""
    computer = str(case.state.computer["Name"])
    return {"iqn": f"{_IQN_OF_WINDOWS}{computer}-{case.wish.name}-target".lower()} if computer else {}


def _resolved(case: Case) -> Case:
    """Return the case with what the wish leaves to the host filled in: numbers of disks, and user names of CHAP."""
    values = dict(case.wish.values)
    if "luns" in values:
        values["luns"] = numbered(values["luns"], case.has("luns"))
    for option in CHAPS.keys() & values.keys():
        known = chap(values[option]).user or chap(case.has(option)).user
        values[option] = {**t.cast("dict[str, Json]", values[option]), "username": known}
    return replace(case, wish=replace(case.wish, values=values))


def _in_order(case: Case, steps: Sequence[Step]) -> Iterator[Step]:
    """Return the steps in one order: nobody sees a disk before all settings are made, by one call.

    Windows passes over -Enable without an error while a target shows no disk, so that comes last.
    """
    name = case.wish.name if case.have is None else case.have.name
    calls = [step.call for step in steps if step.call.cmdlet == _SET and not step.blind]
    settings = {key: value for call in calls for key, value in call.params.items() if key != "TargetName"}
    enables = settings.pop("Enable", True) if settings.get("Enable") is True else False
    yield from (step for step in steps if step.call.cmdlet.startswith("New-"))
    if settings:
        yield Step(change(_SET, TargetName=name, **settings))
    yield from (step for step in steps if step.blind or step.call.cmdlet.startswith(("Add-", "Remove-")))
    if enables:
        yield Step(change(_SET, TargetName=name, Enable=True))


_SET: t.Final = "Set-IscsiServerTarget"


def _set_chap(option: str) -> By:
    def calls(case: Case, want: Json) -> Iterator[Step]:
        yield Step(change(_SET, **CHAPS[option].parameters(want)))

    return By(calls)


def _sent_always(case: Case) -> dict[str, ParamValue]:
    """Return the secrets that are sent whatever the host has, since it does not show them."""
    if case.wish.absent or case.word("update_secret") != "always":
        return {}
    wanted = {option: chap(case.wanted(option)) for option in CHAPS}
    return {CHAPS[option].credential: one.secret for option, one in wanted.items() if one.on and one.secret}


def _with_secrets(case: Case, found: Change, secrets: dict[str, ParamValue]) -> Change:
    name = case.wish.name if case.have is None else case.have.name
    step = Step(change(_SET, TargetName=name, **secrets), blind=True)
    if found.steps:
        return replace(found, steps=(*found.steps, step))
    return settled(case, Change(case.wish, found.before, found.after, (step,)), [])


def _map(case: Case, want: Json) -> Iterator[Step]:
    """Return the calls that show the wished disks. No call changes a number: what moves is taken out before anything is put in."""
    name = case.wish.name if case.have is None else case.have.name
    now, then = numbers(case.has("luns")), numbers(want)
    for item in t.cast("list[dict[str, t.Any]]", case.has("luns") or []):
        (key,) = numbers([item])
        if then.get(key) != now[key]:
            call = change("Remove-IscsiVirtualDiskTargetMapping", TargetName=name, Path=item["path"])
            yield Step(call, destructive=True)
    for key, number in then.items():
        if now.get(key) != number:
            disk = case.state.find(DISK, key)
            path = disk.name if disk else _spelled(want, key)
            yield Step(change("Add-IscsiVirtualDiskTargetMapping", TargetName=name, Path=path, Lun=number))


def _removes(case: Case) -> Iterator[Step]:
    if case.have is not None:
        yield Step(change("Remove-IscsiServerTarget", TargetName=case.have.name), destructive=True)


def _spelled(luns: Json, key: str) -> str:
    return next(
        str(item["path"]) for item in t.cast("list[dict[str, t.Any]]", luns) if key in numbers([item])
    )


# IQNs that move from one target to another ---------------------------------------------------------------------------------


def _holder(case: Case) -> Thing | None:
    """Return the other target that has the wished IQN now."""
    iqn, targets = case.wanted("iqn"), case.state.table(KIND.name).values()
    held = (one for one in targets if one.key != case.wish.key and one.values.get("iqn") == iqn)
    return next(held, None) if iqn and not case.wish.absent else None


def _gives_way(case: Case, holder: Thing) -> bool:
    """Return whether the document wants another IQN for the holder, or wants it gone."""
    wish = case.state.wish_for(KIND.name, holder.key)
    return wish is not None and (
        wish.absent or wish.values.get("iqn") not in (None, holder.values.get("iqn"))
    )


def _moved(holder: Thing) -> Thing:
    """Return the holder under an IQN that nobody has, from which its own wish takes it on."""
    iqn = _IQN_OF_WINDOWS + "moving-" + hashlib.sha256(holder.key.encode()).hexdigest()[:16]
    return replace(
        holder,
        values={**holder.values, "iqn": iqn},
        facts={**holder.facts, "found_iqn": holder.values.get("iqn")},
    )


def _making_way(case: Case) -> Iterator[Step]:
    if holder := _holder(case):
        yield Step(
            change(_SET, TargetName=holder.name, TargetIqn=t.cast("str", _moved(holder).values["iqn"]))
        )


def _effects(found: Change, state: State) -> Iterator[tuple[str, Thing]]:
    if holder := _holder(Case(found.wish, found.before, state)):
        yield KIND.name, _moved(holder)


def _as_found(before: Thing | None) -> Thing | None:
    """Return a target as the host has it, where an earlier step of the plan moved it out of the way."""
    found = before.facts.get("found_iqn") if before else None
    return replace(before, values={**before.values, "iqn": found}) if before and found else before


# What is refused, missing, or worth a word ---------------------------------------------------------------------------------


def _protected(case: Case) -> Iterator[str]:
    """Return a refusal for a protected target, for one that shows a protected disk, and for one that would show it."""
    own = [case.wish.name, str(case.wanted("iqn") or ""), str(case.has("iqn") or "")]
    if guard := target_guard(case.state, *own):
        yield guard.sentence(case.wish.name)
    shown = [*t.cast("list[dict[str, t.Any]]", case.has("luns") or []), *_wished(case)]
    for path in dict.fromkeys(str(item["path"]) for item in shown):
        if guard := disk_guard(case.state, path):
            yield guard.sentence(f"its disk {path}")


def _taken_iqn(case: Case) -> Iterator[str]:
    holder = _holder(case)
    if holder and not _gives_way(case, holder):
        yield f"it cannot have the IQN {case.wanted('iqn')}: the target {holder.name} has it. Give each target its own."


def _no_secret(case: Case) -> Iterator[str]:
    for option in CHAPS if not case.wish.absent else ():
        want, have = chap(case.wanted(option)), chap(case.has(option))
        renamed = want.user not in (None, have.user)
        if want.on and want.secret is None and (renamed or not (have.on or have.user)):
            yield (
                f"{option}: there is no secret for the user name {want.user or '(none)'}. Give {option}.username and "
                f"{option}.secret together."
            )


def _no_disks(case: Case) -> Iterator[str]:
    known, now = case.state.table(DISK), numbers(case.has("luns"))
    new = {key: item["path"] for item in _wished(case) for key in numbers([item]) if key not in now}
    missing = [path for key, path in new.items() if key not in known]
    if missing and case.state.told(DISKS):
        yield f"it cannot show what does not exist: there is no virtual disk {listed(missing)}. Put iscsi_virtual_disk with that path before it."


def _nothing_to_show(case: Case) -> Iterator[str]:
    """Return that Windows would pass over the wish to enable a target."""
    luns = case.wish.values.get("luns", case.has("luns"))
    if case.wanted("enabled") is True and case.has("enabled") is False and not luns:
        yield "it shows no disk, and Windows enables no such target. Give it luns, or leave enabled out."


def _cut_off(case: Case) -> Iterator[str]:
    """Return what initiators that are logged in will notice."""
    count = len(t.cast("list[str]", (case.have.facts.get("sessions") if case.have else None) or []))
    if case.have is None or not count:
        return
    who = f"{count} session{'s' if count > 1 else ''} of initiators on it"
    then = numbers(case.wanted("luns")) if "luns" in case.wish.values else None
    if case.wish.absent:
        yield f"{who} will be cut off: the target is removed."
    elif then is not None and any(then.get(key) != lun for key, lun in numbers(case.has("luns")).items()):
        yield f"{who} will lose disks: they are taken out, or get another number."
    if case.wanted("iqn") not in (None, case.has("iqn")):
        yield f"{who} will not find it again under the IQN {case.has('iqn')}."
    if case.wanted("enabled") is False and case.has("enabled"):
        yield f"{who} will stay: disabling a target only keeps new ones out."


def _shown_twice(case: Case) -> Iterator[str]:
    now = numbers(case.has("luns"))
    for item in _wished(case):
        others = [one.name for one in showing(case.state, item["path"]) if one.key != case.wish.key]
        if others and not numbers([item]).keys() & now.keys():
            yield f"{item['path']} is shown by {listed(others)} too. Two initiators that are no cluster destroy each other's data on it."


def _in_memory(case: Case) -> Iterator[str]:
    for item in _wished(case):
        if item["path"].lower().startswith("ramdisk:"):
            yield f"{item['path']} is a RAM disk, which is gone after a restart of the host."


def _many(case: Case) -> Iterator[str]:
    count = len(case.state.table(KIND.name)) if case.have is None and not case.wish.absent else 0
    if count >= MAX_TARGETS:
        yield f"the host has {count} targets. Microsoft recommends {MAX_TARGETS} at most."


def _wished(case: Case) -> list[dict[str, t.Any]]:
    return list(t.cast("list[dict[str, t.Any]]", case.wanted("luns") or []))


def _equal_secrets(wish: object) -> Iterator[str]:
    one, other = (chap(t.cast("t.Any", wish).values.get(option)).secret for option in CHAPS)
    if one and other and one.password == other.password:
        yield "chap and reverse_chap: the secrets of the two directions have to differ (RFC 7143 12.1.3)."


def _pattern(target: Thing, state: State) -> str | None:
    guard = target_guard(state, target.name, str(target.values.get("iqn") or ""))
    return guard.pattern if guard else None


KIND: t.Final = Kind(
    name="iscsi_server_target",
    noun="target",
    identity=Identity("name", column=TARGETS["TargetName"], parameter="TargetName", fault=_name_fault),
    properties=(
        Property("iqn", Iqn(), TARGETS["TargetIqn"], Set(_SET, "TargetIqn")),
        Property("initiator_ids", Initiators(), TARGETS["InitiatorIds"], Set(_SET, "InitiatorIds"), fresh=()),
        Property("description", Text(), TARGETS["Description"], Set(_SET, "Description"), fresh=""),
        Property("enabled", Enabled(), WT_HOSTS["Enabled"], Set(_SET, "Enable"), fresh=True),
        Property("chap", CHAPS["chap"], set_by=_set_chap("chap"), fresh={"enabled": False}),
        Property("reverse_chap", CHAPS["reverse_chap"], set_by=_set_chap("reverse_chap"), fresh={"enabled": False}),
        Property("luns", Luns(), TARGETS["LunMappings"], By(_map), fresh=()),
    ),
    options=(
        Word("update_secret", Choice({"on_create": "on_create", "always": "always"}), default="on_create"),
    ),
    gathers=(TARGETS, WT_HOSTS),
    consults=("windows_service", DISK),
    creates=New("New-IscsiServerTarget", "TargetName"),
    removes=_removes,
    read=_read,
    available=target_server,
    checks=_equal_secrets,
    plan=_plan,
    made=_made,
    effects=_effects,
    refuses=(_protected, clustered, _taken_iqn, _no_secret),
    needs=(_no_disks, _nothing_to_show),
    warns=(_cut_off, _shown_twice, _in_memory, _many, enabled_unknown, on_a_node),
    protects=_pattern,
)  # fmt: skip

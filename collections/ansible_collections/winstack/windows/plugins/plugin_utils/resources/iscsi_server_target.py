# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets of iSCSI Target Server: what initiators log in to, and which virtual disks they then see.

https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

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
    Wish,
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
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iqn_moves import (
    IQN_OF_WINDOWS,
    as_found,
    effects,
    iqn_of_windows,
    making_way,
    taken_iqn,
)
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
    by_path,
    chap,
    numbered,
    numbers,
)

# Windows makes the IQN of a new target of its name, and a NetBIOS name has at most 15 characters.
MAX_NAME: t.Final = MAX_ISCSI_NAME - len(IQN_OF_WINDOWS) - 15 - len("--target")
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
    steps = (*making_way(case), *_in_order(case, change.steps))
    return replace(change, steps=steps, before=as_found(change.before))


def _made(case: Case) -> Values:
    """Return what a new target has beside what was wished: the IQN that Windows makes, which no other can then have."""
    computer = str(case.state.computer["Name"])
    return {"iqn": iqn_of_windows(computer, case.wish.name)} if computer else {}


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
    calls = [step.call for step in steps if step.call.cmdlet == _SET and not step.blind]
    settings = {key: value for call in calls for key, value in call.params.items() if key != "TargetName"}
    enables = settings.get("Enable") is True
    settings = {key: value for key, value in settings.items() if key != "Enable" or not enables}
    yield from (step for step in steps if step.call.cmdlet.startswith("New-"))
    if settings:
        yield Step(change(_SET, TargetName=_name(case), **settings))
    yield from (step for step in steps if step.blind or step.call.cmdlet.startswith(("Add-", "Remove-")))
    if enables:
        yield Step(change(_SET, TargetName=_name(case), Enable=True))


def _name(case: Case) -> str:
    return case.wish.name if case.have is None else case.have.name


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
    step = Step(change(_SET, TargetName=_name(case), **secrets), blind=True)
    if found.steps:
        return replace(found, steps=(*found.steps, step))
    return settled(case, Change(case.wish, found.before, found.after, (step,)), [])


def _map(case: Case, want: Json) -> Iterator[Step]:
    """Return the calls that show the wished disks. No call changes a number: what moves is taken out before anything is put in."""
    now, then = by_path(case.has("luns")), by_path(want)
    stay = {key for key in now.keys() & then.keys() if now[key].get("lun") == then[key].get("lun")}
    for key, item in now.items():
        if key not in stay:
            call = change("Remove-IscsiVirtualDiskTargetMapping", TargetName=_name(case), Path=item["path"])
            yield Step(call, destructive=True)
    for key, item in then.items():
        if key not in stay:
            disk = case.state.find(DISK, key)
            params = {"Path": disk.name if disk else item["path"], "Lun": item["lun"]}
            yield Step(change("Add-IscsiVirtualDiskTargetMapping", TargetName=_name(case), **params))


def _removes(case: Case) -> Iterator[Step]:
    if case.have is not None:
        yield Step(change("Remove-IscsiServerTarget", TargetName=case.have.name), destructive=True)


# What is refused, missing, or worth a word ---------------------------------------------------------------------------------


def _protected(case: Case) -> Iterator[str]:
    """Return a refusal for a protected target, for one that shows a protected disk, and for one that would show it."""
    own = [case.wish.name, str(case.wanted("iqn") or ""), str(case.has("iqn") or "")]
    if guard := target_guard(case.state, *own):
        yield guard.sentence(case.wish.name)
    for item in (_wished(case) | by_path(case.has("luns"))).values():
        if guard := disk_guard(case.state, item["path"]):
            yield guard.sentence(f"its disk {item['path']}")


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
    known = case.state.table(DISK).keys() | by_path(case.has("luns")).keys()
    missing = [item["path"] for key, item in _wished(case).items() if key not in known]
    if missing and case.state.told(DISKS):
        yield (
            f"it cannot show what does not exist: there is no virtual disk {listed(missing)}. Put {DISK} with that path before "
            "it."
        )


def _nothing_to_show(case: Case) -> Iterator[str]:
    """Return that Windows would pass over the wish to enable a target."""
    luns = case.wish.values.get("luns", case.has("luns"))
    enables = case.wanted("enabled") is True and case.has("enabled") is False and not case.wish.absent
    if enables and not luns:
        yield "it shows no disk, and Windows enables no such target. Give it luns, or leave enabled out."


def _cut_off(case: Case) -> Iterator[str]:
    """Return what initiators that are logged in will notice."""
    have = as_found(case.have)
    count = len(t.cast("list[str]", have.facts.get("sessions") or [])) if have else 0
    who = f"{count} initiator session{'s' if count > 1 else ''}"
    if have is None or not count:
        return
    if case.wish.absent:
        yield f"{who} will be cut off: the target is removed."
        return
    then = numbers(case.wanted("luns"))
    moved = any(then.get(key) != lun for key, lun in numbers(case.has("luns")).items())
    if "luns" in case.wish.values and moved:
        yield f"{who} will lose disks: they are taken out, or get another number."
    if case.wanted("iqn") not in (None, have.values.get("iqn")):
        yield f"{who} will not come back under the IQN {have.values.get('iqn')}."
    if case.wanted("enabled") is False and case.has("enabled"):
        yield f"{who} will stay: disabling a target only keeps new ones out."


def _shown_twice(case: Case) -> Iterator[str]:
    now = by_path(case.has("luns"))
    for path in (item["path"] for key, item in _wished(case).items() if key not in now):
        if others := [one.name for one in showing(case.state, path) if one.key != case.wish.key]:
            yield (
                f"{path} is shown by {listed(others)} too. Two initiators that are no cluster destroy each other's data on it."
            )


def _in_memory(case: Case) -> Iterator[str]:
    for path in (item["path"] for item in _wished(case).values()):
        if path.lower().startswith("ramdisk:"):
            yield f"{path} is a RAM disk, which is gone after a restart of the host."


def _wished(case: Case) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the disks that the target is to show, by the key of their path."""
    return {} if case.wish.absent else by_path(case.wanted("luns"))


def _many(case: Case) -> Iterator[str]:
    count = len(case.state.table(KIND.name)) if case.have is None and not case.wish.absent else 0
    if count >= MAX_TARGETS:
        yield f"the host has {count} targets. Microsoft recommends {MAX_TARGETS} at most."


def _equal_secrets(wish: Wish) -> Iterator[str]:
    one, other = (chap(wish.values.get(option)).secret for option in CHAPS)
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
    effects=effects,
    refuses=(_protected, clustered, taken_iqn, _no_secret),
    needs=(_no_disks, _nothing_to_show),
    warns=(_cut_off, _shown_twice, _in_memory, _many, enabled_unknown, on_a_node),
    protects=_pattern,
)  # fmt: skip

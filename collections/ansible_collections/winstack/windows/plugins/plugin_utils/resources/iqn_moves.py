# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IQNs that move from one target to another in one run, so that targets can exchange them.

A target that has the IQN which another is to get first gets one that nobody has; its own wish then takes it on from there, in
this run, or in the next one should this run break off in between.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    State,
    Step,
    Thing,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import TARGET

IQN_OF_WINDOWS: t.Final = "iqn.1991-05.com.microsoft:"


def iqn_of_windows(computer: str, target: str) -> str:
    """Return the IQN that Windows gives to a new target."""
    return f"{IQN_OF_WINDOWS}{computer}-{target}-target".lower()


def _holder(case: Case) -> Thing | None:
    """Return the other target that has the wished IQN now."""
    iqn, targets = case.wanted("iqn"), case.state.table(TARGET).values()
    held = (one for one in targets if one.key != case.wish.key and one.values.get("iqn") == iqn)
    return next(held, None) if iqn and not case.wish.absent else None


def _giving_way(case: Case) -> Thing | None:
    """Return that target if the document wants another IQN for it, or wants it gone."""
    holder = _holder(case)
    wish = case.state.wish_for(TARGET, holder.key) if holder else None
    if holder is None or wish is None:
        return None
    leaves = wish.values.get("iqn") not in (None, holder.values.get("iqn"))
    return holder if wish.absent or leaves else None


def _moved(holder: Thing) -> Thing:
    """Return the holder under an IQN that nobody has, from which its own wish takes it on."""
    iqn = IQN_OF_WINDOWS + "moving-" + hashlib.sha256(holder.key.encode()).hexdigest()[:16]
    return replace(
        holder,
        values={**holder.values, "iqn": iqn},
        facts={**holder.facts, "found_iqn": holder.values.get("iqn")},
    )


def making_way(case: Case) -> Iterator[Step]:
    """Return the step that takes the wished IQN from the target that has it."""
    if holder := _giving_way(case):
        iqn = str(_moved(holder).values["iqn"])
        yield Step(change("Set-IscsiServerTarget", TargetName=holder.name, TargetIqn=iqn))


def effects(found: Change, state: State) -> Iterator[tuple[str, Thing]]:
    """Return the target from which a change took the IQN."""
    if holder := _giving_way(Case(found.wish, found.before, state)):
        yield TARGET, _moved(holder)


def as_found(before: Thing | None) -> Thing | None:
    """Return a target as the host has it, where an earlier step of the plan moved it out of the way."""
    found = before.facts.get("found_iqn") if before else None
    return replace(before, values={**before.values, "iqn": found}) if before and found else before


def taken_iqn(case: Case) -> Iterator[str]:
    """Return a refusal for the IQN of a target that keeps it."""
    holder = _holder(case)
    if holder and not _giving_way(case):
        yield f"it cannot have the IQN {case.wanted('iqn')}: the target {holder.name} has it. Give each target its own."

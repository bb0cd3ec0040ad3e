# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a document: its objects in order, each against what the host has and what earlier ones will have made.

What is to go is planned after what is to be there, in reverse order. PRIVATE to the winstack collections.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Change,
    Difference,
    Property,
    Set,
    Step,
    Thing,
    Wish,
    certain,
    nothing,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.state import HostState, Unanswered
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError, RefusedError


@dataclass(frozen=True)
class Plan:
    """What becomes of every object of a document, in the order in which it is done."""

    changes: tuple[Change, ...]

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it must not be done, every reason, object first."""
        return tuple(text for change in self.changes for text in change.refusals)

    @property
    def unmet(self) -> tuple[str, ...]:
        """What has to be there first, object first."""
        return tuple(text for change in self.changes for text in change.unmet)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth a word, each once."""
        return tuple(dict.fromkeys(text for change in self.changes for text in change.warnings))

    @property
    def ineffective(self) -> tuple[str, ...]:
        """What is stored as wished and yet not in effect, each once, object first."""
        return tuple(dict.fromkeys(text for change in self.changes for text in change.ineffective))

    @property
    def later(self) -> tuple[str, ...]:
        """What cannot be known before earlier steps ran, each once."""
        return tuple(dict.fromkeys(change.later for change in self.changes if change.later))

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for change in self.changes for step in change.steps)

    def reachable(self) -> tuple[Change, ...]:
        """Return the changes up to the first barrier: those that one remote command can make."""
        for number, change in enumerate(self.changes):
            if change.later:
                return self.changes[:number]
            if any(step.barrier for step in change.steps):
                return self.changes[: number + 1]
        return self.changes


def make_plan(state: HostState) -> Plan:
    """Return the plan for the wishes of a state, which is used up: it holds what the plan foretells afterwards.

    Questions that nobody has asked the host yet are left in ``state.missing``; the plan is then worth nothing.
    """
    present = [wish for wish in state.wishes if not wish.absent]
    absent = [wish for wish in reversed(state.wishes) if wish.absent]
    return Plan(tuple(change for wish in (*present, *absent) for change in _planned(wish, state)))


def _planned(wish: Wish, state: HostState) -> Iterator[Change]:
    """Return the change of a wish, and those of the wishes that it implies."""
    change = _one(wish, state)
    if change.later or change.unmet or change.refusals:
        yield change
        return
    try:
        implied = _implied(wish, state)
    except HostError as error:
        yield replace(change, unmet=(_named(wish, str(error)),))
        return
    yield change
    for other in implied:
        yield from _planned(other, state)


def _implied(wish: Wish, state: HostState) -> Sequence[Wish]:
    if wish.kind.implies is nothing:  # The host need not even know the kind.
        return ()
    try:
        return list(wish.kind.implies(Case(wish, state.find(wish.kind.name, wish.key), state)))
    except Unanswered:
        return ()


def _one(wish: Wish, state: HostState) -> Change:
    """Return the change of one wish; what it foretells is in the state afterwards."""
    try:
        available = state.available(wish.kind)
        if available.later:
            return Change(wish, None, None, later=available.later)
        if available.unmet:
            return _without(wish, available.unmet)
        case = Case(wish, state.find(wish.kind.name, wish.key), state)
        change = (wish.kind.plan or ordinary)(case)
        _foretell(change, state)
    except Unanswered:
        return Change(wish, None, None)
    except RefusedError as error:
        return Change(wish, None, None, refusals=(_named(wish, str(error)),))
    except HostError as error:
        return Change(wish, None, None, unmet=(_named(wish, str(error)),))
    return change


def _without(wish: Wish, unmet: str) -> Change:
    """Return the change where the kind is not available: what is not there at all is as absent as it was wished."""
    return Change(wish, None, None) if wish.absent else Change(wish, None, None, unmet=(_named(wish, unmet),))


def _foretell(change: Change, state: HostState) -> None:
    if not change.steps:
        return
    state.foretell(change.wish.kind.name, change.wish.key, change.after)
    for name, thing in change.wish.kind.effects(change, state):
        state.foretell(name, thing.key, thing)


# The ordinary way ---------------------------------------------------------------------------------------------------------


def ordinary(case: Case) -> Change:
    """Return the change that follows from the rows of a kind's table."""
    if case.wish.absent:
        return removal(case)
    return creation(case) if case.have is None else alteration(case, case.have)


def alteration(case: Case, have: Thing) -> Change:
    """Return the change of an object that is there: the calls of the rows that differ."""
    rows = [*differing(case, have)]
    differences = tuple(_difference(case, row) for row in rows)
    after = replace(have, values={**have.values, **{row.option: case.wanted(row.option) for row in rows}})
    if not rows:
        return unchanged(case, have)
    refusals = [*(_rule(case, row) for row in rows), *(_form(case, row) for row in rows)]
    return settled(case, Change(case.wish, have, after, tuple(set_steps(case, rows)), differences), refusals)


def creation(case: Case) -> Change:
    """Return the change that makes an object: one call with what it takes, then what can be set only afterwards."""
    kind, wish = case.kind, case.wish
    if kind.creates is None:
        raise HostError(f"there is no such {kind.noun} on the host.")
    given = [row for row in kind.properties if row.option in wish.values]
    params: dict[str, ParamValue] = {kind.creates.parameter: wish.name, **kind.creates.constants}
    params |= {row.new: row.type.send(case.wanted(row.option)) for row in given if row.new}
    rest = [row for row in given if not row.new and not row.type.same(row.fresh, case.wanted(row.option))]
    fresh = {row.option: row.fresh for row in kind.properties if row.shown}
    shown = {row.option: case.wanted(row.option) for row in given if row.shown}
    after = Thing(wish.key, wish.name, fresh | dict(kind.made(case)) | shown)
    steps = (Step(Call(kind.creates.cmdlet, params, change=True)), *set_steps(case, rest))
    differences = tuple(Difference(row.option, None, row.type.show(case.wanted(row.option))) for row in given)
    name = kind.identity.fault(wish.name) if kind.identity else None
    return settled(
        case, Change(wish, None, after, steps, differences), [name, *(_form(case, row) for row in given)]
    )


def removal(case: Case) -> Change:
    """Return the change that removes an object; nothing where there is none and nothing of it is left."""
    steps = tuple(certain(case.kind.removes)(case))
    if not steps:
        return Change(case.wish, case.have, case.have)
    return settled(case, Change(case.wish, case.have, None, steps), [])


def unchanged(case: Case, have: Thing) -> Change:
    """Return the change of an object that is as wished, with what is to be said of it nevertheless."""
    warnings, ineffective = (
        tuple(_named(case.wish, text) for text in _sentences(case, hooks))
        for hooks in (case.kind.warns, case.kind.ineffective)
    )
    return Change(case.wish, have, have, warnings=warnings, ineffective=ineffective)


def settled(case: Case, change: Change, refusals: Iterable[str | None]) -> Change:
    """Return a change with what the kind's hooks have to say of it; ``refusals`` are those known already."""
    told = [*filter(None, refusals), *_sentences(case, case.kind.refuses)]
    return replace(
        change,
        refusals=tuple(_named(case.wish, text) for text in told),
        unmet=tuple(_named(case.wish, text) for text in _sentences(case, case.kind.needs)),
        warnings=(*change.warnings, *(_named(case.wish, text) for text in _sentences(case, case.kind.warns))),
    )


def differing(case: Case, have: Thing) -> Iterator[Property]:
    """Return the rows whose wish the host does not have. What the host never shows does not count."""
    for row in case.kind.properties:
        want = case.wanted(row.option)
        if (
            row.option in case.wish.values
            and row.shown
            and not row.type.same(have.values.get(row.option), want)
        ):
            yield row


def set_steps(case: Case, rows: Sequence[Property]) -> Iterator[Step]:
    """Return the steps that set the rows, in their order; rows of one cmdlet and the same constants share a call."""
    done: list[Set] = []
    for row in rows:
        if isinstance(row.set_by, By):
            for found in row.set_by.calls(case, case.wanted(row.option)):
                yield found if isinstance(found, Step) else Step(found)
        elif isinstance(row.set_by, Set) and not any(_together(row.set_by, other) for other in done):
            done.append(row.set_by)
            yield Step(_set_call(case, row.set_by, rows))


def _set_call(case: Case, first: Set, rows: Sequence[Property]) -> Call:
    params: dict[str, ParamValue] = dict(first.constants)
    if case.kind.identity is not None:
        params = {case.kind.identity.parameter: case.have.name if case.have else case.wish.name, **params}
    for row in rows:
        if isinstance(row.set_by, Set) and _together(row.set_by, first):
            params[row.set_by.parameter] = row.type.send(case.wanted(row.option))
    return Call(first.cmdlet, params, change=True)


def _together(one: Set, other: Set) -> bool:
    return one.cmdlet == other.cmdlet and dict(one.constants) == dict(other.constants)


def _difference(case: Case, row: Property) -> Difference:
    return Difference(row.option, row.type.show(case.has(row.option)), row.type.show(case.wanted(row.option)))


def _rule(case: Case, row: Property) -> str | None:
    """Return why a row must not change, with what is there and what was wanted."""
    have, want = case.has(row.option), case.wanted(row.option)
    why = row.change(case, have, want)
    return why and f"{row.option} is {row.type.words(have)} and {row.type.words(want)} was wanted. {why}"


def _form(case: Case, row: Property) -> str | None:
    fault = row.type.fault(case.wanted(row.option), case.has(row.option))
    return fault and f"{row.option}: {fault}"


def _sentences(case: Case, hooks: Iterable[t.Callable[[Case], Iterable[str]]]) -> tuple[str, ...]:
    return tuple(text for hook in hooks for text in hook(case))


def _named(wish: Wish, sentence: str) -> str:
    """Return a sentence with the object before it, unless it begins with it."""
    return sentence if wish.name and sentence.startswith(wish.name) else f"{wish.label}: {sentence}"


def shown(thing: Thing | None, wish: Wish) -> dict[str, Json]:
    """Return an object as diffs show it; nothing where there is none."""
    if thing is None:
        return {}
    identity = wish.kind.identity.of(thing) if wish.kind.identity else {}
    rows = {
        row.option: row.type.show(thing.values.get(row.option)) for row in wish.kind.properties if row.shown
    }
    return identity | {option: value for option, value in rows.items() if value is not None}

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resource kind is: a table of properties, the questions that gather it, its identity, and hooks for what is odd.

PRIVATE to the winstack collections. Spec, reading, comparing, diff and ordinary changes follow from the rows; docs/engine.md
walks through one kind. Everything here is data and pure functions: no I/O, nothing of Ansible.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, Spec, Text, Type

Row = Mapping[str, t.Any]
Values = Mapping[str, Json]


# Questions ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """One call that only reads. ``advice`` says what to do when the host does not answer.

    ``optional``: what is not there (a registry key, a file) reads as no rows instead of an error. ``key``: the column by which
    a line belongs to an object, for questions that only add to what another one lists.
    """

    name: str
    call: Call
    advice: str = ""
    optional: bool = False
    key: str = ""

    def __getitem__(self, column: str) -> Column:
        """Return a column of the answer."""
        return Column(self, column)


@dataclass(frozen=True)
class Column:
    """A property of the rows that a question brings back."""

    question: Question
    name: str


# Objects ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thing:
    """One object of a host: ``values`` by option, as far as the host shows them, and ``facts`` that are no options.

    ``predicted``: an earlier step of the plan makes it so; it is not there yet.
    """

    key: str
    name: str
    values: Values = field(default_factory=dict)
    facts: Values = field(default_factory=dict)
    predicted: bool = False


@dataclass(frozen=True)
class Wish:
    """One object of a document: ``values`` by option, only what was given; ``words`` are options that are no properties.

    ``place`` is where it stands in the document, as in ``resources[3].iscsi_virtual_disk[0]``.
    """

    kind: Kind
    key: str
    name: str
    place: str
    values: Values
    words: Values = field(default_factory=dict)
    absent: bool = False

    @property
    def label(self) -> str:
        """What sentences call the object, as in ``iscsi_virtual_disk D:\\disks\\a.vhdx``."""
        return f"{self.kind.name} {self.name}".rstrip()


@dataclass(frozen=True)
class Settings:
    """What holds for a whole document: patterns of protected names; the clock (seconds) of the host against the controller's."""

    protected: tuple[str, ...] = ()
    clock_offset: float | None = None
    clock_uncertainty: float = 0.0


class State(t.Protocol):
    """What hooks may ask: the host as it will be at this point of the plan (engine/state.py)."""

    @property
    def settings(self) -> Settings:
        """What holds for the whole document."""

    @property
    def release(self) -> str:
        """The Windows Server release, a member of signatures.RELEASES."""

    @property
    def computer(self) -> Row:
        """The row of Win32_ComputerSystem: Name, PartOfDomain, Domain, DomainRole."""

    def rows(self, question: Question) -> list[Row]:
        """Return the rows of an answer; a question that nobody asked yet is asked, and everything planned again."""

    def told(self, question: Question) -> bool:
        """Return whether the host has answered the question, if only with an error."""

    def path(self, path: str) -> str:
        """Return what stands at a path: directory, file, absent, or unknown; foretold objects count."""

    def attributes(self, path: str) -> list[str]:
        """Return the names of System.IO.FileAttributes of what stands at a path; none where nothing stands."""

    def table(self, name: str) -> dict[str, Thing]:
        """Return the objects of a kind, by key, as they will be at this point of the plan."""

    def find(self, name: str, key: str) -> Thing | None:
        """Return one object of a kind."""

    def wish_for(self, name: str, key: str) -> Wish | None:
        """Return what the document wants of another object."""

    def row_values(self, kind: Kind, key: str, lines: Mapping[str, Row]) -> dict[str, Json]:
        """Return the values of all rows that have a column, from the given lines (by question) or those that the key finds."""

    def foretell(self, name: str, key: str, thing: Thing | None) -> None:
        """Take an object as made, changed or (None) gone by an earlier step."""


@dataclass(frozen=True)
class Case:
    """One wish against what the host has: what hooks are given. ``have`` is None where there is no such object."""

    wish: Wish
    have: Thing | None
    state: State

    @property
    def kind(self) -> Kind:
        """The kind of both."""
        return self.wish.kind

    def wanted(self, option: str) -> Json:
        """Return the wanted value, None where the wish leaves it open."""
        return self.wish.values.get(option)

    def has(self, option: str) -> Json:
        """Return the value that the host has, None where there is no object or the host does not say."""
        return None if self.have is None else self.have.values.get(option)

    def word(self, option: str) -> Json:
        """Return an option that is no property."""
        return self.wish.words.get(option)


# The table ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Set:
    """The call that sets a property of an object that is there. Rows with the same cmdlet and constants share one call."""

    cmdlet: str
    parameter: str
    constants: Mapping[str, ParamValue] = field(default_factory=dict)


@dataclass(frozen=True)
class By:
    """Calls that a function gives: for what no single parameter sets. It is given the case and the wanted value."""

    calls: Callable[[Case, Json], Iterable[Call | Step]]


Rule = Callable[[Case, Json, Json], "str | None"]
"""Whether a property of an object that is there may change, given case, have and want: None, or why not as a sentence."""


def always(case: Case, have: Json, want: Json) -> str | None:
    """Allow every change."""
    return None


def never(why: str) -> Rule:
    """Return the rule for what is chosen when an object is made; ``why`` ends the sentence."""

    def refuse(case: Case, have: Json, want: Json) -> str | None:
        return why

    return refuse


@dataclass(frozen=True)
class Property:
    """One row of a kind's table.

    ``column``: where it is read from; None where the host never shows it, or ``read`` of the kind finds it.
    ``set_by``: how it changes. ``change``: whether it may. ``new``: its parameter of the call that makes the object.
    ``fresh``: what an object has that was made without being told. ``required``: whether every wish needs it.
    ``shown``: False for what the host never shows, such as a sector size; it counts when the object is made, and no longer.
    """

    option: str
    type: Type = Text()
    column: Column | None = None
    set_by: Set | By | None = None
    change: Rule = always
    new: str | None = None
    fresh: Json = None
    default: Json = None
    required: bool = False
    shown: bool = True

    def spec(self) -> Spec:
        """Return the option's argument spec."""
        return (
            self.type.spec()
            | _unless_none("default", self.default)
            | _unless_none("required", self.required or None)
        )


@dataclass(frozen=True)
class Word:
    """An option that is no property: permission for something, or how to do it."""

    option: str
    type: Type
    default: Json = None

    def spec(self) -> Spec:
        """Return the option's argument spec."""
        return self.type.spec() | _unless_none("default", self.default)


@dataclass(frozen=True)
class Identity:
    """The options that tell objects apart. ``parameter``: how cmdlets are told which object is meant.

    ``key`` returns what is equal for all spellings of one identity.
    ``second``: another option, where one alone does not tell objects apart, as the name of a value below a registry key. What is
    given for both is then among the wish's words and among the facts of a Thing; ``joined`` is what sentences call the object.
    """

    option: str
    type: Type = Text()
    column: Column | None = None
    parameter: str = "Name"
    key: Callable[[str], str] = str.lower
    fault: Callable[[str], str | None] = lambda name: None
    """What is wrong with the form of the name of a new object, as the end of a sentence."""
    second: Word | None = None
    joined: Callable[[str, str], str] = "{} {}".format

    def spec(self) -> dict[str, Spec]:
        """Return the argument specs of its options; the second one has a default."""
        second = {} if self.second is None else {self.second.option: self.second.spec()}
        return {self.option: self.type.spec() | {"required": True}} | second

    def of(self, thing: Thing) -> dict[str, Json]:
        """Return the options that name an object."""
        if self.second is None:
            return {self.option: thing.name}
        return {option: thing.facts[option] for option in (self.option, self.second.option)}


@dataclass(frozen=True)
class New:
    """The call that makes an object: identity, constants, and the parameter ``new`` of each row that is given."""

    cmdlet: str
    parameter: str
    constants: Mapping[str, ParamValue] = field(default_factory=dict)


# Steps --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A call that changes the host.

    ``barrier``: what comes after can be known only when the host has been asked again.
    ``blind``: it sets what cannot be read back, so that the comparison afterwards leaves it out.
    ``destructive``: something of the user's goes with it; the host is asked again right before.
    ``restart``: whether the answer to the call says that the host has to restart.
    ``otherwise``: what is told as a warning if a program does not succeed, which then is no failure; ``attempts``: how often it is
    started at most.
    """

    call: Call
    barrier: bool = False
    blind: bool = False
    destructive: bool = False
    restart: Callable[[Section], bool] | None = None
    otherwise: str = ""
    attempts: int = 1


RESTART: t.Final = Step(Call("Restart-Computer", change=True), barrier=True)
"""The step that restarts the host. It is no call of the driver: the action does it, if the document allows it."""


@dataclass(frozen=True)
class Difference:
    """A property that is not as wanted."""

    option: str
    have: Json
    want: Json


@dataclass(frozen=True)
class Change:
    """What becomes of one wish: the object before and after, the steps in between, and what is to be said.

    ``refusals``: why it must not be done. ``unmet``: what has to be there first. ``later``: why it cannot be known yet.
    ``ineffective``: what is stored as wished and yet not in effect: a warning, and in verification a failure.
    """

    wish: Wish
    before: Thing | None
    after: Thing | None
    steps: tuple[Step, ...] = ()
    differences: tuple[Difference, ...] = ()
    refusals: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    ineffective: tuple[str, ...] = ()
    later: str | None = None


# The kind -----------------------------------------------------------------------------------------------------------------


class Availability(t.NamedTuple):
    """Whether the host can be asked for a kind's objects.

    ``new``: not yet, but it will be as a new installation is. ``later``: why it cannot be known before an earlier step ran.
    ``unmet``: what is missing.
    """

    new: bool = False
    later: str | None = None
    unmet: str | None = None


READY: t.Final = Availability()

Sentences = Callable[[Case], Iterable[str]]
_T = t.TypeVar("_T")


def certain(value: _T | None) -> _T:
    """Return what the table of a kind is sure to hold at this place. Raise TypeError if it does not: the kind is wrong."""
    if value is None:
        raise TypeError("The table of a kind lacks what its plan needs.")
    return value


def nothing(*_arguments: t.Any) -> tuple[()]:
    """Return nothing: the default of hooks that return several things."""
    return ()


@dataclass(frozen=True)
class Kind:
    """A resource kind. Only ``name``, ``identity`` and ``properties`` are needed by all; see Property for the rows.

    ``identity``: None for what a host has exactly one of. ``noun``: what sentences call such an object.
    ``gathers``: the questions that list the objects. ``consults``: other kinds whose objects hooks look at.
    ``asks``: further questions that a wish will probably need: they ride in the first command.
    ``read``: makes objects of the answers, where columns alone do not. ``fresh``: the objects of a new installation.
    ``available``: whether the host can be asked at all. ``touches``: questions of others that a change may alter.
    ``refuses``, ``needs``, ``warns``: sentences on a case that has something to change; ``warns`` on every other case too.
    ``ineffective``: sentences on a case that has nothing to change, on what is stored as wished and yet not in effect.
    ``plan``: replaces the ordinary comparison of rows. ``made``: what a new object has beside what was wished.
    ``effects``: objects of other kinds, (kind, object), that come with the change. ``implies``: further wishes, planned next.
    ``listed``: whether state gathered shows an object. ``protects``: the pattern that protects an object, None if none does.
    ``enumerates``: whether state gathered can list all objects. ``may_restart``: whether a change may ask for a restart.
    ``changes``: False for what only compares; what it misses no other task will make, so that it fails in check mode too.
    """

    name: str
    noun: str
    identity: Identity | None
    properties: tuple[Property, ...]
    options: tuple[Word, ...] = ()
    gathers: tuple[Question, ...] = ()
    consults: tuple[str, ...] = ()
    touches: tuple[Question, ...] = ()
    creates: New | None = None
    removes: Callable[[Case], Iterable[Step]] | None = None
    asks: Callable[[Wish], Iterable[Question]] = nothing
    read: Callable[[State], Iterable[Thing]] | None = None
    fresh: Callable[[State], Iterable[Thing]] = nothing
    available: Callable[[State], Availability] = lambda state: READY
    checks: Callable[[Wish], Iterable[str]] = nothing
    refuses: tuple[Sentences, ...] = ()
    needs: tuple[Sentences, ...] = ()
    warns: tuple[Sentences, ...] = ()
    ineffective: tuple[Sentences, ...] = ()
    plan: Callable[[Case], Change] | None = None
    made: Callable[[Case], Values] = lambda case: {}
    effects: Callable[[Change, State], Iterable[tuple[str, Thing]]] = nothing
    implies: Callable[[Case], Iterable[Wish]] = nothing
    listed: Callable[[Thing], bool] = lambda thing: True
    protects: Callable[[Thing, State], str | None] = lambda thing, state: None
    enumerates: bool = True
    may_restart: bool = False
    changes: bool = True

    @property
    def can_be_absent(self) -> bool:
        """Whether objects of the kind can be removed."""
        return self.removes is not None

    @property
    def rows(self) -> tuple[Property | Word, ...]:
        """All options but identity and state."""
        return (*self.properties, *self.options)

    def spec(self) -> dict[str, Spec]:
        """Return the options of one object in a document, in the form of Ansible's argument specs."""
        identity = {} if self.identity is None else self.identity.spec()
        rows = {row.option: row.spec() for row in self.rows}
        state = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
        return identity | rows | (state if self.can_be_absent else {})

    def row(self, option: str) -> Property:
        """Return the row of an option."""
        return next(row for row in self.properties if row.option == option)


def _unless_none(name: str, value: t.Any) -> Spec:
    return {} if value is None else {name: value}

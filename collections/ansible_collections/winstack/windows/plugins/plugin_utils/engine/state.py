# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has and what earlier steps of a plan will have made of it. PRIVATE to the winstack collections."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Failure
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import (
    COMPUTER,
    OS,
    path_question,
    what_stands,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    READY,
    Availability,
    Kind,
    Property,
    Question,
    Row,
    Settings,
    Thing,
    Wish,
    certain,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import release_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError

Kinds = Mapping[str, Kind]


class Unanswered(Exception):
    """Planning needs an answer that nobody asked for yet; the runner asks, and plans again."""

    def __init__(self, question: Question) -> None:
        """Keep the question."""
        super().__init__(question.name)
        self.question = question


@dataclass
class HostState:
    """The answers of a host, read as objects, with the changes that a plan foretells.

    ``final``: questions whose failure is known to be one: they were asked alone, after everything else was done.
    ``missing`` collects what planning would have liked to know; the runner asks it and plans again.
    """

    kinds: Kinds
    answers: Facts
    wishes: Sequence[Wish] = ()
    settings: Settings = Settings()
    final: frozenset[str] = frozenset()
    missing: dict[str, Question] = field(default_factory=dict)
    _tables: dict[str, dict[str, Thing]] = field(default_factory=dict)
    _standing: dict[str, str] = field(default_factory=dict)

    # Answers --------------------------------------------------------------------------------------------------------------

    def rows(self, question: Question) -> list[Row]:
        """Return the rows of an answer. Raise Unanswered if nobody asked, HostError if the host did not say."""
        section = self.answers.get(question.name)
        if section is not None and section.ok:
            return list(section.data)
        if section is not None and question.optional and section.error and section.error.missing_item:
            return []
        if section is None or question.name not in self.final:
            self.missing[question.name] = question
            raise Unanswered(question)
        raise HostError(
            f"The host did not list {question.name.replace('_', ' ')}: {reason(section.error)} {question.advice}".rstrip()
        )

    def told(self, question: Question) -> bool:
        """Return whether the host has answered the question, if only with an error."""
        return question.name in self.answers

    def path(self, path: str) -> str:
        """Return what stands at a path: directory, file, absent, or unknown; foretold objects count."""
        if stands := self._standing.get(_path_key(path)):
            return stands
        try:
            return what_stands(self.rows(path_question(path)))
        except (Unanswered, HostError):
            return "unknown"

    def attributes(self, path: str) -> list[str]:
        """Return the names of System.IO.FileAttributes of what stands at a path; none where nothing stands."""
        try:
            rows = self.rows(path_question(path))
        except (Unanswered, HostError):
            return []
        return [name for row in rows for name in str(row.get("Attributes") or "").split(", ") if name]

    @property
    def release(self) -> str:
        """The Windows Server release, a member of signatures.RELEASES."""
        return release_of(int(self.rows(OS)[0]["BuildNumber"]))

    @property
    def computer(self) -> Row:
        """The row of Win32_ComputerSystem: Name, PartOfDomain, Domain, DomainRole."""
        return self.rows(COMPUTER)[0]

    # Objects --------------------------------------------------------------------------------------------------------------

    def available(self, kind: Kind) -> Availability:
        """Return whether the host can be asked for objects of the kind."""
        return READY if kind.name in self._tables else kind.available(self)

    def table(self, name: str) -> dict[str, Thing]:
        """Return the objects of a kind, by key, as they will be at this point of the plan."""
        if name not in self._tables:
            kind = self.kinds[name]
            available = kind.available(self)
            if available.unmet or available.later:
                raise HostError(str(available.unmet or available.later))
            things = self._fresh(kind) if available.new else self._read(kind)
            self._tables[name] = {thing.key: thing for thing in things}
        return self._tables[name]

    def find(self, name: str, key: str) -> Thing | None:
        """Return one object of a kind."""
        return self.table(name).get(key)

    def foretell(self, name: str, key: str, thing: Thing | None) -> None:
        """Take an object as made, changed or (None) gone by an earlier step."""
        table = self.table(name)
        if thing is None:
            table.pop(key, None)
        else:
            table[key] = replace(thing, predicted=True)
            self._foretell_path(thing)

    def _foretell_path(self, thing: Thing) -> None:
        """Take the path of an object as what its fact ``stands`` says, and the folders above it as made with it."""
        if "stands" not in thing.facts:
            return
        path = _path_key(str(thing.facts["path"]))
        self._standing[path] = str(thing.facts["stands"])
        while (path := ntpath.dirname(path)) not in self._standing:
            self._standing[path] = "directory"

    def wish_for(self, name: str, key: str) -> Wish | None:
        """Return what the document wants of another object."""
        return next((wish for wish in self.wishes if wish.kind.name == name and wish.key == key), None)

    def _fresh(self, kind: Kind) -> Iterable[Thing]:
        return [replace(thing, predicted=True) for thing in kind.fresh(self)]

    def _read(self, kind: Kind) -> Iterable[Thing]:
        if kind.read is not None:
            return list(kind.read(self))
        return list(self._joined(kind)) if kind.enumerates else ()

    def _joined(self, kind: Kind) -> Iterator[Thing]:
        """Return the objects of a kind whose table names every column."""
        identity = certain(kind.identity)
        column = certain(identity.column)
        for line in self.rows(column.question):
            name = str(line[column.name])
            key = identity.key(name)
            yield Thing(key, name, self.row_values(kind, key, {column.question.name: line}))

    def row_values(self, kind: Kind, key: str, lines: Mapping[str, Row]) -> dict[str, Json]:
        """Return the values of all rows that have a column, from the given lines (by question) or those that the key finds."""
        return {
            row.option: self._value(kind, row, key, lines)
            for row in kind.properties
            if row.column is not None
        }

    def _value(self, kind: Kind, row: Property, key: str, lines: Mapping[str, Row]) -> Json:
        column = certain(row.column)
        line = lines.get(column.question.name) or self.line(kind, column.question, key)
        raw = line.get(column.name) if line else None
        try:
            return row.type.read(raw)
        except ValueError as error:
            raise HostError(
                f"{kind.name} {key}: {column.name} has an unexpected form: {error}. Please report this."
            ) from error

    def line(self, kind: Kind, question: Question, key: str) -> Row | None:
        """Return the line of another question that belongs to an object."""
        normal = certain(kind.identity).key
        found = (row for row in self.rows(question) if row.get(question.key) is not None)
        return next((row for row in found if normal(str(row[question.key])) == key), None)


def _path_key(path: str) -> str:
    """Return what is equal for all spellings of a path that differ in case or separators."""
    return ntpath.normcase(ntpath.normpath(path))


def reason(error: Failure | None) -> str:
    """Return a sentence on why Windows did not answer."""
    if error is None:
        return "the call was not run."
    message = error.message.strip().rstrip(".")  # those of WMI end in a blank
    if error.missing_cmdlet:
        return f"the cmdlet is not there ({message})."
    return f"{message} ({error.type}, {error.hresult})."

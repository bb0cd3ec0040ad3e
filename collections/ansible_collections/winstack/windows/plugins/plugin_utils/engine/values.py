# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of options: from what a task gives and a column says to one value that compares. PRIVATE to the winstack collections.

A value is plain JSON-able data in one canonical spelling. ``parse`` fails only on what cannot be read at all; ``fault``
holds the rules of form, which are for new things: what equals what the host has is never refused.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import parse_size, show_size

Json: t.TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
Spec = dict[str, t.Any]
"""One option in the form of Ansible's argument specs."""


def is_number(value: t.Any) -> bool:
    """Return whether a value is a whole number. A truth is none, although Python counts it among them."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class Type:
    """Text, compared to the letter; the base of all types."""

    def spec(self) -> Spec:
        """Return the option's argument spec, without required and default."""
        return {"type": "str"}

    def parse(self, given: t.Any) -> Json:
        """Return the canonical value of what a task gives. Raise WantError for what cannot be read."""
        return t.cast("Json", given)

    def read(self, raw: t.Any) -> Json:
        """Return the canonical value of a column; None where the host does not say. Raise ValueError for another form."""
        return None if raw is None else str(raw)

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the host already has what is wanted."""
        return have == want

    def fault(self, want: Json, have: Json) -> str | None:
        """Return what is wrong with the form of a new value, as the end of a sentence; ``have`` is what the host has."""
        return None

    def send(self, value: Json) -> ParamValue:
        """Return the value as a parameter of a cmdlet."""
        return t.cast("ParamValue", value)

    def show(self, value: Json) -> Json:
        """Return the value as diffs, reports and gathered documents show it; no secret is in it."""
        return value

    def words(self, value: Json) -> str:
        """Return the value as sentences show it."""
        return "nothing" if value in (None, "", (), []) else str(self.show(value))


@dataclass(frozen=True)
class Text(Type):
    """Text. Where the host says null, it has an empty one."""

    caseless: bool = False

    def read(self, raw: t.Any) -> Json:
        """Return the text; null reads as empty."""
        return "" if raw is None else str(raw)

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the texts are equal, without case where Windows has none."""
        return str(have).lower() == str(want).lower() if self.caseless else have == want


@dataclass(frozen=True)
class Flag(Type):
    """A truth."""

    def spec(self) -> Spec:
        """Return the spec of a bool."""
        return {"type": "bool"}

    def read(self, raw: t.Any) -> Json:
        """Return the truth; numbers count as such, since some classes and registry values hold 0 and 1."""
        if raw is None or isinstance(raw, bool):
            return raw
        if isinstance(raw, int):
            return raw != 0
        raise ValueError(f"true or false was expected, and {raw!r} was found")


@dataclass(frozen=True)
class Whole(Type):
    """A whole number from ``low`` to ``high``; ``unit`` is for sentences."""

    low: int
    high: int
    unit: str = ""

    def spec(self) -> Spec:
        """Return the spec of an int."""
        return {"type": "int"}

    def read(self, raw: t.Any) -> Json:
        """Return the number. A text that looks like one is not: a registry value of another type does not count."""
        if raw is None or is_number(raw):
            return t.cast("int | None", raw)
        raise ValueError(f"a number was expected, and {raw!r} was found")

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that the number is out of range."""
        if isinstance(want, int) and self.low <= want <= self.high:
            return None
        return f"{want} is not between {self.low} and {self.high}{self.unit and ' ' + self.unit}."


@dataclass(frozen=True)
class Size(Type):
    """Bytes, given as 20GB, 512 MiB or a number; a unit is a power of 1024."""

    def parse(self, given: t.Any) -> Json:
        """Return bytes."""
        return parse_size(str(given))

    def read(self, raw: t.Any) -> Json:
        """Return bytes."""
        return Whole(0, 0).read(raw)

    def words(self, value: Json) -> str:
        """Return the size in its largest whole unit."""
        return show_size(value) if isinstance(value, int) else "nothing"


@dataclass(frozen=True)
class Choice(Type):
    """One of few: option -> what Windows calls it. What Windows says beyond them is shown as it is, in lower case."""

    choices: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> Spec:
        """Return the spec with the choices."""
        return {"type": "str", "choices": list(self.choices)}

    def read(self, raw: t.Any) -> Json:
        """Return the option for a word of Windows."""
        if raw is None:
            return None
        named = {windows.lower(): option for option, windows in self.choices.items()}
        return named.get(str(raw).lower(), str(raw).lower())

    def send(self, value: Json) -> ParamValue:
        """Return the word of Windows."""
        return self.choices[str(value)]


@dataclass(frozen=True)
class TextList(Type):
    """A list of texts, compared in order."""

    def spec(self) -> Spec:
        """Return the spec of a list of texts."""
        return {"type": "list", "elements": "str"}


@dataclass(frozen=True)
class Nested(Type):
    """A list of dictionaries, or one dictionary, of the given options. A kind reads and sends these by hooks of its own."""

    options: Mapping[str, Spec] = field(default_factory=dict)
    elements: bool = True

    def spec(self) -> Spec:
        """Return the spec, nested to the leaf."""
        inner: Spec = {"options": dict(self.options)}
        return {"type": "list", "elements": "dict", **inner} if self.elements else {"type": "dict", **inner}


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "nothing"

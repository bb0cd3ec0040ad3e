# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a dictionary of sections to an edited oslo.config file. Pure. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.winstack.openstack.plugins.plugin_utils._secrets import (
    Names,
    Secrets,
    literal_credentials,
    literal_dollars,
)
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import (
    Document,
    is_writable,
    normalized,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

# BoolOpt takes these in any case: https://docs.openstack.org/oslo.config/latest/reference/types.html
_BOOLEANS: t.Final = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("false", "0", "off", "no"), False),
}

Scalar = str | bool | int | float


@dataclass(frozen=True)
class Change:
    """The values of one option before and after; empty where it is not set. Values may be secrets."""

    section: str
    option: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def shown(self, secrets: Secrets) -> dict[str, t.Any]:
        """Give the change as JSON-able data without secrets."""
        return {
            "section": self.section,
            "option": self.option,
            "before": self._values(self.before, secrets),
            "after": self._values(self.after, secrets),
        }

    def _values(self, values: tuple[str, ...], secrets: Secrets) -> str | list[str] | None:
        shown = [secrets.shown(self.section, self.option, value) for value in values]
        return shown[0] if len(shown) == 1 else shown or None


@dataclass(frozen=True)
class Removal:
    """An option to take away; with ``entries`` only these of a list; without an option, a whole section."""

    section: str
    option: str = ""
    entries: tuple[str, ...] = ()


class Want:
    """What a file should hold. Raise WantError for what no file could hold."""

    def __init__(
        self,
        config: Mapping[str, Mapping[str, t.Any]],
        *,
        removals: Sequence[Removal] = (),
        multi_valued: Sequence[str] = (),
        merge_lists: Sequence[str] = (),
        secrets: Secrets | None = None,
        escape_dollar: str = "secrets",
    ) -> None:
        """Check names and values; ``escape_dollar`` is one of secrets, always and never."""
        self._multi_valued = Names(multi_valued)
        self._merge_lists = Names(merge_lists)
        self._secrets = secrets or Secrets()
        self._escape = _ESCAPES[escape_dollar]
        self._sections: list[str] = []
        self._edits: list[_Edit] = []
        self._removals: list[Removal] = []
        for removal in removals:
            self._add_removal(removal)
        for section, options in config.items():
            self._add_section(str(section), options)

    @property
    def warnings(self) -> list[str]:
        """Give a sentence for each name that does not do what it seems to."""
        dashed = [
            f"oslo.config writes names of options with underscores, and will never read '{edit.option}' in [{edit.section}]."
            for edit in self._edits
            if "-" in edit.option
        ]
        return [
            *dashed,
            *_idle("merge_lists", self._merge_lists, self),
            *_idle("multi_valued", self._multi_valued, self),
        ]

    def sets(self, section: str, option: str) -> bool:
        """Say whether an option is to be set; in any section, if none is named. Nobody knows of sections that are not wanted."""
        if section and section not in map(normalized, self._sections):
            return True
        return any(
            edit.option == option and section in ("", normalized(edit.section)) for edit in self._edits
        )

    def apply(self, document: Document) -> list[Change]:
        """Edit the document; give what changed, nothing if it was so already."""
        changes = [change for removal in self._removals for change in _take_away(document, removal)]
        for section in self._sections:
            if not document.has_section(section) and not any(edit.section == section for edit in self._edits):
                document.add_section(section)
                changes.append(Change(section, "", (), ()))
        for edit in self._edits:
            before = document.values(edit.section, edit.option)
            after = edit.after(before)
            if after != before:
                _put(document, edit.section, edit.option, after)
                changes.append(Change(edit.section, edit.option, tuple(before), tuple(after)))
        return changes

    def _add_removal(self, removal: Removal) -> None:
        _check_name(removal.section, "section")
        if removal.option:
            _check_name(removal.option, "option", removal.section)
        self._removals.append(removal)

    def _add_section(self, section: str, options: t.Any) -> None:
        _check_name(section, "section")
        if not isinstance(options, Mapping):
            raise WantError(
                f"Section [{section}] has to be a dictionary of options. To take a section away, name it in 'remove'."
            )
        if normalized(section) in map(normalized, self._sections):
            raise WantError(
                f"Section [{section}] is there twice: oslo.config does not mind the case of its name."
            )
        if any(
            not gone.option and normalized(gone.section) == normalized(section) for gone in self._removals
        ):
            raise WantError(f"Section [{section}] is to be removed and yet to be there.")
        self._sections.append(section)
        names = [str(option) for option in options]
        if len(set(names)) < len(names):
            raise WantError(
                f"Section [{section}] has an option twice, as a text and as a number or the like."
            )
        for option, value in options.items():
            self._add_option(section, str(option), value)

    def _add_option(self, section: str, option: str, value: t.Any) -> None:
        _check_name(option, "option", section)
        if value is None:
            self._removals.append(Removal(section, option))
            return
        merge = self._merge_lists.has(section, option)
        edit: _Edit
        if not isinstance(value, list | tuple):
            if merge:
                raise WantError(f"[{section}] {option} is among merge_lists, so its value has to be a list.")
            edit = _Single(section, option, self._text(section, option, value), value)
        elif self._multi_valued.has(section, option):
            edit = _Multi(section, option, [self._text(section, option, item) for item in value], merge)
        else:
            edit = _List(section, option, [self._item(section, option, item) for item in value], merge)
        self._check_conflict(edit)
        self._edits.append(edit)

    def _check_conflict(self, edit: _Edit) -> None:
        for removal in self._removals:
            same = (normalized(removal.section), removal.option) == (normalized(edit.section), edit.option)
            if same and edit.contradicts(removal.entries):
                raise WantError(f"[{edit.section}] {edit.option} is to be set and removed at once.")

    def _text(self, section: str, option: str, value: t.Any) -> str:
        if not isinstance(value, Scalar):
            raise WantError(
                f"[{section}] {option} has to be text, a number, a boolean or a list of these, not {type(value).__name__}."
            )
        try:
            text = self._escape(str(value), self._secrets.is_secret(section, option))
        except ValueError as error:
            raise WantError(f"[{section}] {option} cannot be written: {error}.") from None
        if not is_writable(text):
            raise WantError(
                f"[{section}] {option} cannot be written: a further line of a value may not be empty or start or end with a "
                "blank (in YAML use |- for text of several lines), and there may be no control characters."
            )
        return text

    def _item(self, section: str, option: str, value: t.Any) -> str:
        text = self._text(section, option, value).strip()
        if not text or "," in text or "\n" in text:
            raise WantError(
                f"[{section}] {option}: an entry of a list may not be empty or hold a comma or a line break. "
                "If every entry is to be a line of its own, name the option in 'multi_valued'."
            )
        return text


# Edits --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edit:
    section: str
    option: str

    def after(self, before: list[str]) -> list[str]:
        """Give the values wanted; ``before`` itself if these mean the same."""
        raise NotImplementedError

    def contradicts(self, removed: Sequence[str]) -> bool:
        """Say whether the option cannot be set so and have these entries removed (all of it, if there are none)."""
        return True


@dataclass(frozen=True)
class _Single(_Edit):
    text: str
    value: Scalar

    def after(self, before: list[str]) -> list[str]:
        """One line; of a repeated one that oslo.config does not read, only the last is kept."""
        if (
            len(before) == 1
            and isinstance(self.value, bool)
            and _BOOLEANS.get(before[0].lower()) is self.value
        ):
            return before
        return [self.text]


@dataclass(frozen=True)
class _Multi(_Edit):
    texts: list[str]
    merge: bool

    def after(self, before: list[str]) -> list[str]:
        """One line for each entry."""
        return _union(before, self.texts) if self.merge else self.texts

    def contradicts(self, removed: Sequence[str]) -> bool:
        return not (self.merge and removed and not set(removed) & set(self.texts))


@dataclass(frozen=True)
class _List(_Multi):
    def after(self, before: list[str]) -> list[str]:
        """One line with all entries."""
        last = before[-1] if before else ""
        have = _entries(self.section, self.option, last) if self.merge else _split(last)
        want = _union(have, self.texts) if self.merge else self.texts
        if have == want and (self.merge or len(before) == 1):
            return before
        return [_join(want, like=last)]


def _take_away(document: Document, removal: Removal) -> list[Change]:
    if not removal.option:
        return _take_section_away(document, removal.section)
    before = document.values(removal.section, removal.option)
    after = _remaining(removal, before) if removal.entries else []
    if before == after:
        return []
    _put(document, removal.section, removal.option, after)
    return [Change(removal.section, removal.option, tuple(before), tuple(after))]


def _put(document: Document, section: str, option: str, values: Sequence[str]) -> None:
    if values:
        document.set(section, option, values)
    else:
        document.remove(section, option)


def _take_section_away(document: Document, section: str) -> list[Change]:
    if not document.has_section(section):
        return []
    names = dict.fromkeys(
        entry.name for name, entry in document.options() if normalized(name) == normalized(section)
    )
    changes = [Change(section, name, tuple(document.values(section, name)), ()) for name in names]
    document.remove_section(section)
    return changes or [Change(section, "", (), ())]


def _remaining(removal: Removal, before: list[str]) -> list[str]:
    """Give the values without the entries to be removed, whether the option repeats lines or has commas."""
    after = []
    for value in before:
        if value in removal.entries:
            continue
        have = _split(value)
        kept = [entry for entry in have if entry not in removal.entries]
        if kept:
            after.append(value if kept == have else _join(kept, like=value))
    return after


def _entries(section: str, option: str, value: str) -> list[str]:
    if value.startswith("["):
        raise RefusedError(
            f"[{section}] {option} in the file is no plain list with commas; nothing can be merged into it."
        )
    return _split(value)


def _split(value: str) -> list[str]:
    """Give the entries as ListOpt does, but for empty ones, which nothing can mean."""
    return [entry for entry in map(str.strip, value.split(",")) if entry]


def _join(entries: Sequence[str], *, like: str) -> str:
    return (", " if ", " in like else ",").join(entries)


def _union(have: Sequence[str], want: Sequence[str]) -> list[str]:
    return [*have, *(entry for entry in dict.fromkeys(want) if entry not in have)]


_ESCAPES: t.Final[Mapping[str, Callable[[str, bool], str]]] = {
    "secrets": lambda text, secret: literal_dollars(text) if secret else literal_credentials(text),
    "always": lambda text, secret: literal_dollars(text),
    "never": lambda text, secret: text,
}


def _idle(kind: str, names: Names, want: Want) -> list[str]:
    """Give a sentence for each name that no wanted option has: a list that was to be merged would replace the one of the file."""
    return [
        f"'{kind}' names {f'{section}.{option}' if section else option}, which 'config' does not set: is it misspelt?"
        for section, option in names
        if want._edits and not want.sets(section, option)
    ]


def _check_name(name: str, kind: str, section: str = "") -> None:
    """Refuse a name that the file would not give back as it is."""
    special = "[]" if kind == "section" else "=:"
    starts = "" if kind == "section" else "[#;"
    bad = not name or name != name.strip() or not name.isprintable() or any(mark in name for mark in special)
    if bad or name[0] in starts:
        place = f" in section [{section}]" if section else ""
        raise WantError(
            f"The name of the {kind} {name!r}{place} cannot be written: it may not be empty, start or end with a blank, or hold "
            f"control characters or any of {' '.join(special)}{f', or start with one of {chr(32).join(starts)}' if starts else ''}."
        )

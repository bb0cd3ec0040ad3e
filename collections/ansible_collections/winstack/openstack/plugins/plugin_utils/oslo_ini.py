# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an oslo.config file: read without loss, edited line by line. PRIVATE to the winstack collections.

What a line means follows oslo_config/iniparser.py and ConfigParser in oslo_config/cfg.py of
https://opendev.org/openstack/oslo.config: a blank line, a comment or a section header ends a value; a line that starts
with a blank or a tab continues the value above it; the first of ``=`` and ``:`` ends the name; one pair of equal quotes
around the first line of a value is taken off; sections of the same name, but for case, are one.
"""

from __future__ import annotations

import codecs
import enum
import itertools
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError

DEFAULT: t.Final = "DEFAULT"
_LINE: t.Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_COMMENTED_OPTION: t.Final = re.compile(r"[#;]\s*(?P<name>[^\s=:]+)\s*[=:]")


class Kind(enum.Enum):
    """What a line, with its continuation lines, is."""

    BLANK = enum.auto()
    COMMENT = enum.auto()
    SECTION = enum.auto()
    OPTION = enum.auto()


@dataclass(eq=False)
class Entry:
    """One or, for an option with continuation lines, several lines, line ends included.

    ``name`` is that of the section or option; ``values`` are the lines of the value as oslo.config takes them.
    """

    kind: Kind
    lines: list[str]
    name: str = ""
    values: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        """Give the value as oslo.config hands it to the option's type."""
        return "\n".join(self.values)

    @property
    def commented_option(self) -> str:
        """Give the name of the option that this comment shows, as sample files do with defaults; or nothing."""
        found = _COMMENTED_OPTION.match(self.lines[0]) if self.kind is Kind.COMMENT else None
        return found["name"] if found else ""


def normalized(section: str) -> str:
    """Give the name by which oslo.config finds a section: only DEFAULT minds its case."""
    return section if section == DEFAULT else section.lower()


# Bytes --------------------------------------------------------------------------------------------------------------


def decode(data: bytes) -> tuple[str, list[str]]:
    """Give the text, and a sentence for each thing in its encoding that oslo.config cannot read.

    Bytes that are no UTF-8 come through as surrogates, so that ``encode`` gives them back. Raise RefusedError for UTF-32.
    """
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise RefusedError("The file is UTF-32, which no editor of such files writes. Save it as UTF-8.")
    if encoding := _utf16(data):
        try:
            return data.decode(encoding), [
                "The file was UTF-16, which oslo.config cannot read; it is kept as UTF-8."
            ]
        except UnicodeDecodeError:
            raise RefusedError("The file looks like UTF-16 but is damaged. Save it as UTF-8.") from None
    warnings = []
    if data.startswith(codecs.BOM_UTF8):
        data = data.removeprefix(codecs.BOM_UTF8)
        warnings.append(
            "The file began with a byte order mark, which oslo.config cannot read; it is taken away."
        )
    text = data.decode("utf-8", "surrogateescape")
    if "\0" in text:
        raise RefusedError("The file holds NUL bytes: it is no text. Look at it before anything is merged.")
    if any("\udc80" <= character <= "\udcff" for character in text):
        warnings.append("The file holds bytes that are no UTF-8; they are kept, but services may refuse it.")
    return text, warnings


def _utf16(data: bytes) -> str:
    """Give the codec of a file that PowerShell 5 (``>``, Out-File) or an editor saved as UTF-16, or nothing."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(data) < 4 or len(data) % 2:
        return ""
    # Configuration files are nearly all ASCII: every other byte is then NUL.
    half = len(data) // 2
    if data[1::2].count(0) > 0.9 * half and not data[::2].count(0):
        return "utf-16-le"
    return "utf-16-be" if data[::2].count(0) > 0.9 * half and not data[1::2].count(0) else ""


def encode(text: str) -> bytes:
    """Give the bytes of a text that ``decode`` gave, edited or not: UTF-8 without a byte order mark."""
    return text.encode("utf-8", "surrogateescape")


# Values -------------------------------------------------------------------------------------------------------------


def is_writable(value: str) -> bool:
    """Say whether some text of the file would be read back as exactly this value."""
    if any(not character.isprintable() and character not in "\t\n" for character in value):
        return False
    return all(line and line == line.strip() for line in value.split("\n")[1:])


def render(value: str) -> list[str]:
    """Give the lines of a value, without indentation and line ends."""
    first, *rest = value.split("\n")
    if first != first.strip() or (first and first[0] == first[-1] and first[0] in "\"'"):
        first = f'"{first}"'
    return [first, *rest]


# Document -----------------------------------------------------------------------------------------------------------


class Document:
    """The lines of a file. Raise RefusedError, naming the line, for what oslo.config would not load."""

    def __init__(self, text: str) -> None:
        """Read the text."""
        self.entries: list[Entry] = []
        self._has_header = False
        lines = _LINE.findall(text)
        self._line_end = _end(lines[0]) or "\n" if lines else "\n"
        for number, line in enumerate(lines, 1):
            self._add(line, number)

    def _add(self, raw: str, number: int) -> None:
        line = raw.rstrip()
        if line.startswith((" ", "\t")):
            last = self.entries[-1] if self.entries else None
            if last is None or last.kind is not Kind.OPTION:
                raise _damage(number, "is indented, and there is no value above it to go on with")
            last.lines.append(raw)
            last.values.append(line.lstrip())
        elif not line:
            self.entries.append(Entry(Kind.BLANK, [raw]))
        elif line.startswith(("#", ";")):
            self.entries.append(Entry(Kind.COMMENT, [raw]))
        elif line.startswith("["):
            self.entries.append(Entry(Kind.SECTION, [raw], _section_name(line, number)))
            self._has_header = True
        else:
            self._add_option(raw, line, number)

    def _add_option(self, raw: str, line: str, number: int) -> None:
        name, mark, value = _split(line)
        if not mark:
            raise _damage(number, "has neither = nor :")
        if not name.strip():
            raise _damage(number, "has no name before its = or :")
        if not self._has_header:
            raise _damage(number, "sets an option above the first section")
        value = value.strip()
        if value and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        self.entries.append(Entry(Kind.OPTION, [raw], name.strip(), [value]))

    @property
    def text(self) -> str:
        """Give the whole text."""
        return "".join(line for entry in self.entries for line in entry.lines)

    def sections(self) -> t.Iterator[tuple[str, list[Entry]]]:
        """Give each block of the file: the name in its header, and the entries below it up to the next header."""
        for start, stop in self._blocks():
            yield self.entries[start].name, self.entries[start + 1 : stop]

    def options(self) -> t.Iterator[tuple[str, Entry]]:
        """Give each option with the name of its section, in the order of the file."""
        for name, entries in self.sections():
            yield from ((name, entry) for entry in entries if entry.kind is Kind.OPTION)

    def settings(self) -> t.Iterator[tuple[str, str, str]]:
        """Give each option as normalized name of its section, name, value."""
        yield from ((normalized(section), entry.name, entry.value) for section, entry in self.options())

    def values(self, section: str, option: str) -> list[str]:
        """Give every value of an option, in the order of the file; of a single-valued one, oslo.config takes the last."""
        return [entry.value for entry in self._found(section, option)]

    def has_section(self, section: str) -> bool:
        """Say whether there is a header of this section."""
        return any(True for _block in self._blocks(section))

    # Edits

    def set(self, section: str, option: str, values: t.Sequence[str]) -> None:
        """Give an option these values, at least one, a line each: in place of its lines, new ones below the last."""
        found = self._found(section, option)
        kept = found[-len(values) :]
        for entry in found[: len(found) - len(kept)]:
            self.entries.remove(entry)
        for entry, value in zip(kept, values, strict=False):
            if entry.value != value:
                self._rewrite(entry, value)
        for value in values[len(kept) :]:
            self._insert(section, option, value)

    def remove(self, section: str, option: str) -> None:
        """Take every line of an option away; comments stay."""
        for entry in self._found(section, option):
            self.entries.remove(entry)

    def remove_section(self, section: str) -> None:
        """Take every block of a section away, but not the comments right above the header that comes next."""
        for start, stop in reversed(list(self._blocks(section))):
            if stop < len(self.entries):
                while stop > start + 1 and self.entries[stop - 1].kind is Kind.COMMENT:
                    stop -= 1
            del self.entries[start:stop]

    def add_section(self, section: str) -> None:
        """Put a header at the end of the file unless the section is there."""
        if self.has_section(section):
            return
        self._end_last_line()
        if self.entries and self.entries[-1].kind is not Kind.BLANK:
            self.entries.append(Entry(Kind.BLANK, [self._line_end]))
        self.entries.append(Entry(Kind.SECTION, [f"[{section}]{self._line_end}"], section))

    # Helpers

    def _blocks(self, section: str | None = None) -> t.Iterator[tuple[int, int]]:
        headers = [number for number, entry in enumerate(self.entries) if entry.kind is Kind.SECTION]
        for start, stop in itertools.pairwise([*headers, len(self.entries)]):
            if section is None or normalized(self.entries[start].name) == normalized(section):
                yield start, stop

    def _found(self, section: str, option: str) -> list[Entry]:
        wanted = normalized(section)
        return [
            entry for name, entry in self.options() if normalized(name) == wanted and entry.name == option
        ]

    def _rewrite(self, entry: Entry, value: str) -> None:
        """Write a new value behind what stands before the old one: name, mark and blanks stay."""
        first = entry.lines[0].rstrip("\r\n")
        head = first[: _value_start(first)]
        indent = re.match(r"[ \t]+", entry.lines[1]) if len(entry.lines) > 1 else None
        self._write(entry, head, value, indent[0] if indent else "    ", _end(entry.lines[-1]))

    def _write(self, entry: Entry, head: str, value: str, indent: str, end: str) -> None:
        first, *rest = render(value)
        if first and head[-1] in "=:" and head[:-1] != head[:-1].rstrip():
            head += " "
        lines = [head + first if first else head.rstrip(), *(indent + line for line in rest)]
        entry.lines = [*(line + self._line_end for line in lines[:-1]), lines[-1] + end]
        entry.values = value.split("\n")

    def _insert(self, section: str, option: str, value: str) -> None:
        self.add_section(section)
        place = self._place(section, option)
        if place == len(self.entries):
            self._end_last_line()
        entry = Entry(Kind.OPTION, [], option)
        self._write(entry, f"{option} = ", value, "    ", self._line_end)
        self.entries.insert(place, entry)

    def _place(self, section: str, option: str) -> int:
        """Give the place of a new line: below its like, else its commented default, else the section's last option."""
        blocks = list(self._blocks(section))
        like = [
            self._last(block, lambda entry: entry.kind is Kind.OPTION and entry.name == option)
            for block in blocks
        ]
        shown = [self._last(block, lambda entry: entry.commented_option == option) for block in blocks]
        last = self._last(
            blocks[-1], lambda entry: entry.kind is not Kind.COMMENT and entry.kind is not Kind.BLANK
        )
        return max(like) or max(shown) or last

    def _last(self, block: tuple[int, int], test: t.Callable[[Entry], bool]) -> int:
        """Give the place after the last entry of a block that passes the test; 0 if none does."""
        start, stop = block
        return max((place + 1 for place in range(start, stop) if test(self.entries[place])), default=0)

    def _end_last_line(self) -> None:
        lines = self.entries[-1].lines if self.entries else []
        if lines and not _end(lines[-1]):
            lines[-1] += self._line_end


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _split(line: str) -> tuple[str, str, str]:
    found = re.search(r"[=:]", line)
    return (line[: found.start()], found[0], line[found.end() :]) if found else (line, "", "")


def _value_start(line: str) -> int:
    name, mark, value = _split(line)
    return len(name) + len(mark) + len(value) - len(value.lstrip())


def _section_name(line: str, number: int) -> str:
    if not line.endswith("]"):
        raise _damage(number, "starts a section and does not end with ]")
    if len(line) <= 2:
        raise _damage(number, "starts a section without a name")
    return line[1:-1]


def _damage(number: int, what: str) -> RefusedError:
    """Give an error that shows nothing of the line: it may be a secret."""
    return RefusedError(
        f"Line {number} {what}: oslo.config would not load this file. Nothing was changed. Mend that line first."
    )

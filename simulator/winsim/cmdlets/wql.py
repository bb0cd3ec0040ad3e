# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WHERE part of WQL: comparisons, LIKE, IS [NOT] NULL, NOT, AND, OR, parentheses.

https://learn.microsoft.com/windows/win32/wmisdk/wql-sql-for-wmi. ``WqlError`` is WMI's "Invalid query".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<op><=|>=|<>|!=|=|<|>|\(|\))
      | (?P<word>[A-Za-z_]\w*)
    )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}
_KEYWORDS = {"and", "or", "not", "like", "is", "null", "true", "false"}


class WqlError(Exception):
    """The text is no WQL condition, or names a property that the class does not have."""


def parse(text: str, properties: list[str]) -> Test:
    """A test of rows (property -> value) for a condition over the given property names."""
    parser = _Parser(_tokens(text), {name.lower(): name for name in properties})
    test = parser.either()
    parser.finish()
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise WqlError(text)
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], properties: dict[str, str]) -> None:
        self._tokens = tokens
        self._properties = properties
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise WqlError("unexpected end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, text: str) -> bool:
        if self._peek() == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise WqlError(f"{text} expected")

    def finish(self) -> None:
        if self._at != len(self._tokens):
            raise WqlError("unexpected text")

    def either(self) -> Test:
        tests = [self._both()]
        while self._accept("or"):
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._accept("and"):
            tests.append(self._single())
        return lambda row: all(test(row) for test in tests)

    def _single(self) -> Test:
        if self._accept("not"):
            inner = self._single()
            return lambda row: not inner(row)
        if self._accept("("):
            inner = self.either()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        kind, word = self._take()
        name = self._properties.get(word.lower())
        if kind != "word" or name is None or word.lower() in _KEYWORDS:
            raise WqlError(f"unknown property {word}")
        if self._accept("is"):
            wanted = not self._accept("not")
            self._expect("null")
            return lambda row: (row[name] is None) == wanted
        if self._accept("like"):
            pattern = _like(self._literal())
            return lambda row: row[name] is not None and bool(pattern.fullmatch(str(row[name])))
        kind, operator = self._take()
        if operator not in _COMPARE:
            raise WqlError(f"unknown operator {operator}")
        return _compare(name, _COMPARE[operator], self._literal())

    def _literal(self) -> Any:
        kind, text = self._take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            return float(text) if "." in text else int(text)
        if text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        raise WqlError(f"unexpected {text}")


def _compare(name: str, operator: Callable[[Any, Any], bool], wanted: Any) -> Test:
    """Texts compare without regard to case; numbers may be written as text, and the other way round."""

    def test(row: Row) -> bool:
        value = row[name]
        if value is None or wanted is None:
            return operator(value is None, wanted is None)
        try:
            if isinstance(value, (bool, int, float)):
                return operator(float(value), float(wanted))
        except ValueError:
            return False
        return operator(str(value).lower(), str(wanted).lower())

    return test


def _like(pattern: Any) -> re.Pattern[str]:
    """``%`` any text, ``_`` one character, ``[a-f]`` and ``[^a-f]`` sets."""
    parts: list[str] = []
    for piece in re.findall(r"\[\^?[^\]]+\]|.", str(pattern), re.DOTALL):
        if len(piece) > 1:
            parts.append(piece)
        else:
            parts.append({"%": ".*", "_": "."}.get(piece, re.escape(piece)))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)

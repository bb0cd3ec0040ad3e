# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a module's argument spec from its PowerShell source.

Ansible sends the source of a module with every task, so the very version that was sent can be validated. Two
styles exist: ``[Ansible.Basic.AnsibleModule]::Create($args, $spec)`` with a hashtable literal, and calls of
``Get-AnsibleParam`` (Ansible.ModuleUtils.Legacy). Only literals are read: hashtables, arrays, strings, numbers,
booleans, casts. Whatever else stands for a value becomes ``OPAQUE`` and disables its own check only.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class _Opaque:
    """A value that only a PowerShell engine could compute."""

    def __repr__(self) -> str:
        return "OPAQUE"


OPAQUE = _Opaque()


@dataclass
class ModuleSpec:
    """What is known of a module's arguments.

    ``kind`` is ``basic``, ``legacy`` or ``none`` (no spec could be read: nothing is checked). ``spec`` is the
    hashtable of Ansible.Basic; for legacy modules it has ``options`` and ``supports_check_mode`` in the same form.
    ``open`` tells that the module adds options while it runs: an unknown one must not be refused.
    """

    kind: str
    spec: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    open: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Option name -> hashtable of its properties."""
        found = self.spec.get("options")
        return found if isinstance(found, dict) else {}


# Tokens -------------------------------------------------------------------------------------------------------


class Token(NamedTuple):
    """A token of PowerShell: ``kind`` is str, num, var, type, word, op or nl."""

    kind: str
    text: str
    value: Any
    start: int


_SKIP = re.compile(r"(?:[ \t\f]+|`[ \t]*\r?\n|<#.*?#>|#[^\r\n]*)", re.DOTALL)
_HERE = re.compile(r"@(['\"])[ \t]*\r?\n(.*?)\r?\n\1@", re.DOTALL)
_NUMBER = re.compile(
    r"-?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?)(?:[lL])?(?:[kKmMgGtT][bB])?(?![\w.])",
)
_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|[\w:?^$]+)")
_TYPE = re.compile(r"\[(?:[\w.,\[\]]|(?<=,)[ ])+\]")
_WORD = re.compile(r"-?[A-Za-z_][\w\-./\\*]*")
_UNITS = {"kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4}
_OPS = (
    "@{",
    "@(",
    "$(",
    "::",
    "+=",
    "{",
    "}",
    "(",
    ")",
    ",",
    ";",
    "=",
    "+",
    "|",
    ".",
    "[",
    "]",
    "&",
    "!",
    "@",
)


def _number(text: str) -> int | float:
    match = re.match(r"(-?)(0x[0-9a-fA-F]+|[0-9.]+)[lL]?([kmgtKMGT][bB])?$", text)
    assert match is not None
    digits = match[2]
    value: int | float = (
        int(digits, 16) if digits.startswith("0x") else (float(digits) if "." in digits else int(digits))
    )
    value = value * _UNITS[match[3].lower()] if match[3] else value
    return -value if match[1] else value


def _single(source: str, start: int) -> tuple[str, int]:
    end = start + 1
    while True:
        end = source.index("'", end)
        if source[end + 1 : end + 2] != "'":
            return source[start + 1 : end].replace("''", "'"), end + 1
        end += 2


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def _double(source: str, start: int) -> tuple[Any, int]:
    """A double-quoted string; OPAQUE if it holds variables or subexpressions."""
    out: list[str] = []
    opaque = False
    at, depth = start + 1, 0
    while True:
        char = source[at]
        if char == "`":
            out.append(_ESCAPES.get(source[at + 1], source[at + 1]))
            at += 2
            continue
        if source.startswith("$(", at):
            opaque, depth, at = True, depth + 1, at + 2
            continue
        if depth and char in "()":
            depth += 1 if char == "(" else -1
        elif not depth and char == '"':
            if source[at + 1 : at + 2] != '"':
                return (OPAQUE if opaque else "".join(out)), at + 1
            at += 1
        elif char == "$" and re.match(r"[\w{]", source[at + 1 : at + 2]):
            opaque = True
        out.append(char)
        at += 1


def _string_token(source: str, at: int) -> tuple[Token, int] | None:
    here = _HERE.match(source, at)
    if here:
        value: Any = here[2] if here[1] == "'" or "$" not in here[2] else OPAQUE
        return Token("str", here[0], value, at), here.end()
    if source[at] == "'":
        text, end = _single(source, at)
        return Token("str", source[at:end], text, at), end
    if source[at] == '"':
        value, end = _double(source, at)
        return Token("str", source[at:end], value, at), end
    return None


def _other_token(source: str, at: int) -> tuple[Token, int]:
    for kind, pattern in (("num", _NUMBER), ("var", _VARIABLE), ("type", _TYPE), ("word", _WORD)):
        match = pattern.match(source, at)
        if match:
            value = _number(match[0]) if kind == "num" else None
            return Token(kind, match[0], value, at), match.end()
    text = next((op for op in _OPS if source.startswith(op, at)), source[at])
    return Token("op", text, None, at), at + len(text)


def next_token(source: str, at: int) -> tuple[Token, int]:
    """The token at ``at`` (after blanks and comments) and where the next one begins; kind ``end`` at the end."""
    while match := _SKIP.match(source, at):
        at = match.end()
    if at >= len(source):
        return Token("end", "", None, at), at
    if source[at] in "\r\n":
        end = at + (2 if source.startswith("\r\n", at) else 1)
        return Token("nl", "\n", None, at), end
    return _string_token(source, at) or _other_token(source, at)


class Reader:
    """A cursor over tokens."""

    def __init__(self, source: str, at: int = 0) -> None:
        self.source = source
        self.at = at
        self._peeked: tuple[Token, int] | None = None

    def peek(self) -> Token:
        """The next token, not consumed."""
        if self._peeked is None:
            self._peeked = next_token(self.source, self.at)
        return self._peeked[0]

    def take(self) -> Token:
        """Consume and return the next token."""
        token = self.peek()
        assert self._peeked is not None
        self.at, self._peeked = self._peeked[1], None
        return token

    def skip(self, *texts: str) -> None:
        """Consume tokens whose text is one of ``texts``."""
        while self.peek().kind != "end" and self.peek().text in texts:
            self.take()

    def skip_expression(self) -> _Opaque:
        """Consume up to the end of an expression that is not understood."""
        depth = 0
        while self.peek().kind != "end":
            text = self.peek().text
            if depth == 0 and (text in ("\n", ";", ",", ")", "}")):
                break
            kind = self.take().kind
            if kind == "op" and text in ("{", "(", "@{", "@(", "$(", "["):
                depth += 1
            elif kind == "op" and text in ("}", ")", "]"):
                depth -= 1
        return OPAQUE


# Values -------------------------------------------------------------------------------------------------------


def read_value(reader: Reader) -> Any:
    """A comma list (as a Python list) or one value, with ``+`` of lists."""
    value = _comma_list(reader)
    while reader.peek().text == "+":
        reader.take()
        reader.skip("\n")
        right = _comma_list(reader)
        known = value is not OPAQUE and right is not OPAQUE
        value = [*_as_list(value), *_as_list(right)] if known and isinstance(value, list) else OPAQUE
    return value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _comma_list(reader: Reader) -> Any:
    first = _unary(reader)
    if reader.peek().text != ",":
        return first
    items = [first]
    while reader.peek().text == ",":
        reader.take()
        reader.skip("\n")
        items.append(_unary(reader))
    return items


def _unary(reader: Reader) -> Any:
    token = reader.peek()
    if token.text == "," and token.kind == "op":  # the unary comma keeps an array from being unrolled
        reader.take()
        reader.skip("\n")
        return [_unary(reader)]
    if token.kind == "type":
        return _cast(reader)
    value = _primary(reader)
    if reader.peek().kind == "op" and reader.peek().text in ("::", ".", "["):
        return reader.skip_expression()
    if reader.peek().kind == "word" and reader.peek().text.startswith("-"):  # an operator: -join, -eq, ...
        return reader.skip_expression()
    return value


def _cast(reader: Reader) -> Any:
    reader.take()
    if reader.peek().text in ("::", ".", "[", ";", "\n", ")", "}", ","):
        return reader.skip_expression()  # a static member, or a type as a value
    value = _unary(reader)
    return OPAQUE if value is OPAQUE or isinstance(value, _Block) else value


class _Block:
    """A script block; never a literal."""


def _primary(reader: Reader) -> Any:
    token = reader.peek()
    if token.kind in ("str", "num"):
        return reader.take().value
    if token.kind == "var":
        return _variable(reader)
    if token.text == "@{":
        return read_hashtable(reader)
    if token.text == "@(":
        return _array(reader)
    if token.text == "(":
        return _parentheses(reader)
    return reader.skip_expression()


def _variable(reader: Reader) -> Any:
    name = reader.peek().text.lower()
    constants = {"$true": True, "$false": False, "$null": None}
    if name in constants:
        reader.take()
        return constants[name]
    return reader.skip_expression()


def _parentheses(reader: Reader) -> Any:
    reader.take()
    reader.skip("\n")
    value = read_value(reader)
    reader.skip("\n")
    if reader.peek().text != ")":
        while reader.peek().kind != "end" and reader.peek().text != ")":
            reader.skip_expression()
            reader.skip("\n", ",", ";")
        value = OPAQUE
    reader.take()
    return value


def _array(reader: Reader) -> list[Any]:
    """``@( ... )``: the statements' outputs, each unrolled one level as the pipeline does."""
    reader.take()
    items: list[Any] = []
    while True:
        reader.skip("\n", ";")
        if reader.peek().text in (")", ""):
            reader.take()
            return items
        before = reader.at
        value = read_value(reader)
        items += value if isinstance(value, list) else [value]
        if reader.at == before:
            reader.take()


def read_hashtable(reader: Reader) -> dict[str, Any]:
    """``@{ ... }``; the last of two equal keys wins, keys keep their spelling."""
    reader.take()
    table: dict[str, Any] = {}
    while True:
        reader.skip("\n", ";")
        token = reader.take()
        if token.text == "}" or token.kind == "end":
            return table
        reader.skip("\n")
        if reader.peek().text != "=":
            reader.skip_expression()
            continue
        reader.take()
        reader.skip("\n")
        table[str(token.value if token.kind == "str" else token.text)] = read_value(reader)


# Ansible.Basic ------------------------------------------------------------------------------------------------

_CREATE = re.compile(r"\[(?:Ansible\.Basic\.)?AnsibleModule\]::Create\(", re.IGNORECASE)


def _create_call(source: str) -> tuple[str | None, dict[str, Any] | None, str] | None:
    """(variable of the spec, inline spec, text of the third argument) of the first Create call."""
    for match in _CREATE.finditer(source):
        line_start = source.rfind("\n", 0, match.start()) + 1
        if source[line_start : match.start()].lstrip().startswith("#"):
            continue
        reader = Reader(source, match.end())
        reader.skip_expression()  # $args
        reader.skip(",", "\n")
        name, inline = None, None
        if reader.peek().text == "@{":
            inline = read_hashtable(reader)
        else:
            name = reader.take().text
        start = reader.at
        while reader.peek().text not in (")", "") or reader.peek().kind == "nl":
            reader.take() if reader.peek().text == "," else reader.skip_expression()
        return name, inline, source[start : reader.at]
    return None


def _basic_spec(source: str) -> ModuleSpec | None:
    call = _create_call(source)
    if call is None:
        return None
    name, spec, rest = call
    if name is not None:
        found = list(re.finditer(re.escape(name) + r"\s*=\s*@\{", source, re.IGNORECASE))
        if not found:
            return ModuleSpec("none")
        spec = read_hashtable(Reader(source, found[-1].end() - 2))
    lowered = _lower_keys(spec or {})
    added = re.search(r"\$\w+\.options(?:\.\S+|\[[^\]]+\])\s*=|\.options\.Add\(", source, re.IGNORECASE)
    is_open = added is not None or lowered.get("options") is OPAQUE
    return ModuleSpec("basic", lowered, re.findall(r"Get-Ansible\w+Spec", rest), is_open)


def _lower_keys(spec: dict[str, Any]) -> dict[str, Any]:
    """Properties of a spec under lower-case names; option names keep their spelling."""
    lowered = {key.lower(): value for key, value in spec.items()}
    options = lowered.get("options")
    if isinstance(options, dict):
        lowered["options"] = {k: _lower_keys(v) if isinstance(v, dict) else v for k, v in options.items()}
    return lowered


# Legacy -------------------------------------------------------------------------------------------------------

_LEGACY_CALL = re.compile(r"\b(?:Get-AnsibleParam|Get-Attr)\b", re.IGNORECASE)
_PARSE_ARGS = re.compile(r"(\$\w+)\s*=\s*Parse-Args\b([^\r\n]*)", re.IGNORECASE)
_POSITIONAL = (
    "obj",
    "name",
    "default",
    "resultobj",
    "failifempty",
    "emptyattributefailmessage",
    "validateset",
)


def _legacy_arguments(reader: Reader) -> dict[str, Any]:
    """The parameters of one Get-AnsibleParam call by lower-case name; variables as their text under ``obj``."""
    found: dict[str, Any] = {}
    position = 0
    while reader.peek().text not in ("\n", ";", ")", "}", "|", ""):
        token = reader.peek()
        if token.kind == "word" and token.text.startswith("-"):
            name = reader.take().text[1:].lower()
        elif token.kind == "op" and token.text == ",":
            reader.take()
            continue
        else:
            name = _POSITIONAL[min(position, len(_POSITIONAL) - 1)]
            position += 1
        found[name] = _legacy_argument(reader, name)
    return found


def _legacy_argument(reader: Reader, name: str) -> Any:
    if name == "obj" and reader.peek().kind == "var":
        return reader.take().text
    items = [_argument(reader)]
    while reader.peek().text == ",":
        reader.take()
        reader.skip("\n")
        items.append(_argument(reader))
    return items if len(items) > 1 else items[0]


def _argument(reader: Reader) -> Any:
    """One argument of a command: a bare word is a string."""
    token = reader.peek()
    if token.kind == "word" and not token.text.startswith("-"):
        return reader.take().text
    if token.kind == "var" and token.text.lower() not in ("$true", "$false", "$null"):
        return _skip_argument(reader)
    if token.kind == "op" and token.text not in ("@{", "@(", "("):
        return _skip_argument(reader)
    return _primary(reader)


def _skip_argument(reader: Reader) -> _Opaque:
    """A variable with its members and indexes; it ends where a blank follows."""
    end = reader.take()
    while reader.at < len(reader.source) and not reader.source[reader.at].isspace():
        if reader.peek().text in (",", ";", ")", "}"):
            break
        end = reader.take()
        if end.text == "(":
            reader.skip_expression()
            reader.skip(")")
    return OPAQUE


def _legacy_option(call: dict[str, Any]) -> dict[str, Any]:
    option: dict[str, Any] = {"type": call.get("type")}
    required = call.get("failifempty", False)
    option["required"] = required if isinstance(required, bool) else OPAQUE
    option["aliases"] = _as_list(call["aliases"]) if call.get("aliases") else []
    option["choices"] = _as_list(call["validateset"]) if call.get("validateset") is not None else []
    option["default"] = call.get("default")
    return option


def _legacy_spec(source: str) -> ModuleSpec | None:
    parse = _PARSE_ARGS.search(source)
    if parse is None:
        return None
    check = re.search(r"-supports_check_mode(?:\s+|:)\$true|\$args\s+\$true", parse[2], re.IGNORECASE)
    options: dict[str, Any] = {}
    for match in _LEGACY_CALL.finditer(source):
        call = _legacy_arguments(Reader(source, match.end()))
        name = call.get("name")
        if str(call.get("obj")).lower() != parse[1].lower() or not isinstance(name, str):
            continue
        if not name.startswith("_ansible_") and name.lower() not in (o.lower() for o in options):
            options[name] = _legacy_option(call)
    return ModuleSpec("legacy", {"options": options, "supports_check_mode": check is not None})


# The whole ----------------------------------------------------------------------------------------------------

_CACHE: dict[str, ModuleSpec] = {}


def read_spec(source: str) -> ModuleSpec:
    """The argument spec of a module; kind ``none`` if its source has none that can be read."""
    key = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    if key not in _CACHE:
        spec = _basic_spec(source) or _legacy_spec(source) or ModuleSpec("none")
        _CACHE[key] = spec
    return _CACHE[key]

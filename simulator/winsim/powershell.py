# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small evaluator of PowerShell text for the one-liners that clients send (raw, win_shell, script, win_reboot).

It knows pipelines, variables, the usual operators, if/foreach/try and quoting, and runs cmdlets through
``winsim.cmdlets``. It is no PowerShell: whatever it does not know raises Unmodelled at once, naming the text, so that
a wrong answer is never given silently.
Language: https://learn.microsoft.com/powershell/scripting/lang-spec/chapter-02
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from operator import add, mod, mul, sub, truediv
from typing import TYPE_CHECKING, Any

from winsim.cmdlets import CmdletError, PSObject
from winsim.cmdlets.objects import to_text
from winsim.errors import Unmodelled, WinError

if TYPE_CHECKING:
    from winsim.shellcmds import Session

_QUOTES = "'\"\u2018\u2019\u201a\u201b\u201c\u201d\u201e"
_CLOSING = {"(": ")", "{": "}", "[": "]"}
_NAME = re.compile(r"\$(?:\{(?P<braced>[^}]+)\}|(?P<scope>[A-Za-z]+):(?P<scoped>\w+)|(?P<name>\w+|\?|\^|\$))")
_ASSIGN = re.compile(r"\$(?:(?P<scope>[A-Za-z]+):)?(?P<name>\w+)\s*(?P<operator>[+]?=)(?!=)")
_KEYWORD = re.compile(
    r"(?P<word>if|foreach|try|throw|exit|return|while|do|for|switch|function|filter|param|trap|begin|process|end|"
    r"using|class|enum|data|break|continue)(?=[\s({;]|$)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"-?(?:0x[0-9a-f]+|\d+(?:\.\d+)?)(?P<unit>[kmgt]b)?(?=[\s,;)\]}|.*/+%-]|$)", re.IGNORECASE
)
_UNITS = {"": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4}
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
}
_OPERATOR = re.compile(
    r"-(?P<word>[ci]?(?:eq|ne|gt|ge|lt|le|like|notlike|match|notmatch|contains|notcontains|in|notin|replace|split)"
    r"|and|or|xor|join|f|is|isnot|as|band|bor)(?=[\s(\"'$@]|$)|(?P<sign>[+*/%]|\.\.|-(?=\s))",
    re.IGNORECASE,
)
# Parameters that take no value, so that the word after them is an argument of its own.
_SWITCHES = frozenset(
    [
        "force",
        "recurse",
        "passthru",
        "wait",
        "raw",
        "nonewline",
        "compress",
        "unique",
        "whatif",
        "asplaintext",
        "append",
        "file",
        "directory",
        "autosize",
        "leaf",
        "parent",
        "simplematch",
        "quiet",
        "noclobber",
        "hidden",
        "descending",
        "asjob",
        "full",
    ]
)


class Leave(Exception):
    """Something that ends blocks; ``output`` is what they had written to the pipeline before."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.output: list[Any] = []


class Terminate(Leave):
    """A terminating error (throw, -ErrorAction Stop): caught by try, else it ends the script with exit code 1."""

    def __init__(
        self, message: str, error_id: str = "", type: str = "System.Management.Automation.RuntimeException"
    ) -> None:
        super().__init__(message)
        self.message, self.error_id, self.type = message, error_id, type


class Exit(Leave):
    """``exit n``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Return(Leave):
    """``return``."""


@dataclass
class Arguments:
    """Arguments of a command: named ones (lower case, a switch is True) and positional ones."""

    named: dict[str, Any] = field(default_factory=dict)
    positional: list[Any] = field(default_factory=list)
    words: list[Any] = field(default_factory=list)

    def take(self, *names: str, default: Any = None) -> Any:
        """A parameter by its name, an alias or an unambiguous beginning of the first name."""
        for given in list(self.named):
            if given in (name.lower() for name in names) or (
                len(given) > 1 and names[0].lower().startswith(given)
            ):
                return self.named.pop(given)
        return default

    def take_or_next(self, *names: str, default: Any = None) -> Any:
        """The same, or the next positional argument."""
        value = self.take(*names)
        if value is None and self.positional:
            value = self.positional.pop(0)
        return default if value is None else value

    def finish(self, command: str) -> None:
        """Raise Unmodelled if something was not looked at."""
        if self.named or self.positional:
            rest = [f"-{name}" for name in self.named] + [to_text(value) for value in self.positional]
            raise Unmodelled(f"{command} with {', '.join(rest)}")


Builtin = Callable[["Shell", Arguments, list[Any]], list[Any]]


@dataclass
class Shell:
    """The state of a running script."""

    session: Session
    variables: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    success: bool = True
    exit_code: int | None = None

    # Scripts ------------------------------------------------------------------------------------------------

    def run(self, text: str) -> list[Any]:
        """Run statements; what they write to the pipeline. Raises Terminate, Exit, Unmodelled."""
        output: list[Any] = []
        try:
            for statement in statements(text):
                output += self.statement(statement)
        except Leave as leave:
            leave.output = [*output, *leave.output]
            raise
        return output

    def statement(self, text: str) -> list[Any]:
        """Run one statement."""
        assign = _ASSIGN.match(text)
        if assign is not None:
            self._assign(assign, text[assign.end() :].strip())
            return []
        keyword = _KEYWORD.match(text)
        if keyword is not None:
            handler = _KEYWORDS.get(keyword["word"].lower())
            if handler is None:
                raise Unmodelled(f"the PowerShell statement {text[:200]!r}")
            return handler(self, text[keyword.end() :].strip())
        return self.pipeline(text)

    def _assign(self, match: re.Match[str], text: str) -> None:
        try:
            value = collapse(self.statement(text))
        except Leave as leave:
            leave.output = []  # it was meant for the variable
            raise
        name = match["name"].lower()
        if (match["scope"] or "").lower() == "env":
            self.session.environment[match["name"]] = to_text(value)
            return
        if match["operator"] == "+=":
            value = _add(self.variables.get(name), value)
        self.variables[name] = value

    def pipeline(self, text: str) -> list[Any]:
        """Run a pipeline."""
        values: list[Any] = []
        for index, part in enumerate(split(text, "|")):
            values = self._element(part.strip(), values, first=index == 0)
        return values

    def _element(self, text: str, values: list[Any], *, first: bool) -> list[Any]:
        if not text:
            raise Unmodelled("an empty element of a PowerShell pipeline")
        text, redirects = _redirects(text)
        if first and _starts_expression(text):
            found = self.expression(text)
            result = found if isinstance(found, list) else [] if found is None else [found]
            self.success = True
        else:
            result = self.command(text, values, merge="2>&1" in redirects)
        return self._redirect(result, redirects)

    def _redirect(self, values: list[Any], redirects: list[str]) -> list[Any]:
        for redirect in redirects:
            stream, _, target = redirect.partition(">")
            if target.startswith("&1"):
                continue
            target = target.lstrip(">").strip()
            if target.lower() == "$null":
                values = values if stream == "2" else []
            elif stream in ("", "1", "*"):
                self._to_file(self.path(self.text(target)), values, append=">>" in redirect)
                values = []
            else:
                raise Unmodelled(f"the redirection {redirect}")
        return values

    def _to_file(self, path: str, values: list[Any], *, append: bool) -> None:
        """``>`` and ``>>``: UTF-16 with a mark at the beginning, as Out-File of Windows PowerShell."""
        files = self.session.host.files
        before = files.read(path) if append and files.is_file(path) else b""
        data = _lines(values, "utf-16")
        files.write(path, before + (data.removeprefix(b"\xff\xfe") if before else data))

    def bind(self, text: str, words: list[str]) -> str:
        """Bind a script's arguments to its param block; what follows the block."""
        match = re.match(r"(?:\s|#[^\n]*\n|\[CmdletBinding\(\)\])*param\s*(?=\()", text, re.IGNORECASE)
        if match is None:
            if words:
                raise Unmodelled("a PowerShell script without param block that is given arguments")
            return text
        block, rest = _group(text[match.end() :], "(")
        given = self.arguments(words)
        for part in split(block, ","):
            self._bind_one(part.strip(), given)
        given.finish("the script")
        return rest

    def _bind_one(self, text: str, given: Arguments) -> None:
        match = re.fullmatch(
            r"(?P<attributes>(?:\[Parameter\([^\]]*\)\]\s*)*)(?:\[(?P<type>[\w.\[\]]+)\]\s*)?\$(?P<name>\w+)\s*"
            r"(?:=\s*(?P<default>.+))?",
            text,
            re.DOTALL | re.IGNORECASE,
        )
        if match is None:
            raise Unmodelled(f"the parameter {text!r} of a PowerShell script")
        from winsim import psbuiltins

        kind = (match["type"] or "").lower()
        if kind == "switch":
            self.variables[match["name"].lower()] = bool(given.take(match["name"]))
            return
        value = given.take_or_next(match["name"])
        if value is None and match["default"]:
            value = self.expression(match["default"])
        value = psbuiltins.convert(kind, value) if kind and kind != "object" else value
        self.variables[match["name"].lower()] = value

    # Commands -----------------------------------------------------------------------------------------------

    def command(self, text: str, values: list[Any], *, merge: bool = False) -> list[Any]:
        """Run one command with its arguments."""
        words = split_words(text)
        called = words[0] in ("&", ".")
        if called:
            words = words[1:]
        name = to_text(self.value(words[0])) if words[0][:1] in "$('\"" else words[0]
        if called and words[0].startswith("{"):
            return self._block(words[0][1:-1])
        arguments = self.arguments(words[1:])
        action = str(
            arguments.take("erroraction", "ea") or self.variables.get("erroractionpreference") or "Continue"
        )
        for common in ("warningaction", "wa", "verbose", "debug", "informationaction"):
            arguments.named.pop(common, None)
        self.success = True
        try:
            return self._dispatch(name, arguments, values, words[1:], merge=merge)
        except (CmdletError, WinError) as error:
            return self._failed(name, error, action.lower())

    def _block(self, text: str) -> list[Any]:
        return self.run(text)

    def _failed(self, name: str, error: CmdletError | WinError, action: str) -> list[Any]:
        kind = error.type if isinstance(error, CmdletError) else error.dotnet
        error_id = error.error_id if isinstance(error, CmdletError) else f"{name}"
        if action == "stop":
            raise Terminate(error.message, error_id, kind) from error
        self.success = False
        if action not in ("silentlycontinue", "ignore"):
            self.errors.append(f"{name} : {error.message}")
        return []

    def _dispatch(
        self, name: str, arguments: Arguments, values: list[Any], words: list[str], *, merge: bool
    ) -> list[Any]:
        from winsim import psbuiltins, shellcmds

        known = psbuiltins.find(name)
        if known is not None:
            return known(self, arguments, values)
        reads_pipe = bool(values) and name.lower() in ("findstr", "findstr.exe")
        if shellcmds.is_program(name) or self._is_script(name) or reads_pipe:
            texts = [to_text(self.word(word)) for word in words]
            if values:
                return psbuiltins.piped_program(name, texts, values)
            return self._program(name, texts, merge=merge)
        return psbuiltins.cmdlet(self, name, arguments, values)

    def _is_script(self, name: str) -> bool:
        return name.lower().endswith(".ps1")

    def _program(self, name: str, words: list[str], *, merge: bool) -> list[Any]:
        from winsim import shellcmds

        output = shellcmds.run_program(self.session, name, words)
        self.exit_code = output.rc
        self.success = output.rc == 0
        lines = output.stdout.decode("utf-8", "replace").splitlines()
        errors = output.stderr.decode("utf-8", "replace").splitlines()
        if merge:
            return [*lines, *errors]
        self.errors += errors
        return list(lines)

    def arguments(self, words: list[str]) -> Arguments:
        """Sort words into named and positional arguments."""
        found = Arguments(words=list(words))
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            match = re.fullmatch(r"-([A-Za-z_?][\w]*)(?::(.*))?", word, re.DOTALL)
            if match is None:
                found.positional.append(self.word(word))
                continue
            name = match[1].lower()
            if match[2]:
                found.named[name] = self.word(match[2])
            elif name in _SWITCHES or index >= len(words) or re.match(r"-[A-Za-z_]", words[index]):
                found.named[name] = True
            else:
                found.named[name] = self.word(words[index])
                index += 1
        return found

    # Expressions --------------------------------------------------------------------------------------------

    def word(self, text: str) -> Any:
        """An argument: a value, a comma list, or a bare word with variables in it."""
        parts = split(text, ",")
        if len(parts) > 1:
            return [self.word(part.strip()) for part in parts if part.strip()]
        if text[:1] in _QUOTES or text[:1] in "(@{[" or _NUMBER.fullmatch(text):
            return self.value(text)
        if text.startswith("$"):
            return self.value(text)
        return self.interpolate(text, bare=True)

    def expression(self, text: str) -> Any:
        """The value of an expression with operators, left to right (PowerShell's precedence for and/or)."""
        text = text.strip()
        for level in (("and", "or", "xor"), None):
            if level is None:
                break
            parts = _split_operators(text, level)
            if len(parts) > 1:
                return self._logical(parts)
        if re.match(r"(?:-not\b|!)", text, re.IGNORECASE):
            rest = re.sub(r"^(?:-not\b|!)\s*", "", text, count=1, flags=re.IGNORECASE)
            return not truth(self.expression(rest))
        parts = split(text, ",")
        if len(parts) > 1 and not _split_operators(text, None)[1:]:
            return [self.expression(part) for part in parts if part.strip()]
        return self._binary(_split_operators(text, None))

    def _logical(self, parts: list[str]) -> bool:
        result = truth(self.expression(parts[0]))
        for operator, operand in zip(parts[1::2], parts[2::2], strict=True):
            if operator == "and":
                result = result and truth(self.expression(operand))
            elif operator == "or":
                result = result or truth(self.expression(operand))
            else:
                result = result != truth(self.expression(operand))
        return result

    def _binary(self, parts: list[str]) -> Any:
        values: list[Any] = [self._operand(part) for part in parts[::2]]
        operators = parts[1::2]
        # multiplication binds closer than addition, addition closer than comparison
        for group in (("..",), ("*", "/", "%"), ("+", "-"), None):
            index = 0
            while index < len(operators):
                if group is None or operators[index] in group:
                    operator = operators.pop(index)
                    values[index : index + 2] = [self._operate(operator, values[index], values[index + 1])]
                else:
                    index += 1
        return values[0]

    def _operate(self, operator: str, left: Any, right: Any) -> Any:
        if operator in ("match", "imatch") and not isinstance(left, list):
            found = regex(right).search(to_text(left))
            if found is not None:
                groups = {str(index): text for index, text in enumerate([found[0], *found.groups()])}
                self.variables["matches"] = {**groups, **found.groupdict()}
            return found is not None
        return operate(operator, left, right)

    def _operand(self, text: str) -> Any:
        parts = split(text.strip(), ",")
        if len(parts) > 1:
            return [self.value(part.strip()) for part in parts if part.strip()]
        return self.value(text.strip())

    def value(self, text: str) -> Any:
        """A primary expression with its members: literals, variables, groups, ``.Name``, ``.Method()``, ``[n]``."""
        text = text.strip()
        if not text:
            raise Unmodelled("an empty PowerShell expression")
        value, rest = self._primary(text)
        while rest:
            value, rest = self._member(value, rest, text)
        return value

    def _primary(self, text: str) -> tuple[Any, str]:
        if text[0] in "'\u2018\u2019\u201a\u201b":
            end = _end_of_string(text, 0)
            return re.sub(r"['\u2018\u2019\u201a\u201b]{2}", "'", text[1 : end - 1]), text[end:]
        if text[0] in '"\u201c\u201d\u201e':
            end = _end_of_string(text, 0)
            return self.interpolate(text[1 : end - 1]), text[end:]
        if text[:2] in ("@(", "$("):
            end = matching(text, 1)
            values = self.run(text[2 : end - 1])
            return (values if text[0] == "@" else collapse(values)), text[end:]
        if text[0] == "(":
            end = matching(text, 0)
            return collapse(self.run(text[1 : end - 1])), text[end:]
        return self._primary_more(text)

    def _primary_more(self, text: str) -> tuple[Any, str]:
        if text.startswith("@{"):
            end = matching(text, 1)
            return self._hashtable(text[2 : end - 1]), text[end:]
        if text[0] == "{":
            end = matching(text, 0)
            return text[:end], text[end:]
        if text[0] == "[":
            return self._typed(text)
        number = _NUMBER.match(text)
        if number is not None:
            return _number(number), text[number.end() :]
        name = _NAME.match(text)
        if name is not None:
            return self.variable(name), text[name.end() :]
        raise Unmodelled(f"the PowerShell expression {text[:200]!r}")

    def variable(self, match: re.Match[str]) -> Any:
        """The value of a variable; unknown ones are null."""
        scope, _, braced = (match["braced"] or "").rpartition(":")
        name = (braced or match["scoped"] or match["name"]).lower()
        if (match["scope"] or scope).lower() == "env":
            return self.session.variable(name)
        if name == "?":
            return self.success
        if name == "lastexitcode":
            return self.exit_code
        if name in self.variables:
            return self.variables[name]
        if name in _AUTOMATIC_UNKNOWN:
            raise Unmodelled(f"the automatic variable ${name} of PowerShell")
        automatic = _AUTOMATIC.get(name)
        return automatic(self) if automatic else None

    def _hashtable(self, text: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for entry in statements(text):
            key, sign, value = entry.partition("=")
            if not sign:
                raise Unmodelled(f"the hashtable entry {entry!r}")
            key = key.strip()
            result[to_text(self.value(key)) if key[:1] in "'\"$(" else key] = collapse(
                self.statement(value.strip())
            )
        return result

    def _typed(self, text: str) -> tuple[Any, str]:
        from winsim import psbuiltins

        end = matching(text, 0)
        name = text[1 : end - 1].strip().lower().removeprefix("system.")
        rest = text[end:].lstrip()
        static = re.match(r"::(\w+)", rest)
        if static is None:
            value, rest = self._primary(rest)
            while rest:
                value, rest = self._member(value, rest, text)
            return psbuiltins.convert(name, value), ""
        rest = rest[static.end() :]
        arguments: list[Any] | None = None
        if rest.startswith("("):
            close = matching(rest, 0)
            arguments, rest = self._call_arguments(rest[1 : close - 1]), rest[close:]
        return psbuiltins.static(self, name, static[1].lower(), arguments), rest

    def _call_arguments(self, text: str) -> list[Any]:
        return [self.expression(part) for part in split(text, ",") if part.strip()]

    def _member(self, value: Any, rest: str, text: str) -> tuple[Any, str]:
        from winsim import psbuiltins

        if rest.startswith("["):
            end = matching(rest, 0)
            return _index(value, self.expression(rest[1 : end - 1])), rest[end:]
        match = re.match(r"\.(\w+|'[^']*'|\"[^\"]*\")", rest)
        if match is None:
            raise Unmodelled(f"the PowerShell expression {text[:200]!r}")
        name, rest = match[1].strip("'\""), rest[match.end() :]
        if rest.startswith("("):
            end = matching(rest, 0)
            return psbuiltins.method(value, name, self._call_arguments(rest[1 : end - 1])), rest[end:]
        return member(value, name), rest

    def interpolate(self, text: str, *, bare: bool = False) -> str:
        """Expand variables, ``$(...)`` and backtick escapes of a double-quoted string or bare word."""
        out: list[str] = []
        index = 0
        while index < len(text):
            char = text[index]
            if char == "`" and index + 1 < len(text):
                out.append(_ESCAPES.get(text[index + 1], text[index + 1]))
                index += 2
            elif char == '"' and text[index : index + 2] == '""' and not bare:
                out.append('"')
                index += 2
            elif text.startswith("$(", index):
                end = matching(text, index + 1)
                out.append(to_text(collapse(self.run(text[index + 2 : end - 1]))))
                index = end
            else:
                name = _NAME.match(text, index) if char == "$" else None
                out.append(char if name is None else to_text(self.variable(name)))
                index = index + 1 if name is None else name.end()
        return "".join(out)

    # Help for built-ins -------------------------------------------------------------------------------------

    def text(self, source: str) -> str:
        """The text of an argument."""
        return to_text(self.word(source))

    def path(self, path: str) -> str:
        """An absolute path: relative ones start at the current directory."""
        import ntpath

        if ":" in path or path.startswith("\\\\"):
            return path
        return ntpath.normpath(ntpath.join(self.session.cwd(), path))

    def with_item(self, block: str, item: Any) -> list[Any]:
        """Run a script block with ``$_``."""
        before = self.variables.get("_")
        self.variables["_"] = self.variables["psitem"] = item
        try:
            return self.run(block[1:-1])
        finally:
            self.variables["_"] = self.variables["psitem"] = before


# Keywords -------------------------------------------------------------------------------------------------------


def _if(shell: Shell, text: str) -> list[Any]:
    while True:
        condition, text = _group(text, "(")
        block, text = _group(text, "{")
        if truth(collapse(shell.run(condition))):
            return shell.run(block)
        match = re.match(r"(else)?\s*(if\b)?", text, re.IGNORECASE)
        if not text:
            return []
        if match is None or not match[1]:
            raise Unmodelled(f"the PowerShell text {text[:100]!r} after if")
        text = text[match.end() :].strip()
        if not match[2]:
            block, text = _group(text, "{")
            return shell.run(block)


def _foreach(shell: Shell, text: str) -> list[Any]:
    head, text = _group(text, "(")
    block, text = _group(text, "{")
    match = re.match(r"\s*\$(\w+)\s+in\s+(.*)$", head, re.IGNORECASE | re.DOTALL)
    if match is None or text:
        raise Unmodelled(f"the PowerShell loop foreach ({head})")
    output: list[Any] = []
    try:
        for item in flat(collapse(shell.run(match[2]))):
            shell.variables[match[1].lower()] = item
            output += shell.run(block)
    except Leave as leave:
        leave.output = [*output, *leave.output]
        raise
    return output


def _try(shell: Shell, text: str) -> list[Any]:
    block, text = _group(text, "{")
    catches: list[tuple[str, str]] = []
    final = ""
    while text:
        match = re.match(r"(catch|finally)\s*((?:\[[^\]]+\]\s*,?\s*)*)", text, re.IGNORECASE)
        if match is None:
            raise Unmodelled(f"the PowerShell text {text[:100]!r} after try")
        body, text = _group(text[match.end() :], "{")
        if match[1].lower() == "catch":
            catches.append((match[2], body))
        else:
            final = body
    output: list[Any] = []
    try:
        output = shell.run(block)
    except Terminate as error:
        before, error.output = error.output, []
        output = [*before, *_catch(shell, error, catches, before)]
    finally:
        if final:
            output += shell.run(final)
    return output


def _catch(shell: Shell, error: Terminate, catches: list[tuple[str, str]], before: list[Any]) -> list[Any]:
    for types, body in catches:
        names = re.findall(r"\[([^\]]+)\]", types)
        if not names or any(error.type.lower().endswith(name.strip().lower()) for name in names):
            try:
                return shell.with_item("{" + body + "}", error_record(error))
            except Leave as leave:
                leave.output = [*before, *leave.output]
                raise
    error.output = before
    raise error


def error_record(error: Terminate) -> PSObject:
    """``$_`` in a catch block."""
    exception = PSObject(error.type, {"Message": error.message}, error.message)
    properties = {"Exception": exception, "FullyQualifiedErrorId": error.error_id}
    return PSObject("System.Management.Automation.ErrorRecord", properties, error.message)


def _throw(shell: Shell, text: str) -> list[Any]:
    raise Terminate(to_text(shell.expression(text)) if text else "ScriptHalted")


def _exit(shell: Shell, text: str) -> list[Any]:
    value = shell.expression(text) if text else 0
    raise Exit(int(value or 0))


def _return(shell: Shell, text: str) -> list[Any]:
    leave = Return()
    leave.output = shell.run(text) if text else []
    raise leave


_KEYWORDS: dict[str, Callable[[Shell, str], list[Any]]] = {
    "if": _if,
    "foreach": _foreach,
    "try": _try,
    "throw": _throw,
    "exit": _exit,
    "return": _return,
}

# https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_automatic_variables
_AUTOMATIC_UNKNOWN = frozenset(
    [
        "^",
        "$",
        "args",
        "error",
        "executioncontext",
        "foreach",
        "input",
        "myinvocation",
        "nestedpromptlevel",
        "profile",
        "psboundparameters",
        "pscmdlet",
        "pscommandpath",
        "psculture",
        "psscriptroot",
        "psuiculture",
        "sender",
        "shellid",
        "stacktrace",
        "switch",
        "this",
    ]
)
_AUTOMATIC: dict[str, Callable[[Shell], Any]] = {
    "true": lambda shell: True,
    "false": lambda shell: False,
    "null": lambda shell: None,
    "pwd": lambda shell: PSObject("PathInfo", {"Path": shell.session.cwd()}, shell.session.cwd()),
    "home": lambda shell: shell.session.variable("USERPROFILE"),
    "pshome": lambda shell: "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
    "pid": lambda shell: 4242,
    "psversiontable": lambda shell: {
        "PSVersion": version(shell.session.host.os.powershell),
        "PSEdition": "Desktop",
    },
    "host": lambda shell: PSObject("Host", {"Version": version(shell.session.host.os.powershell)}),
}


def version(text: str) -> PSObject:
    """A System.Version."""
    numbers = [int(part) for part in text.split(".")] + [-1, -1, -1]
    names = ("Major", "Minor", "Build", "Revision")
    return PSObject("System.Version", dict(zip(names, numbers, strict=False)), text)


# Scanning -------------------------------------------------------------------------------------------------------


def _end_of_string(text: str, start: int) -> int:
    """Index after the string literal that begins at ``start``."""
    singles = "'\u2018\u2019\u201a\u201b"
    family = singles if text[start] in singles else '"\u201c\u201d\u201e'
    index = start + 1
    while index < len(text):
        char = text[index]
        if char == "`" and family[0] == '"':
            index += 2
        elif family[0] == '"' and text.startswith("$(", index):
            index = matching(text, index + 1)
        elif char in family:
            if index + 1 < len(text) and text[index + 1] in family:
                index += 2
            else:
                return index + 1
        else:
            index += 1
    raise Unmodelled(f"an unterminated string in {text[start : start + 100]!r}")


def _scan(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """(start, end) of the top-level units of a text: a string, a bracketed group or one character."""
    index = start
    while index < len(text):
        char = text[index]
        if char == "`":
            end = min(index + 2, len(text))
        elif char in _QUOTES:
            end = _end_of_string(text, index)
        elif char in _CLOSING:
            end = matching(text, index)
        elif text.startswith("<#", index):
            end = text.find("#>", index) + 2 or len(text)
        else:
            end = index + 1
        yield index, end
        index = end


def matching(text: str, start: int) -> int:
    """Index after the bracket that closes the one at ``start``."""
    closing = _CLOSING[text[start]]
    for begin, end in _scan(text, start + 1):
        if text[begin] == closing and end == begin + 1:
            return end
    raise Unmodelled(f"an unclosed {text[start]} in {text[start : start + 100]!r}")


def _group(text: str, bracket: str) -> tuple[str, str]:
    text = text.lstrip()
    if not text.startswith(bracket):
        raise Unmodelled(f"PowerShell text without {bracket}: {text[:100]!r}")
    end = matching(text, 0)
    return text[1 : end - 1], text[end:].strip()


def strip_comments(text: str) -> str:
    """The text without ``# ...`` and ``<# ... #>``."""
    out: list[str] = []
    skip = False
    before = "\n"
    for begin, end in _scan_flat(text):
        piece = text[begin:end]
        if piece == "\n":
            skip = False
        elif piece == "#" and before in " \t\n;({":
            skip = True
        if not skip and not piece.startswith("<#"):
            out.append(piece)
        before = piece[-1:]
    return "".join(out)


def _scan_flat(text: str) -> Iterator[tuple[int, int]]:
    """Units of a text without grouping: strings, block comments, escapes, single characters."""
    index = 0
    comment = False
    while index < len(text):
        char = text[index]
        end = index + 1
        if comment:
            comment = char != "\n"
        elif char == "#" and (index == 0 or text[index - 1] in " \t\n;({"):
            comment = True
        elif char == "`":
            end = min(index + 2, len(text))
        elif char in _QUOTES:
            end = _end_of_string(text, index)
        elif text.startswith("<#", index):
            end = text.find("#>", index) + 2 or len(text)
        yield index, end
        index = end


def statements(text: str) -> list[str]:
    """The statements of a script; ``if``/``else`` and ``try``/``catch`` on several lines stay together."""
    text = strip_comments(text.replace("\r\n", "\n")).replace("`\n", " ")
    found: list[str] = []
    start = 0
    for begin, end in [*_scan(text), (len(text), len(text))]:
        piece = text[begin:end]
        if piece not in (";", "\n", ""):
            continue
        statement = text[start:begin].strip()
        following = text[end:].lstrip()
        if piece == "\n" and (statement.endswith(("|", ",", "=")) or following.startswith("|")):
            continue
        start = end
        if not statement:
            continue
        if found and re.match(r"(else|elseif|catch|finally)\b", statement, re.IGNORECASE):
            found[-1] += " " + statement
        else:
            found.append(statement)
    return _split_blocks(found)


def _split_blocks(found: list[str]) -> list[str]:
    """``if (...) {...} Get-X`` on one line is two statements."""
    result: list[str] = []
    for statement in found:
        keyword = _KEYWORD.match(statement)
        if keyword is None or keyword["word"].lower() not in ("if", "foreach", "try"):
            result.append(statement)
            continue
        end = _end_of_construct(statement, keyword.end())
        result.append(statement[:end].strip())
        if statement[end:].strip():
            result += statements(statement[end:].strip())
    return result


def _end_of_construct(text: str, index: int) -> int:
    """Index after the last block of an if, foreach or try statement."""
    last = index
    for begin, end in _scan(text, index):
        if text[begin] == "{":
            last = end
            if not re.match(r"\s*(else|elseif|catch|finally)\b", text[end:], re.IGNORECASE):
                return end
    return last if last > index else len(text)


def split(text: str, separator: str) -> list[str]:
    """Split at a character outside strings and brackets."""
    parts: list[str] = []
    start = 0
    for begin, end in _scan(text):
        if text[begin:end] == separator:
            parts.append(text[start:begin])
            start = end
    return [*parts, text[start:]]


def split_words(text: str) -> list[str]:
    """The words of a command; commas join their neighbours."""
    words: list[str] = []
    current = ""
    for begin, end in _scan(text):
        piece = text[begin:end]
        if piece in (" ", "\t", "\n"):
            rest = text[end:].lstrip()
            if current and not current.endswith(",") and not rest.startswith(","):
                words.append(current)
                current = ""
        else:
            current += piece
    return [*words, current] if current else words


def _split_operators(text: str, only: tuple[str, ...] | None) -> list[str]:
    """Operands and operators alternately; ``only`` limits to some operators, None takes all but and/or/xor."""
    parts: list[str] = []
    start = skip = 0
    for begin, _ in _scan(text):
        if begin < skip or text[begin] not in "-+*/%.":
            continue
        match = _OPERATOR.match(text, begin)
        if match is None or not text[start:begin].strip() or not _is_binary(text, begin, match):
            continue
        word = (match["word"] or match["sign"]).lower()
        logical = word in ("and", "or", "xor")
        if (only is None and logical) or (only is not None and word not in only):
            continue
        parts += [text[start:begin].strip(), word]
        start = skip = match.end()
    return [*parts, text[start:].strip()]


def _is_binary(text: str, begin: int, match: re.Match[str]) -> bool:
    if match["word"] or match["sign"] == "..":
        return match["sign"] == ".." or text[begin - 1] in " )\"']}"
    return True


def _redirects(text: str) -> tuple[str, list[str]]:
    """Cut redirections off a pipeline element."""
    found: list[str] = []
    keep: list[str] = []
    words = split_words(text)
    index = 0
    while index < len(words):
        word = words[index]
        match = re.fullmatch(r"([12*]?>>?)(&1|.*)", word, re.DOTALL)
        if match is None:
            keep.append(word)
        elif match[2]:
            found.append(word)
        else:
            index += 1
            found.append(word + (words[index] if index < len(words) else ""))
        index += 1
    return (" ".join(keep), found) if found else (text, [])


def _starts_expression(text: str) -> bool:
    if text[0] in _QUOTES or text[0] in "$(@[{!" or _NUMBER.match(text):
        return True
    return bool(re.match(r"-not\b", text, re.IGNORECASE))


# Values ---------------------------------------------------------------------------------------------------------


def collapse(values: list[Any]) -> Any:
    """What a pipeline gives as a value: nothing is null, one is itself."""
    return None if not values else values[0] if len(values) == 1 else values


def flat(value: Any) -> list[Any]:
    """A value as the items that a pipeline would pass on."""
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def truth(value: Any) -> bool:
    """PowerShell's conversion to bool: an object is true, an empty string or collection is not."""
    if isinstance(value, list):
        return truth(value[0]) if len(value) == 1 else bool(value)
    if isinstance(value, (PSObject, dict)):
        return True
    return bool(value)


def _number(match: re.Match[str]) -> int | float:
    text = match[0].lower()
    unit = (match["unit"] or "").lower()
    text = text.removesuffix(unit)
    number: int | float = int(text, 16) if "0x" in text else float(text) if "." in text else int(text)
    return number * _UNITS[unit]


def member(value: Any, name: str) -> Any:
    """``$value.Name``; on a list it is asked of each item, as PowerShell does."""
    lower = name.lower()
    if isinstance(value, PSObject):
        return value.get(name)
    if isinstance(value, dict):
        found = next((inner for key, inner in value.items() if str(key).lower() == lower), None)
        return (
            {"count": len(value), "keys": list(value), "values": list(value.values())}.get(lower)
            if found is None
            else found
        )
    if lower in ("count", "length"):
        return len(value) if isinstance(value, (list, str)) else 0 if value is None else 1
    if isinstance(value, list):
        return [member(item, name) for item in value]
    if value is None:
        return None
    return _special_member(value, lower)


def _special_member(value: Any, lower: str) -> Any:
    if isinstance(value, datetime) and lower in ("year", "month", "day", "hour", "minute", "second"):
        return getattr(value, lower)
    if isinstance(value, timedelta) and lower == "totalseconds":
        return value.total_seconds()
    raise Unmodelled(f"the property {lower} of {type(value).__name__} in PowerShell text")


def _index(value: Any, index: Any) -> Any:
    if isinstance(value, dict):
        return member(value, to_text(index))
    items: Any = value if isinstance(value, (list, str)) else flat(value)
    if isinstance(index, int):
        return items[index] if -len(items) <= index < len(items) else None
    raise Unmodelled(f"the index {index!r} in PowerShell text")


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, list):
        return [*left, *flat(right)]
    if left is None:
        return right
    if isinstance(left, str):
        return left + to_text(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(left, datetime) and isinstance(right, timedelta):
        return left + right
    return _arithmetic("+", left, right)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "%": mod,
}


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, datetime) and isinstance(right, datetime) and operator == "-":
        return left - right
    try:
        first, second = _numeric(left), _numeric(right)
    except ValueError:
        raise Unmodelled(f"{to_text(left)!r} {operator} {to_text(right)!r} in PowerShell text") from None
    if operator in "/%" and not second:
        raise Terminate("Attempted to divide by zero.", "RuntimeException")
    result = _ARITHMETIC[operator](first, second)
    return int(result) if isinstance(result, float) and result.is_integer() else result


def _numeric(value: Any) -> int | float:
    if isinstance(value, bool) or value is None:
        return int(bool(value))
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return float(value) if "." in value else int(value, 0)
    raise ValueError(value)


def _compare_key(value: Any, other: Any) -> Any:
    if isinstance(other, bool):
        return truth(value)
    if isinstance(other, (int, float)):
        try:
            return _numeric(value)
        except ValueError:
            return to_text(value).lower()
    if isinstance(other, datetime) and isinstance(value, datetime):
        return value
    if isinstance(other, PSObject) and other.type == "System.Version":
        return [int(part) for part in to_text(value).split(".")]
    return to_text(value).lower()


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def compare(operator: str, left: Any, right: Any) -> bool:
    """A comparison of single values: the right side is converted to the type of the left."""
    if (left is None or right is None) and operator in ("eq", "ne"):
        return (left is right) == (operator == "eq")
    first = _compare_key(left, left)
    second = _compare_key(right, left)
    return _ORDER[operator](first, second)


def _like(text: Any, pattern: Any) -> bool:
    return fnmatch.fnmatchcase(to_text(text).lower(), to_text(pattern).lower())


def regex(pattern: Any) -> re.Pattern[str]:
    """A .NET regular expression, case-insensitive; what Python writes differently is translated or Unmodelled."""
    text = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", to_text(pattern))
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise Unmodelled(f"the regular expression {to_text(pattern)!r} ({error})") from error


def _matches(text: Any, pattern: Any) -> bool:
    return regex(pattern).search(to_text(text)) is not None


def _filtering(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        return [item for item in left if test(item, right)] if isinstance(left, list) else test(left, right)

    return apply


def _contains(left: Any, right: Any) -> bool:
    return any(compare("eq", item, right) for item in flat(left))


def _format(text: Any, values: Any) -> str:
    items = flat(values)

    def expand(match: re.Match[str]) -> str:
        value = items[int(match[1])]
        if match[2]:
            raise Unmodelled(f"the format {match[0]}")
        return to_text(value)

    return re.sub(r"\{(\d+)(:[^}]*)?\}", expand, to_text(text)).replace("{{", "{").replace("}}", "}")


def _replace(left: Any, right: Any) -> Any:
    pattern, replacement = [*flat(right), ""][:2]
    replacement = re.sub(r"\$(\d+)", r"\\\1", to_text(replacement).replace("\\", "\\\\"))
    done = [regex(pattern).sub(replacement, to_text(item)) for item in flat(left)]
    return done if isinstance(left, list) else done[0] if done else ""


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    **{name: _filtering(partial(compare, name)) for name in _ORDER},
    "like": _filtering(_like),
    "notlike": _filtering(lambda a, b: not _like(a, b)),
    "match": _filtering(_matches),
    "notmatch": _filtering(lambda a, b: not _matches(a, b)),
    "contains": _contains,
    "notcontains": lambda a, b: not _contains(a, b),
    "in": lambda a, b: _contains(b, a),
    "notin": lambda a, b: not _contains(b, a),
    "replace": _replace,
    "split": lambda a, b: regex(b).split(to_text(a)),
    "join": lambda a, b: to_text(b).join(to_text(item) for item in flat(a)),
    "f": _format,
    "+": _add,
    "..": lambda a, b: list(range(int(a), int(b) + 1)) if a <= b else list(range(int(a), int(b) - 1, -1)),
}


def operate(operator: str, left: Any, right: Any) -> Any:
    """``left operator right``."""
    name = operator[1:] if operator[:1] == "i" and operator[1:] in _OPERATIONS else operator
    if name in _OPERATIONS:
        return _OPERATIONS[name](left, right)
    if name in ("-", "*", "/", "%"):
        return _arithmetic(name, left, right)
    raise Unmodelled(f"the PowerShell operator -{operator}")


def _lines(values: list[Any], encoding: str) -> bytes:
    return "".join(f"{to_text(value)}\r\n" for value in values).encode(encoding)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands, types and methods that the PowerShell evaluator has beside the cmdlets of ``winsim.cmdlets``."""

from __future__ import annotations

import base64
import fnmatch
import importlib
import json
import ntpath
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from winsim import cmdlets
from winsim.cmdlets import CmdletError, Enum, PSObject
from winsim.cmdlets.objects import to_text
from winsim.errors import FileError, Unmodelled
from winsim.powershell import (
    Arguments,
    Builtin,
    Leave,
    Shell,
    Terminate,
    collapse,
    flat,
    member,
    operate,
    truth,
    version,
)

_BUILTINS: dict[str, Builtin] = {}
# https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_aliases
ALIASES = {
    "?": "Where-Object", "%": "ForEach-Object", "cat": "Get-Content", "cd": "Set-Location", "chdir": "Set-Location",
    "copy": "Copy-Item", "cp": "Copy-Item", "cpi": "Copy-Item", "del": "Remove-Item", "dir": "Get-ChildItem",
    "echo": "Write-Output", "erase": "Remove-Item", "fl": "Format-List", "foreach": "ForEach-Object",
    "ft": "Format-Table", "gc": "Get-Content", "gci": "Get-ChildItem", "gcim": "Get-CimInstance", "gi": "Get-Item",
    "gp": "Get-ItemProperty", "gsv": "Get-Service", "gv": "Get-Variable", "gwmi": "Get-WmiObject", "ls": "Get-ChildItem",
    "md": "mkdir", "measure": "Measure-Object", "mi": "Move-Item", "move": "Move-Item", "mv": "Move-Item",
    "ni": "New-Item", "pwd": "Get-Location", "rd": "Remove-Item", "ri": "Remove-Item", "rm": "Remove-Item",
    "rmdir": "Remove-Item", "sasv": "Start-Service", "select": "Select-Object", "sl": "Set-Location",
    "gdr": "Get-PSDrive", "glu": "Get-LocalUser", "glg": "Get-LocalGroup", "gtz": "Get-TimeZone", "sleep": "Start-Sleep", "sls": "Select-String", "sort": "Sort-Object", "sp": "Set-ItemProperty", "spsv": "Stop-Service",
    "type": "Get-Content", "where": "Where-Object", "write": "Write-Output",
}  # fmt: skip
# Positional parameters of cmdlets in winsim.cmdlets
_POSITIONS: dict[str, tuple[str, ...]] = {
    "get-childitem": ("Path", "Filter"),
    "get-ciminstance": ("ClassName",),
    "get-item": ("Path",),
    "get-itemproperty": ("Path", "Name"),
    "get-service": ("Name",),
    "get-windowsfeature": ("Name",),
    "new-item": ("Path",),
    "new-itemproperty": ("Path", "Name"),
    "remove-item": ("Path",),
    "remove-itemproperty": ("Path", "Name"),
    "restart-service": ("Name",),
    "set-itemproperty": ("Path", "Name", "Value"),
    "set-service": ("Name",),
    "start-process": ("FilePath", "ArgumentList"),
    "start-service": ("Name",),
    "stop-service": ("Name",),
    "test-path": ("Path",),
}
_PIPED = {"start-service", "stop-service", "restart-service", "set-service", "remove-item"}


def builtin(*names: str) -> Callable[[Builtin], Builtin]:
    """Register a command."""

    def register(function: Builtin) -> Builtin:
        _BUILTINS.update({name.lower(): function for name in names})
        return function

    return register


def find(name: str) -> Builtin | None:
    """A built-in command by name or alias."""
    importlib.import_module("winsim.pscommands")  # registers more of them, and needs this module
    return _BUILTINS.get(ALIASES.get(name.lower(), name).lower())


def cmdlet(shell: Shell, name: str, arguments: Arguments, values: list[Any]) -> list[Any]:
    """Run a cmdlet of the model. Raises CmdletError, Unmodelled."""
    name = ALIASES.get(name.lower(), name)
    known = {known.lower(): known for known in cmdlets.catalogue()}
    if name.lower() not in known and re.fullmatch(r"\w+", name) and not _may_exist(shell, name):
        raise CmdletError(
            "System.Management.Automation.CommandNotFoundException",
            "CommandNotFoundException",
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
            "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        )
    if name.lower() not in known:
        raise Unmodelled(f"the command {name!r} in PowerShell text")
    given = dict(arguments.named)
    positions = [position for position in _POSITIONS.get(name.lower(), ()) if position.lower() not in given]
    if len(arguments.positional) > len(positions):
        raise Unmodelled(f"{name} with positional arguments {arguments.positional!r}")
    for position, value in zip(positions, arguments.positional, strict=False):
        given[position.lower()] = value
    if values:
        given.update(_piped(name, values))
    return cmdlets.call(
        shell.session.host,
        known[name.lower()],
        _absolute(shell, name, given),
        network_logon=shell.session.network_logon,
    )


# Aliases of Windows PowerShell 5.1 whose commands have no model, and its own functions without a verb.
_OTHER_WORDS_TEXT = (
    "ac asnp clc clear clhy cli clp cls clv cnsn compare cpp curl cvpa dbp diff dnsn ebp epal epcsv epsn etsn exsn fc fhx "
    "fw gal gbp gcb gcm gcs gdr ghy gip gjb gl gm gmo gpv group gsn gsnp gtz gu h history icm iex ihy ii ipal ipcsv "
    "ipmo ipsn irm ise iwmi iwr kill lp man more mount mp nal ndr nmo npssc nsn nv ogv oh popd prompt pause ps pushd r "
    "rbp rcjb rcsn rdr ren rjb rmo rni rnp rp rsn rsnp rujb rv rvpa rwmi sajb sal saps sbp sc scb set shcm si sls start "
    "stz sujb sv swmi tee trcm tabexpansion2 help importsystemmodules wget wjb"
)
_OTHER_WORDS = frozenset(_OTHER_WORDS_TEXT.split())


def _may_exist(shell: Shell, name: str) -> bool:
    from winsim.shellcmds import known_to_windows

    return name.lower() in _OTHER_WORDS or name.lower() in ALIASES or known_to_windows(shell.session, name)


def piped_program(name: str, words: list[str], values: list[Any]) -> list[Any]:
    """A program that reads what the pipeline gives it. Raises Unmodelled but for findstr."""
    from winsim.shellcmds import Output, _findstr

    if ntpath.splitext(name)[0].lower() != "findstr":
        raise Unmodelled(f"pipeline input of the program {name}")
    given = "".join(f"{line}\r\n" for line in render(values)).encode()
    bare = [word.replace('"', "") for word in words]
    return list(_findstr(Output(given), bare).stdout.decode().splitlines())


def _piped(name: str, values: list[Any]) -> dict[str, Any]:
    if name.lower() not in _PIPED:
        raise Unmodelled(f"pipeline input of {name}")
    if name.lower() == "remove-item":
        return {"LiteralPath": [to_text(member(value, "FullName") or value) for value in values]}
    return {
        "Name": [to_text(member(value, "Name") if isinstance(value, PSObject) else value) for value in values]
    }


def _absolute(shell: Shell, name: str, given: dict[str, Any]) -> dict[str, Any]:
    if not name.lower().endswith(("-item", "-childitem", "-path", "-itemproperty")):
        return given
    result = dict(given)
    for key in given:
        if key.lower() in ("path", "literalpath"):
            paths = [shell.path(to_text(path)) for path in flat(given[key])]
            result[key] = paths
    return result


# Output ---------------------------------------------------------------------------------------------------------


@builtin("Write-Output", "Write-Host")
def _write_output(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    arguments.take("NoNewline")
    value = arguments.take("InputObject", "Object")
    for colour in ("ForegroundColor", "BackgroundColor"):
        arguments.take(colour)
    if arguments.named:
        raise Unmodelled(f"Write-Output or Write-Host with -{', -'.join(arguments.named)}")
    items = [*values, *flat(value)]
    for positional in arguments.positional:
        items += flat(positional)
    return items


@builtin("Write-Error")
def _write_error(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    message = to_text(arguments.take_or_next("Message", "Exception"))
    raise CmdletError(
        "Microsoft.PowerShell.Commands.WriteErrorException",
        "Microsoft.PowerShell.Commands.WriteErrorException",
        message,
    )


@builtin("Write-Verbose", "Write-Debug", "Write-Information", "Write-Progress", "Write-Warning")
def _write_nothing(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    return []


@builtin("Out-Null")
def _out_null(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    return []


@builtin("Out-String")
def _out_string(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    arguments.take("Width")
    arguments.finish("Out-String")
    return ["".join(f"{line}\r\n" for line in render(values))]


@builtin("Out-File")
def _out_file(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    path = shell.path(to_text(arguments.take_or_next("FilePath", "LiteralPath", "Path")))
    encoding = _encoding(arguments, "unicode")
    append, bare = arguments.take("Append"), arguments.take("NoNewline")
    arguments.take("Force")
    arguments.finish("Out-File")
    _write(
        shell,
        path,
        "".join(line + ("" if bare else "\r\n") for line in render(values)),
        encoding,
        append=bool(append),
    )
    return []


_ENCODINGS = {"ascii": "ascii", "utf8": "utf-8-sig", "unicode": "utf-16", "default": "cp1252", "oem": "cp437"}


def _encoding(arguments: Arguments, default: str) -> str:
    name = to_text(arguments.take("Encoding", default=default)).lower()
    if name not in _ENCODINGS:
        raise Unmodelled(f"the encoding {name}")
    return _ENCODINGS[name]


def _write(shell: Shell, path: str, text: str, encoding: str, *, append: bool) -> None:
    files = shell.session.host.files
    data = text.encode(encoding, "replace")
    if append and files.is_file(path):
        data = files.read(path) + text.encode(encoding.removesuffix("-sig"), "replace")
    files.write(path, data)


# Files ----------------------------------------------------------------------------------------------------------


def decode(data: bytes) -> str:
    """Text of a file by its byte order mark; without one it is UTF-8 or the ANSI code page."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


@builtin("Get-Content")
def _get_content(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    path = arguments.take_or_next("LiteralPath", "Path")
    raw = arguments.take("Raw")
    arguments.take("Encoding")
    first, last = arguments.take("TotalCount", "First", "Head"), arguments.take("Tail", "Last")
    arguments.finish("Get-Content")
    lines: list[Any] = []
    for each in flat(path) or [to_text(member(value, "FullName") or value) for value in values]:
        full = shell.path(to_text(each))
        if not shell.session.host.files.is_file(full):
            raise CmdletError(
                "System.Management.Automation.ItemNotFoundException",
                "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand",
                f"Cannot find path '{full}' because it does not exist.",
            )
        text = decode(shell.session.host.files.read(full))
        lines += [text] if raw else text.splitlines()
    lines = lines[: int(first)] if first is not None else lines
    return lines[-int(last) :] if last is not None else lines


@builtin("Set-Content", "Add-Content")
def _set_content(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    raise Unmodelled("Set-Content without a name")


def _content_writer(*, append: bool) -> Builtin:
    def run(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
        path = shell.path(to_text(arguments.take_or_next("LiteralPath", "Path")))
        value = arguments.take_or_next("Value")
        encoding = _encoding(arguments, "default")
        bare = arguments.take("NoNewline")
        arguments.take("Force")
        arguments.finish("Set-Content")
        lines = values if value is None else flat(value)
        text = "".join(to_text(line) + ("" if bare else "\r\n") for line in lines)
        _write(shell, path, text, encoding, append=append)
        return []

    return run


_BUILTINS["set-content"] = _content_writer(append=False)
_BUILTINS["add-content"] = _content_writer(append=True)


@builtin("Copy-Item", "Move-Item")
def _copy_item(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    raise Unmodelled("Copy-Item without a name")


def _copier(*, move: bool) -> Builtin:
    def run(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
        files = shell.session.host.files
        source = shell.path(to_text(arguments.take_or_next("LiteralPath", "Path")))
        target = shell.path(to_text(arguments.take_or_next("Destination")))
        arguments.take("Force")
        arguments.finish("Copy-Item")
        if not files.is_file(source):
            raise Unmodelled(f"copying or moving {source}, which is no file")
        if files.is_dir(target):
            target = ntpath.join(target, ntpath.basename(source))
        if move:
            files.rename(source, target)
        else:
            files.copy(source, target)
        return []

    return run


_BUILTINS["copy-item"] = _copier(move=False)
_BUILTINS["move-item"] = _copier(move=True)


@builtin("mkdir")
def _mkdir(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    path = arguments.take_or_next("Path")
    given = {"Path": shell.path(to_text(path)), "ItemType": "Directory", **arguments.named}
    return cmdlets.call(shell.session.host, "New-Item", given)


@builtin("Set-Location", "Push-Location")
def _set_location(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    path = shell.path(to_text(arguments.take_or_next("LiteralPath", "Path")))
    if not shell.session.host.files.is_dir(path):
        raise FileError(f"Cannot find path '{path}' because it does not exist.")
    shell.session.directory = path
    return []


@builtin("Get-Location")
def _get_location(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    return [
        PSObject("System.Management.Automation.PathInfo", {"Path": shell.session.cwd()}, shell.session.cwd())
    ]


@builtin("Join-Path")
def _join_path(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    path, child = arguments.take_or_next("Path"), arguments.take_or_next("ChildPath")
    arguments.finish("Join-Path")
    return [to_text(path).rstrip("\\/") + "\\" + to_text(child).lstrip("\\/")]


@builtin("Split-Path")
def _split_path(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    leaf = arguments.take("Leaf")
    arguments.take("Parent")
    path = to_text(arguments.take_or_next("Path", "LiteralPath"))
    arguments.finish("Split-Path")
    return [ntpath.basename(path) if leaf else ntpath.dirname(path)]


# Pipelines ------------------------------------------------------------------------------------------------------


@builtin("Select-Object")
def _select_object(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    expand = arguments.take("ExpandProperty")
    first, last, skip = arguments.take("First"), arguments.take("Last"), arguments.take("Skip")
    unique = arguments.take("Unique")
    names = flat(arguments.take_or_next("Property"))
    arguments.finish("Select-Object")
    items = [item for value in values for item in flat(value)]
    items = items[int(skip or 0) :]
    items = items[: int(first)] if first is not None else items
    items = items[-int(last) :] if last is not None else items
    if expand is not None:
        return [inner for item in items for inner in flat(member(item, to_text(expand)))]
    chosen = [_select(shell, item, names) for item in items] if names else items
    if not unique:
        return chosen
    found: dict[str, Any] = {}
    for item in chosen:
        found.setdefault(json.dumps(jsonable(item)), item)
    return list(found.values())


def _select(shell: Shell, item: Any, names: list[Any]) -> PSObject:
    if not isinstance(item, (PSObject, dict)):
        raise Unmodelled(f"Select-Object on {to_text(item)!r}")
    properties: dict[str, Any] = item.properties if isinstance(item, PSObject) else item
    if names == ["*"]:
        return PSObject("Selected", dict(properties))
    chosen: dict[str, Any] = {}
    for name in names:
        if isinstance(name, dict):
            chosen.update(_calculated(shell, item, name))
        elif any(char in to_text(name) for char in "*?["):
            pattern = to_text(name).lower()
            chosen.update(
                {key: value for key, value in properties.items() if fnmatch.fnmatchcase(key.lower(), pattern)}
            )
        else:
            chosen[_spelling(properties, to_text(name))] = member(item, to_text(name))
    return PSObject("Selected", chosen)


def _calculated(shell: Shell, item: Any, table: dict[str, Any]) -> dict[str, Any]:
    """``@{Name = 'x'; Expression = {...}}``."""
    parts = {key.lower(): value for key, value in table.items()}
    name = next((parts[key] for key in ("name", "n", "label", "l") if key in parts), None)
    expression = next((parts[key] for key in ("expression", "e") if key in parts), None)
    if name is None or expression is None or len(parts) != 2:
        raise Unmodelled("a calculated property without Name and Expression")
    block = to_text(expression)
    return {
        to_text(name): collapse(shell.with_item(block, item))
        if block.startswith("{")
        else member(item, block)
    }


def _spelling(properties: Iterable[str], name: str) -> str:
    return next((known for known in properties if known.lower() == name.lower()), name)


@builtin("Where-Object")
def _where_object(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    items = [item for value in values for item in flat(value)]
    block = arguments.take("FilterScript")
    if block is None and arguments.positional and str(arguments.positional[0]).startswith("{"):
        block = arguments.positional.pop(0)
    if block is not None:
        return [item for item in items if truth(collapse(shell.with_item(str(block), item)))]
    name = to_text(arguments.take_or_next("Property"))
    if not arguments.named:
        return [item for item in items if truth(member(item, name))]
    operator, wanted = next(iter(arguments.named.items()))
    return [item for item in items if truth(operate(operator, member(item, name), wanted))]


@builtin("ForEach-Object")
def _for_each(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    items = [item for value in values for item in flat(value)]
    block = to_text(arguments.take_or_next("Process", "MemberName"))
    arguments.finish("ForEach-Object")
    if block.startswith("{"):
        output: list[Any] = []
        try:
            for item in items:
                output += shell.with_item(block, item)
        except Leave as leave:
            leave.output = [*output, *leave.output]
            raise
        return output
    return [out for item in items for out in flat(_member_or_method(item, block))]


def _member_or_method(item: Any, name: str) -> Any:
    return to_text(item) if name.lower() == "tostring" else member(item, name)


@builtin("Sort-Object")
def _sort_object(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    descending, unique = arguments.take("Descending"), arguments.take("Unique")
    name = arguments.take_or_next("Property")
    arguments.finish("Sort-Object")
    items = [item for value in values for item in flat(value)]

    def key(item: Any) -> Any:
        value = item if name is None else member(item, to_text(name))
        return (0, value, "") if isinstance(value, (int, float)) else (1, 0, to_text(value).lower())

    items.sort(key=key, reverse=bool(descending))
    return list({to_text(item).lower(): item for item in items}.values()) if unique else items


@builtin("Measure-Object")
def _measure_object(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    arguments.finish("Measure-Object")
    count = len([item for value in values for item in flat(value)])
    return [PSObject("Microsoft.PowerShell.Commands.GenericMeasureInfo", {"Count": count})]


@builtin("Format-List", "Format-Table")
def _format(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    raise Unmodelled("Format-List and Format-Table")


# JSON -----------------------------------------------------------------------------------------------------------

# ConvertTo-Json of Windows PowerShell writes enumerations as numbers
_ENUM_NUMBERS = {
    "Stopped": 1, "StartPending": 2, "StopPending": 3, "Running": 4, "Paused": 7,
    "Boot": 0, "System": 1, "Automatic": 2, "Manual": 3, "Disabled": 4,
}  # fmt: skip


def jsonable(value: Any) -> Any:
    """A value as ConvertTo-Json sees it."""
    if isinstance(value, Enum):
        if value.name not in _ENUM_NUMBERS:
            raise Unmodelled(f"ConvertTo-Json of the enumeration value {value.name}")
        return _ENUM_NUMBERS[value.name]
    if isinstance(value, PSObject):
        return {name: jsonable(inner) for name, inner in value.properties.items()}
    if isinstance(value, dict):
        return {to_text(name): jsonable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [jsonable(inner) for inner in value]
    if isinstance(value, datetime):
        return f"/Date({int(value.timestamp() * 1000)})/"
    return value


@builtin("ConvertTo-Json")
def _convert_to_json(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    compress = arguments.take("Compress")
    arguments.take("Depth")
    value = arguments.take_or_next("InputObject")
    arguments.finish("ConvertTo-Json")
    found = jsonable(collapse(values) if value is None else value)
    separators = (",", ":") if compress else (",", ":  ")
    return [json.dumps(found, ensure_ascii=False, separators=separators, indent=None if compress else 4)]


@builtin("ConvertFrom-Json")
def _convert_from_json(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    text = arguments.take_or_next("InputObject")
    joined = "\n".join(to_text(value) for value in (values if text is None else [text]))
    try:
        return [json.loads(joined)]
    except ValueError as error:
        raise Terminate(f"Invalid JSON primitive: {joined[:20]}.", "System.ArgumentException") from error


# The machine ----------------------------------------------------------------------------------------------------


@builtin("Start-Sleep")
def _start_sleep(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    milliseconds = arguments.take("Milliseconds", "m")
    seconds = float(arguments.take_or_next("Seconds", "s", default=0))
    shell.session.sleep(float(milliseconds) / 1000 if milliseconds is not None else seconds)
    return []


@builtin("Get-Variable")
def _get_variable(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    name = to_text(arguments.take_or_next("Name"))
    known = shell.exit_code is not None if name.lower() == "lastexitcode" else name.lower() in shell.variables
    if not known:
        raise CmdletError(
            "System.Management.Automation.ItemNotFoundException",
            "VariableNotFound,Microsoft.PowerShell.Commands.GetVariableCommand",
            f"Cannot find a variable with the name '{name}'.",
        )
    value = shell.exit_code if name.lower() == "lastexitcode" else shell.variables[name.lower()]
    return [PSObject("System.Management.Automation.PSVariable", {"Name": name, "Value": value})]


@builtin("Set-Variable")
def _set_variable(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    name = to_text(arguments.take_or_next("Name"))
    value = arguments.take_or_next("Value")
    shell.variables[name.lower()] = collapse(values) if value is None else value
    return []


@builtin("Set-StrictMode", "Import-Module", "Set-ExecutionPolicy")
def _ignored(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    return []


@builtin("Restart-Computer")
def _restart_computer(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    arguments.take("Force")
    arguments.finish("Restart-Computer")
    shell.session.restart(0)
    return []


@builtin("Get-Date")
def _get_date(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    form, unix = arguments.take("Format"), arguments.take("UFormat")
    arguments.finish("Get-Date")
    now = shell.session.host.clock.now()
    if unix is not None:
        return [now.strftime(to_text(unix))]
    return [now if form is None else format_date(now, to_text(form))]


_DATE_PARTS = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "dddd": "%A", "ddd": "%a", "dd": "%d",
    "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "tt": "%p", "fff": "000", "K": "Z", "zzz": "+00:00",
}  # fmt: skip


def format_date(when: datetime, form: str) -> str:
    """A custom date format of .NET (o and s included)."""
    if form in ("o", "O"):
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if form == "s":
        return when.strftime("%Y-%m-%dT%H:%M:%S")
    pattern = "|".join(sorted(_DATE_PARTS, key=len, reverse=True))
    return when.strftime(re.sub(pattern, lambda m: _DATE_PARTS[m[0]], form.replace("%", "%%")))


@builtin("Get-Process")
def _get_process(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    name = arguments.take_or_next("Name")
    arguments.finish("Get-Process")
    found = [
        PSObject("System.Diagnostics.Process", {"Id": p.pid, "ProcessName": p.name, "Name": p.name}, p.name)
        for p in shell.session.host.processes
        if name is None or p.name.lower() in [to_text(each).lower() for each in flat(name)]
    ]
    if name is not None and not found:
        raise CmdletError(
            "Microsoft.PowerShell.Commands.ProcessCommandException",
            "NoProcessFoundForGivenName,Microsoft.PowerShell.Commands.GetProcessCommand",
            f'Cannot find a process with the name "{to_text(name)}". Verify the process name and call the cmdlet again.',
        )
    return list(found)


@builtin("Get-ItemPropertyValue")
def _get_item_property_value(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    path, name = arguments.take_or_next("LiteralPath", "Path"), arguments.take_or_next("Name")
    arguments.finish("Get-ItemPropertyValue")
    found = cmdlets.call(
        shell.session.host, "Get-ItemProperty", {"LiteralPath": [to_text(path)], "Name": [to_text(name)]}
    )
    return [member(item, to_text(name)) for item in found]


# Types ----------------------------------------------------------------------------------------------------------

_CASTS: dict[str, Callable[[Any], Any]] = {
    "string": to_text,
    "int": lambda value: int(operate("+", 0, value)),
    "int32": lambda value: int(operate("+", 0, value)),
    "int64": lambda value: int(operate("+", 0, value)),
    "long": lambda value: int(operate("+", 0, value)),
    "double": lambda value: float(operate("+", 0, value)),
    "bool": truth,
    "version": lambda value: version(to_text(value)),
    "array": flat,
    "string[]": lambda value: [to_text(item) for item in flat(value)],
    "void": lambda value: None,
    "pscustomobject": lambda value: PSObject("System.Management.Automation.PSCustomObject", dict(value)),
    "ordered": lambda value: value,
}


def convert(type: str, value: Any) -> Any:
    """``[type]value``."""
    if type not in _CASTS:
        raise Unmodelled(f"the PowerShell type [{type}]")
    return _CASTS[type](value)


def static(shell: Shell, type: str, name: str, arguments: list[Any] | None) -> Any:
    """``[type]::name`` (arguments None) or ``[type]::name(arguments)``."""
    host = shell.session.host
    if arguments is None:
        properties: dict[tuple[str, str], Callable[[], Any]] = {
            ("environment", "machinename"): lambda: str(host.name).upper(),
            ("environment", "username"): lambda: shell.session.user,
            ("environment", "newline"): lambda: "\r\n",
            ("environment", "osversion"): lambda: PSObject(
                "System.OperatingSystem",
                {"Version": version(f"{host.os.version}.0")},
                f"Microsoft Windows NT {host.os.version}.0",
            ),
            ("datetime", "now"): host.clock.now,
            ("datetime", "utcnow"): host.clock.now,
        }
        if (type, name) in properties:
            return properties[type, name]()
        raise Unmodelled(f"[{type}]::{name} in PowerShell text")
    return _static_call(shell, type, name, arguments)


def _static_call(shell: Shell, type: str, name: str, arguments: list[Any]) -> Any:
    files = shell.session.host.files
    texts = [to_text(argument) for argument in arguments]
    calls: dict[tuple[str, str], Callable[[], Any]] = {
        ("environment", "expandenvironmentvariables"): lambda: shell.session.expand(texts[0]),
        ("environment", "getenvironmentvariable"): lambda: shell.session.variable(texts[0]),
        ("io.file", "exists"): lambda: files.is_file(texts[0]),
        ("io.file", "readalltext"): lambda: decode(files.read(texts[0])),
        ("io.directory", "exists"): lambda: files.is_dir(texts[0]),
        ("io.path", "combine"): lambda: ntpath.join(*texts),
        ("io.path", "getfilename"): lambda: ntpath.basename(texts[0]),
        ("io.path", "getdirectoryname"): lambda: ntpath.dirname(texts[0]),
        ("string", "isnullorempty"): lambda: not texts[0],
        ("string", "isnullorwhitespace"): lambda: not texts[0].strip(),
        ("string", "join"): lambda: texts[0].join(
            to_text(item) for argument in arguments[1:] for item in flat(argument)
        ),
        ("convert", "tobase64string"): lambda: base64.b64encode(bytes(flat(arguments[0]))).decode(),
        ("math", "round"): lambda: round(*arguments),
    }
    if (type, name) not in calls:
        raise Unmodelled(f"[{type}]::{name}() in PowerShell text")
    return calls[type, name]()


_STRING_METHODS: dict[str, Callable[..., Any]] = {
    "tolower": lambda text: text.lower(),
    "tolowerinvariant": lambda text: text.lower(),
    "toupper": lambda text: text.upper(),
    "toupperinvariant": lambda text: text.upper(),
    "trim": lambda text, *chars: text.strip(*[to_text(char) for char in chars]),
    "trimend": lambda text, *chars: text.rstrip(*[to_text(char) for char in chars]),
    "trimstart": lambda text, *chars: text.lstrip(*[to_text(char) for char in chars]),
    "split": lambda text, chars: re.split(f"[{re.escape(to_text(chars))}]", text),
    "replace": lambda text, old, new: text.replace(to_text(old), to_text(new)),
    "startswith": lambda text, other: text.startswith(to_text(other)),
    "endswith": lambda text, other: text.endswith(to_text(other)),
    "contains": lambda text, other: to_text(other) in text,
    "substring": lambda text, start, length=None: (
        text[start:] if length is None else text[start : start + length]
    ),
    "indexof": lambda text, other: text.find(to_text(other)),
    "equals": lambda text, other: text == to_text(other),
}


def method(value: Any, name: str, arguments: list[Any]) -> Any:
    """``$value.Name(arguments)``."""
    lower = name.lower()
    if lower == "tostring":
        if isinstance(value, datetime) and arguments:
            return format_date(value, to_text(arguments[0]))
        if not arguments:
            return to_text(value)
    if isinstance(value, datetime):
        return _date_method(value, lower, arguments)
    if isinstance(value, str) and lower in _STRING_METHODS:
        return _STRING_METHODS[lower](value, *arguments)
    if isinstance(value, dict) and lower in ("containskey", "contains"):
        return any(str(key).lower() == to_text(arguments[0]).lower() for key in value)
    raise Unmodelled(f"the method {name}() of {type(value).__name__} in PowerShell text")


def _date_method(when: datetime, lower: str, arguments: list[Any]) -> Any:
    from winsim.host import filetime

    if lower in ("tofiletime", "tofiletimeutc"):
        return filetime(when)
    if lower == "touniversaltime":
        return when.astimezone(UTC)
    units = {"adddays": 86400, "addhours": 3600, "addminutes": 60, "addseconds": 1}
    if lower in units:
        return when + timedelta(seconds=units[lower] * float(arguments[0]))
    raise Unmodelled(f"the method {lower}() of a date in PowerShell text")


# What reaches stdout --------------------------------------------------------------------------------------------


def render(values: list[Any]) -> list[str]:
    """Lines that the console shows for objects; only forms that scripts rely on."""
    lines: list[str] = []
    tables: list[PSObject] = []
    for value in [item for each in values for item in flat(each)]:
        if isinstance(value, PSObject) and value.text is None or _is_service(value):
            tables.append(value)
            continue
        if isinstance(value, dict):
            raise Unmodelled("a hashtable as console output")
        lines += (
            []
            if value is None
            else to_text(value).split("\r\n")
            if isinstance(value, str)
            else [to_text(value)]
        )
    return lines + _render_objects(tables)


def _is_service(value: Any) -> bool:
    return isinstance(value, PSObject) and value.type == "System.ServiceProcess.ServiceController"


def _render_objects(objects: list[PSObject]) -> list[str]:
    if not objects:
        return []
    if any(item.type not in ("Selected", "System.Management.Automation.PSCustomObject") for item in objects):
        if not all(_is_service(item) for item in objects):
            raise Unmodelled(f"console output of {objects[0].type}")
        names = ["Status", "Name", "DisplayName"]
        objects = [PSObject("Selected", {name: item.get(name) for name in names}) for item in objects]
    names = list(objects[0].properties)
    rows = [[to_text(item.properties.get(name)) for name in names] for item in objects]
    # PowerShell shows up to four properties as a table, more as a list
    if len(names) > 4:
        width = max(len(name) for name in names)
        blocks = [
            [f"{name.ljust(width)} : {text}" for name, text in zip(names, row, strict=True)] + [""]
            for row in rows
        ]
        return ["", *(line for block in blocks for line in block), ""]
    widths = [max(len(row[i]) for row in [names, *rows]) for i in range(len(names))]
    table = [names, ["-" * len(name) for name in names], *rows]
    return [
        "",
        *(" ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in table),
        "",
        "",
    ]

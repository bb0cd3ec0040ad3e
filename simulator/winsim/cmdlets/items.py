# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of the FileSystem and Registry providers and properties of registry keys (Windows PowerShell 5.1).

https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_providers. ``-Path`` takes
wildcards, ``-LiteralPath`` does not.
"""

from __future__ import annotations

import fnmatch
import ntpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from winsim.cmdlets import CmdletError, Enum, P, Params, PSObject, cmdlet
from winsim.cmdlets.objects import to_text
from winsim.errors import FileError, Unmodelled

if TYPE_CHECKING:
    from winsim.files import Node
    from winsim.host import Host
    from winsim.registry import Data

_MANAGEMENT = "Microsoft.PowerShell.Management"
_COMMANDS = "Microsoft.PowerShell.Commands."
_AUTOMATION = "System.Management.Automation."
_WILD = re.compile(r"[*?\[]")
_REGISTRY_PREFIX = re.compile(r"^(Microsoft\.PowerShell\.Core\\)?Registry::", re.IGNORECASE)
_FILE_PREFIX = re.compile(r"^(Microsoft\.PowerShell\.Core\\)?FileSystem::", re.IGNORECASE)
KINDS = ("String", "ExpandString", "Binary", "DWord", "MultiString", "QWord", "Unknown")
# The drives that PowerShell makes for the registry.
_REGISTRY_DRIVES = ("HKLM", "HKCU")


@dataclass(frozen=True)
class Location:
    """A path with its provider. ``path`` is what the model's registry or file system understands."""

    registry: bool
    path: str
    given: str


# Paths --------------------------------------------------------------------------------------------------------


def _locate(host: Host, text: str, command: str) -> Location:
    """The provider of a path; a drive that does not exist is an error."""
    path = text.replace("/", "\\")
    if _REGISTRY_PREFIX.match(path):
        return Location(True, path, text)
    path = _FILE_PREFIX.sub("", path)
    drive, colon, rest = path.partition(":")
    if not colon or path.startswith("\\\\"):
        home = host.env.get("USERPROFILE", "C:\\")
        return Location(False, path if path.startswith("\\\\") else ntpath.join(home, path), text)
    if drive.upper() in _REGISTRY_DRIVES:
        return Location(True, path, text)
    if len(drive) == 1 and drive.upper() in host.files.volumes:
        return Location(False, ntpath.normpath(f"{drive.upper()}:\\" + rest.lstrip("\\")), text)
    if drive.lower() in ("env", "cert", "wsman", "function", "variable", "alias"):
        raise Unmodelled(f"the PowerShell drive {drive}:")
    raise CmdletError(
        f"{_AUTOMATION}DriveNotFoundException",
        f"DriveNotFound,{_COMMANDS}{command}",
        f"Cannot find drive. A drive with the name '{drive}' does not exist.",
        0x80131501,
    )


def _exists(host: Host, where: Location) -> bool:
    return host.registry.exists(where.path) if where.registry else host.files.exists(where.path)


def _children(host: Host, where: Location) -> list[str]:
    if where.registry:
        return host.registry.subkeys(where.path)
    return [node.name for node in host.files.list(where.path)] if host.files.is_dir(where.path) else []


def _child(where: Location, name: str) -> Location:
    path = f"{where.path.rstrip(chr(92))}\\{name}"
    return Location(where.registry, path, path)


def _not_found(path: str, command: str) -> NoReturn:
    raise CmdletError(
        f"{_AUTOMATION}ItemNotFoundException",
        f"PathNotFound,{_COMMANDS}{command}",
        f"Cannot find path '{path}' because it does not exist.",
        0x80131501,
    )


def _resolve(host: Host, params: Params, command: str, *, must_exist: bool = True) -> list[Location]:
    """The items meant by LiteralPath or Path, wildcards expanded."""
    for name in ("Include", "Exclude", "Credential"):
        if params.get(name):
            raise Unmodelled(f"{command} -{name}")
    found: list[Location] = []
    literal = "LiteralPath" in params
    for text in params.get("LiteralPath") or params.get("Path") or ["."]:
        if not literal and _WILD.search(text):
            found.extend(_expand(host, text, command))
            continue
        where = _locate(host, text, command)
        if must_exist and not _exists(host, where):
            _not_found(text, command)
        found.append(where)
    return found


def _expand(host: Host, text: str, command: str) -> list[Location]:
    """Items that match a path with wildcards; the part before the first wildcard must exist."""
    parts = text.replace("/", "\\").split("\\")
    first = next(index for index, part in enumerate(parts) if _WILD.search(part))
    base = "\\".join(parts[:first])
    start = _locate(host, base + "\\" if base.endswith(":") else base, command)
    if not _exists(host, start):
        _not_found(base, command)
    level = [start]
    for part in parts[first:]:
        level = [
            _child(where, name)
            for where in level
            for name in _children(host, where)
            if fnmatch.fnmatchcase(name.lower(), part.lower())
        ]
    return level


# Objects ------------------------------------------------------------------------------------------------------


def _provider_properties(kind: str, full: str, drive: str) -> dict[str, Any]:
    parent, name = ntpath.split(full.rstrip("\\"))
    prefix = f"Microsoft.PowerShell.Core\\{kind}::"
    return {
        "PSPath": prefix + full,
        "PSParentPath": prefix + parent if parent else "",
        "PSChildName": name or full,
        "PSDrive": drive,
        "PSProvider": f"Microsoft.PowerShell.Core\\{kind}",
    }


def _key_object(host: Host, where: Location) -> PSObject:
    """Microsoft.Win32.RegistryKey."""
    full = host.registry.full_name(where.path)
    names = [value.name or "(default)" for value in host.registry.values(where.path)]
    properties = {
        "Name": full,
        "Property": names,
        "SubKeyCount": len(host.registry.subkeys(where.path)),
        "ValueCount": len(names),
        "PSIsContainer": True,
        **_provider_properties("Registry", full, host.registry.parts(where.path)[0]),
    }
    return PSObject("Microsoft.Win32.RegistryKey", properties, full)


def _node_object(host: Host, where: Location) -> PSObject:
    """System.IO.FileInfo or System.IO.DirectoryInfo."""
    node = host.files.get(where.path)
    if node is None:
        raise FileError(f"Could not find item {where.path}.", 2)
    full = host.files.real_path(where.path)
    properties = {
        "FullName": full,
        "Name": node.name,
        "BaseName": node.name if node.directory else ntpath.splitext(node.name)[0],
        "Extension": ntpath.splitext(node.name)[1],
        "Exists": True,
        "PSIsContainer": node.directory,
        "Attributes": Enum(", ".join(node.attribute_names())),
        "LinkType": node.link_type,
        "Target": [node.link_target] if node.link_target else [],
        "CreationTime": node.created,
        "CreationTimeUtc": node.created,
        "LastWriteTime": node.modified,
        "LastWriteTimeUtc": node.modified,
        "LastAccessTime": node.accessed,
        "LastAccessTimeUtc": node.accessed,
        **_file_properties(node, full),
        **_provider_properties("FileSystem", full, full[:1]),
    }
    return PSObject(f"System.IO.{'DirectoryInfo' if node.directory else 'FileInfo'}", properties, full)


def _file_properties(node: Node, full: str) -> dict[str, Any]:
    parent = ntpath.dirname(full)
    if node.directory:
        return {"Parent": ntpath.basename(parent), "Root": full[:3]}
    return {
        "Length": node.size,
        "Directory": parent,
        "DirectoryName": parent,
        "IsReadOnly": "ReadOnly" in node.attributes,
    }


def _item(host: Host, where: Location) -> PSObject:
    return _key_object(host, where) if where.registry else _node_object(host, where)


# Items --------------------------------------------------------------------------------------------------------

_PATH = ("Path",)
_LITERAL = ("LiteralPath",)
_PLACE = {
    "Path": P("String[]", mandatory=True, sets=_PATH),
    "LiteralPath": P("String[]", mandatory=True, aliases=("PSPath",), sets=_LITERAL),
    "Filter": P(),
    "Include": P("String[]"),
    "Exclude": P("String[]"),
    "Credential": P("PSCredential"),
}
_FORCE = {"Force": P("SwitchParameter")}


@cmdlet(
    "Get-Item",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}GetItemCommand",
    default_set="Path",
    parameters={**_PLACE, **_FORCE, "Stream": P("String[]")},
)
def get_item(host: Host, params: Params) -> list[Any]:
    """Items themselves; hidden ones need -Force."""
    if params.get("Filter") or params.get("Stream"):
        raise Unmodelled("Get-Item -Filter/-Stream")
    return [_item(host, where) for where in _resolve(host, params, "GetItemCommand")]


@cmdlet(
    "Get-ChildItem",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}GetChildItemCommand",
    default_set="Items",
    parameters={
        "Path": P("String[]", sets=("Items",)),
        "LiteralPath": P("String[]", mandatory=True, aliases=("PSPath",), sets=("LiteralItems",)),
        "Filter": P(),
        "Include": P("String[]"),
        "Exclude": P("String[]"),
        "Recurse": P("SwitchParameter", aliases=("s",)),
        "Depth": P("UInt32"),
        "Force": P("SwitchParameter"),
        "Name": P("SwitchParameter"),
        "Attributes": P("String"),
        "Directory": P("SwitchParameter", aliases=("ad", "d")),
        "File": P("SwitchParameter", aliases=("af",)),
        "Hidden": P("SwitchParameter", aliases=("ah", "h")),
        "ReadOnly": P("SwitchParameter", aliases=("ar",)),
        "System": P("SwitchParameter", aliases=("as",)),
    },
)
def get_child_item(host: Host, params: Params) -> list[Any]:
    """What is in a container; a file gives itself."""
    for name in ("Attributes", "Hidden", "ReadOnly", "System"):
        if params.get(name):
            raise Unmodelled(f"Get-ChildItem -{name}")
    depth = params.get("Depth", 2**32 if params.switch("Recurse") else 0)
    found: list[Location] = []
    for where in _resolve(host, params, "GetChildItemCommand"):
        if where.registry or host.files.is_dir(where.path):
            found.extend(_below(host, where, depth))
        else:
            found.append(where)
    kept = [where for where in found if _wanted(host, where, params)]
    if params.switch("Name"):
        return [ntpath.basename(where.path) for where in kept]
    return [_item(host, where) for where in kept]


def _below(host: Host, where: Location, depth: int) -> list[Location]:
    children = [_child(where, name) for name in _children(host, where)]
    if not where.registry:  # directories come first
        children.sort(key=lambda item: not host.files.is_dir(item.path))
    if depth == 0:
        return children
    return children + [deeper for child in children for deeper in _below(host, child, depth - 1)]


def _wanted(host: Host, where: Location, params: Params) -> bool:
    name = ntpath.basename(where.path)
    pattern = params.get("Filter")
    if pattern and not fnmatch.fnmatchcase(name.lower(), pattern.lower()):
        return False
    if where.registry:
        return True
    node = host.files.get(where.path)
    if node is None or ("Hidden" in node.attributes and not params.switch("Force")):
        return False
    if params.switch("Directory") or params.switch("File"):
        return node.directory if params.switch("Directory") else not node.directory
    return True


@cmdlet(
    "Test-Path",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}TestPathCommand",
    default_set="Path",
    parameters={
        **_PLACE,
        "PathType": P(aliases=("Type",), values=("Any", "Container", "Leaf")),
        "IsValid": P("SwitchParameter"),
        "OlderThan": P("DateTime"),
        "NewerThan": P("DateTime"),
    },
)
def test_path(host: Host, params: Params) -> list[Any]:
    """Whether each path is there; drives that do not exist are no error."""
    if params.get("IsValid") or params.get("Filter"):
        raise Unmodelled("Test-Path -IsValid/-Filter")
    kind = str(params.get("PathType", "Any"))
    answers = []
    for text in params.get("LiteralPath") or params["Path"]:
        one = Params({("LiteralPath" if "LiteralPath" in params else "Path"): [text]})
        try:
            places = _resolve(host, one, "TestPathCommand")
        except CmdletError:
            places = []
        answers.append(any(kind == "Any" or _is_container(host, p) == (kind == "Container") for p in places))
    return answers


def _is_container(host: Host, where: Location) -> bool:
    return where.registry or host.files.is_dir(where.path)


@cmdlet(
    "New-Item",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}NewItemCommand",
    default_set="pathSet",
    changes=True,
    should_process=True,
    parameters={
        "Path": P("String[]", mandatory=True, sets=("pathSet", "nameSet"), optional_in=("nameSet",)),
        "Name": P(mandatory=True, sets=("nameSet",), allow_empty=True),
        "ItemType": P(aliases=("Type",)),
        "Value": P("Object", aliases=("Target",)),
        "Credential": P("PSCredential"),
        **_FORCE,
    },
)
def new_item(host: Host, params: Params) -> list[Any]:
    """Make a key, a directory or a file."""
    made = []
    for text in params.get("Path") or ["."]:
        path = f"{text.rstrip(chr(92))}\\{params['Name']}" if params.get("Name") else text
        where = _locate(host, path, "NewItemCommand")
        made.append(_new_key(host, where, params) if where.registry else _new_node(host, where, params))
    return made


def _new_key(host: Host, where: Location, params: Params) -> PSObject:
    """-Force makes missing parents, and replaces an existing key by an empty one."""
    force = params.switch("Force")
    hive, names = host.registry.parts(where.path)
    parent = "\\".join([f"{hive}:", *names[:-1]])
    if host.registry.exists(where.path):
        if not force:
            _io_error("NewItemCommand", "A key in this path already exists.")
        host.registry.delete(where.path)
    elif not host.registry.exists(parent) and not force:
        _io_error("NewItemCommand", "The registry key at the specified path does not exist.")
    host.registry.create(where.path)
    if params.get("Value") is not None:
        host.registry.set(where.path, "", _natural(params["Value"])[1])
    return _key_object(host, where)


def _io_error(command: str, message: str, error_id: str = "System.IO.IOException") -> NoReturn:
    raise CmdletError("System.IO.IOException", f"{error_id},{_COMMANDS}{command}", message, 0x80131620)


def _new_node(host: Host, where: Location, params: Params) -> PSObject:
    kind = str(params.get("ItemType", "")).lower()
    force = params.switch("Force")
    exists = host.files.exists(where.path)
    if not kind or kind not in ("directory", "container", "file"):
        # Without a type PowerShell asks for it.
        raise Unmodelled(f"New-Item -ItemType {params.get('ItemType', '')} for a path of the file system")
    if kind == "file":
        if exists and not force:
            _io_error("NewItemCommand", f"The file '{where.given}' already exists.", "NewItemIOError")
        if force:
            host.files.mkdir(ntpath.dirname(where.path))
        host.files.write(where.path, to_text(params.get("Value")).encode())
        return _node_object(host, where)
    if exists and not (force and host.files.is_dir(where.path)):
        _io_error(
            "NewItemCommand",
            f"An item with the specified name {where.path} already exists.",
            "DirectoryExist",
        )
    host.files.mkdir(where.path)
    return _node_object(host, where)


@cmdlet(
    "Remove-Item",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}RemoveItemCommand",
    default_set="Path",
    changes=True,
    should_process=True,
    parameters={**_PLACE, **_FORCE, "Recurse": P("SwitchParameter"), "Stream": P("String[]")},
)
def remove_item(host: Host, params: Params) -> list[Any]:
    """Remove items. A container with children and no -Recurse would ask first: refused without a user."""
    if params.get("Filter") or params.get("Stream"):
        raise Unmodelled("Remove-Item -Filter/-Stream")
    for where in _resolve(host, params, "RemoveItemCommand"):
        if _children(host, where) and not params.switch("Recurse"):
            raise CmdletError(
                f"{_AUTOMATION}PSInvalidOperationException",
                f"InvalidOperation,{_COMMANDS}RemoveItemCommand",
                "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
                0x80131509,
            )
        if where.registry:
            host.registry.delete(where.path)
        else:
            _remove_node(host, where, force=params.switch("Force"))
    return []


def _remove_node(host: Host, where: Location, *, force: bool) -> None:
    node = host.files.get(where.path)
    if node is not None and node.attributes & {"ReadOnly", "Hidden", "System"} and not force:
        _io_error(
            "RemoveItemCommand",
            f"Cannot remove item {where.path}: You do not have sufficient access rights to perform this operation.",
            "RemoveFileSystemItemUnAuthorizedAccess",
        )
    try:
        host.files.remove(where.path, recursive=True)
    except FileError as error:
        _io_error(
            "RemoveItemCommand",
            f"Cannot remove item {where.path}: {error.message}",
            "RemoveFileSystemItemIOError",
        )


# Properties of registry keys ----------------------------------------------------------------------------------

_NAMES = {"Name": P("String[]", aliases=("PSProperty",))}


@cmdlet(
    "Get-ItemProperty",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}GetItemPropertyCommand",
    default_set="Path",
    parameters={**_PLACE, **_NAMES},
)
def get_item_property(host: Host, params: Params) -> list[Any]:
    """The values of keys, one object a key; a key without values gives nothing, a missing name is an error."""
    if params.get("Filter"):
        raise Unmodelled("Get-ItemProperty -Filter")
    found = []
    for where in _resolve(host, params, "GetItemPropertyCommand"):
        if not where.registry:
            found.append(_node_object(host, where))
            continue
        values = _values(host, where)
        if "Name" in params:
            values = _named(host, where, values, params["Name"])
        if values:
            full = host.registry.full_name(where.path)
            drive = host.registry.parts(where.path)[0]
            properties = {**values, **_provider_properties("Registry", full, drive)}
            found.append(PSObject(f"{_AUTOMATION}PSCustomObject", properties, ""))
    return found


def _values(host: Host, where: Location) -> dict[str, Any]:
    """REG_EXPAND_SZ expanded, REG_DWORD unsigned, REG_BINARY as an array of bytes."""
    shown: dict[str, Any] = {}
    for value in host.registry.values(where.path):
        data: Any = value.data
        if value.type == "expandstring" and isinstance(data, str):
            data = host.files.expand(data)
        shown[value.name or "(default)"] = list(data) if isinstance(data, bytes) else data
    return shown


def _named(host: Host, where: Location, values: dict[str, Any], patterns: list[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for pattern in patterns:
        hits = {n: v for n, v in values.items() if fnmatch.fnmatchcase(n.lower(), pattern.lower())}
        if not hits and not _WILD.search(pattern):
            _no_property(host, where, pattern, "GetItemPropertyCommand")
        kept.update(hits)
    return kept


def _no_property(host: Host, where: Location, name: str, command: str) -> NoReturn:
    raise CmdletError(
        f"{_AUTOMATION}PSArgumentException",
        f"{_AUTOMATION}PSArgumentException,{_COMMANDS}{command}",
        f"Property {name} does not exist at path {host.registry.full_name(where.path)}.",
        0x80070057,
    )


@cmdlet(
    "Set-ItemProperty",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}SetItemPropertyCommand",
    default_set="propertyValuePathSet",
    changes=True,
    should_process=True,
    parameters={
        "Path": P("String[]", mandatory=True, sets=("propertyValuePathSet",)),
        "LiteralPath": P(
            "String[]", mandatory=True, aliases=("PSPath",), sets=("propertyValueLiteralPathSet",)
        ),
        "Filter": P(),
        "Include": P("String[]"),
        "Exclude": P("String[]"),
        "Credential": P("PSCredential"),
        "Name": P(mandatory=True, aliases=("PSProperty",)),
        "Value": P("Object", mandatory=True, allow_empty=True),
        "Type": P(values=KINDS),
        "PassThru": P("SwitchParameter"),
        **_FORCE,
    },
)
def set_item_property(host: Host, params: Params) -> list[Any]:
    """Write a value. Without -Type an existing value keeps its kind, a new one takes that of the data."""
    for where in _resolve(host, params, "SetItemPropertyCommand"):
        _only_registry(where, "Set-ItemProperty")
        name = _value_name(params["Name"])
        old = host.registry.get(where.path, name)
        kind = str(params["Type"]).lower() if "Type" in params else old.type if old else None
        _write(host, where, name, params["Value"], kind, "SetItemPropertyCommand")
    return []


def _only_registry(where: Location, name: str) -> None:
    if not where.registry:
        raise Unmodelled(f"{name} for a path of the file system")


def _value_name(name: str) -> str:
    return "" if name.lower() == "(default)" else name


def _write(host: Host, where: Location, name: str, value: Any, kind: str | None, command: str) -> None:
    natural, data = _natural(value)
    chosen = natural if kind in (None, "unknown") else str(kind)
    try:
        host.registry.set(where.path, name, _as_kind(data, chosen), chosen)
    except (ValueError, TypeError, AttributeError) as error:
        raise CmdletError(
            "System.ArgumentException",
            f"System.ArgumentException,{_COMMANDS}{command}",
            "The type of the value object did not match the specified RegistryValueKind or the object could not be "
            "properly converted.",
            0x80070057,
        ) from error


def _natural(value: Any) -> tuple[str, Data]:
    """The kind that the registry provider takes for a .NET value, and the value."""
    if isinstance(value, bool):
        return "string", str(value)
    if isinstance(value, int):
        return ("dword" if -(2**31) <= value < 2**31 else "qword"), value
    if isinstance(value, list):
        return "multistring", [to_text(item) for item in value]
    return "string", to_text(value)


def _as_kind(data: Data, kind: str) -> Data:
    """``data`` as the registry stores that kind; ValueError or TypeError if it cannot."""
    if kind in ("dword", "qword"):
        number = int(data, 0) if isinstance(data, str) else int(data)  # type: ignore[arg-type]
        bits = 32 if kind == "dword" else 64
        if not -(2 ** (bits - 1)) <= number < 2**bits:
            raise ValueError(number)
        return number
    if kind == "binary":
        return bytes(int(item) for item in (data if isinstance(data, list) else [data]))
    if kind == "multistring":
        return data if isinstance(data, list) else [to_text(data)]
    return " ".join(data) if isinstance(data, list) else to_text(data)


@cmdlet(
    "New-ItemProperty",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}NewItemPropertyCommand",
    default_set="Path",
    changes=True,
    should_process=True,
    parameters={
        **_PLACE,
        **_FORCE,
        "Name": P(mandatory=True, aliases=("PSProperty",)),
        "PropertyType": P(aliases=("Type",), values=KINDS),
        "Value": P("Object"),
    },
)
def new_item_property(host: Host, params: Params) -> list[Any]:
    """Make a value; an existing one needs -Force."""
    found = []
    for where in _resolve(host, params, "NewItemPropertyCommand"):
        _only_registry(where, "New-ItemProperty")
        name = _value_name(params["Name"])
        if host.registry.exists(where.path, name) and not params.switch("Force"):
            _io_error("NewItemPropertyCommand", "The property already exists.")
        kind = str(params["PropertyType"]).lower() if "PropertyType" in params else None
        _write(host, where, name, params.get("Value", ""), kind, "NewItemPropertyCommand")
        found += get_item_property(host, Params({"LiteralPath": [where.path], "Name": [params["Name"]]}))
    return found


@cmdlet(
    "Remove-ItemProperty",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}RemoveItemPropertyCommand",
    default_set="Path",
    changes=True,
    should_process=True,
    parameters={**_PLACE, **_FORCE, "Name": P("String[]", mandatory=True, aliases=("PSProperty",))},
)
def remove_item_property(host: Host, params: Params) -> list[Any]:
    """Remove values; one that is missing is an error."""
    for where in _resolve(host, params, "RemoveItemPropertyCommand"):
        _only_registry(where, "Remove-ItemProperty")
        for name in params["Name"]:
            if not host.registry.delete_value(where.path, _value_name(name)):
                _no_property(host, where, name, "RemoveItemPropertyCommand")
    return []

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of the file system and the registry, and properties of registry keys."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, call
from winsim.errors import Unmodelled
from winsim.host import Host

COMMANDS = "Microsoft.PowerShell.Commands."
NOT_FOUND = "System.Management.Automation.ItemNotFoundException"
IO = "System.IO.IOException"
KEY = "HKLM:\\SOFTWARE\\Test"


@pytest.fixture
def host() -> Host:
    made = Host.standard(features={"installed": ["FS-iSCSITarget-Server"]})
    for name, data, kind in [
        ("Text", "a b", "string"),
        ("Number", 0xFFFFFFFF, "dword"),
        ("Big", 2**40, "qword"),
        ("Path", "%SystemRoot%\\x", "expandstring"),
        ("Many", ["a", "b"], "multistring"),
        ("Raw", b"\x01\x02", "binary"),
        ("", "standard", "string"),
    ]:
        made.registry.set(KEY, name, data, kind)  # type: ignore[arg-type]
    for sub in ("0", "1"):
        made.registry.set(f"{KEY}\\Sub\\{sub}", "Type", int(sub))
    made.registry.create(f"{KEY}\\Empty")
    made.files.mkdir("D:\\dir\\Inner")
    made.files.write("D:\\dir\\a.txt", b"hello")
    made.files.write("D:\\dir\\b.log", b"")
    made.files.write("D:\\dir\\Inner\\c.txt", b"c")
    made.files.write("D:\\dir\\hidden.txt", b"").attributes.add("Hidden")
    made.files.write("D:\\dir\\fixed.txt", b"").attributes.add("ReadOnly")
    return made


def error(host: Host, name: str, params: dict[str, Any]) -> CmdletError:
    with pytest.raises(CmdletError) as caught:
        call(host, name, params)
    return caught.value


def test_file_item(host: Host) -> None:
    (item,) = call(host, "Get-Item", {"LiteralPath": "d:/DIR/A.TXT"})
    assert item.type == "System.IO.FileInfo"
    assert [item.get(n) for n in ("FullName", "Length", "PSIsContainer", "BaseName", "Extension", "IsReadOnly")] == [
        "D:\\dir\\a.txt", 5, False, "a", ".txt", False,
    ]  # fmt: skip
    assert item.get("PSPath") == "Microsoft.PowerShell.Core\\FileSystem::D:\\dir\\a.txt"
    (folder,) = call(host, "Get-Item", {"Path": "D:\\dir\\"})
    assert (folder.type, folder.get("Length"), str(folder)) == ("System.IO.DirectoryInfo", None, "D:\\dir")
    assert call(host, "Get-Item", {"PSPath": item.get("PSPath")})[0].get("Name") == "a.txt"


def test_key_item(host: Host) -> None:
    (item,) = call(host, "Get-Item", {"LiteralPath": "hklm:\\software\\TEST"})
    assert (item.get("Name"), item.get("SubKeyCount"), item.get("ValueCount")) == (
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Test", 2, 7,
    )  # fmt: skip
    assert "(default)" in item.get("Property")
    assert item.get("PSChildName") == "Test"
    assert item.get("PSDrive") == "HKLM"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("D:\\dir\\*.txt", ["a.txt", "fixed.txt", "hidden.txt"]),
        ("D:\\d?r\\[ab].*", ["a.txt", "b.log"]),
        ("D:\\*\\Inner\\*", ["c.txt"]),
        ("D:\\dir\\*.none", []),
        (f"{KEY}\\Sub\\*", ["0", "1"]),
        (f"{KEY}\\*\\1", ["1"]),
    ],
)
def test_wildcards(host: Host, path: str, names: list[str]) -> None:
    assert [item.get("PSChildName") for item in call(host, "Get-Item", {"Path": path})] == names


@pytest.mark.parametrize(
    ("name", "path", "type", "error_id"),
    [
        ("Get-Item", "D:\\none", NOT_FOUND, "PathNotFound"),
        ("Get-Item", "\\\\server\\share", NOT_FOUND, "PathNotFound"),
        ("Get-Item", "relative.txt", NOT_FOUND, "PathNotFound"),
        ("Get-Item", "D:\\dir\\[ab].txt", NOT_FOUND, "PathNotFound"),
        ("Get-Item", "HKLM:\\SOFTWARE\\None", NOT_FOUND, "PathNotFound"),
        ("Get-Item", "X:\\a", "System.Management.Automation.DriveNotFoundException", "DriveNotFound"),
        ("Get-Item", "HKU:\\a", "System.Management.Automation.DriveNotFoundException", "DriveNotFound"),
        ("Get-ChildItem", "D:\\none", NOT_FOUND, "PathNotFound"),
        ("Get-ItemProperty", "HKLM:\\SOFTWARE\\None", NOT_FOUND, "PathNotFound"),
        ("Remove-Item", "D:\\none", NOT_FOUND, "PathNotFound"),
    ],
)
def test_missing_items(host: Host, name: str, path: str, type: str, error_id: str) -> None:
    found = error(host, name, {"LiteralPath": path})
    assert (found.type, found.error_id) == (type, f"{error_id},{COMMANDS}{name.replace('-', '')}Command")


def test_wildcard_below_nothing(host: Host) -> None:
    found = error(host, "Get-ItemProperty", {"Path": f"{KEY}\\None\\*"})
    assert (found.type, found.message) == (
        NOT_FOUND,
        f"Cannot find path '{KEY}\\None' because it does not exist.",
    )


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"LiteralPath": "D:\\dir"}, ["Inner", "a.txt", "b.log", "fixed.txt"]),
        ({"LiteralPath": "D:\\dir", "Force": True}, ["Inner", "a.txt", "b.log", "fixed.txt", "hidden.txt"]),
        ({"Path": "D:\\dir", "Filter": "*.TXT"}, ["a.txt", "fixed.txt"]),
        ({"Path": "D:\\dir", "Directory": True}, ["Inner"]),
        ({"Path": "D:\\dir", "File": True, "Recurse": True}, ["a.txt", "b.log", "fixed.txt", "c.txt"]),
        ({"Path": "D:\\dir", "Depth": 0}, ["Inner", "a.txt", "b.log", "fixed.txt"]),
        ({"Path": "D:\\dir\\a.txt"}, ["a.txt"]),
        ({"LiteralPath": f"{KEY}\\Sub"}, ["0", "1"]),
        ({"LiteralPath": KEY, "Recurse": True}, ["Empty", "Sub", "0", "1"]),
    ],
)
def test_get_child_item(host: Host, params: dict[str, Any], names: list[str]) -> None:
    assert [item.get("PSChildName") for item in call(host, "Get-ChildItem", params)] == names


def test_get_child_item_names(host: Host) -> None:
    assert call(host, "Get-ChildItem", {"LiteralPath": f"{KEY}\\Sub", "Name": True}) == ["0", "1"]


@pytest.mark.parametrize(
    ("params", "answers"),
    [
        ({"LiteralPath": "D:\\dir"}, [True]),
        ({"LiteralPath": ["D:\\dir", "D:\\none"]}, [True, False]),
        ({"LiteralPath": "X:\\none"}, [False]),
        ({"LiteralPath": "D:\\dir", "PathType": "Leaf"}, [False]),
        ({"LiteralPath": "D:\\dir", "PathType": "Container"}, [True]),
        ({"LiteralPath": "D:\\dir\\a.txt", "PathType": "leaf"}, [True]),
        ({"Path": "D:\\dir\\*.txt"}, [True]),
        ({"Path": "D:\\dir\\*.none"}, [False]),
        ({"Path": "D:\\none\\*"}, [False]),
        ({"LiteralPath": KEY}, [True]),
        ({"LiteralPath": KEY, "PathType": "Leaf"}, [False]),
        ({"LiteralPath": f"{KEY}\\Text"}, [False]),
    ],
)
def test_test_path(host: Host, params: dict[str, Any], answers: list[bool]) -> None:
    assert call(host, "Test-Path", params) == answers


def test_get_item_property(host: Host) -> None:
    (found,) = call(host, "Get-ItemProperty", {"LiteralPath": KEY})
    names = ("text", "NUMBER", "Big", "Path", "Many", "Raw", "(default)", "PSChildName")
    assert [found.get(name) for name in names] == [
        "a b", 0xFFFFFFFF, 2**40, "C:\\Windows\\x", ["a", "b"], [1, 2], "standard", "Test",
    ]  # fmt: skip
    (part,) = call(
        host,
        "Get-ItemProperty",
        {"LiteralPath": "Registry::HKEY_LOCAL_MACHINE\\SOFTWARE\\Test", "Name": "T*"},
    )
    assert (part.get("Text"), part.get("Number")) == ("a b", None)
    assert call(host, "Get-ItemProperty", {"LiteralPath": f"{KEY}\\Empty"}) == []
    assert call(host, "Get-ItemProperty", {"LiteralPath": KEY, "Name": "zz*"}) == []
    assert [item.get("Type") for item in call(host, "Get-ItemProperty", {"Path": f"{KEY}\\Sub\\*"})] == [0, 1]
    assert call(host, "Get-ItemProperty", {"Path": "D:\\dir\\a.txt"})[0].get("Length") == 5
    found = error(host, "Get-ItemProperty", {"LiteralPath": KEY, "Name": "Nope"})
    assert found.type == "System.Management.Automation.PSArgumentException"


@pytest.mark.parametrize(
    ("params", "kind", "data"),
    [
        ({"Name": "New", "Value": "x"}, "string", "x"),
        ({"Name": "New", "Value": 5}, "dword", 5),
        ({"Name": "New", "Value": -1}, "dword", 0xFFFFFFFF),
        ({"Name": "New", "Value": 2**40}, "qword", 2**40),
        ({"Name": "New", "Value": ["a", 1]}, "multistring", ["a", "1"]),
        ({"Name": "New", "Value": True}, "string", "True"),
        ({"Name": "New", "Value": "%a%", "Type": "ExpandString"}, "expandstring", "%a%"),
        ({"Name": "New", "Value": "0x10", "Type": "DWord"}, "dword", 16),
        ({"Name": "New", "Value": [1, 255], "Type": "Binary"}, "binary", b"\x01\xff"),
        ({"Name": "New", "Value": "one", "Type": "MultiString"}, "multistring", ["one"]),
        ({"Name": "New", "Value": ["a", "b"], "Type": "String"}, "string", "a b"),
        ({"Name": "New", "Value": 5, "Type": "Unknown"}, "dword", 5),
        ({"Name": "number", "Value": "7"}, "dword", 7),
        ({"Name": "Text", "Value": 7}, "string", "7"),
        ({"Name": "Text", "Value": ""}, "string", ""),
        ({"Name": "(default)", "Value": "d"}, "string", "d"),
    ],
)
def test_set_item_property(host: Host, params: dict[str, Any], kind: str, data: Any) -> None:
    assert call(host, "Set-ItemProperty", {"LiteralPath": KEY, **params}) == []
    value = host.registry.get(KEY, "" if params["Name"] == "(default)" else params["Name"])
    assert value is not None
    assert (value.type, value.data) == (kind, data)


@pytest.mark.parametrize(
    ("name", "params", "type"),
    [
        ("Set-ItemProperty", {"LiteralPath": f"{KEY}\\None", "Name": "a", "Value": 1}, NOT_FOUND),
        ("Set-ItemProperty", {"LiteralPath": KEY, "Name": "Number", "Value": "x"}, "System.ArgumentException"),
        ("Set-ItemProperty", {"LiteralPath": KEY, "Name": "a", "Value": 2**32, "Type": "DWord"}, "System.ArgumentException"),
        ("Set-ItemProperty", {"LiteralPath": KEY, "Name": "a", "Value": [999], "Type": "Binary"}, "System.ArgumentException"),
        ("New-ItemProperty", {"LiteralPath": f"{KEY}\\None", "Name": "a", "Value": 1}, NOT_FOUND),
        ("New-ItemProperty", {"LiteralPath": KEY, "Name": "TEXT", "Value": 1}, IO),
        ("Remove-ItemProperty", {"LiteralPath": KEY, "Name": "Nope"}, "System.Management.Automation.PSArgumentException"),
        ("New-Item", {"Path": KEY}, IO),
        ("New-Item", {"Path": f"{KEY}\\x\\y"}, IO),
        ("New-Item", {"Path": "D:\\dir", "ItemType": "Directory"}, IO),
        ("New-Item", {"Path": "D:\\dir\\a.txt", "ItemType": "Directory", "Force": True}, IO),
        ("New-Item", {"Path": "D:\\dir\\a.txt", "ItemType": "File"}, IO),
        ("New-Item", {"Path": "D:\\none\\a.txt", "ItemType": "File"}, "System.IO.DirectoryNotFoundException"),
        ("New-Item", {"Path": "X:\\a", "ItemType": "Directory"}, "System.Management.Automation.DriveNotFoundException"),
        ("Remove-Item", {"LiteralPath": KEY}, "System.Management.Automation.PSInvalidOperationException"),
        ("Remove-Item", {"LiteralPath": "D:\\dir"}, "System.Management.Automation.PSInvalidOperationException"),
        ("Remove-Item", {"LiteralPath": "D:\\dir\\fixed.txt"}, IO),
    ],
)  # fmt: skip
def test_change_refusals(host: Host, name: str, params: dict[str, Any], type: str) -> None:
    assert error(host, name, params).type == type


def test_new_item_property(host: Host) -> None:
    (made,) = call(
        host, "New-ItemProperty", {"LiteralPath": KEY, "Name": "N", "Value": 1, "PropertyType": "QWord"}
    )
    assert made.get("N") == 1
    call(host, "New-ItemProperty", {"Path": KEY, "Name": "N", "Value": "x", "Force": True, "Confirm": False})
    value = host.registry.get(KEY, "N")
    assert value is not None
    assert (value.type, value.data) == ("string", "x")
    call(host, "New-ItemProperty", {"Path": KEY, "Name": "Blank"})
    assert host.registry.data(KEY, "Blank") == ""
    call(host, "Remove-ItemProperty", {"LiteralPath": KEY, "Name": ["N", "blank"]})
    assert not host.registry.exists(KEY, "N")


def test_new_item(host: Host) -> None:
    assert call(host, "New-Item", {"Path": f"{KEY}\\New"})[0].get("PSChildName") == "New"
    call(host, "New-Item", {"Path": f"{KEY}\\x\\y", "Force": True, "Value": "v"})
    assert host.registry.data(f"{KEY}\\x\\y") == "v"
    call(host, "New-Item", {"Path": KEY, "Force": True})
    assert host.registry.values(KEY) == []  # -Force replaces an existing key
    assert host.registry.subkeys(KEY) == []
    call(host, "New-Item", {"Path": "D:\\p", "Name": "q", "ItemType": "Directory"})
    assert host.files.is_dir("D:\\p\\q")
    call(host, "New-Item", {"Path": "D:\\p\\q", "ItemType": "Directory", "Force": True})
    call(host, "New-Item", {"Path": "D:\\new\\f.txt", "ItemType": "File", "Value": "text", "Force": True})
    assert host.files.read("D:\\new\\f.txt") == b"text"


def test_remove_item(host: Host) -> None:
    call(host, "Remove-Item", {"LiteralPath": f"{KEY}\\Sub\\0"})
    call(host, "Remove-Item", {"LiteralPath": KEY, "Recurse": True, "Force": True})
    assert not host.registry.exists(KEY)
    call(host, "Remove-Item", {"Path": "D:\\dir\\[ab].*"})
    call(host, "Remove-Item", {"LiteralPath": "D:\\dir\\fixed.txt", "Force": True})
    call(host, "Remove-Item", {"LiteralPath": "D:\\dir", "Recurse": True})
    assert not host.files.exists("D:\\dir")


def test_remove_open_disk(host: Host) -> None:
    host.files.mkdir("D:\\d")
    call(host, "New-IscsiVirtualDisk", {"Path": "D:\\d\\a.vhdx", "Size": 2**30})
    found = error(host, "Remove-Item", {"LiteralPath": "D:\\d\\a.vhdx", "Force": True})
    assert (found.type, found.error_id) == (IO, f"RemoveFileSystemItemIOError,{COMMANDS}RemoveItemCommand")
    call(host, "Remove-IscsiVirtualDisk", {"Path": "D:\\d\\a.vhdx"})
    call(host, "Remove-Item", {"LiteralPath": "D:\\d\\a.vhdx"})


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Get-Item", {"LiteralPath": "Env:\\Path"}),
        ("Get-Item", {"LiteralPath": "D:\\dir", "Include": "*"}),
        ("Get-Item", {"Path": "D:\\dir", "Filter": "*"}),
        ("Get-ChildItem", {"Path": "D:\\dir", "Hidden": True}),
        ("Test-Path", {"Path": "D:\\dir", "IsValid": True}),
        ("Remove-Item", {"Path": "D:\\dir", "Filter": "*"}),
        ("New-Item", {"Path": "D:\\x"}),
        ("New-Item", {"Path": "D:\\x", "ItemType": "SymbolicLink"}),
        ("Get-ItemProperty", {"Path": "D:\\dir", "Filter": "*"}),
        ("Set-ItemProperty", {"Path": "D:\\dir\\a.txt", "Name": "IsReadOnly", "Value": True}),
        ("New-ItemProperty", {"Path": "D:\\dir\\a.txt", "Name": "x"}),
        ("Remove-ItemProperty", {"Path": "D:\\dir\\a.txt", "Name": "x"}),
    ],
)
def test_not_modelled(host: Host, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled):
        call(host, name, params)

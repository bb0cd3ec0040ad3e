# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry, win_regedit and win_reg_stat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from winsim.errors import RegistryError, Unmodelled
from winsim.host import Host
from winsim.registry import Registry

Run = Callable[..., dict[str, Any]]
KEY = "HKLM:\\SOFTWARE\\Demo"

# type, given data, stored data, value in the diff
DATA: list[tuple[str, Any, Any, Any]] = [
    ("string", "text", "text", "text"),
    ("string", 5, "5", "5"),
    ("string", None, "", ""),
    ("expandstring", "%TEMP%\\x", "%TEMP%\\x", "%TEMP%\\x"),
    ("dword", 1, 1, "0x00000001"),
    ("dword", None, 0, "0x00000000"),
    ("dword", "0xFFFFFFFF", 0xFFFFFFFF, "0xffffffff"),
    ("dword", 4294967295, 0xFFFFFFFF, "0xffffffff"),
    ("dword", -1, 0xFFFFFFFF, "0xffffffff"),
    ("dword", "17", 17, "0x00000011"),
    ("dword", 2.0, 2, "0x00000002"),
    ("qword", "0xFFFFFFFFFFFFFFFF", 2**64 - 1, "0xffffffffffffffff"),
    ("multistring", ["a", 2], ["a", "2"], ["a", "2"]),
    ("multistring", "a", ["a"], ["a"]),
    ("multistring", None, [], []),
    ("binary", "hex:be,ef", b"\xbe\xef", ["0xbe", "0xef"]),
    ("binary", "beef", b"\xbe\xef", ["0xbe", "0xef"]),
    ("binary", "be:ef", b"\xbe\xef", ["0xbe", "0xef"]),
    ("binary", "7", b"\x07", ["0x07"]),
    ("binary", "abc", b"", []),
    ("binary", [1, "0x02"], b"\x01\x02", ["0x01", "0x02"]),
    ("binary", 255, b"\xff", ["0xff"]),
    ("none", None, b"", []),
]


@pytest.mark.parametrize(("kind", "given", "stored", "shown"), DATA)
def test_types(
    check_first: Run, run: Run, host: Host, kind: str, given: Any, stored: Any, shown: Any
) -> None:
    arguments = {"path": KEY, "name": "v", "data": given, "type": kind}
    diff = run("win_regedit", _check=True, _diff=True, **arguments)["diff"]
    assert diff == {"before": {}, "after": {KEY: {}}}  # the module stops where the key would be new
    check_first("win_regedit", **arguments)
    value = host.registry.get(KEY, "V")
    assert value is not None
    assert (value.type, value.data) == (kind, stored)
    after = run("win_regedit", _diff=True, **arguments)["diff"]["after"]
    assert after[KEY]["v"]["value"] == shown


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"data": 2**32, "type": "dword"}, "data cannot be larger than 0xffffffff when type is dword"),
    (
        {"data": "0x10000000000000000", "type": "qword"},
        "data cannot be larger than 0xffffffffffffffff when type is qword",
    ),
    (
        {"data": 1.5, "type": "dword"},
        "data '1.5' cannot be a decimal or float value with a remainder when type is",
    ),
    (
        {"data": "one", "type": "dword"},
        'Cannot convert value "one" to type "System.UInt64". Error: "Input string was',
    ),
    ({"data": "-1", "type": "dword"}, 'Error: "Value was either too large or too small for a UInt64."'),
    ({"data": -(2**40), "type": "dword"}, 'to type "System.Int32"'),
    ({"data": 256, "type": "binary"}, "cannot convert binary data '256' to byte array"),
    ({"data": "be,zz,fff", "type": "binary"}, "ToByte"),
    ({"path": "HKXX:\\SOFTWARE"}, "path: HKXX:\\SOFTWARE is not a valid powershell path"),
    ({"path": "HKLM\\SOFTWARE"}, "is not a valid powershell path"),
    ({"path": "HKLM:\\NewTop\\x"}, "failed to create registry key at HKLM:\\NewTop\\x"),
    ({"type": "number"}, "value of type must be one of"),
]


@pytest.mark.parametrize(("arguments", "text"), FAILURES, ids=[text[:40] for _, text in FAILURES])
def test_failures(run: Run, arguments: dict[str, Any], text: str) -> None:
    result = run("win_regedit", **{"path": KEY, "name": "v", **arguments})
    assert result["failed"]
    assert text in result["msg"]


def test_key_alone_default_value_and_type_warning(run: Run, check_first: Run, host: Host) -> None:
    check_first("win_regedit", path=KEY)
    assert host.registry.values(KEY) == []
    result = run("win_regedit", path=KEY, data="default", type="dword")
    assert "can only be 'string'" in result["warnings"][0]
    assert host.registry.data(KEY) == "default"
    assert run("win_regedit", path=KEY, name="", data="other")["data_changed"] is True


def test_changes_of_data_and_type(run: Run) -> None:
    run("win_regedit", path=KEY, name="v", data="1", type="string")
    typed = run("win_regedit", path=KEY, name="V", data=1, type="dword", _diff=True)
    assert (typed["data_type_changed"], typed["data_changed"]) == (True, False)
    assert typed["diff"]["before"] == {KEY: {"V": {"type": "String", "value": "1"}}}
    assert typed["diff"]["after"] == {KEY: {"V": {"type": "DWord", "value": "0x00000001"}}}
    assert run("win_regedit", path=KEY, name="v", data=2, type="dword")["data_changed"] is True


def test_absent(run: Run, check_first: Run, host: Host) -> None:
    run("win_regedit", path=KEY + "\\Sub", name="v", data="1")
    diff = run("win_regedit", path=KEY + "\\Sub", name="v", state="absent", _check=True, _diff=True)["diff"]
    assert diff["before"] == {KEY + "\\Sub": {"v": {"type": "String", "value": "1"}}}
    check_first("win_regedit", path=KEY + "\\Sub", name="v", state="absent")
    assert run("win_regedit", path=KEY, state="absent", delete_key=False)["changed"] is False
    check_first("win_regedit", path=KEY, state="absent")
    assert not host.registry.exists(KEY + "\\Sub")
    assert run("win_regedit", path="HKLM:\\", state="absent")["failed"]


def test_hive_files_are_not_modelled(run: Run) -> None:
    with pytest.raises(Unmodelled, match="hive"):
        run("win_regedit", path=KEY, hive="C:\\x.dat")


def test_stat(run: Run) -> None:
    run("win_regedit", path=KEY, name="e", data="%SystemRoot%\\x", type="expandstring")
    run("win_regedit", path=KEY + "\\Sub", name="b", data="0a", type="binary")
    value = run("win_reg_stat", path=KEY, name="E")
    assert value == {
        "changed": False, "exists": True, "type": "REG_EXPAND_SZ", "value": "C:\\Windows\\x",
        "raw_value": "%SystemRoot%\\x",
    }  # fmt: skip
    whole = run("win_reg_stat", path=KEY)
    assert whole["sub_keys"] == ["Sub"]
    assert list(whole["properties"]) == ["e"]
    binary = run("win_reg_stat", path=KEY + "\\Sub", name="b")
    assert (binary["value"], binary["raw_value"]) == ([10], ["0x0a"])
    assert run("win_reg_stat", path=KEY, name="none") == {"changed": False, "exists": False}
    assert run("win_reg_stat", path="HKLM:\\SOFTWARE\\None") == {"changed": False, "exists": False}
    assert "is not a valid registry path" in run("win_reg_stat", path="C:\\x")["msg"]


@pytest.mark.parametrize(
    "path",
    [
        "HKLM:\\software\\demo",
        "HKLM\\SOFTWARE\\Demo\\",
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\DEMO",
        "Registry::HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo",
        "Microsoft.PowerShell.Core\\Registry::HKLM\\SOFTWARE\\Demo",
        "HKLM:/SOFTWARE/Demo",
    ],
)
def test_spellings(path: str) -> None:
    registry = Registry()
    registry.create("HKLM:\\SOFTWARE\\Demo")
    assert registry.exists(path)
    assert registry.full_name(path) == "HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo"


def test_registry_by_itself() -> None:
    registry = Registry()
    for data, kind in (
        (1, "dword"),
        (2**40, "qword"),
        (b"x", "binary"),
        (["a"], "multistring"),
        ("s", "string"),
    ):
        assert registry.set("HKCU:\\A\\B", "n", data).type == kind
    assert list(registry.walk("HKCU:\\A")) == ["HKCU:\\A\\B"]
    assert registry.delete_value("HKCU:\\A\\B", "N")
    assert not registry.delete_value("HKCU:\\None", "n")
    assert registry.key("HKCU:\\A\\B\\C\\D") is None
    assert registry.data("HKCU:\\None", "n") is None
    assert registry.subkeys("HKCU:\\None") == []
    with pytest.raises(ValueError, match="unknown registry value type"):
        registry.set("HKCU:\\A", "n", "x", "sz")
    with pytest.raises(RegistryError, match="A drive with the name 'HKXX' does not exist"):
        registry.exists("HKXX:\\A")
    with pytest.raises(RegistryError):
        registry.delete("HKCU:\\")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver brings along beside cmdlets."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from winsim import verbs
from winsim.cmdlets import CmdletError, call
from winsim.errors import Unmodelled
from winsim.host import Host

GROUPS = ("/groups", "/fo", "csv", "/nh")


@pytest.fixture
def host() -> Host:
    return Host.standard()


def start(host: Host, program: str, *arguments: str, **options: Any) -> tuple[int, list[str]]:
    """Start a program; give its exit code and lines."""
    given = {"FilePath": program, "ArgumentList": list(arguments), "ErrorAction": "Stop"}
    (row,) = call(host, "Start-Program", given, **options)
    return row.get("ExitCode"), row.get("Output")


def test_a_program_that_works(host: Host) -> None:
    code, lines = start(host, "C:\\Windows\\System32\\SC.exe", "triggerinfo", "w32time", "delete")
    assert (code, lines) == (0, ["[SC] ChangeServiceConfig2 SUCCESS"])


def test_a_program_that_fails_is_no_error(host: Host) -> None:
    code, lines = start(host, "sc.exe", "triggerinfo", "nosuch")
    assert code == 1060
    assert lines[0] == "[SC] OpenService FAILED 1060:"


def test_w32tm(host: Host) -> None:
    host.services.stop("w32time")
    assert start(host, "w32tm.exe", "/resync")[0] != 0


def test_a_program_that_is_not_there(host: Host) -> None:
    with pytest.raises(CmdletError) as caught:
        start(host, "frobnicate.exe")
    assert caught.value.type.endswith("CommandNotFoundException")


@pytest.mark.parametrize(("program", "arguments"), [("reg.exe", ()), ("whoami.exe", ("/user",))])
def test_programs_without_a_model(host: Host, program: str, arguments: tuple[str, ...]) -> None:
    with pytest.raises(Unmodelled):
        start(host, program, *arguments)


def groups(host: Host, **options: Any) -> dict[str, list[str]]:
    """What whoami says: SID -> name, type, attributes."""
    code, lines = start(host, "whoami.exe", *GROUPS, **options)
    assert code == 0
    return {sid: [name, kind, attributes] for name, kind, sid, attributes in csv.reader(lines)}


def test_an_elevated_token(host: Host) -> None:
    found = groups(host)
    assert found["S-1-16-12288"][1] == "Label"
    assert "S-1-16-8192" not in found
    assert "Enabled group" in found["S-1-5-32-544"][2]
    assert "S-1-5-2" in found


def test_a_filtered_token() -> None:
    found = groups(Host.from_config("one", {"filtered_token": True}))
    assert "S-1-16-12288" not in found
    assert found["S-1-16-8192"][0] == "Mandatory Label\\Medium Mandatory Level"
    assert found["S-1-5-32-544"][2] == "Group used for deny only"


def test_become_is_interactive(host: Host) -> None:
    found = groups(host, network_logon=False)
    assert "S-1-5-4" in found
    assert "S-1-5-2" not in found


def test_a_registry_key(host: Host) -> None:
    path = "HKLM:\\SOFTWARE\\T"
    host.registry.set(path, "", "default", "string")
    host.registry.set(path, "Path", "%SystemRoot%\\x", "expandstring")
    host.registry.set(path, "Number", 2**32 - 1, "dword")
    host.registry.set(path, "Bytes", b"\x01\xff", "binary")
    host.registry.set(path, "List", ["a", "b"], "multistring")
    rows = call(host, "Get-RegistryKey", {"LiteralPath": path, "ErrorAction": "Stop"})
    assert [tuple(row.properties.values()) for row in rows] == [
        ("", "String", "default"),
        ("Path", "ExpandString", "%SystemRoot%\\x"),
        ("Number", "DWord", 2**32 - 1),
        ("Bytes", "Binary", [1, 255]),
        ("List", "MultiString", ["a", "b"]),
    ]


def test_a_key_without_values(host: Host) -> None:
    host.registry.create("HKLM:\\SOFTWARE\\T")
    assert call(host, "Get-RegistryKey", {"LiteralPath": "HKLM:\\SOFTWARE\\T"}) == []


def test_a_key_that_is_not_there(host: Host) -> None:
    with pytest.raises(CmdletError) as caught:
        call(host, "Get-RegistryKey", {"LiteralPath": "HKLM:\\SOFTWARE\\None"})
    assert caught.value.type.endswith("ItemNotFoundException")


def test_the_verbs_are_those_of_the_driver() -> None:
    from winsim.cmdlets import catalogue

    own = {name for name, model in catalogue().items() if model.module == verbs.MODULE}
    assert own == {"Start-Program", "Get-RegistryKey"}

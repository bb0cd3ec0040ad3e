# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_command, win_shell and win_powershell."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from winsim import driver
from winsim.errors import Unmodelled
from winsim.host import Host
from winsim.modules.commands import clean_stderr, escape_argument, first_word, supports_should_process

Run = Callable[..., dict[str, Any]]


def lines(result: dict[str, Any]) -> list[str]:
    assert not result.get("failed"), result
    return str(result["stdout"]).splitlines()


COMMANDS = [
    ("hostname", "WIN-STOR1"),
    ("hostname.exe", "WIN-STOR1"),
    ("C:\\Windows\\System32\\hostname.exe", "WIN-STOR1"),
    ("whoami", "win-stor1\\administrator"),
    ("cmd /c echo hi there", "hi there"),
    ('cmd.exe /c "echo one && echo two"', "one"),
    ('"C:\\Windows\\System32\\cmd.exe" /d /c echo %COMPUTERNAME%', "WIN-STOR1"),
    ("powershell.exe -NoProfile -Command hostname", "WIN-STOR1"),
    ("tzutil /g", "UTC"),
]


@pytest.mark.parametrize(("line", "first"), COMMANDS)
def test_command(run: Run, line: str, first: str) -> None:
    result = run("win_command", _args={"_raw_params": line})
    assert lines(result)[0].strip() == first
    assert (result["changed"], result["rc"], result["cmd"]) == (True, 0, line)
    assert result["delta"].startswith("0:00:0")


def test_ways_to_say_a_command(run: Run) -> None:
    assert lines(run("win_command", cmd="hostname")) == ["WIN-STOR1"]
    argv = run("win_command", argv=["cmd", "/c", "echo a b"])
    assert argv["cmd"] == 'C:\\Windows\\System32\\cmd.exe /c "echo a b"'
    assert lines(argv) == ["a b"]
    assert run("win_command", argv=["none"])["failed"]
    assert "mutually exclusive" in run("win_command", cmd="x", argv=["y"])["msg"]
    assert "one of the following is required" in run("win_command")["msg"]
    skipped = run("win_command", cmd="hostname", _check=True)
    assert skipped["skipped"]


def test_creates_and_removes(run: Run) -> None:
    assert run("win_command", cmd="x", creates="C:\\Windows")["msg"] == "skipped, since C:\\Windows exists"
    assert run("win_command", cmd="x", creates="C:\\Win*")["skipped"] is True
    assert run("win_shell", cmd="hostname", _args={"_raw_params": "hostname"}, removes="C:\\none")["rc"] == 0


def test_programs_that_do_not_start(run: Run) -> None:
    missing = run("win_command", _args={"_raw_params": "echo hi"})  # no program: a word of cmd.exe
    assert missing["rc"] == 2
    assert "Failed to run: 'echo hi'" in missing["msg"]
    assert "The system cannot find the file specified" in missing["msg"]
    assert run("win_command", cmd="hostname", chdir="C:\\none")["rc"] == 2
    with pytest.raises(Unmodelled, match="robocopy"):
        run("win_command", cmd="robocopy a b")
    with pytest.raises(Unmodelled, match="stdin"):
        run("win_command", cmd="findstr x", stdin="x")


def test_stdin(run: Run) -> None:
    for line in ("powershell.exe -", "powershell -NoProfile -Command -"):
        read = run("win_command", cmd=line, stdin='Write-Host "some input"')
        assert (read["rc"], read["stdout"], read["stderr"]) == (0, "some input\r\n", "")
    assert run("win_command", cmd="powershell.exe -")["stdout"] == ""
    assert run("win_command", cmd="hostname", stdin="x")["rc"] == 0


def test_the_state_of_a_service(run: Run) -> None:
    lines = [line.strip() for line in run("win_command", cmd="sc.exe query Spooler")["stdout"].splitlines()]
    assert lines[1:] == [
        "SERVICE_NAME: Spooler",
        "TYPE               : 10  WIN32_OWN_PROCESS",
        "STATE              : 4  RUNNING",
        "(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)",
        "WIN32_EXIT_CODE    : 0  (0x0)",
        "SERVICE_EXIT_CODE  : 0  (0x0)",
        "CHECKPOINT         : 0x0",
        "WAIT_HINT          : 0x0",
    ]
    missing = run("win_command", cmd="sc.exe query none")
    assert missing["rc"] == 1060
    assert "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:" in missing["stdout"]


def test_exit_codes(run: Run) -> None:
    failed = run("win_command", cmd="cmd /c exit 3")
    assert (failed["rc"], failed["msg"], failed["changed"]) == (3, "non-zero return code", True)
    assert run("win_command", cmd="sc.exe query Nope")["rc"] == 1060
    assert "RUNNING" in run("win_command", cmd="sc.exe query WinRM")["stdout"]


def test_programs_of_the_model(run: Run, host: Host) -> None:
    out = run("win_command", cmd="ipconfig")["stdout"]
    assert "IPv4 Address. . . . . . . . . . . : 172.21.0.11" in out
    assert "Subnet Mask . . . . . . . . . . . : 255.255.255.0" in out
    host.registry.set("HKLM:\\SOFTWARE\\Demo", "n", 17)
    host.registry.set("HKLM:\\SOFTWARE\\Demo", "b", b"\x0a")
    host.registry.set("HKLM:\\SOFTWARE\\Demo", "m", ["x", "y"])
    host.registry.create("HKLM:\\SOFTWARE\\Demo\\Sub")
    query = run("win_command", cmd="reg query HKLM\\SOFTWARE\\Demo")["stdout"].splitlines()
    assert query == [
        "",
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo",
        "    n    REG_DWORD    0x11",
        "    b    REG_BINARY    0A",
        "    m    REG_MULTI_SZ    x\\0y",
        "",
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Demo\\Sub",
    ]
    assert "0x11" in run("win_command", cmd="reg query HKLM\\SOFTWARE\\Demo /v n")["stdout"]
    assert run("win_command", cmd="reg query HKLM\\SOFTWARE\\Demo /v none")["rc"] == 1
    assert "Invalid key name" in run("win_command", cmd="reg query HKXX\\A")["stderr"]
    for line in ("reg add HKLM\\A", "ipconfig /all", "tzutil /s UTC", "cmd /k"):
        with pytest.raises(Unmodelled):
            run("win_command", cmd=line)


SHELL = [
    ("hostname", "WIN-STOR1"),
    ("Write-Output 'a'", "a"),
    ("(Get-Service -Name WinRM).Status", "Running"),
    ("Get-Service W32Time | Select-Object -ExpandProperty StartType", "Manual"),
    ("$env:COMPUTERNAME", "WIN-STOR1"),
    ("Test-Path 'C:\\Windows'", "True"),
]


@pytest.mark.parametrize(("text", "first"), SHELL)
def test_shell(run: Run, text: str, first: str) -> None:
    result = run("win_shell", _args={"_raw_params": text})
    assert lines(result)[0] == first
    assert result["changed"] is True


def test_shell_of_other_kinds(run: Run) -> None:
    cmd = run("win_shell", _args={"_raw_params": "echo %TEMP%"}, executable="cmd", _environment={"TEMP": "T"})
    assert lines(cmd) == ["T"]
    with pytest.raises(Unmodelled, match="executable"):
        run("win_shell", _args={"_raw_params": "x"}, executable="bash")
    with pytest.raises(Unmodelled, match="stdin"):
        run("win_shell", _args={"_raw_params": "x"}, stdin="y")
    failed = run("win_shell", _args={"_raw_params": "throw 'no way'"})
    assert (failed["msg"], failed["rc"]) == ("non-zero return code", 1)
    assert "no way" in failed["stderr"]
    assert "CLIXML" not in failed["stderr"]


def test_texts() -> None:
    assert first_word('  "C:\\a b\\x.exe" y') == "C:\\a b\\x.exe"
    assert first_word("") == ""
    assert [escape_argument(text) for text in ("a", "", "a b", 'say "x"', "a b\\")] == [
        "a", '""', '"a b"', '"say \\"x\\""', '"a b\\\\"',
    ]  # fmt: skip
    assert clean_stderr("plain") == "plain"


SCRIPTS = [
    ("[CmdletBinding(SupportsShouldProcess)]\nparam()", True),
    ("# text\n<# more #>\n[CmdletBinding(SupportsShouldProcess = $true)] param()", True),
    ("[CmdletBinding(SupportsShouldProcess=$false)]param()", False),
    ("[CmdletBinding()]param()", False),
    ("Get-Item x", False),
]


@pytest.mark.parametrize(("script", "expected"), SCRIPTS)
def test_should_process(script: str, expected: bool) -> None:
    assert supports_should_process(script) is expected


def test_powershell_runs_the_driver_only(run: Run, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "[CmdletBinding(SupportsShouldProcess)]\nparam($Batch)"
    with pytest.raises(Unmodelled, match="not the reviewed driver"):
        run("win_powershell", script=script)
    monkeypatch.setitem(driver.REVIEWED, driver.digest(script), "test")
    batch = {
        "calls": [
            {
                "id": "one",
                "cmdlet": "Get-Service",
                "params": {"Name": "=WinRM"},
                "select": ["Name"],
                "change": False,
            },
            {
                "id": "two",
                "cmdlet": "Stop-Service",
                "params": {"Name": "=Spooler"},
                "select": [],
                "change": True,
            },
        ]
    }
    secrets = [{"name": "Secret1", "username": "u", "password": "p"}, {"name": "Secret2", "value": "v"}]
    arguments = {
        "script": script,
        "parameters": {"Batch": json.dumps(batch)},
        "sensitive_parameters": secrets,
    }
    checked = run("win_powershell", _check=True, **arguments)
    assert checked["changed"] is False
    assert host.services.get("Spooler").running
    done = run("win_powershell", **arguments)
    assert (done["changed"], done["error"], done["host_err"]) == (True, [], "")
    assert json.loads(done["output"][0])["sections"][0]["data"] == [{"Name": "WinRM"}]
    assert not host.services.get("Spooler").running


def test_powershell_in_check_mode_and_with_creates(run: Run) -> None:
    result = run("win_powershell", script="Get-Item x", _check=True)
    assert (result["changed"], result["msg"]) == (True, "skipped, running in check mode")
    assert run("win_powershell", script="x", creates="C:\\Windows")["changed"] is False
    with pytest.raises(Unmodelled, match="path"):
        run("win_powershell", path="C:\\x.ps1", remote_src=True)
    assert "one of the following is required" in run("win_powershell")["msg"]

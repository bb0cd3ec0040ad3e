# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of PowerShell and cmd.exe text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from winsim.errors import Unmodelled
from winsim.host import Host
from winsim.shellcmds import Output, Session, run_cmd, run_powershell


@pytest.fixture
def session() -> Session:
    host = Host.from_config("unit", {"computer_name": "WIN-UNIT", "users": {"Administrator": "x"}})
    host.files.mkdir("C:\\data\\sub")
    host.files.write("C:\\data\\a.txt", b"one\r\ntwo\r\n")
    return Session(host, "Administrator")


POWERSHELL: list[tuple[str, str | None]] = [
    ("'hello'", "hello"),
    ('"$env:COMPUTERNAME!"', "WIN-UNIT!"),
    ("Write-Output one two", "one\ntwo"),
    ("echo 'a;b' ; echo c", "a;b\nc"),
    ("$x = 3; $x + 4", "7"),
    ("$x = 'a'; \"<$x> $($x.ToUpper()) `$x\"", "<a> A $x"),
    ("1 -eq 1", "True"),
    ("'Abc' -like 'a*' -and -not ('x' -eq 'y')", "True"),
    ("2 + 3 * 4", "14"),
    ("10GB / 1GB", "10"),
    ("(Get-Service -Name WinRM).Status", "Running"),
    ("Get-Service 'WinRM' | Select -ExpandProperty StartType", "Automatic"),
    ("Test-Path 'C:\\data\\a.txt'", "True"),
    ("Test-Path -LiteralPath C:\\nothing", "False"),
    ("Get-Content C:\\data\\a.txt", "one\ntwo"),
    ("(Get-Content C:\\data\\a.txt | Measure-Object).Count", "2"),
    ("(Get-Content -Raw C:\\data\\a.txt).Trim()", "one\r\ntwo"),
    ("Get-ChildItem C:\\data | ForEach-Object { $_.Name }", "sub\na.txt"),
    (
        "Get-ChildItem C:\\data | Where-Object { $_.PSIsContainer } | Select-Object -ExpandProperty FullName",
        "C:\\data\\sub",
    ),
    ("Get-ChildItem C:\\data | Where-Object Name -eq 'a.txt' | % Length", "10"),
    ("if (Test-Path C:\\data) { 'yes' } else { 'no' }", "yes"),
    ("if ($false) { 'a' }\nelseif ('b' -in 'a','b') {\n  'b'\n}\nelse { 'c' }", "b"),
    ("foreach ($n in 1..3) { $n * 2 }", "2\n4\n6"),
    ("try { throw 'bad' } catch { \"caught $_\" } finally { 'end' }", "caught bad\nend"),
    (
        "try { Get-Item C:\\no -ErrorAction Stop } catch { $_.Exception.Message }",
        "Cannot find path 'C:\\no' because it does not exist.",
    ),
    ("@{a = 1; b = 'x'} | ConvertTo-Json -Compress", '{"a":1,"b":"x"}'),
    ("('{\"k\": [1, 2]}' | ConvertFrom-Json).k[1]", "2"),
    ("'{0}-{1}' -f 'a', 5", "a-5"),
    ("'a,b' -split ','", "a\nb"),
    ("('b', 'a' | Sort-Object) -join '+'", "a+b"),
    ("'x1y' -replace '\\d', '-'", "x-y"),
    ("[Environment]::MachineName", "WIN-UNIT"),
    ("[System.IO.File]::Exists('C:\\data\\a.txt')", "True"),
    ("[int]'5' + 1", "6"),
    ("$PSVersionTable.PSVersion.Major", "5"),
    ("hostname", "WIN-UNIT"),
    ("whoami", "win-unit\\administrator"),
    ("& whoami.exe", "win-unit\\administrator"),
    ("# comment only\n'x' # and more", "x"),
    ("Set-Content -Path C:\\data\\b.txt -Value 'new'; Get-Content C:\\data\\b.txt", "new"),
    (
        "'l' | Out-File C:\\data\\c.txt -Encoding ascii; Add-Content C:\\data\\c.txt m; gc C:\\data\\c.txt",
        "l\nm",
    ),
    (
        "New-Item -Path C:\\data\\d -ItemType Directory | Out-Null; Test-Path C:\\data\\d -PathType Container",
        "True",
    ),
    ("Remove-Item C:\\data\\a.txt -Force; Test-Path C:\\data\\a.txt", "False"),
    ("Copy-Item C:\\data\\a.txt C:\\data\\sub; (Get-Item C:\\data\\sub\\a.txt).Length", "10"),
    ("(Get-Date).Year -gt 2000", "True"),
    ("Join-Path C:\\a b\\c", "C:\\a\\b\\c"),
    ("Split-Path C:\\a\\b.txt -Leaf", "b.txt"),
    ("cd C:\\data; (Get-Location).Path", "C:\\data"),
    ("$a = @(); $a += 'x'; $a += 'y'; $a.Count", "2"),
    ("$null -eq $nothing", "True"),
    ("exit 0", ""),
    (
        "Get-Service WinRM, W32Time | Select-Object Name | ConvertTo-Json -Compress",
        '[{"Name":"WinRM"},{"Name":"W32Time"}]',
    ),
    (
        "Get-Service WinRM | Select-Object Name, Status, StartType | ConvertTo-Json -Compress",
        '{"Name":"WinRM","Status":4,"StartType":2}',
    ),
    (
        "Get-Service WinRM | Select-Object -Property Status, Name",
        "\nStatus  Name\n------  ----\nRunning WinRM\n\n",
    ),
    ("Get-Service WinRM | Select-Object Name, Status, StartType, CanStop, MachineName", None),
    ("Get-Service WinRM", None),
    ("[pscustomobject]@{A = 1; B = 'x'} | Select-Object B, A", "\nB A\n- -\nx 1\n\n"),
    ("Get-Service | Where-Object Name -like 'W32*' | Select -First 1 -ExpandProperty Name", "W32Time"),
    ("1..5 | Where-Object { $_ % 2 -eq 0 } | ForEach-Object { $_ * 10 }", "20\n40"),
    ("1..5 | Select-Object -Skip 1 -Last 2", "4\n5"),
    ("3, 1, 2, 1 | Sort-Object -Unique -Descending", "3\n2\n1"),
    ("Get-ChildItem C:\\data | Sort-Object Name | % Name", "a.txt\nsub"),
    ("$x = 'a', 'b'; $x[1]; $x[-1]; $x.Count; $x -contains 'B'", "b\nb\n2\nTrue"),
    ("'abc'.Substring(1, 1) + 'abc'.IndexOf('c') + ' x '.Trim()", "b2x"),
    ("'a-b'.Split('-')[0].Replace('a', 'z').EndsWith('z')", "True"),
    (
        "'x'.StartsWith('x'); 'x'.Contains('y'); 'X'.ToLower(); 'xx'.TrimEnd('x'); 'x'.Equals('x')",
        "True\nFalse\nx\n\nTrue",
    ),
    (
        "[string]5 + 'a'; [bool]'x'; [double]'1.5' + 1; [version]'1.2.3' -gt [version]'1.2'",
        "5a\nTrue\n2.5\nTrue",
    ),
    ("[string]::IsNullOrEmpty(''); [string]::Join('-', @('a', 'b')); [Math]::Round(2.6)", "True\na-b\n3"),
    (
        "[Environment]::GetEnvironmentVariable('COMPUTERNAME'); [Environment]::UserName",
        "WIN-UNIT\nAdministrator",
    ),
    ("[Environment]::ExpandEnvironmentVariables('%COMPUTERNAME%\\x')", "WIN-UNIT\\x"),
    ("[Environment]::OSVersion.Version.Build", "20348"),
    (
        "[System.IO.Path]::Combine('C:\\a', 'b'); [IO.Path]::GetFileName('C:\\a\\b'); [IO.Directory]::Exists('C:\\data')",
        "C:\\a\\b\nb\nTrue",
    ),
    ("[IO.File]::ReadAllText('C:\\data\\a.txt').Length", "10"),
    (
        "[datetime]::UtcNow.Year -ge 2024; (Get-Date).ToUniversalTime().AddSeconds(5).ToFileTime() -gt 0",
        "True\nTrue",
    ),
    (
        "(Get-Date -Format 'yyyy').Length; (Get-Date).ToString('yyyy-MM-dd').Length; (Get-Date -Format o).Length",
        "4\n10\n28",
    ),
    ("(Get-Date -UFormat %Y).Length; (Get-Date -Format s).Length", "4\n19"),
    ("$h = @{'k 1' = 'v'; n = 2}; $h['K 1']; $h.n; $h.Count; $h.ContainsKey('N')", "v\n2\n2\nTrue"),
    ('$o = [pscustomobject]@{A = 1}; $o.A; "$($o.A)-${env:COMPUTERNAME}"', "1\n1-WIN-UNIT"),
    ("@{a = @(1, 2)} | ConvertTo-Json", '{\n    "a":  [\n        1,\n        2\n    ]\n}'),
    ("Set-Variable -Name q -Value 5; $q; (Get-Variable q).Value", "5\n5"),
    ("$env:NEW = 'n'; \"$env:NEW\"; cmd /c echo %NEW%", "n\nn"),
    ("whoami | Out-Null; $LASTEXITCODE", "0"),
    ("cmd /c exit 5; $LASTEXITCODE; $true", "5\nTrue"),
    ("shutdown.exe /a 2>&1 | % { $_.Length -gt 5 }; $null = 1; 'z'", "True\nz"),
    (
        "'x' | Out-File C:\\data\\o.txt; 'y' >> C:\\data\\p.txt; (gc C:\\data\\o.txt) + (gc C:\\data\\p.txt)",
        "xy",
    ),
    ("'n' > $null; Get-Item C:\\no -ErrorAction SilentlyContinue; 'end'", "end"),
    ("Get-Content C:\\data\\a.txt -TotalCount 1; Get-Content C:\\data\\a.txt -Tail 1", "one\ntwo"),
    ("Get-Item C:\\data\\a.txt | Get-Content -Raw | Out-String | % Length", "12"),
    ("Move-Item C:\\data\\a.txt C:\\data\\z.txt; Test-Path C:\\data\\z.txt", "True"),
    (
        "mkdir C:\\data\\n1 | Out-Null; Push-Location C:\\data\\n1; $pwd.Path; Test-Path ..\\sub",
        "C:\\data\\n1\nTrue",
    ),
    ("Start-Sleep -Milliseconds 1; Start-Sleep 0; Write-Verbose 'x'; Import-Module x", ""),
    (
        "Get-Service W32Time | Stop-Service -Force; Start-Service W32Time; (Get-Service W32Time).Status",
        "Running",
    ),
    (
        "Get-ItemPropertyValue -Path 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion' -Name CurrentBuild",
        "20348",
    ),
    (
        "New-Item -Path C:\\data\\f.txt -ItemType File -Value abc | Out-Null; [IO.File]::ReadAllText('C:\\data\\f.txt')",
        "abc",
    ),
    ("Get-ChildItem C:\\data -Filter *.txt | Remove-Item; (Get-ChildItem C:\\data).Name", "sub"),
    ("if (-not (Test-Path C:\\no)) { 'made' }", "made"),
    ("if (!(Test-Path C:\\no) -or $true) { 'made' }", "made"),
    (
        "if (1 -lt 2 -xor $false) { 'x' }; 5 -ge 5 ; 'b' -notin 'a'; 'ab' -notmatch 'z'; 'a' -ne 'b'",
        "x\nTrue\nTrue\nTrue\nTrue",
    ),
    ("& { 'in block' }; . { 'dot' }", "in block\ndot"),
    (
        "try { Get-Service nosuch -ErrorAction Stop } catch [System.IO.IOException] { 'io' } catch { $_.FullyQualifiedErrorId }",
        None,
    ),
    ("(1, 2, 3 | Measure-Object).Count; @(1, 2).Count; 'a b'.Length", "3\n2\n3"),
    ("10 / 4; 7 % 4; 2 * 3 - 1; 0x10", "2.5\n3\n5\n16"),
    ("'{{x}} {0}' -f 1; 'a','b' -join ';'; ('a','bb' | % Length) -join ','", None),
    ("<# block\ncomment #> 'after'", "after"),
    ('\'it\'\'s\'; "a`tb"; "q""q"', "it's\na\tb\nq\"q"),
    ("return 'early'; 'late'", "early"),
    ("ipconfig | Select-Object -First 2 | Measure-Object | % Count", "2"),
    ("'abc' -match 'b(?<tail>c)' | Out-Null; $matches[1] + $Matches['tail'] + $Matches[0]", "ccbc"),
    ("1..3 | % { $_; if ($_ -eq 2) { exit 0 } }", "1\n2"),
    ("try { 'a'; throw 'b' } catch { 'c'; exit 0 } finally { 'f' }", "a\nc"),
    ("foreach ($i in 1, 2) { $i; if ($i -eq 1) { return 'r' } }", "1\nr"),
    ("Get-Service WinRM | Select-Object Name, @{n='x'; e={ $_.Name + '!' }} | ForEach-Object x", "WinRM!"),
    ("'b', 'a', 'b' | Select-Object -Unique", "b\na"),
    (
        "Get-Service WinRM | Select-Object Na*, Status | ConvertTo-Json -Compress",
        '{"Name":"WinRM","Status":4}',
    ),
    ("(Get-Date).AddDays(-1) -lt (Get-Date)", "True"),
    ("powershell -Command 'whoami'", "win-unit\\administrator"),
]


def text(output: Output) -> str:
    return output.stdout.decode().removesuffix("\r\n").replace("\r\n", "\n")


@pytest.mark.parametrize(("script", "expected"), POWERSHELL)
def test_powershell(session: Session, script: str, expected: str | None) -> None:
    output = run_powershell(session, script)
    assert output.stderr == b""
    if expected is None:
        return
    assert text(output) == expected.replace("\r\n", "\n")
    assert output.rc == 0


FAILURES: list[tuple[str, int, str]] = [
    ("exit 3", 3, ""),
    ("throw 'no way'", 1, "no way"),
    ("Get-Item C:\\no -ErrorAction Stop; 'not reached'", 1, "Cannot find path"),
    ("Get-Service nosuch", 1, "Cannot find any service with service name 'nosuch'."),
    ("$ErrorActionPreference = 'Stop'; Get-Content C:\\no; 'x'", 1, "Cannot find path"),
    ("Write-Error 'told'", 1, "told"),
    (
        "Remove-Item 'C:\\no' -Force -Recurse;\nIf (-not $?) { If (Get-Variable LASTEXITCODE -ErrorAction SilentlyContinue) "
        "{ exit $LASTEXITCODE } Else { exit 1 } }",
        1,
        "Cannot find path",
    ),
    ("1 / 0", 1, "divide by zero"),
]


@pytest.mark.parametrize(("script", "rc", "error"), FAILURES)
def test_powershell_failures(session: Session, script: str, rc: int, error: str) -> None:
    output = run_powershell(session, script)
    assert output.rc == rc
    assert error in output.stderr.decode()
    assert not error or output.stderr.startswith(b"#< CLIXML\r\n")


@pytest.mark.parametrize(
    "script",
    [
        "Invoke-WebRequest http://example.org",
        "while ($true) { }",
        "Get-Service | Format-Table",
        "[Net.Dns]::GetHostName()",
        "'x'.Frobnicate()",
        "Some-Thing -Fast",
        "notepad.exe",
        "1 -shl 2",
        "switch (1) { 1 { 2 } }",
        "Get-Date -Frob 1",
        "'unterminated",
        "$x = {",
        "'A' -ceq 'a'",
        "$args[0]",
        "1 | ForEach-Object -Begin { 1 } -Process { 2 }",
        "'a' -match '(?>b'",
        "$i++",
    ],
)
def test_powershell_unmodelled(session: Session, script: str) -> None:
    with pytest.raises(Unmodelled):
        run_powershell(session, script)


CMD: list[tuple[str, str, int]] = [
    ("echo hello world", "hello world", 0),
    ("echo %COMPUTERNAME%", "WIN-UNIT", 0),
    ("echo %PROCESSOR_ARCHITECTURE%", "AMD64", 0),
    ("whoami && echo ok", "win-unit\\administrator\nok", 0),
    ("exit 4", "", 4),
    ("exit /b 2 || echo after", "after", 0),
    ("type C:\\data\\a.txt", "one\ntwo", 0),
    ("dir /b C:\\data", "a.txt\nsub", 0),
    ("cd C:\\data & cd", "C:\\data", 0),
    ("mkdir C:\\data\\m && rmdir C:\\data\\m && dir /b C:\\data", "a.txt\nsub", 0),
    ("del /f /q C:\\data\\a.txt", "", 0),
    ("rmdir /s /q C:\\data", "", 0),
    ("set ABC=1& set ABC", "ABC=1", 0),
    ("ver", "\nMicrosoft Windows [Version 10.0.20348]", 0),
    ("hostname >nul", "", 0),
    ("cmd.exe /c echo inner", "inner", 0),
    ('systeminfo | findstr /B /C:"OS"', None, 0),  # type: ignore[list-item]
    ('systeminfo | findstr /I /C:"nothing like it"', "", 1),
    ('powershell -command "Test-Path \'"C:\\data"\'"', "True", 0),
    ('powershell -Command "& { Get-Service WinRM | Select -ExpandProperty Status }"', "Running", 0),
    ('powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command "1 + 1"', "2", 0),
    ("sc query W32Time", None, 0),  # type: ignore[list-item]
    ("sc stop nosuch", None, 1060),  # type: ignore[list-item]
    ("net stop W32Time", None, 0),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("line", "expected", "rc"), CMD)
def test_cmd(session: Session, line: str, expected: str | None, rc: int) -> None:
    session.host.services.start("W32Time")
    output = run_cmd(session, line)
    assert output.rc == rc
    if expected is not None:
        assert text(output) == expected


def test_cmd_errors(session: Session) -> None:
    assert b"not recognized" in run_cmd(session, "uname -s").stderr
    assert b"not recognized" in run_cmd(session, "Get-Service WinRM").stderr
    assert run_cmd(session, "cd C:\\no").rc == 1
    assert run_cmd(session, "type C:\\no").rc == 1
    assert run_cmd(session, "mkdir C:\\data").rc == 1
    assert run_cmd(session, "rmdir C:\\data").rc == 145
    assert run_cmd(session, "set NOSUCHVAR").rc == 1
    assert run_cmd(session, "net stop nosuch").rc == 2
    for line in ("robocopy a b", "dir C:\\data", "echo x | more", "net use", "cmd /x", "sc config a b"):
        with pytest.raises(Unmodelled):
            run_cmd(session, line)


def reboot_script(delay: int = 2) -> str:
    key = "HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\AutoLogonChecked"
    return (
        "$ErrorActionPreference = 'Continue'\n\nif ($True) {\n"
        f"    Remove-Item -LiteralPath '{key}' -Force -ErrorAction SilentlyContinue\n}}\n\n$stdout = $null\n"
        f"$stderr = . {{ C:\\Windows\\System32\\shutdown.exe /r /t {delay} /c 'x' | Set-Variable stdout }} 2>&1\n"
        "ConvertTo-Json -Compress -InputObject @{ rc = $rc }\n"
    )


def test_reboot(session: Session) -> None:
    before = session.host.boot_time
    result: dict[str, Any] = json.loads(run_powershell(session, reboot_script()).stdout)
    assert result == {"stdout": "", "stderr": "", "rc": 0}
    assert session.host.boot_time > before
    assert run_cmd(session, "shutdown.exe /a").rc == 1116
    assert run_powershell(session, "shutdown.exe /a").rc == 1


def test_user_names(session: Session) -> None:
    assert Session(session.host, "SYSTEM").full_user() == "nt authority\\system"
    assert Session(session.host, "NetworkService").full_user() == "nt authority\\network service"

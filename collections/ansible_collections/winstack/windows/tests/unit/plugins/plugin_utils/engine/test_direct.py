# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the direct transport sends, and what it makes of what comes back. A real PowerShell runs it in tests/driver."""

from __future__ import annotations

import base64
import json
import re
import typing as t

import pytest
from ansible.plugins.shell import powershell
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import direct, driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change

NONCE = "0123456789abcdef"
SECRET = "pass wörd 😀"


def sent(calls: dict[str, Call] | None = None, check_mode: bool = False, **environment: t.Any) -> list[str]:
    """Return the lines of standard input."""
    batch = driver.encode(calls or {"a": Call("Get-Service")})
    stdin = direct.standard_input(batch, NONCE, check_mode=check_mode, environment=environment)
    assert stdin.endswith(b"\n")
    return stdin.decode("ascii").split("\n")[:-1]


def bootstrap() -> str:
    """Return the script of the command line."""
    return base64.b64decode(direct.command_line().rsplit(" ", maxsplit=1)[1]).decode("utf-16-le")


# The command line ---------------------------------------------------------------------------------------------


def test_the_command_line_begins_as_ansible_s_own() -> None:
    assert direct.command_line().startswith(" ".join([*powershell._common_args, "-EncodedCommand "]))
    assert len(direct.command_line().split(" ")) == 7


def test_the_command_line_fits_into_cmd() -> None:
    # https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation
    assert len(direct.command_line()) < 1_200 < 8_191


# SigmaHQ/sigma, rules/windows/process_creation/proc_creation_win_powershell_base64_encoded_cmd_patterns.yml (high):
# one of the flags and one of the beginnings.
FLAGS = (" -e ", " -en ", " -enc ", " -enco")
BEGINNINGS = (" JAB", " SUVYI", " SQBFAFgA", " aWV4I", " IAB", " PAA", " aQBlAHgA")
# ..._base64_invoke.yml (high): "Invoke-" in UTF-16 and UTF-8 at the three offsets of base64.
INVOKE = (
    "SQBuAHYAbwBrAGUALQ",
    "kAbgB2AG8AawBlAC0A",
    "JAG4AdgBvAGsAZQAtA",
    "SW52b2tlL",
    "ludm9rZS",
    "JbnZva2Ut",
)


@pytest.mark.parametrize("pattern", [*BEGINNINGS, *INVOKE])
def test_the_command_line_is_none_that_watchers_take_for_an_attack(pattern: str) -> None:
    assert pattern not in direct.command_line()


@pytest.mark.parametrize("name", ["bootstrap.ps1", "frame.ps1", "driver.ps1"])
def test_no_script_has_words_of_attackers(name: str) -> None:
    text = direct.lean(direct._file(name)).lower()
    words = ("invoke-", "iex", "add-type", "frombase64", "downloadstring", "reflection", "memorystream")
    assert [word for word in words if word in text] == []


def test_the_bootstrap_is_lean() -> None:
    assert bootstrap().startswith("param()\n")
    assert not re.search(r"^#", bootstrap(), re.MULTILINE)


# Standard input -----------------------------------------------------------------------------------------------


def test_the_first_line_tells_how_much_there_is() -> None:
    lines = sent()
    nonce, frame, script, last, length = lines[0].split(" ")
    assert nonce == NONCE
    assert lines[int(last)] == NONCE
    assert int(last) == len(lines) - 1
    assert int(length) == len("".join(lines[1:]))
    assert lines[1 : 1 + int(frame)] == direct._lines("frame.ps1")
    assert lines[1 + int(frame) :][: int(script)] == direct._lines("driver.ps1")


@pytest.mark.parametrize(("check_mode", "line"), [(True, "check"), (False, "normal")])
def test_check_mode_is_a_line(check_mode: bool, line: str) -> None:
    assert sent(check_mode=check_mode)[-3] == line


def test_the_batch_is_the_line_before_the_last() -> None:
    assert json.loads(sent({"ü": Call("Get-Thing", {"Name": "日本"})})[-2])["calls"] == [
        {"id": "ü", "cmdlet": "Get-Thing", "params": {"Name": "=日本"}, "select": [], "change": False}
    ]


def test_secrets_are_lines_of_numbers_the_longest_first() -> None:
    calls = {
        "a": change("Set-Thing", Chap=Credential("one", "x")),
        "b": change("Set-Thing", Chap=Credential("", "xyz")),
    }
    lines = sent(calls)
    assert lines[-4:-2] == ["Secret2  120,121,122", "Secret1 111,110,101 120"]
    assert "xyz" not in lines[-2]


def test_the_environment_is_lines_of_numbers() -> None:
    assert sent(LANG="ü", N=1)[-4:-2] == ["env 76,65,78,71 252", "env 78 49"]


def test_nothing_but_ascii_travels() -> None:
    lines = sent({"ü": change("Set-Thing", Name="\u2028", Chap=Credential("ü", SECRET))}, PATH="C:\\ü")
    assert all(" " <= char <= "~" for line in lines for char in line)


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_units_are_those_of_utf_16(text: str) -> None:
    data = b"".join(int(unit).to_bytes(2, "little") for unit in direct.units(text).split(",") if unit)
    assert data == text.encode("utf-16-le", "surrogatepass")


def test_lean_keeps_the_code() -> None:
    assert direct.lean("# a\n\n  $x = 1 # b\n\t$y\n   # c\n") == "$x = 1 # b\n$y"


# The line that comes back -------------------------------------------------------------------------------------

LINE = f'{{"winstack":"{NONCE}","changed":true,"warnings":["w"],"fault":null,"answer":{{"sections":[]}}}}'
AROUND: dict[str, str] = {
    "alone": LINE,
    "with an end of line": LINE + "\r\n",
    "behind a banner": f"Welcome!\r\n{LINE}\r\nGood bye.\r\n",
    "within a line": f"x{{{LINE}}}}}}}tail",
    "behind JSON": f'{{"winstack":"0"}}\n{LINE}\n[]',
}


@pytest.mark.parametrize("stdout", AROUND.values(), ids=AROUND.keys())
def test_the_line_is_found(stdout: str) -> None:
    reply = direct.reply(NONCE, stdout)
    assert (reply.changed, reply.warnings, reply.fault) == (True, ("w",), None)
    assert reply.answer == {"sections": []}


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "no such line",
        LINE[:-1],
        LINE[:40],
        LINE.replace(NONCE, "fedcba9876543210"),
        LINE.replace(",", ";"),
        f'{{"winstack":"{NONCE}"}}',
        LINE.replace('["w"]', "null"),
    ],
)
def test_no_line_or_a_broken_one(stdout: str) -> None:
    with pytest.raises(direct.NoAnswer):
        direct.reply(NONCE, stdout)

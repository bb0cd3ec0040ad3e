# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PowerShell that we ship, read as text by a grammar; test_driver.py runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "collections/ansible_collections/winstack"
ENGINE = COLLECTIONS / "windows/plugins/plugin_utils/engine"
BOOTSTRAP, DRIVER, FRAME = (ENGINE / f"{name}.ps1" for name in ("bootstrap", "driver", "frame"))
FOLDERS = [
    COLLECTIONS,
    *(ROOT / name for name in ("tests", "simulator", "playbooks", "molecule", "tools", "benchmarks")),
]


def powershell_files() -> list[Path]:
    """Give all our PowerShell; what tools leave in hidden folders and in tests/output is not ours."""
    found = [
        path for folder in FOLDERS for kind in ("*.ps1", "*.psm1", "*.psd1") for path in folder.rglob(kind)
    ]
    parts = {path: path.relative_to(ROOT).parts for path in found}
    return sorted(
        path for path in found if not any(part[0] == "." or part == "output" for part in parts[path])
    )


FILES = powershell_files()
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))

# Syntax that came after Windows PowerShell 5.1; the grammar takes the first for good, the others are faults to it.
SINCE_7 = {
    "pipeline chain": "Get-Item x && Get-Item y",
    "alternative chain": "Get-Item x || Get-Item y",
    "ternary": "$a = $b ? 1 : 2",
    "null coalescing": "$a = $b ?? 1",
    "null coalescing assignment": "$a ??= 1",
    "null conditional": "${a}?.Length",
    "null conditional index": "${a}?[0]",
}
FORBIDDEN = {"invoke-expression", "iex", "add-type"}


def parse(text: str) -> tree_sitter.Node:
    """Give the root of the syntax tree."""
    return PARSER.parse(text.encode()).root_node


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Give a node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def faults(text: str) -> list[str]:
    """Say what is no PowerShell 5.1, with its line."""
    return [
        f"line {node.start_point[0] + 1}: {node.type}"
        for node in walk(parse(text))
        if node.is_error or node.is_missing or node.type == "pipeline_chain_tail"
    ]


def commands(text: str) -> set[str]:
    """Give the names of the commands that are called by name."""
    return {(node.text or b"").decode().lower() for node in walk(parse(text)) if node.type == "command_name"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_syntax_of_5_1(path: Path) -> None:
    assert faults(path.read_text(encoding="ascii")) == []


@pytest.mark.parametrize("text", SINCE_7.values(), ids=SINCE_7.keys())
def test_newer_syntax_is_found(text: str) -> None:
    assert faults(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_run_as_code(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert not commands(text) & FORBIDDEN
    assert "[scriptblock]::create" not in text.lower()


def test_commands_are_found() -> None:
    assert commands("$x = @(IEX $y); Get-Item | Invoke-Expression") == {
        "iex",
        "get-item",
        "invoke-expression",
    }


def test_the_driver_and_its_way_are_the_only_powershell_that_ships() -> None:
    assert [path for path in FILES if COLLECTIONS in path.parents] == [BOOTSTRAP, DRIVER, FRAME]


@pytest.mark.parametrize(("path", "lines"), [(BOOTSTRAP, 20), (DRIVER, 180), (FRAME, 80)])
def test_what_ships_is_short(path: Path, lines: int) -> None:
    assert len(path.read_text(encoding="ascii").splitlines()) <= lines


def test_the_driver_runs_in_check_mode() -> None:
    # win_powershell skips a script in check mode unless the attribute of its param block says so.
    attributes = [
        (node.text or b"").decode().replace(" ", "")
        for node in walk(parse(DRIVER.read_text(encoding="ascii")))
        if node.type == "attribute"
    ]
    assert attributes[0] == "[CmdletBinding(SupportsShouldProcess)]"


def test_the_driver_calls_only_what_is_named_here() -> None:
    # All other cmdlets come from the batch.
    text = DRIVER.read_text(encoding="ascii")
    functions = {"get-argument", "get-scalar", "get-row", "get-json"}
    cmdlets = {"get-variable", "convertfrom-json", "convertto-json", "get-item", "get-itemproperty"}
    assert commands(text) - functions <= cmdlets | {"$cmdlet", "$filepath"}


def test_the_frame_calls_only_what_is_named_here() -> None:
    text = FRAME.read_text(encoding="ascii")
    assert commands(text) <= {"winstackdriver", "set-strictmode", "set-item", "convertto-json"}


def test_assignments_of_the_driver_shadow_no_parameter() -> None:
    # Names of variables have no case in PowerShell, and the type of a parameter stays on its name.
    text = DRIVER.read_text(encoding="ascii").lower()
    assert not re.search(r"\$(batch|secret\d+|filepath|literalpath)\s*=", text.partition("\n)\n")[2])

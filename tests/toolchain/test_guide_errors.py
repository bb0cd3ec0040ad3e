# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the vendor's errors names a test for each, and each of these is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "openvstorage_guide_errors.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
# An item of the numbered list, with the lists below it.
TESTS = {
    int(number): text for number, text in re.findall(r"^(\d+)\. (- .*\n(?:    - .*\n)*)", PAGE, re.MULTILINE)
}
NAME = re.compile(r"`(test_\w+)(?:\[(\w+)\])?`")


def test_there_are_sixteen() -> None:
    assert [int(number) for number in ROWS] == list(TESTS) == list(range(1, 17))


@pytest.mark.parametrize("number", TESTS)
def test_each_has_tests_of_its_number(number: int) -> None:
    named = NAME.findall(TESTS[number])
    assert named
    files = subprocess.run(
        ["git", "grep", "-l", "-I", "guide_error", "--", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    source = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in files.stdout.split())
    for function, case in named:
        assert f"def {function}(" in source
        assert not case or f'"{case}"' in source
        assert f"{number:02}" in re.findall(r"\d\d", case or function)

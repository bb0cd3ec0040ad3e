# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a LUN path that the role preflight accepts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "collections/ansible_collections/winstack/windows/roles/preflight/vars/main/storage.yml"


def matches(path: str) -> bool:
    """In a process of its own: an expression that never ends could not be interrupted."""
    pattern = yaml.safe_load(CHECKS.read_text())["__preflight_path_pattern"]
    program = "import re, sys; print(bool(re.match(sys.argv[1], sys.argv[2])))"
    command = [sys.executable, "-c", program, pattern, path]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout == "True\n"


@pytest.mark.parametrize("path", [r"C:\iSCSIVirtualDisks", r"d:\a\b c\ü" + "\\", "D:\\" + "a" * 200])
def test_folders_below_a_drive_letter(path: str) -> None:
    assert matches(path)


@pytest.mark.parametrize(
    "path",
    ["D:", "D:\\", r"\\server\share", r"iSCSI\disks", "D:/iSCSI", r"D:\a\\b", r"D:\a?", "D:\\a\n", ""]
    + [f"D:\\{'a' * 60}{end}" for end in ("?", "/b", ":c", "\\\\b")],
)
def test_whatever_else_is_told_at_once(path: str) -> None:
    assert not matches(path)

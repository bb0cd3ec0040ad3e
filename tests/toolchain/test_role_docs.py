# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of variables in the READMEs of roles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_suites import load

role_docs = load("role_docs")

SPECS = yaml.safe_load(r"""
argument_specs:
  verify:
    options:
      lamp_patience: {type: int, default: 5, description: Seconds.}
      lamp_level: {type: int, description: Told differently.}
  main:
    options:
      lamp_level: {type: int, required: true, description: Level of O(lamp_color=red) | V(blue).}
      lamp_color: {type: str, choices: [red, blue], default: red, description: [Color., See M(lamp.house.paint).]}
      lamp_parts:
        type: list
        elements: dict
        default: []
        description: Parts.
        options:
          name: {type: str, required: true, description: Name with a * in it.}
          screws:
            type: dict
            description: Screws.
            options:
              sizes: {type: list, elements: int, choices: [3, 4], default: [3, 4], description: Sizes.}
""")

TABLES = r"""| variable | type | default | meaning |
|---|---|---|---|
| `lamp_level` | int | required | Level of `lamp_color=red` \| `blue`. |
| `lamp_color` | str | `red` | Color. See `lamp.house.paint`. One of `red`, `blue`. |
| `lamp_parts` | list of dict | `[]` | Parts. |
| `lamp_patience` | int | `5` | Seconds. |

Keys of each of `lamp_parts`:

| key | type | default | meaning |
|---|---|---|---|
| `name` | str | required | Name with a \* in it. |
| `screws` | dict |  | Screws. |
| `screws.sizes` | list of int | `3`, `4` | Sizes. Each is one of `3`, `4`. |"""


@pytest.fixture
def role(tmp_path: Path) -> Path:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/argument_specs.yml").write_text(yaml.safe_dump(SPECS, sort_keys=False))
    (tmp_path / "README.md").write_text(f"# lamp\n\n{role_docs.BEGIN}\nold\n{role_docs.END}\n\nMore.\n")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> int:
    monkeypatch.setattr(sys, "argv", ["role_docs.py", *map(str, arguments)])
    return int(role_docs.main())


def test_tables_go_down_to_the_leaf() -> None:
    assert role_docs.tables(SPECS["argument_specs"]) == TABLES


def test_check_writes_nothing_and_fails_until_the_readme_is_written(
    role: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (role / "README.md").read_text()
    assert run(monkeypatch, "--check", role) == 1
    assert (role / "README.md").read_text() == before
    assert run(monkeypatch, role) == 0
    assert (role / "README.md").read_text() == before.replace("old", f"\n{TABLES}\n")
    assert run(monkeypatch, "--check", role) == 0


def test_a_readme_without_a_place_for_them_is_told(role: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (role / "README.md").write_text("# lamp\n")
    with pytest.raises(SystemExit, match=r"README.md: it lacks the comments"):
        run(monkeypatch, role)

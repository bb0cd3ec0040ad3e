# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of its variables is the same in defaults, argument_specs and README."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(ROOT.glob("collections/ansible_collections/winstack/*/roles/*/meta/argument_specs.yml"))


def names(path: Path) -> str:
    return path.parents[1].name


@pytest.fixture(params=ROLES, ids=names)
def role(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path.parents[1]


def options(role: Path, entry_point: str = "main") -> dict[str, Any]:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return dict(specs[entry_point]["options"])


def sentence(option: dict[str, Any]) -> str:
    text = option["description"]
    return " ".join(" ".join(text if isinstance(text, list) else [text]).split())


def comments(role: Path) -> dict[str, str]:
    """The comment that stands before each default, as one line."""
    found: dict[str, str] = {}
    lines: list[str] = []
    for line in (role / "defaults/main.yml").read_text().splitlines():
        if line.startswith("# "):
            lines.append(line[2:])
        elif line.strip() == "":
            lines = []
        elif not line.startswith((" ", "-")):
            found[line.split(":")[0]] = " ".join(lines)
            lines = []
    return found


def test_there_are_roles() -> None:
    assert {"preflight", "iscsi_target_server", "ntp_client"} <= {names(path) for path in ROLES}


def test_variables_carry_the_name_of_the_role(role: Path) -> None:
    assert all(name.startswith(f"{role.name}_") for name in options(role))


def test_defaults_are_those_of_the_specification(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    assert defaults == {
        name: option["default"] for name, option in options(role).items() if "default" in option
    }


def test_defaults_say_the_same_sentence(role: Path) -> None:
    wanted = options(role)
    assert comments(role) == {name: sentence(wanted[name]) for name in comments(role)}


def test_the_readme_lists_every_variable(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert [name for name, option in options(role).items() if f"`{name}`" not in text] == []
    assert [name for name, option in options(role).items() if sentence(option) not in text] == []


def leaves(option: dict[str, Any], path: str) -> list[str]:
    """Names of what lacks a type or description, down to the last option."""
    missing = [path] if not option.get("type") or not option.get("description") else []
    nested = option.get("type") == "dict" or option.get("elements") == "dict"
    if nested and not option.get("options"):
        return [*missing, f"{path} (no options)"]
    return missing + [
        bad for name, sub in (option.get("options") or {}).items() for bad in leaves(sub, f"{path}.{name}")
    ]


def test_the_specification_goes_down_to_the_leaf(role: Path) -> None:
    assert [bad for name, option in options(role).items() for bad in leaves(option, name)] == []


def test_main_is_a_table_of_contents(role: Path) -> None:
    tasks = yaml.safe_load((role / "tasks/main.yml").read_text())
    assert len(tasks) <= 12
    assert all(task.get("name") for task in tasks)

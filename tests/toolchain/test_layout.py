# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must agree across the files of the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "collections" / "ansible_collections" / "winstack"
FOLDERS = (ROOT, COLLECTIONS / "windows", COLLECTIONS / "openstack")


def read(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def tracked(*patterns: str) -> list[Path]:
    """Files that belong to the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_own_collection_among_the_third_party_ones() -> None:
    names = [entry["name"] for entry in read(ROOT / "requirements.yml")["collections"]]
    assert names
    assert not [name for name in names if name.startswith("winstack.")]


def test_every_collection_has_the_same_version_and_core() -> None:
    assert len({read(folder / "galaxy.yml")["version"] for folder in FOLDERS}) == 1
    assert {read(folder / "meta/runtime.yml")["requires_ansible"] for folder in FOLDERS} == {">=2.19.0"}


def test_sanity_ignores_nothing() -> None:
    assert not [path for path in COLLECTIONS.glob("*/tests/sanity/ignore*.txt") if path.read_text().strip()]


def test_every_module_has_its_action_and_documentation() -> None:
    for module in (COLLECTIONS / "windows/plugins/modules").glob("*.py"):
        assert (COLLECTIONS / "windows/plugins/action" / module.name).is_file()
        text = module.read_text(encoding="utf-8")
        assert all(block in text for block in ("DOCUMENTATION = ", "EXAMPLES = ", "RETURN = "))


def test_every_python_file_has_its_header() -> None:
    wanted = ("Copyright: Contributors to the Winstack project", "SPDX-License-Identifier: GPL-3.0-or-later")
    heads = {path: path.read_text(encoding="utf-8")[:600] for path in tracked("*.py")}
    assert heads
    assert not [
        path for path, head in heads.items() if head.strip() and not all(line in head for line in wanted)
    ]


def test_site_only_imports() -> None:
    assert [list(play) for play in read(ROOT / "site.yml")] == [["name", "ansible.builtin.import_playbook"]]


# Molecule goes on with a warning where the playbook of a step is not there.
@pytest.mark.parametrize(
    "scenario", sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
)
def test_every_step_of_a_scenario_has_its_playbook(scenario: str) -> None:
    folder = ROOT / "molecule" / scenario
    own = (read(folder / "molecule.yml") or {}).get("scenario", {})
    steps = (read(ROOT / ".config/molecule/config.yml")["scenario"] | own)["test_sequence"]
    without = ("syntax", "idempotence", "verify")
    playbooks = [f"{name}.yml" for name, *_ in map(str.split, steps) if name not in without]
    named = [argument for _, *arguments in map(str.split, steps) for argument in arguments]
    assert [name for name in [*playbooks, *named] if not (folder / name).is_file()] == []

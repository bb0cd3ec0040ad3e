# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes for the tests, and runs of the real ansible-playbook on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apt_archive
import nodes
import openstack_nodes
import yaml

ROOT = Path(__file__).resolve().parents[2]
__all__ = ["FULL", "ROOT", "Outcome", "apt_archive", "nodes", "openstack_nodes", "play"]
FULL = bool(os.environ.get("WINSTACK_FULL"))


@dataclass
class Outcome:
    """One run of ansible-playbook on one node."""

    status: int
    output: str
    stats: dict[str, int]
    failures: list[str]

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return self.stats.get("changed", 0)

    @property
    def sentences(self) -> str:
        """What ended the run."""
        return "\n".join(self.failures)


def play(
    node: Any, tasks: list[dict[str, Any]], folder: Path, *arguments: str, variables: dict[str, Any]
) -> Outcome:
    """Run tasks on a node."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {node.name: node.variables()}}}))
    plays = [{"name": "Test", "hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
    own = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "winstack_site",
        "ANSIBLE_NOCOLOR": "1",
        "WINSTACK_SITE_REPORT": str(report),
    }
    inherited = {
        name: value for name, value in nodes.environment().items() if not name.startswith("ANSIBLE_")
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "inventory.yml"),
         str(folder / "play.yml"), *arguments],
        cwd=ROOT, env=inherited | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240,
    )  # fmt: skip
    found = json.loads(report.read_text()) if report.is_file() else {}
    stats = found.get("hosts", {}).get(node.name, {})
    return Outcome(done.returncode, done.stdout, stats, found.get("failures", {}).get(node.name, []))

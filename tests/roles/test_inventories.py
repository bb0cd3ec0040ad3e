# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories parse without a warning, validate certificates and hold what the playbooks need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("simulated", "example")


@pytest.fixture(params=NAMES, scope="module")
def hosts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Variables of the storage hosts of an inventory, as ansible-inventory reads them."""
    own = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(tmp_path_factory.mktemp("home"))}
    command = [
        str(Path(sys.executable).with_name("ansible-inventory")),
        "-i",
        f"inventories/{request.param}",
        "--list",
    ]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "WINSIM_"))
    }
    done = subprocess.run(command, cwd=ROOT, env=inherited | own, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    return {name: found["_meta"]["hostvars"][name] for name in found["windows_storage"]["hosts"]}


def test_hosts_are_reached_with_validated_certificates(hosts: dict[str, dict[str, Any]]) -> None:
    for variables in hosts.values():
        assert variables["ansible_connection"] == "winrm"
        assert variables["ansible_winrm_scheme"] == "https"
        assert variables["ansible_winrm_server_cert_validation"] == "validate"


def test_every_host_has_a_portal(hosts: dict[str, dict[str, Any]]) -> None:
    assert all(variables["storage_address"] for variables in hosts.values())
    assert all(variables["iscsi_target_server_portals"] for variables in hosts.values())


def test_the_simulated_hosts_are_the_described_ones() -> None:
    text = (ROOT / "inventories/simulated/winsim.yml").read_text()
    lines = (ROOT / "inventories/simulated/hosts.ini").read_text().splitlines()
    listed = {
        line.split()[0]: line.split("ansible_host=")[1].split()[0]
        for line in lines
        if "ansible_host=" in line
    }
    assert listed == {name: host["listen"] for name, host in yaml.safe_load(text)["hosts"].items()}

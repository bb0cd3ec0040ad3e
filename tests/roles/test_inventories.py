# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories parse without a warning, validate certificates and hold what the playbooks need."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("simulated", "example")
LINUX_GROUPS = {"openvstorage", "openvstorage_cinder", "openvstorage_compute", "openvstorage_devstack"}


def listed(inventory: Path, home: Path) -> dict[str, Any]:
    """Return an inventory as ansible-inventory reads it, which must be without a warning."""
    own = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(home)}
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "WINSIM_"))
    }
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(inventory), "--list"]
    done = subprocess.run(command, cwd=ROOT, env=inherited | own, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


@pytest.fixture(params=NAMES, scope="module")
def hosts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return the variables of the storage hosts of an inventory."""
    found = listed(ROOT / "inventories" / request.param, tmp_path_factory.mktemp("home"))
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


def test_the_example_is_for_windows_alone(tmp_path: Path) -> None:
    found = listed(ROOT / "inventories/example", tmp_path)
    assert set(found["all"]["children"]) - {"ungrouped"} == {"windows"}


def test_the_example_has_linux_groups_to_be_uncommented(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "inventories/example", tmp_path / "cloud")
    path = tmp_path / "cloud/hosts.ini"
    path.write_text(re.sub(r"^#(?=[\[a-z])", "", path.read_text(), flags=re.MULTILINE))
    found = listed(tmp_path / "cloud", tmp_path)
    assert set(found["openvstorage"]["children"]) | {"openvstorage", "openvstorage_devstack"} == LINUX_GROUPS
    assert set(found["windows_storage"]["hosts"]) == {"storage1.cloud.example", "storage2.cloud.example"}
    cinder = found["_meta"]["hostvars"]["cinder1.cloud.example"]
    assert cinder["openvstorage_cinder_backends"]

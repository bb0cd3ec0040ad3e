# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the end-to-end tests: simulators that end with the module of tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

# Test modules are imported by their files (--import-mode=importlib), so that their folder is not on the path.
sys.path.insert(0, str(Path(__file__).parent))

from harness import PASSWORD, Cloud, Simulator, Start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a simulator with the hosts of a file; it ends with the module of tests, and must have had a model of everything."""
    running: list[Simulator] = []

    def run(hosts: Path) -> Simulator:
        running.append(Simulator(hosts, tmp_path_factory.mktemp("winsim")))
        return running[-1]

    yield run
    statuses = [simulator.stop() for simulator in running]
    assert statuses == [0] * len(statuses)


@pytest.fixture(scope="module")
def cloud(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """Serve hosts (name -> winsim's mapping) and write their inventory: variables by host, and those of all."""

    def make(
        hosts: dict[str, dict[str, Any]], variables: dict[str, dict[str, Any]], common: dict[str, Any]
    ) -> tuple[Simulator, Path]:
        folder = tmp_path_factory.mktemp("cloud")
        described = {
            name: {"users": {"Administrator": PASSWORD}, **mapping} for name, mapping in hosts.items()
        }
        (folder / "winsim.yml").write_text(yaml.safe_dump({"hosts": described}))
        simulator = start(folder / "winsim.yml")
        ports = simulator.client.ports
        connection = {
            "ansible_connection": "winrm",
            "ansible_host": "127.0.0.1",
            "ansible_port": ports["https"],
            "ansible_winrm_scheme": "https",
            "ansible_winrm_transport": "basic",
            "ansible_winrm_ca_trust_path": ports["ca"],
            "ansible_winrm_path": "/wsman/{{ inventory_hostname }}",
            "ansible_user": "Administrator",
            "ansible_password": PASSWORD,
        }
        members = {name: variables.get(name, {}) for name in hosts}
        inventory = {"windows_storage": {"hosts": members, "vars": connection | common}}
        path = folder / "inventory.yml"
        path.write_text(yaml.safe_dump({"all": {"children": inventory}}))
        return simulator, path

    return make

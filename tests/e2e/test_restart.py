# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A feature that asks for a restart gets one, and no second."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from harness import Outcome, Simulator

from winsim import testing

FEATURE = "FS-iSCSITarget-Server"
FOLDER = "D:\\iSCSI"
CONNECTION = {
    "ansible_connection": "winrm",
    "ansible_host": "127.0.0.1",
    "ansible_winrm_scheme": "http",
    "ansible_winrm_transport": "ntlm",
    "ansible_winrm_path": "/wsman/{{ inventory_hostname }}",
    "ansible_user": "Administrator",
    "ansible_password": "Passw0rd!",
    "iscsi_target_server_lun_path": FOLDER,
    "iscsi_target_server_disks": [{"path": f"{FOLDER}\\data.vhdx", "size": "10GB"}],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Outcome]:
    """Two runs over a host where the feature asks for a restart, and one where the restart was forgotten long ago."""
    state: Path = tmp_path_factory.mktemp("winsim")
    mapping = {
        "os": "2019",
        "volumes": {"C": {"size": "64GiB"}, "D": {"size": "500GiB"}},
        "addresses": ["10.1.0.11/24"],
    }
    running, _thread = testing.start(
        {"asks": mapping, "forgotten": mapping | {"addresses": ["10.1.0.12/24"]}}, state
    )
    for name in ("asks", "forgotten"):
        running.machine(name).host.features.get(FEATURE).restart_install = True
    running.machine("forgotten").host.features.install([FEATURE])
    inventory = state / "inventory.yml"
    group = {
        "hosts": {"asks": {}, "forgotten": {}},
        "vars": CONNECTION | {"ansible_port": running.ports["http"]},
    }
    inventory.write_text(yaml.safe_dump({"all": {"children": {"windows_storage": group}}}))
    simulator = Simulator.of(state)
    try:
        return simulator.play("site.yml", inventory), simulator.play("site.yml", inventory)
    finally:
        running.stop()


@pytest.mark.parametrize("name", ["asks", "forgotten"])
def test_one_restart(runs: tuple[Outcome, Outcome], name: str) -> None:
    assert [run.status for run in runs] == [0, 0], runs[0].output[-4000:]
    assert [run.counters[name]["reboots"] for run in runs] == [1, 0]
    assert [run.custom[name]["winstack"]["disks"] for run in runs] == [1, 1]
    assert runs[1].stats[name]["changed"] == 0

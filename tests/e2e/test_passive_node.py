# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair of target servers under a cluster of somebody else: on the passive node service, drive and address are elsewhere on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Cloud, Outcome, Simulator

PASSIVE: dict[str, Any] = {
    "os": "2019",
    "volumes": {"C": {"size": "64GiB"}},
    "addresses": ["10.1.0.12/24"],
    "features": {"installed": ["FS-iSCSITarget-Server"]},
    "services": {"WinTarget": {"state": "stopped", "start_type": "manual"}},
}
WISHES: dict[str, Any] = {
    "iscsi_target_server_lun_path": "X:\\iSCSI",
    "iscsi_target_server_portals": [{"address": "10.1.0.100"}],
    "iscsi_target_server_disks": [{"path": "X:\\iSCSI\\data.vhdx", "size": "10GB"}],
}


@pytest.fixture(scope="module")
def runs(cloud: Cloud) -> tuple[Simulator, Outcome, Outcome]:
    variables = {"passive": {"iscsi_target_server_active": False}}
    simulator, inventory = cloud({"passive": PASSIVE, "careless": PASSIVE}, variables, WISHES)
    return (
        simulator,
        simulator.play("site.yml", inventory, "--limit", "passive"),
        simulator.play("playbooks/preflight.yml", inventory, "--limit", "careless"),
    )


def test_what_the_cluster_moves_is_left_alone(runs: tuple[Simulator, Outcome, Outcome]) -> None:
    simulator, run, _other = runs
    assert (run.status, run.failures) == (0, {}), run.output
    notes = [note for entry in run.invocations("passive") for note in entry["notes"] if note.get("change")]
    assert notes
    assert not any("WinTarget" in str(note["params"]) for note in notes)
    assert simulator.host("passive")["iscsi"]["disks"] == {}


def test_without_the_word_preflight_tells_what_is_not_here(runs: tuple[Simulator, Outcome, Outcome]) -> None:
    _simulator, _run, other = runs
    assert other.status != 0
    assert "drive X: is not on this host" in other.sentences("careless")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators change their minds: what is wanted no longer goes, and nothing else does. Playbooks run alone here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Cloud, Outcome, Simulator

FOLDER = "D:\\iSCSI"
KEPT, GONE = f"{FOLDER}\\kept.vhdx", f"{FOLDER}\\gone.vhdx"
RULE = "Winstack iSCSI portal 10.1.0.11:"


def wishes(**changes: Any) -> dict[str, Any]:
    """Variables of the role: two disks, each shown by a target."""
    names = {"kept": KEPT, "gone": GONE}
    return {
        "iscsi_target_server_lun_path": FOLDER,
        "iscsi_target_server_portals": [{"address": "10.1.0.11"}],
        "iscsi_target_server_disks": [{"path": path, "size": "10GB"} for path in names.values()],
        "iscsi_target_server_targets": [
            {"name": name, "luns": [{"path": path}]} for name, path in names.items()
        ],
        **changes,
    }


LATER = wishes(
    iscsi_target_server_portals=[{"address": "10.1.0.11", "port": 3261}],
    iscsi_target_server_disks=[
        {"path": KEPT.upper().replace("VHDX", "vhdx"), "size": "20GB"},
        {"path": GONE, "state": "absent", "remove_file": True},
    ],
    iscsi_target_server_targets=[
        {"name": "KEPT", "luns": [{"path": KEPT, "lun": 7}]},
        {"name": "gone", "state": "absent"},
    ],
)


@pytest.fixture(scope="module")
def runs(cloud: Cloud) -> tuple[Simulator, list[Outcome]]:
    machine = {"os": "2022", "volumes": {"C": {"size": "64GiB"}, "D": {"size": "500GiB"}}}
    stopped = {
        "features": {"installed": ["FS-iSCSITarget-Server"]},
        "services": {"WinTarget": {"state": "stopped"}},
    }
    hosts: dict[str, dict[str, Any]] = {
        "host1": machine | {"addresses": ["10.1.0.11/24"]},
        "host2": machine | {"addresses": ["10.1.0.11/24"]} | stopped,
    }
    simulator, inventory = cloud(hosts, {}, wishes())
    later = json.dumps(LATER)
    gone = json.dumps(LATER | {"iscsi_target_server_disks": [{"path": KEPT, "state": "absent"}]})
    storage = "playbooks/windows_storage.yml"
    return simulator, [
        simulator.play(storage, inventory, "--check"),
        simulator.play(storage, inventory, "--limit", "host1"),
        simulator.play(storage, inventory, "--limit", "host1", "--check", "-e", later),
        simulator.play("playbooks/preflight.yml", inventory, "--limit", "host1", "-e", later),
        simulator.play(storage, inventory, "--limit", "host1", "-e", later),
        simulator.play("playbooks/verify.yml", inventory, "--limit", "host1", "-e", later),
        simulator.play("playbooks/verify.yml", inventory, "--limit", "host1"),
        simulator.play("playbooks/verify.yml", inventory, "--limit", "host1", "-e", gone),
    ]


def test_all_but_the_last_runs_succeed(runs: tuple[Simulator, list[Outcome]]) -> None:
    assert [run.status for run in runs[1][:6]] == [0] * 6, [run.failures for run in runs[1]]


def test_check_mode_says_what_it_cannot_tell(runs: tuple[Simulator, list[Outcome]]) -> None:
    run = runs[1][0]
    assert "WinTarget has to be started first" in run.output
    assert run.changing_cmdlets() == []


def test_what_is_wanted_no_longer_is_gone(runs: tuple[Simulator, list[Outcome]]) -> None:
    state = runs[0].host("host1")
    (disk,) = state["iscsi"]["disks"].values()
    (target,) = state["iscsi"]["targets"].values()
    assert (disk["path"], disk["vhd"]["size"]) == (KEPT, 20 * 1024**3)
    assert (target["name"], list(target["mappings"])) == ("kept", ["7"])
    assert GONE not in state["files"]["entries"]
    assert KEPT in state["files"]["entries"]


def test_the_firewall_follows_the_portal(runs: tuple[Simulator, list[Outcome]]) -> None:
    opened, moved = (
        [cmdlet for cmdlet in run.changing_cmdlets() if "Firewall" in cmdlet]
        for run in (runs[1][1], runs[1][4])
    )
    assert opened == ["New-NetFirewallRule"]
    assert sorted(moved) == ["New-NetFirewallRule", "Remove-NetFirewallRule"]


def test_verify_tells_every_difference(runs: tuple[Simulator, list[Outcome]]) -> None:
    run = runs[1][6]
    told = run.sentences("host1")
    assert run.status != 0
    for words in (
        "10.1.0.11",
        f"{RULE}3260",
        f"{RULE}3261",
        "kept.vhdx",
        "gone.vhdx",
        "iscsi_server_target gone is not there",
    ):
        assert words in told
    assert run.counters["host1"]["changed"] == 0


def test_verify_tells_what_is_wanted_no_longer(runs: tuple[Simulator, list[Outcome]]) -> None:
    run = runs[1][7]
    assert f"iscsi_virtual_disk {KEPT} is still there." in run.sentences("host1")
    assert run.counters["host1"]["changed"] == 0


def test_check_mode_foresees_removals(runs: tuple[Simulator, list[Outcome]]) -> None:
    run = runs[1][2]
    assert run.stats["host1"]["changed"] == runs[1][4].stats["host1"]["changed"] > 0
    assert run.changing_cmdlets() == []

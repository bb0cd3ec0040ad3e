# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that cannot be reached, or refuse something in the middle: they drop out with a sentence, the others go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Cloud, Outcome, Simulator

from winsim.tls import server_context

FOLDER = "D:\\iSCSI"
VOLUMES = {"C": {"size": "64GiB", "free": "40GiB"}, "D": {"size": "500GiB"}}
HOSTS = ("good", "password", "certificate", "down", "denied", "cmdlet", "stopped")
UNREACHABLE = ("password", "certificate", "down", "denied")


@pytest.fixture(scope="module")
def site(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulator, Path, Outcome]:
    other = tmp_path_factory.mktemp("authority")
    server_context(other, ["127.0.0.1"])
    hosts: dict[str, dict[str, Any]] = {
        name: {"os": "2022", "volumes": VOLUMES, "addresses": [f"10.1.0.{number}/24"]}
        for number, name in enumerate(HOSTS, 11)
    }
    # A target server whose service is stopped has its disks still: they must not be taken for new ones.
    hosts["stopped"] |= {
        "features": {"installed": ["FS-iSCSITarget-Server"]},
        "services": {"WinTarget": {"state": "stopped", "start_type": "manual"}},
        "iscsi": {"disks": [{"path": f"{FOLDER}\\data.vhdx", "size": "10GiB", "description": "as it was"}]},
    }
    variables = {name: {"storage_address": f"10.1.0.{number}"} for number, name in enumerate(HOSTS, 11)}
    variables["password"]["ansible_password"] = "not-the-password"
    variables["certificate"]["ansible_winrm_ca_trust_path"] = str(other / "ca.pem")
    common = {
        "iscsi_target_server_lun_path": FOLDER,
        "iscsi_target_server_portals": [{"address": "{{ storage_address }}"}],
        "iscsi_target_server_disks": [{"path": f"{FOLDER}\\data.vhdx", "size": "10GB"}],
        "ansible_winrm_connection_timeout": 5,
    }
    simulator, inventory = cloud(hosts, variables, common)
    inject(simulator, "down", kind="down")
    inject(simulator, "denied", kind="access_denied")
    inject(
        simulator,
        "cmdlet",
        kind="cmdlet_error",
        cmdlet="New-IscsiVirtualDisk",
        message="The disk is on fire.",
    )
    return simulator, inventory, simulator.play("site.yml", inventory)


def inject(simulator: Simulator, host: str, **fault: Any) -> None:
    simulator.client.call("POST", "/fault", {"host": host, **fault})


def test_the_run_tells_that_hosts_failed(site: tuple[Simulator, Path, Outcome]) -> None:
    assert site[2].status != 0


@pytest.mark.parametrize("name", UNREACHABLE)
def test_a_host_that_cannot_be_reached_drops_out(site: tuple[Simulator, Path, Outcome], name: str) -> None:
    simulator, _inventory, run = site
    assert run.stats[name]["unreachable"] == 1
    assert run.counters[name]["commands"] == 0
    assert run.failures[name]


@pytest.mark.parametrize("name", ["good", "stopped"])
def test_the_others_go_on(site: tuple[Simulator, Path, Outcome], name: str) -> None:
    simulator, _inventory, run = site
    assert (run.stats[name]["failures"], run.stats[name]["unreachable"]) == (0, 0), run.sentences(name)
    assert run.custom[name]["winstack"]["target_server"] == "running"


def test_a_stopped_service_is_not_an_empty_server(site: tuple[Simulator, Path, Outcome]) -> None:
    simulator, _inventory, run = site
    disks = simulator.host("stopped")["iscsi"]["disks"].values()
    assert [disk["description"] for disk in disks] == ["as it was"]
    assert run.changing_cmdlets("stopped").count("New-IscsiVirtualDisk") == 0


def test_what_windows_refuses_is_told_in_its_words(site: tuple[Simulator, Path, Outcome]) -> None:
    assert "Windows refused New-IscsiVirtualDisk: The disk is on fire" in site[2].sentences("cmdlet")


def test_a_wrong_password_is_not_told(site: tuple[Simulator, Path, Outcome]) -> None:
    assert "not-the-password" not in site[2].output


def test_mended_hosts_catch_up(site: tuple[Simulator, Path, Outcome]) -> None:
    simulator, inventory, _run = site
    simulator.client.call("DELETE", "/faults")
    run = simulator.play("site.yml", inventory, "--limit", "down,denied,cmdlet")
    assert (run.status, run.failures) == (0, {}), run.output[-4000:]
    assert [len(simulator.host(name)["iscsi"]["disks"]) for name in ("down", "denied", "cmdlet")] == [1, 1, 1]

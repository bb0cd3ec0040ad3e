# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run covers: tags and limits do what they say or fail, and hosts that fail take nobody else with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT, Cloud, Outcome, Simulator

FOLDER = "D:\\iSCSI"
MACHINE: dict[str, Any] = {"os": "2022", "volumes": {"C": {"size": "64GiB"}, "D": {"size": "500GiB"}}}
STORAGE = "playbooks/windows_storage.yml"
CHANGES_OF_TIME = {"Set-Service", "Start-Program", "Set-ItemProperty", "Start-Service", "Restart-Service"}


@pytest.fixture(scope="module")
def site(cloud: Cloud) -> tuple[Simulator, Path]:
    hosts = {name: MACHINE | {"addresses": [f"10.1.0.{n}/24"]} for n, name in enumerate(("one", "two"), 11)}
    # Within what preflight tolerates, beyond what verify does.
    hosts["two"]["clock_offset"] = 200
    simulator, inventory = cloud(hosts, {}, {"iscsi_target_server_lun_path": FOLDER})
    groups = yaml.safe_load(inventory.read_text())
    groups["all"]["children"]["others"] = {"hosts": {"other": {"ansible_connection": "local"}}}
    inventory.write_text(yaml.safe_dump(groups))
    return simulator, inventory


def play(site: tuple[Simulator, Path], *arguments: str, playbook: Path | str = STORAGE) -> Outcome:
    return site[0].play(playbook, site[1], *arguments)


def test_a_tag_does_what_it_says(site: tuple[Simulator, Path]) -> None:
    run = play(site, "--tags", "ntp_client", "--limit", "one")
    assert run.status == 0, run.output
    assert set(run.changing_cmdlets("one")) <= CHANGES_OF_TIME
    assert run.changing_cmdlets("one")


@pytest.mark.parametrize("playbook", [STORAGE, "site.yml", "playbooks/verify.yml", "playbooks/report.yml"])
def test_a_tag_that_no_task_has_is_told(site: tuple[Simulator, Path], playbook: str) -> None:
    run = play(site, "--tags", "ntpclient", playbook=playbook)
    assert run.status != 0
    assert "ntp_client" in run.sentences("localhost")
    assert run.counters["one"]["commands"] == 0


@pytest.mark.parametrize("playbook", [STORAGE, "playbooks/preflight.yml", "playbooks/verify.yml"])
def test_a_limit_that_leaves_nobody_is_told(site: tuple[Simulator, Path], playbook: str) -> None:
    run = play(site, "--limit", "others", playbook=playbook)
    assert run.status != 0
    assert "windows_storage" in run.sentences("other")
    assert run.counters["one"]["commands"] == 0


def test_a_clock_that_preflight_tolerates_is_right_when_it_is_verified(site: tuple[Simulator, Path]) -> None:
    run = play(site, "--limit", "two", playbook="site.yml")
    assert (run.status, run.failures) == (0, {}), run.output
    assert abs(float(run.custom["two"]["winstack"]["clock_offset_seconds"])) < 1


def test_one_batch_at_a_time(site: tuple[Simulator, Path]) -> None:
    run = play(site, "-e", "windows_serial=1")
    assert (run.status, run.failures) == (0, {}), run.output
    order = [entry["host"] for entry in run.invocations()]
    assert order == sorted(order, key=order.index)


def test_several_documents_of_a_play_cost_one_question(site: tuple[Simulator, Path]) -> None:
    run = play(site)
    assert (run.status, run.failures) == (0, {}), run.output
    assert [run.counters[name]["commands"] for name in ("one", "two")] == [1, 1]


def test_hosts_that_all_fail_do_not_end_the_run_of_others(
    site: tuple[Simulator, Path], tmp_path: Path
) -> None:
    others = {"name": "Work on others", "hosts": "others", "gather_facts": False}
    others["tasks"] = [
        {"name": "Leave a mark", "ansible.builtin.set_stats": {"data": {"mark": 1}, "per_host": True}}
    ]
    names = ("preflight", "windows_storage", "verify", "report")
    imports = [{"name": name, "import_playbook": str(ROOT / f"playbooks/{name}.yml")} for name in names]
    playbook = tmp_path / "all.yml"
    playbook.write_text(yaml.safe_dump([*imports, others]))
    for host in ("one", "two"):
        site[0].client.call("POST", "/fault", {"host": host, "kind": "access_denied"})
    try:
        run = play(site, playbook=playbook)
    finally:
        site[0].client.call("DELETE", "/faults")
    assert run.status != 0
    assert run.custom["other"] == {"mark": 1}
    assert {run.stats[name]["unreachable"] for name in ("one", "two")} == {1}


def test_from_installed_collections_an_empty_group_is_told_as_well(tmp_path: Path) -> None:
    """Without the repository's ansible.cfg nothing else would: a play over nobody ends well."""
    home = tmp_path / "collections" / "ansible_collections"
    (home / "winstack").mkdir(parents=True)
    for name in ("ansible", "community"):
        (home / name).symlink_to(ROOT / "collections/ansible_collections" / name)
    for name in ("windows", "openstack"):
        (home / "winstack" / name).symlink_to(ROOT / "collections/ansible_collections/winstack" / name)
    toolkit = home / "winstack" / "toolkit"
    toolkit.mkdir()
    shutil.copytree(ROOT / "playbooks", toolkit / "playbooks")
    shutil.copy(ROOT / "galaxy.yml", toolkit)
    (tmp_path / "hosts.ini").write_text("[windows_storage]\n[other]\nhost1 ansible_connection=local\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    own = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_HOME": str(tmp_path / "home")}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.ini"]
    for playbook in ("site", "windows_storage", "verify"):
        done = subprocess.run(
            [*command, f"winstack.toolkit.{playbook}"],
            cwd=tmp_path,
            env=inherited | own | {"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0, (playbook, done.stdout, done.stderr)
        assert "group windows_storage" in done.stdout + done.stderr

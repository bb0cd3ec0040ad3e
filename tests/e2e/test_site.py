# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of simulated hosts: previewed, made, and run again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from harness import PASSWORD, SIMULATED, Outcome, Simulator, Start

HOSTS = ("storage2016", "storage2019", "storage2022", "storage2025")
CHAP_SECRET = "Only-simulated"
# The CHAP secret is the beginning of the password: where neither stands, the shorter one does not either.
SECRETS = (CHAP_SECRET, PASSWORD)


@dataclass
class Runs:
    """What three runs in a row did."""

    simulator: Simulator
    pristine: dict[str, Any]
    checked: dict[str, Any]
    converged: dict[str, Any]
    check: Outcome
    first: Outcome
    second: Outcome


@pytest.fixture(scope="module")
def runs(start: Start) -> Runs:
    simulator = start(SIMULATED / "winsim.yml")

    def state() -> dict[str, Any]:
        return {name: simulator.host(name) for name in HOSTS}

    pristine = state()
    check = simulator.play("site.yml", SIMULATED, "--check", "--diff")
    checked = state()
    # As loud as Ansible gets, to find secrets.
    first = simulator.play("site.yml", SIMULATED, "-vvvvv", "--diff")
    converged = state()
    return Runs(simulator, pristine, checked, converged, check, first, simulator.make_site())


@pytest.mark.parametrize("name", ["check", "first", "second"])
def test_no_run_fails(runs: Runs, name: str) -> None:
    run: Outcome = getattr(runs, name)
    assert (run.status, run.failures) == (0, {}), run.output[-4000:]
    assert set(run.stats) == {*HOSTS, "localhost"}


def test_check_mode_changes_nothing(runs: Runs) -> None:
    assert runs.check.changing_cmdlets() == []
    assert {entry["check_mode"] for entry in runs.check.invocations()} == {True}
    for name in HOSTS:
        for part in ("iscsi", "features", "services", "firewall", "registry", "files"):
            assert runs.checked[name].get(part) == runs.pristine[name].get(part), (name, part)


def test_check_mode_foretells_the_first_run(runs: Runs) -> None:
    foretold = {name: runs.check.stats[name]["changed"] for name in HOSTS}
    assert foretold == {name: runs.first.stats[name]["changed"] for name in HOSTS}
    assert min(foretold.values()) > 0


def test_the_second_run_changes_nothing(runs: Runs) -> None:
    assert [runs.second.stats[name]["changed"] for name in HOSTS] == [0] * len(HOSTS)
    assert runs.second.changing_cmdlets() == []


def test_the_second_run_costs_two_remote_commands_a_host(runs: Runs) -> None:
    assert all(runs.second.counters[name]["commands"] <= 2 for name in HOSTS), runs.second.counters
    assert {entry["module"] for entry in runs.second.invocations()} == {"winstack.direct"}


def test_no_run_restarts_a_host(runs: Runs) -> None:
    assert [
        run.counters[name]["reboots"] for run in (runs.check, runs.first, runs.second) for name in HOSTS
    ] == [0] * 12


def test_the_hosts_are_what_the_report_says(runs: Runs) -> None:
    for name in HOSTS:
        told = runs.second.custom[name]["winstack"]
        iscsi = runs.converged[name]["iscsi"]
        assert (int(told["disks"]), int(told["targets"])) == (len(iscsi["disks"]), len(iscsi["targets"]))
        assert told["target_server"] == "running"
        assert told["portals"] == [f"172.21.0.{name[-2:]} port 3260"]


def test_make_site_ends_with_one_screen(runs: Runs) -> None:
    screen = runs.second.output.split("What each host now is")[1].splitlines()
    assert len(screen) < 50
    assert max(map(len, screen)) < 120
    for name in HOSTS:
        described, counted = (line for line in screen if name in line)
        assert f"WIN-STOR{name[-2:]}" in described
        tasks, changed, commands = counted.split()[1:4]
        assert (changed, commands) == ("0", str(runs.second.counters[name]["commands"]))
        assert int(tasks) == runs.second.stats[name]["ok"]


def test_what_cinder_owns_is_not_touched(runs: Runs) -> None:
    def foreign(state: dict[str, Any]) -> list[Any]:
        iscsi = state["storage2016"]["iscsi"]
        disks = [d for d in iscsi["disks"].values() if d["description"].startswith(("volume-", "snapshot-"))]
        targets = [t for t in iscsi["targets"].values() if t["name"].startswith("iqn.2010-10.org.openstack:")]
        return [*disks, *targets]

    assert len(foreign(runs.pristine)) == 4
    assert foreign(runs.converged) == foreign(runs.pristine)


def test_a_domain_member_keeps_its_time(runs: Runs) -> None:
    assert runs.second.custom["storage2022"]["winstack"]["time_from"] == "its domain"


@pytest.mark.parametrize("name", ["check", "first", "second"])
def test_no_secret_is_told(runs: Runs, name: str) -> None:
    run: Outcome = getattr(runs, name)
    for told in (run.output, json.dumps([run.custom, run.failures]), json.dumps(run.journal)):
        assert not any(secret in told for secret in SECRETS)


def test_no_secret_is_left_behind(runs: Runs) -> None:
    left = json.dumps(runs.converged) + (runs.simulator.state / "log").read_text()
    assert not any(secret in left for secret in SECRETS)

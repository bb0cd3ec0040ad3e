# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""inventories/example, copied as the README says, with its hosts and its password replaced: Windows alone, no Linux."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from harness import PASSWORD, ROOT, Outcome, Simulator, Start

ADDRESSES = {"storage1.cloud.example": "10.20.0.11", "storage2.cloud.example": "10.20.0.12"}
HOSTS = set(ADDRESSES)
PLACEHOLDER = "replace-me"


def described(address: str, release: str) -> dict[str, object]:
    """Return a machine as winsim.yml describes it."""
    return {
        "os": release,
        "users": {"Administrator": PASSWORD},
        "volumes": {"C": {"size": "64GiB", "free": "40GiB"}, "D": {"size": "500GiB"}},
        "addresses": [f"{address}/24"],
    }


@dataclass
class Mycloud:
    """A copy of the example, and the machines that it names."""

    simulator: Simulator
    inventory: Path

    def play(self, playbook: str, *arguments: str) -> Outcome:
        """Run a playbook on the copy."""
        return self.simulator.play(playbook, self.inventory, *arguments)


@pytest.fixture(scope="module")
def simulator(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    releases = zip(ADDRESSES.items(), ("2019", "2025"), strict=True)
    hosts = {name: described(address, release) for (name, address), release in releases}
    path = tmp_path_factory.mktemp("hosts") / "winsim.yml"
    path.write_text(yaml.safe_dump({"hosts": hosts}))
    return start(path)


@pytest.fixture
def mycloud(simulator: Simulator, tmp_path: Path) -> Mycloud:
    """Copy the example; its hosts are told where the simulator listens."""
    folder = tmp_path / "mycloud"
    shutil.copytree(ROOT / "inventories" / "example", folder)
    ports = simulator.client.ports
    where = f"ansible_host=127.0.0.1 ansible_port={ports['https']} ansible_winrm_ca_trust_path={ports['ca']}"
    hosts = folder / "hosts.ini"
    lines = [
        f"{line} {where} ansible_winrm_path=/wsman/{line.split()[0]}" if " storage_address=" in line and line[0] != "#" else line
        for line in hosts.read_text().splitlines()
    ]  # fmt: skip
    hosts.write_text("\n".join(lines) + "\n")
    assert len(re.findall("ansible_winrm_path", hosts.read_text())) == len(HOSTS)
    return Mycloud(simulator, folder)


@pytest.fixture
def with_password(mycloud: Mycloud) -> Mycloud:
    vault = mycloud.inventory / "group_vars" / "windows" / "vault.yml"
    vault.write_text(vault.read_text().replace(f": {PLACEHOLDER}\n", f": {PASSWORD}\n"))
    return mycloud


@pytest.fixture
def pristine(simulator: Simulator) -> None:
    simulator.client.call("POST", "/reset", {})


def denied(outcome: Outcome) -> dict[str, int]:
    """Return how often each host refused a password during a run; each connection begins with a request without one."""
    events = [entry for entry in outcome.journal if entry.get("event") == "denied"]
    seen = [entry["host"] for entry in events if entry["reason"] != "no credentials"]
    return {host: seen.count(host) for host in seen}


@pytest.mark.usefixtures("pristine")
def test_it_works_for_windows_alone(with_password: Mycloud) -> None:
    preflight = with_password.play("playbooks/preflight.yml")
    assert (preflight.status, preflight.failures) == (0, {}), preflight.output[-4000:]
    preview = with_password.play("site.yml", "--check", "--diff")
    assert (preview.status, preview.failures) == (0, {}), preview.output[-4000:]
    made, again = (with_password.play("site.yml") for _ in range(2))
    for run in (made, again):
        assert (run.status, run.failures) == (0, {}), run.output[-4000:]
        assert set(run.stats) - {"localhost"} == HOSTS
    assert {again.stats[host]["changed"] for host in HOSTS} == {0}
    assert "[WARNING]" not in again.output
    assert {made.custom[host]["winstack"]["target_server"] for host in HOSTS} == {"running"}
    verify = with_password.play("playbooks/verify.yml")
    assert (verify.status, verify.failures) == (0, {}), verify.output[-4000:]


def test_a_vault_that_was_left_out_is_named(mycloud: Mycloud) -> None:
    (mycloud.inventory / "group_vars" / "windows" / "vault.yml").unlink()
    run = mycloud.play("playbooks/preflight.yml")
    assert run.status != 0
    told = " ".join(run.output.split())
    assert "vault_windows_password" in told
    assert "group_vars/windows/vault.yml" in told
    assert "Traceback" not in told
    assert not run.invocations()


def test_a_password_that_was_left_is_tried_once(mycloud: Mycloud) -> None:
    run = mycloud.play("site.yml")
    assert run.status != 0
    assert set(run.failures) == HOSTS
    assert {len(run.failures[host]) for host in HOSTS} == {1}
    assert "Traceback" not in run.output
    assert denied(run) == dict.fromkeys(HOSTS, 1)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as operators write them for real Windows hosts, run by the real ansible-playbook.

What they expect is what Windows and the upstream modules do. They use the inventory of ``winsim inventory`` (group
``windows``): one host over HTTPS with Basic, one over NTLM with message encryption.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from winsim.testing import Running, ansible_command, collections_path, start

HERE = Path(__file__).parent
PLAYBOOKS = sorted(path.name for path in HERE.glob("*.yml") if path.name != "hosts.yml")
# Playbooks whose last tasks ask for something that is out of scope, to see that it is refused.
REFUSED = {"refusals.yml"}
HOSTS = {"app01", "app02"}
# Long playbooks run on one host only, half of them over each transport.
ONE_HOST = {
    "accounts.yml": "app02",
    "commands.yml": "app01",
    "files.yml": "app02",
    "firewall.yml": "app01",
    "registry.yml": "app02",
    "services.yml": "app01",
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if shutil.which(ansible_command("ansible-playbook")[0]) is None:
        pytest.skip("ansible-core is not installed beside this Python")
    if collections_path() is None:
        pytest.skip("the collection ansible.windows is not there (make collections)")
    hosts: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "hosts.yml").read_text())["hosts"]
    running, thread = start(hosts, tmp_path_factory.mktemp("state"))
    yield running
    running.stop()
    thread.join(20)


@pytest.fixture(scope="module")
def inventory(simulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``winsim inventory`` prints."""
    command = [sys.executable, "-m", "winsim", "inventory"]
    env = {**os.environ, "WINSIM_STATE": str(simulator.state)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    path = tmp_path_factory.mktemp("inventory") / "windows.yml"
    path.write_text(done.stdout)
    return path


def environment(home: Path) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    env |= {"ANSIBLE_COLLECTIONS_PATH": collections_path() or "", "ANSIBLE_HOME": str(home / "home")}
    return env | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(home / "tmp"), "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook(simulator: Running, inventory: Path, tmp_path: Path, playbook: str) -> None:
    simulator.client.call("POST", "/reset", {})
    simulator.client.call("DELETE", "/unmodelled")
    limit = ONE_HOST.get(playbook, "windows")
    options = ["-i", str(inventory), "--limit", limit, "-e", f"scratch={tmp_path}", str(HERE / playbook)]
    command = [*ansible_command("ansible-playbook"), *options]
    done = subprocess.run(
        command, env=environment(tmp_path), capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    # A playbook whose pattern matches no host ends with success as well.
    recap = dict(re.findall(r"^(\S+)\s+: ok=(\d+) ", done.stdout, re.MULTILINE))
    assert set(recap) == (HOSTS if limit == "windows" else {limit}), done.stdout
    assert min(int(count) for count in recap.values()) > 3, done.stdout
    refused = simulator.client.call("GET", "/unmodelled")
    assert bool(refused) == (playbook in REFUSED), refused

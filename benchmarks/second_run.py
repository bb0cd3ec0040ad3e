# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run over converged hosts costs, with the snapshot and written task by task, side by side in one run.

Counted are remote commands and request bytes per host (from the simulator's journal) and the controller's CPU time, the
last only as a ratio of the two. Exit status 1 if a run that had nothing to do changed something, or cost more than one
remote command a host with the snapshot.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winsim.control import Client

ROOT = Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "inventories" / "simulated"
WITH = ROOT / "playbooks" / "windows_storage.yml"
WITHOUT = ROOT / "benchmarks" / "without_snapshot.yml"


@dataclass(frozen=True)
class Cost:
    """Per host: remote commands and request bytes. In all: CPU seconds of the controller, and changed tasks."""

    commands: float
    request_bytes: float
    cpu_seconds: float
    changed: int


def _winsim(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "winsim", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )


def _play(playbook: Path) -> int:
    """Run a playbook and give the number of changed tasks."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(INVENTORY), str(playbook)]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-1000:])
    words = done.stdout.rpartition("PLAY RECAP")[2].split()
    return sum(int(word.removeprefix("changed=")) for word in words if word.startswith("changed="))


def _measure(client: Client, playbook: Path) -> Cost:
    since = client.call("POST", "/mark", {"name": playbook.stem})["seq"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    changed = _play(playbook)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    counters: dict[str, dict[str, Any]] = client.call("GET", f"/counters?since={since}")
    hosts = len(counters)
    return Cost(
        sum(host["commands"] for host in counters.values()) / hosts,
        sum(host["request_bytes"] for host in counters.values()) / hosts,
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        changed,
    )


def _show(with_snapshot: Cost, without: Cost) -> None:
    print(f"{'a run with nothing to do, per host':<38}{'commands':>10}{'request bytes':>16}")
    for title, cost in (("with the snapshot", with_snapshot), ("task by task", without)):
        print(f"{title:<38}{cost.commands:>10.1f}{cost.request_bytes:>16,.0f}")
    commands = without.commands / with_snapshot.commands
    sent = without.request_bytes / with_snapshot.request_bytes
    cpu = without.cpu_seconds / with_snapshot.cpu_seconds
    print(f"{'task by task costs':<38}{commands:>9.1f}x{sent:>15.1f}x")
    print(f"\nCPU time of the controller: task by task costs {cpu:.1f} times as much.")


def main() -> int:
    """Converge once, then measure both ways."""
    with tempfile.TemporaryDirectory(prefix="winstack-") as state:
        os.environ |= {"WINSIM_STATE": state} | dict.fromkeys(
            ("WINSIM_HTTP_PORT", "WINSIM_HTTPS_PORT", "WINSIM_CONTROL_PORT"), "0"
        )
        _winsim("serve", "--daemon", "--hosts", str(INVENTORY / "winsim.yml"))
        try:
            client = Client(Path(state))
            os.environ["WINSIM_HTTPS_PORT"] = str(client.ports["https"])
            _play(WITH)
            costs = _measure(client, WITH), _measure(client, WITHOUT)
        finally:
            _winsim("stop")
    _show(*costs)
    return int(any(cost.changed for cost in costs) or costs[0].commands > 1)


if __name__ == "__main__":
    sys.exit(main())

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any number of simulated hosts, and what a playbook costs on them.

The hosts are those of inventories/simulated, again and again under new names, with its variables. Counts of commands and
bytes come from the simulator's journal, counts of tasks from Ansible, CPU time from the kernel: that of ansible-playbook
and of the processes that it forks, not that of the simulator.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from winsim.control import Client

ROOT = Path(__file__).resolve().parent.parent
SIMULATED = ROOT / "inventories" / "simulated"
PORTS = ("WINSIM_HTTP_PORT", "WINSIM_HTTPS_PORT", "WINSIM_CONTROL_PORT")


@dataclass(frozen=True)
class Cost:
    """What a run cost: means per host, and in all the changed tasks and CPU seconds of the controller."""

    hosts: int
    commands: float
    sent: float
    tasks: float
    changed: int
    cpu: float


def cheapest(costs: list[Cost]) -> Cost:
    """Return the run that needed the least CPU time: what others do on the machine only ever adds to it."""
    return min(costs, key=lambda cost: cost.cpu)


def cpu_per_host(cost: Cost, one: Cost) -> float:
    """Return CPU seconds per host beyond start-up, from a run on many hosts and the same on one."""
    return (cost.cpu - one.cpu) / (cost.hosts - one.hosts)


class Fleet:
    """Simulated hosts in a process of their own, to be used in a ``with`` statement."""

    def __init__(self, size: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="winstack-"))
        self._state = self._folder / "state"
        self._environment = os.environ | {"WINSIM_STATE": str(self._state)} | dict.fromkeys(PORTS, "0")
        templates = list(_read(SIMULATED / "winsim.yml")["hosts"].values())
        self._hosts = {f"storage{n + 1:04}": _host(templates[n % len(templates)], n) for n in range(size)}

    def __enter__(self) -> Fleet:
        described = self._folder / "winsim.yml"
        described.write_text(yaml.safe_dump({"hosts": self._hosts}), encoding="utf-8")
        self._winsim("serve", "--daemon", f"--hosts={described}")
        self._client = Client(self._state)
        self._environment |= {
            "WINSIM_HTTPS_PORT": str(self._client.ports["https"]),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self._folder / "ansible"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "winstack_site",
            "WINSTACK_SITE_REPORT": str(self._folder / "report.json"),
            "LC_ALL": "C.UTF-8",
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._winsim("stop")
        shutil.rmtree(self._folder)

    def _winsim(self, *arguments: str) -> None:
        """Run winsim; the status of stop tells whether it was asked for what it has no model of."""
        command = [sys.executable, "-m", "winsim", *arguments]
        if subprocess.run(command, env=self._environment, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"Failed: winsim {arguments[0]}.")

    def reset(self) -> None:
        """Put every host back to where it began."""
        self._client.call("POST", "/reset", {})

    def play(self, playbook: Path, size: int, *arguments: str) -> Cost:
        """Run a playbook on the first hosts and return what it cost; leave the program if it fails."""
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook)]
        command += [f"--inventory={self._inventory(size)}", *arguments]
        since = self._client.call("POST", "/mark", {"name": playbook.stem})["seq"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"{done.stdout[-4000:]}{done.stderr[-1000:]}\nFailed: {' '.join(command)}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return self._cost(size, since, cpu)

    def _cost(self, size: int, since: int, cpu: float) -> Cost:
        counters: dict[str, dict[str, Any]] = self._client.call("GET", f"/counters?since={since}")
        report = json.loads((self._folder / "report.json").read_text(encoding="utf-8"))["hosts"]
        tasks = {name: counts for name, counts in report.items() if name in self._hosts}
        return Cost(
            size,
            sum(host["commands"] for host in counters.values()) / size,
            sum(host["request_bytes"] for host in counters.values()) / size,
            sum(counts["ok"] + counts["skipped"] for counts in tasks.values()) / size,
            sum(counts["changed"] for counts in report.values()),
            cpu,
        )

    def _inventory(self, size: int) -> Path:
        """Return the folder of an inventory of the first hosts, with the variables of inventories/simulated."""
        folder = self._folder / f"inventory{size}"
        if not folder.is_dir():
            shutil.copytree(SIMULATED / "group_vars", folder / "group_vars")
            names = list(self._hosts)[:size]
            members = {name: _variables(name, self._hosts[name]) for name in names}
            storage = {"windows": {"children": {"windows_storage": {"hosts": members}}}}
            text = yaml.safe_dump({"all": {"children": storage}})
            (folder / "hosts.yml").write_text(text, encoding="utf-8")
        return folder


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _host(template: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a host of its own name; all answer at one address, and are told apart by the path of the URL."""
    named = {"computer_name": f"WIN-{number + 1:04}"}
    return {key: value for key, value in template.items() if key != "listen"} | named


def _variables(name: str, host: dict[str, Any]) -> dict[str, Any]:
    addresses = [one["address"] if isinstance(one, dict) else one for one in host["addresses"]]
    storage = next(address for address in addresses if address.startswith("172.21."))
    return {
        "ansible_host": "127.0.0.1",
        "ansible_winrm_path": f"/wsman/{name}",
        "storage_address": storage.partition("/")[0],
        "domain_member": "domain" in host,
    }

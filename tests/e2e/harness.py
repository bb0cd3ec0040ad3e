# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator in a process of its own, and runs of the real ansible-playbook against it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from winsim.control import Client

ROOT = Path(__file__).resolve().parents[2]
SIMULATED = ROOT / "inventories" / "simulated"
PASSWORD = "Only-simulated-2026"


@dataclass
class Outcome:
    """One run of ansible-playbook: exit status, what it printed, what it did to each host, and what the hosts saw of it."""

    status: int
    output: str
    stats: dict[str, dict[str, int]]
    failures: dict[str, list[str]]
    custom: dict[str, Any]
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    journal: list[dict[str, Any]] = field(default_factory=list)

    def sentences(self, host: str) -> str:
        """What ended the run of a host."""
        return "\n".join([*self.failures.get(host, []), *self.item_messages(host)])

    def item_messages(self, host: str) -> list[str]:
        """What failed items of loops say: from ansible-core 2.22 on, the result of the loop says only that some failed."""
        pattern = rf"^failed: \[{re.escape(host)}\] \(item=.*\) =>\s*\n((?:[ ].*\n)+)"
        blocks = re.findall(pattern, self.output, re.MULTILINE)
        return [str(yaml.safe_load(block).get("msg", "")) for block in blocks]

    def invocations(self, host: str | None = None) -> list[dict[str, Any]]:
        """The modules that ran, on one host or all."""
        return [e for e in self.journal if e["type"] == "invocation" and host in (None, e["host"])]

    def changing_cmdlets(self, host: str | None = None) -> list[str]:
        """Cmdlets of the driver that altered a host."""
        notes = [note for entry in self.invocations(host) for note in entry["notes"]]
        return [note["cmdlet"] for note in notes if note.get("change")]


class Simulator:
    """A simulator process and its state directory."""

    def __init__(self, hosts: Path, state: Path) -> None:
        self.state = state
        ports = ["--http-port=0", "--https-port=0", "--control-port=0"]
        self._winsim("serve", "--daemon", f"--hosts={hosts}", *ports)
        self.client = Client(state)

    @classmethod
    def of(cls, state: Path) -> Simulator:
        """One that runs already."""
        simulator = cls.__new__(cls)
        simulator.state = state
        simulator.client = Client(state)
        return simulator

    def _winsim(self, *arguments: str) -> int:
        command = [sys.executable, "-m", "winsim", arguments[0], f"--state={self.state}", *arguments[1:]]
        return subprocess.run(command, env=self.environment(), timeout=60).returncode

    def stop(self) -> int:
        """End it; the exit status tells whether it was asked for what it has no model of."""
        return self._winsim("stop")

    def environment(self) -> dict[str, str]:
        """The environment of ansible-playbook."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "WINSIM_"))
        }
        own = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.state / "ansible"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "winstack_site",
            "ANSIBLE_NOCOLOR": "1",
            "WINSTACK_SITE_REPORT": str(self.state / "report.json"),
            "WINSIM_STATE": str(self.state),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "simulator"), os.environ.get("PYTHONPATH", "")]),
            "LC_ALL": "C.UTF-8",
        }
        ports = self.state / "ports.json"
        https = {"WINSIM_HTTPS_PORT": str(json.loads(ports.read_text())["https"])} if ports.is_file() else {}
        return inherited | own | https

    def play(self, playbook: Path | str, inventory: Path, *arguments: str) -> Outcome:
        """Run a playbook and collect what came of it."""
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(playbook),
            "-i",
            str(inventory),
            *arguments,
        ]
        return self._run(command, self.state / "report.json")

    def make_site(self) -> Outcome:
        """What `make site KEEP=1` does once its environment is there, against this simulator."""
        return self._run(
            [sys.executable, str(ROOT / "tools" / "site.py")],
            ROOT / "build" / "site" / "report.json",
            KEEP="1",
        )

    def _run(self, command: list[str], report: Path, **more: str) -> Outcome:
        report.unlink(missing_ok=True)
        since = self.client.call("POST", "/mark", {"name": "e2e"})["seq"]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment() | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=240,
        )  # fmt: skip
        found = json.loads(report.read_text()) if report.is_file() else {}
        return Outcome(
            done.returncode,
            done.stdout,
            found.get("hosts", {}),
            found.get("failures", {}),
            found.get("custom", {}),
            self.client.call("GET", f"/counters?since={since}"),
            self.client.call("GET", f"/journal?since={since}"),
        )

    def host(self, name: str) -> dict[str, Any]:
        """All that the simulator knows of a host."""
        return dict(self.client.call("GET", f"/state?host={name}")[name])


Start = Callable[[Path], Simulator]
Cloud = Callable[
    [dict[str, dict[str, Any]], dict[str, dict[str, Any]], dict[str, Any]], tuple[Simulator, Path]
]

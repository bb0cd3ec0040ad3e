# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that `make site` starts: the simulator of an inventory, and Linux nodes in containers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from progress import goes_on

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "site"
LOOPBACK = "127.0.0.1"
PORTS = {"WINSIM_HTTP_PORT": 55985, "WINSIM_HTTPS_PORT": 55986, "WINSIM_CONTROL_PORT": 55980}


class Simulator:
    """The simulator of an inventory, which is started unless it runs already."""

    def __init__(self, hosts: Path) -> None:
        self._hosts = hosts
        self._state = Path(os.environ.setdefault("WINSIM_STATE", str(ROOT / ".winsim")))
        self.client = self._running() or self._start()
        for name, port in zip(PORTS, ("http", "https", "control"), strict=True):
            os.environ[name] = str(self.client.ports[port])

    def _running(self) -> Any:
        from winsim.control import Client, ControlError

        try:
            client = Client(self._state)
            client.call("GET", "/ports")
        except ControlError:
            return None
        print(
            f"The simulator runs already (process {client.ports['pid']}). Its hosts are as the last run left them."
        )
        return client

    def _start(self) -> Any:
        from winsim.control import Client

        for name, port in PORTS.items():
            os.environ.setdefault(name, str(port if _is_free(port) else 0))
        command = [sys.executable, "-m", "winsim", "serve", "--daemon", "--hosts", str(self._hosts)]
        with goes_on("Starting the simulated hosts"):
            status = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode
        if status:
            sys.exit(status)
        return Client(self._state)

    @property
    def identity(self) -> str:
        """Return what a later run can tell the same simulator by."""
        return f"winsim {self.client.ports['pid']}"

    def mark(self) -> int:
        """Return the number of this moment in the journal."""
        return int(self.client.call("POST", "/mark", {"name": "site"})["seq"])

    def stop(self) -> None:
        """Stop it."""
        subprocess.run([sys.executable, "-m", "winsim", "stop"], cwd=ROOT, stdout=subprocess.DEVNULL)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


class LinuxNodes:
    """Nodes in containers with the real cinder-volume and nova-compute."""

    inventory = ROOT / "tests" / "openvstorage" / "inventory"
    _services: ClassVar[dict[str, str]] = {"cinder1": "cinder", "compute1": "nova"}
    _prefix = "site-"

    def __init__(self) -> None:
        self._names = [self._prefix + name for name in self._services]
        file = REPORTS / "nodes.json"
        if file.is_file() and set(self._names) <= set(self._running()):
            print("The Linux nodes run already, and are as the last run left them.")
        else:
            self._start(file)
        os.environ["WINSTACK_NODES_FILE"] = str(file)
        os.environ["CONTAINERS_CONF"] = str(ROOT / "build" / "containers" / "containers.conf")

    def _running(self) -> list[str]:
        command = [sys.executable, str(ROOT / "tools" / "nodes.py"), "list"]
        return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.split()

    def _start(self, file: Path) -> None:
        command = [sys.executable, str(ROOT / "tools" / "openstack_nodes.py"), f"--prefix={self._prefix}"]
        command += [f"{name}={service}" for name, service in self._services.items()]
        with goes_on("Starting the Linux nodes (the first time, their packages are fetched: some minutes)"):
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(done.returncode)
        REPORTS.mkdir(parents=True, exist_ok=True)
        file.write_text(done.stdout, encoding="utf-8")

    def stop(self) -> None:
        """Stop them."""
        subprocess.run([sys.executable, str(ROOT / "tools" / "nodes.py"), "stop", *self._names], cwd=ROOT)

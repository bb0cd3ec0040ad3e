# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run site.yml and say on one screen what each host now is.

``WITH=openvstorage`` adds Linux nodes in containers, with the real cinder-volume and nova-compute. ``INVENTORY``
names the inventory, by default that of the simulated hosts. Where a file winsim.yml stands beside the inventory,
the simulator serves the hosts that it describes; it is stopped at the end unless ``KEEP`` is 1. ``ARGS`` are
further arguments of ansible-playbook, such as ``--limit storage1``. The exit status is that of ansible-playbook, or
3 if the simulator was asked for what it has no model of, or says of a host something else than Ansible.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "site"
LOOPBACK = "127.0.0.1"
PORTS = {"WINSIM_HTTP_PORT": 55985, "WINSIM_HTTPS_PORT": 55986, "WINSIM_CONTROL_PORT": 55980}
GB = 1024**3


@dataclass
class Run:
    """One run: exit status, the callback's report, and what the journal counted, by host."""

    status: int
    report: dict[str, Any]
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    unmodelled: list[Any] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        """The hosts without the controller, which only looks at the inventory."""
        return [name for name in self.report.get("hosts", {}) if name != "localhost"]

    def row(self, host: str) -> list[str]:
        """Counts of a host as cells of the table."""
        tasks = self.report["hosts"][host]
        done = tasks["ok"] + tasks["failures"] + tasks["unreachable"]
        counted = self.counters.get(host)
        wire = (
            [f"{counted[name]:,}" for name in ("commands", "request_bytes", "response_bytes")]
            if counted
            else ["-"] * 3
        )
        return [str(done), str(tasks["changed"]), *wire]


# The simulator ----------------------------------------------------------------------------------------------------


class Simulator:
    """The simulator of an inventory: started when it does not run yet."""

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
            f"The simulator runs already (process {client.ports['pid']}); its hosts are as the run before left them."
        )
        return client

    def _start(self) -> Any:
        from winsim.control import Client

        for name, port in PORTS.items():
            os.environ.setdefault(name, str(port if _is_free(port) else 0))
        command = [sys.executable, "-m", "winsim", "serve", "--daemon", "--hosts", str(self._hosts)]
        if status := subprocess.run(command, cwd=ROOT).returncode:
            sys.exit(status)
        return Client(self._state)

    @property
    def identity(self) -> str:
        """What a later run can tell the same simulator by."""
        return f"winsim {self.client.ports['pid']}"

    def stop(self) -> None:
        """End it."""
        subprocess.run([sys.executable, "-m", "winsim", "stop"], cwd=ROOT, stdout=subprocess.DEVNULL)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


# Linux nodes ------------------------------------------------------------------------------------------------------


class LinuxNodes:
    """Nodes in containers with the real cinder-volume and nova-compute, for ``WITH=openvstorage``."""

    inventory = ROOT / "tests" / "openvstorage" / "inventory"
    _services: ClassVar[dict[str, str]] = {"cinder1": "cinder", "compute1": "nova"}
    _prefix = "site-"

    def __init__(self) -> None:
        self._names = [self._prefix + name for name in self._services]
        file = REPORTS / "nodes.json"
        if file.is_file() and set(self._names) <= set(self._running()):
            print("The Linux nodes run already, and are as the run before left them.")
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
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(done.returncode)
        REPORTS.mkdir(parents=True, exist_ok=True)
        file.write_text(done.stdout, encoding="utf-8")

    def stop(self) -> None:
        """End them."""
        subprocess.run([sys.executable, str(ROOT / "tools" / "nodes.py"), "stop", *self._names], cwd=ROOT)


def with_openvstorage() -> bool:
    """Whether ``WITH`` asks for nodes that use Open vStorage, which is all that it may ask for."""
    wanted = os.environ.get("WITH", "")
    if wanted not in ("", "openvstorage"):
        sys.exit(f"WITH may be openvstorage, and is {wanted}.")
    return bool(wanted)


# The run ----------------------------------------------------------------------------------------------------------


def play(inventories: list[Path], arguments: list[str], simulator: Simulator | None) -> Run:
    """Run ansible-playbook and collect what it and the simulator counted."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / "report.json"
    report.unlink(missing_ok=True)
    since = simulator.client.call("POST", "/mark", {"name": "site"})["seq"] if simulator else 0
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [ansible, "site.yml", *(f"--inventory={path}" for path in inventories), *arguments]
    status = subprocess.run(command, cwd=ROOT, env=_environment(report)).returncode
    found = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    if simulator is None:
        return Run(status, found)
    ask = simulator.client.call
    counters, unmodelled, state = (
        ask("GET", path) for path in (f"/counters?since={since}", "/unmodelled", "/state")
    )
    return Run(status, found, counters, unmodelled, state)


def _environment(report: Path) -> dict[str, str]:
    return os.environ | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "winstack_site",
        "WINSTACK_SITE_REPORT": str(report),
    }


def run_before(inventory: Path, identity: str, run: Run) -> Run | None:
    """The run before this one against the same hosts, if there was one; this one takes its place."""
    path = REPORTS / f"{inventory.name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    this = {"identity": identity, "status": run.status, "report": run.report, "counters": run.counters}
    path.write_text(json.dumps(this, indent=2), encoding="utf-8")
    if kept.get("identity") != identity:
        return None
    return Run(kept["status"], kept["report"], kept["counters"])


def disagreements(run: Run) -> list[str]:
    """Where the report of a host, which Ansible made, is not what the simulator says of the same host."""
    found = []
    for host in run.hosts:
        told = run.report["custom"].get(host, {}).get("winstack")
        state = run.state.get(host, {}).get("iscsi") or {}
        for name in ("disks", "targets") if told and host in run.state else ():
            if int(told[name]) != len(state.get(name) or ()):
                found.append(
                    f"{host}: Ansible sees {told[name]} {name}, the simulator has {len(state.get(name) or ())}"
                )
    return found


# The screen -------------------------------------------------------------------------------------------------------


def screen(run: Run, before: Run | None, simulated: bool) -> str:
    """What each host now is, and what the run cost."""
    lines = ["", "What each host now is" + (" (simulated: no Windows runs)" if simulated else ""), ""]
    for host in run.hosts:
        lines += _host_lines(host, run)
    lines += ["", *_table(run, before)]
    return "\n".join(lines)


def _host_lines(host: str, run: Run) -> list[str]:
    failures = run.report["failures"].get(host, [])
    told = run.report["custom"].get(host, {}).get("winstack")
    lines = _told(told) if told else ["nothing is known of it: its run ended early, or was in check mode"]
    if failures:
        lines = [f"FAILED: {failures[0]}", *(f"        {text}" for text in failures[1:])]
    head = f"  {host:<14}"
    return [f"{head if number == 0 else ' ' * len(head)}{line}" for number, line in enumerate(lines)]


def _told(told: dict[str, Any]) -> list[str]:
    return _told_of_service(told) if "service" in told else _told_of_storage(told)


def _told_of_service(told: dict[str, Any]) -> list[str]:
    lines = [f"{told['service']} on Python {told['python']}"]
    if told["vpools"]:
        lines.append(f"serves the vPools {', '.join(told['vpools'])}")
    if told["patched"]:
        lines.append(f"attaches Open vStorage volumes; patched {', '.join(told['patched'])}")
    return lines


def _told_of_storage(told: dict[str, Any]) -> list[str]:
    portals = ", ".join(told["portals"]) or "no address"
    disks = f"{told['disks']} disks of {int(told['disk_bytes']) / GB:,.0f} GB ({told['cinder_disks']} of cinder-volume)"
    targets = f"{told['targets']} targets ({told['cinder_targets']} of cinder-volume)"
    offset = float(told["clock_offset_seconds"])
    return [
        f"{told['computer']}, {told['system'].removeprefix('Microsoft ')} ({told['version']})",
        f"iSCSI target server {told['target_server']}, listens at {portals}",
        f"{disks}, {targets}",
        f"time service {told['time_service']}, from {told['time_from']}; clock {offset:+.1f} s",
    ]


_HEAD = ["tasks", "changed", "commands", "bytes sent", "received"]
_WIDTHS = [5, 8, 9, 11, 9]


def _table(run: Run, before: Run | None) -> list[str]:
    """Tasks that ran, changes, remote commands and bytes per host, with those of the run before beside them."""
    runs = [run, *([before] if before else [])]
    titles = ["this run", "the run before"]
    width = sum(_WIDTHS)
    lines = ["  " + " " * 14 + "".join(f"   {title:>{width}}" for title in titles[: len(runs)])]
    lines.append(f"  {'host':<14}" + f"   {_cells(_HEAD)}" * len(runs))
    for host in run.hosts:
        rows = [each.row(host) if host in each.report.get("hosts", {}) else ["-"] * 5 for each in runs]
        lines.append(f"  {host:<14}" + "".join(f"   {_cells(row)}" for row in rows))
    return lines


def _cells(cells: list[str]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


def main() -> int:
    """Run, show, stop; the exit status."""
    inventory = Path(os.environ.get("INVENTORY") or "inventories/simulated")
    keep = os.environ.get("KEEP", "") not in ("", "0")
    arguments = shlex.split(os.environ.get("ARGS", ""))
    hosts = ROOT / inventory / "winsim.yml"
    nodes = LinuxNodes() if with_openvstorage() else None
    simulator = Simulator(hosts) if hosts.is_file() else None
    try:
        run = play([inventory, *([nodes.inventory] if nodes else [])], arguments, simulator)
    finally:
        if nodes and not keep:
            nodes.stop()
        if simulator and not keep:
            simulator.stop()
    if run.hosts:
        before = run_before(inventory, simulator.identity if simulator else "real hosts", run)
        print(screen(run, before, simulator is not None))
    if simulator:
        still = "The simulator and the Linux nodes still run" if nodes else "The simulator still runs"
        print(f"\n{still}: `make stop` ends it." if keep else "\nThe simulator was stopped.")
    wrong = [f"no model of this: {missing}" for missing in run.unmodelled] + disagreements(run)
    for text in wrong:
        print(f"SIMULATOR: {text}", file=sys.stderr)
    return run.status or (3 if wrong else 0)


if __name__ == "__main__":
    sys.exit(main())

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run site.yml and show on one screen what each host now is.

``WITH=openvstorage`` adds Linux nodes in containers, with the real cinder-volume and nova-compute. ``INVENTORY``
names the inventory, by default that of the simulated hosts. Where a file winsim.yml stands beside the inventory,
the simulator serves the hosts that it describes; it is stopped at the end unless ``KEEP`` is 1. ``ARGS`` are
further arguments of ansible-playbook, such as ``--limit storage1``. Of the run itself, changes, failures and warnings
are shown; ``ANSIBLE_STDOUT_CALLBACK=default`` shows every task. The exit status is that of ansible-playbook, or
3 if the simulator was asked for what it has no model of, or says of a host something else than Ansible.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from progress import goes_on
from site_hosts import REPORTS, ROOT, LinuxNodes, Simulator
from site_screen import Run, disagreements, screen


def with_openvstorage() -> bool:
    """Return whether ``WITH`` asks for nodes that use Open vStorage, which is all that it may ask for."""
    wanted = os.environ.get("WITH", "")
    if wanted not in ("", "openvstorage"):
        sys.exit(f"WITH={wanted} is not known. Use WITH=openvstorage, or leave it out.")
    return bool(wanted)


def play(inventories: list[Path], arguments: list[str], simulator: Simulator | None) -> Run:
    """Run ansible-playbook and return what it and the simulator counted."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / "report.json"
    now = report.with_suffix(".now")
    for path in (report, now):
        path.unlink(missing_ok=True)
    since = simulator.mark() if simulator else 0
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [ansible, "site.yml", *(f"--inventory={path}" for path in inventories), *arguments]
    command.append("--extra-vars=winstack_report_quiet=true")
    with goes_on("Running site.yml", lambda: now.read_text(encoding="utf-8") if now.is_file() else ""):
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
    own = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "winstack_site",
        "WINSTACK_SITE_REPORT": str(report),
    }
    return {"ANSIBLE_STDOUT_CALLBACK": "winstack_brief"} | os.environ | own


def run_before(inventory: Path, identity: str, run: Run) -> Run | None:
    """Return the run before this one against the same hosts, if there was one; this one takes its place."""
    path = REPORTS / f"{inventory.name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    this = {"identity": identity, "status": run.status, "report": run.report, "counters": run.counters}
    path.write_text(json.dumps(this, indent=2), encoding="utf-8")
    if kept.get("identity") != identity:
        return None
    return Run(kept["status"], kept["report"], kept["counters"])


def main() -> int:
    """Run, show, stop; return the exit status."""
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
    wrong = [f"no model of this: {missing}" for missing in run.unmodelled] + disagreements(run)
    for text in wrong:
        print(f"SIMULATOR: {text}", file=sys.stderr)
    if run.hosts:
        before = run_before(inventory, simulator.identity if simulator else "real hosts", run)
        print(screen(run, before, simulator is not None))
    if simulator:
        print(_left(keep, nodes is not None))
    return run.status or (3 if wrong else 0)


def _left(keep: bool, with_nodes: bool) -> str:
    if not keep:
        return "\nThe simulator was stopped. KEEP=1 leaves it running, so that a second run finds converged hosts."
    return f"\nThe simulator {'and the Linux nodes still run' if with_nodes else 'still runs'}: `make stop` stops it."


if __name__ == "__main__":
    sys.exit(main())

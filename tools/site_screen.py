# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen that `make site` ends with: what each host now is, and what the run cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GB = 1024**3
_TASKS = (("tasks", 5), ("changed", 8))
_WIRE = (("commands", 9, "commands"), ("bytes sent", 11, "request_bytes"), ("received", 9, "response_bytes"))


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
        """Return the hosts, failed ones first; without the controller, which only looks at the inventory."""
        names = [name for name in self.report.get("hosts", {}) if name != "localhost"]
        return sorted(names, key=lambda name: name not in self.report["failures"])

    def cells(self, host: str, wire: bool) -> list[str]:
        """Return what a host counted, as cells of the table; ``wire`` adds what only simulated hosts count."""
        tasks = self.report.get("hosts", {}).get(host)
        counted = self.counters.get(host, {})
        done = (
            [str(tasks["ok"] + tasks["failures"] + tasks["unreachable"]), str(tasks["changed"])]
            if tasks
            else ["-", "-"]
        )
        return done + [f"{counted[name]:,}" if name in counted else "-" for _, _, name in _WIRE if wire]


def disagreements(run: Run) -> list[str]:
    """Return where the report of a host, which Ansible made, is not what the simulator says of the same host."""
    found = []
    for host in run.hosts:
        told = run.report["custom"].get(host, {}).get("winstack")
        state = run.state.get(host, {}).get("iscsi") or {}
        for name in ("disks", "targets") if told and host in run.state else ():
            there = len(state.get(name) or ())
            if told[name] is not None and int(told[name]) != there:
                found.append(f"{host}: Ansible sees {told[name]} {name}, the simulator has {there}")
    return found


def screen(run: Run, before: Run | None, simulated: bool) -> str:
    """Return what each host now is, and what the run cost beside the run before."""
    width = max(12, *map(len, run.hosts)) + 2
    lines = ["", "What each host now is" + (" (simulated: no Windows runs)" if simulated else ""), ""]
    for host in run.hosts:
        lines += _beside(host, width, _told(host, run))
    return "\n".join([*lines, "", *_table(run, before, width)])


def _beside(host: str, width: int, lines: list[str]) -> list[str]:
    return [f"  {host if number == 0 else '':<{width}}{line}" for number, line in enumerate(lines)]


def _told(host: str, run: Run) -> list[str]:
    if first := run.report["failures"].get(host):
        return [f"FAILED: {first[0]}", *(f"        {text}" for text in first[1:])]
    if (told := run.report["custom"].get(host, {}).get("winstack")) is None:
        return ["nothing is known of it: its run ended early, or was in check mode"]
    return _told_of_service(told) if "service" in told else _told_of_storage(told)


def _told_of_service(told: dict[str, Any]) -> list[str]:
    lines = [f"{told['service']} on Python {told['python']}"]
    if told["vpools"]:
        lines.append(f"serves the vPools {', '.join(told['vpools'])}")
    if told["patched"]:
        lines.append(f"attaches Open vStorage volumes; patched {', '.join(told['patched'])}")
    return lines


def _told_of_storage(told: dict[str, Any]) -> list[str]:
    """Return the lines of a storage host; a target server that is stopped tells nothing of its disks."""
    lines = [f"{told['computer']}, {told['system'].removeprefix('Microsoft ')} ({told['version']})"]
    if told["disks"] is None:
        lines.append(f"iSCSI target server {told['target_server']}")
    else:
        listens = ", ".join(told["portals"]) or "no address"
        size = f"{int(told['disk_bytes']) / GB:,.0f} GB"
        lines += [
            f"iSCSI target server {told['target_server']}, listens at {listens}",
            f"{told['disks']} disks of {size} ({told['protected_disks']} protected), "
            f"{told['targets']} targets ({told['protected_targets']} protected)",
        ]
    offset = told["clock_offset_seconds"]
    clock = "" if offset is None else f"; clock {float(offset):+.1f} s"
    return [*lines, f"time service {told['time_service']}, from {told['time_from']}{clock}"]


def _table(run: Run, before: Run | None, width: int) -> list[str]:
    """Return tasks that ran, changes, remote commands and bytes of each host, with those of the run before beside them."""
    runs = [run, *([before] if before else [])]
    wire = any(each.counters for each in runs)
    columns = [*_TASKS, *((title, size) for title, size, _ in _WIRE if wire)]
    total = sum(size for _, size in columns)

    def row(first: str, cells: list[list[str]]) -> str:
        return f"  {first:<{width}}" + "".join("   " + _aligned(each, columns) for each in cells)

    titles = ("this run", "the run before")[: len(runs)]
    return [
        f"  {'':<{width}}" + "".join(f"   {title:>{total}}" for title in titles),
        row("host", [[title for title, _ in columns] for _ in runs]),
        *(row(host, [each.cells(host, wire) for each in runs]) for host in run.hosts),
    ]


def _aligned(cells: list[str], columns: list[tuple[str, int]]) -> str:
    return "".join(f"{cell:>{size}}" for cell, (_, size) in zip(cells, columns, strict=True))

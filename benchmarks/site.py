# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml costs over simulated hosts: from zero, and where there is nothing to do.

Counts are exact. CPU time is that of the controller beyond start-up (the run on one host), and a claim of it is only a
ratio between two sizes, measured in turns within this run. The exit status is 1 if a claim of the README is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean, median

from fleet import ROOT, Cost, Fleet, cpu_per_host

SITE = ROOT / "site.yml"
WITHOUT_VERIFY = "--skip-tags=verify"


Turn = dict[int, Cost]
"""The runs of a turn where there is nothing to do, by number of hosts, one included; of several, their mean CPU time."""


@dataclass(frozen=True)
class Measured:
    """The runs: from zero on all hosts, then by number of hosts without and, in turns, with verification."""

    zero: Cost
    unverified: dict[int, Cost]
    turns: list[Turn]

    @property
    def sizes(self) -> list[int]:
        """Return the numbers of hosts, in rising order."""
        return sorted(self.unverified)

    def converged(self, size: int) -> Cost:
        """Return a run where there is nothing to do; all of them count the same."""
        return self.turns[0][size]

    def cpu(self, size: int) -> float:
        """Return CPU seconds per host beyond start-up."""
        return median(cpu_per_host(turn[size], turn[1]) for turn in self.turns)

    def growth(self, size: int) -> float:
        """Return CPU time per host as a multiple of that with the fewest hosts, within a turn."""
        fewest = self.sizes[0]
        ratios = (
            cpu_per_host(turn[size], turn[1]) / cpu_per_host(turn[fewest], turn[1]) for turn in self.turns
        )
        return median(ratios)


@dataclass(frozen=True)
class Row:
    """A line of the table: what is measured, at a number of hosts, and at most how much is claimed."""

    title: str
    value: Callable[[Measured, int], float]
    most: float
    form: str = ",.2f"


ROWS = (
    Row("remote commands a host", lambda m, n: m.converged(n).commands, 2),
    Row("remote commands a host, without verify", lambda m, n: m.unverified[n].commands, 1),
    Row("bytes sent a host", lambda m, n: m.converged(n).sent, 60_000, ",.0f"),
    Row("tasks a host, run or skipped", lambda m, n: m.converged(n).tasks, 12),
    Row("changed tasks in all", lambda m, n: m.converged(n).changed, 0, ",.0f"),
    Row("CPU time a host, as a multiple of that at the fewest", lambda m, n: m.growth(n), 1.15),
)
FROM_ZERO = 4.0


def measure(sizes: list[int], turns: int) -> Measured:
    """Return what the runs cost."""
    with Fleet(max(sizes)) as fleet:
        zero = _told(fleet, max(sizes), "from zero", WITHOUT_VERIFY)
        unverified = {size: _told(fleet, size, "without verify", WITHOUT_VERIFY) for size in sizes}
        return Measured(zero, unverified, [_turn(fleet, sizes, number + 1) for number in range(turns)])


def _turn(fleet: Fleet, sizes: list[int], number: int) -> Turn:
    """Run every size; short runs, which vary most, several times before and after the long ones."""
    short = [1, sizes[0]] * 3
    runs: dict[int, list[Cost]] = {}
    for size in [*short, *sizes[1:], *short]:
        runs.setdefault(size, []).append(_told(fleet, size, f"turn {number}"))
    return {size: replace(costs[0], cpu=fmean(cost.cpu for cost in costs)) for size, costs in runs.items()}


def _told(fleet: Fleet, size: int, what: str, *arguments: str) -> Cost:
    cost = fleet.play(SITE, size, *arguments)
    print(f"site.yml on {size} hosts, {what}: {cost.cpu:.1f} s of CPU time", file=sys.stderr, flush=True)
    return cost


def show(measured: Measured) -> list[str]:
    """Print the table and return the claims that are missed."""
    missed = []
    print(
        f"{'site.yml where there is nothing to do':<54}",
        *(f"{n:>6} hosts" for n in measured.sizes),
        "  at most",
    )
    for row in ROWS:
        values = [row.value(measured, size) for size in measured.sizes]
        cells = [f"{value:>12{row.form}}" for value in values]
        print(f"{row.title:<54}", *cells, f"{row.most:>9{row.form}}")
        missed += [row.title] * (max(values) > row.most)
    zero = measured.zero.commands
    print(
        f"\nRemote commands a host from zero, {measured.zero.hosts} hosts: {zero:.2f} (at most {FROM_ZERO:g})"
    )
    seconds = (f"{n}: {measured.cpu(n):.2f} s" for n in measured.sizes)
    print(f"CPU time a host beyond start-up on this machine, by number of hosts: {', '.join(seconds)}")
    return missed + ["remote commands a host from zero"] * (zero > FROM_ZERO)


def main() -> int:
    """Measure and show; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", default="4,20,50,200", help="numbers of hosts, of two or more each")
    parser.add_argument("--turns", type=int, default=3, help="how often everything runs; the median counts")
    options = parser.parse_args()
    missed = show(measure(sorted(map(int, options.hosts.split(","))), options.turns))
    for title in missed:
        print(f"MISSED: {title}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())

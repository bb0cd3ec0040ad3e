# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What windows_storage.yml costs beside stock.yml, which makes the same of a host with stock modules.

That both make the same is shown first: each finds nothing to do on hosts that the other one made. Then both run in turns over
converged hosts. Counts are exact; CPU time is that of the controller beyond start-up (the run on one host), and only told as
a ratio. The exit status is 1 if the two differ in what they make, or if a claim of the README is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from fleet import ROOT, SIMULATED, Cost, Fleet, cheapest, cpu_per_host

OURS = ROOT / "playbooks" / "windows_storage.yml"
STOCK = ROOT / "benchmarks" / "stock.yml"


@dataclass(frozen=True)
class Pair:
    """The same run of both playbooks."""

    ours: Cost
    stock: Cost


def without_chap() -> str:
    """Return extra variables with the targets of inventories/simulated without CHAP.

    The simulator does not know the line of stock.yml that makes a credential, which only a new target with CHAP needs.
    """
    variables = yaml.safe_load(
        (SIMULATED / "group_vars/windows_storage/storage.yml").read_text(encoding="utf-8")
    )
    name = "iscsi_target_server_targets"
    targets = [{key: value for key, value in one.items() if key != "chap"} for one in variables[name]]
    return _extra({name: targets})


def _extra(variables: dict[str, object]) -> str:
    """Return extra variables, with the rule of the firewall that Windows brings left alone: stock.yml does not know it."""
    return f"--extra-vars={json.dumps({'iscsi_target_server_builtin_firewall_rule': 'keep', **variables})}"


def from_zero(fleet: Fleet, hosts: int) -> Pair:
    """Return what both cost from zero; leave the program if the other one still finds something to do."""
    variables = without_chap()
    stock = fleet.play(STOCK, hosts, variables)
    _same(fleet.play(OURS, hosts, variables), OURS)
    fleet.reset()
    ours = fleet.play(OURS, hosts, variables)
    _same(fleet.play(STOCK, hosts, variables), STOCK)
    return Pair(ours, stock)


def _same(cost: Cost, playbook: Path) -> None:
    if cost.changed:
        sys.exit(f"{playbook.name} changed {cost.changed} tasks on hosts that the other playbook made.")


def converged(fleet: Fleet, hosts: int, repeat: int) -> Pair:
    """Return what both cost where there is nothing to do, with the CPU time a host beyond start-up."""
    fleet.play(OURS, hosts, _extra({}))
    runs: dict[tuple[Path, int], list[Cost]] = {}
    for _ in range(repeat):
        for playbook in (OURS, STOCK):
            for size in (1, hosts):
                runs.setdefault((playbook, size), []).append(fleet.play(playbook, size, _extra({})))
    for (playbook, _), costs in runs.items():
        for cost in costs:
            _same(cost, playbook)
    return Pair(*(_beyond_start(runs[playbook, hosts], runs[playbook, 1]) for playbook in (OURS, STOCK)))


def _beyond_start(many: list[Cost], one: list[Cost]) -> Cost:
    cost = cheapest(many)
    cpu = cpu_per_host(cost, cheapest(one)) * cost.hosts
    return Cost(cost.hosts, cost.commands, cost.sent, cost.tasks, cost.changed, cpu)


@dataclass(frozen=True)
class Claim:
    """What the README says of a pair: ours costs at most so much, and stock modules at least so many times its CPU time."""

    title: str
    commands: float
    sent: float
    times: float

    def holds(self, pair: Pair) -> bool:
        """Return whether that is so."""
        cheap = pair.ours.commands <= self.commands and pair.ours.sent <= self.sent
        return cheap and pair.stock.cpu >= self.times * pair.ours.cpu


CONVERGED = Claim("nothing to do", commands=2, sent=60_000, times=3)
FROM_ZERO = Claim("from zero", commands=4.5, sent=130_000, times=2)


def show(claim: Claim, pair: Pair) -> bool:
    """Print both and return whether the claim holds."""
    print(f"\n{claim.title:<42}{'commands':>12}{'bytes sent':>14}{'CPU time':>12}")
    for name, cost in (("ours", pair.ours), ("stock modules", pair.stock)):
        print(f"{name:<42}{cost.commands:>12.2f}{cost.sent:>14,.0f}{cost.cpu / pair.ours.cpu:>11.1f}x")
    if not (holds := claim.holds(pair)):
        print(f"MISSED: {claim}", file=sys.stderr)
    return holds


def main() -> int:
    """Measure and show; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=20, help="number of hosts, two or more")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each playbook; the cheapest counts")
    options = parser.parse_args()
    with Fleet(options.hosts) as fleet:
        zero = from_zero(fleet, options.hosts)
        fleet.reset()
        pair = converged(fleet, options.hosts, options.repeat)
    print(
        f"windows_storage.yml and stock.yml on {options.hosts} simulated hosts; commands and bytes are per host"
    )
    kept = [show(CONVERGED, pair), show(FROM_ZERO, zero)]
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated hosts with iSCSI Target Server, for the tests of its kinds."""

from __future__ import annotations

import copy
import typing as t
from collections.abc import Iterable, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import ToldState, objects_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import Plan, make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Options as RunOptions
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.protected import DEFAULT

from ..simulated import Result, SimulatedHost

GB = 1024**3
MB = 1024**2
FEATURE = "FS-iSCSITarget-Server"
FOLDER = "D:\\iSCSI"
A, B, C = (rf"D:\iSCSI\{name}.vhdx" for name in "abc")
VOLUMES = {
    "C": {"size": "60GiB", "free": "30GiB"},
    "D": {"size": "500GiB", "free": "100GiB", "filesystem": "ReFS"},
    "E": {"size": "0", "drive_type": 5, "filesystem": ""},
    "F": {"size": "8GiB", "filesystem": "FAT32"},
}

Options = dict[str, t.Any]
Call = tuple[str, Options]


def iscsi_host(
    disks: Iterable[Options] = (),
    targets: Iterable[Options] = (),
    *,
    snapshots: Iterable[str] = (),
    files: Options | None = None,
    **config: t.Any,
) -> SimulatedHost:
    """Return a host with the drives above, the folder D:\\iSCSI and the given objects, which exist from the start."""
    return SimulatedHost(
        **{"volumes": VOLUMES, "features": {"installed": [FEATURE]}} | config,
        files={FOLDER: None, "C:\\iSCSI": None} | (files or {}),
        iscsi={
            "disks": [{"size": "10GB"} | disk for disk in disks],
            "targets": list(targets),
            "snapshots": [{"disk": path} for path in snapshots],
        },
    )


def calls(result: Result) -> list[Call]:
    """Return (cmdlet, parameters) of all objects, in order."""
    found = [command for entry in result["objects"] for command in entry["commands"]]
    return [(command["cmdlet"], dict(command["parameters"])) for command in found]


def check_calls(host: SimulatedHost, document: t.Any) -> None:
    """Raise CallError unless every call of a plan fits its cmdlet on every release."""
    run = host.run(document, check=True, protected=DEFAULT)
    run.converge()
    for step in run.plan.steps:
        check(completed(step.call))


def state_of(host: SimulatedHost) -> t.Any:
    """Return all that a plan could change on a host: disks, targets, and the files of both folders."""
    iscsi, files = host.machine.iscsi, host.machine.files
    names = {
        path: sorted(node.name for node in files.list(path))
        for path in (FOLDER, "C:\\iSCSI")
        if files.is_dir(path)
    }
    secrets = {
        target.name: (target.chap.secret, target.reverse_chap.secret) for target in iscsi.targets.values()
    }
    return copy.deepcopy((iscsi.dump(), names, secrets))


def told(result: Result) -> str:
    """Return everything that a result says to the operator."""
    return "\n".join([result.get("msg", ""), *result["refusals"], *result["unmet"], *result["warnings"]])


def rendered(name: str, have: Sequence[Options], /, **wish: t.Any) -> Plan:
    """Return the plan of state rendered: from objects that are only told, without a host."""
    told_of = read_document([{name: list(have)}], KINDS, "have")
    wishes = read_document([{name: wish}], KINDS)
    plan = make_plan(ToldState(KINDS, wishes, told_of, Settings(DEFAULT)))
    if not plan.refusals:
        for step in plan.steps:
            check(completed(step.call))
    return plan


def gathered(host: SimulatedHost, name: str) -> list[dict[str, t.Any]]:
    """Return the objects of a kind as state gathered finds them."""
    kind = KINDS[name]
    run = Run(KINDS, [], host, host.snapshot, RunOptions(protected=DEFAULT), gather={name: kind})
    state, silent = run.gathered()
    assert silent == {}
    return objects_of(kind, state)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of `make site`: simulated and real hosts, hosts that failed, the run before."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site() -> Any:
    # Not by its name, which is also that of a module of Python's library.
    spec = importlib.util.spec_from_file_location("winstack_tools_site", ROOT / "tools" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TOLD = {
    "computer": "WIN-1",
    "system": "Microsoft Windows Server 2022 Datacenter",
    "version": "10.0.20348",
    "target_server": "running",
    "portals": ["10.0.0.1 port 3260"],
    "disks": 2,
    "disk_bytes": 3 * 1024**3,
    "cinder_disks": 1,
    "targets": 1,
    "cinder_targets": 0,
    "time_service": "running",
    "time_from": "its domain",
    "clock_offset_seconds": -0.25,
}
STATS = {"ok": 30, "failures": 0, "unreachable": 0, "changed": 2, "skipped": 5}


def run(site: Any, **failures: list[str]) -> Any:
    hosts = {"good": STATS, **{name: STATS | {"failures": 1} for name in failures}, "localhost": STATS}
    report = {"hosts": hosts, "failures": failures, "custom": {"good": {"winstack": TOLD}}}
    return site.Run(0, report)


def test_a_good_host(site: Any) -> None:
    text = site.screen(run(site), None, False)
    for words in (
        "WIN-1, Windows Server 2022 Datacenter",
        "2 disks of 3 GB (1 of cinder-volume)",
        "clock -0.2 s",
    ):
        assert words in text
    assert "localhost" not in text
    assert "simulated" not in text


def test_a_failed_host_tells_each_sentence(site: Any) -> None:
    text = site.screen(run(site, bad=["One thing.", "Another thing."]), None, True)
    assert "FAILED: One thing." in text
    assert "Another thing." in text
    assert "simulated" in text


def test_what_a_real_host_cannot_count_is_left_open(site: Any) -> None:
    assert run(site).row("good") == ["30", "2", "-", "-", "-"]


def test_the_run_before_stands_beside(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "REPORTS", tmp_path)
    first, second = run(site), run(site)
    second.report["hosts"]["good"] = STATS | {"changed": 0}
    assert site.run_before(Path("inventories/cloud"), "real hosts", first) is None
    before = site.run_before(Path("inventories/cloud"), "real hosts", second)
    row = site.screen(second, before, False).splitlines()[-1].split()
    assert row == ["good", "30", "0", "-", "-", "-", "30", "2", "-", "-", "-"]
    assert site.run_before(Path("inventories/cloud"), "winsim 1", second) is None


def test_a_simulator_that_says_something_else_is_told(site: Any) -> None:
    seen = run(site)
    seen.state = {"good": {"iscsi": {"disks": {0: {}, 1: {}}, "targets": {}}}}
    assert site.disagreements(seen) == ["good: Ansible sees 1 targets, the simulator has 0"]
    seen.state["good"]["iscsi"]["targets"] = {"a": {}}
    assert site.disagreements(seen) == []

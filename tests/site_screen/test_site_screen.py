# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of `make site`: simulated and real hosts, hosts that failed, the run before; and what it shows of a run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))

from site_screen import Run, disagreements, screen  # noqa: E402

TOLD = {
    "computer": "WIN-1",
    "system": "Microsoft Windows Server 2022 Datacenter",
    "version": "10.0.20348",
    "target_server": "running",
    "portals": ["10.0.0.1 port 3260"],
    "disks": 2,
    "disk_bytes": 3 * 1024**3,
    "protected_disks": 1,
    "targets": 1,
    "protected_targets": 0,
    "time_service": "running",
    "time_from": "its domain",
    "clock_offset_seconds": -0.25,
}
STATS = {"ok": 30, "failures": 0, "unreachable": 0, "changed": 2, "skipped": 5}
COUNTED = {"commands": 2, "request_bytes": 60123, "response_bytes": 45}


@pytest.fixture(scope="module")
def site() -> Any:
    # Not by its name, which is also that of a module of Python's library.
    spec = importlib.util.spec_from_file_location("winstack_tools_site", ROOT / "tools" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(counters: dict[str, Any] | None = None, **failures: list[str]) -> Run:
    hosts = {"good": STATS, **{name: STATS | {"failures": 1} for name in failures}, "localhost": STATS}
    report = {"hosts": hosts, "failures": failures, "custom": {"good": {"winstack": TOLD}}}
    return Run(0, report, counters or {})


def test_a_good_host() -> None:
    text = screen(run(), None, False)
    for words in (
        "WIN-1, Windows Server 2022 Datacenter",
        "2 disks of 3 GB (1 protected)",
        "clock -0.2 s",
    ):
        assert words in text
    assert "localhost" not in text
    assert "simulated" not in text


def test_a_target_server_that_is_stopped_tells_no_disks() -> None:
    seen = run()
    numbers = (
        "disks",
        "disk_bytes",
        "protected_disks",
        "targets",
        "protected_targets",
        "clock_offset_seconds",
    )
    seen.report["custom"]["good"]["winstack"] = TOLD | dict.fromkeys(numbers) | {"target_server": "stopped"}
    seen.state = {"good": {"iscsi": {"disks": {0: {}}, "targets": {}}}}
    assert disagreements(seen) == []
    text = screen(seen, None, False)
    assert "iSCSI target server stopped" in text
    assert "disks" not in text
    assert "None" not in text


def test_a_failed_host_comes_first_and_tells_each_sentence() -> None:
    text = screen(run(zebra=["One thing.", "Another thing."]), None, True)
    assert "FAILED: One thing." in text
    assert "Another thing." in text
    assert text.index("Another thing.") < text.index("WIN-1")
    assert "simulated" in text


def test_real_hosts_have_no_columns_for_what_they_do_not_count() -> None:
    last = screen(run(), None, False).splitlines()[-2:]
    assert [line.split() for line in last] == [["host", "tasks", "changed"], ["good", "30", "2"]]


def test_columns_stay_in_line_under_a_long_name() -> None:
    seen = run()
    seen.report["hosts"]["storage1.cloud.example"] = STATS
    rows = screen(seen, None, False).splitlines()[-3:]
    assert len({len(row) for row in rows}) == 1


def test_the_run_before_stands_beside(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "REPORTS", tmp_path)
    first, second = run({"good": COUNTED}), run({"good": COUNTED | {"commands": 1}})
    second.report["hosts"]["good"] = STATS | {"changed": 0}
    assert site.run_before(Path("inventories/cloud"), "winsim 1", first) is None
    before = site.run_before(Path("inventories/cloud"), "winsim 1", second)
    row = screen(second, before, True).splitlines()[-1].split()
    assert row == ["good", "30", "0", "1", "60,123", "45", "30", "2", "2", "60,123", "45"]
    assert site.run_before(Path("inventories/cloud"), "winsim 2", second) is None


def test_a_host_that_is_new_has_no_numbers_of_the_run_before() -> None:
    before = run({"good": COUNTED})
    seen = run({"good": COUNTED, "new": COUNTED}, new=["Bad."])
    assert screen(seen, before, True).splitlines()[-2].split()[-5:] == ["-"] * 5


def test_a_simulator_that_says_something_else_is_told() -> None:
    seen = run()
    seen.state = {"good": {"iscsi": {"disks": {0: {}, 1: {}}, "targets": {}}}}
    assert disagreements(seen) == ["good: Ansible sees 1 targets, the simulator has 0"]
    seen.state["good"]["iscsi"]["targets"] = {"a": {}}
    assert disagreements(seen) == []


PLAYBOOK = """
- name: Quiet
  hosts: all
  gather_facts: false
  tasks:
    - name: Nothing to do
      ansible.builtin.debug:
        msg: as it should be
    - name: Not wanted
      ansible.builtin.debug:
        msg: left out
      when: false
- name: Loud
  hosts: all
  gather_facts: false
  tasks:
    - name: Nothing to do either
      ansible.builtin.meta: noop
    - name: Something to do
      ansible.builtin.debug:
        msg: changed now
      changed_when: true
"""
FAILING = """
    - name: Something wrong
      ansible.builtin.fail:
        msg: this is wrong
"""


def shown(folder: Path, text: str, *arguments: str) -> str:
    """Return what a run on two hosts prints with the callback winstack_brief."""
    path = folder / "playbook.yml"
    path.write_text(text)
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        str(path),
        "-i",
        "one,two",
        *arguments,
    ]
    own = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "winstack_site",
        "ANSIBLE_STDOUT_CALLBACK": "winstack_brief",
        "ANSIBLE_NOCOLOR": "1",
        "WINSTACK_SITE_REPORT": str(folder / "report.json"),
    }
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_a_run_shows_changes_alone(tmp_path: Path) -> None:
    lines = [line.rstrip("* ") for line in shown(tmp_path, PLAYBOOK).splitlines() if line]
    assert lines[:2] == ["PLAY [Loud]", "TASK [Something to do]"]
    changed = [line.split(" =>")[0] for line in lines if line.startswith("changed:")]
    assert sorted(changed) == ["changed: [one]", "changed: [two]"]
    assert "PLAY RECAP" not in "\n".join(lines)
    assert (tmp_path / "report.now").read_text() == "Something to do"


def test_a_run_shows_failures(tmp_path: Path) -> None:
    output = shown(tmp_path, PLAYBOOK + FAILING)
    assert "TASK [Something wrong]" in output
    assert output.count("msg: this is wrong") == 2


def test_a_louder_run_shows_everything(tmp_path: Path) -> None:
    output = shown(tmp_path, PLAYBOOK, "-v")
    for words in ("PLAY [Quiet]", "ok: [one]", "skipping: [two]"):
        assert words in output


WARNER = """
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"changed": False, "warnings": ["The clock of this host is odd."]}
"""


def test_a_run_shows_warnings_of_hosts_that_are_as_wanted(tmp_path: Path) -> None:
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "warner.py").write_text(WARNER)
    output = shown(tmp_path, PLAYBOOK + "    - name: Warn\n      warner:\n")
    assert "The clock of this host is odd." in output

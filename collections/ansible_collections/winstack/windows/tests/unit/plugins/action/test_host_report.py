# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a simulated host: gathered once, handed on, shown."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ansible import constants

from ansible_collections.winstack.windows.plugins.action import host_report
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.tests.unit.plugins.plugin_utils.simulated import SimulatedHost

VOLUME = "iqn.2010-10.org.openstack:volume-1"
SERVER: dict[str, t.Any] = {
    "features": {"installed": ["FS-iSCSITarget-Server"]},
    "volumes": {"C": {"size": "64GiB"}, "D": {"size": "100GiB"}},
    "addresses": ["10.0.0.5/24"],
    "iscsi": {
        "disks": [{"path": "D:\\a.vhdx", "size": "1GiB"}, {"path": "D:\\volume-1.vhdx", "size": "2GiB"}],
        "targets": [{"name": "a", "mappings": {0: "D:\\a.vhdx"}}, {"name": VOLUME}],
    },
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What people are shown."""
    texts: list[str] = []
    monkeypatch.setattr(host_report, "Display", lambda: SimpleNamespace(display=texts.append))
    return texts


def report(host: SimulatedHost, **params: t.Any) -> dict[str, t.Any]:
    """Return the result of the action on a host."""
    plugin: t.Any = host_report.ActionModule
    action = plugin.__new__(plugin)
    action._task = SimpleNamespace(check_mode=False)
    action._winstack_host = "storage1"
    return dict(action._winstack_run({"quiet": False, "protected": None, **params}, host, host.snapshot))


def test_a_host_is_asked_once(shown: list[str]) -> None:
    host = SimulatedHost(**SERVER)
    first, second = report(host), report(host)
    assert host.commands == 1
    assert first == second
    assert not first["changed"]


def test_what_is_handed_on_is_the_report(shown: list[str]) -> None:
    result = report(SimulatedHost(**SERVER))
    told = result["report"]
    assert (told["disks"], told["protected_disks"], told["disk_bytes"]) == (2, 1, 3 * 1024**3)
    assert (told["targets"], told["protected_targets"], told["portals"]) == (2, 1, ["10.0.0.5 port 3260"])
    assert result["ansible_stats"] == {"data": {"winstack": told}, "per_host": True, "aggregate": False}


def test_people_are_shown_a_few_lines(shown: list[str]) -> None:
    report(SimulatedHost(**SERVER))
    (text,) = shown
    lines = text.splitlines()
    assert lines[0].startswith("storage1: HOST1, Windows Server 2022")
    assert lines[2] == "  2 disks of 3 GB (1 protected), 2 targets (1 protected)"
    assert len(lines) == 4


@pytest.mark.parametrize("callback", ["default", "ansible.posix.json"])
def test_nothing_is_shown_where_nobody_reads_it(
    shown: list[str], callback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SimpleNamespace(get_config_value=lambda name: {"DEFAULT_STDOUT_CALLBACK": callback}[name])
    monkeypatch.setattr(constants, "config", config)
    report(SimulatedHost(**SERVER), quiet=callback == "default")
    assert shown == []


def test_names_that_are_protected_can_be_given(shown: list[str]) -> None:
    told = report(SimulatedHost(**SERVER), protected=["a*"])["report"]
    assert (told["protected_disks"], told["protected_targets"]) == (1, 1)
    assert report(SimulatedHost(**SERVER), protected=[])["report"]["protected_disks"] == 0


def test_a_new_host_and_a_stopped_server(shown: list[str]) -> None:
    new = report(SimulatedHost(volumes=SERVER["volumes"]))["report"]
    assert (new["target_server"], new["disks"]) == ("absent", 0)
    stopped = report(SimulatedHost(**SERVER, services={"WinTarget": {"state": "stopped"}}))["report"]
    assert (stopped["target_server"], stopped["disks"]) == ("stopped", None)


def test_a_server_that_does_not_answer_is_told(shown: list[str]) -> None:
    host = SimulatedHost(**SERVER)
    execute = host.execute

    def silent(calls: t.Any) -> Answer:
        answer = execute(calls)
        failed = {"iscsi_virtual_disks": Section.from_dict({"ok": False, "error": ERROR, "data": []})}
        return replace(answer, sections={**answer.sections, **failed})

    host.execute = silent  # type: ignore[method-assign]
    with pytest.raises(HostError, match=r"did not list iscsi virtual disks: Access is denied"):
        report(host)


ERROR = {"type": "CimException", "id": "x", "message": "Access is denied.", "hresult": "0x80070005"}

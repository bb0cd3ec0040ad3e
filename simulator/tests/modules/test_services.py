# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services: the manager, its registry keys, boot and triggers; win_service and win_service_info."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from winsim.errors import ServiceError
from winsim.host import Host
from winsim.services import DOMAIN_TRIGGERS, NETWORK_TRIGGERS, Service

Run = Callable[..., dict[str, Any]]


def test_life_of_a_service(check_first: Run, run: Run, host: Host) -> None:
    started = check_first("win_service", name="MSiSCSI", state="started", start_mode="auto")
    assert (started["state"], started["start_mode"], started["exists"]) == ("running", "auto", True)
    assert started["username"] == "LocalSystem"
    assert host.registry.data("HKLM:\\SYSTEM\\CurrentControlSet\\Services\\MSiSCSI", "Start") == 2
    check_first("win_service", name="MSiSCSI", state="stopped")
    check_first("win_service", name="MSiSCSI", start_mode="delayed")
    assert host.registry.data("HKLM:\\SYSTEM\\CurrentControlSet\\Services\\MSiSCSI", "DelayedAutostart") == 1
    assert run("win_service", name="MSiSCSI", state="restarted")["state"] == "running"


def test_name_is_case_insensitive_and_may_be_the_display_name(run: Run) -> None:
    assert run("win_service", name="SPOOLER")["name"] == "Spooler"
    assert run("win_service", name="print spooler")["name"] == "Spooler"


def test_unknown_service(run: Run) -> None:
    assert run("win_service", name="WinTarget", state="started")["msg"] == (
        "Service 'WinTarget' is not installed, need to set 'path' to create a new service"
    )
    assert run("win_service", name="WinTarget") == {"changed": False, "exists": False}
    assert run("win_service", name="WinTarget", state="absent")["changed"] is False


def test_wrong_options(run: Run) -> None:
    result = run("win_service", nme="x", state="bogus")
    assert result["msg"].startswith("Unsupported parameters for (ansible.windows.win_service) module: nme.")
    assert "value of state must be one of" in run("win_service", name="x", state="bogus")["msg"]
    assert "by 'password': username" in run("win_service", name="x", password="s3cret")["msg"]


def test_diff_keeps_the_modules_spelling(run: Run) -> None:
    result = run("win_service", name="W32Time", state="started", description="", _diff=True)
    assert result["diff"]["before"]["state"] == "stopped"
    assert result["diff"]["after"]["state"] == "started"
    assert result["diff"]["after"]["description"] == ""
    assert result["diff"]["after"]["username"] == "NT AUTHORITY\\LOCAL SERVICE"
    assert result["diff"]["after"]["password"] == "REDACTED"
    assert result["state"] == "running"


def test_disabled_service_cannot_be_started(run: Run) -> None:
    run("win_service", name="Spooler", start_mode="disabled", state="stopped")
    assert run("win_service", name="Spooler", state="started", _check=True)["changed"] is True
    result = run("win_service", name="Spooler", state="started")
    assert result["msg"] == (
        "Unhandled exception while executing module: Service 'Print Spooler (Spooler)' cannot be started due to the "
        "following error: Cannot start service Spooler on computer '.'."
    )


def test_dependants_must_be_forced(run: Run, host: Host) -> None:
    run("win_service", name="Netlogon", state="started")
    refused = run("win_service", name="LanmanWorkstation", state="stopped")
    assert "because it has dependent services" in refused["msg"]
    assert run("win_service", name="LanmanWorkstation", state="stopped", force_dependent_services=True)[
        "changed"
    ]
    assert host.services.get("Netlogon").state == "stopped"
    run("win_service", name="Netlogon", state="started")
    assert host.services.get("LanmanWorkstation").running  # dependencies start with it


def test_pause(run: Run) -> None:
    assert run("win_service", name="Winmgmt", state="paused")["state"] == "paused"
    assert run("win_service", name="Winmgmt", state="started")["state"] == "running"
    assert run("win_service", name="Spooler", state="paused")["msg"] == (
        "failed to pause service Spooler: The service does not support pausing"
    )
    assert "cannot be stopped" in run("win_service", name="RpcSs", state="stopped")["msg"]


def test_create_change_delete(check_first: Run, run: Run, host: Host) -> None:
    arguments: dict[str, Any] = {
        "name": "demo",
        "path": "%SystemRoot%\\demo.exe",
        "display_name": "Demo",
        "description": "A demo",
        "dependencies": ["RpcSs"],
        "username": "NT AUTHORITY\\NetworkService",
        "start_mode": "manual",
        "error_control": "severe",
        "sid_info": "unrestricted",
        "service_type": "win32_share_process",
        "failure_actions": [{"type": "restart", "delay_ms": 5000}, {"type": "none"}],
        "failure_command": "x.exe",
        "failure_reset_period_sec": 60,
        "failure_actions_on_non_crash_failure": True,
        "pre_shutdown_timeout_ms": 1000,
        "required_privileges": ["SeBackupPrivilege"],
        "load_order_group": "Group",
    }
    imagined = run("win_service", _check=True, **arguments)
    assert (imagined["start_mode"], imagined["state"]) == ("manual", "")
    made = check_first("win_service", **arguments)
    assert made["path"] == "C:\\Windows\\demo.exe"
    assert made["username"] == "NT AUTHORITY\\NETWORK SERVICE"
    check_first("win_service", name="demo", dependencies=["nsi"], dependency_action="add")
    check_first("win_service", name="demo", dependencies=["RpcSs"], dependency_action="remove")
    assert host.services.get("demo").dependencies == ["nsi"]
    assert run("win_service", name="demo", username="LocalSystem", password="p", update_password="always")[
        "changed"
    ]
    assert check_first("win_service", name="demo", desktop_interact=True)["desktop_interact"] is True
    check_first("win_service", name="demo", state="absent")
    assert not host.registry.exists("HKLM:\\SYSTEM\\CurrentControlSet\\Services\\demo")


def test_account_errors(run: Run) -> None:
    assert "could not be translated" in run("win_service", name="Spooler", username="Nobody")["msg"]
    assert run("win_service", name="W32Time", desktop_interact=True)["msg"].startswith(
        "Can only set 'desktop_"
    )


def test_info(run: Run) -> None:
    result = run("win_service_info", name="w32time")
    service = result["services"][0]
    assert (service["state"], service["start_mode"]) == ("stopped", "manual")
    assert [(t["type"], t["sub_type"], t["action"]) for t in service["triggers"]] == [
        ("domain_join", "domain_join", "start_service"),
        (None, "custom", "start_service"),  # type 7, for which the module has no word
    ]
    assert len(run("win_service_info")["services"]) > 40
    assert {s["name"] for s in run("win_service_info", name="Lanman*")["services"]} == {
        "LanmanServer", "LanmanWorkstation",
    }  # fmt: skip
    assert run("win_service_info", name="Task Scheduler")["services"][0]["controls_accepted"] == ["shutdown"]
    assert run("win_service_info", name="none") == {"changed": False, "exists": False, "services": []}


def test_workgroup_time_service_stops_after_boot() -> None:
    """KB 2385818: automatic start does not help as long as the domain triggers are there (Windows Server 2012 R2)."""
    host = Host.standard(os="2012r2")
    host.services.set_start_type("W32Time", "auto")
    host.services.start("W32Time")
    host.reboot()
    assert not host.services.get("W32Time").running
    host.services.set_triggers("W32Time", [])
    host.reboot()
    assert host.services.get("W32Time").running
    host.services.set_start_type("W32Time", "manual")
    host.reboot()
    assert not host.services.get("W32Time").running
    host.services.set_triggers("W32Time", NETWORK_TRIGGERS)
    host.reboot()
    assert host.services.get("W32Time").running


def test_domain_member_keeps_time() -> None:
    host = Host.standard(domain="corp.example")
    host.reboot()
    assert host.services.get("W32Time").running
    assert host.services.triggers("W32Time")[0] == DOMAIN_TRIGGERS[0]
    assert host.services.get("Netlogon").running


def test_boot_reads_the_registry() -> None:
    host = Host.standard()
    for name, start in (("MSiSCSI", 2), ("Spooler", 4), ("BITS", 3)):
        host.registry.set(f"HKLM:\\SYSTEM\\CurrentControlSet\\Services\\{name}", "Start", start)
    host.registry.set("HKLM:\\SYSTEM\\CurrentControlSet\\Services\\MSiSCSI", "DelayedAutostart", 1)
    host.reboot()
    assert (host.services.get("MSiSCSI").running, host.services.get("MSiSCSI").start_type) == (
        True,
        "delayed",
    )
    assert not host.services.get("Spooler").running
    host.services.get("Spooler").start_type = "auto"
    host.services.save(host.services.get("Spooler"))
    host.services.get("Spooler").fail_start = 1053
    host.reboot()
    assert not host.services.get("Spooler").running


def _start_with_a_disabled_dependency(host: Host) -> None:
    host.services.set_start_type("upnphost", "manual")
    host.services.start("upnphost")


ERRORS: list[tuple[int, Callable[[Host], Any]]] = [
    (1060, lambda h: h.services.get("none")),
    (1058, lambda h: h.services.start("RemoteAccess")),
    (1062, lambda h: h.services.pause("MSiSCSI")),
    (1062, lambda h: h.services.resume("MSiSCSI")),
    (1052, lambda h: h.services.pause("Spooler")),
    (87, lambda h: h.services.set_start_type("Spooler", "sometimes")),
    (1073, lambda h: h.services.add(Service("spooler", "x"))),
    (1068, _start_with_a_disabled_dependency),
    (1075, lambda h: h.services.start(h.services.add(Service("x", "x", dependencies=["gone"])).name)),
]


@pytest.mark.parametrize(("code", "action"), ERRORS, ids=[str(code) for code, _ in ERRORS])
def test_errors(host: Host, code: int, action: Callable[[Host], Any]) -> None:
    with pytest.raises(ServiceError) as caught:
        action(host)
    assert caught.value.code == code
    assert caught.value.hresult == 0x80070000 | code


def test_restart_brings_dependants_back_and_calls_back(host: Host) -> None:
    events: list[str] = []
    service = host.services.get("LanmanWorkstation")
    service.on_start.append(lambda: events.append("start"))
    service.on_stop.append(lambda: events.append("stop"))
    host.services.start("Netlogon")
    host.services.restart("LanmanWorkstation", force=True)
    assert host.services.get("Netlogon").running
    assert events == ["stop", "start"]

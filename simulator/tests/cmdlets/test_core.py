# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, clock, addresses, adapters, features, processes."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, call
from winsim.cmdlets.trace import trace
from winsim.errors import Unmodelled
from winsim.host import Host
from winsim.sc import sc
from winsim.services import Service

COMMANDS = "Microsoft.PowerShell.Commands."
EXCEPTION = f"{COMMANDS}ServiceCommandException"


@pytest.fixture
def host() -> Host:
    made = Host.standard(addresses=["172.21.0.11/24", {"address": "fd00::11/64", "interface": "Ethernet 2"}])
    made.services.add(Service("base", "Base Service", state="running", start_type="auto", can_pause=True))
    made.services.add(Service("top", "Top Service", state="running", dependencies=["base"]))
    made.services.add(Service("off", "Off Service", start_type="disabled"))
    made.services.add(Service("late", "Late Service", start_type="delayed"))
    made.services.add(Service("fixed", "Fixed Service", state="running", can_stop=False))
    return made


def error(host: Host, name: str, params: dict[str, Any]) -> CmdletError:
    with pytest.raises(CmdletError) as caught:
        call(host, name, params)
    return caught.value


def states(host: Host, *names: str) -> list[str]:
    return [host.services.get(name).state for name in names]


def test_get_service(host: Host) -> None:
    (found,) = call(host, "Get-Service", {"Name": "BASE"})
    assert [str(found.get(n)) for n in ("Name", "Status", "StartType", "ServiceType")] == [
        "base",
        "Running",
        "Automatic",
        "Win32OwnProcess",
    ]
    assert found.get("DependentServices") == ["top"]
    assert str(call(host, "Get-Service", {"Name": "late"})[0].get("StartType")) == "Automatic"
    assert [s.get("Name") for s in call(host, "Get-Service", {"Name": ["to*", "bas?"]})] == ["top", "base"]
    assert call(host, "Get-Service", {"Name": "none*"}) == []
    assert len(call(host, "Get-Service", {})) > 20
    assert call(host, "Get-Service", {"DisplayName": "top service"})[0].get("Name") == "top"
    assert call(host, "Get-Service", {"InputObject": found})[0].get("Name") == "base"


@pytest.mark.parametrize(
    ("name", "params", "error_id"),
    [
        ("Get-Service", {"Name": "none"}, "NoServiceFoundForGivenName"),
        ("Get-Service", {"Name": "Base Service"}, "NoServiceFoundForGivenName"),
        ("Get-Service", {"DisplayName": "base"}, "NoServiceFoundForGivenDisplayName"),
        ("Start-Service", {"Name": "none"}, "NoServiceFoundForGivenName"),
        ("Start-Service", {"Name": "off"}, "CouldNotStartService"),
        ("Stop-Service", {"Name": "base"}, "ServiceHasDependentServices"),
        ("Stop-Service", {"Name": "fixed", "Force": True}, "CouldNotStopService"),
        ("Restart-Service", {"Name": "base"}, "ServiceHasDependentServices"),
        ("Restart-Service", {"Name": "fixed"}, "CouldNotStopService"),
        ("Restart-Service", {"Name": "off"}, "CouldNotStartService"),
        ("Set-Service", {"Name": "off", "Status": "Running"}, "CouldNotStartService"),
        ("Set-Service", {"Name": "top", "Status": "Paused"}, "CouldNotStopService"),
        ("Set-Service", {"Name": "base", "Status": "Stopped"}, "ServiceHasDependentServices"),
    ],
)
def test_service_refusals(host: Host, name: str, params: dict[str, Any], error_id: str) -> None:
    found = error(host, name, params)
    assert found.type == EXCEPTION
    assert found.error_id == f"{error_id},{COMMANDS}{name.replace('-', '')}Command"


def test_start_and_stop(host: Host) -> None:
    assert call(host, "Stop-Service", {"Name": "base", "Force": True}) == []
    assert states(host, "base", "top") == ["stopped", "stopped"]
    (found,) = call(host, "Start-Service", {"Name": "top", "PassThru": True, "Confirm": False})
    assert str(found.get("Status")) == "Running"
    assert states(host, "base", "top") == ["running", "running"]
    call(host, "Restart-Service", {"Name": ["top", "late"]})
    assert states(host, "top", "late") == ["running", "running"]


def test_set_service(host: Host) -> None:
    service = host.services.get("late")
    call(host, "Set-Service", {"Name": "late", "StartupType": "Automatic", "Description": "d"})
    assert (service.start_type, service.description) == ("delayed", "d")
    (found,) = call(
        host, "Set-Service", {"Name": "late", "StartupType": "manual", "PassThru": True, "dn": "New"}
    )
    assert (str(found.get("StartType")), service.display_name) == ("Manual", "New")
    call(host, "Set-Service", {"Name": "late", "StartupType": "Automatic", "Status": "Running"})
    assert (service.start_type, service.state) == ("auto", "running")
    for status in ("Paused", "Running"):
        call(host, "Set-Service", {"Name": "base", "Status": status})
        assert states(host, "base") == [status.lower()]
    (top,) = call(host, "Get-Service", {"Name": "top"})
    call(host, "Set-Service", {"InputObject": top, "Status": "Stopped", "StartupType": "Disabled"})
    assert states(host, "top") == ["stopped"]
    missing = error(host, "Set-Service", {"Name": "Base Service", "StartupType": "Manual"})
    assert missing.type == "System.InvalidOperationException"


def test_start_type_survives_reboot(host: Host) -> None:
    call(host, "Set-Service", {"Name": "W32Time", "StartupType": "Automatic"})
    host.reboot()
    assert states(host, "W32Time") == ["running"]


@pytest.mark.parametrize(("language", "word"), [("en", "Waiting for service"), ("de", "gewartet...")])
def test_warnings_while_services_start_and_stop(language: str, word: str) -> None:
    """facts, Host: Start-Service and Restart-Service write localised warnings while waiting."""
    host = Host.standard(language=language, services={"Spooler": {"waits": 2}})
    counts = []
    for name in ("Start-Service", "Stop-Service", "Stop-Service", "Restart-Service", "Restart-Service"):
        with trace() as seen:
            call(host, name, {"Name": "Spooler"})
        counts.append(len(seen.warnings))
        assert all(word in text and "Print Spooler (Spooler)" in text for text in seen.warnings)
    assert counts == [0, 2, 0, 2, 4]  # it ran at first
    call(host, "Stop-Service", {"Name": "Spooler"})  # nobody listens


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Get-Service", {"Name": "x", "DependentServices": True}),
        ("Get-Service", {"Include": "a*"}),
        ("Set-Service", {"Name": "x", "ComputerName": "other"}),
        ("Get-Date", {"Format": "o"}),
        ("Get-WindowsFeature", {"Vhd": "C:\\x.vhdx"}),
        ("Get-NetIPAddress", {"PolicyStore": "ActiveStore"}),
    ],
)
def test_not_modelled(host: Host, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled, match=name.partition("-")[2]):
        call(host, name, params)


def test_get_date() -> None:
    host = Host.standard(clock_offset=3600)
    (now,) = call(host, "Get-Date", {})
    assert abs((now - host.clock.now()).total_seconds()) < 5


@pytest.mark.parametrize(
    ("params", "addresses"),
    [
        ({}, ["127.0.0.1", "::1", "172.21.0.11", "fd00::11"]),
        ({"AddressFamily": "ipv4"}, ["127.0.0.1", "172.21.0.11"]),
        ({"IPAddress": "172.21.0.11"}, ["172.21.0.11"]),
        ({"LocalAddress": ["172.*", "fd*"]}, ["172.21.0.11", "fd00::11"]),
        ({"InterfaceAlias": "ethernet"}, ["172.21.0.11"]),
        ({"InterfaceIndex": 1, "PrefixLength": 8}, ["127.0.0.1"]),
        ({"IPAddress": "10.*"}, []),
    ],
)
def test_get_net_ip_address(host: Host, params: dict[str, Any], addresses: list[str]) -> None:
    found = call(host, "Get-NetIPAddress", params)
    assert [item.get("IPAddress") for item in found] == addresses
    assert all(str(item.get("AddressState")) == "Preferred" for item in found)


def test_net_refusals(host: Host) -> None:
    found = error(host, "Get-NetIPAddress", {"IPAddress": "10.0.0.1"})
    assert found.type == "Microsoft.PowerShell.Cmdletization.Cim.CimJobException"
    assert found.error_id == "CmdletizationQuery_NotFound_IPAddress,Get-NetIPAddress"
    assert error(host, "Get-NetAdapter", {"Name": "none"}).error_id.startswith(
        "CmdletizationQuery_NotFound_Name"
    )


def test_get_net_adapter(host: Host) -> None:
    host.network.adapters[1].connected = False
    host.network.adapters[1].speed = 100_000_000
    first, second = call(host, "Get-NetAdapter", {})
    assert (first.get("Name"), first.get("Status"), first.get("LinkSpeed")) == ("Ethernet", "Up", "10 Gbps")
    assert (second.get("Status"), second.get("LinkSpeed")) == ("Disconnected", "100 Mbps")
    assert call(host, "Get-NetAdapter", {"ifIndex": first.get("ifIndex")})[0].get("Name") == "Ethernet"
    assert call(host, "Get-NetAdapter", {"ifDesc": "*#2"})[0].get("Name") == "Ethernet 2"


def test_get_windows_feature() -> None:
    host = Host.standard(features={"installed": ["FS-iSCSITarget-Server"], "unavailable": ["Hyper-V"]})
    given = {"Name": ["fs-iscsi*", "FS-iSCSITarget-Server", "Hyper-V", "Multipath-IO"]}
    found = {
        f.get("Name"): (str(f.get("InstallState")), f.get("Installed"))
        for f in call(host, "Get-WindowsFeature", given)
    }
    assert found == {"FS-iSCSITarget-Server": ("Installed", True), "Multipath-IO": ("Available", False)}
    assert len(call(host, "Get-WindowsFeature", {})) > 20
    nano = Host.standard(os="2016", edition="nano")
    assert error(nano, "Get-WindowsFeature", {}).error_id == "CommandNotFoundException"


# Processes ------------------------------------------------------------------------------------------------------


def test_start_process(host: Host) -> None:
    given = {"FilePath": "sc.exe", "ArgumentList": ["triggerinfo", "w32time", "delete"]}
    (process,) = call(host, "Start-Process", {**given, "Wait": True, "PassThru": True, "NoNewWindow": True})
    assert process.get("ExitCode") == 0
    assert host.services.triggers("W32Time") == []
    given["ArgumentList"] = ["triggerinfo w32time", "start/networkon", "stop/networkoff"]
    assert (
        call(host, "Start-Process", {**given, "FilePath": "C:\\Windows\\System32\\SC.exe", "Wait": True})
        == []
    )
    assert [t.action for t in host.services.triggers("W32Time")] == [1, 2]
    given["ArgumentList"] = ["triggerinfo", "none", "delete"]
    (running,) = call(host, "Start-Process", {**given, "PassThru": True})
    assert (running.get("ExitCode"), running.get("HasExited")) == (None, False)
    (process,) = call(host, "Start-Process", {**given, "Wait": True, "PassThru": True})
    assert process.get("ExitCode") == 1060


SC: list[tuple[list[str], int, str | None]] = [
    (["config", "w32time", "start=", "delayed-auto"], 0, "delayed"),
    (["CONFIG", "W32Time", "START=", "AUTO"], 0, "auto"),
    (["config", "W32Time", "start=", "demand"], 0, "manual"),
    (["config", "W32Time", "start=", "disabled"], 0, "disabled"),
    (["config", "Windows Time", "start=", "auto"], 1060, "manual"),
    (["config", "none", "start=", "auto"], 1060, "manual"),
    (["start", "W32Time"], 0, None),
    (["query", "W32Time"], 0, None),
    (["stop", "W32Time"], 0, None),
]


@pytest.mark.parametrize(("words", "code", "start_type"), SC)
def test_sc(words: list[str], code: int, start_type: str | None) -> None:
    host = Host.standard()
    assert sc(host, words).rc == code
    assert host.services.get("W32Time").start_type == (start_type or "manual")


def test_a_delayed_start_is_what_wmi_and_the_registry_tell(host: Host) -> None:
    sc(host, ["config", "W32Time", "start=", "delayed-auto"])
    wanted = {"ClassName": "Win32_Service", "Filter": "Name='W32Time'"}
    (service,) = call(host, "Get-CimInstance", wanted)
    assert (service.get("StartMode"), service.get("DelayedAutoStart")) == ("Auto", True)
    assert host.registry.data(host.services.key("W32Time"), "DelayedAutostart") == 1
    sc(host, ["config", "W32Time", "start=", "auto"])
    (service,) = call(host, "Get-CimInstance", wanted)
    assert service.get("DelayedAutoStart") is False


@pytest.mark.parametrize(
    "words",
    [
        ["qc", "x"],
        ["config", "W32Time", "start=auto"],
        ["config", "W32Time", "start=", "never"],
        ["config", "W32Time"],
    ],
)
def test_sc_not_modelled(host: Host, words: list[str]) -> None:
    with pytest.raises(Unmodelled, match="sc.exe"):
        sc(host, words)


def test_start_w32tm(host: Host) -> None:
    given = {"FilePath": "w32tm", "ArgumentList": ["/resync"], "Wait": True, "PassThru": True}
    assert call(host, "Start-Process", given)[0].get("ExitCode") == 0x80070426 - 2**32


def test_start_process_refusals(host: Host) -> None:
    found = error(host, "Start-Process", {"FilePath": "C:\\none\\tool.exe"})
    assert found.type == "System.InvalidOperationException"
    for given in ({"FilePath": "notepad"}, {"FilePath": "sc.exe", "RedirectStandardOutput": "C:\\x"}):
        with pytest.raises(Unmodelled, match="Start-Process"):
            call(host, "Start-Process", given)

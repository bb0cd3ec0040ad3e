# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows Time service, w32tm and sc triggerinfo."""

from __future__ import annotations

import pytest

from winsim.errors import Unmodelled
from winsim.host import Host
from winsim.w32time import POLICY_ROOT, ROOT, defaults, sc_triggerinfo

NOT_STARTED = 0x80070426 - 2**32
POOL = ["/config", "/manualpeerlist:0.pool.example,0x9 1.pool.example,0xa", "/syncfromflags:manual"]


@pytest.fixture
def host() -> Host:
    return Host.standard()


@pytest.mark.parametrize(
    ("release", "member", "subkey", "name", "data"),
    [
        ("2022", False, "Parameters", "Type", "NTP"),
        ("2022", True, "Parameters", "Type", "NT5DS"),
        ("2022", False, "Parameters", "NtpServer", "time.windows.com,0x1"),
        ("2022", False, "TimeProviders\\NtpClient", "SpecialPollInterval", 604800),
        ("2022", True, "TimeProviders\\NtpClient", "SpecialPollInterval", 3600),
        ("2022", False, "Config", "MaxPosPhaseCorrection", 54000),
        ("2022", True, "Config", "MaxPosPhaseCorrection", 0xFFFFFFFF),
        ("2025", False, "Config", "UtilizeSslTimeData", 0),
        ("2019", False, "Config", "UtilizeSslTimeData", 1),
        ("2012r2", False, "Config", "UtilizeSslTimeData", None),
        ("2022", False, "TimeProviders\\NtpServer", "Enabled", 0),
    ],
)
def test_defaults(release: str, member: bool, subkey: str, name: str, data: object) -> None:
    assert defaults(release, member=member)[subkey].get(name) == data
    host = Host.standard(os=release, domain="corp.example" if member else None)
    assert host.registry.data(f"{ROOT}\\{subkey}", name) == data


def test_expandable_values(host: Host) -> None:
    value = host.registry.get(f"{ROOT}\\Parameters", "ServiceDll")
    assert value is not None
    assert value.type == "expandstring"


@pytest.mark.parametrize(
    ("domain", "prepare", "running"),
    [
        (None, "", False),
        (None, "auto", False),
        (None, "auto delete", True),
        (None, "networkon", True),
        (None, "networkon disabled", False),
        ("corp.example", "", True),
    ],
)
def test_start_at_boot(domain: str | None, prepare: str, running: bool) -> None:
    """A workgroup host stops the service again after boot until its triggers are changed (KB 2385818)."""
    host = Host.standard(domain=domain)
    if "delete" in prepare:
        assert sc_triggerinfo(host, ["triggerinfo", "w32time", "delete"]).rc == 0
    if "networkon" in prepare:
        assert sc_triggerinfo(host, ["triggerinfo", "w32time", "start/networkon", "stop/networkoff"]).rc == 0
    for kind in ("auto", "disabled"):
        if kind in prepare:
            host.services.set_start_type("W32Time", kind)
    host.services.stop("W32Time")
    host.reboot()
    assert host.w32time.running is running


def test_settings_are_read_at_start(host: Host) -> None:
    assert host.w32time.settings is None
    assert host.w32time.source == "Local CMOS Clock"
    host.services.start("W32Time")
    assert host.w32time.source == "time.windows.com,0x1"
    host.registry.set(f"{ROOT}\\Parameters", "NtpServer", "a.example,0x2 b.example,0x8")
    assert host.w32time.source == "time.windows.com,0x1"
    host.services.restart("W32Time")
    assert host.w32time.source == "b.example,0x8"  # 0x2 is fall-back only
    host.registry.set(f"{ROOT}\\Parameters", "NtpServer", "a.example,0x2")
    host.services.restart("W32Time")
    assert host.w32time.source == "a.example,0x2"
    host.registry.set(f"{ROOT}\\TimeProviders\\NtpClient", "Enabled", 0)
    host.services.restart("W32Time")
    assert host.w32time.source == "Local CMOS Clock"


def test_policy_wins(host: Host) -> None:
    host.registry.set(f"{POLICY_ROOT}\\Parameters", "NtpServer", "gpo.example,0x9")
    host.registry.set(f"{ROOT}\\Parameters", "NtpServer", "a.example,0x8")
    host.services.start("W32Time")
    assert host.w32time.source == "gpo.example,0x9"
    text = host.w32time.run(["/query", "/configuration"]).stdout
    assert "NtpServer: gpo.example,0x9 (Policy)" in text
    assert "Type: NTP (Local)" in text


def test_domain_member() -> None:
    host = Host.standard(domain="corp.example")
    assert host.w32time.running
    host.reboot()
    assert host.w32time.run(["/query", "/source"]).stdout == "dc1.corp.example\r\n"


def test_running_from_the_start() -> None:
    host = Host.standard(services={"W32Time": {"state": "running"}})
    assert host.w32time.source == "time.windows.com,0x1"


@pytest.mark.parametrize(
    "words",
    [["/query", "/source"], ["/query", "/status"], ["/resync"], [*POOL, "/update"], ["/config", "/update"]],
)
def test_stopped(host: Host, words: list[str]) -> None:
    result = host.w32time.run(words)
    assert result.rc == NOT_STARTED
    assert "The service has not been started. (0x80070426)" in result.stdout


def test_configure(host: Host) -> None:
    host.services.start("W32Time")
    result = host.w32time.run([*POOL, "/reliable:yes", "/computer:localhost"])
    assert (result.rc, result.stdout) == (0, "The command completed successfully.\r\n")
    assert host.registry.data(f"{ROOT}\\Parameters", "NtpServer") == "0.pool.example,0x9 1.pool.example,0xa"
    assert host.registry.data(f"{ROOT}\\Config", "AnnounceFlags") == 5
    assert host.w32time.source == "time.windows.com,0x1"
    assert host.w32time.run(["/config", "/update"]).rc == 0
    assert host.w32time.source == "0.pool.example,0x9"
    host.w32time.run(["/config", '/manualpeerlist:"only.example"', "/reliable:no", "/update"])
    assert host.w32time.source == "only.example"


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        ("MANUAL", "NTP"),
        ("domhier", "NT5DS"),
        ("manual,domhier", "AllSync"),
        ("ALL", "AllSync"),
        ("no", "NoSync"),
    ],
)
def test_sync_flags(host: Host, flags: str, kind: str) -> None:
    host.w32time.run(["/config", f"/syncfromflags:{flags}"])
    assert host.registry.data(f"{ROOT}\\Parameters", "Type") == kind


def test_queries(host: Host) -> None:
    host.w32time.run(POOL)
    host.services.start("W32Time")
    status = host.w32time.run(["/query", "/status", "/verbose"]).stdout
    assert "Leap Indicator: 0(no warning)" in status
    assert "Source: 0.pool.example,0x9" in status
    assert "Poll Interval: 19 (604800s)" in status
    peers = host.w32time.run(["/query", "/computer:WIN-TEST", "/peers"]).stdout
    assert peers.startswith("#Peers: 2\r\n\r\nPeer: 0.pool.example,0x9\r\n")
    assert "HostPoll Interval: 10 (1024s)" in peers
    configuration = host.w32time.run(["/query", "/configuration"]).stdout
    assert "[TimeProviders]" in configuration
    assert "SpecialPollInterval: 604800 (Local)" in configuration
    host.w32time.run(["/config", "/syncfromflags:NO", "/update"])
    assert "Leap Indicator: 3(not synchronized)" in host.w32time.run(["/query", "/status"]).stdout
    assert host.w32time.run(["/query", "/peers"]).stdout == "#Peers: 0\r\n"
    assert host.w32time.run(["/resync"]).rc == 1
    host.w32time.run(["/config", "/syncfromflags:MANUAL", "/manualpeerlist:a.example,odd", "/update"])
    assert host.w32time.run(["/resync"]).rc == 0
    assert "Poll Interval: 10 (1024s)" in host.w32time.run(["/query", "/status"]).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["/stripchart", "/computer:a"],
        ["/query"],
        ["/query", "/bogus"],
        ["/config", "/largephaseoffset:1"],
        ["/config", "/computer:other"],
        ["/config", "/syncfromflags:sometimes"],
    ],
)
def test_not_modelled(host: Host, words: list[str]) -> None:
    host.services.start("W32Time")
    with pytest.raises(Unmodelled, match="w32tm"):
        host.w32time.run(words)


def test_triggerinfo(host: Host) -> None:
    shown = sc_triggerinfo(host, ["triggerinfo", "W32Time"]).stdout
    assert "1ce20aba-9851-4421-9430-1ddeb766e809 [DOMAIN JOINED]" in shown
    assert "STOP SERVICE" in shown
    result = sc_triggerinfo(host, ["triggerinfo", "w32time", "start/networkon", "stop/networkoff"])
    assert (result.rc, result.stdout) == (0, "[SC] ChangeServiceConfig2 SUCCESS\r\n")
    assert "FIRST IP ADDRESS" in sc_triggerinfo(host, ["triggerinfo", "w32time"]).stdout
    sc_triggerinfo(host, ["triggerinfo", "w32time", "delete"])
    assert "has not registered" in sc_triggerinfo(host, ["triggerinfo", "w32time"]).stdout
    assert not host.registry.exists(f"{ROOT}\\TriggerInfo")
    for name in ("none", "windows time"):
        result = sc_triggerinfo(host, ["triggerinfo", name, "delete"])
        assert result.rc == 1060
        assert "OpenService FAILED 1060" in result.stdout
    for words in (["qc", "w32time"], ["triggerinfo", "w32time", "start/etw/x"], ["triggerinfo"]):
        with pytest.raises(Unmodelled, match="sc.exe"):
            sc_triggerinfo(host, words)

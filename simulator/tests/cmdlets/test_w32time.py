# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows Time service, w32tm and sc triggerinfo."""

from __future__ import annotations

import json
from typing import Any

import pytest

from winsim.driver import run_batch
from winsim.errors import Unmodelled
from winsim.faults import HostFaults
from winsim.host import Host
from winsim.w32time import POLICY_ROOT, ROOT, defaults, is_peer, sc_triggerinfo

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
        ("2022", False, "TimeProviders\\VMICTimeProvider", "Enabled", 1),
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
    ("release", "domain", "prepare", "running"),
    [
        ("2012r2", None, "", False),
        ("2012r2", None, "auto", False),
        ("2012r2", None, "auto delete", True),
        ("2012r2", "corp.example", "", True),
        ("2022", None, "", False),
        ("2022", None, "auto", True),
        ("2022", None, "auto delete", True),
        ("2022", None, "auto stop", False),
        ("2022", None, "networkon", True),
        ("2022", None, "networkon disabled", False),
        ("2022", "corp.example", "", True),
        ("2022", "corp.example", "manual", True),
        ("2022", "corp.example", "manual delete", False),
    ],
)
def test_start_at_boot(release: str, domain: str | None, prepare: str, running: bool) -> None:
    """facts, Clock: only a STOP trigger (KB 2385818) ends an automatic service; Manual without triggers never starts."""
    services = (
        {"W32Time": {"triggers": ["start/domainjoin", "stop/domainleave"]}} if "stop" in prepare else {}
    )
    host = Host.standard(os=release, domain=domain, services=services)
    if "delete" in prepare:
        assert sc_triggerinfo(host, ["triggerinfo", "w32time", "delete"]).rc == 0
    if "networkon" in prepare:
        assert sc_triggerinfo(host, ["triggerinfo", "w32time", "start/networkon", "stop/networkoff"]).rc == 0
    for kind in ("auto", "manual", "disabled"):
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
    assert "Poll Interval: 15 (32768s)" in status
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
    host.w32time.run(["/config", "/syncfromflags:MANUAL", "/manualpeerlist:a.example,8", "/update"])
    assert host.w32time.run(["/resync", "/rediscover"]).rc == 0
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
        ["/resync", "/force"],
        ["/resync", "/computer:other"],
    ],
)
def test_not_modelled(host: Host, words: list[str]) -> None:
    host.services.start("W32Time")
    with pytest.raises(Unmodelled, match="w32tm"):
        host.w32time.run(words)


def test_triggerinfo(host: Host) -> None:
    shown = sc_triggerinfo(host, ["triggerinfo", "W32Time"]).stdout
    assert "1ce20aba-9851-4421-9430-1ddeb766e809 [DOMAIN JOINED]" in shown
    assert "CUSTOM SYSTEM STATE CHANGE EVENT" in shown
    assert "STOP SERVICE" not in shown
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


# Seen by the first review -----------------------------------------------------------------------------------------


def triggers(release: str, **services: Any) -> list[tuple[object, object]]:
    host = Host.standard(os=release, services={"W32Time": services} if services else {})
    keys = host.registry.subkeys(f"{ROOT}\\TriggerInfo")
    return [
        (
            host.registry.data(f"{ROOT}\\TriggerInfo\\{key}", "Type"),
            host.registry.data(f"{ROOT}\\TriggerInfo\\{key}", "Action"),
        )
        for key in keys
    ]


def test_trigger_info_as_windows_ships_it() -> None:
    """2016 and later have one START trigger (Type 3, Action 1), newer builds one more of Type 7."""
    assert triggers("2012r2") == [(3, 1), (3, 2)]
    assert triggers("2016") == triggers("2019") == [(3, 1)]
    assert triggers("2022") == triggers("2025") == [(3, 1), (7, 1)]


def test_hardening_scripts_delete_trigger_info() -> None:
    host = Host.standard(services={"W32Time": {"triggers": []}})
    assert not host.registry.exists(f"{ROOT}\\TriggerInfo")
    assert triggers("2022", triggers=["stop/domainleave"]) == [(3, 2)]


@pytest.mark.parametrize(
    ("release", "interval", "seconds"),
    [
        ("2022", 900, 1024),
        ("2022", 86400, 32768),
        ("2022", 3600, 3600),
        ("2019", 900, 1024),
        ("2016", 900, 900),
    ],
)
def test_the_special_interval_is_clamped_since_1703(release: str, interval: int, seconds: int) -> None:
    host = Host.standard(
        os=release, registry={f"{ROOT}\\TimeProviders\\NtpClient": {"SpecialPollInterval": interval}}
    )
    host.services.start("W32Time")
    settings = host.w32time.settings
    assert settings is not None
    assert settings.poll_seconds("a.example,0x9") == seconds
    assert settings.poll_seconds("a.example,0x8") == 1024
    host.registry.set(f"{ROOT}\\Config", "MinPollInterval", 6)
    host.registry.set(f"{ROOT}\\Config", "MaxPollInterval", 17)
    host.services.restart("W32Time")
    assert host.w32time.settings is not None
    assert host.w32time.settings.poll_seconds("a.example,0x1") == interval


def test_a_text_where_a_number_belongs_does_not_count() -> None:
    """``reg add`` without /t makes SpecialPollInterval a REG_SZ."""
    key = f"{ROOT}\\TimeProviders\\NtpClient"
    host = Host.standard(registry={key: {"SpecialPollInterval": {"type": "string", "data": "10800"}}})
    host.services.start("W32Time")
    settings = host.w32time.settings
    assert settings is not None
    assert settings.get("TimeProviders\\NtpClient", "SpecialPollInterval", "not read") == "not read"
    assert "SpecialPollInterval" not in host.w32time.run(["/query", "/configuration"]).stdout
    assert host.registry.data(key, "SpecialPollInterval") == "10800"


@pytest.mark.parametrize(
    ("entry", "whole"),
    [
        ("a.example", True),
        ("a.example,0x9", True),
        ("a.example,0x01", True),
        ("a.example,0x001", True),
        ("169.254.169.123,0x9", True),
        ("fd00::1,0x8", True),
        ("[fd00::1],0x8", True),
        ("a.example,b.example", False),
        ("a.example,0x9,b.example,0x9", False),
        ("\u201ca.example\u201d", False),
        ("a.example,odd", False),
        (",0x9", False),
    ],
)
def test_entries_of_the_peer_list(host: Host, entry: str, whole: bool) -> None:
    """Entries are separated by blanks; a list with commas is one broken entry."""
    assert is_peer(entry) is whole
    host.registry.set(f"{ROOT}\\Parameters", "NtpServer", entry)
    host.services.start("W32Time")
    assert host.w32time.source == (entry if whole else "Local CMOS Clock")
    peers = host.w32time.run(["/query", "/peers"]).stdout
    assert f"Peer: {entry}\r\nState: {'Active' if whole else 'Pending'}" in peers
    assert host.w32time.run(["/resync"]).rc == (0 if whole else 1)


@pytest.mark.parametrize(
    ("offset", "changes", "rc"),
    [
        (-3600.0, {}, 0),
        (3600.0, {}, 0),
        (-60000.0, {}, 3),
        (60000.0, {}, 3),
        (60000.0, {"MaxNegPhaseCorrection": 0xFFFFFFFF}, 0),
        (-60000.0, {"MaxNegPhaseCorrection": 0xFFFFFFFF}, 3),
        (-60000.0, {"MaxPosPhaseCorrection": 172800}, 0),
    ],
)
def test_a_clock_further_off_is_never_set(offset: float, changes: dict[str, int], rc: int) -> None:
    """Stand-alone MaxPos- and MaxNegPhaseCorrection are 54000 s; 0xFFFFFFFF sets the clock whatever it says."""
    host = Host.standard(clock_offset=offset, registry={f"{ROOT}\\Config": changes})
    host.services.start("W32Time")
    uptime = host.uptime()
    assert host.w32time.run(["/resync", "/rediscover"]).rc == rc
    assert host.clock.offset == (offset if rc else 0.0)
    assert abs(host.uptime() - uptime) < 5


def test_what_runs_is_told_and_not_what_is_stored(host: Host) -> None:
    host.services.start("W32Time")
    host.registry.set(f"{ROOT}\\Parameters", "NtpServer", "new.example,0x9")
    assert "NtpServer: time.windows.com,0x1 (Local)" in host.w32time.run(["/query", "/configuration"]).stdout
    host.w32time.run(["/config", "/update"])
    assert "NtpServer: new.example,0x9 (Local)" in host.w32time.run(["/query", "/configuration"]).stdout


def test_a_restart_that_fails_leaves_the_old_settings_running(host: Host) -> None:
    """attack F1: the registry holds the new peers, the service still runs with the old ones."""
    host.services.start("W32Time")
    host.faults = HostFaults()
    host.faults.inject({"kind": "cmdlet_error", "cmdlet": "Restart-Service", "times": 1})
    value = {"LiteralPath": f"={ROOT}\\Parameters", "Name": "=NtpServer", "Value": "=new.example"}
    calls = [
        {"id": "set", "cmdlet": "Set-ItemProperty", "params": value, "select": [], "change": True},
        {
            "id": "restart",
            "cmdlet": "Restart-Service",
            "params": {"Name": "=W32Time"},
            "select": [],
            "change": True,
        },
    ]
    notes: list[dict[str, Any]] = []
    sources = []
    for _ in range(2):
        batch = {"Batch": json.dumps({"calls": calls})}
        run_batch(host, batch, {}, check_mode=False, note=notes.append)
        sources.append(host.w32time.source)
        assert host.w32time.running
    assert [note["ok"] for note in notes] == [True, False, True, True]
    assert sources == ["time.windows.com,0x1", "new.example"]


@pytest.mark.parametrize(
    ("role", "source"), [(3, "dc1.corp.example"), (4, "dc1.corp.example"), (5, "Local CMOS Clock")]
)
def test_the_pdc_emulator_has_nobody_above_it(role: int, source: str) -> None:
    host = Host.standard(domain="corp.example", domain_role=role)
    assert host.w32time.source == source
    host.w32time.run(["/config", "/manualpeerlist:ntp.example,0x8", "/syncfromflags:manual", "/update"])
    assert host.w32time.source == "ntp.example,0x8"
    assert host.registry.data(f"{ROOT}\\Config", "MaxPosPhaseCorrection") == (
        172800 if role > 3 else 0xFFFFFFFF
    )
    assert host.registry.data(f"{ROOT}\\TimeProviders\\NtpServer", "Enabled") == int(role > 3)


def test_group_policy_in_the_hosts_file() -> None:
    policy = {f"{POLICY_ROOT}\\Parameters": {"NtpServer": "gpo.example,0x9", "Type": "NTP"}}
    host = Host.standard(domain="corp.example", registry=policy)
    assert host.w32time.source == "gpo.example,0x9"
    assert "Type: NTP (Policy)" in host.w32time.run(["/query", "/configuration"]).stdout


def test_the_time_provider_of_hyper_v_is_told(host: Host) -> None:
    host.services.start("W32Time")
    text = host.w32time.run(["/query", "/configuration"]).stdout
    assert "VMICTimeProvider (Local)\r\n" in text
    assert "Enabled: 1 (Local)" in text.partition("VMICTimeProvider")[2]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NTP client of a host, on simulated hosts."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import ToldState, options_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.ntp_client import KIND, SYNC_TYPES
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.w32time import (
    CLIENT,
    CONFIG,
    HYPERV,
    PARAMETERS,
    POLICY,
)
from winsim.faults import HostFaults
from winsim.services import DOMAIN_TRIGGERS, NETWORK_TRIGGERS, Trigger

from ..cases import CASES, planned
from ..simulated import Result, SimulatedHost

Facts = dict[str, t.Any]
Wish = dict[str, t.Any]

TRIGGERS: dict[str, list[Trigger]] = {
    "none": [],
    "domain": DOMAIN_TRIGGERS,
    "start": DOMAIN_TRIGGERS[:1],
    "network": NETWORK_TRIGGERS,
}
NAMES = {"NtpServer": PARAMETERS, "Type": PARAMETERS, "Enabled": CLIENT, "SpecialPollInterval": CLIENT}


def host(
    *,
    joined: bool = False,
    running: bool = False,
    start_mode: str = "manual",
    triggers: str = "start",
    values: Facts | None = None,
    policy: Facts | None = None,
    **config: t.Any,
) -> SimulatedHost:
    """Return a host as Windows ships it, with the given facts instead. ``values`` and ``policy``: by name of the value."""
    made = SimulatedHost(**({"domain": "corp.example"} if joined else {}), **config)
    machine = made.machine
    machine.services.stop("W32Time", force=True)
    for name, data in {"NtpServer": "time.windows.com,0x9", "Type": "NTP", **(values or {})}.items():
        if data is None:
            machine.registry.delete_value(NAMES[name], name)
        else:
            machine.registry.set(NAMES.get(name, CONFIG), name, data)
    for name, data in (policy or {}).items():
        machine.registry.set(NAMES.get(name, CONFIG).replace(CONFIG.rpartition("\\")[0], POLICY), name, data)
    machine.services.set_triggers("W32Time", TRIGGERS[triggers])
    if running:
        machine.services.start("W32Time")
    machine.services.set_start_type("W32Time", start_mode)
    machine.faults = HostFaults()
    return made


def ntp(**wish: t.Any) -> list[dict[str, Wish]]:
    """Return a document that wishes for an NTP client; two peers if nothing else is said."""
    return [{"ntp_client": {"peers": ["ntp1.example", "ntp2.example"], **wish}}]


def brief(result: Result) -> list[str]:
    """Return the calls of a result in a word or two each."""
    return [
        f"{call['cmdlet']} {_words(call['parameters'])}"
        for entry in result["objects"]
        for call in entry["commands"]
    ]


def _words(given_: t.Mapping[str, t.Any]) -> str:
    words = given_.get("ArgumentList") or [given_.get("StartupType") or given_["Name"]]
    return " ".join(words) + (f"={given_['Value']}" if "Value" in given_ else "")


def warnings(result: Result, part: str = "") -> list[str]:
    """Return the warnings of a result that have a text in them."""
    return [text for text in result["warnings"] if part in text]


SET_PEERS = "Set-ItemProperty NtpServer=ntp1.example,0x8 ntp2.example,0x8"
RESYNC = "Start-Program /resync /rediscover"
NO_TRIGGER = "Start-Program triggerinfo w32time delete"
ON_NETWORK = "Start-Program triggerinfo w32time start/networkon stop/networkoff"
RESTARTED = ["Restart-Service W32Time", RESYNC]
STARTED = ["Start-Service W32Time", RESYNC]
RUNNING: Facts = {"running": True, "start_mode": "auto", "triggers": "none"}
A: Facts = {"values": {"NtpServer": "a,0x8"}}
NO_PEERS: Wish = {"peers": None}

PLANS: dict[str, tuple[Facts, Wish, list[str]]] = {
    "a new workgroup host": ({}, {}, ["Set-Service Automatic", NO_TRIGGER, SET_PEERS, *STARTED]),
    "a new workgroup host of 2012 R2": (
        {"triggers": "domain", "os": "2012r2"}, {}, ["Set-Service Automatic", NO_TRIGGER, SET_PEERS, *STARTED],
    ),
    "a running service reads its values when it restarts": (RUNNING, {}, [SET_PEERS, *RESTARTED]),
    "no resynchronisation": (RUNNING, {"resync": False}, [SET_PEERS, "Restart-Service W32Time"]),
    "only how it starts differs: no restart": (
        RUNNING | A | {"start_mode": "manual"}, {"peers": "a"}, ["Set-Service Automatic"],
    ),
    "only the trigger differs: no restart": (RUNNING | A | {"triggers": "network"}, {"peers": "a"}, [NO_TRIGGER]),
    "nothing to do": (RUNNING | A, {"peers": "a"}, []),
    "case and the form of a number do not matter": (
        RUNNING | {"values": {"NtpServer": "NTP1.Example,0x08  ntp2.example.,8", "Type": "ntp"}}, {}, [],
    ),
    "the order of peers matters": (
        RUNNING | {"values": {"NtpServer": "ntp2.example,0x8 ntp1.example,0x8"}}, {}, [SET_PEERS, *RESTARTED],
    ),
    "flags matter, unnamed ones too": (
        RUNNING | {"values": {"NtpServer": "ntp1.example,0x18 ntp2.example,0x8"}}, {}, [SET_PEERS, *RESTARTED],
    ),
    "unreadable flags are replaced": (
        RUNNING | {"values": {"NtpServer": "ntp1.example,zz ntp2.example"}}, {}, [SET_PEERS, *RESTARTED],
    ),
    "quotes are replaced": (
        RUNNING | {"values": {"NtpServer": '"ntp1.example,0x8 ntp2.example,0x8"'}}, {}, [SET_PEERS, *RESTARTED],
    ),
    "a stopped service is started": ({"start_mode": "auto", "triggers": "none"} | A, {"peers": "A"}, STARTED),
    "a disabled service is enabled before it is started": (
        {"start_mode": "disabled", "triggers": "none"} | A, {"peers": "a"}, ["Set-Service Automatic", *STARTED],
    ),
    "an NTP client that is switched off": (
        RUNNING | {"values": {"NtpServer": "a,0x8", "Enabled": 0}}, {"peers": "a"},
        ["Set-ItemProperty Enabled=1", *RESTARTED],
    ),
    "special poll interval": (
        RUNNING | {"values": {"NtpServer": "a,0x9"}}, {"peers": "a,0x9", "special_poll_interval": 2048},
        ["Set-ItemProperty SpecialPollInterval=2048", *RESTARTED],
    ),
    "a value of another type does not count": (
        RUNNING | {"values": {"NtpServer": "a,0x1", "SpecialPollInterval": "10800"}},
        {"peers": "a,0x1", "special_poll_interval": 10800},
        ["Set-ItemProperty SpecialPollInterval=10800", *RESTARTED],
    ),
    "values that are not there": (
        RUNNING | {"values": dict.fromkeys(NAMES)}, {},
        [SET_PEERS, "Set-ItemProperty Type=NTP", "Set-ItemProperty Enabled=1", *RESTARTED],
    ),
    "a trigger that follows the network": (
        RUNNING | A | {"triggers": "domain"}, {"peers": "a", "trigger": "network"}, [ON_NETWORK],
    ),
    "a manual start on a workgroup host needs such a trigger": (
        {"running": True} | A, {"peers": "a", "start_mode": "manual"}, [ON_NETWORK],
    ),
    "the trigger is kept on demand": (
        {"running": True} | A, {"peers": "a", "trigger": "keep"}, ["Set-Service Automatic"],
    ),
    "a domain member back to its domain": (
        {"joined": True, "running": True}, {"sync_type": "domain"} | NO_PEERS,
        ["Set-ItemProperty Type=NT5DS", *RESTARTED],
    ),
    "a domain member whose service is disabled": (
        {"joined": True, "start_mode": "disabled", "values": {"Type": "NT5DS"}}, {"sync_type": "domain"} | NO_PEERS,
        ["Set-Service Automatic", *STARTED],
    ),
    "a domain member whose service nothing starts": (
        {"joined": True, "triggers": "none", "values": {"Type": "NT5DS"}}, {"sync_type": "domain"} | NO_PEERS,
        ["Set-Service Automatic", *STARTED],
    ),
    "a domain member that goes its own way keeps its trigger": (
        {"joined": True, "running": True}, {"allow_domain_member": True}, [SET_PEERS, *RESTARTED],
    ),
    "a domain member that goes its own way is started by something": (
        {"joined": True, "running": True, "triggers": "none"}, {"allow_domain_member": True},
        ["Set-Service Automatic", SET_PEERS, *RESTARTED],
    ),
    "the PDC emulator has peers of its own": (
        {"joined": True, "running": True, "domain_role": 5, "values": {"Type": "NT5DS"}}, {},
        [SET_PEERS, "Set-ItemProperty Type=NTP", *RESTARTED],
    ),
    "a domain member that is left alone": ({"joined": True}, {"domain_members": "leave"}, []),
    "a member that is left alone even by its domain": (
        {"joined": True, "start_mode": "disabled"}, {"sync_type": "domain", "domain_members": "leave"} | NO_PEERS, [],
    ),
    "a workgroup host is no member": (RUNNING, {"domain_members": "leave"}, [SET_PEERS, *RESTARTED]),
    "both peers and domain": (
        {"joined": True, "running": True}, {"sync_type": "all", "allow_domain_member": True} | NO_PEERS,
        ["Set-ItemProperty Type=AllSync", *RESTARTED],
    ),
    "no synchronisation leaves the service as it is": (
        {}, {"sync_type": "none"} | NO_PEERS, ["Set-ItemProperty Type=NoSync"],
    ),
    "no synchronisation from now on": (
        RUNNING, {"sync_type": "none"} | NO_PEERS, ["Set-ItemProperty Type=NoSync", "Restart-Service W32Time"],
    ),
    "no synchronisation, and a service that could not be started again": (
        RUNNING | {"start_mode": "disabled"}, {"sync_type": "none"} | NO_PEERS,
        ["Set-ItemProperty Type=NoSync", "Stop-Service W32Time"],
    ),
    "no synchronisation, and no service": (
        RUNNING | {"values": {"Type": "NoSync"}}, {"sync_type": "none", "start_mode": "disabled"} | NO_PEERS,
        ["Set-Service Disabled", "Stop-Service W32Time"],
    ),
    "a type that nobody knows": (
        RUNNING | {"values": {"NtpServer": "a,0x8", "Type": "Odd"}}, {"peers": "a"},
        ["Set-ItemProperty Type=NTP", *RESTARTED],
    ),
    "a service that is to stay stopped": ({}, {"service": "stopped"}, [SET_PEERS]),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "wish", "wanted"), PLANS.values(), ids=PLANS.keys())
def test_plans(facts: Facts, wish: Wish, wanted: list[str]) -> None:
    one = host(**facts)
    document = ntp(**wish)
    foreseen = one.check(document)
    assert (foreseen.get("msg"), brief(foreseen), one.changing()) == (None, wanted, [])
    result = one.converge(document)
    assert (result.get("msg"), brief(result)) == (None, wanted)
    assert one.commands == (2 if wanted else 1)
    assert [entry["after"] for entry in result["objects"]] == [
        entry["after"] for entry in foreseen["objects"]
    ]
    again = one.converge(document)
    assert (again["changed"], brief(again)) == (False, [])
    verified = one.verify(document)
    assert (verified.get("msg"), verified["changed"]) == (None, False)


@pytest.mark.parametrize(("facts", "wish", "wanted"), PLANS.values(), ids=PLANS.keys())
def test_verifying_tells_what_is_left(facts: Facts, wish: Wish, wanted: list[str]) -> None:
    assert bool(host(**facts).verify(ntp(**wish)).get("failed")) is bool(wanted)


# What was promised: a restart that is owed --------------------------------------------------------------------------------


def test_a_restart_that_failed_is_due_until_it_is_seen_done() -> None:
    one = host(**RUNNING)
    one.machine.faults.inject({"kind": "cmdlet_error", "cmdlet": "Restart-Service", "times": 1})  # type: ignore[union-attr]
    first = one.converge(ntp())
    assert first["msg"].startswith("ntp_client: Windows refused Restart-Service:")
    assert one.verify(ntp())["msg"] == (
        "ntp_client: peers of the running service is time.windows.com,0x9 and ntp1.example,0x8 ntp2.example,0x8 was wanted."
    )
    assert brief(one.check(ntp())) == RESTARTED
    second = one.converge(ntp())
    assert (second.get("msg"), brief(second)) == (None, RESTARTED)
    assert one.machine.w32time.settings.peers == ["ntp1.example,0x8", "ntp2.example,0x8"]  # type: ignore[union-attr]
    assert one.converge(ntp())["changed"] is False
    assert not one.verify(ntp()).get("failed")


@pytest.mark.parametrize(
    ("name", "before", "after", "wish"),
    [
        ("NtpServer", "b,0x1", "a,0x9", {"peers": "a,0x9"}),
        ("Type", "NTP", "AllSync", {"peers": "a,0x1", "sync_type": "all"}),
        ("Enabled", 0, 1, {"peers": "a,0x1"}),
        ("SpecialPollInterval", 4096, 2048, {"peers": "a,0x1", "special_poll_interval": 2048}),
    ],
)
def test_whatever_was_written_without_a_restart_is_seen(
    name: str, before: t.Any, after: t.Any, wish: Wish
) -> None:
    one = host(**RUNNING | {"values": {"NtpServer": "a,0x1", name: before}})
    one.machine.registry.set(NAMES[name], name, after)
    assert brief(one.check(ntp(**wish))) == RESTARTED
    assert "of the running service is" in one.verify(ntp(**wish))["msg"]
    assert brief(one.converge(ntp(**wish))) == RESTARTED
    assert not one.verify(ntp(**wish)).get("failed")


def test_a_restart_that_is_owed_is_foreseen_beside_other_changes() -> None:
    one = host(**RUNNING | {"start_mode": "manual"})
    one.machine.registry.set(PARAMETERS, "NtpServer", "a,0x8")
    assert brief(one.check(ntp(peers="a"))) == ["Set-Service Automatic", *RESTARTED]
    assert one.verify(ntp(peers="a"))["msg"] == (
        "ntp_client: start_mode is manual and automatic was wanted.\n"
        "ntp_client: peers of the running service is time.windows.com,0x9 and a,0x8 was wanted."
    )
    assert brief(one.converge(ntp(peers="a"))) == ["Set-Service Automatic", *RESTARTED]


def test_a_policy_is_what_the_running_service_has_read() -> None:
    one = host(**RUNNING | {"policy": {"NtpServer": "x.example,0x9"}})
    document = ntp(ignore_policy=True)
    assert brief(one.converge(document)) == [SET_PEERS, *RESTARTED]
    assert one.converge(document)["changed"] is False


def test_a_clamped_interval_is_no_difference() -> None:
    """Whether w32tm tells the value or what Windows makes of it is not known."""
    one = host(**RUNNING | {"values": {"NtpServer": "a,0x1"}})
    document = ntp(peers="a,0x1", special_poll_interval=900)
    one.converge(document)
    settings_ = one.machine.w32time.settings
    assert settings_ is not None
    settings_.values["TimeProviders\\NtpClient"]["SpecialPollInterval"] = (1024, "Local")
    assert one.verify(document).get("msg") is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cmdlet_error", "cmdlet": "Start-Program", "message": "w32tm.exe cannot be run."},
        None,
    ],
)
def test_without_an_answer_of_w32tm_the_registry_counts(fault: dict[str, t.Any] | None) -> None:
    one = host(**RUNNING | A)
    if fault:
        one.machine.faults.inject(fault)  # type: ignore[union-attr]
    else:
        one.machine.w32time._settings.values.clear()  # type: ignore[union-attr]
        one.machine.w32time._settings.values["Config"] = {}  # type: ignore[union-attr]
    assert (one.converge(ntp(peers="a")).get("msg"), one.changing()) == (None, [])
    assert not one.verify(ntp(peers="a")).get("failed")


# Resynchronisation and the clock ------------------------------------------------------------------------------------------


def test_the_clock_is_right_after_the_run() -> None:
    one = host(**RUNNING, clock_offset=75)
    result = one.converge(ntp(clock_tolerance=60))
    assert (result.get("msg"), result["warnings"]) == (None, [])
    assert abs(one.machine.clock.offset) < 1


def test_a_resynchronisation_that_fails_is_a_warning() -> None:
    one = host(**RUNNING, clock_offset=60000)
    result = one.converge(ntp())
    assert (result.get("msg"), result["changed"]) == (None, True)
    assert warnings(result, "w32tm.exe") == [
        "ntp_client: Start-Program w32tm.exe: exit code 3. The settings are in effect, and the clock was not set yet. The "
        "service goes on asking; see w32tm /query /status on the host."
    ]
    assert one.changing().count("Start-Program") == 3
    assert one.converge(ntp())["changed"] is False


@pytest.mark.parametrize(
    ("offset", "told"),
    [
        (75, "ntp_client: the clock of the host is 75.0 s ahead of the controller's, and clock_tolerance is 60 s. See w32tm "),
        (-75, "ntp_client: the clock of the host is 75.0 s behind the controller's, and clock_tolerance is 60 s. See w32tm "),
        (59, None),
        (-59, None),
    ],
)  # fmt: skip
def test_a_clock_out_of_tolerance_warns_and_fails_a_verification(offset: float, told: str | None) -> None:
    one = host(**RUNNING | A, clock_offset=offset)
    document = ntp(peers="a", clock_tolerance=60)
    expected = [told] if told else []
    assert [text[: len(told or "")] for text in one.converge(document)["warnings"]] == expected
    assert [text[: len(told or "")] for text in one.check(document)["warnings"]] == expected
    assert str(one.verify(document).get("msg")).startswith(told or "None")
    assert one.verify(ntp(peers="a")).get("msg") is None


def test_the_clock_of_a_member_that_is_left_alone_counts_as_well() -> None:
    one = host(joined=True, clock_offset=75)
    verified = one.verify(ntp(domain_members="leave", clock_tolerance=5))
    assert verified["msg"].startswith("ntp_client: the clock of the host is 75.0 s ahead")
    assert one.verify(ntp(domain_members="leave")).get("msg") is None


@pytest.mark.parametrize(
    ("offset", "values", "policy", "told"),
    [
        (60000, {}, {}, "60000 s ahead, and MaxNegPhaseCorrection lets Windows correct 54000 s at most."),
        (-60000, {}, {}, "60000 s behind, and MaxPosPhaseCorrection lets Windows correct 54000 s at most."),
        (50000, {}, {}, None),
        (100, {"MaxNegPhaseCorrection": 60}, {}, "100 s ahead, and MaxNegPhaseCorrection lets Windows correct 60 s at most."),
        (-100, {"MaxNegPhaseCorrection": 60}, {}, None),
        (60000, {"MaxNegPhaseCorrection": 0xFFFFFFFF}, {}, None),
        (60000, {}, {"MaxNegPhaseCorrection": 0xFFFFFFFF}, None),
    ],
)  # fmt: skip
def test_a_clock_that_windows_does_not_correct(
    offset: float, values: Facts, policy: Facts, told: str | None
) -> None:
    one = host(**RUNNING | {"values": A["values"] | values, "policy": policy}, clock_offset=offset)
    result = one.converge(ntp(peers="a"))
    assert [told in text for text in warnings(result, "PhaseCorrection") if told] == ([True] if told else [])
    assert bool(warnings(result, "PhaseCorrection")) is bool(told)
    one_without = host(clock_offset=offset, values=values, policy=policy)
    assert warnings(one_without.converge(ntp(sync_type="none", peers=None)), "PhaseCorrection") == []


# Warnings -----------------------------------------------------------------------------------------------------------------


def test_a_hyper_v_host_that_gives_time_too() -> None:
    one = host(**RUNNING | A)
    assert warnings(one.converge(ntp(peers="a")), "Hyper-V") == []
    one.machine.services.start("vmictimesync")
    one.snapshot.forget()
    assert len(warnings(one.converge(ntp(peers="a")), "VMICTimeProvider")) == 1
    one.machine.registry.set(HYPERV, "Enabled", 0)
    one.snapshot.forget()
    assert warnings(one.converge(ntp(peers="a")), "Hyper-V") == []


@pytest.mark.parametrize(
    ("release", "values", "policy", "interval", "used"),
    [
        (2022, {}, {}, 900, 1024),
        (2019, {}, {}, 86400, 32768),
        (2022, {}, {}, 3600, None),
        (2016, {}, {}, 900, None),
        (2022, {"MinPollInterval": 6}, {}, 900, None),
        (2022, {"MinPollInterval": 6}, {"MinPollInterval": 11}, 900, 2048),
        (2022, {"MinPollInterval": "x"}, {}, 900, None),
    ],
)
def test_a_poll_interval_that_windows_clamps(
    release: int, values: Facts, policy: Facts, interval: int, used: int | None
) -> None:
    facts = {"values": {"NtpServer": "a,0x9"} | values, "policy": policy, "os": release}
    result = host(**RUNNING | facts).converge(ntp(peers="a,0x9", special_poll_interval=interval))
    told = [f"special_poll_interval {interval} counts as {used}: Windows keeps it between"] if used else []
    assert [text[12 : 12 + len(told[0])] for text in warnings(result, "counts as")] == told


@pytest.mark.parametrize(
    ("facts", "wish", "told"),
    [
        ({"triggers": "domain"}, {"trigger": "keep"}, True),
        ({"triggers": "start"}, {"trigger": "keep"}, False),
        ({"triggers": "domain"}, {}, False),
        ({"triggers": "domain", "joined": True}, {"allow_domain_member": True}, False),
        ({"triggers": "domain"}, {"sync_type": "none", "peers": None}, False),
    ],
)
def test_only_a_stop_trigger_ends_a_service_after_a_boot(facts: Facts, wish: Wish, told: bool) -> None:
    assert bool(warnings(host(**facts).check(ntp(**wish)), "KB 2385818")) is told


def test_values_of_another_type_are_told_when_they_are_left() -> None:
    one = host(**RUNNING | {"values": {"NtpServer": "a,0x8", "SpecialPollInterval": "0x2a30"}})
    assert warnings(one.converge(ntp(peers="a"))) == [
        "ntp_client: value SpecialPollInterval of the registry is String, not DWord, so that Windows does not read it. Give "
        "special_poll_interval to write it anew, or remove the value."
    ]


def test_a_member_of_a_domain_with_peers_of_its_own_is_told() -> None:
    facts: Facts = {"joined": True, "running": True, **A}
    told = "ntp_client: the host is a member of a domain and does not take its time from there, which can break Kerberos."
    assert host(**facts).converge(ntp(peers="a"))["warnings"] == [told]
    assert host(**facts).converge(ntp(peers="a", allow_domain_member=True))["warnings"] == []
    assert host(**facts, domain_role=5).converge(ntp(peers="a"))["warnings"] == []


# Refusals -----------------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Facts, Wish, str]] = {
    "a domain member": (
        {"joined": True}, {},
        "ntp_client: HOST1 is a member of a domain, and members take their time from the domain's controllers. Give sync_type "
        "domain and leave trigger out, or domain_members: leave, or, if this host has to go its own way, allow_domain_member: true.",
    ),
    "a domain controller": ({"joined": True, "domain_role": 4}, {}, "allow_domain_member: true"),
    "a domain member without synchronisation": (
        {"joined": True}, {"sync_type": "none", "peers": None}, "allow_domain_member: true",
    ),
    "triggers of a domain member": (
        {"joined": True}, {"sync_type": "domain", "peers": None, "trigger": "remove"}, "allow_domain_member: true",
    ),
    "a policy on the type": (
        {"policy": {"Type": "NT5DS"}}, {},
        "ntp_client: group policy sets sync_type to domain (value Type) under "
        r"HKLM:\SOFTWARE\Policies\Microsoft\W32Time, and Windows then ignores the local values. Change the policy, or give "
        "ignore_policy: true to write the local values all the same.",
    ),
    "a policy on peers": (
        {"policy": {"NtpServer": "x.example,0x9 y.example"}}, {}, "sets peers to x.example,0x9 y.example,0x0 (value NtpServer)",
    ),
    "a policy that switches the client off": ({"policy": {"Enabled": 0}}, {}, "client_enabled to False (value Enabled)"),
    "a policy on the interval": (
        {"policy": {"SpecialPollInterval": 1024}}, {"peers": "a,0x1", "special_poll_interval": 2048},
        "special_poll_interval to 1024 (value SpecialPollInterval)",
    ),
    "two policies": (
        {"policy": {"Type": "Odd", "Enabled": 0}}, {}, "sync_type to odd (value Type), client_enabled to False (value Enabled)",
    ),
    "no peers": (
        {}, {"peers": []},
        "ntp_client: peers is empty, and sync_type manual needs at least one. Give the time servers, or another sync_type.",
    ),
    "a bad peer": ({}, {"peers": ["a", "127.0.0.1"]}, "ntp_client: peers: no time server answers at 127.0.0.1."),
    "an interval too short": (
        {}, {"peers": "a,0x1", "special_poll_interval": 15}, "special_poll_interval: 15 is not between 16 and 2592000 seconds.",
    ),
    "an interval without its flag": (
        {}, {"special_poll_interval": 2048},
        "ntp_client: special_poll_interval is given, and Windows uses it only for peers with the flag special_interval. Add "
        "the flag to a peer, or leave the interval out.",
    ),
    "an interval in a domain": (
        {"joined": True}, {"sync_type": "domain", "peers": None, "special_poll_interval": 2048}, "flag special_interval",
    ),
    "a manual start that nothing does": (
        {}, {"start_mode": "manual", "trigger": "remove"},
        "ntp_client: with start_mode manual nothing starts the Windows Time service after a boot: it has no trigger that does. "
        "Give start_mode automatic, or trigger network.",
    ),
    "a manual start by joining a domain": (
        {}, {"start_mode": "manual", "trigger": "keep"}, "nothing starts the Windows Time service after a boot",
    ),
    "a member whose manual start nothing does": (
        {"joined": True, "triggers": "none"}, {"sync_type": "domain", "peers": None, "start_mode": "manual"},
        "nothing starts the Windows Time service after a boot",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "wish", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(facts: Facts, wish: Wish, told: str) -> None:
    result = host(**facts).check(ntp(**wish))
    assert told in result["msg"]
    assert len(result["refusals"]) == 1


def test_no_domain_to_ask_is_unmet() -> None:
    result = host().check(ntp(sync_type="domain", peers=None))
    assert result["unmet"] == [
        "ntp_client: HOST1 is in no domain, so that with sync_type domain it takes its time from nowhere. Join it first, or "
        "give peers and sync_type manual."
    ]


@pytest.mark.parametrize(
    ("policy", "wish"),
    [
        ({"Type": "ntp", "NtpServer": "NTP1.example,0x8 ntp2.example,0x8", "Enabled": 1}, {}),
        ({"SpecialPollInterval": 1024}, {}),
        ({"NtpServer": "x,0x9"}, {"sync_type": "none", "peers": None}),
    ],
)
def test_a_policy_that_says_the_same_or_something_else_is_no_obstacle(policy: Facts, wish: Wish) -> None:
    result = host(policy=policy).converge(ntp(resync=False, **wish))
    assert (result.get("msg"), result["warnings"]) == (None, [])


INEFFECTIVE: dict[str, tuple[Facts, Wish, str]] = {
    "a policy": (RUNNING | A | {"policy": {"NtpServer": "x,0x8"}}, {"peers": "a"}, "group policy sets peers to x,0x8"),
    "nothing starts it": (
        {"running": True, "triggers": "none"} | A, {"peers": "a", "start_mode": "manual", "trigger": "remove"},
        "nothing starts the Windows Time service after a boot",
    ),
    "no domain": (
        {"running": True, "start_mode": "auto", "triggers": "start", "values": {"Type": "NT5DS"}},
        {"sync_type": "domain", "peers": None}, "is in no domain",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "wish", "told"), INEFFECTIVE.values(), ids=INEFFECTIVE.keys())
def test_what_is_stored_and_has_no_effect_warns_and_fails_a_verification(
    facts: Facts, wish: Wish, told: str
) -> None:
    one = host(**facts)
    result = one.converge(ntp(**wish))
    assert (result.get("msg"), result["changed"], len(warnings(result, told))) == (None, False, 1)
    assert told in one.verify(ntp(**wish))["msg"]


def test_an_ignored_policy_is_told_and_no_failure() -> None:
    one = host(policy={"Type": "AllSync"})
    result = one.converge(ntp(ignore_policy=True))
    assert (result.get("msg"), len(warnings(result, "group policy sets sync_type to all"))) == (None, 1)
    assert one.verify(ntp(ignore_policy=True)).get("msg") is None


# Mistakes, before a host is asked -----------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Wish, str]] = {
    "peers left out": ({"peers": None}, "ntp_client (resources[0].ntp_client): sync_type manual needs peers. Give the time servers"),
    "peers that are not asked": ({"sync_type": "domain"}, "with sync_type domain Windows asks no peers. Leave peers out"),
    "peers without synchronisation": ({"sync_type": "none"}, "with sync_type none Windows asks no peers."),
    "a disabled service": ({"start_mode": "disabled"}, "a disabled service gives no time."),
    "a typo in a peer": (
        {"peers": [{"adress": "a"}]},
        "ntp_client (resources[0].ntp_client): peers: entry 1: there is no option adress. Did you mean address?",
    ),
    "an unknown type": ({"sync_type": "ntp"}, "value of sync_type must be one of: manual, domain, all, none, got: ntp."),
    "a typo": ({"triger": "keep"}, "there is no option triger. Did you mean trigger?"),
}  # fmt: skip


@pytest.mark.parametrize(("wish", "told"), WRONG.values(), ids=WRONG.keys())
def test_mistakes(wish: Wish, told: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document(ntp(**wish), KINDS)
    assert told in str(caught.value)


# Reading ------------------------------------------------------------------------------------------------------------------


def gathered(one: SimulatedHost) -> dict[str, t.Any]:
    """Return what the host has, as options."""
    run = Run(KINDS, [], one, one.snapshot, Options(), gather={"ntp_client": KIND})
    state, silent = run.gathered()
    assert silent == {}
    (thing,) = state.table("ntp_client").values()
    return dict(options_of(KIND, thing))


HOSTS: dict[str, Facts] = {
    "a new one": {},
    "one that runs": RUNNING,
    "a disabled one": {"start_mode": "disabled"},
    "a member": {"joined": True, "running": True, "start_mode": "auto", "values": {"Type": "NT5DS"}},
    "a member after an in-place upgrade": {"joined": True, "running": True},
    "one that nothing starts": {"triggers": "none"},
    "one on the network": {"running": True, "triggers": "network"},
    "one without peers": {"values": {"NtpServer": None}},
    "one with odd peers": {"values": {"NtpServer": '127.0.0.1,0x18 "a,zz b,c,d'}},
    "one without synchronisation": {"values": {"Type": "NoSync", "Enabled": 0}},
    "one with a value of another type": {"values": {"SpecialPollInterval": "x"}},
    "one with a policy": {"policy": {"NtpServer": "x,0x8"}},
}


@pytest.mark.parametrize("facts", HOSTS.values(), ids=HOSTS.keys())
def test_what_is_gathered_plans_to_nothing(facts: Facts) -> None:
    one = host(**facts)
    result = one.converge([{"ntp_client": gathered(one)}])
    assert (result.get("msg"), result["changed"], one.changing()) == (None, False, [])


def test_gathered_options_are_those_that_count() -> None:
    assert gathered(host()) == {
        "start_mode": "manual",
        "trigger": "keep",
        "peers": [{"address": "time.windows.com", "flags": ["special_interval", "client"]}],
        "sync_type": "manual",
        "client_enabled": True,
        "special_poll_interval": 604800,
        "service": "stopped",
    }
    member = gathered(host(joined=True, running=True, start_mode="auto", values={"Type": "NT5DS"}))
    assert member == {
        "start_mode": "automatic",
        "trigger": "keep",
        "sync_type": "domain",
        "client_enabled": True,
        "service": "running",
    }


def test_a_service_between_two_states_is_neither() -> None:
    one = host(**RUNNING | A)
    one.machine.services.get("W32Time").state = "start_pending"
    assert "service" not in gathered(one)
    assert brief(one.check(ntp(peers="a"))) == STARTED


def test_facts_tell_what_is_no_option() -> None:
    one = host(joined=True, policy={"Type": "AllSync"}, values={"Type": "NT5DS", "SpecialPollInterval": "x"})
    state, _silent = Run(KINDS, [], one, one.snapshot, Options(), gather={"ntp_client": KIND}).gathered()
    (thing,) = state.table("ntp_client").values()
    assert thing.facts == {
        "service": "stopped",
        "triggers": [[3, 1]],
        "policy": {"sync_type": "all"},
        "mistyped": {
            "special_poll_interval": "value SpecialPollInterval of the registry is String, not DWord"
        },
        "unused": {
            "peers": [{"address": "time.windows.com", "flags": ["special_interval", "client"]}],
            "special_poll_interval": None,
        },
    }


@pytest.mark.parametrize("cmdlet", ["Get-RegistryKey", "Get-ItemProperty"])
def test_what_the_host_does_not_answer_is_told(cmdlet: str) -> None:
    one = host()
    one.machine.faults.inject({"kind": "cmdlet_error", "cmdlet": cmdlet, "message": "Access denied."})  # type: ignore[union-attr]
    assert "Access denied" in one.check(ntp())["msg"]


def test_a_service_that_is_not_registered_is_told() -> None:
    one = host()
    one.machine.registry.delete(PARAMETERS)
    assert "Run w32tm /register on the host." in one.check(ntp())["msg"]


# A document, other kinds --------------------------------------------------------------------------------------------------


def test_services_of_the_document_come_first() -> None:
    one = host(**A)
    document = [
        {"windows_service": {"name": "w32time", "start_mode": "auto", "state": "started"}},
        *ntp(peers="a", trigger="keep"),
    ]
    assert brief(one.check(document)) == ["Set-Service Automatic", "Start-Service W32Time"]
    assert not one.converge(document).get("failed")
    assert one.converge(document)["changed"] is False


def test_the_service_is_foretold_for_what_follows() -> None:
    one = host()
    document = [*ntp(), {"windows_service": {"name": "w32time", "start_mode": "auto", "state": "started"}}]
    assert brief(one.check(document)) == ["Set-Service Automatic", NO_TRIGGER, SET_PEERS, *STARTED]
    assert not one.converge(document).get("failed")


def test_rendered_without_knowing_the_host() -> None:
    plan = make_plan(ToldState(KINDS, read_document(ntp(), KINDS), [], Settings()))
    assert (plan.refusals, plan.unmet) == ((), ())
    assert [step.call.cmdlet for step in plan.steps] == [
        *("Set-Service", "Start-Program", "Set-ItemProperty", "Set-ItemProperty", "Set-ItemProperty"),
        *("Start-Service", "Start-Program"),
    ]


def test_rendered_from_what_is_told_of_the_host() -> None:
    have = read_document([{"ntp_client": gathered(host(**RUNNING))}], KINDS)
    plan = make_plan(ToldState(KINDS, read_document(ntp(), KINDS), have, Settings()))
    assert [step.call.cmdlet for step in plan.steps] == [
        "Set-ItemProperty",
        "Restart-Service",
        "Start-Program",
    ]
    assert (
        make_plan(
            ToldState(KINDS, read_document(ntp(sync_type="domain", peers=None), KINDS), [], Settings())
        ).unmet
        == ()
    )


@pytest.mark.parametrize(("facts", "wish", "wanted"), PLANS.values(), ids=PLANS.keys())
def test_calls_fit_their_signatures_on_every_release(facts: Facts, wish: Wish, wanted: list[str]) -> None:
    one = host(**facts)
    run = one.run(ntp(**wish), check=True)
    run.converge()
    assert len(run.plan.steps) == len(wanted)
    for step in run.plan.steps:
        check(completed(step.call))


def test_questions_fit_their_signatures_on_every_release() -> None:
    for question in KIND.gathers:
        check(completed(question.call))


# Cases of practitioners ---------------------------------------------------------------------------------------------------

CASE: dict[str, list[str]] = {
    "windows/W03-poll-interval-as-text/text.json": ["Set-ItemProperty SpecialPollInterval=10800", *RESTARTED],
    "windows/W03-poll-interval-as-text/hex.json": ["Set-ItemProperty SpecialPollInterval=10800", *RESTARTED],
    "windows/W20-member-nothing-starts-it/input.json": ["Set-Service Automatic", *STARTED],
    "windows/W22-pdc-emulator/input.json": [
        "Set-ItemProperty NtpServer=ntp1.example.org,0x9",
        "Set-ItemProperty Type=NTP",
        "Set-ItemProperty SpecialPollInterval=3600",
        *RESTARTED,
    ],
}


@pytest.mark.parametrize(("name", "wanted"), CASE.items(), ids=CASE.keys())
def test_cases(name: str, wanted: list[str]) -> None:
    result = planned(name)
    assert (result.get("msg"), brief(result)) == (None, wanted)


def test_peers_as_inventories_have_them() -> None:
    path = CASES / "windows/W05-peers-as-text/group_vars.yml"
    if not path.exists():
        pytest.skip(f"the cases of practitioners are not beside this checkout ({path})")
    given_ = [
        document["ntp_client_peers"]
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if "ntp_client_peers" in document
    ]
    assert len(given_) == 2
    for peers in given_:
        one = host(**RUNNING | {"values": {"NtpServer": "0.pool.example,0x8 1.pool.example,0x8"}})
        assert one.converge(ntp(peers=peers))["changed"] is False


# Whatever the host has and whatever is wanted -----------------------------------------------------------------------------

entries = st.builds(
    lambda address, flags: f"{address}{flags}",
    st.sampled_from(["a", "b.example", "B.example", "10.0.0.5", "2001:db8::1", "time.windows.com"]),
    st.sampled_from(["", ",0x1", ",0x8", ",0x9", ",0x18"]),
)
facts_ = st.fixed_dictionaries(
    {
        "joined": st.booleans(),
        "running": st.booleans(),
        "start_mode": st.sampled_from(["auto", "manual", "disabled"]),
        "triggers": st.sampled_from([*TRIGGERS]),
        "values": st.fixed_dictionaries(
            {
                "NtpServer": st.none() | st.lists(entries, max_size=3).map(" ".join),
                "Type": st.sampled_from([*SYNC_TYPES.values(), "odd", None]),
                "Enabled": st.sampled_from([0, 1, "1", None]),
                "SpecialPollInterval": st.sampled_from([None, "x", 64, 3600]),
            }
        ),
        "policy": st.sampled_from([{}, {"Type": "NT5DS"}, {"Enabled": 0, "NtpServer": "x,0x8"}]),
    }
)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """Return something that can be wished for."""
    sync_type = draw(st.sampled_from([*SYNC_TYPES]))
    peers = st.lists(entries, min_size=1, max_size=4, unique_by=lambda entry: entry.partition(",")[0].lower())
    given_ = draw(peers) if sync_type == "manual" or (sync_type == "all" and draw(st.booleans())) else None
    special = any(entry.endswith(("1", "9")) and "," in entry for entry in given_ or ())
    start_mode = draw(st.sampled_from([None, "automatic", "manual"]))
    return {
        "sync_type": sync_type,
        "peers": given_,
        "special_poll_interval": draw(st.sampled_from([None, 64, 2048])) if special else None,
        "start_mode": start_mode,
        "trigger": draw(
            st.sampled_from([None, "network", *([] if start_mode == "manual" else ["keep", "remove"])])
        ),
        "allow_domain_member": True,
        "ignore_policy": True,
    }


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(facts=facts_, wish=wishes())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(facts: Facts, wish: Wish) -> None:
    if wish["sync_type"] == "domain":
        facts = facts | {"joined": True}
    one = host(**facts)
    result = one.converge(ntp(**wish))
    if any("nothing starts" in text for text in result["refusals"]):
        assert (wish["start_mode"], wish["trigger"], one.changing()) == ("manual", None, [])
        return
    assert result.get("msg") is None
    assert one.converge(ntp(**wish))["changed"] is False
    if not any("nothing starts" in text or "no domain" in text for text in result["warnings"]):
        assert one.verify(ntp(**wish)).get("msg") is None

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NTP client of a host, planned over plain data."""

from __future__ import annotations

import copy
import typing as t
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils._resource import Plan
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import W32TIME, W32TIME_POLICY
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import RELEASES, check
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WantError,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.ntp_client import FLAGS, SYNC_TYPES, NtpClient

PARAMETERS = rf"{W32TIME}\Parameters"
CLIENT = rf"{W32TIME}\TimeProviders\NtpClient"
MISSING = Section(
    ok=False,
    error=Failure(
        "System.Management.Automation.ItemNotFoundException",
        "PathNotFound",
        "Cannot find path.",
        "0x80131501",
    ),
)
DENIED = Section(
    ok=False,
    error=Failure("System.Security.SecurityException", "SecurityException", "Access denied.", "0x8013150A"),
)
# The triggers of the service as Windows sets them up.
ON_DOMAIN_JOIN = (("0", 3, 1), ("1", 3, 2))
ON_NETWORK = (("0", 2, 1), ("1", 2, 2))


class Model:
    """A host as far as the resource sees it; runs the calls of a plan."""

    def __init__(self, **facts: t.Any) -> None:
        """Start as a new workgroup host, with the given facts instead."""
        self.joined: bool = facts.get("joined", False)
        self.state: str = facts.get("state", "Stopped")
        self.start_mode: str = facts.get("start_mode", "Manual")
        self.triggers: tuple[tuple[str, int, int], ...] = facts.get("triggers", ON_DOMAIN_JOIN)
        self.values: dict[tuple[str, str], t.Any] = {
            (PARAMETERS, "NtpServer"): "time.windows.com,0x9",
            (PARAMETERS, "Type"): "NTP",
            (CLIENT, "Enabled"): 1,
            (CLIENT, "SpecialPollInterval"): 604800,
        } | facts.get("values", {})
        self.policy: dict[str, t.Any] = facts.get("policy", {})
        self.starts = 0

    def facts(self) -> dict[str, Section]:
        """Answer the sections of the resource."""
        return {
            "os": Section(data=[{"BuildNumber": "20348"}]),
            "computer": Section(data=[{"Name": "WIN1", "PartOfDomain": self.joined, "Domain": "x"}]),
            "services": Section(
                data=[
                    {"Name": "WinRM", "State": "Running", "StartMode": "Auto"},
                    {"Name": "W32Time", "State": self.state, "StartMode": self.start_mode},
                ]
            ),
            "w32time_parameters": self._key(PARAMETERS, "NtpServer", "Type"),
            "w32time_client": self._key(CLIENT, "Enabled", "SpecialPollInterval"),
            "w32time_policy_parameters": self._policy_key("NtpServer", "Type"),
            "w32time_policy_client": self._policy_key("Enabled", "SpecialPollInterval"),
            "w32time_triggers": Section(
                data=[{"PSChildName": n, "Type": k, "Action": a} for n, k, a in self.triggers]
            ),
        }

    def _key(self, key: str, *names: str) -> Section:
        return Section(data=[{name: self.values.get((key, name)) for name in names}])

    def _policy_key(self, *names: str) -> Section:
        values = {name: self.policy.get(name) for name in names}
        return Section(data=[values]) if any(value is not None for value in values.values()) else MISSING

    def run(self, call: Call) -> None:
        """Do what the call does on Windows, as far as the resource uses it."""
        assert call.change
        for release in RELEASES:
            check(call, release)
        getattr(self, f"_{call.cmdlet.lower().replace('-', '_')}")(call.params)

    def _set_itemproperty(self, params: Mapping[str, t.Any]) -> None:
        assert params["Type"] == ("DWord" if isinstance(params["Value"], int) else "String")
        self.values[params["LiteralPath"], params["Name"]] = params["Value"]

    def _set_service(self, params: Mapping[str, t.Any]) -> None:
        assert params["Name"] == "W32Time"
        self.start_mode = {"Automatic": "Auto"}.get(params["StartupType"], params["StartupType"])

    def _start_process(self, params: Mapping[str, t.Any]) -> None:
        assert (params["FilePath"], params["Wait"], params["PassThru"]) == ("sc.exe", True, True)
        self.triggers = {
            ("triggerinfo", "w32time", "delete"): (),
            ("triggerinfo", "w32time", "start/networkon", "stop/networkoff"): ON_NETWORK,
        }[tuple(params["ArgumentList"])]

    def _start_service(self, params: Mapping[str, t.Any]) -> None:
        assert (params["Name"], self.state) == ("W32Time", "Stopped")
        assert self.start_mode != "Disabled"
        self.state, self.starts = "Running", self.starts + 1

    def _stop_service(self, params: Mapping[str, t.Any]) -> None:
        assert (params["Name"], self.state) == ("W32Time", "Running")
        self.state = "Stopped"

    def _restart_service(self, params: Mapping[str, t.Any]) -> None:
        assert (params["Name"], self.state) == ("W32Time", "Running")
        assert self.start_mode != "Disabled"
        self.starts += 1


def params(**options: t.Any) -> dict[str, t.Any]:
    """Give the options as Ansible hands them over, defaults filled in."""
    defaults: dict[str, t.Any] = dict.fromkeys(NtpClient.argument_spec) | {
        name: spec["default"] for name, spec in NtpClient.argument_spec.items() if "default" in spec
    }
    return defaults | {"peers": [peer("ntp1.example"), peer("ntp2.example")]} | options


def peer(address: str, *flags: str) -> dict[str, t.Any]:
    """Give a peer as an option."""
    return {"address": address, "flags": list(flags or ("client",))}


def plan(model: Model, **options: t.Any) -> Plan:
    """Plan the options on the model."""
    resource = NtpClient(params(**options))
    return resource.plan(NtpClient.read(model.facts()), {})


def brief(plan_: Plan) -> list[str]:
    """Give the calls of a plan in one word or two each."""
    return [f"{call.cmdlet} {_words(call.params)}" for call in plan_.calls]


def _words(given: Mapping[str, t.Any]) -> str:
    words: t.Sequence[str] = given.get("ArgumentList") or [given.get("StartupType") or given["Name"]]
    return " ".join(words) + (f"={given['Value']}" if "Value" in given else "")


SET_PEERS = "Set-ItemProperty NtpServer=ntp1.example,0x8 ntp2.example,0x8"
RUNNING = {"state": "Running", "start_mode": "Auto", "triggers": ()}
NO_PEERS: dict[str, t.Any] = {"peers": None}

PLANS: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], list[str]]] = {
    "a new workgroup host": (
        {},
        {},
        [
            "Set-Service Automatic",
            "Start-Process triggerinfo w32time delete",
            SET_PEERS,
            "Start-Service W32Time",
        ],
    ),
    "a running service reads its values when it restarts": (
        RUNNING,
        {},
        [SET_PEERS, "Restart-Service W32Time"],
    ),
    "only how it starts differs: no restart": (
        RUNNING | {"start_mode": "Manual", "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("a")]},
        ["Set-Service Automatic"],
    ),
    "only the trigger differs: no restart": (
        RUNNING | {"triggers": ON_NETWORK, "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("a")]},
        ["Start-Process triggerinfo w32time delete"],
    ),
    "nothing to do": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "ntp1.example,0x8 ntp2.example,0x8"}},
        {},
        [],
    ),
    "case and the form of a number do not matter": (
        RUNNING
        | {
            "values": {
                (PARAMETERS, "NtpServer"): "NTP1.Example,0x08  ntp2.example.,8",
                (PARAMETERS, "Type"): "ntp",
            }
        },
        {},
        [],
    ),
    "the order of peers matters": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "ntp2.example,0x8 ntp1.example,0x8"}},
        {},
        [SET_PEERS, "Restart-Service W32Time"],
    ),
    "flags matter, unnamed ones too": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "ntp1.example,0x18 ntp2.example,0x8"}},
        {},
        [SET_PEERS, "Restart-Service W32Time"],
    ),
    "unreadable flags are replaced": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "ntp1.example,zz ntp2.example"}},
        {},
        [SET_PEERS, "Restart-Service W32Time"],
    ),
    "a stopped service is started": (
        {"start_mode": "Auto", "triggers": (), "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("A")]},
        ["Start-Service W32Time"],
    ),
    "a disabled service is enabled before it is started": (
        {"start_mode": "Disabled", "triggers": (), "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("a")]},
        ["Set-Service Automatic", "Start-Service W32Time"],
    ),
    "an NTP client that is switched off": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "a,0x8", (CLIENT, "Enabled"): 0}},
        {"peers": [peer("a")]},
        ["Set-ItemProperty Enabled=1", "Restart-Service W32Time"],
    ),
    "special poll interval": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "a,0x9"}},
        {"peers": [peer("a", "client", "special_interval")], "special_poll_interval": 900},
        ["Set-ItemProperty SpecialPollInterval=900", "Restart-Service W32Time"],
    ),
    "all flags have their bit": (
        RUNNING,
        {
            "peers": [
                peer("a", "symmetric_active", "special_interval"),
                peer("b", "client", "use_as_fallback_only"),
                {"address": "2001:db8::1", "flags": []},
            ]
        },
        ["Set-ItemProperty NtpServer=a,0x5 b,0xa 2001:db8::1,0x0", "Restart-Service W32Time"],
    ),
    "values that are not there": (
        RUNNING
        | {
            "values": {
                (PARAMETERS, "NtpServer"): None,
                (PARAMETERS, "Type"): None,
                (CLIENT, "Enabled"): None,
                (CLIENT, "SpecialPollInterval"): None,
            }
        },
        {},
        [SET_PEERS, "Set-ItemProperty Type=NTP", "Set-ItemProperty Enabled=1", "Restart-Service W32Time"],
    ),
    "a trigger that follows the network": (
        RUNNING | {"triggers": ON_DOMAIN_JOIN, "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("a")], "trigger": "network"},
        ["Start-Process triggerinfo w32time start/networkon stop/networkoff"],
    ),
    "a manual start on a workgroup host needs such a trigger": (
        {"state": "Running", "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("a")], "start_mode": "manual"},
        ["Start-Process triggerinfo w32time start/networkon stop/networkoff"],
    ),
    "the trigger is kept on demand": (
        {"state": "Running", "values": {(PARAMETERS, "NtpServer"): "a,0x8"}},
        {"peers": [peer("a")], "trigger": "keep"},
        ["Set-Service Automatic"],
    ),
    "a domain member back to its domain": (
        {"joined": True, "state": "Running"},
        {"sync_type": "domain"} | NO_PEERS,
        ["Set-ItemProperty Type=NT5DS", "Restart-Service W32Time"],
    ),
    "a domain member whose service is disabled": (
        {"joined": True, "start_mode": "Disabled", "values": {(PARAMETERS, "Type"): "NT5DS"}},
        {"sync_type": "domain"} | NO_PEERS,
        ["Set-Service Automatic", "Start-Service W32Time"],
    ),
    "a domain member that goes its own way keeps its trigger": (
        {"joined": True, "state": "Running"},
        {"allow_domain_member": True},
        [SET_PEERS, "Restart-Service W32Time"],
    ),
    "both peers and domain": (
        {"joined": True, "state": "Running"},
        {"sync_type": "all", "allow_domain_member": True} | NO_PEERS,
        ["Set-ItemProperty Type=AllSync", "Restart-Service W32Time"],
    ),
    "no synchronisation leaves the service as it is": (
        {},
        {"sync_type": "none"} | NO_PEERS,
        ["Set-ItemProperty Type=NoSync"],
    ),
    "no synchronisation from now on": (
        RUNNING,
        {"sync_type": "none"} | NO_PEERS,
        ["Set-ItemProperty Type=NoSync", "Restart-Service W32Time"],
    ),
    "no synchronisation, and a service that could not be started again": (
        RUNNING | {"start_mode": "Disabled"},
        {"sync_type": "none"} | NO_PEERS,
        ["Set-ItemProperty Type=NoSync", "Stop-Service W32Time"],
    ),
    "a type that nobody knows": (
        RUNNING | {"values": {(PARAMETERS, "NtpServer"): "a,0x8", (PARAMETERS, "Type"): "Odd"}},
        {"peers": [peer("a")]},
        ["Set-ItemProperty Type=NTP", "Restart-Service W32Time"],
    ),
}


@pytest.mark.parametrize(("facts", "options", "wanted"), PLANS.values(), ids=PLANS.keys())
def test_plan(facts: dict[str, t.Any], options: dict[str, t.Any], wanted: list[str]) -> None:
    model = Model(**facts)
    made = plan(model, **options)
    assert brief(made) == wanted
    assert (made.before == made.after) == (not wanted)
    for call in made.calls:
        model.run(call)
    now = plan(model, **options)
    assert now.calls == ()
    assert now.before == made.after


WRONG: dict[str, tuple[dict[str, t.Any], str]] = {
    "no peers": ({"peers": []}, "at least one peer"),
    "peers left out": ({"peers": None}, "at least one peer"),
    "peers that are not asked": ({"sync_type": "domain"}, "asks no peers"),
    "peers without synchronisation": ({"sync_type": "none"}, "asks no peers"),
    "too many": ({"peers": [peer(f"h{n}") for n in range(17)]}, "more than 16"),
    "twice": ({"peers": [peer("a.example"), peer("A.Example")]}, "given twice"),
    "twice with the dot of the root": ({"peers": [peer("a.example"), peer("a.example.")]}, "given twice"),
    "twice in two forms": ({"peers": [peer("2001:db8::1"), peer("2001:DB8:0::1")]}, "given twice"),
    "two modes": ({"peers": [peer("a", "client", "symmetric_active")]}, "two modes"),
    "interval without its flag": ({"special_poll_interval": 900}, "special_interval"),
    "interval in a domain": (
        {"sync_type": "domain", "peers": None, "special_poll_interval": 900},
        "special_interval",
    ),
    "interval too short": (
        {"peers": [peer("a", "special_interval")], "special_poll_interval": 15},
        "between 16 and 2592000",
    ),
    "interval too long": (
        {"peers": [peer("a", "special_interval")], "special_poll_interval": 2592001},
        "between 16",
    ),
    "address with a zone": ({"peers": [peer("fe80::1%3")]}, "without a zone"),
    "nothing would start it": ({"start_mode": "manual", "trigger": "remove"}, "nothing would ever start"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG.keys())
def test_refuses_what_no_host_could_be_given(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        NtpClient(params(**options))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "a b",
            "a,0x8",
            'a"b',
            "a;b",
            "10.0.0.300",
            "10.0.0",
            "[2001:db8::1]",
            "2001:db8:::1",
            "-a",
            "a-",
        ),
        *("a..b", ".", "a" * 64, ".".join(["a" * 60] * 5), "zeit.bücher.example", "http://a", "a\n"),
    ],
)
def test_refuses_what_is_no_address(address: str) -> None:
    with pytest.raises(WantError, match="neither a host name nor"):
        NtpClient(params(peers=[peer(address)]))


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "127.0.0.1", "::1", "224.0.1.1", "ff02::101", "255.255.255.255"]
)
def test_refuses_addresses_without_a_server(address: str) -> None:
    with pytest.raises(WantError, match="no time server answers"):
        NtpClient(params(peers=[peer(address)]))


@pytest.mark.parametrize(
    "address", ["a", "a.example.", "ntp_1.example", "3.pool.ntp.org", "10.0.0.5", "2001:db8::7", "fe80::7"]
)
def test_takes_names_and_addresses(address: str) -> None:
    assert brief(plan(Model(**RUNNING), peers=[peer(address)]))[0].endswith(f"={address},0x8")


REFUSED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str]] = {
    "a domain member": ({"joined": True}, {}, "allow_domain_member: true"),
    "a domain member without synchronisation": (
        {"joined": True},
        {"sync_type": "none", "peers": None},
        "allow_domain_member: true",
    ),
    "triggers of a domain member": (
        {"joined": True},
        {"sync_type": "domain", "peers": None, "trigger": "remove"},
        "allow_domain_member: true",
    ),
    "a policy on the type": (
        {"policy": {"Type": "NT5DS"}},
        {},
        "sets Type=NT5DS under HKLM\\SOFTWARE\\Policies",
    ),
    "a policy on peers": (
        {"policy": {"NtpServer": "x.example,0x9 y.example,zz"}},
        {},
        "NtpServer=x.example,0x9 y.example,0x0",
    ),
    "a policy that switches the client off": ({"policy": {"Enabled": 0}}, {}, "Enabled=0"),
    "a policy on the interval": (
        {"policy": {"SpecialPollInterval": 1024}},
        {"peers": [peer("a", "special_interval")], "special_poll_interval": 900},
        "SpecialPollInterval=1024",
    ),
    "two policies": (
        {"policy": {"Type": "Odd", "Enabled": 0}},
        {},
        "Type=Odd, Enabled=0",
    ),
}


@pytest.mark.parametrize(("facts", "options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_without_a_word(facts: dict[str, t.Any], options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        plan(Model(**facts), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "options"),
    [
        ({"Type": "ntp", "NtpServer": "NTP1.example,0x8 ntp2.example,0x8", "Enabled": 1}, {}),
        ({"SpecialPollInterval": 1024}, {}),
        ({"NtpServer": "x,0x9"}, {"sync_type": "none", "peers": None}),
    ],
)
def test_a_policy_that_says_the_same_or_something_else_is_no_obstacle(
    policy: dict[str, t.Any], options: dict[str, t.Any]
) -> None:
    assert plan(Model(policy=policy), **options).warnings == ()


def test_a_policy_is_told_when_it_is_ignored() -> None:
    made = plan(Model(policy={"Type": "NT5DS"}), ignore_policy=True)
    assert SET_PEERS in brief(made)
    assert [text for text in made.warnings if "Group policy sets Type=NT5DS" in text] == list(made.warnings)


def test_a_trigger_on_domain_membership_that_is_kept_is_told() -> None:
    [warning] = plan(Model(), trigger="keep").warnings
    assert "KB 2385818" in warning


def test_reads_all_that_there_is() -> None:
    model = Model(
        policy={"Type": "AllSync"}, state="Start Pending", triggers=(("0", 6, 1),), start_mode="Boot"
    )
    assert NtpClient.read(model.facts()) == {
        "release": "2022",
        "computer": "WIN1",
        "domain_joined": False,
        "sync_type": "manual",
        "peers": [{"address": "time.windows.com", "flags": ["special_interval", "client"]}],
        "special_poll_interval": 604800,
        "client_enabled": True,
        "start_mode": "boot",
        "service": "start pending",
        "trigger": "other",
        "policy": {"sync_type": "all"},
    }


def test_no_trigger_key_means_no_trigger() -> None:
    facts = Model().facts() | {"w32time_triggers": MISSING}
    assert NtpClient.read(facts)["trigger"] == "none"


@pytest.mark.parametrize(
    ("section", "answer", "message"),
    [
        ("w32time_parameters", MISSING, "w32tm /register"),
        ("w32time_client", DENIED, "Access denied"),
        ("w32time_policy_parameters", DENIED, "Access denied"),
        ("w32time_triggers", DENIED, "Access denied"),
        ("services", Section(), "no service W32Time"),
    ],
)
def test_says_what_the_host_did_not_answer(section: str, answer: Section, message: str) -> None:
    with pytest.raises(HostError) as caught:
        NtpClient.read(Model().facts() | {section: answer})
    assert message in str(caught.value)


def test_tells_that_there_is_no_domain() -> None:
    [text] = plan(Model(), sync_type="domain", peers=None).unmet
    assert "WIN1 is in no domain" in text
    assert plan(Model(joined=True), sync_type="domain", peers=None).unmet == ()


def test_renders_without_knowing_the_host() -> None:
    made = NtpClient(params(state="rendered")).plan({}, {})
    assert [call.cmdlet for call in made.calls] == [
        *("Set-Service", "Start-Process", "Set-ItemProperty", "Set-ItemProperty", "Set-ItemProperty"),
        "Start-Service",
    ]


def test_the_exit_code_of_sc_is_asked_for() -> None:
    [call] = [call for call in plan(Model()).calls if call.cmdlet == "Start-Process"]
    assert call.select == ("ExitCode",)


def test_policy_key_is_the_policys() -> None:
    assert W32TIME_POLICY.startswith("HKLM:\\SOFTWARE\\Policies\\")


addresses = st.sampled_from(["a", "b.example", "B.example", "10.0.0.5", "2001:db8::1", "time.windows.com"])
flag_sets = st.lists(st.sampled_from(["special_interval", "use_as_fallback_only", "client"]), unique=True)
peer_lists = st.lists(
    st.builds(lambda address, flags: {"address": address, "flags": flags}, addresses, flag_sets),
    min_size=1,
    max_size=4,
    unique_by=lambda item: t.cast(str, item["address"]).lower(),
)
policies = st.dictionaries(st.sampled_from(["Type", "Enabled"]), st.sampled_from([0, 1]), max_size=2).map(
    lambda policy: {name: ("NT5DS" if name == "Type" else value) for name, value in policy.items()}
)
texts = st.lists(
    st.builds(
        lambda address, flags: f"{address}{flags}",
        addresses,
        st.sampled_from(["", ",0x1", ",0x8", ",0x9", ",0x18"]),
    ),
    max_size=3,
).map(" ".join)
models = st.builds(
    lambda values, **facts: Model(values=values, **facts),
    st.fixed_dictionaries(
        {
            (PARAMETERS, "NtpServer"): st.none() | texts,
            (PARAMETERS, "Type"): st.sampled_from([*SYNC_TYPES.values(), "odd", None]),
            (CLIENT, "Enabled"): st.sampled_from([0, 1, None]),
            (CLIENT, "SpecialPollInterval"): st.sampled_from([None, -1, 64, 3600]),
        }
    ),
    joined=st.booleans(),
    state=st.sampled_from(["Running", "Stopped"]),
    start_mode=st.sampled_from(["Auto", "Manual", "Disabled"]),
    triggers=st.sampled_from([(), ON_DOMAIN_JOIN, ON_NETWORK, (("0", 6, 1),)]),
    policy=policies,
)


@st.composite
def wants(draw: st.DrawFn) -> dict[str, t.Any]:
    sync_type = draw(st.sampled_from(list(SYNC_TYPES)))
    peers = draw(peer_lists) if sync_type in ("manual", "all") else None
    special = any("special_interval" in peer["flags"] for peer in peers or ())
    start_mode = draw(st.sampled_from([None, "automatic", "manual"]))
    return {
        "sync_type": sync_type,
        "peers": peers,
        "special_poll_interval": draw(st.sampled_from([None, 64, 900])) if special else None,
        "start_mode": start_mode,
        "trigger": draw(
            st.sampled_from([None, "keep", "network", *([] if start_mode == "manual" else ["remove"])])
        ),
        "allow_domain_member": True,
        "ignore_policy": True,
    }


@given(model=models, options=wants())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(model: Model, options: dict[str, t.Any]) -> None:
    if options["sync_type"] == "domain" and not model.joined:
        options = options | {"sync_type": "none"}
    was_running, was = model.state == "Running", copy.deepcopy(model.values)
    made = plan(model, **options)
    for call in made.calls:
        model.run(call)
    again = plan(model, **options)
    assert again.calls == ()
    assert again.before == again.after == made.after
    restarts = was_running and model.state == "Running" and was != model.values
    assert model.starts == int(restarts or (not was_running and options["sync_type"] != "none"))


def test_every_flag_has_a_bit_of_its_own() -> None:
    assert sum(FLAGS.values()) == 0xF

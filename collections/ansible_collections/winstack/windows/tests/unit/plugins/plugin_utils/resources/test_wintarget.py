# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iSCSI Target Server itself: its portals and their rules of the firewall, on simulated hosts."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document, read_wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import ToldState, objects_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.portals import (
    Portal,
    portals_of,
    read_portal,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.wintarget import KIND
from winsim.firewall import RULES_KEY

from ..cases import CASES
from ..simulated import SimulatedHost, outcomes, sequence
from .answers import DENIED, NO_CLASS, answering

FEATURE = "FS-iSCSITarget-Server"
BUILTIN = "iSCSITarget-Service-iSCSI-In-TCP"
STORAGE, OFFICE, SIX = "10.0.0.5", "192.0.2.5", "fd00::5"
GUID = "{5F1E3C9A-6A53-4D0C-9C51-7F2F6F0F6A11}"
SERVER = [
    {"windows_feature": {"name": FEATURE}},
    {"windows_service": {"name": "WinTarget", "start_mode": "auto", "state": "started"}},
]
DESCRIPTION = "Initiators reach the iSCSI target server at this address. Kept by Winstack."


def at(address: str, **given: t.Any) -> dict[str, t.Any]:
    return {"address": address} | given


def host(*portals: dict[str, t.Any], **config: t.Any) -> SimulatedHost:
    """Return a host with the server; its addresses are STORAGE, OFFICE and SIX unless ``addresses`` says otherwise."""
    iscsi = {"portals": list(portals), **config.pop("iscsi", {})}
    config.setdefault("addresses", [f"{STORAGE}/24", f"{OFFICE}/24", f"{SIX}/64"])
    return SimulatedHost(features={"installed": [FEATURE]}, iscsi=iscsi, **config)


def document(**options: t.Any) -> list[dict[str, t.Any]]:
    return [{"wintarget": options}]


def sent(result: dict[str, t.Any], kind: str = "wintarget") -> list[dict[str, t.Any]]:
    """Return the parameters of the calls of a kind's objects."""
    entries = [entry for entry in result["objects"] if entry["kind"] == kind]
    return [command["parameters"] for entry in entries for command in entry["commands"]]


def rules(made: SimulatedHost, group: str = "Winstack") -> dict[str, str]:
    return {rule.id: rule.to_text() for rule in made.machine.firewall.in_group(group)}


# Portals ------------------------------------------------------------------------------------------------------------------

PLANS: dict[str, tuple[list[dict[str, t.Any]], dict[str, t.Any], list[dict[str, t.Any]]]] = {
    "nothing said": ([], {}, []),
    "remote management": ([], {"disable_remote_management": False}, []),
    "as it is": ([], {"portals": [at(STORAGE), at("FD00::0:5")]}, []),
    "enable": ([at(STORAGE, enabled=False)], {"portals": [at(STORAGE)]}, [{"IP": STORAGE, "Enable": True}]),
    "disable": ([], {"portals": [at(OFFICE, enabled=False)]}, [{"IP": OFFICE, "Enable": False}]),
    "port": ([], {"portals": [at(SIX, port=3261)]}, [{"IP": SIX, "Port": 3261}]),
    "port and enable": (
        [at(STORAGE, port=3262, enabled=False)],
        {"portals": [at(STORAGE)]},
        [{"IP": STORAGE, "Port": 3260, "Enable": True}],
    ),
    "port of one that is off": (
        [at(STORAGE, port=3262, enabled=False)],
        {"portals": [at(STORAGE, enabled=False)]},
        [],
    ),
    "exclusive": (
        [],
        {"portals": [at(STORAGE)], "exclusive_portals": True},
        [{"IP": OFFICE, "Enable": False}, {"IP": SIX, "Enable": False}],
    ),
    "open before closing": (
        [at(OFFICE, enabled=False)],
        {"portals": [at(OFFICE)], "exclusive_portals": True},
        [
            {"IP": OFFICE, "Enable": True},
            {"IP": STORAGE, "Enable": False},
            {"IP": SIX, "Enable": False},
        ],
    ),
}


@pytest.mark.parametrize(("before", "wish", "calls"), PLANS.values(), ids=list(PLANS))
def test_portals(
    before: list[dict[str, t.Any]], wish: dict[str, t.Any], calls: list[dict[str, t.Any]]
) -> None:
    made = host(*before)
    planned = made.check(document(**wish))
    assert (sent(planned), made.changing()) == (calls, [])
    assert bool(made.verify(document(**wish)).get("failed")) == bool(calls)
    result = made.converge(document(**wish))
    assert (sent(result), result.get("msg")) == (calls, None)
    assert made.converge(document(**wish))["changed"] is False
    assert made.verify(document(**wish))["changed"] is False


def test_one_command_to_look_and_one_to_change() -> None:
    made = host()
    made.converge(
        document(
            portals=[at(STORAGE)], exclusive_portals=True, firewall=True, builtin_firewall_rule="disable"
        )
    )
    assert made.commands == 2
    assert all(not note.get("slow") for note in made.notes)


def test_a_difference_names_the_portals_that_differ_alone() -> None:
    told = host().verify(document(portals=[at(STORAGE, port=3261), at(OFFICE, enabled=False), at(SIX)]))
    assert told["msg"] == (
        "wintarget: portals is 10.0.0.5:3260 enabled, 192.0.2.5:3260 enabled and 10.0.0.5:3261 enabled, 192.0.2.5:3260 disabled was "
        "wanted."
    )


def test_before_and_after_show_every_portal() -> None:
    (entry,) = host().converge(document(portals=[at(OFFICE, enabled=False)]))["objects"]
    shown = [{"address": address, "port": 3260, "enabled": True} for address in (STORAGE, OFFICE, SIX)]
    assert entry["before"] == {"portals": shown}
    assert entry["after"] == {"portals": [shown[0], {**shown[1], "enabled": False}, shown[2]]}


IMPOSSIBLE: dict[str, tuple[dict[str, t.Any], str]] = {
    "any address": ({"portals": [at("0.0.0.0")]}, "portals: 0.0.0.0 cannot be a portal. Windows has one for each address"),
    "any IPv6 address": ({"portals": [at("::")]}, "cannot be a portal"),
    "loopback": ({"portals": [at("127.0.0.1")]}, "portals: 127.0.0.1 cannot be a portal"),
    "IPv6 loopback": ({"portals": [at("::1")]}, "cannot be a portal"),
    "multicast": ({"portals": [at("224.0.0.1")]}, "cannot be a portal"),
    "name": ({"portals": [at("stor1")]}, "portals: 'stor1' is not an IP address."),
    "port 0": ({"portals": [at(STORAGE, port=0)]}, "portals: invalid port 0 of 10.0.0.5. Give one from 1 to 65535."),
    "port 65536": ({"portals": [at(STORAGE, port=65536)]}, "invalid port 65536"),
    "twice": ({"portals": [at(SIX), at("FD00:0::5", port=3261)]}, "portals: fd00::5 is given twice"),
    "text": ({"portals": [STORAGE]}, "portals[0] is text. Give a dictionary with address, port, enabled."),
    "typo": ({"portals": [at(STORAGE, prot=1)]}, "there is no option portals[0].prot. Did you mean port?"),
    # F13: closing the server by exclusive_portals was said by an empty list, and not heard.
    "nowhere": ({"portals": [], "exclusive_portals": True}, "exclusive_portals: no portal is enabled in portals"),
    "nowhere, too": ({"exclusive_portals": True}, "so that the server would listen nowhere. List those to keep."),
    "nowhere in the end": ({"portals": [at(STORAGE, enabled=False)], "exclusive_portals": True}, "listen nowhere"),
    "locked out": ({"disable_remote_management": True}, "would refuse every logon over the network"),
}  # fmt: skip


@pytest.mark.parametrize(("wish", "message"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_the_impossible_is_told_before_a_host_is_asked(wish: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document(document(**wish), KINDS)
    assert message in str(caught.value)
    assert str(caught.value).startswith("wintarget (resources[0].wintarget): ")


def test_an_address_that_the_host_does_not_have() -> None:
    made = host(addresses=[f"{STORAGE}/24"])
    result = made.converge(document(portals=[at("10.0.0.9"), at(STORAGE, port=3261)]))
    assert result["unmet"] == [result["msg"]] == [
        "wintarget: Portal address 10.0.0.9 is not on this host (it has 10.0.0.5). Correct portals, or give the host the address first; "
        "one that a cluster moves may be on another node now."
    ]  # fmt: skip
    assert made.changing() == []


def test_the_floating_address_of_a_pair_of_servers_is_on_the_other_one() -> None:
    """W11: the passive node of a cluster of a third party."""
    path = CASES / "windows" / "W11-passive-node" / "input.yml"
    if not path.exists():
        pytest.skip(f"the cases of practitioners are not beside this checkout ({path})")
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    wish = document(portals=case["wish"]["iscsi_target_server_portals"])
    addresses = [f"{address}/24" for address in case["addresses"]]
    (told,) = host(addresses=addresses).check(wish)["unmet"]
    assert "10.0.1.10 is not on this host (it has 10.0.1.12)" in told
    assert "one that a cluster moves may be on another node now" in told


def test_an_address_that_the_server_has_not_taken_up() -> None:
    setting = Section(data=[{"Version": "10.0", "Portals": [{"": f"+{STORAGE}:3260", "Enabled": True, "IPEndpoint": f"{STORAGE}:3260"}]}])  # fmt: skip
    made = answering(host(), iscsi_target_server_setting=setting)
    assert made.check(document(portals=[at(OFFICE)]))["msg"] == (
        f"wintarget: Portal address {OFFICE} is on this host, but iSCSI Target Server has not taken it up. Restart the service WinTarget."
    )


def test_closing_every_portal_is_refused() -> None:
    """F13: all portals disabled closes the server."""
    closed = [at(address, enabled=False) for address in (STORAGE, OFFICE, SIX)]
    made = host()
    result = made.converge(document(portals=closed))
    assert (
        result["msg"]
        == "wintarget: no portal would stay enabled, so that the server would listen nowhere. Enable one in portals."
    )
    assert made.changing() == []
    assert "failed" not in host(*closed).check(document(portals=closed))


# Link-local addresses -----------------------------------------------------------------------------------------------------


def with_link_local(*portals: dict[str, t.Any]) -> SimulatedHost:
    made = host(*portals, addresses=[f"{STORAGE}/24", "fe80::1/64", "169.254.7.7/16"])
    return made


def enabled_link_local(made: SimulatedHost) -> SimulatedHost:
    """Return the host as one that enables the portal of its link-local address, which the simulator refuses."""
    for portal in made.machine.iscsi.portals:
        if portal.address.startswith("fe80"):
            portal.enabled = True
    return made


def test_exclusive_portals_leaves_link_local_addresses_alone_and_says_so() -> None:
    made = enabled_link_local(with_link_local())
    wish = document(portals=[at(STORAGE)], exclusive_portals=True)
    result = made.converge(wish)
    assert result["changed"] is False
    (warning,) = result["warnings"]
    assert warning.startswith(
        "wintarget: portal [fe80::1]:3260 stays enabled: exclusive_portals leaves link-local addresses"
    )
    assert with_link_local().converge(wish)["warnings"] == []


@pytest.mark.parametrize("address", ["fe80::1", "fe80::1%4", "FE80:0::1"])
def test_a_link_local_portal_that_is_listed_is_closed(address: str) -> None:
    made = enabled_link_local(with_link_local())
    wish = document(portals=[at(STORAGE), at(address, enabled=False)], exclusive_portals=True)
    result = made.check(wish)
    assert (sent(result), result["warnings"]) == ([{"IP": "fe80::1", "Enable": False}], [])


def test_zones_tell_link_local_addresses_apart() -> None:
    assert Portal("fe80::1").is_at(Portal("fe80::1%4"))
    assert not Portal("fe80::1%5").is_at(Portal("fe80::1%4"))
    told = read_document(document(portals=[at("fe80::1%4"), at("fe80::1%5"), at(STORAGE)]), KINDS)
    wish = read_wish(KIND, {"portals": [at("fe80::1%5", enabled=False)]})
    (step,) = make_plan(ToldState(KINDS, [wish], told, Settings())).steps
    assert step.call.params == {"IP": "fe80::1%5", "Enable": False}


def test_enabling_a_link_local_portal_is_warned_of() -> None:
    result = with_link_local().check(document(portals=[at("169.254.7.7")]))
    assert result["warnings"][0].startswith(
        "wintarget: portal 169.254.7.7:3260 has a link-local address, where Windows was seen"
    )


def test_a_host_is_not_left_with_a_link_local_portal_alone() -> None:
    made = enabled_link_local(with_link_local())
    assert "listen nowhere" in made.check(document(portals=[at(STORAGE, enabled=False)]))["msg"]


# Sessions, clusters -------------------------------------------------------------------------------------------------------

CONNECTED = {
    "disks": [{"path": "C:\\d\\a.vhdx", "size": "1GiB"}],
    "targets": [
        {"name": "t1", "mappings": {0: "C:\\d\\a.vhdx"}, "sessions": ["iqn.1991-05.com.example:one"]},
        {"name": "t2"},
    ],
}


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        ({"portals": [at(OFFICE, enabled=False)]}, f"{OFFICE}:3260 closes"),
        ({"portals": [at(OFFICE, port=3261)]}, f"{OFFICE}:3260 moves"),
        ({"portals": [at(STORAGE)]}, None),
    ],
)
def test_who_is_connected_is_told_before_a_portal_closes_or_moves(
    wish: dict[str, t.Any], what: str | None
) -> None:
    made = host(iscsi=CONNECTED)
    result = made.check(document(**wish))
    told = f"wintarget: portal {what}: initiators that came by it are cut off. Connected now are those of target t1."
    assert (result["warnings"], made.commands) == ([told] if what else [], 1)
    assert host().check(document(**wish))["warnings"] == []


def test_a_server_that_does_not_list_its_targets_can_close_a_portal_all_the_same() -> None:
    made = answering(host(iscsi=CONNECTED), iscsi_server_targets=DENIED)
    result = made.converge(document(portals=[at(OFFICE, enabled=False)]))
    assert (result["changed"], result["warnings"]) == (True, [])


def test_portals_of_a_node_of_a_cluster_are_refused() -> None:
    made = host(cluster={"name": "CL1"})
    result = made.converge(document(portals=[at(OFFICE, enabled=False)]))
    assert result["refusals"] == [result["msg"]]
    assert result["msg"].startswith(
        "wintarget: the host is a node of the failover cluster CL1, which moves addresses"
    )
    assert "failed" not in made.converge(document(portals=[at(OFFICE)]))


# In effect ----------------------------------------------------------------------------------------------------------------


def heard(*ends: tuple[str, int, bool | None]) -> Section:
    return Section(
        data=[{"Address": address, "Port": port, "Listen": listen} for address, port, listen in ends]
    )


WANTED = {"portals": [at(STORAGE), at(OFFICE)]}
# The three errors with which a program that manages the server ends, and what lies between.
INEFFECTIVE: dict[str, tuple[dict[str, t.Any], Section, str | None]] = {
    "class missing": (WANTED, NO_CLASS, "WMI class WT_Portal cannot be read, so that programs which ask it find no iSCSI target server."),
    "class missing, no portal wanted": ({}, NO_CLASS, "WMI class WT_Portal cannot be read"),
    "nothing listens": (WANTED, heard((STORAGE, 3260, False)), "no portal listens, so that no initiator can connect."),
    "nothing listens, no portal wanted": ({}, heard(), "no portal listens, so that no initiator can connect."),
    "null": (WANTED, heard((STORAGE, 3260, None)), "no portal listens"),
    "none of those wanted": (
        WANTED,
        heard((STORAGE, 3261, True), (OFFICE, 3260, False), (SIX, 3260, True)),
        "none of the wanted portals listens: 10.0.0.5:3260 and 192.0.2.5:3260 (listening are 10.0.0.5:3261 and [fd00::5]:3260).",
    ),
    "one of those wanted": (
        WANTED,
        heard((STORAGE, 3260, True), (OFFICE, 3260, False)),
        "an enabled portal does not listen: 192.0.2.5:3260 (listening are 10.0.0.5:3260). Restart the service",
    ),
    "all": (WANTED, heard((STORAGE, 3260, True), (OFFICE, 3260, True)), None),
    "no portal wanted": ({}, heard((STORAGE, 3260, True)), None),
}  # fmt: skip


@pytest.mark.parametrize(("wish", "section", "message"), INEFFECTIVE.values(), ids=list(INEFFECTIVE))
def test_enabled_is_not_listening(wish: dict[str, t.Any], section: Section, message: str | None) -> None:
    made = answering(host(), wt_portals=section)
    told = made.converge(document(**wish))
    assert (told["changed"], told.get("msg")) == (False, None)
    verified = made.verify(document(**wish))
    if message is None:
        assert (told["warnings"], verified.get("failed")) == ([], None)
        return
    assert [text for text in told["warnings"] if message in text] == told["warnings"] != []
    assert verified["msg"] == told["warnings"][0]
    assert "cinder" not in verified["msg"].lower()


@pytest.mark.parametrize(
    ("state", "effective", "message"),
    [
        ("Duplicate", False, "Portal address 10.0.0.5 is duplicate: another machine has it too"),
        ("Tentative", False, "Portal address 10.0.0.5 is tentative: "),
        ("Invalid", False, "Portal address 10.0.0.5 is invalid: "),
        (
            "Deprecated",
            True,
            "Portal address 10.0.0.5 is deprecated: new connections do not use it any more.",
        ),
    ],
)
def test_the_state_of_an_address_is_told(state: str, effective: bool, message: str) -> None:
    made = host(addresses=[{"address": f"{STORAGE}/24", "state": state}, f"{OFFICE}/24"])
    wish = document(portals=[at(STORAGE)])
    (warning,) = made.converge(wish)["warnings"]
    assert warning.startswith(f"wintarget: {message}")
    assert bool(made.verify(wish).get("failed")) is not effective
    assert made.converge(document(portals=[at(OFFICE)]))["warnings"] == []
    assert made.converge(document())["warnings"] == []


# Firewall -----------------------------------------------------------------------------------------------------------------


def rule_name(address: str, port: int = 3260) -> str:
    return f"Winstack iSCSI portal {address}:{port}"


def old_rule(address: str, port: int = 3260, *, extra: Mapping[str, str] | None = None) -> str:
    """Return the text of a rule that win_firewall_rule made for an earlier release of the role."""
    more = "".join(f"{key}={value}|" for key, value in (extra or {}).items())
    return (
        f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={port}|LA{6 if ':' in address else 4}={address}"
        f"|Name={rule_name(address, port)}|Desc={DESCRIPTION}|EmbedCtxt=Winstack|{more}"
    )


def with_rules(made: SimulatedHost, **texts: str) -> SimulatedHost:
    for name, text in texts.items():
        made.machine.registry.set(RULES_KEY, name, text, "string")
    return made


WALL = {"firewall": True, "builtin_firewall_rule": "disable"}


def test_a_rule_for_each_enabled_portal_and_none_else() -> None:
    made = host()
    wish = document(portals=[at(STORAGE), at(SIX, port=3261), at(OFFICE, enabled=False)], **WALL)
    planned = made.check(wish)
    result = made.converge(wish)
    assert outcomes(result) == dict.fromkeys(outcomes(planned), "changed") == dict.fromkeys(
        (
            "wintarget", f"firewall_rule {rule_name(STORAGE)}", f"firewall_rule {rule_name(SIX, 3261)}",
            f"firewall_rule {BUILTIN}",
        ), "changed"
    )  # fmt: skip
    assert rules(made) == {rule_name(STORAGE): old_rule(STORAGE), rule_name(SIX, 3261): old_rule(SIX, 3261)}
    assert [(rule.id, rule.enabled) for rule in made.machine.firewall if rule.service == "WinTarget"] == [
        (BUILTIN, False)
    ]
    assert made.converge(wish)["changed"] is False
    assert made.verify(wish)["changed"] is False


def test_rules_of_earlier_releases_are_taken_over_as_they_are() -> None:
    made = with_rules(
        host(), **{GUID: old_rule(STORAGE, extra={"Profile": "Domain|Profile=Private|Profile=Public"})}
    )
    made.machine.registry.set(
        RULES_KEY, BUILTIN, "v2.31|Action=Allow|Active=FALSE|Dir=In|Svc=WinTarget|", "string"
    )
    result = made.converge(document(portals=[at(STORAGE)], firewall=True))
    assert (result["changed"], result["warnings"], list(rules(made))) == (False, [], [GUID])


@pytest.mark.parametrize(
    ("extra", "params"),
    [
        ({"RA4": "10.0.0.9"}, {"RemoteAddress": ["Any"]}),
        ({"App": "C:\\x.exe"}, {"Program": "Any"}),
        ({"IFType": "Wireless"}, {"InterfaceType": ["Any"]}),
        ({"Profile": "Domain"}, {"Profile": ["Any"]}),
    ],
)
def test_a_rule_of_ours_that_was_narrowed_is_set_back(
    extra: dict[str, str], params: dict[str, t.Any]
) -> None:
    made = with_rules(host(), **{GUID: old_rule(STORAGE, extra=extra)})
    wish = document(portals=[at(STORAGE)], **WALL)
    assert f"firewall_rule {rule_name(STORAGE)}: " in made.verify(wish)["msg"]
    result = made.converge(wish)
    assert sent(result, "firewall_rule")[0] == {"Name": GUID, **params}
    assert rules(made) == {GUID: old_rule(STORAGE)}


def test_a_rule_of_ours_that_was_widened_is_set_back() -> None:
    made = with_rules(host(), **{GUID: old_rule(STORAGE).replace(f"LA4={STORAGE}|", "")})
    result = made.converge(document(portals=[at(STORAGE)], **WALL))
    assert sent(result, "firewall_rule")[0] == {"Name": GUID, "LocalAddress": [STORAGE]}


def test_rules_for_what_is_a_portal_no_longer_go_after_the_new_ones_came() -> None:
    made = with_rules(
        host(), **{GUID: old_rule(STORAGE), "mine": old_rule("1.2.3.4").replace(rule_name("1.2.3.4"), "Mine")}
    )
    result = made.converge(document(portals=[at(OFFICE)], firewall=True))
    assert sequence(result) == ["New-NetFirewallRule", "Remove-NetFirewallRule"]
    assert set(rules(made)) == {rule_name(OFFICE), "mine"}


def test_of_two_rules_that_are_called_the_same_one_goes() -> None:
    made = with_rules(host(), **{GUID: old_rule(STORAGE), rule_name(STORAGE): old_rule(STORAGE)})
    result = made.converge(document(portals=[at(STORAGE)], **WALL))
    assert sent(result, "firewall_rule")[0] == {"Name": GUID}
    assert (list(rules(made)), result["warnings"]) == ([rule_name(STORAGE)], [])


def test_without_the_firewall_no_rule_stays_and_without_a_word_every_one_does() -> None:
    made = with_rules(host(), **{GUID: old_rule(STORAGE)})
    assert made.converge(document(portals=[at(STORAGE)]))["changed"] is False
    assert sequence(made.converge(document(portals=[at(STORAGE)], firewall=False))) == [
        "Remove-NetFirewallRule"
    ]


def test_the_features_own_rule_that_makes_ours_moot_is_told() -> None:
    for language in ("en", "de"):
        made = host(language=language)
        (warning,) = made.converge(document(portals=[at(STORAGE)], firewall=True))["warnings"]
        assert warning == (
            f"wintarget: firewall rule {BUILTIN} of the feature lets initiators in at every address, whatever portals says. Set "
            "builtin_firewall_rule: disable."
        )
    assert made.converge(document(portals=[at(STORAGE)]))["warnings"] == []
    made.converge(document(portals=[at(STORAGE)], **WALL))
    made.snapshot.forget()
    assert made.converge(document(portals=[at(STORAGE)], firewall=True))["warnings"] == []


def test_a_rule_of_the_feature_by_another_name_is_found_by_its_service() -> None:
    made = host()
    for rule in made.machine.firewall.rules:
        if rule.id == BUILTIN:
            made.machine.firewall.remove(rule)
    text = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3260|Svc=WinTarget|Name=iSCSI|"
    rpc = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=RPC|Svc=WinTarget|Name=DCOM|"
    with_rules(made, other=text, rpc=rpc)
    result = made.converge(document(**WALL))
    assert sent(result, "firewall_rule") == [{"Name": "other", "Enabled": "False"}]


# From zero ----------------------------------------------------------------------------------------------------------------

WHOLE = [*SERVER, {"wintarget": {"portals": [at(STORAGE)], "exclusive_portals": True, **WALL}}]


def test_check_mode_foretells_a_fresh_host() -> None:
    made = SimulatedHost(addresses=[f"{STORAGE}/24", f"{OFFICE}/24", "fe80::1/64"])
    result = made.check(WHOLE)
    assert (result.get("msg"), result["warnings"], made.commands) == (None, [], 1)
    assert sequence(result) == [
        *("Install-WindowsFeature", "Set-IscsiTargetServerSetting"),
        *("New-NetFirewallRule", "Set-NetFirewallRule"),
    ]
    told = made.check([*SERVER, {"wintarget": {"portals": [at(STORAGE)], "firewall": True}}])
    assert f"firewall rule {BUILTIN} of the feature lets initiators in" in told["warnings"][0]
    assert "10.9.9.9 is not on this host" in made.check([*SERVER, *document(portals=[at("10.9.9.9")])])["msg"]


def test_a_fresh_host_is_converged_in_three_commands() -> None:
    made = SimulatedHost(addresses=[f"{STORAGE}/24", f"{OFFICE}/24", "fe80::1/64"])
    planned = made.check(WHOLE)
    result = made.converge(WHOLE)
    assert (sequence(result), made.commands) == (sequence(planned), 3)
    assert made.verify(WHOLE)["changed"] is False


@pytest.mark.parametrize("state", ["absent", "stopped"])
def test_without_the_server_it_says_what_is_missing(state: str) -> None:
    features = {} if state == "absent" else {"installed": [FEATURE]}
    services = {} if state == "absent" else {"WinTarget": {"state": "stopped"}}
    made = SimulatedHost(addresses=[f"{STORAGE}/24"], features=features, services=services)
    result = made.converge(document(portals=[at(STORAGE)], firewall=True))
    assert (
        "windows_feature" in result["msg"]
        if state == "absent"
        else "the service WinTarget does not run" in result["msg"]
    )
    started = made.check([*SERVER, *document(portals=[at(STORAGE)])])
    assert started.get("msg") is None


# Gathered, rendered, odd rows, signatures ---------------------------------------------------------------------------------


def test_what_is_gathered_plans_to_nothing() -> None:
    made = host(at(STORAGE, port=3261), at(OFFICE, enabled=False))
    state, silent = Run(KINDS, [], made, made.snapshot, Options(), gather={"wintarget": KIND}).gathered()
    (found,) = objects_of(KIND, state)
    assert (silent, found["key"], found["protected"]) == ({}, "", None)
    assert found["options"] == {
        "portals": [
            {"address": STORAGE, "port": 3261, "enabled": True},
            {"address": OFFICE, "port": 3260, "enabled": False},
            {"address": SIX, "port": 3260, "enabled": True},
        ]
    }
    assert set(found["facts"]) == {"version", "addresses"}
    assert made.converge(document(**found["options"]))["changed"] is False
    assert made.verify(document(**found["options"])).get("msg") is None


def test_rendered_without_a_host() -> None:
    told = read_document(document(portals=[at(STORAGE, enabled=False)]), KINDS)
    wish = read_wish(KIND, {"portals": [at(STORAGE)], "firewall": True, "builtin_firewall_rule": "disable"})
    plan = make_plan(ToldState(KINDS, [wish], told, Settings()))
    assert [step.call.cmdlet for step in plan.steps] == [
        "Set-IscsiTargetServerSetting",
        "New-NetFirewallRule",
    ]
    same = make_plan(ToldState(KINDS, [read_wish(KIND, {})], told, Settings()))
    assert (same.steps, same.unmet, same.ineffective) == ((), (), ())
    nothing = make_plan(ToldState(KINDS, [wish], [], Settings()))
    assert nothing.unmet == (
        "wintarget: it is not known what the server has. Give have, as state gathered returns it.",
    )


@pytest.mark.parametrize(
    ("row", "portal"),
    [
        ({"": "+10.0.0.5:3260"}, Portal("10.0.0.5", 3260)),
        ({"": "-[fe80::1%4]:3261"}, Portal("fe80::1%4", 3261, False)),
        ({"": "", "Enabled": True, "IPEndpoint": "10.0.0.5:1"}, Portal("10.0.0.5", 1)),
        ({"": "Microsoft.Iscsi.Portal", "Enabled": False, "IPEndpoint": "[fd00::5]:3260"}, Portal("fd00::5", 3260, False)),
        ({"": "Microsoft.Iscsi.Portal"}, None),
        ({"": "+10.0.0.5"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_portals_as_windows_prints_them(row: dict[str, t.Any], portal: Portal | None) -> None:
    assert read_portal(row) == portal


@pytest.mark.parametrize("odd", ["System.Object", {"": "Microsoft.Iscsi.Portal"}, 5, None])
def test_a_row_of_an_unexpected_form_is_told(odd: t.Any) -> None:
    made = answering(host(), iscsi_target_server_setting=Section(data=[{"Version": "10", "Portals": [odd]}]))
    result = made.converge(document(portals=[at(STORAGE)]))
    assert result["msg"].startswith("wintarget: Get-IscsiTargetServerSetting listed a portal that is ")
    assert result["msg"].endswith("Please report this.")


def test_every_call_fits_its_signature_on_every_release() -> None:
    wish = read_wish(KIND, {"portals": [at(STORAGE)], "firewall": True, "builtin_firewall_rule": "disable"})
    for question in (*KIND.gathers, *KIND.asks(wish)):
        check(completed(question.call))
    made = host(at(STORAGE, enabled=False), at(SIX, port=3261))
    result = made.check(document(portals=[at(STORAGE, port=1), at(OFFICE, enabled=False), at(SIX)], **WALL))
    assert len(sent(result)) == 3
    for entry in result["objects"]:
        for command in entry["commands"]:
            check(completed(Call(command["cmdlet"], command["parameters"], change=True)))


# Any wish on any host -----------------------------------------------------------------------------------------------------

ADDRESSES = st.sampled_from([STORAGE, OFFICE, SIX, "FD00::5", "10.9.9.9", "fe80::1"])
PORTALS = st.builds(
    at, st.sampled_from([STORAGE, OFFICE, SIX]), port=st.integers(3260, 3262), enabled=st.booleans()
)
WANTED_PORTALS = st.builds(at, ADDRESSES, port=st.integers(3260, 3262), enabled=st.booleans())


@settings(max_examples=100)
@given(
    have=st.lists(PORTALS, max_size=3, unique_by=lambda portal: portal["address"]),
    portals=st.lists(WANTED_PORTALS, max_size=3),
    exclusive=st.booleans(),
    firewall=st.sampled_from([None, True, False]),
)
def test_converged_once_nothing_is_left_to_do(
    have: list[dict[str, t.Any]], portals: list[dict[str, t.Any]], exclusive: bool, firewall: bool | None
) -> None:
    made = host(*have, addresses=[f"{STORAGE}/24", f"{OFFICE}/24", f"{SIX}/64", "fe80::1/64"])
    before = made.machine.iscsi.dump()["portals"]
    wish = document(portals=portals, exclusive_portals=exclusive, firewall=firewall)
    try:
        result = made.converge(wish)
    except WantError:
        return
    if result.get("failed"):
        assert made.machine.iscsi.dump()["portals"] == before or "Windows refused" in result["msg"]
        return
    again = made.run(wish)
    assert again.converge()["changed"] is False
    if exclusive:
        opened = [portal["address"] for portal in made.machine.iscsi.dump()["portals"] if portal["enabled"]]
        wanted = [
            item.address
            for item in portals_of(read_wish(KIND, wish[0]["wintarget"]).values["portals"])
            if item.enabled
        ]
        assert sorted(opened) == sorted(wanted)
    if firewall is not None:
        assert len(rules(made)) == (len([item for item in portals if item["enabled"]]) if firewall else 0)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules, on simulated hosts."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document, read_wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import ToldState, objects_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.firewall_rule import (
    KIND,
    POLICY,
    RULES,
)
from winsim.firewall import RULES_KEY

from ..simulated import SimulatedHost, outcomes, sequence
from .answers import DENIED, answering

NAME = "Storage in"
POLICY_KEY = "HKLM:\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"
PLAIN = f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3260|LA4=10.0.0.5|Name={NAME}|EmbedCtxt=Winstack|"
GUID = "{5F1E3C9A-6A53-4D0C-9C51-7F2F6F0F6A11}"
WISH: dict[str, t.Any] = {
    **{"name": NAME, "group": "Winstack", "direction": "in", "action": "allow", "enabled": True},
    **{"protocol": "tcp", "local_ports": ["3260"], "local_addresses": ["10.0.0.5"]},
    **{"remote_addresses": ["any"], "remote_ports": ["any"], "profiles": ["any"], "interface_types": ["any"]},
    **{"program": "any", "service": "any", "other_conditions": []},
}


def host(**rules: str) -> SimulatedHost:
    return with_rules(SimulatedHost(), rules)


def with_rules(made: SimulatedHost, rules: dict[str, str]) -> SimulatedHost:
    for name, text in rules.items():
        made.machine.registry.set(RULES_KEY, name, text, "string")
    return made


def text_of(made: SimulatedHost, name: str = NAME) -> str | None:
    return t.cast("str | None", made.machine.registry.data(RULES_KEY, name))


def calls(result: dict[str, t.Any]) -> list[tuple[str, dict[str, t.Any]]]:
    return [
        (command["cmdlet"], command["parameters"])
        for entry in result["objects"]
        for command in entry["commands"]
    ]


def document(*rules: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [{"firewall_rule": list(rules)}]


# Making -------------------------------------------------------------------------------------------------------------------


def test_a_new_rule_takes_one_question_and_one_call() -> None:
    made = host()
    planned = made.check(document(WISH))
    assert (outcomes(planned), made.changing()) == ({f"firewall_rule {NAME}": "planned"}, [])
    result = made.converge(document(WISH))
    assert calls(result) == calls(planned) == [
        ("New-NetFirewallRule", {
            **{"Name": NAME, "DisplayName": NAME, "Group": "Winstack", "Direction": "Inbound", "Action": "Allow"},
            **{"Protocol": "TCP", "LocalAddress": ["10.0.0.5"], "LocalPort": ["3260"], "Enabled": "True"},
        })
    ]  # fmt: skip
    assert (made.commands, text_of(made)) == (2, PLAIN)
    assert made.converge(document(WISH))["changed"] is False
    assert made.commands == 2
    assert made.verify(document(WISH))["changed"] is False
    assert made.commands == 3


def test_a_rule_without_more_than_a_name_lets_everything_in() -> None:
    made = host()
    made.converge(document({"name": NAME}))
    assert text_of(made) == f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name={NAME}|EmbedCtxt=Winstack|"
    assert made.converge(document({"name": NAME}))["changed"] is False


def test_ports_of_a_new_rule_that_say_nothing_are_not_sent() -> None:
    """The cmdlet takes ports for two protocols alone."""
    wish = {"name": "Any", "protocol": "icmpv4", "local_ports": ["any"], "remote_ports": ["any"]}
    assert calls(host().converge(document(wish))) == [
        (
            "New-NetFirewallRule",
            {"Name": "Any", "DisplayName": "Any", "Group": "Winstack", "Protocol": "ICMPv4"},
        )
    ]


def test_every_row_can_be_given_to_a_new_rule() -> None:
    wish = WISH | {
        **{"display_name": "Storage", "description": "For initiators.", "group": "Mine", "direction": "out"},
        **{"action": "block", "protocol": "udp", "local_ports": ["53", "5000-5010"], "remote_ports": ["99"]},
        **{"local_addresses": ["fd00::5"], "remote_addresses": ["LocalSubnet", "10.0.0.0/24"]},
        **{"profiles": ["domain", "private"], "interface_types": ["wired"], "enabled": False},
        **{"program": r"C:\x.exe", "service": "Spooler"},
    }
    made = host()
    made.converge(document(wish))
    assert text_of(made) == (
        "v2.31|Action=Block|Active=FALSE|Dir=Out|Protocol=17|Profile=Domain|Profile=Private|LPort2_10=5000-5010|LPort=53|RPort=99"
        "|LA6=fd00::5|RA4=10.0.0.0/255.255.255.0|RA4=LocalSubnet|IFType=Lan|App=C:\\x.exe|Svc=Spooler|Name=Storage"
        "|Desc=For initiators.|EmbedCtxt=Mine|"
    )
    assert made.verify(document(wish))["changed"] is False


# Changing -----------------------------------------------------------------------------------------------------------------

# What somebody made of a rule of ours -> what is set back. Ports go with their protocol.
ALTERED: dict[str, tuple[str, dict[str, t.Any]]] = {
    "disabled": (PLAIN.replace("TRUE", "FALSE"), {"Enabled": "True"}),
    "blocked": (PLAIN.replace("Allow", "Block"), {"Action": "Allow"}),
    "outbound": (PLAIN.replace("Dir=In", "Dir=Out"), {"Direction": "Inbound"}),
    "another protocol": (PLAIN.replace("Protocol=6", "Protocol=17"), {"Protocol": "TCP"}),
    "another port": (PLAIN.replace("3260", "3261"), {"LocalPort": ["3260"], "Protocol": "TCP"}),
    "another address": (PLAIN.replace("10.0.0.5", "10.0.0.6"), {"LocalAddress": ["10.0.0.5"]}),
    "at every address": (PLAIN.replace("LA4=10.0.0.5|", ""), {"LocalAddress": ["10.0.0.5"]}),
    "for one initiator": (f"{PLAIN}RA4=10.0.0.9|", {"RemoteAddress": ["Any"]}),
    "for a subnet": (f"{PLAIN}RA4=LocalSubnet|RA6=LocalSubnet|", {"RemoteAddress": ["Any"]}),
    "from one port": (f"{PLAIN}RPort=700|", {"RemotePort": ["Any"], "Protocol": "TCP"}),
    "in one profile": (f"{PLAIN}Profile=Domain|", {"Profile": ["Any"]}),
    "on wireless cards": (f"{PLAIN}IFType=Wireless|", {"InterfaceType": ["Any"]}),
    "for a program": (f"{PLAIN}App=C:\\x.exe|", {"Program": "Any"}),
    "for a service": (f"{PLAIN}Svc=Spooler|", {"Service": "Any"}),
    "several things": (
        f"{PLAIN}Svc=Spooler|Profile=Public|".replace("TRUE", "FALSE"),
        {"Profile": ["Any"], "Service": "Any", "Enabled": "True"},
    ),
}


@pytest.mark.parametrize(("text", "params"), ALTERED.values(), ids=list(ALTERED))
def test_a_rule_that_somebody_narrowed_or_widened_is_set_back(text: str, params: dict[str, t.Any]) -> None:
    made = host(**{NAME: text})
    told = made.verify(document(WISH))
    assert told["failed"]
    assert told["msg"].startswith(f"firewall_rule {NAME}: ")
    result = made.converge(document(WISH))
    assert calls(result) == [("Set-NetFirewallRule", {"Name": NAME, **params})]
    assert text_of(made) == PLAIN
    assert made.verify(document(WISH))["changed"] is False


@pytest.mark.parametrize(
    "condition",
    ["IF={0F1E}", "Security=Authenticate", "RMauth=O:LSD:(A;;CC;;;S-1-5-21-1)", "LUAuth=O:LSD:(A;;CC;;;UD)", "Edge=TRUE"],
)  # fmt: skip
def test_conditions_without_a_parameter_go_with_the_rule_which_is_made_anew(condition: str) -> None:
    made = host(**{NAME: f"{PLAIN}{condition}|Desc=kept|"})
    result = made.converge(document(WISH))
    assert sequence(result) == ["Remove-NetFirewallRule", "New-NetFirewallRule"]
    assert made.commands == 2
    assert text_of(made) == PLAIN.replace(f"Name={NAME}|", f"Name={NAME}|Desc=kept|")
    assert made.verify(document(WISH))["changed"] is False


def test_what_is_not_wished_stays() -> None:
    text = f"{PLAIN}RA4=10.0.0.9|IF={{0F1E}}|Edge=TRUE|"
    made = host(**{NAME: text})
    assert made.converge(document({"name": NAME, "local_ports": ["3260"]}))["changed"] is False
    made.converge(document({"name": NAME, "description": "new"}))
    kept = str(text_of(made))
    assert all(part in kept for part in ("RA4=10.0.0.9", "IF={0F1E}", "Edge=TRUE", "Desc=new"))


def test_a_display_name_changes_in_place() -> None:
    made = host(**{NAME: PLAIN})
    result = made.converge(document({"name": NAME, "display_name": "Other"}))
    assert calls(result) == [("Set-NetFirewallRule", {"Name": NAME, "NewDisplayName": "Other"})]


def test_rules_of_windows_itself_are_found_by_name() -> None:
    made = host()
    wish = {"name": "remotedesktop-usermode-in-tcp", "enabled": True}
    result = made.converge(document(wish, {"name": "WINRM-HTTP-In-TCP", "enabled": True}))
    assert calls(result) == [
        ("Set-NetFirewallRule", {"Name": "remotedesktop-usermode-in-tcp", "Enabled": "True"})
    ]
    assert made.commands == 2


# Rules of earlier releases ------------------------------------------------------------------------------------------------


def test_a_rule_made_by_win_firewall_rule_is_taken_over() -> None:
    made = host(**{GUID: PLAIN})
    assert made.converge(document(WISH))["changed"] is False
    result = made.converge(document(WISH | {"local_ports": ["3261"]}))
    assert calls(result) == [
        ("Set-NetFirewallRule", {"Name": GUID, "LocalPort": ["3261"], "Protocol": "TCP"})
    ]
    assert [rule.id for rule in made.machine.firewall.in_group("Winstack")] == [GUID]
    made.converge(document({"name": NAME, "state": "absent"}))
    assert made.machine.firewall.in_group("Winstack") == []


def test_a_rule_of_another_group_is_taken_over_if_the_group_is_named() -> None:
    mine = PLAIN.replace("Winstack", "Mine [1]")
    made = host(**{GUID: mine})
    assert made.converge(document(WISH | {"group": "Mine [1]"}))["changed"] is False
    assert sequence(made.check(document({"name": NAME}))) == ["New-NetFirewallRule"]


def test_a_name_counts_before_what_people_see() -> None:
    made = host(**{GUID: PLAIN, NAME: PLAIN.replace("3260", "1")})
    result = made.converge(document(WISH))
    assert calls(result) == [
        ("Set-NetFirewallRule", {"Name": NAME, "LocalPort": ["3260"], "Protocol": "TCP"})
    ]
    assert result["warnings"] == [
        f"firewall_rule {NAME}: other rules of its group are called the same: {GUID}. Remove them by these names (state: absent)."
    ]


# Removing -----------------------------------------------------------------------------------------------------------------


def test_removing() -> None:
    made = host(**{NAME: PLAIN})
    gone = document({"name": NAME, "state": "absent"})
    assert outcomes(made.check(gone)) == {f"firewall_rule {NAME}": "planned"}
    assert calls(made.converge(gone)) == [("Remove-NetFirewallRule", {"Name": NAME})]
    assert (text_of(made), made.converge(gone)["changed"]) == (None, False)
    assert made.verify(gone)["changed"] is False


def test_what_is_new_comes_before_what_goes() -> None:
    made = host(**{"old": PLAIN.replace(NAME, "old")})
    result = made.converge(document({"name": "old", "state": "absent"}, WISH))
    assert [note["cmdlet"] for note in made.notes if note["change"]] == [
        "New-NetFirewallRule",
        "Remove-NetFirewallRule",
    ]
    assert set(outcomes(result).values()) == {"changed"}


# Refusals -----------------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, str], dict[str, t.Any], str]] = {
    "another group": (
        {NAME: PLAIN},
        {"name": NAME, "group": "Other"},
        "group is Winstack and Other was wanted. Windows cannot move a rule to another group. Remove the rule",
    ),
    "its name in another group": (
        {NAME: PLAIN.replace("Winstack", "Other")},
        WISH,
        "group is Other and Winstack was wanted. Windows cannot move",
    ),
    "ports without protocol": (
        {},
        {"name": NAME, "local_ports": ["80"]},
        "local_ports with protocol any: only tcp and udp have ports. Set protocol to one of them.",
    ),
    "ports of a rule with another protocol": (
        {NAME: PLAIN},
        {"name": NAME, "protocol": "icmpv4"},
        "local_ports with protocol icmpv4",
    ),
    "a pattern for a name": ({}, {"name": "All*"}, "the name contains *. Give a name without | and wildcards."),
    "a bar in the name": ({}, {"name": "a|b"}, "the name contains |"),
    "a bar in a text": ({}, WISH | {"description": "a|b"}, "description: 'a|b' contains |"),
    "the name of a host's rule is a pattern": (
        {"All*": PLAIN},
        {"name": "All*", "enabled": False},
        "its name All* is a pattern, by which the cmdlets would change other rules too",
    ),
    "conditions": ({}, WISH | {"other_conditions": ["Edge=TRUE"]}, "other_conditions: such conditions can be kept"),
    "conditions of a rule that bypasses blocks": (
        {NAME: f"{PLAIN}Security=Authenticate|".replace("Allow", "ByPass")},
        {"name": NAME, "other_conditions": []},
        "A rule with action bypass cannot be made anew here.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "wish", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refusals(rules: dict[str, str], wish: dict[str, t.Any], message: str) -> None:
    made = host(**rules)
    result = made.converge(document(wish))
    assert result["failed"]
    assert result["refusals"] == result["msg"].splitlines()
    assert result["msg"].startswith(f"firewall_rule {wish['name']}: ")
    assert message in result["msg"]
    assert made.changing() == []


def test_what_a_rule_has_is_never_refused() -> None:
    made = host(**{"All*": f"{PLAIN}Edge=TRUE|"})
    wish = {"name": "All*", "group": "Winstack", "other_conditions": ["Edge=TRUE"], "local_ports": ["3260"]}
    assert made.converge(document(wish))["changed"] is False


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"name": NAME, "remote_addresses": []}, "remote_addresses: the list is empty. Give any, or leave the option out."),
        ({"name": NAME, "local_adresses": ["any"]}, "there is no option local_adresses. Did you mean local_addresses?"),
        ({"name": NAME, "protocol": "tpc"}, "protocol must be one of: tcp, udp, icmpv4, icmpv6, any"),
        ({"local_ports": [1]}, "missing required arguments: name"),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_a_host_is_asked(wish: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document(document(wish), KINDS)
    assert message in str(caught.value)


# Policy -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "wish", "profiles"),
    [
        (["DomainProfile"], WISH, "domain"),
        (["DomainProfile", "StandardProfile", "PublicProfile"], WISH, "domain, private and public"),
        (["PrivateProfile"], WISH | {"profiles": ["private", "public"]}, "private"),
        (["DomainProfile"], WISH | {"profiles": ["public"]}, None),
        (["DomainProfile"], WISH | {"enabled": False}, None),
        ([], WISH, None),
    ],
)
def test_policy_that_ignores_local_rules_is_told(
    closed: list[str], wish: dict[str, t.Any], profiles: str | None
) -> None:
    made = host()
    for profile in ("DomainProfile", "StandardProfile", "PrivateProfile", "PublicProfile"):
        made.machine.registry.set(f"{POLICY_KEY}\\{profile}", "EnableFirewall", 1)
    for profile in closed:
        made.machine.registry.set(f"{POLICY_KEY}\\{profile}", "AllowLocalPolicyMerge", 0)
    for result in (made.check(document(wish)), made.converge(document(wish)), made.verify(document(wish))):
        told = [text for text in result["warnings"] if "group policy" in text]
        assert told == ([] if profiles is None else [
            f"firewall_rule {NAME}: group policy ignores local firewall rules in profile {profiles} (AllowLocalPolicyMerge is 0), so "
            "that this one has no effect there. Put the rule into the policy, or let the policy merge local rules."
        ])  # fmt: skip


def test_policy_that_cannot_be_read_keeps_no_rule_from_being_made() -> None:
    result = answering(host(), firewall_policy=DENIED).converge(document(WISH))
    assert (result.get("msg"), result["changed"], result["warnings"]) == (None, True, [])


# Gathered, rendered, signatures -------------------------------------------------------------------------------------------


def test_what_is_gathered_plans_to_nothing() -> None:
    made = host(
        **{NAME: PLAIN, GUID: f"{PLAIN}Edge=TRUE|RA4=10.0.0.0/255.255.255.0|Desc=x|".replace(NAME, "y")}
    )
    state, silent = Run(KINDS, [], made, made.snapshot, Options(), gather={"firewall_rule": KIND}).gathered()
    found = objects_of(KIND, state)
    assert (silent, sorted(item["key"] for item in found)) == ({}, sorted([NAME, GUID]))
    options = [item["options"] for item in found]
    assert made.converge(document(*options))["changed"] is False
    assert made.commands == 2


def test_rendered_without_a_host() -> None:
    told = read_document(document(WISH), KINDS)
    wishes = [
        read_wish(KIND, WISH),
        read_wish(KIND, WISH | {"local_ports": ["3261"]}),
        read_wish(KIND, {"name": "New", "protocol": "udp"}),
    ]
    plans = [make_plan(ToldState(KINDS, [wish], told, Settings())) for wish in wishes]
    assert [[step.call.cmdlet for step in plan.steps] for plan in plans] == [
        [],
        ["Set-NetFirewallRule"],
        ["New-NetFirewallRule"],
    ]


def test_every_call_fits_its_signature_on_every_release() -> None:
    wish = read_wish(KIND, WISH)
    for question in (RULES, POLICY, *KIND.asks(wish), *KIND.asks(read_wish(KIND, WISH | {"group": "x"}))):
        check(completed(question.call))
    rules = {NAME: f"{PLAIN}IF={{1}}|".replace("Winstack", "x")}
    other = WISH | {
        **{"group": "x", "direction": "out", "action": "block", "protocol": "udp", "local_ports": ["1-2"]},
        **{"local_addresses": ["any"], "remote_addresses": ["LocalSubnet"], "remote_ports": ["RPC"], "program": "x"},
        **{"profiles": ["domain"], "interface_types": ["remote_access"], "service": "x", "enabled": False},
        **{"display_name": "x", "description": "x"},
    }  # fmt: skip
    result = with_rules(SimulatedHost(), rules).check(
        document(other, WISH | {"name": "n"}, {"name": "g", "state": "absent"})
    )
    assert len(calls(result)) == 4
    for entry in result["objects"]:
        for command in entry["commands"]:
            check(completed(Call(command["cmdlet"], command["parameters"], change=True)))

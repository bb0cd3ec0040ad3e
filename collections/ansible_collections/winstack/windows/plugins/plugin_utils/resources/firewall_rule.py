# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of Windows Defender Firewall in the host's own store.

They are read from the registry, where one value holds a whole rule: the cmdlets that list rules need three queries for the
same, each over every rule of the host. They are made and changed by the cmdlets.
https://learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Change,
    Identity,
    Kind,
    New,
    Property,
    Question,
    Row,
    Set,
    State,
    Step,
    Thing,
    Wish,
    never,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import ordinary
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, listed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.firewall_syntax import (
    ADDRESSES,
    ANY,
    INTERFACE_TYPES,
    PORTS,
    PROFILES,
    PROTOCOL,
    AnyText,
    Conditions,
    Enabled,
    Known,
    RuleText,
    read_rule,
)

NAME: t.Final = "firewall_rule"
GROUP: t.Final = "Winstack"
_RULES: t.Final = (
    r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
)
_POLICY: t.Final = r"HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall\*"


def rules_like(name: str, part: str, *ids: str) -> Question:
    """Return the question for the rules that have a part, such as ``Svc=WinTarget``, and for those with the ids."""
    return Question(name, Call("Get-ItemProperty", {"LiteralPath": _RULES}, (("*", f"*|{part}|*"), *ids)))


RULES: t.Final = rules_like("firewall_rules", f"EmbedCtxt={GROUP}")
"""The rules of the group Winstack: a host has hundreds of others."""

# https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas, per-profile policy: AllowLocalPolicyMerge
POLICY: t.Final = Question(
    "firewall_policy",
    Call("Get-ItemProperty", {"Path": _POLICY}, ("PSChildName", "AllowLocalPolicyMerge")),
    optional=True,
)
_POLICY_PROFILES: t.Final = {
    "domainprofile": "domain",
    "privateprofile": "private",
    "standardprofile": "private",
    "publicprofile": "public",
}


def _named(wish: Wish) -> Question:
    """Return the question for a rule by its name, and for the rules of its group, should one of them be called as it is."""
    group = str(wish.values.get("group") or GROUP)
    name = f"{NAME} {wish.key}"
    if group != GROUP:
        return rules_like(f"{name} of {group}", f"EmbedCtxt={_literal(group)}", wish.name)
    return Question(name, Call("Get-ItemProperty", {"LiteralPath": _RULES}, (wish.name,)))


def _literal(text: str) -> str:
    """Return a pattern that the text is like: wildcards in it match themselves, among others."""
    return "".join("?" if letter in "[]*?`" else letter for letter in text)


def _asks(wish: Wish) -> Iterator[Question]:
    yield from (POLICY, _named(wish))


# Objects ------------------------------------------------------------------------------------------------------------------


def rules_of(state: State, question: Question) -> Iterator[Thing]:
    """Return the rules that an answer tells, each once. Raise Unanswered or HostError as State.rows does."""
    for row in state.rows(question):
        found = {**row.get("*", {}), **{name: text for name, text in row.items() if name != "*"}}
        yield from (_thing(state, name, text) for name, text in found.items() if isinstance(text, str))


def _thing(state: State, name: str, text: str) -> Thing:
    key = name.lower()
    rule = read_rule(text)
    return Thing(key, name, state.row_values(KIND, key, {RULES.name: rule}))


def find(state: State, wish: Wish) -> Thing | None:
    """Return the rule that a wish means: the one with its name, else one of its group that people see by that name.

    The rules of earlier releases of this collection have a GUID for a name, since win_firewall_rule made them.
    """
    own = state.find(NAME, wish.key)
    if own is not None:
        return own
    known = list(state.table(NAME).values())
    # What another kind implies is of our group, and costs no question of its own.
    needed = wish.values.get("group") != GROUP or state.told(_named(wish))
    asked = list(rules_of(state, _named(wish))) if needed else []
    by_name = (rule for rule in asked if rule.key == wish.key)
    return next(by_name, None) or next(iter(_called(wish, [*known, *asked])), None)


def _called(wish: Wish, rules: list[Thing]) -> list[Thing]:
    """Return the rules of the wish's group that people see by its display name."""
    text, group = wish.values.get("display_name", wish.name), wish.values.get("group", GROUP)
    return [
        rule for rule in rules if (rule.values.get("display_name"), rule.values.get("group")) == (text, group)
    ]


def wish_for_rule(place: str, name: str, values: Mapping[str, Json], *, absent: bool = False) -> Wish:
    """Return the wish of another kind for a rule; ``values`` are by option, as a document has them."""
    parsed = {option: KIND.row(option).type.parse(value) for option, value in values.items()}
    return Wish(KIND, name.lower(), name, place, parsed, absent=absent)


# Planning -----------------------------------------------------------------------------------------------------------------


def _plan(case: Case) -> Change:
    case = replace(case, have=find(case.state, case.wish))
    if case.have is None and not case.wish.absent:
        defaults = {"display_name": case.wish.name, "group": GROUP}
        case = replace(case, wish=replace(case.wish, values={**defaults, **case.wish.values}))
    planned = ordinary(case)
    return replace(planned, steps=tuple(_with_protocol(case, _shortened(step)) for step in planned.steps))


def _shortened(step: Step) -> Step:
    """Return the step that makes a rule without what says nothing: ports have a meaning for two protocols alone."""
    if step.call.cmdlet != "New-NetFirewallRule":
        return step
    open_ = {row.new for row in KIND.properties if row.fresh in (ANY, [ANY])}
    params = step.call.params.items()
    said = {name: value for name, value in params if name not in open_ or value not in ("Any", ["Any"])}
    return replace(step, call=replace(step.call, params=said))


def _with_protocol(case: Case, step: Step) -> Step:
    """Return the step with the protocol beside ports, which mean nothing without one."""
    call = step.call
    ports = call.params.keys() & {"LocalPort", "RemotePort"}
    if call.cmdlet != "Set-NetFirewallRule" or not ports or "Protocol" in call.params:
        return step
    protocol = PROTOCOL.send(case.has("protocol"))
    return replace(step, call=replace(call, params={**call.params, "Protocol": protocol}))


def _made_anew(case: Case, want: Json) -> Iterator[Step]:
    """Return the steps that take off what no parameter takes off: the rule goes, and is back in the same command."""
    if case.have is None:
        return
    values = {**case.have.values, **case.wish.values}
    rows = [
        row for row in KIND.properties if row.new and not row.type.same(row.fresh, values.get(row.option))
    ]
    params = {str(row.new): row.type.send(values.get(row.option)) for row in rows}
    yield Step(change("Remove-NetFirewallRule", Name=case.have.name))
    yield Step(Call("New-NetFirewallRule", {"Name": case.have.name, **params}, change=True))


def _can_be_made(case: Case, have: Json, want: Json) -> str | None:
    action = case.wanted("action") or case.has("action")
    return None if action in ("allow", "block") else f"A rule with action {action} cannot be made anew here."


def _removal(case: Case) -> Iterator[Step]:
    if case.have is not None:
        yield Step(change("Remove-NetFirewallRule", Name=case.have.name), destructive=True)


# Sentences ----------------------------------------------------------------------------------------------------------------


def _name_fault(name: str) -> str | None:
    found = [letter for letter in "|*?[]" if letter in name]
    return f"the name contains {' '.join(found)}. Give a name without | and wildcards." if found else None


def _wildcards(case: Case) -> Iterator[str]:
    """The cmdlets take -Name as a pattern."""
    if case.have is not None and any(letter in case.have.name for letter in "*?[]"):
        yield f"its name {case.have.name} is a pattern, by which the cmdlets would change other rules too. Make it anew by hand."


def _ports_without_protocol(case: Case) -> Iterator[str]:
    protocol = case.wanted("protocol") or case.has("protocol") or ANY
    given = [
        option
        for option in ("local_ports", "remote_ports")
        if (case.wanted(option) or case.has(option) or [ANY]) != [ANY]
    ]
    if given and protocol not in ("tcp", "udp") and not case.wish.absent:
        yield f"{listed(given)} with protocol {protocol}: only tcp and udp have ports. Set protocol to one of them."


def _forbidden(case: Case) -> Iterator[str]:
    """Group policy can leave local rules out of account; they are stored all the same."""
    given = {"enabled": True, **(case.have.values if case.have else {}), **case.wish.values}
    if case.wish.absent or not given["enabled"]:
        return
    profiles = t.cast("list[str]", given.get("profiles", [ANY]))
    found = sorted(name for name in _closed_profiles(case.state) if profiles == [ANY] or name in profiles)
    if found:
        yield (
            f"group policy ignores local firewall rules in profile {listed(found)} (AllowLocalPolicyMerge is 0), so that this "
            "one has no effect there. Put the rule into the policy, or let the policy merge local rules."
        )


def _closed_profiles(state: State) -> set[str]:
    try:
        rows: list[Row] = state.rows(POLICY)
    except HostError:
        return set()
    closed = [str(row["PSChildName"]).lower() for row in rows if row["AllowLocalPolicyMerge"] == 0]
    return {_POLICY_PROFILES[name] for name in closed if name in _POLICY_PROFILES}


def _doubles(case: Case) -> Iterator[str]:
    """Rules that people cannot tell apart."""
    if case.have is None:
        return
    others = [rule.name for rule in _called(case.wish, list(case.state.table(NAME).values()))]
    others = [name for name in others if name.lower() != case.have.key]
    if others:
        yield f"other rules of its group are called the same: {listed(others)}. Remove them by these names (state: absent)."


# The table ----------------------------------------------------------------------------------------------------------------


def _set(parameter: str) -> Set:
    return Set("Set-NetFirewallRule", parameter)


_ANY_LIST: t.Final = [ANY]
_DIRECTION: t.Final = Known({"in": "Inbound", "out": "Outbound"})
_ACTION: t.Final = Known({"allow": "Allow", "block": "Block"})
_NO_MOVE: t.Final = never(
    "Windows cannot move a rule to another group. Remove the rule (state: absent), and make it again."
)

KIND: t.Final = Kind(
    name=NAME,
    noun="firewall rule",
    identity=Identity("name", fault=_name_fault),
    properties=(
        Property("display_name", RuleText(), RULES["Name"], _set("NewDisplayName"), new="DisplayName"),
        Property("description", RuleText(), RULES["Desc"], _set("Description"), new="Description", fresh=""),
        Property("group", RuleText(), RULES["EmbedCtxt"], change=_NO_MOVE, new="Group"),
        Property("direction", _DIRECTION, RULES["Dir"], _set("Direction"), new="Direction", fresh="in"),
        Property("action", _ACTION, RULES["Action"], _set("Action"), new="Action", fresh="allow"),
        Property("protocol", PROTOCOL, RULES["Protocol"], _set("Protocol"), new="Protocol", fresh=ANY),
        Property("local_addresses", ADDRESSES, RULES["LA"], _set("LocalAddress"), new="LocalAddress", fresh=_ANY_LIST),
        Property("remote_addresses", ADDRESSES, RULES["RA"], _set("RemoteAddress"), new="RemoteAddress", fresh=_ANY_LIST),
        Property("local_ports", PORTS, RULES["LPort"], _set("LocalPort"), new="LocalPort", fresh=_ANY_LIST),
        Property("remote_ports", PORTS, RULES["RPort"], _set("RemotePort"), new="RemotePort", fresh=_ANY_LIST),
        Property("profiles", PROFILES, RULES["Profile"], _set("Profile"), new="Profile", fresh=_ANY_LIST),
        Property("interface_types", INTERFACE_TYPES, RULES["IFType"], _set("InterfaceType"), new="InterfaceType", fresh=_ANY_LIST),
        Property("program", AnyText(), RULES["App"], _set("Program"), new="Program", fresh=ANY),
        Property("service", AnyText(), RULES["Svc"], _set("Service"), new="Service", fresh=ANY),
        Property("enabled", Enabled(), RULES["Active"], _set("Enabled"), new="Enabled", fresh=True),
        # Last: it makes the rule anew, with all that the others have set.
        Property("other_conditions", Conditions(), RULES["Conditions"], By(_made_anew), _can_be_made, fresh=[]),
    ),
    gathers=(RULES,),
    asks=_asks,
    read=lambda state: rules_of(state, RULES),
    plan=_plan,
    creates=New("New-NetFirewallRule", "Name"),
    removes=_removal,
    refuses=(_wildcards, _ports_without_protocol),
    warns=(_forbidden, _doubles),
)  # fmt: skip

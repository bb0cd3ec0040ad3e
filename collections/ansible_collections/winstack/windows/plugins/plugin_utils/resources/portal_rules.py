# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules for the portals of iSCSI Target Server: one for each, beside the one that the feature brings."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question, State, Thing, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import firewall_rule
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.addresses import plain
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.firewall_rule import (
    GROUP,
    POLICY,
    RULES,
    rules_like,
    rules_of,
    wish_for_rule,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import (
    SERVICE,
    target_server,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.portals import PORT, Portal

PREFIX: t.Final = f"{GROUP} iSCSI portal "
# The feature's own rule lets in TCP 3260 at every address. What people see of it is localised, its name is not.
BUILTIN: t.Final = "iSCSITarget-Service-iSCSI-In-TCP"
SERVER_RULES: t.Final = rules_like("firewall_rules of WinTarget", f"Svc={SERVICE}", BUILTIN)
_DISABLED: t.Final = wish_for_rule("", BUILTIN, {"enabled": False})


def questions(wish: Wish) -> Iterator[Question]:
    """Return the questions that the words firewall and builtin_firewall_rule of a wish need."""
    if wish.words.get("firewall") is not None:
        yield from (RULES, POLICY, SERVER_RULES)
    if wish.words.get("builtin_firewall_rule") == "disable":
        yield from (RULES, SERVER_RULES, *firewall_rule.KIND.asks(_DISABLED))


def wishes(state: State, place: str, portals: Sequence[Portal]) -> Iterator[Wish]:
    """Return the wishes for one rule for each portal, and for none of ours for anything else."""
    wanted = [_wish(place, portal) for portal in portals]
    names = {wish.name for wish in wanted}
    stale = list(_stale(state, wanted))
    doubles = [rule for rule in stale if rule.values["display_name"] in names]
    # What opens a portal comes before what closes one. Of two rules that are called the same one goes first.
    for rule in doubles:
        yield _gone(place, rule)
    yield from wanted
    for rule in stale:
        if rule not in doubles:
            yield _gone(place, rule)


def _wish(place: str, portal: Portal) -> Wish:
    """Return the wish for the rule of a portal: nothing but its address and port is let through, from anywhere."""
    name = f"{PREFIX}{plain(portal.address)}:{portal.port}"
    anything: dict[str, Json] = dict.fromkeys(
        ("remote_addresses", "remote_ports", "profiles", "interface_types"), ["any"]
    )
    values: dict[str, Json] = {
        "display_name": name,
        "description": "Initiators reach the iSCSI target server at this address. Kept by Winstack.",
        **{"group": GROUP, "enabled": True, "direction": "in", "action": "allow", "protocol": "tcp"},
        **{"local_addresses": [plain(portal.address)], "local_ports": [str(portal.port)], **anything},
        **{"program": "any", "service": "any", "other_conditions": []},
    }
    return wish_for_rule(place, name, values)


def _stale(state: State, wanted: Sequence[Wish]) -> Iterator[Thing]:
    kept = {rule.key for wish in wanted if (rule := firewall_rule.find(state, wish))}
    for rule in state.table(firewall_rule.NAME).values():
        ours = rule.values.get("group") == GROUP and str(rule.values["display_name"]).startswith(PREFIX)
        if ours and rule.key not in kept:
            yield rule


def _gone(place: str, rule: Thing) -> Wish:
    return wish_for_rule(place, rule.name, {"group": GROUP}, absent=True)


# The feature's own rule ---------------------------------------------------------------------------------------------------


def builtin_rules(state: State) -> list[Thing]:
    """Return the rules of the feature that let initiators in; of one that an earlier step installs too."""
    if target_server(state).new:
        values = {row.option: row.fresh for row in firewall_rule.KIND.properties}
        return [Thing(BUILTIN.lower(), BUILTIN, {**values, "display_name": BUILTIN, "protocol": "tcp"})]
    return [rule for rule in rules_of(state, SERVER_RULES) if _lets_initiators_in(rule)]


def _lets_initiators_in(rule: Thing) -> bool:
    ports = t.cast("Sequence[str]", rule.values.get("local_ports") or ())
    allows = (rule.values.get("direction"), rule.values.get("action")) == ("in", "allow")
    return allows and rule.values.get("group") != GROUP and bool({"any", str(PORT)}.intersection(ports))


def builtin_disabled(state: State, place: str) -> Iterator[Wish]:
    """Return the wishes that disable the feature's own rules."""
    for rule in builtin_rules(state):
        if target_server(state).new:
            state.foretell(firewall_rule.NAME, rule.key, rule)
        yield wish_for_rule(place, rule.name, {"enabled": False})

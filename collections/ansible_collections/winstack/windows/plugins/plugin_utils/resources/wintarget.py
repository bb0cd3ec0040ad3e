# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iSCSI Target Server (the service WinTarget) itself: on which addresses and ports it listens, and who may reach them.

Windows has one portal for each address of the host. Portals cannot be made or removed, only set.
https://learn.microsoft.com/powershell/module/iscsitarget/set-iscsitargetserversetting
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    Difference,
    Kind,
    Property,
    Question,
    State,
    Step,
    Thing,
    Wish,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import settled, unchanged
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    listed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import portal_rules
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.addresses import (
    ADDRESSES,
    addresses,
    is_link_local,
    plain,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import (
    CLUSTER,
    SERVICE,
    TARGETS,
    form,
    target_server,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.portal_effects import (
    WT_PORTALS,
    running_out,
    silent,
    unusable,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.portals import (
    PORTALS,
    Portal,
    goal,
    impossible,
    listed_portals,
    portals_of,
    read_portal,
)

SETTING: t.Final = Question(
    "iscsi_target_server_setting",
    Call("Get-IscsiTargetServerSetting", {}, ("Version", ("Portals", "", "Enabled", "IPEndpoint"))),
    f"Look at the service {SERVICE} and at its events on the host.",
)


def _asks(wish: Wish) -> Iterator[Question]:
    if wish.values.get("portals"):
        yield from (TARGETS, CLUSTER)
    yield from portal_rules.questions(wish)


# The server ---------------------------------------------------------------------------------------------------------------


def _read(state: State) -> Iterator[Thing]:
    rows = [item for row in state.rows(SETTING) for item in row.get("Portals") or []]
    portals = listed_portals(_portal(row) for row in rows)
    versions = [str(row["Version"]) for row in state.rows(SETTING)]
    yield Thing(
        "",
        "",
        {"portals": portals},
        {"version": next(iter(versions), None), "addresses": [*addresses(state)]},
    )


def _portal(row: t.Any) -> Portal:
    portal = read_portal(row) if isinstance(row, dict) else None
    if portal is None:
        raise HostError(
            f"Get-IscsiTargetServerSetting listed a portal that is {form(row)}, where +10.0.0.5:3260 was expected. Please report this."
        )
    return portal


def _fresh(state: State) -> Iterator[Thing]:
    """Return the server as the feature brings it: a portal for each address."""
    portals = [Portal(address, enabled=not is_link_local(address)) for address in addresses(state)]
    yield Thing("", "", {"portals": listed_portals(portals)}, {"addresses": [*addresses(state)]})


# Planning -----------------------------------------------------------------------------------------------------------------


def _wanted(case: Case) -> list[Portal]:
    return portals_of(case.wanted("portals"))


def _has(case: Case) -> list[Portal]:
    return portals_of(case.has("portals"))


def _goal(case: Case) -> list[Portal]:
    return goal(_has(case), _wanted(case), exclusive=bool(case.word("exclusive_portals")))


def _changing(case: Case) -> list[tuple[Portal, Portal]]:
    """Return the portals that change, as they are and as they have to become; what opens one comes first."""
    pairs = [(have, want) for have, want in zip(_has(case), _goal(case), strict=True) if have != want]
    return sorted(pairs, key=lambda pair: not pair[1].enabled)


def _missing(case: Case) -> list[Portal]:
    return [want for want in _wanted(case) if not any(want.is_at(have) for have in _has(case))]


def _plan(case: Case) -> Change:
    if case.have is None:
        raise HostError("it is not known what the server has. Give have, as state gathered returns it.")
    pairs = _changing(case)
    if not pairs and not _missing(case):
        return unchanged(case, case.have)
    have, want = (listed_portals(pair[side] for pair in pairs) for side in (0, 1))
    after = replace(case.have, values={"portals": listed_portals(_goal(case))})
    steps = tuple(Step(_call(*pair)) for pair in pairs)
    return settled(case, Change(case.wish, case.have, after, steps, (Difference("portals", have, want),)), [])


def _call(have: Portal, want: Portal) -> Call:
    params: dict[str, ParamValue] = {"IP": have.address}
    if want.port != have.port:
        params["Port"] = want.port
    if want.enabled != have.enabled:
        params["Enable"] = want.enabled
    return change("Set-IscsiTargetServerSetting", **params)


def _implies(case: Case) -> Iterator[Wish]:
    if case.word("firewall") is not None:
        portals = [portal for portal in _wanted(case) if portal.enabled and case.word("firewall")]
        yield from portal_rules.wishes(case.state, case.wish.place, portals)
    if case.word("builtin_firewall_rule") == "disable":
        yield from portal_rules.builtin_disabled(case.state, case.wish.place)


# Sentences ----------------------------------------------------------------------------------------------------------------


def _checks(wish: Wish) -> Iterator[str]:
    portals = portals_of(wish.values.get("portals"))
    yield from impossible(portals)
    if wish.words.get("disable_remote_management"):
        yield (
            "disable_remote_management: iSCSI Target Server would refuse every logon over the network, this one too, and no later "
            "run could come back. Set it at the console of the host if you must."
        )
    if wish.words.get("exclusive_portals") and not any(portal.enabled for portal in portals):
        yield "exclusive_portals: no portal is enabled in portals, so that the server would listen nowhere. List those to keep."


def _closes_all(case: Case) -> Iterator[str]:
    before = [portal for portal in _has(case) if portal.enabled and not portal.link_local]
    if (
        before
        and not _missing(case)
        and not any(portal.enabled for portal in _goal(case) if portal not in _left_alone(case))
    ):
        yield "no portal would stay enabled, so that the server would listen nowhere. Enable one in portals."


def _in_a_cluster(case: Case) -> Iterator[str]:
    """Addresses of a clustered role move between the nodes, and their portals with them."""
    node = _changing(case) and case.state.find("windows_service", "clussvc")
    if node and (rows := case.state.rows(CLUSTER)):
        yield (
            f"the host is a node of the failover cluster {rows[0].get('ClusterName') or ''}, which moves addresses and portals. "
            "Set portals through the cluster, and leave them out of the document."
        )


def _not_on_host(case: Case) -> Iterator[str]:
    known = t.cast(Sequence[str], case.have.facts.get("addresses") or ()) if case.have else ()
    for portal in _missing(case):
        if plain(portal.address) in map(plain, known):
            yield (
                f"Portal address {portal.address} is on this host, but iSCSI Target Server has not taken it up. Restart the service "
                f"{SERVICE}."
            )
            continue
        have = listed([item.address for item in _has(case)])
        yield (
            f"Portal address {portal.address} is not on this host (it has {have}). Correct portals, or give the host the address "
            "first; one that a cluster moves may be on another node now."
        )


def _left_alone(case: Case) -> list[Portal]:
    """Return the enabled link-local portals that ``exclusive_portals`` does not close."""
    unlisted = (item for item in _has(case) if not any(want.is_at(item) for want in _wanted(case)))
    return [item for item in unlisted if item.enabled and item.link_local]


def _link_local(case: Case) -> Iterator[str]:
    left = listed([portal.end for portal in _left_alone(case)])
    if case.word("exclusive_portals") and _left_alone(case):
        yield (
            f"portal {left} stays enabled: exclusive_portals leaves link-local addresses alone, which hosts give themselves. List "
            "them with enabled: false to close them."
        )
    opened = [
        want.end for have, want in _changing(case) if want.enabled and not have.enabled and want.link_local
    ]
    if opened:
        yield (
            f"portal {listed(opened)} has a link-local address, where Windows was seen to refuse portals (0xEFFF0003). Use an address "
            "that was given to the host."
        )


def _cut_off(case: Case) -> Iterator[str]:
    pairs = [(have, want) for have, want in _changing(case) if have.enabled]
    ends = [f"{have.end} {'moves' if want.enabled else 'closes'}" for have, want in pairs]
    connected = _connected(case.state) if ends else []
    if connected:
        yield (
            f"portal {listed(ends)}: initiators that came by it are cut off. Connected now are those of target {listed(connected)}."
        )


def _connected(state: State) -> list[str]:
    """Return the names of the targets with sessions; none where the server does not tell, as before it is installed."""
    if target_server(state).new:
        return []
    try:
        rows = state.rows(TARGETS)
    except HostError:
        return []
    return [str(row.get("TargetName")) for row in rows if row.get("Sessions")]


def _moot(case: Case) -> Iterator[str]:
    """The feature's own rule opens what the rules of the portals narrow."""
    if not case.word("firewall") or case.word("builtin_firewall_rule") == "disable":
        return
    names = [rule.name for rule in portal_rules.builtin_rules(case.state) if rule.values.get("enabled")]
    if names:
        yield (
            f"firewall rule {listed(names)} of the feature lets initiators in at every address, whatever portals says. Set "
            "builtin_firewall_rule: disable."
        )


def _open(case: Case) -> list[Portal]:
    """Return the portals that are wanted open, as the host has them."""
    return [have for have in _goal(case) if have.enabled and any(want.is_at(have) for want in _wanted(case))]


def _running_out(case: Case) -> Iterator[str]:
    return running_out(case.state, _open(case))


def _unusable(case: Case) -> Iterator[str]:
    return unusable(case.state, _open(case))


def _silent(case: Case) -> Iterator[str]:
    if case.have is not None and not case.have.predicted:
        yield from silent(case.state, _open(case))


# The table ----------------------------------------------------------------------------------------------------------------

KIND: t.Final = Kind(
    name="wintarget",
    noun="iSCSI target server",
    identity=None,
    # Set by Set-IscsiTargetServerSetting -IP, with -Port and -Enable as far as they differ, one call a portal (_plan).
    properties=(Property("portals", PORTALS, SETTING["Portals"]),),
    options=(
        Word("exclusive_portals", Flag(), default=False),
        Word("firewall", Flag()),
        Word("builtin_firewall_rule", Choice({"keep": "keep", "disable": "disable"}), default="keep"),
        Word("disable_remote_management", Flag()),
    ),
    gathers=(SETTING, WT_PORTALS, ADDRESSES),
    consults=("windows_feature", "windows_service"),
    asks=_asks,
    available=target_server,
    read=_read,
    fresh=_fresh,
    checks=_checks,
    plan=_plan,
    refuses=(_closes_all, _in_a_cluster),
    needs=(_not_on_host,),
    warns=(_link_local, _cut_off, _moot, _running_out),
    ineffective=(_silent, _unusable),
    implies=_implies,
)

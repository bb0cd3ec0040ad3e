# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether portals that are enabled are in effect: whether the server listens there, and whether the address can be used."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import cim
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question, State
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import listed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.addresses import addresses, plain
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import SERVICE
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.portals import Portal

# Programs that manage the server ask WMI, not the cmdlets, where it listens:
# https://opendev.org/openstack/os-win os_win/utils/storage/target/iscsi_target_utils.py
WT_PORTALS: t.Final = Question(
    "wt_portals", cim("WT_Portal", "Address", "Port", "Listen", Namespace="root/wmi")
)

_EVENTS: t.Final = f"look at the events of {SERVICE}"
# AddressState of Get-NetIPAddress, https://learn.microsoft.com/windows/win32/api/nldef/ne-nldef-nl_dad_state
_UNUSABLE: t.Final = {
    "duplicate": "another machine has it too, which initiators may reach instead. Give one of them another address.",
    "tentative": "Windows still looks whether another machine has it. Try again, and look at the network card.",
    "invalid": "Windows does not use it. Look at the network card.",
}
_RUNNING_OUT: t.Final = {
    "deprecated": "new connections do not use it any more. Give the host a lasting address."
}


def silent(state: State, wanted: Sequence[Portal]) -> Iterator[str]:
    """Return what keeps initiators, and programs that ask WMI, from the enabled portals that are wanted.

    A program that manages the server ends if it cannot read the class, if nothing listens, or if none of its portals does.
    """
    if not state.told(WT_PORTALS):
        return
    try:
        ends = _listening(state)
    except HostError as error:
        yield f"WMI class WT_Portal cannot be read, so that programs which ask it find no iSCSI target server. {error}"
        return
    deaf = [portal for portal in wanted if (plain(portal.address), portal.port) not in ends]
    if not ends:
        yield f"no portal listens, so that no initiator can connect. Enable one in portals, and {_EVENTS}."
    elif deaf:
        which = (
            "none of the wanted portals listens"
            if len(deaf) == len(wanted)
            else "an enabled portal does not listen"
        )
        heard = listed([Portal(address, port).end for address, port in sorted(ends)])
        yield f"{which}: {listed([portal.end for portal in deaf])} (listening are {heard}). Restart the service, and {_EVENTS}."


def _listening(state: State) -> set[tuple[str, int]]:
    """Return address and port of what listens. Where WMI says null, nobody who asks it would take it for listening."""
    rows = state.rows(WT_PORTALS)
    return {
        (plain(str(row["Address"])), int(row["Port"]))
        for row in rows
        if row.get("Listen") and row.get("Port")
    }


def unusable(state: State, portals: Sequence[Portal]) -> Iterator[str]:
    """Return a sentence for every portal whose address Windows does not use, or not alone."""
    return _in_state(state, portals, _UNUSABLE)


def running_out(state: State, portals: Sequence[Portal]) -> Iterator[str]:
    """Return a sentence for every portal whose address will not last."""
    return _in_state(state, portals, _RUNNING_OUT)


def _in_state(state: State, portals: Sequence[Portal], told: dict[str, str]) -> Iterator[str]:
    known = {plain(address): name.lower() for address, name in addresses(state).items()} if portals else {}
    for portal in portals:
        name = known.get(plain(portal.address), "")
        if name in told:
            yield f"Portal address {portal.address} is {name}: {told[name]}"

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host is, written as a document that plans to nothing on it; and a host that is only told. PRIVATE to the collections."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import OS
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    READY,
    Availability,
    Kind,
    Question,
    Row,
    Settings,
    State,
    Thing,
    Wish,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.state import HostState, Kinds
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json

Options = dict[str, Json]

# Win32_OperatingSystem.ProductType: https://learn.microsoft.com/windows/win32/cimwin32prov/win32-operatingsystem
PRODUCT_TYPES: t.Final = {1: "workstation", 2: "domain_controller", 3: "server"}


def options_of(kind: Kind, thing: Thing) -> Options:
    """Return an object as the options that wish for it; what the host does not show is left out."""
    identity: Options = {} if kind.identity is None else kind.identity.of(thing)
    shown = {row.option: row.type.show(thing.values.get(row.option)) for row in kind.properties if row.shown}
    return identity | {option: value for option, value in shown.items() if value is not None}


def objects_of(kind: Kind, state: State) -> list[dict[str, t.Any]]:
    """Return every object of a kind: kind, key, options, facts, and the pattern that protects it, or null."""
    return [
        {
            "kind": kind.name,
            "key": thing.name,
            "options": options_of(kind, thing),
            "facts": dict(thing.facts),
            "protected": kind.protects(thing, state),
        }
        for thing in state.table(kind.name).values()
        if kind.listed(thing)
    ]


def host_of(state: State) -> dict[str, t.Any]:
    """Return what a report says of the host itself."""
    system, computer = state.rows(OS)[0], state.computer
    return {
        "computer": computer["Name"],
        "domain": computer["Domain"] if computer["PartOfDomain"] else None,
        "release": state.release,
        "system": system["Caption"],
        "version": system["Version"],
        "product": PRODUCT_TYPES.get(int(system["ProductType"]), "unknown"),
        "started": system["LastBootUpTime"],
        "clock_offset_seconds": state.settings.clock_offset,
        "clock_uncertainty_seconds": state.settings.clock_uncertainty,
    }


class ToldState(HostState):
    """A host of which only a document is known: what is not in it is not there, and nothing can be asked."""

    def __init__(
        self, kinds: Kinds, wishes: Sequence[Wish], told: Iterable[Wish], settings: Settings
    ) -> None:
        """Take what is wished, and what the host has, as wishes of a document."""
        super().__init__(kinds, {}, wishes, settings)
        self._tables = {name: {} for name in kinds}
        for wish in told:
            self._tables[wish.kind.name][wish.key] = Thing(wish.key, wish.name, _all_rows(wish), {})

    def rows(self, question: Question) -> list[Row]:
        """Return nothing: nobody can be asked."""
        return []

    def available(self, kind: Kind) -> Availability:
        """Return that the kind can be planned."""
        return READY

    @property
    def computer(self) -> Row:
        """A server in a workgroup."""
        return {"Name": "", "PartOfDomain": False, "Domain": "", "DomainRole": 2}

    def path(self, path: str) -> str:
        """Return that nobody knows."""
        return "unknown"


def _all_rows(wish: Wish) -> Mapping[str, Json]:
    return {row.option: row.fresh for row in wish.kind.properties if row.shown} | dict(wish.values)

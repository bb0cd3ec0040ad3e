# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Portals: where iSCSI Target Server listens. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, Nested
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.addresses import (
    is_link_local,
    parsed,
    plain,
    zone,
)

PORT: t.Final = 3260
_MAX_PORT: t.Final = 65535


@dataclass(frozen=True)
class Portal:
    """An address of the host, as Windows writes it, with the port and whether the server is to listen there."""

    address: str
    port: int = PORT
    enabled: bool = True

    @property
    def end(self) -> str:
        """The address and port as people write them, as in ``[fd00::5]:3260``."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"

    @property
    def link_local(self) -> bool:
        """Whether the address is one that the host gave itself."""
        return is_link_local(self.address)

    def is_at(self, other: Portal) -> bool:
        """Return whether both have one address; a zone counts where both have one."""
        zones = {zone(self.address), zone(other.address)} - {""}
        return plain(self.address) == plain(other.address) and len(zones) < 2

    def as_dict(self) -> dict[str, Json]:
        """Return the portal as a document has it."""
        return {"address": self.address, "port": self.port, "enabled": self.enabled}


class Portals(Nested):
    """A list of portals, in the order of their addresses."""

    def parse(self, given: t.Any) -> Json:
        """Return the portals. Raise WantError for what is no address."""
        if wrong := [str(item["address"]) for item in given if parsed(str(item["address"])) is None]:
            raise WantError(f"{wrong[0]!r} is not an IP address.")
        return listed_portals(_wanted(item) for item in given)

    def words(self, value: Json) -> str:
        """Return the portals as in ``10.0.0.5:3260 enabled``."""
        shown = (f"{item.end} {'enabled' if item.enabled else 'disabled'}" for item in portals_of(value))
        return ", ".join(shown) or "nothing"


PORTALS: t.Final = Portals(
    {
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "default": PORT},
        "enabled": {"type": "bool", "default": True},
    }
)


def _wanted(item: Mapping[str, t.Any]) -> Portal:
    address = str(item["address"])
    text = plain(address) + (f"%{zone(address)}" if zone(address) else "")
    return Portal(text, int(item["port"]), bool(item["enabled"]))


def portals_of(value: Json) -> list[Portal]:
    """Return the portals of a value."""
    return [Portal(**item) for item in t.cast("Sequence[Mapping[str, t.Any]]", value or ())]


def listed_portals(portals: Iterable[Portal]) -> list[Json]:
    """Return portals as a value."""
    return [portal.as_dict() for portal in sorted(portals, key=lambda portal: (portal.address, portal.port))]


def read_portal(row: Mapping[str, t.Any]) -> Portal | None:
    """Return a portal, whose text is ``+10.0.0.5:3260`` or ``-[fe80::1%4]:3260``; None for another form.

    The sign says whether it is enabled, which older releases tell in no other way.
    """
    text = str(row.get("") or "")
    host, _colon, port = str(row.get("IPEndpoint") or text.lstrip("+-")).rpartition(":")
    address, enabled = host.strip("[]"), row.get("Enabled")
    if parsed(address) is None or not port.isdecimal():
        return None
    return Portal(address, int(port), text.startswith("+") if enabled is None else bool(enabled))


def impossible(portals: Sequence[Portal]) -> Iterator[str]:
    """Return a sentence for everything that no host can have."""
    for portal in portals:
        address = parsed(portal.address)
        if address is None:
            continue
        if address.is_unspecified or address.is_loopback or address.is_multicast:
            yield (
                f"portals: {portal.address} cannot be a portal. Windows has one for each address of the host: list these."
            )
        if not 1 <= portal.port <= _MAX_PORT:
            yield f"portals: invalid port {portal.port} of {portal.address}. Give one from 1 to {_MAX_PORT}."
    for number, portal in enumerate(portals):
        if any(portal.is_at(other) for other in portals[:number]):
            yield f"portals: {portal.address} is given twice. An address has one portal with one port: leave one of them."


def goal(have: Sequence[Portal], wanted: Sequence[Portal], *, exclusive: bool) -> list[Portal]:
    """Return what the portals of a host have to become.

    The port of a portal that is disabled does not matter, and is left. Link-local addresses are left by ``exclusive``.
    """
    return [_become(portal, wanted, exclusive) for portal in have]


def _become(portal: Portal, wanted: Sequence[Portal], exclusive: bool) -> Portal:
    want = next((item for item in wanted if item.is_at(portal)), None)
    if want is not None:
        return Portal(portal.address, want.port if want.enabled else portal.port, want.enabled)
    closed = exclusive and not portal.link_local
    return Portal(portal.address, portal.port, portal.enabled and not closed)

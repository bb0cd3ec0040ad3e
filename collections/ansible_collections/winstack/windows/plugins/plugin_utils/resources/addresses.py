# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP addresses of a host. PRIVATE to the winstack collections."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question, State

ADDRESSES: t.Final = Question(
    "addresses",
    Call("Get-NetIPAddress", {}, ("IPAddress", "AddressState")),
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def plain(text: str) -> str:
    """Return an address in the form that is compared: its shortest spelling, without a zone. Other text stays as it is."""
    address = parsed(text)
    return text if address is None else str(address)


def zone(text: str) -> str:
    """Return the zone of an address, as the 4 of ``fe80::1%4``; empty where it has none."""
    return text.partition("%")[2]


def parsed(text: str) -> Address | None:
    """Return the address that a text is, without its zone; None if it is none."""
    try:
        return ipaddress.ip_address(text.partition("%")[0].strip())
    except ValueError:
        return None


def is_link_local(text: str) -> bool:
    """Return whether an address is one of 169.254.0.0/16 or fe80::/10, which a host gives itself."""
    address = parsed(text)
    return address is not None and address.is_link_local


def addresses(state: State) -> dict[str, str]:
    """Return AddressState by address, as Windows prints it, without those of the loopback interface."""
    return {text: str(row["AddressState"]) for text, row in _rows(state)}


def _rows(state: State) -> Iterator[tuple[str, Mapping[str, t.Any]]]:
    for row in state.rows(ADDRESSES):
        address = parsed(str(row["IPAddress"]))
        if address is not None and not address.is_loopback:
            yield str(row["IPAddress"]), row

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network adapters and addresses of a simulated host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from winsim.checks import check_keys, one_of


@dataclass
class Address:
    """An IP address as Get-NetIPAddress lists it. ``family`` is IPv4 or IPv6, ``state`` its AddressState."""

    interface_index: int
    interface_alias: str
    address: str
    prefix_length: int
    family: str
    state: str = "Preferred"


# Win32: IP_DAD_STATE, https://learn.microsoft.com/windows/win32/api/nldef/ne-nldef-nl_dad_state
STATES = ("Invalid", "Tentative", "Duplicate", "Deprecated", "Preferred")


@dataclass
class Adapter:
    """A network adapter. ``mac`` is written with dashes, as Windows prints it."""

    index: int
    name: str
    description: str = "Microsoft Hyper-V Network Adapter"
    mac: str = "00-15-5D-00-00-01"
    speed: int = 10_000_000_000
    gateway: str | None = None
    dns_servers: list[str] = field(default_factory=list)
    mtu: int = 1500
    connected: bool = True


class Network:
    """All adapters with their addresses; the loopback interface has index 1."""

    LOOPBACK = "Loopback Pseudo-Interface 1"

    def __init__(self) -> None:
        self.adapters: list[Adapter] = []
        self.addresses: list[Address] = [
            Address(1, self.LOOPBACK, "127.0.0.1", 8, "IPv4"),
            Address(1, self.LOOPBACK, "::1", 128, "IPv6"),
        ]

    def adapter(self, name: str) -> Adapter | None:
        """An adapter by its alias (case-insensitive)."""
        return next((a for a in self.adapters if a.name.lower() == name.lower()), None)

    def ensure_adapter(self, name: str) -> Adapter:
        """The adapter of that alias, made if needed."""
        found = self.adapter(name)
        if found is None:
            number = len(self.adapters) + 1
            description = "Microsoft Hyper-V Network Adapter" + (f" #{number}" if number > 1 else "")
            found = Adapter(number * 2 + 2, name, description, f"00-15-5D-00-00-{number:02X}")
            self.adapters.append(found)
        return found

    def add_address(self, text: str, interface: str = "Ethernet", state: str = "Preferred") -> Address:
        """Give an adapter an address written ``10.0.0.5/24``; ValueError if it is none, or for an unknown state.

        A link-local IPv6 address is shown with the index of its interface (``fe80::1%4``), as Windows prints it.
        """
        parsed = ipaddress.ip_interface(text)
        one_of(f"address {text}: state", state, STATES)
        adapter = self.ensure_adapter(interface)
        zone = f"%{adapter.index}" if parsed.version == 6 and parsed.is_link_local else ""
        address = Address(
            adapter.index,
            adapter.name,
            f"{parsed.ip}{zone}",
            parsed.network.prefixlen,
            f"IPv{parsed.version}",
            state,
        )
        self.addresses.append(address)
        return address

    def load(self, entries: Iterable[str | Mapping[str, Any]]) -> None:
        """Addresses of the hosts' YAML: text, or a mapping with address, interface and state."""
        for entry in entries:
            if isinstance(entry, str):
                self.add_address(entry)
            else:
                check_keys("address", entry, ("address", "interface", "state"))
                self.add_address(
                    str(entry["address"]),
                    str(entry.get("interface", "Ethernet")),
                    str(entry.get("state", "Preferred")),
                )

    def has(self, text: str) -> bool:
        """Whether the host has that IP address."""
        wanted = ipaddress.ip_address(text.partition("%")[0])
        return any(ipaddress.ip_address(a.address.partition("%")[0]) == wanted for a in self.addresses)

    def external(self) -> list[Address]:
        """Addresses without the loopback ones."""
        return [a for a in self.addresses if a.interface_index != 1]

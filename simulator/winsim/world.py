# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a simulation: hosts loaded from YAML, with what the wire needs to know of each."""

from __future__ import annotations

import copy
import ipaddress
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from winsim.faults import HostFaults

if TYPE_CHECKING:
    from winsim.host import Host

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
# Keys of a host that concern its WinRM listener, not the machine behind it.
_WIRE_KEYS = ("listen", "winrm")
_WINRM_DEFAULTS: dict[str, Any] = {
    # Defaults of winrm/config/winrs and winrm/config/service since Windows Server 2012
    # https://learn.microsoft.com/windows/win32/winrm/installation-and-configuration-for-windows-remote-management
    "max_shells": 30,
    "max_operations": 1500,
    "auth": ["basic", "negotiate"],
    "transport": None,
    "reboot_seconds": 0.0,
}


class BadWorld(ValueError):
    """A hosts file that cannot be used; the text names file, host and key."""


@dataclass
class WinRMSettings:
    """The ``winrm:`` mapping of a host. ``reboot_seconds``: how long it is away in a reboot (0 = not at all)."""

    max_shells: int
    max_operations: int
    auth: tuple[str, ...]
    transport: str | None
    reboot_seconds: float


@dataclass
class Machine:
    """A simulated host and its listener. ``lock`` guards ``host``; whoever runs something on it holds the lock."""

    name: str
    mapping: dict[str, Any] = field(repr=False)
    host: Host = field(repr=False)
    winrm: WinRMSettings
    listen: str | None = None
    faults: HostFaults = field(default_factory=HostFaults)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    away_until: float = 0.0
    generation: int = 0

    @property
    def reachable(self) -> bool:
        """Whether a connection can be made now."""
        return not self.faults.down and time.monotonic() >= self.away_until

    @property
    def users(self) -> dict[str, str]:
        """Accounts that may log on: name -> password."""
        users: dict[str, str] = self.host.users
        return users

    def account(self, given: str) -> str | None:
        """The local name of an account written as ``name``, ``.\\name``, ``HOST\\name``, ``DOMAIN\\name`` or a UPN."""
        domain, _, name = given.rpartition("\\")
        if not domain and "@" in given:
            name, _, domain = given.rpartition("@")
        if domain.lower() not in self._domains():
            return None
        return next((user for user in self.users if user.lower() == name.lower()), None)

    def _domains(self) -> set[str]:
        domains = {"", ".", "localhost", str(self.host.name).lower()}
        if self.host.domain:
            domains |= {str(self.host.domain).lower(), str(self.host.domain).split(".")[0].lower()}
        return domains


HostFactory = Callable[[str, dict[str, Any]], Any]


def _model_host(name: str, mapping: dict[str, Any]) -> Any:
    from winsim.host import Host

    return Host.from_config(name, mapping)


class World:
    """All machines by the name that their URL has."""

    def __init__(self, hosts: dict[str, dict[str, Any]], factory: HostFactory = _model_host) -> None:
        self._factory = factory
        self.machines: dict[str, Machine] = {}
        for name, mapping in hosts.items():
            self.machines[name] = self._machine(str(name), mapping or {})
        self._check_addresses()

    @classmethod
    def load(cls, path: Path, factory: HostFactory = _model_host) -> World:
        """Read a hosts file. Raises BadWorld."""
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise BadWorld(f"{path}: {error}") from error
        hosts = document.get("hosts") if isinstance(document, dict) else None
        if not isinstance(hosts, dict) or not hosts:
            raise BadWorld(f"{path}: a mapping `hosts` with at least one host is needed")
        return cls(hosts, factory)

    def _machine(self, name: str, mapping: dict[str, Any]) -> Machine:
        if not _NAME.match(name):
            raise BadWorld(
                f"host {name!r}: the name becomes part of a URL: letters, digits, dot, dash, underscore"
            )
        if not isinstance(mapping, dict):
            raise BadWorld(f"host {name}: not a mapping")
        return Machine(
            name=name,
            mapping=copy.deepcopy(mapping),
            host=self._host(name, mapping),
            winrm=_winrm_settings(name, mapping.get("winrm") or {}),
            listen=_listen(name, mapping.get("listen")),
        )

    def _host(self, name: str, mapping: dict[str, Any]) -> Any:
        own = {key: copy.deepcopy(value) for key, value in mapping.items() if key not in _WIRE_KEYS}
        try:
            return self._factory(name, own)
        except (ValueError, KeyError, TypeError) as error:
            raise BadWorld(f"host {name}: {type(error).__name__}: {error}") from error

    def _check_addresses(self) -> None:
        seen: dict[str, str] = {}
        for machine in self.machines.values():
            _attach_faults(machine)
            if machine.listen and machine.listen in seen:
                raise BadWorld(
                    f"host {machine.name}: listen {machine.listen} is also that of {seen[machine.listen]}"
                )
            if machine.listen:
                seen[machine.listen] = machine.name

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def by_address(self, address: str) -> Machine | None:
        """The machine whose own address this is."""
        return next((machine for machine in self.machines.values() if machine.listen == address), None)

    def reset(self, name: str | None = None) -> list[str]:
        """Make hosts anew as their YAML says, without faults; returns their names. KeyError: no such host."""
        names = [name] if name is not None else list(self.machines)
        for each in names:
            machine = self.machines[each]
            fresh = self._host(each, machine.mapping)
            with machine.lock:
                machine.faults.clear()
                machine.host = fresh
                _attach_faults(machine)
                machine.away_until = 0.0
                machine.generation += 1
        return names


def _attach_faults(machine: Machine) -> None:
    """Cmdlets ask their host for injected errors: ``host.faults.cmdlet_error(name)``."""
    host: Any = machine.host
    host.faults = machine.faults


def _winrm_settings(name: str, given: dict[str, Any]) -> WinRMSettings:
    unknown = set(given) - set(_WINRM_DEFAULTS)
    if unknown:
        raise BadWorld(f"host {name}: winrm does not know {', '.join(sorted(unknown))}")
    values = {**_WINRM_DEFAULTS, **given}
    if not set(values["auth"]) <= {"basic", "negotiate"} or not values["auth"]:
        raise BadWorld(f"host {name}: winrm.auth may hold basic and negotiate")
    if values["transport"] not in (None, "http", "https", "ntlm"):
        raise BadWorld(f"host {name}: winrm.transport must be http, https or ntlm")
    return WinRMSettings(
        max_shells=int(values["max_shells"]),
        max_operations=int(values["max_operations"]),
        auth=tuple(values["auth"]),
        transport=values["transport"],
        reboot_seconds=float(values["reboot_seconds"]),
    )


def _listen(name: str, given: Any) -> str | None:
    if given is None:
        return None
    try:
        address = ipaddress.ip_address(str(given))
    except ValueError as error:
        raise BadWorld(f"host {name}: listen: {error}") from error
    # A simulated host has well-known passwords: it must never be reachable from outside.
    if not address.is_loopback or str(address) == "127.0.0.1":
        raise BadWorld(f"host {name}: listen must be a loopback address of its own (127.x.y.z), not {given}")
    return str(address)

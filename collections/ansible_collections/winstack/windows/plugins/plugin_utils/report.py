# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host is, in a few words, from what was gathered of it. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import GIB
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError

# What a report asks for. The services tell whether the others can answer.
KINDS: t.Final = ("windows_service", "wintarget", "iscsi_virtual_disk", "iscsi_server_target", "ntp_client")
TARGET_SERVER: t.Final = "WinTarget"
TIME_SERVICE: t.Final = "W32Time"
ABSENT: t.Final = "absent"
RUNNING: t.Final = "running"
_STATES: t.Final = {"started": RUNNING}


class Found(t.TypedDict):
    """One object as engine.gathering.objects_of tells it; ``protected`` is the pattern that protects it."""

    kind: str
    key: str
    options: Mapping[str, t.Any]
    facts: Mapping[str, t.Any]
    protected: str | None


HostFacts = Mapping[str, t.Any]
"""What engine.gathering.host_of tells."""


@dataclass(frozen=True)
class Report:
    """What a host is. Numbers of disks and targets are None where the target server is stopped, and could not be asked."""

    computer: str
    system: str
    version: str
    started: str
    target_server: str
    portals: tuple[str, ...]
    disks: int | None
    disk_bytes: int | None
    protected_disks: int | None
    targets: int | None
    protected_targets: int | None
    time_from: str
    time_service: str
    clock_offset_seconds: float | None

    def as_dict(self) -> dict[str, t.Any]:
        """Return the report as plain data."""
        return asdict(self) | {"portals": list(self.portals)}

    def lines(self) -> list[str]:
        """Return the report as people read it, four lines at most."""
        started = self.started[:16].replace("T", " ")
        clock = "" if self.clock_offset_seconds is None else f"; clock {self.clock_offset_seconds:+.1f} s"
        return [
            f"{self.computer}, {self.system.removeprefix('Microsoft ')} ({self.version}), started {started}",
            f"iSCSI target server {self.target_server}{self._listens()}",
            *self._storage(),
            f"time service {self.time_service}, from {self.time_from}{clock}",
        ]

    def _listens(self) -> str:
        return (
            f", listens at {', '.join(self.portals) or 'no address'}" if self.target_server == RUNNING else ""
        )

    def _storage(self) -> list[str]:
        if self.target_server != RUNNING or self.disks is None or self.disk_bytes is None:
            return []
        size = f"{self.disk_bytes / GIB:,.0f} GB"
        return [
            f"{_count(self.disks, 'disk')} of {size} ({self.protected_disks} protected), "
            f"{_count(self.targets or 0, 'target')} ({self.protected_targets} protected)"
        ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def make_report(found: Sequence[Found], silent: Mapping[str, str], host: HostFacts) -> Report:
    """Return the report of a host from what was gathered of KINDS; ``silent`` says why kinds could not be.

    Raise HostError for a kind that should have answered: all of them, where the target server runs.
    """
    server, clock = _service(found, TARGET_SERVER), host["clock_offset_seconds"]
    if missing := [kind for kind in silent if server == RUNNING or kind in ("windows_service", "ntp_client")]:
        raise HostError("\n".join(silent[kind] for kind in missing))
    disks, targets = _of(found, "iscsi_virtual_disk"), _of(found, "iscsi_server_target")
    known = server in (RUNNING, ABSENT)
    return Report(
        computer=".".join(filter(None, [host["computer"], host["domain"]])),
        system=host["system"],
        version=host["version"],
        started=host["started"],
        target_server=server,
        portals=tuple(_listening(_of(found, "wintarget"))),
        disks=len(disks) if known else None,
        disk_bytes=sum(int(disk["options"].get("size") or 0) for disk in disks) if known else None,
        protected_disks=_protected(disks) if known else None,
        targets=len(targets) if known else None,
        protected_targets=_protected(targets) if known else None,
        time_from=_time_from(_of(found, "ntp_client")),
        time_service=_service(found, TIME_SERVICE),
        clock_offset_seconds=None if clock is None else round(clock, 3),
    )


def _of(found: Iterable[Found], kind: str) -> list[Found]:
    return [one for one in found if one["kind"] == kind]


def _protected(found: Iterable[Found]) -> int:
    return sum(one["protected"] is not None for one in found)


def _service(found: Iterable[Found], name: str) -> str:
    """Return the state of a service in Windows' words, in lower case; absent where there is none."""
    services = {one["key"].lower(): one for one in _of(found, "windows_service")}
    if (service := services.get(name.lower())) is None:
        return ABSENT
    state = str(service["options"].get("state"))
    return _STATES.get(state, state)


def _listening(servers: Iterable[Found]) -> list[str]:
    portals = [portal for server in servers for portal in server["options"].get("portals", ())]
    return [f"{portal['address']} port {portal['port']}" for portal in portals if portal["enabled"]]


def _time_from(clients: Iterable[Found]) -> str:
    """Return where the time comes from: peers, the domain, both, or nobody."""
    for client in clients:
        kind = client["options"].get("sync_type")
        peers = [peer["address"] for peer in client["options"].get("peers", ())]
        sources = ["its domain"] * (kind in ("domain", "all")) + peers * (kind in ("manual", "all"))
        return ", ".join(sources) or "nobody"
    return "nobody"

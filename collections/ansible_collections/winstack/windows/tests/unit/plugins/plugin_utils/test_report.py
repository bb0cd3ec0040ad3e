# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a host, from gathered objects in the form of engine.gathering."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.report import Found, Report, make_report

GB = 1024**3
HOST: dict[str, t.Any] = {
    "computer": "WIN-1",
    "domain": None,
    "release": "2022",
    "system": "Microsoft Windows Server 2022 Datacenter",
    "version": "10.0.20348",
    "product": "server",
    "started": "2026-01-02T03:04:05.0000000Z",
    "clock_offset_seconds": -0.25049,
    "clock_uncertainty_seconds": 0.1,
}
PORTALS = [
    {"address": "10.0.0.1", "port": 3260, "enabled": True},
    {"address": "10.0.0.2", "port": 3260, "enabled": False},
    {"address": "fd00::1", "port": 3261, "enabled": True},
]
CLIENT = {
    "sync_type": "manual",
    "peers": [{"address": "a.example", "flags": []}, {"address": "b", "flags": []}],
}


def one(kind: str, key: str = "", protected: str | None = None, **options: t.Any) -> Found:
    return {"kind": kind, "key": key, "options": options, "facts": {}, "protected": protected}


def found(server: str | None = "started", client: dict[str, t.Any] | None = None) -> list[Found]:
    """Return what is gathered of a server with two disks and two targets, one each of cinder-volume."""
    service = [] if server is None else [one("windows_service", "wintarget", state=server)]
    storage = [
        one("wintarget", portals=PORTALS),
        one("iscsi_virtual_disk", "D:\\a.vhdx", size=GB),
        one("iscsi_virtual_disk", "D:\\volume-1.vhdx", "volume-*", size=2 * GB),
        one("iscsi_virtual_disk", "D:\\odd.vhdx"),
        one("iscsi_server_target", "a"),
        one("iscsi_server_target", "iqn.2010-10.org.openstack:volume-1", "iqn.2010-10.org.openstack:*"),
    ]
    time = [
        one("windows_service", "W32Time", state="started"),
        one("ntp_client", **(CLIENT if client is None else client)),
    ]
    return [*service, *(storage if server == "started" else []), *time]


def report(found: list[Found], silent: dict[str, str] | None = None, **host: t.Any) -> Report:
    return make_report(found, silent or {}, HOST | host)


def test_a_target_server() -> None:
    assert report(found()).as_dict() == {
        "computer": "WIN-1",
        "system": "Microsoft Windows Server 2022 Datacenter",
        "version": "10.0.20348",
        "started": "2026-01-02T03:04:05.0000000Z",
        "target_server": "running",
        "portals": ["10.0.0.1 port 3260", "fd00::1 port 3261"],
        "disks": 3,
        "disk_bytes": 3 * GB,
        "protected_disks": 1,
        "targets": 2,
        "protected_targets": 1,
        "time_from": "a.example, b",
        "time_service": "running",
        "clock_offset_seconds": -0.25,
    }


def test_a_member_of_a_domain() -> None:
    assert report(found(), domain="corp.example").computer == "WIN-1.corp.example"


@pytest.mark.parametrize(
    ("client", "source"),
    [
        (CLIENT, "a.example, b"),
        ({"sync_type": "domain"}, "its domain"),
        (CLIENT | {"sync_type": "all"}, "its domain, a.example, b"),
        (CLIENT | {"sync_type": "none"}, "nobody"),
        ({"sync_type": "manual", "peers": []}, "nobody"),
        ({}, "nobody"),
    ],
)
def test_where_the_time_comes_from(client: dict[str, t.Any], source: str) -> None:
    assert report(found(client=client)).time_from == source


@pytest.mark.parametrize(("server", "state", "number"), [(None, "absent", 0), ("stopped", "stopped", None)])
def test_a_host_that_serves_nothing(server: str | None, state: str, number: int | None) -> None:
    silent = dict.fromkeys(("wintarget", "iscsi_virtual_disk", "iscsi_server_target"), "It does not run.")
    told = report(found(server), silent)
    assert (told.target_server, told.portals) == (state, ())
    assert [told.disks, told.disk_bytes, told.protected_disks, told.targets, told.protected_targets] == [
        number
    ] * 5


@pytest.mark.parametrize(
    ("server", "kind"),
    [("started", "iscsi_virtual_disk"), (None, "windows_service"), ("stopped", "ntp_client")],
)
def test_what_should_have_answered(server: str | None, kind: str) -> None:
    with pytest.raises(HostError, match="Access is denied"):
        report(found(server), {kind: "Access is denied."})


@pytest.mark.parametrize("offset", [1.26, None])
def test_a_few_lines_for_people(offset: float | None) -> None:
    lines = report(found(), clock_offset_seconds=offset).lines()
    assert lines[:3] == [
        "WIN-1, Windows Server 2022 Datacenter (10.0.20348), started 2026-01-02 03:04",
        "iSCSI target server running, listens at 10.0.0.1 port 3260, fd00::1 port 3261",
        "3 disks of 3 GB (1 protected), 2 targets (1 protected)",
    ]
    clock = "" if offset is None else "; clock +1.3 s"
    assert lines[3] == f"time service running, from a.example, b{clock}"
    assert [line.partition(",")[0] for line in report(found("stopped"), {"wintarget": "x"}).lines()] == [
        "WIN-1",
        "iSCSI target server stopped",
        "time service running",
    ]

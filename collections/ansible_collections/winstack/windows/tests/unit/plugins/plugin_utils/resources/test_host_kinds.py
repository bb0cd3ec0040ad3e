# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Features, services and folders, on simulated hosts."""

from __future__ import annotations

import typing as t

import pytest

from ..simulated import SimulatedHost, outcomes, sequence

FEATURE = "FS-iSCSITarget-Server"
DOCUMENT: list[dict[str, t.Any]] = [
    {"windows_feature": {"name": FEATURE}},
    {"windows_service": {"name": "WinTarget", "start_mode": "auto", "state": "started"}},
    {"directory": {"path": "D:\\iSCSIVirtualDisks"}},
]


@pytest.fixture
def host() -> SimulatedHost:
    return SimulatedHost(volumes={"C": {"size": "60GiB"}, "D": {"size": "500GiB"}})


def test_check_mode_foretells_a_fresh_host(host: SimulatedHost) -> None:
    result = host.check(DOCUMENT)
    assert not result.get("failed"), result
    assert outcomes(result) == {
        f"windows_feature {FEATURE}": "planned",
        "windows_service WinTarget": "unchanged",
        "directory D:\\iSCSIVirtualDisks": "planned",
    }
    assert (host.commands, host.changing()) == (1, [])


def test_a_fresh_host_is_converged_in_three_commands_and_stays(host: SimulatedHost) -> None:
    result = host.converge(DOCUMENT)
    assert not result.get("failed"), result
    assert sequence(result) == ["Install-WindowsFeature", "New-Item"]
    assert host.commands == 3
    again = host.converge(DOCUMENT)
    assert (again["changed"], host.commands) == (False, 3)
    assert host.verify(DOCUMENT)["changed"] is False
    assert host.commands == 4

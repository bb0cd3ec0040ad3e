# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the hosts take their time from, as the registry and the services tell it."""

from __future__ import annotations

from typing import Any

import pytest

KEY = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\W32Time"
WANTED = {
    "ntp-workgroup": ("NTP", "ntp1.example.org,0x8 172.22.0.1,0x9"),
    # A member of a domain takes its time from there; its peers are left as Windows made them.
    "ntp-member": ("NT5DS", "time.windows.com,0x8"),
}


@pytest.fixture(scope="module")
def parameters(ask: Any) -> dict[str, Any]:
    return dict(ask("ansible.windows.win_reg_stat", path=f"{KEY}\\Parameters")["properties"])


def test_the_source(parameters: Any, name: str) -> None:
    kind, peers = WANTED[name]
    assert parameters["Type"]["value"] == kind
    if name == "ntp-workgroup":
        assert parameters["NtpServer"]["value"].lower() == peers


def test_the_interval(ask: Any, name: str) -> None:
    client = ask(
        "ansible.windows.win_reg_stat", path=f"{KEY}\\TimeProviders\\NtpClient", name="SpecialPollInterval"
    )
    assert (client["value"] == 900) == (name == "ntp-workgroup")


def test_the_service(ask: Any, name: str) -> None:
    (service,) = ask("ansible.windows.win_service_info", name="W32Time")["services"]
    assert service["state"] == "started"
    if name == "ntp-workgroup":
        assert service["start_mode"] == "auto"


def test_nothing_stops_the_service_outside_of_a_domain(ask: Any, name: str) -> None:
    triggers = ask("ansible.windows.win_reg_stat", path=f"{KEY}\\TriggerInfo")
    assert bool(triggers["exists"] and triggers["sub_keys"]) == (name == "ntp-member")

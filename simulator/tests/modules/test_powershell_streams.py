# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams of win_powershell beside its output."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from winsim import driver
from winsim.host import Host

SCRIPT = "[CmdletBinding(SupportsShouldProcess)]\nparam($Batch)"


def test_warnings_of_cmdlets_are_the_warning_stream(
    run: Callable[..., dict[str, Any]], host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(driver.REVIEWED, driver.digest(SCRIPT), "test")
    host.services.get("Spooler").waits = 1
    calls: list[dict[str, Any]] = [
        {"id": name, "cmdlet": name, "params": {"Name": "=Spooler"}, "select": [], "change": True}
        for name in ("Stop-Service", "Start-Service")
    ]
    batch = {"Batch": json.dumps({"calls": calls})}
    assert run("win_powershell", script=SCRIPT, parameters=batch)["warning"] == [
        "Waiting for service 'Print Spooler (Spooler)' to stop...",
        "Waiting for service 'Print Spooler (Spooler)' to start...",
    ]
    host.services.get("Spooler").waits = 0
    assert run("win_powershell", script=SCRIPT, parameters=batch)["warning"] == []

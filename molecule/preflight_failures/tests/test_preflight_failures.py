# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unfit hosts are as they were; the fit one beside them is a target server."""

from __future__ import annotations

from typing import Any


def test_only_the_fit_host_was_touched(ask: Any, name: str) -> None:
    fit = name == "preflight-good"
    services = ask("ansible.windows.win_service_info", name="WinTarget")
    folder = ask("ansible.windows.win_stat", path="D:\\iSCSIVirtualDisks")["stat"]
    assert (bool(services["exists"]), bool(folder["exists"])) == (fit, fit)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-core against the server."""

from __future__ import annotations

import pytest
from winsim.testing import Ansible

PING = {"name": "ping", "ansible.windows.win_ping": {}}


@pytest.mark.parametrize("transport", ["http", "https", "ntlm"])
def test_win_ping(ansible: Ansible, transport: str) -> None:
    ansible.transport = transport
    results = ansible.play([PING])
    assert results["rc"] == 0, results["output"]
    assert results["ping"]["ping"] == "pong"
    (entry,) = ansible.sim.journal.entries(types=("invocation",))
    assert (entry["module"], entry["changed"], entry["host"]) == ("ansible.windows.win_ping", False, "one")
    assert not ansible.sim.server.shells["one"]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator on ephemeral ports, in a thread, with real clients around it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from winsim.invoke import ModuleContext
from winsim.testing import Ansible, Running, ansible_command, collections_path, start

PASSWORD = "Wire:Pass w0rd!"
HOSTS: dict[str, dict[str, Any]] = {
    "one": {
        "computer_name": "WIN-ONE",
        "users": {"Administrator": PASSWORD, "Operator": "Op3rator!"},
        "listen": "127.0.77.1",
    },
    "two": {"computer_name": "WIN-TWO", "domain": "corp.example", "users": {"Administrator": PASSWORD}},
    "tight": {"users": {"Administrator": PASSWORD}, "winrm": {"max_operations": 2, "max_shells": 3}},
    "negotiate": {"users": {"Administrator": PASSWORD}, "winrm": {"auth": ["negotiate"]}},
    "slowboot": {
        "users": {"Administrator": PASSWORD},
        "listen": "127.0.77.2",
        "winrm": {"reboot_seconds": 2},
    },
}


def fake_modules(ctx: ModuleContext) -> dict[str, Any]:
    """Stand-in for the models: tells what it was given, and does what its arguments say."""
    from winsim.errors import Unmodelled

    if ctx.name.endswith("win_ping"):
        if ctx.args.get("data") == "crash":
            raise RuntimeError("boom")
        if ctx.args.get("data") == "unmodelled":
            raise Unmodelled("such a ping")
        return {"changed": False, "ping": ctx.args.get("data", "pong"), "seen": _seen(ctx)}
    from winsim.modules import run_module

    return run_module(ctx)


def _seen(ctx: ModuleContext) -> dict[str, Any]:
    return {
        "name": ctx.name,
        "user": ctx.user,
        "become_user": ctx.become_user,
        "check_mode": ctx.check_mode,
        "diff_mode": ctx.diff_mode,
        "environment": {k: v for k, v in ctx.environment.items() if not k.startswith("ANSIBLE_")},
    }


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all tests of the session; hosts are reset by ``sim``."""
    running, thread = start(HOSTS, tmp_path_factory.mktemp("state"), fake_modules)
    yield running
    running.stop()
    thread.join(20)


@pytest.fixture
def sim(simulator: Running) -> Running:
    """The server with all hosts as their YAML says and an empty journal."""
    simulator.client.call("POST", "/reset", {})
    simulator.client.call("DELETE", "/unmodelled")
    simulator.journal.clear()
    return simulator


@pytest.fixture
def ansible(sim: Running, tmp_path: Path) -> Ansible:
    """Real ansible; skipped without it or without ansible.windows."""
    if shutil.which(ansible_command("ansible-playbook")[0]) is None:
        pytest.skip("ansible-core is not installed beside this Python")
    if collections_path() is None:
        pytest.skip("the collection ansible.windows is not there (make collections)")
    return Ansible(sim, tmp_path)

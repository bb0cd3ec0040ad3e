# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-core against the server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from winsim.testing import Ansible

pytestmark = pytest.mark.e2e

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


def test_commands_of_win_ping(ansible: Ansible) -> None:
    """Requests and shells as a real host sees them (one shell, one command)."""
    ansible.play([PING])
    (counters,) = ansible.sim.client.call("GET", "/counters?host=one").values()
    assert (counters["commands"], counters["shells"], counters["invocations"]) == (1, 1, 1)
    operations = [e["operation"] for e in ansible.sim.journal.entries(types=("http",))]
    assert operations == ["Create", "Command", "Send", "Receive", "Signal", "Delete"]
    assert counters["request_bytes"] > 100_000


def test_check_diff_environment(ansible: Ansible) -> None:
    task = {**PING, "environment": {"COLOUR": "blue"}}
    results = ansible.play([task], "--check", "--diff")
    seen = results["ping"]["seen"]
    assert (seen["check_mode"], seen["diff_mode"], seen["environment"]["COLOUR"]) == (True, True, "blue")
    (entry,) = ansible.sim.journal.entries(types=("invocation",))
    assert (entry["check_mode"], entry["diff_mode"], entry["environment"]) == (True, True, ["COLOUR"])


def test_wrong_password_and_down(ansible: Ansible) -> None:
    results = ansible.play([PING], "-e", "ansible_password=wrong", hosts=["one"])
    assert results["rc"] == 4
    assert "credentials were rejected" in results["ping"]["msg"]
    ansible.sim.client.call("POST", "/fault", {"host": "one", "kind": "down"})
    results = ansible.play([PING], hosts=["one", "two"])
    assert results["all"]["ping"]["one"]["unreachable"] is True
    assert results["all"]["ping"]["two"]["ping"] == "pong"


def test_unmodelled_is_loud(ansible: Ansible) -> None:
    task = {**PING, "ansible.windows.win_ping": {"data": "unmodelled"}}
    results = ansible.play([task])
    assert results["ping"]["msg"] == "winsim: not modelled: ansible.windows.win_ping: such a ping"
    assert ansible.sim.client.call("GET", "/unmodelled") == [
        {"host": "one", "what": "ansible.windows.win_ping: such a ping"}
    ]
    task = {**PING, "ansible.windows.win_ping": {"data": "crash"}}
    results = ansible.play([task])
    assert "internal error of the simulator" in results["ping"]["msg"]


def become(user: str, password: str | None = None, **more: Any) -> dict[str, Any]:
    variables = {"ansible_become_password": password} if password is not None else {}
    return {**PING, "become": True, "become_method": "runas", "become_user": user, "vars": variables, **more}


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        ("SYSTEM", None, "SYSTEM"),
        ("Operator", "Op3rator!", "Operator"),
        ("NetworkService", None, "NetworkService"),
    ],
)
def test_become(ansible: Ansible, user: str, password: str | None, expected: str) -> None:
    results = ansible.play([become(user, password)])
    assert results["rc"] == 0, results["output"]
    seen = results["ping"]["seen"]
    assert (seen["user"], seen["become_user"]) == (expected, expected)
    journal = ansible.sim.journal.entries()
    assert [e["become_user"] for e in journal if e["type"] == "invocation"] == [user]
    assert "Op3rator!" not in json.dumps(journal)


def test_become_refused(ansible: Ansible) -> None:
    results = ansible.play([become("Operator", "not-it")])
    assert results["rc"] == 2
    assert (
        "Failed to logon .\\Operator (The user name or password is incorrect, Win32ErrorCode 1326"
        in results["ping"]["msg"]
    )
    assert "not-it" not in json.dumps(ansible.sim.journal.entries())
    results = ansible.play([become("Nobody", "x")])
    assert "identity references could not be translated" in results["ping"]["msg"]


def test_async(ansible: Ansible) -> None:
    task = {**PING, "async": 30, "poll": 1}
    results = ansible.play([task])
    assert results["rc"] == 0, results["output"]
    assert results["ping"]["ping"] == "pong"
    modules = [e["module"] for e in ansible.sim.journal.entries(types=("invocation",))]
    assert modules[0] == "ansible.windows.win_ping"
    assert set(modules[1:]) == {"ansible.windows.async_status"}


def test_async_job_that_waits(ansible: Ansible) -> None:
    """While a job sleeps the host answers others; the watchdog ends a job that takes too long."""
    shell = {"ansible.windows.win_shell": "Start-Sleep -Seconds 4; 'woken'"}
    tasks = [
        {"name": "start", **shell, "async": 30, "poll": 0, "register": "job"},
        PING,
        {"name": "late", **shell, "async": 1, "poll": 2, "ignore_errors": True},
        {
            "name": "wait",
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "register": "state",
            "until": "state.finished | bool",
            "retries": 10,
            "delay": 1,
        },
    ]
    started = time.monotonic()
    results = ansible.play(tasks)
    assert results["rc"] == 0, results["output"]
    assert results["wait"]["stdout_lines"] == ["woken"]
    assert "timed out waiting for module completion" in results["late"]["msg"]
    assert time.monotonic() - started < 30


def test_async_fire_and_forget(ansible: Ansible) -> None:
    start = {"name": "start", "ansible.windows.win_ping": {}, "async": 30, "poll": 0, "register": "job"}
    wait = {
        "name": "wait",
        "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
        "register": "state",
        "until": "state.finished | bool",
        "retries": 10,
        "delay": 1,
    }
    results = ansible.play([start, wait])
    assert results["rc"] == 0, results["output"]
    assert results["wait"]["ping"] == "pong"
    (path,) = [
        n.name for n in ansible.sim.machine("one").host.files.list("C:\\Users\\Administrator\\.ansible_async")
    ]
    assert path == results["start"]["ansible_job_id"]


def test_raw_and_script(ansible: Ansible, tmp_path: Path) -> None:
    script = tmp_path / "hello.ps1"
    script.write_text("'from ' + $env:COMPUTERNAME\nexit 3\n")
    tasks = [
        {"name": "raw", "ansible.builtin.raw": "Get-Service WinRM | Select -ExpandProperty Status"},
        {"name": "script", "ansible.builtin.script": str(script), "ignore_errors": True},
        {"name": "wait", "ansible.builtin.wait_for_connection": {"timeout": 5}},
    ]
    results = ansible.play(tasks)
    assert results["rc"] == 0, results["output"]
    assert results["raw"]["stdout_lines"] == ["Running"]
    assert (results["script"]["rc"], results["script"]["stdout_lines"]) == (3, ["from WIN-ONE"])
    temp = ansible.sim.machine("one").host.files.list("C:\\Users\\Administrator\\AppData\\Local\\Temp")
    assert not temp


@pytest.mark.parametrize("transport", ["http", "ntlm"])
def test_copy_and_fetch(ansible: Ansible, tmp_path: Path, transport: str) -> None:
    ansible.transport = transport
    for name, content in {
        "empty": b"",
        "small": "Größe\r\n".encode(),
        "large": bytes(range(256)) * 5000,
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "exact").write_bytes(b"x" * 524288)
    names = ["empty", "small", "large", "exact"]
    copy = {
        "name": "copy",
        "ansible.windows.win_copy": {"src": f"{tmp_path}/{{{{ item }}}}", "dest": "C:\\in\\ä {{ item }}.bin"},
        "loop": names,
    }
    fetch = {
        "name": "fetch",
        "ansible.builtin.fetch": {
            "src": "C:\\in\\ä {{ item }}.bin",
            "dest": f"{tmp_path}/out/{{{{ item }}}}",
            "flat": True,
        },
        "loop": names,
    }
    ansible.sim.machine("one").host.files.mkdir("C:\\in")
    results = ansible.play([copy, fetch])
    assert results["rc"] == 0, results["output"]
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_fetch_missing(ansible: Ansible) -> None:
    task = {"name": "fetch", "ansible.builtin.fetch": {"src": "C:\\no.txt", "dest": "/tmp/x", "flat": True}}
    results = ansible.play([task])
    assert results["rc"] == 2
    assert "does not exist" in results["fetch"]["msg"]


def test_keep_remote_files(ansible: Ansible) -> None:
    """Without pipelining the manifest goes into a file that is piped into PowerShell."""
    results = ansible.play([PING], env={"ANSIBLE_KEEP_REMOTE_FILES": "1"})
    assert results["rc"] == 0, results["output"]
    assert results["ping"]["ping"] == "pong"


@pytest.mark.parametrize(("host", "least"), [("one", 0), ("slowboot", 2)])
def test_win_reboot(ansible: Ansible, host: str, least: int) -> None:
    before = ansible.sim.machine(host).host.boot_time
    tasks = [{"name": "reboot", "ansible.windows.win_reboot": {"reboot_timeout": 60}}, PING]
    results = ansible.play(tasks, hosts=[host])
    assert results["rc"] == 0, results["output"]
    assert results["reboot"]["rebooted"] is True
    assert results["reboot"]["elapsed"] >= least
    assert ansible.sim.machine(host).host.boot_time > before
    assert ansible.sim.client.call("GET", "/counters")[host]["reboots"] == 1


def test_reboot_test_command(ansible: Ansible) -> None:
    task = {"name": "reboot", "ansible.windows.win_reboot": {"test_command": "whoami"}}
    results = ansible.play([task])
    assert results["rc"] == 0, results["output"]


def test_secrets_stay_out_of_the_journal(ansible: Ansible) -> None:
    secret = "Sup3r-Secret"
    tasks = [
        {
            "name": "password",
            "ansible.windows.win_user": {"name": "x", "password": secret},
            "ignore_errors": True,
        },
        {**PING, "name": "hidden", "ansible.windows.win_ping": {"data": secret}, "no_log": True},
        {
            "name": "sensitive",
            "ansible.windows.win_powershell": {
                "script": "$x",
                "sensitive_parameters": [{"name": "Secret1", "username": "u", "password": secret}],
            },
            "ignore_errors": True,
        },
    ]
    ansible.play(tasks)
    assert secret not in json.dumps(ansible.sim.journal.entries())


def test_many_hosts_at_once(ansible: Ansible) -> None:
    results = ansible.play([PING], hosts=["one", "two", "tight", "slowboot"])
    assert len(results["all"]["ping"]) == 4


def test_fault_drop_makes_unreachable_or_failed(ansible: Ansible) -> None:
    ansible.sim.client.call("POST", "/fault", {"host": "one", "kind": "drop"})
    results = ansible.play([PING], hosts=["one", "two"])
    assert results["rc"] != 0
    assert results["all"]["ping"]["two"]["ping"] == "pong"


def test_operations_quota_is_recovered(ansible: Ansible) -> None:
    """Ansible makes another shell when the operations of one are used up."""
    tasks = [{**PING, "loop": [1, 2, 3, 4, 5]}]
    results = ansible.play(tasks, hosts=["tight"])
    assert results["rc"] == 0, results["output"]
    counters = ansible.sim.client.call("GET", "/counters?host=tight")["tight"]
    assert (counters["invocations"], counters["shells"]) == (5, 3)

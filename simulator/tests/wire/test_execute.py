# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the executor does with decoded commands, without sockets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from winsim import execute
from winsim.execute import Caller, Executor
from winsim.invoke import Become, ModuleContext
from winsim.journal import Journal
from winsim.shellcmds import Output
from winsim.testing import Running
from winsim.world import Machine, World

LINE = (
    "powershell -EncodedCommand "
    + base64.b64encode("`0`0`0`0 ConvertFrom-Json $code.params".encode("utf-16-le")).decode()
)
SCRIPT = "ansible_collections.a.b.plugins.modules.c.ps1"


@pytest.fixture
def machine() -> Machine:
    return World({"unit": {"computer_name": "WIN-UNIT", "users": {"Administrator": "Pass!"}}})["unit"]


def run_module(ctx: ModuleContext) -> dict[str, Any]:
    if ctx.args.get("reboot"):
        ctx.host.reboot()
    if ctx.args.get("sleep"):
        ctx.sleep(0.01)
    return {"changed": True, "environment": ctx.environment}


@pytest.fixture
def executor() -> Executor:
    return Executor(Journal(), lambda machine, delay: None, run_module)


def stdin(action: str, params: dict[str, Any], lines: bytes | None = None) -> bytes:
    manifest = {
        "scripts": {SCRIPT: {"path": "c", "script": ""}},
        "actions": [{"name": action, "params": params, "secure_params": {}}],
    }
    data = b'{"params": {}}\n\0\0\0\0\n' + json.dumps(manifest).encode()
    return data if lines is None else data + b"\n\0\0\0\0\n" + lines


def call(
    executor: Executor, machine: Machine, action: str, lines: bytes | None = None, **params: Any
) -> Output:
    return executor.run(machine, LINE, stdin(action, params, lines), Caller("Administrator", {}))


PUT, FETCH = "winrm_put_file.ps1", "winrm_fetch_file.ps1"
MKDTEMP, EXPAND = "powershell_mkdtemp.ps1", "powershell_expand_user.ps1"


def test_put_and_fetch(executor: Executor, machine: Machine) -> None:
    machine.host.files.mkdir("C:\\d")
    lines = base64.b64encode(b"one") + b"\r\n" + base64.b64encode(b"two") + b"\r\n"
    assert b"sha1" in call(executor, machine, PUT, lines, Path="C:\\d\\f").stdout
    assert machine.host.files.read("C:\\d\\f") == b"onetwo"
    assert call(executor, machine, PUT, lines, Path="C:\\no\\f").rc == 1
    chunk = call(executor, machine, FETCH, Path="C:\\d\\f", Offset=2, BufferSize=2).stdout
    assert base64.b64decode(chunk) == b"et"
    assert call(executor, machine, FETCH, Path="C:\\d\\f", Offset=6, BufferSize=2).stdout == b""
    assert call(executor, machine, FETCH, Path="C:\\d").stdout == b"[DIR]\r\n"
    missing = call(executor, machine, FETCH, Path="C:\\no")
    assert (missing.rc, b"C:\\no does not exist" in missing.stderr) == (1, True)
    machine.host.files.write("C:\\d\\huge", None, size=2**30)
    assert call(executor, machine, FETCH, Path="C:\\d\\huge").rc == 1


def test_directories(executor: Executor, machine: Machine) -> None:
    made = call(executor, machine, MKDTEMP, Directory="%TEMP%", Name="ansible-tmp-1").stdout.decode().strip()
    assert made == "C:\\Users\\Administrator\\AppData\\Local\\Temp\\ansible-tmp-1"
    assert call(executor, machine, MKDTEMP, Directory="%TEMP%", Name="ansible-tmp-1").rc == 1
    assert call(executor, machine, MKDTEMP, Directory="Q:\\", Name="x").rc == 1
    for path, expected in (
        ("~", "C:\\Users\\Administrator"),
        ("~\\a", "C:\\Users\\Administrator\\a"),
        ("C:\\x", "C:\\x"),
    ):
        assert call(executor, machine, EXPAND, Path=path).stdout.decode().strip() == expected


def test_environment_of_other_users(executor: Executor, machine: Machine) -> None:
    module = {"Script": SCRIPT, "ForModule": True, "ArgumentJSON": '{"sleep": true}'}
    data = stdin("module_wrapper.ps1", module)
    shown = [
        json.loads(executor.run(machine, LINE, data, Caller(user, {})).stdout)["environment"]
        for user in ("Administrator", "Other", "SYSTEM")
    ]
    assert shown[0] == {}
    assert shown[1]["USERPROFILE"] == "C:\\Users\\Other"
    assert shown[2]["TEMP"] == "C:\\Windows\\Temp"


def test_reboot_by_a_module_is_noted(executor: Executor, machine: Machine) -> None:
    call(
        executor,
        machine,
        "module_wrapper.ps1",
        Script=SCRIPT,
        ForModule=True,
        ArgumentJSON='{"reboot": true}',
    )
    assert [e["event"] for e in executor._journal.entries(types=("event",))] == ["reboot"]


def test_failures_of_the_simulator_are_loud(executor: Executor, machine: Machine) -> None:
    def broken(machine: Machine, what: str) -> Any:
        raise ZeroDivisionError("oops")

    machine.host.files.read = broken  # type: ignore[method-assign, assignment]
    line = "type C:\\x.ps1 | " + LINE
    output = executor.run(machine, line, b"", Caller("Administrator", {}))
    assert (output.rc, b"internal error" in output.stderr) == (1, True)
    arguments = base64.b64encode("<S>x</S>".encode("utf-16-le")).decode()
    text = base64.b64encode("'x'".encode("utf-16-le")).decode()
    line = f"powershell -EncodedCommand {text} -EncodedArguments {arguments}"
    assert executor.run(machine, line, b"", Caller("Administrator", {})).rc == 1
    assert len(executor.unmodelled_seen) == 2


def test_unmodelled_text_hides_passwords(executor: Executor, machine: Machine) -> None:
    executor.run(machine, "frobnicate Pass!", b"", Caller("Administrator", {}))
    assert "Pass!" not in json.dumps([executor.unmodelled_seen, executor._journal.entries()])


@pytest.mark.parametrize(
    ("become", "user"),
    [
        (Become("nt authority\\system", None), "SYSTEM"),
        (Become(".\\administrator", "Pass!"), "Administrator"),
        (Become("Administrator", None), "Administrator"),
        (Become("far\\away", "x", "NewCredentials"), "Caller"),
    ],
)
def test_become_user(machine: Machine, become: Become, user: str) -> None:
    assert execute.become_user(machine, become, "Caller") == user


def test_watchdog(machine: Machine) -> None:
    machine.host.files.mkdir("C:\\j")
    watchdog = execute._Watchdog(machine, "C:\\j\\1", {"started": True}, 60)
    watchdog.finish(Output(b"no json here"))
    result = json.loads(machine.host.files.read("C:\\j\\1").decode("utf-8-sig"))
    assert (result["finished"], result["failed"]) == (True, True)
    watchdog._timed_out()
    assert json.loads(machine.host.files.read("C:\\j\\1").decode("utf-8-sig")) == result


def test_state_and_journal_by_control(sim: Running) -> None:
    sim.machine("one").host.files.mkdir("C:\\Seen")
    state = sim.client.call("GET", "/state?host=one")["one"]
    assert "C:\\Seen" in state["files"]["entries"]
    assert state["users"] == ["Administrator", "Operator"]
    assert sim.client.call("GET", "/journal?host=one&types=http") == []
    sim.client.call("POST", "/mark", {"name": "here"})
    assert sim.client.call("GET", "/journal?since=here") == []
    assert sim.client.call("GET", "/faults?host=one") == {"one": []}

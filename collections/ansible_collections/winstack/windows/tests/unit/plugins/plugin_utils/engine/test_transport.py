# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both ways to a host: Ansible's own action base, shell and templar over a connection that answers from here."""

from __future__ import annotations

import json
import typing as t
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase
from ansible.template import Templar

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import direct, driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.transport import (
    Circumstances,
    RemoteHost,
    way,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError, HostError, WantError

SECRET = "topsecret 'x'"
CHAP = Credential("user", SECRET)
READ = {"one": Call("Get-Service", {}, ("Name",))}
CHANGE = {"one": change("Set-Thing", Chap=CHAP), "look": Call("Get-Thing")}
UNKNOWN = (
    "It is not known what of the change was done. Run the play again: it begins with a look at the host."
)
Lines = list[str]


# Which way ----------------------------------------------------------------------------------------------------

PLAIN = Circumstances("winrm")
BECOME = Circumstances("winrm", become=True)
ASYNC = Circumstances("winrm", background=True)
DEAF = Circumstances("aws_ssm", takes_input=False)
LINUX = Circumstances("ssh", windows_shell=False)

WAYS: list[tuple[t.Any, Circumstances, str]] = [
    ("auto", PLAIN, "direct"),
    ("auto", BECOME, "module"),
    ("auto", ASYNC, "module"),
    ("auto", DEAF, "module"),
    ("direct", PLAIN, "direct"),
    ("module", PLAIN, "module"),
    ("module", BECOME, "module"),
]


@pytest.mark.parametrize(("wanted", "around", "chosen"), WAYS)
def test_the_way(wanted: t.Any, around: Circumstances, chosen: str) -> None:
    assert way(wanted, around) == chosen


NO_WAYS: list[tuple[t.Any, Circumstances, str]] = [
    ("Direct", PLAIN, "Invalid winstack_transport 'Direct'. Use auto, direct or module."),
    (None, PLAIN, "Invalid winstack_transport None. Use auto, direct or module."),
    (
        "direct",
        BECOME,
        "winstack_transport direct does not work with become, whose user the command would not get. Use auto or module.",
    ),
    ("direct", ASYNC, "winstack_transport direct does not work with async. Use auto or module."),
    ("direct", DEAF, "over connection aws_ssm, which has no pipelining and so no standard input. Use auto"),
    (
        "auto",
        LINUX,
        "Connection ssh has no Windows shell. Set ansible_connection: winrm or psrp, or with ssh",
    ),
]


@pytest.mark.parametrize(("wanted", "around", "message"), NO_WAYS)
def test_no_way(wanted: t.Any, around: Circumstances, message: str) -> None:
    with pytest.raises(WantError) as caught:
        way(wanted, around)
    assert message in str(caught.value)


# A host -------------------------------------------------------------------------------------------------------


class Host(ConnectionBase):
    """Answers what the direct way sends. ``failing``: numbers of calls. ``spoil`` makes of the answer whatever a test wants."""

    transport = "here"
    has_pipelining = True
    module_implementation_preferences = (".ps1",)
    allow_executable = False

    def __init__(self) -> None:
        """Be connected, with the shell of Windows hosts."""
        self._shell_type = "powershell"
        t.cast(t.Any, super()).__init__(t.cast(t.Any, PlayContext)())
        self._connected = True
        self.received: list[Lines] = []
        self.commands: list[str] = []
        self.sudoable: list[bool] = []
        self.failing: set[str] = set()
        self.edition = "Desktop"
        self.message = "It broke."
        self.warnings: list[str] = []
        self.spoil: t.Callable[[str], str] = lambda line: line
        self.ending: tuple[int, bytes] = (0, b"")
        self.error: Exception | None = None

    def _connect(self) -> Host:
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Answer every call with one row that names its cmdlet."""
        self.commands.append(cmd)
        self.sudoable.append(sudoable)
        if self.error is not None:
            raise t.cast(Exception, self.error)
        lines = (in_data or b"").decode("ascii").split("\n")
        self.received.append(lines)
        line = json.dumps(self._line(lines), separators=(",", ":"))
        return self.ending[0], self.spoil(line).encode(), self.ending[1]

    def _line(self, lines: Lines) -> dict[str, t.Any]:
        nonce, last = lines[0].split(" ")[0], int(lines[0].split(" ")[3])
        told = answer_to(json.loads(lines[last - 1]), self.failing, self.message, self.edition)
        return {
            "winstack": nonce,
            "changed": True,
            "warnings": self.warnings,
            "fault": None,
            "answer": told,
        }

    def put_file(self, in_path: str, out_path: str) -> None:
        raise AssertionError("no files")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise AssertionError("no files")

    def close(self) -> None:
        self._connected = False

    def cmdlets(self) -> list[list[str]]:
        """Return the cmdlets of all batches that arrived."""
        return [[call["cmdlet"] for call in json.loads(lines[-3])["calls"]] for lines in self.received]


def answer_to(batch: dict[str, t.Any], failing: set[str], message: str, edition: str) -> dict[str, t.Any]:
    """Return what the driver would answer; a change after one that failed is skipped."""
    sections: list[dict[str, t.Any]] = []
    stopped = False
    for call in [] if batch["desktop"] and edition == "Core" else batch["calls"]:
        failed = call["id"] in failing
        error = {"type": "E", "id": "x", "message": message, "hresult": "0x1"} if failed else None
        skipped = stopped and call["change"]
        stopped = stopped or (failed and call["change"])
        sections.append({"id": call["id"], "ok": not failed, "skipped": skipped, "error": error, "data": []})
    times = {"began": "2026-01-02T03:04:05.0000000Z", "ended": "2026-01-02T03:04:06.0000000Z"}
    return {**times, "edition": edition, "sections": sections}


class Action(ActionBase):
    """An action of Ansible whose modules answer from here."""

    _requires_connection = False

    def __init__(self, host: Host, **task: t.Any) -> None:
        """Take the keywords of the task."""
        keywords = {
            "check_mode": False,
            "async_val": 0,
            "environment": [],
            "delegate_to": None,
            "action": "x",
        }
        loader = t.cast(t.Any, DataLoader)()
        t.cast(t.Any, super()).__init__(
            task=SimpleNamespace(**{**keywords, **task}),
            connection=host,
            play_context=t.cast(t.Any, PlayContext)(),
            loader=loader,
            templar=Templar(loader=loader, variables={"way": "module"}),
            shared_loader_obj=None,
        )
        self.modules: list[dict[str, t.Any]] = []
        self.result: dict[str, t.Any] = {}

    def _execute_module(self, **kwargs: t.Any) -> dict[str, t.Any]:  # type: ignore[override]
        self.modules.append(kwargs)
        batch = json.loads(kwargs["module_args"]["parameters"]["Batch"])
        manifest = f"manifest 0 0 2 0\n{json.dumps(batch)}\n"
        self._connection.exec_command("powershell", in_data=manifest.encode(), sudoable=True)
        host = t.cast(Host, self._connection)
        told = answer_to(batch, host.failing, host.message, host.edition)
        return {"output": ["noise", json.dumps(told)], "warning": host.warnings} | self.result

    def run(self, tmp: str | None = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        raise AssertionError("nobody runs it")


@pytest.fixture
def host() -> Host:
    """Return a host that answers."""
    return Host()


def remote(host: Host, variables: dict[str, t.Any] | None = None, **task: t.Any) -> tuple[RemoteHost, Action]:
    """Return the way to a host, and the action that it goes through."""
    action = Action(host, **task)
    return RemoteHost(action, variables or {}), action


# What is sent -------------------------------------------------------------------------------------------------


def test_one_batch_is_one_command(host: Host) -> None:
    way_to, action = remote(host)
    answer = way_to.execute({"a": Call("Get-A"), "b": Call("Get-B")})
    assert list(answer.sections) == ["a", "b"]
    assert host.commands == [direct.command_line()]
    assert host.sudoable == [False]
    assert action.modules == []
    assert way_to.commands == 1
    assert way_to.sent == len(host.commands[0]) + len("\n".join(host.received[0]))
    assert answer.asked <= answer.answered
    assert answer.clock.offset_seconds < 0


def test_the_next_command_has_another_nonce(host: Host) -> None:
    way_to, _action = remote(host)
    way_to.execute(READ)
    way_to.execute(READ)
    assert len({lines[0].split(" ")[0] for lines in host.received}) == 2
    assert way_to.commands == 2


def test_check_mode_and_environment_travel(host: Host) -> None:
    environment = [{"A": "1"}, {"B": trusted("{{ way }}"), "A": "2"}]
    way_to, _action = remote(host, check_mode=True, environment=environment)
    way_to.execute(READ)
    assert host.received[0][-6:-3] == ["check", "env 65 50", "env 66 109,111,100,117,108,101"]


def test_a_secret_is_on_its_own_line_alone(host: Host) -> None:
    way_to, _action = remote(host)
    way_to.execute(CHANGE)
    text = "\n".join(host.received[0])
    assert SECRET not in text + host.commands[0]
    assert f"Secret1 {direct.units('user')} {direct.units(SECRET)}" in host.received[0]


@pytest.mark.parametrize(
    ("variables", "task", "modules"),
    [
        ({}, {}, 0),
        ({"winstack_transport": "auto"}, {}, 0),
        ({"winstack_transport": "direct"}, {}, 0),
        ({"winstack_transport": "module"}, {}, 1),
        ({"winstack_transport": "module"}, {"delegate_to": "other"}, 0),
        (
            {"ansible_delegated_vars": {"other": {"winstack_transport": "module"}}},
            {"delegate_to": "other"},
            1,
        ),
        ({}, {"async_val": 10}, 1),
    ],
)
def test_the_variable_and_the_task_choose(
    host: Host, variables: dict[str, t.Any], task: dict[str, t.Any], modules: int
) -> None:
    way_to, action = remote(host, variables, **task)
    way_to.execute(READ)
    assert len(action.modules) == modules


def test_the_variable_is_a_template(host: Host) -> None:
    way_to, action = remote(host, {"winstack_transport": trusted("{{ way }}")})
    way_to.execute(READ)
    assert len(action.modules) == 1


def trusted(text: str) -> str:
    """Return a template that Ansible takes for its user's own."""
    from ansible.template import trust_as_template

    return trust_as_template(text)


def test_become_takes_the_module(host: Host) -> None:
    host.become = t.cast(t.Any, SimpleNamespace(name="runas"))
    way_to, action = remote(host)
    way_to.execute(READ)
    assert [run["module_name"] for run in action.modules] == ["ansible.windows.win_powershell"]


def test_a_connection_without_input_takes_the_module(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "has_pipelining", False)
    way_to, action = remote(host)
    way_to.execute(READ)
    assert len(action.modules) == 1


def test_a_linux_shell_is_no_host(host: Host) -> None:
    host._shell = t.cast(t.Any, SimpleNamespace())
    way_to, _action = remote(host)
    with pytest.raises(WantError, match="Connection here has no Windows shell"):
        way_to.execute(READ)
    assert host.commands == []


def test_what_would_not_arrive_is_not_sent(host: Host) -> None:
    way_to, _action = remote(host)
    with pytest.raises(CallError):
        way_to.execute({"a": Call("Start-Program", {"FilePath": "sc"})})
    assert host.commands == []


def test_the_module_gets_the_same_batch_and_is_counted(host: Host) -> None:
    way_to, action = remote(host, {"winstack_transport": "module"})
    answer = way_to.execute(CHANGE)
    assert list(answer.sections) == ["one", "look"]
    assert action.modules[0]["module_args"] == driver.module_args({"0": CHANGE["one"], "1": CHANGE["look"]})
    assert way_to.commands == 1
    assert way_to.sent > 10


# More than one batch ------------------------------------------------------------------------------------------


def many(count: int) -> dict[str, Call]:
    """Return changes with a secret each, every one followed by a question."""
    calls: dict[str, Call] = {}
    for number in range(count):
        calls[f"set {number}"] = change("Set-Thing", Chap=Credential("user", f"{SECRET}{number}"))
        calls[f"get {number}"] = Call("Get-Thing")
    return calls


@pytest.mark.parametrize("variables", [{}, {"winstack_transport": "module"}])
def test_many_secrets_are_several_commands(host: Host, variables: dict[str, t.Any]) -> None:
    calls = many(driver.MAX_SECRETS + 2)
    way_to, _action = remote(host, variables)
    answer = way_to.execute(calls)
    assert list(answer.sections) == list(calls)
    assert all(section.ok and not section.skipped for section in answer.sections.values())
    assert way_to.commands == 2
    assert answer.asked <= answer.answered


def test_after_a_change_that_failed_no_later_command_changes(host: Host) -> None:
    calls = many(2 * driver.MAX_SECRETS + 1)
    host.failing = {"6"}  # set 3
    way_to, _action = remote(host)
    answer = way_to.execute(calls)
    assert list(answer.sections) == list(calls)
    skipped = [name for name, section in answer.sections.items() if section.skipped]
    assert skipped == [f"set {number}" for number in range(4, 2 * driver.MAX_SECRETS + 1)]
    assert all(name.startswith("Get") for batch in host.cmdlets()[1:] for name in batch)
    assert len(host.cmdlets()) == 3


def test_a_failed_question_stops_no_later_command(host: Host) -> None:
    host.failing = {"1"}  # get 0
    way_to, _action = remote(host)
    answer = way_to.execute(many(driver.MAX_SECRETS + 1))
    assert not any(section.skipped for section in answer.sections.values())


def test_a_part_that_needs_windows_powershell_speaks_for_all(host: Host) -> None:
    calls = many(driver.MAX_SECRETS + 1) | {"disks": Call("Get-IscsiVirtualDisk")}
    way_to, _action = remote(host)
    way_to.execute(calls)
    assert [json.loads(lines[-3])["desktop"] for lines in host.received] == [True, True]


# Failures -----------------------------------------------------------------------------------------------------


def failure(host: Host, calls: dict[str, Call], kind: type[Exception] = HostError, **task: t.Any) -> str:
    """Return what the operator is told."""
    way_to, _action = remote(host, **task)
    with pytest.raises(kind) as caught:
        way_to.execute(calls)
    assert len(host.commands) == 1, "there is never a second try"
    return str(caught.value)


def test_the_desktop_edition_is_needed(host: Host) -> None:
    host.edition = "Core"
    assert failure(host, {"a": Call("Get-IscsiVirtualDisk")}) == (
        "PowerShell on the host is edition Core, in which the module IscsiTarget does not work; nothing was run. Use the "
        "host's Windows PowerShell 5.1: remove ansible_psrp_configuration_name and ansible_pwsh_interpreter from its "
        "variables."
    )


def test_edition_core_will_do_for_the_rest(host: Host) -> None:
    host.edition = "Core"
    way_to, _action = remote(host)
    assert way_to.execute(READ).edition == "Core"


def test_no_answer_to_a_question_names_the_other_way(host: Host) -> None:
    host.spoil = lambda line: ""
    host.ending = (5, b"a " * 500 + b"blocked by\r\n your administrator")
    message = failure(host, READ)
    assert message.startswith("No answer of the driver came back: exit code 5, a a ")
    assert "blocked by your administrator. Look at PowerShell on the host, its policies" in message
    assert message.endswith("or set winstack_transport: module, which takes Ansible's own way.")
    assert len(message) < 600


def test_no_answer_to_a_change_tells_that_nobody_knows(host: Host) -> None:
    host.spoil = lambda line: "Access is denied."
    message = failure(host, CHANGE)
    assert message == (f"No answer of the driver came back: exit code 0, Access is denied. {UNKNOWN}")


def test_no_answer_in_check_mode_changed_nothing(host: Host) -> None:
    host.spoil = lambda line: ""
    message = failure(host, CHANGE, check_mode=True)
    assert message.startswith("No answer of the driver came back: exit code 0, no output. Look at PowerShell")
    assert "not known" not in message


def test_input_that_did_not_arrive_changed_nothing(host: Host) -> None:
    host.spoil = lambda line: f"{direct.NOT_WHOLE}\r\n"
    host.ending = (3, b"")
    message = failure(host, CHANGE)
    assert message.startswith(
        "Standard input did not reach the host whole, so that nothing was run. Run the play"
    )
    assert "not known" not in message


def test_a_fault_of_the_driver(host: Host) -> None:
    host.spoil = lambda line: json.dumps(
        json.loads(line) | {"fault": f"No {SECRET} at line 3", "answer": None}, separators=(",", ":")
    )
    assert failure(host, CHANGE) == f"No answer of the driver came back: No ******** at line 3. {UNKNOWN}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "what came back has another form; a JSON object with began, ended, edition and sections"),
        ({"sections": []}, "what came back has another form"),
        (answer_to({"desktop": False, "calls": []}, set(), "", "Desktop"), "it has no section for one"),
    ],
)
def test_an_answer_of_another_form(host: Host, answer: t.Any, reason: str) -> None:
    host.spoil = lambda line: json.dumps(json.loads(line) | {"answer": answer}, separators=(",", ":"))
    message = failure(host, READ)
    assert message.startswith(f"No answer of the driver came back: {reason}")


def test_a_host_that_cannot_be_reached_stays_unreachable(host: Host) -> None:
    host.error = AnsibleConnectionFailure("no route to host")
    assert failure(host, READ, AnsibleConnectionFailure) == "no route to host"
    host.commands.clear()
    assert failure(host, CHANGE, AnsibleConnectionFailure) == f"no route to host. {UNKNOWN}"


def test_a_connection_that_is_made_anew_was_asked_for_nothing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Host) -> Host:
        raise AnsibleConnectionFailure("wrong password")

    monkeypatch.setattr(Host, "_connect", refuse)
    host.close()
    way_to, _action = remote(host)
    with pytest.raises(AnsibleConnectionFailure, match=r"^wrong password$"):
        way_to.execute(CHANGE)
    assert way_to.commands == 0


@pytest.mark.parametrize("error", [ValueError("the pipe broke"), AnsibleError("the pipe broke")])
def test_whatever_a_connection_raises_is_a_sentence(host: Host, error: Exception) -> None:
    host.error = error
    kind = type(error).__name__
    begin = f"The connection failed before an answer came ({kind}): the pipe broke."
    assert failure(host, READ) == begin
    host.commands.clear()
    assert failure(host, CHANGE) == f"{begin} {UNKNOWN}"


def test_an_error_before_anything_is_sent_is_ansible_s_own(host: Host) -> None:
    way_to, _action = remote(host, environment=["no dictionary"])
    with pytest.raises(AnsibleError, match="environment must be a dictionary"):
        way_to.execute(CHANGE)
    assert host.commands == []


def test_secrets_are_masked_in_errors_and_warnings(host: Host) -> None:
    host.failing = {"0"}
    host.message = f"Secret {SECRET} is too short."
    host.warnings = [f"Odd: {SECRET}."]
    for variables in ({}, {"winstack_transport": "module"}):
        way_to, _action = remote(host, variables)
        error = way_to.execute(CHANGE).sections["one"].error
        assert error is not None
        assert error.message == "Secret ******** is too short."
        assert way_to.warnings == ["Odd: ********."]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"failed": True, "msg": f"It broke on {SECRET}."}, "It broke on ********."),
        (
            {"failed": True, "error": [{"exception": {"message": "No such parameter"}}]},
            "No such parameter.",
        ),
        ({"failed": True}, "win_powershell gave no reason."),
        ({"output": []}, "what came back has another form; a JSON object with"),
        ({"output": [{"a": 1}, "noise"]}, "what came back has another form"),
        ({"output": None}, "what came back has another form"),
    ],
)
def test_a_module_that_could_not_run_the_driver(host: Host, result: dict[str, t.Any], reason: str) -> None:
    way_to, action = remote(host, {"winstack_transport": "module"})
    action.result = result
    with pytest.raises(HostError) as caught:
        way_to.execute(CHANGE)
    assert str(caught.value).startswith(f"No answer of the driver came back: {reason}")
    assert str(caught.value).endswith(UNKNOWN)
    assert len(action.modules) == 1


def test_the_connection_is_left_as_it_was(host: Host) -> None:
    before = host.exec_command
    way_to, _action = remote(host)
    way_to.execute(READ)
    assert host.exec_command == before

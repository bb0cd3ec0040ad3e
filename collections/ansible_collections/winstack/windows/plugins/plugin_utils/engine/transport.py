# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a Windows host: the driver by itself, or in ansible.windows.win_powershell. PRIVATE to the winstack collections.

Variable ``winstack_transport``: ``auto`` (direct wherever it works), ``direct``, ``module``. docs/transport.md compares both.
"""

from __future__ import annotations

import contextlib
import json
import secrets as tokens
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import direct, driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError, WantError

VARIABLE: t.Final = "winstack_transport"
_TAIL: t.Final = 300


@dataclass(frozen=True)
class Circumstances:
    """What decides how the driver travels."""

    connection: str
    windows_shell: bool = True
    takes_input: bool = True
    become: bool = False
    background: bool = False


def way(wanted: t.Any, around: Circumstances) -> str:
    """Return direct or module. Raise WantError if the wanted way does not work here."""
    if wanted not in ("auto", "direct", "module"):
        raise WantError(f"Invalid {VARIABLE} {wanted!r}. Use auto, direct or module.")
    if not around.windows_shell:
        raise WantError(
            f"Connection {around.connection} has no Windows shell. Set ansible_connection: winrm or psrp, or with ssh "
            "ansible_shell_type: powershell or cmd."
        )
    hindrance = _hindrance(around)
    if wanted == "direct" and hindrance:
        raise WantError(f"{VARIABLE} direct does not work {hindrance}. Use auto or module.")
    return "module" if hindrance or wanted == "module" else "direct"


def _hindrance(around: Circumstances) -> str:
    """Return what is in the way of the direct way; empty if nothing is."""
    if around.become:
        return "with become, whose user the command would not get"
    if around.background:
        return "with async"
    if not around.takes_input:
        return f"over connection {around.connection}, which has no pipelining and so no standard input"
    return ""


@dataclass(frozen=True)
class _Told:
    """What came back: the driver's answer as it was read from JSON, and warnings of cmdlets."""

    answer: t.Any
    warnings: Sequence[str]


class RemoteHost:
    """The Windows host of a task.

    ``warnings`` are those of cmdlets; ``commands`` counts remote commands, and ``sent`` the bytes of their command lines
    and standard input.
    """

    def __init__(self, action: ActionBase, task_vars: Mapping[str, t.Any]) -> None:
        """Take the action plugin whose connection, become, environment and check mode are used."""
        self._action: t.Any = action
        self._task_vars = task_vars
        self.warnings: list[str] = []
        self.commands = 0
        self.sent = 0

    def execute(self, calls: Mapping[str, Call]) -> Answer:
        """Return the answer to the calls: one remote command, more where they carry too much for one.

        Raise HostError if the driver gave no answer, and AnsibleConnectionFailure if the host cannot be reached.
        """
        driver.check_sendable(calls)
        desktop = driver.needs_desktop(calls)
        answers: list[Answer] = []
        for part in driver.split(calls):
            # What the driver does within a batch: after a change that failed none is made, and questions are asked.
            stopped = any(_stopped(calls, answer) for answer in answers)
            sendable = {name: call for name, call in part.items() if not (stopped and call.change)}
            if sendable or not answers:
                answers.append(self._command(sendable, desktop))
        return _merged(calls, answers)

    def _command(self, named: Mapping[str, Call], desktop: bool) -> Answer:
        """Run one remote command. Sections travel by number: a name can be a whole path, and would travel twice."""
        numbers = {str(number): name for number, name in enumerate(named)}
        calls = {number: named[name] for number, name in numbers.items()}
        go = {"direct": self._direct, "module": self._module}[way(self._wanted(), self._circumstances())]
        asked = datetime.now(UTC)
        with self._failures_told(calls), self._counted():
            told = go(calls, desktop)
            answer = _read(told, asked)
            _check_whole(numbers, answer, desktop)
        secrets = driver.secrets_of(calls)
        self.warnings += [driver.without_secrets(text, secrets) for text in told.warnings]
        sections = {
            numbers[n]: _masked(section, secrets) for n, section in answer.sections.items() if n in numbers
        }
        return replace(answer, sections=sections)

    # The two ways -----------------------------------------------------------------------------------------------

    def _direct(self, calls: Mapping[str, Call], desktop: bool) -> _Told:
        """Send frame, driver and batch through the connection. Become is never asked for: see way()."""
        environment: dict[str, t.Any] = {}
        self._action._compute_environment_string(environment)
        nonce = tokens.token_hex(8)
        batch = driver.encode(calls, desktop=desktop)
        stdin = direct.standard_input(batch, nonce, check_mode=self._check_mode, environment=environment)
        done = self._action._low_level_execute_command(direct.command_line(), in_data=stdin, sudoable=False)
        if direct.NOT_WHOLE in done["stdout"]:
            raise HostError(
                "Standard input did not reach the host whole, so that nothing was run. Run the play again; if that happens "
                "again, look at the link to the host."
            )
        try:
            reply = direct.reply(nonce, done["stdout"])
        except direct.NoAnswer as error:
            raise _Lost(_ending(done), _LOOK_DIRECT) from error
        if reply.fault:
            raise _Lost(reply.fault)
        return _Told(reply.answer, reply.warnings)

    def _module(self, calls: Mapping[str, Call], desktop: bool) -> _Told:
        """Run the driver in ansible.windows.win_powershell."""
        result: Mapping[str, t.Any] = self._action._execute_module(
            module_name="ansible.windows.win_powershell",
            module_args=driver.module_args(calls, desktop=desktop),
            task_vars=self._task_vars,
        )
        if result.get("failed"):
            raise _Lost(_why(result))
        return _Told(_last_json(result.get("output")), [str(text) for text in result.get("warning") or ()])

    # Circumstances ----------------------------------------------------------------------------------------------

    @property
    def _check_mode(self) -> bool:
        return bool(self._action._task.check_mode)

    def _wanted(self) -> t.Any:
        """Return the value of winstack_transport; of the host that the task is delegated to, if it is."""
        variables = self._task_vars
        if delegate := self._action._task.delegate_to:
            variables = (variables.get("ansible_delegated_vars") or {}).get(delegate) or {}
        return self._action._templar.template(variables.get(VARIABLE, "auto"))

    def _circumstances(self) -> Circumstances:
        connection = self._action._connection
        return Circumstances(
            connection=str(connection.transport),
            windows_shell=bool(getattr(connection._shell, "_IS_WINDOWS", False)),
            takes_input=bool(connection.has_pipelining),
            become=bool(connection.become),
            background=bool(self._action._task.async_val),
        )

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """Count what goes through the connection, whichever way sends it."""
        connection = self._action._connection
        original = connection.exec_command

        def exec_command(cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> t.Any:
            if not connection.connected:
                connection._connect()
            self.commands += 1
            self.sent += len(cmd) + len(in_data or b"")
            return original(cmd, in_data=in_data, sudoable=sudoable)

        connection.exec_command = exec_command
        try:
            yield
        finally:
            connection.exec_command = original

    @contextlib.contextmanager
    def _failures_told(self, calls: Mapping[str, Call]) -> Iterator[None]:
        """Make a sentence of whatever the connection raises; a host that cannot be reached stays unreachable."""
        before = self.commands
        try:
            yield
        except (HostError, WantError):
            raise
        except Exception as error:
            sent = self.commands > before
            unknown = sent and not self._check_mode and any(call.change for call in calls.values())
            unreachable = isinstance(error, AnsibleConnectionFailure)
            if isinstance(error, AnsibleError) and not sent or unreachable and not unknown:
                raise
            text = driver.without_secrets(_sentence(error, unknown=unknown), driver.secrets_of(calls))
            if unreachable:
                raise AnsibleConnectionFailure(text) from None
            raise HostError(text) from error


# Failures -------------------------------------------------------------------------------------------------------


class _Lost(Exception):
    """No answer came back, or none of the driver's. ``advice`` is for batches that change nothing."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


_LOOK_DIRECT: t.Final = (
    f"Look at PowerShell on the host, its policies and its antivirus log, or set {VARIABLE}: module, which takes Ansible's "
    "own way."
)
_UNKNOWN: t.Final = (
    "It is not known what of the change was done. Run the play again: it begins with a look at the host."
)


def _sentence(error: Exception, *, unknown: bool) -> str:
    """Return what happened and what to do. Nothing is ever sent a second time by the other way."""
    if isinstance(error, _Lost):
        text = f"No answer of the driver came back: {_ended(str(error))}"
    elif isinstance(error, AnsibleConnectionFailure):
        text = _ended(str(error))
    else:
        text = f"The connection failed before an answer came ({type(error).__name__}): {_ended(str(error))}"
    advice = _UNKNOWN if unknown else getattr(error, "advice", "")
    return f"{text} {advice}".rstrip()


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _ending(done: Mapping[str, t.Any]) -> str:
    """Return how the command ended, with the end of its error output, or of its output where there is none."""
    tail = " ".join((done["stderr"].strip() or done["stdout"].strip())[-_TAIL:].split())
    return f"exit code {done['rc']}, {tail or 'no output'}"


def _why(result: Mapping[str, t.Any]) -> str:
    """Return the reason of a failure: the module's own, or the error that ended the script."""
    errors = [str(error["exception"].get("message")) for error in result.get("error") or ()]
    return str(result.get("msg") or " ".join(errors) or "win_powershell gave no reason")


# Answers --------------------------------------------------------------------------------------------------------


def _last_json(output: t.Any) -> t.Any:
    """Return the last text of a script's output, read from JSON; None if there is none."""
    texts = [item for item in output or () if isinstance(item, str)]
    try:
        return json.loads(texts[-1])
    except (IndexError, ValueError):
        return None


def _read(told: _Told, asked: datetime) -> Answer:
    try:
        return driver.read(told.answer, asked, datetime.now(UTC))
    except ValueError as error:
        raise _Lost(f"what came back has another form; {error}") from error


def _check_whole(numbers: Mapping[str, str], answer: Answer, desktop: bool) -> None:
    """Raise HostError if the driver refused the batch, _Lost if a section is missing."""
    if desktop and answer.edition == "Core":
        raise HostError(
            "PowerShell on the host is edition Core, in which the module IscsiTarget does not work; nothing was run. Use the "
            "host's Windows PowerShell 5.1: remove ansible_psrp_configuration_name and ansible_pwsh_interpreter from its "
            "variables."
        )
    if missing := [name for number, name in numbers.items() if number not in answer.sections]:
        raise _Lost(f"it has no section for {', '.join(missing)}")


def _masked(section: Section, secrets: Sequence[Credential]) -> Section:
    if section.error is None:
        return section
    message = driver.without_secrets(section.error.message, secrets)
    return replace(section, error=replace(section.error, message=message))


def _stopped(calls: Mapping[str, Call], answer: Answer) -> bool:
    """Return whether a change failed."""
    return any(calls[name].change and not section.ok for name, section in answer.sections.items())


def _merged(calls: Mapping[str, Call], answers: Sequence[Answer]) -> Answer:
    """Return the answers of several commands as one; changes that were not sent are skipped."""
    told = {name: section for answer in answers for name, section in answer.sections.items()}
    first, last = answers[0], answers[-1]
    sections = {name: told.get(name, Section(skipped=True)) for name in calls}
    return Answer(sections, last.edition, first.began, last.ended, first.asked, last.answered)

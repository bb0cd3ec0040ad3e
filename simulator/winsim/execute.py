# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs what a remote command asked for against the model of its host and writes the journal.

Called in worker threads; a machine's lock is held while its model is used.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import logging
import ntpath
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from winsim import direct, driver, shellcmds
from winsim.cmdlets.trace import trace
from winsim.errors import FileError, Unmodelled
from winsim.invoke import (
    AsyncJob,
    Become,
    CommandLine,
    Invocation,
    ModuleContext,
    build_invocation,
    decode_command,
    parse_manifest,
)
from winsim.journal import Journal, Masker, no_log_names
from winsim.shellcmds import Output, Session
from winsim.world import Machine

LOG = logging.getLogger("winsim")
RunModule = Callable[[ModuleContext], dict[str, Any]]
_SERVICE_ACCOUNTS = {
    "system": "SYSTEM",
    "nt authority\\system": "SYSTEM",
    "localsystem": "SYSTEM",
    "localservice": "LocalService",
    "local service": "LocalService",
    "nt authority\\localservice": "LocalService",
    "nt authority\\local service": "LocalService",
    "networkservice": "NetworkService",
    "network service": "NetworkService",
    "nt authority\\networkservice": "NetworkService",
    "nt authority\\network service": "NetworkService",
}


class BecomeError(Exception):
    """CreateProcessAsUser of ansible's Ansible.Become refused."""


def model_modules(ctx: ModuleContext) -> dict[str, Any]:
    from winsim.modules import run_module

    result: dict[str, Any] = run_module(ctx)
    return result


@dataclass(frozen=True)
class Caller:
    """Who runs a command: the account, and what its shell was made with."""

    user: str
    environment: dict[str, str]
    directory: str | None = None


class Executor:
    """Runs commands. ``reboot(machine, delay)`` is called when something asks for a restart."""

    def __init__(
        self,
        journal: Journal,
        reboot: Callable[[Machine, int], str | None],
        run_module: RunModule = model_modules,
    ) -> None:
        self._journal = journal
        self._reboot = reboot
        self._run_module = run_module
        self._process_ids = itertools.count(2000, 4)
        self.unmodelled_seen: list[dict[str, Any]] = []

    # Entry --------------------------------------------------------------------------------------------------

    def run(self, machine: Machine, line: str, stdin: bytes, caller: Caller) -> Output:
        """Run one command line with its stdin; never raises."""
        if machine.faults.slow:
            time.sleep(machine.faults.slow)
        try:
            command = decode_command(line)
            if command.stdin_file is not None:
                stdin = machine.host.files.read(command.stdin_file)
            elif command.kind in ("powershell", "direct") and command.arguments:
                raise Unmodelled("-EncodedArguments for a script")
            output = self._command(machine, command, stdin, caller)
            return replace(output, stdout=machine.faults.spoils_answer(output.stdout))
        except Unmodelled as error:
            self.unmodelled(machine, str(error))
            return Output(b"", f"winsim: not modelled: {error}\r\n".encode(), 1)
        except Exception as error:
            LOG.error("host %s: internal error\n%s", machine.name, traceback.format_exc())
            self.unmodelled(machine, f"internal error of the simulator: {type(error).__name__}: {error}")
            return Output(b"", f"winsim: internal error: {error}\r\n".encode(), 1)

    def _command(self, machine: Machine, command: CommandLine, stdin: bytes, caller: Caller) -> Output:
        if command.kind == "bootstrap":
            return self._bootstrap(machine, stdin, caller)
        if command.kind == "direct":
            return self._direct(machine, stdin, caller)
        return self._shell(machine, command, caller)

    def unmodelled(self, machine: Machine, what: str) -> None:
        """Note loudly that something has no model."""
        what = Masker(values=tuple(machine.users.values())).text(what)
        LOG.error("UNMODELLED host %s: %s", machine.name, what)
        self.unmodelled_seen.append({"host": machine.name, "what": what})
        self._journal.add("event", machine.name, event="unmodelled", what=what)

    # Raw commands -------------------------------------------------------------------------------------------

    def _shell(self, machine: Machine, command: CommandLine, caller: Caller) -> Output:
        session = self._session(machine, caller.user, caller.environment, caller.directory)
        masker = Masker(values=tuple(machine.users.values()))
        entry = self._journal.add(
            "command", machine.name, kind="raw", text=masker.text(command.text), user=caller.user
        )
        with machine.lock:
            output = self._watching_reboots(machine, lambda: shellcmds.run(session, command))
        entry["rc"] = output.rc
        LOG.info("%s: raw command, exit code %d", machine.name, output.rc)
        return output

    def _session(
        self, machine: Machine, user: str, environment: dict[str, str], directory: str | None = None
    ) -> Session:
        return Session(
            host=machine.host,
            user=user,
            environment={**_user_environment(machine, user), **environment},
            directory=directory,
            reboot=lambda delay: self._reboot(machine, delay),
            sleep=_sleeper(machine),
        )

    def _watching_reboots(self, machine: Machine, action: Callable[[], Output]) -> Output:
        before = machine.host.boot_time
        try:
            return action()
        finally:
            if machine.host.boot_time != before:
                self._journal.add("event", machine.name, event="reboot")

    # The driver by itself -----------------------------------------------------------------------------------

    def _direct(self, machine: Machine, stdin: bytes, caller: Caller) -> Output:
        self._journal.add("command", machine.name, kind="direct", text=direct.NAME, user=caller.user)
        try:
            sent = direct.parse(stdin)
        except direct.NotWhole:
            return Output(f"{direct.NOT_WHOLE}\r\n".encode(), b"", 3)
        notes: list[dict[str, Any]] = []
        started = time.monotonic()
        with machine.lock, trace() as seen:

            def run(sent: direct.Sent) -> tuple[list[str], bool]:
                return driver.run_batch(
                    machine.host,
                    {"Batch": sent.batch},
                    sent.sensitive,
                    check_mode=sent.check_mode,
                    note=seen.noting(notes.append),
                )

            told = direct.answer(sent, run, seen.warnings)
        result = {"changed": told["changed"], "failed": told["fault"] is not None, "msg": told["fault"] or ""}
        self._note_invocation(machine, _sent(sent), result, notes, time.monotonic() - started)
        if result["failed"]:
            self.unmodelled(machine, f"{direct.NAME}: {told['fault']}")
        return Output(direct.line(told))

    # Manifests ----------------------------------------------------------------------------------------------

    def _bootstrap(self, machine: Machine, stdin: bytes, caller: Caller) -> Output:
        invocation = build_invocation(parse_manifest(stdin))
        text = f"{invocation.kind} {invocation.name}"
        self._journal.add("command", machine.name, kind=invocation.kind, text=text, user=caller.user)
        if invocation.kind in _FILE_KINDS:
            with machine.lock:
                session = self._session(machine, caller.user, caller.environment, caller.directory)
                return _FILE_KINDS[invocation.kind](session, invocation)
        try:
            user = become_user(machine, invocation.become, caller.user) if invocation.become else caller.user
        except BecomeError as error:
            return self._become_refused(machine, invocation, error)
        caller = Caller(user, {**caller.environment, **invocation.environment}, caller.directory)
        if invocation.job is not None:
            return self._start_job(machine, invocation, invocation.job, caller)
        return self._module_or_script(machine, invocation, caller)

    def _become_refused(self, machine: Machine, invocation: Invocation, error: BecomeError) -> Output:
        message = f'Exception calling "CreateProcessAsUser" with "9" argument(s): "{error}"'
        result = {"failed": True, "msg": f"failure during exec_wrapper: {message}", "exception": message}
        self._note_invocation(machine, invocation, result, [], 0.0)
        return _json_output(result, 1)

    def _module_or_script(self, machine: Machine, invocation: Invocation, caller: Caller) -> Output:
        if invocation.kind == "script":
            return self._script(machine, invocation, caller)
        result = self._module(machine, invocation, caller)
        return _json_output(result, 1 if result.get("failed") else 0)

    def _script(self, machine: Machine, invocation: Invocation, caller: Caller) -> Output:
        session = self._session(machine, caller.user, caller.environment, caller.directory)
        session.network_logon = invocation.become is None
        with machine.lock:
            output = self._watching_reboots(
                machine, lambda: shellcmds.run_powershell(session, invocation.source)
            )
        result = {"changed": True, "failed": output.rc != 0}
        self._note_invocation(machine, invocation, result, [], 0.0)
        return output

    # Modules ------------------------------------------------------------------------------------------------

    def _module(self, machine: Machine, invocation: Invocation, caller: Caller) -> dict[str, Any]:
        notes: list[dict[str, Any]] = []
        started = time.monotonic()
        with machine.lock:
            ctx = self._context(machine, invocation, caller, notes)
            before = machine.host.boot_time
            result = self._guarded(machine, ctx)
            rebooted = machine.host.boot_time != before
        self._note_invocation(machine, invocation, result, notes, time.monotonic() - started)
        if rebooted:
            self._journal.add("event", machine.name, event="reboot")
        return result

    def _context(
        self, machine: Machine, invocation: Invocation, caller: Caller, notes: list[dict[str, Any]]
    ) -> ModuleContext:
        return ModuleContext(
            host=machine.host,
            name=invocation.name,
            source=invocation.source,
            args=invocation.args,
            params={},
            check_mode=bool(invocation.ansible.get("_ansible_check_mode")),
            diff_mode=bool(invocation.ansible.get("_ansible_diff")),
            ansible=invocation.ansible,
            environment={**_user_environment(machine, caller.user), **caller.environment},
            become_user=caller.user if invocation.become else None,
            journal_note=notes.append,
            secrets=list(invocation.secrets),
            user=caller.user,
            sleep=_sleeper(machine),
            reboot=lambda delay: self._reboot(machine, delay),
        )

    def _guarded(self, machine: Machine, ctx: ModuleContext) -> dict[str, Any]:
        try:
            return self._run_module(ctx)
        except Unmodelled as error:
            self.unmodelled(machine, f"{ctx.name}: {error}")
            return {"changed": False, "failed": True, "msg": f"winsim: not modelled: {ctx.name}: {error}"}
        except Exception as error:
            LOG.error("host %s: internal error in %s\n%s", machine.name, ctx.name, traceback.format_exc())
            what = f"internal error of the simulator in {ctx.name}: {type(error).__name__}: {error}"
            self.unmodelled(machine, what)
            return {"changed": False, "failed": True, "msg": f"winsim: {what}"}

    def _note_invocation(
        self,
        machine: Machine,
        invocation: Invocation,
        result: dict[str, Any],
        notes: list[dict[str, Any]],
        seconds: float,
    ) -> None:
        masker = Masker(no_log_names(invocation.source), (*invocation.secrets, *machine.users.values()))
        LOG.info(
            "%s: %s%s changed=%s failed=%s",
            machine.name,
            invocation.name,
            " (check)" if invocation.ansible.get("_ansible_check_mode") else "",
            bool(result.get("changed")),
            bool(result.get("failed")),
        )
        hidden = bool(invocation.ansible.get("_ansible_no_log"))
        args = masker.arguments(invocation.args)
        self._journal.add(
            "invocation",
            machine.name,
            kind=invocation.kind,
            module=invocation.name,
            args="censored: no_log" if hidden else args,
            check_mode=bool(invocation.ansible.get("_ansible_check_mode")),
            diff_mode=bool(invocation.ansible.get("_ansible_diff")),
            changed=bool(result.get("changed")),
            failed=bool(result.get("failed")),
            skipped=bool(result.get("skipped")),
            msg="" if hidden else masker.text(str(result.get("msg", ""))),
            become_user=invocation.become.user if invocation.become else None,
            environment=sorted(invocation.environment),
            job=invocation.job.jid if invocation.job else None,
            notes=[] if hidden else masker.value(notes),
            ms=round(seconds * 1000, 1),
        )

    # async --------------------------------------------------------------------------------------------------

    def _start_job(self, machine: Machine, invocation: Invocation, job: AsyncJob, caller: Caller) -> Output:
        process = next(self._process_ids)
        local = f"{job.jid}.{process}"
        with machine.lock:
            session = self._session(machine, caller.user, caller.environment)
            directory = session.expand(job.directory)
            machine.host.files.mkdir(directory)
            path = ntpath.join(directory, local)
            started: dict[str, Any] = {
                "started": True,
                "finished": False,
                "results_file": path,
                "ansible_job_id": local,
                "_ansible_suppress_tmpdir_delete": True,
                "ansible_async_watchdog_pid": process,
            }
            machine.host.files.write(path, _json(started))
        watchdog = _Watchdog(machine, path, started, job.timeout)
        threading.Thread(
            target=lambda: watchdog.finish(self._module_or_script(machine, invocation, caller)),
            name=f"winsim-job-{local}",
            daemon=True,
        ).start()
        return _json_output(started, 0)


def _sent(sent: direct.Sent) -> Invocation:
    """What a command of the direct transport asked for, in the words of win_powershell."""
    return Invocation(
        kind="module",
        name=direct.NAME,
        args={"parameters": {"Batch": sent.batch}},
        ansible={"_ansible_check_mode": sent.check_mode},
        environment=sent.environment,
        secrets=sent.secrets,
    )


def _sleeper(machine: Machine) -> Callable[[float], None]:
    """Waiting that does not keep others (async_status, say) from the host."""

    def sleep(seconds: float) -> None:
        machine.lock.release()
        try:
            time.sleep(seconds)
        finally:
            machine.lock.acquire()

    return sleep


class _Watchdog:
    """async_watchdog.ps1: merges the module's result into the results file, or a failure after the timeout."""

    def __init__(self, machine: Machine, path: str, started: dict[str, Any], timeout: int) -> None:
        self._machine, self._path, self._started = machine, path, started
        self._generation = machine.generation
        self._closed = False
        self._timer = threading.Timer(timeout, self._timed_out)
        self._timer.daemon = True
        self._timer.start()

    def finish(self, output: Output) -> None:
        """Write the module's result."""
        self._timer.cancel()
        text = output.stdout.decode("utf-8", "replace")
        start, end = text.find("{"), text.rfind("}")
        if start < 0 or end < start:
            self._write(self._failure("No start of json char found in module result", text))
            return
        self._write(json.loads(text[start : end + 1]))

    def _timed_out(self) -> None:
        self._write(self._failure("timed out waiting for module completion", None))

    def _failure(self, reason: str, stdout: str | None) -> dict[str, Any]:
        message = f"failure during async watchdog: {reason}"
        return {"failed": True, "msg": message, "exception": reason, "stdout": stdout, "stderr": ""}

    def _write(self, result: dict[str, Any]) -> None:
        with self._machine.lock:
            if self._closed or self._generation != self._machine.generation:
                return
            self._closed = True
            merged = {**self._started, "finished": True, **result}
            self._machine.host.files.write(self._path, b"\xef\xbb\xbf" + _json(merged) + b"\r\n")


# become ---------------------------------------------------------------------------------------------------------


def become_user(machine: Machine, become: Become, caller: str) -> str:
    """The account that a become gives. Raises BecomeError with the text of Ansible.Become (ansible-core).

    LOGON32_LOGON_NEW_CREDENTIALS clones the caller's token: on this machine the process is still the caller's.
    """
    service = _SERVICE_ACCOUNTS.get(become.user.lower())
    if service is not None:
        return service
    if become.logon_type == "NewCredentials":
        return caller
    account = machine.account(become.user)
    if account is None:
        raise BecomeError("Some or all identity references could not be translated.")
    domain, _, name = become.user.removeprefix(".\\").rpartition("\\")
    shown = f"{domain or '.'}\\{name}"
    # Without a password Ansible.Become takes a token of the user's sessions or a S4U logon: no check is made.
    if become.password is not None and become.password != machine.users[account]:
        raise BecomeError(
            f"Failed to logon {shown} (The user name or password is incorrect, Win32ErrorCode 1326 - 0x0000052E)"
        )
    refused = machine.host.accounts.logon_error(account, machine.host.clock.now())
    if refused is not None:
        code, text = refused
        raise BecomeError(f"Failed to logon {shown} ({text}, Win32ErrorCode {code} - 0x{code:08X})")
    return account


def _user_environment(machine: Machine, user: str) -> dict[str, str]:
    """Variables that differ from the machine's own environment because of who runs."""
    base = {key.upper(): value for key, value in machine.host.env.items()}
    if base.get("USERNAME", "").lower() == user.lower():
        return {}
    profile = _PROFILES.get(user, f"C:\\Users\\{user}")
    temp = "C:\\Windows\\Temp" if user in _PROFILES else f"{profile}\\AppData\\Local\\Temp"
    return {
        "USERNAME": f"{machine.host.name}$" if user in _PROFILES else user,
        "USERPROFILE": profile,
        "APPDATA": f"{profile}\\AppData\\Roaming",
        "LOCALAPPDATA": f"{profile}\\AppData\\Local",
        "TEMP": temp,
        "TMP": temp,
    }


_PROFILES = {
    "SYSTEM": "C:\\Windows\\system32\\config\\systemprofile",
    "LocalService": "C:\\Windows\\ServiceProfiles\\LocalService",
    "NetworkService": "C:\\Windows\\ServiceProfiles\\NetworkService",
}


# Files ----------------------------------------------------------------------------------------------------------


def _failure(text: str) -> Output:
    return Output(b"", shellcmds.clixml(text), 1)


def _put(session: Session, invocation: Invocation) -> Output:
    data = b"".join(base64.b64decode(line) for line in invocation.lines.split())
    path = str(invocation.params.get("Path", ""))
    try:
        session.host.files.write(path, data)
    except FileError as error:
        return _failure(f'Exception calling "Create" with "1" argument(s): "{error}"')
    return Output(
        json.dumps({"sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest()}).encode() + b"\r\n"
    )


def _fetch(session: Session, invocation: Invocation) -> Output:
    path = str(invocation.params.get("Path", ""))
    files = session.host.files
    if files.is_dir(path):
        return Output(b"[DIR]\r\n")
    if not files.exists(path):
        return _failure(f"{path} does not exist")
    try:
        data = files.read(path)
    except FileError as error:
        return _failure(f'Exception calling ".ctor" with "4" argument(s): "{error}"')
    offset = int(invocation.params.get("Offset", 0))
    chunk = data[offset : offset + int(invocation.params.get("BufferSize", 524288))]
    return Output(base64.b64encode(chunk) + b"\r\n" if chunk else b"")


def _mkdtemp(session: Session, invocation: Invocation) -> Output:
    directory = session.expand(str(invocation.params.get("Directory", "")))
    path = ntpath.join(directory, str(invocation.params.get("Name", "")))
    if session.host.files.exists(path):
        return _failure(f"An item with the specified name {path} already exists.")
    try:
        session.host.files.mkdir(path)
    except FileError as error:
        return _failure(str(error))
    return Output(session.host.files.normalise(path).encode() + b"\r\n")


def _expand_user(session: Session, invocation: Invocation) -> Output:
    path = str(invocation.params.get("Path", ""))
    profile = session.variable("USERPROFILE") or "C:\\Users\\Default"
    if path == "~":
        path = profile
    elif path.startswith("~\\"):
        path = ntpath.join(profile, path[2:])
    return Output(path.encode() + b"\r\n")


_FILE_KINDS: dict[str, Callable[[Session, Invocation], Output]] = {
    "put": _put,
    "fetch": _fetch,
    "mkdtemp": _mkdtemp,
    "expand_user": _expand_user,
}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode(
        "utf-8", "surrogateescape"
    )


def _json_output(result: dict[str, Any], rc: int) -> Output:
    return Output(_json(result) + b"\r\n", b"", rc)

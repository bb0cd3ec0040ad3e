# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Management service: listeners, authentication, shells and commands.

Knows nothing of modules or of what commands do (see execute.py). Behaviour follows [MS-WSMV] and what ansible-core
and pywinrm need of it; limits are those of winrm/config.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import time
import uuid
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aiohttp import web

from winsim import wsman
from winsim.auth import ENCRYPTED_TYPE, PROTOCOL, BadEncryption, Denied, NegotiateSession, basic_user
from winsim.execute import Caller, Executor, RunModule, model_modules
from winsim.faults import CommandFault
from winsim.journal import Journal
from winsim.shellcmds import Output
from winsim.world import Machine, World

LOG = logging.getLogger("winsim")
MAIN_ADDRESS = "127.0.0.1"
# WinRM keeps authenticated connections; NTLM state would be lost with them.
KEEPALIVE_SECONDS = 600.0
_MAX_BODY = 512 * 1024 * 1024
_WORKERS = 32


class Dropped(Exception):
    """Cut the connection instead of answering."""


@dataclass
class Command:
    """One remote command. ``output`` is set when it is done; ``sent`` counts the bytes already received by the client."""

    id: str
    line: str
    wants_stdin: bool
    fault: CommandFault | None = None
    stdin: bytearray = field(default_factory=bytearray)
    closed: bool = False
    output: Output | None = None
    sent: list[int] = field(default_factory=lambda: [0, 0])
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Shell:
    """A remote shell of one user."""

    id: str
    user: str
    environment: dict[str, str]
    directory: str | None
    operations: int = 0
    commands: dict[str, Command] = field(default_factory=dict)


@dataclass
class Session:
    """An authenticated request: who sent it and, if its body was sealed, the session to seal the answer with."""

    user: str
    body: bytes
    sealed_by: NegotiateSession | None


class Listener:
    """The sockets of one address: HTTP and HTTPS."""

    def __init__(self, runner: web.AppRunner, address: str, tls: ssl.SSLContext | None) -> None:
        self._runner, self.address, self._tls = runner, address, tls
        self._sites: list[web.TCPSite] = []
        self.http_port = 0
        self.https_port = 0

    async def open(self, http_port: int, https_port: int) -> None:
        """Listen; port 0 chooses one."""
        self.http_port = await self._site(http_port, None)
        if self._tls is not None:
            self.https_port = await self._site(https_port, self._tls)

    async def _site(self, port: int, tls: ssl.SSLContext | None) -> int:
        site = web.TCPSite(self._runner, self.address, port, ssl_context=tls, reuse_address=True)
        await site.start()
        self._sites.append(site)
        server = site._server
        assert isinstance(server, asyncio.Server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening; connections that exist stay until the server ends."""
        sites, self._sites = self._sites, []
        for site in sites:
            await site.stop()

    @property
    def is_open(self) -> bool:
        """Whether the address accepts connections."""
        return bool(self._sites)


class Server:
    """All listeners and shells of a world."""

    def __init__(self, world: World, journal: Journal, run_module: RunModule = model_modules) -> None:
        self.world = world
        self.journal = journal
        self.executor = Executor(journal, self._reboot_wanted, run_module)
        self.shells: dict[str, dict[str, Shell]] = {name: {} for name in world.machines}
        # Deleting a shell that a reboot took is no error: the client only tidies up.
        self._lost_shells: dict[str, set[str]] = {name: set() for name in world.machines}
        self._connections: weakref.WeakKeyDictionary[asyncio.BaseTransport, dict[str, NegotiateSession]]
        self._connections = weakref.WeakKeyDictionary()
        self._transports: weakref.WeakKeyDictionary[asyncio.BaseTransport, str] = weakref.WeakKeyDictionary()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="winsim")
        self._runner: web.AppRunner | None = None
        self._listeners: dict[str, Listener] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._shutdowns: dict[str, asyncio.TimerHandle] = {}
        self.http_port = 0
        self.https_port = 0

    # Life ---------------------------------------------------------------------------------------------------

    async def start(self, http_port: int, https_port: int, tls: ssl.SSLContext | None) -> None:
        """Listen on 127.0.0.1 and on every host's own address, with the same ports."""
        self._loop = asyncio.get_running_loop()
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(
            application, keepalive_timeout=KEEPALIVE_SECONDS, access_log=None, shutdown_timeout=0.2
        )
        await self._runner.setup()
        own = [machine.listen for machine in self.world.machines.values() if machine.listen]
        for address in (MAIN_ADDRESS, *own):
            listener = Listener(self._runner, address, tls)
            await listener.open(self.http_port or http_port, self.https_port or https_port)
            self._listeners[address] = listener
            self.http_port, self.https_port = listener.http_port, listener.https_port

    async def stop(self) -> None:
        """Close everything."""
        for timer in self._shutdowns.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _spawn(self, coroutine: Callable[[], Coroutine[None, None, None]]) -> None:
        assert self._loop is not None
        task: asyncio.Task[None] = self._loop.create_task(coroutine())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Reachability -------------------------------------------------------------------------------------------

    async def sync_listeners(self) -> None:
        """Close the sockets of hosts that are down, open those of hosts that are up again."""
        for machine in self.world.machines.values():
            if not machine.reachable:
                self._abort_connections(machine)
            listener = self._listeners.get(machine.listen or "")
            if listener is None:
                continue
            if listener.is_open and not machine.reachable:
                await listener.close()
            elif not listener.is_open and machine.reachable:
                await listener.open(self.http_port, self.https_port)

    def _abort_connections(self, machine: Machine) -> None:
        for transport, name in list(self._transports.items()):
            if name == machine.name and isinstance(transport, asyncio.Transport):
                transport.abort()

    def forget(self, machine: Machine) -> None:
        """Lose all shells of a machine, as a reboot does."""
        self._lost_shells[machine.name].update(self.shells[machine.name])
        self.shells[machine.name].clear()

    # Reboots ------------------------------------------------------------------------------------------------

    def _reboot_wanted(self, machine: Machine, delay: int) -> str | None:
        """shutdown.exe /r /t <delay>; a negative delay is /a. Called in a worker thread; returns an error text."""
        assert self._loop is not None
        if machine.winrm.reboot_seconds <= 0:
            if delay < 0:
                return "Unable to abort the system shutdown because no shutdown was in progress.(1116)"
            # At once and without going away: what a client sees next is a machine that has rebooted.
            machine.host.reboot()
            return None
        if delay < 0:
            timer = self._shutdowns.pop(machine.name, None)
            if timer is None:
                return "Unable to abort the system shutdown because no shutdown was in progress.(1116)"
            self._loop.call_soon_threadsafe(timer.cancel)
            return None
        if machine.name in self._shutdowns:
            return "A system shutdown has already been scheduled.(1190)"
        self._loop.call_soon_threadsafe(self._schedule_reboot, machine, delay)
        return None

    def _schedule_reboot(self, machine: Machine, delay: float) -> None:
        assert self._loop is not None
        self._shutdowns[machine.name] = self._loop.call_later(
            delay, lambda: self._spawn(lambda: self.reboot(machine, machine.winrm.reboot_seconds))
        )

    async def reboot(self, machine: Machine, seconds: float) -> None:
        """Restart a machine now: it is away for ``seconds``, its shells and connections are gone."""
        self._shutdowns.pop(machine.name, None)
        machine.away_until = time.monotonic() + seconds
        self.forget(machine)
        await asyncio.get_running_loop().run_in_executor(self._pool, self._restart, machine)
        # Cut off last: who sees the connection break finds a machine that has restarted
        self._abort_connections(machine)
        await self.sync_listeners()
        if seconds > 0:
            await asyncio.sleep(max(0.0, machine.away_until - time.monotonic()))
            await self.sync_listeners()

    def _restart(self, machine: Machine) -> None:
        with machine.lock:
            machine.host.reboot()
        self.journal.add("event", machine.name, event="reboot")

    # HTTP ---------------------------------------------------------------------------------------------------

    def _machine(self, request: web.Request) -> Machine | None:
        assert request.transport is not None
        parts = request.path.strip("/").split("/")
        if not parts or parts[0].lower() != "wsman" or len(parts) > 2:
            return None
        if len(parts) == 2:
            return self.world.machines.get(parts[1])
        address = request.transport.get_extra_info("sockname")[0]
        machine = self.world.by_address(address)
        if machine is None and len(self.world.machines) == 1:
            return next(iter(self.world.machines.values()))
        return machine

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        machine = self._machine(request)
        if machine is None:
            return web.Response(status=404, text="no such simulated host\n")
        assert request.transport is not None
        self._transports[request.transport] = machine.name
        if not machine.reachable:
            request.transport.abort()
            return web.Response(status=503)
        try:
            return await self._answer(request, machine)
        except Dropped:
            self.journal.add("event", machine.name, event="dropped")
            request.transport.abort()
            return web.Response(status=503)

    async def _answer(self, request: web.Request, machine: Machine) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        body = await request.read()
        if machine.faults.latency:
            await asyncio.sleep(machine.faults.latency)
        operation, response = "Authenticate", self._challenge(machine)
        try:
            outcome = await self._authenticate(request, machine, body)
        except Denied as error:
            LOG.info("%s: access denied (%s)", machine.name, error)
            self.journal.add("event", machine.name, event="denied", reason=str(error))
        except BadEncryption as error:
            LOG.warning("%s: %s", machine.name, error)
            response = web.Response(status=400)
        else:
            if isinstance(outcome, web.Response):
                response = outcome
            else:
                operation, response = await self._wsman(machine, outcome)
        self._note_http(machine, operation, body, response)
        return response

    def _note_http(self, machine: Machine, operation: str, body: bytes, response: web.Response) -> None:
        answer = response.body
        self.journal.add(
            "http",
            machine.name,
            operation=operation,
            status=response.status,
            request_bytes=len(body),
            response_bytes=len(answer) if isinstance(answer, bytes) else 0,
        )

    # Authentication -----------------------------------------------------------------------------------------

    def _challenge(
        self, machine: Machine, token: bytes | None = None, scheme: str = "Negotiate"
    ) -> web.Response:
        response = web.Response(status=401)
        if token is not None:
            response.headers.add("WWW-Authenticate", f"{scheme} {base64.b64encode(token).decode()}")
            return response
        if "negotiate" in machine.winrm.auth:
            response.headers.add("WWW-Authenticate", "Negotiate")
        if "basic" in machine.winrm.auth:
            response.headers.add("WWW-Authenticate", 'Basic realm="WSMAN"')
        return response

    async def _authenticate(
        self, request: web.Request, machine: Machine, body: bytes
    ) -> Session | web.Response:
        """Who sent this, or the next step of the conversation. Raises Denied, BadEncryption."""
        assert request.transport is not None
        if machine.faults.access_denied:
            raise Denied("injected fault")
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic" and "basic" in machine.winrm.auth:
            return Session(basic_user(machine, value.strip()), body, None)
        sessions = self._connections.setdefault(request.transport, {})
        if scheme.lower() in ("negotiate", "ntlm") and "negotiate" in machine.winrm.auth:
            return self._negotiate(machine, sessions, scheme, value.strip(), request, body)
        session = sessions.get(machine.name)
        if scheme or session is None or session.user is None:
            raise Denied("no credentials" if not scheme else f"{scheme} is not offered")
        return _opened(session, request, body)

    def _negotiate(
        self,
        machine: Machine,
        sessions: dict[str, NegotiateSession],
        scheme: str,
        value: str,
        request: web.Request,
        body: bytes,
    ) -> Session | web.Response:
        session = sessions.setdefault(machine.name, NegotiateSession(machine))
        try:
            answer = session.step(base64.b64decode(value, validate=True))
        except (Denied, ValueError) as error:
            sessions.pop(machine.name, None)
            raise Denied(str(error)) from error
        if session.user is None:
            return self._challenge(machine, answer or b"", scheme)
        return _opened(session, request, body)

    # Operations ---------------------------------------------------------------------------------------------

    async def _wsman(self, machine: Machine, session: Session) -> tuple[str, web.Response]:
        """Answer an authenticated message: (name of the operation, response)."""
        if not session.body:
            # pywinrm sets up message encryption with an empty POST
            return "Authenticate", web.Response(status=200)
        status, operation, message_id = 200, "Unknown", ""
        try:
            request = wsman.parse_request(session.body)
            operation, message_id = request.operation, request.message_id
            answer = await self._operation(machine, session.user, request)
        except wsman.BadMessage as error:
            status, answer = 500, wsman.fault_response(message_id, wsman.invalid_message(str(error)))
        except wsman.WSManFault as fault:
            status, answer = 500, wsman.fault_response(message_id, fault)
        if session.sealed_by is not None:
            return operation, _raw(status, session.sealed_by.seal(answer), ENCRYPTED_TYPE)
        return operation, _raw(status, answer, wsman.CONTENT_TYPE)

    async def _operation(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        handlers = {
            wsman.CREATE: self._create,
            wsman.DELETE: self._delete,
            wsman.COMMAND: self._command,
            wsman.SEND: self._send,
            wsman.RECEIVE: self._receive,
            wsman.SIGNAL: self._signal,
        }
        if request.action == f"{wsman.IDENTIFY}/Identify":
            return wsman.identify_response(f"OS: {machine.host.os.version} SP: 0.0 Stack: 3.0")
        handler = handlers.get(request.action)
        if handler is None or (request.resource_uri and request.resource_uri != wsman.SHELL_URI):
            self.executor.unmodelled(machine, f"WS-Management {request.action} of {request.resource_uri}")
            raise wsman.not_supported(f"{request.action} {request.resource_uri}")
        return await handler(machine, user, request)

    def _shell(self, machine: Machine, request: wsman.Request) -> Shell:
        shell = self.shells[machine.name].get(request.shell_id or "")
        if shell is None:
            raise wsman.shell_not_found(request.shell_id)
        return shell

    async def _create(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        wanted = wsman.shell_request(request.body)
        shells = self.shells[machine.name]
        if sum(shell.user == user for shell in shells.values()) >= machine.winrm.max_shells:
            raise wsman.quota_shells(machine.winrm.max_shells)
        shell = Shell(str(uuid.uuid4()).upper(), user, wanted.environment, wanted.working_directory)
        shells[shell.id] = shell
        return wsman.create_response(request, shell.id, f"http://{machine.host.name}:5985/wsman")

    async def _delete(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        if request.shell_id in self._lost_shells[machine.name]:
            self._lost_shells[machine.name].discard(request.shell_id)
            return wsman.delete_response(request)
        shell = self._shell(machine, request)
        del self.shells[machine.name][shell.id]
        return wsman.delete_response(request)

    async def _command(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        shell = self._shell(machine, request)
        # WinRM does not give back an operation when a command ends, only with its shell.
        if shell.operations >= machine.winrm.max_operations:
            raise wsman.quota_operations(machine.winrm.max_operations)
        fault = machine.faults.next_command()
        if fault is not None and fault.when == "before":
            await self._strike(machine, fault)
        console = request.options.get("WINRS_CONSOLEMODE_STDIN", "TRUE").upper() == "TRUE"
        command = Command(
            str(uuid.uuid4()).upper(), wsman.command_line(request.body), wants_stdin=not console, fault=fault
        )
        shell.operations += 1
        shell.commands[command.id] = command
        if not command.wants_stdin:
            self._run(machine, shell, command)
        return wsman.command_response(request, command.id)

    async def _strike(self, machine: Machine, fault: CommandFault) -> None:
        """Carry out an injected fault; always ends the connection."""
        if fault.kind == "reboot":
            await self.reboot(machine, machine.winrm.reboot_seconds)
        raise Dropped

    def _find(self, shell: Shell, command_id: str) -> Command:
        command = shell.commands.get(command_id)
        if command is None:
            raise wsman.command_not_found(command_id)
        return command

    async def _send(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        shell = self._shell(machine, request)
        for stream in wsman.send_streams(request.body):
            command = self._find(shell, stream.command_id)
            if command.closed or not command.wants_stdin:
                raise wsman.invalid_message("the input stream of the command is closed")
            command.stdin += stream.data
            if stream.end:
                command.closed = True
                self._run(machine, shell, command)
        return wsman.send_response(request)

    async def _receive(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        shell = self._shell(machine, request)
        command = self._find(shell, wsman.receive_command_id(request.body))
        try:
            await asyncio.wait_for(command.done.wait(), request.timeout)
        except TimeoutError:
            raise wsman.timed_out() from None
        if command.fault is not None:
            fault, command.fault = command.fault, None
            await self._strike(machine, fault)
        assert command.output is not None
        return _next_output(request, command)

    async def _signal(self, machine: Machine, user: str, request: wsman.Request) -> bytes:
        shell = self._shell(machine, request)
        command_id, code = wsman.signal_command(request.body)
        command = self._find(shell, command_id)
        if code == "terminate":
            del shell.commands[command.id]
        return wsman.signal_response(request)

    # Running ------------------------------------------------------------------------------------------------

    def _run(self, machine: Machine, shell: Shell, command: Command) -> None:
        caller = Caller(shell.user, shell.environment, shell.directory)

        async def work() -> None:
            command.output = await asyncio.get_running_loop().run_in_executor(
                self._pool, self.executor.run, machine, command.line, bytes(command.stdin), caller
            )
            command.stdin.clear()
            command.done.set()

        self._spawn(work)


def _opened(session: NegotiateSession, request: web.Request, body: bytes) -> Session:
    assert session.user is not None
    if PROTOCOL in request.headers.get("Content-Type", ""):
        return Session(session.user, session.unseal(body), session)
    return Session(session.user, body, None)


def _raw(status: int, body: bytes, content_type: str) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": content_type})


def _next_output(request: wsman.Request, command: Command) -> bytes:
    """As much output as fits an envelope; the exit code with the last of it."""
    assert command.output is not None
    # base64 takes a third more, the envelope itself less than 3 KB
    room = max(4096, (request.max_envelope - 3072) * 3 // 4)
    parts = []
    for index, data in enumerate((command.output.stdout, command.output.stderr)):
        part = data[command.sent[index] : command.sent[index] + room]
        command.sent[index] += len(part)
        room -= len(part)
        parts.append(part)
    rest = len(command.output.stdout) + len(command.output.stderr) - sum(command.sent)
    return wsman.receive_response(
        request, command.id, parts[0], parts[1], command.output.rc if rest == 0 else None
    )

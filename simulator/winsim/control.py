# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint: JSON over HTTP on loopback, for tests and the command line.

Every request carries the token of the state directory (readable by its owner only). Routes:
``GET /state /journal /counters /unmodelled /faults /ports``, ``POST /reset /mark /fault /stop``,
``DELETE /faults /unmodelled``.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import urllib.error
import urllib.request
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from aiohttp import web

from winsim.faults import BadFault
from winsim.inventory import inventory
from winsim.journal import Masker
from winsim.server import MAIN_ADDRESS, Server
from winsim.world import Machine

TOKEN_FILE = "control-token"
PORTS_FILE = "ports.json"
_DEPTH = 12


class Control:
    """The control endpoint of a running server; ``stop`` is set when someone asked to end."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._token = token
        self._runner: web.AppRunner | None = None
        self.stop_wanted = asyncio.Event()
        self.ports: dict[str, Any] = {}
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1; port 0 chooses."""
        application = web.Application(middlewares=[self._guard])
        application.router.add_routes(
            [
                web.get("/ports", self._ports),
                web.get("/inventory", self._inventory),
                web.get("/state", self._state),
                web.get("/journal", self._journal),
                web.get("/counters", self._counters),
                web.get("/unmodelled", self._unmodelled),
                web.delete("/unmodelled", self._forgive),
                web.get("/faults", self._faults),
                web.delete("/faults", self._clear_faults),
                web.post("/fault", self._fault),
                web.post("/mark", self._mark),
                web.post("/reset", self._reset),
                web.post("/stop", self._stop),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, MAIN_ADDRESS, port)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.port = int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return _error(403, "a control token is needed (see the state directory)")
        try:
            response: web.StreamResponse = await handler(request)
        except KeyError as error:
            return _error(404, f"unknown: {error.args[0]}")
        except (BadFault, ValueError) as error:
            return _error(400, str(error))
        return response

    # Reading ------------------------------------------------------------------------------------------------

    def _host(self, name: str | None) -> list[Machine]:
        machines = self._server.world.machines
        return [machines[name]] if name else list(machines.values())

    async def _ports(self, request: web.Request) -> web.Response:
        return web.json_response(self.ports)

    async def _inventory(self, request: web.Request) -> web.Response:
        transport = request.query.get("transport", "mixed")
        return web.json_response(inventory(self._server.world, self.ports, transport))

    async def _state(self, request: web.Request) -> web.Response:
        found = {machine.name: _state_of(machine) for machine in self._host(request.query.get("host"))}
        return web.json_response(found)

    async def _journal(self, request: web.Request) -> web.Response:
        types = tuple(part for part in request.query.get("types", "").split(",") if part)
        self._host(request.query.get("host"))
        entries = self._server.journal.entries(
            host=request.query.get("host"), since=request.query.get("since"), types=types
        )
        return web.json_response(entries)

    async def _counters(self, request: web.Request) -> web.Response:
        names = [machine.name for machine in self._host(request.query.get("host"))]
        return web.json_response(self._server.journal.counters(names, request.query.get("since")))

    async def _unmodelled(self, request: web.Request) -> web.Response:
        return web.json_response(self._server.executor.unmodelled_seen)

    async def _faults(self, request: web.Request) -> web.Response:
        machines = self._host(request.query.get("host"))
        return web.json_response({machine.name: machine.faults.list() for machine in machines})

    # Changing -----------------------------------------------------------------------------------------------

    async def _forgive(self, request: web.Request) -> web.Response:
        self._server.executor.unmodelled_seen.clear()
        return web.json_response([])

    async def _clear_faults(self, request: web.Request) -> web.Response:
        for machine in self._host(request.query.get("host")):
            machine.faults.clear(request.query.get("kind"))
        await self._server.sync_listeners()
        return await self._faults(request)

    async def _fault(self, request: web.Request) -> web.Response:
        spec = await _body(request)
        machines = self._host(spec.pop("host", None))
        for machine in machines:
            if spec.get("kind") == "reboot" and "command" not in spec:
                await self._server.reboot(machine, machine.winrm.reboot_seconds)
            else:
                machine.faults.inject(spec)
        await self._server.sync_listeners()
        return web.json_response({machine.name: machine.faults.list() for machine in machines})

    async def _mark(self, request: web.Request) -> web.Response:
        name = str((await _body(request)).get("name") or "")
        if not name or name.isdigit():
            raise ValueError("a mark needs a name that is not a number")
        return web.json_response({"name": name, "seq": self._server.journal.mark(name)})

    async def _reset(self, request: web.Request) -> web.Response:
        spec = await _body(request)
        names = self._server.world.reset(spec.get("host"))
        for name in names:
            self._server.forget(self._server.world[name])
            if not spec.get("keep_journal"):
                self._server.journal.clear(name)
            self._server.journal.add("event", name, event="reset")
        await self._server.sync_listeners()
        return web.json_response(names)

    async def _stop(self, request: web.Request) -> web.Response:
        self.stop_wanted.set()
        return web.json_response(self._server.executor.unmodelled_seen)


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    value = json.loads(text) if text else {}
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value


# State as JSON ------------------------------------------------------------------------------------------------


def _state_of(machine: Machine) -> Any:
    with machine.lock:
        state = plain(machine.host)
    state["users"] = sorted(machine.users)
    return Masker(values=tuple(machine.users.values())).arguments(state)


def plain(value: Any, seen: frozenset[int] = frozenset()) -> Any:
    """Any object of the model as JSON: public attributes only; cycles and functions are left out."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.name
    if id(value) in seen or len(seen) > _DEPTH or callable(value):
        return None
    inside = seen | {id(value)}
    if isinstance(value, dict):
        return {str(key): plain(inner, inside) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner, inside) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(inner) for inner in value)
    return _attributes(value, inside)


def _attributes(value: Any, inside: frozenset[int]) -> Any:
    names = (
        [field.name for field in fields(value)]
        if is_dataclass(value)
        else list(getattr(value, "__dict__", {}))
    )
    if not names:
        return str(value)
    inner = {name: getattr(value, name) for name in names if not name.startswith("_") and name != "host"}
    if type(value).__name__ in ("Registry", "FileSystem"):
        # Their trees live in private attributes and are large: list the leaves
        return {**_plain_items(inner, inside), **_tree(value)}
    return _plain_items(inner, inside)


def _plain_items(items: dict[str, Any], inside: frozenset[int]) -> dict[str, Any]:
    return {name: plain(inner, inside) for name, inner in items.items() if not callable(inner)}


def _tree(value: Any) -> dict[str, Any]:
    if type(value).__name__ != "FileSystem":
        return {}
    entries = {
        path: None if node.directory else node.size
        for letter in value.volumes
        for path, node in value.walk(f"{letter}:\\")
    }
    return {"entries": entries}


# The client side ----------------------------------------------------------------------------------------------


class ControlError(Exception):
    """The control endpoint refused, or cannot be reached."""


class Client:
    """Talks to the control endpoint of a state directory."""

    def __init__(self, state: Path) -> None:
        try:
            self.ports: dict[str, Any] = json.loads((state / PORTS_FILE).read_text())
            self._token = (state / TOKEN_FILE).read_text().strip()
        except (OSError, ValueError) as error:
            raise ControlError(f"no simulator runs with the state directory {state} ({error})") from error
        # A proxy from the environment must never see the token
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; the decoded JSON answer. Raises ControlError."""
        request = urllib.request.Request(
            f"http://{MAIN_ADDRESS}:{self.ports['control']}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self._token}"},
        )
        try:
            with self._opener.open(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            try:
                message = json.load(error).get("error")
            except ValueError:
                message = None
            raise ControlError(message or f"HTTP status {error.code}") from error
        except OSError as error:
            raise ControlError(f"the simulator does not answer: {error}") from error

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests: a simulator in a thread on ephemeral ports, and real clients around it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from winsim.control import PORTS_FILE, TOKEN_FILE, Client, Control
from winsim.execute import RunModule, model_modules
from winsim.inventory import inventory
from winsim.journal import Journal
from winsim.server import Server
from winsim.tls import CA_FILE, server_context
from winsim.world import Machine, World


@dataclass
class Running:
    """A server in a thread."""

    server: Server
    state: Path
    ports: dict[str, Any]
    loop: asyncio.AbstractEventLoop = field(repr=False)

    @property
    def journal(self) -> Journal:
        return self.server.journal

    @property
    def client(self) -> Client:
        return Client(self.state)

    def machine(self, name: str) -> Machine:
        return self.server.world[name]

    def stop(self) -> None:
        """Ask the server to end."""
        self.client.call("POST", "/stop", {})

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def url(self, name: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}/wsman/{name}"

    def protocol(self, name: str = "one", scheme: str = "http", **options: Any) -> Any:
        """A pywinrm client."""
        from winrm.protocol import Protocol

        settings: dict[str, Any] = {
            "transport": "basic",
            "username": next(iter(self.machine(name).users)),
            "password": next(iter(self.machine(name).users.values())),
            "proxy": None,
            "ca_trust_path": None,
        }
        if scheme == "https":
            settings["ca_trust_path"] = str(self.state / CA_FILE)
        return Protocol(self.url(name, scheme), **{**settings, **options})


def start(
    hosts: dict[str, dict[str, Any]], state: Path, run_module: RunModule = model_modules
) -> tuple[Running, threading.Thread]:
    """Start a server on ephemeral ports; ``Running.stop`` ends it."""
    ready: threading.Event = threading.Event()
    box: dict[str, Any] = {}

    async def main() -> None:
        world = World(hosts)
        server = Server(world, Journal(), run_module)
        control = Control(server, "test-token")
        names = ["localhost", "127.0.0.1", *(str(m.listen) for m in world.machines.values() if m.listen)]
        await server.start(0, 0, server_context(state, names))
        await control.start(0)
        ports = {
            "address": "127.0.0.1",
            "http": server.http_port,
            "https": server.https_port,
            "control": control.port,
            "pid": os.getpid(),
            "ca": str(state / CA_FILE),
        }
        control.ports = ports
        (state / PORTS_FILE).write_text(json.dumps(ports))
        (state / TOKEN_FILE).write_text("test-token")
        box["running"] = Running(server, state, ports, asyncio.get_running_loop())
        ready.set()
        await control.stop_wanted.wait()
        await control.close()
        await server.stop()

    def body() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            box["error"] = error
            ready.set()
            raise

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    ready.wait(30)
    if "error" in box:
        raise box["error"]
    return box["running"], thread


# Ansible --------------------------------------------------------------------------------------------------------


def collections_path() -> str | None:
    """Where ansible.windows is: ANSIBLE_COLLECTIONS_PATH, or the checkout's collections."""
    candidates = [
        os.environ.get("ANSIBLE_COLLECTIONS_PATH", ""),
        str(Path(__file__).parents[2] / "collections"),
    ]
    for candidate in candidates:
        if candidate and (Path(candidate) / "ansible_collections/ansible/windows").is_dir():
            return candidate
    return None


@dataclass
class Ansible:
    """Runs real ansible against the simulator."""

    sim: Running
    directory: Path
    transport: str = "http"

    def inventory(self, hosts: list[str] | None = None, **variables: Any) -> Path:
        data = inventory(self.sim.server.world, self.sim.ports, self.transport)
        windows = data["all"]["children"]["windows"]
        windows["vars"].update(variables)
        for group in windows["children"].values():
            group["hosts"] = {n: v for n, v in group["hosts"].items() if hosts is None or n in hosts}
        path = self.directory / "inventory.yml"
        path.write_text(yaml.safe_dump(data))
        return path

    def play(
        self,
        tasks: list[dict[str, Any]],
        *options: str,
        hosts: list[str] | None = None,
        variables: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Run tasks; results by task name for the first host, plus ``rc`` and ``output``."""
        hosts = hosts or ["one"]
        (self.directory / "lines.py").write_text(_CALLBACK)
        playbook = self.directory / "play.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "windows", "gather_facts": False, "tasks": tasks}]))
        command = [
            *ansible_command("ansible-playbook"),
            "-i",
            str(self.inventory(hosts, **(variables or {}))),
            str(playbook),
            *options,
        ]
        done = subprocess.run(command, env=self._env(env or {}), capture_output=True, text=True, timeout=180)
        return _parse(done.stdout, done.stderr, done.returncode)

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env.update(
            ANSIBLE_STDOUT_CALLBACK="lines",
            ANSIBLE_COLLECTIONS_PATH=collections_path() or "",
            ANSIBLE_LOCAL_TEMP=str(self.directory / "tmp"),
            ANSIBLE_HOME=str(self.directory / "home"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_CALLBACK_PLUGINS=str(self.directory),
            ANSIBLE_DEPRECATION_WARNINGS="0",
        )
        return {**env, **more}


def ansible_command(name: str) -> list[str]:
    """The ansible beside this Python, or of WINSIM_TEST_ANSIBLE (a bin directory)."""
    directory = os.environ.get("WINSIM_TEST_ANSIBLE") or str(Path(sys.executable).parent)
    return [str(Path(directory) / name)]


def _parse(stdout: str, stderr: str, rc: int) -> dict[str, Any]:
    results: dict[str, Any] = {"rc": rc, "output": stdout + stderr}
    for line in stdout.splitlines():
        if line.startswith("RESULT "):
            entry = json.loads(line[7:])
            results.setdefault(entry["task"], entry["result"])
            results.setdefault("all", {}).setdefault(entry["task"], {})[entry["host"]] = entry["result"]
    return results


# Ansible's own callbacks print for people: this one prints a line of JSON per result.
_CALLBACK = """from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = '''
name: lines
type: stdout
short_description: One line of JSON per result
description: One line of JSON per result.
'''


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lines"

    def _line(self, result: Any, **more: Any) -> None:
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        values = getattr(result, "result", None) or result._result
        values = {**json.loads(self._dump_results(values, indent=None)), **more}
        print("RESULT " + json.dumps({"task": task.get_name(), "host": host.get_name(), "result": values}))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._line(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._line(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._line(result, unreachable=True)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._line(result, skipped=True)
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``winsim serve|stop|inventory|state|journal|counters|reset|mark|fault|unmodelled``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

from winsim.control import PORTS_FILE, TOKEN_FILE, Client, Control, ControlError
from winsim.faults import KINDS
from winsim.inventory import inventory, inventory_text
from winsim.journal import Journal
from winsim.server import MAIN_ADDRESS, Server
from winsim.tls import CA_FILE, server_context, write_private
from winsim.world import BadWorld, World

LOG = logging.getLogger("winsim")
PID_FILE, LOG_FILE = "pid", "log"
# Exit statuses
FAILED, UNMODELLED = 1, 3
_START_SECONDS, _STOP_SECONDS = 30.0, 15.0


def _state(arguments: argparse.Namespace) -> Path:
    return Path(arguments.state).absolute()


def _print(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


# serve --------------------------------------------------------------------------------------------------------


def _running(state: Path) -> bool:
    try:
        Client(state).call("GET", "/ports")
    except ControlError:
        return False
    return True


def _serve(arguments: argparse.Namespace) -> int:
    state = _state(arguments)
    if _running(state):
        print(f"winsim: a simulator runs already with the state directory {state}", file=sys.stderr)
        return FAILED
    if arguments.daemon:
        return _daemon(arguments, state)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    try:
        world = World.load(Path(arguments.hosts))
        return asyncio.run(_serve_world(arguments, state, world))
    except (BadWorld, OSError) as error:
        print(f"winsim: {error}", file=sys.stderr)
        return FAILED


def _daemon(arguments: argparse.Namespace, state: Path) -> int:
    """Start ``serve`` in a session of its own and wait until it is ready."""
    state.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    command = [
        sys.executable,
        "-m",
        "winsim",
        "serve",
        *_serve_options(arguments),
        "--ready-fd",
        str(writing),
    ]
    with open(state / LOG_FILE, "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(writing,),
        )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        if pipe.read(5) != "ready":
            process.wait(_START_SECONDS)
            print(f"winsim: the simulator did not start, see {state / LOG_FILE}", file=sys.stderr)
            print(_tail(state / LOG_FILE), file=sys.stderr)
            return FAILED
    ports = json.loads((state / PORTS_FILE).read_text())
    print(
        f"winsim: {len(ports['hosts'])} hosts on {MAIN_ADDRESS}, HTTP {ports['http']}, HTTPS {ports['https']}"
    )
    print(f"winsim: state directory {state}, process {ports['pid']}")
    return 0


def _tail(path: Path, lines: int = 5) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _serve_options(arguments: argparse.Namespace) -> list[str]:
    options = ["--hosts", str(Path(arguments.hosts).absolute()), "--state", str(_state(arguments))]
    for name in ("http_port", "https_port", "control_port"):
        options += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    return options + (["--verbose"] if arguments.verbose else [])


def _names(world: World) -> list[str]:
    """Everything that a client may call a host, for the certificate."""
    names = ["localhost", MAIN_ADDRESS]
    for machine in world.machines.values():
        names += [machine.name, str(machine.host.name).lower()]
        if machine.host.domain:
            names.append(f"{machine.host.name}.{machine.host.domain}".lower())
        if machine.listen:
            names.append(machine.listen)
    return names


async def _serve_world(arguments: argparse.Namespace, state: Path, world: World) -> int:
    state.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    write_private(state / TOKEN_FILE, token.encode())
    server = Server(world, Journal())
    control = Control(server, token)
    try:
        await server.start(arguments.http_port, arguments.https_port, server_context(state, _names(world)))
        await control.start(arguments.control_port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, control.stop_wanted.set)
        # Whoever reads the process id from here may send a signal at once.
        control.ports = _write_ports(state, world, server, control.port)
        LOG.info("%d hosts, HTTP %d, HTTPS %d", len(world.machines), server.http_port, server.https_port)
        _ready(arguments.ready_fd)
        await control.stop_wanted.wait()
        # Let the answer to `stop` leave
        await asyncio.sleep(0.1)
    finally:
        await control.close()
        await server.stop()
        _forget(state)
    return _verdict(server.executor.unmodelled_seen)


def _forget(state: Path) -> None:
    for name in (PORTS_FILE, PID_FILE, TOKEN_FILE):
        (state / name).unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_ports(state: Path, world: World, server: Server, control_port: int) -> dict[str, Any]:
    hosts = {name: {"path": f"/wsman/{name}", "listen": m.listen} for name, m in world.machines.items()}
    ports = {
        "address": MAIN_ADDRESS,
        "http": server.http_port,
        "https": server.https_port,
        "control": control_port,
        "pid": os.getpid(),
        "ca": str(state / CA_FILE),
        "hosts": hosts,
    }
    write_private(state / PORTS_FILE, json.dumps(ports, indent=2).encode())
    (state / PID_FILE).write_text(f"{os.getpid()}\n")
    return ports


def _ready(descriptor: int | None) -> None:
    if descriptor is not None:
        os.write(descriptor, b"ready")
        os.close(descriptor)


def _verdict(unmodelled: list[dict[str, Any]]) -> int:
    if not unmodelled:
        return 0
    print(f"winsim: {len(unmodelled)} calls had no model:", file=sys.stderr)
    for entry in unmodelled[:50]:
        print(f"winsim:   {entry['host']}: {entry['what']}", file=sys.stderr)
    return UNMODELLED


# Clients of the control endpoint ------------------------------------------------------------------------------


def _query(arguments: argparse.Namespace, *names: str) -> str:
    values = {name: getattr(arguments, name, None) for name in names}
    given = {name: value for name, value in values.items() if value}
    return f"?{urllib.parse.urlencode(given)}" if given else ""


def _stop(arguments: argparse.Namespace) -> int:
    state = _state(arguments)
    client = Client(state)
    pid = int(client.ports["pid"])
    if not _alive(pid):
        _forget(state)
        print("winsim: the simulator had ended already, its traces are removed")
        return 0
    unmodelled = client.call("POST", "/stop", {})
    ends = time.monotonic() + _STOP_SECONDS
    while (state / PID_FILE).exists() and time.monotonic() < ends:
        time.sleep(0.05)
    if (state / PID_FILE).exists():
        print(f"winsim: process {pid} does not end", file=sys.stderr)
        return FAILED
    print("winsim: stopped")
    return _verdict(unmodelled)


def _show_state(arguments: argparse.Namespace) -> int:
    _print(Client(_state(arguments)).call("GET", "/state" + _query(arguments, "host")))
    return 0


def _show_journal(arguments: argparse.Namespace) -> int:
    _print(Client(_state(arguments)).call("GET", "/journal" + _query(arguments, "host", "since", "types")))
    return 0


def _show_counters(arguments: argparse.Namespace) -> int:
    _print(Client(_state(arguments)).call("GET", "/counters" + _query(arguments, "host", "since")))
    return 0


def _mark(arguments: argparse.Namespace) -> int:
    _print(Client(_state(arguments)).call("POST", "/mark", {"name": arguments.name}))
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    body = {"host": arguments.host, "keep_journal": arguments.keep_journal}
    _print(Client(_state(arguments)).call("POST", "/reset", body))
    return 0


def _fault(arguments: argparse.Namespace) -> int:
    client = Client(_state(arguments))
    if arguments.kind == "list":
        _print(client.call("GET", "/faults" + _query(arguments, "host")))
    elif arguments.kind == "clear":
        _print(client.call("DELETE", "/faults" + _query(arguments, "host")))
    else:
        _print(client.call("POST", "/fault", _fault_spec(arguments)))
    return 0


_FAULT_OPTIONS = (
    "command",
    "when",
    "times",
    "seconds",
    "cmdlet",
    "error_type",
    "error_id",
    "message",
    "hresult",
    "class",
    "property",
    "how",
)


def _fault_spec(arguments: argparse.Namespace) -> dict[str, Any]:
    spec = {"kind": arguments.kind, "host": arguments.host}
    for name in _FAULT_OPTIONS:
        if getattr(arguments, name) is not None:
            spec[name] = getattr(arguments, name)
    return spec


def _unmodelled(arguments: argparse.Namespace) -> int:
    client = Client(_state(arguments))
    seen = client.call("GET", "/unmodelled")
    _print(seen)
    if arguments.clear:
        client.call("DELETE", "/unmodelled")
        return 0
    return UNMODELLED if seen else 0


def _inventory(arguments: argparse.Namespace) -> int:
    client = Client(_state(arguments))
    if arguments.hosts:
        data = inventory(World.load(Path(arguments.hosts)), client.ports, arguments.transport)
    else:
        data = client.call("GET", "/inventory" + _query(arguments, "transport"))
    text = inventory_text(data, arguments.format)
    if arguments.output:
        write_private(Path(arguments.output), text.encode())
    else:
        sys.stdout.write(text)
    return 0


# Arguments ----------------------------------------------------------------------------------------------------


def _port(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="winsim", description="Simulated Windows hosts behind real WinRM.")
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state", default=os.environ.get("WINSIM_STATE") or ".winsim", help="state directory"
    )
    _add_serve(commands, common)
    stop = commands.add_parser("stop", parents=[common], help="end a running simulator")
    stop.set_defaults(run=_stop)
    _add_readers(commands, common)
    _add_changers(commands, common)
    return parser


def _hosts_option(parser: argparse.ArgumentParser) -> None:
    default = os.environ.get("WINSIM_HOSTS") or "inventories/simulated/winsim.yml"
    parser.add_argument("--hosts", default=default, help="YAML file of the hosts (default: %(default)s)")


def _add_serve(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser("serve", parents=[common], help="serve the hosts of a YAML file")
    _hosts_option(serve)
    serve.add_argument(
        "--http-port", type=int, default=_port("WINSIM_HTTP_PORT", 55985), help="0 chooses one"
    )
    serve.add_argument("--https-port", type=int, default=_port("WINSIM_HTTPS_PORT", 55986))
    serve.add_argument("--control-port", type=int, default=_port("WINSIM_CONTROL_PORT", 55980))
    serve.add_argument("--daemon", action="store_true", help="go to the background; return when ready")
    serve.add_argument("--verbose", action="store_true")
    serve.add_argument("--ready-fd", type=int, default=None, help=argparse.SUPPRESS)
    serve.set_defaults(run=_serve)


def _add_readers(commands: Any, common: argparse.ArgumentParser) -> None:
    listing = commands.add_parser(
        "inventory", parents=[common], help="print an Ansible inventory of the hosts"
    )
    listing.add_argument("--hosts", help="YAML file of the hosts (default: those that the simulator serves)")
    listing.add_argument("--transport", choices=("mixed", "http", "https", "ntlm"), default="mixed")
    listing.add_argument("--format", choices=("yaml", "ini"), default="yaml")
    listing.add_argument("--output", help="write to a file (0600) instead")
    listing.set_defaults(run=_inventory)
    state = commands.add_parser("state", parents=[common], help="print the hosts' state as JSON")
    state.add_argument("--host")
    state.set_defaults(run=_show_state)
    journal = commands.add_parser("journal", parents=[common], help="print what the hosts were asked")
    journal.add_argument("--host")
    journal.add_argument("--since", help="a mark or sequence number")
    journal.add_argument("--types", help="http,command,invocation,event,mark")
    journal.set_defaults(run=_show_journal)
    counters = commands.add_parser("counters", parents=[common], help="print counters per host")
    counters.add_argument("--host")
    counters.add_argument("--since")
    counters.set_defaults(run=_show_counters)
    unmodelled = commands.add_parser(
        "unmodelled", parents=[common], help="print what had no model; status 3 if any"
    )
    unmodelled.add_argument("--clear", action="store_true", help="forget it")
    unmodelled.set_defaults(run=_unmodelled)


def _add_changers(commands: Any, common: argparse.ArgumentParser) -> None:
    mark = commands.add_parser("mark", parents=[common], help="name this moment in the journal")
    mark.add_argument("name")
    mark.set_defaults(run=_mark)
    reset = commands.add_parser("reset", parents=[common], help="put hosts back to what their YAML says")
    reset.add_argument("--host")
    reset.add_argument("--keep-journal", action="store_true")
    reset.set_defaults(run=_reset)
    fault = commands.add_parser("fault", parents=[common], help="inject a fault; `fault clear` removes all")
    fault.add_argument("kind", choices=[*KINDS, "list", "clear"])
    fault.add_argument("--host", help="default: all hosts")
    fault.add_argument("--command", type=int, dest="command_number", help="the Nth command from now")
    fault.add_argument("--when", choices=("before", "after"))
    fault.add_argument("--times", type=int)
    fault.add_argument("--seconds", type=float)
    for name in ("cmdlet", "error-type", "error-id", "message", "hresult", "class", "property", "how"):
        fault.add_argument(f"--{name}")
    fault.set_defaults(run=_fault)


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "fault":
        arguments.command = arguments.command_number
    try:
        status: int = arguments.run(arguments)
    except (ControlError, BadWorld) as error:
        print(f"winsim: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        return 0
    return status

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_wait_for and win_tempfile."""

from __future__ import annotations

import contextlib
import ntpath
import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from winsim.errors import FileError, ModuleFailure
from winsim.modules import expand, module

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

# TCP ports and the service that listens on them; WinRM's own answer as long as the module can be run.
LISTENERS = {
    135: "RpcEptMapper", 445: "LanmanServer", 3260: "WinTarget", 3389: "TermService", 5985: "WinRM", 5986: "WinRM",
    80: "W3SVC", 53: "DNS", 2179: "vmms",
}  # fmt: skip


def listening(host: Host, address: str, port: int) -> bool:
    """Whether a TCP connection from the host itself would be accepted."""
    own = address.lower() in ("localhost", "0.0.0.0", host.name.lower(), host.fqdn.lower())
    with contextlib.suppress(ValueError):  # a name: it is resolved nowhere
        own = own or host.network.has(address)
    name = LISTENERS.get(port)
    service = host.services.find(name) if own and name else None
    return service is not None and service.running


def _check_options(params: dict[str, Any]) -> None:
    state, result = params["state"].lower(), {"changed": False, "elapsed": 0}
    path, port = params["path"], params["port"]
    text = None
    if port is not None and path is not None:
        text = "port and path parameter can not both be passed to win_wait_for"
    elif params["exclude_hosts"] is not None and state != "drained":
        text = "exclude_hosts should only be with state=drained"
    elif path is not None and state in ("stopped", "drained"):
        text = f"state={state} should only be used for checking a port in the win_wait_for module"
    elif port is not None and params["regex"] is not None:
        text = "regex should by used when checking a string in a file in the win_wait_for module"
    if text:
        raise ModuleFailure(text, **result)


def _condition(host: Host, params: dict[str, Any]) -> tuple[Callable[[], bool], str]:
    """What is waited for, and the text of the failure."""
    state, path, regex = params["state"].lower(), params["path"], params["regex"]
    wanted = state in ("present", "started")
    if path is not None:

        def matches() -> bool:
            if not host.files.exists(path):
                return not wanted
            if regex is None:
                return wanted
            text = host.files.read(path).decode("utf-8", "replace")
            return (re.search(regex, text, re.IGNORECASE) is not None) == wanted

        what = f"file {path} to be {'present' if wanted else 'absent'}"
        if regex is not None:
            what = f"string regex {regex} in file {path} to {'' if wanted else 'not '}match"
        return matches, f"timeout while waiting for {what}"
    where = f"{params['host']}:{params['port']}"
    if state == "drained":
        return lambda: True, f"timeout while waiting for {where} to drain"
    verb = "start" if wanted else "stop"
    return (
        lambda: listening(host, params["host"], params["port"]) == wanted,
        f"timeout while waiting for {where} to {verb} listening",
    )


@module("ansible.windows.win_wait_for")
def win_wait_for(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Wait for a file, a text in it, or a port."""
    params, start = ctx.params, time.monotonic()
    _check_options(params)
    ctx.sleep(float(params["delay"] or 0))
    attempts = 0
    if params["path"] is None and params["port"] is None and params["state"].lower() != "drained":
        ctx.sleep(float(params["timeout"]))
    else:
        done, text = _condition(host, params)
        begin = time.monotonic()
        while True:
            attempts += 1
            if done():
                break
            ctx.sleep(float(params["sleep"]))
            if time.monotonic() - begin >= params["timeout"]:
                elapsed = time.monotonic() - start
                raise ModuleFailure(text, changed=False, elapsed=elapsed, wait_attempts=attempts)
    return {"changed": False, "elapsed": time.monotonic() - start, "wait_attempts": attempts}


@module("ansible.windows.win_tempfile")
def win_tempfile(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """A file or directory with a random name; it is new every time."""
    params = ctx.params
    folder = params["path"] or expand(ctx, "%TEMP%")
    name = expand(ctx, params["prefix"] or "") + secrets.token_hex(4) + "." + secrets.token_hex(2)[:3]
    path = ntpath.join(folder, name + expand(ctx, params["suffix"] or ""))
    try:
        if not ctx.check_mode:
            _make(host, path, directory=params["state"].lower() == "directory")
    except FileError as error:
        raise ModuleFailure(
            f"No random temporary file worked in 5 attempts. Error: {error.message}", changed=True
        ) from None
    return {"changed": True, "state": params["state"], "path": path}


def _make(host: Host, path: str, *, directory: bool) -> None:
    if directory:
        host.files.mkdir(path)
    else:
        host.files.write(path, b"")

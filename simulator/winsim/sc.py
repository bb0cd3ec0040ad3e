# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sc.exe: https://learn.microsoft.com/windows-server/administration/windows-commands/sc-config and its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winsim.errors import ServiceError, Unmodelled
from winsim.services import service_error
from winsim.w32time import CommandResult, sc_triggerinfo

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.services import Service

# The words of ``start=``, by the start type of winsim.services.
START_WORDS = {"auto": "auto", "delayed-auto": "delayed", "demand": "manual", "disabled": "disabled"}


def sc(host: Host, arguments: list[str]) -> CommandResult:
    """``sc.exe triggerinfo|config|query|start|stop <service> ...``, its arguments already split."""
    words = [word.lower() for word in arguments]
    if words[:1] == ["triggerinfo"]:
        return sc_triggerinfo(host, arguments)
    if words[:1] == ["config"] and len(words) > 1:
        return _config(host, arguments)
    if len(words) == 2 and words[0] in _CONTROLS:
        return _control(host, words[0], arguments[1])
    raise Unmodelled(f"sc.exe {' '.join(arguments)}")


def _config(host: Host, arguments: list[str]) -> CommandResult:
    """An option ends in ``=`` and its value is a word of its own."""
    name, options = arguments[1], arguments[2:]
    if [word.lower() for word in options[::2]] != ["start="] or len(options) != 2:
        raise Unmodelled(f"sc.exe {' '.join(arguments)}")
    if options[1].lower() not in START_WORDS:
        raise Unmodelled(f"sc.exe {' '.join(arguments)}: a usage text")
    try:
        host.services.set_start_type(_service(host, name).name, START_WORDS[options[1].lower()])
    except ServiceError as error:
        return _failed("OpenService", error)
    return CommandResult(0, "[SC] ChangeServiceConfig SUCCESS\r\n")


def _service(host: Host, name: str) -> Service:
    """A service by its name; sc.exe knows no display names."""
    service = host.services.get(name)
    if service.name.lower() != name.lower():
        raise service_error(1060)
    return service


def _failed(function: str, error: ServiceError) -> CommandResult:
    return CommandResult(error.code, f"[SC] {function} FAILED {error.code}:\r\n\r\n{error.message}.\r\n\r\n")


# sc.exe names the function that failed, and with ``query`` the one that called it.
_OPEN = {"query": "EnumQueryServicesStatus:OpenService"}
_CONTROLS = ("query", "start", "stop")


def _control(host: Host, verb: str, name: str) -> CommandResult:
    try:
        service = _service(host, name)
        if verb == "start":
            host.services.start(service.name)
        elif verb == "stop":
            host.services.stop(service.name)
    except ServiceError as error:
        opened = error.code == 1060
        return _failed(_OPEN.get(verb, "OpenService") if opened else f"{verb.capitalize()}Service", error)
    return CommandResult(0, _status(service))


def _status(service: Service) -> str:
    own = service.service_type == "win32_own_process"
    number = {"stopped": 1, "running": 4, "paused": 7}[service.state]
    lines = [f"TYPE               : {'10  WIN32_OWN_PROCESS' if own else '20  WIN32_SHARE_PROCESS'}  "]
    lines.append(f"STATE              : {number}  {service.state.upper()} ")
    if service.state != "stopped":
        pausable = "PAUSABLE" if service.can_pause else "NOT_PAUSABLE"
        lines.append(f"{'':24}(STOPPABLE, {pausable}, ACCEPTS_SHUTDOWN)"[8:])
    code = service.exit_code
    lines += [f"WIN32_EXIT_CODE    : {code}  (0x{code:x})", "SERVICE_EXIT_CODE  : 0  (0x0)"]
    lines += ["CHECKPOINT         : 0x0", "WAIT_HINT          : 0x0"]
    return f"\r\nSERVICE_NAME: {service.name} " + "".join(f"\r\n        {line}" for line in lines) + "\r\n"

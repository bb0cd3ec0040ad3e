# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and the clock (Microsoft.PowerShell.Management and .Utility of Windows PowerShell 5.1)."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from winsim.cmdlets import CmdletError, Enum, P, Params, PSObject, cmdlet
from winsim.cmdlets.binding import unwrap
from winsim.cmdlets.trace import warn
from winsim.errors import ServiceError, Unmodelled
from winsim.language import text

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.services import Service

_MANAGEMENT = "Microsoft.PowerShell.Management"
_COMMANDS = "Microsoft.PowerShell.Commands."
_EXCEPTION = f"{_COMMANDS}ServiceCommandException"
START_TYPES = {"Automatic": "auto", "Manual": "manual", "Disabled": "disabled"}


def service_object(host: Host, service: Service) -> PSObject:
    """System.ServiceProcess.ServiceController; a delayed start shows as Automatic."""
    shown = {"auto": "Automatic", "delayed": "Automatic", "manual": "Manual", "disabled": "Disabled"}
    properties = {
        "Name": service.name,
        "ServiceName": service.name,
        "DisplayName": service.display_name,
        "Status": Enum(service.state.capitalize()),
        "StartType": Enum(shown[service.start_type]),
        "CanStop": service.running and service.can_stop,
        "CanPauseAndContinue": service.running and service.can_pause,
        "CanShutdown": False,
        "MachineName": ".",
        "ServicesDependedOn": list(service.dependencies),
        "DependentServices": [item.name for item in host.services.depended_by(service.name)],
        "ServiceType": Enum(
            "Win32ShareProcess" if service.service_type == "win32_share_process" else "Win32OwnProcess"
        ),
    }
    return PSObject(
        "System.ServiceProcess.ServiceController",
        properties,
        "System.ServiceProcess.ServiceController",
        source=service,
    )


def _chosen(host: Host, params: Params, command: str) -> list[Service]:
    """The services meant by Name, DisplayName or InputObject; names may hold wildcards."""
    if params.get("Include") or params.get("Exclude"):
        raise Unmodelled(f"{command} -Include/-Exclude")
    if "InputObject" in params:
        return [unwrap(item) for item in params["InputObject"]]
    attribute = "display_name" if "DisplayName" in params else "name"
    found: dict[str, Service] = {}
    for pattern in params.get("DisplayName") or params.get("Name") or ["*"]:
        hits = [s for s in host.services if _like(getattr(s, attribute), pattern)]
        if not hits and not any(char in pattern for char in "*?["):
            _no_service(command, attribute, pattern)
        found.update({service.name: service for service in hits})
    return list(found.values())


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())


def _no_service(command: str, attribute: str, name: str) -> NoReturn:
    kind, word = ("Name", "service name") if attribute == "name" else ("DisplayName", "display name")
    raise CmdletError(
        _EXCEPTION,
        f"NoServiceFoundForGiven{kind},{_COMMANDS}{command}",
        f"Cannot find any service with {word} '{name}'.",
        0x80131501,
    )


def _choice(*, wide: bool = True) -> dict[str, P]:
    """The parameters by which Start-, Stop- and Restart-Service choose."""
    return {
        "Name": P("String[]", mandatory=wide, aliases=("ServiceName",), sets=("Default",)),
        "DisplayName": P("String[]", mandatory=True, sets=("DisplayName",)),
        "InputObject": P("ServiceController[]", mandatory=wide, sets=("InputObject",)),
        "Include": P("String[]"),
        "Exclude": P("String[]"),
    }


_PASS_THRU = {"PassThru": P("SwitchParameter")}


@cmdlet(
    "Get-Service",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}GetServiceCommand",
    default_set="Default",
    parameters={
        **_choice(wide=False),
        "DependentServices": P("SwitchParameter", aliases=("DS",)),
        "RequiredServices": P("SwitchParameter", aliases=("SDO", "ServicesDependedOn")),
        "ComputerName": P("String[]", aliases=("Cn",)),
    },
)
def get_service(host: Host, params: Params) -> list[Any]:
    """Services by name; one that is missing is an error."""
    for name in ("DependentServices", "RequiredServices", "ComputerName"):
        if params.get(name):
            raise Unmodelled(f"Get-Service -{name}")
    return [service_object(host, item) for item in _chosen(host, params, "GetServiceCommand")]


def _control(
    host: Host, params: Params, command: str, verb: str, action: Callable[[Service], None]
) -> list[Any]:
    """Run ``action`` on the chosen services; ``verb`` is what the message says could not be done."""
    chosen = _chosen(host, params, command)
    for service in chosen:
        try:
            action(service)
        except ServiceError as error:
            _failed(command, verb, service, error)
    return [service_object(host, item) for item in chosen] if params.switch("PassThru") else []


def _start(host: Host, service: Service) -> None:
    """Start it, with a warning in the language of Windows for every two seconds that it takes."""
    if not service.running:
        _wait(host, service, "wait_start")
    host.services.start(service.name)


def _stop(host: Host, service: Service, *, force: bool) -> None:
    if service.state != "stopped":
        _wait(host, service, "wait_stop")
    host.services.stop(service.name, force=force)


def _wait(host: Host, service: Service, name: str) -> None:
    for _ in range(service.waits):
        warn(text(host.language, name, service.display_name, service.name))


def _failed(command: str, verb: str, service: Service, error: ServiceError) -> NoReturn:
    label = f"'{service.display_name} ({service.name})'"
    if error.code == 1051:
        raise CmdletError(
            _EXCEPTION,
            f"ServiceHasDependentServices,{_COMMANDS}{command}",
            f"Cannot stop service {label} because it has dependent services. It can only be stopped if the Force "
            "flag is set.",
            0x80131501,
        )
    kind, past = {"start": ("CouldNotStartService", "started"), "stop": ("CouldNotStopService", "stopped")}[
        verb
    ]
    raise CmdletError(
        _EXCEPTION,
        f"{kind},{_COMMANDS}{command}",
        f"Service {label} cannot be {past} due to the following error: Cannot {verb} service {service.name} on "
        "computer '.'.",
        0x80131501,
    )


@cmdlet(
    "Start-Service",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}StartServiceCommand",
    default_set="InputObject",
    changes=True,
    should_process=True,
    parameters={**_choice(), **_PASS_THRU},
)
def start_service(host: Host, params: Params) -> list[Any]:
    """Start services with what they depend on."""
    return _control(host, params, "StartServiceCommand", "start", lambda s: _start(host, s))


@cmdlet(
    "Stop-Service",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}StopServiceCommand",
    default_set="InputObject",
    changes=True,
    should_process=True,
    parameters={**_choice(), **_PASS_THRU, "Force": P("SwitchParameter"), "NoWait": P("SwitchParameter")},
)
def stop_service(host: Host, params: Params) -> list[Any]:
    """Stop services; running dependants need -Force."""
    force = params.switch("Force")
    return _control(host, params, "StopServiceCommand", "stop", lambda s: _stop(host, s, force=force))


@cmdlet(
    "Restart-Service",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}RestartServiceCommand",
    default_set="InputObject",
    changes=True,
    should_process=True,
    parameters={**_choice(), **_PASS_THRU, "Force": P("SwitchParameter")},
)
def restart_service(host: Host, params: Params) -> list[Any]:
    """Stop and start services; stopped ones are started."""

    def restart(service: Service) -> None:
        try:
            _stop(host, service, force=params.switch("Force"))
        except ServiceError as error:
            _failed("RestartServiceCommand", "stop", service, error)
        _start(host, service)

    return _control(host, params, "RestartServiceCommand", "start", restart)


@cmdlet(
    "Set-Service",
    module=_MANAGEMENT,
    class_name=f"{_COMMANDS}SetServiceCommand",
    default_set="Name",
    changes=True,
    should_process=True,
    parameters={
        "Name": P(mandatory=True, aliases=("ServiceName", "SN"), sets=("Name",)),
        "InputObject": P("ServiceController", mandatory=True, sets=("InputObject",)),
        "DisplayName": P(aliases=("DN",)),
        "Description": P(),
        "StartupType": P(aliases=("StartMode", "SM", "ST"), values=("Automatic", "Manual", "Disabled")),
        "Status": P(values=("Paused", "Running", "Stopped")),
        "ComputerName": P("String[]", aliases=("cn",)),
        **_PASS_THRU,
    },
)
def set_service(host: Host, params: Params) -> list[Any]:
    """Change a service's configuration, then its state. -StartupType Automatic keeps a delayed start."""
    if params.get("ComputerName"):
        raise Unmodelled("Set-Service -ComputerName")
    service = unwrap(params["InputObject"]) if "InputObject" in params else host.services.find(params["Name"])
    if service is None or ("Name" in params and service.name.lower() != params["Name"].lower()):
        raise CmdletError(
            "System.InvalidOperationException",
            f"InvalidOperationException,{_COMMANDS}SetServiceCommand",
            f"Service {params['Name']} was not found on computer '.'.",
            0x80131509,
        )
    _configure(host, service, params)
    _change_state(host, service, params.get("Status"))
    return [service_object(host, service)] if params.switch("PassThru") else []


def _configure(host: Host, service: Service, params: Params) -> None:
    service.display_name = params.get("DisplayName", service.display_name)
    service.description = params.get("Description", service.description)
    start_type = START_TYPES[params["StartupType"].name] if "StartupType" in params else service.start_type
    # ChangeServiceConfig does not touch the delayed flag, https://learn.microsoft.com/windows/win32/api/winsvc.
    if start_type == "auto" and service.start_type == "delayed":
        start_type = "delayed"
    host.services.set_start_type(service.name, start_type)


def _change_state(host: Host, service: Service, status: Enum | None) -> None:
    if status is None or status.name == service.state.capitalize():
        return
    try:
        if status.name == "Paused":
            host.services.pause(service.name)
        elif status.name == "Stopped":
            host.services.stop(service.name)
        elif service.state == "paused":
            host.services.resume(service.name)
        else:
            host.services.start(service.name)
    except ServiceError as error:
        _failed("SetServiceCommand", "start" if status.name == "Running" else "stop", service, error)


@cmdlet(
    "Get-Date",
    module="Microsoft.PowerShell.Utility",
    class_name=f"{_COMMANDS}GetDateCommand",
    default_set="net",
    parameters={"Format": P(sets=("net",)), "UFormat": P(sets=("UFormat",)), "Date": P()},
)
def get_date(host: Host, params: Params) -> list[Any]:
    """The host's time."""
    if params:
        raise Unmodelled("Get-Date with parameters")
    return [host.clock.now()]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_service and win_service_info."""

from __future__ import annotations

import fnmatch
import re
import uuid
from typing import TYPE_CHECKING, Any

from winsim import services as scm
from winsim.basic import dotnet_type, to_str
from winsim.errors import ModuleFailure, ServiceError
from winsim.modules import expand, module
from winsim.services import Service

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

STATES = {"running": "started", "stopped": "stopped", "paused": "paused"}
_TRIGGER_TYPES = {2: "ip_address_availability", 3: "domain_join"}
_SUB_TYPES: dict[uuid.UUID, str] = {
    scm.DOMAIN_JOIN: "domain_join",
    scm.DOMAIN_LEAVE: "domain_leave",
    scm.NETWORK_ON: "network_first_ip_arrival",
    scm.NETWORK_OFF: "network_last_ip_removal",
}
# What the module can tell by itself; every one of them makes it look for changes.
_SETTINGS = (
    "description", "display_name", "dependencies", "error_control", "failure_actions",
    "failure_actions_on_non_crash_failure", "failure_command", "failure_reboot_msg", "failure_reset_period_sec",
    "load_order_group", "path", "pre_shutdown_timeout_ms", "required_privileges", "service_type", "sid_info",
    "start_mode", "state", "username", "password",
)  # fmt: skip


def account(host: Host, username: str) -> str:
    """The account name that Windows prints for a service's logon name."""
    found = host.accounts.resolve(username)
    return found[0] if found else username


def service_diff(host: Host, service: Service) -> dict[str, Any]:
    """The module's view of a service, used as ``before`` and as the base of ``after``."""
    return {
        "dependencies": list(service.dependencies),
        "description": service.description or None,
        "desktop_interact": service.desktop_interact,
        "display_name": service.display_name,
        "error_control": service.error_control,
        "failure_actions": [dict(action) for action in service.failure_actions],
        "failure_actions_on_non_crash_failure": service.failure_actions_on_non_crash_failure,
        "failure_command": service.failure_command,
        "failure_reboot_msg": service.failure_reboot_msg,
        "failure_reset_period_sec": service.failure_reset_period_sec,
        "load_order_group": service.load_order_group,
        "name": service.name,
        "path": service.path,
        "pre_shutdown_timeout_ms": service.pre_shutdown_timeout_ms,
        "required_privileges": list(service.required_privileges),
        "service_type": service.service_type,
        "sid_info": service.sid_info,
        "start_mode": service.start_type,
        "state": STATES[service.state],
        "username": account(host, service.username),
        "password": "REDACTED",
    }


class _Change:
    """One run of win_service with state other than absent."""

    def __init__(self, host: Host, ctx: ModuleContext, service: Service | None) -> None:
        self.host, self.ctx, self.service = host, ctx, service
        self.params, self.check = ctx.params, ctx.check_mode
        self.changed = False
        self.created = False
        self.after: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Apply everything; returns the after state."""
        if self.service is None:
            self._create()
        if self.service is None:
            self.after = self._imagined()
            return self.after
        self.after = service_diff(self.host, self.service)
        self._account()
        self._dependencies()
        self._texts()
        self._choices()
        self._failure_actions()
        self._desktop()
        if not self.check:
            self.host.services.save(self.service)
        self._state()
        return self.after

    def _create(self) -> None:
        name, path = self.params["name"], self.params["path"]
        if path is None:
            raise ModuleFailure(
                f"Service '{name}' is not installed, need to set 'path' to create a new service"
            )
        self.changed = self.created = True
        if not self.check:
            self.service = self.host.services.add(
                Service(name, name, start_type="auto", path=expand(self.ctx, path))
            )

    def _imagined(self) -> dict[str, Any]:
        """Check mode of a creation: typed parameters of PowerShell turn null into an empty text."""
        text = (
            "path",
            "display_name",
            "error_control",
            "service_type",
            "sid_info",
            "start_mode",
            "state",
            "username",
        )
        after = {key: self.params[key] for key in _SETTINGS if key != "password"}
        after.update({key: after[key] or "" for key in text})
        after.update(
            name=self.params["name"], password="REDACTED", desktop_interact=self.params["desktop_interact"]
        )
        return after

    def _set(self, key: str, attribute: str, value: Any, shown: Any = None) -> None:
        """One property: remember the wanted value in the diff and set it if it differs."""
        assert self.service is not None
        self.after[key] = value if shown is None else shown
        if getattr(self.service, attribute) != value:
            self.changed = True
            if not self.check:
                setattr(self.service, attribute, value)

    def _account(self) -> None:
        assert self.service is not None
        wanted = self.params["username"]
        update = self.created or self.params["update_password"] == "always"
        if wanted:
            found = self.host.accounts.resolve(wanted)
            if found is None:
                raise ServiceError("Some or all identity references could not be translated.", 1332)
            self.after["username"] = found[0]
            if found[0] != account(self.host, self.service.username):
                self.changed = update = True
                if not self.check:
                    self.service.username = "LocalSystem" if found[1] == "S-1-5-18" else found[0]
        if update and self.params["password"]:
            self.after["password"] = "CHANGED REDACTED"
            self.changed = True

    def _dependencies(self) -> None:
        assert self.service is not None
        wanted = self.params["dependencies"]
        if wanted is None:
            return
        have = list(self.service.dependencies)
        action = self.params["dependency_action"].lower()
        removed = [d for d in have if d not in wanted] if action == "set" else []
        removed = [d for d in wanted if d in have] if action == "remove" else removed
        added = [] if action == "remove" else [d for d in wanted if d not in have]
        new = [d for d in have if d not in removed] + added
        self._set("dependencies", "dependencies", new if added or removed else have)

    def _texts(self) -> None:
        assert self.service is not None
        for key in ("display_name", "path"):
            if self.params[key]:
                value = expand(self.ctx, self.params[key]) if key == "path" else self.params[key]
                self._set(key, key, value)
        for key in ("description", "load_order_group"):
            if self.params[key] is not None:
                self._set(key, key, self.params[key], self.params[key])
        for key in ("failure_command", "failure_reboot_msg"):
            if self.params[key] is not None:
                self._set(key, key, self.params[key] or None, self.params[key])

    def _choices(self) -> None:
        for key in ("error_control", "sid_info", "service_type"):
            if self.params[key]:
                self._set(key, key, self.params[key].lower())
        if self.params["start_mode"]:
            self._set("start_mode", "start_type", self.params["start_mode"].lower())
        for key in ("pre_shutdown_timeout_ms", "failure_reset_period_sec"):
            if self.params[key] is not None:
                self._set(key, key, self.params[key])
        if self.params["failure_actions_on_non_crash_failure"] is not None:
            key = "failure_actions_on_non_crash_failure"
            self._set(key, key, self.params[key])
            self.after[key] = None  # the module reads a variable that does not exist
        wanted = self.params["required_privileges"]
        if wanted is not None and self.service and set(wanted) != set(self.service.required_privileges):
            self._set("required_privileges", "required_privileges", list(wanted))

    def _failure_actions(self) -> None:
        wanted = self.params["failure_actions"]
        if wanted is not None:
            actions = [{"type": item["type"].lower(), "delay_ms": item["delay_ms"]} for item in wanted]
            self._set("failure_actions", "failure_actions", actions)

    def _desktop(self) -> None:
        wanted = bool(self.params["desktop_interact"])
        if wanted and self.after["username"] != "NT AUTHORITY\\SYSTEM":
            raise ModuleFailure("Can only set 'desktop_interact' to true when 'username' equals 'SYSTEM'")
        self._set("desktop_interact", "desktop_interact", wanted)

    def _state(self) -> None:
        assert self.service is not None
        wanted = (self.params["state"] or "").lower()
        if not wanted:
            return
        self.after["state"] = self.params["state"]
        if wanted == "restarted" or STATES[self.service.state] != wanted:
            if wanted == "paused":
                self._may_pause()
            self.changed = True
            if not self.check:
                control_service(
                    self.host, self.service, wanted, force=self.params["force_dependent_services"]
                )

    def _may_pause(self) -> None:
        assert self.service is not None
        if not self.service.can_pause or not self.service.running:
            raise ModuleFailure(
                f"failed to pause service {self.service.name}: The service does not support pausing"
            )


def control_service(host: Host, service: Service, wanted: str, *, force: bool) -> None:
    """Start-, Stop-, Restart-, Suspend- or Resume-Service with the errors that these cmdlets report."""
    shown = f"'{service.display_name} ({service.name})'"
    try:
        if wanted == "started" and service.state == "paused":
            host.services.resume(service.name)
        elif wanted == "started":
            host.services.start(service.name)
        elif wanted == "stopped":
            host.services.stop(service.name, force=force)
        elif wanted == "restarted":
            host.services.restart(service.name, force=force)
        else:
            host.services.pause(service.name)
    except ServiceError as error:
        raise _cmdlet_error(service, shown, error) from None


def _cmdlet_error(service: Service, shown: str, error: ServiceError) -> ServiceError:
    if error.code == 1051:
        text = f"Cannot stop service {shown} because it has dependent services. It can only be stopped if the Force flag is set."
    elif error.code == 1052:
        text = (
            f"Service {shown} cannot be stopped due to the following error: Cannot stop {service.name} service on "
            "computer '.'."
        )
    else:
        text = (
            f"Service {shown} cannot be started due to the following error: Cannot start service {service.name} on "
            "computer '.'."
        )
    dotnet = "Microsoft.PowerShell.Commands.ServiceCommandException"
    return ServiceError(text, error.code, dotnet)


@module("ansible.windows.win_service")
def win_service(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Create, change, control or remove a service."""
    _unsigned_options(ctx.params)
    service = host.services.find(ctx.params["name"])
    before = service_diff(host, service) if service else ""
    if (ctx.params["state"] or "").lower() == "absent":
        return _absent(host, ctx, service, before)
    if service is None and not _asks_for_change(ctx.params):
        return {"exists": False, "diff": {"before": "", "after": ""}}
    change = _Change(host, ctx, service)
    after = change.run()
    result = {"changed": change.changed, "diff": {"before": before, "after": after}}
    return {**result, **_returned(host, after, change.service)}


def _unsigned_options(params: dict[str, Any]) -> None:
    """Options whose type is a delegate of the module: ``[UInt32]value``."""
    for key in ("pre_shutdown_timeout_ms", "failure_reset_period_sec"):
        if params[key] is not None:
            params[key] = _uint32(key, params[key], "")
    for action in params["failure_actions"] or []:
        action["delay_ms"] = _uint32("delay_ms", action["delay_ms"] or 0, " found in failure_actions")


def _uint32(name: str, value: Any, where: str) -> int:
    text = to_str(value).strip()
    number = int(text, 0) if re.fullmatch(r"-?([0-9]+|0[xX][0-9a-fA-F]+)", text) else None
    if number is not None and 0 <= number < 2**32:
        return number
    reason = "Input string was not in a correct format."
    if number is not None:
        reason = "Value was either too large or too small for a UInt32."
    raise ModuleFailure(
        f"argument for {name} is of type {dotnet_type(value)} and we were unable to convert to delegate: Exception "
        f'calling "Invoke" with "1" argument(s): "Cannot convert value "{text}" to type "System.UInt32". Error: '
        f'"{reason}""{where}'
    )


def _asks_for_change(params: dict[str, Any]) -> bool:
    given = any(params[key] is not None for key in _SETTINGS)
    return given or params["desktop_interact"] or params["dependency_action"].lower() != "set"


def _absent(host: Host, ctx: ModuleContext, service: Service | None, before: Any) -> dict[str, Any]:
    if service is not None and not ctx.check_mode:
        control_service(host, service, "stopped", force=ctx.params["force_dependent_services"])
        host.services.delete(service.name)
    return {"changed": service is not None, "exists": False, "diff": {"before": before, "after": ""}}


def _returned(host: Host, after: dict[str, Any], service: Service | None) -> dict[str, Any]:
    keys = ("dependencies", "description", "desktop_interact", "display_name", "name", "path", "start_mode")
    state = after["state"].replace("_", "")
    username = after["username"]
    return {
        "exists": True,
        **{key: after[key] for key in keys},
        "username": "LocalSystem" if username == "NT AUTHORITY\\SYSTEM" else username,
        "state": "running" if state in ("restarted", "started") else state,
        "can_pause_and_continue": (service.can_pause and service.state != "stopped") if service else None,
        "depended_by": [s.name for s in host.services.depended_by(service.name)] if service else [],
    }


@module("ansible.windows.win_service_info")
def win_service_info(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """All services, one by its name, or those that match a wildcard or display name."""
    name = ctx.params["name"]
    found = [s for s in host.services if not name or s.name.lower() == name.lower()]
    if not found and name:
        found = [s for s in host.services if fnmatch.fnmatchcase(s.name.lower(), name.lower())]
    if not found and name:
        found = [s for s in host.services if s.display_name.lower() == name.lower()]
    return {"exists": bool(found), "services": [service_info(host, service) for service in found]}


def _controls(service: Service) -> list[str]:
    if service.state == "stopped":
        return []
    names = ["stop"] if service.can_stop else []
    return names + (["pause_continue"] if service.can_pause else []) + ["shutdown"]


def service_info(host: Host, service: Service) -> dict[str, Any]:
    """One entry of win_service_info."""
    base = service_diff(host, service)
    del base["password"]
    return {
        **base,
        "checkpoint": 0,
        "controls_accepted": _controls(service),
        "dependency_of": [s.name for s in host.services.depended_by(service.name)],
        "launch_protection": service.launch_protection,
        "preferred_node": None,
        "process_id": service.process_id,
        "service_exit_code": 0,
        "service_flags": [],
        "triggers": [_trigger(trigger) for trigger in host.services.triggers(service.name)],
        "wait_hint_ms": 0,
        "win32_exit_code": service.exit_code,
    }


def _trigger(trigger: scm.Trigger) -> dict[str, Any]:
    return {
        "action": "start_service" if trigger.action == scm.ACTION_START else "stop_service",
        "type": _TRIGGER_TYPES.get(trigger.type),  # the module names no other types
        "sub_type": _SUB_TYPES.get(trigger.subtype, "custom"),
        "sub_type_guid": str(trigger.subtype),
        "data_items": [],
    }

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows services of a simulated host: the service control manager and its registry keys.

Start types are ``auto``, ``delayed``, ``manual`` and ``disabled``; states are ``running``, ``stopped`` and
``paused``. The registry key ``HKLM:\\SYSTEM\\CurrentControlSet\\Services\\<name>`` is the stored configuration: it
is written by every change here, and read again at boot, so that a change made by hand in the registry counts after
a reboot, as on Windows. Triggers live only there (subkey ``TriggerInfo``), where ``sc.exe triggerinfo`` puts them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winsim.errors import RegistryError, ServiceError
from winsim.service_table import BASE_SERVICES, ServiceRow

if TYPE_CHECKING:
    from winsim.registry import Registry

SERVICES_KEY = "HKLM:\\SYSTEM\\CurrentControlSet\\Services"
START_NUMBERS = {"auto": 2, "delayed": 2, "manual": 3, "disabled": 4}

# SERVICE_TRIGGER, https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_trigger
TRIGGER_NETWORK, TRIGGER_DOMAIN, TRIGGER_SYSTEM_STATE = 2, 3, 7
ACTION_START, ACTION_STOP = 1, 2
DOMAIN_JOIN = uuid.UUID("1ce20aba-9851-4421-9430-1ddeb766e809")
DOMAIN_LEAVE = uuid.UUID("ddaf516e-58c2-4866-9574-c3b615d42ea1")
NETWORK_ON = uuid.UUID("4f27f2de-14e2-430b-a549-7cd48cbc8245")
NETWORK_OFF = uuid.UUID("cc4ba62a-162e-4648-847a-b6bdf993e335")
SYSTEM_STATE = uuid.UUID("2d7a2816-0c5e-45fc-9ce7-570e5ecde9c9")

# Texts of FormatMessage for the Win32 codes of winerror.h.
MESSAGES = {
    2: "The system cannot find the file specified",
    5: "Access is denied",
    87: "The parameter is incorrect",
    1051: "A stop control has been sent to a service that other running services are dependent on",
    1052: "The requested control is not valid for this service",
    1053: "The service did not respond to the start or control request in a timely fashion",
    1056: "An instance of the service is already running",
    1057: "The account name is invalid or does not exist, or the password is invalid for the account name specified",
    1058: "The service cannot be started, either because it is disabled or because it has no enabled devices "
    "associated with it",
    1059: "Circular service dependency was specified",
    1060: "The specified service does not exist as an installed service",
    1062: "The service has not been started",
    1068: "The dependency service or group failed to start",
    1073: "The specified service already exists",
    1075: "The dependency service does not exist or has been marked for deletion",
}


def service_error(code: int) -> ServiceError:
    """The ServiceError of a Win32 code with Windows' own text."""
    return ServiceError(MESSAGES.get(code, f"Unknown error (0x{code:x})"), code)


@dataclass(frozen=True)
class Trigger:
    """A service trigger: ``type`` 2 network, 3 domain, 7 system state; ``action`` 1 start, 2 stop; ``subtype`` a GUID."""

    type: int
    action: int
    subtype: uuid.UUID


DOMAIN_TRIGGERS = [
    Trigger(TRIGGER_DOMAIN, ACTION_START, DOMAIN_JOIN),
    Trigger(TRIGGER_DOMAIN, ACTION_STOP, DOMAIN_LEAVE),
]
NETWORK_TRIGGERS = [
    Trigger(TRIGGER_NETWORK, ACTION_START, NETWORK_ON),
    Trigger(TRIGGER_NETWORK, ACTION_STOP, NETWORK_OFF),
]


NEVER_STARTED = 1077  # ERROR_SERVICE_NEVER_STARTED since the boot


_STATE_TRIGGER = Trigger(TRIGGER_SYSTEM_STATE, ACTION_START, SYSTEM_STATE)


def time_triggers(release: str) -> list[Trigger]:
    """The triggers that W32Time has on a fresh server.

    KB 2385818 is about 2012 R2: joined to a domain starts it, not joined stops it. Since 2016 there is the start alone
    (KB 3201265); newer builds have one of type 7 besides, since which one is [?].
    """
    if release == "2012r2":
        return DOMAIN_TRIGGERS
    return [DOMAIN_TRIGGERS[0], *([] if release in ("2016", "2019") else [_STATE_TRIGGER])]


@dataclass
class Service:
    """One service. ``dependencies`` are the names of services that it needs.

    ``exit_code`` is the Win32 code of the last end or of a start that failed. ``waits``: how often Start-, Stop- and
    Restart-Service write that they wait for it (every two seconds on Windows).
    """

    name: str
    display_name: str
    state: str = "stopped"
    start_type: str = "manual"
    username: str = "LocalSystem"
    dependencies: list[str] = field(default_factory=list)
    description: str = ""
    path: str = ""
    can_pause: bool = False
    can_stop: bool = True
    desktop_interact: bool = False
    service_type: str = "win32_own_process"
    error_control: str = "normal"
    load_order_group: str = ""
    failure_actions: list[dict[str, object]] = field(default_factory=list)
    failure_actions_on_non_crash_failure: bool = False
    failure_command: str | None = None
    failure_reboot_msg: str | None = None
    failure_reset_period_sec: int = 0
    pre_shutdown_timeout_ms: int = 180000
    required_privileges: list[str] = field(default_factory=list)
    sid_info: str = "none"
    launch_protection: str = "none"
    update_password_count: int = 0
    idle_stop: bool = False
    process_id: int = 0
    fail_start: int = 0
    exit_code: int = NEVER_STARTED
    waits: int = 0
    on_start: list[Callable[[], None]] = field(default_factory=list, repr=False)
    on_stop: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def running(self) -> bool:
        """Whether the service runs now."""
        return self.state == "running"


class ServiceManager:
    """The service control manager. Errors are ServiceError with the Win32 code."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._services: dict[str, Service] = {}
        self._next_pid = 1000
        self.program_exists: Callable[[str], bool] = lambda path: True

    # Reading ------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Service]:
        return iter(sorted(self._services.values(), key=lambda service: service.name.lower()))

    def find(self, name: str) -> Service | None:
        """A service by its name or display name (case-insensitive), or None."""
        service = self._services.get(name.lower())
        if service is not None:
            return service
        return next((s for s in self if s.display_name.lower() == name.lower()), None)

    def get(self, name: str) -> Service:
        """As ``find``; ServiceError 1060 if there is none."""
        service = self.find(name)
        if service is None:
            raise service_error(1060)
        return service

    def depended_by(self, name: str) -> list[Service]:
        """Services that need ``name``."""
        return [s for s in self if name.lower() in (d.lower() for d in s.dependencies)]

    def triggers(self, name: str) -> list[Trigger]:
        """The triggers of a service as its registry key has them."""
        key = f"{self.key(name)}\\TriggerInfo"
        found = []
        for sub in self._registry.subkeys(key):
            action = self._registry.data(f"{key}\\{sub}", "Action")
            kind = self._registry.data(f"{key}\\{sub}", "Type")
            guid = self._registry.data(f"{key}\\{sub}", "GUID")
            if isinstance(action, int) and isinstance(kind, int) and isinstance(guid, bytes):
                found.append(Trigger(kind, action, uuid.UUID(bytes_le=guid)))
        return found

    def key(self, name: str) -> str:
        """The registry key of a service."""
        return f"{SERVICES_KEY}\\{name}"

    # Configuration ------------------------------------------------------------------------------------------

    def add(self, service: Service, triggers: list[Trigger] | None = None) -> Service:
        """Register a service (installing a product or a feature does this); 1073 if the name is taken."""
        if service.name.lower() in self._services:
            raise service_error(1073)
        self._services[service.name.lower()] = service
        self.save(service)
        if triggers:
            self.set_triggers(service.name, triggers)
        if service.running:
            service.exit_code = 0
            self._assign_pid(service)
        return service

    def add_row(self, row: ServiceRow) -> Service:
        """Register a service of the table in ``service_table``."""
        return self.add(
            Service(
                row.name,
                row.display_name,
                state="running" if row.running else "stopped",
                start_type=row.start_type,
                username=row.username,
                dependencies=list(row.dependencies),
                description=row.description,
                path=row.path,
                can_pause=row.can_pause,
                can_stop=row.can_stop,
                idle_stop=row.idle_stop,
                service_type="win32_share_process" if "svchost" in row.path else "win32_own_process",
            )
        )

    def delete(self, name: str) -> None:
        """Remove a service and its registry key."""
        service = self.get(name)
        del self._services[service.name.lower()]
        self._registry.delete(self.key(service.name))

    def save(self, service: Service) -> None:
        """Write the configuration of a service to its registry key."""
        key = self.key(service.name)
        put = self._registry.set
        put(key, "Start", START_NUMBERS[service.start_type], "dword")
        put(key, "Type", 0x20 if service.service_type == "win32_share_process" else 0x10, "dword")
        put(
            key, "ErrorControl", {"ignore": 0, "normal": 1, "severe": 2, "critical": 3}[service.error_control]
        )
        put(key, "DisplayName", service.display_name, "string")
        put(key, "ObjectName", service.username, "string")
        put(key, "ImagePath", service.path, "expandstring")
        self._save_optional(key, service)

    def _save_optional(self, key: str, service: Service) -> None:
        optional: list[tuple[str, str | int | list[str], str]] = [
            ("Description", service.description, "string"),
            ("DependOnService", service.dependencies, "multistring"),
            ("DelayedAutostart", int(service.start_type == "delayed"), "dword"),
        ]
        for name, data, kind in optional:
            if data:
                self._registry.set(key, name, data, kind)
            else:
                self._registry.delete_value(key, name)

    def set_triggers(self, name: str, triggers: list[Trigger]) -> None:
        """Replace the triggers of a service (an empty list removes them, as ``sc triggerinfo <n> delete``)."""
        key = f"{self.key(self.get(name).name)}\\TriggerInfo"
        self._registry.delete(key)
        for index, trigger in enumerate(triggers):
            self._registry.set(f"{key}\\{index}", "Type", trigger.type, "dword")
            self._registry.set(f"{key}\\{index}", "Action", trigger.action, "dword")
            self._registry.set(f"{key}\\{index}", "GUID", trigger.subtype.bytes_le, "binary")

    def set_start_type(self, name: str, start_type: str) -> None:
        """Change the start type; 87 for an unknown one."""
        if start_type not in START_NUMBERS:
            raise service_error(87)
        service = self.get(name)
        service.start_type = start_type
        self.save(service)

    # Control ------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start a service with its dependencies; nothing happens if it runs."""
        service = self.get(name)
        if service.running:
            return
        if service.start_type == "disabled":
            raise service_error(1058)
        if service.fail_start:
            service.exit_code = service.fail_start
            raise service_error(service.fail_start)
        self._start_dependencies(service)
        if not self.program_exists(service.path):
            raise service_error(2)
        service.state, service.exit_code = "running", 0
        self._assign_pid(service)
        for callback in service.on_start:
            callback()

    def _start_dependencies(self, service: Service) -> None:
        for needed in service.dependencies:
            if self.find(needed) is None:
                raise service_error(1075)
            try:
                self.start(needed)
            except ServiceError as error:
                raise service_error(1068) from error

    def stop(self, name: str, *, force: bool = False) -> None:
        """Stop a service; running dependants are an error (1051) unless ``force`` stops them first."""
        service = self.get(name)
        if service.state == "stopped":
            return
        if not service.can_stop:
            raise service_error(1052)
        running = [s for s in self.depended_by(service.name) if s.state != "stopped"]
        if running and not force:
            raise service_error(1051)
        for dependant in running:
            self.stop(dependant.name, force=True)
        service.state, service.process_id = "stopped", 0
        for callback in service.on_stop:
            callback()

    def restart(self, name: str, *, force: bool = False) -> None:
        """Stop and start; with ``force`` the dependants that ran are started again."""
        service = self.get(name)
        running = [s.name for s in self.depended_by(service.name) if s.running]
        self.stop(name, force=force)
        self.start(name)
        for dependant in running:
            self.start(dependant)

    def pause(self, name: str) -> None:
        """Pause a running service; 1052 if it does not accept that, 1062 if it does not run."""
        service = self.get(name)
        if service.state == "stopped":
            raise service_error(1062)
        if not service.can_pause:
            raise service_error(1052)
        service.state = "paused"

    def resume(self, name: str) -> None:
        """Continue a paused service."""
        service = self.get(name)
        if service.state == "stopped":
            raise service_error(1062)
        service.state = "running"

    def _assign_pid(self, service: Service) -> None:
        service.process_id = self._next_pid
        self._next_pid += 4

    # Boot ---------------------------------------------------------------------------------------------------

    def boot(self, *, domain_member: bool, network: bool) -> None:
        """Stop everything, read the registry, start what starts by itself, then let the triggers fire."""
        for service in self:
            service.state, service.process_id, service.exit_code = "stopped", 0, NEVER_STARTED
            for callback in service.on_stop:
                callback()
            self._load(service)
        for service in self:
            if service.start_type in ("auto", "delayed") and not service.idle_stop:
                self._try_start(service)
        for service in self:
            self._fire_triggers(service, domain_member=domain_member, network=network)

    def _load(self, service: Service) -> None:
        start = self._registry.data(self.key(service.name), "Start")
        delayed = self._registry.data(self.key(service.name), "DelayedAutostart")
        if start == 2:
            service.start_type = "delayed" if delayed else "auto"
        elif start in (3, 4):
            service.start_type = "manual" if start == 3 else "disabled"

    def _try_start(self, service: Service) -> None:
        try:
            self.start(service.name)
        except (ServiceError, RegistryError):
            service.state = "stopped"  # Windows writes an event and goes on booting

    def _fire_triggers(self, service: Service, *, domain_member: bool, network: bool) -> None:
        fires = {DOMAIN_JOIN: domain_member, DOMAIN_LEAVE: not domain_member, NETWORK_ON: network}
        for trigger in self.triggers(service.name):
            if not fires.get(trigger.subtype, False):
                continue
            if trigger.action == ACTION_START and service.start_type != "disabled":
                self._try_start(service)
            elif trigger.action == ACTION_STOP and service.state != "stopped":
                self.stop(service.name, force=True)

    def load_base(self, *, domain_member: bool, core: bool = True, release: str = "2022") -> None:
        """Register the services that every Windows Server of a release has."""
        for row in BASE_SERVICES:
            service = self.add_row(row)
            if row.name == "W32Time":
                self.set_triggers(row.name, time_triggers(release))
                self.set_start_type(row.name, "auto" if domain_member else "manual")
            elif row.name == "Netlogon" and domain_member:
                self.set_start_type(row.name, "auto")
            if core and row.name in ("Audiosrv", "Themes"):
                self.delete(service.name)

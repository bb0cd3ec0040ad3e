# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Windows host: everything that a machine is, as plain Python objects.

``Host.from_config`` builds one from the mapping that the hosts' YAML holds; building it again is a reset. Parts of
other packages (``iscsi``, ``w32time``) attach themselves through a class that takes the host.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from winsim import cluster, hostfile, pending
from winsim.accounts import Accounts
from winsim.checks import check_keys, one_of, truth
from winsim.errors import WinError
from winsim.features import Feature, FeatureManager
from winsim.files import FileSystem, parse_size
from winsim.firewall import Firewall, target_rule
from winsim.language import LANGUAGES
from winsim.network import Network
from winsim.registry import Registry, RegKey
from winsim.service_table import FEATURE_SERVICES
from winsim.services import ServiceManager

if TYPE_CHECKING:
    from winsim.cluster import Cluster
    from winsim.faults import HostFaults
    from winsim.iscsi import IscsiTarget
    from winsim.w32time import W32Time

# release: (version, build, caption without edition, PowerShell version)
# https://learn.microsoft.com/windows/release-health/windows-server-release-info
RELEASES: dict[str, tuple[str, int, str, str]] = {
    "2012r2": ("6.3.9600", 9600, "Microsoft Windows Server 2012 R2", "4.0"),
    "2016": ("10.0.14393", 14393, "Microsoft Windows Server 2016", "5.1.14393.5582"),
    "2019": ("10.0.17763", 17763, "Microsoft Windows Server 2019", "5.1.17763.3770"),
    "2022": ("10.0.20348", 20348, "Microsoft Windows Server 2022", "5.1.20348.2849"),
    "2025": ("10.0.26100", 26100, "Microsoft Windows Server 2025", "5.1.26100.2161"),
}
# edition: (words after the release, OperatingSystemSKU, installation type)
EDITIONS: dict[str, tuple[str, int, str]] = {
    "datacenter": (" Datacenter", 8, "Server"),
    "datacenter-core": (" Datacenter", 8, "Server Core"),
    "standard": (" Standard", 7, "Server"),
    "standard-core": (" Standard", 7, "Server Core"),
    "hyperv": (" Hyper-V Server", 42, "Server Core"),
    "nano": (" Datacenter", 143, "Nano Server"),
}
CONFIG_KEYS = {
    "computer_name", "os", "edition", "domain", "listen", "users", "volumes", "addresses", "clock_offset",
    "features", "services", "files", "registry", "iscsi", "environment", "memory", "processors", "description",
    "domain_role", "language", "ps_edition", "filtered_token", "reboot_pending", "cluster",
}  # fmt: skip
PS_EDITIONS = ("Desktop", "Core")
TARGET_FEATURE = "FS-iSCSITarget-Server"
# Win32_ComputerSystem.DomainRole; the workstations' 0 and 1 are no servers.
STANDALONE, MEMBER, BACKUP_CONTROLLER, PRIMARY_CONTROLLER = 2, 3, 4, 5
_TOKEN_POLICY = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"


@dataclass(frozen=True)
class OsInfo:
    """The operating system. ``product_type`` 3 is a server, 2 a domain controller, 1 a workstation."""

    release: str
    version: str
    build: int
    caption: str
    edition: str
    product_type: int = 3
    sku: int = 8
    installation_type: str = "Server"
    powershell: str = "5.1.20348.2849"

    @classmethod
    def of(cls, release: str, edition: str = "datacenter") -> OsInfo:
        """The description of a release (2012r2, 2016, 2019, 2022, 2025) in an edition."""
        if release not in RELEASES:
            raise ValueError(f"unknown Windows Server release {release!r}; known: {', '.join(RELEASES)}")
        if edition not in EDITIONS:
            raise ValueError(f"unknown edition {edition!r}; known: {', '.join(EDITIONS)}")
        version, build, caption, powershell = RELEASES[release]
        words, sku, kind = EDITIONS[edition]
        return cls(release, version, build, caption + words, edition, 3, sku, kind, powershell)


class Clock:
    """The host's clock: the real time plus an offset in seconds."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """The host's time, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def filetime(self) -> int:
        """The host's time in 100 ns since 1601, as FILETIME."""
        return filetime(self.now())


def filetime(when: datetime) -> int:
    """A point in time in 100 ns since 1601-01-01 UTC."""
    return int((when - datetime(1601, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 10


@dataclass
class Process:
    """A process that stays (started by win_command with ``&``, by async, ...)."""

    pid: int
    name: str
    command_line: str = ""
    user: str = ""


@dataclass
class Hardware:
    """What setup and Win32_ComputerSystem say of the machine; memory in bytes."""

    memory: int = 8 * 1024**3
    processors: int = 4
    vendor: str = "Microsoft Corporation"
    model: str = "Virtual Machine"
    processor: str = "Intel(R) Xeon(R) Gold 6226 CPU @ 2.70GHz"
    serial: str = "6420-8357-1122-3344-5566-7788-99"
    uuid: str = "7D4A8C1E-35B0-4E21-9B2B-6A6F5D2C9E10"
    extra: dict[str, Any] = field(default_factory=dict)


class Host:
    """One simulated machine; see the attributes set in ``__init__``."""

    def __init__(
        self,
        name: str,
        *,
        os: OsInfo | None = None,
        domain: str | None = None,
        users: Mapping[str, str] | None = None,
        clock_offset: float = 0.0,
        unavailable_features: tuple[str, ...] = (),
        domain_role: int | None = None,
        language: str = "en",
    ) -> None:
        self.name = name
        self.os = os or OsInfo.of("2022")
        self.domain = domain
        self.domain_role = _role(domain, domain_role)
        if self.is_controller:
            self.os = replace(self.os, product_type=2)
        self.language = language
        self.ps_edition = "Desktop"
        self.filtered_token = False
        self.cluster: Cluster | None = None
        self.clock = Clock(clock_offset)
        self.boot_time: datetime = self.clock.now() - timedelta(hours=1)
        self.reboots = 0
        self.users: dict[str, str] = dict(users or {"Administrator": "Passw0rd!"})
        self.accounts = Accounts(name, self.users)
        self.hardware = Hardware()
        self.env = _environment(self)
        self.registry = Registry()
        self.files = FileSystem(self.clock.now, lambda: self.env)
        self.services = ServiceManager(self.registry)
        self.features = FeatureManager(self.os.release, self.os.edition, unavailable=unavailable_features)
        self.network = Network()
        self.processes: list[Process] = []
        self.pending_name: str | None = None
        self.reboot_pending_reasons: set[str] = set()
        self.extra: dict[str, Any] = {}
        self.faults: HostFaults | None = None
        self._load_base()
        self.firewall = Firewall(self.registry)
        self.firewall.load_base()
        self.iscsi: IscsiTarget = _attach("winsim.iscsi", "IscsiTarget", self)
        self.w32time: W32Time = _attach("winsim.w32time", "W32Time", self)

    def _load_base(self) -> None:
        _base_registry(self)
        self.accounts.service_names = lambda: [service.name for service in self.services]
        self.services.program_exists = self._program_exists
        self.services.load_base(
            domain_member=self.domain is not None, core="core" in self.os.edition, release=self.os.release
        )
        self.features.on_installed.append(self._feature_installed)
        self.features.on_removed.append(self._feature_removed)
        self.features.on_pending.append(lambda: pending.note(self.registry, ["servicing"]))

    # Life ---------------------------------------------------------------------------------------------------

    @property
    def user(self) -> str:
        """The account that a WinRM logon of this host usually has: its first user."""
        return next(iter(self.users), "Administrator")

    @property
    def fqdn(self) -> str:
        """Computer name, with the domain if there is one, in the case in which DNS is asked."""
        return f"{self.name}.{self.domain}" if self.domain else self.name

    @property
    def reboot_pending(self) -> bool:
        """Whether Windows waits for a restart."""
        noted = bool(self.reboot_pending_reasons) or bool(pending.found(self.registry))
        return noted or self.features.reboot_pending

    @property
    def is_controller(self) -> bool:
        """Whether the host is a domain controller."""
        return self.domain_role in (BACKUP_CONTROLLER, PRIMARY_CONTROLLER)

    @property
    def elevated(self) -> bool:
        """Whether a network logon has the administrator's full token.

        In a workgroup local administrators get a filtered one, but for the built-in account and where
        LocalAccountTokenFilterPolicy is 1:
        https://learn.microsoft.com/troubleshoot/windows-server/windows-security/user-account-control-and-remote-restriction
        """
        policy = self.registry.data(_TOKEN_POLICY, "LocalAccountTokenFilterPolicy")
        return not self.filtered_token or policy == 1

    def reboot(self) -> None:
        """Restart at once: pending names and features are applied, services and triggers start anew."""
        self.reboots += 1
        self.processes.clear()
        self.reboot_pending_reasons.clear()
        pending.clear(self.registry)
        if self.pending_name:
            self.rename(self.pending_name)
        self.features.boot()
        self.iscsi.boot()
        self.services.boot(domain_member=self.domain is not None, network=bool(self.network.external()))
        before = self.boot_time
        self.boot_time = max(self.clock.now(), before + timedelta(seconds=1))

    def rename(self, name: str) -> None:
        """The computer name, as it counts after the restart."""
        self.name, self.pending_name = name, None
        self.accounts.computer = name
        self.env["COMPUTERNAME"] = name.upper()

    def uptime(self) -> float:
        """Seconds since the start."""
        return max(0.0, (self.clock.now() - self.boot_time).total_seconds())

    def _feature_installed(self, feature: Feature) -> None:
        if feature.name == TARGET_FEATURE:
            self.firewall.add(target_rule(self.language))
        for row in FEATURE_SERVICES.get(feature.name, ()):
            if self.services.find(row.name) is None:
                self._place_program(row.path)
                self.services.add_row(row)

    def _program_exists(self, command_line: str) -> bool:
        """Whether CreateProcess finds the program of a service: quoted, or cut at every blank in turn."""
        if "C" not in self.files.volumes or not command_line:
            return True
        return any(self.files.is_file(path) for path in _programs(command_line))

    def _place_program(self, command_line: str) -> None:
        """Put the program of a service of Windows itself where its command line says."""
        if "C" in self.files.volumes and not self._program_exists(command_line):
            path = next(path for path in _programs(command_line) if path.lower().endswith(".exe"))
            self.files.mkdir(path.rpartition("\\")[0])
            self.files.write(path, b"MZ")

    def _feature_removed(self, feature: Feature) -> None:
        if feature.name == TARGET_FEATURE:
            self.firewall.remove(target_rule(self.language))
        for row in FEATURE_SERVICES.get(feature.name, ()):
            if self.services.find(row.name) is not None:
                self.services.stop(row.name, force=True)
                self.services.delete(row.name)

    # Configuration ------------------------------------------------------------------------------------------

    @classmethod
    def from_config(cls, name: str, config: Mapping[str, Any]) -> Host:
        """A host from its YAML mapping; ``name`` is the URL name, the default of ``computer_name``.

        Raises ValueError for keys and values that mean nothing.
        """
        check_keys(f"host {name}", config, CONFIG_KEYS)
        features = config.get("features") or {}
        host = cls(
            str(config.get("computer_name") or name.upper()[:15]),
            os=OsInfo.of(str(config.get("os", "2022")).lower(), str(config.get("edition", "datacenter"))),
            domain=config.get("domain"),
            users={str(k): str(v) for k, v in (config.get("users") or {}).items()} or None,
            clock_offset=float(config.get("clock_offset", 0)),
            unavailable_features=tuple(features.get("unavailable", ())),
            domain_role=config.get("domain_role"),
            language=one_of("language", config.get("language", "en"), LANGUAGES),
        )
        try:
            host._configure(config, features)
        except WinError as error:  # what Windows would refuse cannot be in the file either
            raise ValueError(f"host {name}: {error.message}") from error
        return host

    def _configure(self, config: Mapping[str, Any], features: Mapping[str, Any]) -> None:
        self.env.update({str(k): str(v) for k, v in (config.get("environment") or {}).items()})
        self.ps_edition = one_of("ps_edition", config.get("ps_edition", "Desktop"), PS_EDITIONS)
        self.filtered_token = truth("filtered_token", config.get("filtered_token", False))
        if "memory" in config:
            self.hardware.memory = parse_size(config["memory"])
        self.hardware.processors = int(config.get("processors", self.hardware.processors))
        self.network.load(config.get("addresses") or [])
        hostfile.load_volumes(self, config.get("volumes") or {"C": {}})
        hostfile.load_features(self, features)
        if config.get("cluster"):
            self.cluster = cluster.join(self, config["cluster"])
        pending.clear(self.registry)  # what the image holds has been restarted since
        pending.note(self.registry, config.get("reboot_pending") or ())
        hostfile.load_services(self, config.get("services") or {})
        hostfile.load_files(self, config.get("files") or {})
        hostfile.load_registry(self, config.get("registry") or {})
        hostfile.load_iscsi(self, config.get("iscsi") or {})
        if self.w32time is not None:
            self.w32time.read_settings()

    @classmethod
    def standard(cls, name: str = "WIN-TEST", **config: Any) -> Host:
        """A ready host for tests: C: and D:, one address, user Administrator."""
        base: dict[str, Any] = {
            "computer_name": name,
            "volumes": {"C": {"size": "64GiB", "free": "40GiB"}, "D": {"size": "500GiB"}},
            "addresses": ["172.21.0.11/24"],
        }
        return cls.from_config(name.lower(), {**base, **config})


def _role(domain: str | None, given: object) -> int:
    """The domain role, by default a stand-alone server or a member; ValueError where it does not fit the domain."""
    natural = MEMBER if domain else STANDALONE
    fitting = (MEMBER, BACKUP_CONTROLLER, PRIMARY_CONTROLLER) if domain else (STANDALONE,)
    role = natural if given is None else given
    if not isinstance(role, int) or isinstance(role, bool) or role not in fitting:
        place = f"in the domain {domain}" if domain else "without a domain"
        raise ValueError(f"domain_role {given}: must be one of {', '.join(map(str, fitting))} {place}")
    return role


def _programs(command_line: str) -> list[str]:
    """What the program of a command line may be (CreateProcess, lpCommandLine)."""
    line = command_line.strip()
    if line.startswith('"'):
        return [line[1:].partition('"')[0]]
    words = line.split(" ")
    starts = [" ".join(words[: index + 1]) for index in range(len(words))]
    return [text for start in starts for text in (start, f"{start}.exe")]


def _attach(module: str, name: str, host: Host) -> Any:
    """``module.name(host)``; None while that part of the simulator does not exist."""
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    part = getattr(loaded, name, None)
    return part(host) if part is not None else None


def _environment(host: Host) -> dict[str, str]:
    """The environment of a WinRM logon of Administrator."""
    user = next(iter(host.users), "Administrator").rsplit("\\", 1)[-1].split("@")[0]
    home = f"C:\\Users\\{user}"
    return {
        "ALLUSERSPROFILE": "C:\\ProgramData",
        "APPDATA": f"{home}\\AppData\\Roaming",
        "CommonProgramFiles": "C:\\Program Files\\Common Files",
        "COMPUTERNAME": host.name.upper(),
        "ComSpec": "C:\\Windows\\system32\\cmd.exe",
        "LOCALAPPDATA": f"{home}\\AppData\\Local",
        "NUMBER_OF_PROCESSORS": str(host.hardware.processors),
        "OS": "Windows_NT",
        "Path": "C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem;"
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\",
        "PATHEXT": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC;.CPL",
        "PROCESSOR_ARCHITECTURE": "AMD64",
        "ProgramData": "C:\\ProgramData",
        "ProgramFiles": "C:\\Program Files",
        "ProgramFiles(x86)": "C:\\Program Files (x86)",
        "PUBLIC": "C:\\Users\\Public",
        "SystemDrive": "C:",
        "SystemRoot": "C:\\Windows",
        "TEMP": f"{home}\\AppData\\Local\\Temp",
        "TMP": f"{home}\\AppData\\Local\\Temp",
        "USERDOMAIN": host.name.upper(),
        "USERNAME": user,
        "USERPROFILE": home,
        "windir": "C:\\Windows",
    }


_MACHINE_ENV = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
_SYSTEM_NAMES = (
    "ComSpec", "NUMBER_OF_PROCESSORS", "OS", "Path", "PATHEXT", "PROCESSOR_ARCHITECTURE", "windir",
)  # fmt: skip


def _base_registry(host: Host) -> None:
    registry = host.registry
    for hive in ("HKLM:\\SOFTWARE", "HKLM:\\SYSTEM", "HKLM:\\HARDWARE", "HKLM:\\SAM", "HKLM:\\SECURITY"):
        key = registry.hives["HKLM"].keys
        name = hive.rsplit("\\", 1)[1]
        key.setdefault(name.lower(), RegKey(name))
    _merge_hives(host)
    for path in ("HKCU:\\Software", "HKCU:\\Environment", "HKCR:\\.txt", "HKU:\\.DEFAULT", "HKCC:\\System"):
        registry.create(path)
    for path in ("Microsoft\\Windows\\CurrentVersion\\Run", "Policies\\Microsoft", "Classes"):
        registry.create(f"HKLM:\\SOFTWARE\\{path}")
    version = "HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
    registry.set(version, "ProductName", host.os.caption.removeprefix("Microsoft "))
    registry.set(version, "CurrentBuild", str(host.os.build))
    registry.set(version, "CurrentBuildNumber", str(host.os.build))
    registry.set(version, "CurrentVersion", "6.3")
    registry.set(version, "EditionID", _edition_id(host.os))
    registry.set(version, "InstallationType", host.os.installation_type)
    registry.set(version, "SystemRoot", "C:\\Windows")
    if host.os.build > 9600:
        registry.set(version, "CurrentMajorVersionNumber", 10)
        registry.set(version, "CurrentMinorVersionNumber", 0)
        registry.set(version, "UBR", 2113)
    _settings(host)
    for name in _SYSTEM_NAMES:
        registry.set(_MACHINE_ENV, name, host.env[name], "expandstring" if "ath" in name else "string")
    computer = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName"
    registry.set(computer, "ComputerName", host.name.upper())
    tcpip = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters"
    registry.set(tcpip, "Hostname", host.name)
    registry.set(tcpip, "Domain", host.domain or "")
    registry.set("HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa", "LimitBlankPasswordUse", 1)


def _merge_hives(host: Host) -> None:
    """HKCR is a view of HKLM\\SOFTWARE\\Classes, HKCU the user's own key below HKU."""
    registry = host.registry
    registry.hives["HKCR"] = registry.create("HKLM:\\SOFTWARE\\Classes")
    found = host.accounts.resolve(host.user)
    sid = found[1] if found else f"{host.accounts.machine_sid}-500"
    for user in (sid, "S-1-5-18", "S-1-5-19", "S-1-5-20"):
        registry.create(f"HKU:\\{user}\\Software\\Microsoft")
    registry.hives["HKU"].keys[".default"] = registry.create("HKU:\\S-1-5-18")
    registry.hives["HKCU"] = registry.create(f"HKU:\\{sid}")


# What playbooks look at or change on a fresh server: (key, name, data).
_SETTINGS: tuple[tuple[str, str, str | int], ...] = (
    ("SYSTEM\\CurrentControlSet\\Control\\Terminal Server", "fDenyTSConnections", 1),
    (
        "SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp",
        "UserAuthentication",
        1,
    ),
    ("SYSTEM\\CurrentControlSet\\Control\\FileSystem", "LongPathsEnabled", 0),
    ("SYSTEM\\CurrentControlSet\\Control\\FileSystem", "NtfsDisable8dot3NameCreation", 2),
    ("SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation", "TimeZoneKeyName", "UTC"),
    ("SYSTEM\\CurrentControlSet\\Control\\CrashControl", "AutoReboot", 1),
    ("SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters", "autodisconnect", 15),
    ("SOFTWARE\\Microsoft\\Windows\\CurrentVersion", "ProgramFilesDir", "C:\\Program Files"),
    ("SOFTWARE\\Microsoft\\Windows\\CurrentVersion", "CommonFilesDir", "C:\\Program Files\\Common Files"),
    ("SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System", "EnableLUA", 1),
    ("SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System", "ConsentPromptBehaviorAdmin", 5),
    ("SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon", "Shell", "explorer.exe"),
    ("SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon", "AutoAdminLogon", "0"),
    ("SOFTWARE\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full", "Install", 1),
    ("SOFTWARE\\Microsoft\\PowerShell\\3", "Install", 1),
)
# Release of the .NET Framework that each build brings, https://learn.microsoft.com/dotnet/framework/install/
_DOTNET = {9600: 378675, 14393: 394802, 17763: 461814, 20348: 528449, 26100: 533509}


def _settings(host: Host) -> None:
    for key, name, data in _SETTINGS:
        host.registry.set(f"HKLM:\\{key}", name, data)
    release = _DOTNET.get(host.os.build, 461814)
    host.registry.set("HKLM:\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full", "Release", release)
    engine = "HKLM:\\SOFTWARE\\Microsoft\\PowerShell\\3\\PowerShellEngine"
    host.registry.set(engine, "PowerShellVersion", host.os.powershell)


def _edition_id(os: OsInfo) -> str:
    return {"standard": "ServerStandard", "hyperv": "ServerHyperCore"}.get(
        os.edition.removesuffix("-core"), "ServerDatacenter"
    )


def seconds_since_epoch(when: datetime) -> float:
    """A point in time as the Unix time that Ansible's modules print."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()

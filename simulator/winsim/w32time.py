# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows Time service: its registry values, what it has read of them, ``w32tm`` and ``sc triggerinfo``.

The service reads its settings when it starts and at ``w32tm /config /update``; a value under Policies wins over the
local one, and one of another registry type than the service expects does not count. Source of names and defaults:
https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings.
Texts are those of an English Windows; details that no page shows are marked [?].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from winsim.errors import ServiceError, Unmodelled
from winsim.services import (
    ACTION_START,
    ACTION_STOP,
    DOMAIN_JOIN,
    DOMAIN_LEAVE,
    NETWORK_OFF,
    NETWORK_ON,
    SYSTEM_STATE,
    TRIGGER_DOMAIN,
    TRIGGER_NETWORK,
    Trigger,
    service_error,
)

if TYPE_CHECKING:
    from winsim.host import Host

PRIMARY_CONTROLLER = 5  # Win32_ComputerSystem.DomainRole
SERVICE = "W32Time"
ROOT = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\W32Time"
POLICY_ROOT = "HKLM:\\SOFTWARE\\Policies\\Microsoft\\W32Time"
DLL = "%SystemRoot%\\system32\\w32time.dll"
NOT_STARTED = 0x80070426
NOT_ON_NTP = "Local CMOS Clock"
# w32tm /config /syncfromflags -> Parameters\Type; that NO and ALL are paired so is recalled, not read.
SYNC_FLAGS = {"MANUAL": "NTP", "DOMHIER": "NT5DS", "ALL": "AllSync", "NO": "NoSync"}

# The result of W32TimeSync ([MS-W32T] 3.1.4.1) is w32tm's exit code after /resync [?].
NO_DATA, CHANGE_TOO_BIG = 1, 3
UNLIMITED = 0xFFFFFFFF
_CLAMPED_SINCE = 15063  # build of version 1703
_NTP_CLIENT = "TimeProviders\\NtpClient"
_HOST_NAME = re.compile(r"\[?[0-9A-Za-z][0-9A-Za-z._:%-]*\]?")
_FLAGS = re.compile(r"0x[0-9a-f]+|[0-9]+", re.IGNORECASE)

Value = str | int


@dataclass(frozen=True)
class CommandResult:
    """Exit code (signed 32 bits, as Windows gives it) and standard output of a program."""

    rc: int
    stdout: str


def defaults(release: str, *, member: bool, controller: bool = False) -> dict[str, dict[str, Value]]:
    """Registry values by subkey as Windows is installed, for a domain's member or controller or a stand-alone server."""
    phase = 172800 if controller else UNLIMITED if member else 54000
    config: dict[str, Value] = {
        "AnnounceFlags": 10,
        "EventLogFlags": 2,
        "FrequencyCorrectRate": 4,
        "HoldPeriod": 5,
        "LargePhaseOffset": 50000000,
        "LocalClockDispersion": 10,
        "MaxAllowedPhaseOffset": 300 if member else 1,
        "MaxNegPhaseCorrection": phase,
        "MaxPollInterval": 10 if controller else 15,
        "MaxPosPhaseCorrection": phase,
        "MinPollInterval": 6 if controller else 10,
        "PhaseCorrectRate": 1,
        "PollAdjustFactor": 5,
        "SpikeWatchPeriod": 900,
        "UpdateInterval": 100 if controller else 30000 if member else 360000,
    }
    if release != "2012r2":  # secure time seeding came with 2016 and is off in 2025
        config["UtilizeSslTimeData"] = 0 if release == "2025" else 1
    return {
        "Parameters": {
            "NtpServer": "time.windows.com,0x1",
            "ServiceDll": DLL,
            "ServiceDllUnloadOnStop": 1,
            "ServiceMain": "SvchostEntry_W32Time",
            "Type": "NT5DS" if member else "NTP",
        },
        "Config": config,
        "TimeProviders\\NtpClient": {
            "AllowNonstandardModeCombinations": 1,
            "CompatibilityFlags": 0x80000000,
            "CrossSiteSyncFlags": 2,
            "DllName": DLL,
            "Enabled": 1,
            "EventLogFlags": 1,
            "InputProvider": 1,
            "LargeSampleSkew": 3,
            "ResolvePeerBackoffMaxTimes": 7,
            "ResolvePeerBackoffMinutes": 15,
            "SpecialPollInterval": 3600 if member else 604800,
        },
        "TimeProviders\\NtpServer": {
            "AllowNonstandardModeCombinations": 1,
            "DllName": DLL,
            "Enabled": int(controller),
            "InputProvider": 0,
        },
        "TimeProviders\\VMICTimeProvider": {
            "DllName": "%SystemRoot%\\System32\\vmictimeprovider.dll",
            "Enabled": 1,
            "InputProvider": 1,
        },
    }


@dataclass(frozen=True)
class Settings:
    """What the running service has read: value -> (data, source), by subkey. ``source`` is Local or Policy.

    ``clamps``: whether this Windows keeps SpecialPollInterval between 2^MinPollInterval and 2^MaxPollInterval.
    """

    values: dict[str, dict[str, tuple[Value, str]]]
    clamps: bool = True

    def get(self, subkey: str, name: str, default: Value = "") -> Value:
        """The data in force."""
        return self.values.get(subkey, {}).get(name, (default, "Local"))[0]

    @property
    def type(self) -> str:
        """NTP, NT5DS, AllSync or NoSync."""
        return str(self.get("Parameters", "Type"))

    @property
    def peers(self) -> list[str]:
        """The manual peers in use, with their flags."""
        used = self.type in ("NTP", "AllSync") and bool(self.get(_NTP_CLIENT, "Enabled", 0))
        return str(self.get("Parameters", "NtpServer")).split() if used else []

    @property
    def usable_peers(self) -> list[str]:
        """The peers that can give time: entries whose form is right, fall-back ones only without others."""
        whole = [peer for peer in self.peers if is_peer(peer)]
        return [peer for peer in whole if not _flags(peer) & 0x2] or whole

    def poll_seconds(self, peer: str) -> int:
        """How often a peer is asked: with flag 0x1 every SpecialPollInterval, else from 2^MinPollInterval on."""
        low = 1 << int(self.get("Config", "MinPollInterval", 10))
        high = 1 << int(self.get("Config", "MaxPollInterval", 15))
        if not _flags(peer) & 0x1:
            return low
        special = int(self.get(_NTP_CLIENT, "SpecialPollInterval", 604800))
        return max(low, min(special, high)) if self.clamps else special

    def corrects(self, seconds: float) -> bool:
        """Whether a correction of the clock (positive: forward) is small enough to be made."""
        name = "MaxPosPhaseCorrection" if seconds >= 0 else "MaxNegPhaseCorrection"
        limit = int(self.get("Config", name, UNLIMITED))
        return limit == UNLIMITED or abs(seconds) <= limit


class W32Time:
    """The service of one host; ``run`` is ``w32tm.exe``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings: Settings | None = None
        self._defaults = defaults(
            host.os.release, member=host.domain is not None, controller=host.is_controller
        )
        for subkey, values in self._defaults.items():
            for name, data in values.items():
                kind = "expandstring" if name in ("ServiceDll", "DllName") else None
                host.registry.set(f"{ROOT}\\{subkey}", name, data, kind)
        service = host.services.get(SERVICE)
        service.on_start.append(self.read_settings)
        if host.domain is not None:  # a member's service runs since the boot
            host.services.start(SERVICE)

    @property
    def running(self) -> bool:
        """Whether the service runs."""
        return self._host.services.get(SERVICE).running

    @property
    def settings(self) -> Settings | None:
        """What the running service uses, None while it is stopped."""
        if self.running and self._settings is None:
            self.read_settings()
        return self._settings if self.running else None

    def read_settings(self) -> None:
        """Read the registry, as at the start of the service and at ``/config /update``."""
        values: dict[str, dict[str, tuple[Value, str]]] = {}
        for subkey in (
            "Parameters",
            "Config",
            *(f"TimeProviders\\{name}" for name in self._host.registry.subkeys(f"{ROOT}\\TimeProviders")),
        ):
            values[subkey] = {}
            for root, source in ((ROOT, "Local"), (POLICY_ROOT, "Policy")):
                for value in self._host.registry.values(f"{root}\\{subkey}"):
                    if isinstance(value.data, (str, int)) and self._counts(subkey, value.name, value.data):
                        values[subkey][value.name] = (value.data, source)
        self._settings = Settings(values, clamps=self._host.os.build >= _CLAMPED_SINCE)

    def _counts(self, subkey: str, name: str, data: Value) -> bool:
        """A REG_SZ where a DWORD belongs, or the other way round, is not read."""
        known = {key.lower(): default for key, default in self._defaults.get(subkey, {}).items()}
        return name.lower() not in known or isinstance(known[name.lower()], str) == isinstance(data, str)

    @property
    def source(self) -> str:
        """The time source in use, as ``w32tm /query /source`` prints it."""
        settings = self.settings
        if settings is None:
            return NOT_ON_NTP
        # The PDC emulator is the top of its domain's hierarchy: nobody there gives it time.
        in_hierarchy = self._host.domain is not None and self._host.domain_role != PRIMARY_CONTROLLER
        if settings.type in ("NT5DS", "AllSync") and in_hierarchy:
            return f"dc1.{self._host.domain}"
        return settings.usable_peers[0] if settings.usable_peers else NOT_ON_NTP

    # w32tm --------------------------------------------------------------------------------------------------

    def run(self, arguments: list[str]) -> CommandResult:
        """``w32tm`` with these arguments (already split, quotes removed)."""
        words = [word.lower() for word in arguments]
        if words[:1] == ["/config"]:
            return self._configure(arguments[1:])
        if words[:1] == ["/query"] and len(words) >= 2:
            return self._query(words[1:])
        if words[:1] == ["/resync"] and all(self._is_resync_option(word) for word in words[1:]):
            return self._resync()
        raise Unmodelled(f"w32tm {' '.join(arguments)}")

    def _configure(self, options: list[str]) -> CommandResult:
        update = False
        for option in options:
            name, _, value = option.partition(":")
            value = value.strip('"')
            if name.lower() == "/update":
                update = True
            elif name.lower() == "/manualpeerlist":
                self._host.registry.set(f"{ROOT}\\Parameters", "NtpServer", value, "string")
            elif name.lower() == "/syncfromflags":
                self._set_flags(value)
            elif name.lower() == "/reliable":
                flags = 5 if value.lower() == "yes" else 10
                self._host.registry.set(f"{ROOT}\\Config", "AnnounceFlags", flags)
            elif not (name.lower() == "/computer" and self._is_self(value)):
                raise Unmodelled(f"w32tm /config {option}")
        if update and not self.running:
            return _failed(NOT_STARTED)
        if update:
            self.read_settings()
        return CommandResult(0, "The command completed successfully.\r\n")

    def _is_resync_option(self, word: str) -> bool:
        name, _, value = word.partition(":")
        return word in ("/rediscover", "/soft") or (name == "/computer" and self._is_self(value))

    def _is_self(self, name: str) -> bool:
        return name.lower() in ("localhost", ".", "127.0.0.1", self._host.name.lower())

    def _set_flags(self, value: str) -> None:
        flags = {flag.strip().upper() for flag in value.split(",")}
        if not flags <= set(SYNC_FLAGS):
            raise Unmodelled(f"w32tm /config /syncfromflags:{value}")
        kind = "AllSync" if {"MANUAL", "DOMHIER"} <= flags else SYNC_FLAGS[flags.pop()]
        self._host.registry.set(f"{ROOT}\\Parameters", "Type", kind, "string")

    def _query(self, words: list[str]) -> CommandResult:
        settings = self.settings
        if settings is None:
            return _failed(NOT_STARTED)
        wanted = [word for word in words if word != "/verbose" and not word.startswith("/computer:")]
        texts = {
            "/source": lambda: [self.source],
            "/status": lambda: list(self._status(settings)),
            "/peers": lambda: list(_peers(settings)),
            "/configuration": lambda: list(_configuration(settings)),
        }
        if len(wanted) != 1 or wanted[0] not in texts:
            raise Unmodelled(f"w32tm /query {' '.join(words)}")
        return CommandResult(0, "\r\n".join([*texts[wanted[0]](), ""]))

    def _status(self, settings: Settings) -> Iterator[str]:
        synchronised = self.source != NOT_ON_NTP
        yield "Leap Indicator: " + ("0(no warning)" if synchronised else "3(not synchronized)")
        yield "Stratum: " + (
            "3 (secondary reference - syncd by (S)NTP)" if synchronised else "0 (unspecified)"
        )
        yield "Precision: -23 (119.209ns per tick)"
        yield f"Root Delay: {'0.0312500s' if synchronised else '0.0000000s'}"
        yield f"Root Dispersion: {'0.0100000s' if synchronised else '0.0000000s'}"
        yield "ReferenceId: " + (
            "0x0A000001 (source IP:  10.0.0.1)" if synchronised else "0x00000000 (unspecified)"
        )
        now = self._host.clock.now().strftime("%m/%d/%Y %I:%M:%S %p")
        yield f"Last Successful Sync Time: {now if synchronised else 'unspecified'}"
        yield f"Source: {self.source}"
        yield f"Poll Interval: {_poll(settings, self.source)}"

    def _resync(self) -> CommandResult:
        """Set the clock by the source in use; one that is further off than the settings allow is left alone."""
        first = "Sending resync command to local computer\r\n"
        settings = self.settings
        if settings is None:
            failed = _failed(NOT_STARTED)
            return CommandResult(failed.rc, first + failed.stdout)
        if self.source == NOT_ON_NTP:
            text = "The computer did not resync because no time data was available.\r\n"
            return CommandResult(NO_DATA, first + text)
        if not settings.corrects(-self._host.clock.offset):
            text = "The computer did not resync because the required time change was too big.\r\n"
            return CommandResult(CHANGE_TOO_BIG, first + text)
        self._set_clock()
        return CommandResult(0, first + "The command completed successfully.\r\n")

    def _set_clock(self) -> None:
        """The time of the last boot is counted back from now, so it moves with the clock."""
        self._host.boot_time -= timedelta(seconds=self._host.clock.offset)
        self._host.clock.offset = 0.0


def _failed(code: int) -> CommandResult:
    text = {NOT_STARTED: "The service has not been started."}[code]
    return CommandResult(code - 2**32, f"The following error occurred: {text} (0x{code:08X})\r\n")


def is_peer(entry: str) -> bool:
    """Whether an entry of NtpServer is a host, alone or with flags behind a comma.

    Entries are separated by blanks, so a list with commas is one broken entry; so is one in typographic quotes.
    """
    name, comma, flags = entry.partition(",")
    return bool(_HOST_NAME.fullmatch(name)) and (not comma or bool(_FLAGS.fullmatch(flags)))


def _flags(peer: str) -> int:
    """The flags behind a peer's comma (0x1, 0x01, 9, ...); 0 if there are none or they are no number."""
    text = peer.partition(",")[2]
    if not _FLAGS.fullmatch(text):
        return 0
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def _poll(settings: Settings, peer: str) -> str:
    seconds = settings.poll_seconds(peer)
    return f"{seconds.bit_length() - 1} ({seconds}s)"


def _peers(settings: Settings) -> Iterator[str]:
    peers = settings.peers
    yield f"#Peers: {len(peers)}"
    for peer in peers:
        yield ""
        yield f"Peer: {peer}"
        yield f"State: {'Active' if is_peer(peer) else 'Pending'}"
        yield "Time Remaining: 512.0000000s"
        yield "Mode: 3 (Client)"
        yield "Stratum: 2 (secondary reference - syncd by (S)NTP)"
        yield f"PeerPoll Interval: {_poll(settings, peer)}"
        yield f"HostPoll Interval: {_poll(settings, peer)}"


def _configuration(settings: Settings) -> Iterator[str]:
    """Every value with its source in brackets: (Local) or (Policy)."""
    yield "[Configuration]"
    yield ""
    yield from _lines(settings, "Config")
    yield ""
    yield "[TimeProviders]"
    for subkey in settings.values:
        provider = subkey.partition("TimeProviders\\")[2]
        if provider:
            yield ""
            yield f"{provider} (Local)"
            yield from _lines(settings, subkey)
        if provider == "NtpClient":
            yield from (
                f"{name}: {data} ({source})"
                for name, (data, source) in settings.values["Parameters"].items()
                if name in ("Type", "NtpServer")
            )


def _lines(settings: Settings, subkey: str) -> Iterator[str]:
    for name, (data, source) in settings.values[subkey].items():
        yield f"{name}: {data} ({source})"


# sc.exe triggerinfo -------------------------------------------------------------------------------------------

# https://learn.microsoft.com/windows/win32/services/service-trigger-events
TRIGGER_WORDS = {
    "start/networkon": Trigger(TRIGGER_NETWORK, ACTION_START, NETWORK_ON),
    "stop/networkoff": Trigger(TRIGGER_NETWORK, ACTION_STOP, NETWORK_OFF),
    "start/domainjoin": Trigger(TRIGGER_DOMAIN, ACTION_START, DOMAIN_JOIN),
    "stop/domainleave": Trigger(TRIGGER_DOMAIN, ACTION_STOP, DOMAIN_LEAVE),
}
_SHOWN = {
    NETWORK_ON: ("FIRST IP ADDRESS AVAILABILITY", "FIRST IP ADDRESS AVAILABLE"),
    NETWORK_OFF: ("LAST IP ADDRESS AVAILABILITY", "NO IP ADDRESS AVAILABLE"),
    DOMAIN_JOIN: ("DOMAIN JOINED STATUS", "DOMAIN JOINED"),
    DOMAIN_LEAVE: ("DOMAIN JOINED STATUS", "NOT DOMAIN JOINED"),
    SYSTEM_STATE: ("CUSTOM SYSTEM STATE CHANGE EVENT", ""),
}


def sc_triggerinfo(host: Host, arguments: list[str]) -> CommandResult:
    """``sc.exe triggerinfo <service> [delete | <trigger>...]``; triggers given replace those that are there."""
    words = [word.lower() for word in arguments]
    if len(words) < 2 or words[0] != "triggerinfo":
        raise Unmodelled(f"sc.exe {' '.join(arguments)}")
    try:
        service = host.services.get(words[1])
        if service.name.lower() != words[1]:  # sc.exe knows no display names
            raise service_error(1060)
    except ServiceError as error:
        text = f"[SC] OpenService FAILED {error.code}:\r\n\r\n{error.message}.\r\n\r\n"
        return CommandResult(error.code, text)
    if len(words) == 2:
        return CommandResult(0, _show_triggers(words[1], host.services.triggers(service.name)))
    if words[2:] == ["delete"]:
        host.services.set_triggers(service.name, [])
    elif all(word in TRIGGER_WORDS for word in words[2:]):
        host.services.set_triggers(service.name, [TRIGGER_WORDS[word] for word in words[2:]])
    else:
        raise Unmodelled(f"sc.exe {' '.join(arguments)}")
    return CommandResult(0, "[SC] ChangeServiceConfig2 SUCCESS\r\n")


def _show_triggers(name: str, triggers: list[Trigger]) -> str:
    if not triggers:
        return f"[SC] QueryServiceConfig2 SUCCESS\r\n\r\nThe service {name} has not registered for any start or stop triggers.\r\n"
    lines = ["[SC] QueryServiceConfig2 SUCCESS", "", f"SERVICE_NAME: {name}", ""]
    for trigger in triggers:
        kind, state = _SHOWN.get(trigger.subtype, ("CUSTOM", ""))
        lines.append(f"        {'START' if trigger.action == ACTION_START else 'STOP'} SERVICE")
        lines.append(f"          {kind:<30}: {trigger.subtype} [{state}]")
    return "\r\n".join([*lines, ""])

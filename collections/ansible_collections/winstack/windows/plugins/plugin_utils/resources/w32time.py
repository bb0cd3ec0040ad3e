# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host tells of its Windows Time service: registry, policy, triggers, and what the running service has read of them.

PRIVATE to the winstack collections. Names, defaults and precedence of policy:
https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Kind,
    Property,
    Question,
    Row,
    Set,
    State,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, Type
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.registry import (
    TYPES,
    key_question,
    stored_values,
)

SERVICE: t.Final = "W32Time"
ROOT: t.Final = r"HKLM:\SYSTEM\CurrentControlSet\Services\W32Time"
POLICY: t.Final = r"HKLM:\SOFTWARE\Policies\Microsoft\W32Time"
REGISTER: t.Final = "The Windows Time service is not registered. Run w32tm /register on the host."

PARAMETERS: t.Final = rf"{ROOT}\Parameters"
CLIENT: t.Final = rf"{ROOT}\TimeProviders\NtpClient"
CONFIG: t.Final = rf"{ROOT}\Config"
HYPERV: t.Final = rf"{ROOT}\TimeProviders\VMICTimeProvider"

# One key a trigger; Type and Action are those of SERVICE_TRIGGER (winsvc.h). The wildcard needs Path.
TRIGGERS: t.Final = Question(
    "time service triggers",
    Call("Get-ItemProperty", {"Path": rf"{ROOT}\TriggerInfo\*"}, ("PSChildName", "Type", "Action")),
    optional=True,
)
# w32tm calls this the configuration of run time.
RUNNING: t.Final = Question(
    "running time service",
    Call(
        "Start-Program",
        {"FilePath": "w32tm.exe", "ArgumentList": ("/query", "/configuration")},
        ("ExitCode", "Output"),
    ),
)
NETWORK, DOMAIN = 2, 3
START, STOP = 1, 2

# What w32tm writes on a value is translated, [(Local)]; names of values and providers are those of the registry.
_NOTE: t.Final = r"(?:\s*[(（][^()（）]*[)）])?"
_HEADING: t.Final = re.compile(rf"(\w+){_NOTE}")
_VALUE: t.Final = re.compile(rf"(\w+):\s*(.*?){_NOTE}")


@dataclass(frozen=True)
class Setting:
    """An option that is a value of the registry: its key below ROOT, name and type."""

    option: str
    type: Type
    key: str
    name: str
    kind: str

    @property
    def policy(self) -> str:
        """The key in which a group policy sets it."""
        return self.key.replace(ROOT, POLICY)


def settings(kind: Kind) -> list[Setting]:
    """Return the options of a kind that are values of the registry, as its table says."""
    return [
        _setting(row, row.set_by)
        for row in kind.properties
        if isinstance(row.set_by, Set) and "LiteralPath" in row.set_by.constants
    ]


def _setting(row: Property, set_by: Set) -> Setting:
    key, name, kind = (str(set_by.constants[constant]) for constant in ("LiteralPath", "Name", "Type"))
    return Setting(row.option, row.type, key, name, kind)


def value(key: str, name: str, kind: str) -> Set:
    """Return the call that writes a value of the registry; ``kind`` is a RegistryValueKind."""
    return Set("Set-ItemProperty", "Value", {"LiteralPath": key, "Name": name, "Type": kind})


def _local(key: str) -> Question:
    return key_question(key, optional=False, advice=REGISTER)


QUESTIONS: t.Final = (
    *(_local(key) for key in (PARAMETERS, CLIENT)),
    *(key_question(key) for key in (CONFIG, HYPERV)),
    *(key_question(key.replace(ROOT, POLICY)) for key in (PARAMETERS, CLIENT, CONFIG)),
    *(TRIGGERS, RUNNING),
)


# Reading ------------------------------------------------------------------------------------------------------------------


def local_values(state: State, settings: Iterable[Setting]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the local settings by option, and for those whose registry type does not count, what is wrong.

    Raise HostError if the service is not registered.
    """
    found: dict[str, Json] = {}
    mistyped: dict[str, Json] = {}
    for setting in settings:
        stored = stored_values(state.rows(_local(setting.key))).get(setting.name.lower())
        if stored is not None and not stored.has(_type(setting)):
            kind = stored.kind or "of another type"
            mistyped[setting.option] = f"value {setting.name} of the registry is {kind}, not {setting.kind}"
            stored = None
        found[setting.option] = setting.type.read(None if stored is None else stored.data)
    return found, mistyped


def policy_values(state: State, settings: Iterable[Setting]) -> dict[str, Json]:
    """Return the settings that a group policy makes; the service then ignores the local ones."""
    found = {}
    for setting in settings:
        stored = stored_values(state.rows(key_question(setting.policy))).get(setting.name.lower())
        if stored is not None and stored.has(_type(setting)):
            found[setting.option] = setting.type.read(stored.data)
    return found


def _type(setting: Setting) -> str:
    return next(name for name, kind in TYPES.items() if kind == setting.kind)


def config_number(state: State, name: str) -> int | None:
    """Return a number of key Config, by policy or local; None where there is none."""
    for key in (CONFIG.replace(ROOT, POLICY), CONFIG):
        stored = stored_values(state.rows(key_question(key))).get(name.lower())
        if stored is not None and stored.has("dword") and isinstance(stored.data, int):
            return stored.data % 2**32
    return None


def trigger_events(state: State) -> list[tuple[int, int]]:
    """Return type and action of every trigger of the service. Raise HostError for rows of another form."""
    return [(_whole(row, "Type"), _whole(row, "Action")) for row in state.rows(TRIGGERS)]


def _whole(row: Row, name: str) -> int:
    number = row.get(name)
    if not isinstance(number, int):
        raise HostError(
            f"{name} of a trigger of the Windows Time service reads as {number!r}. A number was expected."
        )
    return number


def running_values(state: State, settings: Iterable[Setting]) -> dict[str, Json]:
    """Return the settings that the running service has read, as far as w32tm tells them in a form that is known."""
    try:
        rows = state.rows(RUNNING)
    except HostError:
        return {}
    lines = [str(line) for row in rows if row.get("ExitCode") == 0 for line in row.get("Output") or ()]
    told = client_lines(lines)
    return dict(_running(told, settings))


def _running(told: Mapping[str, str], settings: Iterable[Setting]) -> Iterator[tuple[str, Json]]:
    for setting in settings:
        text = told.get(setting.name)
        if text is None or (setting.kind == "DWord" and not text.isdecimal()):
            continue
        yield setting.option, setting.type.read(int(text) if setting.kind == "DWord" else text)


def client_lines(lines: Sequence[str]) -> dict[str, str]:
    """Return what ``w32tm /query /configuration`` says of provider NtpClient: name of the value -> text."""
    found: dict[str, str] = {}
    inside = False
    for line in map(str.strip, lines):
        if heading := _HEADING.fullmatch(line):
            inside = heading[1] == "NtpClient"
        elif inside and (match := _VALUE.fullmatch(line)):
            found[match[1]] = match[2].strip()
    return found


def hyperv_gives_time(state: State) -> bool:
    """Return whether the host is a guest of Hyper-V that also takes its time from there."""
    service = state.find("windows_service", "vmictimesync")
    if service is None or service.values.get("state") != "started":
        return False
    enabled = stored_values(state.rows(key_question(HYPERV))).get("enabled")
    return enabled is not None and enabled.data == 1

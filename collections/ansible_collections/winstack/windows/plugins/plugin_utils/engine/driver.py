# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol of the driver: batches of calls out, answers back. PRIVATE to the winstack collections.

``driver.ps1`` is the script that Winstack runs on Windows; how it gets there is the business of ``transport.py``.

A batch is JSON: ``{"desktop", "calls": [{"id", "cmdlet", "params", "select", "change"}]}``. Strings among ``params`` carry
a leading ``=``, since PowerShell 7 would read a bare string that looks like a date as a date; a credential is
``{"secret": "Secret1"}`` and travels as the parameter of that name, outside of the batch. ``select`` is as in Call.
``desktop`` says that a call needs Windows PowerShell: edition Core then runs none of them.

The answer is one JSON object: ``{"began", "ended", "edition", "sections": [{"id", "ok", "skipped", "error", "data"}]}``,
one section a call, in order; ``error`` is ``{"type", "id", "message", "hresult"}``; ``began`` and ``ended`` are the host's
clock in UTC. Calls that change something are skipped in check mode, and after the first of them that fails; calls that
read always run.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import signatures
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError

# The driver has a parameter for each: Secret1 to Secret64.
MAX_SECRETS: t.Final = 64
# Windows PowerShell 5.1 reads JSON of up to 2,097,152 characters (microsoft/sql-server-samples#348).
MAX_CHARACTERS: t.Final = 1_500_000
# The limit of .NET's SecureString, in UTF-16 code units.
MAX_SECRET_UNITS: t.Final = 65_536
# Modules without a Core edition (https://learn.microsoft.com/powershell/windows/module-compatibility).
DESKTOP_MODULES: t.Final = frozenset({"IscsiTarget"})
MASK: t.Final = "********"


@dataclass(frozen=True)
class Failure:
    """Why Windows did not answer a call: .NET exception type, FullyQualifiedErrorId, message, HRESULT in hex."""

    type: str
    id: str
    message: str
    hresult: str

    @property
    def missing_cmdlet(self) -> bool:
        """Whether the cmdlet is unknown on the host: its feature or module is not installed."""
        return self.type.endswith("CommandNotFoundException")

    @property
    def missing_item(self) -> bool:
        """Whether a file, folder or registry key is not there."""
        return self.type.endswith("ItemNotFoundException")


@dataclass(frozen=True)
class Section:
    """The answer to one call. ``data`` holds one dictionary per object: selected property -> scalar, list or rows."""

    ok: bool = True
    skipped: bool = False
    error: Failure | None = None
    data: Sequence[Mapping[str, t.Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        """Return the section as JSON-able data."""
        return {
            "ok": self.ok,
            "error": vars(self.error).copy() if self.error else None,
            "data": list(self.data),
        }

    @classmethod
    def from_dict(cls, section: Mapping[str, t.Any]) -> Section:
        """Return the section of the driver's answer, or of what as_dict gave."""
        error = section.get("error")
        failure = (
            Failure(**{name: str(error.get(name) or "") for name in Failure.__annotations__})
            if error
            else None
        )
        return cls(bool(section["ok"]), bool(section.get("skipped")), failure, section.get("data") or [])


Facts = Mapping[str, Section]


@dataclass(frozen=True)
class Clock:
    """The host's clock minus the controller's, and how far off that may be, both in seconds."""

    offset_seconds: float
    uncertainty_seconds: float


@dataclass(frozen=True)
class Answer:
    """What one remote command told. All times are UTC.

    ``edition`` is $PSVersionTable.PSEdition, Desktop or Core. ``began`` and ``ended`` are the host's clock as the driver
    began and ended; ``asked`` and ``answered`` are the controller's clock around the command.
    """

    sections: Facts
    edition: str
    began: datetime
    ended: datetime
    asked: datetime
    answered: datetime

    @property
    def clock(self) -> Clock:
        """Return the host's clock as NTP computes it (RFC 5905, section 8) from the four times.

        A host whose own time is not within the controller's had its clock set meanwhile: only the end counts then.
        """
        inside, around = self.ended - self.began, self.answered - self.asked
        if not timedelta(0) <= inside <= around:
            return _clock(self.ended - self.answered + around / 2, around / 2)
        return _clock(((self.began - self.asked) + (self.ended - self.answered)) / 2, (around - inside) / 2)


def _clock(offset: timedelta, uncertainty: timedelta) -> Clock:
    return Clock(round(offset.total_seconds(), 6), round(uncertainty.total_seconds(), 6))


@functools.cache
def script() -> str:
    """Return the text of the driver."""
    return Path(__file__).with_name("driver.ps1").read_text(encoding="utf-8")


# Out ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """Calls as they travel: one line of JSON, and the parameters of the driver that carry secrets."""

    text: str
    secrets: Mapping[str, Credential] = field(default_factory=dict, repr=False)


def encode(calls: Mapping[str, Call], *, desktop: bool | None = None) -> Batch:
    """Return the batch that runs these calls, keyed by section name, in order.

    ``desktop`` says whether Windows PowerShell is needed; None reads it from the calls.
    """
    names = {secret: f"Secret{number}" for number, secret in enumerate(secrets_of(calls), 1)}
    if len(names) > MAX_SECRETS:
        raise CallError(f"One batch has {len(names)} secrets. The driver takes {MAX_SECRETS} at most.")
    batch = {
        "desktop": needs_desktop(calls) if desktop is None else desktop,
        "calls": [_encode(name, call, names) for name, call in calls.items()],
    }
    text = json.dumps(batch, separators=(",", ":"))
    return Batch(text, {name: secret for secret, name in names.items()})


def module_args(calls: Mapping[str, Call], *, desktop: bool | None = None) -> dict[str, t.Any]:
    """Return the arguments of ansible.windows.win_powershell that run these calls; see encode."""
    batch = encode(calls, desktop=desktop)
    return {
        "script": script(),
        "parameters": {"Batch": batch.text},
        "sensitive_parameters": [_sensitive(name, secret) for name, secret in batch.secrets.items()],
        "error_action": "stop",
    }


def _sensitive(name: str, secret: Credential) -> dict[str, str]:
    """Return the parameter that gives a PSCredential, or a SecureString where there is no user."""
    if not secret.username:
        return {"name": name, "value": secret.password}
    return {"name": name, "username": secret.username, "password": secret.password}


def _encode(name: str, call: Call, names: Mapping[Credential, str]) -> dict[str, t.Any]:
    return {
        "id": name,
        "cmdlet": call.cmdlet,
        "params": {param: _encode_value(value, names) for param, value in call.params.items()},
        "select": [list(item) if isinstance(item, tuple) else item for item in call.select],
        "change": call.change,
    }


def _encode_value(value: ParamValue, names: Mapping[Credential, str]) -> t.Any:
    if isinstance(value, Credential):
        return {"secret": names[value]}
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, Sequence):
        return [_encode_value(item, names) for item in value]
    return value


def needs_desktop(calls: Mapping[str, Call]) -> bool:
    """Return whether a call belongs to a module that has no Core edition."""
    catalogue = signatures._catalogue()
    return any(catalogue.get(call.cmdlet, {}).get("module") in DESKTOP_MODULES for call in calls.values())


def secrets_of(calls: Mapping[str, Call]) -> list[Credential]:
    """Return the credentials that the calls carry, each once, in order."""
    values = (value for call in calls.values() for value in call.params.values())
    return list(dict.fromkeys(value for value in values if isinstance(value, Credential)))


def without_secrets(text: str, secrets: Iterable[Credential]) -> str:
    """Return the text with every secret masked, longer ones first: one may be the beginning of another."""
    for secret in sorted({secret.password for secret in secrets} - {""}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def split(calls: Mapping[str, Call]) -> list[dict[str, Call]]:
    """Return the calls in as many batches as their secrets and their size ask for; nearly always one."""
    parts: list[dict[str, Call]] = [{}]
    secrets: set[Credential] = set()
    characters = 0
    for name, call in calls.items():
        own = secrets_of({name: call})
        size = len(encode({name: call}, desktop=False).text)
        if parts[-1] and (len(secrets.union(own)) > MAX_SECRETS or characters + size > MAX_CHARACTERS):
            parts.append({})
            secrets, characters = set(), 0
        parts[-1][name] = call
        secrets.update(own)
        characters += size
    return parts


def check_sendable(calls: Mapping[str, Call]) -> None:
    """Raise CallError for what would not reach a cmdlet as it was meant."""
    for call in calls.values():
        for secret in secrets_of({"": call}):
            _check_secret(call, secret)
        if call.cmdlet == "Start-Program":
            _check_program(call)
        if len(encode({"": call}, desktop=False).text) > MAX_CHARACTERS:
            raise CallError(
                f"Parameters of {call.cmdlet} are longer than {MAX_CHARACTERS:,} characters, the most that one call "
                "carries. Divide the list that they come from."
            )


def _check_secret(call: Call, secret: Credential) -> None:
    units = len(secret.password.encode("utf-16-le", "surrogatepass")) // 2
    if units > MAX_SECRET_UNITS:
        raise CallError(
            f"The secret for {call.cmdlet} has {units:,} characters. Windows takes {MAX_SECRET_UNITS:,} at most."
        )
    if "\0" in secret.password:
        raise CallError(
            f"The secret for {call.cmdlet} has a NUL character, where Windows would end it. Remove the character."
        )


# Windows PowerShell 5.1 puts blanks between quotes and escapes nothing, and leaves an empty argument out
# (https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_parsing).
_UNQUOTABLE = re.compile(r'"|\A\Z|\s.*\\\Z|\A--%\Z', re.DOTALL)


def _check_program(call: Call) -> None:
    program = call.params.get("FilePath")
    if not str(program).lower().endswith(".exe"):
        raise CallError(f"Program {program} has no .exe at its end. Name the program's file, such as sc.exe.")
    arguments = call.params.get("ArgumentList") or ()
    for argument in [arguments] if isinstance(arguments, str) else t.cast("Sequence[t.Any]", arguments):
        if _UNQUOTABLE.search(str(argument)):
            raise CallError(
                f"Argument {argument!r} of {program} would not reach it unchanged: Windows PowerShell 5.1 changes empty "
                "arguments, double quotes, --% and a backslash at the end of a text with blanks. Use another argument."
            )


# Back ---------------------------------------------------------------------------------------------------------


def read(told: t.Any, asked: datetime, answered: datetime) -> Answer:
    """Return the driver's answer that was read from JSON. Raise ValueError if it is something else."""
    try:
        sections = {section["id"]: Section.from_dict(section) for section in told["sections"]}
        began, ended = _time(told["began"]), _time(told["ended"])
        return Answer(sections, str(told["edition"]), began, ended, asked, answered)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("a JSON object with began, ended, edition and sections was expected") from error


def _time(text: str) -> datetime:
    """Return a time of .NET's format o: seven digits of a second, where Python reads six."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))

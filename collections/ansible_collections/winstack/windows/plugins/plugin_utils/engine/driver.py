# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire between controller and host: batches of calls out, sections back. PRIVATE to the winstack collections.

``driver.ps1`` is the one script that Winstack runs on Windows, through ansible.windows.win_powershell.

A batch is JSON: ``{"calls": [{"id", "cmdlet", "params", "select", "change"}]}``. Strings among ``params`` carry a
leading ``=``, since PowerShell 7 would read a bare string that looks like a date as a date; a credential is
``{"secret": "Secret1"}`` and travels as the sensitive parameter of that name. ``select`` is as in Call.

The answer is one string, JSON: ``[{"id", "ok", "skipped", "error", "data"}]``, one section a call, in order; ``error`` is
``{"type", "id", "message", "hresult"}``. Calls that change something are skipped in check mode, and after the first of
them that fails; calls that read always run.
"""

from __future__ import annotations

import functools
import json
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError

MAX_SECRETS: t.Final = 4


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
        """Give the section as JSON-able data."""
        return {
            "ok": self.ok,
            "error": vars(self.error).copy() if self.error else None,
            "data": list(self.data),
        }

    @classmethod
    def from_dict(cls, section: Mapping[str, t.Any]) -> Section:
        """Read a section of the driver's answer, or what as_dict gave."""
        error = section.get("error")
        failure = (
            Failure(**{name: str(error.get(name) or "") for name in Failure.__annotations__})
            if error
            else None
        )
        return cls(bool(section["ok"]), bool(section.get("skipped")), failure, section.get("data") or [])


Facts = Mapping[str, Section]


@functools.cache
def script() -> str:
    """Give the text of the driver."""
    return Path(__file__).with_name("driver.ps1").read_text(encoding="utf-8")


def module_args(calls: Mapping[str, Call]) -> dict[str, t.Any]:
    """Give the arguments of ansible.windows.win_powershell that run these calls, keyed by section name, in order."""
    secrets: list[dict[str, str]] = []
    batch = {"calls": [_encode(name, call, secrets) for name, call in calls.items()]}
    return {
        "script": script(),
        "parameters": {"Batch": json.dumps(batch, separators=(",", ":"))},
        "sensitive_parameters": secrets,
        "error_action": "stop",
    }


def _encode(name: str, call: Call, secrets: list[dict[str, str]]) -> dict[str, t.Any]:
    return {
        "id": name,
        "cmdlet": call.cmdlet,
        "params": {param: _encode_value(value, secrets) for param, value in call.params.items()},
        "select": [list(item) if isinstance(item, tuple) else item for item in call.select],
        "change": call.change,
    }


def _encode_value(value: ParamValue, secrets: list[dict[str, str]]) -> t.Any:
    if isinstance(value, Credential):
        return {"secret": _secret(value, secrets)}
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, Sequence):
        return [_encode_value(item, secrets) for item in value]
    return value


def _secret(value: Credential, secrets: list[dict[str, str]]) -> str:
    if len(secrets) == MAX_SECRETS:
        raise HostError(f"One batch carries at most {MAX_SECRETS} secrets.")
    name = f"Secret{len(secrets) + 1}"
    secrets.append({"name": name, "username": value.username, "password": value.password})
    return name


def secrets_of(calls: Mapping[str, Call]) -> list[str]:
    """Give the secrets that a batch carries, so that they can be taken out of whatever comes back."""
    values = (value for call in calls.values() for value in call.params.values())
    return [value.password for value in values if isinstance(value, Credential)]


def decode(output: Sequence[t.Any]) -> dict[str, Section]:
    """Read what the driver printed: a list with one JSON string. Raise HostError if it is anything else."""
    texts = [item for item in output if isinstance(item, str)]
    try:
        sections = json.loads(texts[-1])
        return {section["id"]: Section.from_dict(section) for section in sections}
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise HostError(
            "The host's answer is not the driver's: one JSON list of sections was wanted. Look at the PowerShell profile and "
            "at programs that write to standard output in the account of the connection."
        ) from error

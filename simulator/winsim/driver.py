# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Winstack's driver script does, without PowerShell.

The script is never run here: it is recognised by its text, and this file is the model of that text. An edited script
is unknown until somebody has read the edit, changed this model where needed and added the new hash.

The batch: ``{"desktop", "calls": [{"id", "cmdlet", "params", "select", "change"}]}``; the answer: one JSON object
``{"began", "ended", "edition", "sections": [{"id", "ok", "skipped", "error", "data"}]}``.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from winsim import verbs
from winsim.cmdlets import CmdletError, Credential, Enum, PSObject, SecureString, call
from winsim.cmdlets.objects import to_text

if TYPE_CHECKING:
    from winsim.host import Host

__all__ = ["REVIEWED", "digest", "is_driver", "lean", "member", "row", "run_batch", "scalar", "verbs"]

Secret = Credential | SecureString | str
Note = Callable[[dict[str, Any]], None]

# SHA-256 of the lean text -> what that version is. The newest one is last.
REVIEWED: dict[str, str] = {
    "258273563ca6033f19046c53550dc3a8c517e209d78e275eb6c71a6569cfc13e": "one object with times and edition; the verbs Start-Program, Get-RegistryKey",
}
_MASK = "********"


def lean(script: str) -> str:
    """The text without what transports and checkouts change: comment lines, blank lines, blanks around lines."""
    lines = (line.strip() for line in script.lstrip("\ufeff").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def digest(script: str) -> str:
    """The SHA-256 under which a version of the driver is listed."""
    return hashlib.sha256(lean(script).encode()).hexdigest()


def is_driver(script: str) -> bool:
    """Whether ``script`` is a version of the driver that this model was reviewed against."""
    return digest(script) in REVIEWED


def run_batch(
    host: Host,
    parameters: Mapping[str, Any],
    sensitive: Mapping[str, Secret],
    *,
    check_mode: bool,
    note: Note,
    network_logon: bool = True,
) -> tuple[list[str], bool]:
    """Run a batch: (what the script outputs, ``$Ansible.Changed``).

    ``parameters`` and ``sensitive`` are the script's arguments by name in any case; ``note`` gets one dictionary for
    every call that was run: cmdlet, params (secrets masked), change, ok, error. A call that writes is skipped in
    check mode and after a failed one; PowerShell 7 runs nothing of a batch that needs Windows PowerShell.
    """
    named = {key.lower(): value for key, value in parameters.items()}
    batch = json.loads(named["batch"])
    secrets = {key.lower(): value for key, value in sensitive.items()}
    began = scalar(host.clock.now())
    changed = stopped = False
    sections = []
    for item in [] if batch.get("desktop") and host.ps_edition == "Core" else batch.get("calls", []):
        is_change = bool(item.get("change"))
        if is_change and (check_mode or stopped):
            sections.append(_section(item["id"], skipped=True))
            continue
        section, ran = _run(host, item, secrets, note, network_logon=network_logon)
        changed = changed or (is_change and ran)
        stopped = stopped or (is_change and not section["ok"])
        sections.append(section)
    told = {
        "began": began,
        "ended": scalar(host.clock.now()),
        "edition": host.ps_edition,
        "sections": sections,
    }
    return [json.dumps(told, separators=(",", ":"))], changed


def _section(name: str, *, skipped: bool = False) -> dict[str, Any]:
    return {"id": name, "ok": True, "skipped": skipped, "error": None, "data": []}


def _run(
    host: Host, item: Mapping[str, Any], secrets: Mapping[str, Secret], note: Note, *, network_logon: bool
) -> tuple[dict[str, Any], bool]:
    """The section of one call, and whether the cmdlet was reached (its arguments could be read)."""
    section, ran = _section(item["id"]), False
    entry: dict[str, Any] = {
        "cmdlet": item["cmdlet"],
        "params": {name: _shown(value) for name, value in (item.get("params") or {}).items()},
        "change": bool(item.get("change")),
        "ok": True,
    }
    try:
        arguments: dict[str, Any] = {"ErrorAction": "Stop"}
        for name, value in (item.get("params") or {}).items():
            arguments[name] = _argument(value, secrets)
        ran = True
        fault = _injected(host, item["cmdlet"])
        if fault is not None:
            raise fault
        objects = call(host, item["cmdlet"], arguments, network_logon=network_logon)
        select = item.get("select")
        if select is None:  # @($null) has one element
            section["data"] = [{} for _ in objects]
        elif select:
            section["data"] = [row(thing, select) for thing in objects]
    except CmdletError as error:
        section.update(ok=False, error=_error(error), data=[])
        entry.update(ok=False, error=section["error"])
    note(entry)
    return section, ran


def _injected(host: Host, name: str) -> CmdletError | None:
    """The error that a test has asked for (winsim.faults)."""
    faults = getattr(host, "faults", None)
    error = faults.cmdlet_error(name) if faults is not None else None
    return error if isinstance(error, CmdletError) else None


def _error(error: CmdletError) -> dict[str, str]:
    return {
        "type": error.type,
        "id": error.error_id,
        "message": error.message,
        "hresult": f"0x{error.hresult & 0xFFFFFFFF:08X}",
    }


# Arguments ----------------------------------------------------------------------------------------------------


def _argument(value: Any, secrets: Mapping[str, Secret]) -> Any:
    """A parameter's value: the first character of every string is its mark and goes away."""
    if isinstance(value, str):
        if not value:
            raise CmdletError(
                "System.Management.Automation.MethodInvocationException",
                "ArgumentOutOfRangeException",
                'Exception calling "Substring" with "1" argument(s): "startIndex cannot be larger than length of '
                'string. Parameter name: startIndex"',
                0x80131501,
            )
        return value[1:]
    if isinstance(value, list):
        return [_argument(item, secrets) for item in value]
    if isinstance(value, dict) and "secret" in value:
        return _secret(secrets.get(str(value["secret"]).lower()))
    return value


def _secret(value: Secret | None) -> Any:
    return SecureString(value) if isinstance(value, str) else value


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value[1:]
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return _MASK if isinstance(value, dict) else value


# Projection ---------------------------------------------------------------------------------------------------


def row(thing: Any, select: list[Any]) -> dict[str, Any]:
    """The selected properties of an object; see the driver's Get-Row."""
    made: dict[str, Any] = {}
    for item in select:
        name, rest = (item[0], item[1:]) if isinstance(item, list) else (item, [])
        if name == "*":
            made[name] = _matching(thing, str(rest[0]) if rest else "")
            continue
        value = thing if name == "" else member(thing, name)
        if isinstance(item, list):
            made[name] = [row(element, rest) for element in _elements(value)]
        elif isinstance(value, (list, tuple)) and name != "":
            made[name] = [scalar(element) for element in value]
        else:
            made[name] = scalar(value)
    return made


def _matching(thing: Any, pattern: str) -> dict[str, str]:
    properties = thing.properties if isinstance(thing, PSObject) else {}
    return {
        name: to_text(value)
        for name, value in properties.items()
        if fnmatch.fnmatchcase(to_text(value).lower(), pattern.lower())
    }


def _elements(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def member(thing: Any, name: str) -> Any:
    """The property ``name`` of an object, in any case; null where there is none."""
    if isinstance(thing, str) and name.lower() == "length":
        return len(thing)
    return thing.get(name) if isinstance(thing, PSObject) else None


def scalar(value: Any) -> Any:
    """Null, Boolean or number as they are; dates in ISO 8601 UTC; time spans in seconds; the rest as text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.name
    return to_text(value)

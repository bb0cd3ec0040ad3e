# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks every call against the published signature of its cmdlet. PRIVATE to the winstack collections.

The signatures are data, ``cmdlets.json``; its ``_about`` names the source.
"""

from __future__ import annotations

import functools
import json
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError

RELEASES: t.Final = ("2012r2", "2016", "2019", "2022", "2025")

# Build numbers at general availability of the Long-Term Servicing Channel:
# https://learn.microsoft.com/windows-server/get-started/windows-server-release-info
_BUILDS: t.Final = {9600: "2012r2", 14393: "2016", 17763: "2019", 20348: "2022", 26100: "2025"}

_INTEGERS: t.Final = {"Int32": (-(2**31), 2**31 - 1), "UInt32": (0, 2**32 - 1), "UInt64": (0, 2**64 - 1)}
# Feature is made of a feature's name (ServerManager's own argument transformation).
_TEXTS: t.Final = frozenset({"String", "Iqn", "InitiatorId", "Feature"})


def release_of(build: int) -> str:
    """Return the Windows Server release (a member of RELEASES) of a build number; a newer build counts as the newest."""
    known = [number for number in _BUILDS if number <= build]
    if not known:
        raise CallError(
            f"Windows build {build} is older than Windows Server 2012 R2 (build 9600), the oldest supported."
        )
    return _BUILDS[max(known)]


def check(call: Call, release: str | None = None) -> None:
    """Raise CallError unless the call fits one parameter set of its cmdlet on ``release`` (None: on all of them)."""
    for wanted in (release,) if release else RELEASES:
        _check_release(call, wanted)


def completed(call: Call) -> Call:
    """Return the call with what every call of its module is given.

    ``ComputerName localhost`` for the IscsiTarget module, which otherwise resolves names first, for seconds a call
    (https://github.com/dsccommunity/iSCSIDsc, DSC_iSCSIVirtualDisk.psm1); ``Confirm`` false for what would ask, since functions
    of modules do not see the preference of the script.
    """
    signature = _catalogue().get(call.cmdlet)
    if signature is None:
        return call
    constants: dict[str, ParamValue] = {}
    if signature["module"] == "IscsiTarget" and _everywhere(signature, "ComputerName"):
        constants["ComputerName"] = "localhost"
    if signature.get("should_process") and call.change:
        constants["Confirm"] = False
    return replace(call, params={**call.params, **constants}) if constants else call


def _everywhere(signature: Mapping[str, t.Any], parameter: str) -> bool:
    return all(parameter in parameters for parameters in signature["sets"].values())


@functools.cache
def _catalogue() -> Mapping[str, t.Any]:
    text = Path(__file__).with_name("cmdlets.json").read_text(encoding="utf-8")
    return t.cast("Mapping[str, t.Any]", json.loads(text)["cmdlets"])


def _check_release(call: Call, release: str) -> None:
    signature = _catalogue().get(call.cmdlet)
    if signature is None:
        raise CallError(f"{call.cmdlet} is not in the catalogue of cmdlets that Winstack may call.")
    sets = _sets(call.cmdlet, release)
    params = {
        name: value
        for name, value in call.params.items()
        if not (name == "Confirm" and signature.get("should_process"))
    }
    faults = [_fault(params, parameters) for parameters in sets.values()]
    if all(faults):
        nearest = min((fault for fault in faults if fault), key=lambda fault: fault[0])
        raise CallError(f"{call.cmdlet} on Windows Server {release}: {nearest[1]}.")


@functools.cache
def _sets(cmdlet: str, release: str) -> dict[str, dict[str, t.Any]]:
    """Return set -> lower-case parameter name or alias -> parameter, as they stand on that release."""
    signature = _catalogue()[cmdlet]
    difference = signature.get("differences", {}).get(release, {})
    return {name: _parameters(parameters, difference) for name, parameters in signature["sets"].items()}


def _parameters(published: Mapping[str, t.Any], difference: Mapping[str, t.Any]) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for name, parameter in published.items():
        if name not in difference.get("missing", ()):
            for alias in (name, *parameter.get("aliases", ())):
                found[alias.lower()] = {**parameter, "name": name}
    for name, like in difference.get("extra", {}).items():
        if like in published:
            found[name.lower()] = {**published[like], "name": name}
    return found


def _fault(given: Mapping[str, ParamValue], parameters: Mapping[str, t.Any]) -> tuple[int, str] | None:
    """Return what keeps the given parameters out of this set, with how far from fitting it is; None if they fit."""
    unknown = [name for name in given if name.lower() not in parameters]
    if unknown:
        beside = f" beside {', '.join(sorted(set(given) - set(unknown)))}".removesuffix(" beside ")
        return 2 + len(unknown), f"no parameter {', '.join(unknown)}{beside}"
    for name, value in given.items():
        problem = _value_fault(value, parameters[name.lower()])
        if problem:
            return 1, f"parameter {name}: {problem}"
    present = {parameters[name.lower()]["name"] for name in given}
    missing = {p["name"] for p in parameters.values() if p.get("mandatory")} - present
    return (2, f"mandatory parameter {', '.join(sorted(missing))} is missing") if missing else None


def _value_fault(value: ParamValue, parameter: Mapping[str, t.Any]) -> str | None:
    kind: str = parameter["type"]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not kind.endswith("[]") and kind != "Object":
            return f"takes one {kind}, not a list"
        faults = (_scalar_fault(item, kind, parameter) for item in value)
        return next((fault for fault in faults if fault), None)
    return _scalar_fault(value, kind, parameter)


def _scalar_fault(value: ParamValue, kind: str, parameter: Mapping[str, t.Any]) -> str | None:
    kind = kind.removesuffix("[]")
    accepted = parameter.get("values")
    if accepted and isinstance(
        value, bool
    ):  # -Enabled of the firewall cmdlets is an enumeration with the name True
        return f"takes one of the texts {', '.join(accepted)}, not bool"
    if accepted and str(value).lower() not in {str(choice).lower() for choice in accepted}:
        return f"{value!r} is none of {', '.join(accepted)}"
    return None if accepted or _fits(value, kind) else f"takes {kind}, not {type(value).__name__}"


def _fits(value: ParamValue, kind: str) -> bool:
    if kind == "Object":
        return True
    if kind in ("Boolean", "SwitchParameter"):
        return isinstance(value, bool)
    if kind in _INTEGERS:
        low, high = _INTEGERS[kind]
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if kind.endswith("PSCredential"):
        return isinstance(value, Credential)
    return kind in _TEXTS and isinstance(value, str)

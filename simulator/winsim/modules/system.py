# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_environment, win_hostname, win_path and async_status."""

from __future__ import annotations

import json
import ntpath
from typing import TYPE_CHECKING, Any

from winsim.errors import ModuleFailure
from winsim.modules import expand, module
from winsim.psspec import read_spec

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

KEYS = {
    "machine": "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment",
    "user": "HKCU:\\Environment",
}


def read_variable(host: Host, ctx: ModuleContext, level: str, name: str) -> str | None:
    """A variable as ``[Environment]::GetEnvironmentVariable(name, level)`` gives it."""
    if level == "process":
        env = {**host.env, **ctx.environment}
        return next((str(value) for key, value in env.items() if key.lower() == name.lower()), None)
    value = host.registry.get(KEYS[level], name)
    if value is None:
        return None
    return expand(ctx, str(value.data)) if value.type == "expandstring" else str(value.data)


def write_variable(host: Host, level: str, name: str, text: str | None) -> None:
    """Set or remove a variable; the process level ends with the module's process, so nothing stays."""
    if level == "process":
        return
    if text is None:
        host.registry.delete_value(KEYS[level], name)
        known = next((key for key in host.env if key.lower() == name.lower()), None)
        if known is not None:
            del host.env[known]
        return
    host.registry.set(KEYS[level], name, text, "string")
    known = next((key for key in host.env if key.lower() == name.lower()), name)
    host.env[known] = text


@module("ansible.windows.win_environment")
def win_environment(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Environment variables of the machine or user; new logons see them."""
    params, level = ctx.params, ctx.params["level"].lower()
    state = (params["state"] or "").lower() or None
    wanted = params["variables"] or {params["name"]: params["value"]}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    result: dict[str, Any] = {"changed": False, "values": {}, "warnings": []}
    for name, value in wanted.items():
        status = _one(host, ctx, level, name, value, state, result["warnings"])
        result["values"][name] = status
        result["changed"] = result["changed"] or status["changed"]
        result |= {"before_value": status["before"], "value": status["after"]}
        before |= {name: status["before"]} if status["before"] else {}
        after |= {name: status["after"]} if status["after"] else {}
    if "env_values" in ctx.source:
        result["env_values"] = result["values"]
    result["diff"] = {"before": {level: before}, "after": {level: after}}
    return result


def _one(
    host: Host, ctx: ModuleContext, level: str, name: str, value: Any, state: str | None, warnings: list[str]
) -> dict[str, Any]:
    text = "" if value is None else str(value)
    if state == "absent" and text:
        warnings.append(
            f"When removing environment variable '{name}' it should not have a value '{text}' set"
        )
    elif state == "present" and not text:
        raise ModuleFailure(
            "When state=present, value must be defined and not an empty string, if you wish to remove the envvar, "
            "set state=absent"
        )
    have = read_variable(host, ctx, level, name)
    present = (state or ("present" if text else "absent")) == "present"
    changed = (have or "").lower() != text.lower() if present else have is not None
    if changed and not ctx.check_mode:
        write_variable(host, level, name, text if present else None)
    return {"changed": changed, "after": text, "before": have}


@module("ansible.windows.win_path")
def win_path(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Elements of a path-like variable."""
    params = ctx.params
    level, name = params["scope"].lower(), params["name"]
    value = host.registry.get(KEYS[level], name)
    before = [part for part in str(value.data).split(";") if part] if value else []
    after = list(before)
    for element in params["elements"]:
        same = [part for part in after if _same_path(part, element)]
        if params["state"].lower() == "present" and not same:
            after.append(element)
        elif params["state"].lower() == "absent":
            after = [part for part in after if part not in same]
    result: dict[str, Any] = {"changed": before != after, "path_value": ";".join(after)}
    if before != after and not ctx.check_mode:
        host.registry.set(KEYS[level], name, ";".join(after), "expandstring")
        known = next((key for key in host.env if key.lower() == name.lower()), name)
        host.env[known] = expand(ctx, ";".join(after))
    return {**result, "diff": {"before": ";".join(before), "after": ";".join(after)}}


def _same_path(one: str, other: str) -> bool:
    return one.rstrip("\\").lower() == other.rstrip("\\").lower()


@module("ansible.windows.win_hostname")
def win_hostname(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Rename the computer; the new name counts after the restart."""
    name = ctx.params["name"]
    changed = name.lower() != host.name.lower()
    if changed and not ctx.check_mode:
        host.pending_name = name
        host.reboot_pending_reasons.add("computer name")
    return {
        "changed": changed,
        "old_name": host.name,
        "reboot_required": changed,
        "diff": {"before": host.name, "after": name},
    }


@module("ansible.windows.async_status")
def async_status(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """The result file of an async task: read it, or remove it (``mode: cleanup``)."""
    jid = str(ctx.params["jid"])
    folder = ctx.params.get("_async_dir") or expand(ctx, "%USERPROFILE%\\.ansible_async")
    path = ntpath.join(folder, jid)
    if not host.files.is_file(path):
        raise ModuleFailure(f"could not find job at '{folder}'", ansible_job_id=jid, started=1, finished=1)
    if (ctx.params.get("mode") or "status").lower() == "cleanup":
        host.files.remove(path)
        return {"changed": False, "ansible_job_id": jid, "erased": path}
    raw = host.files.read(path)
    if not raw:
        return {"changed": False, "results_file": path, "ansible_job_id": jid, "started": 1, "finished": 0}
    data: dict[str, Any] = json.loads(raw)
    if "started" not in data:
        data |= {"finished": 1, "ansible_job_id": jid}
    return {"finished": 0, **data}


def is_legacy(ctx: ModuleContext) -> bool:
    """Whether the module was sent in its Legacy form."""
    return read_spec(ctx.source).kind == "legacy"

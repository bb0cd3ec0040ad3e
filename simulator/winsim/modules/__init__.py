# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of Ansible's Windows modules.

Each model is a function ``run(host, ctx)`` registered under the module's full name. It gets validated parameters
and returns the result that the module would print; ``run_module`` adds what Ansible.Basic or Legacy add.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from winsim.basic import Environment, ModuleSkip, Validated, mask, validate_basic, validate_legacy
from winsim.errors import ModuleFailure, Unmodelled, WinError
from winsim.files import working_directory
from winsim.psspec import ModuleSpec, read_spec
from winsim.registry import current_user

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

Model = Callable[["Host", "ModuleContext"], dict[str, Any]]
_MODELS: dict[str, Model] = {}
_loaded = False


def module(*names: str) -> Callable[[Model], Model]:
    """Register a model under full module names (``ansible.windows.win_feature``)."""

    def register(model: Model) -> Model:
        _MODELS.update(dict.fromkeys(names, model))
        return model

    return register


def load_models() -> dict[str, Model]:
    """All models by full module name."""
    global _loaded
    if not _loaded:
        # Hosts are served by threads: the mark comes last, and importing twice at once is safe.
        for info in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{info.name}")
        _loaded = True
    return _MODELS


def find_model(name: str) -> Model | None:
    """The model of a module; ``ansible.legacy.x`` and ``ansible.builtin.x`` stand for ``ansible.windows.x``."""
    models = load_models()
    short = name.rpartition(".")[2]
    candidates = [name]
    if name.startswith(("ansible.legacy.", "ansible.builtin.")) or "." not in name:
        candidates += [f"ansible.windows.{short}", f"community.windows.{short}"]
    return next((models[candidate] for candidate in candidates if candidate in models), None)


def environment_of(ctx: ModuleContext) -> dict[str, str]:
    """The process environment of the module: the host's plus the task's ``environment``."""
    merged = {**ctx.host.env}
    for key, value in ctx.environment.items():
        known = next((name for name in merged if name.lower() == key.lower()), key)
        merged[known] = str(value)
    return merged


def expand(ctx: ModuleContext, text: str) -> str:
    """``%VAR%`` expanded in the module's environment."""
    upper = {key.upper(): value for key, value in environment_of(ctx).items()}
    parts = text.split("%")
    out, index = parts[0], 1
    while index < len(parts):
        value = upper.get(parts[index].upper()) if index + 1 < len(parts) else None
        if value is None:
            out, index = f"{out}%{parts[index]}", index + 1
        else:
            out, index = out + value + parts[index + 1], index + 2
    return out


def _validate(ctx: ModuleContext, spec: ModuleSpec) -> Validated:
    def sid(name: str) -> str | None:
        found = ctx.host.accounts.resolve(name)
        return found[1] if found else None

    env = Environment(lambda text: expand(ctx, text), sid)
    if spec.kind == "legacy":
        return validate_legacy(spec, ctx.args, env=env, check_mode=ctx.check_mode)
    if spec.kind == "basic":
        return validate_basic(
            spec,
            ctx.args,
            name=ctx.name,
            env=env,
            check_mode=ctx.check_mode,
            ignore_unknown=spec.open or bool(ctx.ansible.get("_ansible_ignore_unknown_opts")),
        )
    return Validated(dict(ctx.args))


def run_module(ctx: ModuleContext) -> dict[str, Any]:
    """Validate the arguments, run the model, and return the JSON that the module prints.

    Raises Unmodelled for a module without a model, or for what its model does not cover.
    """
    spec = read_spec(ctx.source)
    model = find_model(ctx.name)
    checked = Validated({})
    try:
        checked = _validate(ctx, spec)
        ctx.params = checked.params
        if model is None:
            raise Unmodelled(f"module {ctx.name}")
        with current_user(_sid_of(ctx)), working_directory(directory_of(ctx)):
            result = model(ctx.host, ctx)
    except ModuleSkip as skip:
        result = skip.result
    except ModuleFailure as failure:
        checked.no_log |= failure.result.pop("_no_log", set())  # type: ignore[arg-type]
        result = {"changed": False, **failure.result, "failed": True, "msg": failure.msg}
    except WinError as error:
        return _unhandled(error)
    return _finish(ctx, spec, checked, result if spec.kind == "legacy" else {"changed": False, **result})


def _sid_of(ctx: ModuleContext) -> str | None:
    """Whose HKCU the module sees; None for the account that the host was made for."""
    user = ctx.become_user or ctx.user
    found = ctx.host.accounts.resolve(user) if user and user != ctx.host.user else None
    return found[1] if found else None


def directory_of(ctx: ModuleContext) -> str:
    """Where the module's process runs: WinRM starts in the profile, become_wrapper.ps1 in %SystemRoot%."""
    name = "SYSTEMROOT" if ctx.become_user else "USERPROFILE"
    return next((v for k, v in environment_of(ctx).items() if k.upper() == name), "C:\\")


def _unhandled(error: WinError) -> dict[str, Any]:
    """What exec_wrapper prints for an exception that the module did not catch."""
    return {
        "changed": False,
        "failed": True,
        "msg": f"Unhandled exception while executing module: {error.message}",
        "exception": f"{error.message}\n    + FullyQualifiedErrorId : {error.dotnet}",
    }


def version(ctx: ModuleContext) -> tuple[int, int]:
    """(major, minor) of the ansible-core that sent the module."""
    parts = str(ctx.ansible.get("_ansible_version", "2.19")).split(".")
    return int(parts[0]), int(parts[1])


def _finish(
    ctx: ModuleContext, spec: ModuleSpec, checked: Validated, result: dict[str, Any]
) -> dict[str, Any]:
    """Add what Ansible.Basic adds: diff only in diff mode, warnings, deprecations, invocation, secrets."""
    if spec.kind != "basic":
        return result
    core = version(ctx)
    if not ctx.diff_mode or not result.get("diff"):
        result.pop("diff", None)
    if not result.get("warnings"):
        result.pop("warnings", None)
    if checked.deprecations:
        result["deprecations"] = checked.deprecations
    if core < (2, 21) or ctx.ansible.get("_ansible_inject_invocation"):
        arguments = checked.params or dict(ctx.args)
        shown = mask(arguments, checked.no_log) if core < (2, 22) else arguments
        result["invocation"] = {"module_args": shown}
    if core >= (2, 22):
        new = sorted(checked.no_log - set(ctx.secrets))
        if new:
            result["_ansible_new_secrets"] = new
    elif "msg" in result:
        result["msg"] = mask(result["msg"], checked.no_log)
    return result

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell cmdlets of a simulated host, one file per Windows module.

``call`` is the way in: it finds the cmdlet, binds the parameters and runs the model. Everything that Windows would
report as an error leaves as ``CmdletError``; ``Unmodelled`` leaves as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from winsim.cmdlets.binding import Cmdlet, Function, P, Params, bind, set_names
from winsim.cmdlets.objects import CmdletError, Credential, Enum, PSObject, SecureString
from winsim.errors import Unmodelled, WinError

if TYPE_CHECKING:
    from winsim.host import Host

__all__ = [
    "Cmdlet",
    "CmdletError",
    "Credential",
    "Enum",
    "P",
    "PSObject",
    "Params",
    "SecureString",
    "call",
    "catalogue",
    "cmdlet",
]

_MODULES = ("cim", "core", "iscsi_target", "items", "net", "net_security", "processes", "server_manager")
_CMDLETS: dict[str, Cmdlet] = {}


def cmdlet(
    name: str,
    *,
    module: str,
    parameters: Mapping[str, P] | None = None,
    feature: str | None = None,
    changes: bool = False,
    should_process: bool = False,
    default_set: str | None = None,
    class_name: str = "",
    is_function: bool = False,
) -> Callable[[Function], Function]:
    """Declare the model of a cmdlet. ``feature`` is the Windows feature that brings its module."""

    def declare(function: Function) -> Function:
        known = dict(parameters or {})
        _CMDLETS[name.lower()] = Cmdlet(
            name,
            module,
            function,
            known,
            feature,
            changes,
            should_process,
            default_set,
            class_name,
            is_function,
            set_names(known, default_set),
        )
        return function

    return declare


def catalogue() -> dict[str, Cmdlet]:
    """All cmdlets of the model by name."""
    for module in _MODULES:
        importlib.import_module(f"winsim.cmdlets.{module}")
    return {item.name: item for item in _CMDLETS.values()}


def call(host: Host, name: str, given: Mapping[str, Any], *, network_logon: bool = True) -> list[Any]:
    """Run a cmdlet by name with named arguments and return what it writes to the pipeline."""
    catalogue()
    found = _CMDLETS.get(name.lower())
    if found is None:
        raise Unmodelled(f"the cmdlet {name}")
    if found.feature is not None and not host.features.is_installed(found.feature):
        raise CmdletError(
            "System.Management.Automation.CommandNotFoundException",
            "CommandNotFoundException",
            f"The term '{found.name}' is not recognized as the name of a cmdlet, function, script file, or operable "
            "program. Check the spelling of the name, or if a path was included, verify that the path is correct "
            "and try again.",
            0x80131501,
        )
    try:
        return found.run(host, bind(found, host.os.release, given, network_logon=network_logon))
    except WinError as error:
        raise CmdletError(
            error.dotnet, f"{_id(error)},{found.id_suffix}", error.message, _hresult(error)
        ) from error


def _id(error: WinError) -> str:
    return error.dotnet.rpartition(".")[2].removesuffix("Exception") or error.dotnet


def _hresult(error: WinError) -> int:
    return error.hresult

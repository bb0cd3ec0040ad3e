# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-Process for the programs that the model knows: sc.exe and w32tm.exe."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any

from winsim.cmdlets import CmdletError, P, Params, PSObject, cmdlet
from winsim.errors import Unmodelled
from winsim.sc import sc

if TYPE_CHECKING:
    from winsim.host import Host

_CLASS = "Microsoft.PowerShell.Commands.StartProcessCommand"
_DEFAULT = ("Default",)
_SHELL = ("UseShellExecute",)


@cmdlet(
    "Start-Process",
    module="Microsoft.PowerShell.Management",
    class_name=_CLASS,
    default_set="Default",
    changes=True,
    parameters={
        "FilePath": P(mandatory=True, aliases=("PSPath",)),
        "ArgumentList": P("String[]", aliases=("Args",)),
        "WorkingDirectory": P(),
        "PassThru": P("SwitchParameter"),
        "Wait": P("SwitchParameter"),
        "WindowStyle": P(values=("Normal", "Hidden", "Minimized", "Maximized")),
        "Verb": P(sets=_SHELL),
        "Credential": P("PSCredential", aliases=("RunAs",), sets=_DEFAULT),
        "LoadUserProfile": P("SwitchParameter", aliases=("Lup",), sets=_DEFAULT),
        "NoNewWindow": P("SwitchParameter", aliases=("nnw",), sets=_DEFAULT),
        "RedirectStandardError": P(aliases=("RSE",), sets=_DEFAULT),
        "RedirectStandardInput": P(aliases=("RSI",), sets=_DEFAULT),
        "RedirectStandardOutput": P(aliases=("RSO",), sets=_DEFAULT),
        "UseNewEnvironment": P("SwitchParameter", sets=_DEFAULT),
    },
)
def start_process(host: Host, params: Params) -> list[Any]:
    """Run a program. The exit code is there only for who waits: without -Wait it may not have ended yet."""
    unusual = [name for name in params if name.startswith(("Redirect", "Credential", "Verb"))]
    if unusual:
        raise Unmodelled(f"Start-Process -{unusual[0]}")
    code = _run(host, params["FilePath"], params.get("ArgumentList", []))
    if not params.switch("PassThru"):
        return []
    ended = params.switch("Wait")
    properties = {
        "Id": 4242,
        "ProcessName": ntpath.splitext(ntpath.basename(params["FilePath"]))[0],
        "HasExited": ended,
        "ExitCode": code if ended else None,
    }
    return [PSObject("System.Diagnostics.Process", properties, "System.Diagnostics.Process")]


def _run(host: Host, program: str, arguments: list[str]) -> int:
    name = ntpath.basename(program).lower().removesuffix(".exe")
    # Start-Process joins the arguments with blanks, the program splits them again.
    words = " ".join(arguments).split()
    if name == "sc":
        return sc(host, words).rc
    if name == "w32tm":
        return host.w32time.run(words).rc
    if not _is_program(host, program):
        raise CmdletError(
            "System.InvalidOperationException",
            f"InvalidOperationException,{_CLASS}",
            "This command cannot be run due to the error: The system cannot find the file specified.",
            0x80131509,
        )
    raise Unmodelled(f"Start-Process {program}")


def _is_program(host: Host, program: str) -> bool:
    """Programs of system32 are not in the model's file system; whatever has a plain name may be one."""
    return "\\" not in program or host.files.is_file(program)

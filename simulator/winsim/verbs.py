# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that the driver script brings along, called like cmdlets: Start-Program and Get-RegistryKey."""

from __future__ import annotations

import csv
import io
import ntpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from winsim.cmdlets import CmdletError, P, Params, PSObject, call, cmdlet
from winsim.errors import Unmodelled
from winsim.registry import KINDS
from winsim.sc import sc
from winsim.w32time import CommandResult

if TYPE_CHECKING:
    from winsim.host import Host

MODULE = "Winstack"


@cmdlet(
    "Start-Program",
    module=MODULE,
    changes=True,
    is_function=True,
    parameters={"FilePath": P(mandatory=True), "ArgumentList": P("String[]")},
)
def start_program(host: Host, params: Params) -> list[Any]:
    """Run a console program and wait for it; what it writes to either output are lines of text."""
    name = ntpath.basename(params["FilePath"]).lower().removesuffix(".exe")
    if name not in PROGRAMS:
        if host.files.is_file(ntpath.join("C:\\Windows\\System32", f"{name}.exe")):
            raise Unmodelled(f"Start-Program {params['FilePath']}")
        raise _not_found(params["FilePath"])
    words = [str(word) for word in params.get("ArgumentList") or []]
    result = PROGRAMS[name](host, words, params.network_logon)
    lines = result.stdout.splitlines()
    return [PSObject("System.Collections.Hashtable", {"ExitCode": result.rc, "Output": lines}, "Hashtable")]


def _not_found(program: str) -> CmdletError:
    return CmdletError(
        "System.Management.Automation.CommandNotFoundException",
        "CommandNotFoundException,Start-Program",
        f"The term '{program}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        0x80131501,
    )


def _whoami(host: Host, words: list[str], network_logon: bool) -> CommandResult:
    """``whoami /groups /fo csv /nh``: name, type, SID, attributes. Names are localised, SIDs are not."""
    if [word.lower() for word in words] != ["/groups", "/fo", "csv", "/nh"]:
        raise Unmodelled(f"whoami {' '.join(words)}")
    kind = "NETWORK" if network_logon else "INTERACTIVE"
    names = ["Everyone", *(f"BUILTIN\\{group.name}" for group in host.accounts.groups_of(host.user))]
    names += ["BUILTIN\\Users", f"NT AUTHORITY\\{kind}", "NT AUTHORITY\\Authenticated Users"]
    rows = [_group(host, name) for name in dict.fromkeys(names)]
    level, sid = ("High", "S-1-16-12288") if host.elevated else ("Medium", "S-1-16-8192")
    rows.append((f"Mandatory Label\\{level} Mandatory Level", "Label", sid, ""))
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return CommandResult(0, text.getvalue())


def _group(host: Host, name: str) -> tuple[str, str, str, str]:
    found = host.accounts.resolve(name)
    sid = found[1] if found else ""
    # UAC: a filtered token keeps Administrators for what is denied to them.
    only_denied = sid == "S-1-5-32-544" and not host.elevated
    attributes = (
        "Group used for deny only" if only_denied else "Mandatory group, Enabled by default, Enabled group"
    )
    return name, "Alias" if sid.startswith("S-1-5-32") else "Well-known group", sid, attributes


PROGRAMS: dict[str, Callable[[Host, list[str], bool], CommandResult]] = {
    "sc": lambda host, words, network_logon: sc(host, words),
    "w32tm": lambda host, words, network_logon: host.w32time.run(words),
    "whoami": _whoami,
}


@cmdlet(
    "Get-RegistryKey",
    module=MODULE,
    is_function=True,
    parameters={"LiteralPath": P(mandatory=True)},
)
def get_registry_key(host: Host, params: Params) -> list[Any]:
    """The values of a key as they are stored: name, kind, data."""
    path = params["LiteralPath"]
    call(host, "Get-Item", {"LiteralPath": path, "ErrorAction": "Stop"})
    return [
        PSObject(
            "System.Collections.Hashtable",
            {"Name": value.name, "Kind": KINDS[value.type][0], "Data": _data(value.data)},
            "Hashtable",
        )
        for value in host.registry.values(path)
    ]


def _data(data: Any) -> Any:
    return list(data) if isinstance(data, (bytes, bytearray)) else data

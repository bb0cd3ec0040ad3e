# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain command lines and PowerShell text that clients send without a module: win_reboot, temp files, testinfra."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from winsim.errors import Unmodelled
from winsim.invoke import CommandLine

if TYPE_CHECKING:
    from winsim.host import Host


@dataclass
class Output:
    """What a command wrote and its exit code."""

    stdout: bytes = b""
    stderr: bytes = b""
    rc: int = 0


@dataclass
class Session:
    """Where a command runs: ``environment`` holds what differs from the host's own variables."""

    host: Host
    user: str
    environment: dict[str, str] = field(default_factory=dict)
    directory: str | None = None
    reboot: Callable[[int], str | None] = lambda delay: None

    def variables(self) -> dict[str, str]:
        """All environment variables; later spellings of a name win, as names are case-insensitive."""
        merged: dict[str, tuple[str, str]] = {}
        for source in (self.host.env, self.environment):
            for name, value in source.items():
                merged[name.upper()] = (name, value)
        return dict(merged.values())

    def variable(self, name: str) -> str | None:
        """One environment variable."""
        return next((v for k, v in self.variables().items() if k.upper() == name.upper()), None)

    def expand(self, text: str) -> str:
        """``%NAME%`` replaced; unknown names stay, as cmd.exe and ExpandEnvironmentVariables leave them."""
        return re.sub(r"%([^%]+)%", lambda m: value if (value := self.variable(m[1])) is not None else m[0], text)


def clixml(*errors: str) -> bytes:
    """PowerShell's error stream as it reaches stderr when powershell.exe runs -EncodedCommand."""
    entries = "".join(f'<S S="Error">{_serialise(text)}_x000D__x000A_</S>' for text in errors)
    return (
        f'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{entries}</Objs>'
    ).encode()


def _serialise(text: str) -> str:
    """Control characters as ``_xHHHH_`` ([MS-PSRP] 2.2.5.3.2)."""
    return re.sub(r"[\x00-\x1f]", lambda m: f"_x{ord(m[0]):04X}_", escape(text))


def run(session: Session, command: CommandLine) -> Output:
    """Run a decoded command line. Raises Unmodelled."""
    if command.kind == "plain":
        raise Unmodelled(f"command line {command.text!r}")
    return run_powershell(session, command.text, encoded=command.encoded)


def run_powershell(session: Session, text: str, *, encoded: bool = True) -> Output:
    """Run PowerShell text. Raises Unmodelled."""
    raise Unmodelled(f"PowerShell {text!r}")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cmdlets take and give back: .NET values as far as a script can tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


class CmdletError(Exception):
    """A terminating error of a cmdlet, as ``$_`` shows it in a catch block.

    ``type`` is the full name of the .NET exception class, ``error_id`` the FullyQualifiedErrorId and ``hresult`` the
    exception's HResult as an unsigned number (0x80131500 is System.Exception's own).
    """

    def __init__(self, type: str, error_id: str, message: str, hresult: int = 0x80131500) -> None:
        super().__init__(message)
        self.type = type
        self.error_id = error_id
        self.message = message
        self.hresult = hresult


@dataclass(frozen=True)
class Enum:
    """A value of a .NET enumeration; its text is its name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Credential:
    """A PSCredential."""

    username: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return "System.Management.Automation.PSCredential"


@dataclass(frozen=True)
class SecureString:
    """A SecureString."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "System.Security.SecureString"


@dataclass
class PSObject:
    """An object in the pipeline: class name, properties in their order, and its text (``"$object"``)."""

    type: str
    properties: dict[str, Any]
    text: str | None = None
    source: object = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.type if self.text is None else self.text

    def get(self, name: str) -> Any:
        """The value of a property in any case; None if there is none."""
        for known, value in self.properties.items():
            if known.lower() == name.lower():
                return value
        return None


def to_text(value: Any) -> str:
    """``"$value"`` in PowerShell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%m/%d/%Y %H:%M:%S")
    if isinstance(value, timedelta):
        return _timespan(value)
    if isinstance(value, (list, tuple, bytes)):
        return " ".join(to_text(item) for item in value)
    if isinstance(value, Mapping):
        return "System.Collections.Hashtable"
    return str(value)


def _timespan(value: timedelta) -> str:
    days, rest = divmod(int(value.total_seconds()), 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}.{clock}" if days else clock

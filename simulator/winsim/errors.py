# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that the parts of a simulated host raise.

``Unmodelled`` is the simulator's own failure (the model lacks something); every other class here stands for an
error that Windows itself would report.
"""

from __future__ import annotations


class Unmodelled(Exception):
    """Something was asked of the simulator that it has no model for; the text names what is missing."""


class WinError(Exception):
    """An error reported by Windows.

    ``code`` is the Win32 error number (winerror.h), ``dotnet`` the full name of the .NET exception class in which
    PowerShell shows it.
    """

    default_code = 1
    default_dotnet = "System.ComponentModel.Win32Exception"

    def __init__(self, message: str, code: int | None = None, dotnet: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code
        self.dotnet = self.default_dotnet if dotnet is None else dotnet

    @property
    def hresult(self) -> int:
        """The error as an HRESULT: FACILITY_WIN32 and the Win32 code, unsigned."""
        return 0x80070000 | self.code


class ServiceError(WinError):
    """An error of the service control manager, e.g. 1060 (no such service) or 1058 (disabled)."""


class FileError(WinError):
    """An error of the file system; ``code`` 2/3 not found, 5 denied, 32 in use, 112 full, 145 not empty."""

    default_code = 2
    default_dotnet = "System.IO.IOException"


class RegistryError(WinError):
    """An error of the registry, e.g. a hive that does not exist."""

    default_code = 2
    default_dotnet = "System.Management.Automation.ItemNotFoundException"


class FeatureError(WinError):
    """An error of Server Manager's feature cmdlets (unknown or unavailable feature, removed source)."""

    default_dotnet = "Microsoft.Windows.ServerManager.Commands.FeatureException"


class ModuleFailure(Exception):
    """A module's own ``FailJson``: ``result`` holds the keys that are printed beside ``failed`` and ``msg``."""

    def __init__(self, msg: str, **result: object) -> None:
        super().__init__(msg)
        self.msg = msg
        self.result = result

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of a simulated host.

Keys and value names are case-insensitive and case-preserving. Only the five hives exist that PowerShell's
``Registry::`` provider and Ansible's modules know: HKLM, HKCU, HKCR, HKU, HKCC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from winsim.errors import RegistryError

Data = str | int | bytes | list[str]

HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
# Ansible's name -> Microsoft.Win32.RegistryValueKind and the REG_* constant of winnt.h.
KINDS = {
    "none": ("None", "REG_NONE"),
    "string": ("String", "REG_SZ"),
    "expandstring": ("ExpandString", "REG_EXPAND_SZ"),
    "binary": ("Binary", "REG_BINARY"),
    "dword": ("DWord", "REG_DWORD"),
    "multistring": ("MultiString", "REG_MULTI_SZ"),
    "qword": ("QWord", "REG_QWORD"),
}


_CURRENT_USER: ContextVar[str | None] = ContextVar("current_user", default=None)


@contextmanager
def current_user(sid: str | None) -> Iterator[None]:
    """While this lasts HKCU is the key of ``sid`` below HKU (None: of the host's usual user)."""
    token = _CURRENT_USER.set(sid)
    try:
        yield
    finally:
        _CURRENT_USER.reset(token)


@dataclass
class RegValue:
    """A value: ``type`` is a key of KINDS; dword and qword data are unsigned integers."""

    name: str
    type: str
    data: Data


@dataclass
class RegKey:
    """A key with its values and subkeys, both by lower-case name."""

    name: str
    values: dict[str, RegValue] = field(default_factory=dict)
    keys: dict[str, RegKey] = field(default_factory=dict)


class Registry:
    """Every hive of a host. Paths may be ``HKLM:\\A\\B``, ``HKLM\\A``, ``HKEY_LOCAL_MACHINE\\A``, ``Registry::...``."""

    def __init__(self) -> None:
        self.hives = {short: RegKey(long) for short, long in HIVES.items()}

    def _root(self, hive: str) -> RegKey:
        sid = _CURRENT_USER.get()
        if hive == "HKCU" and sid is not None:
            return self.hives["HKU"].keys.setdefault(sid.lower(), RegKey(sid))
        return self.hives[hive]

    def parts(self, path: str) -> tuple[str, list[str]]:
        """(hive short name, key names) of a path; RegistryError for another hive."""
        text = path.replace("/", "\\") if "\\" not in path else path
        text = re.sub(r"^(Microsoft\.PowerShell\.Core\\)?Registry::", "", text, flags=re.IGNORECASE)
        names = [name for name in text.strip("\\").split("\\") if name]
        root = (names[0] if names else "").rstrip(":").upper()
        for short, long in HIVES.items():
            if root in (short, long):
                return short, names[1:]
        raise RegistryError(
            f"Cannot find drive. A drive with the name '{root}' does not exist.",
            dotnet="System.Management.Automation.DriveNotFoundException",
        )

    def full_name(self, path: str) -> str:
        """``HKEY_LOCAL_MACHINE\\...`` in the case in which the keys were made."""
        hive, names = self.parts(path)
        key: RegKey | None = self._root(hive)
        shown = [HIVES[hive]]
        for name in names:
            key = key.keys.get(name.lower()) if key else None
            shown.append(key.name if key else name)
        return "\\".join(shown)

    def key(self, path: str) -> RegKey | None:
        """The key at ``path``, or None."""
        hive, names = self.parts(path)
        key: RegKey | None = self._root(hive)
        for name in names:
            if key is None:
                return None
            key = key.keys.get(name.lower())
        return key

    def exists(self, path: str, name: str | None = None) -> bool:
        """Whether the key (and, if ``name`` is given, that value of it) exists."""
        key = self.key(path)
        return key is not None and (name is None or name.lower() in key.values)

    def create(self, path: str) -> RegKey:
        """The key at ``path``, made with its parents if needed."""
        hive, names = self.parts(path)
        key = self._root(hive)
        for index, name in enumerate(names):
            if index == 0 and hive == "HKLM" and name.lower() not in key.keys and key.keys:
                raise RegistryError(
                    "The parameter is incorrect.", 87, "System.IO.IOException"
                )  # nobody can make keys directly below HKLM
            key = key.keys.setdefault(name.lower(), RegKey(name))
        return key

    def get(self, path: str, name: str = "") -> RegValue | None:
        """A value (the default one has the empty name), or None."""
        key = self.key(path)
        return key.values.get(name.lower()) if key else None

    def data(self, path: str, name: str = "") -> Data | None:
        """The data of a value, or None."""
        value = self.get(path, name)
        return value.data if value else None

    def set(self, path: str, name: str, data: Data, type: str | None = None) -> RegValue:
        """Write a value, making its key if needed; without ``type`` an int is a dword, text a string."""
        key = self.create(path)
        kind = type or _natural_type(data)
        if kind not in KINDS:
            raise ValueError(f"unknown registry value type {kind!r}")
        old = key.values.get(name.lower())
        value = RegValue(old.name if old else name, kind, _as_stored(data, kind))
        key.values[name.lower()] = value
        return value

    def delete_value(self, path: str, name: str) -> bool:
        """Remove a value; False if it was not there."""
        key = self.key(path)
        return key is not None and key.values.pop(name.lower(), None) is not None

    def delete(self, path: str) -> bool:
        """Remove a key with everything below; False if it was not there. Hives cannot be removed."""
        hive, names = self.parts(path)
        if not names:
            raise RegistryError(f"Cannot delete the hive {hive}.", 5, "System.Security.SecurityException")
        parent = self.key("\\".join([hive, *names[:-1]]))
        return parent is not None and parent.keys.pop(names[-1].lower(), None) is not None

    def subkeys(self, path: str) -> list[str]:
        """Names of the subkeys, sorted."""
        key = self.key(path)
        return sorted((sub.name for sub in key.keys.values()), key=str.lower) if key else []

    def values(self, path: str) -> list[RegValue]:
        """The values of a key in the order in which they were made."""
        key = self.key(path)
        return list(key.values.values()) if key else []

    def walk(self, path: str) -> Iterator[str]:
        """Paths of all keys below ``path``."""
        for name in self.subkeys(path):
            yield f"{path}\\{name}"
            yield from self.walk(f"{path}\\{name}")


def _natural_type(data: Data) -> str:
    if isinstance(data, int):
        return "dword" if data < 2**32 else "qword"
    if isinstance(data, bytes):
        return "binary"
    return "multistring" if isinstance(data, list) else "string"


def _as_stored(data: Data, kind: str) -> Data:
    """Integers as unsigned of their width: -1 and 4294967295 are the same DWORD."""
    if isinstance(data, int) and kind in ("dword", "qword"):
        return data % (2**32 if kind == "dword" else 2**64)
    return data

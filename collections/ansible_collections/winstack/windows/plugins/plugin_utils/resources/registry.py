# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry: paths of keys, the questions what is in them, and data by type. PRIVATE to the winstack collections.

A value counts for Windows only with the type that its reader asks for: REG_SZ "900" is no DWORD 900.
https://learn.microsoft.com/windows/win32/sysinfo/registry-value-types
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question, Row
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, is_number
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError, WantError

# What users write -> Microsoft.Win32.RegistryValueKind, as Set-ItemProperty -Type takes it.
TYPES: t.Final = {
    "string": "String",
    "expand_string": "ExpandString",
    "multi_string": "MultiString",
    "dword": "DWord",
    "qword": "QWord",
    "binary": "Binary",
}
BITS: t.Final = {"dword": 32, "qword": 64}

# PowerShell has drives for two hives; the others are reached through its provider.
# https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_registry_provider
_HIVES: t.Final = {
    "HKLM": "HKLM:",
    "HKEY_LOCAL_MACHINE": "HKLM:",
    "HKCU": "HKCU:",
    "HKEY_CURRENT_USER": "HKCU:",
    "HKU": "Registry::HKEY_USERS",
    "HKEY_USERS": "Registry::HKEY_USERS",
    "HKCR": "Registry::HKEY_CLASSES_ROOT",
    "HKEY_CLASSES_ROOT": "Registry::HKEY_CLASSES_ROOT",
    "HKCC": "Registry::HKEY_CURRENT_CONFIG",
    "HKEY_CURRENT_CONFIG": "Registry::HKEY_CURRENT_CONFIG",
}
_PROVIDER: t.Final = re.compile(r"^(?:Microsoft\.PowerShell\.Core\\)?Registry::", re.IGNORECASE)
_BYTES: t.Final = re.compile(r"(?:hex:)?((?:[0-9a-f]{2}[ ,]?)*)", re.IGNORECASE)


def key_path(text: str) -> str:
    r"""Return the path of a key as PowerShell takes it, as in ``HKLM:\SOFTWARE\X``. Raise WantError if it is none."""
    hive, *names = _PROVIDER.sub("", text).rstrip("\\").split("\\")
    place = _HIVES.get(hive.removesuffix(":").upper())
    if place is None or not names or not all(names) or {".", ".."} & set(names):
        raise WantError(rf"{text!r} is not the path of a key. Give it as in HKLM:\SOFTWARE\Example.")
    if "/" in text:
        # The registry provider takes it for a separator: https://github.com/PowerShell/PowerShell/issues/5536
        raise WantError(f"{text!r} has a slash, where PowerShell ends the name of a key. Use backslashes.")
    return "\\".join([place, *names])


def levels(path: str) -> list[str]:
    """Return the keys from below the hive down to the path itself."""
    hive, *names = path.split("\\")
    return ["\\".join([hive, *names[: depth + 1]]) for depth in range(len(names))]


def key_question(path: str, *, optional: bool = True, advice: str = "") -> Question:
    """Return the question what values a key has: Name, Kind (None where PowerShell's language mode hides it), Data."""
    call = Call("Get-RegistryKey", {"LiteralPath": path}, ("Name", "Kind", "Data"))
    return Question(f"registry {path.lower()}", call, advice, optional)


def existence_question(path: str) -> Question:
    """Return the question whether a key is there: one row, with the answer under the empty name."""
    return Question(f"registry key {path.lower()}", Call("Test-Path", {"LiteralPath": path}, ("",)))


@dataclass(frozen=True)
class Stored:
    """A value of a key. ``kind`` is a RegistryValueKind, None where the host does not say."""

    name: str
    kind: str | None
    data: Json

    @property
    def type(self) -> str | None:
        """The type as users write it; a kind that nobody can wish for as Windows calls it, in lower case."""
        named = {kind: name for name, kind in TYPES.items()}
        return None if self.kind is None else named.get(self.kind, self.kind.lower())

    def has(self, kind: str) -> bool:
        """Return whether the data is of that type; where the host does not say, whether it looks so."""
        return self.type == kind if self.kind is not None else _looks(self.data, kind)


def stored_values(rows: Iterable[Row]) -> dict[str, Stored]:
    """Return the values of a key by name in lower case. Raise HostError for rows of another form."""
    found = {}
    for row in rows:
        name, kind = row.get("Name"), row.get("Kind")
        if not isinstance(name, str) or not isinstance(kind, (str, type(None))) or "Data" not in row:
            raise HostError(
                f"A value of the registry reads as {dict(row)!r}. Name, Kind and Data were expected."
            )
        found[name.lower()] = Stored(name, kind, _unsigned(row["Data"], kind))
    return found


def _unsigned(data: t.Any, kind: str | None) -> Json:
    bits = BITS.get((kind or "").lower())
    return data % 2**bits if bits and isinstance(data, int) else t.cast("Json", data)


def _looks(data: Json, kind: str) -> bool:
    if kind in BITS:
        return isinstance(data, int) and not isinstance(data, bool)
    if kind in ("string", "expand_string"):
        return isinstance(data, str)
    inner = int if kind == "binary" else str
    return _is_list(data) and all(isinstance(item, inner) for item in t.cast("Sequence[Json]", data))


def _is_list(data: t.Any) -> bool:
    return isinstance(data, Sequence) and not isinstance(data, str)


# Data ---------------------------------------------------------------------------------------------------------------------


def read_data(kind: str, given: t.Any) -> Json:
    """Return the data of a type in one spelling: text, texts, number without sign, or bytes as numbers. Raise WantError."""
    if kind in BITS:
        return _number(kind, given)
    if kind == "binary":
        return _bytes(given)
    if kind == "multi_string":
        return [_text(kind, item) for item in (given if _is_list(given) else [given])]
    return _text(kind, given)


def _text(kind: str, given: t.Any) -> str:
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise WantError(f"{_shown(given)} is not text, as type {kind} takes it. Put it between quotes.")
    return str(given)


def _number(kind: str, given: t.Any) -> int:
    bits = BITS[kind]
    try:
        number = int(given, 0) if isinstance(given, str) else int(given)
    except (ValueError, TypeError):
        raise WantError(f"{_shown(given)} is not a whole number, as type {kind} takes it.") from None
    if number != given and isinstance(given, float):
        raise WantError(f"{given} is not a whole number, as type {kind} takes it.")
    if not -(2 ** (bits - 1)) <= number < 2**bits:
        raise WantError(f"{number} does not fit into the {bits} bits of type {kind}.")
    return int(number % 2**bits)


def _bytes(given: t.Any) -> list[int]:
    match = _BYTES.fullmatch(given.strip()) if isinstance(given, str) else None
    if match:
        return list(bytes.fromhex(re.sub("[ ,]", "", match[1])))
    if _is_list(given) and all(is_number(item) and 0 <= item <= 255 for item in given):
        return list(given)
    raise WantError(
        f"{_shown(given)} is not binary data. Give hexadecimal digits, as in '0a,ff', or a list of bytes."
    )


def _shown(given: t.Any) -> str:
    return (
        f"a {'dictionary' if isinstance(given, Mapping) else 'list'}" if _is_container(given) else repr(given)
    )


def _is_container(given: t.Any) -> bool:
    return isinstance(given, Mapping) or _is_list(given)


def same_data(have: Stored, kind: str, want: Json) -> bool:
    """Return whether a value of a key is the wanted one, type included."""
    if not have.has(kind):
        return False
    if kind == "expand_string" and have.kind is None:
        return _expands(str(want), str(have.data))
    data = have.data % 2 ** BITS[kind] if kind in BITS and isinstance(have.data, int) else have.data
    return data == want


def _expands(text: str, expanded: str) -> bool:
    """Return whether a text can be another one with its variables expanded, as the constrained language mode reads it."""
    pattern = ".*".join(re.escape(part) for part in re.split(r"%[^%]+%", text))
    return re.fullmatch(pattern, expanded, re.IGNORECASE | re.DOTALL) is not None


def sent_data(kind: str, data: Json) -> ParamValue:
    """Return data as Set-ItemProperty takes it: .NET's registry has numbers with a sign."""
    bits = BITS.get(kind)
    if bits and isinstance(data, int):
        return data - 2**bits if data >= 2 ** (bits - 1) else data
    return t.cast("ParamValue", data)


def shown_data(data: Json) -> Json:
    """Return data as diffs show it: bytes as hexadecimal digits."""
    if _is_list(data) and data and all(isinstance(item, int) for item in t.cast("Sequence[Json]", data)):
        return bytes(t.cast("Sequence[int]", data)).hex(",")
    return data

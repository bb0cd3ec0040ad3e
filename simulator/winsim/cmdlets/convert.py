# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of arguments to parameter types, as PowerShell's language converter does it.

https://learn.microsoft.com/powershell/scripting/lang-spec/chapter-06. ``ConversionError`` holds the text that
follows "Error:" in PowerShell's message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from winsim.cmdlets.objects import Credential, Enum, PSObject, SecureString, to_text
from winsim.errors import Unmodelled
from winsim.iscsi import InitiatorId, is_iscsi_name

INTEGERS = {
    "Byte": (0, 2**8 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "UInt32": (0, 2**32 - 1),
    "Int64": (-(2**63), 2**63 - 1),
    "UInt64": (0, 2**64 - 1),
}
# Types that are shown under another full name than System.<type>.
FULL_NAMES = {
    "PSCredential": "System.Management.Automation.PSCredential",
    "SwitchParameter": "System.Management.Automation.SwitchParameter",
    "InitiatorId": "Microsoft.Iscsi.Target.Commands.InitiatorId",
    "Iqn": "Microsoft.Iscsi.Target.Commands.Iqn",
    "SecureString": "System.Security.SecureString",
    "Feature": "Microsoft.Windows.ServerManager.Commands.Feature",
    "CimInstance": "Microsoft.Management.Infrastructure.CimInstance",
    **{
        name: f"Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.{name}"
        for name in (
            "Action",
            "Authentication",
            "Direction",
            "EdgeTraversal",
            "Enabled",
            "Encryption",
            "Profile",
        )
    },
}


class ConversionError(Exception):
    """A value cannot become the type of the parameter."""


def full_name(type: str) -> str:
    """The full .NET name of a parameter type as the catalogue spells it."""
    bare = type.removesuffix("[]")
    name = FULL_NAMES.get(bare, bare if "." in bare else f"System.{bare}")
    return name + ("[]" if type.endswith("[]") else "")


def convert(value: Any, type: str, accepted: Sequence[str] = ()) -> Any:
    """``value`` as ``type`` (a name of the cmdlet catalogue); ConversionError if PowerShell refuses."""
    if type.endswith("[]"):
        items = value if isinstance(value, list) else [value]
        return [convert(item, type[:-2], accepted) for item in items]
    if isinstance(value, list):
        if type == "Object":
            return value
        raise ConversionError("Specified method is not supported.")
    if accepted:
        return _enum(value, accepted)
    converter = _CONVERTERS.get(type)
    if converter is None:
        raise Unmodelled(f"conversion of an argument to the parameter type {type}")
    return converter(value)


def _enum(value: Any, accepted: Sequence[str]) -> Enum:
    """A name of the enumeration; a Boolean is none, not even where a name reads True."""
    text = to_text(value)
    if isinstance(value, bool):
        raise ConversionError(
            f'Cannot convert value "{text}" due to enumeration values that are not valid. Specify one of the following '
            f'enumeration values and try again. The possible enumeration values are "{",".join(accepted)}".'
        )
    for name in accepted:
        if name.lower() == text.lower():
            return Enum(name)
    raise ConversionError(
        f"Unable to match the identifier name {text} to a valid enumerator name. Specify one of the following "
        f"enumerator names and try again: {', '.join(accepted)}"
    )


def _integer(type: str) -> Callable[[Any], int]:
    low, high = INTEGERS[type]

    def convert_integer(value: Any) -> int:
        try:
            number = int(str(value).strip(), 0) if isinstance(value, str) else round(value)
        except (TypeError, ValueError):
            raise ConversionError("Input string was not in a correct format.") from None
        if not low <= number <= high:
            raise ConversionError(f"Value was either too large or too small for {_article(type)}.")
        return number

    return convert_integer


def _article(type: str) -> str:
    return f"{'an unsigned byte' if type == 'Byte' else 'a ' + type if type[0] == 'U' else 'an ' + type}"


def _boolean(value: Any) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    raise ConversionError(
        "Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0."
    )


def _string(value: Any) -> str:
    return to_text(value)


def _credential(value: Any) -> Credential | None:
    """A user name as text would open a prompt for the password, which a non-interactive host refuses."""
    if value is None or isinstance(value, Credential):
        return value
    raise ConversionError(
        "A command that prompts the user failed because the host program is not interactive."
    )


def _secure_string(value: Any) -> SecureString:
    if isinstance(value, SecureString):
        return value
    raise ConversionError(f'Cannot convert the "{to_text(value)}" value to type "SecureString".')


def _initiator(value: Any) -> InitiatorId:
    if isinstance(value, PSObject) and isinstance(value.source, InitiatorId):
        return value.source
    try:
        return InitiatorId.parse(to_text(value))
    except ValueError as error:
        raise ConversionError(str(error)) from None


def _iqn(value: Any) -> str:
    text = to_text(value)
    if not is_iscsi_name(text):
        raise ConversionError(f"'{text}' is not a valid iSCSI qualified name.")
    return text


def _timespan(value: Any) -> timedelta:
    parts = to_text(value).split(":")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        hours, minutes, seconds = (int(part) for part in parts)
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    raise ConversionError("String was not recognized as a valid TimeSpan.")


def _instance(type: str) -> Callable[[Any], Any]:
    """Types that only another cmdlet makes: an object of that class and nothing else."""

    def convert_instance(value: Any) -> Any:
        if isinstance(value, PSObject) and value.type.rpartition(".")[2] == type:
            return value
        raise ConversionError(f'Cannot convert value "{to_text(value)}" to type "{full_name(type)}".')

    return convert_instance


def _feature(value: Any) -> str:
    """A feature's name: ServerManager's own transformation takes names and what Get-WindowsFeature gives."""
    if isinstance(value, PSObject) and value.type == full_name("Feature"):
        return str(value)
    return to_text(value)


def _cim_instance(value: Any) -> PSObject:
    if isinstance(value, PSObject) and value.type.startswith(full_name("CimInstance")):
        return value
    raise ConversionError(f'Cannot convert value "{to_text(value)}" to type "{full_name("CimInstance")}".')


def _object(value: Any) -> Any:
    return value


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    **{type: _integer(type) for type in INTEGERS},
    "Boolean": _boolean,
    "SwitchParameter": _boolean,
    "String": _string,
    "PSCredential": _credential,
    "System.Management.Automation.PSCredential": _credential,
    "SecureString": _secure_string,
    "InitiatorId": _initiator,
    "Iqn": _iqn,
    "TimeSpan": _timespan,
    "Feature": _feature,
    "CimInstance": _cim_instance,
    "Object": _object,
    **{
        type: _instance(type)
        for type in ("IscsiVirtualDisk", "IscsiServerTarget", "IscsiVirtualDiskSnapshot", "ServiceController")
    },
}

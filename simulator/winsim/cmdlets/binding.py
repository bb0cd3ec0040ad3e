# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of cmdlets and PowerShell's parameter binder.

The binder refuses what PowerShell refuses, with its exception classes and error ids
(https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_parameter_sets). Compiled cmdlets
and functions (CDXML modules such as NetTCPIP are functions) report a bad value differently; both forms are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from winsim.cmdlets.convert import ConversionError, convert, full_name
from winsim.cmdlets.objects import CmdletError, PSObject, to_text
from winsim.errors import Unmodelled

if TYPE_CHECKING:
    from winsim.host import Host

BINDING = "System.Management.Automation.ParameterBindingException"
VALIDATION = "System.Management.Automation.ParameterBindingValidationException"
TRANSFORMATION = "System.Management.Automation.ParameterBindingArgumentTransformationException"
HRESULT = 0x80131501
ALL = "(All)"
COMMON = (
    "Debug",
    "ErrorAction",
    "ErrorVariable",
    "InformationAction",
    "InformationVariable",
    "OutBuffer",
    "OutVariable",
    "PipelineVariable",
    "Verbose",
    "WarningAction",
    "WarningVariable",
)


@dataclass(frozen=True)
class P:
    """A parameter: ``type`` as the cmdlet catalogue spells it.

    ``sets`` names the parameter sets it belongs to (none: all), ``optional_in`` those where a mandatory one may be
    left out. ``releases`` limits it to versions of Windows Server. ``flags``: an enumeration whose names may also
    come as one text, separated by commas.
    """

    type: str = "String"
    mandatory: bool = False
    aliases: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    optional_in: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    allow_empty: bool = False
    flags: bool = False

    def in_set(self, name: str) -> bool:
        """Whether the parameter belongs to a set."""
        return not self.sets or name in self.sets

    def needed_in(self, name: str) -> bool:
        """Whether the set cannot be used without the parameter."""
        return self.mandatory and self.in_set(name) and name not in self.optional_in


class Params(Mapping[str, Any]):
    """Bound parameters by their real names; ``set`` is the chosen parameter set.

    ``network_logon`` tells that the caller's token came over the network, as with WinRM (not with become).
    """

    def __init__(self, values: Mapping[str, Any], set_name: str = ALL, *, network_logon: bool = True) -> None:
        self._values = dict(values)
        self.set = set_name
        self.network_logon = network_logon

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def switch(self, name: str) -> bool:
        """Whether a switch was given and is true."""
        return bool(self._values.get(name, False))


Function = Callable[["Host", Params], list[Any]]


@dataclass(frozen=True)
class Cmdlet:
    """A cmdlet of the model. ``class_name`` ends its error ids: the .NET class, or the name of a function."""

    name: str
    module: str
    run: Function
    parameters: Mapping[str, P]
    feature: str | None = None
    changes: bool = False
    should_process: bool = False
    default_set: str | None = None
    class_name: str = ""
    function: bool = False
    sets: tuple[str, ...] = field(default=(ALL,))

    @property
    def id_suffix(self) -> str:
        """What follows the comma of an error id."""
        return self.class_name or self.name

    def available_parameters(self, release: str) -> dict[str, P]:
        """The parameters that this version of Windows Server has, WhatIf and Confirm included."""
        known = {name: p for name, p in self.parameters.items() if not p.releases or release in p.releases}
        if self.should_process:
            known["WhatIf"] = P("SwitchParameter", aliases=("wi",))
            known["Confirm"] = P("SwitchParameter", aliases=("cf",))
        return known


def set_names(parameters: Mapping[str, P], default_set: str | None) -> tuple[str, ...]:
    """All parameter sets that the parameters mention, the default one first."""
    names = dict.fromkeys([default_set] if default_set else [])
    for parameter in parameters.values():
        names.update(dict.fromkeys(parameter.sets))
    return tuple(names) or (ALL,)


def bind(cmdlet: Cmdlet, release: str, given: Mapping[str, Any], *, network_logon: bool = True) -> Params:
    """Bind named arguments; CmdletError for what PowerShell refuses."""
    known = cmdlet.available_parameters(release)
    named: dict[str, Any] = {}
    for text, value in given.items():
        name = _match(cmdlet, known, text)
        if name in named:
            _fail(
                cmdlet,
                "ParameterAlreadyBound",
                f"Cannot bind parameter because parameter '{name}' is specified more than once.",
            )
        named[name] = value
    _check_common(cmdlet, named)
    own = {name: value for name, value in named.items() if name in known}
    values = {name: _convert(cmdlet, name, known[name], value) for name, value in own.items()}
    return Params(values, _choose_set(cmdlet, known, values), network_logon=network_logon)


def _match(cmdlet: Cmdlet, known: Mapping[str, P], text: str) -> str:
    """The parameter meant by a name, an alias or an unambiguous beginning of either."""
    lower = text.lower()
    candidates = {name: (name, *p.aliases) for name, p in known.items()}
    candidates.update({name: (name,) for name in COMMON})
    for name, spellings in candidates.items():
        if lower in (item.lower() for item in spellings):
            return name
    found = [n for n, s in candidates.items() if any(item.lower().startswith(lower) for item in s)]
    own = [name for name in found if name in known]
    found = own if own else found
    if len(found) == 1 and lower:
        return found[0]
    if found and lower:
        options = " ".join(f"-{name}" for name in found)
        _fail(
            cmdlet,
            "AmbiguousParameter",
            f"Parameter cannot be processed because the parameter name '{text}' is ambiguous. Possible matches "
            f"include: {options}.",
        )
    _fail(
        cmdlet, "NamedParameterNotFound", f"A parameter cannot be found that matches parameter name '{text}'."
    )


def _check_common(cmdlet: Cmdlet, named: Mapping[str, Any]) -> None:
    action = named.get("ErrorAction", "Stop")
    if to_text(action).lower() not in ("stop", "continue"):
        raise Unmodelled(f"{cmdlet.name} -ErrorAction {action}")
    if named.get("WhatIf"):
        raise Unmodelled(f"{cmdlet.name} -WhatIf")
    if named.get("Confirm"):
        raise CmdletError(
            "System.Management.Automation.PSInvalidOperationException",
            f"InvalidOperation,{cmdlet.id_suffix}",
            "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
            0x80131509,
        )


def _convert(cmdlet: Cmdlet, name: str, parameter: P, value: Any) -> Any:
    _check_empty(cmdlet, name, parameter, value)
    try:
        return convert(_names(value) if parameter.flags else value, parameter.type, parameter.values)
    except ConversionError as error:
        reason = (
            f'Cannot convert value "{to_text(value)}" to type "{full_name(parameter.type)}". Error: "{error}"'
        )
        if cmdlet.function:
            raise CmdletError(
                TRANSFORMATION,
                f"ParameterArgumentTransformationError,{cmdlet.id_suffix}",
                f"Cannot process argument transformation on parameter '{name}'. {reason}",
                HRESULT,
            ) from None
        raise CmdletError(
            BINDING,
            f"CannotConvertArgumentNoMessage,{cmdlet.id_suffix}",
            f"Cannot bind parameter '{name}'. {reason}",
            HRESULT,
        ) from None


def _names(value: Any) -> list[Any]:
    """The names of a flags enumeration: a list, or texts that separate them by commas."""
    items = value if isinstance(value, list) else [value]
    split = [item.split(",") if isinstance(item, str) else [item] for item in items]
    return [part.strip() if isinstance(part, str) else part for parts in split for part in parts]


def _check_empty(cmdlet: Cmdlet, name: str, parameter: P, value: Any) -> None:
    """Mandatory parameters take no null, no empty string and no empty array unless the cmdlet says so."""
    if not parameter.mandatory or parameter.allow_empty:
        return
    kinds = [
        (value is None, "Null", "it is null"),
        (value == "", "EmptyString", "it is an empty string"),
        (isinstance(value, list) and not value, "EmptyArray", "it is an empty array"),
        (isinstance(value, list) and "" in value, "EmptyString", "it is an empty string"),
    ]
    for wrong, kind, text in kinds:
        if wrong:
            raise CmdletError(
                VALIDATION,
                f"ParameterArgumentValidationError{kind}NotAllowed,{cmdlet.id_suffix}",
                f"Cannot bind argument to parameter '{name}' because {text}.",
                HRESULT,
            )


def _choose_set(cmdlet: Cmdlet, known: Mapping[str, P], bound: Mapping[str, Any]) -> str:
    """The one parameter set that the bound parameters leave."""
    possible = [name for name in cmdlet.sets if all(known[p].in_set(name) for p in bound)]
    if not possible:
        _fail_set(cmdlet)
    complete = [name for name in possible if not _missing(known, bound, name)]
    if len(complete) == 1:
        return complete[0]
    if cmdlet.default_set in complete:
        return str(cmdlet.default_set)
    if complete:
        return _most_specific(cmdlet, known, bound, complete)
    wanted = cmdlet.default_set if cmdlet.default_set in possible else None
    if wanted is None and len(possible) > 1:
        _fail_set(cmdlet)
    missing = " ".join(_missing(known, bound, wanted or possible[0]))
    # The host of a WinRM run cannot prompt for it.
    _fail(
        cmdlet,
        "MissingMandatoryParameter",
        f"Cannot process command because of one or more missing mandatory parameters: {missing}.",
    )


def _most_specific(
    cmdlet: Cmdlet, known: Mapping[str, P], bound: Mapping[str, Any], complete: Sequence[str]
) -> str:
    """Among complete sets the binder keeps those whose mandatory parameters were really given."""
    using = [name for name in complete if any(known[p].sets and known[p].needed_in(name) for p in bound)]
    if len(using) != 1:
        _fail_set(cmdlet)
    return using[0]


def _missing(known: Mapping[str, P], bound: Mapping[str, Any], set_name: str) -> list[str]:
    return [name for name, p in known.items() if p.needed_in(set_name) and name not in bound]


def _fail_set(cmdlet: Cmdlet) -> NoReturn:
    _fail(
        cmdlet,
        "AmbiguousParameterSet",
        "Parameter set cannot be resolved using the specified named parameters.",
    )


def _fail(cmdlet: Cmdlet, error_id: str, message: str) -> NoReturn:
    raise CmdletError(BINDING, f"{error_id},{cmdlet.id_suffix}", message, HRESULT)


def unwrap(value: Any) -> Any:
    """The model object behind an InputObject argument."""
    return value.source if isinstance(value, PSObject) else value

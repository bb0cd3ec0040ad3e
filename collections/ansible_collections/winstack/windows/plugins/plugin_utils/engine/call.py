# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cmdlet call as data. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credential:
    """A user name and its secret; only ever sent as a sensitive parameter, never shown."""

    username: str
    password: str = field(repr=False)


ParamValue = str | int | bool | None | Credential | Sequence[str | int | bool]
Select = tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True)
class Call:
    """A cmdlet, its parameters and the properties wanted back.

    ``select`` holds property names; ``""`` is the object itself; a tuple ``(property, sub, ...)`` is a
    collection whose elements are projected to these sub-properties; ``("*", pattern)`` is every property
    whose text is like the pattern. ``change`` says that the call alters the host.
    """

    cmdlet: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    select: Select = ()
    change: bool = False

    def masked(self) -> dict[str, t.Any]:
        """Return the call as JSON-able data with every secret left out, for the result's ``commands``."""
        return {
            "cmdlet": self.cmdlet,
            "parameters": {name: _masked(value) for name, value in self.params.items()},
        }


def change(cmdlet: str, **params: ParamValue) -> Call:
    """Return a call that alters the host and from which nothing is wanted back."""
    return Call(cmdlet, params, change=True)


def _masked(value: ParamValue) -> t.Any:
    if isinstance(value, Credential):
        return {"username": value.username, "password": "********"}
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value

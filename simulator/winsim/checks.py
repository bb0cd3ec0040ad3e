# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the hosts file: a misspelt key or value is never passed over. All raise ValueError."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def check_keys(what: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse keys of ``given`` that are not known, by name."""
    unknown = sorted(str(key) for key in set(given) - set(known))
    if unknown:
        raise ValueError(f"{what}: unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}")


def one_of(key: str, given: object, known: Collection[str]) -> str:
    """Return ``given``, which must be one of the known words."""
    if given not in known:
        raise ValueError(f"{key} must be one of {', '.join(known)}, not {given!r}")
    return str(given)


def truth(key: str, given: object) -> bool:
    """Return ``given``, which must be true or false."""
    if not isinstance(given, bool):
        raise ValueError(f"{key} must be true or false, not {given!r}")
    return given

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes as people write them. PRIVATE to the winstack collections."""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

KIB: t.Final = 1024
MIB: t.Final = 1024 * KIB
GIB: t.Final = 1024 * MIB
TIB: t.Final = 1024 * GIB

# PowerShell reads 1GB as 1024 to the third: about_Numeric_Literals.
_FACTORS: t.Final = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB}
_SIZE: t.Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(?:I?B)?", re.IGNORECASE)


def parse_size(value: str) -> int:
    """Return bytes for ``20GB``, ``512 MiB`` or ``1048576``; a unit is a power of 1024. Raise WantError for anything else."""
    match = _SIZE.fullmatch(value.strip())
    size = Fraction(match[1]) * _FACTORS[match[2].upper()] if match else None
    if size is None or size.denominator != 1:
        raise WantError(
            f"{value!r} is not a size. Give a number of bytes, or a number with KB, MB, GB or TB, as in 20GB (units are powers of "
            "1024)."
        )
    return int(size)


def show_size(size: int) -> str:
    """Return bytes in the largest unit that holds them as a whole number."""
    for unit in ("T", "G", "M", "K"):
        if size and size % _FACTORS[unit] == 0:
            return f"{size // _FACTORS[unit]} {unit}B"
    return f"{size} bytes"

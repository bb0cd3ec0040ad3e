# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of objects that other programs own, as patterns: ``*`` is any text, ``?`` one character, case does not matter.

The default is how cinder-volume names what it owns on a Windows host: it finds its disks by their description, names file
and target after the volume, and while it copies an image it disables the disk and replaces the file. A tool that "heals" one
of these destroys data: https://opendev.org/openstack/cinder cinder/volume/drivers/windows/iscsi.py. An exported snapshot is
described ``<snapshot>-<number>-temp``: https://opendev.org/openstack/os-win iscsi_target_utils.py.
"""

from __future__ import annotations

import functools
import ntpath
import re
import typing as t
from collections.abc import Iterable

DEFAULT: t.Final = ("iqn.2010-10.org.openstack:*", "volume-*", "snapshot-*")

_WILDCARD: t.Final = re.compile(r"[*?]")
_SHORT: t.Final = re.compile(r"([^~]+)~[0-9]+")


def protected_by(patterns: Iterable[str], names: Iterable[str]) -> str | None:
    """Return the first pattern that one of the names matches; None if there is none."""
    texts = [plain for name in names if (plain := _plain(name))]
    return next((one for one in patterns if any(_matcher(one).fullmatch(text) for text in texts)), None)


def file_protected_by(patterns: Iterable[str], path: str) -> str | None:
    """Return the first pattern that a file matches, by its name with or without extension.

    Of a long name an 8.3 name shows as few as two letters (https://learn.microsoft.com/windows/win32/fileio/naming-a-file):
    it counts as every name that may be behind it.
    """
    known = tuple(patterns)
    name = ntpath.basename(path.replace("/", "\\")).rstrip(" .")
    stem = ntpath.splitext(name)[0]
    return protected_by(known, (name, stem)) or next((one for one in known if _may_hide(one, stem)), None)


def _plain(name: str) -> str:
    return name.strip().strip(" .").casefold()


@functools.cache
def _matcher(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern.strip().casefold()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL)


def _may_hide(pattern: str, stem: str) -> bool:
    """Return whether an 8.3 name may stand for a name of the pattern."""
    short = _SHORT.fullmatch(stem.casefold())
    beginning = _WILDCARD.split(pattern.strip().casefold())[0]
    return short is not None and short[1].startswith(beginning[:2])

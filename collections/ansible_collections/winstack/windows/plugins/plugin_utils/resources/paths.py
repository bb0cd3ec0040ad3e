# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of virtual disk files on a Windows host. PRIVATE to the winstack collections.

One file has many spellings on Windows. Those that hide which file is meant (short names, trailing dots, streams, ``..``) are
refused, so that the guard of protected files cannot be walked around:
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import functools
import ntpath
import re
import typing as t

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

EXTENSIONS: t.Final = (".vhdx", ".vhd")

_DEVICES: t.Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN: t.Final = re.compile(r'[<>:"|?*\x00-\x1f]')
# 8.3: at most eight characters with a tilde and a number, and at most three of extension.
_SHORT: t.Final = re.compile(r"(?=[^.]{1,8}(?:\.|$))[^.]*~[0-9]+(?:\.[^.]{0,3})?")
_MAX_PART: t.Final = 255
_HIDDEN: t.Final = "contains . or .., which hides the folder that is meant"


@functools.lru_cache(maxsize=1 << 16)
def path_key(path: str) -> str:
    """Return what is equal for all spellings of a path that differ in case or separators."""
    return ntpath.normcase(ntpath.normpath(path))


def drive(path: str) -> str:
    """Return the drive of an absolute path, as in ``D:``; empty where it has none."""
    return ntpath.splitdrive(path)[0].upper()


def is_vhd(path: str) -> bool:
    """Return whether the file is of the old format, which Windows can neither make for a target nor shrink."""
    return path.lower().endswith(".vhd")


def folder_fault(text: str) -> str | None:
    """Return what is wrong with the path of a folder, as the end of a sentence; None if it can be one."""
    fault = _place_fault(text)
    return fault and rf"the path {fault}. Give an absolute path on a drive letter, as in D:\iSCSI."


def file_fault(text: str) -> str | None:
    """Return what is wrong with the path of a virtual disk file, as the end of a sentence; None if it can be one."""
    fault = _fault(text)
    return fault and rf"the path {fault}. Give an absolute path on a drive letter, as in D:\iSCSI\disk1.vhdx."


def plain_path(text: str) -> str:
    r"""Return a path with ``\`` for ``/`` and single separators. Raise WantError where ``.`` or ``..`` hides what is meant.

    What is no path of a drive (``ramdisk:x.vhdx``, a volume of a shadow copy) is returned as it is: a host may have it.
    """
    if not text.strip():
        raise WantError(r"the path is empty. Give an absolute path, as in D:\iSCSI\disk1.vhdx.")
    if {".", ".."} & set(re.split(r"[\\/]+", text)):
        raise WantError(f"{text!r} {_HIDDEN}. Write the path without them.")
    return ntpath.normpath(text) if re.match(r"[A-Za-z]:[\\/]", text) else text


def is_on_drive(path: str) -> bool:
    """Return whether a path can be asked for on a local drive."""
    return _place_fault(path) is None


def _fault(text: str) -> str | None:
    return _place_fault(text) or _name_fault(re.split(r"[\\/]+", text)[-1])


def _place_fault(text: str) -> str | None:
    if text.lower().startswith("ramdisk:"):
        return "is a RAM disk, which is gone after a restart"
    if text[:2] in ("\\\\", "//", "\\/", "/\\"):
        return "is a network or device path; the file of a virtual disk has to be on a local volume"
    if not re.match(r"[A-Za-z]:[\\/]", text):
        return "is not an absolute path"
    parts = re.split(r"[\\/]+", text[3:].lstrip("\\/"))
    return next((fault for fault in map(_part_fault, parts) if fault), None)


def _part_fault(part: str) -> str | None:
    if part in (".", ".."):
        return _HIDDEN
    if _FORBIDDEN.search(part):
        return "contains a character that a file name cannot have (a colon would name a data stream)"
    if part != part.rstrip(" ."):
        return "has a part that ends in a dot or a space, which Windows drops"
    if _DEVICES.fullmatch(part.split(".")[0].rstrip(" ")):
        return "contains the name of a device"
    if _SHORT.fullmatch(part):
        return "contains a short (8.3) name; write the long one"
    return f"has a part of more than {_MAX_PART} characters" if len(part) > _MAX_PART else None


def _name_fault(name: str) -> str | None:
    stem, extension = ntpath.splitext(name)
    if extension.lower() not in EXTENSIONS or not stem:
        return "does not name a .vhdx or .vhd file"
    return None

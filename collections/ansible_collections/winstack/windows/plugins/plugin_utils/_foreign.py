# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cinder-volume owns on a Windows host, and nobody else may touch. PRIVATE to the winstack collections.

Cinder's driver finds its disks by their description, names the file and the target after the volume, and while it copies an
image it disables the disk and replaces the file; an exported snapshot is a disk described ``<snapshot>-<number>-temp``. A tool
that "heals" any of these destroys data:
https://opendev.org/openstack/cinder cinder/volume/drivers/windows/iscsi.py
"""

from __future__ import annotations

import ntpath
import re
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

PREFIX: t.Final = "iqn.2010-10.org.openstack:"
VOLUME: t.Final = "volume-%s"
SNAPSHOT: t.Final = "snapshot-%s"

CINDER_OPTION: t.Final[dict[str, t.Any]] = {
    "type": "dict",
    "options": {
        "target_prefix": {"type": "str", "default": PREFIX},
        "volume_name_template": {"type": "str", "default": VOLUME},
        "snapshot_name_template": {"type": "str", "default": SNAPSHOT},
    },
}

_UUID: t.Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEMPORARY: t.Final = re.compile(r".*-temp")
_PLACE: t.Final = re.compile(r"%(?:\(\w+\))?s")
_SHORT: t.Final = re.compile(r"([^~]+)~[0-9]+")


@dataclass(frozen=True)
class Cinder:
    """The names of cinder-volume: those of its defaults, and those of this cloud's cinder.conf besides."""

    prefixes: tuple[str, ...]
    names: tuple[re.Pattern[str], ...]
    beginnings: tuple[str, ...]

    @classmethod
    def from_option(cls, option: Mapping[str, t.Any] | None) -> Cinder:
        """Read the option ``cinder``. Raise WantError for a template that does not hold one ``%s``."""
        given = option or {}
        prefixes = {PREFIX, str(given.get("target_prefix") or PREFIX)}
        templates = {VOLUME, SNAPSHOT}
        for name in ("volume_name_template", "snapshot_name_template"):
            templates.add(_checked(str(given.get(name) or VOLUME), f"cinder.{name}"))
        return cls(
            tuple(sorted(prefix.strip().casefold() for prefix in prefixes)),
            tuple(_pattern(template) for template in sorted(templates)),
            tuple(_parts(template)[0][:2] for template in sorted(templates)),
        )

    def disk(self, path: str, description: str = "", targets: Iterable[str] = ()) -> str | None:
        """Say why a virtual disk is cinder's, given the names of the targets that show it; None if it is not."""
        name = ntpath.basename(path.replace("/", "\\")).rstrip(" .")
        if self._named(_stem(name)) or self._named(name) or self._shortened(_stem(name)):
            return f"its file is called {name}"
        if self._named(description):
            return f"its description is {description!r}"
        target = next((target for target in targets if self.target(target)), None)
        return f"the target {target} shows it" if target else None

    def target(self, name: str, iqn: str = "") -> str | None:
        """Say why a target is cinder's; None if it is not."""
        for text in (name, iqn):
            plain = text.strip().casefold()
            if plain.startswith(self.prefixes):
                return f"it is called {text}"
            if any(pattern.fullmatch(plain) for pattern in self.names):
                return f"it is called {text}"
        return None

    def _named(self, text: str) -> bool:
        plain = text.strip().strip(" .").casefold()
        return any(pattern.fullmatch(plain) for pattern in (*self.names, _TEMPORARY))

    def _shortened(self, stem: str) -> bool:
        """Whether an 8.3 name may stand for one of cinder's: from the fifth on only two letters of a name are left in it."""
        match = _SHORT.fullmatch(stem.casefold())
        return match is not None and match[1].startswith(self.beginnings)


def refuse(thing: str, reason: str) -> RefusedError:
    """Give the error for a thing that belongs to cinder-volume."""
    return RefusedError(
        f"{thing} belongs to cinder-volume: {reason}. Winstack changes nothing of cinder-volume's. Use the Block Storage API "
        "for it, or give your own object another name."
    )


def _checked(template: str, option: str) -> str:
    if len(_PLACE.findall(_hide(template))) != 1:
        raise WantError(
            f"{option}: {template!r} has to hold %s once, as the option of cinder.conf has, as in {VOLUME}."
        )
    return template


def _pattern(template: str) -> re.Pattern[str]:
    before, after = _parts(template)
    # A bare %s names every volume by its id, and nothing but an id.
    middle = ".*" if before.strip() or after.strip() else _UUID
    return re.compile(re.escape(before) + middle + re.escape(after), re.DOTALL)


def _parts(template: str) -> tuple[str, str]:
    """Give what stands before and after the place of the id."""
    before, after = _PLACE.split(_hide(template), maxsplit=1)
    return before.replace("\0", "%").casefold(), after.replace("\0", "%").casefold()


def _hide(template: str) -> str:
    """Put the doubled percent sign, which stands for a plain one, out of the way."""
    return template.replace("%%", "\0")


def _stem(name: str) -> str:
    return ntpath.splitext(name)[0]

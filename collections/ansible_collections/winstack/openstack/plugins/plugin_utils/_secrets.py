# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What in a configuration file may not be shown. PRIVATE to the winstack collections."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable

from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import (
    Document,
    Entry,
    Kind,
    normalized,
)

MASK: t.Final = "********"
_NAME: t.Final = re.compile(
    r"pass(?:word|wd|phrase)|(?:^|_)(?:pass|jwt|kek)(?:$|_)|secret|token|credential|role_id$"
    r"|(?:private|api|access|admin|auth|encr(?:yption)?|fixed|hmac|master|shared|signing|storage|store|swift)_?key"
    r"(?!_?(?:file|path|manager))",
    re.IGNORECASE,
)
# The user information of a URL, as in transport_url and connection. RFC 3986 wants an @ in a password to be written %40,
# and yet many are not: all up to the last @ is taken.
_URL: t.Final = re.compile(r"://(?P<user_info>.*)(?=@)")
_VALUE: t.Final = re.compile(r"(?P<head>[^=:]*[=:][ \t]*).*", re.DOTALL)


class Names:
    """Options by name (``debug``, in any section) or by section and name (``lvm.volume_driver``)."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Take the names. Section names may hold dots, option names do not."""
        pairs = [name.rpartition(".") for name in names]
        self._names = {(normalized(section), option) for section, _dot, option in pairs}

    def __iter__(self) -> t.Iterator[tuple[str, str]]:
        """Give pairs of a normalized section (empty: any) and an option."""
        return iter(sorted(self._names))

    def has(self, section: str, option: str) -> bool:
        """Say whether the option of that section is meant."""
        return bool({("", option), (normalized(section), option)} & self._names)


class Secrets:
    """Which options are secret: by what their name says, or because the task says so."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Take the names of further options whose values are secret."""
        self._names = Names(names)

    def is_secret(self, section: str, option: str) -> bool:
        """Say whether the whole value of an option is a secret."""
        return bool(_NAME.search(option)) or self._names.has(section, option)

    def shown(self, section: str, option: str, value: str) -> str:
        """Give a value with what is secret in it replaced."""
        if self.is_secret(section, option):
            return MASK
        return printable(_without_credentials(value, MASK))

    def any_in(self, document: Document) -> bool:
        """Say whether a file holds a secret; empty values are none."""
        return any(
            entry.value and self.shown(section, entry.name, entry.value) != entry.value
            for section, entry in document.options()
        )

    def text(self, document: Document, *, new_to: Document | None = None) -> str:
        """Give the text of a file without secrets; those that ``new_to`` does not have are marked as new."""
        known = set((new_to or document).settings())
        texts = []
        section = ""
        for entry in document.entries:
            section = entry.name if entry.kind is Kind.SECTION else section
            is_new = entry.kind is Kind.OPTION and (normalized(section), entry.name, entry.value) not in known
            texts.append(self._entry(section, entry, f"{MASK} (new)" if is_new else MASK))
        return printable("".join(texts))

    def _entry(self, section: str, entry: Entry, mask: str) -> str:
        name = entry.name if entry.kind is Kind.OPTION else entry.commented_option
        if not name or not self.is_secret(section, name):
            return "".join(_without_credentials(line, mask) for line in entry.lines)
        end = entry.lines[-1][len(entry.lines[-1].rstrip("\r\n")) :]
        return _VALUE.sub(lambda found: found["head"] + mask, entry.lines[0], count=1) + end


def printable(text: str) -> str:
    """Give a text that holds bytes which are no UTF-8 in a form that can be printed."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def literal_dollars(text: str) -> str:
    r"""Write each ``$`` so that oslo.config does not take it for the start of another option's name.

    Raise ValueError for ``\$``: oslo.config takes that for another way to write ``$``, and the backslash is lost.
    """
    if "\\$" in text:
        raise ValueError("oslo.config has no way to write a backslash before a dollar sign")
    return text.replace("$", "$$")


def literal_credentials(text: str) -> str:
    """Do the same within the user information of a URL only."""
    return _URL.sub(lambda found: "://" + literal_dollars(found["user_info"]), text)


def _without_credentials(text: str, mask: str) -> str:
    return _URL.sub(lambda found: "://" + mask, text)

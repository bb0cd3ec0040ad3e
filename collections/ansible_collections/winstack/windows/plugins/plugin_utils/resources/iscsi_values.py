# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of the options of virtual disks and targets.

https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import itertools
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Credential, ParamValue
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import MIB
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Flag,
    Json,
    Nested,
    Size,
    Spec,
    Type,
    is_number,
    listed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.initiator_ids import (
    MAX_ISCSI_NAME,
    initiator_fault,
    initiator_of,
    iscsi_name,
    read_initiator,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import (
    file_fault,
    path_key,
    plain_path,
)

# https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
MAX_LUNS: t.Final = 256
# [MS-VHDX] 2.2.3.2: a block is a power of two from 1 MB to 256 MB.
BLOCKS: t.Final = tuple(MIB << bit for bit in range(9))
SECRET_LENGTH: t.Final = range(12, 17)


class Enabled(Flag):
    """Whether something is enabled. What WMI does not say is not known to differ, so it is left as it is."""

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the host has what is wanted, as far as it says."""
        return have is None or have == want


# Disks --------------------------------------------------------------------------------------------------------------------


class DiskPath(Type):
    """The path of a virtual disk file, compared in any case and with any slashes."""

    def parse(self, given: t.Any) -> Json:
        """Return the plain spelling."""
        return plain_path(str(given))

    def read(self, raw: t.Any) -> Json:
        """Return the path, None where there is none."""
        return str(raw) if raw else None

    def same(self, have: Json, want: Json) -> bool:
        """Return whether both name one file."""
        return have is not None and path_key(str(have)) == path_key(str(want))

    def fault(self, want: Json, have: Json) -> str | None:
        """Return what is wrong with the form of the path."""
        return file_fault(str(want))


class DiskSize(Size):
    """The size of a disk, which Windows counts in MiB; imported disks may have others."""

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that it is no whole number of MiB."""
        whole = isinstance(want, int) and want % MIB == 0
        return None if whole else f"{want} bytes is no whole number of MiB. Give whole MiB, as in 512MiB."


class BlockSize(Size):
    """The block size of a .vhdx file."""

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that it is no power of two in range."""
        fits = want in BLOCKS
        return (
            None if fits else f"{self.words(want)} is no power of two from 1 MB to 256 MB. Give one, as 2MB."
        )


class SectorSize(Type):
    """A sector size in bytes."""

    def spec(self) -> Spec:
        """Return the spec with the two sizes that there are."""
        return {"type": "int", "choices": [512, 4096]}


# Targets ------------------------------------------------------------------------------------------------------------------


class Printed(Type):
    """A collection of objects, as Windows prints them."""

    def read(self, raw: t.Any) -> Json:
        """Return the texts; ValueError where that is no list of objects."""
        return [str(row.get("") or "") for row in _rows(raw)]


class Iqn(Type):
    """The iSCSI name of a target, compared in lower case (RFC 3722)."""

    def parse(self, given: t.Any) -> Json:
        """Return the name in lower case."""
        return str(given).strip().lower()

    def read(self, raw: t.Any) -> Json:
        """Return the name in lower case."""
        return str(raw or "").lower()

    def fault(self, want: Json, have: Json) -> str | None:
        """Return that it is no iSCSI name."""
        if iscsi_name(str(want)):
            return None
        return f"{want} is not an iSCSI name. Give iqn.yyyy-mm.reversed.domain:name, {MAX_ISCSI_NAME} characters at most."


class Initiators(Type):
    """Who may log in: a list of ``kind:value``, as it is sent. Spellings of one initiator are equal, and the order does not count."""

    def spec(self) -> Spec:
        """Return the spec of a list of texts."""
        return {"type": "list", "elements": "str"}

    def parse(self, given: t.Any) -> Json:
        """Return each initiator once."""
        return list({one.key: str(one) for one in map(initiator_of, map(str, given))}.values())

    def read(self, raw: t.Any) -> Json:
        """Return what Windows printed; ValueError where that is no list of objects."""
        return sorted({read_initiator(row).shown for row in _rows(raw)})

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the same initiators may log in."""
        return _keys(have) == _keys(want)

    def fault(self, want: Json, have: Json) -> str | None:
        """Return what is wrong with the form of an initiator that the host does not have."""
        known = _keys(have)
        new = [text for text in map(str, _items(want)) if initiator_of(text).key not in known]
        return next(filter(None, map(initiator_fault, new)), None)

    def show(self, value: Json) -> Json:
        """Return the list in one order."""
        return None if value is None else sorted(initiator_of(str(text)).shown for text in _items(value))

    def words(self, value: Json) -> str:
        """Return the list in a sentence."""
        return listed([str(text) for text in _items(self.show(value))])


def _keys(initiators: Json) -> set[str]:
    return {initiator_of(str(text)).key for text in _items(initiators)}


@dataclass(frozen=True)
class Chap(Nested):
    """One direction of CHAP: enabled, username and secret, which no host ever shows.

    ``switch`` and ``credential`` are its parameters of Set-IscsiServerTarget.
    """

    switch: str = ""
    credential: str = ""
    elements: bool = False
    options: Mapping[str, Spec] = field(
        default_factory=lambda: {
            "enabled": {"type": "bool", "default": True},
            "username": {"type": "str"},
            "secret": {"type": "str", "no_log": True},
        }
    )

    def parse(self, given: t.Any) -> Json:
        """Return the direction, with the secret as a Credential, so that it is never printed."""
        username, secret = given.get("username") or None, given.get("secret")
        told: dict[str, t.Any] = {"enabled": bool(given.get("enabled", True)), "username": username}
        if secret is None:
            return told
        if fault := _secret_fault(str(secret), username):
            raise WantError(fault)
        return told | {"credential": Credential(str(username), str(secret))}

    def same(self, have: Json, want: Json) -> bool:
        """Return whether CHAP is on or off as wanted, for the same user; who it was for says nothing while it is off."""
        now, then = chap(have), chap(want)
        return now.on == then.on and (not then.on or then.user in (None, now.user))

    def parameters(self, value: Json) -> dict[str, ParamValue]:
        """Return all parameters that bring CHAP about."""
        wanted = chap(value)
        secret = {self.credential: wanted.secret} if wanted.on and wanted.secret else {}
        return {self.switch: wanted.on, **secret}

    def show(self, value: Json) -> Json:
        """Return the direction without its secret."""
        shown = chap(value)
        return {"enabled": True, "username": shown.user} if shown.on else {"enabled": False}

    def words(self, value: Json) -> str:
        """Return the direction in a sentence."""
        shown = chap(value)
        return f"on for {shown.user or 'no user'}" if shown.on else "off"


class ChapValue(t.NamedTuple):
    """One direction of CHAP."""

    on: bool
    user: str | None
    secret: Credential | None


def chap(value: Json) -> ChapValue:
    """Return the parts of a value of type Chap."""
    given = t.cast("Mapping[str, t.Any]", value or {})
    return ChapValue(bool(given.get("enabled")), given.get("username") or None, given.get("credential"))


def _secret_fault(secret: str, username: str | None) -> str | None:
    """Return what is wrong with a secret, without telling it."""
    if len(secret) not in SECRET_LENGTH:
        return (
            f"secret has {len(secret)} characters. Windows takes {SECRET_LENGTH[0]} to {SECRET_LENGTH[-1]}."
        )
    if not secret.isascii() or not secret.isprintable():
        return "secret holds a character that is not printable ASCII, which initiators encode differently. Use printable ASCII."
    return None if username else "secret needs username: Windows takes them together only."


@dataclass(frozen=True)
class Luns(Nested):
    """The disks that a target shows: a list of path and lun, where no lun means any number that is free."""

    options: Mapping[str, Spec] = field(
        default_factory=lambda: {"path": {"type": "str", "required": True}, "lun": {"type": "int"}}
    )

    def parse(self, given: t.Any) -> Json:
        """Return the mappings, paths in their plain spelling. Raise WantError where a number or disk is given twice."""
        luns = [{"path": plain_path(str(item["path"])), "lun": item.get("lun")} for item in given]
        _check_each_once([str(item["lun"]) for item in luns if item["lun"] is not None], "the number")
        _check_each_once([path_key(item["path"]) for item in luns], "the path")
        return t.cast("Json", luns)

    def read(self, raw: t.Any) -> Json:
        """Return the mappings by number; ValueError for another form."""
        luns = [{"path": row.get("Path"), "lun": row.get("Lun")} for row in _rows(raw)]
        for item in luns:
            if not isinstance(item["path"], str) or not is_number(item["lun"]):
                raise ValueError(f"a path and a number were expected, and {item} was found")
        return t.cast("Json", sorted(luns, key=lambda item: int(item["lun"])))

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the same disks are shown, under the numbers that are asked for."""
        now, then = numbers(have), numbers(want)
        return now.keys() == then.keys() and all(lun in (None, now[key]) for key, lun in then.items())

    def fault(self, want: Json, have: Json) -> str | None:
        """Return what is wrong with the form of a mapping that the host does not have."""
        known = numbers(have)
        if len(numbers(want)) > max(MAX_LUNS, len(known)):
            return f"{len(numbers(want))} disks were given. A target shows {MAX_LUNS} at most."
        return next(filter(None, (_lun_fault(item, known) for item in _items(want))), None)

    def show(self, value: Json) -> Json:
        """Return the mappings, number first."""
        if value is None:
            return None
        return t.cast("Json", [{"lun": item["lun"], "path": item["path"]} for item in _items(value)])

    def words(self, value: Json) -> str:
        """Return the mappings in a sentence."""
        return listed([f"{item['path']} as {item['lun']}" for item in _items(value)])


def by_path(luns: Json) -> dict[str, Mapping[str, t.Any]]:
    """Return the mappings, path and lun, by the key of the path."""
    return {path_key(item["path"]): item for item in _items(luns)}


def numbers(luns: Json) -> dict[str, int | None]:
    """Return the number of each disk that is shown, by the key of its path."""
    return {key: item.get("lun") for key, item in by_path(luns).items()}


def numbered(want: Json, have: Json) -> Json:
    """Return mappings with a number each: the one asked for, else the one that the disk has, else the lowest that is free."""
    now = numbers(have)
    spelled = by_path(want) | by_path(have)
    found: dict[str, int | None] = {key: lun for key, lun in numbers(want).items() if lun is not None}
    open_ = [key for key in numbers(want) if key not in found]
    # What a person told of a host may leave a number out.
    found |= {key: now[key] for key in open_ if key in now and now[key] not in found.values()}
    free = (number for number in itertools.count() if number not in set(found.values()))
    for key in open_:
        if key not in found:
            found[key] = next(free)
    luns = [{"path": spelled[key]["path"], "lun": lun} for key, lun in found.items()]
    return t.cast("Json", sorted(luns, key=lambda item: (item["lun"] is None, item["lun"], item["path"])))


def _lun_fault(item: Mapping[str, t.Any], known: Mapping[str, int | None]) -> str | None:
    key, lun = path_key(item["path"]), item.get("lun")
    if lun is not None and lun != known.get(key) and not 0 <= lun < MAX_LUNS:
        return f"{item['path']} cannot have the number {lun}. Give 0 to {MAX_LUNS - 1}."
    fault = None if key in known else file_fault(item["path"])
    return fault and f"{item['path']}: {fault}"


def _check_each_once(values: Sequence[str], what: str) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise WantError(f"{what} {listed(twice)} is given twice. A target has each once.")


def _rows(raw: t.Any) -> Iterator[Mapping[str, t.Any]]:
    """Return the rows of a collection; ValueError for another form."""
    if raw is not None and not isinstance(raw, list):
        raise ValueError(f"a list was expected, and {type(raw).__name__} {raw!r} was found")
    for row in raw or ():
        if not isinstance(row, Mapping):
            raise ValueError(
                f"a list of objects was expected, and {type(row).__name__} {row!r} was found in it"
            )
        yield row


def _items(value: Json) -> list[t.Any]:
    return list(t.cast("Sequence[t.Any]", value or ()))

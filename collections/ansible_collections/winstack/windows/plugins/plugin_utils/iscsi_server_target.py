# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target of iSCSI Target Server: what initiators log in to, and which virtual disks they then see.

https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils._foreign import CINDER_OPTION, Cinder, refuse
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.initiator_ids import (
    MAX_ISCSI_NAME,
    InitiatorId,
    iscsi_name,
    parse_initiator,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._iscsi_target import (
    MAX_LUNS,
    MAX_TARGETS,
    answered,
    read_disks,
    read_targets,
    things,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import disk_path, path_key
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    STATE_OPTIONS,
    Have,
    Plan,
    Resource,
    Thing,
    release,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import (
    Call,
    Credential,
    ParamValue,
    change,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

# Windows makes the IQN of a new target of its name, as iqn.1991-05.com.microsoft:<computer>-<name>-target, and a NetBIOS name
# has at most 15 characters.
MAX_NAME: t.Final = MAX_ISCSI_NAME - len("iqn.1991-05.com.microsoft:") - 15 - len("--target")
SECRET_LENGTH: t.Final = range(12, 17)

# The characters of an iSCSI name (RFC 3722), of which the target's name becomes a part.
_NAME: t.Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")

_CHAP: t.Final[dict[str, t.Any]] = {
    "type": "dict",
    "options": {
        "enabled": {"type": "bool", "default": True},
        "username": {"type": "str"},
        "secret": {"type": "str", "no_log": True},
    },
}

Luns = dict[str, int]
"""Key of the path (path_key) -> number."""


@dataclass(frozen=True)
class Chap:
    """One direction of CHAP as wanted. ``parameters`` are those of Set-IscsiServerTarget: switch and credential."""

    option: str
    parameters: tuple[str, str]
    enabled: bool
    username: str | None
    secret: str | None = field(repr=False)


@dataclass(frozen=True)
class Lun:
    """A disk that the target has to show; ``number`` None is any that is free."""

    path: str
    number: int | None

    @property
    def key(self) -> str:
        """What is equal for all spellings of the path."""
        return path_key(self.path)


@dataclass(frozen=True)
class Want:
    """The options of the module, read; None is what the task leaves open."""

    name: str
    iqn: str | None
    initiators: tuple[InitiatorId, ...] | None
    chaps: tuple[Chap, ...]
    luns: tuple[Lun, ...] | None


class IscsiServerTarget(Resource):
    """One target, known by its name.

    A thing has: name, iqn, description, enabled, initiator_ids, chap and reverse_chap ({enabled, username}), luns ([{lun,
    path}]). A have holds release, targets (things with status and sessions) and disks ([{path, description}]).
    """

    argument_spec: t.ClassVar[dict[str, t.Any]] = {
        "name": {"type": "str"},
        "iqn": {"type": "str"},
        "initiator_ids": {"type": "list", "elements": "str"},
        "description": {"type": "str"},
        "enabled": {"type": "bool"},
        "chap": _CHAP,
        "reverse_chap": _CHAP,
        "update_secret": {"type": "str", "choices": ["on_create", "always"], "default": "on_create"},
        "luns": {
            "type": "list",
            "elements": "dict",
            "options": {"path": {"type": "str", "required": True}, "lun": {"type": "int"}},
        },
        "cinder": CINDER_OPTION,
        **STATE_OPTIONS,
    }
    constraints: t.ClassVar[dict[str, t.Any]] = {
        "required_if": [("state", state, ("name",)) for state in ("present", "absent", "rendered")],
    }
    sections: t.ClassVar[tuple[str, ...]] = (
        *("services", "iscsi_server_targets", "wt_hosts"),
        *("iscsi_virtual_disks", "wt_disks"),
    )
    touches: t.ClassVar[tuple[str, ...]] = ("iscsi_server_targets", "wt_hosts")

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        """Take the options of the module. Raise WantError for what no host could be given."""
        super().__init__(params)
        self.cinder = Cinder.from_option(params.get("cinder"))
        self.want = _want(params)
        self._refuse_foreign_names()

    # What is there ----------------------------------------------------------------------------------------------------

    @staticmethod
    def read(facts: Facts) -> Have:
        """Give all targets, and the disks that could be shown. Raise HostError if the host did not say."""
        disks = [{"path": disk["path"], "description": disk["description"]} for disk in read_disks(facts)]
        return {"release": release(facts), "targets": read_targets(facts), "disks": disks}

    @classmethod
    def shown(cls, have: Have, params: Mapping[str, t.Any]) -> Have:
        """Add to each target who owns it: cinder, or nobody that is known."""
        cinder = Cinder.from_option(params.get("cinder"))
        owned = [
            target | {"owner": "cinder" if cinder.target(target["name"], target["iqn"]) else None}
            for target in have["targets"]
        ]
        return have | {"targets": owned}

    def current(self, have: Have) -> Thing:
        """Give the wanted target as it is now."""
        target = self._found(have)
        return {} if target is None else self._thing(target)

    def probes(self, have: Have) -> Mapping[str, Call]:
        """Ask again for what WMI had not known."""
        target = self._found(have)
        unknown = target is not None and target.get("enabled") is None
        wanted = self.params["state"] != "absent" and self.params.get("enabled") is not None
        return {"wt_hosts": SECTIONS["wt_hosts"]} if unknown and wanted else {}

    def _found(self, have: Have) -> Mapping[str, t.Any] | None:
        targets = things(have, "targets", "name")
        return next((target for target in targets if target["name"].lower() == self.want.name.lower()), None)

    def _thing(self, target: Mapping[str, t.Any]) -> Thing:
        return {
            "name": self.want.name,
            "iqn": str(target.get("iqn") or "").lower(),
            "description": target.get("description") or "",
            "enabled": target.get("enabled"),
            "initiator_ids": sorted(parse_shown(text) for text in target.get("initiator_ids") or []),
            "chap": _shown_chap(target.get("chap")),
            "reverse_chap": _shown_chap(target.get("reverse_chap")),
            "luns": self._shown_luns(_luns(target), target),
        }

    def _shown_luns(self, luns: Luns, target: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
        """Give the mappings in order of their numbers, with paths as the task spells them, else as the host does."""
        spelling = _spelling(target) | {lun.key: lun.path for lun in self.want.luns or ()}
        listed = [{"lun": number, "path": spelling[key]} for key, number in luns.items()]
        return sorted(listed, key=lambda item: (item["lun"], item["path"]))

    # What belongs to cinder-volume ------------------------------------------------------------------------------------

    def _refuse_foreign_names(self) -> None:
        if reason := self.cinder.target(self.want.name, self.want.iqn or ""):
            raise refuse(f"The target {self.want.name}", reason)
        for lun in self.want.luns or ():
            if reason := self.cinder.disk(lun.path):
                raise refuse(lun.path, reason)

    def _refuse_foreign(self, have: Have, target: Mapping[str, t.Any] | None) -> None:
        """Refuse a target of cinder's, and any disk of cinder's among those shown now or to be shown."""
        if target and (reason := self.cinder.target(target["name"], str(target.get("iqn") or ""))):
            raise refuse(f"The target {target['name']}", reason)
        shown = {item["path"] for item in (target or {}).get("luns") or []}
        touched = shown if self.params["state"] == "absent" or self.want.luns is not None else set()
        for path in sorted({*touched, *(lun.path for lun in self.want.luns or ())}):
            if reason := self._foreign_disk(have, path):
                raise refuse(path, reason)

    def _foreign_disk(self, have: Have, path: str) -> str | None:
        key = path_key(path)
        disks = things(have, "disks", "path")
        description = next((disk.get("description") for disk in disks if path_key(disk["path"]) == key), None)
        showing = (other["name"] for other in things(have, "targets", "name") if key in _luns(other))
        return self.cinder.disk(path, description or "", showing)

    # The way ----------------------------------------------------------------------------------------------------------

    def plan(self, have: Have, probed: Facts) -> Plan:
        """Give the calls for the wanted state. Raise RefusedError for what cannot be, or is somebody else's."""
        target = self._found(have)
        self._refuse_foreign(have, target)
        if self.params["state"] == "absent":
            return self._absent(target)
        self._refuse_taken_iqn(have)
        before = self._before(target, probed)
        luns = _numbered(self.want.luns, _luns(target or {}))
        after = (before or {"name": self.want.name}) | self._wanted(target or {}, luns)
        calls = tuple(self._calls(before, after, target, luns))
        warnings = tuple(self._warnings(have, target, luns))
        return Plan(before, _known(after), calls, warnings, tuple(self._missing(have)))

    def _before(self, target: Mapping[str, t.Any] | None, probed: Facts) -> Thing:
        if target is None:
            return {}
        thing = self._thing(target)
        if thing["enabled"] is None:
            thing["enabled"] = answered(probed, "wt_hosts", "HostName", target["name"])
        return thing

    def _wanted(self, target: Mapping[str, t.Any], luns: Luns | None) -> Thing:
        initiators = self.want.initiators
        given = {
            "iqn": self.want.iqn,
            "description": self.params.get("description"),
            "enabled": self.params.get("enabled"),
            "initiator_ids": None if initiators is None else sorted(item.shown for item in initiators),
            "luns": None if luns is None else self._shown_luns(luns, target),
        }
        chaps = {chap.option: _wanted_chap(chap, target) for chap in self.want.chaps}
        return {name: value for name, value in given.items() if value is not None} | chaps

    def _calls(
        self, before: Thing, after: Thing, target: Mapping[str, t.Any] | None, luns: Luns | None
    ) -> Iterator[Call]:
        """Nobody can log in to a new target before its settings are there, nor see a disk before them."""
        name = self.want.name if target is None else target["name"]
        if target is None:
            yield change("New-IscsiServerTarget", TargetName=name)
        settings = {**self._settings(before, after), **self._chap_settings(target or {})}
        if settings:
            yield change("Set-IscsiServerTarget", TargetName=name, **settings)
        if luns is not None:
            yield from self._mapping_calls(name, target or {}, luns)

    def _settings(self, before: Thing, after: Thing) -> dict[str, ParamValue]:
        # What a new target has without being told.
        now = before or {"description": "", "enabled": True, "initiator_ids": []}
        changed = {name for name in after if after[name] != now.get(name)}
        values: dict[str, ParamValue] = {
            "iqn": self.want.iqn,
            "description": self.params.get("description"),
            "enabled": self.params.get("enabled"),
            "initiator_ids": [str(item) for item in self.want.initiators or ()],
        }
        return {_PARAMETERS[name]: value for name, value in values.items() if name in changed}

    def _chap_settings(self, target: Mapping[str, t.Any]) -> dict[str, ParamValue]:
        always = self.params["update_secret"] == "always"
        settings: dict[str, ParamValue] = {}
        for chap in self.want.chaps:
            settings |= _chap_parameters(chap, target.get(chap.option) or {}, self.want.name, always=always)
        return settings

    def _mapping_calls(self, name: str, target: Mapping[str, t.Any], luns: Luns) -> Iterator[Call]:
        """There is no call that changes a number: everything that moves is taken out before anything is put in."""
        now, spelling = _luns(target), _spelling(target)
        for key in now:
            if luns.get(key) != now[key]:
                yield change("Remove-IscsiVirtualDiskTargetMapping", TargetName=name, Path=spelling[key])
        paths = {lun.key: lun.path for lun in self.want.luns or ()}
        for key, number in sorted(luns.items(), key=lambda item: item[1]):
            if now.get(key) != number:
                yield change(
                    "Add-IscsiVirtualDiskTargetMapping", TargetName=name, Path=paths[key], Lun=number
                )

    def _absent(self, target: Mapping[str, t.Any] | None) -> Plan:
        if target is None:
            return Plan({}, {})
        warnings = (_cut_off(target, "is removed"),) if target.get("sessions") else ()
        calls = (change("Remove-IscsiServerTarget", TargetName=target["name"]),)
        return Plan(self._thing(target), {}, calls, warnings)

    # What is refused, missing, or worth a word ------------------------------------------------------------------------

    def _refuse_taken_iqn(self, have: Have) -> None:
        for other in things(have, "targets", "name"):
            same = self.want.iqn and str(other.get("iqn") or "").lower() == self.want.iqn
            if same and other["name"].lower() != self.want.name.lower():
                raise RefusedError(
                    f"The target {self.want.name} cannot have the IQN {self.want.iqn}: the target {other['name']} has it."
                )

    def _missing(self, have: Have) -> Iterator[str]:
        if "disks" not in have:
            return
        known = {path_key(disk["path"]) for disk in things(have, "disks", "path")}
        missing = [lun.path for lun in self.want.luns or () if lun.key not in known]
        if missing:
            yield (
                f"The target {self.want.name} cannot show what does not exist: there is no virtual disk "
                f"{', '.join(missing)}. Make it first, with winstack.windows.iscsi_virtual_disk."
            )

    def _warnings(self, have: Have, target: Mapping[str, t.Any] | None, luns: Luns | None) -> Iterator[str]:
        targets = things(have, "targets", "name")
        if target is None and len(targets) >= MAX_TARGETS:
            yield f"The host has {len(targets)} targets; Microsoft recommends at most {MAX_TARGETS} a server."
        now = _luns(target or {})
        moved = luns is not None and any(luns.get(key) != number for key, number in now.items())
        if target and target.get("sessions") and moved:
            yield _cut_off(target, "shows its disks otherwise")
        if (
            target
            and target.get("sessions")
            and self.params.get("enabled") is False
            and target.get("enabled")
        ):
            yield f"{_sessions(target)} and stays connected: disabling a target only keeps new ones out."
        for lun in self.want.luns or ():
            others = [other["name"] for other in targets if other is not target and lun.key in _luns(other)]
            if others and lun.key not in now:
                yield (
                    f"{lun.path} is shown by {', '.join(others)} too. Two initiators that are no cluster destroy each "
                    "other's data on it."
                )


_PARAMETERS: t.Final = {
    "iqn": "TargetIqn",
    "description": "Description",
    "enabled": "Enable",
    "initiator_ids": "InitiatorIds",
}


def _want(params: Mapping[str, t.Any]) -> Want:
    """Read the options. Raise WantError for what cannot be."""
    name = str(params["name"])
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise WantError(
            f"name: {name!r} cannot be the name of a target. Wanted are letters, digits, hyphens, dots and colons, at most "
            f"{MAX_NAME} of them: Windows makes the target's IQN of it."
        )
    initiators = params.get("initiator_ids")
    found = None if initiators is None else _unique(parse_initiator(str(text)) for text in initiators)
    chap = _wanted_chap_option(params, "chap", ("EnableChap", "Chap"))
    reverse = _wanted_chap_option(params, "reverse_chap", ("EnableReverseChap", "ReverseChap"))
    if chap and reverse and chap.secret and chap.secret == reverse.secret:
        raise WantError(
            "chap and reverse_chap: the secrets of the two directions have to differ (RFC 7143 12.1.3)."
        )
    chaps = tuple(item for item in (chap, reverse) if item)
    return Want(name, _wanted_iqn(params.get("iqn")), found, chaps, _wanted_luns(params.get("luns")))


def _unique(initiators: Iterable[InitiatorId]) -> tuple[InitiatorId, ...]:
    return tuple({item.shown: item for item in initiators}.values())


def _wanted_iqn(text: str | None) -> str | None:
    if text is None:
        return None
    name = iscsi_name(text)
    if name is None:
        raise WantError(
            f"iqn: {text!r} is not an iSCSI name. Wanted is iqn.yyyy-mm.reversed.domain:name, at most {MAX_ISCSI_NAME} "
            "characters."
        )
    return name


def _wanted_chap_option(params: Mapping[str, t.Any], option: str, parameters: tuple[str, str]) -> Chap | None:
    given = params.get(option)
    if given is None:
        return None
    username, secret = given.get("username"), given.get("secret")
    if secret is not None:
        _check_secret(option, str(secret), username)
    return Chap(option, parameters, bool(given.get("enabled", True)), username or None, secret)


def _check_secret(option: str, secret: str, username: str | None) -> None:
    if len(secret) not in SECRET_LENGTH:
        raise WantError(
            f"{option}.secret has {len(secret)} characters. Windows takes {SECRET_LENGTH[0]} to {SECRET_LENGTH[-1]}."
        )
    if not secret.isascii() or not secret.isprintable():
        raise WantError(
            f"{option}.secret holds a character that is not printable ASCII; initiators encode others differently."
        )
    if not username:
        raise WantError(f"{option}.secret needs {option}.username: Windows takes them together only.")


def _wanted_luns(luns: Sequence[Mapping[str, t.Any]] | None) -> tuple[Lun, ...] | None:
    if luns is None:
        return None
    wanted = tuple(Lun(disk_path(str(item["path"]), "luns.path"), item.get("lun")) for item in luns)
    if len(wanted) > MAX_LUNS:
        raise WantError(f"luns: a target shows at most {MAX_LUNS} disks, and {len(wanted)} were given.")
    _check_each_once([lun.number for lun in wanted if lun.number is not None], "the number")
    _check_each_once([lun.key for lun in wanted], "the path")
    for lun in wanted:
        if lun.number is not None and not 0 <= lun.number < MAX_LUNS:
            raise WantError(
                f"luns: {lun.path} cannot have the number {lun.number}; wanted is 0 to {MAX_LUNS - 1}."
            )
    return wanted


def _check_each_once(values: Sequence[str | int], what: str) -> None:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise WantError(f"luns: {what} {', '.join(twice)} is given twice, and a target has each once.")


def _luns(target: Mapping[str, t.Any]) -> Luns:
    return {path_key(str(item["path"])): int(item["lun"]) for item in target.get("luns") or []}


def _spelling(target: Mapping[str, t.Any]) -> dict[str, str]:
    return {path_key(str(item["path"])): str(item["path"]) for item in target.get("luns") or []}


def _numbered(wanted: Sequence[Lun] | None, now: Luns) -> Luns | None:
    """Give each disk its number: the one asked for, else the one that it has, else the lowest that is free."""
    if wanted is None:
        return None
    numbers = {lun.key: lun.number for lun in wanted if lun.number is not None}
    for lun in wanted:
        if lun.number is None and lun.key in now and now[lun.key] not in numbers.values():
            numbers[lun.key] = now[lun.key]
    for lun in wanted:
        if lun.key not in numbers:
            taken = set(numbers.values())
            numbers[lun.key] = next(number for number in range(MAX_LUNS) if number not in taken)
    return numbers


def _shown_chap(chap: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """Give one direction of CHAP as it is compared: who it was for says nothing while it is off."""
    found = chap or {}
    on = bool(found.get("enabled"))
    return {"enabled": True, "username": found.get("username") or None} if on else {"enabled": False}


def _wanted_chap(chap: Chap, target: Mapping[str, t.Any]) -> dict[str, t.Any]:
    known = (target.get(chap.option) or {}).get("username")
    return _shown_chap({"enabled": chap.enabled, "username": chap.username or known})


def _chap_parameters(
    chap: Chap, have: Mapping[str, t.Any], name: str, *, always: bool
) -> dict[str, ParamValue]:
    """Give what Set-IscsiServerTarget needs. A secret cannot be read, so it is sent when the rest differs, or always."""
    switch, credential = chap.parameters
    on, known = bool(have.get("enabled")), have.get("username") or None
    if not chap.enabled:
        return {switch: False} if on else {}
    renamed = chap.username is not None and chap.username != known
    if chap.secret is None and (renamed or (known is None and not on)):
        raise RefusedError(
            f"The target {name} has no secret for {chap.option} with the user name {chap.username or '(none)'}, and the task "
            f"gives none. Give {chap.option}.username and {chap.option}.secret together."
        )
    parameters: dict[str, ParamValue] = {} if on else {switch: True}
    if chap.secret is not None and chap.username is not None and (always or renamed or not on):
        parameters[credential] = Credential(chap.username, chap.secret)
    return parameters


def parse_shown(text: str) -> str:
    """Give an identifier that was gathered, or that an operator wrote into a have, in the spelling that is compared."""
    try:
        return parse_initiator(str(text)).shown
    except WantError:
        return str(text)


def _known(thing: Thing) -> Thing:
    return {name: value for name, value in thing.items() if value is not None or name != "enabled"}


def _sessions(target: Mapping[str, t.Any]) -> str:
    return f"An initiator is logged in to {target['name']} ({len(target['sessions'])} in all)"


def _cut_off(target: Mapping[str, t.Any], what: str) -> str:
    return f"{_sessions(target)} and loses what it sees: the target {what}."

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has to be before anything is done to it. It only reads, and tells everything that is missing at once."""

from __future__ import annotations

import csv
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import COMPUTER, OS
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    Kind,
    Question,
    Row,
    Sentences,
    State,
    Wish,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import settled
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import RELEASES, release_of
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import parse_size, show_size
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    Json,
    Nested,
    Spec,
    TextList,
    Whole,
    listed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError, HostError, WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.addresses import ADDRESSES
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.volumes import (
    VOLUMES,
    drives,
    lack_of_space,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.windows_feature import FEATURES
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.windows_service import SERVICES

_CURRENT: t.Final = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion"
_PENDING_KEYS: t.Final = {
    "component servicing": rf"{_CURRENT}\Component Based Servicing\RebootPending",
    "Windows Update": rf"{_CURRENT}\WindowsUpdate\Auto Update\RebootRequired",
}
PENDING: t.Final = Question(
    "pending_reboot", Call("Test-Path", {"LiteralPath": list(_PENDING_KEYS.values())}, ("",))
)
# Pairs of names, for MoveFileEx to work through at the next start.
RENAMES: t.Final = Question(
    "pending_renames",
    Call(
        "Get-ItemProperty",
        {"LiteralPath": r"HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager"},
        ("PendingFileRenameOperations",),
    ),
)
# Name, type, SID and attributes of every group of the token; names and attributes are localised.
TOKEN: t.Final = Question(
    "token",
    Call(
        "Start-Program",
        {"FilePath": "whoami.exe", "ArgumentList": ["/groups", "/fo", "csv", "/nh"]},
        ("ExitCode", "Output"),
    ),
)
# https://learn.microsoft.com/windows/win32/secauthz/well-known-sids: the integrity level is the last number of the label.
_ADMINISTRATORS: t.Final = "S-1-5-32-544"
_LABEL: t.Final = re.compile(r"S-1-16-(\d+)")
_HIGH: t.Final = 12288

ANSWERS: t.Final[Mapping[str, Question]] = {
    **{"os": OS, "computer": COMPUTER, "features": FEATURES},
    **{"services": SERVICES, "volumes": VOLUMES, "addresses": ADDRESSES},
}
"""Questions that every Windows Server answers, whatever is installed."""

# Win32_OperatingSystem.ProductType: https://learn.microsoft.com/windows/win32/cimwin32prov/win32-operatingsystem
_WORKSTATION: t.Final = 1


# Types --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Among(TextList):
    """A list of words, each of which is one of few."""

    choices: tuple[str, ...] = ()

    def spec(self) -> Spec:
        """Return the spec with the choices."""
        return {**super().spec(), "choices": list(self.choices)}


class Drives(Nested):
    """Drives with the least size and free space that they need, in bytes."""

    def parse(self, given: t.Any) -> Json:
        """Return drives as ``D:``, sizes in bytes. Raise WantError for what is none."""
        return [self._drive(item) for item in given]

    def _drive(self, item: Mapping[str, t.Any]) -> dict[str, Json]:
        letter = re.fullmatch(r"([A-Za-z]):?\\?", str(item["drive"]))
        if letter is None:
            raise WantError(f"invalid drive {item['drive']}. Give a letter, as in D:.")
        sizes = {name: parse_size(str(item[name])) for name in ("size", "free") if item.get(name) is not None}
        return {"drive": f"{letter[1].upper()}:", **sizes}


DRIVES: t.Final = Drives(
    {"drive": {"type": "str", "required": True}, "size": {"type": "str"}, "free": {"type": "str"}}
)


# What is asked ------------------------------------------------------------------------------------------------------------


def _asks(wish: Wish) -> Iterator[Question]:
    words = wish.words
    yield from (ANSWERS[name] for name in t.cast(Sequence[str], words.get("answers") or ()))
    if words.get("features_available"):
        yield FEATURES
    if words.get("drives"):
        yield VOLUMES
    if words.get("administrator"):
        yield TOKEN
    if words.get("no_pending_reboot"):
        yield from (PENDING, RENAMES)


def _system(state: State) -> Row | None:
    """Return the row of Win32_OperatingSystem; None where nobody asked a host."""
    return next(iter(state.rows(OS)), None)


def _release(system: Row) -> str | None:
    """Return the release of Windows Server; None for one that is too old."""
    try:
        return release_of(int(system["BuildNumber"]))
    except CallError:
        return None


# Checks -------------------------------------------------------------------------------------------------------------------


_ADVICE: t.Final = "See whether the account is an administrator of the host."


def _check(sentences: Sentences) -> Sentences:
    """Return a check whose question, if the host does not answer it, is one more thing to tell: the others go on."""

    def told(case: Case) -> Iterator[str]:
        try:
            yield from sentences(case)
        except HostError as error:
            yield f"{error} {_ADVICE}"

    return told


def _unanswered(case: Case) -> Iterator[str]:
    for name in t.cast(Sequence[str], case.word("answers") or ()):
        try:
            case.state.rows(ANSWERS[name])
        except HostError as error:
            yield f"{error} {_ADVICE}"


def _wrong_release(case: Case) -> Iterator[str]:
    system, wanted = _system(case.state), t.cast(Sequence[str], case.word("releases") or RELEASES)
    if system is not None and _release(system) not in wanted:
        yield (
            f"{system['Caption']} ({system['Version']}) is not among the wanted releases of Windows Server: {listed(wanted)}. Use one "
            "of them."
        )


def _no_server(case: Case) -> Iterator[str]:
    system = _system(case.state)
    if case.word("server") and system is not None and int(system["ProductType"]) == _WORKSTATION:
        yield f"{system['Caption']} is a workstation. Use Windows Server."


def _no_feature(case: Case) -> Iterator[str]:
    wanted, system = t.cast(Sequence[str], case.word("features_available") or ()), _system(case.state)
    if not wanted or system is None:
        return
    states = {str(row["Name"]).lower(): str(row["InstallState"]) for row in case.state.rows(FEATURES)}
    for name in wanted:
        if name.lower() not in states:
            yield (
                f"feature {name} is not offered by {system['Caption']}. Correct the name, or use Windows Server Standard or Datacenter."
            )
        elif states[name.lower()] == "Removed":
            yield (
                f"feature {name} has no files in the image of {system['Caption']}. Put them back with Install-WindowsFeature -Source."
            )


def _unfit_drive(case: Case) -> Iterator[str]:
    known = drives(case.state) if case.word("drives") else {}
    for item in t.cast(Sequence[Mapping[str, t.Any]], case.word("drives") or ()):
        letter, row = item["drive"], known.get(item["drive"])
        if row is None and known:
            yield f"drive {letter} is not on this host (it has {listed(sorted(known))}). Correct drives, or make the volume."
        if row is None:
            continue
        size = int(row.get("Size") or 0)
        if size < item.get("size", 0):
            yield (
                f"drive {letter} has {size / 2**30:.1f} GB, and {show_size(item['size'])} are needed. Give the host a larger disk."
            )
        yield from lack_of_space(case.state, f"{letter}\\", item.get("free", 0))


def _clock(case: Case) -> Iterator[str]:
    settings, tolerance = case.state.settings, case.word("clock_tolerance")
    offset = settings.clock_offset
    if offset is None or not isinstance(tolerance, int):
        return
    if abs(offset) - settings.clock_uncertainty > tolerance:
        yield (
            f"the clock of the host is {abs(offset):.1f} seconds {'ahead of' if offset > 0 else 'behind'} the controller's (give or take "
            f"{settings.clock_uncertainty:.1f}), and {tolerance} are tolerated. Set the clock that is wrong."
        )


def _wrong_clock(case: Case) -> Iterator[str]:
    """Kerberos refuses a clock that is wrong; over other connections it can still be set right."""
    if case.word("clock") == "fail":
        yield from _clock(case)


def _clock_to_mend(case: Case) -> Iterator[str]:
    if case.word("clock") != "fail":
        yield from _clock(case)


def _no_administrator(case: Case) -> Iterator[str]:
    """A local administrator other than the built-in one gets a filtered token over the network:
    https://learn.microsoft.com/troubleshoot/windows-server/windows-security/user-account-control-and-remote-restriction
    """
    rows = case.state.rows(TOKEN) if case.word("administrator") else []
    for row in rows:
        sids = {field for line in csv.reader(row.get("Output") or []) for field in line}
        levels = [int(match[1]) for sid in sids if (match := _LABEL.fullmatch(sid))]
        if not levels:
            raise HostError("whoami.exe did not tell the groups of the account, as csv was expected.")
        if _ADMINISTRATORS not in sids:
            yield "the account is no administrator of the host. Add it to the local group Administrators."
        elif max(levels) < _HIGH:
            yield (
                "the account is an administrator whose token is filtered, as Windows does over the network with local accounts. Set "
                r"LocalAccountTokenFilterPolicy to 1 (DWORD, HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System), or use "
                "the built-in Administrator or an account of a domain."
            )


# Warnings -----------------------------------------------------------------------------------------------------------------

# ansible/ansible #80778 (2012 R2, ansible-core 2.16), #82338 and #86852 (2016).
_UNSUPPORTED: t.Final = {
    "2012r2": "Windows Server 2012 R2 is not supported by Ansible any more, since ansible-core 2.16. Plan for a newer release.",
    "2016": "Windows Server 2016 will soon not be supported by Ansible any more. Plan for a newer release.",
}


def _old(case: Case) -> Iterator[str]:
    system = _system(case.state)
    release = None if system is None else _release(system)
    if release in _UNSUPPORTED:
        yield _UNSUPPORTED[release]


def _pending(case: Case) -> Iterator[str]:
    if not case.word("no_pending_reboot"):
        return
    found = [name for name, row in zip(_PENDING_KEYS, case.state.rows(PENDING), strict=False) if row[""]]
    renames = any(row.get("PendingFileRenameOperations") for row in case.state.rows(RENAMES))
    reasons = [*found, *(["files to be renamed"] if renames else [])]
    if reasons:
        yield f"a restart of Windows is pending ({listed(reasons)}). Installing features can fail before it: restart the host."


# The table ----------------------------------------------------------------------------------------------------------------


def _plan(case: Case) -> Change:
    """Return no step, and everything that is to be told, each thing once: several checks may need one answer."""
    told = settled(case, Change(case.wish, None, None), [])
    warnings = tuple(text for text in told.warnings if text not in told.unmet)
    return replace(told, unmet=tuple(dict.fromkeys(told.unmet)), warnings=warnings)


KIND: t.Final = Kind(
    name="requirement",
    noun="requirement",
    identity=None,
    properties=(),
    options=(
        Word("answers", Among(choices=tuple(ANSWERS))),
        Word("releases", Among(choices=RELEASES)),
        Word("server", Flag(), default=False),
        Word("features_available", TextList()),
        Word("drives", DRIVES),
        Word("clock_tolerance", Whole(0, 86400, "seconds")),
        Word("clock", Choice({"fail": "fail", "warn": "warn"}), default="warn"),
        Word("administrator", Flag(), default=False),
        Word("no_pending_reboot", Flag(), default=False),
    ),
    asks=_asks,
    plan=_plan,
    needs=tuple(
        _check(sentences)
        for sentences in (
            *(_unanswered, _no_administrator, _wrong_release, _no_server),
            *(_no_feature, _unfit_drive, _wrong_clock),
        )
    ),
    warns=(_check(_clock_to_mend), _check(_old), _check(_pending)),
    enumerates=False,
    changes=False,
)

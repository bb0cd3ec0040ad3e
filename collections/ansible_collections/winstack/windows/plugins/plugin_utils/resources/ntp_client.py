# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a host takes its time from: the NTP client of the Windows Time service.

The registry is read and written, since what w32tm prints is translated. The service reads its values when it starts:
https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import SINGLE
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Change,
    Difference,
    Kind,
    Property,
    Set,
    State,
    Step,
    Thing,
    Values,
    Wish,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import (
    alteration,
    differing,
    settled,
    unchanged,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    Json,
    Spec,
    Type,
    Whole,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import ntp_rules
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.ntp_peers import Peers, has_flag
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.w32time import (
    CLIENT,
    NETWORK,
    PARAMETERS,
    QUESTIONS,
    REGISTER,
    SERVICE,
    START,
    STOP,
    local_values,
    policy_values,
    running_values,
    settings,
    trigger_events,
    value,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.windows_service import SERVICES

# Value Type of W32Time\Parameters.
SYNC_TYPES: t.Final = {"manual": "NTP", "domain": "NT5DS", "all": "AllSync", "none": "NoSync"}
START_MODES: t.Final = {"automatic": "Automatic", "manual": "Manual", "disabled": "Disabled"}
STATES: t.Final = {"running": "Start-Service", "stopped": "Stop-Service"}

# NTP's shortest poll is 2^4 seconds (RFC 5905); the value's default on a stand-alone host is a week, and nobody means
# more than a month.
POLL_INTERVALS: t.Final = (16, 30 * 24 * 3600)

# https://learn.microsoft.com/troubleshoot/windows-client/active-directory/w32time-not-start-on-workgroup (KB 2385818)
_TRIGGER_WORDS: t.Final = {"remove": ("delete",), "network": ("start/networkon", "stop/networkoff")}
_TRIGGERS: t.Final = {"keep": "other triggers", "remove": "no trigger", "network": "network"}
_NETWORK_ON_OFF: t.Final = {(NETWORK, START), (NETWORK, STOP)}


class Trigger(Choice):
    """What starts and stops the service besides its start mode; ``keep`` is whatever is there."""

    def same(self, have: Json, want: Json) -> bool:
        """Return whether the trigger is as wanted."""
        return want == "keep" or have == want

    def words(self, value: Json) -> str:
        """Return the trigger as sentences show it."""
        return _TRIGGERS.get(str(value), "nothing")


class Switch(Flag):
    """A truth that the registry holds as 0 or 1."""

    def send(self, value: Json) -> ParamValue:
        """Return the number."""
        return int(bool(value))


class Seconds(Type):
    """A number of seconds, with or without a fraction."""

    def spec(self) -> Spec:
        """Return the spec of a float."""
        return {"type": "float"}


def _set_trigger(case: Case, want: Json) -> Iterator[Step]:
    """No cmdlet changes triggers. The program's name has .exe: sc alone is an alias of Set-Content."""
    yield _program("sc.exe", "triggerinfo", SERVICE.lower(), *_TRIGGER_WORDS[str(want)])


def _program(name: str, *arguments: str) -> Step:
    return Step(
        Call("Start-Program", {"FilePath": name, "ArgumentList": arguments}, ("ExitCode",), change=True)
    )


def _start_or_stop(case: Case, want: Json) -> Iterator[Call]:
    yield change(STATES[str(want)], Name=SERVICE)


# What the host has --------------------------------------------------------------------------------------------------------


def _read(state: State) -> Iterator[Thing]:
    service = state.find("windows_service", SERVICE.lower())
    if service is None:
        raise HostError(f"there is no service {SERVICE}. {REGISTER}")
    stored, mistyped = local_values(state, settings(KIND))
    events = trigger_events(state)
    values = {
        "start_mode": _start_mode(service),
        "trigger": _trigger(events),
        **stored,
        "service": _state(service),
    }
    unused = _unused(stored)
    facts: dict[str, Json] = {
        "service": service.values.get("state"),
        "triggers": [list(event) for event in events],
        "policy": policy_values(state, settings(KIND)),
        "mistyped": mistyped,
        "unused": {option: stored[option] for option in unused},
    }
    yield Thing(
        SINGLE, "", {option: found for option, found in values.items() if option not in unused}, facts
    )


def _start_mode(service: Thing) -> Json:
    mode = service.values.get("start_mode")
    return "automatic" if mode == "auto" else mode


def _state(service: Thing) -> Json:
    """Return running or stopped; None for the moments in between."""
    return {"started": "running", "stopped": "stopped"}.get(str(service.values.get("state")))


def _trigger(events: Iterable[tuple[int, int]]) -> str:
    found = set(events)
    return "remove" if not found else "network" if found == _NETWORK_ON_OFF else "keep"


def _unused(stored: Values) -> list[str]:
    """Return the options whose values Windows does not use now, such as a list of peers on a member of a domain."""
    peers = stored.get("peers") if stored.get("sync_type") not in ("domain", "none") else None
    found = ["peers"] if peers is None else []
    return found if has_flag(peers, "special_interval") else [*found, "special_poll_interval"]


# What is wanted -----------------------------------------------------------------------------------------------------------


def _completed(case: Case) -> tuple[Case, Thing]:
    """Return the case with what the wish leaves to us on such a host, and every property that the host has."""
    have = case.have or Thing(SINGLE, "")
    unused = t.cast("Values", have.facts.get("unused") or {})
    have = replace(have, values={**have.values, **unused})
    wished = Case(case.wish, have, case.state)
    values = {**case.wish.values, **_service_wish(wished)}
    return replace(wished, wish=replace(case.wish, values=values)), have


def _service_wish(case: Case) -> Values:
    """Return how the service is to start and run, where the wish does not say it."""
    if case.wanted("sync_type") == "none":
        # A disabled service could not be started again with its new value.
        mode = case.wanted("start_mode") or case.has("start_mode")
        return {"service": "stopped"} if mode == "disabled" and case.wanted("service") is None else {}
    found: dict[str, Json] = {"client_enabled": True, "service": "running", **case.wish.values}
    return found if found["service"] != "running" else found | _start_wish(case)


def _start_wish(case: Case) -> dict[str, Json]:
    """Return start mode and trigger. By default Windows starts this service on members of a domain only."""
    mode, trigger = case.wanted("start_mode"), case.wanted("trigger")
    if case.wanted("sync_type") != "domain" and not ntp_rules.is_member(case):
        trigger = trigger or ("network" if mode == "manual" else "remove")
        mode = mode or "automatic"
    elif mode is None and (case.has("start_mode") == "disabled" or ntp_rules.nothing_starts(case)):
        mode = "automatic"
    return {option: found for option, found in (("start_mode", mode), ("trigger", trigger)) if found}


# Changes ------------------------------------------------------------------------------------------------------------------


def _plan(case: Case) -> Change:
    """Return the change: what differs in the order of the table, then what makes the service read it."""
    full, have = _completed(case)
    rows = [row.option for row in differing(full, have)]
    owed = tuple(_owed(full, rows))
    if ntp_rules.left_alone(full) or not (rows or owed):
        return replace(unchanged(full, have), wish=case.wish, before=case.have, after=case.have)
    made = alteration(full, have) if rows else settled(full, Change(full.wish, have, have), [])
    return replace(
        made,
        wish=case.wish,
        before=case.have,
        after=made.after and _used(made.after),
        steps=(*made.steps, *_into_effect(full, rows, owed=bool(owed))),
        differences=(*made.differences, *owed),
    )


def _used(thing: Thing) -> Thing:
    unused = _unused(thing.values)
    return replace(
        thing, values={option: found for option, found in thing.values.items() if option not in unused}
    )


def _owed(case: Case, rows: Sequence[str]) -> Iterator[Difference]:
    """Return what is stored and the running service has not read: a restart that failed is due until it is seen done."""
    if case.has("service") != "running" or case.wanted("service") == "stopped":
        return
    told = running_values(case.state, settings(KIND))
    for setting in settings(KIND):
        want = ntp_rules.in_force(case, setting.option)
        have = told.get(setting.option)
        if setting.option in rows or want is None or have is None or setting.type.same(have, want):
            continue
        if setting.option != "special_poll_interval" or have != ntp_rules.clamped(case, want):
            yield Difference(
                f"{setting.option} of the running service", setting.type.words(have), setting.type.words(want)
            )


def _into_effect(case: Case, rows: Sequence[str], *, owed: bool) -> Iterator[Step]:
    """Return the restart after settings of a running service, and the resynchronisation after its start."""
    if (case.wanted("service") or case.has("service")) != "running":
        return
    starts = "service" in rows
    restarts = owed or any(setting.option in rows for setting in settings(KIND))
    if restarts and not starts:
        yield Step(change("Restart-Service", Name=SERVICE))
    if (restarts or starts) and case.wanted("sync_type") != "none" and case.word("resync"):
        yield replace(_program("w32tm.exe", "/resync", "/rediscover"), otherwise=_NO_ANSWER, attempts=3)


_NO_ANSWER: t.Final = "The settings are in effect, and the clock was not set yet. The service goes on asking; see w32tm /query /status on the host."


def _effects(change: Change, state: State) -> Iterator[tuple[str, Thing]]:
    """Return the service as it will be."""
    service = state.find("windows_service", SERVICE.lower())
    if service is None or change.after is None:
        return
    mode, runs = change.after.values.get("start_mode"), change.after.values.get("service")
    values = {
        "start_mode": "auto" if mode == "automatic" else mode,
        "state": "started" if runs == "running" else runs,
    }
    yield "windows_service", replace(service, values={**service.values, **values})


def _checks(wish: Wish) -> Iterator[str]:
    """Return what no host could be given."""
    peers, sync_type = wish.values.get("peers"), wish.values["sync_type"]
    if peers is None and sync_type == "manual":
        yield "sync_type manual needs peers. Give the time servers, or another sync_type."
    if peers and sync_type in ("domain", "none"):
        yield f"with sync_type {sync_type} Windows asks no peers. Leave peers out, or give another sync_type."
    if (
        wish.values.get("start_mode") == "disabled"
        and sync_type != "none"
        and wish.values.get("service") != "stopped"
    ):
        yield "a disabled service gives no time. Give start_mode automatic or manual, or sync_type none."


KIND: t.Final = Kind(
    name="ntp_client",
    noun="NTP client",
    identity=None,
    properties=(
        # A disabled service cannot be started, and no value may be written whose restart then fails: how it starts comes first.
        Property(
            "start_mode", Choice(START_MODES), set_by=Set("Set-Service", "StartupType", {"Name": SERVICE})
        ),
        Property("trigger", Trigger({word: word for word in _TRIGGERS}), set_by=By(_set_trigger)),
        Property("peers", Peers(), set_by=value(PARAMETERS, "NtpServer", "String")),
        Property(
            "sync_type", Choice(SYNC_TYPES), set_by=value(PARAMETERS, "Type", "String"), default="manual"
        ),
        Property("client_enabled", Switch(), set_by=value(CLIENT, "Enabled", "DWord")),
        Property(
            "special_poll_interval",
            Whole(*POLL_INTERVALS, "seconds"),
            set_by=value(CLIENT, "SpecialPollInterval", "DWord"),
        ),
        Property("service", Choice({state: state for state in STATES}), set_by=By(_start_or_stop)),
    ),
    options=(
        Word("domain_members", Choice({"manage": "", "leave": ""}), default="manage"),
        Word("allow_domain_member", Flag(), default=False),
        Word("ignore_policy", Flag(), default=False),
        Word("resync", Flag(), default=True),
        Word("clock_tolerance", Seconds()),
    ),
    gathers=QUESTIONS,
    consults=("windows_service",),
    touches=(SERVICES,),
    read=_read,
    checks=_checks,
    plan=_plan,
    effects=_effects,
    refuses=ntp_rules.REFUSES,
    needs=ntp_rules.NEEDS,
    warns=ntp_rules.WARNS,
    ineffective=ntp_rules.INEFFECTIVE,
)

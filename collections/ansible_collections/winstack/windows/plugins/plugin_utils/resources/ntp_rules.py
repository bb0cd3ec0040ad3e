# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be said of an NTP client: refusals, needs, warnings, and what keeps it from having an effect.

PRIVATE to the winstack collections. A case holds the complete wish, with what its author left to us.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import COMPUTER, OS
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Case, Sentences
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.ntp_peers import has_flag
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.w32time import (
    DOMAIN,
    POLICY,
    START,
    STOP,
    Setting,
    config_number,
    hyperv_gives_time,
    settings,
)

# Win32_ComputerSystem.DomainRole of the controller that has the PDC emulator, the top of its domain's hierarchy of time:
# https://learn.microsoft.com/windows/win32/cimwin32prov/win32-computersystem
_PDC_EMULATOR: t.Final = 5
_UNLIMITED: t.Final = 0xFFFFFFFF
# SpecialPollInterval is kept between 2^MinPollInterval and 2^MaxPollInterval since version 1703.
_UNCLAMPED: t.Final = ("2012r2", "2016")


# What is so ---------------------------------------------------------------------------------------------------------------


def is_member(case: Case) -> bool:
    """Return whether the host is a member of a domain."""
    return bool(case.state.computer["PartOfDomain"])


def left_alone(case: Case) -> bool:
    """Return whether the host is left to its domain."""
    return case.word("domain_members") == "leave" and is_member(case)


def nothing_starts(case: Case) -> bool:
    """Return whether nothing would start the service after a boot."""
    mode, trigger = (case.wanted(option) or case.has(option) for option in ("start_mode", "trigger"))
    if mode != "manual" or trigger == "network":
        return False
    events = [] if case.wanted("trigger") == "remove" else _events(case)
    return events is not None and not any(_fires(case, kind, action) for kind, action in events)


def _events(case: Case) -> Sequence[Sequence[int]] | None:
    """Return type and action of the triggers that the host has; None where nobody has asked it."""
    return (
        None
        if case.have is None
        else t.cast("Sequence[Sequence[int]] | None", case.have.facts.get("triggers"))
    )


def _fires(case: Case, kind: int, action: int) -> bool:
    return action == START and (kind != DOMAIN or is_member(case))


def in_force(case: Case, option: str) -> Json:
    """Return the value that a service has which reads its settings now: a policy wins over the wish."""
    return _policy(case).get(option, case.wanted(option))


def _policy(case: Case) -> Mapping[str, Json]:
    return t.cast("Mapping[str, Json]", case.have.facts.get("policy") or {}) if case.have else {}


def _overridden(case: Case) -> list[Setting]:
    policy = _policy(case)
    wanted = [setting for setting in settings(case.kind) if case.wanted(setting.option) is not None]
    return [
        setting
        for setting in wanted
        if setting.option in policy
        and not setting.type.same(policy[setting.option], case.wanted(setting.option))
    ]


def _overridden_text(case: Case) -> str | None:
    """Return what a policy says against the wish."""
    told = [
        f"{each.option} to {each.type.words(_policy(case)[each.option])} (value {each.name})"
        for each in _overridden(case)
    ]
    return (
        f"group policy sets {', '.join(told)} under {POLICY}, and Windows then ignores the local values."
        if told
        else None
    )


def clamped(case: Case, interval: Json) -> Json:
    """Return the seconds between two polls that Windows makes of special_poll_interval."""
    low, high = (config_number(case.state, name) for name in ("MinPollInterval", "MaxPollInterval"))
    if not isinstance(interval, int) or low is None or high is None or _release(case) in _UNCLAMPED:
        return interval
    return max(1 << min(low, 31), min(interval, 1 << min(high, 31)))


def _release(case: Case) -> str:
    return case.state.release if case.state.told(OS) else _UNCLAMPED[0]


def _asks_somebody(case: Case) -> bool:
    """Return whether the host is ours to care for, and to take its time from anywhere."""
    return case.wanted("sync_type") != "none" and not left_alone(case)


def _own_way(case: Case) -> bool:
    """Return whether a member of a domain is told to take its time from elsewhere. Only the PDC emulator has to."""
    if not is_member(case) or case.state.computer.get("DomainRole") == _PDC_EMULATOR:
        return False
    own = case.wanted("sync_type") != "domain" or case.wanted("trigger") in ("remove", "network")
    return own and not case.word("allow_domain_member")


# Refusals and needs -------------------------------------------------------------------------------------------------------


def _member(case: Case) -> Iterator[str]:
    """Kerberos fails on members of a domain whose clock goes its own way."""
    if _own_way(case):
        yield (
            f"{case.state.computer['Name']} is a member of a domain, and members take their time from the domain's "
            "controllers. Give sync_type domain and leave trigger out, or domain_members: leave, or, if this host has to go "
            "its own way, allow_domain_member: true."
        )


def _policy_against(case: Case) -> Iterator[str]:
    if (told := _overridden_text(case)) and not case.word("ignore_policy"):
        yield f"{told} Change the policy, or give ignore_policy: true to write the local values all the same."


def _no_peer(case: Case) -> Iterator[str]:
    if case.wanted("sync_type") == "manual" and not case.wanted("peers"):
        yield "peers is empty, and sync_type manual needs at least one. Give the time servers, or another sync_type."


def _interval_without_use(case: Case) -> Iterator[str]:
    peers = case.has("peers") if case.wanted("peers") is None else case.wanted("peers")
    asked = case.wanted("sync_type") in ("manual", "all") and has_flag(peers, "special_interval")
    if case.wish.values.get("special_poll_interval") is not None and not asked:
        yield (
            "special_poll_interval is given, and Windows uses it only for peers with the flag special_interval. Add the flag "
            "to a peer, or leave the interval out."
        )


def _never_started(case: Case) -> Iterator[str]:
    if _asks_somebody(case) and case.wanted("service") == "running" and nothing_starts(case):
        yield (
            "with start_mode manual nothing starts the Windows Time service after a boot: it has no trigger that does. Give "
            "start_mode automatic, or trigger network."
        )


def _no_domain(case: Case) -> Iterator[str]:
    if case.wanted("sync_type") == "domain" and case.state.told(COMPUTER) and not is_member(case):
        yield (
            f"{case.state.computer['Name']} is in no domain, so that with sync_type domain it takes its time from nowhere. "
            "Join it first, or give peers and sync_type manual."
        )


# Warnings -----------------------------------------------------------------------------------------------------------------


def _policy_ignored(case: Case) -> Iterator[str]:
    if case.word("ignore_policy") and not left_alone(case) and (told := _overridden_text(case)):
        yield told


def _member_elsewhere(case: Case) -> Iterator[str]:
    if _asks_somebody(case) and _own_way(case):
        yield "the host is a member of a domain and does not take its time from there, which can break Kerberos."


def _stop_trigger(case: Case) -> Iterator[str]:
    """KB 2385818; since 2016 Windows ships the service without this trigger (KB 3201265)."""
    kept = case.wanted("trigger") in (None, "keep")
    if (
        _asks_somebody(case)
        and kept
        and not is_member(case)
        and [DOMAIN, STOP] in [[*event] for event in _events(case) or ()]
    ):
        yield (
            "the Windows Time service has a trigger that stops it outside of a domain, so that it does not run after the next "
            "boot (KB 2385818). Give trigger remove or network."
        )


def _interval_clamped(case: Case) -> Iterator[str]:
    want = case.wanted("special_poll_interval")
    if want is not None and (used := clamped(case, want)) != want:
        yield (
            f"special_poll_interval {want} counts as {used}: Windows keeps it between 2^MinPollInterval and 2^MaxPollInterval "
            "seconds. Choose another interval, or set these values of the key W32Time\\Config."
        )


def _too_far_off(case: Case) -> Iterator[str]:
    """A clock that is further off than the limit is logged by Windows and never set."""
    off = _seconds_off(case)
    if not _asks_somebody(case) or not off:
        return
    name, direction = ("MaxNegPhaseCorrection", "ahead") if off > 0 else ("MaxPosPhaseCorrection", "behind")
    limit = config_number(case.state, name)
    if limit is not None and limit != _UNLIMITED and abs(off) > limit:
        yield (
            f"the clock of the host is {abs(off):.0f} s {direction}, and {name} lets Windows correct {limit} s at most. Set the "
            "clock once by hand, or raise the value of the key W32Time\\Config."
        )


def _hyperv(case: Case) -> Iterator[str]:
    if _asks_somebody(case) and hyperv_gives_time(case.state):
        yield (
            "the host is a guest of Hyper-V and takes its time from there too (VMICTimeProvider). Switch off Time "
            "Synchronization in the settings of the virtual machine, or set value Enabled of the key "
            "W32Time\\TimeProviders\\VMICTimeProvider to 0."
        )


def _mistyped(case: Case) -> Iterator[str]:
    found = t.cast("Mapping[str, str]", (case.have.facts.get("mistyped") if case.have else None) or {})
    for option, told in found.items():
        if option not in case.wish.values:
            yield f"{told}, so that Windows does not read it. Give {option} to write it anew, or remove the value."


# What keeps it from having an effect --------------------------------------------------------------------------------------


def _seconds_off(case: Case) -> float:
    """Return by how many seconds the clock is off at least; positive if it is ahead of the controller's."""
    offset, uncertainty = case.state.settings.clock_offset or 0.0, case.state.settings.clock_uncertainty
    return max(abs(offset) - uncertainty, 0.0) * (1 if offset > 0 else -1)


def _clock_off(case: Case) -> Iterator[str]:
    tolerance, off = case.word("clock_tolerance"), _seconds_off(case)
    if isinstance(tolerance, (int, float)) and abs(off) > tolerance:
        yield (
            f"the clock of the host is {abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} the controller's, and "
            f"clock_tolerance is {tolerance:g} s. See w32tm /query /status on the host, and the clock of the controller."
        )


def _unless_left_alone(*hooks: Sentences) -> Sentences:
    def told(case: Case) -> Iterator[str]:
        if not left_alone(case):
            for hook in hooks:
                yield from hook(case)

    return told


REFUSES: t.Final[tuple[Sentences, ...]] = (
    _member,
    _policy_against,
    _no_peer,
    _interval_without_use,
    _never_started,
)
NEEDS: t.Final[tuple[Sentences, ...]] = (_no_domain,)
WARNS: t.Final[tuple[Sentences, ...]] = (
    *(_policy_ignored, _member_elsewhere, _stop_trigger, _interval_clamped, _too_far_off, _hyperv, _mistyped),
)
INEFFECTIVE: t.Final[tuple[Sentences, ...]] = (
    _unless_left_alone(_policy_against, _never_started, _no_domain),
    _clock_off,
)

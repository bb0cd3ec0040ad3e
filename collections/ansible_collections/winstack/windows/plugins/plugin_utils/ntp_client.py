# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a Windows host takes its time from: the NTP client of the Windows Time service.

The registry is read and written, since what w32tm prints is translated:
https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    STATE_OPTIONS,
    Have,
    Plan,
    Resource,
    Thing,
    release,
    rows,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import W32TIME, W32TIME_POLICY
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WantError,
)

SERVICE: t.Final = "W32Time"

# Value Type of W32Time\Parameters.
SYNC_TYPES: t.Final = {"manual": "NTP", "domain": "NT5DS", "all": "AllSync", "none": "NoSync"}

FLAGS: t.Final = {
    "special_interval": 0x1,
    "use_as_fallback_only": 0x2,
    "symmetric_active": 0x4,
    "client": 0x8,
}

MAX_PEERS: t.Final = 16
# NTP's shortest poll is 2^4 seconds (RFC 5905); the value's default on a stand-alone host is a week, and nobody means
# more than a month.
POLL_INTERVALS: t.Final = range(16, 30 * 24 * 3600 + 1)

# Win32_Service.StartMode -> option, and Set-Service -StartupType.
_START_MODES: t.Final = {"auto": "automatic", "manual": "manual", "disabled": "disabled"}

# SERVICE_TRIGGER of winsvc.h: dwTriggerType and dwAction.
_IP_ADDRESS, _DOMAIN_JOIN = 2, 3
_NETWORK_ON_OFF: t.Final = {(_IP_ADDRESS, 1), (_IP_ADDRESS, 2)}

# https://learn.microsoft.com/troubleshoot/windows-client/active-directory/w32time-not-start-on-workgroup (KB 2385818)
_TRIGGER_WORDS: t.Final = {"none": ("delete",), "network": ("start/networkon", "stop/networkoff")}

_LABEL: t.Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)

_PEER_OPTIONS: t.Final[dict[str, t.Any]] = {
    "address": {"type": "str", "required": True},
    "flags": {"type": "list", "elements": "str", "choices": list(FLAGS), "default": ["client"]},
}


class NtpClient(Resource):
    """The NTP client of a host; there is exactly one.

    A thing has: sync_type, peers ([{address, flags}]), special_poll_interval (seconds), client_enabled, start_mode,
    trigger (none, network, domain_join, other), service (Win32_Service.State in lower case). The have adds release,
    computer, domain_joined and policy, the same properties as far as group policy sets them.
    """

    argument_spec: t.ClassVar[dict[str, t.Any]] = {
        "peers": {"type": "list", "elements": "dict", "options": _PEER_OPTIONS},
        "sync_type": {"type": "str", "choices": list(SYNC_TYPES), "default": "manual"},
        "special_poll_interval": {"type": "int"},
        "trigger": {"type": "str", "choices": ["keep", "remove", "network"]},
        "start_mode": {"type": "str", "choices": ["automatic", "manual"]},
        "allow_domain_member": {"type": "bool", "default": False},
        "ignore_policy": {"type": "bool", "default": False},
        **STATE_OPTIONS,
        "state": {"type": "str", "choices": ["present", "gathered", "rendered"], "default": "present"},
    }
    sections: t.ClassVar[tuple[str, ...]] = (
        *("computer", "services", "w32time_parameters", "w32time_client", "w32time_triggers"),
        *("w32time_policy_parameters", "w32time_policy_client"),
    )
    touches: t.ClassVar[tuple[str, ...]] = (
        "services",
        "w32time_parameters",
        "w32time_client",
        "w32time_triggers",
    )

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        """Take the options of the module. Raise WantError for what no host could be given."""
        super().__init__(params)
        _check_peers(params.get("peers"), params["sync_type"])
        _check_interval(params.get("special_poll_interval"), params.get("peers") or [])
        if params.get("start_mode") == "manual" and params.get("trigger") == "remove":
            raise WantError(
                "With start_mode manual and trigger remove nothing would ever start the Windows Time service. Wanted is "
                "start_mode automatic, or trigger network."
            )

    @staticmethod
    def read(facts: Facts) -> Have:
        """Give the settings, the service and what group policy says. Raise HostError if the host did not say."""
        computer = rows(facts, "computer")[0]
        return {
            "release": release(facts),
            "computer": computer["Name"],
            "domain_joined": bool(computer["PartOfDomain"]),
            **_settings(
                rows(facts, "w32time_parameters", otherwise=_REGISTER),
                rows(facts, "w32time_client", otherwise=_REGISTER),
            ),
            **_service(rows(facts, "services")),
            "trigger": _trigger(_rows_if_any(facts, "w32time_triggers")),
            "policy": _settings(
                _rows_if_any(facts, "w32time_policy_parameters"), _rows_if_any(facts, "w32time_policy_client")
            ),
        }

    def current(self, have: Have) -> Thing:
        """Give the settings without what only describes the host."""
        return {
            name: value
            for name, value in have.items()
            if name not in ("release", "computer", "domain_joined", "policy")
        }

    def plan(self, have: Have, probed: Facts) -> Plan:
        """Give the calls that lead to the wanted settings. Raise RefusedError where a word is missing."""
        before = self.current(have)
        wanted = self._wanted(have, before)
        self._refuse_in_domain(have)
        overridden = _overridden(have.get("policy") or {}, wanted)
        if overridden and not self.params["ignore_policy"]:
            raise RefusedError(f"{_policy_text(overridden)} {_POLICY_ADVICE}")
        after = before | wanted
        warnings = [*([_policy_text(overridden)] if overridden else []), *_trigger_warning(have, after)]
        return Plan(before, after, tuple(_calls(before, after)), tuple(warnings), self._unmet(have))

    def _wanted(self, have: Have, before: Thing) -> Thing:
        """Give the properties that the task wants on this host; a peer that differs by case alone is as wanted."""
        wanted: Thing = {"sync_type": self.params["sync_type"]}
        if self.params.get("peers"):
            peers = [_normal_peer(peer) for peer in self.params["peers"]]
            there = before.get("peers")
            wanted["peers"] = there if there is not None and _keys(there) == _keys(peers) else peers
        if self.params.get("special_poll_interval") is not None:
            wanted["special_poll_interval"] = self.params["special_poll_interval"]
        return wanted | self._wanted_service(have, before)

    def _wanted_service(self, have: Have, before: Thing) -> Thing:
        """Give how the service is to start and run."""
        start_mode, trigger = self._wanted_start(have, before)
        wanted: Thing = {"start_mode": start_mode} if start_mode else {}
        if trigger in ("remove", "network"):
            wanted["trigger"] = "none" if trigger == "remove" else trigger
        if self.params["sync_type"] != "none":
            return wanted | {"client_enabled": True, "service": "running"}
        if (before | wanted).get("start_mode") == "disabled" and before.get("service") == "running":
            # It could not be started again with its new values.
            wanted["service"] = "stopped"
        return wanted

    def _wanted_start(self, have: Have, before: Thing) -> tuple[str | None, str | None]:
        """Give the wanted start mode and trigger. By default Windows starts this service on members of a domain only."""
        start_mode, trigger = self.params.get("start_mode"), self.params.get("trigger")
        if self.params["sync_type"] == "none":
            return start_mode, trigger
        if self.params["sync_type"] != "domain" and not have.get("domain_joined"):
            default = "network" if start_mode == "manual" else "remove"
            return start_mode or "automatic", trigger or default
        disabled = before.get("start_mode") == "disabled"
        return start_mode or ("automatic" if disabled else None), trigger

    def _refuse_in_domain(self, have: Have) -> None:
        """Keep the clock of a domain the domain's business: Kerberos fails on hosts that go their own way."""
        own_way = self.params["sync_type"] != "domain" or self.params.get("trigger") in ("remove", "network")
        if have.get("domain_joined") and own_way and not self.params["allow_domain_member"]:
            raise RefusedError(
                f"{_name(have)} is a member of a domain, and members take their time from the domain's controllers. Set "
                "sync_type domain and leave trigger out, or, if this host has to go its own way, allow_domain_member: true."
            )

    def _unmet(self, have: Have) -> tuple[str, ...]:
        """Tell that there is no domain to ask; in check mode an earlier task may be the one that joins it."""
        if self.params["sync_type"] != "domain" or have.get("domain_joined", True):
            return ()
        return (
            f"sync_type domain was asked for, and {_name(have)} is in no domain, so it would take its time from nowhere. Join "
            "it first, or give peers with sync_type manual.",
        )


def _name(have: Have) -> str:
    return str(have.get("computer") or "the host")


_REGISTER: t.Final = "The Windows Time service is not registered; w32tm /register makes it anew."
_POLICY_ADVICE: t.Final = (
    "Change the policy, or set ignore_policy: true to write the local values all the same."
)


def _check_peers(peers: Sequence[Mapping[str, t.Any]] | None, sync_type: str) -> None:
    if not peers and sync_type == "manual":
        raise WantError("sync_type manual needs at least one peer, and none is given.")
    if peers and sync_type in ("domain", "none"):
        raise WantError(
            f"With sync_type {sync_type} Windows asks no peers, and {len(peers)} are given. Leave peers out, or set sync_type."
        )
    if peers and len(peers) > MAX_PEERS:
        raise WantError(f"{len(peers)} peers are given; more than {MAX_PEERS} are not reasonable.")
    seen: set[str] = set()
    for peer in peers or ():
        _check_address(peer["address"])
        if {"symmetric_active", "client"} <= set(peer["flags"]):
            raise WantError(
                f"Peer {peer['address']}: symmetric_active and client are two modes of NTP. Choose one."
            )
        key = _address_key(peer["address"])
        if key in seen:
            raise WantError(f"Peer {peer['address']} is given twice.")
        seen.add(key)


def _check_address(address: str) -> None:
    """Raise WantError unless this is a host name or an IP address at which a server can answer."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        _check_name(address)
        return
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast or str(ip) == "255.255.255.255":
        raise WantError(f"Peer {address}: no time server answers at this address.")
    if "%" in address:
        raise WantError(f"Peer {address}: give the address without a zone.")


def _check_name(address: str) -> None:
    labels = address.removesuffix(".").split(".")
    good = len(address) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    if not good or labels[-1].isdigit():
        raise WantError(
            f"Peer {address!r} is neither a host name nor an IPv4 or IPv6 address. Flags go into the option flags, and each "
            "peer has an entry of its own."
        )


def _check_interval(interval: int | None, peers: Sequence[Mapping[str, t.Any]]) -> None:
    if interval is None:
        return
    if interval not in POLL_INTERVALS:
        raise WantError(
            f"special_poll_interval {interval} is not between {POLL_INTERVALS[0]} and {POLL_INTERVALS[-1]} seconds."
        )
    if not any("special_interval" in peer["flags"] for peer in peers):
        raise WantError(
            "special_poll_interval is given, and Windows uses it only for peers with the flag special_interval. Add the flag "
            "to a peer, or leave the interval out."
        )


def _address_key(address: str) -> str:
    """Give the form in which addresses compare: names by lower case, IP addresses by value."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower().removesuffix(".")


def _keys(peers: Iterable[Mapping[str, t.Any]]) -> list[tuple[str, frozenset[str]]]:
    return [(_address_key(peer["address"]), frozenset(peer["flags"])) for peer in peers]


def _normal_peer(peer: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"address": peer["address"], "flags": [flag for flag in FLAGS if flag in peer["flags"]]}


def _peers(text: str) -> list[dict[str, t.Any]]:
    """Read value NtpServer: ``host,0x9 host2,0x8``. Bits that have no name are kept as a number."""
    return [_peer(*part.split(",", 1)) for part in text.split()]


def _peer(address: str, flags: str = "") -> dict[str, t.Any]:
    bits = _number(flags)
    if bits is None:
        return {"address": address, "flags": [flags] if flags else []}
    named = [name for name, bit in FLAGS.items() if bits & bit]
    rest = bits & ~0xF
    return {"address": address, "flags": named + ([hex(rest)] if rest else [])}


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _peers_text(peers: Iterable[Mapping[str, t.Any]]) -> str:
    return " ".join(f"{peer['address']},{_flags_text(peer['flags'])}" for peer in peers)


def _flags_text(flags: Iterable[str]) -> str:
    bits = [FLAGS.get(flag, _number(flag)) for flag in flags]
    return hex(sum(bit for bit in bits if bit is not None))


def _rows_if_any(facts: Facts, name: str) -> list[Mapping[str, t.Any]]:
    """Give the objects of a section whose registry key need not be there."""
    error = facts[name].error
    return [] if error is not None and error.missing_item else rows(facts, name)


def _settings(
    parameters: Sequence[Mapping[str, t.Any]], client: Sequence[Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Read the values of the keys Parameters and TimeProviders\\NtpClient, those that are there."""
    merged = {name: value for row in (*parameters, *client) for name, value in row.items()}
    readers: dict[str, tuple[str, Callable[[t.Any], t.Any]]] = {
        "sync_type": ("Type", _sync_type),
        "peers": ("NtpServer", _peers),
        "special_poll_interval": ("SpecialPollInterval", int),
        "client_enabled": ("Enabled", lambda value: int(value) != 0),
    }
    return {
        name: read(merged[value]) for name, (value, read) in readers.items() if merged.get(value) is not None
    }


def _sync_type(text: str) -> str:
    named = {value.lower(): name for name, value in SYNC_TYPES.items()}
    return named.get(text.lower(), text)


def _service(services: Iterable[Mapping[str, t.Any]]) -> dict[str, str]:
    for row in services:
        if row["Name"].lower() == SERVICE.lower():
            mode = row["StartMode"].lower()
            return {"start_mode": _START_MODES.get(mode, mode), "service": row["State"].lower()}
    raise HostError(f"The host has no service {SERVICE}. {_REGISTER}")


def _trigger(triggers: Sequence[Mapping[str, t.Any]]) -> str:
    """Name what starts and stops the service: none, network, domain_join or other."""
    events = {(trigger["Type"], trigger["Action"]) for trigger in triggers}
    if not events:
        return "none"
    if events == _NETWORK_ON_OFF:
        return "network"
    return "domain_join" if any(kind == _DOMAIN_JOIN for kind, _action in events) else "other"


def _overridden(policy: Mapping[str, t.Any], wanted: Thing) -> dict[str, t.Any]:
    """Give the policy's values that are not what is wanted: local values count for nothing beside them."""
    return {name: value for name, value in policy.items() if name in wanted and _differ(name, value, wanted)}


def _differ(name: str, value: t.Any, wanted: Thing) -> bool:
    return bool(_keys(value) != _keys(wanted[name]) if name == "peers" else value != wanted[name])


def _policy_text(overridden: Mapping[str, t.Any]) -> str:
    values = ", ".join(
        f"{_VALUES[name].name}={_VALUES[name].form(value)}" for name, value in overridden.items()
    )
    key = W32TIME_POLICY.replace(":", "")
    return f"Group policy sets {values} under {key}, and Windows then ignores the local values."


def _trigger_warning(have: Have, after: Thing) -> list[str]:
    if have.get("domain_joined") or after.get("trigger") != "domain_join" or after["sync_type"] == "none":
        return []
    return [
        "The Windows Time service keeps its trigger on domain membership, so that it does not run after the next boot of this "
        "workgroup host (KB 2385818). Set trigger to remove or network."
    ]


class _Value(t.NamedTuple):
    """A registry value: its key, name and type, and how a property is written in it."""

    key: str
    name: str
    kind: str
    form: Callable[[t.Any], str | int]


_VALUES: t.Final = {
    "peers": _Value(rf"{W32TIME}\Parameters", "NtpServer", "String", _peers_text),
    "sync_type": _Value(rf"{W32TIME}\Parameters", "Type", "String", lambda name: SYNC_TYPES.get(name, name)),
    "client_enabled": _Value(rf"{W32TIME}\TimeProviders\NtpClient", "Enabled", "DWord", int),
    "special_poll_interval": _Value(
        rf"{W32TIME}\TimeProviders\NtpClient", "SpecialPollInterval", "DWord", int
    ),
}

_SERVICE_CALLS: t.Final = {"running": "Start-Service", "stopped": "Stop-Service"}


def _calls(before: Thing, after: Thing) -> Iterable[Call]:
    """Give the calls in an order that leaves no written value without its restart when an earlier call fails.

    A disabled service cannot be started, so how it starts comes first. W32Time reads its values when it starts.
    """
    changed = {name for name, value in after.items() if before.get(name) != value}
    if "start_mode" in changed:
        yield change("Set-Service", Name=SERVICE, StartupType=after["start_mode"].capitalize())
    if "trigger" in changed:
        yield _sc(*_TRIGGER_WORDS[after["trigger"]])
    settings = [name for name in _VALUES if name in changed]
    for name in settings:
        yield _set(name, after[name])
    if "service" in changed:
        yield change(_SERVICE_CALLS[after["service"]], Name=SERVICE)
    elif settings and after.get("service") == "running":
        yield change("Restart-Service", Name=SERVICE)


def _set(name: str, value: t.Any) -> Call:
    place = _VALUES[name]
    return change(
        "Set-ItemProperty", LiteralPath=place.key, Name=place.name, Value=place.form(value), Type=place.kind
    )


def _sc(*words: str) -> Call:
    """Change the triggers of the service: no cmdlet does. sc alone would be the alias of Set-Content."""
    params: dict[str, ParamValue] = {
        "FilePath": "sc.exe",
        "ArgumentList": ("triggerinfo", "w32time", *words),
        "Wait": True,
        "PassThru": True,
    }
    return Call("Start-Process", params, ("ExitCode",), change=True)

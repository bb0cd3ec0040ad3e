# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of iSCSI Target Server: on which addresses and ports of the host it listens.

https://learn.microsoft.com/powershell/module/iscsitarget/set-iscsitargetserversetting
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.winstack.windows.plugins.plugin_utils._iscsi_target import (
    ADVICE,
    require_service,
    things,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    STATE_OPTIONS,
    Have,
    Plan,
    Resource,
    Thing,
    release,
    rows,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

PORT: t.Final = 3260


@dataclass(frozen=True)
class Portal:
    """Where the server has to listen. ``address`` is in its shortest form, without a zone."""

    address: str
    port: int
    enabled: bool


class IscsiTargetServer(Resource):
    """The settings of the server; there is exactly one.

    A thing has: portals ([{address, port, enabled}], those that the task is about). A have holds release, version, portals
    (all, with listening as WMI tells it) and addresses.
    """

    argument_spec: t.ClassVar[dict[str, t.Any]] = {
        "portals": {
            "type": "list",
            "elements": "dict",
            "options": {
                "address": {"type": "str", "required": True},
                "port": {"type": "int", "default": PORT},
                "enabled": {"type": "bool", "default": True},
            },
        },
        "exclusive_portals": {"type": "bool", "default": False},
        "disable_remote_management": {"type": "bool"},
        **STATE_OPTIONS,
        "state": {"type": "str", "choices": ["present", "gathered", "rendered"], "default": "present"},
    }
    constraints: t.ClassVar[dict[str, t.Any]] = {"required_if": [("state", "rendered", ("have",))]}
    sections: t.ClassVar[tuple[str, ...]] = (
        *("services", "addresses"),
        *("iscsi_target_server_setting", "wt_portals"),
    )
    touches: t.ClassVar[tuple[str, ...]] = ("iscsi_target_server_setting", "wt_portals")

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        """Take the options of the module. Raise WantError for what no host could be given."""
        super().__init__(params)
        if params.get("disable_remote_management"):
            raise WantError(
                "disable_remote_management: iSCSI Target Server would refuse every logon over the network, this one too, and "
                "no later run could come back. Set it at the console of the host if you must."
            )
        self.portals = _wanted(params.get("portals") or ())
        if params["exclusive_portals"] and not any(portal.enabled for portal in self.portals):
            raise WantError(
                "exclusive_portals: no portal is wanted, so the server would listen nowhere. List the portals to keep."
            )

    @staticmethod
    def read(facts: Facts) -> Have:
        """Give all portals and the addresses of the host. Raise HostError if the host did not say."""
        require_service(facts)
        setting = rows(facts, "iscsi_target_server_setting", otherwise=ADVICE)
        listening = _listening(facts)
        portals = [_portal(row, listening) for item in setting for row in item.get("Portals") or []]
        return {
            "release": release(facts),
            "version": next((item.get("Version") for item in setting), None),
            "portals": sorted(portals, key=lambda portal: str(portal["address"])),
            "addresses": [row["IPAddress"] for row in rows(facts, "addresses")],
        }

    def current(self, have: Have) -> Thing:
        """Give the portals that the task is about, as they are now."""
        return {"portals": [_shown(portal) for portal in self._concerned(have)]}

    def plan(self, have: Have, probed: Facts) -> Plan:
        """Give the calls for the portals that differ. Raise RefusedError for one that the host does not have."""
        self._refuse_unknown(have)
        after: list[Thing] = []
        calls: list[Call] = []
        wanted = {portal.address: portal for portal in self.portals}
        for now in self._concerned(have):
            want = wanted.get(_plain(now["address"]))
            shown = _shown(now)
            goal = shown | ({"enabled": False} if want is None else _goal(want))
            after.append(goal)
            calls += _change(now["address"], shown, goal)
        return Plan(self.current(have), {"portals": after}, tuple(_opening_first(calls)))

    def _concerned(self, have: Have) -> list[Mapping[str, t.Any]]:
        named = {portal.address for portal in self.portals}
        portals = things(have, "portals", "address")
        return [
            portal
            for portal in portals
            if self.params["exclusive_portals"] or _plain(portal["address"]) in named
        ]

    def _refuse_unknown(self, have: Have) -> None:
        known = [_plain(portal["address"]) for portal in things(have, "portals", "address")]
        unknown = [portal.address for portal in self.portals if portal.address not in known]
        if not unknown:
            return
        addresses = {_plain(str(address)) for address in have.get("addresses") or ()}
        fresh = [address for address in unknown if address in addresses]
        advice = (
            f" The host has {', '.join(fresh)}, but the server has not taken it up: restart the service WinTarget."
            if fresh
            else " Give one of these, or give the host the address first."
        )
        raise RefusedError(
            f"iSCSI Target Server has no portal {', '.join(unknown)}. The host's portals are "
            f"{', '.join(known) or '(none)'}.{advice}"
        )


def _wanted(portals: Sequence[Mapping[str, t.Any]]) -> tuple[Portal, ...]:
    """Read the wanted portals. Raise WantError for what cannot be one."""
    wanted = tuple(
        Portal(_address(str(item["address"])), int(item["port"]), bool(item["enabled"])) for item in portals
    )
    for portal in wanted:
        if not 1 <= portal.port <= 65535:
            raise WantError(f"portals: {portal.port} is not a port; wanted is 1 to 65535.")
    addresses = [portal.address for portal in wanted]
    twice = sorted({address for address in addresses if addresses.count(address) > 1})
    if twice:
        raise WantError(
            f"portals: {', '.join(twice)} is given twice, and an address has one portal with one port."
        )
    return wanted


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        raise WantError(f"portals: {text!r} is not an IP address.") from None
    if address.is_unspecified or address.is_loopback or address.is_multicast:
        raise WantError(
            f"portals: {text} cannot be a portal. Windows has one for each address of the host: list these."
        )
    return str(address)


def _plain(address: str) -> str:
    """Give an address of the host in the form that is compared: shortest, and without a zone."""
    text = address.split("%")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _portal(row: Mapping[str, t.Any], listening: Mapping[tuple[str, int], t.Any]) -> Thing:
    """Read a portal, whose text is ``+10.0.0.5:3260`` or ``-[fe80::1%4]:3260``; the sign says whether it is enabled."""
    text = str(row.get("") or "")
    host, _colon, port = str(row.get("IPEndpoint") or text.lstrip("+-")).rpartition(":")
    address = host.strip("[]")
    enabled = row.get("Enabled")
    return {
        "address": address,
        "port": int(port),
        "enabled": text.startswith("+") if enabled is None else bool(enabled),
        "listening": listening.get((_plain(address), int(port))),
    }


def _listening(facts: Facts) -> dict[tuple[str, int], t.Any]:
    """Give (address, port) -> Listen, which is what cinder-volume looks at."""
    found = rows(facts, "wt_portals")
    return {
        (_plain(str(row["Address"])), int(row["Port"])): row.get("Listen")
        for row in found
        if row.get("Address") and row.get("Port")
    }


def _shown(portal: Mapping[str, t.Any]) -> Thing:
    return {
        "address": _plain(portal["address"]),
        "port": portal.get("port", PORT),
        "enabled": bool(portal.get("enabled")),
    }


def _goal(want: Portal) -> Thing:
    """Give what a portal has to become. The port of one that is off does not matter, and is left."""
    return {"port": want.port, "enabled": True} if want.enabled else {"enabled": False}


def _change(address: str, now: Thing, goal: Thing) -> Iterator[Call]:
    parameters: dict[str, ParamValue] = {}
    if goal["port"] != now["port"]:
        parameters["Port"] = goal["port"]
    if goal["enabled"] != now["enabled"]:
        parameters["Enable"] = goal["enabled"]
    if parameters:
        yield change("Set-IscsiTargetServerSetting", IP=address, **parameters)


def _opening_first(calls: Sequence[Call]) -> list[Call]:
    """Put what closes a portal last, so that the server never listens nowhere."""
    return sorted(calls, key=lambda call: call.params.get("Enable") is False)

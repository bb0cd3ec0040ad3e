# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Portals: what is planned and refused, against a model of a host."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WantError,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.iscsi_target_server import IscsiTargetServer
from ansible_collections.winstack.windows.tests.unit.plugins.plugin_utils.iscsi_model import (
    ModelHost,
    Portal,
    called,
    ensure,
    failure,
    gather,
    options,
    render,
)

STORAGE, OFFICE, SIX = "10.0.0.5", "192.0.2.5", "fd00::5"


def host(*portals: Portal, **given: t.Any) -> ModelHost:
    return ModelHost(portals=list(portals) or [Portal(STORAGE), Portal(OFFICE), Portal(SIX)], **given)


def run(model: ModelHost, *, check: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return ensure(model, IscsiTargetServer, check=check, **given)


def at(address: str, **given: t.Any) -> dict[str, t.Any]:
    return {"address": address} | given


def setting(address: str, **given: t.Any) -> tuple[str, dict[str, t.Any]]:
    return "Set-IscsiTargetServerSetting", {"IP": address} | given


IMPOSSIBLE: dict[str, tuple[dict[str, t.Any], str]] = {
    "any address": ({"portals": [at("0.0.0.0")]}, "0.0.0.0 cannot be a portal"),
    "any IPv6 address": ({"portals": [at("::")]}, "cannot be a portal"),
    "loopback": ({"portals": [at("127.0.0.1")]}, "127.0.0.1 cannot be a portal"),
    "IPv6 loopback": ({"portals": [at("::1")]}, "cannot be a portal"),
    "multicast": ({"portals": [at("224.0.0.1")]}, "cannot be a portal"),
    "name": ({"portals": [at("stor1")]}, "'stor1' is not an IP address"),
    "port 0": ({"portals": [at(STORAGE, port=0)]}, "0 is not a port"),
    "port 65536": ({"portals": [at(STORAGE, port=65536)]}, "65536 is not a port"),
    "twice": ({"portals": [at(SIX), at("FD00:0::5", port=3261)]}, "fd00::5 is given twice"),
    "nowhere": ({"portals": [], "exclusive_portals": True}, "listen nowhere"),
    "nowhere, too": ({"exclusive_portals": True}, "listen nowhere"),
    "nowhere in the end": (
        {"portals": [at(STORAGE, enabled=False)], "exclusive_portals": True},
        "listen nowhere",
    ),
    "locked out": ({"disable_remote_management": True}, "refuse every logon over the network"),
}


@pytest.mark.parametrize(("given", "message"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_the_impossible_is_refused_before_the_host_is_asked(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        IscsiTargetServer(options(IscsiTargetServer, **given))
    assert message in str(caught.value)


PLANS: dict[str, tuple[ModelHost, dict[str, t.Any], list[tuple[str, dict[str, t.Any]]]]] = {
    "nothing said": (host(), {}, []),
    "remote management": (host(), {"disable_remote_management": False}, []),
    "as it is": (host(), {"portals": [at(STORAGE), at("FD00::0:5")]}, []),
    "enable": (
        host(Portal(STORAGE, enabled=False), Portal(OFFICE)),
        {"portals": [at(STORAGE)]},
        [setting(STORAGE, Enable=True)],
    ),
    "disable": (host(), {"portals": [at(OFFICE, enabled=False)]}, [setting(OFFICE, Enable=False)]),
    "port": (host(), {"portals": [at(SIX, port=3261)]}, [setting(SIX, Port=3261)]),
    "port and enable": (
        host(Portal(STORAGE, 3262, enabled=False)),
        {"portals": [at(STORAGE)]},
        [setting(STORAGE, Port=3260, Enable=True)],
    ),
    "port of one that is off": (
        host(Portal(STORAGE, 3262, enabled=False)),
        {"portals": [at(STORAGE, enabled=False)]},
        [],
    ),
    "exclusive": (
        host(),
        {"portals": [at(STORAGE)], "exclusive_portals": True},
        [setting(OFFICE, Enable=False), setting(SIX, Enable=False)],
    ),
    "open before closing": (
        host(Portal(OFFICE), Portal(STORAGE, enabled=False)),
        {"portals": [at(STORAGE)], "exclusive_portals": True},
        [setting(STORAGE, Enable=True), setting(OFFICE, Enable=False)],
    ),
    "with a zone": (
        host(Portal("fe80::1%4", enabled=False)),
        {"portals": [at("fe80::1")]},
        [setting("fe80::1%4", Enable=True)],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str) -> None:
    model, given, calls = PLANS[name]
    assert run(model, check=True, **given)["changed"] == bool(calls)
    assert model.changes == []
    result = run(model, **given)
    assert called(result) == calls
    assert run(model, **given)["commands"] == []


def test_result_tells_before_and_after() -> None:
    result = run(host(), portals=[at(OFFICE, enabled=False)])
    assert result["before"] == {"portals": [{"address": OFFICE, "port": 3260, "enabled": True}]}
    assert result["after"] == {"portals": [{"address": OFFICE, "port": 3260, "enabled": False}]}


def test_an_address_that_the_host_does_not_have() -> None:
    model = host()
    with pytest.raises(RefusedError) as caught:
        run(model, portals=[at("10.9.9.9"), at(STORAGE, enabled=False)])
    assert "no portal 10.9.9.9" in str(caught.value)
    assert f"The host's portals are {STORAGE}, {OFFICE}, {SIX}. Give one of these" in str(caught.value)
    assert model.changes == []


def test_an_address_that_the_server_has_not_taken_up() -> None:
    model = host()
    model.addresses.append("10.9.9.9")
    with pytest.raises(RefusedError, match=r"The host has 10\.9\.9\.9, but .* restart the service WinTarget"):
        run(model, portals=[at("10.9.9.9")])


@pytest.mark.parametrize("service", ["Stopped", None])
def test_a_stopped_service_is_an_error(service: str | None) -> None:
    with pytest.raises(HostError, match="WinTarget"):
        run(host(service=service), portals=[at(STORAGE)])


def test_a_change_that_does_not_read_back_is_a_failure() -> None:
    model = host()
    model.deaf = {"Set-IscsiTargetServerSetting"}
    with pytest.raises(HostError, match="does not read back"):
        run(model, portals=[at(STORAGE, port=1)])


def test_what_windows_refuses_is_told() -> None:
    model = host()
    model.broken["Set-IscsiTargetServerSetting"] = failure("Some.Exception", "Access is denied.")
    with pytest.raises(HostError, match="Windows refused Set-IscsiTargetServerSetting: Access is denied"):
        run(model, portals=[at(STORAGE, port=1)])


def test_gathered() -> None:
    have = gather(host(Portal(STORAGE, 3261, enabled=False), Portal(SIX)), IscsiTargetServer)
    assert have == {
        "release": "2022",
        "version": "10.0",
        "portals": [
            {"address": STORAGE, "port": 3261, "enabled": False, "listening": False},
            {"address": SIX, "port": 3260, "enabled": True, "listening": True},
        ],
        "addresses": [STORAGE, SIX, "127.0.0.1"],
    }


@pytest.mark.parametrize(
    ("row", "portal"),
    [
        ({"": "+10.0.0.5:3260"}, ("10.0.0.5", 3260, True)),
        ({"": "-[fe80::1%4]:3261"}, ("fe80::1%4", 3261, False)),
        ({"": "", "Enabled": True, "IPEndpoint": "10.0.0.5:1"}, ("10.0.0.5", 1, True)),
    ],
)
def test_portals_as_windows_prints_them(row: dict[str, t.Any], portal: tuple[str, int, bool]) -> None:
    model = host()
    model._setting = lambda: [{"Portals": [row]}]  # type: ignore[method-assign]
    found = gather(model, IscsiTargetServer)["portals"]
    assert [(item["address"], item["port"], item["enabled"]) for item in found] == [portal]


def test_rendered() -> None:
    have = {"portals": [{"address": STORAGE, "port": 3260, "enabled": False}, {"address": "odd"}]}
    result = render(IscsiTargetServer, have, portals=[at(STORAGE)])
    assert result["rendered"] == [
        {"cmdlet": "Set-IscsiTargetServerSetting", "parameters": {"IP": STORAGE, "Enable": True}}
    ]
    with pytest.raises(WantError, match=r"have\.portals"):
        render(IscsiTargetServer, {"portals": [STORAGE]}, portals=[at(STORAGE)])
    with pytest.raises(RefusedError, match=r"portals are \(none\)"):
        render(IscsiTargetServer, {"release": "2022"}, portals=[at(STORAGE)])


ADDRESSES = st.sampled_from([STORAGE, OFFICE, SIX, "FD00::5", "10.9.9.9"])
PORTALS = st.builds(Portal, st.sampled_from([STORAGE, OFFICE, SIX]), st.integers(3260, 3262), st.booleans())
WANTED = st.builds(dict, address=ADDRESSES, port=st.integers(3260, 3262), enabled=st.booleans())


@settings(max_examples=200, deadline=None)
@given(
    have=st.lists(PORTALS, max_size=3, unique_by=lambda portal: portal.address),
    portals=st.lists(WANTED, max_size=3),
    exclusive=st.booleans(),
)
def test_applied_once_nothing_is_left_to_do(
    have: list[Portal], portals: list[dict[str, t.Any]], exclusive: bool
) -> None:
    model = ModelHost(portals=have)
    before = model.state()
    try:
        result = run(model, portals=portals, exclusive_portals=exclusive)
    except (WantError, RefusedError):
        assert model.state() == before
        return
    assert result["changed"] == (model.state() != before)
    assert run(model, portals=portals, exclusive_portals=exclusive)["commands"] == []
    if exclusive:
        assert any(portal.enabled for portal in model.portals)

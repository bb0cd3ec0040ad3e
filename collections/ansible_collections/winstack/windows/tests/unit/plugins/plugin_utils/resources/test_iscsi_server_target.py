# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets on simulated hosts: what is planned, made, refused and told."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Section
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_server_target import MAX_NAME
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.protected import DEFAULT
from winsim.iscsi import IscsiError

from ..cases import planned
from ..simulated import Result, SimulatedHost, outcomes, sequence
from .iscsi_hosts import (
    FEATURE,
    A,
    B,
    C,
    Options,
    calls,
    check_calls,
    gathered,
    iscsi_host,
    rendered,
    state_of,
    told,
)

SECRET = "s" * 12
OTHER = "o" * 16
IQN = "IQN:iqn.1993-08.org.debian:01:abc"
NATURAL = "iqn.1991-05.com.microsoft:host1-web-target"


def document(**given: t.Any) -> list[Options]:
    return [{"iscsi_server_target": {"name": "web"} | given}]


def run(host: SimulatedHost, **given: t.Any) -> Result:
    return host.converge(document(**given), protected=DEFAULT)


def check(host: SimulatedHost, **given: t.Any) -> Result:
    return host.check(document(**given), protected=DEFAULT)


def lun(path: str, number: int | None = None) -> Options:
    return {"path": path} if number is None else {"path": path, "lun": number}


def chap(username: str | None = "u", secret: str | None = SECRET, **given: t.Any) -> Options:
    return {"username": username, "secret": secret} | given


# What no target can be, before a host is asked ------------------------------------------------------------------------------

IMPOSSIBLE: dict[str, tuple[Options, str]] = {
    "secret of 11": ({"chap": chap(secret="s" * 11)}, "chap: secret has 11 characters. Windows takes 12 to 16"),
    "secret of 17": ({"chap": chap(secret="s" * 17)}, "secret has 17 characters"),
    "empty secret": ({"chap": chap(secret="")}, "secret has 0 characters"),
    "reverse secret of 11": ({"reverse_chap": chap(secret="s" * 11)}, "reverse_chap: secret has 11"),
    "secret outside ASCII": ({"chap": chap(secret="é" * 12)}, "printable ASCII"),
    "secret with a line end": ({"chap": chap(secret="s" * 11 + "\n")}, "printable ASCII"),
    "secret without user": ({"chap": chap(None)}, "secret needs username"),
    "the same secret twice": ({"chap": chap(), "reverse_chap": chap("v")}, "have to differ"),
    "number twice": ({"luns": [lun(A, 1), lun(B, 1)]}, "luns: the number 1 is given twice"),
    "path twice": ({"luns": [lun(A, 1), lun(A.upper(), 2)]}, "is given twice. A target has each once"),
    "path twice, other slashes": ({"luns": [lun(A), lun("D:/iSCSI/a.vhdx")]}, "is given twice"),
    "path through the folder above": ({"luns": [lun(r"D:\x\..\iSCSI\a.vhdx")]}, "contains . or .."),
    "path as text": ({"luns": [A]}, "luns[0] is text. Give a dictionary with path, lun"),
    "number as text": ({"luns": [lun(A) | {"lun": "one"}]}, "luns"),
    "typing error": ({"luns": [{"path": A, "lnu": 1}]}, "there is no option luns[0].lnu. Did you mean lun?"),
    "no path": ({"luns": [{"lun": 1}]}, "missing required arguments: path"),
    "word of CHAP": ({"chap": {"user": "u"}}, "there is no option chap.user"),
    "update_secret": ({"update_secret": "never"}, "update_secret must be one of"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "message"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_the_impossible_is_told_before_a_host_is_asked(given: Options, message: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document(document(**given), KINDS)
    assert message in str(caught.value)
    assert "iscsi_server_target web (resources[0].iscsi_server_target)" in str(caught.value)
    for secret in ("s" * 11, "s" * 17, SECRET):
        assert secret not in str(caught.value)


# Making, changing, removing ------------------------------------------------------------------------------------------------


def host_with(**given: t.Any) -> SimulatedHost:
    return iscsi_host([{"path": A}, {"path": B}, {"path": C}], [{"name": "web"} | given] if given else [])


def start(name: str) -> SimulatedHost:
    kinds = [
        IQN,
        "DNSName:node1.Example.org",
        "IPAddress:10.0.0.5",
        "IPv6Address:fd00::5",
        "MACAddress:00-15-5D-01-02-03",
    ]
    credentials = {"username": "u", "secret": SECRET}
    starts: dict[str, t.Callable[[], SimulatedHost]] = {
        "empty": host_with,
        "has": lambda: host_with(description="old", initiators=[IQN]),
        "kinds": lambda: host_with(initiators=kinds),
        "off": lambda: host_with(enabled=False),
        "off, shows": lambda: host_with(enabled=False, mappings={0: A}),
        "chap": lambda: host_with(chap=credentials),
        "chap off": lambda: _chap_off(host_with(chap=credentials)),
        "reverse": lambda: host_with(chap=credentials, reverse_chap={"username": "v", "secret": OTHER}),
        "shows": lambda: host_with(mappings={0: A, 1: B}),
        "shows high": lambda: host_with(mappings={7: A}),
        "old name": lambda: iscsi_host(targets=[{"name": "base_disk", "initiators": [IQN]}]),
        "ramdisk": lambda: iscsi_host(
            [{"path": "ramdisk:cache.vhdx"}, {"path": A}],
            [{"name": "web", "mappings": {0: "ramdisk:cache.vhdx"}}],
        ),
        "transcript": lambda: iscsi_host(
            [{"path": "D:\\iSCSI-Datenträger\\ディスク1.vhdx"}],
            [
                {
                    "name": "Ziel-01",
                    "initiators": ["IPAddress:10.0.0.5"],
                    "mappings": {0: "D:\\iSCSI-Datenträger\\ディスク1.vhdx"},
                    "sessions": ["iqn.1991-05.com.microsoft:x"],
                }
            ],
        ),
    }
    return starts[name]()


def _chap_off(host: SimulatedHost) -> SimulatedHost:
    host.machine.iscsi.target("web").chap.enabled = False
    return host


NEW = ("New-IscsiServerTarget", {"TargetName": "web"})
MASKED = {"username": "u", "password": "********"}
IS_RAMDISK = (
    "iscsi_server_target web: ramdisk:cache.vhdx is a RAM disk, which is gone after a restart of the host."
)


def setting(**given: t.Any) -> tuple[str, Options]:
    return "Set-IscsiServerTarget", {"TargetName": "web"} | given


def add(path: str, number: int) -> tuple[str, Options]:
    return "Add-IscsiVirtualDiskTargetMapping", {"TargetName": "web", "Path": path, "Lun": number}


def take(path: str) -> tuple[str, Options]:
    return "Remove-IscsiVirtualDiskTargetMapping", {"TargetName": "web", "Path": path}


PLANS: dict[str, tuple[str, Options, list[tuple[str, Options]]]] = {
    "make": ("empty", {}, [NEW]),
    "make all": (
        "empty",
        {
            "iqn": "iqn.2020-01.org.Example:Web",
            "initiator_ids": ["iqn:IQN.1993-08.org.debian:01:ABC", "ipaddress:10.0.0.5"],
            "description": "x",
            "enabled": False,
            "chap": chap(),
            "reverse_chap": chap("v", OTHER),
            "luns": [lun(B, 3), lun(A)],
        },
        [
            NEW,
            setting(
                TargetIqn="iqn.2020-01.org.example:web",
                InitiatorIds=[IQN, "IPAddress:10.0.0.5"],
                Description="x",
                Enable=False,
                EnableChap=True,
                Chap=MASKED,
                EnableReverseChap=True,
                ReverseChap={"username": "v", "password": "********"},
            ),
            add(A, 0),
            add(B, 3),
        ],
    ),
    "make with what a new one has": (
        "empty",
        {"enabled": True, "description": "", "initiator_ids": [], "chap": {"enabled": False}, "luns": []},
        [NEW],
    ),
    "nothing said": ("has", {}, []),
    "other case of the name": ("has", {"name": "WEB", "description": "old"}, []),
    "other case of initiator and IQN": (
        "has",
        {"initiator_ids": ["iqn:IQN.1993-08.ORG.debian:01:ABC", IQN], "iqn": NATURAL.upper()},
        [],
    ),
    "prefix twice": ("has", {"initiator_ids": ["IQN:Iqn:iqn.1993-08.org.debian:01:abc"]}, []),
    "all kinds in other spellings": (
        "kinds",
        {
            "initiator_ids": [
                "macaddress:00:15:5d:01:02:03",
                "ipv6address:FD00:0::5",
                "IPADDRESS:10.0.0.5",
                "dnsname:NODE1.example.org",
                IQN.lower(),
            ]
        },
        [],
    ),
    "MAC without separators": (
        "empty",
        {"initiator_ids": ["MACAddress:00155d010203"]},
        [NEW, setting(InitiatorIds=["MACAddress:00-15-5D-01-02-03"])],
    ),
    "EUI": (
        "empty",
        {"initiator_ids": ["IQN:eui.02004567A425678D"]},
        [NEW, setting(InitiatorIds=["IQN:eui.02004567a425678d"])],
    ),
    "everyone": ("has", {"initiator_ids": ["IQN:*"]}, [setting(InitiatorIds=["IQN:*"])]),
    "nobody": ("has", {"initiator_ids": []}, [setting(InitiatorIds=[])]),
    "only IQNs": ("kinds", {"initiator_ids": [IQN]}, [setting(InitiatorIds=[IQN])]),
    "one more": (
        "has",
        {"initiator_ids": [IQN, "IPAddress:10.0.0.5"]},
        [setting(InitiatorIds=[IQN, "IPAddress:10.0.0.5"])],
    ),
    "describe": ("has", {"description": "new"}, [setting(Description="new")]),
    "clear the description": ("has", {"description": ""}, [setting(Description="")]),
    "disable": ("shows", {"enabled": False}, [setting(Enable=False)]),
    "enable": ("off, shows", {"enabled": True}, [setting(Enable=True)]),
    "enable after mapping": (
        "off",
        {"enabled": True, "description": "x", "luns": [lun(A)]},
        [setting(Description="x"), add(A, 0), setting(Enable=True)],
    ),
    "disable before mapping": (
        "has",
        {"enabled": False, "luns": [lun(A)]},
        [setting(Enable=False), add(A, 0)],
    ),
    "rename the IQN": ("has", {"iqn": "iqn.2020-01.org.example:w"}, [setting(TargetIqn="iqn.2020-01.org.example:w")]),
    "switch CHAP on": ("has", {"chap": chap()}, [setting(EnableChap=True, Chap=MASKED)]),
    "CHAP is on": ("chap", {"chap": chap()}, []),
    "CHAP is on, nothing said": ("chap", {"chap": {}}, []),
    "another user": (
        "chap",
        {"chap": chap("w")},
        [setting(EnableChap=True, Chap={"username": "w", "password": "********"})],
    ),
    "case of a user": (
        "chap",
        {"chap": chap("U")},
        [setting(EnableChap=True, Chap={"username": "U", "password": "********"})],
    ),
    "switch CHAP off": ("chap", {"chap": {"enabled": False}}, [setting(EnableChap=False)]),
    "CHAP is off": ("has", {"chap": chap("w", enabled=False)}, []),
    "switch CHAP on with the secret that is there": ("chap off", {"chap": {"username": "u"}}, [setting(EnableChap=True)]),
    "switch CHAP on again": ("chap off", {"chap": chap()}, [setting(EnableChap=True, Chap=MASKED)]),
    "switch reverse CHAP off": (
        "reverse",
        {"chap": chap(), "reverse_chap": {"enabled": False}},
        [setting(EnableReverseChap=False)],
    ),
    "show": ("has", {"luns": [lun(A), lun(B)]}, [add(A, 0), add(B, 1)]),
    "show under the host's spelling": ("has", {"luns": [lun("d:/iscsi/A.VHDX")]}, [add(A, 0)]),
    "show the same": ("shows", {"luns": [lun(B), lun(A.upper())]}, []),
    "keep the number": ("shows high", {"luns": [lun(B), lun(A)]}, [add(B, 0)]),
    "give way": ("shows", {"luns": [lun(A), lun(C, 0)]}, [take(A), take(B), add(C, 0), add(A, 1)]),
    "swap": ("shows", {"luns": [lun(A, 1), lun(B, 0)]}, [take(A), take(B), add(B, 0), add(A, 1)]),
    "move": ("shows", {"luns": [lun(A, 0), lun(B, 255)]}, [take(B), add(B, 255)]),
    "replace": ("shows", {"luns": [lun(C, 0), lun(B, 1)]}, [take(A), add(C, 0)]),
    "show none": ("shows", {"luns": []}, [take(A), take(B)]),
    "tighten before showing": (
        "has",
        {"chap": chap(), "luns": [lun(A)]},
        [setting(EnableChap=True, Chap=MASKED), add(A, 0)],
    ),
    "all settings by one call": (
        "shows",
        {"chap": chap(), "initiator_ids": ["IQN:*"], "description": "x", "enabled": False},
        [setting(InitiatorIds=["IQN:*"], Description="x", Enable=False, EnableChap=True, Chap=MASKED)],
    ),
    "remove": ("shows", {"state": "absent"}, [("Remove-IscsiServerTarget", {"TargetName": "web"})]),
    "remove, other case": ("has", {"name": "Web", "state": "absent"}, [("Remove-IscsiServerTarget", {"TargetName": "web"})]),
    "remove, whatever else was said": (
        "off",
        {"state": "absent", "enabled": True, "luns": [lun(r"D:\iSCSI\none.vhdx")], "chap": {"username": "w"}, "iqn": "x"},
        [("Remove-IscsiServerTarget", {"TargetName": "web"})],
    ),
    "nothing to remove": ("empty", {"state": "absent"}, []),
    "nothing to remove of a bad name": ("empty", {"name": "a_b", "state": "absent"}, []),
    # What equals what is there is never refused.
    "old name": (
        "old name",
        {"name": "base_disk", "description": "x"},
        [("Set-IscsiServerTarget", {"TargetName": "base_disk", "Description": "x"})],
    ),
    "remove an old name": (
        "old name",
        {"name": "Base_Disk", "state": "absent"},
        [("Remove-IscsiServerTarget", {"TargetName": "base_disk"})],
    ),
    "take a RAM disk out": ("ramdisk", {"luns": [lun(A)]}, [take("ramdisk:cache.vhdx"), add(A, 0)]),
    "letters of all scripts": (
        "transcript",
        {
            "name": "ZIEL-01",
            "initiator_ids": ["ipaddress:10.0.0.5"],
            "luns": [lun("d:/iSCSI-DATENTRÄGER/ディスク1.VHDX", 0)],
            "iqn": "iqn.1991-05.com.microsoft:host1-ziel-01-target",
            "enabled": True,
        },
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str) -> None:
    begin, given, expected = PLANS[name]
    host = start(begin)
    before = state_of(host)
    foreseen = check(host, **given)
    check_calls(host, document(**given))
    assert state_of(host) == before
    result = run(host, **given)
    assert not result.get("failed"), result["msg"]
    assert calls(result) == calls(foreseen) == expected
    assert result["changed"] == foreseen["changed"] == bool(expected)
    commands = host.commands
    again = run(host, **given)
    assert (again["changed"], again["warnings"], host.commands) == (False, [], commands)
    assert host.verify(document(**given), protected=DEFAULT)["changed"] is False


def test_the_iqn_that_windows_makes_is_foretold() -> None:
    host = host_with()
    foreseen = check(host, name="Web")["objects"][0]["after"]
    assert foreseen["iqn"] == NATURAL
    assert run(host, name="Web")["objects"][0]["after"] == foreseen


def test_two_commands_make_a_target_and_one_finds_it_as_it_is() -> None:
    host = host_with()
    wish = {"chap": chap(), "initiator_ids": [IQN], "luns": [lun(A)], "enabled": True}
    run(host, **wish)
    assert host.commands == 2
    host.snapshot.forget()
    run(host, **wish)
    assert host.commands == 3
    iscsi = [note for note in host.notes if "-Iscsi" in note["cmdlet"]]
    assert {note["params"]["ComputerName"] for note in iscsi} == {"localhost"}


def test_a_wish_is_foretold_as_it_reads_back() -> None:
    host = start("shows")
    wish = {"luns": [lun(A.upper(), 0), lun(C)], "initiator_ids": [IQN], "chap": chap()}
    foreseen = check(host, **wish)["objects"][0]
    assert foreseen["before"] == {
        "name": "web",
        "iqn": NATURAL,
        "description": "",
        "enabled": True,
        "initiator_ids": [],
        "chap": {"enabled": False},
        "reverse_chap": {"enabled": False},
        "luns": [{"lun": 0, "path": A}, {"lun": 1, "path": B}],
    }
    assert foreseen["after"] == foreseen["before"] | {
        "initiator_ids": [IQN],
        "chap": {"enabled": True, "username": "u"},
        "luns": [{"lun": 0, "path": A}, {"lun": 1, "path": C}],
    }
    assert run(host, **wish)["objects"][0]["after"] == foreseen["after"]


# Secrets -------------------------------------------------------------------------------------------------------------------


def test_secrets_arrive_and_are_not_told() -> None:
    host = host_with()
    wish = {"chap": chap(), "reverse_chap": chap("v", OTHER)}
    results = [check(host, **wish), run(host, **wish), run(host, **wish | {"update_secret": "always"})]
    target = host.machine.iscsi.target("web")
    assert (target.chap.secret, target.reverse_chap.secret) == (SECRET, OTHER)
    told_of = repr([results, read_document(document(**wish), KINDS)]) + json.dumps(results)
    assert SECRET not in told_of
    assert OTHER not in told_of


def test_a_secret_is_sent_always_when_asked_for() -> None:
    host = start("chap")
    wish = {"chap": chap(secret="n" * 12), "update_secret": "always"}
    for count in (1, 2):
        result = run(host, **wish)
        assert calls(result) == [setting(Chap=MASKED)]
        assert (result["changed"], result["objects"][0]["before"]) == (True, result["objects"][0]["after"])
        assert host.commands == 1 + count
    assert host.machine.iscsi.target("web").chap.secret == "n" * 12
    assert host.verify(document(**wish))["changed"] is False
    assert not run(host, chap={"username": "u"}, update_secret="always")["changed"]


def test_a_secret_that_is_always_sent_is_sent_by_two_commands_to_a_new_target_too() -> None:
    host = host_with()
    result = run(host, chap=chap(), update_secret="always", luns=[lun(A)])
    assert not result.get("failed"), result["msg"]
    assert host.commands == 2


def test_a_secret_is_not_sent_to_a_protected_target() -> None:
    host = iscsi_host(targets=[{"name": "volume-1", "chap": {"username": "u", "secret": SECRET}}])
    result = run(host, name="volume-1", chap=chap(secret="n" * 12), update_secret="always")
    assert "is protected" in result["msg"]
    assert host.machine.iscsi.target("volume-1").chap.secret == SECRET


# IQNs that move ------------------------------------------------------------------------------------------------------------

X, Y, Z = (f"iqn.2020-01.org.example:{letter}" for letter in "xyz")


def exchange(host: SimulatedHost, **iqns: str | None) -> Result:
    wishes = [
        {"name": name} | ({"state": "absent"} if iqn is None else {"iqn": iqn} if iqn else {})
        for name, iqn in iqns.items()
    ]
    return host.converge([{"iscsi_server_target": wishes}], protected=DEFAULT)


def targets(**iqns: str) -> list[Options]:
    return [{"name": name, "iqn": iqn} for name, iqn in iqns.items()]


EXCHANGES: dict[str, tuple[dict[str, str], dict[str, str | None]]] = {
    "two exchange": ({"a": X, "b": Y}, {"a": Y, "b": X}),
    "three in a ring": ({"a": X, "b": Y, "c": Z}, {"a": Y, "b": Z, "c": X}),
    "three in the other ring": ({"a": X, "b": Y, "c": Z}, {"a": Z, "b": X, "c": Y}),
    "a chain": ({"a": X, "b": Y}, {"a": Y, "b": Z}),
    "a chain from its end": ({"a": X, "b": Y}, {"b": Z, "a": Y}),
    "a new one takes over": ({"b": Y}, {"a": Y, "b": X}),
    "from one that goes": ({"a": X, "b": Y}, {"a": Y, "b": None}),
    "a new one from one that goes": ({"b": Y}, {"a": Y, "b": None}),
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_iqns_move_in_one_run(name: str) -> None:
    begin, wanted = EXCHANGES[name]
    host = iscsi_host(targets=targets(**begin))
    foreseen = host.check([{"iscsi_server_target": [{"name": n, "iqn": i} for n, i in wanted.items() if i]}])
    assert (None in wanted.values()) or not foreseen.get("failed")
    result = exchange(host, **wanted)
    assert not result.get("failed"), result["msg"]
    found = {target.name: target.iqn for target in host.machine.iscsi.targets.values()}
    assert found == {name: iqn for name, iqn in wanted.items() if iqn}
    assert host.commands == 2
    before = {entry["key"]: entry["before"].get("iqn") for entry in result["objects"]}
    assert before == {name: begin.get(name) for name in wanted}
    assert exchange(host, **wanted)["changed"] is False


def test_an_exchange_under_initiators_names_the_iqns_that_they_know() -> None:
    host = iscsi_host(
        targets=[{"name": "a", "iqn": X, "sessions": ["s"]}, {"name": "b", "iqn": Y, "sessions": ["s"]}]
    )
    assert exchange(host, a=Y, b=X)["warnings"] == [
        f"iscsi_server_target a: 1 initiator session will not come back under the IQN {X}.",
        f"iscsi_server_target b: 1 initiator session will not come back under the IQN {Y}.",
    ]


def test_an_exchange_that_broke_off_is_ended_by_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    host = iscsi_host(targets=targets(a=X, b=Y))
    step = host.machine.iscsi.set_target
    seen: list[str] = []

    def fail_second(name: str, changes: t.Any) -> t.Any:
        seen.append(name)
        if len(seen) == 2:
            raise IscsiError("Broke off.")
        return step(name, changes)

    monkeypatch.setattr(host.machine.iscsi, "set_target", fail_second)
    assert "Windows refused Set-IscsiServerTarget: Broke off" in exchange(host, a=Y, b=X)["msg"]
    result = exchange(host, a=Y, b=X)
    assert not result.get("failed"), result["msg"]
    assert {target.name: target.iqn for target in host.machine.iscsi.targets.values()} == {"a": Y, "b": X}


TAKEN: dict[str, tuple[list[Options], dict[str, str | None], str]] = {
    "of one that stays": (targets(db=X), {"web": X.upper()}, f"web: it cannot have the IQN {X}: the target db has it"),
    "of one that keeps it": (targets(db=X), {"web": X, "db": X}, "the target db has it"),
    "that Windows gives to a new one": ([], {"web": "", "db": NATURAL}, "the target web has it"),
    "given twice": ([], {"web": X, "db": X}, f"db: it cannot have the IQN {X}: the target web has it"),
    "of a protected one": (targets(**{"volume-1": X}), {"web": X, "volume-1": Y}, "volume-1 is protected"),
    "of a protected one that is to go": (targets(**{"volume-1": X}), {"web": X, "volume-1": None}, "volume-1 is protected"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_an_iqn_that_another_target_has(name: str) -> None:
    begin, wanted, message = TAKEN[name]
    host = iscsi_host(targets=begin)
    result = exchange(host, **wanted)
    assert message in result["msg"]
    assert host.changing() == []


# What is refused, or missing -----------------------------------------------------------------------------------------------

CLUSTER = {"name": "CL1", "groups": ["Store"]}

REFUSED: dict[str, tuple[t.Callable[[], SimulatedHost], Options, str]] = {
    "empty name": (host_with, {"name": ""}, "cannot be the name of a target"),
    "name with a space": (host_with, {"name": "my target"}, "cannot be the name of a target"),
    "name with a slash": (host_with, {"name": "a/b"}, "cannot be the name of a target"),
    "name with a wildcard": (host_with, {"name": "web*"}, "cannot be the name of a target"),
    "name with a line end": (host_with, {"name": "web\n"}, "cannot be the name of a target"),
    "name with _": (host_with, {"name": "base_disk"}, "'base_disk' cannot be the name of a target. Use letters, digits"),
    "long name": (host_with, {"name": "a" * (MAX_NAME + 1)}, f"{MAX_NAME} at most"),
    "iqn": (host_with, {"iqn": "web"}, "iqn: web is not an iSCSI name. Give iqn.yyyy-mm"),
    "iqn with a bad month": (host_with, {"iqn": "iqn.2020-13.org.example:web"}, "not an iSCSI name"),
    "long iqn": (host_with, {"iqn": f"iqn.2020-01.org.example:{'a' * 200}"}, "not an iSCSI name"),
    "iqn of one that is there": (lambda: start("has"), {"iqn": "web"}, "not an iSCSI name"),
    "unknown kind": (host_with, {"initiator_ids": ["WWN:5000c50015ea71ac"]}, "initiator_ids: 'WWN:5000c50015ea71ac' begins with no kind of identifier"),
    "no kind": (host_with, {"initiator_ids": ["iqn.1993-08.org.debian:01:abc"]}, "no kind of identifier"),
    "no value": (host_with, {"initiator_ids": ["IQN:"]}, "not an iSCSI name"),
    "malformed IQN": (host_with, {"initiator_ids": ["IQN:debian"]}, "not an iSCSI name"),
    "IQN without domain": (host_with, {"initiator_ids": ["IQN:iqn.1993-08"]}, "not an iSCSI name"),
    "IQN with space": (host_with, {"initiator_ids": ["IQN:iqn.1993-08.org.debian:a b"]}, "not an iSCSI name"),
    "malformed EUI": (host_with, {"initiator_ids": ["IQN:eui.0123"]}, "not an iSCSI name"),
    "malformed MAC": (host_with, {"initiator_ids": ["MACAddress:00-15-5D-01-02"]}, "not a MAC address"),
    "mixed MAC": (host_with, {"initiator_ids": ["MACAddress:00-15:5D-01:02-03"]}, "not a MAC address"),
    "MAC with a wrong digit": (host_with, {"initiator_ids": ["MACAddress:00-15-5D-01-02-0G"]}, "not a MAC address"),
    "malformed IPv4": (host_with, {"initiator_ids": ["IPAddress:10.0.0.256"]}, "not an IPv4 address"),
    "IPv6 as IPv4": (host_with, {"initiator_ids": ["IPAddress:fd00::1"]}, "not an IPv4 address"),
    "IPv4 network": (host_with, {"initiator_ids": ["IPAddress:10.0.0.0/24"]}, "not an IPv4 address"),
    "IPv4 of everyone": (host_with, {"initiator_ids": ["IPAddress:0.0.0.0"]}, "not an IPv4 address"),
    "multicast": (host_with, {"initiator_ids": ["IPAddress:224.0.0.1"]}, "not an IPv4 address"),
    "IPv4 as IPv6": (host_with, {"initiator_ids": ["IPv6Address:10.0.0.1"]}, "not an IPv6 address"),
    "IPv6 with a zone": (host_with, {"initiator_ids": ["IPv6Address:fe80::1%4"]}, "not an IPv6 address"),
    "DNS name with a space": (host_with, {"initiator_ids": ["DNSName:a b"]}, "not a DNS name"),
    "address as DNS name": (host_with, {"initiator_ids": ["DNSName:10.0.0.1"]}, "not a DNS name"),
    "everyone as DNS name": (host_with, {"initiator_ids": ["DNSName:*"]}, "not a DNS name"),
    "one bad among good ones": (lambda: start("has"), {"initiator_ids": [IQN, "IQN:debian"]}, "'debian' is not an iSCSI name"),
    "negative number": (host_with, {"luns": [lun(A, -1)]}, f"luns: {A} cannot have the number -1. Give 0 to 255"),
    "number 256": (host_with, {"luns": [lun(A, 256)]}, "0 to 255"),
    "path on a share": (host_with, {"luns": [lun(r"\\server\a.vhdx")]}, "network or device path"),
    "path with a dot at its end": (host_with, {"luns": [lun(A + ".")]}, "dot or a space"),
    "short path": (host_with, {"luns": [lun(r"D:\ISCSIV~1\A~1.VHD")]}, "8.3"),
    "path of a device": (host_with, {"luns": [lun(r"D:\iSCSI\con.vhdx")]}, "name of a device"),
    "a new RAM disk": (host_with, {"luns": [lun("ramdisk:x.vhdx")]}, "is a RAM disk, which is gone after a restart"),
    "257 disks": (host_with, {"luns": [lun(rf"D:\{n}.vhdx") for n in range(257)]}, "257 disks were given. A target shows 256 at most"),
    "no such disk": (
        host_with,
        {"luns": [lun(A), lun(r"D:\iSCSI\none.vhdx")]},
        r"there is no virtual disk D:\iSCSI\none.vhdx. Put iscsi_virtual_disk with that path before it",
    ),
    "a file that is not registered": (
        lambda: iscsi_host([{"path": A, "registered": False}]),
        {"luns": [lun(A)]},
        f"there is no virtual disk {A}",
    ),
    "CHAP without a secret, new": (host_with, {"chap": {"username": "u"}}, "chap: there is no secret for the user name u"),
    "CHAP without anything": (lambda: start("has"), {"chap": {}}, "the user name (none)"),
    "CHAP without a secret": (lambda: start("has"), {"chap": {"username": "u"}}, "Give chap.username and chap.secret together"),
    "another user without a secret": (lambda: start("chap"), {"chap": {"username": "w"}}, "there is no secret"),
    "reverse CHAP without a secret": (
        lambda: start("chap"),
        {"reverse_chap": {"username": "w"}},
        "reverse_chap: there is no secret",
    ),
    "enable what shows nothing": (lambda: start("off"), {"enabled": True}, "it shows no disk, and Windows enables no such target"),
    "enable and take all out": (lambda: start("off, shows"), {"enabled": True, "luns": []}, "it shows no disk"),
    "of a clustered role": (
        lambda: iscsi_host(targets=[{"name": "web", "cluster_group": "Store"}], cluster=CLUSTER),
        {"description": "x"},
        "web belongs to the clustered role Store. Change it through the cluster",
    ),
    "of a clustered role, to remove": (
        lambda: iscsi_host(targets=[{"name": "web", "cluster_group": "Store"}], cluster=CLUSTER),
        {"state": "absent"},
        "web belongs to the clustered role Store",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("way", ["check", "converge"])
def test_refused(name: str, way: str) -> None:
    make, given, message = REFUSED[name]
    host = make()
    before = state_of(host)
    result = (check if way == "check" else run)(host, **given)
    assert result.get("failed"), result
    assert message in result["msg"]
    assert host.changing() == []
    assert state_of(host) == before


def test_a_disk_of_the_same_document_can_be_shown() -> None:
    host = iscsi_host()
    wishes: list[dict[str, Options]] = [
        {"iscsi_virtual_disk": {"path": A, "size": "1GB"}},
        {"iscsi_server_target": {"name": "web", "luns": [lun("d:/iscsi/A.VHDX")], "enabled": True}},
    ]
    foreseen = host.check(wishes)
    assert set(outcomes(foreseen).values()) == {"planned"}
    result = host.converge(wishes)
    assert sequence(result) == [
        "New-IscsiVirtualDisk",
        "New-IscsiServerTarget",
        "Add-IscsiVirtualDiskTargetMapping",
    ]
    assert host.commands == 2
    gone = [{kind: {**options, "state": "absent"}} for wish in wishes for kind, options in wish.items()]
    result = host.converge(gone)
    assert not result.get("failed"), result["msg"]
    assert host.changing()[-2:] == ["Remove-IscsiServerTarget", "Remove-IscsiVirtualDisk"]


def test_a_document_is_foretold_on_a_host_without_the_feature() -> None:
    host = SimulatedHost(volumes={"C": {}, "D": {}})
    wishes = [{"windows_feature": {"name": FEATURE}}, *document(initiator_ids=[IQN], chap=chap())]
    foreseen = host.check(wishes)
    assert set(outcomes(foreseen).values()) == {"planned"}
    assert host.commands == 1
    assert sequence(host.converge(wishes)) == sequence(foreseen)


# What is told --------------------------------------------------------------------------------------------------------------

WARNED: dict[str, tuple[t.Callable[[], SimulatedHost], Options, str]] = {
    "many targets": (
        lambda: iscsi_host(targets=[{"name": f"t{number}"} for number in range(256)]),
        {},
        "the host has 256 targets. Microsoft recommends 256 at most.",
    ),
    "removed under an initiator": (
        lambda: host_with(sessions=["s"], mappings={0: A}),
        {"state": "absent"},
        "1 initiator session will be cut off: the target is removed.",
    ),
    "disk moved under an initiator": (
        lambda: host_with(sessions=["s"], mappings={0: A}),
        {"luns": [lun(A, 1)]},
        "1 initiator session will lose disks: they are taken out, or get another number.",
    ),
    "renamed under an initiator": (
        lambda: host_with(sessions=["s"], iqn=X),
        {"iqn": Y},
        f"1 initiator session will not come back under the IQN {X}.",
    ),
    "disabled under an initiator": (
        lambda: host_with(sessions=["s", "r"]),
        {"enabled": False},
        "2 initiator sessions will stay: disabling a target only keeps new ones out.",
    ),
    "shown twice": (
        lambda: iscsi_host([{"path": A}], [{"name": "db", "mappings": {0: A}}]),
        {"luns": [lun(A)]},
        f"{A} is shown by db too. Two initiators that are no cluster destroy each other's data on it.",
    ),
    "on a node of a cluster": (
        lambda: iscsi_host(cluster=CLUSTER),
        {},
        "HOST1 is a node of the failover cluster CL1. What is made here belongs to this node alone, and does not move with a "
        "clustered role.",
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_warned(name: str) -> None:
    make, given, message = WARNED[name]
    host = make()
    expected = [f"iscsi_server_target web: {message}"]
    assert check(host, **given)["warnings"] == expected
    assert run(host, **given)["warnings"] == expected
    assert run(host, **given)["warnings"] == []


def test_a_disk_that_two_targets_of_a_document_show() -> None:
    host = host_with()
    wishes = [{"iscsi_server_target": [{"name": name, "luns": [lun(A)]} for name in ("web", "db")]}]
    assert [text for text in host.check(wishes)["warnings"] if "is shown by web too" in text]


def test_a_ram_disk_that_is_kept_is_told() -> None:
    host = start("ramdisk")
    wish = {"luns": [lun("RAMDISK:cache.vhdx", 0)]}
    for _time in range(2):
        result = run(host, **wish)
        assert (result["changed"], result["warnings"]) == (
            False,
            [IS_RAMDISK],
        )


def test_no_warning_where_nothing_moves_under_an_initiator() -> None:
    host = host_with(sessions=["s"], mappings={0: A})
    assert run(host, luns=[lun(A), lun(B)])["warnings"] == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_stopped_service_is_no_empty_host(state: str) -> None:
    host = host_with(description="x")
    host.machine.services.stop("WinTarget", force=True)
    result = run(host, state=state)
    assert "the service WinTarget does not run" in result["msg"]
    assert host.changing() == []


# What Windows does not say -------------------------------------------------------------------------------------------------


class Altered(SimulatedHost):
    """A host some of whose rows have other columns than the simulator's, and some of whose cmdlets do nothing."""

    def __init__(self, rows: Options, deaf: str = "", **target: t.Any) -> None:
        """Take columns by question, a cmdlet that does nothing, and the target."""
        super().__init__(
            volumes={"C": {}, "D": {}},
            features={"installed": [FEATURE]},
            iscsi={"disks": [{"path": A, "size": "1GB"}], "targets": [{"name": "web"} | target]},
        )
        self.altered, self.deaf = rows, deaf

    def execute(self, calls: t.Any) -> t.Any:
        """Answer as the driver would, with the other columns."""
        answer = super().execute({name: call for name, call in calls.items() if call.cmdlet != self.deaf})
        sections = dict(answer.sections)
        for name, columns in self.altered.items():
            for row in sections[name].data if name in sections else ():
                row.update(columns)  # type: ignore[attr-defined]
        done = {name: Section() for name in calls if name not in sections}
        return type(answer)(
            sections | done, answer.edition, answer.began, answer.ended, answer.asked, answer.answered
        )


STATUS = [("Connected", True), ("NotConnected", True), ("Disabled", False)]


@pytest.mark.parametrize(("status", "enabled"), STATUS)
def test_where_wmi_is_silent_the_status_tells_whether_a_target_is_enabled(status: str, enabled: bool) -> None:
    rows = {"wt_hosts": {"Enabled": None}, "iscsi_server_targets": {"Status": status}}
    host = Altered(rows, mappings={0: A})
    assert not run(host, enabled=enabled)["changed"]
    assert calls(check(host, enabled=not enabled)) == [setting(Enable=not enabled)]


def test_what_windows_does_not_say_is_left_and_told() -> None:
    host = Altered({"wt_hosts": {"Enabled": None}, "iscsi_server_targets": {"Status": "Unknown"}})
    result = run(host, enabled=False)
    assert not result["changed"]
    assert "Windows does not say whether it is enabled, so enabled was not compared" in told(result)


ODD: dict[str, tuple[Options, str]] = {
    "no name": ({"TargetName": None}, "Get-IscsiServerTarget listed an object whose TargetName is null"),
    "mappings as text": (
        {"LunMappings": r"TargetName:web;VHD:\"D:\a.vhdx\";LUN:0"},
        "LunMappings has an unexpected form: a list was expected, and str",
    ),
    "mapping as text": (
        {"LunMappings": ["LUN:0"]},
        "a list of objects was expected, and str 'LUN:0' was found in it",
    ),
    "number as text": ({"LunMappings": [{"Path": A, "Lun": "0"}]}, "a path and a number were expected"),
    "mapping without path": (
        {"LunMappings": [{"Path": None, "Lun": 0}]},
        "a path and a number were expected",
    ),
    "initiators as text": (
        {"InitiatorIds": "IQN:*"},
        "InitiatorIds has an unexpected form: a list was expected",
    ),
    "switch of CHAP as text": (
        {"EnableChap": "False"},
        "EnableChap has an unexpected form: true or false was expected",
    ),
    "sessions as text": ({"Sessions": "x"}, "Sessions has an unexpected form: a list was expected"),
}


@pytest.mark.parametrize("name", ODD)
def test_rows_of_an_odd_form_are_told_and_change_nothing(name: str) -> None:
    columns, message = ODD[name]
    host = Altered({"iscsi_server_targets": columns})
    result = run(host, description="x")
    assert message in result["msg"]
    assert host.changing() == []


@pytest.mark.parametrize(
    "text", ["iqn.localhost.hostid.7f000001", "iqn.1986-03.com.ibm:AIX_host", "10.0.0.0/24", "odd thing"]
)
def test_an_initiator_of_a_form_that_we_would_not_make_is_kept(text: str) -> None:
    rows = {"InitiatorIds": [{"": f"Iqn:{text}", "Method": "Iqn", "Value": text}]}
    host = Altered({"iscsi_server_targets": rows})
    assert not run(host, initiator_ids=[f"IQN:{text.upper()}"])["changed"]
    result = check(host, initiator_ids=[f"IQN:{text}", IQN])
    assert calls(result)[0][1]["InitiatorIds"][1] == IQN


def test_a_change_that_does_not_read_back_is_a_failure() -> None:
    result = run(Altered({}, deaf="Set-IscsiServerTarget"), description="new")
    assert "description is nothing and new was wanted. The change was made without an error" in result["msg"]


def test_what_windows_refuses_is_told_with_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: t.Any) -> t.Any:
        raise IscsiError("Something broke.")

    host = iscsi_host([{"path": A}])
    monkeypatch.setattr(host.machine.iscsi, "map_disk", broken)
    result = run(host, luns=[lun(A)])
    assert "Windows refused Add-IscsiVirtualDiskTargetMapping: Something broke" in result["msg"]
    assert calls(result) == [NEW]


# Protected targets and disks -----------------------------------------------------------------------------------------------

VOLUME, ODDLY, MAPPED = r"C:\iSCSI\volume-3f2b.VHDX", r"D:\iSCSI\odd.vhdx", r"D:\iSCSI\mapped.vhdx"
CINDERS = "iqn.2010-10.org.openstack:volume-3f2b"


def cloud() -> SimulatedHost:
    """A host with targets of cinder-volume, some under names that do not tell, and with a person's own."""
    return iscsi_host(
        [{"path": VOLUME}, {"path": ODDLY, "description": "Volume-2"}, {"path": MAPPED}, {"path": A}, {"path": B}],
        [
            {"name": CINDERS, "mappings": {0: MAPPED}},
            {"name": "plain", "iqn": "iqn.2010-10.org.openstack:x"},
            {"name": "mine", "mappings": {0: A}},
            {"name": "odd", "mappings": {0: ODDLY, 1: A}, "description": "old"},
        ],
    )  # fmt: skip


ATTEMPTS: dict[str, Options] = {
    "disable": {"name": CINDERS, "enabled": False},
    "in other case": {"name": CINDERS.upper(), "initiator_ids": ["IQN:*"]},
    "with another name": {"name": "plain", "enabled": False},
    "remove": {"name": CINDERS, "state": "absent"},
    "make one that would be protected": {"name": "iqn.2010-10.org.openstack:volume-9"},
    "take its IQN": {"name": "mine", "iqn": CINDERS},
    "show its disk": {"name": "mine", "luns": [lun(A), lun(VOLUME)]},
    "show its disk under another name": {"name": "mine", "luns": [lun(ODDLY.upper())]},
    "show what its target shows": {"name": "mine", "luns": [lun(MAPPED)]},
    "take its disk out": {"name": "odd", "luns": [lun(A)]},
    "give its disk another number": {"name": "odd", "luns": [lun(A, 0), lun(ODDLY, 1)]},
    "remove a target that shows its disk": {"name": "odd", "state": "absent"},
    "describe a target that shows its disk": {"name": "odd", "description": "x"},
    "let others see its disk": {"name": "odd", "initiator_ids": ["IQN:*"]},
    "show another beside its disk": {"name": "odd", "luns": [lun(A), lun(ODDLY), lun(B)]},
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_protected_targets_are_not_touched(name: str) -> None:
    host = cloud()
    before = state_of(host)
    for result in (check(host, **ATTEMPTS[name]), run(host, **ATTEMPTS[name])):
        assert "is protected" in result["msg"]
        assert "option protected" in result["msg"]
        assert state_of(host) == before
    assert host.changing() == []


@pytest.mark.parametrize(
    "wish",
    [
        {"name": CINDERS.upper(), "luns": [lun(MAPPED)], "enabled": True},
        {"name": "odd", "luns": [lun(A.upper()), lun(ODDLY, 0)], "description": "old"},
        {"name": "volume-none", "state": "absent"},
    ],
)
def test_what_equals_a_protected_target_is_no_change(wish: Options) -> None:
    result = run(cloud(), **wish)
    assert (result.get("failed"), result["changed"]) == (None, False)


def test_the_others_are_free() -> None:
    host = cloud()
    assert run(host, name="mine", luns=[])["changed"]
    assert host.converge(document(name="odd", description="x"), protected=())["changed"]


def test_a_disk_that_became_protected_meanwhile_is_seen_before_it_is_taken_out() -> None:
    host = start("shows")
    run(host, description="mine")
    host.snapshot.fresh.clear()  # the answers are those of an earlier task
    host.machine.iscsi.disk(A).description = "volume-7"
    result = run(host, luns=[])
    assert f"its disk {A} is protected" in result["msg"]
    assert len(host.machine.iscsi.target("web").mappings) == 2


# Gathering -----------------------------------------------------------------------------------------------------------------


def test_gathered_targets_can_be_fed_back() -> None:
    host = iscsi_host(
        [{"path": A}, {"path": B}, {"path": "ramdisk:cache.vhdx", "size": "1GB"}],
        [
            {
                "name": "web",
                "initiators": ["IQN:*", "DNSName:Node1"],
                "chap": {"username": "u", "secret": SECRET},
                "mappings": {1: A, 0: B},
                "sessions": ["x"],
            },
            {"name": "base_disk", "enabled": False, "mappings": {5: "ramdisk:cache.vhdx"}},
            {"name": CINDERS},
        ],
    )
    objects = gathered(host, "iscsi_server_target")
    assert objects[0]["options"] == {
        "name": "web",
        "iqn": NATURAL,
        "description": "",
        "enabled": True,
        "initiator_ids": ["DNSName:node1", "IQN:*"],
        "chap": {"enabled": True, "username": "u"},
        "reverse_chap": {"enabled": False},
        "luns": [{"lun": 0, "path": B}, {"lun": 1, "path": A}],
    }
    assert objects[0]["facts"] == {"status": "Connected", "sessions": ["x"], "cluster_group": None}
    assert [found["protected"] for found in objects] == [None, None, "iqn.2010-10.org.openstack:*"]
    wishes = [{"iscsi_server_target": [found["options"] for found in objects]}]
    result = host.converge(wishes, protected=DEFAULT)
    assert (result.get("failed"), result["changed"]) == (None, False)


# Rendered, without a host ---------------------------------------------------------------------------------------------------

RENDERED: dict[str, tuple[list[Options], Options, list[str]]] = {
    "nothing known": (
        [],
        {"luns": [lun(A)], "chap": chap()},
        ["New-IscsiServerTarget", "Set-IscsiServerTarget", "Add-IscsiVirtualDiskTargetMapping"],
    ),
    "little known": ([{"name": "WEB", "enabled": False}], {"enabled": True, "luns": [lun(A)]}, ["Add-IscsiVirtualDiskTargetMapping", "Set-IscsiServerTarget"]),
    "initiators of an odd form": ([{"name": "web", "initiator_ids": ["iqn:*", "odd"]}], {"initiator_ids": ["IQN:*"]}, ["Set-IscsiServerTarget"]),
    "the same initiators": ([{"name": "web", "initiator_ids": ["iqn:*"]}], {"initiator_ids": ["IQN:*"]}, []),
    "as it is": ([{"name": "web", "luns": [lun(A, 3)], "chap": {"username": "u"}}], {"luns": [lun(A)], "chap": chap()}, []),
    "numbers that are not known": ([{"name": "web", "luns": [lun(A)]}], {"luns": [lun(A)]}, []),
    "remove": ([{"name": "web"}], {"state": "absent"}, ["Remove-IscsiServerTarget"]),
}  # fmt: skip


@pytest.mark.parametrize("name", RENDERED)
def test_rendered(name: str) -> None:
    have, given, cmdlets = RENDERED[name]
    plan = rendered("iscsi_server_target", have, **{"name": "web"} | given)
    assert [step.call.cmdlet for step in plan.steps] == cmdlets
    assert (plan.refusals, plan.unmet, plan.warnings) == ((), (), ())


# Cases of practitioners ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("protected", "refused"), [(DEFAULT, True), ((), False)])
def test_w08_a_word_opens_the_names_of_cinder(protected: tuple[str, ...], refused: bool) -> None:
    result = planned("windows/W08-temp-is-not-cinder/target.json", protected)
    assert result.get("failed", False) == refused
    assert ("matches snapshot-*" in told(result)) == refused


def test_w15_a_name_of_an_older_server_can_be_kept_and_removed() -> None:
    assert planned("windows/W15-existing-target-name/present.json")["changed"] is False
    assert calls(planned("windows/W15-existing-target-name/absent.json")) == [
        ("Remove-IscsiServerTarget", {"TargetName": "base_disk"})
    ]
    result = planned("windows/W15-existing-target-name/present.json", name="base_disk2")
    assert "cannot be the name of a target" in result["msg"]


def test_w18_a_ram_disk_that_is_shown_stays() -> None:
    result = planned("windows/W18-ramdisk-mapped/input.json")
    assert (result["changed"], result.get("failed")) == (False, None)
    assert "ramdisk:cache.vhdx is a RAM disk, which is gone after a restart" in told(result)


# Any wish on any host ------------------------------------------------------------------------------------------------------

POOL = [A, B, C, VOLUME]
INITIATORS = [IQN, IQN.upper(), "IQN:*", "DNSName:a.example", "dnsname:A.EXAMPLE", "IPAddress:10.0.0.5"]
NAMES = ["web", "WEB", "db", "iqn.2010-10.org.openstack:volume-9"]
CHAPS = [None, {"username": "u", "secret": SECRET}, {"username": "w", "secret": SECRET}]


@st.composite
def hosts(draw: st.DrawFn) -> SimulatedHost:
    disks = sorted(draw(st.sets(st.sampled_from(POOL), min_size=2)))
    found: list[Options] = []
    for name in sorted(draw(st.sets(st.sampled_from([NAMES[0], *NAMES[2:]])))):
        shown = draw(st.lists(st.sampled_from(disks), max_size=3, unique=True))
        numbers = draw(st.lists(st.integers(0, 3), min_size=3, max_size=3, unique=True))
        target: Options = {"name": name, "mappings": dict(zip(numbers, shown, strict=False))}
        target["initiators"] = draw(st.lists(st.sampled_from(INITIATORS), max_size=2))
        target["enabled"] = draw(st.booleans())
        if given := draw(st.sampled_from(CHAPS)):
            target["chap"] = given
        found.append(target)
    return iscsi_host([{"path": path} for path in disks], found)


@st.composite
def wishes(draw: st.DrawFn, *names: str) -> Options:
    optional: dict[str, st.SearchStrategy[t.Any]] = {
        "initiator_ids": st.lists(st.sampled_from(INITIATORS), max_size=3),
        "description": st.sampled_from(["", "x"]),
        "enabled": st.booleans(),
        "chap": st.sampled_from([chap(), chap("w"), chap("u", None), {"enabled": False}, {}]),
        "reverse_chap": st.sampled_from([chap("v", OTHER), {"enabled": False}]),
        "iqn": st.sampled_from([X, X.upper(), Y, NATURAL]),
        "state": st.sampled_from(["present", "absent"]),
    }
    wish = {name: draw(values) for name, values in optional.items() if draw(st.booleans())}
    paths = draw(st.lists(st.sampled_from([A, B, C, A.upper(), VOLUME]), max_size=3, unique_by=str.lower))
    numbers = draw(st.lists(st.integers(0, 3), min_size=3, max_size=3, unique=True))
    if draw(st.booleans()):
        wish["luns"] = [
            lun(path, number if draw(st.booleans()) else None)
            for path, number in zip(paths, numbers, strict=False)
        ]
    return wish | {"name": draw(st.sampled_from(names or NAMES))}


@settings(max_examples=150)
@given(host=hosts(), one=wishes(), other=wishes("DB", "new"))
def test_applied_once_nothing_is_left_to_do(host: SimulatedHost, one: Options, other: Options) -> None:
    document = [{"iscsi_server_target": [one] if one["name"] == "db" else [one, other]}]
    before = state_of(host)
    foreseen = host.check(document, protected=DEFAULT)
    assert state_of(host) == before
    result = host.converge(document, protected=DEFAULT)
    assert result.get("failed") == foreseen.get("failed"), result["msg"]
    if result.get("failed"):
        assert state_of(host) == before
        return
    assert calls(result) == calls(foreseen)
    assert result["changed"] == (state_of(host) != before)
    again = host.converge(document, protected=DEFAULT)
    assert (again.get("failed"), calls(again)) == (None, [])
    unharmed(before[0], state_of(host)[0])


def unharmed(before: Options, after: Options) -> None:
    """Whatever was wished: what is protected is as it was, and nobody shows it who did not."""
    cinders = [target for target in before["targets"] if ":volume-" in target["name"]]
    owned = {VOLUME} | {path for target in cinders for path in target["mappings"].values()}
    assert all(target in after["targets"] for target in cinders)

    def shown(state: Options) -> set[tuple[str, int, str]]:
        return {
            (target["name"], number, path)
            for target in state["targets"]
            for number, path in target["mappings"].items()
            if path in owned
        }

    assert shown(before) == shown(after)

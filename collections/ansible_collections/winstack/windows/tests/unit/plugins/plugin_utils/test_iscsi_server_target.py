# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets: what is planned, refused and asked, against a model of a host."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WantError,
    WinstackError,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.iscsi_server_target import (
    MAX_NAME,
    IscsiServerTarget,
)
from ansible_collections.winstack.windows.tests.unit.plugins.plugin_utils.iscsi_model import (
    Disk,
    ModelHost,
    Target,
    called,
    ensure,
    failure,
    gather,
    key,
    options,
    render,
)

A, B, C = (rf"D:\iSCSI\{name}.vhdx" for name in "abc")
SECRET = "s" * 12
OTHER = "o" * 16
IQN = "IQN:iqn.1993-08.org.debian:01:abc"


def run(host: ModelHost, *, check: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return ensure(host, IscsiServerTarget, check=check, **{"name": "web"} | given)


def lun(path: str, number: int | None = None) -> dict[str, t.Any]:
    return {"path": path} if number is None else {"path": path, "lun": number}


def chap(username: str | None = "u", secret: str | None = SECRET, **given: t.Any) -> dict[str, t.Any]:
    return {"username": username, "secret": secret} | given


# What is asked for that no host could be given -----------------------------------------------------------------------

IMPOSSIBLE: dict[str, tuple[dict[str, t.Any], str]] = {
    "empty name": ({"name": ""}, "cannot be the name of a target"),
    "name with a space": ({"name": "my target"}, "cannot be the name of a target"),
    "name with a slash": ({"name": "a/b"}, "cannot be the name of a target"),
    "name with a wildcard": ({"name": "web*"}, "cannot be the name of a target"),
    "name with a line end": ({"name": "web\n"}, "cannot be the name of a target"),
    "long name": ({"name": "a" * (MAX_NAME + 1)}, f"at most {MAX_NAME}"),
    "iqn": ({"iqn": "web"}, "not an iSCSI name"),
    "iqn with a bad month": ({"iqn": "iqn.2020-13.org.example:web"}, "not an iSCSI name"),
    "long iqn": ({"iqn": f"iqn.2020-01.org.example:{'a' * 200}"}, "not an iSCSI name"),
    "unknown kind": ({"initiator_ids": ["WWN:5000c50015ea71ac"]}, "no kind of identifier"),
    "no kind": ({"initiator_ids": ["iqn.1993-08.org.debian:01:abc"]}, "no kind of identifier"),
    "no value": ({"initiator_ids": ["IQN:"]}, "not an iSCSI name"),
    "malformed IQN": ({"initiator_ids": ["IQN:debian"]}, "not an iSCSI name"),
    "IQN without domain": ({"initiator_ids": ["IQN:iqn.1993-08"]}, "not an iSCSI name"),
    "IQN with space": ({"initiator_ids": ["IQN:iqn.1993-08.org.debian:a b"]}, "not an iSCSI name"),
    "malformed EUI": ({"initiator_ids": ["IQN:eui.0123"]}, "not an iSCSI name"),
    "malformed MAC": ({"initiator_ids": ["MACAddress:00-15-5D-01-02"]}, "not a MAC address"),
    "mixed MAC": ({"initiator_ids": ["MACAddress:00-15:5D-01:02-03"]}, "not a MAC address"),
    "MAC with a wrong digit": ({"initiator_ids": ["MACAddress:00-15-5D-01-02-0G"]}, "not a MAC address"),
    "malformed IPv4": ({"initiator_ids": ["IPAddress:10.0.0.256"]}, "not an IPv4 address"),
    "IPv6 as IPv4": ({"initiator_ids": ["IPAddress:fd00::1"]}, "not an IPv4 address"),
    "IPv4 network": ({"initiator_ids": ["IPAddress:10.0.0.0/24"]}, "not an IPv4 address"),
    "IPv4 of everyone": ({"initiator_ids": ["IPAddress:0.0.0.0"]}, "not an IPv4 address"),
    "multicast": ({"initiator_ids": ["IPAddress:224.0.0.1"]}, "not an IPv4 address"),
    "IPv4 as IPv6": ({"initiator_ids": ["IPv6Address:10.0.0.1"]}, "not an IPv6 address"),
    "IPv6 with a zone": ({"initiator_ids": ["IPv6Address:fe80::1%4"]}, "not an IPv6 address"),
    "DNS name with a space": ({"initiator_ids": ["DNSName:a b"]}, "not a DNS name"),
    "address as DNS name": ({"initiator_ids": ["DNSName:10.0.0.1"]}, "not a DNS name"),
    "everyone as DNS name": ({"initiator_ids": ["DNSName:*"]}, "not a DNS name"),
    "secret of 11": ({"chap": chap(secret="s" * 11)}, "has 11 characters. Windows takes 12 to 16"),
    "secret of 17": ({"chap": chap(secret="s" * 17)}, "has 17 characters"),
    "empty secret": ({"chap": chap(secret="")}, "has 0 characters"),
    "reverse secret of 11": ({"reverse_chap": chap(secret="s" * 11)}, "reverse_chap.secret has 11"),
    "secret outside ASCII": ({"chap": chap(secret="é" * 12)}, "printable ASCII"),
    "secret with a line end": ({"chap": chap(secret="s" * 11 + "\n")}, "printable ASCII"),
    "secret without user": ({"chap": chap(None)}, "needs chap.username"),
    "the same secret twice": ({"chap": chap(), "reverse_chap": chap("v")}, "have to differ"),
    "number twice": ({"luns": [lun(A, 1), lun(B, 1)]}, "the number 1 is given twice"),
    "path twice": ({"luns": [lun(A, 1), lun(A.upper(), 2)]}, "given twice"),
    "negative number": ({"luns": [lun(A, -1)]}, "0 to 255"),
    "number 256": ({"luns": [lun(A, 256)]}, "0 to 255"),
    "path on a share": ({"luns": [lun(r"\\server\a.vhdx")]}, "network or device path"),
    "257 disks": ({"luns": [lun(rf"D:\{n}.vhdx") for n in range(257)]}, "at most 256 disks, and 257"),
    "template": ({"cinder": {"snapshot_name_template": "%s%s"}}, "%s once"),
}


@pytest.mark.parametrize(("given", "message"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_the_impossible_is_refused_before_the_host_is_asked(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        IscsiServerTarget(options(IscsiServerTarget, **{"name": "web"} | given))
    assert message in str(caught.value)
    for secret in ("s" * 11, "s" * 17, SECRET):
        assert secret not in str(caught.value)


# Making, changing, removing ------------------------------------------------------------------------------------------


def host(**given: t.Any) -> ModelHost:
    return ModelHost([Disk(A), Disk(B), Disk(C)], [Target("web", **given)] if given else [])


def start(name: str) -> ModelHost:
    kinds = [
        IQN,
        "DNSName:node1.Example.org",
        "IPAddress:10.0.0.5",
        "IPv6Address:fd00::5",
        "MACAddress:00-15-5D-01-02-03",
    ]
    starts: dict[str, t.Callable[[], ModelHost]] = {
        "empty": host,
        "has": lambda: host(description="old", initiators=[IQN]),
        "kinds": lambda: host(initiators=kinds),
        "off": lambda: host(enabled=False),
        "chap": lambda: host(chap=(True, "u")),
        "chap off": lambda: host(chap=(False, "u")),
        "reverse": lambda: host(chap=(True, "u"), reverse=(True, "v")),
        "shows": lambda: host(luns={0: key(A), 1: key(B)}),
        "shows high": lambda: host(luns={7: key(A)}),
    }
    return starts[name]()


NEW = ("New-IscsiServerTarget", {"TargetName": "web"})
MASKED = {"username": "u", "password": "********"}


def setting(**given: t.Any) -> tuple[str, dict[str, t.Any]]:
    return "Set-IscsiServerTarget", {"TargetName": "web"} | given


def add(path: str, number: int) -> tuple[str, dict[str, t.Any]]:
    return "Add-IscsiVirtualDiskTargetMapping", {"TargetName": "web", "Path": path, "Lun": number}


def take(path: str) -> tuple[str, dict[str, t.Any]]:
    return "Remove-IscsiVirtualDiskTargetMapping", {"TargetName": "web", "Path": path}


PLANS: dict[str, tuple[str, dict[str, t.Any], list[tuple[str, dict[str, t.Any]]]]] = {
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
                Description="x",
                Enable=False,
                InitiatorIds=[IQN, "IPAddress:10.0.0.5"],
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
        {
            "initiator_ids": ["iqn:IQN.1993-08.ORG.debian:01:ABC", IQN],
            "iqn": "IQN.1991-05.com.microsoft:STOR1-web-target",
        },
        [],
    ),
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
    "one more": (
        "has",
        {"initiator_ids": [IQN, "IPAddress:10.0.0.5"]},
        [setting(InitiatorIds=[IQN, "IPAddress:10.0.0.5"])],
    ),
    "describe": ("has", {"description": "new"}, [setting(Description="new")]),
    "clear the description": ("has", {"description": ""}, [setting(Description="")]),
    "disable": ("has", {"enabled": False}, [setting(Enable=False)]),
    "enable": ("off", {"enabled": True}, [setting(Enable=True)]),
    "rename the IQN": (
        "has",
        {"iqn": "iqn.2020-01.org.example:w"},
        [setting(TargetIqn="iqn.2020-01.org.example:w")],
    ),
    "switch CHAP on": ("has", {"chap": chap()}, [setting(EnableChap=True, Chap=MASKED)]),
    "CHAP is on": ("chap", {"chap": chap()}, []),
    "CHAP is on, nothing said": ("chap", {"chap": {}}, []),
    "another user": (
        "chap",
        {"chap": chap("w")},
        [setting(Chap={"username": "w", "password": "********"})],
    ),
    "case of a user": (
        "chap",
        {"chap": chap("U")},
        [setting(Chap={"username": "U", "password": "********"})],
    ),
    "switch CHAP off": ("chap", {"chap": {"enabled": False}}, [setting(EnableChap=False)]),
    "CHAP is off": ("has", {"chap": chap("w", enabled=False)}, []),
    "switch CHAP on with the secret that is there": (
        "chap off",
        {"chap": {"username": "u"}},
        [setting(EnableChap=True)],
    ),
    "switch CHAP on again": ("chap off", {"chap": chap()}, [setting(EnableChap=True, Chap=MASKED)]),
    "switch reverse CHAP off": (
        "reverse",
        {"chap": chap(), "reverse_chap": {"enabled": False}},
        [setting(EnableReverseChap=False)],
    ),
    "show": ("has", {"luns": [lun(A), lun(B)]}, [add(A, 0), add(B, 1)]),
    "show the same": ("shows", {"luns": [lun(B), lun(A.upper())]}, []),
    "keep the number": ("shows high", {"luns": [lun(B), lun(A)]}, [add(B, 0)]),
    "give way": ("shows", {"luns": [lun(A), lun(C, 0)]}, [take(A), take(B), add(C, 0), add(A, 1)]),
    "swap": (
        "shows",
        {"luns": [lun(A, 1), lun(B, 0)]},
        [take(A), take(B), add(B, 0), add(A, 1)],
    ),
    "move": ("shows", {"luns": [lun(A, 0), lun(B, 255)]}, [take(B), add(B, 255)]),
    "replace": ("shows", {"luns": [lun(C, 0), lun(B, 1)]}, [take(A), add(C, 0)]),
    "show none": ("shows", {"luns": []}, [take(A), take(B)]),
    "tighten before showing": (
        "has",
        {"chap": chap(), "luns": [lun(A)]},
        [setting(EnableChap=True, Chap=MASKED), add(A, 0)],
    ),
    "remove": ("shows", {"state": "absent"}, [("Remove-IscsiServerTarget", {"TargetName": "web"})]),
    "remove, other case": (
        "has",
        {"name": "Web", "state": "absent"},
        [("Remove-IscsiServerTarget", {"TargetName": "web"})],
    ),
    "nothing to remove": ("empty", {"state": "absent"}, []),
}


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str) -> None:
    begin, given, calls = PLANS[name]
    model = start(begin)
    foreseen = run(model, check=True, **given)
    assert model.changes == []
    result = run(model, **given)
    assert called(result) == calls
    assert result["changed"] == foreseen["changed"] == bool(calls)
    again = run(model, **given)
    assert not again["changed"]
    assert again["commands"] == []


def test_secrets_arrive_and_are_not_told() -> None:
    model = start("empty")
    result = run(model, chap=chap(), reverse_chap=chap("v", OTHER))
    assert model.targets["web"].secrets == {"chap": SECRET, "reverse": OTHER}
    assert SECRET not in repr(result)
    assert OTHER not in repr(result)


def test_update_secret_always() -> None:
    model = start("chap")
    result = run(model, chap=chap(), update_secret="always")
    assert called(result) == [setting(Chap=MASKED)]
    assert result["before"] == result["after"]
    assert run(model, chap=chap(), update_secret="always")["changed"]
    assert not run(model, chap={"username": "u"}, update_secret="always")["changed"]


def test_result_tells_before_and_after() -> None:
    result = run(start("shows"), luns=[lun(A.upper(), 0)], initiator_ids=[IQN], chap=chap())
    assert result["before"] == {
        "name": "web",
        "iqn": "iqn.1991-05.com.microsoft:stor1-web-target",
        "description": "",
        "enabled": True,
        "initiator_ids": [],
        "chap": {"enabled": False},
        "reverse_chap": {"enabled": False},
        "luns": [{"lun": 0, "path": A.upper()}, {"lun": 1, "path": B}],
    }
    assert result["after"] == result["before"] | {
        "initiator_ids": [IQN],
        "chap": {"enabled": True, "username": "u"},
        "luns": [{"lun": 0, "path": A.upper()}],
    }


# What is refused, and warned of --------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[ModelHost, dict[str, t.Any], str]] = {
    "no such disk": (
        host(),
        {"luns": [lun(A), lun(r"D:\iSCSI\none.vhdx")]},
        r"there is no virtual disk D:\iSCSI\none.vhdx. Make it first",
    ),
    "a file that is not registered": (
        ModelHost([Disk(A, registered=False)]),
        {"luns": [lun(A)]},
        "Make it first",
    ),
    "CHAP without a secret, new": (host(), {"chap": {"username": "u"}}, "has no secret for chap"),
    "CHAP without anything": (host(initiators=[IQN]), {"chap": {}}, "the user name (none)"),
    "CHAP without a secret": (host(initiators=[IQN]), {"chap": {"username": "u"}}, "Give chap.username and"),
    "another user without a secret": (host(chap=(True, "u")), {"chap": {"username": "w"}}, "has no secret"),
    "reverse CHAP without a secret": (
        host(chap=(True, "u")),
        {"reverse_chap": {"username": "w"}},
        "has no secret for reverse_chap",
    ),
    "IQN of another": (
        ModelHost(targets=[Target("db", "iqn.2020-01.org.example:db")]),
        {"iqn": "iqn.2020-01.org.EXAMPLE:db"},
        "the target db has it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    model, given, message = REFUSED[name]
    before = model.state()
    with pytest.raises(RefusedError) as caught:
        run(model, **given)
    assert message in str(caught.value)
    assert model.changes == []
    assert model.state() == before


def test_check_mode_only_warns_of_a_disk_that_an_earlier_task_may_make() -> None:
    result = run(ModelHost(), check=True, luns=[lun(A)])
    assert called(result) == [NEW, add(A, 0)]
    assert "Make it first" in result["warnings"][0]


WARNED: dict[str, tuple[ModelHost, dict[str, t.Any], str]] = {
    "many targets": (
        ModelHost(targets=[Target(f"t{number}") for number in range(256)]),
        {},
        "The host has 256 targets; Microsoft recommends at most 256 a server.",
    ),
    "removed under an initiator": (
        host(sessions=["s"], luns={0: key(A)}),
        {"state": "absent"},
        "An initiator is logged in to web (1 in all) and loses what it sees: the target is removed.",
    ),
    "disk moved under an initiator": (
        host(sessions=["s"], luns={0: key(A)}),
        {"luns": [lun(A, 1)]},
        "An initiator is logged in to web (1 in all) and loses what it sees: the target shows its disks otherwise.",
    ),
    "disabled under an initiator": (
        host(sessions=["s", "r"]),
        {"enabled": False},
        "An initiator is logged in to web (2 in all) and stays connected: disabling a target only keeps new ones out.",
    ),
    "shown twice": (
        ModelHost([Disk(A)], [Target("db", luns={0: key(A)})]),
        {"luns": [lun(A)]},
        f"{A} is shown by db too. Two initiators that are no cluster destroy each other's data on it.",
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_warned(name: str) -> None:
    model, given, message = WARNED[name]
    assert run(model, **given)["warnings"] == [message]
    assert "warnings" not in run(model, **given)


def test_no_warning_where_nothing_moves_under_an_initiator() -> None:
    model = host(sessions=["s"], luns={0: key(A)})
    assert "warnings" not in run(model, luns=[lun(A), lun(B)])


# What the host says, and does not ------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["Stopped", None])
def test_a_stopped_service_is_not_an_empty_host(service: str | None) -> None:
    model = ModelHost(service=service)
    with pytest.raises(HostError, match="WinTarget"):
        run(model)
    with pytest.raises(HostError, match="WinTarget"):
        gather(model, IscsiServerTarget)
    assert model.changes == []


def test_what_wmi_does_not_know_is_asked_again() -> None:
    model = start("has")
    # The disks are asked before, and forgotten too.
    model.forgetful = 2
    assert not run(model, enabled=True)["changed"]
    assert model.batches == 2


def test_what_wmi_never_knows_is_set() -> None:
    model = host(enabled=None)
    assert called(run(model, enabled=True)) == [setting(Enable=True)]
    assert not run(host(enabled=None), description="")["changed"]


def test_a_change_that_does_not_read_back_is_a_failure() -> None:
    model = start("has")
    model.deaf = {"Set-IscsiServerTarget"}
    with pytest.raises(HostError, match="description: wanted 'new', the host has 'old'"):
        run(model, description="new")


def test_what_windows_refuses_is_told_with_what_was_done() -> None:
    model = ModelHost([Disk(A)])
    model.broken["Add-IscsiVirtualDiskTargetMapping"] = failure("Some.Exception", "Something broke.")
    with pytest.raises(HostError, match=r"Windows refused Add-.*Done before it: New-IscsiServerTarget\."):
        run(model, luns=[lun(A)])


def test_gathered() -> None:
    model = host(
        description=None,
        chap=(True, "u"),
        initiators=["IQN:*", "DNSName:Node1"],
        luns={1: key(A), 0: key(B)},
        sessions=["x"],
    )
    model.targets["c"] = Target("iqn.2010-10.org.openstack:volume-1")
    have = gather(model, IscsiServerTarget)
    assert have["disks"] == [{"path": path, "description": ""} for path in (A, B, C)]
    assert [target["owner"] for target in have["targets"]] == ["cinder", None]
    assert have["targets"][1] == {
        "name": "web",
        "iqn": "iqn.1991-05.com.microsoft:stor1-web-target",
        "description": "",
        "enabled": True,
        "initiator_ids": ["DNSName:node1", "IQN:*"],
        "chap": {"enabled": True, "username": "u"},
        "reverse_chap": {"enabled": False, "username": None},
        "luns": [{"lun": 0, "path": B}, {"lun": 1, "path": A}],
        "status": "NotConnected",
        "sessions": ["x"],
        "owner": None,
    }


# Rendered ------------------------------------------------------------------------------------------------------------


def test_rendered_from_what_was_gathered() -> None:
    have = gather(start("shows"), IscsiServerTarget)
    result = render(IscsiServerTarget, have, name="web", luns=[lun(B, 0)])
    assert called(result) == [take(A), take(B), add(B, 0)]
    assert result["rendered"] == result["commands"]


RENDERED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], list[str]]] = {
    "nothing known": (
        {},
        {"luns": [lun(A)], "chap": chap()},
        ["New-IscsiServerTarget", "Set-IscsiServerTarget", "Add-IscsiVirtualDiskTargetMapping"],
    ),
    "little known": ({"targets": [{"name": "WEB"}]}, {"enabled": True}, ["Set-IscsiServerTarget"]),
    "initiators as an operator spells them": (
        {"targets": [{"name": "web", "initiator_ids": ["iqn:*", "odd"]}]},
        {"initiator_ids": ["IQN:*"]},
        ["Set-IscsiServerTarget"],
    ),
    "the same initiators": (
        {"targets": [{"name": "web", "initiator_ids": ["iqn:*"]}]},
        {"initiator_ids": ["IQN:*"]},
        [],
    ),
}


@pytest.mark.parametrize("name", RENDERED)
def test_rendered_from_what_an_operator_wrote(name: str) -> None:
    have, given, calls = RENDERED[name]
    result = render(IscsiServerTarget, have, **{"name": "web"} | given)
    assert [cmdlet for cmdlet, _params in called(result)] == calls
    assert "warnings" not in result


@pytest.mark.parametrize("have", [{"targets": ["web"]}, {"disks": [{}]}])
def test_a_have_of_another_shape(have: dict[str, t.Any]) -> None:
    with pytest.raises(WantError, match="has to be a list of dictionaries"):
        render(IscsiServerTarget, have, name="web", luns=[lun(A)])


# Any want on any host ------------------------------------------------------------------------------------------------

VOLUME = r"C:\iSCSI\volume-1.vhdx"
POOL = [A, B, C, VOLUME]
INITIATORS = [IQN, IQN.upper(), "IQN:*", "DNSName:a.example", "dnsname:A.EXAMPLE", "IPAddress:10.0.0.5"]
NAMES = ["web", "WEB", "db", "iqn.2010-10.org.openstack:volume-9"]


@st.composite
def model_hosts(draw: st.DrawFn) -> ModelHost:
    disks = [Disk(path) for path in draw(st.sets(st.sampled_from(POOL), min_size=2))]
    targets = []
    for name in draw(st.sets(st.sampled_from([NAMES[0], NAMES[2], NAMES[3]]))):
        shown = draw(st.lists(st.sampled_from(disks), max_size=3, unique_by=lambda disk: disk.path))
        numbers = draw(st.lists(st.integers(0, 3), min_size=3, max_size=3, unique=True))
        luns = {number: key(disk.path) for number, disk in zip(numbers, shown, strict=False)}
        target = Target(name, luns=luns, initiators=draw(st.lists(st.sampled_from(INITIATORS), max_size=2)))
        target.enabled = draw(st.booleans())
        target.chap = draw(st.sampled_from([(False, None), (False, "u"), (True, "u"), (True, "w")]))
        target.reverse = draw(st.sampled_from([(False, None), (True, "v")]))
        targets.append(target)
    model = ModelHost(disks, targets)
    model.forgetful = draw(st.integers(0, 3))
    return model


@st.composite
def wants(draw: st.DrawFn) -> dict[str, t.Any]:
    optional = {
        "initiator_ids": st.lists(st.sampled_from(INITIATORS), max_size=3),
        "description": st.sampled_from(["", "x"]),
        "enabled": st.booleans(),
        "chap": st.sampled_from([chap(), chap("w"), chap("u", None), {"enabled": False}, {}]),
        "reverse_chap": st.sampled_from([chap("v", OTHER), {"enabled": False}]),
        "iqn": st.sampled_from(["iqn.2020-01.org.example:w", "IQN.2020-01.org.example:W"]),
    }
    want = {name: draw(values) for name, values in optional.items() if draw(st.booleans())}
    paths = draw(st.lists(st.sampled_from([A, B, C, A.upper(), VOLUME]), max_size=3, unique_by=key))
    numbers = draw(st.lists(st.integers(0, 3), min_size=3, max_size=3, unique=True))
    if draw(st.booleans()):
        want["luns"] = [
            lun(path, number if draw(st.booleans()) else None)
            for path, number in zip(paths, numbers, strict=False)
        ]
    state = draw(st.sampled_from(["present", "present", "present", "absent"]))
    return want | {"name": draw(st.sampled_from(NAMES)), "state": state}


@settings(max_examples=400, deadline=None)
@given(model=model_hosts(), want=wants())
def test_applied_once_nothing_is_left_to_do(model: ModelHost, want: dict[str, t.Any]) -> None:
    before = model.state()
    with contextlib.suppress(WinstackError):
        run(model, check=True, **want)
    assert model.state() == before
    try:
        result = run(model, **want)
    except (WantError, RefusedError):
        assert model.state() == before
        return
    assert result["changed"] == (model.state() != before)
    again = run(model, **want)
    assert again["commands"] == []
    assert not again["changed"]
    untouched(model, before)


def untouched(model: ModelHost, before: t.Any) -> None:
    """Whatever was wanted: what is cinder-volume's is as it was."""
    _disks, targets, _portals = before
    cinders = [target for target in targets.values() if ":volume-" in target.name]
    owned = {key(VOLUME)} | {path for target in cinders for path in target.luns.values()}
    for target in cinders:
        assert model.targets[target.name] == target
    for name, target in targets.items():
        for number, path in target.luns.items():
            assert path not in owned or model.targets[name].luns[number] == path
    for name, target in model.targets.items():
        old = targets[name].luns if name in targets else {}
        assert {path for path in target.luns.values() if path in owned} <= set(old.values())

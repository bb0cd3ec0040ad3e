# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of the registry, on simulated hosts."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import ToldState
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from winsim.faults import HostFaults

from ..simulated import SimulatedHost, outcomes, sequence

KEY = r"HKLM:\SOFTWARE\Example"


def value(
    name: str = "Level", kind: str = "dword", data: t.Any = 5, path: str = KEY, **more: t.Any
) -> dict[str, t.Any]:
    """Return a document with one value."""
    return {"registry_value": {"path": path, "name": name, "type": kind, "data": data, **more}}


def absent(name: str = "Level", path: str = KEY) -> dict[str, t.Any]:
    """Return a document without a value."""
    return {"registry_value": {"path": path, "name": name, "state": "absent"}}


def host_with(*values: tuple[str, t.Any, str], path: str = KEY) -> SimulatedHost:
    """Return a host with values: name, data, type as the simulator calls it."""
    host = SimulatedHost()
    for name, data, kind in values:
        host.machine.registry.set(path, name, data, kind)
    return host


def stored(host: SimulatedHost, path: str = KEY) -> dict[str, tuple[str, t.Any]]:
    """Return the values of a key: type and data by name."""
    return {found.name: (found.type, found.data) for found in host.machine.registry.values(path)}


WRITTEN: list[tuple[str, t.Any, tuple[str, t.Any]]] = [
    ("string", "x", ("string", "x")),
    ("string", "", ("string", "")),
    ("string", "2026-11-28", ("string", "2026-11-28")),
    ("expand_string", r"%SystemRoot%\x", ("expandstring", r"%SystemRoot%\x")),
    ("multi_string", ["a", "b"], ("multistring", ["a", "b"])),
    ("multi_string", [], ("multistring", [])),
    ("dword", "0x2a30", ("dword", 10800)),
    ("dword", 0xFFFFFFFF, ("dword", 0xFFFFFFFF)),
    ("qword", 2**64 - 1, ("qword", 2**64 - 1)),
    ("binary", "0a,ff", ("binary", b"\x0a\xff")),
    ("binary", [], ("binary", b"")),
]


@pytest.mark.parametrize(("kind", "data", "there"), WRITTEN)
def test_a_value_is_written_once(kind: str, data: t.Any, there: tuple[str, t.Any]) -> None:
    host = host_with(("Other", 1, "dword"))
    document = [value("Some", kind, data)]
    foreseen = host.check(document)
    assert (sequence(foreseen), host.changing()) == (["Set-ItemProperty"], [])
    result = host.converge(document)
    assert not result.get("failed"), result
    assert (sequence(result), host.commands) == (["Set-ItemProperty"], 2)
    assert stored(host) == {"Other": ("dword", 1), "Some": there}
    assert result["diff"][0]["after"] == foreseen["diff"][0]["after"]
    assert host.converge(document)["changed"] is False
    assert host.verify(document)["changed"] is False


def test_missing_keys_are_made_one_by_one_and_for_several_values_once() -> None:
    host = host_with(("Kept", "x", "string"))
    document = [
        value("A", path=rf"{KEY}\New\Deep"),
        value("B", path=rf"{KEY}\New"),
        value("C", path=rf"{KEY}\new\Else"),
    ]
    foreseen = sequence(host.check(document))
    result = host.converge(document)
    assert not result.get("failed"), result
    assert sequence(result) == foreseen == [
        *("New-Item", "New-Item", "Set-ItemProperty"),
        "Set-ItemProperty",
        *("New-Item", "Set-ItemProperty"),
    ]  # fmt: skip
    assert host.commands == 2
    assert stored(host) == {"Kept": ("string", "x")}
    assert not any("Force" in note["params"] for note in host.notes)
    assert host.verify(document)["changed"] is False


def test_keys_made_by_an_earlier_task_of_the_run_are_known_to_the_next() -> None:
    host = SimulatedHost()
    host.converge([value("A", path=rf"{KEY}\One")])
    result = host.converge([value("B", path=rf"{KEY}\Two")])
    assert (result.get("msg"), sequence(result)) == (None, ["New-Item", "Set-ItemProperty"])


def test_a_value_without_a_name_is_the_default_one() -> None:
    host = host_with()
    host.machine.registry.create(KEY)
    result = host.converge([{"registry_value": {"path": KEY, "type": "string", "data": "x"}}])
    assert outcomes(result) == {rf"registry_value {KEY}\(default)": "changed"}
    assert stored(host) == {"": ("string", "x")}
    assert host.converge([value("(Default)", "string", "x")])["changed"] is False


def test_the_same_look_with_another_type_does_not_count() -> None:
    host = host_with(("SpecialPollInterval", "10800", "string"))
    document = [value("specialpollinterval", "dword", 10800)]
    assert host.verify(document)["msg"] == (
        rf"registry_value {KEY}\specialpollinterval: type is string and dword was wanted."
        "\n"
        rf"registry_value {KEY}\specialpollinterval: data is 10800 and 10800 was wanted."
    )
    host.converge(document)
    assert stored(host) == {"SpecialPollInterval": ("dword", 10800)}


def test_hives_and_names_have_one_spelling() -> None:
    host = host_with(("Level", 5, "dword"))
    for path in (r"HKLM\software\EXAMPLE", r"HKEY_LOCAL_MACHINE\SOFTWARE\Example" + "\\"):
        assert host.converge([value("LEVEL", path=path)])["changed"] is False
    with pytest.raises(WantError, match="are one object"):
        host.run([value(), value("LEVEL", path=r"HKLM\software\EXAMPLE")])


def test_names_with_backslashes_are_told_apart_from_keys() -> None:
    host = host_with()
    document = [value(r"B\C", path=rf"{KEY}\A"), value("C", path=rf"{KEY}\A\B")]
    assert not host.converge(document).get("failed")
    assert stored(host, rf"{KEY}\A") == {r"B\C": ("dword", 5)}
    assert stored(host, rf"{KEY}\A\B") == {"C": ("dword", 5)}


def test_only_the_value_is_removed() -> None:
    host = host_with(("Level", 5, "dword"))
    assert sequence(host.check([absent("LEVEL")])) == ["Remove-ItemProperty"]
    result = host.converge([absent("LEVEL")])
    assert (result["changed"], stored(host), host.machine.registry.exists(KEY)) == (True, {}, True)
    assert host.converge([absent()])["changed"] is False
    assert host.converge([absent(path=rf"{KEY}\Nowhere")])["changed"] is False


def test_a_value_is_removed_only_on_a_fresh_answer() -> None:
    host = host_with(("Level", 5, "dword"))
    host.converge([value()])
    host.snapshot.fresh.clear()  # as in a later task of the run
    host.machine.registry.delete_value(KEY, "Level")
    assert host.converge([absent()])["changed"] is False


REFUSED: dict[str, tuple[dict[str, t.Any], str]] = {
    "a key below HKLM": (
        value(path=r"HKLM:\Example\X"),
        r"registry_value HKLM:\Example\X\Level: Windows makes no key directly below HKEY_LOCAL_MACHINE, and HKLM:\Example is not there. Correct the path.",
    ),
    "a wildcard in the name of a new key": (
        value(path=rf"{KEY}\*"),
        rf"registry_value {KEY}\*\Level: the key {KEY}\* is not there, and PowerShell cannot make one with a wildcard in its name. Make the key by hand.",
    ),
    "removing the default value": (
        absent("", path=KEY),
        rf"registry_value {KEY}\(default): PowerShell cannot remove the default value of a key. Give it empty data, or run "
        r"reg.exe delete HKLM\SOFTWARE\Example /ve on the host.",
    ),
}


@pytest.mark.parametrize(("entry", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(entry: dict[str, t.Any], told: str) -> None:
    host = host_with(("", "x", "string"))
    result = host.check([entry])
    assert (result["msg"], result["refusals"]) == (told, [told])


def test_what_is_there_is_never_refused() -> None:
    host = host_with(("*", 5, "dword"), path=rf"{KEY}\[x]")
    assert host.converge([value("*", path=rf"{KEY}\[x]")])["changed"] is False
    assert not host.converge([value("*", data=6, path=rf"{KEY}\[x]")]).get("failed")
    assert stored(host, rf"{KEY}\[x]") == {"*": ("dword", 6)}


WRONG: dict[str, tuple[dict[str, t.Any], str]] = {
    "no path": ({"name": "x"}, "missing required arguments: path"),
    "no key": ({"path": "x", "type": "dword", "data": 1}, "registry_value x (resources[0].registry_value): path: 'x' is not"),
    "no data": ({"path": KEY, "type": "dword"}, "data missing. Give the type and the data"),
    "neither": ({"path": KEY}, "type and data missing."),
    "no such type": ({"path": KEY, "type": "REG_SZ", "data": 1}, "value of type must be one of: string, expand_string"),
    "data of another type": (
        {"path": KEY, "name": "N", "type": "dword", "data": "ten"},
        rf"registry_value {KEY}\N (resources[0].registry_value): data: 'ten' is not a whole number",
    ),
    "a typo": ({"path": KEY, "typ": "dword"}, "there is no option typ. Did you mean type?"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "told"), WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_told_before_a_host_is_asked(options: dict[str, t.Any], told: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document([{"registry_value": options}], KINDS)
    assert told in str(caught.value)


def test_a_key_that_may_not_be_read_is_told() -> None:
    host = host_with(("Level", 5, "dword"))
    host.machine.faults = HostFaults()
    host.machine.faults.inject(
        {"kind": "cmdlet_error", "cmdlet": "Get-RegistryKey", "message": "Access denied."}
    )
    assert host.converge([value()])["msg"].startswith(
        rf"registry_value {KEY}\Level: The host did not list registry hklm:\software\example: Access denied"
    )


def test_rendered_without_knowing_the_host() -> None:
    wishes = read_document([value(), absent("Old")], KINDS)
    plan = make_plan(ToldState(KINDS, wishes, [], Settings()))
    assert [step.call.masked() for step in plan.steps] == [
        {
            "cmdlet": "Set-ItemProperty",
            "parameters": {"LiteralPath": KEY, "Name": "Level", "Value": 5, "Type": "DWord"},
        }
    ]


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, data, _there in WRITTEN])
def test_calls_fit_their_signatures_on_every_release(kind: str, data: t.Any) -> None:
    wishes = read_document([value(kind=kind, data=data), absent("Old")], KINDS)
    told = read_document([value("Old")], KINDS)
    plan = make_plan(ToldState(KINDS, wishes, told, Settings()))
    assert [step.call.cmdlet for step in plan.steps][-2:] == ["Set-ItemProperty", "Remove-ItemProperty"]
    for step in plan.steps:
        check(completed(step.call))
    for wish in wishes:
        for question in wish.kind.asks(wish):
            check(completed(question.call))

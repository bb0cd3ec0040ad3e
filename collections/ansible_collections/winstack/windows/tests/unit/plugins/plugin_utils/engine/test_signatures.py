# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls against the published signatures of their cmdlets."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import signatures as _signatures
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import (
    RELEASES,
    check,
    release_of,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import CallError

CATALOGUE = json.loads(Path(_signatures.__file__).with_name("cmdlets.json").read_text(encoding="utf-8"))
CHAP = Credential("user", "secret")

FITS: dict[str, tuple[str, dict[str, t.Any]]] = {
    "all that is mandatory": ("Remove-IscsiServerTarget", {"TargetName": "t"}),
    "nothing at all": ("Get-IscsiVirtualDisk", {}),
    "an alias": ("Remove-IscsiVirtualDisk", {"DevicePath": r"C:\a.vhdx"}),
    "another case": ("Get-Item", {"literalpath": "C:\\"}),
    "the size by its alias on every release": ("Resize-IscsiVirtualDisk", {"Path": "p", "Size": 2**64 - 1}),
    "an accepted value in another case": ("Set-Service", {"Name": "x", "StartupType": "automatic"}),
    "a list": ("Set-IscsiServerTarget", {"TargetName": "t", "InitiatorIds": ("IQN:iqn.a", "IQN:iqn.b")}),
    "an empty list": ("Set-IscsiServerTarget", {"TargetName": "t", "InitiatorIds": ()}),
    "one for a list": ("Get-WindowsFeature", {"Name": "x"}),
    "a list of accepted values": ("Get-NetIPAddress", {"AddressFamily": ("IPv4", "IPv6")}),
    "a credential": ("Set-IscsiServerTarget", {"TargetName": "t", "EnableChap": True, "Chap": CHAP}),
    "a switch": ("New-IscsiVirtualDisk", {"Path": "p", "SizeBytes": 1, "UseFixed": True}),
    "anything for an object": ("Set-ItemProperty", {"Path": "p", "Name": "n", "Value": (1, "a")}),
    "a credential of the long name": ("Get-WindowsFeature", {"Credential": CHAP}),
    "features by name": ("Install-WindowsFeature", {"Name": ("FS-iSCSITarget-Server",)}),
    "a truth as the text that the enumeration takes": (
        "New-NetFirewallRule",
        {"Name": "n", "DisplayName": "d", "Enabled": "True", "Profile": ("Domain", "Private")},
    ),
    "rules by name": ("Disable-NetFirewallRule", {"Name": "iSCSITarget-Service-iSCSI-In-TCP"}),
    "a service by name": ("Get-Service", {"Name": "WinTarget"}),
    "a negative number": ("Add-IscsiVirtualDiskTargetMapping", {"TargetName": "t", "Path": "p", "Lun": -1}),
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("cmdlet", "params"), FITS.values(), ids=FITS.keys())
def test_fits(cmdlet: str, params: dict[str, t.Any], release: str) -> None:
    check(Call(cmdlet, params), release)


FAULTS: dict[str, tuple[str, dict[str, t.Any], str]] = {
    "an unknown cmdlet": ("Format-Volume", {}, "Format-Volume is not in the catalogue"),
    "an unknown parameter": ("Get-IscsiVirtualDisk", {"Nmae": "x"}, "no parameter Nmae"),
    "parameters of two sets": (
        "Set-IscsiTargetServerSetting",
        {"IP": "1.2.3.4", "DisableRemoteManagement": True},
        "no parameter",
    ),
    "a mandatory parameter is missing": (
        "New-IscsiServerTarget",
        {},
        "mandatory parameter TargetName is missing",
    ),
    "a list for one": (
        "Remove-IscsiServerTarget",
        {"TargetName": ("a", "b")},
        "takes one String, not a list",
    ),
    "text for a number": (
        "Resize-IscsiVirtualDisk",
        {"Path": "p", "Size": "1GB"},
        "parameter Size: takes UInt64, not str",
    ),
    "a number for text": ("Remove-IscsiServerTarget", {"TargetName": 1}, "takes String, not int"),
    "a negative size": ("Resize-IscsiVirtualDisk", {"Path": "p", "Size": -1}, "takes UInt64"),
    "a size beyond": ("Resize-IscsiVirtualDisk", {"Path": "p", "Size": 2**64}, "takes UInt64"),
    "a LUN beyond": (
        "Add-IscsiVirtualDiskTargetMapping",
        {"TargetName": "t", "Path": "p", "Lun": 2**31},
        "takes Int32",
    ),
    "a truth for a number": (
        "Resize-IscsiVirtualDisk",
        {"Path": "p", "Size": True},
        "takes UInt64, not bool",
    ),
    "a number for a truth": ("Set-IscsiVirtualDisk", {"Path": "p", "Enable": 1}, "takes Boolean, not int"),
    "text for a credential": (
        "Set-IscsiServerTarget",
        {"TargetName": "t", "Chap": "secret"},
        "takes PSCredential, not str",
    ),
    "a credential for text": (
        "Remove-IscsiServerTarget",
        {"TargetName": CHAP},
        "takes String, not Credential",
    ),
    "an object that no call can carry": (
        "Remove-IscsiServerTarget",
        {"InputObject": "x"},
        "takes IscsiServerTarget",
    ),
    "a value that is not accepted": (
        "Set-Service",
        {"Name": "x", "StartupType": "AutomaticDelayedStart"},
        "'AutomaticDelayedStart' is none of Automatic, Manual, Disabled",
    ),
    "one of a list is wrong": (
        "Get-WindowsFeature",
        {"Name": ("a", 1)},
        "parameter Name: takes String, not int",
    ),
    "one of a list is not accepted": (
        "Get-NetIPAddress",
        {"AddressFamily": ("IPv4", "IPX")},
        "'IPX' is none of",
    ),
    "a truth for an enumeration": (
        "Set-NetFirewallRule",
        {"Name": "n", "Enabled": True},
        "parameter Enabled: takes one of the texts True, False, not bool",
    ),
    "every rule of the host": (
        "Remove-NetFirewallRule",
        {},
        "mandatory parameter Name is missing",
    ),
    "a number for a feature": ("Install-WindowsFeature", {"Name": 1}, "takes Feature, not int"),
    "nothing for text": ("Remove-IscsiServerTarget", {"TargetName": None}, "takes String, not NoneType"),
}


@pytest.mark.parametrize("release", [None, *RELEASES])
@pytest.mark.parametrize(("cmdlet", "params", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_does_not_fit(cmdlet: str, params: dict[str, t.Any], message: str, release: str | None) -> None:
    with pytest.raises(CallError) as caught:
        check(Call(cmdlet, params), release)
    assert message in str(caught.value)


def test_the_message_names_the_cmdlet_and_the_release() -> None:
    with pytest.raises(CallError, match=r"^Get-IscsiVirtualDisk on Windows Server 2019: no parameter X\.$"):
        check(Call("Get-IscsiVirtualDisk", {"X": 1}), "2019")


def test_no_secret_in_a_message() -> None:
    with pytest.raises(CallError) as caught:
        check(Call("Remove-IscsiServerTarget", {"TargetName": Credential("u", "topsecret")}))
    assert "topsecret" not in str(caught.value)


def test_a_parameter_that_came_later() -> None:
    call = Call("Resize-IscsiVirtualDisk", {"Path": "p", "SizeBytes": 1})
    for release in RELEASES[1:]:
        check(call, release)
    for older in (None, "2012r2"):
        with pytest.raises(CallError, match=r"2012r2: no parameter SizeBytes beside Path\.$"):
            check(call, older)


def test_an_extra_parameter_is_only_in_the_sets_that_have_its_like(monkeypatch: pytest.MonkeyPatch) -> None:
    thing = {
        "sets": {"A": {"New": {"type": "Int32", "mandatory": True}}, "B": {"Other": {"type": "String"}}},
        "differences": {"2016": {"missing": ["New"], "extra": {"Old": "New"}}},
    }
    monkeypatch.setattr(_signatures, "_catalogue", lambda: {"Get-Thing": thing})
    _signatures._sets.cache_clear()
    try:
        check(Call("Get-Thing", {"Old": 1}), "2016")
        with pytest.raises(CallError):
            check(Call("Get-Thing", {"Other": "x", "Old": 1}), "2016")
        with pytest.raises(CallError):
            check(Call("Get-Thing", {"Old": 1}), "2019")
    finally:
        _signatures._sets.cache_clear()


@pytest.mark.parametrize(
    ("build", "release"),
    [
        (9600, "2012r2"),
        (10586, "2012r2"),
        (14393, "2016"),
        (17763, "2019"),
        (18363, "2019"),
        (20348, "2022"),
        (25398, "2022"),
        (26100, "2025"),
        (99999, "2025"),
    ],
)
def test_release_of(build: int, release: str) -> None:
    assert release_of(build) == release


@pytest.mark.parametrize("build", [0, 7601, 9200, 9599])
def test_release_of_an_older_windows(build: int) -> None:
    with pytest.raises(CallError, match=f"Windows build {build} is older than Windows Server 2012 R2"):
        release_of(build)


# The catalogue against the facts that it was made of, where a checkout has them beside it.
_UP = Path(__file__).resolve().parents
FACTS = _UP[9].parent / "shared" / "facts" / "cmdlets.json" if len(_UP) > 9 else Path("absent")
PUBLISHED: dict[str, t.Any] = (
    json.loads(FACTS.read_text(encoding="utf-8"))["cmdlets"] if FACTS.is_file() else {}
)
BOTH = sorted(set(PUBLISHED) & set(CATALOGUE["cmdlets"]))
# -WhatIf and -Confirm are told by should_process.
COMMON = {"WhatIf", "Confirm"}


def _reduced(parameter: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {
        "type": parameter["type"],
        "mandatory": parameter.get("mandatory", False),
        "aliases": sorted(parameter.get("aliases") or ()),
        "values": list(parameter.get("accepted_values", parameter.get("values")) or ()),
    }


def _reduced_sets(sets: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {
        name: {parameter: _reduced(data) for parameter, data in parameters.items() if parameter not in COMMON}
        for name, parameters in sets.items()
    }


@pytest.mark.skipif(not PUBLISHED, reason="the catalogue of published signatures is not beside this checkout")
@pytest.mark.parametrize("cmdlet", BOTH or ["none"])
def test_the_catalogue_equals_what_is_published(cmdlet: str) -> None:
    ours, published = CATALOGUE["cmdlets"][cmdlet], PUBLISHED[cmdlet]
    assert ours["module"] == published["module"]
    assert ours["should_process"] == published["should_process"]
    assert _reduced_sets(ours["sets"]) == _reduced_sets(published["parameter_sets"])
    for release in RELEASES[:-1]:
        told = (published.get("version_differences") or {}).get(release, {})
        difference = ours.get("differences", {}).get(release, {})
        assert set(difference.get("missing", ())) == set(told.get("missing_parameters", ()))
        assert set(difference.get("extra", ())) == set(told.get("extra_parameters", ()))
        assert not told.get("missing_sets")
        assert not told.get("extra_sets")


@pytest.mark.skipif(not PUBLISHED, reason="the catalogue of published signatures is not beside this checkout")
def test_every_cmdlet_of_the_iscsi_target_is_there() -> None:
    assert {name for name, data in PUBLISHED.items() if data["module"] == "IscsiTarget"} <= set(BOTH)


@pytest.mark.parametrize(("name", "signature"), CATALOGUE["cmdlets"].items(), ids=CATALOGUE["cmdlets"])
def test_the_catalogue_is_well_formed(name: str, signature: dict[str, t.Any]) -> None:
    verb, dash, noun = name.partition("-")
    assert verb.isalpha()
    assert dash
    assert noun
    assert set(signature) <= {"module", "should_process", "sets", "differences", "since"}
    assert set(signature.get("differences", ())) <= set(RELEASES)
    for parameters in signature["sets"].values():
        known = [
            alias.lower() for name, data in parameters.items() for alias in (name, *data.get("aliases", ()))
        ]
        assert len(known) == len(set(known))
        for data in parameters.values():
            assert set(data) <= {"type", "mandatory", "aliases", "values"}

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell's parameter binder."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, Credential, P, Params, PSObject, SecureString, call, catalogue
from winsim.cmdlets.binding import ALL, BINDING, TRANSFORMATION, VALIDATION, Cmdlet, bind, set_names
from winsim.cmdlets.convert import ConversionError, convert
from winsim.errors import Unmodelled
from winsim.host import Host
from winsim.iscsi import InitiatorId

CRED = Credential("user", "secretsecret")


def bound(name: str, given: dict[str, Any], release: str = "2022") -> Params:
    return bind(catalogue()[name], release, given)


@pytest.mark.parametrize(
    ("name", "given", "chosen", "values"),
    [
        ("New-IscsiVirtualDisk", {"Path": "a", "SizeBytes": 1}, "Dynamic", {"Path": "a", "SizeBytes": 1}),
        (
            "New-IscsiVirtualDisk",
            {"devicepath": "a", "SIZE": "0x10"},
            "Dynamic",
            {"Path": "a", "SizeBytes": 16},
        ),
        ("New-IscsiVirtualDisk", {"Path": "a", "Size": 1, "Fixed": True}, "Fixed", {"UseFixed": True}),
        ("New-IscsiVirtualDisk", {"Path": "a", "ParentPath": "b"}, "Differencing", {"ParentPath": "b"}),
        ("New-IscsiVirtualDisk", {"Path": "a", "Parent": "b"}, "Differencing", {"ParentPath": "b"}),
        ("Resize-IscsiVirtualDisk", {"Path": "a", "Size": 5}, "Path", {"SizeBytes": 5}),
        ("Set-IscsiServerTarget", {"TargetName": "t", "Initiator": "iqn:*"}, "TargetName", {}),
        (
            "Set-IscsiServerTarget",
            {"TargetName": "t", "Chap": CRED, "Enable": 0},
            "TargetName",
            {"Enable": False},
        ),
        ("Set-IscsiTargetServerSetting", {"IP": "1.2.3.4"}, "IpScoped", {"IP": "1.2.3.4"}),
        ("Set-IscsiTargetServerSetting", {"DisableRemoteManagement": True}, "ServerGlobal", {}),
        ("Get-IscsiVirtualDisk", {}, "Device", {}),
        ("Get-NetIPAddress", {"InterfaceIndex": 7, "ErrorAction": "stop"}, ALL, {"InterfaceIndex": [7]}),
        ("Set-Service", {"Name": "x", "StartMode": "automatic", "Confirm": False}, "Name", {}),
        ("Get-Item", {"LiteralPath": ["C:\\"]}, "LiteralPath", {"LiteralPath": ["C:\\"]}),
    ],
)
def test_binds(name: str, given: dict[str, Any], chosen: str, values: dict[str, Any]) -> None:
    params = bound(name, given)
    assert params.set == chosen
    assert values.items() <= dict(params).items()


@pytest.mark.parametrize(
    ("name", "given", "type", "error_id"),
    [
        ("Get-IscsiVirtualDisk", {"Bogus": 1}, BINDING, "NamedParameterNotFound"),
        ("Get-IscsiVirtualDisk", {"": 1}, BINDING, "NamedParameterNotFound"),
        ("Get-IscsiVirtualDisk", {"C": "x"}, BINDING, "AmbiguousParameter"),
        ("Set-IscsiVirtualDisk", {"Path": "a", "DevicePath": "b"}, BINDING, "ParameterAlreadyBound"),
        ("New-IscsiVirtualDisk", {"Path": "a"}, BINDING, "MissingMandatoryParameter"),
        ("New-IscsiVirtualDisk", {}, BINDING, "MissingMandatoryParameter"),
        (
            "New-IscsiServerTarget",
            {"TargetName": ""},
            VALIDATION,
            "ParameterArgumentValidationErrorEmptyString",
        ),
        ("New-IscsiServerTarget", {"TargetName": None}, VALIDATION, "ParameterArgumentValidationErrorNull"),
        ("Get-Item", {"LiteralPath": []}, VALIDATION, "ParameterArgumentValidationErrorEmptyArray"),
        ("Get-Item", {"LiteralPath": [""]}, VALIDATION, "ParameterArgumentValidationErrorEmptyString"),
        (
            "New-IscsiVirtualDisk",
            {"Path": "a", "Size": 1, "UseFixed": True, "ParentPath": "b"},
            BINDING,
            "AmbiguousParameterSet",
        ),
        (
            "Set-IscsiTargetServerSetting",
            {"IP": "1.2.3.4", "DisableRemoteManagement": False},
            BINDING,
            "AmbiguousParameterSet",
        ),
        ("Get-IscsiVirtualDisk", {"Path": "a", "TargetName": "b"}, BINDING, "AmbiguousParameterSet"),
        ("Set-IscsiVirtualDisk", {"Path": "a", "Confirm": False}, BINDING, "NamedParameterNotFound"),
        ("New-IscsiVirtualDisk", {"Path": ["a"], "Size": 1}, BINDING, "CannotConvertArgumentNoMessage"),
        ("New-IscsiVirtualDisk", {"Path": "a", "Size": -1}, BINDING, "CannotConvertArgumentNoMessage"),
        ("New-IscsiVirtualDisk", {"Path": "a", "Size": "20GB"}, BINDING, "CannotConvertArgumentNoMessage"),
        ("Set-IscsiVirtualDisk", {"Path": "a", "Enable": "true"}, BINDING, "CannotConvertArgumentNoMessage"),
        ("Set-IscsiVirtualDisk", {"InputObject": "a"}, BINDING, "CannotConvertArgumentNoMessage"),
        (
            "Set-IscsiServerTarget",
            {"TargetName": "t", "Chap": "user"},
            BINDING,
            "CannotConvertArgumentNoMessage",
        ),
        (
            "Set-IscsiServerTarget",
            {"TargetName": "t", "TargetIqn": "x"},
            BINDING,
            "CannotConvertArgumentNoMessage",
        ),
        (
            "New-IscsiServerTarget",
            {"TargetName": "t", "InitiatorIds": ["a"]},
            BINDING,
            "CannotConvertArgument",
        ),
        ("Set-Service", {"Name": "x", "StartupType": "Auto"}, BINDING, "CannotConvertArgumentNoMessage"),
        (
            "Get-NetIPAddress",
            {"AddressFamily": "IPv5"},
            TRANSFORMATION,
            "ParameterArgumentTransformationError",
        ),
        ("Get-NetAdapter", {"InterfaceIndex": "x"}, TRANSFORMATION, "ParameterArgumentTransformationError"),
        (
            "Set-Service",
            {"Name": "x", "Confirm": True},
            "System.Management.Automation.PSInvalidOperationException",
            "InvalidOperation",
        ),
    ],
)
def test_refuses(name: str, given: dict[str, Any], type: str, error_id: str) -> None:
    with pytest.raises(CmdletError) as caught:
        bound(name, given)
    assert caught.value.type == type
    assert caught.value.error_id.startswith(error_id)
    assert caught.value.error_id.endswith(f",{catalogue()[name].id_suffix}")


@pytest.mark.parametrize(
    ("release", "given", "ok"),
    [
        ("2012r2", {"Path": "a", "Size": 1}, True),
        ("2012r2", {"Path": "a", "SizeBytes": 1}, False),
        ("2012r2", {"Path": "a"}, False),
        ("2016", {"Path": "a", "SizeBytes": 1}, True),
        ("2025", {"Path": "a", "Size": 1}, True),
    ],
)
def test_resize_by_release(release: str, given: dict[str, Any], ok: bool) -> None:
    if ok:
        bound("Resize-IscsiVirtualDisk", given, release)
        return
    with pytest.raises(CmdletError):
        bound("Resize-IscsiVirtualDisk", given, release)


@pytest.mark.parametrize("given", [{"Name": "x", "ErrorAction": "Ignore"}, {"Name": "x", "WhatIf": True}])
def test_not_modelled(given: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled):
        bound("Set-Service", given)


def _cmdlet(parameters: dict[str, P], default_set: str | None = None) -> Cmdlet:
    return Cmdlet(
        "Test-It", "Test", lambda host, params: [], parameters, default_set=default_set,
        sets=set_names(parameters, default_set),
    )  # fmt: skip


def test_sets_without_default() -> None:
    both = {"A": P(mandatory=True, sets=("First",)), "B": P(mandatory=True, sets=("Second",)), "C": P()}
    model = _cmdlet(both)
    assert bind(model, "2022", {"A": "x"}).set == "First"
    with pytest.raises(CmdletError, match="Parameter set cannot be resolved"):
        bind(model, "2022", {"C": "x"})
    either = {"A": P(sets=("First",)), "B": P(sets=("Second",)), "C": P(mandatory=True, sets=("Third",))}
    with pytest.raises(CmdletError, match="Parameter set cannot be resolved"):
        bind(_cmdlet(either), "2022", {})
    shared = {"A": P(mandatory=True, sets=("First", "Second")), "B": P(sets=("First",))}
    assert bind(_cmdlet(shared), "2022", {"A": "x", "B": "y"}).set == "First"
    narrow = {
        "A": P(mandatory=True, sets=("First", "Second"), optional_in=("Second",)),
        "B": P(sets=("Second", "First")),
    }
    assert bind(_cmdlet(narrow), "2022", {"A": "x"}).set == "First"


@pytest.mark.parametrize(
    ("value", "type", "wanted"),
    [
        (1, "String", "1"),
        (True, "String", "True"),
        ("7", "UInt32", 7),
        (2.5, "Int32", 2),
        (True, "Int32", 1),
        ("a", "String[]", ["a"]),
        (["a", 1], "String[]", ["a", "1"]),
        ([1], "Object", [1]),
        (None, "PSCredential", None),
        (CRED, "System.Management.Automation.PSCredential", CRED),
        (SecureString("x"), "SecureString", SecureString("x")),
        ("IQN:*", "InitiatorId", InitiatorId("Iqn", "*")),
        (PSObject("x", {}, source=InitiatorId("Iqn", "*")), "InitiatorId", InitiatorId("Iqn", "*")),
        ("iqn.1991-05.com.microsoft:a", "Iqn", "iqn.1991-05.com.microsoft:a"),
        ("eui.02004567a425678d", "Iqn", "eui.02004567a425678d"),
    ],
)
def test_converts(value: Any, type: str, wanted: Any) -> None:
    assert convert(value, type) == wanted


@pytest.mark.parametrize(
    ("value", "type", "text"),
    [
        (256, "Byte", "an unsigned byte"),
        (-1, "UInt64", "a UInt64"),
        (2**31, "Int32", "an Int32"),
        (None, "Int32", "correct format"),
        ("x", "SecureString", "SecureString"),
        ("soon", "TimeSpan", "TimeSpan"),
    ],
)
def test_does_not_convert(value: Any, type: str, text: str) -> None:
    with pytest.raises(ConversionError, match=text):
        convert(value, type)


def test_time_span_and_unknown_type() -> None:
    assert convert("01:02:03", "TimeSpan").total_seconds() == 3723
    with pytest.raises(Unmodelled, match="Hashtable"):
        convert({}, "Hashtable")


def test_call_needs_the_feature() -> None:
    host = Host.standard()
    with pytest.raises(CmdletError) as caught:
        call(host, "get-iscsivirtualdisk", {"Bogus": 1})
    assert caught.value.type == "System.Management.Automation.CommandNotFoundException"
    assert caught.value.error_id == "CommandNotFoundException"
    with pytest.raises(Unmodelled, match="Get-Unicorn"):
        call(host, "Get-Unicorn", {})


def test_secrets_are_not_printed() -> None:
    assert "secretsecret" not in repr(CRED) + str(CRED) + repr(SecureString("secretsecret"))
    assert str(SecureString("secretsecret")) == "System.Security.SecureString"

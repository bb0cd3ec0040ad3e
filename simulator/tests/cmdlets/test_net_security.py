# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall cmdlets and the rules in the registry that they make."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, call
from winsim.errors import Unmodelled
from winsim.firewall import GROUP_POLICY_KEY, PROFILES, RULES_KEY, stored_address, stored_port
from winsim.host import Host

CIM_ERROR = "Microsoft.Management.Infrastructure.CimException"
PORTAL: dict[str, Any] = {
    "Name": "Winstack-portal",
    "DisplayName": "iSCSI portal",
    "Description": "initiators",
    "Group": "Storage",
    "Direction": "Inbound",
    "Action": "Allow",
    "Enabled": "True",
    "Profile": ["Domain", "Private"],
    "Protocol": "TCP",
    "LocalPort": ["3260"],
    "LocalAddress": ["10.0.0.5"],
    "RemoteAddress": ["10.0.0.0/24", "fd00:21::/64"],
}


@pytest.fixture
def host() -> Host:
    return Host.standard()


def rule_text(host: Host, name: str) -> str | None:
    found = host.registry.data(RULES_KEY, name)
    assert found is None or isinstance(found, str)
    return found


def error(host: Host, name: str, params: dict[str, Any]) -> CmdletError:
    with pytest.raises(CmdletError) as caught:
        call(host, name, params)
    return caught.value


def test_a_new_rule_is_the_registry_value_of_its_name(host: Host) -> None:
    (made,) = call(host, "New-NetFirewallRule", PORTAL)
    shown = {name: str(made.get(name)) for name in ("Name", "DisplayName", "Enabled", "Profile", "Direction")}
    assert shown == {
        "Name": "Winstack-portal",
        "DisplayName": "iSCSI portal",
        "Enabled": "True",
        "Profile": "Domain, Private",
        "Direction": "Inbound",
    }
    assert rule_text(host, "Winstack-portal") == (
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=3260|LA4=10.0.0.5|"
        "RA4=10.0.0.0/255.255.255.0|RA6=fd00:21::/64|Name=iSCSI portal|Desc=initiators|EmbedCtxt=Storage|"
    )


def test_without_a_name_the_rule_gets_a_guid(host: Host) -> None:
    (made,) = call(host, "New-NetFirewallRule", {"DisplayName": "x"})
    assert len(made.get("Name")) == 38
    assert rule_text(host, made.get("Name")) == "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=x|"


def test_set_changes_only_what_is_given(host: Host) -> None:
    call(host, "New-NetFirewallRule", PORTAL)
    before = rule_text(host, "Winstack-portal")
    given = {"Name": "WINSTACK-PORTAL", "RemoteAddress": "Any", "NewDisplayName": "other", "PassThru": True}
    (changed,) = call(host, "Set-NetFirewallRule", given)
    assert changed.get("DisplayName") == "other"
    assert rule_text(host, "Winstack-portal") == str(before).replace(
        "RA4=10.0.0.0/255.255.255.0|RA6=fd00:21::/64|", ""
    ).replace("iSCSI portal", "other")
    more = {"DisplayName": "other", "LocalPort": ["3260-3265", "80"], "Profile": "Domain, Private,Public"}
    assert call(host, "Set-NetFirewallRule", more) == []
    assert "|LPort2_10=3260-3265|LPort=80|" in str(rule_text(host, "Winstack-portal"))
    assert "Profile=" not in str(rule_text(host, "Winstack-portal"))


@pytest.mark.parametrize("by", [{"Name": "*-portal"}, {"DisplayName": "iSCSI portal"}, {"Group": "storage"}])
def test_disable_enable_and_remove(host: Host, by: dict[str, str]) -> None:
    call(host, "New-NetFirewallRule", PORTAL)
    others = len(host.firewall.rules) - 1
    call(host, "Disable-NetFirewallRule", by)
    assert "|Active=FALSE|" in str(rule_text(host, "Winstack-portal"))
    (shown,) = call(host, "Enable-NetFirewallRule", {**by, "PassThru": True, "Confirm": False})
    assert str(shown.get("Enabled")) == "True"
    assert "|Active=TRUE|" in str(rule_text(host, "Winstack-portal"))
    call(host, "Remove-NetFirewallRule", by)
    assert rule_text(host, "Winstack-portal") is None
    assert len(host.firewall.rules) == others


def test_an_object_can_be_handed_on(host: Host) -> None:
    (made,) = call(host, "New-NetFirewallRule", PORTAL)
    call(host, "Set-NetFirewallRule", {"InputObject": made, "Enabled": "false"})
    assert "|Active=FALSE|" in str(rule_text(host, "Winstack-portal"))
    call(host, "Remove-NetFirewallRule", {"InputObject": [made]})
    assert rule_text(host, "Winstack-portal") is None


def test_without_a_choice_every_rule_is_meant(host: Host) -> None:
    call(host, "Disable-NetFirewallRule", {})
    assert not any(rule.enabled for rule in host.firewall)
    call(host, "Remove-NetFirewallRule", {"Direction": "Inbound", "Enabled": "False"})
    assert host.firewall.rules == []


def test_other_conditions(host: Host) -> None:
    given = {
        "Name": "ping",
        "DisplayName": "ping",
        "Protocol": "icmpv6",
        "IcmpType": "128",
        "Program": "%SystemRoot%\\system32\\svchost.exe",
        "Service": "WinTarget",
        "Direction": "Outbound",
        "Action": "Block",
        "InterfaceType": "Wired,RemoteAccess",
        "Authentication": "Required",
        "Encryption": "Dynamic",
    }
    call(host, "New-NetFirewallRule", given)
    assert rule_text(host, "ping") == (
        "v2.31|Action=Block|Active=TRUE|Dir=Out|Protocol=58|ICMP6=128|IFType=Lan|IFType=RemoteAccess|"
        "App=%SystemRoot%\\system32\\svchost.exe|Svc=WinTarget|Name=ping|Security2=AnE-Nego|"
    )
    anything = {"Program": "Any", "Service": "Any", "IcmpType": "Any", "Protocol": "132"}
    call(host, "Set-NetFirewallRule", {"Name": "ping", **anything})
    assert "App=" not in str(rule_text(host, "ping"))
    assert "|Protocol=132|" in str(rule_text(host, "ping"))


@pytest.mark.parametrize(
    ("name", "params", "type", "error_id"),
    [
        ("New-NetFirewallRule", PORTAL, CIM_ERROR, "Windows System Error 183,New-NetFirewallRule"),
        (
            "New-NetFirewallRule",
            {"DisplayName": "x", "RemoteAddress": "10.0.0"},
            CIM_ERROR,
            "HRESULT 0x80070057,New-NetFirewallRule",
        ),
        (
            "New-NetFirewallRule",
            {"DisplayName": "x", "Protocol": "TCP", "LocalPort": "70000"},
            CIM_ERROR,
            "HRESULT 0x80070057,New-NetFirewallRule",
        ),
        (
            "New-NetFirewallRule",
            {"DisplayName": "x", "LocalPort": "80"},
            CIM_ERROR,
            "HRESULT 0x80070057,New-NetFirewallRule",
        ),
        (
            "Set-NetFirewallRule",
            {"Name": "Winstack-portal", "IcmpType": "8"},
            CIM_ERROR,
            "HRESULT 0x80070057,Set-NetFirewallRule",
        ),
        (
            "Set-NetFirewallRule",
            {"Name": "Winstack-portal", "Protocol": "carrier pigeon"},
            CIM_ERROR,
            "HRESULT 0x80070057,Set-NetFirewallRule",
        ),
        (
            "New-NetFirewallRule",
            {"DisplayName": "x", "Direction": "Outbound", "EdgeTraversalPolicy": "Allow"},
            CIM_ERROR,
            "HRESULT 0x80070057,New-NetFirewallRule",
        ),
        (
            "New-NetFirewallRule",
            {"DisplayName": "x", "Authentication": "NotRequired", "Encryption": "Required"},
            CIM_ERROR,
            "HRESULT 0x80070057,New-NetFirewallRule",
        ),
        (
            "Remove-NetFirewallRule",
            {"Name": "none"},
            "Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
            "CmdletizationQuery_NotFound_InstanceID,Remove-NetFirewallRule",
        ),
        (
            "Set-NetFirewallRule",
            {"DisplayName": "none", "Enabled": "True"},
            "Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
            "CmdletizationQuery_NotFound_DisplayName,Set-NetFirewallRule",
        ),
        (
            "Set-NetFirewallRule",
            {"Name": "Winstack-portal", "Enabled": True},
            "System.Management.Automation.ParameterBindingArgumentTransformationException",
            "ParameterArgumentTransformationError,Set-NetFirewallRule",
        ),
        (
            "New-NetFirewallRule",
            {"DisplayName": "x", "Profile": "Home"},
            "System.Management.Automation.ParameterBindingArgumentTransformationException",
            "ParameterArgumentTransformationError,New-NetFirewallRule",
        ),
    ],
)
def test_refusals_change_nothing(
    host: Host, name: str, params: dict[str, Any], type: str, error_id: str
) -> None:
    call(host, "New-NetFirewallRule", PORTAL)
    before = host.firewall.rules
    found = error(host, name, params)
    assert (found.type, found.error_id) == (type, error_id)
    assert host.firewall.rules == before


@pytest.mark.parametrize("name", ["*none*", "Winstack-[x]"])
def test_wildcards_that_match_nothing_are_no_error(host: Host, name: str) -> None:
    assert call(host, "Disable-NetFirewallRule", {"Name": name, "PassThru": True}) == []


@pytest.mark.parametrize(
    "params",
    [
        {"PolicyStore": "corp.example\\gpo"},
        {"Platform": "6.1+"},
        {"DynamicTarget": "ProximityApps"},
        {"Profile": "NotApplicable"},
        {"Action": "NotConfigured"},
    ],
)
def test_not_modelled(host: Host, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled, match="New-NetFirewallRule -"):
        call(host, "New-NetFirewallRule", {"DisplayName": "x", **params})


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.5/32", "10.0.0.5"),
        ("10.0.0.9/24", "10.0.0.0/255.255.255.0"),
        ("10.0.0.0/255.255.0.0", "10.0.0.0/255.255.0.0"),
        ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"),
        ("FD00::/64", "fd00::/64"),
        ("localsubnet", "LocalSubnet"),
        ("LocalSubnet6", "LocalSubnet6"),
    ],
)
def test_stored_address(given: str, stored: str) -> None:
    assert stored_address(given) == stored


@pytest.mark.parametrize("given", ["host.example", "10.0.0.1-", "10.0.0.0/33", ""])
def test_no_address(given: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        stored_address(given)


def test_stored_port() -> None:
    assert [stored_port(text) for text in ("3260", " 1-9", "RPC")] == ["3260", "1-9", "RPC"]
    for wrong in ("9-1", "65536", "http", "-1"):
        with pytest.raises(ValueError, match=r"not a port|invalid literal"):
            stored_port(wrong)


@pytest.mark.parametrize(
    ("key", "profile"),
    [
        ("DomainProfile", "Domain"),
        ("PrivateProfile", "Private"),
        ("StandardProfile", "Private"),
        ("PublicProfile", "Public"),
    ],
)
def test_policy_can_pass_over_the_rules_of_the_host(key: str, profile: str) -> None:
    """AllowLocalPolicyMerge 0: rules are made and stored as ever, and do not count in that profile."""
    host = Host.standard(registry={f"{GROUP_POLICY_KEY}\\{key}": {"AllowLocalPolicyMerge": 0}})
    call(host, "New-NetFirewallRule", {**PORTAL, "Profile": "Any"})
    assert rule_text(host, "Winstack-portal") is not None
    counts = {
        name: "Winstack-portal" in [rule.id for rule in host.firewall.in_force(name)] for name in PROFILES
    }
    assert counts == {name: name != profile for name in PROFILES}
    host.registry.set(f"{GROUP_POLICY_KEY}\\{key}", "AllowLocalPolicyMerge", 1)
    call(host, "Set-NetFirewallRule", {"Name": "Winstack-portal", "Profile": profile})
    assert [name for name in PROFILES if host.firewall.in_force(name)[-1].id == "Winstack-portal"] == [
        profile
    ]

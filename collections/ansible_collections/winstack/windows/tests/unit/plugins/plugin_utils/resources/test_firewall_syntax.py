# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules as the registry holds them, and the types of their options."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Type
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.firewall_syntax import (
    ADDRESSES,
    INTERFACE_TYPES,
    PORTS,
    PROFILES,
    PROTOCOL,
    AnyText,
    Conditions,
    Enabled,
    RuleText,
    read_rule,
)

RULES: dict[str, tuple[str, dict[str, t.Any]]] = {
    "what New-NetFirewallRule makes": (
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3260|LA4=10.0.0.5|Name=A = B|EmbedCtxt=Winstack|",
        {
            **{"Action": "Allow", "Active": "TRUE", "Dir": "In", "Protocol": "6", "LPort": ["3260"]},
            **{"LA": ["10.0.0.5"], "Name": "A = B", "EmbedCtxt": "Winstack"},
        },
    ),
    # The example of [MS-GPFAS] 4.2.
    "the published example": (
        r"v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Public|LPort=RPC|RPort=49000|LA4=192.168.1.0/255.255.255.0"
        r"|LA4=192.168.0.0/255.255.255.0|RA4=LocalSubnet|RA6=LocalSubnet|App=c:\path\foo.exe|Name=Firewall Rule Test"
        "|Security=Authenticate|Security2_9=An-NoEncap|",
        {
            **{"Action": "Allow", "Active": "TRUE", "Dir": "In", "Protocol": "6", "Profile": ["Public"]},
            **{"LPort": ["RPC"], "RPort": ["49000"], "LA": ["192.168.1.0/255.255.255.0", "192.168.0.0/255.255.255.0"]},
            **{"RA": ["LocalSubnet", "LocalSubnet"], "App": r"c:\path\foo.exe", "Name": "Firewall Rule Test"},
            "Conditions": ["Security=Authenticate", "Security2_9=An-NoEncap"],
        },
    ),
    "later schemas": (
        "v2.33|Action=Block|Active=FALSE|Dir=Out|Profile=Domain|Profile=Private|LPort2_10=5000-5010|RA42=IntErnet|RA62=IntErnet"
        "|IFType=Lan|IF={GUID}|Edge=TRUE|Defer=App|TTK2_22=WFDDisplay|LUAuth=O:LSD:(A;;CC;;;UD)|Name=x|Desc=y|",
        {
            **{"Action": "Block", "Active": "FALSE", "Dir": "Out", "Profile": ["Domain", "Private"]},
            **{"LPort": ["5000-5010"], "RA": ["IntErnet", "IntErnet"], "IFType": ["Lan"], "Name": "x", "Desc": "y"},
            "Conditions": ["IF={GUID}", "Edge=TRUE", "Defer=App", "TTK2_22=WFDDisplay", "LUAuth=O:LSD:(A;;CC;;;UD)"],
        },
    ),
    "what says nothing": ("v2.31|Edge=FALSE|LSM=FALSE|Novelty=1|word|", {}),
    "empty": ("", {}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "rule"), RULES.values(), ids=list(RULES))
def test_rules_are_read(text: str, rule: dict[str, t.Any]) -> None:
    assert read_rule(text) == rule


# Option, what the registry has, what a document may say for the same.
SAME: list[tuple[Type, t.Any, list[t.Any]]] = [
    (ADDRESSES, None, [["any"], ["Any"], ["10.0.0.5", "any"]]),
    (ADDRESSES, ["10.0.0.5"], [["10.0.0.5"], ["10.0.0.5/32"], ["10.0.0.5-10.0.0.5"]]),
    (ADDRESSES, ["10.0.0.5/255.255.255.255"], [["10.0.0.5"]]),
    (ADDRESSES, ["10.0.0.5-10.0.0.5"], [["10.0.0.5"]]),
    (ADDRESSES, ["10.0.0.0/255.255.255.0"], [["10.0.0.0/24"], ["10.0.0.7/24"], ["10.0.0.0-10.0.0.255"]]),
    (ADDRESSES, ["10.0.0.5-10.0.0.9"], [["10.0.0.5-10.0.0.9"], [" 10.0.0.5-10.0.0.9 "]]),
    (ADDRESSES, ["fd00::5"], [["FD00:0::5"], ["fd00::5/128"]]),
    (ADDRESSES, ["fd00::/64"], [["fd00:0:0:0::/64"]]),
    (ADDRESSES, ["LocalSubnet", "LocalSubnet"], [["localsubnet"]]),
    (ADDRESSES, ["IntErnet"], [["internet"]]),
    (ADDRESSES, ["10.0.0.5", "fd00::5"], [["fd00::5", "10.0.0.5", "10.0.0.5"]]),
    (PORTS, None, [["any"]]),
    (PORTS, ["3260"], [["3260"], ["03260"], ["3260-3260"]]),
    (PORTS, ["443", "80"], [["80", "443"]]),
    (PORTS, ["RPC"], [["rpc"]]),
    (PROFILES, None, [["any"], ["domain", "private", "public"]]),
    (PROFILES, ["Domain", "Private"], [["private", "Domain"]]),
    (INTERFACE_TYPES, ["Lan"], [["wired"]]),
    (INTERFACE_TYPES, ["RemoteAccess", "Wireless"], [["wireless", "remote_access"]]),
    (INTERFACE_TYPES, None, [["wired", "wireless", "remote_access"]]),
    (PROTOCOL, "6", ["tcp"]),
    (PROTOCOL, None, ["any"]),
    (AnyText(), None, ["any", "Any"]),
    (AnyText(), r"%SystemRoot%\system32\svchost.exe", [r"%systemroot%\System32\svchost.exe"]),
    (Enabled(), "TRUE", [True]),
    (Enabled(), "FALSE", [False]),
    (Conditions(), None, [[]]),
    (Conditions(), ["Edge=TRUE", "Defer=App"], [["Defer=App", "Edge=TRUE"]]),
]


@pytest.mark.parametrize(("kind", "raw", "given"), [(k, r, g) for k, r, all_ in SAME for g in all_])
def test_one_thing_in_many_spellings(kind: Type, raw: t.Any, given: t.Any) -> None:
    assert kind.same(kind.read(raw), kind.parse(given))


DIFFERENT: list[tuple[Type, t.Any, t.Any]] = [
    (ADDRESSES, None, ["10.0.0.5"]),
    (ADDRESSES, ["10.0.0.5"], ["any"]),
    (ADDRESSES, ["10.0.0.5", "10.0.0.6"], ["10.0.0.5"]),
    (ADDRESSES, ["10.0.0.0/255.255.255.0"], ["10.0.0.0/25"]),
    (PORTS, ["3260"], ["3261"]),
    (PORTS, ["5000-5010"], ["5000"]),
    (PROFILES, ["Domain"], ["any"]),
    (PROTOCOL, "17", "tcp"),
    (AnyText(), "a.exe", "any"),
    (Conditions(), ["Edge=TRUE"], []),
]


@pytest.mark.parametrize(("kind", "raw", "given"), DIFFERENT)
def test_what_differs(kind: Type, raw: t.Any, given: t.Any) -> None:
    assert not kind.same(kind.read(raw), kind.parse(given))


WRONG: list[tuple[Type, list[str], str]] = [
    (ADDRESSES, [], "the list is empty. Give any, or leave the option out."),
    (ADDRESSES, ["host1"], "'host1' is not an address, subnet"),
    (ADDRESSES, ["10.0.0.9-10.0.0.5"], "is not an address"),
    (ADDRESSES, ["10.0.0.5-fd00::5"], "is not an address"),
    (PORTS, ["65536"], "'65536' is not a port (0 to 65535)"),
    (PORTS, ["9-5"], "is not a port"),
    (PORTS, ["http"], "is not a port"),
    (PROFILES, ["work"], "'work' is not one of domain, private, public, nor any."),
    (INTERFACE_TYPES, ["lan party"], "is not one of wired, wireless, remote_access"),
]


@pytest.mark.parametrize(("kind", "given", "message"), WRONG)
def test_what_cannot_be_read(kind: Type, given: list[str], message: str) -> None:
    with pytest.raises(WantError) as caught:
        kind.parse(given)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [ADDRESSES, PORTS, PROFILES, INTERFACE_TYPES])
def test_what_a_host_has_is_read_whatever_its_form(kind: Type) -> None:
    assert kind.read(["%odd%"]) == ["%odd%"]


def test_a_bar_would_end_a_text() -> None:
    assert RuleText().fault("a|b", "") == "'a|b' contains |, which a rule cannot hold."
    assert RuleText().fault("a b", "") is None


def test_conditions_can_be_taken_off_and_not_be_made() -> None:
    assert Conditions().fault([], ["Edge=TRUE"]) is None
    assert "none can be added" in str(Conditions().fault(["Edge=TRUE"], []))


NETWORKS = st.one_of(
    st.builds(lambda address, bits: ipaddress.ip_network((address, bits), strict=False), st.ip_addresses(v=4), st.integers(1, 32)),
    st.builds(lambda address, bits: ipaddress.ip_network((address, bits), strict=False), st.ip_addresses(v=6), st.integers(1, 128)),
)  # fmt: skip


@given(NETWORKS)
def test_a_network_is_one_thing_as_subnet_mask_and_range(network: t.Any) -> None:
    spellings = [
        f"{network.network_address}/{network.prefixlen}",
        f"{network.network_address}/{network.netmask if network.version == 4 else network.prefixlen}",
        f"{network.network_address}-{network[-1]}",
    ]
    assert len({str(ADDRESSES.parse([text])) for text in spellings}) == 1
    assert ADDRESSES.parse(t.cast("list[str]", ADDRESSES.parse(spellings))) == ADDRESSES.parse(spellings)

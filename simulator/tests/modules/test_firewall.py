# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_firewall_rule and the rules in the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from winsim.firewall import RULES_KEY, FirewallRule, parse_rule
from winsim.host import Host

Run = Callable[..., dict[str, Any]]
RULE = "community.windows.win_firewall_rule"
PORTAL: dict[str, Any] = {
    "name": "iSCSI Target portal 10.0.0.5",
    "description": "iSCSI",
    "group": "Storage",
    "direction": "in",
    "action": "allow",
    "protocol": "tcp",
    "localport": "3260",
    "localip": "10.0.0.5",
    "remoteip": "10.0.0.0/24,192.168.1.1-192.168.1.9",
    "profiles": ["domain", "private"],
    "enabled": True,
    "state": "present",
}


def test_create_change_remove(check_first: Run, run: Run, host: Host) -> None:
    created = check_first(RULE, **PORTAL)
    assert created["msg"] == "Firewall rule 'iSCSI Target portal 10.0.0.5' created."
    (rule,) = host.firewall.named("iscsi target PORTAL 10.0.0.5")
    value = host.registry.data(RULES_KEY, rule.id)
    assert isinstance(value, str)
    assert value.startswith(
        "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=3260|"
    )
    assert "|LA4=10.0.0.5|" in value
    assert "|RA4=10.0.0.0/255.255.255.0|RA4=192.168.1.1-192.168.1.9|" in value
    assert "|EmbedCtxt=Storage|" in value
    changed = run(RULE, **{**PORTAL, "localport": "3260,3261-3265", "enabled": False}, _diff=True)
    assert changed["diff"]["prepared"] == (
        "[iSCSI Target portal 10.0.0.5]\n-Enabled='True'\n+Enabled='False'\n-LocalPorts='3260'\n"
        "+LocalPorts='3260,3261-3265'\n"
    )
    assert "LPort2_10=3261-3265" in str(host.registry.data(RULES_KEY, rule.id))
    check_first(RULE, name=PORTAL["name"], state="absent")
    gone = run(RULE, name=PORTAL["name"], state="absent")
    assert gone["msg"] == "Firewall rule 'iSCSI Target portal 10.0.0.5' does not exist."


def test_only_given_options_are_compared(run: Run) -> None:
    run(RULE, **PORTAL)
    assert run(RULE, name=PORTAL["name"], protocol="tcp")["changed"] is False
    swapped = {**PORTAL, "remoteip": "192.168.1.1-192.168.1.9,10.0.0.0/255.255.255.0", "action": "ALLOW"}
    assert run(RULE, **swapped)["changed"] is False
    assert run(RULE, name=PORTAL["name"], remoteip="any")["changed"] is True


def test_group_switches_all_rules(run: Run) -> None:
    result = run(RULE, group="Remote Desktop", enabled=True)
    assert result["msg"] == "Firewall rule(s) changed 'Remote Desktop - User Mode (TCP-In)' - unchanged ''"
    assert run(RULE, group="Remote Desktop", enabled=True)["changed"] is False
    assert run(RULE, group="None", state="absent")["msg"] == "No firewall rules in group 'None' exist."
    assert run(RULE, group="None", enabled=True) == {"changed": False}
    assert run(RULE, group="iSCSI Service", state="absent", _diff=True)["diff"]["prepared"].startswith(
        "-[iSCSI"
    )


def test_other_properties(check_first: Run, host: Host) -> None:
    check_first(
        RULE, name="ping", protocol="icmpv4", icmp_type_code=["8:*"], interfacetypes=["lan", "wireless"], edge="deferapp",
        security="authdynenc", program="%SystemRoot%\\x.exe", service="Spooler", direction="out", action="block",
        localip="fd00::1,fd00::/64,LocalSubnet", profiles="domain,private,public",
    )  # fmt: skip
    (rule,) = host.firewall.named("ping")
    assert (rule.protocol, rule.icmp, rule.edge, rule.security) == (1, ["8:*"], 2, 3)
    assert (rule.program, rule.direction, rule.action) == ("C:\\Windows\\x.exe", "Out", "Block")
    assert rule.local_addresses == ["fd00::1", "fd00::/64", "LocalSubnet"]
    assert rule.profiles == []


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "sctp"}, "Unknown protocol 'sctp'."),
    ({"profiles": ["home"]}, "Unknown profile 'home'."),
    ({"interfacetypes": ["moon"]}, "Unknown interface type 'moon'."),
    ({"localport": "80"}, "Value does not fall within the expected range."),
    ({"protocol": "tcp", "localport": "http"}, "Value does not fall within the expected range."),
    ({"protocol": "udp", "remoteport": "70000"}, "Value does not fall within the expected range."),
    ({"remoteip": "10.0.0"}, "Value does not fall within the expected range."),
    ({"protocol": "tcp", "icmp_type_code": ["8:*"]}, "Value does not fall within the expected range."),
    ({"security": "maybe"}, "Get-AnsibleParam: Argument security needs to be one of notrequired,"),
    ({"direction": "up"}, "Get-AnsibleParam: Argument direction needs to be one of in,out but was up."),
    ({"name": None}, "Either name or group must be specified"),
]


@pytest.mark.parametrize(("arguments", "text"), FAILURES, ids=[text[:40] for _, text in FAILURES])
def test_failures(run: Run, arguments: dict[str, Any], text: str) -> None:
    result = run(RULE, **{"name": "x", **arguments})
    assert result["failed"]
    assert result["msg"].startswith(text)


@pytest.mark.parametrize(("protocol", "number"), [("50", 50), ("icmpv6:135", 58), ("any", None)])
def test_protocols(run: Run, host: Host, protocol: str, number: int | None) -> None:
    run(RULE, name="p", protocol=protocol)
    assert host.firewall.named("p")[0].protocol == number


def test_text_round_trip() -> None:
    text = "v2.31|Action=Block|Active=FALSE|Dir=Out|Protocol=58|ICMP6=135:*|App=System|Svc=x|Name=n|Edge=TRUE|Defer=User|"
    rule = parse_rule("{1}", text + "Security=AuthenticateEncrypt|TTK2_22=UserLogon|")
    assert rule.other == [("TTK2_22", "UserLogon")]
    assert (rule.edge, rule.security) == (3, 4)
    assert parse_rule("{1}", rule.to_text()) == rule
    assert FirewallRule("n").to_text() == "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=n|"

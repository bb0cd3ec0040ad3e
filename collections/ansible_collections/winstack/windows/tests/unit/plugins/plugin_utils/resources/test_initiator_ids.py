# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Initiator identifiers as they are written, sent and read."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.resources.initiator_ids import (
    InitiatorId,
    initiator_fault,
    initiator_of,
    read_initiator,
)


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"": "Iqn:iqn.1993-08.org.debian:01:ABC"}, "IQN:iqn.1993-08.org.debian:01:abc"),
        ({"": "Iqn:*", "Method": "Iqn", "Value": "*"}, "IQN:*"),
        ({"": "DnsName:VL-CL1"}, "DNSName:vl-cl1"),
        # The element printed as its class: Method and Value, with or without the prefix, are left.
        ({"": "Microsoft.Iscsi.Target.Commands.InitiatorId", "Method": "Iqn", "Value": "*"}, "IQN:*"),
        ({"": "", "Method": "IPAddress", "Value": "IPAddress:10.0.0.5"}, "IPAddress:10.0.0.5"),
        ({"": "MacAddress:00155d010203"}, "MACAddress:00-15-5D-01-02-03"),
        ({"": "IPv6Address:FD00:0:0::5"}, "IPv6Address:fd00::5"),
        # Whatever an administrator managed to enter is kept as it is.
        ({"": "IPAddress:any"}, "IPAddress:any"),
        ({"": "Other:x"}, "Other:x"),
        ({"": "Iqn:IQN:iqn.1993-08.org.debian:01:abc"}, "IQN:iqn.1993-08.org.debian:01:abc"),
        ({"": "Iqn:iqn.localhost.hostid.7f000001"}, "IQN:iqn.localhost.hostid.7f000001"),
        ({"": "no colon"}, "no colon"),
        ({}, ""),
    ],
)
def test_read(row: dict[str, str], shown: str) -> None:
    assert read_initiator(row).shown == shown


def test_dns_names_are_sent_as_they_are_written() -> None:
    parsed = initiator_of("dnsname:Node1.Example.org")
    assert parsed == InitiatorId("DNSName", "Node1.Example.org")
    assert str(parsed) == "DNSName:Node1.Example.org"
    assert parsed.shown == "DNSName:node1.example.org"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("IQN:*", None),
        ("iqn:iqn.1993-08.org.debian:01:abc", None),
        ("IQN:IQN:iqn.1993-08.org.debian:01:abc", None),
        ("IPv6Address:fe80::1", None),
        ("iqn.1993-08.org.debian:01:abc", "begins with no kind of identifier"),
        ("*", "begins with no kind of identifier"),
        ("IQN:iqn.localhost.hostid.7f000001", "is not an iSCSI name"),
        ("IPAddress:10.0.0.0/24", "is not an IPv4 address of one initiator"),
    ],
)
def test_form(text: str, fault: str | None) -> None:
    found = initiator_fault(text)
    assert found is None if fault is None else fault in str(found)


@pytest.mark.parametrize("text", ["IQN:iqn.LOCALHOST.hostid.7f000001", "Other:X", "no colon"])
def test_what_has_an_odd_form_is_kept_and_compared_without_case(text: str) -> None:
    assert initiator_of(text).value == text.partition(":")[2] or text
    assert initiator_of(text).key == initiator_of(text.upper()).key

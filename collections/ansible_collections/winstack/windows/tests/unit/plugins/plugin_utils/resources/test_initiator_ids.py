# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Initiator identifiers as they are written, sent and read."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.resources.initiator_ids import (
    InitiatorId,
    parse_initiator,
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
        ({}, ""),
    ],
)
def test_read(row: dict[str, str], shown: str) -> None:
    assert read_initiator(row).shown == shown


def test_dns_names_are_sent_as_they_are_written() -> None:
    parsed = parse_initiator("dnsname:Node1.Example.org")
    assert parsed == InitiatorId("DNSName", "Node1.Example.org")
    assert str(parsed) == "DNSName:Node1.Example.org"
    assert parsed.shown == "DNSName:node1.example.org"

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fact winstack_host."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils._host_view import firewall_rule, host_view
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Failure, Section

RULE = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3260|LA4=10.0.0.5|LA4=10.0.0.6|Name=iSCSI|EmbedCtxt=Winstack|"
NO_FILE = Failure("System.Management.Automation.ItemNotFoundException", "PathNotFound", "No.", "0x80131501")
DENIED = Failure("System.UnauthorizedAccessException", "Denied", "Access is denied.", "0x80070005")

TOPICS: dict[str, tuple[str, list[dict[str, t.Any]], t.Any]] = {
    "os": (
        "os",
        [
            {
                "BuildNumber": "20348",
                "Version": "10.0.20348",
                "Caption": "Microsoft Windows Server 2022 Datacenter",
                "ProductType": 3,
                "LastBootUpTime": "2026-01-02T03:04:05.0000000Z",
            }
        ],
        {
            "release": "2022",
            "build": 20348,
            "version": "10.0.20348",
            "caption": "Microsoft Windows Server 2022 Datacenter",
            "product_type": "server",
            "last_boot": "2026-01-02T03:04:05.0000000Z",
        },
    ),
    "computer": (
        "computer",
        [{"Name": "WIN1", "PartOfDomain": True, "Domain": "corp.example"}],
        {"name": "WIN1", "domain_joined": True, "domain": "corp.example"},
    ),
    "features": (
        "features",
        [{"Name": "Hyper-V", "InstallState": "Available"}],
        {"Hyper-V": "Available"},
    ),
    "services": (
        "services",
        [{"Name": "WinRM", "State": "Running", "StartMode": "Auto", "StartName": "NetworkService"}],
        {"WinRM": {"state": "running", "start_mode": "auto", "account": "NetworkService"}},
    ),
    "volumes": (
        "volumes",
        [
            {"DeviceID": "c:", "Size": 10, "FreeSpace": 5, "FileSystem": "NTFS", "DriveType": 3},
            {"DeviceID": "D:", "Size": None, "FreeSpace": None, "FileSystem": None, "DriveType": 5},
            {"DeviceID": "E:", "Size": 1, "FreeSpace": 1, "FileSystem": "x", "DriveType": 99},
        ],
        {
            "C:": {"size": 10, "free": 5, "file_system": "NTFS", "kind": "local"},
            "D:": {"size": None, "free": None, "file_system": None, "kind": "optical"},
            "E:": {"size": 1, "free": 1, "file_system": "x", "kind": "unknown"},
        },
    ),
    "addresses": (
        "addresses",
        [{"InterfaceAlias": "Ethernet", "IPAddress": "fe80::1%12", "PrefixLength": 64}],
        [{"interface": "Ethernet", "address": "fe80::1", "prefix": 64}],
    ),
    "firewall_rules": (
        "firewall_rules",
        [{"*": {"{GUID}": RULE, "odd": "v2.31|Action=Block|"}}],
        {
            "iSCSI": {
                "Action": "Allow",
                "Active": "TRUE",
                "Dir": "In",
                "Protocol": "6",
                "LPort": "3260",
                "LA4": "10.0.0.5,10.0.0.6",
                "Name": "iSCSI",
                "EmbedCtxt": "Winstack",
            }
        },
    ),
}


@pytest.mark.parametrize(("section", "rows", "seen"), TOPICS.values(), ids=TOPICS.keys())
def test_a_topic(section: str, rows: list[dict[str, t.Any]], seen: t.Any) -> None:
    assert host_view({section: Section(data=rows)}) == {
        section: seen,
        "paths": {},
        "reparse_points": [],
        "errors": {},
    }


def test_an_odd_product_type() -> None:
    row = TOPICS["os"][1][0] | {"ProductType": 9}
    assert host_view({"os": Section(data=[row])})["os"]["product_type"] == "unknown"


def test_what_was_not_answered_is_absent_and_told() -> None:
    view = host_view({"features": Section(ok=False, error=DENIED), "other": Section(ok=False)})
    assert view == {"paths": {}, "reparse_points": [], "errors": {"features": "Access is denied."}}


def test_paths() -> None:
    sections = {
        r"path:c:\dir": Section(data=[{"FullName": r"C:\dir", "PSIsContainer": True, "Length": None}]),
        r"path:c:\file": Section(data=[{"FullName": r"C:\file", "PSIsContainer": False, "Length": 1}]),
        r"path:c:\none": Section(ok=False, error=NO_FILE),
        r"path:c:\secret": Section(ok=False, error=DENIED),
        r"path:c:\empty": Section(),
    }
    assert host_view(sections) == {
        "paths": {
            r"c:\dir": "directory",
            r"c:\file": "file",
            r"c:\none": "absent",
            r"c:\secret": "unknown",
            r"c:\empty": "absent",
        },
        "reparse_points": [],
        "errors": {},
    }


def test_mount_points() -> None:
    mount = {
        "FullName": r"C:\Mount",
        "PSIsContainer": True,
        "Length": None,
        "Attributes": "Directory, ReparsePoint",
    }
    plain = mount | {"Attributes": "Directory"}
    view = host_view({r"path:c:\mount": Section(data=[mount]), r"path:c:\mount\in": Section(data=[plain])})
    assert view["reparse_points"] == [r"c:\mount"]
    assert view["paths"] == {r"c:\mount": "directory", r"c:\mount\in": "directory"}


def test_firewall_rule_without_value() -> None:
    assert firewall_rule("v2.31|Odd|Name=|Desc=a=b|") == {"Name": "", "Desc": "a=b"}


@given(st.text())
def test_no_text_breaks_the_reader_of_rules(text: str) -> None:
    assert isinstance(firewall_rule(text), dict)


def test_a_windows_that_is_too_old_is_told_and_not_an_error() -> None:
    name, rows, _view = TOPICS["os"]
    view = host_view({name: Section(data=[rows[0] | {"BuildNumber": "7601"}])})
    assert view["os"]["release"] == "unsupported"

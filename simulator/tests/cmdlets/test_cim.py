# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-CimInstance and WQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from winsim.cmdlets import CmdletError, PSObject, call
from winsim.cmdlets.wql import WqlError, parse
from winsim.errors import Unmodelled
from winsim.files import GIB
from winsim.host import Host

EXCEPTION = "Microsoft.Management.Infrastructure.CimException"
ROWS = [
    {"Name": "WinTarget", "Id": 1, "On": True, "Note": None},
    {"Name": "w32time", "Id": 20, "On": False, "Note": "it's\\here"},
]


@pytest.fixture
def host() -> Host:
    return Host.standard(
        features={"installed": ["FS-iSCSITarget-Server"]},
        iscsi={
            "disks": [
                {"path": "D:\\d\\volume-1.VHDX", "size": "2GiB", "type": "fixed", "description": "volume-1"},
                {"path": "D:\\d\\b.vhdx", "size": "1GiB", "enabled": False},
            ],
            "snapshots": [{"disk": "D:\\d\\volume-1.VHDX"}],
            "targets": [
                {
                    "name": "T",
                    "initiators": ["IQN:*", "IPAddress:10.0.0.1"],
                    "mappings": {3: "D:\\d\\volume-1.VHDX"},
                    "sessions": ["iqn.1991-05.com.microsoft:a"],
                    "chap": {"username": "u", "secret": "secretsecret"},
                    "enabled": False,
                }
            ],
        },
    )


def cim(host: Host, name: str, **params: Any) -> list[dict[str, Any]]:
    found = call(host, "Get-CimInstance", {"ClassName": name, **params})
    assert all(isinstance(item, PSObject) for item in found)
    return [item.properties for item in found]


def wmi(host: Host, name: str, **params: Any) -> list[dict[str, Any]]:
    return cim(host, name, Namespace="root/wmi", **params)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Name='wintarget'", ["WinTarget"]),
        ("name = 'WinTarget' OR NAME=\"W32Time\"", ["WinTarget", "w32time"]),
        ("Name LIKE 'w%'", ["WinTarget", "w32time"]),
        ("Name LIKE '%time'", ["w32time"]),
        ("Name LIKE 'w[0-9]2_ime'", ["w32time"]),
        ("Name LIKE 'w[^0-9]%'", ["WinTarget"]),
        ("NOT Name LIKE 'w3%'", ["WinTarget"]),
        ("Id > 1", ["w32time"]),
        ("Id >= 1 AND Id <= 1", ["WinTarget"]),
        ("Id <> 1", ["w32time"]),
        ("Id != '1'", ["w32time"]),
        ("Id < 1.5", ["WinTarget"]),
        ("Id = 'x'", []),
        ("On = TRUE", ["WinTarget"]),
        ("On = false", ["w32time"]),
        ("Note IS NULL", ["WinTarget"]),
        ("Note IS NOT NULL", ["w32time"]),
        ("Note = NULL", ["WinTarget"]),
        (r"Note = 'it\'s\\here'", ["w32time"]),
        ("(Id = 1 OR Id = 20) AND NOT (On = TRUE)", ["w32time"]),
        ("Id = 1 OR Id = 20 AND On = TRUE", ["WinTarget"]),
    ],
)
def test_wql(text: str, names: list[str]) -> None:
    test = parse(text, list(ROWS[0]))
    assert [row["Name"] for row in ROWS if test(row)] == names


@pytest.mark.parametrize(
    "text",
    ["Bogus=1", "Name", "Name=", "Name='a", "Name==1", "Name='a' OR", "(Id=1", "Id=1)", "Id=1 Id=2", "Id ~ 1",
     "and=1", "Id = word", "Id IS 1", "'a'=Id"],
)  # fmt: skip
def test_bad_wql(text: str) -> None:
    with pytest.raises(WqlError):
        parse(text, list(ROWS[0]))


def test_system_classes(host: Host) -> None:
    (system,) = cim(host, "win32_operatingsystem")
    assert (system["Version"], system["BuildNumber"], system["ProductType"]) == ("10.0.20348", "20348", 3)
    assert system["LocalDateTime"] - system["LastBootUpTime"] > timedelta(minutes=30)
    (computer,) = cim(host, "Win32_ComputerSystem", Property=["name", "PartOfDomain"])
    assert (computer["Name"], computer["PartOfDomain"], computer["Domain"]) == ("WIN-TEST", False, None)
    (member,) = cim(Host.standard(domain="corp.example"), "Win32_ComputerSystem")
    assert (member["Domain"], member["PartOfDomain"], member["DomainRole"]) == ("corp.example", True, 3)
    disks = cim(host, "Win32_LogicalDisk", Filter="DriveType=3")
    assert [(d["DeviceID"], d["FileSystem"]) for d in disks] == [("C:", "NTFS"), ("D:", "NTFS")]
    assert disks[0]["Size"] == 64 * GIB


def test_services(host: Host) -> None:
    found = cim(host, "Win32_Service", Filter="Name='WinTarget' OR Name='w32time' OR Name='none'")
    assert {d["Name"]: (d["State"], d["StartMode"]) for d in found} == {
        "WinTarget": ("Running", "Auto"),
        "W32Time": ("Stopped", "Manual"),
    }
    assert cim(host, "Win32_Service", Filter="Name='none'") == []
    query = {"Query": ["SELECT Name, State FROM Win32_Service WHERE Name = 'WinTarget'"]}
    (service,) = call(host, "Get-CimInstance", query)
    assert (service.get("state"), service.get("StartMode"), str(service)) == (
        "Running",
        None,
        "Win32_Service",
    )
    assert len(call(host, "Get-CimInstance", {"Query": "select * from Win32_OperatingSystem"})) == 1


def test_target_classes(host: Host) -> None:
    disks = wmi(host, "WT_Disk")
    assert [(d["WTD"], d["DevicePath"], d["Size"], d["Type"], d["Enabled"], d["Status"]) for d in disks] == [
        (0, "D:\\d\\volume-1.VHDX", 2048, 2, True, 1),
        (1, "D:\\d\\b.vhdx", 1024, 3, False, 0),
    ]
    assert disks[0]["AllocatedSize"] == 2052
    (target,) = wmi(host, "WT_Host")
    assert (target["HostName"], target["Enabled"], target["Status"], target["CHAPSecret"]) == (
        "T",
        False,
        1,
        None,
    )
    assert (target["EnableCHAP"], target["CHAPUserName"]) == (True, "u")
    assert wmi(host, "WT_Portal") == [{"Address": "172.21.0.11", "Port": 3260, "Listen": True}]
    assert [(m["Method"], m["Value"]) for m in wmi(host, "WT_IDMethod")] == [(4, "*"), (2, "10.0.0.1")]
    assert wmi(host, "WT_LUNMapping") == [{"HostName": "T", "LUN": 3, "WTD": 0}]
    assert wmi(host, "WT_Session")[0]["InitiatorIQN"] == "iqn.1991-05.com.microsoft:a"
    assert wmi(host, "WT_Snapshot")[0]["OrigWTD"] == 0
    assert wmi(host, "WT_Disk", Filter="Description='volume-1'")[0]["WTD"] == 0


def test_filter_without_instances() -> None:
    host = Host.standard(features={"installed": ["FS-iSCSITarget-Server"]})
    assert wmi(host, "WT_Disk", Filter="Description='x'") == []


def refused(host: Host, code: int, **params: Any) -> None:
    with pytest.raises(CmdletError) as caught:
        call(host, "Get-CimInstance", params)
    assert caught.value.type == EXCEPTION
    assert caught.value.error_id.startswith(
        f"HRESULT 0x{code:08x},Microsoft.Management.Infrastructure.CimCmdlets"
    )


def test_refusals(host: Host) -> None:
    refused(host, 0x8004100E, ClassName="WT_Disk", Namespace="root/nowhere")
    refused(host, 0x80041010, ClassName="WT_Disk")
    refused(host, 0x80041010, ClassName="WT_Bogus", Namespace="root\\wmi")
    refused(host, 0x80041017, ClassName="Win32_Service", Filter="Bogus=1")
    refused(host, 0x80041017, Query="DELETE Win32_Service")
    refused(Host.standard(), 0x80041010, ClassName="WT_Disk", Namespace="root/wmi")
    host.iscsi.remote_management_disabled = True
    refused(host, 0x80041003, ClassName="WT_Disk", Namespace="root/wmi")
    assert call(
        host, "Get-CimInstance", {"ClassName": "WT_Disk", "Namespace": "root/wmi"}, network_logon=False
    )
    host.services.stop("WinTarget")
    refused(host, 0x80041004, ClassName="WT_Disk", Namespace="root/wmi")


@pytest.mark.parametrize(
    "params",
    [
        {"ClassName": "Win32_Bios"},
        {"ClassName": "Msvm_ComputerSystem", "Namespace": "root/virtualization/v2"},
        {"ClassName": "Win32_Service", "ComputerName": "other"},
        {"ClassName": "Win32_Service", "KeyOnly": True},
    ],
)
def test_not_modelled(host: Host, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled):
        call(host, "Get-CimInstance", params)

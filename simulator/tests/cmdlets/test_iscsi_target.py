# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IscsiTarget cmdlets: what they do and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, Credential, PSObject, call
from winsim.errors import FileError, Unmodelled
from winsim.files import GIB, MIB
from winsim.host import Host
from winsim.iscsi import InitiatorId

TIB = 1024 * GIB
EXCEPTION = "Microsoft.Iscsi.Target.Commands.IscsiCmdException"
CINDER = "iqn.2010-10.org.openstack:"
ISCSI = {
    "disks": [
        {"path": "D:\\disks\\a.vhdx", "size": "10GiB", "description": "first"},
        {"path": "D:\\disks\\fixed.vhdx", "size": "1GiB", "type": "fixed"},
        {"path": "D:\\disks\\old.vhd", "size": "1GiB"},
        {"path": "D:\\disks\\oldfixed.vhd", "size": "1GiB", "type": "fixed"},
        {"path": "D:\\disks\\full.vhdx", "size": "10GiB", "minimum_size": "4GiB", "used": "5GiB"},
        {"path": "D:\\disks\\loose.vhdx", "size": "2GiB", "registered": False},
        {"path": "D:\\disks\\loose.vhd", "size": "2GiB", "registered": False},
        {
            "path": "D:\\disks\\child.vhdx",
            "size": "10GiB",
            "type": "differencing",
            "parent": "D:\\disks\\a.vhdx",
        },
        {"path": "D:\\disks\\off.vhdx", "size": "1GiB", "enabled": False, "file_missing": True},
        {"path": "C:\\iSCSIVirtualDisks\\volume-1.VHDX", "size": "1GiB", "description": "volume-1"},
        {
            "path": "D:\\disks\\orphan.vhdx",
            "size": "1GiB",
            "type": "differencing",
            "parent": "D:\\disks\\gone.vhdx",
            "registered": False,
        },
    ],
    "snapshots": [{"disk": "D:\\disks\\full.vhdx", "description": "before"}],
    "targets": [
        {
            "name": "Shared",
            "description": "for tests",
            "initiators": ["IQN:iqn.1991-05.com.microsoft:node1", "DNSName:VL-CL1"],
            "mappings": {0: "D:\\disks\\fixed.vhdx", 2: "D:\\disks\\full.vhdx"},
            "sessions": ["iqn.1991-05.com.microsoft:node1"],
        },
        {
            "name": f"{CINDER}volume-1",
            "iqn": "iqn.1991-05.com.microsoft:win-test-volume-1-target",
            "chap": {"username": "u", "secret": "secretsecret"},
            "mappings": {0: "C:\\iSCSIVirtualDisks\\volume-1.VHDX"},
            "enabled": False,
        },
    ],
    "portals": [{"address": "10.0.0.5", "port": 3261, "enabled": False}],
}


@pytest.fixture
def host() -> Host:
    return Host.standard(
        addresses=["172.21.0.11/24", "10.0.0.5/8", "fd00::11/64"],
        volumes={
            "C": {"size": "64GiB", "free": "40GiB"},
            "D": {"size": "500GiB", "free": "400GiB"},
            "E": {"size": "4GiB", "free": "4GiB"},
            "F": {"filesystem": "FAT32"},
            "G": {"filesystem": "ReFS"},
            "N": {"drive_type": 4},
        },
        features={"installed": ["FS-iSCSITarget-Server"]},
        iscsi=ISCSI,
    )


def one(host: Host, name: str, **params: Any) -> dict[str, Any]:
    (found,) = call(host, name, params)
    assert isinstance(found, PSObject)
    return found.properties


def refused(host: Host, name: str, params: dict[str, Any]) -> CmdletError:
    before = host.iscsi.dump()
    with pytest.raises(CmdletError) as caught:
        call(host, name, params)
    assert host.iscsi.dump() == before
    return caught.value


# Availability ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Get-IscsiVirtualDisk", "Get-IscsiServerTarget", "Get-IscsiTargetServerSetting"]
)
def test_stopped_service(host: Host, name: str) -> None:
    host.services.stop("WinTarget")
    error = refused(host, name, {})
    assert error.type == EXCEPTION
    assert error.hresult == 0x80070426


def test_remote_management(host: Host) -> None:
    call(host, "Set-IscsiTargetServerSetting", {"DisableRemoteManagement": True})
    assert refused(host, "Get-IscsiVirtualDisk", {}).type == EXCEPTION
    assert (
        refused(host, "Set-IscsiTargetServerSetting", {"DisableRemoteManagement": False}).hresult
        == 0x80070005
    )
    local = {"DisableRemoteManagement": False}
    call(host, "Set-IscsiTargetServerSetting", local, network_logon=False)
    assert call(host, "Get-IscsiVirtualDisk", {})


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Get-IscsiVirtualDisk", {"ComputerName": "other"}),
        ("New-IscsiServerTarget", {"TargetName": "t", "ClusterGroupName": "group"}),
    ],
)
def test_other_computers(host: Host, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled):
        call(host, name, params)


# Reading --------------------------------------------------------------------------------------------------------


def test_disk_properties(host: Host) -> None:
    found = one(host, "Get-IscsiVirtualDisk", Path="d:/DISKS/a.VHDX")
    assert list(found) == [
        "ClusterGroupName", "ComputerName", "Description", "DiskType", "HostVolumeId", "LocalMountDeviceId",
        "OriginalPath", "ParentPath", "Path", "SerialNumber", "Size", "SnapshotIds", "Status", "VirtualDiskIndex",
    ]  # fmt: skip
    assert found["Path"] == "D:\\disks\\a.vhdx"
    assert (found["Size"], str(found["DiskType"]), str(found["Status"])) == (
        10 * GIB,
        "Dynamic",
        "NotConnected",
    )
    fixed = one(host, "Get-IscsiVirtualDisk", Path="D:\\disks\\fixed.vhdx")
    assert (str(fixed["DiskType"]), str(fixed["Status"])) == ("Fixed", "Connected")
    assert (
        one(host, "Get-IscsiVirtualDisk", Path="D:\\disks\\child.vhdx")["ParentPath"] == "D:\\disks\\a.vhdx"
    )
    assert fixed["SerialNumber"] != found["SerialNumber"]


def test_target_properties(host: Host) -> None:
    found = one(host, "Get-IscsiServerTarget", TargetName="shared")
    assert list(found) == [
        "ChapUserName", "ClusterGroupName", "ComputerName", "Description", "EnableChap", "EnableReverseChap",
        "EnforceIdleTimeoutDetection", "FirstBurstLength", "IdleDuration", "InitiatorIds", "LastLogin",
        "LunMappings", "MaxBurstLength", "MaxReceiveDataSegmentLength", "ReceiveBufferCount",
        "ReverseChapUserName", "Sessions", "Status", "TargetIqn", "TargetName",
    ]  # fmt: skip
    assert str(found["TargetIqn"]) == "iqn.1991-05.com.microsoft:win-test-shared-target"
    assert [str(item) for item in found["InitiatorIds"]] == [
        "Iqn:iqn.1991-05.com.microsoft:node1",
        "DnsName:VL-CL1",
    ]
    assert [(m.get("path"), m.get("Lun")) for m in found["LunMappings"]] == [
        ("D:\\disks\\fixed.vhdx", 0),
        ("D:\\disks\\full.vhdx", 2),
    ]
    assert str(found["Status"]) == "Connected"
    assert [str(item) for item in found["Sessions"]] == ["iqn.1991-05.com.microsoft:node1"]
    cinder = one(host, "Get-IscsiServerTarget", TargetName=f"{CINDER}VOLUME-1")
    assert cinder["EnableChap"] is True
    assert cinder["ChapUserName"] == "u"
    assert "secretsecret" not in str(cinder) + str(host.iscsi.dump()) + repr(host.iscsi.targets)


@pytest.mark.parametrize(
    ("name", "params", "wanted"),
    [
        ("Get-IscsiServerTarget", {}, ["Shared", f"{CINDER}volume-1"]),
        ("Get-IscsiServerTarget", {"Path": "d:\\disks\\FULL.vhdx"}, ["Shared"]),
        ("Get-IscsiServerTarget", {"InitiatorId": "dnsname:vl-cl1"}, ["Shared"]),
        ("Get-IscsiServerTarget", {"InitiatorId": "IQN:iqn.1991-05.com.x:a"}, []),
        ("Get-IscsiVirtualDisk", {"TargetName": "SHARED"}, ["D:\\disks\\fixed.vhdx", "D:\\disks\\full.vhdx"]),
        (
            "Get-IscsiVirtualDisk",
            {"InitiatorId": "DNSName:vl-cl1"},
            ["D:\\disks\\fixed.vhdx", "D:\\disks\\full.vhdx"],
        ),
        ("Get-IscsiVirtualDiskSnapshot", {}, ["D:\\disks\\full.vhdx"]),
        ("Get-IscsiVirtualDiskSnapshot", {"Path": "D:\\disks\\full.vhdx"}, ["D:\\disks\\full.vhdx"]),
        ("Get-IscsiVirtualDiskSnapshot", {"OriginalPath": "D:\\disks\\a.vhdx"}, []),
    ],
)
def test_filters(host: Host, name: str, params: dict[str, Any], wanted: list[str]) -> None:
    key = {"Get-IscsiServerTarget": "TargetName", "Get-IscsiVirtualDiskSnapshot": "OriginalPath"}.get(
        name, "Path"
    )
    assert [item.get(key) for item in call(host, name, params)] == wanted


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Get-IscsiVirtualDisk", {"Path": "D:\\disks\\none.vhdx"}),
        ("Get-IscsiVirtualDisk", {"TargetName": "none"}),
        ("Get-IscsiServerTarget", {"TargetName": "none"}),
        ("Get-IscsiServerTarget", {"Path": "D:\\disks\\none.vhdx"}),
        ("Get-IscsiVirtualDiskSnapshot", {"SnapshotId": "{0}"}),
        ("Get-IscsiVirtualDiskSnapshot", {"OriginalPath": "D:\\none.vhdx"}),
        ("Set-IscsiVirtualDisk", {"Path": "D:\\none.vhdx", "Description": "x"}),
        ("Resize-IscsiVirtualDisk", {"Path": "D:\\none.vhdx", "Size": GIB}),
        ("Remove-IscsiVirtualDisk", {"Path": "D:\\none.vhdx"}),
        ("Stop-IscsiVirtualDiskOperation", {"Path": "D:\\none.vhdx"}),
        ("Set-IscsiServerTarget", {"TargetName": "none"}),
        ("Remove-IscsiServerTarget", {"TargetName": "none"}),
        ("Add-IscsiVirtualDiskTargetMapping", {"TargetName": "none", "Path": "D:\\disks\\a.vhdx"}),
        ("Add-IscsiVirtualDiskTargetMapping", {"TargetName": "Shared", "Path": "D:\\none.vhdx"}),
        ("Remove-IscsiVirtualDiskTargetMapping", {"TargetName": "Shared", "Path": "D:\\disks\\a.vhdx"}),
        ("Remove-IscsiVirtualDiskTargetMapping", {"TargetName": "none", "Path": "D:\\disks\\a.vhdx"}),
        ("Checkpoint-IscsiVirtualDisk", {"Path": "D:\\none.vhdx"}),
        ("Remove-IscsiVirtualDiskSnapshot", {"SnapshotId": "{0}"}),
        ("Restore-IscsiVirtualDisk", {"SnapshotId": "{0}"}),
    ],
)
def test_missing_objects(host: Host, name: str, params: dict[str, Any]) -> None:
    error = refused(host, name, params)
    assert error.type == EXCEPTION
    assert error.hresult == 0x80070490


def test_setting(host: Host) -> None:
    found = one(host, "Get-IscsiTargetServerSetting")
    assert found["Version"] == "10.0.20348"
    assert [str(item) for item in found["Portals"]] == [
        "+172.21.0.11:3260",
        "-10.0.0.5:3261",
        "+[fd00::11]:3260",
    ]
    assert str(found["Portals"][2].get("IPEndpoint")) == "[fd00::11]:3260"
    assert found["Portals"][1].get("IPEndpoint").get("port") == 3261


# Disks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "size", "kind"),
    [
        ({"Path": "D:\\disks\\new.vhdx", "SizeBytes": GIB}, GIB, "Dynamic"),
        ({"Path": "D:\\disks\\NEW.VHDX", "Size": GIB + 1}, GIB + 4096, "Dynamic"),
        ({"Path": "D:/disks/new.vhdx", "Size": 3 * MIB}, 3 * MIB, "Dynamic"),
        ({"Path": "D:\\new.vhdx", "Size": 64 * TIB}, 64 * TIB, "Dynamic"),
        ({"Path": "G:\\new.vhdx", "Size": GIB}, GIB, "Dynamic"),
        (
            {"Path": "D:\\disks\\new.vhdx", "Size": GIB, "UseFixed": True, "DoNotClearData": True},
            GIB,
            "Fixed",
        ),
        ({"Path": "D:\\disks\\new.vhdx", "ParentPath": "D:\\disks\\a.vhdx"}, 10 * GIB, "Differencing"),
        (
            {"Path": "D:\\disks\\new.vhdx", "ParentPath": "D:\\disks\\a.vhdx", "Size": 20 * GIB},
            20 * GIB,
            "Differencing",
        ),
        (
            {
                "Path": "D:\\disks\\new.vhdx",
                "Size": GIB,
                "LogicalSectorSizeBytes": 4096,
                "PhysicalSectorSizeBytes": 4096,
                "BlockSizeBytes": MIB,
                "Description": "new",
            },
            GIB,
            "Dynamic",
        ),
        (
            {"Path": "D:\\disks\\new.vhdx", "Size": GIB + 1, "PhysicalSectorSizeBytes": 512},
            GIB + 512,
            "Dynamic",
        ),
    ],
)
def test_new_disk(host: Host, params: dict[str, Any], size: int, kind: str) -> None:
    found = one(host, "New-IscsiVirtualDisk", **params)
    assert (found["Size"], str(found["DiskType"])) == (size, kind)
    assert found["Path"] == params["Path"].replace("/", "\\")
    assert found["Description"] == params.get("Description", "")
    assert host.files.is_file(params["Path"])
    assert host.iscsi.disk(params["Path"]).enabled


@pytest.mark.parametrize(
    ("params", "hresult"),
    [
        ({"Path": "D:\\disks\\a.vhdx", "Size": GIB}, 0x80070050),
        ({"Path": "d:\\DISKS\\A.vhdx", "Size": GIB}, 0x80070050),
        ({"Path": "D:\\disks\\loose.vhdx", "Size": GIB}, 0x80070050),
        ({"Path": "D:\\disks\\off.vhdx", "Size": GIB}, 0x80070050),
        ({"Path": "D:\\disks\\x.vhd", "Size": GIB}, 0x80070057),
        ({"Path": "D:\\disks\\x.img", "Size": GIB}, 0x80070057),
        ({"Path": "D:\\disks\\.vhdx", "Size": GIB}, 0x80070057),
        ({"Path": "\\\\server\\share\\x.vhdx", "Size": GIB}, 0x80070032),
        ({"Path": "x.vhdx", "Size": GIB}, 0x80070057),
        ({"Path": "D:x.vhdx", "Size": GIB}, 0x80070057),
        ({"Path": "\\x.vhdx", "Size": GIB}, 0x80070057),
        ({"Path": "X:\\x.vhdx", "Size": GIB}, 0x80070003),
        ({"Path": "F:\\x.vhdx", "Size": GIB}, 0x80070032),
        ({"Path": "N:\\x.vhdx", "Size": GIB}, 0x80070032),
        ({"Path": "D:\\missing\\x.vhdx", "Size": GIB}, 0x80070003),
        ({"Path": "D:\\disks\\a.vhdx\\x.vhdx", "Size": GIB}, 0x80070003),
        ({"Path": "D:\\disks\\a|b.vhdx", "Size": GIB}, 0x8007007B),
        ({"Path": "D:\\disks\\..\\disks\\a.vhdx", "Size": GIB}, 0x80070050),
        ({"Path": "D:\\disks\\x.vhdx", "Size": 0}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "Size": 2 * MIB}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "Size": 64 * TIB + 1}, 0x80070057),
        ({"Path": "E:\\x.vhdx", "Size": 4 * GIB, "UseFixed": True}, 0x80070070),
        ({"Path": "D:\\disks\\x.vhdx", "Size": GIB, "LogicalSectorSizeBytes": 1024}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "Size": GIB, "PhysicalSectorSizeBytes": 8192}, 0x80070057),
        (
            {
                "Path": "D:\\disks\\x.vhdx",
                "Size": GIB,
                "LogicalSectorSizeBytes": 4096,
                "PhysicalSectorSizeBytes": 512,
            },
            0x80070057,
        ),
        ({"Path": "D:\\disks\\x.vhdx", "Size": GIB, "BlockSizeBytes": 3 * MIB}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "Size": GIB, "BlockSizeBytes": 512 * MIB}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "ParentPath": "D:\\disks\\none.vhdx"}, 0x80070002),
        ({"Path": "D:\\disks\\x.vhdx", "ParentPath": "none.vhdx"}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "ParentPath": "D:\\disks\\loose.vhd"}, 0x80070057),
        ({"Path": "D:\\disks\\x.vhdx", "ParentPath": "D:\\disks\\a.vhdx", "Size": GIB}, 0x80070057),
    ],
)
def test_new_disk_refused(host: Host, params: dict[str, Any], hresult: int) -> None:
    error = refused(host, "New-IscsiVirtualDisk", params)
    assert (error.type, f"{error.hresult:#x}") == (EXCEPTION, f"{hresult:#x}")
    assert not host.files.exists("D:\\disks\\x.vhdx")


def test_compressed_folder(host: Host) -> None:
    host.files.mkdir("D:\\packed").attributes.add("Compressed")
    refused(host, "New-IscsiVirtualDisk", {"Path": "D:\\packed\\x.vhdx", "Size": GIB})


def test_space(host: Host) -> None:
    """A fixed disk takes its size, a dynamic one next to nothing; the file stays after removal."""
    volume = host.files.volumes["D"]
    free = volume.free
    call(host, "New-IscsiVirtualDisk", {"Path": "D:\\thin.vhdx", "Size": 300 * GIB})
    assert free - volume.free == 4 * MIB
    call(host, "New-IscsiVirtualDisk", {"Path": "D:\\thick.vhdx", "Size": 100 * GIB, "UseFixed": True})
    assert free - volume.free == 100 * GIB + 8 * MIB
    call(host, "Remove-IscsiVirtualDisk", {"Path": "D:\\thick.vhdx"})
    assert host.files.is_file("D:\\thick.vhdx")
    assert host.iscsi.vhd_at("D:\\thick.vhdx") is not None
    host.files.remove("D:\\thick.vhdx")
    assert free - volume.free == 4 * MIB


def test_open_files(host: Host) -> None:
    """WinTarget holds the files of enabled disks open while it runs."""
    path = "D:\\disks\\a.vhdx"
    with pytest.raises(FileError):
        host.files.remove(path)
    call(host, "Set-IscsiVirtualDisk", {"Path": path, "Enable": False})
    host.files.remove(path)
    host.files.write(path, None, size=10 * GIB)
    assert host.iscsi.vhd_at(path) is not None
    call(host, "Set-IscsiVirtualDisk", {"Path": path, "Enable": True})
    host.services.stop("WinTarget")
    host.files.remove(path)
    host.services.start("WinTarget")
    with pytest.raises(FileError):
        host.files.remove("D:\\disks\\fixed.vhdx")
    host.services.set_start_type("WinTarget", "disabled")
    host.reboot()
    host.files.remove("D:\\disks\\fixed.vhdx")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("D:\\disks\\loose.vhdx", "Dynamic"), ("d:\\disks\\LOOSE.vhd", "Dynamic"), ("D:\\raw.vhd", "Fixed")],
)
def test_import(host: Host, path: str, kind: str) -> None:
    host.files.write("D:\\raw.vhd", None, size=GIB + 512)
    assert call(host, "Import-IscsiVirtualDisk", {"Path": path}) == []
    found = one(host, "Get-IscsiVirtualDisk", Path=path)
    assert str(found["DiskType"]) == kind
    call(host, "Remove-IscsiVirtualDisk", {"Path": path})
    shown = one(host, "Import-IscsiVirtualDisk", Path=path, Description="again", PassThru=True)
    assert (shown["Description"], shown["Size"]) == ("again", found["Size"])


@pytest.mark.parametrize(
    ("path", "hresult"),
    [
        ("D:\\disks\\none.vhdx", 0x80070002),
        ("D:\\disks", 0x80070057),
        ("D:\\disks\\a.vhdx", 0x80070050),
        ("D:\\disks\\off.vhdx", 0x80070002),
        ("D:\\text.vhdx", 0x80070570),
        ("D:\\text.txt", 0x80070057),
        ("\\\\server\\share\\x.vhdx", 0x80070032),
        ("D:\\disks\\orphan.vhdx", 0x80070002),
    ],
)
def test_import_refused(host: Host, path: str, hresult: int) -> None:
    host.files.write("D:\\text.vhdx", b"no disk")
    host.files.write("D:\\text.txt", b"no disk")
    error = refused(host, "Import-IscsiVirtualDisk", {"Path": path})
    assert (error.type, f"{error.hresult:#x}") == (EXCEPTION, f"{hresult:#x}")


def test_set_disk(host: Host) -> None:
    path = "D:\\disks\\a.vhdx"
    assert call(host, "Set-IscsiVirtualDisk", {"Path": path, "Description": "", "Enable": False}) == []
    assert (host.iscsi.disk(path).description, host.iscsi.disk(path).enabled) == ("", False)
    (disk,) = call(host, "Get-IscsiVirtualDisk", {"Path": path})
    shown = one(host, "Set-IscsiVirtualDisk", InputObject=disk, Description="b", PassThru=True)
    assert shown["Description"] == "b"
    assert (
        refused(host, "Set-IscsiVirtualDisk", {"Path": "D:\\disks\\off.vhdx", "Enable": True}).type
        == EXCEPTION
    )


@pytest.mark.parametrize(
    ("path", "size", "wanted"),
    [
        ("D:\\disks\\a.vhdx", 20 * GIB, 20 * GIB),
        ("D:\\disks\\a.vhdx", 10 * GIB + 1, 10 * GIB + 4096),
        ("D:\\disks\\a.vhdx", 10 * GIB, 10 * GIB),
        ("D:\\disks\\fixed.vhdx", 2 * GIB, 2 * GIB),
        ("D:\\disks\\old.vhd", 2 * GIB, 2 * GIB),
        ("D:\\disks\\full.vhdx", 4 * GIB, 4 * GIB),
    ],
)
def test_resize(host: Host, path: str, size: int, wanted: int) -> None:
    free = host.files.volumes["D"].free
    assert one(host, "Resize-IscsiVirtualDisk", Path=path, Size=size, PassThru=True)["Size"] == wanted
    used = GIB if "fixed" in path else 0
    assert free - host.files.volumes["D"].free == used


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("D:\\disks\\a.vhdx", 5 * GIB),
        ("D:\\disks\\full.vhdx", 4 * GIB - 4096),
        ("D:\\disks\\old.vhd", GIB - 4096),
        ("D:\\disks\\old.vhd", 3 * TIB),
        ("D:\\disks\\oldfixed.vhd", 17 * TIB),
        ("D:\\disks\\a.vhdx", 65 * TIB),
        ("D:\\disks\\fixed.vhdx", 600 * GIB),
        ("D:\\disks\\off.vhdx", 2 * GIB),
    ],
)
def test_resize_refused(host: Host, path: str, size: int) -> None:
    assert refused(host, "Resize-IscsiVirtualDisk", {"Path": path, "Size": size}).type == EXCEPTION


def test_remove_disk(host: Host) -> None:
    mapped = refused(host, "Remove-IscsiVirtualDisk", {"Path": "D:\\disks\\fixed.vhdx"})
    assert (mapped.type, mapped.hresult) == (EXCEPTION, 0x800700AA)
    call(
        host, "Remove-IscsiVirtualDiskTargetMapping", {"TargetName": "Shared", "Path": "D:\\disks\\full.vhdx"}
    )
    assert refused(host, "Remove-IscsiVirtualDisk", {"Path": "D:\\disks\\full.vhdx"}).hresult == 0x800700AA
    (disk,) = call(host, "Get-IscsiVirtualDisk", {"Path": "D:\\disks\\a.vhdx"})
    call(host, "Remove-IscsiVirtualDisk", {"InputObject": disk})
    call(host, "Remove-IscsiVirtualDisk", {"Path": "D:\\disks\\off.vhdx"})
    assert host.files.is_file("D:\\disks\\a.vhdx")
    assert host.iscsi.find_disk("D:\\disks\\a.vhdx") is None
    host.files.remove("D:\\disks\\a.vhdx")
    assert call(host, "Stop-IscsiVirtualDiskOperation", {"Path": "D:\\disks\\fixed.vhdx"}) == []


# Snapshots ------------------------------------------------------------------------------------------------------


def test_snapshots(host: Host) -> None:
    path = "D:\\disks\\full.vhdx"
    made = one(host, "Checkpoint-IscsiVirtualDisk", OriginalPath=path, Description="now")
    id = made["SnapshotId"]
    assert made["OriginalPath"] == path
    assert one(host, "Get-IscsiVirtualDisk", Path=path)["SnapshotIds"].split(",")[-1] == id
    call(host, "Set-IscsiVirtualDiskSnapshot", {"SnapshotId": id.lower(), "Description": "later"})
    assert one(host, "Set-IscsiVirtualDiskSnapshot", SnapshotId=id, PassThru=True)["Description"] == "later"
    call(host, "Mount-IscsiVirtualDiskSnapshot", {"SnapshotId": id})
    assert str(one(host, "Get-IscsiVirtualDiskSnapshot", SnapshotId=id)["Status"]) == "Mounted"
    call(host, "Dismount-IscsiVirtualDiskSnapshot", {"SnapshotId": id})
    exported = one(host, "Export-IscsiVirtualDiskSnapshot", SnapshotId=id)
    assert exported["OriginalPath"] == path
    assert str(one(host, "Get-IscsiVirtualDiskSnapshot", SnapshotId=id)["Status"]) == "Exported"
    refused(host, "Export-IscsiVirtualDiskSnapshot", {"SnapshotId": id})
    refused(host, "Remove-IscsiVirtualDiskSnapshot", {"SnapshotId": id})
    call(host, "Remove-IscsiVirtualDisk", {"Path": exported["Path"]})
    call(host, "Resize-IscsiVirtualDisk", {"Path": path, "Size": 30 * GIB})
    (snapshot,) = call(host, "Get-IscsiVirtualDiskSnapshot", {"SnapshotId": id})
    call(host, "Restore-IscsiVirtualDisk", {"InputObject": snapshot})
    assert one(host, "Get-IscsiVirtualDisk", Path=path)["Size"] == 10 * GIB
    call(host, "Remove-IscsiVirtualDiskSnapshot", {"InputObject": snapshot})
    assert len(call(host, "Get-IscsiVirtualDiskSnapshot", {})) == 1
    refused(host, "Checkpoint-IscsiVirtualDisk", {"Path": "D:\\disks\\child.vhdx"})


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("Convert-IscsiVirtualDisk", {"Path": "D:\\disks\\old.vhd", "DestinationPath": "D:\\x.vhdx"}),
        ("Export-IscsiTargetServerConfiguration", {"Filename": "C:\\x.xml"}),
        ("Import-IscsiTargetServerConfiguration", {"Filename": "C:\\x.xml"}),
    ],
)
def test_not_modelled(host: Host, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled, match=name):
        call(host, name, params)


# Targets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("IQN:*", "Iqn:*"),
        ("iqn:iqn.1998-01.com.VMware:Host", "Iqn:iqn.1998-01.com.VMware:Host"),
        ("IQN:eui.02004567A425678D", "Iqn:eui.02004567A425678D"),
        ("DNSName:VL-CL1", "DnsName:VL-CL1"),
        ("dnsname:node1.example.com", "DnsName:node1.example.com"),
        ("IPAddress:10.0.0.1", "IPAddress:10.0.0.1"),
        ("ipv6address:fe80::1", "IPv6Address:fe80::1"),
        ("MACAddress:00-15-5D-00-00-01", "MacAddress:00-15-5D-00-00-01"),
        ("macaddress:00155d000001", "MacAddress:00155d000001"),
    ],
)
def test_initiators(host: Host, given: str, shown: str) -> None:
    found = one(host, "New-IscsiServerTarget", TargetName="T1", InitiatorIds=[given, given.upper()])
    assert [str(item) for item in found["InitiatorIds"]] == [shown]
    call(host, "Set-IscsiServerTarget", {"TargetName": "t1", "InitiatorIds": []})
    assert one(host, "Get-IscsiServerTarget", TargetName="T1")["InitiatorIds"] == []


@pytest.mark.parametrize(
    "text",
    [
        "node1",
        "WWN:20000025b5",
        ":x",
        "IQN:",
        "IQN:node1",
        "IQN:iqn.91-05.com.microsoft:a",
        "IQN:iqn.1991-13.com.microsoft:a",
        "IQN:iqn.1991-05.com.microsoft:a b",
        "IQN:iqn.1991-05.com.microsoft:" + "a" * 220,
        "IPAddress:10.0.0",
        "IPAddress:fe80::1",
        "IPv6Address:10.0.0.1",
        "MACAddress:00-15-5D-00-00",
        "MACAddress:00-15-5D-00-00-0G",
        "DNSName:",
        "DNSName:a b",
    ],
)
def test_bad_initiators(host: Host, text: str) -> None:
    with pytest.raises(ValueError, match="."):
        InitiatorId.parse(text)
    error = refused(host, "New-IscsiServerTarget", {"TargetName": "T1", "InitiatorIds": [text]})
    assert error.type == "System.Management.Automation.ParameterBindingException"


@pytest.mark.parametrize("name", ["T1", f"{CINDER}volume-2", "MiXed"])
def test_default_iqn(host: Host, name: str) -> None:
    found = one(host, "New-IscsiServerTarget", TargetName=name)
    assert found["TargetName"] == name
    assert str(found["TargetIqn"]) == f"iqn.1991-05.com.microsoft:win-test-{name.lower()}-target"


@pytest.mark.parametrize("name", ["shared", "SHARED", "a b", "a_b", "ä", "x" * 200, "volume-1"])
def test_target_names_refused(host: Host, name: str) -> None:
    """A taken name, a name that gives no IQN, and one whose IQN is taken."""
    assert refused(host, "New-IscsiServerTarget", {"TargetName": name}).type == EXCEPTION


def test_set_target(host: Host) -> None:
    changes = {
        "TargetIqn": "iqn.2001-04.com.example:New",
        "Description": "d",
        "Enable": False,
        "EnableChap": True,
        "Chap": Credential("user", "x" * 12),
        "EnableReverseChap": True,
        "ReverseChap": Credential("back", "y" * 16),
        "InitiatorIds": ["IQN:*"],
        "EnforceIdleTimeoutDetection": False,
        "FirstBurstLength": 512,
        "MaxBurstLength": 1024,
        "MaxReceiveDataSegmentLength": 2048,
        "ReceiveBufferCount": 5,
    }
    assert call(host, "Set-IscsiServerTarget", {"TargetName": "SHARED", **changes}) == []
    (target,) = call(host, "Get-IscsiServerTarget", {"TargetName": "Shared"})
    found = target.properties
    for name in ("Description", "EnableChap", "EnableReverseChap", "FirstBurstLength", "MaxBurstLength"):
        assert found[name] == changes[name]
    assert str(found["TargetIqn"]) == changes["TargetIqn"]
    assert (found["ChapUserName"], found["ReverseChapUserName"]) == ("user", "back")
    assert host.iscsi.target("shared").enabled is False
    assert len(found["Sessions"]) == 1  # initiators that are logged in stay
    shown = one(host, "Set-IscsiServerTarget", InputObject=target, EnableChap=False, PassThru=True)
    assert (shown["EnableChap"], shown["ChapUserName"]) == (False, "user")
    call(host, "Set-IscsiServerTarget", {"TargetName": "Shared", "EnableChap": True})


@pytest.mark.parametrize(
    "changes",
    [
        {"Chap": Credential("user", "x" * 11), "EnableChap": True},
        {"Chap": Credential("user", "x" * 17)},
        {"Chap": Credential("", "x" * 12)},
        {"ReverseChap": Credential("user", "short"), "EnableReverseChap": True},
        {"EnableChap": True},
        {"EnableReverseChap": True, "Description": "not set either"},
        {"TargetIqn": "IQN.1991-05.com.microsoft:win-test-volume-1-target"},
        {"FirstBurstLength": 511},
        {"MaxBurstLength": 2**24},
        {"ReceiveBufferCount": 0},
    ],
)
def test_set_target_refused(host: Host, changes: dict[str, Any]) -> None:
    assert refused(host, "Set-IscsiServerTarget", {"TargetName": "Shared", **changes}).type == EXCEPTION


def test_remove_target(host: Host) -> None:
    call(host, "Remove-IscsiServerTarget", {"TargetName": "SHARED"})
    (cinder,) = call(host, "Get-IscsiServerTarget", {})
    call(host, "Remove-IscsiServerTarget", {"InputObject": cinder})
    assert host.iscsi.targets == {}
    assert len(host.iscsi.disks) == 8


def test_mappings(host: Host) -> None:
    def lun(path: str, **more: Any) -> int:
        call(host, "Add-IscsiVirtualDiskTargetMapping", {"TargetName": "shared", "Path": path, **more})
        mappings = one(host, "Get-IscsiServerTarget", TargetName="Shared")["LunMappings"]
        return next(int(item.get("Lun")) for item in mappings if item.get("Path").lower() == path.lower())

    assert lun("D:\\disks\\A.vhdx") == 1
    assert lun("D:\\disks\\old.vhd") == 3
    assert lun("D:\\disks\\child.vhdx", Lun=255) == 255
    for path, number in [("D:\\disks\\a.vhdx", None), ("D:\\disks\\oldfixed.vhd", 0)]:
        given = {"TargetName": "Shared", "Path": path, **({} if number is None else {"Lun": number})}
        assert refused(host, "Add-IscsiVirtualDiskTargetMapping", given).hresult == 0x80070050
    for number in (-1, 256):
        given = {"TargetName": "Shared", "Path": "D:\\disks\\oldfixed.vhd", "Lun": number}
        assert refused(host, "Add-IscsiVirtualDiskTargetMapping", given).hresult == 0x80070057
    call(host, "Remove-IscsiVirtualDiskTargetMapping", {"TargetName": "Shared", "Path": "D:\\disks\\a.vhdx"})
    assert lun("D:\\disks\\oldfixed.vhd") == 1


def test_a_target_has_256_luns(host: Host) -> None:
    call(host, "New-IscsiServerTarget", {"TargetName": "many"})
    for number in range(257):
        path = f"D:\\disks\\n{number}.vhdx"
        call(host, "New-IscsiVirtualDisk", {"Path": path, "Size": 3 * MIB})
        given = {"TargetName": "many", "Path": path}
        if number < 256:
            call(host, "Add-IscsiVirtualDiskTargetMapping", given)
        else:
            assert refused(host, "Add-IscsiVirtualDiskTargetMapping", given).type == EXCEPTION


# Portals --------------------------------------------------------------------------------------------------------


def test_set_portal(host: Host) -> None:
    call(host, "Set-IscsiTargetServerSetting", {"IP": "172.21.0.11", "Port": 3200, "Enable": False})
    call(host, "Set-IscsiTargetServerSetting", {"IP": "FD00:0::11", "Enable": True})
    found = one(host, "Set-IscsiTargetServerSetting", IP="10.0.0.5", Enable=True, PassThru=True)
    assert [str(item) for item in found["Portals"]] == [
        "-172.21.0.11:3200",
        "+10.0.0.5:3261",
        "+[fd00::11]:3260",
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"IP": "0.0.0.0"},
        {"IP": "127.0.0.1"},
        {"IP": "::"},
        {"IP": "::1"},
        {"IP": "10.9.9.9"},
        {"IP": "server"},
        {"IP": "172.21.0.11", "Port": 0},
        {"IP": "172.21.0.11", "Port": 65536},
    ],
)
def test_portal_refused(host: Host, params: dict[str, Any]) -> None:
    assert refused(host, "Set-IscsiTargetServerSetting", params).type == EXCEPTION


# Initial state --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "iscsi",
    [
        {"targets": [{"name": "a b"}]},
        {"targets": [{"name": "a", "mappings": {0: "D:\\none.vhdx"}}]},
        {"portals": [{"address": "10.9.9.9"}]},
        {"snapshots": [{"disk": "D:\\none.vhdx"}]},
    ],
)
def test_bad_initial_state(iscsi: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="iscsi"):
        Host.standard(iscsi=iscsi)


def test_dump(host: Host) -> None:
    state = host.iscsi.dump()
    assert state["targets"][0]["mappings"] == {0: "D:\\disks\\fixed.vhdx", 2: "D:\\disks\\full.vhdx"}
    assert state["snapshots"][0]["disk"] == "D:\\disks\\full.vhdx"
    assert state["portals"][1] == {"address": "10.0.0.5", "port": 3261, "enabled": False}
    assert state["disable_remote_management"] is False

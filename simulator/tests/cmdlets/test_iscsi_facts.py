# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reviewers of real target servers found, one test a fact (facts, Seen by the first review: iSCSI target)."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, call
from winsim.cmdlets.trace import trace
from winsim.faults import BadFault, HostFaults
from winsim.files import GIB, MIB
from winsim.firewall import RULES_KEY
from winsim.host import Host

FEATURE = {"installed": ["FS-iSCSITarget-Server"]}
RULE = "iSCSITarget-Service-iSCSI-In-TCP"
LOCAL = {"ComputerName": "localhost"}


def target_server(**config: Any) -> Host:
    host = Host.standard(features=FEATURE, **config)
    host.faults = HostFaults()
    return host


@pytest.fixture
def host() -> Host:
    return target_server(
        iscsi={"disks": [{"path": "D:\\d\\a.vhdx", "size": "1GiB"}], "targets": [{"name": "t"}]}
    )


def inject(host: Host, **fault: Any) -> None:
    assert host.faults is not None
    host.faults.inject(fault)


def one(host: Host, name: str, **params: Any) -> dict[str, Any]:
    (found,) = call(host, name, {**params, **LOCAL})
    properties: dict[str, Any] = found.properties
    return properties


def wmi(host: Host, name: str) -> list[dict[str, Any]]:
    found = call(host, "Get-CimInstance", {"ClassName": name, "Namespace": "root/wmi"})
    return [item.properties for item in found]


def refused(host: Host, name: str, params: dict[str, Any]) -> CmdletError:
    before = host.iscsi.dump()
    with pytest.raises(CmdletError) as caught:
        call(host, name, params)
    assert host.iscsi.dump() == before
    return caught.value


# Names are resolved first -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "slow"),
    [({}, True), ({"ComputerName": "."}, True), (LOCAL, False), ({"ComputerName": "LOCALHOST"}, False)],
)
@pytest.mark.parametrize("name", ["Get-IscsiVirtualDisk", "Get-IscsiTargetServerSetting"])
def test_without_localhost_a_call_is_slow(host: Host, name: str, params: dict[str, str], slow: bool) -> None:
    notes: list[dict[str, Any]] = []
    with trace() as seen:
        call(host, name, params)
        seen.noting(notes.append)({"cmdlet": name})
        seen.noting(notes.append)({"cmdlet": "another"})
    assert notes == [{"cmdlet": name, **({"slow": True} if slow else {})}, {"cmdlet": "another"}]


# Enabling -----------------------------------------------------------------------------------------------------


def test_a_new_target_is_enabled(host: Host) -> None:
    assert str(one(host, "New-IscsiServerTarget", TargetName="new")["Status"]) == "NotConnected"
    assert [item["Enabled"] for item in wmi(host, "WT_Host")] == [True, True]


def test_a_target_without_disks_cannot_be_enabled(host: Host) -> None:
    """-Enable is passed over without an error; after a disk is mapped it counts."""
    call(host, "Set-IscsiServerTarget", {"TargetName": "t", "Enable": False, **LOCAL})
    changes = {"TargetName": "t", "Enable": True, "Description": "kept", **LOCAL}
    call(host, "Set-IscsiServerTarget", changes)
    found = one(host, "Get-IscsiServerTarget")
    assert (str(found["Status"]), found["Description"]) == ("Disabled", "kept")
    call(host, "Add-IscsiVirtualDiskTargetMapping", {"TargetName": "t", "Path": "D:\\d\\a.vhdx", **LOCAL})
    call(host, "Set-IscsiServerTarget", changes)
    assert str(one(host, "Get-IscsiServerTarget")["Status"]) == "NotConnected"


@pytest.mark.parametrize(
    ("enabled", "sessions", "status"),
    [
        (True, [], "NotConnected"),
        (True, ["iqn.x:a"], "Connected"),
        (False, [], "Disabled"),
        (False, ["iqn.x:a"], "Disabled"),
    ],
)
def test_the_status_tells_whether_a_target_is_enabled(
    enabled: bool, sessions: list[str], status: str
) -> None:
    target = {"name": "t", "enabled": enabled, "sessions": sessions}
    assert str(one(target_server(iscsi={"targets": [target]}), "Get-IscsiServerTarget")["Status"]) == status


def test_wmi_may_have_no_answer_for_a_moment(host: Host) -> None:
    """facts, Cinder's driver: properties can be null for a moment, query again."""
    inject(host, **{"kind": "wmi_null", "class": "wt_host", "property": "enabled", "times": 2})
    call(host, "New-IscsiServerTarget", {"TargetName": "u", **LOCAL})
    readings = [[item["Enabled"] for item in wmi(host, "WT_Host")] for _ in range(3)]
    assert readings == [[None, None], [None, None], [True, True]]
    assert [item["Enabled"] for item in wmi(host, "WT_Disk")] == [True]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": "wmi_null", "class": "WT_Host"}, "property must be given"),
        ({"kind": "wmi_null", "class": "a", "property": "b", "times": 0}, "times counts from 1"),
        ({"kind": "wmi_null", "clas": "WT_Host"}, "does not take clas"),
        ({"kind": "interrupted_disk", "times": "x"}, "invalid literal"),
    ],
)
def test_bad_faults(host: Host, fault: dict[str, Any], text: str) -> None:
    with pytest.raises(BadFault, match=text):
        inject(host, **fault)


# The feature's own rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "group"), [("en", "iSCSI Target group"), ("de", "iSCSI-Zielgruppe")])
def test_the_feature_brings_a_rule_of_its_own(language: str, group: str) -> None:
    """TCP 3260 from any address, enabled; known by its id or by Svc=WinTarget, its texts are localised."""
    host = Host.standard(language=language)
    assert host.registry.data(RULES_KEY, RULE) is None
    call(host, "Install-WindowsFeature", {"Name": "FS-iSCSITarget-Server"})
    text = str(host.registry.data(RULES_KEY, RULE))
    assert (
        "|Active=TRUE|Dir=In|Protocol=6|LPort=3260|App=%SystemRoot%\\system32\\svchost.exe|Svc=WinTarget|"
        in text
    )
    assert f"|EmbedCtxt={group}|" in text
    assert "RA4" not in text
    assert "Profile" not in text
    call(host, "Disable-NetFirewallRule", {"Name": RULE})
    assert "|Active=FALSE|" in str(host.registry.data(RULES_KEY, RULE))
    call(host, "Uninstall-WindowsFeature", {"Name": "FS-iSCSITarget-Server"})
    assert host.registry.data(RULES_KEY, RULE) is None


# Names --------------------------------------------------------------------------------------------------------


def test_new_names_with_an_underscore_fail(host: Host) -> None:
    error = refused(host, "New-IscsiServerTarget", {"TargetName": "base_disk"})
    assert error.message == "Unable to create the iSCSI target."


def test_older_servers_have_names_with_an_underscore() -> None:
    host = target_server(iscsi={"targets": [{"name": "base_disk"}]})
    found = one(host, "Set-IscsiServerTarget", TargetName="BASE_DISK", Description="x", PassThru=True)
    assert found["TargetIqn"].properties["Value"] == "iqn.1991-05.com.microsoft:win-test-base_disk-target"
    call(host, "Remove-IscsiServerTarget", {"TargetName": "base_disk"})
    assert call(host, "Get-IscsiServerTarget", LOCAL) == []


@pytest.mark.parametrize("name", ["iqn.2010-10.org.openstack:volume-1", "a.b", "x" * 127])
def test_colon_dot_and_127_characters_are_fine(host: Host, name: str) -> None:
    assert one(host, "New-IscsiServerTarget", TargetName=name)["TargetName"] == name


# Portals ------------------------------------------------------------------------------------------------------


def test_portals_of_link_local_addresses_do_not_listen() -> None:
    host = target_server(addresses=["10.0.0.5/24", "169.254.3.4/16", "fe80::5/64", "fd00::5/64"])
    portals = one(host, "Get-IscsiTargetServerSetting")["Portals"]
    assert [str(item) for item in portals] == [
        "+10.0.0.5:3260",
        "-169.254.3.4:3260",
        "-[fe80::5]:3260",
        "+[fd00::5]:3260",
    ]
    assert [item["Listen"] for item in wmi(host, "WT_Portal")] == [True, False, False, True]
    for address in ("169.254.3.4", "fe80::5", "fe80::5%4"):
        error = refused(host, "Set-IscsiTargetServerSetting", {"IP": address, "Enable": True})
        assert error.hresult == 0xEFFF0003
        call(host, "Set-IscsiTargetServerSetting", {"IP": address, "Enable": False, **LOCAL})
    call(host, "Set-IscsiTargetServerSetting", {"IP": "FD00:0::5", "Enable": False, **LOCAL})
    assert str(one(host, "Get-IscsiTargetServerSetting")["Portals"][3]) == "-[fd00::5]:3260"


# Disks --------------------------------------------------------------------------------------------------------


def test_paths_below_a_reparse_point_are_not_supported() -> None:
    """facts: cluster shared volumes and paths below junctions are not for New-IscsiVirtualDisk."""
    host = target_server(
        files={
            "D:\\real": None,
            "D:\\short": {"target": "D:\\real"},
            "D:\\mounted\\deep": {"directory": True},
            "D:\\mounted": {"directory": True, "attributes": ["ReparsePoint"]},
        },
        cluster={"name": "CL1", "volumes": ["Volume1"]},
    )
    for folder in ("D:\\short", "D:\\mounted\\deep", "C:\\ClusterStorage\\Volume1"):
        error = refused(host, "New-IscsiVirtualDisk", {"Path": f"{folder}\\x.vhdx", "Size": GIB})
        assert error.hresult == 0x80070032
        assert "reparse point" in error.message
    assert one(host, "New-IscsiVirtualDisk", Path="D:\\real\\x.vhdx", Size=GIB)["Size"] == GIB


def test_ram_disks_are_gone_after_a_restart() -> None:
    host = target_server(
        iscsi={
            "disks": [
                {"path": "ramdisk:cache.vhdx", "size": "4GiB"},
                {"path": "D:\\d\\a.vhdx", "size": "1GiB"},
            ],
            "targets": [{"name": "t", "mappings": {0: "ramdisk:cache.vhdx", 1: "D:\\d\\a.vhdx"}}],
        }
    )
    made = one(host, "New-IscsiVirtualDisk", Path="RAMDISK:test.vhdx", Size=20 * MIB)
    assert (made["Path"], made["Size"]) == ("RAMDISK:test.vhdx", 20 * MIB)
    call(host, "Set-IscsiVirtualDisk", {"Path": "ramdisk:test.vhdx", "Enable": True, **LOCAL})
    refused(host, "New-IscsiVirtualDisk", {"Path": "ramdisk:TEST.vhdx", "Size": GIB})
    refused(host, "New-IscsiVirtualDisk", {"Path": "ramdisk:b.vhdx", "Size": GIB, "UseFixed": True})
    refused(host, "Resize-IscsiVirtualDisk", {"Path": "ramdisk:test.vhdx", "Size": GIB})
    free = host.files.volumes["D"].free
    host.reboot()
    assert [item["DevicePath"] for item in wmi(host, "WT_Disk")] == ["D:\\d\\a.vhdx"]
    (mapping,) = one(host, "Get-IscsiServerTarget")["LunMappings"]
    assert (mapping.get("Lun"), mapping.get("Path")) == (1, "D:\\d\\a.vhdx")
    assert host.files.volumes["D"].free == free


def test_sizes_that_are_no_whole_mib() -> None:
    """facts: what hosts hold and tools reject: imported disks of any size."""
    odd = 20 * MIB + 12 * 4096
    loose = {"path": "D:\\d\\odd.vhdx", "size": odd, "registered": False}
    host = target_server(iscsi={"disks": [loose]})
    assert one(host, "Import-IscsiVirtualDisk", Path="D:\\d\\odd.vhdx", PassThru=True)["Size"] == odd
    assert wmi(host, "WT_Disk")[0]["Size"] == 20
    call(host, "Resize-IscsiVirtualDisk", {"Path": "D:\\d\\odd.vhdx", "Size": odd + 1, **LOCAL})
    assert one(host, "Get-IscsiVirtualDisk")["Size"] == odd + 4096


@pytest.mark.parametrize("by", ["file", "fault"])
def test_a_fixed_disk_that_was_interrupted_leaves_its_file(by: str) -> None:
    """facts: the file may stay, intact but not zeroed, and the next run would import it."""
    path = "D:\\d\\big.vhdx"
    disks = [{"path": path, "size": "1GiB", "type": "fixed", "interrupted": True}] if by == "file" else []
    host = target_server(iscsi={"disks": disks}, files={"D:\\d": None})
    given = {"Path": path, "Size": GIB, "UseFixed": True, **LOCAL}
    if by == "fault":
        inject(host, kind="interrupted_disk")
        assert "not zeroed" in refused(host, "New-IscsiVirtualDisk", given).message
    assert call(host, "Get-IscsiVirtualDisk", LOCAL) == []
    assert host.files.get(path).size == GIB + 4 * MIB  # type: ignore[union-attr]
    assert refused(host, "New-IscsiVirtualDisk", given).hresult == 0x80070050
    assert one(host, "Import-IscsiVirtualDisk", Path=path, PassThru=True)["Size"] == GIB


def test_snapshot_ids_are_one_string() -> None:
    disk = {"path": "D:\\d\\a.vhdx", "size": "1GiB"}
    host = target_server(iscsi={"disks": [disk], "snapshots": [{"disk": "D:\\d\\a.vhdx"}] * 2})
    ids = one(host, "Get-IscsiVirtualDisk")["SnapshotIds"]
    assert isinstance(ids, str)
    assert ids.count("{") == 2
    plain = target_server(iscsi={"disks": [disk]})
    assert one(plain, "Get-IscsiVirtualDisk")["SnapshotIds"] is None


# Clusters -----------------------------------------------------------------------------------------------------


def test_objects_of_a_clustered_role() -> None:
    host = target_server(
        cluster={"name": "CL1", "groups": ["iSCSI1"]},
        iscsi={
            "disks": [
                {"path": "D:\\d\\a.vhdx", "size": "1GiB", "cluster_group": "iscsi1"},
                {"path": "D:\\d\\b.vhdx", "size": "1GiB"},
            ],
            "targets": [{"name": "t", "cluster_group": "iSCSI1"}, {"name": "u"}],
        },
    )
    for name, key in (("Get-IscsiVirtualDisk", "Path"), ("Get-IscsiServerTarget", "TargetName")):
        groups = {item.get(key): item.get("ClusterGroupName") for item in call(host, name, LOCAL)}
        assert list(groups.values()) == ["iSCSI1", None]
        (found,) = call(host, name, {"ClusterGroupName": "ISCSI1", **LOCAL})
        assert found.get(key) == next(iter(groups))
    assert [item["ResourceGroup"] for item in wmi(host, "WT_Disk")] == ["iSCSI1", None]
    assert [item["ResourceGroup"] for item in wmi(host, "WT_Host")] == ["iSCSI1", None]


# The hosts file -----------------------------------------------------------------------------------------------

DISK = {"path": "D:\\d\\a.vhdx", "size": "1GiB"}
MISSPELT: list[tuple[dict[str, Any], str]] = [
    ({"disk": []}, "iscsi: unknown keys disk"),
    ({"disks": [{**DISK, "sise": 1}]}, "iscsi: disks: unknown keys sise"),
    ({"disks": [{**DISK, "interrupted": True}]}, "only a fixed disk can be interrupted"),
    ({"disks": [{**DISK, "cluster_group": "g"}]}, "the host has no cluster"),
    ({"targets": [{"name": "t", "luns": {}}]}, "iscsi: targets: unknown keys luns"),
    ({"targets": [{"name": "t"}, {"name": "T"}]}, "iscsi: the target name T|is used by"),
    ({"portals": [{"ip": "10.0.0.5"}]}, "iscsi: portals: unknown keys ip"),
    ({"snapshots": [{"path": "x"}]}, "iscsi: snapshots: unknown keys path"),
]


@pytest.mark.parametrize(("iscsi", "text"), MISSPELT, ids=[text for _, text in MISSPELT])
def test_a_misspelt_key_is_refused(iscsi: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        target_server(iscsi=iscsi)


def test_a_group_that_the_cluster_lacks() -> None:
    with pytest.raises(ValueError, match="the cluster CL1 has no group g"):
        target_server(cluster={"name": "CL1"}, iscsi={"disks": [{**DISK, "cluster_group": "g"}]})

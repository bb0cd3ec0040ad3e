# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual disks: what is planned, refused and asked, against a model of a host."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WantError,
    WinstackError,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.iscsi_virtual_disk import IscsiVirtualDisk
from ansible_collections.winstack.windows.tests.unit.plugins.plugin_utils.iscsi_model import (
    GB,
    MB,
    Disk,
    ModelHost,
    Target,
    called,
    ensure,
    failure,
    gather,
    key,
    options,
    render,
)

A = r"D:\iSCSI\a.vhdx"
B = r"D:\iSCSI\b.vhdx"
OLD = r"D:\iSCSI\old.vhd"


def run(host: ModelHost, *, check: bool = False, **given: t.Any) -> dict[str, t.Any]:
    return ensure(host, IscsiVirtualDisk, check=check, **given)


# What is asked for that no host could be given -----------------------------------------------------------------------

IMPOSSIBLE = {
    "no size": ({"size": "0"}, "at least 3 MB"),
    "negative": ({"size": "-20GB"}, "at least 3 MB"),
    "too small": ({"size": "2MiB"}, "at least 3 MB"),
    "too large": ({"size": "65TB"}, "at most 64 TB"),
    "a MiB too large": ({"size": "67108865MB"}, "at most 64 TB"),
    "not whole MiB": ({"size": "10485761"}, "whole number of MiB"),
    "half a MiB": ({"size": "20.5MB"}, "whole number of MiB"),
    "no number": ({"size": "large"}, "is not a size"),
    "unknown unit": ({"size": "20XB"}, "is not a size"),
    "relative": ({"path": r"iscsi\a.vhdx"}, "not an absolute path"),
    "relative to a drive": ({"path": r"D:a.vhdx"}, "not an absolute path"),
    "relative to the current drive": ({"path": r"\iscsi\a.vhdx"}, "not an absolute path"),
    "share": ({"path": r"\\server\share\a.vhdx"}, "network or device path"),
    "share with slashes": ({"path": "//server/share/a.vhdx"}, "network or device path"),
    "device": ({"path": r"\\?\D:\a.vhdx"}, "network or device path"),
    "other device": ({"path": r"\\.\D:\a.vhdx"}, "network or device path"),
    "RAM disk": ({"path": "ramdisk:test.vhdx"}, "RAM disk"),
    "wrong extension": ({"path": r"D:\iSCSI\a.img"}, ".vhdx or .vhd"),
    "no extension": ({"path": r"D:\iSCSI\a"}, ".vhdx or .vhd"),
    "only extension": ({"path": r"D:\iSCSI\.vhdx"}, ".vhdx or .vhd"),
    "only a drive": ({"path": "D:\\"}, ".vhdx or .vhd"),
    "folder above": ({"path": r"D:\iSCSI\..\a.vhdx"}, ".."),
    "same folder": ({"path": r"D:\iSCSI\.\a.vhdx"}, ". or .."),
    "stream": ({"path": r"D:\iSCSI\a.txt:b.vhdx"}, "stream"),
    "wildcard": ({"path": r"D:\iSCSI\*.vhdx"}, "cannot have"),
    "control character": ({"path": "D:\\iSCSI\\a\tb.vhdx"}, "cannot have"),
    "device name": ({"path": r"D:\iSCSI\con.vhdx"}, "name of a device"),
    "device name as folder": ({"path": r"D:\lpt1\a.vhdx"}, "name of a device"),
    "dot at the end": ({"path": r"D:\iSCSI\a.vhdx."}, "dot or a space"),
    "space at the end": ({"path": r"D:\iSCSI\a.vhdx "}, "dot or a space"),
    "folder with a dot at the end": ({"path": r"D:\iSCSI.\a.vhdx"}, "dot or a space"),
    "short name": ({"path": r"D:\iSCSI\LONGNA~1.VHD"}, "8.3"),
    "short name of a folder": ({"path": r"D:\ISCSIV~1\a.vhdx"}, "8.3"),
    "long part": ({"path": rf"D:\{'a' * 256}\a.vhdx"}, "255"),
    "parent of a dynamic disk": ({"type": "dynamic", "parent_path": B}, "needs parent_path"),
    "differencing without parent": ({"type": "differencing"}, "needs parent_path"),
    "its own parent": ({"parent_path": A.upper()}, "its own parent"),
    "parent of the other format": ({"parent_path": OLD}, "of one format"),
    "share as parent": ({"parent_path": r"\\server\a.vhdx"}, "parent_path"),
    "odd block": ({"block_size": "3MB"}, "power of two"),
    "small block": ({"block_size": "512KB"}, "power of two"),
    "large block": ({"block_size": "512MB"}, "power of two"),
    "sectors": ({"logical_sector_size": 4096, "physical_sector_size": 512}, "larger than physical"),
    "sector of a differencing disk": (
        {"parent_path": B, "logical_sector_size": 512},
        "that of its parent",
    ),
    "large .vhd": ({"path": OLD, "size": "17TB"}, "at most 16 TB"),
    "large dynamic .vhd": ({"path": OLD, "size": "3TB", "type": "dynamic"}, "at most 2 TB"),
    "template": ({"cinder": {"volume_name_template": "volume"}}, "%s once"),
}


@pytest.mark.parametrize(("given", "message"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_the_impossible_is_refused_before_the_host_is_asked(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        IscsiVirtualDisk(options(IscsiVirtualDisk, **{"path": A, "size": "1GB"} | given))
    assert message in str(caught.value)


# Making, changing, importing, removing -------------------------------------------------------------------------------


def hosts() -> dict[str, ModelHost]:
    return {
        "empty": ModelHost(),
        "has": ModelHost([Disk(A, 10 * GB, description="old")]),
        "off": ModelHost([Disk(A, 10 * GB, enabled=False)]),
        "fixed": ModelHost([Disk(A, 10 * GB, "Fixed")]),
        "file": ModelHost([Disk(A, 10 * GB, registered=False)]),
        "vhd": ModelHost([Disk(OLD, 10 * GB)]),
        "vhd file": ModelHost([Disk(OLD, 10 * GB, "Fixed", registered=False)]),
        "child": ModelHost([Disk(B, 10 * GB), Disk(A, 10 * GB, "Differencing", B)]),
        "no file": ModelHost([Disk(A, 10 * GB, file=False)]),
    }


PLANS: dict[str, tuple[str, dict[str, t.Any], list[tuple[str, dict[str, t.Any]]]]] = {
    "make": ("empty", {"size": "20GB"}, [("New-IscsiVirtualDisk", {"Path": A, "SizeBytes": 20 * GB})]),
    "make all": (
        "empty",
        {
            "size": "64MiB",
            "type": "fixed",
            "description": "x",
            "enabled": False,
            "logical_sector_size": 4096,
            "physical_sector_size": 4096,
            "block_size": "1MB",
        },
        [
            (
                "New-IscsiVirtualDisk",
                {
                    "Path": A,
                    "SizeBytes": 64 * MB,
                    "UseFixed": True,
                    "Description": "x",
                    "LogicalSectorSizeBytes": 4096,
                    "PhysicalSectorSizeBytes": 4096,
                    "BlockSizeBytes": MB,
                },
            ),
            ("Set-IscsiVirtualDisk", {"Path": A, "Enable": False}),
        ],
    ),
    "make, enabled": (
        "empty",
        {"size": "20GB", "enabled": True, "description": ""},
        [("New-IscsiVirtualDisk", {"Path": A, "SizeBytes": 20 * GB})],
    ),
    "other slashes": (
        "empty",
        {"path": "D:/iSCSI//a.vhdx", "size": "20GB"},
        [("New-IscsiVirtualDisk", {"Path": A, "SizeBytes": 20 * GB})],
    ),
    "differencing": (
        "vhd",
        {"path": B, "parent_path": A},
        [],
    ),
    "nothing to do": ("has", {"size": "10GB", "type": "dynamic", "description": "old", "enabled": True}, []),
    "nothing said": ("has", {}, []),
    "other case": ("has", {"path": A.upper(), "size": str(10 * GB)}, []),
    "grow": ("has", {"size": "10.5GB"}, [("Resize-IscsiVirtualDisk", {"Path": A, "Size": 10752 * MB})]),
    "grow under the host's spelling": (
        "has",
        {"path": "d:/ISCSI/A.VHDX", "size": "11GB"},
        [("Resize-IscsiVirtualDisk", {"Path": A, "Size": 11 * GB})],
    ),
    "shrink": (
        "has",
        {"size": "9GB", "allow_shrink": True},
        [("Resize-IscsiVirtualDisk", {"Path": A, "Size": 9 * GB})],
    ),
    "describe": (
        "has",
        {"description": "new"},
        [("Set-IscsiVirtualDisk", {"Path": A, "Description": "new"})],
    ),
    "case of a description": (
        "has",
        {"description": "Old"},
        [("Set-IscsiVirtualDisk", {"Path": A, "Description": "Old"})],
    ),
    "clear the description": (
        "has",
        {"description": ""},
        [("Set-IscsiVirtualDisk", {"Path": A, "Description": ""})],
    ),
    "disable": ("has", {"enabled": False}, [("Set-IscsiVirtualDisk", {"Path": A, "Enable": False})]),
    "enable and describe": (
        "off",
        {"enabled": True, "description": "x"},
        [("Set-IscsiVirtualDisk", {"Path": A, "Description": "x", "Enable": True})],
    ),
    "grow a fixed disk": (
        "fixed",
        {"size": "110GB"},
        [("Resize-IscsiVirtualDisk", {"Path": A, "Size": 110 * GB})],
    ),
    "the parent is the same": ("child", {"parent_path": B.lower()}, []),
    "import": ("file", {}, [("Import-IscsiVirtualDisk", {"Path": A})]),
    "import and describe": (
        "file",
        {"description": "x", "enabled": False, "size": "10GB"},
        [
            ("Import-IscsiVirtualDisk", {"Path": A, "Description": "x"}),
            ("Set-IscsiVirtualDisk", {"Path": A, "Enable": False}),
        ],
    ),
    "import and grow": (
        "file",
        {"size": "20GB"},
        [("Import-IscsiVirtualDisk", {"Path": A}), ("Resize-IscsiVirtualDisk", {"Path": A, "Size": 20 * GB})],
    ),
    "import .vhd": ("vhd file", {"path": OLD}, [("Import-IscsiVirtualDisk", {"Path": OLD})]),
    "remove": ("has", {"state": "absent"}, [("Remove-IscsiVirtualDisk", {"Path": A})]),
    "remove with file": (
        "has",
        {"state": "absent", "remove_file": True},
        [("Remove-IscsiVirtualDisk", {"Path": A}), ("Remove-Item", {"LiteralPath": A})],
    ),
    "remove where the file has gone": (
        "no file",
        {"state": "absent", "remove_file": True},
        [("Remove-IscsiVirtualDisk", {"Path": A})],
    ),
    "remove the file alone": (
        "file",
        {"state": "absent", "remove_file": True},
        [("Remove-Item", {"LiteralPath": A})],
    ),
    "leave the file": ("file", {"state": "absent"}, []),
    "nothing to remove": ("empty", {"state": "absent", "remove_file": True}, []),
    "remove a child with its file": (
        "child",
        {"state": "absent", "remove_file": True},
        [("Remove-IscsiVirtualDisk", {"Path": A}), ("Remove-Item", {"LiteralPath": A})],
    ),
    "remove a parent and keep its file": (
        "child",
        {"path": B, "state": "absent"},
        [("Remove-IscsiVirtualDisk", {"Path": B})],
    ),
}
del PLANS["differencing"]


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str) -> None:
    start, given, calls = PLANS[name]
    host = hosts()[start]
    wanted = {"path": A} | given
    foreseen = run(host, check=True, **wanted)
    assert host.changes == []
    result = run(host, **wanted)
    assert called(result) == calls
    assert result["changed"] == foreseen["changed"] == bool(calls)
    again = run(host, **wanted)
    assert not again["changed"]
    assert again["commands"] == []


@pytest.mark.parametrize("registered", [True, False])
def test_differencing_disk(registered: bool) -> None:
    host = ModelHost([Disk(B, 4 * GB, registered=registered)])
    result = run(host, path=A, parent_path="d:/iscsi/B.vhdx")
    assert called(result) == [("New-IscsiVirtualDisk", {"Path": A, "ParentPath": r"d:\iscsi\B.vhdx"})]
    assert result["after"] == {"path": A, "type": "differencing", "parent_path": r"d:\iscsi\B.vhdx"}
    assert not run(host, path=A, parent_path=B, type="differencing", size="4GB")["changed"]


def test_result_tells_before_and_after() -> None:
    result = run(ModelHost([Disk(A, 10 * GB)]), path=A, size="20GB", description="x")
    assert result["before"] == {
        "path": A,
        "size": 10 * GB,
        "type": "dynamic",
        "parent_path": None,
        "description": "",
        "enabled": True,
    }
    assert result["after"] == result["before"] | {"size": 20 * GB, "description": "x"}
    assert result["diff"] == {"before": result["before"], "after": result["after"]}


def test_import_tells_both_steps() -> None:
    result = run(ModelHost([Disk(A, 10 * GB, registered=False)]), path=A, size="20GB")
    assert result["before"] == {"path": A, "registered": False}
    assert result["diff"]["after"] == result["after"]
    assert result["after"]["size"] == 20 * GB


def test_import_keeps_the_geometry_of_the_file() -> None:
    host = ModelHost([Disk(A, registered=False)])
    result = run(host, path=A, block_size="1MB", physical_sector_size=512)
    assert result["warnings"] == [
        f"The file {A} exists and is imported: physical_sector_size, block_size stay as they are in the file."
    ]


def test_import_of_another_type_is_told_with_what_was_done() -> None:
    host = ModelHost([Disk(A, 10 * GB, "Fixed", registered=False)])
    with pytest.raises(RefusedError) as caught:
        run(host, path=A, type="dynamic")
    assert "type is fixed and dynamic was wanted" in str(caught.value)
    assert str(caught.value).endswith("Done before this was known: Import-IscsiVirtualDisk.")


# What is refused -----------------------------------------------------------------------------------------------------

SHOWN = Target("web", luns={0: key(A)})

REFUSED: dict[str, tuple[ModelHost, dict[str, t.Any], str]] = {
    "no size to make it with": (ModelHost(), {}, "gives no size"),
    "shrink": (ModelHost([Disk(A, 10 * GB)]), {"size": "9GB"}, "allow_shrink"),
    "shrink .vhd": (
        ModelHost([Disk(OLD, 10 * GB)]),
        {"path": OLD, "size": "9GB", "allow_shrink": True},
        "cannot shrink the .vhd",
    ),
    "grow a dynamic .vhd too far": (
        ModelHost([Disk(OLD, 10 * GB)]),
        {"path": OLD, "size": "3TB"},
        "at most 2 TB",
    ),
    "type": (
        ModelHost([Disk(A)]),
        {"type": "fixed"},
        "type is dynamic and fixed was wanted",
    ),
    "parent of a disk that has none": (
        ModelHost([Disk(A), Disk(B)]),
        {"parent_path": B},
        "type is dynamic and differencing was wanted",
    ),
    "other parent": (
        ModelHost([Disk(A, type="Differencing", parent=r"D:\iSCSI\p.vhdx")]),
        {"parent_path": B},
        rf"parent_path is D:\iSCSI\p.vhdx and {B} was wanted",
    ),
    "no such drive": (
        ModelHost(),
        {"path": r"X:\a.vhdx", "size": "1GB"},
        "no drive X:. It has C:, D:, E:, F:",
    ),
    "optical drive": (ModelHost(), {"path": r"E:\a.vhdx", "size": "1GB"}, "E: is a optical drive"),
    "file system": (ModelHost(), {"path": r"F:\a.vhdx", "size": "1GB"}, "file system FAT32"),
    "no folder": (ModelHost(), {"path": r"D:\new\a.vhdx", "size": "1GB"}, r"no folder D:\new"),
    "no .vhd": (ModelHost(), {"path": OLD, "size": "1GB"}, "Windows makes virtual disks as .vhdx only"),
    "no parent": (ModelHost(), {"parent_path": B}, f"no parent disk {B}"),
    "smaller than its parent": (
        ModelHost([Disk(B, 10 * GB)]),
        {"parent_path": B, "size": "9GB"},
        "smaller than that of its parent, 10 GB",
    ),
    "space of a fixed disk": (
        ModelHost(),
        {"type": "fixed", "size": "101GB"},
        "needs 101 GB more on D:, which has 100.0 GB free",
    ),
    "space of a fixed disk that grows": (
        ModelHost([Disk(A, 10 * GB, "Fixed")]),
        {"size": "111GB"},
        "needs 101 GB more",
    ),
    "shown by a target": (
        ModelHost([Disk(A)], [SHOWN, Target("db", luns={3: key(A)})]),
        {"state": "absent"},
        "targets db, web",
    ),
    "has a snapshot": (ModelHost([Disk(A, snapshots=["{1}"])]), {"state": "absent"}, "snapshot {1}"),
    "file of a parent": (
        ModelHost([Disk(B), Disk(A, type="Differencing", parent=B.upper())]),
        {"path": B, "state": "absent", "remove_file": True},
        f"the parent of {A}",
    ),
    "file of a parent that is not registered": (
        ModelHost([Disk(B, registered=False), Disk(A, type="Differencing", parent=B)]),
        {"path": B, "state": "absent", "remove_file": True},
        f"the parent of {A}",
    ),
    "size of a parent": (
        ModelHost([Disk(B), Disk(A, type="Differencing", parent=B)]),
        {"path": B, "size": "2GB"},
        f"the parent of {A}",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    host, given, message = REFUSED[name]
    before = host.state()
    with pytest.raises(WinstackError) as caught:
        run(host, **{"path": A} | given)
    assert message in str(caught.value)
    assert host.changes == []
    assert host.state() == before


@pytest.mark.parametrize("name", ["Compressed", "SparseFile"])
@pytest.mark.parametrize("path", [A, "D:\\iSCSI"])
def test_a_file_or_folder_that_windows_would_not_open(name: str, path: str) -> None:
    host = ModelHost([Disk(A, registered=False)] if path == A else [])
    host.attributes[key(path)] = f"Archive, {name}"
    with pytest.raises(RefusedError) as caught:
        run(host, path=A, size="1GB")
    assert f"{path} has the attribute {name}" in str(caught.value)
    assert host.changes == []


def test_a_folder_in_the_way() -> None:
    host = ModelHost()
    host.folders.add(key(A))
    with pytest.raises(RefusedError, match="is a folder"):
        run(host, path=A, size="1GB")


@pytest.mark.parametrize("given", [{"path": r"D:\new\a.vhdx", "size": "1GB"}, {"path": A, "parent_path": B}])
def test_check_mode_only_warns_of_what_an_earlier_task_may_make(given: dict[str, t.Any]) -> None:
    result = run(ModelHost(), check=True, **given)
    assert result["changed"]
    assert "Make it first" in result["warnings"][0]


@pytest.mark.parametrize("name", ["shown by a target", "file of a parent"])
def test_check_mode_only_warns_of_what_an_earlier_task_may_remove(name: str) -> None:
    host, given, message = REFUSED[name]
    result = run(host, check=True, **{"path": A} | given)
    assert result["changed"]
    assert message in result["warnings"][0]
    assert host.changes == []


def test_many_disks() -> None:
    host = ModelHost([Disk(rf"C:\iSCSI\{number}.vhdx") for number in range(512)])
    assert run(host, path=A, size="1GB")["warnings"] == [
        "The host has 512 virtual disks; Microsoft recommends at most 512 a server."
    ]


# What the host says, and does not --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "message"),
    [("Stopped", "WinTarget is Stopped"), (None, "no service WinTarget"), ("Start Pending", "Start Pending")],
)
def test_a_stopped_service_is_not_an_empty_host(service: str | None, message: str) -> None:
    host = ModelHost(service=service)
    for call in (
        lambda: run(host, path=A, size="1GB"),
        lambda: gather(host, IscsiVirtualDisk),
        lambda: run(host, path=A, state="absent"),
    ):
        with pytest.raises(HostError) as caught:
            call()
        assert message in str(caught.value)
        assert "FS-iSCSITarget-Server" in str(caught.value)
    assert host.changes == []


@pytest.mark.parametrize("cmdlet", ["Get-IscsiVirtualDisk", "Get-IscsiServerTarget"])
def test_a_question_that_failed_is_not_an_empty_host(cmdlet: str) -> None:
    host = ModelHost()
    host.broken[cmdlet] = failure("Some.Exception", "Something broke.")
    with pytest.raises(HostError, match="Something broke"):
        run(host, path=A, size="1GB")


def test_what_wmi_does_not_know_is_asked_again() -> None:
    host = ModelHost([Disk(A)])
    host.forgetful = 2
    assert not run(host, path=A, enabled=True)["changed"]
    assert host.batches == 2


def test_what_wmi_never_knows_is_set() -> None:
    host = ModelHost([Disk(A, enabled=None)])
    result = run(host, path=A, enabled=True)
    assert called(result) == [("Set-IscsiVirtualDisk", {"Path": A, "Enable": True})]
    assert not run(ModelHost([Disk(A, enabled=None)]), path=A, description="")["changed"]


def test_what_wmi_does_not_know_after_a_change_is_asked_again() -> None:
    host = ModelHost([Disk(A, enabled=False)])
    start = host.execute

    def forget_once(calls: t.Any) -> Facts:
        host.forgetful = 1 if any(call.change for call in calls.values()) else 0
        return start(calls)

    host.execute = forget_once  # type: ignore[method-assign]
    assert run(host, path=A, enabled=True)["changed"]


def test_a_change_that_does_not_read_back_is_a_failure() -> None:
    host = ModelHost([Disk(A)])
    host.deaf = {"Resize-IscsiVirtualDisk"}
    with pytest.raises(HostError, match=r"size: wanted 2147483648, the host has 1073741824"):
        run(host, path=A, size="2GB")


def test_a_removal_that_does_nothing_is_a_failure() -> None:
    host = ModelHost([Disk(A)])
    host.deaf = {"Remove-IscsiVirtualDisk"}
    with pytest.raises(HostError, match="still there"):
        run(host, path=A, state="absent")


def test_gathered() -> None:
    host = ModelHost(
        [Disk(B, description=None), Disk(A, 2 * GB, snapshots=["{1}"]), Disk(r"C:\iSCSI\volume-1.VHDX")],
        [SHOWN],
    )
    have = gather(host, IscsiVirtualDisk)
    assert have["release"] == "2022"
    assert [disk["path"] for disk in have["disks"]] == [r"C:\iSCSI\volume-1.VHDX", A, B]
    assert [disk["owner"] for disk in have["disks"]] == ["cinder", None, None]
    assert have["disks"][1] == {
        "path": A,
        "size": 2 * GB,
        "type": "dynamic",
        "parent_path": None,
        "description": "",
        "enabled": True,
        "status": "NotConnected",
        "serial_number": "1",
        "snapshots": ["{1}"],
        "targets": ["web"],
        "owner": None,
    }
    assert have["volumes"]["D:"] == {
        "size": 500 * GB,
        "free": 100 * GB,
        "file_system": "ReFS",
        "kind": "local",
    }


def test_gathered_by_the_names_of_this_cloud() -> None:
    host = ModelHost([Disk(r"C:\iSCSI\vol_1.vhdx")])
    cinder = {"volume_name_template": "VOL_%s"}
    assert gather(host, IscsiVirtualDisk)["disks"][0]["owner"] is None
    assert gather(host, IscsiVirtualDisk, cinder=cinder)["disks"][0]["owner"] == "cinder"


# Rendered ------------------------------------------------------------------------------------------------------------


def test_rendered_from_what_was_gathered() -> None:
    have = gather(ModelHost([Disk(A, 10 * GB)], build="9600"), IscsiVirtualDisk)
    result = render(IscsiVirtualDisk, have, path=A, size="11GB")
    assert result["rendered"] == [
        {"cmdlet": "Resize-IscsiVirtualDisk", "parameters": {"Path": A, "Size": 11 * GB}}
    ]
    assert not result["changed"]


RENDERED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], list[str]]] = {
    "nothing known": ({}, {"path": A, "size": "1GB"}, ["New-IscsiVirtualDisk"]),
    "a .vhd can only be imported": ({}, {"path": OLD}, ["Import-IscsiVirtualDisk"]),
    "little known": ({"disks": [{"path": A}]}, {"path": A, "enabled": True}, ["Set-IscsiVirtualDisk"]),
    "parent unknown": ({"disks": []}, {"path": A, "parent_path": B}, ["New-IscsiVirtualDisk"]),
    "volumes known": (
        {"volumes": {"D:": {"kind": "local", "file_system": "NTFS"}}},
        {"path": A, "size": "1GB", "type": "fixed"},
        ["New-IscsiVirtualDisk"],
    ),
}


@pytest.mark.parametrize("name", RENDERED)
def test_rendered_from_what_an_operator_wrote(name: str) -> None:
    have, given, calls = RENDERED[name]
    assert [call["cmdlet"] for call in render(IscsiVirtualDisk, have, **given)["rendered"]] == calls


def test_rendered_refuses_what_is_known_to_differ() -> None:
    with pytest.raises(RefusedError, match="block_size is 2097152 and 1048576 was wanted"):
        render(IscsiVirtualDisk, {"disks": [{"path": A, "block_size": 2 * MB}]}, path=A, block_size="1MB")


@pytest.mark.parametrize("disks", [A, [A], [{"size": 1}], [{"path": 1}], {"path": A}])
def test_a_have_of_another_shape(disks: t.Any) -> None:
    with pytest.raises(WantError, match=r"have\.disks has to be a list"):
        render(IscsiVirtualDisk, {"disks": disks}, path=A, size="1GB")


# Any want on any host ------------------------------------------------------------------------------------------------

PATHS = st.sampled_from(
    [A, A, A.upper(), "d:/iscsi/a.VHDX", B, B, OLD, OLD, r"C:\iSCSI\c.vhdx", r"D:\iSCSI\volume-1.vhdx"]
)
SIZES = st.sampled_from([8 * MB, GB, 10 * GB, 10 * GB, 200 * GB, 3 * 1024 * GB])


@st.composite
def model_hosts(draw: st.DrawFn) -> ModelHost:
    paths = draw(st.lists(PATHS, max_size=4, unique_by=key))
    disks = []
    for path in paths:
        parent = draw(st.sampled_from([None, None, None, *(other for other in paths if other != path)]))
        kind = "Differencing" if parent else draw(st.sampled_from(["Dynamic", "Fixed"]))
        disk = Disk(
            path, draw(SIZES), kind, parent, draw(st.sampled_from(["", "", "x", "x", None, "volume-2"]))
        )
        disk.enabled, disk.registered = draw(st.booleans()), draw(st.sampled_from([True, True, False]))
        disks.append(disk)
    shown = [key(disk.path) for disk in disks if disk.registered]
    mapped = draw(st.sets(st.sampled_from(shown))) if shown else set()
    name = draw(st.sampled_from(["web", "web", "web", "iqn.2010-10.org.openstack:volume-9"]))
    host = ModelHost(disks, [Target(name, luns=dict(enumerate(sorted(mapped))))])
    host.forgetful = draw(st.integers(0, 2))
    return host


@st.composite
def wants(draw: st.DrawFn) -> dict[str, t.Any]:
    optional = {
        "description": st.sampled_from(["", "x", "y"]),
        "enabled": st.booleans(),
        "allow_shrink": st.booleans(),
        "remove_file": st.booleans(),
        "block_size": st.just("2MB"),
    }
    want = {name: draw(values) for name, values in optional.items() if draw(st.booleans())}
    want["path"] = draw(PATHS)
    want["state"] = draw(st.sampled_from(["present", "present", "present", "absent"]))
    if draw(st.integers(0, 3)):
        want["size"] = draw(SIZES.map(str))
    kind = draw(st.sampled_from([None, None, None, "dynamic", "fixed", "differencing"]))
    if kind:
        want["type"] = kind
    if kind == "differencing":
        want["parent_path"] = draw(PATHS.filter(lambda path: key(path) != key(want["path"])))
    return want


@settings(max_examples=400, deadline=None)
@given(host=model_hosts(), want=wants())
def test_applied_once_nothing_is_left_to_do(host: ModelHost, want: dict[str, t.Any]) -> None:
    before = host.state()
    try:
        foreseen = run(host, check=True, **want)
    except WinstackError:
        foreseen = None
    assert host.state() == before
    try:
        result = run(host, **want)
    except (WantError, RefusedError) as error:
        if "Done before this was known: Import-IscsiVirtualDisk" not in str(error):
            assert host.state() == before
        return
    assert foreseen is not None
    assert result["changed"] == foreseen["changed"]
    assert result["changed"] == (host.state() != before)
    again = run(host, **want)
    assert again["commands"] == []
    assert not again["changed"]
    untouched(host, before)


def untouched(host: ModelHost, before: t.Any) -> None:
    """Whatever was wanted: what is cinder-volume's is as it was."""
    disks, targets, _portals = before
    cinders = {
        path for target in targets.values() if ":volume-" in target.name for path in target.luns.values()
    }
    for path, disk in disks.items():
        if (
            path in cinders
            or "volume-" in path
            or (disk.registered and "volume-" in (disk.description or ""))
        ):
            assert host.disks[path] == disk

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual disks on simulated hosts: what is planned, made, refused and told."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import signatures
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_target import (
    CLUSTER,
    WT_DISKS_AGAIN,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.protected import DEFAULT

from ..cases import planned
from ..simulated import Result, SimulatedHost, outcomes, sequence
from .iscsi_hosts import (
    FEATURE,
    FOLDER,
    GB,
    MB,
    A,
    B,
    C,
    Options,
    calls,
    check_calls,
    gathered,
    iscsi_host,
    rendered,
    state_of,
    told,
)

OLD = r"D:\iSCSI\old.vhd"


def document(**given: t.Any) -> list[Options]:
    return [{"iscsi_virtual_disk": {"path": A} | given}]


def run(host: SimulatedHost, **given: t.Any) -> Result:
    return host.converge(document(**given), protected=DEFAULT)


def check(host: SimulatedHost, **given: t.Any) -> Result:
    return host.check(document(**given), protected=DEFAULT)


# What no disk can be, before a host is asked ------------------------------------------------------------------------------

IMPOSSIBLE: dict[str, tuple[Options, str]] = {
    "no number": ({"size": "large"}, "size: 'large' is not a size"),
    "unknown unit": ({"size": "20XB"}, "is not a size"),
    "part of a byte": ({"size": "0.3KB"}, "is not a size"),
    "folder above": ({"path": r"D:\iSCSI\..\a.vhdx"}, "contains . or .."),
    "same folder": ({"path": r"D:\iSCSI\.\a.vhdx"}, "contains . or .."),
    "folder above, as parent": ({"parent_path": "D:/x/../b.vhdx"}, "contains . or .."),
    "empty path": ({"path": " "}, "path is empty"),
    "parent of a dynamic disk": (
        {"type": "dynamic", "parent_path": B},
        "a disk of type dynamic has no parent",
    ),
    "its own parent": ({"parent_path": A.upper()}, "its own parent"),
    "unknown type": ({"type": "thin"}, "value of type must be one of"),
    "unknown sector": ({"logical_sector_size": 1024}, "logical_sector_size must be one of"),
    "typing error": ({"sise": "1GB"}, "there is no option sise. Did you mean size?"),
}


@pytest.mark.parametrize(("given", "message"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_the_impossible_is_told_before_a_host_is_asked(given: Options, message: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document(document(**{"size": "1GB"} | given), KINDS)
    assert message in str(caught.value)
    assert "iscsi_virtual_disk" in str(caught.value)


@pytest.mark.parametrize("spelling", ["D:/iSCSI/a.vhdx", r"d:\iscsi\\A.VHDX", A.upper()])
def test_two_spellings_of_one_path_are_one_disk(spelling: str) -> None:
    with pytest.raises(WantError, match="are one object|is given twice"):
        read_document([{"iscsi_virtual_disk": [{"path": A}, {"path": spelling}]}], KINDS)


# Making, changing, importing, removing -------------------------------------------------------------------------------------


def start(name: str) -> SimulatedHost:
    starts: dict[str, t.Callable[[], SimulatedHost]] = {
        "empty": iscsi_host,
        "has": lambda: iscsi_host([{"path": A, "description": "old", "minimum_size": "1GB"}]),
        "off": lambda: iscsi_host([{"path": A, "enabled": False}]),
        "fixed": lambda: iscsi_host([{"path": A, "type": "fixed"}]),
        "file": lambda: iscsi_host([{"path": A, "registered": False}]),
        "fixed file": lambda: iscsi_host([{"path": A, "type": "fixed", "registered": False}]),
        "vhd file": lambda: iscsi_host([{"path": OLD, "type": "fixed", "registered": False}]),
        "child": lambda: iscsi_host([{"path": B}, {"path": A, "type": "differencing", "parent": B}]),
        "no file": lambda: iscsi_host([{"path": A, "file_missing": True}]),
        "odd size": lambda: iscsi_host([{"path": A, "size": "49276703744"}]),
        "short name": lambda: iscsi_host([{"path": r"D:\iSCSI\BACKUP~1.VHD"}]),
        "ramdisk": lambda: iscsi_host([{"path": "ramdisk:cache.vhdx", "size": "1GB"}]),
        "umlaut": lambda: iscsi_host([{"path": "D:\\iSCSI-Datenträger\\ディスク1.vhdx"}]),
    }
    return starts[name]()


def resize(size: int) -> tuple[str, Options]:
    return "Resize-IscsiVirtualDisk", {"Path": A, "Size": size}


def setting(**given: t.Any) -> tuple[str, Options]:
    return "Set-IscsiVirtualDisk", {"Path": A} | given


MADE = ("New-IscsiVirtualDisk", {"Path": A, "SizeBytes": 20 * GB})
IMPORTED = ("Import-IscsiVirtualDisk", {"Path": A})
REMOVED = ("Remove-IscsiVirtualDisk", {"Path": A})
DELETED = ("Remove-Item", {"LiteralPath": A})

PLANS: dict[str, tuple[str, Options, list[tuple[str, Options]]]] = {
    "make": ("empty", {"size": "20GB"}, [MADE]),
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
            setting(Enable=False),
        ],
    ),
    "make with what a new one has": ("empty", {"size": "20GB", "type": "dynamic", "enabled": True, "description": ""}, [MADE]),
    "make, other slashes": ("empty", {"path": "D:/iSCSI//a.vhdx", "size": "20GB"}, [MADE]),
    "nothing to do": ("has", {"size": "10GB", "type": "dynamic", "description": "old", "enabled": True}, []),
    "nothing said": ("has", {}, []),
    "geometry is not compared": ("has", {"block_size": "1MB", "logical_sector_size": 4096}, []),
    "other case": ("has", {"path": A.upper(), "size": str(10 * GB)}, []),
    "other slashes": ("has", {"path": "d:/iscsi/A.vhdx", "size": "10 GiB"}, []),
    "grow": ("has", {"size": "10.5GB"}, [resize(10752 * MB)]),
    "grow under the host's spelling": ("has", {"path": "d:/ISCSI/A.VHDX", "size": "11GB"}, [resize(11 * GB)]),
    "shrink": ("has", {"size": "9GB", "allow_shrink": True}, [resize(9 * GB)]),
    "describe": ("has", {"description": "new"}, [setting(Description="new")]),
    "case of a description": ("has", {"description": "Old"}, [setting(Description="Old")]),
    "clear the description": ("has", {"description": ""}, [setting(Description="")]),
    "disable": ("has", {"enabled": False}, [setting(Enable=False)]),
    "enable and describe": ("off", {"enabled": True, "description": "x"}, [setting(Description="x", Enable=True)]),
    "all at once": (
        "has",
        {"size": "20GB", "description": "x", "enabled": False},
        [resize(20 * GB), setting(Description="x", Enable=False)],
    ),
    "grow a fixed disk": ("fixed", {"size": "30GB"}, [resize(30 * GB)]),
    "the parent is the same": ("child", {"parent_path": B.lower(), "type": "differencing"}, []),
    "a differencing disk without its parent": ("child", {"type": "differencing"}, []),
    "import": ("file", {}, [IMPORTED]),
    "import and describe": (
        "file",
        {"description": "x", "enabled": False, "size": "10GB"},
        [("Import-IscsiVirtualDisk", {"Path": A, "Description": "x"}), setting(Enable=False)],
    ),
    "import and grow": ("file", {"size": "20GB"}, [IMPORTED, resize(20 * GB)]),
    "import a fixed one": ("fixed file", {"type": "fixed", "size": "10GB"}, [IMPORTED]),
    "import .vhd": ("vhd file", {"path": OLD}, [("Import-IscsiVirtualDisk", {"Path": OLD})]),
    "remove": ("has", {"state": "absent"}, [REMOVED]),
    "remove with file": ("has", {"state": "absent", "remove_file": True}, [REMOVED, DELETED]),
    "remove where the file has gone": ("no file", {"state": "absent", "remove_file": True}, [REMOVED]),
    "remove the file alone": ("file", {"state": "absent", "remove_file": True}, [DELETED]),
    "leave the file": ("file", {"state": "absent"}, []),
    "remove, whatever else was said": (
        "has",
        {"state": "absent", "size": "1MB", "type": "fixed", "description": "volume-1", "enabled": True},
        [REMOVED],
    ),
    "nothing to remove": ("empty", {"state": "absent", "remove_file": True}, []),
    "nothing to remove of a bad name": ("empty", {"path": r"D:\x~1.vhd", "state": "absent"}, []),
    "remove a child with its file": ("child", {"state": "absent", "remove_file": True}, [REMOVED, DELETED]),
    "remove a parent and keep its file": (
        "child",
        {"path": B, "state": "absent"},
        [("Remove-IscsiVirtualDisk", {"Path": B})],
    ),
    # What equals what is there is never refused.
    "a size that is no whole MiB": ("odd size", {"size": "49276703744", "description": "x"}, [setting(Description="x")]),
    "a short name": (
        "short name",
        {"path": r"D:\iSCSI\BACKUP~1.VHD", "description": "x"},
        [("Set-IscsiVirtualDisk", {"Path": r"D:\iSCSI\BACKUP~1.VHD", "Description": "x"})],
    ),
    "a RAM disk": (
        "ramdisk",
        {"path": "RAMDISK:cache.vhdx", "size": "1GB", "description": "x"},
        [("Set-IscsiVirtualDisk", {"Path": "ramdisk:cache.vhdx", "Description": "x"})],
    ),
    "remove a RAM disk": (
        "ramdisk",
        {"path": "ramdisk:cache.vhdx", "state": "absent", "remove_file": True},
        [("Remove-IscsiVirtualDisk", {"Path": "ramdisk:cache.vhdx"})],
    ),
    "letters of all scripts": ("umlaut", {"path": "d:/iSCSI-DATENTRÄGER/ディスク1.VHDX", "size": "10GB"}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str) -> None:
    begin, given, expected = PLANS[name]
    host = start(begin)
    before = state_of(host)
    foreseen = check(host, **given)
    check_calls(host, document(**given))
    assert state_of(host) == before
    result = run(host, **given)
    assert not result.get("failed"), result["msg"]
    assert calls(result) == expected
    assert result["changed"] == foreseen["changed"] == bool(expected)
    assert calls(foreseen) == expected[: len(calls(foreseen))]
    commands = host.commands
    again = run(host, **given)
    assert (again["changed"], again["warnings"], host.commands) == (False, [], commands)
    assert host.verify(document(**given), protected=DEFAULT)["changed"] is False


@pytest.mark.parametrize("question", [WT_DISKS_AGAIN, CLUSTER], ids=lambda question: question.name)
def test_a_question_that_is_seldom_asked_fits_all_releases(question: Question) -> None:
    signatures.check(signatures.completed(question.call))


def test_two_commands_make_a_disk_and_one_finds_it_as_it_is() -> None:
    host = iscsi_host()
    run(host, size="20GB", description="x")
    assert host.commands == 2
    host.snapshot.forget()
    run(host, size="20GB", description="x")
    assert host.commands == 3
    iscsi = [note for note in host.notes if "-Iscsi" in note["cmdlet"]]
    assert {note["params"]["ComputerName"] for note in iscsi} == {"localhost"}


@pytest.mark.parametrize("registered", [True, False])
def test_differencing_disk(registered: bool) -> None:
    host = iscsi_host([{"path": B, "size": "4GB", "registered": registered}])
    result = run(host, parent_path="d:/iscsi/B.vhdx")
    assert calls(result) == [("New-IscsiVirtualDisk", {"Path": A, "ParentPath": r"d:\iscsi\B.vhdx"})]
    assert result["objects"][0]["after"]["type"] == "differencing"
    assert not run(host, parent_path=B, type="differencing", size="4GB")["changed"]


def test_result_tells_before_and_after() -> None:
    result = run(iscsi_host([{"path": A, "size": "10GB"}]), size="20GB", description="x")
    before = {"path": A, "size": 10 * GB, "type": "dynamic", "description": "", "enabled": True}
    (entry,) = result["objects"]
    assert entry["before"] == before
    assert entry["after"] == before | {"size": 20 * GB, "description": "x"}
    assert result["diff"][0]["before_header"] == f"iscsi_virtual_disk {A}"


def test_a_document_is_foretold_on_a_host_without_the_feature() -> None:
    host = SimulatedHost(volumes={"C": {}, "D": {"size": "500GiB"}})
    wishes = [
        {"windows_feature": {"name": FEATURE}},
        {"directory": {"path": "D:/iSCSI/disks"}},
        {"iscsi_virtual_disk": [{"path": r"D:\iscsi\Disks\p.vhdx", "size": "1GB"}, {"path": r"D:\iSCSI\c.vhdx", "parent_path": r"D:\iSCSI\disks\p.vhdx"}]},
    ]  # fmt: skip
    foreseen = host.check(wishes)
    assert set(outcomes(foreseen).values()) == {"planned"}
    assert (foreseen["warnings"], host.commands, host.changing()) == ([], 1, [])
    result = host.converge(wishes)
    assert sequence(result) == sequence(foreseen)
    assert host.verify(wishes)["changed"] is False


def test_what_is_to_go_goes_after_what_is_to_be_there_children_first() -> None:
    host = iscsi_host([{"path": B}, {"path": A, "type": "differencing", "parent": B}])
    gone = {"state": "absent", "remove_file": True}
    wishes = [{"iscsi_virtual_disk": [{"path": B} | gone, {"path": A} | gone, {"path": C, "size": "1GB"}]}]
    result = host.converge(wishes)
    assert not result.get("failed"), result["msg"]
    assert [note["cmdlet"] for note in host.notes if note["change"]] == [
        "New-IscsiVirtualDisk",
        *(["Remove-IscsiVirtualDisk", "Remove-Item"] * 2),
    ]
    assert state_of(host)[1][FOLDER] == ["c.vhdx"]


# What is refused, or missing -----------------------------------------------------------------------------------------------


def linked(**files: t.Any) -> SimulatedHost:
    return iscsi_host(files={"D:\\real\\x.vhdx": {"size": "10MiB"}} | files)


REFUSED: dict[str, tuple[t.Callable[[], SimulatedHost], Options, str]] = {
    "no size to make it with": (iscsi_host, {}, "does not exist yet, and there is no size to make it with. Give size."),
    "no size at all": (iscsi_host, {"size": "0"}, "size 0 bytes is not possible. Such a disk has 3 MB to 64 TB"),
    "negative": (iscsi_host, {"size": "-20GB"}, "is not possible"),
    "too small": (iscsi_host, {"size": "2MiB"}, "size 2 MB is not possible"),
    "too large": (iscsi_host, {"size": "65TB"}, "size 65 TB is not possible"),
    "a MiB too large": (iscsi_host, {"size": "67108865MB"}, "to 64 TB"),
    "not whole MiB": (iscsi_host, {"size": "10485761"}, "size: 10485761 bytes is no whole number of MiB. Give whole MiB"),
    "half a MiB": (iscsi_host, {"size": "20.5MB"}, "whole number of MiB"),
    "resized to no whole MiB": (lambda: start("has"), {"size": "10737418241"}, "no whole number of MiB"),
    "relative": (iscsi_host, {"path": r"iscsi\a.vhdx"}, "not an absolute path"),
    "relative to a drive": (iscsi_host, {"path": r"D:a.vhdx"}, "not an absolute path"),
    "relative to the current drive": (iscsi_host, {"path": r"\iscsi\a.vhdx"}, "not an absolute path"),
    "share": (iscsi_host, {"path": r"\\server\share\a.vhdx"}, "network or device path"),
    "share with slashes": (iscsi_host, {"path": "//server/share/a.vhdx"}, "network or device path"),
    "device": (iscsi_host, {"path": r"\\?\D:\a.vhdx"}, "network or device path"),
    "RAM disk": (iscsi_host, {"path": "ramdisk:test.vhdx"}, "is a RAM disk, which is gone after a restart"),
    "wrong extension": (iscsi_host, {"path": r"D:\iSCSI\a.img"}, ".vhdx or .vhd"),
    "only extension": (iscsi_host, {"path": r"D:\iSCSI\.vhdx"}, ".vhdx or .vhd"),
    "only a drive": (iscsi_host, {"path": "D:\\"}, ".vhdx or .vhd"),
    "stream": (iscsi_host, {"path": r"D:\iSCSI\a.txt:b.vhdx"}, "stream"),
    "wildcard": (iscsi_host, {"path": r"D:\iSCSI\*.vhdx"}, "cannot have"),
    "control character": (iscsi_host, {"path": "D:\\iSCSI\\a\tb.vhdx"}, "cannot have"),
    "device name": (iscsi_host, {"path": r"D:\iSCSI\con.vhdx"}, "name of a device"),
    "device name as folder": (iscsi_host, {"path": r"D:\lpt1\a.vhdx"}, "name of a device"),
    "dot at the end": (iscsi_host, {"path": r"D:\iSCSI\a.vhdx."}, "dot or a space"),
    "space at the end": (iscsi_host, {"path": r"D:\iSCSI\a.vhdx "}, "dot or a space"),
    "folder with a dot at the end": (iscsi_host, {"path": r"D:\iSCSI.\a.vhdx"}, "dot or a space"),
    "short name": (iscsi_host, {"path": r"D:\iSCSI\LONGNA~1.VHD"}, "8.3"),
    "short name of a folder": (iscsi_host, {"path": r"D:\ISCSIV~1\a.vhdx"}, "8.3"),
    "short name, file to delete": (
        iscsi_host,
        {"path": r"D:\iSCSI\LONGNA~1.VHD", "state": "absent", "remove_file": True},
        "remove_file: the path contains a short (8.3) name",
    ),
    "stream to delete": (iscsi_host, {"path": rf"{A}::$DATA", "state": "absent", "remove_file": True}, "stream"),
    "something else to delete": (iscsi_host, {"path": r"D:\a.txt", "state": "absent", "remove_file": True}, ".vhdx or .vhd"),
    "long part": (iscsi_host, {"path": rf"D:\{'a' * 256}\a.vhdx"}, "255"),
    "differencing without parent": (iscsi_host, {"type": "differencing"}, "type differencing needs the disk that it builds on"),
    "parent of the other format": (lambda: start("vhd file"), {"parent_path": OLD}, "is a .vhd, and this would be a .vhdx"),
    "share as parent": (iscsi_host, {"parent_path": r"\\server\a.vhdx"}, "parent_path: the path is a network or device path"),
    "odd block": (iscsi_host, {"size": "1GB", "block_size": "3MB"}, "block_size: 3 MB is no power of two"),
    "small block": (iscsi_host, {"size": "1GB", "block_size": "512KB"}, "power of two"),
    "large block": (iscsi_host, {"size": "1GB", "block_size": "512MB"}, "power of two"),
    "sectors": (iscsi_host, {"logical_sector_size": 4096, "physical_sector_size": 512}, "larger than physical"),
    "sector of a differencing disk": (lambda: iscsi_host([{"path": B}]), {"parent_path": B, "logical_sector_size": 512}, "of its parent"),
    "shrink": (lambda: start("has"), {"size": "9GB"}, "size is 10 GB and 9 GB was wanted. What is stored at its end would be cut off. Set allow_shrink: true"),
    "shrink .vhd": (lambda: iscsi_host([{"path": OLD}]), {"path": OLD, "size": "9GB", "allow_shrink": True}, "cannot shrink the .vhd"),
    "grow a dynamic .vhd too far": (lambda: iscsi_host([{"path": OLD}]), {"path": OLD, "size": "3TB"}, "8 MB to 2 TB"),
    "grow a fixed .vhd too far": (lambda: iscsi_host([{"path": OLD, "type": "fixed"}]), {"path": OLD, "size": "17TB"}, "8 MB to 16 TB"),
    "type": (lambda: start("has"), {"type": "fixed"}, "type is dynamic and fixed was wanted. Only making the disk again"),
    "parent of a disk that has none": (lambda: iscsi_host([{"path": A}, {"path": B}]), {"parent_path": B}, f"parent_path is nothing and {B} was wanted"),
    "other parent": (lambda: start("child"), {"parent_path": C}, f"parent_path is {B} and {C} was wanted"),
    "no such drive": (iscsi_host, {"path": r"X:\a.vhdx", "size": "1GB"}, "drive X: is not on this host (it has C:, D:, E:, F:)"),
    "optical drive": (iscsi_host, {"path": r"E:\a.vhdx", "size": "1GB"}, "drive E: is a optical drive"),
    "file system": (iscsi_host, {"path": r"F:\a.vhdx", "size": "1GB"}, "drive F: is formatted with FAT32"),
    "no folder": (iscsi_host, {"path": r"D:\new\a.vhdx", "size": "1GB"}, r"there is no folder D:\new. Put directory with that path before it."),
    "a folder in the way": (lambda: iscsi_host(files={A: None}), {"size": "1GB"}, f"{A} is a folder"),
    "a file for a folder": (lambda: iscsi_host(files={r"D:\file": "x"}), {"path": r"D:\file\a.vhdx", "size": "1GB"}, r"no folder D:\file"),
    "no .vhd": (iscsi_host, {"path": OLD, "size": "1GB"}, "Windows makes .vhdx only"),
    "no parent": (iscsi_host, {"parent_path": B}, f"there is no file {B} to build on"),
    "smaller than its parent": (lambda: iscsi_host([{"path": B}]), {"parent_path": B, "size": "9GB"}, "size 9 GB is smaller than that of its parent, 10 GB"),
    "space of a fixed disk": (iscsi_host, {"type": "fixed", "size": "101GB"}, "drive D: has 100.0 GB free, and 101 GB are needed"),
    "space of a fixed disk that grows": (lambda: start("fixed"), {"size": "101GB"}, "and 91 GB are needed"),
    "shown by a target": (
        lambda: iscsi_host([{"path": A}], [{"name": "web", "mappings": {0: A}}, {"name": "db", "mappings": {3: A}}]),
        {"state": "absent"},
        "it is shown by the targets web and db. Take it out of luns",
    ),
    "has a snapshot": (lambda: iscsi_host([{"path": A}], snapshots=[A]), {"state": "absent"}, "it has the snapshot {"),
    "has two snapshots": (lambda: iscsi_host([{"path": A}], snapshots=[A, A]), {"state": "absent"}, "it has the snapshots {"),
    "file of a parent": (lambda: start("child"), {"path": B, "state": "absent", "remove_file": True}, f"it is the parent of {A}"),
    "file of a parent that is not registered": (
        lambda: iscsi_host([{"path": B, "registered": False}, {"path": A, "type": "differencing", "parent": B}]),
        {"path": B, "state": "absent", "remove_file": True},
        f"it is the parent of {A}",
    ),
    "size of a parent": (lambda: start("child"), {"path": B, "size": "20GB"}, f"It is the parent of {A}"),
    "compressed folder": (
        lambda: iscsi_host(files={FOLDER: {"directory": True, "attributes": ["Compressed"]}}),
        {"size": "1GB"},
        f"{FOLDER} has the attribute Compressed",
    ),
    "sparse file": (lambda: iscsi_host(files={A: {"size": "10MiB", "attributes": ["SparseFile"]}}), {}, f"{A} has the attribute SparseFile"),
    "a fixed file that is too short": (
        lambda: iscsi_host([{"path": A, "type": "fixed", "registered": False, "used": "3GB"}]),
        {"type": "fixed", "size": "10GB"},
        "a file of 3 GB stands there, too short for a fixed disk of 10 GB",
    ),
    "junction": (lambda: linked(**{"D:\\link": {"target": "D:\\real"}}), {"path": r"D:\link\a.vhdx", "size": "1GB"}, r"D:\link is a link, a junction"),
    "file below a junction": (lambda: linked(**{"D:\\link": {"target": "D:\\real"}}), {"path": r"D:\link\x.vhdx"}, r"D:\link is a link"),
    "folder below a junction": (
        lambda: linked(**{"D:\\real\\sub": None, "D:\\link": {"target": "D:\\real"}}),
        {"path": r"D:\link\sub\a.vhdx", "size": "1GB"},
        r"D:\link is a link",
    ),
    "link to a file": (
        lambda: linked(**{A: {"target": r"D:\real\x.vhdx", "link": "SymbolicLink", "content": ""}}),
        {},
        f"{A} is a link",
    ),
    "file to delete below a junction": (
        lambda: linked(**{"D:\\link": {"target": "D:\\real"}}),
        {"path": r"D:\link\x.vhdx", "state": "absent", "remove_file": True},
        r"D:\link is a link",
    ),
    "parent below a junction": (lambda: linked(**{"D:\\link": {"target": "D:\\real"}}), {"parent_path": r"D:\link\x.vhdx"}, r"D:\link is a link"),
    "cluster shared volume": (
        lambda: iscsi_host(cluster={"name": "CL1", "volumes": ["Volume1"]}),
        {"path": r"C:\ClusterStorage\Volume1\a.vhdx", "size": "1GB"},
        r"C:\ClusterStorage\Volume1 is a link",
    ),
    "of a clustered role": (
        lambda: iscsi_host([{"path": A, "cluster_group": "Store"}], cluster={"name": "CL1", "groups": ["Store"]}),
        {"description": "x"},
        f"{A} belongs to the clustered role Store. Change it through the cluster",
    ),
    "of a clustered role, to remove": (
        lambda: iscsi_host([{"path": A, "cluster_group": "Store"}], cluster={"name": "CL1", "groups": ["Store"]}),
        {"state": "absent"},
        "belongs to the clustered role Store",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("way", ["check", "converge"])
def test_refused(name: str, way: str) -> None:
    make, given, message = REFUSED[name]
    host = make()
    before = state_of(host)
    wish = {"path": A} | given
    result = check(host, **wish) if way == "check" else run(host, **wish)
    assert result.get("failed"), result
    assert message in result["msg"]
    assert str(wish["path"]).strip() in result["msg"]
    assert host.changing() == []
    assert state_of(host) == before


def test_all_refusals_of_a_document_are_told_at_once() -> None:
    wishes = [{"iscsi_virtual_disk": [{"path": A}, {"path": r"X:\b.vhdx", "size": "1MB"}]}]
    result = iscsi_host().check(wishes)
    assert len(result["refusals"]) == 2
    assert "no size" in result["msg"]
    assert "drive X:" in result["msg"]
    assert "size 1 MB is not possible" in result["msg"]


def test_a_folder_that_is_made_on_another_drive_does_not_help() -> None:
    wishes = [
        {"directory": {"path": r"D:\new"}},
        {"iscsi_virtual_disk": {"path": r"C:\new\a.vhdx", "size": "1GB"}},
    ]
    assert r"there is no folder C:\new. Put directory" in iscsi_host().check(wishes)["msg"]


def test_fixed_disks_that_only_together_overfill_a_drive() -> None:
    disks = [{"path": path, "size": "60GB", "type": "fixed"} for path in (A, B)]
    host = iscsi_host()
    result = host.converge([{"iscsi_virtual_disk": disks}])
    assert result["refusals"] == [
        f"iscsi_virtual_disk {B}: it takes 60 GB at once. With what comes before it, drive D: has 100.0 GB free, and 120 GB are "
        "needed. Make room."
    ]
    assert host.changing() == []
    other = r"C:\iSCSI\b.vhdx"
    fits = [disks[0], {"path": other, "size": "20GB", "type": "fixed"}, {"path": C, "size": "1TB"}]
    assert not host.converge([{"iscsi_virtual_disk": fits}]).get("failed")


def test_a_fixed_disk_that_grows_counts_for_the_next() -> None:
    host = iscsi_host([{"path": A, "type": "fixed"}])
    wishes = [{"path": A, "size": "60GB"}, {"path": B, "size": "60GB", "type": "fixed"}]
    assert "110 GB are needed" in host.check([{"iscsi_virtual_disk": wishes}])["msg"]


def test_import_of_another_type_is_told_with_what_was_done() -> None:
    host = iscsi_host([{"path": A, "type": "fixed", "registered": False}])
    result = run(host, type="dynamic")
    assert "type is fixed and dynamic was wanted" in result["msg"]
    assert calls(result) == [IMPORTED]


# What is told --------------------------------------------------------------------------------------------------------------


def test_import_keeps_the_geometry_of_the_file() -> None:
    result = run(iscsi_host([{"path": A, "registered": False}]), block_size="1MB", physical_sector_size=512)
    assert result["warnings"] == [
        f"iscsi_virtual_disk {A}: the file exists and is imported: physical_sector_size and block_size stay as they are in the "
        "file."
    ]


@pytest.mark.parametrize("size", [{}, {"size": "10GB"}])
def test_a_fixed_file_that_may_have_been_interrupted_is_told(size: Options) -> None:
    host = iscsi_host([{"path": A, "type": "fixed", "interrupted": True}])
    assert "Should its making have been interrupted" in told(check(host, type="fixed", **size))
    result = run(host, type="fixed", **size)
    assert "Should its making have been interrupted" in told(result)
    assert calls(result) == [IMPORTED]


def test_many_disks() -> None:
    host = iscsi_host([{"path": rf"C:\iSCSI\{number}.vhdx"} for number in range(512)])
    assert run(host, size="1GB")["warnings"] == [
        f"iscsi_virtual_disk {A}: the host has 512 virtual disks. Microsoft recommends 512 at most."
    ]


def test_a_disk_on_a_node_is_of_this_node_alone() -> None:
    host = iscsi_host(cluster={"name": "CL1"})
    result = run(host, size="1GB")
    assert (
        "HOST1 is a node of the failover cluster CL1. What is made here belongs to this node alone"
        in told(result)
    )
    assert run(host, size="1GB")["warnings"] == []


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"services": {"WinTarget": {"state": "stopped"}}}, "the service WinTarget does not run"),
        (
            {"features": {}},
            "iSCSI Target Server is not installed. Put windows_feature with name FS-iSCSITarget-Server",
        ),
    ],
    ids=["stopped", "not installed"],
)
def test_a_server_that_does_not_answer_is_no_empty_host(config: Options, message: str, state: str) -> None:
    host = SimulatedHost(**{"volumes": {"C": {}, "D": {}}, "features": {"installed": [FEATURE]}} | config)
    result = host.check([{"iscsi_virtual_disk": {"path": A, "size": "1GB", "state": state}}])
    # Without the server there is no disk, so it is absent.
    missing_is_fine = state == "absent" and "not installed" in message
    assert (message in told(result)) != missing_is_fine
    assert result.get("failed", False) != missing_is_fine


def test_a_service_that_is_started_first_is_asked_then() -> None:
    host = iscsi_host([{"path": A}])
    host.machine.services.stop("WinTarget", force=True)
    wishes = [{"windows_service": {"name": "WinTarget", "state": "started"}}, *document(size="20GB")]
    foreseen = host.check(wishes)
    assert "The service WinTarget has to be started first" in told(foreseen)
    result = host.converge(wishes)
    assert not result.get("failed"), result["msg"]
    assert sequence(result) == ["Start-Service", "Resize-IscsiVirtualDisk"]


# What WMI does not say -----------------------------------------------------------------------------------------------------


class Forgetful(SimulatedHost):
    """A host whose WMI answers null for Enabled, ``forgets`` times a class; and cmdlets that do nothing."""

    forgets = 0
    deaf: t.ClassVar[set[str]] = set()
    rows: t.ClassVar[dict[str, t.Any]] = {}

    def execute(self, asked: t.Any) -> t.Any:
        """Answer as the driver would, with what a real host may answer besides."""
        kept = {name: call for name, call in asked.items() if call.cmdlet not in self.deaf}
        answer = super().execute(kept)
        silent = {name: type(next(iter(answer.sections.values())))() for name in asked.keys() - kept.keys()}
        for name, section in answer.sections.items():
            if name.startswith("wt_") and self.forgets > 0:
                self.forgets -= 1
                for row in section.data:
                    row["Enabled"] = None  # type: ignore[index]
            for row in section.data if name in self.rows else ():
                row.update(self.rows[name])  # type: ignore[attr-defined]
        answer.sections.update(silent)  # type: ignore[attr-defined]
        return answer


def forgetful(forgets: int = 0, deaf: str = "", rows: Options | None = None, **disk: t.Any) -> Forgetful:
    host = Forgetful(
        volumes={"C": {}, "D": {}},
        features={"installed": [FEATURE]},
        iscsi={"disks": [{"path": A, "size": "10GB"} | disk]},
    )
    host.forgets, host.deaf, host.rows = forgets, {deaf}, rows or {}  # type: ignore[misc]
    return host


def test_what_wmi_does_not_know_is_asked_again() -> None:
    host = forgetful(1)
    result = run(host, enabled=True)
    assert (result["changed"], result["warnings"], host.commands) == (False, [], 2)
    assert not run(forgetful(1), description="")["changed"]


def test_a_disk_that_wmi_does_not_name_is_not_known_to_be_enabled() -> None:
    host = forgetful(rows={"wt_disks": {"DevicePath": None}}, enabled=False)
    result = run(host, enabled=False)
    assert (result.get("failed"), result["changed"], host.commands) == (None, False, 2)


def test_what_wmi_does_not_know_is_not_asked_again_when_nobody_cares() -> None:
    host = forgetful(1)
    assert (run(host, description="")["changed"], host.commands) == (False, 1)


def test_what_wmi_does_not_know_and_differs_is_set() -> None:
    assert calls(run(forgetful(1, enabled=False), enabled=True)) == [setting(Enable=True)]


def test_what_wmi_never_knows_is_left_and_told() -> None:
    host = forgetful(100, enabled=False)
    result = run(host, enabled=True)
    assert not result["changed"]
    assert "Windows does not say whether it is enabled, so enabled was not compared" in told(result)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": "20GB"}, "size is 10 GB and 20 GB was wanted. The change was made without an error, and does not read back"),
        ({"state": "absent"}, "is still there. The change was made without an error"),
    ],
)  # fmt: skip
def test_a_change_that_does_not_read_back_is_a_failure(given: Options, message: str) -> None:
    deaf = "Resize-IscsiVirtualDisk" if "size" in given else "Remove-IscsiVirtualDisk"
    result = run(forgetful(deaf=deaf), **given)
    assert message in result["msg"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"iscsi_virtual_disks": {"Path": None}}, "Get-IscsiVirtualDisk listed an object whose Path is null"),
        ({"iscsi_virtual_disks": {"Path": {"Value": "D:"}}}, "whose Path is an object with Value"),
        ({"iscsi_virtual_disks": {"Path": ["D:"]}}, "whose Path is a list of 1, where text was expected"),
        (
            {"iscsi_virtual_disks": {"Size": "10GB"}},
            "Size has an unexpected form: a number was expected, and '10GB'",
        ),
        ({"wt_disks": {"Enabled": "True"}}, "Enabled has an unexpected form: true or false was expected"),
        ({"wt_disks": {"DevicePath": 5}}, "whose DevicePath is the number 5"),
    ],
)
def test_rows_of_an_odd_form_are_told_and_change_nothing(rows: Options, message: str) -> None:
    host = forgetful(rows=rows)
    result = run(host, description="x")
    assert message in result["msg"]
    assert host.changing() == []


@pytest.mark.parametrize("silent", [A, FOLDER])
def test_a_place_that_windows_does_not_show_is_told(silent: str) -> None:
    class Denied(SimulatedHost):
        def execute(self, calls: t.Any) -> t.Any:
            answer = super().execute(calls)
            denied = Failure(
                "System.UnauthorizedAccessException", "Denied", "Access is denied.", "0x80070005"
            )
            name = f"path {silent.lower()}"
            sections = {**answer.sections} | (
                {name: Section(ok=False, error=denied)} if name in calls else {}
            )
            return replace(answer, sections=sections)

    host = Denied(volumes={"D": {}}, features={"installed": [FEATURE]}, files={FOLDER: None})
    result = run(host, size="1GB")
    assert (
        f"Windows does not say what stands at {silent}. Look at the permissions of the account."
        in result["msg"]
    )
    assert host.changing() == []


@pytest.mark.parametrize("ids", ["{1},{2}", "{1}; {2}", "{1} {2}", ["{1}", "{2}"]])
def test_snapshots_as_one_string_or_as_a_list(ids: t.Any) -> None:
    host = forgetful(rows={"iscsi_virtual_disks": {"SnapshotIds": ids}})
    assert "it has the snapshots {1} and {2}" in run(host, state="absent")["msg"]


def test_a_question_that_failed_is_no_empty_host() -> None:
    host = iscsi_host()
    host.machine.iscsi.remote_management_disabled = True
    result = run(host, size="1GB")
    assert "The host did not list wt disks: Access denied (" in result["msg"]
    assert host.changing() == []


# Protected disks -----------------------------------------------------------------------------------------------------------

MAPPED, EXPORT = r"D:\iSCSI\mapped.vhdx", r"D:\iSCSI\export.vhdx"
VOLUME = r"C:\iSCSI\volume-3f2b.VHDX"
LEFT = r"D:\iSCSI\snapshot-left.vhdx"


def cloud() -> SimulatedHost:
    """A host with disks of cinder-volume, some under names that do not tell, and with a person's own."""
    return iscsi_host(
        [
            {"path": VOLUME, "description": "volume-3f2b", "enabled": False, "file_missing": True},
            {"path": B, "description": "Volume-2"},
            {"path": MAPPED},
            {"path": EXPORT, "description": "snapshot-1-7-temp"},
            {"path": A},
            {"path": LEFT, "registered": False},
        ],
        [{"name": "iqn.2010-10.org.openstack:volume-5", "mappings": {0: MAPPED}}],
    )


ATTEMPTS: dict[str, Options] = {
    "enable during an image copy": {"path": VOLUME, "enabled": True},
    "resize": {"path": VOLUME, "size": "20GB"},
    "other case": {"path": VOLUME.upper(), "enabled": True},
    "other slashes": {"path": VOLUME.replace("\\", "/"), "enabled": True},
    "trailing dot": {"path": VOLUME + ".", "size": "1GB"},
    "trailing space": {"path": VOLUME + " ", "size": "1GB"},
    "short name": {"path": r"C:\iSCSI\VOLUME~1.VHD", "state": "absent", "remove_file": True},
    "short name of letters": {"path": r"C:\iSCSI\VO3A2B~4.VHD", "size": "1GB"},
    "short folder": {"path": r"C:\ISCSIV~1\volume-3f2b.vhdx", "size": "1GB"},
    "device path": {"path": rf"\\?\{VOLUME}", "size": "1GB"},
    "share of the drive": {"path": r"\\localhost\C$\iSCSI\volume-3f2b.vhdx", "size": "1GB"},
    "stream": {"path": rf"{VOLUME}:x.vhdx", "size": "1GB"},
    "stream of the data": {"path": rf"{VOLUME}::$DATA", "state": "absent", "remove_file": True},
    "remove": {"path": VOLUME, "state": "absent"},
    "remove the file": {"path": VOLUME, "state": "absent", "remove_file": True},
    "remove a file that is not registered": {"path": LEFT, "state": "absent", "remove_file": True},
    "import": {"path": LEFT},
    "make one that would be protected": {"path": r"C:\iSCSI\volume-9.vhdx", "size": "1GB"},
    "describe one so that it would be protected": {"path": A, "description": "volume-3f2b"},
    "describe": {"path": B, "description": "x"},
    "describe one that is shown": {"path": MAPPED, "description": "x"},
    "disable an export": {"path": EXPORT.upper(), "enabled": False},
    "build on": {"path": C, "parent_path": VOLUME.lower()},
    "build on one with another name": {"path": C, "parent_path": B},
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_protected_disks_are_not_touched(name: str) -> None:
    host = cloud()
    before = state_of(host)
    for result in (check(host, **ATTEMPTS[name]), run(host, **ATTEMPTS[name])):
        assert result.get("failed")
        assert state_of(host) == before
    assert host.changing() == []


@pytest.mark.parametrize(
    "wish",
    [
        {"path": VOLUME, "enabled": False, "description": "volume-3f2b", "size": "10GB"},
        {"path": B.upper(), "description": "Volume-2"},
        {"path": MAPPED},
        {"path": r"D:\iSCSI\volume-none.vhdx", "state": "absent"},
    ],
)
def test_what_equals_a_protected_disk_is_no_change(wish: Options) -> None:
    result = run(cloud(), **wish)
    assert (result.get("failed"), result["changed"]) == (None, False)


def test_the_refusal_says_which_pattern_and_what_opens_it() -> None:
    result = run(cloud(), path=B, description="x")
    assert result["msg"] == (
        f"{B} is protected: its description matches volume-*. Leave it to the program that owns it, or take the pattern out of "
        "the option protected if it is yours."
    )
    assert "the target iqn.2010-10.org.openstack:volume-5, which shows it, matches" in run(cloud(), path=MAPPED, enabled=False)["msg"]  # fmt: skip


def test_patterns_of_ones_own_replace_the_default() -> None:
    host = cloud()
    wishes = document(path=B, description="x")
    assert not host.converge(wishes, protected=("vol_*",)).get("failed")
    assert "matches A?vhdx" in host.converge(document(enabled=False), protected=("A?vhdx",))["msg"]
    assert not host.converge(document(path=VOLUME, description="x"), protected=()).get("failed")


def test_a_disk_that_became_protected_meanwhile_is_seen_before_it_goes() -> None:
    host = iscsi_host([{"path": A}])
    run(host, description="mine")
    host.snapshot.fresh.clear()  # the answers are those of an earlier task
    host.machine.iscsi.disk(A).description = "volume-7"
    result = run(host, state="absent", remove_file=True)
    assert "its description matches volume-*" in result["msg"]
    assert host.machine.iscsi.find_disk(A) is not None


# Gathering -----------------------------------------------------------------------------------------------------------------


def test_gathered_disks_can_be_fed_back() -> None:
    host = iscsi_host(
        [
            {"path": A, "size": "49276703744", "description": "x"},
            {"path": B, "enabled": False, "type": "fixed"},
            {"path": C, "type": "differencing", "parent": B},
            {"path": "ramdisk:cache.vhdx", "size": "1GB"},
            {"path": VOLUME},
        ],
        snapshots=[A],
    )
    host.machine.iscsi.export_snapshot(next(iter(host.machine.iscsi.snapshots)))
    objects = gathered(host, "iscsi_virtual_disk")
    assert [found["key"] for found in objects][:5] == [A, B, C, "ramdisk:cache.vhdx", VOLUME]
    assert objects[1]["options"] == {
        "path": B,
        "size": 10 * GB,
        "type": "fixed",
        "description": "",
        "enabled": False,
    }
    assert [found["protected"] for found in objects] == [None, None, None, None, "volume-*", None]
    assert len(objects[0]["facts"]["snapshots"]) == 1
    wishes = [{"iscsi_virtual_disk": [found["options"] for found in objects]}]
    result = host.converge(wishes, protected=DEFAULT)
    assert (result.get("failed"), result["changed"]) == (None, False)


# Rendered, without a host -------------------------------------------------------------------------------------------------------

RENDERED: dict[str, tuple[list[Options], Options, list[str]]] = {
    "nothing known": ([], {"size": "1GB", "type": "fixed"}, ["New-IscsiVirtualDisk"]),
    "a .vhd can only be imported": ([], {"path": OLD}, ["Import-IscsiVirtualDisk"]),
    "little known": ([{"path": A, "enabled": False}], {"enabled": True}, ["Set-IscsiVirtualDisk"]),
    "the size is not known": ([{"path": A}], {"size": "1GB"}, ["Resize-IscsiVirtualDisk"]),
    "parent not known": ([], {"parent_path": B}, ["New-IscsiVirtualDisk"]),
    "as it is": ([{"path": A.upper(), "size": "1GB"}], {"size": "1GB", "type": "dynamic"}, []),
    "remove": ([{"path": A}], {"state": "absent", "remove_file": True}, ["Remove-IscsiVirtualDisk", "Remove-Item"]),
    "nothing to remove": ([], {"state": "absent", "remove_file": True}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", RENDERED)
def test_rendered(name: str) -> None:
    have, given, cmdlets = RENDERED[name]
    plan = rendered("iscsi_virtual_disk", have, **{"path": A} | given)
    assert [step.call.cmdlet for step in plan.steps] == cmdlets
    assert (plan.refusals, plan.unmet, plan.warnings) == ((), (), ())


@pytest.mark.parametrize(
    ("have", "given", "message"),
    [
        ([], {}, "no size to make it with"),
        ([{"path": A}], {"type": "fixed"}, "type is dynamic and fixed was wanted"),
        ([], {"path": VOLUME, "size": "1GB"}, "is protected"),
        ([{"path": A, "description": "volume-1"}], {"enabled": False}, "is protected: its description"),
    ],
)
def test_rendered_refuses_what_a_host_would_be_refused(
    have: list[Options], given: Options, message: str
) -> None:
    plan = rendered("iscsi_virtual_disk", have, **{"path": A} | given)
    assert message in "".join(plan.refusals)


# Cases of practitioners ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["file", "description"])
def test_w08_temp_alone_is_nobodys(name: str) -> None:
    result = planned(f"windows/W08-temp-is-not-cinder/{name}.json")
    assert [command["cmdlet"] for command in result["objects"][0]["commands"]] == ["New-IscsiVirtualDisk"]


@pytest.mark.parametrize(("protected", "refused"), [(DEFAULT, True), ((), False)])
def test_w08_a_word_opens_the_names_of_cinder(protected: tuple[str, ...], refused: bool) -> None:
    result = planned("windows/W08-temp-is-not-cinder/file.json", protected, path=r"D:\iSCSI\volume-1.vhdx")
    assert result.get("failed", False) == refused


def test_w11_a_drive_that_another_node_has_now() -> None:
    result = check(iscsi_host(), path=r"X:\iSCSIVirtualDisks\ec.vhdx", size="500GB")
    assert "drive X: is not on this host (it has C:, D:, E:, F:)" in result["msg"]
    assert "there is no folder" not in result["msg"]


def test_w26_an_exported_snapshot_beside_its_original() -> None:
    host = iscsi_host([{"path": A}], snapshots=[A])
    host.machine.iscsi.export_snapshot(next(iter(host.machine.iscsi.snapshots)))
    assert not run(host, size="10GB").get("failed")
    assert "it has the snapshot {" in run(host, state="absent")["msg"]


# Any wish on any host ------------------------------------------------------------------------------------------------------

PATHS = st.sampled_from([A, A, A.upper(), "d:/iscsi/a.VHDX", B, B, OLD, OLD, r"C:\iSCSI\c.vhdx", r"D:\iSCSI\volume-1.vhdx"])  # fmt: skip
SIZES = st.sampled_from(["8MB", "1GB", "10GB", "10GB", "200GB", "3TB"])


@st.composite
def hosts(draw: st.DrawFn) -> SimulatedHost:
    paths = draw(st.lists(PATHS, max_size=4, unique_by=lambda path: path.lower().replace("/", "\\")))
    disks: list[Options] = []
    for path in paths:
        parent = draw(st.sampled_from([None, None, *(disk["path"] for disk in disks)]))
        kind = "differencing" if parent else draw(st.sampled_from(["dynamic", "fixed"]))
        registered = draw(st.sampled_from([True, True, False]))
        text = draw(st.sampled_from(["", "x", "volume-2"]))
        size = draw(st.sampled_from(["1GB", "10GB"]))
        own = {"path": path, "type": kind, "parent": parent, "registered": registered, "size": size}
        disks.append(own | {"description": text, "enabled": draw(st.booleans()), "minimum_size": "8MB"})
    mapped = [disk["path"] for disk in disks if disk["registered"] and draw(st.booleans())]
    name = draw(st.sampled_from(["web", "web", "iqn.2010-10.org.openstack:volume-9"]))
    return iscsi_host(disks, [{"name": name, "mappings": dict(enumerate(mapped))}])


@st.composite
def wishes(draw: st.DrawFn) -> Options:
    optional: dict[str, st.SearchStrategy[t.Any]] = {
        "size": SIZES,
        "type": st.sampled_from(["dynamic", "fixed"]),
        "description": st.sampled_from(["", "x", "y"]),
        "enabled": st.booleans(),
        "allow_shrink": st.booleans(),
        "remove_file": st.booleans(),
        "block_size": st.just("2MB"),
        "state": st.sampled_from(["present", "absent"]),
    }
    wish = {name: draw(values) for name, values in optional.items() if draw(st.booleans())}
    return wish | {"path": draw(PATHS)}


@settings(max_examples=150)
@given(host=hosts(), wish=wishes())
def test_applied_once_nothing_is_left_to_do(host: SimulatedHost, wish: Options) -> None:
    before = state_of(host)
    foreseen = check(host, **wish)
    assert state_of(host) == before
    result = run(host, **wish)
    if result.get("failed") and not calls(result):
        assert state_of(host) == before
        return
    if result.get("failed"):  # what an imported file is can only be known then
        assert calls(result)[0][0] == "Import-IscsiVirtualDisk"
        return
    assert result["changed"] == foreseen["changed"] == (state_of(host) != before)
    assert calls(run(host, **wish)) == []
    protected = [disk for disk in before[0]["disks"] if "volume-" in disk["path"] + disk["description"]]
    assert all(disk in state_of(host)[0]["disks"] for disk in protected)


NOISE = st.sampled_from(["", " ", ".", "/", "\\", "~1", "..", "\\..\\", ":x", "x"])


@settings(max_examples=150)
@given(data=st.data())
def test_no_spelling_reaches_a_protected_disk(data: st.DataObject) -> None:
    host = cloud()
    before = state_of(host)[0]["disks"]
    letters = [data.draw(st.sampled_from([letter.upper(), letter.lower()])) for letter in VOLUME]
    place = data.draw(st.integers(0, len(letters)))
    path = "".join([*letters[:place], data.draw(NOISE), *letters[place:]]) + data.draw(NOISE)
    attempts: list[Options] = [{"state": "absent", "remove_file": True}, {"enabled": True}, {"size": "9GB"}]
    try:
        run(host, path=path, **data.draw(st.sampled_from(attempts)))
    except WantError:
        assert host.commands == 0
    assert [disk for disk in state_of(host)[0]["disks"] if disk in before] == before

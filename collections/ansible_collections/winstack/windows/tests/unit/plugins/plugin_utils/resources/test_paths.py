# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of virtual disk files: one key for all spellings, and what hides which file is meant."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import (
    drive,
    file_fault,
    folder_fault,
    is_on_drive,
    is_vhd,
    path_key,
    plain_path,
)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (r"D:\iSCSI\a.vhdx", r"D:\iSCSI\a.vhdx"),
        ("D:/iSCSI//a.vhdx", r"D:\iSCSI\a.vhdx"),
        ("d:\\iSCSI\\a.vhdx", r"d:\iSCSI\a.vhdx"),
        (r"D:\iSCSI\a..vhdx", r"D:\iSCSI\a..vhdx"),
        ("ramdisk:x.vhdx", "ramdisk:x.vhdx"),
        (r"\\?\GLOBALROOT\Device\x\a.vhdx", r"\\?\GLOBALROOT\Device\x\a.vhdx"),
        ("a.vhdx", "a.vhdx"),
    ],
)
def test_plain_path(given: str, plain: str) -> None:
    assert plain_path(given) == plain
    assert plain_path(plain) == plain


@pytest.mark.parametrize(
    "given", [r"D:\x\..\a.vhdx", "D:/./a.vhdx", r"..\a.vhdx", r"\\?\D:\x\..\a.vhdx", "D:\\x\\..", "", "  "]
)
def test_what_hides_the_folder_or_is_no_path_cannot_be_read(given: str) -> None:
    with pytest.raises(WantError, match="Write the path without them|path is empty"):
        plain_path(given)


@pytest.mark.parametrize("spelling", ["d:/iscsi/A.vhdx", "D:\\iSCSI\\\\a.VHDX", r"D:\ISCSI\.\A.VHDX"])
def test_spellings_have_one_key(spelling: str) -> None:
    assert path_key(spelling) == path_key(r"D:\iSCSI\a.vhdx")


def test_parts() -> None:
    assert (drive(r"d:\a.vhdx"), drive("ramdisk:a.vhdx"), drive(r"\\server\a.vhdx")) == (
        "D:",
        "",
        r"\\SERVER\A.VHDX",
    )
    assert is_vhd("D:\\a.VHD")
    assert not is_vhd("D:\\a.vhdx")


ON_DRIVE = [r"D:\a.vhdx", "d:/x y/ä.VHD", r"D:\x.y\disk1.vhdx", r"D:\a~b\c.vhdx", rf"D:\{'a' * 250}.vhdx"]
FAULTS = {
    r"D:a.vhdx": "not an absolute path",
    r"\a.vhdx": "not an absolute path",
    "a.vhdx": "not an absolute path",
    r"\\server\share\a.vhdx": "network or device path",
    "//server/share/a.vhdx": "network or device path",
    r"\\.\D:\a.vhdx": "network or device path",
    "RAMDISK:a.vhdx": "RAM disk",
    r"D:\x\..\a.vhdx": "hides the folder",
    r"D:\a.vhdx:x.vhdx": "data stream",
    r"D:\a?.vhdx": "cannot have",
    "D:\\a\x01.vhdx": "cannot have",
    r"D:\a.vhdx.": "dot or a space",
    r"D:\x \a.vhdx": "dot or a space",
    r"D:\aux.vhdx": "name of a device",
    r"D:\COM¹\a.vhdx": "name of a device",
    r"D:\PROGRA~1\a.vhdx": "8.3",
    r"D:\LONGNA~1.VHD": "8.3",
    rf"D:\{'a' * 256}\a.vhdx": "255",
}  # fmt: skip


@pytest.mark.parametrize("path", ON_DRIVE)
def test_good_files(path: str) -> None:
    assert file_fault(path) is None
    assert folder_fault(path) is None
    assert is_on_drive(path)


@pytest.mark.parametrize(("path", "fault"), FAULTS.items())
def test_faults_of_a_place(path: str, fault: str) -> None:
    assert fault in str(file_fault(path))
    assert fault in str(folder_fault(path))
    assert not is_on_drive(path)


@pytest.mark.parametrize("path", [r"D:\a.img", r"D:\a", r"D:\.vhdx", r"D:\a.vhdx\b", "D:\\"])
def test_what_names_no_virtual_disk(path: str) -> None:
    assert "does not name a .vhdx or .vhd file" in str(file_fault(path))
    assert folder_fault(path) is None

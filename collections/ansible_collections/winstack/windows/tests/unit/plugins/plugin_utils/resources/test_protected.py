# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of protected objects, and every way around them that we could think of."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.resources.protected import (
    DEFAULT,
    file_protected_by,
    protected_by,
)

ID = "3f2b8a52-6f2c-4a55-9d0e-0c8a6e3d2b11"
FOLDER = r"C:\iSCSIVirtualDisks"
VOLUME = rf"{FOLDER}\volume-{ID}.VHDX"


@pytest.mark.parametrize(
    "path",
    [
        VOLUME,
        VOLUME.lower(),
        VOLUME.upper(),
        VOLUME.replace("\\", "/"),
        rf"D:\elsewhere\snapshot-{ID}.vhdx",
        rf"D:\elsewhere\Snapshot-{ID}-7-TEMP.vhdx",
        r"D:\x\volume-.vhdx",
        r"D:\x\volume-1.vhdx.",
        r"D:\x\volume-1 .vhdx",
        r"D:\x\volume-1.vhd",
        r"D:\x\volume-1.old.vhdx",
        r"D:\x\volume-1",
        r"D:\ISCSIV~1\VOLUME~1.VHD",
        r"D:\ISCSIV~1\VO3A2B~4.VHD",
        r"D:\x\SNAPSH~12.VHD",
        r"D:\x\volume-1.vhdx:stream.vhdx",
        r"\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy1\volume-1.vhdx",
    ],
)
def test_files_of_the_default(path: str) -> None:
    assert file_protected_by(DEFAULT, path) in DEFAULT
    assert file_protected_by((), path) is None


@pytest.mark.parametrize(
    "path",
    [
        r"D:\x\volume.vhdx",
        r"D:\volume-1\a.vhdx",
        r"D:\x\my-volume-1.vhdx",
        r"D:\x\temp.vhdx",
        r"D:\x\sql-temp.vhdx",
        r"D:\x\a-temporary.vhdx",
        r"D:\x\BACKUP~1.VHD",
        r"D:\x\backup~.vhd",
        rf"D:\x\{ID}.vhdx",
    ],
)
def test_files_of_others(path: str) -> None:
    assert file_protected_by(DEFAULT, path) is None


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        (f"volume-{ID}", "volume-*"),
        (f"VOLUME-{ID}", "volume-*"),
        (f" volume-{ID} ", "volume-*"),
        ("volume-1\n", "volume-*"),
        ("volume-1\nmore", "volume-*"),
        ("snapshot-1-7-temp", "snapshot-*"),
        (f"IQN.2010-10.org.openstack:volume-{ID}", "iqn.2010-10.org.openstack:*"),
        ("iqn.2010-10.org.openstack:x", "iqn.2010-10.org.openstack:*"),
        ("exchange-temp", None),
        ("web", None),
        ("iqn.2010-10.org.example:volume", None),
        ("iqn2010-10!org!openstack:x", None),
        ("my volume-1", None),
        ("", None),
    ],
)
def test_names_of_the_default(name: str, pattern: str | None) -> None:
    assert protected_by(DEFAULT, ["plain", name]) == pattern


@pytest.mark.parametrize(
    ("pattern", "name", "protected"),
    [
        ("vol_?", "vol_1", True),
        ("vol_?", "vol_12", False),
        ("vol_?", "vol_", False),
        ("*", "anything", True),
        ("*", "", False),
        ("*-temp", "sql-temp", True),
        ("[a-z]*", "abc", False),
        ("[a-z]*", "[a-z]bc", True),
        ("a.c", "abc", False),
        ("Straße-*", "STRASSE-1", True),
        (" db ", "db", True),
        ("db", "db2", False),
    ],
)
def test_patterns_of_ones_own(pattern: str, name: str, protected: bool) -> None:
    assert (protected_by([pattern], [name]) == pattern) == protected


@pytest.mark.parametrize(
    ("pattern", "stem", "protected"),
    [
        ("*-temp", "BACKUP~1", True),
        ("?b", "BACKUP~1", True),
        ("ba*", "BACKUP~1", True),
        ("db*", "BACKUP~1", False),
        ("b", "BACKUP~1", True),
    ],
)
def test_a_short_name_counts_as_what_may_be_behind_it(pattern: str, stem: str, protected: bool) -> None:
    assert (file_protected_by([pattern], rf"D:\x\{stem}.VHD") == pattern) == protected


def test_the_first_pattern_is_told() -> None:
    assert protected_by(("web*", "w*"), ["w1", "web1"]) == "web*"

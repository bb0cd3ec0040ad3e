# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is asked of the iSCSI target in whatever order, its state stays whole and refusals change nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from winsim.cmdlets import CmdletError, Credential, call
from winsim.files import GIB, MIB
from winsim.host import Host

PATHS = st.sampled_from(
    ["D:\\a.vhdx", "d:\\A.VHDX", "D:\\b.vhdx", "D:\\dir\\c.vhdx", "D:\\none\\d.vhdx", "D:\\e.vhd"]
)
NAMES = st.sampled_from(["one", "ONE", "two", "iqn.2010-10.org.openstack:volume-1", "bad name"])
SIZES = st.sampled_from([0, MIB, 3 * MIB, GIB, GIB + 1, 8 * GIB, 100 * GIB])
STEPS = st.one_of(
    st.tuples(st.just("New-IscsiVirtualDisk"), st.fixed_dictionaries({"Path": PATHS, "Size": SIZES})),
    st.tuples(
        st.just("New-IscsiVirtualDisk"),
        st.fixed_dictionaries({"Path": PATHS, "Size": SIZES, "UseFixed": st.just(True)}),
    ),
    st.tuples(st.just("New-IscsiVirtualDisk"), st.fixed_dictionaries({"Path": PATHS, "ParentPath": PATHS})),
    st.tuples(
        st.sampled_from(
            [
                "Import-IscsiVirtualDisk",
                "Remove-IscsiVirtualDisk",
                "Remove-Item",
                "Checkpoint-IscsiVirtualDisk",
            ]
        ),
        st.fixed_dictionaries({"Path": PATHS}),
    ),
    st.tuples(st.just("Resize-IscsiVirtualDisk"), st.fixed_dictionaries({"Path": PATHS, "Size": SIZES})),
    st.tuples(
        st.just("Set-IscsiVirtualDisk"), st.fixed_dictionaries({"Path": PATHS, "Enable": st.booleans()})
    ),
    st.tuples(
        st.sampled_from(["New-IscsiServerTarget", "Remove-IscsiServerTarget"]),
        st.fixed_dictionaries({"TargetName": NAMES}),
    ),
    st.tuples(
        st.just("Set-IscsiServerTarget"),
        st.fixed_dictionaries(
            {
                "TargetName": NAMES,
                "EnableChap": st.booleans(),
                "Chap": st.integers(11, 17).map(lambda length: Credential("u", "x" * length)),
            }
        ),
    ),
    st.tuples(
        st.just("Add-IscsiVirtualDiskTargetMapping"),
        st.fixed_dictionaries({"TargetName": NAMES, "Path": PATHS, "Lun": st.integers(-1, 3)}),
    ),
    st.tuples(
        st.sampled_from(["Add-IscsiVirtualDiskTargetMapping", "Remove-IscsiVirtualDiskTargetMapping"]),
        st.fixed_dictionaries({"TargetName": NAMES, "Path": PATHS}),
    ),
)


def state(host: Host) -> tuple[dict[str, Any], int, list[str]]:
    return host.iscsi.dump(), host.files.volumes["D"].free, [path for path, _ in host.files.walk("D:\\")]


def check(host: Host) -> None:
    iscsi, volume = host.iscsi, host.files.volumes["D"]
    used = sum(node.size for _, node in host.files.walk("D:\\") if not node.directory)
    assert volume.free == 40 * GIB - used
    paths = [disk.path.lower() for disk in iscsi.disks.values()]
    assert len(paths) == len(set(paths))
    names = [target.name.lower() for target in iscsi.targets.values()]
    assert len(names) == len(set(names)) == len({target.iqn for target in iscsi.targets.values()})
    for target in iscsi.targets.values():
        assert set(target.mappings.values()) <= set(iscsi.disks)
        assert len(set(target.mappings.values())) == len(target.mappings)
        assert not target.chap.enabled or target.chap.secret
    for disk in iscsi.disks.values():
        assert disk.vhd.size % 4096 == 0
        assert disk.vhd.size >= 3 * MIB
    assert all(snapshot.disk in iscsi.disks for snapshot in iscsi.snapshots.values())


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=25))
def test_any_order(steps: list[tuple[str, dict[str, Any]]]) -> None:
    host = Host.standard(
        volumes={"C": {}, "D": {"size": "64GiB", "free": "40GiB"}},
        features={"installed": ["FS-iSCSITarget-Server"]},
    )
    host.files.mkdir("D:\\dir")
    for name, params in steps:
        before = state(host)
        try:
            call(host, name, params)
        except CmdletError:
            assert state(host) == before
        check(host)

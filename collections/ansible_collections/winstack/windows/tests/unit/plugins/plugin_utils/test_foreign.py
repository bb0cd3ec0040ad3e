# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cinder-volume owns, and every way around the guard that we could think of."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils._foreign import Cinder
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import Resource
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError, WinstackError
from ansible_collections.winstack.windows.plugins.plugin_utils.iscsi_server_target import IscsiServerTarget
from ansible_collections.winstack.windows.plugins.plugin_utils.iscsi_virtual_disk import IscsiVirtualDisk
from ansible_collections.winstack.windows.tests.unit.plugins.plugin_utils.iscsi_model import (
    Disk,
    ModelHost,
    Target,
    ensure,
    key,
)

ID = "3f2b8a52-6f2c-4a55-9d0e-0c8a6e3d2b11"
FOLDER = r"C:\iSCSIVirtualDisks"
VOLUME = rf"{FOLDER}\volume-{ID}.VHDX"
TARGET = f"iqn.2010-10.org.openstack:volume-{ID}"
MINE = r"D:\iSCSI\mine.vhdx"
ODD = r"D:\iSCSI\odd.vhdx"

DEFAULT = Cinder.from_option(None)


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
        r"D:\x\build-temp.vhdx",
        r"D:\x\volume-1.vhd",
        r"D:\x\volume-1.old.vhdx",
        r"D:\ISCSIV~1\VOLUME~1.VHD",
        r"D:\ISCSIV~1\VO3A2B~4.VHD",
        r"\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy1\volume-1.vhdx",
    ],
)
def test_files_of_cinder(path: str) -> None:
    assert DEFAULT.disk(path)


@pytest.mark.parametrize(
    "path",
    [
        r"D:\x\volume.vhdx",
        r"D:\volume-1\a.vhdx",
        r"D:\x\my-volume-1.vhdx",
        r"D:\x\temp.vhdx",
        r"D:\x\a-temporary.vhdx",
        r"D:\x\BACKUP~1.VHD",
        rf"D:\x\{ID}.vhdx",
    ],
)
def test_files_of_others(path: str) -> None:
    assert DEFAULT.disk(path, "my volume-1") is None


@pytest.mark.parametrize(
    "text",
    [
        f"volume-{ID}",
        f"VOLUME-{ID}",
        f" volume-{ID} ",
        "snapshot-1",
        "snapshot-1-7-temp",
        "x-temp",
        "volume-1\n",
    ],
)
def test_descriptions_of_cinder(text: str) -> None:
    assert DEFAULT.disk(ODD, text)


@pytest.mark.parametrize(
    "name", [TARGET, TARGET.upper(), f" {TARGET}", "volume-1", "iqn.2010-10.org.openstack:x"]
)
def test_targets_of_cinder(name: str) -> None:
    assert DEFAULT.target(name)
    assert DEFAULT.target("plain", name)
    assert DEFAULT.disk(ODD, "", ["plain", name])


@pytest.mark.parametrize("name", ["web", "openstack", "iqn.2010-10.org.example:volume", "my-volume-1"])
def test_targets_of_others(name: str) -> None:
    assert DEFAULT.target(name, f"iqn.1991-05.com.microsoft:stor1-{name}-target") is None


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("vol_%s", f"VOL_{ID}"),
        ("vol_%(id)s", f"vol_{ID}"),
        ("%s-volume", f"{ID}-volume"),
        ("%s", ID),
        ("%s", ID.upper()),
        ("v.%s.x", f"v.{ID}.x"),
        ("[%s]", f"[{ID}]"),
        ("100%%-%s", f"100%-{ID}"),
        ("%%s%s", f"%s{ID}"),
        ("Straße-%s", f"STRASSE-{ID}"),
    ],
)
def test_templates_of_this_cloud(template: str, name: str) -> None:
    for option in ("volume_name_template", "snapshot_name_template"):
        cinder = Cinder.from_option({option: template})
        assert cinder.disk(rf"D:\x\{name}.vhdx")
        assert cinder.disk(ODD, name)
        assert cinder.target(name)
        assert cinder.disk(MINE) is None
        # The defaults stay guarded.
        assert cinder.disk(VOLUME)
        assert cinder.target(TARGET)


def test_a_bare_template_names_ids_only_and_any_short_name() -> None:
    cinder = Cinder.from_option({"volume_name_template": "%s"})
    assert cinder.disk(r"D:\x\data.vhdx") is None
    assert cinder.disk(r"D:\x\3F2B8A~1.VHD")


@pytest.mark.parametrize("template", ["", None])
def test_no_template_is_the_default(template: str | None) -> None:
    assert Cinder.from_option({"volume_name_template": template, "target_prefix": ""}) == DEFAULT


@pytest.mark.parametrize("template", ["volume", "%%s", "%s-%s", "%d", "volume-%", "{}"])
def test_templates_that_name_nothing(template: str) -> None:
    with pytest.raises(WantError, match="hold %s once"):
        Cinder.from_option({"volume_name_template": template})


def test_prefix_of_this_cloud() -> None:
    cinder = Cinder.from_option({"target_prefix": "IQN.2020-01.org.example:"})
    assert cinder.target("iqn.2020-01.org.example:x")
    assert cinder.target(TARGET)
    assert DEFAULT.target("iqn.2020-01.org.example:x") is None


# Through the resources -----------------------------------------------------------------------------------------------


def cloud() -> ModelHost:
    """A host with cinder's objects, some under names that do not tell, and with an operator's own."""
    host = ModelHost(
        [
            Disk(VOLUME, description=f"volume-{ID}", enabled=False, file=False),
            Disk(ODD, description="Volume-2"),
            Disk(r"D:\iSCSI\mapped.vhdx"),
            Disk(r"D:\iSCSI\export.vhdx", description="snapshot-1-7-temp"),
            Disk(MINE),
            Disk(r"D:\iSCSI\left-temp.vhdx", registered=False),
        ],
        [
            Target(TARGET, luns={0: key(r"D:\iSCSI\mapped.vhdx")}),
            Target("plain", "iqn.2010-10.org.openstack:x"),
            Target("mine", luns={0: key(MINE)}),
            Target("odd", luns={0: key(ODD), 1: key(MINE)}),
        ],
    )
    host.folders.add(key(FOLDER))
    return host


EXPORT, MAPPED, LEFT = (rf"D:\iSCSI\{name}.vhdx" for name in ("export", "mapped", "left-temp"))

Attempt = tuple[type[Resource], dict[str, t.Any]]

ATTEMPTS: dict[str, Attempt] = {
    "enable during an image copy": (IscsiVirtualDisk, {"path": VOLUME, "enabled": True}),
    "as it is": (IscsiVirtualDisk, {"path": VOLUME}),
    "resize": (IscsiVirtualDisk, {"path": VOLUME, "size": "20GB"}),
    "other case": (IscsiVirtualDisk, {"path": VOLUME.upper(), "enabled": True}),
    "other slashes": (IscsiVirtualDisk, {"path": VOLUME.replace("\\", "/"), "enabled": True}),
    "through the folder above": (IscsiVirtualDisk, {"path": rf"C:\x\..\iSCSIVirtualDisks\volume-{ID}.vhdx"}),
    "same folder": (IscsiVirtualDisk, {"path": rf"{FOLDER}\.\volume-{ID}.vhdx"}),
    "trailing dot": (IscsiVirtualDisk, {"path": VOLUME + ".", "enabled": True}),
    "trailing space": (IscsiVirtualDisk, {"path": VOLUME + " ", "enabled": True}),
    "folder with trailing dot": (IscsiVirtualDisk, {"path": rf"{FOLDER}.\volume-{ID}.vhdx"}),
    "short name": (
        IscsiVirtualDisk,
        {"path": r"C:\ISCSIV~1\VOLUME~1.VHD", "state": "absent", "remove_file": True},
    ),
    "short folder": (IscsiVirtualDisk, {"path": rf"C:\ISCSIV~1\volume-{ID}.vhdx"}),
    "device path": (IscsiVirtualDisk, {"path": rf"\\?\{VOLUME}"}),
    "share of the drive": (IscsiVirtualDisk, {"path": rf"\\localhost\C$\iSCSIVirtualDisks\volume-{ID}.vhdx"}),
    "stream": (IscsiVirtualDisk, {"path": rf"{VOLUME}:x.vhdx"}),
    "stream of the data": (IscsiVirtualDisk, {"path": rf"{VOLUME}::$DATA"}),
    "remove": (IscsiVirtualDisk, {"path": VOLUME, "state": "absent"}),
    "remove the file": (IscsiVirtualDisk, {"path": VOLUME, "state": "absent", "remove_file": True}),
    "remove a file that is not registered": (
        IscsiVirtualDisk,
        {"path": LEFT, "state": "absent", "remove_file": True},
    ),
    "import": (IscsiVirtualDisk, {"path": LEFT}),
    "make one that cinder would find": (
        IscsiVirtualDisk,
        {"path": rf"{FOLDER}\volume-9.vhdx", "size": "1GB"},
    ),
    "describe one so that cinder would find it": (
        IscsiVirtualDisk,
        {"path": MINE, "description": f"volume-{ID}"},
    ),
    "describe": (IscsiVirtualDisk, {"path": ODD, "description": "x"}),
    "describe one that is shown": (IscsiVirtualDisk, {"path": MAPPED, "description": "x"}),
    "disable an export": (IscsiVirtualDisk, {"path": EXPORT.upper(), "enabled": False}),
    "build on": (IscsiVirtualDisk, {"path": r"D:\iSCSI\child.vhdx", "parent_path": VOLUME.lower()}),
    "build on one with another name": (
        IscsiVirtualDisk,
        {"path": r"D:\iSCSI\child.vhdx", "parent_path": ODD},
    ),
    "another template": (
        IscsiVirtualDisk,
        {"path": VOLUME, "enabled": True, "cinder": {"volume_name_template": "x-%s", "target_prefix": "x"}},
    ),
    "disable a target": (IscsiServerTarget, {"name": TARGET, "enabled": False}),
    "a target in other case": (IscsiServerTarget, {"name": TARGET.upper(), "initiator_ids": ["IQN:*"]}),
    "a target with another name": (IscsiServerTarget, {"name": "plain", "enabled": False}),
    "a target with another prefix": (
        IscsiServerTarget,
        {"name": TARGET, "chap": {"enabled": False}, "cinder": {"target_prefix": "x"}},
    ),
    "remove a target": (IscsiServerTarget, {"name": TARGET, "state": "absent"}),
    "make a target that cinder would find": (
        IscsiServerTarget,
        {"name": "iqn.2010-10.org.openstack:volume-9"},
    ),
    "take its IQN": (IscsiServerTarget, {"name": "mine", "iqn": TARGET}),
    "show its disk": (IscsiServerTarget, {"name": "mine", "luns": [{"path": VOLUME}]}),
    "show its disk under another name": (
        IscsiServerTarget,
        {"name": "mine", "luns": [{"path": ODD.upper()}]},
    ),
    "show what its target shows": (IscsiServerTarget, {"name": "mine", "luns": [{"path": MAPPED}]}),
    "take its disk out": (IscsiServerTarget, {"name": "odd", "luns": [{"path": MINE}]}),
    "give its disk another number": (
        IscsiServerTarget,
        {"name": "odd", "luns": [{"path": MINE, "lun": 0}, {"path": ODD, "lun": 1}]},
    ),
    "remove a target that shows its disk": (IscsiServerTarget, {"name": "odd", "state": "absent"}),
}


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("check", [False, True])
def test_the_guard_holds(name: str, check: bool) -> None:
    resource, given = ATTEMPTS[name]
    host = cloud()
    before = host.state()
    with pytest.raises(WinstackError):
        ensure(host, resource, check=check, **given)
    assert host.changes == []
    assert host.state() == before


def test_the_message_says_whose_it_is_and_why() -> None:
    with pytest.raises(WinstackError) as caught:
        ensure(cloud(), IscsiVirtualDisk, path=ODD, description="x")
    assert str(caught.value).startswith(rf"{ODD} belongs to cinder-volume: its description is 'Volume-2'.")


def test_the_others_are_free() -> None:
    host = cloud()
    assert ensure(host, IscsiVirtualDisk, path=MINE, description="x")["changed"]
    assert ensure(host, IscsiServerTarget, name="mine", luns=[])["changed"]
    assert ensure(host, IscsiServerTarget, name="odd", description="x")["changed"]


NOISE = st.sampled_from(["", " ", ".", "/", "\\", "~1", "..", "\\..\\", ":x", "x"])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_spelling_gets_through(data: st.DataObject) -> None:
    """Whatever is done to the spelling: cinder's disk stays as it is, and no call names it."""
    host = cloud()
    before = host.state()
    letters = [data.draw(st.sampled_from([letter.upper(), letter.lower()])) for letter in VOLUME]
    place = data.draw(st.integers(0, len(letters)))
    path = "".join([*letters[:place], data.draw(NOISE), *letters[place:]]) + data.draw(NOISE)
    given: dict[str, t.Any] = data.draw(
        st.sampled_from([{"state": "absent", "remove_file": True}, {"enabled": True}, {"size": "9GB"}])
    )
    try:
        ensure(host, IscsiVirtualDisk, path=path, **given)
    except WinstackError:
        assert host.state() == before
    assert host.disks[key(VOLUME)] == before[0][key(VOLUME)]

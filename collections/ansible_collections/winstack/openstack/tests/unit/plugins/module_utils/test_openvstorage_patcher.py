# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The helper that patches: states, refusals, probes, and what is left when it is stopped on its way."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.winstack.openstack.plugins.module_utils import openvstorage_patcher as patcher
from ansible_collections.winstack.openstack.plugins.modules import openvstorage_patch

from . import _packages as packages
from ._packages import CONFIG_PY, CONNECTOR_PY, DRIVER_PY, EDGE_PY, FORMS, OWN, make, snapshot

ALL = ["connector", "guest_disk", "volume_driver"]
HELPER = patcher.__file__
PATCHED_FILES = {OWN, CONNECTOR_PY, CONFIG_PY, DRIVER_PY}


def job(tmp_path: Path, state: str = "patched", **options: t.Any) -> dict[str, t.Any]:
    """Give a job."""
    given = {"components": ALL, "write": True, "copies": str(tmp_path / "copies"), "packaged": False}
    return given | {"state": state, "from_copy": False, "probe": False} | options


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that Python, and the processes that are started, import from."""
    site = tmp_path / "site"
    make(site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


@pytest.fixture(autouse=True)
def _forget_modules() -> t.Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("os_brick", "nova", "libvirt"):
            del sys.modules[name]


def states(answer: dict[str, t.Any], side: str) -> dict[str, str]:
    """Give the state of each file by its name."""
    return {Path(file["path"]).name: file[side] for file in answer["files"]}


def rewrite(path: Path, edit: t.Callable[[bytes], bytes]) -> None:
    """Edit a file."""
    path.write_bytes(edit(path.read_bytes()))


# States ------------------------------------------------------------------------------------------------------------


def test_patch_and_take_out(site: Path, tmp_path: Path) -> None:
    """Patched, patched again without a change, looked at, taken out to the last byte, and again without a change."""
    before = snapshot(site)
    answer = patcher.run(job(tmp_path, probe=True))
    assert answer["changed"]
    assert set(states(answer, "before").values()) == {"pristine"}
    assert set(states(answer, "after").values()) == {"patched"}
    patched = snapshot(site)
    assert {name for name in patched if patched[name] != before.get(name)} == PATCHED_FILES
    for state in ("patched", "check"):
        answer = patcher.run(job(tmp_path, state))
        assert not answer["changed"]
        assert set(states(answer, "before").values()) == {"patched"}
    assert snapshot(site) == patched
    assert patcher.run(job(tmp_path, "pristine"))["changed"]
    assert snapshot(site) == before
    assert not patcher.run(job(tmp_path, "pristine"))["changed"]
    assert set(states(patcher.run(job(tmp_path, "check")), "after").values()) == {"pristine"}


def test_order(site: Path, tmp_path: Path) -> None:
    """What is named comes before what names it; the other way round when it goes."""
    names = [Path(file["path"]).name for file in patcher.run(job(tmp_path))["files"]]
    assert names == ["openvstorage.py", "connector.py", "config.py", "driver.py"]
    assert [Path(file["path"]).name for file in patcher.run(job(tmp_path, "pristine"))["files"]] == names[
        ::-1
    ]


@pytest.mark.parametrize("component", ALL)
def test_each_component_alone(site: Path, tmp_path: Path, component: str) -> None:
    """They do not need each other."""
    before = snapshot(site)
    assert patcher.run(job(tmp_path, components=[component], probe=True))["changed"]
    assert patcher.run(job(tmp_path, "pristine", components=[component]))["changed"]
    assert snapshot(site) == before


def test_nothing_is_written_in_check_mode(site: Path, tmp_path: Path) -> None:
    """It says what would change."""
    before = snapshot(tmp_path)
    assert patcher.run(job(tmp_path, write=False))["changed"]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms_of_files(site: Path, tmp_path: Path, form: t.Callable[[bytes], bytes]) -> None:
    """Whatever the form of a file is, it works patched, and comes back to the last byte."""
    for name in (CONNECTOR_PY, CONFIG_PY, DRIVER_PY):
        rewrite(site / name, form)
    before = snapshot(site)
    assert patcher.run(job(tmp_path, probe=True)) | {"files": []} == {
        "changed": True,
        "files": [],
        "reason": None,
    }
    for name in (CONNECTOR_PY, CONFIG_PY, DRIVER_PY):
        data = (site / name).read_bytes()
        assert (b"\r\n" in data) == (b"\r\n" in before[name])
        assert data.count(b"\n") == data.count(b"\r\n") or b"\r" not in data
    assert not patcher.run(job(tmp_path))["changed"]
    patcher.run(job(tmp_path, "pristine"))
    assert snapshot(site) == before


def test_dictionary_of_drivers(site: Path, tmp_path: Path) -> None:
    """The registry of nova 23 and newer, here with an annotation."""
    (site / DRIVER_PY).write_text(
        packages.DRIVER_DICT.replace("VOLUME_DRIVERS = {", "VOLUME_DRIVERS: dict = {")
    )
    assert patcher.run(job(tmp_path, components=["volume_driver"], probe=True))["changed"]


def test_registry_at_the_end_of_the_file(site: Path, tmp_path: Path) -> None:
    """The list is the last statement, without a line end."""
    (site / DRIVER_PY).write_text("libvirt_volume_drivers = ['a=b']")
    assert patcher.run(job(tmp_path, components=["volume_driver"]))["changed"]
    assert not patcher.run(job(tmp_path, components=["volume_driver"]))["changed"]
    patcher.run(job(tmp_path, "pristine", components=["volume_driver"]))
    assert (site / DRIVER_PY).read_text() == "libvirt_volume_drivers = ['a=b']"


def test_edited_block_is_mended(site: Path, tmp_path: Path) -> None:
    """What somebody wrote between our markers goes."""
    patcher.run(job(tmp_path))
    patched = snapshot(site)
    rewrite(site / CONNECTOR_PY, lambda data: data.replace(b"OPENVSTORAGE_EDGE = ", b"OPENVSTORAGE = "))
    rewrite(site / OWN, lambda data: data + b"# more\n")
    answer = patcher.run(job(tmp_path))
    assert states(answer, "before") == {
        "openvstorage.py": "outdated", "connector.py": "outdated", "config.py": "patched", "driver.py": "patched",
    }  # fmt: skip
    assert snapshot(site) == patched


def test_upgrade_of_the_package(site: Path, tmp_path: Path) -> None:
    """An upgrade replaces the file; the next run patches the new one, and takes out of the new one."""
    patcher.run(job(tmp_path))
    new = packages.CONFIG + "\n\nNEW = 1\n"
    (site / CONFIG_PY).write_text(new)
    answer = patcher.run(job(tmp_path))
    assert answer["changed"]
    assert states(answer, "before")["config.py"] == "pristine"
    patcher.run(job(tmp_path, "pristine"))
    assert (site / CONFIG_PY).read_text() == new


def test_owner_mode_and_time(site: Path, tmp_path: Path) -> None:
    """Owner and mode stay, the time is new, compiled files go: Python 2.7 would go on with them."""
    path = site / CONFIG_PY
    path.chmod(0o604)
    os.utime(path, (1, 1))
    if os.geteuid() == 0:
        os.chown(path, 64061, 64062)
    owner = (path.stat().st_uid, path.stat().st_gid)
    compiled = [path.with_suffix(".pyc"), path.parent / "__pycache__" / "config.cpython-311.pyc"]
    for state in ("patched", "pristine"):
        for file in compiled:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"")
        patcher.run(job(tmp_path, state, components=["guest_disk"]))
        assert [file.exists() for file in compiled] == [False, False]
        status = path.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*owner, 0o604)
        assert status.st_mtime > 1


def test_extended_attributes(site: Path, tmp_path: Path) -> None:
    """SELinux contexts and other attributes stay, where the file system has them."""
    try:
        os.setxattr(site / CONFIG_PY, "user.x", b"1")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    patcher.run(job(tmp_path))
    assert os.getxattr(site / CONFIG_PY, "user.x") == b"1"


# Refusals ----------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "os-brick 1.5": (
        {"connector": "connector_list = ['a']\n"},
        "_connector_mapping_linux.*os-brick 1.5 and older",
    ),
    "os-brick 1.3": ({"connector": "X = 1\n"}, "no single unix_connector_list or connector_list"),
    "list computed": (
        {"connector": packages.CONNECTOR.replace("]  # the end", "] + []")},
        "connector_list has an unknown shape",
    ),
    "list of names": (
        {"connector": packages.CONNECTOR.replace("    ('os_brick", "    str, ('os_brick")},
        "connector_list has an unknown shape",
    ),
    "list twice": (
        {"connector": packages.CONNECTOR + "connector_list = ['a']\n"},
        "no single unix_connector_list or connector_list",
    ),
    "list within a function": (
        {"driver": "def f():\n    libvirt_volume_drivers = ['a=b']\n"},
        "no single libvirt_volume_drivers or VOLUME_DRIVERS",
    ),
    "empty registry": ({"driver": "VOLUME_DRIVERS = {}\n"}, "VOLUME_DRIVERS has an unknown shape"),
    "patched by hand": (
        {"driver": packages.DRIVER_LIST.replace("    'local=", "    'openvstorage_edge=x.Y',\n    'local=")},
        "driver.py was patched by hand or replaced",
    ),
    "vendor's copy": (
        {"config": packages.CONFIG + "\n\nclass LibvirtConfigOpenvStorageEdgeGuestDisk(object):\n    pass\n"},
        "config.py was patched by hand or replaced",
    ),
    "patched by line number": (
        {"config": packages.CONFIG.replace("class LibvirtConfigGuestDisk(", "class X(:\n")},
        "config.py is damaged",
    ),
    "no base class": ({"config": "X = 1\n"}, "no single class LibvirtConfigGuestDisk"),
    "empty file": ({"config": ""}, "no single class LibvirtConfigGuestDisk"),
    "old Mac": ({"config": packages.CONFIG.replace("\n", "\r")}, "line ends of old Macs"),
    "NUL": ({"config": b"x = 1\x00\n"}, "config.py is damaged"),
    "no file": ({"config": None}, "config.py is not there"),
    "no driver": (
        {"openvstorage_edge": None},
        "openvstorage_edge.py is not there; put the volume driver in place",
    ),
    "other driver": ({"openvstorage_edge": "X = 1\n"}, "has no class LibvirtOpenvStorageEdgeVolumeDriver"),
    "damaged driver": ({"openvstorage_edge": "X = (\n"}, "openvstorage_edge.py is damaged"),
}


@pytest.mark.parametrize(("changed", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_without_a_change(
    site: Path, tmp_path: Path, changed: dict[str, str | bytes | None], message: str
) -> None:
    """One file that is refused keeps all others from being written."""
    for name in changed:
        for path in site.rglob(f"{name}.py"):
            path.unlink()
    make(site, **changed)
    before = snapshot(tmp_path)
    answer = patcher.run(job(tmp_path))
    assert not answer["changed"]
    assert pytest.raises(AssertionError, match=message).matches(AssertionError(answer["reason"]))
    assert snapshot(tmp_path) == before
    refused = [file for file in answer["files"] if file["before"] == "refused"]
    assert [file["after"] for file in refused] == ["refused"]
    assert refused[0]["reason"] == answer["reason"]


def test_foreign_connector(site: Path, tmp_path: Path) -> None:
    """The vendor's connector stays where it is."""
    (site / OWN).write_text("# theirs\n")
    assert "is there and is not ours" in patcher.run(job(tmp_path))["reason"]
    assert "is there and is not ours" in patcher.run(job(tmp_path, "pristine"))["reason"]
    assert (site / OWN).read_text() == "# theirs\n"


def test_no_folder_for_connectors(site: Path, tmp_path: Path) -> None:
    """os-brick 1.5 and older."""
    (site / "os_brick/initiator/connectors").rename(site / "os_brick/initiator/other")
    assert "has no folder for connectors" in patcher.run(job(tmp_path))["reason"]


@pytest.mark.parametrize("name", ["os_brick", "nova"])
def test_no_package(site: Path, tmp_path: Path, name: str) -> None:
    """The wrong interpreter."""
    (site / name).rename(site / "gone")
    with pytest.raises(patcher.Failed, match=f"has no package {name}"):
        patcher.run(job(tmp_path))


def test_vanished_driver_does_not_keep_the_patch_in(site: Path, tmp_path: Path) -> None:
    """The registration can be taken out when the driver is gone."""
    patcher.run(job(tmp_path))
    (site / EDGE_PY).unlink()
    assert patcher.run(job(tmp_path, "pristine"))["changed"]


DAMAGED: dict[str, t.Callable[[bytes], bytes]] = {
    "no end": lambda data: data.split(b"# END")[0],
    "no begin": lambda data: b"\n".join(
        line for line in data.split(b"\n") if not line.startswith(b"# BEGIN")
    ),
    "begin twice": lambda data: data.replace(
        b"# BEGIN", b"# BEGIN winstack.openstack.openvstorage_patch\n# BEGIN", 1
    ),
    "other end": lambda data: data.replace(b"_patch guest-disk\n", b"_patch other\n"),
    "no checksum": lambda data: data.replace(b"pristine=", b"pristine=x"),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("state", ["patched", "pristine"])
def test_damaged_markers(site: Path, tmp_path: Path, damage: t.Callable[[bytes], bytes], state: str) -> None:
    """Refused, until the task allows to take the copy that was kept."""
    before = snapshot(site)
    patcher.run(job(tmp_path))
    patched = snapshot(site)
    rewrite(site / CONFIG_PY, damage)
    damaged = snapshot(site)
    answer = patcher.run(job(tmp_path, state))
    assert "a pristine copy was kept, and from_copy would put it back" in answer["reason"]
    assert snapshot(site) == damaged
    assert patcher.run(job(tmp_path, state, from_copy=True))["changed"]
    assert snapshot(site) == (patched if state == "patched" else before)


def test_damaged_markers_and_no_sound_copy(site: Path, tmp_path: Path) -> None:
    """A copy of which the checksum is wrong is none."""
    patcher.run(job(tmp_path))
    rewrite(site / CONFIG_PY, DAMAGED["no end"])
    for path in (tmp_path / "copies").iterdir():
        rewrite(path, lambda data: data + b"x")
    assert "no pristine copy was kept" in patcher.run(job(tmp_path, from_copy=True))["reason"]


def test_block_that_begins_the_file(site: Path, tmp_path: Path) -> None:
    """A marker that says that the line above had no end, and no line above."""
    line = (
        f"# BEGIN {patcher.MARK} guest-disk pristine={'0' * 64} no-newline\n# END {patcher.MARK} guest-disk\n"
    )
    (site / CONFIG_PY).write_text(line)
    assert "markers of a block are damaged" in patcher.run(job(tmp_path))["reason"]


def dpkg_says(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Put a dpkg-query before the real one that finds these lines whatever it is asked for."""
    folder.mkdir()
    text = "".join(f"echo '{line}'\n" for line in lines)
    (folder / "dpkg-query").write_text(f"#!/bin/sh\n{text}")
    (folder / "dpkg-query").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_file_of_a_package(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it lies, dpkg owns it; only a word of the operator makes it ours. The way back is always open."""
    dpkg_says(tmp_path / "bin", monkeypatch, f"python3-nova: {site / CONFIG_PY}")
    before = snapshot(site)
    answer = patcher.run(job(tmp_path))
    assert "config.py belongs to the Debian package python3-nova; 'packaged' would" in answer["reason"]
    assert snapshot(site) == before
    assert states(answer, "after") == states(answer, "before")
    assert not patcher.run(job(tmp_path, "check"))["reason"]
    assert patcher.run(job(tmp_path, packaged=True))["changed"]
    assert patcher.run(job(tmp_path, "pristine"))["changed"]
    assert snapshot(site) == before


def test_file_that_pip_put_among_those_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What dpkg does not own is no package's, whatever its folder is called, and if dpkg is not there at all."""
    site = make(tmp_path / "lib/python3/dist-packages")
    monkeypatch.syspath_prepend(str(site))
    diversion = f"local diversion from: {site / CONFIG_PY}"
    dpkg_says(tmp_path / "bin", monkeypatch, f"python3-nova: {site / CONFIG_PY}.other", diversion)
    assert patcher.run(job(tmp_path))["changed"]
    assert patcher.run(job(tmp_path, "pristine"))["changed"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert patcher.run(job(tmp_path))["changed"]


@pytest.mark.parametrize("name", [CONFIG_PY, OWN])
def test_link(site: Path, tmp_path: Path, name: str) -> None:
    """What lies in a store that environments share is left alone there, and the link stays one."""
    store = tmp_path / "store.py"
    store.write_bytes((site / name).read_bytes() if name != OWN else patcher.CONNECTOR_SOURCE.encode())
    (site / name).unlink(missing_ok=True)
    (site / name).symlink_to(store)
    for state in ("patched", "pristine"):
        assert f"is a link to {store}" in patcher.run(job(tmp_path, state))["reason"]
    assert (site / name).is_symlink()


def test_change_outside_of_the_patch(site: Path, tmp_path: Path) -> None:
    """A mended bug of nova, say: it is kept and told of, and is part of what comes back."""
    patcher.run(job(tmp_path))
    rewrite(site / CONFIG_PY, lambda data: b"# mended\n" + data)
    remarks = [file["remark"] for file in patcher.run(job(tmp_path))["files"] if "remark" in file]
    assert remarks == [f"{site / CONFIG_PY} was changed outside of the patch since; that change is kept"]
    assert not [file for file in patcher.run(job(tmp_path))["files"] if "remark" in file]
    patcher.run(job(tmp_path, "pristine"))
    assert (site / CONFIG_PY).read_text() == "# mended\n" + packages.CONFIG


def test_copies_go_with_the_patch(site: Path, tmp_path: Path) -> None:
    """After an upgrade they would be of an older release, and nothing should be left of us."""
    patcher.run(job(tmp_path))
    assert len(list((tmp_path / "copies").iterdir())) == 3
    patcher.run(job(tmp_path, "pristine", components=["connector"]))
    assert len(list((tmp_path / "copies").iterdir())) == 2
    patcher.run(job(tmp_path, "pristine"))
    assert not (tmp_path / "copies").exists()


def test_block_that_could_not_be_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last check before a file is written."""
    with pytest.raises(patcher.Refused, match="could not be taken out"):
        patcher.merge(
            b"x = 1\n",
            "x.py",
            [(1, "x", f"# END {patcher.MARK} x\n# BEGIN {patcher.MARK} x pristine={'0' * 64}\n")],
        )


# Failures ----------------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[str, str, str, str]] = {
    "factory": ("connector", CONNECTOR_PY, "[protocol.upper()]", "['ISCSI']"),
    "lower case": ("connector", CONNECTOR_PY, "protocol.upper()", "protocol"),
    "other protocols": ("connector", CONNECTOR_PY, "iscsi.ISCSIConnector',\n}", "base.BaseLinuxConnector',\n}"),
    "unknown protocols": (
        "connector", CONNECTOR_PY, "_connector_mapping_linux[protocol.upper()]",
        "_connector_mapping_linux.get(protocol.upper(), 'os_brick.initiator.connectors.base.BaseLinuxConnector')",
    ),
    "serial": ("guest_disk", CONFIG_PY, "if self.serial is not None", "if False"),
    "hosts": ("guest_disk", CONFIG_PY, "zip(self.source_hosts, self.source_ports)", "[]"),
    "attach check": ("guest_disk", DRIVER_PY, "return conf.driver_discard", "return conf.other"),
    "import": ("volume_driver", EDGE_PY, "from nova", "from novas"),
    "interface": ("volume_driver", EDGE_PY, "    pass", "    def __init__(self):\n        pass"),
}  # fmt: skip


@pytest.mark.parametrize(("component", "name", "old", "new"), BROKEN.values(), ids=BROKEN)
def test_failed_probe(site: Path, tmp_path: Path, component: str, name: str, old: str, new: str) -> None:
    """What does not work in the service's Python is taken back, with the reason."""
    rewrite(site / name, lambda data: data.replace(old.encode(), new.encode()))
    before = snapshot(site)
    assert before[name] != packages.FILES[name].encode()
    with pytest.raises(patcher.Failed, match=f"the patched {component} does not work in"):
        patcher.run(job(tmp_path, probe=True))
    assert snapshot(site) == before
    assert not list((tmp_path / "copies").glob("journal*"))


@pytest.mark.parametrize(
    ("component", "mistake"),
    [(component, mistake) for _name, component, mistake in packages.MISTAKES],
    ids=[name for name, _component, _mistake in packages.MISTAKES],
)
def test_mistake_of_the_guide_is_found_and_taken_back(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, component: str, mistake: tuple[str, str, str]
) -> None:
    """If our class or connector were as the guide has them, the probe would say so before any service sees them."""
    right, wrong, message = mistake
    name = {"guest_disk": "GUEST_DISK_SOURCE", "connector": "CONNECTOR_SOURCE"}[component]
    source = getattr(patcher, name)
    assert right in source
    before = snapshot(site)
    monkeypatch.setattr(patcher, name, source.replace(right, wrong))
    with pytest.raises(patcher.Failed, match=f"the patched {component} does not work in .*({message})"):
        patcher.run(job(tmp_path, components=[component], probe=True))
    assert snapshot(site) == before


def test_guide_error_07_the_connector_is_no_default() -> None:
    """The drivers for Newton do without it, and the vendor calls it deprecated."""
    documented = yaml.safe_load(openvstorage_patch.DOCUMENTATION)["options"]["components"]
    assert documented["default"] == ["guest_disk", "volume_driver"]


def test_disk_full_at_every_write(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far it comes, everything is as it was."""
    before = snapshot(site)
    sync, left = os.fsync, [0]

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    for number in range(1, 30):
        left[0] = number
        with contextlib.suppress(patcher.Failed, OSError):
            assert patcher.run(job(tmp_path))["changed"]
            break
        assert snapshot(site) == before
    assert number > 12


def test_disk_that_stays_full(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be put back either is said to be so, and put back by the next run that can."""
    before = snapshot(site)
    sync, left = os.fsync, [8]

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    answer = answer_of(monkeypatch, capsys, job(tmp_path))
    assert answer["reason"] == (
        "a file cannot be written: No space left on device; what was written cannot be put back: "
        "a file cannot be written: No space left on device; the next run tries it again"
    )
    assert answer["changed"]
    assert snapshot(site) != before
    left[0] = 1000
    patcher.run(job(tmp_path, "check"))
    assert snapshot(site) == before


def test_disk_that_is_full_from_the_start(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names no file, and yet the answer is a sentence."""
    before = snapshot(site)

    def fsync(_handle: int) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    answer = answer_of(monkeypatch, capsys, job(tmp_path))
    assert answer["reason"] == ("a file cannot be written: No space left on device; nothing was left changed")
    assert snapshot(site) == before


# Two runs at once --------------------------------------------------------------------------------------------------

PAUSED = """
import os, runpy, sys, time
left, rename = [3], os.rename
def slow(*paths):
    left[0] -= 1
    if not left[0]:
        print('paused', flush=True)
        time.sleep(2)
    rename(*paths)
os.rename = slow
sys.argv = [sys.argv[1]]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.mark.parametrize("second", ["patched", "check", "pristine"])
def test_two_runs_at_once(site: Path, tmp_path: Path, second: str) -> None:
    """The second waits for the first, and does not take it for one that was killed."""
    before = snapshot(site)
    command = [sys.executable, "-B", "-c", PAUSED, HELPER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdin
        assert first.stdout
        first.stdin.write(json.dumps(job(tmp_path)))
        first.stdin.close()
        assert first.stdout.readline() == "paused\n"
        answer = patcher.run(job(tmp_path, second))
        said = json.loads(first.stdout.read()[len(patcher.ANSWER) :])
    assert (said["changed"], said["reason"]) == (True, None)
    assert set(states(answer, "before").values()) == {"patched"}
    assert answer["changed"] == (second == "pristine")
    if second == "pristine":
        assert snapshot(site) == before


def test_no_end_of_another_run(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever."""
    monkeypatch.setattr(patcher, "PATIENCE", 1)
    with (
        patcher.alone(),
        pytest.raises(patcher.Failed, match=f"another run has been at work in {sys.prefix} for too long"),
    ):
        patcher.run(job(tmp_path))
    assert patcher.run(job(tmp_path))["changed"]


def test_file_system_without_locks(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old NFS cannot lock a folder; that is no reason not to work."""
    error = [errno.EBADF]

    def flock(_handle: int, _how: int) -> t.NoReturn:
        raise OSError(error[0], "no")

    monkeypatch.setattr(patcher.fcntl, "flock", flock)
    assert patcher.run(job(tmp_path))["changed"]
    error[0] = errno.EIO
    with pytest.raises(OSError, match="no"):
        patcher.run(job(tmp_path))


def kill_at(number: int, site: Path, work: dict[str, t.Any]) -> int:
    """Run the helper, and kill it right before its write of this number; give its exit status."""
    script = (
        "import os, runpy, sys\n"
        "left, rename, unlink = [int(sys.argv[1])], os.rename, os.unlink\n"
        "def count(do):\n"
        "    def counted(*paths):\n"
        "        left[0] -= 1\n"
        "        if not left[0]:\n"
        "            os._exit(9)\n"
        "        do(*paths)\n"
        "    return counted\n"
        "os.rename, os.unlink = count(rename), count(unlink)\n"
        "sys.argv = [sys.argv[2]]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "-B", "-c", script, str(number), HELPER]
    return subprocess.run(
        command, input=json.dumps(work), text=True, capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("state", ["patched", "pristine"])
def test_killed_at_every_write(site: Path, tmp_path: Path, state: str) -> None:
    """Each file is whole at any time, Python can import all, and the next run puts back what was begun."""
    pristine = snapshot(site)
    patcher.run(job(tmp_path))
    patched = snapshot(site)
    if state == "patched":
        patcher.run(job(tmp_path, "pristine"))
    before = snapshot(site)
    number = 1
    while kill_at(number, site, job(tmp_path, state)) == 9:
        number += 1
        for name, data in snapshot(site).items():
            assert data in (pristine.get(name), patched.get(name)) or ".winstack" in name, name
        for component in ALL if state == "pristine" else []:
            # Registrations go first, so what is left never names what is gone.
            code = "import os_brick.initiator.connector, sys; sys.modules['libvirt'] = sys; import nova.virt.libvirt.driver"
            assert subprocess.run([sys.executable, "-B", "-c", code], check=False).returncode == 0, component
        patcher.run(job(tmp_path, "check"))
        # When the copies go, the work is done.
        assert snapshot(site) in (before, pristine)
        patcher.run(job(tmp_path, "patched" if before == patched else "pristine"))
    assert number > 5


def test_recovery_spares_what_others_wrote(site: Path, tmp_path: Path) -> None:
    """An upgrade after the crash is not undone."""
    assert kill_at(4, site, job(tmp_path)) == 9
    (site / OWN).write_text("# theirs\n")
    patcher.run(job(tmp_path, "check"))
    assert (site / OWN).read_text() == "# theirs\n"


def test_interrupted(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal to end undoes what was begun."""
    before = snapshot(site)
    monkeypatch.setattr(patcher, "probe", lambda _component: os.kill(os.getpid(), signal.SIGTERM))
    old = signal.signal(signal.SIGTERM, patcher.interrupted), signal.getsignal(signal.SIGHUP)
    try:
        with pytest.raises(patcher.Failed, match="interrupted by signal 15"):
            patcher.run(job(tmp_path, probe=True))
    finally:
        assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP), old, strict=True):
            signal.signal(number, handler)
    assert snapshot(site) == before


# As a script -------------------------------------------------------------------------------------------------------


def answer_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], work: dict[str, t.Any]
) -> dict[str, t.Any]:
    """Run the script in this process; give its answer."""
    monkeypatch.setattr(signal, "signal", lambda _number, _handler: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(work)))
    patcher.main([])
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(patcher.ANSWER)
    answer: dict[str, t.Any] = json.loads(line[len(patcher.ANSWER) :])
    return answer


def test_script(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job comes in, the answer goes out."""
    assert answer_of(monkeypatch, capsys, job(tmp_path))["changed"]


def test_script_that_fails(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure is an answer, too."""
    (site / EDGE_PY).write_text(packages.EDGE.replace("from nova", "from novas"))
    answer = answer_of(monkeypatch, capsys, job(tmp_path, probe=True))
    assert answer["reason"].endswith("; nothing was left changed")


def test_read_only_file_system(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nowhere to write is an answer."""

    def mkstemp(**_options: t.Any) -> t.NoReturn:
        raise OSError(30, "Read-only file system", "/x")

    before = snapshot(site)
    monkeypatch.setattr(patcher.tempfile, "mkstemp", mkstemp)
    assert (
        answer_of(monkeypatch, capsys, job(tmp_path))["reason"]
        == "/x: Read-only file system; nothing was left changed"
    )
    assert snapshot(site) == before


@pytest.mark.parametrize("component", ALL)
def test_probes(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, component: str) -> None:
    """Each probe passes on a patched package, and fails on a pristine one."""
    monkeypatch.setattr(signal, "signal", lambda _number, _handler: None)
    with pytest.raises(Exception, match=r"."):
        patcher.main(["probe", component])
    for name in [name for name in sys.modules if name.split(".")[0] in ("os_brick", "nova", "libvirt")]:
        del sys.modules[name]
    patcher.run(job(tmp_path))
    patcher.main(["probe", component])


def test_probe_of_old_nova(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nova without the method that finds a driver has a dictionary of them."""
    rewrite(site / DRIVER_PY, lambda data: data.replace(b"def _get_volume_driver(", b"def other("))
    patcher.run(job(tmp_path))
    patcher.probe_volume_driver()


def test_guest_disk(site: Path, tmp_path: Path) -> None:
    """What the class makes of what volume drivers set."""
    patcher.run(job(tmp_path))
    config, _driver = patcher.nova_modules()
    disk = config.LibvirtConfigOpenvStorageEdgeGuestDisk()
    disk.source_hosts, disk.source_ports = ["a", "b"], ["1", "2"]
    assert [host.get("name") for host in disk.format_dom().findall("source/host")] == ["a"]
    disk.source_host_name, disk.source_host_port = "c", 26203
    hosts = disk.format_dom().findall("source/host")
    assert [dict(host.attrib) for host in hosts] == [{"name": "c", "port": "26203", "transport": "tcp"}]
    disk.source_snapshot_timeout = "120"
    assert "snapshot-timeout" not in disk.format_dom().find("source").attrib
    disk.source_host_transport = "shm"
    with pytest.raises(ValueError, match="tcp or rdma"):
        disk.format_dom()
    other = config.LibvirtConfigOpenvStorageEdgeGuestDisk()
    other.parse_str("<disk type='file'/>")
    other.parse_str("<disk type='network'><source protocol='openvstorage' name='v'/></disk>")
    assert (other.source_host_name, other.source_snapshot_timeout) == (None, 120)


def test_connector(site: Path, tmp_path: Path) -> None:
    """What the connector makes of what cinder and nova hand to it."""
    patcher.run(job(tmp_path))
    from os_brick.initiator import connector

    made = connector.InitiatorConnector.factory("openvstorage_edge", "sudo")
    assert connector.OpenvStorageEdgeConnector is type(made)
    location = {"device_path": "openvstorage+rdma:10.0.0.5:26203/volume-1"}
    assert made.connect_volume(location) == {"type": "network", "path": location["device_path"]}
    assert made.get_volume_paths(location) == [location["device_path"]]
    assert made.get_all_available_volumes() == []
    assert made.get_search_path() is None
    assert made.get_connector_properties("sudo", host="x") == {}
    for wrong in (
        {},
        {"device_path": None},
        {"device_path": "/dev/sda"},
        {"device_path": "openvstorage+shm:a:1/x"},
    ):
        with pytest.raises(ValueError, match="not the location"):
            made.connect_volume(wrong)
    with pytest.raises(NotImplementedError):
        made.extend_volume(location)

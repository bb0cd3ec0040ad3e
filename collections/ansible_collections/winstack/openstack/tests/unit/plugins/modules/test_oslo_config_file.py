# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The target half: real files, owners and modes."""

from __future__ import annotations

import base64
import grp
import json
import os
import pwd
import re
import shutil
import stat
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.winstack.openstack.plugins.modules import oslo_config_file

Run = t.Callable[..., dict[str, t.Any]]
IS_ROOT = os.geteuid() == 0


@pytest.fixture(name="run")
def run_fixture(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a way to run the module."""

    def run(**options: t.Any) -> dict[str, t.Any]:
        with patch_module_args(options), pytest.raises(SystemExit):
            oslo_config_file.main()
        result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture(name="path")
def path_fixture(tmp_path: Path) -> Path:
    """Give a file."""
    path = tmp_path / "x.conf"
    path.write_bytes(b"old\r\n\xff")
    path.chmod(0o604)
    return path


def mode(path: Path) -> int:
    """Give the mode of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def new(data: bytes, was: dict[str, t.Any]) -> dict[str, str]:
    """Give the options to replace what was read."""
    return {"content": base64.b64encode(data).decode(), "expected_sha256": was["sha256"]}


def test_read(run: Run, path: Path) -> None:
    """Bytes and attributes."""
    result = run(path=str(path))
    assert not result["changed"]
    assert base64.b64decode(result["content"]) == b"old\r\n\xff"
    assert (result["exists"], result["mode"], result["uid"], result["gid"]) == (
        True,
        "0604",
        os.getuid(),
        os.getgid(),
    )
    assert result["owner"] == pwd.getpwuid(os.getuid())[0]
    assert result["group"] == grp.getgrgid(os.getgid())[0]


def test_read_nothing(run: Run, tmp_path: Path) -> None:
    """No file is no error."""
    result = run(path=str(tmp_path / "none" / "x.conf"))
    assert (result["exists"], result["sha256"], result["changed"]) == (False, "", False)
    assert "content" not in result


def test_replace_keeps_attributes(run: Run, path: Path) -> None:
    """The mode stays, the time does not."""
    os.utime(path, (1, 1))
    result = run(path=str(path), **new(b"new", run(path=str(path))))
    assert result["changed"]
    assert (path.read_bytes(), mode(path)) == (b"new", 0o604)
    assert path.stat().st_mtime > 1
    assert "backup_file" not in result
    assert os.listdir(path.parent) == ["x.conf"]


def test_backup(run: Run, path: Path) -> None:
    """The copy has the old bytes and mode."""
    kept = Path(run(path=str(path), backup=True, **new(b"new", run(path=str(path))))["backup_file"])
    assert (kept.parent, kept.read_bytes(), mode(kept)) == (path.parent, b"old\r\n\xff", 0o604)


def test_backup_is_no_wider_than_the_new_file(run: Run, path: Path) -> None:
    """The old secrets stay in it. A second copy within a second would have the same name and the same bytes."""
    path.chmod(0o644)
    kept = Path(
        run(path=str(path), backup=True, mode="0640", **new(b"new", run(path=str(path))))["backup_file"]
    )
    assert (mode(kept), mode(path)) == (0o640, 0o640)


def test_backup_keeps_owner_and_time(run: Run, path: Path) -> None:
    """Like the file that it is a copy of."""
    os.utime(path, (1, 1))
    if IS_ROOT:
        os.chown(path, 64061, 64062)
    status = path.stat()
    options = {"owner": "root"} if IS_ROOT else {}
    kept = Path(
        run(path=str(path), backup=True, **options, **new(b"new", run(path=str(path))))["backup_file"]
    )
    found = kept.stat()
    assert (found.st_uid, found.st_gid, found.st_mtime) == (status.st_uid, status.st_gid, 1)


def test_nobody_can_open_what_is_on_its_way(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At no moment is a secret in a file that more may read than the one that it is to be in."""
    path.write_bytes(b"old")
    path.chmod(0o644)
    seen: list[str] = []

    def look(*_arguments: t.Any, **_options: t.Any) -> None:
        for file in path.parent.rglob("*"):
            private = any(mode(folder) == 0o700 for folder in file.parents if path.parent in folder.parents)
            if file.is_file() and b"hunter2" in file.read_bytes() and mode(file) & 0o077:
                seen.append(f"{file} {'private' if private else 'open'}")

    def watched(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def call(*arguments: t.Any, **options: t.Any) -> t.Any:
            look()
            result = function(*arguments, **options)
            look()
            return result

        return call

    path.parent.chmod(0o755)
    options = new(b"password = hunter2", run(path=str(path)))
    for owner, name in [(os, "chmod"), (os, "chown"), (os, "fsync"), (os, "rename"), (shutil, "copystat")]:
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    run(path=str(path), mode="0600", backup=True, **options)
    assert [line for line in seen if line.endswith("open")] == []
    options = new(b"plain", run(path=str(path)))
    run(path=str(path), mode="0644", backup=True, **options)
    assert [line for line in seen if line.endswith("open")] == []


def test_link_is_followed(run: Run, path: Path, tmp_path: Path) -> None:
    """The link stays a link."""
    link = tmp_path / "link.conf"
    link.symlink_to(path)
    run(path=str(link), **new(b"new", run(path=str(link))))
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(("wanted", "expected"), [({}, 0o640), ({"mode": "0600"}, 0o600)])
def test_new_file(run: Run, tmp_path: Path, wanted: dict[str, str], expected: int) -> None:
    """A new file is not for everybody, whatever the umask is."""
    path = tmp_path / "x.conf"
    old = os.umask(0)
    try:
        run(path=str(path), backup=True, **new(b"new", run(path=str(path))), **wanted)
    finally:
        os.umask(old)
    assert (path.read_bytes(), mode(path)) == (b"new", expected)


def test_attributes(run: Run, path: Path) -> None:
    """Owner and group by name or number."""
    names = {"owner": pwd.getpwuid(os.getuid())[0], "group": str(os.getgid()), "mode": "0400"}
    run(path=str(path), **new(b"new", run(path=str(path))), **names)
    assert mode(path) == 0o400


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file away")
def test_foreign_owner_is_kept(run: Run, path: Path) -> None:
    """Root writes the file of somebody else, whose number has no name."""
    os.chown(path, 64061, 64062)
    was = run(path=str(path))
    assert (was["owner"], was["group"]) == ("64061", "64062")
    run(path=str(path), **new(b"new", was))
    assert (path.stat().st_uid, path.stat().st_gid) == (64061, 64062)
    run(path=str(path), owner="root", **new(b"newer", run(path=str(path))))
    assert (path.stat().st_uid, path.stat().st_gid) == (0, 64062)


def test_check_mode(run: Run, path: Path) -> None:
    """Nothing is written."""
    assert run(path=str(path), _ansible_check_mode=True, **new(b"new", run(path=str(path))))["changed"]
    assert path.read_bytes() == b"old\r\n\xff"


def test_somebody_else_was_faster(run: Run, path: Path) -> None:
    """What somebody else wrote in between is not lost."""
    options = new(b"new", run(path=str(path)))
    path.write_bytes(b"theirs")
    result = run(path=str(path), **options)
    assert result["failed"]
    assert "was changed by somebody else" in result["msg"]
    assert path.read_bytes() == b"theirs"


def test_somebody_else_made_the_file(run: Run, tmp_path: Path) -> None:
    """The same for a file that was not there."""
    path = tmp_path / "x.conf"
    options = new(b"new", run(path=str(path)))
    path.write_bytes(b"theirs")
    assert "was changed by somebody else" in run(path=str(path), **options)["msg"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("folder", {}, "folder cannot be read: Is a directory."),
        ("none/x.conf", {"content": ""}, "The folder .*none is not there"),
        ("y.conf", {"content": "", "owner": "nobody-of-this-name"}, "There is no user nobody-of-this-name on this host"),
        ("y.conf", {"content": "", "group": "nobody-of-this-name"}, "There is no group nobody-of-this-name"),
        ("y.conf", {"content": "", "mode": "u=rw"}, "y.conf cannot be written: invalid literal"),
        ("y.conf", {"content": "!"}, "y.conf cannot be written: "),
        ("x.conf/y", {}, "cannot be read: Not a directory"),
    ],
)  # fmt: skip
def test_errors(run: Run, path: Path, name: str, options: dict[str, t.Any], message: str) -> None:
    """One sentence each, and nothing left behind."""
    (path.parent / "folder").mkdir()
    result = run(path=str(path.parent / name), **options)
    assert result["failed"]
    assert re.search(message, result["msg"]), result["msg"]
    assert sorted(os.listdir(path.parent)) == ["folder", "x.conf"]


def test_device_is_refused(run: Run) -> None:
    """A device would never end."""
    assert run(path=os.devnull)["msg"] == f"{os.devnull} is no regular file."


def test_disk_full(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file stays, and no part of a new one."""

    def fsync(handle: int) -> None:
        raise OSError(28, "No space left on device")

    options = new(b"new", run(path=str(path)))
    monkeypatch.setattr(os, "fsync", fsync)
    assert run(path=str(path), **options)["msg"] == f"{path} cannot be written: No space left on device."
    assert path.read_bytes() == b"old\r\n\xff"
    assert os.listdir(path.parent) == ["x.conf"]


def test_selinux_context_of_a_new_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file gets the context that the policy has for its path; an old one keeps its own."""
    asked: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "selinux_enabled", lambda _self: True)
    monkeypatch.setattr(
        basic.AnsibleModule, "set_default_selinux_context", lambda _self, path, changed: asked.append(path)
    )
    path = tmp_path / "x.conf"
    run(path=str(path), content="", expected_sha256="")
    run(path=str(path), **new(b"new", run(path=str(path))))
    assert asked == [str(path)]

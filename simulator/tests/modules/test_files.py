# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: the file system, win_file, win_stat, slurp, win_find and win_copy."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from winsim.errors import FileError
from winsim.files import GIB, parse_size
from winsim.host import Host

Run = Callable[..., dict[str, Any]]


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


# win_file


def test_directory(check_first: Run, run: Run, host: Host) -> None:
    check_first("win_file", path="C:/iSCSI/Disks", state="directory")
    assert host.files.real_path("c:\\iscsi\\disks") == "C:\\iSCSI\\Disks"
    assert run("win_file", path="C:\\iscsi", state="file")["msg"] == "path C:\\iscsi is not a file"
    check_first("win_file", path="C:\\iscsi", state="absent")


def test_file_states(run: Run, check_first: Run, host: Host) -> None:
    assert run("win_file", path="C:\\a.txt", state="file")["msg"] == "path C:\\a.txt will not be created"
    assert run("win_file", path="C:\\a.txt")["msg"] == "path C:\\a.txt will not be created"
    assert run("win_file", path="C:\\a.txt", state="touch")["changed"] is True
    assert run("win_file", path="C:\\a.txt", state="touch")["changed"] is True
    assert host.files.read("C:\\A.TXT") == b""
    assert run("win_file", path="C:\\a.txt")["changed"] is False
    assert run("win_file", path="C:\\a.txt", state="directory")["msg"] == "path C:\\a.txt is not a directory"
    check_first("win_file", path="C:\\a.txt", state="absent")


def test_absent_takes_everything_below(run: Run, host: Host) -> None:
    host.files.mkdir("C:\\d\\e")
    host.files.write("C:\\d\\e\\f", b"x").attributes.add("ReadOnly")
    run("win_file", path="C:\\d", state="absent", _check=True)
    assert host.files.exists("C:\\d\\e\\f")
    assert run("win_file", path="C:\\d", state="absent")["changed"] is True
    assert not host.files.exists("C:\\d")


def test_file_refusals(run: Run, host: Host) -> None:
    assert run("win_file", path="Z:\\x", state="directory")["msg"] == (
        "Cannot find drive. A drive with the name 'Z' does not exist."
    )
    assert "Could not find a part of the path" in run("win_file", path="C:\\no\\x", state="touch")["msg"]
    host.files.write("C:\\file", b"")
    assert "Could not find a part" in run("win_file", path="C:\\file\\sub", state="directory")["msg"]
    host.files.get("C:\\file").in_use_by = "WinTarget"  # type: ignore[union-attr]
    assert run("win_file", path="C:\\file", state="absent")["msg"] == (
        "Failed to delete C:\\file: The process cannot access the file 'C:\\file' because it is being used by "
        "another process."
    )
    assert run("win_file", path="C:\\x", state="link")["failed"]
    assert run("win_file", state="touch")["msg"] == "Get-AnsibleParam: Missing required argument: path"


def test_environment_in_paths(run: Run, host: Host) -> None:
    run("win_file", path="%ROOT%\\new", state="directory", _environment={"ROOT": "D:\\data"})
    assert host.files.is_dir("D:\\data\\new")
    run("win_file", path="D:\\", _args={"_original_basename": "x.txt"}, state="touch")
    assert host.files.is_file("D:\\x.txt")


def win_file_has(root: Path, option: str) -> bool:
    """Whether the win_file of this collection knows an option."""
    return option in (root / "ansible_collections/ansible/windows/plugins/modules/win_file.ps1").read_text()


def test_times_of_newer_versions(run: Run, host: Host, root: Path) -> None:
    if not win_file_has(root, "access_time"):
        pytest.skip("win_file of this collection knows no timestamps")
    host.files.write("C:\\a", b"")
    times = {"modification_time": "2024-02-03 04:05:06", "access_time": "preserve"}
    assert run("win_file", path="C:\\a", state="touch", **times)["changed"] is True
    assert run("win_file", path="C:\\a", state="touch", **times)["changed"] is False
    assert host.files.get("C:\\a").modified.year == 2024  # type: ignore[union-attr]
    assert (
        run("win_file", path="C:\\a", state="touch", access_time="noon")["msg"]
        == "Invalid access_time 'noon'"
    )
    assert run("win_file", path="C:\\new", state="directory", **times)["changed"] is True
    assert host.files.get("C:\\new").modified.year == 2024  # type: ignore[union-attr]


def test_a_look_before_a_diff(run: Run, host: Host, root: Path) -> None:
    if not win_file_has(root, "_diff_peek"):
        pytest.skip("win_file of this collection does not look before a diff")
    host.files.write("C:\\b", b"x\0y")
    peek = run("win_file", path="C:\\b", _args={"_diff_peek": True})
    assert peek == {"path": "C:\\b", "change": False, "appears_binary": True, "state": "file"}


# win_stat, slurp, win_find


def test_stat(run: Run, host: Host) -> None:
    host.files.write("C:\\Temp.txt", b"hello")
    stat = run("win_stat", path="c:/temp.TXT")["stat"]
    assert stat["path"] == "C:\\Temp.txt"
    assert (stat["size"], stat["checksum"], stat["extension"]) == (5, sha1(b"hello"), ".txt")
    assert (stat["isdir"], stat["isreg"], stat["attributes"], stat["isarchive"]) == (
        False,
        True,
        "Archive",
        True,
    )
    md5 = run("win_stat", path="C:\\temp.txt", checksum_algorithm="md5", get_size=False)["stat"]
    assert md5["checksum"] == hashlib.md5(b"hello").hexdigest()
    assert "size" not in md5
    assert run("win_stat", path="C:\\none")["stat"] == {"exists": False}
    folder = run("win_stat", path="C:\\Windows")["stat"]
    assert (folder["isdir"], folder["isreg"], "checksum" in folder) == (True, False, False)
    assert folder["size"] > 0
    assert run("win_stat", path="D:\\")["stat"]["attributes"] == "Hidden, System, Directory"
    host.files.get("C:\\temp.txt").in_use_by = "System"  # type: ignore[union-attr]
    assert "set get_checksum to False" in run("win_stat", path="C:\\temp.txt")["msg"]
    assert run("win_stat", path="C:\\temp.txt", get_checksum=False)["stat"]["exists"] is True


def test_slurp(run: Run, host: Host) -> None:
    host.files.write("C:\\x", b"\x00data")
    assert base64.b64decode(run("slurp", src="C:\\x")["content"]) == b"\x00data"
    assert run("slurp", src="C:\\y")["msg"] == "Path C:\\y is not found"
    assert run("slurp", path="C:\\Windows")["msg"] == "Path C:\\Windows is a directory"


def test_find(run: Run, host: Host) -> None:
    host.files.mkdir("C:\\f\\sub")
    host.files.write("C:\\f\\one.log", b"1" * 2048)
    host.files.write("C:\\f\\sub\\two.log", b"2").modified -= timedelta(days=3)
    host.files.write("C:\\f\\hidden.log", b"").attributes.add("Hidden")

    def names(**more: Any) -> list[str]:
        return [item["filename"] for item in run("win_find", paths="C:\\f", **more)["files"]]

    assert names() == ["one.log"]
    assert names(hidden=True) == ["hidden.log", "one.log"]
    assert names(recurse=True, patterns="*.LOG") == ["one.log", "two.log"]
    assert names(recurse=True, patterns="^t", use_regex=True) == ["two.log"]
    assert names(recurse=True, age="2d") == ["two.log"]
    assert names(recurse=True, age="-2d") == ["one.log"]
    assert names(recurse=True, size="1k") == ["one.log"]
    assert names(recurse=True, size="-1k") == ["two.log"]
    assert names(file_type="directory") == ["sub"]
    assert run("win_find", paths="C:\\f")["files"][0]["checksum"] == sha1(b"1" * 2048)
    assert "does not exist" in run("win_find", paths="C:\\none")["msg"]
    assert "is a file not a directory" in run("win_find", paths="C:\\f\\one.log")["msg"]
    assert run("win_find", paths="C:\\f", age="x")["failed"]
    assert run("win_find", paths="C:\\f", size="x")["failed"]


# win_copy


def test_copy_query(run: Run, host: Host) -> None:
    host.files.write("C:\\same", b"a")
    files = [
        {"src": "/x/same", "dest": "same", "checksum": sha1(b"a")},
        {"src": "/x/new", "dest": "new", "checksum": sha1(b"b")},
    ]
    arguments: dict[str, Any] = {"dest": "C:\\", "files": files, "directories": [{"src": "d", "dest": "d"}]}
    result = run("win_copy", _args={"_copy_mode": "query"}, **arguments)
    assert result == {
        "changed": False,
        "files": [files[1]],
        "directories": [{"src": "d", "dest": "d"}],
        "symlinks": [],
    }
    files[0]["checksum"] = "0"
    assert len(run("win_copy", _args={"_copy_mode": "query"}, **arguments)["files"]) == 2
    assert run("win_copy", _args={"_copy_mode": "query"}, **arguments, force=False)["files"] == [files[1]]
    host.files.mkdir("C:\\new\\new")
    refused = run("win_copy", _args={"_copy_mode": "query"}, **arguments)
    assert "object at path is already a directory" in refused["msg"]
    for entry, text in (
        (".\\same\\x", "parent directory path is already a file"),
        ("same", "path is already a file"),
    ):
        directories = [{"src": "d", "dest": entry}]
        bad = run("win_copy", _args={"_copy_mode": "query"}, dest="C:\\", directories=directories)
        assert text in bad["msg"]


def test_copy_single(run: Run, host: Host) -> None:
    host.files.write("D:\\source", b"new")
    host.files.write("C:\\target", b"old").attributes.add("ReadOnly")
    result = run("win_copy", src="D:\\source", dest="C:\\target", backup=True)
    assert result["changed"] is True
    assert host.files.read(result["backup_file"]) == b"old"
    assert host.files.read("C:\\target") == b"new"
    run("win_copy", src="D:\\source", dest="C:\\made\\", _args={"_original_basename": "name.txt"})
    assert host.files.read("C:\\made\\name.txt") == b"new"
    assert (
        run("win_copy", src="D:\\source", dest="C:\\no\\x")["msg"]
        == "Destination directory 'C:\\no' does not exist"
    )
    assert "is currently a file" in run("win_copy", src="D:\\source", dest="C:\\target\\x")["msg"]
    assert "as it does not exist" in run("win_copy", src="D:\\none", dest="C:\\x")["msg"]
    assert run("win_copy", dest="C:\\x")["msg"] == "Get-AnsibleParam: Missing required argument: src"


def test_copy_explode(run: Run, host: Host) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(base64.b64encode("ü/a.txt".encode()).decode(), b"A")
        archive.writestr(base64.b64encode(b"empty").decode() + "/", b"")
    host.files.write("C:\\s.zip", buffer.getvalue())
    assert (
        run("win_copy", src="C:\\s.zip", dest="C:\\out", _args={"_copy_mode": "explode"})["changed"] is True
    )
    assert host.files.read("C:\\out\\ü\\a.txt") == b"A"
    assert host.files.is_dir("C:\\out\\empty")
    assert run("win_copy", src="C:\\none.zip", dest="C:\\o", _args={"_copy_mode": "explode"})["failed"]
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("abcde6", b"")
    host.files.write("C:\\s.zip", buffer.getvalue())
    assert (
        "invalid base64"
        in run("win_copy", src="C:\\s.zip", dest="C:\\o", _args={"_copy_mode": "explode"})["msg"]
    )


def remote(run: Run, src: str, dest: str, **more: Any) -> dict[str, Any]:
    return run("win_copy", src=src, dest=dest, _args={"_copy_mode": "remote"}, **more)


def test_copy_remote_file(run: Run, host: Host) -> None:
    host.files.write("C:\\a.txt", b"A")
    checked = remote(run, "C:\\a.txt", "D:\\", _check=True)
    assert (checked["changed"], checked["size"], checked["dest"]) == (True, None, "D:\\a.txt")
    done = remote(run, "C:\\a.txt", "D:\\", _diff=True)
    assert done["diff"]["prepared"] == "+D:\\a.txt\n"
    assert (done["operation"], done["size"], done["checksum"]) == ("file_copy", 1, sha1(b"A"))
    assert remote(run, "C:\\a.txt", "D:\\")["changed"] is False
    host.files.write("C:\\a.txt", b"B")
    assert remote(run, "C:\\a.txt", "D:\\a.txt", force=False)["changed"] is False
    again = remote(run, "C:\\a.txt", "D:\\a.txt", backup=True, _diff=True)
    assert again["diff"]["prepared"] == "-D:\\a.txt\n+D:\\a.txt\n"
    assert host.files.read(again["backup_file"]) == b"A"
    assert "does not exist" in remote(run, "C:\\none", "D:\\")["msg"]
    host.files.mkdir("D:\\dir\\a.txt")
    assert "dest is already a folder" in remote(run, "C:\\a.txt", "D:\\dir")["msg"]


def test_copy_remote_folder(run: Run, host: Host) -> None:
    host.files.mkdir("C:\\src\\sub")
    host.files.write("C:\\src\\sub\\x", b"123")
    checked = remote(run, "C:\\src", "D:\\t", _check=True)
    assert checked["changed"] is True
    assert not host.files.exists("D:\\t")
    host.files.mkdir("D:\\t")
    done = remote(run, "C:\\src", "D:\\t")
    assert (done["dest"], done["operation"], done["size"]) == ("D:\\t\\src", "folder_copy", 3)
    assert remote(run, "C:\\src", "D:\\t")["changed"] is False
    assert (
        remote(run, "C:\\src\\", "D:\\t", _diff=True)["diff"]["prepared"] == "+D:\\t\\sub\\\n+D:\\t\\sub\\x\n"
    )
    host.files.write("D:\\file", b"")
    assert "object at dest parent dir is not a folder" in remote(run, "C:\\src", "D:\\file")["msg"]
    host.files.mkdir("D:\\u")
    host.files.write("D:\\u\\src", b"")
    assert "dest is already a file" in remote(run, "C:\\src", "D:\\u")["msg"]


# The file system by itself


def test_parse_size() -> None:
    cases = {"64GiB": 64 * GIB, "1 kb": 1024, "1.5M": 1572864, "7": 7, "2 TB": 2 * 1024 * GIB, "5B": 5}
    assert {text: parse_size(text) for text in cases} == cases
    with pytest.raises(ValueError, match="not a size"):
        parse_size("big")


PATHS = [
    ("c:/Windows//Temp/.", "C:\\Windows\\Temp"),
    ("C:\\a\\..\\b\\", "C:\\b"),
    ("\\\\?\\C:\\x", "C:\\x"),
    ("Microsoft.PowerShell.Core\\FileSystem::D:\\x", "D:\\x"),
    ("C:", "C:\\"),
]


@pytest.mark.parametrize(("path", "normal"), PATHS)
def test_normalise(host: Host, path: str, normal: str) -> None:
    assert host.files.normalise(path) == normal


@pytest.mark.parametrize("path", ["\\\\server\\share", "C:\\a*b", "C:\\a|b", ""])
def test_paths_that_windows_refuses(host: Host, path: str) -> None:
    with pytest.raises(FileError):
        host.files.normalise(path)
    assert not host.files.exists(path)
    with pytest.raises(FileError):
        host.files.read(path)


def test_space_and_sizes(host: Host) -> None:
    free = host.files.volumes["D"].free
    host.files.write("D:\\big.vhdx", None, size=100 * GIB)
    assert host.files.volumes["D"].free == free - 100 * GIB
    with pytest.raises(FileError, match="not enough space"):
        host.files.write("D:\\more.vhdx", None, size=500 * GIB)
    host.files.rename("D:\\big.vhdx", "D:\\other.vhdx")
    with pytest.raises(FileError, match="too large"):
        host.files.read("D:\\other.vhdx")
    host.files.remove("D:\\other.vhdx")
    assert host.files.volumes["D"].free == free
    host.files.write("D:\\small", None, size=3)
    assert host.files.read("D:\\small") == b"\0\0\0"


REFUSED: list[tuple[int, Callable[[Host], Any]]] = [
    (145, lambda h: h.files.remove("C:\\Windows")),
    (2, lambda h: h.files.remove("C:\\none")),
    (3, lambda h: h.files.read("Z:\\x")),
    (3, lambda h: h.files.mkdir("Z:\\x")),
    (3, lambda h: h.files.mkdir("C:\\q\\r", parents=False)),
    (183, lambda h: h.files.mkdir("C:\\Windows\\System32\\cmd.exe")),
    (183, lambda h: h.files.rename("C:\\Windows\\System32\\cmd.exe", "C:\\Windows")),
    (267, lambda h: h.files.list("C:\\Windows\\System32\\cmd.exe")),
    (5, lambda h: h.files.read("C:\\Windows")),
    (5, lambda h: h.files.write("C:\\Windows", b"")),
]


@pytest.mark.parametrize(("code", "action"), REFUSED)
def test_refusals(host: Host, code: int, action: Callable[[Host], Any]) -> None:
    with pytest.raises(FileError) as caught:
        action(host)
    assert caught.value.code == code


def test_small_things(host: Host) -> None:
    assert host.files.expand("%systemroot%\\%NONE%") == "C:\\Windows\\%NONE%"
    assert host.files.volume("D:\\x") is host.files.volumes["D"]
    assert host.files.volume("\\\\server\\x") is None
    assert host.files.get("Z:\\x\\y") is None
    node = host.files.write("C:\\x", b"")
    node.attributes.clear()
    assert node.attribute_names() == ["Normal"]


def test_relative_paths_are_below_the_profile(host: Host, run: Run) -> None:
    assert run("win_file", path="made\\here", state="directory")["changed"] is True
    assert host.files.is_dir("C:\\Users\\Administrator\\made\\here")
    assert run("win_stat", path="made/here")["stat"]["path"] == "C:\\Users\\Administrator\\made\\here"
    assert run("win_stat", path="\\Windows")["stat"]["isdir"] is True


def test_the_paging_file_is_hidden(run: Run) -> None:
    assert run("win_stat", path="C:\\pagefile.sys", get_checksum=False)["stat"]["ishidden"] is True
    assert run("win_command", cmd="x", creates="C:\\pagefile.sys")["skipped"] is True
    assert run("win_file", path="C:\\pagefile.sys", state="absent")["failed"] is True

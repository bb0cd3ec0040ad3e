# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_acl, win_owner, win_wait_for and win_tempfile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from winsim.errors import Unmodelled
from winsim.host import Host

Run = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("path", ["C:\\data", "C:\\data\\file", "HKLM:\\SOFTWARE\\Demo"])
def test_acl(run: Run, host: Host, root: Path, path: str) -> None:
    host.files.mkdir("C:\\data")
    host.files.write("C:\\data\\file", b"")
    host.registry.create("HKLM:\\SOFTWARE\\Demo")
    arguments = {"path": path, "user": "Users", "rights": "FullControl", "type": "allow"}
    checked = run("win_acl", _check=True, **arguments)
    assert checked["changed"] is not bool(checked.get("skipped"))  # check mode came with 3.7.0
    assert run("win_acl", **arguments)["changed"] is True
    assert run("win_acl", **{**arguments, "user": "BUILTIN\\users"})["changed"] is False
    assert run("win_acl", **{**arguments, "type": "deny"})["changed"] is True
    assert run("win_acl", state="absent", **arguments)["changed"] is True
    assert run("win_acl", state="absent", **arguments)["changed"] is False


FAILURES = [
    ({"path": "C:\\none"}, "C:\\none file or directory does not exist on the host"),
    ({"path": "HKLM:\\SOFTWARE\\None"}, "file or directory does not exist"),
    ({"user": "Nobody"}, "account_name Nobody is not a valid account"),
    ({"rights": "Everything"}, 'type "System.Security.AccessControl.FileSystemRights"'),
    ({"inherit": "Sometimes"}, "InheritanceFlags"),
    ({"type": "perhaps"}, "needs to be one of allow,deny"),
]


@pytest.mark.parametrize(("arguments", "text"), FAILURES)
def test_acl_failures(run: Run, arguments: dict[str, Any], text: str) -> None:
    given = {"path": "C:\\Windows", "user": "Users", "rights": "Read, Write", "type": "allow", **arguments}
    assert text in run("win_acl", **given)["msg"]


def test_acl_of_certificates(run: Run) -> None:
    with pytest.raises(Unmodelled):
        run("win_acl", path="Cert:\\LocalMachine", user="Users", rights="Read", type="allow")


def test_owner(check_first: Run, run: Run, host: Host) -> None:
    host.files.mkdir("C:\\data\\sub")
    check_first("win_owner", path="C:\\data", user="SYSTEM", recurse=True)
    assert run("win_stat", path="C:\\data\\sub")["stat"]["owner"] == "NT AUTHORITY\\SYSTEM"
    assert "does not exist" in run("win_owner", path="C:\\none", user="SYSTEM")["msg"]
    assert run("win_owner", path="C:\\data", user="Nobody")["failed"]


def test_wait_for(run: Run, host: Host) -> None:
    assert run("win_wait_for", port=5985)["wait_attempts"] == 1
    assert run("win_wait_for", port=445, host="172.21.0.11")["changed"] is False
    late = run("win_wait_for", port=3260, timeout=0)
    assert late["msg"] == "timeout while waiting for 127.0.0.1:3260 to start listening"
    assert run("win_wait_for", port=3260, state="stopped")["wait_attempts"] == 1
    assert "to stop listening" in run("win_wait_for", port=5985, state="absent", timeout=0)["msg"]
    assert run("win_wait_for", port=1, host="elsewhere", timeout=0)["failed"]
    host.files.write("C:\\log", b"all done\r\n")
    assert run("win_wait_for", path="C:\\log")["wait_attempts"] == 1
    assert run("win_wait_for", path="C:\\log", regex="DONE")["wait_attempts"] == 1
    assert "to match" in run("win_wait_for", path="C:\\log", regex="failed", timeout=0)["msg"]
    assert run("win_wait_for", path="C:\\log", regex="failed", state="absent")["wait_attempts"] == 1
    assert "to be absent" in run("win_wait_for", path="C:\\log", state="absent", timeout=0)["msg"]
    assert run("win_wait_for", path="C:\\none", state="absent")["wait_attempts"] == 1
    assert run("win_wait_for", port=445, state="drained")["wait_attempts"] == 1
    assert run("win_wait_for", timeout=0)["wait_attempts"] == 0


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"port": 1, "path": "C:\\x"}, "port and path parameter can not both"),
    ({"port": 1, "exclude_hosts": ["a"]}, "exclude_hosts should only be with state=drained"),
    ({"path": "C:\\x", "state": "stopped"}, "state=stopped should only be used for checking a port"),
    ({"port": 1, "regex": "x"}, "regex should by used when checking a string"),
]


@pytest.mark.parametrize(("arguments", "text"), WRONG)
def test_wait_for_refuses(run: Run, arguments: dict[str, Any], text: str) -> None:
    assert run("win_wait_for", **arguments)["msg"].startswith(text)


def test_tempfile(run: Run, host: Host) -> None:
    made = run("win_tempfile", suffix=".%OS%")
    assert host.files.is_file(made["path"])
    assert made["path"].endswith(".Windows_NT")
    assert host.files.is_dir(run("win_tempfile", state="directory", path="D:\\")["path"])
    assert not host.files.exists(run("win_tempfile", _check=True)["path"])
    assert "No random temporary file worked" in run("win_tempfile", path="C:\\none")["msg"]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local users, groups and rights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from winsim.host import Host

Run = Callable[..., dict[str, Any]]


def test_user(check_first: Run, run: Run, host: Host) -> None:
    made = check_first(
        "win_user", name="svc", password="Secret-123", groups=["Users", "BUILTIN\\Administrators"]
    )
    assert [group["name"] for group in made["groups"]] == ["Administrators", "Users"]
    assert host.users["svc"] == "Secret-123"
    assert run("win_user", name="SVC", password="Other-123", update_password="on_create")["changed"] is False
    changed = run("win_user", name="svc", password="Other-123", description="D", _diff=True)
    assert changed["diff"]["after"]["password"] == "CHANGED REDACTED"
    assert changed["diff"]["after"]["description"] == "D"
    check_first("win_user", name="svc", groups=["Users"])
    check_first("win_user", name="svc", groups=["Guests"], groups_action="add")
    check_first("win_user", name="svc", groups=["Guests"], groups_action="remove")
    check_first("win_user", name="svc", account_expires="2030-01-02T00:00:00")
    check_first(
        "win_user", name="svc", account_expires="never", password_never_expires=True, home_directory="C:\\H"
    )
    assert run("win_user", name="svc", home_directory="c:\\h")["changed"] is False
    assert run("win_user", name="svc", state="query")["state"] == "present"
    check_first("win_user", name="svc", state="absent")
    assert "svc" not in host.users
    assert run("win_user", name="svc", state="absent")["msg"] == "User 'svc' was not found"
    assert run("win_user", name="svc", state="query")["state"] == "absent"


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"password": "weak"}, "does not meet the password policy"),
    ({}, "does not meet the password policy"),
    ({"password": "Secret-123", "groups": ["None"]}, "group 'None' not found"),
    ({"password": "Secret-123", "account_expires": "soon"}, "Failed to parse account_expires"),
    ({"account_locked": True}, "account_locked must be set to 'no' if provided"),
]


@pytest.mark.parametrize(("arguments", "text"), FAILURES)
def test_user_failures(run: Run, arguments: dict[str, Any], text: str) -> None:
    result = run("win_user", name="svc", **arguments)
    assert result["failed"]
    assert text in result["msg"]


def test_membership(check_first: Run, run: Run, host: Host) -> None:
    name = "Remote Management Users"
    added = check_first("win_group_membership", name=name, members=["Administrator", ".\\Guest"])
    assert added["added"] == ["WIN-STOR1\\Administrator", "WIN-STOR1\\Guest"]
    pure = check_first("win_group_membership", name=name, members=["Guest", "SYSTEM"], state="pure")
    assert pure["removed"] == ["WIN-STOR1\\Administrator"]
    assert set(pure["members"]) == {"WIN-STOR1\\Guest", "NT AUTHORITY\\SYSTEM"}
    check_first("win_group_membership", name=name, members=["Guest"], state="absent")
    assert "Could not find local group" in run("win_group_membership", name="None", members=["Guest"])["msg"]
    assert "is not a valid account" in run("win_group_membership", name=name, members=["Nobody"])["msg"]


def test_group(check_first: Run, run: Run, host: Host) -> None:
    assert run("win_group", name="Storage", _check=True)["changed"] is True
    made = check_first("win_group", name="Storage", description="S", members={"add": ["Guest"]})
    assert made["sid"].startswith("S-1-5-21-")
    check_first("win_group", name="Storage", members={"set": ["Administrator"]})
    check_first("win_group", name="Storage", members={"remove": ["Administrator"]})
    check_first("win_group", name="Storage", state="absent")
    assert run("win_group", name="Storage", state="absent")["changed"] is False


def test_rights(check_first: Run, run: Run, host: Host) -> None:
    added = check_first("win_user_right", name="SeServiceLogonRight", users=["Administrator"], action="add")
    assert added["added"] == ["WIN-STOR1\\Administrator"]
    check_first("win_user_right", name="SeServiceLogonRight", users=["Administrator"], action="remove")
    replaced = check_first("win_user_right", name="SeDenyServiceLogonRight", users=["Guest", "S-1-5-99"])
    assert replaced["added"] == ["WIN-STOR1\\Guest", "S-1-5-99"]
    assert "is not a valid right" in run("win_user_right", name="SeNone", users=["Guest"])["msg"]
    assert "Failed to translate" in run("win_user_right", name="SeBackupPrivilege", users=["Nobody"])["msg"]


def test_names(host: Host) -> None:
    cases = {
        "LocalSystem": "S-1-5-18",
        "nt authority\\networkservice": "S-1-5-20",
        "administrators": "S-1-5-32-544",
        "BUILTIN\\Users": "S-1-5-32-545",
        "win-stor1\\guest": host.accounts.machine_sid + "-501",
        "S-1-1-0": "S-1-1-0",
    }
    for name, sid in cases.items():
        found = host.accounts.resolve(name)
        assert found is not None
        assert found[1] == sid
    assert host.accounts.resolve("none") is None

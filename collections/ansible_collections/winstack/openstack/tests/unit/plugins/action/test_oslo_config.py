# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin: what it runs on the target, and how errors come back."""

from __future__ import annotations

import base64
import typing as t
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleError

from ansible_collections.winstack.openstack.plugins.action.oslo_config import ActionModule

READ = {
    "exists": True, "content": base64.b64encode(b"[a]\nx = 1\n").decode(), "sha256": "abc",
    "owner": "root", "group": "cinder", "uid": 0, "gid": 64061, "mode": "0640",
}  # fmt: skip


class Target:
    """Stands in for the target: keeps what it is asked to run."""

    def __init__(self, *answers: dict[str, t.Any]) -> None:
        """Take the answers of the module, in their order."""
        self.answers = list(answers)
        self.asked: list[dict[str, t.Any]] = []

    def execute(
        self, *, module_name: str, module_args: dict[str, t.Any], task_vars: t.Any
    ) -> dict[str, t.Any]:
        """Answer the next question."""
        assert module_name == "winstack.openstack.oslo_config_file"
        self.asked.append(module_args)
        return self.answers.pop(0)


def run(
    target: Target, *, check: bool = False, diff: bool = False, windows: bool = False, **args: t.Any
) -> dict[str, t.Any]:
    """Run the action plugin on the stand-in."""
    shell = SimpleNamespace(tmpdir="/tmp/x", _IS_WINDOWS=windows)
    task = SimpleNamespace(
        async_val=0, check_mode=check, diff=diff, action="oslo_config", args=args, environment=None
    )
    plugin = ActionModule(
        task=task,
        connection=SimpleNamespace(_shell=shell),
        play_context=SimpleNamespace(no_log=False),
        loader=None,
        templar=None,
        shared_loader_obj=None,
    )
    plugin._execute_module = target.execute
    result: dict[str, t.Any] = plugin.run(None, {})
    assert plugin._play_context.no_log or not target.asked
    return result


def test_one_read_and_no_write() -> None:
    """A file that is as it should be is only read."""
    target = Target(READ)
    result = run(target, path="/etc/x.conf", config={"a": {"x": 1}}, group="cinder")
    assert result == {"changed": False, "path": "/etc/x.conf", "changes": []}
    assert target.asked == [{"path": "/etc/x.conf"}]


def test_one_read_and_one_write() -> None:
    """A changed file is written once, with what was read as condition, and only with attributes that change."""
    target = Target(READ, {"changed": True, "backup_file": "/etc/x.conf.1~"})
    result = run(
        target, diff=True, path="/etc/x.conf", config={"a": {"x": 2}}, owner="nova", mode="0600", backup=True
    )
    assert result["backup_file"] == "/etc/x.conf.1~"
    assert result["diff"][0]["after"] == "[a]\nx = 2\n"
    assert result["diff"][1]["after"] == {"owner": "nova", "mode": "0600"}
    content = base64.b64encode(b"[a]\nx = 2\n").decode()
    assert target.asked[1:] == [
        {
            "path": "/etc/x.conf", "content": content, "expected_sha256": "abc", "backup": True,
            "owner": "nova", "mode": "0600",
        }
    ]  # fmt: skip


def test_check_mode() -> None:
    """The file is read, and not written."""
    target = Target(READ)
    assert run(target, check=True, path="/etc/x.conf", config={"a": {"x": 2}})["changed"]
    assert len(target.asked) == 1


def test_new_file() -> None:
    """What is not there is made."""
    target = Target({"exists": False, "sha256": ""}, {"changed": True})
    assert run(target, path="/etc/x.conf", config={"a": {"x": 2}})["changed"]
    assert target.asked[1]["expected_sha256"] == ""


@pytest.mark.parametrize(
    ("answer", "message"),
    [({"failed": True, "msg": "no."}, "no."), ({"failed": True}, "The module gave no reason.")],
)
def test_error_of_the_target(answer: dict[str, t.Any], message: str) -> None:
    """The reason of the module is that of the task."""
    result = run(Target(answer), path="/etc/x.conf")
    assert result == {"failed": True, "changed": False, "msg": message}


def test_wrong_wish_asks_nothing() -> None:
    """The target is not bothered with what cannot be."""
    result = run(Target(), path="/etc/x.conf", config={"a": "b"})
    assert result["failed"]
    assert "has to be a dictionary" in result["msg"]


def test_wrong_option() -> None:
    """Options are validated as those of a module."""
    with pytest.raises(AnsibleError, match="value of escape_dollar must be one of"):
        run(Target(), path="/etc/x.conf", escape_dollar="no")


def test_windows_is_not_there_yet() -> None:
    """It says so instead of failing somehow."""
    result = run(Target(), windows=True, path="C:\\x.conf")
    assert result["failed"]
    assert "does not reach files on Windows yet" in result["msg"]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module reads from a unit."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.winstack.openstack.plugins.modules import openstack_service_info as module
from ansible_collections.winstack.openstack.plugins.modules import volume_driver_probe


def test_config_files(tmp_path: Path) -> None:
    (tmp_path / "b.conf").touch()
    (tmp_path / "a.conf").touch()
    (tmp_path / "a.txt").touch()
    command = (
        f"nova-compute --config-file=/etc/a.conf --config-file /etc/b.conf --config-dir {tmp_path} --debug"
    )
    assert module.config_files(command) == [
        "/etc/a.conf",
        "/etc/b.conf",
        f"{tmp_path}/a.conf",
        f"{tmp_path}/b.conf",
    ]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("cinder-volume", {}),
        ("cinder-volume --debug", {"debug": True}),
        ("cinder-volume -d --log-file /v/a.log", {"debug": True, "log_file": "/v/a.log"}),
        ("cinder-volume --log-dir=/v --log-file=a.log", {"log_file": "/v/a.log"}),
        ("cinder-volume --logfile /v/a.log", {"log_file": "/v/a.log"}),
        ("cinder-volume --log-dir /v", {"log_file": "/v"}),
    ],
)
def test_guide_error_09_what_a_command_line_says_of_debug_and_log(
    command: str, found: dict[str, object]
) -> None:
    assert module.of_command(command) == found


def test_since_when_a_process_runs() -> None:
    assert 0 < module.started(os.getpid()) <= time.time() + 2
    assert module.started(0) == 0.0


def test_a_unit() -> None:
    found = {"ActiveState": "failed", "MainPID": "0", "User": "", "NRestarts": "5"}
    assert module.unit_of(found) == {
        "active": False,
        "user": "root",
        "started": 0.0,
        "restarts": 5,
        "invocation": "",
    }


def test_the_job_of_a_probe() -> None:
    params = {
        "service": "cinder",
        "section": "vpool1",
        "driver": "a.B",
        "options": {"ips": ["1", "2"], "password": "a$b", "port": 443},
    }
    job = volume_driver_probe.job_of(params)
    assert job["config"] == "[vpool1]\nips = 1,2\npassword = a$$b\nport = 443\n"
    assert volume_driver_probe.job_of({"service": "nova", "driver": "a.b.C"}) == {
        "do": "nova",
        "module": "a.b",
        "class": "C",
    }


def test_the_command_of_a_probe() -> None:
    assert volume_driver_probe.command_of({"python": "/p", "user": None}) == ["/p"]
    nobody = {"python": "/p", "user": "no-such-user"}
    assert volume_driver_probe.command_of(nobody) == ["runuser", "-u", "no-such-user", "--", "/p"]


def run_probe(capsys: pytest.CaptureFixture[str], **options: t.Any) -> dict[str, t.Any]:
    """Give the result of the module."""
    given = {
        "python": sys.executable,
        "service": "cinder",
        "section": "vpool1",
        "driver": "cinder.volume.x.Y",
    }
    with patch_module_args(given | options), pytest.raises(SystemExit):
        volume_driver_probe.main()
    result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    return result


def test_guide_error_15_secrets_are_hidden_and_sentences_can_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The account is often called cinder, as a part of every path is."""
    options = {"username": "cinder", "password": "hunter$2", "port": 443, "management_ips": ["10.0.0.5"]}
    result = run_probe(capsys, options=options)
    assert result["msg"] == (
        f"The volume driver cinder.volume.x.Y does not work in {sys.executable}: "
        "ModuleNotFoundError: No module named 'cinder'."
    )
    assert "hunter" not in json.dumps(result)


def test_guide_error_15_a_driver_that_says_its_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as it is nor as it is written for oslo.config."""
    (tmp_path / "cinder").mkdir()
    (tmp_path / "cinder/__init__.py").write_text("raise RuntimeError('hunter$2 or hunter$$2 is wrong')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    result = run_probe(capsys, options={"password": "hunter$2"})
    assert "RuntimeError: ******** or ******** is wrong" in result["msg"]
    assert "hunter" not in json.dumps(result)


def test_nothing_is_left_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper goes with its folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run_probe(capsys)
    assert list(tmp_path.iterdir()) == []


def test_no_python(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Named, with the reason."""
    msg = run_probe(capsys, python=str(tmp_path / "x"))["msg"]
    assert msg.endswith(f": {tmp_path / 'x'} cannot be started: No such file or directory.")

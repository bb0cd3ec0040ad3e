# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module reads from a unit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

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

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks and roles on this machine: the all-in-one in check mode, and Horizon's files in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = "DEBUG = False\nCSRF_COOKIE_SECURE = True\nSESSION_COOKIE_SECURE = True\n"
SITE = '<VirtualHost *:80>\n    RequestHeader set X-Forwarded-Proto "https"\n</VirtualHost>\n'
HORIZON = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Set Horizon
      ansible.builtin.include_role:
        name: winstack.openstack.horizon_http
        tasks_from: "{{ entry }}"
      vars:
        horizon_http_enabled: "{{ enabled }}"
        horizon_http_settings: "{{ folder }}/local_settings.py"
        horizon_http_site: "{{ folder }}/site.conf"
        # Nothing is served here that could be reloaded.
        horizon_http_unit: ""
"""


def play(playbook: Path, inventory: Path, *arguments: str) -> str:
    """What ansible-playbook prints; it has to succeed."""
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        f"--inventory={inventory}",
        str(playbook),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env=environment | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(name="inventory")
def inventory_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.ini"
    path.write_text(
        "[openstack_ansible_aio]\nlocalhost ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'\n"
    )
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="the playbook becomes root")
def test_the_all_in_one_in_check_mode_takes_the_tag(tmp_path: Path, inventory: Path) -> None:
    git = [
        "git",
        "-C",
        str(tmp_path / "repository"),
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.org",
    ]
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "repository")], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=14.1.1"], check=True)
    subprocess.run([*git, "tag", "14.1.1"], check=True)
    output = play(
        ROOT / "playbooks/openstack_ansible_aio.yml",
        inventory,
        "--check",
        f"--extra-vars=openstack_ansible_repository=file://{tmp_path}/repository",
        f"--extra-vars=openstack_ansible_folder={tmp_path}/osa",
    )
    assert "Run the playbooks" in output
    assert not (tmp_path / "osa").exists()


def test_horizon_does_without_tls_only_when_asked_and_goes_back(tmp_path: Path, inventory: Path) -> None:
    settings, site, playbook = (tmp_path / name for name in ("local_settings.py", "site.conf", "play.yml"))
    settings.write_text(SETTINGS)
    site.write_text(SITE)
    playbook.write_text(HORIZON)

    def run(entry: str, enabled: bool) -> str:
        text = f'{{"folder": "{tmp_path}", "entry": "{entry}", "enabled": {str(enabled).lower()}}}'
        return play(playbook, inventory, f"--extra-vars={text}")

    assert "WARNING: horizon" not in run("main", False)
    assert (settings.read_text(), site.read_text()) == (SETTINGS, SITE)
    assert "WARNING: horizon_http_enabled sends" in run("main", True)
    values: dict[str, bool] = {}
    exec(settings.read_text(), values)
    assert values["SESSION_COOKIE_SECURE"] is False
    assert 'X-Forwarded-Proto "http"' in site.read_text()
    assert "changed=0" in run("main", True)
    run("absent", True)
    assert (settings.read_text(), site.read_text()) == (SETTINGS, SITE)

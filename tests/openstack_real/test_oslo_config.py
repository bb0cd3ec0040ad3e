# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oslo_config run by the real ansible-playbook on this host, and its file loaded by the real oslo.config."""

from __future__ import annotations

import base64
import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from oslo_config import cfg

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Merge
      winstack.openstack.oslo_config:
        path: "{{ file }}"
        config:
          DEFAULT:
            enabled_backends: [vpool1]
            my_ip: "{{ '10.0.0.' ~ 5 }}"
            transport_url: "rabbit://openstack:{{ queue_password }}@$my_ip:5672/"
          vpool1:
            volume_backend_name: vpool1
            password: "{{ password }}"
            driver: [one, two]
        merge_lists: [DEFAULT.enabled_backends]
        multi_valued: [vpool1.driver]
        backup: true
        mode: "0640"
      register: merged
    - name: Show the result
      ansible.builtin.debug:
        var: merged
"""

BEFORE = """\
# ours
[DEFAULT]
enabled_backends = lvm
transport_url = rabbit://openstack:OldQueueWord@$my_ip:5672/
#admin_password = CommentedWord

[lvm]
password = OldUntouchedWord
"""

SECRETS = {"password": "Vault$ed'Word\"", "queue_password": "New$Queue/Word"}


@dataclass
class Playground:
    """A folder with a playbook, a file, and encrypted variables."""

    folder: Path

    @property
    def file(self) -> Path:
        """Give the file that is merged into."""
        return self.folder / "cinder.conf"

    def run(self, *options: str, status: int = 0) -> str:
        """Give what ansible-playbook prints; it has to end with this status."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
        } | {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
        }
        command = [str(BIN / "ansible-playbook"), "-i", "localhost,", "-c", "local", "playbook.yml"]
        command += [
            "-e",
            "@secrets.yml",
            "-e",
            f"file={self.file}",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
        ]
        command += ["--vault-password-file", "vault-password", *options]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(name="playground")
def playground_fixture(tmp_path: Path) -> Playground:
    """Give the folder."""
    (tmp_path / "playbook.yml").write_text(PLAYBOOK)
    (tmp_path / "ansible.cfg").write_text("[defaults]\n")
    (tmp_path / "vault-password").write_text("not a secret")
    (tmp_path / "cinder.conf").write_text(BEFORE)
    (tmp_path / "cinder.conf").chmod(0o640)
    lines = []
    for name, value in SECRETS.items():
        command = [
            str(BIN / "ansible-vault"),
            "encrypt_string",
            "--vault-password-file",
            "vault-password",
            "-n",
            name,
            value,
        ]
        lines.append(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    (tmp_path / "secrets.yml").write_text("".join(lines))
    return Playground(tmp_path)


def changed(output: str) -> int:
    """Give the number of changed tasks."""
    found = re.search(r"changed=(\d+)", output)
    assert found
    return int(found[1])


def assert_no_secret(output: str) -> None:
    """Neither old nor new, neither as it is nor in the forms that it takes on its way."""
    words = ["OldQueueWord", "OldUntouchedWord", "CommentedWord", "Queue/Word", "ed'Word"]
    for word in words:
        assert word not in output
        for offset in range(3):
            # The middle of the word in Base64, wherever it begins in a longer text.
            part = base64.b64encode(b"x" * offset + word.encode()).decode()[4:-4]
            assert part not in output, word


def test_converge(playground: Playground) -> None:
    """Check mode changes nothing, the first run all, the second nothing; the service gets what was meant."""
    output = playground.run("--check", "--diff")
    assert changed(output) == 1
    assert playground.file.read_text() == BEFORE
    assert "+password = ******** (new)" in output
    assert "-enabled_backends = lvm" in output
    assert "+enabled_backends = lvm,vpool1" in output
    assert_no_secret(output)

    output = playground.run("--diff")
    assert changed(output) == 1
    assert "+volume_backend_name = vpool1" in output
    assert_no_secret(output)
    assert stat.S_IMODE(playground.file.stat().st_mode) == 0o640
    backups = [path for path in playground.folder.iterdir() if path.name.endswith("~")]
    assert [path.read_text() for path in backups] == [BEFORE]

    written = playground.file.read_bytes()
    output = playground.run("--diff")
    assert changed(output) == 0
    assert playground.file.read_bytes() == written

    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.ListOpt("enabled_backends"), cfg.StrOpt("transport_url"), cfg.StrOpt("my_ip")])
    conf.register_opts([cfg.StrOpt("password"), cfg.MultiStrOpt("driver")], group="vpool1")
    conf([], default_config_files=[str(playground.file)])
    assert conf.enabled_backends == ["lvm", "vpool1"]
    assert conf.transport_url == f"rabbit://openstack:{SECRETS['queue_password']}@10.0.0.5:5672/"
    assert conf.vpool1.password == SECRETS["password"]
    assert conf.vpool1.driver == ["one", "two"]


def test_no_secret_at_any_verbosity(playground: Playground) -> None:
    """Not while it is changed, and not when it fails."""
    assert_no_secret(playground.run("-vvvvv", "--diff"))
    playground.file.write_text(BEFORE + "OldUntouchedWord\n")
    output = playground.run("-vvvvv", "--diff", status=2)
    assert "Line 9 has neither = nor :" in output
    assert_no_secret(output)


def test_new_file(playground: Playground) -> None:
    """A file that is not there is made with the right mode."""
    playground.file.unlink()
    assert changed(playground.run()) == 1
    assert stat.S_IMODE(playground.file.stat().st_mode) == 0o640
    assert changed(playground.run()) == 0

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the first commands of a newcomer say: missing Debian packages, an unusable Python, work that goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))

import progress  # noqa: E402


class Machine:
    """A machine whose programs are the given shell scripts, beside those that tools/deps itself is written with."""

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        self._bin.mkdir()
        for tool in ("sh", "dirname", "printf", "cat"):
            (self._bin / tool).symlink_to(str(shutil.which(tool)))
        self.has("id", "echo 0")

    def has(self, name: str, script: str = "exit 0") -> Machine:
        """Install a program."""
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return self

    def has_apt(self, log: Path) -> Machine:
        """Install apt-get, which writes its arguments to the log; and env, which runs it."""
        self.has("apt-get", f'echo "$@" >> {log}')
        return self.has("env", 'shift; exec "$@"')

    def deps(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run tools/deps where nobody can answer a question."""
        return subprocess.run(
            [ROOT / "tools" / "deps", *arguments],
            env={"PATH": str(self._bin)} | variables,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a usable Python and without git."""
    return Machine(tmp_path).has("python3.12")


def test_nothing_is_said_or_done_where_nothing_is_missing(machine: Machine, tmp_path: Path) -> None:
    done = machine.has("git").has_apt(tmp_path / "log").deps()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "log").exists()


def test_apt_runs_after_saying_what_is_installed_and_why(machine: Machine, tmp_path: Path) -> None:
    done = machine.has_apt(tmp_path / "log").deps()
    assert done.returncode == 0
    assert "git            tells linters" in done.stdout
    assert "DEPS=no refuses" in done.stdout
    assert (tmp_path / "log").read_text().splitlines() == [
        "update -q",
        "install -q -y --no-install-recommends git",
    ]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [({"DEPS": "no"}, "because DEPS=no"), ({"PYTHON": "python3.9"}, "PYTHON=python3.9 does not run")],
)
def test_apt_does_not_run_when_refused_or_of_no_use(
    variables: dict[str, str], reason: str, machine: Machine, tmp_path: Path
) -> None:
    done = machine.has_apt(tmp_path / "log").deps(**variables)
    assert done.returncode == 1
    assert reason in done.stderr
    assert not (tmp_path / "log").exists()


def test_an_account_without_rights_is_told_the_command(machine: Machine, tmp_path: Path) -> None:
    done = machine.has("id", "echo 1000").has_apt(tmp_path / "log").deps("containers")
    assert done.returncode == 1
    assert "As root: apt-get update && apt-get install --no-install-recommends git podman" in done.stderr
    assert not (tmp_path / "log").exists()


def test_another_system_is_told_what_is_missing(machine: Machine) -> None:
    done = machine.deps()
    assert done.returncode == 1
    assert "git" in done.stdout
    assert "There is no apt-get here" in done.stderr


def test_work_that_lasts_is_seen_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    with progress.goes_on("Installing packages", lambda: "Fetching ansible-core"):
        deadline = time.monotonic() + 30
        lines: list[str] = []
        while len(lines) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
            lines += capsys.readouterr().out.splitlines()
    assert lines[0] == "Installing packages ..."
    assert lines[1:3] == ["  ... 0 s: fetching ansible-core"] * 2


def test_short_work_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.goes_on("Installing packages"):
        pass
    assert capsys.readouterr().out == "Installing packages ...\n"

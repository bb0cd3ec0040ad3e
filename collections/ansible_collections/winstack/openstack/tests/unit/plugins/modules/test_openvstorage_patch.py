# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module: which Python a service runs in, and what becomes of the helper's answer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.winstack.openstack.plugins.modules import openvstorage_patch

from ..module_utils._packages import make, snapshot

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture(name="run")
def run_fixture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Give a way to run the module."""

    def run(**options: t.Any) -> dict[str, t.Any]:
        given = {
            "copies": str(tmp_path / "copies"),
            "_ansible_remote_tmp": str(tmp_path / "remote"),
            **options,
        }
        with patch_module_args(given), pytest.raises(SystemExit):
            openvstorage_patch.main()
        result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give packages that every Python that is started imports from."""
    monkeypatch.setenv("PYTHONPATH", str(make(tmp_path / "site")))
    return tmp_path / "site"


def script(path: Path, text: str) -> Path:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture(name="systemctl")
def systemctl_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    """Give a way to say what systemd shows of any unit."""

    def says(*starts: str) -> None:
        lines = [
            f"ExecStart={{ path={start} ; argv[]={start} --x ; ignore_errors=no ; pid=0 }}"
            for start in starts
        ]
        text = "".join(f"echo '{line}'\n" for line in lines or ["ExecStart="])
        script(tmp_path / "bin/systemctl", "#!/bin/sh\n" + text)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    return says


def test_patch_and_take_out(run: Run, site: Path, tmp_path: Path) -> None:
    """Once around, with the probes."""
    before = snapshot(site)
    components = ["connector", "guest_disk", "volume_driver"]
    result = run(python=sys.executable, components=components)
    assert result["changed"]
    assert result["python"] == sys.executable
    assert {file["after"] for file in result["files"]} == {"patched"}
    assert result["diff"]["before"].count(": pristine\n") == 4
    assert not run(python=sys.executable, components=components)["changed"]
    assert not run(python=sys.executable, components=components, state="check")["changed"]
    assert run(python=sys.executable, components=components, state="pristine")["changed"]
    assert snapshot(site) == before


def test_check_mode(run: Run, site: Path) -> None:
    """Nothing is written."""
    before = snapshot(site)
    assert run(python=sys.executable, _ansible_check_mode=True)["changed"]
    assert snapshot(site) == before


def test_refusal(run: Run, site: Path) -> None:
    """The reason is that of the task."""
    (site / "nova/virt/libvirt/config.py").write_text("openvstorage = LibvirtConfigGuestDisk = 1\n")
    result = run(python=sys.executable)
    assert result["failed"]
    assert not result["changed"]
    assert "was patched by hand or replaced" in result["msg"]
    assert [file["before"] for file in result["files"]] == ["refused", "pristine"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("patched", "Open vStorage was not registered: "),
        ("pristine", "Open vStorage was not taken out: "),
        ("check", "Open vStorage cannot be registered here: "),
    ],
)
def test_what_was_wanted_is_said(run: Run, site: Path, state: str, message: str) -> None:
    """Each state has its own words."""
    (site / "nova/virt/libvirt/config.py").write_text("x = (\n")
    assert run(python=sys.executable, state=state)["msg"].startswith(message)


def test_change_outside_of_the_patch(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept, and the operator is told."""
    warnings: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _self, warning: warnings.append(warning))
    run(python=sys.executable)
    config = site / "nova/virt/libvirt/config.py"
    config.write_text("# mended\n" + config.read_text())
    warnings.clear()
    assert run(python=sys.executable)["changed"]
    assert f"{config} was changed outside of the patch since; that change is kept." in warnings


def test_helper_that_dies(run: Run, site: Path, tmp_path: Path) -> None:
    """What it had begun is put back at once."""
    before = snapshot(site)
    python = script(
        tmp_path / "python",
        f'#!/bin/sh\n[ -e {tmp_path}/once ] && exec {sys.executable} "$@"\n: > {tmp_path}/once\n'
        f"exec {sys.executable} -c 'import os, runpy, sys, tempfile; n = [3]; r = os.rename\n"
        "def rename(*paths):\n    n[0] -= 1\n    n[0] or os._exit(9)\n    r(*paths)\n"
        'os.rename = rename; sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name="__main__")\' "$@"\n',
    )
    result = run(python=str(python))
    assert "did not come to its end" in result["msg"]
    assert "nothing was left changed" in result["msg"]
    assert snapshot(site) == before


def test_python_that_does_not_run(run: Run, tmp_path: Path) -> None:
    """Its last words are shown."""
    python = script(tmp_path / "python", "#!/bin/sh\ncat > /dev/null\necho broken >&2\nexit 1\n")
    msg = run(python=str(python))["msg"]
    assert f"in {python}: broken; the next run of this task puts things right" in msg


def test_python_that_cannot_be_started(run: Run, tmp_path: Path) -> None:
    """A file for another kind of machine, say."""
    msg = run(python=str(script(tmp_path / "python", "\x7fELF")))["msg"]
    assert "Exec format error" in msg


def test_no_python(run: Run, tmp_path: Path) -> None:
    """A path that is none."""
    assert run(python=str(tmp_path / "x"))["msg"] == f"There is no Python at {tmp_path / 'x'}."
    assert run(python=str(tmp_path))["msg"] == f"There is no Python at {tmp_path}."


# Which Python ------------------------------------------------------------------------------------------------------


def venv(folder: Path) -> Path:
    """Make what looks like a virtual environment."""
    python = folder / "bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return folder


def test_pattern_of_openstack_ansible(run: Run, site: Path, tmp_path: Path) -> None:
    """One virtual environment fits; what is none does not count."""
    folder = venv(tmp_path / "venvs/nova-14.1.1")
    (tmp_path / "venvs/nova-14.1.0.tgz").write_text("")
    result = run(venv=str(tmp_path / "venvs/nova-*"), state="check")
    assert result["python"] == str(folder / "bin/python")


def test_two_releases(run: Run, tmp_path: Path) -> None:
    """Nobody guesses which of them the service runs in."""
    folders = [str(venv(tmp_path / f"venvs/nova-14.1.{number}")) for number in (0, 1)]
    msg = run(venv=str(tmp_path / "venvs/nova-*"))["msg"]
    assert f"fits 2 virtual environments: {', '.join(folders)}. Name the one" in msg


def test_no_venv(run: Run, tmp_path: Path) -> None:
    """A pattern that fits nothing."""
    assert run(venv=str(tmp_path / "x-*"))["msg"] == f"There is no virtual environment at {tmp_path / 'x-*'}."


FIRST_LINES = {
    "plain": "#!{python}\n",
    "with options": "#!{python} -s -E\n",
    "long path": "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
    "path with blanks": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
}


@pytest.mark.parametrize("first", FIRST_LINES.values(), ids=FIRST_LINES)
def test_unit(run: Run, site: Path, tmp_path: Path, systemctl: t.Callable[..., None], first: str) -> None:
    """The first line of the script that the unit starts names the Python."""
    python = venv(tmp_path / "nova 14" if '"{python}"' in first else tmp_path / "nova-14") / "bin/python"
    systemctl(script(tmp_path / "nova-compute", first.format(python=python) + "import nova\n"))
    assert run(unit="nova-compute", state="check")["python"] == str(python)


def test_unit_with_env(
    run: Run, site: Path, tmp_path: Path, systemctl: t.Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What env finds is what systemd's own path has."""
    python = venv(tmp_path / "x") / "bin/python"
    monkeypatch.setattr(openvstorage_patch, "SERVICE_PATH", str(python.parent))
    systemctl(script(tmp_path / "nova-compute", "#!/usr/bin/env -S python -s\n"))
    assert run(unit="nova-compute", state="check")["python"] == str(python)


def test_unit_that_starts_python(
    run: Run, site: Path, tmp_path: Path, systemctl: t.Callable[..., None]
) -> None:
    """As some DevStack units do."""
    python = venv(tmp_path / "x") / "bin/python"
    systemctl(python)
    assert run(unit="devstack@n-cpu", state="check")["python"] == str(python)


def test_unit_of_which_the_path_has_a_blank(
    run: Run, site: Path, tmp_path: Path, systemctl: t.Callable[..., None]
) -> None:
    """systemctl shows it without quotes."""
    systemctl(script(tmp_path / "nova 14/nova-compute", f"#!{sys.executable}\n"))
    assert run(unit="nova-compute", state="check")["python"] == sys.executable


FINDER = """
import importlib.machinery, importlib.util, sys
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in ('nova', 'os_brick'):
            return importlib.util.spec_from_file_location(name, '{checkout}/' + name + '/__init__.py')
sys.meta_path.append(Finder)
"""


@pytest.mark.parametrize("way", ["path", "finder"])
def test_devstack(run: Run, tmp_path: Path, systemctl: t.Callable[..., None], way: str) -> None:
    """DevStack installs its checkouts in editable form: the files to patch lie in none of the folders of the environment.

    pip notes them in a .pth file, as a path (setup.py develop, and flat layouts) or as a hook of imports.
    """
    checkout = make(tmp_path / "opt/stack/nova")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "data/venv")], check=True)
    packages = next(tmp_path.glob("data/venv/lib/python*/site-packages"))
    (packages / "__editable___nova_finder.py").write_text(FINDER.format(checkout=checkout))
    line = str(checkout) if way == "path" else "import __editable___nova_finder"
    (packages / "__editable__.nova-1.pth").write_text(f"{line}\n")
    before = snapshot(checkout)
    python = tmp_path / "data/venv/bin/python3"
    systemctl(script(tmp_path / "data/venv/bin/nova-compute", f"#!{python}\nimport nova\n"))
    result = run(unit="devstack@n-cpu", components=["connector", "guest_disk", "volume_driver"])
    assert result["changed"], result
    assert {Path(file["path"]).is_relative_to(checkout) for file in result["files"]} == {True}
    assert run(unit="devstack@n-cpu", state="pristine")["changed"]
    assert run(unit="devstack@n-cpu", state="pristine", components=["connector"])["changed"]
    assert snapshot(checkout) == before


WRAPPERS = {
    "shell": "#!/bin/sh\nexec nova-compute\n",
    "no first line": "nova\n",
    "empty": "",
    "env without python": "#!/usr/bin/env bash\n",
    "program": "\x7fELF\n",
}


@pytest.mark.parametrize("text", WRAPPERS.values(), ids=WRAPPERS)
def test_wrapper(run: Run, tmp_path: Path, systemctl: t.Callable[..., None], text: str) -> None:
    """A wrapper does not say which Python it comes to."""
    systemctl(script(tmp_path / "start", text))
    msg = run(unit="nova-compute")["msg"]
    assert "is no Python script but a wrapper. Say by 'venv' or 'python'" in msg


def test_unknown_unit(run: Run, systemctl: t.Callable[..., None]) -> None:
    """systemctl shows an empty value."""
    systemctl()
    assert run(unit="x")["msg"] == "systemd has no unit x that starts something."


def test_unit_with_two_commands(run: Run, systemctl: t.Callable[..., None]) -> None:
    """It is not clear which one is the service."""
    systemctl("/a", "/b")
    assert re.match("The unit x starts 2 commands", run(unit="x")["msg"])


def test_unit_of_which_the_script_is_gone(run: Run, tmp_path: Path, systemctl: t.Callable[..., None]) -> None:
    """The package was removed."""
    systemctl(tmp_path / "gone")
    assert f"{tmp_path / 'gone'}, which the unit x starts, cannot be read" in run(unit="x")["msg"]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The patcher on every Python found here, and on real os-brick and nova from the package index.

A run needs the pythons that are to be tried, on PATH or under ``pyenv root``, and the package index. What cannot be had is
skipped with the reason. One release of each structural generation is tried on the oldest and the newest Python; tests marked
``full`` try every line of releases on every Python, and install some for real and import them. What those see becomes a
table, ``build/real/patch_matrix.md``. Wheels and environments are kept under WINSTACK_CACHE, by default ``~/.cache/winstack``.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.winstack.openstack.plugins.module_utils import openstack_service
from ansible_collections.winstack.openstack.plugins.module_utils import openvstorage_patcher as patcher
from ansible_collections.winstack.openstack.tests.unit.plugins.module_utils import _packages as packages

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "build/real/patch_matrix.md"
CACHE = Path(os.environ.get("WINSTACK_CACHE") or Path.home() / ".cache/winstack")
PYTHONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
BRICK = ["connector"]
NOVA = ["guest_disk", "volume_driver"]

EDGE = """
from nova.virt.libvirt.volume import volume


class LibvirtOpenvStorageEdgeVolumeDriver(volume.LibvirtBaseVolumeDriver):
    def __init__(self, host):
        super(LibvirtOpenvStorageEdgeVolumeDriver, self).__init__(host, is_block_dev=False)
"""


# Pythons -----------------------------------------------------------------------------------------------------------


@functools.cache
def pyenv_root() -> Path | None:
    """Give the folder of pyenv, if there is one."""
    if not shutil.which("pyenv"):
        return None
    done = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


@functools.cache
def find_python(version: str) -> str | None:
    """Give the Python of a version, None if there is none that runs."""
    candidates = [shutil.which(f"python{version}")]
    if root := pyenv_root():
        candidates += [str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return candidate
    return None


def python(version: str) -> str:
    """Give the Python of a version, or skip the test."""
    found = find_python(version)
    if not found:
        pytest.skip(f"there is no Python {version} here")
    return found


# The table ---------------------------------------------------------------------------------------------------------

STEPS = ("apply", "compile", "again", "revert")


@dataclass
class Matrix:
    """What the tests saw: for each package, line and Python the outcome of each step, or that it was refused."""

    rows: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)

    def saw(self, package: str, line: str, version: str, outcome: dict[str, str]) -> None:
        """Take the outcome of one row."""
        self.rows[package, line, version] = outcome

    def text(self) -> str:
        """Give the table in Markdown, with a last line of counts."""
        lines = [f"| package | line | Python | {' | '.join(STEPS)} |", "|---" * (3 + len(STEPS)) + "|"]
        for key in sorted(self.rows, key=lambda row: (row[0], numbers(row[1]), numbers(row[2]))):
            lines.append(f"| {' | '.join([*key, *(self.rows[key].get(step, '') for step in STEPS)])} |")
        seen = [set(outcome.values()) for outcome in self.rows.values()]
        refused, failed = sum("refused" in row for row in seen), sum("failed" in row for row in seen)
        counts = f"{len(seen)} rows: {len(seen) - refused - failed} patched and taken out, {refused} refused, {failed} failed"
        return "\n".join([*lines, "", counts, ""])


def numbers(version: str) -> list[int]:
    """Give the parts of a version, for sorting."""
    return [int(part) for part in re.findall(r"\d+", version)]


@pytest.fixture(scope="session", name="matrix")
def matrix_fixture() -> t.Iterator[Matrix]:
    """Collect rows, and write the table when all tests have run."""
    matrix = Matrix()
    yield matrix
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(matrix.text(), encoding="utf-8")


def test_the_table() -> None:
    """Rows in the order of versions, and counts of what was seen."""
    matrix = Matrix()
    matrix.saw("nova", "9", "3.13", dict.fromkeys(STEPS, "ok"))
    matrix.saw("nova", "10", "3.9", {"apply": "ok", "compile": "failed"})
    matrix.saw("nova", "9", "3.9", {"apply": "refused"})
    rows = matrix.text().splitlines()
    assert rows[2:5] == [
        "| nova | 9 | 3.9 | refused |  |  |  |",
        "| nova | 9 | 3.13 | ok | ok | ok | ok |",
        "| nova | 10 | 3.9 | ok | failed |  |  |",
    ]
    assert rows[-1] == "3 rows: 1 patched and taken out, 1 refused, 1 failed"


# The helper --------------------------------------------------------------------------------------------------------


@dataclass
class Patcher:
    """Runs the helper as the module does."""

    python: str
    components: list[str]
    copies: Path
    site: Path | None = None
    probe: bool = False
    helper: str = patcher.__file__

    def __call__(self, state: str) -> dict[str, t.Any]:
        """Give the answer to a job."""
        done = self.start([self.python, "-B", self.helper], self.job(state))
        lines = [line for line in done.stdout.splitlines() if line.startswith(patcher.ANSWER)]
        assert lines, done.stdout + done.stderr
        answer: dict[str, t.Any] = json.loads(lines[-1][len(patcher.ANSWER) :])
        return answer

    def check_round(self, folder: Path) -> None:
        """Patch, compile, patch again without a change, take out to the last byte, again without a change."""
        outcome, answers = self.go_round(folder)
        assert outcome == dict.fromkeys(STEPS, "ok"), answers

    def go_round(self, folder: Path) -> tuple[dict[str, str], list[dict[str, t.Any]]]:
        """Give the outcome of each step of a round, and the answers."""
        before = packages.snapshot(folder)
        answers = self.run_all("patched", "patched", "pristine", "pristine")
        first, second, third, fourth = answers
        files = len(self.components) + ("connector" in self.components)
        right = {
            "apply": (first["changed"], first["reason"]) == (True, None)
            and [file["after"] for file in first["files"]] == ["patched"] * files,
            "compile": first["compiled"] == files,
            "again": not second["changed"] and second["digest"] == first["digest"],
            "revert": third["changed"]
            and not fourth["changed"]
            and first["digest"] != third["digest"] == fourth["digest"]
            and packages.snapshot(folder) == before,
        }
        return {step: "ok" if right[step] else "failed" for step in STEPS}, answers

    def run_all(self, *states: str) -> list[dict[str, t.Any]]:
        """Give the answers to several jobs of one process, each with a digest of the files; patched files are compiled."""
        jobs = [self.job(state) for state in states]
        done = self.start([self.python, "-B", "-c", ROUND, patcher.__file__], jobs)
        assert done.returncode == 0, done.stdout + done.stderr
        answers: list[dict[str, t.Any]] = json.loads(done.stdout.splitlines()[-1])
        return answers

    def job(self, state: str) -> dict[str, t.Any]:
        """Give a job."""
        return {
            "state": state, "components": self.components, "write": True, "copies": str(self.copies),
            "packaged": False, "from_copy": False, "probe": self.probe,
        }  # fmt: skip

    def start(self, command: list[str], work: object) -> subprocess.CompletedProcess[str]:
        """Run a command that finds the packages, with JSON for its input."""
        environment = os.environ | ({"PYTHONPATH": str(self.site)} if self.site else {})
        return subprocess.run(
            command, input=json.dumps(work), capture_output=True, text=True, env=environment, check=False
        )


ROUND = """
import hashlib, json, os, sys
path = sys.argv[1]
sys.path.insert(0, os.path.dirname(path))
import openvstorage_patcher as patcher
patcher.__file__ = path
answers = []
for job in json.loads(sys.stdin.read()):
    answer = patcher.run(job)
    digest, compiled = hashlib.sha256(), 0
    for file in sorted(answer['files'], key=lambda file: file['path']):
        data = patcher.read(file['path']) or b''
        digest.update(data)
        try:
            compile(data, file['path'], 'exec')
            compiled += 1
        except (SyntaxError, ValueError):
            pass
    answers.append(dict(answer, digest=digest.hexdigest(), compiled=compiled))
print(json.dumps(answers))
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_every_python(version: str, tmp_path: Path) -> None:
    """The helper itself, with its probes, on small packages of our own."""
    site = packages.make(tmp_path / "site")
    run = Patcher(
        python(version), ["connector", "guest_disk", "volume_driver"], tmp_path / "copies", site, probe=True
    )
    run.check_round(site)


@pytest.mark.parametrize("version", PYTHONS)
def test_forms_of_files_on_every_python(version: str, tmp_path: Path) -> None:
    """Line ends of Windows, a byte order mark, no final newline, Latin-1: each works patched, and comes back to the last byte."""
    for number, form in enumerate(packages.FORMS.values()):
        site = packages.make(tmp_path / str(number))
        for name in (packages.CONNECTOR_PY, packages.CONFIG_PY, packages.DRIVER_PY):
            (site / name).write_bytes(form((site / name).read_bytes()))
        components = ["connector", "guest_disk", "volume_driver"]
        run = Patcher(
            python(version), components, tmp_path / "copies", site, probe=version in ("2.7", "3.13")
        )
        run.check_round(site)


@pytest.mark.parametrize("version", ["2.7", "3.13"])
def test_compiled_files_do_not_outlive_a_change(version: str, tmp_path: Path) -> None:
    """Python 2.7 compares whole seconds: what was compiled in the second of the patch would stay in effect."""
    site = packages.make(tmp_path / "site")
    command = [
        python(version),
        "-c",
        f"from nova.virt.libvirt import config; print(hasattr(config, {patcher.DISK_CLASS!r}))",
    ]
    run = Patcher(command[0], ["guest_disk"], tmp_path / "copies", site)

    def has_class() -> str:
        environment = os.environ | {"PYTHONPATH": str(site)}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    for _round in range(2):
        assert has_class() == "False"
        run("patched")
        assert has_class() == "True"
        run("pristine")


# Wheels ------------------------------------------------------------------------------------------------------------


def wheel(name: str, line: str) -> Path:
    """Give the wheel of a release or of the newest of a line, from the cache or the package index; or skip the test."""
    folder = CACHE / "wheels" / f"{name}-{line}"
    found = sorted(folder.glob("*.whl"))
    if found:
        return found[0]
    wanted = f"{name}=={line}" if line.count(".") == 2 else f"{name}=={line}.*"
    for version in ("3.12", "2.7"):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--ignore-requires-python",
        ]
        command += ["--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any"]
        command += [f"--python-version={version}", "--dest", str(folder), wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return next(folder.glob("*.whl"))
    pytest.skip(f"the package index has no wheel of {wanted}: {done.stderr.strip().splitlines()[-1]}")


def unpacked(path: Path, folder: Path) -> Path:
    """Unpack what of a wheel the patcher looks at."""
    wanted = re.compile(
        r"os_brick/initiator/(connector\.py|connectors/base\.py)|nova/virt/libvirt/(config|driver)\.py"
    )
    with zipfile.ZipFile(path) as archive:
        for name in filter(wanted.fullmatch, archive.namelist()):
            archive.extract(name, folder)
    driver = folder / packages.EDGE_PY
    if (folder / "nova").is_dir():
        driver.parent.mkdir()
        driver.write_text(EDGE)
    for package in [path for path in folder.rglob("*") if path.is_dir()]:
        (package / "__init__.py").touch()
    return folder


BRICK_GENERATIONS = ["1.6.0", "1.6.1", "1.13.1", "2.5.10", "2.8.0", "2.8.4", "2.10.2", "7.1.1"]
BRICK_LINES = [
    *(f"1.{minor}" for minor in range(6, 16)), *(f"2.{minor}" for minor in range(12)), "3.0", "3.1", "3.2",
    *(f"4.{minor}" for minor in range(5)), "5.0", "5.1", "5.2", *(f"6.{minor}" for minor in range(15)), "7.0", "7.1",
]  # fmt: skip
NOVA_GENERATIONS = ["15.1.5", "22.4.0", "34.0.0"]
NOVA_LINES = [str(major) for major in range(15, 35)]
REFUSED = ["1.3.0", "1.4.0", "1.5.0"]


def reads(version: str, name: str, line: str) -> bool:
    """Say whether a Python can parse the files: nova 22 and os-brick 3 left 2.7 behind, and so on."""
    major = int(line.split(".")[0])
    old = version == "2.7"
    return not old or (name == "os-brick" and major < 3) or (name == "nova" and major < 20)


def pythons_for(name: str, line: str) -> list[str]:
    """Give the Pythons found here that can read the files of a line; skip the test if there are none."""
    found = [version for version in PYTHONS if find_python(version) and reads(version, name, line)]
    return found or pytest.skip(f"no Python here reads {name} {line}")


GENERATIONS = [
    *(("os-brick", line) for line in BRICK_GENERATIONS),
    *(("nova", line) for line in NOVA_GENERATIONS),
]
LINES = [*(("os-brick", line) for line in BRICK_LINES), *(("nova", line) for line in NOVA_LINES)]


def go_round(name: str, line: str, version: str, folder: Path) -> tuple[dict[str, str], object]:
    """Give the outcome of a round over an unpacked wheel, and what was answered."""
    site = unpacked(wheel(name, line), folder / version)
    return Patcher(python(version), BRICK if name == "os-brick" else NOVA, folder / "copies", site).go_round(
        site
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "line"), GENERATIONS)
def test_generation(name: str, line: str, tmp_path: Path) -> None:
    """Patched, compiled, patched again, taken out to the last byte, by the oldest and the newest Python that fit."""
    versions = pythons_for(name, line)
    for version in {versions[0], versions[-1]}:
        outcome, answers = go_round(name, line, version, tmp_path)
        assert outcome == dict.fromkeys(STEPS, "ok"), answers


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "line"), GENERATIONS + LINES)
def test_every_line(name: str, line: str, tmp_path: Path, matrix: Matrix) -> None:
    """The same by every Python that can read the files."""
    wrong = []
    for version in pythons_for(name, line):
        outcome, answers = go_round(name, line, version, tmp_path)
        matrix.saw(name, line, version, outcome)
        wrong += [(version, answers)] if set(outcome.values()) != {"ok"} else []
    assert not wrong


def is_refused(line: str, version: str, folder: Path) -> bool:
    """Say whether an os-brick is left alone, with the right reason."""
    site = unpacked(wheel("os-brick", line), folder / version)
    before = packages.snapshot(site)
    answer = Patcher(python(version), BRICK, folder / "copies", site)("patched")
    is_told = patcher.OLD_BRICK in str(answer["reason"])
    return not answer["changed"] and is_told and packages.snapshot(site) == before


@pytest.mark.slow
def test_old_brick_is_refused(tmp_path: Path) -> None:
    """os-brick 1.5 is left alone, and the reason says so."""
    versions = pythons_for("os-brick", REFUSED[-1])
    assert all(is_refused(REFUSED[-1], version, tmp_path) for version in {versions[0], versions[-1]})


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("line", REFUSED)
def test_every_old_brick_is_refused(line: str, tmp_path: Path, matrix: Matrix) -> None:
    """So are its forerunners, by every Python."""
    for version in pythons_for("os-brick", line):
        refused = is_refused(line, version, tmp_path)
        matrix.saw("os-brick", line, version, {"apply": "refused" if refused else "failed"})
        assert refused


# Installed for real ------------------------------------------------------------------------------------------------


# The last releases for Python 2.7 of what pip would take too new a release of, or of what has no wheel for it.
OLD_SOURCES = [
    "Yappi", "netifaces", "wrapt", "scandir", "simplejson", "functools32", "pathlib2", "retrying", "monotonic", "unicodecsv",
    "pyperclip", "subprocess32", "future", "termcolor", "pyinotify", "repoze.lru", "pyrsistent", "psutil", "prettytable",
    "dogpile.cache", "iso8601", "enum-compat",
]  # fmt: skip
OLD = [
    "--only-binary=:all:", f"--no-binary={','.join(OLD_SOURCES)}", "Yappi==1.0", "netifaces<0.11", "simplejson<3.18", "psutil<6",
    "retrying<1.3.4", "wrapt<1.13", "pyperclip==1.8.2", "rfc3986==1.5.0",
]  # fmt: skip

# What went with nova 22: pip alone would take releases that it cannot work with.
VICTORIA = ["os-brick==4.0.4", "oslo.db==8.4.1", "SQLAlchemy<1.4", "cryptography<38"]


def environment_of(version: str, *requirements: str) -> Path:
    """Give a virtual environment with real packages, from the cache or newly made; or skip the test."""
    name = re.sub(r"[^a-z0-9.]+", "-", f"{version}-{requirements[-1]}")
    folder = CACHE / "environments" / name
    if (folder / "ready").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    maker = "virtualenv" if version == "2.7" else "venv"
    done = subprocess.run(
        [python(version), "-m", maker, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"Python {version} has no {maker}: {done.stderr.strip().splitlines()[-1]}")
    for wanted in (["setuptools<60", "wheel"], requirements):
        command = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{wanted[-1]} cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    (folder / "ready").touch()
    return folder


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("version", "requirements", "components"),
    [
        ("2.7", [*OLD, "os-brick==1.6.0"], BRICK),
        ("2.7", [*OLD, "os-brick==1.6.1"], BRICK),
        ("2.7", [*OLD, "os-brick==1.13.1"], BRICK),
        ("2.7", [*OLD, "os-brick==2.0.0"], BRICK),
        ("3.8", ["os-brick==2.10.2"], BRICK),
        ("3.11", ["os-brick==7.1.1"], BRICK),
        ("3.8", [*VICTORIA, "nova==22.4.0"], BRICK + NOVA),
        ("3.12", ["nova==34.0.0"], BRICK + NOVA),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else value,
)
def test_installed(version: str, requirements: list[str], components: list[str], tmp_path: Path) -> None:
    """Patched where it is installed, and imported and tried out there."""
    folder = environment_of(version, *requirements)
    site = next(folder.glob("lib/python*/site-packages"))
    driver = site / packages.EDGE_PY
    if "volume_driver" in components:
        driver.write_text(EDGE)
    run = Patcher(str(folder / "bin/python"), components, tmp_path / "copies", probe=True)
    run.check_round(site)
    driver.unlink(missing_ok=True)


# Errors of the guide -----------------------------------------------------------------------------------------------


def ready_environment(version: str, requirement: str) -> Path:
    """Give the environment that ``test_installed`` made; or skip the test."""
    folder = CACHE / "environments" / f"{version}-{requirement.replace('==', '-')}"
    return (
        folder
        if (folder / "ready").exists()
        else pytest.skip(f"test_installed could not install {requirement} on Python {version}")
    )


REAL_NOVAS = [("3.8", "nova==22.4.0"), ("3.12", "nova==34.0.0")]
REAL_BRICKS = [("2.7", "os-brick==1.6.1"), ("3.11", "os-brick==7.1.1")]


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "requirement", "component", "mistake"),
    [
        pytest.param(version, requirement, component, mistake, id=f"{name}-{requirement}")
        for name, component, mistake in packages.MISTAKES
        for version, requirement in (REAL_NOVAS if component == "guest_disk" else REAL_BRICKS)
    ],
)
def test_mistake_of_the_guide_is_found_by_the_real_thing(
    version: str, requirement: str, component: str, mistake: tuple[str, str, str], tmp_path: Path
) -> None:
    """The real nova and os-brick, not only the small ones of our own, make the probe fail, and get their bytes back."""
    folder = ready_environment(version, requirement)
    site = next(folder.glob("lib/python*/site-packages"))
    source = Path(patcher.__file__).read_text(encoding="utf-8")
    right, wrong, message = mistake
    assert right in source
    helper = tmp_path / "openvstorage_patcher.py"
    head, mark, tail = source.partition("class Refused(")
    helper.write_text(head.replace(right, wrong) + mark + tail, encoding="utf-8")
    before = packages.snapshot(site / "nova/virt/libvirt" if component == "guest_disk" else site / "os_brick")
    run = Patcher(
        str(folder / "bin/python"), [component], tmp_path / "copies", probe=True, helper=str(helper)
    )
    answer = run("patched")
    assert re.search(f"does not work in .*({message})", str(answer["reason"])), answer
    assert (
        packages.snapshot(site / "nova/virt/libvirt" if component == "guest_disk" else site / "os_brick")
        == before
    )


# As drivers for Newton are written (nova/virt/libvirt/volume of stable/newton).
NEWTON_DRIVER = """
from nova.virt.libvirt import utils as libvirt_utils
from nova.virt.libvirt.volume import volume


class LibvirtOpenvStorageEdgeVolumeDriver(volume.LibvirtBaseVolumeDriver):
    def __init__(self, connection):
        super(LibvirtOpenvStorageEdgeVolumeDriver, self).__init__(connection, is_block_dev=False)

    def get_config(self, connection_info, disk_info):
        conf = super(LibvirtOpenvStorageEdgeVolumeDriver, self).get_config(connection_info, disk_info)
        conf.driver_name = libvirt_utils.pick_disk_driver_name(self.connection._host.get_version(), True)
        return conf

    def connect_volume(self, connection_info, disk_info):
        pass

    def disconnect_volume(self, connection_info, disk_dev):
        pass
"""


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "requirement", "sentences"),
    [
        ("3.8", "nova==22.4.0", ["reads self.connection, which nova took away in 15.0"]),
        (
            "3.12",
            "nova==34.0.0",
            [
                "reads self.connection, which nova took away in 15.0",
                "nova.virt.libvirt.utils has no pick_disk_driver_name any more",
                "nova calls disconnect_volume(connection_info, instance, force), and the driver takes",
            ],
        ),
    ],
)
def test_guide_error_08_a_driver_for_newton_is_found_before_the_first_attach(
    version: str, requirement: str, sentences: list[str], tmp_path: Path
) -> None:
    """nova would start with it, and its log would say nothing."""
    python_of_nova = ready_environment(version, requirement) / "bin/python"
    (tmp_path / "edge_for_newton.py").write_text(NEWTON_DRIVER)
    job = {"do": "nova", "module": "edge_for_newton", "class": "LibvirtOpenvStorageEdgeVolumeDriver"}
    done = subprocess.run(
        [str(python_of_nova), "-B", openstack_service.__file__], input=json.dumps(job), capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, check=False,
    )  # fmt: skip
    problem = json.loads(done.stdout.splitlines()[-1][len(openstack_service.ANSWER) :])["problem"]
    assert [sentence for sentence in sentences if sentence not in problem] == [], problem

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suite runner must never look greener than what it ran."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    """A script of tools/ as a module; its neighbours are found as when it runs."""
    sys.path.append(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location(f"winstack_tools_{name}", ROOT / "tools" / f"{name}.py")
    if spec is None or spec.loader is None:
        raise AssertionError(f"tools/{name}.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


suites = load("suites")
venv = load("venv")
third_party = load("third_party")
matrix = load("matrix")

JUNIT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="no"/></testcase>
<testcase classname="a" name="worse"><error message="no"/></testcase>
<testcase classname="a" name="absent"><skipped message="no pwsh"/></testcase>
<testcase classname="a" name="other"><skipped>not applicable</skipped></testcase>
</testsuite></testsuites>"""


def test_counts_come_from_the_junit_file(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(JUNIT)
    result = suites.read_junit(path)
    assert result.line() == "1 passed, 2 failed, 2 skipped"
    assert result.skips == [("a::absent", "no pwsh"), ("a::other", "not applicable")]


@pytest.mark.parametrize("content", [None, "", "<testsuites><testsuite>"])
def test_absent_or_broken_junit_counts_nothing(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "junit.xml"
    if content is not None:
        path.write_text(content)
    assert suites.read_junit(path).line() == "0 passed, 0 failed"


@pytest.mark.parametrize(
    ("result", "status", "failures"),
    [
        (suites.Result(passed=3), 0, 0),
        (suites.Result(passed=3), 1, 1),
        (suites.Result(passed=3), 5, 1),
        (suites.Result(), 0, 1),
        (suites.Result(), 5, 1),
        (suites.Result(skips=[("a", "b")]), 0, 1),
        (suites.Result(passed=3, failures=["a", "b"]), 1, 2),
        (suites.Result(passed=3, failures=["a"]), 0, 1),
    ],
)
def test_a_suite_is_no_better_than_its_command(result: object, status: int, failures: int) -> None:
    assert len(suites.settle("x", result, status).failures) == failures


def test_a_missing_folder_fails_its_suite() -> None:
    result = suites.pytest("x", [Path("tests/no-such-folder")])
    assert result.failures == ["x: tests/no-such-folder is missing"]


def test_a_scenario_without_verification_fails(tmp_path: Path) -> None:
    assert suites.verification_of("storage", tmp_path / "none.xml").failures
    assert not suites.verification_of("default", tmp_path / "none.xml").failures


def test_last_line_has_skips_only_when_there_are_some(capsys: pytest.CaptureFixture[str]) -> None:
    suites.summary(
        [("unit", suites.Result(passed=2), 1.0), ("e2e", suites.Result(passed=1, failures=["x"]), 1.0)]
    )
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 1 failed"


def test_reports_reason_of_every_skip(capsys: pytest.CaptureFixture[str]) -> None:
    suites.summary([("unit", suites.Result(passed=2, skips=[("driver::x", "pwsh is not on PATH")]), 1.0)])
    out = capsys.readouterr().out
    assert "Skipped, pwsh is not on PATH:\n  driver::x" in out
    assert out.splitlines()[-1] == "2 passed, 0 failed, 1 skipped"


def test_core_can_be_replaced_and_everything_is_pinned() -> None:
    for level in venv.LEVELS:
        lines = venv.requirement_lines(level, "2.20.10")
        assert [line for line in lines if line.startswith("ansible-core")] == ["ansible-core==2.20.10"]
        assert all("==" in line for line in lines)


def test_ansible_test_names_its_pip() -> None:
    assert suites.pip_of_ansible_test().split(".")[0].isdigit()


@pytest.mark.parametrize("core", ["2.19.14", "2.20.10", "2.21.5", "2.22.0rc1"])
def test_every_supported_core_has_its_collections(core: str) -> None:
    assert set(third_party.bundle_for(core).versions) == {
        "ansible.windows",
        "community.windows",
        "microsoft.ad",
        "containers.podman",
        "openstack.cloud",
    }


def test_an_unsupported_core_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"2\.18\.1 is not supported"):
        third_party.bundle_for("2.18.1")


def test_an_altered_wheel_is_refused(tmp_path: Path) -> None:
    bundle = third_party.BUNDLES["2.19"]
    (tmp_path / f"ansible-{bundle.release}-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(SystemExit, match="delete it and try again"):
        third_party.wheel(bundle, tmp_path)


def test_a_python_that_does_not_run_is_not_usable(tmp_path: Path) -> None:
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert matrix.usable(sys.executable)
    assert not matrix.usable(shim)


def outcome(line: str, status: int, counts: bool = True) -> object:
    """The outcome of a pair of the matrix."""
    return matrix.Outcome("py3.12-core2.20.10", line, status, counts, 60.0)


@pytest.mark.parametrize(
    ("outcomes", "status", "last"),
    [
        ([outcome("5 passed, 0 failed", 0), outcome("4 passed, 0 failed, 1 skipped", 0)], 0, "9 passed, 0 failed, 1 skipped"),
        ([outcome("5 passed, 1 failed", 1)], 1, "5 passed, 1 failed"),
        ([outcome("5 passed, 0 failed", 2)], 1, "5 passed, 1 failed"),
        ([outcome("5 passed, 0 failed", 0), outcome("4 passed, 3 failed", 1, counts=False)], 0, "5 passed, 0 failed"),
        ([], 1, "0 passed, 0 failed"),
    ],
)  # fmt: skip
def test_the_matrix_adds_up(
    outcomes: list[object], status: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix.report(outcomes, ["py3.14-core2.21.5"]) == status
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == last
    assert "not run: no such Python here" in out

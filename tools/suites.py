# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the suites of this repository and say what came out.

The counts are read from the JUnit files that pytest and ansible-test write; a linter counts as one test. A suite
fails when its folder is missing, when it collected nothing, when a test failed, or when its command did, whatever
its files say. The last line is ``N passed, N failed`` (``, N skipped`` where tests were skipped) and the exit
status is 0 only when nothing failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
COLLECTIONS = Path("collections/ansible_collections/winstack")
NAMES = ("windows", "openstack")
PLUGIN_UTILS_FLOOR = 95.0
SIMULATOR_FLOOR = 85.0
# Molecule scenarios that need containers.
CONTAINER_SCENARIOS = ("openvstorage",)
# The exit status of tools/nodes.py where nodes cannot be had.
NO_NODES = 3
BOOTSTRAP_HOST = "https://ci-files.testing.ansible.com/ansible-test/"


@dataclass
class Result:
    """Counts of one suite, the names of what failed, and names and reasons of what was skipped."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """Take in the counts of a part."""
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips

    def line(self) -> str:
        """The counts as the last line of the run has them."""
        text = f"{self.passed} passed, {len(self.failures)} failed"
        return f"{text}, {len(self.skips)} skipped" if self.skips else text


def environment() -> dict[str, str]:
    """Ours first on PATH, and no trace of (or in) the user's own Ansible home."""
    scripts = str(Path(sys.executable).parent)
    own = {
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "ANSIBLE_HOME": str(BUILD / "ansible"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(BUILD / "hypothesis"),
        "NO_COLOR": "1",
    }
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "MOLECULE_", "PYTEST_"))
    }
    return inherited | own


def run(command: list[str], *, cwd: Path = ROOT, extra: Mapping[str, str] | None = None) -> int:
    """Run a command with its output on ours; its exit status."""
    print(f"+ {' '.join(command)}", flush=True)
    return subprocess.run(command, cwd=cwd, env=environment() | dict(extra or {})).returncode


def check(name: str, command: list[str], *, cwd: Path = ROOT) -> Result:
    """A command that counts as one test."""
    return Result(failures=[name]) if run(command, cwd=cwd) else Result(passed=1)


def read_junit(path: Path, prefix: str = "") -> Result:
    """The counts of a JUnit file; an absent or unreadable one has none. The prefix goes before each name."""
    result = Result()
    try:
        cases = list(ET.parse(path).iter("testcase"))
    except (OSError, ET.ParseError):
        return result
    for case in cases:
        name = f"{prefix}{case.get('classname', '')}::{case.get('name', '')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failures.append(name)
        elif skipped is not None:
            reason = skipped.get("message") or skipped.text or "no reason given"
            result.skips.append((name, reason.strip()))
        else:
            result.passed += 1
    return result


def settle(name: str, result: Result, status: int) -> Result:
    """Never let a suite look better than its command: a bad status or no test at all is a failure."""
    if status and not result.failures:
        result.failures.append(f"{name}: exit status {status} without a failed test")
    elif not result.passed and not result.failures:
        result.failures.append(f"{name}: nothing ran")
    return result


def pytest(name: str, paths: list[Path], *options: str, extra: Mapping[str, str] | None = None) -> Result:
    """Run pytest on folders that must be there."""
    missing = [path for path in paths if not (ROOT / path).is_dir()]
    if missing:
        return Result(failures=[f"{name}: {path} is missing" for path in missing])
    junit = BUILD / "junit" / f"{name}.xml"
    junit.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "pyproject.toml",
        "--rootdir=.",
        "-q",
        f"--junitxml={junit}",
    ]
    command += ["-o", f"cache_dir={BUILD / 'pytest'}", *options, *map(str, paths)]
    status = run(command, extra=extra)
    return settle(name, read_junit(junit), status)


# Coverage ------------------------------------------------------------------------------------------------------


# Test files are handed to as many processes; each is run by one, so that fixtures of modules stay as they are.
PARALLEL = ("--numprocesses=2", "--dist=loadfile")


def covered_tests(name: str, paths: list[Path], sources: list[Path]) -> Result:
    """Pytest with line and branch coverage of the sources, left in build/coverage."""
    data = BUILD / "coverage" / f"{name}.data"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.unlink(missing_ok=True)
    coverage = [f"--cov={source}" for source in sources]
    options = [*PARALLEL, "--cov-branch", "--cov-report=", *coverage]
    return pytest(name, paths, *options, extra={"COVERAGE_FILE": str(data)})


def coverage_check(name: str, title: str, pattern: str, floor: float) -> Result:
    """Lines and branches of the files that match must each reach the floor."""
    report = BUILD / "coverage" / f"{name}.json"
    extra = {"COVERAGE_FILE": str(BUILD / "coverage" / f"{name}.data")}
    select = [f"--include={pattern}"]
    coverage = [sys.executable, "-m", "coverage"]
    run([*coverage, "report", *select], extra=extra)
    if run([*coverage, "json", "--quiet", f"-o{report}", *select], extra=extra):
        return Result(failures=[f"{title}: no coverage was measured"])
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    lines = 100.0 * totals["covered_lines"] / max(totals["num_statements"], 1)
    branches = 100.0 * totals["covered_branches"] / max(totals["num_branches"], 1)
    print(f"{title}: {lines:.1f} % of lines, {branches:.1f} % of branches (at least {floor:.0f} % each)")
    if min(lines, branches) < floor:
        return Result(
            failures=[f"{title} is covered below {floor:.0f} %: lines {lines:.1f}, branches {branches:.1f}"]
        )
    return Result(passed=1)


# Suites --------------------------------------------------------------------------------------------------------


def lint() -> Result:
    """Style and consistency of code, YAML, changelogs and documentation."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.yml", "*.yaml"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = sorted(name for name in set(listed.stdout.split("\0")) if name and (ROOT / name).is_file())
    result = check("ruff check", ["ruff", "check", "."])
    result.add(check("ruff format", ["ruff", "format", "--check", "."]))
    result.add(quiet_check("yamllint", ["yamllint", "--strict", *files]))
    result.add(check("ansible-lint", ["ansible-lint", "--offline", "--strict"]))
    for folder in (Path("."), *(COLLECTIONS / name for name in NAMES)):
        result.add(check(f"antsibull-changelog {folder}", ["antsibull-changelog", "lint"], cwd=ROOT / folder))
    for name in NAMES:
        command = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", "."]
        result.add(check(f"antsibull-docs {name}", command, cwd=ROOT / COLLECTIONS / name))
    result.add(check("role_docs", [sys.executable, "tools/role_docs.py", "--check"]))
    return result


def quiet_check(name: str, command: list[str]) -> Result:
    """As check, for a command with a long list of files."""
    print(f"+ {name} on {len(command)} arguments", flush=True)
    status = subprocess.run(command, cwd=ROOT, env=environment()).returncode
    return Result(failures=[name]) if status else Result(passed=1)


def typecheck() -> Result:
    """``mypy --strict`` on what is typed: the engine, the simulator and these tools."""
    result = Result()
    targets = [COLLECTIONS / name / "plugins" / "plugin_utils" for name in NAMES]
    for target in [*targets, Path("simulator/winsim"), Path("tools")]:
        if any((ROOT / target).rglob("*.py")):
            result.add(check(f"mypy {target}", [sys.executable, "-m", "mypy", str(target)]))
        elif target != targets[1]:
            result.failures.append(f"mypy: {target} is missing")
    return result


def unit() -> Result:
    """Unit tests of the collections, with the coverage of their engine."""
    tests = [COLLECTIONS / "windows/tests/unit", *optional(COLLECTIONS / "openstack/tests/unit")]
    result = covered_tests("unit", tests, [COLLECTIONS / name / "plugins" for name in NAMES])
    result.add(coverage_check("unit", "plugin_utils", "*/plugins/plugin_utils/*", PLUGIN_UTILS_FLOOR))
    return result


def optional(path: Path) -> list[Path]:
    """The folder when it holds tests: a collection that is a skeleton still has none."""
    return [path] if any((ROOT / path).rglob("test_*.py")) else []


def simtest() -> Result:
    """Tests of the simulator, with its coverage."""
    result = covered_tests("simtest", [Path("simulator/tests")], [Path("simulator/winsim")])
    result.add(coverage_check("simtest", "simulator", "simulator/winsim/*", SIMULATOR_FLOOR))
    return result


def driver() -> Result:
    """The PowerShell driver's harness, and every other test of tests/ but the end-to-end and the long ones."""
    if not (ROOT / "tests/driver").is_dir():
        return Result(failures=["driver: tests/driver is missing"])
    return pytest("driver", [Path("tests")], "--ignore=tests/e2e", "-m", "not full")


def real() -> Result:
    """The long tests on real OpenStack packages and containers, marked ``full``; and their Molecule scenarios."""
    result = pytest("real", [Path("tests")], "-m", "full", extra={"WINSTACK_FULL": "1"})
    result.add(properties())
    if scenarios := [name for name in scenarios_here() if name in CONTAINER_SCENARIOS]:
        reason = why_no_nodes()
        if reason:
            result.skips += [(f"molecule {name}", reason) for name in scenarios]
        else:
            result.add(run_scenarios("real", scenarios))
    return result


def properties() -> Result:
    """Every property test once more, with more examples: conftest.py."""
    tests = [COLLECTIONS / name / "tests/unit" for name in NAMES]
    return pytest("properties", tests, "-m", "hypothesis", extra={"HYPOTHESIS_PROFILE": "full"})


def why_no_nodes() -> str:
    """Why Linux nodes cannot be had here; empty where they can."""
    done = subprocess.run(
        [sys.executable, "tools/nodes.py", "check"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    return done.stderr.strip().splitlines()[-1] if done.returncode == NO_NODES else ""


def e2e() -> Result:
    """Ansible against the simulator."""
    return pytest("e2e", [Path("tests/e2e")])


def pip_of_ansible_test() -> str:
    """The version of pip that the installed ansible-test wants to begin an environment with."""
    spec = importlib.util.find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed beside this Python.")
    source = Path(spec.submodule_search_locations[0], "_internal/python_requirements.py")
    found = re.search(r"\bpip='([0-9.]+)'", source.read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{source} no longer names its version of pip as this script expects.")
    return found[1]


def place_bootstrap(home: Path) -> None:
    """Let ansible-test make its environments where its own download host cannot be reached.

    ansible-test fetches get-pip.py from one host for each environment. Where that host answers, it is left alone.
    Elsewhere a stand-in that calls the interpreter's ensurepip lies in the cache of a home under build/; the
    packages then still come from the configured package index.
    """
    version = pip_of_ansible_test()
    stand_in = home / f".ansible/test/cache/get_pip_{version.replace('.', '_')}.py"
    if stand_in.is_file():
        return
    try:
        with urllib.request.urlopen(f"{BOOTSTRAP_HOST}get-pip-{version}.py", timeout=10):
            return
    except OSError as error:
        print(
            f"{BOOTSTRAP_HOST} does not answer ({error}): ansible-test gets pip from ensurepip.", flush=True
        )
    stand_in.parent.mkdir(parents=True, exist_ok=True)
    stand_in.write_text("import ensurepip\n\nensurepip.bootstrap(upgrade=True, default_pip=True)\n")


def sanity() -> Result:
    """``ansible-test sanity`` for each collection, without a single ignore entry."""
    result = Result()
    home = BUILD / "home"
    place_bootstrap(home)
    for name in NAMES:
        result.add(sanity_of(name, home))
    return result


def sanity_of(name: str, home: Path) -> Result:
    """One collection; ansible-test writes a JUnit file for each of its tests."""
    folder = ROOT / COLLECTIONS / name
    entries = [path for path in folder.glob("tests/sanity/ignore*.txt") if path.read_text().strip()]
    if entries:
        return Result(failures=[f"sanity {name}: {path.name} has entries" for path in entries])
    output = folder / "tests/output/junit"
    shutil.rmtree(output, ignore_errors=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--venv", "--python", version, "--color", "no", "--junit"]
    status = run(command, cwd=folder, extra={"HOME": str(home)})
    result = Result()
    for path in sorted(output.glob("*.xml")):
        result.add(read_junit(path, f"winstack.{name} "))
    return settle(f"sanity {name}", result, status)


def scenarios_here() -> list[str]:
    """The Molecule scenarios of this checkout."""
    return sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


def molecule() -> Result:
    """Every scenario on simulated hosts; the counts are those of its testinfra tests."""
    scenarios = [name for name in scenarios_here() if name not in CONTAINER_SCENARIOS]
    return run_scenarios("molecule", scenarios)


def run_scenarios(suite: str, scenarios: list[str]) -> Result:
    """The named scenarios; ``default`` creates and destroys their hosts."""
    if not scenarios:
        return Result(failures=[f"{suite}: no scenario"])
    forget_molecule()
    folder = BUILD / "junit"
    # Molecule sets the variable for its verifier, and pytest expands variables in this option.
    extra = {"PYTEST_ADDOPTS": f"--junitxml={folder}/molecule-$MOLECULE_SCENARIO_NAME.xml"}
    left_out = [f"--exclude={name}" for name in scenarios_here() if name not in scenarios]
    status = run(["molecule", "test", "--all", *left_out], extra=extra)
    result = Result()
    for scenario in scenarios:
        result.add(verification_of(scenario, folder / f"molecule-{scenario}.xml"))
    return settle(suite, result, status)


def forget_molecule() -> None:
    """End what an interrupted run left, so that each run creates its hosts anew."""
    state = BUILD / "molecule" / "winsim"
    if (state / "ports.json").is_file():
        run([sys.executable, "-m", "winsim", "stop", f"--state={state}"])
    for path in [state, *(BUILD / "ansible" / "tmp").glob("molecule.*")]:
        shutil.rmtree(path, ignore_errors=True)
    for path in (BUILD / "junit").glob("molecule-*.xml"):
        path.unlink()


def verification_of(scenario: str, junit: Path) -> Result:
    """The testinfra tests of a scenario, which must have had some; ``default`` only creates and destroys."""
    result = read_junit(junit, f"{scenario} ")
    if scenario != "default" and not result.passed and not result.failures:
        result.failures.append(f"molecule {scenario}: nothing was verified")
    return result


SUITES: dict[str, Callable[[], Result]] = {
    "lint": lint,
    "typecheck": typecheck,
    "unit": unit,
    "simtest": simtest,
    "driver": driver,
    "sanity": sanity,
    "molecule": molecule,
    "e2e": e2e,
    "real": real,
}
# What ``make test-full`` runs beside the suites of ``make test``.
LONG = ("real",)


def by_reason(skips: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The skipped tests under their reasons."""
    grouped: dict[str, list[str]] = {}
    for name, reason in skips:
        grouped.setdefault(reason, []).append(name)
    return grouped


def summary(rows: list[tuple[str, Result, float]]) -> Result:
    """Print the table, the failures and the reasons of skips; the sum of all."""
    total = Result()
    print(f"\n{'suite':<10}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, result, seconds in rows:
        counts = f"{result.passed:>8}{len(result.failures):>8}{len(result.skips):>9}"
        print(f"{name:<10}{counts}{seconds:>9.0f}")
        total.add(result)
    for reason, names in by_reason(total.skips).items():
        print(f"\nSkipped, {reason}:", *names, sep="\n  ")
    if total.failures:
        print("\nFailed:", *total.failures, sep="\n  ")
    print(f"\n{total.line()}", flush=True)
    return total


def main() -> int:
    """Run the suites that the command line names, in the order of the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="+", choices=["all", *SUITES])
    wanted = parser.parse_args().suites
    (BUILD / "junit").mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, Result, float]] = []
    for name, suite in SUITES.items():
        if name in wanted or ("all" in wanted and name not in LONG):
            print(f"\n===== {name}", flush=True)
            started = time.monotonic()
            rows.append((name, suite(), time.monotonic() - started))
    return 1 if summary(rows).failures else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``make test`` on every supported ansible-core, and on every supported Python that this machine has.

Each pair works in a copy of the checkout under .matrix/, with an environment and third-party collections of its
own. Interpreters are looked for on PATH and among the versions of pyenv. Arguments choose pairs by a part of their
name, such as ``2.20`` or ``py3.12``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MATRIX = ROOT / ".matrix"
# The interpreter, the ansible-core, whether a failure counts. All pairs would tell little more, in twice the time.
PAIRS = (
    ("3.11", "2.19.14", True),
    ("3.12", "2.20.10", True),
    ("3.13", "2.21.5", True),
    ("3.14", "2.21.5", True),
    ("3.13", "2.22.0rc1", False),
)
COUNTS = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?")


@dataclass(frozen=True)
class Outcome:
    """What came out of one pair: its last line, its status, and how long it took in seconds."""

    name: str
    line: str
    status: int
    counts: bool
    seconds: float


def usable(python: Path | str) -> bool:
    """Whether the project's own test accepts this interpreter."""
    done = subprocess.run([ROOT / "tools" / "find_python", str(python)], capture_output=True)
    return done.returncode == 0


def interpreter(version: str) -> str | None:
    """An interpreter of this minor version: the one on PATH, else the newest of pyenv."""
    candidates = [f"python{version}"]
    if shutil.which("pyenv"):
        done = subprocess.run(["pyenv", "root"], capture_output=True, text=True)
        found = Path(done.stdout.strip(), "versions").glob(f"{version}.*/bin/python")
        candidates += sorted((str(path) for path in found), key=patch_level, reverse=True)
    return next((candidate for candidate in candidates if usable(candidate)), None)


def patch_level(path: str) -> int:
    """The last number of a path such as ``.../versions/3.12.1/bin/python``; 0 for names without one."""
    found = re.search(r"/\d+\.\d+\.(\d+)/", path)
    return int(found[1]) if found else 0


def copy_checkout(target: Path) -> None:
    """Bring the copy up to date with the working tree: what git knows or would add, changes included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    target.mkdir(parents=True, exist_ok=True)
    if not (target / ".git").is_dir():
        # A repository of its own: ansible-test, ansible-lint and Molecule ask git which files and root there are.
        subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    known = subprocess.run(command, cwd=target, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, set(known) - names):
        (target / name).unlink(missing_ok=True)
    for name in sorted(names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    subprocess.run(["git", "add", "--all"], cwd=target, check=True)


def keep_neighbours() -> None:
    """What some tests look for beside the checkout (a PowerShell, cases, signatures) lies beside its copies as well."""
    beside, link = ROOT.parent / "shared", MATRIX / "shared"
    if beside.is_dir() and not link.exists():
        link.symlink_to(beside)


def run_pair(python: str, version: str, core: str, counts: bool) -> Outcome:
    """``make test`` in the copy of this pair; its log stays beside it."""
    name = f"py{version}-core{core}"
    target = MATRIX / name
    copy_checkout(target)
    keep_neighbours()
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV")}
    environment["WHEEL_CACHE"] = str(ROOT / "build" / "wheels")
    started = time.monotonic()
    print(f"===== {name}: log in .matrix/{name}.log", flush=True)
    with open(MATRIX / f"{name}.log", "w+", encoding="utf-8") as log:
        command = ["make", "test", f"PYTHON={python}", f"ANSIBLE_CORE={core}"]
        status = subprocess.run(
            command, cwd=target, env=environment, stdout=log, stderr=subprocess.STDOUT
        ).returncode
        log.seek(0)
        lines = [line.strip() for line in log if COUNTS.fullmatch(line.strip())]
    line = lines[-1] if lines else "0 passed, 1 failed"
    print(f"{line} (status {status})", flush=True)
    return Outcome(name, line, status, counts, time.monotonic() - started)


def report(outcomes: list[Outcome], absent: list[str]) -> int:
    """The table and the sum; the exit status."""
    print(f"\n{'pair':<24}{'minutes':>8}  result")
    sums = [0, 0, 0]
    for outcome in outcomes:
        note = "" if outcome.counts else " (not released: does not count)"
        print(f"{outcome.name:<24}{outcome.seconds / 60:>8.1f}  {outcome.line}{note}")
        found = COUNTS.fullmatch(outcome.line)
        if found and outcome.counts:
            sums = [total + int(number or 0) for total, number in zip(sums, found.groups(), strict=True)]
    for pair in absent:
        print(f"{pair:<24}{'-':>8}  not run: no such Python here")
    bad = sum(1 for outcome in outcomes if outcome.counts and outcome.status)
    sums[1] = max(sums[1], bad)
    print(f"\n{sums[0]} passed, {sums[1]} failed" + (f", {sums[2]} skipped" if sums[2] else ""), flush=True)
    return 1 if sums[1] or not sums[0] else 0


def main() -> int:
    """Run the chosen pairs one after the other."""
    outcomes: list[Outcome] = []
    absent: list[str] = []
    for version, core, counts in PAIRS:
        name = f"py{version}-core{core}"
        if sys.argv[1:] and not any(part in name for part in sys.argv[1:]):
            continue
        python = interpreter(version)
        if python is None:
            absent.append(name)
        else:
            outcomes.append(run_pair(python, version, core, counts))
    return report(outcomes, absent)


if __name__ == "__main__":
    sys.exit(main())

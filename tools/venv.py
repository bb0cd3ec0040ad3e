# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make or refresh the virtual environment; a run that finds it as wanted ends at once.

Run with the interpreter that the environment shall have. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from progress import goes_on

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {
    "controller": ("runtime",),
    "run": ("runtime", "simulator"),
    "dev": ("runtime", "simulator", "dev"),
    "docs": ("runtime", "simulator", "dev", "docs"),
}


def requirement_lines(level: str, core: str | None) -> list[str]:
    """The requirements of a level as lines for pip; ``core`` (a version) replaces the pinned ansible-core."""
    lines: list[str] = []
    for name in LEVELS[level]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        lines += [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if core:
        lines = [line for line in lines if not line.startswith("ansible-core")]
        lines.append(f"ansible-core=={core}")
    return lines


def fingerprint(lines: list[str]) -> str:
    """What the environment was made from, as one line for its stamp."""
    digest = hashlib.sha256()
    for part in (sys.version, sys.base_prefix, *sorted(set(lines))):
        digest.update(part.encode() + b"\0")
    digest.update((ROOT / "simulator" / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def is_current(venv: Path, level: str, core: str | None) -> bool:
    """Whether the environment holds this level (or one that includes it) as it is pinned now."""
    wanted = LEVELS[level]
    for other, names in LEVELS.items():
        stamp = venv / f".winstack-{other}"
        if names[: len(wanted)] == wanted and stamp.is_file():
            return stamp.read_text(encoding="utf-8") == fingerprint(requirement_lines(other, core))
    return False


def same_python(venv: Path) -> bool:
    """Whether the environment's interpreter still runs and is of our version."""
    script = "import sys; print(sys.version, sys.base_prefix)"
    try:
        done = subprocess.run(
            [venv / "bin" / "python", "-c", script], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return done.stdout.strip() == f"{sys.version} {sys.base_prefix}"


def pip(venv: Path, *arguments: str) -> None:
    """Run the environment's pip; its output is shown only when it fails."""
    command = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\nFailed: {' '.join(command)}")


def build(venv: Path, level: str, core: str | None) -> None:
    """Install the level into the environment, which is made anew when its Python is another one."""
    lines = requirement_lines(level, core)
    for stamp in venv.glob(".winstack-*"):
        stamp.unlink()
    if not same_python(venv):
        shutil.rmtree(venv, ignore_errors=True)
        with goes_on("Creating an empty environment"):
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    with goes_on("Installing packages from PyPI"):
        pip(venv, "install", "--quiet", *lines)
        if "simulator" in LEVELS[level]:
            pip(venv, "install", "--quiet", "--no-deps", "--editable", str(ROOT / "simulator"))
    (venv / f".winstack-{level}").write_text(fingerprint(lines), encoding="utf-8")


def main() -> None:
    """Read the command line and make the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--level", choices=LEVELS, default="dev")
    parser.add_argument("--core", default=None, help="version of ansible-core instead of the pinned one")
    options = parser.parse_args()
    core = options.core or None
    if is_current(options.venv, options.level, core):
        return
    started = time.monotonic()
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Making {options.venv} ({options.level}) with Python {version}.", flush=True)
    build(options.venv, options.level, core)
    print(f"Made {options.venv} in {time.monotonic() - started:.0f} s.", flush=True)


if __name__ == "__main__":
    main()

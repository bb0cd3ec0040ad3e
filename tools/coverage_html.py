# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join what the suites measured into one HTML report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "build" / "coverage"


def main() -> None:
    """Combine the data files, which stay, and write the pages."""
    joined = f"--data-file={FOLDER / 'joined'}"
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet", "--keep", joined, *FOLDER.glob("*.data")], check=True)
    subprocess.run([*coverage, "html", "--quiet", joined, f"--directory={FOLDER / 'html'}"], check=True)
    print(f"See {FOLDER / 'html' / 'index.html'}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the cases of the driver in a real PowerShell: ``python3 tests/driver/run.py``.

Needs nothing but Python and a PowerShell; ``--pwsh powershell.exe`` takes Windows PowerShell. Without a PowerShell it
says that it was skipped, and succeeds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from driver_cases import faults, load
from driver_ways import SKIPPED, WAYS, Stage, find_pwsh, is_constrained


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases by the ways asked for and say what came out; the exit status is 1 when a case failed."""
    parser = argparse.ArgumentParser(description="Run the driver's cases in a real PowerShell.")
    parser.add_argument("--pwsh", default=find_pwsh(), help="the PowerShell to run")
    parser.add_argument("--way", action="append", choices=WAYS, help="how they get there; default: all ways")
    options = parser.parse_args(arguments)
    if options.pwsh is None:
        print(f"skipped: {SKIPPED}")
        return 0
    failed = 0
    for way in options.way or WAYS:
        with tempfile.TemporaryDirectory() as folder:
            failed += _run(way, Stage(options.pwsh, Path(folder)))
    return int(failed > 0)


def _run(way: str, stage: Stage) -> int:
    """Return how many cases failed."""
    cases = load()
    answers = WAYS[way](stage, cases)
    failed = 0
    for case in cases:
        found = faults(case, answers[case["name"]], constrained=is_constrained(way))
        failed += bool(found)
        if found:
            print(f"FAILED  {way}: {case['name']}", *found, sep="\n        ")
    print(f"{way}: {len(cases) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())

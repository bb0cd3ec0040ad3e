#!/usr/bin/env python3
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the cases of the driver in a real PowerShell: ``python3 tests/driver/run.py``.

Needs nothing but Python and ``pwsh`` on PATH; ``--pwsh powershell.exe`` takes Windows PowerShell. Without a PowerShell it
says that it was skipped, and succeeds.

A case (``cases/*.json``) has ``name``, ``calls`` as they are on the wire (params, select and change may be left out),
``sections`` as they are wanted back (ok, skipped, error and data may be left out), and where they matter ``secrets``,
``check_mode``, ``changed`` and ``seen`` (what the fake cmdlets were asked, in order). ``{"regex": "..."}`` stands for a text
that is not the same on all systems.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DRIVER = (
    HERE.parents[1]
    / "collections/ansible_collections/winstack/windows/plugins/plugin_utils/engine/driver.ps1"
)
SKIPPED = "no pwsh on PATH, so that the driver was not run in a real PowerShell"
TIMEOUT_SECONDS = 600

Case = dict[str, Any]


def load(folder: Path = HERE / "cases") -> list[Case]:
    """Give all cases, named ``file: name``, with everything that was left out."""
    return [
        {"secrets": [], "check_mode": False, "changed": False, "seen": []}
        | case
        | {"name": f"{path.stem}: {case['name']}"}
        for path in sorted(folder.glob("*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
    ]


def batch(case: Case) -> str:
    """Give the batch of a case as the driver takes it."""
    calls = [{"params": {}, "select": [], "change": False} | call for call in case["calls"]]
    return json.dumps({"calls": calls}, separators=(",", ":"))


def sections(case: Case) -> list[dict[str, Any]]:
    """Give the sections that are wanted back, in full."""
    return [
        {"ok": True, "skipped": False, "error": None, "data": []} | section for section in case["sections"]
    ]


def run(cases: Sequence[Case], pwsh: str) -> dict[str, Any]:
    """Run the cases in one PowerShell process. Give name -> {failure, output, types, changed, seen}."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "cases.json"), Path(folder, "answers.json")
        wire = [
            {name: case[name] for name in ("name", "check_mode", "secrets")} | {"batch": batch(case)}
            for case in cases
        ]
        asked.write_text(json.dumps({"cases": wire}), encoding="utf-8")
        options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
        command = [pwsh, *options, "-File", str(HERE / "Invoke-Driver.ps1")]
        command += ["-DriverPath", str(DRIVER), "-ModulePath", str(HERE / "FakeCmdlets.psm1")]
        command += ["-CasesPath", str(asked), "-AnswersPath", str(answered)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        if done.returncode or not answered.is_file():
            raise RuntimeError(f"{pwsh} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return {answer["name"]: answer for answer in json.loads(answered.read_text(encoding="utf-8-sig"))}


def faults(case: Case, answer: dict[str, Any]) -> list[str]:
    """Say where the answer is not as the case wants it."""
    if answer["failure"]:
        return [f"the driver failed: {answer['failure']}"]
    if answer["types"] != ["System.String"]:
        return [f"one string was wanted, and {answer['types']} came: {answer['output']}"]
    told = json.loads(answer["output"][0])["sections"]
    found = [*_differences("sections", sections(case), told)]
    found += _differences("changed", case["changed"], answer["changed"])
    found += _differences("seen", case["seen"], answer["seen"])
    texts = [*answer["output"], *_texts(told)]
    leaked = [
        secret["name"] for secret in case["secrets"] if any(secret["password"] in text for text in texts)
    ]
    return found + [f"{name} is in the output" for name in leaked]


def _differences(where: str, wanted: Any, got: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and set(wanted) == {"regex"}:
        if not (isinstance(got, str) and re.search(wanted["regex"], got)):
            yield f"{where}: {got!r} is not like {wanted['regex']}"
    elif isinstance(wanted, dict) and isinstance(got, dict) and set(wanted) == set(got):
        for key, value in wanted.items():
            yield from _differences(f"{where}.{key}", value, got[key])
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for number, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(f"{where}[{number}]", one, other)
    elif not _same(wanted, got):
        yield f"{where}: wanted {wanted!r}, got {got!r}"


def _same(wanted: Any, got: Any) -> bool:
    """Compare scalars: a truth is no number, and PowerShell 7 writes 90.0 where 5.1 writes 90."""
    return isinstance(wanted, bool) == isinstance(got, bool) and bool(wanted == got)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases and say what came out; the exit status is 1 when a case failed."""
    parser = argparse.ArgumentParser(description="Run the driver's cases in a real PowerShell.")
    parser.add_argument("--pwsh", default=shutil.which("pwsh"), help="the PowerShell to run")
    options = parser.parse_args(arguments)
    if options.pwsh is None:
        print(f"skipped: {SKIPPED}")
        return 0
    cases = load()
    answers = run(cases, options.pwsh)
    failed = 0
    for case in cases:
        found = faults(case, answers[case["name"]])
        failed += bool(found)
        print(f"{'FAILED' if found else 'passed'}  {case['name']}", *found, sep="\n        ")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

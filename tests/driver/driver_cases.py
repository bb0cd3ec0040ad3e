# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases of the driver, and what is wrong with an answer to one.

A case (``cases/*.json``) has ``name``, ``calls`` as they are on the wire (params, select and change may be left out),
``sections`` as they are wanted back (ok, skipped, error and data may be left out), and where they matter ``secrets``,
``check_mode``, ``changed``, ``seen`` (what the fake cmdlets were asked, in order) and ``constrained`` (the sections in
constrained language, where these differ). ``{"regex": "..."}`` stands for a text that is not the same on all systems.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

Case = dict[str, Any]


def load(folder: Path = HERE / "cases") -> list[Case]:
    """Return all cases, named ``file: name``, with everything that was left out."""
    return [
        {"secrets": [], "check_mode": False, "changed": False, "seen": [], "constrained": None}
        | case
        | {"name": f"{path.stem}: {case['name']}"}
        for path in sorted(folder.glob("*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
    ]


def batch(case: Case) -> str:
    """Return the batch of a case as the driver takes it."""
    calls = [{"params": {}, "select": [], "change": False} | call for call in case["calls"]]
    return json.dumps({"desktop": False, "calls": calls}, separators=(",", ":"))


def sections(case: Case, *, constrained: bool = False) -> list[dict[str, Any]]:
    """Return the sections that are wanted back, in full."""
    wanted = (constrained and case["constrained"]) or case["sections"]
    return [{"ok": True, "skipped": False, "error": None, "data": []} | section for section in wanted]


def faults(case: Case, answer: dict[str, Any], *, constrained: bool = False) -> list[str]:
    """Return where the answer is not as the case wants it.

    An answer has ``failure`` (None, or why there is none), ``output`` (texts), ``types``, ``changed`` and ``seen``.
    """
    if answer["failure"]:
        return [f"the driver failed: {answer['failure']}"]
    if answer["types"] != ["System.String"]:
        return [f"one string was wanted, and {answer['types']} came: {answer['output']}"]
    told = json.loads(answer["output"][0])["sections"]
    found = [*differences("sections", sections(case, constrained=constrained), told)]
    found += differences("changed", case["changed"], answer["changed"])
    found += differences("seen", case["seen"], answer["seen"])
    texts = [*answer["output"], *_texts(told)]
    leaked = [
        secret["name"] for secret in case["secrets"] if any(secret["password"] in text for text in texts)
    ]
    return found + [f"{name} is in the output" for name in leaked]


def differences(where: str, wanted: Any, got: Any) -> Iterator[str]:
    """Yield where data is not as wanted; ``{"regex": ...}`` in what is wanted stands for a text."""
    if isinstance(wanted, dict) and set(wanted) == {"regex"}:
        if not (isinstance(got, str) and re.search(wanted["regex"], got)):
            yield f"{where}: {got!r} is not like {wanted['regex']}"
    elif isinstance(wanted, dict) and isinstance(got, dict) and set(wanted) == set(got):
        for key, value in wanted.items():
            yield from differences(f"{where}.{key}", value, got[key])
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for number, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from differences(f"{where}[{number}]", one, other)
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

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Golden files: NAME.in merged with the options in NAME.want gives NAME.out, and the result in NAME.result.

With WINSTACK_GOLDEN=write the last two are written anew; look at them before they are committed.
``file`` in NAME.want says how the bytes of the file differ from plain UTF-8 text.
"""

from __future__ import annotations

import difflib
import os
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import Document, normalized

from ._oslo import FileInMemory, ensure, parsed

FOLDER = Path(__file__).parent / "oslo_ini"
CASES = sorted(path.stem for path in FOLDER.glob("*.in"))


def case_of(name: str) -> tuple[bytes, dict[str, t.Any], str]:
    """Give the bytes of the file, the options, and the line end."""
    options = yaml.safe_load((FOLDER / f"{name}.want").read_text(encoding="utf-8"))
    form = options.pop("file", {})
    text = (FOLDER / f"{name}.in").read_text(encoding="utf-8")
    if not form.get("final_newline", True):
        text = text.removesuffix("\n")
    line_end = form.get("line_end", "\n")
    return text.replace("\n", line_end).encode(form.get("encoding", "utf-8")), options, line_end


def golden(name: str, kind: str, text: str) -> None:
    """Compare with a golden file, or write it."""
    path = FOLDER / f"{name}.{kind}"
    if os.environ.get("WINSTACK_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def shown(result: dict[str, t.Any]) -> str:
    """Give a result as YAML, and below it its diff as ansible-playbook --diff shows it."""
    rest = {key: value for key, value in result.items() if key != "diff"}
    sides = [result["diff"][0][side].splitlines() for side in ("before", "after")]
    lines = difflib.unified_diff(*sides, "before", "after", lineterm="")
    return yaml.safe_dump(rest, sort_keys=False, width=1000) + "\n".join(["---", *lines]) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_merge(name: str, tmp_path: Path) -> None:
    """The merged file and the result are as in the golden files, and a second task changes nothing."""
    data, options, line_end = case_of(name)
    file = FileInMemory(data)
    result = ensure(file, **options)
    assert file.data is not None
    written = file.data.decode("utf-8", "backslashreplace")
    assert written.count("\n") == written.count(line_end)
    golden(name, "out", written.replace(line_end, "\n") if line_end != "\n" else written)
    golden(name, "result", shown(result))
    assert (file.reads, file.writes) == (1, int(result["changed"]))

    again = ensure(file, **options)
    assert not again["changed"]
    assert again["changes"] == []
    assert again["diff"][0]["before"] == again["diff"][0]["after"]


@pytest.mark.parametrize("name", [name for name in CASES if name != "latin1"])
def test_oslo_reads_the_same(name: str, tmp_path: Path) -> None:
    """The real oslo.config finds the same values in the merged file as we do."""
    data, options, _line_end = case_of(name)
    file = FileInMemory(data)
    ensure(file, **options)
    assert file.data is not None
    found = parsed(tmp_path / "x.conf", file.data)
    document = Document(file.data.decode())
    ours: dict[str, dict[str, list[str]]] = {section: {} for section, _entries in document.sections()}
    for section, entry in document.options():
        ours[section].setdefault(entry.name, []).append(entry.value)
    assert ours == found
    for section, settings in found.items():
        for option in settings:
            same = [one for one in found if normalized(one) == normalized(section)]
            assert document.values(section, option) == [
                value for one in same for value in found[one].get(option, [])
            ]


def test_every_golden_file_has_a_case() -> None:
    """No file lies about unused."""
    kinds = {".in", ".want", ".out", ".result"}
    assert {path.name for path in FOLDER.iterdir()} == {name + kind for name in CASES for kind in kinds}

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Linux nodes' script, as far as it needs no container."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("winstack_tools_nodes", ROOT / "tools" / "nodes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


nodes = load()

KNOWN = """\
Vendor|Vendor|bookworm|main|https://vendor.example/debian/
Debian|Debian-Security|bookworm-security|main|https://archive.example/security/
Debian|Debian|bookworm|contrib|https://archive.example/contrib/
Debian|Debian|bookworm|main|https://archive.example/debian/
"""
# Before the first `apt-get update` nobody knows what the repositories call themselves.
UNKNOWN = "$(ORIGIN)|$(LABEL)|bookworm|main|https://archive.example/debian/\n"


@pytest.mark.parametrize(
    ("targets", "wanted"),
    [
        (KNOWN, "https://archive.example/debian/"),
        (UNKNOWN, "https://archive.example/debian/"),
        ("Debian|Debian|trixie|main|https://archive.example/debian/\n", None),
        ("", None),
    ],
)
def test_the_archive_is_that_of_apt(targets: str, wanted: str | None) -> None:
    assert nodes.choose_archive(targets, "bookworm") == wanted


def test_the_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBIAN_MIRROR", "https://mirror.example/debian")
    assert nodes.archive() == "https://mirror.example/debian"


def test_another_system_needs_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(nodes, "codename", lambda: "")
    with pytest.raises(nodes.Unavailable, match="DEBIAN_MIRROR"):
        nodes.archive()


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes.shutil, "which", lambda tool: None if tool == "podman" else f"/usr/bin/{tool}")
    with pytest.raises(nodes.Unavailable, match=r"^podman not installed: run `make deps-containers`"):
        nodes.need_tools()


def test_each_recipe_has_its_image() -> None:
    images = {nodes.Recipe(release).image() for release in nodes.RELEASES}
    images.add(nodes.Recipe("bookworm", ("git",)).image())
    assert len(images) == len(nodes.RELEASES) + 1
    assert nodes.Recipe("bookworm").image() == nodes.Recipe("bookworm", ()).image()
    assert "python2.7" in nodes.Recipe("bullseye").packages()

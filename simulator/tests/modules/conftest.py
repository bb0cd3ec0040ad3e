# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs models with the sources of the real modules, as they arrive on the wire."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from winsim.host import Host
from winsim.invoke import ModuleContext
from winsim.modules import run_module

REPOSITORY = Path(__file__).resolve().parents[3]
Run = Callable[..., dict[str, Any]]


def collection_roots() -> list[Path]:
    """Folders that hold ``ansible_collections``: the checkout's own, and those named by WINSIM_COLLECTIONS."""
    named = [Path(text) for text in os.environ.get("WINSIM_COLLECTIONS", "").split(os.pathsep) if text]
    return [
        path
        for path in (REPOSITORY / "collections", *named)
        if (path / "ansible_collections/ansible").is_dir()
    ]


def source_of(name: str, root: Path) -> str:
    """The source of one module by its full name."""
    namespace, collection, module = name.split(".")
    path = root / "ansible_collections" / namespace / collection / "plugins/modules" / f"{module}.ps1"
    return path.read_text(encoding="utf-8-sig")


_ROOTS: list[Path | None] = [*collection_roots()] or [None]


@pytest.fixture(params=_ROOTS, ids=lambda root: str(root and root.parent.name))
def root(request: pytest.FixtureRequest) -> Path:
    """A folder with the third-party collections; every test runs once for each version at hand."""
    if request.param is None:
        pytest.skip(
            "ansible.windows is not in collections/ (make collections) nor named by WINSIM_COLLECTIONS"
        )
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def host() -> Host:
    """A stand-alone Windows Server 2022 with C: and D:."""
    return Host.standard("WIN-STOR1")


@pytest.fixture
def run(host: Host, root: Path) -> Run:
    """``run("win_file", path=..., _check=True)``: one module call; ``_...`` are internals, ``_args`` odd names."""

    def call(
        _module: str,
        /,
        *,
        _check: bool = False,
        _diff: bool = False,
        _version: str = "2.19.14",
        _source: str | None = None,
        _args: dict[str, Any] | None = None,
        _environment: dict[str, str] | None = None,
        _internals: dict[str, Any] | None = None,
        _secrets: list[str] | None = None,
        _become: str | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        full = _module if "." in _module else f"ansible.windows.{_module}"
        ctx = ModuleContext(
            host=host,
            name=full,
            source=source_of(full, root) if _source is None else _source,
            args={**arguments, **(_args or {})},
            params={},
            check_mode=_check,
            diff_mode=_diff,
            ansible={"_ansible_version": _version, **(_internals or {})},
            environment=_environment or {},
            become_user=_become,
            journal_note=lambda entry: None,
            secrets=_secrets or [],
        )
        result = run_module(ctx)
        result.pop("invocation", None) if _version == "2.19.14" else None
        return result

    return call


@pytest.fixture
def check_first(run: Run, host: Host) -> Run:
    """The usual life of a task: check mode changes nothing, apply changes, the second apply does not."""

    def call(name: str, /, **arguments: Any) -> dict[str, Any]:
        checked = run(name, _check=True, **arguments)
        assert checked["changed"] is True, checked
        applied = run(name, **arguments)
        assert applied["changed"] is True, applied
        again = run(name, **arguments)
        assert again["changed"] is False, again
        assert not again.get("failed")
        return applied

    return call

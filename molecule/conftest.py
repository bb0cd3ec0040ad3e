# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios ask a host: modules, through testinfra's ansible backend.

On Windows that backend's own file, service and command resources do not work: they need a POSIX shell.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def ask(host: Any) -> Ask:
    """Run a module on the host with options, and give its result. A failed module fails the test."""

    def run(module: str, **options: Any) -> dict[str, Any]:
        result = dict(host.ansible(module, json.dumps(options), check=False))
        assert not result.get("failed"), result
        return result

    return run


@pytest.fixture(scope="module")
def name(host: Any) -> str:
    """The host's name in the inventory."""
    return str(host.backend.host)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests on Linux nodes run: those marked ``full`` in `make test-full` only.

Where nodes cannot be had, tests are skipped with the reason, unless WINSTACK_NODES=required makes that a failure.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parent))

from linux_nodes import FULL, nodes


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.timeout(900))
    left_out = [] if FULL else [item for item in here if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def cannot(reason: str) -> Any:
    """Skip, or fail where nodes are required."""
    if os.environ.get("WINSTACK_NODES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def start(name: str, release: str, **options: Any) -> Any:
    """Start a node. Outside of `make test-full` an image is only used when it is there, since making one takes minutes."""
    recipe = nodes.Recipe(release)
    try:
        nodes.need_tools()
        if not FULL and not options.get("image") and not nodes.has_image(recipe):
            cannot(f"there is no image of Debian {release} yet: run `make nodes`.")
        return nodes.start(name, recipe, **options)
    except nodes.Unavailable as error:
        return cannot(str(error))

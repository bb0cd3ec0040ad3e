# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PowerShell for the tests of the driver, where there is one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Test modules are imported by their files (--import-mode=importlib), so that their folder is not on the path.
sys.path.insert(0, str(Path(__file__).parent))

from driver_ways import SKIPPED, Stage, find_pwsh


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Return the PowerShell with the fake cmdlets; skip without one."""
    pwsh = find_pwsh()
    if pwsh is None:
        pytest.skip(SKIPPED)
    return Stage(pwsh, tmp_path_factory.mktemp("stage"))

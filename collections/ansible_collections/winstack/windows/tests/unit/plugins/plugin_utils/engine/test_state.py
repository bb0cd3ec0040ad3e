# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan foretells of a host, and what it makes of a kind that the host does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Availability, Thing, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.state import HostState

from .lamps import KINDS, LAMP


@pytest.mark.parametrize(
    ("path", "stands"),
    [
        ("D:\\lamps\\red", "directory"),
        ("d:/LAMPS//red/", "directory"),
        ("D:\\lamps", "directory"),
        ("D:\\", "directory"),
        ("D:\\lamps\\red\\inside", "unknown"),
        ("D:\\lamps2", "unknown"),
    ],
)
def test_a_foretold_folder_is_found_in_any_spelling_with_those_above_it(path: str, stands: str) -> None:
    state = HostState(KINDS, {})
    state._tables["lamp"] = {}
    state.foretell("lamp", "red", Thing("red", "red", {}, {"path": "D:\\Lamps\\Red", "stands": "directory"}))
    assert state.path(path) == stands


def test_an_object_with_a_path_that_is_no_file_of_its_own_foretells_none() -> None:
    state = HostState(KINDS, {})
    state._tables["lamp"] = {}
    state.foretell("lamp", "red", Thing("red", "red", {}, {"path": "C:\\lamp.exe"}))
    assert state.path("C:\\lamp.exe") == "unknown"


@pytest.mark.parametrize(("absent", "unmet"), [(True, ()), (False, ("lamp red: there is no current.",))])
def test_where_a_kind_is_not_there_its_objects_are_absent(absent: bool, unmet: tuple[str, ...]) -> None:
    kind = replace(LAMP, available=lambda state: Availability(unmet="there is no current."))
    wish = Wish(kind, "red", "red", "resources[0].lamp", {}, absent=absent)
    plan = make_plan(HostState({"lamp": kind}, {}, [wish]))
    assert (plan.unmet, plan.refusals, plan.steps) == (unmet, (), ())

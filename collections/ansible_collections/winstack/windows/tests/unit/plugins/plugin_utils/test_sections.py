# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions of the snapshot."""

from __future__ import annotations

import json

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils._sections import (
    FIREWALL_GROUP,
    SECTIONS,
    SERVICES,
    path_section,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import module_args
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import RELEASES, check


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", SECTIONS)
def test_every_question_fits_the_published_signature(name: str, release: str) -> None:
    check(SECTIONS[name], release)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_question_only_reads_and_wants_an_answer(name: str) -> None:
    assert SECTIONS[name].cmdlet.startswith(("Get-", "Test-"))
    assert not SECTIONS[name].change
    assert SECTIONS[name].select


def test_the_whole_snapshot_is_one_small_batch_without_secrets() -> None:
    arguments = module_args(SECTIONS)
    assert arguments["sensitive_parameters"] == []
    assert [call["id"] for call in json.loads(arguments["parameters"]["Batch"])["calls"]] == list(SECTIONS)
    # The command line of a shell on the way is not concerned, yet every run sends this.
    assert len(arguments["parameters"]["Batch"]) < 10_000


def test_all_services_are_asked_for_in_one_query() -> None:
    query = SECTIONS["services"].params["Filter"]
    assert query == " OR ".join(f"Name='{name}'" for name in SERVICES)


def test_firewall_rules_are_those_of_our_group() -> None:
    assert SECTIONS["firewall_rules"].select == (("*", f"*|EmbedCtxt={FIREWALL_GROUP}|*"),)


def test_a_path_is_a_section_of_its_own() -> None:
    name, call = path_section(r"D:\Lun[1]")
    assert name == r"path:d:\lun[1]"
    assert call.params == {"LiteralPath": r"D:\Lun[1]"}
    check(call)

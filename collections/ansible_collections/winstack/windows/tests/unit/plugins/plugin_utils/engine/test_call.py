# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call as data: what it shows, and what it never shows."""

from __future__ import annotations

import json

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import (
    Call,
    Credential,
    ParamValue,
    change,
)

SECRET = "correct horse"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (7, 7),
        (True, True),
        (None, None),
        (("a", 1, False), ["a", 1, False]),
        ([], []),
        (Credential("user", SECRET), {"username": "user", "password": "********"}),
    ],
)
def test_masked_is_json(value: ParamValue, shown: object) -> None:
    masked = Call("Set-Thing", {"Value": value}, ("Name",), change=True).masked()
    assert masked == {"cmdlet": "Set-Thing", "parameters": {"Value": shown}}
    assert json.loads(json.dumps(masked)) == masked


def test_change_wants_nothing_back() -> None:
    assert change("Set-Thing", Name="x") == Call("Set-Thing", {"Name": "x"}, (), change=True)


def test_a_call_reads_unless_it_says_so() -> None:
    assert not Call("Get-Thing").change


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_no_secret_is_shown(show: type[str]) -> None:
    call = change("Set-IscsiServerTarget", Chap=Credential("user", SECRET))
    assert SECRET not in show(call)
    assert SECRET not in show(call.params["Chap"])
    assert SECRET not in show(call.masked())

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a result: attributes, check mode, backup, refusals."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.openstack.plugins.plugin_utils._target_file import Attributes
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_config import octal
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError, WantError

from ._oslo import FileInMemory, ensure

SECRET = b"[a]\npassword = hunter2\n"
PLAIN = b"[a]\nx = 1\n"


def test_check_mode_writes_nothing() -> None:
    """It says what would change."""
    file = FileInMemory(PLAIN)
    result = ensure(file, check_mode=True, config={"a": {"x": 2}})
    assert result["changed"]
    assert result["changes"] == [{"section": "a", "option": "x", "before": "1", "after": "2"}]
    assert (file.reads, file.writes, file.data) == (1, 0, PLAIN)


def test_diff_only_when_asked() -> None:
    """A whole file in every result would be much."""
    assert "diff" not in ensure(FileInMemory(PLAIN), diff=False, config={"a": {"x": 2}})


@pytest.mark.parametrize(("backup", "expected"), [(True, "/etc/x.conf.1~"), (False, None)])
def test_backup(backup: bool, expected: str | None) -> None:
    """The result names the copy."""
    assert ensure(FileInMemory(PLAIN), backup=backup, config={"a": {"x": 2}}).get("backup_file") == expected


def test_new_file() -> None:
    """A file that is not there is made, but not for nothing."""
    file = FileInMemory()
    assert not ensure(file, owner="cinder", mode="0600", remove=[{"section": "a"}])["changed"]
    assert file.data is None
    result = ensure(file, owner="cinder", mode="0600", config={"a": {"password": "hunter2"}})
    assert result["changed"]
    assert "warnings" not in result
    assert file.data == b"[a]\npassword = hunter2\n"
    assert (file.attributes.owner, file.attributes.mode) == ("cinder", 0o600)


def test_no_new_file() -> None:
    """Without create it has to be there."""
    with pytest.raises(RefusedError, match=r"/etc/x\.conf is not there, and 'create' is false"):
        ensure(FileInMemory(), create=False, config={"a": {"x": 1}})


@pytest.mark.parametrize(
    ("wanted", "changed"),
    [
        ({}, False),
        ({"owner": "root", "group": "cinder", "mode": "0640"}, False),
        ({"owner": "0", "group": "64061", "mode": 0o640}, False),
        ({"owner": "cinder"}, True),
        ({"group": "0"}, True),
        ({"mode": "0600"}, True),
    ],
)
def test_attributes(wanted: dict[str, t.Any], changed: bool) -> None:
    """Only what differs is a change, by name or by number."""
    file = FileInMemory(SECRET, Attributes("root", "cinder", 0o640), ids=("0", "64061"))
    assert ensure(file, **wanted)["changed"] is changed
    assert file.writes == int(changed)


def test_wide_mode_is_refused_for_secrets() -> None:
    """Not even when the secret comes with the same task."""
    file = FileInMemory(PLAIN, Attributes("root", "root", 0o600))
    with pytest.raises(WantError, match=r"holds secrets: its mode may not be 0644\. Use 0640 or less"):
        ensure(file, mode="0644", config={"a": {"password": "hunter2"}})
    assert ensure(file, mode="0644")["changed"]


@pytest.mark.parametrize("options", [{}, {"mode": "0644"}])
def test_wide_mode_that_is_there_gives_a_warning(options: dict[str, t.Any]) -> None:
    """The mode of the operator's file stays, and the operator is told."""
    file = FileInMemory(SECRET, Attributes("root", "root", 0o644))
    result = ensure(file, **options)
    assert not result["changed"]
    assert result["warnings"] == [
        "/etc/x.conf: it holds secrets, and its mode is 0644. Set 'mode' to 0640 or less."
    ]


@pytest.mark.parametrize(
    ("mode", "number"), [(None, None), ("0640", 0o640), ("640", 0o640), (0o640, 0o640), ("0", 0)]
)
def test_modes(mode: t.Any, number: int | None) -> None:
    """Octal text, or what YAML makes of an octal number."""
    assert octal(mode) == number


@pytest.mark.parametrize("mode", [640, 400, 600, "0o9", "u=rw", "1777", -1, True, 6.4])
def test_bad_modes(mode: t.Any) -> None:
    """What is no octal mode, as 640 without quotes."""
    with pytest.raises(WantError, match="Write it in octal and in quotes, as '0640'"):
        octal(mode)


def test_diff_shows_attributes() -> None:
    """A run that changes nothing but the mode says what it changes."""
    file = FileInMemory(PLAIN, Attributes("root", "root", 0o644))
    text, attributes = ensure(file, mode="0640", group="cinder", owner="root")["diff"]
    assert text["before"] == text["after"]
    assert attributes["before"] == {"group": "root", "mode": "0644"}
    assert attributes["after"] == {"group": "cinder", "mode": "0640"}
    assert len(ensure(file, mode="0640")["diff"]) == 1


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        ({"merge_lists": ["DEFAULT.enabled_backends"]}, []),
        ({"merge_lists": ["enabled_backends"]}, []),
        ({"merge_lists": ["lvm.volume_driver"]}, []),
        (
            {"merge_lists": ["DEFAULT.enabled_backend"]},
            ["'merge_lists' names DEFAULT.enabled_backend, which 'config' does not set: is it misspelt?"],
        ),
        (
            {"multi_valued": ["drivers"]},
            ["'multi_valued' names drivers, which 'config' does not set: is it misspelt?"],
        ),
        (
            {"config": {"DEFAULT": {"my-ip": "10.0.0.5"}}},
            [
                "oslo.config writes names of options with underscores, and will never read 'my-ip' in [DEFAULT]."
            ],
        ),
        ({"config": {}, "merge_lists": ["enabled_backends"]}, []),
    ],
)
def test_names_that_do_nothing(options: dict[str, t.Any], warnings: list[str]) -> None:
    """A list that was to be merged would replace that of the file because of a slip."""
    wish = {"config": {"DEFAULT": {"enabled_backends": ["vpool1"]}}} | options
    result = ensure(FileInMemory(PLAIN), **wish)
    assert result.get("warnings", []) == [f"/etc/x.conf: {warning}" for warning in warnings]


def test_option_twice() -> None:
    """YAML tells the number from the text; the file cannot."""
    with pytest.raises(WantError, match=r"Section \[a\] has an option twice"):
        ensure(FileInMemory(PLAIN), config={"a": {1: "x", "1": "y"}})

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What messages of apt_keyring say."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.openstack.plugins.modules import apt_keyring


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://apt.example/key.asc", "http://apt.example/key.asc"),
        ("https://user:hunter2@apt.example/key@2.asc", "https://apt.example/key@2.asc"),
        ("Request failed: <urlopen error https://u:p@h/x>", "Request failed: <urlopen error https://h/x>"),
    ],
)
def test_messages_show_no_password(text: str, shown: str) -> None:
    """Repositories behind a login have it in their URL."""
    assert apt_keyring.without_password(text) == shown

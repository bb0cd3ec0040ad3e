# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may not be shown."""

from __future__ import annotations

import time

import pytest

from ansible_collections.winstack.openstack.plugins.plugin_utils._secrets import Secrets
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import Document

SECRET = [
    "password", "admin_password", "san_password", "rabbit_passwd", "key_passphrase", "metadata_proxy_shared_secret", "secret_key",
    "chap_password", "CHAP_Secret", "auth_token", "s3_store_access_key", "fixed_key", "auth_encryption_key", "san_private_key",
    "api_key", "admin_key", "swift_store_credentials", "memcache_secret_key", "ovs_secret", "xsigning_key",
    "synology_one_time_pass", "lightos_jwt", "backup_swift_key", "swift_store_key", "approle_role_id", "taskmanager_rpc_encr_key", "kek",
]  # fmt: skip
PLAIN = [
    "username", "debug", "ssl_key_file", "keyfile", "connection", "transport_url", "key_manager", "region_name", "private_key_path",
    "keyring", "auth_type", "enabled_backends", "volume_backend_name", "primary_key",
    "bypass", "passive", "key_file_path", "role_ids", "keystone_region",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET)
def test_secret_names(name: str) -> None:
    """Names that speak of secrets."""
    assert Secrets().is_secret("a", name)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_names(name: str) -> None:
    """Names that do not, and of which a diff should show the value."""
    assert not Secrets().is_secret("a", name)


def test_named_by_the_task() -> None:
    """Options that the task names, in one section or in all."""
    secrets = Secrets(["vendor_pin", "my.section.x"])
    assert secrets.is_secret("a", "vendor_pin")
    assert secrets.is_secret("My.Section", "x")
    assert not secrets.is_secret("a", "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("rabbit://u:p@h:5672/", "rabbit://********@h:5672/"),
        ("rabbit://u:p@h1:1,u:q@h2:2/", "rabbit://********@h2:2/"),
        ("mysql+pymysql://u:p@ss w/rd@h/d?charset=utf8", "mysql+pymysql://********@h/d?charset=utf8"),
        ("ssh://git@h", "ssh://********@h"),
        ("sqlite:///$state_path/x", "sqlite:///$state_path/x"),
        ("http://h:80/", "http://h:80/"),
        ("someone@example.org", "someone@example.org"),
        ("a http://u:p@h\nb http://u:q@h", "a http://********@h\nb http://********@h"),
    ],
)
def test_credentials_in_urls(value: str, expected: str) -> None:
    """What stands before the @ of a URL is masked under any name."""
    assert Secrets().shown("a", "x", value) == expected


def test_long_values_take_no_time() -> None:
    """A certificate in one line, say. What looks for a scheme at each letter would take minutes."""
    started = time.process_time()
    assert Secrets().shown("a", "x", "a" * 300_000) == "a" * 300_000
    assert time.process_time() - started < 1


def test_text_shows_no_secret() -> None:
    """Values, continuation lines, commented lines, URLs in prose: none gets through; other text does."""
    text = (
        "# broker amqp://u:hunter2@h\n[a]\npassword: hunter2\n   hunter2\n#password = hunter2\n; admin_password: hunter2\n"
        "x = 1\nurl = amqp://u:hunter2@h\n"
    )
    shown = Secrets().text(Document(text), new_to=Document("[a]\npassword = old\nx = 1\n"))
    assert shown == (
        "# broker amqp://********@h\n[a]\npassword: ******** (new)\n#password = ********\n; admin_password: ********\n"
        "x = 1\nurl = amqp://******** (new)@h\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("[a]\nx = 1\n", False),
        ("[a]\npassword =\n", False),
        ("[a]\npassword = x\n", True),
        ("[a]\ntransport_url = rabbit://u:p@h\n", True),
        ("[a]\nconnection = sqlite://\n", False),
        ("[a]\n#password = x\n", False),
    ],
)
def test_files_with_secrets(text: str, expected: bool) -> None:
    """A file holds a secret if a value that is set has one."""
    assert Secrets().any_in(Document(text)) is expected

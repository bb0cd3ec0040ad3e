# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import parse_size, show_size
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1024**2),
        ("20GB", 20 * 1024**3),
        ("20 gib", 20 * 1024**3),
        (" 20G ", 20 * 1024**3),
        ("1.5TB", 1536 * 1024**3),
        ("512MiB", 512 * 1024**2),
        ("4k", 4096),
        ("4B", 4),
        ("-1GB", -(1024**3)),
        ("0.5KB", 512),
    ],
)
def test_parse(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GB",
        "1.1",
        "1,5GB",
        "1 000",
        "0x10",
        "1e9",
        "1PB",
        "ten",
        "True",
        "--1",
        "1G B",
        "٣GB",
        "1GB\n2",
        "1.GB",
        "0.3KB",
    ],
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(WantError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1000, "1000 bytes"), (1536, "1536 bytes"), (2048, "2 KB"), (1024**4, "1 TB")],
)
def test_show(size: int, text: str) -> None:
    assert show_size(size) == text


@given(st.integers(0, 2**50))
def test_what_is_shown_reads_back(size: int) -> None:
    assert parse_size(show_size(size).removesuffix(" bytes")) == size

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading, refusing and editing the text of oslo.config files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from oslo_config import cfg

from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import (
    Document,
    decode,
    encode,
    is_writable,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import RefusedError

from ._oslo import parsed

DAMAGED = {
    "continuation at the top": ("  x\n", "Line 1 is indented"),
    "continuation below a comment": ("[a]\nx = 1\n# c\n  y\n", "Line 4 is indented"),
    "continuation below a blank line": ("[a]\nx = 1\n\n  y\n", "Line 4 is indented"),
    "continuation below a header": ("[a]\n  y\n", "Line 2 is indented"),
    "no mark": ("[a]\nsecret-word\n", "Line 2 has neither = nor :"),
    "no name": ("[a]\n= secret-word\n", "Line 2 has no name"),
    "blank name": ("[a]\n\xa0: secret-word\n", "Line 2 has no name"),
    "no section": ("# c\nx = secret-word\n[a]\n", "Line 2 sets an option above the first section"),
    "open header": ("[a]\n[b\n", "Line 2 starts a section and does not end with ]"),
    "comment behind a header": ("[a] # secret-word\n", "Line 1 starts a section and does not end with ]"),
    "empty header": ("[]\n", "Line 1 starts a section without a name"),
}


@pytest.mark.parametrize(("text", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_named_without_its_text(text: str, message: str) -> None:
    """What oslo.config would not load is refused with the number of the line, and the line is not shown."""
    with pytest.raises(RefusedError, match=message) as caught:
        Document(text)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("text", [text for text, _message in DAMAGED.values()], ids=DAMAGED)
def test_oslo_refuses_the_same(text: str, tmp_path: Path) -> None:
    """The real oslo.config does not load it either."""
    # An option above the first section makes it raise what is none of its own errors.
    with pytest.raises((cfg.ParseError, TypeError)):
        parsed(tmp_path / "x.conf", text.encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("x".encode("utf-32"), "UTF-32"),
        (b"\xff\xfe[\x00a", "UTF-16 but is damaged"),
        (b"[a]\nx = 1\x002\n", "NUL bytes"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, message: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(RefusedError, match=message):
        decode(data)


@pytest.mark.parametrize("data", [b"", b"[a]\n", b"[a]\nx = \xfc\n", b"#\xfc", b"\n\n"])
def test_bytes_come_back(data: bytes) -> None:
    """Without an edit, every byte is as it was."""
    text, _warnings = decode(data)
    assert encode(Document(text).text) == data


@pytest.mark.parametrize(
    "text", ["[a]\nx=1", "[a]\r\nx=1\r\n", "[a]\rx=1\r", "[a]\nx=1\r\n\n \n", "[a]\nx=\x0c\x851\n"]
)
def test_line_ends_come_back(text: str) -> None:
    """Only what oslo.config takes for line ends are line ends."""
    document = Document(text)
    assert document.text == text
    assert [section for section, _entries in document.sections()] == ["a"]
    assert document.values("a", "x") == ["1"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", True),
        ("plain", True),
        ("  blanks  ", True),
        ("tab\tinside", True),
        ("a\nb", True),
        ("\na", True),
        ("a\n", False),
        ("a\n\nb", False),
        ("a\n b", False),
        ("a\n b ", False),
        ("a\rb", False),
        ("a\x00b", False),
        ("a\x85b", False),
        ("\udcfc", False),
    ],
)
def test_writable_values(value: str, expected: bool) -> None:
    """A value is writable if the file can give it back."""
    assert is_writable(value) is expected
    if expected:
        document = Document("")
        document.set("a", "x", [value])
        assert Document(document.text).values("a", "x") == [value]


def test_long_files_take_no_time() -> None:
    """A licence above the first header, and a sample file below, as long as nobody has one."""
    started = time.process_time()
    document = Document("# c\n" * 20_000 + "[a]\n" + "x = 1\n" * 20_000)
    assert len(document.values("a", "x")) == 20_000
    assert time.process_time() - started < 5


def test_section_at_the_end_without_newline() -> None:
    """A header right at the end gets its line end before something is put below it."""
    document = Document("[a]")
    document.set("a", "x", ["1"])
    document.set("b", "y", ["2"])
    assert document.text == "[a]\nx = 1\n\n[b]\ny = 2\n"


def test_equal_lines_are_told_apart() -> None:
    """Of two equal lines the first goes, whatever lies between."""
    document = Document("[a]\nx = 1\n# between\nx = 1\n")
    document.set("a", "x", ["1"])
    assert document.text == "[a]\n# between\nx = 1\n"

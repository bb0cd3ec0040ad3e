# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties on random files and wishes, judged by the real oslo.config."""

from __future__ import annotations

import string
import tempfile
import typing as t
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from oslo_config import cfg

from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_ini import (
    Document,
    Kind,
    decode,
    encode,
    normalized,
)

from ._oslo import FileInMemory, ensure, loaded, parsed

SECTIONS = st.sampled_from(["DEFAULT", "default", "Lvm", "lvm", "a b", "x.y"])
NAMES = st.sampled_from(["debug", "password", "driver", "enabled_backends", "x-y", "ä"])
INLINE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
TRICKY = st.sampled_from(
    ['"', "''", '"q"', " padded ", "$debug", "$$", "a$b", "#x", ";x", "[x]", "a=b", "a:b", "x\\", "yes", "-"]
)
LINE = st.one_of(
    st.just(""),
    st.just("   "),
    st.builds("#{} = {}".format, NAMES, INLINE),
    st.builds("; {}".format, INLINE),
    st.builds("[{}]".format, SECTIONS),
    st.builds(
        "{}{}{}".format, NAMES, st.sampled_from(["=", " = ", ":", ": ", "\t=\t"]), st.one_of(INLINE, TRICKY)
    ),
    st.builds("{}{}".format, st.sampled_from([" ", "\t", "    "]), st.one_of(INLINE, TRICKY)),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Give a file that oslo.config loads: lines that it would refuse are left out."""
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    kept: list[str] = []
    value_above = section_above = False
    for line in draw(st.lists(LINE, max_size=25)):
        text = line.rstrip()
        indented = text.startswith((" ", "\t"))
        option = bool(text) and text[0] not in "#;[ \t"
        if (indented and not value_above) or (option and not section_above):
            continue
        value_above = option or indented
        section_above = section_above or text.startswith("[")
        kept.append(line)
    text = line_end.join(kept) + draw(st.sampled_from(["", line_end]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


SCALARS = st.one_of(
    st.booleans(), st.integers(-9, 9999), TRICKY, INLINE.map(lambda text: text.replace("\xad", ""))
)
ITEMS = st.text(string.ascii_letters + string.digits + "$-_./", min_size=1, max_size=6)
VALUES = st.one_of(SCALARS, st.none(), st.lists(ITEMS, max_size=4))


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, t.Any]:
    """Give options of a task that are not refused."""
    sections = draw(st.lists(SECTIONS, unique_by=normalized, max_size=3))
    config = {section: draw(st.dictionaries(NAMES, VALUES, max_size=4)) for section in sections}
    for options in config.values():
        for name in list(options):
            if isinstance(options[name], str) and not options[name].isprintable():
                del options[name]
    lists = [
        f"{section}.{name}"
        for section in config
        for name, value in config[section].items()
        if isinstance(value, list)
    ]
    others = draw(
        st.lists(SECTIONS.filter(lambda name: normalized(name) not in map(normalized, sections)), max_size=2)
    )
    return {
        "config": config,
        "merge_lists": draw(st.lists(st.sampled_from(lists), unique=True)) if lists else [],
        "multi_valued": draw(st.lists(st.sampled_from(lists), unique=True)) if lists else [],
        "escape_dollar": draw(st.sampled_from(["secrets", "always", "never"])),
        "remove": [{"section": section} for section in others],
    }


def has_bounded_list(data: bytes, wish: dict[str, t.Any]) -> bool:
    """Say whether a list would be merged into one in brackets, which is refused."""
    document = Document(decode(data)[0])
    pairs = [name.rpartition(".") for name in wish["merge_lists"]]
    return any(
        value.startswith("[") for section, _dot, name in pairs for value in document.values(section, name)
    )


@given(files())
def test_reading_loses_nothing(data: bytes) -> None:
    """A file that is read and written without an edit is the same text."""
    text, _warnings = decode(data)
    assert decode(encode(Document(text).text)) == (text, [])


@given(files(), wishes())
def test_merging_twice_changes_nothing(data: bytes, wish: dict[str, t.Any]) -> None:
    """The second task finds everything as it should be and writes nothing."""
    if has_bounded_list(data, wish):
        return
    file = FileInMemory(data)
    ensure(file, **wish)
    once, writes = file.data, file.writes
    again = ensure(file, **wish)
    assert not again["changed"], again
    assert (file.data, file.writes) == (once, writes)


@given(files(), wishes())
def test_oslo_loads_every_result(data: bytes, wish: dict[str, t.Any]) -> None:
    """The real oslo.config finds what was there and what was wanted, and nothing else."""
    if has_bounded_list(data, wish):
        return
    before = Document(decode(data)[0])
    file = FileInMemory(data)
    result = ensure(file, **wish)
    with tempfile.TemporaryDirectory() as folder:
        found = parsed(Path(folder) / "x.conf", file.data or b"")
    after: dict[tuple[str, str], list[str]] = {}
    for section, options in found.items():
        for option, values in options.items():
            after.setdefault((normalized(section), option), []).extend(values)
    touched = {(normalized(change["section"]), change["option"]) for change in result["changes"]}
    for section, option, _value in before.settings():
        if (section, option) not in touched:
            # Blocks of one section under names of different case are found in another order here.
            assert sorted(after[section, option]) == sorted(before.values(section, option))
    for section, options in wish["config"].items():
        for option, value in options.items():
            if value is None:
                assert (normalized(section), option) not in after
    gone = {normalized(removal["section"]) for removal in wish["remove"]}
    assert not gone & {normalized(section) for section in found}


@given(files(), wishes())
def test_comments_stay(data: bytes, wish: dict[str, t.Any]) -> None:
    """Every comment is there still, in its order, unless its section went."""
    if has_bounded_list(data, wish):
        return
    wish["remove"] = []
    file = FileInMemory(data)
    ensure(file, **wish)
    texts = [
        [entry.lines for entry in Document(decode(bytes_)[0]).entries if entry.kind is Kind.COMMENT]
        for bytes_ in (data, file.data or b"")
    ]
    ends = [[[line.rstrip("\r\n") for line in lines] for lines in text] for text in texts]
    assert ends[0] == ends[1]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Co", "Cn")))
)
def test_a_secret_reaches_the_service_as_it_is(secret: str) -> None:
    """What oslo.config hands to the service is the secret, dollars and quotes and all."""
    if "\\$" in secret:
        return
    file = FileInMemory()
    ensure(file, config={"DEFAULT": {"password": secret}, "lvm": {"chap": secret}}, secrets=["lvm.chap"])
    with tempfile.TemporaryDirectory() as folder:
        conf = loaded(
            Path(folder) / "x.conf",
            file.data or b"",
            {"DEFAULT": [cfg.StrOpt("password")], "lvm": [cfg.StrOpt("chap")]},
        )
        assert (conf.password, conf.lvm.chap) == (secret, secret)


@given(st.text("ab$@:/,{}_1", max_size=12))
def test_credentials_of_a_url_reach_the_service_as_they_are(password: str) -> None:
    """The password in a URL is literal; the rest of the URL may name other options."""
    url = f"rabbit://u:{password}@$my_ip:5672/"
    file = FileInMemory()
    ensure(file, config={"DEFAULT": {"transport_url": url, "my_ip": "10.0.0.5"}})
    with tempfile.TemporaryDirectory() as folder:
        opts = [cfg.StrOpt("transport_url"), cfg.StrOpt("my_ip")]
        conf = loaded(Path(folder) / "x.conf", file.data or b"", {"DEFAULT": opts})
        assert conf.transport_url == f"rabbit://u:{password}@10.0.0.5:5672/"


@given(st.lists(ITEMS, unique=True), st.lists(ITEMS, unique=True), st.booleans())
def test_merged_lists(have: list[str], want: list[str], is_repeated: bool) -> None:
    """A merged list has what was there, in its order, and then what was wanted, for ListOpt and MultiStrOpt."""
    lines = [f"x = {item}\n" for item in have] if is_repeated else [f"x = {','.join(have)}\n"]
    file = FileInMemory("".join(["[DEFAULT]\n", *lines]).encode())
    ensure(
        file,
        config={"DEFAULT": {"x": want}},
        merge_lists=["x"],
        multi_valued=["x"] if is_repeated else [],
        escape_dollar="never",
    )
    with tempfile.TemporaryDirectory() as folder:
        found = parsed(Path(folder) / "x.conf", file.data or b"")["DEFAULT"].get("x", [])
    items = found if is_repeated else [item for item in found[0].split(",") if item]
    assert items == [*have, *(item for item in want if item not in have)]

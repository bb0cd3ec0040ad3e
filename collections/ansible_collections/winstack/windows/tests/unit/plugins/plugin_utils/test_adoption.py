# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as variables, and their file: from gathered objects in the form of engine.gathering."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.parsing import dataloader
from ansible.template import is_trusted_as_template
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.winstack.windows.plugins.plugin_utils.adoption import (
    Adopted,
    adopt,
    file_text,
    is_edited,
    is_written_by_adopt,
    sentences,
    storage_document,
    time_document,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.report import Found

GB = 1024**3
WORKGROUP = {"domain": None}
DOMAIN = {"domain": "corp.example"}
LOADER: t.Any = dataloader


def one(kind: str, key: str = "", protected: str | None = None, **options: t.Any) -> Found:
    return {"kind": kind, "key": key, "options": options, "facts": {}, "protected": protected}


def disk(path: str, protected: str | None = None, **options: t.Any) -> Found:
    return one("iscsi_virtual_disk", path, protected, path=path, size=GB, **options)


def target(name: str, protected: str | None = None, **options: t.Any) -> Found:
    return one("iscsi_server_target", name, protected, name=name, **options)


FEATURE = one("windows_feature", "FS-iSCSITarget-Server", name="FS-iSCSITarget-Server")


def adopted(*found: Found, host: str = "storage1", facts: dict[str, t.Any] | None = None) -> Adopted:
    return adopt(
        host, [FEATURE, one("wintarget", portals=[]), *found], {}, WORKGROUP if facts is None else facts
    )


def variables(found: Adopted) -> dict[str, t.Any]:
    """Return the variables of the way that is tried first."""
    return {name: value for part in found.parts for name, value in part.ways[0].items()}


def storage(name: str, *found: Found) -> t.Any:
    return variables(adopted(*found))[f"iscsi_target_server_{name}"]


def read(text: str) -> t.Any:
    """Return what Ansible reads of a file of variables."""
    return LOADER.DataLoader().load(text)


# Storage ------------------------------------------------------------------------------------------------------------------


def test_what_others_own_is_left_out() -> None:
    found = [disk("D:\\a.vhdx"), disk("D:\\volume-1.vhdx", "volume-*"), target("a"), target("volume", "*")]
    assert [item["path"] for item in storage("disks", *found)] == ["D:\\a.vhdx"]
    assert [item["name"] for item in storage("targets", *found)] == ["a"]


@pytest.mark.parametrize(
    ("disks", "folder"),
    [
        ([disk("D:\\A\\1.vhdx"), disk("E:\\1.vhdx"), disk("d:\\a\\2.vhdx")], "D:\\A"),
        ([disk("E:\\1.vhdx"), disk("D:\\A\\1.vhdx")], "E:\\"),
        # What cinder-volume has made counts where nothing else is there.
        ([disk("E:\\b\\volume-1.vhdx", "volume-*"), disk("E:\\b\\volume-2.vhdx", "volume-*"), disk("D:\\a\\1.vhdx")], "D:\\a"),
        ([disk("E:\\b\\volume-1.vhdx", "volume-*")], "E:\\b"),
        ([disk("ramdisk:a.vhdx"), disk("D:\\a\\1.vhdx")], "D:\\a"),
    ],
)  # fmt: skip
def test_the_folder_that_most_disks_are_in(disks: list[Found], folder: str) -> None:
    assert storage("lun_path", *disks) == folder


def test_a_server_without_disks_has_no_folder() -> None:
    told = variables(adopted(disk("ramdisk:a.vhdx")))
    assert "iscsi_target_server_lun_path" not in told
    assert not [entry for entry in storage_document(told) if "directory" in entry]


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (100 * GB, "100GB"),
        (GB + 1024**2, "1025MB"),
        (2 * 1024 * GB, "2TB"),
        (2000000000, 2000000000),
        (49276703744, 49276703744),
    ],
)
def test_sizes_are_exact(size: int, told: t.Any) -> None:
    found = one("iscsi_virtual_disk", "D:\\a.vhdx", path="D:\\a.vhdx", size=size)
    assert storage("disks", found) == [{"path": "D:\\a.vhdx", "size": told}]


def test_parents_come_before_their_children() -> None:
    names = ["grandchild", "child", "other", "parent"]
    parents = {"grandchild": "CHILD", "child": "parent"}
    found = [
        disk(f"D:\\{name}.vhdx", **({"parent_path": f"d:/{parents[name]}.vhdx"} if name in parents else {}))
        for name in names
    ]
    told = [item["path"][3:-5] for item in storage("disks", *found)]
    assert told == ["other", "parent", "child", "grandchild"]


def test_disks_that_claim_to_build_on_each_other() -> None:
    found = [disk("D:\\a.vhdx", parent_path="D:\\b.vhdx"), disk("D:\\b.vhdx", parent_path="D:\\a.vhdx")]
    assert len(storage("disks", *found)) == 2


def test_empty_text_is_left_out() -> None:
    assert storage("disks", disk("D:\\a.vhdx", description=""))[0].keys() == {"path", "size"}


def test_portals_but_those_of_link_local_addresses() -> None:
    portals = [
        {"address": address, "port": 3260, "enabled": enabled}
        for address, enabled in (
            ("10.0.0.5", True),
            ("fe80::1%4", True),
            ("169.254.1.1", False),
            ("fd00::5", False),
        )
    ]
    told = variables(adopt("h", [FEATURE, one("wintarget", portals=portals)], {}, WORKGROUP))
    assert told["iscsi_target_server_portals"] == [portals[0], portals[3]]
    assert told["iscsi_target_server_exclusive_portals"] is False


def test_the_firewall_is_tried_both_ways() -> None:
    part, _time = adopted().parts
    assert [way["iscsi_target_server_firewall"] for way in part.ways] == [True, False]


# Secrets ------------------------------------------------------------------------------------------------------------------

ON = {"enabled": True, "username": "sql"}
OFF = {"enabled": False}


def test_secrets_become_placeholders() -> None:
    found = adopted(target("SQL_Data", chap=ON, reverse_chap=ON), target("open", chap=OFF, reverse_chap=OFF))
    sql, plain = variables(found)["iscsi_target_server_targets"]
    assert sql["chap"] == {"username": "sql", "secret": "{{ vault_storage1_sql_data_chap_secret }}"}
    assert sql["reverse_chap"] == {
        "username": "sql",
        "secret": "{{ vault_storage1_sql_data_reverse_chap_secret }}",
    }
    assert plain == {"name": "open"}
    assert [(secret.variable, secret.target, secret.option) for secret in found.secrets] == [
        ("vault_storage1_sql_data_chap_secret", "SQL_Data", "chap"),
        ("vault_storage1_sql_data_reverse_chap_secret", "SQL_Data", "reverse_chap"),
    ]


def test_chap_for_nobody_needs_no_secret() -> None:
    found = adopted(target("a", chap={"enabled": True, "username": None}))
    assert variables(found)["iscsi_target_server_targets"] == [{"name": "a", "chap": {"enabled": True}}]
    assert found.secrets == ()


def test_each_secret_has_a_variable_of_its_own() -> None:
    found = adopted(*(target(name, chap=ON) for name in ("a-b", "a_b", "a.b")), host="stor-1.example")
    names = [secret.variable for secret in found.secrets]
    assert names == [f"vault_stor_1_example_a_b_chap_secret{end}" for end in ("", "_2", "_3")]
    assert all(name.isidentifier() for name in names)


def test_placeholders_are_templates_to_ansible() -> None:
    text = file_text("storage1", variables(adopted(target("a", chap=ON))))
    (told,) = read(text)["iscsi_target_server_targets"]
    assert told["chap"]["secret"] == "{{ vault_storage1_a_chap_secret }}"
    assert "!unsafe" not in text


def test_the_document_is_planned_without_secrets() -> None:
    entries = storage_document(variables(adopted(target("a", chap=ON))))
    (targets,) = [entry["iscsi_server_target"] for entry in entries if "iscsi_server_target" in entry]
    assert targets == [{"name": "a", "chap": {"username": "sql"}}]


# Time ---------------------------------------------------------------------------------------------------------------------

CLIENT: dict[str, t.Any] = {
    "sync_type": "manual",
    "peers": [{"address": "a.example", "flags": ["client", "0x10"]}],
    "start_mode": "automatic",
    "trigger": "remove",
    "client_enabled": True,
    "service": "running",
}


STARTS = ["start_mode", "trigger"]


@pytest.mark.parametrize(
    ("facts", "client", "manages", "ways"),
    [
        (WORKGROUP, CLIENT, False, [["sync_type", "peers", *STARTS], ["sync_type", "peers"]]),
        (
            WORKGROUP,
            CLIENT | {"special_poll_interval": 900},
            False,
            [
                ["sync_type", "peers", "special_poll_interval", *STARTS],
                ["sync_type", "peers", "special_poll_interval"],
            ],
        ),
        (DOMAIN, {"sync_type": "domain", "trigger": "keep"}, False, [[]]),
        (DOMAIN, CLIENT, True, [["sync_type", "peers", *STARTS], ["sync_type", "peers"]]),
    ],
)
def test_time(
    facts: dict[str, t.Any], client: dict[str, t.Any], manages: bool, ways: list[list[str]]
) -> None:
    (part,) = adopt("h", [one("ntp_client", **client)], {}, facts).parts
    member = {"ntp_client_manage_domain_members": manages}
    assert [*part.ways] == [{f"ntp_client_{name}": client[name] for name in names} | member for names in ways]


@pytest.mark.parametrize(("client", "word"), [(CLIENT, "manage"), ({"sync_type": "domain"}, "leave")])
def test_a_domain_member_that_goes_its_own_way_is_managed(client: dict[str, t.Any], word: str) -> None:
    (entry,) = time_document(variables(adopt("h", [one("ntp_client", **client)], {}, DOMAIN)))
    assert entry["ntp_client"]["domain_members"] == word


# What does not answer -----------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_answer() -> None:
    silent = dict.fromkeys(("wintarget", "iscsi_virtual_disk"), "It is stopped.")
    with pytest.raises(HostError, match=r"^It is stopped\.$"):
        adopt("h", [FEATURE], silent, WORKGROUP)


def test_a_host_that_is_no_target_server() -> None:
    silent = dict.fromkeys(("wintarget", "iscsi_virtual_disk"), "It is not installed.")
    found = adopt("h", [one("ntp_client", **CLIENT)], silent, WORKGROUP)
    assert not [name for name in variables(found) if name.startswith("iscsi")]
    assert "no iscsi target server" in found.left[0].lower()
    with pytest.raises(HostError, match="registered"):
        adopt("h", [], {"ntp_client": "W32Time is not registered."}, WORKGROUP)


def test_what_the_roles_would_change_is_told() -> None:
    unchanged = {"kind": "a", "key": "b", "changed": False, "before": {}, "after": {"x": 1}}
    client = {"kind": "ntp_client", "key": "", "changed": True}
    told = sentences(
        [
            unchanged,
            client | {"before": {"service": "stopped", "y": 1}, "after": {"service": "running", "y": 1}},
            unchanged | {"changed": True},
            client | {"before": {"y": 1}, "after": {"y": 1}},
        ]
    )
    assert [*told] == [
        "ntp_client: the roles will change it. service is stopped, and will be running.",
        "a b: the roles will change it. It is not there.",
        "ntp_client: the roles will change it. No variable says what it has.",
    ]


# The file -----------------------------------------------------------------------------------------------------------------

VARIABLES = {"a": [{"b": "x"}], "c": False}


def test_the_same_variables_make_the_same_bytes() -> None:
    assert file_text("h", VARIABLES) == file_text("h", {**VARIABLES})
    assert read(file_text("h", VARIABLES)) == VARIABLES


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("c: false", "c: true"),
        lambda text: text + "# mine\n",
        lambda text: text.replace("# h as", "# H as"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n" + text,
    ],
)
def test_an_edited_file_is_known(edit: t.Callable[[str], str]) -> None:
    text = file_text("h", VARIABLES)
    assert (is_written_by_adopt(text), is_edited(text)) == (True, False)
    assert is_edited(edit(text))


@pytest.mark.parametrize("text", ["", "---\na: 1\n", "$ANSIBLE_VAULT;1.1;AES256\n6161\n"])
def test_a_file_of_somebody_else_is_known(text: str) -> None:
    assert not is_written_by_adopt(text)
    assert is_edited(text)


@given(st.text())
def test_what_a_host_says_is_read_back_as_it_was(text: str) -> None:
    assert read(file_text("h", {"a": [{"description": text}]})) == {"a": [{"description": text}]}


@pytest.mark.parametrize("text", ["{{ lookup('pipe', 'id') }}", "{% for x in y %}", "a {# b"])
def test_what_a_host_says_is_never_evaluated(text: str, tmp_path: Path) -> None:
    file = tmp_path / "winstack.yml"
    file.write_text(file_text("h", {"description": text, "other": "x"}))
    told = LOADER.DataLoader().load_from_file(str(file), trusted_as_template=True)
    assert told["description"] == text
    assert not is_trusted_as_template(told["description"])
    assert is_trusted_as_template(told["other"])

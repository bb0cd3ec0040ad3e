# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be wrong with an inventory, on plain data."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.inventory import (
    Endpoint,
    Missing,
    VaultReader,
    endpoint_of,
    endpoint_problems,
    group_problems,
    is_of_controller,
    limit_problems,
    name_problems,
    named,
    pattern_problems,
    tag_problems,
    value_problems,
    vault_file,
    vault_problems,
)

GROUPS = {
    "all": ["stor1", "stor2", "cinder1"],
    "windows_storage": ["stor1", "stor2"],
    "empty": [],
    "linux": ["cinder1"],
}


# Groups, limit and tags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["windows_storage"], []),
        (["empty"], ["The group empty of the inventory is empty. Add hosts to it."]),
        (
            ["windows_storag"],
            [
                "The inventory has no group windows_storag. Add it, with its hosts. Did you mean windows_storage?"
            ],
        ),
        (["quite_another"], ["The inventory has no group quite_another. Add it, with its hosts."]),
    ],
)
def test_groups(wanted: list[str], told: list[str]) -> None:
    assert [*group_problems(wanted, GROUPS)] == told


@pytest.mark.parametrize(
    ("limited", "left", "told"),
    [
        (["windows_storage"], {"stor2"}, ""),
        (["windows_storage", "linux"], {"cinder1"}, ""),
        (["windows_storage"], {"cinder1"}, "--limit x leaves no host of the group windows_storage. "),
        (["windows_storage", "linux"], set(), "of the groups windows_storage and linux. "),
        # Their emptiness is told by itself.
        (["empty", "missing"], set(), ""),
    ],
)
def test_a_limit_leaves_a_host(limited: list[str], left: set[str], told: str) -> None:
    found = [*limit_problems("x", limited, GROUPS, left)]
    assert len(found) == bool(told)
    if told:
        assert told in found[0]
        assert "such as stor1." in found[0]


def test_a_part_of_a_limit_that_matches_nothing() -> None:
    assert [*pattern_problems(["!stro1", "&zzz"], GROUPS)] == [
        "--limit !stro1 matches nothing in the inventory. Correct it. Did you mean stor1?",
        "--limit &zzz matches nothing in the inventory. Correct it.",
    ]


@pytest.mark.parametrize("tag", ["all", "always", "tagged", "untagged", "never", "storage"])
def test_tags_that_are_known(tag: str) -> None:
    assert [*tag_problems("--tags", [tag], ["storage", "time"])] == []


def test_tags_that_are_not_known() -> None:
    assert [*tag_problems("--tags", ["storge", "zzz"], ["time", "storage"])] == [
        "--tags storge: the playbook has no such tag. Did you mean storage?",
        "--tags zzz: the playbook has no such tag. Known are storage, time.",
    ]


# Names and endpoints ------------------------------------------------------------------------------------------------------


def test_names_that_differ_in_case() -> None:
    (told,) = name_problems(["host1", "other", "HOST1"])
    assert told.startswith("host1 and HOST1 differ in upper and lower case alone")


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        pytest.param({}, ("stor1", 5986, "wsman"), id="nothing"),
        pytest.param({"ansible_host": "10.0.0.1"}, ("10.0.0.1", 5986, "wsman"), id="host"),
        pytest.param(
            {"ansible_winrm_host": "10.0.0.2", "ansible_host": "10.0.0.1"},
            ("10.0.0.2", 5986, "wsman"),
            id="own_host",
        ),
        pytest.param(
            {"ansible_port": 5985, "ansible_winrm_port": "25986"}, ("stor1", 25986, "wsman"), id="own_port"
        ),
        pytest.param(
            {"ansible_psrp_port": 1, "ansible_psrp_host": "x"}, ("stor1", 5986, "wsman"), id="others"
        ),
        pytest.param({"ansible_winrm_path": "/p/wsman/"}, ("stor1", 5986, "p/wsman"), id="path"),
        pytest.param({"ansible_winrm_scheme": "http"}, ("stor1", 5986, "wsman"), id="winrm_scheme"),
        pytest.param(
            {"ansible_connection": "ansible.builtin.winrm"}, ("stor1", 5986, "wsman"), id="full_name"
        ),
        pytest.param(
            {"ansible_connection": "psrp", "ansible_psrp_host": "p"}, ("p", 5986, "wsman"), id="psrp"
        ),
        pytest.param(
            {"ansible_connection": "psrp", "ansible_psrp_protocol": "http"},
            ("stor1", 5985, "wsman"),
            id="psrp_http",
        ),
        pytest.param(
            {"ansible_connection": "psrp", "ansible_psrp_protocol": "http", "ansible_psrp_port": 7},
            ("stor1", 7, "wsman"),
            id="psrp_port",
        ),
        pytest.param(
            {
                "ansible_connection": "ssh",
                "ansible_host": "a",
                "ansible_ssh_host": "b",
                "ansible_ssh_port": 2222,
            },
            ("b", 2222, ""),
            id="ssh",
        ),
        pytest.param({"ansible_connection": "smart"}, ("stor1", 22, ""), id="smart"),
        pytest.param({"ansible_host": "[FD00:0::1]"}, ("fd00::1", 5986, "wsman"), id="ipv6"),
        pytest.param({"ansible_host": "Stor1.Example."}, ("stor1.example", 5986, "wsman"), id="dns"),
    ],
)
def test_endpoints_by_the_variables_of_the_connection(
    variables: dict[str, t.Any], endpoint: tuple[str, int, str]
) -> None:
    assert endpoint_of("stor1", variables.get, "winrm") == Endpoint(*endpoint)


@pytest.mark.parametrize("connection", ["local", "community.docker.docker"])
def test_a_connection_without_an_endpoint(connection: str) -> None:
    assert endpoint_of("stor1", {"ansible_connection": connection}.get) is None


def test_a_port_that_is_none() -> None:
    with pytest.raises(WantError, match="^ansible_winrm_port is 'https', which is not a port"):
        endpoint_of("stor1", {"ansible_winrm_port": "https"}.get, "winrm")


def test_hosts_share_a_sentence() -> None:
    faults = {"a": "x cannot be read.", "b": "y cannot be read.", "c": "x cannot be read."}
    assert [*value_problems(faults)] == ["a and c: x cannot be read.", "b: y cannot be read."]


def test_two_hosts_at_one_endpoint() -> None:
    endpoints = {
        "a": Endpoint("10.0.0.1", 5986, "wsman", "ansible_winrm_host"),
        "b": Endpoint("10.0.0.1", 5986, "wsman", "ansible_host"),
        "c": Endpoint("10.0.0.1", 5985, "wsman"),
        "d": Endpoint("10.0.0.1", 5986, "proxy"),
    }
    (told,) = endpoint_problems(endpoints, set(endpoints))
    assert told == (
        "a and b are reached at one endpoint, 10.0.0.1 port 5986. Correct ansible_winrm_host, or leave one of them."
    )
    assert [*endpoint_problems(endpoints, {"c", "d"})] == []
    assert str(endpoints["d"]) == "10.0.0.1 port 5986 path proxy"


# Variables of the vault ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "needed"),
    [
        ("{{ vault_a }}", ["vault_a"]),
        ("x{{ vault_a ~ vault_b | upper }}y", ["vault_a", "vault_b"]),
        ({"deep": [{"secret": "{{ vault_a.inner['x'] }}"}]}, ["vault_a"]),
        ("{% if x %}{{ vault_a }}{% endif %}", ["vault_a"]),
        ("vault_a", []),
        ("{{ 'vault_a' }} vault_b", []),
        ("{{ my_vault_a }}", []),
        ("{{ vault_a | default('x') }}", []),
        ("{{ vault_a if vault_a is defined else vault_b }}", ["vault_b"]),
        ("{{ lookup('x', vault_known) }}", []),
        ("{{ vault_a", []),
        (7, []),
        (None, []),
        (b"{{ vault_a }}", []),
    ],
)
def test_what_a_value_needs_of_the_vault(value: object, needed: list[str]) -> None:
    variables = {"v": value, "vault_known": 1}
    found = VaultReader().missing(variables, {"vault_of_play"}, lambda value: "f")
    assert [*found] == [Missing("v", name, "f") for name in needed]


def test_what_the_play_defines_is_not_missing() -> None:
    assert [*VaultReader().missing({"v": "{{ vault_a }}"}, {"vault_a"}, str)] == []


def test_one_sentence_for_all_hosts_that_share_a_need() -> None:
    password = Missing("ansible_password", "vault_windows_password", "group_vars/windows/vault.yml")
    other = Missing("my_account", "vault_windows_password", "group_vars/windows/vault.yml")
    (told,) = vault_problems({"storage1": [password]})
    assert told == (
        "storage1: ansible_password needs vault_windows_password, which nothing defines. Define it in "
        "group_vars/windows/vault.yml of the inventory (inventories/example has a template)."
    )
    assert [text.split(",")[0] for text in vault_problems({"a": [password, other], "b": [password]})] == [
        "a and b: ansible_password needs vault_windows_password",
        "a: my_account needs vault_windows_password",
    ]
    (told,) = vault_problems({"a": [password, other], "b": [password, other]})
    assert told.startswith("a and b: ansible_password and my_account need vault_windows_password, ")


@pytest.mark.parametrize(
    ("origin", "file"),
    [
        ("/i/cloud/group_vars/windows/connection.yml", "group_vars/windows/vault.yml"),
        ("/i/group_vars/old/group_vars/windows/deep/connection.yml", "group_vars/windows/vault.yml"),
        ("/i/cloud/host_vars/stor1/connection.yml", "host_vars/stor1/vault.yml"),
        # A file has no room beside it: group_vars/windows.yml hides a folder of that name.
        ("/i/cloud/group_vars/windows.yml", "group_vars/windows.yml"),
        ("/i/cloud/hosts.ini", "group_vars/windows_storage/vault.yml"),
        (None, "group_vars/windows_storage/vault.yml"),
    ],
)
def test_the_file_to_edit(origin: str | None, file: str) -> None:
    assert vault_file(origin, "windows_storage") == file


def test_values_that_hosts_share_are_read_once() -> None:
    class Counted(list[str]):
        reads = 0

        def __iter__(self) -> t.Iterator[str]:
            Counted.reads += 1
            return super().__iter__()

    shared = Counted(["{{ vault_a }}"] * 1000)
    reader = VaultReader()
    found = [reader.missing({"v": shared}, (), lambda value: "f") for _host in range(1000)]
    assert {tuple(missing) for missing in found} == {(Missing("v", "vault_a", "f"),)}
    assert Counted.reads == 1


@pytest.mark.parametrize(
    ("template", "shared"),
    [
        ("{{ lookup('ansible.builtin.env', 'PORT', default='5986') }}", True),
        ("{{ lookup('env', 'A') ~ lookup('env', 'B') | int }}", True),
        ("5986", True),
        ("{{ lookup('env', name) }}", False),
        ("{{ lookup('vars', 'x') }}", False),
        ("{{ lookup(kind, 'x') }}", False),
        ("{{ lookup('env', 'A') ~ x }}", False),
        ("{{ x }}", False),
        ("{{ query('env', 'A') }}", False),
        ("{{ broken", False),
    ],
)
def test_what_every_host_shares(template: str, shared: bool) -> None:
    assert is_of_controller(template) is shared


# Words --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        (["a"], "a"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 others"),
    ],
)
def test_hosts_are_named_shortly(hosts: list[str], told: str) -> None:
    assert named(hosts) == told

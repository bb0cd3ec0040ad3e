# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts made by hand, adopted: the file, what is refused, and that the variables plan to nothing."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.parsing import dataloader

from ansible_collections.winstack.windows.plugins.action import adopt
from ansible_collections.winstack.windows.plugins.plugin_utils.adoption import storage_document, time_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    RefusedError,
    WantError,
)
from ansible_collections.winstack.windows.tests.unit.plugins.plugin_utils.simulated import SimulatedHost

LOADER: t.Any = dataloader
SECRET = "secretsecret"
FOLDER = "E:\\iSCSI LUNs"
VOLUME = f"{FOLDER}\\volume-7f1c9a52-3d0e-4b57-9a41-0c7c86e2a6d1.vhdx"
W32TIME = r"HKLM:\SYSTEM\CurrentControlSet\Services\W32Time"
PLACEHOLDER = "vault_stor_1_sql_data_chap_secret"

BY_HAND: dict[str, t.Any] = {
    "features": {"installed": ["FS-iSCSITarget-Server"]},
    "volumes": {"C": {"size": "64GiB"}, "E": {"size": "500GiB"}},
    "addresses": ["10.0.0.5/24", {"address": "192.0.2.5/24", "interface": "Mgmt"}, "fe80::1/64", "fd00::5/64"],
    "services": {"W32Time": {"start_type": "auto", "state": "running", "triggers": []}},
    "registry": {
        rf"{W32TIME}\Parameters": {
            "NtpServer": {"type": "string", "data": "ntp1.example,0x9 10.0.0.1,0x1a  NTP2.example"},
            "Type": {"type": "string", "data": "NTP"},
        },
        rf"{W32TIME}\TimeProviders\NtpClient": {"SpecialPollInterval": {"type": "dword", "data": 900}},
    },
    "iscsi": {
        "disks": [
            {"path": f"{FOLDER}\\child.vhdx", "size": "10GiB", "type": "differencing", "parent": f"{FOLDER}\\Parent.vhdx"},
            {"path": f"{FOLDER}\\Parent.vhdx", "size": "10GiB", "description": "{{ lookup('pipe', 'id') }}"},
            {"path": f"{FOLDER}\\odd.vhd", "size": 49276703744, "type": "fixed"},
            {"path": "C:\\x\\off.vhdx", "size": "1GiB", "enabled": False, "description": "yes"},
            {"path": "ramdisk:cache.vhdx", "size": "1GiB"},
            {"path": VOLUME, "size": "2GiB"},
        ],
        "targets": [
            {
                "name": "sql_data",
                "description": "a: b",
                "initiators": ["IQN:IQN.1991-05.com.Microsoft:SQL1", "IPAddress:10.0.0.9", "MACAddress:00-11-22-AA-bb-33"],
                "mappings": {3: f"{FOLDER}\\child.vhdx", 7: "ramdisk:cache.vhdx"},
                "chap": {"username": "sql", "secret": SECRET},
            },
            {"name": "empty"},
            {"name": "iqn.2010-10.org.openstack:volume-1", "mappings": {0: VOLUME}},
            {"name": "shows-a-volume", "mappings": {0: VOLUME}},
        ],
        "portals": [{"address": "10.0.0.5", "port": 3261}, {"address": "192.0.2.5", "enabled": False}],
    },
}  # fmt: skip


def by_hand(**config: t.Any) -> SimulatedHost:
    return SimulatedHost(**{**BY_HAND, **config})


def run(
    host: SimulatedHost, inventory: Path | None, *, check: bool = False, **params: t.Any
) -> dict[str, t.Any]:
    """Return the result of adopting a host of an inventory in a folder."""
    known = params.pop("known", {})
    plugin: t.Any = adopt.ActionModule
    action = plugin.__new__(plugin)
    action._task = SimpleNamespace(check_mode=check)
    action._winstack_host = "stor-1"
    action._winstack_variables = {"inventory_dir": inventory and str(inventory), **known}
    action._loader = SimpleNamespace(path_dwim=lambda path: path)
    options = {"dest": None, "force": False, "protected": None, **params}
    return dict(action._winstack_run(options, host, host.snapshot))


def variables(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what Ansible reads of the file, with secrets in the place of their variables."""
    found = LOADER.DataLoader().load_from_file(result["dest"])
    return dict(json.loads(json.dumps(found).replace(f"{{{{ {PLACEHOLDER} }}}}", "twelveletters")))


def planned(host: SimulatedHost, found: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """Return what the variables plan to on a host of which nothing is known any more."""
    host.snapshot = Snapshot()
    time = {name: value for name, value in found.items() if name.startswith("ntp_client")}
    storage = {name: value for name, value in found.items() if name not in time}
    return host.check([*storage_document(storage), *time_document(time)], **options)


# Planning to nothing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2012r2", "2016", "2019", "2022", "2025"])
def test_a_host_made_by_hand_plans_to_nothing(tmp_path: Path, release: str) -> None:
    host = by_hand(os=release)
    result = run(host, tmp_path)
    assert result["left"] == []
    plan = planned(host, variables(result))
    assert not plan.get("failed"), plan
    assert [entry for entry in plan["objects"] if entry["changed"]] == []
    assert host.changing() == []


def test_what_is_written_is_all_that_is_ours(tmp_path: Path) -> None:
    found = variables(run(by_hand(), tmp_path))
    assert found["iscsi_target_server_lun_path"] == FOLDER
    assert found["iscsi_target_server_firewall"] is False
    disks = {disk["path"]: disk for disk in found["iscsi_target_server_disks"]}
    assert VOLUME not in disks
    assert len(disks) == 5
    assert disks[f"{FOLDER}\\odd.vhd"]["size"] == 49276703744
    assert [target["name"] for target in found["iscsi_target_server_targets"]] == [
        "sql_data",
        "empty",
        "shows-a-volume",
    ]
    assert [portal["address"] for portal in found["iscsi_target_server_portals"]] == [
        "10.0.0.5",
        "192.0.2.5",
        "fd00::5",
    ]
    assert [peer["address"] for peer in found["ntp_client_peers"]] == [
        "ntp1.example",
        "10.0.0.1",
        "NTP2.example",
    ]


def test_it_costs_two_remote_commands(tmp_path: Path) -> None:
    host = by_hand()
    run(host, tmp_path)
    assert host.commands <= 2


def test_firewall_rules_of_ours_are_kept(tmp_path: Path) -> None:
    host = by_hand()
    portals = [{"address": "10.0.0.5", "port": 3261}, {"address": "fd00::5"}]
    host.converge([{"wintarget": {"portals": portals, "firewall": True}}])
    result = run(host, tmp_path)
    assert result["variables"]["iscsi_target_server_firewall"] is True
    assert result["left"] == []


def test_what_no_variable_says_is_told(tmp_path: Path) -> None:
    stopped = {"W32Time": {"start_type": "auto", "state": "stopped", "triggers": []}}
    result = run(by_hand(services=stopped), tmp_path)
    (told,) = [text for text in result["left"] if text.startswith("ntp_client")]
    assert "service is stopped, and will be running" in told
    assert f"stor-1: {told}" in result["warnings"]


def test_a_clock_as_windows_brings_it(tmp_path: Path) -> None:
    """In a workgroup nothing starts the service, which the role does not leave so: that must not hide what storage needs."""
    host = by_hand(services={}, registry={}, os="2019")
    result = run(host, tmp_path)
    (told,) = result["left"]
    assert told.startswith("ntp_client: the roles will change it. ")
    assert "start_mode" not in "".join(result["variables"])
    assert result["variables"]["iscsi_target_server_firewall"] is False
    plan = planned(host, variables(result))
    assert [entry["kind"] for entry in plan["objects"] if entry["changed"]] == ["ntp_client"]


def test_a_folder_that_the_role_would_not_take_is_told(tmp_path: Path) -> None:
    mounted = {FOLDER: {"directory": True, "attributes": ["ReparsePoint"]}}
    result = run(by_hand(files=mounted), tmp_path)
    (told,) = result["left"]
    assert "mount point or link" in told
    assert f"stor-1: {told}" in result["warnings"]


def test_what_the_roles_would_refuse_is_told(tmp_path: Path) -> None:
    key = W32TIME.replace(r"SYSTEM\CurrentControlSet\Services", r"SOFTWARE\Policies\Microsoft")
    policy = {rf"{key}\Parameters": {"Type": {"type": "string", "data": "NT5DS"}}}
    stopped = {"W32Time": {"start_type": "auto", "state": "stopped", "triggers": []}}
    host = by_hand(registry=BY_HAND["registry"] | policy, services=stopped)
    assert any("group policy" in text for text in run(host, tmp_path)["left"])


def test_members_of_a_domain(tmp_path: Path) -> None:
    followers = by_hand(domain="corp.example", registry={}, services={})
    result = run(followers, tmp_path)
    told = {name: value for name, value in variables(result).items() if name.startswith("ntp_client")}
    assert told == {"ntp_client_manage_domain_members": False}
    assert result["left"] == []
    result = run(by_hand(domain="corp.example"), tmp_path / "other")
    assert result["variables"]["ntp_client_manage_domain_members"] is True
    assert result["left"] == []


def test_a_host_without_a_target_server(tmp_path: Path) -> None:
    host = by_hand(features={}, iscsi={})
    result = run(host, tmp_path)
    assert not [name for name in result["variables"] if name.startswith("iscsi")]
    (told,) = result["left"]
    assert "FS-iSCSITarget-Server" in told


@pytest.mark.parametrize("check", [True, False])
def test_a_stopped_target_server_is_refused(tmp_path: Path, check: bool) -> None:
    stopped = BY_HAND["services"] | {"WinTarget": {"state": "stopped"}}
    with pytest.raises(HostError, match="WinTarget"):
        run(by_hand(services=stopped), tmp_path, check=check)
    assert [*tmp_path.iterdir()] == []


def test_names_that_are_protected_can_be_given(tmp_path: Path) -> None:
    host = by_hand()
    result = run(host, tmp_path, protected=["sql*", "volume-*"])
    found = variables(result)
    assert "sql_data" not in [target["name"] for target in found["iscsi_target_server_targets"]]
    assert result["left"] == []


# Secrets ------------------------------------------------------------------------------------------------------------------


def test_secrets_are_placeholders(tmp_path: Path) -> None:
    result = run(by_hand(), tmp_path)
    vault = str(tmp_path / "host_vars/stor-1/vault.yml")
    assert result["vault"] == [
        {"variable": PLACEHOLDER, "target": "sql_data", "option": "chap", "file": vault, "defined": False}
    ]
    (told,) = result["warnings"]
    assert PLACEHOLDER in told
    assert vault in told
    assert SECRET not in json.dumps(result) + Path(result["dest"]).read_text()


def test_secrets_that_are_defined_are_not_asked_for(tmp_path: Path) -> None:
    result = run(by_hand(), tmp_path, known={PLACEHOLDER: SECRET})
    assert result["warnings"] == []
    assert result["vault"][0]["defined"] is True
    assert SECRET not in json.dumps(result)


# The file -----------------------------------------------------------------------------------------------------------------


def test_the_file_is_beside_the_inventory(tmp_path: Path) -> None:
    result = run(by_hand(), tmp_path)
    file = tmp_path / "host_vars/stor-1/winstack.yml"
    assert result["dest"] == str(file)
    assert result["changed"] is True
    assert file.stat().st_mode & 0o777 == 0o644
    assert [*file.parent.iterdir()] == [file]


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    host = by_hand()
    file = Path(run(host, tmp_path)["dest"])
    written = file.read_bytes(), file.stat().st_mtime_ns
    host.snapshot = Snapshot()
    again = run(host, tmp_path)
    assert again["changed"] is False
    assert (file.read_bytes(), file.stat().st_mtime_ns) == written


def test_a_host_that_was_changed_is_written_anew(tmp_path: Path) -> None:
    run(by_hand(), tmp_path)
    result = run(by_hand(iscsi={}), tmp_path)
    assert result["changed"] is True
    assert result["diff"][0]["before"] != result["diff"][0]["after"]
    assert variables(result)["iscsi_target_server_disks"] == []


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    result = run(by_hand(), tmp_path, check=True)
    assert result["changed"] is True
    (diff,) = result["diff"]
    assert (diff["before"], diff["after_header"]) == ("", result["dest"])
    assert "iscsi_target_server_disks" in diff["after"]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda text: "---\nmine: true\n", "was not written by adopt"),
        (lambda text: text + "# mine\n", "was edited since adopt wrote it"),
        (lambda text: text.replace("sql_data", "sql-data"), "was edited since adopt wrote it"),
    ],
)
def test_what_a_person_wrote_is_not_lost(tmp_path: Path, edit: t.Callable[[str], str], told: str) -> None:
    host = by_hand()
    file = Path(run(host, tmp_path)["dest"])
    original = file.read_text()
    file.write_text(edit(original))
    commands = host.commands
    with pytest.raises(RefusedError, match=told):
        run(host, tmp_path)
    assert host.commands == commands
    assert file.read_text() == edit(original)
    assert run(host, tmp_path, force=True)["changed"] is True
    assert file.read_text() == original


@pytest.mark.parametrize("extension", ["", ".yml", ".yaml", ".json"])
def test_no_file_is_hidden_by_the_folder(tmp_path: Path, extension: str) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / f"host_vars/stor-1{extension}").write_text("a: 1\n")
    with pytest.raises(RefusedError, match=r"Ansible would no longer read it"):
        run(by_hand(), tmp_path, force=True)
    assert run(by_hand(), tmp_path, dest=str(tmp_path / "elsewhere.yml"))["changed"] is True


def test_a_folder_that_is_there_already_hides_nothing_new(tmp_path: Path) -> None:
    (tmp_path / "host_vars/stor-1").mkdir(parents=True)
    (tmp_path / "host_vars/stor-1.yml").write_text("a: 1\n")
    assert run(by_hand(), tmp_path)["changed"] is True


def test_an_inventory_that_is_no_file_needs_dest() -> None:
    with pytest.raises(WantError, match="Give dest"):
        run(by_hand(), None)


@pytest.mark.parametrize("dest", ["folder", "file/winstack.yml"])
def test_where_nothing_can_be_written(tmp_path: Path, dest: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(WantError, match="Give another dest"):
        run(by_hand(), tmp_path, dest=str(tmp_path / dest))

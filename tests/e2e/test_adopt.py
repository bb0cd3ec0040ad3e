# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts made by hand are adopted: what is written plans to nothing, in the site as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import Cloud, Outcome, Simulator

SECRET = "made-by-hand-1"
NEVER_SET = "of-the-vault-1"
W32TIME = r"HKLM:\SYSTEM\CurrentControlSet\Services\W32Time"
VOLUME = "volume-7f1c9a52-3d0e-4b57-9a41-0c7c86e2a6d1"
SERVER = {"features": {"installed": ["FS-iSCSITarget-Server"]}}
DRIVES = {"C": {"size": "64GiB", "free": "40GiB"}}


def clock(peers: str, **service: Any) -> dict[str, Any]:
    """What the time service of a workgroup host is set to by hand: its peers, and how it starts."""
    return {
        "services": {"W32Time": {"start_type": "auto", "state": "running", "triggers": [], **service}},
        "registry": {
            rf"{W32TIME}\Parameters": {
                "NtpServer": {"type": "string", "data": peers},
                "Type": {"type": "string", "data": "NTP"},
            }
        },
    }


def disk(path: str, size: str | int, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": size, **more}


HOSTS: dict[str, dict[str, Any]] = {
    # Odd sizes, an old format, a RAM disk, a name that today's servers refuse, CHAP in both directions, and what cinder-volume owns.
    "odd": {
        "os": "2016",
        "volumes": DRIVES | {"E": {"size": "900GiB"}},
        "addresses": ["10.1.0.21/24", "fe80::21/64"],
        **SERVER,
        **clock("ntp1.example,0x9 10.0.0.1,0x1a  NTP2.example.,0x0"),
        "iscsi": {
            "disks": [
                disk(r"E:\LUNs\db.vhdx", "10GiB", description="yes: {{ inventory_hostname }}"),
                disk(r"E:\LUNs\db-child.vhdx", "10GiB", type="differencing", parent=r"E:\LUNs\db.vhdx"),
                disk(r"E:\LUNs\old.vhd", 49276703744, type="fixed"),
                disk(r"C:\Temp\off.vhdx", "1GiB", enabled=False),
                disk("ramdisk:cache.vhdx", "1GiB"),
                disk(rf"E:\cinder\{VOLUME}.vhdx", "2GiB", description=VOLUME),
            ],
            "targets": [
                {
                    "name": "sql_data",
                    "initiators": ["IQN:IQN.1991-05.com.Microsoft:SQL1.example", "MACAddress:00-11-22-AA-bb-33"],
                    "chap": {"username": "sql", "secret": SECRET},
                    "reverse_chap": {"username": "target", "secret": SECRET[::-1]},
                    "mappings": {3: r"E:\LUNs\db-child.vhdx", 7: "ramdisk:cache.vhdx"},
                },
                {"name": "nothing", "description": "#1"},
                {
                    "name": f"iqn.2010-10.org.openstack:{VOLUME}",
                    "initiators": ["IQN:*"],
                    "mappings": {0: rf"E:\cinder\{VOLUME}.vhdx"},
                },
            ],
        },
    },
    # One network for initiators on another port, the other one closed; its clock is the domain's.
    "member": {
        "os": "2022",
        "domain": "corp.example",
        "volumes": DRIVES | {"D": {"size": "500GiB"}},
        "addresses": ["10.1.0.22/24", {"address": "192.0.2.22/24", "interface": "Management"}, "fd00::22/64"],
        **SERVER,
        "iscsi": {
            "disks": [disk(r"D:\a.vhdx", "1GiB")],
            "targets": [
                {
                    "name": "a",
                    "iqn": "iqn.2001-04.com.example:a",
                    "initiators": ["IPAddress:10.1.0.99", "DNSName:Node1.Example"],
                    "mappings": {0: r"D:\a.vhdx"},
                    "sessions": ["IQN:iqn.1991-05.com.microsoft:node1"],
                }
            ],
            "portals": [
                {"address": "10.1.0.22", "port": 3261},
                {"address": "192.0.2.22", "enabled": False},
            ],
        },
    },
    # Everything was made by cinder-volume, and the clock asks a server at an interval of its own, started by the network.
    "cinder": {
        "os": "2025",
        "volumes": DRIVES | {"D": {"size": "500GiB", "filesystem": "ReFS"}},
        "addresses": ["10.1.0.23/24"],
        **SERVER,
        **clock("ntp.example,0x1", start_type="manual", triggers=["start/networkon", "stop/networkoff"]),
        "iscsi": {"disks": [disk(rf"D:\cinder\{VOLUME}.vhdx", "1GiB", description=VOLUME)]},
    },
}  # fmt: skip


@dataclass
class Runs:
    """Adopted without and with --check, twice, and the site in between."""

    simulator: Simulator
    folder: Path
    preview: Outcome
    previewed: list[Path]
    first: Outcome
    written: dict[str, bytes]
    undefined: Outcome
    check: Outcome
    site: Outcome
    again: Outcome

    def file(self, host: str) -> Path:
        return self.folder / "host_vars" / host / "winstack.yml"


@pytest.fixture(scope="module")
def runs(cloud: Cloud) -> Runs:
    simulator, inventory = cloud(HOSTS, {}, {})
    folder = inventory.parent

    def files() -> dict[str, bytes]:
        return {host: (folder / "host_vars" / host / "winstack.yml").read_bytes() for host in HOSTS}

    preview = simulator.play("playbooks/adopt.yml", inventory, "--check", "--diff")
    previewed = [*folder.rglob("winstack.yml")]
    first = simulator.play("playbooks/adopt.yml", inventory, "--diff")
    written = files()
    undefined = simulator.play("site.yml", inventory, "--check")
    secrets = dict.fromkeys(
        ("vault_odd_sql_data_chap_secret", "vault_odd_sql_data_reverse_chap_secret"), NEVER_SET
    )
    secrets["vault_odd_sql_data_reverse_chap_secret"] = NEVER_SET[::-1]
    (folder / "host_vars/odd/vault.yml").write_text(yaml.safe_dump(secrets))
    check = simulator.play("site.yml", inventory, "--check", "--diff")
    site = simulator.play("site.yml", inventory, "--diff")
    again = simulator.play("playbooks/adopt.yml", inventory)
    assert files() == written, "the second time wrote other bytes"
    return Runs(simulator, folder, preview, previewed, first, written, undefined, check, site, again)


def test_check_mode_shows_what_would_be_written(runs: Runs) -> None:
    assert (runs.preview.status, runs.previewed) == (0, []), runs.preview.output[-4000:]
    assert "iscsi_target_server_lun_path: E:\\LUNs" in runs.preview.output
    assert {runs.preview.stats[host]["changed"] for host in HOSTS} == {1}


def test_the_hosts_are_adopted_and_not_changed(runs: Runs) -> None:
    assert (runs.first.status, runs.first.failures) == (0, {}), runs.first.output[-4000:]
    assert runs.first.changing_cmdlets() == []
    assert all(runs.first.counters[host]["commands"] <= 2 for host in HOSTS), runs.first.counters
    assert "the roles will" not in runs.first.output


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ["check", "site"])
def test_the_site_finds_nothing_to_do(runs: Runs, name: str, host: str) -> None:
    run: Outcome = getattr(runs, name)
    assert run.failures.get(host, []) == []
    assert run.stats[host]["changed"] == 0, run.output[-6000:]
    assert run.changing_cmdlets(host) == []
    assert run.custom[host]["winstack"]["target_server"] == "running"


@pytest.mark.parametrize("name", ["check", "site"])
def test_the_site_is_green(runs: Runs, name: str) -> None:
    run: Outcome = getattr(runs, name)
    assert (run.status, run.failures) == (0, {}), run.output[-6000:]


def test_adopting_again_changes_nothing(runs: Runs) -> None:
    assert (runs.again.status, runs.again.failures) == (0, {}), runs.again.output[-4000:]
    assert {runs.again.stats[host]["changed"] for host in HOSTS} == {0}


def test_what_is_written(runs: Runs) -> None:
    text = runs.file("odd").read_text()
    assert "path: ramdisk:cache.vhdx" in text
    assert "size: 49276703744" in text
    assert "!unsafe 'yes: {{ inventory_hostname }}'" in text
    assert '"{{ vault_odd_sql_data_chap_secret }}"' in text
    assert "'0x10'" in text
    assert VOLUME not in text
    assert "lun_path: D:\\cinder" in runs.file("cinder").read_text()
    member = yaml.safe_load(runs.file("member").read_text())
    assert member["ntp_client_manage_domain_members"] is False
    assert [portal["port"] for portal in member["iscsi_target_server_portals"]] == [3261, 3260, 3260]


def test_everybody_can_read_it_and_no_secret_is_in_it(runs: Runs) -> None:
    for host in HOSTS:
        assert runs.file(host).stat().st_mode & 0o777 == 0o644
    told = [run.output for run in (runs.preview, runs.first, runs.check, runs.site, runs.again)]
    for text in (*told, *(runs.file(host).read_text() for host in HOSTS)):
        assert not any(secret in text for secret in (SECRET, SECRET[::-1], NEVER_SET, NEVER_SET[::-1]))


def test_secrets_that_are_not_defined_yet_are_told(runs: Runs) -> None:
    told = "host_vars/odd/vault.yml"
    assert told in runs.first.output
    assert runs.undefined.status != 0
    sentences = "\n".join(text for texts in runs.undefined.failures.values() for text in texts)
    assert "vault_odd_sql_data_chap_secret, which nothing defines" in sentences
    assert told in sentences
    assert runs.undefined.invocations() == []


def test_a_file_that_a_person_edited_is_not_lost(runs: Runs) -> None:
    file = runs.file("member")
    edited = file.read_bytes() + b"# mine\n"
    file.write_bytes(edited)
    inventory = runs.folder / "inventory.yml"
    refused = runs.simulator.play("playbooks/adopt.yml", inventory, "--limit", "member")
    assert refused.status != 0
    assert "was edited since adopt wrote it" in refused.sentences("member")
    assert file.read_bytes() == edited
    forced = runs.simulator.play(
        "playbooks/adopt.yml", inventory, "--limit", "member", "-e", "adopt_force=true"
    )
    assert (forced.status, forced.failures) == (0, {}), forced.output[-4000:]
    assert file.read_bytes() == runs.written["member"]

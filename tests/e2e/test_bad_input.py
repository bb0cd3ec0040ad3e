# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be is refused with a sentence, by the site before anything is touched, and by the modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from harness import Cloud, Outcome, Simulator

FOLDER = "D:\\iSCSI"
DISK = "winstack.windows.iscsi_virtual_disk"
TARGET = "winstack.windows.iscsi_server_target"
SERVER = "winstack.windows.wintarget"
CLOCK = "winstack.windows.ntp_client"
VOLUMES = {"C": {"size": "64GiB", "free": "40GiB"}, "D": {"size": "100TiB"}}
SECRET_SHORT, SECRET_LONG = "elevenchars", "seventeen-letters"


class Case(NamedTuple):
    """Options that a module refuses, and words of the sentence with which it does."""

    name: str
    module: str
    options: dict[str, Any]
    told: tuple[str, ...]


def disk(name: str, *told: str, path: str = "", **options: Any) -> Case:
    return Case(name, DISK, {"path": path or f"{FOLDER}\\{name}.vhdx", "size": "1GB", **options}, told)


def target(name: str, *told: str, **options: Any) -> Case:
    return Case(name, TARGET, {"name": name.replace("_", "-"), **options}, told)


CASES = [
    disk("zero", "0", size="0"),
    disk("negative", "-5", size="-5GB"),
    disk("not_whole_mib", "MiB", size="3145729"),
    disk("too_large", "64", size="65TB"),
    disk("relative", "data.vhdx", path="iSCSI\\data.vhdx"),
    disk("unc", "server", path="\\\\server\\share\\data.vhdx"),
    disk("extension", ".vhdx", path=f"{FOLDER}\\data.raw"),
    disk("drive", "Q:", path="Q:\\iSCSI\\data.vhdx"),
    disk(
        "cinder_file",
        "protected",
        "volume-*",
        path=f"{FOLDER}\\volume-7f1c9a52-3d0e-4b57-9a41-0c7c86e2a6d1.vhdx",
    ),
    target("kind", "HostName", initiator_ids=["HostName:node1"]),
    target("iqn", "iqn.nonsense", initiator_ids=["IQN:iqn.nonsense"]),
    target("mac", "00-11-22", initiator_ids=["MACAddress:00-11-22"]),
    target("ip", "10.0.0.500", initiator_ids=["IPAddress:10.0.0.500"]),
    target("short", "12", "16", chap={"username": "node", "secret": SECRET_SHORT}),
    target("long", "12", "16", chap={"username": "node", "secret": SECRET_LONG}),
    target(
        "lun_twice",
        "0",
        luns=[{"path": f"{FOLDER}\\kept.vhdx", "lun": 0}, {"path": f"{FOLDER}\\other.vhdx", "lun": 0}],
    ),
    target("lun_of_nothing", "nothing.vhdx", luns=[{"path": f"{FOLDER}\\nothing.vhdx"}]),
    Case("unknown_portal", SERVER, {"portals": [{"address": "10.9.9.9"}]}, ("10.9.9.9", "10.1.0.11")),
    Case("any_portal", SERVER, {"portals": [{"address": "0.0.0.0"}]}, ("0.0.0.0",)),
    Case("lock_out", SERVER, {"disable_remote_management": True}, ("disable_remote_management",)),
    Case("peer", CLOCK, {"peers": [{"address": "not a name"}]}, ("not a name",)),
]


def listed(module: str, *names: str) -> list[dict[str, Any]]:
    """The options of a module's cases, as the role's list takes them."""
    return [case.options for case in CASES if case.module == module and case.name not in names]


@pytest.fixture(scope="module")
def runs(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulator, Outcome, Outcome]:
    """The site over hosts with impossible wishes, then every case by its module on a host that is a target server."""
    installed = {
        "features": {"installed": ["FS-iSCSITarget-Server"]},
        "iscsi": {
            "disks": [{"path": f"{FOLDER}\\{name}.vhdx", "size": "1GiB"} for name in ("kept", "other")]
        },
    }
    hosts: dict[str, dict[str, Any]] = {
        "wishes": {"os": "2025", "volumes": VOLUMES, "addresses": ["10.1.0.11/24"]} | installed,
        "edition": {"os": "2016", "volumes": VOLUMES, "features": {"unavailable": ["FS-iSCSITarget-Server"]}},
        "unfit": {"os": "2019", "volumes": {"C": {"size": "12GiB", "free": "2GiB"}}, "clock_offset": 900},
        "mounted": {
            "os": "2022",
            "volumes": VOLUMES | {"D": {"size": "1GiB"}},
            "files": {FOLDER: {"directory": True, "attributes": ["ReparsePoint"]}},
        },
        "portal": {"os": "2022", "volumes": VOLUMES, "addresses": ["10.1.0.16/24"]},
        **{
            name: {"computer_name": "CLONE", "os": "2022", "volumes": VOLUMES}
            for name in ("clone1", "clone2")
        },
        "odd": {
            "os": "2016",
            "volumes": {"C": {"size": "64GiB"}, "D": {"size": "500GiB", "drive_type": 4}},
            "features": {"removed": ["FS-iSCSITarget-Server"]},
            "files": {FOLDER: "not a folder"},
        },
        "volume": {
            "os": "2019",
            "volumes": {"C": {"size": "64GiB"}, "D": {"size": "2GiB", "filesystem": "exFAT"}},
            "addresses": ["10.1.0.15/24"],
        },
        "silent": {"os": "2022", "volumes": VOLUMES},
        "good": {"os": "2022", "volumes": VOLUMES, "addresses": ["10.1.0.14/24"]},
    }
    twice = [
        {"path": f"{FOLDER}\\Twice.vhdx", "size": "1GB"},
        {"path": f"{FOLDER}\\twice.VHDX", "size": "1GB"},
    ]
    wishes = {
        "iscsi_target_server_portals": [{"address": "0.0.0.0"}],
        "iscsi_target_server_disks": listed(DISK) + twice,
        "iscsi_target_server_targets": listed(TARGET),
        "ntp_client_peers": [{"address": "not a name"}],
    }
    unfit = {"iscsi_target_server_lun_path": "\\\\server\\share"}
    volume = {
        "iscsi_target_server_portals": [{"address": "10.1.0.15"}, {"address": "10.1.0.15"}],
        "iscsi_target_server_disks": [{"path": f"{FOLDER}\\going.vhdx", "state": "absent"}],
        "iscsi_target_server_targets": [
            {"name": "one", "luns": [{"path": f"{FOLDER}\\going.vhdx"}]},
            {"name": "ONE"},
        ],
    }
    variables = {
        "wishes": wishes,
        "unfit": unfit,
        "odd": {"preflight_releases": ["2025"]},
        "volume": volume,
        "portal": {"iscsi_target_server_portals": [{"address": "10.9.9.9"}]},
    }
    simulator, inventory = cloud(hosts, variables, {"iscsi_target_server_lun_path": FOLDER})
    fault = {
        "kind": "cmdlet_error",
        "cmdlet": "Get-NetIPAddress",
        "message": "Access is denied.",
        "host": "silent",
    }
    simulator.client.call("POST", "/fault", fault)
    site = simulator.play("site.yml", inventory, "-vvv")
    playbook = tmp_path_factory.mktemp("cases") / "cases.yml"
    playbook.write_text(yaml.safe_dump([play()]))
    return simulator, site, simulator.play(playbook, inventory)


def play() -> dict[str, Any]:
    """Every case as a task, and the messages as a statistic."""
    tasks: list[dict[str, Any]] = [
        {"name": case.name, case.module: case.options, "register": case.name, "failed_when": False}
        for case in CASES
    ]
    told = {case.name: f"{{{{ {case.name}.msg | default('') }}}}" for case in CASES}
    tasks.append({"name": "Tell", "ansible.builtin.set_stats": {"data": told, "per_host": True}})
    return {"name": "Try every case", "hosts": "wishes", "gather_facts": False, "tasks": tasks}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_module_refuses(runs: tuple[Simulator, Outcome, Outcome], case: Case) -> None:
    message = runs[2].custom["wishes"][case.name]
    assert message, "the module did not refuse"
    assert all(word.lower() in message.lower() for word in case.told), message
    assert "Traceback" not in message


def test_no_module_changed_anything(runs: tuple[Simulator, Outcome, Outcome]) -> None:
    assert runs[2].changing_cmdlets() == []
    assert {entry["changed"] for entry in runs[2].invocations()} <= {False}


SENTENCES = [
    *(
        pytest.param(case.told, id=case.name)
        for case in CASES
        if case.name not in ("lock_out", "unknown_portal")
    ),
    pytest.param(("Twice.vhdx", "twice.VHDX", "are one object"), id="path_twice"),
]


@pytest.mark.parametrize("told", SENTENCES)
def test_preflight_tells_every_problem_at_once(
    runs: tuple[Simulator, Outcome, Outcome], told: tuple[str, ...]
) -> None:
    sentences = runs[1].failures["wishes"]
    assert any(all(word.lower() in sentence.lower() for word in told) for sentence in sentences), sentences


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("mounted", (FOLDER, "mount point")),
        ("odd", ("not among the wanted releases of Windows Server: 2025", "2016")),
        ("odd", ("files were removed from the image", "-Source")),
        ("odd", ("drive D: is a network drive",)),
        ("odd", ("a file stands there", FOLDER)),
        ("volume", ("NTFS or ReFS", "exFAT")),
        ("volume", ("D: has 2.0 GB free", "10 GB are needed")),
        ("volume", ("10.1.0.15 is given twice",)),
        ("volume", ("ONE", "one", "are one object")),
        ("volume", ("no virtual disk", "going.vhdx")),
        ("portal", ("10.9.9.9", "not on this host", "10.1.0.16")),
        ("silent", ("did not list addresses", "Access is denied")),
        ("clone1", ("computer name", "CLONE", "clone2")),
        ("clone2", ("computer name", "CLONE", "clone1")),
        ("edition", ("FS-iSCSITarget-Server", "does not offer it", "Datacenter")),
        ("unfit", ("drive C: has 12.0 GB", "16 GB are needed")),
        ("unfit", ("\\\\server\\share", "drive letter")),
    ],
)
def test_preflight_measures_the_host(
    runs: tuple[Simulator, Outcome, Outcome], host: str, told: tuple[str, ...]
) -> None:
    sentences = runs[1].failures[host]
    assert any(all(word in sentence for word in told) for sentence in sentences), sentences


@pytest.mark.parametrize("host", ["wishes", "edition", "unfit", "mounted"])
def test_nothing_is_touched_where_preflight_fails(
    runs: tuple[Simulator, Outcome, Outcome], host: str
) -> None:
    assert runs[1].changing_cmdlets(host) == []
    assert {entry["module"] for entry in runs[1].invocations(host)} == {"winstack.direct"}
    assert runs[1].counters[host]["commands"] == 1
    assert runs[1].stats[host]["changed"] == 0


def test_a_clock_that_ntp_client_mends_only_warns(runs: tuple[Simulator, Outcome, Outcome]) -> None:
    assert "900" in runs[1].output
    assert not any("clock" in sentence for sentence in runs[1].failures["unfit"])


def test_a_good_host_goes_on(runs: tuple[Simulator, Outcome, Outcome]) -> None:
    assert runs[1].custom["good"]["winstack"]["target_server"] == "running"


def test_no_refused_secret_is_told(runs: tuple[Simulator, Outcome, Outcome]) -> None:
    assert not any(secret in run.output for run in runs[1:] for secret in (SECRET_SHORT, SECRET_LONG))


# The inventory --------------------------------------------------------------------------------------------------------

INVENTORIES = {
    "no_group": ("[other]\nhost1\n", ("group windows_storage",)),
    "empty_group": ("[windows_storage]\n", ("group windows_storage of the inventory is empty",)),
    "same_name": ("[windows_storage]\nhost1\nHOST1\n", ("host1 and HOST1 differ in upper and lower case",)),
    "same_address": (
        "[windows_storage]\nhost1 ansible_host=10.0.0.1\nhost2 ansible_host=10.0.0.1\n",
        ("host1 and host2 are reached at one endpoint", "10.0.0.1"),
    ),
}


@pytest.mark.parametrize("name", INVENTORIES)
def test_preflight_reads_the_inventory_first(
    runs: tuple[Simulator, Outcome, Outcome], name: str, tmp_path: Path
) -> None:
    text, told = INVENTORIES[name]
    (tmp_path / "hosts.ini").write_text(text)
    run = runs[0].play("playbooks/preflight.yml", tmp_path / "hosts.ini")
    assert run.status != 0
    assert all(words in run.sentences("localhost") for words in told), run.output
    assert set(run.stats) == {"localhost"}

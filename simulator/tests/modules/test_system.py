# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is common to all modules, and the small ones: setup, win_ping, environment, host name, async_status."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from winsim.errors import Unmodelled
from winsim.host import Host
from winsim.modules import find_model, load_models

Run = Callable[..., dict[str, Any]]
PING = """
$spec = @{ options = @{ data = @{ type = 'str'; default = 'pong' }; secret = @{ type = 'str'; no_log = $true } }
    supports_check_mode = $true }
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
"""


def test_names_of_models() -> None:
    models = load_models()
    assert find_model("ansible.legacy.setup") is models["ansible.windows.setup"]
    assert find_model("slurp") is models["ansible.windows.slurp"]
    assert find_model("win_firewall_rule") is models["community.windows.win_firewall_rule"]
    assert find_model("other.collection.win_ping") is None


def test_ping(run: Run) -> None:
    assert run("win_ping") == {"changed": False, "ping": "pong"}
    crashed = run("win_ping", data="crash")
    assert crashed["msg"] == "Unhandled exception while executing module: boom"
    assert crashed["failed"]


def test_unmodelled_module_after_its_arguments_were_checked(run: Run) -> None:
    assert run("a.b.win_other", _source=PING, wrong=1)["failed"]
    with pytest.raises(Unmodelled, match=r"module a\.b\.win_other"):
        run("a.b.win_other", _source=PING)


@pytest.mark.parametrize(
    ("version", "internals", "there"),
    [
        ("2.19.0", {}, True),
        ("2.20.1", {}, True),
        ("2.21.0", {}, False),
        ("2.21.0", {"_ansible_inject_invocation": True}, True),
        ("2.22.0rc1", {"_ansible_inject_invocation": True}, True),
    ],
)
def test_invocation(run: Run, version: str, internals: dict[str, Any], there: bool) -> None:
    result = run("win_ping", data="x", _version=version + ".1", _internals=internals)
    assert ("invocation" in result) is there


def test_secrets_by_version(run: Run) -> None:
    old = run("win_ping", secret="s3cret", _source=PING, _version="2.20.0")
    assert old["invocation"]["module_args"]["secret"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    new = run("win_ping", secret="s3cret", _source=PING, _version="2.22.0")
    assert new["_ansible_new_secrets"] == ["s3cret"]
    known = run("win_ping", secret="s3cret", _source=PING, _version="2.22.0", _secrets=["s3cret"])
    assert "_ansible_new_secrets" not in known


def test_facts(run: Run, host: Host) -> None:
    host.network.add_address("fd00::11/64")
    facts = run("setup", filter=["*"])["ansible_facts"]  # gather_facts passes options that the spec lacks
    assert facts["ansible_os_family"] == "Windows"
    assert facts["ansible_distribution"] == "Microsoft Windows Server 2022 Datacenter"
    assert facts["ansible_distribution_version"] == "10.0.20348.0"
    assert facts["ansible_hostname"] == "WIN-STOR1"
    assert facts["ansible_windows_domain_member"] is False
    assert facts["ansible_ip_addresses"] == ["172.21.0.11", "fd00::11"]
    assert facts["ansible_interfaces"][0]["ipv4"] == {"address": "172.21.0.11", "prefix": "24"}
    assert facts["ansible_env"]["COMPUTERNAME"] == "WIN-STOR1"
    assert facts["ansible_processor_vcpus"] == 4
    assert facts["ansible_memtotal_mb"] == 8192
    assert facts["ansible_date_time"]["iso8601"].endswith("Z")
    assert facts["ansible_user_id"] == "Administrator"
    assert facts["ansible_uptime_seconds"] >= 3600
    assert facts["ansible_reboot_pending"] is False


SUBSETS = [
    (["!all"], {"ansible_hostname"}, {"ansible_memtotal_mb", "ansible_interfaces"}),
    (["!all", "!min"], set(), {"ansible_hostname", "ansible_memtotal_mb"}),
    (["!all", "!min", "memory"], {"ansible_memtotal_mb"}, {"ansible_hostname"}),
    (["!all", "network"], {"ansible_interfaces", "ansible_hostname"}, {"ansible_memtotal_mb"}),
    (["!hardware", "!nonsense"], {"ansible_interfaces"}, {"ansible_memtotal_mb"}),
    (["min"], {"ansible_memtotal_mb"}, set()),
]


@pytest.mark.parametrize(("asked", "there", "missing"), SUBSETS)
def test_gather_subset(run: Run, asked: list[str], there: set[str], missing: set[str]) -> None:
    facts = run("setup", gather_subset=asked)["ansible_facts"]
    assert there <= set(facts)
    assert not missing & set(facts)
    assert facts["gather_subset"] == asked


def test_facts_of_a_member_and_warnings(run: Run, host: Host) -> None:
    host.domain = "corp.example"
    host.network.adapters.clear()
    host.network.ensure_adapter("Ethernet 2")
    result = run("setup", gather_subset=["nonsense"], fact_path="C:\\none")
    assert result["warnings"] == [
        "invalid value nonsense specified in gather_subset",
        "Non existing path was set for local facts - C:\\none",
    ]
    assert result["ansible_facts"]["ansible_fqdn"] == "WIN-STOR1.corp.example"
    assert result["ansible_facts"]["ansible_windows_domain_role"] == "Member server"
    assert result["ansible_facts"]["ansible_interfaces"][0]["ipv4"] is not None


def test_local_facts(run: Run, host: Host) -> None:
    host.files.mkdir("C:\\facts")
    host.files.write("C:\\facts\\site.json", json.dumps({"rack": 3}).encode())
    facts = run("setup", fact_path="C:\\facts", gather_subset=["!all"])["ansible_facts"]
    assert facts["ansible_site"] == {"rack": 3}
    host.files.write("C:\\facts\\x.ps1", b"")
    with pytest.raises(Unmodelled, match="local facts"):
        run("setup", fact_path="C:\\facts", gather_subset=["!all"])


@pytest.mark.parametrize("level", ["machine", "user"])
def test_environment(check_first: Run, run: Run, host: Host, level: str) -> None:
    result = check_first("win_environment", name="Demo", value="one", level=level, state="present")
    assert result["values"]["Demo"] == {"changed": True, "after": "one", "before": None}
    assert host.env["Demo"] == "one"
    diff = run("win_environment", variables={"DEMO": "two", "Other": ""}, level=level, _diff=True)
    assert diff["diff"] == {"before": {level: {"DEMO": "one"}}, "after": {level: {"DEMO": "two"}}}
    assert run("win_environment", name="demo", level=level, state="absent")["changed"] is True
    assert "Demo" not in host.env
    removed = run("win_environment", name="demo", value="x", level=level, state="absent")
    assert (removed["changed"], len(removed["warnings"])) == (False, 1)
    assert "must be defined" in run("win_environment", name="x", level=level, state="present")["msg"]


def test_environment_of_the_process(run: Run, host: Host) -> None:
    assert run("win_environment", name="x", value="y", level="process")["changed"] is True
    assert "x" not in host.env
    assert run("win_environment", name="path", level="machine")["before_value"].startswith(
        "C:\\Windows\\system32"
    )


def test_path(check_first: Run, run: Run, host: Host) -> None:
    check_first("win_path", elements=["C:\\tools", "D:\\x"])
    assert host.env["Path"].endswith(";C:\\tools;D:\\x")
    assert run("win_path", elements="c:\\TOOLS\\")["changed"] is False
    check_first("win_path", elements="C:\\tools", state="absent")
    assert run("win_path", name="NEW", scope="user", elements="C:\\a")["path_value"] == "C:\\a"


def test_host_name(run: Run, host: Host) -> None:
    checked = run("win_hostname", name="NEW-NAME", _check=True, _diff=True)
    assert (checked["reboot_required"], checked["old_name"]) == (True, "WIN-STOR1")
    assert host.pending_name is None
    run("win_hostname", name="NEW-NAME")
    assert (host.name, host.reboot_pending) == ("WIN-STOR1", True)
    host.reboot()
    assert (host.name, host.env["COMPUTERNAME"], host.reboot_pending) == ("NEW-NAME", "NEW-NAME", False)
    assert run("win_hostname", name="new-name")["changed"] is False


def test_async_status(run: Run, host: Host) -> None:
    folder = host.files.normalise(host.env["USERPROFILE"]) + "\\.ansible_async"
    host.files.mkdir(folder)
    arguments: dict[str, Any] = {"jid": "j1.2", "_args": {"_async_dir": "%USERPROFILE%\\.ansible_async"}}
    assert run("async_status", **arguments)["msg"] == f"could not find job at '{folder}'"
    host.files.write(f"{folder}\\j1.2", b"")
    assert run("async_status", **arguments)["finished"] == 0
    host.files.write(f"{folder}\\j1.2", b'{"started": 1, "ansible_job_id": "j1.2"}')
    assert run("async_status", **arguments)["finished"] == 0
    host.files.write(f"{folder}\\j1.2", b'{"changed": true, "rc": 0}')
    assert run("async_status", **arguments) == {
        "changed": True,
        "rc": 0,
        "finished": 1,
        "ansible_job_id": "j1.2",
    }
    assert run("async_status", mode="cleanup", **arguments)["erased"] == f"{folder}\\j1.2"
    assert not host.files.exists(f"{folder}\\j1.2")

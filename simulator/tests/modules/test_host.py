# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as a whole: YAML, releases, reboot, network."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.host import Host, OsInfo, filetime, seconds_since_epoch
from winsim.network import Network

CONFIG: dict[str, Any] = {
    "computer_name": "WIN-A",
    "os": 2019,
    "edition": "standard-core",
    "domain": "corp.example",
    "users": {"Admin": "pw-Secret1"},
    "volumes": {
        "C": {"size": "100GiB", "free": "50 GiB"},
        "e": {"size": "1TiB", "filesystem": "ReFS", "label": "data"},
    },
    "addresses": ["10.0.0.5/24", {"address": "fd00::5/64", "interface": "Storage", "state": "Tentative"}],
    "clock_offset": -3600,
    "memory": "16GiB",
    "processors": 8,
    "environment": {"SITE": "lab"},
    "features": {"installed": ["Multipath-IO"], "unavailable": ["Hyper-V"], "removed": ["Telnet-Client"]},
    "services": {"Spooler": {"state": "stopped", "start_type": "disabled"}},
    "files": {
        "E:\\a\\b.txt": "text",
        "E:\\dir": None,
        "E:\\big.vhdx": {"size": "5GiB"},
        "E:\\d2": {"directory": True},
    },
    "registry": {
        "HKLM:\\SOFTWARE\\X": {"n": 1, "e": {"type": "expandstring", "data": "%TEMP%"}},
        "HKLM:\\SOFTWARE\\Y": None,
    },
}


def test_from_config() -> None:
    host = Host.from_config("a", CONFIG)
    assert (host.name, host.fqdn, host.user) == ("WIN-A", "WIN-A.corp.example", "Admin")
    assert (host.os.build, host.os.caption) == (17763, "Microsoft Windows Server 2019 Standard")
    assert host.files.volumes["E"].filesystem == "ReFS"
    assert host.files.volumes["E"].free == 2**40 - 5 * 2**30 - 4
    assert [a.state for a in host.network.external()] == ["Preferred", "Tentative"]
    assert host.network.has("FD00:0::5")
    assert host.features.get("Multipath-IO").state == "Installed"
    assert host.features.get("Telnet-Client").state == "Removed"
    assert host.features.find("Hyper-V") is None
    assert host.services.get("Spooler").start_type == "disabled"
    assert host.registry.data("HKLM:\\SOFTWARE\\X", "e") == "%TEMP%"
    assert host.files.read("E:\\a\\b.txt") == b"text"
    assert host.env["USERPROFILE"] == "C:\\Users\\Admin"
    assert host.env["SITE"] == "lab"
    assert host.hardware.memory == 16 * 2**30
    assert host.accounts.groups["administrators"].members == ["WIN-A\\Administrator", "WIN-A\\Admin"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"oss": 2022}, "unknown keys oss"),
    ({"os": 2008}, "unknown Windows Server release"),
    ({"edition": "home"}, "unknown edition"),
    ({"services": {"Spooler": {"colour": 1}}}, "unknown keys colour"),
    ({"volumes": {"C": {"size": "big"}}}, "not a size"),
    ({"addresses": ["10.0.0"]}, "does not appear to be"),
]


@pytest.mark.parametrize(("config", "text"), WRONG, ids=[text for _, text in WRONG])
def test_wrong_config(config: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Host.from_config("a", config)


def test_defaults() -> None:
    host = Host.from_config("storage-node-with-long-name", {})
    assert host.name == "STORAGE-NODE-WI"
    assert host.files.is_file("C:\\Windows\\System32\\cmd.exe")
    assert host.fqdn == host.name
    assert OsInfo.of("2012r2").version == "6.3.9600"
    assert not Host.from_config("b", {"volumes": {"D": None}}).files.exists("C:\\")


def test_reboot() -> None:
    host = Host.standard()
    before = host.boot_time
    assert host.uptime() >= 3600
    host.reboot_pending_reasons.add("test")
    host.reboot()
    host.reboot()
    assert host.boot_time > before
    assert host.reboots == 2
    assert not host.reboot_pending
    assert filetime(host.boot_time) > filetime(before) > 0
    assert host.clock.filetime() > filetime(before)
    assert seconds_since_epoch(host.boot_time) > 1.6e9


def test_network() -> None:
    network = Network()
    network.load(["10.0.0.1/8"])
    adapter = network.adapter("ethernet")
    assert adapter is not None
    assert network.ensure_adapter("Ethernet") is adapter
    assert network.ensure_adapter("Second").description.endswith("#2")
    assert network.adapter("none") is None
    assert network.has("127.0.0.1")
    assert not network.has("10.0.0.2")

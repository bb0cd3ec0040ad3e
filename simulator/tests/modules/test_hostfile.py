# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the hosts file: what they make of a host, and that a misspelt one is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from winsim.cmdlets import CmdletError, call
from winsim.files import ATTRIBUTES
from winsim.host import CONFIG_KEYS, Host
from winsim.pending import KEYS, RENAMES, SESSION_MANAGER
from winsim.world import World

POLICY = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
TARGET = "FS-iSCSITarget-Server"

MISSPELT: list[tuple[dict[str, Any], str]] = [
    ({"filterd_token": True}, "unknown keys filterd_token"),
    ({"filtered_token": "yes"}, "filtered_token must be true or false, not 'yes'"),
    ({"ps_edition": "core"}, "ps_edition must be one of Desktop, Core, not 'core'"),
    ({"language": "fr"}, "language must be one of en, de, not 'fr'"),
    ({"domain_role": 5}, "domain_role 5: must be one of 2 without a domain"),
    ({"domain": "corp.example", "domain_role": 2}, "domain_role 2: must be one of 3, 4, 5 in the domain"),
    ({"domain": "corp.example", "domain_role": True}, "domain_role True"),
    ({"reboot_pending": ["servicing", "updates"]}, "reboot_pending: unknown reason updates"),
    ({"features": {"instaled": []}}, "features: unknown keys instaled"),
    ({"features": {"fails_while_pending": 1}}, "features: fails_while_pending must be true or false"),
    ({"services": {"Nothing": {}}}, "service Nothing: this host has no such service"),
    ({"features": {"restart": ["Nothing"]}}, "feature name is not valid: 'Nothing'"),
    ({"services": {"W32Time": {"startmode": "auto"}}}, "service W32Time: unknown keys startmode"),
    ({"services": {"W32Time": {"triggers": ["start/network"]}}}, "service W32Time: trigger must be one of"),
    ({"files": {"C:\\a": {"directory": True, "atributes": []}}}, "file C:.*unknown keys atributes"),
    (
        {"files": {"C:\\a": {"directory": True, "attributes": ["Reparse"]}}},
        "file C:.*attribute must be one of",
    ),
    ({"files": {"C:\\a": {"target": "D:\\b", "link": "Hard"}}}, "link must be one of Junction, SymbolicLink"),
    ({"volumes": {"C": {"sise": "1GiB"}}}, "volume C: unknown keys sise"),
    ({"registry": {"HKLM:\\SOFTWARE\\X": {"n": {"value": 1}}}}, "registry .*unknown keys value"),
    ({"addresses": [{"address": "10.0.0.1/8", "status": "Tentative"}]}, "address: unknown keys status"),
    (
        {"addresses": [{"address": "10.0.0.1/8", "state": "Pending"}]},
        "state must be one of Invalid, Tentative",
    ),
    ({"cluster": {"name": "CL1", "group": []}}, "cluster: unknown keys group"),
    ({"cluster": {"groups": ["FS1"]}}, "cluster: a name is needed"),
]


@pytest.mark.parametrize(("config", "text"), MISSPELT, ids=[text for _, text in MISSPELT])
def test_a_misspelt_key_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Host.from_config("a", config)


def test_the_example_of_the_readme() -> None:
    """It shows every key, and makes a host."""
    readme = Path(__file__).parents[2] / "README.md"
    found = re.search(r"```yaml\n(hosts:.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    mapping = yaml.safe_load(found[1])["hosts"]["win2022a"]
    assert set(mapping) == CONFIG_KEYS | {"winrm"}
    host = World({"win2022a": mapping})["win2022a"].host
    assert host.elevated
    assert [disk.path for disk in host.iscsi.disks.values()] == ["D:\\iscsi\\a.vhdx", "ramdisk:cache.vhdx"]


@pytest.mark.parametrize(
    ("config", "elevated"),
    [
        ({}, True),
        ({"filtered_token": True}, False),
        ({"filtered_token": True, "registry": {POLICY: {"LocalAccountTokenFilterPolicy": 1}}}, True),
        ({"filtered_token": True, "registry": {POLICY: {"LocalAccountTokenFilterPolicy": 0}}}, False),
    ],
)
def test_the_filtered_token_of_local_accounts(config: dict[str, Any], elevated: bool) -> None:
    """facts, Host: a filtered token over the network unless LocalAccountTokenFilterPolicy is 1."""
    assert Host.standard(**config).elevated is elevated


def test_edition_of_powershell_and_language() -> None:
    assert (Host.standard().ps_edition, Host.standard().language) == ("Desktop", "en")
    host = Host.standard(ps_edition="Core", language="de")
    assert (host.ps_edition, host.language) == ("Core", "de")
    (system,) = call(host, "Get-CimInstance", {"ClassName": "Win32_OperatingSystem"})
    assert system.get("OSLanguage") == 1031


@pytest.mark.parametrize(
    ("config", "role", "product_type"),
    [
        ({}, 2, 3),
        ({"domain": "corp.example"}, 3, 3),
        ({"domain": "corp.example", "domain_role": 4}, 4, 2),
        ({"domain": "corp.example", "domain_role": 5}, 5, 2),
    ],
)
def test_the_role_in_the_domain(config: dict[str, Any], role: int, product_type: int) -> None:
    host = Host.standard(**config)
    (computer,) = call(host, "Get-CimInstance", {"ClassName": "Win32_ComputerSystem"})
    (system,) = call(host, "Get-CimInstance", {"ClassName": "Win32_OperatingSystem"})
    assert (computer.get("DomainRole"), computer.get("PartOfDomain")) == (role, "domain" in config)
    assert system.get("ProductType") == product_type


# Pending restarts ---------------------------------------------------------------------------------------------


def places(host: Host) -> list[bool]:
    return [
        host.registry.exists(KEYS["servicing"]),
        host.registry.exists(KEYS["windows_update"]),
        host.registry.exists(SESSION_MANAGER, RENAMES),
    ]


def test_where_windows_notes_that_it_waits_for_a_restart() -> None:
    host = Host.standard()
    assert places(host) == [False, False, False]
    assert not host.reboot_pending
    for index, reason in enumerate(("servicing", "windows_update", "file_rename")):
        waiting = Host.standard(reboot_pending=[reason])
        assert places(waiting) == [place == index for place in range(3)]
        assert waiting.reboot_pending
        waiting.reboot()
        assert places(waiting) == [False, False, False]
        assert not waiting.reboot_pending


def test_a_feature_that_wants_a_restart_is_not_there_before_it() -> None:
    """facts, iSCSI target, Install (RestartNeeded); knob: the feature wants a restart."""
    host = Host.standard(features={"restart": [TARGET]})
    assert places(host) == [False, False, False]
    (result,) = call(host, "Install-WindowsFeature", {"Name": TARGET})
    assert (str(result.get("RestartNeeded")), str(result.get("ExitCode"))) == (
        "Yes",
        "SuccessRestartRequired",
    )
    assert places(host) == [True, False, False]
    (found,) = call(host, "Get-WindowsFeature", {"Name": TARGET})
    assert (str(found.get("InstallState")), found.get("Installed")) == ("InstallPending", False)
    assert host.services.find("WinTarget") is None
    with pytest.raises(CmdletError, match="is not recognized"):
        call(host, "Get-IscsiVirtualDisk", {})
    host.reboot()
    assert host.services.get("WinTarget").running
    assert call(host, "Get-IscsiVirtualDisk", {}) == []
    assert places(host) == [False, False, False]


@pytest.mark.parametrize("pending", [[], ["windows_update"]])
def test_get_windows_feature_fails_during_a_pending_restart(pending: list[str]) -> None:
    """facts, iSCSI target: Get-WindowsFeature fails during a pending reboot on some builds."""
    host = Host.standard(features={"fails_while_pending": True}, reboot_pending=pending)
    if pending:
        with pytest.raises(CmdletError, match="needs to be restarted") as caught:
            call(host, "Get-WindowsFeature", {"Name": TARGET})
        assert caught.value.error_id.endswith("GetWindowsFeatureCommand")
        host.reboot()
    assert len(call(host, "Get-WindowsFeature", {"Name": TARGET})) == 1


# Files --------------------------------------------------------------------------------------------------------

LINKS: dict[str, Any] = {
    "D:\\real\\inner\\x.txt": "text",
    "D:\\short": {"target": "D:\\real"},
    "D:\\file.txt": {"target": "D:\\real\\inner\\x.txt", "link": "SymbolicLink"},
    "D:\\mounted": {"directory": True, "attributes": ["ReparsePoint"]},
    "D:\\round": {"target": "D:\\round\\again"},
    "D:\\lost": {"target": "D:\\nowhere"},
}


def test_reparse_points_are_seen_and_followed() -> None:
    host = Host.standard(files=LINKS)
    shown = {}
    for item in call(host, "Get-ChildItem", {"LiteralPath": "D:\\", "Force": True}):
        shown[item.get("Name")] = (str(item.get("Attributes")), item.get("LinkType"), item.get("Target"))
    assert shown == {
        "real": ("Directory", None, []),
        "short": ("Directory, ReparsePoint", "Junction", ["D:\\real"]),
        "file.txt": ("Archive, ReparsePoint", "SymbolicLink", ["D:\\real\\inner\\x.txt"]),
        "mounted": ("Directory, ReparsePoint", None, []),
        "round": ("Directory, ReparsePoint", "Junction", ["D:\\round\\again"]),
        "lost": ("Directory, ReparsePoint", "Junction", ["D:\\nowhere"]),
    }
    assert host.files.read("D:\\short\\INNER\\x.txt") == b"text"
    assert [node.name for node in host.files.list("D:\\short")] == ["inner"]
    host.files.write("D:\\short\\new.txt", b"1")
    assert host.files.is_file("D:\\real\\new.txt")
    assert not host.files.exists("D:\\round\\again")
    assert not host.files.exists("D:\\lost\\x")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("D:\\real\\inner\\x.txt", None),
        ("d:/SHORT/inner", "D:\\short"),
        ("D:\\mounted\\new\\x.vhdx", "D:\\mounted"),
        ("D:\\nothing\\here", None),
        ("D:\\", None),
    ],
)
def test_the_reparse_point_of_a_path(path: str, found: str | None) -> None:
    assert Host.standard(files=LINKS).files.reparse_point(path) == found


def test_attributes_print_by_value() -> None:
    host = Host.standard(files={"D:\\d": {"directory": True, "attributes": list(reversed(ATTRIBUTES))}})
    (item,) = call(host, "Get-Item", {"LiteralPath": "D:\\d"})
    assert str(item.get("Attributes")) == ", ".join(ATTRIBUTES)


# Addresses and services ---------------------------------------------------------------------------------------


def test_states_of_addresses() -> None:
    """facts, Seen by the first review: AddressState Preferred, Tentative, Duplicate, Deprecated."""
    states = ("Preferred", "Tentative", "Duplicate", "Deprecated")
    addresses = [{"address": f"10.0.0.{index}/24", "state": state} for index, state in enumerate(states, 1)]
    host = Host.standard(addresses=addresses)
    found = call(host, "Get-NetIPAddress", {"IPAddress": "10.*"})
    assert [str(item.get("AddressState")) for item in found] == list(states)
    (one,) = call(host, "Get-NetIPAddress", {"AddressState": "Duplicate"})
    assert one.get("IPAddress") == "10.0.0.3"


def test_a_link_local_address_has_the_index_of_its_interface() -> None:
    host = Host.standard(addresses=["fe80::1/64"])
    (found,) = call(host, "Get-NetIPAddress", {"IPAddress": "fe80*"})
    assert found.get("IPAddress") == f"fe80::1%{found.get('InterfaceIndex')}"
    assert host.network.has("fe80::1")


def test_exit_codes_of_services() -> None:
    """Win32_Service.ExitCode: 1077 is ERROR_SERVICE_NEVER_STARTED."""
    host = Host.standard(services={"Spooler": {"fail_start": 1053}, "BITS": {"exit_code": 5}})

    def codes() -> dict[str, int]:
        found = call(host, "Get-CimInstance", {"ClassName": "Win32_Service"})
        names = ("Spooler", "BITS", "W32Time")
        return {item.get("Name"): item.get("ExitCode") for item in found if item.get("Name") in names}

    assert codes() == {"Spooler": 0, "BITS": 5, "W32Time": 1077}
    host.services.stop("Spooler")
    with pytest.raises(CmdletError):
        call(host, "Start-Service", {"Name": "Spooler"})
    call(host, "Start-Service", {"Name": "W32Time"})
    assert codes() == {"Spooler": 1053, "BITS": 5, "W32Time": 0}


def test_properties_of_wmi_queries() -> None:
    host = Host.standard()
    given = {"ClassName": "Win32_Service", "Filter": "Name='W32Time'"}
    (found,) = call(host, "Get-CimInstance", {**given, "Property": ["state", "DelayedAutoStart"]})
    shown = {name: value for name, value in found.properties.items() if value is not None}
    assert shown == {"State": "Stopped", "DelayedAutoStart": False}
    with pytest.raises(Exception, match="the property Sate of the WMI class Win32_Service"):
        call(host, "Get-CimInstance", {**given, "Property": ["Sate"]})
    old = Host.standard(os="2012r2")
    with pytest.raises(Exception, match="the property DelayedAutoStart"):
        call(old, "Get-CimInstance", {**given, "Property": ["DelayedAutoStart"]})


# Clusters -----------------------------------------------------------------------------------------------------


def test_a_node_of_a_failover_cluster() -> None:
    """facts, iSCSI target: ClusSvc, HKLM:\\Cluster; cluster shared volumes are reparse points."""
    assert not Host.standard().registry.exists("HKLM:\\Cluster")
    host = Host.standard(cluster={"name": "CL1", "groups": ["FS1", "FS2"], "volumes": ["Volume1"]})
    assert host.registry.data("HKLM:\\Cluster", "ClusterName") == "CL1"
    names = [host.registry.data(path, "Name") for path in host.registry.walk("HKLM:\\Cluster\\Groups")]
    assert sorted(str(name) for name in names) == ["FS1", "FS2"]
    assert host.services.get("ClusSvc").running
    assert host.services.get("ClusSvc").start_type == "auto"
    assert host.features.is_installed("Failover-Clustering")
    assert not host.reboot_pending
    assert host.files.reparse_point("C:\\ClusterStorage\\Volume1\\x.vhdx") == "C:\\ClusterStorage\\Volume1"
    host.reboot()
    assert host.services.get("ClusSvc").running

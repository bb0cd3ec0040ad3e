# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Features: editions, dependencies, restarts; win_feature in both of its forms and win_feature_info."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from winsim.errors import FeatureError
from winsim.features import FeatureManager
from winsim.host import Host, OsInfo

Run = Callable[..., dict[str, Any]]
ISCSI = "FS-iSCSITarget-Server"
LEGACY = """
$params = Parse-Args $args -supports_check_mode $true
$name = Get-AnsibleParam -obj $params -name "name" -type "list" -failifempty $true
$state = Get-AnsibleParam -obj $params -name "state" -type "str" -default "present" -validateset "present", "absent"
$sub = Get-AnsibleParam -obj $params -name "include_sub_features" -type "bool" -default $false
$tools = Get-AnsibleParam -obj $params -name "include_management_tools" -type "bool" -default $false
$source = Get-AnsibleParam -obj $params -name "source" -type "str"
"""


def test_install_brings_parents_and_needs(check_first: Run, host: Host) -> None:
    result = check_first("win_feature", name=ISCSI, state="present")
    assert [item["display_name"] for item in result["feature_result"]] == [
        "File and iSCSI Services", "File Server", "iSCSI Target Server",
    ]  # fmt: skip
    assert (result["exitcode"], result["success"], result["reboot_required"]) == ("Success", True, False)
    assert host.services.get("WinTarget").running


def test_nothing_to_do(run: Run) -> None:
    result = run("win_feature", name="Storage-Services")
    assert (result["changed"], result["exitcode"], result["feature_result"]) == (False, "NoChangeNeeded", [])


def test_absent_removes_the_service(run: Run, host: Host) -> None:
    run("win_feature", name=[ISCSI])
    result = run("win_feature", name=ISCSI, state="absent")
    assert [item["display_name"] for item in result["feature_result"]] == ["iSCSI Target Server"]
    assert host.services.find("WinTarget") is None
    assert run("win_feature", name=ISCSI, state="absent")["exitcode"] == "NoChangeNeeded"


def test_absent_takes_dependants_along(run: Run, host: Host) -> None:
    run("win_feature", name=ISCSI)
    result = run("win_feature", name="FS-FileServer", state="absent")
    assert {item["display_name"] for item in result["feature_result"]} == {
        "File Server",
        "iSCSI Target Server",
    }
    assert result["reboot_required"] is True
    assert host.features.get("FS-FileServer").state == "UninstallPending"
    assert run("win_feature", name="FS-FileServer", state="absent")["exitcode"] == "NoChangeNeeded"
    host.reboot()
    assert host.features.get("FS-FileServer").state == "Available"


def test_restart_is_pending_until_the_reboot(run: Run, host: Host) -> None:
    check = run("win_feature", name="Hyper-V", include_management_tools=True, _check=True)
    assert (check["changed"], check["reboot_required"]) == (True, False)  # "Maybe" is no yes
    result = run("win_feature", name="Hyper-V", include_management_tools=True)
    assert (result["reboot_required"], result["exitcode"]) == (True, "SuccessRestartRequired")
    assert host.features.is_installed("Hyper-V-PowerShell")
    assert not host.features.is_installed("Hyper-V")
    assert host.services.find("vmms") is None
    again = run("win_feature", name="Hyper-V")
    assert (again["changed"], again["reboot_required"]) == (False, True)
    assert host.reboot_pending
    host.reboot()
    assert host.features.is_installed("Hyper-V")
    assert host.services.get("vmms").running
    assert not host.reboot_pending


def test_pending_installation_can_be_taken_back(run: Run, host: Host) -> None:
    run("win_feature", name="Multipath-IO")
    run("win_feature", name="Multipath-IO", state="absent")
    assert host.features.get("Multipath-IO").state == "Available"
    run("win_feature", name="Multipath-IO")
    host.reboot()
    run("win_feature", name="Multipath-IO", state="absent")
    run("win_feature", name="Multipath-IO")
    assert host.features.get("Multipath-IO").state == "Installed"


def test_sub_features(run: Run, host: Host) -> None:
    run("win_feature", name="Web-Server", include_sub_features=True)
    assert host.features.is_installed("Web-Ftp-Service")
    assert host.features.is_installed("Web-CGI")
    assert host.services.get("W3SVC").running


def test_default_role_services(run: Run, host: Host) -> None:
    run("win_feature", name="Web-Server")
    assert host.features.is_installed("Web-Default-Doc")
    assert not host.features.is_installed("Web-CGI")
    assert not host.features.is_installed("Web-Mgmt-Console")
    run("win_feature", name="Web-Server", state="absent")
    assert not host.features.is_installed("Web-WebServer")


def test_unknown_feature_fails(run: Run) -> None:
    result = run("win_feature", name="No-Such-Feature")
    assert result["failed"]
    assert "The role, role service, or feature name is not valid: 'No-Such-Feature'" in result["msg"]


@pytest.mark.parametrize(("state", "verb"), [("present", "install"), ("absent", "uninstall")])
def test_unknown_feature_in_the_legacy_module(run: Run, state: str, verb: str) -> None:
    result = run("win_feature", name="Nope", state=state, _source=LEGACY)
    assert result["msg"].startswith(f"Failed to {verb} Windows Feature: ArgumentNotValid: ")


def test_source(run: Run, host: Host) -> None:
    missing = run("win_feature", name="NET-Framework-Core", source="E:\\sources\\sxs")
    assert missing["msg"] == "Failed to find source path E:\\sources\\sxs for feature install"
    assert (
        run("win_feature", name="NET-Framework-Core", _check=True)["changed"] is True
    )  # from Windows Update
    host.features.mark_removed(["NET-Framework-Core"])
    refused = run("win_feature", name="NET-Framework-Core")
    assert "The source files could not be found." in refused["msg"]
    host.files.mkdir("D:\\sources\\sxs")
    assert run("win_feature", name="NET-Framework-Core", source="D:\\sources\\sxs")["changed"] is True


def test_wrong_option(run: Run) -> None:
    assert run("win_feature", name=ISCSI, state="there")["failed"]


def test_info(run: Run) -> None:
    result = run("win_feature_info", name="fs-iscsi*")
    assert result["exists"] is True
    feature = result["features"][0]
    assert feature["name"] == ISCSI
    assert feature["install_state"] == "Available"
    assert feature["depth"] == 3
    assert feature["parent"] == "File-Services"
    assert feature["system_service"] == ["WinTarget"]
    assert run("win_feature_info", name="Nope") == {"changed": False, "exists": False, "features": []}
    assert len(run("win_feature_info")["features"]) > 150


@pytest.mark.parametrize(
    ("release", "edition", "name", "there"),
    [
        ("2022", "datacenter", "Storage-Replica", True),
        ("2022", "standard", "Storage-Replica", False),
        ("2012r2", "datacenter", "Containers", False),
        ("2025", "datacenter", "SMTP-Server", False),
        ("2022", "datacenter-core", "Hyper-V-Tools", False),
        ("2016", "nano", ISCSI, False),
        ("2019", "hyperv", ISCSI, False),
        ("2019", "hyperv", "Hyper-V", True),
        ("2016", "standard-core", ISCSI, True),
    ],
)
def test_editions(release: str, edition: str, name: str, there: bool) -> None:
    assert (FeatureManager(release, edition).find(name) is not None) is there


def test_manager_by_itself() -> None:
    manager = FeatureManager("2022", unavailable=[ISCSI])
    with pytest.raises(FeatureError, match="name was not found"):
        manager.get(ISCSI)
    manager.mark_removed(["Telnet-Client"])
    with pytest.raises(FeatureError, match="source files"):
        manager.install(["Telnet-Client"])


@pytest.mark.parametrize(("release", "version"), [("2012r2", "4.5"), ("2019", "4.7"), ("2022", "4.8")])
def test_the_framework_of_the_release(release: str, version: str) -> None:
    host = Host("a", os=OsInfo.of(release))
    names = [feature.display_name for feature in host.features if feature.name.endswith("45-Core")]
    assert names == [f".NET Framework {version}"]

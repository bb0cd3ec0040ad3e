# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install- and Uninstall-WindowsFeature."""

from __future__ import annotations

from typing import Any

import pytest

from winsim.cmdlets import CmdletError, call
from winsim.errors import Unmodelled
from winsim.host import Host

TARGET = "FS-iSCSITarget-Server"


@pytest.fixture
def host() -> Host:
    return Host.standard()


def operate(host: Host, command: str, **params: Any) -> tuple[bool, str, str, list[str]]:
    (result,) = call(host, command, params)
    return (
        result.get("Success"),
        str(result.get("RestartNeeded")),
        str(result.get("ExitCode")),
        [str(item) for item in result.get("FeatureResult")],
    )


def state(host: Host, name: str = TARGET) -> str:
    (found,) = call(host, "Get-WindowsFeature", {"Name": name})
    return str(found.get("InstallState"))


def test_install_as_a_transcript_shows_it(host: Host) -> None:
    """facts, iSCSI Target Server, Install: Success True, RestartNeeded No, ExitCode Success, three features."""
    names = ["File and iSCSI Services", "File Server", "iSCSI Target Server"]
    assert operate(host, "Install-WindowsFeature", Name=TARGET) == (True, "No", "Success", names)
    assert state(host) == "Installed"
    assert host.services.get("WinTarget").running
    assert call(host, "Get-IscsiVirtualDisk", {}) == []
    assert operate(host, "Install-WindowsFeature", Name=[TARGET]) == (True, "No", "NoChangeNeeded", [])


def test_a_feature_object_is_a_name(host: Host) -> None:
    found = call(host, "Get-WindowsFeature", {"Name": "Telnet-Client"})
    operate(host, "Install-WindowsFeature", Name=found)
    assert state(host, "Telnet-Client") == "Installed"


def test_uninstall(host: Host) -> None:
    operate(host, "Install-WindowsFeature", Name=TARGET, IncludeManagementTools=True, Confirm=False)
    assert operate(host, "Uninstall-WindowsFeature", Name=TARGET)[:3] == (True, "No", "Success")
    assert state(host) == "Available"
    assert host.services.find("WinTarget") is None
    assert operate(host, "Uninstall-WindowsFeature", Name=TARGET)[2] == "NoChangeNeeded"
    with pytest.raises(CmdletError, match="is not recognized"):
        call(host, "Get-IscsiVirtualDisk", {})


def test_a_restart_that_is_needed(host: Host) -> None:
    result = operate(host, "Install-WindowsFeature", Name="Hyper-V")
    assert result == (True, "Yes", "SuccessRestartRequired", ["Hyper-V"])
    assert state(host, "Hyper-V") == "InstallPending"
    assert host.services.find("vmms") is None
    host.reboot()
    assert state(host, "Hyper-V") == "Installed"


def test_subfeatures_and_a_missing_payload(host: Host) -> None:
    assert (
        len(operate(host, "Install-WindowsFeature", Name="SNMP-Service", IncludeAllSubFeature=True)[3]) == 2
    )
    bare = Host.standard(features={"removed": ["Telnet-Client"]})
    with pytest.raises(CmdletError, match="0x800f081f") as caught:
        call(bare, "Install-WindowsFeature", {"Name": "Telnet-Client", "Source": "D:\\none"})
    assert caught.value.error_id.endswith("Microsoft.Windows.ServerManager.Commands.AddWindowsFeatureCommand")
    bare.files.mkdir("D:\\sxs")
    operate(bare, "Install-WindowsFeature", Name="Telnet-Client", Source=["D:\\none", "D:\\sxs"])
    assert state(bare, "Telnet-Client") == "Installed"


@pytest.mark.parametrize(
    ("command", "class_name"), [("Install", "AddWindowsFeature"), ("Uninstall", "RemoveWindowsFeature")]
)
def test_an_unknown_name(host: Host, command: str, class_name: str) -> None:
    with pytest.raises(CmdletError, match="feature name is not valid: 'Nothing'") as caught:
        call(host, f"{command}-WindowsFeature", {"Name": "Nothing"})
    assert caught.value.error_id == (
        f"NameDoesNotExist,Microsoft.Windows.ServerManager.Commands.{class_name}Command"
    )


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("Install-WindowsFeature", {"Name": TARGET, "Restart": True}),
        ("Install-WindowsFeature", {"ConfigurationFilePath": "C:\\x.xml"}),
        ("Uninstall-WindowsFeature", {"Name": TARGET, "Remove": True}),
    ],
)
def test_not_modelled(host: Host, command: str, params: dict[str, Any]) -> None:
    with pytest.raises(Unmodelled, match=command):
        call(host, command, params)


def test_nano_has_no_such_module() -> None:
    for command in ("Install-WindowsFeature", "Uninstall-WindowsFeature"):
        with pytest.raises(CmdletError, match=f"'{command}' is not recognized"):
            call(Host.standard(os="2016", edition="nano"), command, {"Name": TARGET})

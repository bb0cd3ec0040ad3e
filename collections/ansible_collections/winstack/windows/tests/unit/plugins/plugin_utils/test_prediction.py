# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode may take for granted."""

from __future__ import annotations

from ansible_collections.winstack.windows.plugins.plugin_utils._prediction import predicted
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Failure, Section

FEATURE = "FS-iSCSITarget-Server"
NO_CMDLET = Section(
    ok=False, error=Failure("System.Management.Automation.CommandNotFoundException", "x", "Unknown.", "0x1")
)
FRESH = {
    "features": Section(
        data=[
            {"Name": FEATURE, "InstallState": "Available"},
            {"Name": "Hyper-V", "InstallState": "Available"},
        ]
    ),
    "services": Section(
        data=[{"Name": "WinRM", "State": "Running", "StartMode": "Auto", "StartName": "NetworkService"}]
    ),
    "addresses": Section(
        data=[{"IPAddress": address} for address in ("10.0.0.5", "127.0.0.1", "fe80::1%4", "::1")]
    ),
    "iscsi_virtual_disks": NO_CMDLET,
    "wt_disks": NO_CMDLET,
}


def test_nothing_predicted_changes_nothing() -> None:
    assert predicted(FRESH, []) == {"features": FRESH["features"]}


def test_a_feature_is_taken_as_installed() -> None:
    states = {row["Name"]: row["InstallState"] for row in predicted(FRESH, ["Hyper-V"])["features"].data}
    assert states == {FEATURE: "Available", "Hyper-V": "Installed"}


def test_a_feature_of_which_only_the_name_is_known() -> None:
    changed = predicted(FRESH, ["Odd"])
    assert {"Name": "Odd", "InstallState": "Installed"} in changed["features"].data
    assert list(changed) == ["features"]


def test_the_iscsi_target_server_is_new_running_and_empty() -> None:
    changed = predicted(FRESH, [FEATURE])
    assert [row["Name"] for row in changed["services"].data] == ["WinRM", "WinTarget"]
    assert changed["services"].data[1]["State"] == "Running"
    for name in ("iscsi_virtual_disks", "iscsi_server_targets", "wt_disks", "wt_hosts", "wt_portals"):
        assert changed[name] == Section()
    [setting] = changed["iscsi_target_server_setting"].data
    assert [portal["IPEndpoint"] for portal in setting["Portals"]] == ["10.0.0.5:3260", "[fe80::1]:3260"]
    assert all(portal["Enabled"] for portal in setting["Portals"])


def test_predicting_twice_is_predicting_once() -> None:
    once = FRESH | predicted(FRESH, [FEATURE])
    assert once | predicted(once, [FEATURE]) == once

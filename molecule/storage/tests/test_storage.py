# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target servers that converge.yml made, as ansible.windows and our gathered states tell them."""

from __future__ import annotations

from typing import Any

import pytest

FOLDER = "D:\\iSCSIVirtualDisks"
FOREIGN = f"{FOLDER}\\volume-11111111-2222-3333-4444-555555555555.VHDX"
ADDRESSES = {"storage-fresh": "172.22.0.11", "storage-cinder": "172.22.0.12"}


@pytest.fixture(scope="module")
def disks(ask: Any) -> dict[str, dict[str, Any]]:
    objects = ask("winstack.windows.iscsi_virtual_disk", state="gathered")["objects"]
    return {disk["key"]: disk["options"] | {"protected": disk["protected"]} for disk in objects}


@pytest.fixture(scope="module")
def target(ask: Any) -> dict[str, Any]:
    gathered = ask("winstack.windows.iscsi_server_target", state="gathered")["gathered"]
    (found,) = [item for item in gathered if item["name"] == "data"]
    return dict(found)


def test_the_service_runs_and_starts_with_windows(ask: Any) -> None:
    (service,) = ask("ansible.windows.win_service_info", name="WinTarget")["services"]
    assert (service["state"], service["start_mode"]) == ("started", "auto")


def test_the_folder_is_there(ask: Any) -> None:
    assert ask("ansible.windows.win_stat", path=FOLDER)["stat"]["isdir"]


def test_only_the_wanted_portal_listens(ask: Any, name: str) -> None:
    (server,) = ask("winstack.windows.wintarget", state="gathered")["gathered"]
    portals = server["portals"]
    assert [portal["address"] for portal in portals if portal["enabled"]] == [ADDRESSES[name]]


@pytest.mark.parametrize(
    ("file", "size", "kind", "enabled"),
    [("data.vhdx", 20 * 1024**3, "dynamic", True), ("small.vhdx", 512 * 1024**2, "fixed", False)],
)
def test_disks(disks: Any, file: str, size: int, kind: str, enabled: bool) -> None:
    disk = disks[f"{FOLDER}\\{file}"]
    assert (disk["size"], disk["type"], disk["enabled"]) == (size, kind, enabled)


def test_the_files_are_there(ask: Any) -> None:
    # No checksum: the target server holds the file open.
    stat = ask("ansible.windows.win_stat", path=f"{FOLDER}\\data.vhdx", get_checksum=False)["stat"]
    assert stat["exists"]


def test_the_target_serves_the_disks(target: Any) -> None:
    luns = {lun["path"]: lun["lun"] for lun in target["luns"]}
    assert luns == {f"{FOLDER}\\data.vhdx": 3, f"{FOLDER}\\small.vhdx": 0}


def test_the_target_admits_the_initiators(target: Any) -> None:
    shown = {text.lower() for text in target["initiator_ids"]}
    assert shown == {"iqn:iqn.1993-08.org.debian:01:node1", "ipaddress:172.22.0.50"}
    assert target["chap"] == {"enabled": True, "username": "node"}


def test_what_cinder_owns_is_as_it_was(disks: Any, name: str) -> None:
    foreign = disks.get(FOREIGN)
    if name == "storage-cinder":
        assert foreign is not None
        assert (foreign["enabled"], bool(foreign["protected"])) == (False, True)
    else:
        assert foreign is None

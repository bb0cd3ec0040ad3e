# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the nova driver of Open vStorage, ported: it is called as nova calls drivers today.

It is written from the base class in nova.virt.libvirt.volume.volume and from the guest disk that winstack.openstack adds.
"""

from __future__ import annotations

import re
from typing import Any

from nova.virt.libvirt import config as vconfig
from nova.virt.libvirt.volume import volume as libvirt_volume

LOCATION = re.compile(r"openvstorage\+(?P<transport>tcp|rdma):(?P<host>[^/:]+):(?P<port>[0-9]+)/(?P<name>.+)")


class LibvirtOpenvStorageEdgeVolumeDriver(libvirt_volume.LibvirtBaseVolumeDriver):  # type: ignore[misc]
    """Lets qemu open volumes by themselves."""

    def __init__(self, host: Any) -> None:
        super().__init__(host, is_block_dev=False)

    def get_config(self, connection_info: dict[str, Any], disk_info: dict[str, Any]) -> Any:
        """Give the guest's disk."""
        found = LOCATION.match(connection_info["data"]["device_path"])
        if found is None:
            raise ValueError("device_path is not the location of an Edge volume")
        disk = vconfig.LibvirtConfigOpenvStorageEdgeGuestDisk()
        disk.source_name = found["name"]
        disk.source_host_name, disk.source_host_port = found["host"], found["port"]
        disk.source_host_transport = found["transport"]
        disk.target_dev, disk.target_bus = disk_info["dev"], disk_info["bus"]
        disk.serial = connection_info.get("serial")
        return disk

    def connect_volume(self, connection_info: dict[str, Any], instance: Any) -> None:
        """The host attaches nothing."""

    def disconnect_volume(self, connection_info: dict[str, Any], instance: Any, force: bool = False) -> None:
        """The host has nothing to take away."""

    def extend_volume(self, connection_info: dict[str, Any], instance: Any, requested_size: int) -> int:
        """The host has no device; qemu is told the size."""
        return requested_size

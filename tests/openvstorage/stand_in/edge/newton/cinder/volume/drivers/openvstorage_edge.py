# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the cinder driver of Open vStorage: the same path, class and options, and volumes that exist in memory.

It is written from the documentation of cinder's driver interface, for cinder 16 and later.
"""

from __future__ import annotations

import sys
from typing import Any

from cinder import exception
from cinder.volume import driver
from oslo_config import cfg
from oslo_log import log as logging

sys.path.append("/opt/OpenvStorage")
from ci.api_lib.client import Client, Unreachable

LOG = logging.getLogger(__name__)
OPTIONS = [
    cfg.StrOpt("management_ips", default="", help="Addresses of master nodes, with commas between them"),
    cfg.StrOpt("vpool_guid", default="", help="The vPool"),
    cfg.StrOpt("username", default="", help="The account"),
    cfg.StrOpt("password", default="", help="Its password"),
    cfg.IntOpt("port", default=443, help="Port of the API"),
]
cfg.CONF.register_opts(OPTIONS)


class OpenvStorageEdgeVolumeDriver(driver.VolumeDriver):  # type: ignore[misc]
    """Serves volumes of a vPool."""

    VERSION = "0.0.1"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)

    def do_setup(self, context: Any) -> None:
        """Log in."""
        options = self.configuration
        client = Client(options.management_ips.split(","), options.username, options.password)
        try:
            client.login(options.vpool_guid)
        except Unreachable as error:
            raise exception.VolumeBackendAPIException(data=str(error)) from error

    def check_for_setup_error(self) -> None:
        """There is nothing more to check."""

    def get_volume_stats(self, refresh: bool = False) -> dict[str, Any]:
        """Say how much room there is."""
        return {
            "volume_backend_name": self.configuration.config_group,
            "vendor_name": "Stand-in",
            "driver_version": self.VERSION,
            "storage_protocol": "openvstorage_edge",
            "total_capacity_gb": 100,
            "free_capacity_gb": 100,
        }

    def create_volume(self, volume: Any) -> dict[str, str]:
        """Give the location of a new volume."""
        return {"provider_location": f"openvstorage+tcp:192.0.2.1:26203/volume-{volume.id}"}

    def delete_volume(self, volume: Any) -> None:
        """Forget a volume."""

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        """Tell nova what qemu is to open."""
        return {"driver_volume_type": "openvstorage_edge", "data": {"device_path": volume.provider_location}}

    def terminate_connection(self, volume: Any, connector: Any, **kwargs: Any) -> None:
        """There is nothing to end."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """There is nothing to export."""

    def ensure_export(self, context: Any, volume: Any) -> None:
        """There is nothing to export."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """There is nothing to export."""

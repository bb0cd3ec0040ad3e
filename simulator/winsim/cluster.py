# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership of a failover cluster: the feature, the service ClusSvc, the key HKLM\\Cluster, cluster shared volumes.

https://learn.microsoft.com/windows-server/failover-clustering/failover-clustering-overview
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winsim.checks import check_keys
from winsim.registry import RegKey

if TYPE_CHECKING:
    from winsim.host import Host

FEATURE = "Failover-Clustering"
SERVICE = "ClusSvc"
KEY = "HKLM:\\Cluster"
SHARED_VOLUMES = "C:\\ClusterStorage"
_NAMESPACE = uuid.UUID("0e8f0f57-6c0e-4a3f-8a35-3a0a4cb9b0c1")


@dataclass(frozen=True)
class Cluster:
    """``groups`` are the clustered roles, ``volumes`` the folders of the cluster shared volumes."""

    name: str
    groups: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    def group(self, name: str) -> str:
        """The name of a clustered role in its own case; ValueError if there is none."""
        found = next((group for group in self.groups if group.lower() == name.lower()), None)
        if found is None:
            raise ValueError(f"the cluster {self.name} has no group {name}")
        return found


def join(host: Host, given: Mapping[str, Any]) -> Cluster:
    """Make the host a node, as the hosts file's ``cluster:`` says: name, groups, volumes."""
    check_keys("cluster", given, ("name", "groups", "volumes"))
    if not given.get("name"):
        raise ValueError("cluster: a name is needed")
    cluster = Cluster(str(given["name"]), tuple(given.get("groups", ())), tuple(given.get("volumes", ())))
    host.features.preinstall([FEATURE])
    host.services.set_start_type(SERVICE, "auto")
    host.services.start(SERVICE)
    _write_key(host, cluster)
    for volume in cluster.volumes:
        host.files.mkdir(f"{SHARED_VOLUMES}\\{volume}").attributes.add("ReparsePoint")
    return cluster


def _write_key(host: Host, cluster: Cluster) -> None:
    """The cluster's database is a hive of its own below HKLM, loaded while the service runs."""
    host.registry.hives["HKLM"].keys.setdefault("cluster", RegKey("Cluster"))
    host.registry.set(KEY, "ClusterName", cluster.name)
    host.registry.set(KEY, "ClusterInstanceID", str(uuid.uuid5(_NAMESPACE, cluster.name)))
    for group in cluster.groups:
        key = f"{KEY}\\Groups\\{uuid.uuid5(_NAMESPACE, f'{cluster.name}/{group}')}"
        host.registry.set(key, "Name", group)

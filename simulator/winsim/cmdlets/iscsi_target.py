# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module IscsiTarget: https://learn.microsoft.com/powershell/module/iscsitarget.

None of its cmdlets supports ShouldProcess. Property names of the outputs are those of console transcripts; what a
transcript has not shown is marked [?].
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from winsim.cmdlets import Credential, Enum, P, Params, PSObject, cmdlet
from winsim.cmdlets.binding import Function, unwrap
from winsim.cmdlets.trace import remark
from winsim.errors import Unmodelled
from winsim.files import MIB
from winsim.iscsi import (
    DIFFERENCING,
    DYNAMIC,
    FEATURE,
    FIXED,
    Disk,
    IscsiTarget,
    Portal,
    Snapshot,
    Target,
    Vhd,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winsim.host import Host

_NAMESPACE = "Microsoft.Iscsi.Target.Commands."
_REMOTE = {"ComputerName": P(), "Credential": P("PSCredential")}
_CLUSTER = {"ClusterGroupName": P(), **_REMOTE}
_PATH = ("DevicePath",)
_PASS_THRU = {"PassThru": P("SwitchParameter")}


def _declare(
    name: str, parameters: Mapping[str, P], *, default_set: str | None = None, reads: bool = False
) -> Callable[[Function], Function]:
    """Declare a cmdlet of the module; before it runs the service is asked whether it answers."""

    def declare(function: Function) -> Function:
        def run(host: Host, params: Params) -> list[Any]:
            _reach(host, name, params)
            if params.get("ClusterGroupName") and not reads:
                raise Unmodelled(f"{name} -ClusterGroupName")
            host.iscsi.ensure_available(network_logon=params.network_logon)
            return function(host, params)

        return cmdlet(
            name,
            module="IscsiTarget",
            feature=FEATURE,
            parameters=parameters,
            changes=not reads,
            default_set=default_set,
        )(run)

    return declare


def _reach(host: Host, command: str, params: Params) -> None:
    """Without ``-ComputerName localhost`` the module resolves names first: seconds a call, noted as ``slow``."""
    computer = str(params.get("ComputerName") or "").lower()
    if computer not in ("", "localhost", ".", "127.0.0.1", host.name.lower()):
        raise Unmodelled(f"{command} -ComputerName {computer}: another computer")
    if computer != "localhost":
        remark(slow=True)


# Objects ------------------------------------------------------------------------------------------------------


def disk_object(host: Host, disk: Disk) -> PSObject:
    """Microsoft.Iscsi.Target.Commands.IscsiVirtualDisk: no Enabled, no sector sizes, no block size."""
    iscsi = host.iscsi
    snapshots = [item.id for item in iscsi.snapshots_of(disk)]
    properties = {
        "ClusterGroupName": disk.cluster_group,
        "ComputerName": host.name,
        "Description": disk.description,
        "DiskType": Enum(disk.vhd.kind),
        "HostVolumeId": f"{{{disk.path[:2].upper()}}}",  # a volume GUID on Windows [?]
        "LocalMountDeviceId": None,
        "OriginalPath": _origin(iscsi, disk),
        "ParentPath": disk.vhd.parent,
        "Path": disk.path,
        "SerialNumber": disk.serial,
        "Size": disk.vhd.size,
        "SnapshotIds": ",".join(snapshots) or None,  # one string, which separator it has is [?]
        "Status": Enum("Connected" if iscsi.is_connected(disk) else "NotConnected"),
        "VirtualDiskIndex": disk.index,
    }
    return PSObject(f"{_NAMESPACE}IscsiVirtualDisk", properties, source=disk)


def _origin(iscsi: IscsiTarget, disk: Disk) -> str | None:
    snapshot = iscsi.snapshots.get(disk.snapshot) if disk.snapshot else None
    return iscsi.disks[snapshot.disk].path if snapshot else None


def target_object(host: Host, target: Target) -> PSObject:
    """Microsoft.Iscsi.Target.Commands.IscsiServerTarget: no Enabled, no secrets."""
    disks = host.iscsi.disks
    properties = {
        "ChapUserName": target.chap.username,
        "ClusterGroupName": target.cluster_group,
        "ComputerName": host.name,
        "Description": target.description,
        "EnableChap": target.chap.enabled,
        "EnableReverseChap": target.reverse_chap.enabled,
        "EnforceIdleTimeoutDetection": target.enforce_idle_timeout,
        "FirstBurstLength": target.first_burst,
        "IdleDuration": timedelta(0),
        "InitiatorIds": [_initiator_object(item) for item in target.initiators],
        "LastLogin": target.last_login,
        "LunMappings": [
            _mapping_object(target.name, disks[index].path, lun)
            for lun, index in sorted(target.mappings.items())
        ],
        "MaxBurstLength": target.max_burst,
        "MaxReceiveDataSegmentLength": target.max_segment,
        "ReceiveBufferCount": target.receive_buffers,
        "ReverseChapUserName": target.reverse_chap.username,
        "Sessions": [_session_object(target, index) for index in range(len(target.sessions))],
        "Status": Enum(_status(target)),
        "TargetIqn": PSObject(f"{_NAMESPACE}Iqn", {"Value": target.iqn}, target.iqn),
        "TargetName": target.name,
    }
    return PSObject(f"{_NAMESPACE}IscsiServerTarget", properties, source=target)


def _status(target: Target) -> str:
    """Disabled tells what no property of the object does; initiators that are logged in stay so."""
    if not target.enabled:
        return "Disabled"
    return "Connected" if target.sessions else "NotConnected"


def _initiator_object(item: Any) -> PSObject:
    """``Value`` without the prefix [?]."""
    properties = {"Method": Enum(item.method), "Value": item.value}
    return PSObject(f"{_NAMESPACE}InitiatorId", properties, str(item), source=item)


def _mapping_object(target: str, path: str, lun: int) -> PSObject:
    text = f"TargetName:{target};VHD:{path};LUN:{lun}"  # [?]
    return PSObject(f"{_NAMESPACE}LunMapping", {"TargetName": target, "Path": path, "Lun": lun}, text)


def _session_object(target: Target, index: int) -> PSObject:
    """The properties are those of WT_Session [?]."""
    session = target.sessions[index]
    properties = {
        "HostName": target.name,
        "InitiatorIqn": session.initiator,
        "InitiatorAddress": session.address,
        "Tsih": index + 1,
    }
    return PSObject(f"{_NAMESPACE}IscsiSession", properties, session.initiator)


def snapshot_object(host: Host, snapshot: Snapshot) -> PSObject:
    """Microsoft.Iscsi.Target.Commands.IscsiVirtualDiskSnapshot; the names of its properties are [?]."""
    exported = next((d.path for d in host.iscsi.disks.values() if d.snapshot == snapshot.id), None)
    properties = {
        "ClusterGroupName": None,
        "ComputerName": host.name,
        "Description": snapshot.description,
        "LocalMountDeviceId": "\\\\.\\PhysicalDrive1" if snapshot.mounted else None,
        "OriginalPath": host.iscsi.disks[snapshot.disk].path,
        "SnapshotId": snapshot.id,
        "Status": Enum("Exported" if exported else "Mounted" if snapshot.mounted else "None"),
        "TimeStamp": snapshot.created,
        "VirtualDiskPath": exported,
    }
    return PSObject(f"{_NAMESPACE}IscsiVirtualDiskSnapshot", properties, source=snapshot)


def _portal_object(portal: Portal) -> PSObject:
    shown = f"[{portal.address}]" if ":" in portal.address else portal.address
    endpoint = PSObject(
        "System.Net.IPEndPoint",
        {
            "AddressFamily": Enum("InterNetworkV6" if ":" in portal.address else "InterNetwork"),
            "Address": portal.address,
            "Port": portal.port,
        },
        f"{shown}:{portal.port}",
    )
    properties = {"Enabled": portal.enabled, "IPEndpoint": endpoint}
    return PSObject(f"{_NAMESPACE}IscsiPortal", properties, str(portal), source=portal)


def _setting_object(host: Host) -> PSObject:
    properties = {
        "ComputerName": host.name,
        "Portals": [_portal_object(portal) for portal in host.iscsi.portals],
        "Version": host.os.version,
    }
    return PSObject(f"{_NAMESPACE}IscsiTargetServerSetting", properties)


# Reading ------------------------------------------------------------------------------------------------------


@_declare(
    "Get-IscsiVirtualDisk",
    {
        "Path": P(aliases=_PATH, sets=("Device",)),
        "InitiatorId": P("InitiatorId", sets=("Initiator",)),
        "TargetName": P(sets=("Target",)),
        **_CLUSTER,
    },
    default_set="Device",
    reads=True,
)
def get_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """All disks, one disk, or those that a target or an initiator sees. A missing name is an error."""
    iscsi = host.iscsi
    if params.get("Path"):
        return [disk_object(host, iscsi.disk(params["Path"]))]
    if "TargetName" in params or "InitiatorId" in params:
        targets = [iscsi.target(params["TargetName"])] if "TargetName" in params else _admitting(host, params)
        seen = {index: None for target in targets for _, index in sorted(target.mappings.items())}
        return [disk_object(host, iscsi.disks[index]) for index in seen]
    return [disk_object(host, disk) for disk in iscsi.disks.values() if _in_group(disk, params)]


def _in_group(item: Disk | Target, params: Params) -> bool:
    """Whether an object belongs to the clustered role that was asked for; without that word all do [?]."""
    wanted = params.get("ClusterGroupName")
    return not wanted or (item.cluster_group or "").lower() == wanted.lower()


def _admitting(host: Host, params: Params) -> list[Target]:
    key = params["InitiatorId"].key
    return [
        target for target in host.iscsi.targets.values() if key in (item.key for item in target.initiators)
    ]


@_declare(
    "Get-IscsiServerTarget",
    {
        "Path": P(aliases=_PATH, sets=("Device",)),
        "InitiatorId": P("InitiatorId", sets=("Initiator",)),
        "TargetName": P(sets=("Target",)),
        **_CLUSTER,
    },
    default_set="Target",
    reads=True,
)
def get_iscsi_server_target(host: Host, params: Params) -> list[Any]:
    """All targets, one target, or those of a disk or an initiator. A missing name is an error."""
    iscsi = host.iscsi
    targets = list(iscsi.targets.values())
    if params.get("TargetName"):
        targets = [iscsi.target(params["TargetName"])]
    elif params.get("Path"):
        index = iscsi.disk(params["Path"]).index
        targets = [target for target in targets if index in target.mappings.values()]
    elif "InitiatorId" in params:
        targets = _admitting(host, params)
    return [target_object(host, target) for target in targets if _in_group(target, params)]


@_declare("Get-IscsiTargetServerSetting", _REMOTE, reads=True)
def get_iscsi_target_server_setting(host: Host, params: Params) -> list[Any]:
    """Version and portals."""
    return [_setting_object(host)]


@_declare(
    "Get-IscsiVirtualDiskSnapshot",
    {
        "OriginalPath": P(aliases=("Path",), sets=("Device",)),
        "SnapshotId": P(sets=("SnapshotId",)),
        **_REMOTE,
    },
    default_set="Device",
    reads=True,
)
def get_iscsi_virtual_disk_snapshot(host: Host, params: Params) -> list[Any]:
    """All snapshots, those of a disk, or one."""
    iscsi = host.iscsi
    if params.get("SnapshotId"):
        found = [iscsi.snapshot(params["SnapshotId"])]
    elif params.get("OriginalPath"):
        found = iscsi.snapshots_of(iscsi.disk(params["OriginalPath"]))
    else:
        found = list(iscsi.snapshots.values())
    return [snapshot_object(host, item) for item in found]


# Disks --------------------------------------------------------------------------------------------------------


@_declare(
    "New-IscsiVirtualDisk",
    {
        "Path": P(mandatory=True, aliases=_PATH),
        "SizeBytes": P("UInt64", mandatory=True, aliases=("Size",), optional_in=(DIFFERENCING,)),
        "ParentPath": P(mandatory=True, sets=(DIFFERENCING,)),
        "UseFixed": P("SwitchParameter", mandatory=True, aliases=("Fixed",), sets=(FIXED,)),
        "DoNotClearData": P("SwitchParameter", sets=(FIXED,)),
        "LogicalSectorSizeBytes": P("UInt32", sets=(DYNAMIC, FIXED)),
        "PhysicalSectorSizeBytes": P("UInt32"),
        "BlockSizeBytes": P("UInt32"),
        "Description": P(),
        **_REMOTE,
    },
    default_set=DYNAMIC,
)
def new_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Make a .vhdx file and register it. Block size: 2 MB, for fixed disks from 32 MB on 32 MB, else the parent's."""
    kind, size = params.set, params.get("SizeBytes", 0)
    default_block = 0 if kind == DIFFERENCING else 32 * MIB if kind == FIXED and size >= 32 * MIB else 2 * MIB
    vhd = Vhd(
        size=size,
        kind=kind,
        parent=params.get("ParentPath"),
        logical_sector=params.get("LogicalSectorSizeBytes", 512),
        physical_sector=params.get("PhysicalSectorSizeBytes", 4096),
        block=params.get("BlockSizeBytes", default_block),
    )
    disk = host.iscsi.create_disk(params["Path"], vhd, params.get("Description", ""))
    return [disk_object(host, disk)]


@_declare(
    "Import-IscsiVirtualDisk",
    {"Path": P(mandatory=True, aliases=_PATH), "Description": P(), **_PASS_THRU, **_REMOTE},
)
def import_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Register an existing file."""
    disk = host.iscsi.import_disk(params["Path"], params.get("Description", ""))
    return _passed(params, disk_object(host, disk))


def _passed(params: Params, made: PSObject) -> list[Any]:
    return [made] if params.switch("PassThru") else []


def _by_input(type_name: str, name: str, set_name: str, aliases: tuple[str, ...] = ()) -> dict[str, P]:
    """The pair of parameters by which an object is chosen: itself or its name."""
    return {
        name: P(mandatory=True, aliases=aliases, sets=(set_name,)),
        "InputObject": P(type_name, mandatory=True, sets=("InputObject",)),
    }


def _disk_path(params: Params) -> str:
    return str(unwrap(params["InputObject"]).path if "InputObject" in params else params["Path"])


@_declare(
    "Set-IscsiVirtualDisk",
    {
        **_by_input("IscsiVirtualDisk", "Path", "DevicePath", _PATH),
        "Description": P(),
        "Enable": P("Boolean"),
        **_PASS_THRU,
        **_REMOTE,
    },
    default_set="DevicePath",
)
def set_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Change description and enabled state."""
    disk = host.iscsi.set_disk(
        _disk_path(params), description=params.get("Description"), enabled=params.get("Enable")
    )
    return _passed(params, disk_object(host, disk))


_NEWER = ("2016", "2019", "2022", "2025")


@_declare(
    "Resize-IscsiVirtualDisk",
    {
        **_by_input("IscsiVirtualDisk", "Path", "Path", _PATH),
        "SizeBytes": P("UInt64", mandatory=True, aliases=("Size",), releases=_NEWER),
        # 2012 R2 knows only -Size, later versions have it as an alias.
        "Size": P("UInt64", mandatory=True, releases=("2012r2",)),
        **_PASS_THRU,
        **_REMOTE,
    },
    default_set="Path",
)
def resize_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Grow or shrink a disk."""
    size = params["SizeBytes"] if "SizeBytes" in params else params["Size"]
    disk = host.iscsi.resize_disk(_disk_path(params), size)
    return _passed(params, disk_object(host, disk))


@_declare(
    "Remove-IscsiVirtualDisk",
    {**_by_input("IscsiVirtualDisk", "Path", "DevicePath", _PATH), **_REMOTE},
    default_set="DevicePath",
)
def remove_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Remove the registration; the file stays."""
    host.iscsi.remove_disk(_disk_path(params))
    return []


@_declare(
    "Stop-IscsiVirtualDiskOperation",
    {**_by_input("IscsiVirtualDisk", "Path", "DevicePath", _PATH), **_REMOTE},
    default_set="DevicePath",
)
def stop_iscsi_virtual_disk_operation(host: Host, params: Params) -> list[Any]:
    """Stop clearing a fixed disk. The model clears at once, so there is never anything to stop."""
    host.iscsi.disk(_disk_path(params))
    return []


@_declare(
    "Convert-IscsiVirtualDisk",
    {"Path": P(mandatory=True, aliases=_PATH), "DestinationPath": P(mandatory=True)},
)
def convert_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Not modelled (deprecated)."""
    raise Unmodelled("Convert-IscsiVirtualDisk")


# Targets ------------------------------------------------------------------------------------------------------


@_declare(
    "New-IscsiServerTarget",
    {"TargetName": P(mandatory=True), "InitiatorIds": P("InitiatorId[]"), **_CLUSTER},
)
def new_iscsi_server_target(host: Host, params: Params) -> list[Any]:
    """Make a target."""
    target = host.iscsi.create_target(params["TargetName"], params.get("InitiatorIds", ()))
    return [target_object(host, target)]


_TARGET_FIELDS = {
    "TargetIqn": "iqn",
    "Description": "description",
    "Enable": "enabled",
    "InitiatorIds": "initiators",
    "EnforceIdleTimeoutDetection": "enforce_idle_timeout",
    "FirstBurstLength": "first_burst",
    "MaxBurstLength": "max_burst",
    "MaxReceiveDataSegmentLength": "max_segment",
    "ReceiveBufferCount": "receive_buffers",
}


@_declare(
    "Set-IscsiServerTarget",
    {
        **_by_input("IscsiServerTarget", "TargetName", "TargetName"),
        "TargetIqn": P("Iqn"),
        "Description": P(),
        "Enable": P("Boolean"),
        "EnableChap": P("Boolean"),
        "Chap": P("PSCredential"),
        "EnableReverseChap": P("Boolean"),
        "ReverseChap": P("PSCredential"),
        "MaxReceiveDataSegmentLength": P("Int32"),
        "FirstBurstLength": P("Int32"),
        "MaxBurstLength": P("Int32"),
        "ReceiveBufferCount": P("Int32"),
        "EnforceIdleTimeoutDetection": P("Boolean"),
        "InitiatorIds": P("InitiatorId[]"),
        **_PASS_THRU,
        **_REMOTE,
    },
    default_set="TargetName",
)
def set_iscsi_server_target(host: Host, params: Params) -> list[Any]:
    """Change a target; InitiatorIds replaces the whole list."""
    changes: dict[str, Any] = {
        field: params[name] for name, field in _TARGET_FIELDS.items() if name in params
    }
    for prefix, field in (("", "chap"), ("Reverse", "reverse_chap")):
        chap = _chap_changes(params.get(f"{prefix}Chap"), params.get(f"Enable{prefix}Chap"))
        if chap:
            changes[field] = chap
    target = host.iscsi.set_target(_target_name(params), changes)
    return _passed(params, target_object(host, target))


def _chap_changes(credential: Credential | None, enable: bool | None) -> dict[str, Any]:
    changes: dict[str, Any] = {} if enable is None else {"enabled": enable}
    if credential is not None:
        changes.update(username=credential.username, secret=credential.password)
    return changes


def _target_name(params: Params) -> str:
    return str(unwrap(params["InputObject"]).name if "InputObject" in params else params["TargetName"])


@_declare(
    "Remove-IscsiServerTarget",
    {**_by_input("IscsiServerTarget", "TargetName", "TargetName"), **_REMOTE},
    default_set="TargetName",
)
def remove_iscsi_server_target(host: Host, params: Params) -> list[Any]:
    """Remove a target with its mappings."""
    host.iscsi.remove_target(_target_name(params))
    return []


@_declare(
    "Add-IscsiVirtualDiskTargetMapping",
    {
        "TargetName": P(mandatory=True),
        "Path": P(mandatory=True, aliases=_PATH),
        "Lun": P("Int32"),
        **_REMOTE,
    },
)
def add_iscsi_virtual_disk_target_mapping(host: Host, params: Params) -> list[Any]:
    """Show a disk in a target."""
    host.iscsi.map_disk(params["TargetName"], params["Path"], params.get("Lun"))
    return []


@_declare(
    "Remove-IscsiVirtualDiskTargetMapping",
    {"TargetName": P(mandatory=True), "Path": P(mandatory=True, aliases=_PATH), **_REMOTE},
)
def remove_iscsi_virtual_disk_target_mapping(host: Host, params: Params) -> list[Any]:
    """Take a disk out of a target."""
    host.iscsi.unmap_disk(params["TargetName"], params["Path"])
    return []


# Server -------------------------------------------------------------------------------------------------------


@_declare(
    "Set-IscsiTargetServerSetting",
    {
        "IP": P(mandatory=True, sets=("IpScoped",)),
        "Port": P("Int32", sets=("IpScoped",)),
        "Enable": P("Boolean", sets=("IpScoped",)),
        "DisableRemoteManagement": P("Boolean", mandatory=True, sets=("ServerGlobal",)),
        **_PASS_THRU,
        **_REMOTE,
    },
    default_set="IpScoped",
)
def set_iscsi_target_server_setting(host: Host, params: Params) -> list[Any]:
    """Change a portal, or whether network logons may manage the server."""
    if params.set == "ServerGlobal":
        host.iscsi.remote_management_disabled = params["DisableRemoteManagement"]
    else:
        host.iscsi.set_portal(params["IP"], port=params.get("Port"), enabled=params.get("Enable"))
    return _passed(params, _setting_object(host))


_CONFIGURATION = {
    "Filename": P(mandatory=True),
    "ComputerName": P(),
    "Credential": P("String"),
    "Force": P("SwitchParameter"),
}


@_declare("Export-IscsiTargetServerConfiguration", _CONFIGURATION)
def export_configuration(host: Host, params: Params) -> list[Any]:
    """Not modelled."""
    raise Unmodelled("Export-IscsiTargetServerConfiguration")


@_declare("Import-IscsiTargetServerConfiguration", _CONFIGURATION)
def import_configuration(host: Host, params: Params) -> list[Any]:
    """Not modelled."""
    raise Unmodelled("Import-IscsiTargetServerConfiguration")


# Snapshots ----------------------------------------------------------------------------------------------------


@_declare(
    "Checkpoint-IscsiVirtualDisk",
    {"OriginalPath": P(mandatory=True, aliases=("Path",)), "Description": P(), **_REMOTE},
)
def checkpoint_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Take a snapshot."""
    made = host.iscsi.take_snapshot(params["OriginalPath"], params.get("Description", ""))
    return [snapshot_object(host, made)]


_BY_SNAPSHOT = {**_by_input("IscsiVirtualDiskSnapshot", "SnapshotId", "SnapshotId"), **_REMOTE}


def _snapshot(host: Host, params: Params) -> Snapshot:
    given = unwrap(params["InputObject"]).id if "InputObject" in params else params["SnapshotId"]
    return host.iscsi.snapshot(given)


@_declare("Remove-IscsiVirtualDiskSnapshot", _BY_SNAPSHOT, default_set="SnapshotId")
def remove_iscsi_virtual_disk_snapshot(host: Host, params: Params) -> list[Any]:
    """Remove a snapshot."""
    host.iscsi.remove_snapshot(_snapshot(host, params).id)
    return []


@_declare(
    "Set-IscsiVirtualDiskSnapshot",
    {**_BY_SNAPSHOT, "Description": P(), **_PASS_THRU},
    default_set="SnapshotId",
)
def set_iscsi_virtual_disk_snapshot(host: Host, params: Params) -> list[Any]:
    """Describe a snapshot."""
    snapshot = _snapshot(host, params)
    snapshot.description = params.get("Description", snapshot.description)
    return _passed(params, snapshot_object(host, snapshot))


@_declare("Mount-IscsiVirtualDiskSnapshot", _BY_SNAPSHOT, default_set="SnapshotId")
def mount_iscsi_virtual_disk_snapshot(host: Host, params: Params) -> list[Any]:
    """Show a snapshot as a local read-only disk."""
    _snapshot(host, params).mounted = True
    return []


@_declare("Dismount-IscsiVirtualDiskSnapshot", _BY_SNAPSHOT, default_set="SnapshotId")
def dismount_iscsi_virtual_disk_snapshot(host: Host, params: Params) -> list[Any]:
    """Take the local disk away again."""
    _snapshot(host, params).mounted = False
    return []


@_declare("Export-IscsiVirtualDiskSnapshot", _BY_SNAPSHOT, default_set="SnapshotId")
def export_iscsi_virtual_disk_snapshot(host: Host, params: Params) -> list[Any]:
    """Register a snapshot as a read-only virtual disk."""
    return [disk_object(host, host.iscsi.export_snapshot(_snapshot(host, params).id))]


@_declare("Restore-IscsiVirtualDisk", _BY_SNAPSHOT, default_set="SnapshotId")
def restore_iscsi_virtual_disk(host: Host, params: Params) -> list[Any]:
    """Bring a disk back to a snapshot."""
    host.iscsi.restore_snapshot(_snapshot(host, params).id)
    return []

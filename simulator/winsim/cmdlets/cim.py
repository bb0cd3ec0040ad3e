# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-CimInstance over the WMI classes that the model has.

root/cimv2: https://learn.microsoft.com/windows/win32/cimwin32prov; the WT_ classes of root/wmi:
https://learn.microsoft.com/previous-versions/windows/desktop/iscsitarg (sizes in MB).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from winsim.cmdlets import CmdletError, P, Params, PSObject, cmdlet
from winsim.cmdlets.wql import WqlError, parse
from winsim.errors import Unmodelled, WinError
from winsim.files import MIB
from winsim.iscsi import FEATURE, WMI_DISK_TYPES, Disk, Target
from winsim.language import LCIDS

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.services import Service

Rows = list[dict[str, Any]]

_CLASS = "Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"
_EXCEPTION = "Microsoft.Management.Infrastructure.CimException"
# WBEM_E_*, https://learn.microsoft.com/windows/win32/wmisdk/wmi-error-constants; the trailing blank is WMI's.
WBEM = {
    0x80041003: "Access denied ",
    0x80041004: "Provider failure ",
    0x8004100E: "Invalid namespace ",
    0x80041010: "Invalid class ",
    0x80041017: "Invalid query ",
}


def cim_error(code: int) -> CmdletError:
    """The error of Get-CimInstance for a WMI status."""
    return CmdletError(_EXCEPTION, f"HRESULT 0x{code:08x},{_CLASS}", WBEM[code], 0x80131500)


# root/cimv2 ---------------------------------------------------------------------------------------------------


def _operating_system(host: Host) -> Rows:
    system = host.os
    return [
        {
            "Caption": system.caption,
            "Version": system.version,
            "BuildNumber": str(system.build),
            "BuildType": "Multiprocessor Free",
            "ProductType": system.product_type,
            "OperatingSystemSKU": system.sku,
            "OSArchitecture": "64-bit",
            "CSName": host.name,
            "Name": f"{system.caption}|C:\\Windows|\\Device\\Harddisk0\\Partition2",
            "SystemDrive": "C:",
            "SystemDirectory": "C:\\Windows\\system32",
            "WindowsDirectory": "C:\\Windows",
            "LastBootUpTime": host.boot_time,
            "LocalDateTime": host.clock.now(),
            "CurrentTimeZone": 0,
            "OSLanguage": LCIDS[host.language],
            "TotalVisibleMemorySize": host.hardware.memory // 1024,
            "FreePhysicalMemory": host.hardware.memory // 2048,
            "Status": "OK",
        }
    ]


def _computer_system(host: Host) -> Rows:
    member = host.domain is not None
    return [
        {
            "Name": host.name.upper(),
            "DNSHostName": host.name,
            "Domain": host.domain if member else "WORKGROUP",
            "PartOfDomain": member,
            "Workgroup": None if member else "WORKGROUP",
            "DomainRole": host.domain_role,
            "Manufacturer": host.hardware.vendor,
            "Model": host.hardware.model,
            "NumberOfLogicalProcessors": host.hardware.processors,
            "NumberOfProcessors": 1,
            "TotalPhysicalMemory": host.hardware.memory,
            "SystemType": "x64-based PC",
            "HypervisorPresent": True,
            "Status": "OK",
        }
    ]


_START_MODES = {"auto": "Auto", "delayed": "Auto", "manual": "Manual", "disabled": "Disabled"}


def _service(host: Host, service: Service) -> dict[str, Any]:
    row = {
        "Name": service.name,
        "DisplayName": service.display_name,
        "Caption": service.display_name,
        "Description": service.description,
        "State": service.state.capitalize(),
        "StartMode": _START_MODES[service.start_type],
        "DelayedAutoStart": service.start_type == "delayed",
        "StartName": service.username,
        "PathName": service.path,
        "ProcessId": service.process_id,
        "Started": service.state != "stopped",
        "Status": "OK",
        "ExitCode": service.exit_code,
        "AcceptStop": service.running and service.can_stop,
        "AcceptPause": service.running and service.can_pause,
        "SystemName": host.name,
    }
    if host.os.build < 14393:  # https://learn.microsoft.com/windows/win32/cimwin32prov/win32-service
        del row["DelayedAutoStart"]
    return row


def _services(host: Host) -> Rows:
    return [_service(host, service) for service in host.services]


def _logical_disks(host: Host) -> Rows:
    names = {2: "Removable Disk", 3: "Local Fixed Disk", 4: "Network Connection", 5: "CD-ROM Disc"}
    return [
        {
            "DeviceID": f"{letter}:",
            "Name": f"{letter}:",
            "Caption": f"{letter}:",
            "Description": names.get(volume.drive_type),
            "DriveType": volume.drive_type,
            "FileSystem": volume.filesystem or None,
            "FreeSpace": volume.free,
            "Size": volume.size,
            "VolumeName": volume.label,
            "SystemName": host.name,
        }
        for letter, volume in sorted(host.files.volumes.items())
    ]


# root/wmi: the iSCSI Target Server ------------------------------------------------------------------------------


def _wt_disk(host: Host, disk: Disk) -> dict[str, Any]:
    node = host.files.get(disk.path)
    return {
        "WTD": disk.index,
        "DevicePath": disk.path,
        "Description": disk.description,
        "Enabled": disk.enabled,
        "Status": 1 if host.iscsi.is_connected(disk) else 0,
        "Type": WMI_DISK_TYPES[disk.vhd.kind],
        "Size": disk.vhd.size // MIB,
        "AllocatedSize": node.size // MIB if node else 0,
        "ParentPath": disk.vhd.parent,
        "SerialNumber": disk.serial,
        "ResourceName": None,
        "ResourceGroup": disk.cluster_group,
    }


def _wt_host(target: Target) -> dict[str, Any]:
    """The secrets are write-only: they read as null."""
    return {
        "HostName": target.name,
        "TargetIQN": target.iqn,
        "Description": target.description,
        "Enabled": target.enabled,
        "Status": 1 if target.sessions else 0,
        "EnableCHAP": target.chap.enabled,
        "CHAPUserName": target.chap.username,
        "CHAPSecret": None,
        "EnableReverseCHAP": target.reverse_chap.enabled,
        "ReverseCHAPUserName": target.reverse_chap.username,
        "ReverseCHAPSecret": None,
        "EnforceIdleTimeoutDetection": target.enforce_idle_timeout,
        "TargetFirstBurstLength": target.first_burst,
        "TargetMaxBurstLength": target.max_burst,
        "TargetMaxRecvDataSegmentLength": target.max_segment,
        "NumRecvBuffers": target.receive_buffers,
        "LastLogIn": target.last_login,
        "ResourceGroup": target.cluster_group,
    }


def _wt_mappings(host: Host) -> Rows:
    return [
        {"HostName": target.name, "LUN": lun, "WTD": index}
        for target in host.iscsi.targets.values()
        for lun, index in sorted(target.mappings.items())
    ]


def _wt_id_methods(host: Host) -> Rows:
    return [
        {"HostName": target.name, "Method": item.number, "Value": item.value}
        for target in host.iscsi.targets.values()
        for item in target.initiators
    ]


def _wt_sessions(host: Host) -> Rows:
    return [
        {
            "HostName": target.name,
            "HostTargetIQN": target.iqn,
            "InitiatorIQN": session.initiator,
            "TSIH": index + 1,
            "CurrentConnections": 1,
        }
        for target in host.iscsi.targets.values()
        for index, session in enumerate(target.sessions)
    ]


def _wt_snapshots(host: Host) -> Rows:
    return [
        {
            "Id": item.id,
            "OrigWTD": item.disk,
            "Description": item.description,
            "TimeStamp": item.created,
            "Persistent": item.persistent,
            "Status": 0,
        }
        for item in host.iscsi.snapshots.values()
    ]


# Class -> (rows of a host, property names for a class without instances).
_CLASSES: dict[str, dict[str, tuple[str, Callable[[Host], Rows], str]]] = {
    "root/cimv2": {
        name.lower(): (name, rows, "")
        for name, rows in (
            ("Win32_OperatingSystem", _operating_system),
            ("Win32_ComputerSystem", _computer_system),
            ("Win32_Service", _services),
            ("Win32_LogicalDisk", _logical_disks),
        )
    },
    "root/wmi": {
        name.lower(): (name, rows, columns)
        for name, rows, columns in (
            (
                "WT_Disk",
                lambda host: [_wt_disk(host, disk) for disk in host.iscsi.disks.values()],
                "WTD DevicePath Description Enabled Status Type Size AllocatedSize ParentPath SerialNumber",
            ),
            (
                "WT_Host",
                lambda host: [_wt_host(target) for target in host.iscsi.targets.values()],
                "HostName TargetIQN Description Enabled Status EnableCHAP CHAPUserName",
            ),
            (
                "WT_Portal",
                lambda host: [
                    {"Address": item.address, "Port": item.port, "Listen": item.enabled}
                    for item in host.iscsi.portals
                ],
                "Address Port Listen",
            ),
            ("WT_IDMethod", _wt_id_methods, "HostName Method Value"),
            ("WT_LUNMapping", _wt_mappings, "HostName LUN WTD"),
            ("WT_Session", _wt_sessions, "HostName HostTargetIQN InitiatorIQN TSIH"),
            ("WT_Snapshot", _wt_snapshots, "Id OrigWTD Description TimeStamp Persistent Status"),
        )
    },
}


@cmdlet(
    "Get-CimInstance",
    module="CimCmdlets",
    class_name=_CLASS,
    default_set="ClassNameComputerSet",
    parameters={
        "ClassName": P(mandatory=True, sets=("ClassNameComputerSet",)),
        "Query": P("String[]", mandatory=True, sets=("QueryComputerSet",)),
        "Filter": P(sets=("ClassNameComputerSet",)),
        "Property": P("String[]", aliases=("SelectProperties",), sets=("ClassNameComputerSet",)),
        "KeyOnly": P("SwitchParameter", sets=("ClassNameComputerSet",)),
        "Namespace": P(),
        "QueryDialect": P(),
        "Shallow": P("SwitchParameter"),
        "OperationTimeoutSec": P("UInt32", aliases=("OT",)),
        "ComputerName": P("String[]", aliases=("CN", "ServerName")),
    },
)
def get_cim_instance(host: Host, params: Params) -> list[Any]:
    """Instances of a class, or of a query ``SELECT ... FROM class [WHERE ...]``."""
    for name in ("ComputerName", "KeyOnly", "QueryDialect"):
        if params.get(name):
            raise Unmodelled(f"Get-CimInstance -{name}")
    if "Query" in params:
        return [item for query in params["Query"] for item in _query(host, params, query)]
    return _instances(host, params, params["ClassName"], params.get("Filter"), params.get("Property"))


def _query(host: Host, params: Params, query: str) -> list[Any]:
    match = re.fullmatch(
        r"\s*select\s+(.+?)\s+from\s+(\w+)(?:\s+where\s+(.+?))?\s*", query, re.IGNORECASE | re.DOTALL
    )
    if match is None:
        raise cim_error(0x80041017)
    names = None if match[1] == "*" else [name.strip() for name in match[1].split(",")]
    return _instances(host, params, match[2], match[3], names)


def _instances(
    host: Host, params: Params, name: str, condition: str | None, wanted: list[str] | None
) -> list[Any]:
    real, rows, columns = _find_class(host, params, name)
    found = rows(host)
    properties = list(found[0]) if found else columns.split()
    _check_properties(real, wanted or [], properties)
    try:
        test = parse(condition, properties) if condition else None
    except WqlError as error:
        raise cim_error(0x80041017) from error
    namespace = _namespace(params)
    shown = {item.lower() for item in wanted or properties} - _null_now(host, real)
    return [
        PSObject(
            f"Microsoft.Management.Infrastructure.CimInstance#{namespace}/{real}",
            {key: value if key.lower() in shown else None for key, value in row.items()},
            real,
        )
        for row in found
        if test is None or test(row)
    ]


def _null_now(host: Host, name: str) -> set[str]:
    """Properties that a test wants to be null at this reading (fault ``wmi_null``), in lower case."""
    return set() if host.faults is None else host.faults.null_properties(name)


def _check_properties(name: str, wanted: list[str], known: list[str]) -> None:
    """WMI has more properties than the model: one that the model lacks may be real."""
    have = {item.lower() for item in known}
    missing = [item for item in wanted if item.lower() not in have]
    if missing:
        raise Unmodelled(f"the property {missing[0]} of the WMI class {name}")


def _namespace(params: Params) -> str:
    return str(params.get("Namespace") or "root/cimv2").replace("\\", "/").strip("/").lower()


def _find_class(host: Host, params: Params, name: str) -> tuple[str, Callable[[Host], Rows], str]:
    """The class; "Invalid class" where a feature that brings it is missing."""
    namespace = _namespace(params)
    found = _CLASSES.get(namespace, {}).get(name.lower())
    if namespace not in _CLASSES:
        if namespace.startswith("root/microsoft/") or namespace.startswith("root/virtualization"):
            raise Unmodelled(f"the WMI namespace {namespace}")
        raise cim_error(0x8004100E)
    if found is None:
        if not name.lower().startswith("wt_") and name.lower().startswith(("win32_", "cim_", "ms")):
            raise Unmodelled(f"the WMI class {namespace}:{name}")
        raise cim_error(0x80041010)
    if namespace == "root/wmi":
        _check_target_server(host, params)
    return found


def _check_target_server(host: Host, params: Params) -> None:
    """WinTarget hosts the provider of the WT_ classes; what WMI says while it is stopped is [?]."""
    if not host.features.is_installed(FEATURE):
        raise cim_error(0x80041010)
    try:
        host.iscsi.ensure_available(network_logon=params.network_logon)
    except WinError as error:
        raise cim_error(0x80041004 if not host.iscsi.running else 0x80041003) from error

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions that a host is asked: one call a section. PRIVATE to the winstack collections.

Everything is listed unfiltered and filtered on the controller: a Get- cmdlet that is given a name throws when there is no
such object, and its error cannot be told from a stopped service.
"""

from __future__ import annotations

import typing as t

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call

SERVICES: t.Final = ("WinTarget", "W32Time", "MSiSCSI", "WinRM", "vmms")
FEATURES: t.Final = ("FS-iSCSITarget-Server*", "Multipath-IO*", "Hyper-V*")
"""Patterns, not names: a pattern that matches nothing in this edition is no error."""

FIREWALL_GROUP: t.Final = "Winstack"

W32TIME: t.Final = r"HKLM:\SYSTEM\CurrentControlSet\Services\W32Time"
W32TIME_POLICY: t.Final = r"HKLM:\SOFTWARE\Policies\Microsoft\W32Time"
_FIREWALL_RULES: t.Final = (
    r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
)


def _cim(class_name: str, *select: str, **params: str) -> Call:
    return Call("Get-CimInstance", {"ClassName": class_name, **params}, select)


def _wt(class_name: str, *select: str) -> Call:
    return _cim(class_name, *select, Namespace="root/wmi")


def _registry(path: str, *select: str) -> Call:
    return Call("Get-ItemProperty", {"LiteralPath": path}, select)


SECTIONS: t.Final[dict[str, Call]] = {
    "os": _cim(
        "Win32_OperatingSystem",
        "Version",
        "BuildNumber",
        "Caption",
        "ProductType",
        "LocalDateTime",
        "LastBootUpTime",
    ),
    "computer": _cim("Win32_ComputerSystem", "Name", "PartOfDomain", "Domain"),
    "features": Call("Get-WindowsFeature", {"Name": FEATURES}, ("Name", "InstallState")),
    "services": _cim(
        "Win32_Service",
        *("Name", "State", "StartMode", "StartName"),
        Filter=" OR ".join(f"Name='{name}'" for name in SERVICES),
    ),
    "volumes": _cim("Win32_LogicalDisk", "DeviceID", "DriveType", "FileSystem", "Size", "FreeSpace"),
    "addresses": Call(
        "Get-NetIPAddress",
        {},
        ("InterfaceIndex", "InterfaceAlias", "IPAddress", "PrefixLength", "AddressState"),
    ),
    "firewall_rules": Call(
        # Rules of the group are found in the registry, where one value holds a whole rule: the NetSecurity cmdlets
        # need three queries for the same, each over every rule. Syntax: [MS-GPFAS] 2.2.2.19.
        "Get-ItemProperty",
        {"LiteralPath": _FIREWALL_RULES},
        (("*", f"*|EmbedCtxt={FIREWALL_GROUP}|*"),),
    ),
    "iscsi_virtual_disks": Call(
        "Get-IscsiVirtualDisk",
        {},
        ("Path", "Size", "DiskType", "ParentPath", "Description", "Status", "SerialNumber", "SnapshotIds"),
    ),
    "iscsi_server_targets": Call(
        "Get-IscsiServerTarget",
        {},
        (
            *("TargetName", "TargetIqn", "Description", "Status", "EnableChap", "ChapUserName"),
            *("EnableReverseChap", "ReverseChapUserName"),
            ("InitiatorIds", "", "Method", "Value"),
            ("LunMappings", "Path", "Lun"),
            ("Sessions", ""),
        ),
    ),
    "iscsi_target_server_setting": Call(
        "Get-IscsiTargetServerSetting",
        {},
        ("ComputerName", "Version", ("Portals", "", "Enabled", "IPEndpoint")),
    ),
    # The cmdlets do not show Enabled, and Cinder's driver looks here:
    # https://opendev.org/openstack/os-win os_win/utils/storage/target/iscsi_target_utils.py
    "wt_disks": _wt("WT_Disk", "WTD", "DevicePath", "Description", "Enabled"),
    "wt_hosts": _wt("WT_Host", "HostName", "Enabled"),
    "wt_portals": _wt("WT_Portal", "Address", "Port", "Listen"),
    "w32time_parameters": _registry(rf"{W32TIME}\Parameters", "NtpServer", "Type"),
    "w32time_client": _registry(rf"{W32TIME}\TimeProviders\NtpClient", "Enabled", "SpecialPollInterval"),
    "w32time_policy_parameters": _registry(rf"{W32TIME_POLICY}\Parameters", "NtpServer", "Type"),
    "w32time_policy_client": _registry(
        rf"{W32TIME_POLICY}\TimeProviders\NtpClient", "Enabled", "SpecialPollInterval"
    ),
    # One key a trigger; Type and Action are those of SERVICE_TRIGGER (winsvc.h). The wildcard needs Path.
    "w32time_triggers": Call(
        "Get-ItemProperty", {"Path": rf"{W32TIME}\TriggerInfo\*"}, ("PSChildName", "Type", "Action")
    ),
}


def path_section(path: str) -> tuple[str, Call]:
    """Give the name and the call of the section that says what stands at a path of the host."""
    return f"path:{path.lower()}", Call(
        "Get-Item", {"LiteralPath": path}, ("FullName", "PSIsContainer", "Length", "Attributes")
    )

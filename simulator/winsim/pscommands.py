# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of PowerShell text that report on accounts, volumes, the firewall and the system."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from winsim import cmdlets
from winsim.accounts import LocalGroup, LocalUser
from winsim.cmdlets import CmdletError, Enum, PSObject
from winsim.cmdlets.objects import to_text
from winsim.errors import Unmodelled
from winsim.files import Volume
from winsim.firewall import POLICY_KEY, PROFILES
from winsim.powershell import Arguments, Shell, flat
from winsim.psbuiltins import builtin, render

_DRIVES = {2: "Removable", 3: "Fixed", 4: "Remote", 5: "CD-ROM"}


@builtin("Get-WmiObject")
def _get_wmi_object(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    """The same classes as Get-CimInstance."""
    given = {"ClassName": arguments.take_or_next("Class")}
    for name in ("Filter", "Namespace"):
        value = arguments.take(name)
        given |= {name: to_text(value)} if value is not None else {}
    arguments.finish("Get-WmiObject")
    return cmdlets.call(shell.session.host, "Get-CimInstance", given)


def _matching(names: Any, known: dict[str, Any], kind: str, command: str) -> list[Any]:
    """Objects by names with wildcards; a name without a wildcard that is missing is an error."""
    if names is None:
        return list(known.values())
    found: list[Any] = []
    for name in flat(names):
        text = to_text(name).lower()
        hits = [value for key, value in known.items() if fnmatch.fnmatchcase(key, text)]
        if not hits and not re.search(r"[*?\[]", text):
            raise CmdletError(
                f"Microsoft.PowerShell.Commands.{kind}NotFoundException",
                f"{kind}NotFound,Microsoft.PowerShell.Commands.{command.replace('-', '')}Command",
                f"{kind} {to_text(name)} was not found.",
            )
        found += hits
    return found


def _user(user: LocalUser) -> PSObject:
    return PSObject(
        "Microsoft.PowerShell.Commands.LocalUser",
        {
            "AccountExpires": user.account_expires,
            "Description": user.description,
            "Enabled": not user.disabled,
            "FullName": user.fullname,
            "UserMayChangePassword": not user.user_cannot_change_password,
            "Name": user.name,
            "SID": user.sid,
            "PrincipalSource": Enum("Local"),
            "ObjectClass": "User",
        },
        user.name,
    )


def _group(group: LocalGroup) -> PSObject:
    properties = {
        "Description": group.description,
        "Name": group.name,
        "SID": group.sid,
        "ObjectClass": "Group",
    }
    return PSObject("Microsoft.PowerShell.Commands.LocalGroup", properties, group.name)


@builtin("Get-LocalUser")
def _get_local_user(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    names = arguments.take_or_next("Name")
    arguments.finish("Get-LocalUser")
    return [_user(u) for u in _matching(names, shell.session.host.accounts.users, "User", "Get-LocalUser")]


@builtin("Get-LocalGroup")
def _get_local_group(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    names = arguments.take_or_next("Name")
    arguments.finish("Get-LocalGroup")
    groups = shell.session.host.accounts.groups
    return [_group(group) for group in _matching(names, groups, "Group", "Get-LocalGroup")]


@builtin("Get-LocalGroupMember")
def _get_local_group_member(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    name = arguments.take_or_next("Group", "Name")
    arguments.finish("Get-LocalGroupMember")
    accounts = shell.session.host.accounts
    (group,) = _matching(to_text(name), accounts.groups, "Group", "Get-LocalGroupMember")
    return [_principal(accounts.resolve(member), member) for member in group.members]


def _principal(found: tuple[str, str] | None, member: str) -> PSObject:
    properties = {"Name": member, "SID": found[1] if found else None, "ObjectClass": "User"}
    return PSObject("Microsoft.PowerShell.Commands.LocalPrincipal", properties, member)


@builtin("Get-Volume")
def _get_volume(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    letters = arguments.take_or_next("DriveLetter")
    arguments.finish("Get-Volume")
    known = shell.session.host.files.volumes
    wanted = [to_text(letter).upper().rstrip(":\\") for letter in flat(letters)] if letters else list(known)
    for letter in wanted:
        if letter not in known:
            raise CmdletError(
                "Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
                "CmdletizationQuery_NotFound_DriveLetter,Get-Volume",
                f"No MSFT_Volume objects found with property 'DriveLetter' equal to '{letter}'. "
                " Verify the value of the property and retry.",
            )
    return [_volume(known[letter]) for letter in wanted]


def _volume(volume: Volume) -> PSObject:
    return PSObject(
        "MSFT_Volume",
        {
            "DriveLetter": volume.letter,
            "DriveType": _DRIVES.get(volume.drive_type, "Unknown"),
            "FileSystem": volume.filesystem,
            "FileSystemType": volume.filesystem,
            "FileSystemLabel": volume.label,
            "HealthStatus": "Healthy",
            "OperationalStatus": "OK",
            "Size": volume.size,
            "SizeRemaining": volume.free,
        },
    )


@builtin("Get-PSDrive")
def _get_ps_drive(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    name, provider = arguments.take_or_next("Name"), arguments.take("PSProvider")
    arguments.finish("Get-PSDrive")
    if provider is not None and to_text(provider).lower() != "filesystem":
        raise Unmodelled(f"Get-PSDrive -PSProvider {to_text(provider)}")
    drives = {letter.lower(): _drive(volume) for letter, volume in shell.session.host.files.volumes.items()}
    return _matching(name, drives, "Drive", "Get-PSDrive")


def _drive(volume: Volume) -> PSObject:
    properties = {
        "Name": volume.letter,
        "Used": volume.size - volume.free,
        "Free": volume.free,
        "Root": f"{volume.letter}:\\",
        "Provider": "Microsoft.PowerShell.Core\\FileSystem",
    }
    return PSObject("System.Management.Automation.PSDriveInfo", properties, volume.letter)


@builtin("Get-NetFirewallProfile")
def _get_net_firewall_profile(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    names = arguments.take_or_next("Name", "Profile")
    arguments.take("All")
    arguments.finish("Get-NetFirewallProfile")
    profiles = {name.lower(): _profile(shell, name) for name in PROFILES}
    return _matching(names, profiles, "Profile", "Get-NetFirewallProfile")


def _profile(shell: Shell, name: str) -> PSObject:
    key = {"Domain": "DomainProfile", "Private": "StandardProfile", "Public": "PublicProfile"}[name]
    enabled = shell.session.host.registry.data(f"{POLICY_KEY}\\{key}", "EnableFirewall")
    properties = {"Name": name, "Profile": name, "Enabled": Enum(str(enabled in (None, 1)))}
    return PSObject("MSFT_NetFirewallProfile", properties)


@builtin("Get-TimeZone")
def _get_time_zone(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    arguments.finish("Get-TimeZone")
    name = "(UTC) Coordinated Universal Time"
    properties = {"Id": "UTC", "DisplayName": name, "StandardName": "Coordinated Universal Time"}
    return [PSObject("System.TimeZoneInfo", properties, name)]


@builtin("Get-ExecutionPolicy")
def _get_execution_policy(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    arguments.finish("Get-ExecutionPolicy")
    return [Enum("RemoteSigned")]


@builtin("Select-String")
def _select_string(shell: Shell, arguments: Arguments, values: list[Any]) -> list[Any]:
    """Lines of the pipeline that match; each prints as itself."""
    patterns = [to_text(item) for item in flat(arguments.take_or_next("Pattern"))]
    simple, quiet = arguments.take("SimpleMatch"), arguments.take("Quiet")
    arguments.finish("Select-String")
    forms = [re.compile(re.escape(p) if simple else p, re.IGNORECASE) for p in patterns]
    lines = [line for line in render(values) if any(form.search(line) for form in forms)]
    if quiet:
        return [bool(lines)]
    return [PSObject("Microsoft.PowerShell.Commands.MatchInfo", {"Line": line}, line) for line in lines]

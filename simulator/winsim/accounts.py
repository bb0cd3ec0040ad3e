# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local users, groups and user rights of a simulated host."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

# Well-known SIDs, https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers
WELL_KNOWN: dict[str, str] = {
    "Everyone": "S-1-1-0",
    "NT AUTHORITY\\SYSTEM": "S-1-5-18",
    "NT AUTHORITY\\LOCAL SERVICE": "S-1-5-19",
    "NT AUTHORITY\\NETWORK SERVICE": "S-1-5-20",
    "NT AUTHORITY\\Authenticated Users": "S-1-5-11",
    "NT AUTHORITY\\INTERACTIVE": "S-1-5-4",
    "NT AUTHORITY\\NETWORK": "S-1-5-2",
    "NT AUTHORITY\\SERVICE": "S-1-5-6",
    "CREATOR OWNER": "S-1-3-0",
    "NT SERVICE\\ALL SERVICES": "S-1-5-80-0",
    "NT SERVICE\\TrustedInstaller": "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
}
BUILTIN_GROUPS: dict[str, tuple[str, str]] = {
    "Administrators": (
        "S-1-5-32-544",
        "Administrators have complete and unrestricted access to the computer/domain",
    ),
    "Users": (
        "S-1-5-32-545",
        "Users are prevented from making accidental or intentional system-wide changes",
    ),
    "Guests": ("S-1-5-32-546", "Guests have the same access as members of the Users group by default"),
    "Backup Operators": (
        "S-1-5-32-551",
        "Backup Operators can override security restrictions to back up files",
    ),
    "Remote Desktop Users": ("S-1-5-32-555", "Members in this group are granted the right to logon remotely"),
    "Network Configuration Operators": (
        "S-1-5-32-556",
        "Members can manage configuration of networking features",
    ),
    "Performance Monitor Users": (
        "S-1-5-32-558",
        "Members of this group can access performance counter data",
    ),
    "Performance Log Users": (
        "S-1-5-32-559",
        "Members of this group may schedule logging of performance counters",
    ),
    "Distributed COM Users": ("S-1-5-32-562", "Members are allowed to launch DCOM objects on this machine"),
    "Event Log Readers": ("S-1-5-32-573", "Members of this group can read event logs from local machine"),
    "Hyper-V Administrators": (
        "S-1-5-32-578",
        "Members of this group have access to all features of Hyper-V",
    ),
    "Remote Management Users": ("S-1-5-32-580", "Members of this group can access WMI resources remotely"),
}


@dataclass
class LocalUser:
    """A local account; ``groups`` are local group names."""

    name: str
    sid: str
    fullname: str = ""
    description: str = ""
    disabled: bool = False
    locked: bool = False
    password_expired: bool = False
    password_never_expires: bool = False
    user_cannot_change_password: bool = False
    home_directory: str = ""
    login_script: str = ""
    profile: str = ""
    account_expires: datetime | None = None


@dataclass
class LocalGroup:
    """A local group; ``members`` are account names as ``HOST\\user`` or ``DOMAIN\\name``."""

    name: str
    sid: str
    description: str = ""
    members: list[str] = field(default_factory=list)


class Accounts:
    """Accounts of a host. ``passwords`` is the host's own dict of names and passwords, kept in step."""

    def __init__(self, computer: str, passwords: dict[str, str]) -> None:
        self.computer = computer
        self.passwords = passwords
        digest = hashlib.sha256(computer.upper().encode()).digest()
        parts = [str(int.from_bytes(digest[i : i + 4], "big")) for i in (0, 4, 8)]
        self.machine_sid = "S-1-5-21-" + "-".join(parts)
        self._next_rid = 1001
        self.users: dict[str, LocalUser] = {}
        self.groups = {
            name.lower(): LocalGroup(name, sid, text) for name, (sid, text) in BUILTIN_GROUPS.items()
        }
        self.service_names: Callable[[], Iterable[str]] = tuple
        self.rights: dict[str, list[str]] = {name: list(sids) for name, sids in DEFAULT_RIGHTS.items()}
        self._load_builtin()

    def _load_builtin(self) -> None:
        self._add("Administrator", 500, "Built-in account for administering the computer/domain")
        self._add("Guest", 501, "Built-in account for guest access to the computer/domain").disabled = True
        self._add("DefaultAccount", 503, "A user account managed by the system.").disabled = True
        for name in self.passwords:
            if "\\" not in name and "@" not in name and name.lower() not in self.users:
                self.add_user(name)
        admins = self.groups["administrators"].members
        admins += [
            f"{self.computer}\\{name}" for name in ["Administrator", *self.passwords] if "@" not in name
        ]
        admins[:] = list(dict.fromkeys(admins))

    def _add(self, name: str, rid: int, description: str = "") -> LocalUser:
        user = LocalUser(name, f"{self.machine_sid}-{rid}", description=description)
        self.users[name.lower()] = user
        return user

    def add_user(self, name: str) -> LocalUser:
        """A new local account."""
        user = self._add(name, self._next_rid)
        self._next_rid += 1
        return user

    def add_group(self, name: str, description: str = "") -> LocalGroup:
        """A new local group."""
        group = LocalGroup(name, f"{self.machine_sid}-{self._next_rid}", description)
        self._next_rid += 1
        self.groups[name.lower()] = group
        return group

    def remove_user(self, name: str) -> None:
        """Delete a local account, its password and memberships."""
        user = self.users.pop(name.lower())
        for key in [k for k in self.passwords if k.lower() == name.lower()]:
            del self.passwords[key]
        full = f"{self.computer}\\{user.name}".lower()
        for group in self.groups.values():
            group.members = [m for m in group.members if m.lower() != full]

    def set_password(self, name: str, password: str) -> None:
        """Change a password in the dict that the logon checks."""
        existing = next((k for k in self.passwords if k.lower() == name.lower()), name)
        self.passwords[existing] = password

    def logon_error(self, name: str, now: datetime) -> tuple[int, str] | None:
        """Why Windows refuses a logon with the right password: (Win32 code, text); None if it does not."""
        user = self.users.get(name.rpartition("\\")[2].lower())
        if user is None:
            return None
        if user.disabled:
            return 1331, "This user can't sign in because this account is currently disabled"
        if user.account_expires is not None and user.account_expires <= now:
            return 1793, "The user's account has expired"
        if user.password_expired:
            return 1907, "The user's password must be changed before signing in"
        return None

    def groups_of(self, name: str) -> list[LocalGroup]:
        """Local groups of a local account."""
        full = f"{self.computer}\\{name}".lower()
        return [g for g in self.groups.values() if full in (m.lower() for m in g.members)]

    def resolve(self, name: str) -> tuple[str, str] | None:
        """(account as Windows prints it, SID) of a name, ``.\\name``, ``HOST\\name`` or SID; None if unknown."""
        for shown, sid in self._all():
            if name.upper() == sid or name.lower() in _spellings(shown, self.computer):
                return shown, sid
        return None

    def _all(self) -> list[tuple[str, str]]:
        known = list(WELL_KNOWN.items())
        known += [(f"BUILTIN\\{g.name}", g.sid) for g in self.groups.values() if g.sid.startswith("S-1-5-32")]
        own = [(g.name, g.sid) for g in self.groups.values() if not g.sid.startswith("S-1-5-32")]
        own += [(user.name, user.sid) for user in self.users.values()]
        known += [(f"{self.computer}\\{name}", sid) for name, sid in own]
        known += [(f"NT SERVICE\\{name}", service_sid(name)) for name in self.service_names()]
        return known


def service_sid(name: str) -> str:
    """The SID that every service has (``sc.exe showsid``): SHA-1 of its upper-case name, [MS-DTYP] 2.4.2.4."""
    digest = hashlib.sha1(name.upper().encode("utf-16-le"), usedforsecurity=False).digest()
    return "S-1-5-80-" + "-".join(str(part) for part in struct.unpack("<5I", digest))


def _spellings(shown: str, computer: str) -> set[str]:
    domain, _, short = shown.rpartition("\\")
    if domain == "NT SERVICE":
        return {shown.lower()}
    names = {shown.lower(), short.lower()}
    if domain.lower() == computer.lower():
        names.add(f".\\{short}".lower())
    if domain == "NT AUTHORITY":
        names |= {short.lower().replace(" ", ""), f"nt authority\\{short.lower().replace(' ', '')}"}
    if short == "SYSTEM":
        names |= {"localsystem", ".\\localsystem"}
    return names


# Rights of a stand-alone server by default (secedit names -> SIDs).
DEFAULT_RIGHTS: dict[str, list[str]] = {
    "SeAssignPrimaryTokenPrivilege": ["S-1-5-19", "S-1-5-20"],
    "SeAuditPrivilege": ["S-1-5-19", "S-1-5-20"],
    "SeBackupPrivilege": ["S-1-5-32-544", "S-1-5-32-551"],
    "SeBatchLogonRight": ["S-1-5-32-544", "S-1-5-32-551", "S-1-5-32-559"],
    "SeChangeNotifyPrivilege": [
        "S-1-1-0",
        "S-1-5-19",
        "S-1-5-20",
        "S-1-5-32-544",
        "S-1-5-32-545",
        "S-1-5-32-551",
    ],
    "SeCreateGlobalPrivilege": ["S-1-5-19", "S-1-5-20", "S-1-5-32-544", "S-1-5-6"],
    "SeCreatePagefilePrivilege": ["S-1-5-32-544"],
    "SeCreatePermanentPrivilege": [],
    "SeCreateSymbolicLinkPrivilege": ["S-1-5-32-544"],
    "SeCreateTokenPrivilege": [],
    "SeDebugPrivilege": ["S-1-5-32-544"],
    "SeDenyBatchLogonRight": [],
    "SeDenyInteractiveLogonRight": [],
    "SeDenyNetworkLogonRight": [],
    "SeDenyRemoteInteractiveLogonRight": [],
    "SeDenyServiceLogonRight": [],
    "SeEnableDelegationPrivilege": [],
    "SeImpersonatePrivilege": ["S-1-5-19", "S-1-5-20", "S-1-5-32-544", "S-1-5-6"],
    "SeIncreaseBasePriorityPrivilege": ["S-1-5-32-544"],
    "SeIncreaseQuotaPrivilege": ["S-1-5-19", "S-1-5-20", "S-1-5-32-544"],
    "SeIncreaseWorkingSetPrivilege": ["S-1-5-32-545"],
    "SeInteractiveLogonRight": ["S-1-5-32-544", "S-1-5-32-545", "S-1-5-32-551"],
    "SeLoadDriverPrivilege": ["S-1-5-32-544"],
    "SeLockMemoryPrivilege": [],
    "SeMachineAccountPrivilege": [],
    "SeManageVolumePrivilege": ["S-1-5-32-544"],
    "SeNetworkLogonRight": ["S-1-1-0", "S-1-5-32-544", "S-1-5-32-545", "S-1-5-32-551"],
    "SeProfileSingleProcessPrivilege": ["S-1-5-32-544"],
    "SeRelabelPrivilege": [],
    "SeRemoteInteractiveLogonRight": ["S-1-5-32-544", "S-1-5-32-555"],
    "SeRemoteShutdownPrivilege": ["S-1-5-32-544"],
    "SeRestorePrivilege": ["S-1-5-32-544", "S-1-5-32-551"],
    "SeSecurityPrivilege": ["S-1-5-32-544"],
    "SeServiceLogonRight": ["S-1-5-80-0"],
    "SeShutdownPrivilege": ["S-1-5-32-544", "S-1-5-32-551"],
    "SeSyncAgentPrivilege": [],
    "SeSystemEnvironmentPrivilege": ["S-1-5-32-544"],
    "SeSystemProfilePrivilege": ["S-1-5-32-544"],
    "SeSystemtimePrivilege": ["S-1-5-19", "S-1-5-32-544"],
    "SeTakeOwnershipPrivilege": ["S-1-5-32-544"],
    "SeTcbPrivilege": [],
    "SeTimeZonePrivilege": ["S-1-5-19", "S-1-5-32-544"],
    "SeTrustedCredManAccessPrivilege": [],
    "SeUndockPrivilege": ["S-1-5-32-544"],
}

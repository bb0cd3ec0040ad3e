# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Windows notes that it waits for a restart, and what clears it.

https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-movefileexw for the file renames; the keys of
component servicing and of Windows Update are those that every tool looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winsim.registry import Registry

_CURRENT = "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion"
SESSION_MANAGER = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
RENAMES = "PendingFileRenameOperations"
# Reason, as the hosts file names it -> key that is there while the reason is.
KEYS = {
    "servicing": f"{_CURRENT}\\Component Based Servicing\\RebootPending",
    "windows_update": f"{_CURRENT}\\WindowsUpdate\\Auto Update\\RebootRequired",
}
REASONS = (*KEYS, "file_rename")


def note(registry: Registry, reasons: Iterable[str]) -> None:
    """Write the reasons where Windows keeps them; ValueError for an unknown one."""
    for reason in reasons:
        if reason in KEYS:
            registry.create(KEYS[reason])
        elif reason == "file_rename":
            # Pairs of a name and its new name; an empty one deletes.
            registry.set(SESSION_MANAGER, RENAMES, ["\\??\\C:\\Windows\\Temp\\old.tmp", ""], "multistring")
        else:
            raise ValueError(f"reboot_pending: unknown reason {reason}; known: {', '.join(REASONS)}")


def found(registry: Registry) -> list[str]:
    """The reasons that the registry tells, whoever wrote them there."""
    reasons = [reason for reason, key in KEYS.items() if registry.exists(key)]
    return [*reasons, "file_rename"] if registry.data(SESSION_MANAGER, RENAMES) else reasons


def clear(registry: Registry) -> None:
    """A restart has done what was waiting."""
    for key in KEYS.values():
        registry.delete(key)
    registry.delete_value(SESSION_MANAGER, RENAMES)

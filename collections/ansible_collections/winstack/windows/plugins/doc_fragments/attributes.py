# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is true of every module of the collection that changes a Windows host."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes and notes that the modules share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode and tell what would change, without changing it.
  diff_mode:
    support: full
    description: Tells what has changed, or would change in check mode, when run with C(--diff).
  idempotent:
    support: full
    description: A second run changes nothing.
  platform:
    platforms: windows
    support: full
    description: The target is a Windows host, from Windows Server 2012 R2 to Windows Server 2025.
  action_group:
    support: full
    membership:
      - winstack.windows.all
    description: Use C(group/winstack.windows.all) in C(module_defaults) to set defaults for this module.
  action:
    support: full
    description: >-
      The logic runs on the controller, and reaches the host through M(ansible.windows.win_powershell) on the
      connection of the task.
  async:
    support: none
    description: Does not support C(async).
  delegation:
    support: full
    description: Can be delegated to another host.
requirements:
  - collection C(ansible.windows) on the controller
notes:
  - Reads the snapshot of M(winstack.windows.snapshot) when an earlier task of the run took one, and goes to the host only
    for what is not in it, and when something has to change.
  - After a change the host is read again. A change that does not read back as wanted is a failure.
"""

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
    description: Can run in check mode and return what would change, without changing it.
  diff_mode:
    support: full
    description: Returns what has changed, or would change in check mode, when run with C(--diff).
  idempotent:
    support: full
    description: When run twice in a row outside check mode, with the same options, the second run changes nothing.
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
      The logic runs on the controller. One short PowerShell script travels through the connection of the task (winrm, psrp
      or ssh) and calls the cmdlets. Under C(become), over a connection without standard input, and with the variable
      C(winstack_transport=module), M(ansible.windows.win_powershell) carries the script.
  async:
    support: none
    description: Does not support C(async).
  delegation:
    support: full
    description: Can be delegated to another host.
requirements:
  - collection C(ansible.windows) on the controller
notes:
  - What the host answers is kept for the rest of the run. Later tasks of this collection ask only for what is not known yet,
    and for what a change has touched.
  - After a change the host is asked again. A change that does not read back as wanted is a failure.
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarting the host."""

from __future__ import annotations


class ModuleDocFragment:
    """Options O(reboot) and O(reboot_timeout)."""

    DOCUMENTATION = r"""
options:
  reboot:
    description:
      - Whether the host may be restarted when a change needs it. M(ansible.windows.win_reboot) does that, and the rest of the
        work follows.
      - Otherwise RV(reboot_required) says that a restart is due, and what has to wait for the restart is a failure.
    type: bool
    default: false
  reboot_timeout:
    description: Seconds to wait for the host after a restart.
    type: int
    default: 1800
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is true of every module of the collection that is meant for playbooks."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that the modules share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  idempotent:
    support: full
    description: A second run changes nothing.
  action_group:
    support: full
    membership:
      - winstack.openstack.all
    description: Use C(group/winstack.openstack.all) in C(module_defaults) to set defaults for this module.
"""

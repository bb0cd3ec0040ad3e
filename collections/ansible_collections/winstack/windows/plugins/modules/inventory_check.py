# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Find mistakes in the inventory before any host is asked
version_added: 0.1.0
description:
  - Reads the inventory, C(--limit) and C(--tags) of the run on the controller. No host is asked, and no connection is opened.
  - All mistakes are told in one failure, each in one sentence.
  - A group that is missing or empty. Ansible calls a play without hosts a success.
  - A C(--limit) of which a part matches nothing, or that leaves no host of O(limited).
  - Tags that the playbook does not have.
  - Two names that differ in upper and lower case alone.
  - Two hosts that are reached at one endpoint, by the variables of their own connection (C(winrm), C(psrp) or C(ssh)).
  - A variable of a host that names a C(vault_*) variable which nothing defines.
  - With C(--limit), what only concerns hosts outside of it is left aside.
author:
  - Contributors to the Winstack project (@winstack)
attributes:
  check_mode:
    support: full
    description: Does the same in check mode.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
  platform:
    platforms: posix
    support: full
    description: Runs on the controller.
  action_group:
    support: none
    membership: []
    description: Use C(group/winstack.windows.all) in C(module_defaults) to set defaults for this module.
  action:
    support: full
    description: Runs on the controller.
  async:
    support: none
    description: Does not support C(async).
  delegation:
    support: full
    description: >-
      Delegate to C(localhost). Otherwise Ansible reads the connection variables of the host at hand first, and an undefined one
      ends the task with words of its own.
options:
  groups:
    description: Groups that the playbook needs. Each has to be in the inventory, with a host in it; their hosts are checked.
    type: list
    elements: str
    required: true
  limited:
    description:
      - Groups of which C(--limit) has to leave at least one host, of any of them.
      - By default O(groups).
    type: list
    elements: str
  tags:
    description:
      - Tags that the playbook knows; C(--tags) and C(--skip-tags) may name no others, save those with a meaning to Ansible, such as
        C(always). By default tags are not checked.
    type: list
    elements: str
notes:
  - For a play that also runs with C(--limit), use C(hosts=localhost:all) and C(run_once=true).
"""

EXAMPLES = r"""
- name: Check the inventory
  winstack.windows.inventory_check:
    groups: [windows_storage]
    tags: [storage, time]
  run_once: true
  delegate_to: localhost
  tags: always

- name: Check the inventory of a site whose Linux nodes may be worked on alone
  winstack.windows.inventory_check:
    groups: [windows_storage]
    limited: [windows_storage, openvstorage]
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
problems:
  description: The mistakes, a sentence each. RV(ignore:msg) of the failure holds them all, one a line.
  returned: always
  type: list
  elements: str
  sample:
    - The group windows_storage of the inventory is empty. Add hosts to it.
"""

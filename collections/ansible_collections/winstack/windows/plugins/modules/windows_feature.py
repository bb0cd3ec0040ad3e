# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: windows_feature
short_description: Install and remove features of Windows Server
version_added: 0.1.0
description:
  - Installs and removes roles, role services and features.
  - A feature whose installation waits for a restart counts as not installed.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind
  - winstack.windows.reboot
options:
  name:
    description:
      - Name of the feature, as C(Get-WindowsFeature) lists it. Case does not matter.
      - Needed for all states but V(gathered).
    type: str
  management_tools:
    description: Whether its management tools are installed too. Counts only when the feature is installed.
    type: bool
    default: false
  sub_features:
    description: Whether all features below it are installed too. Counts only when the feature is installed.
    type: bool
    default: false
seealso:
  - module: winstack.windows.desired_state
  - module: ansible.windows.win_feature
"""

EXAMPLES = r"""
- name: Install the iSCSI target server, and restart the host if that is needed
  winstack.windows.windows_feature:
    name: FS-iSCSITarget-Server
    reboot: true

- name: Remove SMB 1
  winstack.windows.windows_feature:
    name: FS-SMB1
    state: absent

- name: List the installed features
  winstack.windows.windows_feature:
    state: gathered
  register: features
"""

RETURN = r"""
objects:
  description:
    - An entry for the object, and one for each further object that it implies.
    - With O(state=gathered), an entry for each object of this kind that the host has.
  returned: always, except with O(state=rendered)
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    key:
      description: Name of the object; empty for what a host has exactly one of.
      type: str
    changed:
      description: Whether it was changed, or would be in check mode.
      type: bool
    outcome:
      description: V(unchanged), V(planned) (in check mode), V(changed), V(failed) or V(not_reached).
      type: str
    before:
      description: The options as they were; empty if there was no such object.
      type: dict
    after:
      description: The options as they are now, or would be in check mode; empty if there is no such object.
      type: dict
    commands:
      description: The calls that made the change, or would make it in check mode. Secrets are masked.
      type: list
      elements: dict
      contains:
        cmdlet:
          description: Name of the cmdlet.
          type: str
        parameters:
          description: Its parameters.
          type: dict
    options:
      description: With O(state=gathered), the options that wish for the object as it is.
      type: dict
    facts:
      description: With O(state=gathered), what the host shows of it beside its options.
      type: dict
    protected:
      description: With O(state=gathered), the pattern of O(protected) that protects it; null if none does.
      type: str
refusals:
  description: Why the change must not be made, one sentence each. The task has then failed.
  returned: O(state=present) or O(state=absent)
  type: list
  elements: str
unmet:
  description: What has to be there first, one sentence each. The task has then failed.
  returned: O(state=present) or O(state=absent)
  type: list
  elements: str
reboot_required:
  description: Whether the host has to be restarted before everything is in effect.
  returned: O(state=present) or O(state=absent)
  type: bool
rebooted:
  description: Whether the task restarted the host.
  returned: O(state=present) or O(state=absent)
  type: bool
remote_commands:
  description: How many remote commands the task ran.
  returned: always
  type: int
rendered:
  description: The calls that lead from O(have) to what is wanted, in the form of RV(objects[].commands).
  returned: O(state=rendered)
  type: list
  elements: dict
  sample: [{"cmdlet": "Install-WindowsFeature", "parameters": {"Name": ["FS-iSCSITarget-Server"]}}]
gathered:
  description: The objects of this kind that the host has, each as the options that wish for it.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample: [{"name": "FS-iSCSITarget-Server"}]
host:
  description: What the host itself is.
  returned: O(state=gathered)
  type: dict
  contains:
    computer:
      description: Name of the computer.
      type: str
    domain:
      description: Domain that it is a member of; null in a workgroup.
      type: str
    product:
      description: V(server), V(domain_controller) or V(workstation).
      type: str
    release:
      description: Release of Windows Server.
      type: str
      sample: "2022"
    system:
      description: Name of the operating system.
      type: str
      sample: Microsoft Windows Server 2022 Standard
    version:
      description: Version of the operating system.
      type: str
      sample: 10.0.20348
    started:
      description: When it last started.
      type: str
    clock_offset_seconds:
      description: Clock of the host minus clock of the controller.
      type: float
    clock_uncertainty_seconds:
      description: How far off that offset may be.
      type: float
silent:
  description: Empty. A kind that the host does not tell is a failure of this module.
  returned: O(state=gathered)
  type: dict
"""

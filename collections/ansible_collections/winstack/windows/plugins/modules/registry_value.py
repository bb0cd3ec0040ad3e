# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_value
short_description: Manage values of the Windows registry
version_added: 0.1.0
description:
  - Makes, changes and removes a value of a registry key. Keys that are missing are made; keys are never removed or emptied.
  - Type and data are compared strictly, since the text V(900) is no number for Windows.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind
options:
  path:
    description:
      - Path of the key, as in V(HKLM:\\SOFTWARE\\Example). V(HKLM\\) and V(HKEY_LOCAL_MACHINE\\) are understood too.
      - Case does not matter.
    type: str
  name:
    description: Name of the value. The default value of the key has the name V(""). Case does not matter.
    type: str
    default: ""
  type:
    description: Type of the value. Needed for O(state=present).
    type: str
    choices: [string, expand_string, multi_string, dword, qword, binary]
  data:
    description:
      - Data of the value. Needed for O(state=present).
      - Text for V(string) and V(expand_string), a list of texts for V(multi_string), a whole number for V(dword) and V(qword),
        and hexadecimal digits, as in V(01 0a ff), or a list of bytes for V(binary).
      - Shown in results and diffs. Do not write secrets with this module, or set C(no_log) for the task.
    type: raw
  state:
    description:
      - V(present) writes the value.
      - V(absent) removes it. Its key stays.
      - V(rendered) returns the cmdlet calls that lead from O(have) to what is wanted. No host is asked.
      - In check mode, what has to be there first is a warning, since another task of the play may make it.
        M(winstack.windows.desired_state), which knows the whole document, fails instead.
    choices: [present, absent, rendered]
  have:
    description: The values that O(state=rendered) starts from, each in the form of the options. By default there are none.
seealso:
  - module: winstack.windows.desired_state
  - module: ansible.windows.win_regedit
"""

EXAMPLES = r"""
- name: Let programs use long paths
  winstack.windows.registry_value:
    path: HKLM:\SYSTEM\CurrentControlSet\Control\FileSystem
    name: LongPathsEnabled
    type: dword
    data: 1

- name: Write a list of texts
  winstack.windows.registry_value:
    path: HKLM:\SOFTWARE\Example
    name: Servers
    type: multi_string
    data: [one.example.org, two.example.org]

- name: Remove a value
  winstack.windows.registry_value:
    path: HKLM:\SOFTWARE\Example
    name: Servers
    state: absent
"""

RETURN = r"""
objects:
  description: An entry for the object, and one for each further object that it implies.
  returned: O(state=present) or O(state=absent)
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
  sample: [{"cmdlet": "Set-ItemProperty", "parameters": {"LiteralPath": "HKLM:\\SOFTWARE\\Example", "Name": "Answer", "Value": 42, "Type": "DWord"}}]
"""

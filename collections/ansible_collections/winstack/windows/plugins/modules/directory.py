# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: directory
short_description: Make folders on a Windows host
version_added: 0.1.0
description:
  - Makes a folder on a local drive, and the folders above it.
  - Nothing here removes a folder, since it may hold data.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind.present
options:
  path:
    description:
      - Absolute path of the folder on a drive letter, as in V(D:\\iSCSI). Case does not matter.
      - A path that hides which folder is meant is refused, such as one with V(..), a short (8.3) name, or a dot at the end of
        a part.
    type: str
  allow_links:
    description:
      - Whether the folder may be, or be below, a junction, symbolic link or mount point.
      - Such a folder is on another volume than its drive letter says. Programs that ask the letter for its free space are
        misled.
    type: bool
    default: true
  file_systems:
    description:
      - File systems of which the drive needs one, as in V(NTFS) and V(ReFS). The drive has to be a local one, too.
      - By default the drive is not looked at.
    type: list
    elements: str
  free:
    description: Free space that the drive needs before the folder is made, as in V(10GB). By default it is not looked at.
    type: str
  state:
    description:
      - V(present) makes the folder.
      - V(rendered) returns the cmdlet calls that lead from O(have) to what is wanted. No host is asked.
      - In check mode, what has to be there first is a warning, since another task of the play may make it.
        M(winstack.windows.desired_state), which knows the whole document, fails instead.
    choices: [present, rendered]
  have:
    description: The folders that O(state=rendered) starts from, each with its O(path). By default there are none.
seealso:
  - module: winstack.windows.desired_state
  - module: ansible.windows.win_file
"""

EXAMPLES = r"""
- name: Make a folder for virtual disks
  winstack.windows.directory:
    path: 'D:\iSCSI'

- name: Insist on a local drive of its own, with room
  winstack.windows.directory:
    path: 'D:\iSCSI'
    allow_links: false
    file_systems: [NTFS, ReFS]
    free: 10GB
"""

RETURN = r"""
objects:
  description: An entry for the object, and one for each further object that it implies.
  returned: O(state=present)
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
  returned: O(state=present)
  type: list
  elements: str
unmet:
  description: What has to be there first, one sentence each. The task has then failed.
  returned: O(state=present)
  type: list
  elements: str
reboot_required:
  description: Whether the host has to be restarted before everything is in effect.
  returned: O(state=present)
  type: bool
rebooted:
  description: Whether the task restarted the host.
  returned: O(state=present)
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
  sample: [{"cmdlet": "New-Item", "parameters": {"ItemType": "Directory", "Path": "D:\\iSCSI", "Force": true}}]
"""

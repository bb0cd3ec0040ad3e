# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: requirement
short_description: Fail where a Windows host is not what is needed
version_added: 0.1.0
description:
  - Compares a host with what it has to be before anything is done to it, and changes nothing.
  - Everything that is missing is returned at once, one sentence each.
  - Windows Server 2012 R2 and 2016, which Ansible itself does not support any more, or soon will not, are told as a warning.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind.present
attributes:
  diff_mode:
    support: none
    details: Changes nothing.
options:
  answers:
    description:
      - What the host has to tell when it is asked, such as its features and services. Where it does not, the account is usually
        no administrator.
    type: list
    elements: str
    choices: [os, computer, features, services, volumes, addresses]
  releases:
    description: Releases of Windows Server, one of which the host has to have. By default all that the collection supports.
    type: list
    elements: str
    choices: ["2012r2", "2016", "2019", "2022", "2025"]
  server:
    description: Whether workstations are refused.
    type: bool
    default: false
  features_available:
    description: Features that are installed, or can be installed without another source.
    type: list
    elements: str
  drives:
    description: Drives that the host needs.
    type: list
    elements: dict
    suboptions:
      drive:
        description: Letter of the drive, as V(C:).
        type: str
        required: true
      size:
        description: Least size, as V(16GB). A unit is a power of 1024.
        type: str
      free:
        description: Least free space, as V(10GB).
        type: str
  clock_tolerance:
    description: Seconds by which the clock may be off the controller's. By default it is not looked at.
    type: int
  clock:
    description:
      - What a clock that is further off is.
      - V(fail) is for connections by Kerberos, which refuses more than five minutes. With V(warn) it is a warning, since
        M(winstack.windows.ntp_client) can still set it right.
    type: str
    choices: [fail, warn]
    default: warn
  administrator:
    description:
      - Whether the account has to be an administrator with its full token. Over the network, Windows filters the token of local
        accounts other than the built-in Administrator, unless LocalAccountTokenFilterPolicy is 1.
    type: bool
    default: false
  no_pending_reboot:
    description: Whether a restart that Windows waits for is told, as a warning.
    type: bool
    default: false
  state:
    description:
      - V(present) compares the host, in check mode too.
      - V(rendered) returns no calls, since nothing here changes a host.
    choices: [present, rendered]
  have:
    description: Has no effect here.
seealso:
  - module: winstack.windows.desired_state
"""

EXAMPLES = r"""
- name: Make sure that the host can be an iSCSI target server
  winstack.windows.requirement:
    answers: [os, computer, features, services, volumes, addresses]
    releases: ["2019", "2022", "2025"]
    server: true
    administrator: true
    features_available: [FS-iSCSITarget-Server]
    drives:
      - drive: "C:"
        size: 16GB
      - drive: "D:"
        free: 100GB

- name: Make sure that Kerberos works
  winstack.windows.requirement:
    clock_tolerance: 300
    clock: fail
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
"""

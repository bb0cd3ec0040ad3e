# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: iscsi_server_target
short_description: Manage targets of the Microsoft iSCSI Target Server
version_added: 0.1.0
description:
  - Makes, sets and removes targets, says who may log in, sets CHAP, and maps virtual disks to logical units.
  - A new target lets nobody in before its settings are made.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.resource
  - winstack.windows.cinder
attributes:
  idempotent:
    support: partial
    details: With O(update_secret=always) the secrets are sent again each time, since Windows never shows them.
options:
  name:
    description:
      - Name of the target, of letters, digits, hyphens, dots and colons. Case does not matter. It cannot be changed.
      - Needed for O(state=present), O(state=absent) and O(state=rendered).
    type: str
  iqn:
    description:
      - iSCSI qualified name of the target. Compared in lower case.
      - Windows makes one of the names of computer and target by default.
    type: str
  initiator_ids:
    description:
      - Who may log in, the whole list. V([]) lets nobody in. Without it the list is left as it is.
      - Each as V(IQN:iqn.1993-08.org.debian:01:abc), V(IPAddress:10.0.0.5), V(IPv6Address:fd00::5), V(DNSName:node1.example.org)
        or V(MACAddress:00-15-5D-01-02-03). Case does not matter.
      - V(IQN:*) lets everyone in.
    type: list
    elements: str
  description:
    description: Free text. V("") clears it.
    type: str
  enabled:
    description:
      - Whether the target takes logins. A new target does.
      - Initiators that are logged in stay connected when it is disabled.
      - Read from the WMI class C(WT_Host), since the cmdlets do not show it.
    type: bool
  chap:
    description: How initiators prove who they are (CHAP).
    type: dict
    suboptions:
      enabled:
        description: Whether CHAP is asked for. User name and secret of a target whose CHAP is off are not compared.
        type: bool
        default: true
      username:
        description: User name of the initiator.
        type: str
      secret:
        description:
          - Secret, 12 to 16 printable ASCII characters. Needs O(chap.username).
          - Windows never shows it. It is sent when the target is made, when the user name differs and when CHAP is switched
            on; see O(update_secret).
        type: str
  reverse_chap:
    description: How the target proves who it is (reverse CHAP). Initiators ask for it only together with CHAP.
    type: dict
    suboptions:
      enabled:
        description: Whether reverse CHAP is on.
        type: bool
        default: true
      username:
        description: User name of the target.
        type: str
      secret:
        description: Secret, 12 to 16 printable ASCII characters, other than O(chap.secret). Needs O(reverse_chap.username).
        type: str
  update_secret:
    description:
      - V(on_create) sends a secret only where something else about CHAP differs.
      - V(always) sends it each time, and each time counts as a change.
    type: str
    choices: [on_create, always]
    default: on_create
  luns:
    description:
      - Virtual disks that the target shows, the whole list, at most 256. V([]) shows none. Without it they are left as they
        are.
      - A changed number means that the disk is taken out and put in again; all that goes is taken out first, so numbers can
        be swapped.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of a registered virtual disk; see M(winstack.windows.iscsi_virtual_disk).
        type: str
        required: true
      lun:
        description:
          - Logical unit number, 0 to 255.
          - By default the one that the disk has, else the lowest that is free.
        type: int
seealso:
  - module: winstack.windows.iscsi_virtual_disk
  - module: winstack.windows.iscsi_target_server
  - name: Limits of iSCSI Target Server
    description: Counts that Microsoft supports.
    link: https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
"""

EXAMPLES = r"""
- name: Show two disks to one initiator that has to log in with a secret
  winstack.windows.iscsi_server_target:
    name: backup
    initiator_ids:
      - IQN:iqn.1993-08.org.debian:01:backup1
    chap:
      username: backup1
      secret: "{{ vault_backup_chap_secret }}"
    luns:
      - path: D:\iSCSI\backup.vhdx
        lun: 0
      - path: D:\iSCSI\archive.vhdx
        lun: 1

- name: Let a whole cluster in, by address
  winstack.windows.iscsi_server_target:
    name: cluster
    initiator_ids:
      - IPAddress:10.0.0.11
      - IPAddress:10.0.0.12

- name: Change the secret
  winstack.windows.iscsi_server_target:
    name: backup
    chap:
      username: backup1
      secret: "{{ vault_new_secret }}"
    update_secret: always

- name: Remove a target; its disks stay
  winstack.windows.iscsi_server_target:
    name: backup
    state: absent

- name: List the targets of a host
  winstack.windows.iscsi_server_target:
    state: gathered
  register: targets
"""

RETURN = r"""
before:
  description: What was there, before the task. Empty if there was nothing.
  returned: state is present, absent or rendered
  type: dict
  sample: {}
after:
  description: What is there after the task, or would be in check mode. Empty if it was removed.
  returned: state is present, absent or rendered
  type: dict
  sample: {"name": "backup", "initiator_ids": ["IQN:iqn.1993-08.org.debian:01:backup1"], "chap": {"enabled": true, "username": "backup1"}}
commands:
  description: The cmdlet calls that made the change, or would make it in check mode. Secrets are masked.
  returned: state is present, absent or rendered
  type: list
  elements: dict
  contains:
    cmdlet:
      description: Name of the cmdlet.
      type: str
    parameters:
      description: Its parameters.
      type: dict
  sample: [{"cmdlet": "Set-IscsiServerTarget", "parameters": {"TargetName": "backup", "Chap": {"username": "backup1", "password": "********"}}}]
rendered:
  description: The same as RV(commands).
  returned: state is rendered
  type: list
  elements: dict
gathered:
  description: All that was read of the host, in the form that O(have) takes.
  returned: state is gathered
  type: dict
  contains:
    release:
      description: Release of Windows Server.
      type: str
      sample: "2022"
    targets:
      description: The targets, by name.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the target.
          type: str
        iqn:
          description: iSCSI qualified name.
          type: str
        description:
          description: Free text.
          type: str
        enabled:
          description: Whether the target takes logins. Null if Windows did not say.
          type: bool
        initiator_ids:
          description: Who may log in.
          type: list
          elements: str
        chap:
          description: Whether CHAP is on, and the user name.
          type: dict
        reverse_chap:
          description: Whether reverse CHAP is on, and the user name.
          type: dict
        luns:
          description: The disks that the target shows, each with C(lun) and C(path).
          type: list
          elements: dict
        status:
          description: Status as Windows names it.
          type: str
          sample: NotConnected
        sessions:
          description: Who is logged in, as Windows prints it.
          type: list
          elements: str
        owner:
          description: V(cinder) for a target of C(cinder-volume), else null.
          type: str
    disks:
      description: The virtual disks that could be shown, each with C(path) and C(description).
      type: list
      elements: dict
"""

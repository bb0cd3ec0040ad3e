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
  - The service C(WinTarget) has to run; see M(winstack.windows.windows_feature) and M(winstack.windows.windows_service).
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind
attributes:
  idempotent:
    support: partial
    details: With O(update_secret=always) the secrets are sent again each time, since Windows never shows them.
options:
  name:
    description:
      - Name of the target, of letters, digits, hyphens, dots and colons. Case does not matter. It cannot be changed.
      - Needed for all states but V(gathered).
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
      - A target that shows no disk cannot be enabled.
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
notes:
  - A target is protected by its name or IQN, and by a protected disk that it shows; see O(protected).
  - A target that belongs to a clustered role is refused, since it moves between the nodes.
seealso:
  - module: winstack.windows.desired_state
  - module: winstack.windows.iscsi_virtual_disk
  - module: winstack.windows.wintarget
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
  sample: [{"cmdlet": "Set-IscsiServerTarget", "parameters": {"TargetName": "backup", "Chap": {"username": "backup1", "password": "********"}}}]
gathered:
  description: The targets that the host has, each as the options that wish for it, without secrets.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample: [{"name": "backup", "initiator_ids": ["IQN:iqn.1993-08.org.debian:01:backup1"], "luns": [{"path": "D:\\iSCSI\\backup.vhdx", "lun": 0}]}]
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

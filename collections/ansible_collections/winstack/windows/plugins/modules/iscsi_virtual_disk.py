# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: iscsi_virtual_disk
short_description: Manage virtual disks of the Microsoft iSCSI Target Server
version_added: 0.1.0
description:
  - Makes, imports, grows, describes, enables and removes the virtual disks that targets show to initiators.
  - A file that is there already and not registered is imported, never overwritten.
  - What only making the disk again could change (type, parent) is refused, since the data would be lost.
  - The service C(WinTarget) has to run; see M(winstack.windows.windows_feature) and M(winstack.windows.windows_service).
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind
options:
  path:
    description:
      - Absolute path of the file on a local drive letter with NTFS or ReFS, as in V(D:\\iSCSI\\disk1.vhdx). Case does not
        matter.
      - V(.vhdx) can be made; V(.vhd) can only be imported.
      - Network and device paths, short (8.3) names, V(..), data streams and names that end in a dot or a space are refused. So
        are paths through a link, a junction or a mount point.
      - Needed for all states but V(gathered).
    type: str
  size:
    description:
      - Size of the disk, in whole MiB, as V(20GB), V(512MiB) or a number of bytes. A unit is a power of 1024, as in
        PowerShell.
      - From 3 MB to 64 TB for V(.vhdx).
      - Needed to make a disk, unless it has O(parent_path), whose size it has by default.
      - A larger size grows the disk in place, while initiators use it. A smaller one needs O(allow_shrink).
    type: str
  type:
    description:
      - How the file takes its space. V(dynamic) grows with what is written, V(fixed) takes all space at once, V(differencing)
        holds what differs from O(parent_path).
      - By default V(dynamic), or V(differencing) when O(parent_path) is given. It cannot be changed.
      - Windows fills a V(fixed) disk with zeros in the background; until then it cannot be used.
    type: str
    choices: [dynamic, fixed, differencing]
  parent_path:
    description:
      - File that a disk of O(type=differencing) builds on. It must not be changed afterwards, so protected disks are refused.
      - It cannot be changed.
    type: str
  description:
    description: Free text. V("") clears it.
    type: str
  enabled:
    description:
      - Whether initiators can use the disk. A new disk is enabled.
      - Read from the WMI class C(WT_Disk), since the cmdlets do not show it. Where Windows does not say it, it is not compared,
        which is told as a warning.
    type: bool
  logical_sector_size:
    description:
      - Logical sector size in bytes, chosen when the disk is made. Windows chooses V(512).
      - Windows does not show it for a disk that exists, so it is not compared.
      - Not for O(type=differencing).
    type: int
    choices: [512, 4096]
  physical_sector_size:
    description:
      - Physical sector size in bytes, chosen when the disk is made. Windows chooses V(4096).
      - Windows does not show it for a disk that exists, so it is not compared.
    type: int
    choices: [512, 4096]
  block_size:
    description:
      - Block size of the file, a power of two from V(1MB) to V(256MB), chosen when the disk is made.
      - Windows chooses 2 MB, or 32 MB for O(type=fixed).
      - Windows does not show it for a disk that exists, so it is not compared.
    type: str
  allow_shrink:
    description:
      - Allows a smaller O(size) for a disk that exists. Windows then takes away space at its end, as far as no partition
        uses it.
      - Without it a smaller size is refused. V(.vhd) can never shrink.
    type: bool
    default: false
  remove_file:
    description:
      - With O(state=absent), deletes the file too, also when it is not registered as a virtual disk.
      - Without it the file stays, and O(state=present) imports it again.
    type: bool
    default: false
notes:
  - A disk is protected by the name of its file, with or without extension, by its description, or by a target that shows it; see
    O(protected).
  - A disk that belongs to a clustered role is refused, since it moves between the nodes.
seealso:
  - module: winstack.windows.desired_state
  - module: winstack.windows.iscsi_server_target
  - module: winstack.windows.wintarget
  - name: Limits of iSCSI Target Server
    description: Sizes and counts that Microsoft supports.
    link: https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
"""

EXAMPLES = r"""
- name: Make a disk of 20 GB that grows with its content
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\backup.vhdx
    size: 20GB
    description: Backup of the control plane

- name: Make a disk that takes all its space at once
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\database.vhdx
    size: 512MiB
    type: fixed
    logical_sector_size: 4096

- name: Make a disk that builds on another
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\node1.vhdx
    parent_path: D:\iSCSI\golden.vhdx

- name: Take out a disk, and keep its file
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\backup.vhdx
    state: absent

- name: Take out a disk and delete its file
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\database.vhdx
    state: absent
    remove_file: true

- name: List the virtual disks of a host
  winstack.windows.iscsi_virtual_disk:
    state: gathered
  register: disks

- name: See which calls would make a disk on Windows Server 2019
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\backup.vhdx
    size: 20GB
    state: rendered
    release: "2019"
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
  sample: [{"cmdlet": "New-IscsiVirtualDisk", "parameters": {"Path": "D:\\iSCSI\\backup.vhdx", "SizeBytes": 21474836480}}]
gathered:
  description: The objects of this kind that the host has, each as the options that wish for it.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample: [{"path": "D:\\iSCSI\\backup.vhdx", "size": 21474836480, "type": "dynamic", "description": "", "enabled": true}]
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

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
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.resource
  - winstack.windows.cinder
options:
  path:
    description:
      - Absolute path of the file on a local drive letter with NTFS or ReFS, as in V(D:\\iSCSI\\disk1.vhdx). Case does not
        matter.
      - V(.vhdx) can be made; V(.vhd) can only be imported.
      - Network and device paths, short (8.3) names, V(..), data streams and names that end in a dot or a space are refused.
      - Needed for O(state=present), O(state=absent) and O(state=rendered).
    type: str
  size:
    description:
      - Size of the disk, in whole MiB, as V(20GB), V(512MiB) or a number of bytes. A unit is a power of 1024, as in
        PowerShell.
      - From 3 MB to 64 TB for V(.vhdx).
      - Needed to make a disk, unless it is of O(type=differencing), which has the size of its parent by default.
      - A larger size grows the disk in place, while initiators use it. A smaller one needs O(allow_shrink).
    type: str
  type:
    description:
      - How the file takes its space. V(dynamic) grows with what is written, V(fixed) takes all space at once, V(differencing)
        holds what differs from O(parent_path).
      - By default V(dynamic), or V(differencing) when O(parent_path) is given. Without it the type of a disk that exists is
        left as it is. It cannot be changed.
      - Windows fills a V(fixed) disk with zeros in the background; until then it cannot be used.
    type: str
    choices: [dynamic, fixed, differencing]
  parent_path:
    description:
      - File that a disk of O(type=differencing) builds on. It must not be changed afterwards, so Cinder's disks are refused.
      - It cannot be changed.
    type: str
  description:
    description: Free text. V("") clears it.
    type: str
  enabled:
    description:
      - Whether initiators can use the disk. A new disk is enabled.
      - Read from the WMI class C(WT_Disk), since the cmdlets do not show it.
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
seealso:
  - module: winstack.windows.iscsi_server_target
  - module: winstack.windows.iscsi_target_server
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

- name: See which calls would make a disk on an empty Windows Server 2019
  winstack.windows.iscsi_virtual_disk:
    path: D:\iSCSI\backup.vhdx
    size: 20GB
    state: rendered
    have:
      release: "2019"
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
  sample: {"path": "D:\\iSCSI\\backup.vhdx", "size": 21474836480, "type": "dynamic"}
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
  sample: [{"cmdlet": "New-IscsiVirtualDisk", "parameters": {"Path": "D:\\iSCSI\\backup.vhdx", "SizeBytes": 21474836480}}]
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
    disks:
      description: The virtual disks, by path.
      type: list
      elements: dict
      contains:
        path:
          description: Path of the file.
          type: str
        size:
          description: Size in bytes.
          type: int
        type:
          description: V(dynamic), V(fixed) or V(differencing).
          type: str
        parent_path:
          description: File that a differencing disk builds on, else null.
          type: str
        description:
          description: Free text.
          type: str
        enabled:
          description: Whether initiators can use the disk. Null if Windows did not say.
          type: bool
        status:
          description: Status as Windows names it.
          type: str
          sample: NotConnected
        serial_number:
          description: Serial number that initiators see.
          type: str
        snapshots:
          description: Ids of its snapshots.
          type: list
          elements: str
        targets:
          description: Names of the targets that show it.
          type: list
          elements: str
        owner:
          description: V(cinder) for a disk of C(cinder-volume), else null.
          type: str
    volumes:
      description: The drives of the host, by drive letter, as in V(D:).
      type: dict
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: host_report
short_description: Report what a Windows storage host is
version_added: 0.1.0
description:
  - Returns in one task what a host is, its system, its iSCSI target server with disks and targets, and its time.
  - Prints four lines a host, and hands the report to whoever started the run, as M(ansible.builtin.set_stats) does. AWX keeps it
    with the job, and C(show_custom_stats) prints it at the end of a run.
  - Takes what the run knows of the host already. Where nothing has changed since, no remote command is sent.
  - A target server that runs and does not answer is a failure.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
attributes:
  diff_mode:
    support: none
    description: Changes nothing.
  action_group:
    support: none
    membership: []
options:
  quiet:
    description: Whether nothing is printed. Nothing is, either, where the run prints JSON.
    type: bool
    default: false
  protected:
    description:
      - Names of objects that are counted as protected; see M(winstack.windows.desired_state).
    type: list
    elements: str
seealso:
  - module: ansible.builtin.set_stats
"""

EXAMPLES = r"""
- name: Report the host
  winstack.windows.host_report:

- name: Count the disks
  winstack.windows.host_report:
    quiet: true
  register: host
"""

RETURN = r"""
report:
  description: What the host is. Numbers of disks and targets are null where the target server is stopped.
  returned: success
  type: dict
  contains:
    computer:
      description: Name of the computer, with its domain.
      type: str
    system:
      description: Name of the operating system.
      type: str
    version:
      description: Version of the operating system.
      type: str
    started:
      description: When the host was started last (UTC, ISO 8601).
      type: str
    target_server:
      description: State of the service WinTarget, as V(running) or V(stopped), or V(absent).
      type: str
    portals:
      description: Where the target server listens.
      type: list
      elements: str
    disks:
      description: Number of virtual disks.
      type: int
    disk_bytes:
      description: Size of the virtual disks together.
      type: int
    protected_disks:
      description: Number of virtual disks that are protected, by default those of cinder-volume.
      type: int
    targets:
      description: Number of targets.
      type: int
    protected_targets:
      description: Number of targets that are protected.
      type: int
    time_from:
      description: Time servers, C(its domain) or C(nobody).
      type: str
    time_service:
      description: State of the service W32Time.
      type: str
    clock_offset_seconds:
      description: The clock of the host against that of the controller.
      type: float
  sample:
    computer: WIN-STOR16
    system: Microsoft Windows Server 2016 Standard
    version: 10.0.14393
    started: "2026-01-02T03:04:05.0000000Z"
    target_server: running
    portals: [172.21.0.16 port 3260]
    disks: 5
    disk_bytes: 215822106624
    protected_disks: 3
    targets: 3
    protected_targets: 1
    time_from: 0.pool.ntp.org, 1.pool.ntp.org
    time_service: running
    clock_offset_seconds: -1.4
ansible_stats:
  description: The report under the key C(winstack), for the statistics of the run.
  returned: success
  type: dict
remote_commands:
  description: How many commands were sent to the host.
  returned: always
  type: int
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: desired_state
short_description: Bring a Windows host to what a document says
version_added: 0.1.0
description:
  - Takes a list of objects with their options, in order, and brings the host to it.
  - The whole document is planned first, each object over what the earlier ones will have made. So check mode on a new host shows
    everything that would be done.
  - Nothing is touched while anything in the document is refused or missing. All such problems of a host are returned at once.
  - Objects that are to be absent are removed after the others were made, in reverse order.
  - Takes as few remote commands as Windows allows, usually one to look and one to change. A host that is as wanted, and that an
    earlier task of the run has asked, takes none.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.reboot
attributes:
  idempotent:
    support: partial
    details: Secrets that Windows never shows are sent again with C(update_secret=always).
options:
  resources:
    description:
      - The document, a list. Each entry has one key, the kind, with the options of one object or with a list of them.
      - The kinds, and their options, are the modules of this collection with the same names. Their states V(gathered) and
        V(rendered), and the options C(have), C(release), C(protected), C(reboot) and C(reboot_timeout), belong to the modules
        alone.
      - Two entries for one object are an error.
      - Needed for O(state=present).
    type: raw
  state:
    description:
      - V(present) brings the host to O(resources).
      - V(gathered) returns what the host is as RV(gathered), and changes nothing.
    type: str
    choices: [present, gathered]
    default: present
  kinds:
    description: The kinds that O(state=gathered) returns. By default all whose objects can be listed.
    type: list
    elements: str
  expect:
    description:
      - With V(converged) the host is asked afresh and compared with O(resources). Nothing is changed. Anything left to do, and
        anything that is stored as wanted and not in effect, is a failure that names it.
    type: str
    choices: [converged]
  protected:
    description:
      - Names of objects that are never changed or removed. V(*) stands for any text, V(?) for one character; case does not
        matter. What equals the document already is no failure.
      - A virtual disk is protected by the name of its file, with or without extension, by its description, or by a target that
        shows it; a target by its name or IQN. Other kinds of objects are not protected.
      - By default the names that cinder-volume gives to what it owns on a host, V(iqn.2010-10.org.openstack:*), V(volume-*)
        and V(snapshot-*). A list of your own replaces them; V([]) protects nothing.
    type: list
    elements: str
  refresh:
    description:
      - Whether the host is asked again for what this run knows already.
      - Needed after a task of another collection has changed the host. O(expect=converged) always asks.
    type: bool
    default: false
notes:
  - Several documents of a play cost one question, if the play names them all in the variable C(winstack_documents); the task that
    asks the host first asks for what the others want to know as well.
seealso:
  - module: ansible.windows.win_reboot
"""

EXAMPLES = r"""
- name: Serve a disk over iSCSI
  winstack.windows.desired_state:
    resources:
      - windows_feature: {name: FS-iSCSITarget-Server}
      - windows_service: {name: WinTarget, start_mode: auto, state: started}
      - directory: {path: 'D:\iSCSI'}
      - wintarget:
          portals: [{address: 10.0.0.5}]
          firewall: true
      - iscsi_virtual_disk:
          - {path: 'D:\iSCSI\backup.vhdx', size: 20GB}
          - {path: 'D:\iSCSI\archive.vhdx', size: 1TB}
      - iscsi_server_target:
          name: backup
          initiator_ids: ["IQN:iqn.1993-08.org.debian:01:backup1"]
          luns:
            - path: D:\iSCSI\backup.vhdx
            - path: D:\iSCSI\archive.vhdx
    reboot: true

- name: Make sure that nothing is left to do
  winstack.windows.desired_state:
    resources:
      - windows_service:
          - {name: WinTarget, start_mode: auto, state: started}
          - {name: W32Time, state: started}
    expect: converged

- name: Read what a host is
  winstack.windows.desired_state:
    state: gathered
    kinds: [windows_feature, windows_service]
  register: host

- name: Show it as a document
  ansible.builtin.debug:
    msg: "{{ host.gathered }}"
"""

RETURN = r"""
objects:
  description:
    - An entry for each object of O(resources), and one for each further object that it implies.
    - With O(state=gathered), an entry for each object that the host has.
  returned: always
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
gathered:
  description:
    - What the host is, as a document that changes nothing on it. It can be given back as O(resources).
    - Protected objects are left out, and secrets, which Windows does not show.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample:
    - windows_feature:
        - name: FS-iSCSITarget-Server
    - windows_service:
        - name: WinTarget
          start_mode: auto
          state: started
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
  description: The kinds that the host did not tell, each with the reason. Their objects are missing from RV(objects).
  returned: O(state=gathered)
  type: dict
"""

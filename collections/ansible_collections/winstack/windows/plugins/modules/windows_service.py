# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: windows_service
short_description: Set how Windows services start and whether they run
version_added: 0.1.0
description:
  - Sets the start mode of a service, and starts or stops it.
  - Services come with features and programs. This module neither makes nor removes them, and a service that is not there is a
    failure.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind.present
options:
  name:
    description:
      - Name of the service, not its display name. Case does not matter.
      - Needed for all states but V(gathered).
    type: str
  start_mode:
    description:
      - How the service starts.
      - V(auto) starts it with Windows, V(manual) when something asks for it; V(disabled) keeps it from starting.
    type: str
    choices: [auto, manual, disabled]
  state:
    description:
      - V(started) and V(stopped) say whether the service runs, beside what the other options say.
      - V(present) leaves that as it is.
      - V(gathered) returns all services of the host, and changes nothing.
      - V(rendered) returns the cmdlet calls that lead from O(have) to O(start_mode). No host is asked.
      - In check mode, what has to be there first is a warning, since another task of the play may make it.
        M(winstack.windows.desired_state), which knows the whole document, fails instead.
    choices: [present, started, stopped, gathered, rendered]
seealso:
  - module: winstack.windows.desired_state
  - module: ansible.windows.win_service
"""

EXAMPLES = r"""
- name: Start the iSCSI target server, now and with Windows
  winstack.windows.windows_service:
    name: WinTarget
    start_mode: auto
    state: started

- name: Stop the print spooler for good
  winstack.windows.windows_service:
    name: Spooler
    start_mode: disabled
    state: stopped

- name: List the services
  winstack.windows.windows_service:
    state: gathered
  register: services
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
  returned: O(state) is V(present), V(started) or V(stopped)
  type: list
  elements: str
unmet:
  description: What has to be there first, one sentence each. The task has then failed.
  returned: O(state) is V(present), V(started) or V(stopped)
  type: list
  elements: str
reboot_required:
  description: Whether the host has to be restarted before everything is in effect.
  returned: O(state) is V(present), V(started) or V(stopped)
  type: bool
rebooted:
  description: Whether the task restarted the host.
  returned: O(state) is V(present), V(started) or V(stopped)
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
  sample: [{"cmdlet": "Set-Service", "parameters": {"Name": "WinTarget", "StartupType": "Automatic"}}]
gathered:
  description: The objects of this kind that the host has, each as the options that wish for it.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample: [{"name": "WinTarget", "start_mode": "auto", "state": "started"}]
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

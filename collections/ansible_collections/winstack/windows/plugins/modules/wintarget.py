# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: wintarget
short_description: Manage the portals of the Microsoft iSCSI Target Server
version_added: 0.1.0
description:
  - Says on which addresses and ports of a Windows host the iSCSI Target Server, the service C(WinTarget), listens, and who may
    reach them.
  - Windows has one portal for each address of the host. Portals cannot be made or removed, only enabled, disabled and given
    another port.
  - What opens a portal is done before what closes one.
  - The service has to run; see M(winstack.windows.windows_feature) and M(winstack.windows.windows_service).
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind.present
options:
  portals:
    description: Portals to set. Those of other addresses are left as they are, unless O(exclusive_portals) is set.
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - IPv4 or IPv6 address that the host has.
          - V(0.0.0.0), V(::), loopback and multicast addresses cannot be portals.
        type: str
        required: true
      port:
        description: TCP port. Not compared for a portal that is to be disabled.
        type: int
        default: 3260
      enabled:
        description: Whether the server listens there.
        type: bool
        default: true
  exclusive_portals:
    description:
      - Disables every portal that O(portals) does not list. At least one has to be listed and enabled.
      - Link-local addresses are left alone, with a warning, since Windows changes them at will. List them to close them.
    type: bool
    default: false
  firewall:
    description:
      - With V(true), each enabled portal of O(portals) has a firewall rule of the group Winstack, for its address and port alone,
        and such rules for anything else are removed.
      - With V(false), all such rules are removed.
      - By default the firewall is left as it is.
    type: bool
  builtin_firewall_rule:
    description:
      - What becomes of the rule that comes with the feature and lets initiators in at every address on port 3260.
      - V(keep) leaves it. With O(firewall=true) a warning says that it makes the rules of the portals moot.
      - V(disable) disables it.
    type: str
    choices: [keep, disable]
    default: keep
  disable_remote_management:
    description:
      - V(true) is refused. The server would refuse every logon over the network, and no later run could come back.
      - V(false) changes nothing. Windows does not show this setting, and a host whose server answers this module has it
        off.
    type: bool
notes:
  - A portal that is closed or moved cuts off the initiators that came by it, which is told as a warning.
  - A portal that is enabled and does not listen is told as a warning, and by O(winstack.windows.desired_state#module:expect=converged)
    as a failure.
  - On a node of a failover cluster, portals are refused, since the cluster moves them.
seealso:
  - module: winstack.windows.desired_state
  - module: winstack.windows.firewall_rule
  - module: winstack.windows.iscsi_server_target
  - module: winstack.windows.iscsi_virtual_disk
"""

EXAMPLES = r"""
- name: Listen on the storage network only, and let nobody in elsewhere
  winstack.windows.wintarget:
    portals:
      - address: 10.0.0.5
    exclusive_portals: true
    firewall: true
    builtin_firewall_rule: disable

- name: Listen on another port, and not on the management network
  winstack.windows.wintarget:
    portals:
      - address: 10.0.0.5
        port: 3261
      - address: 192.0.2.5
        enabled: false

- name: List the portals of a host
  winstack.windows.wintarget:
    state: gathered
  register: server
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
  sample: [{"cmdlet": "Set-IscsiTargetServerSetting", "parameters": {"IP": "10.0.0.5", "Enable": true}}]
gathered:
  description: The portals of the host, as the options that wish for them. A list of one.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample: [{"portals": [{"address": "10.0.0.5", "port": 3260, "enabled": true}]}]
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

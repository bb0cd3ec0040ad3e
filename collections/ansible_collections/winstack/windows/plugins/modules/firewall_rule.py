# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_rule
short_description: Manage rules of Windows Defender Firewall
version_added: 0.1.0
description:
  - Makes, changes and removes rules in the host's own store. Rules of group policy are not touched.
  - A rule that somebody narrowed or widened, by its addresses, ports, profiles, program or other conditions, differs and is set
    back.
  - A rule that is not found by its name, but has the wanted group and display name, is taken for the one that is meant. So rules
    made by M(community.windows.win_firewall_rule), whose name is a GUID, are taken over instead of doubled.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind
options:
  name:
    description:
      - Unique name of the rule, which C(New-NetFirewallRule) calls C(Name), without V(|) and wildcards. Case does not matter.
      - Needed for all states but V(gathered).
    type: str
  display_name:
    description: Name that people see. A new rule is given O(name) by default.
    type: str
  description:
    description: Free text. V("") clears it.
    type: str
  group:
    description:
      - Group of the rule. A new rule is put into V(Winstack) by default.
      - A rule cannot be moved to another group.
    type: str
  direction:
    description: Whether the rule is for inbound or outbound connections. A new rule is inbound by default.
    type: str
    choices: [in, out]
  action:
    description: What happens to such connections. A new rule allows them by default.
    type: str
    choices: [allow, block]
  protocol:
    description: Protocol. V(any) does not narrow the rule.
    type: str
    choices: [tcp, udp, icmpv4, icmpv6, any]
  local_addresses:
    description:
      - Addresses of the host, as V(10.0.0.5), V(10.0.0.0/24), V(10.0.0.5-10.0.0.9) or a keyword of Windows such as
        V(LocalSubnet). V([any]) does not narrow the rule.
      - The order does not matter.
    type: list
    elements: str
  remote_addresses:
    description: Addresses of the other side, in the form of O(local_addresses).
    type: list
    elements: str
  local_ports:
    description:
      - Ports of the host, as V(3260) or V(5000-5010), or a keyword of Windows such as V(RPC). V([any]) does not narrow the rule.
      - Needs O(protocol=tcp) or O(protocol=udp).
    type: list
    elements: str
  remote_ports:
    description: Ports of the other side, in the form of O(local_ports).
    type: list
    elements: str
  profiles:
    description: Network profiles in which the rule holds, of V(domain), V(private) and V(public). V([any]) is all of them.
    type: list
    elements: str
  interface_types:
    description: Kinds of interfaces, of V(wired), V(wireless) and V(remote_access). V([any]) is all of them.
    type: list
    elements: str
  program:
    description: Path of the program. V(any) does not narrow the rule.
    type: str
  service:
    description: Short name of the service. V(any) does not narrow the rule.
    type: str
  enabled:
    description: Whether the rule is in force. A new rule is.
    type: bool
  other_conditions:
    description:
      - Further conditions as the registry writes them, such as C(IF=...) or C(Security=Authenticate). They can be kept, or taken
        off with V([]); none can be added.
      - Taking them off removes the rule and makes it anew in the same command.
    type: list
    elements: str
notes:
  - O(state=gathered) returns the rules of the group Winstack. A host has hundreds of others.
  - Group policy can make Windows ignore local rules (AllowLocalPolicyMerge). Such a rule is stored, and a warning says that it
    has no effect.
seealso:
  - module: winstack.windows.desired_state
  - module: community.windows.win_firewall_rule
"""

EXAMPLES = r"""
- name: Open the portal of the iSCSI target server to one network
  winstack.windows.firewall_rule:
    name: winstack-iscsi
    display_name: iSCSI portal
    protocol: tcp
    local_addresses: [10.20.0.11]
    local_ports: ["3260"]
    remote_addresses: [10.20.0.0/24]

- name: Take off whatever somebody added to it
  winstack.windows.firewall_rule:
    name: winstack-iscsi
    other_conditions: []

- name: Remove a rule
  winstack.windows.firewall_rule:
    name: winstack-iscsi
    state: absent
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
  sample: [{"cmdlet": "New-NetFirewallRule", "parameters": {"Name": "winstack-iscsi", "Protocol": "TCP", "LocalPort": ["3260"]}}]
gathered:
  description: The rules of the group Winstack that the host has, each as the options that wish for it.
  returned: O(state=gathered)
  type: list
  elements: dict
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

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: iscsi_target_server
short_description: Manage the portals of the Microsoft iSCSI Target Server
version_added: 0.1.0
description:
  - Says on which addresses and ports of a Windows host the iSCSI Target Server listens.
  - Windows has one portal for each address of the host. Portals cannot be made or removed, only enabled, disabled and given
    another port.
  - The service C(WinTarget) has to run; the role P(winstack.windows.iscsi_target_server#role) installs and starts it.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.resource.present
options:
  portals:
    description: Portals to set. Those of other addresses are left as they are, unless O(exclusive_portals) is set.
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - IPv4 or IPv6 address that the host has.
          - V(0.0.0.0), V(::) and loopback addresses cannot be portals.
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
    description: Disables every portal that O(portals) does not list. At least one has to be listed and enabled.
    type: bool
    default: false
  disable_remote_management:
    description:
      - V(true) is refused. The server would refuse every logon over the network, and no later run could come back.
      - V(false) changes nothing. Windows does not show this setting, and a host whose server answers this module has it
        off.
    type: bool
seealso:
  - module: winstack.windows.iscsi_server_target
  - module: winstack.windows.iscsi_virtual_disk
"""

EXAMPLES = r"""
- name: Listen on the storage network only
  winstack.windows.iscsi_target_server:
    portals:
      - address: 10.0.0.5
    exclusive_portals: true

- name: Listen on another port, and not on the management network
  winstack.windows.iscsi_target_server:
    portals:
      - address: 10.0.0.5
        port: 3261
      - address: 192.0.2.5
        enabled: false

- name: List the portals of a host
  winstack.windows.iscsi_target_server:
    state: gathered
  register: server
"""

RETURN = r"""
before:
  description: What was there, before the task.
  returned: state is present or rendered
  type: dict
  sample: {}
after:
  description: What is there after the task, or would be in check mode.
  returned: state is present or rendered
  type: dict
  sample: {"portals": [{"address": "10.0.0.5", "port": 3260, "enabled": true}]}
commands:
  description: The cmdlet calls that made the change, or would make it in check mode. Secrets are masked.
  returned: state is present or rendered
  type: list
  elements: dict
  contains:
    cmdlet:
      description: Name of the cmdlet.
      type: str
    parameters:
      description: Its parameters.
      type: dict
  sample: [{"cmdlet": "Set-IscsiTargetServerSetting", "parameters": {"IP": "10.0.0.5", "Enable": true}}]
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
    version:
      description: Version of the server as Windows tells it.
      type: str
    portals:
      description: All portals, by address.
      type: list
      elements: dict
      contains:
        address:
          description: Address as Windows writes it.
          type: str
        port:
          description: TCP port.
          type: int
        enabled:
          description: Whether the server has to listen there.
          type: bool
        listening:
          description: Whether it does, as WMI tells and C(cinder-volume) reads it. Null if WMI does not know the portal.
          type: bool
    addresses:
      description: All addresses of the host.
      type: list
      elements: str
"""

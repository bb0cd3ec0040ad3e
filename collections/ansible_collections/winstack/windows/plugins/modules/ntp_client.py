# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: ntp_client
short_description: Set the time servers of a Windows host
version_added: 0.1.0
description:
  - Sets the peers of the Windows Time service (W32Time), where it takes its time from, and how the service starts.
  - The settings are read from and written to the registry. The service is restarted only when a setting was changed while
    it ran, and started when it did not run.
  - On a host that is in no domain, Windows starts this service only when the host joins one, so it does not run after a
    boot even when its start mode is automatic (Microsoft's article KB 2385818). By default this module sets its start mode
    to automatic there and removes that trigger.
  - A member of a domain takes its time from the domain's controllers, and Kerberos depends on it. Such a host is refused
    unless O(allow_domain_member=true).
  - Values of a group policy win over local ones. A policy that says something else than the task is an error, unless
    O(ignore_policy=true).
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.resource.present
options:
  peers:
    description:
      - The time servers, in order. The list replaces what the host has.
      - Required with O(sync_type=manual), optional with O(sync_type=all), where a list that is left out stays as it is, and
        refused otherwise, since Windows then asks no peers.
      - Microsoft recommends three or four peers or more.
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - A host name, an IPv4 address or an IPv6 address.
          - Names are compared without regard to case.
        type: str
        required: true
      flags:
        description:
          - How Windows uses the peer.
          - V(special_interval) (0x1) polls it every O(special_poll_interval) seconds, instead of an interval that Windows
            chooses.
          - V(use_as_fallback_only) (0x2) asks it only when no other peer answers.
          - V(symmetric_active) (0x4) and V(client) (0x8) are the modes of NTP in which the host speaks to it, one or the
            other.
        type: list
        elements: str
        choices: [special_interval, use_as_fallback_only, symmetric_active, client]
        default: [client]
  sync_type:
    description:
      - Where the time comes from.
      - V(manual) is O(peers) (in the registry NTP), V(domain) the hierarchy of the domain (NT5DS), V(all) both (AllSync), and
        V(none) nowhere (NoSync).
      - V(none) does not start the service.
    type: str
    choices: [manual, domain, all, none]
    default: manual
  special_poll_interval:
    description:
      - Seconds between two polls of a peer that has the flag V(special_interval), 16 to 2592000. At least one peer must have
        that flag.
      - Since Windows Server 2019 the service keeps it between the values MinPollInterval and MaxPollInterval, which are
        powers of two.
      - A value that is left out stays as it is.
    type: int
  trigger:
    description:
      - What starts and stops the service besides its start mode.
      - V(keep) leaves the triggers as they are, V(remove) removes them, and V(network) makes the service start when the host
        has its first IP address and stop when it has lost the last.
      - If it is left out, V(keep) holds on a member of a domain, with O(sync_type=domain) and with O(sync_type=none). On other
        hosts V(network) holds with O(start_mode=manual), and V(remove) otherwise.
    type: str
    choices: [keep, remove, network]
  start_mode:
    description:
      - How the service starts with the host.
      - If it is left out, the service starts automatically on hosts that are in no domain; on members of a domain, with
        O(sync_type=domain) and with O(sync_type=none), its start mode is left as it is. A service that is disabled is made to
        start automatically, unless O(sync_type=none).
    type: str
    choices: [automatic, manual]
  allow_domain_member:
    description:
      - Allows a member of a domain to be taken out of the domain's time hierarchy, or to have its triggers changed.
    type: bool
    default: false
  ignore_policy:
    description:
      - Writes the local values also where a group policy says something else. They have no effect until the policy is gone,
        which is told as a warning.
    type: bool
    default: false
notes:
  - Windows reads the settings when the service starts. If a run ends between the writing of a setting and the restart, the
    service keeps the old setting until it is restarted.
  - On a virtual machine of Hyper-V the time synchronisation of the host competes with this module.
seealso:
  - name: Windows Time service tools and settings
    description: Microsoft's reference of the registry values.
    link: https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
  - name: Windows Time service does not start automatically on a workgroup computer
    description: Microsoft's article on the trigger of the service, KB 2385818.
    link: https://learn.microsoft.com/troubleshoot/windows-client/active-directory/w32time-not-start-on-workgroup
author:
  - Contributors to the Winstack project (@winstack)
"""

EXAMPLES = r"""
- name: Take the time from three servers
  winstack.windows.ntp_client:
    peers:
      - address: ntp1.example.com
      - address: ntp2.example.com
      - address: 192.0.2.123
        flags: [client, use_as_fallback_only]

- name: Ask a nearby server every 15 minutes
  winstack.windows.ntp_client:
    peers:
      - address: ntp.example.com
        flags: [client, special_interval]
    special_poll_interval: 900

- name: Give a member back to its domain
  winstack.windows.ntp_client:
    sync_type: domain

- name: Let the primary domain controller of the forest follow a time server
  winstack.windows.ntp_client:
    peers:
      - address: ntp.example.com
    allow_domain_member: true

- name: Read the settings of a host
  winstack.windows.ntp_client:
    state: gathered
  register: ntp
"""

RETURN = r"""
before:
  description: The settings as they were.
  returned: state is present or rendered
  type: dict
  contains: &settings
    sync_type:
      description: Where the time comes from, as in O(sync_type); a type without such a name as the registry has it.
      type: str
      returned: when the registry has it
    peers:
      description: The peers, in order, as in O(peers). A flag without a name is given as a number.
      type: list
      elements: dict
      returned: when the registry has them
    special_poll_interval:
      description: Seconds between two polls of a peer with the flag V(special_interval).
      type: int
      returned: when the registry has it
    client_enabled:
      description: Whether the NTP client is switched on.
      type: bool
      returned: when the registry has it
    start_mode:
      description: V(automatic), V(manual) or V(disabled).
      type: str
      returned: always
    trigger:
      description: What starts and stops the service besides, V(none), V(network), V(domain_join) or V(other).
      type: str
      returned: always
    service:
      description: The state of the service, such as V(running) or V(stopped).
      type: str
      returned: always
  sample:
    client_enabled: true
    peers:
      - address: time.windows.com
        flags: [special_interval, client]
    service: stopped
    special_poll_interval: 604800
    start_mode: manual
    sync_type: manual
    trigger: domain_join
after:
  description: The settings as they are now; in check mode, as they would be.
  returned: state is present or rendered
  type: dict
  contains: *settings
commands:
  description: The calls that were made; in check mode, those that would be made.
  returned: state is present or rendered
  type: list
  elements: dict
  sample:
    - cmdlet: Restart-Service
      parameters:
        Name: W32Time
rendered:
  description: The calls that would be made.
  returned: state is rendered
  type: list
  elements: dict
gathered:
  description: What the host has. It can be given as O(have).
  returned: state is gathered
  type: dict
  contains:
    <<: *settings
    computer:
      description: The name of the host.
      type: str
      returned: always
    domain_joined:
      description: Whether the host is a member of a domain.
      type: bool
      returned: always
    policy:
      description: The settings that a group policy makes, with the same keys as above.
      type: dict
      returned: always
    release:
      description: The release of Windows Server.
      type: str
      returned: always
      sample: "2022"
"""

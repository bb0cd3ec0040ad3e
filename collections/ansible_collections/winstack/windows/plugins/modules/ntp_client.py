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
  - The settings are read from and written to the registry. The service reads them when it starts, so it is restarted when a
    setting was changed while it ran, and as long as the running service has not read what is stored.
  - On a host that is in no domain, Windows as shipped starts this service only when the host joins one. Where a trigger stops it
    outside of a domain, it does not run after a boot even when it starts automatically (Microsoft's article KB 2385818). By
    default this module sets its start mode to automatic there and removes the triggers.
  - A member of a domain takes its time from the domain's controllers, and Kerberos depends on it. Such a host is refused
    unless O(allow_domain_member=true), and left alone with O(domain_members=leave). A primary domain controller may have peers.
  - Values of a group policy win over local ones. A policy that says something else than the task is an error, unless
    O(ignore_policy=true).
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
  - winstack.windows.kind.present
options:
  peers:
    description:
      - The time servers, in order. The list replaces what the host has.
      - Each is a dictionary with C(address) and C(flags), or a text as C(ntp1.example.com) or C(ntp1.example.com,0x9). One text
        can hold several, separated by blanks, as the registry has them.
      - C(address) is a host name, an IPv4 address or an IPv6 address. Names are compared without regard to case.
      - C(flags) is a list, by default V([client]). V(special_interval) (0x1) polls the peer every O(special_poll_interval)
        seconds, instead of an interval that Windows chooses. V(use_as_fallback_only) (0x2) asks it only when no other peer
        answers. V(symmetric_active) (0x4) and V(client) (0x8) are the modes of NTP in which the host speaks to it, one or the
        other.
      - Needed with O(sync_type=manual), optional with O(sync_type=all), where a list that is left out stays as it is, and
        refused otherwise, since Windows then asks no peers.
      - Microsoft recommends three or four peers or more.
    type: raw
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
      - Since version 1703 of Windows 10 (Windows Server 2019) the service keeps it between the values MinPollInterval and MaxPollInterval, which are
        powers of two.
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
      - If it is left out, the service starts automatically on hosts that are in no domain. On members of a domain, with
        O(sync_type=domain) and with O(sync_type=none), its start mode is left as it is, unless nothing would start the service.
      - V(disabled) needs O(sync_type=none) or O(service=stopped).
    type: str
    choices: [automatic, manual, disabled]
  client_enabled:
    description:
      - Whether the NTP client of the service is switched on (the value Enabled of its time provider).
      - If it is left out, it is switched on, unless O(sync_type=none).
    type: bool
  service:
    description:
      - Whether the service runs.
      - If it is left out, it is made to run, unless O(sync_type=none).
    type: str
    choices: [running, stopped]
  domain_members:
    description: With V(leave), a member of a domain is neither changed nor refused.
    type: str
    choices: [manage, leave]
    default: manage
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
  resync:
    description:
      - Whether the service is asked to set the clock after its settings have changed. Where it cannot yet, that is a warning.
    type: bool
    default: true
  clock_tolerance:
    description:
      - Seconds by which the clock may be off the controller's. More is told as a warning, and by
        O(winstack.windows.desired_state#module:expect=converged) as a failure. By default the clock is not looked at.
    type: float
notes:
  - On a virtual machine of Hyper-V the time synchronisation of the host competes with this module, which is told as a warning.
seealso:
  - module: winstack.windows.desired_state
  - name: Windows Time service tools and settings
    description: Microsoft's reference of the registry values.
    link: https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
  - name: Windows Time service does not start automatically on a workgroup computer
    description: Microsoft's article on the trigger of the service, KB 2385818.
    link: https://learn.microsoft.com/troubleshoot/windows-client/active-directory/w32time-not-start-on-workgroup
"""

EXAMPLES = r"""
- name: Take the time from three servers
  winstack.windows.ntp_client:
    peers:
      - address: ntp1.example.com
      - address: ntp2.example.com
      - address: 192.0.2.123
        flags: [client, use_as_fallback_only]

- name: The same, as the registry has it
  winstack.windows.ntp_client:
    peers: ntp1.example.com,0x8 ntp2.example.com,0x8 192.0.2.123,0xa

- name: Ask a nearby server every 15 minutes
  winstack.windows.ntp_client:
    peers:
      - address: ntp.example.com
        flags: [client, special_interval]
    special_poll_interval: 900

- name: Give a member back to its domain
  winstack.windows.ntp_client:
    sync_type: domain

- name: Let a member of a domain follow a time server
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
  sample: [{"cmdlet": "Restart-Service", "parameters": {"Name": "W32Time"}}]
gathered:
  description: The settings of the host, as the options that wish for them. A list of one.
  returned: O(state=gathered)
  type: list
  elements: dict
  sample: [{"start_mode": "automatic", "trigger": "remove", "sync_type": "manual", "peers": [{"address": "ntp.example.com", "flags": ["client"]}]}]
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

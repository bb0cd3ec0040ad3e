# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Gather a Windows host in one round trip for the tasks that follow
version_added: 0.1.0
description:
  - Asks a host once for everything that the modules and roles of this collection want to know, and keeps the answers in the
    facts of the host for the rest of the run.
  - Modules read from it, and go to the host only when something has to change; a change refreshes what it touched. That is
    why a run over hosts that are as wanted costs one or two remote commands a host.
  - Does nothing when the run has a snapshot already.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
attributes:
  check_mode:
    support: full
    details: Reads the host in check mode too.
  diff_mode:
    support: none
    details: Changes nothing.
  facts:
    support: full
    description: Sets C(ansible_facts).
  action_group:
    support: none
    membership: []
options:
  refresh:
    description:
      - Gathers again, although the run has a snapshot.
      - Needed after a task of another collection has changed the host, for example installed a feature or started a service.
    type: bool
    default: false
  paths:
    description: Files and folders of which C(winstack_host.paths) has to tell what stands there.
    type: list
    elements: str
    default: []
  predict_features:
    description:
      - In check mode, takes these features as installed and their servers as running and empty. So the first run against a
        new host can be previewed, although check mode installs nothing.
      - Known is V(FS-iSCSITarget-Server). Does nothing outside check mode.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Look at the host once
  winstack.windows.snapshot:
    paths:
      - D:\iSCSI

- name: Install the feature where it is missing
  ansible.windows.win_feature:
    name: FS-iSCSITarget-Server
  when: ansible_facts.winstack_host.features['FS-iSCSITarget-Server'] | default('') != 'Installed'
  register: feature

- name: Look again at what a module of another collection has changed
  winstack.windows.snapshot:
    refresh: true
    predict_features: [FS-iSCSITarget-Server]
  when: feature is changed
"""

RETURN = r"""
ansible_facts:
  description: What was gathered.
  returned: when something was gathered
  type: dict
  contains:
    winstack_host:
      description: What is known of the host, by topic. A topic that the host did not answer is absent.
      type: dict
      contains:
        os:
          description: Operating system, with C(release), C(build), C(version), C(caption), C(product_type) and C(last_boot).
          type: dict
        computer:
          description: Computer, with C(name), C(domain_joined) and C(domain).
          type: dict
        features:
          description: Install state of each feature that the collection knows.
          type: dict
          sample: {"FS-iSCSITarget-Server": "Installed"}
        services:
          description: State, start mode and account of each service that the collection knows.
          type: dict
        volumes:
          description: Size, free space (bytes), file system and kind of each drive.
          type: dict
        addresses:
          description: Addresses of the host, each with C(interface), C(address) and C(prefix).
          type: list
          elements: dict
        firewall_rules:
          description: Firewall rules of group C(Winstack), by name.
          type: dict
        paths:
          description: What stands at each of O(paths), by path in lower case; V(directory), V(file), V(absent) or V(unknown).
          type: dict
        clock:
          description: Host clock minus controller clock in C(offset_seconds), and how far off that may be in C(uncertainty_seconds).
          type: dict
        errors:
          description: What Windows said to the questions that it did not answer, by section.
          type: dict
    winstack_snapshot:
      description: The answers as they came. For the modules of this collection only.
      type: dict
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oslo_config
version_added: "0.1.0"
short_description: Merge options into the configuration file of an OpenStack service
description:
  - Sets and removes options in a file that oslo.config reads. Everything else in it stays as it is, byte for byte - comments,
    order, blanks, line ends, unknown sections, and options that are repeated.
  - A file is read by the rules of oslo.config, not those of Python's C(configparser) - the names of options mind their case,
    those of sections (but C(DEFAULT)) do not, indented lines continue a value, and a colon is as good as an equals sign.
  - A file that oslo.config would not load is refused, with the number of the line. A byte order mark and UTF-16 are mended, with a
    warning.
  - The file is read once, and written at most once and in one step. If somebody else changed it in between, the task fails
    and the file is left alone.
  - Secrets are left out of the result, the diff and all messages, at every verbosity.
options:
  path:
    description:
      - The file on the target.
      - A new file is made if there is none, unless O(create=false). Its folder has to be there.
    type: str
    required: true
  config:
    description:
      - Sections, their options, and their values.
      - oslo.config writes names of options with underscores. One with a dash is never read, which gives a warning.
      - A boolean is taken to be there already if the file has any word for it that oslo.config knows.
      - A list becomes one line with commas (C(ListOpt)), or a line for each entry if the option is in O(multi_valued).
      - V(null) takes the option away. An empty section makes sure that its header is there.
      - Text of several lines becomes continuation lines.
    type: dict
    default: {}
  remove:
    description: What to take away, if it is there.
    type: list
    elements: dict
    default: []
    suboptions:
      section:
        description: The section.
        type: str
        required: true
      option:
        description:
          - The option. Comments around it stay.
          - Without one, the whole section is taken away, with the comments in it. Those right above the next header stay.
        type: str
      entries:
        description:
          - Entries to take out of the value of the option, which is a list or is repeated.
          - If nothing is left, the option is taken away.
        type: list
        elements: str
  multi_valued:
    description:
      - Options whose lists become one line for each entry (C(MultiOpt)).
      - They are named as in C(driver), for every section, or as in C(oslo_messaging_notifications.driver).
    type: list
    elements: str
    default: []
  merge_lists:
    description:
      - Options whose lists are added to what the file has, such as C(enabled_backends). Their order stays, nothing is taken out.
      - They are named as in O(multi_valued). A name that O(config) does not set gives a warning, as the list would be replaced.
    type: list
    elements: str
    default: []
  escape_dollar:
    description:
      - In which values a C($) stands for itself. It is then written C($$). Elsewhere C($name) and C(${group.name}) stand for
        the value of another option.
      - With V(secrets), in secrets and in the user name and password of a URL.
      - oslo.config has no way to write a backslash before a C($) that stands for itself; such a value is refused.
    type: str
    choices: [secrets, always, never]
    default: secrets
  secrets:
    description:
      - Further options whose values are secret, named as in O(multi_valued).
      - Those whose names speak of passwords, secrets, tokens, credentials or private keys are so anyway, and in
        every URL what stands before the C(@).
    type: list
    elements: str
    default: []
  create:
    description: Whether to make the file if there is none. If not, the task fails.
    type: bool
    default: true
  backup:
    description: Whether to keep a copy of the file as it was beside it, when it is changed.
    type: bool
    default: false
  owner:
    description: The user that is to own the file. By default as it is.
    type: str
  group:
    description: The group of the file. By default as it is.
    type: str
  mode:
    description:
      - The mode of the file in octal and in quotes, as V('0640'). By default as it is, and V('0640') for a new file.
      - One above V('0640') is refused for a file with secrets, unless the file has it already, which gives a warning.
    type: raw
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
notes:
  - The merge runs on the controller. The target needs only what every module needs.
  - oslo.config does not say what type an option has; a list that is to stay a list needs to be given as one.
seealso:
  - name: Configuration file format of oslo.config
    description: What the files may hold.
    link: https://docs.openstack.org/oslo.config/latest/configuration/format.html
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Add a backend to cinder
  winstack.openstack.oslo_config:
    path: /etc/cinder/cinder.conf
    config:
      DEFAULT:
        enabled_backends: [vpool1]
      vpool1:
        volume_driver: cinder.volume.drivers.openvstorage_edge.OpenvStorageEdgeVolumeDriver
        volume_backend_name: vpool1
        username: cinder
        password: "{{ vault_vpool1_password }}"
    merge_lists: [DEFAULT.enabled_backends]
    group: cinder
    mode: "0640"
    backup: true
  notify: Restart cinder-volume

- name: Take the backend away again
  winstack.openstack.oslo_config:
    path: /etc/cinder/cinder.conf
    remove:
      - section: DEFAULT
        option: enabled_backends
        entries: [vpool1]
      - section: vpool1

- name: Notify through two drivers, and let the default be the default
  winstack.openstack.oslo_config:
    path: /etc/nova/nova.conf
    config:
      DEFAULT:
        debug:
      oslo_messaging_notifications:
        driver: [messagingv2, log]
    multi_valued: [oslo_messaging_notifications.driver]
"""

RETURN = r"""
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/cinder/cinder.conf
changes:
  description: The options that were changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    section:
      description: The section.
      type: str
    option:
      description: The option; empty when only the header of the section came or went.
      type: str
    before:
      description: The value before, a list of values if the option was repeated, nothing if it was not set. Secrets are masked.
      type: raw
    after:
      description: The same, after the change.
      type: raw
  sample:
    - section: vpool1
      option: password
      before:
      after: "********"
backup_file:
  description: The copy of the file as it was.
  returned: when changed and O(backup=true)
  type: str
  sample: /etc/cinder/cinder.conf.4711.2026-01-31@12:00:00~
"""

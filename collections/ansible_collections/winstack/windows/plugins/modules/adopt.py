# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: adopt
short_description: Write what a Windows storage host is as variables of the roles
version_added: 0.1.0
description:
  - Gathers a host that was made by hand, and writes a file of host variables with which the roles
    P(winstack.windows.iscsi_target_server#role) and P(winstack.windows.ntp_client#role) find nothing to do on it.
  - The host is not changed. The file is written on the controller, for everybody to read; no secret is in it.
  - In the place of each CHAP secret, which Windows does not show, stands a variable. RV(vault) lists them, with the file to define
    them in.
  - Objects with protected names, such as those of cinder-volume, are left out, since the roles leave them alone.
  - A file that somebody else wrote, or that was edited since, is not overwritten unless O(force=true).
  - What no variable can say, such as a time service that does not run, is told as a warning. The roles would change that.
author:
  - Contributors to the Winstack project (@winstack)
extends_documentation_fragment:
  - winstack.windows.attributes
attributes:
  check_mode:
    support: full
    description: Returns what would be written, without writing it.
  diff_mode:
    support: full
    description: Returns the text of the file before and after.
  action_group:
    support: none
    membership: []
options:
  dest:
    description:
      - File to write. A path that is not absolute starts at the folder of the playbook.
      - By default C(host_vars/<name of the host>/winstack.yml) beside the inventory. Where a file C(host_vars/<name of the host>.yml)
        is there without such a folder, nothing is written, since Ansible would no longer read that file.
    type: path
  force:
    description: Whether a file is overwritten that somebody else wrote, or that was edited since.
    type: bool
    default: false
  protected:
    description:
      - Names of objects to leave out; see M(winstack.windows.desired_state).
      - They are not written. Give the variable C(iscsi_target_server_protected) the same, so that the role knows them.
    type: list
    elements: str
seealso:
  - module: winstack.windows.desired_state
"""

EXAMPLES = r"""
- name: Write what the host is as its variables
  winstack.windows.adopt:

- name: Write it to a folder for review
  winstack.windows.adopt:
    dest: /srv/review/{{ inventory_hostname }}.yml
    force: true
  register: adopted
"""

RETURN = r"""
dest:
  description: The file, on the controller.
  returned: success
  type: str
  sample: /srv/inventory/host_vars/storage1/winstack.yml
variables:
  description: The variables in it.
  returned: success
  type: dict
  sample:
    iscsi_target_server_lun_path: 'D:\iSCSI'
    iscsi_target_server_exclusive_portals: false
vault:
  description: The variables that stand for secrets.
  returned: success
  type: list
  elements: dict
  contains:
    variable:
      description: Name of the variable.
      type: str
    target:
      description: Name of the target whose secret it is.
      type: str
    option:
      description: Which secret of the target, V(chap) or V(reverse_chap).
      type: str
    file:
      description: The file to define it in, which then is to be encrypted.
      type: str
    defined:
      description: Whether it is defined for the host already.
      type: bool
  sample:
    - variable: vault_storage1_sql_chap_secret
      target: sql
      option: chap
      file: /srv/inventory/host_vars/storage1/vault.yml
      defined: false
left:
  description: What the roles would change or refuse all the same, a sentence each.
  returned: success
  type: list
  elements: str
remote_commands:
  description: How many commands were sent to the host.
  returned: always
  type: int
"""

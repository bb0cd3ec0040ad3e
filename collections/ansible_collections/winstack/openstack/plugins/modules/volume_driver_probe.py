#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_driver_probe
version_added: "0.1.0"
short_description: Try out a volume driver in the Python of the service that is to load it
description:
  - For cinder, imports the driver and makes one with the options of its backend, as cinder-volume does before it speaks to the
    storage. That shows a wrong path, a library that is missing or cannot be read by the user of the service, and a Python that
    the driver was not written for.
  - For nova, imports the driver and compares it with the nova that is to call it, by the signatures of its methods and by the
    names of nova that it uses. nova from 23 on loads drivers when the first volume is attached, so that its log says nothing before.
  - Changes nothing, and speaks to no server.
options:
  python:
    description: The Python of the service, as M(winstack.openstack.openvstorage_patch) finds it.
    type: path
    required: true
  user:
    description: The user that the service runs as. By default the user of the task.
    type: str
  service:
    description: Which service is to load the driver.
    type: str
    choices: [cinder, nova]
    required: true
  driver:
    description: The path of the class.
    type: str
    required: true
  section:
    description: For cinder, the section of the backend.
    type: str
  options:
    description:
      - For cinder, the options of the section.
      - The values of those whose names speak of passwords, secrets, tokens, credentials or keys are taken out of every message.
    type: dict
    default: {}
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Try the driver out
  winstack.openstack.volume_driver_probe:
    python: /openstack/venvs/cinder-14.1.1/bin/python
    user: cinder
    service: cinder
    driver: cinder.volume.drivers.openvstorage_edge.OpenvStorageEdgeVolumeDriver
    section: vpool1
    options:
      vpool_guid: 6f1c6f9e-0d5c-4f0c-9df3-5b7a4a1b2c3d
      username: cinder
      password: "{{ vault_vpool1_password }}"
"""

RETURN = r"""
driver:
  description: The path of the class that works.
  returned: success
  type: str
  sample: cinder.volume.drivers.openvstorage_edge.OpenvStorageEdgeVolumeDriver
"""

import os
import pwd
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.winstack.openstack.plugins.module_utils import openstack_service
from ansible_collections.winstack.openstack.plugins.module_utils._service_python import ask


SECRET = re.compile("pass|secret|token|credential|key", re.IGNORECASE)


def hide_secrets_alone(module):
    """Ansible would hide each value of the options. A user named cinder would be cut out of every path that has the word."""
    options = module.params["options"]
    values = [str(value) for name, value in options.items() if SECRET.search(name) and value]
    module.no_log_values = {*values, *map(text_of, values)}


def command_of(params):
    """Give the command that starts the Python as the user."""
    user = params["user"]
    if not user or user == pwd.getpwuid(os.geteuid()).pw_name:
        return [params["python"]]
    # Of util-linux, which no Debian is without. A login shell is not needed, and the service's user has none.
    return ["runuser", "-u", user, "--", params["python"]]


def job_of(params):
    """Give the job for the helper."""
    if params["service"] == "nova":
        module, _dot, name = params["driver"].rpartition(".")
        return {"do": "nova", "module": module, "class": name}
    lines = [f"{name} = {text_of(value)}" for name, value in params["options"].items()]
    config = "\n".join([f"[{params['section']}]", *lines, ""])
    return {"do": "cinder", "section": params["section"], "driver": params["driver"], "config": config}


def text_of(value):
    """Give an option as oslo.config reads it; a $ stands for itself."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("$", "$$")


def main():
    module = AnsibleModule(
        argument_spec={
            "python": {"type": "path", "required": True},
            "user": {"type": "str"},
            "service": {"type": "str", "choices": ["cinder", "nova"], "required": True},
            "driver": {"type": "str", "required": True},
            "section": {"type": "str"},
            "options": {"type": "dict", "default": {}, "no_log": True},
        },
        required_if=[("service", "cinder", ["section"])],
        supports_check_mode=True,
    )
    hide_secrets_alone(module)
    params = module.params
    answer = ask(module, command_of(params), openstack_service, job_of(params))
    if answer.get("problem"):
        module.fail_json(
            msg=f"The volume driver {params['driver']} does not work in {params['python']}"
            f"{' as the user ' + params['user'] if params['user'] else ''}: {answer['problem']}."
        )
    module.exit_json(changed=False, driver=params["driver"])


if __name__ == "__main__":
    main()

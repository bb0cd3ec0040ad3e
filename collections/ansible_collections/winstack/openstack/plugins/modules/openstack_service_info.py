#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: openstack_service_info
version_added: "0.1.0"
short_description: Look at an OpenStack service from inside its own Python
description:
  - Tells the version of a service, where its package lies, whether it has certain Python modules, and what oslo.config and
    oslo.log make of its configuration files.
  - Tells of its systemd unit whether it runs, since when and as whom.
  - The looking is done by the Python of the service, 2.7 to 3.13, because no other knows what the service would import.
options:
  python:
    description: The Python of the service, as M(winstack.openstack.openvstorage_patch) finds it.
    type: path
    required: true
  package:
    description: The Python package of the service.
    type: str
    required: true
  unit:
    description:
      - The systemd unit of the service.
      - Without it, nothing is told of the unit, and the configuration files are those that oslo.config finds by the name of the package.
    type: str
  config_files:
    description: The configuration files. By default those that the command of the unit names.
    type: list
    elements: path
    default: []
  modules:
    description: Python modules below the package of which the source is looked for. They are not imported.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  check_mode:
    support: full
    details: It only looks.
  diff_mode:
    support: none
  platform:
    platforms: posix
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Look at cinder-volume
  winstack.openstack.openstack_service_info:
    python: /openstack/venvs/cinder-14.1.1/bin/python
    package: cinder
    unit: cinder-volume
    modules: [cinder.volume.drivers.openvstorage_edge]
  register: cinder
"""

RETURN = r"""
service:
  description: The service as its own Python sees it.
  returned: success
  type: dict
  contains:
    python:
      description: The version of its Python.
      type: str
    version:
      description: The version of the package, null if that is not written anywhere.
      type: str
    folder:
      description: The folder of the package.
      type: str
    modules:
      description: For each module its source, or null.
      type: dict
    config:
      description:
        - RV(service.config.debug), RV(service.config.enabled_backends), the files that were read, the C(volume_driver) of every section,
          and the log file or folder (null if the journal has the log).
      type: dict
      contains:
        debug:
          description: Whether debug messages are logged.
          type: bool
        enabled_backends:
          description: The sections that are backends.
          type: list
          elements: str
        files:
          description: The files that were read.
          type: list
          elements: str
        drivers:
          description: The volume driver of every section that has one.
          type: dict
        log_file:
          description: The log file, or the folder of log files.
          type: str
  sample:
    python: 2.7.12
    version: 9.1.4
    folder: /openstack/venvs/cinder-14.1.1/lib/python2.7/site-packages/cinder
    modules:
      cinder.volume.drivers.openvstorage_edge:
    config:
      files: [/etc/cinder/cinder.conf]
      debug: false
      enabled_backends: [lvm]
      drivers:
        lvm: cinder.volume.drivers.lvm.LVMVolumeDriver
      log_file: /var/log/cinder
unit:
  description: The systemd unit; empty if none was named.
  returned: success
  type: dict
  contains:
    active:
      description: Whether it runs.
      type: bool
    user:
      description: The user that it runs as.
      type: str
    started:
      description: When its process was started, in seconds of the node's clock; 0 if it does not run.
      type: float
    restarts:
      description: How often systemd started it again.
      type: int
    invocation:
      description: The identity of this run in the journal.
      type: str
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.winstack.openstack.plugins.module_utils import openstack_service
from ansible_collections.winstack.openstack.plugins.module_utils._service_python import ask

PROPERTIES = ["ActiveState", "ExecStart", "InvocationID", "LoadState", "MainPID", "NRestarts", "User"]
CONFIG_FILE = re.compile(r"--config-file[ =](\S+)")
CONFIG_DIR = re.compile(r"--config-dir[ =](\S+)")
LOG_FILE = re.compile(r"--log-?file[ =](\S+)")
LOG_DIR = re.compile(r"--log-?dir[ =](\S+)")


def properties(module, unit):
    """Give what systemd knows of a unit."""
    command = ["systemctl", "show", "--property", ",".join(PROPERTIES), unit]
    _status, output, error = module.run_command(command)
    found = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    if found.get("LoadState") != "loaded":
        module.fail_json(msg=f"systemd has no unit {unit}. {error.strip()}".rstrip())
    return found


def started(pid):
    """Give when a process was started, in seconds of the clock; 0 if there is none.

    Field 22 of stat counts ticks since the machine was started (proc(5)), which is /proc/stat's btime.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            ticks = int(stream.read().rpartition(")")[2].split()[19])
        with open("/proc/stat", encoding="utf-8") as stream:
            boot = next(int(line.split()[1]) for line in stream if line.startswith("btime "))
    except (OSError, StopIteration):
        return 0.0
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def unit_of(found):
    """Give what the module tells of a unit."""
    active = found["ActiveState"] == "active"
    return {
        "active": active,
        "user": found.get("User") or "root",
        "started": started(found["MainPID"]) if active else 0.0,
        "restarts": int(found.get("NRestarts") or 0),
        "invocation": found.get("InvocationID", ""),
    }


def config_files(command):
    """Give the configuration files that a command line names."""
    files = CONFIG_FILE.findall(command)
    for folder in CONFIG_DIR.findall(command):
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        files += [os.path.join(folder, name) for name in names if name.endswith(".conf")]
    return files


def of_command(command):
    """Give what a command line says of debug messages and of the log; it wins over the files."""
    found = {"debug": True} if re.search(r" (--debug|-d)\b", command) else {}
    file, folder = LOG_FILE.search(command), LOG_DIR.search(command)
    if file or folder:
        parts = [option.group(1) for option in (folder, file) if option]
        found["log_file"] = os.path.join(*parts)
    return found


def main():
    module = AnsibleModule(
        argument_spec={
            "python": {"type": "path", "required": True},
            "package": {"type": "str", "required": True},
            "unit": {"type": "str"},
            "config_files": {"type": "list", "elements": "path", "default": []},
            "modules": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    found = properties(module, params["unit"]) if params["unit"] else {}
    files = params["config_files"] or config_files(found.get("ExecStart", ""))
    job = {"do": "look", "package": params["package"], "modules": params["modules"], "config_files": files}
    answer = ask(module, [params["python"]], openstack_service, job)
    if answer.get("problem"):
        module.fail_json(msg=f"The service {params['package']} cannot be looked at: {answer['problem']}.")
    answer["config"].update(of_command(found.get("ExecStart", "")))
    module.exit_json(changed=False, service=answer, unit=unit_of(found) if found else {})


if __name__ == "__main__":
    main()

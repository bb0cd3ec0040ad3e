#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: openvstorage_patch
version_added: "0.1.0"
short_description: Register Open vStorage in the os-brick and nova of a service, or take it out again
description:
  - Adds what the Open vStorage Edge protocol needs to the Python packages of an installed service - a connector in os-brick,
    a class for guest disks in nova's libvirt configuration, and an entry for the volume driver in nova's libvirt driver.
  - Everything is added as whole statements between two markers, at places that are found in the syntax tree. Taking them out gives
    the old bytes. After an upgrade of the packages the same task adds them again.
  - The work is done by the Python of the service itself, 2.7 to 3.13. After a change it imports what was patched and tries
    it out. If that fails, every file is put back and the task fails.
  - Files that were patched by hand, replaced by the vendor's copies, that are damaged or of an unknown shape are left alone,
    and then nothing is changed at all.
  - Two runs never work on the packages of one Python at the same time; the second one waits.
  - No service is restarted. Restart it when this reports a change.
options:
  state:
    description:
      - V(patched) adds what is missing, V(pristine) takes it out again.
      - V(check) only looks, and fails if a file would be refused.
    type: str
    choices: [patched, pristine, check]
    default: patched
  components:
    description:
      - What to add.
      - V(connector) is the connector of os-brick, from 1.6 on. The drivers of Open vStorage for Newton do without it.
      - V(guest_disk) is the class C(LibvirtConfigOpenvStorageEdgeGuestDisk) of nova.
      - V(volume_driver) registers C(nova.virt.libvirt.volume.openvstorage_edge.LibvirtOpenvStorageEdgeVolumeDriver), which has to be
        in place before.
    type: list
    elements: str
    choices: [connector, guest_disk, volume_driver]
    default: [guest_disk, volume_driver]
  unit:
    description: The systemd unit of the service. Its C(ExecStart) names a script of which the first line names the Python.
    type: str
  venv:
    description: The virtual environment of the service, as a path or as a pattern that fits exactly one.
    type: str
  python:
    description: The Python of the service.
    type: path
  copies:
    description: Where pristine copies of patched files are kept while these are patched.
    type: path
    default: /var/lib/winstack/openvstorage_patch
  from_copy:
    description: Whether the pristine copy may be taken for a file in which the markers are damaged.
    type: bool
    default: false
  packaged:
    description:
      - Whether to patch files of Debian packages, too. Their next upgrade takes the patch away.
      - They can be taken out of such files in any case.
    type: bool
    default: false
  probe:
    description: Whether to try out what was patched.
    type: bool
    default: true
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  check_mode:
    support: full
    details: Nothing is written, and so nothing is tried out.
  diff_mode:
    support: full
    details: Shows the state of each file.
  platform:
    platforms: posix
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Register the guest disk and the volume driver in nova
  winstack.openstack.openvstorage_patch:
    unit: nova-compute
  notify: Restart nova-compute

- name: Register the connector in a virtual environment of openstack-ansible
  winstack.openstack.openvstorage_patch:
    venv: /openstack/venvs/cinder-*
    components: [connector]
  notify: Restart cinder-volume

- name: Take everything out again
  winstack.openstack.openvstorage_patch:
    unit: devstack@n-cpu
    components: [connector, guest_disk, volume_driver]
    state: pristine
  notify: Restart nova-compute
"""

RETURN = r"""
python:
  description: The Python of the service.
  returned: when found
  type: str
  sample: /openstack/venvs/nova-14.1.1/bin/python2.7
files:
  description: The files and their states, in the order in which they are written.
  returned: when looked at
  type: list
  elements: dict
  contains:
    component:
      description: To what the file belongs.
      type: str
    path:
      description: The file.
      type: str
    before:
      description: Its state before - pristine, patched, outdated, absent or refused. Outdated is a patch of another version of this module.
      type: str
    after:
      description: Its state after.
      type: str
    reason:
      description: Why it is refused.
      returned: when refused
      type: str
    remark:
      description: What else there is to know of it, as that it was changed outside of the patch. It is a warning, too.
      returned: when there is something
      type: str
  sample:
    - component: guest_disk
      path: /openstack/venvs/nova-14.1.1/lib/python2.7/site-packages/nova/virt/libvirt/config.py
      before: pristine
      after: patched
"""

import glob
import json
import os
import re
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native, to_text
from ansible_collections.winstack.openstack.plugins.module_utils import openvstorage_patcher

# Where services find `/usr/bin/env python3`: the path that systemd gives them.
SERVICE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IS_PYTHON = re.compile(r"python[0-9.]*$")
# pip and distlib write this where the path of the interpreter is too long, or has a blank, for a first line.
LONG_PATH = re.compile(r"""^'''exec' "?(?P<path>[^"]+?)"? "\$0" "\$@"$""")


WHAT_FAILED = {
    "patched": "Open vStorage was not registered",
    "pristine": "Open vStorage was not taken out",
    "check": "Open vStorage cannot be registered here",
}


class NotFound(Exception):
    """There is no single Python to work with; the text says why."""


def interpreter(module):
    """Give the Python of the service."""
    params = module.params
    if params["python"]:
        return usable(params["python"])
    if params["venv"]:
        return of_venv(params["venv"])
    return of_unit(module, params["unit"])


def usable(path):
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise NotFound(f"There is no Python at {path}.")
    return path


def of_venv(pattern):
    """Give the Python of the one virtual environment that fits the pattern."""
    found = sorted(
        folder for folder in glob.glob(pattern) if os.path.exists(os.path.join(folder, "bin", "python"))
    )
    if not found:
        raise NotFound(f"There is no virtual environment at {pattern}.")
    if len(found) > 1:
        raise NotFound(
            f"{pattern} fits {len(found)} virtual environments: {', '.join(found)}. Name the one that the service runs in, or the "
            "unit of the service."
        )
    return os.path.join(found[0], "bin", "python")


def of_unit(module, unit):
    """Give the Python that the unit runs its service with."""
    # systemd before 230, as in Ubuntu 16.04, does not know --value.
    _status, output, error = module.run_command(["systemctl", "show", "-p", "ExecStart", unit])
    starts = re.findall(r"^ExecStart=\{ path=(.+?) ; argv\[\]=", output, re.MULTILINE)
    if not starts:
        raise NotFound(f"systemd has no unit {unit} that starts something. {error.strip()}".rstrip())
    if len(starts) > 1:
        raise NotFound(
            f"The unit {unit} starts {len(starts)} commands. Say by 'venv' or 'python' which Python is meant."
        )
    path = starts[0]
    if IS_PYTHON.search(path):
        return usable(path)
    return of_script(path, unit)


def of_script(path, unit):
    """Give the Python that the first line of a script names."""
    try:
        with open(path, "rb") as stream:
            lines = [to_text(stream.readline(4096)).rstrip("\n") for _line in range(2)]
    except OSError as error:
        raise NotFound(f"{path}, which the unit {unit} starts, cannot be read: {error.strerror}.") from None
    words = lines[0][2:].split() if lines[0].startswith("#!") else []
    long_path = LONG_PATH.match(lines[1])
    if words[:1] == ["/bin/sh"] and long_path:
        return usable(long_path["path"])
    if words and os.path.basename(words[0]) == "env":
        words = [
            shutil.which(word, path=SERVICE_PATH) or word for word in words[1:] if not word.startswith("-")
        ]
    if not words or not IS_PYTHON.search(words[0]):
        raise NotFound(
            f"{path}, which the unit {unit} starts, is no Python script but a wrapper. Say by 'venv' or 'python' which Python the "
            "service runs in."
        )
    return usable(words[0])


def work(module, python):
    """Do the work in the Python of the service; give the answer."""
    params = module.params
    job = {name: params[name] for name in ("state", "components", "copies", "from_copy", "packaged", "probe")}
    job["write"] = params["state"] != "check" and not module.check_mode
    folder = tempfile.mkdtemp(dir=module.tmpdir)
    script = os.path.join(folder, "openvstorage_patcher.py")
    with open(script, "w", encoding="utf-8") as stream:
        stream.write(source_of(openvstorage_patcher))
    answer, last = ask(module, python, script, job)
    if answer:
        return answer
    # Killed, or out of memory: what it had begun is put back by whatever job comes next.
    undone, _last = ask(module, python, script, dict(job, state="check", write=True))
    state = "nothing was left changed" if undone else "the next run of this task puts things right"
    return {
        "changed": False,
        "files": [],
        "reason": f"the helper did not come to its end in {python}: {last}; {state}",
    }


def ask(module, python, script, job):
    """Run the helper once; give its answer, or None and the last that it said."""
    # -B: root leaves no compiled files behind that the service could not replace.
    command = [python, "-B", script]
    try:
        status, output, error = module.run_command(
            command, data=json.dumps(job), cwd="/", handle_exceptions=False
        )
    except OSError as problem:
        return None, str(problem)
    start = openvstorage_patcher.ANSWER
    answers = [line[len(start) :] for line in output.splitlines() if line.startswith(start)]
    if answers:
        return json.loads(answers[-1]), ""
    return None, (error.strip().splitlines() or [f"exit status {status}"])[-1]


def source_of(python_module):
    """Give the source of a module, also of one in the zip file that Ansible runs modules from."""
    return python_module.__loader__.get_source(python_module.__name__)


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["patched", "pristine", "check"], "default": "patched"},
            "components": {
                "type": "list",
                "elements": "str",
                "choices": ["connector", "guest_disk", "volume_driver"],
                "default": ["guest_disk", "volume_driver"],
            },
            "unit": {"type": "str"},
            "venv": {"type": "str"},
            "python": {"type": "path"},
            "copies": {"type": "path", "default": "/var/lib/winstack/openvstorage_patch"},
            "from_copy": {"type": "bool", "default": False},
            "packaged": {"type": "bool", "default": False},
            "probe": {"type": "bool", "default": True},
        },
        mutually_exclusive=[("unit", "venv", "python")],
        required_one_of=[("unit", "venv", "python")],
        supports_check_mode=True,
    )
    try:
        python = interpreter(module)
    except NotFound as error:
        module.fail_json(msg=to_native(error))
    answer = work(module, python)
    result = {"changed": answer["changed"], "python": python, "files": answer["files"]}
    if answer["reason"]:
        module.fail_json(msg=f"{WHAT_FAILED[module.params['state']]}: {answer['reason']}.", **result)
    for file in answer["files"]:
        if "remark" in file:
            module.warn(f"{file['remark']}.")
    states = {
        side: "".join(f"{file['path']}: {file[side]}\n" for file in answer["files"])
        for side in ("before", "after")
    }
    module.exit_json(diff=states, **result)


if __name__ == "__main__":
    main()

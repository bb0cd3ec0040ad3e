#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oslo_config_file
version_added: "0.1.0"
short_description: Read a file with its attributes, or replace it if it is still the same
description:
  - What M(winstack.openstack.oslo_config) runs on a Linux target. Use that one in playbooks.
  - Without O(content) the file is read. With it the file is replaced in one step, and keeps its owner, mode,
    extended attributes and SELinux context. Neither it nor its copy is ever readable for more users than before, not even for a moment.
options:
  path:
    description: The file. A symbolic link is followed.
    type: path
    required: true
  content:
    description: The new bytes, as Base64.
    type: str
  expected_sha256:
    description: The checksum of the file as it was read; empty if there was none. If it is another one now, nothing is written.
    type: str
    default: ""
  owner:
    description: The owner, by name or number. By default as it is.
    type: str
  group:
    description: The group, by name or number. By default as it is.
    type: str
  mode:
    description: The mode in octal. By default as it is, and V(0640) for a new file.
    type: str
  backup:
    description: Whether to keep a copy of the file as it was beside it.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  action_group:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: none
    details: M(winstack.openstack.oslo_config) shows what would change.
  platform:
    platforms: posix
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Read a file with its attributes
  winstack.openstack.oslo_config_file:
    path: /etc/cinder/cinder.conf
  register: __cinder_conf
  no_log: true
"""

RETURN = r"""
exists:
  description: Whether the file was there before.
  returned: success
  type: bool
content:
  description: The bytes of the file, as Base64.
  returned: when read and there
  type: str
sha256:
  description: The checksum of the file, empty if there is none.
  returned: success
  type: str
owner:
  description: The name of the owner, or the number of one without a name.
  returned: when there
  type: str
group:
  description: The name of the group, or the number of one without a name.
  returned: when there
  type: str
uid:
  description: The number of the owner.
  returned: when there
  type: int
gid:
  description: The number of the group.
  returned: when there
  type: int
mode:
  description: The mode in octal.
  returned: when there
  type: str
backup_file:
  description: The copy of the file as it was.
  returned: when replaced with O(backup=true)
  type: str
"""

import base64
import binascii
import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

NEW_MODE = 0o640


class Refused(Exception):
    """Nothing was changed; the text says why."""


def read(path):
    """Give the bytes and the stat of a file, or None twice if there is none."""
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Refused(f"{path} is no regular file.")
            return stream.read(), status
    except FileNotFoundError:
        return None, None


def report(data, status):
    """Describe a file."""
    if data is None:
        return {"exists": False, "sha256": ""}
    return {
        "exists": True,
        "sha256": hashlib.sha256(data).hexdigest(),
        "owner": name_of(pwd.getpwuid, status.st_uid),
        "group": name_of(grp.getgrgid, status.st_gid),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
    }


def name_of(lookup, number):
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def number_of(lookup, name, kind):
    try:
        return lookup(name)[2]
    except KeyError:
        if name.isdigit():
            return int(name)
        raise Refused(f"There is no {kind} {name} on this host.") from None


def replace(module, path, data, before):
    """Put new bytes in place; ``before`` is the stat of the file that is there, if any."""
    uid, gid, mode = wanted(module.params, before)
    put(path, data, path if before else None, uid, gid, mode)
    if module.selinux_enabled() and not before:
        module.set_default_selinux_context(path, False)


def keep(module, path, data, before):
    """Keep the file as it was beside it, named as Ansible names backups; give the path.

    Its mode is no wider than the old and the new one: who takes the right to read secrets away means the old ones, too.
    """
    kept = "{}.{}.{}~".format(path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
    mode = stat.S_IMODE(before.st_mode) & wanted(module.params, before)[2]
    put(kept, data, path, before.st_uid, before.st_gid, mode, before.st_mtime)
    return kept


def put(path, data, like, uid, gid, mode, mtime=None):
    """Write a file in one step, with the attributes of another one, if there is one.

    It is made in a folder that nobody else can enter: nobody has it open before owner and mode are right.
    """
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise Refused(f"The folder {folder} is not there. Make it first, or install the service's package.")
    private = tempfile.mkdtemp(prefix=f".{name}.", dir=folder)
    try:
        temporary = os.path.join(private, name)
        with open(temporary, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if like:
            shutil.copystat(like, temporary)
        os.utime(temporary, (time.time(), time.time() if mtime is None else mtime))
        os.chown(temporary, uid, gid)
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def wanted(params, before):
    """Give owner, group and mode; -1 leaves an owner as it is."""
    uid = before.st_uid if before else -1
    gid = before.st_gid if before else -1
    mode = stat.S_IMODE(before.st_mode) if before else NEW_MODE
    if params["owner"]:
        uid = number_of(pwd.getpwnam, params["owner"], "user")
    if params["group"]:
        gid = number_of(grp.getgrnam, params["group"], "group")
    return uid, gid, int(params["mode"], 8) if params["mode"] else mode


def run(module):
    """Read or replace; give the result."""
    params = module.params
    path = os.path.realpath(params["path"])
    data, status = read(path)
    if params["content"] is None:
        result = dict(report(data, status), changed=False)
        if data is not None:
            result["content"] = base64.b64encode(data).decode("ascii")
        return result
    if report(data, status)["sha256"] != params["expected_sha256"]:
        raise Refused(f"{path} was changed by somebody else while it was worked on. Run the task again.")
    result = {"changed": True, "exists": data is not None}
    new = base64.b64decode(params["content"], validate=True)
    if not module.check_mode:
        if params["backup"] and data is not None:
            result["backup_file"] = keep(module, path, data, status)
        replace(module, path, new, status)
    return dict(result, **report(*read(path)))


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "no_log": True},
            "expected_sha256": {"type": "str", "default": ""},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "str"},
            "backup": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except Refused as error:
        module.fail_json(msg=to_native(error))
    except (OSError, ValueError, binascii.Error) as error:
        what = "read" if module.params["content"] is None else "written"
        reason = getattr(error, "strerror", None) or to_native(error)
        module.fail_json(msg="{} cannot be {}: {}.".format(module.params["path"], what, reason))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verified_archive
version_added: "0.1.0"
short_description: Unpack an archive whose checksum is known, and nothing outside of its folder
description:
  - Unpacks a tar or zip archive into a folder of its own, if its SHA-256 is the expected one.
  - Refuses an archive with an absolute path, with C(..) in a path, with a link that leads outside, or with a device. Nothing is
    unpacked then.
  - The folder is there with all that the archive holds, or not at all. If it is there, nothing is done, so that its name has to
    say which archive it is of.
  - Only plain files and folders are unpacked. Links that stay inside are left out.
options:
  src:
    description: The archive on the target.
    type: path
    required: true
  checksum:
    description: The SHA-256 of the archive, in hexadecimal digits.
    type: str
    required: true
  dest:
    description: The folder. The one above it has to be there.
    type: path
    required: true
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  check_mode:
    support: full
    details: The archive is looked at in check mode, too.
  diff_mode:
    support: none
  platform:
    platforms: posix
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Unpack the drivers
  winstack.openstack.verified_archive:
    src: /root/framework-cinder-plugin.tar.gz
    checksum: "{{ drivers_sha256 }}"
    dest: "/var/cache/drivers/{{ drivers_sha256 }}"
"""

RETURN = r"""
dest:
  description: The folder.
  returned: success
  type: str
  sample: /var/cache/drivers/9f86d081
files:
  description: How many files were unpacked.
  returned: when changed
  type: int
  sample: 61
"""

import hashlib
import os
import posixpath
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib

from ansible.module_utils.basic import AnsibleModule


# What the readers of archives raise; RuntimeError is of an encrypted entry, NotImplementedError of an unknown compression.
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class RefusedError(Exception):
    """The archive is not unpacked; the text says why."""


class Entry:
    """One entry of an archive: a path, whether it is a folder, a file or a link, where a link leads, how to open a file."""

    def __init__(self, path, kind, target=None, opener=None):
        self.path = path
        self.kind = kind
        self.target = target
        self.open = opener


def sha256(path):
    """Give the checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def tar_entries(archive):
    """Give the entries of an open tar archive."""
    kinds = (
        (tarfile.TarInfo.isreg, "file"),
        (tarfile.TarInfo.isdir, "folder"),
        (tarfile.TarInfo.issym, "link"),
    )
    for member in archive.getmembers():
        kind = next(
            (name for test, name in kinds if test(member)), "hard link" if member.islnk() else "device"
        )
        yield Entry(member.name, kind, member.linkname, lambda member=member: archive.extractfile(member))


def zip_entries(archive):
    """Give the entries of an open zip archive."""
    for member in archive.infolist():
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        kind = "folder" if member.is_dir() else "link" if is_link else "file"
        target = archive.read(member).decode("utf-8", "replace") if is_link else None
        yield Entry(member.filename, kind, target, lambda member=member: archive.open(member))


def leaves(path):
    """Whether a path leads out of the folder that it is relative to."""
    normal = posixpath.normpath(path.replace("\\", "/"))
    return normal.startswith("/") or normal == ".." or normal.startswith("../")


def check(entry):
    """Raise RefusedError for an entry that may not be unpacked."""
    parts = entry.path.replace("\\", "/").split("/")
    if entry.path.startswith(("/", "\\")) or ".." in parts:
        raise RefusedError(f"its entry {entry.path} leads out of the folder")
    if entry.kind == "device":
        raise RefusedError(f"its entry {entry.path} is neither a file nor a folder")
    # The target of a symbolic link counts from its own folder, that of a hard link from the top of the archive.
    base = posixpath.dirname(entry.path) if entry.kind == "link" else ""
    if entry.target and entry.kind.endswith("link") and leaves(posixpath.join(base, entry.target)):
        raise RefusedError(f"its entry {entry.path} is a link to {entry.target}, outside of the folder")


def opened(path):
    """Give an open archive and its entries."""
    try:
        if zipfile.is_zipfile(path):
            archive = zipfile.ZipFile(path)
            return archive, list(zip_entries(archive))
        archive = tarfile.TarFile.open(path)
        return archive, list(tar_entries(archive))
    except (*DAMAGE, OSError):
        raise RefusedError("it is neither a tar nor a zip archive, or it is damaged") from None


def unpack(entries, folder):
    """Unpack into a folder that is there; give the number of files."""
    files = 0
    for entry in entries:
        path = os.path.join(folder, entry.path)
        if entry.kind == "folder":
            os.makedirs(path, exist_ok=True)
        elif entry.kind == "file":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with entry.open() as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)
            files += 1
    return files


def unpacked(entries, folder):
    """Unpack, or raise RefusedError for an archive of which the list can be read and the rest cannot."""
    try:
        return unpack(entries, folder)
    except DAMAGE:
        raise RefusedError(
            "it is damaged or encrypted, or its method of compression is not known here"
        ) from None


def run(params, check_mode):
    """Do the work; give the result. Raise RefusedError."""
    src, dest = params["src"], params["dest"]
    if not os.path.isfile(src):
        raise RefusedError("there is no such file")
    found = sha256(src)
    if found != params["checksum"].lower():
        raise RefusedError(f"its SHA-256 has to be {params['checksum'].lower()}, and is {found}")
    archive, entries = opened(src)
    with archive:
        for entry in entries:
            check(entry)
        if os.path.isdir(dest):
            return {"changed": False, "dest": dest}
        if check_mode:
            return {"changed": True, "dest": dest, "files": sum(entry.kind == "file" for entry in entries)}
        temporary = tempfile.mkdtemp(prefix=".unpack-", dir=os.path.dirname(dest))
        try:
            files = unpacked(entries, temporary)
            os.chmod(temporary, 0o755)
            os.rename(temporary, dest)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return {"changed": True, "dest": dest, "files": files}


def main():
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "checksum": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except RefusedError as error:
        module.fail_json(msg=f"The archive {module.params['src']} is refused: {error}.")
    except OSError as error:
        module.fail_json(msg=f"The archive {module.params['src']} cannot be unpacked: {error}.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

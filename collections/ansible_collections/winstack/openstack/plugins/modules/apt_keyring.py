#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_keyring
version_added: "0.1.0"
short_description: Keep the key of an apt repository in a keyring of its own, verified by its full fingerprint
description:
  - Writes a keyring with exactly one public key for the option C(Signed-By) of a source of apt. Nothing else trusts that key.
  - The fingerprint is computed on the target, without gpg, before anything is written. A key with another one is refused, and so
    are several keys at once, secret keys, and fingerprints that are not complete.
  - The file is binary, as every apt since 1.1 reads it.
options:
  path:
    description: The keyring. Its folder has to be there.
    type: path
    required: true
  fingerprint:
    description: The full fingerprint of the key, 40 hexadecimal digits; blanks do not matter. Get it from somebody you trust.
    type: str
    required: true
  url:
    description:
      - Where the target gets the key.
      - It is not asked if the keyring has the key already.
    type: str
  content:
    description: The key, armoured.
    type: str
  content_base64:
    description: The key as a file has it, binary or armoured, as Base64.
    type: str
  timeout:
    description: Seconds for an answer from O(url).
    type: int
    default: 30
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: debian
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Trust the key of the repository
  winstack.openstack.apt_keyring:
    path: /usr/share/keyrings/vendor.gpg
    url: http://apt.vendor.example/vendor.asc
    fingerprint: 0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567
"""

RETURN = r"""
fingerprint:
  description: The fingerprint without blanks.
  returned: success
  type: str
content_base64:
  description: The verified key in binary form, as Base64.
  returned: success
  type: str
"""

import base64
import binascii
import os
import re
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url
from ansible_collections.winstack.openstack.plugins.module_utils import _openpgp as openpgp

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "fingerprint": {"type": "str", "required": True},
    "url": {"type": "str"},
    "content": {"type": "str"},
    "content_base64": {"type": "str"},
    "timeout": {"type": "int", "default": 30},
}
SOURCES = ("url", "content", "content_base64")


def present(path):
    """The bytes of the keyring; none if there is no file."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""


def has_key(data, fingerprint):
    """Whether these are the bytes of a keyring with that key alone."""
    try:
        return openpgp.check(data, fingerprint) == data
    except openpgp.BadKey:
        return False


def without_password(text):
    """A text with the user information of URLs left out."""
    return re.sub(r"://[^/\s]*@", "://", text)


def fetch(module, url):
    """What the URL answers."""
    response, info = fetch_url(module, url, timeout=module.params["timeout"])
    if info["status"] != 200 and not (url.startswith("file:") and response is not None):
        module.fail_json(
            msg="The key could not be got from {}: {}. Is the repository still there? Otherwise give the key as a"
            " file or as text.".format(without_password(url), without_password(info["msg"]))
        )
    return response.read()


def given(module, before, fingerprint):
    """The key as it was given, not verified yet."""
    params = module.params
    if params["content"] is not None:
        return params["content"].encode()
    if params["content_base64"] is not None:
        try:
            return base64.b64decode(params["content_base64"], validate=True)
        except binascii.Error as error:
            module.fail_json(msg=f"content_base64 is no Base64: {error}")
    return before if has_key(before, fingerprint) else fetch(module, params["url"])


def write(module, path, data):
    """Replace the keyring in one step; apt reads it as the user _apt."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        module.fail_json(msg=f"The folder {folder} of the keyring does not exist.")
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    module.atomic_move(name, path)


def shown(data):
    """A keyring as the lines of a diff."""
    try:
        return "".join(f"key {key}\n" for key in openpgp.fingerprints(data)) if data else ""
    except openpgp.BadKey as error:
        return f"no keyring: {error}\n"


def main():
    """Verify the key, then write it if it is not there."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[SOURCES],
        required_one_of=[SOURCES],
    )
    path = module.params["path"]
    before = present(path)
    try:
        fingerprint = openpgp.full_fingerprint(module.params["fingerprint"])
        after = openpgp.check(given(module, before, fingerprint), fingerprint)
    except openpgp.BadKey as error:
        module.fail_json(msg=f"{path} was not written: {error}.")
    changed = before != after
    if changed and not module.check_mode:
        write(module, path, after)
    if os.path.exists(path):
        changed = module.set_mode_if_different(path, "0644", changed)
    module.exit_json(
        changed=changed,
        fingerprint=fingerprint,
        content_base64=base64.b64encode(after).decode(),
        diff={"before": shown(before), "after": shown(after), "before_header": path, "after_header": path},
    )


if __name__ == "__main__":
    main()

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names by which the objects of cinder-volume are known."""

from __future__ import annotations


class ModuleDocFragment:
    """Option O(cinder)."""

    DOCUMENTATION = r"""
options:
  cinder:
    description:
      - Names of the objects that C(cinder-volume) owns on the host. They are shown by O(state=gathered) with
        C(owner=cinder), and never changed, enabled, described, mapped or removed.
      - The defaults of Cinder are always guarded. Give these options where the C(cinder.conf) of your cloud says otherwise.
      - A virtual disk is Cinder's if its file or its description has the name of a volume or snapshot, or ends in C(-temp), or
        if a target of Cinder's shows it. Case does not matter.
    type: dict
    suboptions:
      target_prefix:
        description: Option C(target_prefix) of C(cinder.conf).
        type: str
        default: "iqn.2010-10.org.openstack:"
      volume_name_template:
        description: Option C(volume_name_template) of C(cinder.conf); holds C(%s) once.
        type: str
        default: volume-%s
      snapshot_name_template:
        description: Option C(snapshot_name_template) of C(cinder.conf); holds C(%s) once.
        type: str
        default: snapshot-%s
"""

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the modules of all kinds share."""

from __future__ import annotations


class ModuleDocFragment:
    """States and what they need: for objects that can be absent and, as PRESENT, for those that cannot."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) makes the object, or brings it to what the other options say. What they leave out stays as it is.
      - V(absent) removes it.
      - V(gathered) returns all objects of this kind that the host has, and changes nothing.
      - V(rendered) returns the cmdlet calls that lead from O(have) to what is wanted. No host is asked.
      - In check mode, what has to be there first is a warning, since another task of the play may make it.
        M(winstack.windows.desired_state), which knows the whole document, fails instead.
    type: str
    choices: [present, absent, gathered, rendered]
    default: present
  have:
    description:
      - The objects that O(state=rendered) starts from, in the form of RV(gathered). By default there are none.
    type: list
    elements: dict
  release:
    description:
      - Release of Windows Server that the calls of O(state=rendered) have to fit. By default they have to fit all of them.
    type: str
    choices: ["2012r2", "2016", "2019", "2022", "2025"]
  protected:
    description:
      - Names of objects that are never changed or removed. V(*) stands for any text, V(?) for one character; case does not
        matter.
      - By default the names that cinder-volume gives to what it owns on a host, V(iqn.2010-10.org.openstack:*), V(volume-*)
        and V(snapshot-*). A list of your own replaces them; V([]) protects nothing.
      - Virtual disks, targets and what belongs to them have such names. Other kinds of objects are not protected.
    type: list
    elements: str
"""

    PRESENT = r"""
options:
  state:
    description:
      - V(present) brings the object to what the other options say. What they leave out stays as it is.
      - V(gathered) returns what the host has, in the form of the options, and changes nothing.
      - V(rendered) returns the cmdlet calls that lead from O(have) to what is wanted. No host is asked.
      - In check mode, what has to be there first is a warning, since another task of the play may make it.
        M(winstack.windows.desired_state), which knows the whole document, fails instead.
    type: str
    choices: [present, gathered, rendered]
    default: present
  have:
    description:
      - What O(state=rendered) starts from, in the form of RV(gathered). By default nothing is known of the host.
    type: list
    elements: dict
  release:
    description:
      - Release of Windows Server that the calls of O(state=rendered) have to fit. By default they have to fit all of them.
    type: str
    choices: ["2012r2", "2016", "2019", "2022", "2025"]
  protected:
    description:
      - Names of objects that are never changed or removed; see M(winstack.windows.desired_state).
      - Virtual disks, targets and what belongs to them have such names. Other kinds of objects are not protected.
    type: list
    elements: str
"""

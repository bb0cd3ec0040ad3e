# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states that are no changes: gathered and rendered."""

from __future__ import annotations


class ModuleDocFragment:
    """Options O(state) and O(have), in the form for objects that can be absent and, as PRESENT, for those that cannot."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) makes the object, or brings it to what the other options say. What they leave out is left as it is.
      - V(absent) removes it.
      - V(gathered) returns all objects of this kind that the host has, and changes nothing.
      - V(rendered) returns the cmdlet calls that would lead from O(have) to what is wanted. No host is touched.
    type: str
    choices: [present, absent, gathered, rendered]
    default: present
  have:
    description:
      - What O(state=rendered) starts from, in the form that O(state=gathered) returns. Without it, an empty host.
      - Its key C(release) (V(2012r2), V(2016), V(2019), V(2022) or V(2025)) chooses the Windows Server release that the
        calls have to fit. Without it they have to fit all of them.
    type: dict
"""

    PRESENT = r"""
options:
  state:
    description:
      - V(present) brings the settings to what the other options say. What they leave out is left as it is.
      - V(gathered) returns the settings of the host, and changes nothing.
      - V(rendered) returns the cmdlet calls that would lead from O(have) to what is wanted. No host is touched.
    type: str
    choices: [present, gathered, rendered]
    default: present
  have:
    description:
      - What O(state=rendered) starts from, in the form that O(state=gathered) returns.
      - Its key C(release) (V(2012r2), V(2016), V(2019), V(2022) or V(2025)) chooses the Windows Server release that the
        calls have to fit. Without it they have to fit all of them.
    type: dict
"""

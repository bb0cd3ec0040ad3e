# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.windows.requirement."""

from __future__ import annotations

from ansible_collections.winstack.windows.plugins.plugin_utils.resources.actions import KindAction
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.requirement import KIND


class ActionModule(KindAction):
    """Brings one object of the kind to what is wanted."""

    _winstack_kind = KIND

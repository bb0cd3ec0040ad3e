# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's action plugins over the kinds of this collection. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.action import (
    DesiredStateActionBase,
    KindActionBase,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import protected
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS


class KindAction(KindActionBase):
    """The action plugin of one kind, which a plugin names as ``_winstack_kind``."""

    _winstack_kinds: t.ClassVar = KINDS
    _winstack_protected: t.ClassVar = protected.DEFAULT


class DesiredStateAction(DesiredStateActionBase):
    """The action plugin of a whole document."""

    _winstack_kinds: t.ClassVar = KINDS
    _winstack_protected: t.ClassVar = protected.DEFAULT

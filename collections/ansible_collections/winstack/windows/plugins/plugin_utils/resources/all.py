# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind that a document can hold, by name. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Kind
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import (
    directory,
    firewall_rule,
    iscsi_server_target,
    iscsi_virtual_disk,
    ntp_client,
    registry_value,
    requirement,
    windows_feature,
    windows_service,
    wintarget,
)

_MODULES: t.Final = (
    *(requirement, windows_feature, windows_service, directory, firewall_rule, registry_value, ntp_client),
    *(wintarget, iscsi_virtual_disk, iscsi_server_target),
)

KINDS: t.Final[Mapping[str, Kind]] = {module.KIND.name: module.KIND for module in _MODULES}

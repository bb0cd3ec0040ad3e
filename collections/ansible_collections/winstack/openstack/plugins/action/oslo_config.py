# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.openstack.oslo_config: reads the file, merges on the controller, writes it if need be."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.winstack.openstack.plugins.plugin_utils import oslo_config
from ansible_collections.winstack.openstack.plugins.plugin_utils._target_file import LinuxFile
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError, WinstackError


class ActionModule(ActionBase):
    """Runs oslo_config on the task's target."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Give the result of the task; an error is a failed result with one sentence for the operator."""
        self._supports_check_mode = True
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, params = t.cast(t.Any, self).validate_argument_spec(oslo_config.ARGUMENT_SPEC)
        try:
            if getattr(self._connection._shell, "_IS_WINDOWS", False):
                raise WantError(
                    "oslo_config does not reach files on Windows yet; only Linux targets can be merged."
                )
            wanted = oslo_config.OsloConfig(params)
            file = LinuxFile(self, task_vars or {}, params["path"])
            result |= wanted.ensure(file, check_mode=bool(self._task.check_mode), diff=bool(self._task.diff))
        except WinstackError as error:
            result |= {"failed": True, "changed": False, "msg": str(error)}
        return result

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.windows.host_report: what a host is, from what the run knows of it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.action import (
    PROTECTED,
    Result,
    Spec,
    TaskHost,
    WinstackActionBase,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.report import KINDS as REPORTED
from ansible_collections.winstack.windows.plugins.plugin_utils.report import Found, Report, make_report
from ansible_collections.winstack.windows.plugins.plugin_utils.resources import protected
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS


class ActionModule(WinstackActionBase):
    """Returns the report of a host, hands it to whoever started the run, and shows it."""

    _winstack_spec: t.ClassVar[Spec] = {"quiet": {"type": "bool", "default": False}, "protected": PROTECTED}
    _winstack_kinds: t.ClassVar = KINDS
    _winstack_protected: t.ClassVar = protected.DEFAULT

    def _winstack_run(self, params: Mapping[str, t.Any], host: TaskHost, snapshot: Snapshot) -> Result:
        objects, told = self._winstack_gather(REPORTED, params, host, snapshot)
        report = make_report(t.cast(list[Found], objects), told["silent"], told["host"])
        if not params["quiet"] and not _is_for_programs():
            Display().display(self._shown(report))
        data = {"winstack": report.as_dict()}
        # What the task set_stats returns: AWX keeps it with the job.
        stats = {"data": data, "per_host": True, "aggregate": False}
        return {"changed": False, "report": data["winstack"], "ansible_stats": stats}

    def _shown(self, report: Report) -> str:
        first, *rest = report.lines()
        return "\n".join([f"{self._winstack_host}: {first}", *(f"  {line}" for line in rest)])


def _is_for_programs() -> bool:
    """Return whether what the run prints is JSON for a program to read, where a line for people would break it."""
    return "json" in str(vars(constants)["config"].get_config_value("DEFAULT_STDOUT_CALLBACK"))

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugin of winstack.windows.snapshot: gathers a host in one round trip for the tasks that follow."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils._action import RemoteHost, WinstackActionBase
from ansible_collections.winstack.windows.plugins.plugin_utils._prediction import predicted
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS, path_section
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import Snapshot, clock_facts
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check


class ActionModule(WinstackActionBase):
    """Takes the snapshot, or leaves the one that is there."""

    _winstack_spec: t.ClassVar[dict[str, t.Any]] = {
        "refresh": {"type": "bool", "default": False},
        "paths": {"type": "list", "elements": "str", "default": []},
        "predict_features": {"type": "list", "elements": "str", "default": []},
    }

    def _winstack_run(
        self, params: Mapping[str, t.Any], host: RemoteHost, snapshot: Snapshot
    ) -> dict[str, t.Any]:
        calls = SECTIONS | dict(path_section(path) for path in params["paths"])
        wanted = calls if params["refresh"] or not snapshot.shared else _unknown(calls, snapshot)
        snapshot.shared = True
        if wanted:
            _take(wanted, host, snapshot)
        if self._task.check_mode and params["predict_features"]:
            snapshot.update(predicted(snapshot.sections, params["predict_features"]))
        return {"changed": False}


def _unknown(calls: Mapping[str, Call], snapshot: Snapshot) -> dict[str, Call]:
    return {name: call for name, call in calls.items() if name not in snapshot.sections}


def _take(calls: Mapping[str, Call], host: RemoteHost, snapshot: Snapshot) -> None:
    for call in calls.values():
        check(call)
    snapshot.update(host.execute(calls))
    if host.answer:
        snapshot.clock = clock_facts(host.answer.clock)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what a run did, as JSON to the file named by WINSTACK_SITE_REPORT: counts, failures and statistics per host.

While the run goes on, the file of that name with the ending .now holds the name of the task.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: winstack_site
type: aggregate
short_description: Writes the outcome of a run as JSON
description:
  - Writes counts, failures and statistics of each host to the file named by WINSTACK_SITE_REPORT.
"""


class CallbackModule(CallbackBase):
    """Collects failures while the run goes on, and writes everything at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "winstack_site"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._failures: dict[str, list[str]] = {}
        # Failed items of the loop that runs, by host: from ansible-core 2.22 on the task's own result has them no more.
        self._items: dict[str, list[dict[str, Any]]] = {}

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Forget the items of the loop before, and say what is being done now."""
        self._items.clear()
        name = task.get_name().rpartition(" : ")[2]
        _report().with_suffix(".now").write_text(name, encoding="utf-8")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Remember an item, until it is known whether its task ended a host's run."""
        host, values = _parts(result)
        self._items.setdefault(host, []).append(values)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep the message of a task that ended a host's run."""
        if not ignore_errors:
            self._keep(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep why a host was not reached."""
        self._keep(result)

    def _keep(self, result: Any) -> None:
        host, values = _parts(result)
        for failure in self._items.pop(host, None) or [values]:
            self._failures.setdefault(host, []).extend(_sentences(failure))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report."""
        hosts = {name: stats.summarize(name) for name in sorted(stats.processed)}
        report = {"hosts": hosts, "failures": self._failures, "custom": stats.custom}
        _report().write_text(json.dumps(report, default=str, indent=2), encoding="utf-8")


def _report() -> Path:
    return Path(os.environ["WINSTACK_SITE_REPORT"])


def _parts(result: Any) -> tuple[str, dict[str, Any]]:
    """The host's name and what the module returned; the public names came with ansible-core 2.20."""
    host = getattr(result, "host", None) or result._host
    return host.get_name(), getattr(result, "result", None) or result._result


def _sentences(result: dict[str, Any]) -> list[str]:
    message = result.get("msg") or result.get("exception") or "failed without a message"
    texts = message if isinstance(message, list) else [message]
    return [line for text in texts for line in str(text).splitlines()]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows of a run what changed, what failed and what was warned of, and nothing of what is as it should be."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import default

DOCUMENTATION = """
name: winstack_brief
type: stdout
short_description: Shows changes, failures and warnings alone
description:
  - As the callback default, without hosts that are as wanted and without plays and tasks that have nothing to show.
  - The numbers of each host are left to whoever started the run.
  - With C(-v) or more it is the callback default.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

# Ansible's own classes have no annotations.
_Default: Any = default.CallbackModule


class CallbackModule(_Default):  # type: ignore[misc]
    """Holds the name of a play back until there is something to show of it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "winstack_brief"

    def set_options(self, *args: Any, **kwargs: Any) -> None:
        """Leave out hosts that are as wanted, whatever the configuration says."""
        super().set_options(*args, **kwargs)
        for name in () if self._display.verbosity else ("display_ok_hosts", "display_skipped_hosts"):
            self.set_option(name, False)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Remember the play; its name comes with the first task that has something to show."""
        self._play = self._held_back = play
        if self._display.verbosity:
            self._show_play()

    def _show_play(self) -> None:
        if (play := self._held_back) is not None:
            self._held_back = None
            super().v2_playbook_on_play_start(play)

    def _print_task_banner(self, task: Any) -> None:
        self._show_play()
        super()._print_task_banner(task)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show warnings of hosts that are as wanted, too."""
        super().v2_runner_on_ok(result)
        if not self.get_option("display_ok_hosts") and not result.result.get("changed"):
            self._handle_warnings(result.result)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Show no play for hosts that this inventory has none of; empty groups that matter are the playbooks' business."""
        if self._display.verbosity:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Show no file that tasks were read from."""
        if self._display.verbosity:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show no numbers: they stand on the screen of the program that started the run."""

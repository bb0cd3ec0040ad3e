# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a host within one run. PRIVATE to the winstack collections.

The snapshot is one batch that gathers everything at once. It lives in the facts of the host, and carries a mark of the run
that took it: a persistent fact cache (AWX has one) must not pass off last week's host as today's.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils._host_view import host_view
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Clock, Facts, Section

SECTIONS_FACT: t.Final = "winstack_snapshot"
VIEW_FACT: t.Final = "winstack_host"


class Snapshot:
    """The sections gathered so far. ``shared`` says whether later tasks of the run read them too."""

    def __init__(
        self, run: str, sections: Mapping[str, Section] | None = None, *, shared: bool = False
    ) -> None:
        """Start from the given sections; ``run`` marks the run of ansible-playbook."""
        self.run = run
        self.shared = shared
        self.sections: dict[str, Section] = dict(sections or {})
        self.changed = False
        self.clock: Mapping[str, t.Any] = {}

    @classmethod
    def from_facts(cls, facts: Mapping[str, t.Any], run: str) -> Snapshot:
        """Take up the snapshot that an earlier task of this run left in the facts; an empty one, unshared, if none did."""
        kept = facts.get(SECTIONS_FACT) or {}
        if kept.get("run") != run:
            return cls(run)
        snapshot = cls(
            run, {name: Section.from_dict(section) for name, section in kept["sections"].items()}, shared=True
        )
        snapshot.clock = kept["clock"]
        return snapshot

    def missing(self, names: Iterable[str]) -> list[str]:
        """Give the sections that have to be gathered: unknown ones, and those that failed, which may have been mended.

        That a registry key is not there is an answer, not a failure.
        """
        return [name for name in names if name not in self.sections or not _answered(self.sections[name])]

    def update(self, sections: Facts) -> None:
        """Take in fresh answers."""
        self.sections.update(sections)
        self.changed = self.changed or bool(sections)

    def forget(self, names: Iterable[str]) -> None:
        """Drop sections that may be out of date; they are gathered again when somebody asks for them."""
        for name in names:
            self.changed = self.sections.pop(name, None) is not None or self.changed

    def as_facts(self) -> dict[str, t.Any]:
        """Give the facts that carry the snapshot to later tasks; nothing when it is not shared or nothing changed."""
        if not (self.shared and self.changed):
            return {}
        sections = {name: section.as_dict() for name, section in self.sections.items()}
        return {
            SECTIONS_FACT: {"run": self.run, "clock": dict(self.clock), "sections": sections},
            VIEW_FACT: host_view(self.sections) | {"clock": dict(self.clock)},
        }


def _answered(section: Section) -> bool:
    return section.ok or (section.error is not None and section.error.missing_item)


def clock_facts(clock: Clock) -> dict[str, float]:
    """Return host clock minus controller clock, and how far off that may be, in seconds."""
    return {
        "offset_seconds": round(clock.offset_seconds, 3),
        "uncertainty_seconds": round(clock.uncertainty_seconds, 3),
    }

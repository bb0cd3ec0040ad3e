# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host answered, kept for one run of ansible-playbook outside of variables and facts. PRIVATE to the winstack collections.

A file a host in the run's own local temporary directory, which Ansible makes anew for every run and removes at its end: several
documents of a play cost one question, and no later run can believe an old answer. The file is readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Clock, Section


@dataclass
class Snapshot:
    """The answers of a host so far. ``fresh``: those that this task asked for itself."""

    sections: dict[str, Section] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    offset_seconds: float | None = None
    uncertainty_seconds: float = 0.0

    def take(self, answer: Answer, names: Iterable[str]) -> None:
        """Take in the named sections of an answer, and the clock if it was read more exactly than before, or was set since."""
        for name in names:
            if name in answer.sections:
                self.sections[name] = answer.sections[name]
                self.fresh.add(name)
        clock = answer.clock
        if clock.uncertainty_seconds <= self.uncertainty_seconds or self._was_set(clock):
            self.offset_seconds, self.uncertainty_seconds = clock.offset_seconds, clock.uncertainty_seconds

    def _was_set(self, clock: Clock) -> bool:
        """Return whether both readings of the clock cannot be true of one clock, or there was none before."""
        if self.offset_seconds is None:
            return True
        apart = abs(clock.offset_seconds - self.offset_seconds)
        return apart > clock.uncertainty_seconds + self.uncertainty_seconds

    def forget(self, names: Iterable[str] | None = None) -> None:
        """Drop the named sections, or (None) everything: a host that was changed, or that nobody heard of since."""
        if names is None:
            self.offset_seconds, self.uncertainty_seconds = None, 0.0
        for name in list(self.sections) if names is None else list(names):
            self.sections.pop(name, None)
            self.fresh.discard(name)


class SnapshotFile:
    """The file that keeps the snapshot of one host during one run."""

    def __init__(self, folder: str, identity: Mapping[str, t.Any]) -> None:
        """Take the run's local temporary directory, and what tells hosts and accounts apart."""
        text = json.dumps(identity, sort_keys=True, default=str)
        self._path = Path(folder, "winstack", f"{_digest(text)}.json")

    def load(self) -> Snapshot:
        """Return what this run knows of the host; an empty snapshot if that is nothing."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Snapshot()
        sections = {name: Section.from_dict(section) for name, section in kept["sections"].items()}
        return Snapshot(sections, set(), kept["offset_seconds"], kept["uncertainty_seconds"])

    def save(self, snapshot: Snapshot) -> None:
        """Keep the snapshot, in one step: another task of the run reads all of it or none."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {
            "sections": {name: section.as_dict() for name, section in snapshot.sections.items()},
            "offset_seconds": snapshot.offset_seconds,
            "uncertainty_seconds": snapshot.uncertainty_seconds,
        }
        # mkstemp makes a file that only its owner can read.
        handle, name = tempfile.mkstemp(dir=self._path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        os.replace(name, self._path)


class Namesakes:
    """Which hosts of the inventory answered with which computer name during this run: two entries for one machine, or a clone."""

    def __init__(self, folder: str, host: str) -> None:
        """Take the run's local temporary directory and the name of the host in the inventory."""
        self._folder, self._host = Path(folder, "winstack", "computers"), host

    def of(self, computer: str) -> list[str]:
        """Note that the host has this computer name; return the other hosts that have it, as far as they answered yet."""
        own = self._folder / _digest(computer.lower())
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        (own / _digest(self._host)).write_text(self._host, encoding="utf-8")
        return sorted({path.read_text(encoding="utf-8") for path in own.iterdir()} - {self._host, ""})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cmdlets tell beside their output: warning records, and remarks of the model for the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

Note = Callable[[dict[str, Any]], None]


@dataclass
class Trace:
    """``warnings``: texts of the warning stream, oldest first; ``remarks``: facts of the call that runs now."""

    warnings: list[str] = field(default_factory=list)
    remarks: dict[str, Any] = field(default_factory=dict)

    def noting(self, note: Note) -> Note:
        """Return a ``note`` that adds the remarks made since the last one."""

        def noted(entry: dict[str, Any]) -> None:
            note({**entry, **self.remarks})
            self.remarks.clear()

        return noted


_TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def trace() -> Iterator[Trace]:
    """While this lasts warnings and remarks of cmdlets are kept; without it they are lost."""
    seen = Trace()
    token = _TRACE.set(seen)
    try:
        yield seen
    finally:
        _TRACE.reset(token)


def warn(text: str) -> None:
    """A cmdlet writes a warning."""
    seen = _TRACE.get()
    if seen is not None:
        seen.warnings.append(text)


def remark(**facts: Any) -> None:
    """The model adds facts to the journal's note of the call that runs now."""
    seen = _TRACE.get()
    if seen is not None:
        seen.remarks.update(facts)

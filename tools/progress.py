# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show that long work goes on. Only the standard library is used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds of silence after which somebody in front of a screen begins to wonder.
PATIENCE = 8.0


@contextmanager
def goes_on(what: str, detail: Callable[[], str] = str) -> Iterator[None]:
    """Print ``what``, then a line every few seconds as long as the work of the ``with`` block lasts.

    ``detail`` is asked for each line and returns what is being done at that moment, or an empty text.
    """
    print(f"{what} ...", flush=True)
    started = time.monotonic()
    done = threading.Event()

    def tell() -> None:
        while not done.wait(PATIENCE):
            print(line(time.monotonic() - started, detail() or what), flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def line(seconds: float, doing: str) -> str:
    """Return the line about work that has lasted for so many seconds."""
    return f"  ... {seconds:.0f} s: {doing[0].lower()}{doing[1:]}"

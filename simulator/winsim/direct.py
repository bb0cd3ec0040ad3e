# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Winstack's direct transport as the host meets it: a bootstrap on the command line, everything else on standard input.

The bootstrap is recognised by what it does, the two texts that it is sent (frame and driver) by their hashes, as in
winsim.driver. Standard input: ``nonce n m last length`` / frame (n lines) / driver (m lines) / ``check`` or ``normal`` /
one line a variable of the environment or a secret, in UTF-16 units / the batch / the nonce.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from winsim.cmdlets import Credential, SecureString
from winsim.driver import digest, is_driver
from winsim.errors import Unmodelled

NAME = "winstack.direct"
# SHA-256 of the frame -> what that version is. The newest one is last.
FRAMES: dict[str, str] = {
    "e11c47d18beffcbd41b1b70733a86bbe7fb5143c1a5e0c7fa53a4f6f2bc5c65b": "the first version",
}
NOT_WHOLE = "winstack: the input did not arrive whole"
_NEEDED = ("@($input)", "exit 3", NOT_WHOLE, "${function:winstack}=", ". winstack")


class NotWhole(Exception):
    """The bootstrap refuses the input: something is missing, or there twice."""


@dataclass(frozen=True)
class Sent:
    """What arrived. ``sensitive`` are the driver's parameters that hold secrets, ``secrets`` their plain texts."""

    nonce: str
    check_mode: bool
    environment: dict[str, str]
    batch: str
    sensitive: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def is_bootstrap(text: str) -> bool:
    """Whether a script is the bootstrap, by what it must do, so that another wording of it is still recognised."""
    return all(part in text for part in _NEEDED)


def parse(stdin: bytes) -> Sent:
    """Read standard input as the bootstrap and the frame do. Raises NotWhole, and Unmodelled for unknown texts."""
    lines = re.split(r"\r?\n", stdin.decode("ascii", "replace"))
    head = lines[0].split(" ")
    if not _whole(head, lines):
        raise NotWhole
    frame, driver, last = int(head[1]), int(head[2]), int(head[3])
    if digest("\n".join(lines[1 : 1 + frame])) not in FRAMES:
        raise Unmodelled("a frame of the direct transport that nobody has reviewed (winsim.direct.FRAMES)")
    rest = 1 + frame + driver
    if not is_driver("\n".join(lines[1 + frame : rest])):
        raise Unmodelled("a driver in the direct transport that nobody has reviewed (winsim.driver.REVIEWED)")
    return _sent(head[0], lines[rest] == "check", lines[rest + 1 : last - 1], lines[last - 1])


def _whole(head: list[str], lines: list[str]) -> bool:
    if len(head) != 5 or not all(word.isdecimal() for word in head[1:]):
        return False
    last = int(head[3])
    return last < len(lines) and lines[last] == head[0] and len("".join(lines[1 : last + 1])) == int(head[4])


def _sent(nonce: str, check_mode: bool, pairs: list[str], batch: str) -> Sent:
    environment: dict[str, str] = {}
    sensitive: dict[str, Any] = {}
    secrets: list[str] = []
    for line in pairs:
        name, first, second = line.split(" ")
        if name == "env":
            environment[_text(first)] = _text(second)
            continue
        secret = _text(second)
        secrets.append(secret)
        sensitive[name] = Credential(_text(first), secret) if first else SecureString(secret)
    return Sent(nonce, check_mode, environment, batch, sensitive, tuple(filter(None, secrets)))


def _text(units: str) -> str:
    data = b"".join(int(unit).to_bytes(2, "little") for unit in units.split(",") if unit)
    return data.decode("utf-16-le", "surrogatepass")


def answer(sent: Sent, run: Callable[[Sent], tuple[list[str], bool]], warnings: list[str]) -> dict[str, Any]:
    """Run the driver; its line as the frame makes it, as data. ``warnings`` may be filled while it runs."""
    told: dict[str, Any] = {
        "winstack": sent.nonce,
        "changed": False,
        "warnings": [],
        "fault": None,
        "answer": None,
    }
    try:
        json.loads(sent.batch)
        output, told["changed"] = run(sent)
        told["answer"] = json.loads(output[-1])
    except ValueError as error:
        told["fault"] = f"Conversion from JSON failed with error: {error}"
    except Unmodelled as error:
        told["fault"] = f"winsim: not modelled: {error}"
    told["fault"] = told["fault"] and _masked(told["fault"], sent)
    told["warnings"] = [_masked(text, sent) for text in warnings]
    return told


def line(told: dict[str, Any]) -> bytes:
    """The answer as it is written: ASCII, everything else as \\uXXXX."""
    text = json.dumps(told, separators=(",", ":")).replace("\x7f", "\\u007f")
    return text.encode("ascii") + b"\r\n"


def _masked(text: str, sent: Sent) -> str:
    for secret in sorted(sent.secrets, key=len, reverse=True):
        text = text.replace(secret, "********")
    return text

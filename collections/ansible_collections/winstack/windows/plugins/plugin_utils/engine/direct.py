# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The direct way to the driver: one command line, one standard input, one line back. PRIVATE to the winstack collections.

The command line is constant: ``bootstrap.ps1``, encoded. Standard input is ASCII, in lines: ``nonce n m last length``, the
frame (n lines), the driver (m lines), ``check`` or ``normal``, one line a variable of the environment and one a secret,
the batch, the nonce; ``last`` is the number of that line, ``length`` counts the characters after the first line. The answer
is found by the nonce: ``{"winstack": nonce, "changed", "warnings", "fault", "answer"}``, with the driver's answer in it.
docs/transport.md tells why it is done so.
"""

from __future__ import annotations

import base64
import functools
import json
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Credential

# To the letter what Ansible's own PowerShell commands begin with: winrm and psrp run such a line as it is
# (ansible/ansible, lib/ansible/plugins/connection/{winrm,psrp}.py; ansible.windows, plugin_utils/_reboot.py).
_OPTIONS: t.Final = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand"
NOT_WHOLE: t.Final = "winstack: the input did not arrive whole"


class NoAnswer(Exception):
    """Standard output holds no answer with this nonce, or a cut one."""


@dataclass(frozen=True)
class Reply:
    """The line that came back. ``fault`` says why the driver did not end; ``answer`` is then None."""

    changed: bool
    warnings: tuple[str, ...]
    fault: str | None
    answer: t.Any


@functools.cache
def command_line() -> str:
    """Return the command line, the same for all batches."""
    text = lean(_file("bootstrap.ps1"))
    return f"{_OPTIONS} {base64.b64encode(text.encode('utf-16-le')).decode('ascii')}"


def standard_input(
    batch: driver.Batch, nonce: str, *, check_mode: bool, environment: Mapping[str, t.Any]
) -> bytes:
    """Return what the command reads: ASCII lines, the last one ended as well."""
    frame, script = _lines("frame.ps1"), _lines("driver.ps1")
    lines = [*frame, *script, "check" if check_mode else "normal"]
    lines += [f"env {units(name)} {units(str(value))}" for name, value in environment.items()]
    lines += [_secret_line(name, secret) for name, secret in _longest_first(batch.secrets)]
    lines += [batch.text, nonce]
    length = sum(map(len, lines))
    head = f"{nonce} {len(frame)} {len(script)} {len(lines)} {length}"
    return "\n".join([head, *lines, ""]).encode("ascii")


def reply(nonce: str, stdout: str) -> Reply:
    """Return the line that came back, whatever stands around it. Raise NoAnswer if there is none."""
    start = stdout.find(f'{{"winstack":"{nonce}"')
    if start < 0:
        raise NoAnswer
    try:
        told, _end = json.JSONDecoder().raw_decode(stdout, start)
        return Reply(bool(told["changed"]), tuple(map(str, told["warnings"])), told["fault"], told["answer"])
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer from error


def lean(text: str) -> str:
    """Return a script of ours without what need not travel: blanks before lines, comment lines, blank lines."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def units(text: str) -> str:
    """Return the UTF-16 code units of a text as numbers with commas between."""
    data = text.encode("utf-16-le", "surrogatepass")
    return ",".join(str(int.from_bytes(data[at : at + 2], "little")) for at in range(0, len(data), 2))


def _longest_first(secrets: Mapping[str, Credential]) -> list[tuple[str, Credential]]:
    """Return the secrets in the order in which the host masks them: one may be the beginning of another."""
    return sorted(secrets.items(), key=lambda item: len(item[1].password), reverse=True)


def _secret_line(name: str, secret: Credential) -> str:
    return f"{name} {units(secret.username)} {units(secret.password)}"


@functools.cache
def _lines(name: str) -> list[str]:
    return lean(_file(name)).split("\n")


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="ascii")

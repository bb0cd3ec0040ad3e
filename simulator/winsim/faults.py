# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that can be injected into a simulated host, and what the server and the models ask of them.

A fault is a dictionary with ``kind``:

- ``drop``: ``command`` N (1 = the next command), ``when`` before|after it is executed: the connection is cut;
- ``reboot``: the same, but the machine reboots as well (without ``command``: at once);
- ``latency``: ``seconds`` added to every HTTP request;
- ``slow``: ``seconds`` that every command takes longer;
- ``cmdlet_error``: ``cmdlet`` fails with ``error_type``, ``error_id``, ``message``, ``hresult``;
- ``wmi_null``: the WMI ``class``' ``property`` reads as null (the provider has no answer yet);
- ``answer``: what a command writes is lost, ``how`` none|cut|garbled|noise; the command itself has run;
- ``interrupted_disk``: making a fixed iSCSI virtual disk is stopped, its file stays;
- ``access_denied``: 401 to every request; ``down``: no connection at all.

``times`` limits how often a fault happens (default 1 for drop, reboot, answer and interrupted_disk, else unlimited); a reading
of a WMI class counts once, however many instances it gives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

KINDS: dict[str, tuple[str, ...]] = {
    "drop": ("command", "when", "times"),
    "reboot": ("command", "when", "times"),
    "latency": ("seconds",),
    "slow": ("seconds",),
    "cmdlet_error": ("cmdlet", "error_type", "error_id", "message", "hresult", "times"),
    "wmi_null": ("class", "property", "times"),
    "answer": ("how", "times"),
    "interrupted_disk": ("times",),
    "access_denied": (),
    "down": (),
}


class BadFault(ValueError):
    """A fault that cannot be injected; the text tells why."""


@dataclass(frozen=True)
class CommandFault:
    """What happens to one command."""

    kind: str
    when: str


class HostFaults:
    """The faults of one host; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[dict[str, Any]] = []

    def inject(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Add a fault and return it with its defaults. Raises BadFault."""
        fault = _checked(spec)
        with self._lock:
            self._faults.append(fault)
        return dict(fault)

    def clear(self, kind: str | None = None) -> None:
        """Remove all faults, or those of one kind."""
        with self._lock:
            self._faults = [fault for fault in self._faults if kind is not None and fault["kind"] != kind]

    def list(self) -> list[dict[str, Any]]:
        """Faults that are still active."""
        with self._lock:
            return [dict(fault) for fault in self._faults]

    def _seconds(self, kind: str) -> float:
        with self._lock:
            return sum(float(fault["seconds"]) for fault in self._faults if fault["kind"] == kind)

    def _active(self, kind: str) -> bool:
        with self._lock:
            return any(fault["kind"] == kind for fault in self._faults)

    @property
    def latency(self) -> float:
        """Seconds to wait before each HTTP reply."""
        return self._seconds("latency")

    @property
    def slow(self) -> float:
        """Seconds that each command takes longer."""
        return self._seconds("slow")

    @property
    def access_denied(self) -> bool:
        """Whether every request is answered with 401."""
        return self._active("access_denied")

    @property
    def down(self) -> bool:
        """Whether the host cannot be reached at all."""
        return self._active("down")

    def next_command(self) -> CommandFault | None:
        """Count one more command; what is to happen to it, if anything."""
        hit: CommandFault | None = None
        with self._lock:
            for fault in self._faults:
                if fault["kind"] not in ("drop", "reboot"):
                    continue
                fault["command"] -= 1
                if fault["command"] <= 0 and hit is None:
                    hit = CommandFault(fault["kind"], fault["when"])
                    fault["command"] = 1
                    fault["times"] -= 1
            self._faults = [
                fault for fault in self._faults if fault.get("times") is None or fault["times"] > 0
            ]
        return hit

    def cmdlet_error(self, name: str) -> Exception | None:
        """The CmdletError that a cmdlet is to fail with now, or None."""
        hits = self._hit("cmdlet_error", lambda fault: fault["cmdlet"].lower() == name.lower(), most=1)
        return _cmdlet_error(hits[0]) if hits else None

    def null_properties(self, name: str) -> set[str]:
        """Properties of a WMI class that read as null now, in lower case."""
        hits = self._hit("wmi_null", lambda fault: fault["class"].lower() == name.lower())
        return {fault["property"].lower() for fault in hits}

    def spoils_answer(self, stdout: bytes) -> bytes:
        """What arrives of the standard output of the command that ends now."""
        hits = self._hit("answer", lambda fault: True, most=1)
        return SPOILERS[hits[0]["how"]](stdout) if hits else stdout

    def interrupts_disk(self) -> bool:
        """Whether the fixed disk that is made now is stopped."""
        return bool(self._hit("interrupted_disk", lambda fault: True, most=1))

    def _hit(
        self, kind: str, fits: Callable[[dict[str, Any]], bool], most: int | None = None
    ) -> Sequence[dict[str, Any]]:
        """The first ``most`` faults of a kind that fit, each counted once; those that are used up go."""
        with self._lock:
            hits = [fault for fault in self._faults if fault["kind"] == kind and fits(fault)][:most]
            for fault in hits:
                if fault["times"] is not None:
                    fault["times"] -= 1
            self._faults = [f for f in self._faults if f.get("times") is None or f["times"] > 0]
            return hits


def _cmdlet_error(fault: dict[str, Any]) -> Exception:
    from winsim.cmdlets import CmdletError

    error: Exception = CmdletError(
        type=fault["error_type"],
        error_id=fault["error_id"],
        message=fault["message"],
        hresult=fault["hresult"],
    )
    return error


def _checked(spec: dict[str, Any]) -> dict[str, Any]:
    kind = spec.get("kind")
    if kind not in KINDS:
        raise BadFault(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    unknown = set(spec) - {"kind", *KINDS[kind]}
    if unknown:
        raise BadFault(f"{kind} does not take {', '.join(sorted(unknown))}")
    fault = {"kind": kind, **{key: value for key, value in spec.items() if value is not None}}
    try:
        check = _CHECKS.get(kind)
        return check(fault) if check else fault
    except (TypeError, ValueError, KeyError) as error:
        raise BadFault(f"{kind}: {error}") from error


def _command_fault(fault: dict[str, Any]) -> dict[str, Any]:
    when = fault.get("when", "before")
    if when not in ("before", "after"):
        raise ValueError(f"when must be before or after, not {when!r}")
    command, times = int(fault.get("command", 1)), int(fault.get("times", 1))
    if command < 1 or times < 1:
        raise ValueError("command and times count from 1")
    return {**fault, "when": when, "command": command, "times": times}


def _seconds_fault(fault: dict[str, Any]) -> dict[str, Any]:
    if "seconds" not in fault or float(fault["seconds"]) < 0:
        raise ValueError("seconds must be given and not be negative")
    return {**fault, "seconds": float(fault["seconds"])}


def _cmdlet_fault(fault: dict[str, Any]) -> dict[str, Any]:
    if not fault.get("cmdlet"):
        raise ValueError("cmdlet must be given")
    hresult = fault.get("hresult", 0x80131501)  # COR_E_SYSTEM
    return {
        "kind": fault["kind"],
        "cmdlet": str(fault["cmdlet"]),
        "error_type": str(fault.get("error_type", "System.InvalidOperationException")),
        "error_id": str(fault.get("error_id", f"InjectedFault,{fault['cmdlet']}")),
        "message": str(fault.get("message", f"{fault['cmdlet']} failed (injected by winsim).")),
        "hresult": int(hresult, 0) if isinstance(hresult, str) else int(hresult),
        "times": _times(fault, None),
    }


def _times(fault: dict[str, Any], default: int | None) -> int | None:
    times = int(fault["times"]) if "times" in fault else default
    if times is not None and times < 1:
        raise ValueError("times counts from 1")
    return times


def _null_fault(fault: dict[str, Any]) -> dict[str, Any]:
    for name in ("class", "property"):
        if not fault.get(name):
            raise ValueError(f"{name} must be given")
    return {**fault, "times": _times(fault, None)}


# What may become of an answer on its way: nothing, its first half, every 50th byte lost, or other output around it.
SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda stdout: b"",
    "cut": lambda stdout: stdout[: len(stdout) // 2],
    "garbled": lambda stdout: b"".join(stdout[at : at + 49] for at in range(0, len(stdout), 50)),
    "noise": lambda stdout: b'{"noise": 1}\r\nWARNING: a profile says hello ' + stdout + b"}]} good bye\r\n",
}


def _answer_fault(fault: dict[str, Any]) -> dict[str, Any]:
    if fault.get("how") not in SPOILERS:
        raise ValueError(f"how must be one of {', '.join(SPOILERS)}, not {fault.get('how')!r}")
    return {**fault, "times": _times(fault, 1)}


_CHECKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "drop": _command_fault,
    "reboot": _command_fault,
    "latency": _seconds_fault,
    "slow": _seconds_fault,
    "cmdlet_error": _cmdlet_fault,
    "wmi_null": _null_fault,
    "answer": _answer_fault,
    "interrupted_disk": lambda fault: {**fault, "times": _times(fault, 1)},
}

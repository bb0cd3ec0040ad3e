# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what each simulated host was asked and did, and how many bytes it took.

Entries are plain dictionaries (they leave the process as JSON) with ``seq``, ``time``, ``host`` and ``type``:
``http``, ``command``, ``invocation``, ``event`` or ``mark``. Secrets never get in: see ``Masker``.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from functools import lru_cache
from typing import Any

MASK = "********"
# Option names that hold a secret wherever they appear; ``update_password: on_create`` and the like do not.
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?s?$|secret|token|api_?key|private_key|credential", re.IGNORECASE
)
_HARMLESS_NAME = re.compile(
    r"^update_|_(expires|expired|policy|source|age|length|type|path|file)$", re.IGNORECASE
)
# ``name = @{ ... no_log = $true ... }`` of a $spec, aliases included.
_NO_LOG = re.compile(r"['\"]?([\w-]+)['\"]?\s*=\s*@\{([^{}]*?\bno_log\s*=\s*\$true[^{}]*)\}", re.IGNORECASE)
_ALIASES = re.compile(r"\baliases\s*=\s*(@\([^)]*\)|(?:\s*,?\s*['\"][^'\"]+['\"])+)", re.IGNORECASE)
_QUOTED = re.compile(r"['\"]([^'\"]+)['\"]")
# Shorter values would blank out ordinary words.
_SHORTEST = 3


@lru_cache(maxsize=256)
def no_log_names(source: str) -> frozenset[str]:
    """Lower-case names and aliases of the options that a module's PowerShell source declares ``no_log``."""
    names: set[str] = set()
    for match in _NO_LOG.finditer(source):
        names.add(match[1].lower())
        for aliases in _ALIASES.finditer(match[2]):
            names.update(name.lower() for name in _QUOTED.findall(aliases[1]))
    return frozenset(names)


class Masker:
    """Replaces secrets of one invocation in anything that is JSON-like."""

    def __init__(self, names: frozenset[str] = frozenset(), values: tuple[str, ...] = ()) -> None:
        self._names = names
        self._values = {value for value in values if len(value) >= _SHORTEST}

    def arguments(self, args: dict[str, Any]) -> dict[str, Any]:
        """A copy of module arguments without secrets; their values are remembered for ``text`` and ``value``."""
        self._collect(args)
        masked = self._by_name(args)
        assert isinstance(masked, dict)
        return dict(self.value(masked))

    def _secret(self, name: str) -> bool:
        if name.lower() in self._names:
            return True
        return bool(_SECRET_NAME.search(name)) and not _HARMLESS_NAME.search(name)

    def _collect(self, value: Any, *, secret: bool = False) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self._collect(
                    inner, secret=secret or self._secret(str(name)) or name == "sensitive_parameters"
                )
        elif isinstance(value, list):
            for inner in value:
                self._collect(inner, secret=secret)
        elif secret and isinstance(value, str) and len(value) >= _SHORTEST:
            self._values.add(value)

    def _by_name(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._entry(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._by_name(inner) for inner in value]
        return value

    def _entry(self, name: str, value: Any) -> Any:
        if name == "sensitive_parameters" and isinstance(value, list):
            # win_powershell: only the names of sensitive parameters may be seen
            return [{"name": entry.get("name")} if isinstance(entry, dict) else MASK for entry in value]
        if self._secret(name) and value is not None and not isinstance(value, bool):
            return MASK
        return self._by_name(value)

    def text(self, text: str) -> str:
        """``text`` without any known secret value."""
        for secret in sorted(self._values, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def value(self, value: Any) -> Any:
        """The same for anything JSON-like."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.value(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(inner) for inner in value]
        return value


class Journal:
    """All entries since the start (or the last ``clear``), usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []
        self._seq = 0

    def add(self, type: str, host: str | None, **facts: Any) -> dict[str, Any]:
        """Append an entry and return it (its ``seq`` identifies it)."""
        with self._lock:
            self._seq += 1
            entry = {"seq": self._seq, "time": round(time.time(), 3), "host": host, "type": type, **facts}
            self._entries.append(entry)
            return entry

    def mark(self, name: str) -> int:
        """Remember this moment under ``name`` (a later mark of the same name moves it)."""
        return int(self.add("mark", None, name=name)["seq"])

    def clear(self, host: str | None = None) -> None:
        """Forget everything, or what concerns one host."""
        with self._lock:
            self._entries = [e for e in self._entries if host is not None and e["host"] != host]

    def _since(self, mark: str | int | None) -> int:
        if mark is None:
            return 0
        if isinstance(mark, int) or mark.isdigit():
            return int(mark)
        for entry in reversed(self._entries):
            if entry["type"] == "mark" and entry["name"] == mark:
                return int(entry["seq"])
        raise KeyError(mark)

    def entries(
        self, *, host: str | None = None, since: str | int | None = None, types: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        """Entries of one host (or all), after a mark or sequence number. KeyError: no such mark."""
        with self._lock:
            start = self._since(since)
            return [
                dict(entry)
                for entry in self._entries
                if entry["seq"] > start
                and (host is None or entry["host"] == host)
                and (not types or entry["type"] in types)
            ]

    def counters(self, hosts: list[str], since: str | int | None = None) -> dict[str, dict[str, Any]]:
        """Per host: http_requests, request_bytes, response_bytes, shells, commands, invocations, changed, ..."""
        found: dict[str, Counter[str]] = {host: Counter() for host in hosts}
        modules: dict[str, Counter[str]] = {host: Counter() for host in hosts}
        for entry in self.entries(since=since):
            if entry["host"] in found:
                _count(entry, found[entry["host"]], modules[entry["host"]])
        return {
            host: {**{key: found[host][key] for key in COUNTERS}, "modules": dict(modules[host])}
            for host in hosts
        }


COUNTERS = (
    "http_requests",
    "request_bytes",
    "response_bytes",
    "shells",
    "commands",
    "invocations",
    "changed",
    "failed",
    "unmodelled",
    "reboots",
)


def _count(entry: dict[str, Any], counter: Counter[str], modules: Counter[str]) -> None:
    kind = entry["type"]
    if kind == "http":
        counter["http_requests"] += 1
        counter["request_bytes"] += entry["request_bytes"]
        counter["response_bytes"] += entry["response_bytes"]
        counter["shells"] += entry["operation"] == "Create" and entry["status"] == 200
    elif kind == "command":
        counter["commands"] += 1
    elif kind == "invocation":
        counter["invocations"] += 1
        counter["changed"] += bool(entry.get("changed"))
        counter["failed"] += bool(entry.get("failed"))
        if entry["kind"] == "module":
            modules[entry["module"]] += 1
    elif kind == "event":
        counter["reboots"] += entry["event"] == "reboot"
        counter["unmodelled"] += entry["event"] == "unmodelled"

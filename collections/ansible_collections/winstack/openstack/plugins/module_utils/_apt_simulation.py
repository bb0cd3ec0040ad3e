# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt-get and apt-cache say, as data. Pure: text in, data out.

PRIVATE: used by the modules of this collection only.
"""

from __future__ import annotations

import fnmatch
import re

# A package as Debian Policy 5.6.1 names it, maybe with an architecture, maybe with a version (5.6.12).
REQUEST = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+(?::[a-z0-9-]+)?)(?:=(?P<version>[A-Za-z0-9.+:~-]+))?\Z")
INSTALL = re.compile(r"Inst (?P<name>\S+)(?: \[(?P<before>[^\]]+)\])? \((?P<after>\S+)[ )]")
REMOVE = re.compile(r"(?:Remv|Purg) (?P<name>\S+) \[(?P<before>[^\]]+)\]")
# The priority at which a version is installed even if it is older than the one that is there: apt_preferences(5).
DOWNGRADING = 1000


def parse_request(text):
    """Name and version (or None) of ``name`` or ``name=version``; ValueError for anything else."""
    found = REQUEST.match(text)
    if not found:
        raise ValueError(f"{text!r} is no name of a package, nor name=version.")
    return found.group("name"), found.group("version")


def parse_simulation(output):
    """Versions before and after (None where there is none) by package, from ``apt-get --simulate``."""
    changes = {}
    for line in output.splitlines():
        if found := INSTALL.match(line):
            changes[found.group("name")] = (found.group("before"), found.group("after"))
        elif found := REMOVE.match(line):
            changes[found.group("name")] = (found.group("before"), None)
    return changes


def parse_madison(output):
    """Offers by package, ``{name: [(version, URL of the repository)]}``, from ``apt-cache madison``."""
    offers = {}
    for line in output.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 3 and parts[2]:
            offers.setdefault(parts[0], []).append((parts[1], parts[2].split()[0].rstrip("/")))
    return offers


def parse_policy(output):
    """Hosts by URL of each repository that apt knows, ``{URL: host}``, from ``apt-cache policy`` without packages."""
    hosts, url = {}, None
    for line in output.splitlines():
        if found := re.match(r"\s*-?\d+ ([a-z+]+:/\S+) ", line):
            url = found.group(1).rstrip("/")
        elif (found := re.match(r"\s+origin (\S+)\s*$", line)) and url:
            hosts[url] = found.group(1)
    return hosts


def pinned_hosts(preferences):
    """Hosts that some stanza of apt_preferences(5) goes by."""
    return set(re.findall(r"(?m)^Pin:\s*origin\s+\"?([^\s\"]+)", preferences))


def errors_of(output):
    """What apt complains of, each sentence once: its lines E: and W:, without their marks."""
    found = re.findall(r"^[EW]:\s*(.+)$", output, re.MULTILINE)
    return list(dict.fromkeys(line.strip() for line in found))


def protected_removals(removed, patterns):
    """Those of the packages that match a pattern, whatever their architecture."""
    return [name for name in removed if any(fnmatch.fnmatchcase(name.split(":")[0], p) for p in patterns)]


def sweeping_pins(preferences):
    """Pins of every package at a priority that downgrades: texts after ``Pin:`` of such stanzas of apt_preferences(5)."""
    found = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^(?:#|Explanation:).*\n?", "", preferences)):
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$", stanza))
        priority = fields.get("Pin-Priority", "")
        sweeping = "*" in fields.get("Package", "").split() and re.match(r"\d+\Z", priority)
        if sweeping and int(priority) >= DOWNGRADING:
            found.append(fields.get("Pin", ""))
    return found


def table(changes, column):
    """One side (0 before, 1 after) of changes as the lines of a diff."""
    lines = ["{} {}\n".format(name, pair[column] or "-") for name, pair in sorted(changes.items())]
    return "".join(lines)

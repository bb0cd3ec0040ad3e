# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed apt repositories of stand-in packages inside a Linux node, in place of the distribution's and the vendor's.

The packages are those of tests/openvstorage/archive.json. The vendor's repository carries older libvirt and newer qemu than the
distribution, as it did, and two packages that it has no business with: an old tzdata and a new python-six. Another
vendor's has fewer packages, and one that nova cannot stand.
"""

from __future__ import annotations

from typing import Any

import nodes

SETUP = nodes.ROOT / "tests" / "openvstorage"
VENDOR, DISTRO = "apt.openvstorage.example", "archive.example"
# Options of podman for a node that shall have the repositories.
HOSTS = (f"--add-host={VENDOR}:127.0.0.1", f"--add-host={DISTRO}:127.0.0.1")
# What an administrator has written before us stays, in whatever state it is.
PREFERENCES = "Package: bash\nPin: release o=Debian\nPin-Priority: 600\n"
SERVER = """[Service]
ExecStart=/usr/bin/python3 -m http.server --directory /srv/apt --bind 127.0.0.1 80
[Install]
WantedBy=multi-user.target
"""
# The server listens a moment after systemd has started it.
WAIT = (
    "for i in 1 2 3 4 5 6 7 8 9; do python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 80))'"
    " 2>/dev/null && break; sleep 0.5; done"
)


def publish(node: nodes.Node, described: str) -> None:
    """Make the repositories of a JSON text, as archive.py reads it; to one that is there, packages are added."""
    node.put("/root/archive.py", (SETUP / "archive.py").read_text(encoding="utf-8"))
    node.run("python3", "/root/archive.py", text=described)


def add(node: nodes.Node) -> None:
    """Serve the repositories, let apt use the distribution's alone, and install nova-compute and what it needs from it."""
    publish(node, (SETUP / "archive.json").read_text(encoding="utf-8"))
    node.put("/etc/systemd/system/archive.service", SERVER)
    source = f"deb [signed-by=/srv/apt/distro.gpg] http://{DISTRO}/distro stable main\n"
    node.put("/etc/apt/sources.list", source)
    node.put("/etc/apt/preferences", PREFERENCES)
    node.shell(
        f"systemctl enable --now archive.service; {WAIT}; apt-get -qq update;"
        " apt-get -qq -y install nova-compute qemu-guest-agent >/dev/null"
    )


def repository(node: nodes.Node, name: str = "vendor") -> dict[str, Any]:
    """A repository of the node as the variable openvstorage_packages_repository has it."""
    fingerprint = node.shell(f"cat /srv/apt/{name}.fingerprint").strip()
    return {
        "url": f"http://{VENDOR}/{name}",
        "suite": "unstable",
        "key": {"fingerprint": fingerprint, "url": f"http://{VENDOR}/{name}.asc"},
    }

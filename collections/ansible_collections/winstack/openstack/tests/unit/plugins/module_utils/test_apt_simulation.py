# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt says, as data. The texts are those of apt 2.2, 2.6 and 3.0."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.openstack.plugins.module_utils import _apt_simulation as simulation

OUTPUT = """\
NOTE: This is only a simulation!
Reading package lists... Done
The following packages will be DOWNGRADED:
  libvirt0
Remv nova-compute [2:14.0.4-0ubuntu1]
Purg python-libvirt:amd64 [2.1.0-1]
Inst libovsvolumedriver (6.13.0 vendor:unstable [all])
Inst libvirt0 [2.1.0-1ubuntu9.1~cloud0] (1.3.1-0ovs2.1 vendor:unstable [all]) []
Inst libc6:i386 [2.36-9] (2.36-9+deb12u1 Debian:12/stable [i386]) [libc6:amd64 ]
Conf libvirt0 (1.3.1-0ovs2.1 vendor:unstable [all])
"""
MADISON = """\
 libvirt0 | 2.1.0-1ubuntu9.1~cloud0 | http://archive.example/distro stable/main amd64 Packages
 libvirt0 | 1.3.1-0ovs2.1 | http://apt.example/vendor/ unstable/main amd64 Packages
 qemu | 1:2.5 | http://apt.example/vendor unstable/main Sources
"""


def test_a_simulation() -> None:
    assert simulation.parse_simulation(OUTPUT) == {
        "nova-compute": ("2:14.0.4-0ubuntu1", None),
        "python-libvirt:amd64": ("2.1.0-1", None),
        "libovsvolumedriver": (None, "6.13.0"),
        "libvirt0": ("2.1.0-1ubuntu9.1~cloud0", "1.3.1-0ovs2.1"),
        "libc6:i386": ("2.36-9", "2.36-9+deb12u1"),
    }


def test_offers() -> None:
    assert simulation.parse_madison(MADISON + "N: Unable to locate package x\n") == {
        "libvirt0": [
            ("2.1.0-1ubuntu9.1~cloud0", "http://archive.example/distro"),
            ("1.3.1-0ovs2.1", "http://apt.example/vendor"),
        ],
        "qemu": [("1:2.5", "http://apt.example/vendor")],
    }


def test_complaints_come_once() -> None:
    output = (
        "Err:1 http://x y\n  no\nE: The repository is not signed.\nE: The repository is not signed.\nW: old\n"
    )
    assert simulation.errors_of(output) == ["The repository is not signed.", "old"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("qemu", ("qemu", None)),
        ("libc6:i386", ("libc6:i386", None)),
        ("g++", ("g++", None)),
        ("libvirt0=1:1.3.1-0ovs2.1~x+b1", ("libvirt0", "1:1.3.1-0ovs2.1~x+b1")),
    ],
)
def test_requests(text: str, wanted: tuple[str, str | None]) -> None:
    assert simulation.parse_request(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "-y", "--purge", "qemu-*", "qemu/unstable", "qemu=", "a b", "Qemu", "qemu\n"]
)
def test_what_apt_would_take_for_something_else(text: str) -> None:
    with pytest.raises(ValueError, match="is no name of a package"):
        simulation.parse_request(text)


def test_protected_packages_of_any_architecture() -> None:
    removed = ["nova-compute", "python3-nova:amd64", "novalike", "qemu"]
    assert simulation.protected_removals(removed, ["nova-*", "python*-nova"]) == removed[:2]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Package: *\nPin: origin x\nPin-Priority: 1000\n", ["origin x"]),
        (
            "# note\nExplanation: why\nPackage: *\nPin: release o=y\nPin-Priority: 1001\n\nPackage: a\n",
            ["release o=y"],
        ),
        ("Package: *\nPin: origin x\nPin-Priority: 990\n", []),
        ("Package: *\nPin: origin x\nPin-Priority: -1\n", []),
        ("Package: qemu-*\nPin: origin x\nPin-Priority: 1001\n", []),
        (
            "Package: a\nPin: origin x\nPin-Priority: 1001\n\n\nPackage: *\nPin: origin z\nPin-Priority: 2000",
            ["origin z"],
        ),
        ("", []),
    ],
)
def test_pins_of_everything(text: str, wanted: list[str]) -> None:
    assert simulation.sweeping_pins(text) == wanted


def test_the_diff() -> None:
    changes = {"b": ("1", None), "a": (None, "2")}
    assert simulation.table(changes, 0) == "a -\nb 1\n"
    assert simulation.table(changes, 1) == "a 2\nb -\n"


POLICY = """\
Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 http://apt.example/vendor unstable/main amd64 Packages
     release o=vendor,a=unstable,c=main,b=amd64
     origin apt.example
 -1 file:/srv/apt stable/main amd64 Packages
     release o=local
     origin
 50 https://archive.example/debian/ stable/main amd64 Packages
     origin archive.example
Pinned packages:
"""


def test_hosts_of_repositories() -> None:
    assert simulation.parse_policy(POLICY) == {
        "http://apt.example/vendor": "apt.example",
        "https://archive.example/debian": "archive.example",
    }


def test_hosts_of_pins() -> None:
    text = 'Package: a\nPin: origin apt.example\n\nPackage: b\nPin: origin "x.example"\n\nPin: release o=y\n'
    assert simulation.pinned_hosts(text) == {"apt.example", "x.example"}

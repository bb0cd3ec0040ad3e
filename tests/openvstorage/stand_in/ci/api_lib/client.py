# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the automation library of Open vStorage: an interface that speaks to nobody."""

from __future__ import annotations


class Unreachable(Exception):
    """No master node answers."""


class Client:
    """What the stand-in driver asks for volumes."""

    def __init__(self, addresses: list[str], username: str, password: str) -> None:
        """Take the addresses of the master nodes, and an account."""
        self.addresses = addresses
        self.account = (username, password)

    def login(self, vpool_guid: str) -> None:
        """Fail for a vPool whose guid begins with dead: a test's word for a storage that is gone."""
        if vpool_guid.startswith("dead"):
            raise Unreachable(f"none of {', '.join(self.addresses)} knows the vPool")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes that converge.yml made, as systemd, the files and the services' own tools tell them."""

from __future__ import annotations

from typing import Any

import pytest

CINDER = "/openstack/venvs/cinder-14.1.1/bin"
NOVA = "/openstack/venvs/nova-14.1.1/bin"
UNITS = {"cinder1": ["cinder-volume", "cinder-backup"], "compute1": ["nova-compute"]}
CONNECTOR = "from os_brick.initiator import connector as c; print(type(c.InitiatorConnector.factory('{}', None)).__name__)"


@pytest.fixture(scope="module")
def run(ask: Any) -> Any:
    """What a command prints on the node."""
    return lambda *argv: str(ask("ansible.builtin.command", argv=list(argv))["stdout"])


def test_the_services_run(run: Any, name: str) -> None:
    for unit in UNITS[name]:
        assert run("systemctl", "is-active", unit) == "active"


def test_the_backends_are_up(run: Any, name: str) -> None:
    if name != "cinder1":
        return
    command = (
        "runuser",
        "-u",
        "cinder",
        "--",
        f"{CINDER}/cinder-manage",
        "--log-file=/dev/null",
        "service",
        "list",
    )
    up = [line.split()[1] for line in run(*command).splitlines() if ":-)" in line]
    assert {"cinder1@vpool1", "cinder1@vpool2"} <= set(up)


def test_guide_error_15_the_file_holds_its_secrets_to_itself(ask: Any, run: Any, name: str) -> None:
    if name != "cinder1":
        return
    stat = ask("ansible.builtin.stat", path="/etc/cinder/cinder.conf")["stat"]
    assert (stat["mode"], stat["pw_name"], stat["gr_name"]) == ("0640", "root", "cinder")
    text = run("cat", "/etc/cinder/cinder.conf")
    assert "enabled_backends = lvm,vpool1,vpool2" in text.splitlines()
    assert text.startswith("# Written by openstack-ansible\n")
    assert "Only" not in run("cat", "/var/log/cinder/cinder-volume.log")


def test_nothing_is_left_over(run: Any, name: str) -> None:
    if name == "cinder1":
        assert run("ls", "/etc/cinder") == "cinder.conf"


@pytest.mark.parametrize("protocol", ["OPENVSTORAGE_EDGE", "openvstorage_edge"])
def test_the_connector_of_nova(run: Any, name: str, protocol: str) -> None:
    if name == "compute1":
        assert run(f"{NOVA}/python", "-c", CONNECTOR.format(protocol)) == "OpenvStorageEdgeConnector"

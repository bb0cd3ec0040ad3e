# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles for cinder and nova on the real services: what fails leaves a node as it was, and running; and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from linux_nodes import ROOT, Outcome, nodes, openstack_nodes, play

from conftest import cannot

pytestmark = pytest.mark.full

GUID = "7f6bb2b5-6d0b-4d0e-8c1c-2a7c5f0e9d31"
SECRET = "Only$for-tests"
VPOOL: dict[str, Any] = {
    "name": "vpool1",
    "management_ips": ["192.0.2.21"],
    "vpool_guid": GUID,
    "username": "cinder",
    "password": SECRET,
}
COMMON = {
    "openvstorage_driver_source": {"directory": str(ROOT / "tests/openvstorage/stand_in")},
    "openvstorage_cinder_driver_ported": True,
    "openvstorage_nova_driver_ported": True,
    "openvstorage_cinder_timeout": 60,
}
STATE = (ROOT / "tests/openvstorage/state.sh").read_text()
SITE = "lib/python3*/site-packages"


def node_of(service: str) -> Iterator[Any]:
    try:
        nodes.need_tools()
        node = openstack_nodes.start(f"test-{service}", service)
    except nodes.Unavailable as error:
        cannot(str(error))
    yield node
    nodes.stop(node.name)


@pytest.fixture(scope="module")
def cinder() -> Iterator[Any]:
    yield from node_of("cinder")


@pytest.fixture(scope="module")
def nova() -> Iterator[Any]:
    yield from node_of("nova")


def role(node: Any, name: str, folder: Path, *, entry: str = "main", **variables: Any) -> Outcome:
    task = {
        "name": "Role",
        "ansible.builtin.include_role": {
            "name": f"winstack.openstack.openvstorage_{name}",
            "tasks_from": entry,
        },
    }
    cache = {"openvstorage_driver_cache": str(folder / "cache")}
    return play(node, [task], folder, variables=COMMON | cache | variables)


def since(node: Any, unit: str) -> str:
    """When a unit that runs was started, in microseconds since the node was."""
    return str(
        node.shell(f"systemctl is-active {unit} && systemctl show -p ActiveEnterTimestampMonotonic {unit}")
    )


def is_active(node: Any, unit: str) -> bool:
    return bool(node.shell(f"systemctl is-active {unit} || true").strip() == "active")


# cinder ------------------------------------------------------------------------------------------------------------

GUIDES_DRIVER = "cinder.volume.drivers.openvstorage.OpenvStorageEdgeVolumeDriver"
UNFIT = {
    "vpool_guid": ({"vpool_guid": "7f6bb2b5"}, "vpool_guid has to be a GUID"),
    "guide_error_05_driver_path": ({"volume_driver": GUIDES_DRIVER}, "the vendor's guide has it"),
    "guide_error_10_backend_name": ({"volume_backend_name": "other"}, "other in section vpool1"),
    "guide_error_15_password": ({"password": ""}, "vpool1 has no password"),
    "guide_error_15_account": ({"username": ""}, "silently take a default account"),
    "management_ips": ({"management_ips": ["192.0.2.300"]}, "192.0.2.300 is none"),
    "section": ({"name": "lvm"}, "section of another driver already, lvm"),
}


@pytest.mark.parametrize(("wrong", "sentence"), UNFIT.values(), ids=UNFIT)
def test_a_problem_is_a_sentence_and_nothing_is_touched(
    cinder: Any, tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    before = cinder.shell(STATE)
    outcome = role(cinder, "cinder", tmp_path, openvstorage_cinder_backends=[VPOOL | wrong])
    assert (outcome.status, outcome.changed) == (2, 0), outcome.output
    assert sentence in outcome.sentences
    assert SECRET not in outcome.output
    assert cinder.shell(STATE) == before


def test_guide_errors_06_09_10_python_3_debug_messages_and_port_are_refused_at_once(
    cinder: Any, tmp_path: Path
) -> None:
    cinder.shell("sed -i 's/^debug = False/debug = True/' /etc/cinder/cinder.conf")
    wanted = {
        "openvstorage_cinder_backends": [VPOOL | {"port": 80}],
        "openvstorage_cinder_driver_ported": False,
    }
    outcome = role(cinder, "cinder", tmp_path, **wanted)
    cinder.shell("sed -i 's/^debug = True/debug = False/' /etc/cinder/cinder.conf")
    assert (outcome.status, outcome.changed) == (2, 0)
    assert "urllib.urlencode" in outcome.sentences
    assert "80 would not be used" in outcome.sentences
    assert "writes its password to the log" in outcome.sentences


def test_guide_errors_06_16_a_driver_without_its_library_is_found_before_anything_restarts(
    cinder: Any, tmp_path: Path
) -> None:
    before, started = cinder.shell(STATE), since(cinder, "cinder-volume")
    outcome = role(
        cinder,
        "cinder",
        tmp_path,
        openvstorage_cinder_backends=[VPOOL],
        openvstorage_driver_library_folder="",
    )
    assert outcome.status == 2
    assert "No module named 'ci'" in outcome.sentences
    assert cinder.shell(STATE) == before
    assert since(cinder, "cinder-volume") == started


def test_guide_error_09_up_is_what_cinder_says_and_there_is_a_way_back(cinder: Any, tmp_path: Path) -> None:
    before = cinder.shell(STATE)
    wanted = {"openvstorage_cinder_backends": [VPOOL], "openvstorage_cinder_connector": True}
    assert role(cinder, "cinder", tmp_path, **wanted).status == 0
    converged = cinder.shell(STATE)
    assert converged != before
    again = role(cinder, "cinder", tmp_path, **wanted)
    assert (again.status, again.changed) == (0, 0), again.output
    # A vPool that does not answer: the file goes back, and the one that was served is served on.
    gone = [VPOOL | {"vpool_guid": "dead0000-6d0b-4d0e-8c1c-2a7c5f0e9d31"}]
    wrong = role(
        cinder,
        "cinder",
        tmp_path,
        **(wanted | {"openvstorage_cinder_backends": gone, "openvstorage_cinder_timeout": 20}),
    )
    assert wrong.status == 2
    assert "were not. The file is as it was before" in wrong.sentences
    assert cinder.shell(STATE) == converged
    assert is_active(cinder, "cinder-volume")
    assert role(cinder, "cinder", tmp_path, entry="verify", **wanted).status == 0
    assert role(cinder, "cinder", tmp_path, entry="absent", **wanted).status == 0
    assert cinder.shell(STATE) == before
    assert is_active(cinder, "cinder-volume")
    assert is_active(cinder, "cinder-backup")
    assert role(cinder, "cinder", tmp_path, entry="absent", **wanted).changed == 0


# nova --------------------------------------------------------------------------------------------------------------


def test_guide_error_08_the_vendors_driver_is_refused_with_the_calls_that_break(
    nova: Any, tmp_path: Path
) -> None:
    outcome = role(nova, "nova", tmp_path, openvstorage_nova_driver_ported=False)
    assert (outcome.status, outcome.changed) == (2, 0)
    assert "self.connection" in outcome.sentences
    assert "pick_disk_driver_name" in outcome.sentences


def test_nova_patched_upgraded_and_back(nova: Any, tmp_path: Path) -> None:
    before = nova.shell(STATE)
    driver = nova.shell(f"ls /openstack/venvs/nova-*/{SITE}/nova/virt/libvirt/driver.py").strip()
    nova.shell(f"cp -p {driver} /pristine.py")
    assert role(nova, "nova", tmp_path).status == 0
    assert role(nova, "nova", tmp_path).changed == 0
    # An upgrade of the package replaces the file.
    nova.shell(f"cp /pristine.py {driver}")
    assert "Run the playbook openvstorage" in role(nova, "nova", tmp_path, entry="verify").sentences
    assert role(nova, "nova", tmp_path).status == 0
    assert role(nova, "nova", tmp_path, entry="verify").status == 0
    assert role(nova, "nova", tmp_path, entry="absent").status == 0
    assert nova.shell(STATE) == before
    assert is_active(nova, "nova-compute")


def test_a_nova_compute_that_does_not_come_back_is_put_back(nova: Any, tmp_path: Path) -> None:
    before = nova.shell(STATE)
    # It starts no more with the patch: what systemd starts looks for it first.
    nova.shell(
        "mkdir -p /run/systemd/system/nova-compute.service.d && printf '[Service]\\nExecStartPre=/bin/sh -c "
        '"! grep -rqs openvstorage_patch /openstack/venvs/nova-14.1.1/lib/python3*/site-packages/nova/virt/libvirt/driver.py"\\n\' '
        "> /run/systemd/system/nova-compute.service.d/test.conf && systemctl daemon-reload"
    )
    outcome = role(nova, "nova", tmp_path)
    assert outcome.status == 2
    assert "started without them" in outcome.sentences
    assert nova.shell(STATE) == before
    assert is_active(nova, "nova-compute")

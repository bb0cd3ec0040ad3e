# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role openvstorage_volume_type on the real cinder-api; no container is needed for it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from linux_nodes import ROOT, Outcome, nodes, openstack_nodes, play

from conftest import cannot

pytestmark = pytest.mark.full

ROLE = {
    "name": "Types",
    "ansible.builtin.include_role": {"name": "winstack.openstack.openvstorage_volume_type"},
}
PASSWORD = "Only$for-tests"
# Every cinder has it, and removes no type without it.
DEFAULT = "__DEFAULT__"


@dataclass
class Controller:
    """This machine, as the node that a play runs on; openstacksdk is among what nova needs."""

    python: Path
    name: str = "localhost"

    def variables(self) -> dict[str, str]:
        """What Ansible's inventory says of it."""
        return {"ansible_connection": "local", "ansible_python_interpreter": str(self.python)}


@dataclass
class BlockStorage:
    """A cinder-api and how to reach it."""

    keystone: str
    controller: Controller

    def converge(self, folder: Path, types: list[dict[str, Any]], *arguments: str) -> Outcome:
        """Run the role with these types."""
        account = {
            "auth_url": self.keystone,
            "username": "admin",
            "password": PASSWORD,
            "project_name": "admin",
        }
        domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
        clouds = {"clouds": {"default": {"auth": account | domains, "region_name": "R"}}}
        path = folder / "clouds.yaml"
        path.write_text(yaml.safe_dump(clouds))
        path.chmod(0o600)
        task = {"block": [ROLE], "environment": {"OS_CLIENT_CONFIG_FILE": str(path)}}
        return play(
            self.controller, [task], folder, *arguments, variables={"openvstorage_volume_type_types": types}
        )

    def types(self) -> dict[str, dict[str, Any]]:
        """What cinder has beside its default."""
        listed = self.ask("types?is_public=None")["volume_types"]
        return {entry["name"]: entry for entry in listed if entry["name"] != DEFAULT}

    def set_extra_spec(self, name: str, specs: dict[str, str]) -> None:
        """Add to a volume type by hand."""
        self.ask(f"types/{self.types()[name]['id']}/extra_specs", {"extra_specs": specs})

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Get from cinder, or post to it."""
        with urllib.request.urlopen(f"{self.keystone}/auth/tokens", data=b"{}") as answer:
            token = answer.headers["X-Subject-Token"]
            place = json.load(answer)["token"]["catalog"][0]["endpoints"][0]["url"]
        headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{place}/{path}", data, headers)) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def block_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockStorage]:
    try:
        cinder, nova = (openstack_nodes.make_venv(service) / "bin/python" for service in ("cinder", "nova"))
    except nodes.Unavailable as error:
        cannot(str(error))
    folder = tmp_path_factory.mktemp("cinder")
    command = [str(cinder), str(ROOT / "tests/openvstorage/block_storage.py"), str(folder)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert server.stdout is not None
    keystone = server.stdout.readline().strip()
    assert keystone, (folder / "log").read_text()
    found = BlockStorage(keystone, Controller(nova))
    found.ask("types", {"volume_type": {"name": DEFAULT}})
    yield found
    server.kill()
    server.communicate()


def test_types_lead_to_their_vpools_and_others_stay(block_storage: BlockStorage, tmp_path: Path) -> None:
    wanted = [
        {"name": "vpool1", "description": "On the vPool"},
        {"name": "fast", "backend": "vpool2", "is_public": False},
    ]
    looked = block_storage.converge(tmp_path, wanted, "--check")
    assert (looked.status, block_storage.types()) == (0, {}), looked.output
    assert looked.changed == 1

    first = block_storage.converge(tmp_path, wanted)
    assert (first.status, first.changed) == (0, 1), first.output
    types = block_storage.types()
    assert {name: entry["extra_specs"] for name, entry in types.items()} == {
        "vpool1": {"volume_backend_name": "vpool1"},
        "fast": {"volume_backend_name": "vpool2"},
    }
    assert [types[name]["is_public"] for name in ("vpool1", "fast")] == [True, False]
    again = block_storage.converge(tmp_path, wanted)
    assert (again.status, again.changed) == (0, 0), again.output
    assert PASSWORD not in looked.output + first.output + again.output

    moved = [wanted[1] | {"backend": "vpool3", "is_public": True}]
    refused = block_storage.converge(tmp_path, moved)
    assert (refused.status, refused.changed) == (2, 0)
    assert "has to lead to vpool3, and leads to vpool2" in refused.sentences
    assert "wanted for every project, and is private" in refused.sentences
    assert block_storage.types() == types

    # What an administrator added to a type stays.
    block_storage.set_extra_spec("vpool1", {"multiattach": "<is> True"})
    moved = [wanted[0] | {"backend": "vpool3"}]
    assert block_storage.converge(tmp_path, moved).changed == 1
    specs = block_storage.types()["vpool1"]["extra_specs"]
    assert specs == {"volume_backend_name": "vpool3", "multiattach": "<is> True"}

    gone = block_storage.converge(tmp_path, [{"name": "fast", "state": "absent"}])
    assert (gone.status, gone.changed) == (0, 1), gone.output
    assert set(block_storage.types()) == {"vpool1"}
    again = block_storage.converge(tmp_path, [{"name": "fast", "state": "absent"}])
    assert (again.status, again.changed) == (0, 0), again.output

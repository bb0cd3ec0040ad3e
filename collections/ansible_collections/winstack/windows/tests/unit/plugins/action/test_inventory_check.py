# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of the inventory, on real inventories that Ansible reads; no playbook, no host."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.inventory import manager as inventory_manager
from ansible.parsing import dataloader
from ansible.template import Templar
from ansible.vars import hostvars
from ansible.vars import manager as variable_manager

from ansible_collections.winstack.windows.plugins.action import inventory_check

CASES = Path(__file__).parents[9] / "shared" / "cases" / "windows" / "W07-inventory-ports"
# ansible-core leaves these without annotations.
MANAGER: t.Any = inventory_manager
VARIABLES: t.Any = variable_manager
LOADER: t.Any = dataloader
CONNECTION = "[windows_storage:vars]\nansible_connection=winrm\n"


def check(
    inventory: Path, *, options: dict[str, t.Any] | None = None, **magic: t.Any
) -> tuple[list[str], dict[str, t.Any]]:
    """Return the problems and the result for an inventory; ``magic`` are variables of the play or of Ansible."""
    loader = LOADER.DataLoader()
    inventories = MANAGER.InventoryManager(loader=loader, sources=[str(inventory)])
    variables = VARIABLES.VariableManager(loader=loader, inventory=inventories)
    known = hostvars.HostVars(inventories, variables, loader)
    task_vars = {
        **variables.get_vars(host=inventories.get_host("localhost")),
        **{"inventory_hostname": "localhost", "hostvars": known, **magic},
    }
    task = SimpleNamespace(
        args={"groups": ["windows_storage"], **(options or {})}, async_val=0, check_mode=False
    )
    make: t.Any = inventory_check.ActionModule
    action = make(
        task=task,
        connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)),
        play_context=SimpleNamespace(check_mode=False),
        loader=loader,
        templar=Templar(loader=loader, variables=task_vars),
        shared_loader_obj=None,
    )
    result = action.run(task_vars=task_vars)
    assert result["failed"] if result["problems"] else not result.get("failed")
    assert not result["problems"] or result["msg"] == "\n".join(result["problems"])
    return result["problems"], result


@pytest.fixture
def write(tmp_path: Path) -> t.Callable[..., Path]:
    """Write an inventory: the text of its hosts, and further files by their path."""

    def written(hosts: str, **files: str) -> Path:
        (tmp_path / "hosts.ini").write_text(hosts)
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path / "hosts.ini"

    return written


Write = t.Callable[..., Path]


# Right ones ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param("stor1\nstor2\n", id="by_name"),
        pytest.param(
            "a ansible_host=10.0.0.1 ansible_winrm_port=1\nb ansible_host=10.0.0.1 ansible_winrm_port=2\n",
            id="one_address_two_ports",
        ),
        pytest.param(
            "a ansible_host='{{ net }}.1' net=10.0.0\nb ansible_host='{{ net }}.2' net=10.0.0\n",
            id="template",
        ),
    ],
)
def test_a_right_inventory(write: Write, hosts: str) -> None:
    problems, result = check(write(f"[windows_storage]\n{hosts}{CONNECTION}"))
    assert problems == []
    assert result["changed"] is False


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases of practitioners are not beside the repository")
@pytest.mark.parametrize(("name", "told"), [("ports.ini", []), ("one-host.ini", ["stor1 and stor2"])])
def test_w07_ports_of_the_connection(name: str, told: list[str]) -> None:
    problems, _result = check(CASES / name)
    assert len(problems) == len(told)
    assert all(
        words in text and "203.0.113.7" in text and "ansible_winrm_host" in text
        for words, text in zip(told, problems, strict=True)
    )


# Groups, limit, tags ------------------------------------------------------------------------------------------------------


def test_every_problem_is_told_at_once(write: Write) -> None:
    inventory = write("[windows_storage]\nhost1\nHOST1\n[empty]\n")
    problems, result = check(inventory, options={"groups": ["windows_storage", "empty", "missing"]})
    assert [text.split(".")[0] for text in problems] == [
        "The group empty of the inventory is empty",
        "The inventory has no group missing",
        "host1 and HOST1 differ in upper and lower case alone, which is one name to Windows and DNS",
    ]
    assert result["failed"] is True


HOSTS = "[windows_storage]\nstor1\nstor2\n[linux]\ncinder1\n[others]\nhost9\n"


@pytest.mark.parametrize(
    ("limit", "limited", "told"),
    [
        ("stor1", None, None),
        ("stor*", None, None),
        ("localhost,stor1", None, None),
        ("localhost", None, "leaves no host"),
        ("windows_storage:!stor1", None, None),
        ("all,!stor1", None, None),
        ("cinder1", ["windows_storage", "linux"], None),
        ("cinder1", None, "--limit cinder1 leaves no host of the group windows_storage."),
        ("host9", ["windows_storage", "linux"], "of the groups windows_storage and linux."),
        ("windows_storage:!stor1:!stor2", None, "leaves no host"),
        ("windows_storage:&linux", None, "leaves no host"),
        (
            "stor1,stro2",
            None,
            "--limit stro2 matches nothing in the inventory. Correct it. Did you mean stor2?",
        ),
        ("all:!stro2", None, "--limit !stro2 matches nothing"),
        ("@{folder}/retry", None, None),
        ("@{folder}/elsewhere", None, "leaves no host"),
    ],
)
@pytest.mark.parametrize("mismatch", ["warning", "error", "ignore"])
def test_limit(
    write: Write,
    limit: str,
    limited: list[str] | None,
    told: str | None,
    mismatch: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "HOST_PATTERN_MISMATCH", mismatch)
    inventory = write(HOSTS, retry="stor2\n", elsewhere="host9\n")
    given = limit.format(folder=inventory.parent)
    problems, _result = check(inventory, options={"limited": limited}, ansible_limit=given)
    assert len(problems) == (told is not None), problems
    assert told is None or told in problems[0]


def test_tags(write: Write) -> None:
    run: dict[str, t.Any] = {"ansible_run_tags": ("storge",), "ansible_skip_tags": ["tme"]}
    problems, _result = check(write(HOSTS), options={"tags": ["storage", "time"]}, **run)
    assert [text.split(":")[0] for text in problems] == ["--tags storge", "--skip-tags tme"]
    assert check(write(HOSTS), **run)[0] == []
    assert check(write(HOSTS), options={"tags": []}, ansible_run_tags=["all"])[0] == []


# Variables ----------------------------------------------------------------------------------------------------------------


def test_two_hosts_at_one_endpoint_by_template(write: Write) -> None:
    inventory = write(
        f"[windows_storage]\na ip=10.0.0.1\nb ip=10.0.0.1\n{CONNECTION}ansible_host='{{{{ ip }}}}'\n"
    )
    (told,) = check(inventory)[0]
    assert told.startswith("a and b are reached at one endpoint, 10.0.0.1 port 5986. Correct ansible_host")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{{ nowhere }}", "'nowhere' is undefined"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ lookup('nonesuch') }}", "nonesuch"),
        ("{{ broken", "cannot be read"),
    ],
)
def test_what_cannot_be_templated_is_told(write: Write, value: str, told: str) -> None:
    inventory = write(f'[windows_storage]\na\nb ansible_host="{value}"\n{CONNECTION}')
    (problem,) = check(inventory)[0]
    assert problem.startswith("b: ansible_host cannot be read. ")
    assert told in problem
    assert "Traceback" not in problem
    assert "\n" not in problem


PASSWORD = "ansible_password: '{{ vault_windows_password }}'\n"


def test_an_undefined_variable_of_the_vault(write: Write) -> None:
    files = {
        "group_vars/windows/connection.yml": PASSWORD,
        "group_vars/windows_storage/storage.yml": "targets: [{chap: {secret: '{{ vault_secret }}'}}]\n",
    }
    hosts = "[windows_storage]\nstorage1\nstorage2\n[windows:children]\nwindows_storage\n"
    problems, _result = check(write(hosts, **files))
    assert sorted(problems) == [
        "storage1 and storage2: ansible_password needs vault_windows_password, which nothing defines. Define it in "
        "group_vars/windows/vault.yml of the inventory (inventories/example has a template).",
        "storage1 and storage2: targets needs vault_secret, which nothing defines. Define it in "
        "group_vars/windows_storage/vault.yml of the inventory (inventories/example has a template).",
    ]
    (told,) = check(write(hosts, **files), ansible_limit="storage1", vault_secret="of the play")[0]
    assert told.startswith("storage1: ansible_password needs vault_windows_password, ")


def test_a_defined_variable_of_the_vault(write: Write) -> None:
    files = {
        "group_vars/windows/connection.yml": PASSWORD,
        "group_vars/windows/vault.yml": "vault_windows_password: x\n",
    }
    assert (
        check(write("[windows_storage]\nstorage1\n[windows:children]\nwindows_storage\n", **files))[0] == []
    )


ENCRYPTED = "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  " + "61" * 40 + "\n"


def test_a_value_that_is_encrypted_needs_nothing(write: Write) -> None:
    files = {"group_vars/windows_storage.yml": f"ansible_password: {ENCRYPTED}"}
    assert check(write("[windows_storage]\na\n", **files))[0] == []


def test_an_address_that_cannot_be_decrypted_is_told(write: Write) -> None:
    files = {"host_vars/a.yml": f"ansible_host: {ENCRYPTED}"}
    (told,) = check(write("[windows_storage]\na\n", **files))[0]
    assert told.startswith("a: ansible_host cannot be read. ")


def test_an_address_from_the_vault_is_told_once(write: Write) -> None:
    inventory = write(f"[windows_storage]\na ansible_host='{{{{ vault_address }}}}'\n{CONNECTION}")
    (told,) = check(inventory)[0]
    assert told.startswith("a: ansible_host needs vault_address, which nothing defines.")


# Size ---------------------------------------------------------------------------------------------------------------------


def test_the_variables_of_a_host_are_read_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    raw_get = hostvars.HostVars.raw_get

    def counted(self: t.Any, host: str) -> t.Any:
        read.append(host)
        return raw_get(self, host)

    monkeypatch.setattr(hostvars.HostVars, "raw_get", counted)
    hosts = "".join(f"stor{number:04} ip=10.0.{number // 250}.{number % 250}\n" for number in range(1000))
    variables = f"ansible_host: '{{{{ ip }}}}'\n{PASSWORD}"
    inventory = write(
        f"[windows_storage]\n{hosts}{CONNECTION}", **{"group_vars/windows_storage/connection.yml": variables}
    )
    (told,) = check(inventory, ansible_limit="windows_storage")[0]
    assert told.startswith("stor0000, stor0001, stor0002 and 997 others: ")
    assert len(read) == len(set(read)) == 1001

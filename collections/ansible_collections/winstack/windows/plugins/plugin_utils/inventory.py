# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be wrong with an inventory and with the words of a run, as sentences. PRIVATE to the winstack collections.

Nothing here asks a host, and nothing is of Ansible: the action plugin inventory_check reads the inventory.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import jinja2
import jinja2.nodes

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import listed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

Groups = Mapping[str, Sequence[str]]
Variables = Mapping[str, object]
Read = Callable[[str], object]
"""Return the value of a variable of one host, templated; None where it has none. Raise WantError for what cannot be templated."""

ALWAYS_KNOWN: t.Final = frozenset({"all", "always", "tagged", "untagged", "never"})
"""Tags with a meaning of their own: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_tags.html#special-tags"""

NAMED: t.Final = 3
"""How many hosts a sentence names before it counts the others."""


# Groups, limit and tags ---------------------------------------------------------------------------------------------------


def group_problems(wanted: Iterable[str], groups: Groups) -> Iterator[str]:
    """Return a sentence for every wanted group that the inventory does not have, or that has no host."""
    for name in wanted:
        if name not in groups:
            yield f"The inventory has no group {name}. Add it, with its hosts.{_near(name, groups)}"
        elif not groups[name]:
            yield f"The group {name} of the inventory is empty. Add hosts to it."


def limit_problems(
    limit: str, limited: Sequence[str], groups: Groups, left: Collection[str]
) -> Iterator[str]:
    """Return a sentence if ``--limit`` leaves no host of any of the groups. Groups without hosts are not its doing."""
    hosts = [host for name in limited for host in groups.get(name, ())]
    if hosts and not any(host in left for host in hosts):
        yield (
            f"--limit {limit} leaves no host of the {_plural('group', limited)} {listed(limited)}. "
            f"Name at least one, such as {hosts[0]}."
        )


def pattern_problems(unmatched: Iterable[str], groups: Groups) -> Iterator[str]:
    """Return a sentence for every part of ``--limit`` that nothing in the inventory matches."""
    known = [*groups, *groups.get("all", ())]
    for pattern in unmatched:
        yield f"--limit {pattern} matches nothing in the inventory. Correct it.{_near(pattern.lstrip('!&'), known)}"


def tag_problems(option: str, asked: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Return a sentence for every tag of ``option`` (--tags or --skip-tags) that the playbook does not know."""
    for tag in asked:
        if tag not in known and tag not in ALWAYS_KNOWN:
            near = _near(tag, known) or f" Known are {', '.join(sorted(known))}."
            yield f"{option} {tag}: the playbook has no such tag.{near}"


# Names and endpoints ------------------------------------------------------------------------------------------------------


def name_problems(hosts: Iterable[str]) -> Iterator[str]:
    """Return a sentence for names that differ in case alone: Windows and DNS make no difference."""
    for names in _alike(hosts, str.lower):
        yield (
            f"{named(names)} differ in upper and lower case alone, which is one name to Windows and DNS. "
            "Leave one of them."
        )


@dataclass(frozen=True)
class Connection:
    """The variables that name an endpoint. Of those that are set, the last one wins, as in the connection plugin."""

    hosts: tuple[str, ...]
    ports: tuple[str, ...]
    port: int
    schemes: tuple[str, ...] = ()
    http_port: int = 0
    paths: tuple[str, ...] = ()
    path: str = ""


# The options remote_addr, port, protocol and path: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/
# winrm_connection.html, psrp_connection.html and ssh_connection.html. The port of winrm does not follow its scheme.
CONNECTIONS: t.Final[Mapping[str, Connection]] = {
    "winrm": Connection(
        ("ansible_host", "ansible_winrm_host"),
        ("ansible_port", "ansible_winrm_port"),
        5986,
        paths=("ansible_winrm_path",),
        path="wsman",
    ),
    "psrp": Connection(
        ("ansible_host", "ansible_psrp_host"),
        ("ansible_port", "ansible_psrp_port"),
        5986,
        schemes=("ansible_psrp_protocol",),
        http_port=5985,
        paths=("ansible_psrp_path",),
        path="wsman",
    ),
    "ssh": Connection(("ansible_host", "ansible_ssh_host"), ("ansible_port", "ansible_ssh_port"), 22),
}
_BUILTIN: t.Final = re.compile(r"ansible\.(?:builtin|legacy)\.")


@dataclass(frozen=True)
class Endpoint:
    """Where a host is reached: what a connection is opened to. ``given_by`` is the variable that names the address."""

    address: str
    port: int
    path: str
    given_by: str = field(compare=False, default="ansible_host")

    def __str__(self) -> str:
        """Return the endpoint as sentences show it."""
        path = f" path {self.path}" if self.path not in ("", "wsman") else ""
        return f"{self.address} port {self.port}{path}"


def endpoint_of(host: str, read: Read, default: str = "ssh") -> Endpoint | None:
    """Return where a host is reached; None for a connection that has no endpoint, or that is not known here.

    ``default`` is the connection of hosts that name none. Raise WantError, without the host, for a value that cannot be one.
    """
    connection = _connection(str(read("ansible_connection") or default))
    if connection is None:
        return None
    given_by, address = _last(read, connection.hosts)
    _name, scheme = _last(read, connection.schemes)
    _name, path = _last(read, connection.paths)
    return Endpoint(
        _address(str(host if address is None else address)),
        _port(read, connection, str(scheme)),
        str(connection.path if path is None else path).strip("/"),
        given_by or connection.hosts[0],
    )


def endpoint_problems(endpoints: dict[str, Endpoint], left: Collection[str]) -> Iterator[str]:
    """Return a sentence for hosts that are reached at one endpoint, if one of them is left by ``--limit``.

    Names that differ in case alone are told as such, see name_problems.
    """
    own = {name.lower(): name for name in reversed(endpoints)}
    for names in _alike([*reversed(own.values())], endpoints.__getitem__):
        if any(name in left for name in names):
            endpoint = endpoints[names[0]]
            yield (
                f"{named(names)} are reached at one endpoint, {endpoint}. Correct {endpoint.given_by}, "
                "or leave one of them."
            )


def value_problems(faults: Mapping[str, str]) -> Iterator[str]:
    """Return a sentence for every fault of a value (faults by host) and the hosts that share it."""
    for hosts in _by(faults, faults.__getitem__):
        yield f"{named(hosts)}: {faults[hosts[0]]}"


def _connection(name: str) -> Connection | None:
    plain = _BUILTIN.sub("", name)
    return CONNECTIONS.get("ssh" if plain == "smart" else plain)


def _last(read: Read, names: Iterable[str]) -> tuple[str, object]:
    """Return name and value of the last variable that is set; an empty name if none is."""
    found = [(name, value) for name in names if (value := read(name)) is not None]
    return found[-1] if found else ("", None)


def _address(text: str) -> str:
    plain = text.strip().strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return plain


def _port(read: Read, connection: Connection, scheme: str) -> int:
    name, value = _last(read, connection.ports)
    if not name:
        return connection.http_port if connection.http_port and scheme == "http" else connection.port
    try:
        return int(str(value))
    except ValueError:
        raise WantError(f"{name} is {value!r}, which is not a port. Give a whole number.") from None


# Variables of the vault ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Missing:
    """A variable whose template names a variable of the vault that nothing defines. ``place`` is the file to define it in."""

    variable: str
    vault: str
    place: str


class VaultReader:
    """Finds the variables of the vault that values name. What hosts share, as they do those of a group, is read once."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._read: dict[int, tuple[object, frozenset[str]]] = {}

    def missing(
        self, variables: Variables, defined: Collection[str], place: Callable[[object], str]
    ) -> Iterator[Missing]:
        """Return what the variables of a host (untemplated) need and ``defined`` names do not hold."""
        for name, value in variables.items():
            for vault in sorted(self._names(value)):
                if vault not in variables and vault not in defined:
                    yield Missing(name, vault, place(value))

    def _names(self, value: object) -> frozenset[str]:
        # The value is kept beside the answer, so that no other one can have its id.
        if id(value) not in self._read:
            self._read[id(value)] = (value, frozenset(_vault_names(value)))
        return self._read[id(value)][1]


def vault_problems(missing: Mapping[str, Iterable[Missing]]) -> Iterator[str]:
    """Return a sentence for every undefined variable of the vault and the hosts (keys) that share the need."""
    hosts: dict[Missing, list[str]] = {}
    for host, needs in missing.items():
        for need in needs:
            hosts.setdefault(need, []).append(host)
    shared: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for need, names in hosts.items():
        shared.setdefault((need.vault, need.place, tuple(names)), []).append(need.variable)
    for (vault, place, sharing), variables in shared.items():
        verb = "needs" if len(variables) == 1 else "need"
        yield (
            f"{named(sharing)}: {listed(variables)} {verb} {vault}, which nothing defines. Define it in {place} of the "
            "inventory (inventories/example has a template)."
        )


def vault_file(origin: str | None, group: str) -> str:
    """Return the file, below an inventory, for what a value needs of the vault: beside the file that the value came from.

    ``origin`` is that file's path, None if it is not known; ``group`` is whose variables it is then.
    """
    parts = (origin or "").replace("\\", "/").split("/")
    found = [number for number, part in enumerate(parts) if part in ("group_vars", "host_vars")]
    below = parts[found[-1] :] if found else []
    if len(below) == 2:
        return "/".join(below)
    return "/".join([*below[:2], "vault.yml"]) if len(below) > 2 else f"group_vars/{group}/vault.yml"


def _vault_names(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _vault_names(item)
    elif isinstance(value, str):
        if "vault_" in value and "{" in value:
            yield from _needed(str(value))
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for item in value:
            yield from _vault_names(item)


@cache
def _needed(template: str) -> frozenset[str]:
    """Return the variables of the vault that a template cannot do without; none where it is no template that can be read."""
    try:
        tree = jinja2.Environment(autoescape=False).parse(template)
    except jinja2.TemplateSyntaxError:
        return frozenset()
    used = {name.name for name in tree.find_all(jinja2.nodes.Name) if name.ctx == "load"}
    return frozenset(name for name in used - set(_optional(tree)) if name.startswith("vault_"))


def _optional(tree: jinja2.nodes.Template) -> Iterator[str]:
    """Return the names that have a default, or that the template itself looks for."""
    for node in tree.find_all((jinja2.nodes.Filter, jinja2.nodes.Test)):
        tolerant = node.name in ("default", "d", "defined", "undefined")
        if tolerant and isinstance(node.node, jinja2.nodes.Name):
            yield node.node.name


@cache
def is_of_controller(template: str) -> bool:
    """Return whether a template gives every host the same: all that it reads are environment variables of the controller."""
    try:
        tree = jinja2.Environment(autoescape=False).parse(template)
    except jinja2.TemplateSyntaxError:
        return False
    names = [*tree.find_all(jinja2.nodes.Name)]
    return len(names) == sum(map(_reads_environment, tree.find_all(jinja2.nodes.Call)))


def _reads_environment(call: jinja2.nodes.Call) -> bool:
    plain = isinstance(call.node, jinja2.nodes.Name) and call.node.name == "lookup"
    constants = [arg.value if isinstance(arg, jinja2.nodes.Const) else None for arg in call.args]
    return plain and constants[:1] in (["env"], ["ansible.builtin.env"]) and None not in constants


# Words --------------------------------------------------------------------------------------------------------------------


def named(hosts: Sequence[str]) -> str:
    """Return hosts as sentences name them: a few, and how many more."""
    if len(hosts) <= NAMED + 1:
        return listed(hosts)
    return f"{', '.join(hosts[:NAMED])} and {len(hosts) - NAMED} others"


Item = t.TypeVar("Item")


def _alike(items: Iterable[Item], key: Callable[[Item], object]) -> Iterator[list[Item]]:
    """Return those of the items that share a key, in their order."""
    yield from (alike for alike in _by(items, key) if len(alike) > 1)


def _by(items: Iterable[Item], key: Callable[[Item], object]) -> Iterable[list[Item]]:
    found: dict[object, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found.values()


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f" Did you mean {near[0]}?" if near else ""


def _plural(noun: str, items: Sequence[object]) -> str:
    return noun if len(items) == 1 else f"{noun}s"

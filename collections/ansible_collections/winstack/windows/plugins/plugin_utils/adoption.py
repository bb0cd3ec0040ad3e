# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that was made by hand, as the variables of our roles, so that the roles find nothing to do on it.

PRIVATE to the winstack collections. What was gathered comes in, variables and the text of their file go out.
"""

from __future__ import annotations

import hashlib
import ntpath
import re
import typing as t
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.sizes import show_size
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.report import Found, HostFacts
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.addresses import is_link_local
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import is_on_drive, path_key

# What adoption asks for.
KINDS: t.Final = (
    *("windows_feature", "windows_service", "wintarget", "iscsi_virtual_disk", "iscsi_server_target"),
    "ntp_client",
)
SERVER: t.Final = ("wintarget", "iscsi_virtual_disk", "iscsi_server_target")
FEATURE: t.Final = "FS-iSCSITarget-Server"
SERVICE: t.Final = "WinTarget"
_FIREWALL: t.Final = "iscsi_target_server_firewall"
CHAPS: t.Final = ("chap", "reverse_chap")
SETTINGS: t.Final = ("sync_type", "peers", "special_poll_interval")
STARTS: t.Final = ("start_mode", "trigger")

Options = dict[str, t.Any]
Variables = dict[str, t.Any]


@dataclass(frozen=True)
class Secret:
    """A secret that Windows does not show: the variable that is to hold it, and whose it is (``option`` of a target)."""

    variable: str
    target: str
    option: str


@dataclass(frozen=True)
class Part:
    """What one role is given: ways to say what the host is, the best first, and the document that the role makes of one.

    Which of the ways leaves the host as it is, only a plan can tell.
    """

    ways: tuple[Variables, ...]
    document: Callable[[Variables], list[dict[str, t.Any]]]


@dataclass(frozen=True)
class Adopted:
    """What a host is, role by role; the secrets that the variables name; and what no variable can say."""

    parts: tuple[Part, ...]
    secrets: tuple[Secret, ...] = ()
    left: tuple[str, ...] = ()


def adopt(host: str, found: Sequence[Found], silent: Mapping[str, str], facts: HostFacts) -> Adopted:
    """Return what a host (its name in the inventory) is; ``silent`` says why kinds did not answer.

    Raise HostError where a target server is there and does not tell what it has.
    """
    has_server = any(one["kind"] == "windows_feature" and one["key"] == FEATURE for one in found)
    missing = [why for kind, why in silent.items() if has_server or kind not in SERVER]
    if missing:
        raise HostError("\n".join(dict.fromkeys(missing)))
    time = Part((*_time(_of(found, "ntp_client"), facts),), time_document)
    if not has_server:
        return Adopted((time,), (), (_NO_SERVER,))
    own = [one for one in found if one["protected"] is None]
    targets, secrets = _targets(host, _of(own, "iscsi_server_target"))
    storage = _storage(_of(found, "iscsi_virtual_disk"), _of(found, "wintarget"), targets)
    ways = tuple({**storage, _FIREWALL: firewall} for firewall in (True, False))
    return Adopted((Part(ways, storage_document), time), tuple(secrets))


_NO_SERVER: t.Final = f"It has no iSCSI target server. Role iscsi_target_server will install the feature {FEATURE}; give it variables of your own."


def storage_document(variables: Variables) -> list[dict[str, t.Any]]:
    """Return the document that role iscsi_target_server makes, without secrets: an object that is there needs none."""
    storage = {name.removeprefix("iscsi_target_server_"): value for name, value in variables.items()}
    folder = storage.get("lun_path")
    return [
        {"windows_feature": {"name": FEATURE}},
        {"windows_service": {"name": SERVICE, "start_mode": "auto", "state": "started"}},
        *(
            [{"directory": {"path": folder, "allow_links": False, "file_systems": ["NTFS", "ReFS"]}}]
            if folder
            else []
        ),
        {"wintarget": {name: storage[name] for name in ("portals", "exclusive_portals", "firewall")}},
        {"iscsi_virtual_disk": storage["disks"]},
        {"iscsi_server_target": [_secretless(target) for target in storage["targets"]]},
    ]


def time_document(variables: Variables) -> list[dict[str, t.Any]]:
    """Return the document that role ntp_client makes."""
    time = {name.removeprefix("ntp_client_"): value for name, value in variables.items()}
    manages = time.pop("manage_domain_members")
    # A member that follows its domain is left alone, whatever the variables say.
    return [
        {"ntp_client": {"sync_type": "domain", **time, "domain_members": "manage" if manages else "leave"}}
    ]


def _secretless(target: Options) -> Options:
    told = {name: target[name] for name in CHAPS if name in target}
    return target | {
        name: {key: value for key, value in one.items() if key != "secret"} for name, one in told.items()
    }


# Storage ------------------------------------------------------------------------------------------------------------------


def _of(found: Iterable[Found], kind: str) -> list[Found]:
    return [one for one in found if one["kind"] == kind]


def _storage(disks: Sequence[Found], servers: Sequence[Found], targets: Sequence[Options]) -> Variables:
    """Return the variables of role iscsi_target_server, with the firewall still to be said."""
    own = [disk for disk in disks if disk["protected"] is None]
    # Where cinder-volume alone has disks, its folder is that of the role.
    folder = _folder(own) or _folder(disks)
    return {
        **({"iscsi_target_server_lun_path": folder} if folder else {}),
        "iscsi_target_server_portals": [*_portals(servers)],
        "iscsi_target_server_exclusive_portals": False,
        _FIREWALL: None,
        "iscsi_target_server_disks": [_disk(disk["options"]) for disk in _parents_first(own)],
        "iscsi_target_server_targets": targets,
    }


def _folder(disks: Iterable[Found]) -> str | None:
    """Return the folder that most of the disks are in, the first of several; None without disks on a drive."""
    folders = [ntpath.dirname(disk["key"]) for disk in disks if is_on_drive(disk["key"])]
    counted = Counter(map(path_key, folders))
    return max(folders, key=lambda folder: counted[path_key(folder)], default=None)


def _portals(servers: Iterable[Found]) -> Iterator[Options]:
    """Return the portals but those of link-local addresses, which Windows changes at will."""
    for server in servers:
        for portal in server["options"].get("portals", ()):
            if not is_link_local(portal["address"]):
                yield dict(portal)


def _parents_first(disks: Sequence[Found]) -> list[Found]:
    """Return disks in an order in which they could be made."""
    parents = {
        path_key(disk["key"]): path_key(str(disk["options"].get("parent_path") or "")) for disk in disks
    }

    def depth(disk: Found) -> int:
        key, steps = path_key(disk["key"]), 0
        while (key := parents.get(key, "")) and steps < len(parents):
            steps += 1
        return steps

    return sorted(disks, key=depth)


def _disk(options: Mapping[str, t.Any]) -> Options:
    told = {name: value for name, value in options.items() if value != ""}
    return told | ({"size": _size(told["size"])} if "size" in told else {})


def _size(size: int) -> str | int:
    """Return a size as people write it; in bytes where it has no whole number of MB."""
    number, unit = show_size(size).split()
    return f"{number}{unit}" if unit in ("MB", "GB", "TB") else size


def _targets(host: str, targets: Iterable[Found]) -> tuple[list[Options], list[Secret]]:
    """Return the targets with a placeholder for each secret, and the secrets."""
    told: list[Options] = []
    secrets: list[Secret] = []
    for target in targets:
        options = {name: value for name, value in target["options"].items() if value != ""}
        for direction in CHAPS:
            chap = options.pop(direction, {"enabled": False})
            if chap["enabled"] and not chap["username"]:
                options[direction] = {"enabled": True}
            elif chap["enabled"]:
                variable = _variable(host, target["key"], direction, {one.variable for one in secrets})
                secrets.append(Secret(variable, target["key"], direction))
                options[direction] = {
                    "username": chap["username"],
                    "secret": Template(f"{{{{ {variable} }}}}"),
                }
        told.append(options)
    return told, secrets


def _variable(host: str, target: str, direction: str, taken: set[str]) -> str:
    """Return a name for the variable of a secret that no other one has."""
    name = "_".join(("vault", _word(host), _word(target), direction, "secret"))
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(other for other in numbered if other not in taken)


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


# Time ---------------------------------------------------------------------------------------------------------------------


def _time(clients: Iterable[Found], facts: HostFacts) -> Iterator[Variables]:
    """Return the variables of role ntp_client. A member that follows its domain is left to it.

    Where Windows would not start the service, as out of the box in a workgroup, the role refuses to leave it so: the second
    way leaves to the role how the service starts.
    """
    options = next((client["options"] for client in clients), {})
    follows = facts["domain"] is not None and options.get("sync_type") == "domain"
    manages = {"ntp_client_manage_domain_members": facts["domain"] is not None and not follows}
    for names in [()] if follows else [(*SETTINGS, *STARTS), SETTINGS]:
        yield {f"ntp_client_{name}": options[name] for name in names if name in options} | manages


# What is left -------------------------------------------------------------------------------------------------------------


def sentences(objects: Iterable[Mapping[str, t.Any]]) -> Iterator[str]:
    """Return a sentence for every object of a plan that the roles would still change."""
    for planned in objects:
        if planned["changed"]:
            label = f"{planned['kind']} {planned['key']}".rstrip()
            yield f"{label}: the roles will change it. {_changes(planned['before'], planned['after'])}"


def _changes(before: Mapping[str, t.Any], after: Mapping[str, t.Any]) -> str:
    if not before:
        return "It is not there."
    differing = [name for name in after if before.get(name) != after[name]]
    told = [f"{name} is {before.get(name)}, and will be {after[name]}" for name in differing]
    return f"{'; '.join(told)}." if told else "No variable says what it has."


# The file -----------------------------------------------------------------------------------------------------------------

_MARK: t.Final = "# winstack.windows.adopt sha256="
_MARKED: t.Final = re.compile(rf"^{re.escape(_MARK)}([0-9a-f]{{64}})$", re.MULTILINE)
# What Ansible would take for a template. A host must not have the controller evaluate its descriptions.
_LIKE_A_TEMPLATE: t.Final = re.compile(r"\{[{%#]")
_LINE_BREAK: t.Final = re.compile("[\n\r\x85\u2028\u2029]")


class Template(str):
    """Text that Ansible is to evaluate."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes lists as people indent them, and what a host says so that Ansible never evaluates it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    tag = "!unsafe" if _LIKE_A_TEMPLATE.search(text) else "tag:yaml.org,2002:str"
    # Only double quotes keep a line break as the character that it is.
    return dumper.represent_scalar(tag, text, style='"' if _LINE_BREAK.search(text) else None)


def _template(dumper: yaml.SafeDumper, text: Template) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Template, _template)
_Dumper.add_representer(tuple, lambda dumper, items: dumper.represent_list(items))


def file_text(host: str, variables: Variables) -> str:
    """Return the text of the file with a host's variables; the same variables make the same bytes."""
    head = (
        f"---\n# {host} as it was when it was adopted.\n"
        "# winstack.windows.adopt writes this file anew as long as nobody edits it.\n"
    )
    body = yaml.dump(
        variables, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=4096
    )
    return f"{head}{_MARK}{_checksum(head + body)}\n{body}"


def is_written_by_adopt(text: str) -> bool:
    """Return whether adoption wrote a file, edited since or not."""
    return _MARKED.search(text) is not None


def is_edited(text: str) -> bool:
    """Return whether a file that adoption wrote is not as it was written."""
    marked = _MARKED.search(text)
    return marked is None or _checksum(text.replace(f"{marked[0]}\n", "", 1)) != marked[1]


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

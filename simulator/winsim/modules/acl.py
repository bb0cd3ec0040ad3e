# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_acl and win_owner: the explicit entries of files, directories and registry keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winsim.errors import ModuleFailure, Unmodelled
from winsim.modules import expand, module

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

# System.Security.AccessControl.FileSystemRights and RegistryRights; Synchronize is added to every allow entry.
FILE_RIGHTS = {
    "listdirectory": 0x1, "readdata": 0x1, "writedata": 0x2, "createfiles": 0x2, "createdirectories": 0x4,
    "appenddata": 0x4, "readextendedattributes": 0x8, "writeextendedattributes": 0x10, "traverse": 0x20,
    "executefile": 0x20, "deletesubdirectoriesandfiles": 0x40, "readattributes": 0x80, "writeattributes": 0x100,
    "write": 0x116, "delete": 0x10000, "readpermissions": 0x20000, "read": 0x20089, "readandexecute": 0x200A9,
    "modify": 0x301BF, "changepermissions": 0x40000, "takeownership": 0x80000, "synchronize": 0x100000,
    "fullcontrol": 0x1F01FF,
}  # fmt: skip
KEY_RIGHTS = {
    "queryvalues": 0x1, "setvalue": 0x2, "createsubkey": 0x4, "enumeratesubkeys": 0x8, "notify": 0x10,
    "createlink": 0x20, "delete": 0x10000, "readpermissions": 0x20000, "writekey": 0x20006, "readkey": 0x20019,
    "executekey": 0x20019, "changepermissions": 0x40000, "takeownership": 0x80000, "fullcontrol": 0xF003F,
}  # fmt: skip
INHERIT = {"none", "containerinherit", "objectinherit"}


def _flags(ctx: ModuleContext, text: str, known: dict[str, int], enum: str) -> int:
    total = 0
    for word in text.split(","):
        value = known.get(word.strip().lower())
        if value is None:
            params = ctx.params
            raise ModuleFailure(
                f"an error occurred when attempting to {params['state']} {params['rights']} permission(s) on "
                f'{params["path"]} for {params["user"]} - Cannot convert value "{text}" to type '
                f'"System.Security.AccessControl.{enum}".',
                changed=False,
            )
        total |= value
    return total


def entries(host: Host, path: str) -> list[dict[str, object]] | None:
    """The explicit access entries of a file, directory or registry key; None if there is no such thing."""
    if path.upper().startswith("CERT:"):
        raise Unmodelled(f"win_acl of the certificate {path}")
    if path.upper().startswith("HK"):
        if not host.registry.exists(path):
            return None
        store: dict[str, list[dict[str, object]]] = host.extra.setdefault("registry_acl", {})
        return store.setdefault(host.registry.full_name(path).lower(), [])
    node = host.files.get(path)
    if node is None:
        return None
    if node.acl is None:
        node.acl = []
    return node.acl


def _entry(host: Host, ctx: ModuleContext, path: str) -> dict[str, object]:
    params = ctx.params
    found = host.accounts.resolve(params["user"])
    if found is None:
        raise ModuleFailure(
            f"account_name {params['user']} is not a valid account, cannot get SID", changed=False
        )
    registry = path.upper().startswith("HK")
    names, enum = (KEY_RIGHTS, "RegistryRights") if registry else (FILE_RIGHTS, "FileSystemRights")
    rights = _flags(ctx, params["rights"], names, enum)
    allow = params["type"].lower() == "allow"
    leaf = not registry and host.files.is_file(path)
    inherit = "None" if leaf else params["inherit"] or "ContainerInherit, ObjectInherit"
    words = {word.strip().lower() for word in inherit.split(",")}
    if not words <= INHERIT:
        _flags(ctx, inherit, {}, "InheritanceFlags")
    return {
        "sid": found[1],
        "account": found[0],
        "rights": rights | 0x100000 if allow and not registry else rights,
        "type": "Allow" if allow else "Deny",
        "inherit": ",".join(sorted(words)),
        "propagation": params["propagation"].lower(),
    }


@module("ansible.windows.win_acl")
def win_acl(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Add or remove one access entry."""
    path = expand(ctx, ctx.params["path"])
    have = entries(host, path)
    if have is None:
        raise ModuleFailure(f"{path} file or directory does not exist on the host", changed=False)
    entry = _entry(host, ctx, path)
    present = ctx.params["state"].lower() == "present"
    match = entry in have
    if match != present and not ctx.check_mode:
        have.append(entry) if present else have.remove(entry)
    return {"changed": match != present}


@module("ansible.windows.win_owner")
def win_owner(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """The owner of a file or directory, with everything below if asked."""
    path = ctx.params["path"]
    node = host.files.get(path)
    if node is None:
        raise ModuleFailure(f"{path} file or directory does not exist on the host")
    found = host.accounts.resolve(ctx.params["user"])
    if found is None:
        raise ModuleFailure(f"Failed to translate '{ctx.params['user']}' to a SecurityIdentifier")
    nodes = (
        [node, *(n for _, n in host.files.walk(path))] if ctx.params["recurse"] and node.directory else [node]
    )
    wrong = [item for item in nodes if item.owner.lower() != found[0].lower()]
    if not ctx.check_mode:
        for item in wrong:
            item.owner = found[0]
    return {"changed": bool(wrong)}

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_user, win_group, win_group_membership and win_user_right."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from winsim.accounts import LocalGroup, LocalUser
from winsim.errors import ModuleFailure, Unmodelled, WinError
from winsim.modules import module

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

# option -> (attribute of LocalUser, key in the diff)
_USER_OPTIONS = {
    "account_disabled": "disabled",
    "account_locked": "locked",
    "fullname": "fullname",
    "description": "description",
    "home_directory": "home_directory",
    "login_script": "login_script",
    "password_expired": "password_expired",
    "password_never_expires": "password_never_expires",
    "profile": "profile",
    "user_cannot_change_password": "user_cannot_change_password",
}
_CASELESS = {"home_directory", "login_script", "profile"}


def _adsi(host: Host, name: str) -> str:
    return f"WinNT://{'WORKGROUP' if host.domain is None else host.domain}/{host.name}/{name}"


def _user_diff(host: Host, user: LocalUser) -> dict[str, Any]:
    diff: dict[str, Any] = {option: getattr(user, attribute) for option, attribute in _USER_OPTIONS.items()}
    expires = user.account_expires.isoformat() if user.account_expires else "never"
    groups = [group.name for group in host.accounts.groups_of(user.name)]
    return {**diff, "account_expires": expires, "groups": groups, "name": user.name, "password": "REDACTED"}


@module("ansible.windows.win_user")
def win_user(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Create, change, query or remove a local user."""
    params, name = ctx.params, ctx.params["name"]
    if params["account_locked"]:
        raise ModuleFailure("account_locked must be set to 'no' if provided")
    user = host.accounts.users.get(name.lower())
    before: Any = _user_diff(host, user) if user else ""
    state = params["state"].lower()
    result: dict[str, Any] = {"changed": False, "state": state}
    if state == "present":
        user = _present(host, ctx, user, before, result)
    elif state == "absent":
        result["diff"] = {"before": before, "after": ""}
        result["msg"] = f"User '{user.name}' deleted successfully" if user else f"User '{name}' was not found"
        result["changed"] = user is not None
        if user is not None and not ctx.check_mode:
            host.accounts.remove_user(name)
    else:
        result |= {"msg": f"Querying user '{name}'", "state": "present" if user else "absent"}
        result["diff"] = {"before": before, "after": before}
    user = host.accounts.users.get(name.lower())
    return {**result, "name": name, **(_user_result(host, user) if user else {})}


def _user_result(host: Host, user: LocalUser) -> dict[str, Any]:
    return {
        "fullname": user.fullname,
        "path": _adsi(host, user.name),
        "description": user.description,
        "password_expired": user.password_expired,
        "password_never_expires": user.password_never_expires,
        "user_cannot_change_password": user.user_cannot_change_password,
        "account_disabled": user.disabled,
        "account_locked": user.locked,
        "sid": user.sid,
        "groups": [{"name": g.name, "path": _adsi(host, g.name)} for g in host.accounts.groups_of(user.name)],
    }


def _present(
    host: Host, ctx: ModuleContext, user: LocalUser | None, before: Any, result: dict[str, Any]
) -> LocalUser | None:
    params, created = ctx.params, user is None
    if user is None:
        result |= {"changed": True, "diff": {"before": "", "after": {"name": params["name"]}}}
        _check_password(params["password"])
        if ctx.check_mode:
            return None
        user = host.accounts.add_user(params["name"])
    after = _user_diff(host, user)
    result["diff"] = {"before": before, "after": after}
    _password(host, ctx, user, created=created, result=result)
    _expires(ctx, user, result)
    for option, attribute in _USER_OPTIONS.items():
        wanted = params[option]
        have = getattr(user, attribute)
        if wanted is None or have == wanted:
            continue
        if option in _CASELESS and str(have).lower() == str(wanted).lower():
            continue
        result["changed"] = True
        after[option] = wanted
        if not ctx.check_mode:
            setattr(user, attribute, wanted)
    _user_groups(host, ctx, user, after, result)
    return user


def _check_password(password: str | None) -> None:
    """The default policy of a server: at least three of four kinds of characters (NERR_PasswordTooShort 2245)."""
    if password is None:
        password = ""
    kinds = ("[A-Z]", "[a-z]", "[0-9]", "[^A-Za-z0-9]")
    if sum(re.search(kind, password) is not None for kind in kinds) < 3 or len(password) < 3:
        raise WinError(
            'Exception calling "SetInfo" with "0" argument(s): "The password does not meet the password policy '
            'requirements. Check the minimum password length, password complexity and password history requirements."',
            2245,
        )


def _password(
    host: Host, ctx: ModuleContext, user: LocalUser, *, created: bool, result: dict[str, Any]
) -> None:
    password = ctx.params["password"]
    always = ctx.params["update_password"].lower() == "always"
    if password is None or not (created or always):
        return
    have = next((v for k, v in host.accounts.passwords.items() if k.lower() == user.name.lower()), None)
    if have == password:
        return
    _check_password(password)
    result["changed"] = True
    result["diff"]["after"]["password"] = "CHANGED REDACTED"
    if not ctx.check_mode:
        host.accounts.set_password(user.name, password)


def _expires(ctx: ModuleContext, user: LocalUser, result: dict[str, Any]) -> None:
    text = ctx.params["account_expires"]
    if text is None:
        return
    when = None if text == "never" else _date(text)
    if when != user.account_expires:
        result["changed"] = True
        result["diff"]["after"]["account_expires"] = text
        if not ctx.check_mode:
            user.account_expires = when


def _date(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ModuleFailure(
            "Failed to parse account_expires as datetime string. Expecting datetime in yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK "
            "format."
        ) from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _local_group(host: Host, name: str) -> LocalGroup:
    found = host.accounts.resolve(name)
    for group in host.accounts.groups.values():
        if (found and group.sid == found[1]) or group.name.lower() == name.lower():
            return group
    raise ModuleFailure(f"group '{name}' not found")


def _user_groups(
    host: Host, ctx: ModuleContext, user: LocalUser, after: dict[str, Any], result: dict[str, Any]
) -> None:
    if ctx.params["groups"] is None:
        return
    wanted = [_local_group(host, name) for name in ctx.params["groups"] if name.strip()]
    have = host.accounts.groups_of(user.name)
    action = ctx.params["groups_action"].lower()
    add = [] if action == "remove" else [g for g in wanted if g not in have]
    remove = [g for g in wanted if g in have] if action == "remove" else []
    if action == "replace":
        remove = [g for g in have if g not in wanted]
    after["groups"] = [g for g in after["groups"] if g not in [r.name for r in remove]] + [
        g.name for g in add
    ]
    result["changed"] = result["changed"] or bool(add or remove)
    if not ctx.check_mode:
        full = f"{host.name}\\{user.name}"
        for group in add:
            group.members.append(full)
        for group in remove:
            group.members = [m for m in group.members if m.lower() != full.lower()]


def _need_no_local_group(host: Host, names: list[str]) -> None:
    """ERROR_INVALID_MEMBER: a local group takes users and the groups of a domain, not local groups."""
    for name in names:
        found = host.accounts.resolve(name)
        if found and any(group.sid == found[1] for group in host.accounts.groups.values()):
            raise WinError(
                'Exception calling "Add" with "1" argument(s): "A new member could not be added to a local group '
                'because the member has the wrong account type."',
                1388,
            )


# Groups -------------------------------------------------------------------------------------------------------


def _sid(host: Host, name: str) -> tuple[str, str]:
    found = host.accounts.resolve(name)
    if found is None:
        raise WinError(f"account_name {name} is not a valid account, cannot get SID", 1332)
    return found


@module("ansible.windows.win_group_membership")
def win_group_membership(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Members of a local group."""
    params = ctx.params
    name, state = params["name"], params["state"].lower()
    result: dict[str, Any] = {"changed": False, "name": name}
    result |= {"added": []} if state != "absent" else {}
    result |= {"removed": []} if state != "present" else {}
    group = host.accounts.groups.get(name.lower())
    if group is None:
        raise ModuleFailure(f"Could not find local group {name}", **result)
    target = list(dict.fromkeys(_sid(host, member)[0] for member in params["members"]))
    have = [member.lower() for member in group.members]
    added = [m for m in target if m.lower() not in have] if state != "absent" else []
    removed = (
        [m for m in group.members if m.lower() in (t.lower() for t in target)] if state == "absent" else []
    )
    if state == "pure":
        removed = [m for m in group.members if m.lower() not in (t.lower() for t in target)]
    members = [m for m in group.members if m not in removed] + added
    if not ctx.check_mode:
        _need_no_local_group(host, added)
        group.members = members
    for key, value in (("added", added), ("removed", removed)):
        if key in result:
            result[key] = value
    return {**result, "changed": bool(added or removed), "members": members}


@module("ansible.windows.win_group")
def win_group(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """A local group with its description and members."""
    params, name = ctx.params, ctx.params["name"]
    group = host.accounts.groups.get(name.lower())
    before = _group_diff(group) if group else None
    result: dict[str, Any] = {"changed": False, "sid": None}
    if params["state"].lower() == "absent":
        if group is not None and not ctx.check_mode:
            del host.accounts.groups[name.lower()]
        return {**result, "changed": group is not None, "diff": {"before": before, "after": None}}
    if group is None:
        result["changed"] = True
        if ctx.check_mode:
            after = {"name": name, "description": params["description"], "members": []}
            return {**result, "sid": "S-1-5-0000", "diff": {"before": before, "after": after}}
        group = host.accounts.add_group(name)
    members = _wanted_members(host, group, params.get("members") or {})
    description = group.description if params["description"] is None else params["description"]
    if (members, description) != (group.members, group.description):
        result["changed"] = True
    after = {"name": name, "description": description, "members": sorted(members)}
    if not ctx.check_mode:
        group.members, group.description = members, description
    return {**result, "sid": group.sid, "diff": {"before": before, "after": after}}


def _group_diff(group: LocalGroup) -> dict[str, Any]:
    return {"name": group.name, "description": group.description, "members": sorted(group.members)}


def _wanted_members(host: Host, group: LocalGroup, members: dict[str, Any]) -> list[str]:
    have = list(group.members)
    if members.get("set") is not None:
        wanted = [_sid(host, name)[0] for name in members["set"]]
        return [m for m in have if m in wanted] + [m for m in wanted if m not in have]
    add = [_sid(host, name)[0] for name in members.get("add") or []]
    remove = [_sid(host, name)[0] for name in members.get("remove") or []]
    return [m for m in have if m not in remove] + [m for m in add if m not in have]


# Rights -------------------------------------------------------------------------------------------------------


def _account_of(host: Host, sid: str) -> str:
    found = host.accounts.resolve(sid)
    return found[0] if found else sid


@module("ansible.windows.win_user_right")
def win_user_right(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Accounts that hold a privilege or logon right."""
    params, name = ctx.params, ctx.params["name"]
    users = []
    for user in params["users"]:
        found = host.accounts.resolve(user)
        if found is None and not user.upper().startswith("S-1-"):
            raise ModuleFailure(f"Failed to translate the account '{user}' to a SID", added=[], removed=[])
        users.append(found[1] if found else user.upper())
    have = next((sids for key, sids in host.accounts.rights.items() if key.lower() == name.lower()), None)
    if have is None:
        raise ModuleFailure(f"the specified right {name} is not a valid right", added=[], removed=[])
    action = params["action"].lower()
    if action not in ("add", "remove", "set"):
        raise Unmodelled(f"win_user_right: action {action}")
    add = [] if action == "remove" else [sid for sid in dict.fromkeys(users) if sid not in have]
    remove = [sid for sid in have if sid in users] if action == "remove" else []
    remove = [sid for sid in have if sid not in users] if action == "set" else remove
    before = [_account_of(host, sid) for sid in have]
    new = [sid for sid in [*have, *add] if sid not in remove]
    if not ctx.check_mode:
        have[:] = new
    return {
        "changed": bool(add or remove),
        "added": [_account_of(host, sid) for sid in add],
        "removed": [_account_of(host, sid) for sid in remove],
        "diff": {"before": {name: before}, "after": {name: [_account_of(host, sid) for sid in new]}},
    }

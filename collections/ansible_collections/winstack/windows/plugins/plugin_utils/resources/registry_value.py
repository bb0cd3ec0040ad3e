# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of registry keys, shown in results and diffs as they are. Keys are made where they are missing, and never removed.

https://learn.microsoft.com/powershell/module/microsoft.powershell.management/set-itemproperty
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, ParamValue, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    Case,
    Change,
    Difference,
    Identity,
    Kind,
    Property,
    Question,
    State,
    Step,
    Thing,
    Wish,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import settled, unchanged
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Json,
    Spec,
    Text,
    Type,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.registry import (
    TYPES,
    Stored,
    existence_question,
    key_path,
    key_question,
    levels,
    read_data,
    same_data,
    sent_data,
    shown_data,
    stored_values,
)

# What the registry provider calls the value without a name.
DEFAULT: t.Final = "(default)"
_WILDCARDS: t.Final = re.compile(r"[*?\[\]`]")


class KeyPath(Type):
    """The path of a key, in the spelling that PowerShell takes."""

    def parse(self, given: t.Any) -> Json:
        """Return the path with the drive that PowerShell has for the hive."""
        return key_path(str(given))


class ValueName(Text):
    """The name of a value; the default value of a key has the empty one."""

    def parse(self, given: t.Any) -> Json:
        """Return the name; what the registry provider calls the default value is the empty one."""
        return "" if str(given).lower() == DEFAULT else str(given)


class Data(Type):
    """The data of a value, of whichever type."""

    def spec(self) -> Spec:
        """Return the spec of something that depends on the option ``type``."""
        return {"type": "raw"}

    def show(self, value: Json) -> Json:
        """Return bytes as hexadecimal digits."""
        return shown_data(value)


def _joined(path: str, name: str) -> str:
    return f"{path}\\{name or DEFAULT}"


def _place(case: Case) -> tuple[str, str]:
    """Return the path of the key and the name of the value."""
    return str(case.word("path")), str(case.word("name"))


def _checks(wish: Wish) -> Iterator[str]:
    """Return what is wrong with type and data, which only make sense together."""
    if wish.absent:
        return
    missing = [option for option in ("type", "data") if option not in wish.values]
    if missing:
        yield f"{' and '.join(missing)} missing. Give the type and the data of the value, or state: absent."
        return
    try:
        read_data(str(wish.values["type"]), wish.values["data"])
    except WantError as error:
        yield f"data: {error}"


def _asks(wish: Wish) -> Iterator[Question]:
    """Return the questions for the values of the key, and for the keys above it, which may have to be made."""
    path = str(wish.words["path"])
    yield key_question(path)
    if not wish.absent:
        yield from (existence_question(level) for level in levels(path))


# What the host has --------------------------------------------------------------------------------------------------------


def _there(case: Case) -> Thing | None:
    """Return the value that the host has."""
    path, name = _place(case)
    stored = stored_values(case.state.rows(key_question(path))).get(name.lower())
    return None if stored is None else _thing(case, stored.type, stored.data, stored)


def _thing(case: Case, kind: str | None, data: Json, stored: Stored | None = None) -> Thing:
    path, name = _place(case)
    facts: dict[str, Json] = {"path": path, "name": stored.name if stored else name}
    return Thing(case.wish.key, case.wish.name, {"type": kind, "data": data}, facts)


def _as_wished(have: Thing, kind: str, data: Json) -> bool:
    named = have.values.get("type")
    windows = None if named is None else TYPES.get(str(named), str(named))
    return same_data(Stored("", windows, have.values.get("data")), kind, data)


def _missing_keys(state: State, path: str) -> list[str]:
    """Return the keys that have to be made, from above; an earlier step may have made some of them."""
    things = state.table(KIND.name).values()
    made = {
        level.lower() for thing in things if thing.predicted for level in levels(str(thing.facts["path"]))
    }
    return [level for level in levels(path) if level.lower() not in made and _is_missing(state, level)]


def _is_missing(state: State, path: str) -> bool:
    return not all(row[""] for row in state.rows(existence_question(path)))


# Changes ------------------------------------------------------------------------------------------------------------------


def _plan(case: Case) -> Change:
    have = case.have or _there(case)
    case = Case(case.wish, have, case.state)
    if case.wish.absent:
        return _removal(case)
    kind = str(case.wanted("type"))
    data = read_data(kind, case.wanted("data"))
    if have is not None and _as_wished(have, kind, data):
        return unchanged(case, have)
    after = _thing(case, kind, data)
    return settled(
        case, Change(case.wish, have, after, tuple(_writes(case, kind, data)), _differences(case, after)), []
    )


def _writes(case: Case, kind: str, data: Json) -> Iterator[Step]:
    """Return the steps that write a value. New-Item is never given -Force, with which it empties a key that is there."""
    path, name = _place(case)
    if case.have is None:
        yield from (Step(change("New-Item", Path=level)) for level in _missing_keys(case.state, path))
    params: dict[str, ParamValue] = {
        "LiteralPath": path,
        "Name": name or DEFAULT,
        "Value": sent_data(kind, data),
    }
    yield Step(Call("Set-ItemProperty", {**params, "Type": TYPES[kind]}, change=True))


def _differences(case: Case, after: Thing) -> tuple[Difference, ...]:
    rows = ((option, case.has(option), after.values[option]) for option in ("type", "data"))
    return tuple(
        Difference(option, shown_data(have), shown_data(want)) for option, have, want in rows if have != want
    )


def _removal(case: Case) -> Change:
    if case.have is None:
        return Change(case.wish, None, None)
    path, name = _place(case)
    call = change("Remove-ItemProperty", LiteralPath=path, Name=[str(case.have.facts.get("name") or name)])
    return settled(case, Change(case.wish, case.have, None, (Step(call, destructive=True),)), [])


# Guards -------------------------------------------------------------------------------------------------------------------


def _names_it_cannot_have(case: Case) -> Iterator[str]:
    """Windows has no keys of users' directly below HKEY_LOCAL_MACHINE, and New-Item has no literal path."""
    if case.wish.absent or case.have is not None:
        return
    for level in _missing_keys(case.state, _place(case)[0]):
        if level.upper().startswith("HKLM:") and level.count("\\") == 1:
            yield f"Windows makes no key directly below HKEY_LOCAL_MACHINE, and {level} is not there. Correct the path."
        elif _WILDCARDS.search(level):
            yield f"the key {level} is not there, and PowerShell cannot make one with a wildcard in its name. Make the key by hand."


def _default_cannot_be_removed(case: Case) -> Iterator[str]:
    """Remove-ItemProperty finds no value without a name: https://github.com/PowerShell/PowerShell, RegistryProvider.cs."""
    path, name = _place(case)
    if case.wish.absent and not name:
        yield (
            "PowerShell cannot remove the default value of a key. Give it empty data, or run "
            f"reg.exe delete {path.replace(':', '')} /ve on the host."
        )


KIND: t.Final = Kind(
    name="registry_value",
    noun="registry value",
    identity=Identity("path", KeyPath(), second=Word("name", ValueName(), default=""), joined=_joined),
    # One call of Set-ItemProperty writes type and data together.
    properties=(
        Property("type", Choice(TYPES)),
        Property("data", Data()),
    ),
    asks=_asks,
    checks=_checks,
    plan=_plan,
    removes=lambda case: (),
    refuses=(_names_it_cannot_have, _default_cannot_be_removed),
    enumerates=False,
)

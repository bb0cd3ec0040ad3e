# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles, role services and features of Windows Server.

https://learn.microsoft.com/powershell/module/servermanager/install-windowsfeature
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    RESTART,
    Case,
    Change,
    Identity,
    Kind,
    Question,
    State,
    Step,
    Thing,
    Word,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import settled
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Flag
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.windows_service import (
    SERVICES,
    new_service,
)

FEATURES: t.Final = Question(
    "features",
    Call("Get-WindowsFeature", {}, ("Name", "InstallState")),
    "During a pending restart some builds cannot list them: restart the host, and try again.",
)
RESULT: t.Final = ("Success", "RestartNeeded", "ExitCode")

# Services that come with a feature, running: https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server
BRINGS: t.Final = {"fs-iscsitarget-server": ("WinTarget",)}


def is_installed(state: State, name: str) -> bool:
    """Return whether a feature is installed at this point of the plan, and usable without a restart."""
    feature = state.find("windows_feature", name.lower())
    return feature is not None and feature.facts.get("install_state") == "installed"


def is_to_be_installed(state: State, name: str) -> bool:
    """Return whether an earlier step of the plan installs the feature."""
    feature = state.find("windows_feature", name.lower())
    return feature is not None and feature.predicted


def _read(state: State) -> Iterator[Thing]:
    for row in state.rows(FEATURES):
        name = str(row["Name"])
        yield Thing(name.lower(), name, {}, {"install_state": str(row["InstallState"]).lower()})


def _plan(case: Case) -> Change:
    """Return the change: install, uninstall, or the restart that an earlier run still owes."""
    now = None if case.have is None else _install_state(case.have)
    if now in ("installpending", "uninstallpending"):
        return settled(case, Change(case.wish, case.have, case.have, (RESTART,)), [])
    there = now == "installed"
    before = case.have if there else None
    if there != case.wish.absent:
        return Change(case.wish, before, before)
    if case.wish.absent:
        step = _step("Uninstall-WindowsFeature", case, {})
        return settled(case, Change(case.wish, before, None, (replace(step, destructive=True),)), [])
    options = {"IncludeManagementTools": True} if case.word("management_tools") else {}
    options |= {"IncludeAllSubFeature": True} if case.word("sub_features") else {}
    after = Thing(case.wish.key, case.wish.name, {}, {"install_state": "installed"})
    return settled(
        case, Change(case.wish, None, after, (_step("Install-WindowsFeature", case, options),)), []
    )


def _step(cmdlet: str, case: Case, options: dict[str, bool]) -> Step:
    call = Call(cmdlet, {"Name": [case.wish.name], **options}, RESULT, change=True)
    return Step(call, barrier=True, restart=_needs_restart)


def _needs_restart(section: Section) -> bool:
    return any(str(row["RestartNeeded"]) in ("Yes", "True") for row in section.data)


def _install_state(feature: Thing) -> str:
    """Return the state in Windows' words, in lower case; a feature that only a document tells of is installed."""
    return str(feature.facts.get("install_state", "installed"))


def _not_offered(case: Case) -> Iterator[str]:
    if case.wish.absent or (case.have is not None and _install_state(case.have) != "removed"):
        return
    if not case.state.told(FEATURES):  # Nobody has asked a host.
        return
    caption = "this edition of Windows"
    if case.have is None:
        yield f"{caption} does not offer it. Correct the name, or use Windows Server Standard or Datacenter."
    else:
        yield "its files were removed from the image. Put them back with Install-WindowsFeature -Source."


def _effects(change: Change, state: State) -> Iterator[tuple[str, Thing]]:
    if not change.wish.absent:
        for name in BRINGS.get(change.wish.key, ()):
            yield "windows_service", new_service(name)


KIND: t.Final = Kind(
    name="windows_feature",
    noun="feature",
    identity=Identity("name", column=FEATURES["Name"]),
    properties=(),
    options=(
        Word("management_tools", Flag(), default=False),
        Word("sub_features", Flag(), default=False),
    ),
    gathers=(FEATURES,),
    consults=("windows_service",),
    touches=(SERVICES,),
    read=_read,
    plan=_plan,
    removes=lambda case: (),
    refuses=(_not_offered,),
    effects=_effects,
    listed=lambda thing: thing.facts["install_state"] == "installed",
    may_restart=True,
)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services: how they start, and whether they run. They are made by installers and features, not here.

https://learn.microsoft.com/windows/win32/cimwin32prov/win32-service
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import cim
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Identity,
    Kind,
    Property,
    Question,
    Set,
    State,
    Thing,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Choice, Json

SERVICES: t.Final = Question("services", cim("Win32_Service", "Name", "State", "StartMode"))
# Win32_Service.StartMode and Set-Service -StartupType have different words for one thing.
START_MODES: t.Final = {"auto": "Automatic", "manual": "Manual", "disabled": "Disabled"}
STATES: t.Final = {"started": "Running", "stopped": "Stopped"}


class StartMode(Choice):
    """A start mode, read as Win32_Service says it."""

    def read(self, raw: t.Any) -> Json:
        """Return the option; Win32_Service says Auto where the cmdlet wants Automatic."""
        return None if raw is None else str(raw).lower()


def _start_or_stop(case: Case, want: Json) -> Iterator[Call]:
    cmdlet = "Start-Service" if want == "started" else "Stop-Service"
    yield change(cmdlet, Name=case.have.name if case.have else case.wish.name)


def _cannot_start(case: Case) -> Iterator[str]:
    mode = case.wanted("start_mode") or case.has("start_mode")
    if case.wanted("state") == "started" and case.has("state") != "started" and mode == "disabled":
        yield "a disabled service cannot be started. Set start_mode to auto or manual."


def is_running(state: State, name: str) -> bool:
    """Return whether a service runs at this point of the plan."""
    service = state.find("windows_service", name.lower())
    return service is not None and service.values.get("state") == "started"


def really_runs(state: State, name: str) -> bool:
    """Return whether a service runs now, so that the host can be asked through it."""
    rows = state.rows(SERVICES)
    return any(str(row["Name"]).lower() == name.lower() and row["State"] == "Running" for row in rows)


def new_service(name: str) -> Thing:
    """Return a service as a feature brings it: automatic and running."""
    return Thing(name.lower(), name, {"start_mode": "auto", "state": "started"})


def _read(state: State) -> Iterator[Thing]:
    for row in state.rows(SERVICES):
        key = str(row["Name"]).lower()
        values = state.row_values(KIND, key, {SERVICES.name: row})
        yield Thing(key, str(row["Name"]), values)


KIND: t.Final = Kind(
    name="windows_service",
    noun="service",
    identity=Identity("name", column=SERVICES["Name"]),
    properties=(
        # A disabled service cannot be started: how it starts comes first.
        Property(
            "start_mode", StartMode(START_MODES), SERVICES["StartMode"], Set("Set-Service", "StartupType")
        ),
        Property("state", Choice(STATES), SERVICES["State"], By(_start_or_stop)),
    ),
    gathers=(SERVICES,),
    read=_read,
    refuses=(_cannot_start,),
)

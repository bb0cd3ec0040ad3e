# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that the simulator does not give, put in place of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Failure, Section

from ..simulated import SimulatedHost

NO_CLASS = Section(
    ok=False,
    error=Failure(
        "Microsoft.Management.Infrastructure.CimException",
        "HRESULT 0x80041010,Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand",
        "Invalid class ",
        "0x80131500",
    ),
)
DENIED = Section(
    ok=False,
    error=Failure(
        "System.UnauthorizedAccessException", "UnauthorizedAccess", "Access is denied.", "0x80070005"
    ),
)


def answering(made: SimulatedHost, **sections: Section) -> SimulatedHost:
    """Return the host, whose answers to the named questions are the given ones from now on."""
    execute = made.execute

    def altered(calls: Mapping[str, Call]) -> Answer:
        answer = execute(calls)
        known = {name: section for name, section in sections.items() if name in calls}
        return replace(answer, sections={**answer.sections, **known})

    made.execute = altered  # type: ignore[method-assign]
    return made

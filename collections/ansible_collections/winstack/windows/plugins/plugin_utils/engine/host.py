# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions about the host itself, asked with every first command. PRIVATE to the winstack collections."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Question


def cim(class_name: str, *select: str, **params: str) -> Call:
    """Return the call that lists the instances of a WMI class, asking for the selected properties alone."""
    return Call("Get-CimInstance", {"ClassName": class_name, "Property": select, **params}, select)


OS: t.Final = Question(
    "os",
    cim("Win32_OperatingSystem", "Version", "BuildNumber", "Caption", "ProductType", "LastBootUpTime"),
)
COMPUTER: t.Final = Question(
    "computer", cim("Win32_ComputerSystem", "Name", "PartOfDomain", "Domain", "DomainRole")
)
HOST: t.Final = (OS, COMPUTER)


def path_question(path: str) -> Question:
    """Return the question what stands at a path of a local drive."""
    select = ("PSIsContainer", "Length", "Attributes")
    return Question(f"path {path.lower()}", Call("Get-Item", {"LiteralPath": path}, select), optional=True)


def what_stands(rows: list[Mapping[str, t.Any]]) -> str:
    """Return directory, file or absent for the answer to a path_question."""
    if not rows:
        return "absent"
    return "directory" if rows[0]["PSIsContainer"] else "file"

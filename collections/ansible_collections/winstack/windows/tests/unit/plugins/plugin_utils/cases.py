# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases of practitioners: what a host answered, and what was wished of it.

They lie in ``shared/cases`` beside the checkout; a test of a case is skipped where they are not.
"""

from __future__ import annotations

import json
import ntpath
import typing as t
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.protected import DEFAULT
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.registry import key_question
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.w32time import (
    CLIENT,
    PARAMETERS,
    POLICY,
    ROOT,
    TRIGGERS,
)

CASES = Path(__file__).resolve().parents[8].parent / "shared" / "cases"
KIND_OF = {
    "NtpClient": "ntp_client",
    "IscsiVirtualDisk": "iscsi_virtual_disk",
    "IscsiServerTarget": "iscsi_server_target",
    "IscsiTargetServer": "wintarget",
}
# Section of a case -> question, where they are called otherwise. Add those of your kind.
NAMES: dict[str, str] = {"w32time_triggers": TRIGGERS.name}
# Section of a case with the values of a registry key in one row -> that key.
KEYS: dict[str, str] = {
    "w32time_parameters": PARAMETERS,
    "w32time_client": CLIENT,
    "w32time_policy_parameters": PARAMETERS.replace(ROOT, POLICY),
    "w32time_policy_client": CLIENT.replace(ROOT, POLICY),
}
# What was not recorded of a host and is asked of every one.
USUAL: dict[str, dict[str, t.Any]] = {
    "os": {"Version": "10.0.20348", "Caption": "Microsoft Windows Server 2022", "ProductType": 3, "LastBootUpTime": "x"},
    "computer": {"Name": "HOST1", "PartOfDomain": False, "Domain": "WORKGROUP", "DomainRole": 2},
}  # fmt: skip
MISSING = Failure("System.Management.Automation.ItemNotFoundException", "PathNotFound", "Not found.", "0x80131501")  # fmt: skip

Result = dict[str, t.Any]


class RecordedHost:
    """A host that answers what was recorded of it, and can be changed by nothing.

    Drives have every folder that is asked for and no file of a virtual disk; registry keys that were not recorded are
    missing, lists that were not recorded are empty.
    """

    def __init__(self, case: Mapping[str, t.Any]) -> None:
        """Take the sections of a case, and columns that stand beside them by WMI class."""
        sections: Mapping[str, t.Any] = case["sections"]
        self._sections = {_question(name): _as_asked(name, section) for name, section in sections.items()}
        self._beside: Mapping[str, Mapping[str, t.Any]] = case.get("beside", {})

    def execute(self, calls: Mapping[str, Call]) -> Answer:
        """Answer the questions; raise AssertionError for a call that changes something."""
        assert not any(call.change for call in calls.values())
        now = datetime.now(UTC)
        sections = {name: self._answer(name, call) for name, call in calls.items()}
        return Answer(sections, "Desktop", now, now, now, now)

    def reboot(self, timeout: int) -> None:
        """Raise AssertionError: nothing is to be changed."""
        raise AssertionError

    def _answer(self, name: str, call: Call) -> Section:
        recorded = self._sections.get(name)
        if isinstance(recorded, Mapping):
            return Section.from_dict(recorded)
        if recorded is None and "LiteralPath" in call.params:
            return _item(str(call.params["LiteralPath"]))
        columns = {column: None for column in call.select if isinstance(column, str)}
        beside = self._beside.get(str(call.params.get("ClassName")), {})
        rows = recorded or ([{}] if name in USUAL else [])
        return Section(data=[columns | USUAL.get(name, {}) | row | dict(beside) for row in rows])


def _question(section: str) -> str:
    """Return the name of the question that asks for a section."""
    return key_question(KEYS[section]).name if section in KEYS else NAMES.get(section, section)


def _as_asked(name: str, section: t.Any) -> t.Any:
    """Return a section as its question is answered: of a registry key, one row a value."""
    if name not in KEYS or isinstance(section, Mapping):
        return section
    values = [(name, data) for row in section for name, data in row.items()]
    return [
        {"Name": name, "Kind": "String" if isinstance(data, str) else "DWord", "Data": data}
        for name, data in values
    ]


def _item(path: str) -> Section:
    """Return a folder of a drive; a file or registry key is missing."""
    if not ntpath.splitdrive(path)[0] or ntpath.splitext(path)[1]:
        return Section(ok=False, error=MISSING)
    return Section(data=[{"FullName": path, "PSIsContainer": True, "Length": None, "Attributes": "Directory"}])  # fmt: skip


def recorded(name: str) -> Mapping[str, t.Any]:
    """Return a case, as in ``windows/W18-ramdisk-mapped/input.json``; skip the test where it is not."""
    path = CASES / name
    if not path.exists():
        pytest.skip(f"the cases of practitioners are not beside this checkout ({path})")
    return t.cast("Mapping[str, t.Any]", json.loads(path.read_text(encoding="utf-8")))


def planned(name: str, /, protected: tuple[str, ...] = DEFAULT, **wish: t.Any) -> Result:
    """Return the result of check mode for a case; what is given beside it goes into its wish."""
    case = recorded(name)
    document = [{KIND_OF[case["resource"]]: {**case["wish"], **wish}}]
    run = Run(
        KINDS,
        read_document(document, KINDS),
        RecordedHost(case),
        Snapshot(),
        Options(check=True, protected=protected),
    )
    try:
        return run.converge()
    except Failed as error:
        return error.result | {"failed": True, "msg": str(error)}

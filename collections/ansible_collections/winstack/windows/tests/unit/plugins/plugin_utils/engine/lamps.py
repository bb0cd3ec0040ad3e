# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A made-up kind of resource and a host that has it, to test the engine without any real kind."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    By,
    Case,
    Identity,
    Kind,
    New,
    Property,
    Question,
    Set,
    Step,
    Word,
    never,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import (
    Choice,
    Flag,
    Json,
    Nested,
    Text,
    Whole,
)

LAMPS = Question("lamps", Call("Get-Lamp", {}, ("Name", "Color", "Level", "Note", "Fitting")), "Plug it in.")
SWITCHES = Question("switches", Call("Get-Switch", {}, ("Lamp", "On")), key="Lamp")


def _key_step(case: Case, want: Json) -> Iterator[Step]:
    secret = Credential("lamp", str(want))
    yield Step(change("Set-LampKey", Name=case.wish.name, Key=secret), blind=True)


def _removal(case: Case) -> Iterator[Step]:
    if case.have is not None:
        yield Step(change("Remove-Lamp", Name=case.have.name), destructive=True)


def _protected(case: Case) -> Iterator[str]:
    if case.have is not None and case.has("note") == "heirloom":
        yield "it is an heirloom."


def _hot(case: Case) -> Iterator[str]:
    if case.wanted("level") == 10 and case.has("level") != 10:
        yield "it gets hot."


LAMP = Kind(
    name="lamp",
    noun="lamp",
    identity=Identity("name", column=LAMPS["Name"]),
    properties=(
        Property("color", Choice({"red": "Rot", "blue": "Blau"}), LAMPS["Color"], change=never("Buy another."), new="Color"),
        Property("level", Whole(0, 10), LAMPS["Level"], Set("Set-Lamp", "Level"), fresh=5),
        Property("note", Text(), LAMPS["Note"], Set("Set-Lamp", "Note"), new="Note", fresh=""),
        Property("on", Flag(), SWITCHES["On"], Set("Set-Switch", "On"), fresh=False),
        Property("fitting", Text(), new="Fitting", shown=False),
        Property("key", Text(), set_by=By(_key_step), shown=False),
    ),
    options=(Word("parts", Nested(options={"screw": {"type": "int", "required": True}})),),
    gathers=(LAMPS, SWITCHES),
    creates=New("New-Lamp", "Name"),
    removes=_removal,
    refuses=(_protected,),
    warns=(_hot,),
)  # fmt: skip

KINDS: dict[str, Kind] = {"lamp": LAMP}


HOST = {
    **{"BuildNumber": "20348", "Version": "10", "Caption": "x", "ProductType": 3, "LastBootUpTime": "x"},
    **{"Name": "H", "PartOfDomain": False, "Domain": "", "DomainRole": 2},
}


@dataclass
class House:
    """A host with lamps. ``fails``: cmdlet -> message; ``deaf``: cmdlets that do nothing; ``silent``: answer nothing at all."""

    lamps: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    batches: list[list[str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    reboots: int = 0
    snapshot: Snapshot = field(default_factory=Snapshot)

    def execute(self, calls: Mapping[str, Call]) -> Answer:
        """Run the calls as the driver would: after a change that fails, further ones are skipped."""
        self.batches.append([call.cmdlet for call in calls.values()])
        sections: dict[str, Section] = {}
        stopped = False
        for name, call in calls.items():
            if call.change and stopped:
                sections[name] = Section(skipped=True)
            elif call.cmdlet in self.fails:
                stopped = stopped or call.change
                error = Failure("LampException", "Lamp", self.fails[call.cmdlet], "0x80004005")
                sections[name] = Section(ok=False, error=error)
            else:
                sections[name] = Section(data=self._run(call))
        now = datetime.now(UTC)
        return Answer(sections, "Desktop", now, now, now, now)

    def reboot(self, timeout: int) -> None:
        """Count a restart."""
        self.reboots += 1

    def _run(self, call: Call) -> list[dict[str, t.Any]]:
        if call.cmdlet == "Get-CimInstance":
            return [dict(HOST)]
        if call.cmdlet == "Get-Lamp":
            return [{"Name": name, **{k: v for k, v in lamp.items() if k != "On"}} for name, lamp in self.lamps.items()]  # fmt: skip
        if call.cmdlet == "Get-Switch":
            return [{"Lamp": name.upper(), "On": lamp["On"]} for name, lamp in self.lamps.items()]
        if call.cmdlet not in self.deaf:
            self._change(call)
        return []

    def _change(self, call: Call) -> None:
        params = dict(call.params)
        name = str(params.pop("Name"))
        if call.cmdlet == "New-Lamp":
            fresh = {"Color": "Rot", "Level": 5, "Note": "", "On": False, "Fitting": None}
            self.lamps[name] = fresh | params
        elif call.cmdlet == "Remove-Lamp":
            del self.lamps[name]
        elif call.cmdlet == "Set-LampKey":
            self.secrets.append(t.cast("Credential", params["Key"]).password)
        else:
            self.lamps[name] |= params

    def run(self, *lamps: dict[str, t.Any], **options: t.Any) -> Run:
        """Return a run that wishes for lamps."""
        wishes = read_document([{"lamp": list(lamps)}], KINDS)
        return Run(KINDS, wishes, self, self.snapshot, Options(**options))

    def converge(self, *lamps: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
        """Return the result, of a failure too."""
        try:
            return self.run(*lamps, **options).converge()
        except Failed as error:
            return error.result | {"failed": True, "msg": str(error)}


def lamp(**values: t.Any) -> dict[str, t.Any]:
    """Return the columns of a lamp on a host."""
    return {"Color": "Rot", "Level": 5, "Note": "", "On": False, "Fitting": None} | values

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Windows host (simulator/) in this process, spoken to in the driver's protocol: no connection, no Ansible."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, encode, read
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed, Options, Run
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from winsim.cmdlets import Credential as MachineCredential
from winsim.driver import run_batch
from winsim.host import Host as Machine

Result = dict[str, t.Any]


class SimulatedHost:
    """A host of the simulator. ``commands`` counts remote commands, ``notes`` keeps every cmdlet that ran."""

    def __init__(self, **config: t.Any) -> None:
        """Take the keys of a host in the simulator's hosts file."""
        self.machine = Machine.from_config("one", {"computer_name": "HOST1", "os": 2022, **config})
        self.commands = 0
        self.reboots = 0
        self.notes: list[dict[str, t.Any]] = []
        self.snapshot = Snapshot()

    def execute(self, calls: Mapping[str, Call]) -> Answer:
        """Run the calls as the driver would."""
        self.commands += 1
        batch = encode(calls)
        secrets = {
            name: MachineCredential(secret.username, secret.password)
            for name, secret in batch.secrets.items()
        }
        asked = datetime.now(UTC)
        output, _changed = run_batch(
            self.machine, {"batch": batch.text}, secrets, check_mode=False, note=self.notes.append
        )
        return read(json.loads(output[-1]), asked, datetime.now(UTC))

    def reboot(self, timeout: int) -> None:
        """Restart the machine."""
        self.reboots += 1
        self.machine.reboot()

    def run(self, resources: t.Any, **options: t.Any) -> Run:
        """Return a run of a document on this host, which keeps its snapshot."""
        return Run(KINDS, read_document(resources, KINDS), self, self.snapshot, Options(**options))

    def converge(self, resources: t.Any, **options: t.Any) -> Result:
        """Return the result of converging; a failure gives its result with ``failed`` and ``msg``."""
        return _told(self.run(resources, **options).converge)

    def check(self, resources: t.Any, **options: t.Any) -> Result:
        """Return the result of check mode."""
        return self.converge(resources, check=True, **options)

    def verify(self, resources: t.Any, **options: t.Any) -> Result:
        """Return the result of verifying."""
        return _told(self.run(resources, **options).verify)

    def changing(self) -> list[str]:
        """Return the cmdlets that changed the host so far."""
        return [note["cmdlet"] for note in self.notes if note["change"]]


def _told(way: t.Callable[[], Result]) -> Result:
    try:
        return way()
    except Failed as error:
        return error.result | {"failed": True, "msg": str(error)}


def outcomes(result: Result) -> dict[str, str]:
    """Return outcome by object, as in ``directory D:\\x: changed``."""
    return {f"{entry['kind']} {entry['key']}".rstrip(): entry["outcome"] for entry in result["objects"]}


def sequence(result: Result) -> Sequence[str]:
    """Return the cmdlets of all objects, in order."""
    return [command["cmdlet"] for entry in result["objects"] for command in entry["commands"]]

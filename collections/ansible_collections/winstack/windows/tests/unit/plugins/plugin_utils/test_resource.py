# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What resources share."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    STATE_OPTIONS,
    Plan,
    Resource,
    reason,
    release,
    rows,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    CallError,
    HostError,
    RefusedError,
    WantError,
    WinstackError,
)

STOPPED = Failure(
    "Microsoft.Iscsi.Target.Commands.IscsiCmdException", "x", "The service is stopped.", "0x80070426"
)
NO_CMDLET = Failure(
    "System.Management.Automation.CommandNotFoundException", "x", "The term is not known.", "0x1"
)


def test_rows() -> None:
    assert rows({"disks": Section(data=[{"a": 1}])}, "disks") == [{"a": 1}]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            Section(ok=False, error=STOPPED),
            "The host did not list iscsi disks: The service is stopped "
            "(Microsoft.Iscsi.Target.Commands.IscsiCmdException, 0x80070426). Start it.",
        ),
        (
            Section(ok=False, error=NO_CMDLET),
            "The host did not list iscsi disks: the cmdlet is not there (The term is not known). Start it.",
        ),
        (Section(ok=False), "The host did not list iscsi disks: the call was not run. Start it."),
    ],
)
def test_rows_that_were_not_given_are_no_empty_list(section: Section, message: str) -> None:
    with pytest.raises(HostError) as caught:
        rows({"iscsi_disks": section}, "iscsi_disks", otherwise="Start it.")
    assert str(caught.value) == message
    with pytest.raises(HostError, match=r"[.]$"):
        rows({"iscsi_disks": section}, "iscsi_disks")


def test_reason_of_nothing() -> None:
    assert reason(None) == "the call was not run."


def test_release_is_that_of_the_build() -> None:
    assert release({"os": Section(data=[{"BuildNumber": "17763"}])}) == "2019"


def test_all_errors_are_shown_to_the_operator() -> None:
    assert {WantError, RefusedError, HostError, CallError} == set(WinstackError.__subclasses__())


class Lamp(Resource):
    """The smallest resource."""

    argument_spec: t.ClassVar[dict[str, t.Any]] = {**STATE_OPTIONS}
    sections = ("lamps",)
    touches = ("lamps",)

    @staticmethod
    def read(facts: Facts) -> dict[str, t.Any]:
        return {"lamps": rows(facts, "lamps")}

    def current(self, have: dict[str, t.Any]) -> dict[str, t.Any]:
        return dict(have["lamps"][0])

    def plan(self, have: dict[str, t.Any], probed: Facts) -> Plan:
        return Plan(self.current(have), self.current(have))


def test_a_resource_that_needs_no_hook() -> None:
    lamp = Lamp({"secret": "hidden"})
    assert lamp.probes({}) == {}
    assert Lamp.shown({"lamps": []}, {}) == {"lamps": []}
    assert Lamp.constraints == {}
    assert "hidden" not in repr(lamp)
    assert lamp.plan(Lamp.read({"lamps": Section(data=[{"on": True}])}), {}) == Plan(
        {"on": True}, {"on": True}
    )


def test_a_resource_has_to_say_all() -> None:
    with pytest.raises(TypeError, match="abstract"):
        t.cast(t.Any, Resource)({})  # pylint: disable=abstract-class-instantiated

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way from a resource to a changed host, over a host of plain data."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils import _runner
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import Plan, Resource, rows
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    CallError,
    HostError,
    RefusedError,
)

DENIED = Failure("System.UnauthorizedAccessException", "x", "Access is denied.", "0x80070005")
PROBE = Call("Test-Path", {"LiteralPath": "C:\\"}, ("",))


class StartMode(Resource):
    """The start mode of W32Time; ``hooks`` of the options replace parts of it."""

    argument_spec: t.ClassVar[dict[str, t.Any]] = {}
    sections = ("services",)
    touches = ("services",)

    @staticmethod
    def read(facts: Facts) -> dict[str, t.Any]:
        return {row["Name"]: row["StartMode"] for row in rows(facts, "services")}

    def current(self, have: dict[str, t.Any]) -> dict[str, t.Any]:
        return {"start_mode": have["W32Time"]} if "W32Time" in have else {}

    def probes(self, have: dict[str, t.Any]) -> Mapping[str, Call]:
        return t.cast("Mapping[str, Call]", self.params.get("probes") or {})

    def plan(self, have: dict[str, t.Any], probed: Facts) -> Plan:
        if custom := self.params.get("plan"):
            return t.cast("Plan", custom(have, probed))
        before, after = self.current(have), {"start_mode": self.params["mode"]}
        return Plan(before, after, () if before == after else (set_mode(self.params["mode"]),))


def set_mode(mode: str) -> Call:
    """Give the call that sets the start mode."""
    return change("Set-Service", Name="W32Time", StartupType=mode)


class FakeHost:
    """Answers from ``sections``; changes by ``do``. Notes each batch as the names of its sections."""

    def __init__(self, **behaviour: t.Any) -> None:
        """Take what is other than usual: sections, failures (step -> Section) and do."""
        self.mode = "Manual"
        self.batches: list[list[str]] = []
        self.calls: list[Call] = []
        self.failures: dict[str, Section] = behaviour.get("failures", {})
        self.do: Callable[[FakeHost, Call], Section] = behaviour.get("do", FakeHost.obey)
        self.lost = False

    def obey(self, call: Call) -> Section:
        """Do as told."""
        self.mode = str(call.params["StartupType"])
        return Section()

    def execute(self, calls: Mapping[str, Call]) -> Facts:
        """Answer as the driver does: after a failed change no further one."""
        self.batches.append(list(calls))
        if self.lost:
            raise HostError("The host is lost.")
        answers: dict[str, Section] = {}
        for name, call in calls.items():
            answers[name] = self._answer(name, call, stopped=any(not a.ok for a in answers.values()))
        return answers

    def _answer(self, name: str, call: Call, *, stopped: bool) -> Section:
        if name in self.failures:
            return self.failures[name]
        if not call.change:
            return {
                "os": Section(data=[{"BuildNumber": "20348"}]),
                "services": Section(data=[{"Name": "W32Time", "StartMode": self.mode}]),
            }.get(name, Section(data=[{"": True}]))
        if stopped:
            return Section(skipped=True)
        self.calls.append(call)
        return self.do(self, call)


def ensure(
    host: FakeHost, snapshot: Snapshot | None = None, *, check: bool = False, **params: t.Any
) -> t.Any:
    """Run the resource on the host."""
    resource = StartMode({"mode": "Automatic"} | params)
    return _runner.ensure(resource, host, snapshot or Snapshot("run"), check_mode=check)


COMMAND = {"cmdlet": "Set-Service", "parameters": {"Name": "W32Time", "StartupType": "Automatic"}}
CHANGED = {
    "changed": True,
    "before": {"start_mode": "Manual"},
    "after": {"start_mode": "Automatic"},
    "diff": {"before": {"start_mode": "Manual"}, "after": {"start_mode": "Automatic"}},
    "commands": [COMMAND],
}


def test_a_change_costs_one_command_after_the_first_look() -> None:
    host = FakeHost()
    assert ensure(host) == CHANGED
    assert host.batches == [["os", "services"], ["step 1", "services"]]
    assert host.mode == "Automatic"


def test_nothing_to_do() -> None:
    host = FakeHost()
    same = {"start_mode": "Manual"}
    assert ensure(host, mode="Manual") == {
        "changed": False,
        "before": same,
        "after": same,
        "diff": {"before": same, "after": same},
        "commands": [],
    }
    assert host.batches == [["os", "services"]]


def test_a_known_snapshot_is_not_asked_again_and_is_kept_up_to_date() -> None:
    host, snapshot = FakeHost(), Snapshot("run", shared=True)
    snapshot.update(host.execute({name: SECTIONS[name] for name in ("os", "services")}))
    assert ensure(host, snapshot)["changed"]
    assert not ensure(host, snapshot)["changed"]
    assert host.batches[1:] == [["step 1", "services"]]
    assert snapshot.sections["services"].data == [{"Name": "W32Time", "StartMode": "Automatic"}]


def test_check_mode_sends_nothing_that_changes() -> None:
    host = FakeHost()
    assert ensure(host, check=True) == CHANGED
    assert host.calls == []
    assert host.batches == [["os", "services"]]
    assert host.mode == "Manual"


def test_probes_are_asked_in_one_batch_and_answered_to_the_plan() -> None:
    seen: list[Facts] = []

    def plan(have: t.Any, probed: Facts) -> Plan:
        seen.append(probed)
        return Plan({}, {})

    host = FakeHost()
    ensure(host, probes={"probe": PROBE}, plan=plan)
    assert host.batches == [["os", "services"], ["probe"]]
    assert seen == [{"probe": Section(data=[{"": True}])}]


def two_steps(have: t.Any, probed: Facts) -> Plan:
    """Plan two steps."""
    return Plan({}, {"start_mode": "Automatic"}, (set_mode("Disabled"), set_mode("Automatic")))


@pytest.mark.parametrize(
    ("step", "answer", "message"),
    [
        (
            "step 1",
            Section(ok=False, error=DENIED),
            "Windows refused Set-Service: Access is denied (System.UnauthorizedAccessException, 0x80070005). Nothing was "
            "changed before it.",
        ),
        (
            "step 2",
            Section(ok=False, error=DENIED),
            "Windows refused Set-Service: Access is denied (System.UnauthorizedAccessException, 0x80070005). Done before it: "
            "Set-Service.",
        ),
        (
            "step 2",
            Section(ok=False),
            "Windows refused Set-Service: the call was not run. Done before it: Set-Service.",
        ),
        (
            "step 1",
            Section(data=[{"ExitCode": 5}]),
            "Windows refused Set-Service: exit code 5. Nothing was changed before it.",
        ),
    ],
)
def test_a_step_that_fails(step: str, answer: Section, message: str) -> None:
    host, snapshot = FakeHost(failures={step: answer}), Snapshot("run", shared=True)
    with pytest.raises(HostError) as caught:
        ensure(host, snapshot, plan=two_steps)
    assert str(caught.value) == message
    assert snapshot.sections["services"].data == [{"Name": "W32Time", "StartMode": host.mode}]


def test_a_program_that_ends_well() -> None:
    start = Call("Start-Process", {"FilePath": "sc.exe", "Wait": True, "PassThru": True}, ("ExitCode",), True)

    def run(host: FakeHost, call: Call) -> Section:
        return Section(data=[{"ExitCode": 0}])

    assert ensure(FakeHost(do=run), plan=lambda have, probed: Plan({}, {"start_mode": "Manual"}, (start,)))[
        "changed"
    ]

    def fail(host: FakeHost, call: Call) -> Section:
        return Section(data=[{"ExitCode": 1060}])

    with pytest.raises(HostError, match=r"^Windows refused Start-Process sc.exe: exit code 1060\."):
        ensure(FakeHost(do=fail), plan=lambda have, probed: Plan({}, {}, (start,)))


def test_a_change_that_does_not_read_back() -> None:
    host = FakeHost(do=lambda host, call: Section())
    with pytest.raises(HostError) as caught:
        ensure(host)
    assert str(caught.value) == (
        "The change was made without an error, and yet it does not read back. start_mode: wanted 'Automatic', the host has "
        "'Manual'."
    )
    assert host.batches[-1] == ["services"], "the host was not looked at a second time"


def test_a_change_that_reads_back_at_the_second_look() -> None:
    host = FakeHost(do=lambda host, call: Section())
    usual = host.execute

    def late(calls: Mapping[str, Call]) -> Facts:
        if list(calls) == ["services"]:
            host.mode = "Automatic"
        return usual(calls)

    host.execute = late  # type: ignore[method-assign]
    assert ensure(host) == CHANGED


@pytest.mark.parametrize("there", [True, False])
def test_an_object_that_had_to_go(there: bool) -> None:
    def gone(have: t.Any, probed: Facts) -> Plan:
        return Plan({"start_mode": "Manual"}, {}, (set_mode("Disabled"),))

    failures = {} if there else {"services": Section()}
    host = FakeHost(failures=failures)
    if there:
        with pytest.raises(HostError, match="the object that had to go is still there"):
            ensure(host, plan=gone)
    else:
        assert ensure(host, plan=gone)["after"] == {}


def test_unmet_conditions_stop_a_change_and_only_warn_in_check_mode() -> None:
    def plan(have: t.Any, probed: Facts) -> Plan:
        return Plan(
            {}, {}, (set_mode("Automatic"),), ("By the way.",), unmet=("There is no disk.", "No net.")
        )

    host = FakeHost()
    with pytest.raises(RefusedError, match=r"^There is no disk\. No net\.$"):
        ensure(host, plan=plan)
    assert ensure(host, plan=plan, check=True)["warnings"] == ["There is no disk.", "No net.", "By the way."]
    assert host.calls == []


def test_warnings_of_a_plan_are_in_the_result() -> None:
    assert ensure(FakeHost(), plan=lambda have, probed: Plan({}, {}, (), ("Look.",)))["warnings"] == ["Look."]


def in_two_parts(error: Exception | None = None, warning: tuple[str, ...] = ()) -> t.Any:
    """Give a plan whose second part is known only after the first."""
    parts: list[int] = []

    def plan(have: dict[str, str], probed: Facts) -> Plan:
        parts.append(1)
        if len(parts) == 1:
            first = {"start_mode": "Disabled"}
            return Plan({"start_mode": "Manual"}, first, (set_mode("Disabled"),), warning, partial=True)
        if error:
            raise error
        return Plan(
            {"start_mode": "Disabled"}, {"start_mode": "Automatic"}, (set_mode("Automatic"),), warning
        )

    return plan


@pytest.mark.parametrize("warning", [(), ("Look.",)])
def test_a_plan_in_two_parts_gives_one_result(warning: tuple[str, ...]) -> None:
    host = FakeHost()
    result = ensure(host, plan=in_two_parts(warning=warning))
    assert [call["parameters"]["StartupType"] for call in result["commands"]] == ["Disabled", "Automatic"]
    assert result["diff"] == {"before": {"start_mode": "Manual"}, "after": {"start_mode": "Automatic"}}
    assert result["before"] == {"start_mode": "Manual"}
    assert result["after"] == {"start_mode": "Automatic"}
    assert result.get("warnings", []) == [*warning, *warning]
    assert host.batches == [["os", "services"], ["step 1", "services"], ["step 1", "services"]]


def test_the_second_part_of_a_plan_may_be_refused() -> None:
    with pytest.raises(RefusedError, match=r"^Too small\. Done before this was known: Set-Service\.$"):
        ensure(FakeHost(), plan=in_two_parts(RefusedError("Too small.")))


def test_check_mode_shows_the_first_part_of_a_plan() -> None:
    host = FakeHost()
    assert len(ensure(host, plan=in_two_parts(), check=True)["commands"]) == 1
    assert host.calls == []


def test_a_call_that_fits_no_signature_is_never_sent() -> None:
    host = FakeHost()
    for mode in (True, False):
        with pytest.raises(CallError):
            ensure(
                host, check=mode, plan=lambda have, probed: Plan({}, {}, (change("Set-Service", Nmae="x"),))
            )
    assert host.calls == []


def test_calls_are_checked_for_the_release_of_the_host() -> None:
    later = change("Resize-IscsiVirtualDisk", Path="p", SizeBytes=1)
    old = Section(data=[{"BuildNumber": "9600"}])

    def plan(have: t.Any, probed: Facts) -> Plan:
        return Plan({}, {}, (later,))

    with pytest.raises(CallError, match="2012r2"):
        ensure(FakeHost(failures={"os": old}), plan=plan, check=True)
    assert ensure(FakeHost(), plan=plan, check=True)["changed"]


def test_a_failed_section_is_asked_for_again() -> None:
    host = FakeHost(failures={"services": Section(ok=False, error=DENIED)})
    snapshot = Snapshot("run", shared=True)
    with pytest.raises(HostError, match="did not list services"):
        ensure(host, snapshot)
    host.failures = {}
    assert ensure(host, snapshot) == CHANGED


def test_a_host_that_does_not_say_is_asked_no_more_than_once_at_a_time() -> None:
    host = FakeHost(failures={"services": Section(ok=False, error=DENIED)})
    with pytest.raises(HostError):
        ensure(host)
    assert host.batches == [["os", "services"]]


def test_what_stops_the_reading_may_have_been_mended_since() -> None:
    host, snapshot = FakeHost(), Snapshot("run", shared=True)
    snapshot.update(host.execute({"os": SECTIONS["os"]}))
    host.failures = {"services": Section(ok=False, error=DENIED)}
    host.batches.clear()
    with pytest.raises(HostError):
        ensure(host, snapshot)
    assert host.batches == [["services"], ["os", "services"]]


def test_after_a_lost_answer_nothing_touched_is_taken_for_known() -> None:
    host, snapshot = FakeHost(), Snapshot("run", shared=True)
    snapshot.update(host.execute({name: SECTIONS[name] for name in ("os", "services")}))
    host.lost = True
    with pytest.raises(HostError, match="lost"):
        ensure(host, snapshot)
    assert snapshot.missing(["os", "services"]) == ["services"]


def test_gathered() -> None:
    class Shown(StartMode):
        @classmethod
        def shown(cls, have: t.Any, params: Mapping[str, t.Any]) -> dict[str, t.Any]:
            return {"have": have, "params": dict(params)}

    have = {"W32Time": "Manual"}
    assert _runner.gathered(StartMode, FakeHost(), Snapshot("run")) == {"changed": False, "gathered": have}
    assert _runner.gathered(Shown, FakeHost(), Snapshot("run"), {"a": 1}) == {
        "changed": False,
        "gathered": {"have": have, "params": {"a": 1}},
    }


def test_rendered_touches_no_host_and_shows_no_secret() -> None:
    secret = change("Set-IscsiServerTarget", TargetName="t", Chap=Credential("u", "topsecret"))
    resource = StartMode({"plan": lambda have, probed: Plan({}, {}, (secret,), unmet=("Not there.",))})
    result = _runner.rendered(resource, {}, None)
    assert not result["changed"]
    assert result["warnings"] == ["Not there."]
    assert result["rendered"] == result["commands"]
    assert "topsecret" not in str(result)
    assert result["rendered"][0]["parameters"]["Chap"] == {"username": "u", "password": "********"}


def test_rendered_checks_for_the_wanted_release() -> None:
    later = change("Resize-IscsiVirtualDisk", Path="p", SizeBytes=1)
    resource = StartMode({"plan": lambda have, probed: Plan({}, {}, (later,))})
    assert _runner.rendered(resource, {}, "2016")["rendered"]
    for release in ("2012r2", None):
        with pytest.raises(CallError):
            _runner.rendered(resource, {}, release)

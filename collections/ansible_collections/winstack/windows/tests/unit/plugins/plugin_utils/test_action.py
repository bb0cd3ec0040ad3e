# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins share, over a module runner of plain data."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.errors import AnsibleError

from ansible_collections.winstack.windows.plugins.action import snapshot as snapshot_action
from ansible_collections.winstack.windows.plugins.plugin_utils import _action
from ansible_collections.winstack.windows.plugins.plugin_utils._action import (
    ResourceActionBase,
    WinstackActionBase,
    run_mark,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import (
    STATE_OPTIONS,
    Plan,
    Resource,
    rows,
)
from ansible_collections.winstack.windows.plugins.plugin_utils._sections import SECTIONS
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import SECTIONS_FACT, VIEW_FACT
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential, change
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

SECRET = "topsecret 'x'"


# What every question of the snapshot is answered with.
ROW: dict[str, t.Any] = {
    **{"BuildNumber": "20348", "Version": "10", "Caption": "x", "ProductType": 3, "LastBootUpTime": "x"},
    **{"LocalDateTime": "2026-01-02T03:04:05.0000000Z", "PartOfDomain": False, "Domain": "W"},
    **{"State": "Running", "StartMode": "Auto", "StartName": "x", "InstallState": "Available", "*": {}},
    **{"PSIsContainer": True, "IPAddress": "10.0.0.5", "InterfaceAlias": "x", "PrefixLength": 24},
    **{"DeviceID": "C:", "Size": 1, "FreeSpace": 1, "FileSystem": "NTFS", "DriveType": 3},
}


class Volume(Resource):
    """A resource with a secret: the label of a disk."""

    argument_spec: t.ClassVar[dict[str, t.Any]] = {
        "label": {"type": "str"},
        "secret": {"type": "str", "no_log": True},
        **STATE_OPTIONS,
    }
    constraints: t.ClassVar[dict[str, t.Any]] = {"required_if": [("state", "present", ["label"])]}
    sections = ("services",)
    touches = ("services",)

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        """Refuse what no host could be given."""
        super().__init__(params)
        if params["label"] == "bad":
            raise WantError("label bad is bad.")

    @staticmethod
    def read(facts: Facts) -> dict[str, t.Any]:
        return {"label": rows(facts, "services")[0]["Name"]}

    def current(self, have: dict[str, t.Any]) -> dict[str, t.Any]:
        return dict(have)

    def plan(self, have: dict[str, t.Any], probed: Facts) -> Plan:
        after = {"label": self.params["label"]}
        calls = (
            change(
                "Set-IscsiServerTarget",
                TargetName=self.params["label"],
                Chap=Credential("user", str(self.params["secret"])),
            ),
        )
        return Plan({"label": have.get("label")}, after, () if have.get("label") == after["label"] else calls)


class VolumeAction(ResourceActionBase):
    """An action plugin of one line, as ours are."""

    _winstack_resource = Volume


class FakeModules:
    """Stands for win_powershell on a host whose one object has a label."""

    def __init__(self) -> None:
        self.label = "old"
        self.runs: list[dict[str, t.Any]] = []
        self.result: dict[str, t.Any] = {}
        self.error: dict[str, str] | None = None

    def __call__(self, **kwargs: t.Any) -> dict[str, t.Any]:
        """Answer as ActionBase._execute_module."""
        assert kwargs["module_name"] == "ansible.windows.win_powershell"
        self.runs.append(kwargs["module_args"])
        calls = json.loads(kwargs["module_args"]["parameters"]["Batch"])["calls"]
        sections = [self._section(call) for call in calls]
        secrets = [secret["password"] for secret in kwargs["module_args"]["sensitive_parameters"]]
        warning = [f"Odd secret {secret}." for secret in secrets]
        times = {"began": "2026-01-02T03:04:05.0000000Z", "ended": "2026-01-02T03:04:05.0000000Z"}
        told = {**times, "edition": "Desktop", "sections": sections}
        return {"changed": True, "output": [json.dumps(told)], "warning": warning} | self.result

    def _section(self, call: dict[str, t.Any]) -> dict[str, t.Any]:
        if call["change"]:
            if self.error:
                return {"id": call["id"], "ok": False, "error": self.error, "data": []}
            self.label = call["params"].get("TargetName", "").removeprefix("=")
        row = ROW | {"Name": self.label}
        return {"id": call["id"], "ok": True, "error": None, "data": [row]}


@pytest.fixture
def modules() -> FakeModules:
    """Give the modules of the host."""
    return FakeModules()


def act(
    modules: FakeModules,
    plugin: type[WinstackActionBase] = VolumeAction,
    facts: Mapping[str, t.Any] | None = None,
    check: bool = False,
    **args: t.Any,
) -> dict[str, t.Any]:
    """Run an action plugin as a task does."""
    task = SimpleNamespace(
        args=args,
        check_mode=check,
        async_val=0,
        action="winstack.windows.volume",
        environment=None,
        diff=False,
        delegate_to=None,
    )
    connection = SimpleNamespace(
        _shell=SimpleNamespace(tmpdir="/tmp/x", _IS_WINDOWS=True),
        become=None,
        transport="winrm",
        has_pipelining=True,
        exec_command=None,
    )
    templar = SimpleNamespace(template=lambda value: value)
    action = t.cast(t.Any, plugin)(
        task=task,
        connection=connection,
        play_context=None,
        loader=None,
        templar=templar,
        shared_loader_obj=None,
    )
    action._execute_module = modules
    variables = {"ansible_facts": dict(facts or {}), "winstack_transport": "module"}
    return t.cast("dict[str, t.Any]", action.run(None, variables))


def test_a_change(modules: FakeModules) -> None:
    result = act(modules, label="new", secret=SECRET)
    assert result["changed"]
    assert result["diff"] == {"before": {"label": "old"}, "after": {"label": "new"}}
    assert modules.label == "new"
    assert [run["error_action"] for run in modules.runs] == ["stop", "stop"]
    assert "ansible_facts" not in result


def test_a_secret_is_in_no_result_and_only_among_sensitive_parameters(modules: FakeModules) -> None:
    result = act(modules, label="new", secret=SECRET)
    assert SECRET not in str(result)
    sensitive = modules.runs[1].pop("sensitive_parameters")
    assert sensitive == [{"name": "Secret1", "username": "user", "password": SECRET}]
    assert SECRET not in str(modules.runs)


def test_a_secret_is_in_no_error(modules: FakeModules) -> None:
    modules.error = {
        "type": "E",
        "id": "x",
        "message": f"The secret {SECRET} is too short.",
        "hresult": "0x1",
    }
    result = act(modules, label="new", secret=SECRET)
    assert result["failed"]
    assert "The secret ******** is too short (E, 0x1)." in result["msg"]
    assert "Odd secret ********." in result["warnings"]
    assert SECRET not in str(result)


def test_a_driver_that_says_nothing(modules: FakeModules) -> None:
    modules.result = {"output": None}
    assert "No answer of the driver came back" in act(modules, label="new")["msg"]


def test_check_mode_sends_nothing_that_changes(modules: FakeModules) -> None:
    result = act(modules, label="new", secret="s", check=True)
    assert result["changed"]
    assert result["after"] == {"label": "new"}
    assert modules.label == "old"
    assert len(modules.runs) == 1
    assert '"change":true' not in str(modules.runs)


def test_gathered(modules: FakeModules) -> None:
    assert act(modules, state="gathered")["gathered"] == {"label": "old"}


@pytest.mark.parametrize("have", [None, {"label": "old", "release": "2019"}])
def test_rendered_touches_no_host(modules: FakeModules, have: dict[str, str] | None) -> None:
    result = act(modules, state="rendered", label="new", secret="s", have=have)
    assert [call["cmdlet"] for call in result["rendered"]] == ["Set-IscsiServerTarget"]
    assert not result["changed"]
    assert modules.runs == []


def test_wrong_input_touches_no_host(modules: FakeModules) -> None:
    result = act(modules, label="bad")
    assert (result["failed"], result["changed"], result["msg"]) == (True, False, "label bad is bad.")
    assert modules.runs == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"label": "x", "lable": "x"}, "Unsupported parameters"),
        ({}, "label"),
        ({"state": "gone"}, "must be one of"),
    ],
)
def test_wrong_options_touch_no_host(modules: FakeModules, args: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleError, match=message):
        act(modules, **args)
    assert modules.runs == []


def test_an_action_without_work_is_none(modules: FakeModules) -> None:
    class Idle(WinstackActionBase):
        _winstack_spec: t.ClassVar[dict[str, t.Any]] = {}

    with pytest.raises(NotImplementedError):
        act(modules, Idle)


def test_the_mark_of_a_run_is_the_same_in_all_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(constants), "DEFAULT_LOCAL_TMP", "/home/u/.ansible/tmp/ansible-local-17abc")
    assert run_mark() == "ansible-local-17abc"


def snapshot_of(modules: FakeModules, **args: t.Any) -> dict[str, t.Any]:
    """Take a snapshot; give its result."""
    return act(modules, snapshot_action.ActionModule, **args)


def test_a_resource_reads_through_the_snapshot_and_keeps_it(modules: FakeModules) -> None:
    facts = snapshot_of(modules)["ansible_facts"]
    modules.runs.clear()
    result = act(modules, facts=facts, label="old")
    assert not result["changed"]
    assert modules.runs == []
    assert "ansible_facts" not in result
    result = act(modules, facts=facts, label="new", secret="s")
    assert len(modules.runs) == 1
    assert list(result["ansible_facts"][VIEW_FACT]["services"]) == ["new"]


def test_a_failed_change_leaves_a_true_snapshot(modules: FakeModules) -> None:
    facts = snapshot_of(modules)["ansible_facts"]
    modules.result = {"failed": True, "msg": "gone"}
    result = act(modules, facts=facts, label="new", secret="s")
    assert result["failed"]
    assert "services" not in result["ansible_facts"][SECTIONS_FACT]["sections"]


def test_a_snapshot_of_an_earlier_run_is_not_read(
    modules: FakeModules, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = snapshot_of(modules)["ansible_facts"]
    monkeypatch.setattr(_action, "run_mark", lambda: "another run")
    modules.runs.clear()
    act(modules, facts=facts, label="old")
    assert len(modules.runs) == 1
    modules.runs.clear()
    assert snapshot_of(modules, facts=facts)["ansible_facts"][SECTIONS_FACT]["run"] == "another run"
    assert len(modules.runs) == 1


def test_a_snapshot_is_taken_once_a_run(modules: FakeModules) -> None:
    first = snapshot_of(modules)
    assert not first["changed"]
    assert first["ansible_facts"][VIEW_FACT]["computer"]["name"] == "old"
    assert "offset_seconds" in first["ansible_facts"][VIEW_FACT]["clock"]
    again = snapshot_of(modules, facts=first["ansible_facts"])
    assert "ansible_facts" not in again
    assert len(modules.runs) == 1
    snapshot_of(modules, facts=first["ansible_facts"], refresh=True)
    assert len(modules.runs) == 2


def test_a_path_that_is_not_known_is_asked_for_alone(modules: FakeModules) -> None:
    facts = snapshot_of(modules)["ansible_facts"]
    facts = snapshot_of(modules, facts=facts, paths=["C:\\Luns"])["ansible_facts"]
    calls = json.loads(modules.runs[-1]["parameters"]["Batch"])["calls"]
    assert [call["id"] for call in calls] == ["path:c:\\luns"]
    assert facts[VIEW_FACT]["paths"] == {"c:\\luns": "directory"}
    snapshot_of(modules, facts=facts, paths=["C:\\LUNS"])
    assert len(modules.runs) == 2


@pytest.mark.parametrize("check", [True, False])
def test_features_are_predicted_in_check_mode_only(modules: FakeModules, check: bool) -> None:
    facts = snapshot_of(modules, predict_features=["FS-iSCSITarget-Server"], check=check)["ansible_facts"]
    assert facts[VIEW_FACT]["features"].get("FS-iSCSITarget-Server") == ("Installed" if check else None)


def test_no_call_is_sent_unchecked(modules: FakeModules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECTIONS, "odd", Call("Get-Odd"))
    result = snapshot_of(modules)
    assert "Get-Odd is not in the catalogue" in result["msg"]
    assert modules.runs == []

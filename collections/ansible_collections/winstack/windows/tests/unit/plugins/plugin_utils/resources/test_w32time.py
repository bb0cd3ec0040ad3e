# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running time service has read, in the words of w32tm."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.state import HostState
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.ntp_client import KIND
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.registry import key_question
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.w32time import (
    CONFIG,
    QUESTIONS,
    RUNNING,
    TRIGGERS,
    client_lines,
    config_number,
    running_values,
    settings,
    trigger_events,
)

# The form of transcripts in public issues; names and numbers replaced.
CONFIGURATION = """\
[Configuration]

EventLogFlags: 2 (Local)
MinPollInterval: 10 (Local)
MaxNegPhaseCorrection: 54000 (Local)
Type: of no provider (Local)


[TimeProviders]

NtpClient (Local)
DllName: C:\\Windows\\system32\\w32time.dll (Local)
Enabled: 1 (Local)
InputProvider: 1 (Local)
SpecialPollInterval: 604800 (Local)
Type: NTP (Local)
NtpServer: time.windows.com,0x9 ntp2.example,0x8 (Policy)

VMICTimeProvider (Local)
DllName: C:\\Windows\\System32\\vmictimeprovider.dll (Local)
Enabled: 0 (Local)
InputProvider: 1 (Local)
NtpServer (Local)
DllName: C:\\Windows\\system32\\w32time.dll (Local)
Enabled: 0 (Local)
InputProvider: 0 (Local)
"""
WANTED = {
    "Enabled": "1",
    "SpecialPollInterval": "604800",
    "Type": "NTP",
    "NtpServer": "time.windows.com,0x9 ntp2.example,0x8",
}


def told(text: str) -> dict[str, str]:
    """Return what is told of the values that count here."""
    return {name: value for name, value in client_lines(text.splitlines()).items() if name in WANTED}


@pytest.mark.parametrize(
    "text",
    [
        CONFIGURATION,
        CONFIGURATION.replace("\n", "\r\n\r\n"),
        CONFIGURATION.replace("(Local)", "(Lokal)").replace("(Policy)", "(Richtlinie)"),
        CONFIGURATION.replace(" (Local)", "（ローカル）").replace(" (Policy)", "（ポリシー）"),
        CONFIGURATION.replace(" (Local)", "").replace(" (Policy)", ""),
        CONFIGURATION.replace("[Configuration]", "[Konfiguration]").replace("[TimeProviders]", "[Zeitanbieter]"),
    ],
)  # fmt: skip
def test_names_of_values_are_found_in_any_language(text: str) -> None:
    assert told(text) == WANTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The following error occurred: The service has not been started. (0x80070426)",
        CONFIGURATION.replace("NtpClient", "Zeitclient"),
        "NtpClient (Local)\nTyp: NTP (Lokal)\n",
    ],
)
def test_what_is_not_found_is_not_told(text: str) -> None:
    assert told(text) == {}


def test_a_member_of_a_domain_has_no_peers_there() -> None:
    lines = [line for line in CONFIGURATION.splitlines() if "time.windows.com" not in line]
    assert "NtpServer" not in client_lines(lines)


# Answers of another form --------------------------------------------------------------------------------------------------


def state(**answers: list[dict[str, t.Any]]) -> HostState:
    """Return the state of a host that answers the questions: triggers, running and config."""
    names = {"triggers": TRIGGERS.name, "running": RUNNING.name, "config": key_question(CONFIG).name}
    missing = Failure("ItemNotFoundException", "PathNotFound", "Not there.", "0x80131501")
    sections = {question.name: Section(ok=False, error=missing) for question in QUESTIONS}
    told = {names[name]: Section(data=rows) for name, rows in answers.items()}
    return HostState({}, sections | told, final=frozenset(sections))


def test_triggers_are_pairs_of_numbers() -> None:
    assert trigger_events(state(triggers=[{"Type": 3, "Action": 1}])) == [(3, 1)]
    assert trigger_events(state()) == []
    with pytest.raises(HostError, match="Action of a trigger of the Windows Time service reads as None"):
        trigger_events(state(triggers=[{"Type": 3, "Action": None}]))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"ExitCode": -2147023834, "Output": CONFIGURATION.splitlines()}],
        [{"ExitCode": 0, "Output": None}],
        [{"ExitCode": 0, "Output": [5, None, ""]}],
        [{}],
    ],
)
def test_a_program_without_an_answer_tells_nothing(rows: list[dict[str, t.Any]]) -> None:
    assert running_values(state(running=rows), settings(KIND)) == {}


def test_what_the_service_has_read_is_told_by_option() -> None:
    lines = CONFIGURATION.replace("604800", "a week").splitlines()
    assert running_values(state(running=[{"ExitCode": 0, "Output": lines}]), settings(KIND)) == {
        "sync_type": "manual",
        "client_enabled": True,
        "peers": [
            {"address": "time.windows.com", "flags": ["special_interval", "client"]},
            {"address": "ntp2.example", "flags": ["client"]},
        ],
    }


@pytest.mark.parametrize(
    ("kind", "data", "number"),
    [("DWord", 6, 6), ("DWord", 0xFFFFFFFF, 0xFFFFFFFF), (None, -1, 0xFFFFFFFF), ("String", "6", None), (None, "6", None)],
)  # fmt: skip
def test_numbers_of_the_configuration_are_without_a_sign(
    kind: str | None, data: t.Any, number: int | None
) -> None:
    told = state(config=[{"Name": "MaxPosPhaseCorrection", "Kind": kind, "Data": data}])
    assert config_number(told, "MaxPosPhaseCorrection") == number
    assert config_number(told, "MinPollInterval") is None


def test_every_value_of_the_table_is_asked_for() -> None:
    asked = {question.name for question in QUESTIONS}
    for setting in settings(KIND):
        assert {key_question(setting.key).name, key_question(setting.policy).name} <= asked

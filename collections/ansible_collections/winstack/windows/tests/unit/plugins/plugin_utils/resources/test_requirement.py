# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has to be, on simulated hosts that are it and hosts that are not."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import read_document, read_wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import ToldState
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.requirement import (
    ANSWERS,
    KIND,
    PENDING,
    RENAMES,
    TOKEN,
)

from ..simulated import SimulatedHost, outcomes
from .answers import DENIED, answering

FEATURE = "FS-iSCSITarget-Server"
EVERYTHING: dict[str, t.Any] = {
    "answers": ["os", "computer", "features", "services", "volumes", "addresses"],
    "releases": ["2019", "2022", "2025"],
    "server": True,
    "features_available": [FEATURE],
    "drives": [{"drive": "C:", "size": "16GB", "free": "1GB"}],
    "clock_tolerance": 300,
    "clock": "fail",
    "administrator": True,
    "no_pending_reboot": True,
}


def document(**options: t.Any) -> list[dict[str, t.Any]]:
    return [{"requirement": options}]


def test_a_good_host_has_nothing_to_be_told_and_is_asked_once() -> None:
    made = SimulatedHost()
    result = made.converge(document(**EVERYTHING))
    assert (result.get("msg"), result["changed"], result["warnings"]) == (None, False, [])
    assert outcomes(result) == {"requirement": "unchanged"}
    assert (made.commands, made.changing()) == (1, [])
    assert made.check(document(**EVERYTHING)).get("msg") is None
    assert made.verify(document(**EVERYTHING)).get("msg") is None


def test_nothing_is_required_without_a_word() -> None:
    made = SimulatedHost(
        filtered_token=True, clock_offset=5000, reboot_pending=["servicing"], volumes={"C": {"size": "1GiB"}}
    )
    assert made.converge(document())["warnings"] == []


WRONG: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str]] = {
    "release": (
        {"os": 2016},
        {"releases": ["2019", "2022"]},
        "Microsoft Windows Server 2016 Datacenter (10.0.14393) is not among the wanted releases of Windows Server: 2019 and 2022. Use "
        "one of them.",
    ),
    "feature of no Windows": (
        {},
        {"features_available": ["FS-iSCSI"]},
        "feature FS-iSCSI is not offered by Microsoft Windows Server 2022 Datacenter. Correct the name, or use Windows Server "
        "Standard or Datacenter.",
    ),
    "feature of another edition": (
        {"features": {"unavailable": [FEATURE]}},
        {"features_available": [FEATURE]},
        f"feature {FEATURE} is not offered by ",
    ),
    "feature without files": (
        {"features": {"removed": [FEATURE]}},
        {"features_available": [FEATURE.lower()]},
        f"feature {FEATURE.lower()} has no files in the image of Microsoft Windows Server 2022 Datacenter. Put them back",
    ),
    "no such drive": (
        {},
        {"drives": [{"drive": "X"}]},
        "drive X: is not on this host (it has C:). Correct drives, or make the volume.",
    ),
    "small drive": (
        {"volumes": {"C": {"size": "10GiB"}}},
        {"drives": [{"drive": "c:\\", "size": "16GB"}]},
        "drive C: has 10.0 GB, and 16 GB are needed. Give the host a larger disk.",
    ),
    "full drive": (
        {"volumes": {"C": {"size": "60GiB", "free": "5GiB"}}},
        {"drives": [{"drive": "C:", "free": "10GB"}]},
        "drive C: has 5.0 GB free, and 10 GB are needed. Make room.",
    ),
    "clock ahead": (
        {"clock_offset": 400},
        {"clock_tolerance": 300, "clock": "fail"},
        "the clock of the host is 400.0 seconds ahead of the controller's (give or take 0.0), and 300 are tolerated. Set the clock",
    ),
    "clock behind": (
        {"clock_offset": -400},
        {"clock_tolerance": 300, "clock": "fail"},
        "the clock of the host is 400.0 seconds behind the controller's",
    ),
    "filtered token": (
        {"filtered_token": True, "users": {"deploy": "x"}},
        {"administrator": True},
        "the account is an administrator whose token is filtered, as Windows does over the network with local accounts. Set "
        "LocalAccountTokenFilterPolicy to 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "wish", "message"), WRONG.values(), ids=list(WRONG))
def test_what_is_missing(config: dict[str, t.Any], wish: dict[str, t.Any], message: str) -> None:
    made = SimulatedHost(**config)
    result = made.converge(document(**wish))
    assert result["unmet"] == [result["msg"]]
    assert result["msg"].startswith("requirement: ")
    assert message in result["msg"]
    assert made.verify(document(**wish))["msg"] == result["msg"]


def test_everything_that_is_missing_is_told_at_once_and_nothing_is_done() -> None:
    made = SimulatedHost(
        os=2019, filtered_token=True, clock_offset=-4000, volumes={"C": {"size": "10GiB", "free": "1MiB"}},
        features={"removed": [FEATURE]}, users={"deploy": "x"},
    )  # fmt: skip
    wish = document(**EVERYTHING | {"releases": ["2022"]})
    result = made.converge(
        [*wish, {"directory": {"path": "C:\\new"}}, {"windows_feature": {"name": FEATURE}}]
    )
    told = [text.removeprefix("requirement: ").split()[0:3] for text in result["unmet"]]
    assert [" ".join(words) for words in told] == [
        "the account is",
        "Microsoft Windows Server",
        f"feature {FEATURE} has",
        "drive C: has",
        "drive C: has",
        "the clock of",
    ]
    assert any("its files were removed" in text for text in result["refusals"])
    assert (made.changing(), outcomes(result)["directory C:\\new"]) == ([], "not_reached")


def test_a_workstation() -> None:
    made = SimulatedHost()
    made.machine.os = replace(made.machine.os, product_type=1, caption="Microsoft Windows 11 Pro")
    assert made.converge(document(server=True))["msg"] == (
        "requirement: Microsoft Windows 11 Pro is a workstation. Use Windows Server."
    )
    assert made.converge(document(server=False)).get("msg") is None


def test_a_windows_that_is_too_old() -> None:
    made = SimulatedHost()
    made.machine.os = replace(
        made.machine.os, build=9200, version="6.2.9200", caption="Microsoft Windows Server 2012"
    )
    assert made.check(document())["msg"] == (
        "requirement: Microsoft Windows Server 2012 (6.2.9200) is not among the wanted releases of Windows Server: 2012r2, 2016, 2019, "
        "2022 and 2025. Use one of them."
    )


# Clock: a host whose clock the run would mend is not dropped for it (7i) -------------------------------------------------


@pytest.mark.parametrize(("offset", "warned"), [(400, True), (-400, True), (299, False), (0, False)])
def test_a_clock_that_can_be_mended_is_warned_of(offset: int, warned: bool) -> None:
    result = SimulatedHost(clock_offset=offset).converge(document(clock_tolerance=300))
    assert (result.get("msg"), bool(result["warnings"])) == (None, warned)


def test_what_is_within_the_uncertainty_is_not_called_wrong() -> None:
    wish = read_wish(KIND, {"clock_tolerance": 300, "clock": "fail"})
    assert make_plan(ToldState(KINDS, [wish], [], Settings((), 310.0, 15.0))).unmet == ()
    (told,) = make_plan(ToldState(KINDS, [wish], [], Settings((), 310.0, 5.0))).unmet
    assert "310.0 seconds ahead of the controller's (give or take 5.0)" in told
    assert make_plan(ToldState(KINDS, [wish], [], Settings())).unmet == ()


# Administrator: SIDs, since names are localised (7h) ----------------------------------------------------------------------


def groups(*sids: str, deny: bool = False) -> Section:
    words = (
        "Gruppe, die nur zum Verweigern verwendet wird"
        if deny
        else "Verbindliche Gruppe, Standardmäßig aktiviert"
    )
    lines = [f'"VORDEFINIERT\\Administratoren","Alias","{sid}","{words}"' for sid in sids]
    return Section(data=[{"ExitCode": 0, "Output": lines}])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (groups("S-1-1-0", "S-1-5-32-544", "S-1-16-12288"), None),
        (groups("S-1-5-32-544", "S-1-16-16384"), None),
        (groups("S-1-5-32-544", "S-1-16-8192", deny=True), "an administrator whose token is filtered"),
        (groups("S-1-1-0", "S-1-16-8192"), "the account is no administrator of the host. Add it to the local group Administrators."),
        (groups("S-1-1-0"), "whoami.exe did not tell the groups of the account"),
        (Section(data=[{"ExitCode": 1, "Output": ["FEHLER"]}]), "whoami.exe did not tell"),
        (Section(data=[{"ExitCode": 0, "Output": None}]), "whoami.exe did not tell"),
        (DENIED, "The host did not list token: Access is denied"),
    ],
)  # fmt: skip
def test_the_token_in_any_language(section: Section, message: str | None) -> None:
    result = answering(SimulatedHost(), token=section).converge(document(administrator=True))
    assert (message in result["msg"]) if message else "msg" not in result


# Restarts, releases that are going ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ([], None),
        (["servicing"], "component servicing"),
        (["windows_update"], "Windows Update"),
        (["file_rename"], "files to be renamed"),
        (
            ["servicing", "windows_update", "file_rename"],
            "component servicing, Windows Update and files to be renamed",
        ),
    ],
)
def test_a_pending_restart_is_warned_of(reasons: list[str], told: str | None) -> None:
    result = SimulatedHost(reboot_pending=reasons).converge(document(no_pending_reboot=True))
    assert result["warnings"] == (
        [
            f"requirement: a restart of Windows is pending ({told}). Installing features can fail before it: restart the host."
        ]
        if told
        else []
    )


@pytest.mark.parametrize(
    ("release", "message"),
    [
        ("2012r2", "Windows Server 2012 R2 is not supported by Ansible any more, since ansible-core 2.16."),
        ("2016", "Windows Server 2016 will soon not be supported by Ansible any more."),
        ("2019", None),
        ("2022", None),
        ("2025", None),
    ],
)
def test_releases_that_ansible_leaves_behind(release: str, message: str | None) -> None:
    result = SimulatedHost(os=release).converge(document())
    assert [text.startswith(f"requirement: {message}") for text in result["warnings"]] == (
        [True] if message else []
    )


# Answers ------------------------------------------------------------------------------------------------------------------


def test_a_host_that_does_not_answer() -> None:
    made = answering(SimulatedHost(), services=DENIED, features=DENIED)
    result = made.converge(document(answers=list(ANSWERS), features_available=[FEATURE], releases=["2025"]))
    denied = "Access is denied (System.UnauthorizedAccessException, 0x80070005)."
    assert result["unmet"] == [
        f"requirement: The host did not list features: {denied} During a pending restart some builds cannot list them: restart the host, "
        "and try again. See whether the account is an administrator of the host.",
        f"requirement: The host did not list services: {denied} See whether the account is an administrator of the host.",
        "requirement: Microsoft Windows Server 2022 Datacenter (10.0.20348) is not among the wanted releases of Windows Server: 2025. Use "
        "one of them.",
    ]  # fmt: skip


def test_one_silence_is_told_once() -> None:
    made = answering(SimulatedHost(), os=DENIED)
    result = made.converge(document(**EVERYTHING))
    assert len(result["unmet"]) == 1
    assert result["warnings"] == []


# Form ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"releases": ["2017"]}, "value of releases must be one or more of: 2012r2, 2016, 2019, 2022, 2025"),
        ({"answers": ["weather"]}, "value of answers must be one or more of"),
        ({"drives": [{"drive": "DD"}]}, "drives: invalid drive DD. Give a letter, as in D:."),
        ({"drives": [{"drive": "D", "free": "much"}]}, "drives: "),
        ({"drives": ["D:"]}, "drives[0] is text. Give a dictionary with drive, size, free."),
        ({"admin": True}, "there is no option admin."),
    ],
)
def test_mistakes_are_told_before_a_host_is_asked(wish: dict[str, t.Any], message: str) -> None:
    with pytest.raises(WantError) as caught:
        read_document(document(**wish), KINDS)
    assert message in str(caught.value)


def test_rendered_without_a_host_says_nothing() -> None:
    plan = make_plan(ToldState(KINDS, [read_wish(KIND, EVERYTHING)], [], Settings()))
    assert (plan.steps, plan.unmet, plan.warnings) == ((), (), ())


def test_every_question_fits_its_signature_on_every_release() -> None:
    asked = list(KIND.asks(read_wish(KIND, EVERYTHING)))
    assert {question.name for question in asked} >= {PENDING.name, RENAMES.name, TOKEN.name}
    for question in asked:
        check(completed(question.call))

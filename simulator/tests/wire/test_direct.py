# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The direct transport: what the product sends is understood, and refused where the real bootstrap refuses it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from winsim import direct
from winsim.driver import digest, lean
from winsim.execute import Caller, Executor
from winsim.faults import BadFault
from winsim.invoke import decode_command
from winsim.journal import Journal
from winsim.shellcmds import Output
from winsim.testing import Ansible
from winsim.world import Machine, World

PRODUCT = Path(__file__).resolve().parents[3] / (
    "collections/ansible_collections/winstack/windows/plugins/plugin_utils/engine"
)
TEXTS = {name: lean((PRODUCT / name).read_text()) for name in ("bootstrap.ps1", "frame.ps1", "driver.ps1")}
LINE = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand " + (
    base64.b64encode(TEXTS["bootstrap.ps1"].encode("utf-16-le")).decode()
)
NONCE = "0123456789abcdef"
READ = {"id": "os", "cmdlet": "Get-CimInstance", "params": {"ClassName": "=Win32_OperatingSystem"}}
READ |= {"select": ["Version"]}


@pytest.fixture
def machine() -> Machine:
    hosts = {"unit": {"computer_name": "WIN-UNIT", "users": {"Administrator": "Pass!"}}}
    return World(hosts)["unit"]


@pytest.fixture
def executor() -> Executor:
    return Executor(Journal(), lambda machine, delay: None)


def units(text: str) -> str:
    """UTF-16 code units with commas between."""
    data = text.encode("utf-16-le")
    return ",".join(str(int.from_bytes(data[at : at + 2], "little")) for at in range(0, len(data), 2))


def stdin(batch: Any, *pairs: str, check: bool = False, texts: dict[str, str] = TEXTS) -> bytes:
    """Standard input as the product makes it, of these texts."""
    frame, script = texts["frame.ps1"].split("\n"), texts["driver.ps1"].split("\n")
    text = batch if isinstance(batch, str) else json.dumps({"desktop": False, "calls": batch})
    lines = [*frame, *script, "check" if check else "normal", *pairs, text, NONCE]
    head = f"{NONCE} {len(frame)} {len(script)} {len(lines)} {sum(map(len, lines))}"
    return "\n".join([head, *lines, ""]).encode("ascii")


def run(executor: Executor, machine: Machine, data: bytes) -> Output:
    return executor.run(machine, LINE, data, Caller("Administrator", {}))


def told(output: Output) -> dict[str, Any]:
    assert (output.rc, output.stderr, output.stdout[-2:]) == (0, b"", b"\r\n")
    assert output.stdout.isascii()
    line: dict[str, Any] = json.loads(output.stdout)
    assert list(line) == ["winstack", "changed", "warnings", "fault", "answer"]
    assert line["winstack"] == NONCE
    return line


def entries(executor: Executor, kind: str) -> list[dict[str, Any]]:
    return executor._journal.entries(types=(kind,))


def test_the_current_texts_are_reviewed() -> None:
    """An edited frame has to be read again before this model may stand for it (winsim.direct.FRAMES)."""
    assert digest(TEXTS["frame.ps1"]) in direct.FRAMES
    assert decode_command(LINE).kind == "direct"


def test_another_wording_of_the_bootstrap_is_still_one() -> None:
    text = TEXTS["bootstrap.ps1"].replace("$a", "$lines").replace("\n", "\r\n")
    assert direct.is_bootstrap(text)
    assert not direct.is_bootstrap(text.replace("exit 3", "exit 0"))


def test_a_question(executor: Executor, machine: Machine) -> None:
    line = told(run(executor, machine, stdin([READ])))
    assert (line["changed"], line["fault"], line["warnings"]) == (False, None, [])
    assert line["answer"]["sections"][0]["data"] == [{"Version": "10.0.20348"}]
    (entry,) = entries(executor, "invocation")
    assert (entry["module"], entry["changed"], entry["failed"]) == ("winstack.direct", False, False)
    assert [note["cmdlet"] for note in entry["notes"]] == ["Get-CimInstance"]
    assert json.loads(entry["args"]["parameters"]["Batch"])["calls"] == [READ]
    assert entries(executor, "command")[0]["kind"] == "direct"


def test_what_is_not_ascii_is_escaped(executor: Executor, machine: Machine) -> None:
    machine.host.registry.set("HKLM:\\SOFTWARE\\T", "x", "Größe \x7f 日本")
    call = {"id": "k", "cmdlet": "Get-RegistryKey", "params": {"LiteralPath": "=HKLM:\\SOFTWARE\\T"}}
    line = told(run(executor, machine, stdin([call | {"select": ["Data"]}])))
    assert line["answer"]["sections"][0]["data"] == [{"Data": "Größe \x7f 日本"}]


def test_a_change_and_check_mode(executor: Executor, machine: Machine) -> None:
    call = {"id": "d", "cmdlet": "New-Item", "change": True}
    call |= {"params": {"Path": "=C:\\Luns", "ItemType": "=Directory"}}
    line = told(run(executor, machine, stdin([call], check=True)))
    assert (line["changed"], line["answer"]["sections"][0]["skipped"]) == (False, True)
    assert not machine.host.files.exists("C:\\Luns")
    assert told(run(executor, machine, stdin([call])))["changed"]
    assert machine.host.files.exists("C:\\Luns")
    assert [entry["check_mode"] for entry in entries(executor, "invocation")] == [True, False]


def test_secrets_arrive_and_are_in_no_journal(executor: Executor, machine: Machine) -> None:
    machine.host.features.install(["FS-iSCSITarget-Server"])
    new = {"id": "n", "cmdlet": "New-IscsiServerTarget", "params": {"TargetName": "=t"}, "change": True}
    chap = {"TargetName": "=t", "EnableChap": True, "Chap": {"secret": "Secret2"}}
    call = {"id": "c", "cmdlet": "Set-IscsiServerTarget", "params": chap, "change": True}
    pairs = [f"Secret{number} {units('iqn.ü')} {units(f'correct horse {number}')}" for number in (1, 2)]
    line = told(run(executor, machine, stdin([new, call], *pairs)))
    assert [section["ok"] for section in line["answer"]["sections"]] == [True, True]
    chap_set = machine.host.iscsi.target("t").chap
    assert (chap_set.username, chap_set.secret) == ("iqn.ü", "correct horse 2")
    assert "correct horse" not in json.dumps(executor._journal.entries())


def test_the_environment_is_noted_by_name(executor: Executor, machine: Machine) -> None:
    told(run(executor, machine, stdin([], f"env {units('PROXY')} {units('http://x')}")))
    assert entries(executor, "invocation")[0]["environment"] == ["PROXY"]


def test_a_secret_in_a_fault_or_warning_is_masked() -> None:
    sent = direct.parse(stdin([READ], f"Secret1 {units('u')} {units('horse')}"))

    def fail(sent: direct.Sent) -> tuple[list[str], bool]:
        raise ValueError("my horse")

    line = direct.answer(sent, fail, ["your horse"])
    assert line["fault"] == "Conversion from JSON failed with error: my ********"
    assert line["warnings"] == ["your ********"]


def test_a_batch_that_is_no_json_is_a_fault(executor: Executor, machine: Machine) -> None:
    line = told(run(executor, machine, stdin("{")))
    assert line["answer"] is None
    assert "JSON" in line["fault"]


def test_a_cmdlet_without_model_is_loud(executor: Executor, machine: Machine) -> None:
    line = told(run(executor, machine, stdin([{"id": "x", "cmdlet": "Get-Disk", "params": {}}])))
    assert line["fault"] == "winsim: not modelled: the cmdlet Get-Disk"
    assert len(executor.unmodelled_seen) == 1
    assert entries(executor, "invocation")[0]["failed"]


WHOLE = stdin([READ])
MIDDLE = len(WHOLE) // 2
# A chunk that a client sends again after a lost answer may have been taken both times (ansible/ansible#81538).
CUT_OR_DOUBLED: dict[str, tuple[bytes, bool]] = {
    "nothing": (b"", False),
    "the first byte": (WHOLE[:1], False),
    "the first line alone": (WHOLE.partition(b"\n")[0], False),
    "half": (WHOLE[:MIDDLE], False),
    "all but the nonce": (WHOLE[: WHOLE.rindex(b"\n", 0, -1)], False),
    "a cut nonce": (WHOLE[:-3], False),
    "all but the last end of line": (WHOLE[:-1], True),
    "all twice": (WHOLE * 2, True),
    "the tail twice": (WHOLE + WHOLE[MIDDLE:], True),
    "the head twice": (WHOLE[:MIDDLE] + WHOLE, False),
    "the middle twice": (WHOLE[: 2 * MIDDLE // 3 * 2] + WHOLE[MIDDLE // 2 :], False),
    "a piece of the batch twice": (WHOLE[:-40] + WHOLE[-50:], False),
    "Windows' ends of lines": (WHOLE.replace(b"\n", b"\r\n"), True),
}


@pytest.mark.parametrize(("data", "whole"), CUT_OR_DOUBLED.values(), ids=CUT_OR_DOUBLED.keys())
def test_input_that_is_cut_or_doubled(executor: Executor, machine: Machine, data: bytes, whole: bool) -> None:
    output = run(executor, machine, data)
    if whole:
        assert told(output)["answer"]["sections"][0]["ok"]
        assert len(entries(executor, "invocation")) == 1
    else:
        assert output == Output(b"winstack: the input did not arrive whole\r\n", b"", 3)
        assert entries(executor, "invocation") == []


@pytest.mark.parametrize("name", ["frame.ps1", "driver.ps1"])
def test_a_text_that_nobody_has_reviewed(executor: Executor, machine: Machine, name: str) -> None:
    output = run(executor, machine, stdin([READ], texts=TEXTS | {name: f"{TEXTS[name]}\n'more'"}))
    assert (output.rc, output.stdout) == (1, b"")
    assert b"nobody has reviewed" in output.stderr
    assert len(executor.unmodelled_seen) == 1


@pytest.mark.parametrize("how", ["none", "cut", "garbled", "noise"])
def test_an_answer_that_is_spoilt_on_its_way(executor: Executor, machine: Machine, how: str) -> None:
    machine.faults.inject({"kind": "answer", "how": how})
    spoilt = run(executor, machine, stdin([READ])).stdout
    whole = run(executor, machine, stdin([READ])).stdout
    assert len(entries(executor, "invocation")) == 2
    assert spoilt != whole
    found = f'{{"winstack":"{NONCE}"'.encode() in spoilt and spoilt.rstrip().endswith(b"good bye")
    assert found == (how == "noise")


def test_a_fault_of_answers_needs_a_way(machine: Machine) -> None:
    with pytest.raises(BadFault, match="how must be one of none, cut, garbled, noise, not None"):
        machine.faults.inject({"kind": "answer"})


SENTENCES = {
    "none": "No answer of the driver came back: exit code 0, no output.",
    "cut": "No answer of the driver came back: exit code 0, ",
    "noise": "",
}


@pytest.mark.parametrize("how", SENTENCES)
def test_real_ansible_tells_of_a_spoilt_answer(ansible: Ansible, how: str) -> None:
    ansible.sim.machine("one").faults.inject({"kind": "answer", "how": how})
    task = {"name": "t", "winstack.windows.ntp_client": {"state": "gathered"}}
    result = ansible.play([task])
    assert (result["rc"] == 0) == (how == "noise"), result["output"]
    assert SENTENCES[how] in str(result["t"].get("msg", ""))
    assert ("winstack_transport: module" in str(result["t"])) == (how != "noise")


@pytest.mark.parametrize("transport", ["http", "https"])
@pytest.mark.parametrize(
    ("way", "module"), [("auto", "winstack.direct"), ("module", "ansible.windows.win_powershell")]
)
def test_real_ansible_over_both_ways(ansible: Ansible, transport: str, way: str, module: str) -> None:
    ansible.transport = transport
    task = {"name": "t", "winstack.windows.ntp_client": {"state": "gathered"}}
    result = ansible.play([task], variables={"winstack_transport": way})
    assert result["rc"] == 0, result["output"]
    assert result["t"]["gathered"]
    invocations = [entry for entry in ansible.sim.journal.entries() if entry["type"] == "invocation"]
    assert [entry["module"] for entry in invocations] == [module]

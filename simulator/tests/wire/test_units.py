# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of the wire without sockets: decoding, masking, faults, hosts files, certificates, state as JSON."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from winsim import control, tls, wsman
from winsim.errors import Unmodelled
from winsim.faults import BadFault, HostFaults
from winsim.invoke import build_invocation, decode_command, parse_manifest, split_windows
from winsim.journal import MASK, Journal, Masker, no_log_names
from winsim.world import BadWorld, World

SEPARATOR = b"\n\0\0\0\0\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-le")).decode()


BOOTSTRAP = encoded("`0`0`0`0 ConvertFrom-Json $code.params")


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        ("hostname", "plain", "hostname"),
        ("powershellx -c 1", "plain", "powershellx -c 1"),
        (
            f"PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand {encoded('dir')}",
            "powershell",
            "dir",
        ),
        (f"pwsh.exe -nop -ep bypass -enc {encoded('1')}", "powershell", "1"),
        (f"powershell -e {encoded('1')}", "powershell", "1"),
        (
            '"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe" -NoLogo -Command "echo \\"a b\\""',
            "powershell",
            'echo "a b"',
        ),
        ("powershell Get-Date", "powershell", "Get-Date"),
        ('powershell -File "C:\\a b.ps1" x', "file", "C:\\a b.ps1"),
        (
            f"powershell -EncodedCommand {encoded('`0`0`0`0 ConvertFrom-Json $code.params')}",
            "bootstrap",
            None,
        ),
    ],
)
def test_decode_command(line: str, kind: str, text: str | None) -> None:
    command = decode_command(line)
    assert command.kind == kind
    assert text is None or command.text == text


@pytest.mark.parametrize(
    "line", ["powershell", "powershell -Frob x", "powershell -EncodedCommand !!!", "powershell -e AAAA"]
)
def test_decode_command_unmodelled(line: str) -> None:
    with pytest.raises(Unmodelled):
        decode_command(line)


def test_decode_encoded_arguments() -> None:
    clixml = (
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0"><LST>'
        "<S>C:\\a &amp; _x005F_x0041_ _xD83D__xDE00_.ps1</S></LST></Obj></Objs>"
    )
    line = f"powershell -NoProfile -InputFormat None -EncodedCommand {BOOTSTRAP} -EncodedArguments {encoded(clixml)}"
    command = decode_command(line)
    assert (command.kind, command.stdin_file) == ("bootstrap", "C:\\a & _x0041_ \U0001f600.ps1")


def test_decode_piped_file() -> None:
    command = decode_command(
        f'type "C:\\t m p\\m.ps1" | PowerShell -NoProfile -EncodedCommand {encoded("x")}'
    )
    assert (command.stdin_file, command.text) == ("C:\\t m p\\m.ps1", "x")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('a "b c" d', ["a", "b c", "d"]),
        ('a\\\\b "c\\\\" e', ["a\\\\b", "c\\", "e"]),
        ('\\"x\\"', ['"x"']),
        ('""', [""]),
        ("", []),
    ],
)
def test_split_windows(line: str, words: list[str]) -> None:
    assert split_windows(line) == words


def stdin(
    actions: list[dict[str, Any]], scripts: dict[str, str] | None = None, *, compress: bool = False
) -> bytes:
    texts = scripts or {}
    manifest = json.dumps(
        {
            "scripts": {
                n: {"path": n, "script": base64.b64encode(t.encode()).decode()} for n, t in texts.items()
            },
            "actions": actions,
        }
    ).encode()
    if compress:
        manifest = base64.b64encode(gzip.compress(manifest))
    bootstrap = {"name": "exec_wrapper", "script": "", "params": {"DecompressInput": compress}}
    return json.dumps(bootstrap).encode() + SEPARATOR + manifest


SCRIPT = "ansible_collections.a.b.plugins.modules.c.ps1"


def module_action(**params: Any) -> dict[str, Any]:
    return {
        "name": "module_wrapper.ps1",
        "params": {"Script": SCRIPT, "ForModule": True, **params},
        "secure_params": {},
    }


def test_arguments_of_both_generations() -> None:
    given = {"x": 1, "_ansible_check_mode": True}
    old = module_action(Variables=[{"Name": "complex_args", "Value": given, "Scope": "Global"}])
    new = {**module_action(ArgumentJSON=json.dumps(given)), "secure_params": {"Secrets": ["s3cret"]}}
    for action, compress, secrets in ((old, False, ()), (new, True, ("s3cret",))):
        invocation = build_invocation(parse_manifest(stdin([action], {SCRIPT: "text"}, compress=compress)))
        assert (invocation.kind, invocation.name, invocation.source) == ("module", "a.b.c", "text")
        assert (invocation.args, invocation.ansible) == ({"x": 1}, {"_ansible_check_mode": True})
        assert invocation.secrets == secrets
        assert "s3cret" not in repr(invocation)


def test_become_and_async() -> None:
    actions = [
        {
            "name": "become_wrapper.ps1",
            "params": {"BecomeUser": "u"},
            "secure_params": {"BecomePassword": "p4ss"},
        },
        {"name": "async_wrapper.ps1", "params": {"AsyncDir": "d", "AsyncJid": "j1", "StartupTimeout": 5}},
        {"name": "async_watchdog.ps1", "params": {"Timeout": 9}},
        {"name": "coverage_wrapper.ps1", "params": {}},
        module_action(),
    ]
    invocation = build_invocation(parse_manifest(stdin(actions, {SCRIPT: ""})))
    assert invocation.become is not None
    assert (invocation.become.user, invocation.become.password) == ("u", "p4ss")
    assert invocation.job is not None
    assert (invocation.job.jid, invocation.job.timeout) == ("j1", 9)
    assert "p4ss" not in repr(invocation)
    assert "p4ss" not in repr(parse_manifest(stdin(actions, {SCRIPT: ""})))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}" + SEPARATOR + b"not json",
        b"{}" + SEPARATOR + b"{}",
        b'{"params": {"DecompressInput": true}}' + SEPARATOR + b"AAAA",
        stdin([{"name": "frob.ps1", "params": {}}]),
        stdin([]),
        stdin([module_action()]),
        stdin([module_action(ArgumentJSON="[1]")], {SCRIPT: ""}),
    ],
)
def test_unknown_manifests(data: bytes) -> None:
    with pytest.raises(Unmodelled):
        build_invocation(parse_manifest(data))


# Journal --------------------------------------------------------------------------------------------------------

SOURCE = """
$spec = @{
    options = @{
        name = @{ type = 'str' }
        chap = @{ type = 'str'; no_log = $true; aliases = @('chap_code', 'cc') }
        nested = @{ type = 'dict'; options = @{ deep = @{ type = 'str'; no_log = $true } } }
    }
}
"""


def test_no_log_names() -> None:
    assert no_log_names(SOURCE) == {"chap", "chap_code", "cc", "deep"}


def test_masker() -> None:
    masker = Masker(no_log_names(SOURCE), ("known-secret",))
    args = {
        "name": "about known-secret here",
        "CC": "hidden1",
        "nested": {"deep": ["hidden2"]},
        "password": "hidden3",
        "update_password": "on_create",
        "password_expired": True,
        "text": "hidden1 and hidden3",
        "sensitive_parameters": [{"name": "S", "username": "hidden-user", "password": "hidden4"}, "odd-one"],
    }
    shown = masker.arguments(args)
    assert "hidden" not in json.dumps(shown).replace("hidden-user", "")
    assert shown["name"] == f"about {MASK} here"
    assert shown["update_password"] == "on_create"
    assert shown["password_expired"] is True
    assert shown["sensitive_parameters"] == [{"name": "S"}, MASK]
    assert masker.value(("hidden4", {"a": ["hidden4"]}, 4)) == [MASK, {"a": [MASK]}, 4]


def test_journal() -> None:
    journal = Journal()
    journal.add("command", "a", kind="raw")
    journal.mark("m")
    second = journal.add("event", "b", event="reboot")
    assert [e["host"] for e in journal.entries(since="m")] == ["b"]
    assert journal.entries(since=second["seq"]) == []
    assert [e["type"] for e in journal.entries(host="a")] == ["command"]
    with pytest.raises(KeyError):
        journal.entries(since="nothing")
    assert journal.counters(["a", "b"])["b"]["reboots"] == 1
    journal.clear("a")
    assert journal.entries(host="a") == []
    journal.clear()
    assert journal.entries() == []


# Faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "nothing"},
        {"kind": "down", "seconds": 1},
        {"kind": "latency"},
        {"kind": "latency", "seconds": -1},
        {"kind": "latency", "seconds": "soon"},
        {"kind": "drop", "when": "never"},
        {"kind": "drop", "command": 0},
        {"kind": "cmdlet_error"},
        {"kind": "cmdlet_error", "cmdlet": "X", "hresult": "zzz"},
    ],
)
def test_bad_faults(spec: dict[str, Any]) -> None:
    with pytest.raises(BadFault):
        HostFaults().inject(spec)


def test_drop_at_command() -> None:
    faults = HostFaults()
    faults.inject({"kind": "drop", "command": 2, "times": 2})
    hits = [faults.next_command() for _ in range(4)]
    assert [hit.kind if hit else None for hit in hits] == [None, "drop", "drop", None]
    assert faults.list() == []


def test_cmdlet_error() -> None:
    faults = HostFaults()
    faults.inject({"kind": "cmdlet_error", "cmdlet": "New-X", "times": 1, "hresult": 0x80070005})
    assert faults.cmdlet_error("Get-X") is None
    error: Any = faults.cmdlet_error("new-x")
    assert (error.hresult, error.error_id) == (0x80070005, "InjectedFault,New-X")
    assert faults.cmdlet_error("new-x") is None


# Worlds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: {}", "at least one host"),
        ("[1]", "at least one host"),
        ("hosts: {'a b': {}}", "part of a URL"),
        ("hosts: {a: 5}", "not a mapping"),
        ("hosts: {a: {listen: nowhere}}", "listen"),
        ("hosts: {a: {listen: 127.0.0.1}}", "address of its own"),
        ("hosts: {a: {listen: 127.0.9.9}, b: {listen: 127.0.9.9}}", "also that of a"),
        ("hosts: {a: {frob: 1}}", "frob"),
        ("hosts: {a: {os: 2008}}", "2008"),
        ("hosts: {a: {winrm: {frob: 1}}}", "frob"),
        ("hosts: {a: {winrm: {auth: [magic]}}}", "winrm.auth"),
        ("hosts: {a: {winrm: {transport: smoke}}}", "winrm.transport"),
        ("hosts: {a: [", "hosts.yml"),
    ],
)
def test_bad_worlds(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(text)
    with pytest.raises(BadWorld, match=words):
        World.load(path)


def test_no_hosts_file(tmp_path: Path) -> None:
    with pytest.raises(BadWorld):
        World.load(tmp_path / "none.yml")


# Messages and certificates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT20S", 20), ("PT20.500S", 20.5), ("PT1M", 60), ("P1DT1H", 90000)]
)
def test_durations(text: str, seconds: float) -> None:
    assert wsman.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "PT", "P", "PTxS"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(wsman.BadMessage):
        wsman.parse_duration(text)


def test_certificates(tmp_path: Path) -> None:
    assert isinstance(tls.server_context(tmp_path, ["localhost", "127.0.0.1"]), ssl.SSLContext)
    authority = (tmp_path / "ca.pem").read_bytes()
    tls.server_context(tmp_path, ["other"])
    assert (tmp_path / "ca.pem").read_bytes() == authority
    certificate = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["other"]
    (tmp_path / "ca.key").write_bytes((tmp_path / "server.key").read_bytes())
    tls.server_context(tmp_path, ["other"])
    assert (tmp_path / "ca.pem").read_bytes() != authority


class Colour(Enum):
    RED = 1


class Thing:
    def __init__(self) -> None:
        self.name = "x"
        self.me = self
        self.action = print
        self._hidden = 1


def test_plain() -> None:
    value = {
        "colour": Colour.RED,
        "bytes": b"abc",
        "when": datetime(2026, 1, 2),
        "span": timedelta(seconds=5),
        "set": {"b", "a"},
        "thing": Thing(),
        "bare": object(),
    }
    shown = control.plain(value)
    assert shown["colour"] == "RED"
    assert shown["bytes"] == {"bytes": 3}
    assert (shown["when"], shown["span"], shown["set"]) == ("2026-01-02T00:00:00", 5.0, ["a", "b"])
    assert shown["thing"] == {"name": "x", "me": None}

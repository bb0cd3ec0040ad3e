# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pywinrm and bare HTTP against the server: operations, limits, faults, authentication."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError

from winsim import wsman
from winsim.testing import Running


def run(protocol: Any, line: str, *arguments: str) -> tuple[bytes, bytes, int]:
    shell = protocol.open_shell()
    command = protocol.run_command(shell, line, arguments)
    output: tuple[bytes, bytes, int] = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    return output


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("http", {}),
        ("https", {"transport": "ssl"}),
        ("http", {"transport": "ntlm"}),
        ("http", {"transport": "ntlm", "message_encryption": "never"}),
        ("https", {"transport": "ntlm"}),
    ],
)
def test_transports(sim: Running, scheme: str, options: dict[str, Any]) -> None:
    stdout, stderr, rc = run(sim.protocol("one", scheme, **options), "echo", "hello", "there")
    assert (stdout, stderr, rc) == (b"hello there\r\n", b"", 0)
    assert not sim.server.shells["one"]


def test_password_outside_ascii(sim: Running) -> None:
    """Basic has no agreed character set: requests sends Latin-1 where it can, curl UTF-8."""
    sim.machine("one").users["Administrator"] = "Gr\u00fc\u00dfe!"
    assert run(sim.protocol(), "hostname")[2] == 0
    assert run(sim.protocol(transport="ntlm"), "hostname")[2] == 0
    sim.machine("one").users["Administrator"] = "\u4f60\u597d"
    assert run(sim.protocol(password="\u4f60\u597d".encode()), "hostname")[2] == 0


@pytest.mark.parametrize(
    ("host", "user"),
    [
        ("one", "administrator"),
        ("one", "WIN-ONE\\Administrator"),
        ("one", ".\\Administrator"),
        ("two", "CORP\\Administrator"),
        ("two", "Administrator@corp.example"),
    ],
)
@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_user_names(sim: Running, host: str, user: str, transport: str) -> None:
    protocol = sim.protocol(host, username=user, transport=transport)
    assert run(protocol, "whoami")[0].strip().endswith(b"\\administrator")


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
@pytest.mark.parametrize(
    ("user", "password"), [("Administrator", "wrong"), ("nobody", "x"), ("OTHER\\Administrator", None)]
)
def test_wrong_credentials(sim: Running, transport: str, user: str, password: str | None) -> None:
    options = {"transport": transport, "username": user}
    if password is not None:
        options["password"] = password
    with pytest.raises(InvalidCredentialsError):
        run(sim.protocol("one", **options), "hostname")
    assert not sim.journal.entries(types=("command",))


def test_negotiate_only(sim: Running) -> None:
    with pytest.raises(InvalidCredentialsError):
        run(sim.protocol("negotiate"), "hostname")
    assert run(sim.protocol("negotiate", transport="ntlm"), "hostname")[2] == 0


def test_own_address(sim: Running) -> None:
    url = f"http://127.0.77.1:{sim.ports['http']}/wsman"
    from winrm.protocol import Protocol

    password = sim.machine("one").users["Administrator"]
    protocol = Protocol(url, transport="basic", username="Administrator", password=password, proxy=None)
    assert run(protocol, "hostname")[0] == b"WIN-ONE\r\n"


def test_session_class(sim: Running) -> None:
    """winrm.Session of pywinrm, which knows only /wsman: by the host's own address."""
    import winrm

    session = winrm.Session(
        f"http://127.0.77.1:{sim.ports['http']}/wsman",
        auth=("Administrator", sim.machine("one").users["Administrator"]),
        proxy=None,
    )
    result = session.run_ps("Write-Output $env:COMPUTERNAME; Write-Error 'careful'")
    assert (result.std_out, result.status_code) == (b"WIN-ONE\r\n", 1)
    assert b"careful" in result.std_err


def test_shell_settings(sim: Running) -> None:
    protocol = sim.protocol()
    shell = protocol.open_shell(working_directory="C:\\Windows", env_vars={"COLOUR": "blue"})
    command = protocol.run_command(shell, "echo %COLOUR% & cd")
    assert protocol.get_command_output(shell, command)[0] == b"blue \r\nC:\\Windows\r\n"
    protocol.close_shell(shell)


def test_send_and_receive(sim: Running) -> None:
    """A command that waits for input: timeouts are answered, then the manifest arrives in pieces."""
    protocol = sim.protocol(operation_timeout_sec=1, read_timeout_sec=5)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "powershell -EncodedCommand", [BOOTSTRAP], console_mode_stdin=False)
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)
    protocol.send_command_input(shell, command, b'{"params": {}}\n\0\0\0\0\n')
    protocol.send_command_input(shell, command, b'{"scripts": {}, "actions": []}', end=True)
    stdout, stderr, rc = protocol.get_command_output(shell, command)
    assert (stdout, rc) == (b"", 1)
    assert b"not modelled" in stderr
    with pytest.raises(WSManFaultError):
        protocol.send_command_input(shell, command, b"more", end=True)
    assert len(sim.server.executor.unmodelled_seen) == 1


BOOTSTRAP = base64.b64encode("`0`0`0`0 ConvertFrom-Json $code.params".encode("utf-16-le")).decode()


def test_large_output(sim: Running) -> None:
    """Output larger than an envelope comes in several Receives."""
    sim.machine("one").host.files.write("C:\\big.txt", b"0123456789abcdef" * 30000)
    stdout, _, rc = run(sim.protocol(), "type C:\\big.txt")
    assert (len(stdout), rc) == (480000, 0)
    receives = [e for e in sim.journal.entries(types=("http",)) if e["operation"] == "Receive"]
    assert len(receives) > 3
    assert max(e["response_bytes"] for e in receives) <= 153600


def test_not_found(sim: Running) -> None:
    protocol = sim.protocol()
    shell = protocol.open_shell()
    protocol.close_shell(shell)
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command(shell, "hostname")
    assert caught.value.wsman_fault_code == wsman.SHELL_NOT_FOUND
    shell = protocol.open_shell()
    with pytest.raises(WSManFaultError) as caught:
        protocol.get_command_output_raw(shell, str(uuid.uuid4()))
    assert caught.value.wsman_fault_code == wsman.SHELL_NOT_FOUND
    with pytest.raises(WSManFaultError):
        protocol.cleanup_command(shell, str(uuid.uuid4()))


def test_quotas(sim: Running) -> None:
    protocol = sim.protocol("tight")
    shells = [protocol.open_shell() for _ in range(3)]
    with pytest.raises(WSManFaultError) as caught:
        protocol.open_shell()
    assert caught.value.wmierror_code == wsman.QUOTA_MAX_SHELLS
    for _ in range(2):
        protocol.run_command(shells[0], "hostname")
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command(shells[0], "hostname")
    assert caught.value.wmierror_code == wsman.QUOTA_MAX_OPERATIONS
    assert protocol.run_command(shells[1], "hostname")


def post(sim: Running, body: bytes, path: str = "/wsman/one", **headers: str) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    password = sim.machine("one").users["Administrator"]
    return session.post(
        f"http://127.0.0.1:{sim.ports['http']}{path}",
        data=body,
        headers=headers,
        auth=("Administrator", password),
    )


def test_bad_messages(sim: Running) -> None:
    assert post(sim, b"", "/wsman/nosuch").status_code == 404
    assert post(sim, b"", "/other").status_code == 404
    assert post(sim, b"").status_code == 200
    for body in (
        b"not xml",
        b"<x/>",
        b"<!DOCTYPE a><x/>",
        envelope("", header=False),
        envelope("urn:x", timeout="soon"),
    ):
        answer = post(sim, body)
        assert answer.status_code == 500
        assert b"Fault" in answer.content
    answer = post(sim, envelope("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"))
    assert b"not supported" in answer.content
    assert sim.client.call("GET", "/unmodelled")
    session = requests.Session()
    session.trust_env = False
    answer = session.get(f"http://127.0.0.1:{sim.ports['http']}/wsman/one")
    assert answer.status_code == 405


def envelope(action: str, body: str = "", *, header: bool = True, timeout: str = "PT5S") -> bytes:
    head = (
        f"<s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID>"
        f"<w:OperationTimeout>{timeout}</w:OperationTimeout>"
        f'<w:SelectorSet><w:Selector Name="ShellId">x</w:Selector></w:SelectorSet></s:Header>'
    )
    return (
        f'<s:Envelope xmlns:s="{wsman.S}" xmlns:a="{wsman.A}" xmlns:w="{wsman.W}" xmlns:rsp="{wsman.RSP}">'
        f"{head if header else ''}<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def test_incomplete_bodies(sim: Running) -> None:
    protocol = sim.protocol()
    shell = protocol.open_shell()
    for action in (wsman.CREATE, wsman.COMMAND, wsman.SEND, wsman.RECEIVE, wsman.SIGNAL):
        message = envelope(action).replace(b">x</w:Selector>", f">{shell}</w:Selector>".encode())
        answer = post(sim, message)
        assert answer.status_code == 500
        assert str(wsman.INVALID_MESSAGE).encode() in answer.content


def test_identify(sim: Running) -> None:
    body = f'<s:Envelope xmlns:s="{wsman.S}" xmlns:i="{wsman.IDENTIFY}"><s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>'
    answer = post(sim, body.encode())
    assert b"Microsoft Corporation" in answer.content


def test_authentication_header_garbage(sim: Running) -> None:
    for value in (
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Negotiate !!!",
        "Kerberos abc",
        "NTLM AAAA",
    ):
        request = urllib.request.Request(sim.url("one"), data=b"<x/>", headers={"Authorization": value})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(request)
        assert caught.value.code == 401
        offers = caught.value.headers.get_all("WWW-Authenticate")
        assert "Negotiate" in offers


def test_broken_encryption(sim: Running) -> None:
    """A sealed message that was damaged on the way is refused with 400."""
    protocol = sim.protocol("one", transport="ntlm")
    shell = protocol.open_shell()
    encryption = protocol.transport.encryption
    original = encryption._build_message
    encryption._build_message = lambda message, host: original(message, host)[:-1] + b"\0"
    with pytest.raises(Exception, match="400"):
        protocol.run_command(shell, "hostname")


# Injected faults ------------------------------------------------------------------------------------------------


def inject(sim: Running, host: str, kind: str, **options: Any) -> None:
    sim.client.call("POST", "/fault", {"host": host, "kind": kind, **options})


def test_fault_drop(sim: Running) -> None:
    inject(sim, "one", "drop", command=2)
    protocol = sim.protocol()
    assert run(protocol, "hostname")[2] == 0
    with pytest.raises(requests.exceptions.ConnectionError):
        run(protocol, "mkdir C:\\before")
    assert not sim.machine("one").host.files.exists("C:\\before")
    assert run(sim.protocol(), "hostname")[2] == 0


def test_fault_drop_after(sim: Running) -> None:
    inject(sim, "one", "drop", when="after")
    with pytest.raises(requests.exceptions.ConnectionError):
        run(sim.protocol(), "mkdir C:\\after")
    assert sim.machine("one").host.files.exists("C:\\after")


def test_fault_latency_and_slow(sim: Running) -> None:
    inject(sim, "one", "latency", seconds=0.1)
    inject(sim, "one", "slow", seconds=1.2)
    started = time.monotonic()
    stdout, _, _ = run(sim.protocol(operation_timeout_sec=1, read_timeout_sec=5), "hostname")
    assert stdout == b"WIN-ONE\r\n"
    assert time.monotonic() - started > 1.6
    statuses = [e["status"] for e in sim.journal.entries(types=("http",)) if e["operation"] == "Receive"]
    assert statuses == [500, 200]


def test_fault_access_denied_and_down(sim: Running) -> None:
    inject(sim, "one", "access_denied")
    with pytest.raises(InvalidCredentialsError):
        run(sim.protocol(), "hostname")
    sim.client.call("DELETE", "/faults")
    inject(sim, "one", "down")
    with pytest.raises(requests.exceptions.ConnectionError):
        run(sim.protocol(), "hostname")
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        requests.post(f"http://127.0.77.1:{sim.ports['http']}/wsman", timeout=3, proxies={"http": ""})
    assert "refused" in str(caught.value)
    assert run(sim.protocol("two"), "hostname")[2] == 0
    sim.client.call("DELETE", "/faults?host=one&kind=down")
    assert run(sim.protocol(), "hostname")[2] == 0


def test_fault_reboot(sim: Running) -> None:
    before = sim.machine("slowboot").host.boot_time
    protocol = sim.protocol("slowboot")
    shell = protocol.open_shell()
    started = time.monotonic()
    inject(sim, "slowboot", "reboot")
    assert time.monotonic() - started > 1.9
    assert sim.machine("slowboot").host.boot_time > before
    protocol.close_shell(shell)
    inject(sim, "one", "reboot", command=1, when="after")
    with pytest.raises(requests.exceptions.ConnectionError):
        run(sim.protocol(), "mkdir C:\\kept")
    assert sim.machine("one").host.files.exists("C:\\kept")
    counters = sim.client.call("GET", "/counters")
    assert (counters["one"]["reboots"], counters["slowboot"]["reboots"]) == (1, 1)


def test_scheduled_shutdown(sim: Running) -> None:
    protocol = sim.protocol("slowboot")
    assert run(protocol, "shutdown /a")[2] == 1116
    assert run(protocol, "shutdown /r /t 60")[2] == 0
    assert run(protocol, "shutdown /r /t 60")[2] == 1190
    assert run(protocol, "shutdown /a")[2] == 0
    assert not sim.server._shutdowns
    assert sim.machine("slowboot").host.reboots == 0


def test_http_200_for_deleted_lost_shell(sim: Running) -> None:
    protocol = sim.protocol("one")
    shell = protocol.open_shell()
    inject(sim, "one", "reboot")
    # The reboot took the connection too.
    protocol = sim.protocol("one")
    protocol.close_shell(shell)
    with pytest.raises(WSManFaultError):
        protocol.close_shell(shell)


# testinfra ------------------------------------------------------------------------------------------------------


def test_testinfra(sim: Running) -> None:
    """testinfra's winrm backend: NTLM with message encryption, always /wsman."""
    testinfra = pytest.importorskip("testinfra")
    from urllib.parse import quote

    password = quote(sim.machine("one").users["Administrator"], safe="")
    sim.machine("one").host.files.mkdir("C:\\Data")
    host = testinfra.get_host(
        f"winrm://Administrator:{password}@127.0.77.1:{sim.ports['http']}?no_ssl=true&no_verify_ssl=true"
    )
    assert host.run("echo hello").stdout.strip() == "hello"
    assert host.system_info.type == "windows"
    assert host.system_info.distribution == "Microsoft Windows Server 2022 Datacenter"
    assert host.system_info.arch == "AMD64"
    assert host.file("C:\\Data").exists
    assert not host.file("C:\\None").exists
    assert host.service("WinRM").is_running
    assert host.service("WinRM").is_enabled
    assert sim.client.call("GET", "/unmodelled") == []

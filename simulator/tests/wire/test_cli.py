# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: a real process, its state directory, and the control endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from winsim import cli
from winsim.control import Client, ControlError
from winsim.testing import Running

HOSTS = """
hosts:
  alpha: {computer_name: WIN-ALPHA, users: {Administrator: "Pass:w0rd#1"}, listen: 127.0.78.1}
  beta: {computer_name: WIN-BETA, users: {Admin: "x y'z"}, winrm: {transport: ntlm}}
"""


@pytest.fixture
def winsim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Run a command in this process: (status, stdout, stderr)."""
    monkeypatch.setenv("WINSIM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(cli.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    )
    for name in ("HTTP", "HTTPS", "CONTROL"):
        monkeypatch.setenv(f"WINSIM_{name}_PORT", "0")
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(HOSTS)
    monkeypatch.setenv("WINSIM_HOSTS", str(hosts))

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(list(arguments))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def daemon(winsim: Callable[..., Any], tmp_path: Path) -> Iterator[dict[str, Any]]:
    status, out, err = winsim(
        "serve", "--daemon", "--http-port", "0", "--https-port", "0", "--control-port", "0"
    )
    assert status == 0, err
    assert "2 hosts on 127.0.0.1" in out
    ports: dict[str, Any] = json.loads((tmp_path / "state" / "ports.json").read_text())
    yield ports
    if (tmp_path / "state" / "pid").exists():
        winsim("stop")


def post(url: str, **options: Any) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.post(url, **options)


def test_life(winsim: Callable[..., Any], daemon: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "state"
    for name in ("ca.key", "server.key", "control-token", "ports.json"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
    assert int((state / "pid").read_text()) == daemon["pid"]
    for address in ("127.0.0.1", "localhost", "127.0.78.1"):
        url = f"https://{address}:{daemon['https']}/wsman/alpha"
        assert post(url, verify=daemon["ca"]).status_code == 401
    status, _, err = winsim("serve")
    assert status == 1
    assert "runs already" in err
    status, out, _ = winsim("stop")
    assert (status, out) == (0, "winsim: stopped\n")
    assert not (state / "pid").exists()
    status, _, err = winsim("stop")
    assert status == 1
    assert "no simulator runs" in err


def test_readers(winsim: Callable[..., Any], daemon: dict[str, Any]) -> None:
    state = json.loads(winsim("state")[1])
    assert state["alpha"]["os"]["release"] == "2022"
    assert "Pass:w0rd#1" not in json.dumps(state)
    assert list(json.loads(winsim("state", "--host", "beta")[1])) == ["beta"]
    post(f"http://127.0.0.1:{daemon['http']}/wsman/alpha", data=b"x")
    assert winsim("mark", "later")[0] == 0
    journal = json.loads(winsim("journal", "--host", "alpha", "--types", "http")[1])
    assert [entry["status"] for entry in journal] == [401]
    assert json.loads(winsim("journal", "--since", "later")[1]) == []
    assert json.loads(winsim("counters")[1])["alpha"]["http_requests"] == 1
    assert json.loads(winsim("counters", "--since", "later")[1])["alpha"]["http_requests"] == 0
    assert winsim("journal", "--since", "never")[0] == 1
    status, _, err = winsim("state", "--host", "gamma")
    assert status == 1
    assert "gamma" in err
    assert winsim("mark", "12")[0] == 1


def test_faults_and_reset(winsim: Callable[..., Any], daemon: dict[str, Any]) -> None:
    status, out, _ = winsim("fault", "drop", "--host", "alpha", "--command", "3", "--when", "after")
    assert status == 0
    assert json.loads(out) == {"alpha": [{"kind": "drop", "when": "after", "command": 3, "times": 1}]}
    winsim(
        "fault",
        "cmdlet_error",
        "--cmdlet",
        "New-IscsiVirtualDisk",
        "--hresult",
        "0x80070005",
        "--message",
        "no",
    )
    listed = json.loads(winsim("fault", "list", "--host", "beta")[1])["beta"]
    assert (listed[0]["hresult"], listed[0]["message"]) == (0x80070005, "no")
    nothing = ("fault", "wmi_null", "--class", "WT_Host", "--property", "Enabled", "--times", "2")
    assert json.loads(winsim(*nothing, "--host", "alpha")[1])["alpha"][-1]["property"] == "Enabled"
    assert winsim("fault", "latency")[0] == 1
    assert winsim("fault", "latency", "--seconds", "1", "--cmdlet", "x")[0] == 1
    assert json.loads(winsim("fault", "clear")[1]) == {"alpha": [], "beta": []}
    assert json.loads(winsim("reset")[1]) == ["alpha", "beta"]
    assert json.loads(winsim("reset", "--host", "beta", "--keep-journal")[1]) == ["beta"]
    assert json.loads(winsim("unmodelled")[1]) == []


def test_unmodelled_status(winsim: Callable[..., Any], daemon: dict[str, Any]) -> None:
    body = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header><a:Action>urn:x</a:Action></s:Header>'
        "<s:Body/></s:Envelope>"
    )
    auth = ("Administrator", "Pass:w0rd#1")
    post(f"http://127.0.0.1:{daemon['http']}/wsman/alpha", data=body, auth=auth)
    assert winsim("unmodelled")[0] == 3
    assert winsim("unmodelled", "--clear")[0] == 0
    assert winsim("unmodelled")[0] == 0
    post(f"http://127.0.0.1:{daemon['http']}/wsman/alpha", data=body, auth=auth)
    status, _, err = winsim("stop")
    assert status == 3
    assert "urn:x" in err


@pytest.mark.parametrize("form", ["yaml", "ini"])
def test_inventory(winsim: Callable[..., Any], daemon: dict[str, Any], tmp_path: Path, form: str) -> None:
    target = tmp_path / f"inventory.{form}"
    assert winsim("inventory", "--format", form, "--output", str(target))[0] == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    env = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    program = Path(sys.executable).with_name("ansible-inventory")
    if not program.exists():
        pytest.skip("ansible-core is not installed beside this Python")
    done = subprocess.run(
        [program, "-i", target, "--list"], capture_output=True, text=True, env=env, check=True
    )
    listed = json.loads(done.stdout)
    hosts = listed["_meta"]["hostvars"]
    assert (hosts["alpha"]["ansible_password"], hosts["beta"]["ansible_password"]) == ("Pass:w0rd#1", "x y'z")
    assert hosts["alpha"]["ansible_host"] == "127.0.78.1"
    assert hosts["alpha"]["ansible_winrm_scheme"] == "https"
    assert hosts["beta"]["ansible_winrm_transport"] == "ntlm"
    assert int(hosts["beta"]["ansible_port"]) == daemon["http"]
    assert set(listed["windows"]["children"]) == {"windows_https", "windows_ntlm"}


def test_inventory_transport(winsim: Callable[..., Any], daemon: dict[str, Any]) -> None:
    data = yaml.safe_load(winsim("inventory", "--transport", "http")[1])
    assert list(data["all"]["children"]["windows"]["children"]) == ["windows_http"]


def test_inventory_is_of_the_hosts_that_are_served(
    winsim: Callable[..., Any], daemon: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WINSIM_HOSTS", str(tmp_path / "gone.yml"))
    status, text, err = winsim("inventory", "--transport", "ntlm")
    assert status == 0, err
    assert set(yaml.safe_load(text)["all"]["children"]["windows"]["children"]["windows_ntlm"]["hosts"]) == {
        "alpha",
        "beta",
    }
    other = tmp_path / "other.yml"
    other.write_text("hosts: {gamma: {users: {A: b}}}")
    assert "gamma" in winsim("inventory", "--hosts", str(other))[1]


def test_bad_hosts_file(winsim: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("hosts: {a: {listen: 10.0.0.1}}")
    status, _, err = winsim("serve")
    assert status == 1
    assert "loopback" in err
    status, _, err = winsim(
        "serve", "--daemon", "--http-port", "0", "--https-port", "0", "--control-port", "0"
    )
    assert status == 1
    assert "did not start" in err
    assert "loopback" in err


def test_foreground(winsim: Callable[..., Any], tmp_path: Path) -> None:
    """``winsim serve`` ends on SIGTERM with status 0 and leaves nothing that says it runs."""
    command = [
        sys.executable,
        "-m",
        "winsim",
        "serve",
        "--http-port",
        "0",
        "--https-port",
        "0",
        "--control-port",
        "0",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    ends = time.monotonic() + 20
    while not (tmp_path / "state" / "pid").exists() and time.monotonic() < ends:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "2 hosts" in err
    assert not (tmp_path / "state" / "ports.json").exists()


def test_serve_in_process(winsim: Callable[..., Any], tmp_path: Path) -> None:
    """The same in this process: ready is told through a descriptor, `stop` from another thread ends it."""
    reading, writing = os.pipe()
    said: list[str] = []

    def stop() -> None:
        said.append(os.read(reading, 5).decode())
        Client(tmp_path / "state").call("POST", "/stop", {})

    thread = threading.Thread(target=stop)
    thread.start()
    status, _, _ = winsim("serve", "--ready-fd", str(writing))
    thread.join(20)
    os.close(reading)
    assert (status, said) == (0, ["ready"])
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [
        "ca.key",
        "ca.pem",
        "server.key",
        "server.pem",
    ]


def test_stop_after_a_crash(winsim: Callable[..., Any], daemon: dict[str, Any], tmp_path: Path) -> None:
    os.kill(daemon["pid"], signal.SIGKILL)
    ends = time.monotonic() + 10
    while cli._alive(daemon["pid"]) and time.monotonic() < ends:
        time.sleep(0.05)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(daemon["pid"], os.WNOHANG)
    status, out, _ = winsim("stop")
    assert status == 0
    assert "ended already" in out
    assert winsim("serve", "--daemon")[0] == 0


def test_port_in_use(winsim: Callable[..., Any], simulator: Running) -> None:
    status, _, err = winsim("serve", "--http-port", str(simulator.ports["http"]))
    assert status == 1
    assert "address already in use" in err


def test_control_is_guarded(sim: Running) -> None:
    answer = requests.get(f"http://127.0.0.1:{sim.ports['control']}/state", proxies={"http": ""}, timeout=5)
    assert answer.status_code == 403
    with pytest.raises(ControlError, match="frob"):
        sim.client.call("POST", "/fault", {"kind": "frob"})
    with pytest.raises(ControlError):
        sim.client.call("POST", "/mark", {"name": ""})
    with pytest.raises(ControlError, match="404"):
        sim.client.call("GET", "/nothing")
    assert sim.client.call("GET", "/ports") == sim.ports


def test_client_without_server(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"control": 9}')
    (tmp_path / "control-token").write_text("x")
    with pytest.raises(ControlError, match="does not answer"):
        Client(tmp_path).call("GET", "/ports")


def test_reset_restores_the_host(sim: Running) -> None:
    host = sim.machine("one").host
    host.files.mkdir("C:\\made")
    sim.client.call("POST", "/reset", {"host": "one"})
    assert not sim.machine("one").host.files.exists("C:\\made")
    assert sim.machine("one").host is not host

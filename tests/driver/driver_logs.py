# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PowerShell writes down about itself: on Windows in the event log, elsewhere by syslog, caught here.

The texts are the same: script blocks are event 4104, what a cmdlet was given is event 4103. PowerShell on Linux writes to
/dev/log. It gets one of our own, in a mount namespace that ends with the process.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

# Files of /dev that PowerShell and the shell around it need.
_DEVICES = ("null", "zero", "random", "urandom", "tty", "full")
_INSIDE = """set -e
dev=$1; shift
for name in {devices}; do [ ! -e /dev/$name ] || mount --bind /dev/$name $dev/$name; done
mount --rbind $dev /dev
exec "$@"
"""
_EVERYTHING = {
    "LogLevel": "Verbose",
    "PowerShellPolicies": {
        "ScriptBlockLogging": {"EnableScriptBlockLogging": True, "EnableScriptBlockInvocationLogging": True},
        "ModuleLogging": {"EnableModuleLogging": True, "ModuleNames": ["*"]},
    },
}
# As PowerShell comes; warnings are script blocks with suspicious words.
_DEFAULT = {"LogLevel": "Warning"}


def no_logs() -> str:
    """Return why nothing can be caught here; empty if it can."""
    if shutil.which("unshare") is None:
        return "no unshare to give PowerShell a /dev/log"
    command = ["unshare", "--map-root-user", "--mount", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"no mount namespace to be had: {done.stderr.strip()}" if done.returncode else ""


def logged(
    command: Sequence[str], stdin: bytes, environment: dict[str, str], *, everything: bool
) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """Run a PowerShell command line; return how it ended and what it wrote to the log."""
    with tempfile.TemporaryDirectory() as folder:
        dev, settings = Path(folder, "dev"), Path(folder, "powershell.config.json")
        dev.mkdir()
        for name in _DEVICES:
            (dev / name).touch()
        (dev / "shm").mkdir()
        settings.write_text(json.dumps(_EVERYTHING if everything else _DEFAULT))
        with _Syslog(dev / "log") as syslog:
            script = _INSIDE.format(devices=" ".join(_DEVICES))
            around = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(dev)]
            inner = [command[0], "-SettingsFile", str(settings), *command[1:]]
            done = subprocess.run(
                [*around, *inner], input=stdin, capture_output=True, check=False, env=environment, timeout=120
            )
        return done, syslog.text()


class _Syslog:
    """A socket that takes what is written to /dev/log."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**24)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._path = path
        self._taken: list[bytes] = []
        self._thread = threading.Thread(target=self._take)

    def _take(self) -> None:
        while data := self._socket.recv(2**20):
            self._taken.append(data)

    def __enter__(self) -> _Syslog:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        # An empty datagram comes behind all others.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self._path))
        self._thread.join()
        self._socket.close()

    def text(self) -> str:
        """Return everything that was written."""
        return b"\n".join(self._taken).decode("utf-8", "replace")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PowerShell on this machine, spoken to as the winrm connection speaks to a Windows host."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import tempfile
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.shell.powershell import _common_args
from ansible.utils.display import Display

DOCUMENTATION = """
name: pwsh_here
short_description: A PowerShell on this machine, spoken to as to a Windows host
description:
  - Runs each command in a process of its own, as the winrm connection does, with what goes to its standard input.
author: Contributors to the Winstack project (@winstack)
options:
  pwsh:
    description: The program.
    default: pwsh
    vars: [{name: ansible_pwsh_here_program}]
  log:
    description: A file that gets one line of JSON a command, with its bytes and processor time. None if empty.
    default: ""
    vars: [{name: ansible_pwsh_here_log}]
"""

display = Display()
PREFIX = " ".join([*_common_args, "-EncodedCommand "])


class Connection(ConnectionBase):
    """Sends nothing anywhere."""

    transport = "pwsh_here"
    module_implementation_preferences = (".ps1", ".exe", "")
    allow_executable = False
    has_pipelining = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Be what winrm is to Ansible."""
        self.always_pipeline_modules = True
        self.has_native_async = True
        self._shell_type = "powershell"
        super().__init__(*args, **kwargs)

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a command line; one that is no PowerShell command yet becomes one."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if not cmd.startswith(PREFIX):
            cmd = PREFIX + base64.b64encode(cmd.encode("utf-16-le")).decode("ascii")
        argv = [self.get_option("pwsh"), *shlex.split(cmd)[1:]]
        # What winrm.py shows.
        display.vvvvv(f"EXEC {argv[0]!r} {argv[1:]!r}")
        status, stdout, stderr, seconds = _run(argv, in_data or b"")
        display.vvvvv(f"RESULT <Response code {status}, out {stdout!r}, err {stderr!r}>")
        if log := self.get_option("log"):
            told = {
                "command": len(cmd),
                "sent": len(in_data or b""),
                "back": len(stdout),
                "cpu": round(seconds, 2),
            }
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{json.dumps(told)}\n")
        return status, stdout, stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Refuse: neither way needs a file."""
        raise AnsibleConnectionFailure(f"{in_path} would be copied to the host")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Refuse: neither way needs a file."""
        raise AnsibleConnectionFailure(f"{in_path} would be fetched from the host")

    def close(self) -> None:
        """Forget the connection."""
        self._connected = False


def _run(argv: list[str], stdin: bytes) -> tuple[int, bytes, bytes, float]:
    """Return exit code, both outputs and the seconds of processor time."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=err)
        assert process.stdin is not None
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return process.returncode, out.read(), err.read(), usage.ru_utime + usage.ru_stime

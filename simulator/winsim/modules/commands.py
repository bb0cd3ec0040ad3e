# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_command, win_shell and win_powershell.

What a program or a PowerShell text does is ``winsim.shellcmds``' business; this file models the modules around it.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from winsim.cmdlets.trace import trace
from winsim.errors import ModuleFailure, Unmodelled
from winsim.modules import environment_of, module
from winsim.programs import PROGRAMS
from winsim.psspec import read_spec

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext
    from winsim.shellcmds import Output, Session

POWERSHELL = "powershell"
_CLIXML = re.compile(r"#< CLIXML(?P<noise>.*?)(?P<xml><Objs.+</Objs>)", re.DOTALL)
_ERRORS = re.compile(r'<S S="Error">(.*?)</S>', re.DOTALL)


def session(host: Host, ctx: ModuleContext, directory: str | None) -> Session:
    """Where the module's child process runs."""
    from winsim.shellcmds import Session

    environment = {key: str(value) for key, value in ctx.environment.items()}
    user = ctx.become_user or ctx.user or host.user
    return Session(host, user, environment, directory, ctx.reboot, ctx.become_user is None, ctx.sleep)


def _exists(host: Host, pattern: str) -> bool:
    """Test-AnsiblePath: wildcards are looked up in their directory."""
    if not re.search(r"[*?]", pattern):
        return host.files.exists(pattern) or (
            pattern.upper().startswith("HK") and host.registry.exists(pattern)
        )
    folder, name = ntpath.split(pattern.replace("/", "\\"))
    form = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", ".") + r"\Z", re.IGNORECASE)
    return host.files.is_dir(folder) and any(form.match(node.name) for node in host.files.list(folder))


def _skipped(host: Host, params: dict[str, Any]) -> str | None:
    creates, removes = params.get("creates"), params.get("removes")
    if creates and _exists(host, creates):
        return f"skipped, since {creates} exists"
    if removes and not _exists(host, removes):
        return f"skipped, since {removes} does not exist"
    return None


def first_word(line: str) -> str:
    """The program of a command line, as CreateProcess finds it."""
    match = re.match(r'\s*(?:"([^"]+)"|(\S+))', line)
    return (match[1] or match[2]) if match else ""


def resolve(host: Host, ctx: ModuleContext, program: str, directory: str | None) -> str | None:
    """The full path of a program: as given, along PATH, or in the working directory; ``.exe`` may be missing."""
    program = with_extension(program)
    path = next((v for k, v in environment_of(ctx).items() if k.upper() == "PATH"), "")
    folders = [""] if ntpath.isabs(program) else [*path.split(";"), directory or "C:\\Windows\\System32"]
    for folder in folders:
        full = ntpath.join(folder, program) if folder else program
        if host.files.is_file(full):
            return host.files.real_path(full)
    return None


def with_extension(program: str) -> str:
    """Resolve-ExecutablePath of ansible.windows: without an extension only ``.exe`` is meant, never ``.cmd``."""
    return program if ntpath.splitext(program)[1] else f"{program}.exe"


def escape_argument(text: str) -> str:
    """One argument quoted by the rules of CommandLineToArgvW."""
    if text and not re.search(r'[\s"]', text):
        return text
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
    return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'


def _command_line(host: Host, ctx: ModuleContext) -> str:
    params = ctx.params
    if params["argv"]:
        program = params["argv"][0]
        full = resolve(host, ctx, program, params["chdir"]) or with_extension(program)
        return " ".join([escape_argument(full), *(escape_argument(text) for text in params["argv"][1:])])
    return str(params["cmd"] or (params["_raw_params"] or "").strip())


@module("ansible.windows.win_command")
def win_command(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """A program, started without a shell: cmd.exe's own commands do not exist here."""
    line = _command_line(host, ctx)
    result: dict[str, Any] = {"changed": False, "cmd": line, "rc": 0}
    skipped = _skipped(host, ctx.params)
    if skipped:
        return {**result, "msg": skipped, "skipped": True}
    _may_start(host, ctx, line, result)
    return _finish(host, ctx, result, lambda where: _program(where, line, stdin=ctx.params["stdin"]))


def _may_start(host: Host, ctx: ModuleContext, line: str, result: dict[str, Any]) -> None:
    """A working directory that is not there is Start-AnsibleWindowsProcess's error, a missing program Windows' own."""
    from winsim.shellcmds import is_program

    chdir = ctx.params["chdir"]
    program = first_word(line)
    code, reason = 2, ""
    if chdir and not host.files.exists(chdir):
        reason = f"Could not find specified -WorkingDirectory '{chdir}'"
    elif chdir and not host.files.is_dir(chdir):
        code, reason = 267, _create_process(267, "The directory name is invalid")
    elif resolve(host, ctx, program, chdir) is None and not is_program(program):
        reason = _create_process(2, "The system cannot find the file specified")
    if reason:
        result["rc"] = code
        raise ModuleFailure(f"Failed to run: '{line}': {reason}", **result)


def _create_process(code: int, text: str) -> str:
    return (
        f'Exception calling "CreateProcess" with "7" argument(s): "CreateProcessW() failed ({text}, Win32ErrorCode '
        f'{code} - 0x{code:08X})"'
    )


# Programs that never read their standard input.
_DEAF = ("hostname", "whoami", "ipconfig", "systeminfo", "tzutil", "attrib")


def _program(where: Session, line: str, *, stdin: str | None = None) -> Output:
    """Run a command line as CreateProcess would: only PowerShell and cmd.exe read it as more than words."""
    from winsim import shellcmds
    from winsim.invoke import decode_command, split_windows

    command = decode_command(line)
    if command.kind == "stdin":
        return shellcmds.run_powershell(where, stdin or "", encoded=False)
    if stdin and ntpath.splitext(ntpath.basename(first_word(line)))[0].lower() not in _DEAF:
        raise Unmodelled(f"stdin of the command {line!r}")
    if command.kind != "plain":
        return shellcmds.run(where, command)
    words = split_windows(line)
    name = ntpath.splitext(ntpath.basename(words[0]))[0].lower()
    if name == "cmd":
        return _cmd(where, line)
    if name in PROGRAMS:
        rc, stdout, stderr = PROGRAMS[name](where.host, words[1:])
        return shellcmds.Output(stdout.encode(), stderr.encode(), rc)
    return shellcmds.run_program(where, words[0], words[1:])


def _cmd(where: Session, line: str) -> Output:
    """``cmd /c <all that follows>``; quotes around the whole are cmd.exe's own."""
    from winsim.shellcmds import run_cmd

    match = re.match(
        r'\s*(?:"[^"]*"|\S+)((?:\s+/[dqsaeuvDQSAEUV](?::\w+)?)*)\s+/[cC]\s*(.*)', line, re.DOTALL
    )
    if match is None:
        raise Unmodelled(f"the command line {line!r}")
    text = match[2].strip()
    if len(text) > 1 and text[0] == text[-1] == '"' and ('"' not in text[1:-1] or "/s" in match[1].lower()):
        text = text[1:-1]
    return run_cmd(where, text)


def _finish(
    host: Host, ctx: ModuleContext, result: dict[str, Any], work: Callable[[Session], Output]
) -> dict[str, Any]:
    """Run it and report as both modules do; a non-zero exit code fails the task."""
    start = host.clock.now()
    output = work(session(host, ctx, ctx.params["chdir"]))
    end = host.clock.now()
    stderr = output.stderr.decode("utf-8", "replace")
    result |= {
        "changed": True,
        "stdout": output.stdout.decode("utf-8", "replace"),
        "stderr": clean_stderr(stderr) if "shell" in ctx.name else stderr,
        "rc": output.rc,
        "start": start.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "end": end.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "delta": _delta(end - start),
    }
    if output.rc:
        raise ModuleFailure("non-zero return code", **result)
    return result


def _delta(elapsed: timedelta) -> str:
    seconds = elapsed.total_seconds()
    return f"{int(seconds // 3600)}:{int(seconds // 60) % 60:02}:{seconds % 60:09.6f}"


def clean_stderr(text: str) -> str:
    """win_shell keeps the error texts of CLIXML only."""
    match = _CLIXML.search(text)
    if match is None:
        return text
    errors = "\n".join(part.replace("_x000D__x000A_", "") for part in _ERRORS.findall(match["xml"]))
    return (text[: match.start()] + errors + text[match.end() :]).strip()


@module("ansible.windows.win_shell")
def win_shell(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """PowerShell text, or a command line of another shell given as ``executable``."""
    text = (ctx.params.get("cmd") or ctx.params.get("_raw_params") or "").strip()
    legacy = read_spec(ctx.source).kind == "legacy"
    result: dict[str, Any] = {"changed": legacy, "cmd": text}
    skipped = _skipped(host, ctx.params)
    if skipped:
        return {"changed": False, "cmd": text, "msg": skipped, "skipped": True, "rc": 0}
    if ctx.params.get("stdin"):
        raise Unmodelled(f"win_shell: stdin of {text[:100]!r}")
    return _finish(host, ctx, result, lambda where: _shell(where, ctx.params.get("executable"), text))


def _shell(where: Session, executable: str | None, text: str) -> Output:
    from winsim.shellcmds import run_powershell

    name = ntpath.splitext(ntpath.basename((executable or POWERSHELL).lower()))[0]
    if name == POWERSHELL:
        return run_powershell(where, text, encoded=True)
    if name == "cmd":
        return _program(where, f"cmd.exe /c {text}")
    raise Unmodelled(f"win_shell: executable {executable}")


# win_powershell -----------------------------------------------------------------------------------------------

_STREAMS = ("error", "warning", "verbose", "debug", "information")


def _empty() -> dict[str, Any]:
    empty: dict[str, Any] = {name: [] for name in _STREAMS}
    return {"changed": True, "result": {}, "host_out": "", "host_err": "", "output": [], **empty}


@module("ansible.windows.win_powershell")
def win_powershell(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Scripts whose model was reviewed (the product's driver); any other text is not modelled."""
    from winsim import driver

    script = ctx.params["script"]
    skipped = _skipped(host, ctx.params)
    if skipped:
        return {**_empty(), "changed": False, "msg": skipped}
    if script is None:
        raise Unmodelled("win_powershell: option path with remote_src")
    if ctx.check_mode and not supports_should_process(script):
        return {**_empty(), "msg": "skipped, running in check mode"}
    if not driver.is_driver(script):
        raise Unmodelled(
            f"win_powershell: a script that is not the reviewed driver: {script.strip()[:200]!r}"
        )
    with trace() as seen:
        output, changed = driver.run_batch(
            host,
            ctx.params["parameters"] or {},
            _sensitive(ctx),
            check_mode=ctx.check_mode,
            note=seen.noting(ctx.journal_note),
            network_logon=ctx.become_user is None,  # become logs on interactively: no NETWORK SID
        )
    return {**_empty(), "changed": changed, "output": output, "warning": seen.warnings, "failed": False}


def supports_should_process(script: str) -> bool:
    """Whether the script's own param block has ``[CmdletBinding(SupportsShouldProcess)]``."""
    code = re.sub(r"<#.*?#>|^\s*#[^\r\n]*", "", script, flags=re.DOTALL | re.MULTILINE)
    match = re.match(r"\s*(?:using\s[^\r\n]*\s+)*\[CmdletBinding\(([^)]*)\)\]", code, re.IGNORECASE)
    if match is None:
        return False
    named = re.search(r"\bSupportsShouldProcess\b\s*(?:=\s*(\$\w+))?", match[1], re.IGNORECASE)
    return named is not None and (named[1] is None or named[1].lower() == "$true")


def _sensitive(ctx: ModuleContext) -> dict[str, Any]:
    from winsim.cmdlets import Credential, SecureString

    found: dict[str, Any] = {}
    for entry in ctx.params.get("sensitive_parameters") or []:
        if entry.get("username") is not None:
            found[entry["name"]] = Credential(entry["username"], entry.get("password") or "")
        else:
            found[entry["name"]] = SecureString(entry.get("value") or "")
    return found

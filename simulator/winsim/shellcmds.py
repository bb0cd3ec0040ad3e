# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines and PowerShell text that clients send without a module: win_reboot, temp files, testinfra, raw.

``run_cmd`` is cmd.exe, ``run_powershell`` powershell.exe, ``run_program`` a program started by either. What is not
in the vocabulary raises Unmodelled: no answer is better than a wrong one.
"""

from __future__ import annotations

import ntpath
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from winsim.errors import FileError, ServiceError, Unmodelled
from winsim.invoke import CommandLine, decode_command, split_windows

if TYPE_CHECKING:
    from winsim.host import Host


@dataclass
class Output:
    """What a command wrote and its exit code."""

    stdout: bytes = b""
    stderr: bytes = b""
    rc: int = 0


@dataclass
class Session:
    """Where a command runs: ``environment`` holds what differs from the host's own variables.

    ``reboot(delay)`` restarts the machine (a negative delay takes it back) and returns an error text or None; without
    one the host restarts at once. ``network_logon``: the token came over the network, as without become.
    """

    host: Host
    user: str
    environment: dict[str, str] = field(default_factory=dict)
    directory: str | None = None
    reboot: Callable[[int], str | None] | None = None
    network_logon: bool = True
    sleep: Callable[[float], None] = time.sleep

    def variables(self) -> dict[str, str]:
        """All environment variables; names are case-insensitive."""
        merged: dict[str, tuple[str, str]] = {}
        for source in (self.host.env, self.environment):
            for name, value in source.items():
                merged[name.upper()] = (name, value)
        return dict(merged.values())

    def variable(self, name: str) -> str | None:
        """One environment variable."""
        return next((v for k, v in self.variables().items() if k.upper() == name.upper()), None)

    def expand(self, text: str) -> str:
        """``%NAME%`` replaced; unknown names stay, as cmd.exe and ExpandEnvironmentVariables leave them."""
        return re.sub(
            r"%([^%\s]+)%", lambda m: value if (value := self.variable(m[1])) is not None else m[0], text
        )

    def cwd(self) -> str:
        """The current directory: a WinRM shell starts in the user's profile."""
        return self.directory or self.variable("USERPROFILE") or "C:\\Users\\Default"

    def restart(self, delay: int) -> str | None:
        """Ask for a restart; an error text, or None."""
        if self.reboot is not None:
            return self.reboot(delay)
        if delay < 0:
            return "Unable to abort the system shutdown because no shutdown was in progress.(1116)"
        self.host.reboot()
        return None

    def full_user(self) -> str:
        """What whoami says."""
        if self.user in ("SYSTEM", "LocalService", "NetworkService"):
            return {"SYSTEM": "nt authority\\system"}.get(
                self.user, f"nt authority\\{self.user[:-7].lower()} service"
            )
        return f"{self.host.name}\\{self.user}".lower()


def clixml(*errors: str) -> bytes:
    """PowerShell's error stream as it reaches stderr when powershell.exe runs -EncodedCommand."""
    entries = "".join(f'<S S="Error">{_serialise(text)}_x000D__x000A_</S>' for text in errors)
    return (
        f'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{entries}</Objs>'
    ).encode()


def _serialise(text: str) -> str:
    """Control characters, and what looks like an escape, as ``_xHHHH_`` ([MS-PSRP] 2.2.5.3.2)."""
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return re.sub(r"[\x00-\x1f]", lambda m: f"_x{ord(m[0]):04X}_", escape(text))


# testinfra's service module sends these as they are, for hosts whose remote shell is PowerShell; its winrm backend
# leaves them to cmd.exe, which would not know them. Answered as meant, so that its checks can be used.
_TESTINFRA = re.compile(r"Get-Service '[^']*' \| Select -ExpandProperty (Status|StartType)")


def run(session: Session, command: CommandLine) -> Output:
    """Run a decoded command line. Raises Unmodelled."""
    if command.kind == "plain" and _TESTINFRA.fullmatch(command.text):
        return run_powershell(session, command.text, encoded=False)
    if command.kind == "plain":
        return run_cmd(session, command.text)
    if command.kind == "stdin":
        raise Unmodelled(f"powershell.exe reading its commands from stdin: {command.text[:200]}")
    if command.kind == "file":
        return run_program(session, command.text, list(command.arguments))
    return run_powershell(session, command.text, encoded=command.encoded)


# PowerShell -----------------------------------------------------------------------------------------------------

_REBOOT = re.compile(
    r"^\$ErrorActionPreference = 'Continue'.*?if \(\$(?P<clean>True|False)\) \{\s*Remove-Item -LiteralPath '(?P<key>[^']*)'"
    r".*?shutdown\.exe /r /t (?P<delay>\d+) /c .*?ConvertTo-Json -Compress",
    re.DOTALL,
)


def run_powershell(
    session: Session, text: str, *, encoded: bool = True, arguments: list[str] | None = None
) -> Output:
    """Run PowerShell text. ``encoded`` makes errors CLIXML, as -EncodedCommand does. Raises Unmodelled.

    ``arguments`` are those of a script file: they bind to its param block.
    """
    from winsim import powershell, psbuiltins

    special = _REBOOT.match(text)
    if special is not None:
        return _reboot(session, special)
    shell = powershell.Shell(session)
    values: list[object] = []
    code = 0
    try:
        values = shell.run(shell.bind(text, arguments or []))
        code = 0 if shell.success else 1
    except powershell.Leave as leave:
        values = leave.output
        code = leave.code if isinstance(leave, powershell.Exit) else 0
        if isinstance(leave, powershell.Terminate):
            shell.errors.append(leave.message)
            code = 1
    stdout = "".join(f"{line}\r\n" for line in psbuiltins.render(values)).encode()
    stderr = b""
    if shell.errors:
        stderr = clixml(*shell.errors) if encoded else "".join(f"{e}\r\n" for e in shell.errors).encode()
    return Output(stdout, stderr, code)


def _reboot(session: Session, match: re.Match[str]) -> Output:
    """win_reboot's script: forget the logon key of the last boot, run shutdown.exe, tell its outcome as JSON."""
    import json

    if match["clean"] == "True":
        session.host.registry.delete(match["key"].replace("HKLM:\\", "HKLM:\\"))
    error = session.restart(int(match["delay"]))
    if match["clean"] == "True" and error is None:
        # LogonUI makes the key when it is about to show the logon prompt of the new boot
        session.host.registry.create(match["key"])
    result = {"stdout": "", "stderr": error or "", "rc": _error_number(error)}
    return Output(json.dumps(result, separators=(",", ":")).encode() + b"\r\n")


def _error_number(error: str | None) -> int:
    match = re.search(r"\((\d+)\)\s*$", error or "")
    return int(match[1]) if match else 1 if error else 0


# cmd.exe --------------------------------------------------------------------------------------------------------


def run_cmd(session: Session, line: str) -> Output:
    """Run a command line of cmd.exe. Raises Unmodelled."""
    total = Output()
    for joiner, part in _cmd_parts(line):
        if (joiner == "&&" and total.rc != 0) or (joiner == "||" and total.rc == 0):
            continue
        output = _cmd_pipe(session, session.expand(part.lstrip()))
        total = Output(total.stdout + output.stdout, total.stderr + output.stderr, output.rc)
    return total


def _cmd_parts(line: str) -> list[tuple[str, str]]:
    """(operator before it, command) for commands joined by ``&``, ``&&`` or ``||``."""
    parts = re.split(r"(&&|\|\||(?<!>)&)(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", line)
    return [("&", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def _cmd_pipe(session: Session, line: str) -> Output:
    parts = re.split(r"\|(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", line)
    output = _cmd_one(session, parts[0].lstrip())
    for part in parts[1:]:
        words = split_windows(part)
        if not words or words[0].lower().removesuffix(".exe") != "findstr":
            raise Unmodelled(f"the cmd.exe pipe {line!r}")
        output = _findstr(output, words[1:])
    return output


def _findstr(given: Output, words: list[str]) -> Output:
    """findstr with /B, /I, /C:"text"; exit code 1 without a match."""
    text, options = "", ""
    for word in words:
        if word.lower().startswith("/c:"):
            text = word[3:]
        elif word.startswith("/") and set(word[1:].lower()) <= set("bi"):
            options += word[1:].lower()
        else:
            text = word
    fold = str.lower if "i" in options else str
    lines = [
        line
        for line in given.stdout.decode().splitlines()
        if (fold(line).startswith(fold(text)) if "b" in options else fold(text) in fold(line))
    ]
    return Output("".join(f"{line}\r\n" for line in lines).encode(), given.stderr, 0 if lines else 1)


_REDIRECT = re.compile(
    r"(?:(?<![^\s])(?P<from>[012]))?(?P<sign>>>|>|<)\s*(?P<to>&[12]|\"[^\"]+\"|[^\s&|<>\"]+)"
)


def _cmd_one(session: Session, line: str) -> Output:
    line, redirects = _redirects(line)
    command = decode_command(line)
    if command.kind != "plain":
        output = run(session, command)
    else:
        output = _cmd_word(session, line)
    return _redirect(session, output, redirects)


def _redirects(line: str) -> tuple[str, list[re.Match[str]]]:
    """Cut the redirections outside quotes off: (what is left, redirections in their order)."""
    found: list[re.Match[str]] = []
    rest, index, quoted = "", 0, False
    while index < len(line):
        match = None if quoted else _REDIRECT.match(line, index)
        if match is not None:
            found.append(match)
            index = match.end()
            continue
        quoted ^= line[index] == '"'
        rest += line[index]
        index += 1
    return rest, found


def _redirect(session: Session, output: Output, redirects: list[re.Match[str]]) -> Output:
    """Send the streams of a command where cmd.exe's redirections say."""
    targets: dict[str, tuple[str, bool]] = {"1": ("&1", False), "2": ("&2", False)}
    for match in redirects:
        if match["sign"] == "<" or match["from"] == "0":
            raise Unmodelled(f"the redirection {match[0]!r} of cmd.exe")
        to = match["to"].strip('"')
        stream = match["from"] or "1"
        targets[stream] = targets[to[1:]] if to.startswith("&") else (to, match["sign"] == ">>")
    streams = {"&1": b"", "&2": b""}
    for stream, data in (("1", output.stdout), ("2", output.stderr)):
        to, append = targets[stream]
        if to in streams:
            streams[to] += data
        elif to.lower() != "nul":
            _redirect_to_file(session, to, data, append=append or (stream == "2" and targets["1"][0] == to))
    return Output(streams["&1"], streams["&2"], output.rc)


def _redirect_to_file(session: Session, to: str, data: bytes, *, append: bool) -> None:
    path = ntpath.join(session.cwd(), to)
    files = session.host.files
    before = files.read(path) if append and files.is_file(path) else b""
    files.write(path, before + data)


def _cmd_word(session: Session, line: str) -> Output:
    echo = re.match(
        r"@?echo(?:[.:,;/(\[\]+=\\](?P<tight>.*)|\s(?P<text>.*)|$)", line, re.IGNORECASE | re.DOTALL
    )
    if echo is not None:
        return _cmd_echo(echo["tight"], echo["text"])
    word, _, rest = line.partition(" ")
    name = word.strip('"\t\r\n').lower()
    if name in _CMD_INTERNAL:
        return _CMD_INTERNAL[name](session, rest.strip())
    if is_program(word.strip('"')):
        return run_program(session, word.strip('"'), split_windows(rest))
    unknown = re.fullmatch(r"\w+", word) and not known_to_windows(session, word)
    if unknown or _plain_name(word) in _NOT_ON_WINDOWS or re.fullmatch(r"[A-Z][a-z]+-[A-Za-z]+", word):
        return not_recognised(word)
    raise Unmodelled(f"the command line {line!r}")


def _cmd_echo(tight: str | None, text: str | None) -> Output:
    """``echo.text`` prints the text or an empty line, ``echo`` alone whether echoing is on."""
    if tight is None and (text or "").strip().lower() in ("on", "off"):
        return Output()
    if tight is None and not (text or "").strip():
        return Output(b"ECHO is on.\r\n")
    return Output(f"{text if tight is None else tight}\r\n".encode())


# cmd.exe knows no cmdlets; these are POSIX commands that clients try to find out what the system is
_NOT_ON_WINDOWS = {
    "uname",
    "ls",
    "cat",
    "which",
    "sh",
    "bash",
    "test",
    "command",
    "id",
    "lsb_release",
    "stat",
}


# Commands of cmd.exe itself, https://learn.microsoft.com/windows-server/administration/windows-commands/cmd
_CMD_WORDS_TEXT = (
    "assoc break call cd chdir cls color copy date del dir dpath echo endlocal erase exit for ftype goto if md mkdir "
    "mklink move path pause popd prompt pushd rd rem ren rename rmdir set setlocal shift start time title type ver "
    "verify vol"
)
_CMD_WORDS = frozenset(_CMD_WORDS_TEXT.split())


def known_to_windows(session: Session, word: str) -> bool:
    """Whether cmd.exe or a program on the search path has this name; whatever else is a typing error."""
    if _plain_name(word) in _CMD_WORDS or is_program(word):
        return True
    folders = [session.cwd(), *(session.variable("PATH") or "").split(";")]
    endings = ("", ".exe", ".com", ".bat", ".cmd", ".msc", ".ps1", ".vbs")
    return any(
        session.host.files.is_file(ntpath.join(folder, word + ending))
        for folder in folders
        if folder
        for ending in endings
    )


def not_recognised(word: str) -> Output:
    """What cmd.exe says of a program that is not there."""
    text = f"'{word}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
    return Output(b"", text.encode(), 1)


def _cmd_cd(session: Session, rest: str) -> Output:
    if not rest:
        return Output(f"{session.cwd()}\r\n".encode())
    path = ntpath.normpath(ntpath.join(session.cwd(), rest.removeprefix("/d ").strip('"')))
    if not session.host.files.is_dir(path):
        return Output(b"", b"The system cannot find the path specified.\r\n", 1)
    session.directory = path
    return Output()


def _cmd_type(session: Session, rest: str) -> Output:
    path = ntpath.join(session.cwd(), rest.strip('"'))
    try:
        return Output(session.host.files.read(path))
    except FileError:
        return Output(b"", b"The system cannot find the file specified.\r\n", 1)


def _cmd_mkdir(session: Session, rest: str) -> Output:
    path = ntpath.join(session.cwd(), rest.strip('"'))
    if session.host.files.exists(path):
        return Output(b"", f"A subdirectory or file {rest} already exists.\r\n".encode(), 1)
    session.host.files.mkdir(path)
    return Output()


def _cmd_del(session: Session, rest: str) -> Output:
    path = ntpath.join(
        session.cwd(), re.sub(r"(^|\s)/[fqsa]\b", "", rest, flags=re.IGNORECASE).strip().strip('"')
    )
    if not session.host.files.is_file(path):
        return Output(b"", f"Could Not Find {path}\r\n".encode(), 0)
    session.host.files.remove(path)
    return Output()


def _cmd_rmdir(session: Session, rest: str) -> Output:
    recursive = re.search(r"(^|\s)/s\b", rest, re.IGNORECASE) is not None
    path = ntpath.join(
        session.cwd(), re.sub(r"(^|\s)/[sq]\b", "", rest, flags=re.IGNORECASE).strip().strip('"')
    )
    try:
        session.host.files.remove(path, recursive=recursive)
    except FileError as error:
        text = (
            "The directory is not empty."
            if error.code == 145
            else "The system cannot find the file specified."
        )
        return Output(b"", f"{text}\r\n".encode(), error.code)
    return Output()


def _cmd_exit(session: Session, rest: str) -> Output:
    number = rest.lower().removeprefix("/b").strip()
    return Output(rc=int(number or 0))


def _cmd_set(session: Session, rest: str) -> Output:
    name, sign, value = rest.strip('"').partition("=")
    if sign:
        session.environment[name] = value
        return Output()
    found = {k: v for k, v in sorted(session.variables().items()) if k.lower().startswith(name.lower())}
    text = "".join(f"{key}={value}\r\n" for key, value in found.items())
    if not found:
        return Output(b"", f"Environment variable {name} not defined\r\n".encode(), 1)
    return Output(text.encode())


def _cmd_dir(session: Session, rest: str) -> Output:
    words = rest.split()
    if not words or words[0].lower() != "/b":
        raise Unmodelled(f"dir {rest}")
    path = ntpath.join(session.cwd(), rest[2:].strip().strip('"'))
    if not session.host.files.is_dir(path):
        return Output(b"", b"File Not Found\r\n", 1)
    return Output("".join(f"{node.name}\r\n" for node in session.host.files.list(path)).encode())


def _cmd_ver(session: Session, rest: str) -> Output:
    return Output(f"\r\nMicrosoft Windows [Version {session.host.os.version}]\r\n".encode())


_CMD_INTERNAL: dict[str, Callable[[Session, str], Output]] = {
    "cd": _cmd_cd,
    "chdir": _cmd_cd,
    "type": _cmd_type,
    "mkdir": _cmd_mkdir,
    "md": _cmd_mkdir,
    "del": _cmd_del,
    "erase": _cmd_del,
    "rmdir": _cmd_rmdir,
    "rd": _cmd_rmdir,
    "exit": _cmd_exit,
    "set": _cmd_set,
    "dir": _cmd_dir,
    "ver": _cmd_ver,
    "rem": lambda session, rest: Output(),
}


# Programs -------------------------------------------------------------------------------------------------------


def _plain_name(name: str) -> str:
    return ntpath.basename(name.strip('"')).lower().removesuffix(".exe")


def is_program(name: str) -> bool:
    """Whether the vocabulary has a program of this name or path."""
    from winsim.programs import PROGRAMS

    return _plain_name(name) in _PROGRAMS or _plain_name(name) in PROGRAMS


def run_program(session: Session, name: str, arguments: list[str]) -> Output:
    """Run a program (or a .ps1 file) with its arguments. Raises Unmodelled."""
    if name.lower().endswith(".ps1"):
        return _script_file(session, name, arguments)
    from winsim.programs import PROGRAMS

    plain = _plain_name(name)
    if plain in _PROGRAMS:
        return _PROGRAMS[plain](session, arguments)
    if plain in PROGRAMS:
        rc, stdout, stderr = PROGRAMS[plain](session.host, arguments)
        return Output(stdout.encode(), stderr.encode(), rc)
    raise Unmodelled(f"the program {name} {' '.join(arguments)}")


def _script_file(session: Session, path: str, arguments: list[str]) -> Output:
    from winsim.psbuiltins import decode

    if not session.host.files.is_file(path):
        return Output(
            b"", f"The term '{path}' is not recognized as the name of a script file.\r\n".encode(), 1
        )
    text = decode(session.host.files.read(path))
    return run_powershell(session, text, encoded=False, arguments=arguments)


def _text(text: str, rc: int = 0) -> Output:
    return Output(f"{text}\r\n".encode(), b"", rc)


def _whoami(session: Session, arguments: list[str]) -> Output:
    if [word.lower() for word in arguments] == ["/groups"]:
        return Output(_whoami_groups(session).encode())
    if arguments:
        raise Unmodelled(f"whoami {' '.join(arguments)}")
    return _text(session.full_user())


def _whoami_groups(session: Session) -> str:
    """The groups of the token as a table: a network logon's, or an interactive one's after become."""
    accounts = session.host.accounts
    kind = "NETWORK" if session.network_logon else "INTERACTIVE"
    names = ["Everyone", *(f"BUILTIN\\{g.name}" for g in accounts.groups_of(session.user)), "BUILTIN\\Users"]
    names += [f"NT AUTHORITY\\{kind}", "NT AUTHORITY\\Authenticated Users"]
    rows = [("Group Name", "Type", "SID", "Attributes")]
    for name in dict.fromkeys(names):
        found = accounts.resolve(name)
        sid = found[1] if found else ""
        sort = "Alias" if sid.startswith("S-1-5-32") else "Well-known group"
        rows.append((name, sort, sid, "Mandatory group, Enabled by default, Enabled group"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [" ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " ".join("=" * width for width in widths))
    return "".join(f"{line}\r\n" for line in ["", "GROUP INFORMATION", "-" * 17, "", *lines])


def _shutdown(session: Session, arguments: list[str]) -> Output:
    words = [word.lower().replace("-", "/", 1) for word in arguments]
    if "/a" in words:
        error = session.restart(-1)
    elif "/r" in words or "/g" in words:
        delay = int(arguments[words.index("/t") + 1]) if "/t" in words else 30
        error = session.restart(delay)
    else:
        raise Unmodelled(f"shutdown.exe {' '.join(arguments)}")
    return Output(b"", f"{error}\r\n".encode() if error else b"", _error_number(error))


def _systeminfo(session: Session, arguments: list[str]) -> Output:
    host = session.host
    rows = {
        "Host Name": str(host.name).upper(),
        "OS Name": host.os.caption,
        "OS Version": f"{host.os.version} N/A Build {host.os.build}",
        "OS Manufacturer": "Microsoft Corporation",
        "OS Configuration": "Member Server" if host.domain else "Standalone Server",
        "OS Build Type": "Multiprocessor Free",
        "System Type": "x64-based PC",
        "Domain": host.domain or "WORKGROUP",
    }
    return Output(("\r\n" + "".join(f"{key + ':':<27}{value}\r\n" for key, value in rows.items())).encode())


def _sc(session: Session, arguments: list[str]) -> Output:
    from winsim.sc import sc

    result = sc(session.host, arguments)
    return Output(result.stdout.encode(), b"", result.rc)


def _net(session: Session, arguments: list[str]) -> Output:
    if len(arguments) != 2 or arguments[0].lower() not in ("start", "stop"):
        raise Unmodelled(f"net.exe {' '.join(arguments)}")
    verb, name = arguments[0].lower(), arguments[1]
    try:
        service = session.host.services.get(name)
        if service.running == (verb == "start"):
            state = "already been started" if verb == "start" else "not started"
            has = "has" if verb == "start" else "service is"
            return Output(b"", f"The requested service {has} {state}.\r\n".encode(), 2)
        (session.host.services.start if verb == "start" else session.host.services.stop)(service.name)
    except ServiceError as error:
        return Output(b"", f"System error {error.code} has occurred.\r\n\r\n{error.message}.\r\n".encode(), 2)
    done = "started" if verb == "start" else "stopped"
    return _text(f"The {service.display_name} service was {done} successfully.\r\n")


def _w32tm(session: Session, arguments: list[str]) -> Output:
    result = session.host.w32time.run(arguments)
    return Output(result.stdout.encode(), b"", result.rc)


def _cmd_program(session: Session, arguments: list[str]) -> Output:
    for index, word in enumerate(arguments):
        if word.lower() in ("/c", "/k"):
            return run_cmd(session, " ".join(arguments[index + 1 :]))
    raise Unmodelled(f"cmd.exe {' '.join(arguments)}")


def _powershell_program(session: Session, arguments: list[str]) -> Output:
    return run(session, decode_command("powershell " + " ".join(arguments)))


_PROGRAMS: dict[str, Callable[[Session, list[str]], Output]] = {
    "cmd": _cmd_program,
    "hostname": lambda session, arguments: _text(str(session.host.name)),
    "net": _net,
    "powershell": _powershell_program,
    "sc": _sc,
    "shutdown": _shutdown,
    "systeminfo": _systeminfo,
    "w32tm": _w32tm,
    "whoami": _whoami,
}

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the command line and stdin of a remote shell command to what ansible asked for.

Ansible sends every Windows module as two JSON documents behind a constant bootstrap script: the exec manifest names
the actions to run (become, async, the module) with their scripts and parameters. Reading the manifest gives the
module and its arguments without running any PowerShell.

Source: ansible-core 2.19 to 2.22, lib/ansible/executor/powershell (module_manifest.py, bootstrap_wrapper.ps1,
exec_wrapper.ps1, module_wrapper.ps1) and plugins/connection/winrm.py. Up to 2.21 a module's arguments are the
variable ``complex_args``; from 2.22 they are ``ArgumentJSON`` and the manifest may be gzip in base64.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from winsim import direct
from winsim.errors import Unmodelled

if TYPE_CHECKING:
    from winsim.host import Host

SEPARATOR = re.compile(rb"\r?\n\0\0\0\0\r?\n")
_POWERSHELL = re.compile(
    r"^\s*\"?(?:[A-Za-z]:\\[^\"]*\\)?(?P<word>powershell|pwsh)(?:\.exe)?\"?(?=\s|$)", re.IGNORECASE
)
_TYPE_PIPE = re.compile(
    r"^\s*type\s+(?P<quote>[\"']?)(?P<path>.+?)(?P=quote)\s*\|\s*(?P<rest>powershell.*)$", re.I | re.S
)
_FILE_ACTIONS = {
    "winrm_put_file.ps1": "put",
    "winrm_fetch_file.ps1": "fetch",
    "powershell_mkdtemp.ps1": "mkdtemp",
    "powershell_expand_user.ps1": "expand_user",
}


@dataclass
class ModuleContext:
    """What a module's model gets to know (winsim.modules.run_module).

    ``environment`` is what differs from the host's own variables. ``sleep(seconds)`` waits without keeping others from
    the host; ``reboot(delay)`` is shutdown.exe (see shellcmds.Session). ``secrets`` are those that the controller knows.
    """

    host: Host
    name: str
    source: str
    args: dict[str, Any]
    params: dict[str, Any]
    check_mode: bool
    diff_mode: bool
    ansible: dict[str, Any]
    environment: dict[str, str]
    become_user: str | None
    journal_note: Callable[[dict[str, Any]], None]
    secrets: list[str] = field(default_factory=list, repr=False)
    user: str = ""
    sleep: Callable[[float], None] = field(default=lambda seconds: None, repr=False)
    reboot: Callable[[int], str | None] | None = field(default=None, repr=False)


# The command line ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CommandLine:
    """A decoded command line.

    ``kind``: ``bootstrap`` (ansible's wrapper, the work is in stdin), ``direct`` (Winstack's, see winsim.direct),
    ``powershell`` (``text`` is a script), ``file`` (``text`` is the path of a script, ``arguments`` its arguments) or ``plain`` (``text`` is for cmd.exe).
    ``encoded`` tells that PowerShell was given -EncodedCommand: it then writes stderr as CLIXML.
    ``stdin_file`` is set where a file is piped in (``type <file> | powershell ...``).
    """

    kind: str
    text: str
    encoded: bool = False
    arguments: tuple[str, ...] = ()
    stdin_file: str | None = None


def decode_command(line: str) -> CommandLine:
    """Read a command line as cmd.exe and powershell.exe would."""
    piped = _TYPE_PIPE.match(line)
    if piped is not None:
        inner = decode_command(piped["rest"])
        return CommandLine(inner.kind, inner.text, inner.encoded, inner.arguments, piped["path"])
    match = _POWERSHELL.match(line)
    if match is None:
        return CommandLine("plain", line)
    return _decode_powershell(line[match.end() :].strip(), line)


# https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_powershell_exe
_WITH_VALUE = (
    "executionpolicy",
    "ex",
    "ep",
    "version",
    "windowstyle",
    "outputformat",
    "inputformat",
    "psconsolefile",
)
_SWITCHES = ("noprofile", "nop", "noninteractive", "noni", "nologo", "sta", "mta", "noexit", "login")


def _decode_powershell(rest: str, line: str) -> CommandLine:
    while rest:
        word, _, tail = rest.partition(" ")
        option = word.lstrip("-/").lower()
        tail = tail.strip()
        if word == "-":
            return CommandLine("stdin", line)
        if word[:1] not in "-/":
            return CommandLine("powershell", _unquote(rest))
        if option in ("ec", "e") or (option and "encodedcommand".startswith(option)):
            return _encoded(tail)
        if option and "command".startswith(option) and tail == "-":
            return CommandLine("stdin", line)
        if option and "command".startswith(option):
            return CommandLine("powershell", _unquote(tail))
        if option and "file".startswith(option):
            words = split_windows(tail)
            return CommandLine("file", words[0] if words else "", arguments=tuple(words[1:]))
        if _is_option(option, _SWITCHES):
            rest = tail
        elif _is_option(option, _WITH_VALUE):
            rest = tail.partition(" ")[2].strip()
        else:
            raise Unmodelled(f"powershell.exe option {word}")
    raise Unmodelled(f"powershell.exe reading its commands from stdin: {line[:200]}")


def _is_option(option: str, names: tuple[str, ...]) -> bool:
    return bool(option) and any(
        name == option or (len(option) > 3 and name.startswith(option)) for name in names
    )


def split_windows(line: str) -> list[str]:
    """Arguments of a command line as CommandLineToArgvW splits it: quotes group, a backslash escapes only a quote.

    https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
    """
    words: list[str] = []
    current: str | None = None
    quoted = False
    for piece in re.findall(r'\\+"|[^"]|"', line):
        if piece[0] == "\\" and piece[-1] == '"':
            slashes = len(piece) - 1
            current = (current or "") + "\\" * (slashes // 2) + ('"' if slashes % 2 else "")
            quoted = quoted if slashes % 2 else not quoted
        elif piece == '"':
            quoted = not quoted
            current = current or ""
        elif piece in " \t" and not quoted:
            if current is not None:
                words.append(current)
            current = None
        else:
            current = (current or "") + piece
    return words if current is None else [*words, current]


def _unquote(text: str) -> str:
    """The script that powershell.exe makes of the rest of its command line.

    testinfra quotes it twice (``\\"...\\"``), which would make it a string: it is taken as meant.
    """
    joined = " ".join(split_windows(text))
    if text.startswith('\\"') and joined.startswith('"') and joined.endswith('"') and len(joined) > 1:
        return joined[1:-1]
    return joined


def _encoded(tail: str) -> CommandLine:
    words = split_windows(tail)
    text = _decode_utf16(words[0] if words else "")
    arguments: tuple[str, ...] = ()
    if len(words) == 3 and words[1].lower() in ("-encodedarguments", "-encodeda", "-ea"):
        arguments = _clixml_strings(_decode_utf16(words[2]))
    elif len(words) > 1:
        raise Unmodelled(f"words after -EncodedCommand: {' '.join(words[1:])[:200]}")
    if _is_bootstrap(text):
        # From 2.21 the wrapper takes its input from a file where modules are not piped in
        return CommandLine("bootstrap", text, True, arguments, arguments[0] if arguments else None)
    if direct.is_bootstrap(text):
        return CommandLine("direct", text, True, arguments)
    return CommandLine("powershell", text, True, arguments)


def _decode_utf16(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unmodelled(f"an -EncodedCommand that does not decode: {error}") from error


def _clixml_strings(text: str) -> tuple[str, ...]:
    """The strings of a serialised list ([MS-PSRP] 2.2.5.3.2)."""
    strings = [escape_free(match) for match in re.findall(r"<S>(.*?)</S>", text, re.DOTALL)]
    return tuple(html.unescape(string) for string in strings)


def escape_free(text: str) -> str:
    """``_xHHHH_`` replaced by its UTF-16 code unit."""
    units = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


def _is_bootstrap(text: str) -> bool:
    """Ansible's bootstrap wrapper by what it must do, so that another wording of it is still recognised."""
    return "`0`0`0`0" in text and "ConvertFrom-Json" in text and "$code.params" in text


# The manifests ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Action:
    """One entry of the exec manifest's ``actions``."""

    name: str
    params: dict[str, Any]
    secure_params: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Manifest:
    """Both manifests: ``scripts`` maps names to text, ``lines`` is what follows (put_file's data)."""

    params: dict[str, Any]
    scripts: dict[str, str] = field(repr=False)
    actions: tuple[Action, ...]
    lines: bytes = field(repr=False)


def parse_manifest(stdin: bytes) -> Manifest:
    """Read what ansible pipes into its bootstrap wrapper. Raises Unmodelled where the form is unknown."""
    parts = SEPARATOR.split(stdin.removeprefix(b"\xef\xbb\xbf"), maxsplit=2)
    if len(parts) < 2:
        raise Unmodelled("stdin of the bootstrap wrapper without an exec manifest")
    try:
        bootstrap = json.loads(parts[0])
        manifest = json.loads(
            _inflate(parts[1]) if bootstrap.get("params", {}).get("DecompressInput") else parts[1]
        )
        scripts = {name: _script(entry) for name, entry in manifest["scripts"].items()}
        actions = tuple(
            Action(entry["name"], entry.get("params") or {}, entry.get("secure_params") or {})
            for entry in manifest["actions"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError, zlib.error) as error:
        raise Unmodelled(f"an exec manifest of unknown form ({type(error).__name__}: {error})") from error
    return Manifest(bootstrap.get("params") or {}, scripts, actions, parts[2] if len(parts) > 2 else b"")


def _inflate(data: bytes) -> bytes:
    return gzip.decompress(base64.b64decode(data))


def _script(entry: dict[str, Any]) -> str:
    return base64.b64decode(entry["script"]).decode("utf-8-sig")


# The invocation -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Become:
    """``become_method: runas``; ``password`` None means that none was given."""

    user: str
    password: str | None = field(repr=False)
    logon_type: str = "Interactive"
    logon_flags: str = "WithProfile"


@dataclass(frozen=True)
class AsyncJob:
    """``async:``; ``timeout`` in seconds."""

    directory: str
    jid: str
    timeout: int


@dataclass(frozen=True)
class Invocation:
    """What ansible asked for.

    ``kind``: ``module``, ``script`` (the script action: ``source`` is PowerShell text), ``put``, ``fetch``,
    ``mkdtemp`` or ``expand_user``. ``secrets`` are values that must never be shown.
    """

    kind: str
    name: str
    params: dict[str, Any] = field(default_factory=dict, repr=False)
    source: str = field(default="", repr=False)
    args: dict[str, Any] = field(default_factory=dict, repr=False)
    ansible: dict[str, Any] = field(default_factory=dict, repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    become: Become | None = None
    job: AsyncJob | None = None
    lines: bytes = field(default=b"", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def build_invocation(manifest: Manifest) -> Invocation:
    """Walk the actions. Raises Unmodelled for an action or an order of actions that is unknown."""
    become: Become | None = None
    job_start: dict[str, Any] | None = None
    job: AsyncJob | None = None
    for action in manifest.actions:
        if action.name == "become_wrapper.ps1":
            become = _become(action)
        elif action.name == "async_wrapper.ps1":
            job_start = action.params
        elif action.name == "async_watchdog.ps1" and job_start is not None:
            timeout = int(action.params.get("Timeout", 0))
            job = AsyncJob(str(job_start["AsyncDir"]), str(job_start["AsyncJid"]), timeout)
        elif action.name == "coverage_wrapper.ps1":
            continue
        elif action.name == "module_wrapper.ps1":
            return _module(manifest, action, become, job)
        elif action.name in _FILE_ACTIONS:
            return Invocation(_FILE_ACTIONS[action.name], action.name, action.params, lines=manifest.lines)
        else:
            break
    names = ", ".join(action.name for action in manifest.actions) or "none"
    raise Unmodelled(f"an exec manifest with the actions {names}")


def _become(action: Action) -> Become:
    password = action.secure_params.get("BecomePassword")
    return Become(
        user=str(action.params.get("BecomeUser", "")),
        password=None if password is None else str(password),
        logon_type=str(action.params.get("LogonType", "Interactive")),
        logon_flags=str(action.params.get("LogonFlags", "WithProfile")),
    )


def _module(manifest: Manifest, action: Action, become: Become | None, job: AsyncJob | None) -> Invocation:
    script = str(action.params.get("Script", ""))
    if script not in manifest.scripts:
        raise Unmodelled(f"a module wrapper for {script!r}, which is not among the scripts")
    given = _arguments(action.params)
    ansible = {key: value for key, value in given.items() if str(key).startswith("_ansible_")}
    secrets = [str(value) for value in _flat(action.secure_params)]
    if become is not None and become.password:
        secrets.append(become.password)
    return Invocation(
        kind="module" if action.params.get("ForModule") else "script",
        name=_module_name(script, str(ansible.get("_ansible_module_name", ""))),
        source=manifest.scripts[script],
        args={key: value for key, value in given.items() if key not in ansible},
        ansible=ansible,
        environment={str(k): str(v) for k, v in (action.params.get("Environment") or {}).items()},
        become=become,
        job=job,
        secrets=tuple(secret for secret in secrets if secret),
    )


def _arguments(params: dict[str, Any]) -> dict[str, Any]:
    if params.get("ArgumentJSON"):
        given = json.loads(params["ArgumentJSON"])
    else:
        values = [v.get("Value") for v in params.get("Variables") or [] if v.get("Name") == "complex_args"]
        given = values[0] if values else {}
    if not isinstance(given, dict):
        raise Unmodelled("module arguments that are not a dictionary")
    return given


def _module_name(script: str, told: str) -> str:
    """``ansible_collections.a.b.plugins.modules.c.ps1`` -> ``a.b.c``; else what ``_ansible_module_name`` tells.

    The script comes first: ``fetch`` asks for ansible.legacy.stat and is sent ansible.windows.win_stat.
    """
    name = script.removesuffix(".ps1")
    match = re.fullmatch(r"ansible_collections\.([^.]+\.[^.]+)\.plugins\.modules\.(.+)", name)
    return f"{match[1]}.{match[2]}" if match else told or name


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for entry in value.values() for leaf in _flat(entry)]
    if isinstance(value, list):
        return [leaf for entry in value for leaf in _flat(entry)]
    return [value]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways on which a case reaches the driver in a real PowerShell.

- ``script``: the driver's text alone, a runspace a case, with what win_powershell would set up around it;
- ``runspace``: bootstrap, frame and driver, a runspace a case, as the psrp connection feeds them;
- ``direct``: the same by command line and standard input, a process a case, as winrm and ssh run them.

The last two also in constrained language, the last one also amid noise on standard output.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from driver_cases import HERE, Case, batch

sys.path.append(str(Path(__file__).resolve().parents[2] / "collections"))

from ansible_collections.winstack.windows.plugins.plugin_utils.engine import direct, driver
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Credential

ROOT = HERE.parents[1]
ENGINE = Path(driver.__file__).parent
# Where ansible.windows may be another than the checkout's.
COLLECTIONS = [*filter(None, [os.environ.get("WINSTACK_COLLECTIONS")]), str(ROOT / "collections")]
TIMEOUT_SECONDS = 1500
SKIPPED = "no PowerShell: neither WINSTACK_PWSH (a program, or the folder of pwsh), nor pwsh on PATH, nor ../shared/tools/pwsh"
NONCE = "0123456789abcdef"
Answer = dict[str, Any]
# Asked last in every batch that goes by itself.
_SEEN = {"id": "seen", "cmdlet": "Get-FakeCall", "params": {}, "select": [""], "change": False}
_CONSTRAINED = "Import-Module FakeCmdlets;$ExecutionContext.SessionState.LanguageMode='ConstrainedLanguage'\n"
_BEFORE = (
    "'{\"noise\":1}';Write-Host -NoNewline 'x{ \"winstack\":';Write-Warning w;"
    "Write-Error e -ErrorAction Continue;[Console]::Out.Write('tail')\n"
)
_AFTER = "\n'after';[Console]::Out.Write('}}}')"
# Stands for Windows' whoami.exe on other systems.
_WHOAMI = """#!/bin/sh
if [ $# -eq 0 ]; then echo someone; exit 0; fi
echo "ERROR: Invalid argument/option - '$1'." >&2
echo "Type \\"WHOAMI /?\\" for usage." >&2
exit 1
"""


def find_pwsh() -> str | None:
    """Return the PowerShell to use, None where there is none."""
    own = os.environ.get("WINSTACK_PWSH", "")
    beside = str(ROOT.parent / "shared/tools/pwsh")
    return (
        shutil.which(own)
        or shutil.which("pwsh", path=own or os.environ.get("PATH"))
        or shutil.which("pwsh", path=beside)
    )


class Stage:
    """A PowerShell, with a folder where it finds the fake cmdlets and, beyond Windows, programs of Windows."""

    def __init__(self, pwsh: str, folder: Path) -> None:
        """Fill the folder."""
        self.pwsh, self.folder = pwsh, folder
        module = folder / "Modules/FakeCmdlets"
        programs = folder / "bin"
        for made in (module, programs):
            made.mkdir(parents=True, exist_ok=True)
        for name in ("FakeCmdlets.psm1", "FakeCmdlets.psd1"):
            shutil.copy(HERE / name, module / name)
        self.module = module / "FakeCmdlets.psm1"
        self.environment = dict(os.environ, POWERSHELL_TELEMETRY_OPTOUT="1", PSModulePath=str(module.parent))
        if os.name != "nt":
            (programs / "whoami.exe").write_text(_WHOAMI)
            (programs / "whoami.exe").chmod(0o755)
            self.environment["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    def file(self, script: str, question: Any, **parameters: str) -> Any:
        """Return what a script of this folder makes of a question; both are files of JSON."""
        asked, answered = self.folder / "asked.json", self.folder / "answered.json"
        asked.write_text(json.dumps(question), encoding="utf-8")
        answered.unlink(missing_ok=True)
        command = [
            self.pwsh,
            "-NoLogo",
            "-NoProfile",
            "-NonInteractive",
            "-ExecutionPolicy",
            "Bypass",
            "-File",
        ]
        command += [str(HERE / script), "-AskedPath", str(asked), "-AnsweredPath", str(answered)]
        for name, value in parameters.items():
            command += [f"-{name}", value]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=self.environment,
        )
        if done.returncode or not answered.is_file():
            raise RuntimeError(f"{self.pwsh} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(answered.read_text(encoding="utf-8-sig"))

    def command(self, script: str | None = None) -> list[str]:
        """Return the command line of the direct transport, which runs this PowerShell; ``script`` in place of the bootstrap."""
        line = direct.command_line() if script is None else f"{_prefix()} {_encoded(script)}"
        return [self.pwsh, *line.split(" ")[1:]]

    def run(
        self, stdin: bytes, script: str | None = None, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the direct transport's command."""
        return subprocess.run(
            self.command(script),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=options.get("env", self.environment),
        )


def _prefix() -> str:
    return direct.command_line().rpartition(" ")[0]


def _encoded(script: str) -> str:
    import base64

    return base64.b64encode(script.encode("utf-16-le")).decode("ascii")


def bootstrap() -> str:
    """Return the script of the command line."""
    return direct.lean((ENGINE / "bootstrap.ps1").read_text(encoding="ascii"))


# script -------------------------------------------------------------------------------------------------------


def by_script(stage: Stage, cases: Sequence[Case]) -> dict[str, Answer]:
    """Return name -> answer; all cases in one process."""
    wire = [
        {name: case[name] for name in ("name", "check_mode", "secrets")} | {"batch": batch(case)}
        for case in cases
    ]
    parameters = {"DriverPath": str(ENGINE / "driver.ps1"), "ModulePath": str(stage.module)}
    answers = stage.file("Invoke-Driver.ps1", {"cases": wire}, **parameters)
    return {answer["name"]: answer for answer in answers}


# Ansible ------------------------------------------------------------------------------------------------------


def no_module_way() -> str:
    """Return why win_powershell cannot run here; empty if it can. Before 3.6.0 it needs Windows, and hangs elsewhere."""
    manifests = [Path(folder, "ansible_collections/ansible/windows/MANIFEST.json") for folder in COLLECTIONS]
    found = next((path for path in manifests if path.is_file()), None)
    if found is None:
        return "the collection ansible.windows is not there"
    version = json.loads(found.read_text(encoding="utf-8"))["collection_info"]["version"]
    if tuple(map(int, version.split(".")[:2])) < (3, 6):
        return f"win_powershell of ansible.windows {version} needs Windows; 3.6.0 does not"
    return ""


def interpreter(stage: Stage) -> str:
    """Return the program in the folder that this PowerShell calls its home."""
    command = [stage.pwsh, "-NoProfile", "-NonInteractive", "-Command", "Join-Path $PSHOME 'pwsh'"]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=stage.environment
    ).stdout.strip()


def by_ansible(
    stage: Stage,
    way: str,
    *options: str,
    only: str = "",
    log: str = "",
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run cases through ansible-playbook and the product's own way to a host, in this PowerShell."""
    inventory, settings = stage.folder / "hosts.yml", stage.folder / "ansible.cfg"
    settings.touch()
    variables = {
        "ansible_connection": "pwsh_here",
        "ansible_pwsh_here_program": stage.pwsh,
        # From ansible-core 2.21 on: any other than the one that runs would be started beside it.
        "ansible_pwsh_interpreter": interpreter(stage),
        "ansible_pwsh_here_log": log,
        "winstack_transport": way,
        "only": only,
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"here": variables}}}))
    own = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, COLLECTIONS)),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "ansible/connection_plugins"),
        "ANSIBLE_ACTION_PLUGINS": str(HERE / "ansible/action_plugins"),
        "ANSIBLE_HOME": str(stage.folder / "home"),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_NOCOLOR": "1",
        # In some hosts' locales Ansible does not start.
        "LC_ALL": "C.UTF-8",
    }
    kept = {key: value for key, value in stage.environment.items() if not key.startswith("ANSIBLE_")}
    playbook = Path(sys.executable).with_name("ansible-playbook")
    return subprocess.run(
        [str(playbook), "-i", str(inventory), *options, str(HERE / "ansible/cases.yml")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        # win_powershell makes a folder named %TEMP% where it stands, beyond Windows.
        cwd=stage.folder,
        env=kept | own | (environment or {}),
    )


# runspace, direct ---------------------------------------------------------------------------------------------


def standard_input(case: Case, **environment: str) -> bytes:
    """Return what the direct transport sends for a case."""
    whole = json.loads(batch(case))
    whole["calls"].append(_SEEN)
    secrets = {
        secret["name"]: Credential(secret.get("username") or "", secret["password"])
        for secret in case["secrets"]
    }
    sent = driver.Batch(json.dumps(whole, separators=(",", ":")), secrets)
    return direct.standard_input(sent, NONCE, check_mode=case["check_mode"], environment=environment)


def as_answer(case: Case, stdout: str) -> Answer:
    """Return the answer of a case in the words of driver_cases.faults."""
    try:
        reply = direct.reply(NONCE, stdout)
    except direct.NoAnswer:
        return {"name": case["name"], "failure": f"no answer in {stdout[-600:]!r}"}
    told = reply.answer or {"sections": [{"data": []}]}
    seen = [row[""] for row in told["sections"].pop()["data"]]
    return {
        "name": case["name"],
        "failure": reply.fault,
        "output": [json.dumps(told)],
        "types": ["System.String"],
        "changed": reply.changed,
        "seen": seen,
        "warnings": list(reply.warnings),
    }


def in_runspaces(
    stage: Stage, inputs: Sequence[Iterable[str]], *, constrained: bool = False, before: str = ""
) -> list[list[str]]:
    """Return what the bootstrap writes for each input (its lines), ``before`` having run; all in one process."""
    script = before + re.sub(r"\Aparam\(\)\n", "", bootstrap()) if before else bootstrap()
    asked = {"script": script, "constrained": constrained, "inputs": [list(lines) for lines in inputs]}
    outputs: list[list[str]] = stage.file("Invoke-Direct.ps1", asked, ModulePath=str(stage.module))
    return outputs


def lines_of(stdin: bytes) -> list[str]:
    """Return the lines of an input as psrp feeds them."""
    return stdin.decode("ascii").splitlines()


def by_runspace(
    stage: Stage, cases: Sequence[Case], *, constrained: bool = False, before: str = ""
) -> dict[str, Answer]:
    """Return name -> answer; all cases in one process."""
    inputs = [lines_of(standard_input(case)) for case in cases]
    outputs = in_runspaces(stage, inputs, constrained=constrained, before=before)
    return {
        case["name"]: as_answer(case, "\n".join(output)) for case, output in zip(cases, outputs, strict=True)
    }


def by_process(
    stage: Stage, cases: Sequence[Case], *, constrained: bool = False, noise: bool = False
) -> dict[str, Answer]:
    """Return name -> answer; a process a case, two at a time."""
    script = None
    if constrained or noise:
        script = re.sub(r"\Aparam\(\)\n", "", bootstrap())
        script = (_CONSTRAINED if constrained else "") + script
        script = _BEFORE + script + _AFTER if noise else script

    def answer(case: Case) -> Answer:
        done = stage.run(standard_input(case), script)
        stdout = done.stdout.decode("utf-8")
        if not noise and not stdout.isascii():
            return {"name": case["name"], "failure": f"not ASCII alone: {stdout[-600:]!r}"}
        return as_answer(case, stdout)

    with ThreadPoolExecutor(2) as pool:
        return {found["name"]: found for found in pool.map(answer, cases)}


WAYS: dict[str, Any] = {
    "script": by_script,
    "runspace": by_runspace,
    "constrained-runspace": lambda stage, cases: by_runspace(stage, cases, constrained=True),
    "direct": by_process,
    "constrained": lambda stage, cases: by_process(stage, cases, constrained=True),
    "noise": lambda stage, cases: by_process(stage, cases, noise=True),
}


def is_constrained(way: str) -> bool:
    """Return whether a way runs in constrained language."""
    return way.startswith("constrained")

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible inventory of the simulated hosts, so that any playbook for Windows hosts can run against them."""

from __future__ import annotations

from typing import Any

import yaml

from winsim.world import Machine, World

_GROUPS = {"http": "windows_http", "https": "windows_https", "ntlm": "windows_ntlm"}


def _transport(machine: Machine, wanted: str, index: int) -> str:
    """``mixed``: what the host's YAML says, else HTTPS and HTTP in turn."""
    if wanted != "mixed":
        return wanted
    return machine.winrm.transport or ("https", "http")[index % 2]


def _host_variables(machine: Machine, ports: dict[str, Any], transport: str) -> dict[str, Any]:
    user, password = next(iter(machine.users.items()))
    return {
        "ansible_host": machine.listen or ports["address"],
        "ansible_port": ports["https" if transport == "https" else "http"],
        "ansible_winrm_path": f"/wsman/{machine.name}",
        "ansible_user": user,
        "ansible_password": password,
    }


def _group_variables(transport: str, ports: dict[str, Any]) -> dict[str, Any]:
    if transport == "https":
        return {
            "ansible_winrm_scheme": "https",
            "ansible_winrm_transport": "basic",
            "ansible_winrm_server_cert_validation": "validate",
            "ansible_winrm_ca_trust_path": ports["ca"],
        }
    # Plain HTTP carries Basic in clear, NTLM with message encryption, as WinRM does
    return {
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "basic" if transport == "http" else "ntlm",
    }


def inventory(world: World, ports: dict[str, Any], transport: str) -> dict[str, Any]:
    """Group ``windows`` of all hosts; child groups by transport."""
    children: dict[str, Any] = {}
    for index, machine in enumerate(world.machines.values()):
        kind = _transport(machine, transport, index)
        group = children.setdefault(_GROUPS[kind], {"hosts": {}, "vars": _group_variables(kind, ports)})
        group["hosts"][machine.name] = _host_variables(machine, ports, kind)
    variables = {"ansible_connection": "winrm", "winsim_ca_file": ports["ca"]}
    return {"all": {"children": {"windows": {"vars": variables, "children": children}}}}


def inventory_text(data: dict[str, Any], form: str = "yaml") -> str:
    """The inventory as YAML or INI text."""
    if form == "yaml":
        return yaml.safe_dump(data, sort_keys=False)
    windows = data["all"]["children"]["windows"]
    lines: list[str] = []
    for name, group in windows["children"].items():
        lines += [f"[{name}]", *(f"{host} {_ini(values)}" for host, values in group["hosts"].items()), ""]
        lines += [f"[{name}:vars]", *(f"{key}={value}" for key, value in group["vars"].items()), ""]
    lines += ["[windows:children]", *windows["children"], ""]
    lines += ["[windows:vars]", *(f"{key}={value}" for key, value in windows["vars"].items()), ""]
    return "\n".join(lines)


def _ini(values: dict[str, Any]) -> str:
    return " ".join(f"{key}={_quoted(str(value))}" for key, value in values.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if set(text) & set(" #'\"\\=!") else text

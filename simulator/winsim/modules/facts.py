# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""setup and win_ping."""

from __future__ import annotations

import json
import math
import ntpath
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from winsim.errors import Unmodelled, WinError
from winsim.host import Host
from winsim.modules import environment_of, module

if TYPE_CHECKING:
    from winsim.invoke import ModuleContext

GROUPS = {
    "min": ["date_time", "distribution", "dns", "env", "local", "platform", "powershell_version", "user"],
    "network": ["all_ipv4_addresses", "all_ipv6_addresses", "interfaces", "windows_domain", "winrm"],
    "hardware": ["bios", "memory", "processor", "uptime", "virtual"],
    "external": ["facter"],
}
ALL = {name for names in GROUPS.values() for name in names}


def subsets(asked: list[str], warnings: list[str]) -> set[str]:
    """The subsets that ``gather_subset`` asks for: everything, minus exclusions, plus what is named."""
    named: set[str] = set()
    excluded: set[str] = set()
    groups = {**{key: set(names) for key, names in GROUPS.items()}, "all": ALL}
    for item in asked:
        name = item.removeprefix("!")
        if item.startswith("!"):
            excluded |= ALL - groups["min"] if name == "all" else groups.get(name, {name} & ALL)
        elif name in groups or name in ALL:
            named |= groups.get(name, {name})
        else:
            warnings.append(f"invalid value {item} specified in gather_subset")
    return (ALL - excluded) | named


def _addresses(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    return {"ip_addresses": [a.address for a in host.network.external()]}


def _bios(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    return {
        "bios_date": "05/22/2023",
        "bios_version": "Hyper-V UEFI Release v4.1",
        "product_name": host.hardware.model,
        "product_serial": host.hardware.serial,
        "product_uuid": host.hardware.uuid,
    }


def date_time(now: datetime) -> dict[str, Any]:
    """ansible_date_time of a host whose time zone is UTC."""
    epoch = (now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return {
        "date": now.strftime("%Y-%m-%d"),
        "day": now.strftime("%d"),
        "epoch": f"{epoch:.5f}",
        "epoch_int": int(epoch),
        "epoch_local": f"{epoch:.5f}",
        "hour": now.strftime("%H"),
        "iso8601": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "iso8601_basic": now.strftime("%Y%m%dT%H%M%S%f"),
        "iso8601_basic_short": now.strftime("%Y%m%dT%H%M%S"),
        "iso8601_micro": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "minute": now.strftime("%M"),
        "month": now.strftime("%m"),
        "second": now.strftime("%S"),
        "time": now.strftime("%H:%M:%S"),
        "tz": "UTC",
        "tz_offset": "+00:00",
        "weekday": now.strftime("%A"),
        "weekday_number": now.strftime("%w"),
        "weeknumber": str((now.timetuple().tm_yday - 1) // 7),
        "year": now.strftime("%Y"),
    }


def _distribution(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    kinds = {1: "workstation", 2: "domain_controller", 3: "server"}
    return {
        "distribution": host.os.caption,
        "distribution_version": f"{host.os.version}.0",
        "distribution_major_version": host.os.version.split(".")[0],
        "os_family": "Windows",
        "os_name": host.os.caption,
        "os_product_type": kinds[host.os.product_type],
        "os_installation_type": host.os.installation_type,
        "os_install_date": None,
    }


def _env(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    return {"env": {key: value.rstrip("\\") for key, value in environment_of(ctx).items()}}


def _interfaces(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    return {"interfaces": [_interface(host, adapter) for adapter in host.network.adapters]}


def _interface(host: Host, adapter: Any) -> dict[str, Any]:
    own = [a for a in host.network.addresses if a.interface_index == adapter.index]
    families: dict[str, Any] = {}
    for family in ("IPv4", "IPv6"):
        found = [{"address": a.address, "prefix": str(a.prefix_length)} for a in own if a.family == family]
        # One object is not wrapped in a list by PowerShell's pipeline, none is null.
        families[family.lower()] = found[0] if len(found) == 1 else (found or None)
    return {
        "connection_name": adapter.name,
        "default_gateway": adapter.gateway,
        "dns_domain": host.domain,
        "interface_index": adapter.index,
        "interface_name": adapter.description,
        **families,
        "macaddress": adapter.mac.replace("-", ":"),
        "mtu": adapter.mtu,
        "speed": adapter.speed // 1_000_000,
    }


def _local(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    path = ctx.params.get("fact_path")
    if not path:
        return {}
    if not host.files.is_dir(path):
        ctx.params.setdefault("_warnings", []).append(f"Non existing path was set for local facts - {path}")
        return {}
    facts = {}
    for node in host.files.list(path):
        stem, extension = ntpath.splitext(node.name)
        if extension == ".json":
            facts[stem] = json.loads(host.files.read(ntpath.join(path, node.name)))
        elif extension == ".ps1":
            raise Unmodelled(f"setup: local facts of the script {node.name}")
    return facts


def _memory(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    total = math.ceil(host.hardware.memory / 1024**2)
    page = total // 8
    return {
        "memtotal_mb": total,
        "memfree_mb": total * 3 // 4,
        "swaptotal_mb": 0,
        "pagefiletotal_mb": page,
        "pagefilefree_mb": page,
    }


def _platform(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    return {
        "domain": host.domain or "",
        "fqdn": host.fqdn,
        "hostname": host.name,
        "netbios_name": host.name.upper()[:15],
        "kernel": f"{host.os.version}.0",
        "nodename": host.fqdn,
        "machine_id": host.accounts.machine_sid,
        "owner_name": "",
        "owner_contact": "",
        "system": "Win32NT",
        "system_description": "",
        "system_vendor": host.hardware.vendor,
        "reboot_pending": host.reboot_pending,
        "architecture": "64-bit",
        "architecture2": "x86_64",
    }


def _processor(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    count = host.hardware.processors
    entries = [(str(number), "GenuineIntel", host.hardware.processor) for number in range(count)]
    return {
        "processor": [text for entry in entries for text in entry],
        "processor_count": 1,
        "processor_cores": max(1, count // 2),
        "processor_threads_per_core": 2 if count > 1 else 1,
        "processor_vcpus": count,
    }


def _uptime(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    return {
        "lastboot": host.boot_time.strftime("%Y-%m-%d %H:%M:%SZ"),
        "uptime_seconds": round(host.uptime()),
    }


def _user(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    env = environment_of(ctx)
    name = (ctx.become_user or ctx.user or env["USERNAME"]).rpartition("\\")[2]
    found = host.accounts.resolve(name)
    return {
        "user_dir": env["USERPROFILE"],
        "user_gecos": "",
        "user_id": env["USERNAME"],
        "user_sid": found[1] if found else f"{host.accounts.machine_sid}-500",
    }


def _domain(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    member = host.domain is not None
    return {
        "windows_domain": host.domain or "WORKGROUP",
        "windows_domain_member": member,
        "windows_domain_role": "Member server" if member else "Stand-alone server",
    }


_GATHER: dict[str, Callable[[Host, ModuleContext], dict[str, Any]]] = {
    "all_ipv4_addresses": _addresses,
    "all_ipv6_addresses": _addresses,
    "bios": _bios,
    "date_time": lambda host, ctx: {"date_time": date_time(host.clock.now())},
    "distribution": _distribution,
    "env": _env,
    "interfaces": _interfaces,
    "local": _local,
    "memory": _memory,
    "platform": _platform,
    "powershell_version": lambda host, ctx: {"powershell_version": int(host.os.powershell.split(".")[0])},
    "processor": _processor,
    "uptime": _uptime,
    "user": _user,
    "virtual": lambda host, ctx: {"virtualization_role": "guest", "virtualization_type": "Hyper-V"},
    "windows_domain": _domain,
}


@module("ansible.windows.setup")
def setup(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Facts by subset."""
    warnings: list[str] = []
    asked = ctx.params["gather_subset"] or ["all"]
    wanted = subsets(asked, warnings)
    facts: dict[str, Any] = {"gather_subset": asked, "module_setup": True}
    for name, gather in _GATHER.items():
        if name in wanted:
            facts.update({f"ansible_{key}": value for key, value in gather(host, ctx).items()})
    warnings += ctx.params.pop("_warnings", [])
    return {"ansible_facts": facts, "warnings": warnings}


@module("ansible.windows.win_ping")
def win_ping(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """``data`` back, or the exception that was asked for."""
    data = ctx.params["data"]
    if data == "crash":
        raise WinError("boom", 1, "System.Management.Automation.RuntimeException")
    return {"ping": data}

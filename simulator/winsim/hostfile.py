# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's mapping in the hosts file makes of a fresh machine.

Every function raises ValueError for keys and values that mean nothing, so that a misspelt key is never passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from winsim.checks import check_keys, one_of, truth
from winsim.files import ATTRIBUTES, Volume, parse_size
from winsim.services import Service
from winsim.w32time import TRIGGER_WORDS

if TYPE_CHECKING:
    from winsim.files import Node
    from winsim.host import Host

_FEATURE_KEYS = ("installed", "unavailable", "removed", "restart", "fails_while_pending")
_VOLUME_KEYS = ("size", "free", "filesystem", "drive_type", "label")
_FILE_KEYS = ("content", "size", "directory", "attributes", "target", "link")
_LINKS = ("Junction", "SymbolicLink")
_SERVICE_KEYS = {item.name for item in fields(Service)} - {"on_start", "on_stop", "process_id", "name"}


_DIRECTORIES = (
    "C:\\Windows\\System32\\drivers\\etc",
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
    "C:\\Windows\\System32\\sysprep",
    "C:\\Windows\\System32\\wbem",
    "C:\\Windows\\Temp",
    "C:\\Program Files\\Common Files",
    "C:\\Program Files (x86)",
    "C:\\ProgramData",
    "C:\\Users\\Public",
    "C:\\PerfLogs",
)
_FILES = (
    "cmd.exe", "hostname.exe", "ipconfig.exe", "whoami.exe", "sc.exe", "w32tm.exe", "shutdown.exe", "reg.exe",
    "netsh.exe", "net.exe", "notepad.exe", "arp.exe", "attrib.exe", "auditpol.exe", "bcdedit.exe", "certutil.exe",
    "chkdsk.exe", "cscript.exe", "diskpart.exe", "Dism.exe", "find.exe", "findstr.exe", "fsutil.exe", "gpresult.exe",
    "gpupdate.exe", "icacls.exe", "iscsicli.exe", "klist.exe", "mountvol.exe", "msiexec.exe", "netstat.exe",
    "nltest.exe", "nslookup.exe", "ping.exe", "powercfg.exe", "robocopy.exe", "route.exe", "rundll32.exe",
    "schtasks.exe", "secedit.exe", "setspn.exe", "setx.exe", "sfc.exe", "systeminfo.exe", "takeown.exe",
    "taskkill.exe", "tasklist.exe", "timeout.exe", "tzutil.exe", "vssadmin.exe", "wevtutil.exe", "where.exe",
    "at.exe", "bitsadmin.exe", "bootcfg.exe", "cacls.exe", "chkntfs.exe", "choice.exe", "cipher.exe", "clip.exe",
    "cmdkey.exe", "comp.exe", "compact.exe", "control.exe", "convert.exe", "curl.exe", "dcdiag.exe", "defrag.exe",
    "diskshadow.exe", "dnscmd.exe", "driverquery.exe", "dsquery.exe", "eventcreate.exe", "expand.exe", "fc.exe",
    "forfiles.exe", "ftp.exe", "getmac.exe", "hvix64.exe", "label.exe", "logman.exe", "logoff.exe", "lodctr.exe",
    "makecab.exe", "manage-bde.exe", "mmc.exe", "mode.com", "more.com", "mpclaim.exe", "mshta.exe", "msg.exe",
    "msinfo32.exe", "mstsc.exe", "nbtstat.exe", "net1.exe", "openfiles.exe", "pathping.exe", "perfmon.exe",
    "pnputil.exe", "print.exe", "qprocess.exe", "query.exe", "quser.exe", "qwinsta.exe", "reagentc.exe", "recover.exe",
    "regedt32.exe", "regini.exe", "regsvr32.exe", "relog.exe", "replace.exe", "rpcping.exe", "runas.exe",
    "rwinsta.exe", "ServerManagerCmd.exe", "sort.exe", "subst.exe", "sxstrace.exe", "sysprep\\sysprep.exe",
    "tar.exe", "taskmgr.exe", "tracert.exe", "tree.com", "tskill.exe", "typeperf.exe", "unlodctr.exe", "verifier.exe",
    "waitfor.exe", "wbadmin.exe", "wecutil.exe", "winrm.cmd", "winrs.exe", "wuauclt.exe", "wusa.exe",
    "wbem\\WMIC.exe", "slmgr.vbs", "wscript.exe", "xcopy.exe", "WindowsPowerShell\\v1.0\\powershell.exe",
)  # fmt: skip


def load_volumes(host: Host, volumes: Mapping[str, Any]) -> None:
    """Mount the volumes, and put on C: what Windows has there."""
    for letter, entry in volumes.items():
        values = dict(entry or {})
        check_keys(f"volume {letter}", values, _VOLUME_KEYS)
        size = parse_size(values.pop("size", "64GiB"))
        free = parse_size(values.pop("free", size * 5 // 8 if letter.upper().startswith("C") else size))
        host.files.add_volume(Volume(letter=str(letter), size=size, free=free, **values))
    if "C" in host.files.volumes:
        for path in (*_DIRECTORIES, host.env["TEMP"]):
            host.files.mkdir(path)
        for name in _FILES:
            host.files.write(f"C:\\Windows\\System32\\{name}", b"MZ")
        for service in host.services:
            host._place_program(service.path)
        host.files.write("C:\\Windows\\System32\\drivers\\etc\\hosts", b"# hosts\r\n")
        paging = host.files.write("C:\\pagefile.sys", None)
        paging.attributes, paging.in_use_by = {"Hidden", "System", "Archive"}, "System"


def load_features(host: Host, features: Mapping[str, Any]) -> None:
    """Features of the image: ``restart`` names those that want a restart to be installed."""
    check_keys("features", features, _FEATURE_KEYS)
    host.features.mark_removed(features.get("removed", ()))
    host.features.preinstall(features.get("installed", ()))
    for name in features.get("restart", ()):
        host.features.get(name).restart_install = True
    host.features.fails_while_pending = truth(
        "features: fails_while_pending", features.get("fails_while_pending", False)
    )


def load_services(host: Host, services: Mapping[str, Any]) -> None:
    """Attributes of winsim.services.Service, and ``triggers``: the words of ``sc.exe triggerinfo``."""
    for name, values in services.items():
        service = host.services.find(name)
        if service is None:
            raise ValueError(f"service {name}: this host has no such service")
        check_keys(f"service {name}", values, _SERVICE_KEYS | {"triggers"})
        for key, value in values.items():
            if key == "triggers":
                load_triggers(host, service.name, value)
            else:
                setattr(service, key, value)
        host.services.save(service)


def load_triggers(host: Host, name: str, words: Iterable[str]) -> None:
    """Replace the triggers of a service; without any it has no TriggerInfo."""
    triggers = [TRIGGER_WORDS[one_of(f"service {name}: trigger", word, TRIGGER_WORDS)] for word in words]
    host.services.set_triggers(name, triggers)


def load_files(host: Host, files: Mapping[str, Any]) -> None:
    """Files and directories. ``target`` makes a junction, or with ``link: SymbolicLink`` a symbolic link."""
    for path, value in files.items():
        entry = {"content": value} if isinstance(value, str) else dict(value or {})
        check_keys(f"file {path}", entry, _FILE_KEYS)
        node = _load_node(host, path, entry, directory=value is None)
        names = entry.get("attributes", ())
        node.attributes.update(one_of(f"file {path}: attribute", name, ATTRIBUTES) for name in names)
        if "target" in entry:
            _link(path, node, entry)


def _load_node(host: Host, path: str, entry: Mapping[str, Any], *, directory: bool) -> Node:
    junction = "target" in entry and entry.get("link", "Junction") == "Junction"
    if directory or entry.get("directory") or junction:
        return host.files.mkdir(path)
    host.files.mkdir(path.replace("/", "\\").rsplit("\\", 1)[0] + "\\")
    content = entry.get("content")
    size = parse_size(entry["size"]) if "size" in entry else None
    return host.files.write(path, content.encode() if content is not None else None, size=size)


def _link(path: str, node: Node, entry: Mapping[str, Any]) -> None:
    node.link_type = one_of(f"file {path}: link", entry.get("link", "Junction"), _LINKS)
    node.link_target = str(entry["target"])
    node.attributes.add("ReparsePoint")


def load_registry(host: Host, keys: Mapping[str, Any]) -> None:
    """Keys with their values: plain data, or a mapping of ``type`` and ``data``."""
    for path, values in keys.items():
        host.registry.create(path)
        for name, value in (values or {}).items():
            if isinstance(value, Mapping):
                check_keys(f"registry {path}, {name}", value, ("data", "type"))
                host.registry.set(path, name, value["data"], value.get("type"))
            else:
                host.registry.set(path, name, value)


def load_iscsi(host: Host, config: Mapping[str, Any]) -> None:
    """What the iSCSI Target Server holds from the start."""
    if config and host.iscsi is not None:
        host.iscsi.load(config)

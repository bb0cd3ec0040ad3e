# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small pure model of a Windows host with iSCSI Target Server, for the tests of the resources.

It answers the sections that the resources ask for, applies the calls that they make, and refuses what Windows refuses. It is
written from the published pages of the cmdlets, not from the resources.
"""

from __future__ import annotations

import copy
import ntpath
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.winstack.windows.plugins.plugin_utils import _runner
from ansible_collections.winstack.windows.plugins.plugin_utils._resource import Resource
from ansible_collections.winstack.windows.plugins.plugin_utils._snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call, Credential
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts, Failure, Section

GB = 1024**3
MB = 1024**2
ISCSI_ERROR = "Microsoft.Iscsi.Target.Commands.IscsiCmdException"


def key(path: str) -> str:
    """Give what makes two paths the same file."""
    return ntpath.normcase(ntpath.normpath(path))


class Refusal(Exception):
    """What the model's Windows refuses."""


@dataclass
class Disk:
    """A virtual disk file, and whether it is registered."""

    path: str
    size: int = GB
    type: str = "Dynamic"
    parent: str | None = None
    description: str | None = ""
    enabled: bool | None = True
    snapshots: list[str] = field(default_factory=list)
    registered: bool = True
    file: bool = True


@dataclass
class Target:
    """A target. ``luns`` maps number to key of the path; secrets are kept to see what arrived."""

    name: str
    iqn: str = ""
    description: str | None = ""
    enabled: bool | None = True
    initiators: list[str] = field(default_factory=list)
    chap: tuple[bool, str | None] = (False, None)
    reverse: tuple[bool, str | None] = (False, None)
    secrets: dict[str, str] = field(default_factory=dict)
    luns: dict[int, str] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Windows makes the IQN of the names of computer and target."""
        self.iqn = self.iqn or f"iqn.1991-05.com.microsoft:stor1-{self.name}-target".lower()


@dataclass
class Portal:
    """A portal of an address."""

    address: str
    port: int = 3260
    enabled: bool = True


class ModelHost:
    """A host: state, ``execute`` as the runner wants it, and a journal of what was called."""

    def __init__(
        self,
        disks: list[Disk] | None = None,
        targets: list[Target] | None = None,
        portals: list[Portal] | None = None,
        *,
        build: str = "20348",
        service: str | None = "Running",
    ) -> None:
        """Start from the given objects, on a host with drives C: and D: and the folder D:\\iSCSI."""
        self.build = build
        self.service = service
        self.disks = {key(disk.path): disk for disk in disks or []}
        self.targets = {target.name.lower(): target for target in targets or []}
        self.portals = portals or []
        self.addresses = [portal.address for portal in self.portals]
        self.folders = {key(path) for path in ("C:\\", "D:\\", "D:\\iSCSI", "C:\\iSCSI")}
        self.attributes: dict[str, str] = {}
        """Path (key) -> System.IO.FileAttributes as they print."""
        self.volumes: list[dict[str, t.Any]] = [
            {"DeviceID": "C:", "DriveType": 3, "FileSystem": "NTFS", "Size": 64 * GB, "FreeSpace": 30 * GB},
            {"DeviceID": "D:", "DriveType": 3, "FileSystem": "ReFS", "Size": 500 * GB, "FreeSpace": 100 * GB},
            {"DeviceID": "E:", "DriveType": 5, "FileSystem": None, "Size": None, "FreeSpace": None},
            {"DeviceID": "F:", "DriveType": 3, "FileSystem": "FAT32", "Size": 8 * GB, "FreeSpace": 8 * GB},
        ]
        self.batches = 0
        self.changes: list[Call] = []
        self.forgetful = 0
        """How many more times WMI answers null where it should say whether something is enabled."""
        self.broken: dict[str, Failure] = {}
        """cmdlet -> what it fails with."""
        self.deaf: set[str] = set()
        """Cmdlets that do nothing and report no error."""

    # The runner's side ------------------------------------------------------------------------------------------------

    def execute(self, calls: Mapping[str, Call]) -> Facts:
        """Run a batch as the driver does: after a change that failed no other change is tried."""
        self.batches += 1
        stopped = False
        answers: dict[str, Section] = {}
        for name, call in calls.items():
            if call.change and stopped:
                answers[name] = Section(skipped=True)
                continue
            answers[name] = self._answer(call)
            stopped = stopped or (call.change and not answers[name].ok)
        return answers

    def _answer(self, call: Call) -> Section:
        if call.cmdlet in self.broken:
            return Section(ok=False, error=self.broken[call.cmdlet])
        if call.change:
            return self._change(call)
        what = str(call.params.get("ClassName", call.cmdlet))
        if "Iscsi" in what and self.service != "Running":
            return failed(ISCSI_ERROR, "The service is not running.")
        return self._item(call) if what == "Get-Item" else Section(data=self._queries()[what]())

    def _change(self, call: Call) -> Section:
        self.changes.append(call)
        if call.cmdlet in self.deaf:
            return Section()
        before = copy.deepcopy((self.disks, self.targets))
        try:
            _CHANGES[call.cmdlet](self, call.params)
        except Refusal as refusal:
            self.disks, self.targets = before
            return failed(ISCSI_ERROR, str(refusal))
        return Section()

    def state(self) -> t.Any:
        """Give all that a plan could change."""
        return copy.deepcopy((self.disks, self.targets, self.portals))

    # Questions --------------------------------------------------------------------------------------------------------

    def _queries(self) -> dict[str, Callable[[], list[dict[str, t.Any]]]]:
        return {
            "Win32_OperatingSystem": lambda: [{"BuildNumber": self.build}],
            "Win32_Service": self._services,
            "Win32_LogicalDisk": lambda: self.volumes,
            "Get-NetIPAddress": lambda: [
                {"IPAddress": address} for address in [*self.addresses, "127.0.0.1"]
            ],
            "Get-IscsiVirtualDisk": lambda: [self._disk_row(disk) for disk in self.registered()],
            "WT_Disk": lambda: self._forget(
                [
                    {"WTD": 1, "DevicePath": d.path, "Enabled": d.enabled, "Description": d.description}
                    for d in self.registered()
                ]
            ),
            "Get-IscsiServerTarget": lambda: [self._target_row(target) for target in self.targets.values()],
            "WT_Host": lambda: self._forget(
                [{"HostName": x.name, "Enabled": x.enabled} for x in self.targets.values()]
            ),
            "Get-IscsiTargetServerSetting": self._setting,
            "WT_Portal": lambda: [
                {"Address": p.address, "Port": p.port, "Listen": p.enabled} for p in self.portals
            ],
        }

    def _services(self) -> list[dict[str, t.Any]]:
        found = [] if self.service is None else [{"Name": "WinTarget", "State": self.service}]
        return [*found, {"Name": "WinRM", "State": "Running"}]

    def _forget(self, rows: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        if self.forgetful <= 0:
            return rows
        self.forgetful -= 1
        return [row | {"Enabled": None, "Description": None} for row in rows]

    def _item(self, call: Call) -> Section:
        path = str(call.params["LiteralPath"])
        disk = self.disks.get(key(path))
        if disk is not None and disk.file:
            return Section(data=[self._item_row(disk.path, False)])
        if key(path) in self.folders:
            return Section(data=[self._item_row(path, True)])
        return failed("System.Management.Automation.ItemNotFoundException", f"Cannot find path {path}.")

    def _item_row(self, path: str, folder: bool) -> dict[str, t.Any]:
        usual = "Directory" if folder else "Archive"
        return {
            "FullName": path,
            "PSIsContainer": folder,
            "Length": None if folder else 4 * MB,
            "Attributes": self.attributes.get(key(path), usual),
        }

    def registered(self) -> list[Disk]:
        """Give the disks that are registered."""
        return [disk for disk in self.disks.values() if disk.registered]

    def _disk_row(self, disk: Disk) -> dict[str, t.Any]:
        return {
            "Path": disk.path,
            "Size": disk.size,
            "DiskType": disk.type,
            "ParentPath": disk.parent,
            "Description": disk.description,
            "Status": "NotConnected",
            "SerialNumber": "1",
            "SnapshotIds": disk.snapshots,
        }

    def _target_row(self, target: Target) -> dict[str, t.Any]:
        return {
            "TargetName": target.name,
            "TargetIqn": target.iqn,
            "Description": target.description,
            "Status": "NotConnected",
            "EnableChap": target.chap[0],
            "ChapUserName": target.chap[1],
            "EnableReverseChap": target.reverse[0],
            "ReverseChapUserName": target.reverse[1],
            "InitiatorIds": [_initiator_row(text) for text in target.initiators],
            "LunMappings": [{"Path": self.disks[path].path, "Lun": lun} for lun, path in target.luns.items()],
            "Sessions": [{"": text} for text in target.sessions],
        }

    def _setting(self) -> list[dict[str, t.Any]]:
        portals = []
        for portal in self.portals:
            shown = f"[{portal.address}]" if ":" in portal.address else portal.address
            end = f"{shown}:{portal.port}"
            text = f"{'+' if portal.enabled else '-'}{end}"
            portals.append({"": text, "Enabled": portal.enabled, "IPEndpoint": end})
        return [{"ComputerName": "STOR1", "Version": "10.0", "Portals": portals}]

    # Changes ----------------------------------------------------------------------------------------------------------

    def need(self, path: t.Any) -> Disk:
        """Give a registered disk."""
        disk = self.disks.get(key(str(path)))
        if disk is None or not disk.registered:
            raise Refusal(f"There is no virtual disk {path}.")
        return disk

    def showing(self, path: str) -> list[str]:
        """Give the names of the targets that show a disk."""
        return [target.name for target in self.targets.values() if key(path) in target.luns.values()]


def failure(kind: str, message: str) -> Failure:
    """Give the error of a call."""
    return Failure(kind, "id", message, "0x80131500")


def failed(kind: str, message: str) -> Section:
    """Give the answer to a call that failed."""
    return Section(ok=False, error=failure(kind, message))


def _initiator_row(text: str) -> dict[str, t.Any]:
    """Print an identifier as Windows does, with the case of its kind changed."""
    method, _colon, value = text.partition(":")
    name = {"iqn": "Iqn", "dnsname": "DnsName"}.get(method.lower(), method)
    return {"": f"{name}:{value}", "Method": name, "Value": value}


def _new_disk(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    path = str(params["Path"])
    parent = host.disks.get(key(str(params.get("ParentPath", ""))))
    if key(path) in host.disks or not path.lower().endswith(".vhdx"):
        raise Refusal("The file exists already, or is no .vhdx.")
    if key(ntpath.dirname(path)) not in host.folders:
        raise Refusal("The system cannot find the path specified.")
    if "ParentPath" in params and (parent is None or not parent.file):
        raise Refusal("The parent cannot be opened.")
    kind = "Differencing" if parent else "Fixed" if params.get("UseFixed") else "Dynamic"
    size = int(params.get("SizeBytes") or (parent.size if parent else 0))
    if not 3 * MB <= size <= 64 * 1024 * GB or (parent and size < parent.size):
        raise Refusal("The size is not valid.")
    host.disks[key(path)] = Disk(path, size, kind, parent.path if parent else None, params.get("Description"))


def _import_disk(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    disk = host.disks.get(key(str(params["Path"])))
    if disk is None or not disk.file or disk.registered:
        raise Refusal("There is no such file, or it is registered already.")
    disk.registered, disk.enabled, disk.description = True, True, params.get("Description")


def _set_disk(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    disk = host.need(params["Path"])
    disk.description = params.get("Description", disk.description)
    disk.enabled = params.get("Enable", disk.enabled)


def _resize_disk(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    disk = host.need(params["Path"])
    if params["Size"] < disk.size and disk.path.lower().endswith(".vhd"):
        raise Refusal("A .vhd cannot be made smaller.")
    disk.size = int(params["Size"])


def _remove_disk(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    disk = host.need(params["Path"])
    if host.showing(disk.path) or disk.snapshots:
        raise Refusal("The virtual disk is in use.")
    disk.registered = False


def _remove_item(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    disk = host.disks.get(key(str(params["LiteralPath"])))
    if disk is None or not disk.file or disk.registered:
        raise Refusal("There is no such file, or it is open.")
    del host.disks[key(disk.path)]


def _target(host: ModelHost, params: Mapping[str, t.Any]) -> Target:
    target = host.targets.get(str(params["TargetName"]).lower())
    if target is None:
        raise Refusal("There is no such target.")
    return target


def _new_target(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    name = str(params["TargetName"])
    if name.lower() in host.targets:
        raise Refusal("There is such a target already.")
    host.targets[name.lower()] = Target(name)


def _set_target(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    target = _target(host, params)
    target.description = params.get("Description", target.description)
    target.enabled = params.get("Enable", target.enabled)
    target.iqn = params.get("TargetIqn", target.iqn)
    target.initiators = list(params.get("InitiatorIds", target.initiators))
    target.chap = _set_chap(target, "chap", target.chap, params.get("EnableChap"), params.get("Chap"))
    target.reverse = _set_chap(
        target, "reverse", target.reverse, params.get("EnableReverseChap"), params.get("ReverseChap")
    )


def _set_chap(
    target: Target, name: str, now: tuple[bool, str | None], enable: bool | None, given: Credential | None
) -> tuple[bool, str | None]:
    username = now[1]
    if given is not None:
        username = given.username
        target.secrets[name] = given.password
    enabled = now[0] if enable is None else enable
    if enabled and username is None:
        raise Refusal("CHAP needs a user name and a secret.")
    return enabled, username


def _remove_target(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    del host.targets[_target(host, params).name.lower()]


def _map(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    target, disk, lun = _target(host, params), host.need(params["Path"]), int(params["Lun"])
    if lun in target.luns or key(disk.path) in target.luns.values() or not 0 <= lun < 256:
        raise Refusal("The LUN or the disk is in use in this target.")
    target.luns[lun] = key(disk.path)


def _unmap(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    target, wanted = _target(host, params), key(str(params["Path"]))
    if wanted not in target.luns.values():
        raise Refusal("There is no such mapping.")
    target.luns = {lun: path for lun, path in target.luns.items() if path != wanted}


def _set_portal(host: ModelHost, params: Mapping[str, t.Any]) -> None:
    for portal in host.portals:
        if portal.address == params["IP"]:
            portal.port = params.get("Port", portal.port)
            portal.enabled = params.get("Enable", portal.enabled)
            return
    raise Refusal("There is no such portal.")


_CHANGES: dict[str, Callable[[ModelHost, Mapping[str, t.Any]], None]] = {
    "New-IscsiVirtualDisk": _new_disk,
    "Import-IscsiVirtualDisk": _import_disk,
    "Set-IscsiVirtualDisk": _set_disk,
    "Resize-IscsiVirtualDisk": _resize_disk,
    "Remove-IscsiVirtualDisk": _remove_disk,
    "Remove-Item": _remove_item,
    "New-IscsiServerTarget": _new_target,
    "Set-IscsiServerTarget": _set_target,
    "Remove-IscsiServerTarget": _remove_target,
    "Add-IscsiVirtualDiskTargetMapping": _map,
    "Remove-IscsiVirtualDiskTargetMapping": _unmap,
    "Set-IscsiTargetServerSetting": _set_portal,
}


def options(resource: type[Resource], **given: t.Any) -> dict[str, t.Any]:
    """Give the options as Ansible hands them over: validated, converted, with defaults."""
    result = ArgumentSpecValidator(resource.argument_spec, **resource.constraints).validate(given)
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


def ensure(
    host: ModelHost, resource: type[Resource], *, check: bool = False, **given: t.Any
) -> dict[str, t.Any]:
    """Run the resource against the model as the action plugin would, without a snapshot."""
    return _runner.ensure(resource(options(resource, **given)), host, Snapshot("run"), check_mode=check)


def gather(host: ModelHost, resource: type[Resource], **given: t.Any) -> dict[str, t.Any]:
    """Give what state gathered returns."""
    params = options(resource, state="gathered", **given)
    result = _runner.gathered(resource, host, Snapshot("run"), params)
    return t.cast("dict[str, t.Any]", result["gathered"])


def render(resource: type[Resource], have: dict[str, t.Any], **given: t.Any) -> dict[str, t.Any]:
    """Give what state rendered returns."""
    wanted = resource(options(resource, state="rendered", have=have, **given))
    return _runner.rendered(wanted, have, have.get("release"))


def called(result: Mapping[str, t.Any]) -> list[tuple[str, dict[str, t.Any]]]:
    """Give the calls of a result, short."""
    return [(command["cmdlet"], command["parameters"]) for command in result["commands"]]

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kinds of iSCSI Target Server share: its questions, whether it can be asked, and who owns an object.

https://learn.microsoft.com/powershell/module/iscsitarget
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import cim
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    READY,
    Availability,
    Case,
    Question,
    Row,
    State,
    Thing,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, Type
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.iscsi_values import numbers
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.paths import path_key
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.protected import (
    file_protected_by,
    protected_by,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.windows_feature import (
    is_installed,
    is_to_be_installed,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.windows_service import (
    is_running,
    really_runs,
)

SERVICE: t.Final = "WinTarget"
FEATURE: t.Final = "FS-iSCSITarget-Server"
DISK: t.Final = "iscsi_virtual_disk"
TARGET: t.Final = "iscsi_server_target"

# Of a server: https://learn.microsoft.com/windows-server/storage/iscsi/iscsi-target-server-limits
MAX_TARGETS: t.Final = 256
MAX_DISKS: t.Final = 512

_ADVICE: t.Final = f"Look at the service {SERVICE} and at its events on the host."


# Questions ----------------------------------------------------------------------------------------------------------------
# Everything is listed and filtered on the controller: a Get- cmdlet that is given a name throws where there is none, and its
# error cannot be told from that of a stopped service. The cmdlets do not show Enabled, which cinder's driver reads of WMI, too:
# https://opendev.org/openstack/os-win os_win/utils/storage/target/iscsi_target_utils.py

DISKS: t.Final = Question(
    "iscsi_virtual_disks",
    Call(
        "Get-IscsiVirtualDisk",
        {},
        (
            *("Path", "Size", "DiskType", "ParentPath", "Description", "Status"),
            *("SerialNumber", "SnapshotIds", "ClusterGroupName"),
        ),
    ),
    _ADVICE,
)
TARGETS: t.Final = Question(
    "iscsi_server_targets",
    Call(
        "Get-IscsiServerTarget",
        {},
        (
            *("TargetName", "TargetIqn", "Description", "Status", "EnableChap", "ChapUserName"),
            *("EnableReverseChap", "ReverseChapUserName", "ClusterGroupName"),
            ("InitiatorIds", "", "Method", "Value"),
            ("LunMappings", "Path", "Lun"),
            ("Sessions", ""),
        ),
    ),
    _ADVICE,
)
_WT_DISK: t.Final = cim("WT_Disk", "DevicePath", "Description", "Enabled", Namespace="root/wmi")
WT_DISKS: t.Final = Question("wt_disks", _WT_DISK, _ADVICE, key="DevicePath")
# A property of these classes can be null for a moment, says Microsoft, and is to be asked for again:
# https://learn.microsoft.com/previous-versions/windows/desktop/iscsitarg/wt-disk
WT_DISKS_AGAIN: t.Final = Question("wt_disks_again", _WT_DISK, _ADVICE, key="DevicePath")
WT_HOSTS: t.Final = Question(
    "wt_hosts", cim("WT_Host", "HostName", "Enabled", Namespace="root/wmi"), _ADVICE, key="HostName"
)
# The hive of the cluster's database, which only a node has.
CLUSTER: t.Final = Question(
    "cluster_database",
    Call("Get-ItemProperty", {"LiteralPath": r"HKLM:\Cluster"}, ("ClusterName",)),
    optional=True,
)


def text_of(row: Row, question: Question, column: str) -> str:
    """Return the text that names an object. Raise HostError, with what is there instead, if it is none."""
    value = row.get(column)
    if isinstance(value, str) and value:
        return value
    raise HostError(
        f"{question.call.cmdlet} listed an object whose {column} is {form(value)}, where text was expected. Please report this."
    )


def by_name(state: State, question: Question, key: Callable[[str], str]) -> dict[str, Row]:
    """Return the rows of a WMI class by the key of their names; one whose name is null for the moment is left out."""
    rows = (row for row in state.rows(question) if row.get(question.key) is not None)
    return {key(text_of(row, question, question.key)): row for row in rows}


def read_as(kind: Type, row: Row, question: Question, column: str) -> Json:
    """Return a column as a type reads it. Raise HostError for another form."""
    try:
        return kind.read(row.get(column))
    except ValueError as error:
        raise HostError(
            f"{question.call.cmdlet}: {column} has an unexpected form: {error}. Please report this."
        ) from error


def form(value: t.Any) -> str:
    """Return what a value of an answer is, as in ``a list of 2`` or ``the number 5``."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {', '.join(map(str, value)) or 'nothing'}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"the text {value!r}" if isinstance(value, str) else f"the number {value}"


def enabled_unknown(case: Case) -> Iterator[str]:
    """Return a warning where enabled is wished and the host does not say it."""
    asked = case.have is not None and not case.wish.absent and case.wanted("enabled") is not None
    if asked and case.has("enabled") is None:
        yield "Windows does not say whether it is enabled, so enabled was not compared. Look at it in Server Manager."


# Whether it can be asked --------------------------------------------------------------------------------------------------


def target_server(state: State) -> Availability:
    """Return whether iSCSI Target Server answers. Raise HostError if it is stopped: that must not read as "there is nothing".

    The service is looked at first: listing features takes Windows seconds, and fails during some pending restarts.
    """
    running = is_running(state, SERVICE)
    if running and really_runs(state, SERVICE):
        return READY
    if is_to_be_installed(state, FEATURE):
        return Availability(new=True)
    if not is_installed(state, FEATURE):
        return Availability(unmet=_NOT_INSTALLED)
    if running:
        return Availability(later=_STARTED_FIRST)
    raise HostError(_STOPPED)


_NOT_INSTALLED: t.Final = (
    f"iSCSI Target Server is not installed. Put windows_feature with name {FEATURE} before it."
)
_STARTED_FIRST: t.Final = (
    f"The service {SERVICE} has to be started first. What iSCSI Target Server has is known only then."
)
_STOPPED: t.Final = (
    f"the service {SERVICE} does not run, so the host cannot tell what it has. Put windows_service with name {SERVICE} and "
    "state started before it."
)


# Who owns an object -------------------------------------------------------------------------------------------------------


class Guard(t.NamedTuple):
    """Why an object is protected: ``what`` of it matches ``pattern``."""

    what: str
    pattern: str

    def sentence(self, thing: str) -> str:
        """Return the refusal."""
        return (
            f"{thing} is protected: {self.what} matches {self.pattern}. Leave it to the program that owns it, or take the "
            "pattern out of the option protected if it is yours."
        )


def showing(state: State, path: str) -> list[Thing]:
    """Return the targets that show a disk."""
    key = path_key(path)
    return [target for target in state.table(TARGET).values() if key in numbers(target.values.get("luns"))]


def target_guard(state: State, *names: str) -> Guard | None:
    """Return why a target with these names and IQNs is protected, None if it is not."""
    pattern = protected_by(state.settings.protected, names)
    return Guard("its name or IQN", pattern) if pattern else None


def disk_guard(state: State, path: str, *descriptions: str) -> Guard | None:
    """Return why a disk is protected: by its file's name, a description or a target that shows it; None if it is not."""
    patterns = state.settings.protected
    if pattern := file_protected_by(patterns, path):
        return Guard("the name of its file", pattern)
    disk = state.find(DISK, path_key(path))
    told = [str(disk.values.get("description") or "")] if disk else []
    if pattern := protected_by(patterns, (*descriptions, *told)):
        return Guard("its description", pattern)
    for target in showing(state, path) if patterns else ():
        if guard := target_guard(state, target.name, str(target.values.get("iqn") or "")):
            return Guard(f"the target {target.name}, which shows it,", guard.pattern)
    return None


def clustered(case: Case) -> Iterator[str]:
    """Return a refusal for what a clustered role owns: it moves between the nodes, and this call would not."""
    group = None if case.have is None else case.have.facts.get("cluster_group")
    if group and case.have is not None:
        yield (
            f"{case.have.name} belongs to the clustered role {group}. Change it through the cluster, with Failover Cluster "
            "Manager or -ClusterGroupName, and leave it out of the document."
        )


def on_a_node(case: Case) -> Iterator[str]:
    """Return a warning for a new object on a node of a failover cluster."""
    node = case.have is None and not case.wish.absent and case.state.find("windows_service", "clussvc")
    if node and (rows := case.state.rows(CLUSTER)):
        yield (
            f"{case.state.computer['Name']} is a node of the failover cluster {rows[0].get('ClusterName') or ''}. What is made "
            "here belongs to this node alone, and does not move with a clustered role."
        )

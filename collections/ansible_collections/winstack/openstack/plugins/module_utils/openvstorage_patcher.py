# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is run as a script by the interpreter of an OpenStack service: Python 2.7 to 3.13, standard library only.
# ruff: noqa: B904, UP010, UP024, UP030, UP032, UP036

"""Registers Open vStorage in the os_brick and nova of the interpreter that runs this. PRIVATE to the winstack collections.

Standard input is a job, the last line of standard output the answer, both JSON:

  job     {"state": "patched", "components": ["guest_disk"], "write": true, "copies": "/var/lib/...", "packaged": false,
           "from_copy": false, "probe": true}
  answer  {"changed": false, "files": [{"path": ..., "component": ..., "before": ..., "after": ..., "remark": ...}],
           "reason": null}

A file is pristine, patched, outdated (our block is there, but not as this version writes it), absent, or refused with a
reason. Nothing is written if one file is refused. What is added to a file is whole statements between two markers, right
after the statement that they need, so that taking the lines away gives the old bytes. Places are found in the syntax tree,
never by line number.
"""

from __future__ import absolute_import, division, print_function

import ast
import base64
import contextlib
import errno
import fcntl
import glob
import hashlib
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import tokenize
import types

ANSWER = "winstack-answer: "
PART = ".winstack"
PATIENCE = 300  # seconds that another run may take
MARK = "winstack.openstack.openvstorage_patch"
CONNECTOR = "os_brick.initiator.connectors.openvstorage.OpenvStorageEdgeConnector"
DRIVER_MODULE = "nova.virt.libvirt.volume.openvstorage_edge"
DRIVER_CLASS = "LibvirtOpenvStorageEdgeVolumeDriver"
DISK_CLASS = "LibvirtConfigOpenvStorageEdgeGuestDisk"
OLD_BRICK = "os-brick 1.5 and older choose connectors in another way; 1.6 is the first that can be patched"

PRISTINE, PATCHED, OUTDATED, ABSENT, REFUSED = "pristine", "patched", "outdated", "absent", "refused"

_BEGIN = re.compile(
    "^# BEGIN {0} (?P<name>[a-z-]+) pristine=(?P<sha>[0-9a-f]{{64}})(?P<open> no-newline)?\r?\n$".format(
        re.escape(MARK)
    ).encode("ascii")
)
_END = re.compile("^# END {0} (?P<name>[a-z-]+)\r?\n$".format(re.escape(MARK)).encode("ascii"))

# What is added -----------------------------------------------------------------------------------------------------

# qemu opens Edge volumes itself, over the network. The host attaches nothing, and has no device to look for.
CONNECTOR_SOURCE = '''\
# Written by winstack.openstack.openvstorage_patch; do not edit.
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connector of Open vStorage Edge volumes, which qemu opens over the network."""

import re

from os_brick.initiator.connectors import base

_LOCATION = re.compile(r'openvstorage\\+(tcp|rdma):[^/]+:[0-9]+/.+')


class OpenvStorageEdgeConnector(base.BaseLinuxConnector):
    """Hands the location of a volume on; nothing is attached to the host."""

    @staticmethod
    def get_connector_properties(root_helper, *args, **kwargs):
        """The host has nothing to say."""
        return {}

    def get_search_path(self):
        """Volumes are not found in a folder."""
        return None

    def get_volume_paths(self, connection_properties):
        """The location, such as openvstorage+tcp:10.0.0.5:26203/volume-1."""
        return [self._location(connection_properties)]

    def get_all_available_volumes(self, connection_properties=None):
        """The host does not know of others."""
        return []

    def check_valid_device(self, path, run_as_root=True):
        """Whether this is the location of an Edge volume."""
        return bool(_LOCATION.match(str(path)))

    def connect_volume(self, connection_properties):
        """Give what qemu is to open."""
        return {'type': 'network', 'path': self._location(connection_properties)}

    def disconnect_volume(self, connection_properties, device_info=None,
                          force=False, ignore_errors=False):
        """There is nothing to take away."""

    def extend_volume(self, connection_properties):
        """qemu has to be told of a new size; the host has no device."""
        raise NotImplementedError

    def _location(self, connection_properties):
        path = connection_properties.get('device_path')
        if not self.check_valid_device(path):
            raise ValueError('device_path is not the location of an Open vStorage Edge volume')
        return path
'''

# The attributes are those that volume drivers for the Edge protocol set. The elements are those that the parser of the
# libvirt fork reads (openvstorage/libvirt, src/conf/domain_conf.c). Its schema knows no snapshot-timeout, so the attribute
# is left out where it would say what is the default anyway.
GUEST_DISK_SOURCE = '''

class LibvirtConfigOpenvStorageEdgeGuestDisk(LibvirtConfigGuestDisk):
    """A disk that qemu opens over the Open vStorage Edge protocol."""

    DEFAULT_SNAPSHOT_TIMEOUT = 120

    def __init__(self, **kwargs):
        super(LibvirtConfigOpenvStorageEdgeGuestDisk, self).__init__(**kwargs)
        self.source_type = 'network'
        self.source_protocol = 'openvstorage'
        self.source_host_name = None
        self.source_host_port = None
        self.source_host_transport = 'tcp'
        self.source_snapshot_timeout = self.DEFAULT_SNAPSHOT_TIMEOUT
        self.driver_name = 'qemu'
        self.driver_format = 'raw'
        self.driver_discard = 'ignore'
        self.target_dev = 'vda'
        self.target_bus = 'virtio'

    def format_dom(self):
        if self.source_host_transport not in ('tcp', 'rdma'):
            raise ValueError('transport of an Edge disk has to be tcp or rdma')
        if self.source_host_name is not None:
            port = self.source_host_port
            self.source_hosts = [self.source_host_name]
            self.source_ports = [port if port is None else str(port)]
        del self.source_hosts[1:]
        dev = super(LibvirtConfigOpenvStorageEdgeGuestDisk, self).format_dom()
        source = dev.find('source')
        if int(self.source_snapshot_timeout) != self.DEFAULT_SNAPSHOT_TIMEOUT:
            source.set('snapshot-timeout', str(self.source_snapshot_timeout))
        for host in source.findall('host'):
            host.set('transport', self.source_host_transport)
        return dev

    def parse_dom(self, xmldoc):
        super(LibvirtConfigOpenvStorageEdgeGuestDisk, self).parse_dom(xmldoc)
        source = xmldoc.find('source')
        if source is None:
            return
        self.source_snapshot_timeout = int(
            source.get('snapshot-timeout', self.DEFAULT_SNAPSHOT_TIMEOUT))
        host = source.find('host')
        if host is not None:
            self.source_host_name = host.get('name')
            self.source_host_port = host.get('port')
            self.source_host_transport = host.get('transport', 'tcp')
'''


class Refused(Exception):
    """A file is left alone; the text says why."""


class Failed(Exception):
    """A change was undone; the text says why."""


class Stuck(Exception):
    """A change could not be undone yet; the text says why."""


# Places in the syntax tree -----------------------------------------------------------------------------------------


def text_of(node):
    """Give the text of a string in the tree; None for anything else."""
    if sys.version_info >= (3, 8):
        value = node.value if isinstance(node, ast.Constant) else None
    else:
        value = node.s if isinstance(node, ast.Str) else None
    return value if isinstance(value, (str, type(b"".decode("ascii")))) else None


def parse(data, path):
    """Give the tree of a file. Raise Refused if this interpreter cannot read it."""
    if b"\r" in data.replace(b"\r\n", b""):
        raise Refused("{0} has line ends of old Macs".format(path))
    try:
        return ast.parse(data)
    except (SyntaxError, ValueError) as error:
        raise Refused("{0} is damaged: {1}".format(path, error))


def assignment(tree, *names):
    """Give the one value that is assigned to one of these names at the top of a file, and its statement; or None twice."""
    found = []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if (
            len(targets) == 1
            and isinstance(targets[0], ast.Name)
            and targets[0].id in names
            and value is not None
        ):
            found.append((value, node))
    return found[0] if len(found) == 1 else (None, None)


def end_of(data, statement):
    """Give the number of the last line of a statement, from 1. (Trees say it only from Python 3.8 on.)"""
    readline = io.BytesIO(data).readline
    tokens = tokenize.tokenize(readline) if sys.version_info[0] > 2 else tokenize.generate_tokens(readline)
    for token in tokens:
        if token[0] == tokenize.NEWLINE and token[2][0] >= statement.lineno:
            return token[2][0]
    return len(io.BytesIO(data).readlines())


def place(data, path, name, kinds, why):
    """Give the line after which a block goes: the end of the one list or dict of strings with one of these names."""
    names = name.split(" ")
    value, statement = assignment(parse(data, path), *names)
    if statement is None:
        raise Refused("{0} has no single {1} at its top level: {2}".format(path, " or ".join(names), why))
    items = getattr(value, "values", getattr(value, "elts", []))
    if not isinstance(value, kinds) or not items or any(text_of(item) is None for item in items):
        raise Refused("{0}: {1} has an unknown shape; {2}".format(path, statement_name(statement), why))
    return statement_name(statement), isinstance(value, ast.Dict), end_of(data, statement)


def statement_name(statement):
    """Give the name that a statement assigns to."""
    return (statement.targets[0] if isinstance(statement, ast.Assign) else statement.target).id


# Edits: each gives [(line after which, name of the block, text)] ---------------------------------------------------


def connector_edits(data, path):
    """A constant and an entry in the list (for the aliases of classes), and an entry in the mapping of the factory."""
    listed, _is_dict, list_end = place(data, path, "unix_connector_list connector_list", ast.List, OLD_BRICK)
    mapping, _is_dict, mapping_end = place(data, path, "_connector_mapping_linux", ast.Dict, OLD_BRICK)
    return [
        (
            list_end,
            "connector-list",
            "OPENVSTORAGE_EDGE = 'OPENVSTORAGE_EDGE'\n{0}.append(\n    '{1}')\n".format(listed, CONNECTOR),
        ),
        (
            mapping_end,
            "connector-mapping",
            "{0}[OPENVSTORAGE_EDGE] = (\n    '{1}')\n".format(mapping, CONNECTOR),
        ),
    ]


def guest_disk_edits(data, path):
    """The class, at the end of the file."""
    names = [node.name for node in parse(data, path).body if isinstance(node, ast.ClassDef)]
    if names.count("LibvirtConfigGuestDisk") != 1:
        raise Refused("{0} has no single class LibvirtConfigGuestDisk".format(path))
    return [(len(io.BytesIO(data).readlines()), "guest-disk", GUEST_DISK_SOURCE)]


def volume_driver_edits(data, path):
    """An entry among the volume drivers: a list up to nova 22, a dictionary from 23 on."""
    why = "its volume drivers are registered in a way that is not known"
    registry, is_dict, end = place(
        data, path, "libvirt_volume_drivers VOLUME_DRIVERS", (ast.List, ast.Dict), why
    )
    target = "{0}.{1}".format(DRIVER_MODULE, DRIVER_CLASS)
    if is_dict:
        text = "{0}['openvstorage_edge'] = (\n    '{1}')\n".format(registry, target)
    else:
        text = "{0}.append(\n    'openvstorage_edge='\n    '{1}')\n".format(registry, target)
    return [(end, "volume-driver", text)]


# Text of a file ----------------------------------------------------------------------------------------------------


def sha256(data):
    """Give the checksum of bytes."""
    return hashlib.sha256(data).hexdigest()


def split(data, path):
    """Give a file without our blocks, and the checksums in their markers. Raise Refused for markers that are damaged."""
    kept, sums, inside = [], set(), None
    for line in io.BytesIO(data).readlines():
        begin, end = _BEGIN.match(line), _END.match(line)
        if begin and inside is None and (kept or not begin.group("open")):
            inside = begin.group("name")
            sums.add(begin.group("sha").decode("ascii"))
            if begin.group("open"):
                kept[-1] = kept[-1].rstrip(b"\r\n")
        elif end and inside == end.group("name"):
            inside = None
        elif begin or end or MARK.encode("ascii") in line:
            raise Refused("{0}: the markers of a block are damaged".format(path))
        elif inside is None:
            kept.append(line)
    if inside is not None:
        raise Refused("{0}: a block has no end".format(path))
    return b"".join(kept), sums


def merge(data, path, edits):
    """Give a pristine file with our blocks. The result can be parsed, and without the blocks it is the same bytes."""
    lines = io.BytesIO(data).readlines()
    newline = b"\r\n" if lines[0].endswith(b"\r\n") else b"\n"
    for after, name, text in sorted(edits, reverse=True):
        is_open = not lines[after - 1].endswith(b"\n")
        if is_open:
            lines[after - 1] += newline
        begin = "# BEGIN {0} {1} pristine={2}{3}\n".format(
            MARK, name, sha256(data), " no-newline" if is_open else ""
        )
        block = "{0}{1}# END {2} {3}\n".format(begin, text, MARK, name)
        lines[after:after] = [block.encode("ascii").replace(b"\n", newline)]
    result = b"".join(lines)
    parse(result, path)
    if split(result, path) != (data, {sha256(data)}):
        raise Refused("{0}: the patch could not be taken out again".format(path))
    return result


# Steps -------------------------------------------------------------------------------------------------------------


class Step:
    """One file: what is there, what should be there. ``before`` and ``after`` are bytes, None for no file."""

    def __init__(self, component, path, before):
        self.component = component
        self.path = path
        self.before = self.after = before
        self.pristine = before
        self.was = self.will_be = ABSENT
        self.reason = self.remark = None

    def report(self):
        """Give what the answer says of the file."""
        answer = {"component": self.component, "path": self.path, "before": self.was, "after": self.will_be}
        said = {"reason": self.reason, "remark": self.remark}
        return dict(answer, **{name: text for name, text in said.items() if text})


def plan_edit(job, component, path, edits):
    """Plan for a file of the service that gets blocks."""
    step = Step(component, path, read(path))
    try:
        if step.before is None:
            raise Refused("{0} is not there".format(path))
        refuse_link(path)
        step.pristine = pristine_of(job, step)
        step.remark = remark_of(step)
        foreign = b"openvstorage" in step.pristine.lower()
        if foreign:
            raise Refused(
                "{0} was patched by hand or replaced by the vendor's copy; bring the original back".format(
                    path
                )
            )
        patched = merge(step.pristine, path, edits(step.pristine, path))
        states = {step.pristine: PRISTINE, patched: PATCHED}
        step.was = states.get(step.before, OUTDATED)
        step.after = {"patched": patched, "pristine": step.pristine}.get(job["state"], step.before)
        step.will_be = states.get(step.after, OUTDATED)
        refuse_packaged(job, step)
    except Refused as error:
        refuse(step, error)
    return step


def pristine_of(job, step):
    """Give the pristine bytes of a file: without our blocks or, if these are damaged and the job allows it, the kept copy."""
    try:
        return split(step.before, step.path)[0]
    except Refused as error:
        kept = read_copy(job, step.path)
        if kept is None:
            raise Refused("{0}, and no pristine copy was kept".format(error))
        if not job["from_copy"]:
            raise Refused("{0}; a pristine copy was kept, and from_copy would put it back".format(error))
        return kept


def remark_of(step):
    """Say whether somebody edited a patched file outside of our blocks; the edit stays when these go."""
    try:
        kept, sums = split(step.before, step.path)
    except Refused:
        return None
    if not sums or sums == {sha256(kept)}:
        return None
    return "{0} was changed outside of the patch since; that change is kept".format(step.path)


def plan_create(job, component, path, text):
    """Plan for a file of our own."""
    step = Step(component, path, read(path))
    step.pristine = None
    ours = text.encode("ascii")
    try:
        refuse_link(path)
        if not os.path.isdir(os.path.dirname(path)):
            raise Refused("{0} has no folder for connectors: {1}".format(path, OLD_BRICK))
        if step.before is not None and MARK.encode("ascii") not in step.before.split(b"\n")[0]:
            raise Refused("{0} is there and is not ours; take it away first".format(path))
        states = {None: PRISTINE, ours: PATCHED}
        step.was = states.get(step.before, OUTDATED)
        step.after = {"patched": ours, "pristine": None}.get(job["state"], step.before)
        step.will_be = states.get(step.after, OUTDATED)
        refuse_packaged(job, step)
    except Refused as error:
        refuse(step, error)
    return step


def refuse(step, error):
    """Leave a file alone."""
    step.after = step.before
    step.was = step.will_be = REFUSED
    step.reason = str(error)


def refuse_link(path):
    """Some installers link files to a store that other environments share: a patch there would reach them all."""
    if os.path.islink(path):
        raise Refused(
            "{0} is a link to {1}; install the package with files of its own".format(path, os.readlink(path))
        )


def refuse_packaged(job, step):
    """A file of a Debian package changes with the next upgrade, and dpkg does not know of the patch."""
    if step.after == step.before or job["packaged"] or job["state"] == "pristine":
        return
    package = debian_package(step.path)
    if package:
        raise Refused(
            "{0} belongs to the Debian package {1}; 'packaged' would patch it all the same".format(
                step.path, package
            )
        )


def printed(command, env=None):
    """Give what a command prints, errors included, as bytes. Raise CalledProcessError if it fails."""
    # The linter wants a module's run_command, and no module is at hand in the service's own Python.
    return subprocess.check_output(command, stderr=subprocess.STDOUT, env=env)  # pylint: disable=ansible-bad-function


def debian_package(path):
    """Give the name of the Debian package that a file came with, None if it came in another way."""
    command, environment = ["dpkg-query", "--search", path], dict(os.environ, LC_ALL="C")
    try:
        output = printed(command, env=environment)
    except (EnvironmentError, subprocess.CalledProcessError):
        return None
    for line in output.decode("utf-8", "replace").splitlines():
        name, _mark, found = line.partition(": ")
        if found == path and "diversion" not in name:
            return name
    return None


def require_driver(job, step, folder):
    """Do not register a volume driver that is not there: nova up to 22 would not start."""
    path = os.path.join(folder, "virt", "libvirt", "volume", "openvstorage_edge.py")
    data = read(path)
    if job["state"] != "patched" or step.was == REFUSED:
        return
    try:
        if data is None:
            raise Refused("{0} is not there; put the volume driver in place first".format(path))
        if DRIVER_CLASS not in [getattr(node, "name", None) for node in parse(data, path).body]:
            raise Refused("{0} has no class {1}".format(path, DRIVER_CLASS))
    except Refused as error:
        refuse(step, error)


def plan(job):
    """Give the steps in the order in which they are safe: what is named before what names it; the other way round back."""
    steps = []
    if "connector" in job["components"]:
        folder = package_folder("os_brick")
        own = os.path.join(folder, "initiator", "connectors", "openvstorage.py")
        steps.append(plan_create(job, "connector", own, CONNECTOR_SOURCE))
        path = os.path.join(folder, "initiator", "connector.py")
        steps.append(plan_edit(job, "connector", path, connector_edits))
    if "guest_disk" in job["components"]:
        path = os.path.join(package_folder("nova"), "virt", "libvirt", "config.py")
        steps.append(plan_edit(job, "guest_disk", path, guest_disk_edits))
    if "volume_driver" in job["components"]:
        folder = package_folder("nova")
        steps.append(
            plan_edit(
                job,
                "volume_driver",
                os.path.join(folder, "virt", "libvirt", "driver.py"),
                volume_driver_edits,
            )
        )
        require_driver(job, steps[-1], folder)
    return steps if job["state"] != "pristine" else steps[::-1]


def package_folder(name):
    """Give the folder of a package of this interpreter, without importing it."""
    if sys.version_info[0] > 2:
        import importlib.util

        spec = importlib.util.find_spec(name)
        folders = list(spec.submodule_search_locations or []) if spec else []
    else:
        places = [os.path.join(folder, name) for folder in sys.path]
        folders = [folder for folder in places if os.path.isfile(os.path.join(folder, "__init__.py"))]
    if not folders:
        raise Failed("{0} has no package {1}".format(sys.executable, name))
    return os.path.realpath(folders[0])


# Files -------------------------------------------------------------------------------------------------------------


def read(path):
    """Give the bytes of a file, None if there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except EnvironmentError as error:
        if error.errno == errno.ENOENT:
            return None
        raise


def put(path, data):
    """Put a file in place in one step, with owner, mode and attributes of the old one, or take it away."""
    if data is None:
        if os.path.exists(path):
            os.unlink(path)
    else:
        replace(path, data)
    # Python 2.7 takes a .pyc for fresh if it has the time of the source, in whole seconds; both of ours may be of one second.
    name = os.path.basename(path)[: -len(".py")]
    stale = glob.glob(os.path.join(os.path.dirname(path), "__pycache__", name + ".*.pyc"))
    for compiled in [path + "c", path + "o"] + stale:
        if os.path.exists(compiled):
            os.unlink(compiled)


def replace(path, data):
    """Write beside the file and rename: there is the old file or the new one, never a part."""
    folder = os.path.dirname(path)
    old = os.stat(path) if os.path.exists(path) else None
    owner = old or os.stat(folder)
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=PART, dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chown(temporary, owner.st_uid, owner.st_gid)
        if old:
            copy_attributes(path, temporary)
        os.chmod(temporary, stat.S_IMODE(old.st_mode) if old else 0o644)
        os.rename(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def sync_folder(folder):
    """Bring a new name to the disk: after a power failure, nothing may be there that the journal does not know."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_attributes(source, target):
    """Copy extended attributes, of which the SELinux context is one. Python 2.7 cannot."""
    for name in getattr(os, "listxattr", lambda _path: [])(source):
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except EnvironmentError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENODATA, errno.EINVAL):
                raise


def copy_path(job, path):
    """Give the path of the record of a file: its name says which one, its first line the checksum."""
    return os.path.join(
        job["copies"], "{0}-{1}".format(sha256(path.encode("utf-8"))[:16], os.path.basename(path))
    )


def keep_copy(job, step):
    """Keep the pristine bytes of a file that is patched: the checksum in the first line, then the bytes."""
    if step.pristine is None or step.will_be != PATCHED:
        return
    replace(copy_path(job, step.path), sha256(step.pristine).encode("ascii") + b"\n" + step.pristine)


def read_copy(job, path):
    """Give the pristine bytes that were kept, None if there are none that are sound."""
    kept, _newline, data = (read(copy_path(job, path)) or b"").partition(b"\n")
    return data if kept == sha256(data).encode("ascii") else None


# Work --------------------------------------------------------------------------------------------------------------


def run(job):
    """Do a job, and no other at the same time; give the answer. Raise Failed if something went wrong and was undone."""
    with alone():
        return do(job)


@contextlib.contextmanager
def alone():
    """Wait for the end of other runs in this interpreter's environment: one would take the other for a crash, and undo it."""
    handle = os.open(sys.prefix, os.O_RDONLY)
    try:
        # A probe that outlives its run does not hold the lock.
        fcntl.fcntl(handle, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        for number in range(PATIENCE * 10 + 1):
            if lock(handle):
                break
            if number == PATIENCE * 10:
                raise Failed("another run has been at work in {0} for too long".format(sys.prefix))
            time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def lock(handle):
    """Take the lock; say whether it was to be had. It goes with the process, however that ends."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except EnvironmentError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        # Some network file systems lock only what is open for writing, which a folder never is.
        if error.errno not in (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP):
            raise
    return True


def do(job):
    """Do a job while no other is done."""
    if job["write"]:
        recover(job)
    steps = plan(job)
    changes = [step for step in steps if step.after != step.before]
    refused = [step.reason for step in steps if step.reason]
    if refused:
        for step in steps:
            step.will_be = step.was
        return {"changed": False, "files": [step.report() for step in steps], "reason": "; ".join(refused)}
    if job["write"] and changes:
        apply(job, changes)
    return {"changed": bool(changes), "files": [step.report() for step in steps], "reason": None}


def apply(job, changes):
    """Write all files and try the result out, or leave all as they were."""
    try:
        begin(job, changes)
        for step in changes:
            keep_copy(job, step)
            put(step.path, step.after)
        if job["state"] == "patched" and job["probe"]:
            for component in job["components"]:
                probe(component)
    except BaseException as error:
        undo(job, error)
        raise
    os.unlink(journal_path(job))
    if job["state"] == "pristine":
        forget_copies(job, changes)


def begin(job, changes):
    """Note what the files were, so that whoever comes next can put them back."""
    if not os.path.isdir(job["copies"]):
        os.makedirs(job["copies"], 0o755)
    records = [[step.path, encoded(step.before), sha256(step.after or b"")] for step in changes]
    replace(journal_path(job), json.dumps(records).encode("ascii"))


def undo(job, error):
    """Put everything back after an error. Raise Failed if that was one of the file system, Stuck if it goes on."""
    is_of_files = isinstance(error, EnvironmentError)
    why = said(error) if is_of_files else str(error)
    try:
        recover(job)
    except EnvironmentError as problem:
        raise Stuck("{0}; what was written cannot be put back: {1}".format(why, said(problem)))
    if is_of_files:
        raise Failed(why)


def said(error):
    """Give what the file system said."""
    return "{0}: {1}".format(error.filename or "a file cannot be written", error.strerror)


def forget_copies(job, changes):
    """Take the pristine copies away when the files themselves are pristine: after an upgrade they would be old."""
    for step in changes:
        path = copy_path(job, step.path)
        if os.path.exists(path):
            os.unlink(path)
    try:
        os.rmdir(job["copies"])
    except EnvironmentError:
        # Copies of another environment are there still.
        return


def journal_path(job):
    """Give the path of the journal: it is there while files are written, and holds what they were."""
    return os.path.join(job["copies"], "journal-{0}.json".format(sha256(sys.prefix.encode("utf-8"))[:16]))


def recover(job):
    """Put back what a run had written that did not come to its end; leave alone what somebody else wrote since."""
    journal = read(journal_path(job))
    if journal is None:
        return
    for path, before, after in reversed(json.loads(journal.decode("ascii"))):
        for part in glob.glob(os.path.join(os.path.dirname(path), ".*" + PART)):
            os.unlink(part)
        if sha256(read(path) or b"") == after:
            put(path, decoded(before))
    os.unlink(journal_path(job))


def encoded(data):
    """Give bytes in a form for JSON."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def decoded(text):
    """Give them back."""
    return None if text is None else base64.b64decode(text)


def probe(component):
    """Try a component in a fresh process of this interpreter. Raise Failed if it does not work."""
    command = [sys.executable, "-B", os.path.abspath(__file__), "probe", component]
    try:
        printed(command)
    except subprocess.CalledProcessError as error:
        output = error.output.decode("utf-8", "replace").strip()
        last = output.rsplit("\n", 1)[-1] or "exit status {0}".format(error.returncode)
        raise Failed("the patched {0} does not work in {1}: {2}".format(component, sys.executable, last))


# Probes ------------------------------------------------------------------------------------------------------------


def expect(fact, text):
    """Raise Failed unless something is so."""
    if not fact:
        raise Failed(text)


def probe_connector():
    """The factory makes ours in either case of its name, still makes others, and still refuses unknown ones."""
    from os_brick.initiator import connector

    location = "openvstorage+tcp:10.0.0.5:26203/volume-1"
    for name in ("OPENVSTORAGE_EDGE", "openvstorage_edge"):
        made = connector.InitiatorConnector.factory(name, None)
        expect(type(made).__name__ == "OpenvStorageEdgeConnector", "the factory makes another connector")
    expect(
        made.connect_volume({"device_path": location})["path"] == location,
        "connect_volume gives another path",
    )
    expect(made.check_valid_device(location), "the location is not taken for valid")
    expect(not made.check_valid_device("/dev/sda"), "anything is taken for valid")
    made.disconnect_volume({"device_path": location}, None, force=True, ignore_errors=True)
    other = connector.InitiatorConnector.factory("ISCSI", None)
    expect(type(other).__name__ == "ISCSIConnector", "the factory does not make iSCSI connectors any more")
    try:
        connector.InitiatorConnector.factory("NO_SUCH_PROTOCOL", None)
    except Exception:
        return
    raise Failed("the factory takes an unknown protocol")


class LibvirtStub(types.ModuleType):
    """Stands in for the bindings of libvirt, which may not be there, and must not reach a hypervisor."""

    libvirtError = type("libvirtError", (Exception,), {})

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return 1

    def getVersion(self, *_args):
        """libvirt 1.3.1, of the vendor's fork."""
        return 1003001


def nova_modules():
    """Give nova's libvirt configuration and driver, imported with a stub for libvirt."""
    sys.modules["libvirt"] = LibvirtStub("libvirt")
    from nova.virt.libvirt import config, driver

    return config, driver


def probe_guest_disk():
    """The XML has what the parser of the libvirt fork reads, and can be read back."""
    config, driver = nova_modules()
    disk = getattr(config, DISK_CLASS)()
    lacking = set(vars(config.LibvirtConfigGuestDisk())) - set(vars(disk))
    expect(not lacking, "the class lacks {0} of its base".format(", ".join(sorted(lacking))))
    disk.source_name, disk.source_host_name, disk.source_host_port = "volume-1", "10.0.0.5", "26203"
    disk.source_host_transport, disk.serial = "rdma", "6f1c6f9e"
    disk.source_snapshot_timeout, disk.driver_cache = 77, "none"
    dom = disk.format_dom()
    source, host = dom.find("source"), dom.findall("source/host")
    expect(dict(dom.attrib) == {"type": "network", "device": "disk"}, "the disk is not of type network")
    wanted = {"protocol": "openvstorage", "name": "volume-1", "snapshot-timeout": "77"}
    expect(dict(source.attrib) == wanted, "the source has other attributes")
    expect(len(host) == 1, "there is not exactly one host")
    wanted = {"name": "10.0.0.5", "port": "26203", "transport": "rdma"}
    expect(dict(host[0].attrib) == wanted, "the host has other attributes")
    expect(dom.findtext("serial") == "6f1c6f9e", "there is no serial")
    wanted = {"name": "qemu", "type": "raw", "cache": "none", "discard": "ignore"}
    expect(dict(dom.find("driver").attrib) == wanted, "the driver has other attributes")
    again = getattr(config, DISK_CLASS)()
    again.parse_str(disk.to_xml())
    expect(again.to_xml() == disk.to_xml(), "the XML cannot be read back")
    plain = getattr(config, DISK_CLASS)()
    plain.source_host_name, plain.driver_format = "10.0.0.5", "qcow2"
    dom = plain.format_dom()
    expect("snapshot-timeout" not in dom.find("source").attrib, "the default timeout is written out")
    again = getattr(config, DISK_CLASS)()
    again.parse_str(plain.to_xml())
    formats = [dom.find("driver").get("type"), again.driver_format]
    expect(formats == ["qcow2", "qcow2"], "the format of the driver is not read where it is written")
    expect(hasattr(disk, "driver_discard"), "there is no driver_discard")
    check = driver.LibvirtDriver.__dict__.get("_check_discard_for_attach_volume")
    if check:
        check(None, disk, None)


def probe_volume_driver():
    """nova's driver finds the volume driver by the type that cinder names."""
    _config, driver = nova_modules()
    compute = driver.LibvirtDriver(None, read_only=True)
    if hasattr(compute, "_get_volume_driver"):
        try:
            found = compute._get_volume_driver({"driver_volume_type": "openvstorage_edge"})
        except TypeError:
            found = compute._get_volume_driver("openvstorage_edge")
    else:
        found = compute.volume_drivers["openvstorage_edge"]
    expect(type(found).__name__ == DRIVER_CLASS, "nova finds another volume driver")


PROBES = {"connector": probe_connector, "guest_disk": probe_guest_disk, "volume_driver": probe_volume_driver}


def interrupted(number, _frame):
    """A signal to end: what was begun is undone first, whatever other signals come."""
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Failed("interrupted by signal {0}".format(number))


def main(arguments):
    """Probe a component, or do the job on standard input."""
    # The folder of this script is no place to import from.
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    if arguments[:1] == ["probe"]:
        PROBES[arguments[1]]()
        return
    try:
        answer = run(json.loads(sys.stdin.read()))
    except Failed as error:
        answer = {"changed": False, "files": [], "reason": "{0}; nothing was left changed".format(error)}
    except Stuck as error:
        answer = {"changed": True, "files": [], "reason": "{0}; the next run tries it again".format(error)}
    except EnvironmentError as error:
        answer = {"changed": False, "files": [], "reason": said(error)}
    sys.stdout.write(ANSWER + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is run as a script by the interpreter of an OpenStack service: Python 2.7 to 3.13, standard library only, beside
# what the service itself needs.
# ruff: noqa: B904, C401, C402, UP010, UP030, UP032, UP036

"""Looks at an OpenStack service from inside, and tries out a volume driver. PRIVATE to the winstack collections.

Standard input is a job, the last line of standard output the answer, both JSON:

  look   {"do": "look", "package": "cinder", "modules": ["cinder.volume.drivers.x"], "config_files": []}
         {"python": "3.11.2", "version": "26.0.0", "folder": "/...", "modules": {"cinder.volume.drivers.x": null},
          "config": {"files": [...], "debug": false, "log_file": null, "enabled_backends": [...], "drivers": {"lvm": "..."}}}
  cinder {"do": "cinder", "section": "vpool1", "config": "[vpool1]...", "driver": "cinder.volume.drivers.x.Driver"}
  nova   {"do": "nova", "module": "nova.virt.libvirt.volume.x", "class": "Driver"}
         {"problem": null}

Nothing is changed, and no server is spoken to.
"""

from __future__ import absolute_import, division, print_function

import ast
import inspect
import json
import os
import shutil
import sys
import tempfile
import types

ANSWER = "winstack-answer: "


class Problem(Exception):
    """Something does not work; the text says what."""


# Look --------------------------------------------------------------------------------------------------------------


def look(job):
    """What the service is, which of the modules it has, and what its configuration says."""
    folder = folder_of(job["package"])
    return {
        "python": "{0}.{1}.{2}".format(*sys.version_info[:3]),
        "version": version_of(job["package"]),
        "folder": folder,
        "modules": dict((name, file_of(name, folder)) for name in job["modules"]),
        "config": config_of(job["package"], job["config_files"]),
    }


def folder_of(package):
    """Give the folder of a package of this interpreter, without importing it."""
    for entry in sys.path:
        if os.path.isfile(os.path.join(entry, package, "__init__.py")):
            return os.path.realpath(os.path.join(entry, package))
    try:
        # An editable installation, as DevStack makes them, may be known to import hooks alone.
        return os.path.realpath(os.path.dirname(__import__(package).__file__))
    except ImportError:
        raise Problem("{0} has no package {1}".format(sys.executable, package))


def version_of(package):
    """Give the version that was installed, None if that is not written anywhere."""
    try:
        if sys.version_info >= (3, 8):
            from importlib.metadata import version

            return version(package)
        import pkg_resources

        return pkg_resources.get_distribution(package).version
    except Exception:
        return None


def file_of(name, folder):
    """Give the source of a module below the folder of its package, None if there is none."""
    stem = os.path.join(folder, *name.split(".")[1:])
    found = [path for path in (stem + ".py", os.path.join(stem, "__init__.py")) if os.path.isfile(path)]
    return found[0] if found else None


def config_of(package, files):
    """Give what oslo.config and oslo.log make of the service's files."""
    from oslo_config import cfg
    from oslo_log import log

    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf.register_opt(cfg.ListOpt("enabled_backends", default=[]))
    files = files or cfg.find_config_files(project=package)
    missing = [path for path in files if not os.path.isfile(path)]
    if missing:
        raise Problem("{0} is not there".format(missing[0]))
    try:
        conf([], project=package, default_config_files=files)
    except cfg.Error as error:
        raise Problem("oslo.config cannot read {0}: {1}".format(", ".join(files), type(error).__name__))
    return {
        "files": files,
        "debug": bool(conf.debug),
        "log_file": log_file_of(conf),
        "enabled_backends": conf.enabled_backends or [],
        "drivers": drivers_of(cfg, files),
    }


def log_file_of(conf):
    """Give the log file that is configured; a folder where only that is; None where the journal has the log."""
    if conf.log_file:
        return os.path.join(conf.log_dir or "", conf.log_file)
    return conf.log_dir or None


def drivers_of(cfg, files):
    """Give the volume drivers of all sections."""
    sections = {}
    for path in files:
        cfg.ConfigParser(path, sections).parse()
    return dict(
        (name, section["volume_driver"][-1])
        for name, section in sections.items()
        if "volume_driver" in section
    )


# Try a volume driver of cinder ---------------------------------------------------------------------------------------


def cinder(job):
    """Import the driver and make one with the options of its section, as cinder-volume does before it speaks to a server."""
    from cinder import objects
    from oslo_config import cfg
    from oslo_utils import importutils

    if hasattr(objects, "register_all"):
        objects.register_all()
    cls = importutils.import_class(job["driver"])
    from cinder.volume import configuration
    from cinder.volume import driver as base

    if not issubclass(cls, getattr(base, "BaseVD", object)):
        raise Problem("{0} is no volume driver".format(job["driver"]))
    folder = tempfile.mkdtemp()
    try:
        path = os.path.join(folder, "probe.conf")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(job["config"])
        cfg.CONF([], project="cinder", default_config_files=[path])
    finally:
        shutil.rmtree(folder)
    options = list(getattr(base, "volume_opts", []))
    made = cls(
        configuration=configuration.Configuration(options, config_group=job["section"]),
        host="probe@{0}".format(job["section"]),
        db=None,
        is_vol_db_empty=True,
        active_backend_id=None,
    )
    lacking = [name for name in NEEDED if not callable(getattr(made, name, None))]
    if lacking:
        raise Problem("{0} has no {1}".format(job["driver"], ", ".join(lacking)))
    return {"problem": None}


NEEDED = [
    "do_setup",
    "check_for_setup_error",
    "create_volume",
    "delete_volume",
    "initialize_connection",
    "get_volume_stats",
]

# Try a volume driver of nova -----------------------------------------------------------------------------------------


class LibvirtStub(types.ModuleType):
    """Stands in for the bindings of libvirt, which may not be there, and must not reach a hypervisor."""

    libvirtError = type("libvirtError", (Exception,), {})

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return 1


def nova(job):
    """Compare the driver with the nova that is to call it, by signatures and by the names that it uses."""
    sys.modules["libvirt"] = LibvirtStub("libvirt")
    from nova.virt.libvirt import utils
    from nova.virt.libvirt.volume import volume

    module = __import__(job["module"], fromlist=["*"])
    cls = getattr(module, job["class"], None)
    if cls is None:
        raise Problem("{0} has no class {1}".format(job["module"], job["class"]))
    base = volume.LibvirtBaseVolumeDriver
    if not issubclass(cls, base):
        raise Problem("{0} is no volume driver of nova's libvirt".format(job["class"]))
    with open(inspect.getsourcefile(module), "rb") as stream:
        tree = ast.parse(stream.read())
    wrong = uses(module, tree, cls, base, utils) + signatures(cls, base)
    if wrong:
        raise Problem("; ".join(wrong))
    return {"problem": None}


def uses(module, tree, cls, base, utils):
    """Say which names of older novas the driver still uses."""
    names = set(
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )
    wrong = []
    if ("self", "connection") in names and "connection" not in signature_of(base.__init__):
        own = cls.__dict__.get("__init__")
        if own is None or "connection" not in source_names(own):
            wrong.append("get_config reads self.connection, which nova took away in 15.0")
    for alias, name in sorted(names):
        if getattr(module, alias, None) is utils and not hasattr(utils, name):
            wrong.append("nova.virt.libvirt.utils has no {0} any more".format(name))
    return wrong


def source_names(function):
    """Give the names of attributes that a function sets or reads."""
    code = getattr(function, "__code__", None)
    return code.co_names if code else ()


def signatures(cls, base):
    """Say which methods cannot be called in the way that this nova calls them."""
    wrong = []
    for name in ("connect_volume", "disconnect_volume", "extend_volume", "get_config"):
        theirs, ours = getattr(base, name, None), getattr(cls, name, None)
        if theirs is None:
            continue
        if name == "extend_volume" and ours in (theirs, getattr(theirs, "__func__", None)):
            continue
        wanted, given = signature_of(theirs), signature_of(ours)
        if "*" not in given and len(given) < len(wanted):
            wrong.append(
                "nova calls {0}({1}), and the driver takes ({2})".format(
                    name, ", ".join(wanted), ", ".join(given)
                )
            )
    return wrong


def signature_of(function):
    """Give the names of the parameters without self; '*' where any may come."""
    if sys.version_info[0] == 2:
        spec = inspect.getargspec(function)
        return spec.args[1:] + (["*"] if spec.varargs or spec.keywords else [])
    spec = inspect.getfullargspec(function)
    return spec.args[1:] + spec.kwonlyargs + (["*"] if spec.varargs or spec.varkw else [])


# Work --------------------------------------------------------------------------------------------------------------


def main():
    """Do the job on standard input."""
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    job = json.loads(sys.stdin.read())
    try:
        answer = {"look": look, "cinder": cinder, "nova": nova}[job["do"]](job)
    except Problem as error:
        answer = {"problem": str(error)}
    except Exception as error:
        # The driver is other people's code: whatever it raises while it is tried is a finding.
        answer = {"problem": "{0}: {1}".format(type(error).__name__, error)}
    sys.stdout.write(ANSWER + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()

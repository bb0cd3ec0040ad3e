# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The helper that looks at a service from inside: drivers that fit a nova, and those that do not."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.winstack.openstack.plugins.module_utils import openstack_service as helper


class Base:
    """Calls drivers as nova does today."""

    def __init__(self, host: t.Any) -> None:
        self.host = host

    def get_config(self, connection_info: t.Any, disk_info: t.Any) -> None: ...

    def connect_volume(self, connection_info: t.Any, instance: t.Any) -> None: ...

    def disconnect_volume(self, connection_info: t.Any, instance: t.Any, force: bool = False) -> None: ...

    def extend_volume(self, connection_info: t.Any, instance: t.Any, requested_size: int) -> None: ...


class Fits(Base):
    def disconnect_volume(self, *args: t.Any, **kwargs: t.Any) -> None: ...


class Old(Base):
    def disconnect_volume(self, connection_info: t.Any, instance: t.Any) -> None: ...  # type: ignore[override]


def test_guide_error_08_signatures_that_changed() -> None:
    assert helper.signatures(Fits, Base) == []
    (sentence,) = helper.signatures(Old, Base)
    assert sentence == (
        "nova calls disconnect_volume(connection_info, instance, force), and the driver takes (connection_info, instance)"
    )


SOURCE = """
class Driver(Base):
    def get_config(self, connection_info, disk_info):
        self.connection._host
        libvirt_utils.pick_disk_driver_name(1, True)
        utils.execute('true')
"""


def test_guide_error_08_names_that_are_gone() -> None:
    utils = types.ModuleType("utils")
    module = types.ModuleType("driver")
    module.libvirt_utils = utils  # type: ignore[attr-defined]
    module.utils = types.ModuleType("other")  # type: ignore[attr-defined]
    assert helper.uses(module, ast.parse(SOURCE), Fits, Base, utils) == [
        "get_config reads self.connection, which nova took away in 15.0",
        "nova.virt.libvirt.utils has no pick_disk_driver_name any more",
    ]
    utils.pick_disk_driver_name = max  # type: ignore[attr-defined]

    class Newton(Base):
        def __init__(self, connection: t.Any) -> None:
            self.connection = connection

    assert helper.uses(module, ast.parse(SOURCE), Newton, Newton, utils) == []


def test_where_a_module_is(tmp_path: Path) -> None:
    (tmp_path / "volume/drivers").mkdir(parents=True)
    (tmp_path / "volume/drivers/x.py").touch()
    (tmp_path / "volume/drivers/__init__.py").touch()
    assert helper.file_of("cinder.volume.drivers.x", str(tmp_path)) == f"{tmp_path}/volume/drivers/x.py"
    assert helper.file_of("cinder.volume.drivers", str(tmp_path)) == f"{tmp_path}/volume/drivers/__init__.py"
    assert helper.file_of("cinder.volume.drivers.y", str(tmp_path)) is None


@pytest.mark.parametrize(
    ("file", "folder", "found"),
    [(None, None, None), (None, "/v", "/v"), ("a.log", "/v", "/v/a.log"), ("/w/a.log", "/v", "/w/a.log")],
)
def test_the_log(file: str | None, folder: str | None, found: str | None) -> None:
    assert helper.log_file_of(types.SimpleNamespace(log_file=file, log_dir=folder)) == found


# In a Python of its own --------------------------------------------------------------------------------------------

EDGE = """
import sys
sys.path.append({library!r})
from ci.api_lib.helpers import api
from cinder.volume import driver

class OpenvStorageEdgeVolumeDriver(driver.BaseVD):
    do_setup = check_for_setup_error = create_volume = delete_volume = initialize_connection = get_volume_stats = len
"""
CINDER = {
    "oslo_utils/importutils.py": """
import sys

def import_class(path):
    module, _dot, name = path.rpartition('.')
    __import__(module)
    return getattr(sys.modules[module], name)
""",
    "oslo_log/log.py": """
from oslo_config import cfg

def register_options(conf):
    conf.register_opts([cfg.BoolOpt('debug', default=False), cfg.StrOpt('log_file'), cfg.StrOpt('log_dir')])
""",
    "cinder/objects.py": "",
    "cinder/volume/configuration.py": """
class Configuration(object):
    def __init__(self, options, config_group):
        self.config_group = config_group
""",
    "cinder/volume/driver.py": """
class BaseVD(object):
    def __init__(self, **kwargs):
        self.__dict__.update(kwargs)
""",
}
PATH = "cinder.volume.drivers.openvstorage_edge.OpenvStorageEdgeVolumeDriver"


def ask(folder: Path, job: dict[str, t.Any], **files: str) -> dict[str, t.Any]:
    """Give the answer of the helper in a Python that has a small cinder, and the driver and its library if there are texts."""
    texts = dict(CINDER)
    texts["cinder/volume/drivers/openvstorage_edge.py"] = EDGE.format(library=str(folder / "opt"))
    if "library" in files:
        texts["opt/ci/api_lib/helpers/api.py"] = files["library"]
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for parent in path.relative_to(folder).parents:
            if parent.name not in ("", "opt"):
                (folder / parent / "__init__.py").touch()
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-B", helper.__file__], input=json.dumps(job), capture_output=True, text=True,
        env=environment, check=True,
    )  # fmt: skip
    answer: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1][len(helper.ANSWER) :])
    return answer


def probe(folder: Path, driver: str = PATH, **files: str) -> str | None:
    """Give what the probe of a backend finds wrong."""
    job = {"do": "cinder", "section": "vpool1", "config": "[vpool1]\npassword = hunter2\n", "driver": driver}
    problem: str | None = ask(folder, job, **files)["problem"]
    return problem


def test_a_driver_that_works(tmp_path: Path) -> None:
    assert probe(tmp_path, library="") is None


def test_guide_error_05_the_path_in_the_table_is_no_module(tmp_path: Path) -> None:
    driver = "cinder.volume.drivers.openvstorage.OpenvStorageEdgeVolumeDriver"
    assert probe(tmp_path, driver, library="") == (
        "ModuleNotFoundError: No module named 'cinder.volume.drivers.openvstorage'"
    )


def test_guide_error_06_the_automation_library_is_missing(tmp_path: Path) -> None:
    assert probe(tmp_path) == "ModuleNotFoundError: No module named 'ci'"


def test_guide_error_06_the_automation_library_is_for_python_2(tmp_path: Path) -> None:
    problem = probe(tmp_path, library="def say(msg):\n    print msg\n")
    assert problem
    assert problem.startswith("SyntaxError: Missing parentheses in call to 'print'")


@pytest.mark.parametrize(("text", "debug"), [("debug = true\n", True), ("", False)], ids=["on", "off"])
def test_guide_error_09_debug_messages_would_show_the_password(
    tmp_path: Path, text: str, debug: bool
) -> None:
    """The role asks for this before it puts a password into the file; the guide's log line is a debug message."""
    config = tmp_path / "cinder.conf"
    config.write_text(f"[DEFAULT]\n{text}enabled_backends = lvm\n[lvm]\nvolume_driver = x.Y\n")
    job = {
        "do": "look",
        "package": "cinder",
        "modules": [PATH.rpartition(".")[0]],
        "config_files": [str(config)],
    }
    answer = ask(tmp_path, job)
    assert answer["config"] == {
        "files": [str(config)], "debug": debug, "log_file": None, "enabled_backends": ["lvm"], "drivers": {"lvm": "x.Y"},
    }  # fmt: skip
    assert answer["modules"] == {
        "cinder.volume.drivers.openvstorage_edge": str(
            tmp_path / "cinder/volume/drivers/openvstorage_edge.py"
        )
    }

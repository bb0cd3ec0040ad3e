# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The helper that looks at a service from inside: drivers that fit a nova, and those that do not."""

from __future__ import annotations

import ast
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


def test_signatures() -> None:
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


def test_names_that_are_gone() -> None:
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

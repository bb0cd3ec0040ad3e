# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small packages of our own in the shape of os_brick and nova, working enough for the probes, on Python 2.7 to 3.13."""

from __future__ import annotations

import typing as t
from pathlib import Path

BASE = """
class BaseLinuxConnector(object):
    def __init__(self, root_helper, driver=None, **kwargs):
        pass
"""

OTHERS = """
from os_brick.initiator.connectors import base
class ISCSIConnector(base.BaseLinuxConnector):
    pass
"""

# G2: a list, a loop that makes aliases while the module is imported, a mapping.
CONNECTOR = """# -*- coding: utf-8 -*-
import importlib

def import_class(name):
    module, _dot, cls = name.rpartition('.')
    return getattr(importlib.import_module(module), cls)

connector_list = [
    'os_brick.initiator.connectors.base.BaseLinuxConnector',
    ('os_brick.initiator.connectors.'
     'iscsi.ISCSIConnector'),
]  # the end

_connector_mapping_linux = {
    'ISCSI':
        'os_brick.initiator.connectors.iscsi.ISCSIConnector',
}; S390 = 1

for item in connector_list:
    globals()[item.split('.')[-1]] = import_class(item)

class InitiatorConnector(object):
    @staticmethod
    def factory(protocol, root_helper, *args, **kwargs):
        return import_class(_connector_mapping_linux[protocol.upper()])(root_helper)
"""

CONFIG = """
from xml.etree import ElementTree as etree

class LibvirtConfigGuestDevice(object):
    def __init__(self, **kwargs):
        pass

    def format_dom(self):
        return etree.Element('disk')

    def parse_dom(self, xmldoc):
        pass

    def parse_str(self, text):
        self.parse_dom(etree.fromstring(text))

    def to_xml(self):
        return etree.tostring(self.format_dom())


class LibvirtConfigGuestDisk(LibvirtConfigGuestDevice):
    def __init__(self, **kwargs):
        super(LibvirtConfigGuestDisk, self).__init__(**kwargs)
        self.source_type = 'file'
        self.source_device = 'disk'
        self.driver_name = self.driver_format = self.driver_cache = self.driver_discard = None
        self.source_protocol = self.source_name = self.target_dev = self.target_bus = self.serial = None
        self.source_hosts = []
        self.source_ports = []

    def format_dom(self):
        dev = etree.Element('disk', type=self.source_type, device=self.source_device)
        drv = etree.SubElement(dev, 'driver', name=self.driver_name, type=self.driver_format)
        if self.driver_cache is not None:
            drv.set('cache', self.driver_cache)
        if self.driver_discard is not None:
            drv.set('discard', self.driver_discard)
        source = etree.SubElement(dev, 'source', protocol=self.source_protocol)
        if self.source_name is not None:
            source.set('name', self.source_name)
        for name, port in zip(self.source_hosts, self.source_ports):
            host = etree.SubElement(source, 'host', name=name)
            if port is not None:
                host.set('port', port)
        etree.SubElement(dev, 'target', dev=self.target_dev, bus=self.target_bus)
        if self.serial is not None:
            etree.SubElement(dev, 'serial').text = self.serial
        return dev

    def parse_dom(self, xmldoc):
        self.source_type = xmldoc.get('type')
        for c in xmldoc:
            if c.tag == 'driver':
                self.driver_name, self.driver_format = c.get('name'), c.get('type')
                self.driver_cache, self.driver_discard = c.get('cache'), c.get('discard')
            elif c.tag == 'source':
                self.source_protocol, self.source_name = c.get('protocol'), c.get('name')
                for host in c:
                    self.source_hosts.append(host.get('name'))
                    self.source_ports.append(host.get('port'))
            elif c.tag == 'target':
                self.target_dev, self.target_bus = c.get('dev'), c.get('bus')
            elif c.tag == 'serial':
                self.serial = c.text


class LibvirtConfigGuestDiskBackingStore(object):
    pass
"""

DRIVER_HEAD = """
import importlib
import libvirt

def import_class(name):
    module, _dot, cls = name.rpartition('.')
    return getattr(importlib.import_module(module), cls)
"""

DRIVER_LIST = (
    DRIVER_HEAD
    + """
libvirt_volume_drivers = [
    'local=nova.virt.libvirt.volume.volume.LibvirtVolumeDriver',
    'net='
        'nova.virt.libvirt.volume.volume.LibvirtVolumeDriver',
]

class LibvirtDriver(object):
    def __init__(self, virtapi, read_only=False):
        self.volume_drivers = {}
        for item in libvirt_volume_drivers:
            name, _mark, driver = item.partition('=')
            self.volume_drivers[name] = import_class(driver)(self)

    def _check_discard_for_attach_volume(self, conf, instance):
        return conf.driver_discard == 'unmap' and conf.target_bus == 'virtio'

    def _get_volume_driver(self, connection_info):
        return self.volume_drivers[connection_info['driver_volume_type']]
"""
)

DRIVER_DICT = (
    DRIVER_HEAD
    + """
VOLUME_DRIVERS = {
    'local': 'nova.virt.libvirt.volume.volume.LibvirtVolumeDriver',
}

class LibvirtDriver(object):
    def __init__(self, virtapi, read_only=False):
        pass

    def _get_volume_driver(self, driver_type):
        if isinstance(driver_type, dict):
            raise TypeError('unhashable type')
        return import_class(VOLUME_DRIVERS[driver_type])(self)
"""
)

VOLUME = """
class LibvirtVolumeDriver(object):
    def __init__(self, host):
        pass
"""

EDGE = """
from nova.virt.libvirt.volume import volume
class LibvirtOpenvStorageEdgeVolumeDriver(volume.LibvirtVolumeDriver):
    pass
"""

# Mistakes of the published guide (the class and the connector that it tells to paste): which text of ours to replace by what,
# and what the probe says of it.
OWN_SUPER = "super(LibvirtConfigOpenvStorageEdgeGuestDisk, self)"
BASES_SUPER = "super(LibvirtConfigGuestDisk, self)"
GUEST_DISK_MISTAKES = {
    "guide_error_01_no_driver_discard": [
        (
            "self.driver_discard = 'ignore'",
            "del self.driver_discard",
            "the class lacks driver_discard of its base",
        ),
    ],
    "guide_error_02_super_skips_the_base": [
        (
            OWN_SUPER + ".__init__",
            BASES_SUPER + ".__init__",
            "the class lacks .*driver_cache.*serial|root_name",
        ),
        (OWN_SUPER + ".format_dom", BASES_SUPER + ".format_dom", "'NoneType' object has no attribute"),
    ],
    "guide_error_03_name_of_the_timeout": [
        ("'snapshot-timeout'", "'snapshot_timeout'", "the source has other attributes"),
        ("if int(self.source_snapshot_timeout) != ", "if 1 != ", "the default timeout is written out"),
        (
            "del self.source_hosts[1:]",
            "self.source_hosts *= 2; self.source_ports *= 2",
            "not exactly one host",
        ),
    ],
    "guide_error_04_format_read_elsewhere": [
        (
            "        return dev\n",
            "        dev.find('driver').set('type', getattr(self, 'driver_type', 'raw'))\n        return dev\n",
            "format of the driver is not read where it is written",
        ),
    ],
}
CONNECTOR_MISTAKES = {
    "guide_error_07_connect_volume_wants_data": [
        (
            "connection_properties.get('device_path')",
            "connection_properties['data']['device_path']",
            "KeyError",
        ),
    ],
    "guide_error_07_connect_volume_gives_text": [
        (
            "return {'type': 'network', 'path': self._location(connection_properties)}",
            "return str(self._location(connection_properties))",
            "TypeError",
        ),
    ],
    "guide_error_07_check_valid_device_gives_nothing": [
        ("return bool(_LOCATION.match(str(path)))", "pass", "ValueError|not taken for valid"),
    ],
    "guide_error_07_disconnect_volume_rejects_force": [
        (
            "device_info=None,\n                          force=False, ignore_errors=False)",
            "device_info=None)",
            "TypeError",
        ),
    ],
}
MISTAKES = [
    (name, component, mistake)
    for component, table in (("guest_disk", GUEST_DISK_MISTAKES), ("connector", CONNECTOR_MISTAKES))
    for name, mistakes in table.items()
    for mistake in mistakes
]

FILES = {
    "os_brick/__init__.py": "",
    "os_brick/initiator/__init__.py": "",
    "os_brick/initiator/connector.py": CONNECTOR,
    "os_brick/initiator/connectors/__init__.py": "",
    "os_brick/initiator/connectors/base.py": BASE,
    "os_brick/initiator/connectors/iscsi.py": OTHERS,
    "nova/__init__.py": "",
    "nova/virt/__init__.py": "",
    "nova/virt/libvirt/__init__.py": "",
    "nova/virt/libvirt/config.py": CONFIG,
    "nova/virt/libvirt/driver.py": DRIVER_LIST,
    "nova/virt/libvirt/volume/__init__.py": "",
    "nova/virt/libvirt/volume/volume.py": VOLUME,
    "nova/virt/libvirt/volume/openvstorage_edge.py": EDGE,
}

OWN = "os_brick/initiator/connectors/openvstorage.py"
CONNECTOR_PY = "os_brick/initiator/connector.py"
CONFIG_PY = "nova/virt/libvirt/config.py"
DRIVER_PY = "nova/virt/libvirt/driver.py"
EDGE_PY = "nova/virt/libvirt/volume/openvstorage_edge.py"

# What files may look like, to be kept.
FORMS: dict[str, t.Callable[[bytes], bytes]] = {
    "line ends of Windows": lambda data: data.replace(b"\n", b"\r\n"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data.replace(b"# -*- coding: utf-8 -*-\n", b""),
    "no final newline": lambda data: data.rstrip(b"\n"),
    "both": lambda data: data.rstrip(b"\n").replace(b"\n", b"\r\n"),
    "Latin-1": lambda data: (
        b"# -*- coding: latin-1 -*-\n# f\xfcr\n" + data.replace(b"# -*- coding: utf-8 -*-\n", b"")
    ),
    "comment at the end": lambda data: data + b"# the end",
    "form feed": lambda data: data.replace(b"\n\nclass", b"\n\x0c\nclass"),
}


def make(folder: Path, **changed: str | bytes | None) -> Path:
    """Write the packages; ``changed`` gives other contents by name of the file without folder and suffix (None: no file)."""
    for name, text in FILES.items():
        path = folder / name
        content: t.Any = changed.get(path.stem, text) if path.stem != "__init__" else text
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Give all files but compiled ones."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a node that runs the real nova-compute with its libvirt driver, laid out like openstack-ansible. The bindings of libvirt are a
# stub, since no hypervisor runs here, and nobody conducts: nova-compute loads everything and waits.
set -eu
venv=$1
useradd --system --home-dir /var/lib/nova --create-home --shell /usr/sbin/nologin nova
install -d -o nova -g nova /var/lib/nova/tmp /var/lib/nova/instances
install -d /etc/nova
cat > /etc/nova/nova.conf <<'CONF'
[DEFAULT]
transport_url = fake:/
state_path = /var/lib/nova
compute_driver = libvirt.LibvirtDriver

[oslo_concurrency]
lock_path = /var/lib/nova/tmp

[libvirt]
virt_type = qemu
CONF
cat > "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/libvirt.py" <<'PYTHON'
"""Stands in for the bindings of libvirt."""


class libvirtError(Exception):
    pass


def getVersion(*_args):
    return 11000000


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return 1
PYTHON
cat > /etc/systemd/system/nova-compute.service <<UNIT
[Unit]
Description=nova compute
[Service]
User=nova
ExecStart=$venv/bin/nova-compute --config-file /etc/nova/nova.conf
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl start nova-compute

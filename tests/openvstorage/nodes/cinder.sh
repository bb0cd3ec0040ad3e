# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a node that runs the real cinder-volume and cinder-backup, laid out like openstack-ansible, with a database in a file. Its one
# backend needs LVM, which is not there: it stays uninitialized, and what is added must come up all the same.
set -eu
venv=$1
useradd --system --home-dir /var/lib/cinder --create-home --shell /usr/sbin/nologin cinder
install -d -o cinder -g cinder /var/log/cinder /var/lib/cinder/tmp
install -d /etc/cinder
cat > /etc/cinder/cinder.conf <<'CONF'
# Written by openstack-ansible
[DEFAULT]
debug = False
transport_url = fake:/
state_path = /var/lib/cinder
log_dir = /var/log/cinder
enabled_backends = lvm
host = cinder1

[database]
connection = sqlite:////var/lib/cinder/cinder.sqlite

[oslo_concurrency]
lock_path = /var/lib/cinder/tmp

[lvm]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver
volume_group = cinder-volumes
volume_backend_name = lvm
CONF
chown root:cinder /etc/cinder/cinder.conf
chmod 0640 /etc/cinder/cinder.conf
# From the models: the migrations are not made for a database in a file.
runuser -u cinder -- "$venv/bin/python" -B - 2>/dev/null <<'PYTHON'
import sqlalchemy
from cinder.db.sqlalchemy import models

models.BASE.metadata.create_all(sqlalchemy.create_engine("sqlite:////var/lib/cinder/cinder.sqlite"))
PYTHON
for name in volume backup; do
    cat > "/etc/systemd/system/cinder-$name.service" <<UNIT
[Unit]
Description=cinder $name
[Service]
User=cinder
ExecStart=$venv/bin/cinder-$name
Restart=on-failure
[Install]
WantedBy=multi-user.target
UNIT
done
systemctl daemon-reload
systemctl start cinder-volume cinder-backup

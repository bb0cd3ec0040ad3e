# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints all of a node that the roles for Open vStorage could touch: each file with owner, mode and checksum, and the packages.
# pip writes its RECORD anew when it installs a package again, so that one is left out.
for top in /etc /opt /usr/local /usr/share/keyrings /openstack/venvs/*/lib; do
    [ -e "$top" ] || continue
    find "$top" -name __pycache__ -prune -o ! -name RECORD -printf '%p %y %u %g %m %l\n'
    find "$top" -name __pycache__ -prune -o -type f ! -name RECORD -exec sha256sum {} +
done | sort
# Nothing may be left here but empty folders.
find /var/lib/winstack -type f 2>/dev/null || true
dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n'
apt-mark showauto

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m winsim``."""

from __future__ import annotations

import sys

from winsim.cli import main

if __name__ == "__main__":
    sys.exit(main())

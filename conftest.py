# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of hypothesis for every test, chosen by HYPOTHESIS_PROFILE.

No profile has a deadline: how long an example takes says how busy the machine is. In CI examples are the same in every run;
the long suite tries more of them.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_LASTING = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("developer", **_LASTING)
settings.register_profile("ci", derandomize=True, **_LASTING)
settings.register_profile("full", max_examples=1000, **_LASTING)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "developer"))

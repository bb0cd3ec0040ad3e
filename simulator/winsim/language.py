# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that a Windows of another language shows otherwise. The wording of the German ones is [?]."""

from __future__ import annotations

LANGUAGES = ("en", "de")
# Win32_OperatingSystem.OSLanguage, https://learn.microsoft.com/openspecs/windows_protocols/ms-lcid
LCIDS = {"en": 1033, "de": 1031}
_TEXTS: dict[str, dict[str, str]] = {
    "wait_start": {
        "en": "Waiting for service '{0} ({1})' to start...",
        "de": 'Es wird auf das Starten des Diensts "{0} ({1})" gewartet...',
    },
    "wait_stop": {
        "en": "Waiting for service '{0} ({1})' to stop...",
        "de": 'Es wird auf das Beenden des Diensts "{0} ({1})" gewartet...',
    },
    "target_rule": {"en": "iSCSI Target (TCP-In)", "de": "iSCSI-Ziel (TCP eingehend)"},
    "target_group": {"en": "iSCSI Target group", "de": "iSCSI-Zielgruppe"},
    "target_description": {
        "en": "Inbound rule for the iSCSI Target Service to allow communications with iSCSI clients. [TCP 3260]",
        "de": "Eingehende Regel für den iSCSI-Zieldienst. [TCP 3260]",
    },
}


def text(language: str, name: str, *values: str) -> str:
    """The text called ``name`` in a language of LANGUAGES, with its values."""
    return _TEXTS[name][language].format(*values)

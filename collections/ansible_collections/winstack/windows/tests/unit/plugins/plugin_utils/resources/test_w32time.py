# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running time service has read, in the words of w32tm."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.resources.w32time import client_lines

# The form of transcripts in public issues; names and numbers replaced.
CONFIGURATION = """\
[Configuration]

EventLogFlags: 2 (Local)
MinPollInterval: 10 (Local)
MaxNegPhaseCorrection: 54000 (Local)
Type: of no provider (Local)


[TimeProviders]

NtpClient (Local)
DllName: C:\\Windows\\system32\\w32time.dll (Local)
Enabled: 1 (Local)
InputProvider: 1 (Local)
SpecialPollInterval: 604800 (Local)
Type: NTP (Local)
NtpServer: time.windows.com,0x9 ntp2.example,0x8 (Policy)

VMICTimeProvider (Local)
DllName: C:\\Windows\\System32\\vmictimeprovider.dll (Local)
Enabled: 0 (Local)
InputProvider: 1 (Local)
NtpServer (Local)
DllName: C:\\Windows\\system32\\w32time.dll (Local)
Enabled: 0 (Local)
InputProvider: 0 (Local)
"""
WANTED = {
    "Enabled": "1",
    "SpecialPollInterval": "604800",
    "Type": "NTP",
    "NtpServer": "time.windows.com,0x9 ntp2.example,0x8",
}


def told(text: str) -> dict[str, str]:
    """Return what is told of the values that count here."""
    return {name: value for name, value in client_lines(text.splitlines()).items() if name in WANTED}


@pytest.mark.parametrize(
    "text",
    [
        CONFIGURATION,
        CONFIGURATION.replace("\n", "\r\n\r\n"),
        CONFIGURATION.replace("(Local)", "(Lokal)").replace("(Policy)", "(Richtlinie)"),
        CONFIGURATION.replace(" (Local)", "（ローカル）").replace(" (Policy)", "（ポリシー）"),
        CONFIGURATION.replace(" (Local)", "").replace(" (Policy)", ""),
        CONFIGURATION.replace("[Configuration]", "[Konfiguration]").replace("[TimeProviders]", "[Zeitanbieter]"),
    ],
)  # fmt: skip
def test_names_of_values_are_found_in_any_language(text: str) -> None:
    assert told(text) == WANTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The following error occurred: The service has not been started. (0x80070426)",
        CONFIGURATION.replace("NtpClient", "Zeitclient"),
        "NtpClient (Local)\nTyp: NTP (Lokal)\n",
    ],
)
def test_what_is_not_found_is_not_told(text: str) -> None:
    assert told(text) == {}


def test_a_member_of_a_domain_has_no_peers_there() -> None:
    lines = [line for line in CONFIGURATION.splitlines() if "time.windows.com" not in line]
    assert "NtpServer" not in client_lines(lines)

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to try when a host cannot be reached. PRIVATE to the winstack collections."""

from __future__ import annotations

import re
import typing as t

# Parts of what pywinrm, requests, pypsrp and ssh say -> what to try. The first that is found counts.
_ADVICE: t.Final = (
    (
        r"credentials were rejected|401|Permission denied|Access is denied|logon attempt failed",
        "Check ansible_user and ansible_password; it was tried once, and this run does not try again, so that no account is locked.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate",
        "Name the authority of the host's certificate in ansible_winrm_ca_trust_path, and check that the certificate holds the "
        "name by which the host is reached.",
    ),
    (
        r"Kerberos|GSS|Server not found in",
        "Check kinit with ansible_user on the controller, the clocks of both, and that the host is reached by its name.",
    ),
    (
        r"Name or service not known|getaddrinfo|name resolution|NameResolution",
        "Correct ansible_host, or the name of the host in the inventory.",
    ),
    (
        r"refused|timed out|timeout|unreachable|reset|aborted|No route|EOF|closed",
        "Check that the host runs, that WinRM listens at this port (on the host: winrm enumerate winrm/config/listener), and that no "
        "firewall is in between.",
    ),
)
_OTHERWISE: t.Final = "docs/operator.md tells how a host is made ready for Ansible."


def unreachable_sentence(host: str, address: str, reason: str) -> str:
    """Return what an operator is told of a host that cannot be reached: where it was looked for, why not, and what to try."""
    advice = next(
        (text for pattern, text in _ADVICE if re.search(pattern, reason, re.IGNORECASE)), _OTHERWISE
    )
    return f"{host} cannot be reached at {address}: {_short(reason)} {advice}"


def _short(reason: str) -> str:
    """Return the innermost cause of a chain of exceptions that urllib3 prints in one another."""
    found = re.findall(r"(?:\[Errno -?\d+\]|\[SSL: \w+\]) ([^)'\"\]]+)|timed out\. \(([^)]*)\)", reason)
    inner = next((text for pair in reversed(found) for text in pair if text), "")
    text = " ".join((inner or reason).split())
    return text if text.endswith(".") else f"{text}."

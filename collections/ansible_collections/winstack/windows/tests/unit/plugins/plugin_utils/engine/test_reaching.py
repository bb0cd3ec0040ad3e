# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that cannot be reached is one sentence with what to try."""

from __future__ import annotations

import pytest

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.reaching import unreachable_sentence

REFUSED = (
    "basic: HTTPSConnectionPool(host='10.0.0.5', port=5986): Max retries exceeded with url: /wsman (Caused by "
    "NewConnectionError(\"HTTPSConnection(host='10.0.0.5', port=5986): Failed to establish a new connection: [Errno 111] "
    'Connection refused"))'
)
CERTIFICATE = (
    "basic: HTTPSConnectionPool(host='h', port=5986): Max retries exceeded with url: /wsman (Caused by "
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate')))"
)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("ntlm: the specified credentials were rejected by the server", ("ansible_password", "tried once")),
        (REFUSED, (": Connection refused. Check that the host runs", "10.0.0.5 port 5986 (winrm)")),
        (
            CERTIFICATE,
            ("certificate verify failed: self-signed certificate. Name the authority", "ca_trust_path"),
        ),
        ("[Errno -2] Name or service not known", ("Correct ansible_host",)),
        ("kerberos: Server not found in Kerberos database", ("kinit",)),
        ("the moon is full", ("the moon is full. docs/operator.md",)),
    ],
)
def test_what_is_told(reason: str, told: tuple[str, ...]) -> None:
    sentence = unreachable_sentence("storage1", "10.0.0.5 port 5986 (winrm)", reason)
    assert sentence.startswith("storage1 cannot be reached at ")
    assert "\n" not in sentence
    for words in told:
        assert words in sentence

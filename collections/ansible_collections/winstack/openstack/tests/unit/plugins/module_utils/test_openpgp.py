# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints without gpg, compared with what gpg says of a real key."""

from __future__ import annotations

import base64
import hashlib

import pytest

from ansible_collections.winstack.openstack.plugins.module_utils import _openpgp as openpgp

# Made by GnuPG for this test; its secret half was thrown away.
FINGERPRINT = "0478202CC21B6AF59D48163E30EA0E20B7D89984"
ARMOURED = b"""\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawDq7hYJKwYBBAHaRw8BAQdAqdWMb43PPwoogr/v9hIgjh7y+YnaS8SRZ0Qo
xVcrfHO0KFN0YW5kLWluIG9mIGEgdGVzdCA8c3RhbmRpbkBleGFtcGxlLm9yZz6I
kAQTFggAOBYhBAR4ICzCG2r1nUgWPjDqDiC32JmEBQJrAOruAhsDBQsJCAcCBhUK
CQgLAgQWAgMBAh4BAheAAAoJEDDqDiC32JmE8O0A/jlNQ/y+KGZNVuwjfYXuwBlb
7y+IKJBpD4IwOPKnPMlrAP49rOmIwqclrLyTLMYk8B1e89dGDpQLL+sBzkzNOtL3
DA==
=OxNJ
-----END PGP PUBLIC KEY BLOCK-----
"""
BODY = b"\x04" + bytes(range(40))
OLD = b"\x99" + len(BODY).to_bytes(2, "big") + BODY
OLD_FINGERPRINT = hashlib.sha1(b"\x99" + len(BODY).to_bytes(2, "big") + BODY).hexdigest().upper()
V6 = b"\x06" + bytes(range(40))
V6_FINGERPRINT = hashlib.sha256(b"\x9b" + len(V6).to_bytes(4, "big") + V6).hexdigest().upper()
LONG = b"\x04" + bytes(300)
LONG_FINGERPRINT = hashlib.sha1(b"\x99" + len(LONG).to_bytes(2, "big") + LONG).hexdigest().upper()
USER = b"\xcd\x01u"


def test_a_real_key() -> None:
    binary = openpgp.check(ARMOURED, FINGERPRINT)
    assert openpgp.fingerprints(binary) == [FINGERPRINT]
    assert openpgp.check(binary, FINGERPRINT) == binary
    # Windows line ends, a header line, and no checksum are fine as well.
    other = ARMOURED.replace(b"BLOCK-----\n\n", b"BLOCK-----\nComment: x\n\n").replace(b"=OxNJ\n", b"")
    assert openpgp.dearmor(other.replace(b"\n", b"\r\n")) == binary


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (OLD, [OLD_FINGERPRINT]),
        (b"\x98" + bytes([len(BODY)]) + BODY, [OLD_FINGERPRINT]),
        (b"\x9a" + len(BODY).to_bytes(4, "big") + BODY, [OLD_FINGERPRINT]),
        (b"\xc6" + bytes([len(BODY)]) + BODY, [OLD_FINGERPRINT]),
        (b"\xc6\xff" + len(BODY).to_bytes(4, "big") + BODY, [OLD_FINGERPRINT]),
        (b"\xc6" + bytes([192 + ((301 - 192) >> 8), (301 - 192) & 255]) + LONG, [LONG_FINGERPRINT]),
        (b"\xc6" + bytes([len(V6)]) + V6, [V6_FINGERPRINT]),
        (OLD + USER + OLD, [OLD_FINGERPRINT, OLD_FINGERPRINT]),
    ],
)
def test_packets(data: bytes, wanted: list[str]) -> None:
    assert openpgp.fingerprints(data) == wanted


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no OpenPGP public key"),
        (b"<html>404</html>", "no OpenPGP public key"),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "secret key was given"),
        (b"\x95" + OLD[1:], "secret key was given"),
        (ARMOURED.replace(b"mDMEaw", b"mDM!aw"), "is damaged"),
        (OLD[:-1], "in the middle of a packet"),
        (OLD + b"\x01", "begins with the byte 0x01"),
        (b"\x9b\x04", "has no length"),
        (b"\xc6\xe1\x04", "comes in parts"),
        (b"\x98\x02\x03\x00", "out of use"),
        (b"\x98\x00", "out of use"),
        (USER, "holds no OpenPGP public key"),
        (OLD, f"its fingerprint is {OLD_FINGERPRINT}, wanted is {FINGERPRINT}"),
        (OLD + OLD, f"{OLD_FINGERPRINT} and {OLD_FINGERPRINT}"),
    ],
)
def test_what_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(openpgp.BadKey, match=sentence):
        openpgp.check(data, FINGERPRINT)


@pytest.mark.parametrize("start", range(0, len(base64.b64decode(b"".join(ARMOURED.splitlines()[2:-2]))), 7))
def test_damage_is_an_answer_and_no_traceback(start: int) -> None:
    binary = bytearray(openpgp.dearmor(ARMOURED))
    binary[start] ^= 0xFF
    try:
        found = openpgp.fingerprints(bytes(binary))
    except openpgp.BadKey:
        return
    # The primary key begins at 0 and is 53 bytes long; damage behind it is for gpgv to find.
    assert (found == [FINGERPRINT]) == (start >= 53)


@pytest.mark.parametrize(
    "text",
    [
        FINGERPRINT,
        FINGERPRINT.lower(),
        "0x" + FINGERPRINT,
        "0478 202C C21B 6AF5 9D48  163E 30EA 0E20 B7D8 9984",
    ],
)
def test_ways_to_write_a_fingerprint(text: str) -> None:
    assert openpgp.full_fingerprint(text) == FINGERPRINT


@pytest.mark.parametrize("text", ["", "B7D89984", "30EA0E20B7D89984", FINGERPRINT + "00", "Z" * 40])
def test_key_ids_are_not_enough(text: str) -> None:
    with pytest.raises(openpgp.BadKey, match="not one of 40"):
        openpgp.full_fingerprint(text)

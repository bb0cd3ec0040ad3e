# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of OpenPGP public keys, without gpg: apt needs only gpgv, so that many nodes have no gpg.

PRIVATE: used by the modules of this collection only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

SECRET_KEY, PUBLIC_KEY = 5, 6
# The fingerprint of a primary key of version 4 or 6.
FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})\Z")
ARMOUR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL
)
SECRET = "a secret key was given: give the public one, and take that secret key out of use"


class BadKey(ValueError):
    """The key is not what was wanted; the text says why."""


def full_fingerprint(text: str) -> str:
    """A fingerprint as digits without blanks, ``0x`` or colons. BadKey for a key id, which anybody can imitate."""
    digits = re.sub(r"[\s:]|^0[xX]", "", text).upper()
    if not FINGERPRINT.match(digits):
        raise BadKey(
            f"the fingerprint {text!r} is not one of 40 (or 64) hexadecimal digits; a key id of 8 or 16 digits is easy"
            " to imitate and not enough"
        )
    return digits


def check(data: bytes, fingerprint: str) -> bytes:
    """The binary form of the key, if it is the one with the (full) fingerprint and nothing else."""
    binary = dearmor(data)
    found = fingerprints(binary)
    if found != [fingerprint]:
        raise BadKey(
            "the key is not the wanted one: its fingerprint is {}, wanted is {}".format(
                " and ".join(found), fingerprint
            )
        )
    return binary


def dearmor(data: bytes) -> bytes:
    """The binary form of public keys; data that is binary already stays as it is."""
    if data[:1] >= b"\x80":
        return data
    if b"PRIVATE KEY BLOCK" in data:
        raise BadKey(SECRET)
    blocks = ARMOUR.findall(data)
    if not blocks:
        raise BadKey("what was given is no OpenPGP public key")
    return b"".join(_decode(block) for block in blocks)


def _decode(block: bytes) -> bytes:
    """The bytes of an armoured block (RFC 9580, 6.2): headers, an empty line, Base64, and maybe a checksum."""
    lines = [line.strip() for line in block.splitlines()]
    start = lines.index(b"") + 1 if b"" in lines[:10] else 0
    text = b"".join(line for line in lines[start:] if not line.startswith(b"="))
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadKey(f"the armoured public key is damaged: {error}") from error


def fingerprints(data: bytes) -> list[str]:
    """Fingerprints of the primary keys in binary data, as upper-case hexadecimal digits."""
    found = []
    rest = data
    while rest:
        tag, body, rest = _packet(rest)
        if tag == SECRET_KEY:
            raise BadKey(SECRET)
        if tag == PUBLIC_KEY:
            found.append(_fingerprint(body))
    if not found:
        raise BadKey("what was given holds no OpenPGP public key")
    return found


def _fingerprint(body: bytes) -> str:
    """RFC 9580, 5.5.4: SHA-1 for keys of version 4, SHA-256 for version 6."""
    if body[:1] == b"\x04":
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()
    if body[:1] == b"\x06":
        return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise BadKey("the key has a format that is out of use (no version 4 or 6 of OpenPGP)")


def _packet(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, body and what follows of the first packet (RFC 9580, 4.2)."""
    head = data[0]
    if not head & 0x80:
        raise BadKey(f"the public key is damaged: a packet begins with the byte {head:#04x}")
    if head & 0x40:
        tag, start, length = head & 0x3F, *_new_length(data)
    else:
        tag, start, length = (head >> 2) & 0x0F, *_old_length(data)
    if len(data) < start + length:
        raise BadKey("the public key is damaged: it ends in the middle of a packet")
    return tag, data[start : start + length], data[start + length :]


def _old_length(data: bytes) -> tuple[int, int]:
    """Where the body of a packet with an old header begins, and how long it is."""
    kind = data[0] & 0x03
    if kind == 3:
        raise BadKey("the public key is damaged: a packet has no length")
    size = 1 << kind
    return 1 + size, int.from_bytes(data[1 : 1 + size], "big")


def _new_length(data: bytes) -> tuple[int, int]:
    """The same for a new header; partial lengths do not occur in keys."""
    first = data[1] if len(data) > 1 else 0
    if first < 192:
        return 2, first
    if first < 224:
        return 3, ((first - 192) << 8) + (data[2] if len(data) > 2 else 0) + 192
    if first == 255:
        return 6, int.from_bytes(data[2:6], "big")
    raise BadKey("the public key is damaged: a packet comes in parts")

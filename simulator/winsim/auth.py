# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication as WinRM offers it: Basic, and NTLM (raw or inside SPNEGO) with message encryption.

NTLM is accepted through pyspnego. Its state belongs to the TCP connection, as on Windows.
Sources: [MS-WSMV] 2.2.9.1 (encrypted messages), [MS-NTHT] (NTLM over HTTP), pywinrm 0.5, requests-ntlm 1.3.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import spnego
import spnego.exceptions
from spnego._ntlm_raw.crypto import ntowfv1

if TYPE_CHECKING:
    from winsim.world import Machine

PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"Content-Type: application/octet-stream"
_LENGTH = re.compile(rb"Length=(\d+)")
_ENVIRONMENT = threading.Lock()


class Denied(Exception):
    """The credentials are wrong or missing."""


class BadEncryption(ValueError):
    """An encrypted body that does not parse or unseal."""


def basic_user(machine: Machine, value: str) -> str:
    """The account of a Basic credential (the part after ``Basic``). Raises Denied."""
    try:
        raw = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise Denied("a Basic credential that does not decode") from error
    # RFC 7617 leaves the character set open: requests (and so pywinrm) sends Latin-1 where it can, curl UTF-8.
    for charset in ("utf-8", "cp1252"):
        name, _, password = raw.decode(charset, "replace").partition(":")
        account = machine.account(name)
        if account and hmac.compare_digest(machine.users[account].encode(), password.encode()):
            return _may_log_on(machine, account)
    raise Denied("unknown user or wrong password")


def _may_log_on(machine: Machine, account: str) -> str:
    error = machine.host.accounts.logon_error(account, machine.host.clock.now())
    if error is not None:
        raise Denied(f"{error[1]} ({error[0]})")
    return account


class NegotiateSession:
    """One NTLM conversation; afterwards it seals and unseals the messages of its connection."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._context: spnego.ContextProxy | None = None
        self.user: str | None = None

    def step(self, token: bytes) -> bytes | None:
        """Take a token, return the answer (None: no more to say, see ``user``). Raises Denied."""
        # A first message begins a new conversation even on a connection that had one.
        first = self._context is None or self.user is not None or token[:12] == b"NTLMSSP\0\x01\0\0\0"
        try:
            with _credential_file(self._machine):
                if first:
                    self._begin(token)
                assert self._context is not None
                answer = self._context.step(token)
                if self._context.complete:
                    self.user = self._machine.account(self._context.client_principal or "")
        except (spnego.exceptions.SpnegoError, ValueError, struct.error) as error:
            self._context, self.user = None, None
            raise Denied(f"NTLM: {type(error).__name__}") from error
        if self._context.complete and self.user is None:
            raise Denied("NTLM: unknown user")
        if self.user is not None:
            _may_log_on(self._machine, self.user)
        return answer

    def _begin(self, token: bytes) -> None:
        self.user = None
        protocol = "ntlm" if token.startswith(b"NTLMSSP\0") else "negotiate"
        self._context = spnego.server(protocol=protocol, options=spnego.NegotiateOptions.use_ntlm)

    def unseal(self, body: bytes) -> bytes:
        """The message inside an encrypted body. Raises BadEncryption."""
        if self._context is None or self.user is None:
            raise BadEncryption("an encrypted message on a connection that is not authenticated")
        parts = [part for part in body.split(_BOUNDARY) if part.strip() not in (b"", b"--")]
        message = b""
        try:
            for header, payload in zip(parts[::2], parts[1::2], strict=True):
                message += self._unseal_part(header, payload)
        except (ValueError, IndexError, struct.error, spnego.exceptions.SpnegoError) as error:
            raise BadEncryption(
                f"an encrypted message that does not unseal: {type(error).__name__}"
            ) from error
        return message

    def _unseal_part(self, header: bytes, payload: bytes) -> bytes:
        assert self._context is not None
        length = _LENGTH.search(header)
        _, _, data = payload.partition(_OCTETS + b"\r\n")
        (size,) = struct.unpack("<i", data[:4])
        plain = self._context.unwrap(data[4 : 4 + size] + data[4 + size :]).data
        if length is None or int(length[1]) != len(plain):
            raise ValueError("length does not match")
        return plain

    def seal(self, message: bytes) -> bytes:
        """An encrypted body around a message."""
        assert self._context is not None
        wrapped = self._context.wrap(message, encrypt=True).data
        signature, sealed = wrapped[:16], wrapped[16:]
        return (
            _BOUNDARY
            + b"\r\n\tContent-Type: "
            + PROTOCOL.encode()
            + b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
            + str(len(message)).encode()
            + b"\r\n"
            + _BOUNDARY
            + b"\r\n\t"
            + _OCTETS
            + b"\r\n"
            + struct.pack("<i", len(signature))
            + signature
            + sealed
            + _BOUNDARY
            + b"--\r\n"
        )


ENCRYPTED_TYPE = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'


@contextmanager
def _credential_file(machine: Machine) -> Iterator[None]:
    """pyspnego's acceptor reads its accounts from the file named by NTLM_USER_FILE: give it one for a moment.

    The smbpasswd form holds NT hashes, so that passwords with a colon work.
    """
    with _ENVIRONMENT, tempfile.NamedTemporaryFile("w", prefix="winsim-", encoding="utf-8") as file:
        file.write("".join(_credential_lines(machine)))
        file.flush()
        before = os.environ.get("NTLM_USER_FILE")
        os.environ["NTLM_USER_FILE"] = file.name
        try:
            yield
        finally:
            if before is None:
                del os.environ["NTLM_USER_FILE"]
            else:
                os.environ["NTLM_USER_FILE"] = before


def _credential_lines(machine: Machine) -> Iterator[str]:
    computer, domain = str(machine.host.name), str(machine.host.domain or "")
    for user, password in machine.users.items():
        nt_hash = ntowfv1(password).hex().upper()
        names = {user, f".\\{user}", f"{computer}\\{user}", f"localhost\\{user}"}
        if domain:
            names |= {f"{domain}\\{user}", f"{domain.split('.')[0]}\\{user}", f"{user}@{domain}"}
        for name in sorted(names):
            yield f"{name}:1000:{'0' * 32}:{nt_hash}:[U]:LCT-00000000\n"

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certification authority and a server certificate, made at start for the HTTPS listeners."""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE, CA_KEY_FILE = "ca.pem", "ca.key"
SERVER_FILE, SERVER_KEY_FILE = "server.pem", "server.key"
_CA_DAYS, _SERVER_DAYS, _LEFT_DAYS = 3650, 365, 30


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, never for a moment readable by others."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _load_ca(state: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """The authority of an earlier start, if it is still good for a while."""
    try:
        certificate = x509.load_pem_x509_certificate((state / CA_FILE).read_bytes())
        key = serialization.load_pem_private_key((state / CA_KEY_FILE).read_bytes(), None)
    except (OSError, ValueError):
        return None
    ends = certificate.not_valid_after_utc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return (certificate, key) if ends - datetime.now(UTC) > timedelta(days=_LEFT_DAYS) else None


def _make_ca(state: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = "winsim test authority"
    certificate = (
        _builder(subject, _name(subject), key, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(state / CA_KEY_FILE, _key_pem(key))
    (state / CA_FILE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: list[str]) -> x509.SubjectAlternativeName:
    entries: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            entries.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            entries.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(entries)


def server_context(state: Path, names: list[str]) -> ssl.SSLContext:
    """A TLS context whose certificate is good for ``names`` (host names and addresses).

    Writes ca.pem, server.pem and their keys (0600) to ``state``; an authority that is there is used again, so that
    clients which trust it need not be told of a restart.
    """
    state.mkdir(parents=True, exist_ok=True)
    authority, authority_key = _load_ca(state) or _make_ca(state)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("winsim", authority.subject, key, _SERVER_DAYS)
        .add_extension(_alternatives(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    write_private(state / SERVER_KEY_FILE, _key_pem(key))
    (state / SERVER_FILE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(state / SERVER_FILE, state / SERVER_KEY_FILE)
    return context

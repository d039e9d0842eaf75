"""Certificates as people have them: right, expired, for another name, self-signed, or with a piece missing."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Day = timedelta(days=1)
_AUTHORITY = trustme.CA()  # made at once: cases run side by side, and all trust the same one


class Certificate(NamedTuple):
    """What a server shows (PEM, its own first), its key, and the authority that clients would have to trust."""

    chain: bytes
    key: bytes
    authority: bytes


def issued(name: str, *, ends_in: timedelta = 90 * Day) -> Certificate:
    """Give a certificate by an authority of our own; a negative `ends_in` makes one that has expired."""
    now = datetime.now(UTC)
    leaf = _AUTHORITY.issue_cert(name, not_before=now - 100 * Day, not_after=now + ends_in)
    return _certificate(leaf, _AUTHORITY)


def without_intermediate(name: str) -> Certificate:
    """Give one whose issuer the server does not send along: browsers may know it, Python does not."""
    middle = _AUTHORITY.create_child_ca()
    leaf = middle.issue_cert(name)
    whole = _certificate(leaf, _AUTHORITY)
    return whole._replace(chain=leaf.cert_chain_pems[0].bytes())


def self_signed(name: str) -> Certificate:
    """Give one that is its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - Day)
        .not_valid_after(now + 90 * Day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(made, private, made)


def _certificate(leaf: trustme.LeafCert, authority: trustme.CA) -> Certificate:
    chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
    return Certificate(chain, leaf.private_key_pem.bytes(), authority.cert_pem.bytes())

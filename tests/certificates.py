"""Certificates as trustme makes none: self-signed, or with an issuer that says where it can be fetched."""

import datetime as dt
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

NOW = dt.datetime.now(dt.UTC)


def self_signed(folder: Path, host: str = "localhost", common_name: str = "my server") -> ssl.SSLContext:
    """Give a TLS context whose certificate vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _context(folder, key, _built(key, key, common_name, common_name, host, None))


def without_intermediate(folder: Path) -> ssl.SSLContext:
    """Give a TLS context as of a public authority, whose chain is not served."""
    key, issuer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    fetched = "http://r11.example/r11.der"
    return _context(folder, key, _built(key, issuer, "localhost", "Example R11", "localhost", fetched))


def _built(  # noqa: PLR0917
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    subject: str,
    issuer: str,
    host: str,
    fetched: str | None,
) -> x509.Certificate:
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=60))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    )
    if fetched:
        place = x509.UniformResourceIdentifier(fetched)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        built = built.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return built.sign(signer, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _context(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> ssl.SSLContext:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context

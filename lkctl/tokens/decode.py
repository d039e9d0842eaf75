"""Decoding: what is in a token, what the server makes of it, and whether it is any good."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from math import floor
from typing import Any

from lkctl.settings.shape import Pair, likely_meant
from lkctl.tokens.document import read_document
from lkctl.tokens.envelope import Envelope, open_envelope
from lkctl.tokens.findings import Finding, Severity, Subject
from lkctl.tokens.judge import Join, has_begun, has_expired, predict
from lkctl.tokens.lint import lint
from lkctl.tokens.reading import Reading, read_claims
from lkctl.tokens.signer import matches
from lkctl.tokens.words import as_moment, effective_grants
from lkctl.tokens.wrapping import unwrap

_MEANT = {
    "blank": "the configured secret without the blanks around it",
    "quoted": "the configured secret without the quotes around it",
    "swapped": "the configured API key: key and secret are swapped in the settings",
    "default-pair": "the secret of `livekit-server --dev` (devkey/secret)",
}


class Signature(Enum):
    """Whether a signature could be checked, and fits."""

    verified = "verified"
    unverified = "unverified"
    bad = "bad"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A token, judged at the moment `now` (seconds since 1970)."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    reading: Reading
    now: float
    effective: Mapping[str, Mapping[str, Any]]
    user_id: str | None
    signature: Signature
    join: Join
    findings: tuple[Finding, ...]

    @property
    def expired(self) -> bool:
        """Whether the server takes it for expired, a minute after `exp`."""
        return has_expired(self.reading.values.get("exp"), self.now)

    @property
    def expires_in_s(self) -> int | None:
        """Give the seconds left until `exp`; negative when it is past."""
        expires = self.reading.values.get("exp")
        return None if expires is None else floor(expires - self.now)

    @property
    def valid(self) -> bool:
        """Whether it is verified or cannot be, inside its times, and without an error."""
        begun = has_begun(self.reading.values.get("nbf"), self.now)
        errors = any(finding.severity is Severity.error for finding in self.findings)
        return self.signature is not Signature.bad and begun and not self.expired and not errors

    def moment(self, name: str) -> datetime | None:
        """Give a time claim; None where it is absent or beyond what a calendar holds."""
        return as_moment(self.reading.values.get(name))

    def json(self) -> dict[str, Any]:
        """Give the document of `token decode -o json`."""
        reading = self.reading
        return {
            "header": self.header,
            "claims": self.claims,
            "issuer": reading.text("iss"),
            "identity": reading.identity,
            "identity_from": reading.identity_from,
            "name": reading.text("name"),
            "kind": reading.text("kind"),
            "room": reading.room,
            "issued_at": self.moment("iat"),
            "not_before": self.moment("nbf"),
            "expires_at": self.moment("exp"),
            "expires_in_s": self.expires_in_s,
            "expired": self.expired,
            "grants": {"explicit": reading.grants, "effective": self.effective},
            "metadata": {"raw": reading.text("metadata"), "json": parsed(reading.text("metadata"))},
            "attributes": reading.values.get("attributes", {}),
            "user_id": self.user_id,
            "signature": self.signature.value,
            "valid": self.valid,
            "join": {"accepted": self.join.accepted, "status": self.join.status, "reason": self.join.reason},
            "findings": [finding.json() for finding in self.findings],
        }


def decode(text: str, pair: Pair | None, *, now: float) -> Decoded:
    """Take a token apart and judge it, against `pair` where there is one; raise `L01` where it is no JWT.

    The text may hold the token in quotes, behind `Bearer`, in a URL or in a JSON body.
    """
    envelope = open_envelope(unwrap(text))
    reading = read_claims(envelope.claims)
    signature = check_signature(envelope, reading, pair)
    meant = "" if signature is Signature.verified or pair is None else _meant(envelope, reading, pair)
    subject = Subject(
        envelope.header, reading, now, envelope.size, signature.value, meant, pair, problems=envelope.problems
    )
    return Decoded(
        header=envelope.header,
        claims=envelope.claims,
        reading=reading,
        now=now,
        effective=effective_grants(reading),
        user_id=read_user_id(reading.text("metadata")),
        signature=signature,
        join=predict(envelope, reading, pair, now),
        findings=lint(subject),
    )


def check_signature(envelope: Envelope, reading: Reading, pair: Pair | None) -> Signature:
    """Check a signature; it cannot be checked without a secret, or with the secret of another key."""
    if pair is None or reading.text("iss") not in {"", pair.key}:
        return Signature.unverified
    fits = envelope.header.get("alg") == "HS256" and _fits(envelope, pair.secret)
    return Signature.verified if fits else Signature.bad


def read_user_id(metadata: str) -> str | None:
    """Read the user ID in participant metadata, by the rules by which an agent reads it."""
    if not metadata:
        return None
    from lkctl.userid.metadata import read_metadata
    from lkctl.userid.paths import parse_path

    return read_metadata(metadata, (parse_path("userId"),), strict=False, decode_nested=False).value


def parsed(metadata: str) -> Any:
    """Give metadata as JSON; None where it is none."""
    try:
        return read_document(metadata).value
    except ValueError:
        return None


def _meant(envelope: Envelope, reading: Reading, pair: Pair) -> str:
    """Name another pair that the user may have meant and that the signature fits; "" where none does."""
    if reading.text("iss") != pair.key and _fits(envelope, pair.secret):
        return "the configured secret, but not its key"
    found = next((meant for meant in likely_meant(pair.key, pair.secret) if _fits(envelope, meant.secret)), None)
    return _MEANT[found.name] if found else ""


def _fits(envelope: Envelope, secret: str) -> bool:
    return envelope.signature is not None and matches(envelope.signed, envelope.signature, secret)

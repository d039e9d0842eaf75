"""Decoding: what is in a token, what the server makes of it, and whether it is any good."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from math import floor
from typing import Any, NamedTuple

from lkctl.settings.shape import DEFAULT_PAIR, Pair
from lkctl.tokens.catalogue import lint
from lkctl.tokens.document import read_document
from lkctl.tokens.envelope import Envelope, open_envelope
from lkctl.tokens.findings import NO_FACTS, Facts, Finding, Severity, Signature, Subject
from lkctl.tokens.judge import MEASURED, Join, Version, has_begun, has_expired, predict
from lkctl.tokens.reading import Reading, read_claims
from lkctl.tokens.signer import matches
from lkctl.tokens.words import as_moment, effective_grants
from lkctl.tokens.wrapping import unwrap

# The pair that was meant, in words, and how to come to it
_MEANT = {
    "blank": ("the configured secret without the blanks around it", "Remove the blanks from LIVEKIT_API_SECRET"),
    "quoted": ("the configured secret without the quotes around it", "Remove the quotes from LIVEKIT_API_SECRET"),
    "swapped": (
        "the configured API key: key and secret are swapped in the settings",
        "Exchange LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
    ),
    "default-pair": (
        "the secret of `livekit-server --dev` (devkey/secret)",
        "Mint with the key and secret of the server in use; devkey/secret is for tests",
    ),
}
_NOTHING_MEANT = ("", "")


class Decoded(NamedTuple):
    """A token, judged at the moment `now` (seconds since 1970).

    `meant` names the pair that a signature fits which the configured one does not, or "". `findings` are those that
    were not ignored; `valid` stays with them, but a bad signature and the times count in any case.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    reading: Reading
    now: float
    effective: Mapping[str, Mapping[str, Any]]
    user_id: str | None
    signature: Signature
    join: Join
    findings: tuple[Finding, ...]
    meant: str = ""

    @property
    def expired(self) -> bool:
        """Whether the server takes it for expired, a minute after `exp`."""
        return has_expired(self.reading.values.get("exp"), self.now)

    @property
    def begun(self) -> bool:
        """Whether the server takes it for begun, from a minute before `nbf`."""
        return has_begun(self.reading.values.get("nbf"), self.now)

    @property
    def expires_in_s(self) -> int | None:
        """Give the seconds left until `exp`; negative when it is past."""
        expires = self.reading.values.get("exp")
        return None if expires is None else floor(expires - self.now)

    @property
    def valid(self) -> bool:
        """Whether it is verified or cannot be, inside its times, and without an error."""
        errors = any(finding.severity is Severity.error for finding in self.findings)
        return self.signature is not Signature.bad and self.begun and not self.expired and not errors

    def passes(self, fail_on: Severity) -> bool:
        """Whether it is valid, and without a finding of this severity or a worse one."""
        return self.valid and not any(finding.severity.at_least(fail_on) for finding in self.findings)

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


def decode(
    text: str,
    pair: Pair | None,
    *,
    now: float,
    others: Iterable[Pair] = (),
    facts: Facts = NO_FACTS,
    version: Version = MEASURED,
    ignored: Collection[str] = (),
) -> Decoded:
    """Take a token apart and judge it, against `pair` where there is one; raise `L01` where it is no JWT.

    The text may hold the token in quotes, behind `Bearer`, in a URL or in a JSON body. Where the signature does not fit
    `pair`, its likely misspellings are tried, then `others`, whose names say where they come from; they are looked at
    only then. `version` is that of the server whose answer is foreseen, `ignored` holds ids of rules.
    """
    envelope = open_envelope(unwrap(text))
    reading = read_claims(envelope.claims)
    signature = check_signature(envelope, reading, pair)
    verified = signature is Signature.verified
    meant, remedy = _NOTHING_MEANT if verified else _meant(envelope, reading, pair, others)
    subject = Subject(
        envelope.header, reading, now, envelope.size, signature, meant, pair, envelope.problems, facts, remedy
    )
    return Decoded(
        header=envelope.header,
        claims=envelope.claims,
        reading=reading,
        now=now,
        effective=effective_grants(reading),
        user_id=read_user_id(reading.text("metadata")),
        signature=signature,
        join=predict(envelope, reading, pair, now, version=version),
        findings=_left(lint(subject), ignored),
        meant=meant,
    )


def _left(findings: tuple[Finding, ...], ignored: Collection[str]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.id not in ignored) if ignored else findings


def check_signature(envelope: Envelope, reading: Reading, pair: Pair | None) -> Signature:
    """Check a signature; it cannot be checked without a secret, or with the secret of another key."""
    if pair is None or reading.text("iss") not in {"", pair.key}:
        return Signature.unverified
    fits = envelope.header.get("alg") == "HS256" and _fits(envelope, pair.secret)
    return Signature.verified if fits else Signature.bad


def read_user_id(metadata: str) -> str | None:
    """Read the user ID in participant metadata, by the rules by which an agent reads it."""
    return _user_id_reader()(metadata) if metadata else None


@cache
def _user_id_reader() -> Callable[[str], str | None]:
    """Load the reader when there is metadata to read."""
    from lkctl.userid.metadata import read_metadata
    from lkctl.userid.paths import parse_path

    paths = (parse_path("userId"),)
    return lambda metadata: read_metadata(metadata, paths, strict=False, decode_nested=False).value


def parsed(metadata: str) -> Any:
    """Give metadata as JSON; None where it is none."""
    try:
        return read_document(metadata).value
    except ValueError:
        return None


def _meant(envelope: Envelope, reading: Reading, pair: Pair | None, others: Iterable[Pair]) -> tuple[str, str]:
    """Name another pair that the user may have meant and that the signature fits, and the way to it; "" for none."""
    issuer = reading.text("iss")
    if envelope.header.get("alg") != "HS256":
        return _NOTHING_MEANT  # not the secret is wrong
    if pair is not None and issuer != pair.key and _fits(envelope, pair.secret):
        return "the configured secret, but not its key", "Set LIVEKIT_API_KEY to the key that the token names"
    from lkctl.settings.slips import likely_meant  # a good token has no use for it

    near = likely_meant(pair.key, pair.secret) if pair is not None else (Pair("default-pair", *DEFAULT_PAIR),)
    found = next((meant for meant in near if _fits(envelope, meant.secret)), None)
    if found is not None:
        return _MEANT.get(found.name) or _slipped(found.name)
    likely_first = sorted(others, key=lambda other: other.key != issuer)
    fitting = next((other.name for other in likely_first if _fits(envelope, other.secret)), None)
    return (f"the secret of {fitting}", f"Use the key and secret of {fitting}") if fitting else _NOTHING_MEANT


def _slipped(name: str) -> tuple[str, str]:
    from lkctl.settings.slips import find_slip

    slip = find_slip(name)
    return (f"the configured secret, which {slip.said}", f"LIVEKIT_API_SECRET: {slip.hint}") if slip else ("", "")


def _fits(envelope: Envelope, secret: str) -> bool:
    return envelope.signature is not None and matches(envelope.signed, envelope.signature, secret)

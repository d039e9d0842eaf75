"""What livekit-server 1.13.5 would answer to a token at GET /rtc/validate.

Source: service/auth.go (APIKeyAuthMiddleware), service/utils.go (ValidateConnectRequest), livekit/protocol
auth/verifier.go, golang-jwt v5.3.1 parser.go and validator.go. tests/tokens/test_live.py asks the real server. Two
things lie beyond a token and are not foreseen: 404 (auto_create is off, the room absent) and 503 (the node is full).
"""

from collections.abc import Iterator
from typing import NamedTuple

from lkctl.convention import LONGEST_NAME
from lkctl.settings.shape import Pair
from lkctl.tokens.claims import GROUPS, LEEWAY, MAX_HEADER_BYTES
from lkctl.tokens.envelope import Envelope
from lkctl.tokens.reading import Mismatch, Reading
from lkctl.tokens.signer import matches

Version = tuple[int, int, int]
MEASURED: Version = (1, 13, 5)  # the version that the prediction is tested against
# Read in the source after 1.13.5 (service/auth.go, protocol auth/verifier.go), not run: from here on exp is required,
# and neither the token nor the key is echoed. The limit of request bodies that came with it (413) concerns no GET
REQUIRES_EXP: Version = (1, 13, 6)
_KNOWN_FROM_THEN = {"agent.databaseAdmin"}

# What golang-jwt registers; any other name is refused before the key is looked up
_ALGORITHMS = {"none", "EdDSA", *(f"{family}{size}" for family in ("HS", "RS", "PS", "ES") for size in (256, 384, 512))}


class Join(NamedTuple):
    """The server's answer; all None where it cannot be foreseen. The token in `reason` is written `<JWT>`."""

    accepted: bool | None = None
    status: int | None = None
    reason: str | None = None


def predict(
    envelope: Envelope, reading: Reading, pair: Pair | None, now: float, *, version: Version = MEASURED
) -> Join:
    """Foresee the answer of a server of this version that knows `pair`."""
    if pair is None or reading.text("iss") not in {"", pair.key}:
        return Join()
    refusal = next(_refusals(envelope, reading, pair, now, newer=version >= REQUIRES_EXP), None)
    return Join(accepted=False, status=refusal[0], reason=refusal[1]) if refusal else Join(True, 200, "success")


def _refusals(
    envelope: Envelope, reading: Reading, pair: Pair, now: float, *, newer: bool
) -> Iterator[tuple[int, str]]:
    """Give the reasons to refuse in the order in which the server comes upon them."""
    if envelope.size > MAX_HEADER_BYTES:
        yield 431, "431 Request Header Fields Too Large"
    if not _parses(envelope, reading):
        yield 401, "invalid authorization token"
    if not reading.text("iss"):
        yield 401, "invalid API key" if newer else "invalid API key: "
    reason = _invalid(envelope, reading, pair, now, newer=newer)
    if reason:
        yield 401, f"invalid authorization token: {reason}" if newer else f"invalid token: <JWT>, error: {reason}"
    yield from _not_joinable(reading)


def _parses(envelope: Envelope, reading: Reading) -> bool:
    """Follow ParseAPIToken: form, JSON, registered claims, a known algorithm."""
    alg = envelope.header.get("alg")
    if envelope.broken or any(wrong.registered for wrong in reading.mismatches):
        return False
    return isinstance(alg, str) and alg in _ALGORITHMS


def _invalid(envelope: Envelope, reading: Reading, pair: Pair, now: float, *, newer: bool) -> str:
    """Follow Verify: the types of all claims (roomConfig's error comes first), then algorithm, signature and times."""
    known = (mismatch for mismatch in reading.mismatches if _known_to_server(mismatch, newer=newer))
    wrong = min(known, key=lambda mismatch: not mismatch.fault, default=None)
    alg = envelope.header["alg"]
    if wrong is not None:
        return f"token is malformed: could not JSON decode claim: {_decode_error(wrong)}"
    if alg != "HS256":
        return f"token signature is invalid: signing method {alg} is invalid"
    if not matches(envelope.signed, envelope.signature or b"", pair.secret):
        return "token signature is invalid: signature is invalid"
    times = ", ".join(_untimely(reading, now, requires_exp=newer))
    return f"token has invalid claims: {times}" if times else ""


def _untimely(reading: Reading, now: float, *, requires_exp: bool) -> Iterator[str]:
    expires, starts = reading.values.get("exp"), reading.values.get("nbf")
    if expires is None and requires_exp:
        yield "token is missing required claim: exp claim is required"
    if has_expired(expires, now):
        yield "token is expired"
    if not has_begun(starts, now):
        yield "token is not valid yet"


def has_expired(expires: int | None, now: float) -> bool:
    """Tell whether the server takes a token for expired: a minute after it is (validator.go verifyExpiresAt)."""
    return expires is not None and now >= expires + LEEWAY


def has_begun(starts: int | None, now: float) -> bool:
    """Tell whether the server takes a token for begun: a minute before it is (validator.go verifyNotBefore)."""
    return starts is None or now >= starts - LEEWAY


def _not_joinable(reading: Reading) -> Iterator[tuple[int, str]]:
    if "video" not in reading.grants:
        yield 401, "no permissions to access the room"
    if not reading.video.get("roomJoin"):
        yield 401, "permissions denied"
    if not reading.identity:
        yield 400, "identity cannot be empty"
    if len(reading.identity.encode()) > LONGEST_NAME:
        yield 400, f"participant identity length exceeds limits: max length {LONGEST_NAME}"
    if not reading.room:
        yield 400, "no room name"
    if len(reading.room.encode()) > LONGEST_NAME:
        yield 400, f"room name length exceeds limits: max length {LONGEST_NAME}"


def _known_to_server(mismatch: Mismatch, *, newer: bool) -> bool:
    group, _, name = mismatch.path.partition(".")
    if newer and mismatch.path in _KNOWN_FROM_THEN:
        return True
    return group not in GROUPS or not (GROUPS[group].newer or name in GROUPS[group].newer_fields)


def _decode_error(mismatch: Mismatch) -> str:
    if mismatch.fault:
        return f"proto: {mismatch.told}"
    group, _, name = mismatch.path.partition(".")
    struct = GROUPS[group].go_type if name else "tokenClaims"
    where = f"{struct}.ClaimGrants.{mismatch.path}"
    return f"json: cannot unmarshal {mismatch.found} into Go struct field {where} of type {mismatch.wanted}"

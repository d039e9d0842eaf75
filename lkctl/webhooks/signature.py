"""What a webhook's Authorization header must hold: a JWT of LiveKit's that signs the body."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hmac import compare_digest
from typing import Any, NamedTuple

from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.settings.shape import Pair, shorten_key
from lkctl.tokens.decoding import check_signature, decode
from lkctl.tokens.document import shown
from lkctl.tokens.envelope import Envelope, open_envelope
from lkctl.tokens.findings import Signature
from lkctl.tokens.judge import has_begun, has_expired
from lkctl.tokens.reading import Reading, read_claims
from lkctl.webhooks.bodychange import digest_of, find_change

_BARE = "LiveKit sends the bare token; take away Bearer where it is added"
_CLOCK = "The clock of LiveKit's machine, or of this one, is wrong"
_OLD = "It is a replay, or a clock is wrong; what comes from a log is judged with lkctl webhook verify --recorded"
_NO_SHA256 = "An access token perhaps? Those of webhooks carry sha256"
_OTHER_BODY = "Are body and header those of the same delivery? Take the raw bytes, before any JSON parser"


class Check(NamedTuple):
    """One thing that must hold. `ok` is None where it cannot be told."""

    id: str
    ok: bool | None
    message: str
    hint: str = ""

    def json(self) -> dict[str, Any]:
        """Give it as `-o json` shows it."""
        return self._asdict()


def check_token(
    token: str, body: bytes, pair: Pair, *, now: float, others: Iterable[Pair], recorded: bool
) -> Iterator[Check]:
    """Give the checks of header, key, signature, time and body, in this order."""
    bare = token[len("Bearer") :].strip() if token[:7].lower() == "bearer " else token
    try:
        envelope = open_envelope(bare)
    except LkctlError as error:
        yield _unreadable(token, error)
        yield from (Check(name, None, "not told: there is no token") for name in ("key", "signature", "time", "body"))
        return
    reading = read_claims(envelope.claims)
    yield _header(envelope, reading, bearer=bare != token)
    yield _key(reading, pair)
    stands = check_signature(envelope, reading, pair)
    meant = "" if stands is Signature.verified else decode(bare, pair, now=now, others=others).meant
    yield _signature(stands, str(envelope.header.get("alg")), shorten_key(pair.key), meant)
    yield _recorded(reading) if recorded else _time(reading, now)
    yield _body(reading, body, trusted=stands is Signature.verified)


def _unreadable(token: str, error: LkctlError) -> Check:
    if token:
        return Check("header", False, f"the Authorization header holds no JWT: {_reason(error)}", error.hint)
    hint = "LiveKit signs every delivery: this is not one, or something on the way took the header off"
    return Check("header", False, "there is no Authorization header", hint)


def _reason(error: LkctlError) -> str:
    return error.message.removeprefix("not a JWT: ")


def _header(envelope: Envelope, reading: Reading, *, bearer: bool) -> Check:
    if envelope.broken:
        return Check("header", False, "the JWT cannot be read by LiveKit's receivers", "Copy it again, whole")
    if reading.mismatches:
        wrong = reading.mismatches[0]
        message = f"the JWT is refused: its claim {wrong.path} is of the type {wrong.found}, not {wrong.wanted}"
        return Check("header", False, message, "LiveKit writes no such token")
    if bearer:
        return Check("header", False, "the header says Bearer, which LiveKit's receivers refuse", _BARE)
    return Check("header", True, "the Authorization header holds a JWT")


def _key(reading: Reading, pair: Pair) -> Check:
    issuer = reading.text("iss")
    if issuer == pair.key:
        return Check("key", True, f"it names the API key {shorten_key(issuer)}")
    named = f"it names the API key {shorten_key(issuer)}" if issuer else "it names no API key"
    hint = "LiveKit signs with webhook.api_key of livekit.yaml, or the key chosen for the webhook: configure that one"
    return Check("key", False, f"{named}, not {shorten_key(pair.key)}", hint)


def _signature(stands: Signature, alg: str, key: str, meant: str) -> Check:
    if stands is Signature.verified:
        return Check("signature", True, f"it is made with the secret of {key}")
    if alg != "HS256":
        return Check("signature", False, f"its algorithm is {shown(alg)}", "LiveKit signs with HS256")
    fits = f"; it fits {meant}" if meant else ""
    if stands is Signature.unverified:
        return Check("signature", None, f"not told: the secret of another key is needed{fits}")
    hint = "Configure that one" if meant else "Was the secret changed, or is this another server's delivery?"
    return Check("signature", False, f"it is not made with the configured secret{fits}", hint)


def _time(reading: Reading, now: float) -> Check:
    expires, starts = reading.values.get("exp"), _start(reading)
    if expires is None:
        return Check("time", False, "it has no exp: it would be good for ever", "LiveKit's own expire after 5 minutes")
    if not has_begun(starts, now):
        return Check("time", False, f"it is not valid yet, but in {say_duration((starts or 0) - now)}", _CLOCK)
    signed = "" if starts is None else f", signed {say_duration(now - starts)} ago"
    if has_expired(expires, now):
        return Check("time", False, f"it expired {say_duration(now - expires)} ago{signed}", _OLD)
    if now >= expires:
        late = f"it expired {say_duration(now - expires)} ago, within the minute that receivers grant{signed}"
        return Check("time", True, late)
    return Check("time", True, f"it is valid for {say_duration(expires - now)} more{signed}")


def _recorded(reading: Reading) -> Check:
    """Judge the times alone: the delivery is taken for one that came when it was signed."""
    expires, starts = reading.values.get("exp"), _start(reading)
    if expires is None or (starts is not None and starts > expires):
        return Check("time", False, "it was valid at no time", "LiveKit's own expire 5 minutes after they are signed")
    return Check("time", True, "not held against the clock: it is judged as recorded")


def _start(reading: Reading) -> int | None:
    """Give the first moment at which every receiver takes it: Go's look at nbf, Python's at iat as well."""
    return max((reading.values[name] for name in ("nbf", "iat") if name in reading.values), default=None)


def _body(reading: Reading, body: bytes, *, trusted: bool) -> Check:
    """Judge the body by the signed hash; look for what changed it only where LiveKit signed that hash.

    What anybody else has signed says nothing about the body, and the search takes its time.
    """
    claim, digest = reading.text("sha256"), digest_of(body)
    if not claim:
        return Check("body", False, "the token has no sha256: it signs no body", _NO_SHA256)
    if compare_digest(claim.encode(), b64encode(digest)):
        return Check("body", True, f"its SHA-256 is the one that was signed ({len(body)} bytes)")
    if not body:
        return Check("body", False, "the body is empty, and that was not signed", _OTHER_BODY)
    signed = _signed(claim)
    if signed == digest:
        return Check("body", False, "sha256 is not written in base64", "LiveKit writes it in base64, with padding")
    change = find_change(body, signed) if signed and trusted else None
    if change is not None:
        return Check("body", False, f"the body was changed: {change.told}", change.hint)
    return Check("body", False, f"the body is not the one that was signed ({len(body)} bytes)", _OTHER_BODY)


def _signed(claim: str) -> bytes:
    """Give the hash that was signed, also where it is written in hex or base64url; empty where it is no hash."""
    try:
        if len(claim) == len(digest_of(b"")) * 2:
            return bytes.fromhex(claim)
        return b64decode(claim + "=" * (-len(claim) % 4), altchars=b"-_" if set(claim) & set("-_") else None)
    except ValueError:
        return b""

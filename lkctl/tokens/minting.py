"""Minting: what was asked for, as claims, judged before they are signed.

Tokens are minimal: what was not asked for is not written. There is no `nbf` of its own accord: it protects nothing,
and a server whose clock is behind would refuse the token. `iat` tells when it was minted.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

from lkctl.convention import (
    METADATA_KEY,
    NEW,
    is_conventional,
    make_user_id,
    metadata_text,
    room_of,
    size_of,
    usable_user_id,
    with_user_id,
)
from lkctl.errors import LkctlError
from lkctl.settings.shape import Pair
from lkctl.tokens.catalogue import lint
from lkctl.tokens.document import read_document, read_strictly
from lkctl.tokens.findings import NO_FACTS, Facts, Finding, Severity, Signature, Subject
from lkctl.tokens.reading import read_claims
from lkctl.tokens.roles import Role, find_role
from lkctl.tokens.signer import HEADER, Signer, encode

DEFAULT_TTL = 6 * 3600  # seconds; accesstoken.go defaultValidDuration
_TEXTS = ("identity", "user_id", "name", "room", "kind", "metadata", "room_preset")
_OBJECTS = ("grants", "others", "room_config", "attributes")
_LATEST = 2**53  # seconds; what floats hold exactly


class TokenRequest(NamedTuple):
    """What a token should be. None and empty mean: not asked for.

    `grants` are video grants by their claim names, beside or instead of the role's; `others` those of other groups, as
    {"sip": {"call": True}}. `metadata` is JSON text. A user ID (`new` makes one) gives metadata {"userId": …}, and
    identity and room where none are given. `ttl` is in seconds, counted from `not_before` (seconds since 1970) where
    that lies ahead. `room_config` is written as it is (roomrequest.py makes it). `unsafe` allows what only negative
    tests want: a `ttl` that is over, or None for a token without expiry; and it mints whatever the rules say.
    """

    identity: str | None = None
    user_id: str | None = None
    name: str | None = None
    room: str | None = None
    role: str = "participant"
    kind: str | None = None
    metadata: str | None = None
    attributes: Mapping[str, str] = {}
    grants: Mapping[str, Any] = {}
    ttl: float | None = DEFAULT_TTL
    kind_details: Sequence[str] = ()
    others: Mapping[str, Mapping[str, Any]] = {}
    not_before: float | None = None
    room_config: Mapping[str, Any] = {}
    room_preset: str | None = None
    unsafe: bool = False


class Minted(NamedTuple):
    """A token, what is in it, and what the rules say of it. `expires_at` in seconds since 1970; None is never."""

    token: str
    claims: Mapping[str, Any]
    expires_at: int | None
    user_id: str | None
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"Minted(<JWT>, claims={self.claims!r})"


def mint(
    request: TokenRequest,
    pair: Pair,
    *,
    now: float,
    entropy: Callable[[int], bytes],
    force: bool = False,
    sign_with: str | None = None,
    facts: Facts = NO_FACTS,
) -> Minted:
    """Make a token; raise `token-refused` where a rule of severity error speaks against it, unless forced or `unsafe`.

    The rules judge it as of the time from which it is valid. `sign_with` is another secret than the pair's, for
    negative tests only. Raises, whether forced or not, `usage` for what is of the wrong type, contradicts itself or
    only an `unsafe` request may ask for, `input-encoding` for halves of characters, and `input-malformed` for metadata
    that a user ID cannot be put into, and for grants that not all readers of JSON read, such as a depth of 100 levels.
    """
    _insist_sound(request)
    if sign_with is not None:
        _insist_unsafe(request, "the token would be signed with another secret than the server's")
    user_id, remarks = settle_user_id(request.user_id, now, entropy)
    text, claims = _written(request, make_claims(request, pair.key, now, user_id))
    token = Signer(pair.secret if sign_with is None else sign_with).sign(text)
    begins = max(now, claims.get("nbf", now))
    signature = Signature.verified if sign_with in {None, pair.secret} else Signature.bad
    subject = Subject(HEADER, read_claims(claims), begins, len(token), signature=signature, pair=pair, facts=facts)
    findings = (*remarks, *lint(subject))
    errors = [finding for finding in findings if finding.severity is Severity.error]
    if errors and not (force or request.unsafe):
        raise _refused(request, errors)
    return Minted(token, claims, claims.get("exp"), user_id, findings)


def make_claims(request: TokenRequest, key: str, now: float, user_id: str | None = None) -> dict[str, Any]:
    """Give the claims of a token, in the order in which they are written."""
    role = find_role(request.role)
    claims = {
        "iss": key,
        "sub": request.identity or user_id,
        "iat": int(now),
        "nbf": None if request.not_before is None else int(request.not_before),
        "exp": _expiry(request, now),
        "name": request.name,
        "kind": request.kind or role.kind,
        "kindDetails": list(request.kind_details),
        "video": _video(request, role, user_id),
        **request.others,
        "roomConfig": dict(request.room_config),
        "roomPreset": request.room_preset,
        "metadata": _metadata(request.metadata, user_id),
        "attributes": dict(request.attributes),
    }
    return {name: value for name, value in claims.items() if value not in (None, {}, [], "")}


def settle_user_id(
    wanted: str | None, now: float, entropy: Callable[[int], bytes]
) -> tuple[str | None, tuple[Finding, ...]]:
    """Give the user ID that the token will carry, made anew for `new`, and what is to be said about it."""
    if wanted is None:
        return None, ()
    if wanted == NEW:
        return make_user_id(int(now * 1000), lambda most: int.from_bytes(entropy(8)) % most), ()
    user_id = usable_user_id(wanted)
    if is_conventional(user_id):
        return user_id, ()
    told = "the user ID is not of the form user_{timestamp}_{random}; it is kept as it is"
    hint = "To let lkctl make one, say: new"
    return user_id, (Finding("W-FORMAT", Severity.warning, told, hint),)


def label_of(finding: Finding) -> str:
    """Name what is said of a token that was minted all the same: an error was `forced`; else it is the severity."""
    return "forced" if finding.severity is Severity.error else finding.severity.value


def _expiry(request: TokenRequest, now: float) -> int | None:
    """Count from when it begins to be valid, else a token for tomorrow would be over by then."""
    if request.ttl is None:
        _insist_unsafe(request, "the token would never expire")
        return None
    if request.ttl <= 0:
        ends = "expire at once: its lifetime is 0" if request.ttl == 0 else "have expired: its lifetime is negative"
        _insist_unsafe(request, f"the token would {ends}", "Write it like 15m, 10h or 7d. ")
    return int(max(now, request.not_before or 0)) + ceil(request.ttl)


def _insist_unsafe(request: TokenRequest, told: str, instead: str = "") -> None:
    if not request.unsafe:
        raise LkctlError("usage", told, hint=f"{instead}For a negative test, ask for it as unsafe")


def _insist_sound(request: TokenRequest) -> None:
    """Raise for what is of the wrong type, or is no Unicode."""
    details, attributes = request.kind_details, request.attributes
    texts = {field: text for field in _TEXTS if (text := getattr(request, field)) is not None}
    wrong = next((field for field, text in texts.items() if not isinstance(text, str)), None)
    if wrong or not isinstance(request.role, str):
        raise _mistyped(request, wrong or "role", "text")
    for field in _OBJECTS:
        if not isinstance(getattr(request, field), Mapping):
            raise _mistyped(request, field, "a mapping")
    if not isinstance(details, (list, tuple)) or not all(isinstance(detail, str) for detail in details):
        raise _mistyped(request, "kind_details", "a list of texts")
    if not all(isinstance(text, str) for attribute in attributes.items() for text in attribute):
        raise _mistyped(request, "attributes", "a mapping of text to text")
    for field in ("ttl", "not_before"):
        number = getattr(request, field)
        if number is not None and not (isinstance(number, (int, float)) and abs(number) < _LATEST):
            raise _mistyped(request, field, "a number of seconds")
    for field, text in (*texts.items(), *(("kind detail", detail) for detail in details)):
        size_of(text, field.replace("_", " "))
    for name, value in attributes.items():
        size_of(name + value, "attribute")


def _mistyped(request: TokenRequest, field: str, wanted: str) -> LkctlError:
    value = getattr(request, field)
    found = value if isinstance(value, float) else f"of type {type(value).__name__}"
    return LkctlError("usage", f"TokenRequest.{field} is {found}, and must be {wanted}", hint=f"Give {wanted}")


def _written(request: TokenRequest, claims: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Give the claims as JSON, and as they are read again; raise where both are not the same to all readers."""
    try:
        text = encode(claims)
    except (TypeError, ValueError, RecursionError) as error:
        told = f"a grant or the room configuration holds what JSON cannot: {error}"
        raise LkctlError("usage", told, hint="Write it with texts, finite numbers, true, false, lists, dicts") from None
    free = request.grants or request.others or request.room_config  # the others have types of their own
    return text, read_strictly(text, "the token") if free else claims


def _video(request: TokenRequest, role: Role, user_id: str | None) -> dict[str, Any]:
    grants = {**role.video, **request.grants}
    if request.room and grants.get("room", request.room) != request.room:
        raise LkctlError("usage", "room and grants name different rooms", hint="Name the room in one place only")
    one_room = grants.get("roomJoin") or grants.get("roomAdmin")
    room = request.room or grants.get("room") or (room_of(user_id) if user_id and one_room else None)
    return {**grants, "room": room} if room else grants


def _metadata(text: str | None, user_id: str | None) -> str | None:
    """Put the user ID into the metadata; what holds it already stays as it was written."""
    if user_id is None:
        return text
    try:
        metadata, problems = read_document(text or "{}")
    except ValueError:
        metadata, problems = None, ()
    if not isinstance(metadata, dict):
        told = "the metadata is no JSON object, so no user ID can be put into it"
        raise LkctlError("input-malformed", told, hint='Write it as {"key": "value"}')
    merged = with_user_id(metadata, user_id)
    if METADATA_KEY in metadata:
        return text
    if problems:
        told = f"no user ID can be put into the metadata without changing it: {problems[0].message}"
        raise LkctlError("input-malformed", told, hint=f"Mend it, or write {METADATA_KEY} into it: then it is kept")
    written = metadata_text(merged)
    size_of(written, "metadata")
    return written


def _refused(request: TokenRequest, errors: Sequence[Finding]) -> LkctlError:
    said = "; ".join(f"{finding.id}: {finding.message}" for finding in errors)
    hint = errors[0].hint
    if errors[0].id == "L10" and not (request.identity or request.user_id):
        hint = "Say who it is for: --user-id new, or --identity and --room; one for the API needs --role admin or none"
    return LkctlError("token-refused", f"the token would not work: {said}", hint=f"{hint}. Forced, it is minted anyway")

"""Minting: what was asked for, as claims, judged before they are signed.

Tokens are minimal: what was not asked for is not written. There is no `nbf` of its own accord: it protects nothing,
and a server whose clock is behind would refuse the token. `iat` tells when it was minted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from lkctl.tokens.document import read_document
from lkctl.tokens.findings import NO_FACTS, Facts, Finding, Severity, Subject
from lkctl.tokens.reading import read_claims
from lkctl.tokens.roles import Role, find_role
from lkctl.tokens.signer import HEADER, sign

DEFAULT_TTL = 6 * 3600  # seconds; accesstoken.go defaultValidDuration


class TokenRequest(NamedTuple):
    """What a token should be. None and empty mean: not asked for.

    `grants` are video grants by their claim names, beside or instead of the role's; `others` those of other groups, as
    {"sip": {"call": True}}. `metadata` is JSON text. A user ID (`new` makes one) gives metadata {"userId": …}, and
    identity and room where none are given. `ttl` is in seconds, counted from `not_before` (seconds since 1970) where
    that lies ahead. `room_config` is written as it is (roomwish.py makes it). `unsafe` allows what only negative tests
    want: a `ttl` that is over, or None for a token without expiry; and it mints whatever the rules say.
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
    negative tests only.
    """
    if sign_with is not None:
        _insist_unsafe(request, "--sign-with", "signs with another secret than the server's")
    user_id, remarks = settle_user_id(request.user_id, now, entropy)
    claims = make_claims(request, pair.key, now, user_id)
    token = sign(claims, pair.secret if sign_with is None else sign_with)
    begins = max(now, claims.get("nbf", now))
    signature = "verified" if sign_with in {None, pair.secret} else "bad"
    subject = Subject(HEADER, read_claims(claims), begins, len(token), signature=signature, pair=pair, facts=facts)
    findings = (*remarks, *lint(subject))
    errors = [finding for finding in findings if finding.severity is Severity.error]
    if errors and not (force or request.unsafe):
        raise _refused(request, errors)
    return Minted(token, claims, claims.get("exp"), user_id, findings)


def make_claims(request: TokenRequest, key: str, now: float, user_id: str | None = None) -> dict[str, Any]:
    """Give the claims of a token, in the order in which they are written."""
    _insist_unicode(request)
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


def given(**grants: Any) -> dict[str, Any]:
    """Keep the grants that were asked for."""
    return {name: value for name, value in grants.items() if value is not None}


def split_attributes(words: Iterable[str] | None) -> dict[str, str]:
    """Split KEY=VALUE at the first `=`; raise `usage` where there is none."""
    attributes: dict[str, str] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not (key and equals):
            lacks = "name" if equals else "="
            raise LkctlError("usage", f"the attribute {word!r} has no {lacks}", hint="Write KEY=VALUE")
        if key in attributes:
            raise LkctlError("usage", f"the attribute {key!r} is given twice", hint="Give it once")
        attributes[key] = value
    return attributes


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
    hint = "Let lkctl make one: --user-id new"
    return user_id, (Finding("W-FORMAT", Severity.warning, told, hint),)


def _expiry(request: TokenRequest, now: float) -> int | None:
    """Count from when it begins to be valid, else a token for tomorrow would be over by then."""
    if request.ttl is None:
        _insist_unsafe(request, "--no-exp", "makes a token that never expires")
        return None
    if request.ttl <= 0:
        is_over = "would expire at once: --ttl is 0" if request.ttl == 0 else "would have expired: --ttl is negative"
        _insist_unsafe(request, "the token", is_over, "Write it like 15m, 10h or 7d")
    return int(max(now, request.not_before or 0)) + ceil(request.ttl)


def _insist_unsafe(request: TokenRequest, what: str, does: str, instead: str = "") -> None:
    if not request.unsafe:
        way = f"{instead}; for a negative test add --unsafe" if instead else "For a negative test add --unsafe"
        raise LkctlError("usage", f"{what} {does}", hint=way)


def _insist_unicode(request: TokenRequest) -> None:
    for what in ("identity", "name", "room", "kind", "room_preset", "metadata"):
        size_of(getattr(request, what) or "", what.replace("_", " "))
    for detail in request.kind_details:
        size_of(detail, "kind detail")
    for name, value in request.attributes.items():
        size_of(name + value, "attribute")


def _video(request: TokenRequest, role: Role, user_id: str | None) -> dict[str, Any]:
    grants = {**role.video, **request.grants}
    if request.room and grants.get("room", request.room) != request.room:
        raise LkctlError("usage", "--room and --grant name different rooms", hint="Name the room in one place only")
    one_room = grants.get("roomJoin") or grants.get("roomAdmin")
    room = request.room or grants.get("room") or (room_of(user_id) if user_id and one_room else None)
    return {**grants, "room": room} if room else grants


def _metadata(text: str | None, user_id: str | None) -> str | None:
    """Put the user ID into the metadata; what holds it already stays as it was written."""
    if user_id is None:
        return text
    try:
        metadata = read_document(text or "{}").value
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        told = "the metadata is no JSON object, so no user ID can be put into it"
        raise LkctlError("input-malformed", told, hint='Write it as {"key": "value"}')
    merged = with_user_id(metadata, user_id)
    return text if METADATA_KEY in metadata else metadata_text(merged)


def _refused(request: TokenRequest, errors: Sequence[Finding]) -> LkctlError:
    said = "; ".join(f"{finding.id}: {finding.message}" for finding in errors)
    hint = errors[0].hint
    if errors[0].id == "L10" and not (request.identity or request.user_id):
        hint = "Say who it is for: --user-id new, or --identity and --room; one for the API needs --role admin or none"
    return LkctlError("token-refused", f"the token would not work: {said}", hint=f"{hint}. --force mints it anyway")

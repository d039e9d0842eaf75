"""Minting: what was asked for, as claims, judged before they are signed.

Tokens are minimal: what was not asked for is not written. There is no `nbf`: it protects nothing, and a server whose
clock is behind would refuse the token. `iat` tells when it was minted.
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
from lkctl.tokens.document import read_document
from lkctl.tokens.findings import Finding, Severity, Subject
from lkctl.tokens.lint import lint
from lkctl.tokens.reading import read_claims
from lkctl.tokens.roles import Role, find_role
from lkctl.tokens.signer import HEADER, sign

DEFAULT_TTL = 6 * 3600  # seconds; accesstoken.go defaultValidDuration


class TokenRequest(NamedTuple):
    """What a token should be. None and empty mean: not asked for.

    `grants` are video grants by their claim names, beside or instead of the role's. `metadata` is JSON text. A user ID
    (`new` makes one) gives metadata {"userId": …}, and identity and room where none are given.
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
    ttl: float = DEFAULT_TTL


class Minted(NamedTuple):
    """A token, what is in it, and what the rules say of it."""

    token: str
    claims: Mapping[str, Any]
    expires_at: int
    user_id: str | None
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"Minted(<JWT>, claims={self.claims!r})"


def mint(
    request: TokenRequest, pair: Pair, *, now: float, entropy: Callable[[int], bytes], force: bool = False
) -> Minted:
    """Make a token; raise `token-refused` where a rule of severity error speaks against it, unless forced."""
    user_id, remarks = settle_user_id(request.user_id, now, entropy)
    claims = make_claims(request, pair.key, now, user_id)
    token = sign(claims, pair.secret)
    subject = Subject(HEADER, read_claims(claims), now, len(token), signature="verified", pair=pair)
    findings = (*remarks, *lint(subject))
    errors = [finding for finding in findings if finding.severity is Severity.error]
    if errors and not force:
        raise _refused(request, errors)
    return Minted(token, claims, claims["exp"], user_id, findings)


def make_claims(request: TokenRequest, key: str, now: float, user_id: str | None = None) -> dict[str, Any]:
    """Give the claims of a token, in the order in which they are written."""
    for what, text in (("identity", request.identity), ("name", request.name), ("room name", request.room)):
        size_of(text or "", what)
    if request.ttl <= 0:
        raise LkctlError("usage", "the token would expire at once: --ttl is 0", hint="Write it like 15m, 10h or 7d")
    role = find_role(request.role)
    claims = {
        "iss": key,
        "sub": request.identity or user_id,
        "iat": int(now),
        "exp": int(now) + ceil(request.ttl),
        "name": request.name,
        "kind": request.kind or role.kind,
        "video": _video(request, role, user_id),
        "metadata": _metadata(request.metadata, user_id),
        "attributes": dict(request.attributes),
    }
    return {name: value for name, value in claims.items() if value not in (None, {}, "")}


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


def _video(request: TokenRequest, role: Role, user_id: str | None) -> dict[str, Any]:
    grants = {**role.video, **request.grants}
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

"""What a LiveKit server's refusal of a token means, in the wordings of all known generations.

The form of a 401 (pkg/service/auth.go of livekit/livekit), as far as it is more than a bare sentence:

- up to 1.1 (read at v0.15.7 and v1.1.0): `invalid API key`, `invalid token: <JWT>, error: <reason>`
- 1.2 to 1.13.5 (read at v1.2.0 to v1.13.0; measured on 1.13.5): `invalid API key: <iss>`, the other as before
- from 1.13.6 (read at commits df20578a7 and 035bef411): `invalid API key`, `invalid authorization token: <reason>`

The reason is that of the JWT library: square/go-jose and go-jose v3 up to 1.12 (read in its shared.go and
jwt/errors.go, v3.0.4), golang-jwt v5 from 1.13.0 (go.mod; measured on 1.13.5).
"""

from dataclasses import dataclass
from enum import StrEnum


class Refused(StrEnum):
    """Why a token was refused: one code for all wordings."""

    key = "key"
    algorithm = "algorithm"
    signature = "signature"
    expired = "expired"
    not_yet = "not-yet"
    no_expiry = "no-expiry"
    wrong_type = "wrong-type"
    header = "header"
    malformed = "malformed"
    grant = "grant"
    no_permissions = "no-permissions"
    identity = "identity"
    identity_too_long = "identity-too-long"
    room = "room"
    room_too_long = "room-too-long"
    room_missing = "room-missing"
    node_full = "node-full"
    too_large = "too-large"
    other = "other"


_SAID_LONGEST = 300
_TOO_LARGE = "request header fields too large"

_KEY = "invalid api key"  # M; R auth.go of all generations; what follows it is foreign

# What the text holds, in lower case; the first that fits counts. The marks: M measured on 1.13.5, R read in source
_SIGNS: tuple[tuple[str, Refused], ...] = (
    # First, because it may be followed by a value from the token
    ("could not json decode claim", Refused.wrong_type),  # M; R golang-jwt v5.3.1 parser.go, from 1.13.0
    ("cannot unmarshal", Refused.wrong_type),  # R go-jose v3.0.4 json/decode.go, up to 1.12
    ("to unmarshal", Refused.wrong_type),  # R go-jose v3.0.4 jwt/errors.go: NumericDate, Audience
    # golang-jwt puts `token signature is invalid: ` before it
    ("signing method", Refused.algorithm),  # M; R golang-jwt v5.3.1 parser.go, from 1.13.0
    ("signature is invalid", Refused.signature),  # M; R golang-jwt v5.3.1 errors.go, from 1.13.0
    ("error in cryptographic primitive", Refused.signature),  # R go-jose v3.0.4 shared.go, up to 1.12; any algorithm
    ("exp claim is required", Refused.no_expiry),  # R golang-jwt v5.3.1 validator.go, asked for from 1.13.6
    ("token is expired", Refused.expired),  # M; R golang-jwt v5.3.1, go-jose v3.0.4 jwt/errors.go
    ("not valid yet", Refused.not_yet),  # M `token is not valid yet`; R go-jose `token not valid yet (nbf)`
    ("issued in the future", Refused.not_yet),  # R go-jose v3.0.4 jwt/errors.go, up to 1.12: it checks iat, too
    ("invalid authorization header", Refused.header),  # M; R auth.go
    ("token is malformed", Refused.malformed),  # R golang-jwt v5.3.1 errors.go
    ("invalid authorization token", Refused.malformed),  # M; R auth.go; from 1.13.6 also before a reason
    ("permissions denied", Refused.grant),  # M; R auth.go ErrPermissionDenied
    ("no permissions to access the room", Refused.no_permissions),  # M; R pkg/rtc/errors.go
    ("identity cannot be empty", Refused.identity),  # M; R pkg/service/errors.go
    ("identity length exceeds limits", Refused.identity_too_long),  # M; R the same, from 1.7
    ("no room name", Refused.room),  # M; R the same, from 1.9.1
    ("room name length exceeds limits", Refused.room_too_long),  # M; R the same, from 1.7
    ("requested room does not exist", Refused.room_missing),  # M, auto_create off; R the same, from 1.4
    ("node has exceeded its configured limit", Refused.node_full),  # R pkg/rtc/errors.go ErrLimitExceeded
    (_TOO_LARGE, Refused.too_large),  # M; R net/http server.go
    ("request header or cookie too large", Refused.too_large),  # R nginx ngx_http_special_response.c, a 400
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal taken apart; `said` is the server's text without the token that it may echo."""

    why: Refused
    said: str


def read_refusal(body: str) -> Refusal:
    """Tell why the server refused, from the body of its answer."""
    return Refusal(why := _classify(body.strip().lower()), _without_echo(body.strip(), why))


def _classify(lowered: str) -> Refused:
    if lowered.startswith(_KEY):
        return Refused.key
    return next((meaning for sign, meaning in _SIGNS if sign in lowered), Refused.other)


def _without_echo(body: str, why: Refused) -> str:
    """Take away what came from the token: the key, or all of it."""
    if why is Refused.key:
        return "invalid API key"
    if why is Refused.too_large:  # of a proxy it may be a whole page
        return _TOO_LARGE
    head, mark, reason = body.partition(", error: ")
    return (reason if mark and head.startswith("invalid token: ") else body)[:_SAID_LONGEST]

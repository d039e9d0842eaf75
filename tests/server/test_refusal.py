"""The server's words for a refused token, in every generation."""

import pytest

from lkctl.server.refusal import Refused, read_refusal

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
OLD = "invalid token: " + JWT + ", error: "

NEW = "invalid authorization token: "
MALFORMED = "token is malformed: could not JSON decode claim: "
TYPE = f"{MALFORMED}json: cannot unmarshal object into Go struct field tokenClaims.ClaimGrants.metadata of type string"
PROTO = f"{MALFORMED}proto:\u00a0(line 1:14): invalid value for string field metadata: {{"
JOSE = "go-jose/go-jose"  # up to 1.12
SQUARE = "square/go-jose"  # up to 1.3

# Measured on livekit-server 1.13.5 where nothing else is said; else read in the source of the version that is named
TABLE = [
    pytest.param("invalid API key: APIabc", Refused.key, "invalid API key", id="key, 1.13.5"),
    pytest.param("invalid API key: token is expired", Refused.key, "invalid API key", id="a hostile key, 1.13.5"),
    pytest.param("invalid API key: ", Refused.key, "invalid API key", id="no key, 1.13.5"),
    pytest.param("invalid API key", Refused.key, "invalid API key", id="key, v0.15.7 and 1.13.6 (read)"),
    pytest.param(OLD + "token signature is invalid: signature is invalid", Refused.signature,
                 "token signature is invalid: signature is invalid", id="signature, 1.13.5"),
    pytest.param(NEW + "token signature is invalid: signature is invalid", Refused.signature,
                 NEW + "token signature is invalid: signature is invalid", id="signature, 1.13.6 (read)"),
    pytest.param(f"{OLD}{JOSE}: error in cryptographic primitive", Refused.signature,
                 f"{JOSE}: error in cryptographic primitive", id="signature, 1.12 (read)"),
    pytest.param(f"{OLD}{SQUARE}: error in cryptographic primitive", Refused.signature,
                 f"{SQUARE}: error in cryptographic primitive", id="signature, 1.3 (read)"),
    pytest.param(OLD + "token signature is invalid: signing method HS512 is invalid", Refused.algorithm,
                 "token signature is invalid: signing method HS512 is invalid", id="algorithm, 1.13.5"),
    pytest.param(NEW + "token signature is invalid: signing method none is invalid", Refused.algorithm,
                 NEW + "token signature is invalid: signing method none is invalid", id="algorithm, 1.13.6 (read)"),
    pytest.param(OLD + "token has invalid claims: token is expired", Refused.expired,
                 "token has invalid claims: token is expired", id="expired, 1.13.5"),
    pytest.param(OLD + "token has invalid claims: token is expired, token is not valid yet", Refused.expired,
                 "token has invalid claims: token is expired, token is not valid yet", id="both times, 1.13.5"),
    pytest.param(NEW + "token has invalid claims: token is expired", Refused.expired,
                 NEW + "token has invalid claims: token is expired", id="expired, 1.13.6 (read)"),
    pytest.param(f"{OLD}{JOSE}/jwt: validation failed, token is expired (exp)", Refused.expired,
                 f"{JOSE}/jwt: validation failed, token is expired (exp)", id="expired, 1.12 (read)"),
    pytest.param(OLD + "token has invalid claims: token is not valid yet", Refused.not_yet,
                 "token has invalid claims: token is not valid yet", id="not yet, 1.13.5"),
    pytest.param(NEW + "token has invalid claims: token is not valid yet", Refused.not_yet,
                 NEW + "token has invalid claims: token is not valid yet", id="not yet, 1.13.6 (read)"),
    pytest.param(f"{OLD}{JOSE}/jwt: validation failed, token not valid yet (nbf)", Refused.not_yet,
                 f"{JOSE}/jwt: validation failed, token not valid yet (nbf)", id="not yet, 1.12 (read)"),
    pytest.param(f"{OLD}{JOSE}/jwt: validation field, token issued in the future (iat)", Refused.not_yet,
                 f"{JOSE}/jwt: validation field, token issued in the future (iat)", id="iat, 1.12 (read)"),
    pytest.param(NEW + "token has invalid claims: token is missing required claim: exp claim is required",
                 Refused.no_expiry,
                 NEW + "token has invalid claims: token is missing required claim: exp claim is required",
                 id="no expiry, 1.13.6 (read)"),
    pytest.param(OLD + TYPE, Refused.wrong_type, TYPE, id="wrong type, 1.13.5"),
    pytest.param(OLD + PROTO, Refused.wrong_type, PROTO, id="roomConfig, 1.13.5"),
    pytest.param(OLD + PROTO + '"invalid API key"', Refused.wrong_type, PROTO + '"invalid API key"',
                 id="a hostile value"),
    pytest.param(NEW + TYPE, Refused.wrong_type, NEW + TYPE, id="wrong type, 1.13.6 (read)"),
    pytest.param(OLD + "json: cannot unmarshal object into Go value of type string", Refused.wrong_type,
                 "json: cannot unmarshal object into Go value of type string", id="wrong type, 1.12 (read)"),
    pytest.param(f"{OLD}{JOSE}/jwt: expected number value to unmarshal NumericDate", Refused.wrong_type,
                 f"{JOSE}/jwt: expected number value to unmarshal NumericDate", id="wrong time, 1.12 (read)"),
    pytest.param("invalid authorization token", Refused.malformed, "invalid authorization token", id="malformed"),
    pytest.param("invalid authorization header. Must start with Bearer ", Refused.header,
                 "invalid authorization header. Must start with Bearer", id="header"),
    pytest.param("permissions denied", Refused.grant, "permissions denied", id="grant"),
    pytest.param("no permissions to access the room", Refused.no_permissions, "no permissions to access the room",
                 id="no video"),
    pytest.param("identity cannot be empty", Refused.identity, "identity cannot be empty", id="identity"),
    pytest.param("participant identity length exceeds limits: max length 256", Refused.identity_too_long,
                 "participant identity length exceeds limits: max length 256", id="identity too long"),
    pytest.param("no room name", Refused.room, "no room name", id="room"),
    pytest.param("room name length exceeds limits: max length 256", Refused.room_too_long,
                 "room name length exceeds limits: max length 256", id="room too long"),
    pytest.param("requested room does not exist", Refused.room_missing, "requested room does not exist", id="no room"),
    pytest.param("node has exceeded its configured limit", Refused.node_full,
                 "node has exceeded its configured limit", id="node full, 1.13.5 (read)"),
    pytest.param("431 Request Header Fields Too Large", Refused.too_large, "request header fields too large", id="431"),
    pytest.param("<html><h1>400 Bad Request</h1>Request Header Or Cookie Too Large" + "x" * 5000, Refused.too_large,
                 "request header fields too large", id="nginx (read)"),
    pytest.param("go away", Refused.other, "go away", id="a proxy's own"),
    pytest.param("x" * 5000, Refused.other, "x" * 300, id="much of a proxy's own"),
    pytest.param("", Refused.other, "", id="nothing"),
]  # fmt: skip


def test_every_code_has_a_text() -> None:
    """The table above leaves none out."""
    assert {case.values[1] for case in TABLE} == set(Refused)


@pytest.mark.parametrize(("body", "why", "said"), TABLE)
def test_reads_the_reason_and_drops_the_echo(body: str, why: Refused, said: str) -> None:
    """The reason is told apart, and neither key nor token is in what is kept."""
    refusal = read_refusal(body)
    assert (refusal.why, refusal.said) == (why, said)
    assert "eyJ" not in refusal.said

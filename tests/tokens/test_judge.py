"""What /rtc/validate would answer; test_live.py asks the server itself."""

import pytest

from lkctl.settings.shape import Pair
from lkctl.tokens.envelope import open_envelope
from lkctl.tokens.judge import Join, predict
from lkctl.tokens.reading import read_claims
from tests.tokens.forge import BASE, HEADER, KEY, NOW, PAIR, SECRET, claims, forge, text_with, token, video

DECODE = "invalid token: <JWT>, error: token is malformed: could not JSON decode claim: "
SIGNATURE = "invalid token: <JWT>, error: token signature is invalid: "
TIMES = "invalid token: <JWT>, error: token has invalid claims: "
UNREADABLE = "invalid authorization token"

ANSWERS = [
    pytest.param(token(), 200, "success", id="good"),
    pytest.param(forge(BASE, secret="x" * 40), 401, SIGNATURE + "signature is invalid", id="wrong secret"),
    pytest.param(
        forge(claims(exp=1), secret="x"), 401, SIGNATURE + "signature is invalid", id="signature before expiry"
    ),
    pytest.param(
        forge(claims(name=5), secret="x"),
        401,
        DECODE + "json: cannot unmarshal number into Go struct field tokenClaims.ClaimGrants.name of type string",
        id="types before signature",
    ),
    pytest.param(
        forge(BASE, {**HEADER, "alg": "HS512"}), 401, SIGNATURE + "signing method HS512 is invalid", id="HS512"
    ),
    pytest.param(forge(BASE, {"alg": "none"}), 401, SIGNATURE + "signing method none is invalid", id="none"),
    pytest.param(forge(BASE, {"alg": "XX"}), 401, UNREADABLE, id="unknown algorithm"),
    pytest.param(forge(BASE, {"typ": "JWT"}), 401, UNREADABLE, id="no algorithm"),
    pytest.param(forge(BASE, '{"alg":"HS256","kid":1e400}'), 401, UNREADABLE, id="header number out of range"),
    pytest.param(forge(BASE, '{"alg":"HS256","kid":1e308}'), 200, "success", id="large header number"),
    pytest.param(forge(text_with('"x":1e400')), 200, "success", id="unknown claim out of range"),
    pytest.param(forge(BASE, {"ALG": "HS256"}), 401, UNREADABLE, id="header keys have letter case"),
    pytest.param(token() + "=", 401, UNREADABLE, id="padding"),
    pytest.param(token().rpartition(".")[0] + ".", 401, SIGNATURE + "signature is invalid", id="no signature"),
    pytest.param(token(x=float("nan")), 401, UNREADABLE, id="NaN"),
    pytest.param(token(sub=5), 401, UNREADABLE, id="registered claim of a wrong type"),
    pytest.param(token(aud=[5]), 401, UNREADABLE, id="audience of a wrong type"),
    pytest.param(token(exp="abc"), 401, UNREADABLE, id="expiry that is no number"),
    pytest.param(token(iss=""), 401, "invalid API key: ", id="no key"),
    pytest.param(token(iss=...), 401, "invalid API key: ", id="key missing"),
    pytest.param(token(exp=NOW - 59), 200, "success", id="expired within the minute"),
    pytest.param(token(exp=NOW - 60), 401, TIMES + "token is expired", id="expired a minute ago"),
    pytest.param(token(exp=0), 401, TIMES + "token is expired", id="expired in 1970"),
    pytest.param(token(exp=1e20), 401, TIMES + "token is expired", id="expiry beyond 64 bits"),
    pytest.param(token(exp=NOW * 1000), 200, "success", id="expiry in milliseconds"),
    pytest.param(token(exp=str(NOW + 5)), 200, "success", id="expiry in quotes"),
    pytest.param(token(exp=...), 200, "success", id="no expiry"),
    pytest.param(token(exp=None), 200, "success", id="expiry null"),
    pytest.param(token(nbf=NOW + 60), 200, "success", id="begins within the minute"),
    pytest.param(token(nbf=NOW + 61), 401, TIMES + "token is not valid yet", id="begins later"),
    pytest.param(token(nbf=1e20), 200, "success", id="beginning beyond 64 bits"),
    pytest.param(token(iat=NOW + 9999), 200, "success", id="issued in the future"),
    pytest.param(token(exp=NOW - 99, nbf=NOW + 99), 401, TIMES + "token is expired, token is not valid yet", id="both"),
    pytest.param(
        token(metadata={}),
        401,
        DECODE + "json: cannot unmarshal object into Go struct field tokenClaims.ClaimGrants.metadata of type string",
        id="metadata object",
    ),
    pytest.param(
        video(roomJoin="true"),
        401,
        DECODE
        + "json: cannot unmarshal string into Go struct field VideoGrant.ClaimGrants.video.roomJoin of type bool",
        id="roomJoin as text",
    ),
    pytest.param(
        token(sip={"admin": 1}),
        401,
        DECODE + "json: cannot unmarshal number into Go struct field SIPGrant.ClaimGrants.sip.admin of type bool",
        id="sip grant",
    ),
    pytest.param(
        token(roomConfig={"metadata": {}}), 401, DECODE + "proto: roomConfig.metadata is no text", id="room config"
    ),
    pytest.param(
        token(name=5, roomConfig="x"), 401, DECODE + "proto: roomConfig is no object", id="room config comes first"
    ),
    pytest.param(token(agent={"databaseAdmin": "x"}), 200, "success", id="grant that the server does not know"),
    pytest.param(token(agentThread=5), 200, "success", id="group that the server does not know"),
    pytest.param(token(video=...), 401, "no permissions to access the room", id="no video"),
    pytest.param(token(video=None), 401, "no permissions to access the room", id="video null"),
    pytest.param(token(video={}), 401, "permissions denied", id="video empty"),
    pytest.param(video(roomJoin=False), 401, "permissions denied", id="no roomJoin"),
    pytest.param(token(video={"room_join": True, "room": "r"}), 401, "permissions denied", id="snake case"),
    pytest.param(token(video={"ROOMJOIN": True, "Room": "r"}), 200, "success", id="letter case"),
    pytest.param(token(sub=""), 400, "identity cannot be empty", id="no identity"),
    pytest.param(token(sub="", jti="j"), 200, "success", id="identity from jti"),
    pytest.param(token(sub="a" * 256), 200, "success", id="longest identity"),
    pytest.param(
        token(sub="é" * 129), 400, "participant identity length exceeds limits: max length 256", id="258 bytes"
    ),
    pytest.param(
        forge(b'{"iss":"%s","sub":"%s","video":{"roomJoin":true,"room":"r"}}' % (KEY.encode(), b"\xe2\x82" * 43)),
        400,
        "participant identity length exceeds limits: max length 256",
        id="each byte that is not UTF-8 is three",
    ),
    pytest.param(video(room=""), 400, "no room name", id="no room"),
    pytest.param(token(video={"roomJoin": True, "roomName": "r"}), 400, "no room name", id="roomName"),
    pytest.param(video(room="*"), 200, "success", id="a room named *"),
    pytest.param(video(room="a" * 257), 400, "room name length exceeds limits: max length 256", id="long room"),
    pytest.param(token(sub="", video={"roomJoin": True}), 400, "identity cannot be empty", id="identity before room"),
    pytest.param(forge(text_with('"video":{"room":"x"}')), 200, "success", id="second video is added"),
    pytest.param(forge(text_with('"video":null')), 401, "no permissions to access the room", id="second video is null"),
    pytest.param(forge(text_with('"exp":null', exp=1)), 200, "success", id="second expiry is null"),
    pytest.param(token(metadata="x" * 600_000), 200, "success", id="large metadata: only the join fails"),
    pytest.param(token(metadata="x" * 800_000), 431, "431 Request Header Fields Too Large", id="token over a MiB"),
]


def judged(text: str, pair: Pair | None = PAIR, *, version: tuple[int, int, int] = (1, 13, 5)) -> Join:
    """Predict at the fixed time."""
    envelope = open_envelope(text)
    return predict(envelope, read_claims(envelope.claims), pair, NOW, version=version)


@pytest.mark.parametrize(("text", "status", "reason"), ANSWERS)
def test_answers(text: str, status: int, reason: str) -> None:
    """Status and reason, word for word."""
    assert judged(text) == Join(accepted=status == 200, status=status, reason=reason)


@pytest.mark.parametrize("pair", [None, Pair("", "APIanother", SECRET)], ids=["no pair", "another key"])
def test_nothing_is_foreseen_without_the_secret(pair: Pair | None) -> None:
    """Not even for a token that no server would take."""
    assert judged(token(exp=1), pair) == Join(accepted=None, status=None, reason=None)


NEWER = (1, 13, 6)
REFUSED = "invalid authorization token: "

ANSWERS_OF_NEWER = [
    pytest.param(token(), 200, "success", id="good"),
    pytest.param(
        token(exp=...),
        401,
        REFUSED + "token has invalid claims: token is missing required claim: exp claim is required",
        id="no expiry",
    ),
    pytest.param(
        token(exp=None, nbf=NOW + 99),
        401,
        REFUSED
        + "token has invalid claims: token is missing required claim: exp claim is required, token is not valid yet",
        id="no expiry, and begins later",
    ),
    pytest.param(token(exp=NOW - 60), 401, REFUSED + "token has invalid claims: token is expired", id="expired"),
    pytest.param(
        forge(BASE, secret="x"), 401, REFUSED + "token signature is invalid: signature is invalid", id="wrong secret"
    ),
    pytest.param(
        token(name=5),
        401,
        REFUSED
        + "token is malformed: could not JSON decode claim: "
        + "json: cannot unmarshal number into Go struct field tokenClaims.ClaimGrants.name of type string",
        id="wrong type",
    ),
    pytest.param(
        token(agent={"databaseAdmin": "x"}),
        401,
        REFUSED
        + "token is malformed: could not JSON decode claim: "
        + "json: cannot unmarshal string into Go struct field AgentGrant.ClaimGrants.agent.databaseAdmin of type bool",
        id="grant that it knows",
    ),
    pytest.param(token(agentThread=5), 200, "success", id="group that it does not know either"),
    pytest.param(token(iss=""), 401, "invalid API key", id="no key"),
    pytest.param(token(sub=5), 401, UNREADABLE, id="registered claim of a wrong type"),
    pytest.param(token(video=...), 401, "no permissions to access the room", id="no video"),
    pytest.param(token(sub=""), 400, "identity cannot be empty", id="no identity"),
]


@pytest.mark.parametrize(("text", "status", "reason"), ANSWERS_OF_NEWER)
@pytest.mark.parametrize("version", [NEWER, (2, 0, 0)], ids=["1.13.6", "2"])
def test_answers_of_newer_servers(text: str, status: int, reason: str, version: tuple[int, int, int]) -> None:
    """Read in the source after 1.13.5 (service/auth.go, protocol auth/verifier.go), not run: nothing is echoed."""
    assert judged(text, version=version) == Join(accepted=status == 200, status=status, reason=reason)


def test_keys_are_compared_exactly() -> None:
    """A key of another letter case is another key."""
    assert judged(token(iss=KEY.lower())).status is None

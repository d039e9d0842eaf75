"""The signer and the reader against PyJWT and LiveKit's own SDK."""

import base64
import json
import random
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from livekit.api import AccessToken, SIPGrants, TokenVerifier, VideoGrants
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from lkctl.settings.shape import Pair
from lkctl.tokens.minting import TokenRequest, mint
from lkctl.tokens.roles import ROLES
from lkctl.tokens.signer import api_token, sign
from tests.tokens.forge import ID, KEY, PAIR, SECRET, read

ODD = ["", "é", "\u2028", "\ud800", "\x00\x1f", '"\\/', "𝄞", "<script>", "a" * 5000]


def payload_of(token: str) -> dict[str, Any]:
    """Give the claims in the order in which they are written."""
    segment = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return decoded


def some_claims(source: random.Random) -> dict[str, Any]:
    """Make claims of every JSON type, in random order."""
    values: list[Any] = [*ODD, 0, -1, 2**63, 1.5, -1e-9, True, None, [], {}, [1, "a", None], {"b": {"a": [True]}}]
    return {source.choice(ODD) + str(number): source.choice(values) for number in range(source.randrange(12))}


def test_byte_for_byte_as_pyjwt() -> None:
    """For 500 random sets of claims, with secrets of any length."""
    source = random.Random(1)  # noqa: S311
    for _ in range(500):
        claims, secret = some_claims(source), source.choice(["s", SECRET, "é" * 40])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert sign(claims, secret) == jwt.encode(claims, secret, algorithm="HS256")


TOKENS = {
    "join": AccessToken(KEY, SECRET).with_identity("a").with_grants(VideoGrants(room_join=True, room="r")),
    "everything": AccessToken(KEY, SECRET)
    .with_identity("ü𝄞")
    .with_name("Name")
    .with_kind("agent")
    .with_metadata('{"userId":"u","é":"\u2028"}')
    .with_attributes({"plan": "pro", "x": ""})
    .with_sha256("abc")
    .with_room_preset("p")
    .with_room_config(RoomConfiguration(empty_timeout=5, agents=[RoomAgentDispatch(agent_name="x", metadata="{}")]))
    .with_sip_grants(SIPGrants(admin=True, call=True))
    .with_grants(VideoGrants(room_join=True, room="r", can_publish_sources=["camera"], hidden=True))
    .with_ttl(timedelta(days=1)),
    "nothing": AccessToken(KEY, SECRET),
}


@pytest.mark.parametrize("name", TOKENS)
def test_byte_for_byte_as_the_sdk(name: str) -> None:
    """The same claims in the same order give the same token as AccessToken.to_jwt()."""
    theirs = TOKENS[name].to_jwt()
    assert sign(payload_of(theirs), SECRET) == theirs


@pytest.mark.parametrize("name", ["join", "everything"])
def test_the_sdks_tokens_are_valid(name: str) -> None:
    """What LiveKit mints is no error here."""
    decoded = read(TOKENS[name].to_jwt(), now=payload_of(TOKENS[name].to_jwt())["nbf"])
    assert (decoded.signature.value, decoded.valid, decoded.join.status) == ("verified", True, 200)


@pytest.mark.parametrize("role", [name for name in ROLES if name != "none"])
def test_the_sdk_takes_what_is_minted(role: str) -> None:
    """TokenVerifier and jwt.decode accept every role's token."""
    import time

    request = TokenRequest(identity="alice", room="demo" if role != "admin" else None, role=role, metadata='{"a":1}')
    minted = mint(request, PAIR, now=time.time(), entropy=bytes)
    claims = TokenVerifier(KEY, SECRET).verify(minted.token)
    assert (claims.identity, claims.metadata) == ("alice", '{"a":1}')
    assert jwt.decode(minted.token, SECRET, algorithms=["HS256"], issuer=KEY) == minted.claims


def test_an_api_token_for_the_sdk() -> None:
    """The tokens of the API edge, too."""
    import time

    token = api_token(KEY, SECRET, {"roomAdmin": True, "room": "r"}, time.time())
    grants = TokenVerifier(KEY, SECRET).verify(token).video
    assert grants is not None
    assert (grants.room_admin, grants.room, grants.room_create) == (True, "r", None)


SIGNED: list[tuple[str, Mapping[str, Any]]] = [
    ("good", {"iss": KEY, "sub": "a"}),
    ("text", {"iss": KEY, "sub": ID, "metadata": "{}"}),
]


@pytest.mark.parametrize(("name", "claims"), SIGNED)
@pytest.mark.parametrize("damage", ["none", "cut", "flip", "other secret", "swapped parts"])
def test_signatures_are_judged_as_pyjwt_judges_them(name: str, claims: dict[str, Any], damage: str) -> None:
    """Verified or bad, never otherwise."""
    token = jwt.encode(dict(claims), SECRET, algorithm="HS256")
    header, payload, signature = token.split(".")
    damaged = {
        "none": token,
        "cut": token[:-4],
        "flip": f"{header}.{payload}.{signature[:-2]}{'A' if signature[-2] != 'A' else 'B'}{signature[-1]}",
        "other secret": jwt.encode(dict(claims), SECRET + "x", algorithm="HS256"),
        "swapped parts": f"{payload}.{header}.{signature}",
    }[damage]
    try:
        jwt.decode(damaged, SECRET, algorithms=["HS256"])
        theirs = "verified"
    except jwt.InvalidTokenError:
        theirs = "bad"
    ours = read(damaged, Pair("", KEY, SECRET)).signature.value
    assert ours == ("bad" if damage == "swapped parts" else theirs)

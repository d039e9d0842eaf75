"""Minting: what is asked for is in the token, and nothing else."""

import json
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.settings.shape import Pair
from lkctl.tokens.findings import Facts, Severity
from lkctl.tokens.minting import TokenRequest, make_claims, mint, settle_user_id
from tests.tokens.forge import ID, KEY, NOW, PAIR, SECRET, read

TTL = 6 * 3600
FRAME: dict[str, Any] = {"iss": KEY, "iat": NOW, "exp": NOW + TTL}
ROOM = f"mcp-chrome-user-{ID}"


def entropy(count: int) -> bytes:
    """Give bytes that are not random at all."""
    return bytes(range(1, count + 1))


def minted(*, force: bool = False, **asked: Any) -> dict[str, Any]:
    """Mint at the fixed time; give the claims without key and times."""
    made = mint(TokenRequest(**asked), PAIR, now=NOW + 0.9, entropy=entropy, force=force)
    claims = dict(read(made.token, now=NOW + 0.9).claims)
    assert claims == made.claims
    assert next(iter(claims)) == "iss"
    assert (claims.pop("iat"), claims.pop("exp"), claims.pop("iss")) == (NOW, NOW + asked.get("ttl", TTL), KEY)
    return claims


JOIN = {"roomJoin": True, "room": "r"}
MINTED = [
    pytest.param(
        {"user_id": ID},
        {"sub": ID, "video": {"roomJoin": True, "room": ROOM}, "metadata": f'{{"userId":"{ID}"}}'},
        id="user ID",
    ),
    pytest.param(
        {"user_id": ID, "identity": "alice", "room": "r"},
        {"sub": "alice", "video": JOIN, "metadata": f'{{"userId":"{ID}"}}'},
        id="own identity and room",
    ),
    pytest.param(
        {"user_id": ID, "room": "r", "metadata": '{ "a": 1 }'},
        {"sub": ID, "video": JOIN, "metadata": f'{{"a":1,"userId":"{ID}"}}'},
        id="merged metadata",
    ),
    pytest.param(
        {"user_id": ID, "room": "r", "metadata": f'{{ "userId": "{ID}" }}'},
        {"sub": ID, "video": JOIN, "metadata": f'{{ "userId": "{ID}" }}'},
        id="metadata that holds it already",
    ),
    pytest.param(
        {"user_id": ID, "room": "r", "metadata": '{"a":"é\u2028"}'},
        {"sub": ID, "video": JOIN, "metadata": f'{{"a":"é\u2028","userId":"{ID}"}}'},
        id="metadata beyond ASCII",
    ),
    pytest.param({"identity": "a", "room": "r"}, {"sub": "a", "video": JOIN}, id="minimal"),
    pytest.param(
        {"identity": "a", "room": "r", "metadata": ' {"b" : 1} '},
        {"sub": "a", "video": JOIN, "metadata": ' {"b" : 1} '},
        id="metadata keeps its spelling",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "name": "A", "kind": "sip", "attributes": {"p": "q"}, "ttl": 60},
        {"sub": "a", "name": "A", "kind": "sip", "video": JOIN, "attributes": {"p": "q"}},
        id="everything",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "role": "viewer"},
        {"sub": "a", "video": {"roomJoin": True, "canPublish": False, "canPublishData": False, "room": "r"}},
        id="viewer",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "role": "publisher"},
        {"sub": "a", "video": {"roomJoin": True, "canSubscribe": False, "room": "r"}},
        id="publisher",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "role": "agent"},
        {
            "sub": "a",
            "kind": "agent",
            "video": {"roomJoin": True, "agent": True, "canUpdateOwnMetadata": True, "room": "r"},
        },
        id="agent",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "role": "recorder"},
        {"sub": "a", "video": {"roomJoin": True, "canPublish": False, "hidden": True, "recorder": True, "room": "r"}},
        id="recorder",
    ),
    pytest.param(
        {"role": "admin"},
        {"video": {"roomCreate": True, "roomList": True, "roomRecord": True, "ingressAdmin": True}},
        id="admin",
    ),
    pytest.param({"role": "room-admin", "room": "r"}, {"video": {"roomAdmin": True, "room": "r"}}, id="room admin"),
    pytest.param(
        {"role": "room-admin", "user_id": ID},
        {"sub": ID, "video": {"roomAdmin": True, "room": ROOM}, "metadata": f'{{"userId":"{ID}"}}'},
        id="admin of the user's room",
    ),
    pytest.param(
        {"role": "admin", "user_id": ID},
        {
            "sub": ID,
            "video": {"roomCreate": True, "roomList": True, "roomRecord": True, "ingressAdmin": True},
            "metadata": f'{{"userId":"{ID}"}}',
        },
        id="no room for who needs none",
    ),
    pytest.param({"role": "none", "grants": {"roomList": True}}, {"video": {"roomList": True}}, id="one grant"),
    pytest.param(
        {"identity": "a", "room": "r", "role": "viewer", "grants": {"canPublishData": True}},
        {"sub": "a", "video": {"roomJoin": True, "canPublish": False, "canPublishData": True, "room": "r"}},
        id="a grant beats the role",
    ),
    pytest.param(
        {
            "role": "none",
            "grants": {"roomList": True},
            "others": {"sip": {"call": True, "admin": False}, "observability": {"write": True}},
        },
        {"video": {"roomList": True}, "sip": {"call": True, "admin": False}, "observability": {"write": True}},
        id="grants of other groups",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "kind": "agent", "kind_details": ["cloud_agent"], "room_preset": "p"},
        {"sub": "a", "kind": "agent", "kindDetails": ["cloud_agent"], "video": JOIN, "roomPreset": "p"},
        id="details of the kind, preset",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "room_config": {"emptyTimeout": 5, "metadata": "{}"}},
        {"sub": "a", "video": JOIN, "roomConfig": {"emptyTimeout": 5, "metadata": "{}"}},
        id="setup of the room",
    ),
    pytest.param(
        {"identity": "a", "grants": {"room": "g"}},
        {"sub": "a", "video": {"roomJoin": True, "room": "g"}},
        id="room among the grants",
    ),
]


@pytest.mark.parametrize(("asked", "claims"), MINTED)
def test_minted(asked: dict[str, Any], claims: dict[str, Any]) -> None:
    """Exactly these claims, and no rule has anything against them."""
    assert minted(**asked) == claims
    findings = mint(TokenRequest(**asked), PAIR, now=NOW, entropy=entropy).findings
    assert [finding for finding in findings if finding.severity is not Severity.info] == []


def test_a_new_user_id() -> None:
    """Milliseconds and 12 characters; it is told, and in identity, room and metadata."""
    made = mint(TokenRequest(user_id="new"), PAIR, now=1704067200.25, entropy=entropy)
    assert made.user_id is not None
    head, stamp, tail = made.user_id.split("_")
    assert (head, stamp, len(tail)) == ("user", "1704067200250", 12)
    assert set(tail) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    decoded = read(made.token, now=1704067200.25)
    assert (decoded.user_id, decoded.reading.identity) == (made.user_id, made.user_id)
    assert decoded.reading.room == f"mcp-chrome-user-{made.user_id}"


def test_new_user_ids_differ() -> None:
    """With real randomness."""
    import os

    made = {settle_user_id("new", NOW, os.urandom)[0] for _ in range(200)}
    assert len(made) == 200


@pytest.mark.parametrize("user_id", ["foo", "user_123_abc", "user_1704067200000_", "user_1704067200000_a-b", "Ünïcode"])
def test_an_unconventional_user_id_is_kept(user_id: str) -> None:
    """With a warning."""
    made = mint(TokenRequest(user_id=user_id), PAIR, now=NOW, entropy=entropy)
    assert made.claims["sub"] == user_id
    assert json.loads(made.claims["metadata"]) == {"userId": user_id}
    assert [(finding.id, finding.severity.value) for finding in made.findings] == [("W-FORMAT", "warning")]


def test_blanks_around_a_user_id_go() -> None:
    """The resolver would take them away, too."""
    assert settle_user_id(f" {ID}\n", NOW, entropy) == (ID, ())


REFUSED = [
    pytest.param({}, "token-refused", "L10: it allows joining, but has no identity; L11", id="nothing"),
    pytest.param({"identity": "a"}, "token-refused", "L11", id="no room"),
    pytest.param({"room": "r"}, "token-refused", "L10", id="no identity"),
    pytest.param({"identity": "a", "room": "*"}, "token-refused", "L11", id="star"),
    pytest.param(
        {"identity": "é" * 129, "room": "r"}, "token-refused", "L10: the identity has 258 bytes", id="identity"
    ),
    pytest.param({"identity": "a", "room": "é" * 129}, "token-refused", "L11: the room name has 258 bytes", id="room"),
    pytest.param(
        {"identity": "a", "room": "r", "metadata": '"' + "é" * 262_144 + '"'},
        "token-refused",
        "L22: the metadata has 524290 bytes",
        id="metadata",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "attributes": {"é": "x" * 65_535}},
        "token-refused",
        "L22: the attributes have 65537 bytes",
        id="attributes",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "grants": {"canPublishSources": ["cam"]}}, "token-refused", "L16", id="source"
    ),
    pytest.param({"role": "none"}, "token-refused", "L13", id="no grant"),
    pytest.param({"role": "none", "room": "r"}, "token-refused", "L12", id="room without join"),
    pytest.param({"role": "room-admin"}, "token-refused", "L18", id="admin of no room"),
    pytest.param(
        {"identity": "a", "room": "r", "grants": {"room_join": True}}, "token-refused", "L14", id="snake case"
    ),
    pytest.param({"user_id": " "}, "usage", "the user ID is blank", id="blank user ID"),
    pytest.param({"user_id": "a\nb"}, "usage", "the user ID holds control characters", id="line break"),
    pytest.param({"user_id": "a" * 257}, "usage", "the user ID has 257 bytes", id="long user ID"),
    pytest.param({"user_id": ID, "metadata": "[1]"}, "input-malformed", "no JSON object", id="list for metadata"),
    pytest.param({"user_id": ID, "metadata": "{bad secret-words"}, "input-malformed", "no JSON object", id="no JSON"),
    pytest.param({"user_id": ID, "metadata": '{"userId":"other"}'}, "usage", "another userId", id="another user ID"),
    pytest.param({"user_id": ID, "metadata": '{"userId":null}'}, "usage", "another userId", id="null user ID"),
    pytest.param({"identity": "a", "room": "r", "ttl": 0}, "usage", "expire at once", id="no time"),
    pytest.param({"identity": "a", "room": "r", "ttl": -1}, "usage", "have expired: its lifetime is", id="time past"),
    pytest.param({"identity": "a", "room": "r", "ttl": None}, "usage", "the token would never expire", id="no expiry"),
    pytest.param(
        {"identity": "a", "room": "r", "grants": {"room": "s"}},
        "usage",
        "name different rooms",
        id="two rooms",
    ),
    pytest.param({"identity": "a", "room": "\udcff"}, "input-encoding", "the room is not valid", id="half a character"),
    pytest.param(
        {"identity": "a", "room": "r", "attributes": {"k": "\udcff"}},
        "input-encoding",
        "the attribute",
        id="broken value",
    ),
    pytest.param(
        {"identity": "a", "room": "r", "others": {"sip": {"cal": 1, "call": "yes"}}}, "token-refused", "L15", id="type"
    ),
    pytest.param(
        {"identity": "a", "room": "r", "room_config": {"emptyTimeout": "x"}},
        "token-refused",
        "L15: roomConfig.emptyTimeout",
        id="setup of the wrong type",
    ),
    pytest.param({"identity": "a", "room": "r", "role": "boss"}, "usage", "no role 'boss'", id="role"),
    pytest.param(
        {"user_id": ID, "metadata": '{"a":1,"a":2}'},
        "input-malformed",
        "without changing it: the key 'a' is given more than once",
        id="a key twice in what is rewritten",
    ),
    pytest.param(
        {"user_id": ID, "metadata": '{"a":1e999}'},
        "input-malformed",
        "without changing it: it holds the number 1e999",
        id="a number out of range in what is rewritten",
    ),
    pytest.param(
        {"user_id": ID, "metadata": '{"a":NaN}'}, "input-malformed", "without changing it: it holds NaN", id="NaN"
    ),
    pytest.param(
        {"user_id": ID, "metadata": '{"a":"\\ud800"}'}, "input-encoding", "the metadata is not valid", id="half a pair"
    ),
]


@pytest.mark.parametrize(("asked", "code", "says"), REFUSED)
def test_refused(asked: dict[str, Any], code: str, says: str) -> None:
    """Before anything is signed; exit 2."""
    with pytest.raises(LkctlError) as caught:
        mint(TokenRequest(**asked), PAIR, now=NOW, entropy=entropy)
    assert (caught.value.code, int(caught.value.exit_code)) == (code, 2)
    assert says in caught.value.message
    assert "secret-words" not in caught.value.message
    assert caught.value.hint


INFINITE = float("inf")
DEEP: Any = json.loads("[" * 98 + "]" * 98)  # and two levels around it
UNFIT = [
    pytest.param({"identity": 5}, "usage", "TokenRequest.identity is of type int, and must be text", id="identity"),
    pytest.param({"user_id": b"x"}, "usage", "TokenRequest.user_id is of type bytes", id="user ID"),
    pytest.param({"role": None}, "usage", "TokenRequest.role is of type NoneType", id="role"),
    pytest.param({"metadata": {"a": 1}}, "usage", "TokenRequest.metadata is of type dict", id="metadata"),
    pytest.param({"attributes": {"a": 1}}, "usage", "must be a mapping of text to text", id="attribute"),
    pytest.param({"attributes": {1: "a"}}, "usage", "must be a mapping of text to text", id="name of an attribute"),
    pytest.param({"attributes": [("a", "b")]}, "usage", "TokenRequest.attributes is of type list", id="attributes"),
    pytest.param({"kind_details": "ab"}, "usage", "must be a list of texts", id="details a text"),
    pytest.param({"kind_details": [1]}, "usage", "must be a list of texts", id="detail"),
    pytest.param({"ttl": "5m"}, "usage", "TokenRequest.ttl is of type str", id="lifetime a text"),
    pytest.param({"ttl": INFINITE}, "usage", "TokenRequest.ttl is inf, and must be a number", id="lifetime"),
    pytest.param({"ttl": 10**400}, "usage", "TokenRequest.ttl is of type int", id="lifetime without measure"),
    pytest.param({"not_before": -INFINITE}, "usage", "TokenRequest.not_before is -inf", id="start"),
    pytest.param({"not_before": float("nan")}, "usage", "TokenRequest.not_before is nan", id="start no number"),
    pytest.param({"grants": [1]}, "usage", "TokenRequest.grants is of type list", id="grants"),
    pytest.param({"grants": {"x": INFINITE}}, "usage", "what JSON cannot: Out of range", id="grant"),
    pytest.param({"grants": {"x": {1}}}, "usage", "what JSON cannot: Object of type set", id="a set"),
    pytest.param({"grants": {"x": [DEEP]}}, "input-malformed", "nested deeper than 100 levels", id="deep"),
    pytest.param({"grants": {"x": 10**400}}, "input-malformed", "which is out of range", id="a huge number"),
    pytest.param({"others": {"new": {1: 2, "1": 3}}}, "input-malformed", "the key '1' is given more", id="one key"),
    pytest.param({"room_config": {"maxParticipants": INFINITE}}, "usage", "what JSON cannot", id="room"),
]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("asked", "code", "says"), UNFIT)
def test_what_no_token_can_hold(asked: dict[str, Any], code: str, says: str, *, force: bool) -> None:
    """From a program that is not checked: the field is named, also where the token is forced."""
    with pytest.raises(LkctlError) as caught:
        mint(TokenRequest(**{"identity": "a", "room": "r", **asked}), PAIR, now=NOW, entropy=entropy, force=force)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    assert says in caught.value.message


def test_the_deepest_grant_is_decoded_again() -> None:
    """What is minted is no deeper than what is read."""
    claims = minted(identity="a", room="r", grants={"x": DEEP})
    assert claims["video"]["x"] == DEEP


def test_claims_are_those_that_are_signed() -> None:
    """JSON has texts for keys, and no tuples."""
    assert minted(identity="a", room="r", grants={"x": (1, {2: 3})})["video"]["x"] == [1, {"2": 3}]


KEPT = ['{"userId":"%s","a":1e999}', '{"userId":"x","userId":"%s"}', ' {"userId" : "%s"} ']


@pytest.mark.parametrize("metadata", [text % ID for text in KEPT])
def test_metadata_that_holds_the_user_id_is_kept(metadata: str) -> None:
    """To the last blank, whatever a reader will make of it."""
    assert minted(user_id=ID, room="r", metadata=metadata)["metadata"] == metadata


def test_forced() -> None:
    """--force mints what rules of severity error speak against, and still tells them."""
    assert minted(force=True, identity="a") == {"sub": "a", "video": {"roomJoin": True}}
    made = mint(TokenRequest(identity="a"), PAIR, now=NOW, entropy=entropy, force=True)
    assert [finding.id for finding in made.findings] == ["L11"]


STARTS = [
    pytest.param(NOW + 3600, 60, NOW + 3600, NOW + 3660, id="in an hour"),
    pytest.param(NOW + 90 * 86400.5, 60, NOW + 90 * 86400 + 45, NOW + 90 * 86400 + 105, id="a fraction"),
    pytest.param(NOW - 60, 60, NOW - 60, NOW + 60, id="a minute ago"),
    pytest.param(0, 60, 0, NOW + 60, id="1970"),
]


@pytest.mark.parametrize(("start", "ttl", "nbf", "exp"), STARTS)
def test_not_before(start: float, ttl: float, nbf: int, exp: int) -> None:
    """Its time counts from when it begins, and by then it is judged: it is good."""
    request = TokenRequest(identity="a", room="r", not_before=start, ttl=ttl)
    made = mint(request, PAIR, now=NOW, entropy=entropy)
    assert (made.claims["iat"], made.claims["nbf"], made.expires_at) == (NOW, nbf, exp)
    assert "error" not in {finding.severity.value for finding in made.findings}
    assert read(made.token, now=max(NOW, start)).valid


UNSAFE = [
    pytest.param({"ttl": -300}, {}, NOW - 300, "L05: expired 5 min ago", id="expired"),
    pytest.param({"ttl": 0}, {}, NOW, "L05: expired 0 s ago", id="at once"),
    pytest.param({"ttl": None}, {}, None, "L07: it never expires", id="never"),
    pytest.param({}, {"sign_with": "x" * 40}, NOW + TTL, "L03: the signature does not fit", id="another secret"),
    pytest.param({}, {"sign_with": SECRET}, NOW + TTL, "", id="the same secret"),
    pytest.param({"room": "*"}, {}, NOW + TTL, "L11: the room is *", id="an error"),
]


@pytest.mark.parametrize(("asked", "how", "expires", "says"), UNSAFE)
def test_unsafe(asked: dict[str, Any], how: dict[str, Any], expires: int | None, says: str) -> None:
    """What negative tests want is made, and told."""
    request = TokenRequest(**{"identity": "a", "room": "r", "unsafe": True, **asked})
    made = mint(request, PAIR, now=NOW, entropy=entropy, **how)
    told = [f"{finding.id}: {finding.message}" for finding in made.findings]
    assert (made.expires_at, made.claims.get("exp")) == (expires, expires)
    assert any(text.startswith(says) for text in told) if says else not told
    assert read(made.token).signature.value == ("bad" if says.startswith("L03") else "verified")


def test_another_secret_is_for_negative_tests() -> None:
    """Without `unsafe` it is refused, and not told."""
    with pytest.raises(LkctlError, match="another secret than the server's") as caught:
        mint(TokenRequest(identity="a", room="r"), PAIR, now=NOW, entropy=entropy, force=True, sign_with="hush-hush-1")
    assert caught.value.hint == "For a negative test, ask for it as unsafe"
    assert "hush" not in caught.value.message


def test_facts_reach_the_rules() -> None:
    """As the host of the server, which makes the default key a fault."""
    pair = Pair("", "devkey", "secret")
    request = TokenRequest(identity="a", room="r")
    made = mint(request, pair, now=NOW, entropy=entropy, facts=Facts(host="livekit.example.com"))
    assert "L04" in {finding.id for finding in made.findings}
    near = mint(request, pair, now=NOW, entropy=entropy, facts=Facts(host="localhost"))
    assert "L04" not in {finding.id for finding in near.findings}


def test_sizes_at_their_limits() -> None:
    """256, 524,288 and 65,536 bytes are taken."""
    limits: dict[str, Any] = {"identity": "é" * 128, "room": "a" * 256, "attributes": {"é": "x" * 65_534}}
    assert mint(TokenRequest(**limits), PAIR, now=NOW, entropy=entropy).token
    metadata = f'"{"x" * 524_286}"'
    assert mint(TokenRequest(identity="a", room="r", metadata=metadata), PAIR, now=NOW, entropy=entropy).token


def test_swapped_settings_are_noticed() -> None:
    """A secret in the place of the key would go out readable in every token."""
    with pytest.raises(LkctlError, match=r"L04: the API key .* looks like a secret"):
        mint(TokenRequest(user_id=ID), Pair("", SECRET, KEY), now=NOW, entropy=entropy)


def test_fractions_of_seconds_round_up() -> None:
    """No token expires before its time."""
    assert make_claims(TokenRequest(ttl=0.1), KEY, NOW + 0.9)["exp"] == NOW + 1


def test_a_token_does_not_show_by_accident() -> None:
    """Not in a repr, for example of a failed assertion."""
    made = mint(TokenRequest(user_id=ID), PAIR, now=NOW, entropy=entropy)
    assert made.token not in repr(made)
    assert FRAME["iss"] in repr(made)

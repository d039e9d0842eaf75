"""The rules: each found where it should be, and not a step beside it."""

import json
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.settings.shape import Pair
from lkctl.tokens.catalogue import RULES
from lkctl.tokens.decoding import decode
from lkctl.tokens.findings import Facts, Severity
from lkctl.userid.paths import parse_path
from tests.tokens.forge import (
    BASE,
    HEADER,
    ID,
    KEY,
    NOW,
    PAIR,
    SECRET,
    VIDEO,
    claims,
    forge,
    ids,
    read,
    text_with,
    token,
    video,
)

E, W, S, I = "error", "warning", "security", "info"  # noqa: E741
DEV = Pair("", "devkey", "secret")


def case(name: str, text: str, found: dict[str, str] | None = None, pair: Pair | None = PAIR, **facts: Any) -> Any:
    """Say which rules find something, and how bad at its worst; the name begins with the rule that it is about."""
    facts["required_keys"] = tuple(map(parse_path, facts.get("required_keys", ())))
    return pytest.param(text, found or {}, pair, Facts(**facts), id=name)


def dev(**changes: Any) -> str:
    """Make a token as for `livekit-server --dev`."""
    return forge(claims(iss="devkey", **changes), secret="secret")


def room(**config: Any) -> str:
    """Make a good token with a room configuration."""
    return token(roomConfig=config)


def agents(**agent: Any) -> str:
    """Make a good token that dispatches one agent."""
    return room(agents=[{"agentName": "helper", **agent}])


def kind(name: str, **changes: Any) -> str:
    """Make a token for a kind of participant, with changed video grants."""
    return token(kind=name, video={**VIDEO, **changes})


FOUND = [
    case("a good token", token()),
    case("L01 a promise", "[object Promise]", {"L01": E}),
    case("L01 behind Bearer", f"Bearer {token()}"),
    case("L02 HS512", forge(BASE, {"alg": "HS512"}), {"L02": E, "L03": E}),
    case("L02 no alg", forge(BASE, {}), {"L02": E, "L03": E}),
    case("L02 alg is no text", forge(BASE, {"alg": 5}), {"L02": E, "L03": E}),
    case("L02 more in the header", forge(BASE, {**HEADER, "kid": "x"})),
    case("L02 HS256", forge(BASE, {"alg": "HS256"})),
    case("L03 wrong secret", forge(BASE, secret="y" * 40), {"L03": E}),
    case("L03 cut off", token()[:-3], {"L03": E}),
    case("L03 good", token()),
    case("L03 no secret to check with", forge(BASE, secret="y" * 40), pair=None),
    case("L04 no key", token(iss=...), {"L04": E}),
    case("L04 a secret for a key", token(iss=SECRET), {"L04": E}),
    case("L04 another key", token(iss="APIother"), {"L04": W}),
    case("L04 another key, strictly", token(iss="APIother"), {"L04": E}, strict_key=True),
    case("L04 the same key, strictly", token(), strict_key=True),
    case("L04 devkey, no host", dev(), {"L28": S}, pair=DEV),
    *(
        case(f"L04 devkey at {host}", dev(), {"L04": W, "L28": S}, pair=DEV, host=host)
        for host in ("x.livekit.cloud", "lk.example.com", "8.8.8.8", "2606:4700::1111")
    ),
    *(
        case(f"L04 devkey at {host}", dev(), {"L28": I}, pair=DEV, host=host)
        for host in (
            "localhost",
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.1.9",
            "169.254.3.4",
            "fe80::1%eth0",
            "fd00::1",
            "livekit",
            "box.local",
            "lk.internal",
            "172.20.0.3",
        )
    ),
    case("L04 devkey, unverified", dev(), {"L04": W, "L28": S}, pair=None, host="lk.example.com"),
    case("L04 another key at a public host", token(), host="lk.example.com"),
    case("L05 expired", token(exp=NOW - 60), {"L05": E}),
    case("L05 within the minute", token(exp=NOW - 59), {"L05": W}),
    case("L05 now", token(exp=NOW), {"L05": W}),
    case("L05 in a second", token(exp=NOW + 1)),
    case("L06 later", token(nbf=NOW + 61), {"L06": E}),
    case("L06 within the minute", token(nbf=NOW + 60), {"L06": W}),
    case("L06 now", token(nbf=NOW)),
    case("L07 no expiry", token(exp=...), {"L07": E}),
    case("L07 null", token(exp=None), {"L07": E, "L15": I}),
    case("L07 not for an unreadable one", token(exp="x"), {"L15": E}),
    case("L07 an expiry", token(exp=NOW + 1)),
    case("L08 milliseconds", token(exp=NOW * 1000), {"L08": E}),
    case("L08 iat in milliseconds", token(iat=NOW * 1000), {"L08": E}),
    case("L08 nbf in milliseconds", token(nbf=NOW * 1000), {"L06": E, "L08": E}),
    case(
        "L08 order",
        token(exp=NOW + 10, nbf=NOW + 20),
        {
            "L06": W,
            "L08": E,
        },
    ),
    case("L08 in quotes", token(exp=str(NOW + 60)), {"L08": W}),
    case("L08 seconds", token(exp=NOW + 60, nbf=NOW - 1, iat=NOW - 1)),
    case("L09 a day", token(exp=NOW + 86_400, iat=NOW)),
    case("L09 over a day", token(exp=NOW + 86_401, iat=NOW), {"L09": W}),
    case("L09 over thirty days", token(exp=NOW + 86_401 * 30, iat=NOW), {"L09": S}),
    case("L09 server tokens may", token(exp=NOW + 86_401, iat=NOW, video={"roomList": True})),
    case("L09 under a minute", token(exp=NOW + 59, iat=NOW), {"L09": W}),
    case("L09 a minute", token(exp=NOW + 60, iat=NOW)),
    case("L09 only the rest is under a minute", token(exp=NOW + 30)),
    case("L09 since nbf", token(nbf=NOW - 86_401, exp=NOW + 60), {"L09": W}),
    case("L09 since iat, which is later than nbf", token(nbf=NOW - 2151 * 86_400, iat=NOW)),
    case("L09 since nbf, which is later than iat", token(nbf=NOW, iat=NOW - 2151 * 86_400)),
    case("L09 iat in milliseconds says nothing", token(iat=NOW * 1000, exp=NOW + 86_401), {"L08": E, "L09": W}),
    case("L09 nbf 0, as older SDKs for Node write it", token(nbf=0)),
    case("L09 nbf 0, but very long", token(nbf=0, exp=NOW + 86_401 * 30), {"L09": S}),
    case("L10 no identity", token(sub=...), {"L10": E}),
    case("L10 jti", token(sub="", jti="j")),
    case("L10 256 bytes", token(sub="a" * 256)),
    case("L10 257 bytes", token(sub="é" * 128 + "a"), {"L10": E}),
    case("L10 too long, without a room", token(sub="a" * 257, video={"roomList": True}), {"L10": E}),
    case("L10 none needed", token(sub=..., video={"roomList": True})),
    case("L10 blank", token(sub="  "), {"L10": W}),
    case("L10 blanks around", token(sub=" a"), {"L10": W}),
    case("L10 line break", token(sub="a\nb"), {"L10": W}),
    case("L10 a control character", token(sub="al\x1bice"), {"L10": W}),
    case("L10 a character of direction", token(sub="al\u202eice"), {"L10": W}),
    case("L10 joined by a zero-width character, as emoji are", token(sub="\U0001f468\u200d\U0001f4bb")),
    case("L10 undefined", token(sub="undefined"), {"L10": W}),
    case("L10 literal", token(sub="User"), {"L10": W}),
    case("L10 nearly a literal", token(sub="user1")),
    case("L10 carriage return", token(sub="a\rb"), {"L10": W}),
    case("L10 an object", token(sub="[object Object]"), {"L10": W}),
    case("L11 no room", video(room=...), {"L11": E}),
    case("L11 star", video(room="*"), {"L11": E}),
    case("L11 a star in it", video(room="a*")),
    case("L11 too long", video(room="a" * 257), {"L11": E}),
    case("L12 false", video(roomJoin=False), {"L12": E}),
    case("L12 missing", video(roomJoin=...), {"L12": E}),
    case("L12 admin of it", video(roomJoin=..., roomAdmin=True)),
    case("L12 not for a misread one", video(roomJoin="true"), {"L15": E}),
    case("L13 no video", token(video=...), {"L13": E}),
    case("L13 empty", token(video={}), {"L13": E}),
    case("L13 nothing of use", token(video={"canPublish": True}), {"L13": E}),
    case("L13 sip", token(sub=..., video=..., sip={"call": True})),
    case("L13 sip without a grant", token(video=..., sip={}), {"L13": E}),
    case("L13 an agent's worker", token(video={"agent": True})),
    case("L13 a grant", token(video={"roomList": True}, sub=...)),
    case("L14 snake case", video(room_join=True), {"L14": E}),
    case("L14 roomName", token(video={"roomJoin": True, "roomName": "r"}), {"L11": E, "L14": E}),
    case("L14 typo", video(canPublsh=True), {"L14": E}),
    case("L14 another letter", token(vidio={"roomList": True}), {"L14": E}),
    case("L14 more letters are another word", token(agentId="x"), {"L14": I}),
    case("L14 unknown grant", video(somethingElse=True), {"L14": I}),
    case("L14 outside of video", token(roomJoin=True, room="r"), {"L14": E}),
    case("L14 room_config", token(room_config={}), {"L14": E}),
    case("L14 unknown claim", token(company="x"), {"L14": I}),
    case("L14 harmless claims", token(scope="x", typ="y")),
    case("L14 letter case", token(Name="x"), {"L14": I}),
    case("L14 letter case of a grant", video(ROOM="x"), {"L14": I}),
    case("L14 newer grants are known", token(agentThread={"read": True})),
    case("L15 metadata", token(metadata={}), {"L15": E}),
    case("L15 null", token(metadata=None, name=None), {"L15": I}),
    case("L15 attribute", token(attributes={"a": 1}), {"L15": E}),
    case("L15 room config", token(roomConfig={"metadata": 5}), {"L15": E}),
    case("L15 key twice", forge(text_with('"sub":"b"')), {"L15": E}),
    case("L15 NaN", token(aud=float("nan")), {"L15": E}),
    case("L15 signature is no base64url", token() + "=", {"L03": E, "L15": E}),
    case("L15 the right types", token(metadata="{}", attributes={"a": "1"}, aud=["x"], kindDetails=["y"], nbf=1.5)),
    case("L16 good", video(canPublishSources=["camera", "screen_share"])),
    case("L16 upper case", video(canPublishSources=["CAMERA"]), {"L16": E}),
    case("L16 screenshare", video(canPublishSources=["screenshare"]), {"L16": E}),
    case("L16 cut short", video(canPublishSources=["cam"]), {"L16": E}),
    case("L16 none", video(canPublishSources=[])),
    case("L17 data goes too", video(canPublish=False), {"L17": W}),
    case("L17 data is told", video(canPublish=False, canPublishData=True)),
    case("L17 sources", video(canPublish=False, canPublishData=False, canPublishSources=["camera"]), {"L17": W}),
    case("L17 not for recorders", video(canPublish=False, recorder=True, hidden=True)),
    case("L17 agent", token(kind="agent", video={"roomJoin": True, "room": "r", "canSubscribe": False}), {"L17": W}),
    case("L17 nothing left", video(canPublish=False, canPublishData=False, canSubscribe=False), {"L17": W}),
    case("L17 nothing left, said briefly", video(canPublish=False, canSubscribe=False), {"L17": W}),
    case("L17 data is left", video(canPublish=False, canPublishData=True, canSubscribe=False)),
    case(
        "L17 its metadata is left",
        video(canPublish=False, canPublishData=False, canSubscribe=False, canUpdateOwnMetadata=True),
    ),
    case("L17 a publisher", video(canSubscribe=False)),
    case("L17 a caller without ears", kind("sip", canSubscribe=False), {"L17": W}),
    case(
        "L17 a recorder without ears",
        video(recorder=True, hidden=True, canPublish=False, canSubscribe=False),
        {"L17": W},
    ),
    case("L17 a stream that is fed in", kind("ingress", canSubscribe=False)),
    case("L17 only one source", video(canPublishSources=["camera"])),
    case("L18 no room", token(video={"roomAdmin": True}), {"L18": E}),
    case("L18 room", token(video={"roomAdmin": True, "room": "r"})),
    case("L18 another room", token(), {"L18": E}, room="other"),
    case("L18 that room", token(), room="demo"),
    case("L18 admin of another room", token(video={"roomAdmin": True, "room": "r"}), {"L18": E}, room="other"),
    case("L18 admin of that room", token(video={"roomAdmin": True, "room": "r"}), room="r"),
    case("L18 not for rooms at all", token(video={"roomList": True}), room="r"),
    case("L18 no room is L11", video(room=...), {"L11": E}, room="r"),
    case("L19 roomCreate", video(roomCreate=True), {"L19": S}),
    case("L19 agent", video(agent=True), {"L19": S}),
    case("L19 sip", token(sip={"call": True}), {"L19": S}),
    case("L19 false", token(inference={"perform": False})),
    case("L19 not for agents", token(kind="agent", video={"roomJoin": True, "room": "r", "agent": True})),
    case("L19 not for joining", token(video={"roomCreate": True, "roomList": True})),
    case("L20 hidden", video(hidden=True), {"L20": W}),
    case("L20 not hidden", video(hidden=False)),
    case("L20 a hidden agent", kind("agent", hidden=True)),
    case("L20 recorder", video(recorder=True), {"L20": W}),
    case("L20 a recorder that publishes", video(recorder=True, hidden=True), {"L20": W}),
    case("L20 a real recorder", video(recorder=True, hidden=True, canPublish=False)),
    *(case(f"L20 a user as {name}", token(kind=name, sub=ID), {"L20": W}) for name in ("agent", "egress", "SIP")),
    *(case(f"L20 {name}", token(kind=name, sub="helper")) for name in ("agent", "egress", "sip")),
    case("L20 a user as standard", token(kind="standard", sub=ID)),
    case("L20 hidden, without joining", token(video={"roomList": True, "hidden": True})),
    case("L20 the grant agent is L19's", video(agent=True), {"L19": S}),
    case("L21 robot", token(kind="robot"), {"L21": W}),
    case("L21 letter case", token(kind="AGENT")),
    case("L21 standard", token(kind="standard")),
    case("L22 64,000 bytes are fine, the token is long", token(metadata=f'"{"x" * 63_998}"'), {"L22": W, "L23": W}),
    case("L22 metadata", token(metadata="é" * 262_145), {"L22": E, "L23": W}),
    case("L22 attributes at the limit", token(attributes={"a": "x" * 65_535}), {"L22": W}),
    case("L22 attributes", token(attributes={"a": "x" * 65_536}), {"L22": E}),
    case("L22 nearly long", token(metadata="{}" + " " * 4000)),
    case("L22 long token", token(metadata="{}" + " " * 4500), {"L22": W}),
    case("L22 metadata over the mark", token(metadata=json.dumps({"a": "x" * 63_993})), {"L22": W}),
    case("L22 a token of 6 KiB", token(name="x" * (6144 - len(token(name="")))), {"L22": W}),
    case("L23 no JSON", token(metadata="hello"), {"L23": W}),
    case("L23 no object", token(metadata="[1]"), {"L23": W}),
    case("L23 encoded twice", token(metadata='"{\\"userId\\":1}"'), {"L23": W}),
    case("L23 NaN", token(metadata='{"a":NaN}'), {"L23": W}),
    case("L23 good", token(metadata='{"a":1}')),
    case("L23 nothing", token(metadata="")),
    case("L23 a key is there", token(metadata='{"userId":"u"}'), required_keys=("userId",)),
    case("L23 a key is missing", token(metadata='{"a":1}'), {"L23": W}, required_keys=("userId",)),
    case("L23 a key is null", token(metadata='{"userId":null}'), {"L23": W}, required_keys=("userId",)),
    case("L23 a key is empty", token(metadata='{"userId":""}'), {"L23": W}, required_keys=("userId",)),
    case("L23 a key is false, which is a value", token(metadata='{"a":false}'), required_keys=("a",)),
    case("L23 a path", token(metadata='{"user":{"id":"u"}}'), required_keys=("user.id",)),
    case("L23 a path that ends", token(metadata='{"user":"u"}'), {"L23": W}, required_keys=("user.id",)),
    case("L23 a dot in a key", token(metadata='{"a.b":1}'), required_keys=('["a.b"]',)),
    case("L23 no metadata", token(), {"L23": W}, required_keys=("userId",)),
    case("L23 required of what is no object", token(metadata="[]"), {"L23": W}, required_keys=("userId",)),
    case("L24 a misspelt field", room(emptyTimeuot=5), {"L24": W}),
    case("L24 another letter case", room(EmptyTimeout=5), {"L24": W}),
    case("L24 snake case", room(empty_timeout=5, agents=[{"agent_name": "x", "restart_policy": "JRP_NEVER"}])),
    case("L24 an unknown field", room(somethingElse=5), {"L24": I}),
    case("L24 a misspelt field of an agent", agents(agentname="x"), {"L24": W}),
    case("L24 an unknown field of an agent", agents(priority="x"), {"L24": I}),
    case("L24 all is well", agents(metadata="{}", deployment="blue-2", attributes={"a": "b"}, restartPolicy=1)),
    case("L24 all null", agents(metadata=None, deployment=None, attributes=None, restartPolicy=None)),
    case("L24 no fields", room()),
    case("L24 agents null", room(agents=None)),
    case("L24 no name", room(agents=[{}]), {"L24": W}),
    case("L24 an empty name", agents(agentName=""), {"L24": W}),
    case("L24 a null name", agents(agentName=None), {"L24": W}),
    case("L24 blanks around a name", agents(agentName="helper "), {"L24": W}),
    case("L24 a blank in a name", agents(agentName="my helper")),
    case("L24 metadata of an agent", agents(metadata="hello"), {"L24": W}),
    case("L24 restart policy", agents(restartPolicy="NEVER"), {"L24": W}),
    case("L24 restart policy of a number", agents(restartPolicy=2), {"L24": W}),
    case("L24 deployment with a blank", agents(deployment="a b"), {"L24": W}),
    case("L24 deployment with an underscore", agents(deployment="a_b"), {"L24": W}),
    case("L24 deployment of 64 bytes", agents(deployment="a" * 64)),
    case("L24 deployment of 65 bytes", agents(deployment="a" * 65), {"L24": W}),
    case("L24 a preset", token(roomPreset="p"), {"L24": I}),
    case("L24 the agent is expected", agents(), agent="helper"),
    case("L24 another agent is expected", agents(), {"L24": W}, agent="other"),
    case("L24 no agents", room(emptyTimeout=5), {"L24": W}, agent="helper"),
    case("L24 no configuration", token(), {"L24": W}, agent="helper"),
    case("L24 a preset may name it", token(roomPreset="p"), {"L24": I}, agent="helper"),
    case(
        "L24 a preset cannot name it",
        token(roomPreset="p", roomConfig={"agents": [{"agentName": "x"}]}),
        {"L24": W},
        agent="helper",
    ),
    case("L24 an agent is expected, but nobody joins", token(video={"roomList": True}), agent="helper"),
    case("L25 a secret", room(egress={"room": {"fileOutputs": [{"s3": {"secret": "x"}}]}}), {"L25": S}),
    case("L25 a bucket only", room(egress={"room": {"fileOutputs": [{"s3": {"bucket": "b", "secret": ""}}]}})),
    case("L26 open already", agents(), {"L26": W}, room_live=True),
    case("L26 a preset, open already", token(roomPreset="p"), {"L24": I, "L26": W}, room_live=True),
    case("L26 not open", agents(), room_live=False),
    case("L26 nobody knows", agents()),
    case("L26 nothing to ignore", room(), room_live=True),
    case("L26 no configuration", token(), room_live=True),
    *(
        case(f"L27 {name}", token(sub=name), {"L27": I})
        for name in (
            "alice@example.com",
            "a.b+c@mail.example.co.uk",
            "user:bob@acme.io",
            "+15551234567",
            "sip_+4917012345678",
            "+1 (555) 123-4567",
            "+49 170 1234567",
            "(555) 123-4567",
        )
    ),
    *(
        case(f"L27 {name}", token(sub=name))
        for name in (
            ID,
            "1704067200000",
            "12345",
            "0170123456",
            "alice@home",
            "@alice:server",
            "a+b",
            "c++",
            "+1",
            "+12345",
            "2026-01-15T10:00:00+01:00",
            "a/+12345678901/b",
            "pkg@4.17.21",
            "(1) 2",
            "555-1234",
        )
    ),
    case("L27 a room", video(room="call with bob@example.com"), {"L27": I}),
    case("L27 a room that is a number", video(room="call-+15551234567"), {"L27": I}),
    case("L27 a room of a user", video(room=f"mcp-chrome-user-{ID}")),
    case("L28 short", forge(BASE, secret="s" * 31), {"L28": S}, pair=Pair("", KEY, "s" * 31)),
    case("L28 long enough", forge(BASE, secret="s" * 32), pair=Pair("", KEY, "s" * 32)),
    case("L28 the secret of --dev", forge(BASE, secret="secret"), {"L28": S}, pair=Pair("", KEY, "secret")),
    case("L28 the secret of --dev is meant", forge(BASE, secret="secret"), {"L03": E, "L28": S}),
    case("L28 short, but not what signs", token(), {"L03": E}, pair=Pair("", KEY, "s" * 31)),
    case("L29 the API secret in metadata", token(metadata=json.dumps({"x": SECRET})), {"L29": S}),
    case("L29 the API secret in an attribute", token(attributes={"x": f"<{SECRET}>"}), {"L29": S}),
    case("L29 the API secret as identity", token(sub=SECRET), {"L29": S}),
    case("L29 the API secret in a room configuration", room(metadata=SECRET), {"L29": S}),
    case("L29 the API secret, not configured here", token(metadata=json.dumps({"x": SECRET})), pair=None),
    case("L29 a password", token(metadata='{"password":"hunter2"}'), {"L29": S}),
    case("L29 a placeholder", token(metadata='{"password":"***"}')),
    case("L30 a room", token(video={"room": "r"}, sip={"call": True}), {"L30": W}),
    case("L30 an identity", token(video={}, agent={"admin": True}), {"L30": W}),
    case("L30 neither", token(sub=..., video={}, sip={"call": True})),
    case(
        "L30 inference with an identity, as the SDKs mint it",
        token(sub="agent", video=..., inference={"perform": True}),
    ),
    case("L30 inference with a room", token(video={"room": "r"}, inference={"perform": True}), {"L30": W}),
    case("L30 also for joining", token(observability={"write": True})),
    case("L30 no grant is L12's", token(video={"room": "r"}, sip={"call": False}), {"L12": E}),
    case("L31 may not", token(), {"L31": I}, changes_itself="src/app.ts:12"),
    case("L31 may", video(canUpdateOwnMetadata=True), changes_itself="src/app.ts:12"),
    case("L31 does not join", token(video={"roomList": True}), changes_itself="src/app.ts:12"),
    case("L31 the code does not", token(), changes_itself=""),
    case("L32 a webhook", token(sha256="x", video=...), {"L13": E, "L32": I}),
    case("L32 null", token(sha256=None), {"L15": I}),
]


@pytest.mark.parametrize(("text", "found", "pair", "facts"), FOUND)
def test_found(text: str, found: dict[str, str], pair: Pair | None, facts: Facts) -> None:
    """Exactly these rules, each with this severity at its worst."""
    if "L01" in found:
        with pytest.raises(LkctlError) as caught:
            decode(text, pair, now=NOW, facts=facts)
        assert caught.value.code == "L01"
        return
    decoded = decode(text, pair, now=NOW, facts=facts)
    assert ids(decoded) == found
    assert decoded.valid is ("error" not in found.values())
    for finding in decoded.findings:
        assert finding.message
        assert not finding.message.endswith(".")
        assert not finding.hint.endswith(".")
        assert not any(secret in f"{finding.message} {finding.hint}" for secret in (SECRET, "hunter2", "s" * 31))


def test_every_rule_has_its_cases() -> None:
    """One at least that it finds, and one a step beside."""
    cases = [(str(case.id)[:3], case.values[1]) for case in FOUND]
    caught = {rule for rule, found in cases if rule in found}
    spared = {rule for rule, found in cases if rule not in found}
    every = {rule.id for rule in RULES}
    assert len(every) == 32
    assert every - caught == set()
    assert every - spared == set()


def test_severities() -> None:
    """A rule's own severity is one that it has in the table; info where it never has another."""
    seen: dict[str, set[str]] = {}
    for case in FOUND:
        for rule, severity in case.values[1].items():
            seen.setdefault(rule, set()).add(severity)
    assert [rule.id for rule in RULES if rule.severity.value not in seen[rule.id]] == []
    assert {rule.id for rule in RULES if rule.severity is Severity.info} == {
        rule for rule, severities in seen.items() if severities == {I}
    }


def test_the_catalogue() -> None:
    """Ids are stable, unique, in order; titles are sentences; each says what comes of it."""
    assert [rule.id for rule in RULES] == [f"L{number:02}" for number in range(1, 33)]
    for rule in RULES:
        assert rule.title[0].isupper()
        assert rule.consequence
        assert not rule.title.endswith(".")
        assert not rule.consequence.endswith(".")
        assert max(len(rule.title), len(rule.consequence)) <= 80


KINDS = "The kinds are standard, ingress, egress, sip, agent, connector, bridge"
SOURCES = "The sources are camera, microphone, screen_share, screen_share_audio"
SUGGESTIONS = [
    (video(room_join=True), "Write roomJoin"),
    (video(**{"can-publish": True}), "Write canPublish"),
    (video(canPublishSource=["camera"]), "Write canPublishSources"),
    (token(video={"roomJoin": True, "roomName": "r"}), "Write room"),
    (token(canPublish=True), "Write it into video, as canPublish"),
    (token(can_publish=True), "Write it into video, as canPublish"),
    (token(metaData="x"), "Write metadata"),
    (token(meta_data="x"), "Write metadata"),
    (token(vidio={"roomList": True}), "Write video"),
    (video(canPublishSources=["Screen-Share"]), f"Did you mean screen_share? {SOURCES}"),
    (video(canPublishSources=["cam"]), f"Did you mean camera? {SOURCES}"),
    (video(canPublishSources=["mic"]), f"Did you mean microphone? {SOURCES}"),
    (video(canPublishSources=["x"]), SOURCES),
    (token(kind="agnt"), f"Did you mean agent? {KINDS}"),
    (token(kind="robot"), KINDS),
    (room(EmptyTimeout=5), "Write emptyTimeout"),
    (room(max_participant=5), "Write maxParticipants"),
    (room(agents=[{"agentName": "x", "agent-name": "y"}]), "Write agentName"),
    (token(iss=...), "The issuer of a token is the API key"),
]


@pytest.mark.parametrize(("text", "hint"), SUGGESTIONS)
def test_suggestions(text: str, hint: str) -> None:
    """The right spelling is told."""
    assert hint in [finding.hint for finding in read(text).findings]


SAID = [
    pytest.param(forge(BASE, secret="s"), Pair("", KEY, "s"), "L28", "has 1 character, fewer than 32", id="one"),
    pytest.param(forge(BASE, secret="ss"), Pair("", KEY, "ss"), "L28", "has 2 characters, fewer than 32", id="two"),
    pytest.param(token(metadata="x"), PAIR, "L23", "is not JSON: it breaks at character 1 of 1", id="once"),
    pytest.param(token(nbf=NOW + 300), PAIR, "L06", "not valid for another 5 min (nbf)", id="not yet"),
]


@pytest.mark.parametrize(("text", "pair", "rule", "says"), SAID)
def test_messages(text: str, pair: Pair, rule: str, says: str) -> None:
    """In plain words, to the end."""
    [finding] = [finding for finding in read(text, pair).findings if finding.id == rule]
    assert finding.message.endswith(says)


MEANT = [
    pytest.param(Pair("", KEY, f" {SECRET}\n"), token(), "without the blanks", id="blanks"),
    pytest.param(Pair("", KEY, f'"{SECRET}"'), token(), "without the quotes", id="quotes"),
    pytest.param(Pair("", SECRET, KEY), token(), "key and secret are swapped", id="swapped"),
    pytest.param(PAIR, forge(claims(iss="devkey"), secret="secret"), "`livekit-server --dev`", id="dev server"),
    pytest.param(PAIR, token(iss="APIother"), "the configured secret, but not its key", id="another key"),
]


@pytest.mark.parametrize(("pair", "text", "says"), MEANT)
def test_the_pair_that_was_meant_is_named(pair: Pair, text: str, says: str) -> None:
    """By experiment, and without a value of it."""
    decoded = read(text, pair)
    [finding] = [finding for finding in decoded.findings if finding.id in {"L03", "L04"}]
    assert says in finding.message
    assert SECRET not in finding.message
    assert decoded.signature.value in {"bad", "unverified"}


METADATA = [
    *(
        "{}",
        '{"a":1}',
        ' {"a":{"b":[1,null,true,"x"]}} ',
        "[]",
        "5",
        "null",
        '"x"',
        '"{}"',
        '"[1]"',
        "{",
        "x",
        " ",
        "\ufeff{}",
    ),
    *(
        '{"a":1,"a":2}',
        '{"a":{"b":1,"b":2}}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1.5}',
        '{"a":1e999}',
        '{"a":"\\ud800"}',
    ),
    *(
        '{"a":' + "9" * 190 + "}",
        '{"a":' * 30 + "1" + "}" * 30,
        '{"a":' + "[" * 97 + "]" * 97 + "}",
        "[" * 200,
        '{"a":"\n"}',
    ),
]


@pytest.mark.parametrize("metadata", METADATA, ids=lambda text: ascii(text[:20]))
def test_short_metadata_is_judged_as_long_one(metadata: str) -> None:
    """There is a quick way for what is short and plain; it leads to the same findings."""
    assert len(metadata) <= 200
    short, long = (
        [finding.message for finding in read(token(metadata=text)).findings if finding.id == "L23"]
        for text in (metadata, metadata + " " * 200)
    )
    assert [message.partition(": it breaks")[0] for message in short] == [
        message.partition(": it breaks")[0] for message in long
    ]


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_findings_have_an_end(count: int) -> None:
    """A token with a hundred thousand faults gives a readable number of findings."""
    wild: dict[str, Any] = {f"k{number}": number for number in range(count)}
    for text in (
        token(**wild),
        video(**wild, canPublishSources=["x"] * count),
        forge(text_with(",".join(['"a":1'] * count))),
    ):
        assert len(read(text).findings) < 30


def test_worst_first() -> None:
    """Errors before warnings before remarks."""
    decoded = read(
        token(sub="user", exp=1, roomCreate=True, company="x", video={"roomJoin": True, "room": ID, "roomList": True})
    )
    assert [finding.severity.value for finding in decoded.findings] == [E, E, S, W, I]

"""The rules: each found where it should be, and not a step beside it."""

from typing import Any

import pytest

from lkctl.settings.shape import Pair
from lkctl.tokens.lint import RULES
from tests.tokens.forge import (
    BASE,
    HEADER,
    ID,
    KEY,
    NOW,
    PAIR,
    SECRET,
    claims,
    forge,
    ids,
    read,
    text_with,
    token,
    video,
)

E, W, S, I = "error", "warning", "security", "info"  # noqa: E741

FOUND = [
    pytest.param(token(), {}, id="a good token"),
    pytest.param(forge(BASE, {"alg": "HS512"}), {"L02": E, "L03": E}, id="L02 HS512"),
    pytest.param(forge(BASE, {}), {"L02": E, "L03": E}, id="L02 no alg"),
    pytest.param(forge(BASE, {"alg": 5}), {"L02": E, "L03": E}, id="L02 alg is no text"),
    pytest.param(forge(BASE, {**HEADER, "kid": "x"}), {}, id="L02 more in the header"),
    pytest.param(forge(BASE, secret="y" * 40), {"L03": E}, id="L03 wrong secret"),
    pytest.param(token()[:-3], {"L03": E}, id="L03 cut off"),
    pytest.param(token(iss=...), {"L04": E}, id="L04 no key"),
    pytest.param(token(iss=SECRET), {"L04": E}, id="L04 a secret for a key"),
    pytest.param(token(iss="APIother"), {"L04": W}, id="L04 another key"),
    pytest.param(token(exp=NOW - 60), {"L05": E}, id="L05 expired"),
    pytest.param(token(exp=NOW - 59), {"L05": W}, id="L05 within the minute"),
    pytest.param(token(exp=NOW), {"L05": W}, id="L05 now"),
    pytest.param(token(exp=NOW + 1), {}, id="L05 in a second"),
    pytest.param(token(nbf=NOW + 61), {"L06": E}, id="L06 later"),
    pytest.param(token(nbf=NOW + 60), {"L06": W}, id="L06 within the minute"),
    pytest.param(token(nbf=NOW), {}, id="L06 now"),
    pytest.param(token(exp=...), {"L07": E}, id="L07 no expiry"),
    pytest.param(token(exp=None), {"L07": E, "L15": I}, id="L07 null"),
    pytest.param(token(exp="x"), {"L15": E}, id="L07 not for an unreadable one"),
    pytest.param(token(exp=NOW * 1000), {"L08": E}, id="L08 milliseconds"),
    pytest.param(token(iat=NOW * 1000), {"L08": E}, id="L08 iat in milliseconds"),
    pytest.param(token(nbf=NOW * 1000), {"L06": E, "L08": E}, id="L08 nbf in milliseconds"),
    pytest.param(
        token(exp=NOW + 10, nbf=NOW + 20),
        {
            "L06": W,
            "L08": E,
        },
        id="L08 order",
    ),
    pytest.param(token(exp=str(NOW + 60)), {"L08": E}, id="L08 in quotes"),
    pytest.param(token(exp=NOW + 86_400, iat=NOW), {}, id="L09 a day"),
    pytest.param(token(exp=NOW + 86_401, iat=NOW), {"L09": W}, id="L09 over a day"),
    pytest.param(token(exp=NOW + 86_401 * 30, iat=NOW), {"L09": S}, id="L09 over thirty days"),
    pytest.param(token(exp=NOW + 86_401, iat=NOW, video={"roomList": True}), {}, id="L09 server tokens may"),
    pytest.param(token(exp=NOW + 59, iat=NOW), {"L09": W}, id="L09 under a minute"),
    pytest.param(token(exp=NOW + 60, iat=NOW), {}, id="L09 a minute"),
    pytest.param(token(exp=NOW + 30), {}, id="L09 only the rest is under a minute"),
    pytest.param(token(sub=...), {"L10": E}, id="L10 no identity"),
    pytest.param(token(sub="", jti="j"), {}, id="L10 jti"),
    pytest.param(token(sub="a" * 256), {}, id="L10 256 bytes"),
    pytest.param(token(sub="é" * 128 + "a"), {"L10": E}, id="L10 257 bytes"),
    pytest.param(token(sub="a" * 257, video={"roomList": True}), {"L10": E}, id="L10 too long, without a room"),
    pytest.param(token(sub=..., video={"roomList": True}), {}, id="L10 none needed"),
    pytest.param(token(sub="  "), {"L10": W}, id="L10 blank"),
    pytest.param(token(sub=" a"), {"L10": W}, id="L10 blanks around"),
    pytest.param(token(sub="a\nb"), {"L10": W}, id="L10 line break"),
    pytest.param(token(sub="undefined"), {"L10": W}, id="L10 undefined"),
    pytest.param(token(sub="User"), {"L10": W}, id="L10 literal"),
    pytest.param(token(sub="user1"), {}, id="L10 nearly a literal"),
    pytest.param(video(room=...), {"L11": E}, id="L11 no room"),
    pytest.param(video(room="*"), {"L11": E}, id="L11 star"),
    pytest.param(video(room="a*"), {}, id="L11 a star in it"),
    pytest.param(video(room="a" * 257), {"L11": E}, id="L11 too long"),
    pytest.param(video(roomJoin=False), {"L12": E}, id="L12 false"),
    pytest.param(video(roomJoin=...), {"L12": E}, id="L12 missing"),
    pytest.param(video(roomJoin=..., roomAdmin=True), {}, id="L12 admin of it"),
    pytest.param(video(roomJoin="true"), {"L15": E}, id="L12 not for a misread one"),
    pytest.param(token(video=...), {"L13": E}, id="L13 no video"),
    pytest.param(token(video={}), {"L13": E}, id="L13 empty"),
    pytest.param(token(video={"canPublish": True}), {"L13": E}, id="L13 nothing of use"),
    pytest.param(token(video=..., sip={"call": True}), {}, id="L13 sip"),
    pytest.param(token(video=..., sip={}), {"L13": E}, id="L13 sip without a grant"),
    pytest.param(token(video={"agent": True}), {}, id="L13 an agent's worker"),
    pytest.param(video(room_join=True), {"L14": E}, id="L14 snake case"),
    pytest.param(token(video={"roomJoin": True, "roomName": "r"}), {"L11": E, "L14": E}, id="L14 roomName"),
    pytest.param(video(canPublsh=True), {"L14": E}, id="L14 typo"),
    pytest.param(video(somethingElse=True), {"L14": I}, id="L14 unknown grant"),
    pytest.param(token(roomJoin=True, room="r"), {"L14": E}, id="L14 outside of video"),
    pytest.param(token(room_config={}), {"L14": E}, id="L14 room_config"),
    pytest.param(token(company="x"), {"L14": I}, id="L14 unknown claim"),
    pytest.param(token(scope="x", typ="y"), {}, id="L14 harmless claims"),
    pytest.param(token(Name="x"), {"L14": I}, id="L14 letter case"),
    pytest.param(video(ROOM="x"), {"L14": I}, id="L14 letter case of a grant"),
    pytest.param(token(agentThread={"read": True}), {}, id="L14 newer grants are known"),
    pytest.param(token(metadata={}), {"L15": E}, id="L15 metadata"),
    pytest.param(token(metadata=None, name=None), {"L15": I}, id="L15 null"),
    pytest.param(token(attributes={"a": 1}), {"L15": E}, id="L15 attribute"),
    pytest.param(token(roomConfig={"metadata": 5}), {"L15": E}, id="L15 room config"),
    pytest.param(forge(text_with('"sub":"b"')), {"L15": E}, id="L15 key twice"),
    pytest.param(token(aud=float("nan")), {"L15": E}, id="L15 NaN"),
    pytest.param(token() + "=", {"L03": E, "L15": E}, id="L15 signature is no base64url"),
    pytest.param(video(canPublishSources=["camera", "screen_share"]), {}, id="L16 good"),
    pytest.param(video(canPublishSources=["CAMERA"]), {"L16": E}, id="L16 upper case"),
    pytest.param(video(canPublishSources=["screenshare"]), {"L16": E}, id="L16 screenshare"),
    pytest.param(video(canPublish=False), {"L17": W}, id="L17 data goes too"),
    pytest.param(video(canPublish=False, canPublishData=True), {}, id="L17 data is told"),
    pytest.param(
        video(canPublish=False, canPublishData=False, canPublishSources=["camera"]), {"L17": W}, id="L17 sources"
    ),
    pytest.param(video(canPublish=False, recorder=True, hidden=True), {}, id="L17 not for recorders"),
    pytest.param(
        token(kind="agent", video={"roomJoin": True, "room": "r", "canSubscribe": False}), {"L17": W}, id="L17 agent"
    ),
    pytest.param(token(video={"roomAdmin": True}), {"L18": E}, id="L18 no room"),
    pytest.param(token(video={"roomAdmin": True, "room": "r"}), {}, id="L18 room"),
    pytest.param(video(roomCreate=True), {"L19": S}, id="L19 roomCreate"),
    pytest.param(video(agent=True), {"L19": S}, id="L19 agent"),
    pytest.param(token(sip={"call": True}), {"L19": S}, id="L19 sip"),
    pytest.param(token(inference={"perform": False}), {}, id="L19 false"),
    pytest.param(
        token(kind="agent", video={"roomJoin": True, "room": "r", "agent": True}), {}, id="L19 not for agents"
    ),
    pytest.param(token(kind="robot"), {"L21": W}, id="L21 robot"),
    pytest.param(token(kind="AGENT"), {}, id="L21 letter case"),
    pytest.param(
        token(metadata=f'"{"x" * 63_998}"'), {"L22": W, "L23": W}, id="L22 64,000 bytes are fine, the token is long"
    ),
    pytest.param(token(metadata="é" * 262_145), {"L22": E, "L23": W}, id="L22 metadata"),
    pytest.param(token(attributes={"a": "x" * 65_535}), {"L22": W}, id="L22 attributes at the limit"),
    pytest.param(token(attributes={"a": "x" * 65_536}), {"L22": E}, id="L22 attributes"),
    pytest.param(token(metadata="{}" + " " * 4000), {}, id="L22 nearly long"),
    pytest.param(token(metadata="{}" + " " * 4500), {"L22": W}, id="L22 long token"),
    pytest.param(token(metadata="hello"), {"L23": W}, id="L23 no JSON"),
    pytest.param(token(metadata="[1]"), {"L23": W}, id="L23 no object"),
    pytest.param(token(metadata='"{\\"userId\\":1}"'), {"L23": W}, id="L23 encoded twice"),
    pytest.param(token(metadata='{"a":NaN}'), {"L23": W}, id="L23 NaN"),
    pytest.param(token(metadata='{"a":1}'), {}, id="L23 good"),
    pytest.param(token(metadata=""), {}, id="L23 nothing"),
]


@pytest.mark.parametrize(("text", "found"), FOUND)
def test_found(text: str, found: dict[str, str]) -> None:
    """Exactly these rules, each with this severity at its worst."""
    decoded = read(text)
    assert ids(decoded) == found
    assert decoded.valid is ("error" not in found.values())
    assert all(finding.message and not finding.message.endswith(".") for finding in decoded.findings)


def test_the_catalogue() -> None:
    """Ids are stable, unique, in order; titles are sentences."""
    names = [rule.id for rule in RULES]
    assert names == sorted(set(names))
    assert {
        "L01",
        "L02",
        "L03",
        "L05",
        "L06",
        "L07",
        "L10",
        "L11",
        "L12",
        "L13",
        "L14",
        "L15",
        "L16",
        "L18",
        "L23",
    } <= {*names}
    for rule in RULES:
        assert rule.title[0].isupper() or rule.title.startswith("roomAdmin")
        assert not rule.title.endswith(".")


SUGGESTIONS = [
    (video(room_join=True), "Write roomJoin"),
    (video(**{"can-publish": True}), "Write canPublish"),
    (video(canPublishSource=["camera"]), "Write canPublishSources"),
    (token(video={"roomJoin": True, "roomName": "r"}), "Write room"),
    (token(canPublish=True), "Write it into video, as canPublish"),
    (token(can_publish=True), "Write it into video, as canPublish"),
    (token(metaData="x"), "Write metadata"),
    (token(meta_data="x"), "Write metadata"),
    (video(canPublishSources=["Screen-Share"]), "Write screen_share"),
]


@pytest.mark.parametrize(("text", "hint"), SUGGESTIONS)
def test_suggestions(text: str, hint: str) -> None:
    """The right spelling is told."""
    assert hint in [finding.hint for finding in read(text).findings]


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

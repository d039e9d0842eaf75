"""`lkctl diagnose --token` and a real server: whose token it is, what is wrong with it, and no trace left there."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lkctl.checks.tokencase import TokenCase
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.tokens.signer import sign
from tests.apps import Asked, Said, serving_app
from tests.guests import guest
from tests.harness import SECRETS, Done, invoke, spawn
from tests.redis import api_of

pytestmark = pytest.mark.live
ROOM = "lkctl-token"
OTHER_KEY = "APIother1other2"
AGENTS = {"agents": [{"agentName": "helper", "metadata": "{}"}]}


class Mint:
    """Makes tokens for one server; `...` takes a claim away."""

    def __init__(self, server: LocalServer, other: str) -> None:
        self.server = server
        self.other = other
        self.now = int(time.time())

    def __call__(self, *, key: str = "", secret: str = "", **changes: Any) -> str:
        video = {"roomJoin": True, "room": ROOM}
        claims = {"iss": key or self.server.key, "sub": "alice", "exp": self.now + 600, "video": video, **changes}
        kept = {name: value for name, value in claims.items() if value is not ...}
        return sign(kept, secret or self.server.secret.reveal())


@pytest.fixture
def mint(server: LocalServer, secret: str) -> Iterator[Mint]:
    """Tokens for the server; no room is made by any of it."""
    before = rooms(server)
    yield Mint(server, secret)
    assert rooms(server) == before


def rooms(server: LocalServer) -> set[str]:
    """Name the rooms that the server has."""
    return {room.name for room in api_of(server).list_rooms()}


def report(token: str, *words: str) -> tuple[Done, dict[str, Any]]:
    """Diagnose a token from standard input; it does not come out again, neither here nor for people."""
    told = invoke("diagnose", "--token", "-", *words, stdin=token)
    done = invoke("diagnose", "--token", "-", "-o", "json", *words, stdin=token)
    assert told.code == done.code
    if "." in token:
        assert token not in told.out + told.err + done.out + done.err
    return done, json.loads(done.out)


def results(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the results of a report by their ids."""
    return {result["id"]: result for result in shown["results"]}


def test_a_good_token(mint: Mint) -> None:
    """Nothing but passes, and each says what it does not prove where people misread it."""
    done, shown = report(mint(metadata='{"userId": "user_1704067200000_abc123"}'))
    by_id = results(shown)
    mine = [result for result in shown["results"] if result["area"] == "token"]
    assert (done.code, shown["verdict"]) == (0, "pass")
    assert {result["status"] for result in mine} == {"pass"}
    assert len(mine) == 9
    assert "proves neither a place in the room nor a path for media" in by_id["token.server"]["detail"]
    assert "who is inside stays" in by_id["token.times"]["detail"]
    assert "may join room lkctl-token" in by_id["token.grants"]["detail"]
    assert "user_1704067200000_abc123" in by_id["token.contents"]["detail"]


# the token, the check that is the cause, its code, words of the cause, whether the server refuses it
BAD: dict[str, tuple[Callable[[Mint], str], str, str, str, bool]] = {
    "no JWT": (lambda _: "undefined", "token.form", "L01", "not a JWT", False),
    "a promise": (lambda _: "[object Promise]", "token.form", "L01", "not a JWT", False),
    "two tokens": (lambda m: f"{m()}\n{m(sub='bob')}", "token.form", "usage", "more than one holds a token", False),
    "RS256": (lambda m: "eyJhbGciOiJSUzI1NiJ9." + m().split(".", 1)[1], "token.claims", "L02", "HS256", True),
    "metadata object": (lambda m: m(metadata={}), "token.claims", "L15", "metadata is an object", True),
    "another secret": (lambda m: m(secret=m.other), "token.signature", "L03", "does not fit", True),
    "another key": (lambda m: m(key=OTHER_KEY, secret=m.other), "token.signature", "L04", "APIot", True),
    "no key": (lambda m: m(iss=...), "token.signature", "L04", "no API key is named", True),
    "expired": (lambda m: m(exp=m.now - 3600), "token.times", "L05", "expired 1 h", True),
    "expired, of another secret": (
        lambda m: m(exp=m.now - 3600, secret=m.other), "token.signature", "L03", "does not fit", True,
    ),
    "not yet": (lambda m: m(nbf=m.now + 3600, exp=m.now + 7200), "token.times", "L06", "not valid for another", True),
    "no expiry": (lambda m: m(exp=...), "token.times", "L07", "never expires", False),
    "milliseconds": (lambda m: m(exp=m.now * 1000), "token.times", "L08", "milliseconds", False),
    "milliseconds, and no identity": (
        lambda m: m(exp=m.now * 1000, sub=...), "token.grants", "L10", "has no identity", True,
    ),
    "roomName": (
        lambda m: m(video={"roomJoin": True, "roomName": ROOM}), "token.grants", "L14", "video.roomName", True,
    ),
    "no identity": (lambda m: m(sub=...), "token.grants", "L10", "has no identity", True),
    "no roomJoin": (lambda m: m(video={"room": ROOM}), "token.grants", "L12", "roomJoin is not true", True),
    "no grants": (lambda m: m(video=...), "token.grants", "L13", "grants nothing", True),
    "admin without room": (lambda m: m(video={"roomAdmin": True}), "token.grants", "L18", "none is named", False),
    "huge metadata": (lambda m: m(metadata="x" * 600_000), "token.contents", "L22", "over the limit", False),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_the_cause_is_in_the_token(name: str, mint: Mint) -> None:
    """One cause, whose refusal by the server follows from it; what the server says is there, too."""
    make, check, code, words, refused = BAD[name]
    done, shown = report(make(mint))
    cause = shown["probable_cause"]
    assert (done.code, cause["check"], cause["code"]) == (1, check, code)
    assert words in cause["message"]
    assert cause["hint"]
    assert [other for other in cause["others"] if not other.startswith("token.")] == []
    assert ("token.server" in cause["follows"]) is (refused or check == "token.form")
    if refused:
        assert results(shown)["token.server"]["detail"].startswith(mint.server.http_url + " refuses it: 4")


# the token, the check that warns, with what severity, words
ODD: dict[str, tuple[Callable[[Mint], str], str, str, str]] = {
    "recorder": (
        lambda m: m(video={"roomJoin": True, "room": ROOM, "recorder": True}), "token.grants", "warn", "recorder",
    ),
    "server grants": (
        lambda m: m(video={"roomJoin": True, "room": ROOM, "roomCreate": True}), "token.grants", "security",
        "roomCreate",
    ),
    "text for metadata": (lambda m: m(metadata="hello"), "token.contents", "warn", "not JSON"),
    "a month": (lambda m: m(exp=m.now + 20 * 86400), "token.times", "warn", "valid for"),
    "a secret in it": (
        lambda m: m(metadata=json.dumps({"password": "correct-horse-1"})), "token.contents", "security", "a password",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_only_odd_fails_nothing(name: str, mint: Mint) -> None:
    """It is a warning; --strict makes the security findings failures."""
    make, check, severity, words = ODD[name]
    token = make(mint)
    done, shown = report(token)
    result = results(shown)[check]
    assert (done.code, result["status"], result["findings"][0]["severity"]) == (0, "warn", severity)
    assert words in result["findings"][0]["message"]


def test_the_pair_that_fits_is_found(mint: Mint) -> None:
    """It lies in a file nearby: said with its line; the configured one is named, too."""
    text = f"LIVEKIT_URL=wss://x.example\nLIVEKIT_API_KEY={OTHER_KEY}\nLIVEKIT_API_SECRET={mint.other}\n"
    Path(".env.staging").write_text(text)
    Path(".env.staging").chmod(0o600)
    _, shown = report(mint(key=OTHER_KEY, secret=mint.other))
    cause = shown["probable_cause"]
    assert cause["check"] == "token.signature"
    assert f"the token names the API key APIot…r2, but {mint.server.key[:5]}" in cause["message"]
    assert "it fits the secret of .env.staging:3" in cause["message"]
    assert "its signature fits the secret of .env.staging:3" in cause["evidence"]


def test_the_server_takes_it_although_another_pair_is_configured(mint: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the settings are wrong, and not the token."""
    token = mint()
    monkeypatch.setenv("LIVEKIT_API_KEY", OTHER_KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", mint.other)
    done, shown = report(token)
    by_id = results(shown)
    assert (done.code, shown["probable_cause"]["check"]) == (1, "api.auth")
    assert (by_id["token.server"]["status"], by_id["token.signature"]["status"]) == ("pass", "warn")


def test_the_configured_pair_is_wrong_and_made_the_token(mint: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cause: the pair, which api.auth judges."""
    monkeypatch.setenv("LIVEKIT_API_KEY", OTHER_KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", mint.other)
    _, shown = report(mint(key=OTHER_KEY, secret=mint.other))
    assert (shown["probable_cause"]["check"], shown["probable_cause"]["code"]) == ("api.auth", "auth-key")
    assert results(shown)["token.server"]["code"] == "auth-key"


def test_without_a_key_the_server_still_judges(mint: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL is enough for --only token.*: who accepts it has proven its signature."""
    monkeypatch.delenv("LIVEKIT_API_KEY")
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    done, shown = report(mint(), "--only", "token.*", "--skip", "token.room")
    assert done.code == 0
    assert results(shown)["token.signature"]["detail"] == "signature proven by the server, which accepts it"
    refused, shown = report(mint(secret=mint.other), "--only", "token.*", "--skip", "token.room")
    assert refused.code == 1
    assert "signature is invalid" in results(shown)["token.server"]["detail"]


def test_without_a_server_the_rest_is_judged(mint: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens there: that is the cause, and the token is read all the same."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    done, shown = report(mint())
    by_id = results(shown)
    assert (done.code, shown["probable_cause"]["check"]) == (1, "net.tcp")
    assert (by_id["token.signature"]["status"], by_id["token.server"]["status"]) == ("pass", "skip")


def test_a_token_for_the_api_is_not_asked_to_join(mint: Mint) -> None:
    """The API takes it, which proves it; what it may not do, its grants say."""
    done, shown = report(mint(sub=..., video={"roomList": True}))
    by_id = results(shown)
    assert done.code == 0
    assert "it is for the server's API, not for joining" in by_id["token.server"]["detail"]
    assert "of the API's grants it has not: roomAdmin, roomCreate, roomRecord" in by_id["token.grants"]["detail"]
    expired, shown = report(mint(sub=..., video={"roomList": True}, exp=mint.now - 3600))
    assert (expired.code, shown["probable_cause"]["code"]) == (1, "L05")


def test_a_clock_that_is_ahead(mint: Mint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By this machine's clock the token is over; the server takes it, and the clock is the cause."""
    (tmp_path / "sitecustomize.py").write_text("import time\n_r = time.time\ntime.time = lambda: _r() + 3600\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = spawn("diagnose", "--token", "-", "-o", "json", stdin=mint())
    shown = json.loads(done.out)
    by_id = results(shown)
    assert shown["probable_cause"]["check"] == "clock.skew"
    assert (by_id["token.times"]["status"], by_id["token.server"]["status"]) == ("pass", "pass")


def test_the_minting_machine_is_ahead(mint: Mint) -> None:
    """When it was minted tells so."""
    _, shown = report(mint(nbf=mint.now + 300, iat=mint.now + 300, exp=mint.now + 900))
    assert "the clock of the machine that minted it is ahead" in shown["probable_cause"]["evidence"][0]


@pytest.fixture
def inside(server: LocalServer, room: str) -> Iterator[str]:
    """A room with alice in it, and a place for one only."""
    api_of(server).create_room(RoomRequest(name=room, max_participants=1))
    with guest(server, "alice", room):
        yield room


def test_who_is_inside_and_who_has_no_place(server: LocalServer, secret: str, inside: str) -> None:
    """The same identity puts the other one out; another one finds no place; an agent needs none."""
    mint = Mint(server, secret)
    video = {"roomJoin": True, "room": inside}
    same = report(mint(video=video, roomConfig=AGENTS), "--only", "token.*")[1]
    full = report(mint(video=video, sub="bob"), "--only", "token.*")
    agent = report(mint(video=video, sub="helper", kind="agent"), "--only", "token.*")
    said = [finding["message"] for finding in results(same)["token.room"]["findings"]]
    assert results(same)["token.room"]["status"] == "warn"
    assert any("the room is open already: roomConfig will be ignored (L26)" in message for message in said)
    assert any("DUPLICATE_IDENTITY" in message for message in said)
    assert (full[0].code, full[1]["probable_cause"]["check"]) == (1, "token.room")
    assert "is full: 1 of 1" in full[1]["probable_cause"]["message"]
    assert agent[0].code == 0


def test_joining_makes_no_rooms(
    start_livekit_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """auto_create is off and the room absent: the one cause, with the command that mends it."""
    server = start_livekit_server(settings={"room": {"auto_create": False}})
    SECRETS.add(server.secret.reveal())
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    token = Mint(server, "")()
    done, shown = report(token)
    assert (done.code, shown["probable_cause"]["check"], shown["probable_cause"]["code"]) == (
        1, "token.server", "room-missing",
    )  # fmt: skip
    assert "auto_create is off" in shown["probable_cause"]["message"]
    _, both = report(token, "--room", ROOM)
    cause = both["probable_cause"]
    assert (cause["check"], cause["fix"]["command"]) == ("room.live", f"lkctl room create {ROOM}")
    assert "token.server" in cause["follows"]


V1: dict[str, tuple[Said, str]] = {
    "an older server": (Said("404 page not found\n", 404), "has no /rtc/v1, which newer clients ask first"),
    "a proxy between": (
        Said("no permissions to access the room", 401),
        "accepts it at /rtc/validate, but not at /rtc/v1/validate: 401 no permissions to access the room",
    ),
}


@pytest.mark.parametrize("name", V1)
def test_newer_clients_are_answered_otherwise(name: str, mint: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Advice, since they fall back to the older path; not this server, but one that stands for others, says so."""
    said, words = V1[name]
    token, livekit = mint(), Said({"code": "bad_route", "msg": 'unsupported method "GET"'}, 404)

    def server(asked: Asked) -> Said:
        return livekit if "/twirp/" in asked.path else said if "/v1/" in asked.path else Said("success")

    with serving_app(server) as url:
        monkeypatch.setenv("LIVEKIT_URL", url)
        done, shown = report(token, "--only", "token.*", "--skip", "token.room")
    result = results(shown)["token.server_v1"]
    assert (done.code, result["status"]) == (0, "warn")
    assert words in result["detail"]


def test_a_case_never_shows_its_token(mint: Mint) -> None:
    """Neither in a log nor in a traceback."""
    case = TokenCase("token", mint(), (), None, None, None, 0.0)  # type: ignore[arg-type]
    assert "eyJ" not in repr(case)

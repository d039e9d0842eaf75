"""`lkctl token verify --server` and a real server: its own answer to every kind of token, and no trace left there."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import SECRETS, Done, invoke
from tests.tokens.forge import HEADER, forge

pytestmark = pytest.mark.live
ROOM = "lkctl-verify"
ROOM_CONFIG = {"agents": [{"agentName": "lkctl-none"}], "metadata": "{}"}


class Forger:
    """Makes tokens for one server."""

    def __init__(self, server: LocalServer) -> None:
        self.secret = server.secret.reveal()
        self.now = int(time.time())
        video = {"roomJoin": True, "room": ROOM}
        self.base: dict[str, Any] = {"iss": server.key, "sub": "alice", "exp": self.now + 600, "video": video}

    def sign(self, payload: Any, header: Any = None, secret: str = "", digest: str = "sha256") -> str:
        """Sign any payload, with the server's secret or another one."""
        return forge(payload, header, secret=secret or self.secret, digest=digest)

    def claims(self, **changes: Any) -> str:
        """Sign good claims with changes; `...` takes a claim away."""
        return self.sign({name: value for name, value in {**self.base, **changes}.items() if value is not ...})

    def video(self, **changes: Any) -> str:
        """Sign good claims with changed video grants; `...` takes one away."""
        grants = {**self.base["video"], **changes}
        return self.claims(video={name: value for name, value in grants.items() if value is not ...})


def verify(text: str, *words: str) -> tuple[Done, dict[str, Any]]:
    """Verify through the command, the token on standard input; it must not come out again."""
    done = invoke("token", "verify", "-", "--server", "-o", "json", "--debug", *words, stdin=text)
    assert text not in done.out + done.err
    return done, json.loads(done.out)


def has_room(name: str) -> bool:
    """Whether the server has this room."""
    return name in invoke("room", "list", "-o", "name").out.split()


# the token, status, code, what the reason holds
TOKENS: dict[str, tuple[Callable[[Forger], str], int, str, str]] = {
    "good": (lambda f: f.claims(), 200, "accepted", "^success$"),
    "unknown claims": (lambda f: f.claims(tenant=5), 200, "accepted", "^success$"),
    "header with blanks": (lambda f: f.sign(f.base, ' {"alg" : "HS256"}'), 200, "accepted", "^success$"),
    "no exp": (lambda f: f.claims(exp=...), 200, "accepted", "^success$"),
    "wrong secret": (lambda f: f.sign(f.base, secret="x" * 40), 401, "signature", "signature is invalid$"),
    "wrong secret, header with blanks": (
        lambda f: f.sign(f.base, ' {"alg" : "HS256"}', secret="x" * 40), 401, "signature", "^token signature is",
    ),
    "end cut off": (lambda f: f.claims()[:-3], 401, "signature", "signature is invalid$"),
    "unknown key": (lambda f: f.claims(iss="APIunknown12345"), 401, "key", "^invalid API key$"),
    "a key of hostile words": (lambda f: f.claims(iss="token is expired"), 401, "key", "^invalid API key$"),
    "no key": (lambda f: f.claims(iss=...), 401, "key", "^invalid API key$"),
    "HS512": (lambda f: f.sign(f.base, {**HEADER, "alg": "HS512"}, digest="sha512"), 401, "algorithm", "HS512"),
    "none": (lambda f: f.sign(f.base, {"alg": "none"}), 401, "algorithm", "method none is"),
    "expired": (lambda f: f.claims(exp=f.now - 3600), 401, "expired", "token is expired$"),
    "not yet": (lambda f: f.claims(nbf=f.now + 3600), 401, "not-yet", "token is not valid yet$"),
    "metadata object": (lambda f: f.claims(metadata={}), 401, "wrong-type", "ClaimGrants.metadata of type string"),
    "roomJoin text": (lambda f: f.video(roomJoin="true"), 401, "wrong-type", "video.roomJoin of type bool"),
    "roomConfig": (lambda f: f.claims(roomConfig={"metadata": {}}), 401, "wrong-type", "proto:"),
    "roomConfig, hostile": (
        lambda f: f.claims(roomConfig={"emptyTimeout": "invalid API key"}), 401, "wrong-type", "proto:",
    ),
    "key a number": (lambda f: f.claims(iss=5), 401, "malformed", "^invalid authorization token$"),
    "signature of blanks": (lambda f: f.claims() + " x", 401, "malformed", "^invalid authorization token$"),
    "roomJoin false": (lambda f: f.video(roomJoin=False), 401, "grant", "^permissions denied$"),
    "no video": (lambda f: f.claims(video=...), 401, "no-permissions", "^no permissions to access the room$"),
    "no identity": (lambda f: f.claims(sub=...), 400, "identity", "^identity cannot be empty$"),
    "identity too long": (lambda f: f.claims(sub="é" * 129), 400, "identity-too-long", "max length 256$"),
    "no room": (lambda f: f.video(room=...), 400, "room", "^no room name$"),
    "room too long": (lambda f: f.video(room="r" * 257), 400, "room-too-long", "max length 256$"),
    "over a MiB": (lambda f: f.claims(metadata="x" * 1_000_000), 431, "too-large", "^request header fields too large$"),
    "over 5 MiB": (lambda f: f.claims(metadata="x" * 4_000_000), 431, "too-large", "^request header fields too large$"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
def test_the_servers_own_answer(name: str, server: LocalServer) -> None:
    """Status, code and reason; foreseen wherever it could be; no room is made."""
    make, status, code, reason = TOKENS[name]
    done, shown = verify(make(Forger(server)))
    said = shown["server"]
    assert (said["url"], said["status"], said["code"]) == (server.http_url, status, code)
    assert said["accepted"] is (status == 200)
    assert re.search(reason, said["reason"])
    assert said["as_predicted"] is (True if shown["join"]["status"] else None)
    assert said["evidence"] == []
    assert done.code == (0 if shown["ok"] else 1)
    assert shown["ok"] is (status == 200 and name != "no exp")
    assert not has_room(ROOM)


API_TOKENS: dict[str, Callable[[Forger], str]] = {
    "admin": lambda f: f.claims(video={"roomCreate": True, "roomList": True}),
    "room admin": lambda f: f.claims(video={"roomAdmin": True, "room": ROOM}),
    "SIP": lambda f: f.claims(video=..., sip={"call": True}),
}


@pytest.mark.parametrize("name", API_TOKENS)
def test_a_token_for_the_api_is_told_so(name: str, server: LocalServer) -> None:
    """That it may not join is no fault of it."""
    done, shown = verify(API_TOKENS[name](Forger(server)))
    assert done.code == 1
    assert shown["server"]["evidence"] == [
        "it is a token for the server's API, which this question does not try: it is about joining a room only"
    ]


def test_no_secret_is_needed(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL alone; the server proves the signature, or does not."""
    monkeypatch.delenv("LIVEKIT_API_KEY")
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    forger = Forger(server)
    assert verify(forger.claims())[0].code == 0
    refused, shown = verify(forger.sign(forger.base, secret="x" * 40))
    assert (refused.code, shown["server"]["code"], shown["signature"]) == (1, "signature", "unverified")


def test_another_secret_is_configured(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said both ways: the token fits the server's secret; the token fits the configured one."""
    forger = Forger(server)
    monkeypatch.setenv("LIVEKIT_API_SECRET", "x" * 40)
    _, accepted = verify(forger.claims())
    done, refused = verify(forger.sign(forger.base, secret="x" * 40))
    assert [accepted["server"][name] for name in ("code", "as_predicted")] == ["accepted", False]
    assert "is not the configured one" in accepted["server"]["evidence"][1]
    assert [refused["server"][name] for name in ("code", "as_predicted")] == ["signature", False]
    assert "the server has another secret for" in refused["server"]["evidence"][1]
    assert done.code == 1


def test_a_newer_server_was_expected(server: LocalServer) -> None:
    """Without exp: foreseen for 1.13.6 is a refusal, and 1.13.5 takes it."""
    done, shown = verify(Forger(server).claims(exp=...), "--server-version", "1.13.6")
    assert (done.code, shown["join"]["accepted"], shown["server"]["code"]) == (1, False, "accepted")
    assert shown["server"]["as_predicted"] is False
    assert "older than 1.13.6" in shown["server"]["evidence"][1]


def test_a_second_key_of_the_server(start_livekit_server: Callable[..., LocalServer]) -> None:
    """A key that is not the configured one is an error; where the server takes it, a warning."""
    keys = {"APIfirst1234567": "first-secret-0123456789-0123456789-0123", "APIother1234567": "o" * 43}
    SECRETS.update(keys.values())
    server = start_livekit_server(keys=keys)
    text = Forger(server).sign({**Forger(server).base, "iss": "APIother1234567"}, secret="o" * 43)
    words = ["--url", server.url, "--api-key", server.key, "--api-secret", server.secret.reveal()]
    done, shown = verify(text, *words)
    assert (done.code, shown["server"]["accepted"]) == (0, True)
    assert [(finding["id"], finding["severity"]) for finding in shown["findings"]] == [("L04", "warning")]
    offline = json.loads(invoke("token", "verify", "-", "-o", "json", *words, stdin=text).out)
    assert [(finding["id"], finding["severity"]) for finding in offline["findings"]] == [("L04", "error")]


def test_rooms_that_are_not_made_by_joining(start_livekit_server: Callable[..., LocalServer]) -> None:
    """404, and what to do; with roomCreate, or once there is the room, it is accepted."""
    server = start_livekit_server(settings={"room": {"auto_create": False}})
    SECRETS.add(server.secret.reveal())
    forger = Forger(server)
    words = ["--url", server.url, "--api-key", server.key, "--api-secret", server.secret.reveal()]
    done, shown = verify(forger.claims(), *words)
    assert (done.code, shown["server"]["status"], shown["server"]["code"]) == (1, 404, "room-missing")
    assert shown["server"]["evidence"][1].endswith(f"lkctl room create {ROOM}")
    assert verify(forger.video(roomCreate=True), *words)[0].code == 0
    assert invoke("room", "create", ROOM, *words).code == 0
    assert verify(forger.claims(), *words)[0].code == 0


def test_a_room_that_is_open_already(server: LocalServer) -> None:
    """What the token would configure has no effect (L26)."""
    room = f"{ROOM}-open"
    text = Forger(server).claims(video={"roomJoin": True, "room": room}, roomConfig=ROOM_CONFIG)
    _, before = verify(text, "--agent", "lkctl-none")
    assert not has_room(room)
    assert invoke("room", "create", room).code == 0
    try:
        done, after = verify(text, "--agent", "lkctl-none")
    finally:
        invoke("room", "delete", room, "--yes")
    found = [{finding["id"] for finding in shown["findings"]} for shown in (before, after)]
    assert (done.code, ["L26" in ids for ids in found]) == (0, [False, True])


def test_what_is_minted_is_verified(server: LocalServer) -> None:
    """From one command to the next."""
    minted = invoke("token", "mint", "--user-id", "user_1704067200000_abc123").out
    words = ["--user-id", "user_1704067200000_abc123", "--require", "roomJoin", "--require", "!roomAdmin"]
    done = invoke("token", "verify", "--server", *words, "--min-ttl", "5h", stdin=minted)
    assert (done.code, done.out.splitlines()[0]) == (0, "ok\ttrue")


def test_a_path_that_is_not_livekits(server: LocalServer) -> None:
    """Exit 5: no verdict on the token."""
    done = invoke("token", "verify", "-", "--server", "--url", f"{server.http_url}/x", stdin=Forger(server).claims())
    assert (done.code, done.out) == (5, "")
    assert "not-livekit" in done.err


def test_https_to_a_plain_port(server: LocalServer) -> None:
    """Exit 5, and the token is not sent."""
    url = server.url.replace("ws:", "wss:")
    done = invoke("token", "verify", "-", "--server", "--url", url, stdin=Forger(server).claims())
    assert (done.code, done.out) == (5, "")
    assert "without TLS" in done.err


def test_a_stopped_server(start_livekit_server: Callable[..., LocalServer]) -> None:
    """Exit 5."""
    server = start_livekit_server()
    url, text = server.url, Forger(server).claims()
    server.stop()
    done = invoke("token", "verify", "-", "--server", "--url", url, stdin=text)
    assert (done.code, done.out) == (5, "")

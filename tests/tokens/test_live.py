"""The prediction against the real server: each token goes to GET /rtc/validate, and must be foreseen."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.settings.shape import Pair
from lkctl.tokens.decoding import decode
from lkctl.tokens.minting import TokenRequest, mint
from lkctl.tokens.roles import ROLES
from tests.tokens.door import Door, kind
from tests.tokens.forge import HEADER, forge

pytestmark = pytest.mark.live
VIDEO = {"roomJoin": True, "room": "demo"}


class Forger:
    """Makes tokens for one server."""

    def __init__(self, key: str, secret: str) -> None:
        self.key = key
        self.secret = secret
        self.now = int(time.time())

    @property
    def base(self) -> dict[str, Any]:
        """Good claims."""
        return {"iss": self.key, "sub": "alice", "exp": self.now + 600, "video": VIDEO}

    def sign(self, payload: Any, header: Any = None, secret: str | None = None) -> str:
        """Sign any payload, with the server's secret or another one."""
        return forge(payload, header, secret=secret or self.secret)

    def claims(self, **changes: Any) -> str:
        """Sign good claims with changes; `...` takes a claim away."""
        return self.sign({name: value for name, value in {**self.base, **changes}.items() if value is not ...})

    def video(self, **changes: Any) -> str:
        """Sign good claims with changed video grants."""
        return self.claims(video={**VIDEO, **changes})

    def room(self, **config: Any) -> str:
        """Sign good claims with a roomConfig."""
        return self.claims(roomConfig=config)

    def text(self, extra: str, **changes: Any) -> str:
        """Sign good claims with more JSON text at their end."""
        return self.sign(json.dumps({**self.base, **changes})[:-1] + "," + extra + "}")


TOKENS: dict[str, Callable[[Forger], str]] = {
    "good": lambda f: f.claims(),
    "wrong secret": lambda f: f.sign(f.base, secret="x" * 40),
    "wrong secret and expired": lambda f: f.sign({**f.base, "exp": 1}, secret="x" * 40),
    "wrong secret and a wrong type": lambda f: f.sign({**f.base, "name": 5}, secret="x" * 40),
    "HS512": lambda f: f.sign(f.base, {**HEADER, "alg": "HS512"}),
    "HS512 and a wrong type": lambda f: f.sign({**f.base, "name": 5}, {**HEADER, "alg": "HS512"}),
    "EdDSA": lambda f: f.sign(f.base, {**HEADER, "alg": "EdDSA"}),
    "alg none": lambda f: f.sign(f.base, {"alg": "none"}),
    "alg none, no signature": lambda f: f.sign(f.base, {"alg": "none"}).rpartition(".")[0] + ".",
    "alg unknown": lambda f: f.sign(f.base, {"alg": "XX"}),
    "alg a number": lambda f: f.sign(f.base, {"alg": 5}),
    "alg missing": lambda f: f.sign(f.base, {"typ": "JWT"}),
    "ALG": lambda f: f.sign(f.base, {"ALG": "HS256"}),
    "kid and crit": lambda f: f.sign(f.base, {"alg": "HS256", "kid": "x", "crit": ["y"]}),
    "header with blanks": lambda f: f.sign(f.base, ' {"alg" : "HS256"} '),
    "end cut off": lambda f: f.claims()[:-3],
    "no signature": lambda f: f.claims().rpartition(".")[0] + ".",
    "signature not base64url": lambda f: f.claims().rpartition(".")[0] + ".!!",
    "padding": lambda f: f.claims() + "=",
    "iss a number": lambda f: f.claims(iss=5),
    "iss empty": lambda f: f.claims(iss=""),
    "iss null": lambda f: f.claims(iss=None),
    "aud a list": lambda f: f.claims(aud=["a"]),
    "aud a number": lambda f: f.claims(aud=5),
    "aud with null": lambda f: f.claims(aud=[None]),
    "jti a number": lambda f: f.claims(jti=5),
    "iat text": lambda f: f.claims(iat="x"),
    "iat in an hour": lambda f: f.claims(iat=f.now + 3600),
    "expired 50 s ago": lambda f: f.claims(exp=f.now - 50),
    "expired 70 s ago": lambda f: f.claims(exp=f.now - 70),
    "exp 0": lambda f: f.claims(exp=0),
    "exp negative": lambda f: f.claims(exp=-5),
    "exp in ms": lambda f: f.claims(exp=f.now * 1000),
    "exp in ns": lambda f: f.claims(exp=f.now * 1_000_000_000),
    "exp 1e20": lambda f: f.claims(exp=1e20),
    "exp near 64 bits": lambda f: f.claims(exp=9223372036854770000),
    "exp 1e400": lambda f: f.text('"exp":1e400'),
    "exp 400 digits": lambda f: f.text('"exp":1' + "0" * 400),
    "exp real": lambda f: f.claims(exp=f.now + 0.5),
    "exp in quotes": lambda f: f.claims(exp=str(f.now + 60)),
    "exp in quotes, past": lambda f: f.claims(exp=str(f.now - 600)),
    "exp +5": lambda f: f.claims(exp="+5"),
    "exp abc": lambda f: f.claims(exp="abc"),
    "exp empty": lambda f: f.claims(exp=""),
    "exp true": lambda f: f.claims(exp=True),
    "exp null": lambda f: f.claims(exp=None),
    "exp missing": lambda f: f.claims(exp=...),
    "nbf in 50 s": lambda f: f.claims(nbf=f.now + 50),
    "nbf in 70 s": lambda f: f.claims(nbf=f.now + 70),
    "nbf in ms": lambda f: f.claims(nbf=f.now * 1000),
    "nbf 1e20": lambda f: f.claims(nbf=1e20),
    "expired and not begun": lambda f: f.claims(exp=f.now - 600, nbf=f.now + 600),
    "metadata object": lambda f: f.claims(metadata={}),
    "metadata number": lambda f: f.claims(metadata=5),
    "metadata null": lambda f: f.claims(metadata=None),
    "attribute number": lambda f: f.claims(attributes={"a": 1}),
    "attribute null": lambda f: f.claims(attributes={"a": None}),
    "attributes list": lambda f: f.claims(attributes=[1]),
    "name list": lambda f: f.claims(name=[]),
    "kind number": lambda f: f.claims(kind=4),
    "kind robot": lambda f: f.claims(kind="robot"),
    "kindDetails text": lambda f: f.claims(kindDetails="x"),
    "kindDetails number": lambda f: f.claims(kindDetails=[5]),
    "identity number": lambda f: f.claims(identity=5),
    "roomJoin text": lambda f: f.video(roomJoin="true"),
    "roomJoin 1": lambda f: f.video(roomJoin=1),
    "roomJoin null": lambda f: f.video(roomJoin=None),
    "room number": lambda f: f.video(room=5),
    "sources text": lambda f: f.video(canPublishSources="camera"),
    "sources number": lambda f: f.video(canPublishSources=[5]),
    "sources null": lambda f: f.video(canPublishSources=[None]),
    "video text": lambda f: f.claims(video="x"),
    "video list": lambda f: f.claims(video=[]),
    "video null": lambda f: f.claims(video=None),
    "video missing": lambda f: f.claims(video=...),
    "video empty": lambda f: f.claims(video={}),
    "sip true": lambda f: f.claims(sip=True),
    "sip admin text": lambda f: f.claims(sip={"admin": "x"}),
    "agent admin text": lambda f: f.claims(agent={"admin": "x"}),
    "newer agent grant": lambda f: f.claims(agent={"databaseAdmin": "x"}),
    "newer group": lambda f: f.claims(agentThread=5),
    "two wrong types": lambda f: f.claims(name=5, metadata={}),
    "wrong type, then roomConfig": lambda f: f.claims(name=5, roomConfig="x"),
    "roomConfig text": lambda f: f.claims(roomConfig="x"),
    "roomConfig list": lambda f: f.claims(roomConfig=[]),
    "roomConfig null": lambda f: f.claims(roomConfig=None),
    "roomConfig snake case": lambda f: f.room(empty_timeout=5, agents=[{"agent_name": "a"}]),
    "roomConfig unknown field": lambda f: f.room(nonsense=5),
    "roomConfig metadata object": lambda f: f.room(metadata={}),
    "roomConfig metadata half a pair": lambda f: f.room(metadata="\ud800"),
    "roomConfig timeout text": lambda f: f.room(emptyTimeout="abc"),
    "roomConfig timeout in quotes": lambda f: f.room(emptyTimeout="5"),
    "roomConfig timeout with a blank": lambda f: f.room(emptyTimeout=" 5"),
    "roomConfig timeout real": lambda f: f.room(emptyTimeout=5.0),
    "roomConfig timeout fraction": lambda f: f.room(emptyTimeout=5.5),
    "roomConfig timeout negative": lambda f: f.room(emptyTimeout=-1),
    "roomConfig timeout too large": lambda f: f.room(emptyTimeout=2**32),
    "roomConfig timeout twice": lambda f: f.room(emptyTimeout=1, empty_timeout=2),
    "roomConfig field of another letter case": lambda f: f.room(EmptyTimeout="abc"),
    "roomConfig agents object": lambda f: f.room(agents={}),
    "roomConfig agents null": lambda f: f.room(agents=[None]),
    "roomConfig agentName number": lambda f: f.room(agents=[{"agentName": 5}]),
    "roomConfig policy unknown": lambda f: f.room(agents=[{"restartPolicy": "BAD"}]),
    "roomConfig policy true": lambda f: f.room(agents=[{"restartPolicy": True}]),
    "roomConfig tag number": lambda f: f.room(tags={"a": 1}),
    "roomConfig egress number": lambda f: f.room(egress=5),
    "roomConfig syncStreams text": lambda f: f.room(syncStreams="true"),
    "sub missing": lambda f: f.claims(sub=...),
    "sub number": lambda f: f.claims(sub=5),
    "sub empty, jti": lambda f: f.claims(sub="", jti="j"),
    "sub blank": lambda f: f.claims(sub=" "),
    "sub half a pair": lambda f: f.claims(sub="\ud800"),
    "sub not UTF-8": lambda f: f.sign(json.dumps({**f.base, "sub": "XY"}).encode().replace(b"XY", b"\xff\xfe")),
    "sub 256 bytes": lambda f: f.claims(sub="a" * 256),
    "sub 257 bytes": lambda f: f.claims(sub="a" * 257),
    "sub 258 bytes": lambda f: f.claims(sub="é" * 129),
    "name 257 bytes": lambda f: f.claims(name="a" * 257),
    "room missing": lambda f: f.claims(video={"roomJoin": True}),
    "roomName": lambda f: f.claims(video={"roomJoin": True, "roomName": "r"}),
    "room 257 bytes": lambda f: f.video(room="a" * 257),
    "room *": lambda f: f.video(room="*"),
    "room_join": lambda f: f.claims(video={"room_join": True, "room": "r"}),
    "ROOMJOIN": lambda f: f.claims(video={"ROOMJOIN": True, "Room": "r"}),
    "grants at the top": lambda f: f.claims(video=..., roomJoin=True, room="r"),
    "other letter case": lambda f: f.sign({"ISS": f.key, "SUB": "a", "EXP": f.now + 60, "VIDEO": VIDEO}),
    "long s": lambda f: f.sign(json.dumps(f.base).replace('"iss"', '"i\u017f\u017f"')),
    "roomAdmin only": lambda f: f.claims(video={"roomAdmin": True, "room": "r"}),
    "NaN": lambda f: f.claims(x=float("nan")),
    "second video adds": lambda f: f.text('"video":{"room":"other"}'),
    "second video null": lambda f: f.text('"video":null'),
    "second video takes join": lambda f: f.text('"video":{"roomJoin":false}'),
    "second roomJoin null": lambda f: f.text('"video":{"roomJoin":null}'),
    "second sub empty": lambda f: f.text('"sub":""'),
    "second sub null": lambda f: f.text('"sub":null'),
    "second exp null": lambda f: f.text('"exp":null', exp=1),
    "second metadata good": lambda f: f.text('"metadata":"x"', metadata=5),
    "metadata 600 kB": lambda f: f.claims(metadata="x" * 600_000),
    "token over a MiB": lambda f: f.claims(metadata="x" * 1_000_000),
}

NO_JWT: dict[str, Callable[[Forger], str]] = {
    "word": lambda _: "undefined",
    "promise": lambda _: "[object Promise]",
    "letters": lambda _: "a.b.c",
    "two parts": lambda f: f.claims().rpartition(".")[0],
    "payload cut": lambda f: ".".join(part[:-5] if at == 1 else part for at, part in enumerate(f.claims().split("."))),
    "payload list": lambda f: f.sign("[]"),
    "payload null": lambda f: f.sign("null"),
    "header null": lambda f: f.sign(f.base, "null"),
    "BOM": lambda f: f.sign(b"\xef\xbb\xbf" + json.dumps(f.base).encode()),
    "control character": lambda f: f.sign(json.dumps(f.base).replace("alice", "ali\nce")),
    "text behind": lambda f: f.sign(json.dumps(f.base) + "x"),
}


@pytest.fixture(scope="module")
def forger(livekit_server: LocalServer) -> Forger:
    """Makes tokens for the server under test."""
    return Forger(livekit_server.key, livekit_server.secret.reveal())


@pytest.fixture(scope="module")
def door(livekit_server: LocalServer) -> Iterator[Door]:
    """Ask the server under test."""
    door = Door(livekit_server.http_url)
    yield door
    door.close()


@pytest.mark.parametrize("name", TOKENS)
def test_foreseen(name: str, door: Door, forger: Forger) -> None:
    """Whether it is accepted, the status, and the reason word for word."""
    token = TOKENS[name](forger)
    join = decode(token, Pair("", forger.key, forger.secret), now=time.time()).join
    status, reason = door.ask(token)
    assert (join.status, kind(join.reason)) == (status, kind(reason))
    assert join.accepted is (status == 200)


@pytest.mark.parametrize("name", NO_JWT)
def test_what_is_no_jwt_is_refused_there_too(name: str, door: Door, forger: Forger) -> None:
    """Exit code 2 here, 401 there."""
    token = NO_JWT[name](forger)
    with pytest.raises(LkctlError) as caught:
        decode(token, None, now=time.time())
    assert caught.value.code == "L01"
    assert door.ask(token)[0] == 401


@pytest.mark.parametrize("role", [name for name in ROLES if name != "none"])
def test_what_is_minted_does_what_it_says(role: str, door: Door, forger: Forger) -> None:
    """The roles that join may; the others are told why not."""
    request = TokenRequest(identity="alice", room=None if role == "admin" else "demo", role=role)
    minted = mint(request, Pair("", forger.key, forger.secret), now=time.time(), entropy=bytes)
    status, reason = door.ask(minted.token)
    assert (status, reason) == ((401, "permissions denied") if "admin" in role else (200, "success"))

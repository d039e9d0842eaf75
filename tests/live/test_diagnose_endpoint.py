"""`lkctl diagnose --token-endpoint` and apps of all kinds: what they give, what is wrong with it; a real server judges.

The apps are real HTTP servers on loopback; each is one function.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.tokens.signer import sign
from tests import fakes
from tests.apps import App, Asked, Said, serving_app
from tests.harness import Done, invoke
from tests.redis import api_of

pytestmark = pytest.mark.live
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Content-Type"}
HOSTILE = "\x1b[31m[red]\u202e</script> eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"
IDENTITIES = ("participant_identity", "identity", "username")
ROOMS = ("room_name", "room")


class Kit:
    """What apps are made of, for one server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server

    def token(self, identity: str, room: str, **changes: Any) -> str:
        """Sign a token that is valid for a quarter of an hour; `...` takes a claim away."""
        now = int(time.time())
        video = {"roomJoin": True, "room": room}
        claims = {"iss": self.server.key, "sub": identity, "iat": now, "exp": now + 900, "video": video, **changes}
        return sign({k: v for k, v in claims.items() if v is not ...}, self.server.secret.reveal())

    def token_for(self, asked: Asked, **changes: Any) -> str:
        """Sign a token for who is asked for, by any of the usual names."""
        identity, room = (next(asked.given[n] for n in names if n in asked.given) for names in (IDENTITIES, ROOMS))
        return self.token(identity, room, **changes)

    def sandbox(self, **changes: Any) -> App:
        """Answer as LiveKit's own token server does: POST of JSON, with leave for every origin."""

        def app(asked: Asked) -> Said:
            if asked.method == "OPTIONS":
                return Said("", 204, CORS)
            if asked.method != "POST":
                return Said({"error": "Method Not Allowed"}, 405)
            token = self.token_for(asked, **changes)
            return Said({"server_url": self.server.url, "participant_token": token}, 201, CORS)

        return app

    def get(self, shape: Callable[[str], Any], headers: Callable[[], dict[str, str]] = dict) -> App:
        """Answer to GET only, in a shape of its own."""

        def app(asked: Asked) -> Said:
            if asked.method != "GET":
                return Said("Method Not Allowed", 405)
            return Said(shape(self.token_for(asked)), 200, headers())

        return app


@pytest.fixture
def kit(server: LocalServer) -> Iterator[Kit]:
    """The kit; no room is made by any of it."""
    before = {room.name for room in api_of(server).list_rooms()}
    yield Kit(server)
    assert {room.name for room in api_of(server).list_rooms()} == before


def report(app: App, path: str = "/api/token", *words: str) -> tuple[Done, dict[str, Any]]:
    """Diagnose an app; nothing that it says comes out raw."""
    with serving_app(app) as url:
        told = invoke("diagnose", "--token-endpoint", url + path, "--only", "endpoint.*", *words)
        done = invoke("diagnose", "--token-endpoint", url + path, "-o", "json", *words)
    assert "eyJ" not in told.out + told.err + done.out + done.err
    assert "\x1b" not in told.out + told.err + done.out
    return done, json.loads(done.out)


def results(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the results of a report by their ids."""
    return {result["id"]: result for result in shown["results"]}


SHAPES: dict[str, Callable[[Kit], App]] = {
    "TokenSource.endpoint": lambda kit: kit.sandbox(),
    "token": lambda kit: kit.get(lambda token: {"token": token}),
    "accessToken": lambda kit: kit.get(lambda token: {"accessToken": token}),
    "agent-starter": lambda kit: kit.get(
        lambda token: {"serverUrl": kit.server.url, "roomName": "r", "participantName": "n", "participantToken": token}
    ),
    "the bare token": lambda kit: kit.get(lambda token: token),
    "a JSON string": lambda kit: kit.get(json.dumps),
    "inside of data": lambda kit: kit.get(lambda token: {"data": {"token": token}, "ok": True}),
    "only these origins": lambda kit: kit.get(
        lambda token: {"token": token}, lambda: {"Access-Control-Allow-Origin": "https://my.example"}
    ),
    "no store": lambda kit: kit.get(lambda token: {"token": token}, lambda: {"Cache-Control": "no-store, max-age=0"}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_healthy_app(name: str, kit: Kit) -> None:
    """No warning, whatever the shape; two fetches were made for two identities, and the server took the token."""
    done, shown = report(SHAPES[name](kit))
    mine = [result for result in shown["results"] if result["area"] == "endpoint"]
    assert (done.code, shown["verdict"]) == (0, "pass"), [one for one in mine if one["status"] != "pass"]
    assert {result["status"] for result in mine} == {"pass"}
    assert len(mine) == 8


def test_a_query_of_its_own_is_kept(kit: Kit) -> None:
    """What the user fetches is fetched, first; there everybody has the name that stands in it."""
    seen: list[Asked] = []

    def app(asked: Asked) -> Said:
        seen.append(asked)
        return Said({"token": kit.token(asked.given["username"], asked.given["room"])})

    done, shown = report(app, "/api/token?room=quickstart&username=me")
    assert (done.code, shown["verdict"]) == (0, "pass")
    assert {(asked.method, asked.given.get("username")) for asked in seen} == {("GET", "me")}


def always(body: Any, status: int = 200, /, **headers: str) -> Callable[[Kit], App]:
    """Make an app that says one thing."""
    return lambda _: lambda _: Said(body, status, {name.replace("_", "-"): text for name, text in headers.items()})


# the app, the check that is the cause, words of it, words of the hint
BAD: dict[str, tuple[Callable[[Kit], App], str, str, str]] = {
    "a web page": (
        always("<!doctype html><h1>x</h1>", Content_Type="text/html"), "endpoint.answer", "a web page", "single-page",
    ),
    "a login page": (always("", 302, Location="/login"), "endpoint.answer", "redirects for ever", "routes"),
    "no route": (always("Not Found", 404), "endpoint.answer", "no route that gives tokens (404)", "routes"),
    "wants more": (
        always({"error": "Missing parameter: meeting"}, 400), "endpoint.answer", "(400): Missing parameter: meeting",
        "It was asked by",
    ),
    "no settings": (
        always({"error": "LIVEKIT_API_KEY is not defined"}, 500), "endpoint.answer", "the app has no LIVEKIT_API_KEY",
        ".env is not loaded",
    ),
    "no settings, as a plugin says it": (
        always("ValueError: livekit_url, livekit_api_key must be set", 500), "endpoint.answer",
        "the app has no LIVEKIT_", ".env is not loaded",
    ),
    "fails": (always({"message": "boom"}, 500), "endpoint.answer", "the app fails at", "log"),
    "a gateway": (always("", 502), "endpoint.answer", "a proxy before", "app running"),
    "too many": (always("", 429), "endpoint.answer", "(429)", "later"),
    "wants a login": (always("", 401), "endpoint.answer", "wants a login (401)", "--token"),
    "a promise": (always({"token": {}}), "endpoint.answer", "token is an empty object", "await at.toJwt()"),
    "a promise as text": (always({"token": "[object Promise]"}), "endpoint.answer", "not a JWT", "await"),
    "null": (always({"token": None}), "endpoint.answer", "token is null", ""),
    "something else": (
        always({"ok": True, "user": 5}), "endpoint.answer", "an object of ok, user", "participant_token",
    ),
    "nothing": (always(""), "endpoint.answer", "with nothing", "participant_token"),
    "a list": (always(["a"]), "endpoint.answer", "no JSON object", "participant_token"),
    "hostile": (always({HOSTILE: HOSTILE, "error": HOSTILE}, 400), "endpoint.answer", "(400)", ""),
    "deep": (always("[" * 100_000), "endpoint.answer", "no token is in it", ""),
    "another key": (
        lambda kit: kit.sandbox(iss="APIother1234567"), "endpoint.token", "but not its key", "LIVEKIT_API_KEY",
    ),
    "expired": (lambda kit: kit.sandbox(exp=int(time.time()) - 100), "endpoint.token", "expired 1 min", ""),
    "no identity": (lambda kit: kit.sandbox(sub=...), "endpoint.token", "has no identity", ""),
    "no expiry": (lambda kit: kit.sandbox(exp=...), "endpoint.token", "never expires", ""),
    "a clock ahead": (
        lambda kit: kit.sandbox(iat=int(time.time()) + 300, nbf=int(time.time()) + 300), "endpoint.token",
        "ahead: its token was minted then", "NTP",
    ),
    "no URL": (
        lambda kit: kit.get(lambda token: {"token": token, "url": "livekit.example.com"}), "endpoint.server_url",
        "has no scheme", "wss://livekit.example.com",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_the_cause_is_in_the_app(name: str, kit: Kit) -> None:
    """One cause, in words that say what to do."""
    make, check, words, hint = BAD[name]
    done, shown = report(make(kit))
    cause = shown["probable_cause"]
    assert (done.code, cause["check"]) == (1, check)
    assert words in cause["message"]
    assert hint in (cause["hint"] or "")
    assert cause["others"] == []


def cached(kit: Kit) -> App:
    """Hand out one token, which was made long ago."""
    now = int(time.time())
    token = kit.token("user-1", "lobby", iat=now - 5000, exp=now - 4100)
    return kit.get(lambda _: {"token": token}, lambda: {"X-Nextjs-Cache": "HIT"})


def preflight_refused(kit: Kit) -> App:
    """Allow every origin, but answer no preflight."""
    plain = kit.sandbox()
    return lambda asked: Said("", 405) if asked.method == "OPTIONS" else plain(asked)


def open_to_all(kit: Kit) -> App:
    """Let any page fetch a token as its visitor."""

    def app(asked: Asked) -> Said:
        leave = {"Access-Control-Allow-Origin": asked.headers["Origin"], "Access-Control-Allow-Credentials": "true"}
        return Said({"token": kit.token_for(asked)} if asked.method == "GET" else "", 200, leave)

    return app


def moved(kit: Kit) -> App:
    """Answer at another place."""
    plain = kit.get(lambda token: {"token": token})

    def app(asked: Asked) -> Said:
        if asked.path != "/token":
            where = "/token?" + "&".join(f"{name}={value}" for name, value in asked.given.items())
            return Said("", 308, {"Location": where})
        return plain(asked)

    return app


# the app, the check that warns, its severity, words of it
ODD: dict[str, tuple[Callable[[Kit], App], str, str, str]] = {
    "one identity for all": (
        lambda kit: lambda asked: Said({"token": kit.token("visitor", "r", jti=repr(sorted(asked.given.items())))}),
        "endpoint.fresh", "warn", "everybody gets the identity 'visitor'",
    ),
    "one token for all": (
        lambda kit: kit.get(lambda _: {"token": kit.token("visitor", "r", iat=1_700_000_000)}),
        "endpoint.fresh", "warn", "gave the same token for 'visitor'",
    ),
    "may be cached": (
        lambda kit: kit.get(lambda token: {"token": token}, lambda: {"Cache-Control": "public, max-age=60"}),
        "endpoint.fresh", "warn", "cache-control: public,max-age=60",
    ),
    "a clock behind": (
        lambda kit: kit.sandbox(iat=int(time.time()) - 300), "endpoint.fresh", "warn", "the app's clock is 5 min",
    ),
    "preflight refused": (preflight_refused, "endpoint.pages", "warn", "answered 405 without leave"),
    "two leaves": (
        lambda kit: kit.get(lambda token: {"token": token}, lambda: {"Access-Control-Allow-Origin": "*, *"}),
        "endpoint.pages", "warn", "2 times",
    ),
    "open to all, with cookies": (open_to_all, "endpoint.pages", "security", "any page in the web"),
    "moved": (moved, "endpoint.answer", "warn", "redirects to"),
    "gives the secret away": (
        lambda kit: kit.get(lambda token: {"token": token, "apiSecret": kit.server.secret.reveal()}),
        "endpoint.exposure", "security", "the API secret itself",
    ),
    "gives another secret away": (
        lambda kit: kit.get(lambda token: {"token": token, "key": "AKIA" + "ABCDEFGH23456789"}),
        "endpoint.exposure", "security", "an AWS access key",
    ),
    "another server": (
        lambda kit: kit.get(lambda token: {"token": token, "url": "ws://127.0.0.1:9"}), "endpoint.server_url", "warn",
        "sends clients to ws://127.0.0.1:9",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_works_and_is_not_as_it_should_be(name: str, kit: Kit) -> None:
    """A warning, and the token is judged all the same."""
    make, check, severity, words = ODD[name]
    done, shown = report(make(kit))
    by_id = results(shown)
    finding = by_id[check]["findings"][0]
    assert (done.code, by_id[check]["status"], finding["severity"]) == (0, "warn", severity)
    assert words in finding["message"]
    assert by_id["endpoint.server"]["status"] == "pass"


def test_a_cached_token_is_the_cause_of_its_being_old(kit: Kit) -> None:
    """That it expired, and that the server refuses it, follows from that."""
    done, shown = report(cached(kit))
    cause = shown["probable_cause"]
    assert (done.code, cause["check"]) == (1, "endpoint.fresh")
    assert "which expired 1 h" in cause["message"]
    assert cause["follows"] == ["endpoint.token", "endpoint.server"]


def test_another_server_is_the_cause_of_a_foreign_token(kit: Kit) -> None:
    """The app is of another project, URL and key."""
    app = kit.get(lambda token: {"token": token, "url": "ws://127.0.0.1:9"})

    def foreign(asked: Asked) -> Said:
        said = app(asked)
        token = kit.token("a", "r", iss="APIother1234567")
        return Said({**said.body, "token": token}) if said.status == 200 else said

    _, shown = report(foreign)
    assert shown["probable_cause"]["check"] == "endpoint.server_url"
    assert "endpoint.server" in shown["probable_cause"]["follows"]


def test_a_named_agent_and_room_are_asked_for(kit: Kit) -> None:
    """As a client with agentName asks; a token that calls no agent is told so."""
    seen: list[Asked] = []
    plain = kit.sandbox()

    def app(asked: Asked) -> Said:
        seen.append(asked)
        return plain(asked)

    with serving_app(app) as url:
        scope = ("--token-endpoint", url, "--agent", "helper", "--room", "demo")
        done = invoke("diagnose", *scope, "--only", "endpoint.*", "-o", "json")
    asked = next(one for one in seen if one.method == "POST")
    assert (asked.given["room_name"], asked.given["room_config"]) == ("demo", {"agents": [{"agent_name": "helper"}]})
    findings = results(json.loads(done.out))["endpoint.token"]["findings"]
    assert any("the token dispatches no agent by name" in finding["message"] for finding in findings)


WIRES = {
    "silent": fakes.silent, "drip": fakes.drip, "endless": fakes.endless, "hang up": fakes.hang_up,
    "not HTTP": fakes.raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "cut short": fakes.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    "page with a token": fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html"),
}  # fmt: skip


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.usefixtures("kit")
def test_hostile_apps_end_in_time(name: str) -> None:
    """Within the time of the run, red, with the endpoint as the cause, and nothing leaked."""
    started = time.monotonic()
    with fakes.serving(WIRES[name]) as port:
        done = invoke("diagnose", "--token-endpoint", f"http://127.0.0.1:{port}/t", "-o", "json", "--timeout", "3")
    assert time.monotonic() - started < 8
    assert (done.code, json.loads(done.out)["probable_cause"]["check"]) == (1, "endpoint.answer")
    assert "eyJ" not in done.out + done.err
    assert "\x1b" not in done.out


URLS = {
    "public, plain http": ("http://token.example.invalid/t", "warn", "plain http"),
    "no such port": (f"http://127.0.0.1:{fakes.closed_port()}/t", "pass", "pages may fetch it"),
}


@pytest.mark.parametrize("name", URLS)
@pytest.mark.usefixtures("server")
def test_the_url_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is judged before anything is fetched; then the app that is not there is the cause."""
    url, status, words = URLS[name]
    if "invalid" in url:
        monkeypatch.setattr("socket.getaddrinfo", fakes.no_such_name)
    done = invoke("diagnose", "--token-endpoint", url, "--only", "endpoint.*", "-o", "json")
    shown = json.loads(done.out)
    assert (results(shown)["endpoint.url"]["status"], done.code) == (status, 1)
    assert words in results(shown)["endpoint.url"]["detail"]
    assert shown["probable_cause"]["check"] == "endpoint.answer"


@pytest.mark.usefixtures("kit")
def test_a_certificate_that_nobody_trusts() -> None:
    """Pages cannot fetch it either."""
    context, _ = fakes.certificate("localhost")
    with fakes.serving(fakes.answer({"token": "x"}), context) as port:
        done = invoke("diagnose", "--token-endpoint", f"https://localhost:{port}/t", "-o", "json")
    cause = json.loads(done.out)["probable_cause"]
    assert (done.code, cause["check"], cause["code"]) == (1, "endpoint.answer", "tls-certificate")

"""`lkctl token verify`, as people and scripts use it; fakes stand for servers that a real one cannot be made to be."""

import json
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lkctl.scenarios.verification import Server
from lkctl.scenarios.verification import verify as check
from lkctl.server.validate import Verdict
from lkctl.tokens.decoding import Decoded, decode
from lkctl.tokens.expectations import Wishes
from lkctl.tokens.findings import Facts, Severity
from tests import fakes
from tests.harness import SECRETS, Done, command, environment, invoke, on_terminal
from tests.tokens.forge import ID, KEY, PAIR, SECRET, VIDEO, claims, forge

NOW = int(time.time())
OTHER_SECRET = "another-secret-of-the-same-key-0123456789"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and secret in the environment; the secrets must never be seen."""
    SECRETS.update((SECRET, OTHER_SECRET))
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)


def token(secret: str = SECRET, **changes: Any) -> str:
    """Forge a token that is good now, with changes."""
    return forge(
        claims(**{"exp": int(time.time()) + 3600, "metadata": f'{{"userId":"{ID}"}}', **changes}), secret=secret
    )


def verify(text: str, *words: str) -> Done:
    """Verify through the command, the token on standard input; it must not come out again."""
    done = invoke("token", "verify", "-", *words, stdin=text)
    assert text not in done.out + done.err
    return done


def document(done: Done) -> dict[str, Any]:
    """Give the JSON document."""
    shown: dict[str, Any] = json.loads(done.out)
    return shown


def asked(text: str, talk: fakes.Talk, *words: str) -> tuple[Done, dict[str, Any]]:
    """Verify against a fake; give the run and its document."""
    with fakes.serving(talk) as port:
        done = verify(text, "--server", "--url", f"http://127.0.0.1:{port}", "-o", "json", "--timeout", "5", *words)
    return done, document(done)


def livekit(status: str, text: str, *headers: str) -> fakes.Talk:
    """Answer as LiveKit does."""
    return fakes.reply(status, text.encode(), "Content-Type: text/plain; charset=utf-8", *headers)


def clocked(status: str, text: str, ahead: int) -> fakes.Talk:
    """Answer as LiveKit does whose clock is so many seconds ahead."""

    def talk(link: socket.socket) -> None:
        date = time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + ahead))
        livekit(status, text, date)(link)

    return talk


SUCCESS = livekit("200 OK", "success")
REFUSALS = "invalid token: <echo>, error: token "


def test_all_is_well() -> None:
    """Exit 0; what was expected and found, for scripts."""
    done = verify(token(), "--require", "roomJoin", "--room", "demo", "--user-id", ID, "--min-ttl", "5m")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert (done.code, done.err, rows[0]) == (0, "", ["ok", "true"])
    told = [row[1:] for row in rows if row[0] == "expectations"]
    met, expected, found = told.pop(1)
    assert (met, expected, found[:2]) == ("met", "valid for another 5 min", "59")
    assert told == [
        ["met", "signature", "made with the secret of APIfo…67"],
        ["met", f"user ID {ID}", ID],
        ["met", "may join room demo", "may join room demo"],
        ["met", "roomJoin", "true"],
    ]


def test_every_unmet_expectation_is_told() -> None:
    """Exit 1; with what was found."""
    words = ["--require", "roomAdmin", "--require", "room=demo", "--identity", "bob", "--require", "attributes.a=b"]
    done = verify(token(), *words, "-o", "json")
    shown = document(done)
    assert (done.code, shown["ok"], shown["valid"], shown["server"]) == (1, False, True, None)
    assert shown["expectations"] == [
        {"expected": "signature", "met": True, "found": "made with the secret of APIfo…67"},
        {"expected": "identity bob", "met": False, "found": "alice"},
        {"expected": "roomAdmin", "met": False, "found": "false"},
        {"expected": "room=demo", "met": True, "found": "demo"},
        {"expected": "attributes.a=b", "met": False, "found": "absent"},
    ]


def test_the_document_is_that_of_decode_and_more() -> None:
    """The keys that are fixed."""
    text = token()
    decoded = json.loads(invoke("token", "decode", text, "-o", "json").out)
    done, shown = asked(text, SUCCESS)
    assert list(shown) == [*decoded, "ok", "expectations", "server"]
    server = shown["server"]
    assert list(server) == ["url", "status", "accepted", "code", "reason", "as_predicted", "evidence"]
    assert (done.code, server["status"], server["accepted"], server["code"]) == (0, 200, True, "accepted")
    assert (server["reason"], server["as_predicted"], server["evidence"]) == ("success", True, [])


def test_other_formats() -> None:
    """One line of JSON; the identity."""
    assert verify(token(), "-o", "jsonl").out.count("\n") == 1
    assert verify(token(), "-o", "name").out == "alice\n"


def test_on_a_terminal() -> None:
    """Verdict, token, expectations and findings, with symbol and word."""
    done = on_terminal("token", "verify", token(exp=NOW - 3600), "--require", "roomJoin", "--require", "roomList",
                       "--color", "never", columns=120)  # fmt: skip
    assert done.code == 1
    assert done.out.startswith(
        "✗ not as expected (1 of 3 expectations is not met, L05)\nidentity  alice\nroom      demo"
    )
    assert "RESULT     EXPECTED   FOUND\n✓ met      signature  made with" in done.out
    assert "✗ not met  roomList   false\n\n✗ error L05: expired 1 h " in done.out


HEADINGS = [
    pytest.param([], {}, "✓ verified, valid for 5", id="good"),
    pytest.param(["--require", "room=x"], {}, "✗ not as expected (1 of 2 expectations is not met)", id="unmet"),
    pytest.param([], {"exp": NOW - 3600}, "✗ verified, but not valid (L05)", id="error"),
    pytest.param(["--ignore", "L05"], {"exp": NOW - 3600}, "✗ verified, but not valid (it is not inside its times)",
                 id="ignored, but expired"),
    pytest.param([], {"exp": NOW + 40 * 86400}, "✓ verified, valid for 39 d 23 h", id="a finding of security"),
    pytest.param(["--fail-on", "security"], {"exp": NOW + 40 * 86400}, "✗ verified, but not valid (L09)", id="strict"),
    pytest.param(["--fail-on", "security", "--ignore", "l09"], {"exp": NOW + 40 * 86400},
                 "✓ verified, valid for 39 d 23 h", id="strict, ignored"),
    pytest.param([], {"secret": OTHER_SECRET}, "✗ not verified (1 of 1 expectations is not met, L03)", id="secret"),
    pytest.param([], {"iss": "APIother"}, "✗ not verified (1 of 1 expectations is not met, L04)", id="another key"),
    pytest.param(["--require-key", "tenant"], {}, "✗ not as expected (1 of 2 expectations is not met)", id="key"),
    pytest.param(["--agent", "a", "--fail-on", "warning"], {},
                 "✗ not as expected (1 of 2 expectations is not met, L24)", id="agent"),
    pytest.param(["--room", "x"], {"video": {**VIDEO, "roomAdmin": True}},
                 "✗ not as expected (1 of 2 expectations is not met, L18)", id="admin of another room"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "changes", "heading"), HEADINGS)
def test_headings(words: list[str], changes: dict[str, Any], heading: str) -> None:
    """The verdict in a line."""
    done = verify(token(**changes), *words, "-o", "table")
    assert done.out.splitlines()[0].startswith(heading)
    assert done.code == (0 if heading[0] == "✓" else 1)


@pytest.mark.parametrize("missing", ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "both"])
def test_nothing_is_verified_without_a_secret(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not checked is not met."""
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        if missing in {name, "both"}:
            monkeypatch.delenv(name)
    done = verify(token(), "-o", "json")
    (proof,) = document(done)["expectations"]
    assert (done.code, proof["met"]) == (1, False)
    assert proof["found"].startswith("not checked: LIVEKIT_API_")


def test_a_server_proves_it_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """--url alone is enough."""
    monkeypatch.delenv("LIVEKIT_API_KEY")
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    done, shown = asked(token(), SUCCESS)
    assert (done.code, shown["ok"], shown["signature"], shown["server"]["as_predicted"]) == (
        0,
        True,
        "unverified",
        None,
    )
    assert shown["expectations"][0]["found"] == "proven by the server, which accepts it"


# the token, the server's answer, (its code, as predicted, exit code), what the evidence says
EVIDENCE = [
    pytest.param(token(), SUCCESS, ("accepted", True, 0), [], id="as foreseen"),
    pytest.param(token(exp=NOW - 3600), livekit("401 Unauthorized", REFUSALS + "is expired"), ("expired", True, 1), [],
                 id="expired, as foreseen"),
    pytest.param(token(OTHER_SECRET), SUCCESS, ("accepted", False, 1),
                 ["foreseen was 401 token signature is invalid: signature is invalid; the server says 200 success",
                  "the server's secret for APIfo…67 is not the configured one"], id="another secret is configured"),
    pytest.param(token(), livekit("401 Unauthorized", REFUSALS + "signature is invalid: signature is invalid"),
                 ("signature", False, 1),
                 ["foreseen was 200 success; the server says 401",
                  "the token fits the configured secret, so the server has another secret for APIfo…67"],
                 id="the server has another secret"),
    pytest.param(token(), livekit("401 Unauthorized", "invalid API key"), ("key", False, 1),
                 ["foreseen was 200 success", "the server has no key APIfo…67"], id="another project's server"),
    pytest.param(token(), clocked("401 Unauthorized", REFUSALS + "is expired", 7200), ("expired", False, 1),
                 ["foreseen was 200 success", "ahead of this machine's, which explains the answer"],
                 id="its clock is ahead"),
    pytest.param(token(nbf=NOW - 5), clocked("401 Unauthorized", REFUSALS + "is not valid yet", -6000),
                 ("not-yet", False, 1),
                 ["foreseen was 200 success", "behind this machine's, which explains the answer"],
                 id="its clock is behind"),
    pytest.param(token(exp=NOW - 3600), clocked("200 OK", "success", -9000), ("accepted", False, 1),
                 ["foreseen was 401 token has invalid claims: token is expired; the server says 200 success",
                  "behind this machine's, which explains the answer"], id="accepted by a clock that is behind"),
    pytest.param(token(), clocked("401 Unauthorized", REFUSALS + "is expired", 0), ("expired", False, 1),
                 ["foreseen was 200 success", "clock and this machine's agree"], id="no clock explains it"),
    pytest.param(token(), clocked("401 Unauthorized", REFUSALS + "is expired", 600), ("expired", False, 1),
                 ["foreseen was 200 success", "ahead of this machine's$"], id="a clock that does not explain it"),
    pytest.param(token(), livekit("401 Unauthorized", REFUSALS + "is expired"), ("expired", False, 1),
                 ["foreseen was 200 success", "cannot be compared"], id="no clock is told"),
    pytest.param(token(exp=...), livekit("401 Unauthorized", "invalid authorization token: token has invalid claims:"
                 " token is missing required claim: exp claim is required"), ("no-expiry", False, 1),
                 ["foreseen was 200 success", "the server is 1.13.6 or newer"], id="a newer server (read in source)"),
    pytest.param(token(), livekit("401 Unauthorized", "no permissions to access the room"),
                 ("no-permissions", False, 1),
                 ["foreseen was 200 success", "does a proxy remove the Authorization header?"], id="header lost"),
    pytest.param(token(), livekit("401 Unauthorized", "invalid authorization header. Must start with Bearer "),
                 ("header", False, 1), ["foreseen was 200 success", "changed the Authorization header"],
                 id="header changed"),
    pytest.param(token(), livekit("404 Not Found", "requested room does not exist"), ("room-missing", False, 1),
                 ["foreseen was 200 success", "lkctl room create demo"], id="no such room"),
    pytest.param(token(), livekit("503 Service Unavailable", "node has exceeded its configured limit"),
                 ("node-full", False, 1),
                 ["foreseen was 200 success", "the token is not the cause"], id="node full (read in source)"),
    pytest.param(token(), fakes.reply("431 Too Large", fakes.HTML), ("too-large", False, 1),
                 ["foreseen was 200 success", "a proxy in front of it may take less"], id="a proxy's limit"),
    pytest.param(token(), livekit("401 Unauthorized", "nope"), ("other", False, 1),
                 ["foreseen was 200 success", "none of LiveKit's known words"], id="unknown words"),
    pytest.param(token(iss="APIother"), SUCCESS, ("accepted", None, 0), [], id="a key that only the server knows"),
    pytest.param(token(iss="APIother"), livekit("401 Unauthorized", "invalid API key: APIother"), ("key", None, 1), [],
                 id="a key that nobody knows"),
    pytest.param(token(iss="APIother"), clocked("401 Unauthorized", REFUSALS + "is expired", 0), ("expired", None, 1),
                 ["clock and this machine's agree"], id="not foreseen, expired"),
    pytest.param(token(iss="APIother"), livekit("401 Unauthorized", "no permissions to access the room"),
                 ("no-permissions", None, 1), ["remove the Authorization header"], id="not foreseen, header lost"),
    pytest.param(token(iss="APIother", video=...), livekit("401 Unauthorized", "no permissions to access the room"),
                 ("no-permissions", None, 1), [], id="not foreseen, no video"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "talk", "outcome", "says"), EVIDENCE)
def test_evidence(text: str, talk: fakes.Talk, outcome: tuple[str, bool | None, int], says: list[str]) -> None:
    """What was foreseen, what the server says, and what stands behind the difference."""
    done, shown = asked(text, talk)
    server = shown["server"]
    assert (server["code"], server["as_predicted"], done.code) == outcome
    assert len(server["evidence"]) == len(says), server["evidence"]
    for line, part in zip(server["evidence"], says, strict=True):
        assert re.search(part.replace("?", "[?]"), line)
    assert shown["expectations"][1]["met"] is (outcome[0] == "accepted")


def test_a_hint_can_be_pasted() -> None:
    """A hostile room's name is quoted for the shell."""
    _, shown = asked(
        token(video={**VIDEO, "room": "a; rm x"}), livekit("404 Not Found", "requested room does not exist")
    )
    assert shown["server"]["evidence"][1].endswith("lkctl room create 'a; rm x'")


def test_evidence_for_people() -> None:
    """It stands under the findings."""
    with fakes.serving(livekit("401 Unauthorized", "invalid API key")) as port:
        done = verify(token(), "--server", "--url", f"http://127.0.0.1:{port}", "-o", "table")
    assert done.out.startswith("✗ refused by the server (1 of 2 expectations is not met)\n")
    assert "✗ not met  the server accepts it  401 invalid API key (key)\n" in done.out
    assert "\n- the server has no key APIfo…67: URL and key belong to different projects\n" in done.out


FAULTS = [
    pytest.param(fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html"), "not-livekit", id="page"),
    pytest.param(fakes.reply("502 Bad Gateway", fakes.HTML), "http-gateway", id="502"),
    pytest.param(fakes.reply("301 Moved", b"", "Location: https://x.example/"), "http-redirect", id="redirect"),
    pytest.param(fakes.silent, "net-timeout", id="silence"),
    pytest.param(fakes.drip, "net-timeout", id="drop by drop"),
]


@pytest.mark.parametrize(("talk", "code"), FAULTS)
def test_no_answer_is_no_verdict(talk: fakes.Talk, code: str) -> None:
    """Exit 5, nothing on stdout, in time."""
    started = time.monotonic()
    with fakes.serving(talk) as port:
        words = ["--server", "--url", f"http://127.0.0.1:{port}", "-o", "json", "--timeout", "0.5"]
        done = verify(token(), *words, "--debug")
    assert (done.code, done.out) == (5, "")
    assert json.loads(done.err.splitlines()[-1])["error"]["code"] == code
    assert time.monotonic() - started < 3


def test_nobody_listens() -> None:
    """Exit 5."""
    done = verify(token(), "--server", "--url", f"ws://127.0.0.1:{fakes.closed_port()}")
    assert (done.code, done.out) == (5, "")
    assert "refused the connection" in done.err


def test_interrupted_while_waiting() -> None:
    """^C ends it at once, without a word of the token."""
    asked_for = threading.Event()

    def talk(link: socket.socket) -> None:
        asked_for.set()
        fakes.silent(link)

    with fakes.serving(talk) as port:
        words = ["token", "verify", token(), "--server", "--url", f"http://127.0.0.1:{port}", "--timeout", "60"]
        process = subprocess.Popen(command(*words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert asked_for.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


ROOM_CONFIG = {"agents": [{"agentName": "a"}]}


def talk_of_rooms(rooms: bytes) -> fakes.Talk:
    """Accept every token; give these rooms, or nothing like it, when asked for them."""

    def talk(link: socket.socket) -> None:
        asked_for = link.recv(65536)
        body = b"success" if b"/rtc/validate" in asked_for else rooms
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        link.sendall(head.encode() + body)

    return talk


def test_the_room_cannot_be_looked_for() -> None:
    """That is a remark, and no verdict."""
    done, shown = asked(token(roomConfig=ROOM_CONFIG), talk_of_rooms(b"<html>"))
    assert (done.code, shown["server"]["accepted"]) == (0, True)
    assert shown["server"]["evidence"][0].startswith("whether room demo is open already is not known: http://127.0.0.1")


@pytest.mark.parametrize(("rooms", "found"), [(b'{"rooms":[{"name":"demo"}]}', ["L26"]), (b'{"rooms":[]}', [])])
def test_the_room_is_looked_for(rooms: bytes, found: list[str]) -> None:
    """What configures a room that is open already has no effect."""
    _, shown = asked(token(roomConfig=ROOM_CONFIG), talk_of_rooms(rooms))
    assert [finding["id"] for finding in shown["findings"]] == found
    assert shown["server"]["evidence"] == []


def test_what_no_header_can_carry() -> None:
    """It is not sent, and that is said."""
    done, shown = asked(token() + "é", SUCCESS)
    assert (done.code, shown["server"]) == (1, None)
    assert shown["expectations"][1]["found"] == "not asked: it holds characters that no HTTP header can carry"


USAGE = [
    pytest.param(token(), ["--require", "roomjoin"], "usage", "Did you mean roomJoin?", id="unknown name"),
    pytest.param(token(), ["--require", ""], "option-empty", "An unset variable?", id="nothing required"),
    pytest.param(token(), ["--require", "room="], "usage", "An unset variable?", id="no value"),
    pytest.param(token(), ["--room", ""], "option-empty", "An unset variable?", id="room from an unset variable"),
    pytest.param(token(), ["--min-ttl", "soon"], "usage", "Write it like", id="no duration"),
    pytest.param(token(), ["--require-key", "a["], "usage", "user.id", id="no path"),
    pytest.param(token(), ["--ignore", "L99"], "usage", "The rules are", id="no rule"),
    pytest.param(token(), ["--server"], "settings-missing", "Looked in", id="no URL"),
    pytest.param(token(), ["--server", "--url", "localhost:7880"], "url-invalid", "ws://localhost", id="no scheme"),
    pytest.param(token(), ["--server", "--timeout", "0"], "usage", "10s", id="no time"),
    pytest.param(token() + "\n" + token(), [], "usage", "lkctl token decode", id="two tokens"),
    pytest.param("undefined", ["--server", "--url", "http://127.0.0.1:9"], "L01", "The variable", id="no token"),
    pytest.param("", [], "input-empty", "Give it something", id="nothing"),
]


@pytest.mark.parametrize(("text", "words", "code", "hint"), USAGE)
def test_usage(text: str, words: list[str], code: str, hint: str) -> None:
    """Exit 2, nothing on stdout, the next step on stderr."""
    done = invoke("token", "verify", "-", *words, "-o", "json", stdin=text)
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert hint in error["hint"]


def test_no_token_on_a_terminal() -> None:
    """It does not wait for one to be typed."""
    done = on_terminal("token", "verify")
    assert done.code == 2
    assert "no token was given" in done.out


@pytest.mark.parametrize(
    "wrapping", ["Bearer {}", '"{}"', '{{"token": "{}"}}', "https://x.example/?token={}", "{}\n\n"]
)
def test_wrapped(wrapping: str) -> None:
    """As decode takes it; what is sent to the server is the bare token."""
    done, shown = asked(wrapping.format(token()), SUCCESS, "--require", "roomJoin")
    assert (done.code, shown["ok"]) == (0, True)


def test_the_secret_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once, for the check and for the room."""
    monkeypatch.delenv("LIVEKIT_API_KEY")
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    (tmp_path / "t").write_text(token(roomConfig=ROOM_CONFIG))
    with fakes.serving(talk_of_rooms(b'{"rooms":[]}')) as port:
        words = ["--server", "--url", f"http://127.0.0.1:{port}", "--api-key", KEY, "--api-secret", "-", "-o", "json"]
        done = invoke("token", "verify", f"@{tmp_path / 't'}", *words, stdin=SECRET + "\n")
    assert (done.code, document(done)["server"]["evidence"]) == (0, [])


def test_debug_tells_the_calls_and_no_token() -> None:
    """Address, status and time."""
    with fakes.serving(SUCCESS) as port:
        done = verify(token(), "--server", "--url", f"http://127.0.0.1:{port}", "--debug")
    assert done.err.startswith(f"debug: GET http://127.0.0.1:{port}/rtc/validate -> 200 in ")


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "[bold]x[/bold]", "\u202edlrow", "x" * 100_000])
def test_hostile_contents(hostile: str) -> None:
    """Neither escape sequences nor megabytes reach the terminal."""
    text = token(sub=hostile, name=hostile, video={**VIDEO, "room": hostile})
    done = verify(text, "--identity", "bob", "--room", "r", "--require", "name=x", "-o", "table")
    assert done.code == 1
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert len(done.out) < 10_000


class Counted:
    """Decodes a token, and counts how often."""

    def __init__(self, **changes: Any) -> None:
        self.text, self.count = token(**changes), 0

    def __call__(self, *, ahead: float = 0.0, strict_key: bool = True, room_live: bool | None = None) -> Decoded:
        """Decode it once more."""
        self.count += 1
        facts = Facts(strict_key=strict_key, room_live=room_live)
        return decode(self.text, PAIR, now=NOW + ahead, facts=facts)


REFUSED = Verdict("http://127.0.0.1", 401, "expired", "token is expired", 7200)
ACCEPTED = Verdict("http://127.0.0.1", 200, "accepted", "success", 0)
COUNTS = [
    pytest.param(None, 1, True, id="no server"),
    pytest.param(Server(lambda: None, None), 1, False, id="not sendable"),
    pytest.param(Server(lambda: ACCEPTED, None), 2, True, id="accepted: the key is no matter"),
    pytest.param(Server(lambda: REFUSED._replace(code="key"), None), 1, False, id="refused"),
    pytest.param(Server(lambda: REFUSED, None), 2, False, id="refused by another clock"),
]


@pytest.mark.parametrize(("server", "count", "good"), COUNTS)
def test_a_token_is_decoded_again_only_where_more_is_known(server: Server | None, count: int, good: bool) -> None:
    """Of its key, its room or the server's clock."""
    judge = Counted()
    result = check(judge, Wishes(), "", server)
    assert (judge.count, result.good(Severity.error)) == (count, good)

"""`lkctl webhook`: what people see, and the exit codes."""

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deliveries import BODY, TURN_PASSWORD, claims, exchange, post, running, token
from tests.harness import SECRETS, Done, invoke, on_terminal, spawn
from tests.tokens.forge import KEY, SECRET, forge

OLD = -90_000  # seconds from now
WRONG = "Zq3other0secret1of2another3project4k5l6m7n8o9"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    SECRETS.update({SECRET, WRONG, TURN_PASSWORD})
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)


@pytest.fixture
def files(clean_place: Path) -> Path:
    """Lay out a good delivery as files."""
    (clean_place / "body.json").write_bytes(BODY)
    (clean_place / "token.txt").write_text(f"{token()}\n")
    (clean_place / "headers.txt").write_text(f"Host: x\r\nAuthorization: {token()}\r\n")
    (clean_place / "request.txt").write_bytes(post() + b"\n")
    (clean_place / "old.txt").write_text(token(exp=int(time.time()) + OLD, nbf=..., iat=...))
    return clean_place


def failed(done: Done) -> list[str]:
    """Give the ids of the checks that failed."""
    return [check["id"] for check in json.loads(done.out)["checks"] if check["ok"] is False]


# Made in the test: a token is good for some minutes, a run of all tests takes longer
GOOD = [
    pytest.param(lambda: (["@body.json", "--header", "@token.txt"], ""), id="files"),
    pytest.param(lambda: (["@body.json", "--header", "@headers.txt"], ""), id="all headers"),
    pytest.param(lambda: (["--header", "@token.txt"], BODY), id="body on stdin"),
    pytest.param(lambda: (["-", "--header", "@token.txt"], BODY), id="body on stdin, said so"),
    pytest.param(lambda: (["@body.json", "--header", "-"], token()), id="header on stdin"),
    pytest.param(lambda: ([BODY.decode(), "--header", token()], ""), id="arguments"),
    pytest.param(lambda: (["@request.txt"], ""), id="recorded request"),
    pytest.param(lambda: ([], post()), id="recorded request on stdin"),
    pytest.param(lambda: (["@body.json", "--header", "@old.txt", "--recorded"], ""), id="old, from a log"),
]


@pytest.mark.parametrize("case", GOOD)
def test_genuine(case: Callable[[], tuple[list[str], str | bytes]], files: Path) -> None:
    arguments, stdin = case()
    done = invoke("webhook", "verify", *arguments, "-o", "json", stdin=stdin)
    assert (done.code, done.err, failed(done)) == (0, "", [])
    assert json.loads(done.out)["event"]["room"] == "demo"


BAD = [
    pytest.param(lambda: (["--header", "@token.txt"], BODY + b"\n", ["body"]), id="line break more"),
    pytest.param(lambda: (["@body.json", "--header", "@old.txt"], "", ["time"]), id="old"),
    pytest.param(lambda: (["@body.json", "--header", "nonsense"], "", ["header"]), id="no JWT"),
    pytest.param(lambda: (["@body.json", "--header", f"Bearer {token()}"], "", ["header"]), id="Bearer"),
    pytest.param(lambda: (["@body.json", "--header", "Host: x\nAccept: y"], "", ["header"]), id="headers without it"),
    pytest.param(lambda: (["@token.txt", "--header", "@body.json"], "", ["header", "event"]), id="the wrong way round"),
    pytest.param(
        lambda: ([], post(header="").replace(b"Authorization: \r\n", b""), ["header"]), id="request without it"
    ),
    pytest.param(
        lambda: (["@body.json", "--header", forge(claims(), secret=WRONG)], "", ["signature"]), id="other secret"
    ),
]


@pytest.mark.parametrize("case", BAD)
def test_not_genuine(case: Callable[[], tuple[list[str], str | bytes, list[str]]], files: Path) -> None:
    arguments, stdin, wrong = case()
    done = invoke("webhook", "verify", *arguments, "-o", "json", stdin=stdin)
    assert (done.code, done.err, failed(done)) == (1, "", wrong)


UNUSABLE = [
    pytest.param(["body.json", "--header", "@token.txt"], "", "usage", "write @body.json", id="file without @"),
    pytest.param(["@body.json"], "", "usage", "--header", id="no header"),
    pytest.param([], BODY, "usage", "--header", id="no header, stdin"),
    pytest.param(["-", "--header", "-"], "x", "usage", "@FILE", id="both from stdin"),
    pytest.param(["--header", "x", "--api-key", "k", "--api-secret", "-"], "x", "usage", "@FILE", id="secret on stdin"),
    pytest.param(["@"], "", "usage", "--header", id="a file without a name is a text"),
    pytest.param(["@."], "", "file-unreadable", "path", id="a folder"),
    pytest.param(["@nowhere", "--header", "@token.txt"], "", "file-unreadable", "path", id="no file"),
    pytest.param(["--header", "@token.txt"], "", "input-empty", "", id="nothing on stdin"),
    pytest.param(["@body.json", "--header", "-"], "\n", "input-empty", "", id="empty header file"),
    pytest.param(["@body.json", "--header", ""], "", "option-empty", "", id="unset variable"),
    pytest.param([], post()[:-4], "input-malformed", "Record", id="request cut short"),
    pytest.param(["--header", "@token.txt"], b"x" * (17 * 1024 * 1024), "input-too-large", "", id="too large"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "stdin", "code", "hint"), UNUSABLE)
def test_unusable_input(arguments: list[str], stdin: str | bytes, code: str, hint: str, files: Path) -> None:
    done = invoke("webhook", "verify", *arguments, "-o", "json", stdin=stdin)
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert hint in error["hint"]


def test_a_secret_is_needed(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    done = invoke("webhook", "verify", "@request.txt", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "settings-partial")


def test_secret_in_another_file_is_found(files: Path) -> None:
    (files / ".env.staging").write_text(f"LIVEKIT_API_KEY={KEY}\nLIVEKIT_API_SECRET={WRONG}\n")
    done = invoke("webhook", "verify", "@body.json", "--header", forge(claims(), secret=WRONG))
    assert done.code == 1
    assert "it fits the secret of .env.staging" in done.out


def test_sheet(files: Path) -> None:
    done = on_terminal("webhook", "verify", "@body.json", "--header", f"Bearer {token()}", env={"NO_COLOR": "1"})
    lines = done.out.splitlines()
    assert (done.code, lines[0]) == (1, "✗ not genuine (header)")
    assert "meaning      alice joined room demo" in lines
    assert "✗  header     the header says Bearer, which LiveKit's receivers refuse" in lines
    assert "✓  signature  it is made with the secret of APIfo…67" in lines
    assert lines[-1] == "hint (header): LiveKit sends the bare token; take away Bearer where it is added"


def test_values_for_scripts(files: Path) -> None:
    done = invoke("webhook", "verify", "@request.txt")
    lines = done.out.splitlines()
    assert lines[:4] == ["ok\ttrue", "event\tparticipant_joined", "room\tdemo", "participant\talice"]
    assert [line.split("\t")[:3] for line in lines if line.startswith("checks")] == [
        ["checks", "ok", name] for name in ("header", "key", "signature", "time", "body", "event")
    ]
    assert invoke("webhook", "verify", "@request.txt", "-o", "name").out == "participant_joined\n"


def test_hostile_event_cannot_drive_the_terminal(files: Path) -> None:
    body = b'{"event":"[/red]\\u001b[2J","room":{"name":"\\u202eevil\\u0007"},"id":"\\ud800"}'
    (files / "hostile").write_bytes(body)
    for how in ("table", "tsv", "json", "name"):
        done = invoke("webhook", "verify", "@hostile", "--header", token(body), "-o", how)
        assert (done.code, "[/red]" in done.out) == (0, True)
        assert not set("\x1b\x07\u202e") & set(done.out)


def test_listen_shows_each_delivery_at_once() -> None:
    with running("--count", "3", "-o", "jsonl") as run:
        assert run.post(path="/hook") == 200
        first = json.loads(run.out.readline())
        assert (first["ok"], first["path"], first["event"]["participant"]) == (True, "/hook", "alice")
        assert list(first) == ["received_at", "path", "ok", "checks", "event", "notes"]
        assert run.post(BODY + b"\n") == 401
        assert json.loads(run.out.readline())["ok"] is False
        assert run.post() == 200
        done = run.end()
    assert (done.code, done.err.splitlines()[-1]) == (1, "received 3 deliveries: 2 genuine, 1 not")


def test_listen_says_how_to_connect() -> None:
    with running("--timeout", "1") as run:
        done = run.end()
    assert done.err == (
        f"listening on http://127.0.0.1:{run.port}/ for webhooks; ^C ends it\n"
        "livekit-server sends them with this in livekit.yaml, and after a restart:\n"
        f"  webhook:\n    api_key: {KEY}\n    urls: [http://127.0.0.1:{run.port}/]\n"
        "received 0 deliveries: 0 genuine, 0 not\n"
    )
    assert (done.code, done.out) == (0, "")


ENDS = [
    pytest.param(["--count", "1"], [BODY], 0, id="enough, all genuine"),
    pytest.param(["--count", "2"], [BODY, b"{}"], 1, id="enough, not all genuine"),
    pytest.param(["--timeout", "3"], [BODY], 0, id="time up, all genuine"),
    pytest.param(["--timeout", "3"], [b"{}"], 1, id="time up, not genuine"),
    pytest.param(["--count", "2", "--timeout", "3"], [BODY], 6, id="time up, not enough"),
]


@pytest.mark.parametrize(("arguments", "bodies", "code"), ENDS)
def test_listen_ends(arguments: list[str], bodies: list[bytes], code: int) -> None:
    with running(*arguments) as run:
        for body in bodies:
            run.post(body)
        done = run.end()
    assert (done.code, len(done.out.splitlines())) == (code, len(bodies))


def test_listen_says_that_not_enough_came() -> None:
    done = spawn("webhook", "listen", "--port", "0", "--count", "2", "--timeout", "0.3", "-q", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (6, "[]\n", "wait-expired")
    assert error["message"] == "0 of 2 deliveries came within 0.3 s"


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_listen_is_ended(number: signal.Signals, code: int, word: str) -> None:
    with running("-o", "json") as run:
        seen = ""
        for body in (BODY, b"{}"):
            run.post(body)
            while '"received_at"' not in (line := run.out.readline()):
                seen += line
            seen += line
        start = time.monotonic()
        done = run.end(number)
        assert time.monotonic() - start < 3
    assert [delivery["ok"] for delivery in json.loads(seen + done.out)] == [True, False], "the array is closed"
    summary, error = done.err.splitlines()[-2:]
    assert (done.code, json.loads(error)["error"]["code"]) == (code, word)
    assert summary == "received 2 deliveries: 1 genuine, 1 not"


def test_listen_notices_that_the_reader_has_gone() -> None:
    with running() as run:
        run.out.close()
        run.post()
        assert run.process.wait(10) == 141


def test_two_listeners_on_one_port() -> None:
    with running() as run:
        second = spawn("webhook", "listen", "--port", str(run.port), "-o", "json")
    assert (second.code, json.loads(second.err)["error"]["code"]) == (2, "port-taken")


def test_listen_on_a_terminal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sender = threading.Thread(target=_insist, args=(port, post(), post(BODY + b"\n", path="/x")))
    sender.start()
    done = on_terminal(
        "webhook", "listen", "--port", str(port), "--count", "2", "--timeout", "20", env={"NO_COLOR": "1"}
    )
    sender.join()
    lines = [re.sub(r"^\d\d:\d\d:\d\d", "TIME", line) for line in done.out.splitlines()[5:]]
    assert lines == [
        "TIME  ✓  participant_joined  demo  alice",
        "TIME  ✗  participant_joined  demo  alice  body: the body was changed: a line break was added at its end",
        "             hint: Keep the bytes as they came: printf %s, not echo; curl --data-binary, not -d",
        "received 2 deliveries: 1 genuine, 1 not",
    ]
    assert done.code == 1


def _insist(port: int, *requests: bytes) -> None:
    """Send them once somebody listens."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            for sent in requests:
                exchange(port, sent)
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return


def test_listen_needs_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEKIT_API_KEY")
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    done = invoke("webhook", "listen", "--port", "0", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "settings-missing")


REFUSED = [
    pytest.param(["--port", "65536"], "", id="port too high"),
    pytest.param(["--port", "-1"], "", id="port too low"),
    pytest.param(["--count", "0"], "", id="none"),
    pytest.param(["--timeout", "soon"], "no duration", id="no duration"),
    pytest.param(["--timeout", "0"], "nothing can be done in no time", id="no time"),
    pytest.param(["--bind", ""], "", id="empty address"),
    pytest.param(["--bind", "192.0.2.1"], "Choose an address of this machine with --bind", id="another's address"),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED)
def test_listen_refuses(arguments: list[str], told: str) -> None:
    done = invoke("webhook", "listen", *arguments)
    assert done.code == 2
    assert told in done.err

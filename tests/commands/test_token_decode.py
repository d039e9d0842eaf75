"""`lkctl token decode`, as people and scripts use it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import SECRETS, Done, invoke, on_terminal, spawn
from tests.tokens.forge import ID, KEY, SECRET, claims, forge

ROOM = f"mcp-chrome-user-{ID}"
NOW = int(time.time())


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and secret in the environment; the secret must never be seen."""
    SECRETS.add(SECRET)
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)


def token(**changes: Any) -> str:
    """Forge a token that is good now, with changes."""
    return forge(claims(**{"exp": NOW + 3600, **changes}))


def decoded(text: str) -> dict[str, Any]:
    """Decode through the command."""
    shown: dict[str, Any] = json.loads(invoke("token", "decode", text, "-o", "json").out)
    return shown


VERDICTS = [
    pytest.param({}, 0, "✓ verified, valid for ", id="good"),
    pytest.param({"exp": 1}, 1, "✗ verified, but expired (L05)", id="expired"),
    pytest.param({"nbf": 600}, 1, "✗ verified, but not valid yet (L06)", id="not yet"),
    pytest.param({"sub": ...}, 1, "✗ verified, but not valid (L10)", id="an error"),
    pytest.param({"exp": -20}, 0, "✓ verified\n", id="within the minute"),
    pytest.param({"exp": ...}, 1, "✗ verified, but not valid (L07)", id="no expiry"),
    pytest.param({"iss": "APIother"}, 0, "? not verified (no secret for APIother: another key", id="other key"),
]


@pytest.mark.parametrize(("changes", "code", "heading"), VERDICTS)
def test_the_first_line(changes: dict[str, Any], code: int, heading: str) -> None:
    """Says how the signature stands and whether the token is good; so does the exit code."""
    moments = {
        name: int(time.time()) + value for name, value in changes.items() if isinstance(value, int) and value != 1
    }
    text = token(**{**changes, **moments})
    done = invoke("token", "decode", text, "-o", "table")
    assert (done.code, done.err) == (code, "")
    assert done.out.startswith(heading)
    assert invoke("token", "decode", text, "-o", "json").code == code


@pytest.mark.parametrize(
    "text", [token()[:-3], token() + "=", forge(claims(exp=NOW + 3600), {"alg": "none"})], ids=["cut", "padded", "none"]
)
def test_a_bad_signature(text: str) -> None:
    """Told first, whatever else is wrong."""
    done = invoke("token", "decode", text, "-o", "table")
    assert done.code == 1
    assert done.out.startswith("✗ bad signature (not made with the secret of APIfo…67)\n")


WITHOUT = [
    pytest.param({}, "LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set", id="nothing"),
    pytest.param({"LIVEKIT_API_KEY": KEY}, "LIVEKIT_API_SECRET is missing", id="half a set"),
    pytest.param({"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": ""}, "LIVEKIT_API_SECRET is set but empty", id="empty"),
]


@pytest.mark.parametrize(("values", "why"), WITHOUT)
def test_reading_needs_no_secret(values: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unverified, saying why; nothing is foreseen."""
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    done = invoke("token", "decode", token(), "-o", "table")
    assert done.code == 0
    assert done.out.startswith("? not verified (no secret for APIfo…67: " + why)
    assert "join      cannot be foreseen without the secret" in done.out


MEANT = [
    (KEY, f" {SECRET} ", "the configured secret without the blanks around it"),
    (KEY, f'"{SECRET}"', "the configured secret without the quotes around it"),
    (SECRET, KEY, "key and secret are swapped in the settings"),
]


@pytest.mark.parametrize(("key", "secret", "says"), MEANT, ids=["blanks", "quotes", "swapped"])
def test_the_secret_that_was_meant(key: str, secret: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by trying, named, and never shown."""
    monkeypatch.setenv("LIVEKIT_API_KEY", key)
    monkeypatch.setenv("LIVEKIT_API_SECRET", secret)
    done = invoke("token", "decode", token(), "-o", "table")
    assert says in done.out
    assert SECRET not in done.out + done.err


def test_a_secret_in_the_place_of_the_key_is_masked() -> None:
    """In a token it is readable by everyone; lkctl does not spread it."""
    other = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
    SECRETS.add(other)
    done = invoke("token", "decode", forge(claims(iss=other, exp=NOW + 60), secret="k"), "-o", "json")
    shown = json.loads(done.out)
    assert (done.code, shown["issuer"]) == (1, "<secret>")
    assert "key and secret may be swapped" in shown["findings"][0]["message"]


def test_a_sheet_for_people() -> None:
    """Everything that is there, and what it means."""
    text = token(
        name="Al [/] ice",
        kind="agent",
        metadata=f'{{"userId":"{ID}"}}',
        attributes={"a": "b"},
        iat=int(time.time()) - 65,
    )
    lines = invoke("token", "decode", text, "-o", "table").out.splitlines()
    assert lines[1:7] == [
        "identity    alice",
        "name        Al [/] ice",
        "kind        agent",
        "room        demo",
        f"user ID     {ID}",
        "API key     APIfo…67",
    ]
    assert lines[7].startswith("issued      20")
    assert "Z (1 min " in lines[7]
    assert lines[9:] == [
        'grants      video {"roomJoin": true, "room": "demo"}',
        "meaning     may join room demo, publish, subscribe, send data, may not change its own metadata",
        f'metadata    {{"userId":"{ID}"}}',
        'attributes  {"a": "b"}',
        "join        the server accepts it: 200 success",
    ]


def test_the_room_that_a_join_makes() -> None:
    """Who is dispatched with what, how the room is set, in camelCase or not; a recording is told without its keys."""
    agents = [{"agent_name": "helper", "metadata": "{1}"}, {"agentName": "b", "deployment": "eu"}, {}]
    egress = {"room": {"file": {"s3": {"secret": "bucket-secret"}}}}
    config = {"agents": agents, "emptyTimeout": 300, "metadata": "m", "egress": egress}
    text = token(roomConfig=config, roomPreset="big", kindDetails=["CLOUD_AGENT"], sha256="aGFzaA==")
    out = invoke("token", "decode", text, "-o", "table").out
    assert "details      CLOUD_AGENT\n" in out
    assert "room preset  big\n" in out
    assert "dispatches   agent helper, with metadata {1}; agent b of deployment eu; any agent without a name\n" in out
    assert "new room     emptyTimeout 300, metadata m, recorded or streamed (egress)\n" in out
    assert "body hash    aGFzaA==\n" in out
    assert "bucket-secret" not in out


def test_a_consequence_for_people() -> None:
    """Told for what is no error, where the server's answer does not show it."""
    text = token(video={"roomJoin": True, "room": "demo", "hidden": True})
    out = invoke("token", "decode", text, "-o", "table").out
    assert "\n    consequence: others see something that it is not" in out


def test_findings_for_people() -> None:
    """A mark, a word, the rule, and the next step."""
    out = invoke("token", "decode", token(video={"room_join": True, "room": "r"}), "-o", "table").out
    assert "✗ error L14: the server does not know video.room_join and ignores it\n    Write roomJoin\n" in out
    assert "join      the server refuses it: 401 permissions denied\n" in out


def test_a_pipe_gets_plain_names() -> None:
    """Every key, tab-separated, whole."""
    rows = [line.split("\t") for line in invoke("token", "decode", token(metadata="x" * 5000)).out.splitlines()]
    assert [row[0] for row in rows] == [
        "signature", "valid", "identity", "name", "kind", "room", "user_id", "issuer", "issued_at", "not_before",
        "expires_at", "grants", "metadata", "attributes", "join", "findings",
    ]  # fmt: skip
    facts = dict(row for row in rows)
    assert (facts["signature"], facts["valid"], facts["join"]) == ("verified", "true", "200 success")
    assert facts["metadata"] == "x" * 5000
    assert facts["findings"].startswith("L22 warning: the token has ")


def test_names() -> None:
    """`-o name` is the identity."""
    assert invoke("token", "decode", token(), "-o", "name").out == "alice\n"


WAYS = [
    pytest.param(lambda t: ([t], ""), id="argument"),
    pytest.param(lambda t: (["-"], t), id="dash"),
    pytest.param(lambda t: ([], t + "\n"), id="pipe"),
    pytest.param(lambda t: ([f"Bearer {t}"], ""), id="Bearer"),
    pytest.param(lambda t: ([], f'"{t}"\n'), id="quotes"),
    pytest.param(lambda t: ([f"https://meet.livekit.io/custom?liveKitUrl=wss://x&token={t}"], ""), id="URL"),
    pytest.param(lambda t: ([], json.dumps({"serverUrl": "x", "participantToken": t}, indent=1)), id="JSON body"),
]


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_give_a_token(way: Any) -> None:
    """However it comes."""
    arguments, stdin = way(token())
    done = invoke("token", "decode", *arguments, "-o", "name", stdin=stdin)
    assert (done.code, done.out) == (0, "alice\n")


def test_a_token_in_a_file(tmp_path: Path) -> None:
    """@file, with a line break at its end."""
    (tmp_path / "t").write_text(token() + "\n")
    assert invoke("token", "decode", f"@{tmp_path / 't'}", "-o", "name").out == "alice\n"


NO_JWT = [
    pytest.param("[object Promise]", b"", "L01", "[object Promise]", id="promise"),
    pytest.param("undefined", b"", "L01", "undefined", id="undefined"),
    pytest.param("a.b.c", b"", "L01", "not base64url", id="letters"),
    pytest.param(token()[:80], b"", "L01", "truncated", id="truncated"),
    pytest.param('""', b"", "L01", "empty", id="quotes only"),
    pytest.param("-", b"", "input-empty", "standard input is empty", id="empty input"),
    pytest.param("-", b"\xff\xfe\x00", "input-encoding", "UTF-", id="not UTF-8"),
    pytest.param("-", b"a" * 10_000_000, "L01", "no dot", id="10 MB"),
    pytest.param("-", b"\x00\x1b[31m[/]", "L01", "", id="control characters"),
    pytest.param("-", forge("[" * 100_000).encode(), "L01", "nested deeper", id="deep"),
    pytest.param("", b"", "option-empty", "is empty", id="unset variable"),
    pytest.param("@nowhere", b"", "file-unreadable", "nowhere", id="no such file"),
]


@pytest.mark.parametrize(("argument", "stdin", "code", "says"), NO_JWT)
def test_what_is_no_jwt(argument: str, stdin: bytes, code: str, says: str) -> None:
    """Exit 2, stdout empty, an error that names what it looks like."""
    done = invoke("token", "decode", argument, "-o", "json", stdin=stdin)
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert says in error["message"]
    assert error["hint"]


def test_hostile_contents() -> None:
    """Escape sequences, markup, tokens and secrets inside of a token: shown, but harmless."""
    text = token(
        sub="\x1b[2J\u202e[bold]x[/]",
        name=token(),
        metadata=json.dumps({"s": SECRET, "t": token(), "e": "\x1b]0;x\x07"}),
        attributes={"\ud800": "a\nb"},
    )
    for format_ in ("table", "tsv", "json", "jsonl", "name"):
        done = invoke("token", "decode", text, "-o", format_)
        assert done.code == 0
        assert not set(done.out) & {"\x1b", "\u202e", "\x07", "\ud800"}
        assert "eyJ" not in done.out
        assert SECRET not in done.out


def test_many_tokens() -> None:
    """One result a line; a bad line has its place; exit 1."""
    stdin = f"{token()}\n{token(exp=1)}\njunk\n"
    done = invoke("token", "decode", "-o", "jsonl", stdin=stdin)
    results = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [result.get("valid") for result in results] == [True, False, None]
    assert (results[2]["line"], results[2]["error"]["code"]) == (3, "L01")
    assert json.loads(invoke("token", "decode", "-o", "json", stdin=stdin).out) == results
    table = invoke("token", "decode", "-o", "table", stdin=stdin).out.splitlines()
    assert table[0].split() == ["LINE", "VALID", "SIGNATURE", "IDENTITY", "ROOM", "EXPIRES", "PROBLEM"]
    assert table[3].split(maxsplit=3) == ["3", "no", "-", "L01 not a JWT: it has no dot in it"]


def test_on_a_terminal_without_a_token() -> None:
    """A word instead of waiting for ever."""
    done = on_terminal("token", "decode")
    assert done.code == 2
    assert "no token was given" in done.out


def test_through_a_real_pipe() -> None:
    """Two processes, as the help says."""
    minted: Done = spawn("token", "mint", "--user-id", "new")
    read = spawn("token", "decode", stdin=minted.out)
    assert (minted.code, read.code) == (0, 0)
    assert "valid\ttrue" in read.out

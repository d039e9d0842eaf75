"""`lkctl token mint` and `lkctl token decode`, as people and scripts use them."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import SECRETS, Done, environment, invoke, on_terminal, spawn
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


def test_mint_for_a_user() -> None:
    """The bare token and a newline; nothing on stderr."""
    done = invoke("token", "mint", "--user-id", ID)
    assert (done.code, done.err, done.out.count("\n"), done.out.count(".")) == (0, "", 1, 2)
    shown = decoded(done.out)
    assert (shown["identity"], shown["room"], shown["user_id"]) == (ID, ROOM, ID)
    assert (shown["signature"], shown["valid"], shown["join"]["status"]) == ("verified", True, 200)
    assert set(shown["claims"]) == {"iss", "sub", "iat", "exp", "video", "metadata"}
    assert shown["claims"]["exp"] - shown["claims"]["iat"] == 6 * 3600


def test_mint_a_new_user() -> None:
    """Milliseconds and 12 characters."""
    shown = decoded(invoke("token", "mint", "--user-id", "new").out)
    head, stamp, tail = shown["user_id"].split("_")
    assert head == "user"
    assert abs(int(stamp) - time.time() * 1000) < 60_000
    assert (len(tail), tail.isalnum(), tail.islower() or tail.isdigit()) == (12, True, True)


GRANTS = [
    (["--can-publish"], {"canPublish": True}),
    (["--no-can-publish", "--no-can-publish-data"], {"canPublish": False, "canPublishData": False}),
    (["--can-subscribe"], {"canSubscribe": True}),
    (["--no-can-subscribe"], {"canSubscribe": False}),
    (["--can-publish-data"], {"canPublishData": True}),
    (["--can-update-own-metadata"], {"canUpdateOwnMetadata": True}),
    (["--source", "camera", "--source", "screen_share"], {"canPublishSources": ["camera", "screen_share"]}),
    (["--hidden"], {"hidden": True}),
    (["--room-create", "--room-list"], {"roomCreate": True, "roomList": True}),
    (["--room-admin"], {"roomAdmin": True}),
    (["--room-record", "--ingress-admin"], {"roomRecord": True, "ingressAdmin": True}),
    ([], {}),
]


@pytest.mark.parametrize(
    ("switches", "grants"), GRANTS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_switches(switches: list[str], grants: dict[str, Any]) -> None:
    """What was asked for is written, and nothing else."""
    done = invoke("token", "mint", "--identity", "alice", "--room", "demo", *switches)
    assert decoded(done.out)["claims"]["video"] == {"roomJoin": True, "room": "demo", **grants}


def test_all_of_a_participant(tmp_path: Path) -> None:
    """Name, kind, metadata from a file, attributes, lifetime."""
    (tmp_path / "meta.json").write_text('{ "a": [1, "é"] }\n')
    words = ["--identity", "alice", "--room", "demo", "--name", "Alice", "--kind", "sip", "--ttl", "1h30m"]
    words += ["--metadata", f"@{tmp_path / 'meta.json'}", "--attribute", "plan=pro=1", "--attribute", "empty="]
    shown = decoded(invoke("token", "mint", *words).out)
    assert (shown["name"], shown["kind"]) == ("Alice", "sip")
    assert shown["metadata"] == {"raw": '{ "a": [1, "é"] }', "json": {"a": [1, "é"]}}
    assert shown["attributes"] == {"plan": "pro=1", "empty": ""}
    assert shown["claims"]["exp"] - shown["claims"]["iat"] == 5400


def test_metadata_from_standard_input() -> None:
    """Merged with the user ID."""
    done = invoke("token", "mint", "--user-id", ID, "--metadata", "-", stdin='{"a": 1}\n')
    assert decoded(done.out)["metadata"]["raw"] == f'{{"a":1,"userId":"{ID}"}}'


def test_the_document_of_a_mint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Token, claims, expiry, URL, findings; a secret in the metadata is struck out everywhere but in the token."""
    monkeypatch.setenv("LIVEKIT_URL", "http://127.0.0.1:7880")
    metadata = json.dumps({"s": SECRET, "t": token()})
    done = invoke("token", "mint", "--user-id", ID, "--metadata", metadata, "-o", "json")
    shown = json.loads(done.out)
    assert list(shown) == ["token", "claims", "expires_at", "url", "findings"]
    assert (shown["url"], shown["findings"], shown["expires_at"][-1]) == ("ws://127.0.0.1:7880", [], "Z")
    assert shown["claims"]["metadata"] == f'{{"s":"<secret>","t":"<JWT>","userId":"{ID}"}}'
    assert decoded(shown["token"])["valid"]
    assert SECRET not in done.out


@pytest.mark.parametrize("url", [None, "", "no scheme"])
def test_a_mint_needs_no_url(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, empty or wrong: null."""
    if url is not None:
        monkeypatch.setenv("LIVEKIT_URL", url)
    done = invoke("token", "mint", "--user-id", ID, "-o", "jsonl")
    assert json.loads(done.out)["url"] is None
    assert done.out.count("\n") == 1


@pytest.mark.parametrize("format_", ["auto", "table", "tsv", "name"])
def test_the_other_formats_are_the_bare_token(format_: str) -> None:
    """A token is a token."""
    assert decoded(invoke("token", "mint", "--user-id", ID, "-o", format_).out)["valid"]


def test_mint_on_a_terminal() -> None:
    """The token, then who, where, what and until when."""
    done = on_terminal("token", "mint", "--user-id", ID, "--room", "demo", "--source", "camera", columns=120)
    lines = done.out.splitlines()
    assert lines[0].count(".") == 2
    plain = "\n".join(lines[1:]).replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert f"identity  {ID}\nroom      demo\nuser ID   {ID}\n" in plain
    assert "grants    may join room demo, publish camera only, subscribe, send data, may not change" in plain
    assert "Z (in 6 h)" in plain


@pytest.mark.parametrize("words", [["-q"], ["-o", "json"]])
def test_no_summary(words: list[str]) -> None:
    """Quiet, or JSON."""
    done = on_terminal("token", "mint", "--user-id", ID, *words)
    assert "may join" not in done.out


def test_an_unconventional_user_id() -> None:
    """Kept, with a warning on stderr."""
    done = invoke("token", "mint", "--user-id", "foo")
    assert (done.code, decoded(done.out)["user_id"]) == (0, "foo")
    assert done.err.startswith("warning: W-FORMAT: the user ID is not of the form user_{timestamp}_{random}")
    assert invoke("token", "mint", "--user-id", "foo", "-q").err == ""
    assert json.loads(invoke("token", "mint", "--user-id", "foo", "-o", "json").out)["findings"][0]["id"] == "W-FORMAT"


REFUSED = [
    pytest.param([], "token-refused", "L10", "--user-id new", id="nothing"),
    pytest.param(["--identity", "a"], "token-refused", "L11: it lets join, but names no room", "--room", id="no room"),
    pytest.param(["--room-list"], "token-refused", "L10", "--role admin or none", id="one for the API"),
    pytest.param(["--identity", "a", "--room", "r", "--source", "cam"], "token-refused", "L16", "camera", id="source"),
    pytest.param(["--user-id", "a" * 257], "usage", "257 bytes", "new", id="user ID too long"),
    pytest.param(
        ["--user-id", ID, "--metadata", '{"userId":"x"}'], "usage", "another userId", "one place", id="conflict"
    ),
    pytest.param(
        ["--user-id", ID, "--metadata", "{\n secret-words"], "input-malformed", "line 2, column 2", "", id="no JSON"
    ),
    pytest.param(["--user-id", ID, "--metadata", "[1]"], "input-malformed", "no JSON object", "", id="JSON list"),
    pytest.param(["--user-id", ID, "--metadata", "@nowhere"], "file-unreadable", "nowhere", "", id="no such file"),
    pytest.param(["--user-id", ID, "--metadata", "-"], "input-empty", "standard input", "", id="nothing piped"),
    pytest.param(["--user-id", ID, "--ttl", "0"], "usage", "--ttl is 0", "15m", id="no time"),
    pytest.param(["--user-id", ID, "--ttl", "-5m"], "usage", "no duration", "", id="negative time"),
    pytest.param(["--user-id", ID, "--attribute", "x"], "usage", "has no =", "KEY=VALUE", id="attribute"),
    pytest.param(["--user-id", ID, "--role", "viewr"], "usage", "no role 'viewr'", "Did you mean viewer?", id="role"),
    pytest.param(["--user-id", ""], "option-empty", "--user-id is empty", "", id="unset variable"),
]


@pytest.mark.parametrize(("words", "code", "says", "hint"), REFUSED)
def test_refused(words: list[str], code: str, says: str, hint: str) -> None:
    """Exit 2, nothing on stdout, the next step on stderr, no text of the metadata."""
    done = invoke("token", "mint", *words, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert says in error["message"]
    assert hint in error["hint"]
    assert "secret-words" not in done.err


def test_forced() -> None:
    """Minted all the same; what is wrong is told."""
    done = invoke("token", "mint", "--identity", "a", "--force")
    assert done.code == 0
    assert done.err.startswith("forced: L11: it lets join, but names no room")
    assert decoded(done.out)["join"] == {"accepted": False, "status": 400, "reason": "no room name"}


@pytest.mark.parametrize("name", ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])
def test_mint_without_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half set is an error that names the other half."""
    monkeypatch.delenv(name)
    done = invoke("token", "mint", "--user-id", ID)
    assert (done.code, done.out) == (2, "")
    assert name in done.err


VERDICTS = [
    pytest.param({}, 0, "✓ verified, valid for ", id="good"),
    pytest.param({"exp": 1}, 1, "✗ verified, but expired (L05)", id="expired"),
    pytest.param({"nbf": 600}, 1, "✗ verified, but not valid (L06)", id="not yet"),
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
    text = token(name="Al [/] ice", kind="agent", metadata=f'{{"userId":"{ID}"}}', attributes={"a": "b"}, iat=NOW - 65)
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


def test_findings_for_people() -> None:
    """A mark, a word, the rule, and the next step."""
    out = invoke("token", "decode", token(video={"room_join": True, "room": "r"}), "-o", "table").out
    assert "✗ error L14: the server does not know video.room_join and passes it over\n    Write roomJoin\n" in out
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


UNUSED = [
    "http.client", "email", "ssl", "livekit", "google", "aiohttp", "asyncio", "jwt", "rich", "pydantic",
    "importlib.metadata", "logging", "dotenv", "base64", "socket", "lkctl.tokens.decode", "lkctl.userid",
]  # fmt: skip


def test_a_mint_loads_only_what_it_needs(tmp_path: Path) -> None:
    """Most of the time of a mint is imports."""
    script = (
        "import sys; from lkctl.cli import run; code = run(['token', 'mint', '--user-id', 'new']); sys.stdout.flush(); "
        f"print(code, [name for name in {UNUSED!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    assert done.stderr == "0 []\n"

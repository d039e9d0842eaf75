"""`lkctl token mint` of one token, as people and scripts use it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lkctl.commands.token.grants import REFUSABLE, SWITCHES, option_of
from lkctl.commands.token.mintoptions import split_attributes
from lkctl.errors import LkctlError
from lkctl.output.qrcode import draw_code
from lkctl.tokens.claims import GROUPS, Form
from tests.harness import SECRETS, environment, invoke, on_terminal, spawn
from tests.reference import walk
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
    (["--no-can-update-own-metadata"], {"canUpdateOwnMetadata": False}),
    (["--as-agent", "--hidden"], {"hidden": True, "agent": True}),
    (["--destination-room", "other"], {"destinationRoom": "other"}),
    (["--grant", "canFly=true", "--grant", 'video.wings={"n":2}'], {"canFly": True, "wings": {"n": 2}}),
    (["--grant", 'video={"canPublish":false,"canPublishData":true}'], {"canPublish": False, "canPublishData": True}),
    (["--hidden", "--grant", "hidden=true"], {"hidden": True}),
    ([], {}),
]


@pytest.mark.parametrize(
    ("switches", "grants"), GRANTS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_switches(switches: list[str], grants: dict[str, Any]) -> None:
    """What was asked for is written, and nothing else."""
    done = invoke("token", "mint", "--identity", "alice", "--room", "demo", *switches)
    assert decoded(done.out)["claims"]["video"] == {"roomJoin": True, "room": "demo", **grants}


BOOLEANS = [
    (group, name)
    for group, kind in GROUPS.items()
    for name, form in kind.fields.items()
    if form is Form.boolean and not kind.newer
]


@pytest.mark.parametrize(("group", "name"), BOOLEANS, ids=[".".join(path) for path in BOOLEANS])
def test_every_grant_has_a_switch(group: str, name: str) -> None:
    """All that livekit-server knows; minted alone, it is alone in the token."""
    path = name if group == "video" else f"{group}.{name}"
    switch = option_of(path)
    done = invoke("token", "mint", "--identity", "x", "--room", "r", "--role", "none", switch, "--force")
    grants = decoded(done.out)["grants"]["explicit"]
    grants["video"].pop("room")
    assert {group: fields for group, fields in grants.items() if fields} == {group: {name: True}}
    assert (path in REFUSABLE) == (f"--no-{switch[2:]}" in invoke("token", "mint", "--help").out)


def test_there_are_no_other_switches() -> None:
    """A misspelt one would grant nothing."""
    assert set(SWITCHES) == {name if group == "video" else f"{group}.{name}" for group, name in BOOLEANS}


def test_help_tells_the_grants_apart() -> None:
    """Under a heading of their own, after the options; every example starts with lkctl."""
    text = invoke("token", "mint", "--help").out
    headings = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == [
        "Options:", "Grants:", "Room, when the join makes it:", "Handing over:", "Negative tests:", "Many at once:",
        "Connection:", "Output:", "Examples:",
    ]  # fmt: skip
    assert "-o, --output auto|table|tsv|json|jsonl|name|csv|env" in text


OTHER_GROUPS = [
    (["--sip-call", "--grant", "sip.fly=1"], {"sip": {"call": True, "fly": 1}}),
    (["--grant", 'newGroup={"x":1,"y.z":2}'], {"newGroup": {"x": 1, "y.z": 2}}),
    (["--agent-admin", "--grant", 'agent={"admin":true,"new":[]}'], {"agent": {"admin": True, "new": []}}),
    (["--grant", "agent=true", "--grant", "agent.admin=true"], {"agent": {"admin": True}}),
]


@pytest.mark.parametrize(("words", "claims_"), OTHER_GROUPS, ids=" ".join)
def test_grants_of_other_groups(words: list[str], claims_: dict[str, Any]) -> None:
    """Known or not, beside video."""
    shown = decoded(invoke("token", "mint", "--user-id", ID, *words).out)["claims"]
    assert {name: shown[name] for name in claims_} == claims_
    assert shown["video"] == {"roomJoin": True, "room": ROOM, **({"agent": True} if "agent=true" in words else {})}


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
    assert list(shown) == ["token", "claims", "expires_at", "url", "join_link", "findings"]
    link = f"https://meet.livekit.io/custom?liveKitUrl=ws%3A%2F%2F127.0.0.1%3A7880&token={shown['token']}"
    assert shown["join_link"] == link
    assert (shown["url"], shown["expires_at"][-1]) == ("ws://127.0.0.1:7880", "Z")
    assert [finding["id"] for finding in shown["findings"]] == ["L29"]
    assert shown["claims"]["metadata"] == f'{{"s":"<secret>","t":"<JWT>","userId":"{ID}"}}'
    assert decoded(shown["token"])["valid"]
    assert SECRET not in done.out


@pytest.mark.parametrize("url", [None, "", "no scheme"])
def test_a_mint_needs_no_url(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, empty or wrong: null."""
    if url is not None:
        monkeypatch.setenv("LIVEKIT_URL", url)
    done = invoke("token", "mint", "--user-id", ID, "-o", "jsonl")
    assert (json.loads(done.out)["url"], json.loads(done.out)["join_link"]) == (None, None)
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


def test_the_setup_on_a_terminal() -> None:
    """What the room will be made with, and from when the token is good; harmless, whatever it holds."""
    config = {"emptyTimeout": 60, "tags": {"a": "b"}, "agents": [{"agentName": "\x1b[2Jgreeter"}], "metadata": "\x07"}
    words = ["--agent", "helper", "--room-config", json.dumps(config), "--not-before", "+1h", "--sip-call"]
    done = on_terminal("token", "mint", "--user-id", ID, "--room", "demo", *words, columns=120)
    plain = done.out.replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "new room    agents \\x1b[2Jgreeter, helper; emptyTimeout 60; " in plain
    assert "valid from  20" in plain
    assert "Z (in 1 h)\nexpires     20" in plain
    assert "make SIP calls" in plain
    assert not set(plain) & {"\x1b[2J", "\x07"}
    never = on_terminal("token", "mint", "--user-id", ID, "--no-exp", "--unsafe", columns=120).out
    assert "never" in never


@pytest.mark.parametrize("config", ['{"agents":5}', '{"agents":[5]}', '{"agents":[{}],"metadata":{}}'])
def test_a_broken_setup_on_a_terminal(config: str) -> None:
    """Forced, it is minted and told."""
    done = on_terminal("token", "mint", "--user-id", ID, "--room-config", config, "--force", columns=120)
    assert done.code == 0
    assert "L15" in done.out


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
    pytest.param(
        ["--identity", "a"], "token-refused", "L11: it allows joining, but names no room", "--room", id="no room"
    ),
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
    pytest.param(["--user-id", ID, "--ttl", "0"], "usage", "its lifetime is 0", "15m", id="no time"),
    pytest.param(["--user-id", ID, "--ttl", "-5m"], "usage", "its lifetime is negative", "unsafe", id="negative time"),
    pytest.param(["--user-id", ID, "--ttl", "5 m"], "usage", "no duration", "5m", id="no time at all"),
    pytest.param(["--user-id", ID, "--no-exp"], "usage", "--no-exp is for negative tests", "--unsafe", id="no expiry"),
    pytest.param(
        ["--user-id", ID, "--no-exp", "--ttl", "5m", "--unsafe"], "usage", "excludes --ttl", "one", id="two lifetimes"
    ),
    pytest.param(
        ["--user-id", ID, "--sign-with", "secret-words"],
        "usage",
        "--sign-with is for",
        "--unsafe",
        id="other secret",
    ),
    pytest.param(["--user-id", ID, "--not-before", "soon"], "usage", "which is no time", "+1h", id="no start"),
    pytest.param(["--user-id", ID, "--grant", "canFly"], "usage", "has no =", "KEY=JSON", id="grant without ="),
    pytest.param(["--user-id", ID, "--grant", "=1"], "usage", "no whole key", "KEY=JSON", id="grant without key"),
    pytest.param(["--user-id", ID, "--grant", "sip.=1"], "usage", "no whole key", "KEY=JSON", id="half a key"),
    pytest.param(
        ["--user-id", ID, "--grant", 'a=["secret-words"'], "input-malformed", "--grant a is not JSON", "", id="grant"
    ),
    pytest.param(["--user-id", ID, "--grant", 'room="a", b'], "input-malformed", "column 4", "", id="column"),
    pytest.param(
        ["--user-id", ID, "--grant", 'Metadata={"a":1}'], "usage", "metadata is a claim", "--help", id="a claim"
    ),
    pytest.param(
        ["--user-id", ID, "--hidden", "--grant", "hidden=false"],
        "usage",
        "hidden is given twice",
        "once",
        id="yes and no",
    ),
    pytest.param(
        ["--user-id", ID, "--grant", "canPublsh=true"], "token-refused", "L14", "Write canPublish. Forced", id="typo"
    ),
    pytest.param(
        ["--user-id", ID, "--grant", "room_admin=true"], "token-refused", "L14", "Write roomAdmin", id="snake case"
    ),
    pytest.param(
        ["--user-id", ID, "--grant", 'vdeo={"canPublish":false}'], "token-refused", "L14", "Write video", id="group"
    ),
    pytest.param(["--user-id", ID, "--grant", "roomAdmin=1"], "token-refused", "L15", "", id="wrong type"),
    pytest.param(
        ["--user-id", ID, "--room", "r", "--grant", 'room="s"'], "usage", "different rooms", "one place", id="two rooms"
    ),
    pytest.param(["--user-id", ID, "--grant", "x=1e999"], "input-malformed", "--grant x", "readers", id="huge grant"),
    pytest.param(
        ["--user-id", ID, "--grant", f"x={'[' * 900}{']' * 900}"], "input-malformed", "100 levels", "", id="deep grant"
    ),
    pytest.param(
        ["--user-id", ID, "--grant", f"x={'[' * 99}{']' * 99}"], "input-malformed", "100 levels", "", id="too deep"
    ),
    pytest.param(
        ["--user-id", ID, "--room-config", '{"maxParticipants":1e999}'],
        "input-malformed",
        "--room-config is not usable JSON: it holds the number 1e999",
        "",
        id="huge number for the room",
    ),
    pytest.param(
        ["--user-id", ID, "--room-config", '{"metadata":"a","metadata":"b"}'],
        "input-malformed",
        "the key 'metadata' is given more than once",
        "",
        id="key of the room twice",
    ),
    pytest.param(
        ["--user-id", ID, "--metadata", '{"a":1,"a":2}'], "input-malformed", "more than once", "", id="key twice"
    ),
    pytest.param(["--user-id", ID, "--metadata", '{"a":1e999}'], "input-malformed", "1e999", "", id="huge number"),
    pytest.param(["--user-id", ID, "--room-metadata", "NaN"], "input-malformed", "it holds NaN", "", id="NaN"),
    pytest.param(["--user-id", ID, "--source", "screen-share"], "token-refused", "L16", "screen_share", id="hyphen"),
    pytest.param(["--user-id", ID, "--room-config", "[1]"], "input-malformed", "not an object", "", id="config a list"),
    pytest.param(["--user-id", ID, "--room-config", "{,}"], "input-malformed", "column 2", "", id="config no JSON"),
    pytest.param(
        ["--user-id", ID, "--room-config", '{"emptyTimeout":-1}'], "token-refused", "L15", "", id="config of wrong type"
    ),
    pytest.param(["--user-id", ID, "--room-metadata", "{a}"], "input-malformed", "column 2", "", id="room metadata"),
    pytest.param(
        ["--user-id", ID, "--room-metadata", "1", "--room-config", '{"metadata":"2"}'],
        "usage",
        "given in the room configuration and beside it",
        "one place",
        id="two room metadata",
    ),
    pytest.param(["--user-id", ID, "--agent", "=x"], "usage", "has no name", "NAME=METADATA", id="agent"),
    pytest.param(["--user-id", ID, "--out", "x"], "usage", "--out is for many", "--from", id="file of one"),
    pytest.param(["--user-id", ID, "--jobs", "2"], "usage", "--jobs is for many", "--from", id="jobs for one"),
    pytest.param(["--from", "x", "--qr"], "usage", "--qr is for one", "Leave one", id="one of many"),
    pytest.param(
        ["--from", "x", "--sign-with", "y", "--unsafe"], "usage", "--sign-with is for one", "", id="signed many"
    ),
    pytest.param(["--user-id", ID, "--qr"], "settings-missing", "LIVEKIT_URL is not set", "", id="link without URL"),
    pytest.param(["--user-id", ID, "--open"], "settings-missing", "LIVEKIT_URL is not set", "", id="page without URL"),
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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--user-id", ID, "-o", "csv"], "-o csv is for many tokens, and there is no --from"),
        (["--from", "x", "-o", "env"], "-o env is for one token, and --from makes many"),
    ],
)
def test_formats_of_the_other_kind(words: list[str], says: str) -> None:
    """One token has no columns, and many do not fit into one variable."""
    done = invoke("token", "mint", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


VALUES = [
    param.opts[0]
    for path, command in walk()
    if path == "token mint"
    for param in command.params
    if not param.is_flag and param.name not in {"output", "jobs"}  # these have values of their own
]


@pytest.mark.parametrize("option", VALUES)
def test_an_unset_variable_is_no_value(option: str) -> None:
    """Whatever it is given to: nothing is minted for a stranger."""
    done = invoke("token", "mint", "--user-id", ID, option, "")
    assert (done.code, done.out) == (2, "")
    assert f"{option} is empty" in done.err


@pytest.mark.parametrize(
    ("words", "attributes"),
    [([], {}), (["a=b"], {"a": "b"}), (["a=b=c", "d="], {"a": "b=c", "d": ""}), ([" a = b"], {" a ": " b"})],
)
def test_attributes(words: list[str], attributes: dict[str, str]) -> None:
    """Split at the first =."""
    assert split_attributes(words) == attributes


@pytest.mark.parametrize(
    ("words", "says"), [(["a"], "has no ="), (["=b"], "has no name"), (["a=1", "a=2"], "given twice")]
)
def test_bad_attributes(words: list[str], says: str) -> None:
    """Exit 2."""
    with pytest.raises(LkctlError, match=says) as caught:
        split_attributes(words)
    assert caught.value.code == "usage"


def test_the_room_that_the_join_makes(tmp_path: Path) -> None:
    """Configuration, metadata and agents in one claim, in camelCase."""
    (tmp_path / "room.json").write_text('{"empty_timeout": 60, "agents": [{"agent_name": "greeter"}]}')
    words = ["--room-config", f"@{tmp_path / 'room.json'}", "--room-metadata", "-", "--room-preset", "small"]
    words += ["--agent", "helper", "--agent", 'scribe={"lang":"en","a":"b=c"}']
    done = invoke("token", "mint", "--user-id", ID, *words, stdin=' {"plan": "pro"}\n')
    claims_ = decoded(done.out)["claims"]
    assert (done.code, claims_["roomPreset"]) == (0, "small")
    assert claims_["roomConfig"] == {
        "emptyTimeout": 60,
        "metadata": '{"plan": "pro"}',
        "agents": [
            {"agentName": "greeter"},
            {"agentName": "helper"},
            {"agentName": "scribe", "metadata": '{"lang":"en","a":"b=c"}'},
        ],
    }


def test_kind() -> None:
    """With details; one that does not exist is told, and the ones there are."""
    words = ["--kind", "agent", "--kind-detail", "cloud_agent", "--kind-detail", "forwarded"]
    claims_ = decoded(invoke("token", "mint", "--user-id", ID, *words).out)["claims"]
    assert (claims_["kind"], claims_["kindDetails"]) == ("agent", ["cloud_agent", "forwarded"])
    done = invoke("token", "mint", "--user-id", ID, "--kind", "agnt")
    assert done.code == 0
    assert done.err.startswith("warning: L21: the kind 'agnt' does not exist")


def test_not_before() -> None:
    """An hour from now, and six hours from then."""
    done = invoke("token", "mint", "--user-id", ID, "--not-before", "+1h", "-o", "json")
    claims_ = json.loads(done.out)["claims"]
    assert (done.code, done.err) == (0, "")
    assert (claims_["nbf"] - claims_["iat"], claims_["exp"] - claims_["nbf"]) == (3600, 6 * 3600)
    named = invoke("token", "mint", "--user-id", ID, "--not-before", "2020-01-31T12:00:00+01:00", "-o", "json")
    assert json.loads(named.out)["claims"]["nbf"] == 1580468400


OTHER_SECRET = "another-secret-of-another-server-0123456789"
NEGATIVE = [
    pytest.param(["--ttl", "-5m"], "L05", "expired 5 min ago", {"accepted": False, "status": 401}, id="expired"),
    pytest.param(["--no-exp"], "L07", "it never expires", {"accepted": True, "status": 200}, id="no expiry"),
    pytest.param(["--sign-with", OTHER_SECRET], "L03", "does not fit", {"accepted": False, "status": 401}, id="secret"),
    pytest.param(["--sign-with", "-"], "L03", "does not fit", {"accepted": False, "status": 401}, id="secret piped in"),
    pytest.param(["--room", "*"], "L11", "the room is *", {"accepted": True, "status": 200}, id="no room"),
]


@pytest.mark.parametrize(("words", "rule", "says", "join"), NEGATIVE)
def test_negative(words: list[str], rule: str, says: str, join: dict[str, Any]) -> None:
    """What must not work is minted behind --unsafe, and what is wrong with it is told."""
    SECRETS.add(OTHER_SECRET)
    done = invoke("token", "mint", "--user-id", ID, *words, "--unsafe", stdin=f"{OTHER_SECRET}\n")
    assert done.code == 0
    assert done.err.startswith(f"forced: {rule}: ")
    assert says in done.err
    foreseen = decoded(done.out)["join"]
    assert {name: foreseen[name] for name in join} == join


def test_a_shell_can_take_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`eval` sets both variables, whatever characters the URL has; without a URL nothing is printed."""
    monkeypatch.setenv("LIVEKIT_URL", "wss://example.com/it's;a")
    script = f"""eval "$({sys.executable} -m lkctl token mint --user-id {ID} -o env)"; """
    script += 'printf "%s\\n" "$LIVEKIT_URL" "$LIVEKIT_TOKEN"'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    url, text = done.stdout.splitlines()
    assert url == "wss://example.com/it's;a"
    assert decoded(text)["valid"]
    monkeypatch.delenv("LIVEKIT_URL")
    without = invoke("token", "mint", "--user-id", ID, "-o", "env")
    assert (without.code, without.out) == (2, "")
    assert "LIVEKIT_URL is not set" in without.err


def test_the_code_of_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr, also under --quiet; stdout stays the token. On a terminal it is light on dark."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:7880")
    done = invoke("token", "mint", "--user-id", ID, "--qr", "-q")
    assert (done.code, done.out.count("\n")) == (0, 1)
    link = f"https://meet.livekit.io/custom?liveKitUrl=ws%3A%2F%2F127.0.0.1%3A7880&token={done.out.strip()}"
    assert done.err == draw_code(link, color=False) + "\n"
    screen = on_terminal("token", "mint", "--user-id", ID, "--qr", "--color", "always", columns=100).out
    assert screen.count("\x1b[97;40m█") > 30


TOO_MUCH = [
    pytest.param(["--attribute", f"x={'y' * 3000}"], 200, "and a QR code holds 2953", id="too long"),
    pytest.param([], 60, "columns wide, and the terminal 60", id="too wide"),
]


@pytest.mark.parametrize(("words", "columns", "says"), TOO_MUCH)
def test_what_no_code_can_hold(words: list[str], columns: int, says: str) -> None:
    """Said before a token is printed; exit 2."""
    env = {"LIVEKIT_URL": "ws://127.0.0.1:7880"}
    done = on_terminal("token", "mint", "--user-id", ID, "--qr", *words, columns=columns, env=env)
    assert done.code == 2
    assert says in done.out
    assert "eyJ" not in done.out


def test_a_code_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is named with the way to install it."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:7880")
    monkeypatch.setitem(sys.modules, "segno", None)  # as if it were not installed
    done = invoke("token", "mint", "--user-id", ID, "--qr", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", "extra-missing")
    assert "pip install" in error["hint"]


BROWSER = f"""#!{sys.executable}
import http.client, os, sys, urllib.parse
address = urllib.parse.urlsplit(sys.argv[1])
link = http.client.HTTPConnection(address.netloc, timeout=10)
link.request("GET", address.path)
answer = link.getresponse()
open(os.environ["SEEN"], "w").write(f"{{sys.argv[1]}}\\n{{answer.status}}\\n{{answer.headers['Location']}}\\n")
print("a browser that talks")
"""


def test_joining_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is sent to the meet page; the token is in no argv, and stdout holds it alone."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(BROWSER)
    browser.chmod(0o700)
    env = {"LIVEKIT_URL": "ws://10.0.0.1:7880", "BROWSER": f"{browser} %s", "SEEN": str(seen)}
    done = spawn("token", "mint", "--user-id", ID, "--open", env=env)
    assert (done.code, done.out.count("\n"), done.out[:3]) == (0, 1, "eyJ")
    assert "opening https://meet.livekit.io in the browser; that page gets the token" in done.err
    assert "browsers reach wss:// only, not ws://10.0.0.1:7880" in done.err
    assert "eyJ" not in done.err
    end = time.monotonic() + 10
    while time.monotonic() < end and not (seen.exists() and seen.read_text().count("\n") == 3):
        time.sleep(0.05)
    pointer, status, location = seen.read_text().splitlines()
    assert pointer.startswith("http://127.0.0.1:")
    assert "eyJ" not in pointer
    assert status == "303"
    link = f"https://meet.livekit.io/custom?liveKitUrl=ws%3A%2F%2F10.0.0.1%3A7880&token={done.out.strip()}"
    assert location == link


def test_without_a_browser(tmp_path: Path) -> None:
    """Exit 1, the token is there, and so is the next step."""
    env = {"LIVEKIT_URL": "wss://example.com", "BROWSER": str(tmp_path / "nothing"), "PATH": "", "DISPLAY": ""}
    done = spawn("token", "mint", "--user-id", ID, "--open", env=env)
    assert (done.code, done.out[:3]) == (1, "eyJ")
    assert "no browser can be opened here" in done.err
    assert "join_link" in done.err


def test_forced() -> None:
    """Minted all the same; what is wrong is told."""
    done = invoke("token", "mint", "--identity", "a", "--force")
    assert done.code == 0
    assert done.err.startswith("forced: L11: it allows joining, but names no room")
    assert decoded(done.out)["join"] == {"accepted": False, "status": 400, "reason": "no room name"}


@pytest.mark.parametrize("name", ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])
def test_mint_without_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half set is an error that names the other half."""
    monkeypatch.delenv(name)
    done = invoke("token", "mint", "--user-id", ID)
    assert (done.code, done.out) == (2, "")
    assert name in done.err


UNUSED = [
    "http.client", "email", "ssl", "livekit", "google", "aiohttp", "asyncio", "jwt", "rich", "pydantic",
    "importlib.metadata", "logging", "dotenv", "base64", "socket", "lkctl.tokens.decoding", "lkctl.userid",
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

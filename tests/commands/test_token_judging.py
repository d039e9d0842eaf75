"""How `lkctl token decode` judges: its options, other settings, many tokens."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import SECRETS, command, environment, invoke, on_terminal, spawn
from tests.harness import Done as Run
from tests.tokens.forge import KEY, SECRET, claims, forge

NOW = int(time.time())
STAGING = "staging-secret-of-staging-secret-of-staging"
PROD = "prod-secret-of-prod-secret-of-prod-secret-of"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and secret in the environment; no secret must ever be seen."""
    SECRETS.update({SECRET, STAGING, PROD})
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)


def token(*, secret: str = SECRET, **changes: Any) -> str:
    """Forge a token that is good now, with changes."""
    return forge(claims(**{"exp": NOW + 3600, **changes}), secret=secret)


GOOD = token()
WARNING = token(sub="user")
SECURITY = token(exp=NOW + 40 * 86_400)
ERROR = token(sub=...)


def decode(*words: str, stdin: str | bytes = "") -> Run:
    """Run the command."""
    return invoke("token", "decode", *words, stdin=stdin)


def test_findings_alone() -> None:
    """Columns in a pipe; an array of objects; ids; sentences for people."""
    text = token(sub=..., exp=NOW + 40 * 86_400)
    rows = [line.split("\t") for line in decode("--lint-only", text).out.splitlines()]
    assert [row[:3] for row in rows] == [["1", "L10", "error"], ["1", "L09", "security"]]
    assert all(len(row) == 5 for row in rows)
    shown = json.loads(decode("--lint-only", text, "-o", "json").out)
    assert [list(finding) for finding in shown] == [["line", "id", "severity", "message", "hint"]] * 2
    assert decode("--lint-only", text, "-o", "name").out == "L10\nL09\n"
    assert decode("--lint-only", text, "-o", "table").out.startswith("✗ error L10: it allows joining, but has no")


def test_no_findings() -> None:
    """Nothing on stdout, an empty array; a person is told."""
    assert decode("--lint-only", GOOD) == Run(0, "", "")
    assert decode("--lint-only", GOOD, "-o", "json").out == "[]\n"
    assert decode("--lint-only", GOOD, "-o", "table") == Run(0, "", "no findings\n")


def test_findings_of_many() -> None:
    """Each with the line of its token; a line that is no JWT is one, too."""
    stdin = f"{GOOD}\n\n{WARNING}\njunk\n"
    done = decode("--lint-only", "-o", "jsonl", stdin=stdin)
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [(finding["line"], finding["id"], finding["severity"]) for finding in found] == [
        (3, "L10", "warning"),
        (4, "L01", "error"),
    ]
    assert json.loads(decode("--lint-only", "-o", "json", stdin=stdin).out) == found
    assert decode("--lint-only", "-o", "table", stdin=stdin).out.startswith("line 3: ! warning L10: ")
    assert decode("--lint-only", stdin=stdin).out.startswith("3\tL10\twarning\t")


FAIL_ON = [
    pytest.param(GOOD, (0, 0, 0), id="good"),
    pytest.param(WARNING, (0, 0, 1), id="a warning"),
    pytest.param(SECURITY, (0, 1, 1), id="security"),
    pytest.param(ERROR, (1, 1, 1), id="an error"),
    pytest.param(token(name=None), (0, 0, 0), id="info"),
]


@pytest.mark.parametrize(("text", "codes"), FAIL_ON)
def test_failing_on(text: str, codes: tuple[int, ...]) -> None:
    """The exit code alone changes, alone and among many, with findings only or all."""
    for severity, code in zip(("error", "security", "warning"), codes, strict=True):
        assert decode("--fail-on", severity, text).code == code
        assert decode("--lint-only", "--fail-on", severity, text).code == code
        assert decode("--fail-on", severity, stdin=f"{GOOD}\n{text}\n").code == code
    assert decode(text).code == codes[0]


IGNORED = [
    pytest.param(["--ignore", "L10"], SECURITY, [("L09", "security")], id="another"),
    pytest.param(["--ignore", "L09"], SECURITY, [], id="one"),
    pytest.param(["--ignore", "l10, l09"], token(sub=..., exp=NOW + 40 * 86_400), [], id="two, lower case"),
    pytest.param(["--ignore", "L10", "--ignore", "L09"], token(sub=..., exp=NOW + 40 * 86_400), [], id="repeated"),
]


@pytest.mark.parametrize(("words", "text", "left"), IGNORED)
def test_ignoring(words: list[str], text: str, left: list[tuple[str, str]]) -> None:
    """Neither shown nor counted."""
    done = decode(*words, text, "-o", "json", "--fail-on", "warning")
    shown = json.loads(done.out)
    assert [(finding["id"], finding["severity"]) for finding in shown["findings"]] == left
    assert (shown["valid"], done.code) == (True, 1 if left else 0)


OUT_OF_ORDER = [
    pytest.param(token(exp=1), "L05", "✗ verified, but expired\n", id="expired"),
    pytest.param(token(nbf=NOW + 600), "L06", "✗ verified, but not valid yet\n", id="not yet"),
    pytest.param(token(secret="another"), "L03", "✗ bad signature", id="badly signed"),
]


@pytest.mark.parametrize(("text", "rule", "heading"), OUT_OF_ORDER)
def test_what_ignoring_cannot_mend(text: str, rule: str, heading: str) -> None:
    """Signature and times are no matter of taste."""
    done = decode("--ignore", rule, text, "-o", "table")
    assert (done.code, rule in done.out) == (1, False)
    assert done.out.startswith(heading)


WRONG = [
    pytest.param(["--ignore", "L99"], "usage", "no rule 'L99'", "L01, L02", id="rule"),
    pytest.param(["--ignore", ""], "option-empty", "--ignore is empty", "", id="no rule"),
    pytest.param(["--fail-on", "info"], "usage", "'info' is not one of", "", id="severity"),
    pytest.param(["--server-version", "latest"], "usage", "--server-version is 'latest'", "1.13.6", id="version"),
    pytest.param(["--server-version", "1.13"], "usage", "--server-version is '1.13'", "1.13.6", id="half a version"),
    pytest.param(["--scan", "nowhere"], "file-unreadable", "nowhere", "folder", id="folder"),
    pytest.param(["--require-key", ""], "option-empty", "--require-key is empty", "", id="no key"),
    pytest.param(["--require-key", "a["], "usage", "--require-key is 'a['", "user.id", id="no path"),
    pytest.param(
        ["--require-key", "userId", "--require-key", "a..b"],
        "usage",
        "--require-key is 'a..b'",
        "user.id",
        id="a second key that is no path",
    ),
]


@pytest.mark.parametrize(("words", "code", "says", "hint"), WRONG)
def test_wrong_options(words: list[str], code: str, says: str, hint: str) -> None:
    """Exit 2 and nothing on stdout, for one token and for many."""
    for given in ([GOOD], []):
        done = decode(*words, *given, "-o", "json", stdin="" if given else f"{GOOD}\n{GOOD}\n")
        error = json.loads(done.err)["error"]
        assert (done.code, done.out, error["code"]) == (2, "", code)
        assert says in error["message"]
        assert hint in error["hint"]


@pytest.mark.parametrize(("version", "status"), [(None, 200), ("1.13.5", 200), ("1.13.6", 401), ("v2.0.0-rc.1", 401)])
def test_the_version_of_the_server(version: str | None, status: int) -> None:
    """From 1.13.6 on a token without an expiry is refused."""
    words = [] if version is None else ["--server-version", version]
    assert json.loads(decode(*words, token(exp=...), "-o", "json").out)["join"]["status"] == status


def test_required_keys() -> None:
    """Each that the metadata lacks is told."""
    text = token(metadata='{"userId": "foo"}')
    assert decode("--lint-only", "--require-key", "userId", text).out == ""
    out = decode("--lint-only", "--require-key", "userId", "--require-key", "plan", text).out
    assert out.startswith("1\tL23\twarning\t")
    assert "plan" in out


def test_a_scan(clean_place: Path) -> None:
    """A call that the token does not allow is a finding with its place; nothing found is told on stderr."""
    (clean_place / "web").mkdir()
    done = decode("--scan", ".", "--lint-only", GOOD)
    assert done == Run(0, "", "scanned 0 source files in .: none changes its own metadata, attributes or name\n")
    (clean_place / "web" / "app.ts").write_text("\nroom.localParticipant.setMetadata('x')\n")
    done = decode("--scan", ".", "--lint-only", GOOD)
    assert done.out.startswith("1\tL31\tinfo\tcanUpdateOwnMetadata is not granted, but web/app.ts:2 ")
    allowed = token(video={"roomJoin": True, "room": "demo", "canUpdateOwnMetadata": True})
    assert decode("--scan", ".", "--lint-only", allowed) == Run(0, "", "")


def test_the_host_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pair of the dev server with a public URL; a URL that cannot be read is no matter here."""
    monkeypatch.setenv("LIVEKIT_API_KEY", "devkey")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "secret")
    text = token(iss="devkey", secret="secret")
    monkeypatch.setenv("LIVEKIT_URL", "wss://livekit.example.com")
    assert (
        "L04\twarning\tdevkey is the API key of `livekit-server --dev`; livekit.example.com"
        in decode("--lint-only", text).out
    )
    monkeypatch.setenv("LIVEKIT_URL", "nonsense")
    assert "L04" not in decode("--lint-only", text).out


@pytest.fixture
def around(clean_place: Path) -> Path:
    """Another env file, one that is broken, and a project of lk's."""
    home = clean_place.parent / "home" / ".livekit"
    home.mkdir()
    (home / "cli-config.yaml").write_text(f"projects: [{{name: prod, api_key: APIprod, api_secret: {PROD}}}]\n")
    (clean_place / ".env.staging").write_text(f"LIVEKIT_API_KEY=APIstaging\nLIVEKIT_API_SECRET={STAGING}\n")
    (clean_place / ".env.broken").write_bytes(b"\xff\xfe\x00")
    return clean_place


OF_STAGING, OF_PROD = "the secret of .env.staging", "the secret of lk's project prod"
BY_STAGING, BY_PROD = token(iss="APIstaging", secret=STAGING), token(iss="APIprod", secret=PROD)
KNOWN = [
    pytest.param(token(secret=STAGING), (1, "✗ bad signature", OF_STAGING), id="its secret"),
    pytest.param(BY_STAGING, (0, "? not verified", OF_STAGING), id="an env file"),
    pytest.param(BY_PROD, (0, "? not verified", OF_PROD), id="a project"),
    pytest.param(token(iss="devkey", secret="secret"), (0, "? not verified", "(devkey/secret)"), id="dev server"),
]


@pytest.mark.parametrize(("text", "expected"), KNOWN)
def test_a_pair_that_fits(text: str, expected: tuple[int, str, str], around: Path) -> None:
    """It is named on the first line and in a finding, and no secret is shown; a broken file is passed over."""
    done = decode(text, "-o", "table")
    first, _, rest = done.out.partition("\n")
    code, heading, fits = expected
    assert done.code == code
    assert first.startswith(heading)
    assert f"it fits {fits}" in first or "it fits the secret of `livekit-server --dev` (devkey/secret)" in first
    assert fits in rest


@pytest.mark.parametrize("text", [BY_STAGING, BY_PROD], ids=["an env file", "a project"])
def test_a_pair_that_fits_where_none_is_configured(text: str, around: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays unverified: the settings do not hold that pair; but it is told."""
    monkeypatch.delenv("LIVEKIT_API_KEY")
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    shown = json.loads(decode(text, "-o", "json").out)
    fits = OF_STAGING if text == BY_STAGING else OF_PROD
    assert (shown["signature"], shown["valid"], shown["join"]["accepted"]) == ("unverified", True, None)
    assert [(one["id"], one["severity"]) for one in shown["findings"]] == [("L04", "info")]
    assert shown["findings"][0]["message"] == f"no API key is configured; the signature fits {fits}"
    assert decode(text, "-o", "table").out.startswith("? not verified (no secret for API")


def test_a_secret_of_others_is_struck_out(around: Path) -> None:
    """Also where the token itself carries it."""
    text = token(secret=STAGING, metadata=json.dumps({"s": PROD}))
    for format_ in ("table", "tsv", "json"):
        done = decode(text, "-o", format_)
        assert PROD not in done.out + done.err
    assert "<secret>" in done.out


def test_a_quoted_secret_is_struck_out_without_its_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those around it in the output are JSON's."""
    monkeypatch.setenv("LIVEKIT_API_SECRET", f'"{SECRET}"')
    assert json.loads(decode(token(name=SECRET), "-o", "json").out)["name"] == "<secret>"


def test_one_token_over_lines() -> None:
    """As a mail or a terminal breaks it."""
    broken = "\n".join(GOOD[at : at + 60] for at in range(0, len(GOOD), 60))
    assert decode("-o", "name", stdin=broken) == Run(0, "alice\n", "")
    assert decode(broken, "-o", "name") == Run(0, "alice\n", "")


def test_bad_lines_among_many() -> None:
    """Bytes that are not UTF-8 have their place."""
    done = decode("-o", "jsonl", stdin=GOOD.encode() + b"\n\xe9t\xe9\n" + GOOD.encode())
    results = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [result.get("valid") for result in results] == [True, None, True]
    assert (results[1]["line"], results[1]["error"]["code"]) == (2, "input-encoding")


def test_an_array_as_the_renderer_writes_it() -> None:
    """Streamed, but the same."""
    named = token(name="é\u2028")
    stdin = f"{GOOD}\n{named}\njunk"
    out = decode("-o", "json", stdin=stdin).out
    assert out == json.dumps(json.loads(out), indent=2, ensure_ascii=False).replace("\u2028", "\\u2028") + "\n"


def test_a_table_of_very_many() -> None:
    """In blocks, each under its heading; no line is lost."""
    lines = decode("-o", "table", stdin=f"{GOOD}\n" * 1500).out.splitlines()
    headings = [at for at, line in enumerate(lines) if line.startswith("LINE")]
    assert headings == [0, 1001]
    assert [line.split()[0] for at, line in enumerate(lines) if at not in headings] == [str(n) for n in range(1, 1501)]


def test_two_things_from_standard_input() -> None:
    """The secret would eat the token."""
    done = decode("--api-key", KEY, "--api-secret", "-", stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert "cannot both come from standard input" in done.err
    assert decode("--api-key", KEY, "--api-secret", "-", GOOD, "-o", "name", stdin=SECRET).out == "alice\n"


@pytest.mark.parametrize("name", ["/dev/null", "/"], ids=["nothing", "a folder"])
def test_files_that_hold_nothing(name: str) -> None:
    """An error of ours."""
    done = decode(f"@{name}")
    assert (done.code, done.out) == (2, "")
    assert name in done.err


def test_results_as_they_come() -> None:
    """What is there is written before more is awaited; ^C ends the wait quietly."""
    words = command("token", "decode", "-o", "name")
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment()) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{GOOD}\n{GOOD}\n".encode())
        process.stdin.flush()
        assert process.stdout.readline() == b"alice\n"
        assert process.stdout.readline() == b"alice\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


def test_a_reader_that_leaves() -> None:
    """`… | head -1` ends an endless input."""
    reader, writer = os.pipe()
    words = command("token", "decode", "-o", "jsonl")
    pipe = subprocess.PIPE
    with subprocess.Popen(["yes", GOOD], stdout=pipe) as feeder:
        assert feeder.stdout
        with subprocess.Popen(words, stdin=feeder.stdout, stdout=writer, stderr=pipe, env=environment()) as process:
            os.close(writer)
            feeder.stdout.close()
            assert os.read(reader, 100).startswith(b'{"header"')
            os.close(reader)
            _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


def test_findings_on_a_terminal() -> None:
    """Sentences, whole, however narrow it is."""
    done = on_terminal("token", "decode", "--lint-only", WARNING, columns=40)
    assert (
        "! warning L10: the identity is 'user': whoever joins with the same identity disconnects the earlier one"
        in (done.out)
    )


def test_completion_of_rules() -> None:
    """Ids with what they find, also behind a comma."""

    def complete(words: str) -> list[str]:
        env = {"_LKCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return spawn(env=env).out.split()

    assert complete("lkctl token decode --ignore L1")[:2] == ["L10", "L11"]
    assert complete("lkctl token decode --ignore L09,L32") == ["L09,L32"]
    assert complete("lkctl token decode --fail-on s") == ["security"]
    assert "--server-version" in complete("lkctl token decode --s")


def test_the_help_topic_names_every_rule() -> None:
    """With its severity and what comes of it."""
    from lkctl.tokens.catalogue import RULES

    rows = [line.split("\t") for line in invoke("help", "lint").out.splitlines()]
    assert rows == [[rule.id, f"{rule.title} ({rule.severity.value}): {rule.consequence}"] for rule in RULES]

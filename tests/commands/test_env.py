"""`lkctl env`, as people, pipes and CI jobs run it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.harness import Done, invoke, on_terminal, spawn

URL = "wss://demo-1a2b3c4d.livekit.cloud"
KEY = "APIx7Kp2mQ9rTz4"
REVEALED = "rV7kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"  # shown on purpose, so not among the searched ones

PASSED = f"""\
env
  ✓ pass    URL, key and secret are set: {URL} (.env:1), key APIx7…z4 (.env:2), secret of 45 characters (.env:3)
  ✓ pass    Values are spelled cleanly: no stray quotes, blanks or placeholders in .env
  ✓ pass    Key and secret are in their places: LIVEKIT_API_KEY and LIVEKIT_API_SECRET: of the usual form
  ✓ pass    Secret is neither known nor short: the secret has 45 characters, and is not that of livekit-server --dev
  ✓ pass    Variables have the names that LiveKit reads: no variable looks like a misspelt LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
  ✓ pass    No secret goes to browsers: no variable that build tools hand to browsers holds a secret
  ✓ pass    Files agree on server and credentials: there is nothing to compare
  ✓ pass    Secrets are in no other hands: .env is yours alone and not in git; no secret in 0 source files
url
  ✓ pass    URL is well formed: {URL} (.env:1)
  ✓ pass    URL is that of a server: demo-1a2b3c4d.livekit.cloud is a host of LiveKit Cloud
  ✓ pass    Scheme fits the host: wss fits demo-1a2b3c4d.livekit.cloud
  ✓ pass    URL has no path: nothing follows demo-1a2b3c4d.livekit.cloud
  ✓ pass    Host fits where lkctl runs: demo-1a2b3c4d.livekit.cloud, and lkctl runs somewhere

PASS  13 pass  (N ms)
"""  # noqa: E501


def put_env(secret: str, *, url: str = URL, key: str = KEY, name: str = ".env") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"LIVEKIT_URL={url}\nLIVEKIT_API_KEY={key}\nLIVEKIT_API_SECRET={secret}\n")
    path.chmod(0o600)
    return path


def results_of(done: Done) -> dict[str, dict[str, object]]:
    return {result["id"]: result for result in json.loads(done.out)["results"]}


def without_chance(text: str) -> str:
    """Take durations and the kind of machine out of a report."""
    for said in ("in a container", "outside of containers"):
        text = text.replace(said, "somewhere")
    head, _, tail = text.rpartition("(")
    return f"{head}(N ms)\n" if tail.endswith("ms)\n") else text


def test_check_of_a_healthy_folder(secret: str) -> None:
    """Every check says what it saw; nothing is on stderr."""
    put_env(secret)
    done = spawn("env", "check")
    assert without_chance(done.out) == PASSED
    assert (done.code, done.err) == (0, "")


def test_check_as_json(secret: str) -> None:
    """The report has the fixed shape; findings carry place, message and hint."""
    put_env(f'{secret}"', key="<API key>")
    done = invoke("env", "check", "-o", "json")
    report = json.loads(done.out)
    assert (done.code, done.err) == (1, "")
    assert list(report) == [
        "schema",
        "command",
        "target",
        "started_at",
        "duration_ms",
        "verdict",
        "exit_code",
        "cut",
        "probable_cause",
        "counts",
        "results",
    ]
    assert (report["schema"], report["command"], report["target"]) == ("lkctl.report/1", "env check", {"url": URL})
    assert (report["verdict"], report["exit_code"]) == ("fail", 1)
    assert results_of(done)["env.spelling"]["findings"] == [
        {
            "severity": "fail",
            "place": ".env:2",
            "message": "LIVEKIT_API_KEY still holds a placeholder, not a value; "
            "the server answers 401 (invalid API key)",
            "hint": "A local server tells its own (lkctl server start); those of Cloud stand in the project's settings",
            "fix": None,
        },
        {
            "severity": "fail",
            "place": ".env:3",
            "message": "LIVEKIT_API_SECRET has a quote that is taken for part of it; "
            "the server answers 401 (signature is invalid)",
            "hint": "Take the quotes away",
            "fix": None,
        },
    ]


def test_check_without_settings_is_a_finding() -> None:
    """Exit 1, not 2: the report is the answer."""
    done = invoke("env", "check", "-o", "json")
    assert (done.code, done.err) == (1, "")
    cause = json.loads(done.out)["probable_cause"]
    assert (cause["check"], cause["code"]) == ("env.settings", "settings-missing")
    assert "Run: lkctl env init" in cause["hint"]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        pytest.param(
            ["--only", "url.*"], ["url.form", "url.cloud", "url.scheme", "url.path", "url.container"], id="only"
        ),
        pytest.param(["--only", "env.shape", "--only", "url.form"], ["env.shape", "url.form"], id="two"),
        pytest.param(["--only", "url.*", "--skip", "url.[cps]*"], ["url.form"], id="skip"),
    ],
)
def test_check_of_a_part(arguments: list[str], ids: list[str], secret: str) -> None:
    """Patterns of ids choose."""
    put_env(secret)
    assert list(results_of(invoke("env", "check", *arguments, "-o", "json"))) == ids


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["--only", "nope"], 2, "no check is called 'nope'", id="unknown id"),
        pytest.param(["--skip", ""], 2, "--skip is empty", id="empty id"),
        pytest.param(["--env-file", "nowhere"], 2, "cannot read nowhere", id="file that was named"),
        pytest.param(["--project", "demo", "--url", "ws://a"], 2, "--project excludes", id="conflict"),
        pytest.param(["--project", "demo"], 3, "there is no project 'demo'", id="unknown project"),
    ],
)
def test_check_with_bad_flags(arguments: list[str], code: int, words: str) -> None:
    """Bad flags are no findings."""
    done = invoke("env", "check", *arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err


def test_strict_fails_on_security(secret: str) -> None:
    """A security finding is a warning, and with --strict a failure."""
    put_env(secret).chmod(0o644)
    relaxed, strict = invoke("env", "check", "-o", "name"), invoke("env", "check", "--strict", "-o", "name")
    assert (relaxed.code, relaxed.out) == (0, "")
    assert (strict.code, strict.out) == (1, "env.exposure\n")


def test_check_of_a_stored_project(secret: str) -> None:
    """--project judges what lk has stored, and not this folder."""
    put_env("broken'", url="nonsense")
    folder = Path(os.environ["HOME"]) / ".livekit"
    folder.mkdir()
    project = {"name": "demo", "url": URL, "api_key": KEY, "api_secret": secret}
    (folder / "cli-config.yaml").write_text(json.dumps({"projects": [project]}))
    done = invoke("env", "check", "--project", "demo", "-o", "json")
    assert done.code == 0
    assert results_of(done)["env.settings"]["detail"].startswith(f"{URL} (project demo), key APIx7…z4")  # type: ignore[attr-defined]


def test_check_of_a_named_file(secret: str) -> None:
    """--env-file takes the place of .env."""
    put_env("x", url="nonsense")
    put_env(secret, name="conf/prod.env")
    done = invoke("env", "check", "--env-file", "conf/prod.env", "-o", "json")
    assert done.code == 0
    assert "conf/prod.env:1" in str(results_of(done)["url.form"]["detail"])


BROKEN = [
    pytest.param(b"LIVEKIT_URL=\xe9", "byte 12 is 0xe9", id="latin-1"),
    pytest.param("LIVEKIT_URL=a".encode("utf-16"), "UTF-16", id="UTF-16"),
    pytest.param(b"A" * 10_000_000, "larger than 1 MiB", id="10 MB"),
    pytest.param(None, "Is a directory", id="folder"),
]


@pytest.mark.parametrize(("content", "words"), BROKEN)
def test_broken_env_file(content: bytes | None, words: str) -> None:
    """For check it is a finding (exit 1), for show an error (exit 2); never a traceback."""
    if content is None:
        Path(".env").mkdir()
    else:
        Path(".env").write_bytes(content)
    checked, shown = invoke("env", "check"), invoke("env", "show")
    assert (checked.code, checked.err) == (1, "")
    assert words in checked.out
    assert (shown.code, shown.out) == (2, "")
    assert words in shown.err


def test_odd_bytes_in_an_env_file(secret: str) -> None:
    """NUL, CR LF, a byte order mark: read, judged, and made safe to print."""
    Path(".env").write_bytes(f"\ufeffLIVEKIT_URL=ws://a\x1b[31m\0b\r\nLIVEKIT_API_SECRET={secret}\r\n".encode())
    checked, shown = invoke("env", "check"), invoke("env", "show")
    assert (checked.code, shown.code) == (1, 0)
    assert not [char for char in "\x1b\0\r\ufeff" if char in checked.out + shown.out]


SHOWN = """\
NAME                VALUE                              ORIGIN               NOT USED
LIVEKIT_URL         ws://localhost:7880                env LIVEKIT_URL      wss://demo-1a2b3c4d.livekit.cloud (.env:1)
LIVEKIT_API_KEY     APIx7…z4                           .env:2               -
LIVEKIT_API_SECRET  (secret, 45 characters)            .env:3               -
LKCTL_OUTPUT        table                              flag --output        -
LKCTL_COLOR         auto                               default              -
"""


def test_show_as_table(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting with its origin and what it shadows; the secret masked, the key shortened."""
    put_env(secret)
    monkeypatch.setenv("LIVEKIT_URL", "ws://localhost:7880")
    done = invoke("env", "show", "-o", "table")
    assert [line.split() for line in done.out.splitlines()] == [line.split() for line in SHOWN.splitlines()]
    assert (done.code, done.err) == (0, "")


def test_show_on_a_terminal(secret: str) -> None:
    """A table with a bold heading."""
    put_env(secret)
    done = on_terminal("env", "show", columns=120)
    assert done.code == 0
    assert done.out.startswith("\x1b[1mNAME ")
    assert "LKCTL_OUTPUT        auto" in done.out


def test_show_as_json(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same facts; what stands below the set in force is shadowed."""
    put_env(secret)
    monkeypatch.setenv("LIVEKIT_API_SECRET", "")
    done = invoke("env", "show", "-o", "json")
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert done.code == 0
    assert rows["LIVEKIT_API_SECRET"] == {
        "name": "LIVEKIT_API_SECRET",
        "value": "(empty)",
        "origin": "env LIVEKIT_API_SECRET",
        "in_force": True,
        "ok": False,
        "problem": "set but empty",
        "shadowed": [{"value": "(secret, 45 characters)", "origin": ".env:3"}],
    }
    assert rows["LIVEKIT_URL"] == {
        "name": "LIVEKIT_URL",
        "value": None,
        "origin": None,
        "in_force": False,
        "ok": False,
        "problem": "not set",
        "shadowed": [{"value": URL, "origin": ".env:1"}],
    }
    assert rows["LKCTL_OUTPUT"]["origin"] == "flag --output"
    assert "LIVEKIT_API_KEY is missing: environment has LIVEKIT_API_SECRET but not LIVEKIT_API_KEY" in done.err


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        pytest.param([], {}, "LKCTL_COLOR\tauto\tdefault\t-", id="default"),
        pytest.param([], {"LKCTL_COLOR": "never"}, "LKCTL_COLOR\tnever\tenv LKCTL_COLOR\t-", id="environment"),
        pytest.param(
            ["--color", "never"],
            {"LKCTL_COLOR": "auto"},
            "LKCTL_COLOR\tnever\tflag --color\tauto (env LKCTL_COLOR)",
            id="flag",
        ),
    ],
)
def test_show_own_settings(
    arguments: list[str], environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lkctl's own settings have origins, too."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert expected in invoke("env", "show", *arguments).out.splitlines()


@pytest.mark.parametrize("output", ["table", "tsv", "json", "jsonl", "name"])
def test_show_keeps_secrets(output: str, secret: str) -> None:
    """No format shows a secret, nor a password in the URL."""
    put_env(secret, url="wss://me:hunter2@lk.acme.dev")
    for command in ("show", "check"):
        done = invoke("env", command, "-o", output)
        assert not [word for word in (secret, secret[:8], KEY, "hunter2") if word in done.out + done.err]


@pytest.mark.parametrize("output", ["table", "tsv", "json", "jsonl"])
def test_show_reveals(output: str) -> None:
    """--reveal shows key and secret whole."""
    put_env(REVEALED)
    done = invoke("env", "show", "--reveal", "-o", output)
    assert KEY in done.out
    assert REVEALED in done.out


def test_init_writes_a_form() -> None:
    """Without settings: comments to fill in, for the owner alone; check then says what to do."""
    done = invoke("env", "init")
    assert (done.code, done.err) == (0, "Fill it in, then run: lkctl env check\n")
    assert done.out.splitlines() == [
        "path\t.env",
        "mode\t0600",
        "LIVEKIT_URL\tto fill in",
        "LIVEKIT_API_KEY\tto fill in",
        "LIVEKIT_API_SECRET\tto fill in",
    ]
    assert Path(".env").stat().st_mode & 0o777 == 0o600
    assert "# LIVEKIT_URL=wss://<project>.livekit.cloud" in Path(".env").read_text()
    assert "Fill in .env" in invoke("env", "check").out


def test_init_writes_what_is_given(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From flags and environment; nothing of it is printed, and it passes the check."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", secret)
    done = invoke("env", "init", "--url", URL, "-o", "json")
    assert json.loads(done.out) == {
        "path": ".env",
        "written": True,
        "mode": "0600",
        "settings": {
            "LIVEKIT_URL": "flag --url",
            "LIVEKIT_API_KEY": "env LIVEKIT_API_KEY",
            "LIVEKIT_API_SECRET": "env LIVEKIT_API_SECRET",
        },
    }
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name)
    assert f"LIVEKIT_API_SECRET={secret}\n" in Path(".env").read_text()
    assert invoke("env", "check").code == 0


def test_init_takes_the_secret_from_stdin(secret: str) -> None:
    """The secret need not stand on the command line."""
    done = invoke("env", "init", "--api-key", KEY, "--api-secret", "-", stdin=secret + "\n")
    assert done.code == 0
    assert f"LIVEKIT_API_SECRET={secret}\n" in Path(".env").read_text()


def test_init_takes_nothing_from_env_files(secret: str) -> None:
    """Another env file is a source only where it was named."""
    put_env(secret, name=".env.local")
    invoke("env", "init", "a.env")
    invoke("env", "init", "b.env", "--env-file", ".env.local")
    assert secret not in Path("a.env").read_text()
    assert secret in Path("b.env").read_text()


def test_init_from_a_project(secret: str) -> None:
    """What lk has stored becomes an env file."""
    folder = Path(os.environ["HOME"]) / ".livekit"
    folder.mkdir()
    project = {"name": "demo", "url": URL, "api_key": KEY, "api_secret": secret}
    (folder / "cli-config.yaml").write_text(json.dumps({"projects": [project]}))
    assert invoke("env", "init", "--project", "demo").code == 0
    assert f"LIVEKIT_URL={URL}\n" in Path(".env").read_text()


def test_init_example(secret: str) -> None:
    """An example holds no value, whatever is given, and everybody may read it."""
    done = invoke("env", "init", "--example", "--url", URL, "--api-key", KEY, "--api-secret", secret)
    path = Path(".env.example")
    assert (done.code, path.stat().st_mode & 0o777) == (0, 0o644)
    assert not [value for value in (URL, KEY, secret) if value in path.read_text()]


def test_init_never_overwrites_unasked(secret: str) -> None:
    """Without a terminal and without --force the file stays; with either it is replaced."""
    put_env(secret)
    refused = spawn("env", "init", "-o", "json")
    assert (refused.code, refused.out) == (2, "")
    assert json.loads(refused.err)["error"]["code"] == "file-exists"
    assert secret in Path(".env").read_text()
    assert invoke("env", "init", "--force").code == 0
    assert secret not in Path(".env").read_text()


@pytest.mark.parametrize(("typed", "code", "kept"), [("n\n", 130, True), ("\n", 130, True), ("y\n", 0, False)])
def test_init_asks_on_a_terminal(typed: str, code: int, kept: bool, secret: str) -> None:
    """No is the default."""
    put_env(secret)
    done = on_terminal("env", "init", typed=typed)
    assert done.code == code
    assert "overwrite .env? [y/N]" in done.out
    assert (secret in Path(".env").read_text()) is kept


def test_init_dry_run(secret: str) -> None:
    """Nothing is written; it says what would be."""
    done = invoke("env", "init", "--dry-run", "--url", URL, "-o", "table")
    assert done.out.startswith("Would write\n")
    assert list(Path().iterdir()) == []
    path = put_env(secret)
    assert "is there already" in invoke("env", "init", "--dry-run", "-o", "table").out
    assert secret in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--url", "nonsense"], "url-invalid", id="bad URL"),
        pytest.param(["--api-key", KEY], "settings-partial", id="key alone"),
        pytest.param(["nowhere/.env"], "file-unwritable", id="no folder"),
        pytest.param(["."], "file-unwritable", id="a folder"),
        pytest.param([""], "option-empty", id="empty path"),
        pytest.param(["--url", URL, "--api-key", "k", "--api-secret", "a${HOME}"], "input-malformed", id="reference"),
    ],
)
def test_init_refuses(arguments: list[str], code: str) -> None:
    """What would not work is not written."""
    done = invoke("env", "init", *arguments, "-o", "json")
    assert (done.code, done.out) == (2, "")
    assert json.loads(done.err)["error"]["code"] == code
    assert list(Path().iterdir()) == []


def test_init_tells_of_git() -> None:
    """In a work tree that does not ignore the file it says so, and changes nothing there."""
    subprocess.run(["git", "init", "-q"], check=True)
    warning = "warning: git does not ignore .env; run: echo .env >> .gitignore\n"
    assert warning in invoke("env", "init").err
    Path(".gitignore").write_text(".env\n")
    assert "git" not in invoke("env", "init", "--force").err
    subprocess.run(["git", "add", "-f", ".env"], check=True)
    assert "git tracks .env" in invoke("env", "init", "--force").err
    assert invoke("env", "init", "--force", "-q").err == ""


def test_folder_that_is_gone() -> None:
    """A working directory that was removed is no reason for a traceback."""
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    assert [invoke("env", command).code for command in ("check", "show", "init")] == [1, 0, 2]


@pytest.mark.parametrize("command", ["check", "show", "init"])
def test_help(command: str) -> None:
    """Each command explains itself with examples."""
    done = invoke("env", command, "--help")
    assert done.code == 0
    assert "Examples:" in done.out


@pytest.mark.parametrize("command", [["env", "show"], ["env", "check"], ["diagnose"], ["room", "list"]], ids=" ".join)
@pytest.mark.parametrize("form", ["auto", "json"])
def test_a_secret_in_the_place_of_the_url(command: list[str], form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted into the wrong line, it is masked like any secret."""
    misplaced = "Kd83jfLs02mXq71vBnZr56tYwEpAoCiUhGg94TkR3Vx"
    monkeypatch.setenv("LIVEKIT_URL", misplaced)
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "wss://livekit.lan")
    done = invoke(*command, "-o", form)
    assert misplaced not in done.out + done.err
    assert misplaced[:12] not in done.out + done.err

"""Every way in which key and secret are wrong, set up on a real server: the cause is found, proven, and mended.

The mending is proven by doing it: the printed command is run, and then diagnose is green.
"""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import SECRETS, Done, invoke, spawn
from tests.live.test_failures import shifted_clock
from tests.mended import assert_previewed, make_change

pytestmark = pytest.mark.live

OTHER_KEY = "APIother1other2"
OTHER_SECRET = "oThErSeCrEtoThErSeCrEtoThErSeCrEtoThErSeCr3"
ODD_SECRET = "pa$word-with%percent+plus/slash=and-more-of-it"
SKIPPED = ("--skip", "env.exposure")


class Server(NamedTuple):
    """What works."""

    url: str
    key: str
    secret: str

    def file(self, **changes: str) -> str:
        """Write an env file with what works, but for some values, raw as they are to stand there."""
        values = {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": self.secret}
        given = {f"LIVEKIT_{name.upper()}": value for name, value in changes.items()}
        return "".join(f"{name}={value}\n" for name, value in {**values, **given}.items())


@pytest.fixture
def right(livekit_server: LocalServer) -> Server:
    """The settings that work."""
    SECRETS.update({livekit_server.secret.reveal(), OTHER_SECRET})
    return Server(livekit_server.url, livekit_server.key, livekit_server.secret.reveal())


def put(files: Mapping[str, str]) -> None:
    """Write files into the working directory, for their owner alone."""
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o600)


def diagnose(*arguments: str) -> tuple[Done, dict[str, Any]]:
    """Run diagnose, and give its probable cause."""
    done = invoke("diagnose", *SKIPPED, *arguments, "-o", "json")
    return done, json.loads(done.out)["probable_cause"]


class Case(NamedTuple):
    """What is in `.env` beside what works, and what must be said of it."""

    spoil: Callable[[Server], Mapping[str, str]]
    check: str
    code: str
    says: str
    proof: str
    mends: bool = True


def env(**changes: Callable[[Server], str]) -> Callable[[Server], Mapping[str, str]]:
    """Spoil values in `.env`."""
    return lambda server: {".env": server.file(**{name: change(server) for name, change in changes.items()})}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLED = {
    "blanks": Case(env(api_secret=lambda s: f"' {s.secret} '"), "env.spelling", "", "begins or ends with a blank",
                   "accepts it without them"),
    "a blank around the key": Case(env(api_key=lambda s: f'" {s.key}"'), "env.spelling", "", "begins or ends with",
                                   "accepts it without them"),
    "a no-break blank": Case(env(api_secret=lambda s: f"{s.secret}\u200b"), "env.spelling", "",
                             "invisible character", "accepts it without them"),
    "quotes": Case(env(api_secret=lambda s: f"'\"{s.secret}\"'"), "env.spelling", "", "has a quote",
                   "accepts it without them"),
    "quotes around both": Case(
        env(api_key=lambda s: f"\"'{s.key}'\"", api_secret=lambda s: f"\"'{s.secret}'\""),
        "env.spelling", "", "LIVEKIT_API_KEY has a quote", "accepts it without them",
    ),
    "its own name": Case(env(api_secret=lambda s: f"LIVEKIT_API_SECRET={s.secret}"), "api.auth", "auth-spelling",
                         "begins with a name and =", "accepts it without them"),
    "a comma": Case(env(api_secret=lambda s: f"'\"{s.secret}\",'"), "api.auth", "auth-spelling",
                    "has a comma or semicolon behind it", "accepts it without it"),
    "a semicolon": Case(env(api_secret=lambda s: f"{s.secret};"), "api.auth", "auth-spelling",
                        "has a comma or semicolon behind it", "accepts it without it"),
    "brackets": Case(env(api_secret=lambda s: f"[{s.secret}]"), "api.auth", "auth-spelling", "has brackets",
                     "accepts it without them"),
    "a written-out line end": Case(env(api_secret=lambda s: rf"'{s.secret}\n'"), "api.auth", "auth-spelling",
                                   r"ends in a written-out \n", "accepts it without it"),
    "a comment": Case(env(api_secret=lambda s: f"'{s.secret} # production'"), "api.auth", "auth-spelling",
                      "has a comment behind it", "accepts it without it"),
    "pasted twice": Case(env(api_secret=lambda s: s.secret * 2), "api.auth", "auth-spelling", "was pasted twice",
                         "accepts it once"),
    "base64": Case(env(api_secret=lambda s: encoded(s.secret)), "api.auth", "auth-spelling", "is base64-encoded",
                   "accepts it decoded"),
    "base64 of a line": Case(env(api_secret=lambda s: encoded(s.secret + "\n")), "api.auth", "auth-spelling",
                             "is base64-encoded", "accepts it decoded"),
    "swapped": Case(env(api_key=lambda s: s.secret, api_secret=lambda s: s.key), "env.shape", "",
                    "key and secret are swapped", "accepts it the other way round"),
    "swapped, in the other order": Case(
        lambda s: {".env": f"LIVEKIT_API_SECRET={s.key}\n\nexport LIVEKIT_API_KEY={s.secret}\nLIVEKIT_URL={s.url}\n"},
        "env.shape", "", "key and secret are swapped", "accepts it the other way round",
    ),
}  # fmt: skip


def assert_mended(case: Case, right: Server) -> None:
    """The cause is named and proven, no secret is shown, and the printed change mends it."""
    done, cause = diagnose()
    assert done.code == 1
    assert (cause["check"], cause["code"] or "") == (case.check, case.code), cause
    assert case.says in cause["message"]
    assert any(case.proof in said for said in cause["evidence"]), cause
    assert cause["others"] == []
    fixed = invoke("diagnose", *SKIPPED, "--fix")
    for shown in (done.out, done.err, fixed.out, fixed.err):
        assert right.secret not in shown
        assert OTHER_SECRET not in shown
    assert (fixed.code, bool(cause["fix"])) == (1, case.mends)
    if case.mends:
        file = Path(cause["fix"]["path"])
        before = file.read_bytes()
        make_change(fixed.out)
        assert_previewed(fixed.out, before, file.read_bytes())
        assert invoke("diagnose", *SKIPPED).code == 0, file.read_text().replace(right.secret, "…")


@pytest.mark.parametrize("case", SPELLED.values(), ids=SPELLED.keys())
def test_misspelt(case: Case, right: Server) -> None:
    """What happened to a value on its way is found by undoing it."""
    put(case.spoil(right))
    assert_mended(case, right)


def test_a_variable_of_the_environment_is_mended(right: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an exported value the command makes the right one, without naming it."""
    monkeypatch.setenv("LIVEKIT_URL", right.url)
    monkeypatch.setenv("LIVEKIT_API_KEY", f'"{right.key}"')
    monkeypatch.setenv("LIVEKIT_API_SECRET", f'"{right.secret}"')
    fixed = invoke("diagnose", *SKIPPED, "--fix")
    assert (fixed.code, right.secret in fixed.out) == (1, False)
    values = make_change(fixed.out, after='printf \'%s %s\' "$LIVEKIT_API_KEY" "$LIVEKIT_API_SECRET"')
    assert values == f"{right.key} {right.secret}"


ELSEWHERE = {
    "in an env file for another stage": Case(
        lambda s: {".env": s.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET), ".env.staging": s.file()},
        "api.auth", "auth-other-pair", "takes the pair of .env.staging:3", "accepts the pair of .env.staging:3",
    ),
    "in another folder": Case(
        lambda s: {".env": s.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET), "agent/.env": s.file()},
        "api.auth", "auth-other-pair", "takes the pair of agent/.env:3", "accepts the pair of agent/.env:3",
    ),
    "hidden by .env.local": Case(
        lambda s: {".env.local": s.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET), ".env": s.file()},
        "api.auth", "auth-other-pair", ".env.local:2 hides the pair of .env:2", "accepts the pair of .env:3",
    ),
    "in a compose file": Case(
        lambda s: {
            ".env": s.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET),
            "compose.yaml": "services:\n  agent:\n    environment:\n"
            f"      LIVEKIT_API_KEY: {s.key}\n      LIVEKIT_API_SECRET: {s.secret}\n",
        },
        "api.auth", "auth-other-pair", "takes the pair of compose.yaml:5", "accepts the pair of compose.yaml:5", False,
    ),
    "in the server's own configuration": Case(
        lambda s: {".env": s.file(api_secret=OTHER_SECRET), "livekit.yaml": f"port: 1\nkeys:\n  {s.key}: {s.secret}\n"},
        "api.auth", "auth-other-pair", "takes the pair of livekit.yaml:3", "accepts the pair of livekit.yaml:3", False,
    ),
    "its secret beside another key": Case(
        lambda s: {".env": s.file(api_secret=OTHER_SECRET), ".env.old": s.file(api_key=OTHER_KEY)},
        "api.auth", "auth-other-pair", "takes the configured key with the secret of .env.old:3",
        "accepts the configured key with the secret of .env.old:3",
    ),
    "its key beside another secret": Case(
        lambda s: {".env": s.file(api_key=OTHER_KEY), ".env.old": s.file(api_secret=OTHER_SECRET)},
        "api.auth", "auth-other-pair", "takes the key of .env.old:2 with the configured secret",
        "accepts the key of .env.old:2 with the configured secret",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_the_right_pair_lies_elsewhere(case: Case, right: Server) -> None:
    """It is found where it lies, and tried; what is hidden or in an env file can be put in force by a command."""
    put(case.spoil(right))
    if case.mends:
        assert_mended(case, right)
        return
    done, cause = diagnose()
    assert (done.code, cause["check"], cause["code"]) == (1, case.check, case.code)
    assert case.says in cause["message"]
    assert case.proof in " ".join(cause["evidence"])
    assert right.secret not in done.out


def test_a_forgotten_export(right: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported in the shell hides the right pair in the file."""
    put({".env": right.file()})
    monkeypatch.setenv("LIVEKIT_API_KEY", OTHER_KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", OTHER_SECRET)
    monkeypatch.setenv("LIVEKIT_URL", right.url)
    done, cause = diagnose()
    assert (done.code, cause["check"], cause["code"]) == (1, "api.auth", "auth-other-pair")
    assert "env LIVEKIT_API_KEY hides the pair of .env:2" in cause["message"]
    assert cause["fix"]["command"] == "unset LIVEKIT_API_KEY LIVEKIT_API_SECRET"
    fixed = invoke("diagnose", *SKIPPED, "--fix")
    left = make_change(fixed.out, after="env")
    assert "LIVEKIT_URL=" in left
    assert "LIVEKIT_API" not in left


def store_project(right: Server, url: str) -> None:
    """Let lk have a project with what works, beside this URL."""
    folder = Path.home() / ".livekit"
    folder.mkdir()
    project = {"name": "prod", "url": url, "api_key": right.key, "api_secret": right.secret}
    (folder / "cli-config.yaml").write_text(json.dumps({"projects": [project]}))


def test_the_pair_of_a_project_of_lk(right: Server) -> None:
    """lk's projects are looked at, too."""
    put({".env": right.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET)})
    store_project(right, right.url)
    done, cause = diagnose()
    assert (cause["code"], "takes the pair of lk's project prod" in cause["message"]) == ("auth-other-pair", True)
    assert "--project prod" in cause["hint"]
    assert right.secret not in done.out


def test_the_key_of_another_server(right: Server, start_livekit_server: Callable[..., LocalServer]) -> None:
    """Not the key is wrong, but the URL: elsewhere the key stands beside another one. That one is not called."""
    other = start_livekit_server()
    SECRETS.add(other.secret.reveal())
    put({".env": right.file(url=other.url)})
    store_project(right, "wss://demo-1a2b3c4d.livekit.cloud")
    done, cause = diagnose()
    assert (done.code, cause["check"], cause["code"]) == (1, "api.auth", "auth-key")
    assert (
        "Is the key for wss://demo-1a2b3c4d.livekit.cloud? It stands beside that URL in lk's project" in cause["hint"]
    )
    assert "lk's project prod has the same key beside wss://demo-1a2b3c4d.livekit.cloud" in cause["evidence"]


BESIDE = [
    pytest.param("flags", "Give --api-key and --api-secret as they stand in agent/.env:2", id="flags"),
    pytest.param("environment", "Export LIVEKIT_API_KEY and LIVEKIT_API_SECRET as they stand in agent/.env:2",
                 id="environment"),
    pytest.param("file", "Copy LIVEKIT_API_KEY and LIVEKIT_API_SECRET from agent/.env:2 to .env:2", id="file"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "hint"), BESIDE)
def test_how_a_pair_is_taken_over(place: str, hint: str, right: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a file it is copied; a flag is given, and a variable is exported."""
    put({"agent/.env": right.file()})
    options = ["--url", right.url, "--api-key", OTHER_KEY, "--api-secret", OTHER_SECRET] if place == "flags" else []
    if place == "file":
        put({".env": right.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET)})
    for name, value in {"URL": right.url, "API_KEY": OTHER_KEY, "API_SECRET": OTHER_SECRET}.items():
        if place == "environment":
            monkeypatch.setenv(f"LIVEKIT_{name}", value)
    _, cause = diagnose(*options)
    assert (cause["code"], cause["hint"]) == ("auth-other-pair", hint)


NOTHING_HELPS = [
    pytest.param({"api_key": OTHER_KEY}, "auth-key", id="unknown key"),
    pytest.param({"api_secret": OTHER_SECRET}, "auth-secret", id="wrong secret"),
    pytest.param({"api_secret": OTHER_SECRET[:-1]}, "auth-secret", id="cut secret"),
]


@pytest.mark.parametrize(("changes", "code"), NOTHING_HELPS)
def test_what_was_tried_is_told(changes: dict[str, str], code: str, right: Server) -> None:
    """Where no try helps, key and secret are told apart, and what it is not is said."""
    put({".env": right.file(**changes), ".env.staging": right.file(api_key="APIthird1third2", api_secret="t" * 43)})
    done, cause = diagnose()
    ruled_out = "; ".join(cause["ruled_out"])
    assert (done.code, cause["check"], cause["code"], cause["fix"]) == (1, "api.auth", code, None)
    for said in ("the clock: it is within", "blanks, quotes", "devkey/secret", "the pair of .env.staging:3", "swapped"):
        assert said in ruled_out
    assert set(cause["passed"]) >= {"net.tcp", "http.livekit", "env.settings"}
    fixed = invoke("diagnose", *SKIPPED, "--fix")
    assert fixed.out.splitlines()[1].startswith("# no exact change is known")


def test_devkey_is_mended(start_livekit_server: Callable[..., LocalServer], right: Server) -> None:
    """A server in dev mode takes devkey/secret only; the change writes that pair."""
    dev = start_livekit_server(keys={"devkey": "secret"})
    put({".env": right.file(url=dev.url)})
    assert_mended(Case(lambda _: {}, "api.auth", "auth-default-pair", "knows devkey/secret", "accepts devkey/secret"),
                  right)  # fmt: skip


ODD = [
    pytest.param(lambda secret: secret.replace("$", "$$"), id="dollars doubled for compose"),
    pytest.param(lambda secret: secret.replace("$", r"\$"), id="backslashes for a shell"),
    pytest.param(lambda s: "".join(f"%{ord(c):02x}" if c in "$%+/=" else c for c in s), id="percent-encoded"),
    pytest.param(encoded, id="base64-encoded"),
]


@pytest.mark.parametrize("spoil", ODD)
def test_a_secret_with_special_characters(
    spoil: Callable[[str], str], start_livekit_server: Callable[..., LocalServer]
) -> None:
    """What shells, compose files and URLs make of such a secret is undone, and mended."""
    server = start_livekit_server(keys={"APIodd1odd2odd3": ODD_SECRET})
    SECRETS.add(ODD_SECRET)
    odd = Server(server.url, "APIodd1odd2odd3", ODD_SECRET)
    put({".env": odd.file(api_secret=spoil(ODD_SECRET))})
    assert_mended(Case(lambda _: {}, "api.auth", "auth-spelling", "accepts the pair", "accepts it"), odd)


def diagnose_at(offset: int, folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """Run diagnose as a process whose clock is off, and give its probable cause."""
    with shifted_clock(offset, monkeypatch, folder):
        done = spawn("diagnose", *SKIPPED, *arguments, "-o", "json")
    assert done.code == 1
    cause: dict[str, Any] = json.loads(done.out)["probable_cause"]
    return cause


@pytest.mark.parametrize(("offset", "side"), [(-3600, "behind"), (3600, "ahead of")])
def test_the_clock_alone(
    offset: int, side: str, right: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is off is proven by a token dated by the server's: key and secret are ruled out."""
    put({".env": right.file()})
    cause = diagnose_at(offset, tmp_path, monkeypatch, "--skip", "clock.*")
    assert (cause["check"], cause["code"]) == ("api.auth", "auth-clock")
    assert f"{side} that of" in cause["message"]
    assert "accepts a token that is dated by its own clock" in " ".join(cause["evidence"])
    assert cause["ruled_out"][0].startswith("key and secret")
    cause = diagnose_at(offset, tmp_path, monkeypatch)
    assert (cause["check"], cause["code"], "api.auth" in cause["follows"]) == ("clock.skew", "auth-clock", True)


def test_a_wrong_clock_hides_no_wrong_secret(right: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries are dated by the server's clock, so that the pair that was meant is found all the same."""
    put({".env": right.file(api_secret=f"'\"{right.secret}\"'")})
    cause = diagnose_at(-3600, tmp_path, monkeypatch, "--only", "api.auth")
    assert cause["code"] == "auth-secret-quoted"


def test_nothing_is_made_by_the_tries(right: Server) -> None:
    """Tokens without a grant can do nothing: the server has the same rooms before and after."""
    put({".env": right.file(api_key=OTHER_KEY, api_secret=OTHER_SECRET), ".env.staging": right.file()})
    before = invoke("room", "list", "--env-file", ".env.staging", "-o", "json").out
    diagnose()
    assert invoke("room", "list", "--env-file", ".env.staging", "-o", "json").out == before

"""The checks of settings and files: each finds what it is for, and lets its near misses pass."""

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from lkctl.checks.environment import ENVIRONMENT_CHECKS
from lkctl.checks.result import Check, Status
from lkctl.checks.spelling import is_placeholder
from lkctl.checks.world import World, gather
from lkctl.errors import LkctlError
from lkctl.files.envfile import EnvFile, read_env_file
from lkctl.settings.layers import NAMES, Layer, Settings, Value
from tests.checks.worlds import (
    CLOUD,
    KEY,
    OTHER_KEY,
    OTHER_SECRET,
    SECRET,
    Expected,
    assert_found,
    env_text,
    judge,
    put,
    world_of,
)

GOOD = {".env": env_text()}
PLACEHOLDERS = env_text("wss://<project>.livekit.cloud", "<API key>", "<API secret>")
LOCAL = env_text("ws://localhost:7880", "devkey", "secret")


def compose(*lines: str) -> str:
    return "services:\n  agent:\n    environment:\n" + "".join(f"      {line}\n" for line in lines)


@pytest.mark.parametrize("check", ENVIRONMENT_CHECKS, ids=lambda check: check.id)
@pytest.mark.parametrize(
    "files",
    [
        pytest.param(GOOD, id="cloud"),
        pytest.param({".env": LOCAL}, id="local"),
        pytest.param({**GOOD, ".env.example": PLACEHOLDERS, "frontend/.env.sample": PLACEHOLDERS}, id="examples"),
        pytest.param({**GOOD, ".env.production": env_text(secret=OTHER_SECRET)}, id="another stage"),
        pytest.param({**GOOD, "frontend/.env.local": f"NEXT_PUBLIC_LIVEKIT_URL={CLOUD}/\n"}, id="frontend"),
        pytest.param({**GOOD, "compose.yaml": compose("LIVEKIT_URL: ${LIVEKIT_URL}")}, id="compose refers"),
        pytest.param(
            {".env": f"# note\n\nexport LIVEKIT_URL='{CLOUD}' # x\n" + env_text(None)}, id="quoted and exported"
        ),
        pytest.param({**GOOD, "app.py": "secret = os.environ['LIVEKIT_API_SECRET']\n"}, id="code"),
    ],
)
def test_healthy_folder_passes(check: Check[World], files: Mapping[str, str]) -> None:
    """No warning, no failure, no finding."""
    result = judge(check.id, world_of(files))
    assert (result.status, result.findings) == (Status.passed, ())


SETTINGS = [
    pytest.param({}, {}, "settings-missing", [("fail", "", "no server is configured")], id="nothing"),
    pytest.param(
        {".env": env_text(None, None, None) + "#\n"},
        {},
        "settings-missing",
        [("fail", "", "in flags, environment, .env;")],
        id="nothing in the file",
    ),
    pytest.param(
        {".env": env_text(secret=None)},
        {},
        "settings-partial",
        [("fail", "", "LIVEKIT_API_SECRET is not set, though LIVEKIT_API_KEY (.env:2) is")],
        id="no secret",
    ),
    pytest.param(
        {".env": env_text(None)},
        {},
        "settings-partial",
        [("fail", "", "LIVEKIT_URL is not set, though LIVEKIT_API_KEY (.env:1) is")],
        id="no URL",
    ),
    pytest.param(
        {".env": env_text(key=None, secret=None)},
        {},
        "settings-partial",
        [("fail", "", "LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set, though LIVEKIT_URL (.env:1) is; no token")],
        id="URL only",
    ),
    pytest.param(
        {".env": env_text(secret="")},
        {},
        "settings-partial",
        [("fail", ".env:3", "set but empty")],
        id="empty in the file",
    ),
    pytest.param(
        {".env": env_text(key="", secret="")},
        {},
        "settings-partial",
        [("fail", ".env:2", "LIVEKIT_API_KEY and LIVEKIT_API_SECRET are set but empty; no token can be made")],
        id="two are empty",
    ),
    pytest.param(
        GOOD,
        {"LIVEKIT_API_SECRET": ""},
        "settings-partial",
        [
            ("fail", "", "LIVEKIT_API_SECRET is set but empty in the environment; no token can be made"),
            (
                "fail",
                "",
                "LIVEKIT_API_KEY and LIVEKIT_URL are not set beside LIVEKIT_API_SECRET (env LIVEKIT_API_SECRET); those",
            ),
        ],
        id="empty CI secret never falls through",
    ),
    pytest.param(
        {".env": "LIVEKIT_WS_URL=ws://localhost:7880\nLIVEKIT_API_KEY=devkey\nLIVEKIT_API_SECRET=secret\n"},
        {},
        "settings-partial",
        [("fail", "", "LIVEKIT_URL is not set")],
        id="URL by another name",
    ),
]


@pytest.mark.parametrize(("files", "environ", "code", "expected"), SETTINGS)
def test_settings(files: Mapping[str, str], environ: Mapping[str, str], code: str, expected: Expected) -> None:
    """What is missing is named with the place it was looked for in, and the finer cause."""
    result = judge("env.settings", world_of(files, environ))
    assert (result.status, result.code) == (Status.fail, code)
    assert_found(result, expected)


def test_settings_names_origins_and_what_is_not_used() -> None:
    """A pass says where each value comes from."""
    files = {".env.local": env_text(None), ".env": env_text(key=OTHER_KEY)}
    result = judge("env.settings", world_of(files, {"LIVEKIT_URL": "ws://localhost:7880"}))
    assert result.status is Status.passed
    assert result.detail == (
        "ws://localhost:7880 (env LIVEKIT_URL), key APIx7…z4 (.env.local:1), secret of 43 characters (.env.local:2); "
        "not used: .env:1, .env:2, .env:3"
    )


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        pytest.param({}, "Run: lkctl env init", id="begin"),
        pytest.param({".env": "# LIVEKIT_URL=\n"}, "Fill in .env", id="fill in"),
        pytest.param({".env": "LIVEKIT_WS_URL=ws://a\n"}, "Rename LIVEKIT_WS_URL (.env:1) to LIVEKIT_URL", id="rename"),
        pytest.param({"agent/.env": env_text()}, "agent/.env has them: give --env-file agent/.env", id="elsewhere"),
    ],
)
def test_settings_hint_is_the_next_step(files: Mapping[str, str], hint: str) -> None:
    """Where nothing is set the hint fits what is there."""
    assert hint in (judge("env.settings", world_of(files)).hint or "")


def test_settings_password_in_the_url_is_not_shown() -> None:
    """A login in the URL is a secret."""
    result = judge("env.settings", world_of({".env": env_text("wss://me:hunter2@lk.acme.dev")}))
    assert "hunter2" not in result.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("LIVEKIT_URL=é".encode("latin-1"), "not UTF-8: byte 12 is 0xe9", id="latin-1"),
        pytest.param("LIVEKIT_URL=ws://a".encode("utf-16"), "UTF-16, not UTF-8", id="utf-16"),
        pytest.param(b"a" * 10_000_000, "larger than 1 MiB", id="10 MB"),
    ],
)
def test_unreadable_env_file_is_a_finding(content: bytes, words: str) -> None:
    """It fails env.settings, and no other file's values are used instead."""
    Path(".env.local").write_bytes(content)
    world = world_of(GOOD)
    assert_found(judge("env.settings", world), [("fail", "", words)])
    assert not any(map(world.value, NAMES))


def test_unreadable_env_file_that_was_named_is_raised() -> None:
    """A flag that names a file that cannot be read is a bad flag."""

    def env_files() -> list[EnvFile]:
        return [read_env_file(Path("nowhere"))]

    with pytest.raises(LkctlError, match="cannot read nowhere"):
        gather(lambda: Settings(()), env_files, environ={}, folder=Path(), project=None, named=True, timeout=1)


SPELLING = [
    pytest.param(f'LIVEKIT_API_KEY={KEY}"\n', [("fail", ".env:1", "has a quote")], id="quote at the end"),
    pytest.param(f"LIVEKIT_API_KEY=“{KEY}”\n", [("fail", ".env:1", "has a quote")], id="typographic quotes"),
    pytest.param(f"LIVEKIT_API_KEY=\"'{KEY}'\"\n", [("fail", ".env:1", "has a quote")], id="quotes in quotes"),
    pytest.param(f"LIVEKIT_API_KEY='{KEY} '\n", [("fail", ".env:1", "ends with a blank")], id="blank at the end"),
    pytest.param("LIVEKIT_API_KEY=API abc\n", [("fail", ".env:1", "has a blank inside")], id="blank inside"),
    pytest.param(f"LIVEKIT_API_KEY={KEY}\u200b\n", [("fail", ".env:1", "invisible")], id="zero-width space"),
    pytest.param("LIVEKIT_API_KEY=a\0b\n", [("fail", ".env:1", "invisible")], id="NUL"),
    pytest.param(f"LIVEKIT_API_KEY=LIVEKIT_API_KEY={KEY}\n", [("fail", ".env:1", "its own name")], id="name twice"),
    pytest.param("LIVEKIT_URL=$LK_URL\n", [("fail", ".env:1", "the reference itself")], id="bare reference"),
    pytest.param("LIVEKIT_API_SECRET=a$b#c-0123456789\n", [("warn", ".env:1", "holds # $")], id="tricky secret"),
    pytest.param(f"LIVEKIT_API_KEY = {KEY}\n", [("warn", ".env:1", "blanks around the =")], id="blanks around ="),
    pytest.param("LIVEKIT_API_KEY\n", [("fail", ".env:1", "has no =")], id="no ="),
    pytest.param(f"LIVEKIT_API_KEY: {KEY}\n", [("fail", ".env:1", "no NAME=value")], id="YAML"),
    pytest.param("FOO: bar\n", [("warn", ".env:1", "no NAME=value")], id="broken line of others"),
    pytest.param(f'\nLIVEKIT_API_KEY="{KEY}\n', [("fail", ".env:2", "not closed")], id="unterminated quote"),
    pytest.param(
        f'LIVEKIT_API_KEY="{KEY}\nLIVEKIT_API_SECRET="\n',
        [("fail", ".env:1", "holds LIVEKIT_API_SECRET as well")],
        id="swallowed next line",
    ),
    pytest.param(f"\ufeffLIVEKIT_API_KEY={KEY}\n", [("warn", ".env:1", "byte order mark")], id="BOM"),
    pytest.param(f"\nLIVEKIT_API_KEY={KEY}\r\n", [("warn", ".env:2", "CR LF")], id="CR LF"),
    pytest.param(f"LIVEKIT_API_KEY=x\nLIVEKIT_API_KEY={KEY}\n", [("warn", ".env:2", "after line 1")], id="twice"),
    pytest.param(
        "LIVEKIT_KEYS=devkey:secret\n", [("fail", ".env:1", "blank after the colon")], id="keys without blank"
    ),
]


@pytest.mark.parametrize(("text", "expected"), SPELLING)
def test_spelling(text: str, expected: Expected) -> None:
    """What comes along unseen is named with its line."""
    assert_found(judge("env.spelling", world_of({".env": text})), expected)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'LIVEKIT_API_KEY="{KEY}"\n', id="quoted"),
        pytest.param(f"LIVEKIT_API_KEY={KEY} # of the demo project\n", id="comment"),
        pytest.param("A=wss\nLIVEKIT_URL=${A}://demo-1a2b3c4d.livekit.cloud\n", id="resolved reference"),
        pytest.param("OPENAI_API_KEY=<your key>\nOPENAI_API_KEY=\n", id="not LiveKit's"),
        pytest.param("LIVEKIT_KEYS='devkey: secret'\n", id="keys"),
        pytest.param("LIVEKIT_API_KEY=\n", id="empty is judged elsewhere"),
    ],
)
def test_spelling_near_miss(text: str) -> None:
    """What is right in an env file passes."""
    assert judge("env.spelling", world_of({".env": text})).status is Status.passed


def test_spelling_of_other_places() -> None:
    """Environment and flags fail as files do; files that are not in force, and compose, warn."""
    files = {"agent/.env": f"LIVEKIT_API_KEY='{KEY} '\n", "compose.yml": compose(f'- LIVEKIT_API_KEY="{KEY}"')}
    world = world_of(files, {"LIVEKIT_API_KEY": f"{KEY}\r"}, flags=("'ws://a'", None, None))
    expected = [
        ("fail", "flag --url", "has a quote"),
        ("fail", "env LIVEKIT_API_KEY", "ends with a blank"),
        ("warn", "agent/.env:1", "ends with a blank"),
        ("warn", "compose.yml:4", "has a quote"),
    ]
    assert_found(judge("env.spelling", world), expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[
            ("LIVEKIT_URL", t)
            for t in (
                "wss://<project>.livekit.cloud",
                "wss://your-project.livekit.cloud",
                "undefined",
                "wss://xxx.livekit.cloud",
                "wss://livekit.example.com",
                "https://livekit.yourdomain.io",
            )
        ],
        *[
            ("LIVEKIT_API_KEY", t)
            for t in (
                "<your-api-key>",
                "your_api_key",
                "APIxxxxxxxx",
                "api-key-here",
                "changeme",
                "LIVEKIT_API_KEY",
                "...",
                "null",
                "API_KEY",
                "xxxx",
            )
        ],
        *[
            ("LIVEKIT_API_SECRET", t)
            for t in (
                "your-secret",
                "secret-here",
                "change-me-please",
                "TODO",
                "[secret]",
                "replace-with-secret",
                "{{ secret }}",
                "<API secret>",
            )
        ],
    ],
    ids=str,
)
def test_placeholders(name: str, text: str) -> None:
    """A copied example is told from a value."""
    assert is_placeholder(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[
            ("LIVEKIT_URL", t)
            for t in (
                CLOUD,
                "ws://localhost:7880",
                "ws://livekit:7880",
                "ws://my-server:7880",
                "wss://livekit.acme.dev",
                "wss://127.0.0.1",
                "wss://my-app-7k2j.livekit.cloud",
            )
        ],
        *[("LIVEKIT_API_KEY", t) for t in (KEY, "devkey", "production", "myservice")],
        *[("LIVEKIT_API_SECRET", t) for t in (SECRET, "secret", "e7f0-4a", "xyz", "settings")],
    ],
    ids=str,
)
def test_values_are_no_placeholders(name: str, text: str) -> None:
    """A value is not taken for a copied example."""
    assert not is_placeholder(name, text)


SHAPES = [
    pytest.param(env_text(key=SECRET, secret=KEY), [("fail", ".env:2", "swapped")], id="swapped"),
    pytest.param(env_text(key=SECRET, secret=SECRET), [("fail", ".env:3", "the same value")], id="equal"),
    pytest.param(env_text(key=CLOUD), [("fail", ".env:2", "holds a URL")], id="URL as key"),
    pytest.param(
        env_text(secret="eyJhbGciOiJIUzI1NiJ9.e30.x"), [("fail", ".env:3", "access token")], id="token as secret"
    ),
    pytest.param(env_text(secret=OTHER_KEY), [("fail", ".env:3", "looks like an API key")], id="key as secret"),
    pytest.param(env_text(key="mine"), [("warn", ".env:2", "Cloud answers 401")], id="odd key on Cloud"),
    pytest.param(
        env_text("ws://localhost:7880", "mine"), [("info", ".env:2", "self-hosted")], id="odd key of one's own"
    ),
    pytest.param(env_text(secret=SECRET + "-_"), [("info", ".env:3", "more than letters")], id="odd secret"),
    pytest.param(env_text(key=None, secret=KEY), [("fail", ".env:2", "looks like an API key")], id="no key"),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES)
def test_shape(text: str, expected: Expected) -> None:
    """What stands in another's place fails; what is merely unusual is mentioned."""
    assert_found(judge("env.shape", world_of({".env": text})), expected)


def test_shape_of_a_partial_set() -> None:
    """What is there is judged; where nothing is, nothing is."""
    assert judge("env.shape", world_of({".env": env_text(secret=None)})).status is Status.passed
    assert judge("env.shape", world_of({".env": env_text(key=None, secret=None)})).status is Status.skip
    assert judge("env.shape", world_of({".env": PLACEHOLDERS})).status is Status.skip


DEFAULT_PAIR = [
    pytest.param(
        env_text("wss://lk.acme.dev", "devkey", "secret"), [("security", ".env:3", "known to everybody")], id="public"
    ),
    pytest.param(env_text("wss://lk.acme.dev", "mine", "secret"), [("security", ".env:3", "known")], id="secret alone"),
    pytest.param(
        env_text("ws://192.168.1.5:7880", "devkey", "secret"), [("warn", ".env:3", "known")], id="own network"
    ),
    pytest.param(env_text(CLOUD, "devkey", "secret"), [("fail", ".env:3", "Cloud answers 401")], id="Cloud"),
    pytest.param(env_text("ws://localhost", secret="a" * 31), [("security", ".env:3", "31 characters")], id="short"),
]


@pytest.mark.parametrize(("text", "expected"), DEFAULT_PAIR)
def test_default_pair(text: str, expected: Expected) -> None:
    """The pair that everybody knows, and secrets that can be guessed."""
    assert_found(judge("env.default-pair", world_of({".env": text})), expected)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param(LOCAL, Status.passed, id="localhost"),
        pytest.param(env_text("ws://livekit:7880", "devkey", "secret"), Status.passed, id="service"),
        pytest.param(env_text(None, "devkey", "secret"), Status.passed, id="no URL"),
        pytest.param(env_text(secret="a" * 32), Status.passed, id="long enough"),
        pytest.param(env_text(secret=None), Status.skip, id="no secret"),
        pytest.param(env_text(secret="<secret>"), Status.skip, id="placeholder"),
    ],
)
def test_default_pair_near_miss(text: str, status: Status) -> None:
    """On one's own machine the known pair is right."""
    assert judge("env.default-pair", world_of({".env": text})).status is status


NAMES_TABLE = [
    *[
        pytest.param({".env": f"{wrong}=x1\n"}, {}, [("warn", ".env:1", f"read {right}, which is not set")], id=wrong)
        for wrong, right in (
            ("LIVEKIT_WS_URL", "LIVEKIT_URL"),
            ("LIVEKIT_HOST", "LIVEKIT_URL"),
            ("LIVEKIT_API_URL", "LIVEKIT_URL"),
            ("NEXT_PUBLIC_LIVEKIT_URL", "LIVEKIT_URL"),
            ("LIVKIT_URL", "LIVEKIT_URL"),
            ("livekit_url", "LIVEKIT_URL"),
            ("LIVEKIT_KEY", "LIVEKIT_API_KEY"),
            ("LIVEKIT_KEYS", "LIVEKIT_API_KEY"),
            ("LIVEKIT_SECRET", "LIVEKIT_API_SECRET"),
            ("LIVEKIT_SECRET_KEY", "LIVEKIT_API_SECRET"),
            ("LK_API_SECRET", "LIVEKIT_API_SECRET"),
        )
    ],
    pytest.param({}, {"LIVEKIT_WS_URL": "x"}, [("warn", "env LIVEKIT_WS_URL", "LIVEKIT_URL")], id="environment"),
    pytest.param(
        {"compose.yml": compose("LIVEKIT_SECRET: x")},
        {},
        [("warn", "compose.yml:4", "LIVEKIT_API_SECRET")],
        id="compose",
    ),
    pytest.param(
        {**GOOD, "agent/.env": "LIVEKIT_HOST=x\n"},
        {},
        [("info", "agent/.env:1", "SDKs, agents and lkctl read LIVEKIT_URL")],
        id="set elsewhere",
    ),
]


@pytest.mark.parametrize(("files", "environ", "expected"), NAMES_TABLE)
def test_names(files: Mapping[str, str], environ: Mapping[str, str], expected: Expected) -> None:
    """A name that nobody reads is told with the right one."""
    assert_found(judge("env.names", world_of(files, environ)), expected)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("LIVEKIT_WS_URL=ws://a\n" + env_text(), id="beside the right one"),
        pytest.param("NEXT_PUBLIC_LIVEKIT_API_KEY=x\n" + env_text(), id="public key"),
        pytest.param(
            "LIVEKIT_AGENT_NAME=x\nLIVEKIT_INFERENCE_API_KEY=x\nLIVEKIT_REGION=x\n", id="names of agents and server"
        ),
        pytest.param("LIVEKIT_WS_URL=\n", id="empty"),
        pytest.param("DATABASE_URL=x\nSECRET_KEY=x\nAPI_KEY=x\n", id="names of others"),
        pytest.param("LIVEKIT_KEYS='a: b'\n" + env_text(), id="the server's own"),
        pytest.param("NEXT_PUBLIC_LIVEKIT_KEY=x\n", id="public key by another name"),
    ],
)
def test_names_near_miss(text: str) -> None:
    """The app's own names, and those of the server and agents, pass."""
    assert judge("env.names", world_of({".env": text})).findings == ()


def test_names_of_the_server_in_compose() -> None:
    """LIVEKIT_KEYS is right for the service that runs livekit-server."""
    files = {"compose.yml": compose('LIVEKIT_KEYS: "devkey: secret"')}
    assert judge("env.names", world_of(files)).findings == ()


PREFIXES = ("NEXT_PUBLIC_", "VITE_", "REACT_APP_", "EXPO_PUBLIC_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "VUE_APP_")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_public(prefix: str) -> None:
    """A secret under a prefix that build tools hand to browsers."""
    files = {".env": env_text(), "web/.env": f"{prefix}LIVEKIT_API_SECRET={OTHER_SECRET}\n"}
    assert_found(judge("env.public", world_of(files)), [("security", "web/.env:1", "every visitor")])


@pytest.mark.parametrize(
    ("line", "place"),
    [
        pytest.param(f"VITE_TOKEN_KEY={SECRET}", "web/.env:1", id="the secret by any name"),
        pytest.param("NEXT_PUBLIC_TOKEN=eyJhbGciOiJIUzI1NiJ9.e30.x", "web/.env:1", id="a token"),
    ],
)
def test_public_by_value(line: str, place: str) -> None:
    """The value tells, too."""
    assert_found(judge("env.public", world_of({**GOOD, "web/.env": line})), [("security", place, "holds a secret")])


@pytest.mark.parametrize(
    "line",
    [
        "NEXT_PUBLIC_LIVEKIT_URL=wss://a.b",
        f"NEXT_PUBLIC_LIVEKIT_API_KEY={KEY}",
        "VITE_LIVEKIT_API_SECRET=",
        "VITE_LIVEKIT_API_SECRET=<secret>",
        "SECRET_PUBLIC_=x",
    ],
)
def test_public_near_miss(line: str) -> None:
    """URL and key may be public; nothing is no secret."""
    assert judge("env.public", world_of({**GOOD, "web/.env": line})).status is Status.passed


AGREEMENT = [
    pytest.param(
        {".env.local": env_text(), ".env": env_text(key=OTHER_KEY, secret=OTHER_SECRET)},
        [
            (
                "warn",
                ".env:2",
                "LIVEKIT_API_KEY, LIVEKIT_API_SECRET differ from .env.local:2, .env.local:3: a token made with one",
            )
        ],
        id="two files in force",
    ),
    pytest.param(
        {**GOOD, "agent/.env": env_text(secret=OTHER_SECRET)},
        [("warn", "agent/.env:3", "LIVEKIT_API_SECRET differs from .env:3: one of the two secrets is wrong")],
        id="same key, another secret",
    ),
    pytest.param(
        {**GOOD, "web/.env.local": "NEXT_PUBLIC_LIVEKIT_URL=wss://lk.acme.dev\n"},
        [("warn", "web/.env.local:1", "LIVEKIT_URL differs from .env:1: clients then connect to another server")],
        id="the URL of the frontend",
    ),
    pytest.param(
        {"a/.env.production": env_text(), "b/.env.prod": env_text(CLOUD.replace("demo", "live"))},
        [("warn", "b/.env.prod:1", "LIVEKIT_URL differs from a/.env.production:1")],
        id="one stage, two names",
    ),
    pytest.param(
        {**GOOD, "docker-compose.yml": compose(f"- LIVEKIT_API_KEY={OTHER_KEY}")},
        [("warn", "docker-compose.yml:4", "LIVEKIT_API_KEY differs from .env:2")],
        id="compose",
    ),
    pytest.param(
        {".env": env_text("ws://localhost:7880"), "livekit.yaml": f"keys:\n  {OTHER_KEY}: {OTHER_SECRET}\n"},
        [("warn", ".env:2", "the key APIx7…z4 is not among those of livekit.yaml:2")],
        id="unknown to livekit.yaml",
    ),
    pytest.param(
        {".env": env_text("ws://localhost:7880"), "livekit.yaml": f"keys:\n  {KEY}: {OTHER_SECRET}\n"},
        [("warn", ".env:3", "the secret differs from that of livekit.yaml:2")],
        id="another secret in livekit.yaml",
    ),
    pytest.param(
        {
            ".env": env_text("ws://localhost:7880"),
            "compose.yml": compose(f'LIVEKIT_KEYS: "{OTHER_KEY}: {OTHER_SECRET}"'),
        },
        [("warn", ".env:2", "is not among those of compose.yml:4")],
        id="unknown to LIVEKIT_KEYS",
    ),
    pytest.param(
        {**GOOD, "compose.yml": "a: [\n"}, [("info", "", "compose.yml is not YAML at line 2")], id="broken YAML"
    ),
]


@pytest.mark.parametrize(("files", "expected"), AGREEMENT)
def test_agreement(files: Mapping[str, str], expected: Expected) -> None:
    """Files of one stage that name different servers or credentials."""
    assert_found(judge("env.agreement", world_of(files)), expected)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({**GOOD, "a/.env": env_text(), "b/.env.development": env_text()}, id="the same"),
        pytest.param({**GOOD, "a/.env": env_text(f"https://{CLOUD[6:]}/")}, id="the same URL, spelled otherwise"),
        pytest.param({**GOOD, ".env.staging": env_text(key=OTHER_KEY, secret=OTHER_SECRET)}, id="another stage"),
        pytest.param({**GOOD, "a/.env": env_text("", "", "")}, id="empty"),
        pytest.param({**GOOD, "node_modules/.env": env_text("x"), "a/b/.env": env_text("x")}, id="not looked at"),
        pytest.param(
            {".env": env_text("ws://localhost:7880"), "compose.yml": compose("LIVEKIT_URL: ws://livekit:7880")},
            id="one server, two names",
        ),
        pytest.param({**GOOD, "livekit.yaml": "keys:\n  devkey: secret\n"}, id="Cloud and a local server"),
        pytest.param({".env": LOCAL, "livekit.yaml": "keys:\n  devkey: secret\n  other: x\n"}, id="among the keys"),
    ],
)
def test_agreement_near_miss(files: Mapping[str, str]) -> None:
    """Another stage, another name of the same machine, another spelling: no disagreement."""
    assert judge("env.agreement", world_of(files)).findings == ()


def test_agreement_mentions_the_environment() -> None:
    """An export that overrides a file is told, and no warning: CI does so on purpose."""
    environ = {"LIVEKIT_URL": "ws://localhost:7880", "LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
    result = judge("env.agreement", world_of(GOOD, environ))
    assert_found(result, [("info", "env LIVEKIT_URL", "differs from .env:1, and wins over it")])
    assert result.status is Status.passed


def jwt(claims: Mapping[str, object]) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{body}.{'c2lnbmF0dXJl' * 3}"


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


EXPOSED = {"PATH": os.environ["PATH"]}


@pytest.mark.skipif(os.name != "posix", reason="modes mean something on POSIX only")
@pytest.mark.parametrize(
    ("mode", "who"),
    [(0o644, "every user of this machine"), (0o604, "every user"), (0o640, "the group of the file")],
    ids=["all", "others", "group"],
)
def test_exposure_by_mode(mode: int, who: str) -> None:
    """A secret that others can read, and how to close it."""
    world = world_of(GOOD, EXPOSED)
    Path(".env").chmod(mode)
    result = judge("env.exposure", world)
    assert_found(result, [("security", ".env", who)])
    assert result.hint == "Run: chmod 600 .env"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LOCAL, id="known pair"),
        pytest.param(PLACEHOLDERS, id="placeholders"),
        pytest.param("A=b\n", id="none"),
    ],
)
def test_exposure_of_what_is_no_secret(text: str) -> None:
    """A file without a real secret may be read, and tracked, by anybody."""
    world = world_of({".env": text}, EXPOSED)
    Path(".env").chmod(0o644)
    git("init", "-q")
    git("add", ".env")
    assert judge("env.exposure", world).status is Status.passed


def test_exposure_by_git() -> None:
    """A tracked file, one that would be tracked next, and one that is ignored."""
    world = world_of({**GOOD, "a/.env": env_text(), "b/.env": env_text(), ".gitignore": "b/.env\n"}, EXPOSED)
    git("init", "-q")
    git("add", ".env")
    expected = [("security", ".env", "git tracks this file"), ("security", "a/.env", "git does not ignore this file")]
    assert_found(judge("env.exposure", world), expected)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param("app.py", f"x = 1\nsecret = '{SECRET}'\n", "app.py:2", id="the secret in force"),
        pytest.param("src/a.ts", f"\n\nconst apiSecret: string = '{OTHER_SECRET}'", "src/a.ts:3", id="another secret"),
        pytest.param("t.go", f'auth.NewAccessToken("{KEY}", "{OTHER_SECRET}")', "t.go:1", id="as an argument"),
        pytest.param("t.js", f"const token = '{jwt({'video': {'roomJoin': True}})}'", "t.js:1", id="a token"),
        pytest.param(".env.example", env_text(), ".env.example:3", id="the example"),
    ],
)
def test_exposure_in_source(name: str, text: str, words: str) -> None:
    """Secrets and tokens in source files, with their lines."""
    world = world_of({**GOOD, name: text}, EXPOSED)
    assert_found(judge("env.exposure", world), [("security", words, "whoever reads it")])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("compose.yml", compose(f"LIVEKIT_API_SECRET: {SECRET}"), id="configuration that git has not"),
        pytest.param("a.py", "api_secret = 'your-livekit-api-secret-goes-here-please'", id="placeholder"),
        pytest.param("b.py", "API_SECRET = 'LIVEKIT_API_SECRET_OF_THE_DEPLOYMENT'", id="a name"),
        pytest.param("c.py", "api_secret = '" + "x" * 40 + "'", id="filler"),
        pytest.param("d.py", f"token = '{jwt({'sub': 'a', 'aud': 'b'})}'", id="a token of others"),
        pytest.param("tests/e.py", f"secret = '{SECRET}'", id="tests"),
        pytest.param("node_modules/f.js", f"secret = '{SECRET}'", id="node_modules"),
        pytest.param("g.py", f"\0\nsecret = '{SECRET}'", id="binary"),
        pytest.param("h.md", f"secret = '{SECRET}'", id="no source"),
    ],
)
def test_exposure_in_source_near_miss(name: str, text: str) -> None:
    """What others wrote, what is made up, what is no code."""
    assert judge("env.exposure", world_of({**GOOD, name: text}, EXPOSED)).status is Status.passed


def test_exposure_in_tracked_configuration() -> None:
    """Configuration may hold secrets as long as git has it not."""
    world = world_of({**GOOD, ".gitignore": ".env\n", "livekit.yaml": f"keys:\n  {KEY}: {SECRET}\n"}, EXPOSED)
    git("init", "-q")
    git("add", "livekit.yaml")
    assert_found(judge("env.exposure", world), [("security", "livekit.yaml:2", "this file, which git tracks")])


def test_exposure_without_git() -> None:
    """It is said that git could not be asked, and nothing fails."""
    result = judge("env.exposure", world_of(GOOD, {"PATH": "/nowhere"}))
    assert_found(result, [("info", "", "git is not installed")])
    assert result.status is Status.passed


def test_no_symlink_is_followed(tmp_path: Path) -> None:
    """What a link points to belongs to somebody else."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text(f"secret = '{SECRET}'")
    (outside / ".env").write_text(env_text(key=OTHER_KEY))
    Path("link").symlink_to(outside)
    Path("b.py").symlink_to(outside / "a.py")
    Path(".env.development").symlink_to(outside / ".env")
    world = world_of(GOOD, EXPOSED)
    assert world.surroundings.env_files == ()
    assert judge("env.exposure", world).status is Status.passed


def test_stored_project_is_judged_alone() -> None:
    """Of a stored project the settings are judged, not the folder one happens to be in."""
    put({".env": env_text("nonsense"), "a.py": f"api_secret = '{SECRET}'"})
    layer = Layer("project demo", {"LIVEKIT_URL": Value(CLOUD, "project demo")})
    world = gather(
        lambda: Settings((layer,)),
        list,
        environ={"LIVEKIT_HOST": "x"},
        folder=Path(),
        project="demo",
        named=False,
        timeout=1,
    )
    statuses = {check.id: judge(check.id, world).status.value for check in ENVIRONMENT_CHECKS}
    assert statuses == {
        "env.settings": "fail",
        "env.spelling": "pass",
        "env.shape": "skip",
        "env.default-pair": "skip",
        "env.names": "pass",
        "env.public": "pass",
        "env.agreement": "pass",
        "env.exposure": "skip",
    }

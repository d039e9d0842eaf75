"""What lies around the env files in force: found within limits, whatever state it is in."""

import os
from pathlib import Path

import pytest

from lkctl.files.compose import Declared, ServerKey
from lkctl.files.envfile import read_env_file
from lkctl.files.folder import is_env_name, is_example, look_around

COMPOSE = """\
x-common: &common
  LIVEKIT_URL: ws://livekit:7880
services:
  agent:
    environment:
      <<: *common
      LIVEKIT_API_KEY: devkey
      EMPTY:
  web:
    environment:
      - LIVEKIT_API_SECRET="quoted"
      - FROM_OUTSIDE
  livekit:
    environment:
      LIVEKIT_KEYS: "devkey: secret"
  odd: text
"""


@pytest.mark.parametrize(
    ("name", "env", "example"),
    [
        (".env", True, False),
        (".env.local", True, False),
        (".env.production.local", True, False),
        ("prod.env", True, False),
        (".env.bak", True, False),
        (".env.agency", True, False),
        (".env.example", False, True),
        (".env.local.sample", False, True),
        ("example.env", False, True),
        (".env-template", False, True),
        (".env.vault", False, True),
        (".envrc", False, False),
        ("env", False, False),
        (".environment", False, False),
        ("env.py", False, False),
    ],
)
def test_names(name: str, env: bool, example: bool) -> None:
    """Files with values, and files to be copied."""
    assert (is_env_name(name), is_example(name)) == (env, example)


def test_look_around() -> None:
    """Here and one level below; those in force, examples, links and what others wrote are left out."""
    for name in (".env", ".env.local", "a/.env", "a/b/.env", ".git/.env", "node_modules/.env", ".env.example", "z.env"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("A=1\n")
    Path("link.env").symlink_to(".env")
    os.mkfifo("pipe.env")
    around = look_around(Path(), [read_env_file(Path(".env"))])
    assert [file.name for file in around.env_files] == [".env.local", "z.env", "a/.env"]


def test_compose() -> None:
    """Maps, lists and merged maps, each with its line; values are taken as they stand."""
    Path("docker-compose.prod.yml").write_text(COMPOSE)
    name = "docker-compose.prod.yml"
    around = look_around(Path(), [])
    assert around.declared == (
        Declared("LIVEKIT_URL", "ws://livekit:7880", f"{name}:2", "agent"),
        Declared("LIVEKIT_API_KEY", "devkey", f"{name}:7", "agent"),
        Declared("EMPTY", "", f"{name}:8", "agent"),
        Declared("LIVEKIT_API_SECRET", '"quoted"', f"{name}:11", "web"),
        Declared("LIVEKIT_KEYS", "devkey: secret", f"{name}:15", "livekit"),
    )
    assert around.server_keys == (ServerKey("devkey", "secret", f"{name}:15"),)


def test_server_keys() -> None:
    """From livekit.yaml, and from LIVEKIT_KEYS in an env file."""
    Path("livekit.yaml").write_text("port: 7880\nkeys:\n  one: s1\n  two:\n  three: {a: b}\n")
    Path("server").mkdir()
    Path("server/livekit-dev.yml").write_text("keys: none\n")
    Path(".env").write_text("LIVEKIT_KEYS='four: s4'\n")
    around = look_around(Path(), [read_env_file(Path(".env"), ".env")])
    assert around.server_keys == (ServerKey("one", "s1", "livekit.yaml:3"), ServerKey("four", "s4", ".env:1"))
    assert around.unread == ()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("compose.yaml", b"a: [", "compose.yaml is not YAML at line 1", id="broken YAML"),
        pytest.param("compose.yaml", b"\xff", "compose.yaml is not UTF-8", id="bytes"),
        pytest.param("compose.yaml", b"[" * 5000, "compose.yaml is not YAML", id="deep"),
        pytest.param("livekit.yaml", b"# " * 300_000, "livekit.yaml is larger than", id="large"),
        pytest.param("a.env", b"\xff\xfea\x00", "a.env is UTF-16", id="UTF-16"),
    ],
)
def test_unread(name: str, content: bytes, words: str) -> None:
    """What cannot be read is told, and stops nothing."""
    Path(name).write_bytes(content)
    Path("z.env").write_text("A=1\n")
    around = look_around(Path(), [])
    assert len(around.unread) == 1
    assert words in around.unread[0]
    assert [file.name for file in around.env_files] == ["z.env"]


@pytest.mark.parametrize(
    "text",
    ["", "services:\n", "services: []\n", "services:\n  a:\n    environment: text\n", "a: &a\n  b: *a\n", "- 1\n"],
)
def test_compose_without_environment(text: str) -> None:
    """Nothing to find, and nothing to stumble over."""
    Path("compose.yml").write_text(text)
    assert look_around(Path(), []).declared == ()


def test_many_files() -> None:
    """The search is bounded."""
    for number in range(60):
        Path(f"{number:02}.env").write_text("A=1\n")
    for number in range(120):
        Path(f"d{number:03}").mkdir()
    Path("d119/.env").write_text("A=1\n")
    names = [file.name for file in look_around(Path(), []).env_files]
    assert (len(names), names[0]) == (40, "00.env")


def test_no_folder() -> None:
    """A folder that is gone holds nothing."""
    assert look_around(Path("nowhere"), []).env_files == ()

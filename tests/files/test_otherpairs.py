"""Keys and secrets that lie around."""

from pathlib import Path

import pytest

from lkctl.files.otherpairs import OtherPairs
from lkctl.secret import scrub
from tests.harness import SECRETS


def secret(name: str) -> str:
    """Make a secret that must never be shown."""
    SECRETS.add(f"{name}-" + name * 8)
    return f"{name}-" + name * 8


def env(name: str) -> str:
    """Write an env file with a pair."""
    return f"LIVEKIT_API_KEY=key{name}\nLIVEKIT_API_SECRET={secret(name)}\n"


@pytest.fixture
def folder(clean_place: Path) -> Path:
    """A folder with everything in it, and lk's projects at home."""
    home = clean_place.parent / "home" / ".livekit"
    home.mkdir()
    projects = "".join(
        f"  - {{name: {name}, api_key: key{name}, api_secret: {secret(name)}}}\n" for name in ("prod", "test")
    )
    (home / "cli-config.yaml").write_text(f"projects:\n{projects}  - {{name: half, api_key: x}}\n  - text\n")
    (clean_place / ".env").write_text(env("plain"))
    (clean_place / ".env.staging").write_text(env("staging"))
    (clean_place / ".env.example").write_text(env("example"))
    (clean_place / ".env.half").write_text("LIVEKIT_API_KEY=only\nLIVEKIT_API_SECRET=\n")
    (clean_place / ".env.broken").write_bytes(b"\xff\xfe\x00")
    (clean_place / "web").mkdir()
    (clean_place / "web" / ".env.local").write_text(env("weblocal"))
    (clean_place / "livekit.yaml").write_text(f"port: 7880\nkeys:\n  keyserver: {secret('server')}\n")
    return clean_place


def test_all_of_them(folder: Path) -> None:
    """By name and key; examples, halves and broken files have none."""
    environ = {"HOME": str(folder.parent / "home"), "LIVEKIT_API_KEY": "keyours", "LIVEKIT_API_SECRET": secret("ours")}
    found = {pair.name: pair.key for pair in OtherPairs(folder, environ)}
    assert found == {
        "lk's project prod": "keyprod",
        "lk's project test": "keytest",
        "livekit.yaml:3": "keyserver",
        ".env": "keyplain",
        ".env.staging": "keystaging",
        "web/.env.local": "keyweblocal",
        "the environment": "keyours",
    }


def test_read_once_and_late(folder: Path) -> None:
    """Nothing before the first look; then the same again; and their secrets are struck from all that is printed."""
    others = OtherPairs(folder, {})
    (folder / ".env.late").write_text(env("late"))
    first = list(others)
    (folder / ".env.later").write_text(env("later"))
    assert ".env.late" in {pair.name for pair in first}
    assert list(others) == first
    assert scrub(f"x {secret('staging')} y") == "x <secret> y"


@pytest.mark.parametrize("content", [b"projects: [\n", b"\xff\xfe", b"[" * 5000], ids=["YAML", "UTF-16", "deep"])
def test_a_broken_project_file(content: bytes, folder: Path) -> None:
    """It has no projects; the rest is read."""
    (folder.parent / "home" / ".livekit" / "cli-config.yaml").write_bytes(content)
    names = {pair.name for pair in OtherPairs(folder, {"HOME": str(folder.parent / "home")})}
    assert ".env" in names
    assert not any("project" in name for name in names)


def test_an_empty_place(clean_place: Path) -> None:
    """No pairs."""
    assert list(OtherPairs(clean_place, {"HOME": str(clean_place)})) == []

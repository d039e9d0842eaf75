"""New env files: readable for their owner alone from the first byte on, and never over another one."""

import os
from pathlib import Path

import pytest
from dotenv import dotenv_values

from lkctl.errors import LkctlError
from lkctl.files.envtemplate import PRIVATE, env_text, example_text, write_new
from lkctl.settings.layers import KEY, NAMES, SECRET, URL

ROOT = Path(__file__).parents[2]


def here() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize(
    "secret",
    [
        "plain0123",
        "with blank",
        "quo'te",
        'quo"te',
        "back\\slash",
        "hash # tag",
        "$dollar",
        "ünï",
        "a=b",
        " edge ",
        "x'\\'y",
        "-",
    ],
)
def test_values_come_back_as_they_are(secret: str) -> None:
    """Whatever a secret holds, python-dotenv reads it back."""
    Path(".env").write_text(env_text({URL: "ws://a", KEY: "k", SECRET: secret}))
    assert dotenv_values(".env") == {URL: "ws://a", KEY: "k", SECRET: secret}


def test_value_that_cannot_be_written() -> None:
    """python-dotenv would resolve it; the error does not repeat it."""
    with pytest.raises(LkctlError, match="LIVEKIT_API_SECRET cannot be written") as caught:
        env_text({SECRET: "a${HOME}hunter2"})
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_what_is_not_given_is_a_comment() -> None:
    """Nothing is set that nobody set."""
    Path(".env").write_text(env_text({URL: "ws://a"}))
    assert dotenv_values(".env") == {URL: "ws://a"}
    assert all(f"# {name}=<" in env_text({}) for name in (KEY, SECRET))


def test_example_of_this_project() -> None:
    """The example that lies in the repository is the one that `env init --example` writes."""
    assert (ROOT / ".env.example").read_text() == example_text()
    Path("x").write_text(example_text())
    assert set(dotenv_values("x")) == set(NAMES)


def test_mode_and_leftovers() -> None:
    """Mode 0600 whatever the umask, and no scratch file stays."""
    before = os.umask(0)
    try:
        write_new(Path(".env"), "A=1\n", mode=PRIVATE, force=False)
    finally:
        os.umask(before)
    assert (Path(".env").stat().st_mode & 0o777, Path(".env").read_text()) == (0o600, "A=1\n")
    assert here() == [".env"]


def test_never_over_another_file() -> None:
    """Without force a file stays, also a link to nowhere; with force a link is followed, and the mode set."""
    Path(".env").write_text("old")
    Path("link").symlink_to("target")
    for name in (".env", "link"):
        with pytest.raises(LkctlError) as caught:
            write_new(Path(name), "new", mode=PRIVATE, force=False)
        assert caught.value.code == "file-exists"
    assert (Path(".env").read_text(), Path("target").exists()) == ("old", False)
    Path("target").write_text("old")
    write_new(Path("link"), "new", mode=PRIVATE, force=True)
    assert (Path("target").read_text(), Path("link").is_symlink()) == ("new", True)
    assert Path("target").stat().st_mode & 0o777 == 0o600
    assert here() == [".env", "link", "target"]


def test_file_system_without_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a rename does it, and still not over a file."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    write_new(Path("a"), "1", mode=PRIVATE, force=False)
    with pytest.raises(LkctlError, match="a is there already"):
        write_new(Path("a"), "2", mode=PRIVATE, force=False)
    assert (Path("a").read_text(), here()) == ("1", ["a"])


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere/.env", "No such file or directory"), (".", "Is a directory"), ("file/.env", "Not a directory")],
)
def test_unwritable(name: str, words: str) -> None:
    """The system's own words, exit 2."""
    Path("file").write_text("")
    with pytest.raises(LkctlError, match=words) as caught:
        write_new(Path(name), "x", mode=PRIVATE, force=True)
    assert (caught.value.code, int(caught.value.exit_code)) == ("file-unwritable", 2)

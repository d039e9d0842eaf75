import time
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.program import VARIABLE, VERSION, Program, cached_program, find, places, version_of
from tests.localserver.stand_ins import SAYS_VERSION, script


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """All three places hold one."""
    environ = {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin"), VARIABLE: str(tmp_path / "named")}
    for path in (cached_program(environ), tmp_path / "bin" / "livekit-server", tmp_path / "named"):
        script(path, "true")
    return environ


def test_order(environ: dict[str, str], tmp_path: Path) -> None:
    assert find(environ) == Program(tmp_path / "named", f"${VARIABLE}")
    del environ[VARIABLE]
    assert find(environ) == Program(tmp_path / "bin" / "livekit-server", "PATH")
    environ["PATH"] = ""
    assert find(environ) == Program(cached_program(environ), "cache")
    cached_program(environ).unlink()
    assert find(environ) is None


def test_the_cache_keeps_versions_apart(environ: dict[str, str]) -> None:
    assert cached_program(environ).parts[-3:] == ("livekit-server", VERSION, "livekit-server")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        pytest.param("{tmp}/nothing", "not an executable file", id="missing"),
        pytest.param("{tmp}/plain", "not an executable file", id="not executable"),
        pytest.param("{tmp}", "not an executable file", id="a folder"),
        pytest.param("livekit-server", "not an executable file", id="a bare name"),
        pytest.param("", "is empty", id="empty"),
    ],
)
def test_what_the_variable_names_is_never_passed_over(
    named: str, said: str, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    with pytest.raises(LkctlError, match=said) as caught:
        find({**environ, VARIABLE: named.format(tmp=tmp_path)})
    assert caught.value.code == "livekit-server-missing"
    assert VARIABLE in caught.value.message


def test_the_variable_may_be_relative(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find({**environ, VARIABLE: "./named"}) == Program(tmp_path / "named", f"${VARIABLE}")


def test_places_say_what_is_not_there(tmp_path: Path) -> None:
    empty = {"HOME": str(tmp_path), "PATH": ""}
    said = [(place.name, place.program, place.said) for place in places(empty)]
    assert said == [
        (f"${VARIABLE}", None, "not set"),
        ("PATH", None, "no livekit-server there"),
        ("cache", None, f"not at {cached_program(empty)}"),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(SAYS_VERSION, VERSION, id="as livekit-server does"),
        pytest.param("echo version v1.14.0-rc1", "1.14.0-rc1", id="a pre-release"),
        pytest.param("echo hello", None, id="something else"),
        pytest.param("exit 1", None, id="nothing"),
        pytest.param('[ -n "$LIVEKIT_API_SECRET" ] && echo version 6.6.6', None, id="without our secrets"),
    ],
)
def test_version(body: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_API_SECRET", "s" * 43)
    assert version_of(script(tmp_path / "program", body)) == expected


def test_version_of_what_cannot_run(tmp_path: Path) -> None:
    assert version_of(tmp_path / "nothing") is None
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    assert version_of(broken) is None


def test_version_of_what_hangs(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert version_of(script(tmp_path / "program", "exec sleep 60"), within=0.3) is None
    assert time.monotonic() - begun < 10

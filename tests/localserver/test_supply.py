import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.go import Go
from lkctl.localserver.program import VARIABLE, cached_program
from lkctl.localserver.supply import found, install, missing, obtain
from tests.localserver.stand_ins import fake_go, path_with, script


class Announcements:
    """Remembers with which Go a build was announced."""

    def __init__(self) -> None:
        self.heard: list[Go] = []

    @contextmanager
    def __call__(self, go: Go) -> Iterator[None]:
        self.heard.append(go)
        yield


@pytest.fixture
def announce() -> Announcements:
    return Announcements()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Go is there, a program is not."""
    fake_go(tmp_path / "bin")
    return {"XDG_CACHE_HOME": str(tmp_path), "PATH": path_with(tmp_path / "bin")}


@pytest.fixture
def bare(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Neither is there, the wheel included."""
    monkeypatch.setattr(sys, "path", [])
    return {**environ, "PATH": ""}


def test_obtain_builds_what_is_missing(environ: dict[str, str], announce: Announcements) -> None:
    program = obtain(environ, announce)
    assert (program.path, program.origin) == (cached_program(environ), "cache")
    assert obtain(environ, announce) == program
    assert [go.origin for go in announce.heard] == ["PATH"]


def test_install_tells_whether_it_built(environ: dict[str, str], announce: Announcements) -> None:
    assert [install(environ, announce, again=again)[1] for again in (False, False, True)] == [True, False, True]
    assert len(announce.heard) == 2


def test_a_wrong_variable_stops_before_a_build(environ: dict[str, str], announce: Announcements) -> None:
    for again in (True, False):
        with pytest.raises(LkctlError, match=VARIABLE):
            install({**environ, VARIABLE: "/nothing"}, announce, again=again)
    assert not announce.heard


def test_neither_program_nor_go(bare: dict[str, str], announce: Announcements) -> None:
    with pytest.raises(LkctlError) as caught:
        obtain(bare, announce)
    assert caught.value.code == "livekit-server-missing"
    for way in ("pip install '.[server]'", "lkctl server install", "brew install livekit", f"export {VARIABLE}="):
        assert way in caught.value.hint
    with pytest.raises(LkctlError, match="no Go compiler") as caught:
        install(bare, announce, again=False)
    assert (caught.value.code, "pip install '.[server]'" in caught.value.hint) == ("compiler-missing", True)


def test_found(environ: dict[str, str], bare: dict[str, str], tmp_path: Path) -> None:
    for here, way in ((environ, "Run: lkctl server install"), (bare, "One of these gets you one")):
        with pytest.raises(LkctlError) as caught:
            found(here)
        assert caught.value.hint.startswith(way)
    program = script(tmp_path / "own", "true")
    assert found({**bare, VARIABLE: str(program)}).path == program


def test_missing_names_all_places(bare: dict[str, str]) -> None:
    message = missing(bare, None).message
    assert f"${VARIABLE}: not set; PATH: no livekit-server there; cache: not at {cached_program(bare)}" in message

import os
import sys
import tempfile
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.cache import cache_folder, make_folder

UNDER_HOME = "Library/Caches" if sys.platform == "darwin" else ".cache"

TABLE = [
    pytest.param({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/lkctl", id="XDG_CACHE_HOME first"),
    pytest.param({"HOME": "/h"}, f"/h/{UNDER_HOME}/lkctl", id="HOME"),
    pytest.param({"XDG_CACHE_HOME": "", "HOME": "/h"}, f"/h/{UNDER_HOME}/lkctl", id="empty is unset"),
    pytest.param({"XDG_CACHE_HOME": "x", "HOME": "/h"}, f"/h/{UNDER_HOME}/lkctl", id="relative does not count"),
]


@pytest.mark.parametrize(("environ", "expected"), TABLE)
def test_place(environ: dict[str, str], expected: str) -> None:
    assert str(cache_folder(environ)) == expected


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"lkctl-{os.geteuid()}"


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}], ids=["unset", "empty", "relative"])
def test_without_a_home_it_is_a_folder_of_this_user(environ: dict[str, str], temporary: Path) -> None:
    assert cache_folder(environ) == temporary
    assert temporary.stat().st_mode & 0o777 == 0o700
    assert cache_folder(environ) == temporary


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file"])
def test_without_a_home_what_others_can_write_is_refused(kind: str, temporary: Path, tmp_path: Path) -> None:
    if kind == "a link":
        temporary.symlink_to(tmp_path)
    elif kind == "a file":
        temporary.touch(0o600)
    else:
        temporary.mkdir()
        temporary.chmod(0o777)
    with pytest.raises(LkctlError, match="can be written by others") as caught:
        cache_folder({})
    assert caught.value.code == "file-unwritable"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LkctlError, match="Not a directory") as caught:
        make_folder(tmp_path / "file" / "below")
    assert (caught.value.code, "XDG_CACHE_HOME" in caught.value.hint) == ("file-unwritable", True)

"""The folder where lkctl keeps what it builds."""

import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lkctl.errors import LkctlError

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Give lkctl's cache folder, which may not exist yet.

    It is `$XDG_CACHE_HOME/lkctl`, else the system's place under HOME; without a HOME a folder of this user among the
    temporary files. There others could have put something, and programs are run from it: a folder that is not ours
    alone raises `file-unwritable`.
    """
    for base in (environ.get("XDG_CACHE_HOME", ""), _below_home(environ.get("HOME", ""))):
        if Path(base).is_absolute():
            return Path(base) / "lkctl"
    folder = Path(tempfile.gettempdir()) / f"lkctl-{os.geteuid()}"
    _insist_ours(folder)
    return folder


def make_folder(folder: Path) -> None:
    """Make a folder of the cache and those above it; raise `file-unwritable`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(folder: Path, error: OSError) -> LkctlError:
    """Make the error for a cache that cannot be used."""
    message = f"cannot write {folder}: {os.strerror(error.errno or 0)}"
    return LkctlError("file-unwritable", message, hint="Name a folder of yours in XDG_CACHE_HOME")


def _below_home(home: str) -> str:
    return f"{home}/Library/Caches" if home and sys.platform == "darwin" else f"{home}/.cache" if home else ""


def _insist_ours(folder: Path) -> None:
    """Make the folder where it is missing: whoever makes it first owns it."""
    folder.parent.mkdir(exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & _OTHERS_MAY_WRITE:
            raise LkctlError(
                "file-unwritable",
                f"{folder} can be written by others",
                hint="Set HOME, or name a folder of yours in XDG_CACHE_HOME",
            ) from None

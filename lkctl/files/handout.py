"""An env file that is there for a while: how to reach a server that ends."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lkctl.errors import LkctlError
from lkctl.files.envtemplate import PRIVATE, write_new

_HEAD = "# A local livekit-server, started by lkctl server start; this file goes when the server ends\n"


def insist_writable(path: Path) -> None:
    """Raise `file-exists` or `file-unwritable` where `handed_out` could not write: better known before the wait."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        why = "it is a folder" if path.is_dir() else f"no file can be made in {path.parent}"
        raise LkctlError("file-unwritable", f"cannot write {path}: {why}", hint="Name a file in a folder of yours")
    if os.path.lexists(path):
        raise _taken(path)


@contextlib.contextmanager
def handed_out(path: Path, values: Mapping[str, str]) -> Iterator[None]:
    """Write the values for as long as the block runs: mode 0600, in one step, never over a file: it would be lost.

    Afterwards the file is removed, unless somebody has changed it.
    """
    text = _HEAD + "".join(f"{name}={value}\n" for name, value in values.items())
    try:
        _write(path, text)
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_bytes() == text.encode():
                path.unlink()


def _write(path: Path, text: str) -> None:
    try:
        write_new(path, text, mode=PRIVATE, force=False)
    except LkctlError as error:
        raise _taken(path) if error.code == "file-exists" else error from None


def _taken(path: Path) -> LkctlError:
    return LkctlError("file-exists", f"{path} is there already", hint="Name another file, such as .env.local")

"""Files that reports are written to: whole or not at all, over whatever was there."""

import os
from pathlib import Path

from lkctl.errors import LkctlError
from lkctl.files.content import reason
from lkctl.files.envtemplate import PRIVATE, PUBLIC, write_new


def insist_writable(path: Path) -> None:
    """Raise `file-unwritable` for what can be known not to work before a run has taken its time."""
    folder = path.parent
    why = ""
    if path.is_dir():
        why = "it is a folder"
    elif not folder.is_dir():
        why = f"there is no folder {folder}"
    elif not os.access(folder, os.W_OK):
        why = f"the folder {folder} takes no files from you"
    elif path.exists() and not path.is_file():
        why = "it is no file"
    if why:
        raise LkctlError("file-unwritable", f"cannot write {path}: {why}", hint="Name a file in a folder of yours")


def write_report(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a report in one step, over an earlier one; raise `file-unwritable`. `private`: for its owner alone."""
    write_new(path, content, mode=PRIVATE if private else PUBLIC, force=True)


def append_text(path: Path, text: str) -> None:
    """Add to a file that collects what several steps say; raise `file-unwritable`."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LkctlError("file-unwritable", f"cannot write {path}: {reason(error)}", hint="Check its path") from None

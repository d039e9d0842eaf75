"""A file of lines that takes long to write, and is there whole or not at all.

While it is written it is FILE.part, and a run that is broken off leaves it: complete lines, but for one that a kill cut
off. A later run goes on with them. Mode 0600: what is in such files are credentials.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from lkctl.errors import LkctlError
from lkctl.files.content import reason, unreadable
from lkctl.files.envtemplate import PRIVATE, move

_BLOCK = 256 * 1024

Note = Callable[
    [str], bool
]  # takes a line that is there, and tells whether it is new; raises LkctlError for a foreign one


class OutFile:
    """A file in the making. `rows` counts what is in it beside a header."""

    def __init__(self, path: Path, number: int, *, judged: bool) -> None:
        self.path, self.part = path, part_of(path)
        self.rows = 0
        self._number = number
        self._size = 0 if judged else None  # of what is sound; None: what is there has not been judged yet
        self._finished = False

    def write(self, text: str, rows: int) -> None:
        """Write complete lines that hold so many rows; raise `file-unwritable`."""
        content = memoryview(text.encode("utf-8", "surrogateescape"))
        size = len(content) + (self._size or 0)
        try:
            while content:
                content = content[os.write(self._number, content) :]
        except OSError as error:
            raise unwritable(self.path, error) from None
        self._size = size
        self.rows += rows

    def take_over(self, note: Note) -> None:
        """Go on with the lines of an earlier run: those of the broken off one stay, those of a whole file are added."""
        size = 0
        for lines in _blocks(self.part, note, whole=False):
            size += sum(len(text.encode("utf-8", "surrogateescape")) for text, _ in lines)
            self.rows += sum(new for _, new in lines)
        self._size = size
        self._tidy()
        if self.path.exists():
            started = size > 0  # with a copy of this very file
            for lines in _blocks(self.path, note, whole=True):
                chosen = [text for text, new in lines if new or not started]
                self.write("".join(chosen), sum(new for _, new in lines))

    def finish(self, *, replace: bool) -> None:
        """Give the file its name; raise `file-exists` where one has come up that is not to be replaced."""
        try:
            os.fsync(self._number)
            move(self.part, self.path, force=replace)
            self._finished = True
            self.part.unlink(missing_ok=True)
        except FileExistsError:
            raise _exists(self.path) from None
        except OSError as error:
            raise unwritable(self.path, error) from None

    def leave(self) -> None:
        """Leave what is worth to go on with, complete lines only; nothing where there is none."""
        with contextlib.suppress(OSError):
            if not (self._finished or (self._size is None and os.fstat(self._number).st_size)):
                self._tidy()
                if not self.rows:
                    self.part.unlink()

    @property
    def empty(self) -> bool:
        """Whether nothing is in it, not even a header."""
        return not self._size

    @property
    def left(self) -> bool:
        """Whether there is something to go on with."""
        return self.rows > 0 and not self._finished

    def _tidy(self) -> None:
        os.ftruncate(self._number, self._size or 0)
        os.lseek(self._number, 0, os.SEEK_END)


@contextlib.contextmanager
def out_file(path: Path, *, go_on: bool) -> Iterator[OutFile]:
    """Begin a file, or with `go_on` continue one; raise `file-exists` or `file-unwritable`."""
    try:
        target = _target(path, go_on=go_on)
        part = part_of(target)
        number = _open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if go_on else os.O_EXCL))
    except FileExistsError:
        raise _exists(part) from None
    except (OSError, ValueError, RuntimeError) as error:  # a null byte in the name; a link to itself
        raise unwritable(path, error if isinstance(error, OSError) else OSError(errno.EINVAL, "")) from None
    try:
        _lock(number, part)
        file = OutFile(target, number, judged=not go_on)
        try:
            yield file
        finally:
            file.leave()
    finally:
        os.close(number)


def part_of(path: Path) -> Path:
    """Name the file that stands for another one until it is whole."""
    return path.with_name(path.name + ".part")


def unwritable(path: Path, error: OSError) -> LkctlError:
    """Say that a file cannot be written."""
    hint = (
        f"Name a file in it, such as {path / 'tokens.jsonl'}" if path.is_dir() else "Name a file in a folder of yours"
    )
    return LkctlError("file-unwritable", f"cannot write {path}: {reason(error)}", hint=hint)


def _target(path: Path, *, go_on: bool) -> Path:
    """Say which file is to be written; raise OSError for what is none, `file-exists` for one that is to stay."""
    target = path.resolve() if go_on else path
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "")
    if target.exists() and not target.is_file():  # a device, a pipe
        raise OSError(errno.EINVAL, "")
    if go_on and target.is_symlink():  # to itself
        raise OSError(errno.ELOOP, "")
    if not go_on and os.path.lexists(target):
        raise _exists(path)
    return target


def _open(path: Path, flags: int) -> int:
    """Open a file, and nothing that is none: what reads a pipe waits for ever. Raise OSError."""
    number = os.open(path, flags | os.O_NONBLOCK, PRIVATE)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "")
    return number


def _exists(path: Path) -> LkctlError:
    told = f"{path} is there already" + (", of a run that was broken off" if path.suffix == ".part" else "")
    return LkctlError("file-exists", told, hint="Go on with it: --skip-existing; or name another file")


def _lock(number: int, part: Path) -> None:
    """Make sure that no other run writes it; where a file system has no locks, nobody can tell."""
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        taken = True
    except OSError:
        taken = False
    else:
        taken = not (part.exists() and os.path.samestat(os.fstat(number), part.stat()))  # finished in between
    if taken:
        told = f"cannot write {part}: another run of lkctl is writing it"
        raise LkctlError("file-unwritable", told, hint="Wait for its end, or name another file")


def _blocks(path: Path, note: Note, *, whole: bool) -> Iterator[list[tuple[str, bool]]]:
    """Read lines with what was noted of them; the last one may lack its end only in a whole file."""
    number = 0
    with _opened(path) as file:
        while lines := file.readlines(_BLOCK):
            block = []
            for line in lines:
                number += 1
                text = line.decode("utf-8", "surrogateescape")
                if whole or text.endswith("\n"):
                    block.append((text.rstrip("\n") + "\n", _noted(text, note, path, number)))
            yield block


def _opened(path: Path) -> BinaryIO:
    try:
        return os.fdopen(_open(path, os.O_RDONLY), "rb")
    except OSError as error:
        raise unreadable(str(path), error) from None


def _noted(line: str, note: Note, path: Path, number: int) -> bool:
    try:
        return note(line)
    except LkctlError as error:
        raise LkctlError(error.code, f"{path}:{number}: {error.message}", hint=error.hint) from None

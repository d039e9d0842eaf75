"""The one object that knows the terminal: streams, width, colour, quiet. Nothing else asks."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, TextIO

from lkctl.secret import printable, scrub

if TYPE_CHECKING:
    from lkctl.output.progress import Meter

_STYLES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
_DEFAULT_WIDTH = 80


class Console:
    """Standard streams with what is known of them. stdout is data, stderr is talk; both are scrubbed of secrets."""

    def __init__(
        self,
        *,
        stdout: TextIO,
        stderr: TextIO,
        stdin: TextIO,
        environ: Mapping[str, str],
        color: str = "auto",
        quiet: bool = False,
    ) -> None:
        self.stdin = stdin
        self._clean: Callable[[str], str] = scrub
        self.quiet = quiet
        self.color = color
        self._out, self._err = stdout, stderr
        self._environ = environ
        self.out_tty, self.err_tty, self.in_tty = (stream.isatty() for stream in (stdout, stderr, stdin))
        self._color = {stdout: self._colored(color, self.out_tty), stderr: self._colored(color, self.err_tty)}

    def adjusted(self, *, color: str, quiet: bool) -> "Console":
        """Give the same console with other manners."""
        streams = {"stdout": self._out, "stderr": self._err, "stdin": self.stdin}
        return Console(**streams, environ=self._environ, color=color, quiet=quiet)

    def revealing(self) -> "Console":
        """Give the console of `--reveal`: what is written to its stdout comes out as it is."""
        plain = copy(self)
        plain._clean = str  # noqa: SLF001  (it is one of us)
        return plain

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        columns = self._environ.get("COLUMNS", "")
        if columns.isdigit() and int(columns):
            return int(columns)
        try:
            return os.get_terminal_size(self._out.fileno()).columns or _DEFAULT_WIDTH
        except (OSError, ValueError):
            return _DEFAULT_WIDTH

    @property
    def err_colored(self) -> bool:
        """Whether colour is on for stderr."""
        return self._color[self._err]

    def write(self, text: str) -> None:
        """Write data to stdout."""
        self._out.write(self._clean(text))

    def reveal(self, text: str) -> None:
        """Write to stdout what the user asked to see: a token just minted, a secret under `--reveal`."""
        self._out.write(text)

    def flush(self) -> None:
        """Hand on what was written, so that a reader of the pipe has it now."""
        self._out.flush()

    def insist_reader(self) -> None:
        """Raise BrokenPipeError where nobody reads stdout any more: who writes seldom would not learn of it."""
        if not self.out_tty and _has_no_reader(self._out):
            raise BrokenPipeError

    def talk(self, text: str) -> None:
        """Write a remark to stderr, unless `--quiet`."""
        if not self.quiet:
            self.complain(text)

    def complain(self, text: str) -> None:
        """Write to stderr, also under `--quiet`: errors."""
        with suppress(OSError):  # nobody can be told; the exit code still tells
            self._err.write(scrub(text) + "\n")
            self._err.flush()

    def paint(self, text: str, style: str, *, err: bool = False) -> str:
        """Colour a text for stdout (or stderr) where colour is on."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._color[self._err if err else self._out] else text

    def ask(self, question: str, *, word: str = "") -> bool | None:
        """Ask on the terminal for yes or no, or for a word that must be typed; None where nobody can answer."""
        if not (self.in_tty and self.err_tty):
            return None
        self._err.write(f"{printable(scrub(question))} [{f'type {word}' if word else 'y/N'}] ")
        self._err.flush()
        answer = self.stdin.readline().strip()
        return answer == word if word else answer.lower() in {"y", "yes"}

    @contextmanager
    def progress(self, awaited: str) -> Iterator[None]:
        """Show on a terminal what is awaited, once it takes longer than 0.3 s."""
        if not self.err_tty or self.quiet:
            yield
            return
        from lkctl.output.progress import Spinner

        with Spinner(self._err, awaited):
            yield

    def meter(self) -> "Meter | None":
        """Give a count to show on stderr; None where nobody would see it."""
        if not self.err_tty or self.quiet:
            return None
        from lkctl.output.progress import Meter

        return Meter(self._err)

    def _colored(self, color: str, tty: bool) -> bool:
        if color != "auto":
            return color == "always"
        return tty and not self._environ.get("NO_COLOR") and self._environ.get("TERM") != "dumb"


def _has_no_reader(stream: TextIO) -> bool:
    import select

    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(events & select.POLLERR for _, events in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # no file, or a system that cannot tell
        return False

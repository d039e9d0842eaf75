"""What is kept of the reads: those of the script's own code, once each, masked, in a file of bounded size.

Runs in the script's interpreter (see sitecustomize.py); lkctl/agents/trace/tracing.py reads the file.
"""

import json
import os
import sysconfig
import time
from types import FrameType
from typing import Any

_MOST_PLACES = 1000  # in one process: lines that read something of somebody
_MOST_VALUES = 16  # in one place
_OTHERS = "(other values)"
_MOST_BYTES = 4 << 20  # of the file; many processes may write there
_EXACT = 16  # a read is written again at each repetition up to here, then when their number has doubled
_MOST_FRAMES = 60
_LONGEST_NAME = 100
_PACKAGES = ("site-packages", "dist-packages")
_STDLIB = tuple({os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")})
_HERE = os.path.dirname(os.path.realpath(__file__)) + os.sep  # noqa: PTH120  (pathlib would slow the script's start)
_JWT = "eyJ"
_USER_ID = r"user_[0-9]{10,20}_[A-Za-z0-9]{1,64}"


class Recorder:
    """Writes notes into a file, each a line of JSON with one key: `shim`, `ready`, `unavailable` or `read`."""

    def __init__(self, file: str, names: str) -> None:
        self.names = tuple(name for name in names.split(",") if name)
        self._file = file
        self._counts: dict[tuple[tuple[Any, ...], int], int] = {}
        self._values: dict[tuple[Any, ...], int] = {}
        self._full = False
        self._origins: dict[str, str] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def note(self, what: str, value: object) -> None:
        """Append a line. The file is opened each time: the script may close or replace descriptors that it sees."""
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            return  # the trace is over
        try:
            if os.fstat(descriptor).st_size < _MOST_BYTES:
                os.write(descriptor, json.dumps({what: value}).encode() + b"\n")
        finally:
            os.close(descriptor)

    def read(
        self, reader: tuple[str, int, str], value: object, *, source: str, subject: str = "", connected: bool = False
    ) -> None:
        """Report a read, unless it was reported already; the first repetitions too, then fewer and fewer."""
        place = (source, subject, *reader, connected)
        mark = hash(value if isinstance(value, str) else repr(value))
        if (place, mark) not in self._counts:
            if len(self._values) >= _MOST_PLACES and place not in self._values:
                self._give_up()
                return
            if self._values.setdefault(place, 0) >= _MOST_VALUES:
                mark, value = 0, _OTHERS
            self._values[place] += 1
        count = self._counts[place, mark] = self._counts.get((place, mark), 0) + 1
        if count <= _EXACT or not count & (count - 1):
            self._write(place, value if value is _OTHERS else shown(source, value), count)

    def _write(self, place: tuple[Any, ...], value: object, count: int) -> None:
        names = ("source", "subject", "file", "line", "through", "connected")
        told = dict(zip(names, place, strict=True))
        self.note("read", {**told, "value": value, "count": count, "at": time.monotonic(), "pid": os.getpid()})

    def reader(self, frame: FrameType | None) -> tuple[str, int, str] | None:
        """Find the line of the script that reads, itself or through a library (file, line, library).

        None where LiveKit reads for itself, or nobody's code is behind it.
        """
        through = ""
        for _ in range(_MOST_FRAMES):
            if frame is None:
                return None
            module = str(frame.f_globals.get("__name__", ""))
            origin = self._origin(frame.f_code.co_filename, module)
            if origin == "script":
                return frame.f_code.co_filename, frame.f_lineno, through
            if origin == "livekit":
                return None
            through = through or ("" if origin == "python" else module.partition(".")[0])
            frame = frame.f_back
        return None

    def _give_up(self) -> None:
        if not self._full:
            self._full = True
            self.note("unavailable", f"the script reads in more than {_MOST_PLACES} places; later ones are not shown")

    def _forget(self) -> None:
        self._counts.clear()
        self._values.clear()

    def _origin(self, file: str, module: str) -> str:
        if file not in self._origins:
            self._origins[file] = _origin(file, module)
        return self._origins[file]


def _origin(file: str, module: str) -> str:
    """Tell whose code this is: `script`, `livekit`, `library`, or `python` (the standard library, and made code)."""
    real, package = os.path.realpath(file), module.partition(".")[0]
    installed = any(f"{os.sep}{name}{os.sep}" in real for name in _PACKAGES)
    if package == "livekit" or (installed and f"{os.sep}livekit{os.sep}" in real):
        return "livekit"
    if installed or package == "lkctl":
        return "library"
    if file.startswith("<") or real.startswith(_STDLIB) or real.startswith(_HERE):
        return "python"
    return "script"


def shown(source: str, value: object) -> str:
    """Show a value without giving secrets away: user IDs and names are, of all else only length and a short hash."""
    if value is None:
        return "(not set)"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if isinstance(value, int) or text in {"", "{}"}:
        return text or '""'
    is_name = source.endswith((".name", ".identity")) and len(text) <= _LONGEST_NAME
    if is_name and text.isprintable() and _JWT not in text:
        return json.dumps(text, ensure_ascii=False)
    return _masked(text)


def _masked(text: str) -> str:
    import hashlib
    import re

    ids = [] if _JWT in text else list(dict.fromkeys(re.findall(_USER_ID, text)))[:3]
    if ids == [text]:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{', '.join(ids)}{' in ' if ids else ''}{len(text)} characters, #{digest}"

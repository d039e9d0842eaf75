"""The access trace: what a foreign agent script really reads, at which line, and when.

A shim (lkctl/agents/trace/shim) comes into the script's interpreter through PYTHONPATH and writes each read into a
file of ours. It sees Python, and reads; not which of them is used in the end (see canary.py).
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lkctl.secret import scrub
from lkctl.userid import ENV_NAME

_SHIM: Final = Path(__file__).with_name("shim")
_MOST_BYTES: Final = 8 << 20  # of the file that the script's process writes; the shim itself stops at half of it
_LONGEST: Final = 400  # characters of a text from there
_NOT_LOADED: Final = "the shim was not loaded: the interpreter takes no PYTHONPATH (-I, -E or -S), or is no CPython"
_NO_RTC: Final = "the script never loaded livekit.rtc"


@dataclass(frozen=True, slots=True)
class Read:
    """A read in the script's own code.

    `source` is a name of lkctl.userid.SOURCES, or of their like: `participant.kind`, `participant.name`,
    `room.remote_participants` (the value is their number), `local_participant.…` (the agent itself), `job.room.…` and
    `job.participant.…` (as they were at the dispatch), `api.room.…` and `api.participant.…` (any other message).
    `subject` is the identity of the participant, or the name of the environment variable; else "". `file` and `line`
    are the script's; `through` is the top-level package that read for it, or "". `at_s` are seconds since the trace
    began; `connected` tells whether the agent was in the room. `value` is for people: IDs and names in full, all else
    as length and hash. `count`: exact up to 16, at least so often above.
    """

    source: str
    subject: str
    file: str
    line: int
    at_s: float
    connected: bool
    value: str
    count: int = 1
    through: str = ""

    @property
    def place(self) -> str:
        """What is read, whichever copy of it: `job.room.metadata` is the metadata of the room, too."""
        whose, _, rest = self.source.partition(".")
        return rest if whose in {"job", "api"} and "." in rest else self.source


class Trace:
    """A private folder with the shim and what it reports, for the time of the `with`.

    `names` are the environment variables to watch. What was read stays known after the end.
    """

    def __init__(self, names: Iterable[str] = (ENV_NAME,)) -> None:
        self._names = tuple(names)
        self._began = time.monotonic()
        self._folder: Path | None = None
        self._last = b""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="lkctl-trace-"))
        try:
            for module in _SHIM.glob("*.py"):
                shutil.copyfile(module, self._folder / module.name)
            self._file.touch(mode=0o600)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._last = self._content()
        self._remove()

    @property
    def folder(self) -> Path:
        """The private folder, while there is one."""
        return self._file.parent

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Give the environment in which a Python child is traced; the user's own PYTHONPATH stays behind the shim."""
        paths = (str(self.folder), env.get("PYTHONPATH", ""))
        return {
            **env,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "LKCTL_TRACE_FILE": str(self._file),
            "LKCTL_TRACE_NAMES": ",".join(self._names),
        }

    def reads(self) -> tuple[Read, ...]:
        """Give what was read until now, in order; what was read again is counted."""
        counts: dict[tuple[Read, int], int] = {}
        firsts: dict[Read, float] = {}
        for pid, read in self._reported():
            bare = replace(read, at_s=0.0, count=1)
            counts[bare, pid] = max(read.count, counts.get((bare, pid), 0))
            firsts[bare] = min(read.at_s, firsts.get(bare, read.at_s))
        totals = dict.fromkeys(firsts, 0)
        for (bare, _), count in counts.items():
            totals[bare] += count
        found = (replace(bare, at_s=at_s, count=totals[bare]) for bare, at_s in firsts.items())
        return tuple(sorted(found, key=lambda read: read.at_s))

    @property
    def unavailable(self) -> str:
        """Why the trace sees nothing, or not all; "" when it works. To be asked after the script has had its job."""
        notes = list(self._notes())
        for what, value in notes:
            if what == "unavailable":
                return _text(value)
        if not any(what == "shim" for what, _ in notes):
            return _NOT_LOADED
        return "" if any(what == "ready" for what, _ in notes) else _NO_RTC

    def scripts(self) -> dict[str, str]:
        """Give the text of each file that reads, as far as it can be read."""
        texts = {}
        for file in {read.file for read in self.reads()}:
            with suppress(OSError, ValueError), Path(file).open(encoding="utf-8") as script:
                texts[file] = script.read(_MOST_BYTES)
        return texts

    @property
    def _file(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the trace has not begun, or is over")
        return self._folder / "reads.jsonl"

    def _remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _content(self) -> bytes:
        if self._folder is None:
            return self._last
        with self._file.open("rb") as file:
            return file.read(_MOST_BYTES)

    def _notes(self) -> Iterator[tuple[str, Any]]:
        """Read the lines; the script could write there too, so what is malformed is passed over."""
        for line in self._content().splitlines():
            with suppress(ValueError, RecursionError):
                note = json.loads(line)
                if isinstance(note, dict):
                    yield from note.items()

    def _reported(self) -> Iterator[tuple[int, Read]]:
        for what, value in self._notes():
            if what == "read":
                with suppress(TypeError, ValueError, KeyError, OverflowError):
                    yield int(value["pid"]), self._read(value)

    def _read(self, note: Mapping[str, Any]) -> Read:
        return Read(
            source=_text(note["source"]),
            subject=_text(note["subject"]),
            file=str(note["file"]),
            line=int(note["line"]),
            at_s=round(max(0.0, float(note["at"]) - self._began), 3),
            connected=bool(note["connected"]),
            value=_text(note["value"]),
            count=int(note["count"]),
            through=_text(note["through"]),
        )


def _text(value: Any) -> str:
    return scrub(str(value))[:_LONGEST]

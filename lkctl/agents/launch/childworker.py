"""A worker that runs as our child: its words are judged as they come, and it is gone when we are."""

import os
import signal
import threading
import time
from collections.abc import Callable

from lkctl.agents.launch.diagnosis import failure_of
from lkctl.agents.launch.logline import LogLine
from lkctl.agents.launch.program import Program
from lkctl.agents.launch.symptoms import Symptom, WorkerLog
from lkctl.errors import LkctlError
from lkctl.localserver.child import Child

_PAUSE = 0.05  # seconds between two looks at whether it still runs
_MOMENT = 0.3  # seconds in which the rest of a traceback comes
_ASKED = 2.0  # seconds from SIGTERM to SIGKILL; an agent that has left its room needs 0.85 (measured)


class ChildWorker:
    """A running worker. `end()` must be called in the end, or `kill()`; a look at it raises what it failed of.

    `listen` is called with each line, in a thread of its own.
    """

    def __init__(self, program: Program, listen: Callable[[LogLine], None] | None = None) -> None:
        self._program = program
        self._listen = listen
        self._news = threading.Condition()
        self._way = 0
        self._first_words: tuple[str, ...] = ()
        self._start()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._child.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._child.status

    @property
    def command(self) -> tuple[str, ...]:
        """What was run."""
        return self._program.commands[self._way]

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, and say whether it does; raise the error that says what it failed of."""
        end = time.monotonic() + seconds
        while not done():
            self.insist_well()
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                self._news.wait(min(_PAUSE, left))
        return True

    def insist_well(self) -> None:
        """Raise the error that says what it failed of, if it did."""
        symptom = self._symptom()
        if symptom is not None:
            raise self.failure(symptom)

    def failure(self, symptom: Symptom) -> LkctlError:
        """Make the error for a symptom of it, with its last words; that of a second way are not the script's."""
        by_us = symptom.code == "agent-script" and self._way > 0
        return failure_of(symptom, self._first_words if by_us else self.log.last, self._program.hints)

    def next_words(self) -> None:
        """Give it a moment to say why what was just seen has happened; raise that."""
        self.until(lambda: False, _MOMENT)

    def end(self) -> None:
        """Ask it to end, then kill it and all of its group."""
        self._child.end((signal.SIGTERM, _ASKED))

    def kill(self) -> None:
        """Kill it and all of its group."""
        self._child.kill()

    def _start(self) -> None:
        self.log = WorkerLog()
        try:
            program = self._program
            self._child = Child(self.command, env=program.env, heard=self._hear, grace=_ASKED, scraps=program.folders)
        except OSError as error:
            told = f"{self.command[0]} cannot be run ({os.strerror(error.errno or 0)})"
            raise LkctlError("usage", told, hint="Give --python the path of a Python interpreter") from None

    def _symptom(self) -> Symptom | None:
        if self.log.failure is not None:
            self._child.wait(_MOMENT)
            return self.log.failure
        if self._child.status is None or not self._child.wait(_MOMENT) or self._child.status is None:
            return None
        if self.log.knows_no_dev(self._child.status) and self._way + 1 < len(self._program.commands):
            self._child.kill()
            self._first_words = self.log.last
            self._way += 1
            self._start()
            return None
        return self.log.end(self._child.status)

    def _hear(self, text: str) -> None:
        line = self.log.hear(text)
        if self._listen is not None:
            self._listen(line)
        with self._news:
            self._news.notify_all()

"""The agent of one session: a worker of its own, under a name that nobody else has."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lkctl.agents.launch.childworker import ChildWorker
from lkctl.agents.launch.dismissal import is_of
from lkctl.agents.launch.program import Program, agents_environment, bundled, scripted
from lkctl.agents.serve.messages import Fault
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.secret import scrub
from lkctl.settings.layers import Target
from lkctl.userid import ENV_NAME
from lkctl.userid.readiness import STANDARD_PATIENCE

_PATH = "PYTHONPATH"
_REGISTERS_WITHIN = 30.0
_SHOWN_LINES, _SHOWN_WIDTH = 3, 200


class Recipe(NamedTuple):
    """What is started for a session: the user's script, or the bundled agent; by which interpreter."""

    script: Path | None
    python: str

    def __str__(self) -> str:
        return "the bundled agent" if self.script is None else str(self.script)

    @contextmanager
    def program(self) -> Iterator[Program]:
        """Give what to run; its environment is each session's own."""
        if self.script is not None:
            yield scripted(self.python, self.script, {})
            return
        with bundled(self.python, {_PATH: os.environ.get(_PATH, "")}, {}, STANDARD_PATIENCE) as program:
            yield program


class Agent:
    """An agent that was started. `end()` or `kill()` must be called; all but `find` and `ailment` blocks."""

    def __init__(self, program: Program, target: Target, user_id: str) -> None:
        self.name = f"lkctl-{secrets.token_hex(4)}"
        env = {**agents_environment(target, self.name, {ENV_NAME: user_id}), **program.env}
        try:
            self._worker = ChildWorker(replace(program, env=env))
        except (LkctlError, ValueError) as error:
            raise Fault("agent-failed", detail=str(error)) from None

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._worker.pid

    def await_registration(self, given_up: Callable[[], bool]) -> None:
        """Wait until it takes jobs; raise Fault `agent-failed`. A dispatch before that would be lost (measured)."""
        try:
            ready = self._worker.until(lambda: self._worker.log.registered is not None or given_up(), _REGISTERS_WITHIN)
        except LkctlError as error:
            raise Fault("agent-failed", detail=_in_short(f"{error.code}: {error.message}".splitlines())) from None
        if not ready:
            raise Fault("agent-failed", detail=f"not ready in {_REGISTERS_WITHIN:g} s: {self.last_words()}")

    def ailment(self) -> str:
        """Say what it failed of since, or ""."""
        log, status = self._worker.log, self._worker.status
        symptom = log.failure or (None if status is None else log.end(status))
        return "" if symptom is None else f"{symptom.code}: {scrub(str(symptom))}"

    def last_words(self) -> str:
        """Give its last lines of output, without secrets."""
        return _in_short(self._worker.log.last) or "it said nothing"

    def end(self) -> None:
        """Ask it to leave, and kill it where it does not."""
        self._worker.end()

    def kill(self) -> None:
        """Kill it at once."""
        self._worker.kill()

    def find(self, participants: Sequence[Participant]) -> Participant | None:
        """Find it among those in the room."""
        return next((one for one in participants if is_of(one, self.name)), None)


def _in_short(lines: Sequence[str]) -> str:
    return scrub(" | ".join(line.strip()[:_SHOWN_WIDTH] for line in lines[-_SHOWN_LINES:]))

"""Calls of many rooms at once, as many as the server takes: fewer after a refusal, and what was refused once more."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from lkctl.errors import LkctlError
from lkctl.server.api import Api

_BUSY = {"server-limit", "http-gateway", "server-error"}  # 429 and 5xx: it may be too much at once
_PAUSES = (0.1, 0.3, 0.9)  # seconds before another try

R = TypeVar("R")
Ask = Callable[[Api, Sequence[str]], Sequence[R | LkctlError]]


class Throttle:
    """Lets so many calls through at once; half as many after a refusal, and slowly more again (as TCP does)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = float(most)
        self._busy = 0
        self._halved_at = 0.0
        self._free = threading.Condition()

    @contextmanager
    def take(self, wanted: int) -> Iterator[int]:
        """Wait until calls may be made; give how many of the wanted ones."""
        with self._free:
            while self._busy >= int(self.limit):
                self._free.wait()
            count = min(wanted, int(self.limit) - self._busy)
            self._busy += count
        try:
            yield count
        finally:
            with self._free:
                self._busy -= count
                self._free.notify_all()

    def refused(self, begun_at: float) -> None:
        """Let fewer through. Those that were under way already when it was last halved do not count."""
        with self._free:
            if begun_at > self._halved_at:
                self._halved_at = time.monotonic()
                self.limit = max(1.0, self.limit / 2)

    def answered(self, count: int) -> None:
        """Let one more through after as many answers as calls are let through."""
        with self._free:
            self.limit = min(self._most, self.limit + count / self.limit)


class Caller:
    """Asks several rooms the same with patience: one that is refused for its time is asked again, three times more."""

    def __init__(self, api: Api, at_once: int) -> None:
        self._api = api
        self._throttle = Throttle(at_once)

    def __call__(self, ask: Ask[R], names: Sequence[str]) -> list[R | LkctlError]:
        """Give the answer or the error of each."""
        outcomes = dict(zip(names, self._once(ask, names), strict=True))
        for pause in _PAUSES:
            again = [name for name, outcome in outcomes.items() if _is_refusal(outcome)]
            if not again or self._api.deadline.left <= pause:
                break
            time.sleep(pause)
            outcomes |= zip(again, self._once(ask, again), strict=True)
        return list(outcomes.values())

    def _once(self, ask: Ask[R], names: Sequence[str]) -> list[R | LkctlError]:
        outcomes: list[R | LkctlError] = []
        while len(outcomes) < len(names):
            with self._throttle.take(len(names) - len(outcomes)) as count:
                begun_at = time.monotonic()
                found = ask(self._api, names[len(outcomes) : len(outcomes) + count])
            refused = sum(map(_is_refusal, found))
            if refused:
                self._throttle.refused(begun_at)
            self._throttle.answered(len(found) - refused)
            outcomes.extend(found)
        return outcomes


def _is_refusal(outcome: object) -> bool:
    return isinstance(outcome, LkctlError) and outcome.code in _BUSY

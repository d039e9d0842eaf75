"""What every change has to reckon with: others who write at the same time, and answers that never come."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lkctl.errors import ExitCode, LkctlError
from lkctl.server.api import Api

SETTLE = 0.5  # seconds until the look after a write, at least; others are as slow as we are, so twice our own window
MOST_TRIES = 12
_APART = 0.2  # seconds that those who collided start again apart, at most
_UNANSWERED = {"net-timeout", "net-failed", "http-malformed", "http-gateway"}  # what was sent may have arrived
_TOLD = (ExitCode.FAILED, ExitCode.NOT_FOUND)  # of what a look finds these tell all


def tries(api: Api) -> Iterator[Api]:
    """Give the API for one try after the other, a bounded number of them, each with its time limit before it."""
    for number in range(MOST_TRIES):
        if number:
            time.sleep(random.uniform(0, _APART))  # noqa: S311  (no secret)
        yield api.renewed()


def settle(window: float) -> None:
    """Wait until others who looked before we wrote have written, too; `window`: our seconds from look to write."""
    time.sleep(max(SETTLE, 2 * window))


@contextmanager
def looking_after(done: str) -> Iterator[None]:
    """Say of a look that fails what was done before it: `done` as in "the metadata was written"."""
    try:
        yield
    except LkctlError as error:
        if error.exit_code in _TOLD:
            raise
        raise LkctlError(error.code, f"{error.message}; {done}, and could not be looked at", hint=error.hint) from None


@contextmanager
def in_doubt(may: str, look: str) -> Iterator[None]:
    """Say of a write whose answer never came that it may have been done: `may` as in "it may have been made"."""
    try:
        yield
    except LkctlError as error:
        if error.code not in _UNANSWERED:
            raise
        told = f"{error.message}; {may} all the same"
        raise LkctlError(error.code, told, hint=f"See what is there: {look}") from None

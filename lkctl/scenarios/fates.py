"""Each of several things that something is done to, with its fate: planned, then done, or why not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from lkctl.errors import ExitCode, LkctlError
from lkctl.server.api import Api

_FATAL = (ExitCode.AUTH, ExitCode.UNREACHABLE)  # what befalls one thing with these, befalls them all

T = TypeVar("T", bound=NamedTuple)


class Result(StrEnum):
    """What became of a thing.

    `kept`: it is not, or no longer, what was asked for; `left`: it went by itself meanwhile; `back`: it was put out,
    and is there again; `untried`: the server was lost before.
    """

    planned = "planned"
    deleted = "deleted"
    removed = "removed"
    left = "left"
    missing = "missing"
    kept = "kept"
    back = "back"
    failed = "failed"
    untried = "untried"


DONE = (Result.planned, Result.deleted, Result.removed, Result.left)


@dataclass(frozen=True, slots=True)
class Fate(Generic[T]):
    """A thing, by facts whose first one is its name, and what became of it.

    `error` is there where that is not what was asked for.
    """

    thing: T
    result: Result
    error: LkctlError | None = None

    @property
    def name(self) -> str:
        """What the thing is called by."""
        return str(self.thing[0])


def carry_out(api: Api, plan: Iterable[Fate[T]], act: Callable[[Api, T], Fate[T]]) -> Iterator[Fate[T]]:
    """Do what is planned, one by one, and tell of each; one that fails does not stop the others.

    Each has its own time limit. Where the server is lost, or refuses the credentials, the others are not tried.
    """
    lost: LkctlError | None = None
    for step in plan:
        done = step
        if step.result is Result.planned and lost is not None:
            done = replace(step, result=Result.untried, error=lost)
        elif step.result is Result.planned:
            done = _attempt(api.renewed(), step, act)
            lost = done.error if done.error and done.error.exit_code in _FATAL else None
        yield done


def planned(plan: Iterable[Fate[T]]) -> list[Fate[T]]:
    """Give those that something is to be done to."""
    return [one for one in plan if one.result is Result.planned]


def worst(fates: Iterable[Fate[T]]) -> int:
    """Give the exit code for all of them: the largest."""
    return max((one.error.exit_code for one in fates if one.error), default=ExitCode.OK)


def _attempt(api: Api, step: Fate[T], act: Callable[[Api, T], Fate[T]]) -> Fate[T]:
    try:
        return act(api, step.thing)
    except LkctlError as error:
        return replace(step, result=Result.failed, error=error)

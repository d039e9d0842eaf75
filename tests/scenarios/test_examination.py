"""Runs of checks: one, until it is green, and again and again."""

import gc
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lkctl.checks.report import Report
from lkctl.checks.result import Check, Problem, Result, Severity
from lkctl.checks.selection import plan
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.scenarios.examination import examine, examine_until_green, verdict_changes
from tests.checks.worlds import world_of


def fine(_: World) -> str:
    """Pass."""
    return "fine"


def bad(_: World) -> str:
    """Fail."""
    raise Problem("bad")


def of(*probes: str) -> tuple[Check[World], ...]:
    """Make checks, each needing the one before: `+` passes, `-` fails."""
    names = [f"a.c{number}" for number in range(len(probes))]
    return tuple(
        Check(name, name, fine if probe == "+" else bad, tuple(names[:at][-1:]))
        for at, (name, probe) in enumerate(zip(names, probes, strict=True))
    )


def report(*failing: str) -> Report:
    """Make a report in which these failed."""
    from lkctl.checks.result import Status

    results = [Result(n, "a", n, Severity.fail, Status.fail, "bad", "", "", 1, code=n) for n in failing]
    return Report("diagnose", "", datetime.now(UTC), 1, tuple(results))


NEEDED = [
    pytest.param("+++", ["a.c2"], ["a.c2"], 0, id="what is needed passes, and is not shown"),
    pytest.param("-++", ["a.c2"], ["a.c0", "a.c2"], 1, id="what is needed failed, and is shown"),
    pytest.param("+-+", ["a.c1"], ["a.c1"], 1, id="it failed itself"),
    pytest.param("+++", None, ["a.c0", "a.c1", "a.c2"], 0, id="all"),
]


@pytest.mark.parametrize(("probes", "only", "shown", "exit_code"), NEEDED)
def test_a_part_of_the_checks(probes: str, only: list[str] | None, shown: list[str], exit_code: int) -> None:
    """A part never stands on sand: what it needs is judged, too, and a failure there is the answer."""
    found = examine("diagnose", world_of({}), plan(of(*probes), only))
    assert ([result.id for result in found.results], found.exit_code) == (shown, exit_code)


def test_what_was_made_is_removed_at_the_end() -> None:
    """Also by a check that is stuck, and also where ^C comes while results are awaited."""
    for interrupted in (False, True):
        made, gate, removed = threading.Event(), threading.Event(), list[str]()
        world = replace(world_of({}), timeout=0.3)

        def stuck(
            world: World, made: threading.Event = made, gate: threading.Event = gate, removed: list[str] = removed
        ) -> str:
            with world.leftovers.undone(lambda: removed.append("room")):
                made.set()
                gate.wait(10)
            return "late"

        def watch(
            results: Iterator[Result], interrupted: bool = interrupted, made: threading.Event = made
        ) -> Iterator[Result]:
            yield next(results)
            assert made.wait(5)
            if interrupted:
                raise KeyboardInterrupt
            yield from results

        checks = plan((Check("a.a", "it is", fine), Check("a.b", "it is", stuck)))
        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                examine("diagnose", world, checks, watch)  # type: ignore[arg-type]
        else:
            assert examine("diagnose", world, checks, watch).exit_code == 1  # type: ignore[arg-type]
        assert removed == ["room"]
        gate.set()


class Held:
    """Something that must be gone when nobody holds it."""


def test_nothing_stays_open_at_the_end() -> None:
    """What was opened is closed, and a failure that was kept holds nothing: without the garbage collector's help."""
    here, there = socket.socketpair()
    there.settimeout(5)
    held = list[weakref.ref[Held]]()

    def fail() -> str:
        opened = Held()
        held.append(weakref.ref(opened))
        raise LkctlError("net-refused", "bad")

    def probe(world: World) -> str:
        world.memory.once("net.connections", lambda: here)
        return world.memory.once("room", fail)

    gc.disable()
    try:
        examine("diagnose", world_of({}), plan((Check("a.a", "it is", probe), Check("a.b", "it is", probe))))
        assert there.recv(1) == b""
        wait_until = time.monotonic() + 5
        while held[0]() is not None and time.monotonic() < wait_until:  # the check's thread may not be over yet
            time.sleep(0.01)
        assert held[0]() is None
    finally:
        gc.enable()
        there.close()


def test_until_green(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many runs as it takes; each red one is told."""
    monkeypatch.setattr("lkctl.scenarios.examination._PAUSE", 0.01)
    runs, told = iter([report("a"), report("b"), report()]), list[str]()
    last = examine_until_green(lambda: next(runs), 10, lambda one, _: told.append(one.failures[0].id))
    assert (last.failures, told) == ((), ["a", "b"])


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_the_time_is_up(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last report stands; without time there is one run."""
    monkeypatch.setattr("lkctl.scenarios.examination._PAUSE", 0.01)
    runs = list[int]()

    def once() -> Report:
        runs.append(1)
        return report("a")

    assert examine_until_green(once, seconds, lambda _, __: None).exit_code == 1
    assert (len(runs) == 1) == (not seconds)


def test_changes_of_the_verdict() -> None:
    """The first, and then where verdict or cause is another."""
    runs = iter([report(), report(), report("a"), report("a", "b"), report("b"), report()])
    seen = [one and [failure.id for failure in one.failures] for one in _all(verdict_changes(lambda: next(runs), 0.0))]
    assert seen == [[], None, ["a"], None, ["b"], []]


def _all(changes: Iterator[Report | None]) -> Iterator[Report | None]:
    """Give what comes until there are no more runs: a StopIteration inside a generator is a RuntimeError."""
    while True:
        try:
            yield next(changes)
        except RuntimeError:
            return

"""What a check made is removed, whatever becomes of the check and of the run."""

import threading
import time

import pytest

from lkctl.checks.leftovers import Leftovers
from lkctl.errors import LkctlError


def test_undone_where_the_block_ends() -> None:
    """Once, also when it fails; the run has nothing left to do."""
    leftovers, done = Leftovers(), list[str]()
    with leftovers.undone(lambda: done.append("a")):
        assert done == []
    with pytest.raises(ValueError, match="broken"), leftovers.undone(lambda: done.append("b")):
        raise ValueError("broken")
    assert done == ["a", "b"]
    leftovers.clear()
    assert done == ["a", "b"]


def test_what_a_stuck_check_made_is_undone_by_the_run() -> None:
    """And not a second time when the check comes to life after all."""
    leftovers, done = Leftovers(), list[str]()
    made, gate = threading.Event(), threading.Event()

    def stuck() -> None:
        with leftovers.undone(lambda: done.append("room")):
            made.set()
            gate.wait(10)

    thread = threading.Thread(target=stuck, daemon=True)
    thread.start()
    assert made.wait(5)
    leftovers.clear()
    assert done == ["room"]
    gate.set()
    thread.join(5)
    assert done == ["room"]


def test_nothing_is_made_after_the_end() -> None:
    """A thread that was left behind cannot make anything any more."""
    leftovers = Leftovers()
    leftovers.clear()
    with pytest.raises(LkctlError, match="the run is over"), leftovers.undone(lambda: None):
        pytest.fail("it was made")


def test_one_that_fails_does_not_keep_the_others() -> None:
    """All are undone at the same time."""
    leftovers, done = Leftovers(), list[str]()
    barrier = threading.Barrier(2, timeout=3)

    def undo(name: str) -> None:
        barrier.wait()
        done.append(name)

    blocks = [leftovers.undone(lambda: 1 / 0), leftovers.undone(lambda: undo("a")), leftovers.undone(lambda: undo("b"))]
    for block in blocks:
        block.__enter__()
    started = time.monotonic()
    leftovers.clear()
    assert sorted(done) == ["a", "b"]
    assert time.monotonic() - started < 3

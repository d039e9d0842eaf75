"""Work of several threads: in order, bounded, ended."""

import threading
import time
from itertools import islice

import pytest

from lkctl.scenarios.threads import in_order


@pytest.mark.parametrize("threads", [1, 3, 32])
@pytest.mark.parametrize("count", [0, 1, 2, 200])
def test_the_order_is_that_of_the_work(count: int, threads: int) -> None:
    """However long each piece takes."""

    def double(number: int) -> int:
        time.sleep(0.001 * (7 - number % 7))
        return 2 * number

    found = [one for one in in_order(double, range(count), threads) if one is not None]
    assert found == [2 * number for number in range(count)]


def test_it_is_done_at_the_same_time() -> None:
    """As many pieces as there are threads."""
    together = threading.Barrier(8)
    assert list(in_order(lambda _: together.wait(10) >= 0, range(8), 8)) == [True] * 8


def test_not_more_is_done_than_somebody_takes() -> None:
    """Memory is bounded: who reads slowly holds the work up."""
    begun: list[int] = []
    results = in_order(begun.append, range(1000), 2)
    list(islice(results, 3))
    time.sleep(0.3)
    assert len(begun) <= 3 + 2 * 4
    results.close()


def test_an_error_is_raised_in_its_turn() -> None:
    """After the results before it; and nothing more is begun."""
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise ValueError(number)
        return number

    results = in_order(work, range(1000), 2)
    assert list(islice(results, 5)) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="5"):
        next(results)
    time.sleep(0.1)
    so_far = len(begun)
    time.sleep(0.2)
    assert len(begun) == so_far < 1000


def test_who_stops_early_ends_the_work() -> None:
    """No thread is left after the pieces that were begun."""
    before = threading.active_count()
    results = in_order(lambda number: number, range(10_000), 4)
    next(results)
    results.close()
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= before

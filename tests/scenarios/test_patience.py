"""How many calls are let through at once."""

import threading
import time

import pytest

from lkctl.scenarios.patience import Throttle


def test_not_more_than_the_limit() -> None:
    """Of nine threads that want one, three are let through at a time."""
    throttle, now, most = Throttle(3), [0], [0]
    lock = threading.Lock()

    def call() -> None:
        with throttle.take(1):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.02)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=call) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most[0] == 3


@pytest.mark.parametrize(("limit", "wanted", "given"), [(8, 5, 5), (8, 20, 8), (1, 3, 1)])
def test_some_at_a_time(limit: int, wanted: int, given: int) -> None:
    """Who wants many gets what is free."""
    with Throttle(limit).take(wanted) as count:
        assert count == given


def test_half_as_many_after_a_refusal() -> None:
    """Down to one; the refusals of calls that were under way together count once; answers bring it back."""
    throttle = Throttle(32)
    begun = time.monotonic()
    for _ in range(5):
        throttle.refused(begun)
    assert throttle.limit == 16
    for _ in range(10):
        throttle.refused(time.monotonic())
    assert throttle.limit == 1
    for _ in range(1000):
        throttle.answered(1)
    assert throttle.limit == 32

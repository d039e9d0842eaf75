"""Rates: so many at once, then so many a second."""

import pytest

from lkctl.agents.serve.limits import Bucket, Rate

TABLE = [
    pytest.param([0, 0, 0, 0], [True, True, True, False], id="the burst, and no more"),
    pytest.param([0, 0, 0, 0.4, 0.5], [True, True, True, False, True], id="then as many as the time gives"),
    pytest.param([0, 0, 0, 100, 100, 100, 100], [True] * 6 + [False], id="a long rest gives no more than the burst"),
    pytest.param([5, 4, 3, 2], [True, True, True, False], id="a clock that goes back gives nothing"),
    pytest.param(
        [0, 0, 0, 0.25, 0.5, 0.75, 1.0], [True, True, True, False, True, False, True], id="asking costs nothing"
    ),
]


@pytest.mark.parametrize(("times", "expected"), TABLE)
def test_bucket(times: list[float], expected: list[bool]) -> None:
    """Three at once, and two a second."""
    bucket = Bucket(Rate(3, 2), times[0])
    assert [bucket.take(now) for now in times] == expected

"""What the way to a server says of the time that it had."""

import pytest

from lkctl.server.deadline import Deadline
from lkctl.server.link import late


@pytest.mark.parametrize(
    ("seconds", "said"), [(10.0, "10 s"), (4.07408, "4.07 s"), (0.5, "0.5 s"), (3600.0, "3600 s"), (0.01, "0.01 s")]
)
def test_a_time_limit_is_told_in_few_digits(seconds: float, said: str) -> None:
    """What is left of the whole has many of them."""
    assert late("the answer", Deadline(seconds)).message == f"the answer did not come within {said}"

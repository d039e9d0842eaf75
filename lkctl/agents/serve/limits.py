"""How much is taken: from one connection, and from all of them together."""

from typing import NamedTuple

FIRST_WITHIN = 10.0  # seconds from connecting until connection_info is there
HEARTBEAT = 15.0  # seconds between two pings; a client that does not answer one within half of it is gone
SEND_WITHIN = 5.0  # seconds for a message to be taken over by the connection
MOST_WAITING = 512  # connections without a session; each costs some 30 KiB


class Rate(NamedTuple):
    """So many at once, and then so many a second."""

    burst: float
    per_second: float


MESSAGES = Rate(20, 5)  # of one connection
CONNECTIONS = Rate(300, 50)  # of all clients together that may come in
SESSIONS = Rate(200, 20)
REMARKS = Rate(50, 10)  # lines about refusals; more are counted, and told with the next one


class Bucket:
    """Says whether one more is within a rate; `now` is any clock in seconds that does not go back."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._left = rate.burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        gained = max(0.0, now - self._at) * self._rate.per_second
        self._left = min(self._rate.burst, self._left + gained)
        self._at = max(self._at, now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

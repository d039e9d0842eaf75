"""One call of the server's API: signed, bounded in time, its failure explained down to the cause."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any

from lkctl.errors import LkctlError
from lkctl.server.answers import OK, UNAUTHORIZED, clock_skew, read_reply, twirp_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Connections, Request
from lkctl.settings.layers import Target
from lkctl.settings.shape import Pair
from lkctl.tokens.signer import api_token

_PATH = "/twirp/livekit."
_SMALL = 4096  # bytes of an answer that may be kept
_READS = ("List", "Get")  # what the methods begin with that change nothing
_TOKEN_TTL = 5  # seconds; the server's leeway of 60 comes on top, so that clocks may be a minute apart, as for SDKs


class Twirp:
    """Calls one server with one set of credentials.

    All calls together end within `timeout` seconds from the first. `wait` opens a sign of life around each call,
    `trace` is told of it. `others` gives pairs that may be meant, given whether the server knows the key.
    """

    def __init__(
        self,
        target: Target,
        *,
        timeout: float,
        trace: Callable[[str], None] | None = None,
        wait: Callable[[str], AbstractContextManager[object]] = nullcontext,
        clock: Callable[[], float] = time.time,
        connections: Connections | None = None,
        others: Callable[[bool], Iterable[Pair]] = lambda _: (),
    ) -> None:
        self.target = target
        self.url = target.url
        self._timeout = timeout
        self._deadline: Deadline | None = None
        self._trace = trace
        self._others = others
        self._wait = wait
        self._clock = clock
        self._connections = connections or Connections(target.url)
        self._awaited = f"waiting for {self.url.http}"
        self._told: Answer | None = None

    @property
    def now(self) -> float:
        """Seconds since the epoch by the server's clock, within half a second; by ours until it has told its own."""
        return self._clock() + ((self._told and clock_skew(self._told)) or 0.0)

    def renewed(self) -> "Twirp":
        """Give the same with its time before it."""
        same = copy(self)
        same._deadline = None  # noqa: SLF001  (it is one of us)
        return same

    def quiet(self) -> "Twirp":
        """Give the same, within the same time, without signs of life of its own: for calls of many threads."""
        same = copy(self)
        same._wait = nullcontext  # noqa: SLF001
        return same

    def bounded(self, seconds: float, *, quiet: bool = True) -> "Twirp":
        """Give the same for one look of many: with `seconds` before it, and no sign of life of its own if `quiet`."""
        same = (self.quiet() if quiet else self).renewed()
        same._timeout = seconds  # noqa: SLF001
        return same

    @property
    def deadline(self) -> Deadline:
        """By when all calls have ended."""
        self._deadline = self._deadline or Deadline(self._timeout)
        return self._deadline

    def close(self) -> None:
        """Hang up; calls that are under way in other threads end, and none can follow."""
        self._connections.close()

    def call(self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method, such as RoomService/ListRooms, with a token of these video grants; give the reply."""
        deadline = self.deadline
        request = self._request(method, body, grants, self.target.credentials.pair)
        with self._wait(self._awaited):
            answer = self._connections.exchange(request, deadline, self._trace)
        return self._reply(answer, deadline)

    def call_all(
        self, method: str, calls: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
    ) -> list[Mapping[str, Any] | LkctlError]:
        """Make calls of one method at the same time, each with its body and grants; give reply or error of each."""
        deadline = self.deadline
        pair = self.target.credentials.pair
        requests = [self._request(method, body, grants, pair) for body, grants in calls]
        with self._wait(self._awaited):
            outcomes = self._connections.exchange_all(requests, deadline, self._trace)
        return [one if isinstance(one, LkctlError) else self._reply_or_error(one, deadline) for one in outcomes]

    def _request(self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any], pair: Pair) -> Request:
        now = self._clock() if grants else self.now  # an experiment, without grants, is dated by the server's clock
        token = api_token(pair.key, pair.secret, grants, now, _TOKEN_TTL)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        reads = method.partition("/")[2].startswith(_READS)
        return Request("POST", _PATH + method, headers, json.dumps(body).encode(), repeatable=reads)

    def _reply(self, answer: Answer, deadline: Deadline) -> Mapping[str, Any]:
        self._told = answer if len(answer.body) < _SMALL else answer.without_body()
        if answer.status == UNAUTHORIZED and not twirp_error(answer):
            raise self._explain(answer, deadline)
        return read_reply(answer, self.url)

    def _reply_or_error(self, answer: Answer, deadline: Deadline) -> Mapping[str, Any] | LkctlError:
        try:
            return self._reply(answer, deadline)
        except LkctlError as error:
            return error

    def _explain(self, answer: Answer, deadline: Deadline) -> LkctlError:
        """Find out by experiment which one cause stands behind a 401."""
        from lkctl.server.experiments import explain

        return explain(self.target, answer, lambda pair: self._knows(pair, deadline), self._others)

    def _knows(self, pair: Pair, deadline: Deadline) -> bool | None:
        """Tell whether the server takes key and secret: of a token without any grant it then denies the call.

        None where it gave no judgement. What is tried here, maybe the pair of another project, is so of no use to
        whoever reads it on the way.
        """
        request = self._request("RoomService/ListRooms", {"names": ["-"]}, {}, pair)
        try:
            answer = self._connections.exchange(request, deadline, self._trace)
        except LkctlError:  # the first answer stands
            return None
        error = twirp_error(answer)
        if answer.status == OK or (error is not None and error[0] == "unauthenticated"):
            return True
        return False if answer.status == UNAUTHORIZED else None

"""One call of the server's API: signed, bounded in time, its failure explained down to the cause."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lkctl.errors import LkctlError
from lkctl.server.answers import OK, UNAUTHORIZED, read_reply, twirp_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Request, traced
from lkctl.server.refusal import Refusal, Refused, mistaken, read_refusal, refused
from lkctl.settings.layers import Target
from lkctl.settings.shape import Pair, likely_meant
from lkctl.tokens.signer import api_token

_PATH = "/twirp/livekit."
_TOKEN_TTL = 5  # seconds; the server's leeway of 60 comes on top, so that clocks may be a minute apart, as for SDKs


class Twirp:
    """Calls one server with one set of credentials.

    All calls together end within `timeout` seconds from the first. `wait` opens a sign of life around each call,
    `trace` is told of it.
    """

    def __init__(
        self,
        target: Target,
        *,
        timeout: float,
        trace: Callable[[str], None] | None = None,
        wait: Callable[[str], AbstractContextManager[object]] = nullcontext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.target = target
        self.url = target.url
        self._timeout = timeout
        self._deadline: Deadline | None = None
        self._trace = trace
        self._wait = wait
        self._clock = clock

    def renewed(self) -> "Twirp":
        """Give the same with its time before it."""
        return Twirp(self.target, timeout=self._timeout, trace=self._trace, wait=self._wait, clock=self._clock)

    def call(self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method, such as RoomService/ListRooms, with a token of these video grants; give the reply."""
        pair = self.target.credentials.pair
        self._deadline = deadline = self._deadline or Deadline(self._timeout)
        with self._wait(f"waiting for {self.url.http}"):
            answer = self._post(method, body, grants, pair, deadline)
        if answer.status == UNAUTHORIZED and not twirp_error(answer):
            raise self._explain(read_refusal(answer.text), answer, pair, deadline)
        return read_reply(answer, self.url)

    def _post(
        self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any], pair: Pair, deadline: Deadline
    ) -> Answer:
        token = api_token(pair.key, pair.secret, grants, self._clock(), _TOKEN_TTL)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request("POST", _PATH + method, headers, json.dumps(body).encode())
        return traced(self.url, request, deadline, self._trace)

    def _explain(self, refusal: Refusal, answer: Answer, pair: Pair, deadline: Deadline) -> LkctlError:
        """Find out by experiment which one cause stands behind a 401."""
        if refusal.why in {Refused.key, Refused.signature}:
            for meant in likely_meant(pair.key, pair.secret):
                if self._accepts(meant, deadline):
                    return mistaken(self.target, meant)
        return refused(self.target, refusal, answer)

    def _accepts(self, pair: Pair, deadline: Deadline) -> bool:
        try:
            return (
                self._post("RoomService/ListRooms", {"names": ["-"]}, {"roomList": True}, pair, deadline).status == OK
            )
        except LkctlError:  # the first answer stands
            return False

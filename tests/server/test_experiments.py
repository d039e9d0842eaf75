"""Experiments on a refusal: how many there are, what they carry, what ends them. (Their outcomes: tests/live.)"""

import base64
import json
import threading
import time

import pytest

from lkctl.errors import LkctlError
from lkctl.secret import Secret
from lkctl.server.api import Api
from lkctl.server.experiments import MistakenError
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.shape import Pair
from lkctl.settings.url import parse_url
from tests import fakes

KEY, SECRET = "APIx7Kp2mQ9rTz4", "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"
OTHERS = [Pair(f"the pair of .env.{number}:3", f"APIother{number:04}", f"{number:043}") for number in range(50)]
DENIED = b'{"code":"unauthenticated","msg":"permissions denied"}'


class Judge:
    """A server that knows one key, or none, and keeps what it was asked."""

    def __init__(self, refusal: bytes, known: str = "", pause: float = 0.0) -> None:
        self.claims: list[dict[str, object]] = []
        self._refusal, self._known, self._pause = refusal, known, pause
        self._lock = threading.Lock()

    def __call__(self, request: bytes) -> bytes:
        token = request.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode()
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        with self._lock:
            self.claims.append(claims)
        time.sleep(self._pause)
        body = DENIED if claims["iss"] == self._known else self._refusal
        head = f"HTTP/1.1 401 Unauthorized\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n\r\n"
        return head.encode() + body


def ask(judge: Judge, *, timeout: float = 10.0, secret: str = SECRET) -> LkctlError:
    """Make a call that is refused, and give the error."""
    with fakes.serving(fakes.conversation(judge)) as port:
        credentials = Credentials(KEY, Secret(secret), ".env:2", ".env:3")
        target = Target(parse_url(f"ws://127.0.0.1:{port}"), credentials)
        with pytest.raises(LkctlError) as refused:
            Api(Twirp(target, timeout=timeout, others=lambda _: OTHERS)).list_rooms(["-"])
    return refused.value


def test_there_are_not_many() -> None:
    """However many pairs lie around; and all that was tried is told."""
    judge = Judge(b"invalid API key")
    error = ask(judge)
    assert error.code == "auth-key"
    assert len(judge.claims) == 1 + 16
    assert sum("the pair of" in said for said in error.proof[1]) == 15


def test_they_carry_no_grant() -> None:
    """What is tried may be of another project: of no use to who reads it. The call itself has its grant."""
    judge = Judge(b"invalid API key")
    ask(judge)
    assert [claims["video"] for claims in judge.claims] == [{"roomList": True}, *[{}] * 16]
    assert {claims["iss"] for claims in judge.claims} >= {KEY, "devkey", OTHERS[0].key}


def test_the_first_that_fits_ends_them() -> None:
    """A call that is denied for want of a grant has passed key and secret."""
    judge = Judge(b"invalid API key", known=OTHERS[3].key)
    error = ask(judge)
    assert isinstance(error, MistakenError)
    assert (error.code, error.meant, error.key_known) == ("auth-other-pair", OTHERS[3].name, False)
    assert judge.claims[-1]["iss"] == OTHERS[3].key
    assert OTHERS[3].secret not in f"{error.message} {error.hint} {error.proof}"


def test_a_slow_server_ends_them() -> None:
    """All together have the time of the call; the refusal stands."""
    started = time.monotonic()
    error = ask(Judge(b"invalid API key", pause=0.3), timeout=1.0)
    assert (error.code, time.monotonic() - started < 3) == ("auth-key", True)
    assert sum("the pair of" in said for said in error.proof[1]) < 5, "what was not answered is not ruled out"


OTHER_REFUSALS = [
    pytest.param(b"invalid token: x, error: token signature is invalid: signature is invalid", "auth-secret", True),
    pytest.param(b"permissions denied", "auth-refused", False),
    pytest.param(b"go away \x1b[31m" + b"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln", "auth-refused", False),
]


@pytest.mark.parametrize(("refusal", "code", "tries"), OTHER_REFUSALS)
def test_what_is_worth_a_try(refusal: bytes, code: str, tries: bool) -> None:
    """Only where key or secret are in question."""
    judge = Judge(refusal)
    error = ask(judge)
    assert (error.code, len(judge.claims) > 1) == (code, tries)
    assert "eyJhbGci" not in error.message


def test_a_slow_clock_is_no_reason_to_try_others() -> None:
    """The times are judged last: key and secret are good."""
    judge = Judge(b"invalid token: x, error: token has invalid claims: token is expired")
    error = ask(judge)
    assert (error.code, [claims["iss"] for claims in judge.claims]) == ("auth-clock", [KEY, KEY])

"""The prediction against the real server, for tokens that nobody thought of.

Each generated token goes to GET /rtc/validate; what is foreseen must be what comes: accepted or not, the status, and
the reason word for word (but for the words of protobuf's reader, which change from build to build on purpose). What is
no JWT here must be refused there.

300 tokens by default, the same ones each time. For more, or for others:

    LKCTL_CASES=20000 LKCTL_SEED=7 pytest tests/tokens/test_differential.py

A failure names the twists and the number of the token: `make_case(seed, number, key, secret, now)` makes it again.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.settings.shape import Pair
from lkctl.tokens.decoding import decode
from lkctl.tokens.judge import Join
from tests.tokens.door import Door, kind
from tests.tokens.forge import KEY, NOW, PAIR, SECRET
from tests.tokens.generator import Case, make_case

CASES = int(os.environ.get("LKCTL_CASES", "300"))
SEED = int(os.environ.get("LKCTL_SEED", "20261121"))
SLICE = 100
NO_JWT = Join(accepted=False)  # it is told as an error, L01, and no answer is foreseen word for word


@pytest.fixture
def door(livekit_server: LocalServer) -> Iterator[Door]:
    """Ask the server under test."""
    door = Door(livekit_server.http_url)
    yield door
    door.close()


def foresee(token: str, pair: Pair, now: float) -> Join:
    """Give the prediction."""
    try:
        return decode(token, pair, now=now).join
    except LkctlError as error:
        if error.code != "L01":
            raise
        return NO_JWT


def disagreement(case: Case, join: Join, status: int, reason: str) -> str:
    """Tell where prediction and server part; "" where they agree."""
    if join.status is None:  # no JWT at all, or one of a key that we have no secret of: refused, whatever the reason
        agree = status in {401, 431}
    else:
        agree = (join.accepted, join.status, kind(join.reason)) == (status == 200, status, kind(reason))
    return "" if agree else f"{case.twists}\n  foreseen {join}\n  answered {status} {reason[:300]}"


@pytest.mark.live
@pytest.mark.parametrize("start", range(0, CASES, SLICE))
def test_foreseen(start: int, livekit_server: LocalServer, door: Door) -> None:
    """Every token of this slice is judged as the server judges it."""
    pair = Pair("", livekit_server.key, livekit_server.secret.reveal())
    parted = {}
    for number in range(start, min(start + SLICE, CASES)):
        now = time.time()
        case = make_case(SEED, number, pair.key, pair.secret, int(now))
        join = foresee(case.token, pair, now)
        parted[number] = disagreement(case, join, *door.ask(case.token))
    told = "\n".join(f"{number}: {text}" for number, text in parted.items() if text)
    assert not told, f"seed {SEED}\n{told}"


def test_the_tokens_are_of_every_kind() -> None:
    """Of two thousand, a good part is taken, and each way to be refused comes up more than once."""
    made = [make_case(SEED, number, KEY, SECRET, NOW).token for number in range(2000)]
    assert len(set(made)) > 1700
    joins = [foresee(token, PAIR, NOW) for token in made]
    assert joins.count(Join()) < 120
    assert joins.count(NO_JWT) < 300
    reasons = Counter(kind(join.reason) for join in joins)
    assert 600 < reasons["success"] < 1400
    assert len(reasons) > 50
    for part in (
        "invalid authorization token",
        "invalid API key: ",
        "signature is invalid",
        "signing method",
        "token is expired",
        "token is not valid yet",
        "could not JSON decode claim: json: ",
        "no permissions to access the room",
        "permissions denied",
        "identity cannot be empty",
        "identity length exceeds",
        "no room name",
        "room name length exceeds",
    ):
        assert sum(count for reason, count in reasons.items() if part in reason) > 1, part


def test_the_same_seed_makes_the_same_tokens() -> None:
    """A failure can be looked at again."""
    assert make_case(1, 2, KEY, SECRET, NOW) == make_case(1, 2, KEY, SECRET, NOW)
    assert make_case(1, 2, KEY, SECRET, NOW) != make_case(2, 2, KEY, SECRET, NOW)

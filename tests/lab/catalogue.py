"""All 84 failures: those that can be set up on one machine, and those that cannot."""

from tests.lab.case import Absent, Case
from tests.lab.cases import agents, code, media, network, rooms, serverfile, tokens

ALL = 84
_LISTS = (tokens.CASES, network.CASES, serverfile.CASES, media.CASES, rooms.CASES, agents.CASES, code.CASES)
CASES: tuple[Case, ...] = tuple(sorted((case for cases in _LISTS for case in cases), key=lambda case: case.number))
ABSENT = (
    Absent(
        82,
        "inference credits are used up",
        "LiveKit Cloud alone counts inference credits; the agent sees the refusal, the API of the server does not",
        "https://github.com/livekit/agents/issues/6009",
    ),
    Absent(
        83,
        "a webhook's body is changed before it is verified",
        "diagnose receives no webhooks; `lkctl webhook verify` names this cause, see tests/webhooks",
        "https://github.com/livekit/protocol/issues/1145",
    ),
)

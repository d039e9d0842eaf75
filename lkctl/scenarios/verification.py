"""A token held against what it must be, and against a real server."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lkctl.errors import LkctlError
from lkctl.tokens.decoding import Decoded
from lkctl.tokens.expectations import Expectation, Wishes, hold, proven
from lkctl.tokens.findings import Severity

if TYPE_CHECKING:  # what asks no server loads nothing of the network
    from lkctl.server.validate import Verdict


class Judge(Protocol):
    """Decodes the token in question, by a clock that is `ahead` seconds ahead, given what else is known of it."""

    def __call__(self, *, ahead: float = 0.0, strict_key: bool = True, room_live: bool | None = None) -> Decoded:
        """Give the decoded token; raise `L01` where it is none."""


class Server(NamedTuple):
    """How to ask the server: about the token; whether a room is open, which needs credentials, so it may be None.

    `ask` gives None where the token cannot be sent.
    """

    ask: "Callable[[], Verdict | None]"
    is_open: Callable[[str], bool] | None


class Verification(NamedTuple):
    """What came of it. `verdict` is the server's, None where it was not asked; `evidence` explains it.

    `as_predicted`: whether the server said what was foreseen; None where nothing was.
    """

    decoded: Decoded
    expectations: tuple[Expectation, ...]
    verdict: "Verdict | None" = None
    as_predicted: bool | None = None
    evidence: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether all expectations are met."""
        return all(expectation.met for expectation in self.expectations)

    def good(self, fail_on: Severity) -> bool:
        """Whether the token is all that it must be, valid, and without a finding of this severity or a worse one."""
        return self.met and self.decoded.passes(fail_on)


def verify(judge: Judge, wishes: Wishes, missing: str, server: Server | None) -> Verification:
    """Decode a token, ask the server where there is one, and hold it against the wishes.

    `missing` says why there is no secret. Raises `L01`, and LkctlError (net- …) where the server gives no judgement.
    """
    decoded = judge()
    if server is not None:
        return _verify_there(decoded, judge, wishes, missing, server)
    return Verification(decoded, (proven(decoded, missing, accepted=False), *hold(decoded, wishes)))


def _verify_there(decoded: Decoded, judge: Judge, wishes: Wishes, missing: str, server: Server) -> Verification:
    from lkctl.scenarios.evidence import explain, is_as_predicted

    verdict = server.ask()
    accepted = verdict is not None and verdict.accepted
    live, unknown = _look_for_room(decoded, server) if accepted else (None, ())
    if accepted:  # so the server knows the key, whatever is configured here
        decoded = judge(strict_key=False, room_live=live)
    expectations = (proven(decoded, missing, accepted=accepted), _taken(verdict), *hold(decoded, wishes))
    if verdict is None:
        return Verification(decoded, expectations)
    evidence = (*explain(verdict, decoded, judge), *unknown)
    return Verification(decoded, expectations, verdict, is_as_predicted(verdict, decoded), evidence)


def _taken(verdict: "Verdict | None") -> Expectation:
    expected = "the server accepts it"
    if verdict is None:
        return Expectation(expected, met=False, found="not asked: it holds characters that no HTTP header can carry")
    said = f"{verdict.status} {verdict.reason}".strip()
    return Expectation(expected, verdict.accepted, said if verdict.accepted else f"{said} ({verdict.code})")


def _look_for_room(decoded: Decoded, server: Server) -> tuple[bool | None, tuple[str, ...]]:
    """Tell whether the room that the token would configure is open; best effort, or why that is not known."""
    configures = decoded.reading.values.keys() & {"roomConfig", "roomPreset"}
    if not configures or server.is_open is None:
        return None, ()
    room = decoded.reading.room
    try:
        return server.is_open(room), ()
    except LkctlError as error:
        return None, (f"whether room {room} is open already is not known: {error.message}",)

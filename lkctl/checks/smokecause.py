"""Why a step of `lkctl smoke` failed although all that it rests on had passed. Loaded only then."""

from collections.abc import Sequence

from lkctl.checks.inquiry import fingerprint
from lkctl.checks.result import Problem
from lkctl.checks.roomsight import api_of, see_room_again
from lkctl.checks.smokestay import stay_of
from lkctl.checks.world import World
from lkctl.errors import ExitCode, LkctlError
from lkctl.secret import scrub
from lkctl.server.refusal import Refused
from lkctl.server.validate import Verdict
from lkctl.tokens.document import shown

_SLOW = 0.5  # seconds for one answer
_SEVERAL = (
    "Is there more than one server behind the URL? The nodes of a cluster need one Redis, else each has its own rooms"
)
_BROKEN_OFF = "breaks the join off"
_UNHEARD = "a message of "  # that did not come on a WebSocket
_AGAIN, _ENOUGH = 1.0, 2.0  # seconds for asking once more; and with less than that for a step, time is the cause
_CODES: dict[str, str] = {
    Refused.key: "auth-key",
    Refused.signature: "auth-secret",
    Refused.node_full: "server-limit",
    Refused.room_missing: "room-missing",
}


def explain(world: World, error: LkctlError, later: Sequence[str]) -> Problem:
    """Make the problem of what a step failed with; `later` are the ids of the steps that fail for the same reason."""
    if error.exit_code is ExitCode.UNREACHABLE:
        return _lost(world, error, later)
    if error.code == "server-error" and _BROKEN_OFF in error.message:
        return _full(world) or _plain(error)
    return _plain(error)


def refused(verdict: Verdict) -> Problem:
    """Make the problem of a token that the server does not take, though its API takes key and secret."""
    said = f"{verdict.url} refuses the token that it was minted for: {verdict.status} {scrub(verdict.reason)}"
    code = _CODES.get(verdict.code, "auth-refused")
    if verdict.code == Refused.node_full:
        hint = "Raise limit.num_tracks or limit.bytes_per_sec in livekit.yaml, or add a node"
        return Problem(said, hint=hint, code=code, ruled_out=("max_participants: the room is empty",))
    ruled_out = ("key, secret and clock: the API has just taken them (api.auth)",)
    hint = _SEVERAL if verdict.code == Refused.room_missing else "Does a proxy lead /rtc to another server than /twirp?"
    return Problem(said, hint=hint, code=code, ruled_out=ruled_out)


def missing(room: str, said: str) -> Problem:
    """Make the problem of what was made and is not listed."""
    return Problem(f"{said} (room {shown(room)})", hint=_SEVERAL, code="room-missing", explains=("smoke.resolve",))


def _lost(world: World, error: LkctlError, later: Sequence[str]) -> Problem:
    """The server was there when the run began: it is gone, or too slow, or something between is in the way."""
    first = fingerprint(world)
    spent = first.answered_at - first.sent_at
    before = (
        f"it answered when the run began, after {spent:.1f} s" if spent >= _SLOW else "it answered when the run began"
    )
    if error.code == "net-timeout" and (spent >= _SLOW or world.timeout < _ENOUGH):
        hint = f"Give more time: --timeout {world.timeout * 3:g}s; and what is slow, the server or a proxy before it?"
        return Problem(
            f"the server is too slow for {world.timeout:g} s: {error.message}", hint=hint, code=error.code,
            evidence=(before,), explains=later,
        )  # fmt: skip
    if _answers(world):
        said, hint = _between(error)
        seen = ("the server answers calls of its API, asked once more after that",)
        return Problem(said, hint=hint, code=error.code, evidence=seen, explains=later)
    hint = f"Did it crash or was it started anew? Look into its log. {error.hint}"
    said = f"the server went away during the run: {error.message}"
    return Problem(said, hint=hint, code=error.code, evidence=(before,), explains=later)


def _answers(world: World) -> bool:
    """Whether the API answers, asked once more."""
    try:
        api_of(world).bounded(_AGAIN).find_room("-")
    except LkctlError:
        return False
    return True


def _between(error: LkctlError) -> tuple[str, str]:
    if error.message.startswith(_UNHEARD):
        said = f"the server is there, and nothing comes over the WebSocket after the upgrade: {error.message}"
        return said, "A proxy in between lets the upgrade through and holds the data back: have it pass /rtc unbuffered"
    hint = "Was the server started anew, or does a proxy close connections? Look into their logs, and run it again"
    return f"the connection broke off, and the server is there: {error.message}", hint


def _full(world: World) -> Problem | None:
    """Whether the room has no place; None where it has one, or cannot be looked at."""
    stay = stay_of(world)
    try:
        sight = see_room_again(world, stay.room)
    except LkctlError:
        return None
    if sight.room is None or not sight.full:
        return None
    most = sight.room.max_participants
    who = ", ".join(shown(one.identity) for one in sight.people[:3])
    said = f"nobody can join: the room is full, {sight.taken} of {most} (max_participants)"
    hint = "Raise room.max_participants in livekit.yaml; and who joins rooms that are none of his?"
    return Problem(
        said, hint=hint, code="server-limit", evidence=(f"in it: {who}",), ruled_out=("the token: the server takes it",)
    )


def _plain(error: LkctlError) -> Problem:
    return Problem(error.message, hint=error.hint, code=error.code, evidence=error.proof[0], ruled_out=error.proof[1])

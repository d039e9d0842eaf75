"""The checks of media, in the order in which they are reported."""

from lkctl.checks.media.candidates import judge_candidates
from lkctl.checks.media.flow import STEP, judge_connection, judge_publishing, judge_reconnection, judge_relaying
from lkctl.checks.media.paths import judge_tcp, judge_udp
from lkctl.checks.media.relays import judge_stun, judge_turn, judge_turn_tls
from lkctl.checks.media.visit import LONGEST, sight_of
from lkctl.checks.result import Check, Finding, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World

_TRIES = 12.0  # seconds, for what is tried to tell causes apart


def judge_signal(world: World) -> str:
    """A hidden participant joins a throw-away room on the signal connection; told is what the server says of itself.

    The room has a random name, calls no agent, and is removed afterwards; webhooks tell of it. With --join-with-token
    the given token is used, in its own room: whoever is in there under its identity is thrown out.
    """
    sight = sight_of(world)
    visit = sight.visit
    about = (
        f"livekit-server {visit.version or 'of an unknown version'}", visit.edition,
        visit.region and f"region {visit.region}", visit.node and f"node {visit.node}",
    )  # fmt: skip
    said = f"joined in {visit.seconds * 1000:.0f} ms: {', '.join(filter(None, about))}"
    if world.scope.join_with_token:
        said += f"; as {visit.identity} in {visit.room}, by the given token: who was in there under it is out now"
    kept = []
    if sight.kept is not None:
        hint = "It ends by itself a second after the last one leaves; or run: lkctl room delete"
        told = f"the throw-away room {visit.room} could not be removed: {sight.kept.message}"
        kept = [Finding(told, hint, severity=Severity.warn)]
    return settle(kept, said)


MEDIA_CHECKS: tuple[Check[World], ...] = (
    Check(
        "media.signal", "A participant can join", judge_signal,
        needs=("http.websocket", "api.auth"), timeout=LONGEST, scope="media",
    ),
    Check(
        "media.candidates", "Addresses for media can lead to the server", judge_candidates,
        needs=("media.signal",), scope="media",
    ),
    Check("media.udp", "Media gets through over UDP", judge_udp, needs=("media.candidates",), scope="media"),
    Check("media.tcp", "Media gets through over TCP", judge_tcp, needs=("media.candidates",), scope="media"),
    Check("media.turn", "TURN relays", judge_turn, needs=("media.signal",), timeout=_TRIES, scope="media"),
    Check("media.turn-tls", "TURN over TLS relays", judge_turn_tls, ("media.signal",), timeout=_TRIES, scope="media"),
    Check("media.stun", "STUN servers answer", judge_stun, ("media.signal",), Severity.info, scope="media"),
    Check(
        "media.connect", "A client gets a connection", judge_connection,
        needs=("media.candidates",), timeout=STEP, scope="media",
    ),
    Check(
        "media.publish", "A published track is heard", judge_publishing,
        needs=("media.connect",), timeout=STEP, scope="media",
    ),
    Check(
        "media.reconnect", "A client that loses the connection comes back", judge_reconnection,
        needs=("media.connect",), severity=Severity.warn, timeout=STEP, scope="media",
    ),
    Check(
        "media.relay", "A client gets a connection by TURN alone", judge_relaying,
        needs=("media.candidates",), severity=Severity.warn, timeout=4 * STEP, scope="media",
    ),
)  # fmt: skip

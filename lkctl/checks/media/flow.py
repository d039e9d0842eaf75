"""Does media flow, as a client has it? LiveKit's own SDK joins, publishes, listens, and comes back (extra `rtc`)."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from lkctl.checks.media.paths import PROVES
from lkctl.checks.media.visit import Sight, sight_of, throw_away, ticket
from lkctl.checks.result import NotApplicable, Problem, Severity, Unknown
from lkctl.checks.verdict import number_of
from lkctl.checks.world import World
from lkctl.server.ice import Outcome
from lkctl.server.mediatrial import STEPS, MediaTrial, Step
from lkctl.server.rtc import available
from lkctl.settings.url import is_loopback

STEP = 12.0  # seconds for the engine
_LIMIT = 10.0  # seconds for a step; the SDK itself would try for a minute
_MISSING = "it needs the extra rtc: pip install 'lkctl[rtc]'"
_NOT_YOURS = "with a token of yours only the join is tried; the rest in a throw-away room only"
_FLOW = ("media.publish", "media.reconnect")


def judge_connection(world: World) -> str:
    """A client gets a whole connection, ICE and DTLS, within 10 s; told are the way that it took and its round trip.

    A pass proves the way from this machine; a client whose router lets nothing in may fail where this one was found by
    the server.
    """
    step = _step(world, "connect")
    sight = sight_of(world)
    if step.error:
        raise _unconnected(step, sight)
    said = f"connected in {_ms(step.seconds)} {say_path(step.path)}"
    there = step.path.get("there", {})
    if there.get("kind") == "prflx" and not sight.answered:
        return f"{said}: by no address that clients are told; the server found this machine, which it cannot elsewhere"
    return f"{said}; {PROVES[sight.place]}"


def judge_publishing(world: World) -> str:
    """A tone that one participant publishes is heard by another one within 10 s, in a throw-away room."""
    step = _step(world, "publish")
    if step.error:
        hint = "Look into the server's log for this room, and at its load: signalling and ICE are fine"
        raise Problem(f"a tone was published, and {_said(step)} on the other side", hint=hint)
    return f"a tone was heard {_ms(step.after)} after it was published ({number_of(step.frames, 'frame')} of 10 ms)"


def judge_reconnection(world: World) -> str:
    """A client whose signal connection breaks off is back within 10 s, with its media."""
    step = _step(world, "reconnect")
    if step.error.startswith("AttributeError"):
        raise NotApplicable("this version of the package livekit cannot break a connection off; 1.1.21 can")
    if step.error:
        hint = "Does a proxy, or a load balancer between nodes, lead it elsewhere? Several nodes need one Redis"
        raise Problem(f"a client whose signal connection broke off did not come back: {_said(step)}", hint=hint)
    return f"a client whose signal connection broke off was back in {_ms(step.seconds)}"


def judge_relaying(world: World) -> str:
    """A client that may use TURN alone gets a connection within 10 s, where a TURN server works."""
    if not _has_relay(sight_of(world)):
        raise NotApplicable("no TURN server leads to the server from here, see media.turn; or one on loopback only")
    step = _step(world, "relay")
    if step.error:
        hint = "See media.turn and media.turn-tls; clients in networks that block UDP and unusual ports need it"
        raise Problem(f"no connection by TURN alone: {_said(step)}", hint=hint, severity=Severity.warn)
    return f"connected in {_ms(step.seconds)} {say_path(step.path)}, by TURN alone"


def say_path(path: Mapping[str, Any]) -> str:
    """Say a path: `over udp, 10.0.0.2:50083 (host) to 10.0.0.3:7882 (host), round trip 6 ms`."""
    here, there = path.get("here"), path.get("there")
    if not here or not there:
        return "by a way that the SDK does not tell"
    trip = f"{path['rtt'] * 1000:.0f} ms" if path.get("rtt") else "under 1 ms"
    return f"over {here['protocol']}, {_end(here)} to {_end(there)}, round trip {trip}"


def _end(side: Mapping[str, Any]) -> str:
    return f"{side['address'] or 'unknown'}:{side['port']} ({side['kind']})"


def _unconnected(step: Step, sight: Sight) -> Problem:
    """Say why there is no connection, by what the ICE checks have shown; where those failed, they are the cause."""
    said = f"the join succeeds, and no connection for media comes of it: {_said(step)}"
    if sight.answered:
        hint = "ICE checks are answered, so DTLS or large packets are lost: look at the MTU (VPN), and at firewalls"
    else:
        hint = "No address that clients are told answers: see media.candidates, media.udp, media.tcp"
    evidence = tuple(one.said for one in sight.asked)
    answered = [one.said for one in sight.asked if one.outcome is Outcome.answered]
    return Problem(said, hint=hint, evidence=evidence, ruled_out=tuple(answered), explains=_FLOW)


def _step(world: World, name: str) -> Step:
    """Wait for a step of the one trial, which begins with whoever asks first."""
    if not available():
        raise NotApplicable(_MISSING)
    if name in {"publish", "reconnect"} and world.scope.join_with_token:
        raise NotApplicable(_NOT_YOURS)
    trial = world.memory.once("media.trial", lambda: _begin(world))
    step = trial.step(name, _LIMIT * (STEPS.index(name) + 1))
    if step is None:
        raise Unknown("the child process that tries it ended without a word", hint="Try again; pip install -U livekit")
    return step


def _begin(world: World) -> MediaTrial:
    """Start the trial in a thread that sees to it that child and room are gone at its end, or at that of the run."""
    begun: Future[MediaTrial] = Future()
    threading.Thread(target=_run, args=(world, begun), daemon=True).start()
    return begun.result()


def _run(world: World, begun: "Future[MediaTrial]") -> None:
    try:
        own, relay = world.scope.token if world.scope.join_with_token else "", _has_relay(sight_of(world))
        trial = MediaTrial(world.server_url(), limit=_LIMIT)
        with throw_away(world, trial.end) as room:
            first = own or ticket(world, room.name, hidden=False)  # nobody would hear one who is hidden
            second = "" if own else ticket(world, room.name, hidden=True)
            relayed = (own or ticket(world, room.name, hidden=True)) if relay else ""
            trial.start(first=first, second=second, relayed=relayed)
            begun.set_result(trial)
            trial.wait(_LIMIT * len(STEPS))
    except BaseException as error:  # noqa: BLE001  (raised to the one who asked)
        if not begun.done():
            begun.set_exception(error)


def _has_relay(sight: Sight) -> bool:
    """Whether a TURN server leads to the server; on loopback the SDK uses none, though that leads there (measured)."""
    relays = [one.relay for one in sight.uses if one.relay.reached is not None]
    return any(one.relayed is not None and not is_loopback(one.relayed.address) for one in relays)


def _said(step: Step) -> str:
    return f"nothing came within {_LIMIT:.0f} s" if step.error == "timeout" else step.error


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"

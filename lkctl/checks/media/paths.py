"""Does the server answer at the addresses that it tells its clients? A signed ICE check, over UDP and over TCP."""

from collections.abc import Sequence

from lkctl.checks.media.places import Place, is_mine
from lkctl.checks.media.visit import Sight, sight_of
from lkctl.checks.result import NotApplicable, Problem, Severity
from lkctl.checks.world import World
from lkctl.server.ice import Outcome, Reach

_FLOW = ("media.tcp", "media.connect", "media.publish", "media.reconnect", "media.relay")
PROVES = {
    Place.machine: "a path within this machine proves nothing about the internet",
    Place.network: "this proves the way within the network, not from outside",
    Place.internet: "this proves the way from here, not from everywhere",
}


def judge_udp(world: World) -> str:
    """The server answers an ICE check over UDP, signed for our own session, at an address that it tells its clients.

    So nobody else can answer it, and silence means that packets are lost. A pass proves the way from here only, and
    that port only: of a range of ports every session has its own.
    """
    sight = sight_of(world)
    found = sight.of("udp")
    if not found:
        raise _no_udp(sight)
    answered = [one for one in found if one.outcome is Outcome.answered]
    if answered:
        return f"{_said(answered[0])}; {PROVES[sight.place]}"
    raise _blocked(sight, found)


def judge_tcp(world: World) -> str:
    """The server answers an ICE check over TCP (port 7881 by default): the way for clients whose network blocks UDP."""
    sight = sight_of(world)
    found = sight.of("tcp")
    if not found:
        told = [one for one in sight.visit.candidates if one.protocol == "tcp" and not one.own]
        off = "rtc.tcp_port is off, or ICE over TCP is not offered; where UDP is blocked, only TURN helps then"
        raise NotApplicable(off if not told else f"{told[0]} is not worth asking, see media.candidates")
    answered = [one for one in found if one.outcome is Outcome.answered]
    if answered:
        return f"{_said(answered[0])}; {PROVES[sight.place]}"
    first = found[0]
    hint = f"Open TCP {first.candidate.endpoint.port} to the node in its firewall, and publish it for the container"
    if first.outcome is Outcome.foreign:
        hint = "A proxy or another program has that port; LiveKit wants it for itself (rtc.tcp_port), not behind HTTP"
    raise Problem(
        f"ICE over TCP leads nowhere: {first.said}; clients whose network blocks UDP cannot connect by it",
        hint=hint,
        severity=Severity.warn,
        evidence=tuple(one.said for one in found),
    )


def _said(reach: Reach) -> str:
    seen = f", which sees this machine as {reach.seen.address}" if reach.seen is not None else ""
    return f"{reach.said}{seen}"


def _no_udp(sight: Sight) -> Problem:
    told = [one for one in sight.visit.candidates if one.protocol == "udp" and not one.own]
    if told:
        return Problem(f"{told[0]} is not worth asking, see media.candidates", severity=Severity.warn)
    other = [one for one in sight.of("tcp") if one.outcome is Outcome.answered]
    return Problem(
        "the server offers no UDP at all: every packet that is lost holds up all that follow it, and calls stutter",
        hint="Set rtc.udp_port: 7882, or a range, in livekit.yaml; is rtc.force_tcp on?",
        severity=Severity.warn if other else Severity.fail,
        explains=_FLOW,
    )


def _blocked(sight: Sight, found: Sequence[Reach]) -> Problem:
    """Tell a closed port from a firewall, and where it is no matter: other ways are open, or the client is at home."""
    refused = all(one.outcome is Outcome.refused for one in found)
    others = [one for one in sight.of("tcp") if one.outcome is Outcome.answered]
    relays = [one.url.place for one in sight.uses if one.relay.reached is not None]
    first = found[0]
    said = f"no media over UDP: {first.said}"
    if others:
        said += f"; ICE over TCP works ({others[0].candidate.endpoint}), and stutters where packets are lost"
    elif relays:
        said += f"; only TURN leads to the server ({relays[0]})"
    home = refused and _is_home(first, sight)
    return Problem(
        said,
        hint=_HOME if home else _hint(first, sight, refused=refused),
        severity=Severity.warn if others or relays or home else Severity.fail,
        evidence=tuple(one.said for one in sight.asked),
        ruled_out=_ruled_out(first, sight),
        explains=() if others or home else _FLOW,
    )


_HOME = (
    "The server has no socket on that address: set rtc.enable_loopback_candidate: true and rtc.interfaces.includes: "
    "[lo]; clients on this machine may connect all the same, since the server finds them"
)


def _is_home(first: Reach, sight: Sight) -> bool:
    """Whether the address is the very one of the URL, on this machine: the server then reaches its clients itself.

    So it is with node_ip 127.0.0.1: the UDP socket is bound to the interfaces alone (measured on 1.13.5).
    """
    address = first.candidate.endpoint.address
    return address in sight.hosts and is_mine(address)


def _hint(first: Reach, sight: Sight, *, refused: bool) -> str:
    address, port = first.candidate.endpoint
    if address not in sight.hosts:
        where = (
            f"Is {address} the node's address (rtc.node_ip)? The URL leads to {', '.join(sorted(sight.hosts))}. If so"
        )
    else:
        where = "The address is that of the URL"
    ports = f"UDP {port}, or the whole of rtc.port_range_start to port_range_end"
    what = "nothing listens there: publish or forward" if refused else "packets are swallowed on the way: open"
    return f"{where}: {what} {ports}, to the node itself; an HTTP proxy does not pass UDP on"


def _ruled_out(first: Reach, sight: Sight) -> tuple[str, ...]:
    signal = f"signalling: the join took {sight.visit.seconds * 1000:.0f} ms"
    address = first.candidate.endpoint.address
    return (signal, f"the address: {address} is the URL's own") if address in sight.hosts else (signal,)

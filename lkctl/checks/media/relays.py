"""Do the STUN and TURN servers work that clients are told of?"""

from collections.abc import Iterator, Sequence

from lkctl.checks.media.visit import ServerUse, Sight, sight_of
from lkctl.checks.result import Finding, NotApplicable, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.iceserver import IceUrl, opened, speaks_http
from lkctl.server.stunlink import ForeignError
from lkctl.server.turn import Relay, bind

_RELAYED = ("media.relay",)
_OWN_PORT = 5349  # RFC 8656, 4; LiveKit's example has it for turn.tls_port
_TRY = 1.5  # seconds


def judge_turn(world: World) -> str:
    """TURN over UDP or TCP does what a client wants of it: challenge, credentials, a relay address, and the way on.

    The way from the relay to the server is proven by a signed ICE check that goes through it.
    """
    sight = sight_of(world)
    uses = sight.uses_of(relays=True)
    if not uses:
        raise NotApplicable("the server tells its clients of no TURN server (turn.enabled, rtc.turn_servers)")
    return settle(_flaws(uses, sight), "; ".join(_works(one) for one in uses), evidence=_evidence(uses))


def judge_turn_tls(world: World) -> str:
    """TURN over TLS answers where clients are sent: the certificate fits, and behind it is TURN, not a website.

    LiveKit always sends clients to port 443 of turn.domain, whatever turn.tls_port is (measured on 1.13.5).
    """
    sight = sight_of(world)
    uses = sight.uses_of(relays=True, secure=True)
    if not uses:
        raise NotApplicable(
            "the server tells its clients of no TURN over TLS (turn.tls_port); some networks allow no other"
        )
    return settle(_flaws(uses, sight), "; ".join(_works(one) for one in uses), evidence=_evidence(uses))


def judge_stun(world: World) -> str:
    """The STUN servers that clients are told of answer from here; by default they are Google's and Twilio's.

    Where they do not, clients behind NAT may still connect, for LiveKit finds them.
    """
    sight = sight_of(world)
    uses = sight.uses_of(relays=False)
    if not uses:
        raise NotApplicable("the server tells its clients of no STUN server")
    dead = [one for one in uses if one.relay.seen is None]
    alive = [f"{one.url.place} sees this machine as {one.relay.seen}" for one in uses if one.relay.seen is not None]
    hint = "Set rtc.stun_servers to one that clients reach"
    findings = [Finding(f"from here, {_why(one)}", hint, severity=Severity.info) for one in dead]
    return settle(findings, "; ".join(alive))


def _flaws(uses: Sequence[ServerUse], sight: Sight) -> Iterator[Finding]:
    for one in uses:
        found = _unusable(one.url, one.error) if one.error is not None else _useless(one.url, one.relay, sight)
        if found is not None:
            yield found


def _unusable(url: IceUrl, error: LkctlError) -> Finding:
    """A server that speaks no TURN: which of the known reasons it is, is found out by trying."""
    if not url.secure:
        hint = "Open turn.udp_port to the node; it is told under rtc.node_ip"
        return Finding(f"TURN cannot be used: {error.message}", hint, explains=_RELAYED)
    if error.code == "tls-plain-port":
        said = f"TURN over TLS fails: {url.place} answers without TLS"
        hint = "With turn.external_tls a proxy in front of LiveKit must end TLS; else that port is another program's"
        return Finding(said, hint, explains=_RELAYED)
    if error.code.startswith("tls-"):
        hint = "Give turn.cert_file a certificate for turn.domain, with the whole chain, that browsers trust"
        return Finding(f"TURN over TLS fails: {error.message}", hint, explains=_RELAYED)
    if error.code == "not-livekit" and (" web server" in error.message or speaks_http(url, Deadline(_TRY))):
        return _website(url)
    said = f"clients are sent to {url.place} for TURN over TLS, and there is none: {error.message}"
    if _answers_on(url, _OWN_PORT):
        said += f"; it answers on {_OWN_PORT}"
    hint = f"LiveKit always tells {url.port}: set turn.tls_port: {url.port}, or forward {url.port} of {url.host} to it"
    return Finding(said, hint, explains=_RELAYED)


def _useless(url: IceUrl, relay: Relay, sight: Sight) -> Finding | None:
    """A server that speaks TURN, and how it does not help; None where it does."""
    if relay.seen is None:
        return _silent(url)
    if relay.refusal:
        said = f"{url.place} refuses the credentials that LiveKit gives its clients ({relay.refusal})"
        hint = "Is it LiveKit's own TURN server? Of another one check rtc.turn_servers: secret, username, credential"
        return Finding(said, hint, explains=_RELAYED)
    if relay.relayed is None:
        said = f"{url.place} gives no relay address (it answered {relay.challenge or 'nothing'} without credentials)"
        return Finding(said, "Look at its ports: turn.relay_range_start to relay_range_end", explains=_RELAYED)
    udp = [one.candidate for one in sight.of("udp")]
    if relay.reached is not None or not udp:
        return None
    if relay.denied:
        said = (
            f"{url.place} will not relay to {udp[0].endpoint.address}, the address of LiveKit itself ({relay.denied})"
        )
        hint = "It is an inner address: set rtc.node_ip to the public one, or turn.allow_restricted_peer_cidrs"
        return Finding(said, hint, severity=Severity.warn, explains=_RELAYED)
    said = f"{url.place} relays from {relay.relayed}, and nothing comes back from {udp[0].endpoint} through it"
    hint = "Open LiveKit's UDP ports to the TURN server, and the relay's ports to LiveKit"
    return Finding(said, hint, severity=Severity.warn, explains=_RELAYED)


def _silent(url: IceUrl) -> Finding:
    if url.secure and speaks_http(url, Deadline(_TRY)):  # it waits for the end of a request
        return _website(url)
    said = f"{url.place} is silent: TURN over {url.transport.upper()} is not there, or blocked on the way"
    return Finding(said, "Open that port to the node in its firewall", severity=Severity.warn, explains=_RELAYED)


def _website(url: IceUrl) -> Finding:
    said = f"a web server answers at {url.place}, where clients are sent for TURN over TLS"
    hint = f"Route TLS for {url.host} on {url.port} to turn.tls_port on level 4 (by SNI), not to an HTTP site"
    return Finding(said, hint, explains=_RELAYED)


def _works(use: ServerUse) -> str:
    relay = use.relay
    led = f", and leads to {relay.reached.endpoint}" if relay.reached is not None else ""
    return f"{use.url.place} relays from {relay.relayed}{led} (realm {relay.realm[:40]})"


def _evidence(uses: Sequence[ServerUse]) -> tuple[str, ...]:
    return tuple(
        f"{one.url.place}: seen as {one.relay.seen}, challenge {one.relay.challenge}, relay {one.relay.relayed}"
        for one in uses
        if one.relay.seen is not None
    )


def _why(use: ServerUse) -> str:
    return use.error.message if use.error is not None else f"{use.url.place} is silent"


def _answers_on(url: IceUrl, port: int) -> bool:
    """Whether TURN over TLS answers on another port of the same host."""
    if port == url.port:
        return False
    deadline = Deadline(_TRY)
    try:
        with opened(url._replace(port=port), deadline) as link:
            return bind(link, deadline) is not None
    except (LkctlError, ForeignError, OSError):
        return False

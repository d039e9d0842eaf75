"""TURN (RFC 8656), as far as it tells whether a relay works: does it know its users, and does it lead to the server?"""

from contextlib import suppress
from typing import NamedTuple

from lkctl.server import stun
from lkctl.server.deadline import Deadline
from lkctl.server.ice import Candidate, Session, connectivity_check
from lkctl.server.stun import Ask, Attribute, Endpoint, Kind, Message, Method
from lkctl.server.stunlink import StunLink, is_answer

_UDP = bytes([17, 0, 0, 0])  # what the relay is to speak to the other side
_NO_LIFE = bytes(4)
_GIVE_BACK = 0.5  # seconds


class Relay(NamedTuple):
    """How a TURN server answered; what did not come is None or "".

    `seen`: the address that it sees us under. `challenge`: the error code without credentials, which is to be 401;
    `refusal`: the one with them, 0 where they were taken. `relayed`: the address that it gave us. `denied`: the error
    code for the wish to talk to a candidate of the server; `reached`: the candidate that answered through it.
    """

    seen: Endpoint | None = None
    challenge: int = 0
    realm: str = ""
    refusal: int = 0
    relayed: Endpoint | None = None
    denied: int = 0
    reached: Candidate | None = None

    @classmethod
    def of(cls, bound: Message) -> "Relay":
        """Give what an answer to a Binding tells."""
        return cls(seen=bound.endpoint(Attribute.mapped))


def bind(link: StunLink, deadline: Deadline) -> Message | None:
    """Ask under which address we are seen; None: silence. Raises as StunLink.ask."""
    return link.ask(stun.ask(Method.binding), deadline)


def try_relay(
    link: StunLink,
    username: str,
    password: str,
    towards: tuple[tuple[Candidate, ...], Session | None],
    deadline: Deadline,
) -> Relay:
    """Take what a client takes: an address on the relay, and the way from there to the server; then give it back.

    Ends within the deadline, with what came until then; raises as StunLink.ask.
    """
    bound = bind(link, deadline)
    if bound is None:
        return Relay()
    relay = Relay.of(bound)
    challenge = link.ask(stun.ask(Method.allocate, [(Attribute.transport, _UDP)]), deadline)
    if challenge is None:
        return relay
    realm = challenge.attributes.get(Attribute.realm, b"").decode("utf-8", "replace")
    user = _User(username, password, realm, challenge.attributes.get(Attribute.nonce, b""))
    relay = relay._replace(challenge=challenge.error, realm=realm)
    given = link.ask(user.ask(Method.allocate, [(Attribute.transport, _UDP)]), deadline)
    if given is None:
        return relay
    relay = relay._replace(refusal=given.error, relayed=given.endpoint(Attribute.relayed))
    if given.kind != Kind.success:
        return relay
    denied, reached = _reach_through(link, user, towards, deadline)
    link.ask(user.ask(Method.refresh, [(Attribute.lifetime, _NO_LIFE)]), Deadline(_GIVE_BACK))
    return relay._replace(denied=denied, reached=reached)


class _User(NamedTuple):
    """What every message to a relay but the first one carries."""

    name: str
    password: str
    realm: str
    nonce: bytes

    def ask(self, method: Method, attributes: list[tuple[Attribute, bytes]]) -> Ask:
        who = [
            (Attribute.username, self.name.encode()),
            (Attribute.realm, self.realm.encode()),
            (Attribute.nonce, self.nonce),
        ]
        return stun.ask(method, [*attributes, *who], key=stun.long_term_key(self.name, self.realm, self.password))


def _reach_through(
    link: StunLink, user: _User, towards: tuple[tuple[Candidate, ...], Session | None], deadline: Deadline
) -> tuple[int, Candidate | None]:
    """Send ICE checks to the server's UDP candidates by way of the relay; give the last denial, and who answers."""
    candidates, session = towards
    udp = [one for one in candidates if one.protocol == "udp" and ":" not in one.endpoint.address]
    denied = 0
    if session is None:
        return denied, None
    for candidate in udp:
        allowed = link.ask(user.ask(Method.permission, [_peer(candidate)]), deadline)
        if allowed is None or allowed.kind != Kind.success:
            denied = allowed.error if allowed is not None else denied
        elif _answers(link, candidate, session, Deadline(deadline.left / len(udp))):
            return 0, candidate
    return denied, None


def _answers(link: StunLink, candidate: Candidate, session: Session, deadline: Deadline) -> bool:
    check = connectivity_check(session)
    parcel = stun.ask(Method.send, [_peer(candidate), (Attribute.data, check.content)], kind=Kind.indication)
    return link.ask(parcel, deadline, lambda message: _unpacked(message, check)) is not None


def _peer(candidate: Candidate) -> tuple[Attribute, bytes]:
    return Attribute.peer, stun.write_endpoint(candidate.endpoint)


def _unpacked(message: Message, check: Ask) -> Message | None:
    """Take the answer to a check out of what the relay passes on."""
    if (message.method, message.kind) != (Method.data, Kind.indication):
        return None
    with suppress(ValueError):
        inner = stun.read(message.attributes.get(Attribute.data, b""))
        return inner if is_answer(inner, check) else None
    return None

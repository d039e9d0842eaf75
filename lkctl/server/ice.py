"""ICE, as far as it tells whether a candidate of the server can be reached (RFC 8445; over TCP RFC 6544, RFC 4571).

A connectivity check that is signed with the password from the server's offer is answered by that very session or by
nobody: a firewall, a neighbour or a stranger's port cannot pass for the server (measured on 1.13.5). Without such a
signature livekit-server says nothing at all, so that silence would prove nothing.
"""

import os
import socket
import time
from enum import StrEnum
from typing import NamedTuple

from lkctl.server import stun
from lkctl.server.deadline import Deadline
from lkctl.server.stun import Attribute, Endpoint, Message, Method
from lkctl.server.stunlink import ForeignError, StunLink
from lkctl.settings.hosts import is_address

_PRIORITY = (1 << 24) | 0xFFFFFF  # of a candidate of ours that the server has not heard of; its worth is no matter
_MOST_PORT = 65535
_FEWEST_WORDS = 8


class Candidate(NamedTuple):
    """Where the server says that it can be reached (RFC 8839, 5.1). `protocol` udp or tcp, `kind` host, srflx, relay.

    `own`: made by the server for itself to open connections from (`tcptype active`); nobody can connect to it.
    """

    protocol: str
    endpoint: Endpoint
    kind: str
    own: bool = False

    def __str__(self) -> str:
        return f"{self.protocol} {self.endpoint}"


class Session(NamedTuple):
    """The names and passwords of the two sides; `lite`: the server lets us lead (RFC 8445, 2.5)."""

    ufrag: str
    password: str
    own_ufrag: str
    lite: bool = False

    def __repr__(self) -> str:
        return f"<Session {self.ufrag}>"


class Outcome(StrEnum):
    """What came of asking a candidate."""

    answered = "answered"
    refused = "refused"
    silent = "silent"
    unreachable = "unreachable"  # the system has no way there
    foreign = "foreign"  # something else answers there, or hangs up


class Reach(NamedTuple):
    """What came of asking one candidate: after how long, and `seen`, the address that the server sees us under."""

    candidate: Candidate
    outcome: Outcome
    seconds: float
    seen: Endpoint | None = None

    @property
    def said(self) -> str:
        """Say what happened there."""
        took = f" in {self.seconds * 1000:.0f} ms" if self.outcome is Outcome.answered else ""
        return f"{self.candidate} {_SAID[self.outcome]}{took}"


_SAID = {
    Outcome.answered: "answers the ICE check",
    Outcome.refused: "refuses: nothing listens there",
    Outcome.silent: "is silent",
    Outcome.unreachable: "cannot be reached: this machine has no way there",
    Outcome.foreign: "takes the connection, but does not answer as LiveKit does",
}


def read_candidate(text: str) -> Candidate | None:
    """Read `candidate:2878742611 1 udp 2130706431 127.0.0.1 53550 typ host …`; None for what is none."""
    words = text.removeprefix("a=").removeprefix("candidate:").split()
    if len(words) < _FEWEST_WORDS or words[6] != "typ" or not words[5].isascii() or not words[5].isdigit():
        return None
    port = int(words[5][:6])
    more = dict(zip(words[8::2], words[9::2], strict=False))
    known = words[2].lower() in {"udp", "tcp"} and port <= _MOST_PORT
    active = more.get("tcptype") == "active"
    return Candidate(words[2].lower(), Endpoint(words[4], port), words[7], active) if known else None


def connectivity_check(session: Session) -> stun.Ask:
    """Write the check that a client sends to a candidate (RFC 8445, 7.2.2)."""
    role = Attribute.controlling if session.lite else Attribute.controlled
    attributes = (
        (Attribute.username, f"{session.ufrag}:{session.own_ufrag}".encode()),
        (Attribute.priority, _PRIORITY.to_bytes(4, "big")),
        (role, os.urandom(8)),
    )
    return stun.ask(Method.binding, attributes, key=session.password.encode())


def reach(candidate: Candidate, session: Session, deadline: Deadline) -> Reach:
    """Ask a candidate; ends within the deadline and never raises."""
    started = time.monotonic()
    outcome, answer = Outcome.unreachable, None
    if is_address(candidate.endpoint.address):  # else a name in .local: made to hide addresses, not to be reached
        outcome, answer = _ask(candidate, connectivity_check(session), deadline)
    seen = answer.endpoint(Attribute.mapped) if answer is not None else None
    return Reach(candidate, outcome, time.monotonic() - started, seen)


def _ask(candidate: Candidate, question: stun.Ask, deadline: Deadline) -> tuple[Outcome, Message | None]:
    (address, port), tcp = candidate.endpoint, candidate.protocol == "tcp"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as link:
            link.settimeout(deadline.left)
            link.connect((address, port))
            answer = _converse(StunLink(link, framed=tcp), question, deadline)
    except ConnectionRefusedError:
        return Outcome.refused, None
    except TimeoutError:
        return Outcome.silent, None
    except OSError:
        return Outcome.unreachable, None
    if answer is None:
        return Outcome.foreign if tcp else Outcome.silent, None
    return Outcome.answered, answer


def _converse(link: StunLink, question: stun.Ask, deadline: Deadline) -> Message | None:
    try:
        return link.ask(question, deadline)
    except (ForeignError, ConnectionResetError):
        return None

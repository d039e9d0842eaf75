"""Candidates, and what comes of asking one: each outcome by a port that behaves so. Real answers: tests/live."""

import socket
import time
from collections.abc import Callable

import pytest

from lkctl.server import stun
from lkctl.server.deadline import Deadline
from lkctl.server.ice import Candidate, Outcome, Reach, Session, reach, read_candidate
from lkctl.server.stun import Attribute, Endpoint, Kind, Method
from tests.datagrams import answering, closed_udp_port, silent
from tests.fakes import HTML, closed_port, hang_up, serving
from tests.fakes import raw as bytes_of

SESSION = Session("theirs", "password", "ours")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "candidate:2878742611 1 udp 2130706431 127.0.0.1 53550 typ host ufrag PGzfKUMQoQSFvhfi",
            Candidate("udp", Endpoint("127.0.0.1", 53550), "host"), id="as the server has it",
        ),
        pytest.param(
            "a=candidate:1 1 TCP 1 10.0.0.5 7881 typ host tcptype passive",
            Candidate("tcp", Endpoint("10.0.0.5", 7881), "host"), id="of an SDP line",
        ),
        pytest.param(
            "candidate:1 1 tcp 1 10.0.0.5 9 typ host tcptype active",
            Candidate("tcp", Endpoint("10.0.0.5", 9), "host", own=True), id="one that connects itself",
        ),
        pytest.param(
            "candidate:1 1 udp 1 4f0c.local 5 typ host", Candidate("udp", Endpoint("4f0c.local", 5), "host"), id="mDNS"
        ),
        pytest.param("", None, id="nothing"),
        pytest.param("candidate:1 1 udp 1 10.0.0.5 99999 typ host", None, id="no port"),
        pytest.param("candidate:1 1 udp 1 10.0.0.5 \u0667 typ host", None, id="digits of another script"),
        pytest.param("candidate:1 1 sctp 1 10.0.0.5 5 typ host", None, id="another protocol"),
        pytest.param("candidate:" + "9 " * 100_000, None, id="endless"),
    ],
)  # fmt: skip
def test_candidates_are_read(text: str, expected: Candidate | None) -> None:
    assert read_candidate(text) == expected


def answer_to(content: bytes, *, transaction: bytes | None = None) -> bytes:
    """Write a success in the name of whoever was asked."""
    head = (Method.binding | Kind.success).to_bytes(2, "big") + bytes(2) + content[4:8]
    return head + (transaction or content[8:20])


def test_asked_over_udp_and_answered() -> None:
    """What others send meanwhile does not count, nor does the first datagram have to get through."""
    asked: list[bytes] = []

    def answer(content: bytes) -> list[bytes]:
        asked.append(content)
        if len(asked) == 1:
            return [b"\xffgarbage", answer_to(content, transaction=bytes(12)), content]
        return [answer_to(content)]

    with answering(answer) as port:
        found = ask("udp", port)
    question = stun.read(asked[0])
    assert found.outcome is Outcome.answered
    assert asked[0] == asked[1]
    assert question.attributes[Attribute.username] == b"theirs:ours"
    assert Attribute.controlled in question.attributes


def test_a_lite_server_lets_us_lead() -> None:
    """RFC 8445, 6.1.1: who is not lite controls."""
    asked: list[bytes] = []
    with answering(lambda content: asked.append(content) or [answer_to(content)]) as port:  # type: ignore[func-returns-value]
        reach(Candidate("udp", Endpoint("127.0.0.1", port), "host"), SESSION._replace(lite=True), Deadline(3))
    assert Attribute.controlling in stun.read(asked[0]).attributes


def ask(protocol: str, port: int, seconds: float = 3.0) -> Reach:
    return reach(Candidate(protocol, Endpoint("127.0.0.1", port), "host"), SESSION, Deadline(seconds))


def test_silence_over_udp() -> None:
    with answering(silent) as port:
        started = time.monotonic()
        assert ask("udp", port, 0.5).outcome is Outcome.silent
        assert 0.4 < time.monotonic() - started < 2


def test_refused() -> None:
    """A closed port is told at once, over UDP as over TCP."""
    started = time.monotonic()
    assert ask("udp", closed_udp_port()).outcome is Outcome.refused
    assert ask("tcp", closed_port()).outcome is Outcome.refused
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(bytes_of(HTML), id="a web server"),
        pytest.param(hang_up, id="who hangs up"),
        pytest.param(bytes_of(b"\xff\xff" + b"x" * 70_000), id="endless frame"),
    ],
)
def test_something_else_over_tcp(talk: Callable[[socket.socket], None]) -> None:
    with serving(talk) as port:
        assert ask("tcp", port, 1.0).outcome is Outcome.foreign


def test_a_full_queue_over_tcp() -> None:
    """Who takes no connection and refuses none is silent."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        held = [socket.socket() for _ in range(8)]
        for one in held:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            assert ask("tcp", port, 0.5).outcome in {Outcome.silent, Outcome.foreign}
        finally:
            for one in held:
                one.close()


def test_a_name_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: pytest.fail("looked up"))
    candidate = Candidate("udp", Endpoint("4f0c.local", 5), "host")
    assert reach(candidate, SESSION, Deadline(1)).outcome is Outcome.unreachable

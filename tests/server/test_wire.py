"""The transport's connections: kept, used again, given up; and answers that are hard to read."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Connections, Request
from lkctl.server.wire import MOST_BYTES
from lkctl.settings.url import parse_url
from tests import fakes

READ = Request("POST", "/read", body=b"{}", repeatable=True)
WRITE = Request("POST", "/write", body=b"{}")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class Server:
    """A fake that answers each request by `answer(connection, number on it)`, and notes them."""

    def __init__(self, answer: Callable[[int, int], bytes | None]) -> None:
        self.asked: list[tuple[int, str]] = []  # connection, path
        self._answer = answer
        self._count = 0
        self._lock = threading.Lock()

    def talk(self, link: socket.socket) -> None:
        """Serve one connection."""
        with self._lock:
            number = self._count
            self._count += 1
        asked = 0

        def answer(request: bytes) -> bytes | None:
            nonlocal asked
            self.asked.append((number, request.split(b" ")[1].decode()))
            asked += 1
            return self._answer(number, asked)

        fakes.conversation(answer)(link)


@contextmanager
def connected(server: Server, scheme: str = "http") -> Iterator[Connections]:
    """Be connected to a fake."""
    with fakes.serving(server.talk) as port:
        connections = Connections(parse_url(f"{scheme}://127.0.0.1:{port}"))
        yield connections
        connections.close()


def ask(connections: Connections, request: Request = READ, seconds: float = 5) -> str:
    """Give the body of the answer, or the code of the failure."""
    try:
        return connections.exchange(request, Deadline(seconds)).text
    except LkctlError as error:
        return error.code


def test_a_connection_is_kept() -> None:
    """Reads go on the same connection."""
    with connected(server := Server(lambda *_: OK)) as connections:
        assert [ask(connections) for _ in range(3)] == ["OK"] * 3
    assert server.asked == [(0, "/read")] * 3


def test_a_write_has_a_connection_of_its_own() -> None:
    """What changes something never goes where the server may have hung up; the connection is kept afterwards."""
    with connected(server := Server(lambda *_: OK)) as connections:
        assert [ask(connections, one) for one in (READ, WRITE, READ)] == ["OK"] * 3
    assert server.asked == [(0, "/read"), (1, "/write"), (1, "/read")]


def test_a_read_is_sent_again_once() -> None:
    """The kept connection is closed at the second request, before a byte of the answer: a new one is used."""
    with connected(server := Server(lambda link, asked: OK if (link, asked) != (0, 2) else None)) as connections:
        assert [ask(connections), ask(connections)] == ["OK", "OK"]
    assert server.asked == [(0, "/read"), (0, "/read"), (1, "/read")]


def test_not_more_than_once() -> None:
    """The new connection is closed as well: that is told."""
    with connected(server := Server(lambda link, asked: OK if link == 0 and asked == 1 else None)) as connections:
        assert [ask(connections), ask(connections)] == ["OK", "net-failed"]
    assert server.asked == [(0, "/read"), (0, "/read"), (1, "/read")]


@pytest.mark.parametrize("request_", [pytest.param(READ, id="read"), pytest.param(WRITE, id="write")])
def test_a_new_connection_is_not_tried_twice(request_: Request) -> None:
    """Whoever closes a new connection without a word would do so again; and a write may have been done."""
    with connected(server := Server(lambda *_: None)) as connections:
        assert ask(connections, request_) == "net-failed"
    assert len(server.asked) == 1


def test_a_byte_of_the_answer_is_enough() -> None:
    """An answer that breaks off is no reason to ask again: the server was at it."""
    with connected(server := Server(lambda _, asked: OK if asked == 1 else b"HTTP/1.1 200 OK\r\n")) as connections:
        ask(connections)
        assert ask(connections, seconds=0.5) == "net-timeout"
    assert server.asked == [(0, "/read")] * 2


UNKEPT = [
    pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK", id="close"),
    pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK", id="HTTP/1.0"),
    pytest.param(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", id="an answer that nobody asked for"),
]


@pytest.mark.parametrize("content", UNKEPT)
def test_not_every_connection_is_kept(content: bytes) -> None:
    """Where another answer could not be told from the first, or will not come."""
    with connected(server := Server(lambda *_: content)) as connections:
        assert [ask(connections), ask(connections)] == ["OK", "OK"]
    assert server.asked == [(0, "/read"), (1, "/read")]


def test_what_comes_unasked_is_not_taken_for_an_answer() -> None:
    """A proxy says 408 before it closes an idle connection."""
    links: list[socket.socket] = []

    def talk(link: socket.socket) -> None:
        links.append(link)
        fakes.conversation(lambda _: OK)(link)

    with fakes.serving(talk) as port:
        connections = Connections(parse_url(f"http://127.0.0.1:{port}"))
        assert ask(connections) == "OK"
        links[0].sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate")
        time.sleep(1.1)
        assert ask(connections) == "OK"
        connections.close()
    assert len(links) == 2


CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODIES = [
    pytest.param(CHUNKED + b"\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: x\r\n\r\n", "abc", id="chunks"),
    pytest.param(CHUNKED + b"Content-Length: 1\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab", id="chunks first"),
    pytest.param(b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "abc", id="the same length twice"),
    pytest.param(b"Content-Length: 0\r\n\r\n", "", id="nothing"),
    pytest.param(b"Content-Length: 3\r\nContent-Length: 2\r\n\r\nabc", "http-malformed", id="two lengths"),
    pytest.param(b"Content-Length: -3\r\n\r\nabc", "http-malformed", id="negative"),
    pytest.param(b"Content-Length: +3\r\n\r\nabc", "http-malformed", id="signed"),
    pytest.param(b"Content-Length: 1_0\r\n\r\nabc", "http-malformed", id="underscore"),
    pytest.param(b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nabc", "http-malformed", id="endless number"),
    pytest.param(CHUNKED + b"\r\n-2\r\nab\r\n0\r\n\r\n", "http-malformed", id="negative chunk"),
    pytest.param(CHUNKED + b"\r\n2\r\nabc\r\n0\r\n\r\n", "http-malformed", id="longer chunk"),
    pytest.param(CHUNKED + b"\r\n" + b"0" * 40_000 + b"\r\n", "http-malformed", id="endless chunk"),
    pytest.param(b"no header\r\n\r\n", "http-malformed", id="no colon"),
    pytest.param(b"Content-Length : 2\r\n\r\nOK", "http-malformed", id="blank before the colon"),
    pytest.param(b"A: b\r\n folded\r\n\r\n", "http-malformed", id="folded header"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "outcome"), BODIES)
def test_ends_of_answers(content: bytes, outcome: str) -> None:
    """Where an answer ends is read strictly: a quarrel over it is how answers are forged."""
    with connected(Server(lambda *_: b"HTTP/1.1 200 OK\r\n" + content)) as connections:
        assert ask(connections) == outcome


STARTS = [
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "OK", id="an answer before the answer"),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", "", id="no content"),
    pytest.param(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nOK", "OK", id="no words"),
    pytest.param(b"HTTP/2 200 OK\r\n\r\n", "http-malformed", id="HTTP/2"),
    pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", "http-malformed", id="four digits"),
    pytest.param("HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode(), "http-malformed", id="other digits"),
]


@pytest.mark.parametrize(("content", "outcome"), STARTS)
def test_starts_of_answers(content: bytes, outcome: str) -> None:
    """The status line."""
    with connected(Server(lambda *_: content)) as connections:
        assert ask(connections, seconds=1) == outcome


def test_another_protocol_is_told_at_once() -> None:
    """A mail server greets, and waits: nobody waits with it."""
    started = time.monotonic()
    with connected(Server(lambda *_: b"220 mail.example.com")) as connections:
        assert ask(connections, seconds=20) == "http-malformed"
    assert time.monotonic() - started < 10


def test_a_huge_length_makes_no_room() -> None:
    """What is promised is not believed: memory is taken for what comes."""
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\nabc"
    with connected(Server(lambda *_: content)) as connections:
        assert ask(connections, seconds=0.5) == "net-timeout"
    assert MOST_BYTES < 999999999999999


def test_drop_by_drop_ends_in_time() -> None:
    """Each byte comes in time, the whole does not."""

    def talk(link: socket.socket) -> None:
        fakes._read_request(link)
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
            link.sendall(bytes([byte]))
            time.sleep(0.02)

    started = time.monotonic()
    with fakes.serving(talk) as port:
        connections = Connections(parse_url(f"http://127.0.0.1:{port}"))
        assert ask(connections, seconds=0.5) == "net-timeout"
        connections.close()
    assert time.monotonic() - started < 5


def test_many_at_the_same_time() -> None:
    """Each on a connection of its own, the failure of one told of that one; then the connections are used again."""
    together = threading.Barrier(8)

    def answer(link: int, asked: int) -> bytes | None:
        if asked == 1:
            together.wait(5)  # nobody is answered before all have asked
        return OK

    with connected(server := Server(answer)) as connections:
        for _ in range(3):
            answers = connections.exchange_all([READ] * 8, Deadline(10))
            assert [one.text if isinstance(one, Answer) else one.code for one in answers] == ["OK"] * 8
    assert sorted({link for link, _ in server.asked}) == list(range(8))


def test_the_failure_of_one_of_many() -> None:
    """A malformed answer, a silent connection, an answer that breaks off: the others come through."""
    odd = {1: b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 2: None}
    with connected(Server(lambda link, _: odd.get(link, OK))) as connections:
        answers = connections.exchange_all([READ] * 4, Deadline(5))
        outcomes = sorted(one.text if isinstance(one, Answer) else one.code for one in answers)
    # the silent one was new, but opened beforehand, as a kept one is: it is asked again
    assert outcomes == ["OK", "OK", "OK", "http-malformed"]


def test_many_to_nobody() -> None:
    """Each has its error."""
    connections = Connections(parse_url(f"http://127.0.0.1:{fakes.closed_port()}"))
    answers = connections.exchange_all([READ] * 3, Deadline(5))
    assert [one.code for one in answers if isinstance(one, LkctlError)] == ["net-refused"] * 3


def test_closing_ends_what_other_threads_wait_for() -> None:
    """They get an error at once, and nothing more can be asked."""
    outcomes: list[str] = []
    with fakes.serving(fakes.silent) as port:
        connections = Connections(parse_url(f"http://127.0.0.1:{port}"))
        waiting = threading.Thread(target=lambda: outcomes.append(ask(connections, seconds=30)))
        waiting.start()
        time.sleep(0.3)
        connections.close()
        waiting.join(5)
        assert outcomes == ["net-failed"]
        assert ask(connections) == "net-failed"


def test_tls_is_kept_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One handshake for several exchanges; what the server closed is opened again."""
    context, authority = fakes.certificate("localhost")
    authority.cert_pem.write_to_path(f"{tmp_path}/ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/ca.pem")
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    server = Server(lambda link, asked: large if (link, asked) != (0, 3) else None)
    with fakes.serving(server.talk, context) as port:
        connections = Connections(parse_url(f"https://localhost:{port}"))
        assert [len(ask(connections)) for _ in range(4)] == [300_000] * 4
        connections.close()
    assert [link for link, _ in server.asked] == [0, 0, 0, 1, 1]


def test_ipv6() -> None:
    """The address in brackets, also in the header Host."""
    heard: list[bytes] = []
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            link, _ = listener.accept()
            with link:
                heard.append(link.recv(65536))
                link.sendall(OK)

        thread = threading.Thread(target=serve)
        thread.start()
        connections = Connections(parse_url(f"ws://[::1]:{port}"))
        assert ask(connections) == "OK"
        thread.join(5)
        connections.close()
    assert f"Host: [::1]:{port}\r\n".encode() in heard[0]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y"])
def test_no_header_is_smuggled_in(value: str) -> None:
    """A line break in a value makes no header of its own: nothing is sent."""
    with connected(server := Server(lambda *_: OK)) as connections:
        assert ask(connections, Request("GET", "/", {"Authorization": value})) == "http-malformed"
    assert server.asked == []


def test_nothing_is_shown_of_a_request() -> None:
    """The token stands in its headers, and a server may echo it."""
    request = Request("GET", "/", {"Authorization": "Bearer hidden"}, b"hidden")
    answer = Answer(401, {"x": "hidden"}, b"hidden", 0, 0)
    assert "hidden" not in f"{request!r}{answer!r}"

"""The listener answers whatever comes, in time, and hands on what was posted."""

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from lkctl.errors import LkctlError
from lkctl.server.backlog import MOST_LARGE
from lkctl.server.listener import MOST_BYTES, Arrival, Listener, Posted, _not_listening
from lkctl.webhooks.delivery import Delivery, judge_delivery
from tests.deliveries import BODY, claims, exchange, now, post, status, token
from tests.tokens.forge import PAIR, forge


def judge(posted: Posted) -> Delivery:
    return judge_delivery(posted.body, posted.authorizations, PAIR, now=posted.at)


def chunked(body: bytes) -> bytes:
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nAuthorization: {token(exp=now() + 3600)}\r\n\r\n"
    )
    half = len(body) // 2
    parts = (body[:half], body[half:], b"")
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@contextmanager
def listening(life: float = 5.0) -> Iterator[Listener]:
    with Listener(judge, life=life) as listener:
        yield listener


def waiting(listener: Listener) -> list[Arrival]:
    """Give what has arrived by now."""
    return list(listener.arrivals(0.2))


ANSWERS = [
    pytest.param(post(), 200, [True], id="good"),
    pytest.param(post(path="/any/where?x=1"), 200, [True], id="any path"),
    pytest.param(post(version="1.0"), 200, [True], id="HTTP/1.0"),
    pytest.param(chunked(BODY), 200, [True], id="chunked"),
    pytest.param(post(BODY + b"\n"), 401, [False], id="changed body"),
    pytest.param(post(header="nonsense"), 401, [False], id="no JWT"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 401, [False], id="nothing"),
    pytest.param(
        post().replace(b"Host: x", b"Host: x\r\nContent-Encoding: gzip"),
        200,
        [True],
        id="said to be gzip, never unpacked",
    ),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, [], id="GET"),
    pytest.param(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 200, [], id="HEAD"),
    pytest.param(b"GET / HTTP/1.0\r\n\r\n", 200, [], id="GET of HTTP/1.0"),
    pytest.param(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, [], id="PUT"),
    pytest.param(b"garbage\r\n\r\n", 400, [], id="garbage"),
    pytest.param(b"POST / HTTP/9.9\r\n\r\n", 400, [], id="another protocol"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, [], id="TLS"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 400, [], id="a huge header"),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nqq\r\n", 400, [], id="broken chunks"
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12345678\r\n\r\n", 413, [False], id="too large, announced"
    ),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n" % (MOST_BYTES + 1, b"x" * (MOST_BYTES + 1)),
        413,
        [False],
        id="too large, in chunks",
    ),
]


@pytest.mark.parametrize(("sent", "code", "verdicts"), ANSWERS)
def test_answer(sent: bytes, code: int, verdicts: list[bool], capfd: pytest.CaptureFixture[str]) -> None:
    with listening() as listener:
        assert status(exchange(listener.port, sent)) == code
        assert [arrival.delivery.ok for arrival in waiting(listener)] == verdicts
        assert status(exchange(listener.port, post())) == 200, "it goes on"
    assert capfd.readouterr() == ("", "")


def test_ten_megabytes_are_refused() -> None:
    """A client that first sends all, and then listens, may see the connection break; the listener goes on."""
    with listening() as listener, socket.create_connection(("127.0.0.1", listener.port), timeout=20) as link:
        link.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        with suppress(BrokenPipeError, ConnectionResetError):
            link.sendall(b"x" * 10_000_000)
        (arrival,) = waiting(listener)
        assert arrival.delivery.checks[0].message == "the body has more than 4 MiB, and was not read"
        assert status(exchange(listener.port, post())) == 200


def test_body_is_cut_short() -> None:
    with listening() as listener:
        exchange(listener.port, post()[:-5], half_close=True)
        assert waiting(listener) == []
        assert status(exchange(listener.port, post())) == 200


@pytest.mark.parametrize("sent", [b"", b"POST / HT", post()[:-5]], ids=["silence", "half a head", "half a body"])
def test_slow_client_is_cut_off(sent: bytes) -> None:
    with listening(life=0.5) as listener:
        start = time.monotonic()
        exchange(listener.port, sent)
        assert 0.4 < time.monotonic() - start < 3


def test_both_of_two_headers_are_handed_on() -> None:
    twice = post().replace(b"Host: x", b"Host: x\r\nAuthorization: first")
    with listening() as listener:
        exchange(listener.port, twice)
        (arrival,) = waiting(listener)
    assert [check.id for check in arrival.delivery.failed] == ["header"]
    assert arrival.delivery.notes == ("the Authorization header came 2 times; the first one counts",)


def test_refusal_names_what_failed_and_no_more() -> None:
    with listening() as listener:
        answer = exchange(listener.port, post(BODY + b"\n", "nonsense"))
    assert answer.endswith(b"\r\n\r\nnot genuine: header\n")


def test_too_many_at_once_are_told_to_come_back() -> None:
    """LiveKit tries again after 503; what was taken is kept in order."""
    with listening() as listener:
        codes = [status(exchange(listener.port, post(path=f"/{number}"))) for number in range(258)]
        assert codes == [200] * 256 + [503] * 2
        assert [arrival.path for arrival in waiting(listener)] == [f"/{number}" for number in range(256)]
        assert status(exchange(listener.port, post())) == 200


def test_large_ones_share_what_they_may_take() -> None:
    """Whoever sends them; small ones find room all the same. What is taken, or was refused, makes room again."""
    large = b'{"x":"' + b"x" * 3_800_000 + b'"}'
    most = MOST_LARGE // len(large)
    forged = post(large, forge(claims(large), secret="x" * 43))
    with listening() as listener:
        codes = [status(exchange(listener.port, forged)) for _ in range(most + 2)]
        assert codes[:most] == [401] * most
        assert set(codes[most:]) <= {503, 0}, "a client that first sends all may see the connection break"
        assert status(exchange(listener.port, post())) == 200
        assert [arrival.delivery.ok for arrival in waiting(listener)] == [False] * most + [True]
        assert status(exchange(listener.port, post(large, token(large)))) == 200


def test_large_one_that_breaks_off_makes_room_again() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
    with listening() as listener:
        for _ in range(2 * MOST_LARGE // 3_000_000):
            exchange(listener.port, head + b"x" * 3_000_000, half_close=True)
        large = b'{"x":"' + b"x" * 4_000_000 + b'"}'
        assert status(exchange(listener.port, post(large, token(large)))) == 200


def test_one_that_is_long_to_judge_holds_nobody_up() -> None:
    """Strangers can make up such bodies."""
    done, begun = threading.Event(), threading.Semaphore(0)

    def ponder(posted: Posted) -> Delivery:
        if posted.path == "/long":
            begun.release()
            assert done.wait(20)
        return judge(posted)

    answers: list[int] = []
    with Listener(ponder) as listener:
        send = [
            threading.Thread(target=lambda: answers.append(status(exchange(listener.port, post(path="/long")))))
            for _ in range(3)
        ]
        try:
            for sender in send:
                sender.start()
                assert begun.acquire(timeout=10)
            assert status(exchange(listener.port, post())) == 200
            assert status(exchange(listener.port, b"GET / HTTP/1.0\r\n\r\n")) == 200
            assert answers == []
        finally:
            done.set()
        for sender in send:
            sender.join(10)
        assert answers == [200] * 3
        assert len(waiting(listener)) == 4


def test_sender_has_its_answer_although_the_listener_ends_at_once() -> None:
    """Else LiveKit would take the delivery for failed, and send it again."""
    answers = []
    for _ in range(20):
        with listening() as listener:
            sender = threading.Thread(target=lambda port=listener.port: answers.append(exchange(port, post())))
            sender.start()
            next(listener.arrivals(5))
        sender.join(5)
    assert [status(answer) for answer in answers] == [200] * 20


def test_it_ends_soon_whatever_is_open() -> None:
    with listening(life=60) as listener:
        links = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(50)]
        for number, link in enumerate(links):
            link.sendall((b"", b"POST /", post()[:-5])[number % 3])
        time.sleep(0.3)
        start = time.monotonic()
    assert time.monotonic() - start < 3
    for link in links:
        link.close()
    with pytest.raises(ConnectionRefusedError):
        exchange(listener.port, b"")


def test_defect_of_the_judge_is_told() -> None:
    def broken(posted: Posted) -> Delivery:
        raise ZeroDivisionError

    with Listener(broken) as listener:
        assert status(exchange(listener.port, post())) == 500
        with pytest.raises(ZeroDivisionError):
            next(listener.arrivals(5))


def test_wait_has_an_end() -> None:
    with listening() as listener:
        start = time.monotonic()
        assert list(listener.arrivals(0.3)) == []
        assert 0.2 < time.monotonic() - start < 2


UNUSABLE = [
    pytest.param("127.0.0.1", "port-taken", "Address already in use", "--port", id="port of another program"),
    pytest.param("192.0.2.1", "usage", "Cannot assign requested address", "--bind", id="address of another machine"),
    pytest.param("no.such.host.invalid", "usage", "there is no such address", "--bind", id="no address"),
    pytest.param("a" * 80, "usage", "there is no such address", "--bind", id="too long for a name"),
]


@pytest.mark.parametrize(("host", "code", "why", "hint"), UNUSABLE)
def test_address_that_cannot_be_listened_on(host: str, code: str, why: str, hint: str) -> None:
    with listening() as taken, pytest.raises(LkctlError, match=why) as caught:
        Listener(judge, host=host, port=taken.port)
    assert caught.value.code == code
    assert hint in caught.value.hint


def test_port_that_is_for_root_alone() -> None:
    """Asked of the message alone: who tests as root may listen on every port."""
    error = _not_listening("127.0.0.1:80", PermissionError(errno.EACCES, ""))
    assert (error.code, error.message) == ("port-taken", "cannot listen on 127.0.0.1:80: Permission denied")
    assert error.hint == "Choose a port above 1023 with --port; those below are root's"


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:"), ("localhost", "http://localhost:")]
)
def test_url(host: str, url: str) -> None:
    try:
        listener = Listener(judge, host=host)
    except LkctlError:
        pytest.skip(f"this machine has no {host}")
    with listener:
        assert listener.url == f"{url}{listener.port}/"

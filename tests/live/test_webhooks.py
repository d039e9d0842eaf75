"""Webhooks of a real livekit-server. What was measured on 1.13.5, most of it held below:

- The header is `Authorization: <JWT>`, without Bearer; claims iss, exp, nbf, iat, sha256; exp is 5 minutes after nbf.
  Content-Type is application/webhook+json, User-Agent Go-http-client/1.1; the body is one line, its length announced.
- Every room in it holds `turnPassword`. 64-bit numbers are texts. `createdAt` is in whole seconds.
- room_started comes when a room is made (a second CreateRoom of it: nothing), participant_joined when a participant is
  active, participant_left with disconnectReason, room_finished; deleting a room with somebody in it sends both of the
  last, in this order. Changes of metadata send nothing. Who leaves before being active: participant_connection_aborted.
- Hidden participants and agents are told of like others (`permission.hidden`).
- 200, 301, 401, 404 and 413 end the matter. After 429, 500, 503 or a refused connection the same body and token come
  again after 1, 2, 4 and 8 s, five times in all; events of the same room wait behind it, other rooms' do not.
"""

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from livekit.api import TokenVerifier, WebhookReceiver

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.api import Api
from lkctl.server.listener import Arrival, Listener, Posted
from lkctl.server.rtc import joined
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.shape import Pair
from lkctl.settings.url import parse_url
from lkctl.tokens.decoding import decode
from lkctl.tokens.minting import TokenRequest, mint
from lkctl.webhooks.delivery import Delivery, judge_delivery
from tests.deliveries import running
from tests.harness import SECRETS, invoke

pytestmark = pytest.mark.live

KEY, SECRET = "APIwebhooks1234", "webhooks-secret-that-is-long-enough-01234567"
PAIR = Pair("given", KEY, SECRET)
Start = Callable[..., LocalServer]


class Call(NamedTuple):
    """A request as it came to the recorder."""

    at: float
    path: str
    headers: dict[str, list[str]]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Recorder(ThreadingHTTPServer):
    """A receiver that keeps what comes, and answers with a status of our choice."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status = 200
        self.calls: queue.Queue[Call] = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Recording)

    def next(self, seconds: float = 5) -> Call:
        return self.calls.get(timeout=seconds)

    def silence(self, seconds: float) -> bool:
        try:
            self.calls.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


class _Recording(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): self.headers.get_all(name, []) for name in self.headers}
        self.server.calls.put(Call(time.time(), self.path, headers, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name there)
        pass


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def judge(posted: Posted) -> Delivery:
    return judge_delivery(posted.body, posted.authorizations, PAIR, now=posted.at)


def sending_to(start: Start, url: str) -> LocalServer:
    """Start a server that sends its webhooks there."""
    SECRETS.add(SECRET)
    return start(keys={KEY: SECRET}, settings={"webhook": {"api_key": KEY, "urls": [url]}})


def api_of(server: LocalServer) -> Api:
    return Api(Twirp(Target(parse_url(server.url), Credentials(KEY, server.secret)), timeout=10))


def join(server: LocalServer, identity: str, room: str, **grants: Any) -> Any:
    request = TokenRequest(identity=identity, room=room, ttl=600, grants=grants)
    minted = mint(request, PAIR, now=time.time(), entropy=os.urandom, force=True)
    return joined(parse_url(server.url), minted.token, timeout=20)


def told(arrival: Arrival) -> tuple[str, str, str]:
    event = arrival.delivery.event
    assert event is not None
    return event.name, event.room, event.participant


def test_life_of_a_room(start_livekit_server: Start) -> None:
    """Every delivery is genuine, in order, and of the moment; also those about somebody hidden."""
    with Listener(judge) as listener:
        server = sending_to(start_livekit_server, listener.url)
        arrivals = listener.arrivals(30)

        def wait() -> tuple[str, str, str]:
            arrival = next(arrivals)
            assert arrival.delivery.ok, arrival.delivery
            assert arrival.delivery.event is not None
            assert -1 < arrival.at - (arrival.delivery.event.created_at or 0) < 5
            return told(arrival)

        api_of(server).create_room(RoomRequest("demo", metadata='{"a": "Zoë \\u202e"}'))
        assert wait() == ("room_started", "demo", "")
        api_of(server).create_room(RoomRequest("demo"))
        with ExitStack() as stack:
            stack.enter_context(join(server, "alice", "demo"))
            assert wait() == ("participant_joined", "demo", "alice"), "a second CreateRoom tells nothing"
            with join(server, "ghost", "demo", hidden=True):
                assert wait() == ("participant_joined", "demo", "ghost")
            assert wait() == ("participant_left", "demo", "ghost")
            api_of(server).delete_room("demo")
            assert wait() == ("participant_left", "demo", "alice")
            assert wait() == ("room_finished", "demo", "")


def test_delivery_as_it_is_sent(start_livekit_server: Start, recorder: Recorder) -> None:
    server = sending_to(start_livekit_server, f"http://127.0.0.1:{recorder.server_port}/hook?a=b")
    api_of(server).create_room(RoomRequest("demo", metadata="Zoë"))
    call = recorder.next()
    (header,) = call.headers["authorization"]
    claims = decode(header, PAIR, now=call.at).claims
    assert header.startswith("eyJ"), "no Bearer"
    assert (call.path, call.headers["content-type"]) == ("/hook?a=b", ["application/webhook+json"])
    assert sorted(claims) == ["exp", "iat", "iss", "nbf", "sha256"]
    assert claims["exp"] - claims["nbf"] == 300
    assert "turnPassword" in call.event["room"]
    assert isinstance(call.event["createdAt"], str)
    assert WebhookReceiver(TokenVerifier(KEY, SECRET)).receive(call.body.decode(), header).room.metadata == "Zoë"
    delivery = judge_delivery(call.body, header, PAIR, now=call.at)
    assert delivery.ok
    assert call.event["room"]["turnPassword"] not in json.dumps(delivery.event and delivery.event.payload)
    written_again = json.dumps(call.event, separators=(",", ":"), ensure_ascii=False).encode()
    changed = judge_delivery(written_again, header, PAIR, now=call.at)
    assert [check.message for check in changed.failed] == ["the body was changed: it was parsed and written again"]


@pytest.mark.parametrize("status", [401, 413])
def test_refused_delivery_does_not_come_again(status: int, start_livekit_server: Start, recorder: Recorder) -> None:
    """So the listener can say 401 to a bad delivery, as receivers do."""
    server = sending_to(start_livekit_server, f"http://127.0.0.1:{recorder.server_port}")
    recorder.status = status
    api_of(server).create_room(RoomRequest("demo"))
    assert recorder.next().event["event"] == "room_started"
    assert recorder.silence(2.5)


def test_failed_delivery_comes_again_and_holds_up_its_room(start_livekit_server: Start, recorder: Recorder) -> None:
    server = sending_to(start_livekit_server, f"http://127.0.0.1:{recorder.server_port}")
    recorder.status = 503
    api_of(server).create_room(RoomRequest("demo"))
    first = recorder.next()
    api_of(server).delete_room("demo")
    recorder.status = 200
    second, third = recorder.next(), recorder.next()
    assert (second.body, second.headers["authorization"]) == (first.body, first.headers["authorization"])
    assert 0.8 < second.at - first.at < 2
    assert third.event["event"] == "room_finished"


def test_listener_that_comes_late_has_it_all(start_livekit_server: Start) -> None:
    port = free_tcp_port()
    server = sending_to(start_livekit_server, f"http://127.0.0.1:{port}")
    api_of(server).create_room(RoomRequest("demo"))
    time.sleep(0.3)
    with Listener(judge, port=port) as listener:
        assert told(next(listener.arrivals(5))) == ("room_started", "demo", "")


def test_commands(start_livekit_server: Start, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """`listen` in a process of its own takes what the server sends; `verify` takes a recorded one."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    with running("--count", "2", "--timeout", "30", "-o", "json") as run:
        urls = [f"http://127.0.0.1:{port}" for port in (run.port, recorder.server_port)]
        server = start_livekit_server(keys={KEY: SECRET}, settings={"webhook": {"api_key": KEY, "urls": urls}})
        api_of(server).create_room(RoomRequest("demo"))
        api_of(server).delete_room("demo")
        done = run.end()
    assert done.code == 0
    assert [delivery["event"]["name"] for delivery in json.loads(done.out)] == ["room_started", "room_finished"]
    call = recorder.next()
    SECRETS.add(call.event["room"]["turnPassword"])
    head = "".join(f"{name}: {value}\r\n" for name, values in call.headers.items() for value in values)
    assert invoke("webhook", "verify", stdin=f"POST / HTTP/1.1\r\n{head}\r\n".encode() + call.body).code == 0
    monkeypatch.setenv("LIVEKIT_API_SECRET", "x" * 43)
    assert invoke("webhook", "verify", stdin=f"{head}\r\n".encode() + call.body).code == 1

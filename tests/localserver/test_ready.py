import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.ready import is_ready
from lkctl.secret import Secret

KEY, SECRET = "APIready", Secret("r" * 43)
Serve = Callable[[tuple[int, bytes], int], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start an HTTP server with these answers to `GET /` and to the API; give its port."""
    servers: list[ThreadingHTTPServer] = []

    def start(page: tuple[int, bytes], api: int) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(*page)

            def do_POST(self) -> None:
                token = self.headers["Authorization"].removeprefix("Bearer ")
                claims = jwt.decode(token, SECRET.reveal(), ["HS256"])
                good = claims["iss"] == KEY and claims["video"] == {"roomList": True}
                self.answer(api if good else 401, b"{}")

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return int(servers[-1].server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("page", "api", "expected"),
    [
        pytest.param((200, b"OK"), 200, True, id="our server"),
        pytest.param((200, b"OK"), 401, False, id="another livekit-server"),
        pytest.param((200, b"<html>"), 200, False, id="another page"),
        pytest.param((406, b"Not Ready"), 200, False, id="not ready"),
    ],
)
def test_ready(page: tuple[int, bytes], api: int, expected: bool, serve: Serve) -> None:
    assert is_ready(serve(page, api), KEY, SECRET) is expected


def test_nobody_listens() -> None:
    assert not is_ready(free_tcp_port(), KEY, SECRET)


def test_proxies_are_left_alone(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert is_ready(serve((200, b"OK"), 200), KEY, SECRET)

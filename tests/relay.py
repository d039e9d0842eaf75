"""A proxy before a real server that does with a call what a test wants: delay it, refuse it, or act before it."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Refusal = tuple[int, bytes]  # status and body, instead of what the server says
Meddle = Callable[[str, bytes], Refusal | None]


@contextmanager
def relaying(port: int, meddle: Meddle) -> Iterator[int]:
    """Pass calls on to a port, after `meddle(method, body)`, which may wait, act, or refuse; give the relay's port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body in one packet

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            refusal = meddle(self.path.rpartition("/")[2], body)
            status, content = refusal or _passed_on(port, self, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller who has gone, or a server."""


def _passed_on(port: int, handler: BaseHTTPRequestHandler, body: bytes) -> Refusal:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    names = ("Authorization", "Content-Type")
    with closing(link):
        link.request("POST", handler.path, body, {name: handler.headers[name] for name in names})
        response = link.getresponse()
        return response.status, response.read()

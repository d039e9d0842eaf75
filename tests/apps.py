"""Apps that hand out tokens, for tests: small HTTP servers on loopback, each made of one function."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `given` holds what it asks for, in its query or in its JSON body."""

    method: str
    path: str
    given: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """One answer; a body that is no text is sent as JSON."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


App = Callable[[Asked], Said]


@contextmanager
def serving_app(app: App) -> Iterator[str]:
    """Serve on loopback for the time of the `with`; give the URL, such as http://127.0.0.1:40123."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._answer(json.loads(self.rfile.read(length) or b"{}"))

        def do_OPTIONS(self) -> None:
            self._answer({})

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (so it is called)
            """Keep quiet."""

        def _answer(self, body: dict[str, Any]) -> None:
            url = urlsplit(self.path)
            given = {**dict(parse_qsl(url.query)), **body}
            said = app(Asked(self.command, url.path, given, dict(self.headers)))
            text = said.body if isinstance(said.body, str) else json.dumps(said.body)
            content = text.encode()
            kind = "text/plain" if isinstance(said.body, str) else "application/json"
            self.send_response(said.status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

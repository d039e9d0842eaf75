"""The user's browser, shown a page whose address is nobody else's business."""

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lkctl.errors import LkctlError

_STEP = 0.1  # seconds between two looks at the browser
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_INSTEAD = "Open the link yourself: -o json prints it as join_link"


def open_page(address: str, *, patience: float = 30.0) -> None:
    """Open a page without showing its address in any process list: the browser is sent there by a page on loopback.

    That page answers once, under a random name, and is gone; nothing is left on the disk, where a browser in a sandbox
    could not read it anyway. Raise `browser-failed` where no browser comes for it in `patience` seconds.
    """
    fetched = threading.Event()
    with _pointing(address, fetched) as pointer, _browsing(pointer, fetched) as browser:
        for _ in range(round(patience / _STEP)):
            if fetched.wait(_STEP):
                return
            if browser.poll():
                raise LkctlError("browser-failed", "no browser can be opened here", hint=_INSTEAD)
    raise LkctlError("browser-failed", f"no browser opened the page within {patience:g} s", hint=_INSTEAD)


@contextmanager
def _browsing(pointer: str, fetched: threading.Event) -> "Iterator[subprocess.Popen[bytes]]":
    """Start the browser; it stays if it came for the page, and is ended if it did not."""
    browser = subprocess.Popen(
        [sys.executable, "-c", _OPEN, pointer],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # ours holds the token, and nothing else
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C is for us
    )
    try:
        yield browser
    finally:
        if not fetched.is_set():
            with suppress(OSError):
                os.killpg(browser.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                browser.wait(1)


@contextmanager
def _pointing(address: str, fetched: threading.Event) -> Iterator[str]:
    """Serve the pointer for the time of the `with`; give its own address."""
    path = f"/{secrets.token_urlsafe(24)}"

    class Pointer(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            """Send the browser on, once."""
            known = secrets.compare_digest(self.path.encode(), path.encode()) and not fetched.is_set()
            self.send_response(303 if known else 404)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            if known:
                self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if known:
                self.wfile.flush()
                fetched.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pointer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()

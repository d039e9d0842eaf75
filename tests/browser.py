"""Real pages in headless Chromium, driven over its debugging pipe; they reach nothing but 127.0.0.1.

with browsing() as browser, site({"/client.js": livekit_client()}) as origin:
    page = browser.open(origin, "/client.js")
    page.run("new LivekitClient.Room().state")
"""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lkctl.localserver.config import HOST
from tests.harness import lacking

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_CLIENT = Path(__file__).parent / "sdks/node/node_modules/livekit-client/dist/livekit-client.umd.js"
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",  # no port; and Chromium ends when the other side of the pipe is gone
    "--no-sandbox",  # needed by root and in containers; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have 64 MB there
    "--disable-breakpad",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
    "--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,Translate",  # mDNS is multicast to the network
    "--allow-loopback-in-peer-connection",  # WebRTC leaves 127.0.0.1 out otherwise
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
# Chromium talks on 3 and 4
_START = ("/bin/sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null')
_DEADLINE = 30.0  # seconds for one answer; a start on a busy machine takes 3


class PageError(Exception):
    """What a page's JavaScript threw, as text."""


class Page:
    """A tab. `lines` is its console, with the errors that nobody caught, as of the last `run`.

    `requests`: what it asked for since it was told to `visit`, the page itself first.
    """

    def __init__(self, browser: "Browser", target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session
        self.lines: list[str] = []
        self.requests: list[str] = []

    def visit(self, url: str) -> None:
        """Open another page in this tab; what it asks for and what the browser complains of is noted from its start."""
        for domain in ("Network", "Log"):
            self._browser.ask(f"{domain}.enable", self._session)
        self._browser.ask("Page.navigate", self._session, url=url)
        self.await_true(f"document.readyState === 'complete' && location.href === {json.dumps(url)}")

    def appear(self, width: int, *, dark: bool = False, paper: bool = False) -> None:
        """Be as wide as a phone or a desk (CSS pixels), light or dark, or as printed."""
        phone = width < 600
        wish = {"width": width, "height": 800, "deviceScaleFactor": 1 + phone, "mobile": phone}
        self._browser.ask("Emulation.setDeviceMetricsOverride", self._session, **wish)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = "print" if paper else "screen"
        self._browser.ask("Emulation.setEmulatedMedia", self._session, media=media, features=[scheme])

    def run(self, expression: str, **values: Any) -> Any:
        """Evaluate JavaScript, wait for its promise, and give its value; `values` are constants in it.

        The value must be one that JSON can hold. Raises PageError for what it throws, TimeoutError after 30 s.
        """
        names = "".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
        wish = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        code = f"(async () => {{ {names} return ({expression}\n); }})()"
        answer = self._browser.ask("Runtime.evaluate", self._session, expression=code, **wish)
        if "exceptionDetails" in answer:
            raise PageError(_thrown(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def await_true(self, expression: str, within: float = 15.0) -> Any:
        """Evaluate until it is true; give the value."""
        end = time.monotonic() + within
        while not (value := self.run(expression)):
            assert time.monotonic() < end, f"never true: {expression}\n" + "\n".join(self.lines)
            time.sleep(0.05)
        return value

    def close(self) -> None:
        """Close the tab as a user does."""
        self._browser.ask("Target.closeTarget", None, targetId=self._target)


class Browser:
    """Chromium with a profile of its own that goes with it."""

    def __init__(self, program: str, profile: str) -> None:
        environ = {"PATH": os.environ["PATH"], "HOME": profile}
        self._process = subprocess.Popen(
            [*_START, program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            start_new_session=True,
            bufsize=0,
        )
        self._asked = 0
        self._unread = b""
        self._pages: dict[str, Page] = {}

    def open(self, url: str, *scripts: str) -> Page:
        """Open a page in a new tab, with scripts from its own site loaded in it, in this order."""
        target = self.ask("Target.createTarget", None, url=url)["targetId"]
        session = self.ask("Target.attachToTarget", None, targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        self.ask("Runtime.enable", session)
        page.await_true(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")
        for script in scripts:
            page.run(_LOAD, src=script)
        return page

    def ask(self, method: str, session: str | None, **params: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol, and give its result."""
        self._asked += 1
        command = {"id": self._asked, "method": method, "params": params} | ({"sessionId": session} if session else {})
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\0")
        end = time.monotonic() + _DEADLINE
        while (message := self._read(end)).get("id") != self._asked:
            self._note(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        result: dict[str, Any] = message["result"]
        return result

    def kill(self) -> None:
        """End it and all of its processes at once, as a crash does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:  # waits, and closes the pipe
            pass

    def _read(self, end: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium does not answer")
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            if not part:
                raise EOFError(f"Chromium has ended, status {self._process.wait(10)}")
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        page, details = self._pages.get(message.get("sessionId", "")), message.get("params", {})
        if page is None:
            return
        if message["method"] == "Runtime.consoleAPICalled":
            page.lines.append(" ".join(str(one.get("value", one.get("description"))) for one in details["args"]))
        if message["method"] == "Runtime.exceptionThrown":
            page.lines.append(_thrown(details["exceptionDetails"]))
        if message["method"] == "Log.entryAdded":
            page.lines.append(details["entry"]["text"])
        if message["method"] == "Network.requestWillBeSent":
            page.requests.append(details["request"]["url"])


_LOAD = """new Promise((done, failed) => {
  const script = document.createElement("script");
  Object.assign(script, { src, onload: () => done(), onerror: () => failed(new Error("cannot load " + src)) });
  document.head.append(script);
})"""


def _thrown(details: dict[str, Any]) -> str:
    thrown = details.get("exception", {})
    return str(thrown.get("description", thrown.get("value", details["text"])))


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run Chromium; where there is none, the test is skipped, but fails in CI."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        lacking("no chromium on PATH (Debian: apt-get install --no-install-recommends chromium)")
    with tempfile.TemporaryDirectory(prefix="lkctl-chromium-", ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            yield browser
        finally:
            browser.kill()


def livekit_client() -> Path:
    """Give LiveKit's SDK for browsers, one script; where it is missing, the test is skipped, but fails in CI."""
    if not _CLIENT.is_file():
        lacking("livekit-client is missing: npm install --no-package-lock --prefix tests/sdks/node")
    return _CLIENT


@contextmanager
def site(files: Mapping[str, Path]) -> Iterator[str]:
    """Serve an empty page as `/`, and scripts, on a free port of 127.0.0.1; give the origin."""
    contents = {"/": ("text/html", b"<!doctype html><title>test</title><body></body>")}
    contents |= {path: ("text/javascript", file.read_bytes()) for path, file in files.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = contents.get(self.path, ("", b""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()

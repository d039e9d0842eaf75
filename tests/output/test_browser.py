"""Opening a page: a stand-in for the browser (variable BROWSER), and real requests on loopback."""

import http.client
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lkctl.errors import LkctlError
from lkctl.output.browser import _pointing, open_page

PAGE = "https://example.com/?token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln"


def get(address: str, path: str | None = None, method: str = "GET") -> tuple[int, str | None]:
    """Ask for a page; give status and where it leads."""
    parts = urlsplit(address)
    link = http.client.HTTPConnection(parts.netloc, timeout=10)
    link.request(method, parts.path if path is None else path)
    answer = link.getresponse()
    link.close()
    return answer.status, answer.headers["Location"]


def test_the_pointer_answers_once() -> None:
    """Under its name alone, then to nobody; afterwards nothing listens."""
    fetched = threading.Event()
    with _pointing(PAGE, fetched) as pointer:
        for path in ("/", "/favicon.ico", urlsplit(pointer).path + "x", "/%ff"):
            assert get(pointer, path) == (404, None)
        assert get(pointer, method="POST")[0] == 501
        assert not fetched.is_set()
        assert get(pointer) == (303, PAGE)
        assert fetched.wait(5)
        assert get(pointer) == (404, None)
    with pytest.raises(OSError, match="refused"):
        get(pointer)


def test_a_link_that_says_nothing_holds_nobody_up() -> None:
    """Browsers open some in advance."""
    fetched = threading.Event()
    with _pointing(PAGE, fetched) as pointer:
        silent = http.client.HTTPConnection(urlsplit(pointer).netloc, timeout=10)
        silent.connect()
        assert get(pointer) == (303, PAGE)
        silent.close()


def stand_in(folder: Path, body: str) -> str:
    """Write a program that BROWSER can name."""
    program = folder / "browser"
    program.write_text(f"#!{sys.executable}\n{body}\n")
    program.chmod(0o700)
    return f"{program} %s"


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, in a few seconds' time."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


NOT_OPENED = [
    pytest.param("raise SystemExit(1)", "no browser can be opened here", 20.0, id="fails"),
    pytest.param("", "no browser opened the page within 0.5 s", 0.5, id="does nothing"),
    pytest.param("import time; time.sleep(60)", "no browser opened the page within 0.5 s", 0.5, id="hangs"),
]


@pytest.mark.parametrize(("body", "says", "patience"), NOT_OPENED)
def test_a_browser_that_does_not_come(
    body: str, says: str, patience: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 with the next step, soon, and nothing is left running."""
    pid = tmp_path / "pid"
    monkeypatch.setenv("BROWSER", stand_in(tmp_path, f"import os; open('{pid}', 'w').write(str(os.getpid()))\n{body}"))
    monkeypatch.setenv("PATH", "")  # no other browser
    monkeypatch.delenv("DISPLAY", raising=False)
    started = time.monotonic()
    with pytest.raises(LkctlError) as caught:
        open_page(PAGE, patience=patience)
    assert (caught.value.code, int(caught.value.exit_code)) == ("browser-failed", 1)
    assert says in caught.value.message
    assert "eyJ" not in caught.value.message + caught.value.hint
    assert time.monotonic() - started < 10
    assert is_gone(int(pid.read_text()))

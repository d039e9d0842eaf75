"""What people get wrong, against a real server: each has its own code, words and exit code, in text and JSON."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.harness import SECRETS, invoke, spawn

pytestmark = pytest.mark.live

Start = Callable[..., LocalServer]
OTHER_KEY = "APIother1other2"
UNRESOLVABLE = "wss://livekit.nowhere-lkctl.net"


@dataclass(frozen=True)
class Setup:
    """URL, key and secret as somebody configured them."""

    url: str
    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Case:
    """One mistake: what it makes of the right settings, and what must be said."""

    spoil: Callable[[Setup], Setup]
    code: str
    exit_code: int
    says: str
    check: str = "api.auth"  # the probable cause that diagnose names


CASES = {
    "wrong key": Case(lambda s: replace(s, key=OTHER_KEY), "auth-key", 4, "does not know the key APIot…r2"),
    "wrong secret": Case(lambda s: replace(s, secret="w" * 43), "auth-secret", 4, "is not its secret"),
    "trailing blank": Case(
        lambda s: replace(s, secret=s.secret + " "), "auth-secret-blank", 4, "has blanks around it", "env.spelling"
    ),
    "quoted": Case(
        lambda s: replace(s, secret=f'"{s.secret}"'), "auth-secret-quoted", 4, "has quotes around it", "env.spelling"
    ),
    "swapped": Case(lambda s: replace(s, key=s.secret, secret=s.key), "auth-swapped", 4, "are swapped", "env.shape"),
    "refused port": Case(
        lambda s: replace(s, url=f"ws://127.0.0.1:{fakes.closed_port()}"),
        "net-refused",
        5,
        "refused the connection",
        "net.tcp",
    ),
    "unresolvable": Case(lambda s: replace(s, url=UNRESOLVABLE), "net-dns", 5, "does not resolve", "net.dns"),
    "https to a plain port": Case(
        lambda s: replace(s, url=s.url.replace("ws://", "https://")), "tls-plain-port", 5, "without TLS", "net.tls"
    ),
    "no scheme": Case(
        lambda s: replace(s, url=s.url.removeprefix("ws://")), "url-invalid", 2, "has no scheme", "url.form"
    ),
}


@pytest.fixture
def right(livekit_server: LocalServer) -> Setup:
    """The settings that work."""
    secret = livekit_server.secret.reveal()
    SECRETS.add(secret)
    return Setup(livekit_server.url, livekit_server.key, secret)


def configure(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put settings into the environment; the name that must not resolve is never looked up outside."""
    if setup.url == UNRESOLVABLE:
        monkeypatch.setattr(socket, "getaddrinfo", fakes.no_such_name)
    monkeypatch.setenv("LIVEKIT_URL", setup.url)
    monkeypatch.setenv("LIVEKIT_API_KEY", setup.key)
    monkeypatch.setenv("LIVEKIT_API_SECRET", setup.secret)


def test_the_right_settings_work(right: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the table below would prove nothing."""
    configure(right, monkeypatch)
    assert invoke("room", "list").code == 0
    assert invoke("diagnose", "--skip", "env.exposure").code == 0


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_direct_command(case: Case, right: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A direct command names the cause, in text and in JSON, and prints nothing on stdout."""
    configure(case.spoil(right), monkeypatch)
    text = invoke("room", "list")
    assert text.code == case.exit_code
    assert text.out == ""
    assert text.err.startswith("error: ")
    assert case.says in text.err
    assert "\nhint:  " in text.err
    assert f"README.md#{case.code}" in text.err
    done = invoke("room", "list", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (case.exit_code, "", case.code)
    assert case.says in error["message"]
    assert error["hint"]
    for shown in (text.err, done.err):
        assert right.secret not in shown


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_diagnose(case: Case, right: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Diagnose is red, and names the same cause as the probable one, wherever these tests run."""
    configure(case.spoil(right), monkeypatch)
    text = invoke("diagnose", "--skip", "url.container")
    assert text.code == 1
    assert "Probable cause:" in text.out
    done = invoke("diagnose", "--skip", "url.container", "-o", "json")
    report = json.loads(done.out)
    cause = report["probable_cause"]
    assert (done.code, report["exit_code"], report["verdict"]) == (1, 1, "fail")
    assert cause["check"] == case.check
    assert cause["hint"]
    if case.check.startswith(("url.", "net.")):
        assert cause["message"].count("(env LIVEKIT_URL)") == 1
    assert right.secret not in text.out + text.err + done.out


def test_a_server_that_is_frozen(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system takes connections for it: that it hangs is told, with proof, and without a list of other places."""
    server = start_livekit_server()
    configure(Setup(server.url, server.key, server.secret.reveal()), monkeypatch)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        cause = json.loads(invoke("diagnose", "-o", "json").out)["probable_cause"]
    finally:
        os.kill(server.pid, signal.SIGCONT)
    place = server.url.removeprefix("ws://")
    said = f"{place} takes the connection and answers nothing: the server hangs, or something else listens there"
    assert (cause["check"], cause["code"]) == ("http.livekit", "net-timeout")
    assert cause["message"] == f"{said} (env LIVEKIT_URL)"
    assert any("takes the connection, but its answer did not come within" in seen for seen in cause["evidence"])
    assert cause["ruled_out"] == ["TLS on this port: it answers no handshake either"]
    assert "net.tcp" in cause["passed"]


def test_every_case_has_its_own_words() -> None:
    """No two mistakes are told alike."""
    assert len({case.code for case in CASES.values()}) == len(CASES)


def test_a_web_page_instead_of_livekit(right: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that shows its welcome page; the page's escape sequences and token are not passed on."""
    with fakes.serving(fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html")) as port:
        configure(replace(right, url=f"http://127.0.0.1:{port}"), monkeypatch)
        direct = invoke("room", "list", "-o", "json")
        report = invoke("diagnose", "-o", "json")
    assert (direct.code, json.loads(direct.err)["error"]["code"]) == (5, "not-livekit")
    cause = json.loads(report.out)["probable_cause"]
    assert (report.code, cause["check"], cause["code"]) == (1, "http.livekit", "not-livekit")
    assert "web page" in cause["message"]


CLOCK = "import time\n_real = time.time\ntime.time = lambda: _real() + {offset}\n"


@contextmanager
def shifted_clock(offset: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Let the Python of child processes believe in another time."""
    (folder / "sitecustomize.py").write_text(CLOCK.format(offset=offset))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield


@pytest.mark.parametrize(("offset", "side"), [(-300, "behind"), (300, "ahead of"), (-75, "behind"), (75, "ahead of")])
def test_clock_off_by_more_than_a_minute(
    offset: int, side: str, right: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The difference is measured, with its side; in diagnose the clock is the cause, not the credentials."""
    configure(right, monkeypatch)
    with shifted_clock(offset, monkeypatch, tmp_path):
        direct = spawn("room", "list", "-o", "json")
        report = spawn("diagnose", "-o", "json")
    error = json.loads(direct.err)["error"]
    assert (direct.code, error["code"]) == (4, "auth-clock")
    assert f"{side} that of" in error["message"]
    cause = json.loads(report.out)["probable_cause"]
    assert (report.code, cause["check"], cause["code"]) == (1, "clock.skew", "auth-clock")
    assert f"{side} that of" in cause["message"]


def test_clock_off_by_half_a_minute_is_a_warning(right: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The near miss: the server forgives it, and so do we."""
    configure(right, monkeypatch)
    with shifted_clock(30, monkeypatch, tmp_path):
        assert spawn("room", "list").code == 0
        report = spawn("diagnose", "-o", "json", "--only", "clock.skew")
    assert (report.code, json.loads(report.out)["verdict"]) == (0, "warn")


def test_a_server_in_dev_mode(
    start_livekit_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server knows devkey/secret only; that is found out, and named."""
    server = start_livekit_server(keys={"devkey": "secret"})
    configure(Setup(server.url, OTHER_KEY, "w" * 43), monkeypatch)
    done = invoke("room", "list", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (4, "auth-default-pair")

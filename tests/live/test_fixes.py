"""Every change that `diagnose --fix` prints for a run against a server is made as it says, and then nothing fails.

Here are URLs, rooms, and env files of every form; test_credentials.py has what happens to key and secret.
"""

import os
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.fronts import front, page, path_of
from tests.harness import SECRETS, invoke
from tests.live.test_credentials import OTHER_KEY, OTHER_SECRET, diagnose
from tests.mended import assert_previewed, make_change
from tests.workers import worker

pytestmark = pytest.mark.live
SKIPPED = ("--skip", "env.exposure")
URL, KEY, SECRET = "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"


class Form(NamedTuple):
    """An env file that is written and lies in its own way; `file`: where it is, with what option it is named."""

    line: str = "{name}={value}\n"
    first: str = ""
    file: str = ".env"
    link: str = ""
    strip: str = ""  # off its end

    def write(self, values: dict[str, str]) -> Path:
        """Write it, for its owner alone."""
        file = Path(self.file)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = self.first + "".join(self.line.format(name=name, value=value) for name, value in values.items())
        file.write_bytes((text.removesuffix(self.strip) if self.strip else text).encode())
        file.chmod(0o600)
        if self.link:
            Path(self.link).symlink_to(file.resolve())
        return file

    @property
    def options(self) -> tuple[str, ...]:
        return () if ".env" in {self.file, self.link} else ("--env-file", self.file)


FORMS = {
    "plain": Form(),
    "CR LF": Form("{name}={value}\r\n"),
    "exported, CR LF": Form("export {name}={value}\r\n"),
    "in quotes, with a remark": Form(" {name} = '{value}' # mine\n", "# mine\n\n"),
    "lines of others between": Form("{name}={value}\nOTHER_{name}=1\n", "OTHER=sk-hidden\n"),
    "without an end": Form(strip="\n"),
    "CR LF, without an end": Form("{name}={value}\r\n", strip="\r\n"),
    "above": Form(file="../above.env"),
    "with blanks and quotes": Form("{name}={value}\r\n", file='my env/it\'s "x".env'),
    "like an option": Form(file="-i.env"),
    "behind a link": Form(file="../real/dot.env", link=".env"),
}


@pytest.fixture
def right(livekit_server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give what works, and an empty folder below others."""
    SECRETS.update({livekit_server.secret.reveal(), OTHER_SECRET})
    (tmp_path / "a" / "work").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "work")
    return {URL: livekit_server.url, KEY: livekit_server.key, SECRET: livekit_server.secret.reveal()}


def fixed(*options: str) -> str:
    """Run diagnose --fix; something fails, there is a change, and no secret is shown."""
    done = invoke("diagnose", *SKIPPED, *options, "--fix")
    assert done.code == 1
    assert not [secret for secret in (*SECRETS, "sk-hidden") if secret in done.out + done.err]
    return done.out


def assert_mended(*options: str) -> None:
    """Nothing fails any more."""
    done = invoke("diagnose", *SKIPPED, *options)
    assert done.code == 0, done.out


def with_port(url: str, port: int) -> str:
    return f"{url.rpartition(':')[0]}:{port}"


FAULTS: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "an endpoint": lambda right: {**right, URL: f"{right[URL]}/rtc"},
    "a secret with a semicolon": lambda right: {**right, SECRET: f"{right[SECRET]};"},
    "swapped": lambda right: {**right, KEY: right[SECRET], SECRET: right[KEY]},
    "a pair that is elsewhere": lambda right: {**right, KEY: OTHER_KEY, SECRET: OTHER_SECRET},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_file(
    form: Form, fault: Callable[[dict[str, str]], dict[str, str]], right: dict[str, str]
) -> None:
    """All that the change is not about stays as it was: names, remarks, blanks, the ends of lines, links, modes."""
    file = form.write(fault(right))
    Form("export {name}='{value}'\n", file="elsewhere/.env").write(right)
    before, names, text = file.read_bytes(), set(file.parent.iterdir()), fixed(*form.options)
    make_change(text)
    if "\nperl " in text:
        assert_previewed(text, before, file.read_bytes())
    assert_mended(*form.options)
    after = file.read_bytes()
    assert (set(file.parent.iterdir()), file.stat().st_mode & 0o777) == (names, 0o600)
    assert (after.count(b"\r"), after.count(b"\n")) == (before.count(b"\r"), before.count(b"\n"))
    assert Path(form.link).is_symlink() == bool(form.link)


URLS: dict[str, Callable[[str], str]] = {
    "no scheme": lambda url: url.removeprefix("ws://"),
    "one slash": lambda url: url.replace("://", ":/"),
    "a login": lambda url: url.replace("://", "://me:pw@"),
    "a query": lambda url: f"{url}?room=1",
    "a fragment": lambda url: f"{url}#top",
    "quotes of a page": lambda url: f"\u201c{url}\u201d",
    "its own name": lambda url: f"{URL}={url}",
    "a prefix": lambda url: f"{url}/livekit",
    "wss": lambda url: url.replace("ws://", "wss://"),
    "https": lambda url: url.replace("ws://", "https://"),
}


@pytest.mark.parametrize("wrong", URLS.values(), ids=URLS.keys())
@pytest.mark.parametrize("place", ["file", "environment"])
def test_urls(wrong: Callable[[str], str], place: str, right: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file, and of the shell itself, where a child process could not change it."""
    spoilt = wrong(right[URL])
    if place == "file":
        Form().write({**right, URL: spoilt})
        make_change(fixed())
    else:
        for name, value in {**right, URL: spoilt}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(URL, make_change(fixed(), after=f'printf %s "${URL}"'))
    assert_mended()


def test_the_port_that_a_file_tells(right: dict[str, str]) -> None:
    """livekit.yaml names it."""
    Path("livekit.yaml").write_text(f"port: {right[URL].rpartition(':')[2]}\n")
    Form().write({**right, URL: with_port(right[URL], fakes.closed_port())})
    make_change(fixed())
    assert_mended()


def test_the_port_that_is_listened_on(right: dict[str, str], start_livekit_server: Callable[..., LocalServer]) -> None:
    """Nothing listens on the URL's: the few that this machine listens on are tried, and one is LiveKit's."""
    port = low_port()
    start_livekit_server(port=port, keys={right[KEY]: right[SECRET]})
    Form().write({**right, URL: f"ws://localhost:{port - 1}"})
    done, cause = diagnose()
    assert (done.code, cause["check"], cause["others"]) == (1, "net.tcp", [])
    assert f"ws://localhost:{port} answers as LiveKit does (404 bad_route to a GET on /twirp)" in cause["evidence"]
    assert cause["hint"] == f"Write ws://localhost:{port}"
    make_change(fixed())
    assert_mended()


def low_port() -> int:
    """Give a free port below those that systems hand out, with a closed one below it."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with ExitStack() as stack:
            try:
                for number in (port, port - 1):
                    stack.enter_context(socket.create_server(("127.0.0.1", number)))
            except OSError:
                continue
        return port


def test_a_redirect(right: dict[str, str]) -> None:
    """It is followed, and where it leads is written."""
    target = right[URL].replace("ws://", "http://")

    def instead(head: bytes) -> bytes:
        return page("301 Moved Permanently", b"", f"Location: {target}{path_of(head)}")

    with fakes.serving(front(1, instead=instead)) as port:
        Form().write({**right, URL: f"ws://127.0.0.1:{port}"})
        make_change(fixed())
        assert_mended()


@pytest.fixture
def lkctl_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell know lkctl."""
    program = tmp_path / "bin" / "lkctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m lkctl "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("lkctl_in_path")
def test_a_room_is_made_on_the_server_that_was_judged(right: dict[str, str], livekit_server: LocalServer) -> None:
    """The command has the options that lead there; so has that which calls an agent."""
    room = f"it's-{secrets.token_hex(4)}"
    Form(file="my server.env").write(right)
    options = ("--room", room, "--env-file", "my server.env")
    text = fixed(*options)
    assert "--env-file 'my server.env'" in text
    make_change(text)
    try:
        assert_mended(*options)
        with worker(livekit_server, "helper") as helper:
            make_change(fixed(*options, "--agent", "helper"))
            helper.await_event("joined")
            assert_mended(*options, "--agent", "helper")
    finally:
        invoke("room", "delete", room, "--yes", "--env-file", "my server.env")

"""What all tests stand on: a clean environment, and the searched record of all that was printed."""

import os
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import lkctl.secret
from tests.harness import OURS, PRINTED, SECRETS, insist_clean

collect_ignore = ["examples"]  # they are run where their readers run them: test_library_examples.py
OTHER_SECRET = "Zq3other0secret1of2another3project4k5l6m7n8o9"


@pytest.fixture(autouse=True)
def search_output() -> Iterator[None]:
    """Whatever a test lets be printed, here or by a process of its own, holds no secret and no foreign token."""
    PRINTED.clear()
    yield
    insist_clean(PRINTED, SECRETS, OURS)


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has an empty working directory, an empty HOME and no settings of the machine's own."""
    home = tmp_path / "home"
    here = tmp_path / "here"
    home.mkdir()
    here.mkdir()
    for name in [
        name
        for name in os.environ
        if (name.startswith(("LIVEKIT_", "LKCTL_", "CHROME_USER_ID")) and name != "LKCTL_LIVEKIT_SERVER")
        or name.upper() in {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    ]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "COLUMNS", "SSL_CERT_FILE", "CHROME_USER_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return here


@pytest.fixture(autouse=True)
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No resolver is asked: of names only this machine's own is known; a test that needs others makes them up."""
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **options: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        if text is None or text == "localhost" or ":" in text or text.replace(".", "").isdigit():
            return real(host, *rest, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test printed past the harness."""
    report = yield
    if report.when == "call":
        PRINTED.append((item.nodeid, "".join(text for title, text in report.sections if "Captured" in title)))
    return report


@pytest.fixture(autouse=True)
def forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test makes a secret is none in the next: scrubbing `aaaaaaaa` there would change other texts."""
    monkeypatch.setattr("lkctl.secret._in_use", set(lkctl.secret._in_use))


@pytest.fixture
def secret() -> str:
    """A secret that must never show."""
    SECRETS.add(OTHER_SECRET)
    return OTHER_SECRET

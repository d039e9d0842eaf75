"""A page in a real browser, with LiveKit's own JavaScript SDK, from its user ID to the answer of `agent resolve`."""

import json
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from tests.browser import Browser, Page, PageError, browsing, livekit_client, site
from tests.harness import SECRETS, invoke, until
from tests.watcher import Running, running

pytestmark = pytest.mark.live
SHARED = "b3pXq9shared7secret5of2browsers"
EXAMPLES = Path(__file__).parents[1] / "examples"
JOIN = "(async () => { window.room = new LivekitClient.Room(); await room.connect(url, token); return room.name; })()"
PATHS = """(async () => {
  const found = [...(await room.engine.pcManager.publisher.getStats()).values()];
  const pair = found.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
  return pair && found.filter((one) => one.type.endsWith("-candidate"));
})()"""
START = """(() => {
  window.told = [];
  window.rooms = [];
  const tell = (text) => told.push(text);
  window.stop = startSession({ address, userId, secret, tell, onRoom: (room) => rooms.push(room) });
})()"""
IN_ROOM = "rooms.length && rooms.at(-1).state === 'connected' && rooms.at(-1).name"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here; each opens tabs of its own."""
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The site that the pages are from."""
    scripts = {"/livekit-client.js": livekit_client(), "/extension.js": EXAMPLES / "extension.js"}
    with site(scripts) as origin:
        yield origin


@pytest.fixture
def open_page(browser: Browser, origin: str) -> Iterator[Callable[[], Page]]:
    """Open pages that have both scripts; all are closed with the test."""
    pages: list[Page] = []

    def open_page() -> Page:
        pages.append(browser.open(origin, "/livekit-client.js", "/extension.js"))
        return pages[-1]

    yield open_page
    for page in pages:
        with suppress(RuntimeError):  # it is closed
            page.close()


@pytest.fixture
def page(open_page: Callable[[], Page]) -> Page:
    return open_page()


@pytest.fixture
def user_id() -> str:
    """An ID that nobody else has."""
    return f"user_1704067200000_{secrets.token_hex(4)}"


def resolved(room: str) -> tuple[str, str]:
    """Ask which ID an agent would use in the room, and from where."""
    answer = json.loads(invoke("agent", "resolve", room, "-o", "json").out)
    return answer["user_id"], answer["source"]


def is_gone(room: str) -> bool:
    return room not in invoke("room", "list", "-o", "name").out.split()


# A token that lkctl minted


def test_a_minted_token_carries_the_id(page: Page, server: LocalServer, room: str, user_id: str) -> None:
    """The SDK joins with the token as it is, and what an agent would read is the ID of the token."""
    token = invoke("token", "mint", "--user-id", user_id, "--room", room).out.strip()
    assert page.run(JOIN, url=server.url, token=token) == room
    assert resolved(room) == (user_id, "participant.metadata")


def test_media_stays_on_this_machine(page: Page, server: LocalServer, room: str, user_id: str) -> None:
    """A published track goes to 127.0.0.1, and nobody outside was asked for the way (no STUN, no TURN)."""
    token = invoke("token", "mint", "--user-id", user_id, "--room", room).out.strip()
    page.run(JOIN, url=server.url, token=token)
    page.run("room.localParticipant.setCameraEnabled(true).then(() => null)")
    candidates = page.await_true(PATHS)
    assert {one["address"] for one in candidates if one["type"] == "remote-candidate"} == {"127.0.0.1"}
    assert {one["candidateType"] for one in candidates} == {"host"}


def test_a_refused_token_is_an_error_of_the_page(page: Page, server: LocalServer, room: str, user_id: str) -> None:
    wishes = ["--user-id", user_id, "--room", room, "--unsafe", "--ttl", "-5m"]
    token = invoke("token", "mint", *wishes).out.strip()
    with pytest.raises(PageError, match="expired"):
        page.run(JOIN, url=server.url, token=token)


# The extension's few lines, and `lkctl agent serve`


@contextmanager
def serving(origin: str, *options: str) -> Iterator[tuple[str, Running]]:
    """Run the service for pages of this origin; give its address, and the process."""
    with running("agent", "serve", "--allow-origin", origin, "-o", "jsonl", *options) as service:
        yield service.await_event("listening")["message"], service
        assert service.end(signal.SIGINT).code == 130


def start(page: Page, address: str, user_id: str, **more: Any) -> None:
    page.run(START, address=address, userId=user_id, **{"secret": None, **more})


@pytest.mark.parametrize("way", ["the page is closed", "the page ends it", "the page goes elsewhere"])
def test_a_session(way: str, page: Page, server: LocalServer, origin: str, user_id: str) -> None:
    """A user ID goes out, a room comes back, an agent there would use that ID; with the page the room ends."""
    with serving(origin, "--port", "0") as (address, service):
        start(page, address, user_id)
        room = page.await_true(IN_ROOM)
        assert resolved(room) == (user_id, "participant.metadata")
        assert json.loads(invoke("room", "inspect", room, "-o", "json").out)["resolution"]["user_id"] == user_id
        assert page.run("told") == []
        if way == "the page is closed":
            page.close()
        else:
            page.run("stop()" if way == "the page ends it" else "location.assign('about:blank')")
        assert service.await_event("session_closed", user_id=user_id)["code"] == "left"
        assert is_gone(room)


def test_an_agent_of_its_own(page: Page, server: LocalServer, origin: str, user_id: str) -> None:
    """The page sees its agent, the agent has the page's ID, and both are gone when the page is."""
    with serving(origin, "--port", "0", "--agent") as (address, service):
        start(page, address, user_id)
        room = page.await_true(IN_ROOM, within=30)
        agent = page.await_true("[...rooms[0].remoteParticipants.values()].find((one) => one.isAgent)?.identity")
        assert (
            page.await_true("rooms[0].remoteParticipants.values().next().value.attributes['lkctl.user_id']") == user_id
        )
        assert [agent, user_id] == sorted(invoke("participant", "list", room, "-o", "name").out.split())
        page.close()
        service.await_event("session_closed", user_id=user_id)
        assert is_gone(room)


def test_another_origin_is_refused(page: Page, server: LocalServer, user_id: str) -> None:
    """The page says what may be the cause, and both addresses; nothing is made for it."""
    with serving("https://extension.example", "--port", "0") as (address, service):
        start(page, address, user_id)
        told = page.await_true("told[0]")
        assert address in told
        assert page.run("location.origin") in told
        assert service.await_event("refused")["code"] == "origin-refused"
        assert is_gone(f"mcp-chrome-user-{user_id}")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"secret": None}, "secret-missing"),
        ({"secret": SHARED.swapcase()}, "secret-wrong"),
        ({"user_id": " "}, "user-id-invalid"),
    ],
    ids=["no secret", "wrong secret", "no user ID"],
)
def test_what_would_not_help_is_not_tried_again(
    *, change: dict[str, str], code: str, page: Page, server: LocalServer, origin: str, user_id: str
) -> None:
    """The page says what is wrong, once; with the right things it gets in."""
    SECRETS.add(SHARED)
    Path("secret.txt").write_text(SHARED)
    right = {"user_id": user_id, "secret": SHARED}
    with serving(origin, "--port", "0", "--secret", "@secret.txt") as (address, service):
        start(page, address, **(right | change))
        assert page.await_true("told[0]").startswith(f"{code}: ")
        assert not until(lambda: page.run("told.length > 1"), 2)
        assert service.await_event("refused")["code"] == code
        start(page, address, **right)
        assert page.await_true(IN_ROOM) == f"mcp-chrome-user-{user_id}"


def test_it_comes_back_after_a_restart(page: Page, server: LocalServer, origin: str, user_id: str) -> None:
    """The service ends, and with it the room; the page tries again until there is one."""
    port = free_tcp_port()
    with serving(origin, "--port", str(port)) as (address, _):
        start(page, address, user_id)
        room = page.await_true(IN_ROOM)
    assert is_gone(room)
    assert page.await_true("told[0]").startswith("server-closing: ")
    with serving(origin, "--port", str(port)):
        page.await_true(f"rooms.length > 1 && {IN_ROOM}")
        assert resolved(room) == (user_id, "participant.metadata")


def test_a_second_window_takes_over(
    open_page: Callable[[], Page], server: LocalServer, origin: str, user_id: str
) -> None:
    """The first says so, and leaves it at that: they would throw each other out for ever."""
    with serving(origin, "--port", "0") as (address, _):
        first, second = open_page(), open_page()
        start(first, address, user_id)
        first.await_true(IN_ROOM)
        start(second, address, user_id)
        room = second.await_true(IN_ROOM)
        assert first.await_true("told[0]").startswith("replaced: ")
        assert not until(lambda: first.run("rooms.length > 1"), 3)
        assert second.run(IN_ROOM) == room
        assert resolved(room) == (user_id, "participant.metadata")


@pytest.mark.parametrize(
    ("command", "why", "comes_back"),
    [("participant remove {room} {user}", "left", False), ("room delete {room}", "room-ended", True)],
)
def test_put_out_by_an_operator(
    *, command: str, why: str, comes_back: bool, page: Page, server: LocalServer, origin: str, user_id: str
) -> None:
    """Who is removed stays out; who loses his room gets another."""
    with serving(origin, "--port", "0") as (address, service):
        start(page, address, user_id)
        room = page.await_true(IN_ROOM)
        assert invoke(*command.format(room=room, user=user_id).split(), "--yes").code == 0
        assert service.await_event("session_closed", user_id=user_id)["code"] == why
        assert until(lambda: page.run("rooms.length > 1"), 10 if comes_back else 3) == comes_back
        assert is_gone(room) != comes_back

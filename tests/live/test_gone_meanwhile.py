"""A room that goes between two calls of one command is missing, whatever the command; one whose node is away is not."""

import json

import pytest

from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.harness import invoke

pytestmark = pytest.mark.live

ROOM, NO_ROOM = (fakes.answer({"rooms": rooms}) for rooms in ([{"name": "r", "sid": "1"}], []))
NO_ANSWER = fakes.answer({"code": "unavailable", "msg": "no response from servers"}, "503 Service Unavailable")

COMMANDS = {
    "room inspect": ["room", "inspect", "r"],
    "dispatch list": ["dispatch", "list", "r"],
    "dispatch delete": ["dispatch", "delete", "r", "AD_1", "--yes"],
}


@pytest.mark.parametrize(("after", "code"), [(NO_ROOM, "room-missing"), (ROOM, "server-unavailable")])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_it_is_told(
    words: list[str], after: fakes.Talk, code: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fakes.serving(fakes.in_turn(ROOM, NO_ANSWER, after)) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        done = invoke(*words, "-o", "json")
    assert (done.code, done.out) == (3 if after is NO_ROOM else 7, "")
    assert json.loads(done.err)["error"]["code"] == code

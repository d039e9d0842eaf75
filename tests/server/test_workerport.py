"""A worker's own port: what it says, and what is none."""

import json

import pytest

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.workerport import WorkerInfo, ask_worker
from lkctl.settings.url import parse_url
from tests import fakes

ABOUT = {"worker_type": "JT_ROOM", "agent_name": "helper", "sdk_version": "1.8.9", "worker_load": 0.5, "active_jobs": 2}


def asked(health: fakes.Talk, about: fakes.Talk) -> WorkerInfo:
    with fakes.serving(fakes.in_turn(health, about)) as port:
        return ask_worker(parse_url(f"http://127.0.0.1:{port}"), Deadline(3))


@pytest.mark.parametrize(
    ("health", "about", "expected"),
    [
        pytest.param(
            fakes.reply("200 OK", b"OK"), fakes.answer(ABOUT), WorkerInfo("", "helper", "JT_ROOM", 2, 0.5, "1.8.9"),
            id="well",
        ),
        pytest.param(
            fakes.reply("200 OK", b"OK"), fakes.answer({"sdk_version": "1.8.9"}),
            WorkerInfo("", "", "JT_ROOM", 0, 0.0, "1.8.9"), id="what is zero is left out",
        ),
        pytest.param(
            fakes.reply("503 Service Unavailable", b"failed to connect to livekit"), fakes.answer(ABOUT),
            WorkerInfo("failed to connect to livekit", "helper", "JT_ROOM", 2, 0.5, "1.8.9"), id="it gave up",
        ),
        pytest.param(
            fakes.reply("200 OK", b"OK"), fakes.reply("404 Not Found"), WorkerInfo("", None, "JT_ROOM"),
            id="a release before /worker",
        ),
        pytest.param(
            fakes.reply("200 OK", b"OK"),
            fakes.answer({"sdk_version": ["x"], "agent_name": 7, "worker_load": "NaN", "active_jobs": True}),
            WorkerInfo("", None, "JT_ROOM", 0, 0.0, "['x']"), id="wrong types",
        ),
    ],
)  # fmt: skip
def test_what_it_says(health: fakes.Talk, about: fakes.Talk, expected: WorkerInfo) -> None:
    """The fields of livekit.WorkerInfo, as protobuf's JSON has them."""
    assert asked(health, about) == expected


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        pytest.param(fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html"), "not-livekit", id="a web page"),
        pytest.param(fakes.reply("404 Not Found"), "not-livekit", id="another service"),
        pytest.param(fakes.answer([1]), "not-livekit", id="JSON of something else"),
        pytest.param(
            fakes.in_turn(fakes.reply("200 OK", b"OK"), fakes.reply("404 Not Found", b"404 page not found\n")),
            "not-livekit", id="livekit-server",
        ),
        pytest.param(fakes.hang_up, "net-failed", id="hangs up"),
        pytest.param(fakes.endless, "not-livekit", id="an endless body"),
    ],
)  # fmt: skip
def test_what_is_no_worker(talk: fakes.Talk, code: str) -> None:
    """It says so, and shows nothing of what came."""
    with pytest.raises(LkctlError) as raised:
        asked(talk, talk)
    assert raised.value.code == code
    assert "nginx" not in json.dumps(raised.value.json())

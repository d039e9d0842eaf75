"""Reports, bundles and expectations of a real server."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.reports.catalogue import FORMATS
from tests.guests import guest
from tests.harness import invoke
from tests.reports.readers import SKELETONS

pytestmark = pytest.mark.live

QUIET = ("--skip", "env.*", "--skip", "url.container")  # the server is judged here, and not where tests run
USER = "user_1704067200000_abc123"


def members(path: str) -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(Path(path).read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def judged(*arguments: str) -> Any:
    return json.loads(invoke("diagnose", *arguments, "-o", "json").out)


def test_bundles_of_a_healthy_and_a_broken_server(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is judged again as it was; the difference names the check that is worse; no secret is in either."""
    reports = [word for name in FORMATS for word in ("--report", f"{name}=r.{name}")]
    good = judged(*QUIET, "--bundle", "good.zip", *reports)
    for name in FORMATS:
        assert SKELETONS[name](Path(f"r.{name}").read_text()) or name == "github", name  # nothing to annotate
    monkeypatch.setenv("LIVEKIT_API_SECRET", "w" * 43)
    bad = judged(*QUIET, "--bundle", "bad.zip")
    assert (good["verdict"], bad["verdict"]) == ("pass", "fail")
    for report, name in ((good, "good.zip"), (bad, "bad.zip")):
        assert judged("--from", name) == report
        whole = Path(name).read_bytes() + b"".join(members(name).values())
        assert server.secret.reveal().encode() not in whole
        assert b"eyJ" not in whole
    assert json.loads(members("bad.zip")["answers.json"])["net.fingerprint"]["status"] == 404
    done = invoke("diagnose", "--diff", "good.zip", "bad.zip", "-o", "json")
    found = json.loads(done.out)
    assert (done.code, found["worse"], found["after"]["probable_cause"]["check"]) == (1, True, "api.auth")
    assert [one["check"] for one in found["changes"] if one["change"] == "worse"] == ["api.auth"]
    assert {one["change"] for one in found["changes"]} == {"worse", "not run"}


SPOILT: list[object] = [
    pytest.param({"LIVEKIT_API_SECRET": "w" * 43}, "api.auth", id="wrong secret"),
    pytest.param({"LIVEKIT_API_SECRET": ""}, "env.settings", id="no secret"),
    pytest.param({"LIVEKIT_URL": "x:/y"}, "url.form", id="no URL"),
    pytest.param({"LIVEKIT_URL": "wss://livekit.io/x", "LIVEKIT_API_SECRET": ""}, "url.cloud", id="two faults"),
    pytest.param({"LIVEKIT_URL": "ws://127.0.0.1:9"}, "net.tcp", id="nobody there"),
]


@pytest.mark.parametrize(("spoilt", "check"), SPOILT)
def test_bundles_of_smoke(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, spoilt: Mapping[str, str], check: str
) -> None:
    """Green or red: no secret and no token is in it, it is judged again as it was, and the difference is named."""
    secret = server.secret.reveal()
    good = json.loads(invoke("smoke", "--bundle", "good.zip", "-o", "json").out)
    for name, value in spoilt.items():
        monkeypatch.setenv(name, value)
    bad = json.loads(invoke("smoke", "--bundle", "bad.zip", "-o", "json").out)
    assert (good["verdict"], bad["verdict"]) == ("pass", "fail")
    for report, name in ((good, "good.zip"), (bad, "bad.zip")):
        assert judged("--from", name) == report
        whole = Path(name).read_bytes() + b"".join(members(name).values())
        assert not [part for part in (secret, secret[:12], secret[-12:], "w" * 12, "eyJ") if part.encode() in whole]
    found = json.loads(invoke("diagnose", "--diff", "good.zip", "bad.zip", "-o", "json").out)
    assert (found["worse"], found["after"]["probable_cause"]["check"]) == (True, check)
    assert check in {one["check"] for one in found["changes"] if one["change"] in {"worse", "new"}}


def test_a_room_is_judged_again(server: LocalServer, room: str) -> None:
    """From what was seen of it, though it is gone."""
    invoke("room", "create", room, "--metadata", '{"plan": "pro"}', "--max-participants", "1")
    with guest(server, "alice", room, metadata="{broken"):
        seen = judged(*QUIET, "--room", room, "--bundle", "b.zip")
    invoke("room", "delete", room, "--yes")
    again = judged("--from", "b.zip")
    assert again == seen
    found = {one["id"]: one["status"] for one in again["results"]}
    assert (found["room.metadata"], found["room.capacity"]) == ("warn", "warn")
    sights = json.loads(members("b.zip")["facts.json"])["sights"]
    assert [one["identity"] for one in sights[0]["there"]] == ["alice"]


FINE = """
[server]
version = ">=1.9.10,<2"

[rooms.ROOM]
metadata = ["plan", "userId"]
participants = { min = 1, max = 1 }
user_id = "USER"
"""
BAD = [
    pytest.param('[server]\nversion = ">=99"', "expect.version", ">=99", id="version"),
    pytest.param('[server]\nservices = ["egress"]', "expect.services", "egress: found none, wanted it", id="services"),
    pytest.param('[rooms."no such room"]', "expect.rooms", "'no such room': found none", id="room"),
    pytest.param(
        '[rooms.ROOM]\nmetadata = ["plan", "tier"]', "expect.metadata", "found the keys 'plan', 'userId'", id="metadata"
    ),
    pytest.param(
        "[rooms.ROOM.participants]\nmin = 2",
        "expect.participants",
        "found 1 participant, wanted at least 2",
        id="too few",
    ),
    pytest.param("[rooms.ROOM.participants]\nmax = 0", "expect.participants", "wanted at most 0", id="too many"),
    pytest.param('[rooms.ROOM]\nagents = ["helper"]', "expect.agents", "found no agent, wanted 'helper'", id="agents"),
    pytest.param('[rooms.ROOM]\nuser_id = "user_2"', "expect.user_ids", f"found the user ID '{USER}'", id="user ID"),
]


@pytest.fixture
def inhabited(server: LocalServer, room: str) -> Any:
    """A room with metadata and one participant."""
    invoke("room", "create", room, "--metadata", json.dumps({"plan": "pro", "userId": USER}))
    with guest(server, "alice", room):
        yield room


def write(text: str, room: str) -> None:
    Path("e.toml").write_text(text.replace("ROOM", room).replace("USER", USER))


def test_a_deployment_as_it_should_be(inhabited: str) -> None:
    """Every expectation that the file has is judged, the others are skipped; what was found is told."""
    write(FINE, inhabited)
    shown = judged("--expect", "e.toml", "--only", "expect.*")
    found = {one["id"]: (one["status"], one["detail"]) for one in shown["results"]}
    assert shown["verdict"] == "pass", found
    passed = {name for name, (status, _) in found.items() if status == "pass"}
    assert passed == {"expect.version", "expect.rooms", "expect.metadata", "expect.participants", "expect.user_ids"}
    assert found["expect.version"][1].startswith("found 1.")


def test_smoke_holds_it_against_the_same_file(inhabited: str) -> None:
    """Beside its steps; a wish that is not met makes it red, and nothing else does."""
    for text, code, cause in ((FINE, 0, None), (FINE.replace('"plan", ', '"tier", '), 1, "expect.metadata")):
        write(text, inhabited)
        done = invoke("smoke", "--expect", "e.toml", "-o", "json")
        shown = json.loads(done.out)
        assert (done.code, (shown["probable_cause"] or {"check": None})["check"]) == (code, cause)
        assert {one["status"] for one in shown["results"] if one["area"] == "smoke"} == {"pass"}


@pytest.mark.parametrize(("text", "check", "says"), BAD)
def test_a_deployment_that_is_not(inhabited: str, text: str, check: str, says: str) -> None:
    """Exit 1; the cause tells what was found and what was wanted, and where that stands."""
    write(text, inhabited)
    shown = judged("--expect", "e.toml", "--only", "expect.*")
    assert (shown["exit_code"], shown["probable_cause"]["check"]) == (1, check)
    assert says in shown["probable_cause"]["message"]
    assert shown["probable_cause"]["message"].startswith("e.toml:")
    assert shown["probable_cause"]["code"] == "expectation-failed"

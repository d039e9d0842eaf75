"""`lkctl smoke` on real servers: green on a healthy one; of each fault the right step, the cause, and nothing left."""

import asyncio
import json
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest
from aiohttp import web

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.deadline import Deadline
from lkctl.server.validate import validate
from lkctl.settings.url import parse_url
from lkctl.tokens.signer import sign
from tests import fakes
from tests.ci.githubrunner import runner_commands
from tests.fronts import front, page, path_of
from tests.guests import Guest, guest
from tests.harness import SECRETS, Done, command, environment, invoke, remembered, spawn, until
from tests.lab.parts.endpoint import token_endpoint
from tests.lab.parts.nginx import nginx, proxied
from tests.lab.parts.relay import Fault, relaying
from tests.live import test_failures
from tests.redis import api_of, kill
from tests.reports.readers import junit_schema
from tests.workers import worker

pytestmark = pytest.mark.live

Start = Callable[..., LocalServer]
USER = "user_1704067200000_abc123"
STEPS = ("create", "metadata", "token", "validate", "join", "resolve", "delete", "gone")
OURS = ("lkctl-smoke-", "lkctl-probe-", "lkctl-media-")
GREEN = dict.fromkeys(STEPS, "pass")


@pytest.fixture(autouse=True)
def nothing_left(server: LocalServer) -> Iterator[None]:
    """No room of ours is left behind, whatever the test did."""
    yield
    assert not ours(server)


def ours(server: LocalServer) -> set[str]:
    return {name for name in rooms(server) if name.startswith(OURS)}


def rooms(server: LocalServer) -> set[str]:
    return set(api_of(server).existing_rooms())


def port_of(server: LocalServer) -> int:
    return int(server.url.rpartition(":")[2])


def report_of(done: Done) -> dict[str, Any]:
    assert "eyJ" not in done.out + done.err
    report = dict(json.loads(done.out))
    assert done.code == report["exit_code"]
    return report


def smoke(*arguments: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run it in a process of its own, and give the report."""
    return report_of(spawn("smoke", *arguments, "-o", "json", env=env))


def steps(report: Mapping[str, Any]) -> dict[str, str]:
    """Say how the steps ended."""
    named = {one["id"]: one["status"] for one in report["results"]}
    return {name: named[f"smoke.{name}"] for name in STEPS if f"smoke.{name}" in named}


def detail(report: Mapping[str, Any], check: str) -> str:
    return str(next(one["detail"] for one in report["results"] if one["id"] == check))


# Green


def test_a_healthy_server(server: LocalServer) -> None:
    """Each step passes and is timed; what was asked for is shown and nothing else; nothing is left."""
    before = rooms(server)
    report = report_of(invoke("smoke", "--user-id", USER, "-o", "json"))
    assert (report["exit_code"], report["verdict"], report["command"]) == (0, "pass", "smoke")
    assert steps(report) == GREEN
    assert [one["id"] for one in report["results"]] == [
        "env.settings", "http.livekit", "http.websocket", "clock.skew", "api.auth", *(f"smoke.{one}" for one in STEPS),
    ]  # fmt: skip
    assert detail(report, "smoke.metadata") == "userId, createdBy, timestamp are as they were sent"
    assert USER in detail(report, "smoke.join")
    assert detail(report, "smoke.resolve") == (
        f"'{USER}', from participant.metadata; before anybody joins, from room.metadata"
    )
    assert sum(one["duration_ms"] for one in report["results"]) > 0
    assert rooms(server) == before


def test_on_a_screen(server: LocalServer) -> None:
    """A step a line, with the time it took; a new user ID where none is given."""
    done = invoke("smoke")
    lines = [line for line in done.out.splitlines() if line.startswith("  ✓ pass    ")][-len(STEPS) :]
    assert (done.code, done.err, len(lines)) == (0, "", len(STEPS))
    assert all(line.endswith(" ms)") for line in lines)
    assert "'user_1" in done.out
    assert invoke("smoke", "-o", "name").out == ""


def test_lines_come_one_by_one(server: LocalServer) -> None:
    """JSON lines, the last of which is the verdict."""
    lines = [json.loads(line) for line in invoke("smoke", "-o", "jsonl").out.splitlines()]
    assert [line["id"] for line in lines[-9:-1]] == [f"smoke.{one}" for one in STEPS]
    assert (lines[-1]["verdict"], lines[-1]["schema"]) == ("pass", "lkctl.report/1")


def test_a_user_id_of_ones_own(server: LocalServer) -> None:
    """Also one that is not of the usual form, which is said, and works all the same."""
    done = invoke("smoke", "--user-id", "Zoë 7", "--room-prefix", "test smoke/", "-o", "json")
    report = report_of(done)
    assert (report["exit_code"], steps(report)["resolve"]) == (0, "pass")
    assert "not of the form" in done.err
    assert "'Zoë 7', from participant.metadata" in detail(report, "smoke.resolve")
    assert "room 'test smoke/" in detail(report, "smoke.create")
    assert not [name for name in rooms(server) if name.startswith("test smoke/")]


def test_two_at_once(server: LocalServer) -> None:
    """Each has its own room, and deletes that alone, though the user is the same."""
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: smoke("--user-id", USER), range(2)))
    assert [steps(report) for report in reports] == [GREEN, GREEN]
    assert len({detail(report, "smoke.delete") for report in reports}) == 2


def test_nobody_elses_agent_is_called(server: LocalServer) -> None:
    """A worker without a name gets a job for each new room, and none for ours."""
    with worker(server, "") as nameless:
        assert smoke()["exit_code"] == 0
        assert nameless.events.empty()


def test_rooms_need_not_be_made_by_joining(start_livekit_server: Start) -> None:
    """With auto_create off the room that we make can be joined."""
    server = start_livekit_server(settings={"room": {"auto_create": False}})
    SECRETS.add(server.secret.reveal())
    assert steps(smoke(env=server.environ)) == GREEN


def test_a_server_that_is_still_starting(start_livekit_server: Start, livekit_server_program: Path) -> None:
    """--wait runs again until it is green."""
    port, keys = free_tcp_port(), {"APItest1test2": "w" * 43}
    env = {"LIVEKIT_URL": f"ws://127.0.0.1:{port}", "LIVEKIT_API_KEY": "APItest1test2", "LIVEKIT_API_SECRET": "w" * 43}
    running = subprocess.Popen(
        command("smoke", "--wait", "60s", "-o", "json"), env=environment(env), stdout=subprocess.PIPE, text=True
    )
    time.sleep(1)
    server = start_livekit_server(keys=keys, port=port)
    out, _ = running.communicate(timeout=60)
    assert (running.returncode, steps(json.loads(out))) == (0, GREEN)
    assert not rooms(server)


def test_an_agent_that_comes_finds_the_user_id_in_the_room(server: LocalServer) -> None:
    """The agent's own throw-away room has the same metadata; the run is red without the agent (below)."""
    name, found = f"Smoker-{secrets.token_hex(4)}", list[str]()
    with worker(server, name) as agent:

        def look() -> None:
            room = agent.await_event("joined")["room"]
            there = api_of(server).find_room(room)
            found.append(there.metadata if there is not None else "")

        looking = threading.Thread(target=look)
        looking.start()
        report = smoke("--agent", name, "--user-id", USER)
        looking.join(15)
    assert (report["exit_code"], detail(report, "probe.agent")[:8], steps(report)) == (0, "an agent", GREEN)
    metadata = json.loads(found[0])
    assert (metadata["userId"], metadata["createdBy"], list(metadata)) == (
        USER, "lkctl smoke", ["userId", "createdBy", "timestamp"],
    )  # fmt: skip


def test_the_agent_without_a_name(server: LocalServer) -> None:
    """It comes to the room that is made for it, and to no other one."""
    with worker(server, "") as agent:
        report = smoke("--any-agent")
        assert agent.await_event("offer")["room"].startswith("lkctl-probe-")
        while not agent.events.empty():
            assert agent.events.get().get("event") != "offer"
    assert (report["exit_code"], steps(report)) == (0, GREEN), report["probable_cause"]


def test_everything_at_once(server: LocalServer) -> None:
    """With media, a token, an endpoint for tokens, expectations; each is shown, after the steps: they take longer."""
    now = int(time.time())
    claims = {"iss": server.key, "sub": "u", "exp": now + 600, "video": {"roomJoin": True, "room": "x"}}
    Path("t.jwt").write_text(sign(claims, server.secret.reveal()))
    Path("d.toml").write_text('[server]\nversion = ">=1.9"\n')

    def fresh(identity: str) -> str:
        return sign({**claims, "sub": identity}, server.secret.reveal())

    with token_endpoint(server.url, fresh) as endpoint:
        report = smoke("--media", "--token", "@t.jwt", "--token-endpoint", endpoint, "--expect", "d.toml")
    areas = list(dict.fromkeys(one["area"] for one in report["results"]))
    assert (report["exit_code"], steps(report)) == (0, GREEN), report["probable_cause"]
    assert areas == ["env", "http", "clock", "api", "smoke", "token", "endpoint", "media", "expect"]


# Twelve faults


@dataclass(frozen=True)
class Setup:
    """What a fault makes of the right settings; `server`: where nothing may be left."""

    server: LocalServer
    env: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """What a fault is made of."""

    server: LocalServer
    start: Start
    folder: Path

    def own(self, **settings: Any) -> LocalServer:
        """Start a server of this configuration."""
        server = self.start(settings=settings)
        SECRETS.add(server.secret.reveal())
        return server


Fixture = Callable[[Stage], AbstractContextManager[Setup]]


@dataclass(frozen=True)
class Case:
    """A fault, and what must be said of it; `check` is a pattern, `ends` are the steps that are of weight."""

    fault: Fixture
    check: str
    code: str
    says: str
    ends: Mapping[str, str]


def at(port: int) -> dict[str, str]:
    return {"LIVEKIT_URL": f"ws://127.0.0.1:{port}"}


@contextmanager
def wrong_secret(stage: Stage) -> Iterator[Setup]:
    yield Setup(stage.server, {"LIVEKIT_API_SECRET": "w" * 43})


def fill(server: LocalServer, alice: Guest) -> None:
    """Have the one track published that the server takes; it counts them every few seconds."""
    alice.do("publish", source="microphone", name="voice")
    video = {"roomJoin": True, "room": "party"}
    token = sign({"iss": server.key, "sub": "x", "exp": int(time.time()) + 60, "video": video}, server.secret.reveal())
    assert until(lambda: not validate(parse_url(server.url), token, Deadline(5)).accepted)


@contextmanager
def full_node(stage: Stage) -> Iterator[Setup]:
    server = stage.own(limit={"num_tracks": 1})
    with guest(server, "alice", "party") as alice:
        fill(server, alice)
        yield Setup(server, server.environ)


@contextmanager
def filling_node(stage: Stage) -> Iterator[Setup]:
    """It is full once our room is made."""
    server = stage.own(limit={"num_tracks": 1})

    async def hold(path: str) -> None:
        if path == "/rtc/validate" and ours(server):
            await asyncio.to_thread(fill, server, alice)

    with guest(server, "alice", "party") as alice, relaying(port_of(server), Fault(hold=hold)) as port:
        yield Setup(server, {**server.environ, **at(port)}, ("--timeout", "30s"))


@contextmanager
def full_room(stage: Stage) -> Iterator[Setup]:
    """One place a room, and somebody takes it before we can: who sees the room in the list."""
    server = stage.own(room={"max_participants": 1})

    def take() -> None:
        stack.enter_context(guest(server, "lurker", ours(server).pop()))

    async def hold(path: str) -> None:
        if path == "/rtc/validate" and ours(server):
            await asyncio.to_thread(take)

    with ExitStack() as stack, relaying(port_of(server), Fault(hold=hold)) as port:
        yield Setup(server, {**server.environ, **at(port)})


@contextmanager
def metadata_too_large(stage: Stage) -> Iterator[Setup]:
    server = stage.own(limit={"max_metadata_size": 20})
    yield Setup(server, server.environ)


@contextmanager
def forbidden(stage: Stage) -> Iterator[Setup]:
    """A gateway, or a key that may not make rooms."""

    def refuse(request: web.BaseRequest) -> web.Response | None:
        said = {"code": "permission_denied", "msg": "permissions denied"}
        return web.json_response(said, status=403) if request.path.endswith("/CreateRoom") else None

    with relaying(port_of(stage.server), Fault(refuse=refuse)) as port:
        yield Setup(stage.server, at(port))


@contextmanager
def agent_of_another_name(stage: Stage) -> Iterator[Setup]:
    name = f"Smoker-{secrets.token_hex(4)}"
    with worker(stage.server, name.lower()):
        yield Setup(stage.server, {}, ("--agent", name))


@contextmanager
def agent_that_crashes(stage: Stage) -> Iterator[Setup]:
    name = f"Smoker-{secrets.token_hex(4)}"
    with worker(stage.server, name, "leave"):
        yield Setup(stage.server, {}, ("--agent", name))


def changing_metadata(change: Callable[[dict[str, Any]], object]) -> Fixture:
    """Have something in between that changes what CreateRoom asks for: the server itself always applies it."""

    def body(path: str, content: bytes) -> bytes:
        if not path.endswith("/CreateRoom"):
            return content
        asked = json.loads(content)
        metadata = json.loads(asked["metadata"])
        changed = change(metadata)
        asked["metadata"] = changed if isinstance(changed, str) else json.dumps(metadata)
        return json.dumps(asked).encode()

    @contextmanager
    def fault(stage: Stage) -> Iterator[Setup]:
        with relaying(port_of(stage.server), Fault(body=body)) as port:
            yield Setup(stage.server, at(port))

    return fault


@contextmanager
def wrong_clock(stage: Stage) -> Iterator[Setup]:
    (stage.folder / "sitecustomize.py").write_text(test_failures.CLOCK.format(offset=-300))
    yield Setup(stage.server, {"PYTHONPATH": str(stage.folder)})


@contextmanager
def proxy_without_upgrade(stage: Stage) -> Iterator[Setup]:
    with nginx(proxied(port_of(stage.server), how="")) as port:
        yield Setup(stage.server, at(port))


@contextmanager
def proxy_that_holds_data_back(stage: Stage) -> Iterator[Setup]:
    """It buffers: the upgrade gets through, and nothing of what the server says after it."""
    with relaying(port_of(stage.server), Fault(frame=lambda _: [])) as port:
        yield Setup(stage.server, at(port))


@contextmanager
def pair_of_another_project(stage: Stage) -> Iterator[Setup]:
    """The right pair lies beside, in another file."""
    lines = {**stage.server.environ}
    Path(".env.staging").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    yield Setup(stage.server, {"LIVEKIT_API_KEY": "APIother1other2", "LIVEKIT_API_SECRET": "w" * 43})


@contextmanager
def url_of_another_project(stage: Stage) -> Iterator[Setup]:
    """The pair is right, for another server, as a file beside says."""
    other = stage.own()
    Path(".env.staging").write_text("".join(f"{name}={value}\n" for name, value in stage.server.environ.items()))
    yield Setup(other, {"LIVEKIT_URL": other.url})


@contextmanager
def expired_token(stage: Stage) -> Iterator[Setup]:
    now = int(time.time())
    claims = {"iss": stage.server.key, "sub": "u", "exp": now - 600, "video": {"roomJoin": True, "room": "x"}}
    Path("t.jwt").write_text(sign(claims, stage.server.secret.reveal()))
    yield Setup(stage.server, {}, ("--token", "@t.jwt"))


@contextmanager
def closed_media_ports(stage: Stage) -> Iterator[Setup]:
    server = stage.own(rtc={"node_ip": "127.0.0.2"})
    yield Setup(server, server.environ, ("--media",))


@contextmanager
def slow_server(stage: Stage) -> Iterator[Setup]:
    with relaying(port_of(stage.server), Fault(hold=lambda _: asyncio.sleep(1))) as port:
        yield Setup(stage.server, at(port), ("--timeout", "4.7s"))


BLOCKED = dict.fromkeys(STEPS, "skip")
BEHIND = {"resolve": "skip", "delete": "pass", "gone": "pass"}

FAULTS = {
    "wrong secret": Case(wrong_secret, "api.auth", "auth-secret", "is not its secret", BLOCKED),
    "a node that is full": Case(
        full_node, "smoke.create", "server-limit", "reached configured limit for node", {**BLOCKED, "create": "fail"}
    ),
    "a node that gets full": Case(
        filling_node, "smoke.validate", "server-limit", "node has exceeded its configured limit",
        {"create": "pass", "validate": "fail", "join": "skip", **BEHIND},
    ),
    "a room that is full": Case(
        full_room, "smoke.join", "server-limit", "the room is full, 1 of 1 (max_participants)",
        {"create": "pass", "validate": "pass", "join": "fail", **BEHIND},
    ),
    "metadata over the limit": Case(
        metadata_too_large, "smoke.create", "server-error", "metadata size exceeds limits",
        {**BLOCKED, "create": "fail"},
    ),
    "CreateRoom is refused": Case(
        forbidden, "smoke.create", "auth-grant", "permissions denied", {**BLOCKED, "create": "fail"}
    ),
    "an agent of another name": Case(
        agent_of_another_name, "probe.agent", "agent-missing", "but one called 'smoker-", GREEN
    ),
    "an agent that crashes": Case(agent_that_crashes, "probe.agent", "agent-lost", "it crashed", GREEN),
    "metadata not applied": Case(
        changing_metadata(lambda _: ""), "smoke.metadata", "expectation-failed", "it is empty",
        {**GREEN, "metadata": "fail", "resolve": "fail"},
    ),
    "another user's metadata": Case(
        changing_metadata(lambda sent: sent.update(userId="user_1_x")), "smoke.metadata", "expectation-failed",
        "userId is 'user_1_x' instead of 'user_", {**GREEN, "metadata": "fail", "resolve": "fail"},
    ),
    "a field of the metadata": Case(
        changing_metadata(lambda sent: sent.update(timestamp=str(sent.pop("timestamp")), more=1)), "smoke.metadata",
        "expectation-failed", "nobody sent 'more'", {**GREEN, "metadata": "fail"},
    ),
    "clock off": Case(wrong_clock, "clock.skew", "auth-clock", "5 min behind", BLOCKED),
    "proxy without upgrade": Case(
        proxy_without_upgrade, "http.websocket", "", "reaches LiveKit without its Upgrade headers",
        {"create": "pass", "validate": "pass", "join": "skip", **BEHIND},
    ),
    "proxy that holds data back": Case(
        proxy_that_holds_data_back, "smoke.join", "net-timeout",
        "the server is there, and nothing comes over the WebSocket after the upgrade",
        {"validate": "pass", "join": "fail", **BEHIND},
    ),
    "another project's pair": Case(
        pair_of_another_project, "api.auth", "auth-other-pair", ".env.staging", BLOCKED
    ),
    "another project's URL": Case(url_of_another_project, "api.auth", "auth-key", "does not know the key", BLOCKED),
    "expired token": Case(expired_token, "token.times", "L05", "expired", GREEN),
    "media ports closed": Case(closed_media_ports, "media.udp", "", "no media over UDP", GREEN),
    "slow server": Case(
        slow_server, "smoke.(validate|join)", "net-timeout", "the server is too slow for 4.7 s", {"create": "pass"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_faults(what: str, server: LocalServer, start_livekit_server: Start, tmp_path_factory: Any) -> None:
    """Red at the right step, with the right cause and code, exit 1; the rooms are those of before."""
    case = FAULTS[what]
    with case.fault(Stage(server, start_livekit_server, tmp_path_factory.mktemp("stage"))) as setup:
        before = rooms(setup.server)
        report = smoke(*setup.arguments, env=setup.env)
        assert rooms(setup.server) == before
    cause = report["probable_cause"]
    assert (report["exit_code"], report["verdict"]) == (1, "fail")
    assert (bool(re.fullmatch(case.check, cause["check"])), cause["code"] or "") == (True, case.code), cause
    assert case.says in cause["message"]
    assert cause["hint"]
    assert not cause["others"], cause
    ended = steps(report)
    assert {name: ended[name] for name in case.ends} == case.ends


@pytest.mark.parametrize("what", test_failures.CASES)
def test_the_cause_is_the_one_that_diagnose_names(
    what: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what people get wrong: with the same words, evidence and change."""
    right = test_failures.Setup(server.url, server.key, server.secret.reveal())
    test_failures.configure(test_failures.CASES[what].spoil(right), monkeypatch)
    whole = report_of(invoke("diagnose", "--skip", "url.container", "-o", "json"))["probable_cause"]
    ours = report_of(invoke("smoke", "-o", "json"))["probable_cause"]
    monkeypatch.undo()
    for key in ("check", "code", "message", "hint", "evidence", "ruled_out", "fix"):
        assert ours[key] == whole[key]
    assert ours["check"] == test_failures.CASES[what].check
    assert "smoke.create" in ours["follows"]


# A server that goes away

GONE = {
    "/twirp/livekit.RoomService/CreateRoom": "create",
    "/rtc/validate": "validate",
    "/rtc?": "join",
    "/twirp/livekit.RoomService/ListParticipants": "join",
    "/twirp/livekit.AgentDispatchService/ListDispatch": "resolve",
    "/twirp/livekit.RoomService/DeleteRoom": "delete",
}


@pytest.mark.parametrize("path", GONE)
def test_a_server_that_is_gone_midway(path: str, start_livekit_server: Start) -> None:
    """Killed when a step asks it: that step is the cause, all that follows is told as such, and it ends in time."""
    server, step = start_livekit_server(), GONE[path]
    SECRETS.add(server.secret.reveal())

    def crash(head: bytes) -> None:
        made = server.pid is not None and (step == "create" or ours(server))
        if path_of(head).startswith(path) and made and b"Authorization" in head:
            kill(server)

    with fakes.serving(front(port_of(server), instead=crash)) as port:
        started = time.monotonic()
        report = smoke(env={**server.environ, **at(port)})
    cause, ended = report["probable_cause"], steps(report)
    assert (cause["check"], cause["code"]) == (f"smoke.{step}", "net-failed"), cause
    assert cause["message"].startswith("the server went away during the run: ")
    assert (ended[step], cause["others"]) == ("fail", [])
    assert cause["evidence"][0].startswith("it answered when the run began")
    assert time.monotonic() - started < 25


def test_a_room_whose_making_is_in_doubt(server: LocalServer) -> None:
    """CreateRoom is done, and its answer never comes: the room is deleted all the same."""

    async def hold(path: str) -> None:
        if path.endswith("/CreateRoom"):
            made.set()

    def lost(_: Mapping[str, str]) -> list[tuple[str, str]]:
        if made.is_set():
            made.clear()
            time.sleep(4)  # the answer; whatever comes meanwhile waits, too
        return [("Content-Type", "application/json")]

    made = threading.Event()
    with relaying(port_of(server), Fault(hold=hold, headers=lost)) as port:
        report = smoke("--timeout", "20s", env=at(port))
    assert (report["probable_cause"]["check"], report["probable_cause"]["code"]) == ("smoke.create", "net-timeout")
    assert steps(report) | {"delete": "", "gone": ""} == {**BLOCKED, "create": "fail", "delete": "", "gone": ""}
    assert "of which it was not known whether it is made, is deleted" in detail(report, "smoke.delete")


IN_DOUBT = [
    pytest.param("unavailable", 503, 0.0, id="no node answers, and one made it"),
    pytest.param("unavailable", 503, 1.0, id="no node answers, and one makes it later"),
    pytest.param("internal", 500, 0.0, id="an error, after it was made"),
]


@pytest.mark.parametrize(("code", "status", "late"), IN_DOUBT)
def test_a_room_that_is_made_though_it_was_refused(server: LocalServer, code: str, status: int, late: float) -> None:
    """A node that fails or is too slow may have made it all the same: it is looked for, and none is left."""
    said = json.dumps({"code": code, "msg": "no response from servers"}).encode()

    def talk(link: Any) -> None:
        head = link.recv(65536, socket.MSG_PEEK)
        if not head or not path_of(head).endswith("/CreateRoom"):
            front(port_of(server))(link)
            return
        while (name := re.search(rb'"name": ?"([^"]+)"', head)) is None:
            head += link.recv(65536)
        make = threading.Timer(late, api_of(server).create_room, [RoomRequest(name[1].decode())])
        make.start()
        if not late:
            make.join()
        link.sendall(page(f"{status} Error", said))

    with fakes.serving(talk) as port:
        report = smoke("--timeout", "20s", env=at(port))
    assert report["probable_cause"]["check"] == "smoke.create"
    assert steps(report) == {**BLOCKED, "create": "fail", "delete": "pass", "gone": "pass"}
    assert "of which it was not known whether it is made, is deleted" in detail(report, "smoke.delete")
    assert not ours(server)


def test_a_room_that_somebody_else_deletes(server: LocalServer) -> None:
    """It was there, and is gone before its time."""

    async def hold(path: str) -> None:
        if path.endswith("/DeleteRoom"):
            for name in ours(server):
                api_of(server).delete_room(name)

    with relaying(port_of(server), Fault(hold=hold)) as port:
        report = smoke(env=at(port))
    assert (report["probable_cause"]["check"], report["probable_cause"]["code"]) == ("smoke.delete", "room-missing")
    assert "was gone before it was deleted" in report["probable_cause"]["message"]


def test_two_servers_behind_one_url(server: LocalServer, start_livekit_server: Start) -> None:
    """A load balancer over servers that know nothing of each other: what was made is not found."""
    other = start_livekit_server(keys={server.key: server.secret.reveal()})
    calls = {"/twirp/livekit.RoomService/CreateRoom", "/twirp/livekit.RoomService/DeleteRoom"}

    with fakes.serving(balancer(server, other, calls)) as port:
        report = smoke(env=at(port))
    cause = report["probable_cause"]
    assert (cause["check"], cause["code"]) == ("smoke.metadata", "room-missing"), cause
    assert "one Redis" in cause["hint"]
    assert until(lambda: not rooms(other), 15)  # that which the join made


def test_the_server_that_is_to_delete_is_another(server: LocalServer, start_livekit_server: Start) -> None:
    """It does not know the room, which is still there: nobody else has deleted it."""
    other = start_livekit_server(keys={server.key: server.secret.reveal()})
    with fakes.serving(balancer(other, server, {"/twirp/livekit.RoomService/DeleteRoom"})) as port:
        report = smoke(env=at(port))
    cause = report["probable_cause"]
    assert (cause["check"], cause["code"]) == ("smoke.delete", "room-missing")
    assert "DeleteRoom does not find the room that ListRooms has" in cause["message"]
    assert "one Redis" in cause["hint"]
    assert until(lambda: not ours(server), 15)  # it closes by itself


def test_a_room_that_may_not_be_deleted(server: LocalServer) -> None:
    """Red at the right step, with a command that a shell can be given, whatever the prefix is; nobody stays in it."""

    def refuse(request: web.BaseRequest) -> web.Response | None:
        said = {"code": "permission_denied", "msg": "permissions denied"}
        return web.json_response(said, status=403) if request.path.endswith("/DeleteRoom") else None

    prefix = "lkctl-smoke-$(id); "
    with relaying(port_of(server), Fault(refuse=refuse)) as port:
        report = smoke("--room-prefix", prefix, env=at(port))
    cause = report["probable_cause"]
    assert (cause["check"], cause["code"]) == ("smoke.delete", "auth-grant")
    assert f"lkctl room delete '{prefix}" in cause["hint"]
    assert steps(report) == {**GREEN, "delete": "fail", "gone": "skip"}
    assert until(lambda: not ours(server), 15)  # it closes by itself


def balancer(first: LocalServer, second: LocalServer, calls: set[str]) -> fakes.Talk:
    """Lead these paths to the first, and all others to the second."""

    def talk(link: Any) -> None:
        head = link.recv(65536, socket.MSG_PEEK)
        if head:
            front(port_of(first if path_of(head) in calls else second))(link)

    return talk


# Cut runs


@contextmanager
def under_way(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run it, to be told by its lines how far it is."""
    with subprocess.Popen(
        command("smoke", *arguments, "-o", "jsonl"), env=environment(env), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        try:
            yield running
        finally:
            running.kill()


def read_until(running: "subprocess.Popen[str]", check: str) -> str:
    out = ""
    assert running.stdout is not None
    while f'"{check}"' not in out:
        line = running.stdout.readline()
        assert line, f"it ended before {check}: {out}"
        out += line
    return out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["^C", "SIGTERM"])
@pytest.mark.parametrize("step", ["api.auth", *(f"smoke.{name}" for name in STEPS[:-2])])
def test_nothing_is_left_by_who_is_interrupted(server: LocalServer, step: str, number: int, code: int) -> None:
    """After each step, with the next one under way."""
    with under_way() as running:
        out = read_until(running, step)
        running.send_signal(number)
        rest, err = running.communicate(timeout=20)
    remembered(("smoke",), Done(running.returncode, out + rest, err))
    assert running.returncode in {code, 0}  # it may have been over
    assert not ours(server)


HELD = {
    "create": "/twirp/livekit.RoomService/CreateRoom",
    "validate": "/rtc/validate",
    "join": "/rtc",
    "delete": "/twirp/livekit.RoomService/DeleteRoom",
}


@pytest.mark.parametrize("step", HELD)
def test_nothing_is_left_by_who_is_interrupted_while_it_waits(server: LocalServer, step: str) -> None:
    """^C while the server has not answered yet; what it was asked for is done all the same, a second later."""
    asked = threading.Event()

    async def hold(path: str) -> None:
        if path == HELD[step] and (step == "create" or ours(server)):
            first = not asked.is_set()
            asked.set()
            await asyncio.sleep(1 if first else 0)

    with relaying(port_of(server), Fault(hold=hold)) as port, under_way(env=at(port)) as running:
        assert asked.wait(15)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)
        assert running.returncode == 130
        assert until(lambda: not ours(server), 15)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=["^C", "SIGTERM"])
def test_who_is_interrupted_twice_cleans_up_all_the_same(server: LocalServer, second: int) -> None:
    """As ^C comes by way of a wrapper, or a CI that loses patience: the room is being deleted at that moment."""
    asked = threading.Event()

    async def hold(path: str) -> None:
        if path == HELD["delete"]:
            asked.set()
            await asyncio.sleep(1)

    with relaying(port_of(server), Fault(hold=hold)) as port, under_way(env=at(port)) as running:
        read_until(running, "smoke.validate")
        running.send_signal(signal.SIGINT)
        assert asked.wait(15)
        running.send_signal(second)
        running.communicate(timeout=20)
        assert not ours(server)
    assert running.returncode in {130, 143}


def test_nobody_joins_a_room_that_is_being_removed(server: LocalServer) -> None:
    """^C while the server judges the token; its answer comes while the room is deleted: a join would make it anew."""
    asked, here = threading.Event(), threading.local()

    def note(head: bytes) -> bytes:
        here.path = path_of(head)
        if here.path.startswith("/rtc/validate") and ours(server):
            asked.set()
            time.sleep(0.5)
        return head

    def delay(head: bytes) -> bytes:
        if here.path.endswith("/DeleteRoom"):
            time.sleep(2)
        elif here.path.startswith("/rtc?") and b" 101 " in head:
            joined.set()
        return head

    joined = threading.Event()
    with fakes.serving(front(port_of(server), request=note, answer=delay)) as port, under_way(env=at(port)) as running:
        assert asked.wait(15)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)
    assert running.returncode == 130
    assert not joined.is_set()
    assert not ours(server)


def test_who_is_killed_leaves_a_room_that_ends_by_itself(server: LocalServer) -> None:
    """SIGKILL: nobody can clean up, so the server does, seconds after the connection of the participant is gone."""
    with under_way() as running:
        read_until(running, "smoke.validate")
        assert until(lambda: any(api_of(server).list_participants(name) for name in ours(server)), 5)
        running.kill()
    assert until(lambda: not ours(server), 40)


def test_who_is_killed_before_anybody_joined(server: LocalServer) -> None:
    """The same by the room's own empty_timeout: 15 s for a run of 10."""
    asked = threading.Event()

    async def hold(path: str) -> None:
        if path == "/rtc/validate" and ours(server):
            asked.set()
            await asyncio.sleep(30)

    with relaying(port_of(server), Fault(hold=hold)) as port, under_way(env=at(port)) as running:
        assert asked.wait(15)
        running.kill()
        (name,) = ours(server)
        there = api_of(server).find_room(name)
        assert there is not None
        assert (there.empty_timeout, there.departure_timeout) == (15, 3)
        assert until(lambda: not ours(server), 40)


# As reports


def test_reports_of_a_red_run(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """JUnit has a case a step, GitHub an annotation that names the cause; the bundle opens and tells the same."""
    fault = changing_metadata(lambda _: "")
    with fault(Stage(server, LocalServer, Path())) as setup:
        monkeypatch.setenv("LIVEKIT_URL", setup.env["LIVEKIT_URL"])
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
        done = invoke("smoke", "--report", "github", "--report", "junit=smoke.xml", "--bundle", "smoke.zip")
    assert done.code == 1
    errors = [one for one in runner_commands(done.out) if one.name == "error"]
    assert errors[0].properties["title"] == "lkctl: smoke.metadata failed, and is the probable cause"
    assert "smoke.metadata" in Path("summary.md").read_text()
    junit_schema().validate("smoke.xml")
    root = parse("smoke.xml").getroot()  # noqa: S314  (our own)
    suite = next(one for one in root.iter("testsuite") if one.get("name") == "smoke.smoke")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == [f"smoke.{name}" for name in STEPS]
    failure = cases["smoke.metadata"].find("failure")
    assert failure is not None
    assert failure.get("type") == "expectation-failed"
    assert float(cases["smoke.join"].get("time", "0")) > 0
    again = json.loads(invoke("diagnose", "--from", "smoke.zip", "-o", "json").out)
    assert again["probable_cause"]["check"] == "smoke.metadata"

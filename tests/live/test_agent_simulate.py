"""`lkctl agent simulate` on a real server, with users who come when they like; and that it leaves no trace, ever."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import Participant, RoomRequest
from lkctl.server.api import Api
from tests.guests import guest
from tests.harness import Done, command, environment, invoke, on_terminal, spawn, until
from tests.live.test_demo import guests_of
from tests.watcher import Running, api_of, code_of, running, use
from tests.workers import worker

pytestmark = pytest.mark.live
Start = Callable[..., LocalServer]
A, B, C = (f"user_170406720000{number}_abc123" for number in range(3))


def metadata(user_id: str) -> str:
    return json.dumps({"userId": user_id})


def simulate(room: str, *words: str) -> Done:
    return invoke("agent", "simulate", room, *words, "-o", "json")


def simulators(api: Api, room: str) -> list[Participant]:
    """Give those in the room that are ours."""
    return [one for one in api.list_participants(room) if one.identity.startswith("lkctl-sim-")]


def joined(api: Api, room: str) -> Participant:
    """Wait until a simulator is in the room."""
    assert until(lambda: bool(simulators(api, room)), 15)
    return simulators(api, room)[0]


def gist(done: Done) -> tuple[int, str | None, str | None, list[str]]:
    answer = json.loads(done.out)
    return done.code, answer["user_id"], answer["source"], [one["code"] for one in answer["warnings"]]


def test_users_who_are_there(server: LocalServer, room: str) -> None:
    """With an ID: at once. Without: a second later, from what comes next."""
    api_of(server).create_room(RoomRequest(room, metadata=metadata(B)))
    with guest(server, "alice", room):
        assert gist(simulate(room)) == (0, B, "room.metadata", [])
    assert until(lambda: not api_of(server).list_participants(room))
    with guest(server, "alice", room, metadata=metadata(A)):
        done = simulate(room)
        assert gist(done) == (0, A, "participant.metadata", ["W-CONFLICT"])
        answer = json.loads(done.out)
        assert list(answer) == [
            "user_id", "source", "participant", "trusted", "via", "room", "warnings", "trace", "log",
        ]  # fmt: skip
        assert (answer["via"], answer["room"], answer["participant"]) == ("rtc", room, "alice")
        assert answer["log"] == [f"✅ Using user ID from metadata: {A}"]
        assert invoke("agent", "simulate", room, "-o", "name").out == f"{A}\n"
        assert invoke("agent", "simulate", room).out == f"{room}\t{A}\tparticipant.metadata\talice\n"


def test_a_user_who_comes_later(server: LocalServer, room: str) -> None:
    """Waited for; others, hidden ones and agents are not what is waited for."""
    api = api_of(server)
    api.create_room(RoomRequest(room, metadata=metadata(B)))
    with running("agent", "simulate", room, "-o", "json") as run:
        joined(api, room)
        with (
            guest(server, "bot", room, kind="agent", metadata=metadata(C)),
            guest(server, "ghost", room, grants={"hidden": True}, metadata=metadata(C)),
        ):
            time.sleep(3.5)
            assert run.process.poll() is None
            with guest(server, "alice", room, metadata=metadata(A)):
                assert gist(run.end()) == (0, A, "participant.metadata", ["W-SKIPPED", "W-CONFLICT"])


def test_metadata_that_comes_later(server: LocalServer, room: str) -> None:
    """Within the second after the user came it counts; then it is too late for this agent, and said so."""
    api = api_of(server)
    with guest(server, "alice", room), running("agent", "simulate", room, "--follow", "-o", "jsonl") as run:
        joined(api, room)
        api.update_participant(room, "alice", {"metadata": metadata(A)})
        decided = json.loads(run.lines.get(timeout=10) or "")
        assert (decided["user_id"], [one["code"] for one in decided["warnings"]]) == (A, [])
        api.update_participant(room, "alice", {"metadata": metadata(B)})
        changed = json.loads(run.lines.get(timeout=10) or "")
        assert (changed["user_id"], [one["code"] for one in changed["warnings"]]) == (B, ["W-LATE"])
        assert f"decided for {A} " in changed["warnings"][0]["message"]
        assert run.end(signal.SIGINT).code == 130
        assert simulators(api, room) == []


NOBODY = [
    pytest.param(None, "a random ID", None, id="random"),
    pytest.param(metadata(B), f"{B}, from room.metadata", B, id="the room's"),
]


@pytest.mark.parametrize(("text", "used", "user_id"), NOBODY)
def test_nobody_comes(text: str | None, used: str, user_id: str | None, server: LocalServer, room: str) -> None:
    """Exit 6, and what an agent would use then; who does not wait is not late."""
    api_of(server).create_room(RoomRequest(room, metadata=text))
    started = time.monotonic()
    done = simulate(room, "--timeout", "1.5")
    assert (code_of(done), json.loads(done.out)["user_id"]) == ((6, "wait-expired"), user_id)
    assert time.monotonic() - started >= 1.5
    told = f"no user came into room {room!r} within 1.5 s; an agent would then use {used}"
    assert json.loads(done.err)["error"]["message"] == told
    for wait, least in (("none", 0.0), ("1.5s", 1.5)):
        started = time.monotonic()
        done = simulate(room, "--wait", wait)
        assert (done.code, json.loads(done.out)["user_id"]) == (0, user_id)
        assert time.monotonic() - started >= least
    assert gist(simulate(room, "--order", "room.metadata,random"))[:2] == (0, user_id)  # no user could change it


DEMANDS = [
    pytest.param(["--expect", A], 0, id="expected"),
    pytest.param(["--expect", B], 1, id="another one"),
    pytest.param(["--require"], 0, id="required"),
    pytest.param(["--require", "--require-trusted"], 1, id="not trusted"),
    pytest.param(["--no-random", "--require-trusted"], 1, id="unresolved"),
    pytest.param(["--require-trusted", "--agent-env", f"CHROME_USER_ID={B}", "--expect", B], 0, id="the next one"),
]


@pytest.mark.parametrize(("words", "code"), DEMANDS)
def test_demands(words: list[str], code: int, server: LocalServer, room: str) -> None:
    with guest(server, "alice", room, metadata=metadata(A), grants={"canUpdateOwnMetadata": True}):
        done = simulate(room, *words)
    assert done.code == code
    assert not code or code_of(done) == (1, "expectation-failed")


def test_it_is_hidden_unless_asked(server: LocalServer, room: str) -> None:
    """The server knows of an agent that publishes and receives nothing; the others only of one that is visible."""
    api = api_of(server)
    with guest(server, "alice", room) as alice:
        for words, others in (([], 0), (["--visible"], 1)):
            with running("agent", "simulate", room, "--follow", "-o", "jsonl", *words) as run:
                assert run.lines.get(timeout=20) is not None
                one = joined(api, room)
                assert (one.kind, one.permission.hidden, one.permission.can_update_metadata) == (
                    "AGENT", not words, False,
                )  # fmt: skip
                assert (one.permission.can_publish, one.permission.can_subscribe) == (False, False)
                assert until(lambda: len(alice.do("others")) == others, 5)  # noqa: B023  (it is over by then)
                assert run.end(signal.SIGTERM).code == 143


def test_published(server: LocalServer, room: str) -> None:
    """As attributes, as long as it is there: on the server before the answer is given."""
    api = api_of(server)
    with guest(server, "alice", room, metadata=metadata(A)):
        with running("agent", "simulate", room, "--publish", "--follow", "-o", "jsonl") as run:
            answer = json.loads(run.lines.get(timeout=20) or "")
            assert answer["warnings"] == []
            shown = joined(api, room).attributes
            assert (shown["lkctl.user_id"], shown["lkctl.user_id.source"]) == (A, "participant.metadata")
            run.end(signal.SIGINT)
        assert simulators(api, room) == []
        with running("agent", "simulate", room, "--order", "random", "--publish", "--follow", "-o", "jsonl") as run:
            assert run.lines.get(timeout=20) is not None
            shown = joined(api, room).attributes
            assert "lkctl.user_id" not in shown  # it is not made
            assert shown["lkctl.user_id.source"] == "random"
            run.end(signal.SIGINT)


def test_not_published(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that refuses the attributes does so without a word; it is found out, and the exit code says so."""
    server = use(start_livekit_server(settings={"limit": {"max_attributes_size": 20}}), monkeypatch)
    api_of(server).create_room(RoomRequest("demo", metadata=metadata(B)))
    done = simulate("demo", "--publish", "--wait", "none")
    assert code_of(done) == (1, "expectation-failed")
    assert gist(done)[1:] == (B, "room.metadata", ["W-NOTPUBLISHED"])
    assert "the result is not published: " in json.loads(done.err)["error"]["message"]


def test_planned(server: LocalServer, room: str) -> None:
    """--dry-run looks, says what would be done, and does none of it."""
    assert code_of(simulate(room, "--dry-run")) == (3, "room-missing")
    done = simulate(room, "--dry-run", "--create", "--publish", "--wait", "5s")
    assert (done.code, json.loads(done.out)) == (0, {
        "room": room, "room_exists": False, "hidden": True, "wait_for_user_s": None, "wait_s": 5.0, "publish": True,
        "follow": False,
    })  # fmt: skip
    assert api_of(server).find_room(room) is None
    api_of(server).create_room(RoomRequest(room))
    assert invoke("agent", "simulate", room, "--dry-run", "--visible").out == (
        f"room\t{room}\nwould\tjoin visibly, as an agent; wait up to 30 s for a user, then up to 1 s for the metadata; "
        "decide; leave\n"
    )


def test_followed_for_a_time(server: LocalServer, room: str) -> None:
    """A --timeout that is given ends it with 0, whatever was seen; the wait before it ends with 6."""
    api_of(server).create_room(RoomRequest(room, metadata=metadata(B)))
    done = simulate(room, "--wait", "none", "--follow", "--timeout", "2")
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert code_of(simulate(room, "--follow", "--timeout", "1")) == (6, "wait-expired")


def test_on_a_terminal(server: LocalServer, room: str) -> None:
    """It says whom it waits for, explains what it decides, and prints the line of the agent's log."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    with ThreadPoolExecutor() as pool:
        screen = pool.submit(on_terminal, "agent", "simulate", room, "--color", "never", columns=140)
        identity = joined(api, room).identity
        time.sleep(2.5)
        with guest(server, "alice", room, metadata=json.dumps({"userId": "[red]\u202e"})):
            done = screen.result()
    assert done.code == 0
    assert f"{identity} is in room {room}, 1 s: waiting up to 30 s for a user" in done.out
    assert f"User ID in room {room}: [red]\\u202e, from participant.metadata of alice\n" in done.out
    assert "  ✅ Using user ID from metadata: [red]\\u202e\n" in done.out


def test_two_at_once(server: LocalServer, room: str) -> None:
    """They do not see each other, nor disturb each other, visible or not."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    with ThreadPoolExecutor() as pool:
        words = ("agent", "simulate", room, "--publish", "-o", "json")
        both = [pool.submit(spawn, *words), pool.submit(spawn, *words, "--visible")]
        assert until(lambda: len(simulators(api, room)) == 2, 15)
        with guest(server, "alice", room, metadata=metadata(A)):
            assert [gist(one.result())[:3] for one in both] == [(0, A, "participant.metadata")] * 2
    assert simulators(api, room) == []


def test_a_room_made_for_it(server: LocalServer, room: str) -> None:
    """It is there for users who come, calls nobody's agent, and goes with us, users or not."""
    api = api_of(server)
    with worker(server, "") as unnamed, running("agent", "simulate", room, "--create", "-o", "json") as run:
        joined(api, room)
        with guest(server, "alice", room, metadata=metadata(A)):
            assert gist(run.end()) == (0, A, "participant.metadata", [])
            assert api.find_room(room) is None
        assert unnamed.events.empty()


def test_what_others_can_read(server: LocalServer, room: str) -> None:
    """No token and no secret: in no output, with --debug neither, and not in the list of processes."""
    api_of(server).create_room(RoomRequest(room))
    with running("agent", "simulate", room, "--debug", "--publish", "-o", "json", "--timeout", "4") as run:
        joined(api_of(server), room)
        lines = [path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if _is_child(path, run.process.pid)]
        assert any("lkctl.server.guest" in line for line in lines)
        done = run.end()
    for text in (*lines, done.out, done.err):
        assert "eyJ" not in text
        assert server.secret.reveal() not in text


def _is_child(cmdline: Path, parent: int) -> bool:
    try:
        return f"\nPPid:\t{parent}\n" in (cmdline.parent / "status").read_text()
    except OSError:  # it has ended
        return False


def after_call(method: str, pause: float = 0.0) -> Callable[[Running, Api, str], None]:
    """Give what waits until the server has answered this call, and a little longer."""

    def wait(run: Running, _api: Api, _room: str) -> None:
        run.await_look(method)
        time.sleep(pause)

    return wait


def after_join(_: Running, api: Api, room: str) -> None:
    joined(api, room)


def after_decision(run: Running, _: Api, room: str) -> None:
    assert room in (run.lines.get(timeout=20) or "")


# When it is stopped, and further words
PHASES: list[Any] = [
    pytest.param(after_call("ListRooms"), [], id="the room is found"),
    pytest.param(after_call("CreateRoom"), ["--create"], id="the room is made"),
    pytest.param(after_call("ListDispatch"), ["--create"], id="it joins"),
    pytest.param(after_call("ListDispatch", 0.5), [], id="it is joining"),
    pytest.param(after_join, ["--create"], id="it waits"),
    pytest.param(after_decision, ["--create", "--wait", "none", "--follow", "--publish"], id="it follows"),
]
STOPS = [pytest.param((signal.SIGINT, 130), id="INT"), pytest.param((signal.SIGTERM, 143), id="TERM")]


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize(("phase", "words"), PHASES)
def test_stopped(
    phase: Callable[[Running, Api, str], None],
    words: list[str],
    stop: tuple[signal.Signals, int],
    server: LocalServer,
    room: str,
) -> None:
    """At any moment: its exit code, soon; no participant, no process, no room of its own."""
    api, (number, code) = api_of(server), stop
    before = None if "--create" in words else api.create_room(RoomRequest(room))
    dispatches = None if before is None else api.list_dispatches(room)
    with running("agent", "simulate", room, "--debug", "-o", "jsonl", *words) as run:
        phase(run, api, room)
        started = time.monotonic()
        done = run.end(number)
    assert time.monotonic() - started < 8
    assert (done.code, "Traceback" in done.err) == (code, False)
    assert guests_of(run.process.pid) == []
    found = api.find_room(room)
    if before is None or dispatches is None:
        assert found is None
    else:
        assert found is not None
        assert (found.sid, api.list_participants(room), api.list_dispatches(room)) == (before.sid, [], dispatches)


def test_killed(server: LocalServer, room: str) -> None:
    """Nothing can be done then, but the participant goes by itself, and its process."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    with running("agent", "simulate", room) as run:
        joined(api, room)
        run.process.kill()
        assert until(lambda: simulators(api, room) == [], 10)
        assert until(lambda: guests_of(run.process.pid) == [], 5)


def test_the_server_goes_away(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits: told at once, by cause; the room is not made anew when the server is back."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    api_of(server).create_room(RoomRequest("demo"))
    for words in ([], ["--create"]):
        with running("agent", "simulate", "demo", "-o", "json", *words) as run:
            joined(api_of(server), "demo")
            time.sleep(1)  # it knows that it is in
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            server.stop()
            server.start()
            assert code_of(run.end()) == (5, "net-failed")
        time.sleep(0.5)
        assert api_of(server).find_room("demo") is None


def test_the_server_stands_still(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits: the time limit holds, cleaning up hangs nowhere, and when it goes on, nobody is left."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    api = api_of(server)
    api.create_room(RoomRequest("demo"))
    with running("agent", "simulate", "demo", "-o", "json", "--timeout", "5") as run:
        joined(api, "demo")
        time.sleep(1)  # it knows that it is in
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            assert code_of(run.end()) == (6, "wait-expired")
            assert time.monotonic() - started < 15
            assert guests_of(run.process.pid) == []
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert until(lambda: simulators(api, "demo") == [], 10)


def test_put_out(server: LocalServer, room: str) -> None:
    """By the end of the room, or by somebody who does not want it there."""
    api = api_of(server)
    endings: list[tuple[Callable[[str], object], tuple[int, str]]] = [
        (lambda identity: api.remove_participant(room, identity), (3, "participant-missing")),
        (lambda _: api.delete_room(room), (3, "room-missing")),
    ]
    api.create_room(RoomRequest(room))
    for end, expected in endings:
        with running("agent", "simulate", room, "-o", "json") as run:
            identity = joined(api, room).identity
            time.sleep(1)  # it knows that it is in
            end(identity)
            assert code_of(run.end()) == expected


def test_a_reader_who_has_gone(server: LocalServer, room: str) -> None:
    """`| head -1` ends it with 141, and it leaves properly."""
    api_of(server).create_room(RoomRequest(room))
    words = " ".join(command("agent", "simulate", room, "--wait", "none", "--follow", "-q", "-o", "tsv"))
    line = f"{words} | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    piped = subprocess.run(["bash", "-c", line], env=environment(), capture_output=True, timeout=30, check=False)
    assert (piped.returncode, piped.stderr) == (141, b"")
    assert simulators(api_of(server), room) == []

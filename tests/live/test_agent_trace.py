"""Agents that nobody here wrote, as real workers under the trace: the line and the source of each read."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lkctl.agents.trace.reading import judge_reads
from lkctl.agents.trace.tracing import Trace
from lkctl.localserver.process import LocalServer
from lkctl.userid import ENV_NAME, Participant, Room, Snapshot
from tests.agentworkers import AgentWorker, agent_worker
from tests.guests import guest
from tests.harness import invoke, spawn

pytestmark = pytest.mark.live

SCRIPTS = Path(__file__).parents[1] / "scripts"
EXAMPLES = SCRIPTS.with_name("examples")
ID = "user_1704067200000_"
ROOM, WHO, JOB = (f'{{"userId":"{ID}{where}"}}' for where in ("room", "who", "job"))


@contextmanager
def traced(
    server: LocalServer, room: str, script: Path, *, env: Mapping[str, str] | None = None, names: str = ENV_NAME
) -> Iterator[tuple[AgentWorker, Trace]]:
    """Have a script at work in the room, under the trace."""
    name = f"traced-{secrets.token_hex(4)}"
    with Trace(names.split(",")) as trace:
        given = trace.environment({ENV_NAME: f"{ID}env", **(env or {})})
        with agent_worker(server, name, (str(script), "start"), env=given) as worker:
            assert invoke("dispatch", "create", room, name, "--metadata", JOB).code == 0
            yield worker, trace


def seen(trace: Trace, script: Path) -> list[tuple[Any, ...]]:
    """Give the reads in short; each is in the script."""
    assert {Path(read.file) for read in trace.reads()} == {script}
    return [(read.line, read.source, read.subject, read.connected, read.value.split()[0]) for read in trace.reads()]


def flaws(trace: Trace, room: Room | None, *people: Participant) -> list[tuple[str, int]]:
    """Give id and line of what is wrong."""
    snapshot = Snapshot(room=room, participants=people, env={ENV_NAME: f"{ID}env"})
    return [(flaw.id, flaw.line) for flaw in judge_reads(trace.reads(), snapshot, trace.scripts())]


def test_the_metadata_of_the_room_read_too_early(server: LocalServer, room: str) -> None:
    script = SCRIPTS / "early_metadata.py"
    assert invoke("room", "create", room, "--metadata", ROOM).code == 0
    with traced(server, room, script) as (worker, trace):
        worker.await_line(lambda line: line == f"the user is {ID}env\n".encode())
        assert seen(trace, script) == [
            (13, "room.metadata", "", False, '""'),
            (17, "env", ENV_NAME, False, f"{ID}env"),
        ]
        assert trace.unavailable == ""
        assert flaws(trace, Room(room, ROOM)) == [("before-connect", 13)]
    assert flaws(trace, Room(room)) == [("before-connect", 13)], "known after the end, too"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param({}, [(14, "participant.metadata", "user", True, f"{ID}who")], id="a user alone"),
        pytest.param(
            {"recorder": {"kind": "egress"}},
            [
                (14, "participant.metadata", "recorder", True, '""'),
                (15, "participant.attributes", "recorder", True, "{}"),
                (16, "participant.identity", "recorder", True, '"recorder"'),
            ],
            id="a recorder before him",
        ),
    ],
)
def test_whoever_comes_first(
    server: LocalServer, room: str, others: dict[str, dict[str, Any]], expected: list[tuple[Any, ...]]
) -> None:
    script = SCRIPTS / "first_participant.py"
    with ExitStack() as stack:
        for identity, options in others.items():
            stack.enter_context(guest(server, identity, room, **options))
        if not others:
            stack.enter_context(guest(server, "user", room, metadata=WHO))
        worker, trace = stack.enter_context(traced(server, room, script))
        worker.await_line(lambda line: line.startswith(b"hello "))
        assert seen(trace, script) == [(13, "room.remote_participants", "", True, "1"), *expected]
        people = [Participant("user", metadata=WHO), Participant("recorder", kind="EGRESS")]
        severe = [("first-participant", 14)] if others else []
        assert flaws(trace, Room(room), *people) == [*severe, ("first-participant", 13)]


def test_parts_of_names_in_the_old_style(server: LocalServer, room: str) -> None:
    script = SCRIPTS / "split_name.py"
    user = f"{ID}who"
    with guest(server, user, room), traced(server, room, script) as (worker, trace):
        worker.await_line(lambda line: line.startswith(b"user "))
        assert seen(trace, script) == [
            (7, "room.name", "", False, f'"{room}"'),
            (10, "participant.identity", user, True, f'"{user}"'),
        ]
        assert flaws(trace, Room(room), Participant(user)) == [("cut-text", 7), ("cut-text", 10), ("unread", 0)]
        bound = worker.await_message("starting worker")
    assert ":8081" not in str(bound)


def test_the_job_and_the_api(server: LocalServer, room: str) -> None:
    script = SCRIPTS / "job_metadata.py"
    assert invoke("room", "create", room, "--metadata", ROOM).code == 0
    with traced(server, room, script) as (worker, trace):
        worker.await_line(lambda line: line == f"{ID}job True True\n".encode())
        assert seen(trace, script) == [
            (13, "job.room.metadata", "", False, f"{ID}room"),
            (19, "job.metadata", "", False, f"{ID}job"),
            (20, "job.room.metadata", "", False, f"{ID}room"),
            (25, "job.room.name", "", True, f'"{room}"'),
            (26, "api.room.metadata", "", True, f"{ID}room"),
        ]
        assert flaws(trace, Room(room, ROOM)) == []


def test_an_agent_that_finds_its_user(server: LocalServer, room: str) -> None:
    script = EXAMPLES / "agent.py"
    with guest(server, "user", room, metadata=WHO), traced(server, room, script) as (worker, trace):
        worker.await_line(lambda line: f"{ID}who".encode() in line)
        assert {(read.through, read.line) for read in trace.reads()} == {("lkctl", 13)}
        places = {read.place for read in trace.reads()}
        assert {"participant.metadata", "room.metadata", "room.name", "env", "job.metadata"} <= places
        assert flaws(trace, Room(room), Participant("user", metadata=WHO)) == []


@pytest.mark.parametrize("executor", ["process", "thread"])
def test_unruly_agents(server: LocalServer, room: str, tmp_path: Path, executor: str) -> None:
    script = SCRIPTS / "unruly.py"
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(2, f'mine: {__name__}\\n'.encode())")
    env = {"PYTHONPATH": str(tmp_path), "EXECUTOR": executor, "MANY": ""}
    huge = json.dumps({"userId": f"{ID}huge", "fill": "x" * 400_000})
    assert invoke("room", "create", room, "--metadata", huge).code == 0
    with traced(server, room, script, env=env, names=f"{ENV_NAME},MANY") as (worker, trace):
        worker.await_line(lambda line: line.startswith(b"done"), 60)
        assert b"done True True\n" in worker.lines, "the script is not harmed"
        assert b"mine: sitecustomize\n" in worker.complaints, "its own sitecustomize is run"
        file = Path(trace.environment({})["LKCTL_TRACE_FILE"])
        assert file.stat().st_size < 2 << 20
        found = {(read.source, read.line): read for read in trace.reads()}
        assert trace.unavailable == ""
        assert "eyJ" not in repr(trace.reads())
    by_source = {read.source: read for read in found.values()}
    assert by_source["room.metadata"].value.startswith(f"{ID}huge in 400")
    assert max(read.count for read in found.values() if read.source == "room.name") >= 65_536
    many = [read for read in trace.reads() if read.subject == "MANY"]
    assert (len(many), many[-1].value) == (17, "(other values)"), "a flood hides nothing else"
    assert not file.parent.exists()
    assert _line_of(script, "os._exit(") in {line for source, line in found if source == "env"}, "also where it forks"


def _line_of(script: Path, text: str) -> int:
    return next(at for at, line in enumerate(script.read_text().splitlines(), 1) if text in line)


LAUNCHES = [
    pytest.param("early_metadata.py", [("before-connect", 13), ("unread", 0)], "env", 1, id="metadata too early"),
    pytest.param(
        "first_participant.py", [("first-participant", 13)], "participant.metadata", 0, id="whoever comes first"
    ),
    pytest.param("split_name.py", [("cut-text", 7), ("cut-text", 10), ("unread", 0)], None, 0, id="parts of names"),
    pytest.param("../examples/agent.py", [], "participant.metadata", 0, id="an agent that finds its user"),
]


@pytest.mark.parametrize(("script", "expected", "source", "code"), LAUNCHES)
def test_what_launch_tells(
    server: LocalServer, script: str, expected: list[tuple[str, int]], source: str | None, code: int
) -> None:
    asked = ("--canary", "--script", str(SCRIPTS / script), "--window", "1s", "--timeout", "60s", "-o", "json")
    done = spawn("agent", "launch", *asked, env=server.environ)
    assert done.code == code, done.err
    answer = json.loads(done.out)
    assert [(flaw["id"], flaw["line"]) for flaw in answer["flaws"]] == expected
    assert answer["source"] == source
    assert answer["trace_unavailable"] is None

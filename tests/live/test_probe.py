"""`diagnose --agent --probe` on a real server, with real workers: each fate has its own cause, and nothing is left."""

import json
import secrets
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import SECRETS, Done, command, invoke, remembered, spawn, until
from tests.redis import api_of
from tests.workers import worker

pytestmark = pytest.mark.live
ONLY = ("--only", "agent.*", "--only", "probe.*")


@pytest.fixture
def name() -> str:
    """A name that no other test's worker has."""
    return f"Prober-{secrets.token_hex(4)}"


@pytest.fixture(autouse=True)
def nothing_left(server: LocalServer) -> Iterator[None]:
    """No room of a probe is left behind, whatever the test did."""
    yield
    assert not probe_rooms(server)


def probe_rooms(server: LocalServer) -> set[str]:
    return {one for one in api_of(server).existing_rooms() if one.startswith("lkctl-probe-")}


def probe(name: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Probe an agent, and give exit code and report."""
    return report_of(spawn("diagnose", "--agent", name, "--probe", *ONLY, *more, "-o", "json"))


def report_of(done: Done) -> tuple[int, dict[str, Any]]:
    assert "eyJ" not in done.out + done.err
    return done.code, dict(json.loads(done.out))


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["status"] for one in report["results"]}


def detail_of(report: dict[str, Any], check: str) -> str:
    return str(next(one["detail"] for one in report["results"] if one["id"] == check))


@dataclass(frozen=True)
class Case:
    """A worker, and what must be said of it."""

    answer: str | None  # None: there is none
    code: str
    says: str
    rules_out: str = "one with this key can register"
    called: Callable[[str], str] = str  # from the name that is asked for to the worker's


CASES = {
    "nobody there": Case(None, "agent-missing", "none called exactly"),
    "refuses": Case("refuse", "agent-missing", "none called exactly"),
    "says nothing": Case("ignore", "agent-missing", "none called exactly", "another spelling"),
    "is busy under another spelling": Case(
        "refuse", "agent-missing", "none called exactly", "unless that is full", called=str.lower
    ),
    "refuses for good": Case("end", "agent-missing", "refused the job for good"),
    "has a name in lower case": Case("take", "agent-missing", "but one called 'prober-", called=str.lower),
    "has an underscore for a dash": Case(
        "take", "agent-missing", "but one called 'Prober_", called=lambda name: name.replace("-", "_")
    ),
    "stays away": Case("stay-away", "agent-lost", "no agent was seen within 20 s"),
    "wants metadata": Case("needs-metadata", "agent-lost", "crashes where the job has no metadata"),
    "is killed": Case("die", "agent-lost", "its process died"),
    "leaves": Case("leave", "agent-lost", "it crashed, or ends if alone", "empty metadata"),
}


@pytest.fixture(scope="module")
def ends(livekit_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Probe all of them side by side: 35 s instead of three minutes."""
    SECRETS.add(livekit_server.secret.reveal())
    place = tmp_path_factory.mktemp("probes")

    def run(name: str) -> Done:
        words = ("diagnose", "--agent", name, "--probe", *ONLY, "-o", "json")
        return spawn(*words, env=livekit_server.environ, cwd=place)

    names = [f"Prober-{secrets.token_hex(4)}" for _ in CASES]
    with ExitStack() as stack:
        for case, name in zip(CASES.values(), names, strict=True):
            if case.answer is not None:
                stack.enter_context(worker(livekit_server, case.called(name), case.answer))
        pool = stack.enter_context(ThreadPoolExecutor(len(CASES)))
        return dict(zip(CASES, pool.map(run, names), strict=True))


@pytest.mark.parametrize("what", CASES)
def test_an_agent_that_does_not_come(what: str, ends: dict[str, Done]) -> None:
    """Eleven fates, which LiveKit's own list shows as two; each has its own words, one cause, and proof."""
    case = CASES[what]
    code, report = report_of(ends[what])
    cause = report["probable_cause"]
    assert (code, cause["check"], cause["code"]) == (1, "probe.agent", case.code)
    assert case.says in cause["message"]
    assert any(case.rules_out in said for said in cause["ruled_out"])
    assert cause["evidence"]
    assert cause["hint"]
    assert not cause["others"]


def test_a_worker_without_a_name(server: LocalServer, name: str) -> None:
    """Who calls an agent by name does not reach it."""
    with worker(server, ""):
        code, report = probe(name)
    assert (code, report["probable_cause"]["code"]) == (1, "agent-missing")
    assert "but one without a name" in report["probable_cause"]["message"]


def test_an_agent_that_comes(server: LocalServer, name: str) -> None:
    """A pass says after how many seconds, and what it does not prove; the room is there meanwhile, and only then."""
    seen: set[str] = set()
    assert not probe_rooms(server)
    with worker(server, name), looking(lambda: seen.update(probe_rooms(server))):
        code, report = probe(name)
    assert (code, report["verdict"]) == (0, "pass")
    assert statuses(report) == {
        "agent.register": "pass", "agent.name": "pass", "agent.seen": "pass",
        "probe.agent": "pass", "probe.worker": "skip",
    }  # fmt: skip
    said = detail_of(report, "probe.agent")
    assert f"an agent '{name}' came after " in said
    assert "its process answers" in said
    assert "proves neither that it hears nor that it speaks" in said
    assert len(seen) == 1


def test_an_agent_without_a_name(server: LocalServer) -> None:
    """It is called by the server itself, into a room for which nobody names agents."""
    with worker(server, ""):
        code, report = report_of(spawn("diagnose", "--any-agent", "--probe", *ONLY, "-o", "json"))
    assert (code, report["verdict"]) == (0, "pass")
    assert "an agent without a name came after " in detail_of(report, "probe.agent")
    both = invoke("diagnose", "--any-agent", "--agent", "helper")
    assert (both.code, both.err.count("--any-agent excludes --agent")) == (2, 1)


def test_without_probe_nothing_is_made(server: LocalServer, name: str) -> None:
    """--agent alone only looks: the list of rooms is the same before, during and after.

    A worker that nobody calls is nowhere to be seen. That is no pass, for one that never comes looks the same.
    """
    before = api_of(server).existing_rooms()
    seen: set[str] = set()
    with worker(server, name) as one, looking(lambda: seen.update(api_of(server).existing_rooms())):
        code, report = report_of(spawn("diagnose", "--agent", name, "-o", "json"))
        assert one.events.empty()
    assert (code, [check for check, status in statuses(report).items() if status not in {"pass", "skip"}]) == (
        1, ["agent.seen"],
    )  # fmt: skip
    assert not [check for check in statuses(report) if check.startswith("probe.")]
    assert before == api_of(server).existing_rooms() == seen


@pytest.mark.parametrize("nameless", [False, True], ids=["--agent", "--any-agent"])
def test_an_agent_that_is_nowhere(nameless: bool, server: LocalServer, room: str, name: str) -> None:
    """Whether it works is not known; the first line and the last say so, and how to find it out."""
    words, called = (("--any-agent",), "") if nameless else (("--agent", name), name)
    assert invoke("room", "create", room, *(("--agent", name) if called else ())).code == 0
    wait_for_verdict(room)
    code, report = report_of(invoke("diagnose", *words, *ONLY[:2], "-o", "json"))
    cause = report["probable_cause"]
    assert (code, statuses(report)["agent.seen"], cause["check"]) == (1, "unknown", "agent.seen")
    assert cause["evidence"] == ([f"'{name}' was called to room '{room}', and no worker took it"] if called else [])
    assert f"lkctl diagnose {' '.join(words)} --probe" in cause["hint"]
    told = invoke("diagnose", *words, *ONLY[:2], "-o", "table").out.splitlines()
    assert told[0] == told[-1]
    assert "whether it works is not known; --probe finds out" in told[0]


def test_an_agent_at_work(server: LocalServer, room: str, name: str) -> None:
    """It is in a room, with a path for media: seen is enough, and nothing has to be started."""
    with worker(server, name):
        assert invoke("room", "create", room, "--agent", name).code == 0
        assert until(lambda: any(one.state == "ACTIVE" for one in api_of(server).list_participants(room)))
        code, report = report_of(invoke("diagnose", "--agent", name, *ONLY[:2], "-o", "json"))
    assert (code, report["verdict"]) == (0, "pass")
    assert f"1 agent '{name}': '{room}' (ACTIVE" in detail_of(report, "agent.seen")


def test_too_little_time(server: LocalServer, name: str) -> None:
    """A verdict that was not reached is none: unknown, which fails."""
    with worker(server, name, "stay-away"):
        code, report = probe(name, "--timeout", "9s")
    assert (code, statuses(report)["probe.agent"]) == (1, "unknown")
    assert "too early" in report["probable_cause"]["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["^C", "SIGTERM"])
@pytest.mark.parametrize(
    "answer", ["take", "slow", "stay-away", None], ids=["agent there", "agent on its way", "agent lost", "nobody"]
)
def test_an_end_before_the_end(answer: str | None, number: signal.Signals, server: LocalServer, name: str) -> None:
    """The room goes, also when lkctl is interrupted; within 5 s, before it ends, and no agent brings it back."""
    with ExitStack() as stack:
        if answer is not None:
            stack.enter_context(worker(server, name, answer))
        words = command("diagnose", "--agent", name, "--probe", *ONLY)
        process = stack.enter_context(
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        assert until(lambda: bool(probe_rooms(server)))
        process.send_signal(number)
        out, err = process.communicate(timeout=8)
        assert not probe_rooms(server)
        assert not until(lambda: bool(probe_rooms(server)), 1)
    done = remembered(("diagnose", "--probe"), Done(process.returncode, out, err))
    assert done.code == 128 + number
    assert "Traceback" not in done.err


def test_the_room_that_nobody_called_to_follows(server: LocalServer, room: str, name: str) -> None:
    """A room waits in vain because there is no worker: one cause, found by the probe."""
    assert invoke("room", "create", room, "--agent", name).code == 0
    wait_for_verdict(room)
    code, report = probe(name, "--room", room, "--only", "room.*")
    cause = report["probable_cause"]
    assert (code, cause["check"], cause["code"]) == (1, "probe.agent", "agent-missing")
    assert "room.dispatches" in cause["follows"]
    assert not cause["others"]


def test_a_worker_that_came_after_the_room(server: LocalServer, room: str, name: str) -> None:
    """The probe passes, the room waits all the same: its call was made before there was a worker."""
    assert invoke("room", "create", room, "--agent", name).code == 0
    wait_for_verdict(room)
    with worker(server, name):
        code, report = probe(name, "--room", room, "--only", "room.*")
    assert (code, statuses(report)["probe.agent"]) == (1, "pass")
    cause = report["probable_cause"]
    assert cause["check"] == "room.dispatches"
    assert "gets no old call" in cause["hint"]


def wait_for_verdict(room: str) -> None:
    """Let 6 s pass, after which a job would have been listed."""

    def verdicts() -> set[str]:
        return {one["verdict"] for one in json.loads(invoke("dispatch", "list", room, "-o", "json").out)}

    assert until(lambda: "too-early" not in verdicts())


@contextmanager
def looking(look: Callable[[], object]) -> Iterator[None]:
    """Look again and again for the time of the `with`."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.05):
            look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

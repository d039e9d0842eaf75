"""What a worker's words are taken for: lines as livekit-agents 1.8.9 writes them, and lines that nobody writes."""

import json
import random

import pytest

from lkctl.agents.launch.diagnosis import bundled_hints, failure_of
from lkctl.agents.launch.logline import read_line
from lkctl.agents.launch.symptoms import WorkerLog

ID = "user_1704067200000_abc123"


def dev(message: str, level: str = "INFO", logger: str = "livekit.agents", **fields: object) -> str:
    """A line as `dev` writes it."""
    extra = json.dumps(fields) if fields else ""
    return f"2026-11-21 16:58:24,536 - \x1b[32m{level}\x1b[0m {logger} - {message} \x1b[90m{extra}\x1b[0m"


def start(message: str, level: str = "INFO", logger: str = "livekit.agents", **fields: object) -> str:
    """A line as `start` writes it."""
    return json.dumps({"message": message, "level": level, "name": logger, **fields, "timestamp": "2026-11-21"})


def heard(*lines: str) -> WorkerLog:
    log = WorkerLog()
    for line in lines:
        log.hear(line)
    return log


TRACE = ["Traceback (most recent call last):", '  File "a.py", line 3, in f', "    g()", "KeyError: 'userId'"]
REFUSED = "401, message='Invalid response status', url='ws://127.0.0.1:7880/agent'"
RETRY = "failed to connect to livekit, retrying in 0s"
CRASH = "unhandled exception while running the job task"

FAILURES = [
    pytest.param([(RETRY, {"error": REFUSED})], "agent-credentials", "(401)", id="401"),
    pytest.param([(RETRY, {"error": REFUSED.replace("401", "403")})], "agent-credentials", "(403)", id="403"),
    pytest.param([(RETRY, {"error": REFUSED.replace("401", "404")})], "agent-unreachable", "HTTP 404", id="404"),
    pytest.param([(RETRY, {"error": "Cannot connect"})] * 2, "agent-unreachable", "Cannot connect", id="refused"),
    pytest.param([("worker failed", {"exc_info": "\n".join(TRACE)})], "agent-start-failed", "'userId'", id="failed"),
    pytest.param(
        [("worker failed", {"exc_info": "OSError: [Errno 98] error while attempting to bind"})],
        "agent-port-taken", "Errno 98", id="port",
    ),
    pytest.param([(CRASH, {"exc_info": "\n".join(TRACE)})], "agent-crashed", "KeyError: 'userId'", id="crash"),
    pytest.param(
        [("process exited with non-zero exit code -11", {})], "agent-crashed", "exit code -11", id="process ended"
    ),
    pytest.param([("starting worker", {})] * 2, "agent-script", "__main__", id="a worker in the job's process"),
    pytest.param([("job_request_fnc failed", {})], "agent-rejected", "raised", id="request function"),
    pytest.param(
        [("The job task completed without establishing a connection", {})], "agent-unconnected", "connect", id="no join"
    ),
    pytest.param(
        [
            ("registered worker", {"agent_name": "a"}),
            ("worker failed", {"exc_info": "RuntimeError: failed to connect to livekit after 2 attempts"}),
        ],
        "agent-unreachable", "after 2 attempts", id="lost for good",
    ),
    pytest.param(
        [("registered worker", {"agent_name": "a"}), ("worker failed", {"exc_info": "A: b"})], "agent-crashed", "A: b",
        id="failed later",
    ),
    pytest.param([(RETRY, {"error": "Cannot connect"})], None, "", id="one failed try is tolerated"),
    pytest.param(
        [("registered worker", {"agent_name": "a"}), (RETRY, {"error": REFUSED})], None, "", id="lost after registering"
    ),
    pytest.param([("no warmed process available for job", {})], None, "", id="nothing of note"),
]  # fmt: skip


@pytest.mark.parametrize("write", [dev, start], ids=["dev", "start"])
@pytest.mark.parametrize(("lines", "code", "words"), FAILURES)
def test_failures(lines: list[tuple[str, dict[str, object]]], code: str | None, words: str, write: object) -> None:
    assert callable(write)
    failure = heard(*(write(message, **fields) for message, fields in lines)).failure
    assert (failure.code if failure else None) == code
    assert words in str(failure)


def test_a_traceback_in_lines_of_its_own() -> None:
    """As `dev` writes it; what comes after the next record is another matter."""
    other = ["Traceback (most recent call last):", "ValueError: another"]
    log = heard(dev("worker failed", "ERROR"), *TRACE, dev("shutting down worker"), *other)
    assert str(log.failure) == "the worker failed: KeyError: 'userId'"


def test_the_first_failure_counts() -> None:
    log = heard(start(CRASH, exc_info="A: b"), start("process exited with non-zero exit code 1"))
    assert str(log.failure).endswith("A: b")


ENDS = [
    pytest.param([], 0, "agent-start-failed", "(exit status 0)", id="silent"),
    pytest.param(TRACE, 1, "agent-start-failed", "KeyError: 'userId'", id="traceback"),
    pytest.param(["no key"], 1, "agent-start-failed", ": no key", id="last word"),
    pytest.param([], -11, "agent-start-failed", "signal 11", id="signal"),
    pytest.param([dev("registered worker", agent_name="a")], 1, "agent-crashed", "after it had registered", id="later"),
    pytest.param(
        [TRACE[0], "ModuleNotFoundError: No module named 'livekit'"], 1, "extra-missing", "livekit", id="no SDK"
    ),
    pytest.param(
        [TRACE[0], "ModuleNotFoundError: No module named 'livekit.plugins'"], 1, "agent-start-failed", "plugins",
        id="no plugin",
    ),
    pytest.param(
        [TRACE[0], "livekit.agents._exceptions.CLIError: Could not find AgentServer in module, try"], 1, "agent-script",
        "no agent server", id="no agent",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "status", "code", "words"), ENDS)
def test_ends(lines: list[str], status: int, code: str, words: str) -> None:
    """What a worker that has ended is judged by."""
    symptom = heard(*lines).end(status)
    assert symptom.code == code
    assert words in str(symptom)


@pytest.mark.parametrize(
    ("lines", "status", "expected"),
    [
        (["│ No such command 'dev'. │"], 2, True),
        (["x.py: error: argument command: invalid choice: 'dev' (choose from 'run')"], 2, True),
        (["hello"], 0, True),
        (["the key is missing"], 1, False),
        ([dev("starting worker")], 0, False),
        ([dev("starting worker"), "invalid choice"], 1, False),
    ],
    ids=["typer", "argparse", "runs through", "fails", "a worker", "says so later"],
)
def test_a_script_without_dev(lines: list[str], status: int, expected: bool) -> None:
    assert heard(*lines).knows_no_dev(status) is expected


def test_what_goes_well() -> None:
    result = {"user_id": ID, "source": "env", "log": []}
    log = heard(
        dev("starting worker", version="1.8.9"),
        dev("registered worker", agent_name="lkctl-1", url="ws://a:1"),
        dev("received job request", job_id="AJ_1"),
        f"✅ Using user ID from metadata: {ID}",
        dev(f"🌍 Using user ID from environment: {ID}", logger="my-agent"),
        "LKCTL_RESULT " + json.dumps(result),
        dev("job exiting", reason="done"),
    )
    assert (log.version, log.registered, log.url, log.requested, log.over) == (
        "1.8.9",
        "lkctl-1",
        "ws://a:1",
        True,
        "done",
    )
    assert log.logged == [f"✅ Using user ID from metadata: {ID}", f"🌍 Using user ID from environment: {ID}"]
    assert log.result == result
    assert log.failure is None
    assert not any("LKCTL_RESULT" in line for line in log.last)


HINTS = [
    pytest.param([dev(CRASH, exc_info="A: b")], None, "The traceback names the line", id="a traceback"),
    pytest.param([dev(CRASH), *TRACE], None, "The traceback names the line", id="a traceback behind it"),
    pytest.param([dev("process exited with non-zero exit code 3")], None, "status 3: os._exit", id="no traceback"),
    pytest.param(
        [*TRACE, dev("process exited with non-zero exit code 1")], None, "The traceback", id="a traceback before it"
    ),
    pytest.param([dev("process exited with non-zero exit code -11")], None, "signal 11", id="a signal"),
    pytest.param([dev("registered worker", agent_name="a")], 4, "status 4: os._exit", id="the worker ends"),
    pytest.param([dev("registered worker", agent_name="a"), *TRACE], 1, "The traceback", id="the worker raises"),
    pytest.param([], 0, "Run the script by itself", id="it never started"),
]


@pytest.mark.parametrize(("lines", "status", "words"), HINTS)
def test_hints(lines: list[str], status: int | None, words: str) -> None:
    """A traceback is spoken of where one was heard, and else what the end of a process tells."""
    log = heard(*lines)
    symptom = log.failure if status is None else log.end(status)
    assert symptom is not None
    assert words in failure_of(symptom).hint


def test_the_bundled_agent_is_no_script() -> None:
    symptom = heard().end(0)
    assert "python-x" in failure_of(symptom, hints=bundled_hints("python-x")).hint


@pytest.mark.parametrize("write", [dev, start], ids=["dev", "start"])
def test_last_words(write: object) -> None:
    """Records of both kinds look alike; what is said for those who debug is left out."""
    assert callable(write)
    log = heard(write("received", id=1), write("hidden", "DEBUG"), write("it failed", "ERROR", error="no key"), "print")
    assert log.last == ("INFO livekit.agents - received", "ERROR livekit.agents - it failed: no key", "print")


SAID = [
    pytest.param("hello", "hello", id="print"),
    pytest.param(dev("hello", logger="my-agent", room="r", user="u"), "hello u", id="the script's own record"),
    pytest.param(start("hello", logger="my-agent", room="r", job_id="j"), "hello", id="what the SDK adds"),
    pytest.param(dev("received job request", room="r"), "", id="the SDK's own record"),
    pytest.param('{"message": 1, "level": "INFO"}', '{"message": 1, "level": "INFO"}', id="JSON that is no record"),
    pytest.param(dev('a {"b": 1} c', logger="x"), 'a {"b": 1} c', id="JSON in a message"),
]


@pytest.mark.parametrize(("line", "said"), SAID)
def test_what_a_script_says(line: str, said: str) -> None:
    assert read_line(line).said == said


@pytest.mark.parametrize(
    "line", ["LKCTL_RESULT {", "LKCTL_RESULT []", "LKCTL_RESULT {}", "LKCTL_RESULT " + "[" * 99999]
)
def test_what_is_no_result(line: str) -> None:
    assert heard(line).result is None


def test_nothing_that_a_worker_writes_is_an_error() -> None:
    """Whatever comes, the listener lives: else the worker would hang on a full pipe."""
    pieces = [
        dev("x"), start("registered worker", agent_name={"a": []}), "{", '{"a":', "\x1b[", "\x00", "\ud800",
        "LKCTL_RESULT ", ' {"' * 1000, "[" * 5000, start(RETRY, error=None), start("worker failed", exc_info=7),
        "}", "\n", "Traceback ",
        '{"message": "worker failed", "level": "E", "name": "livekit.agents", "exc_info": {"a": 1}}',
    ]  # fmt: skip
    chance = random.Random(6)  # noqa: S311
    log = WorkerLog()
    for _ in range(3000):
        log.hear("".join(chance.choices(pieces, k=chance.randint(0, 4))))
    assert len(log.last) <= 20
    assert str(log.failure)
    assert str(log.end(1))

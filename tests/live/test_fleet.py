"""Hundreds of rooms, each asked: complete, in order, bounded in tries and time; with a server that is lost amid it."""

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Settings, environment_layer
from tests.harness import SECRETS, Done, command, environment, invoke, on_terminal, remembered
from tests.redis import kill
from tests.relay import Refusal, relaying

pytestmark = pytest.mark.live
COUNT = 300
ID = "user_1704067200000_abc"
NAMES = [f"fleet-{number:04}" for number in range(COUNT)]
Start = Callable[..., LocalServer]
QUESTIONS = [
    pytest.param(["room", "list", "--agents"], id="room list"),
    pytest.param(["agent", "resolve", "--all"], id="agent resolve"),
]


@pytest.fixture
def fleet(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """A server of its own with 300 rooms; every third has a user ID in its metadata."""
    server = start_livekit_server()
    SECRETS.add(server.secret.reveal())
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    api = Api(Twirp(Settings((environment_layer(server.environ),)).target(), timeout=60))

    def create(name: str) -> None:
        metadata = json.dumps({"userId": ID + name[-4:]}) if int(name[-4:]) % 3 == 0 else ""
        api.create_room(RoomRequest(name, metadata=metadata, empty_timeout=600))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, NAMES))
    return server


@pytest.fixture
def through(
    fleet: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[str, str], Refusal | None]], None]]:
    """A function that puts a meddler between lkctl and the server: `meddle(method, room)`."""
    relays = []

    def start(meddle: Callable[[str, str], Refusal | None]) -> None:
        relay = relaying(fleet.port, lambda method, body: meddle(method, json.loads(body).get("room", "")))
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{relay.__enter__()}")
        relays.append(relay)

    yield start
    for relay in relays:
        relay.__exit__(None, None, None)


def rooms_in(done: Done) -> list[str]:
    """Give the names of the rooms in a JSON array."""
    return [str(row.get("name") or row["room"]) for row in json.loads(done.out)]


@pytest.mark.parametrize("at_once", ["1", "3", "32", "128"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_all_of_them_in_order(fleet: LocalServer, question: list[str], at_once: str) -> None:
    """However many are asked at once; in every format."""
    done = invoke(*question, "--concurrency", at_once, "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert rooms_in(done) == NAMES


def test_formats_agree(fleet: LocalServer) -> None:
    """Lines, an array, IDs alone, a table: the same answers."""
    rows = json.loads(invoke("agent", "resolve", "--all", "-o", "json").out)
    lines = invoke("agent", "resolve", "--all", "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert [row["user_id"] for row in rows[:4]] == [ID + "0000", None, None, ID + "0003"]
    assert rows[7] == json.loads(invoke("agent", "resolve", NAMES[7], "-o", "json").out)
    assert invoke("agent", "resolve", "--all", "-o", "name").out.split("\n")[:4] == [ID + "0000", "", "", ID + "0003"]
    assert invoke("agent", "resolve", "--all").out.split("\n")[3] == f"{NAMES[3]}\t{ID}0003\troom.metadata\t\t"
    screen = on_terminal("agent", "resolve", "--all", "--match", "*-000?", "--color", "never", columns=120).out
    assert screen.splitlines()[0].split() == ["ROOM", "USER", "ID", "SOURCE", "PARTICIPANT", "WARNINGS"]
    assert len(screen.splitlines()) == 11


DEMANDS = [
    pytest.param([], 0, "", id="random is an answer"),
    pytest.param(
        ["--require"], 1, "200 of 300 rooms failed; the first is 'fleet-0001': there is no user ID", id="an ID"
    ),
    pytest.param(
        ["--no-random"],
        1,
        "200 of 300 rooms failed; the first is 'fleet-0001': the user ID is unresolved",
        id="no random ones",
    ),
    pytest.param(["--require", "--metadata-has", "userId"], 0, "", id="an ID, of those that have one"),
    pytest.param(["--match", "*-0003", "--expect", ID + "0003"], 0, "", id="the expected one"),
    pytest.param(
        ["--expect", ID + "0003"],
        1,
        "299 of 300 rooms failed; the first is 'fleet-0000': expected the user ID",
        id="another one",
    ),
    pytest.param(["--older-than", "1h"], 0, "", id="no rooms"),
]


@pytest.mark.parametrize(("arguments", "code", "told"), DEMANDS)
def test_demands(fleet: LocalServer, arguments: list[str], code: int, told: str) -> None:
    """All rows are shown whatever the verdict, and the verdict counts them."""
    done = invoke("agent", "resolve", "--all", *arguments, "-o", "json")
    assert done.code == code, done.err
    assert json.loads(done.out) is not None
    if told:
        assert json.loads(done.err)["error"]["message"].startswith(told)


EXCLUDED = [
    pytest.param(["--all", "r"], id="a room"),
    pytest.param(["--all", "--snapshot", "s.json"], id="a snapshot"),
    pytest.param(["--all", "--require-room"], id="a required room"),
    pytest.param(["--all", "--explain"], id="an explanation"),
    pytest.param(["r", "--match", "x"], id="a filter without --all"),
    pytest.param(["--all", "--via", "rtc"], id="another way"),
]


@pytest.mark.parametrize("arguments", EXCLUDED)
def test_excluded(arguments: list[str]) -> None:
    """Told before any server is looked for."""
    done = invoke("agent", "resolve", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param((429, b""), id="429 of a proxy"),
        pytest.param((429, b'{"code": "resource_exhausted", "msg": "rate"}'), id="429 of LiveKit Cloud"),
        pytest.param((503, b"<html>"), id="503"),
        pytest.param((500, b'{"code": "internal", "msg": "oops"}'), id="500"),
    ],
)
def test_a_refusal_is_tried_again(fleet: LocalServer, through: Callable[..., None], refusal: Refusal) -> None:
    """Each tenth room refuses its first call: nobody notices."""
    seen: set[str] = set()
    lock = threading.Lock()

    def meddle(method: str, room: str) -> Refusal | None:
        with lock:
            first = method == "ListParticipants" and room not in seen
            seen.add(room)
        return refusal if first and room.endswith("0") else None

    through(meddle)
    done = invoke("room", "list", "--agents", "-o", "json", "--timeout", "60")
    assert (done.code, done.err, rooms_in(done)) == (0, "", NAMES)


@pytest.mark.parametrize(
    ("refusal", "code", "exit_code"),
    [
        pytest.param((429, b""), "server-limit", 7, id="429"),
        pytest.param((502, b""), "http-gateway", 5, id="502"),
        pytest.param((500, b'{"code": "internal", "msg": "oops"}'), "server-error", 7, id="500"),
    ],
)
def test_a_room_that_always_fails(
    fleet: LocalServer, through: Callable[..., None], refusal: Refusal, code: str, exit_code: int
) -> None:
    """It is asked four times and told of; the others are shown, and it, too, where nothing is claimed of it."""
    asked: list[str] = []

    def meddle(method: str, room: str) -> Refusal | None:
        asked.append(room)
        return refusal if method == "ListParticipants" and room == NAMES[5] else None

    through(meddle)
    done = invoke("room", "list", "--agents", "-o", "json", "--timeout", "60")
    error = json.loads(done.err)["error"]
    assert (done.code, error["code"], rooms_in(done)) == (exit_code, code, NAMES)
    assert error["message"].startswith(f"1 of 300 rooms gave no answer: '{NAMES[5]}'.")
    assert [json.loads(done.out)[5][name] for name in ("participants", "agents")] == [None, None]
    assert asked.count(NAMES[5]) == 4


UNKNOWN = [
    pytest.param(["room", "list", "--without-agent"], id="without agent"),
    pytest.param(["room", "list", "--empty"], id="empty"),
    pytest.param(["agent", "resolve", "--all"], id="resolved"),
]


@pytest.mark.parametrize("question", UNKNOWN)
def test_what_is_unknown_is_not_claimed(fleet: LocalServer, through: Callable[..., None], question: list[str]) -> None:
    """A room that gives no answer is left out where it would mean something to be there; the exit code tells."""
    through(lambda method, room: (403, b"") if (method, room) == ("ListParticipants", NAMES[5]) else None)
    done = invoke(*question, "-o", "json", "--timeout", "60")
    assert (done.code, rooms_in(done)) == (5, NAMES[:5] + NAMES[6:])
    assert invoke("room", "list", "--agents", "--timeout", "60").out.splitlines()[5].split("\t")[2:4] == ["?/∞", "?"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_room_that_disappears(fleet: LocalServer, through: Callable[..., None], question: list[str]) -> None:
    """Deleted after the list was made: it is left out, with a remark, and is no failure."""
    gone = {NAMES[3], NAMES[100], NAMES[299]}
    api = Api(Twirp(Settings((environment_layer(fleet.environ),)).target(), timeout=60))
    once = threading.Lock()

    def meddle(method: str, _room: str) -> Refusal | None:
        if method == "ListParticipants" and once.acquire(blocking=False):
            for name in sorted(gone):
                api.delete_room(name)
            time.sleep(1.1)  # a list that is younger is as good as a new one
        return None

    through(meddle)
    done = invoke(*question, "-o", "json", "--timeout", "60", "--concurrency", "64")
    assert (done.code, rooms_in(done)) == (0, [name for name in NAMES if name not in gone])
    assert done.err == (
        f"3 rooms disappeared meanwhile and are left out: '{NAMES[3]}', '{NAMES[100]}', '{NAMES[299]}'\n"
    )
    api.close()


def test_the_time_is_bounded(fleet: LocalServer, through: Callable[..., None]) -> None:
    """--timeout is for all of it: what was answered by then is shown, and what was not is counted."""

    def meddle(method: str, room: str) -> Refusal | None:
        if method == "ListParticipants" and room >= NAMES[64]:
            time.sleep(3)
        return None

    through(meddle)
    started = time.monotonic()
    done = invoke("room", "list", "--without-agent", "-o", "json", "--timeout", "2")
    assert time.monotonic() - started < 10
    error = json.loads(done.err)["error"]
    assert (done.code, error["code"], rooms_in(done)) == (5, "net-timeout", NAMES[:64])
    assert error["message"].startswith("236 of 300 rooms gave no answer: ")


@pytest.mark.parametrize("question", QUESTIONS)
def test_results_come_before_the_end(fleet: LocalServer, through: Callable[..., None], question: list[str]) -> None:
    """A reader of the pipe has the first rooms while the last ones are still asked."""
    read = threading.Event()

    def meddle(method: str, room: str) -> Refusal | None:
        if method == "ListParticipants" and room >= NAMES[200]:
            read.wait(20)
        return None

    through(meddle)
    with subprocess.Popen(
        command(*question, "-o", "jsonl", "--timeout", "60", "--concurrency", "8"),
        env=environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        time.sleep(1.2)
        first = json.loads(process.stdout.readline())
        assert not read.is_set()
        read.set()
        rest = process.stdout.read().splitlines()
    assert (first.get("name") or first["room"], len(rest), process.returncode) == (NAMES[0], COUNT - 1, 0)


def begun(question: list[str], calls: int) -> "subprocess.Popen[str]":
    """Start a run that has made so many calls, as --debug tells."""
    process = subprocess.Popen(
        command(*question, "--debug", "-o", "jsonl", "--concurrency", "1", "--timeout", "60"),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for _ in range(calls):
        assert "-> 200" in process.stderr.readline()
    return process


def ended(process: "subprocess.Popen[str]", question: list[str]) -> Done:
    """Wait for its end, which comes soon."""
    started = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    return remembered(tuple(question), Done(process.returncode, out, err))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_server_that_is_killed(fleet: LocalServer, question: list[str]) -> None:
    """It ends soon, unreachable; what was answered is shown, the rest counted. Nobody asks a dead server 200 times."""
    process = begun(question, 50)
    kill(fleet)
    done = ended(process, question)
    assert done.code == 5
    error = json.loads(done.err.splitlines()[-1])["error"]
    assert re.match(
        r"2\d\d of 300 rooms gave no answer: 'fleet-\d{4}', .* and 2\d\d more\. The first: ", error["message"]
    )
    assert done.err.count("-> no answer") < 20
    shown = [json.loads(line) for line in done.out.splitlines()]
    assert [row.get("name") or row["room"] for row in shown] == NAMES[: len(shown)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_ctrl_c(fleet: LocalServer, question: list[str]) -> None:
    """It ends at once."""
    process = begun(question, 50)
    process.send_signal(signal.SIGINT)
    done = ended(process, question)
    assert done.code == 130
    told = [line for line in done.err.splitlines() if line.startswith("{")]  # a call under way may tell of itself later
    assert [json.loads(line)["error"]["code"] for line in told] == ["interrupted"]


def test_ctrl_c_while_the_server_is_silent(fleet: LocalServer, through: Callable[..., None]) -> None:
    """It ends at once also while all threads wait."""
    asked = threading.Event()

    def meddle(method: str, room: str) -> Refusal | None:
        if method == "ListParticipants":
            asked.set()
            time.sleep(20)
        return None

    through(meddle)
    process = subprocess.Popen(
        command("room", "list", "--empty", "--timeout", "60"), env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asked.wait(20)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    done = ended(process, ["room", "list"])
    assert (done.code, done.err) == (130, "interrupted\n")


def test_a_reader_that_has_enough(fleet: LocalServer) -> None:
    """`| head -1`: quiet, and soon."""
    script = f"{' '.join(command('room', 'list', '--agents', '-o', 'name'))} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], env=environment(), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == (NAMES[0] + "\n", "")
    assert done.returncode in {0, 141}  # 300 names fit into the pipe


def test_progress_is_shown_on_a_terminal_only(fleet: LocalServer, through: Callable[..., None]) -> None:
    """A count that wipes itself away."""
    through(lambda method, _: time.sleep(0.05) if method == "ListParticipants" else None)
    screen = on_terminal("room", "list", "--agents", "--concurrency", "16").out
    assert re.search(r"\r\x1b\[2K\d+ of 300 rooms asked", screen)
    assert "rooms asked" not in screen.rpartition("\x1b[2K")[2]
    assert "rooms asked" not in invoke("room", "list", "--agents").err

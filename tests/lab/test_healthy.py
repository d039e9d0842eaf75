"""No false alarm: where nothing is wrong, nothing fails and nothing warns. And what only reads makes nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness import Done
from tests.lab.bench import Bench
from tests.lab.deployments import HEALTHY, SetUp, named
from tests.lab.parts.endpoint import token_endpoint
from tests.lab.parts.witness import Witness, hearing, watching
from tests.lab.parts.workerport import worker_port
from tests.lab.trial import SIDE_BY_SIDE, diagnose, read_report, shown_secrets
from tests.redis import api_of, eventually
from tests.workers import worker

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
_KEY, _SECRET = "APIwitness1234", "witness0secret0of0the0laboratory00000000000"


@pytest.fixture
def bench(tmp_path: Path, livekit_server_program: Path) -> Iterator[Bench]:
    """A place of its own."""
    with ExitStack() as running:
        yield Bench(tmp_path / "bench", livekit_server_program, running)


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, livekit_server_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Done | BaseException]:
    """Diagnose the deployments that this session asks for, side by side."""
    mine = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    wanted = [each for each in HEALTHY if any(named(each) in item.name for item in mine)]

    def run(set_up: SetUp) -> Done | BaseException:
        with ExitStack() as running:
            bench = Bench(tmp_path_factory.mktemp("bench"), livekit_server_program, running)
            try:
                done = diagnose(bench, *set_up(bench), "-o", "json")
            except BaseException as failure:  # noqa: BLE001  (a missing program skips the test that asks for it)
                return failure
            assert not list(shown_secrets(bench, done))
            return done

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip((named(each) for each in wanted), pool.map(run, wanted), strict=True))


@pytest.mark.parametrize("healthy", HEALTHY, ids=named)
def test_no_false_alarm(healthy: SetUp, runs: dict[str, Done | BaseException]) -> None:
    """Everything passes, or does not apply."""
    done = runs[named(healthy)]
    if isinstance(done, BaseException):
        raise done
    report = read_report(done)
    assert report is not None, done.err
    loud = {
        result["id"]: (result["status"], result["detail"])
        for result in report["results"]
        if result["status"] not in {"pass", "skip"}
    }
    assert loud == {}
    assert (done.code, report["verdict"], report["probable_cause"]) == (0, "pass", None)
    assert not [result["id"] for result in report["results"] if result["blocked_by"]]


def witnessed(bench: Bench, *options: str) -> Witness:
    """Diagnose a server that tells of all that is made on it; nothing was there before, nothing is there afterwards."""
    witness = Witness()
    hooks = bench.start(hearing(witness))
    server = bench.configured({_KEY: _SECRET}, webhook={"api_key": _KEY, "urls": [hooks]})
    bench.start(worker(server, "helper"))
    endpoint = bench.start(token_endpoint(server.url, lambda identity: bench.signed(server, sub=identity)))
    asked = [*bench.token(server), "--token-endpoint", endpoint, "--room", "demo", "--agent", "helper"]
    with watching(witness, server):
        diagnose(bench, *asked, "--worker", bench.start(worker_port("helper")), "--source", ".", *options)
        eventually(lambda: not api_of(server).list_rooms(), within=5)
    assert witness.looks > 10
    return witness


def test_nothing_is_made(bench: Bench) -> None:
    """All that only reads leaves no trace: no room was ever listed, no webhook came."""
    witness = witnessed(bench)
    assert (witness.rooms, witness.events) == (set(), [])


@pytest.mark.parametrize("options", [("--probe",), ("--media",)], ids=lambda options: options[0])
def test_what_is_made_is_removed(options: tuple[str], bench: Bench) -> None:
    """The room is one of its own, and is gone at the end. (Else the test above would prove nothing.)"""
    witness = witnessed(bench, *options)
    assert witness.rooms
    assert "demo" not in witness.rooms
    eventually(lambda: witness.events.count("room_finished") == witness.events.count("room_started") > 0)

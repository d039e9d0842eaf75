"""`diagnose --agent --worker` with real workers of livekit-agents: what its own port tells, and what it hides."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.customworker import agent, needed
from tests.fakes import closed_port
from tests.harness import invoke, spawn
from tests.workers import worker

pytestmark = [pytest.mark.live, needed]
ONLY = ("--only", "agent.*", "--only", "server.*", "--only", "probe.*")


@pytest.fixture
def name() -> str:
    """A name that no other test's worker has."""
    return f"agent-{secrets.token_hex(4)}"


def diagnosed(*words: str) -> tuple[int, dict[str, Any]]:
    only = ONLY if "--probe" in words else ONLY[:-2]
    done = spawn("diagnose", *words, *only, "-o", "json")
    assert "eyJ" not in done.out + done.err
    return done.code, dict(json.loads(done.out))


def detail_of(report: Mapping[str, Any], check: str) -> str:
    return str(next(one["detail"] for one in report["results"] if one["id"] == check))


def test_a_healthy_worker(server: LocalServer, name: str, tmp_path: Path) -> None:
    """No warning; it says what the port does not prove, and that this very worker took the job."""
    with agent(tmp_path, name, server.environ) as address:
        code, report = diagnosed("--agent", name, "--worker", address, "--probe")
    assert (code, report["verdict"], report["probable_cause"]) == (0, "pass", None)
    assert report["counts"]["pass"] == len(report["results"])
    assert "does not prove that it is registered" in detail_of(report, "agent.worker")
    assert "active_jobs was 0 before, and 1 then" in detail_of(report, "probe.worker")
    assert "1.13" in detail_of(report, "server.version")


def test_one_with_another_key(server: LocalServer, name: str, tmp_path: Path) -> None:
    """It answers OK, and is refused with 401 all the time: its port hides it, the probe does not."""
    wrong = {**server.environ, "LIVEKIT_API_KEY": "APIwrongwrong12"}
    with agent(tmp_path, name, wrong, registers=False) as address:
        code, report = diagnosed("--agent", name, "--worker", address, "--probe")
    cause = report["probable_cause"]
    assert (code, cause["check"], cause["code"]) == (1, "probe.agent", "agent-missing")
    assert f"the worker at {address} gets no jobs of" in cause["message"]
    assert "LIVEKIT_URL and key" in cause["hint"]
    assert not cause["others"]


def test_one_that_is_full(server: LocalServer, name: str, tmp_path: Path) -> None:
    """From outside it looks like none; its load tells."""
    with agent(tmp_path, name, {**server.environ, "LOAD": "0.95"}) as address:
        code, report = diagnosed("--agent", name, "--worker", address, "--probe")
    cause = report["probable_cause"]
    assert (code, cause["check"], cause["follows"]) == (1, "agent.worker", ["probe.agent"])
    assert "load is 0.95" in cause["message"]


def test_one_of_another_name(server: LocalServer, name: str, tmp_path: Path) -> None:
    """Without a probe, too."""
    with agent(tmp_path, name, server.environ) as address:
        code, report = diagnosed("--agent", name.upper(), "--worker", address)
    cause = report["probable_cause"]
    assert (code, cause["check"]) == (1, "agent.worker")
    assert f"'{name}'" in cause["message"]
    assert "the same to the letter" in cause["message"]


def test_one_that_parses_empty_metadata(server: LocalServer, name: str, tmp_path: Path) -> None:
    """`json.loads(ctx.job.metadata)`: the job is listed as running for ever, and no agent comes."""
    with agent(tmp_path, name, {**server.environ, "PARSES": "1"}) as address:
        code, report = diagnosed("--agent", name, "--worker", address, "--probe")
    cause = report["probable_cause"]
    assert (code, cause["check"], cause["code"]) == (1, "probe.agent", "agent-lost")
    assert "crashes where the job has no metadata" in cause["message"]


def test_somebody_else_takes_the_job(server: LocalServer, name: str, tmp_path: Path) -> None:
    """Two workers of one name: the one that is named is full, so the other one gets the job."""
    with agent(tmp_path, name, {**server.environ, "LOAD": "0.95"}) as address, worker(server, name):
        code, report = diagnosed("--agent", name, "--worker", address, "--probe")
    assert (code, report["verdict"]) == (0, "warn")
    assert "another worker called" in detail_of(report, "probe.worker")


def test_none_there(server: LocalServer, name: str) -> None:
    """Nothing listens on its port: this explains that nobody takes the job."""
    address = f"http://127.0.0.1:{closed_port()}"
    done = invoke("diagnose", "--agent", name, "--worker", address, "--probe", *ONLY, "-o", "json")
    report = json.loads(done.out)
    cause = report["probable_cause"]
    assert (done.code, cause["check"], cause["code"]) == (1, "agent.worker", "net-refused")
    assert "8081" in cause["hint"]
    assert cause["follows"] == ["probe.agent"]

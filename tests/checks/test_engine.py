"""The engine: side by side, in declared order, bounded, and a crash is a result."""

import threading
import time
from collections.abc import Callable

import pytest

from lkctl.checks.engine import run
from lkctl.checks.report import Report, is_failure
from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Problems, Result, Severity, Status, Unknown
from lkctl.errors import LkctlError

World = dict[str, object]
Probe = Callable[[World], str]


def fine(_: World) -> str:
    """Pass."""
    return "fine"


def failing(error: BaseException) -> Probe:
    """Make a probe that raises."""

    def probe(_: World) -> str:
        raise error

    return probe


def check(
    name: str, probe: Probe = fine, *needs: str, severity: Severity = Severity.fail, timeout: float = 5,
    after: tuple[str, ...] = (),
) -> Check[World]:  # fmt: skip
    """Make a check."""
    return Check(name, f"{name} is right", probe, needs, severity, timeout, after=after)


def results(*checks: Check[World], timeout: float = 10) -> dict[str, Result]:
    """Run checks and give the results by id."""
    return {result.id: result for result in run(checks, {}, timeout=timeout)}


def report(*checks: Check[World], strict: bool = False) -> Report:
    """Run checks and give the report."""
    from datetime import UTC, datetime

    return Report("diagnose", "ws://x", datetime(2026, 1, 1, tzinfo=UTC), 1, tuple(results(*checks).values()), strict)


ENDINGS = [
    pytest.param(
        failing(Problems([])), Severity.fail, Status.crash, "the check itself failed: ValueError", id="no finding"
    ),
    pytest.param(fine, Severity.fail, Status.passed, "fine", id="pass"),
    pytest.param(failing(Problem("bad", hint="mend it")), Severity.fail, Status.fail, "bad", id="problem"),
    pytest.param(failing(Problem("bad")), Severity.warn, Status.warn, "bad", id="advisory problem"),
    pytest.param(failing(Problem("bad")), Severity.security, Status.warn, "bad", id="security problem"),
    pytest.param(failing(Problem("so it is")), Severity.info, Status.passed, "so it is", id="information"),
    pytest.param(
        failing(Problem("bad", severity=Severity.warn)), Severity.fail, Status.warn, "bad", id="milder problem"
    ),
    pytest.param(
        failing(LkctlError("net-dns", "no host", hint="x")), Severity.fail, Status.fail, "no host", id="our error"
    ),
    pytest.param(failing(Unknown("cannot tell")), Severity.fail, Status.unknown, "cannot tell", id="unknown"),
    pytest.param(failing(NotApplicable("no TLS")), Severity.fail, Status.skip, "no TLS", id="not applicable"),
    pytest.param(
        failing(ValueError("secret text")),
        Severity.fail,
        Status.crash,
        "the check itself failed: ValueError",
        id="crash",
    ),
    pytest.param(
        failing(KeyboardInterrupt()),
        Severity.fail,
        Status.crash,
        "the check itself failed: KeyboardInterrupt",
        id="odd crash",
    ),
]


@pytest.mark.parametrize(("probe", "severity", "status", "detail"), ENDINGS)
def test_how_a_check_ends(probe: Probe, severity: Severity, status: Status, detail: str) -> None:
    """Each ending has its status; a crash does not show what it may have held."""
    result = results(check("a.b", probe, severity=severity))["a.b"]
    assert (result.status, result.detail, result.area) == (status, detail, "a")


def test_the_worst_finding_decides() -> None:
    """Of several findings the worst leads, with its own hint; all are kept."""
    findings = [
        Finding("x", severity=Severity.info),
        Finding("y", "do z", ".env:3"),
        Finding("w", severity=Severity.warn),
    ]
    result = results(check("a.b", failing(Problems(findings))))["a.b"]
    assert (result.status, result.detail, result.hint) == (Status.fail, ".env:3: y (and 2 more)", "do z")
    assert [finding["severity"] for finding in result.json()["findings"]] == ["info", "fail", "warn"]


def test_needs() -> None:
    """What waits for a failure is skipped and names its root; what does not apply blocks nobody."""
    found = results(
        check("a", failing(Problem("bad"))),
        check("b", fine, "a"),
        check("c", fine, "b"),
        check("d", failing(NotApplicable("no TLS"))),
        check("e", fine, "d"),
        check("f", fine, "not-among-the-checks"),
    )
    assert [result.status for result in found.values()] == [
        Status.fail, Status.skip, Status.skip, Status.skip, Status.passed, Status.passed,
    ]  # fmt: skip
    assert (found["c"].detail, found["c"].blocked_by) == ("needs b", ("b", "a"))


def test_after() -> None:
    """What comes after others waits for their end, however they end; it is skipped for what it needs alone."""
    ended: list[str] = []
    gate = threading.Event()

    def late(_: World) -> str:
        gate.wait(5)
        ended.append("late")
        raise Problem("bad")

    def last(_: World) -> str:
        ended.append("last")
        return "fine"

    def open_gate(_: World) -> str:
        gate.set()
        return "fine"

    found = results(
        check("a", late),
        check("b", fine, "a"),
        check("c", last, after=("a", "b", "not-among-the-checks")),
        check("d", open_gate),
        check("e", fine, "a", after=("d",)),
        check("f", fine, "c"),
    )
    assert ended == ["late", "last"]
    assert {name: result.status.value for name, result in found.items()} == {
        "a": "fail", "b": "skip", "c": "pass", "d": "pass", "e": "skip", "f": "pass",
    }  # fmt: skip
    assert (found["c"].blocked_by, found["c"].needs) == ((), ())


def test_after_what_is_stuck() -> None:
    """What would clean up gets its turn when the time of the stuck one is up, and its duration is its own."""
    gate = threading.Event()

    def stuck(_: World) -> str:
        gate.wait(10)
        return "late"

    found = results(check("a", stuck, timeout=0.3), check("b", fine, after=("a",)))
    gate.set()
    assert [result.status for result in found.values()] == [Status.unknown, Status.passed]
    assert found["b"].duration_ms < 200
    late = results(check("a", stuck), check("b", fine, after=("a",)), timeout=0)
    assert late["b"].detail == "the time of the whole run was used up"


def test_side_by_side_and_in_order() -> None:
    """Three checks that wait for each other can only pass at the same time; results come as declared."""
    barrier = threading.Barrier(3, timeout=5)

    def meet(_: World) -> str:
        barrier.wait()
        return "met"

    found = results(check("a", meet), check("b", meet), check("c", meet))
    assert [(name, result.status) for name, result in found.items()] == [(name, Status.passed) for name in "abc"]


def test_a_stuck_check_holds_nobody_up() -> None:
    """A probe over its time is unknown, others are not delayed; the whole run has a bound as well."""
    gate = threading.Event()

    def stuck(_: World) -> str:
        gate.wait(30)
        return "late"

    started = time.monotonic()
    found = results(check("a", stuck, timeout=0.2), check("b"), check("c", stuck, timeout=20), timeout=0.5)
    gate.set()
    assert time.monotonic() - started < 5
    assert [result.status for result in found.values()] == [Status.unknown, Status.passed, Status.unknown]
    assert found["a"].detail == "no verdict within 0.2 s"


def test_who_is_to_be_given_more_time() -> None:
    """--timeout helps where it was the run's time that was short, and not where it was the check's own."""
    gate = threading.Event()

    def stuck(_: World) -> str:
        gate.wait(10)
        return "late"

    short_run = results(check("a", stuck, timeout=20), timeout=0.2)["a"]
    slow_check = results(check("a", stuck, timeout=0.2))["a"]
    gate.set()
    assert short_run.hint == "Give more time with --timeout"
    assert slow_check.hint
    assert "--timeout" not in slow_check.hint


def test_advice_that_cannot_be_had_blocks_nobody() -> None:
    """Else a run would be green although a check that can fail was never made."""
    never = [failing(Unknown("cannot tell")), failing(ValueError())]
    for probe in never:
        found = results(check("a", probe, severity=Severity.warn), check("b", failing(Problem("bad")), "a"))
        assert found["b"].status is Status.fail
        needed = results(check("a", probe), check("b", failing(Problem("bad")), "a"))
        assert needed["b"].status is Status.skip


def test_what_an_unknown_verdict_saw() -> None:
    """What was seen is kept, also where it is not enough."""
    unknown = failing(Unknown("cannot tell", evidence=["a"], ruled_out=["b"]))
    result = results(check("a", unknown), check("b", fine, "a"))
    assert (result["a"].proof.evidence, result["a"].proof.ruled_out) == (("a",), ("b",))
    assert result["b"].needs == ("a",)
    assert (result["a"].json()["evidence"], result["b"].json()["blocked_by"]) == (["a"], ["a"])


def test_no_time_left() -> None:
    """A run whose time is over starts no probe, and says so."""
    called = threading.Event()

    def probe(_: World) -> str:
        called.set()
        return "fine"

    found = results(check("a", probe), timeout=0)
    assert (found["a"].status, called.is_set()) == (Status.unknown, False)
    assert found["a"].detail == "the time of the whole run was used up"


VERDICTS = [
    pytest.param([check("a")], False, ("pass", 0), id="pass"),
    pytest.param([], False, ("pass", 0), id="nothing to judge"),
    pytest.param([check("a", failing(Problem("x")), severity=Severity.warn)], False, ("warn", 0), id="warning"),
    pytest.param([check("a", failing(Problem("x")), severity=Severity.security)], False, ("warn", 0), id="security"),
    pytest.param(
        [check("a", failing(Problem("x")), severity=Severity.security)], True, ("fail", 1), id="security, strict"
    ),
    pytest.param([check("a", failing(Problem("x")), severity=Severity.warn)], True, ("warn", 0), id="warning, strict"),
    pytest.param([check("a", failing(Problem("x")))], False, ("fail", 1), id="failure"),
    pytest.param([check("a", failing(Unknown("x")))], False, ("fail", 1), id="unknown"),
    pytest.param([check("a", failing(Unknown("x")), severity=Severity.warn)], False, ("warn", 0), id="unknown advice"),
    pytest.param([check("a", failing(ValueError()))], False, ("fail", 1), id="crash"),
    pytest.param([check("a", failing(NotApplicable("x")))], False, ("pass", 0), id="skip"),
]


@pytest.mark.parametrize(("checks", "strict", "outcome"), VERDICTS)
def test_verdicts(checks: list[Check[World]], strict: bool, outcome: tuple[str, int]) -> None:
    """What a run adds up to."""
    found = report(*checks, strict=strict)
    assert (found.verdict, found.exit_code) == outcome
    assert (found.json()["verdict"], found.json()["exit_code"]) == outcome


def test_the_probable_cause_explains_the_others() -> None:
    """The failure that most results wait for; without dependants the first one."""
    bad = failing(Problem("bad", hint="mend"))
    cause = report(
        check("a", bad, severity=Severity.warn), check("b", bad), check("c", bad), check("d", fine, "c")
    ).probable_cause
    assert cause is not None
    assert cause.check == "c"
    first = report(check("b", bad), check("c", bad)).probable_cause
    assert first is not None
    assert first.check == "b"
    assert report(check("a")).probable_cause is None


def test_the_shape_of_a_report() -> None:
    """Every key of lkctl.report/1 is there."""
    shape = report(check("a.b", failing(Problem("bad", hint="mend", code="net-dns")))).json()
    assert list(shape) == [
        "schema", "command", "target", "started_at", "duration_ms", "verdict", "exit_code", "cut",
        "probable_cause", "counts", "results",
    ]  # fmt: skip
    assert shape["schema"] == "lkctl.report/1"
    assert shape["counts"] == {"pass": 0, "warn": 0, "fail": 1, "unknown": 0, "skip": 0, "crash": 0}
    assert {"id", "area", "title", "severity", "status", "detail", "hint", "docs", "duration_ms"} <= set(
        shape["results"][0]
    )
    assert shape["probable_cause"]["code"] == "net-dns"
    assert {"check", "message", "hint", "docs"} <= set(shape["probable_cause"])


def test_advice_never_fails() -> None:
    """Only what is declared a failure can make a run red."""
    crash = results(check("a", failing(ValueError()), severity=Severity.warn))["a"]
    assert not is_failure(crash)

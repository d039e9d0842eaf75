"""Runs checks side by side as soon as what they need has passed; knows nothing of LiveKit.

Threads, not asyncio: a stuck `getaddrinfo` cannot be cancelled, and `asyncio.run` would wait for it. The threads are
daemons and are left behind when their time is up.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Proof, Result, Severity, Status, Unknown
from lkctl.errors import LkctlError

World = TypeVar("World")
_MORE_TIME = "Give more time with --timeout"
_SLOW = "What it asks is far too slow; look at what stands in between, or try again"
_ADVICE = {Severity.warn: Status.warn, Severity.security: Status.warn, Severity.info: Status.passed}


class _Awaited(NamedTuple):
    """The results that a check waits for: those that it needs, and those that it comes after."""

    needs: list[Future[Result]]
    earlier: list[Future[Result]]


def run(checks: Sequence[Check[World]], world: World, *, timeout: float) -> Iterator[Result]:
    """Start every check, then give the results in declared order, each as soon as it is there.

    `needs` and `after` may name only checks declared earlier; a name that is not among `checks` counts as passed, so
    that a part of the catalogue can be run. What a check needs must have passed; what it comes after must have ended,
    in whatever way: so it can take away what those made. `timeout` (seconds) bounds the whole run, `Check.timeout` each
    probe.
    """
    end = time.monotonic() + timeout
    settled: dict[str, Future[Result]] = {}
    for check in checks:
        needs, earlier = ([settled[name] for name in names if name in settled] for names in (check.needs, check.after))
        awaited = _Awaited(needs, earlier)
        future: Future[Result] = Future()
        settled[check.id] = future
        threading.Thread(target=_settle, args=(check, world, awaited, future, end), daemon=True).start()
    for future in settled.values():
        yield future.result()


def _settle(check: Check[World], world: World, awaited: _Awaited, future: "Future[Result]", end: float) -> None:
    unmet = [result for result in (need.result() for need in awaited.needs) if not _met(result)]
    if unmet:
        future.set_result(_skipped(check, unmet))
        return
    wait(awaited.earlier)
    started = time.monotonic()
    limit = min(check.timeout, end - started)
    hint = _MORE_TIME if end - started < check.timeout else _SLOW
    if limit <= 0:
        future.set_result(_result(check, Status.unknown, "the time of the whole run was used up", started, hint=hint))
        return
    verdict: Future[Result] = Future()
    threading.Thread(target=_judge, args=(check, world, started, verdict), daemon=True).start()
    try:
        future.set_result(verdict.result(limit))
    except TimeoutError:
        future.set_result(_result(check, Status.unknown, f"no verdict within {limit:.1f} s", started, hint=hint))


def _judge(check: Check[World], world: World, started: float, verdict: "Future[Result]") -> None:
    try:
        verdict.set_result(_judged(check, world, started))
    except BaseException as error:  # noqa: BLE001  (a crash in a check is a result; the others still run)
        verdict.set_result(_crashed(check, error, started))


def _judged(check: Check[World], world: World, started: float) -> Result:
    try:
        return _result(check, Status.passed, check.probe(world), started)
    except NotApplicable as reason:
        return _result(check, Status.skip, str(reason), started)
    except Unknown as reason:
        unknown = _result(check, Status.unknown, str(reason), started, hint=reason.hint)
        return replace(unknown, proof=reason.proof)
    except Problem as problem:
        return _problem(check, problem.findings, problem.code, started, problem.proof)
    except LkctlError as error:
        return _problem(check, (Finding(error.message, error.hint),), error.code, started, Proof(*error.proof))


def _met(result: Result) -> bool:
    """Tell whether others may go on: what did not apply blocks nobody, nor does advice that could not be had.

    Else a run would end well although a check that can fail was never made.
    """
    if result.status in {Status.unknown, Status.crash}:
        return result.severity is not Severity.fail
    return result.status in {Status.passed, Status.warn} or (result.status is Status.skip and not result.blocked_by)


def _problem(check: Check[World], findings: Sequence[Finding], code: str, started: float, proof: Proof) -> Result:
    """Rank the findings: the worst of them decides how the check ended."""
    order = (Severity.fail, Severity.security, Severity.warn, Severity.info)
    worst = min((finding.severity or check.severity for finding in findings), key=order.index)
    status = Status.fail if worst is Severity.fail else _ADVICE[worst]
    leading = next(finding for finding in findings if (finding.severity or check.severity) is worst)
    detail = str(leading) + (f" (and {len(findings) - 1} more)" if len(findings) > 1 else "")
    result = _result(check, status, detail, started, hint=leading.hint, code=code, findings=tuple(findings))
    return replace(result, proof=proof)


def _crashed(check: Check[World], error: BaseException, started: float) -> Result:
    """Say what was raised and where, and not its words: they may hold anything."""
    import traceback  # for those who need it

    way = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[1:]]
    hint = f"Report this as a defect of {check.package or 'lkctl'}"
    result = _result(check, Status.crash, f"the check itself failed: {type(error).__name__}", started, hint=hint)
    return replace(result, proof=Proof((f"raised at {', '.join(way)}",) if way else ()))


def _skipped(check: Check[World], unmet: Sequence[Result]) -> Result:
    """Say which need failed; what those waited for is passed on, so that the root is known."""
    blocked = dict.fromkeys(name for result in unmet for name in (result.id, *result.blocked_by))
    names = ", ".join(result.id for result in unmet)
    return _result(check, Status.skip, f"needs {names}", time.monotonic(), blocked_by=tuple(blocked))


def _result(
    check: Check[World],
    status: Status,
    detail: str,
    started: float,
    *,
    hint: str = "",
    code: str = "",
    findings: tuple[Finding, ...] = (),
    blocked_by: tuple[str, ...] = (),
) -> Result:
    spent = round((time.monotonic() - started) * 1000)
    return Result(
        check.id,
        check.area,
        check.title,
        check.severity,
        status,
        detail,
        hint or None,
        check.docs,
        spent,
        code,
        findings,
        blocked_by,
        needs=check.needs,
    )

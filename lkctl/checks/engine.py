"""Runs checks side by side as soon as what they need has passed; knows nothing of LiveKit.

Threads, not asyncio: a stuck `getaddrinfo` cannot be cancelled, and `asyncio.run` would wait for it. The threads are
daemons and are left behind when their time is up.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Proof, Result, Severity, Status, Unknown
from lkctl.errors import LkctlError

World = TypeVar("World")
_MORE_TIME = "Give more time with --timeout"
_SLOW = "What it asks is far too slow; look at what stands in between, or try again"
_ADVICE = {Severity.warn: Status.warn, Severity.security: Status.warn, Severity.info: Status.passed}


def run(checks: Sequence[Check[World]], world: World, *, timeout: float) -> Iterator[Result]:
    """Start every check, then give the results in declared order, each as soon as it is there.

    `needs` may name only checks declared earlier; a name that is not among `checks` counts as passed, so that a part
    of the catalogue can be run. `timeout` (seconds) bounds the whole run, `Check.timeout` each probe.
    """
    end = time.monotonic() + timeout
    settled: dict[str, Future[Result]] = {}
    for check in checks:
        needs = {name: settled[name] for name in check.needs if name in settled}
        future: Future[Result] = Future()
        settled[check.id] = future
        threading.Thread(target=_settle, args=(check, world, needs, future, end), daemon=True).start()
    for future in settled.values():
        yield future.result()


def _settle(
    check: Check[World], world: World, needs: Mapping[str, "Future[Result]"], future: "Future[Result]", end: float
) -> None:
    unmet = [result for result in (need.result() for need in needs.values()) if not _met(result)]
    if unmet:
        future.set_result(_skipped(check, unmet))
        return
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
        verdict.set_result(_result(check, Status.passed, check.probe(world), started))
    except NotApplicable as reason:
        verdict.set_result(_result(check, Status.skip, str(reason), started))
    except Unknown as reason:
        unknown = _result(check, Status.unknown, str(reason), started, hint=reason.hint)
        verdict.set_result(replace(unknown, proof=reason.proof))
    except Problem as problem:
        verdict.set_result(_problem(check, problem.findings, problem.code, started, problem.proof))
    except LkctlError as error:
        verdict.set_result(
            _problem(check, (Finding(error.message, error.hint),), error.code, started, Proof(*error.proof))
        )
    except BaseException as error:  # noqa: BLE001  (a crash in a check is a result; the others still run)
        detail = f"the check itself failed: {type(error).__name__}"
        verdict.set_result(_result(check, Status.crash, detail, started, hint="Report this as a defect of lkctl"))


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

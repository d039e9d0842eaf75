"""The one cause: from the shapes of results alone, whatever they are about."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lkctl.checks.cause import Cause, probable_cause
from lkctl.checks.report import is_failure
from lkctl.checks.result import Finding, Fix, Proof, Result, Severity, Status

MENDS = Fix(command="mend it")


def result(
    name: str,
    status: Status = Status.passed,
    *findings: Finding,
    needs: Sequence[str] = (),
    code: str = "",
    severity: Severity = Severity.fail,
    evidence: Sequence[str] = (),
    ruled_out: Sequence[str] = (),
) -> Result:
    """Make the result of a check; its detail is its name and how it ended."""
    detail = f"{name} {status.value}"
    found = findings or ((Finding(detail),) if status in {Status.fail, Status.warn} else ())
    made = Result(name, name, name, severity, status, detail, f"mend {name}", "", 1, code, tuple(found))
    return replace(made, proof=Proof(tuple(evidence), tuple(ruled_out)), needs=tuple(needs))


def failed(name: str, *findings: Finding, **more: Any) -> Result:
    return result(name, Status.fail, *findings, **more)


def waiting(name: str, *blocked_by: str) -> Result:
    """What did not run; `blocked_by` holds its own need first, then those behind it, as the engine gives them."""
    return replace(result(name, Status.skip, needs=blocked_by[:1]), blocked_by=blocked_by)


def explaining(*what: str, message: str = "the reason", **more: Any) -> Finding:
    return Finding(message, "do this", explains=what, **more)


def cause_of(*results: Result, strict: bool = False) -> Cause | None:
    return probable_cause(results, [one for one in results if is_failure(one, strict=strict)])


RANKED = [
    pytest.param([], "", id="nothing was judged"),
    pytest.param([result("a"), result("b", Status.warn), result("c", Status.skip)], "", id="nothing failed"),
    pytest.param([result("a", Status.unknown, severity=Severity.warn)], "", id="advice that could not be had"),
    pytest.param([result("a"), failed("b"), result("c")], "b", id="one failure"),
    pytest.param([failed("a"), failed("b")], "a", id="of equals the first"),
    pytest.param([failed("a"), failed("b"), waiting("c", "b")], "b", id="what others wait for"),
    pytest.param(
        [failed("a"), waiting("b", "a"), failed("c"), waiting("d", "c"), waiting("e", "d", "c")],
        "c", id="what more wait for, also by way of others",
    ),
    pytest.param([failed("a"), waiting("b", "a"), failed("c"), waiting("d", "c")], "a", id="as many wait for each"),
    pytest.param([result("a", Status.unknown), failed("b")], "b", id="failed before unknown"),
    pytest.param([result("a", Status.unknown), waiting("b", "a"), failed("c")], "a",
                 id="unknown, but another waits for it"),
    pytest.param([result("a", Status.crash), waiting("b", "a"), failed("c")], "c", id="a crash comes last"),
    pytest.param([result("a", Status.crash)], "a", id="nothing but a crash"),
    pytest.param([failed("a"), failed("b", evidence=["seen"])], "b", id="proven before not proven"),
    pytest.param([failed("a"), waiting("c", "a"), failed("b", evidence=["seen"])], "a",
                 id="but what others wait for is before what is proven"),
    pytest.param([failed("a", explaining("b")), failed("b")], "a", id="explained by a failure before it"),
    pytest.param([failed("a"), failed("b", explaining("a"))], "b", id="explained by a failure after it"),
    pytest.param([result("a", Status.warn, explaining("b")), failed("b")], "a", id="explained by a warning"),
    pytest.param([result("a", Status.passed, explaining("b", severity=Severity.info)), failed("b")], "a",
                 id="explained by information"),
    pytest.param([result("a", Status.warn, explaining("z"))], "", id="an explanation of what did not fail"),
    pytest.param([result("a", Status.warn, explaining("c")), result("c"), failed("b")], "b",
                 id="an explanation of what passed"),
    pytest.param([result("a", Status.warn, explaining("x.*")), failed("x.y")], "a", id="by a pattern"),
    pytest.param([result("a", Status.warn, explaining("x.y")), failed("x.yz")], "x.yz", id="an id is no pattern"),
    pytest.param([result("a", Status.warn, explaining("net-dns")), failed("b", code="net-dns")], "a", id="by its code"),
    pytest.param([result("a", Status.warn, explaining("net-dns")), failed("b", code="net-tls")], "b",
                 id="by another code"),
    pytest.param(
        [result("a", Status.warn, explaining("c")), result("b", Status.warn, explaining("no-c")),
         failed("c", code="no-c")],
        "b", id="the code says more than the id",
    ),
    pytest.param([result("a", Status.warn, explaining("c*")), result("b", Status.warn, explaining("c")), failed("c")],
                 "b", id="the id says more than a pattern"),
    pytest.param([result("a", Status.warn, explaining("c"), severity=Severity.warn), failed("b", explaining("c")),
                  failed("c")], "b",
                 id="of explanations the worse one"),
    pytest.param([result("a", Status.warn, explaining("b")), failed("b", explaining("c")), failed("c")], "a",
                 id="an explanation of the explanation"),
    pytest.param([failed("a", explaining("b")), failed("b", explaining("a"))], "a", id="two that explain each other"),
    pytest.param([failed("a", explaining("a"))], "a", id="one that explains itself"),
    pytest.param(
        [failed("a"), waiting("b", "a"), result("c", Status.warn, explaining("d", "e")), failed("d"), failed("e")],
        "c", id="what explains two is before what one waits for",
    ),
    pytest.param(
        [result("a", Status.warn, explaining("b"), severity=Severity.warn), failed("b"), failed("c"),
         waiting("d", "c"), waiting("e", "c")],
        "c", id="a deep explanation of little",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("results", "named"), RANKED)
def test_which_is_the_cause(results: list[Result], named: str) -> None:
    """The one that explains most; and always the same one."""
    cause = cause_of(*results)
    assert (cause.check if cause else "") == named
    assert cause_of(*results) == cause


def test_a_security_finding_under_strict() -> None:
    """It is a failure then, but explains nothing that is broken."""
    open_secret = result("a", Status.warn, severity=Severity.security)
    for others, named in (([], "a"), ([failed("b")], "b")):
        cause = cause_of(open_secret, *others, strict=True)
        assert cause is not None
        assert cause.check == named


MANY = {
    "failures": lambda n: failed(f"a.{n}"),
    "explanations": lambda n: failed(f"a.{n}", explaining(f"a.{n // 2}", "a-code"), code=f"code-{n}"),
    "waiting": lambda n: waiting(f"a.{n}", f"a.{n - 1}") if n % 2 else failed(f"a.{n}"),
    "one reason": lambda n: failed(f"a.{n}") if n else result("r", Status.warn, explaining("a.*", "b.?")),
}


@pytest.mark.parametrize("shape", MANY.values(), ids=MANY.keys())
def test_thousands_of_results_take_no_minute(shape: Callable[[int], Result]) -> None:
    """The work grows with the results, not with their square, which was a hundred times as much here."""
    results = [shape(n) for n in range(5000)]
    began = time.process_time()
    assert cause_of(*results) is not None
    assert time.process_time() - began < 3


def test_what_is_told_of_a_failure() -> None:
    """Its own words, proof, and what rests on it; failures of their own are named apart."""
    cause = cause_of(
        result("dns"),
        result("tls", Status.skip, needs=["dns"]),
        result("clock"),
        failed("auth", Finding("refused", "copy it", fix=MENDS), needs=["tls"], code="auth-key", evidence=["401"],
               ruled_out=["blanks"]),
        waiting("room", "auth"),
        waiting("agent", "room", "auth"),
        failed("cors"),
    )  # fmt: skip
    assert cause is not None
    assert (cause.check, cause.code, cause.message, cause.hint) == ("auth", "auth-key", "auth fail", "mend auth")
    assert (cause.evidence, cause.ruled_out, cause.passed) == (("401",), ("blanks",), ("dns",))
    assert (cause.follows, cause.others, cause.fix) == (("room", "agent"), ("cors",), MENDS)


def test_what_is_told_of_an_explanation() -> None:
    """The words are the finding's; what it explains is the evidence for it, and follows from it."""
    cause = cause_of(
        result("dns"),
        result("file", Status.warn, Finding("harmless"), explaining("auth-key", place=".env:3")),
        failed("auth", Finding("refused", fix=MENDS), needs=["dns"], code="auth-key", evidence=["401"],
               ruled_out=["clock"]),
        waiting("room", "auth"),
    )  # fmt: skip
    assert cause is not None
    assert (cause.check, cause.code, cause.message, cause.hint) == ("file", "", ".env:3: the reason", "do this")
    assert cause.evidence == ("auth: auth fail", "401")
    assert (cause.ruled_out, cause.passed) == (("clock",), ("dns",))
    assert (cause.follows, cause.others, cause.fix) == (("auth", "room"), (), MENDS)


def test_the_change_of_the_cause_itself_is_preferred() -> None:
    """What an experiment on the symptom found is taken only where the cause names none."""
    own = Fix(path=".env", line=3, old="a", new="b")
    cause = cause_of(failed("file", explaining("auth", fix=own)), failed("auth", Finding("refused", fix=MENDS)))
    assert cause is not None
    assert cause.fix == own


def test_a_chain_is_evidence_from_end_to_end() -> None:
    """What lies between the cause and the failure is told, nearest first."""
    cause = cause_of(
        result("a", Status.warn, explaining("b")), result("b", Status.warn, explaining("c")), failed("c"), failed("d")
    )
    assert cause is not None
    assert (cause.evidence, cause.follows, cause.others) == (("b: b warn", "c: c fail"), ("b", "c"), ("d",))


def test_the_shape() -> None:
    """Every key is there, whatever is known."""
    cause = cause_of(failed("a"))
    assert cause is not None
    assert cause.json() == {
        "check": "a", "code": None, "message": "a fail", "hint": "mend a", "docs": "", "evidence": [], "ruled_out": [],
        "passed": [], "follows": [], "others": [], "fix": None,
    }  # fmt: skip
    assert MENDS.json() == {"command": "mend it", "path": None, "line": None, "old": None, "new": None, "more": []}

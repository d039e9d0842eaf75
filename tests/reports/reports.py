"""Reports to write: a healthy one, a broken one, one that holds what a hostile server said."""

from datetime import UTC, datetime
from typing import Any

from lkctl.checks.report import Report
from lkctl.checks.result import Finding, Fix, Proof, Result, Severity, Status

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
URL = "ws://127.0.0.1:7880"


def result(name: str, status: Status, detail: str, **more: Any) -> Result:
    """Make a result."""
    values = {"severity": Severity.fail, "hint": None, "title": f"{name} is right", **more}
    area = name.partition(".")[0]
    return Result(
        name, area, values.pop("title"), values.pop("severity"), status, detail, values.pop("hint"),
        f"README.md#{name.replace('.', '-')}", 5, **values,
    )  # fmt: skip


def report(*results: Result, strict: bool = False, cut: str = "", url: str = URL, command: str = "diagnose") -> Report:
    """Make a report."""
    return Report(command, url, AT, 1234, results, strict, cut)


HEALTHY = report(
    result("env.a", Status.passed, "it is"),
    result("net.b", Status.passed, "it is"),
    result("net.c", Status.skip, "speaks no TLS"),
)
WARNED = report(
    result("env.a", Status.warn, ".env:3: so so (and 1 more)", severity=Severity.warn, hint="better it",
           findings=(Finding("so so", "better it", ".env:3", Severity.warn),
                     Finding("so", "", "compose.yaml:12", Severity.info))),
    result("net.b", Status.passed, "it is"),
    result("net.c", Status.unknown, "no verdict", severity=Severity.info),
)  # fmt: skip
FIX = Fix(path=".env", line=2, old="B=2", new="B=3")
BROKEN = report(
    result("env.a", Status.warn, "a, b: 100%", severity=Severity.security, findings=(Finding("a, b: 100%"),)),
    result("net.b", Status.fail, ".env:2: it is not", hint="mend it", code="net-refused", needs=("env.a",),
           findings=(Finding("it is not", "mend it", ".env:2", fix=FIX),), proof=Proof(("seen",), ("this", "that"))),
    result("http.c", Status.skip, "needs net.b", blocked_by=("net.b",)),
    result("http.d", Status.unknown, "no verdict within 5.0 s", hint="Give more time with --timeout"),
    result("http.e", Status.crash, "the check itself failed: KeyError"),
)  # fmt: skip
UNSURE = report(result("net.b", Status.unknown, "no verdict"))
CUT = report(result("env.a", Status.passed, "it is"), cut="interrupted")


def full_of(text: str) -> Report:
    """Give a report in which everything that a server, a file or a plug-in may have written is this text."""
    finding = Finding(text, text, text, Severity.fail, fix=Fix(command=text, path=text, old=text, new=text))
    proof = Proof((text, text), (text,))
    return report(
        result("a.plain", Status.passed, text, title=text),
        result("a.info", Status.passed, text, findings=(finding, finding)),
        result("b.warn", Status.warn, text, severity=Severity.warn, hint=text, findings=(finding, finding)),
        result("b.fail", Status.fail, text, hint=text, code=text, findings=(finding, finding), proof=proof),
        result("b.unknown", Status.unknown, text, hint=text, proof=proof),
        result("b.crash", Status.crash, text),
        result("b.skip", Status.skip, text, blocked_by=("b.fail",)),
        result(f"c.{text}", Status.fail, text, title=text, hint=text, code=text),
        url=text,
        command=text,
    )

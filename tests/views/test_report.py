"""How a report reads: on a terminal, in a pipe, for programs; whatever a hostile server put into it."""

import io
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lkctl.checks.report import Report
from lkctl.checks.result import Finding, Fix, Proof, Result, Severity, Status
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.views import telling
from lkctl.views.telling import Telling, showing_changes

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUEl4In0.c2lnbmF0dXJl"
FIX = Fix(path=".env", line=2, old="B=2", new="B=3")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def result(name: str, status: Status, detail: str, **more: Any) -> Result:
    """Make a result."""
    area = name.partition(".")[0]
    values = {"severity": Severity.fail, "hint": "", "findings": (), **more}
    return Result(
        name, area, f"{name} is right", values.pop("severity"), status, detail, values.pop("hint"), f"README.md#{name}",
        5, **values,
    )  # fmt: skip


RESULTS = (
    result("env.a", Status.passed, "it is"),
    result("env.b", Status.warn, "so so", severity=Severity.warn, hint="better it",
           findings=(Finding("so", severity=Severity.warn), Finding("so so", place=".env:2", severity=Severity.info))),
    result("net.c", Status.passed, "it is"),
    result("net.d", Status.fail, "it is not", hint="mend it", code="net-refused", needs=("net.c",),
           findings=(Finding("it is not", "mend it", fix=FIX),), proof=Proof(("seen",), ("this", "that"))),
    result("net.e", Status.skip, "speaks no TLS"),
    result("http.f", Status.skip, "needs net.d", blocked_by=("net.d",)),
    result("http.g", Status.unknown, "no verdict within 5.0 s", hint="Give more time with --timeout"),
    result("http.h", Status.skip, "needs http.g", blocked_by=("http.g",)),
)  # fmt: skip


def report(*results: Result, strict: bool = False) -> Report:
    """Make a report."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Report("diagnose", "ws://x", at, 12, results or RESULTS, strict)


def console(out: io.StringIO) -> Console:
    return Console(stdout=out, stderr=io.StringIO(), stdin=io.StringIO(), environ={"COLUMNS": "80"}, color="never")


def told(shown: Report, format_: Format, *, failed_only: bool = False, out: io.StringIO | None = None) -> str:
    """Tell a report as a command does, and give what it wrote."""
    out = out or io.StringIO()
    tell = Telling(format_, console(out), failed_only=failed_only)
    assert tuple(tell(shown.results)) == shown.results
    tell.conclude(shown)
    return out.getvalue()


TEXT = """\
Probable cause: it is not  [net.d]

env
  ✓ pass    env.a is right: it is
  ! warn    env.b is right: so so
              warn: so
              info: .env:2: so so
              hint: better it
net
  ✓ pass    net.c is right: it is
  ✗ fail    net.d is right: it is not
              hint: mend it
              docs: README.md#net.d
  - skip    net.e is right: speaks no TLS
http
  ? unknown http.g is right: no verdict within 5.0 s
              hint: Give more time with --timeout
              docs: README.md#http.g

FAIL  2 pass, 1 warn, 1 fail, 1 unknown, 3 skip  (12 ms)
  evidence:   seen
  ruled out:  this
              that
  passed:     what it rests on: net.c
  follows:    from it, or did not run because of it: http.f
  besides:    http.g, and did not run because of it: http.h
  to mend it: mend it
  change:     printed by: lkctl diagnose --fix
Probable cause: it is not  [net.d]
"""
FAILED_ONLY = """\
Probable cause: it is not  [net.d]

env
  ! warn    env.b is right: so so
              warn: so
              info: .env:2: so so
              hint: better it
net
  ✗ fail    net.d is right: it is not
"""
VALUES = [
    "cause\tnet.d\tit is not",
    "pass\tenv.a\tit is",
    "warn\tenv.b\tso so",
    "pass\tnet.c\tit is",
    "fail\tnet.d\tit is not",
    "skip\tnet.e\tspeaks no TLS",
    "skip\thttp.f\tneeds net.d",
    "unknown\thttp.g\tno verdict within 5.0 s",
    "skip\thttp.h\tneeds http.g",
    "verdict\tfail\t2 pass, 1 warn, 1 fail, 1 unknown, 3 skip; probable cause: net.d: it is not",
]


@pytest.mark.parametrize("format_", [Format.auto, Format.table])
def test_text(format_: Format) -> None:
    """In a pipe and on a terminal: the cause is the first line and the last."""
    assert told(report(), format_) == TEXT
    assert told(report(), format_, out=Screen()) == TEXT


LONG = result("env.b", Status.fail, "it is not " * 8 + "so", hint="mend it, then again. Run: lkctl env check --strict",
              code="net-refused", findings=(Finding("it", fix=Fix("cp " + "a b " * 20 + "c")),),
              proof=Proof(("seen " * 16,), ("this " * 16,)))  # fmt: skip
NARROW = """\
  ✗ fail    env.b is right: it is not it is not it is not it is not it is not it
            is not it is not it is not so
              hint: mend it, then again. Run: lkctl env check --strict
              docs: README.md#env.b
"""


def test_a_terminal_has_an_end() -> None:
    """On a terminal lines are broken at blanks, and go on under their text; no command to copy is. A pipe has none."""
    lines = told(report(LONG), Format.auto, out=Screen()).splitlines()
    assert NARROW in "\n".join(lines)
    assert "              " + "seen" in "\n".join(lines)
    change = next(line for line in lines if "change:" in line)
    assert change.endswith("cp " + "a b " * 20 + "c")
    assert all(len(line) <= 80 for line in lines if line != change)
    assert max(map(len, told(report(LONG), Format.auto).splitlines())) > 100


def test_what_passed_and_found_something() -> None:
    """Neither a tick nor a warning."""
    found = result("media.stun", Status.passed, "one refuses", findings=(Finding("one refuses"),))
    assert "  i info    media.stun is right: one refuses\n" in told(report(found), Format.auto)
    assert report(found).exit_code == 0


def test_failed_only() -> None:
    """What passed, and what only waits, is left out of every format; the counts are those of all."""
    text = told(report(), Format.auto, failed_only=True)
    assert text.startswith(FAILED_ONLY)
    assert "2 pass" in text
    kept = ["env.b", "net.d", "http.g"]
    shown = json.loads(told(report(), Format.json, failed_only=True))
    assert [one["id"] for one in shown["results"]] == kept
    assert shown["counts"]["pass"] == 2
    lines = [json.loads(line) for line in told(report(), Format.jsonl, failed_only=True).splitlines()]
    assert [one["id"] for one in lines[:-1]] == kept
    rows = [line.split("\t") for line in told(report(), Format.tsv, failed_only=True).splitlines()]
    assert [row[1] for row in rows[1:-1]] == kept


def test_values() -> None:
    """Tab-separated: the cause first; the verdict last, with the cause."""
    assert told(report(), Format.tsv).splitlines() == VALUES
    green = report(RESULTS[0])
    assert told(green, Format.tsv).splitlines() == ["pass\tenv.a\tit is", "verdict\tpass\t1 pass"]


def test_documents() -> None:
    """One document; or a line for each result, and a last one for the report without its results."""
    document = json.loads(told(report(), Format.json))
    assert document == json.loads(json.dumps(report().json()))
    *lines, last = [json.loads(line) for line in told(report(), Format.jsonl).splitlines()]
    assert lines == document["results"]
    assert last == {key: value for key, value in document.items() if key != "results"}
    assert (last["schema"], last["probable_cause"]["check"]) == ("lkctl.report/1", "net.d")


def test_names() -> None:
    """Those that failed."""
    assert told(report(), Format.name) == "net.d\nhttp.g\n"


def test_nothing_failed() -> None:
    """There is no cause to name; the verdict is the last line."""
    assert told(report(RESULTS[0]), Format.auto) == "env\n  ✓ pass    env.a is right: it is\n\nPASS  1 pass  (12 ms)\n"


def slowly(results: Iterable[Result], out: Screen, seen: list[str]) -> Iterator[Result]:
    """Give the first result at once, and the others late; keep what was on the screen meanwhile."""
    first, *others = results
    yield first
    time.sleep(0.3)
    seen.append(out.getvalue())
    yield from others


@pytest.mark.parametrize("shown", [Screen, io.StringIO])
def test_a_slow_run(shown: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sits at a terminal sees what is there, and the cause last; in a pipe it is first all the same."""
    monkeypatch.setattr(telling, "_PATIENCE", 0.05)
    out, seen = shown(), list[str]()
    tell = Telling(Format.auto, console(out))
    tuple(tell(slowly(RESULTS, out, seen)))  # type: ignore[arg-type]
    tell.conclude(report())
    first = "Probable cause: it is not  [net.d]"
    if isinstance(out, Screen):
        assert seen == ["env\n  ✓ pass    env.a is right: it is\n"]
        assert out.getvalue() == TEXT.removeprefix(f"{first}\n\n")
    else:
        assert seen == [""]
        assert out.getvalue() == TEXT
    assert out.getvalue().splitlines()[-1] == first


def test_json_lines_come_one_by_one() -> None:
    """Each as soon as it is there."""
    out, seen = Screen(), list[str]()
    tell = Telling(Format.jsonl, console(out))
    tuple(tell(slowly(RESULTS, out, seen)))
    assert [json.loads(line)["id"] for line in seen[0].splitlines()] == ["env.a"]


HOSTILE = f"[red]\x1b[31m\r\n\u202e{JWT} {'x' * 5000}"


@pytest.mark.parametrize("format_", list(Format)[:6])
def test_what_a_hostile_server_said(format_: Format) -> None:
    """In the detail, the hint, the proof: no control character, no token, and no megabytes for people."""
    proof = Proof(tuple(f"{number} {HOSTILE}" for number in range(30)), (HOSTILE,))
    bad = result("a.b", Status.fail, HOSTILE, hint=HOSTILE, proof=proof,
                 findings=(Finding(HOSTILE), Finding(HOSTILE)))  # fmt: skip
    text = told(report(bad), format_)
    assert not [char for char in "\x1b\r\u202e" if char in text]
    assert JWT not in text
    if format_ in {Format.auto, Format.table}:
        assert len(text) < 40_000
        assert "[red]" in text
        assert "and 23 more; -o json has them all" in text


@pytest.mark.parametrize("format_", list(Format)[:6])
def test_what_a_hostile_plugin_or_bundle_is_called(format_: Format) -> None:
    """Ids, titles, areas and where the docs are: in the lines, in the cause, in what follows and what is besides."""
    words = "[red]\x1b[31m\r\n\u202e\x9b"
    bad = replace(result(f"a{words}.b", Status.fail, "bad"), title=words, docs=words, needs=(f"c{words}.d",))
    results = [
        replace(result(f"c{words}.d", Status.passed, "fine"), title=words),
        bad,
        result(f"e{words}.f", Status.skip, "waits", blocked_by=(bad.id,)),
        result(f"g{words}.h", Status.fail, "bad, too"),
        result(f"i{words}.j", Status.skip, "waits", blocked_by=(f"g{words}.h",)),
    ]
    text = told(report(*results), format_)
    assert not [char for char in "\x1b\r\u202e\x9b" if char in text]
    plain = [replace(one, id="a.b", title="a", docs="a", area="a", needs=(), blocked_by=()) for one in results]
    if format_ is Format.name:
        assert len(text.splitlines()) == 2
    if format_ is Format.tsv:
        assert len(text.splitlines()) == len(told(report(*plain), format_).splitlines())


def test_changes() -> None:
    """A watch has a line for each: when, the verdict, the cause."""
    out = io.StringIO()
    with showing_changes(Format.auto, console(out)) as show:
        show(report())
        show(report(RESULTS[0]))
    lines = out.getvalue().splitlines()
    assert [line[8:] for line in lines] == ["  FAIL  it is not  [net.d]", "  PASS  1 pass"]
    out = io.StringIO()
    with showing_changes(Format.jsonl, console(out)) as show:
        show(report())
    line = json.loads(out.getvalue())
    assert (line["started_at"], line["verdict"], "results" in line) == ("2026-01-01T00:00:00Z", "fail", False)

"""What each format says of a report: healthy, with warnings, broken, cut."""

import json
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from lkctl.checks.report import Report
from lkctl.checks.result import Finding, Fix, Status
from lkctl.reports.catalogue import FORMATS, written
from lkctl.reports.github import annotations, step_summary
from lkctl.reports.nagios import nagios_code
from tests.ci.githubrunner import runner_commands
from tests.reports.readers import SKELETONS, Page, junit_skeleton
from tests.reports.reports import BROKEN, CUT, HEALTHY, UNSURE, WARNED, report, result

REPORTS = {"healthy": HEALTHY, "warned": WARNED, "broken": BROKEN, "unsure": UNSURE, "cut": CUT, "empty": report()}
EVERY = [pytest.param(name, shown, id=f"{name}-{what}") for name in FORMATS for what, shown in REPORTS.items()]


@pytest.mark.parametrize(("name", "shown"), EVERY)
def test_it_is_what_its_readers_expect(name: str, shown: Report) -> None:
    """Valid by the format's own parser; a file ends with its line."""
    text = written(shown, name)
    assert SKELETONS[name](text) is not None
    assert text.endswith("\n")


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"prometheus"}))
def test_a_cut_run_says_so(name: str) -> None:
    """Nobody takes what is there for all there is."""
    assert "cut" in written(CUT, name)
    assert "interrupted" in written(CUT, name)
    assert (CUT.verdict, CUT.exit_code) == ("fail", 130)


def test_a_cut_run_tells_the_cause_that_is_known() -> None:
    """What failed before it was cut is not lost."""
    text = written(replace(BROKEN, cut="terminated"), "html")
    assert "The run was cut (terminated): 1 warn, 1 fail, " in text
    assert "Probable cause: .env:2: it is not [net.b]" in text


COUNTS = [
    pytest.param(HEALTHY, (3, 0, 0, 1), id="healthy"),
    pytest.param(WARNED, (3, 0, 0, 1), id="advice passes"),
    pytest.param(BROKEN, (5, 1, 2, 1), id="broken"),
    pytest.param(CUT, (2, 0, 1, 0), id="cut"),
]


@pytest.mark.parametrize(("shown", "counts"), COUNTS)
def test_junit_counts(shown: Report, counts: tuple[int, int, int, int]) -> None:
    """Suites and cases agree on tests, failures, errors and skips."""
    root = ET.fromstring(written(shown, "junit"))  # noqa: S314  (our own)
    found = [len(root.findall(f".//{tag}")) for tag in ("testcase", "failure", "error", "skipped")]
    said = [sum(int(suite.get(name, "")) for suite in root) for name in ("tests", "failures", "errors", "skipped")]
    assert tuple(found) == tuple(said) == counts
    assert [root.get(name) for name in ("tests", "failures", "errors")] == [str(count) for count in counts[:3]]


def test_junit_tells_what_to_do() -> None:
    """The failure holds what was seen, the next step, and that it is the cause."""
    root = ET.fromstring(written(BROKEN, "junit"))  # noqa: S314  (our own)
    failure = root.find(".//testcase[@name='net.b']/failure")
    assert failure is not None
    assert failure.attrib == {"type": "net-refused", "message": ".env:2: it is not"}
    for words in ("hint: mend it", "docs: README.md#net-b", "evidence: seen", "ruled out: that", "probable cause"):
        assert (failure.text or "").count(words) == 1
    advice = root.find(".//testcase[@name='env.a']/system-out")
    assert advice is not None
    assert "a, b: 100%" in (advice.text or "")


def test_the_schema_judges() -> None:
    """It refuses what Jenkins would misread."""
    good = written(BROKEN, "junit")
    for bad in (good.replace("<testcase name=", "<testcase nome=", 1), good.replace("<failure", "<failed"), "<a/>"):
        with pytest.raises(Exception, match=r"."):
            junit_skeleton(bad.replace("</failure", "</failed") if "<failed" in bad else bad)


def test_github_annotations() -> None:
    """The cause first and pointing to its line, then what else failed, then warnings."""
    lines = annotations(BROKEN).splitlines()
    assert lines[0] == (
        "::error file=.env,line=2,title=lkctl%3A net.b failed%2C and is the probable cause::"
        ".env:2: it is not%0Ahint: mend it"
    )
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::error", "::error", "::warning"]
    assert lines[-1] == "::warning title=lkctl%3A env.a warns::a, b: 100%25"
    findings = runner_commands(annotations(WARNED))
    assert [one.properties.get("file") for one in findings] == [".env", "compose.yaml", None]
    assert findings[1].properties["line"] == "12"


def test_github_output_for_people() -> None:
    """What people read stands where no command counts; the word that ends it is another each time."""
    first, second = (written(BROKEN, "github") for _ in range(2))
    assert first.splitlines()[0] != second.splitlines()[0]
    assert [one.name for one in runner_commands(first)] == ["stop-commands", "error", "error", "error", "warning"]
    assert "Probable cause: .env:2: it is not  [net.b]" in first


def test_step_summary() -> None:
    """It is the Markdown; what is longer than GitHub takes is cut at a line, and says so."""
    assert step_summary(BROKEN) == written(BROKEN, "markdown")
    long = report(*(result(f"env.{number}", Status.passed, "x" * 400) for number in range(3000)))
    assert len(step_summary(long).encode()) <= 1024 * 1024
    assert step_summary(long).endswith("The rest was cut: GitHub takes 1 MiB.\n")


MARKDOWN = """\
## lkctl diagnose: FAIL

**Probable cause: .env\\:2: it is not \\[net.b\\]**

- evidence: seen
- ruled out: this
- ruled out: that
- follows from it: http.c
- besides: http.d, http.e
- to mend it: mend it
- change: printed by: lkctl diagnose --fix

Server: ws\\://127.0.0.1\\:7880 · 2026-01-02T03:04:05.678Z · 1234 ms · 1 warn, 1 fail, 1 unknown, 1 skip, 1 crash

| | check | what was seen |
|---|---|---|
| ! warn | env.a is right \\[env.a\\] | a, b: 100% |
| ✗ fail | net.b is right \\[net.b\\] | .env\\:2: it is not<br>*hint*: mend it<br>*evidence*: seen<br>\
*ruled out*: this<br>*ruled out*: that |
| ? unknown | http.d is right \\[http.d\\] | no verdict within 5.0 s<br>*hint*: Give more time with --timeout |
| ✗ crash | http.e is right \\[http.e\\] | the check itself failed: KeyError |

<details>
<summary>1 skipped</summary>

| | check | what was seen |
|---|---|---|
| - skip | http.c is right \\[http.c\\] | needs net.b |

</details>
"""


def test_markdown() -> None:
    """Whole."""
    assert written(BROKEN, "markdown") == MARKDOWN


@pytest.mark.parametrize("command", ["perl -pi -e 's{a}{@v = map {`b`} 1}' '.env'", "`date`", "echo a_b*c* #1 @me"])
def test_a_command_in_markdown_can_be_copied(command: str) -> None:
    """It is a code span, and rendered to the letter."""
    failed = result("net.b", Status.fail, "it is not", findings=(Finding("it is not", fix=Fix(command=command)),))
    tokens = MarkdownIt().parse(written(report(failed), "markdown"))
    spans = [one.content for token in tokens for one in token.children or () if one.type == "code_inline"]
    assert spans == [command]


def test_html() -> None:
    """The verdict, the cause with what proves it, and each check; the policy forbids what is not in it."""
    page = Page(written(BROKEN, "html"))
    words = " ".join(" ".join(page.words).split())
    for said in ("FAIL", "Probable cause: .env:2: it is not [net.b]", "evidence seen", "To look at", "1 skipped"):
        assert said in words
    metas = [dict(pairs) for tag, pairs in (one for one in page.tags if isinstance(one, tuple)) if tag == "meta"]
    assert any("default-src 'none'" in str(meta.get("content")) for meta in metas)
    assert any("width=device-width" in str(meta.get("content")) for meta in metas)


METRICS: list[object] = [
    pytest.param(HEALTHY, "lkctl_run_failed", {}, 0.0, id="healthy"),
    pytest.param(BROKEN, "lkctl_run_failed", {}, 1.0, id="broken"),
    pytest.param(BROKEN, "lkctl_run_complete", {}, 1.0, id="whole"),
    pytest.param(CUT, "lkctl_run_complete", {}, 0.0, id="cut"),
    pytest.param(BROKEN, "lkctl_run_duration_seconds", {}, 1.234, id="duration"),
    pytest.param(BROKEN, "lkctl_run_timestamp_seconds", {}, 1767323045.678, id="start"),
    pytest.param(BROKEN, "lkctl_results", {"status": "fail"}, 1.0, id="count"),
    pytest.param(BROKEN, "lkctl_check_failed", {"check": "net.b"}, 1.0, id="failed"),
    pytest.param(BROKEN, "lkctl_check_failed", {"check": "env.a"}, 0.0, id="warned"),
    pytest.param(BROKEN, "lkctl_check_status", {"check": "http.c", "status": "skip"}, 1.0, id="status"),
    pytest.param(BROKEN, "lkctl_probable_cause", {"check": "net.b", "code": "net-refused"}, 1.0, id="cause"),
]


@pytest.mark.parametrize(("shown", "name", "labels", "value"), METRICS)
def test_prometheus(shown: Report, name: str, labels: dict[str, str], value: float) -> None:
    """As Prometheus reads it."""
    samples = [one for family in text_string_to_metric_families(written(shown, "prometheus")) for one in family.samples]
    fitting = [one for one in samples if one.name == name and labels.items() <= one.labels.items()]
    assert [one.value for one in fitting] == [value]
    assert fitting[0].labels["url"] == "ws://127.0.0.1:7880"


LINES = [
    pytest.param(HEALTHY, 0, "OK - 2 pass, 1 skip, ws://127.0.0.1:7880 | duration=1.234s;;;0 pass=2;;;0", id="ok"),
    pytest.param(WARNED, 1, "WARNING - 1 pass, 1 warn, 1 unknown, ws://", id="warning"),
    pytest.param(BROKEN, 2, "CRITICAL - Probable cause: .env:2: it is not [net.b] | ", id="critical"),
    pytest.param(UNSURE, 3, "UNKNOWN - Probable cause: no verdict [net.b] | ", id="unknown"),
    pytest.param(CUT, 3, "UNKNOWN - The run was cut (interrupted): 1 pass, and the rest is not known | ", id="cut"),
]


@pytest.mark.parametrize(("shown", "code", "line"), LINES)
def test_nagios(shown: Report, code: int, line: str) -> None:
    """One line, and the code that goes with its state."""
    text = written(shown, "nagios")
    assert text.startswith(line)
    assert text.count("\n") == 1
    assert nagios_code(shown) == code


DOCUMENTS: list[tuple[str, Callable[[str], object]]] = [
    ("json", json.loads),
    ("jsonl", lambda text: [json.loads(line) for line in text.splitlines()][-1]),
]


@pytest.mark.parametrize(("name", "read"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_documents(name: str, read: Callable[[str], object]) -> None:
    """The same as `-o json`; the last line of jsonl is the report without its results."""
    whole = BROKEN.json()
    expected = whole if name == "json" else {key: value for key, value in whole.items() if key != "results"}
    assert read(written(BROKEN, name)) == expected
    assert len(written(BROKEN, "jsonl").splitlines()) == len(BROKEN.results) + 1

"""What a server, a file or a plug-in wrote is inert in every format: it changes no format's structure."""

import re

import pytest

from lkctl.checks.report import Report
from lkctl.reports.catalogue import FORMATS, written
from lkctl.reports.github import step_summary
from lkctl.reports.redaction import redacted
from lkctl.secret import remember
from tests.ci.githubrunner import runner_commands
from tests.reports.readers import SKELETONS, Page, markdown_skeleton
from tests.reports.reports import full_of

SECRET = "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUEl4In0.c2lnbmF0dXJl"
HARMLESS = "harmless"

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "end of style": "</style></title></summary></details></td></main><h1>x</h1>",
    "attribute": '" onmouseover="alert(1)" \' x=\'',
    "end of cdata": "]]><failure/><![CDATA[",
    "comment": "--> x <!-- <?php ?> <!DOCTYPE x>",
    "entities": "&lt;script&gt; &#60;b&#62; &amp; &nosuch;",
    "terminal": "\x1b[2J\x1b]8;;http://evil.example\x07x\x1b]8;;\x07\x9b31m",
    "carriage return": "fine\r::error::x\rx\r\n::warning::x",
    "workflow command": "::error file=a,line=1::x",
    "workflow command on a line": "x\n::error::x\n  ::set-env name=A::b\n::stop-commands::x\n::x::",
    "workflow command encoded": "x%0A::error::x%0D%25",
    "old workflow command": "##[error]x ##[add-path]/tmp ###[group]x",
    "properties": "a,title=x,file=b:c::d",
    "null": "a\x00b",
    "controls": "".join(map(chr, range(32))) + "\x7f\x80\x85\x9f",
    "surrogate": "a\ud800b\udfff",
    "no characters": "a\ufffeb\uffff",
    "directions": "\u202eabc\u2066d\u200f\u061c",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "markdown links": "[x](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example> [x]: http://y",
    "markdown blocks": "# x\n\n- x\n\n> x\n\n```\nx\n```\n\n---\n\n    x\n\n1. x\n\nx\n===",
    "markdown spans": "**x** _x_ `x` ``x`` ~~x~~ \\*x\\* $x$ ![^1] <b>x</b>  \nx\\\nx",
    "markdown tables": "a | b | c\n|---|---|\n| d",
    "people and issues": "@everyone #1 GH-1 a@evil.example owner/repo#2 :smile:",
    "web": "http://evil.example/?a=b&c https://evil.example www.evil.example WWW.evil.example",
    "bars": "| a=1;2;3;4 || b=1 |",
    "labels": '"} 1\nevil{a="b"} 2\n# HELP x y\\',
    "braces": "{{7*7}} ${x} {% x %} $(id) `id`",
    "blank": "   ",
    "token": f"Authorization: Bearer {JWT} and {JWT}x",
    "secret": f"secret {SECRET}, {SECRET}\n{SECRET}",
    "megabytes": "A<" * 150_000,
    "megabytes of lines": "\n::error::x" * 20_000,
}

CASES = [
    pytest.param(name, text, id=f"{name}-{what.replace(' ', '-')}")
    for name in FORMATS
    for what, text in HOSTILE.items()
]
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE, _UNSAFE_IN_JSON = re.compile(rf"[{_CONTROLS}\ufffe\uffff]"), re.compile(f"[{_CONTROLS}]")


@pytest.fixture(autouse=True)
def secret_in_use() -> None:
    """The secret is one that lkctl was given."""
    remember(SECRET)


@pytest.mark.parametrize(("name", "text"), CASES)
def test_structure_is_the_same(name: str, text: str) -> None:
    """Read by the format's own parser, the report has the structure that harmless words give it."""
    out = written(full_of(text), name)
    assert SKELETONS[name](out) == SKELETONS[name](written(full_of(HARMLESS), name))
    assert SECRET not in out
    assert "eyJ" not in out
    assert not (_UNSAFE_IN_JSON if name.startswith("json") else _UNSAFE).search(out)
    out.encode()


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"json", "jsonl"}])
def test_size_is_bounded(name: str) -> None:
    """Megabytes of a server's are told in a line; JSON has them all."""
    assert len(written(full_of(HOSTILE["megabytes"]), name)) < 300_000


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_summary_of_a_step(text: str) -> None:
    """The summary is Markdown as any, no longer than GitHub takes."""
    summary = step_summary(redacted(full_of(text)))
    assert markdown_skeleton(summary) == markdown_skeleton(step_summary(full_of(HARMLESS)))
    assert len(summary.encode()) < 1024 * 1024


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_annotations_in_a_file(text: str) -> None:
    """Printed by a later step, each line of it is one annotation, and of ours; and no line is more than that."""
    lines = written(full_of(text), "github", to_file=True).split("\n")
    assert lines.pop() == ""
    commands = [runner_commands(line) for line in lines]
    assert [[one.name for one in found] for found in commands] == [
        [one.name] for one in runner_commands(written(full_of(HARMLESS), "github", to_file=True))
    ]
    assert all(found[0].properties["title"].startswith("lkctl: ") for found in commands)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_page_needs_nothing_else(text: str) -> None:
    """No script, no link, no image, no form; no attribute that is not ours."""
    tags = [tag for tag in Page(written(full_of(text), "html")).tags if isinstance(tag, tuple)]
    names = {name for name, _ in tags}
    assert not names & {"script", "a", "img", "link", "iframe", "object", "form", "svg", "base", "video", "input"}
    attributes = {key for _, pairs in tags for key, _ in pairs}
    assert attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "open"}


def test_mentions_and_links_in_markdown() -> None:
    """Nobody is called, no issue is referred to, nothing becomes a link."""
    whole = written(full_of(HOSTILE["people and issues"] + HOSTILE["web"]), "markdown")
    text = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", whole)  # in a code span nothing is
    assert not re.search(r"(?<![\\\w])[@#]\w", text)
    assert not re.search(r"[@#]\w|[Gg][Hh]-\d", text)
    assert not re.search(r"https?://|www\.", text, re.IGNORECASE)


def test_annotations_say_what_was_seen() -> None:
    """What is escaped comes out as it was, on one line each; no other command counts."""
    commands = runner_commands(written(full_of("100% a, b: c"), "github"))
    assert {one.name for one in commands} == {"stop-commands", "error", "warning"}
    assert all("100% a, b: c" in one.message for one in commands[1:])


def test_a_report_full_of_it_is_red() -> None:
    """The table is worth something: the text does stand in the reports, in all of its places."""
    shown: Report = full_of("MARK")
    assert shown.exit_code == 1
    for name in set(FORMATS) - {"prometheus", "nagios"}:
        assert written(shown, name).count("MARK") > 8, name

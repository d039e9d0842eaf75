"""Tables, JSON, redaction: what leaves the process."""

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from operator import methodcaller
from typing import Any

import pytest

from lkctl.models import Room
from lkctl.output.columns import align, cells, fit, hang
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import as_json, rfc3339, to_json
from lkctl.output.render import render
from lkctl.output.view import Column, Listing, Record
from lkctl.secret import Secret, mask, printable, scrub

VALUE = "hunter2-hunter2-hunter2-hunter2"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def console(*, tty: bool = False, **environ: str) -> Console:
    """Make a console on strings."""
    stream = Terminal if tty else io.StringIO
    return Console(stdout=stream(), stderr=stream(), stdin=stream(), environ=environ)


def shown(view: Listing[Any] | Record, format_: Format, *, tty: bool = False, columns: int = 80) -> str:
    """Render a view and give what stdout got."""
    target = console(tty=tty, COLUMNS=str(columns), NO_COLOR="1")
    render(view, format_, target)
    stdout = target._out
    assert isinstance(stdout, io.StringIO)
    return stdout.getvalue()


ROWS: Listing[tuple[str, str]] = Listing(
    [("a", "one"), ("bb", "[bold]two[/]\t\x1b[31m")],
    (Column("NAME", lambda row: row[0]), Column("VALUE", lambda row: row[1])),
    lambda row: row[0],
    "There is nothing",
    lambda row: {"name": row[0], "value": row[1]},
)
EMPTY: Listing[tuple[str, str]] = Listing([], ROWS.columns, ROWS.name, "There is nothing", ROWS.json)
ONE = Record(
    {"name": "a", "n": 1}, (("name", "a"), ("number", "1")), "a", "Thing a", (("Rows", EMPTY),), ("! a remark",)
)

HANGING: list[object] = [
    pytest.param("  hint: ", "a short one", "", ["  hint: a short one"], id="fits"),
    pytest.param(
        "  hint: ",
        "one two three four five six seven",
        "",
        ["  hint: one two three four", "        five six seven"],
        id="broken",
    ),
    pytest.param(
        "\x1b[33mhint:\x1b[0m ",
        "one two three four five six",
        "",
        ["\x1b[33mhint:\x1b[0m one two three four five", "      six"],
        id="painted",
    ),
    pytest.param(
        "  hint: ",
        "see https://docs.livekit.example/a/long/one or so",
        "",
        ["  hint: see", "        https://docs.livekit.example/a/long/one", "        or so"],
        id="long word",
    ),
    pytest.param(
        "hint: ",
        "Make one, and more. Run: lkctl token mint --user-id new --room demo; or not",
        "",
        ["hint: Make one, and more. Run:", "      lkctl token mint --user-id new --room demo;", "      or not"],
        id="command",
    ),
    pytest.param(
        "hint: ",
        "Now. Run: chmod 600 .env.production.local",
        "",
        ["hint: Now. Run:", "      chmod 600 .env.production.local"],
        id="any command",
    ),
    pytest.param(
        "- ", "客户端 客户端 客户端 客户端 客户端", "", ["- 客户端 客户端 客户端 客户端", "  客户端"], id="wide"
    ),
    pytest.param("  ok ", "done in the end, it", "  (12 ms)", ["  ok done in the end, it", "     (12 ms)"], id="tail"),
    pytest.param("a very long label: ", "one two three", "", ["a very long label: one two", "  three"], id="narrow"),
    pytest.param("hint: ", "", "", ["hint: "], id="empty"),
]


@pytest.mark.parametrize(("lead", "text", "tail", "lines"), HANGING)
def test_hanging_lines(lead: str, text: str, tail: str, lines: list[str]) -> None:
    """Broken at blanks only, under their text; whole where there is no width to keep."""
    assert hang(lead, text, 30, tail=tail) == lines
    assert hang(lead, text, tail=tail) == [lead + text + tail]


FORMATS = [
    pytest.param(ROWS, Format.table, "NAME  VALUE\na     one\nbb    [bold]two[/]\\t\\x1b[31m\n", id="table"),
    pytest.param(ROWS, Format.tsv, "a\tone\nbb\t[bold]two[/]\\t\\x1b[31m\n", id="tsv"),
    pytest.param(ROWS, Format.auto, "a\tone\nbb\t[bold]two[/]\\t\\x1b[31m\n", id="auto in a pipe"),
    pytest.param(ROWS, Format.name, "a\nbb\n", id="name"),
    pytest.param(EMPTY, Format.json, "[]\n", id="empty json"),
    pytest.param(EMPTY, Format.jsonl, "", id="empty jsonl"),
    pytest.param(EMPTY, Format.tsv, "", id="empty tsv"),
    pytest.param(EMPTY, Format.table, "", id="empty table"),
    pytest.param(
        ONE, Format.table, "Thing a\nname    a\nnumber  1\n\nRows\nThere is nothing\n\n! a remark\n", id="record"
    ),
    pytest.param(ONE, Format.tsv, "name\ta\nnumber\t1\n", id="record tsv"),
    pytest.param(
        ONE._replace(lists=(("Rows", ROWS),)),
        Format.tsv,
        "name\ta\nnumber\t1\nrows\ta\tone\nrows\tbb\t[bold]two[/]\\t\\x1b[31m\n",
        id="record with a list, tsv",
    ),
    pytest.param(ONE, Format.json, '{\n  "name": "a",\n  "n": 1\n}\n', id="record json"),
    pytest.param(ONE, Format.jsonl, '{"name": "a", "n": 1}\n', id="record jsonl"),
    pytest.param(ONE, Format.name, "a\n", id="record name"),
]


@pytest.mark.parametrize(("view", "format_", "text"), FORMATS)
def test_formats(view: Listing[Any] | Record, format_: Format, text: str) -> None:
    """Whole outputs, byte for byte."""
    assert shown(view, format_) == text


def test_jsonl_is_one_document_a_line() -> None:
    """Each line parses by itself."""
    assert [json.loads(line)["name"] for line in shown(ROWS, Format.jsonl).splitlines()] == ["a", "bb"]


def test_auto_on_a_terminal_is_a_table() -> None:
    """And fits the terminal's width."""
    wide: Listing[str] = Listing(["x" * 200], (Column("A", lambda x: x), Column("B", lambda _: "short")), str, "")
    lines = shown(wide, Format.auto, tty=True, columns=40).splitlines()
    assert lines[0].startswith("A ")
    assert all(len(line) <= 40 for line in lines)
    assert "…" in lines[1]
    assert lines[1].endswith("short")


WIDTHS = [("abc", 3), ("äöü", 3), ("日本", 4), ("e\u0301", 1), ("", 0)]


@pytest.mark.parametrize(("text", "width"), WIDTHS)
def test_cells(text: str, width: int) -> None:
    """Wide characters take two cells, combining ones none."""
    assert cells(text) == width


def test_names_are_cut_last() -> None:
    """The first column names the thing: the others give way first."""
    lines = align([["mcp-chrome-user-1", "x" * 50, "y" * 50], ["mcp-chrome-user-2", "z", "z"]], 60)
    assert [line.split()[0] for line in lines] == ["mcp-chrome-user-1", "mcp-chrome-user-2"]
    assert max(map(len, lines)) <= 60


def test_prose_is_wrapped_not_cut() -> None:
    """Sentences of the last column go on below it."""
    assert align([["a", "one two three four five six"]], 24, wrap=True) == ["a  one two three four", "   five six"]


def test_what_is_endless_beside_prose_is_cut() -> None:
    """Megabytes of somebody's metadata do not fill the screen; an ID stays whole."""
    line = align([["a", "i" * 36, "m" * 1_000_000, "one two"]], 60, wrap=True)[0]
    assert line == f"a  {'i' * 36}  {'m' * 39}…  one two"


def test_columns_stay_aligned() -> None:
    """Also behind wide characters, and when cut."""
    lines = align([["日本", "x"], ["ab", "y"]])
    assert lines == ["日本  x", "ab    y"]
    assert fit("日本語", 4) == "日…"
    assert align([]) == []


SCRUBBED = [
    pytest.param(f"a {JWT} b", "a <JWT> b", id="whole token"),
    pytest.param(f'"{JWT}"', '"<JWT>"', id="quoted"),
    pytest.param(JWT[:30], "<JWT>", id="cut token"),
    pytest.param(f"token={JWT}&x=1", "token=<JWT>&x=1", id="in a URL"),
    pytest.param(f"the secret is {VALUE}!", "the secret is <secret>!", id="secret in use"),
    pytest.param(json.dumps({"a": VALUE}), '{"a": "<secret>"}', id="secret in JSON"),
    pytest.param("eyJ", "eyJ", id="three letters are no token"),
    pytest.param("API secret of the secret service", "API secret of the secret service", id="words stay"),
]


@pytest.mark.parametrize(("text", "clean"), SCRUBBED)
def test_scrub(text: str, clean: str) -> None:
    """Tokens and secrets are struck; the rest stays."""
    Secret(VALUE)
    assert scrub(text) == clean


def test_a_secret_with_quotes_is_struck_from_json_too() -> None:
    """JSON spells it with backslashes."""
    odd = Secret('p"q\\r-p"q\\r-p"q\\r')
    assert odd.reveal()[:5] not in scrub(json.dumps({"a": odd.reveal()}))


def test_a_secret_never_shows_itself() -> None:
    """Not by str, repr, format or JSON; two of one value are equal."""
    secret = Secret(VALUE)
    for text in (str(secret), repr(secret), f"{secret}", to_json({"s": secret})):
        assert VALUE not in text
        assert "31 characters" in text
    assert (secret.reveal(), secret == Secret(VALUE), len(secret), bool(Secret(""))) == (VALUE, True, 31, False)
    assert mask("") == "(empty)"


def test_everything_written_is_scrubbed_but_what_is_revealed() -> None:
    """One place decides."""
    target = console()
    Secret(VALUE)
    target.write(VALUE)
    target.complain(JWT)
    target.talk(VALUE)
    target.reveal(VALUE)
    assert isinstance(target._out, io.StringIO)
    assert isinstance(target._err, io.StringIO)
    assert target._out.getvalue() == "<secret>" + VALUE
    assert target._err.getvalue() == "<JWT>\n<secret>\n"


def test_quiet_keeps_the_errors() -> None:
    """Remarks go, errors stay."""
    target = console().adjusted(color="auto", quiet=True)
    target.talk("remark")
    target.complain("error")
    assert isinstance(target._err, io.StringIO)
    assert target._err.getvalue() == "error\n"


PRINTABLE = [
    ("a\x1b[2Jb", "a\\x1b[2Jb"),
    ("a\nb\tc\r", "a\\nb\\tc\\r"),
    ("\u202eabc", "\\u202eabc"),
    ("\ud800", "\\ud800"),
    ("ä✅", "ä✅"),
]


@pytest.mark.parametrize(("text", "safe"), PRINTABLE, ids=range(len(PRINTABLE)))
def test_printable(text: str, safe: str) -> None:
    """Control, direction and broken characters become escapes; letters stay."""
    assert printable(text) == safe


def test_printable_lines() -> None:
    """Line breaks may stay where text has lines."""
    assert printable("a\nb\x07", lines=True) == "a\nb\\x07"


def test_json_values() -> None:
    """Times in UTC, enums by name, dataclasses with every field, nothing that a terminal obeys."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(moment) == "2026-01-02T02:04:05Z"
    assert rfc3339(moment.replace(microsecond=7000)) == "2026-01-02T02:04:05.007Z"
    assert rfc3339(None) is None
    assert as_json(Room(name="r", created_at=datetime(2026, 1, 1, tzinfo=UTC)))["created_at"] == "2026-01-01T00:00:00Z"
    assert list(as_json(Room())) == [
        "sid", "name", "metadata", "created_at", "empty_timeout", "departure_timeout", "max_participants",
        "num_participants", "num_publishers", "active_recording",
    ]  # fmt: skip
    text = to_json({"a": "\x9b31m\u202e\ud800\x1b", "b": (1, 2.5, None, True)})
    assert text.isascii()
    assert json.loads(text) == {"a": "\x9b31m\u202e\ud800\x1b", "b": [1, 2.5, None, True]}


def test_a_long_name_leaves_room_for_the_rest() -> None:
    titles = {"NAME": "n" * 200, "SID": "RM_aNNbtXz8LJC8", "CREATED": "2026-11-21T16:49:36.025Z", "METADATA": "m" * 300}
    columns = tuple(Column(title, methodcaller("get", title)) for title in titles)
    row = shown(Listing([titles], columns, str, ""), Format.auto, tty=True, columns=110).splitlines()[1]
    assert row == f"{'n' * 40}…  RM_aNNbtXz8LJC8  2026-11-21T16:49:36.025Z  {'m' * 23}…"


def test_a_sheet_does_not_flood_a_terminal() -> None:
    sheet = Record({}, (("metadata", "m" * 100_000),), "demo")
    text = shown(sheet, Format.auto, tty=True)
    assert len(text) < 2100
    assert text.endswith("m… (100,000 characters; -o json writes them all)\n")
    assert shown(sheet, Format.auto, tty=False) == "metadata\t" + "m" * 100_000 + "\n"

"""`lkctl token mint --from`, as it is run: files, pipes, a terminal, and what breaks it off."""

import csv
import io
import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lkctl.tokens.decoding import decode
from lkctl.tokens.signer import sign
from tests.harness import OURS, Done, command, environment, invoke, on_terminal, spawn
from tests.tokens.forge import ID, KEY, PAIR, SECRET, claims

MINT = ("token", "mint", "--from")
THREE = "identity,room\nalice,demo\nbob,demo\ncarol,demo\n"
ONE_BAD = "identity,room\nalice,demo\nbob,\ncarol,demo\n"
MANY = 60_000  # rows: they take about a second


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pair that all tokens here are made with."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)


def rows(text: str) -> list[dict[str, Any]]:
    """Read JSON lines, whose tokens must be good ones."""
    found = [json.loads(line) for line in text.splitlines()]
    for row in found:
        if "token" in row:
            assert decode(row["token"], PAIR, now=time.time()).valid
    return found


def as_csv(*arguments: str, stdin: str) -> Done:
    """Mint to CSV, and let the harness know whose tokens are in the cells."""
    done = invoke(*MINT, "-", "-o", "csv", *arguments, stdin=stdin)
    OURS.update(re.findall(r"eyJ[A-Za-z0-9_.-]+", done.out))
    return done


def identities(text: str) -> list[str]:
    """Give the identities in bare tokens."""
    return [decode(line, PAIR, now=time.time()).reading.identity for line in text.split()]


def write_many(path: Path, number: int = MANY) -> str:
    """Write a file that takes a while."""
    with path.open("w") as file:
        file.writelines(f'{{"identity": "user-{place}", "room": "demo"}}\n' for place in range(number))
    return str(path)


INPUTS = [
    pytest.param(THREE, ["alice", "bob", "carol"], id="CSV"),
    pytest.param("\ufeff" + THREE.replace(",", ";").replace("\n", "\r\n"), ["alice", "bob", "carol"], id="Excel"),
    pytest.param("\ufeffsep=;\r\n" + THREE.replace(",", ";"), ["alice", "bob", "carol"], id="Excel with its delimiter"),
    pytest.param("IDENTITY, Room,Attribute.Plan\nalice,demo,pro\n", ["alice"], id="capital letters"),
    pytest.param(THREE.replace(",", "\t"), ["alice", "bob", "carol"], id="tabs"),
    pytest.param(THREE.replace("\n", "\r"), ["alice", "bob", "carol"], id="an old Mac"),
    pytest.param(THREE.rstrip("\n"), ["alice", "bob", "carol"], id="no last line end"),
    pytest.param("\n" + THREE.replace("\n", "\n\n"), ["alice", "bob", "carol"], id="blank lines"),
    pytest.param('room,identity\n"a ""b"", c",alice\n', ["alice"], id="quotes"),
    pytest.param('identity,room,metadata\nalice,demo,"{""a"":\n1}"\nbob,demo,\n', ["alice", "bob"], id="broken line"),
    pytest.param(f"user_id\n{ID}\n", [ID], id="user ID"),
    pytest.param('{"identity":"alice","room":"demo"}\n\n {"identity":"bob","room":"r"}', ["alice", "bob"], id="JSONL"),
    pytest.param('\ufeff{"identity":"alice","room":"demo"}\r\n', ["alice"], id="JSONL with BOM"),
]


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(("text", "wanted"), INPUTS)
def test_what_is_read(text: str, wanted: list[str], jobs: str, tmp_path: Path) -> None:
    """Told apart by what is in it, from a file and from a pipe; the tokens come in order."""
    (tmp_path / "users").write_text(text, newline="")
    for done in (
        invoke(*MINT, str(tmp_path / "users"), "--jobs", jobs),
        invoke(*MINT, "-", "--jobs", jobs, stdin=text),
    ):
        assert (done.code, identities(done.out)) == (0, wanted)
        assert done.err.splitlines()[-1] == f"{len(wanted)} minted"


def test_columns_and_options() -> None:
    """A row overrides what the options say; attributes add to each other."""
    options = ("--room", "lobby", "--ttl", "1h", "--role", "viewer", "--attribute", "a=1", "--attribute", "b=2")
    text = "identity,room,name,metadata,ttl,role,attribute.b,attribute.c\n"
    text += 'alice,demo,Alice A,"{""x"": 1}",10m,participant,3,4\nbob,,,,,,,\n'
    done = invoke(*MINT, "-", *options, "-o", "jsonl", stdin=text)
    alice, bob = (decode(row["token"], PAIR, now=time.time()).reading for row in rows(done.out))
    assert (alice.room, alice.text("name"), alice.text("metadata")) == ("demo", "Alice A", '{"x": 1}')
    assert alice.values["attributes"] == {"a": "1", "b": "3", "c": "4"}
    assert alice.values["exp"] - alice.values["iat"] == 600
    assert "canPublish" not in alice.video
    assert (bob.room, bob.values["attributes"], bob.video["canPublish"]) == ("lobby", {"a": "1", "b": "2"}, False)
    assert bob.values["exp"] - bob.values["iat"] == 3600


def test_a_user_id_for_each() -> None:
    """`new` makes one per row, in the column and as the option."""
    for done in (
        invoke(*MINT, "-", "-o", "jsonl", stdin="user_id,name\nnew,A\nnew,B\n"),
        invoke(*MINT, "-", "--user-id", "new", "-o", "jsonl", stdin="name\nA\nB\n"),
    ):
        made = [row["user_id"] for row in rows(done.out)]
        assert len(set(made)) == 2
        assert all(re.fullmatch(r"user_[0-9]{13}_[a-z0-9]{12}", user_id) for user_id in made)


def test_json_lines_out() -> None:
    """One line a row, the bad one too, in its place."""
    done = invoke(*MINT, "-", "-o", "jsonl", stdin=ONE_BAD)
    alice, bob, carol = rows(done.out)
    assert list(alice) == ["line", "identity", "room", "user_id", "token", "expires_at", "findings"]
    assert (alice["line"], alice["room"], alice["user_id"], carol["line"]) == (2, "demo", None, 4)
    assert re.fullmatch(r"20..-..-..T..:..:..Z", alice["expires_at"])
    assert (bob["line"], bob["error"]["code"], bob["error"]["docs"]) == (3, "token-refused", "README.md#token-refused")
    assert done.code == 1


def test_json_out() -> None:
    """One array, also of nothing."""
    assert [row.get("identity") for row in json.loads(invoke(*MINT, "-", "-o", "json", stdin=ONE_BAD).out)] == [
        "alice",
        None,
        "carol",
    ]
    assert invoke(*MINT, "-", "-o", "json", stdin="identity,room\n").out == "[]\n"
    done = invoke(*MINT, "-", "-o", "json", "--fail-fast", stdin=ONE_BAD)
    assert len(json.loads(done.out)) == 2


def test_csv_out() -> None:
    """With a header; what could break a line or a cell does not."""
    text = '{"identity":"a,\\"b\\"","room":"x\\ny"}\n' + f'{{"user_id":"{ID}"}}\n'
    done = as_csv(stdin=text)
    first, second = csv.DictReader(io.StringIO(done.out))
    assert list(first) == ["line", "identity", "user_id", "room", "expires_at", "token"]
    assert (first["identity"], first["room"], first["user_id"]) == ('a,"b"', "x\\ny", "")
    assert (second["line"], second["identity"], second["user_id"], second["room"]) == (
        "2", ID, ID, f"mcp-chrome-user-{ID}",
    )  # fmt: skip
    assert len(done.out.splitlines()) == 3


@pytest.mark.parametrize("format_", ["auto", "table", "tsv", "name"])
def test_bare_tokens_out(format_: str) -> None:
    """What is no document is the bare token, as for a single one."""
    done = invoke(*MINT, "-", "-o", format_, stdin=ONE_BAD)
    assert identities(done.out) == ["alice", "carol"]


def test_one_bad_row_in_500() -> None:
    """It is named by its line, with the next step; the others are minted."""
    lines = [f"user-{number},demo" for number in range(1, 501)]
    lines[16] = "user-17,"
    done = invoke(*MINT, "-", stdin="\n".join(["identity,room", *lines]))
    assert done.code == 1
    assert len(done.out.splitlines()) == 499
    told, hint, summary = done.err.splitlines()
    assert told == "standard input:18: L11: it allows joining, but names no room"
    assert hint.startswith("  hint: Set room")
    assert summary == "499 minted, 1 failed"


def test_the_line_is_where_a_row_begins() -> None:
    """Also behind cells with line breaks."""
    text = 'identity,room,metadata\nalice,demo,"{\n\n}"\nbob,,"{\n}"\n"carol,demo,\n'
    done = invoke(*MINT, "-", stdin=text)
    assert re.findall(r"^standard input:(\d+)", done.err, re.MULTILINE) == ["5", "7"]
    assert "a quote is opened and never closed; lines 7 to 7 are in it" in done.err


def test_fail_fast() -> None:
    """It ends there, and says so."""
    done = invoke(*MINT, "-", "--fail-fast", stdin=ONE_BAD)
    assert (done.code, identities(done.out)) == (1, ["alice"])
    assert done.err.endswith("1 minted, 1 failed; stopped at the first bad row\n")


def test_warnings_are_counted_and_some_of_them_shown() -> None:
    """Not a hundred lines; --force counts what was forced among them."""
    text = "identity,room\n" + "user,demo\n" * 100
    done = invoke(*MINT, "-", stdin=text)
    assert (done.code, len(done.out.splitlines())) == (0, 100)
    assert done.err.count("warning L10") == 5
    assert done.err.endswith("100 minted, 100 with warnings\n")
    forced = invoke(*MINT, "-", "--force", stdin=ONE_BAD)
    assert (forced.code, len(forced.out.splitlines())) == (0, 3)
    assert "standard input:3: forced L11: it allows joining, but names no room\n" in forced.err
    assert invoke(*MINT, "-", "-q", stdin=text).err == ""


REFUSED = [
    pytest.param("", "input-empty", "is empty", id="nothing"),
    pytest.param("\n \n", "input-empty", "is empty", id="blank"),
    pytest.param("alice,demo\n", "input-malformed", ":1: there is no column 'alice'", id="no header"),
    pytest.param("identity,rom\na,b\n", "input-malformed", ":1: there is no column 'rom'", id="misspelt"),
    pytest.param("identity,room,\na,b,\n", "input-malformed", ":1: column 3 has no name", id="nameless"),
    pytest.param('"identity,room\n', "input-malformed", ":1: a quote is opened and never closed", id="open header"),
    pytest.param('[{"identity": "a"}]', "input-malformed", "is a JSON list", id="array"),
    pytest.param(THREE.encode("utf-16"), "input-encoding", "is UTF-16", id="UTF-16"),
    pytest.param("[" + "9" * 5_000_000, "input-too-large", ":1: the line is longer than 4 MiB", id="huge"),
]


@pytest.mark.parametrize(("text", "code", "told"), REFUSED)
def test_what_is_refused_as_a_whole(text: str | bytes, code: str, told: str, tmp_path: Path) -> None:
    """Exit code 2, nothing on stdout, no file."""
    done = invoke(*MINT, "-", "-o", "jsonl", "--out", "tokens", stdin=text)
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert told in error["message"]
    assert not [path for path in Path().iterdir() if path.name.startswith("tokens")]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_row_that_is_too_long_does_not_stop_the_others(jobs: str) -> None:
    """It is one bad row among others; the array is closed, and the count told."""
    text = THREE.replace("bob", "b" * 5_000_000)
    done = invoke(*MINT, "-", "-o", "json", "--jobs", jobs, stdin=text)
    assert done.code == 1
    found = json.loads(done.out)
    assert [row.get("identity") for row in found] == ["alice", None, "carol"]
    assert (found[1]["line"], found[1]["error"]["code"]) == (3, "input-too-large")
    told, _, summary = done.err.splitlines()
    assert told == "standard input:3: the line is longer than 4 MiB"
    assert summary == "2 minted, 1 failed"


def test_no_row_is_a_table_without_rows() -> None:
    """A header alone is no mistake: nobody was new since yesterday."""
    done = invoke(*MINT, "-", "--out", "tokens", stdin="identity,room\n")
    assert (done.code, done.err, Path("tokens").read_text()) == (0, "0 minted\n", "")


BAD_BYTES = [
    pytest.param(b"identity,room\nM\xfcller,demo\nbob,demo\n", id="CSV"),
    pytest.param(b'{"identity":"M\xfcller","room":"demo"}\n{"identity":"bob","room":"demo"}\n', id="JSONL"),
]


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("content", BAD_BYTES)
def test_a_row_that_is_no_utf8(content: bytes, jobs: str) -> None:
    """As Excel saves CSV by default: that row fails, the others do not."""
    done = invoke(*MINT, "-", "--jobs", jobs, stdin=content)
    assert (done.code, identities(done.out)) == (1, ["bob"])
    assert "the row is not UTF-8: it holds the byte 0xfc" in done.err


SOURCES = [
    pytest.param("missing.csv", "cannot read missing.csv: No such file or directory", id="missing"),
    pytest.param(".", "cannot read .: Is a directory", id="folder"),
    pytest.param("a\x1b[2Jb", r"cannot read a\x1b[2Jb: No such file or directory", id="escape"),
]


@pytest.mark.parametrize(("source", "told"), SOURCES)
def test_sources_that_cannot_be_read(source: str, told: str) -> None:
    """Said in the system's words."""
    done = invoke(*MINT, source)
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: {told}")


FOREIGN = '{"identity":"a\\u001b[2J\\u202e","room":"r"}\n{"identity":"b","room":"r","role":"[red]\\u001b]0;x"}\n'


@pytest.mark.parametrize("format_", ["csv", "jsonl", "json", "auto"])
def test_foreign_text_is_printed_safely(format_: str, tmp_path: Path) -> None:
    """What a row says comes back in messages, and in what is written on a terminal."""
    (tmp_path / "rows").write_text(FOREIGN)
    done = on_terminal(*MINT, str(tmp_path / "rows"), "-o", format_)
    OURS.update(re.findall(r"eyJ[A-Za-z0-9_.-]+", done.out))
    assert done.code == 1
    assert "\x1b[2J" not in done.out
    assert "\x1b]" not in done.out
    assert "\u202e" not in done.out


def test_csv_holds_what_was_asked_for() -> None:
    """Not on a terminal: there quotes do; but for line breaks: a row is a line."""
    done = as_csv(stdin=FOREIGN)
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert row["identity"] == "a\x1b[2J\u202e"
    assert "\x1b" not in done.err


def test_secrets_in_rows_are_struck(secret: str) -> None:
    """Somebody put one into the identity."""
    done = invoke(
        *MINT, "-", "-o", "jsonl", stdin=json.dumps({"identity": SECRET, "room": "eyJhbGciOiJIUzI1NiJ9.e30.x"})
    )
    (row,) = [json.loads(line) for line in done.out.splitlines()]
    assert (row["identity"], row["room"]) == ("<secret>", "<JWT>")


OUTS = [
    pytest.param("jsonl", id="JSON lines"),
    pytest.param("csv", id="CSV"),
    pytest.param("auto", id="bare tokens"),
    pytest.param("json", id="JSON"),
]


@pytest.mark.parametrize("format_", OUTS)
def test_a_file_out(format_: str) -> None:
    """For its owner only; the same as on stdout, but for the rows that failed; nothing else is left."""
    done = invoke(*MINT, "-", "-o", format_, "--out", "tokens", stdin=ONE_BAD)
    assert (done.code, done.out, done.err.splitlines()[-1]) == (1, "", "2 minted, 1 failed")
    assert stat.S_IMODE(Path("tokens").stat().st_mode) == 0o600
    assert [path.name for path in Path().iterdir()] == ["tokens"]
    text = Path("tokens").read_text()
    assert text.count("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.") == 2
    assert "error" not in text


@pytest.mark.parametrize("format_", OUTS[:3])
def test_a_file_is_gone_on_with(format_: str) -> None:
    """What is in it stays as it is; what is new is added; and no row is minted twice."""
    invoke(*MINT, "-", "-o", format_, "--out", "tokens", stdin=ONE_BAD)
    before = Path("tokens").read_text()
    Path("tokens").chmod(0o644)
    done = invoke(*MINT, "-", "-o", format_, "--out", "tokens", "--skip-existing", stdin=THREE + f"dan,{'x' * 20}\n")
    assert (done.code, done.err.splitlines()[-1]) == (0, "2 minted, 2 there already")
    after = Path("tokens").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == len(before.splitlines()) + 2
    assert [path.name for path in Path().iterdir()] == ["tokens"]
    again = invoke(*MINT, "-", "-o", format_, "--out", "tokens", "--skip-existing", "--jobs", "2", stdin=THREE)
    assert (again.err.splitlines()[-1], Path("tokens").read_text()) == ("0 minted, 3 there already", after)


ODD = [
    pytest.param("a\x1b[2J\u202eb", id="escape sequences"),
    pytest.param("a\nb\rc", id="line breaks"),
    pytest.param('a,"b"', id="quotes"),
    pytest.param("é\u2028\x85", id="line breaks of Unicode"),
    pytest.param(SECRET, id="a secret"),
    pytest.param("eyJhbGciOiJIUzI1NiJ9.e30.x", id="a JWT"),
]


@pytest.mark.parametrize("format_", OUTS[:3])
@pytest.mark.parametrize("identity", ODD)
def test_an_odd_identity_is_known_again(identity: str, format_: str) -> None:
    """Read back from the token, whatever is shown beside it."""
    text = json.dumps({"identity": identity, "room": "r"})
    for told in ("1 minted", "0 minted, 1 there already", "0 minted, 1 there already"):
        done = invoke(*MINT, "-", "-o", format_, "--out", "tokens", "--skip-existing", "--force", stdin=text)
        assert (done.code, done.err.splitlines()[-1].removesuffix(", 1 with warnings")) == (0, told)


def test_a_file_without_its_last_line_end_is_gone_on_with() -> None:
    """As an editor may leave it."""
    invoke(*MINT, "-", "-o", "jsonl", "--out", "tokens", stdin=ONE_BAD)
    Path("tokens").write_text(Path("tokens").read_text().rstrip("\n"))
    done = invoke(*MINT, "-", "-o", "jsonl", "--out", "tokens", "--skip-existing", stdin=THREE)
    assert done.code == 0
    assert [row["identity"] for row in rows(Path("tokens").read_text())] == ["alice", "carol", "bob"]


def _folder(path: Path) -> None:
    path.mkdir()


def _foreign(path: Path) -> None:
    path.write_text("precious\n")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _part_pipe(path: Path) -> None:
    os.mkfifo(path.with_name(path.name + ".part"))


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _broken_off(path: Path) -> None:
    path.with_name(path.name + ".part").write_text("")


PLACES: list[Any] = [
    pytest.param(_foreign, [], "file-exists", "is there already", id="a file"),
    pytest.param(_foreign, ["--skip-existing"], "input-malformed", "tokens:1: the line is no token", id="foreign"),
    pytest.param(_folder, [], "file-unwritable", "Is a directory", id="a folder"),
    pytest.param(_folder, ["--skip-existing"], "file-unwritable", "Is a directory", id="a folder, gone on with"),
    pytest.param(_pipe, [], "file-unwritable", "Invalid argument", id="a pipe"),
    pytest.param(_part_pipe, ["--skip-existing"], "file-unwritable", "Invalid argument", id="a pipe as the part"),
    pytest.param(_dangling, [], "file-exists", "is there already", id="a link to nowhere"),
    pytest.param(_circle, ["--skip-existing"], "file-unwritable", "cannot write", id="a link to itself"),
    pytest.param(_broken_off, [], "file-exists", "tokens.part is there already, of a run", id="a part"),
]


@pytest.mark.parametrize(("prepare", "options", "code", "told"), PLACES)
def test_what_is_there_is_not_lost(prepare: Callable[[Path], None], options: list[str], code: str, told: str) -> None:
    """A file, and what is none; nothing is changed and nothing added."""
    prepare(Path("tokens"))
    before = sorted((path.name, path.is_file() and path.read_text()) for path in Path().iterdir())
    done = invoke(*MINT, "-", "-o", "jsonl", "--out", "tokens", *options, stdin=THREE)
    error = json.loads(done.err.splitlines()[-1])["error"]
    assert (done.code, error["code"]) == (2, code)
    assert told in error["message"]
    assert sorted((path.name, path.is_file() and path.read_text()) for path in Path().iterdir()) == before


def test_a_folder_that_is_not_there() -> None:
    """Known before anything is minted."""
    done = invoke(*MINT, "-", "--out", "nowhere/tokens", stdin=THREE)
    assert (done.code, done.err.splitlines()[0]) == (2, "error: cannot write nowhere/tokens: No such file or directory")


def test_a_link_is_followed_when_it_is_gone_on_with(tmp_path: Path) -> None:
    """The link stays a link."""
    (tmp_path / "real").write_text("")
    Path("tokens").symlink_to(tmp_path / "real")
    done = invoke(*MINT, "-", "--out", "tokens", "--skip-existing", stdin=THREE)
    assert done.code == 0
    assert Path("tokens").is_symlink()
    assert len((tmp_path / "real").read_text().splitlines()) == 3


def test_a_foreign_part_is_left_alone() -> None:
    """It may have come from anywhere."""
    Path("tokens.part").write_text("precious\nmore")
    done = invoke(*MINT, "-", "--out", "tokens", "--skip-existing", stdin=THREE)
    assert done.code == 2
    assert Path("tokens.part").read_text() == "precious\nmore"


def test_nothing_is_left_where_all_rows_fail() -> None:
    """An empty file would look like an answer."""
    done = invoke(*MINT, "-", "--out", "tokens", stdin="identity,room\nalice,\n")
    assert (done.code, done.err.splitlines()[-1], list(Path().iterdir())) == (1, "0 minted, 1 failed", [])


def test_fail_fast_leaves_a_part() -> None:
    """The file is not whole; the mended rows go on with it."""
    done = invoke(*MINT, "-", "--out", "tokens", "--fail-fast", stdin=ONE_BAD)
    assert done.code == 1
    assert "tokens.part holds 1 token; the same with --skip-existing goes on" in done.err
    assert [path.name for path in Path().iterdir()] == ["tokens.part"]
    assert invoke(*MINT, "-", "--out", "tokens", "--skip-existing", stdin=THREE).code == 0
    assert identities(Path("tokens").read_text()) == ["alice", "bob", "carol"]
    assert [path.name for path in Path().iterdir()] == ["tokens"]


def test_what_is_of_no_use_any_more_is_told() -> None:
    """Tokens that were there are kept, with a word on those that have expired, or are of another key."""
    invoke(*MINT, "-", "--out", "tokens", "--unsafe", "--ttl", "-5m", stdin=THREE)
    done = invoke(*MINT, "-", "--out", "tokens", "--skip-existing", stdin=THREE)
    assert done.err.splitlines() == [
        "warning: tokens: tokens that have expired: 3; they stay. Write to a new file to replace them",
        "0 minted, 3 there already",
    ]
    Path("tokens").unlink()
    other = ["--api-key", "APIanotherkey12", "--api-secret", "s" * 40]
    invoke(*MINT, "-", "--out", "tokens", *other, stdin=THREE)
    done = invoke(*MINT, "-", "--out", "tokens", "--skip-existing", stdin=THREE)
    assert f"warning: tokens: tokens of another API key than {KEY[:5]}…{KEY[-2:]}: 3; they stay" in done.err


USAGES = [
    pytest.param(["--skip-existing"], "--skip-existing needs --out", id="skip without out"),
    pytest.param(["--skip-existing", "--out", "x", "-o", "json"], "cannot go on with -o json", id="skip and json"),
    pytest.param(["--out", "-"], "--out - names no file", id="out to stdout"),
    pytest.param(["--from", "rows", "--out", "./rows"], "--from and --out name the same file", id="out over from"),
    pytest.param(["--jobs", "0"], "'--jobs': 0 is not in the range", id="no jobs"),
]


@pytest.mark.parametrize(("options", "told"), USAGES)
def test_usage(options: list[str], told: str) -> None:
    """Known before anything is read."""
    Path("rows").touch()
    done = invoke(*MINT, "-", *options, stdin=THREE)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_user_id_made_anew_cannot_be_skipped() -> None:
    """Each run would mint it again."""
    done = invoke(*MINT, "-", "--out", "tokens", "--skip-existing", stdin="user_id\nnew\n")
    assert done.code == 1
    assert "the user ID is new, so nothing tells whether the token is there already" in done.err


@pytest.mark.parametrize("jobs", ["1", "2", "3"])
def test_more_jobs_change_nothing(jobs: str, tmp_path: Path) -> None:
    """The order of the rows, the lines, the counts."""
    source = tmp_path / "rows.jsonl"
    lines = [
        f'{{"identity": "user-{place}", "room": "{"" if place % 1000 == 7 else "demo"}"}}' for place in range(5000)
    ]
    source.write_text("\n".join(lines))
    done = spawn(*MINT, str(source), "-o", "jsonl", "--jobs", jobs)
    numbers = [json.loads(line)["line"] for line in done.out.splitlines()]
    assert numbers == list(range(1, 5001))
    assert (done.code, done.err.splitlines()[-1]) == (1, "4995 minted, 5 failed")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_however_processes_begin(method: str, tmp_path: Path) -> None:
    """On Linux they are forked, elsewhere they begin anew."""
    (tmp_path / "users.csv").write_text(ONE_BAD)
    script = f"import multiprocessing, sys; multiprocessing.set_start_method({method!r}); import lkctl.cli as cli;"
    script += "sys.exit(cli.run(sys.argv[1:]))"
    arguments = (*MINT, str(tmp_path / "users.csv"), "--jobs", "2", "-o", "jsonl")
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert [row.get("identity") for row in rows(done.stdout)] == ["alice", None, "carol"]
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "2 minted, 1 failed")


def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Start lkctl with pipes, in a group of its own, as a shell does."""
    return subprocess.Popen(
        command(*arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, **options,
    )  # fmt: skip


def finish(process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    """Wait for the end of it, and give its exit code and what it said."""
    _, err = process.communicate(timeout=30)
    return process.returncode, err.decode()


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Give the processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def size(path: str) -> int:
    """Give the size of a file that may not be there."""
    return Path(path).stat().st_size if Path(path).exists() else 0


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["^C", "SIGTERM", "SIGKILL"],
)
def test_a_run_that_is_broken_off_is_gone_on_with(number: int, code: int, jobs: str, tmp_path: Path) -> None:
    """No file under the final name; a part of complete lines, but after a kill; the second run makes it whole."""
    source = write_many(tmp_path / "rows.jsonl")
    process = start(*MINT, source, "-o", "jsonl", "--out", "tokens", "--jobs", jobs)
    wait_for(lambda: size("tokens.part") > 2_000_000)  # some batches
    workers = children(process.pid)
    os.killpg(process.pid, number) if number == signal.SIGINT else os.kill(process.pid, number)
    ended, err = finish(process)
    assert ended == code
    assert [path.name for path in Path().iterdir()] == ["tokens.part"]
    if number != signal.SIGKILL:
        assert Path("tokens.part").read_bytes().endswith(b"}\n")
        assert "--skip-existing goes on" in err
    wait_for(lambda: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers))
    done = spawn(*MINT, source, "-o", "jsonl", "--out", "tokens", "--jobs", jobs, "--skip-existing")
    assert done.code == 0
    found = [json.loads(line)["identity"] for line in Path("tokens").read_text().splitlines()]
    assert len(found) == len(set(found)) == MANY
    assert [path.name for path in Path().iterdir()] == ["tokens"]


def test_a_line_that_a_kill_cut_off_is_minted_again() -> None:
    """Wherever the cut is."""
    whole = invoke(*MINT, "-", "-o", "jsonl", stdin=THREE).out
    second = whole.index("\n") + 1
    for cut in (second - 1, second, second + 1, len(whole) - 1):
        Path("tokens.part").write_text(whole[:cut])
        assert invoke(*MINT, "-", "-o", "jsonl", "--out", "tokens", "--skip-existing", stdin=THREE).code == 0
        found = rows(Path("tokens").read_text())
        assert [row["identity"] for row in found] == ["alice", "bob", "carol"], cut
        Path("tokens").unlink()


def test_a_file_and_a_part_of_it_are_joined() -> None:
    """As a run leaves them that was killed while it went on with a file: what is in both is taken once."""
    lines = as_csv(stdin=THREE + "dan,demo\n").out.splitlines(keepends=True)
    Path("tokens").write_text("".join(lines[:4]))
    Path("tokens.part").write_text("".join([*lines[:2], lines[4]]))
    done = invoke(*MINT, "-", "-o", "csv", "--out", "tokens", "--skip-existing", stdin=THREE + "dan,demo\nerin,demo\n")
    assert done.err == "1 minted, 4 there already\n"
    with Path("tokens").open() as file:
        assert [row["identity"] for row in csv.DictReader(file)] == ["alice", "dan", "bob", "carol", "erin"]


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is turned away, the first goes on."""
    source = write_many(tmp_path / "rows.jsonl")
    first = start(*MINT, source, "--out", "tokens")
    wait_for(lambda: size("tokens.part"))
    os.kill(first.pid, signal.SIGSTOP)
    try:
        done = spawn(*MINT, source, "--out", "tokens", "--skip-existing")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert (done.code, done.err.splitlines()[0].endswith("another run of lkctl is writing it")) == (2, True)
    assert finish(first)[0] == 0
    assert len(Path("tokens").read_text().splitlines()) == MANY


@pytest.mark.parametrize("options", [["--out", "tokens"], ["-o", "json"]], ids=["a file", "an array"])
def test_a_lost_worker_is_an_error(options: list[str], tmp_path: Path) -> None:
    """Never a hang; what was minted is kept and counted, an array is closed, and no exit code of a bad row."""
    source = write_many(tmp_path / "rows.jsonl")
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            command(*MINT, source, "--jobs", "2", *options), env=environment(), stdout=out, stderr=subprocess.PIPE
        )
        wait_for(lambda: size("tokens.part") or size(str(tmp_path / "out")))
        os.kill(children(process.pid)[0], signal.SIGKILL)
        code, err = finish(process)
    assert code == 2
    assert re.search(r"^[1-9]\d* minted$", err, re.MULTILINE)
    assert "a process that mints ended by itself (killed by SIGKILL)" in err
    assert Path("tokens.part").exists() or 0 < len(json.loads((tmp_path / "out").read_text())) < MANY


BREAKING_OFF = [
    pytest.param(MINT, '{"identity":"alice","room":"demo"}', ("line", "identity", "room"), id="mint"),
    pytest.param(("token", "decode"), sign(claims(), SECRET), ("header", "claims"), id="decode"),
]


@pytest.mark.parametrize(("words", "line", "keys"), BREAKING_OFF)
def test_an_input_that_breaks_off(words: tuple[str, ...], line: str, keys: tuple[str, ...]) -> None:
    """A terminal that is closed: the array is closed, too."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        command(*words, "-", "-o", "json"), env=environment(), stdin=side, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    assert process.stdout is not None
    os.write(main, f"{line}\n{line}\n".encode())
    begun = b""
    while begun.count(f'"{keys[0]}":'.encode()) < 2:
        begun += process.stdout.read1(1)  # type: ignore[attr-defined]
    time.sleep(0.5)  # a reader that waits is told EIO; one that comes later would see the end of the input (Linux)
    os.close(main)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert b"cannot read standard input: Input/output error" in err
    assert b"2 minted" in err or words != MINT
    assert [set(keys) <= row.keys() for row in json.loads(begun + out)] == [True, True]


def test_a_pipe_that_does_not_block() -> None:
    """That nothing is there yet is not the end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    process = start(*MINT, "-", stdin=reader)
    assert process.stdout is not None
    with os.fdopen(writer, "wb", buffering=0) as out:
        for name in ("alice", "bob"):
            out.write(json.dumps({"identity": name, "room": "demo"}).encode() + b"\n")
            assert identities(process.stdout.readline().decode()) == [name]
    os.close(reader)
    assert finish(process) == (0, "2 minted\n")


def test_workers_are_not_told_secrets_in_the_open(tmp_path: Path) -> None:
    """Neither their arguments nor their environment hold the secret, which came from a file."""
    (tmp_path / "secret").write_text(SECRET)
    source = write_many(tmp_path / "rows.jsonl")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")}
    process = subprocess.Popen(
        command(*MINT, source, "--jobs", "2", "--api-key", KEY, "--api-secret", f"@{tmp_path / 'secret'}"),
        env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for(lambda: len(children(process.pid)) == 2)
    seen = b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for pid in children(process.pid) for what in OPEN_TO_ALL)
    assert b"PATH=" in seen
    assert SECRET.encode() not in seen
    assert finish(process)[0] == 0


OPEN_TO_ALL = ("cmdline", "environ")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("header", "line"),
    [("", '{{"identity":"u{0}","room":"r"}}\n'), ("identity,room\n", "u{0},r\n")],
    ids=["JSONL", "CSV"],
)
def test_results_come_out_as_rows_come_in(header: str, line: str, jobs: str) -> None:
    """A slow pipe in, a token out before the next row is there."""
    process = start(*MINT, "-", "--jobs", jobs, stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(header.encode())
    for number in range(3):
        process.stdin.write(line.format(number).encode())
        process.stdin.flush()
        assert identities(process.stdout.readline().decode()) == [f"u{number}"]
    assert finish(process) == (0, "3 minted\n")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_reader_that_goes_is_told_nothing(jobs: str, tmp_path: Path) -> None:
    """`| head -1`: exit code 141, quiet, and all processes end."""
    process = start(*MINT, write_many(tmp_path / "rows.jsonl"), "--jobs", jobs)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"eyJ")
    process.stdout.close()
    process.stdout = None
    assert finish(process) == (141, "")


def test_a_full_disk_under_stdout() -> None:
    """It is said, and the exit code tells."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(*MINT, "-"),
            input=THREE.encode(),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: cannot write the output: No space left on device")


def test_on_a_terminal_a_count_is_shown_and_wiped(tmp_path: Path) -> None:
    """With --out; the summary is what stays."""
    done = on_terminal(*MINT, write_many(tmp_path / "rows.jsonl"), "--out", "tokens")
    assert done.code == 0
    assert re.search(r"\r\x1b\[2K[0-9,]+ rows done", done.out)
    assert done.out.endswith(f"\r\x1b[2K{MANY} minted\n")


def test_on_a_terminal_the_tokens_are_the_count() -> None:
    """Nothing is drawn amid them; rows can be typed."""
    done = on_terminal(*MINT, "-", typed="identity,room\nalice,demo\n\x04")
    lines = [line for line in done.out.splitlines() if not line.startswith(("identity", "alice"))]
    assert lines[0] == "reading rows from the terminal; ^D ends them"
    assert identities(lines[1]) == ["alice"]
    assert (lines[2], done.code) == ("1 minted", 0)
    OURS.add(lines[1])


@pytest.fixture
def peak() -> Callable[..., int]:
    """Tell the most memory of a command, in MiB. Asked of a small process: a child begins with what its parent has."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )

    def measured(*arguments: str) -> int:
        whole = [sys.executable, "-c", script, *command(*arguments)]
        done = subprocess.run(whole, capture_output=True, text=True, env=environment(), timeout=120, check=True)
        return int(done.stdout)

    return measured


def test_memory_does_not_grow_with_the_rows(peak: Callable[..., int], tmp_path: Path) -> None:
    """Nothing is collected; what is known of an earlier run takes 16 to 32 bytes a token."""
    few, many = write_many(tmp_path / "few", 2_000), write_many(tmp_path / "many", 100_000)
    little = peak(*MINT, few, "-o", "jsonl")
    assert little < 40
    assert peak(*MINT, many, "-o", "jsonl", "--out", "tokens") - little <= 3
    assert peak(*MINT, many, "-o", "jsonl", "--out", "tokens", "--skip-existing") - little <= 8

"""One token or many, judged as they come."""

import itertools
import json
from collections.abc import Iterator

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.decoding import Decoded, decode
from lkctl.tokens.findings import Severity
from lkctl.tokens.lines import Line, Tally, judge_lines
from tests.tokens.forge import NOW, PAIR, token

T = token()
BAD = LkctlError("input-encoding", "line 2 is not UTF-8")


def judge(text: str) -> Decoded:
    """Decode at the fixed time."""
    return decode(text, PAIR, now=NOW)


def judged(*lines: str | LkctlError) -> list[Line]:
    """Judge all lines."""
    return list(judge_lines(lines, judge))


def test_many_lines() -> None:
    """One result a line, in order, bad lines in their places; blank lines are left out and counted."""
    lines = judged(T, "", f"Bearer {token(exp=1)}", "junk", " \t\r", "\ufeff")
    found = [(line.number, line.valid, line.error.code if line.error else None) for line in lines]
    assert found == [(1, True, None), (3, False, None), (4, False, "L01"), (6, False, "L01")]
    assert lines[2].json() == {
        "error": {
            "code": "L01",
            "message": "not a JWT: it has no dot in it",
            "hint": "A JWT is header.payload.signature",
            "docs": "README.md#l01",
        },
        "line": 4,
    }
    assert lines[0].json()["valid"] is True


ONE = [
    pytest.param([T], 1, id="a line"),
    pytest.param(["", T, ""], 2, id="blank lines around it"),
    pytest.param([T[:50], T[50:]], 1, id="broken into lines"),
    pytest.param(["{", '"token":', f'"{T}"', "}"], 1, id="a body"),
    pytest.param(["HTTP/1.1 200 OK", "Date: x", "", f'{{"token": "{T}"}}'], 4, id="a recorded answer"),
    pytest.param(["GET / HTTP/1.1", "Host: x", f"Authorization: Bearer {T}"], 3, id="a recorded request"),
    pytest.param(["LIVEKIT_URL=ws://x", f"LIVEKIT_TOKEN={T}"], 2, id="an env file"),
    pytest.param(["[", f'{{"token": "{T}"}}', "]"], 1, id="a list of one"),
]


@pytest.mark.parametrize(("lines", "number"), ONE)
def test_one_token(lines: list[str], number: int) -> None:
    """Over one line or several."""
    assert [(line.number, line.valid) for line in judged(*lines)] == [(number, True)]


NONE = [
    pytest.param([], "L01", id="nothing"),
    pytest.param(["junk"], "L01", id="junk"),
    pytest.param(["[object Promise]"], "L01", id="a promise"),
    pytest.param(["Host: x", "FOO=bar"], "L01", id="nothing but trappings"),
    pytest.param(["junk", "more junk"], "L01", id="lines of junk"),
    pytest.param([BAD], "input-encoding", id="no UTF-8"),
    pytest.param(["junk", BAD, BAD], "input-encoding", id="a binary file"),
]


@pytest.mark.parametrize(("lines", "code"), NONE)
def test_a_text_that_is_none(lines: list[str | LkctlError], code: str) -> None:
    """An error, not a result."""
    with pytest.raises(LkctlError) as caught:
        judged(*lines)
    assert caught.value.code == code


def test_a_json_list() -> None:
    """Each item is one, numbered by its place: what `mint -o json` writes for many."""
    text = json.dumps([{"token": T}, {"error": {}}, T], indent=2)
    found = [(line.number, line.valid) for line in judged(*text.splitlines())]
    assert found == [(1, True), (2, False), (3, True)]
    assert [line.valid for line in judged(T, "[]", T)] == [True, False, True]


def test_what_is_to_hold_a_token_and_does_not_is_told() -> None:
    """A header or a variable of that name is no trapping."""
    lines = judged(T, "X-Request: 1", "Authorization: Bearer undefined", "LIVEKIT_TOKEN=", "[object Promise]")
    assert [(line.number, line.valid) for line in lines] == [(1, True), (3, False), (4, False), (5, False)]


def test_a_line_that_cannot_be_read_among_tokens() -> None:
    """It is kept in its place."""
    assert [line.error for line in judged(T, BAD, T)] == [None, BAD, None]
    assert [line.error for line in judged(BAD, T)] == [BAD, None]


def test_results_come_before_the_end() -> None:
    """With two lines there, the first is judged; then each as it comes, however many there are."""
    read: list[int] = []

    def endless() -> Iterator[str]:
        for number in itertools.count(1):
            read.append(number)
            yield T

    results = judge_lines(endless(), judge)
    assert [next(results).number for _ in range(4)] == [1, 2, 3, 4]
    assert len(read) == 4


@pytest.mark.parametrize("line", ["junk", "x" * 200_000, BAD], ids=["junk", "long junk", "binary"])
def test_endless_junk(line: str | LkctlError) -> None:
    """Where no token comes for a megabyte, there is none: it does not go on for ever."""
    with pytest.raises(LkctlError):
        list(judge_lines(itertools.repeat(line), judge))


@pytest.mark.parametrize(
    ("lines", "fail_on", "good"),
    [
        ([T, T], Severity.warning, True),
        ([T, token(sub="user")], Severity.error, True),
        ([token(sub="user"), T], Severity.warning, False),
        ([T, "junk"], Severity.error, False),
        ([T, token(exp=1), T], Severity.error, False),
    ],
)
def test_a_tally(lines: list[str], fail_on: Severity, good: bool) -> None:
    """All are good, or not; the lines go through unchanged."""
    tally, given = Tally(fail_on), judged(*lines)
    assert list(tally.watch(given)) == given
    assert tally.good is good

"""Whatever comes in: a verdict or an error of ours, in bounded time and memory.

5,000 random and damaged strings by default, the same ones each time, in this one process. For more, or for others:

    LKCTL_CASES=100000 LKCTL_SEED=7 pytest tests/tokens/test_fuzz.py
"""

import json
import os
import random
import resource
import string
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.output.jsontext import to_json
from lkctl.tokens.claims import GROUPS, OWN, REGISTERED
from lkctl.tokens.decoding import decode
from lkctl.tokens.lines import Line, judge_lines
from tests.harness import invoke
from tests.tokens.forge import HEADER, KEY, NOW, PAIR, SECRET, claims, forge, segment, token, video
from tests.tokens.generator import make_case

CASES = int(os.environ.get("LKCTL_CASES", "5000"))
SEED = int(os.environ.get("LKCTL_SEED", "20261121"))
SLICE = 1000
AT_COMMAND = 300
MOST_SECONDS = 0.02  # for one string; it takes a hundredth of that
MOST_MEMORY = 64 * 1024  # KiB that a slice may add to what the process needs at most
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    2**70,
    "",
    "x",
    "\ud800",
    "\x00\x1b[31m\u202e",
    "[/]",
    [],
    [None],
    {},
    {"": 0},
    "é" * 300,
]
NAMES = [*REGISTERED, *OWN, *GROUPS, "roomJoin", "room_join", "Video", "", "\ud800", "x" * 300]
WRAPPINGS = ["{}", "Bearer {}", '"{}"', "https://x/?token={}", "  {}\n", "TOKEN={}", "{}\n{}"]


def odd_value(source: random.Random, depth: int = 3) -> Any:
    """Make a value of any JSON type."""
    if depth and source.random() < 0.3:
        return {source.choice(NAMES): odd_value(source, depth - 1) for _ in range(source.randrange(4))}
    return source.choice(ODD)


def odd_claims(source: random.Random) -> dict[str, Any]:
    """Make good claims with some of them spoilt, grants too."""
    made = {**claims(), **{source.choice(NAMES): odd_value(source) for _ in range(source.randrange(5))}}
    for group in GROUPS:
        if source.random() < 0.2:
            fields = [*GROUPS[group].fields, "ROOM", "can_publish"]
            made[group] = {source.choice(fields): odd_value(source) for _ in range(source.randrange(6))}
    return made


def spoilt(source: random.Random, text: str) -> str:
    """Change, cut or double a few characters."""
    for _ in range(source.randrange(1, 4)):
        place = source.randrange(len(text) + 1)
        piece = source.choice(
            ["", ".", "=", "\n", "\x00", "\ud800", "eyJ", text[:40], "".join(source.choices(string.printable, k=3))]
        )
        text = text[:place] + piece + text[place + source.randrange(3) :]
    return text


def strings(start: int, end: int) -> Iterator[str]:
    """Give the strings of these numbers, the same every time."""
    for number in range(start, end):
        source = random.Random(f"{SEED}/{number}")  # noqa: S311
        yield source.choice(WRAPPINGS).replace("{}", odd_string(source, number))


def odd_string(source: random.Random, number: int) -> str:
    """Make a string that is anything from noise to a good token."""
    kind = source.randrange(7)
    if kind == 0:
        return "".join(chr(source.randrange(0x11000)) for _ in range(source.randrange(60)))
    if kind == 1:
        return ".".join(segment(source.randbytes(source.randrange(40))) for _ in range(source.randrange(1, 6)))
    if kind == 2:
        return forge(spoilt(source, json.dumps(odd_claims(source))).encode("utf-8", "surrogatepass"))
    if kind == 3:
        return spoilt(source, forge(odd_claims(source)))
    if kind == 4:
        return spoilt(source, make_case(SEED, number, KEY, SECRET, NOW).token)
    return forge(odd_claims(source), {**HEADER, source.choice(["alg", "typ", "kid"]): odd_value(source)})


def attempt(text: str) -> list[Line] | LkctlError:
    """Decode all lines, or give the refusal."""
    try:
        return list(judge_lines(text.split("\n"), lambda line: decode(line, PAIR, now=NOW)))
    except LkctlError as error:
        return error


@pytest.mark.parametrize("start", range(0, CASES, SLICE))
def test_strings(start: int) -> None:
    """No exception but our own; every result can be shown; nothing of the secret in it."""
    began, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = [attempt(text) for text in strings(start, min(start + SLICE, CASES))]
    refused = [result for result in results if isinstance(result, LkctlError)]
    assert {error.code for error in refused} == {"L01"}
    assert len(results) // 10 < len(refused) < len(results) * 9 // 10
    for result in results:
        for line in [] if isinstance(result, LkctlError) else result:
            shown = to_json(line.json())
            assert shown.encode()
            assert json.loads(shown, parse_constant=pytest.fail)
            assert SECRET not in shown
    assert time.process_time() - began < len(results) * MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MOST_MEMORY


@pytest.mark.parametrize("form", ["json", "table", "tsv", "jsonl"])
def test_strings_at_the_command(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0, 1 or 2, and an answer: never a traceback, never 70."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    codes = set()
    for text in strings(0, AT_COMMAND):
        done = invoke("token", "decode", "-", "-o", form, stdin=text.encode("utf-8", "surrogatepass"))
        codes.add(done.code)
        assert done.out or done.err
        assert "Traceback" not in done.err
        assert SECRET not in done.out + done.err
        assert "\x1b" not in done.out + done.err
    assert {1, 2} <= codes <= {0, 1, 2}


MEGABYTES = [
    pytest.param(lambda: "a" * 10_000_000, id="one letter"),
    pytest.param(lambda: "eyJ" * 3_300_000, id="the start of a token"),
    pytest.param(lambda: "eyJa." * 2_000_000, id="two million parts"),
    pytest.param(lambda: "." * 10_000_000, id="dots"),
    pytest.param(lambda: " " * 10_000_000, id="blanks"),
    pytest.param(lambda: '"' * 10_000_000, id="quotes"),
    pytest.param(lambda: "{" * 10_000_000, id="braces"),
    pytest.param(lambda: '{"token":' * 1_100_000, id="nested JSON"),
    pytest.param(lambda: "Bearer " * 1_400_000, id="Bearer"),
    pytest.param(lambda: "abc\n" * 2_500_000, id="lines"),
    pytest.param(lambda: "https://x/?" + "token=&" * 1_400_000, id="a URL"),
    pytest.param(lambda: forge("[" * 7_000_000), id="brackets in the payload"),
    pytest.param(lambda: forge('{"a":' * 1_400_000), id="objects in the payload"),
    pytest.param(lambda: token(metadata="x" * 7_000_000), id="metadata"),
    pytest.param(lambda: token(metadata="[" * 7_000_000), id="brackets in the metadata"),
    pytest.param(lambda: token(**{"k" * 7_000_000: 1}), id="a key"),
    pytest.param(lambda: video(**{"room_" * 1_400_000: 1}), id="a grant"),
    pytest.param(lambda: token(**{f"k{number}": number for number in range(400_000)}), id="keys"),
    pytest.param(lambda: token(attributes={f"k{number}": "" for number in range(400_000)}), id="attributes"),
    pytest.param(lambda: video(canPublishSources=["é"] * 500_000), id="sources"),
    pytest.param(lambda: forge('{"exp":' + "9" * 7_000_000 + "}"), id="digits"),
    pytest.param(lambda: token(exp="9" * 7_000_000), id="digits in quotes"),
    pytest.param(lambda: token(roomConfig={"emptyTimeout": "9" * 7_000_000}), id="digits in roomConfig"),
    pytest.param(lambda: token(roomConfig={"emptyTimeout": "1e" + "9" * 7_000_000}), id="an exponent in roomConfig"),
    pytest.param(lambda: token(roomConfig={"emptyTimeout": "5." + "0" * 7_000_000 + "x"}), id="noughts in roomConfig"),
    pytest.param(lambda: token(roomConfig={"tags": {f"k{n}": "" for n in range(400_000)}}), id="tags"),
    pytest.param(lambda: token(roomConfig={"egress": {"room": {"fileOutputs": [{}] * 400_000}}}), id="outputs"),
    pytest.param(lambda: forge({"alg": "HS256", "x": ["\ud800"] * 500_000}), id="halves of surrogate pairs"),
]


@pytest.mark.parametrize("make", MEGABYTES)
def test_ten_megabytes(make: Callable[[], str]) -> None:
    """A verdict of readable length (pytest's time limit is a hundred times what it takes)."""
    result = attempt(make())
    if isinstance(result, LkctlError):
        assert result.code == "L01"
        assert len(result.message) < 200
    else:
        assert len(result) == 1
        assert result[0].decoded
        assert len(result[0].decoded.findings) < 30

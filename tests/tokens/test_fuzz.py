"""Whatever comes in: a verdict or an error of ours, in bounded time."""

import json
import random
import string
from collections.abc import Iterator
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.output.jsontext import to_json
from lkctl.tokens.claims import GROUPS, OWN, REGISTERED
from lkctl.tokens.lines import Line, decode_lines
from tests.tokens.forge import HEADER, NOW, PAIR, SECRET, claims, forge, segment, token, video

COUNT = 3000
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


def strings() -> Iterator[str]:
    """Give the same strings every time."""
    source = random.Random(20261121)  # noqa: S311
    for _ in range(COUNT):
        kind = source.randrange(6)
        if kind == 0:
            text = "".join(chr(source.randrange(0x11000)) for _ in range(source.randrange(60)))
        elif kind == 1:
            text = ".".join(segment(source.randbytes(source.randrange(40))) for _ in range(source.randrange(1, 6)))
        elif kind == 2:
            text = forge(spoilt(source, json.dumps(odd_claims(source))).encode("utf-8", "surrogatepass"))
        elif kind == 3:
            text = spoilt(source, forge(odd_claims(source)))
        else:
            text = forge(odd_claims(source), {**HEADER, source.choice(["alg", "typ", "kid"]): odd_value(source)})
        yield source.choice(WRAPPINGS).replace("{}", text)


def attempt(text: str) -> list[Line] | LkctlError:
    """Decode, or give the refusal."""
    try:
        return decode_lines(text, PAIR, now=NOW)
    except LkctlError as error:
        return error


def test_three_thousand_strings() -> None:
    """No exception but our own; every result can be shown; nothing of the secret in it."""
    results = [attempt(text) for text in strings()]
    refused = [result for result in results if isinstance(result, LkctlError)]
    assert {error.code for error in refused} == {"L01"}
    assert COUNT // 10 < len(refused) < COUNT * 9 // 10
    for result in results:
        for line in [] if isinstance(result, LkctlError) else result:
            shown = to_json(line.json())
            assert shown.encode()
            assert json.loads(shown, parse_constant=pytest.fail)
            assert SECRET not in shown


MEGABYTES = [
    pytest.param("a" * 10_000_000, id="one letter"),
    pytest.param("eyJ" * 3_300_000, id="the start of a token"),
    pytest.param("eyJa." * 2_000_000, id="two million parts"),
    pytest.param("." * 10_000_000, id="dots"),
    pytest.param(" " * 10_000_000, id="blanks"),
    pytest.param('"' * 10_000_000, id="quotes"),
    pytest.param("{" * 10_000_000, id="braces"),
    pytest.param('{"token":' * 1_100_000, id="nested JSON"),
    pytest.param("Bearer " * 1_400_000, id="Bearer"),
    pytest.param("abc\n" * 2_500_000, id="lines"),
    pytest.param("https://x/?" + "token=&" * 1_400_000, id="a URL"),
    pytest.param(forge("[" * 7_000_000), id="brackets in the payload"),
    pytest.param(forge('{"a":' * 1_400_000), id="objects in the payload"),
    pytest.param(token(metadata="x" * 7_000_000), id="metadata"),
    pytest.param(token(metadata="[" * 7_000_000), id="brackets in the metadata"),
    pytest.param(token(**{"k" * 7_000_000: 1}), id="a key"),
    pytest.param(video(**{"room_" * 1_400_000: 1}), id="a grant"),
    pytest.param(token(**{f"k{number}": number for number in range(400_000)}), id="keys"),
    pytest.param(token(attributes={f"k{number}": "" for number in range(400_000)}), id="attributes"),
    pytest.param(video(canPublishSources=["é"] * 500_000), id="sources"),
    pytest.param(forge('{"exp":' + "9" * 7_000_000 + "}"), id="digits"),
]


@pytest.mark.parametrize("text", MEGABYTES)
def test_ten_megabytes(text: str) -> None:
    """A verdict of readable length (pytest's time limit is a hundred times what it takes)."""
    result = attempt(text)
    if isinstance(result, LkctlError):
        assert result.code == "L01"
        assert len(result.message) < 200
    else:
        assert len(result) == 1
        assert result[0].decoded
        assert len(result[0].decoded.findings) < 30

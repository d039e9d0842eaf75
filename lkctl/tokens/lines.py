"""One token or many, one a line, judged as they come."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import remember
from lkctl.tokens.decoding import Decoded
from lkctl.tokens.findings import Severity
from lkctl.tokens.wrapping import holds_token, is_trapping, join, listed, opens_body, unwrap

Decoder = Callable[[str], Decoded]
Numbered = tuple[int, str | LkctlError]

_MOST_HEAD = 1024 * 1024  # characters; where no token came until then, there is none
_SIZE_OF_AN_ERROR = 100
_DOTS = 2
_MOST_BODY = 64 * 1024 * 1024


class Line(NamedTuple):
    """What became of one line: a decoded token, or why it is none."""

    number: int
    decoded: Decoded | None
    error: LkctlError | None = None

    @property
    def valid(self) -> bool:
        """Whether it holds a valid token."""
        return self.decoded is not None and self.decoded.valid

    def failure(self) -> dict[str, Any]:
        """Give what `-o jsonl` shows of a line that holds no token."""
        error = self.error or LkctlError("L01", "not a JWT")
        return {"error": error.json(), "line": self.number}

    def json(self) -> dict[str, Any]:
        """Give it as `-o jsonl` shows it."""
        return self.failure() if self.decoded is None else self.decoded.json()


class Tally:
    """Whether all lines that went by are good: valid, and without a finding of a severity or worse."""

    def __init__(self, fail_on: Severity = Severity.error) -> None:
        self._fail_on = fail_on
        self.good = True

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Hand the lines on."""
        for line in lines:
            self.good = self.good and line.decoded is not None and line.decoded.passes(self._fail_on)
            yield line


def judge_lines(lines: Iterable[str | LkctlError], decoder: Decoder) -> Iterator[Line]:
    """Judge the one token, or each line, as soon as it comes; a text over several lines may still be one token.

    Raises `L01`, or the error in the place of a line, for a single text that is no JWT; among many it is kept. Memory
    stays bounded however many lines there are.
    """
    numbered = candidates(lines)
    head = _head(numbered)
    text = _one(head)
    if text is not None:
        yield Line(head[0][0] if head else 1, decoder(text))
        return
    for number, line in chain(head, numbered):
        yield _judged(number, line, decoder)


def one_token(text: str) -> str:
    """Take the token out of what it is wrapped in, and keep it out of all that is printed; raise `usage` for several.

    What is no token is given back as it is: who decodes it says what it looks like.
    """
    lines = [line for _, line in candidates(text.splitlines()) if isinstance(line, str)]
    one = join(lines) if lines else ""
    if one is None:
        hint = "Verify one at a time; of many says what is in them: lkctl token decode"
        raise LkctlError("usage", f"{len(lines)} lines were given, and more than one holds a token", hint=hint)
    token = unwrap(one)
    if token.count(".") == _DOTS:
        remember(token)  # not every token looks like one to the scrubber
    return token


def candidates(lines: Iterable[str | LkctlError]) -> Iterator[Numbered]:
    """Give what may be a token, with its line: a line, or an item of a JSON list, numbered by its place in the list.

    Blank lines, and those that only come along with a token, are left out and counted; one of them stays where there
    is nothing else.
    """
    trapping, seen = None, False
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        if isinstance(line, str) and not line.startswith("eyJ"):
            if not line.strip():
                continue
            if is_trapping(line):
                trapping = trapping or (number, line)
                continue
            if not seen and line.lstrip().startswith("["):
                yield from _items((number, line), numbered)
                return
        seen = True
        yield number, line
    if trapping is not None and not seen:
        yield trapping


def _items(first: Numbered, rest: Iterator[Numbered]) -> Iterator[Numbered]:
    """Give the items of a JSON list, or the lines as they are where it is none."""
    taken, size = [first], 0
    for number, line in rest:
        taken.append((number, line))
        size += _SIZE_OF_AN_ERROR if isinstance(line, LkctlError) else len(line)
        if size > _MOST_BODY:
            break
    items = listed("\n".join(line for _, line in taken if isinstance(line, str)))
    if items:
        yield from enumerate(items, 1)
    else:
        yield from (
            (number, line) for number, line in chain(taken, rest) if isinstance(line, LkctlError) or line.strip()
        )


def _head(numbered: Iterator[Numbered]) -> list[Numbered]:
    """Take lines until there are two and one of them is a token for sure, or until the bound."""
    head: list[Numbered] = []
    size, most, found = 0, _MOST_HEAD, False
    for number, line in numbered:
        head.append((number, line))
        size += _SIZE_OF_AN_ERROR if isinstance(line, LkctlError) else len(line)
        if isinstance(line, str):
            most = _MOST_BODY if len(head) == 1 and opens_body(line) else most
            found = found or (most == _MOST_HEAD and holds_token(line, whole=True))
        if (found and len(head) > 1) or size > most:
            break
    return head


def _one(head: list[Numbered]) -> str | None:
    """Give the one text that the first lines are together; None where each may be a token of its own."""
    texts = [line for _, line in head if isinstance(line, str)]
    wrong = next((line for _, line in head if isinstance(line, LkctlError)), None)
    if wrong is None:
        return join(texts) if texts else ""
    if any(map(holds_token, texts)):
        return None
    raise wrong


def _judged(number: int, line: str | LkctlError, decoder: Decoder) -> Line:
    if isinstance(line, LkctlError):
        return Line(number, None, line)
    try:
        return Line(number, decoder(line))
    except LkctlError as error:
        return Line(number, None, error)

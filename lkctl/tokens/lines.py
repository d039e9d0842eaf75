"""One token or many, one a line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lkctl.errors import LkctlError
from lkctl.settings.shape import Pair
from lkctl.tokens.decode import Decoded, decode
from lkctl.tokens.wrapping import split_tokens


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one line: a decoded token, or why it is none."""

    number: int
    decoded: Decoded | None
    error: LkctlError | None = None

    @property
    def valid(self) -> bool:
        """Whether it holds a valid token."""
        return self.decoded is not None and self.decoded.valid

    def json(self) -> dict[str, Any]:
        """Give it as `-o jsonl` shows it."""
        if self.decoded is not None:
            return self.decoded.json()
        error = self.error or LkctlError("L01", "not a JWT")
        body = {"code": error.code, "message": error.message, "hint": error.hint, "docs": error.docs}
        return {"error": body, "line": self.number}


def decode_lines(text: str, pair: Pair | None, *, now: float) -> list[Line]:
    """Decode the one token, or each line. Raise `L01` for a single text that is no JWT; among many it is kept."""
    tokens = split_tokens(text)
    if len(tokens) == 1:
        return [Line(1, decode(tokens[0][1], pair, now=now))]
    return list(_each(tokens, pair, now))


def _each(tokens: list[tuple[int, str]], pair: Pair | None, now: float) -> Iterator[Line]:
    for number, token in tokens:
        try:
            yield Line(number, decode(token, pair, now=now))
        except LkctlError as error:
            yield Line(number, None, error)

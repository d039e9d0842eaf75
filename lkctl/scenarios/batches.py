"""One batch of rows after another becomes text: what is done in each process of a bulk mint."""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from lkctl.errors import LkctlError
from lkctl.files.rows import BadRow, Record
from lkctl.secret import remember
from lkctl.settings.shape import Pair
from lkctl.tokens.bulk.minter import BulkToken, Minter, SeenPairs
from lkctl.tokens.bulk.rows import Objects, Row, read_cells
from lkctl.tokens.findings import Facts, Severity
from lkctl.tokens.minting import TokenRequest, label_of

_MOST_WARNINGS = 5  # of a batch that are told; the others are counted


class Failure(NamedTuple):
    """A row that no token was made for: the line where it begins, and the error."""

    line: int
    code: str
    message: str
    hint: str


class OutputForm(NamedTuple):
    """A way to write tokens: what stands for one, what ends it, and what stands before, between and after all.

    `failure` writes a row that failed, where such a row has its place, too. `pattern` is that of a line, with the token
    as its first group; `option` the -o it is asked for with.
    """

    option: str
    pattern: str
    token: Callable[[int, BulkToken], str]
    failure: Callable[[Failure], str] | None = None
    end: str = "\n"
    before: str = ""
    between: str = ""
    after: str = ""
    none: str = ""  # instead of all that, where there are no tokens

    @property
    def appendable(self) -> bool:
        """Whether a file of it can be gone on with."""
        return not self.after


class Order(NamedTuple):
    """What is to be made of rows. It can be sent to another process.

    What a row leaves out, `defaults` give. `header` names the columns of CSV, None means JSONL.
    """

    defaults: TokenRequest
    pair: Pair
    form: OutputForm
    header: list[str] | None
    force: bool
    facts: Facts
    known: SeenPairs | None
    fail_fast: bool


class Outcome(NamedTuple):
    """What became of a batch: the text to be written, and what is to be told of it."""

    text: str
    minted: int
    skipped: int
    failures: list[Failure]
    warned: int
    warnings: list[tuple[int, str]]


class BatchMinter:
    """Mints batches of rows."""

    def __init__(self, order: Order) -> None:
        remember(order.pair.secret)  # in a process of its own, nobody else has
        self._form, self._fail_fast = order.form, order.fail_fast
        self._minter = Minter(order.defaults, order.pair, entropy=os.urandom, force=order.force, facts=order.facts,
                              known=order.known)  # fmt: skip
        self._read: Callable[[Any], Row] = Objects().read if order.header is None else _under(order.header)

    def __call__(self, records: list[Record]) -> Outcome:
        """Mint a token for each row; one that fails does not stop the others, unless it is to."""
        lines: list[str] = []
        failures: list[Failure] = []
        warnings: list[tuple[int, BulkToken]] = []
        minted = skipped = 0
        mint, read, write, end, now = self._minter.mint, self._read, self._form.token, self._form.end, time.time()
        for number, content in records:
            try:
                made = mint(read(content), now) if type(content) is not BadRow else _raise(content)
            except LkctlError as error:
                failures.append(Failure(number, error.code, error.message, error.hint))
                if self._form.failure is not None:
                    lines.append(self._form.failure(failures[-1]) + end)
                if self._fail_fast:
                    break
                continue
            if made is None:
                skipped += 1
                continue
            minted += 1
            lines.append(write(number, made) + end)
            if made.findings and _warnings(made):
                warnings.append((number, made))
        told = [(number, text) for number, made in warnings[:_MOST_WARNINGS] for text in _warnings(made)]
        return Outcome(self._form.between.join(lines), minted, skipped, failures, len(warnings), told)


def _raise(row: BadRow) -> NoReturn:
    raise LkctlError(row.code, row.message, hint=row.hint)


def _under(header: list[str]) -> Callable[[list[str]], Row]:
    def read(cells: list[str]) -> Row:
        return read_cells(header, cells)

    return read


def _warnings(made: BulkToken) -> list[str]:
    """Say the findings that a person should know of."""
    told = (finding for finding in made.findings if finding.severity is not Severity.info)
    return [f"{label_of(finding)} {finding.id}: {finding.message}" for finding in told]

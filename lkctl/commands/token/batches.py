"""One batch of rows after another becomes text: what is done in each process of a bulk mint."""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from lkctl.errors import LkctlError
from lkctl.files.rows import BadRow, Record
from lkctl.output.format import Format
from lkctl.secret import remember
from lkctl.settings.shape import Pair
from lkctl.tokens.bulk import Keys, Minter, Ticket
from lkctl.tokens.findings import Facts, Severity
from lkctl.tokens.minting import TokenRequest
from lkctl.tokens.rows import Objects, Row, read_cells
from lkctl.views.bulk import Failure, form_of

_MOST_WARNINGS = 5  # of a batch that are told; the others are counted


class Order(NamedTuple):
    """What is to be made of rows. It can be sent to another process.

    `header` names the columns of CSV, None means JSONL. `failures`: rows that fail have their place in the text, too.
    """

    template: TokenRequest
    pair: Pair
    format: Format
    header: list[str] | None
    force: bool
    facts: Facts
    known: Keys | None
    fail_fast: bool
    failures: bool


class Outcome(NamedTuple):
    """What became of a batch: the text to be written, and what is to be told of it."""

    text: str
    minted: int
    skipped: int
    failures: list[Failure]
    warned: int
    warnings: list[tuple[int, str]]


class Bench:
    """Mints batches of rows."""

    def __init__(self, order: Order) -> None:
        remember(order.pair.secret)  # in a process of its own, nobody else has
        self._order, self._form = order, form_of(order.format)
        self._minter = Minter(order.template, order.pair, entropy=os.urandom, force=order.force, facts=order.facts,
                              known=order.known)  # fmt: skip
        self._read: Callable[[Any], Row] = Objects().read if order.header is None else _under(order.header)

    def __call__(self, records: list[Record]) -> Outcome:
        """Mint a token for each row; one that fails does not stop the others, unless it is to."""
        lines: list[str] = []
        failures: list[Failure] = []
        warnings: list[tuple[int, Ticket]] = []
        skipped = 0
        mint, read, one, end, now = self._minter.mint, self._read, self._form.one, self._form.end, time.time()
        for number, content in records:
            try:
                ticket = mint(read(content), now) if type(content) is not BadRow else _raise(content)
            except LkctlError as error:
                failures.append(Failure(number, error.code, error.message, error.hint))
                if self._order.failures:
                    lines.append(failures[-1].json() + end)
                if self._order.fail_fast:
                    break
                continue
            if ticket is None:
                skipped += 1
                continue
            lines.append(one(number, ticket) + end)
            if ticket.findings and _warnings(ticket):
                warnings.append((number, ticket))
        minted = len(lines) - (len(failures) if self._order.failures else 0)
        told = [(number, text) for number, ticket in warnings[:_MOST_WARNINGS] for text in _warnings(ticket)]
        return Outcome(self._form.between.join(lines), minted, skipped, failures, len(warnings), told)


def _raise(row: BadRow) -> NoReturn:
    raise LkctlError(row.code, row.message, hint=row.hint)


def _under(header: list[str]) -> Callable[[list[str]], Row]:
    def read(cells: list[str]) -> Row:
        return read_cells(header, cells)

    return read


def _warnings(ticket: Ticket) -> list[str]:
    """Say the findings that a person should know of."""
    return [f"{'forced' if finding.severity is Severity.error else finding.severity.value} {finding.id}: "
            f"{finding.message}" for finding in ticket.findings if finding.severity is not Severity.info]  # fmt: skip

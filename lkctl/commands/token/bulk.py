"""Many tokens at once: `lkctl token mint --from`."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lkctl.errors import ExitCode, LkctlError
from lkctl.files.rows import open_rows
from lkctl.invocation import Invocation
from lkctl.output.console import Console
from lkctl.scenarios.batches import BatchMinter, Order, Outcome, OutputForm
from lkctl.scenarios.workers import in_order
from lkctl.secret import printable
from lkctl.settings.shape import Pair, shorten_key
from lkctl.tokens.bulk.minter import SeenPairs
from lkctl.tokens.bulk.rows import check_columns, column_of
from lkctl.tokens.findings import NO_FACTS, Facts
from lkctl.tokens.minting import TokenRequest
from lkctl.views.bulk import form_of, token_in

if TYPE_CHECKING:
    from lkctl.files.outfile import OutFile
    from lkctl.files.rows import Rows

_MOST_WARNINGS = 5  # that are shown; the others are counted
_MOST_HINTS = 50  # that are remembered as said
_LOST = ("a process that mints", "Was it out of memory? Run it again with --jobs 1")


class BulkWishes(NamedTuple):
    """How rows become tokens.

    `source` is a CSV or JSONL file, or - for standard input; `out` a file that is made whole or not at all; `strict`
    stops a row at a lint error (not under --force and --unsafe). `facts` are what the rules may know besides.
    """

    source: str
    out: str | None = None
    skip_existing: bool = False
    jobs: int = 1
    fail_fast: bool = False
    strict: bool = True
    facts: Facts = NO_FACTS


def mint_rows(run: Invocation, defaults: TokenRequest, pair: Pair, wishes: BulkWishes) -> int:
    """Mint a token for each row; what a row leaves out, the defaults give. Give the exit code.

    A row that fails is reported and does not stop the others, and the exit code is 1. Tokens come out in the order of
    the rows, and as soon as their rows are there. Memory does not grow with the rows, but for 16 to 32 bytes for each
    token of an earlier run under `skip_existing`; so nobody looks whether two rows are for the same identity and room.
    """
    form = form_of(run.format, terminal=wishes.out is None and run.console.out_tty)
    there = _There(form, pair.key, run.now) if wishes.skip_existing else None
    _insist_possible(wishes, form)
    if wishes.source == "-" and run.console.in_tty:
        run.console.talk("reading rows from the terminal; ^D ends them")
    with open_rows(wishes.source, run.console.stdin) as rows:
        columns = _columns_of(rows)
        with _destination(run, wishes, form, there) as sink:
            order = Order(defaults, pair, sink.form, columns, force=not wishes.strict, facts=wishes.facts,
                          known=there.pairs if there else None, fail_fast=wishes.fail_fast)  # fmt: skip
            counting = wishes.out is not None or not run.console.out_tty
            tally = _Tally(run.console, rows.name, counting=counting, fail_fast=wishes.fail_fast)
            outcomes = in_order(BatchMinter, order, rows.batches(), wishes.jobs, lost=_LOST)
            try:
                with contextlib.closing(tally), contextlib.closing(outcomes):
                    _write(outcomes, sink, tally)
            except LkctlError:  # what is there is whole, and counted
                sink.finish(whole=False)
                tally.conclude()
                raise
            sink.finish(whole=tally.whole)
    return tally.conclude()


def _write(outcomes: Iterable[Outcome], sink: "_Sink", tally: "_Tally") -> None:
    for outcome in outcomes:
        sink.write(outcome.text, outcome.minted)
        tally.add(outcome)
        if tally.stopped:
            return


class _Tally:
    """Counts what became of rows, and says what is to be said of them as it comes."""

    def __init__(self, console: Console, name: str, *, counting: bool, fail_fast: bool) -> None:
        self._console, self._name, self._fail_fast = console, name, fail_fast
        self._meter = console.meter() if counting else None
        self._hints: set[str] = set()
        self.minted = self.skipped = self.failures = self.warned = 0

    def add(self, outcome: Outcome) -> None:
        """Take the outcome of a batch in."""
        if outcome.failures or (outcome.warnings and self.warned < _MOST_WARNINGS):
            self.close()
        for failure in outcome.failures:
            said = failure.message.removeprefix("the token would not work: ")
            self._console.complain(printable(f"{self._name}:{failure.line}: {said}") + self._hint(failure.hint))
        for line, warning in outcome.warnings[: max(0, _MOST_WARNINGS - self.warned)]:
            self._console.talk(printable(f"{self._name}:{line}: {warning}"))
        self.minted += outcome.minted
        self.skipped += outcome.skipped
        self.failures += len(outcome.failures)
        self.warned += outcome.warned
        if self._meter is not None:
            self._meter.show(f"{self.minted + self.skipped + self.failures:,} rows done")

    @property
    def stopped(self) -> bool:
        """Whether a bad row has ended it."""
        return self._fail_fast and self.failures > 0

    @property
    def whole(self) -> bool:
        """Whether all rows were seen, and not all of them for nothing."""
        return not self.stopped and bool(self.minted + self.skipped or not self.failures)

    def close(self) -> None:
        """Take the count off the terminal, for something else to be said."""
        if self._meter is not None:
            self._meter.wipe()

    def conclude(self) -> int:
        """Say what came of it all, and give the exit code."""
        self.close()
        counts = {"there already": self.skipped, "failed": self.failures, "with warnings": self.warned}
        told = [f"{self.minted} minted", *(f"{count} {what}" for what, count in counts.items() if count)]
        self._console.talk(", ".join(told) + ("; stopped at the first bad row" if self.stopped else ""))
        return ExitCode.FAILED if self.failures else ExitCode.OK

    def _hint(self, hint: str) -> str:
        """Give a hint the first time that it is to be said."""
        if not hint or hint in self._hints or len(self._hints) >= _MOST_HINTS:
            return ""
        self._hints.add(hint)
        return f"\n  {self._console.paint('hint:', 'yellow', err=True)} {printable(hint)}"


class _Sink:
    """Where tokens go: to stdout, or into a file."""

    def __init__(self, form: OutputForm, console: Console, file: "OutFile | None", *, replace: bool) -> None:
        self.form = form if file is None else form._replace(failure=None)
        self._console, self._file, self._replace = console, file, replace
        self._began = file is not None and not file.empty

    def write(self, text: str, rows: int) -> None:
        """Write what a batch came to; on stdout it can be read at once."""
        if text:
            self._put((self.form.between if self._began else self.form.before) + text, rows)
            self._began = True

    def finish(self, *, whole: bool) -> None:
        """Write what comes last; a file that is whole gets its name."""
        if self._file is None or whole:
            self._put(self.form.after if self._began else self.form.none, 0)
        if self._file is not None and whole:
            self._file.finish(replace=self._replace)

    def _put(self, text: str, rows: int) -> None:
        if self._file is not None:
            self._file.write(text, rows)
        else:
            self._console.reveal(text)
            self._console.flush()


@contextlib.contextmanager
def _destination(run: Invocation, wishes: BulkWishes, form: OutputForm, there: "_There | None") -> Iterator[_Sink]:
    """Open what the tokens go to; say what is left of a file that did not become whole."""
    if wishes.out is None:
        yield _Sink(form, run.console, None, replace=False)
        return
    from lkctl.files.outfile import out_file

    with out_file(Path(wishes.out), go_on=wishes.skip_existing) as file:
        if there is not None:
            file.take_over(there.note)
            for remark in there.remarks():
                run.console.complain(f"warning: {printable(wishes.out)}: {remark}")
        try:
            yield _Sink(form, run.console, file, replace=wishes.skip_existing)
        finally:
            if file.left and form.appendable:
                tokens = "1 token" if file.rows == 1 else f"{file.rows} tokens"
                run.console.complain(
                    f"{printable(str(file.part))} holds {tokens}; the same with --skip-existing goes on"
                )


class _There:
    """What a file holds already, and how much of it is of no use any more: it is kept all the same."""

    def __init__(self, form: OutputForm, key: str, now: float) -> None:
        self.pairs = SeenPairs()
        self._form, self._key, self._now = form, key, now
        self._expired = self._foreign = 0

    def note(self, line: str) -> bool:
        """Remember the token in a line; tell whether it is new."""
        written = token_in(line, self._form)
        if written is None or (written.identity, written.room) in self.pairs:
            return False
        self.pairs.add(written.identity, written.room)
        self._expired += written.expires_at is not None and written.expires_at <= self._now
        self._foreign += written.key != self._key
        return True

    def remarks(self) -> Iterator[str]:
        """Say what a person should know of them."""
        if self._expired:
            yield f"tokens that have expired: {self._expired}; they stay. Write to a new file to replace them"
        if self._foreign:
            yield f"tokens of another API key than {shorten_key(self._key)}: {self._foreign}; they stay"


def _columns_of(rows: "Rows") -> list[str] | None:
    """Give the columns that the header names; raise for one that there is not, with its place."""
    columns = None if rows.header is None else [column_of(heading) for heading in rows.header]
    try:
        check_columns(columns or ())
    except LkctlError as error:
        raise LkctlError(error.code, f"{rows.name}:{rows.line}: {error.message}", hint=error.hint) from None
    return columns


def _insist_possible(wishes: BulkWishes, form: OutputForm) -> None:
    if wishes.out == "-":
        raise LkctlError("usage", "--out - names no file", hint="Leave --out away: tokens go to stdout then")
    if wishes.out is not None and _same_file(wishes.source, wishes.out):
        raise LkctlError("usage", "--from and --out name the same file", hint="Name a new file for the tokens")
    if wishes.skip_existing and wishes.out is None:
        raise LkctlError("usage", "--skip-existing needs --out", hint="Name the file that is to be gone on with")
    if wishes.skip_existing and not form.appendable:
        raise LkctlError("usage", "--skip-existing cannot go on with -o json", hint="Use -o jsonl, -o csv or neither")


def _same_file(source: str, out: str) -> bool:
    with contextlib.suppress(OSError, ValueError):  # one of them is not there, or its name is none
        return source != "-" and Path(source).samefile(out)
    return False

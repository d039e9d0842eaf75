"""Sets cases up and lets `lkctl diagnose` judge them, several side by side."""

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import Done, command, remembered
from tests.lab.bench import Bench
from tests.lab.case import Case

SIDE_BY_SIDE = 6  # most of the time of a case is waiting
LIMIT = 60  # seconds for one run
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")


_NOT_RUN = Done(-1, "", "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case went. `failure`: why it could not be set up or run at all."""

    case: Case
    done: Done = _NOT_RUN  # with -o json
    told: Done = _NOT_RUN  # the same for people, in a pipe
    report: dict[str, Any] | None = None
    shown: tuple[str, ...] = ()  # the secrets and tokens that were printed
    failure: BaseException | None = None
    seconds: float = 0.0

    @property
    def is_set_up(self) -> bool:
        """Whether there was something to judge."""
        return self.failure is None

    @property
    def names_cause(self) -> bool:
        """Whether the real cause is the one that is named."""
        return self.report is not None and self.case.is_named_in(self.report)

    @property
    def exits_right(self) -> bool:
        """Whether the exit code is right, and the report says the same."""
        said = self.report["exit_code"] if self.report else None
        return self.done.code == self.case.exit_code == said == self.told.code

    @property
    def begins_and_ends_with_cause(self) -> bool:
        """Whether people read the cause first and last, if something failed."""
        lines = self.told.out.splitlines()
        ends = [f"[{self.case.check}]" in line for line in (*lines[:1], *lines[-1:])]
        return bool(ends) and all(ends) is (self.case.exit_code != 0)

    @property
    def named(self) -> str:
        """Say what was named instead."""
        if self.failure is not None:
            return f"not set up: {type(self.failure).__name__}: {self.failure}"
        cause = self.report["probable_cause"] if self.report else None
        if cause is not None:
            return f"[{cause['check']}] {cause['message']}"
        return "no cause" if self.report else self.done.err.strip()


def run_all(cases: Sequence[Case], program: Path) -> Iterator[Verdict]:
    """Run cases side by side; give each verdict, in the order of the cases, as soon as it is there.

    They are begun from the last one on: those with agents stand there, and take longest.
    """
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        begun = {case.number: pool.submit(run, case, program) for case in reversed(cases)}
        for case in cases:
            yield begun[case.number].result()


def run(case: Case, program: Path) -> Verdict:
    """Set one case up, run `lkctl diagnose`, and take everything down."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lkctl-lab-") as folder, ExitStack() as running:
        bench = Bench(Path(folder), program, running)
        try:
            options = case.set_up(bench)
        except BaseException as failure:  # noqa: BLE001  (a missing program skips; told by whoever asks for the verdict)
            return Verdict(case, failure=failure, seconds=time.monotonic() - started)
        with ThreadPoolExecutor(2) as both:
            runs = [both.submit(diagnose, bench, *options, "-o", how) for how in ("json", "table")]
            done, told = (run.result() for run in runs)
    shown = (*shown_secrets(bench, done), *shown_secrets(bench, told))
    return Verdict(case, done, told, read_report(done), shown, seconds=time.monotonic() - started)


def diagnose(bench: Bench, *options: str) -> Done:
    """Run `lkctl diagnose` as a user in the folder of the case would."""
    words = ("diagnose", *options)
    ended = subprocess.run(
        command(*words), stdin=subprocess.DEVNULL, capture_output=True, env=bench.environ, cwd=bench.folder,
        timeout=LIMIT, check=False,
    )  # fmt: skip
    return remembered(words, Done(ended.returncode, ended.stdout.decode(), ended.stderr.decode()))


def shown_secrets(bench: Bench, done: Done) -> Iterator[str]:
    """Give what must not be in the output and is."""
    text = done.out + done.err
    yield from (secret for secret in bench.secrets if secret in text)
    yield from _JWT.findall(text)


def read_report(done: Done) -> dict[str, Any] | None:
    """Give the report that was printed; None where there is none."""
    try:
        report: dict[str, Any] = json.loads(done.out)
    except ValueError:
        return None
    return report

"""The laboratory's figures: `python -m tests.lab [NUMBER…]`; with numbers also what was said."""

import os
import sys
from collections.abc import Sequence

from lkctl.localserver.supply import found
from tests.lab.catalogue import ABSENT, ALL, CASES
from tests.lab.pending import PENDING
from tests.lab.trial import Verdict, run_all


def main(numbers: Sequence[int]) -> int:
    chosen = [case for case in CASES if not numbers or case.number in numbers]
    verdicts = []
    for verdict in run_all(chosen, found(os.environ).path):
        verdicts.append(verdict)
        print(line(verdict), flush=True)
        if numbers:
            print(verdict.done.out, verdict.done.err)
    if not numbers:
        for absent in ABSENT:
            print(f"{absent.number:3} not set up  {absent.name}: {absent.reason}")
    print("\n" + figures(verdicts))
    return 0 if all(is_right(verdict) for verdict in verdicts) else 1


def line(verdict: Verdict) -> str:
    case = verdict.case
    marks = "named" if verdict.names_cause else "NOT NAMED"
    code = "" if verdict.exits_right else f"  EXIT {verdict.done.code} for {case.exit_code}"
    shown = "  SHOWS A SECRET" if verdict.shown else ""
    pending = f"\n      pending: {PENDING[case.number]}" if case.number in PENDING else ""
    wanted = f"\n      wanted [{case.check}] {case.says}\n      got    {verdict.named}{pending}"
    wrong = "" if verdict.names_cause else wanted
    return f"{case.number:3} {marks:10} {case.name}{code}{shown}  ({verdict.seconds:.1f} s){wrong}"


def figures(verdicts: Sequence[Verdict]) -> str:
    """Sum it up."""
    counts = (
        ("set up", sum(verdict.is_set_up for verdict in verdicts)),
        ("cause named", sum(verdict.names_cause for verdict in verdicts)),
        ("exit code right", sum(verdict.exits_right for verdict in verdicts)),
    )
    return ", ".join(f"{name} {count}" for name, count in counts) + f", of {ALL}"


def is_right(verdict: Verdict) -> bool:
    named = verdict.names_cause and verdict.begins_and_ends_with_cause
    return (named or verdict.case.number in PENDING) and verdict.exits_right and not verdict.shown


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))

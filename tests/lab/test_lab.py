"""Every case of the laboratory: the real cause is named, the exit code is right, and no secret is shown.

The cases run side by side, all before the first of these tests goes on. `python -m tests.lab` prints the figures.
"""

from pathlib import Path

import pytest

from tests.lab.case import Absent, Case
from tests.lab.catalogue import ABSENT, ALL, CASES
from tests.lab.pending import PENDING
from tests.lab.trial import Verdict, run_all

_FEWEST = 60
Verdicts = dict[int, Verdict]


def _parameter(case: Case) -> object:
    missing = PENDING.get(case.number)
    marks = () if missing is None else (pytest.mark.xfail(reason=missing),)
    return pytest.param(case.number, id=f"{case.number:02} {case.name}", marks=marks)


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, livekit_server_program: Path) -> Verdicts:
    """Run the cases that this session asks for."""
    mine = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    wanted = {item.callspec.params["number"] for item in mine if hasattr(item, "callspec")}
    chosen = [case for case in CASES if case.number in wanted]
    return {verdict.case.number: verdict for verdict in run_all(chosen, livekit_server_program)}


@pytest.mark.live
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [_parameter(case) for case in CASES])
def test_case(number: int, verdicts: Verdicts) -> None:
    """The report names the real cause, and the process ends as it says."""
    verdict = verdicts[number]
    if verdict.failure is not None:
        raise verdict.failure
    assert not verdict.shown
    assert verdict.report is not None, verdict.done.err
    assert verdict.names_cause, f"wanted [{verdict.case.check}] {verdict.case.says}, got {verdict.named}"
    assert verdict.exits_right, verdict.done.code
    assert verdict.begins_and_ends_with_cause, verdict.told.out


def test_every_failure_is_accounted_for() -> None:
    """Each of the 84 is set up or said to be impossible here, once; pending ones exist."""
    numbers = [case.number for case in CASES] + [absent.number for absent in ABSENT]
    assert sorted(numbers) == list(range(1, ALL + 1))
    assert len(CASES) >= _FEWEST
    assert set(PENDING) <= {case.number for case in CASES}


def test_every_failure_has_its_own_words_and_source() -> None:
    """Nothing stands twice, and each report can be looked up."""
    every: list[Case | Absent] = [*CASES, *ABSENT]
    assert len({each.name for each in every}) == ALL
    assert all(each.source.startswith("https://github.com/") for each in every)
    assert all(absent.reason for absent in ABSENT)

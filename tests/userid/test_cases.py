"""The cases of the specification and as many more: snapshot and arguments in, ID, source and warnings out."""

import json
from pathlib import Path
from typing import Any

import pytest

from lkctl.userid import SOURCES, WARNINGS, Policy, Resolution, build_policy, resolve, snapshot_from_json

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = [
    case for name in ("userid-cases.json", "more-cases.json") for case in json.loads((HERE / name).read_text("utf-8"))
]
TAKES_A_VALUE = {"--preset", "--order", "--keys", "--room-pattern", "--identity-pattern"}

# Made by one test each elsewhere: too large for a file, or not a matter of one snapshot
NOT_IN_CASES = {"W-OVERSIZE", "W-ENVORIGIN", "W-LATE", "W-NOTPUBLISHED"}


def parse(args: list[str]) -> tuple[str, Policy, bool]:
    """The room name, the policy, and --require: the command line in small."""
    room, require = "", False
    options: dict[str, Any] = {}
    rest = iter(args)
    for arg in rest:
        if not arg.startswith("--"):
            room = arg
        elif arg == "--require":
            require = True
        elif arg == "--no-random":
            options["random"] = False
        else:
            options[arg[2:].replace("-", "_")] = next(rest) if arg in TAKES_A_VALUE else True
    return room, build_policy(**options), require


def solve(case: dict[str, Any]) -> tuple[Resolution, bool]:
    room, policy, require = parse(case["args"])
    return resolve(snapshot_from_json(case["snapshot"], room), policy), require


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    resolution, require = solve(case)
    failed = resolution.source is None or (require and resolution.source == "random")
    assert {
        "user_id": resolution.user_id,
        "source": resolution.source,
        "warnings": sorted({warning.code for warning in resolution.warnings}),
        "exit": int(failed),
    } == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_trace_agrees_with_the_result(case: dict[str, Any]) -> None:
    resolution, _ = solve(case)
    order = parse(case["args"])[1].order
    steps = [step.source for step in resolution.trace]
    assert list(dict.fromkeys(steps)) == [*order, *(source for source in SOURCES if source not in order)]
    assert {step.source for step in resolution.trace if step.status == "disabled"} == set(SOURCES) - set(order)
    won = [(step.source, step.participant, step.value) for step in resolution.trace if step.status == "won"]
    answer = (resolution.source, resolution.participant, resolution.user_id)
    assert won == ([] if resolution.source is None else [answer])


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_warning_is_complete(case: dict[str, Any]) -> None:
    resolution, _ = solve(case)
    identities = {participant["identity"] for participant in case["snapshot"]["participants"]}
    for warning in resolution.warnings:
        assert warning.code in WARNINGS
        assert warning.source in SOURCES
        assert warning.hint
        assert warning.participant is None or warning.participant in identities
        assert not warning.message.endswith(".")


def test_cases_cover_every_warning() -> None:
    seen = {code for case in CASES for code in case["expect"]["warnings"]}
    assert seen == set(WARNINGS) - NOT_IN_CASES


def test_case_ids_are_unique() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)

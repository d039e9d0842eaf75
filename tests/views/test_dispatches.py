"""How dispatches look: words that fit each, and what was not seen."""

import io
import json
from datetime import UTC, datetime

import pytest

from lkctl.dispatch import Judged
from lkctl.models import Dispatch, Room
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.scenarios.changes import snapshot
from lkctl.scenarios.look import Look
from lkctl.views.dispatches import dispatches_view
from lkctl.views.watching import showing_events

AT = datetime(2026, 1, 1, tzinfo=UTC)

MEANINGS = [
    pytest.param(Judged(Dispatch(agent_name="a"), "nobody"), "no worker of exactly that name", id="of a name"),
    pytest.param(Judged(Dispatch(), "nobody"), "no worker without a name took it; start one", id="without a name"),
    pytest.param(Judged(Dispatch(), "nobody", automatic=True), "only those are called automatically", id="automatic"),
    pytest.param(Judged(Dispatch(), "running"), "its agent is in the room", id="running"),
]


@pytest.mark.parametrize(("judged", "says"), MEANINGS)
def test_meanings(judged: Judged, says: str) -> None:
    column = next(column for column in dispatches_view([]).columns if column.title == "MEANING")
    assert says in column.cell(judged)


SEEN = [
    pytest.param(Look("r", AT, Room("RM_1", "r")), None, id="not seen"),
    pytest.param(Look("r", AT, Room("RM_1", "r"), dispatches=()), [], id="none"),
    pytest.param(Look("r", AT), [], id="no room"),
]


@pytest.mark.parametrize(("look", "told"), SEEN)
def test_what_was_not_seen_is_not_said_to_be_none(look: Look, told: object) -> None:
    out = io.StringIO()
    console = Console(stdout=out, stderr=io.StringIO(), stdin=io.StringIO(), environ={})
    with showing_events(Format.jsonl, console, rooms=False) as show:
        show(snapshot(look))
    assert json.loads(out.getvalue())["new"]["dispatches"] == told

"""Who counts as being in a room, and as what."""

import pytest

from lkctl.models import Participant, Permission, Room
from lkctl.scenarios.headcount import Headcount, headcount
from lkctl.scenarios.roomlist import Wanted, count_present

COUNTS = [
    pytest.param([], Headcount(), id="nobody"),
    pytest.param([Participant(state="DISCONNECTED")], Headcount(), id="listed, but gone"),
    pytest.param([Participant(state="JOINING")], Headcount(people=1), id="on the way"),
    pytest.param([Participant(permission=Permission(hidden=True))], Headcount(hidden=1), id="hidden"),
    pytest.param(
        [Participant(permission=Permission(recorder=True, hidden=True))], Headcount(services=1), id="recorder"
    ),
    pytest.param([Participant(kind="INGRESS")], Headcount(services=1), id="ingress"),
    pytest.param([Participant(kind="SIP")], Headcount(people=1), id="caller"),
    pytest.param([Participant(permission=Permission(agent=True, hidden=True))], Headcount(agents=1), id="agent"),
]


@pytest.mark.parametrize(("people", "counts"), COUNTS)
def test_counts(people: list[Participant], counts: Headcount) -> None:
    assert headcount(people) == counts
    assert counts.total == sum(one.is_there for one in people)
    present = count_present(Room(), people, ())
    assert present == (counts.people + counts.hidden, counts.agents, counts.services)
    assert Wanted(empty=True).fits(present) is (counts.total == 0)

"""The order of rooms."""

from datetime import UTC, datetime

import pytest

from lkctl.errors import LkctlError
from lkctl.models import Participant, Permission, Room
from lkctl.scenarios.roomlist import Listed, Present, Wanted, count_present


def room(name: str, created: int | None, participants: int) -> Listed:
    """Make one."""
    moment = None if created is None else datetime.fromtimestamp(created, UTC)
    return Listed(Room("s", name, created_at=moment, num_participants=participants))


ROOMS = [room("b", 2, 5), room("d", None, 1), room("a", 3, 1), room("c", 2, 9)]
ORDERS = [
    pytest.param("name", False, "abcd", id="name"),
    pytest.param("-name", False, "dcba", id="name, backwards"),
    pytest.param("name", True, "dcba", id="reverse"),
    pytest.param("-name", True, "abcd", id="twice backwards"),
    pytest.param("created", False, "bcad", id="created: unknown last"),
    pytest.param("-created", False, "abcd", id="newest first"),
    pytest.param("age", False, "abcd", id="youngest first"),
    pytest.param("-age", False, "bcad", id="oldest first"),
    pytest.param("participants", False, "adbc", id="fewest first"),
    pytest.param("-participants", False, "cbad", id="most first, equals by name"),
]


@pytest.mark.parametrize(("order", "reverse", "names"), ORDERS)
def test_orders(order: str, reverse: bool, names: str) -> None:
    """The same from call to call, whatever the server's order is."""
    wanted = Wanted(order=order, reverse=reverse)
    assert "".join(listed.room.name for listed in wanted.sorted(ROOMS)) == names
    assert wanted.sorted(ROOMS) == wanted.sorted(ROOMS[::-1])


def test_counts_that_were_asked_for_decide() -> None:
    """Not those of the server; what gave no answer comes last."""
    rooms = [
        Listed(Room("s", "a", num_participants=9), Present(1, 0)),
        Listed(Room("s", "b", num_participants=99), failed=True),
        Listed(Room("s", "c", num_participants=0), Present(2, 5)),
    ]
    assert [one.room.name for one in Wanted(order="-participants").sorted(rooms)] == ["c", "a", "b"]


@pytest.mark.parametrize("order", ["", "-", "--name", "Name", "sid"])
def test_no_order(order: str) -> None:
    """It is told at once, with those that there are."""
    with pytest.raises(LkctlError) as caught:
        Wanted(order=order)
    assert "name, created, participants, age" in caught.value.hint


PEOPLE = [
    Participant(identity="a"),
    Participant(identity="b", permission=Permission(hidden=True)),
    Participant(identity="c", kind="AGENT"),
    Participant(identity="d", permission=Permission(agent=True)),
    Participant(identity="e", kind="AGENT", state="DISCONNECTED"),
    Participant(identity="f", state="JOINING"),
]


def test_who_counts() -> None:
    """An agent by kind or by grant; the hidden are there, who has left is not."""
    assert count_present(Room(), PEOPLE, ()) == Present(3, 2)


FITTING = [
    pytest.param(Wanted(), [True] * 4, id="all"),
    pytest.param(Wanted(empty=True), [True, False, False, False], id="empty: no agent either"),
    pytest.param(Wanted(without_agent=True), [True, True, False, False], id="without agent"),
]


@pytest.mark.parametrize(("wanted", "fits"), FITTING)
def test_who_may_be_in_it(wanted: Wanted, fits: list[bool]) -> None:
    """Nobody, a person, an agent, both."""
    rooms = [Present(0, 0), Present(1, 0), Present(0, 1), Present(1, 1)]
    assert [wanted.fits(one) for one in rooms] == fits

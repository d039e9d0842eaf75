"""What the operator is told: in order, and no more than can be read."""

import pytest

from lkctl.agents.serve.events import Events


def test_in_order() -> None:
    """Events come as they were told, to the end."""
    events = Events()
    events.tell("session_opened", session="1")
    events.tell("agent_started", session="1", pid=17)
    events.end()
    assert [(one.event, one.session, one.pid) for one in events.read()] == [
        ("session_opened", "1", None),
        ("agent_started", "1", 17),
    ]


def test_refusals_are_counted_when_they_come_too_fast() -> None:
    """Anybody can cause them; what else happens is told all the same, with their number."""
    events = Events()
    for _ in range(500):
        events.tell("refused", code="not-json")
    events.tell("session_opened")
    events.end()
    told = list(events.read())
    assert 50 <= len(told) < 100
    assert told[-1].event == "session_opened"
    assert sum(one.unseen for one in told) + len(told) == 501


def test_nobody_reads() -> None:
    """Telling never waits, and what is kept is bounded; the end is told in any case."""
    events = Events()
    for _ in range(20_000):
        events.tell("session_opened")
    events.end()
    assert 9_000 < len(list(events.read())) <= 10_000


def test_the_time_is_up() -> None:
    """Then there are no more for now."""
    events = Events()
    events.tell("session_opened")
    assert [one.event for one in events.read(0)] == ["session_opened"]


def test_a_failure_is_raised_where_events_are_read() -> None:
    """The service's own failure is not lost in its thread."""
    events = Events()
    events.end(RuntimeError("no loop"))
    with pytest.raises(RuntimeError, match="no loop"):
        list(events.read())

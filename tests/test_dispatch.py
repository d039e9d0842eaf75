"""The verdict on a dispatch: from jobs, participants and time, never from the status of a job alone."""

from datetime import UTC, datetime, timedelta

import pytest

from lkctl.dispatch import MEANINGS, judge, meaning
from lkctl.models import Dispatch, Job, Participant, Permission

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def job(identity: str = "agent-1", status: str = "JS_RUNNING") -> Job:
    return Job("AJ_1", status, identity)


def sent(age: float | None, *jobs: Job, name: str = "helper", id_: str = "AD_1") -> Dispatch:
    return Dispatch(id_, name, "", None if age is None else ago(age), jobs)


def agent(
    identity: str = "agent-1", *, state: str = "ACTIVE", kind: str = "AGENT", name: str | None = "helper",
    joined: float = 60.0, key: str = "lk.agent_name", grant: bool = False,
) -> Participant:  # fmt: skip
    """An agent that joined so many seconds ago; `name` None: it says none."""
    return Participant(
        identity=identity, kind=kind, state=state, joined_at=ago(joined),
        attributes={} if name is None else {key: name}, permission=Permission(agent=grant),
    )  # fmt: skip


ONE = [
    pytest.param(sent(60, job()), [agent()], "running", id="its agent is there"),
    pytest.param(sent(60, job()), [agent(name=None)], "running", id="there, and says no name"),
    pytest.param(sent(60, job()), [agent(kind="STANDARD", grant=True)], "running", id="an agent by grant"),
    pytest.param(sent(60, job()), [], "left", id="RUNNING, and nobody there"),
    pytest.param(sent(60, job()), [agent("agent-2")], "left", id="RUNNING, and another agent there"),
    pytest.param(sent(60, job()), [agent(kind="STANDARD")], "left", id="somebody else took its identity"),
    pytest.param(sent(60, job()), [agent(state="DISCONNECTED")], "left", id="a ghost"),
    pytest.param(sent(60, job()), [agent(state="JOINED")], "too-early", id="joining"),
    pytest.param(sent(60, job(status="JS_SUCCESS")), [], "left", id="done and gone"),
    pytest.param(sent(60, job(status="JS_SUCCESS")), [agent()], "running", id="SUCCESS, and it is there"),
    pytest.param(sent(60, job(status="JS_FAILED")), [agent()], "running", id="FAILED, and it is there"),
    pytest.param(sent(60, job(), job("agent-2")), [agent("agent-2")], "running", id="the second of two jobs"),
    pytest.param(sent(60, job("", "JS_SUCCESS"), job("agent-2")), [], "left", id="refused once, taken once"),
    pytest.param(sent(60, job("", "JS_SUCCESS")), [], "refused", id="refused for good"),
    pytest.param(sent(1, job("", "JS_SUCCESS")), [], "refused", id="refused for good just now"),
    pytest.param(sent(60, job("", "JS_FAILED")), [], "refused", id="failed before it joined"),
    pytest.param(sent(60, job("", "JS_SUCCESS")), [agent("")], "refused", id="no identity is nobody's identity"),
    pytest.param(sent(60, job("", "JS_PENDING")), [], "nobody", id="pending for ever"),
    pytest.param(sent(60), [], "nobody", id="no job"),
    pytest.param(sent(60), [agent()], "nobody", id="no job, and an agent of the name: another one's"),
    pytest.param(sent(None), [], "nobody", id="no time of creation"),
    pytest.param(sent(5.9), [], "too-early", id="no job yet"),
    pytest.param(sent(6.1), [], "nobody", id="no job any more"),
    pytest.param(sent(9.9, job()), [], "too-early", id="taken, not there yet"),
    pytest.param(sent(10.1, job()), [], "left", id="taken, not there any more"),
    pytest.param(sent(-0.5), [], "too-early", id="half a second in the future: rounding"),
    pytest.param(sent(-3600), [], "nobody", id="an hour in the future: two clocks, of any age"),
    pytest.param(sent(-3600, job()), [], "left", id="taken an hour in the future"),
    pytest.param(sent(1), [agent(joined=0.5)], "running", id="there before its job is listed"),
    pytest.param(sent(1), [agent(joined=0.5, key="lk.agent.name")], "running", id="by the other attribute"),
    pytest.param(sent(1), [agent(joined=2)], "too-early", id="that agent was there before"),
    pytest.param(sent(1), [agent(joined=0.5, name="Helper")], "too-early", id="an agent of another case"),
    pytest.param(sent(1), [agent(joined=0.5, name=None)], "too-early", id="an agent without a name"),
    pytest.param(sent(1), [agent(joined=0.5, kind="STANDARD")], "too-early", id="a user who says so"),
    pytest.param(sent(1, name=""), [agent(joined=0.5, name="")], "running", id="an unnamed agent"),
    pytest.param(sent(1, name=""), [agent(joined=0.5)], "too-early", id="a named agent is not the unnamed one"),
]


@pytest.mark.parametrize(("dispatch", "participants", "word"), ONE)
def test_one_dispatch(dispatch: Dispatch, participants: list[Participant], word: str) -> None:
    """Its jobs, who is there, and its age by the server's clock."""
    assert [one.verdict for one in judge([dispatch], participants, NOW)] == [word]
    assert word in MEANINGS


SEVERAL = [
    pytest.param([sent(1, id_="AD_a"), sent(2, id_="AD_b")], [agent(joined=0.5)],
                 {"AD_a": "too-early", "AD_b": "too-early"}, id="two could have brought it"),
    pytest.param([sent(1, id_="AD_a"), sent(60, id_="AD_b")], [agent(joined=0.5)],
                 {"AD_a": "running", "AD_b": "nobody"}, id="the old one gets nothing any more"),
    pytest.param([sent(1, id_="AD_a"), sent(60, job(), id_="AD_b")], [agent(joined=0.5)],
                 {"AD_a": "too-early", "AD_b": "running"}, id="it came of another job"),
    pytest.param([sent(1, id_="AD_a"), sent(60, job(), id_="AD_b")], [agent(), agent("agent-2", joined=0.5)],
                 {"AD_a": "running", "AD_b": "running"}, id="each its own"),
    pytest.param([sent(1, id_="AD_a"), sent(1, name="scribe", id_="AD_b")], [agent(joined=0.5)],
                 {"AD_a": "running", "AD_b": "too-early"}, id="names tell them apart"),
]  # fmt: skip


@pytest.mark.parametrize(("dispatches", "participants", "words"), SEVERAL)
def test_several_dispatches(dispatches: list[Dispatch], participants: list[Participant], words: dict[str, str]) -> None:
    """An agent counts for one dispatch only; where that could be either, it is too early to say."""
    assert {one.dispatch.id: one.verdict for one in judge(dispatches, participants, NOW)} == words


def test_the_order_is_that_of_creation() -> None:
    """The server's own is random; where two are as old, or without a time, the ID decides."""
    given = [sent(1, id_="AD_d"), sent(9, id_="AD_c"), sent(None, id_="AD_a"), sent(9, id_="AD_b")]
    for dispatches in (given, given[::-1]):
        assert [one.dispatch.id for one in judge(dispatches, [], NOW)] == ["AD_a", "AD_b", "AD_c", "AD_d"]


AUTOMATIC = [
    pytest.param([sent(60, name="")], 60.0, [True], id="as old as the room"),
    pytest.param([sent(59.1, name="")], 60.0, [True], id="where the server tells whole seconds"),
    pytest.param([sent(50, name="")], 60.0, [False], id="younger than the room"),
    pytest.param([sent(60, name="")], None, [False], id="a room of unknown age"),
    pytest.param([sent(None, name="")], 60.0, [False], id="a dispatch of unknown age"),
    pytest.param([sent(60)], 60.0, [False], id="of a name"),
    pytest.param([Dispatch("AD_1", "", "{}", ago(60))], 60.0, [False], id="with metadata"),
    pytest.param([sent(59, name="", id_="AD_2"), sent(60)], 60.0, [False, False], id="one that was asked for later"),
    pytest.param([sent(59, name="", id_="AD_2"), sent(60, name="")], 60.0, [True, False], id="beside another"),
    pytest.param([], 60.0, [], id="none at all"),
]


@pytest.mark.parametrize(("dispatches", "age", "automatic"), AUTOMATIC)
def test_the_automatic_dispatch(dispatches: list[Dispatch], age: float | None, automatic: list[bool]) -> None:
    """The first of a room, without a name, and as old as it."""
    judged = judge(dispatches, [], NOW, None if age is None else ago(age))
    assert [one.automatic for one in judged] == automatic
    assert [one.whom == "any agent, automatic" for one in judged] == automatic
    assert ["automatically" in meaning(one) for one in judged] == automatic

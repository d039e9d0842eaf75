"""A canary for each source: told apart in whatever text it comes out, and taken by the resolver."""

import json

import pytest

from lkctl.agents.trace.canary import CARRIERS, Canaries
from lkctl.convention import is_conventional
from lkctl.userid import SOURCES, Job, Participant, Policy, Room, Snapshot, resolve

CANARIES = Canaries.new()


def test_one_for_each_source() -> None:
    assert set(CARRIERS) == {*SOURCES} - {"random", "job.attributes"}
    assert all(map(is_conventional, CANARIES.values.values()))
    parts = [part for value in CANARIES.values.values() for part in value.split("_")[1:]]
    assert len(set(parts)) == 2 * len(CARRIERS)
    assert Canaries.new().values != CANARIES.values


@pytest.mark.parametrize("source", CARRIERS)
def test_the_resolver_finds_each(source: str) -> None:
    request, visitor = CANARIES.room("helper"), CANARIES.visitor()
    assert visitor.identity is not None
    assert visitor.room == request.name
    person = Participant(visitor.identity, metadata=visitor.metadata or "", attributes=visitor.attributes)
    assert request.agents is not None
    assert request.agents[0].agent_name == "helper"
    snapshot = Snapshot(
        room=Room(request.name, request.metadata or ""),
        participants=(person,),
        job=Job(request.agents[0].metadata),
        env=CANARIES.environment,
    )
    assert resolve(snapshot, Policy(order=(source,))).user_id == CANARIES.values[source]


@pytest.mark.parametrize("source", CARRIERS)
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("{id}", "{id}", id="itself"),
        pytest.param("Hello, {id}!", "{id}", id="in a sentence"),
        pytest.param('{{"user": "{id}"}}', "{id}", id="in JSON"),
        pytest.param("mcp-chrome-user-{id}", "{id}", id="in a room name"),
        pytest.param("{id} of {number}", "{id}", id="itself, and its number"),
        pytest.param("number {number}", "{number}", id="its number"),
        pytest.param("tail={tail};", "{tail}", id="its tail"),
        pytest.param("{number}_{tail}", "{number} {tail}", id="all but its beginning"),
        pytest.param("{id}x", "{number}", id="with more behind it"),
        pytest.param("{upper}", "{number} {uppertail}", id="in capitals"),
    ],
)
def test_found_in_what_comes_out(source: str, text: str, seen: str) -> None:
    """The whole is told from a part: a part is no user ID."""
    value = CANARIES.values[source]
    _, number, tail = value.split("_")
    words = {"id": value, "number": number, "tail": tail, "upper": value.upper(), "uppertail": tail.upper()}
    assert CANARIES.found_in(text.format(**words)) == {source: seen.format(**words)}


@pytest.mark.parametrize(
    "text", ["", "user_", "user_1704067200000_abc123", "12 34", "user_" + "1" * 5000, json.dumps({"userId": None})]
)
def test_not_found_elsewhere(text: str) -> None:
    assert CANARIES.found_in(text) == {}


def test_found_all_in_their_order() -> None:
    assert tuple(CANARIES.found_in(" ".join(reversed(list(CANARIES.values.values()))))) == CARRIERS

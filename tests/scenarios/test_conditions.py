"""What `room wait` waits for: what each condition says of a look, and which words are none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from lkctl.dispatch import Judged
from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Job, Participant, Permission, Room, Track
from lkctl.scenarios.conditions import Needs, judge, parse_conditions, wants_dispatches
from lkctl.scenarios.look import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
CAMERA = Track(sid="TR_1", source="CAMERA")
MUTED = Track(sid="TR_2", source="MICROPHONE", muted=True)


def look(*people: Participant, metadata: str = "", dispatches: tuple[Dispatch, ...] | None = None) -> Look:
    judged = None if dispatches is None else tuple(Judged(one, "running") for one in dispatches)
    return Look("r", AT, Room(sid="RM_1", name="r", metadata=metadata), people, judged)


def person(identity: str, state: str = "ACTIVE", *tracks: Track, **fields: Any) -> Participant:
    return Participant(sid=f"PA_{identity}", identity=identity, state=state, tracks=tracks, **fields)


def agent(identity: str, name: str | None = None, state: str = "ACTIVE") -> Participant:
    attributes: Mapping[str, str] = {} if name is None else {"lk.agent_name": name}
    return person(identity, state, kind="AGENT", attributes=attributes)


def dispatch(name: str, identity: str) -> Dispatch:
    return Dispatch("AD_1", name, jobs=(Job("AJ_1", "JS_RUNNING", identity),))


ABSENT = Look("r", AT)
EMPTY = look()
PAIR = look(person("alice"), person("bob", "JOINED"))
CROWD = look(*(person(f"p{number}") for number in range(9)))
JSON = look(metadata='{"userId": "u1", "n": 3, "on": true, "user": {"id": "x"}, "a.b": "=", "nothing": null}')
LEFT = person("bob", "DISCONNECTED", CAMERA)

HELD = [
    pytest.param("exists", EMPTY, "the room exists", id="exists"),
    pytest.param("gone", ABSENT, "the room does not exist", id="gone"),
    pytest.param("empty", EMPTY, "nobody is in the room", id="empty"),
    pytest.param("participant=alice", PAIR, "'alice' (STANDARD) is ACTIVE", id="participant"),
    pytest.param("participant=a=b", look(person("a=b")), "'a=b' (STANDARD) is ACTIVE", id="identity with ="),
    pytest.param("participants>=2", PAIR, "2 in the room: 'alice' (STANDARD, ACTIVE), 'bob' (STANDARD, JOINED)",
                 id="at least"),
    pytest.param("participants<=2", PAIR, None, id="at most"),
    pytest.param("participants==2", PAIR, None, id="exactly"),
    pytest.param("participants=2", PAIR, None, id="exactly, one sign"),
    pytest.param("participants > 1", PAIR, None, id="more, with blanks"),
    pytest.param("participants<3", PAIR, None, id="fewer"),
    pytest.param("participants>=1", look(person("h", permission=Permission(hidden=True))), None, id="hidden counts"),
    pytest.param("agent", look(agent("a")), "1 in the room: 'a' (AGENT, ACTIVE)", id="agent"),
    pytest.param("agent", look(person("a", permission=Permission(agent=True))), None, id="agent by grant"),
    pytest.param("agent=support", look(agent("a", "support")), None, id="agent by attribute"),
    pytest.param("agent=support", look(agent("a"), dispatches=(dispatch("support", "a"),)), None,
                 id="agent by dispatch"),
    pytest.param("track=camera", look(person("a", "ACTIVE", CAMERA)), "CAMERA of 'a'", id="track"),
    pytest.param("track=CAMERA", look(person("a", "ACTIVE", CAMERA)), None, id="track, as LiveKit writes it"),
    pytest.param("track=microphone", look(person("a", "ACTIVE", MUTED)), None, id="muted track"),
    pytest.param("track=a:b:camera", look(person("a:b", "ACTIVE", CAMERA)), None, id="track of an odd identity"),
    pytest.param("track=Screen-Share", look(person("a", "ACTIVE", Track(source="SCREEN_SHARE"))), None, id="with -"),
    pytest.param("track=unknown", look(person("a", "ACTIVE", Track(source="UNKNOWN"))), None, id="unknown source"),
    pytest.param("empty", look(LEFT), "nobody is in the room", id="who is listed and has left"),
    pytest.param("participants=0", look(LEFT), None, id="who has left, counted"),
    pytest.param("metadata", look(metadata="x"), "the metadata is 'x'", id="metadata"),
    pytest.param("metadata.userId", JSON, "'userId' is 'u1'", id="key"),
    pytest.param("metadata.nothing", JSON, "'nothing' is 'null'", id="key with null"),
    pytest.param("metadata.userId=u1", JSON, None, id="text"),
    pytest.param("metadata userId=u1", JSON, None, id="as one quoted argument"),
    pytest.param("metadata.n=3", JSON, None, id="number"),
    pytest.param("metadata.on=true", JSON, None, id="boolean"),
    pytest.param("metadata.user.id=x", JSON, None, id="path"),
    pytest.param('metadata["a.b"]==', JSON, None, id="quoted key, = as value"),
]  # fmt: skip

NOT_HELD = [
    pytest.param("exists", ABSENT, "the room does not exist", id="exists"),
    pytest.param("gone", EMPTY, "the room exists", id="gone"),
    pytest.param("empty", ABSENT, "the room does not exist", id="a room that is gone is not empty"),
    pytest.param("empty", PAIR, "2 in the room", id="empty"),
    pytest.param("empty", CROWD, "'p4' (STANDARD, ACTIVE) and 4 more", id="crowd"),
    pytest.param("participant=bob", PAIR, "'bob' (STANDARD) is JOINED", id="still joining"),
    pytest.param("participant=Alice", PAIR, "'alice'", id="letter case"),
    pytest.param("participants>2", PAIR, "2 in the room", id="more"),
    pytest.param("participants=0", ABSENT, "the room does not exist", id="nobody in no room"),
    pytest.param("agent", PAIR, "no agent; 2 in the room", id="people only"),
    pytest.param("agent", look(agent("a", "x", "JOINED")), "'a' ('x', JOINED)", id="agent still joining"),
    pytest.param("agent=support", look(agent("a", "Support")), "of the agents there is 'a' ('Support', ACTIVE)",
                 id="name in another case"),
    pytest.param("agent=support", look(agent("a")), "'a' (unnamed, ACTIVE)", id="dispatches unknown"),
    pytest.param("agent=support", look(person("a"), dispatches=(dispatch("support", "a"),)), "no agent",
                 id="who took the job is no agent"),
    pytest.param("agent=support", look(agent("a"), dispatches=(dispatch("support", "gone"),)), "'a' (unnamed",
                 id="who took the job has left"),
    pytest.param("agent=support", look(agent("a"), dispatches=(dispatch("other", "a"),)), "'a' (unnamed",
                 id="the job of another dispatch"),
    pytest.param("track=camera", look(person("a", "ACTIVE", MUTED)), "MICROPHONE of 'a'", id="another source"),
    pytest.param("track=b:camera", look(person("a", "ACTIVE", CAMERA)), "CAMERA of 'a'", id="of somebody else"),
    pytest.param("track=camera", EMPTY, "no tracks are published", id="no tracks"),
    pytest.param("track=camera", look(LEFT), "no tracks are published", id="track of who has left"),
    pytest.param("metadata", EMPTY, "the metadata is empty", id="no metadata"),
    pytest.param("metadata.x", look(metadata="{"), "the metadata is not JSON", id="no JSON"),
    pytest.param("metadata.x", look(metadata="[" * 100_000), "the metadata is not JSON", id="nested too deep"),
    pytest.param("metadata.x", look(metadata="[1]"), "the metadata has no 'x'", id="no object"),
    pytest.param("metadata.userId=u2", JSON, "'userId' is 'u1'", id="another value"),
    pytest.param("metadata.on=True", JSON, "'on' is 'true'", id="as JSON spells it"),
    pytest.param("participant=x", look(person("a\x1b[31m\nerror: b")), r"'a\x1b[31m\nerror: b'", id="hostile name"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "seen", "said"), HELD)
def test_holds(word: str, seen: Look, said: str | None) -> None:
    finding = judge(parse_conditions([word])[0], seen)
    assert finding.held
    assert finding.condition == word
    assert said is None or finding.seen == said


@pytest.mark.parametrize(("word", "seen", "said"), NOT_HELD)
def test_does_not_hold(word: str, seen: Look, said: str) -> None:
    finding = judge(parse_conditions([word])[0], seen)
    assert not finding.held
    assert said in finding.seen


WRONG = [
    pytest.param([], "no condition was given", "The conditions are exists, gone", id="none"),
    pytest.param(["exsts"], "'exsts' is no condition", "Did you mean exists?", id="typo"),
    pytest.param(["agnet=x"], "is no condition", "Did you mean agent?", id="typo before a value"),
    pytest.param(["Exists"], "is no condition", "Did you mean exists?", id="letter case"),
    pytest.param(["userId=3"], "is no condition", "of metadata: metadata.userId=3", id="key without metadata"),
    pytest.param([""], "is no condition", "The conditions are", id="blank"),
    pytest.param(["participants"], "says nothing of how many", "'participants>=2'", id="eaten by the shell"),
    pytest.param(["participants>=x"], "says nothing of how many", "participants=2", id="no number"),
    pytest.param(["participants<0"], "never holds", "empty", id="fewer than none"),
    pytest.param(["participant"], "says nothing of which", "Write participant=ID", id="no identity"),
    pytest.param(["participant="], "has no value", "An unset variable?", id="empty identity"),
    pytest.param(["agent="], "has no value", "An unset variable?", id="empty name"),
    pytest.param(["track"], "says nothing of which", "Write track=SOURCE", id="no source"),
    pytest.param(["track=cam"], "names no source: 'cam'", "Did you mean camera?", id="wrong source"),
    pytest.param(["track=alice:"], "names no source: ''", "The sources are", id="identity alone"),
    pytest.param(["empty=1"], "empty takes no value", "The conditions are", id="value too many"),
    pytest.param(["metadata."], "names no key", "Write metadata.userId", id="no key"),
    pytest.param(["metadata.=x"], "names no key", "Write metadata.userId", id="no key, but a value"),
    pytest.param(["metadata=x"], "takes no value", "metadata.KEY=VALUE", id="value without key"),
    pytest.param(["gone", "agent"], "'agent' and gone never hold together", "nothing in it", id="contradiction"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message", "hint"), WRONG)
def test_refused(words: list[str], message: str, hint: str) -> None:
    with pytest.raises(LkctlError) as caught:
        parse_conditions(words)
    assert caught.value.code == "usage"
    assert message in caught.value.message
    assert hint in caught.value.hint


ASKED = [
    pytest.param("agent=x", look(agent("a")), True, id="an agent that does not give its name"),
    pytest.param("agent=x", look(agent("a", "x")), False, id="it holds already"),
    pytest.param("agent=x", PAIR, False, id="no agent"),
    pytest.param("agent=x", ABSENT, False, id="no room: the server would need 3 s to say so"),
    pytest.param("agent", look(agent("a")), False, id="any agent"),
]


@pytest.mark.parametrize(("word", "seen", "wanted"), ASKED)
def test_dispatches_are_asked_for_where_they_decide(word: str, seen: Look, wanted: bool) -> None:
    assert wants_dispatches(parse_conditions([word])[0], seen) is wanted


def test_what_has_to_be_asked() -> None:
    words = ["exists", "metadata.x", "empty", "track=camera", "agent", "agent=x"]
    needs = [one.needs for one in parse_conditions(words)]
    assert needs == [Needs.room, Needs.room, Needs.people, Needs.people, Needs.people, Needs.dispatches]

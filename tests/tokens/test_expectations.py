"""Expectations: what is met, what is not, and what can never be meant."""

from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.demands import parse_demand
from lkctl.tokens.expectations import Wishes, hold, proven
from tests.tokens.forge import ID, KEY, NOW, PAIR, VIDEO, claims, forge, read, token, video

FULL: dict[str, Any] = {
    "name": "Alice",
    "kind": "AGENT",
    "metadata": '{"userId":"' + ID + '","n":5,"zero":0,"no":false,"nil":null,"roles":["host","guest"],"a":{"b":"c d"}}',
    "attributes": {"plan": "pro", "empty": "", "a.b": "dotted"},
    "sip": {"call": True},
    "video": {**VIDEO, "canPublishSources": ["camera", "microphone"], "canUpdateOwnMetadata": False},
    "aud": ["web", "mobile"],
}
TOKEN = token(**FULL)

# expectation, whether it is met, what is found
TABLE = [
    ("roomJoin", True, "true"),
    ("!roomJoin", False, "true"),
    ("roomAdmin", False, "false"),
    ("!roomAdmin", True, "false"),
    ("roomAdmin=false", True, "false"),
    ("roomAdmin!=true", True, "false"),
    ("roomJoin!=true", False, "true"),
    ("video.roomJoin", True, "true"),
    ("canPublish", True, "true"),  # by the server's default
    ("canPublishData", True, "true"),
    ("canUpdateOwnMetadata", False, "false"),
    ("room=demo", True, "demo"),
    (" room = demo ", True, "demo"),
    ("room=dem", False, "demo"),
    ("room=Demo", False, "demo"),
    ("room!=demo", False, "demo"),
    ("room!=other", True, "demo"),
    ("room~em", True, "demo"),
    ("room~x", False, "demo"),
    ("room", True, "demo"),
    ("destinationRoom", False, "absent"),
    ("!destinationRoom", True, "absent"),
    ("destinationRoom!=x", False, "absent"),  # not there is not another one
    ("canPublishSources~camera", True, "camera, microphone"),
    ("canPublishSources~screen_share", False, "camera, microphone"),
    ("canPublishSources=microphone,camera", True, "camera, microphone"),
    ("canPublishSources=camera", False, "camera, microphone"),
    ("canPublishSources!=camera", True, "camera, microphone"),
    ("sip.call", True, "true"),
    ("sip.admin", False, "false"),
    ("agent.admin", False, "false"),
    ("agentThread.all", False, "absent"),  # newer than the measured server, and not in the token
    ("inference.perform=false", True, "false"),
    ("agent", False, "false"),
    ("identity=alice", True, "alice"),
    ("sub=alice", True, "alice"),
    ("jti", False, "absent"),
    ("iss=" + KEY, True, "APIfo…67"),
    ("iss=other", False, "APIfo…67"),
    ("name=Alice", True, "Alice"),
    ("kind=agent", True, "agent"),  # the server compares without letter case
    ("kind!=sip", True, "agent"),
    ("aud~web", True, "web, mobile"),
    (f"exp={NOW + 3600}", True, str(NOW + 3600)),
    ("exp", True, str(NOW + 3600)),
    ("!nbf", True, "absent"),
    ("attributes.plan=pro", True, "pro"),
    ("attributes.plan!=free", True, "pro"),
    ("attributes.pln!=free", False, "absent"),  # a typo is not met
    ("attributes.empty", False, "absent"),
    ("attributes.a.b=dotted", True, "dotted"),
    ("attributes", True, '{"plan": "pro", "empty": "", "a.b": "dotted"}'),
    ("metadata.userId=" + ID, True, ID),
    ("metadata.n=5", True, "5"),
    ("metadata.n!=6", True, "5"),
    ("metadata.zero", True, "0"),
    ("metadata.no", False, "false"),
    ("!metadata.no", True, "false"),
    ("metadata.no=false", True, "false"),
    ("metadata.no!=true", True, "false"),
    ("metadata.nil", False, "absent"),
    ("metadata.roles~host", True, "host, guest"),
    ("metadata.roles~hos", False, "host, guest"),
    ("metadata.a.b=c d", True, "c d"),
    ('metadata.a["b"]=c d', True, "c d"),
    ("metadata.a", True, '{"b": "c d"}'),
    ("metadata.n~5", False, "5"),
    ("metadata.missing.deeper", False, "absent"),
    ("metadata~userId", True, FULL["metadata"]),
    ("roomConfig", False, "absent"),
]


@pytest.mark.parametrize(("text", "met", "found"), TABLE, ids=[text for text, _, _ in TABLE])
def test_expectations(text: str, met: bool, found: str) -> None:
    """Held against one token; what is found is said."""
    (outcome,) = hold(read(TOKEN), Wishes((parse_demand(text),)))
    assert outcome == (text.strip(), met, found)


# what can never be met, or always is, with a part of the message and of the hint
UNFIT = [
    ("", "is not an expectation", "Write NAME"),
    ("=demo", "is not an expectation", "Write NAME"),
    ("!", "is not an expectation", "Write NAME"),
    ("!room=demo", "is not an expectation", "Write NAME"),
    ("roomjoin", "neither a grant nor a claim", "Did you mean roomJoin?"),
    ("room_join", "neither a grant nor a claim", "Did you mean roomJoin?"),
    ("!roomAdmn", "neither a grant nor a claim", "Did you mean roomAdmin?"),
    ("video.roomAdmn", "neither a grant nor a claim", "Did you mean video.roomAdmin?"),
    ("sip.cal", "neither a grant nor a claim", "Did you mean sip.call?"),
    ("Metadata", "neither a grant nor a claim", "Did you mean metadata?"),
    ("ttl=5m", "neither a grant nor a claim", "--min-ttl"),
    ("min-ttl", "neither a grant nor a claim", "--min-ttl"),
    ("userId=x", "neither a grant nor a claim", "--user-id"),
    ("user_id", "neither a grant nor a claim", "--user-id"),
    ("metadata.", "neither a grant nor a claim", "metadata.userId"),
    ("attributes.", "neither a grant nor a claim", "attributes.plan"),
    ("metadata.a..b", "is no path", "metadata.userId"),
    ("zzzzqqqq", "neither a grant nor a claim", "grants and claims"),
    ("room=", "has no value", "!room"),
    ("room!=", "has no value", "!room"),
    ("room~", "has no value", "!room"),
    ("room= ", "has no value", "!room"),
    ("room==demo", "two operators", "NAME=VALUE"),
    ("room~=demo", "two operators", "NAME=VALUE"),
    ("room!==demo", "two operators", "NAME=VALUE"),
    ("roomJoin=yes", "true or false", "roomJoin or !roomJoin"),
    ("roomAdmin!=yes", "true or false", "!roomAdmin"),
    ("roomJoin~true", "true or false", "roomJoin or"),
    ("sip.call=1", "true or false", "sip.call or"),
    ("exp=soon", "in seconds", "--min-ttl"),
    ("exp~5", "in seconds", "--min-ttl"),
    ("attributes=x", "is no text", "attributes.KEY"),
    ("roomConfig=x", "is no text", "--agent"),
    ("canPublishSources~camra", "there is no 'camra'", "camera, microphone"),
    ("video.canPublishSources=camera,screen", "there is no 'screen'", "camera, microphone"),
    ("kind!=Agent", "there is no 'Agent'", "standard"),
]


@pytest.mark.parametrize(("text", "says", "hint"), UNFIT, ids=[text or "nothing" for text, _, _ in UNFIT])
def test_what_cannot_be_meant(text: str, says: str, hint: str) -> None:
    """A usage error: a typo must never pass for an expectation that is met."""
    with pytest.raises(LkctlError) as caught:
        parse_demand(text)
    assert caught.value.code == "usage"
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_a_long_expectation_is_cut() -> None:
    """A megabyte by mistake makes no megabyte of message."""
    with pytest.raises(LkctlError) as caught:
        parse_demand("x" * 1_000_000)
    assert len(caught.value.message) < 300
    assert len(caught.value.hint) < 200


# wishes of options, token, whether met, what is found
WISHES = [
    pytest.param(Wishes(min_ttl=300), token(), True, "1 h", id="ttl"),
    pytest.param(Wishes(min_ttl=3600), token(), True, "1 h", id="ttl, to the second"),
    pytest.param(Wishes(min_ttl=3601), token(), False, "1 h", id="ttl, a second short"),
    pytest.param(Wishes(min_ttl=300), token(exp=NOW - 30), False, "expired 30 s ago", id="ttl, expired"),
    pytest.param(Wishes(min_ttl=300), token(exp=...), False, "no expiry that could be read", id="ttl, none"),
    pytest.param(Wishes(user_id=ID), token(metadata=f'{{"userId":"{ID}"}}'), True, ID, id="user ID"),
    pytest.param(Wishes(user_id=ID), token(sub=ID), False, "absent", id="user ID, only as identity"),
    pytest.param(Wishes(identity="alice"), token(), True, "alice", id="identity"),
    pytest.param(Wishes(identity="alice"), token(sub="", jti="alice"), True, "alice", id="identity from jti"),
    pytest.param(Wishes(identity="Alice"), token(), False, "alice", id="identity, letter case"),
    pytest.param(Wishes(room="demo"), token(), True, "may join room demo", id="room"),
    pytest.param(Wishes(room="dem"), token(), False, "may join room demo", id="another room"),
    pytest.param(Wishes(room="demo"), video(roomJoin=False), False,
                 "names room demo, but roomJoin is not true", id="room without join"),
    pytest.param(Wishes(room="demo"), video(room=...), False, "names no room", id="no room"),
    pytest.param(Wishes(room="demo"), video(roomJoin="true"), False,
                 "names room demo, but roomJoin is not true", id="room, join of the wrong type"),
    pytest.param(Wishes(agent="a"), token(roomConfig={"agents": [{"agentName": "b"}, {"agentName": "a"}]}),
                 True, "dispatches b, a", id="agent"),
    pytest.param(Wishes(agent="a"), token(roomConfig={"agents": [{"agent_name": "a"}]}),
                 True, "dispatches a", id="agent, snake case"),
    pytest.param(Wishes(agent="a"), token(roomConfig={"agents": [{}]}),
                 False, "dispatches the unnamed agent", id="unnamed agent"),
    pytest.param(Wishes(agent="a"), token(roomConfig={"agents": None}),
                 False, "roomConfig dispatches no agent", id="no agent"),
    pytest.param(Wishes(agent="a"), token(), False, "roomConfig dispatches no agent", id="no roomConfig"),
]  # fmt: skip


@pytest.mark.parametrize(("wishes", "text", "met", "found"), WISHES)
def test_wishes(wishes: Wishes, text: str, met: bool, found: str) -> None:
    """What the options ask for."""
    (outcome,) = hold(read(text), wishes)
    assert (outcome.met, outcome.found) == (met, found)


def test_all_are_told_in_order() -> None:
    """The first unmet one hides no other."""
    wishes = Wishes((parse_demand("roomAdmin"), parse_demand("roomJoin")), room="other", identity="bob")
    told = [(outcome.expected, outcome.met) for outcome in hold(read(token()), wishes)]
    assert told == [("identity bob", False), ("may join room other", False), ("roomAdmin", False), ("roomJoin", True)]


OTHER = forge(claims(), secret="another-secret-of-the-same-key-0123456789")
PROOFS = [
    pytest.param(token(), True, False, True, "made with the secret of APIfo…67", id="by the secret"),
    pytest.param(token(), False, False, False, "not checked: no secret here", id="no secret"),
    pytest.param(token(), False, True, True, "proven by the server, which accepts it", id="by the server"),
    pytest.param(OTHER, True, False, False, "not made with the configured secret of APIfo…67", id="another secret"),
    pytest.param(OTHER, True, True, False, "not made with the configured secret of APIfo…67", id="contradiction"),
    pytest.param(token(iss="APIother"), True, False, False, "not checked: another API key is configured", id="key"),
    pytest.param(token(iss="APIother"), True, True, True, "proven by the server, which accepts it", id="key, server"),
]


@pytest.mark.parametrize(("text", "secret", "accepted", "met", "found"), PROOFS)
def test_proof(text: str, secret: bool, accepted: bool, met: bool, found: str) -> None:
    """Nothing is called verified without proof."""
    missing = "" if secret else "no secret here"
    outcome = proven(read(text, PAIR if secret else None), missing, accepted=accepted)
    assert outcome == ("signature", met, found)


def test_long_findings_are_cut() -> None:
    """A person can read them."""
    (outcome,) = hold(read(token(name="x" * 10_000)), Wishes((parse_demand("name=x"),)))
    assert len(outcome.found) == 201

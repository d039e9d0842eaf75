"""What is minted as it should be is accused of nothing: by SDKs, by livekit-server itself, by lkctl."""

import json
from datetime import timedelta
from typing import Any

import pytest
from livekit.api import AccessToken, SIPGrants, VideoGrants
from livekit.api.access_token import AgentGrants, InferenceGrants, ObservabilityGrants
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from lkctl.tokens.decoding import Decoded, decode
from lkctl.tokens.findings import Facts
from lkctl.tokens.minting import TokenRequest, mint
from lkctl.tokens.roles import ROLES
from tests.tokens.forge import ID, KEY, NOW, PAIR, SECRET, VIDEO, forge, ids

HOURS = {"exp": NOW + 6 * 3600, "nbf": NOW}
ALL = {"canPublish": True, "canSubscribe": True, "canPublishData": True}


def python() -> AccessToken:
    """Begin a token of livekit-api."""
    return AccessToken(KEY, SECRET)


PYTHON = {
    "join": python().with_identity("alice").with_grants(VideoGrants(room_join=True, room="demo")),
    "join with all": python()
    .with_identity(ID)
    .with_name("Alice Müller")
    .with_metadata(json.dumps({"userId": ID, "capabilities": ["a"]}))
    .with_attributes({"plan": "pro"})
    .with_room_config(RoomConfiguration(empty_timeout=5, agents=[RoomAgentDispatch(agent_name="x", metadata="{}")]))
    .with_grants(VideoGrants(room_join=True, room="demo", can_publish_sources=["camera"])),
    "rooms": python().with_grants(VideoGrants(room_create=True, room_list=True)),
    "a room": python().with_grants(VideoGrants(room_admin=True, room="demo")),
    "forwarding": python().with_grants(VideoGrants(room_admin=True, room="demo", destination_room="other")),
    "egress": python().with_grants(VideoGrants(room_record=True)),
    "ingress": python().with_grants(VideoGrants(ingress_admin=True)),
    "SIP": python().with_grants(VideoGrants()).with_sip_grants(SIPGrants(call=True)),
    "a SIP transfer": python()
    .with_grants(VideoGrants(room_admin=True, room="demo"))
    .with_sip_grants(SIPGrants(call=True)),
    "cloud agents": python().with_agent_grants(AgentGrants(admin=True)),
    "a worker": python().with_grants(VideoGrants(agent=True)),
    "inference": python().with_identity("agent").with_inference_grants(InferenceGrants(perform=True)),
    "observability": python().with_observability_grants(ObservabilityGrants(write=True)),
    "an agent": python().with_identity("a").with_kind("agent").with_grants(
        VideoGrants(room_join=True, room="demo", agent=True)
    ),
    "an avatar": python()
    .with_identity("avatar")
    .with_kind("agent")
    .with_attributes({"lk.publish_on_behalf": "agent-AJ_x"})
    .with_grants(VideoGrants(room_join=True, room="demo")),
    "a day": python().with_identity("a").with_grants(VideoGrants(room_join=True, room="r")).with_ttl(timedelta(days=1)),
}  # fmt: skip

# As they were run: livekit-server-sdk 2.19.2 and 2.9.0 (npm), livekit/protocol auth (Go), livekit-server 1.13.5
LITERAL: dict[str, dict[str, Any]] = {
    "JS": {"video": VIDEO, **HOURS, "sub": "alice"},
    "JS, all told": {
        "metadata": "{}", "attributes": {"a": "b"}, "name": "A", "video": {**VIDEO, **ALL}, **HOURS, "sub": "a",
    },
    "JS 2.9": {"video": VIDEO, **HOURS, "nbf": 0, "sub": "alice"},
    "JS, rooms": {"video": {"roomList": True}, **HOURS},
    "JS, SIP": {"video": {}, "sip": {"call": True}, **HOURS},
    "JS, inference": {"inference": {"perform": True}, **HOURS, "sub": "agent"},
    "Go": {"sub": "alice", "iat": NOW, **HOURS, "identity": "alice", "video": VIDEO},
    "Go, all told": {"sub": "a", "iat": NOW, **HOURS, "identity": "a", "kind": "standard", "video": {**VIDEO, **ALL}},
    "Go, rooms": {"iat": NOW, **HOURS, "video": {"roomCreate": True}},
    "the server, for a job": {
        "sub": "agent-AJ_x", "iat": NOW, **HOURS, "exp": NOW + 3600, "identity": "agent-AJ_x", "kind": "agent",
        "attributes": {"lk.agent_name": "helper"},
        "video": {**VIDEO, "agent": True, **ALL, "canUpdateOwnMetadata": True},
    },
    "the server, for egress": {
        "sub": "EG_x", **HOURS, "kind": "egress",
        "video": {**VIDEO, "canPublish": False, "canPublishData": False, "canSubscribe": True, "hidden": True,
                  "recorder": True},
    },
    "the server, for a caller": {
        "sub": "sip-x", **HOURS, "kind": "sip", "video": {**VIDEO, **ALL},
        "attributes": {"sip.callID": "SCL_abcdefghijkl", "sip.trunkID": "ST_abcdefghijkl", "sip.callStatus": "active"},
    },
}  # fmt: skip


def seen(text: str) -> Decoded:
    """Decode with all that may be known beside it and speaks for no fault."""
    facts = Facts(host="lk.example.com", strict_key=True, room_live=False)
    return decode(text, PAIR, now=NOW, facts=facts)


@pytest.mark.parametrize("name", PYTHON)
def test_livekit_api(name: str) -> None:
    """No finding at all; its tokens are minted at this moment."""
    text = PYTHON[name].to_jwt()
    now = seen(text).reading.values["nbf"]
    assert ids(decode(text, PAIR, now=now, facts=Facts(host="lk.example.com", strict_key=True))) == {}


@pytest.mark.parametrize("name", LITERAL)
def test_others(name: str) -> None:
    """No finding at all."""
    assert ids(seen(forge({"iss": KEY, **LITERAL[name]}))) == {}


@pytest.mark.parametrize("identity", ["alice", ID])
@pytest.mark.parametrize("role", [role for role in ROLES if role != "none"])
def test_roles(role: str, identity: str) -> None:
    """No finding, but for an agent that has a user's identity: it would put the user out."""
    minted = mint(TokenRequest(identity=identity, room="demo", role=role), PAIR, now=NOW, entropy=bytes)
    disguised = role == "agent" and identity == ID
    assert [finding.id for finding in minted.findings] == (["L20"] if disguised else [])


def test_a_user() -> None:
    """Identity, room and metadata from a user ID."""
    assert mint(TokenRequest(user_id=ID), PAIR, now=NOW, entropy=bytes).findings == ()

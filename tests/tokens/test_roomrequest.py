"""The room that a token asks for: what is written is what LiveKit's own protobuf message reads."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from lkctl.errors import LkctlError
from lkctl.tokens.roomrequest import make_room_config

META = '{"lang": "en", "a,b": "c=d"}'
HELPER = {"agentName": "helper"}

REQUESTS = [
    pytest.param({}, '{"a":1}', [], RoomConfiguration(metadata='{"a":1}'), id="metadata"),
    pytest.param({}, None, ["helper"], RoomConfiguration(agents=[RoomAgentDispatch(agent_name="helper")]), id="agent"),
    pytest.param(
        {},
        None,
        ["helper", f"scribe={META}", "helper={}"],
        RoomConfiguration(
            agents=[
                RoomAgentDispatch(agent_name="helper"),
                RoomAgentDispatch(agent_name="scribe", metadata=META),
                RoomAgentDispatch(agent_name="helper", metadata="{}"),
            ]
        ),
        id="several agents",
    ),
    pytest.param(
        {
            "empty_timeout": 60,
            "departureTimeout": 5,
            "max_participants": "7",
            "min_playout_delay": 1,
            "maxPlayoutDelay": 2,
            "sync_streams": True,
            "tags": {"a_b": "c"},
            "agents": [{"agent_name": "x", "attributes": {"k_l": "m"}, "deployment": "blue"}],
        },
        '"m"',
        ["helper"],
        RoomConfiguration(
            empty_timeout=60,
            departure_timeout=5,
            max_participants=7,
            min_playout_delay=1,
            max_playout_delay=2,
            sync_streams=True,
            tags={"a_b": "c"},
            metadata='"m"',
            agents=[
                RoomAgentDispatch(agent_name="x", attributes={"k_l": "m"}, deployment="blue"),
                RoomAgentDispatch(agent_name="helper"),
            ],
        ),
        id="everything",
    ),
    pytest.param(
        {"agents": [{**HELPER, "metadata": '{"a": 1}'}]},
        None,
        ["helper", 'helper={"a":1}'],
        RoomConfiguration(agents=[RoomAgentDispatch(agent_name="helper", metadata='{"a": 1}')]),
        id="an agent that is there already",
    ),
    pytest.param(
        {"metadata": '{"a": 1}'}, '{"a":1}', [], RoomConfiguration(metadata='{"a":1}'), id="the same metadata"
    ),
]


@pytest.mark.parametrize(("config", "metadata", "agents", "message"), REQUESTS)
def test_livekit_reads_what_was_meant(
    config: dict[str, Any], metadata: str | None, agents: list[str], message: RoomConfiguration
) -> None:
    """Field by field, and nothing that it does not know; the names of the fields are in camelCase."""
    written = make_room_config(config, metadata, agents)
    assert ParseDict(written, RoomConfiguration()) == message
    assert not [
        name for name in (*written, *(key for agent in written.get("agents", ()) for key in agent)) if "_" in name
    ]


KEPT = [
    pytest.param({"emptyTimeout": "x", "agent_s": 1}, id="a wrong type"),
    pytest.param({"empty_timeout": 1, "emptyTimeout": 2}, id="a field twice"),
    pytest.param({"unknown_field": 1}, id="an unknown field"),
    pytest.param({"egress": {"room": {"room_name": "x"}}}, id="egress"),
]


@pytest.mark.parametrize("config", KEPT)
def test_what_is_not_ours_to_mend_stays(config: dict[str, Any]) -> None:
    """The rules tell of it."""
    assert make_room_config(config, None, ()) == config


REFUSED = [
    pytest.param({"metadata": "{}"}, '{"a":1}', [], "the room metadata is given in the room conf", id="metadata"),
    pytest.param({"metadata": "x"}, "1", [], "the room metadata is given in the room conf", id="no JSON"),
    pytest.param({"agents": [{**HELPER, "metadata": "1"}]}, None, ["helper=2"], "the agent 'helper' is", id="agent"),
    pytest.param({"agents": 5}, None, ["helper"], "are no list of objects", id="agents a number"),
    pytest.param({"agents": [5]}, None, ["helper"], "are no list of objects", id="an agent a number"),
    pytest.param({}, None, ["=x"], "the agent '=x' has no name", id="no name"),
    pytest.param({}, None, ["a="], "the agent 'a=' has no metadata behind its =", id="an unset variable"),
]


@pytest.mark.parametrize(("config", "metadata", "agents", "says"), REFUSED)
def test_contradictions(config: dict[str, Any], metadata: str | None, agents: list[str], says: str) -> None:
    """Exit 2, the fault named."""
    with pytest.raises(LkctlError) as caught:
        make_room_config(config, metadata, agents)
    assert (caught.value.code, int(caught.value.exit_code)) == ("usage", 2)
    assert says in caught.value.message
    assert caught.value.hint

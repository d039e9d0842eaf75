"""What claims mean, written out and in words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lkctl.tokens.claims import GROUPS, SOURCES, Form
from lkctl.tokens.reading import read_claims
from lkctl.tokens.words import as_moment, effective_grants, say_grants


def effective(**groups: Any) -> dict[str, dict[str, Any]]:
    """Give the effective grants of claims with these groups."""
    return effective_grants(read_claims(groups))


WORDS = [
    pytest.param(
        {"video": {"roomJoin": True, "room": "demo"}},
        "may join room demo, publish, subscribe, send data, may not change its own metadata",
        id="participant",
    ),
    pytest.param(
        {"video": {"roomJoin": True, "room": "demo", "canPublishSources": ["camera"]}},
        "may join room demo, publish camera only, subscribe, send data, may not change its own metadata",
        id="camera only",
    ),
    pytest.param(
        {
            "video": {
                "roomJoin": True,
                "room": "d",
                "canPublishSources": ["screen_share_audio", "camera", "screen_share"],
            }
        },
        "may join room d, publish camera, screen share and screen share audio only, subscribe, send data, "
        "may not change its own metadata",
        id="three sources",
    ),
    pytest.param(
        {"video": {"roomJoin": True, "room": "d", "canPublish": False, "canUpdateOwnMetadata": True}},
        "may join room d, subscribe, change its own metadata, may not publish, may not send data",
        id="no publishing takes data along",
    ),
    pytest.param(
        {"video": {"roomJoin": True, "room": "d", "canPublishSources": ["CAMERA"], "canSubscribe": False}},
        "may join room d, send data, may not publish, may not subscribe, may not change its own metadata",
        id="unknown source only",
    ),
    pytest.param(
        {"video": {"roomJoin": True, "room": "d", "hidden": True, "recorder": True, "agent": True}},
        "may join room d, publish, subscribe, send data, stay hidden from the others, count as a recorder, "
        "act as an agent, may not change its own metadata",
        id="hidden recorder",
    ),
    pytest.param({"video": {"roomAdmin": True, "room": "d"}}, "may administer room d", id="room admin"),
    pytest.param(
        {"video": {"roomCreate": True, "roomList": True, "roomRecord": True, "ingressAdmin": True}},
        "may create and delete rooms, list rooms, record rooms, manage ingress",
        id="admin",
    ),
    pytest.param({"sip": {"admin": True, "call": True}}, "may manage SIP, make SIP calls", id="sip"),
    pytest.param(
        {"inference": {"perform": True}, "agent": {"admin": True}}, "may use inference, manage cloud agents", id="cloud"
    ),
    pytest.param({"observability": {"write": True}}, "may write observability data", id="observability"),
    pytest.param(
        {"agentEndpoint": {"call": True}, "agentThread": {"all": True, "read": True, "write": True}},
        "may call the endpoints of agents, reach every agent thread, write agent threads, read agent threads",
        id="groups newer than the server",
    ),
    pytest.param({"video": {"room": "d"}}, "may not join room d", id="room only"),
    pytest.param({}, "may do nothing", id="nothing"),
    pytest.param({"video": {}}, "may do nothing", id="empty video"),
]


@pytest.mark.parametrize(("groups", "words"), WORDS)
def test_words(groups: dict[str, Any], words: str) -> None:
    """A sentence about the holder."""
    assert say_grants(effective(**groups)) == words


PUBLISHING = [
    pytest.param({}, (True, True, True, list(SOURCES)), id="all by default"),
    pytest.param({"canPublish": False}, (False, True, False, []), id="publish off takes data along"),
    pytest.param({"canPublish": False, "canPublishData": True}, (False, True, True, []), id="data stays"),
    pytest.param(
        {"canPublish": False, "canPublishSources": ["camera"]}, (False, True, False, []), id="off beats sources"
    ),
    pytest.param({"canPublishSources": []}, (True, True, True, list(SOURCES)), id="empty list is all"),
    pytest.param({"canPublishSources": ["microphone", "x"]}, (True, True, True, ["microphone"]), id="one of two"),
    pytest.param({"canSubscribe": False}, (True, False, True, list(SOURCES)), id="subscribe off"),
    pytest.param({"canPublish": None}, (True, True, True, list(SOURCES)), id="null"),
]


@pytest.mark.parametrize(("grants", "expected"), PUBLISHING)
def test_defaults(grants: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """The server's defaults (grants.go), measured in join responses."""
    video = effective(video=grants)["video"]
    assert (
        tuple(video[name] for name in ("canPublish", "canSubscribe", "canPublishData", "canPublishSources")) == expected
    )


def test_no_grant_goes_without_words() -> None:
    """Each switch that a token can have says something."""
    silent = [
        f"{name}.{field}"
        for name, group in GROUPS.items()
        for field, form in group.fields.items()
        if form is Form.boolean
        and not field.startswith("can")
        and say_grants(effective(**{name: {field: True}})) == "may do nothing"
    ]
    assert silent == ["video.hidden", "video.recorder"]  # they are of use in a room only


def test_every_key_is_there() -> None:
    """Also without any grant: false and empty."""
    nothing = effective()
    assert set(nothing) == {"video", "sip", "agent", "inference", "observability"}
    assert not any(value for group in nothing.values() for value in group.values())
    assert len(nothing["video"]) == 18
    assert "agentThread" in effective(agentThread={"read": True})


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (None, None),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (253_402_300_799, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (253_402_300_800, None),
        (10**18, None),
        (-(10**18), None),
    ],
)
def test_moments(seconds: int | None, moment: datetime | None) -> None:
    """The calendar has an end."""
    assert as_moment(seconds) == moment

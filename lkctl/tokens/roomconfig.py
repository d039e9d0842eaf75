"""The roomConfig claim, as LiveKit's message has it.

Source: livekit/protocol 1.50.5: livekit_room.proto (RoomConfiguration), livekit_agent_dispatch.proto,
livekit_egress.proto, livekit_models.proto (WebhookConfig).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lkctl.tokens.document import SURROGATE, pairs_of
from lkctl.tokens.protojson import (
    Check,
    Message,
    choice,
    count,
    every,
    fault_of,
    flag,
    integer,
    many,
    message,
    one,
    real,
    text,
    texts_by_name,
)

_HALF_PAIR = "holds half a surrogate pair or bytes that are not UTF-8"

_PROXY = one(message(every(text, "url username password")))
_S3 = one(
    message(
        {
            **every(
                text, "access_key secret session_token assume_role_arn assume_role_external_id region endpoint bucket"
            ),
            **every(text, "tagging content_disposition"),
            "force_path_style": flag,
            "metadata": texts_by_name,
            "proxy": _PROXY,
        }
    )
)
_STORES: Mapping[str, Check] = {
    "s3": _S3,
    "gcp": one(message({**every(text, "credentials bucket"), "proxy": _PROXY})),
    "azure": one(message(every(text, "account_name account_key container_name"))),
    "aliOSS": one(message(every(text, "access_key secret region endpoint bucket"))),
}
_FILE = one(message({"file_type": choice, "filepath": text, "disable_manifest": flag}, _STORES))
_STREAM = one(message({"protocol": choice, "urls": many(text)}))
_SEGMENTS = one(
    message(
        {
            **every(choice, "protocol filename_suffix"),
            **every(text, "filename_prefix playlist_name live_playlist_name"),
            "segment_duration": count,
            "disable_manifest": flag,
        },
        _STORES,
    )
)
_IMAGES = one(
    message(
        {
            "capture_interval": count,
            **every(integer, "width height"),
            "filename_prefix": text,
            **every(choice, "filename_suffix image_codec"),
            "disable_manifest": flag,
        },
        _STORES,
    )
)
_ENCODING: Mapping[str, Check] = {
    "preset": choice,
    "advanced": one(
        message(
            {
                **every(integer, "width height depth framerate audio_bitrate audio_frequency video_bitrate"),
                **every(integer, "audio_quality video_quality"),
                **every(choice, "audio_codec video_codec"),
                "key_frame_interval": real,
            }
        )
    ),
}
_FILTERS = one(message(every(many(text), "include_events exclude_events")))
_WEBHOOK = one(message({**every(text, "url signing_key"), "filter_params": _FILTERS}))
_ROOM_EGRESS = message(
    {
        **every(text, "room_name layout custom_base_url"),
        **every(flag, "audio_only video_only"),
        "audio_mixing": choice,
        "file_outputs": many(_FILE),
        "stream_outputs": many(_STREAM),
        "segment_outputs": many(_SEGMENTS),
        "image_outputs": many(_IMAGES),
        "webhooks": many(_WEBHOOK),
    },
    {"file": _FILE, "stream": _STREAM, "segments": _SEGMENTS},
    _ENCODING,
)
_PARTICIPANT_EGRESS = message({"file_outputs": many(_FILE), "segment_outputs": many(_SEGMENTS)}, _ENCODING)
_TRACK_EGRESS = message({"filepath": text, "disable_manifest": flag}, _STORES)
_EGRESS = message({"room": one(_ROOM_EGRESS), "participant": one(_PARTICIPANT_EGRESS), "tracks": one(_TRACK_EGRESS)})
_AGENT = message(
    {**every(text, "agent_name metadata deployment"), "restart_policy": choice, "attributes": texts_by_name}
)
_ROOM = message(
    {
        **every(text, "name metadata"),
        **every(count, "empty_timeout departure_timeout max_participants min_playout_delay max_playout_delay"),
        "sync_streams": flag,
        "egress": one(_EGRESS),
        "agents": many(one(_AGENT)),
        "tags": texts_by_name,
    }
)

ROOM_FIELDS, AGENT_FIELDS = frozenset(_ROOM.fields), frozenset(_AGENT.fields)


def room_config_fault(value: Any) -> str:
    """Tell why the server would refuse this roomConfig, such as `.metadata is no text`; "" where it would not."""
    return fault_of(value, _ROOM) or (_HALF_PAIR if any(map(re.compile(SURROGATE).search, _texts_in(value))) else "")


def in_camel_case(config: Mapping[str, Any]) -> dict[str, Any]:
    """Name the fields of a faultless roomConfig and its agents as protojson writes them; `egress` stays as it is."""
    spelt = _spelt(config, _ROOM)
    if spelt.get("agents"):
        spelt["agents"] = [_spelt(agent, _AGENT) for agent in spelt["agents"]]
    return spelt


def _spelt(value: Mapping[str, Any], message: Message) -> dict[str, Any]:
    return {message.spellings.get(key, key): item for key, item in value.items()}


def _texts_in(value: Any) -> Iterator[str]:
    """Give all texts and keys, those of unknown fields too: protojson reads them all."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for _, item in pairs_of(value):
            yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)

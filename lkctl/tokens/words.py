"""What claims mean: grants with the server's defaults written out and in words, times as times."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lkctl.tokens.claims import GROUPS, SOURCES, Form
from lkctl.tokens.reading import Reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCE_WORDS = {"screen_share": "screen share", "screen_share_audio": "screen share audio"}
_ALONE = (
    ("hidden", "stay hidden from the others"),
    ("recorder", "count as a recorder"),
    ("agent", "act as an agent"),
    ("canSubscribeMetrics", "subscribe to metrics"),
    ("canManageAgentSession", "manage an agent's session"),
)
_ADMIN = (
    ("roomCreate", "create and delete rooms"),
    ("roomList", "list rooms"),
    ("roomRecord", "record rooms"),
    ("ingressAdmin", "manage ingress"),
)
_OTHERS = {
    "sip.admin": "manage SIP",
    "sip.call": "make SIP calls",
    "inference.perform": "use inference",
    "observability.write": "write observability data",
    "agent.admin": "manage cloud agents",
    "agent.simulationAdmin": "manage simulations",
    "agent.databaseAdmin": "manage agent databases",
    "agent.dispatchAdmin": "manage the dispatch queue",
    "agentEndpoint.call": "call the endpoints of agents",
    "agentThread.all": "reach every agent thread",
    **{f"agentThread.{verb}": f"{verb} agent threads" for verb in ("list", "create", "write", "read", "delete")},
}

_ABSENT: Mapping[str, Mapping[str, Any]] = {
    name: {field: {Form.boolean: False, Form.texts: []}.get(form, "") for field, form in group.fields.items()}
    for name, group in GROUPS.items()
}


def effective_grants(reading: Reading) -> dict[str, dict[str, Any]]:
    """Write out what the server makes of the grants: each key, with its default where it is absent.

    Source: grants.go GetCanPublish and its like; track sources compare exactly, in lower case (measured).
    """
    grants = {
        name: {**absent, **reading.grants.get(name, {})}
        for name, absent in _ABSENT.items()
        if name in reading.grants or not GROUPS[name].newer
    }
    grants["video"] |= _defaults(reading.video) if "video" in reading.grants else {}
    return grants


def as_moment(seconds: int | None) -> datetime | None:
    """Turn seconds since 1970 into a time; None where the calendar ends (year 9999)."""
    try:
        return None if seconds is None else _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _defaults(video: Mapping[str, Any]) -> dict[str, Any]:
    publish = bool(video.get("canPublish", True))
    sources = video.get("canPublishSources") or SOURCES
    return {
        "canPublish": publish,
        "canSubscribe": bool(video.get("canSubscribe", True)),
        "canPublishData": bool(video.get("canPublishData", publish)),
        "canPublishSources": [source for source in SOURCES if publish and source in sources],
    }


def say_grants(effective: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what the holder may do: `may join room demo, publish camera only, may not change its own metadata`."""
    may, may_not = list(_allowed(effective)), list(_denied(effective["video"]))
    parts = ([f"may {may[0]}", *may[1:]] if may else []) + [f"may not {what}" for what in may_not]
    return ", ".join(parts) or "may do nothing"


def _allowed(effective: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    video = effective["video"]
    if video["roomJoin"]:
        yield from _in_the_room(video)
    elif video["agent"]:
        yield "register as an agent worker"
    if video["roomAdmin"]:
        yield f"administer {_room(video)}"
    if video["destinationRoom"]:
        yield f"forward to room {video['destinationRoom']}"
    yield from (words for name, words in _ADMIN if video[name])
    yield from (words for path, words in _OTHERS.items() if _granted(effective, path))


def _in_the_room(video: Mapping[str, Any]) -> Iterator[str]:
    yield f"join {_room(video)}"
    sources = video["canPublishSources"]
    if video["canPublish"] and len(sources) == len(SOURCES):
        yield "publish"
    elif video["canPublish"] and sources:
        yield f"publish {_listed([_SOURCE_WORDS.get(source, source) for source in sources])} only"
    if video["canSubscribe"]:
        yield "subscribe"
    if video["canPublishData"]:
        yield "send data"
    if video["canUpdateOwnMetadata"]:
        yield "change its own metadata"
    yield from (words for name, words in _ALONE if video[name])


def _denied(video: Mapping[str, Any]) -> Iterator[str]:
    if not video["roomJoin"]:
        if video["room"] and not video["roomAdmin"]:
            yield f"join {_room(video)}"
        return
    if not video["canPublishSources"]:
        yield "publish"
    if not video["canSubscribe"]:
        yield "subscribe"
    if not video["canPublishData"]:
        yield "send data"
    if not video["canUpdateOwnMetadata"]:
        yield "change its own metadata"


def _room(video: Mapping[str, Any]) -> str:
    return f"room {video['room']}" if video["room"] else "a room without a name"


def _granted(effective: Mapping[str, Mapping[str, Any]], path: str) -> bool:
    group, _, name = path.partition(".")
    return bool(effective.get(group, {}).get(name))


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]

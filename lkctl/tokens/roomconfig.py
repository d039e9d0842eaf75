"""The roomConfig claim as protojson reads it: camelCase and snake_case both count, unknown fields are passed over.

Source: livekit/protocol livekit_room.proto (RoomConfiguration), livekit_agent_dispatch.proto (RoomAgentDispatch),
utils/protojson (DiscardUnknown). What is inside `egress` is not judged.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from lkctl.tokens.document import NUMBER, SURROGATE, pairs_of

_MOST = 2**32 - 1
Check = Callable[[Any], str]  # gives what is wrong, or ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return "holds half a surrogate pair" if not value.isascii() and re.search(SURROGATE, value) else ""
    return "" if value is None else "is no text"


def _flag(value: Any) -> str:
    return "" if value is None or isinstance(value, bool) else "is neither true nor false"


def _count(value: Any) -> str:
    number = 0 if value is None else _number(value)
    fits = number is not None and 0 <= number <= _MOST and number == int(number)
    return "" if fits else "is no count"


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if re.fullmatch(NUMBER, value) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _choice(value: Any) -> str:
    return "is no enum value" if isinstance(value, (bool, list, dict)) else ""


def _object(value: Any) -> str:
    return "" if value is None or isinstance(value, dict) else "is no object"


def _texts_by_name(value: Any) -> str:
    if not isinstance(value, dict):
        return _object(value)
    return "" if all(isinstance(item, str) for item in value.values()) else "holds a value that is no text"


def _agents(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, list):
        return "is no list"
    return next((fault for fault in (_message(agent, _AGENT) for agent in value) if fault), "")


def _message(value: Any, fields: Mapping[str, Check]) -> str:
    if not isinstance(value, dict):
        return "is no object"
    seen = set()
    for key, item in pairs_of(value):
        name = _camel(key)
        if key not in {name, _snake(name)} or name not in fields:
            continue
        fault = fields[name](item)
        fault = fault or ("is given more than once" if name in seen else "")
        if fault:
            return f".{name}{'' if fault.startswith('.') else ' '}{fault}"
        seen.add(name)
    return ""


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


_AGENT: Mapping[str, Check] = {
    "agentName": _text,
    "metadata": _text,
    "restartPolicy": _choice,
    "deployment": _text,
    "attributes": _texts_by_name,
}

_ROOM: Mapping[str, Check] = {
    "name": _text,
    "emptyTimeout": _count,
    "departureTimeout": _count,
    "maxParticipants": _count,
    "metadata": _text,
    "egress": _object,
    "minPlayoutDelay": _count,
    "maxPlayoutDelay": _count,
    "syncStreams": _flag,
    "agents": _agents,
    "tags": _texts_by_name,
}


def room_config_fault(value: Any) -> str:
    """Tell why the server would refuse this roomConfig, such as `.metadata is no text`; "" where it would not."""
    return _message(value, _ROOM)

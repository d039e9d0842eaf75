"""Snapshots and resolutions as JSON documents."""

from collections.abc import Mapping
from typing import Any, Final

from lkctl.userid.resolver import Resolution
from lkctl.userid.snapshot import Job, Participant, Permission, Room, Snapshot

_NOUNS: Final[dict[type, str]] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def snapshot_from_json(document: object, room_name: str = "") -> Snapshot:
    """Read a parsed JSON document; every key is optional, null stands for its default, others are ignored.

    `room` null: the room does not exist and is called `room_name`. ValueError names the field that is wrong.
    """
    fields = _typed(document, dict, "snapshot")
    room = _room(fields, room_name)
    participants = enumerate(_get(fields, "participants", list, []))
    return Snapshot(
        room=room,
        participants=tuple(_participant(item, f"participants[{index}]") for index, item in participants),
        job=_job(_get(fields, "job", dict, {})),
        env=_texts(fields, "env"),
        now_ms=_get(fields, "now_ms", int, 0),
        local_identity=_get(fields, "local_identity", str, None),
        room_name=room_name,
    )


def resolution_json(resolution: Resolution, via: str, room: str) -> dict[str, object]:
    """Shape a resolution for `-o json`; `via` is api, rtc or snapshot."""
    return {
        "user_id": resolution.user_id,
        "source": resolution.source,
        "participant": resolution.participant,
        "trusted": resolution.trusted,
        "via": via,
        "room": room,
        "warnings": [_fields(warning, "code", "source", "participant", "message") for warning in resolution.warnings],
        "trace": [_fields(step, "source", "participant", "status", "value", "reason") for step in resolution.trace],
        "log": list(resolution.log),
    }


def _room(fields: Mapping[str, Any], room_name: str) -> Room | None:
    if "room" in fields and fields["room"] is None:
        if not room_name:
            raise ValueError("room is null, so nothing names the room; give its name as ROOM")
        return None
    room = _get(fields, "room", dict, {})
    name = _get(room, "name", str, "", "room.") or room_name
    if room_name and name != room_name:
        raise ValueError(f"room.name is {name!r}, but the room asked for is {room_name!r}; leave ROOM out")
    return Room(name, _get(room, "metadata", str, "", "room."))


def _participant(item: object, path: str) -> Participant:
    fields = _typed(item, dict, path)
    at = f"{path}."
    permission = _get(fields, "permission", dict, {}, at)
    return Participant(
        identity=_get(fields, "identity", str, "", at),
        kind=_get(fields, "kind", str, "STANDARD", at),
        state=_get(fields, "state", str, "ACTIVE", at),
        metadata=_get(fields, "metadata", str, "", at),
        attributes=_texts(fields, "attributes", at),
        joined_at_ms=_get(fields, "joined_at_ms", int, 0, at),
        permission=Permission(
            can_update_metadata=_get(permission, "can_update_metadata", bool, False, f"{at}permission."),
            hidden=_get(permission, "hidden", bool, False, f"{at}permission."),
            recorder=_get(permission, "recorder", bool, False, f"{at}permission."),
            agent=_get(permission, "agent", bool, False, f"{at}permission."),
        ),
    )


def _job(fields: Mapping[str, Any]) -> Job:
    return Job(_get(fields, "metadata", str, "", "job."), _texts(fields, "attributes", "job."))


def _texts(fields: Mapping[str, Any], key: str, at: str = "") -> dict[str, str]:
    texts = _get(fields, key, dict, {}, at)
    return {name: _typed(text, str, f"{at}{key}.{name}") for name, text in texts.items()}


def _get(fields: Mapping[str, Any], key: str, kind: type, default: object, at: str = "") -> Any:
    value = fields.get(key)
    return default if value is None else _typed(value, kind, f"{at}{key}")


def _typed(value: object, kind: type, path: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{path} must be {_NOUNS[kind]}")
    return value


def _fields(record: object, *names: str) -> dict[str, object]:
    return {name: getattr(record, name) for name in names}

"""How one participant looks as a whole, and what is to be said about it."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from lkctl.duration import say_duration
from lkctl.models import Participant, Permission
from lkctl.output.columns import fit
from lkctl.output.jsontext import rfc3339
from lkctl.output.view import Column, Listing, Record
from lkctl.scenarios.tracks import Published
from lkctl.tokens.document import read_document
from lkctl.userid import Resolution
from lkctl.views.participants import say_counts, say_may, say_may_not
from lkctl.views.tracks import tracks_view

_WIDEST_VALUE = 2000  # characters of metadata and the like that a person is shown
_SOURCE = "participant.metadata"
_PAIR: tuple[Column[tuple[str, str]], ...] = (
    Column("KEY", lambda pair: pair[0]),
    Column("VALUE", lambda pair: pair[1]),
)


def participant_view(
    room: str, one: Participant, resolution: Resolution, now: datetime, *, people: bool = True
) -> Record:
    """Show a participant whole; with `people`, the metadata as a table of its keys where it is a JSON object."""
    keys = _keys(one.metadata) if people else None
    lists = (
        *((("Metadata", _pairs(keys, "")),) if keys else ()),
        ("Attributes", _pairs(one.attributes, "No attributes")),
        ("Tracks", tracks_view([Published(one.identity, track) for track in one.tracks])),
    )
    return Record(
        one,
        _fields(room, one, resolution, now, told=_told(one.metadata, keys, people=people)),
        one.identity,
        f"Participant {one.identity} in room {room}",
        lists,
        tuple(_remarks(one, resolution)),
    )


def sources_remark(permission: Permission) -> str:
    """Say what the list of sources does not tell; "" where there is none.

    Measured on 1.13.5: a token with canPublishSources ["CAMERA"] is shown as CAMERA, and may not publish it.
    """
    if not (permission.can_publish and permission.can_publish_sources):
        return ""
    if "UNKNOWN" in permission.can_publish_sources:
        return "! its token names a source that the server does not know: of that, it may publish nothing"
    return "! if it cannot publish these all the same, its token spells them in capitals: lkctl token decode tells"


def _fields(
    room: str, one: Participant, resolution: Resolution, now: datetime, *, told: str
) -> tuple[tuple[str, str], ...]:
    ago = "" if one.joined_at is None else say_duration(max(0, (now - one.joined_at).total_seconds()))
    return (
        ("identity", one.identity),
        ("sid", one.sid),
        ("room", room),
        ("name", one.name),
        ("state", one.state),
        ("kind", ", ".join((one.kind, *one.kind_details))),
        ("joined", f"{rfc3339(one.joined_at)} ({ago} ago)" if ago else ""),
        ("may", say_may(one.permission)),
        ("may not", say_may_not(one.permission)),
        ("counts as", say_counts(one.permission)),
        ("publisher", "yes" if one.is_publisher else "no"),
        ("user ID", resolution.user_id or f"none ({_why_none(resolution)})"),
        ("metadata", told),
    )


def _remarks(one: Participant, resolution: Resolution) -> Iterator[str]:
    if resolution.user_id and not resolution.trusted:
        yield "! it may rewrite this user ID; to end that: lkctl participant update … --no-can-update-own-metadata"
    for notice in resolution.warnings:
        if notice.source == _SOURCE and notice.code != "W-SPOOFABLE":
            yield f"! {notice.code}: {notice.message}"
    if remark := sources_remark(one.permission):
        yield remark


def _why_none(resolution: Resolution) -> str:
    return next((step.reason for step in resolution.trace if step.source == _SOURCE), "no metadata")


def _told(metadata: str, keys: Mapping[str, str] | None, *, people: bool) -> str:
    if not people:
        return metadata
    if keys:
        return f"{len(keys)} key{'s' if len(keys) > 1 else ''}, {len(metadata.encode())} bytes of JSON"
    return fit(metadata, _WIDEST_VALUE) or "(none)"


def _keys(metadata: str) -> dict[str, str] | None:
    """Give the keys of metadata with their values as text; None where it is no JSON object."""
    try:
        value = read_document(metadata).value
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    return {key: item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for key, item in value.items()}


def _pairs(values: Mapping[str, str], empty: str) -> Listing[tuple[str, str]]:
    pairs = [(key, fit(values[key], _WIDEST_VALUE)) for key in sorted(values)]
    return Listing(pairs, _PAIR, lambda pair: pair[0], empty, prose=True)

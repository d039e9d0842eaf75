"""How tracks look to people: what is published, and what muting did to it."""

from typing import Any

from lkctl.models import Layer, Track
from lkctl.output.jsontext import as_json
from lkctl.output.view import Column, Listing
from lkctl.scenarios.tracks import Fate, Muting, Published

_MEGA, _KILO = 1_000_000, 1000

TRACK_COLUMNS: tuple[Column[Published], ...] = (
    Column("SID", lambda one: one.track.sid),
    Column("PARTICIPANT", lambda one: one.participant),
    Column("SOURCE", lambda one: one.track.source),
    Column("KIND", lambda one: one.track.type),
    Column("CODEC", lambda one: _codecs(one.track)),
    Column("MUTED", lambda one: "yes" if one.track.muted else "no"),
    Column("SIZE", lambda one: _size(one.track)),
)
_MORE_COLUMNS: tuple[Column[Published], ...] = (
    Column("NAME", lambda one: one.track.name),
    Column("LAYERS", lambda one: _layers(one.track)),
)
_MUTED = {True: "yes", False: "no", None: ""}
_MUTING_COLUMNS: tuple[Column[Muting], ...] = (
    Column("SID", lambda one: one.track.sid),
    Column("PARTICIPANT", lambda one: one.participant),
    Column("SOURCE", lambda one: one.track.source),
    Column("MUTED", lambda one: _MUTED[one.muted]),
)


def tracks_view(tracks: list[Published]) -> Listing[Published]:
    """Show tracks with all that the server knows of them."""
    return Listing(
        tracks,
        (*TRACK_COLUMNS, *_MORE_COLUMNS),
        lambda one: one.track.sid,
        "No tracks found",
        track_json,
        True,
    )


def track_json(one: Published) -> dict[str, Any]:
    """Give a track for JSON, with its participant."""
    return {"participant": one.participant, **as_json(one.track)}


def mutings_view(mutings: list[Muting]) -> Listing[Muting]:
    """Show what became of tracks that were to be muted or unmuted."""
    empty = "No track is published: there is nothing to do"
    columns = (*_MUTING_COLUMNS, Column[Muting]("RESULT", _result))
    return Listing(mutings, columns, lambda one: one.track.sid, empty, _muting_json, prose=True)


def _result(one: Muting) -> str:
    """Say what became of a track."""
    word = _word(one.wanted)
    return {
        Fate.planned: f"would be {word}",
        Fate.already: f"is {word} already" if one.dry_run else f"was {word} already",
        Fate.gone: "is published no more",
        Fate.refused: f"not {word}: the participant undid it",
    }.get(one.result, word)


def _muting_json(one: Muting) -> dict[str, Any]:
    return {
        "participant": one.participant,
        "sid": one.track.sid,
        "source": one.track.source,
        "muted": one.muted,
        "result": one.result,
        "dry_run": one.dry_run,
    }


def _word(muted: bool) -> str:
    return "muted" if muted else "unmuted"


def _codecs(track: Track) -> str:
    """Give the codecs without audio/ or video/, which is the kind; how it is encrypted, if it is."""
    names = dict.fromkeys(mime.rpartition("/")[2] for mime in (track.mime_type, *track.codecs) if mime)
    return ", ".join(names) + ("" if track.encryption == "NONE" else f" ({track.encryption} encrypted)")


def _size(track: Track | Layer) -> str:
    return f"{track.width}x{track.height}" if track.width or track.height else ""


def _layers(track: Track) -> str:
    """Give the layers, the best one first."""
    best_first = sorted(track.layers, key=lambda layer: (layer.width * layer.height, layer.bitrate), reverse=True)
    layers = ", ".join(f"{layer.quality} {_size(layer)} {_rate(layer.bitrate)}".rstrip() for layer in best_first)
    return f"simulcast: {layers}" if track.simulcast else layers


def _rate(bits: int) -> str:
    if not bits:
        return ""
    return f"{bits / _MEGA:g} Mb/s" if bits >= _MEGA else f"{bits / _KILO:g} kb/s"

"""Tracks of a room: found, and muted or unmuted with a look at what became of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote

from lkctl.errors import LkctlError
from lkctl.models import Participant, Track
from lkctl.scenarios.participants import list_participants
from lkctl.server.api import Api

_SETTLED = 0.25  # seconds; a client that does not put up with it has unmuted itself after some ms (measured)
_LATEST = 2.0  # seconds after which a change must show in the server's list; it takes some ms (measured)
_PAUSE = 0.1
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Published:
    """A track, and the identity of whoever publishes it."""

    participant: str
    track: Track


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tracks of a participant are meant: by SID, by source (LiveKit's names, such as MICROPHONE), or all."""

    sids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    every: bool = False


class Fate(StrEnum):
    """What became of a track that was to be muted or unmuted. `refused`: the participant undid it."""

    planned = "planned"
    muted = "muted"
    unmuted = "unmuted"
    already = "already"
    refused = "refused"
    gone = "gone"


@dataclass(frozen=True, slots=True)
class Muting:
    """What became of a track: `track` is how it was before, `muted` how it is now (None: it is published no more)."""

    participant: str
    track: Track
    wanted: bool
    muted: bool | None
    dry_run: bool = False

    @property
    def result(self) -> Fate:
        """Say it in a word."""
        if self.track.muted == self.wanted:
            return Fate.already
        if self.dry_run:
            return Fate.planned
        if self.muted is None:
            return Fate.gone
        return Fate.refused if self.muted != self.wanted else Fate.muted if self.wanted else Fate.unmuted

    @property
    def granted(self) -> bool:
        """Whether it is as it should be, or would be tried."""
        return self.result not in {Fate.refused, Fate.gone}


def list_tracks(
    api: Api, room: str, *, identity: str | None = None, sources: Sequence[str] = (), muted: bool | None = None
) -> list[Published]:
    """Give the tracks of a room, or of one participant in it; raise `room-missing` or `participant-missing`.

    They come by participant, in the order of joining, then by SID.
    """
    people = list_participants(api, room) if identity is None else [api.get_participant(room, identity)]
    return [
        Published(person.identity, track)
        for person in people
        for track in person.tracks
        if (not sources or track.source in sources) and muted in {None, track.muted}
    ]


def select(sids: Sequence[str] | None, sources: Sequence[str] | None, *, every: bool) -> Selection:
    """Say which tracks are meant; raise `usage` where that stays open, or is said twice."""
    if every and (sids or sources):
        raise LkctlError("usage", "--all excludes SID and --source", hint="Give one or the other")
    if not (every or sids or sources):
        told = "no track was named"
        raise LkctlError("usage", told, hint="Give SIDs (lkctl track list), --source microphone, or --all")
    return Selection(tuple(sids or ()), tuple(sources or ()), every)


def set_muted(
    api: Api, room: str, identity: str, selection: Selection, *, muted: bool, dry_run: bool = False
) -> list[Muting]:
    """Mute or unmute tracks of a participant, and look what became of them, by SID.

    All or nothing is asked for: raises `room-missing`, `participant-missing` or `track-missing` before the first call
    that changes something; `server-unmute` where the server lets only the participant unmute.
    """
    person = api.get_participant(room, identity)
    chosen = _chosen(person, selection, room)
    wrong = [track for track in chosen if track.muted != muted]
    now: dict[str, bool | None] = {track.sid: track.muted for track in chosen}
    if wrong and not dry_run:
        _ask(api, room, identity, wrong, muted=muted)
        now |= _outcome(api, room, identity, wrong, muted=muted)
    return [Muting(identity, track, muted, now[track.sid], dry_run) for track in chosen]


def _chosen(person: Participant, selection: Selection, room: str) -> list[Track]:
    """Give the tracks that are meant; raise `track-missing` for a wish that none fits."""
    lacking = [sid for sid in selection.sids if sid not in {track.sid for track in person.tracks}]
    lacking += [one for one in selection.sources if one not in {track.source for track in person.tracks}]
    if lacking:
        raise _track_missing(person, lacking, room)
    return [
        track
        for track in person.tracks
        if selection.every or track.sid in selection.sids or track.source in selection.sources
    ]


def _track_missing(person: Participant, lacking: Sequence[str], room: str) -> LkctlError:
    found = [f"{track.source} {track.sid}" for track in person.tracks[:_MOST_NAMED]]
    more = len(person.tracks) - len(found)
    found += [f"{more} more"] if more else []
    told = f"{person.identity!r} in room {room!r} publishes no {', no '.join(lacking)}; it publishes "
    hint = f"Run: lkctl track list {quote(room)} --participant {quote(person.identity)}"
    return LkctlError("track-missing", told + (", ".join(found) or "nothing"), hint=hint)


def _ask(api: Api, room: str, identity: str, tracks: Sequence[Track], *, muted: bool) -> None:
    """Ask for each; where one fails, say which were done before it."""
    for at, track in enumerate(tracks):
        try:
            api.mute_track(room, identity, track.sid, muted=muted)
        except LkctlError as error:
            cause = _departure(api, room, identity) if error.code == "server-unavailable" else None
            done = ", ".join(one.sid for one in tracks[:at])
            raise _with_done(cause or error, done, muted=muted) from None


def _with_done(error: LkctlError, done: str, *, muted: bool) -> LkctlError:
    if not done:
        return error
    told = f"{error.message}; {'muted' if muted else 'unmuted'} before that: {done}"
    return LkctlError(error.code, told, hint=error.hint)


def _departure(api: Api, room: str, identity: str) -> LkctlError | None:
    """Find out whether the participant, or the room, went meanwhile."""
    try:
        api.renewed().get_participant(room, identity)
    except LkctlError as error:
        return error
    return None


def _outcome(api: Api, room: str, identity: str, tracks: Sequence[Track], *, muted: bool) -> dict[str, bool | None]:
    """Look what became of tracks until they are as they should be, or nothing more is to be expected.

    The server has said yes by now; where the look fails, the error tells that, too.
    """
    states: dict[str, bool | None] = {}
    try:
        for states in _states(api, room, identity, tracks):
            if all(state == muted for state in states.values()):
                break
    except LkctlError as error:
        raise _with_done(error, ", ".join(track.sid for track in tracks), muted=muted) from None
    return states


def _states(api: Api, room: str, identity: str, tracks: Sequence[Track]) -> Iterator[dict[str, bool | None]]:
    end = time.monotonic() + _LATEST
    time.sleep(_SETTLED)
    while True:
        found = {track.sid: track.muted for track in api.renewed().get_participant(room, identity).tracks}
        yield {track.sid: found.get(track.sid) for track in tracks}
        if time.monotonic() > end:
            return
        time.sleep(_PAUSE)

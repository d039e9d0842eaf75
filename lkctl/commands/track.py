"""`lkctl track …`."""

from typing import Annotated

import typer

from lkctl.options import DryRun, RoomName, ServerCommand, examples, use

app = typer.Typer()


def _complete_source(incomplete: str) -> list[str]:
    from lkctl.tokens.claims import TRACK_SOURCES

    return [source for source in TRACK_SOURCES if source.startswith(incomplete)]


_Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="SOURCE",
        autocompletion=_complete_source,
        help="Tracks from camera, microphone, screen_share, screen_share_audio or unknown (repeatable)",
    ),
]
_Identity = Annotated[str, typer.Argument(metavar="IDENTITY", help="Identity of the participant")]
_Sids = Annotated[list[str] | None, typer.Argument(metavar="[SID]...", help="The tracks, by SID")]
_All = Annotated[bool, typer.Option("--all", help="All tracks of the participant")]


@app.command(
    "list",
    cls=ServerCommand,
    epilog=examples(
        "lkctl track list demo",
        "lkctl track list demo --participant alice --source microphone --source screen_share_audio",
        "lkctl track list demo --unmuted -o name",
        "lkctl track list demo -o json                # also stream, encryption, MIME types",
    ),
)
def list_track(
    ctx: typer.Context,
    room: RoomName,
    participant: Annotated[
        str | None, typer.Option("--participant", metavar="ID", help="Only tracks of this participant")
    ] = None,
    source: _Sources = None,
    muted: Annotated[
        bool | None, typer.Option("--muted/--unmuted", show_default=False, help="Only tracks that are (not) muted")
    ] = None,
) -> None:
    """List the tracks of a room, with what the server knows of each.

    Who subscribes to a track, and what is really sent, is not in the server's API: sizes and bitrates are what the
    publisher announced. Exit 3 when the room or the participant does not exist; no tracks is no failure.
    """
    from lkctl.scenarios.tracks import list_tracks
    from lkctl.views.tracks import tracks_view

    run = use(ctx)
    run.show(tracks_view(list_tracks(run.api(), room, identity=participant, sources=_names(source), muted=muted)))


@app.command(
    "mute",
    cls=ServerCommand,
    epilog=examples(
        "lkctl track mute demo alice --source microphone",
        "lkctl track mute demo alice TR_AMQdE3fEqptpbi",
        "lkctl track mute demo alice --all --dry-run",
    ),
)
def mute_track(
    ctx: typer.Context,
    room: RoomName,
    identity: _Identity,
    sid: _Sids = None,
    source: _Sources = None,
    every: _All = False,
    dry_run: DryRun = False,
) -> int:
    """Mute tracks of a participant.

    Exit 1 when a track is not muted afterwards, as the server lists it. A participant may unmute its own tracks at any
    time; to forbid it to publish at all, change its permissions.
    """
    return _set_muted(ctx, (room, identity), (sid, source, every), muted=True, dry_run=dry_run)


@app.command(
    "unmute",
    cls=ServerCommand,
    epilog=examples(
        "lkctl track unmute demo alice --source microphone", "lkctl track unmute demo alice TR_AMQdE3fEqptpbi"
    ),
)
def unmute_track(
    ctx: typer.Context,
    room: RoomName,
    identity: _Identity,
    sid: _Sids = None,
    source: _Sources = None,
    every: _All = False,
    dry_run: DryRun = False,
) -> int:
    """Unmute tracks of a participant, where the server allows it.

    By itself livekit-server allows it to nobody but the participant; it tells so only when it is asked in earnest, not
    to --dry-run: exit 7. `room: {enable_remote_unmute: true}` in livekit.yaml allows it.
    """
    return _set_muted(ctx, (room, identity), (sid, source, every), muted=False, dry_run=dry_run)


def _set_muted(
    ctx: typer.Context,
    whose: tuple[str, str],
    chosen: tuple[list[str] | None, list[str] | None, bool],
    *,
    muted: bool,
    dry_run: bool,
) -> int:
    from lkctl.scenarios.tracks import select, set_muted
    from lkctl.views.tracks import mutings_view

    run = use(ctx)
    sids, sources, every = chosen
    selection = select(sids, _names(sources), every=every)
    mutings = set_muted(run.api(), *whose, selection, muted=muted, dry_run=dry_run)
    run.show(mutings_view(mutings))
    return 0 if all(one.granted for one in mutings) else 1


def _names(sources: list[str] | None) -> tuple[str, ...]:
    """Give sources by the names of the API; raise `usage` for what is none."""
    from lkctl.tokens.claims import read_source

    return tuple(read_source(source).upper() for source in sources or ())

"""`lkctl token mint`."""

import os
from typing import Annotated

import typer

from lkctl.commands.token.grants import MintCommand, grants_of
from lkctl.options import Metadata, UserId, examples, use

app = typer.Typer()


def _roles(incomplete: str) -> list[tuple[str, str]]:
    """Complete roles, with what they are for."""
    from lkctl.tokens.roles import ROLES

    return [(name, role.help) for name, role in ROLES.items() if name.startswith(incomplete)]


def _kinds(incomplete: str) -> list[str]:
    """Complete kinds of participants."""
    from lkctl.tokens.claims import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


_ROLE = ("Preset of grants: participant, viewer, publisher, agent, recorder, admin, room-admin, none; "
         "see lkctl help roles")  # fmt: skip
_NEW_ROOM, _NEGATIVE = "Room, when the join makes it", "Negative tests"
_BULK, _HANDOVER = "Many at once", "Handing over"
_ROWS = ("Mint a token for each row of CSV or JSONL, over what the options say; columns: identity, user_id, room, "
         "name, metadata, ttl, role, attribute.NAME")  # fmt: skip


@app.command(
    "mint",
    cls=MintCommand,
    epilog=examples(
        "lkctl token mint --user-id new",
        "lkctl token mint --user-id user_1704067200000_abc123 --ttl 10h",
        "lkctl token mint --identity alice --room demo --metadata @meta.json --attribute plan=pro -o json",
        "lkctl token mint --identity alice --room demo --role viewer",
        "lkctl token mint --identity alice --room demo --source camera --no-can-publish-data",
        "lkctl token mint --role none --room-list --room-create",
        "lkctl token mint --identity gateway --role none --sip-call --grant canFly=true",
        'lkctl token mint --identity alice --room demo --agent helper --agent \'scribe={"lang":"en"}\'',
        "lkctl token mint --identity alice --room demo --room-metadata '{\"a\":1}' --room-config @room.json",
        "lkctl token mint --user-id new --not-before +1h --ttl 30m",
        "lkctl token mint --user-id new --ttl -5m --unsafe      # expired, for a negative test",
        'eval "$(lkctl token mint --user-id new -o env)"        # sets LIVEKIT_URL and LIVEKIT_TOKEN',
        "lkctl token mint --user-id new --open",
        "lkctl token mint --from users.csv -o jsonl",
    ),
)
def mint_token(
    ctx: typer.Context,
    user_id: UserId = None,
    identity: Annotated[str | None, typer.Option(metavar="TEXT", help="Identity [default: the user ID]")] = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Name that others are shown")] = None,
    room: Annotated[
        str | None, typer.Option(metavar="ROOM", help="Room [default: mcp-chrome-user-ID for the user ID]")
    ] = None,
    metadata: Metadata = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Attribute of the participant (repeatable)")
    ] = None,
    role: Annotated[str, typer.Option(metavar="ROLE", autocompletion=_roles, help=_ROLE)] = "participant",
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", autocompletion=_kinds, help="Kind of participant, such as agent or sip"),
    ] = None,
    kind_detail: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Detail of the kind, such as cloud_agent (repeatable)")
    ] = None,
    ttl: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it is valid: 15m, 10h, 7d [default: 6h]")
    ] = None,
    not_before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Valid from then on: +1h, or 2027-01-31T12:00:00Z; --ttl counts from there"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Mint it although it would not work")] = False,
    room_config: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE|-", rich_help_panel=_NEW_ROOM, help="RoomConfiguration as LiveKit has it"),
    ] = None,
    room_preset: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=_NEW_ROOM, help="Preset of the server's configuration")
    ] = None,
    room_metadata: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE|-", rich_help_panel=_NEW_ROOM, help="Metadata of the room")
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=METADATA]", rich_help_panel=_NEW_ROOM, help="Dispatch this agent (repeatable)"),
    ] = None,
    open_: Annotated[
        bool,
        typer.Option(
            "--open",
            rich_help_panel=_HANDOVER,
            help="Join in the browser, on meet.livekit.io; that page gets the token, no process list shows it",
        ),
    ] = False,
    qr: Annotated[
        bool, typer.Option("--qr", rich_help_panel=_HANDOVER, help="Draw the same link on stderr (extra qr)")
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", rich_help_panel=_NEGATIVE, help="Mint what must not work; a --ttl may be -5m")
    ] = False,
    no_exp: Annotated[
        bool, typer.Option("--no-exp", rich_help_panel=_NEGATIVE, help="Without expiry; needs --unsafe")
    ] = False,
    sign_with: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET|@FILE|-", rich_help_panel=_NEGATIVE, help="Sign with another secret; needs --unsafe"
        ),
    ] = None,
    source_file: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE|-", rich_help_panel=_BULK, help=_ROWS),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            rich_help_panel=_BULK,
            help="Write to a new file, whole or not at all; what is broken off is FILE.part",
        ),
    ] = None,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", rich_help_panel=_BULK, help="Keep what --out holds already, and go on")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, max=64, rich_help_panel=_BULK, help="Processes to mint with")
    ] = 1,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", rich_help_panel=_BULK, help="End at the first bad row")
    ] = False,
) -> None:
    """Mint an access token, or many.

    The token goes to stdout, and on a terminal a summary to stderr.
    """
    from lkctl.commands.token import mintoptions as options
    from lkctl.tokens.minting import TokenRequest, mint

    run, grants = use(ctx), grants_of(ctx)
    options.insist_unsafe({"--no-exp": no_exp, "--sign-with": sign_with}, unsafe=unsafe)
    options.insist_fitting(
        run.format, many=source_file is not None,
        single={"--open": open_, "--qr": qr, "--sign-with": sign_with},
        bulk={"--out": out, "--skip-existing": skip_existing, "--jobs": jobs > 1, "--fail-fast": fail_fast},
    )  # fmt: skip
    request = TokenRequest(
        identity=identity, user_id=user_id, name=name, room=room, role=role, kind=kind, kind_details=kind_detail or (),
        grants=grants.pop("video", {}), others=grants, metadata=options.json_text("--metadata", metadata, run),
        attributes=options.split_attributes(attribute), ttl=options.lifetime(ttl, no_exp=no_exp),
        not_before=options.start(not_before, run.now), room_preset=room_preset,
        room_config=options.room_setup(room_config, room_metadata, agent, run), unsafe=unsafe,
    )  # fmt: skip
    settings = run.settings()
    pair = settings.credentials().pair
    if source_file is not None:
        from lkctl.commands.token.bulk import BulkWishes, mint_rows

        raise typer.Exit(mint_rows(run, request, pair, BulkWishes(
            source_file, out, skip_existing, jobs, fail_fast, strict=not (force or unsafe),
            facts=options.facts_of(settings, pair.key))))  # fmt: skip
    minted = mint(
        request, pair, now=run.now, entropy=os.urandom, force=force,
        sign_with=options.other_secret(sign_with, run), facts=options.facts_of(settings, pair.key),
    )  # fmt: skip
    options.hand_over(minted, run, settings, browser=open_, qr=qr)

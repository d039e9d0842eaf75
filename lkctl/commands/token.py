"""`lkctl token`: mint access tokens, and read what is in them."""

import os
from functools import partial
from typing import Annotated

import typer

from lkctl.duration import parse_duration
from lkctl.errors import ExitCode, LkctlError
from lkctl.invocation import Invocation
from lkctl.options import Metadata, SettingsCommand, UserId, examples, use
from lkctl.settings.layers import URL, Credentials, Settings
from lkctl.settings.shape import Pair

app = typer.Typer()

Grant = bool | None  # None: not asked for, so not written
_ROLE = ("Preset of grants: participant, viewer, publisher, agent, recorder, admin, room-admin, none; "
         "see lkctl help roles")  # fmt: skip
_SOURCE = "May publish only camera, microphone, screen_share or screen_share_audio (repeatable)"


@app.command(
    "mint",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl token mint --user-id new",
        "lkctl token mint --user-id user_1704067200000_abc123 --ttl 10h",
        "lkctl token mint --identity alice --room demo --role viewer --attribute plan=pro",
        "lkctl token mint --identity alice --room demo --metadata @meta.json -o json",
        "lkctl token mint --role none --room-list --room-create",
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
    ttl: Annotated[str, typer.Option(metavar="DURATION", help="How long it is valid: 15m, 10h, 7d")] = "6h",
    role: Annotated[str, typer.Option(metavar="ROLE", help=_ROLE)] = "participant",
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Kind of participant, such as agent or sip")] = None,
    can_publish: Annotated[Grant, typer.Option("--can-publish/--no-can-publish", help="May publish tracks")] = None,
    can_subscribe: Annotated[
        Grant, typer.Option("--can-subscribe/--no-can-subscribe", help="May receive tracks")
    ] = None,
    can_publish_data: Annotated[
        Grant, typer.Option("--can-publish-data/--no-can-publish-data", help="May send data")
    ] = None,
    can_update_own_metadata: Annotated[
        Grant,
        typer.Option("--can-update-own-metadata/--no-can-update-own-metadata", help="May change its own metadata"),
    ] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="SOURCE", help=_SOURCE)] = None,
    hidden: Annotated[Grant, typer.Option("--hidden", help="Others do not see it")] = None,
    room_create: Annotated[Grant, typer.Option("--room-create", help="May create and delete rooms")] = None,
    room_list: Annotated[Grant, typer.Option("--room-list", help="May list rooms")] = None,
    room_admin: Annotated[Grant, typer.Option("--room-admin", help="May administer the room")] = None,
    room_record: Annotated[Grant, typer.Option("--room-record", help="May record rooms")] = None,
    ingress_admin: Annotated[Grant, typer.Option("--ingress-admin", help="May manage ingress")] = None,
    force: Annotated[bool, typer.Option("--force", help="Mint it although it would not work")] = False,
) -> None:
    """Mint an access token.

    The token goes to stdout, and on a terminal a summary to stderr.
    """
    from lkctl.tokens.mint import TokenRequest, given, mint, split_attributes
    from lkctl.views.minted import show_minted

    run = use(ctx)
    grants = given(canPublish=can_publish, canSubscribe=can_subscribe, canPublishData=can_publish_data,
                   canUpdateOwnMetadata=can_update_own_metadata, canPublishSources=source, hidden=hidden,
                   roomCreate=room_create, roomList=room_list, roomAdmin=room_admin, roomRecord=room_record,
                   ingressAdmin=ingress_admin)  # fmt: skip
    request = TokenRequest(
        identity=identity, user_id=user_id, name=name, room=room, role=role, kind=kind, grants=grants,
        metadata=_metadata(metadata, run), attributes=split_attributes(attribute), ttl=parse_duration(ttl, "--ttl"),
    )  # fmt: skip
    settings = run.settings()
    minted = mint(request, _pair(settings.credentials()), now=run.now, entropy=os.urandom, force=force)
    show_minted(minted, run.now, partial(_url, settings), run.format, run.console)


@app.command(
    "decode",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl token decode @token.txt",
        "lkctl token mint --user-id new | lkctl token decode",
        "curl -s localhost:3000/api/token | lkctl token decode -o json",
    ),
)
def decode_token(
    ctx: typer.Context,
    token: Annotated[
        str | None, typer.Argument(metavar="[TOKEN|@FILE|-]", help="The token [default: standard input]")
    ] = None,
) -> None:
    """Read what is in a token, and say whether it is any good.

    The token may stand in quotes, behind Bearer, in a URL or in a JSON body; of several, each on its own line.
    Exit code 1: expired, not yet valid, badly signed, or with an error; 2: no JWT at all.
    """
    from lkctl.tokens.lines import decode_lines
    from lkctl.views.tokens import show_decoded

    run = use(ctx)
    text = _given_text(token, run)
    pair, missing = _pair_or_reason(run)
    lines = decode_lines(text, pair, now=run.now)
    show_decoded(lines, missing, run.format, run.console)
    if not all(line.valid for line in lines):
        raise typer.Exit(ExitCode.FAILED)


def _metadata(argument: str | None, run: Invocation) -> str | None:
    """Read `--metadata`; it must be JSON, and keeps its spelling."""
    if argument is None:
        return None
    from lkctl.files.content import parse_json, read_text

    text = read_text(argument, run.console.stdin).strip()
    parse_json(text, "--metadata")
    return text


def _given_text(argument: str | None, run: Invocation) -> str:
    """Read the argument, what it names, or what is piped in."""
    if argument is None and run.console.in_tty:
        hint = "Give it as an argument, as @file, or pipe it in: lkctl token decode < token.txt"
        raise LkctlError("usage", "no token was given", hint=hint)
    from lkctl.files.content import read_text

    return read_text("-" if argument is None else argument, run.console.stdin)


def _pair_or_reason(run: Invocation) -> tuple[Pair | None, str]:
    """Give the configured pair, or the reason why there is none: reading a token needs no secret."""
    try:
        return _pair(run.settings().credentials()), ""
    except LkctlError as error:
        if error.code not in {"settings-missing", "settings-partial"}:
            raise
        return None, error.message


def _pair(credentials: Credentials) -> Pair:
    return Pair("given", credentials.key, credentials.secret.reveal())


def _url(settings: Settings) -> str | None:
    """Give the URL for clients, where there is a usable one: a mint needs none."""
    if settings.setting(URL) is None:
        return None
    try:
        return settings.url().websocket
    except LkctlError:
        return None

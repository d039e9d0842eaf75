"""What the options of `lkctl token mint` come to: texts read, times counted, a room set up, a token handed over."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lkctl.errors import LkctlError
from lkctl.invocation import Invocation
from lkctl.output.format import Format
from lkctl.settings.layers import Settings
from lkctl.settings.shape import DEFAULT_PAIR
from lkctl.tokens.findings import NO_FACTS, Facts
from lkctl.tokens.minting import DEFAULT_TTL, Minted
from lkctl.views.minted import MEET, join_link, show_minted

if TYPE_CHECKING:
    from lkctl.settings.url import ServerUrl


def insist_fitting(format_: Format, *, many: bool, single: Mapping[str, Any], bulk: Mapping[str, Any]) -> None:
    """Raise `usage` where an option for one token stands beside --from, or one for many without it."""
    misplaced = [option for option, given in (single if many else bulk).items() if given]
    wrong = Format.env if many else Format.csv
    misplaced += [f"-o {wrong}"] if format_ is wrong else []
    if misplaced:
        why = "one token, and --from makes many" if many else "many tokens, and there is no --from"
        raise LkctlError(
            "usage",
            f"{misplaced[0]} is for {why}",
            hint="Leave one of them out" if many else "Add --from FILE, or leave it out",
        )


def insist_unsafe(negative: Mapping[str, Any], *, unsafe: bool) -> None:
    """Raise `usage` where an option that is for negative tests stands without --unsafe."""
    option = next((option for option, given in negative.items() if given), None)
    if option is not None and not unsafe:
        raise LkctlError("usage", f"{option} is for negative tests", hint="Add --unsafe")


def json_text(option: str, argument: str | None, run: Invocation) -> str | None:
    """Read a value, `@FILE` or `-`; it must be JSON, and keeps its spelling."""
    if argument is None:
        return None
    from lkctl.files.content import read_text
    from lkctl.tokens.document import read_strictly

    text = read_text(argument, run.console.stdin).strip()
    read_strictly(text, option)
    return text


def split_attributes(words: Iterable[str] | None) -> dict[str, str]:
    """Split KEY=VALUE at the first `=`; raise `usage` where there is none."""
    attributes: dict[str, str] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not (key and equals):
            lacks = "name" if equals else "="
            raise LkctlError("usage", f"the attribute {word!r} has no {lacks}", hint="Write KEY=VALUE")
        if key in attributes:
            raise LkctlError("usage", f"the attribute {key!r} is given twice", hint="Give it once")
        attributes[key] = value
    return attributes


def lifetime(ttl: str | None, *, no_exp: bool) -> float | None:
    """Give the lifetime in seconds; None is for ever."""
    if ttl is None:
        return None if no_exp else DEFAULT_TTL
    if no_exp:
        raise LkctlError("usage", "--no-exp excludes --ttl", hint="Give one or the other")
    from lkctl.tokens.lifetime import read_ttl

    return read_ttl(ttl, "--ttl")


def start(not_before: str | None, now: float) -> float | None:
    """Give the time from which the token is to be valid, where one was named."""
    if not_before is None:
        return None
    from lkctl.tokens.lifetime import read_not_before

    return read_not_before(not_before, now, "--not-before")


def room_setup(config: str | None, metadata: str | None, agents: Sequence[str] | None, run: Invocation) -> Any:
    """Give the roomConfig that --room-config, --room-metadata and --agent ask for; empty where none of them does."""
    if config is None and metadata is None and not agents:
        return {}
    from lkctl.files.content import parse_object, read_text
    from lkctl.tokens.roomrequest import make_room_config

    given = {} if config is None else parse_object(read_text(config, run.console.stdin), "--room-config")
    return make_room_config(given, json_text("--room-metadata", metadata, run), agents or ())


def other_secret(argument: str | None, run: Invocation) -> str | None:
    """Read the secret of --sign-with; it is never shown."""
    if argument is None:
        return None
    from lkctl.files.content import read_text
    from lkctl.secret import Secret

    return Secret(read_text(argument, run.console.stdin).strip("\r\n")).reveal()


def facts_of(settings: Settings, key: str) -> Facts:
    """Give the rules the server's host where it matters: with the key of `livekit-server --dev`."""
    if key != DEFAULT_PAIR[0]:
        return NO_FACTS
    url = settings.usable_url()
    return NO_FACTS if url is None else Facts(host=url.host)


def hand_over(minted: Minted, run: Invocation, settings: Settings, *, browser: bool, qr: bool) -> None:
    """Show what was minted, as a QR code and in the browser, too; raise before anything is shown where that cannot be.

    A missing URL is no fault unless the format or the link needs it.
    """
    if not (browser or qr):
        url = settings.url if run.format is Format.env else settings.usable_url
        show_minted(minted, run.now, url, run.format, run.console)
        return
    link, code = join_link(settings.url().websocket, minted.token), ""
    if qr:
        from lkctl.output.qrcode import draw_code

        colored = run.console.err_colored
        width = run.console.width if run.console.out_tty and run.console.err_tty else None
        code = draw_code(link, color=colored, most_columns=width)
    show_minted(minted, run.now, settings.url, run.format, run.console)
    if code:
        run.console.complain(code)
    if browser:
        _open(link, settings.url(), run)


def _open(link: str, url: "ServerUrl", run: Invocation) -> None:
    from lkctl.output.browser import open_page

    run.console.flush()
    if not (url.secure or url.local):
        run.console.talk(f"warning: the page is https, and from there browsers reach wss:// only, not {url.websocket}")
    run.console.talk(f"opening {MEET} in the browser; that page gets the token")
    with run.console.progress("the browser"):
        open_page(link)

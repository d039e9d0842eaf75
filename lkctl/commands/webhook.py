"""`lkctl webhook`: judge deliveries, and receive them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.duration import parse_timeout
from lkctl.errors import ExitCode, LkctlError
from lkctl.invocation import Invocation
from lkctl.options import SettingsCommand, examples, use

if TYPE_CHECKING:
    from lkctl.server.listener import Listener
    from lkctl.webhooks.rawrequest import RawRequest

app = typer.Typer()

_LARGEST = 16 * 1024 * 1024  # four times what LiveKit can fill
_BODY = "[BODY|@FILE|-]"

Body = Annotated[
    str | None,
    typer.Argument(metavar=_BODY, help="The raw body, or a recorded HTTP request [default: standard input]"),
]
Header = Annotated[
    str | None,
    typer.Option("--header", metavar="TOKEN|@FILE|-", help="The Authorization header, alone or among all headers"),
]
Recorded = Annotated[
    bool, typer.Option("--recorded", help="Do not hold its times against the clock: it comes from a log")
]
Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="Listen on this port; 0 takes a free one")
]
Bind = Annotated[
    str,
    typer.Option(metavar="ADDRESS", help="Listen on this address of the machine, such as 0.0.0.0 in a container"),
]
Count = Annotated[int | None, typer.Option("--count", metavar="N", min=1, help="End after so many deliveries")]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="End after this time [default: never]")
]


@app.command(
    "verify",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl webhook verify @body.json --header @headers.txt",
        "lkctl webhook verify --recorded < request.txt",
        "lkctl webhook verify @body.json --header eyJhbGciOi… -o json",
    ),
)
def verify_webhook(ctx: typer.Context, body: Body = None, header: Header = None, recorded: Recorded = False) -> None:
    """Say whether a webhook delivery is genuine, and if not, what is wrong.

    The body must be the bytes that came: one line break more, and its hash does not fit. Without --header the input is
    a whole HTTP request: headers, a blank line, the body. Exit code 1: not genuine.
    """
    from lkctl.files.otherpairs import OtherPairs
    from lkctl.views.webhook import delivery_view
    from lkctl.webhooks.delivery import judge_delivery

    run = use(ctx)
    request = _given(body, header, run)
    pair, others = run.settings().credentials().pair, OtherPairs(Path(), os.environ)
    delivery = judge_delivery(request.body, request.authorizations, pair, now=run.now, others=others, recorded=recorded)
    run.show(delivery_view(delivery, run.format, run.console))
    raise typer.Exit(ExitCode.OK if delivery.ok else ExitCode.FAILED)


@app.command(
    "listen",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl webhook listen",
        "lkctl webhook listen --port 0 --count 1 --timeout 30s -o json",
        "lkctl webhook listen -o jsonl | jq --unbuffered .event.name",
    ),
)
def listen_for_webhooks(
    ctx: typer.Context, port: Port = 8080, bind: Bind = "127.0.0.1", count: Count = None, timeout: Timeout = None
) -> None:
    """Receive webhooks, and print each with its verdict as it arrives.

    It listens on this machine alone unless --bind says otherwise, on any path, and answers 200 to genuine deliveries
    and 401 to others. Exit code 1: some were not genuine; 6: the time was up before --count was reached.
    """
    from lkctl.files.otherpairs import OtherPairs
    from lkctl.server.listener import Listener, Posted
    from lkctl.views.webhook import how_to_connect
    from lkctl.webhooks.delivery import Delivery, judge_delivery

    run = use(ctx)
    seconds = None if timeout is None else parse_timeout(timeout)
    # Read here and now: secrets become known to the console in this thread alone
    pair, others = run.settings().credentials().pair, tuple(OtherPairs(Path(), os.environ))

    def judge(posted: Posted) -> Delivery:
        return judge_delivery(posted.body, posted.authorizations, pair, now=posted.at, others=others)

    with Listener(judge, host=bind, port=port) as listener:
        run.console.talk(how_to_connect(listener.url, pair.key))
        raise typer.Exit(_receive(run, listener, count, seconds))


def _receive(run: Invocation, listener: "Listener", count: int | None, seconds: float | None) -> ExitCode:
    """Show what comes until there is enough or the time is up; raise `wait-expired` when there is not enough."""
    from lkctl.views.webhook import say_reception, showing_arrivals

    received = genuine = 0
    try:
        with showing_arrivals(run.format, run.console) as show:
            for arrival in listener.arrivals(seconds):
                received, genuine = received + 1, genuine + arrival.delivery.ok
                show(arrival)
                if received == count:
                    break
    finally:
        run.console.talk(say_reception(received, genuine))
    if count is not None and received < count:
        raise LkctlError(
            "wait-expired",
            f"{received} of {count} deliveries came within {seconds:g} s",
            hint=f"Does webhook.urls in livekit.yaml hold {listener.url}? Its log says `failed to send webhook`",
        )
    return ExitCode.OK if genuine == received else ExitCode.FAILED


def _given(body: str | None, header: str | None, run: Invocation) -> "RawRequest":
    """Read body and header, or both from a recorded request."""
    from lkctl.webhooks.rawrequest import RawRequest, is_request, read_authorizations, read_request

    if body is None and run.console.in_tty:
        raise LkctlError("usage", "no body was given", hint="Give it as @FILE, or pipe it in")
    sources = (body or "-", header, run.connection.api_secret)
    if sources.count("-") > 1:
        raise LkctlError("usage", "only one thing can come from standard input", hint="Give the others as @FILE")
    content = _bytes(sources[0], run)
    if header is not None:
        return RawRequest(read_authorizations(_bytes(header, run).decode("latin-1")), content)
    if not is_request(content):
        hint = "Give it with --header, or give the whole request: headers, a blank line, the body"
        raise LkctlError("usage", "the Authorization header is missing", hint=hint)
    return read_request(content)


def _bytes(argument: str, run: Invocation) -> bytes:
    """Give the bytes of `@file`, `-` (standard input) or of the argument itself, as they are."""
    from lkctl.files.content import read_bytes

    stands_for_itself = not argument.startswith(("-", "@"))
    if stands_for_itself and os.path.isfile(argument):  # noqa: PTH113  (Path stumbles over what is too long for a name)
        raise LkctlError("usage", f"{argument} is the name of a file", hint=f"To read the file, write @{argument}")
    return read_bytes(argument, run.console.stdin, most=_LARGEST)

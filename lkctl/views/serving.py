"""What happens in `lkctl agent serve`, as lines for the operator and as documents for programs."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lkctl.agents.serve.events import Event
from lkctl.agents.serve.plan import Plan
from lkctl.duration import say_duration
from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.output.stream import streaming
from lkctl.output.view import Record
from lkctl.secret import printable

_MARKS = {
    "session_opened": ("+", "green"), "room_created": ("+", "green"), "agent_started": ("+", "green"),
    "agent_joined": ("+", "green"), "livekit_back": ("+", "green"), "session_closed": ("-", "yellow"),
    "refused": ("!", "red"), "livekit_lost": ("!", "red"), "room_left": ("!", "red"),
}  # fmt: skip
_NAME_WIDTH = len("session_opened")
_WIDEST = 300


def showing_service(format_: Format, console: Console) -> "AbstractContextManager[Callable[[Event], None]]":
    """Give the function that shows an event: lines on stderr, as logs are; documents on stdout where asked for."""
    if format_ in {Format.auto, Format.table}:
        return nullcontext(lambda event: _log(event, console))
    spellings: dict[Format, Callable[[Event, Console], str]] = {
        Format.tsv: _as_values,
        Format.name: lambda event, _: f"{event.event}\n",
        Format.json: lambda event, _: to_json(event),
        Format.jsonl: lambda event, _: to_json(event, compact=True) + "\n",
    }
    return streaming(format_, console, spellings)


def how_to_connect(plan: Plan, livekit: str, url: str) -> str:
    """Say where clients connect, and what an operator should know of it."""
    told = f"serving {livekit} on {url}; ^C ends it"
    if not plan.open:
        return told
    return f"{told}\nwarning: secret and tokens cross the network in the clear; put a proxy with TLS before it"


def plan_view(plan: Plan, livekit: str) -> Record:
    """Show what `--dry-run` would do."""
    document: dict[str, Any] = {
        "dry_run": True,
        "host": plan.host,
        "port": plan.port,
        "livekit": livekit,
        "allow_origin": sorted(plan.origins),
        "secret": plan.secret is not None,
        "agent": None if plan.recipe is None else {"script": _script(plan), "python": plan.recipe.python},
        "max_sessions": plan.most_sessions,
        "idle_timeout": plan.idle,
        "ttl": plan.ttl,
    }
    fields = (
        ("listens on", f"{plan.host}, {f'port {plan.port}' if plan.port else 'a free port'}"),
        ("LiveKit server", livekit),
        ("allowed origins", ", ".join(sorted(plan.origins))),
        ("shared secret", "yes" if plan.secret is not None else "no"),
        ("agent", "none is started" if plan.recipe is None else f"{plan.recipe}, one for each session"),
        ("most sessions", str(plan.most_sessions)),
        ("idle timeout", say_duration(plan.idle)),
        ("token lifetime", say_duration(plan.ttl)),
        ("result", "not started: dry run"),
    )
    return Record(document, fields, plan.host)


def _script(plan: Plan) -> str | None:
    return None if plan.recipe is None or plan.recipe.script is None else str(plan.recipe.script)


def _log(event: Event, console: Console) -> None:
    if event.event != "listening":  # people were told before
        console.talk(_as_line(event, console))


def _as_line(event: Event, console: Console) -> str:
    time = f"{event.at.astimezone():%H:%M:%S}"
    mark, style = _MARKS.get(event.event, ("=", "cyan"))
    origin = f"origin {event.origin}" if event.origin else ""
    process = f"process {event.pid}" if event.pid is not None else ""
    words = [event.session, event.user_id, event.agent, origin, event.code, event.message, process]
    if event.unseen:
        words.append(f"({event.unseen} more before it are not shown)")
    said = "  ".join(printable(fit(word, _WIDEST)) for word in words if word)
    return f"{time}  {console.paint(mark, style, err=True)}  {event.event.ljust(_NAME_WIDTH)}  {said}".rstrip()


def _as_values(event: Event, _console: Console) -> str:
    values = (rfc3339(event.at), *event[1:])
    return "\t".join("" if value is None else printable(str(value)) for value in values) + "\n"

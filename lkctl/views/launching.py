"""How a launched agent looks: the user ID that it used, or what it read, and how it went."""

from collections.abc import Iterator
from pathlib import Path
from shlex import join
from typing import Any

from lkctl.agents.launch.order import Found, Launched, Order
from lkctl.agents.trace.reading import FIND_USER_ID, OURS, Flaw
from lkctl.agents.trace.tracing import Read
from lkctl.output.view import Column, Listing, Record
from lkctl.userid import resolution_json

_TIMES = (("registered_s", "registered"), ("joined_s", "in the room"), ("result_s", "result"))


def launched_view(launched: Launched) -> Record:
    """Show what an agent did."""
    lists: list[tuple[str, Listing[Any]]] = [
        ("The agent logged", Listing(launched.log, (Column("LINE", str),), str, "nothing of its user ID"))
    ]
    if launched.script is not None:
        lists = [("The agent read", _reads(launched)), *(lists if launched.log else [])]
    if launched.flaws:
        lists.append(("What is wrong with that", _flaws(launched.flaws)))
    if launched.canaries:
        lists.append(("Canaries", _canaries(launched.canaries)))
    return Record(
        _document(launched),
        tuple(_fields(launched)),
        launched.user_id or "",
        f"{launched.script.name if launched.script else 'The bundled agent'} in room {launched.room}",
        tuple(lists),
        tuple(_remarks(launched)),
    )


def planned_view(order: Order, planned: Launched) -> Record:
    """Show what `--dry-run` would run; values of variables are not shown."""
    variables = sorted({*order.env, "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"})
    what = str(planned.script) if planned.script else "the bundled agent"
    fields = (
        ("room", f"{order.room} (would be created, and deleted)" if planned.room_created else order.room),
        ("agent", what),
        ("interpreter", order.python or "(lkctl's own)"),
        ("variables", " ".join(variables)),
        ("dispatch metadata", order.metadata or "(none)"),
    )
    document = {
        "dry_run": True,
        "room": order.room,
        "room_created": planned.room_created,
        "script": None if planned.script is None else str(planned.script),
        "python": order.python,
        "variables": variables,
        "metadata": order.metadata,
    }
    return Record(document, fields, order.room, f"Would launch {what} in room {order.room}")


def _document(launched: Launched) -> dict[str, Any]:
    prediction = launched.prediction
    return {
        "room": launched.room,
        "room_created": launched.room_created,
        "agent_name": launched.agent_name,
        "identity": launched.identity,
        "script": None if launched.script is None else str(launched.script),
        "user_id": launched.user_id,
        "source": launched.source,
        "resolution": launched.result,
        "prediction": None if prediction is None else resolution_json(prediction, "api", launched.room),
        "agrees": launched.agrees,
        "published": launched.published,
        "user_came": launched.user_came,
        "log": launched.log,
        "reads": launched.reads,
        "trace_unavailable": launched.trace_unavailable or None,
        "flaws": launched.flaws,
        "canaries": launched.canaries,
        "timing": launched.timing,
        "worker": launched.worker,
        "cleanup": [{"what": step.what, "fate": step.fate, "done": not step.left} for step in launched.cleanup],
    }


def _fields(launched: Launched) -> Iterator[tuple[str, str]]:
    if launched.script is None or launched.used is not None:
        yield ("user ID", _used(launched))
    yield ("room", f"{launched.room} (made for this)" if launched.room_created else launched.room)
    yield ("agent", f"{launched.identity or '(never came)'}, dispatched as {launched.agent_name}")
    if launched.prediction is not None:
        told = f"{launched.prediction.user_id or 'none'}, from {launched.prediction.source or 'nowhere'}"
        yield ("agent resolve", "says the same" if launched.agrees else f"says otherwise: {told}")
    times = [f"{word} {launched.timing[key]:.1f} s" for key, word in _TIMES if launched.timing.get(key) is not None]
    yield ("time", ", ".join(times))
    if launched.worker:
        yield ("command", join(launched.worker["command"]))


def _used(launched: Launched) -> str:
    if launched.user_id is None:
        return f"none ({launched.source or 'unresolved'})"
    whose = launched.result and launched.result.get("participant")
    return f"{launched.user_id}, from {launched.source}" + (f" of {whose}" if whose else "")


def _reads(launched: Launched) -> Listing[Read]:
    columns: tuple[Column[Read], ...] = (
        Column("SOURCE", lambda one: one.source),
        Column("OF", lambda one: one.subject),
        Column(
            "WHERE",
            lambda one: f"{_short(one.file, launched)}:{one.line}" + (f" via {one.through}" if one.through else ""),
        ),
        Column("WHEN", lambda one: f"{one.at_s:.1f} s, {'connected' if one.connected else 'before connect'}"),
        Column("TIMES", lambda one: str(one.count)),
        Column("VALUE", lambda one: one.value),
    )
    why = f" (the trace is not available: {launched.trace_unavailable})" if launched.trace_unavailable else ""
    return Listing(launched.reads, columns, lambda one: one.source, f"nothing that was seen{why}", prose=True)


def _short(file: str, launched: Launched) -> str:
    """Name a file as the user knows it."""
    folder = launched.script.parent if launched.script else Path()
    path = Path(file)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file


def _flaws(found: tuple[Flaw, ...]) -> Listing[Flaw]:
    columns: tuple[Column[Flaw], ...] = (
        Column("ID", lambda one: one.id),
        Column("SEVERITY", lambda one: one.severity.value),
        Column("MESSAGE", lambda one: one.message),
    )
    return Listing(found, columns, lambda one: one.id, "nothing", prose=True)


def _canaries(found: tuple[Found, ...]) -> Listing[Found]:
    read = {True: "yes", False: "no", None: "?"}
    columns: tuple[Column[Found], ...] = (
        Column("SOURCE", lambda one: one.source),
        Column("READ", lambda one: read[one.read]),
        Column("CAME OUT IN", _came_out),
        Column("VALUE", lambda one: one.value),
    )
    return Listing(found, columns, lambda one: one.source, "no canaries")


def _came_out(found: Found) -> str:
    return (", ".join(found.came_out) or "-") + (f" (a part: {found.part})" if found.part else "")


def _remarks(launched: Launched) -> Iterator[str]:
    for notice in (launched.result or {}).get("warnings", ()):
        yield f"! {notice.get('code')}: {notice.get('message')}"
    if launched.trace_unavailable and launched.reads:
        yield f"! the trace does not see all: {launched.trace_unavailable}"
    yield from _script_remarks(launched)
    if launched.agrees is False:
        yield "! what the agent used and what the API tells are not the same: --debug shows the calls"
    if launched.published is False:
        yield "! its result does not show in its attributes in the room"
    yield from _canary_remarks(launched)


def _script_remarks(launched: Launched) -> Iterator[str]:
    if launched.script is None:
        return
    if launched.flaws:
        yield FIND_USER_ID
    if launched.user_came is False:
        yield f"! no user came within {launched.waited_s or 0:g} s: what it does for one was not seen"
    if launched.reads and not launched.log and all(read.through == OURS for read in launched.reads):
        doing = (
            "still waits for its user" if not launched.user_came else "still waits, or does not print resolution.log"
        )
        yield f"it uses find_user_id, and {doing}"
    elif not launched.canaries:
        yield "What is read need not be what is used: --canary --script shows that"


def _canary_remarks(launched: Launched) -> Iterator[str]:
    out = [one.source for one in launched.canaries if one.came_out]
    for one in launched.canaries:
        if one.part:
            yield f"! {one.source}: a part of it came out: {one.part}; that is no user ID"
    if launched.result is None and len(out) > 1:
        yield f"came out: {', '.join(out)}; which of them it uses, its code must say"
    if launched.used is not None:
        yield f"uses: {launched.used.source}, whose canary came out in {', '.join(launched.used.came_out)}"

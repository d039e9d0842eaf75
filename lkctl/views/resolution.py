"""How a resolution looks: the ID, every level, the warnings with what to do, the line the agent would print."""

from typing import TYPE_CHECKING

from lkctl.output.columns import align
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import to_json
from lkctl.output.render import effective
from lkctl.output.view import Column, Listing
from lkctl.secret import printable
from lkctl.userid import Resolution, resolution_json

if TYPE_CHECKING:
    from lkctl.scenarios.resolutions import Resolved

_UNMADE = "(made by the agent at run time)"


def show_resolution(
    resolution: Resolution,
    format_: Format,
    console: Console,
    *,
    via: str,
    room: str,
    explain: bool | None,
) -> None:
    """Write a resolution to stdout."""
    shown = effective(format_, console)
    if shown in {Format.json, Format.jsonl}:
        console.write(to_json(resolution_json(resolution, via, room), compact=shown is Format.jsonl) + "\n")
    elif shown is Format.name:
        console.write(printable(resolution.user_id or "") + "\n")
    elif explain or (explain is None and shown is Format.table):
        _explain(resolution, room, console)
    else:
        cells = (room, resolution.user_id or "", resolution.source or "", resolution.participant or "")
        console.write("\t".join(printable(cell) for cell in cells) + "\n")
        for notice in resolution.warnings:
            console.talk(f"warning: {notice.code}: {printable(notice.message)}")


def resolutions_view() -> "Listing[Resolved]":
    """Show the resolutions of many rooms, one line each. The items are still to come."""
    return Listing(
        (),
        (
            Column("ROOM", lambda one: one.room),
            Column("USER ID", lambda one: one.resolution.user_id or ""),
            Column("SOURCE", lambda one: one.resolution.source or ""),
            Column("PARTICIPANT", lambda one: one.resolution.participant or ""),
            Column("WARNINGS", lambda one: codes(one.resolution)),
        ),
        lambda one: one.resolution.user_id or "",
        "There are no such rooms",
        lambda one: resolution_json(one.resolution, "api", one.room),
    )


def answer(resolution: Resolution, console: Console) -> str:
    """Say which ID it is, from where and of whom, for people."""
    user_id = resolution.user_id or (_UNMADE if resolution.source == "random" else "unresolved")
    origin = f", from {resolution.source}" if resolution.source else ""
    whose = f" of {resolution.participant}" if resolution.participant else ""
    doubt = "" if resolution.trusted or resolution.source is None else console.paint("  (not trusted)", "yellow")
    return f"{console.paint(printable(user_id), 'green')}{printable(origin + whose)}{doubt}"


def codes(resolution: Resolution) -> str:
    """List the codes of the warnings, each once."""
    return ",".join(dict.fromkeys(one.code for one in resolution.warnings))


def _explain(resolution: Resolution, room: str, console: Console) -> None:
    console.write(f"{console.paint('User ID', 'bold')} in room {printable(room)}: {answer(resolution, console)}\n\n")
    heading = ["SOURCE", "PARTICIPANT", "STATUS", "VALUE", "REASON"]
    rows = [
        [s.source, s.participant or "", s.status, s.value or "", s.reason]
        for s in resolution.trace
        if s.status != "disabled"
    ]
    lines = align([heading, *rows], console.width if console.out_tty else None, wrap=True)
    console.write(console.paint(lines[0], "bold") + "\n" + "".join(f"{line}\n" for line in lines[1:]))
    for notice in resolution.warnings:
        console.write(f"\n{console.paint('!', 'yellow')} {notice.code}: {printable(notice.message)}\n")
        if notice.hint:
            console.write(f"  {printable(notice.hint)}\n")
    if resolution.log:
        console.write("\nThe agent would log:\n" + "".join(f"  {printable(line)}\n" for line in resolution.log))

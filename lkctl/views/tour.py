"""How the demo is told: scene by scene, with what a user would type; or as one JSON document."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing

from lkctl.checks.report import Report
from lkctl.checks.result import Result
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import to_json
from lkctl.scenarios.demo import Played
from lkctl.secret import printable
from lkctl.views.telling import Telling

Diagnose = Callable[[Callable[[Iterable[Result]], Iterator[Result]]], Report]


def tell(
    plays: Generator[Played, None, None],
    diagnose: Diagnose,
    server: str,
    format_: Format,
    console: Console,
    *,
    joins: bool,
) -> bool:
    """Show each scene as it is played, then the diagnosis; tell whether all came out as they should."""
    people = format_ in {Format.auto, Format.table}
    if people:
        _open(console, server, joins=joins)
    played: list[Played] = []
    with closing(plays):  # what a scene made is removed also when the telling fails
        for one in plays:
            played.append(one)
            if people:
                _tell_scene(console, len(played), one)
    report = _tell_diagnosis(diagnose, format_, console, people=people)
    if people:
        _close(console, played)
    elif format_ in {Format.json, Format.jsonl}:
        document = {"server": server, "scenes": [one.json() for one in played], "report": report.json()}
        console.write(to_json(document, compact=format_ is Format.jsonl) + "\n")
    else:
        rows = [("ok" if one.ok else "failed", one.resolution.user_id or "", one.scene.title) for one in played]
        console.write("".join("\t".join(row if format_ is Format.tsv else row[1:2]) + "\n" for row in rows))
    return bool(played) and all(one.ok for one in played) and report.exit_code == 0


def _open(console: Console, server: str, *, joins: bool) -> None:
    """Say what follows, and on which server."""
    console.write(console.paint("Which user ID will an agent use?", "bold") + "\n")
    console.write(f"Five ways for a user ID to reach an agent, on a real server: {server}\n")
    if not joins:
        console.write("The extra rtc is not installed: nobody joins, the participant is taken from the token.\n")
        console.write("For real joins install lkctl with it; in its clone: pip install '.[rtc]'\n")
    console.flush()


def _tell_scene(console: Console, number: int, played: Played) -> None:
    """Show one scene: the commands, the answer, the line of the log."""
    console.write(f"\n{console.paint(f'{number}. {played.scene.title}', 'bold')}\n")
    for command in played.scene.commands:
        console.write(console.paint(f"   $ {command}", "dim") + "\n")
    if played.visitor:
        console.write(f"   {printable(played.visitor)} joined the room\n")
    resolution = played.resolution
    console.write(f"   -> {printable(resolution.user_id or 'no ID')}, from {resolution.source}\n")
    for line in resolution.log:
        console.write(f"   the agent logs: {printable(line)}\n")
    if played.ok:
        console.write(f"   {console.paint('✓ as expected', 'green')}\n")
    else:
        expected = f"{played.scene.expected} from {played.scene.source}"
        console.write(f"   {console.paint('✗ expected ' + expected, 'red')}\n")
    console.flush()


def _tell_diagnosis(diagnose: Diagnose, format_: Format, console: Console, *, people: bool) -> Report:
    if not people:
        return diagnose(iter)
    console.write(f"\n{console.paint('Is the deployment healthy?', 'bold')}\n")
    console.write(console.paint("   $ lkctl diagnose", "dim") + "\n")
    telling = Telling(format_, console)
    report = diagnose(telling)
    telling.conclude(report)
    return report


def _close(console: Console, played: list[Played]) -> None:
    """Say how it went, and where to go from here."""
    good = sum(1 for one in played if one.ok)
    style = "green" if good == len(played) else "red"
    console.write(f"\n{console.paint(f'{good} of {len(played)} scenes gave the expected ID.', style)}")
    console.write(" The rooms are deleted.\n")
    console.write("Next: lkctl server start --write-env .env.local, then type the commands above\n")
    console.write("(in scene 4 the visitor is in the room: a token alone puts nobody there)\n")

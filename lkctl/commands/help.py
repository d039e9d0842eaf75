"""`lkctl help TOPIC`, `lkctl help COMMAND`."""

from typing import Annotated

import typer

from lkctl.cli import NOUNS, root
from lkctl.errors import LkctlError
from lkctl.invocation import Invocation
from lkctl.options import OutputCommand, examples, use
from lkctl.output.format import Format

app = typer.Typer()


def _complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete topics and commands, with what they are about."""
    from lkctl.manual.entry import lines_below
    from lkctl.views.topics import TOPICS

    words = ctx.params.get("about") or ()
    topics = () if words else [(topic.name, topic.about) for topic in TOPICS]
    below = lines_below(root(), words)
    return [found for found in (*topics, *below) if found[0].startswith(incomplete)]


@app.command(
    "help",
    cls=OutputCommand,
    epilog=examples(
        "lkctl help",
        "lkctl help exit-codes",
        "lkctl help exit-codes -o json",
        "lkctl help room create",
        "lkctl help --json | jq -r '.commands[] | .name + \": \" + .summary'",
        "lkctl help --man room create | man -l -      # without a command: lkctl(1)",
    ),
)
def help_(
    ctx: typer.Context,
    about: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC|COMMAND...]", autocompletion=_complete, help="What to read about"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All commands, or this one, as JSON for programs")] = False,
    man: Annotated[bool, typer.Option("--man", help="Its man page, or without a command lkctl(1), as roff")] = False,
) -> None:
    """Read about exit codes, the environment, output, errors, checks and roles, or about a command.

    --json tells all there is to know of commands: arguments, options, types, defaults, choices, variables and examples,
    with exit codes and environment (schema lkctl.help/1).
    """
    run, words = use(ctx), about or []
    if as_json and man:
        raise LkctlError("usage", "--json excludes --man", hint="Give one or the other")
    if as_json or man or (words and words[0] in NOUNS):
        _tell_commands(run, words, as_json=as_json, man=man)
    else:
        from lkctl.views.topics import find_topic, topics_view

        run.show(find_topic(" ".join(words)) if words else topics_view())


def _tell_commands(run: Invocation, words: list[str], *, as_json: bool, man: bool) -> None:
    from lkctl.manual.document import help_record
    from lkctl.manual.entry import help_text
    from lkctl.manual.manpage import man_page

    wanted = run.format if run.format in {Format.json, Format.jsonl} else Format.json
    if man:
        run.console.write(man_page(root(), words))
    elif as_json or run.format is wanted:
        run._replace(format=wanted).show(help_record(root(), words))
    else:
        run.console.write(help_text(root(), words))

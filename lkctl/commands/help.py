"""`lkctl help TOPIC`."""

from typing import Annotated

import typer

from lkctl.options import OutputCommand, examples, use

app = typer.Typer()


def _topics(incomplete: str) -> list[tuple[str, str]]:
    """Complete topics, with what they are about."""
    from lkctl.views.topics import TOPICS

    return [(topic.name, topic.about) for topic in TOPICS if topic.name.startswith(incomplete)]


@app.command(
    "help", cls=OutputCommand, epilog=examples("lkctl help", "lkctl help exit-codes", "lkctl help exit-codes -o json")
)
def help_(
    ctx: typer.Context,
    topic: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", autocompletion=_topics, help="What to read about")
    ] = None,
) -> None:
    """Read about exit codes, the environment, output, errors, checks and roles."""
    from lkctl.views.topics import find_topic, topics_view

    run = use(ctx)
    run.show(topics_view() if topic is None else find_topic(topic))

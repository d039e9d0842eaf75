"""`lkctl version`."""

import platform

import typer

from lkctl import __version__
from lkctl.options import OutputCommand, examples, use
from lkctl.output.view import Record

app = typer.Typer()


@app.command("version", cls=OutputCommand, epilog=examples("lkctl version", "lkctl version -o json"))
def version(ctx: typer.Context) -> None:
    """Print the version of lkctl and of the Python that runs it."""
    facts = {"lkctl": __version__, "python": platform.python_version()}
    use(ctx).show(Record(facts, tuple(facts.items()), __version__))

"""`lkctl room list`."""

import typer

from lkctl.options import ServerCommand, examples, use

app = typer.Typer()


@app.command(
    "list",
    cls=ServerCommand,
    epilog=examples("lkctl room list", "lkctl room list -o json", "lkctl room list -o name | wc -l"),
)
def list_(ctx: typer.Context) -> None:
    """List the rooms of the server."""
    from lkctl.views.rooms import rooms_view

    run = use(ctx)
    run.show(rooms_view(run.api().list_rooms()))

"""`lkctl version`."""

import platform
from collections.abc import Mapping
from typing import Any

import typer

from lkctl import __version__
from lkctl.options import OutputCommand, examples, use
from lkctl.output.format import Format
from lkctl.output.view import Record

app = typer.Typer()


@app.command(
    "version",
    cls=OutputCommand,
    epilog=examples("lkctl version", "lkctl version -o json       # what belongs into a bug report"),
)
def version(ctx: typer.Context) -> None:
    """Print the version of lkctl and of the Python that runs it.

    -o json tells more: the system, the versions of LiveKit's packages, and where a livekit-server is found. It asks
    nobody, and names no path and no machine.
    """
    run = use(ctx)
    shown = {"lkctl": __version__, "python": platform.python_version()}
    facts = _facts() if run.format in {Format.json, Format.jsonl} else shown
    run.show(Record(facts, tuple(shown.items()), __version__))


def _facts() -> Mapping[str, Any]:
    """Collect what takes ten times as long as the rest."""
    from lkctl.versions import versions

    return {**versions(), "livekit_server": _server_origin()}


def _server_origin() -> str | None:
    """Say by which way `lkctl server` finds its program; None where it finds none."""
    import os

    from lkctl.errors import LkctlError
    from lkctl.localserver.program import find

    try:
        program = find(os.environ)
    except LkctlError:  # a variable that names no program; `lkctl server status` says so
        return None
    return program.origin if program else None

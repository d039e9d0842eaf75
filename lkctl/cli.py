"""The command tree, and the one edge where errors become words and exit codes."""

import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn, TextIO

import typer

from lkctl.errors import ExitCode, LkctlError
from lkctl.output.console import Console
from lkctl.tree import Tree

NOUNS: dict[str, tuple[str, str]] = {
    "token": ("lkctl.commands.token", "Mint, read and verify access tokens"),
    "room": ("lkctl.commands.room", "Create, list, inspect, change, delete, await and watch rooms"),
    "participant": ("lkctl.commands.participant", "List, inspect, change and remove the participants of a room"),
    "track": ("lkctl.commands.track", "List, mute and unmute the tracks of a room"),
    "dispatch": ("lkctl.commands.dispatch", "Send agents to rooms, and see what became of them"),
    "agent": ("lkctl.commands.agent", "Tell which user ID an agent will use in a room, and why"),
    "webhook": ("lkctl.commands.webhook", "Judge webhook deliveries, and receive them"),
    "env": ("lkctl.commands.env", "Check, show and write the settings"),
    "diagnose": ("lkctl.commands.diagnose", "Find out what is wrong with a deployment, and name the cause"),
    "smoke": ("lkctl.commands.smoke", "Try a deployment out for real, step by step, and leave nothing behind"),
    "demo": ("lkctl.commands.demo", "See the main job done on a real server, step by step"),
    "server": ("lkctl.commands.server", "Install and run a real livekit-server on this machine"),
    "version": ("lkctl.commands.version", "Print the version"),
    "help": ("lkctl.commands.help", "Read about exit codes, settings, output and roles"),
}


_COMPLETE = "_LKCTL_COMPLETE"


class Terminated(BaseException):
    """SIGTERM or SIGHUP; an exception, so that every `with` and `finally` on the way cleans up."""


def run(arguments: list[str]) -> int:
    """Run one command line; give its exit code. Every failure, ^C and SIGTERM end here, in words and a code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    streams = _streams()
    console = Console(
        stdout=streams[0], stderr=streams[1], stdin=streams[2], environ=os.environ, color=_color(arguments)
    )
    try:
        code = _dispatch(arguments, console)
        console.flush()
    except Exception as error:  # noqa: BLE001  (the one error edge)
        _deafen()
        return _fail(error, arguments, console)
    except KeyboardInterrupt:
        _deafen()
        return _end(LkctlError("interrupted", "interrupted"), arguments, console)
    except Terminated:
        _deafen()
        return _end(LkctlError("terminated", "terminated"), arguments, console)
    _deafen()
    return code


def root() -> Tree:
    """Make the command tree; nothing below it is imported yet."""
    return Tree("lkctl", NOUNS)


def _dispatch(arguments: list[str], console: Console) -> int:
    """Parse and run. Not by Typer's `main`, which gives ^C and a closed pipe exit codes of its own."""
    tree = root()
    if _COMPLETE in os.environ:
        return tree.complete(_COMPLETE, os.environ[_COMPLETE])
    try:
        with tree.make_context("lkctl", list(arguments), obj=console) as context:
            return int(tree.invoke(context) or 0)
    except typer.Exit as end:
        return end.exit_code


def _fail(error: Exception, arguments: list[str], console: Console) -> int:
    """Turn whatever came up into the exit code, saying it in the wanted form."""
    if isinstance(error, BrokenPipeError):
        _drop_stdout()
        return ExitCode.PIPE
    if isinstance(error, LkctlError):
        return _end(error, arguments, console)
    if hasattr(error, "format_message"):
        return _end(usage_error(error, arguments), arguments, console)
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
        _drop_stdout()
        return _end(
            LkctlError("file-unwritable", f"cannot write the output: {os.strerror(error.errno)}"), arguments, console
        )
    return _bug(error, arguments, console)


_UNWRITABLE = {5, 9, 27, 28}  # EIO, EBADF, EFBIG, ENOSPC


def usage_error(error: Any, arguments: list[str]) -> LkctlError:
    """Put Typer's usage error into our words."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else _path(arguments)
    message = error.format_message().rstrip(".")
    if type(error).__name__ == "NoArgsIsHelpError":
        return LkctlError("usage", f"{path} needs a command\n\n{message}", hint=f"Run: {path} --help")
    return LkctlError("usage", message[:1].lower() + message[1:], hint=f"Run: {path} --help")


def _path(arguments: list[str]) -> str:
    """Name the command that was meant, where the error does not."""
    named = arguments[:1] if arguments and arguments[0] in NOUNS else []
    verb = arguments[1:2] if named and arguments[1:2] and arguments[1].isalpha() else []
    return " ".join(["lkctl", *named, *verb])


def _end(error: LkctlError, arguments: list[str], console: Console) -> int:
    from lkctl.output.failure import write_failure

    write_failure(error, console, as_json=_wants_json(arguments))
    return error.exit_code


def _bug(error: Exception, arguments: list[str], console: Console) -> int:
    if "--debug" in arguments:
        import traceback

        console.complain("".join(traceback.format_exception(error)))
    place = _place(error)
    report = LkctlError(
        "bug",
        f"lkctl has a defect: {type(error).__name__} at {place}",
        hint="Run it again with --debug and report the output; it holds no secrets",
    )
    return _end(report, arguments, console)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        f"{trace.tb_frame.f_code.co_filename.rpartition(os.sep)[2]}:{trace.tb_lineno}" if trace else "an unknown place"
    )


def _wants_json(arguments: list[str]) -> bool:
    """Whether errors are to be JSON."""
    return (_word_of(arguments, "--output", "-o") or os.environ.get("LKCTL_OUTPUT", "")).lower() in {"json", "jsonl"}


def _color(arguments: list[str]) -> str:
    """Give the wish of `--color`, for errors that come before the options are parsed."""
    wish = _word_of(arguments, "--color") or os.environ.get("LKCTL_COLOR", "")
    return wish if wish in {"always", "never"} else "auto"


def _word_of(arguments: list[str], long: str, short: str = "\0") -> str:
    """Give the value of an option from the bare words: there may have been no successful parse."""
    found = ""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if word == "--":
            break
        if word in {long, short}:
            found = following
        elif word.startswith(f"{long}="):
            found = word.partition("=")[2]
        elif word.startswith(short) and not word.startswith("--"):
            found = word[2:].lstrip("=")
        elif word.endswith(short[1:]) and word[:1] == "-" and word[1:].isalpha():  # flags together, as in -qo json
            found = following
    return found


def _streams() -> tuple[TextIO, TextIO, TextIO]:
    """Give the standard streams; a closed one has a stand-in, and none can fail on a character it cannot encode."""
    sys.stdout = sys.stdout if sys.stdout is not None else _closed("w")  # Typer writes its help there by itself
    streams: list[Any] = []
    for stream, mode in ((sys.stdout, "w"), (sys.stderr, "w"), (sys.stdin, "r")):
        usable = stream if stream is not None else _closed(mode)
        if mode == "w" and hasattr(usable, "reconfigure"):
            usable.reconfigure(errors="backslashreplace")
        streams.append(usable)
    return streams[0], streams[1], streams[2]


def _closed(mode: str) -> Any:
    """Stand in for a stream that was closed before we began: what is written to it cannot be, and is not lost unheard.

    Opened the other way round, so that a write fails as it would with the closed one (EBADF).
    """
    number = os.open(os.devnull, os.O_RDONLY)
    return os.fdopen(number, mode, encoding="utf-8")


def _drop_stdout() -> None:
    """Point stdout to nowhere, so that flushing what is left in it cannot fail."""
    if sys.stdout is not None and hasattr(sys.stdout, "fileno"):
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            return


def _deafen() -> None:
    """Hear no more signals: what is left to do is to say how it ended, and that takes no time."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated

"""`lkctl dispatch …`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.errors import LkctlError
from lkctl.options import DryRun, Metadata, RoomName, ServerCommand, UserId, WaitingCommand, Yes, examples, use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lkctl.dispatch import Judged
    from lkctl.invocation import Invocation
    from lkctl.models import AgentRequest
    from lkctl.scenarios.dispatches import Sending
    from lkctl.scenarios.fates import Fate
    from lkctl.scenarios.withdrawal import DispatchKey
    from lkctl.server.api import Api

app = typer.Typer()


def _read_metadata(run: "Invocation", metadata: str | None, text: str | None, user_id: str | None) -> str | None:
    """Read the metadata of a dispatch: a JSON object, with a user ID in it if there is one, or any text."""
    if text is None:
        return _read_object(run, metadata, user_id)
    if metadata is not None or user_id is not None:
        told = "--metadata-text excludes --metadata and --user-id"
        raise LkctlError("usage", told, hint="A user ID goes into a JSON object: give --metadata")
    from lkctl.files.content import read_text

    return read_text(text, run.console.stdin)


def _read_object(run: "Invocation", metadata: str | None, user_id: str | None) -> str | None:
    try:
        return run.metadata(metadata, run.user_id(user_id))
    except LkctlError as error:
        if error.code != "input-malformed":
            raise
        raise LkctlError(error.code, error.message, hint=f"{error.hint}. For any other text: --metadata-text") from None


def _await_agent(run: "Invocation", api: "Api", sending: "Sending") -> "tuple[Sending, LkctlError | None]":
    """Wait for the agent; which dispatch it is, is told before, so that it is known whatever comes."""
    from lkctl.scenarios.arrival import await_agent, say_what_stays

    made = sending.judged.dispatch.id
    try:
        run.console.talk(f"dispatch {made} is made; waiting up to {run.timeout:g} s for its agent")
        with run.console.progress(f"waiting for the agent of dispatch {made}"):
            return await_agent(api, sending, run.timeout)
    except BaseException:  # ^C: also who asked for quiet must know what is left
        run.console.complain(f"dispatch {made} was made in room {sending.room!r}. {say_what_stays(sending)}")
        raise


def _tell(run: "Invocation", sending: "Sending", request: "AgentRequest", failure: LkctlError | None) -> int:
    """Show the dispatch; where no agent came, people have the error, and JSON has both."""
    from lkctl.output.format import Format
    from lkctl.views.dispatches import sending_view

    if failure is None or run.format in {Format.json, Format.jsonl}:
        run.show(sending_view(sending, request))
    if failure is not None:
        raise failure
    return 1 if sending.not_applied else 0


def _say_when_agents_leave(run: "Invocation", fates: "Sequence[Fate[DispatchKey]]") -> "Sequence[Fate[DispatchKey]]":
    """Say of dispatches that were deleted when their agents leave: at once, but no sooner than 5 s after each."""
    verdicts = {one.thing.verdict for one in fates if one.result == "deleted"}
    if verdicts & {"running", "too-early"}:
        run.console.talk("note: an agent that came, or is on its way, is told to leave, within 5 s of its dispatch")
    return fates


def _await_verdicts(
    run: "Invocation", room: str, agent_name: str | None
) -> "tuple[tuple[Judged, ...], LkctlError | None]":
    from lkctl.scenarios.arrival import await_verdicts

    with run.console.progress(f"waiting until it is not too early to say, up to {run.timeout:g} s"):
        return await_verdicts(run.api(), room, agent_name, run.timeout)


@app.command(
    "create",
    cls=WaitingCommand,
    epilog=examples(
        "lkctl dispatch create demo helper",
        "lkctl dispatch create demo helper --wait                   # exit 6 unless the agent comes within 30 s",
        """lkctl dispatch create demo helper --metadata '{"lang": "en"}' --user-id user_1704067200000_abc123""",
        "lkctl dispatch create demo helper --create-room --wait --timeout 1m -o json",
        "lkctl dispatch create demo --any-agent                     # a worker that registered without a name",
    ),
)
def create_dispatch(
    ctx: typer.Context,
    room: RoomName,
    agent_name: Annotated[
        str | None, typer.Argument(metavar="AGENT_NAME", help="The name that the worker registers; case counts")
    ] = None,
    any_agent: Annotated[bool, typer.Option("--any-agent", help="Ask for a worker without a name")] = False,
    metadata: Metadata = None,
    metadata_text: Annotated[
        str | None, typer.Option(metavar="TEXT|@FILE|-", help="Metadata that is not a JSON object")
    ] = None,
    user_id: UserId = None,
    create_room: Annotated[
        bool, typer.Option("--create-room", help="Create the room where it is missing, for this agent alone")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the agent is in the room")] = False,
    dry_run: DryRun = False,
) -> int:
    """Ask for an agent, and with --wait see it come.

    The server says yes to any name, whether a worker has it or not, and makes a missing room by the way; lkctl looks
    first, and with --wait says whether the agent is in the room, or why not: exit 6, or 1 where a worker refused for
    good; JSON has the dispatch also then. What no agent answers stays: see `lkctl dispatch list` and `… delete`.
    """
    from lkctl.scenarios.dispatches import insist_room, request_agent, send_agent
    from lkctl.views.dispatches import planned_view

    run = use(ctx)
    request = request_agent(agent_name, _read_metadata(run, metadata, metadata_text, user_id), any_agent=any_agent)
    api = run.api()
    if dry_run:
        run.show(planned_view(room, request, creates_room=insist_room(api, room, create=create_room)))
        return 0
    sending = send_agent(api, room, request, create_room=create_room)
    awaited, failure = _await_agent(run, api, sending) if wait else (sending, None)
    return _tell(run, awaited, request, failure)


@app.command(
    "list",
    cls=WaitingCommand,
    epilog=examples(
        "lkctl dispatch list demo",
        "lkctl dispatch list demo --require-running                   # exit 1 unless each has its agent in the room",
        "lkctl dispatch list demo --agent helper --require-running",
        "lkctl dispatch list demo -o json | jq -r '.[].verdict'",
    ),
)
def list_dispatch(
    ctx: typer.Context,
    room: RoomName,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Only dispatches of this agent name")] = None,
    any_agent: Annotated[
        bool, typer.Option("--any-agent", help="Only dispatches without an agent name, the automatic one too")
    ] = False,
    require_running: Annotated[
        bool, typer.Option("--require-running", help="Exit 1 unless there is one, and each has its agent in the room")
    ] = False,
) -> None:
    """List the dispatches of a room, each with a verdict.

    The verdict comes from jobs and participants: running (its agent is in the room), left (crashed, left or never
    came), refused, nobody (no worker of that name took it), too-early (to say). LiveKit's own job status is RUNNING for
    ever. An agent whose process was killed counts as running until the server misses it, up to 20 s.

    To a room for which nobody named agents, the server adds a dispatch for any worker without a name. For
    --require-running this automatic one counts only with --any-agent. --require-running waits while it is too early to
    say, about 10 s after a dispatch; exit 6 where --timeout is shorter.
    """
    from lkctl.scenarios.dispatches import list_dispatches, select_agent
    from lkctl.views.dispatches import dispatches_view

    run = use(ctx)
    wanted, failure = select_agent(agent, any_agent=any_agent), None
    if require_running:
        judged, failure = _await_verdicts(run, room, wanted)
    else:
        judged = list_dispatches(run.api(), room, wanted)
    run.show(dispatches_view(judged))
    if failure is not None:
        raise failure


@app.command(
    "delete",
    cls=ServerCommand,
    epilog=examples(
        "lkctl dispatch delete demo AD_7YFhzFGWfQ6r",
        "lkctl dispatch delete demo --agent helper --if-exists --yes",
        "lkctl dispatch delete demo --all --dry-run",
    ),
)
def delete_dispatch(
    ctx: typer.Context,
    room: RoomName,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="IDs of the dispatches")] = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="All dispatches of this agent name")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All dispatches of the room")] = False,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Exit 0 also where there is no such one")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Delete a dispatch, which ends its agent.

    The agent is told to leave at once; in the first 5 s of a dispatch, when they are over. Several dispatches take
    their number as the answer on the terminal. One that fails does not stop the others; the exit code is that of the
    worst failure.
    """
    from lkctl.scenarios.fates import planned, worst
    from lkctl.scenarios.withdrawal import Chosen, DispatchKey, delete_dispatches, plan_withdrawal
    from lkctl.views.fates import confirm, tell_fates

    run = use(ctx)
    api = run.api()
    chosen = Chosen(room, tuple(ids or ()), agent, all_, if_exists)
    plan = plan_withdrawal(api, chosen)
    names, where = [one.thing.said for one in planned(plan)], f"in room {room} on {api.url.http}, and end"
    single = f"Delete dispatch {''.join(names)} {where} its agent?"
    confirm(run, names, single, f"Delete {len(names)} dispatches {where} their agents", yes=yes or dry_run)
    fates = plan if dry_run else delete_dispatches(api, chosen, plan)
    done = tell_fates(run, fates, DispatchKey, "There was nothing to delete", alone=len(chosen.ids) == 1)
    return worst(_say_when_agents_leave(run, done))

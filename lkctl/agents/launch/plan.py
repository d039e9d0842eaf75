"""The options of `agent launch`, made into an order; what contradicts itself is refused before anything is asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from lkctl.agents.launch.order import Launched, Order, longest_wait
from lkctl.agents.launch.program import check_script
from lkctl.agents.simulation import read_wait
from lkctl.agents.trace.canary import CARRIERS, Canaries
from lkctl.agents.trace.reading import FIND_USER_ID
from lkctl.convention import check_metadata, check_name
from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.scenarios.resolution import Demands, agent_environment, make_policy
from lkctl.tokens.findings import Severity
from lkctl.userid import ENV_NAME, Policy


class Place(NamedTuple):
    """Where an agent is launched, and which one; with `canaries` in a room of their own."""

    room: str
    script: Path | None
    canaries: Canaries | None


def choose_place(wishes: "Wishes") -> Place:
    """Read ROOM, SCRIPT and --script; raise `usage` for what does not go together, `file-unreadable` for no script."""
    room, script, option, canary = wishes.room, wishes.script, wishes.option, wishes.canary
    if script is not None and option is not None:
        raise LkctlError("usage", "SCRIPT and --script name two scripts", hint="Give one or the other")
    if canary and room is not None:
        told = f"--canary makes a room of its own, and ROOM is {room!r}"
        raise LkctlError("usage", told, hint="Leave ROOM out, and name the script by --script FILE")
    if not canary and room is None:
        hint = "Give ROOM, or --canary for a scratch room. Which rooms are there? Run: lkctl room list"
        raise LkctlError("usage", "no room was named", hint=hint)
    canaries = Canaries.new() if canary else None
    given = script if script is not None else option
    name = canaries.room_name if canaries is not None else check_name(room or "", "room name")
    return Place(name, None if given is None else check_script(given), canaries)


class Wishes(NamedTuple):
    """The options that say what is launched, as they were given; `option` is --script."""

    room: str | None
    script: str | None
    option: str | None
    canary: bool
    create: bool
    trace: bool
    wait: str | None
    window: str
    python: str | None


class Variables(NamedTuple):
    """The options that say what the agent's environment is."""

    pairs: Sequence[str] | None
    file: str | None
    user_id: str | None


def make_order(
    wishes: Wishes, given: Variables, rules: Mapping[str, Any], metadata: str | None, seconds: float
) -> Order:
    """Make the order; raise `usage` for what does not go together. `seconds`: all that the launch may take."""
    place = choose_place(wishes)
    order = Order(
        room=place.room,
        seconds=seconds,
        script=place.script,
        python=wishes.python,
        env=_variables(given, place.canaries),
        rules=rules,
        policy=make_policy(**rules),
        wait=None if wishes.wait is None else read_wait(wishes.wait, longest_wait(seconds)),
        metadata=_metadata(metadata, place.canaries),
        create=wishes.create,
        window=parse_duration(wishes.window, "--window"),
        trace=wishes.trace,
        canaries=place.canaries,
    )
    _insist_time(order)
    return order


def insist_answerable(order: Order, demands: Demands) -> None:
    """Raise `usage` for what a script of the user's cannot be asked."""
    if order.script is not None and order.canaries is None and demands.any:
        told = "--expect and --require ask for a result, and a script of yours publishes none"
        hint = "Leave SCRIPT out for the bundled agent, or see what yours uses: --canary --expect SOURCE"
        raise LkctlError("usage", told, hint=hint)
    if order.canaries is not None and demands.user_id not in {None, *CARRIERS}:
        told = f"with --canary, --expect names a source, and {demands.user_id!r} is none"
        raise LkctlError("usage", told, hint=f"Choose: {', '.join(CARRIERS)}")
    if order.script is not None and order.policy != Policy():
        told = "the policy options say how the bundled agent searches, and a script searches in its own way"
        raise LkctlError("usage", told, hint="Leave them out, or leave SCRIPT out")


def _variables(given: Variables, canaries: Canaries | None) -> dict[str, str]:
    named, _ = agent_environment(given.pairs, given.file, use_my_env=False)
    if given.user_id is not None and named.get(ENV_NAME, given.user_id) != given.user_id:
        told = f"--user-id and --agent-env give the agent two user IDs in {ENV_NAME}"
        raise LkctlError("usage", told, hint="Give one or the other")
    canary = {} if canaries is None else canaries.environment
    return {**canary, **named, **({} if given.user_id is None else {ENV_NAME: given.user_id})}


def _metadata(given: str | None, canaries: Canaries | None) -> str:
    if given is not None:
        return check_metadata(given, "metadata of the dispatch")
    return "" if canaries is None else canaries.job_metadata


def _insist_time(order: Order) -> None:
    fixed = (order.wait.fixed if order.wait is not None else None) or 0.0
    waited = fixed + (order.window if order.script is not None else 0.0)
    if waited >= order.seconds:
        told = f"to wait and watch for {waited:g} s does not fit into --timeout {order.seconds:g}"
        raise LkctlError("usage", told, hint=f"Give more: --timeout {waited + 30:g}s")


def insist_met(launched: Launched, demands: Demands, fail_on: Severity) -> None:
    """Raise what the agent failed of, what is left behind, that no user came, or a demand that is not met.

    Flaws fail it that are as bad as `fail_on`, or worse.
    """
    if launched.failure is not None:
        raise launched.failure
    if launched.left:
        told = "; ".join(f"{step.what} {step.fate}" for step in launched.left)
        raise LkctlError("agent-remains", told, hint="Run: " + "; ".join(step.left for step in launched.left))
    if launched.expired:
        used = "a random ID" if launched.source == "random" else launched.user_id or "none"
        told = f"no user came into room {launched.room!r} within {launched.waited_s:g} s; the agent used {used}"
        raise LkctlError("wait-expired", told, hint="Give more time: --wait participant --timeout 2m; or --wait none")
    failure = _unmet(launched, demands)
    if failure:
        raise LkctlError("expectation-failed", failure, hint=_next_step(launched))
    flaws = [flaw.message for flaw in launched.flaws if flaw.severity.at_least(fail_on)]
    if flaws:
        raise LkctlError("expectation-failed", f"the agent reads wrongly: {'; '.join(flaws)}", hint=FIND_USER_ID)


def _next_step(launched: Launched) -> str:
    if launched.canaries:
        return "What it reads, and where, is listed with the canaries"
    return f"See every level: lkctl agent resolve {quote(launched.room)}"


def _unmet(launched: Launched, demands: Demands) -> str:
    if launched.canaries:
        return _unused(launched, demands)
    if launched.result is None:
        return ""
    if launched.source is None:
        return "the user ID is unresolved"
    if demands.user_id is not None and launched.user_id != demands.user_id:
        return f"expected the user ID {demands.user_id}, the agent used {launched.user_id} from {launched.source}"
    if demands.resolved and launched.source == "random":
        return "there is no user ID: the agent made a random one"
    return ""


def _unused(launched: Launched, demands: Demands) -> str:
    """Say which demand is not met by the canary that came out whole."""
    out = [f"a part of {one.source}" if one.part else one.source for one in launched.canaries if one.came_out]
    came_out = f"; came out: {', '.join(out) or 'none'}"
    if demands.user_id is not None and launched.source != demands.user_id:
        return f"expected that the agent uses {demands.user_id}{came_out}"
    if demands.resolved and launched.user_id is None:
        return f"it does not show which user ID the agent uses{came_out}"
    return ""

"""What `diagnose` is asked to judge, from its options."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lkctl.errors import LkctlError
from lkctl.invocation import Invocation

if TYPE_CHECKING:
    from lkctl.checks.world import Scope

_LONG = 60.0  # seconds for a run that joins or starts a job, where no --timeout is given


def read_scope(
    run: Invocation,
    *,
    token: str | None,
    source: str | None,
    agent: str | None,
    any_agent: bool,
    expect: str | None = None,
    **asked: Any,
) -> "Scope":
    """Read what is to be judged; raise `usage` for what does not go together or cannot be read.

    The token is given as it is, as `@FILE`, or as `-` for stdin.
    """
    from lkctl.checks.world import Scope

    asked["agent"] = _read_agent(agent, any_agent=any_agent)
    if asked["probe"] and asked["agent"] is None:
        hint = "Give --agent NAME, or --any-agent"
        raise LkctlError("usage", "--probe starts a job, and no --agent says of which agent", hint=hint)
    if asked["join_with_token"] and not (token and asked["media"]):
        raise LkctlError("usage", "--join-with-token needs --media and --token", hint="It joins with that token")
    if all((given or "").startswith("-") for given in (token, run.connection.api_secret)):
        raise LkctlError("usage", "stdin can be read once only", hint="Give --token @FILE or --api-secret @FILE")
    for name in ("worker", "token_endpoint"):
        _insist_http(f"--{name.replace('_', '-')}", asked[name])
    if source is not None and not Path(source).is_dir():
        what = "is not a folder" if Path(source).exists() else "does not exist"
        raise LkctlError("file-unreadable", f"--source {source} {what}", hint="Give the folder of your project")
    if expect is not None:
        from lkctl.files.expectfile import read_expectations

        asked["expect"] = read_expectations(Path(expect))
    return Scope(token=_read_token(run, token), source=None if source is None else Path(source), **asked)


def read_smoke_scope(run: Invocation, user_id: str, room_prefix: str, **asked: Any) -> "Scope":
    """Read what `smoke` is to make and to judge; raise `usage` for a user ID and a prefix that no server takes."""
    from lkctl import convention
    from lkctl.checks.world import Smoke

    convention.check_name(room_prefix, "room prefix")
    smoke = Smoke(run.user_id(user_id) or "", room_prefix, int(run.now * 1000))
    convention.check_name(smoke.new_room(), "room's name with this prefix")
    probe = asked["agent"] is not None or asked["any_agent"]
    return read_scope(run, probe=probe, join_with_token=False, source=None, worker="", smoke=smoke, **asked)


def with_patience(run: Invocation, scope: "Scope", *, given: bool) -> Invocation:
    """Give a run that joins or starts a job the time for it, unless --timeout was given."""
    return run if given or not (scope.media or scope.probe) else run._replace(timeout=_LONG)


def _read_agent(agent: str | None, *, any_agent: bool) -> str | None:
    if agent is None and not any_agent:
        return None
    from lkctl.scenarios.dispatches import select_agent

    return select_agent(agent, any_agent=any_agent)


def _read_token(run: Invocation, token: str | None) -> str:
    if token is not None and token[:1] in {"@", "-"}:
        from lkctl.files.content import read_text

        token = read_text(token, run.console.stdin)
    if token is not None and not token.strip():
        raise LkctlError("input-empty", "--token holds no token", hint="Mint one: lkctl token mint --user-id new")
    return (token or "").strip()


def _insist_http(option: str, address: str) -> None:
    """Refuse what is no address of a web server; the rest of it is judged by the checks."""
    scheme, mark, rest = address.partition("://")
    host = rest.partition("/")[0].partition("?")[0]
    if address and not (mark and scheme.lower() in {"http", "https"} and host.strip(":")):
        hint = "Write it like http://localhost:8081"
        raise LkctlError("usage", f"{option} is {address!r}, which is no http:// or https:// address", hint=hint)

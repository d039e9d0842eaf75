"""Dispatches deleted, which ends their agents; each with what became of it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from shlex import quote
from typing import NamedTuple

from lkctl.dispatch import Judged
from lkctl.errors import LkctlError
from lkctl.scenarios.dispatches import look_at_agents
from lkctl.scenarios.fates import Fate, Result, carry_out
from lkctl.server.api import Api, dispatch_missing, room_missing
from lkctl.tokens.document import shown


class DispatchKey(NamedTuple):
    """What is known of a dispatch before it is deleted; None where there is no such dispatch."""

    id: str
    agent_name: str | None = None
    verdict: str | None = None

    @property
    def said(self) -> str:
        """Name it in a sentence."""
        return f"{self.id} ({shown(self.agent_name) if self.agent_name else 'any agent'}, {self.verdict})"


class Chosen(NamedTuple):
    """Which dispatches of a room are meant: by ID, those of an agent name, or every one."""

    room: str
    ids: tuple[str, ...] = ()
    agent_name: str | None = None
    every: bool = False
    if_exists: bool = False

    def absent(self, key: DispatchKey) -> Fate[DispatchKey]:
        """Tell of a dispatch that is not there: an error where it was named by its ID, unless that is fine."""
        fine = self.if_exists or key.id not in self.ids
        return Fate(key, Result.missing, None if fine else dispatch_missing(self.room, key.id))


def plan_withdrawal(api: Api, chosen: Chosen) -> list[Fate[DispatchKey]]:
    """Find the dispatches that are meant, in the order of the IDs, or of their creation.

    Raises `usage` unless one way to name them is used, `room-missing`, and `dispatch-missing` for an agent name that
    no dispatch has.
    """
    if bool(chosen.ids) + (chosen.agent_name is not None) + chosen.every != 1:
        raise LkctlError("usage", "say in one way which dispatches", hint="Give IDs, or --agent NAME, or --all")
    there = {one.dispatch.id: Fate(_key(one), Result.planned) for one in _look(api, chosen)}
    if chosen.ids:
        ids = dict.fromkeys(chosen.ids)
        return [there.get(wanted) or chosen.absent(DispatchKey(wanted)) for wanted in ids]
    plan = [one for one in there.values() if chosen.every or one.thing.agent_name == chosen.agent_name]
    if not (plan or chosen.every or chosen.if_exists):
        raise _no_such_agent(chosen.room, chosen.agent_name or "")
    return plan


def delete_dispatches(api: Api, chosen: Chosen, plan: Iterable[Fate[DispatchKey]]) -> Iterator[Fate[DispatchKey]]:
    """Delete what is planned, see that it is gone, and tell of each dispatch (`carry_out`)."""
    return carry_out(api, plan, partial(_delete, chosen))


def _look(api: Api, chosen: Chosen) -> Sequence[Judged]:
    if api.find_room(chosen.room) is not None:  # for a room that is missing, the server needs 3 s
        return look_at_agents(api, chosen.room).judged()
    if chosen.if_exists:
        return ()
    raise room_missing(chosen.room, api.url)


def _key(one: Judged) -> DispatchKey:
    return DispatchKey(one.dispatch.id, one.dispatch.agent_name, one.verdict)


def _delete(chosen: Chosen, api: Api, key: DispatchKey) -> Fate[DispatchKey]:
    try:
        api.delete_dispatch(chosen.room, key.id)
        left = {dispatch.id for dispatch in api.list_dispatches(chosen.room)}
    except LkctlError as error:
        if error.code == "dispatch-missing" or _is_room_gone(api, chosen.room, error):
            return chosen.absent(key)
        raise
    if key.id in left:
        told = f"{api.url.http} says that it deleted dispatch {key.id!r} in room {chosen.room!r}, and still lists it"
        raise LkctlError("server-error", told, hint=f"Look again: lkctl dispatch list {quote(chosen.room)}")
    return Fate(key, Result.deleted)


def _is_room_gone(api: Api, room: str, error: LkctlError) -> bool:
    return error.code == "server-unavailable" and api.renewed().find_room(room) is None


def _no_such_agent(room: str, agent_name: str) -> LkctlError:
    told = f"room {room!r} has no dispatch of the agent {shown(agent_name)}"
    return LkctlError("dispatch-missing", told, hint=f"Names are case-sensitive: lkctl dispatch list {quote(room)}")

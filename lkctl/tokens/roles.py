"""Presets of grants: what a token is for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lkctl.errors import LkctlError


class Role(NamedTuple):
    """A preset of video grants. What is for one room (roomJoin, roomAdmin) gets the room when it is minted."""

    help: str
    video: Mapping[str, Any] = {}
    kind: str | None = None


_JOIN = {"roomJoin": True}

ROLES: Mapping[str, Role] = {
    "participant": Role("joins a room; may publish, subscribe and send data", _JOIN),
    "viewer": Role("joins a room to watch and listen", {**_JOIN, "canPublish": False, "canPublishData": False}),
    "publisher": Role("joins a room to publish, and receives nothing", {**_JOIN, "canSubscribe": False}),
    "agent": Role("joins a room as an agent", {**_JOIN, "agent": True, "canUpdateOwnMetadata": True}, kind="agent"),
    "recorder": Role(
        "joins a room unseen, to record it", {**_JOIN, "canPublish": False, "hidden": True, "recorder": True}
    ),
    "admin": Role(
        "uses the server API: rooms, recording, ingress; joins nothing",
        {"roomCreate": True, "roomList": True, "roomRecord": True, "ingressAdmin": True},
    ),
    "room-admin": Role("administers one room through the server API; does not join it", {"roomAdmin": True}),
    "none": Role("has no grants but those that are named"),
}


def find_role(name: str) -> Role:
    """Give a role; raise `usage` naming the roles there are."""
    role = ROLES.get(name)
    if role is None:
        from difflib import get_close_matches

        near = get_close_matches(name, ROLES, 1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise LkctlError("usage", f"there is no role {name!r}", hint=f"{meant}The roles: {', '.join(ROLES)}")
    return role
